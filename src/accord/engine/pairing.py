"""Which types of rows and of properties go together without a lens, and which lens would do where they do not.

Types that go together may still narrow: text into a whole number is tried on made values (`simulate/laws.py`). Here
are the pairs of which no value of the one is ever a value of the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from accord.config.meaning import Property, Row, TypeSpec

_TYPE = re.compile(r"([a-z-]+)\s*(?:\((.*)\))?(?:\s+of\s+(.+))?")
TEXTS = ("string", "text", "email", "phone", "url", "person", "country", "language", "enum")
FAMILY: dict[str, str] = {
    **dict.fromkeys(TEXTS, "text"),
    **dict.fromkeys(("integer", "decimal", "float"), "number"),
    **dict.fromkeys(("date", "datetime"), "day"),
    **dict.fromkeys(("list", "set"), "list"),
    **dict.fromkeys(("object", "json"), "json"),
}
"""Types of one family are written as one another. What is not named is a family of its own."""
WRITTEN: dict[str, frozenset[str]] = {
    "text": frozenset({"number"}),
    "number": frozenset({"text", "money", "duration"}),
    "boolean": frozenset({"text", "number"}),
    "day": frozenset({"text"}),
    "time": frozenset({"text"}),
    "duration": frozenset({"text", "number"}),
    "money": frozenset({"text", "number"}),
    "reference": frozenset({"text", "number"}),
    "list": frozenset(),
}
"""Family of a row → families of properties, beside its own, that its values are written to."""
READ: dict[str, frozenset[str]] = {**WRITTEN, "text": frozenset({"number", "boolean", "day", "time", "reference"})}
"""The same for reading: any of these has a text."""
CONVERTING = frozenset({"map", "split", "join", "date-format", "expression", "country", "phone"})
"""Lenses after which a value has another type."""
LENSES: dict[tuple[str, str], str] = {
    ("day", "number"): "`date-format: unix` reads and writes seconds since 1970",
    ("day", "boolean"): "an `expression` with `read` and `write` can make one of the other: `value != null`",
    ("text", "boolean"): "`map` says which texts are true and false: `map: {{yes: true, no: false}}`",
    ("text", "day"): "give the row the type `{kind}`; `date-format` reads a date that is written otherwise",
    ("text", "time"): "give the row the type `{kind}`",
    ("text", "duration"): "give the row the type `{kind}`",
    ("text", "reference"): "give the row the type `{kind}`: ids of two systems are paired by their links",
    ("number", "reference"): "give the row the type `{kind}`: ids of two systems are paired by their links",
    ("number", "boolean"): "give the row the type `boolean`, which is written to a number as 1 and 0",
    ("list", "text"): '`split: ", "` makes a list of the text, and a text of the list',
    ("text", "list"): '`join: ", "` makes a text of the list, and a list of the text',
}


def refusals(row: Row, name: str, said: Property | None) -> Iterator[tuple[str, str]]:
    """(message, hint) where a row cannot go with the property of a system, by what is known of its type."""
    if said is None or said.type is None or said.parts or name in row.maps:
        return
    if any(spec.name in CONVERTING for spec in row.lenses.get(name, ())):
        return
    kind = _parsed(said.type)
    if kind is None:
        return
    reads = name in row.sources and not _reads(row.type, kind)
    writes = name in row.targets and not _writes(row.type, kind)
    if reads or writes:
        way = "read from" if reads and not writes else "written to"
        message = (
            f"the row is of type {row.type}, which cannot be {way} {said.path!r} of {name}: it is of type {said.type}"
        )
        yield message, _hint(row.type, kind, said.type)


def _parsed(text: str) -> TypeSpec | None:
    """The outer name, and what a list is of."""
    match = _TYPE.fullmatch(text.strip())
    if match is None:
        return None
    inner = match[3] or (match[2] if match[1] in ("list", "set") else None)
    return TypeSpec(name=match[1], of=_parsed(inner) if inner else None)


def _family(spec: TypeSpec) -> str:
    return FAMILY.get(spec.name, spec.name)


def _writes(row: TypeSpec, kind: TypeSpec) -> bool:
    return _fits(row, kind, WRITTEN)


def _reads(row: TypeSpec, kind: TypeSpec) -> bool:
    return _fits(row, kind, READ)


def _fits(row: TypeSpec, kind: TypeSpec, table: dict[str, frozenset[str]]) -> bool:
    one, other = _family(row), _family(kind)
    if "json" in (one, other):
        return True
    if one == other == "list" and row.of is not None and kind.of is not None:
        return _fits(row.of, kind.of, table)
    return one == other or other in table.get(one, frozenset())


def _hint(row: TypeSpec, kind: TypeSpec, said: str) -> str:
    found = LENSES.get((_family(row), _family(kind)))
    return (found or "an `expression` with `read` and `write` can make one of the other").format(kind=said)
