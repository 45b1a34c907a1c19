"""`connector: openapi`: what a document gives, what the file says over it, and what has to be asked for."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from openapi_documents import (
    CUSTOMER,
    LISTED,
    PLAIN,
    TEXT,
    body,
    crud,
    django,
    document,
    fastapi,
    query,
    rails,
    ref,
    spring,
    swagger,
)
from project_files import loaded, problems

from accord.config.meaning import Datatype, Project
from accord.errors import Problem

FILE = "accord: 1\nsystems:\n  crm:\n    connector: openapi\n    spec: crm.json\n{more}flows: {{}}\n"


def file_of(tmp_path: Path, spec: Any, more: str = "", name: str = "crm.json") -> str:
    (tmp_path / name).write_text(spec if isinstance(spec, str) else json.dumps(spec), "utf-8")
    lines = "".join(f"    {line}\n" for line in more.splitlines())
    return FILE.format(more=lines)


def project_of(tmp_path: Path, spec: Any, more: str = "") -> Project:
    return loaded(tmp_path, file_of(tmp_path, spec, more))


def only(tmp_path: Path, spec: Any, more: str = "") -> Datatype:
    (datatype,) = project_of(tmp_path, spec, more).systems["crm"].datatypes.values()
    return datatype


def wrong(tmp_path: Path, spec: Any, more: str = "") -> Problem:
    (found,) = problems(tmp_path, file_of(tmp_path, spec, more))
    return found


def types_of(datatype: Datatype) -> dict[str, str | None]:
    return {path: one.type for path, one in datatype.properties.items()}


# what is derived


def test_separate_schemas_for_reading_and_writing(tmp_path: Path) -> None:
    """What only the readable schema has is read only; what only the create takes is written once; null is no type."""
    people = only(tmp_path, fastapi())
    assert (people.name, people.id, people.modified) == ("people", "uuid", "changed")
    assert people.options["list"] == {
        "method": "GET",
        "path": "/people/",
        "params": {},
        "records": "items",
        "total": "total",
        "paginator": {"type": "page_number", "page_param": "page", "size_param": "size", "size": 100, "first": 1},
    }
    assert people.options["get"] == {"method": "GET", "path": "/people/{id}", "gone_when_empty": False}
    assert {path: kind for path, kind in types_of(people).items() if "owner" not in path} == {
        "uuid": "string",
        "name": "string",
        "email": "email",
        "born": "date",
        "kind": "enum",
        "company.id": "string",
        "company.title": "string",
        "tags[]": "list(string)",
        "lines[].sku": "list(string)",
        **{f"lines[].{'parent.' * depth}sku": "list(string)" for depth in range(1, 5)},
        "changed": "datetime",
    }
    told = people.properties
    assert [path for path in ("uuid", "name", "kind", "changed", "company.title") if told[path].read_only] == [
        "uuid",
        "changed",
        "company.title",
    ]
    assert (told["name"].required, told["name"].max_length) == (True, 40)
    assert (told["kind"].values, told["kind"].create_only, told["email"].create_only) == (("a", "b"), True, False)
    assert told["company.id"].write_as == "company_id"
    assert "password" not in told


def test_circles_of_schemas_end(tmp_path: Path) -> None:
    """A person owns a company that a person owns: as deep as five, and no deeper."""
    depths = {path.count(".") for path in only(tmp_path, fastapi()).properties}
    assert max(depths) == 5


def test_swagger_2(tmp_path: Path) -> None:
    """Parameters in the body, of the path, a status that YAML would read as a number, and a list in an envelope."""
    orders = only(tmp_path, swagger(), "auth: none")
    assert project_of(tmp_path, swagger()).systems["crm"].options["base_url"] == "https://shop.example/v2"
    assert (orders.id, orders.options["list"]["records"], orders.options["list"]["total"]) == (
        "number",
        "data.list",
        "data.total",
    )
    assert orders.options["list"]["paginator"] == {
        "type": "offset",
        "offset_param": "offset",
        "limit_param": "limit",
        "size": 250,
    }
    assert orders.options["get"]["record"] == "data"
    assert orders.options["update"]["method"] == "PUT"
    assert orders.options["update"]["send"] == "all"
    assert types_of(orders) == {"number": "string", "total": "decimal", "revision": "integer"}


def test_a_wrapped_record_and_the_header_link(tmp_path: Path) -> None:
    customers = only(tmp_path, rails())
    assert customers.options["list"]["paginator"] == {"type": "link_header", "size_param": "per_page", "size": 100}
    assert (customers.options["create"]["wrap"], customers.options["create"]["record"]) == ("customer", "customer")
    assert customers.options["update"]["wrap"] == "customer"


def test_pages_from_zero_in_hal(tmp_path: Path) -> None:
    listing = only(tmp_path, spring()).options["list"]
    assert (listing["records"], listing["total"]) == ("_embedded.customers", "page.totalElements")
    assert listing["paginator"]["first"] == 0


def test_the_address_of_the_next_page(tmp_path: Path) -> None:
    customers = only(tmp_path, django())
    assert customers.options["list"]["paginator"] == {
        "type": "next_url",
        "path": "next",
        "size_param": "limit",
        "size": 100,
    }
    assert customers.options["delete"]["path"] == "/customers/{id}/"


def test_etag_idempotency_and_what_changed(tmp_path: Path) -> None:
    spec = document(
        crud("/customers", ref("Customer"), LISTED, query("updated_since", format="date-time"), query("name"))
    )
    spec["components"]["schemas"]["Customer"] = CUSTOMER
    header = {"in": "header", "schema": TEXT}
    spec["paths"]["/customers/{id}"]["patch"]["parameters"] = [{**header, "name": "If-Match"}]
    spec["paths"]["/customers"]["post"]["parameters"] = [{**header, "name": "Idempotency-Key"}]
    customers = only(tmp_path, spec)
    assert customers.version is not None
    assert customers.version.kind == "etag"
    assert customers.options["create"]["idempotency_header"] == "Idempotency-Key"
    assert customers.options["list"]["changed_since"] == {"param": "updated_since", "format": "iso8601"}
    assert customers.options["find"]["params"] == {"name": "name"}


def test_a_time_without_a_format_is_left_open(tmp_path: Path) -> None:
    """Everything is read then, which is slow and right."""
    spec = document(crud("/customers", ref("Customer"), LISTED, query("updated_since")), {"Customer": CUSTOMER})
    project = project_of(tmp_path, spec)
    assert "changed_since" not in project.datatype("crm", "customers").options["list"]
    told = {one.key: one for one in project.systems["crm"].derived["customers"]}
    assert told["list.changed_since"].value is None
    assert "has no format" in told["list.changed_since"].source


def test_references_lead_to_files_beside_the_document(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "customer.yaml").write_text(
        "properties:\n  id: {type: string}\n  address: {$ref: 'parts.yaml#/address'}\n", "utf-8"
    )
    (tmp_path / "schemas" / "parts.yaml").write_text("address: {properties: {city: {type: string}}}\n", "utf-8")
    one = {"$ref": "schemas/customer.yaml"}
    customers = only(tmp_path, document(crud("/customers", one, {"type": "array", "items": one})))
    assert types_of(customers) == {"id": "string", "address.city": "string"}


# which datatype is which


def test_a_flow_names_what_it_needs(tmp_path: Path) -> None:
    """By its singular; what no flow names is left out, and need not be whole."""
    odd = {"/odd": {"get": {"responses": {"200": body({"properties": {"a": LISTED, "b": LISTED}})}}}, "/odd/{id}": {}}
    spec = document({**crud("/customers", ref("Customer"), LISTED), **odd}, {"Customer": CUSTOMER})
    more = file_of(tmp_path, spec).replace(
        "flows: {}",
        "  memo: {connector: memory, datatypes: {customer: }}\n"
        "flows: {customer: {crm: customer, memo: customer, rows: []}}",
    )
    assert list(loaded(tmp_path, more).systems["crm"].datatypes) == ["customer"]


def test_a_path_with_the_shop_that_is_meant(tmp_path: Path) -> None:
    paths = crud("/shops/{shop}/customers", ref("Customer"), LISTED)
    more = "datatypes: {customer: {path: /shops/7/customers}}"
    customer = only(tmp_path, document(paths, {"Customer": CUSTOMER}), more)
    assert customer.options["get"]["path"] == "/shops/7/customers/{id}"
    assert types_of(customer)["state"] == "enum"


def test_the_file_goes_before(tmp_path: Path) -> None:
    """Single keys of a part; a paginator of another type as a whole."""
    more = (
        "base_url: http://other.example\ntitle: Ours\ndatatypes:\n"
        "  customers: {modified: name, list: {paginator: single, params: {a: 1}}, properties: {more: string}}"
    )
    project = project_of(tmp_path, spring(), more)
    system, customers = project.systems["crm"], project.datatype("crm", "customers")
    assert (system.title, system.options["base_url"], customers.modified) == ("Ours", "http://other.example", "name")
    assert customers.options["list"]["paginator"] == {"type": "single"}
    assert customers.options["list"]["records"] == "_embedded.customers"
    assert {"more", "name"} <= set(customers.properties)
    keys = {one.key for one in system.derived["customers"]}
    assert "list.records" in keys
    assert not {"modified", "list.paginator"} & keys


def test_a_path_that_the_document_does_not_have_is_said(tmp_path: Path) -> None:
    project = project_of(tmp_path, PLAIN, "datatypes: {customer: {path: /customrs}}")
    assert any("nothing is derived; did you mean '/customers'?" in one.message for one in project.warnings)
    assert project.datatype("crm", "customer").options["get"]["path"] == "/customrs/{id}"


# what is asked for


def two_lists() -> Any:
    listed = {"properties": {"active": {"type": "array", "items": {"properties": {"id": TEXT}}}}}
    listed["properties"]["passive"] = listed["properties"]["active"]
    return document(crud("/customers", {"properties": {"id": TEXT}}, listed))


def no_listing() -> Any:
    spec = document(crud("/pet", ref("Customer"), {}), {"Customer": CUSTOMER})
    spec["paths"]["/pet"].pop("get")
    spec["paths"]["/pet/findByStatus"] = {"get": {"responses": {"200": body(LISTED)}}}
    return spec


def unknown_id() -> Any:
    record = {"properties": {"name": TEXT, "handle": TEXT}}
    return document(crud("/customers", record, {"type": "array", "items": record}, item="/customers/{ref}"))


def needed_parameter() -> Any:
    spec = document(crud("/customers", ref("Customer"), LISTED), {"Customer": CUSTOMER})
    parameter = {**query("state", enum=["open", "shut"]), "required": True}
    spec["paths"]["/customers"]["get"]["parameters"] = [parameter]
    return spec


def needed_header() -> Any:
    spec = document(crud("/customers", ref("Customer"), LISTED), {"Customer": CUSTOMER})
    header = {"name": "X-Tenant", "in": "header", "required": True, "schema": TEXT}
    spec["paths"]["/customers"]["get"]["parameters"] = [header]
    return spec


SHOPS = document(crud("/shops/{shop}/customers", ref("Customer"), LISTED), {"Customer": CUSTOMER})
LIMITED = document(crud("/customers", ref("Customer"), LISTED, query("limit")), {"Customer": CUSTOMER})
TWICE = document(
    {**crud("/a/customers", ref("Customer"), LISTED), **crud("/b/customers", ref("Customer"), LISTED)},
    {"Customer": CUSTOMER},
)

ASKED = [
    (two_lists, "{}", "which list", "active, passive", "list: {records: active}"),
    (two_lists, "{list: {records: passive}}", None, None, None),
    (no_listing, "{path: /pet}", "nothing lists /pet", "GET /pet/findByStatus", "list: {path: /pet/findByStatus}"),
    (no_listing, "{path: /pet, list: {path: /pet/findByStatus}}", None, None, None),
    (unknown_id, "{}", "is its id ({ref})", "name, handle", "id: name"),
    (unknown_id, "{id: handle}", None, None, None),
    (needed_parameter, "{}", "needs 'state'", "open, shut", "list: {params: {state: …}}"),
    (needed_parameter, "{list: {params: {state: open}}}", None, None, None),
    (needed_header, "{}", "needs the header 'X-Tenant'", None, "headers: {X-Tenant: …}"),
    (lambda: SHOPS, "{path: '/shops/{shop}/customers'}", "belong to one shop", None, "path: /shops/42/customers"),
    (lambda: LIMITED, "{}", "how its listing goes on", None, "{type: single}"),
    (lambda: LIMITED, "{list: {paginator: single}}", None, None, None),
    (lambda: TWICE, "{}", "several collections", "a_customers (/a/customers)", "path: /a/customers"),
    (lambda: PLAIN, "{path: /customers, get: {path: '/c/{id}'}}", None, None, None),
]


@pytest.mark.parametrize(
    ("spec", "said", "message", "allowed", "hint"), ASKED, ids=[f"{at}-{one[2]}" for at, one in enumerate(ASKED)]
)
def test_what_a_document_leaves_open(
    tmp_path: Path, spec: Any, said: str, message: str | None, allowed: str | None, hint: str | None
) -> None:
    """The error names what is missing, the candidates and the key; with the key written there is none."""
    more = f"datatypes:\n  customers: {said}"
    if message is None:
        assert only(tmp_path, spec(), more).name == "customers"
        return
    found = wrong(tmp_path, spec(), more)
    assert (found.line, found.path) == (7, "systems.crm.datatypes.customers")
    assert message in found.message
    assert allowed is None or allowed in str(found.allowed)
    assert hint is not None
    assert hint in str(found.hint)


def test_a_datatype_that_the_document_does_not_have(tmp_path: Path) -> None:
    found = wrong(tmp_path, PLAIN, "datatypes: {custmer: {}}")
    assert (found.allowed, found.hint) == ("customers (/customers)", "write `path: /customers`")


def test_credentials_are_asked_for_and_go_to_no_address_of_a_document(tmp_path: Path) -> None:
    """A document that came from elsewhere must not decide where a token is sent."""
    spec = {**PLAIN, "security": [{"key": []}]}
    spec["components"] = {
        **spec["components"],
        "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-K"}},
    }
    found = wrong(tmp_path, spec)
    assert found.path == "systems.crm.auth"
    assert "auth: {type: api_key, header: X-K, key: ${CRM_KEY}}" in str(found.hint)
    found = wrong(tmp_path, spec, "auth: {type: api_key, header: X-K, key: ${A_KEY}}".replace("${A_KEY}", "k"))
    assert found.path == "systems.crm.base_url"
    assert "write `base_url: http://crm.example/api`" in str(found.hint)


UNUSABLE = [
    ("{", "systems.crm.spec", "neither JSON nor YAML"),
    ("[1]", "systems.crm.spec", "no OpenAPI document"),
    ('{"openapi": "4.0.0"}', "systems.crm.spec", "'4.0.0' of OpenAPI is not known"),
    (document({"/a": {"$ref": "https://elsewhere.example/a.json"}, "/a/{id}": {}}), "systems.crm.spec", "not asked"),
    (document({"/a": {"$ref": "../../etc/passwd"}, "/a/{id}": {}}), "systems.crm.spec", "out of the document's folder"),
    (document({"/a": {"$ref": "#/paths/~1a"}, "/a/{id}": {}}), "systems.crm.spec", "in a circle"),
    (document({"/a": {"$ref": "#/nothing"}, "/a/{id}": {}}), "systems.crm.spec", "nothing at '#/nothing'"),
]


@pytest.mark.parametrize(("spec", "path", "said"), UNUSABLE, ids=[one[2] for one in UNUSABLE])
def test_a_document_that_cannot_be_used(tmp_path: Path, spec: Any, path: str, said: str) -> None:
    """Without a traceback, and without going anywhere."""
    found = wrong(tmp_path, spec, "datatypes: {a: {}}")
    assert found.path == path
    assert said in found.message


def test_a_document_is_never_fetched_by_the_way(tmp_path: Path) -> None:
    text = file_of(tmp_path, PLAIN).replace("spec: crm.json", "spec: https://crm.example/openapi.json")
    (found,) = [one for one in problems(tmp_path, text) if one.path == "systems.crm.spec"]
    assert "accord discover crm --fetch" in str(found.hint)


def test_a_large_document_is_refused(tmp_path: Path) -> None:
    found = wrong(tmp_path, " " * (33 << 20))
    assert "at most 33,554,432 are read" in found.message


@pytest.mark.parametrize("odd", [[], 7, "x", {"get": 3}, {"get": {"responses": []}}, {"get": {"parameters": {"a": 1}}}])
def test_odd_shapes_break_nothing(tmp_path: Path, odd: Any) -> None:
    """A document is data of somebody else: what is of another shape than it should be says nothing."""
    spec = {**PLAIN, "paths": {**PLAIN["paths"], "/odd": odd, "/odd/{id}": odd}, "security": odd, "servers": odd}
    project = project_of(tmp_path, spec, "base_url: http://crm.example")
    assert list(project.systems["crm"].datatypes) == ["customers"]
    for key in ("properties", "items", "type", "required", "enum", "allOf", "maxLength", "format"):
        strange = document(crud("/customers", {**CUSTOMER, key: odd}, LISTED), {"Customer": {**CUSTOMER, key: odd}})
        loaded(tmp_path, file_of(tmp_path, strange))


@pytest.mark.parametrize("key", ["properties", "allOf"])
def test_schemas_that_grow_without_end(tmp_path: Path, key: str) -> None:
    """Thirty parts that each have thirty parts, ten deep, are not followed to their end."""
    parts = [ref("Wide")] * 30
    wide = {"properties": {f"p{at}": part for at, part in enumerate(parts)}} if key == "properties" else {key: parts}
    record = {"properties": {"id": TEXT, "wide": ref("Wide")}}
    paths = crud("/customers", record, {"type": "array", "items": record})
    before = time.process_time()
    customers = only(tmp_path, document(paths, {"Wide": wide}))
    assert "id" in customers.properties
    assert time.process_time() - before < 20


def test_a_listing_that_leaves_records_out(tmp_path: Path) -> None:
    """As GitHub's of issues: `state` is `open` where nobody says otherwise. Said in the file, it is no longer named."""
    state = query("state", enum=["open", "closed", "all"], default="open")
    spec = document(crud("/customers", ref("Customer"), LISTED, state), {"Customer": CUSTOMER})
    (told,) = [
        one for one in project_of(tmp_path, spec).systems["crm"].derived["customers"] if one.key == "list.params.state"
    ]
    assert "write `list: {params: {state: all}}`" in told.source
    said = project_of(tmp_path, spec, "datatypes: {customers: {list: {params: {state: all}}}}")
    assert not [one for one in said.systems["crm"].derived["customers"] if one.key == "list.params.state"]
    assert said.datatype("crm", "customers").options["list"]["params"] == {"state": "all"}


@pytest.mark.parametrize(("fixed", "created"), [(True, "createdAt"), (False, None)])
def test_the_time_of_creation_is_one_that_nobody_writes(tmp_path: Path, fixed: bool, created: str | None) -> None:
    """A time that can be set would make another record of one that somebody corrects."""
    time_of = {"type": "string", "format": "date-time", "readOnly": fixed}
    record = {**CUSTOMER, "properties": {**CUSTOMER["properties"], "createdAt": time_of}}
    paths = crud("/customers", ref("Customer"), LISTED)
    assert only(tmp_path, document(paths, {"Customer": record})).created == created
