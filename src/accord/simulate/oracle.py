"""What must be true, checked from outside: on the systems' own log of changes, and on the history that Accord keeps.

One check for each promise. Each exemption is a case of the real world that a comment names; what a promise excludes
is excluded here, and no more.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from accord.core.mapping import FlowMap
from accord.simulate.world import Event, World

JOINED = frozenset({"union", "additive", "merge"})
"""Conflict rules that make a new value out of several."""


class BrokenPromiseError(AssertionError):
    """A promise was broken."""

    def __init__(self, promise: str, message: str) -> None:
        super().__init__(f"{promise}: {message}")
        self.promise, self.message = promise, message


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One person's edit of one row."""

    event: Event
    row: str
    seen: str
    mark: str
    native: Any

    @property
    def about(self) -> tuple[str | None, int | None, str]:
        """(flow, thing, row)."""
        return (self.event.flow, self.event.thing, self.row)


class Checks:
    """Counts what was checked, promise by promise."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def hold(self, promise: str, is_true: bool, message: str) -> None:
        """One check. Raises BrokenPromiseError."""
        self.counts[promise] += 1
        if not is_true:
            raise BrokenPromiseError(promise, message)


def edits(world: World) -> Iterator[Edit]:
    """Every edit by a person, in order."""
    for event in world.events:
        if event.actor == "person" and event.op in ("create", "update"):
            for row, (seen, mark, native) in event.rows.items():
                yield Edit(event=event, row=row, seen=seen, mark=mark, native=native)


def writes(world: World) -> Iterator[Event]:
    """Every change that Accord made."""
    return (event for event in world.events if event.actor == "sync")


class Now:
    """What must be true at any time. Looks at each event once."""

    def __init__(self, world: World, checks: Checks) -> None:
        self.world, self.checks = world, checks
        self.next = 0
        self.entered: dict[tuple[str | None, int | None, str], set[str]] = defaultdict(set)
        self.deleted: set[tuple[int | None, str]] = set()
        """(thing, system) that a person deleted."""

    def check(self) -> None:
        """Everything that has happened since the last time."""
        world = self.world
        for event in world.events[self.next :]:
            if event.actor == "person":
                self._person(event)
            else:
                self._ours(event)
        self.next = len(world.events)
        self._no_duplicates()

    def _person(self, event: Event) -> None:
        for row, (_, mark, _) in event.rows.items():
            self.entered[event.flow, event.thing, row].add(mark)
        if event.op == "delete":
            self.deleted.add((event.thing, event.system))

    def _ours(self, event: Event) -> None:
        self._only_mapped(event)
        if event.op == "delete":
            self._may_delete(event)
        elif event.flow is not None:
            for row, (_, mark, _) in event.rows.items():
                self._was_entered(event, self.world.flows[event.flow], row, mark)
                self._did_not_rest(event, self.world.flows[event.flow], row)

    def _did_not_rest(self, event: Event, flow: FlowMap, row: str) -> None:
        """P11: nothing is written of a row while its condition is not true; what is made again is made whole."""
        for system in flow.rows[row].when:
            if event.op == "create" and any((event.thing, name) in self.deleted for name in flow.sides):
                continue
            if event.op == "create" and ("in_doubt", event.thing) in self.world.excused:
                continue  # a person had it sent again, with what it carried when the condition was true
            self.checks.hold(
                "P11",
                self._was_true(event, flow, row, system),
                f"{event.system}/{event.datatype}/{event.id} was written {row} while its condition was not true in "
                f"{system} (event {event.index})",
            )

    def _was_true(self, write: Event, flow: FlowMap, row: str, system: str) -> bool:
        """Whether a condition was true of a record of the thing at some time since a round that saw everything."""
        since = max((good for good in self.world.goods if good < (write.round or write.after)), default=0)
        known: dict[tuple[str, str, str], bool] = {}
        for event in self.world.events[: write.index]:
            if event.thing != write.thing or event.system != system or row not in event.holds:
                continue
            if event.after >= since and (known.get(event.ref) or event.holds[row]):
                return True
            known[event.ref] = event.holds[row]
        return any(known.values())

    def _is_an_id(self, flow: FlowMap, row: str) -> bool:
        """Whether a row carries the id of a record, which its system gives and nobody enters."""
        sources = [system for system in flow.rows[row].sources if system in flow.sides]
        project = self.world.project
        return any(
            flow.sides[system].paths.get(row) == project.datatype(system, flow.sides[system].side.datatype).id
            for system in sources
        )

    def _was_entered(self, event: Event, flow: FlowMap, row: str, mark: str) -> None:
        """P2: no value that nobody entered."""
        known = flow.rows[row]
        if (
            known.conflict.rule in JOINED
            or known.items is not None
            or mark in ("", self._blank(flow, event.system, row))
        ):
            return
        if mark.startswith("?") or row in flow.references:  # an id that was given again means another thing now: P7
            return
        if self._is_an_id(flow, row):
            return
        if event.op == "create" and flow.sides[event.system].paths[row] in flow.sides[event.system].side.defaults:
            return
        archived = {path for side in flow.sides.values() for path in side.side.archive}
        if flow.sides[event.system].paths[row] in archived and event.op == "update":
            self.entered[event.flow, event.thing, row].add(mark)  # the project file says so of what was deleted
            return
        entered = self.entered[event.flow, event.thing, row]
        self.checks.hold(
            "P2",
            mark in entered,
            f"{event.system}/{event.datatype}/{event.id} was given {mark} in {row}, which nobody entered "
            f"(event {event.index})",
        )

    def _blank(self, flow: FlowMap, system: str, row: str) -> str:
        """What an empty property means, where a lens says that it means something."""
        return self.world.mark(flow, system, row, None)

    def _only_mapped(self, event: Event) -> None:
        """P11: nothing but mapped properties is written."""
        self.checks.hold("P11", event.flow is not None, f"event {event.index} makes a record of no flow")
        flow = self.world.flows[event.flow or ""]
        side = flow.sides[event.system]
        behaviour = self.world.systems[event.system].tables[event.datatype].behaviour
        own = {behaviour.id, behaviour.version, behaviour.modified}
        allowed = {*side.paths.values(), *own} | {path for s in flow.sides.values() for path in s.side.archive}
        if event.op == "create":
            allowed |= {*side.side.defaults, behaviour.key_property}
            allowed |= {path for path in event.paths if path in behaviour.normalise}
        if event.op == "delete":
            allowed |= {behaviour.soft_delete} if behaviour.soft_delete else event.paths
        more = {path for path in event.paths if not any(path == a or path.startswith(f"{a}.") for a in allowed if a)}
        self.checks.hold("P11", not more, f"event {event.index} changes {', '.join(sorted(more))}, which no row names")

    def _may_delete(self, event: Event) -> None:
        """P5: nothing is deleted that nobody deleted, and only where a rule or a person says so."""
        flow = self.world.flows[event.flow or ""]
        others = [system for system in flow.sides if system != event.system]
        by_person = any((event.thing, system) in self.deleted for system in others)
        what = f"{event.system}/{event.datatype}/{event.id} (event {event.index})"
        self.checks.hold("P5", by_person, f"{what} was deleted, and nobody deleted its counterpart")
        rules = {flow.sides[system].side.on_delete for system in others}
        ruled = rules & {"propagate", "delete_wins", "edit_wins"} or ("delete", event.thing) in self.world.excused
        self.checks.hold("P5", bool(ruled), f"{what} was deleted; on_delete is {', '.join(sorted(rules))}")

    def _no_duplicates(self) -> None:
        """P3: of one thing, at most one record in a system was made by us, unless a person deleted, or decided."""
        for flow in self.world.flows.values():
            for name in flow.sides:
                things = Counter(
                    self.world.thing_of[name, flow.sides[name].side.datatype, id]
                    for id in self.world.records(flow, name)
                )
                for thing, number in things.items():
                    self.checks.hold(
                        "P3",
                        number < 2 or self._may_be_twice(flow, name, thing),
                        f"{number} records of one thing (thing {thing}) in {name}",
                    )

    def _may_be_twice(self, flow: FlowMap, name: str, thing: int) -> bool:
        events = [event for event in self.world.events if event.thing == thing]
        if any(event.op == "delete" or event.ref in self.world.hidden for event in events):
            return True  # deleted and made again; or we were not allowed to see it
        if ("in_doubt", thing) in self.world.excused:
            return True  # a person said to create it
        if any(self._left_scope(flow, event) for event in events):
            return True  # while it is out of scope, the flow does not know it
        keys = {row for rule in flow.flow.match for row in rule}
        if any(event.actor == "person" and event.op == "update" and keys & set(event.rows) for event in events):
            return True  # somebody changed what it is matched by: nothing says any more that the two are the same
        made = [event for event in events if event.op == "create" and event.system == name]
        ours = [event for event in made if event.actor == "sync"]
        if len(ours) > 1:
            return False
        theirs = [event for event in made if event.actor == "person"]
        if not self._searched(flow, name) and any(self._hidden_from(event, theirs) for event in ours):
            return True  # a listing left the record out, and the system cannot be searched
        return any(event.late or their.after >= event.after for event in ours for their in theirs)

    def _hidden_from(self, ours: Event, theirs: list[Event]) -> bool:
        """Whether a listing lied between a person's create and ours: only that one would have shown the record."""
        first = min((event.after for event in theirs), default=ours.round)
        return any(name == ours.system and first < number <= ours.round for name, number in self.world.lied)

    def _searched(self, flow: FlowMap, name: str) -> bool:
        """Whether a match rule can be searched for in a system."""
        side = flow.sides[name]
        can = set(self.world.systems[name].tables[side.side.datatype].behaviour.find)
        return any(all(row in side.paths and side.paths[row] in can for row in rule) for rule in flow.flow.match)

    def _left_scope(self, flow: FlowMap, event: Event) -> bool:
        side = flow.sides[event.system]
        scope = side.where.paths if side.where is not None else frozenset()
        return event.op == "update" and event.actor == "person" and bool(set(scope) & event.paths)


def unpreventable(world: World) -> set[tuple[int, str]]:
    """(event, row) of edits that slipped between point read and write in a system without version check."""
    found = set()
    for write in writes(world):
        if world.systems[write.system].tables[write.datatype].behaviour.version_check is not None:
            continue
        for event in world.events[max(write.read, 0) : write.index]:
            if event.ref == write.ref and event.actor == "person":
                found |= {(event.index, row) for row in event.rows}
    return found


def check_counts(world: World, checks: Checks) -> None:
    """P4: without faults, K saved records cause at most K writes in each system (one back, where an edit lost)."""
    saved = sum(event.actor == "person" and bool(event.rows) for event in world.events)
    updates = sum(event.op == "update" for event in writes(world))
    creates = sum(event.op == "create" for event in writes(world))
    allowed = saved * len(world.systems) + creates
    checks.hold("P4", updates <= allowed, f"{updates} updates for {saved} saved records and {creates} creates")
