"""A small OData 4 service of three entity sets: what a listing, a precondition and a delta link must do, and no more.

People change `rows` by `insert`, `edit` and `delete`, which write the log that delta links read.
"""

import asyncio
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from threading import Event, Thread
from typing import Any
from urllib.parse import quote, unquote
from uuid import UUID

from accord.connectors.rest.answers import decode
from accord.model import Natives
from tests.ports.rest.fake import Call, Fake, Reply

PAGE = 10
METADATA = """<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
<Schema Namespace="Own.Model" Alias="Self" xmlns="http://docs.oasis-open.org/odata/ns/edm">
  <EnumType Name="State"><Member Name="Open"/><Member Name="Done"/></EnumType>
  <TypeDefinition Name="Money" UnderlyingType="Edm.Decimal" Precision="15" Scale="2"/>
  <ComplexType Name="Place"><Property Name="City" Type="Edm.String" MaxLength="40"/></ComplexType>
  <EntityType Name="Thing" Abstract="true">
    <Key><PropertyRef Name="Id"/></Key>
    <Property Name="Id" Type="Edm.{key}" Nullable="false"><Annotation Term="Core.Computed"/></Property>
    <Property Name="ChangedAt" Type="Edm.DateTimeOffset" Precision="3"/>
  </EntityType>
  <EntityType Name="Order" BaseType="Self.Thing">
    <Property Name="Name" Type="Edm.String" MaxLength="200"/>
    <Property Name="Note" Type="Edm.String"/>
    <Property Name="Ref" Type="Edm.String" MaxLength="40"/>
    <Property Name="Code" Type="Edm.String" MaxLength="20" Nullable="false"/>
    <Property Name="Price" Type="Self.Money"/>
    <Property Name="Stock" Type="Edm.Int64"/>
    <Property Name="State" Type="Self.State"/>
    <Property Name="Due" Type="Edm.Date"/>
    <Property Name="Effort" Type="Edm.Duration"/>
    <Property Name="Ship" Type="Self.Place"/>
    <Property Name="Tags" Type="Collection(Edm.String)"/>
    <Property Name="CustomerId" Type="Edm.Int32"/>
    <NavigationProperty Name="Customer" Type="Self.Customer">
      <ReferentialConstraint Property="CustomerId" ReferencedProperty="Id"/></NavigationProperty>
  </EntityType>
  <EntityType Name="Customer"><Key><PropertyRef Name="Id"/></Key>
    <Property Name="Id" Type="Edm.Int32" Nullable="false"/></EntityType>
  <EntityType Name="Line"><Key><PropertyRef Name="OrderId"/><PropertyRef Name="Number"/></Key>
    <Property Name="OrderId" Type="Edm.Int32" Nullable="false"/>
    <Property Name="Number" Type="Edm.Int32" Nullable="false"/></EntityType>
  <EntityContainer Name="All">
    <EntitySet Name="Orders" EntityType="Self.Order">
      <NavigationPropertyBinding Path="Customer" Target="Customers"/></EntitySet>
    <EntitySet Name="Customers" EntityType="Self.Customer"/>
    <EntitySet Name="Lines" EntityType="Self.Line"/>
  </EntityContainer>
  <Annotations Target="Self.All/Orders"><Annotation Term="Org.OData.Core.V1.OptimisticConcurrency"/></Annotations>
</Schema></edmx:DataServices></edmx:Edmx>
"""
EMPTY = dict.fromkeys(("Name", "Note", "Ref", "Code", "Price", "Stock", "State", "Due", "Effort", "CustomerId"))
EXACT = ("Price", "Stock")


