"""The operations of a datatype, and the calls that the parts of the REST connector make of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from accord.config.graphql_text import Operation
from accord.config.meaning import Datatype
from accord.connectors.rest.options import Call, ChangedSince, DatatypeOptions, Errors, Find, Listing, Paginator
from accord.model import Native

TOKEN = "X-Accord-Token"  # noqa: S105 - between our own parts, never sent
NAMES = ("list", "get", "find", "create", "update", "delete")
STATUSES = {"unauthorized": 401, "forbidden": 403, "retry": 429, "gone": 404, "stale": 412, "rejected": 422}
"""What a code means, as a status that the parts of the REST connector understand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One operation of one datatype, with everything that is to be known of it."""

    datatype: str
    name: str
    operation: Operation
    declared: Mapping[str, str]
    """Variable → its type, as it is written."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    place: str | None = None
    """Where the record, the records or the sign of success is, below `data`."""
    errors: str | None = None
    total: str | None = None
    info: str | None = None
    """Where `pageInfo` is, for a connection."""
    id: str | None = None
    input: str | None = None
    version: str | None = None
    token: str | None = None
    replayed: str | None = None
    version_path: str | None = None

    @property
    def writes(self) -> bool:
        """Whether it is a mutation."""
        return self.name in ("create", "update", "delete")

    @property
    def many(self) -> bool:
        """Whether it answers with a list of records."""
        return self.name in ("list", "find")

    def typed(self, variable: str, text: str) -> Native:
        """A text of an address, as the variable takes it."""
        kind = self.declared.get(variable, "").rstrip("!")
        if kind == "Int":
            return int(text) if is_int(text) else text
        if kind == "Float":
            return Decimal(text) if text.replace(".", "", 1).lstrip("-").isdecimal() else text
        return text == "true" if kind == "Boolean" and text in ("true", "false") else text


def is_int(text: str) -> bool:
    """Whether a text is an `Int` of GraphQL: 32 bits, as its digits are written by everybody."""
    digits = text[1:] if text.startswith("-") else text
    plain = digits.isascii() and digits.isdecimal() and (digits == "0" or digits[0] != "0")
    return plain and len(digits) <= 10 and -(1 << 31) <= int(text) < 1 << 31


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphqlOptions:
    """One datatype: its operations, its codes, and the calls."""

    operations: Mapping[str, Asked]
    codes: Mapping[str, int]
    """Code → status."""
    calls: DatatypeOptions
    numbers: frozenset[str]
    """Properties that the project file calls numbers of the binary kind, or whole ones."""


def read_datatype(datatype: Datatype) -> GraphqlOptions:
    """The options of a datatype that the project file has checked."""
    said = datatype.options
    operations = {name: _asked(datatype, name, said[name]) for name in NAMES if said.get(name)}
    codes = {
        code.upper(): STATUSES[meaning]
        for meaning in reversed(STATUSES)
        for code in (said.get("errors") or {}).get(meaning, ())
    }
    numbers = frozenset(path for path, one in datatype.properties.items() if one.type in ("float", "integer"))
    return GraphqlOptions(operations=operations, codes=codes, calls=_calls(datatype, operations), numbers=numbers)


def _asked(datatype: Datatype, name: str, said: Mapping[str, Any]) -> Asked:
    operation = Operation(str(said["query"]))
    declared = operation.variables()
    many = name in ("list", "find")
    place = said.get("records" if many else "record") or (
        operation.records_path(datatype.id) if many else operation.record_path(datatype.id)
    )
    check = datatype.version
    return Asked(
        datatype=datatype.name,
        name=name,
        operation=operation,
        declared=declared,
        fixed=said.get("variables") or {},
        place=place or (operation.root() if name == "delete" else None),
        errors=said.get("errors"),
        total=said.get("total"),
        info=_info(said, place) if name == "list" else None,
        id=said.get("id") or ("id" if name in ("get", "update", "delete") else None),
        input=said.get("input") or ("input" if "input" in declared else None),
        version=said.get("version"),
        token=said.get("token"),
        replayed=said.get("replayed"),
        version_path=check.path if check is not None else None,
    )


def _info(said: Mapping[str, Any], place: str | None) -> str:
    """`issues.pageInfo`, beside `issues.nodes` and `issues.edges[].node`."""
    pages = said.get("pages") or {}
    if pages.get("info"):
        return str(pages["info"])
    before = (place or "").partition("[]")[0]
    return f"{before.rpartition('.')[0]}.pageInfo".lstrip(".")


def _calls(datatype: Datatype, operations: Mapping[str, Asked]) -> DatatypeOptions:
    below = f"/{quote(datatype.name, safe='')}"
    create, find = operations.get("create"), operations.get("find")
    token = TOKEN if create is not None and create.token else None
    searched = (datatype.options.get("find") or {}).get("by") or {}
    return DatatypeOptions(
        listing=_listing(datatype, operations["list"], below),
        get=Call(method="GET", path=f"{below}/get/{{id}}"),
        create=Call(method="POST", path=f"{below}/create", id=datatype.id, idempotency_header=token),
        update=Call(method="PATCH", path=f"{below}/update/{{id}}"),
        delete=Call(method="DELETE", path=f"{below}/delete/{{id}}"),
        find=Find(path=f"{below}/find", params=searched, by=tuple(searched)) if find is not None else None,
        errors=Errors(),
    )


def _listing(datatype: Datatype, asked: Asked, below: str) -> Listing:
    said = datatype.options["list"]
    since = said.get("changed_since")
    return Listing(
        path=f"{below}/list",
        records="data",
        total="total",
        paginator=_paginator(said.get("pages"), asked),
        changed_since=ChangedSince(param=since["variable"], format=str(since.get("format") or "iso8601"))
        if since
        else None,
    )


def _paginator(said: Mapping[str, Any] | None, asked: Asked) -> Paginator:
    declared = asked.declared
    if said is None:
        sized = next((name for name in ("first", "limit", "take") if name in declared), None)
        if "after" in declared:
            said = {"type": "connection", "after": "after", "first": sized, "size": 100}
        elif (offset := next((name for name in ("offset", "skip") if name in declared), None)) is not None:
            said = {"type": "offset", "offset": offset, "limit": sized, "size": 100}
        else:
            said = {"type": "single"}
    size = said.get("size")
    if said["type"] == "connection":
        first = said.get("first")
        return Paginator(
            kind="cursor",
            cursor_param=said["after"],
            cursor_path="next",
            size_param=first,
            size=size if first else None,
        )
    if said["type"] == "offset":
        limit = said.get("limit")
        return Paginator(
            kind="offset", first=0, offset_param=said["offset"], size_param=limit, size=size if limit else None
        )
    return Paginator(kind="single")
