"""What can be said of a mapping before anything is played: rows that lose values, that narrow, that nobody can fill."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal

from accord.config.meaning import Project, Row
from accord.core.mapping import FlowMap, SideMap
from accord.engine.checking import Checked, Finding
from accord.engine.setting import compile_flows
from accord.errors import ValueRefused
from accord.simulate.laws import Law, laws_of
from accord.simulate.learn import offline_shapes, with_schema
from accord.simulate.models import Shapes, told
from accord.simulate.shapes import PropertyShape

UNCOMPILED = frozenset({"type", "pair", "expression", "file"})
"""Kinds of errors of `check` after which no row can be tried."""
TEXTS = frozenset({"string", "text", "email", "url", "person", "phone"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingFinding:
    """One thing that a user should know about a row."""

    level: Literal["error", "warning"]
    """`error`: a promise breaks, or values are cut or held as a rule. `warning`: something is held now and then."""
    kind: str
    """`law`, `narrow`, `option`, `map`, `required`, `read_only`, `refused` or `fed`."""
    where: str
    """Path in the project file."""
    flow: str
    row: str
    message: str
    hint: str


def findings_of(project: Project, shapes: Shapes) -> tuple[list[MappingFinding], list[Law]]:
    """All findings, and how each row fared, row by row."""
    found: list[MappingFinding] = []
    laws: list[Law] = []
    for flow in compile_flows(told(project, shapes)).values():
        for row in flow.rows.values():
            tried = laws_of(flow, row.name)
            laws += tried
            found += _of_row(flow, row, tried, shapes)
    found += _fed_twice(project)
    return found, laws


def with_laws(project: Project, found: Checked) -> Checked:
    """What was found, and what the laws say of each row on a thousand made values: an error where a row that goes both
    ways loses something. Nothing more where a row cannot be compiled. What the systems told of lengths, scales and
    options, and of what is required or read only, goes into it.
    """
    if any(finding.level == "error" and finding.kind in UNCOMPILED for finding in found.findings):
        return found
    shapes = {
        (system, name): with_schema(shape, found.schemas.get(system, {}).get(name))
        for (system, name), shape in offline_shapes(project).items()
    }
    laws = findings_of(project, shapes)[0]
    narrow = {one.where for one in laws if one.kind == "narrow"}
    told = [
        Finding(
            level="error" if one.kind in ("law", "map") else "warning",
            kind=one.kind,
            where=one.where,
            message=f"{one.row}: {one.message}",
            hint=one.hint,
        )
        for one in laws
        if not (one.kind == "read_only" or (one.kind == "law" and one.level == "warning"))
        and not (one.kind == "refused" and one.where in narrow)
    ]
    kept = (finding for finding in found.findings if finding.kind != "length")  # said with both lengths, as `narrow`
    return replace(found, findings=(*kept, *told))


def where_of(flow: FlowMap, row: Row) -> str:
    """A row's path in the project file."""
    return f"flows.{flow.name}.rows[{flow.flow.rows.index(row)}]"


def _of_row(flow: FlowMap, row: Row, laws: Sequence[Law], shapes: Shapes) -> Iterator[MappingFinding]:
    for law in laws:
        yield from _lost(flow, row, law)
    for source in sorted(row.sources):
        for target in sorted(row.targets - {source}):
            yield from _between(flow, row, source, target, shapes)
    for system in sorted(row.paths):
        if row.sources - {system}:
            yield from _unwritable(flow, row, system)
        yield from _mapped(flow, row, system)


def _finding(
    flow: FlowMap, row: Row, level: Literal["error", "warning"], kind: str, message: str, hint: str
) -> MappingFinding:
    return MappingFinding(
        level=level, kind=kind, where=where_of(flow, row), flow=flow.name, row=row.name, message=message, hint=hint
    )


def _lost(flow: FlowMap, row: Row, law: Law) -> Iterator[MappingFinding]:
    title = flow.title(law.system)
    declared = row.truncate or row.is_lossy(law.system)
    both_ways = law.system in row.sources and law.system in row.targets
    if (law.lost or law.moved) and not declared and law.system in row.targets:
        level: Literal["error", "warning"] = "error" if both_ways else "warning"
        share = f"{law.lost + law.moved:,} of {law.tried:,} made values"
        hint = "say `lossy: true` at the lens, or give the row a direction, or mend the lens"
        yield _finding(flow, row, level, "law", f"does not return from {title} ({share}): {law.example}", hint)
    if law.refused and law.system in row.targets and not law.refused == law.tried == 0:
        level = "error" if law.refused == law.tried else "warning"
        message = f"{law.refused:,} of {law.tried:,} made values cannot be written: {law.refusal}"
        yield _finding(flow, row, level, "refused", message, "such a value is held, and nothing is written for it")


