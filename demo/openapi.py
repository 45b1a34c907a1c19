"""The API's description, as an OpenAPI 3.1 document and as a page."""

from html import escape
from typing import Any

from .model import Datatype, Product, Property

Json = dict[str, Any]
_FORMS: dict[str, Json] = {
    "string": {"type": ["string", "null"]},
    "text": {"type": ["string", "null"]},
    "enum": {"type": "string"},
    "integer": {"type": ["integer", "null"]},
    "decimal": {"type": ["number", "null"], "description": "A decimal number, kept digit for digit."},
    "amount": {"type": ["string", "null"], "pattern": r"^-?\d+\.\d{2}$", "description": "Two decimals, half-even."},
    "date": {"type": ["string", "null"], "format": "date"},
    "datetime": {"type": ["string", "null"]},
}


def document(product: Product) -> Json:
    """The OpenAPI document."""
    by_pages = product.page_words[0] == "page"
    return {
        "openapi": "3.1.0",
        "info": {"title": product.title, "version": "1", "description": _about(by_pages)},
        "security": [{"token": []}],
        "paths": {path: item for d in product.datatypes for path, item in _paths(product, d, by_pages).items()}
        | (_webhooks() if by_pages else {}),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {d.name: _schema(product, d, by_pages) for d in product.datatypes} | {"error": _ERROR},
        },
    }


def _about(by_pages: bool) -> str:
    if by_pages:
        return "Times are UTC with milliseconds. Deleted records stay, see include=deleted. Empty text is not null."
    return "Times are local times of Europe/Oslo, whole seconds, no offset. Text is trimmed, and null when empty."


_ERROR: Json = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}


def _form(product: Product, p: Property) -> Json:
    """The JSON schema of a property."""
    if p.type == "reference":
        target = next(d for d in product.datatypes if d.path == p.refers_to)
        kind = "integer" if target.id == "id" else "string"
        form: Json = {"type": kind if p.required else [kind, "null"], "x-refers-to": p.refers_to}
    elif p.read_only and p.type != "datetime":
        form = {"type": "integer" if p.type == "integer" else "string"}
    else:
        form = dict(_FORMS[p.type])
        if p.required:
            form["type"] = "string"
    form["title"] = p.title
    if p.values:
        form["enum"] = list(p.values)
    if p.default is not None:
        form["default"] = p.default
    if p.max_length:
        form["maxLength"] = p.max_length
    if p.read_only:
        form["readOnly"] = True
    if p.type == "datetime" and product.page_words[0] == "page":
        form["format"] = "date-time"
    if p.type == "datetime":
        form["type"] = ["string", "null"] if p.name == "deleted_at" else "string"
    return form


def _schema(product: Product, d: Datatype, by_pages: bool) -> Json:
    properties: Json = {}
    for p in d.properties:
        head, _, tail = p.name.partition(".")
        if tail:
            nested = properties.setdefault(head, {"type": "object", "title": head.title(), "properties": {}})
            nested["properties"][tail] = _form(product, p)
        else:
            properties[head] = _form(product, p)
    if not by_pages:
        properties["version"].pop("readOnly", None)  # sent back in a PUT
    return {
        "type": "object",
        "title": d.title,
        "required": [p.name for p in d.properties if p.required],
        "properties": properties,
    }


def _parameter(name: str, about: str, form: Json | None = None, place: str = "query") -> Json:
    required = {"required": True} if place == "path" else {}
    return {"name": name, "in": place, "description": about, "schema": form or {"type": "string"}, **required}


def _answer(about: str, schema: Json | None = None) -> Json:
    return {"description": about} | ({"content": {"application/json": {"schema": schema}}} if schema else {})


def _listing(d: Datatype, by_pages: bool) -> Json:
    number: Json = {"type": "integer"}
    if by_pages:
        own = [
            _parameter("page", "From 1.", number | {"default": 1}),
            _parameter("per_page", "At most 1000.", number | {"default": 50, "maximum": 1000}),
            _parameter("updated_since", "Records updated then or later.", {"type": "string", "format": "date-time"}),
            _parameter("include", "Also deleted records.", {"type": "string", "enum": ["deleted"]}),
            _parameter("sort", "id, -id, updated_at or -updated_at."),
        ]
    else:
        own = [
            _parameter("cursor", "The `next` of the page before."),
            _parameter("limit", "At most 1000.", number | {"default": 100, "maximum": 1000}),
        ]
        if d.path == "projects":
            own.append(_parameter("changed_after", "Records changed at that local time or later: 2026-11-23T11:00:00"))
    own.append(_parameter("q", "Text to look for."))
    return {"parameters": own + [_parameter(p.name, f"Exactly this {p.title}.") for p in d.properties if p.exact]}


def _page(d: Datatype, by_pages: bool) -> Json:
    records: Json = {"type": "array", "items": {"$ref": f"#/components/schemas/{d.name}"}}
    number: Json = {"type": "integer"}
    if by_pages:
        meta = {"type": "object", "properties": dict.fromkeys(("page", "per_page", "total", "pages"), number)}
        return {"type": "object", "properties": {"data": records, "meta": meta}}
    return {"type": "object", "properties": {"items": records, "next": {"type": ["string", "null"]}, "total": number}}


