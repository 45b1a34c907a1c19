"""Schemas of an OpenAPI document as flat properties: their types, lengths, options, and what is required."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from accord.config.openapi.documents import Node

MOST = 600
"""Properties of one datatype; what goes beyond is left out."""
DEEPEST = 5
MOST_VISITS = 20_000
"""Schemas of one datatype that are looked at, also where they lead to no property."""
MOST_PARTS = 500
"""Parts (`allOf`, `oneOf`, `anyOf`) of one schema."""
_FORMATS = {
    "date": "date",
    "date-time": "datetime",
    "email": "email",
    "idn-email": "email",
    "uri": "url",
    "url": "url",
    "iri": "url",
    "phone": "phone",
    "decimal": "decimal",
}
"""Formats of texts that are row types: JSON Schema validation, section 7.3, and those that OpenAPI documents use."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One schema with its `allOf` and its alternatives taken together."""

    types: frozenset[str]
    node: Node
    """The schema that says its format, length and options."""
    properties: Mapping[str, Node] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    items: Node | None = None
    name: str = ""
    of: str = ""

    @property
    def is_object(self) -> bool:
        """Whether it has properties to look at."""
        return bool(self.properties)

    def fact(self, key: str) -> Any:
        """What the schema says of something, as `maxLength`."""
        return self.node.data.get(key) if isinstance(self.node.data, dict) else None


def shape_of(node: Node, depth: int = 0, left: list[int] | None = None) -> Shape:
    """A schema as one shape. Circles end at a depth, and after so many parts; one that says nothing has no types."""
    left = left if left is not None else [MOST_PARTS]
    data = node.data if isinstance(node.data, dict) else {}
    said = data.get("type")
    types = {said} if isinstance(said, str) else {one for one in _listed_in(said) if isinstance(one, str)}
    properties = dict(node.get("properties").items()) if "properties" in data else {}
    required = {one for one in _listed_in(data.get("required")) if isinstance(one, str)}
    items = node.get("items") if isinstance(data.get("items"), dict) else None
    name, of, facts = node.name, node.of, node
    if depth < DEEPEST * 2:
        for key in ("allOf", "oneOf", "anyOf"):
            parts = [shape_of(part, depth + 1, left) for part in _parts(node.get(key), left) if not _is_null(part)]
            for part in parts:
                types |= part.types
                properties = {**part.properties, **properties}
                required |= part.required if key == "allOf" or len(parts) == 1 else set()
                items = items or part.items
            if len(parts) == 1:
                name, of = name or parts[0].name, of or parts[0].of
                facts = parts[0].node if not ({"format", "enum", "maxLength"} & set(data)) else facts
    if not types and (properties or items is not None):
        types = {"object"} if properties else {"array"}
    return Shape(frozenset(types - {"null"}), facts, properties, frozenset(required), items, name, of)


def _parts(node: Node, left: list[int]) -> Iterator[Node]:
    for part in node.each():
        left[0] -= 1
        if left[0] < 0:
            return
        yield part


def _is_null(part: Node) -> bool:
    return isinstance(part.data, dict) and part.data.get("type") in ("null", ["null"])


def _listed_in(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a document tells of one property."""

    path: str
    type: str | None
    required: bool = False
    read_only: bool = False
    write_only: bool = False
    max_length: int | None = None
    values: tuple[Any, ...] | None = None
    place: str = ""


class Walk:
    """How much may still be looked at, and the shapes that were made already: one schema is referred to often."""

    def __init__(self) -> None:
        self.left = MOST_VISITS
        self._known: dict[int, Shape] = {}

    def shape_of(self, node: Node) -> Shape:
        """As `shape_of`, once for each schema of the document."""
        found = self._known.get(id(node.data))
        if found is None:
            found = self._known[id(node.data)] = shape_of(node)
        return found


def properties_of(shape: Shape) -> dict[str, Told]:
    """Path → what is told of it: `contact.email`, `tags[]`, `lines[].sku`. At most so many, and so deep."""
    found: dict[str, Told] = {}
    for told in _walk(shape, "", Walk(), needed=True, depth=0, read_only=False):
        if len(found) >= MOST:
            break
        found.setdefault(told.path, told)
    return found


def _walk(shape: Shape, before: str, walk: Walk, *, needed: bool, depth: int, read_only: bool) -> Iterator[Told]:
    for key, node in shape.properties.items():
        walk.left -= 1
        if walk.left < 0:
            return
        inner = walk.shape_of(node)
        path, required = before + key, needed and key in shape.required
        fixed = read_only or node_says(node, inner, "readOnly")
        entries = walk.shape_of(inner.items) if inner.items is not None and "array" in inner.types else None
        if inner.is_object and "array" not in inner.types:
            if depth < DEEPEST:
                yield from _walk(inner, f"{path}.", walk, needed=required, depth=depth + 1, read_only=fixed)
            continue
        if entries is not None and entries.is_object:
            if depth < DEEPEST:
                for told in _walk(entries, f"{path}[].", walk, needed=False, depth=depth + 1, read_only=fixed):
                    yield _listed(told)
            continue
        yield _told(path, node, inner, entries, required=required, read_only=fixed)


def node_says(node: Node, shape: Shape, key: str) -> bool:
    """Whether a schema says something of itself, or what it refers to does."""
    return (isinstance(node.data, dict) and node.data.get(key) is True) or shape.fact(key) is True


def _listed(told: Told) -> Told:
    kind = told.type if told.type in ("string", "integer", "decimal", "boolean", "date", "datetime") else None
    return Told(path=told.path, type=f"list({kind})" if kind else "json", read_only=told.read_only, place=told.place)


def _told(path: str, node: Node, shape: Shape, entries: Shape | None, *, required: bool, read_only: bool) -> Told:
    longest, values = shape.fact("maxLength"), shape.fact("enum")
    kind = _type(shape)
    if entries is not None:
        inner = _type(entries)
        kind = f"list({inner})" if inner in ("string", "integer", "decimal", "boolean", "date") else "json"
        path = f"{path}[]" if kind != "json" else path
    options = tuple(one for one in values if one is not None) if isinstance(values, list) else ()
    is_enum = kind == "enum"
    return Told(
        path=path,
        type=kind,
        required=required,
        read_only=read_only,
        write_only=node_says(node, shape, "writeOnly"),
        max_length=longest if isinstance(longest, int) and kind in ("string", "text", "email", "url") else None,
        values=options if is_enum else None,
        place=node.place,
    )


def _type(shape: Shape) -> str | None:
    """The row type of a scalar; None where the document leaves it open."""
    types = shape.types
    values = shape.fact("enum")
    if isinstance(values, list) and values and all(isinstance(one, str) or one is None for one in values):
        return "enum"
    if types == {"string"}:
        return _FORMATS.get(str(shape.fact("format")), "string")
    if types == {"integer"}:
        return "integer"
    if types == {"boolean"}:
        return "boolean"
    if types in ({"number"}, {"number", "integer"}):
        return "decimal"
    if types == {"object"}:
        return "object"
    if types == {"array"}:
        return "json"
    return None if not types else "json"
