"""Which properties are probed, with what is known of them beforehand, and values for a create."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

from accord.config.meaning import Datatype, Project, Property, System
from accord.engine.discovering import FoundDatatype, FoundProperty
from accord.engine.setting import compile_flows
from accord.model import Native
from accord.probing.found import Prop
from accord.probing.moments import native_moment
from accord.probing.numbers import native
from accord.simulate.satisfying import satisfied
from accord.values.expressions import compile_expression
from accord.values.moments import zone_of

FORMED: dict[str, tuple[str, str]] = {
    "email": ("Mixed.Case@example.org", "Other.Case@example.org"),
    "person": ("Mixed.Case@example.org", "Other.Case@example.org"),
    "url": ("https://example.org/Mixed", "https://example.org/Other"),
    "phone": ("+47 22 33 44 55", "+4722334466"),
    "country": ("NO", "SE"),
    "language": ("nb", "sv"),
}
NUMBERS = frozenset({"integer", "decimal", "float"})
TEXTS = frozenset({"string", "text"})
TRIED = {*FORMED, *NUMBERS, *TEXTS, "boolean", "enum", "reference", "date", "datetime"}
"""Types that there are made-up values for."""
WRITES = {"string": 45, "text": 45, "integer": 14, "decimal": 22, "float": 22, "boolean": 6, "enum": 24, "datetime": 9}
"""How many writes a property of a type takes at most; of the others 10."""
LEAST_ROOM = 10
_TYPE = re.compile(r"([a-z-]+)\s*(?:\((.*)\))?")


def fixed_paths(datatype: Datatype) -> frozenset[str]:
    """What the system keeps for itself: id, times, version, key, the mark of deletion."""
    version = datatype.version.path if datatype.version is not None else None
    flags = compile_expression(datatype.deleted).paths if datatype.deleted else ()
    named = (datatype.id, datatype.created, datatype.modified, version, datatype.key_property, *flags)
    return frozenset(path for path in named if path is not None)


def props_of(
    project: Project, told: Datatype, found: FoundDatatype, ids: Mapping[str, Native], *, careful: bool
) -> tuple[list[Prop], list[str]]:
    """What is probed of a datatype, and the paths that are not. `told` has what the system tells laid under what the
    file says; `ids` is flow → native id of a record in this system. `careful`: a whole number may name another record.
    """
    as_written = project.datatype(told.system, told.name)
    fixed, rows = fixed_paths(told), dict(_rows(project, told))
    known: dict[str, FoundProperty] = {one.path: one for one in found.properties}
    props, others = [], []
    paths = list(dict.fromkeys([*told.properties, *rows, *known]))
    for path in paths:
        around = any(other.startswith(f"{path}.") for other in paths)  # the object around another property
        if path in fixed or around or any(step.startswith("__") for step in path.split(".")):
            continue
        prop = _prop(path, as_written.properties.get(path), told.properties.get(path), rows.get(path), known.get(path))
        if "[" in path or (prop.stated is not None and prop.stated.parts) or prop.kind not in TRIED:
            others.append(path)
        else:
            target = ids.get(rows[path][1]) if path in rows and rows[path][1] else None
            props.append(_referring(prop, target if target is not None else prop.sample, careful=careful))
    return props, others


def _rows(project: Project, datatype: Datatype) -> Iterator[tuple[str, tuple[str, str]]]:
    """(path, (type, flow that it refers to or "")) of the rows of all flows."""
    for flow in project.flows.values():
        side = flow.side(datatype.system)
        if side is not None and side.datatype == datatype.name:
            for row in flow.rows:
                if datatype.system in row.paths:
                    yield row.paths[datatype.system], (str(row.type), row.reference or "")


def _prop(
    path: str, stated: Property | None, told: Property | None, row: tuple[str, str] | None, seen: FoundProperty | None
) -> Prop:
    kind = (told.type if told is not None else None) or (seen.type if seen is not None else None)
    if row is not None and (row[1] or kind is None):
        kind = row[0]
    match = _TYPE.fullmatch(kind or "string")
    name, inside = (match[1], match[2] or "") if match else ("json", "")
    sample = seen.example if seen is not None else None
    if name in TEXTS and row is not None and row[0].partition("(")[0] in ("decimal", "float"):  # numbers kept as text
        name, inside = "decimal", ""
        sample = sample if isinstance(sample, str) else "0.00"
    values = told.values if told is not None else None
    return Prop(
        path=path,
        kind="enum" if values and name in TEXTS else name,
        scale=int(inside) if name == "decimal" and inside.isdecimal() else None,
        stated=stated,
        max_length=told.max_length if told is not None else None,
        values=values or (seen.values or None if seen is not None else None),
        required=bool(told is not None and told.required) or bool(seen is not None and seen.required),
        read_only=bool(told is not None and told.read_only) or bool(seen is not None and seen.read_only),
        create_only=told is not None and told.create_only,
        sample=sample,
    )


def _referring(prop: Prop, target: Native, *, careful: bool) -> Prop:
    """A reference with a record that it may name; where one must be careful, each whole number may be one."""
    if prop.kind != "reference" and not (careful and prop.kind == "integer"):
        return prop
    return replace(prop, kind="reference", target=target, careful=careful)


def value_for(prop: Prop, system: System, number: int = 1) -> Native:
    """A made-up value for a create; None where there is none."""
    if prop.kind in TEXTS:
        return f"Aa{number}"[: prop.max_length]
    if prop.kind == "enum":
        option: Native = (prop.values or (prop.sample,))[0]
        return option
    if prop.kind in NUMBERS:
        return native(prop, Decimal(number))
    if prop.kind in ("date", "datetime"):
        return native_moment(prop.kind, prop.sample, zone_of(system.clock.zone))
    if prop.kind == "boolean":
        return True
    return prop.target if prop.kind == "reference" else FORMED[prop.kind][0]


def side_natives(project: Project, datatype: Datatype) -> dict[str, Any]:
    """What a flow sends with each create of this datatype, so that its filter holds."""
    for flow in compile_flows(project).values():
        side = flow.sides.get(datatype.system)
        if side is not None and side.side.datatype == datatype.name:
            return {**dict(side.side.defaults), **satisfied(side, Random(0))}  # noqa: S311
    return {}


def mark_candidates(props: Sequence[Prop]) -> list[Prop]:
    """Properties that may hold the mark, the likeliest first."""
    fit = [
        one
        for one in props
        if one.kind in TEXTS
        and not (one.values or one.read_only or one.create_only)
        and (one.max_length is None or one.max_length >= LEAST_ROOM)
    ]
    return sorted(fit, key=lambda one: (not one.required, one.kind == "text"))