def _paths(product: Product, d: Datatype, by_pages: bool) -> Json:
    ref: Json = {"$ref": f"#/components/schemas/{d.name}"}
    body: Json = {"required": True, "content": {"application/json": {"schema": ref}}}
    form: Json = {"type": "integer" if by_pages else "string"}
    one: Json = {"parameters": [_parameter(d.id, d.title, form, "path")]}
    match_header = [_parameter("If-Match", "The ETag that the record must still have.", place="header")]
    key_header = [_parameter("Idempotency-Key", "The same key gives the same record.", place="header")]
    refused = {"404": _answer("There is none"), "default": _answer("Refused", {"$ref": "#/components/schemas/error"})}
    create: Json = {
        "summary": f"Add a {d.name}",
        "requestBody": body,
        "responses": {"201": _answer("Added", ref), **refused},
    }
    update: Json = {"requestBody": body, "responses": {"200": _answer("Changed", ref), **refused}}
    delete: Json = {"summary": f"Delete a {d.name}", "responses": {"204": _answer("Deleted"), **refused}}
    if by_pages:
        create["parameters"] = key_header
        create["responses"] |= {"200": _answer("Added before, with the same key", ref)}
        update |= {"summary": f"Change some properties of a {d.name}", "parameters": match_header}
        delete["parameters"] = match_header
    else:
        update["summary"] = f"Replace a {d.name}; the body holds its version"
        delete["parameters"] = [
            _parameter("version", "The version that the record must still have.", {"type": "integer"})
        ]
    listing = {"summary": f"List {d.plural.lower()}", "responses": {"200": _answer("A page", _page(d, by_pages))}}
    listing["responses"]["default"] = refused["default"]
    read = {"summary": f"Read a {d.name}", "responses": {"200": _answer("The record", ref), **refused}}
    paths: Json = {
        f"/{d.path}": {"get": listing | _listing(d, by_pages), "post": create},
        f"/{d.path}/{{{d.id}}}": one | {"get": read, "patch" if by_pages else "put": update, "delete": delete},
    }
    if by_pages:
        restore = {
            "summary": f"Bring a deleted {d.name} back",
            "responses": {"200": _answer("The record", ref), **refused},
        }
        return paths | {f"/{d.path}/{{{d.id}}}/restore": one | {"post": restore}}
    many = {
        "required": True,
        "content": {"application/json": {"schema": {"type": "array", "maxItems": 200, "items": ref}}},
    }
    batch = {"summary": f"Add up to 200 {d.plural.lower()}", "requestBody": many}
    return paths | {
        f"/{d.path}/batch": {"post": batch | {"responses": {"207": _answer("An outcome for each, in order")}}}
    }


def _webhooks() -> Json:
    properties: Json = {
        "url": {"type": "string"},
        "secret": {"type": "string"},
        "events": {"type": "array", "items": {"type": "string"}},
    }
    hook: Json = {"type": "object", "required": ["url"], "properties": properties}
    body = {"required": True, "content": {"application/json": {"schema": hook}}}
    return {
        "/webhooks": {
            "get": {"summary": "List webhooks", "responses": {"200": _answer("All of them")}},
            "post": {"summary": "Add a webhook", "requestBody": body, "responses": {"201": _answer("Added")}},
        },
        "/webhooks/{id}": {
            "parameters": [_parameter("id", "Webhook", {"type": "integer"}, "path")],
            "delete": {"summary": "Remove a webhook", "responses": {"204": _answer("Removed")}},
        },
    }


def as_sections(product: Product) -> str:
    """The document as HTML sections, everything escaped."""
    spec, parts = document(product), list[str]()
    for path, item in spec["paths"].items():
        for method in ("get", "post", "put", "patch", "delete"):
            if method in item:
                parts.append(_operation(method, path, item, item[method]))
    for name, schema in spec["components"]["schemas"].items():
        rows = "".join(
            f"<tr><td><code>{escape(key)}</code></td><td>{escape(str(form.get('title', '')))}</td>"
            f"<td>{escape(_type(form))}</td></tr>"
            for key, form in schema["properties"].items()
        )
        parts.append(f"<h2>{escape(name)}</h2><div class=card><table>{rows}</table></div>")
    return f"<p class=muted>{escape(spec['info']['description'])}</p>" + "".join(parts)


def _type(form: Json) -> str:
    kind = form.get("type", "")
    words = [" or ".join(kind) if isinstance(kind, list) else str(kind)]
    words += [", ".join(form["enum"])] if "enum" in form else []
    words += [f"at most {form['maxLength']} characters"] if "maxLength" in form else []
    words += ["read only"] if form.get("readOnly") else []
    words += [", ".join(form["properties"])] if "properties" in form else []
    return "; ".join(words)


def _operation(method: str, path: str, item: Json, operation: Json) -> str:
    parameters = [*item.get("parameters", []), *operation.get("parameters", [])]
    lines = "".join(
        f"<li><code>{escape(p['name'])}</code> <span class=muted>({p['in']})</span> {escape(p['description'])}</li>"
        for p in parameters
    )
    answers = ", ".join(escape(f"{code} {answer['description']}") for code, answer in operation["responses"].items())
    return (
        f"<details class=card><summary><span class='verb {method}'>{method.upper()}</span> <code>{escape(path)}</code> "
        f"<span class=muted>{escape(operation['summary'])}</span></summary>"
        f"<ul>{lines}</ul><p>Answers: {answers}</p></details>"
    )
