"""A world: the systems of a project as models, a clock that only moves when it is looked at or told to, and a log of
every change of every record, by whomever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from accord.config.meaning import Project, System
from accord.connectors.memory import MemoryConnector, MemorySystem, TickingClock
from accord.connectors.paths import flat, get_path
from accord.core.keys import source_of
from accord.core.mapping import FlowMap
from accord.core.match import in_scope_of
from accord.engine.setting import compile_flows
from accord.errors import AccordError, ValueRefused
from accord.model import ABSENT
from accord.simulate import marks
from accord.simulate.models import PROFILES, TEXTS, Shapes, behaviour, refuse, told
from accord.simulate.shapes import DatatypeShape, PropertyShape

Rows = Mapping[str, tuple[str, str, Any]]


@dataclass(frozen=True, kw_only=True)
class Event:
    """One change of one record, as the system itself saw it."""

    index: int
    round: int
    """0: between rounds; else the round at work."""
    after: int
    """How many rounds had begun."""
    actor: str
    """`person` or `sync`."""
    op: str
    system: str
    datatype: str
    id: str
    flow: str | None
    thing: int | None
    """Which thing of the real world the record is about: what the oracle knows, and Accord does not."""
    rows: Rows
    """Row → (mark before, mark now, native now)."""
    paths: frozenset[str]
    late: bool = False
    holds: Mapping[str, bool] = field(default_factory=dict)
    """Row → whether its condition is true of this record after the change."""
    read: int = -1
    """For a write of ours: how many events there were when the record was last read by its id."""

    @property
    def ref(self) -> tuple[str, str, str]:
        """(system, datatype, id)."""
        return (self.system, self.datatype, self.id)


class SimSystem(MemorySystem):
    """A system that tells its world of every change, and knows the hand of a person from the connector's."""

    def __init__(self, name: str, world: World, shapes: Mapping[str, DatatypeShape], random: Random) -> None:
        self.name, self.world, self.shapes = name, world, shapes
        self.hand = self.is_late = False
        self.making: tuple[str, int] | None = None
        """The (flow, thing) that a person makes a record of."""
        self.token = ""
        self.reads: dict[tuple[str, str], int] = {}
        habit = world.habit
        datatypes = world.project.systems[name].datatypes
        behaviours = {
            key: behaviour(
                datatypes[key], shape, habit, random, world.reference_targets(name, key), world.texts(name, key)
            )
            for key, shape in shapes.items()
        }
        super().__init__(behaviours, clock=world.clock, random=random)
        self.on_request(self._watch)

    @contextmanager
    def person(self, making: tuple[str, int] | None = None) -> Iterator[None]:
        """What happens in here is done by a person."""
        self.hand, self.making = True, making
        try:
            yield
        finally:
            self.hand, self.making = False, None

    def create(self, datatype: str, natives: Mapping[str, Any], token: str) -> tuple[str, bool]:
        """A create from outside; its key names the record that it was made from."""
        self.token = token
        try:
            return super().create(datatype, natives, token)
        finally:
            self.token = ""

    def later(self, requests: int, act: Any) -> None:
        """A late write rests on what was read before it was sent."""
        reads = dict(self.reads)

        def late() -> None:
            now, self.reads, self.is_late = self.reads, reads, True
            try:
                act()
            finally:
                self.reads, self.is_late = now, False

        super().later(requests, late)

    @property
    def pending(self) -> bool:
        """Whether writes are still on their way."""
        return bool(self._late)

    def _watch(self, phase: str, operation: str, datatype: str, id: str | None) -> None:
        if phase == "after" and operation == "get" and id is not None:
            self.reads[datatype, id] = len(self.world.events)

    def _checked(self, datatype: str, id: str, record: dict[str, Any]) -> dict[str, Any]:
        checked = super()._checked(datatype, id, record)
        refuse(self.shapes[datatype], checked)
        return checked

    def _put(self, datatype: str, id: str, record: dict[str, Any] | None) -> None:
        old = self.tables[datatype].records.get(id)
        super()._put(datatype, id, record)
        self.world.note(self, datatype, id, old, record)