class Service(Fake):
    """Orders in a dict. `key` is the type of their ids: Int32, Guid or String."""

    def __init__(
        self, key: str = "Int32", *, etags: bool = True, representation: bool = True, upserts: bool = True
    ) -> None:
        super().__init__()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.key, self.etags, self.representation, self.upserts = key, etags, representation, upserts
        self.rows: dict[str, dict[str, Any]] = {}
        self.log: list[tuple[str, str]] = []
        """(id, `changed` or `deleted`), as delta links read it."""
        self.kept_from = 0
        """Delta links to a place before this one have expired."""
        self.partial = False
        """Whether changes show only some properties."""
        self._last = 0
        self._tick = 0

    # a person

    def insert(self, natives: Natives) -> str:
        self._last += 1
        id = str(natives.get("Id") or self._new_id())
        row: dict[str, Any] = {
            "Id": int(id) if self.key == "Int32" else id,
            **EMPTY,
            "Ship": {"City": None},
            "Tags": [],
        }
        self.rows[id] = row
        self.edit(id, natives)
        return id

    def _new_id(self) -> str:
        numbered = {"Guid": str(UUID(int=self._last)), "String": f"it's a/b {self._last}%"}
        return numbered.get(self.key, str(self._last))

    def edit(self, id: str, natives: Natives) -> None:
        row = self.rows[id]
        for path, value in natives.items():
            head, _, rest = path.partition(".")
            if rest:
                row[head] = {**row[head], rest: value}
            elif head in EXACT and value is not None:
                row[head] = Decimal(str(value))
            else:
                row[head] = value
        self._tick += 1
        row["ChangedAt"] = (
            f"2026-01-01T00:{self._tick // 60000:02d}:{self._tick // 1000 % 60:02d}.{self._tick % 1000:03d}Z"
        )
        self.log.append((id, "changed"))

    def delete(self, id: str) -> None:
        del self.rows[id]
        self.log.append((id, "deleted"))

    def get(self, id: str) -> Natives | None:
        row = self.rows.get(id)
        return None if row is None else {**row, "Ship.City": row["Ship"]["City"]}

    # the service

    def _chosen(self, call: Call) -> Any:
        path, key = _address(call.path)
        if path == "$metadata":
            return Reply(METADATA.replace("{key}", self.key).encode(), headers={"Content-Type": "application/xml"})
        if path != "Orders":
            return _error(404, "no such resource")
        if key is None:
            return self._created(call) if call.method == "POST" else self._listed(call)
        id = self._id(key)
        if id is None:
            return _error(400, f"a key of type Edm.{self.key} was expected")
        match call.method:
            case "GET":
                return self._shown(id, call) if id in self.rows else _error(404, "no such order")
            case "PATCH":
                return self._patched(id, call)
        if (refused := self._refused(id, call)) is not None:
            return refused
        self.delete(id)
        return Reply(b"", 204)

    def _id(self, key: str) -> str | None:
        text = unquote(key)
        if self.key == "String":
            return text[1:-1].replace("''", "'") if re.fullmatch(r"'([^']|'')+'", text) else None
        pattern = r"\d+" if self.key == "Int32" else r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
        return text if re.fullmatch(pattern, text) else None

    def _refused(self, id: str, call: Call) -> Reply | None:
        """By the precondition, before it is looked whether there is such a record, as some services do it."""
        match = call.headers.get("If-Match")
        if self.etags and match is None and id in self.rows:
            return _error(428, "If-Match is needed")
        if match not in (None, "*") and (id not in self.rows or match != self._etag(id)):
            return _error(412, "the order has changed")
        return None if id in self.rows or match is None else _error(404, "no such order")

    def _etag(self, id: str) -> str:
        return f'W/"{self.rows[id]["ChangedAt"]}"'

    def _patched(self, id: str, call: Call) -> Reply:
        if (refused := self._refused(id, call)) is not None:
            return refused
        if (wrong := self._wrong(call, id)) is not None:
            return wrong
        if id in self.rows:
            self.edit(id, _flat(decode(call.body)))
        elif self.upserts:
            self.insert({**_flat(decode(call.body)), "Id": id})
        return self._answered(id, call, 200)

    def _created(self, call: Call) -> Reply:
        if (wrong := self._wrong(call, None)) is not None:
            return wrong
        return self._answered(self.insert(_flat(decode(call.body))), call, 201)

    def _wrong(self, call: Call, id: str | None) -> Reply | None:
        body = decode(call.body)
        typed = "IEEE754Compatible=true" in call.headers.get("Content-Type", "")
        if typed and any(isinstance(body.get(name), int | Decimal) for name in EXACT):
            return _error(400, "with IEEE754Compatible=true decimals are text")
        taken = any(row["Code"] == body.get("Code") for other, row in self.rows.items() if other != id)
        return _error(409, "there is such a code") if body.get("Code") is not None and taken else None

    def _answered(self, id: str, call: Call, status: int) -> Reply:
        place = f"Orders({self._literal(id)})"
        headers = {"Location": f"{self.url}/{place}", "OData-EntityId": f"{self.url}/{place}"} if status == 201 else {}
        if not self.representation or "return=representation" not in call.headers.get("Prefer", ""):
            return Reply(b"", 204, headers)
        return Reply({"@odata.context": "$metadata#Orders/$entity", **self._body(id, call)}, status, headers)

    def _literal(self, id: str) -> str:
        return quote("'" + id.replace("'", "''") + "'", safe="'") if self.key == "String" else id

    def _shown(self, id: str, call: Call) -> Reply:
        return Reply({"@odata.context": "$metadata#Orders/$entity", **self._body(id, call)})

    def _body(self, id: str, call: Call, only: list[str] | None = None) -> dict[str, Any]:
        row = {name: value for name, value in self.rows[id].items() if only is None or name in only}
        if "IEEE754Compatible=true" in call.headers.get("Accept", ""):
            row |= {name: str(row[name]) for name in EXACT if row.get(name) is not None}
        return {"@odata.etag": self._etag(id), **row} if self.etags else row

    def _listed(self, call: Call) -> Reply:
        asked = dict(call.query)
        if "$deltatoken" in asked:
            return self._changes(int(asked["$deltatoken"]), call)
        chosen = [id for id, row in self.rows.items() if _holds(asked.get("$filter"), row)]
        chosen.sort(key=lambda id: (len(id), id) if self.key == "Int32" else (0, id))
        start, size = int(asked.get("$skiptoken", 0)), int(asked.get("$top", PAGE))
        page, only = chosen[start : start + min(size, PAGE)], asked["$select"].split(",")
        body: dict[str, Any] = {"@odata.context": "$metadata#Orders"}
        if asked.get("$count") == "true":
            body["@odata.count"] = str(len(chosen))
        body["value"] = [self._body(id, call, only) for id in page]
        if start + PAGE < len(chosen) and "$top" not in asked:
            more = "&".join(
                f"{name}={quote(value)}"
                for name, value in {**asked, "$skiptoken": start + PAGE}.items()
                for value in [str(value)]
            )
            body["@odata.nextLink"] = f"Orders?{more}"
        elif "odata.track-changes" in call.headers.get("Prefer", ""):
            body["@odata.deltaLink"] = f"Orders?$deltatoken={len(self.log)}"
        tracked = "odata.track-changes" in call.headers.get("Prefer", "")
        return Reply(body, headers={"Preference-Applied": "odata.track-changes"} if tracked else {})

    def _changes(self, since: int, call: Call) -> Reply:
        if since < self.kept_from:
            return _error(410, "the changes since then are not kept")
        latest = dict(self.log[since:])
        value: list[dict[str, Any]] = []
        for id, what in latest.items():
            if what == "deleted":
                value.append({"@removed": {"reason": "deleted"}, "@odata.id": f"Orders({self._literal(id)})"})
            else:
                value.append(self._body(id, call, ["Id", "Name"] if self.partial else None))
        return Reply(
            {
                "@odata.context": "$metadata#Orders/$delta",
                "value": value,
                "@odata.deltaLink": f"Orders?$deltatoken={len(self.log)}",
            }
        )