def _between(flow: FlowMap, row: Row, source: str, target: str, shapes: Shapes) -> Iterator[MappingFinding]:
    """What one side can hold and the other cannot."""
    wide, narrow = _shape(flow, row, source, shapes), _shape(flow, row, target, shapes)
    if row.type.name in TEXTS and narrow is not None and narrow.max_length is not None and not row.truncate:
        longest = wide.max_length if wide is not None else None
        if longest is None or longest > narrow.max_length:
            room = f"up to {longest}" if longest is not None else "any number of"
            message = (
                f"{flow.title(target)} has room for {narrow.max_length} characters, and {flow.title(source)} for {room}"
            )
            yield _finding(
                flow,
                row,
                "error" if longest is not None else "warning",
                "narrow",
                message,
                "longer values are held; `truncate: true` cuts them, and the rest stays where it was typed",
            )
    yield from _options(flow, row, source, target, wide)
    needs = flow.sides[target].needs(row.name) and not (wide is not None and wide.required) and not row.required
    if needs and row.paths[target] not in flow.sides[target].side.defaults and flow.sides[target].side.create:
        message = f"{flow.title(target)} requires it, and in {flow.title(source)} it may be empty"
        yield _finding(flow, row, "warning", "required", message, "such a record waits; `defaults` can fill it")


def _options(
    flow: FlowMap, row: Row, source: str, target: str, shape: PropertyShape | None
) -> Iterator[MappingFinding]:
    """Options of one side that the other has no counterpart for."""
    homeless = []
    for option in shape.options if shape is not None else ():
        try:
            flow.sides[target].rows[row.name].encode(flow.sides[source].rows[row.name].decode(option))
        except ValueRefused:
            homeless.append(str(option))
    if homeless:
        message = f"{', '.join(homeless)} of {flow.title(source)} has no counterpart in {flow.title(target)}"
        yield _finding(flow, row, "warning", "option", message, "such a value is held; add it to `map`")


def _mapped(flow: FlowMap, row: Row, system: str) -> Iterator[MappingFinding]:
    """What the map of a row names for a system that has other options."""
    known = flow.sides[system].properties.get(row.name)
    options = known.values if known is not None else None
    if not options or flow.rows[row.name].lenses.get(system):
        return
    for value in dict.fromkeys(row.maps.get(system, {}).values()):
        if value not in options and str(value) not in map(str, options):
            near = get_close_matches(str(value), [str(option) for option in options], n=1)
            message = f"`map` names {str(value)!r} for {flow.title(system)}, which has {', '.join(map(str, options))}"
            hint = (
                f"did you mean {near[0]!r}?" if near else "take it out of `map`, or name the option that it stands for"
            )
            yield _finding(flow, row, "warning", "map", message, hint)


def _unwritable(flow: FlowMap, row: Row, target: str) -> Iterator[MappingFinding]:
    side: SideMap = flow.sides[target]
    known = side.properties.get(row.name)
    if known is not None and known.create_only:
        message = f"{flow.title(target)} takes {row.paths[target]!r} at creation only"
        yield _finding(flow, row, "warning", "read_only", message, "later edits elsewhere are held")


def _shape(flow: FlowMap, row: Row, system: str, shapes: Shapes) -> PropertyShape | None:
    side = flow.sides[system].side
    shape = shapes.get((system, side.datatype))
    return shape.properties.get(row.paths[system]) if shape is not None else None


def _fed_twice(project: Project) -> Iterator[MappingFinding]:
    """One property that rows of two flows write, where both flows may claim the same record."""
    written: dict[tuple[str, str, str], tuple[str, Row]] = {}
    flows = compile_flows(project)
    for flow in flows.values():
        for row in flow.rows.values():
            for system in row.targets & set(row.paths):
                side = flow.sides[system].side
                key = (system, side.datatype, row.paths[system])
                name, _ = written.setdefault(key, (flow.name, row))
                other = flows[name].sides[system].side
                if name != flow.name and not (side.where and other.where and side.where != other.where):
                    path = f"{system}.{row.paths[system]}"
                    message = f"{path} is written by flow {name!r} too, and no filter parts the two"
                    hint = "give both flows a `where` that excludes the other"
                    yield _finding(flow, row, "error", "fed", message, hint)