class World:
    """See the module. Everything in it comes from one seed."""

    def __init__(self, project: Project, shapes: Shapes, *, seed: int, profile: str, folder: Path) -> None:
        self.seed, self.profile, self.habit = seed, profile, PROFILES[profile]
        self.folder = folder
        self.project = replace(project, state=str(folder / "state.db"))
        self.shapes = shapes
        self.flows: dict[str, FlowMap] = compile_flows(told(self.project, shapes))
        self.clock = TickingClock(step=0.01)
        self.events: list[Event] = []
        self.story: list[str] = []
        self.round = self.rounds = self.good = 0
        """The round at work, how many have begun, and the last one that ended without an error."""
        self.goods: list[int] = []
        self.numbers = self.things = 0
        self.flow_of_thing: dict[int, str] = {}
        self.thing_of: dict[tuple[str, str, str], int] = {}
        self.owner: dict[tuple[str, str, str], int] = {}
        """(flow, row, mark) → the thing that a person entered it for."""
        self.excused: set[tuple[str, int]] = set()
        """(kind of held item, thing): a person has decided, so that the rules do not bind it any more."""
        self.hidden: set[tuple[str, str, str]] = set()
        """Records that we were not allowed to see for some time."""
        self.lied: set[tuple[str, int]] = set()
        """(system, round) in which a listing left something out."""
        self.systems = {
            name: SimSystem(name, self, self._shapes_of(name), Random(f"{seed} {name}"))  # noqa: S311
            for name in self._used()
        }

    def _used(self) -> list[str]:
        used = {system for flow in self.flows.values() for system in flow.sides}
        return [name for name in self.project.systems if name in used]

    def _shapes_of(self, system: str) -> dict[str, DatatypeShape]:
        used = {flow.sides[system].side.datatype for flow in self.flows.values() if system in flow.sides}
        return {name: self.shapes[system, name] for name in sorted(used)}

    def connect(self, system: System) -> MemoryConnector:
        """The connector of a model, in the place of the real one."""
        return MemoryConnector(system, self.systems[system.name])

    def reference_targets(self, system: str, datatype: str) -> dict[str, str]:
        """Path → datatype that it points into."""
        found = {}
        for flow in self.flows.values():
            side = flow.sides.get(system)
            if side is None or side.side.datatype != datatype:
                continue
            for row, target in flow.references.items():
                other = self.flows[target].sides.get(system)
                if row in side.paths and other is not None:
                    found[side.paths[row]] = other.side.datatype
        return found

    def texts(self, system: str, datatype: str) -> frozenset[str]:
        """Paths that hold free text, as far as the rows say. What records are matched by is searched for as it is."""
        sides = [
            (flow, side)
            for flow in self.flows.values()
            if (side := flow.sides.get(system)) is not None and side.side.datatype == datatype
        ]
        free = {
            path
            for flow, side in sides
            for row, path in side.paths.items()
            if flow.rows[row].type.name in TEXTS
            and not flow.rows[row].maps
            and not any(row in rule for rule in flow.flow.match)
        }
        return frozenset(free)

    def number(self) -> int:
        """A number that no other edit has."""
        self.numbers += 1
        return self.numbers

    def new_thing(self, flow: str) -> int:
        """One more thing of the real world."""
        self.things += 1
        self.flow_of_thing[self.things] = flow
        return self.things

    # what a record is

    def shape(self, flow: FlowMap, system: str, row: str) -> PropertyShape | None:
        """What is known of a row's property in a system."""
        side = flow.sides[system]
        path = side.paths.get(row)
        return self.shapes[system, side.side.datatype].properties.get(path or "")

    def row_shapes(self, flow: FlowMap, row: str) -> list[PropertyShape]:
        """What is known of a row's properties in all systems."""
        found = (self.shape(flow, system, row) for system in flow.sides if row in flow.sides[system].paths)
        return [shape for shape in found if shape is not None]

    def is_marked(self, flow: FlowMap, row: str) -> bool:
        """Whether values of a row can be told apart from outside."""
        known = flow.rows[row]  # of a list whose elements are merged, every element has a mark of its own
        plain = not any(known.maps.values()) and row not in flow.references and known.items is None
        return plain and marks.is_marked(known.type, self.row_shapes(flow, row))

    def in_scope(self, flow: FlowMap, system: str, record: Mapping[str, Any]) -> bool:
        """Whether the filter of a side is true; where it cannot be said, it is not."""
        side = flow.sides[system]
        if side.where is None:
            return True
        try:
            return in_scope_of(flow, system, flat(dict(record), tuple(side.needed_paths())))
        except AccordError:
            return False

    def holds(self, flow: FlowMap, system: str, record: Mapping[str, Any]) -> dict[str, bool]:
        """Row → whether its condition is true of a record; rows without one are left out."""
        found = {}
        side = flow.sides[system]
        for row, condition in side.conditions.items():
            try:
                found[row] = bool(record) and condition.test(flat(dict(record), tuple(side.needed_paths())))
            except AccordError:
                found[row] = False
        return found

    def claimed(self, system: str, datatype: str, record: Mapping[str, Any]) -> FlowMap | None:
        """The flow whose filter a record fulfils, where it is plain."""
        flows = [
            flow
            for flow in self.flows.values()
            if system in flow.sides and flow.sides[system].side.datatype == datatype
        ]
        if len(flows) == 1:
            return flows[0]
        able = [flow for flow in flows if self.in_scope(flow, system, record)]
        able = [flow for flow in able if flow.sides[system].side.mode != "never"] or able
        return able[0] if len(able) == 1 else None

    def records(self, flow: FlowMap, system: str) -> dict[str, dict[str, Any]]:
        """The live records of things of a flow in a system."""
        datatype = flow.sides[system].side.datatype
        return {
            id: record
            for id, record in self.systems[system].all(datatype).items()
            if self.flow_of_thing.get(self.thing_of.get((system, datatype, id), 0)) == flow.name
        }

    def mark(self, flow: FlowMap, system: str, row: str, native: Any) -> str:
        """What makes a native value recognisable; of a reference the thing that it points to."""
        if native is ABSENT or row not in flow.sides[system].rows:
            return ""
        if row in flow.references:
            return self._pointed(flow, system, row, native)
        try:
            value = flow.sides[system].rows[row].decode(native)
        except ValueRefused:
            return f"!{native!r}"
        return marks.mark(flow, row, value)

    def _pointed(self, flow: FlowMap, system: str, row: str, native: Any) -> str:
        if native is None or native == "":
            return ""
        try:
            id = flow.sides[system].rows[row].decode(native)
        except ValueRefused:
            return f"!{native!r}"
        side = self.flows[flow.references[row]].sides.get(system)
        thing = self.thing_of.get((system, side.side.datatype, str(id))) if side else None
        return f"thing {thing}" if thing is not None else f"?{id}"

    def marks_of(self, flow: FlowMap, system: str, record: Mapping[str, Any]) -> dict[str, str]:
        """Row → mark."""
        side = flow.sides[system]
        return {row: self.mark(flow, system, row, get_path(dict(record), path)) for row, path in side.paths.items()}

    # the log

    def note(
        self, system: SimSystem, datatype: str, id: str, old: dict[str, Any] | None, new: dict[str, Any] | None
    ) -> None:
        """Log a change."""
        flag = system.tables[datatype].behaviour.soft_delete
        gone = new is None or (flag is not None and get_path(new, flag) is True)
        op = "delete" if gone else "create" if old is None else "update"
        ref = (system.name, datatype, id)
        flow, thing = self._identity(system, ref, op, new or old or {})
        event = Event(
            index=len(self.events),
            round=self.round,
            after=self.rounds,
            actor="person" if system.hand else "sync",
            op=op,
            system=system.name,
            datatype=datatype,
            id=id,
            flow=flow.name if flow else None,
            thing=thing,
            rows=self._rows(flow, system.name, old, new) if flow and new is not None else {},
            paths=_changed(old or {}, new or {}),
            late=system.is_late,
            holds=self.holds(flow, system.name, {} if gone else new or {}) if flow else {},
            read=system.reads.get((datatype, id), -1),
        )
        if event.actor == "person" and flow is not None and thing is not None:
            self.owner |= {(flow.name, row, now): thing for row, (_, now, _) in event.rows.items() if now}
        self.events.append(event)
        self.story.append(f"    {told_event(event)}")

    def _identity(
        self, system: SimSystem, ref: tuple[str, str, str], op: str, record: Mapping[str, Any]
    ) -> tuple[FlowMap | None, int | None]:
        """The flow and the thing of a record. One that Accord makes is about the thing whose marks it carries."""
        if op != "create" and ref in self.thing_of:
            thing = self.thing_of[ref]
            return self.flows.get(self.flow_of_thing[thing]), thing
        if system.hand and system.making is not None:
            flow, thing = system.making
            self.thing_of[ref] = thing
            return self.flows[flow], thing
        found = self._recognised(system.name, ref[1], record) or self._named(system.token)
        if found is not None:
            self.thing_of[ref] = found
            return self.flows[self.flow_of_thing[found]], found
        claimed = self.claimed(system.name, ref[1], record)
        if claimed is None:
            return None, None
        self.thing_of[ref] = self.new_thing(claimed.name)
        return claimed, self.thing_of[ref]

    def _named(self, token: str) -> int | None:
        """The thing that the key of a create names: of a record that was emptied before it was carried over."""
        source = source_of(token)
        return None if source is None else self.thing_of.get((source.system, source.datatype, source.id))

    def _recognised(self, system: str, datatype: str, record: Mapping[str, Any]) -> int | None:
        """The thing whose marks a record carries most of."""
        votes: dict[int, int] = {}
        for flow in self.flows.values():
            if system not in flow.sides or flow.sides[system].side.datatype != datatype:
                continue
            for row, found in self.marks_of(flow, system, record).items():
                if found and self.is_marked(flow, row) and (thing := self.owner.get((flow.name, row, found))):
                    votes[thing] = votes.get(thing, 0) + 1
        return max(votes, key=lambda thing: (votes[thing], -thing)) if votes else None

    def _rows(
        self, flow: FlowMap, system: str, old: dict[str, Any] | None, new: dict[str, Any]
    ) -> dict[str, tuple[str, str, Any]]:
        rows = {}
        for row, path in flow.sides[system].paths.items():
            before, now = get_path(old or {}, path), get_path(new, path)
            if before != now and not (before in (ABSENT, None) and now in (ABSENT, None)):
                rows[row] = (self.mark(flow, system, row, before), self.mark(flow, system, row, now), now)
        return rows


def told_event(event: Event) -> str:
    """One change in a line."""
    shown = ", ".join(f"{row} {a or '∅'} → {b or '∅'}" for row, (a, b, _) in event.rows.items())
    who = "someone" if event.actor == "person" else "ACCORD (late)" if event.late else "ACCORD"
    thing = f" (thing {event.thing})" if event.thing else ""
    return f"#{event.index} {who} {event.op}s {event.system}/{event.datatype}/{event.id}{thing}: {shown}".rstrip(": ")


def _changed(old: dict[str, Any], new: dict[str, Any]) -> frozenset[str]:
    paths = tuple({path for record in (old, new) for path in _leaves(record)})
    before, now = flat(old, paths), flat(new, paths)
    return frozenset(path for path in paths if before.get(path) != now.get(path))


def _leaves(record: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in record.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"
