// Orders and tags on odata-v4-server, in memory. Its protocol is the library's; here is only what a business would write.
require("reflect-metadata");
const { Edm, ODataController, ODataServer, ResourceNotFoundError, odata } = require("odata-v4-server");
const { createFilter } = require("odata-v4-inmemory");

// decorators of TypeScript, called as plain functions; the library goes by the names of parameters
const on = (type, name, decorator) => {
  const descriptor = Object.getOwnPropertyDescriptor(type.prototype, name);
  decorator(type.prototype, name, descriptor);
};
const at = (type, name, index, decorator) => decorator(type.prototype, name, index);
const typed = (type, fields) => {
  for (const [name, ...decorators] of fields) decorators.forEach((one) => one(type.prototype, name));
};

class Order {}
typed(Order, [
  ["Id", Edm.Key, Edm.Computed, Edm.Int32],
  ["Name", Edm.String],
  ["Note", Edm.String],
  ["Code", Edm.String],
  ["Price", Edm.Decimal],
  ["Due", Edm.Date],
]);

class Tag {}
typed(Tag, [["Name", Edm.Key, Edm.String], ["Colour", Edm.String], ["Remark", Edm.String], ["Weight", Edm.Decimal]]);

const controller = (id, blank) => {
  const rows = new Map();
  let last = 0;
  const found = (key) => {
    if (!rows.has(key)) throw new ResourceNotFoundError();
    return rows.get(key);
  };
  class Rows extends ODataController {
    find(filter) {
      const all = [...rows.values()];
      return filter ? all.filter(createFilter(filter)) : all;
    }
    one(key) {
      return found(key);
    }
    insert(body) {
      const row = { ...blank, ...body };
      if (id === "Id") row.Id = ++last;
      rows.set(row[id], row);
      return row;
    }
    patch(key, delta) {
      Object.assign(found(key), delta);
    }
    remove(key) {
      found(key);
      rows.delete(key);
    }
  }
  // the library tells controllers apart by the names of their classes
  Object.defineProperty(Rows, "name", { value: `${id}Rows` });
  on(Rows, "find", odata.GET);
  at(Rows, "find", 0, odata.filter);
  on(Rows, "one", odata.GET);
  at(Rows, "one", 0, odata.key);
  on(Rows, "insert", odata.POST);
  at(Rows, "insert", 0, odata.body);
  on(Rows, "patch", odata.PATCH);
  at(Rows, "patch", 0, odata.key);
  at(Rows, "patch", 1, odata.body);
  on(Rows, "remove", odata.DELETE);
  at(Rows, "remove", 0, odata.key);
  return Rows;
};

const nothing = (...names) => Object.fromEntries(names.map((name) => [name, null]));
const Orders = controller("Id", nothing("Name", "Note", "Code", "Price", "Due"));
const Tags = controller("Name", nothing("Colour", "Remark", "Weight"));
odata.type(Order)(Orders);
odata.type(Tag)(Tags);

class Shop extends ODataServer {}
odata.namespace("Shop")(Shop);
odata.controller(Orders, "Orders", Order)(Shop);
odata.controller(Tags, "Tags", Tag)(Shop);
Shop.create("/odata", Number(process.argv[2]), "127.0.0.1");
