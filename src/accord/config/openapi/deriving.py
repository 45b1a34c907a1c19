"""The keys of one datatype, derived from the operations on its collection."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from accord.config.openapi import listing as lists
from accord.config.openapi.asking import Found
from accord.config.openapi.calls import Body, Operation, Spec, last_placeholder, placeholders, squeezed
from accord.config.openapi.collections import Collection
from accord.config.openapi.shapes import Shape, Told, properties_of, shape_of

VERSIONS = ("version", "row_version", "lock_version", "revision", "rev", "etag", "record_version")
IDS = ("id", "uuid", "guid", "key", "_id", "number", "no", "code")
_WRAPS = ("data", "record", "item", "result")
_MERGE = "application/merge-patch+json"


def derived(spec: Spec, at: Collection, path: str, records: str | None = None) -> Found:
    """The keys of a datatype at a path as the file writes it; `records` is where it says that the list lies.

    Raises Unusable.
    """
    found = Found()
    one = spec.at(at.item) if at.item is not None else {}
    listing = at.listing
    if listing is None:
        _ask_for_list(spec, at, found)
        return found
    written = listing.path if path.rstrip("/") == listing.path.rstrip("/") else path
    if "{" in written:
        _ask_for_path(written, found)
        return found
    found.key(("path",), written, f"{listing.place}")
    single = one["get"].gives.shape if "get" in one else None
    like = _record_of(single, None)[1] if single is not None else None
    record = lists.records(listing, at.words, like, records, found)
    if record is None:
        return found
    lists.total(listing, found)
    lists.paginator(listing, found)
    _fixed_params(listing, record, found)
    calls = {**one, **{name: op for name, op in spec.at(listing.path).items() if name == "post"}}
    whole = _merged(record, _record_of(single, record)[1])
    _calls(at, calls, record, found)
    told = _properties(calls, whole)
    modified = _modified(whole, told, found)
    _created(whole, told, found)
    lists.changed_since(listing, modified, found)
    _identity(at, whole, told, found)
    _version(calls, whole, found)
    _find(listing, told, found)
    _write_properties(calls, told, whole, found)
    return found


def _schema(record: Shape) -> str:
    """How the schema of a record is called, for people."""
    return f"schema {record.name}" if record.name else record.node.place


def _merged(record: Shape, single: Shape | None) -> Shape:
    """What the listing shows of a record; what only a single reading shows would be missing there."""
    return record if record.properties or single is None else single


def _ask_for_list(spec: Spec, at: Collection, found: Found) -> None:
    below = [path for path in spec.paths if path.startswith(at.path.rstrip("/") + "/") and "get" in spec.at(path)]
    offers = [f"GET {path}" for path in below if not placeholders(path)][:8]
    found.ask(
        ("list", "path"),
        f"nothing lists {at.path}",
        allowed=", ".join(offers) or None,
        hint=f"write `list: {{path: {offers[0].removeprefix('GET ') if offers else '/…'}}}`",
    )


def _ask_for_path(path: str, found: Found) -> None:
    names = placeholders(path)
    given = re.sub(r"\{[^{}]+\}", "42", path)
    found.ask(
        ("path",),
        f"the records at {path} belong to one {names[0]}",
        hint=f"write which, as in `path: {given}`",
    )


def _note_filter(op: Operation, name: str, value: Any, options: list[Any], record: Shape, found: Found) -> None:
    """A parameter that leaves records out where nobody says otherwise: GitHub lists open issues only."""
    if name in record.properties or {"all", "any"} & {str(option).lower() for option in options}:
        every = next((option for option in options if str(option).lower() in ("all", "any")), "…")
        found.open(
            f"list.params.{name}",
            f"{op.place}: {name} is {value!r} unless it is said, and may leave records out; write "
            f"`list: {{params: {{{name}: {every}}}}}`",
        )


def _fixed_params(op: Operation, record: Shape, found: Found) -> None:
    """Parameters that the listing must have, where only one value is possible; the others are asked for."""
    params = {}
    for one in op.params:
        options = one.fact("enum")
        value = one.fact("default")
        if one.where == "query" and not one.required and isinstance(options, list) and value is not None:
            _note_filter(op, one.name, value, options, record, found)
        if not one.required or one.where not in ("query", "header"):
            continue
        if value is None and isinstance(options, list) and len(options) == 1:
            value = options[0]
        if one.where == "query" and value is not None:
            params[one.name] = value
        elif one.where == "query":
            allowed = ", ".join(map(str, options)) if isinstance(options, list) else None
            hint = f"write `list: {{params: {{{one.name}: …}}}}`"
            found.ask(("list", "params", one.name), f"{op.place} needs {one.name!r}", allowed=allowed, hint=hint)
        elif value is None:
            hint = f"write `headers: {{{one.name}: …}}` of the system"
            found.ask(("headers", one.name), f"{op.place} needs the header {one.name!r}", hint=hint)
    if params:
        found.key(("list", "params"), params, f"{op.place}: parameters that it must have")


def _calls(at: Collection, calls: Mapping[str, Operation], record: Shape, found: Found) -> None:
    """`get`, `create`, `update`, `delete`."""
    path = found.keys["path"]
    target = _as_id(at.item, path) if at.item is not None else f"{path.rstrip('/')}/{{id}}"
    if "get" in calls:
        found.key(("get",), {"path": target, **_held(calls["get"].gives, record, "record")}, calls["get"].place)
    else:
        found.ask(("get",), f"nothing reads a single record of {path}", hint="write `get: {path: /…/{id}}`")
    if "post" in calls:
        create = calls["post"]
        said = {"path": path, **_held(create.takes, record, "wrap"), **_held(create.gives, record, "record")}
        key = create.param("header", "Idempotency-Key", "X-Idempotency-Key")
        said |= {"idempotency_header": key.name} if key is not None else {}
        found.key(("create",), said, create.place)
        _not_json(create, ("create",), found)
    else:
        found.lacks.append("create")
    update = calls.get("patch") or calls.get("put")
    if update is not None:
        found.key(("update",), _update(update, target, record, calls), update.place)
        _not_json(update, ("update",), found)
    else:
        found.lacks.append("update")
    if "delete" in calls:
        found.key(("delete",), {"path": target}, calls["delete"].place)
    else:
        found.lacks.append("delete")


def _not_json(op: Operation, key: tuple[str, ...], found: Found) -> None:
    if op.takes.shape is None and op.takes.media:
        found.lacks.append(key[0])
        found.open(key[0], f"{op.place} takes {', '.join(op.takes.media[:3])}, and Accord sends JSON")


def _as_id(item: str, path: str) -> str:
    """`/customers/{no}` → `/customers/{id}`, with what the file says of the path before it."""
    last = item.rstrip("/").rpartition("/")[2]
    slash = "/" if item.endswith("/") else ""
    base = path.rstrip("/")
    base = base.removesuffix(".json") if last.endswith(".json") else base
    return f"{base}/{re.sub(r'[{][^{}]+[}]', '{id}', last)}{slash}"


def _update(op: Operation, target: str, record: Shape, calls: Mapping[str, Operation]) -> dict[str, Any]:
    said: dict[str, Any] = {"method": op.method.upper(), "path": target}
    said |= {**_held(op.takes, record, "wrap"), **_held(op.gives, record, "record")}
    if op.method == "put":
        said["send"] = "all"
        taken = _record_of(op.takes.shape, record)[1]
        if taken is not None and taken.is_object and taken.of != record.of:
            omit = [name for name in record.properties if name not in taken.properties and name not in VERSIONS]
            said |= {"omit": omit} if omit else {}
    if op.takes.media and "application/json" not in op.takes.media and _MERGE in op.takes.media:
        said["content_type"] = _MERGE
    return said


def _held(body: Body, record: Shape, key: str) -> dict[str, str]:
    """Under which key of a body the record is, if under one."""
    inside = _record_of(body.shape, record)[0]
    return {key: inside} if inside is not None else {}


def _record_of(shape: Shape | None, record: Shape | None) -> tuple[str | None, Shape | None]:
    """Where in a body the record is: a key, or None for the body itself; and its shape."""
    if shape is None or not shape.is_object:
        return None, shape
    objects = {key: inner for key, node in shape.properties.items() if (inner := shape_of(node)).is_object}
    if record is None:
        only = len(objects) == 1 and len(shape.properties) <= 3 and "id" not in shape.properties
        key = next(iter(objects)) if only else None
        return (key, objects[key]) if key is not None else (None, shape)
    if not record.properties:  # any property, so that only its usual key can tell
        key = next((name for name in _WRAPS if name in shape.properties), None)
        return (key, shape_of(shape.properties[key])) if key is not None else (None, shape)
    own = len(set(shape.properties) & set(record.properties))
    best = max(objects, key=lambda key: len(set(objects[key].properties) & set(record.properties)), default=None)
    if best is not None and len(set(objects[best].properties) & set(record.properties)) > own:
        return best, objects[best]
    return None, shape


def _bodies(calls: Mapping[str, Operation], record: Shape) -> tuple[dict[str, Told] | None, dict[str, Told] | None]:
    """What a create and an update take, flat; None where the document does not say."""
    found: list[dict[str, Told] | None] = []
    for op in (calls.get("post"), calls.get("patch") or calls.get("put")):
        shape = _record_of(op.takes.shape, record)[1] if op is not None else None
        found.append(properties_of(shape) if shape is not None and shape.is_object else None)
    return found[0], found[1]


def _properties(calls: Mapping[str, Operation], record: Shape) -> dict[str, Told]:
    """What is shown of a record, with what may be written of it."""
    creates, updates = _bodies(calls, record)
    found = {}
    for path, told in properties_of(record).items():
        if told.write_only:
            continue
        new, kept = (creates or {}).get(path), (updates or {}).get(path)
        known = creates is not None or updates is not None
        heads = {one.partition(".")[0] for one in (*(creates or {}), *(updates or {}))}
        read_only = told.read_only or (known and new is None and kept is None and path not in heads)
        longest = next((one.max_length for one in (new, kept, told) if one and one.max_length is not None), None)
        found[path] = Told(
            path=path,
            type=told.type if told.type is not None else new.type if new else None,
            required=bool(new and new.required and not read_only),
            read_only=read_only,
            max_length=longest,
            values=told.values or (new.values if new else None),
            place=told.place,
        )
    return found


def _write_properties(calls: Mapping[str, Operation], told: Mapping[str, Told], record: Shape, found: Found) -> None:
    """`properties`, and under which name a system takes what it shows as `customer.id`."""
    creates, updates = _bodies(calls, record)
    taken = {**(updates or {}), **(creates or {})}
    properties: dict[str, dict[str, Any]] = {}
    for path, one in told.items():
        said: dict[str, Any] = {"type": one.type} if one.type is not None else {}
        head, dot, tail = path.rpartition(".")
        other = next((name for name in taken if dot and squeezed(name) == squeezed(f"{head}_{tail}")), None)
        if other is not None and path not in taken:
            said["write_as"] = other
            said |= {"required": True} if (creates or {}).get(other, one).required else {}
        elif one.read_only:
            said["read_only"] = True
        said |= {"required": True} if one.required else {}
        said |= {"max_length": one.max_length} if one.max_length is not None else {}
        said |= {"values": list(one.values)} if one.values else {}
        if creates is not None and updates is not None and path in creates and path not in updates and not dot:
            said["create_only"] = True
        properties[path] = said
    found.keys["properties"] = properties
    found.sources.append(("properties", f"{len(properties)} of them", _schema(record)))


def _modified(record: Shape, told: Mapping[str, Told], found: Found) -> Shape | None:
    """`modified`: a time that the system sets itself, by one of its usual names."""
    names = {squeezed(name): name for name in reversed(list(told))}
    for usual in lists.MODIFIED:
        path = names.get(squeezed(usual))
        if path is not None and (told[path].type == "datetime" or (told[path].read_only and told[path].type)):
            found.key(("modified",), path, _schema(record))
            return shape_of(record.properties[path])
    return None


def _created(record: Shape, told: Mapping[str, Told], found: Found) -> None:
    """`created`: a time that nobody can write, by one of its usual names."""
    names = {squeezed(name): name for name in reversed(list(told))}
    path = next((names[squeezed(one)] for one in lists.CREATED if squeezed(one) in names), None)
    if path is not None and told[path].read_only and told[path].type in ("datetime", "string"):
        found.key(("created",), path, _schema(record))


def _identity(at: Collection, record: Shape, told: Mapping[str, Told], found: Found) -> None:
    """`id`: the property that the path of a single record names, else the usual one."""
    param = last_placeholder(at.item or "") or ""
    names = {squeezed(name): name for name in reversed(list(told))}
    ends = [squeezed(one) for one in IDS if squeezed(param).endswith(squeezed(one))]
    for wanted in (squeezed(param), *ends, "id"):
        if wanted in names:
            found.key(("id",), names[wanted], f"{at.item}" if wanted == squeezed(param) else _schema(record))
            return
    if squeezed(param) == "id" and not told:
        found.key(("id",), "id", f"{at.item}")
        return
    usual = [names[squeezed(name)] for name in IDS if squeezed(name) in names]
    likely = [path for path, one in told.items() if one.type in ("string", "integer") and "." not in path]
    choices = usual or likely
    found.ask(
        ("id",),
        f"the document does not say which property of {at.path} is its id" + (f" ({{{param}}})" if param else ""),
        allowed=", ".join(choices[:12]) or None,
        hint=f"write `id: {choices[0]}`" if choices else "write `id: …`",
    )


def _version(calls: Mapping[str, Operation], record: Shape, found: Found) -> None:
    """`version`: If-Match where it is described, else a property that goes back with a write."""
    writes = [calls[name] for name in ("patch", "put", "delete") if name in calls]
    match = next((op for op in writes if op.param("header", "If-Match") is not None), None)
    if match is not None:
        found.key(("version",), "etag", f"{match.place}: If-Match")
        return
    delete, put = calls.get("delete"), calls.get("put") or calls.get("patch")
    for name in VERSIONS:
        path = next((one for one in record.properties if squeezed(one) == squeezed(name)), None)
        if path is None:
            continue
        sent = delete.param("query", path) if delete is not None else None
        taken = _record_of(put.takes.shape, record)[1] if put is not None else None
        must = taken is not None and path in taken.required and bool(put and put.statuses & {"409", "412"})
        if sent is not None or must:
            op = delete if sent is not None else put
            found.key(("version",), path, f"{op.place if op else ''}: {path}")
            return


def _find(listing: Operation, told: Mapping[str, Told], found: Found) -> None:
    """`find`: parameters of the listing that are called like a property."""
    flat = {path: one for path, one in told.items() if one.type not in ("json", "object") and "[]" not in path}
    params = {
        one.name: one.name
        for one in listing.params
        if one.where == "query" and one.name in flat and "array" not in one.shape.types
    }
    params.pop(str(found.keys.get("modified")), None)
    if params:
        found.key(("find",), {"params": params}, f"{listing.place}: {', '.join(params)}")
