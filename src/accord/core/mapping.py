"""A flow's property table, compiled: row types and codecs, looked up once and used for every record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from accord.config.meaning import Datatype, Flow, Project, Property, Row, Side, System
from accord.model import ABSENT, Native, Natives
from accord.values.codec import Codec, codec
from accord.values.expressions import Expression, compile_expression
from accord.values.types import RowType, row_type


@dataclass(frozen=True, slots=True, kw_only=True)
class SideMap:
    """One side of a flow, compiled."""

    side: Side
    title: str
    writable: bool
    """Whether anything may be written to this side's system."""
    rows: Mapping[str, Codec]
    """Row name → codec, for the rows that this system takes part in."""
    paths: Mapping[str, str]
    created: str | None
    """The path of the time at which a record was made, where the system has one."""
    properties: Mapping[str, Property]
    """Row name → what is known of the property, where something is."""
    where: Expression | None
    when: Expression | None
    deleted: Expression | None
    conditions: Mapping[str, Expression]
    """Row name → what must be true of this side's record, else the row rests."""
    looks_beside: bool
    """Whether a row's condition looks at something that is in no base: then the record must have been read."""

    def may_write(self, row: str) -> bool:
        """Whether the system takes a value for this row at all."""
        known = self.properties.get(row)
        return known is None or not known.read_only

    def needs(self, row: str) -> bool:
        """Whether a create must carry this row, and the system fills in nothing by itself."""
        known = self.properties.get(row)
        return known is not None and known.required and known.default is None

    def only_at_creation(self, row: str) -> bool:
        """Whether the system takes a value for this row in a create only."""
        known = self.properties.get(row)
        return known is not None and known.create_only

    def by_row(self, natives: Natives) -> dict[str, Native]:
        """Row name → native value; what the system did not send is missing."""
        return {row: natives[path] for row, path in self.paths.items() if path in natives}

    def created_of(self, natives: Natives) -> Native:
        """When a record was made, as its system says it; None where nothing says so."""
        return None if self.created is None else natives.get(self.created)

    def needed_paths(self) -> list[str]:
        """Every path that must be read: rows, the time of creation, and whatever the expressions look at."""
        paths = dict.fromkeys([*self.paths.values(), *([self.created] if self.created else [])])
        for expression in (self.where, self.when, self.deleted, *self.conditions.values()):
            if expression is not None:
                paths.update(dict.fromkeys(sorted(expression.paths)))
        return list(paths)


class FlowMap:
    """A flow, compiled."""

    def __init__(self, project: Project, flow: Flow) -> None:
        self.project = project
        self.flow = flow
        self.name = flow.name
        self.types: dict[str, RowType] = {row.name: row_type(row) for row in flow.rows}
        self.rows: dict[str, Row] = {row.name: row for row in flow.rows}
        self.sides: dict[str, SideMap] = {side.system: _compile_side(project, flow, side) for side in flow.sides}

    @cached_property
    def units(self) -> tuple[tuple[str, ...], ...]:
        """The rows that win or lose together: groups, and every other row alone."""
        grouped: dict[str, list[str]] = {}
        for row in self.flow.rows:
            grouped.setdefault(f"group {row.group}" if row.group else row.name, []).append(row.name)
        return tuple(tuple(names) for names in grouped.values())

    @cached_property
    def references(self) -> dict[str, str]:
        """Row name → flow that it points into."""
        return {row.name: row.reference for row in self.flow.rows if row.reference}

    def tolerance(self, systems: tuple[str, str]) -> float:
        """Seconds within which the clocks of two systems do not order edits."""
        return max(self.project.systems[name].clock.tolerance for name in systems)

    def title(self, system: str | None) -> str:
        """How people call a system."""
        return self.project.systems[system].title if system else "a person"

    def to_json(self, row: str, value: Any) -> Any:
        """The JSON of a canonical value; of ABSENT it is null."""
        return None if value is ABSENT or value is None else self.types[row].to_json(value)


def _compile_side(project: Project, flow: Flow, side: Side) -> SideMap:
    system = project.systems[side.system]
    datatype = system.datatypes[side.datatype]
    rows = [row for row in flow.rows if side.system in row.paths]
    mapped = {row.paths[side.system] for row in rows}
    conditions = {row.name: compile_expression(row.when[side.system]) for row in flow.rows if side.system in row.when}
    return SideMap(
        side=side,
        title=datatype.title,
        writable=not system.read_only,
        rows={row.name: _codec(row, system, datatype) for row in rows},
        paths={row.name: row.paths[side.system] for row in rows},
        created=datatype.created,
        properties={
            row.name: datatype.properties[path]
            for row in rows
            if (path := row.paths[side.system]) in datatype.properties
        },
        where=_expression(side.where),
        when=_expression(side.when),
        deleted=_expression(datatype.deleted),
        conditions=conditions,
        looks_beside=any(not condition.paths <= mapped for condition in conditions.values()),
    )


def _codec(row: Row, system: System, datatype: Datatype) -> Codec:
    path = row.paths[system.name]
    inside = {} if row.items is None else datatype.properties
    start = f"{path}[]."
    inner = {key.removeprefix(start): prop for key, prop in inside.items() if key.startswith(start)}
    return codec(row, system, datatype.properties.get(path), inner)


def _expression(text: str | None) -> Expression | None:
    return compile_expression(text) if text else None


def flow_order(project: Project) -> list[str]:
    """The flows so that those referred to (and those named in `after`) go first; cycles in file order."""
    before = {
        name: [*flow.after, *(row.reference for row in flow.rows if row.reference and row.reference != name)]
        for name, flow in project.flows.items()
    }
    order: list[str] = []
    open_flows: set[str] = set()

    def visit(name: str) -> None:
        if name in order or name in open_flows:
            return
        open_flows.add(name)
        for earlier in before[name]:
            visit(earlier)
        order.append(name)

    for name in project.flows:
        visit(name)
    return order