def _address(path: str) -> tuple[str, str | None]:
    """`/Orders(1)` is Orders and `1`, as it stands there."""
    name, bracket, rest = path.removeprefix("/").partition("(")
    return unquote(name), rest.removesuffix(")") if bracket else None


def _error(status: int, message: str) -> Reply:
    return Reply({"error": {"code": str(status), "message": message}}, status)


def _flat(body: dict[str, Any]) -> dict[str, Any]:
    inner = {
        f"{name}.{key}": part for name, value in body.items() if isinstance(value, dict) for key, part in value.items()
    }
    return {**{name: value for name, value in body.items() if not isinstance(value, dict)}, **inner}


_PART = re.compile(r"(\w+(?:/\w+)?) (eq|ge|ne) ('(?:[^']|'')*'|[^\s()']+)")


def _holds(text: str | None, row: dict[str, Any]) -> bool:
    """`a eq 'x' and (b ge 3)`: comparisons, all of which must be true. Anything else is a fault of the test."""
    if not text:
        return True
    parts = _PART.findall(text)
    assert re.sub(r"[()]|\band\b|\s", "", _PART.sub("", text)) == "", text
    return all(_compare(row, path.split("/"), how, value) for path, how, value in parts)


def _compare(row: Any, way: list[str], how: str, text: str) -> bool:
    value: Any = row
    for step in way:
        value = value[step]
    if text == "null":
        return (value is None) == (how == "eq")
    other: Any = text[1:-1].replace("''", "'") if text[0] == "'" else text
    if isinstance(value, int | Decimal):
        value, other = Decimal(value), Decimal(other)
    compared: dict[str, Callable[[], bool]] = {
        "eq": lambda: bool(value == other),
        "ne": lambda: bool(value != other),
        "ge": lambda: value is not None and bool(value >= other),
    }
    return compared[how]()


@contextmanager
def beside(service: Service) -> Iterator[Service]:
    """The service in a thread of its own, for tests that call Accord as a command."""
    started, ended = Event(), Event()

    async def run() -> None:
        async with service:
            started.set()
            await asyncio.get_running_loop().run_in_executor(None, ended.wait)

    thread = Thread(target=lambda: asyncio.run(run()))
    thread.start()
    try:
        assert started.wait(10)
        yield service
    finally:
        ended.set()
        thread.join(10)
