"""Small rows, systems and codecs for the tests of values."""

from __future__ import annotations

from typing import Any

from accord.config.meaning import LensSpec, Property, Row, System, SystemClock, TypeSpec
from accord.values.codec import Codec, codec
from accord.values.types import RowType, row_type


def spec(text: str) -> TypeSpec:
    if " of " in text:
        name, _, of = text.partition(" of ")
        return TypeSpec(name=name, of=spec(of))
    name, _, arguments = text.partition("(")
    return TypeSpec(name=name, arguments=tuple(part.strip() for part in arguments.rstrip(")").split(",") if part))


def row(kind: str, *lenses: tuple[str, Any], **more: Any) -> Row:
    side = {"erp": tuple(LensSpec(name=name, argument=argument) for name, argument in lenses)} if lenses else {}
    both = frozenset({"pms", "erp"})
    paths = {"pms": "name", "erp": "title"}
    return Row(name="name", paths=paths, type=spec(kind), sources=both, targets=both, lenses=side, **more)


def system(zone: str = "UTC") -> System:
    return System(name="erp", title="CustomERP", connector="rest", datatypes={}, clock=SystemClock(zone=zone))


def made(
    kind: str, *lenses: tuple[str, Any], zone: str = "UTC", prop: dict[str, Any] | None = None, **more: Any
) -> Codec:
    found = Property(path="title", **prop) if prop else None
    return codec(row(kind, *lenses, **more), system(zone), found)


def typed(kind: str, **more: Any) -> RowType:
    return row_type(row(kind, **more))
