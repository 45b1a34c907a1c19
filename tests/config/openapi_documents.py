"""Small OpenAPI documents in the shapes that generators and vendors write."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def body(schema: Json, media: str = "application/json") -> Json:
    """`content` with one schema."""
    return {"content": {media: {"schema": schema}}}


def ref(name: str) -> Json:
    """A reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def query(name: str, **schema: Any) -> Json:
    """A query parameter."""
    return {"name": name, "in": "query", "schema": {"type": "string", **schema}}


def nullable(schema: Json) -> Json:
    """As pydantic writes an optional property."""
    return {"anyOf": [schema, {"type": "null"}]}


def crud(path: str, record: Json, listed: Json, *params: Json, **more: Any) -> Json:
    """The usual five calls; `new`, `changed` and `method` say otherwise where they must."""
    new, changed = more.get("new", record), more.get("changed", more.get("new", record))
    good, single = more.get("answer", record), more.get("item", f"{path}/{{id}}")
    return {
        path: {
            "get": {"parameters": list(params), "responses": {"200": body(listed), **more.get("listing", {})}},
            "post": {"requestBody": body(new), "responses": {"201": body(good)}},
        },
        single: {
            "get": {"responses": {"200": body(good)}},
            more.get("method", "patch"): {"requestBody": body(changed), "responses": {"200": body(good)}},
            "delete": {"responses": {"204": {}}},
        },
    }


def document(paths: Json, schemas: Json | None = None, **more: Any) -> Json:
    """A document of OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "CRM", "version": "1"},
        "servers": [{"url": "http://crm.example/api"}],
        "paths": paths,
        "components": {"schemas": schemas or {}},
        **more,
    }


TEXT: Json = {"type": "string"}
NUMBER: Json = {"type": "integer"}
CUSTOMER: Json = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "name": {"type": "string", "maxLength": 60},
        "state": {"type": "string", "enum": ["open", "shut"]},
        "updated_at": {"type": "string", "format": "date-time", "readOnly": True},
    },
}
LISTED: Json = {"type": "array", "items": ref("Customer")}
PLAIN = document(crud("/customers", ref("Customer"), LISTED), {"Customer": CUSTOMER})


def fastapi() -> Json:
    """FastAPI with pydantic: a schema each for what is read, created and changed, and numbered pages."""
    read: Json = {
        "properties": {
            "uuid": {"type": "string", "format": "uuid"},
            "name": {"type": "string", "maxLength": 60},
            "email": nullable({"type": "string", "format": "email"}),
            "born": nullable({"type": "string", "format": "date"}),
            "kind": ref("Kind"),
            "company": nullable(ref("CompanyRead")),
            "tags": {"type": "array", "items": TEXT},
            "lines": {"type": "array", "items": ref("Line")},
            "changed": {"type": "string", "format": "date-time"},
        },
    }
    new: Json = {
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "maxLength": 40},
            "email": nullable({"type": "string", "format": "email"}),
            "born": nullable({"type": "string", "format": "date"}),
            "kind": ref("Kind"),
            "company_id": nullable(TEXT),
            "tags": {"type": "array", "items": TEXT},
            "password": {"type": "string", "writeOnly": True},
        },
    }
    change = {"properties": {key: one for key, one in new["properties"].items() if key != "kind"}}
    page = {
        "properties": {
            "items": {"type": "array", "items": ref("PersonRead")},
            "total": nullable({"type": "integer", "minimum": 0}),
            "page": NUMBER,
            "pages": NUMBER,
        }
    }
    schemas = {
        "PersonRead": read,
        "PersonCreate": new,
        "PersonUpdate": change,
        "Page_PersonRead_": page,
        "Kind": {"type": "string", "enum": ["a", "b"]},
        "CompanyRead": {"properties": {"id": TEXT, "title": TEXT, "owner": nullable(ref("PersonRead"))}},
        "Line": {"properties": {"sku": TEXT, "parent": ref("Line")}},
    }
    paths = crud(
        "/people/",
        ref("PersonRead"),
        ref("Page_PersonRead_"),
        query("page", type="integer", minimum=1, default=1),
        query("size", type="integer", minimum=1, maximum=100, default=50),
        new=ref("PersonCreate"),
        changed=ref("PersonUpdate"),
        item="/people/{person_uuid}",
    )
    return document(paths, schemas)


def swagger() -> Json:
    """Swagger 2.0, the envelope that many Go services have, and PUT."""
    order = {
        "type": "object",
        "required": ["number"],
        "properties": {
            "number": {"type": "string"},
            "total": {"type": "number", "format": "double"},
            "revision": {"type": "integer"},
        },
    }
    envelope = {
        "type": "object",
        "properties": {
            "code": NUMBER,
            "data": {
                "type": "object",
                "properties": {
                    "list": {"type": "array", "items": {"$ref": "#/definitions/order"}},
                    "total": {"type": "integer"},
                },
            },
        },
    }
    one = {
        "type": "object",
        "properties": {"code": NUMBER, "data": {"$ref": "#/definitions/order"}},
    }
    limit = {"name": "limit", "in": "query", "type": "integer", "maximum": 250}
    offset = {"name": "offset", "in": "query", "type": "integer"}
    taken = {"name": "order", "in": "body", "schema": {"$ref": "#/definitions/order"}}
    return {
        "swagger": "2.0",
        "info": {"title": "Shop"},
        "host": "shop.example",
        "basePath": "/v2",
        "schemes": ["http", "https"],
        "definitions": {"order": order, "envelope": envelope},
        "paths": {
            "/orders": {
                "parameters": [limit],
                "get": {"parameters": [offset], "responses": {200: {"schema": {"$ref": "#/definitions/envelope"}}}},
                "post": {"parameters": [taken], "responses": {"201": {"schema": one}}},
            },
            "/orders/{number}": {
                "get": {"responses": {"200": {"schema": one}}},
                "put": {"parameters": [taken], "responses": {"200": {"schema": one}, "409": {}}},
            },
        },
    }


def rails() -> Json:
    """Wrapped in the name of the record, with the header Link."""
    wrapped = {"type": "object", "properties": {"customer": ref("Customer")}}
    listed = {"200": {**body({"type": "array", "items": ref("Customer")}), "headers": {"Link": {"schema": TEXT}}}}
    return document(
        crud("/customers", wrapped, {}, query("per_page", type="integer"), listing=listed), {"Customer": CUSTOMER}
    )


def spring() -> Json:
    """Spring Data: HAL, pages from 0."""
    listed = {
        "properties": {
            "_embedded": {"properties": {"customers": {"type": "array", "items": ref("Customer")}}},
            "page": {"properties": {"size": NUMBER, "totalElements": NUMBER}},
        }
    }
    pages = (query("page", type="integer", default=0), query("size", type="integer", default=20))
    return document(crud("/customers", ref("Customer"), listed, *pages), {"Customer": CUSTOMER})


def django() -> Json:
    """Django REST framework: the address of the next page in the answer."""
    listed = {
        "properties": {
            "count": NUMBER,
            "next": {"type": "string", "format": "uri", "nullable": True},
            "results": {"type": "array", "items": ref("Customer")},
        }
    }
    pages = (query("limit", type="integer"), query("offset", type="integer"))
    paths = crud("/customers/", ref("Customer"), listed, *pages, item="/customers/{id}/")
    return document(paths, {"Customer": CUSTOMER})
