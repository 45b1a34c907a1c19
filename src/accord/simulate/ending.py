"""What must be true once people and faults have stopped, three rounds later."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from accord.connectors.paths import get_path
from accord.core.mapping import FlowMap
from accord.core.match import CREATING
from accord.model import ABSENT, Link, LinkState, Ref
from accord.simulate.oracle import JOINED, Checks, Edit, edits, unpreventable, writes
from accord.simulate.world import Event, World
from accord.store.opening import State
from accord.stored import Held, HistoryLine

Live = tuple[Link, FlowMap, dict[str, dict[str, Any]]]


def check_end(world: World, state: State, checks: Checks, faulty: set[int]) -> None:
    """All checks. `faulty` are rounds that died or were struck by a fault."""
    end = _End(world, state, checks, faulty)
    end.equal()
    end.no_edit_lost()
    end.no_edit_waits_beside_another()
    end.nothing_comes_back()
    end.no_echo()
    end.all_linked()
    end.explained(faulty)
    end.asked()
    end.held_with_reason()


class _End:
    def __init__(self, world: World, state: State, checks: Checks, faulty: set[int]) -> None:
        self.world, self.state, self.checks = world, state, checks
        self.sound = [good for good in world.goods if good not in faulty]
        """Rounds in which Accord could look at everything."""
        self.links: dict[int, Link] = state.links.load(list(state.links.numbers()))
        self.held: list[Held] = list(state.held.list())
        self.lines: list[HistoryLine] = list(state.history.list())
        self.edits = list(edits(world))
        self.slipped = unpreventable(world)
        self.seen: dict[Any, list[Edit]] = defaultdict(list)
        for edit in self.edits:
            self.seen[*edit.about, edit.seen].append(edit)
        self.where: dict[Any, set[str]] = defaultdict(set)
        """(flow, thing, row, mark) → the systems in which somebody typed it."""
        for edit in self.edits:
            self.where[*edit.about, edit.mark].add(edit.event.system)
        self.spread = {
            (*event.ref[:1], event.flow, event.thing, row, mark)
            for event in writes(world)
            for row, (_, mark, _) in event.rows.items()
        }
        self.lost = set(self._lost())
        self.live = list(self._live())

    def _lost(self) -> Iterator[tuple[str, int | None, str, str]]:
        """(flow, link, row, mark) of what the history calls superseded, or left where it does not flow from."""
        for line in self.lines:
            flow = self.world.flows.get(line.flow or "")
            if flow is None:
                continue
            for row, (old, _) in line.changes.items():
                if row not in flow.rows or row in flow.references:
                    continue
                one_way = line.op == "update" and line.system not in flow.rows[row].sources
                if line.op in ("superseded", "kept") or one_way:
                    yield flow.name, line.link, row, self._json_mark(flow, row, old)

    def _json_mark(self, flow: FlowMap, row: str, value: Any) -> str:
        from accord.simulate.marks import mark

        try:
            return mark(flow, row, flow.types[row].from_json(value))
        except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError):
            return ""

    def _record(self, ref: Ref) -> dict[str, Any] | None:
        if ref.system not in self.world.systems:
            return None
        return self.world.systems[ref.system].all(ref.datatype).get(ref.id)

    def _thing(self, ref: Ref) -> int | None:
        return self.world.thing_of.get((ref.system, ref.datatype, ref.id))

    def _held_of(self, link: Link) -> list[Held]:
        refs = {str(member.ref) for member in link.members}
        return [item for item in self.held if item.link == link.id or refs & set(item.refs)]

    def _is_held(self, link: Link, flow: FlowMap, row: str) -> bool:
        unit = next(unit for unit in flow.units if row in unit)
        return any(item.row is None or item.row in unit or item.kind == "rejected" for item in self._held_of(link))

    def _live(self) -> Iterator[Live]:
        """Links that are in step: all of their records are there."""
        for link in self.links.values():
            flow = self.world.flows.get(link.flow)
            if link.state is not LinkState.LINKED or flow is None:
                continue
            records = {member.ref.system: self._record(member.ref) for member in link.members}
            if all(records.values()) and not any(item.kind == "delete" for item in self._held_of(link)):
                yield link, flow, {name: record for name, record in records.items() if record is not None}

    # P1, P7

    def equal(self) -> None:
        """P1, P7: all members hold the same values, as far as their systems can store them, and the same references."""
        for link, flow, records in self.live:
            things = {self._thing(member.ref) for member in link.members} - {None}
            merged = {("review", thing) for thing in things} & self.world.excused
            self.checks.hold(
                "P3", len(things) == 1 or bool(merged), f"link {link.id} joins things {sorted(map(str, things))}"
            )
            marks = {name: self.world.marks_of(flow, name, record) for name, record in records.items()}
            for row in flow.rows:
                values = {name: found[row] for name, found in marks.items() if row in found}
                same = len(set(values.values())) <= 1 or self._may_differ(link, flow, row, values)
                self.checks.hold(
                    "P7" if row in flow.references else "P1",
                    same,
                    f"{row} of link {link.id} ({', '.join(str(m.ref) for m in link.members)}) differs: {values}",
                )

    def _rests(self, link: Link, flow: FlowMap, row: str) -> bool:
        """Whether a condition of a row is not true of the records as they are."""
        for system in flow.rows[row].when:
            member = link.member(system)
            record = self._record(member.ref) if member is not None else None
            if not self.world.holds(flow, system, record or {})[row]:
                return True
        return False

    def _may_differ(self, link: Link, flow: FlowMap, row: str, values: Mapping[str, str]) -> bool:
        if self._rests(link, flow, row):
            return True
        known = flow.rows[row]
        everyone = frozenset(known.paths)
        if self._is_held(link, flow, row) or known.sources != everyone or known.targets != everyone:
            return True
        sides = [flow.sides[name] for name in values]
        if not all(side.writable and side.side.update and side.may_write(row) for side in sides):
            return True
        if known.truncate or any(map(known.is_lossy, known.paths)):
            return not self.world.is_marked(flow, row)
        if f"which {row!r} refers to" in (self.state.links.why([link.id]).get(link.id) or ""):
            return True
        if row in flow.references:
            target = self.world.flows[flow.references[row]]
            return any(not self._in_step(target, value) for value in values.values() if value)
        return False

    def _in_step(self, flow: FlowMap, pointed: str) -> bool:
        """Whether a thing is linked and its records are there in all systems."""
        for link, spec, found in self.live:
            if spec is flow and any(f"thing {self._thing(member.ref)}" == pointed for member in link.members):
                return len(found) == len(flow.sides)
        return False

    # P2

    def no_edit_lost(self) -> None:
        """P2: an edit is where it was made, was typed over by one who saw it, is superseded, or is held."""
        for edit in self.edits:
            event = edit.event
            flow = self.world.flows[event.flow or ""]
            if edit.mark == "" or not self.world.is_marked(flow, edit.row) or (event.index, edit.row) in self.slipped:
                continue
            if flow.rows[edit.row].conflict.rule in JOINED:
                continue
            record = self._record(Ref(*event.ref))
            if record is None or self.world.thing_of.get(event.ref) != event.thing:
                self._deleted(flow, edit)
                continue
            now = self.world.mark(
                flow, event.system, edit.row, get_path(record, flow.sides[event.system].paths[edit.row])
            )
            told = now == edit.mark or bool(self.seen[*edit.about, edit.mark]) or self._is_lost(flow, edit)
            self.checks.hold(
                "P2",
                told,
                f"{edit.mark}, typed into {edit.row} of {event.system}/{event.datatype}/{event.id} (event "
                f"{event.index}), is lost; there is {now or 'nothing'}",
            )

    def no_edit_waits_beside_another(self) -> None:
        """P2: where several sides hold references that were never agreed on, someone is asked: a wait may not end."""
        for link, flow, records in self.live:
            for row in flow.references:
                waiting = {}
                for member in link.members:
                    name = member.ref.system
                    if row not in member.base or name not in flow.rows[row].sources:
                        continue
                    native = get_path(records[name], flow.sides[name].paths[row])
                    if native != ABSENT and native != member.base[row]:
                        waiting[name] = self.world.mark(flow, name, row, native)
                told = len(set(waiting.values())) < 2 or self._is_held(link, flow, row) or self._rests(link, flow, row)
                self.checks.hold("P2", told, f"{row} of link {link.id} was edited to {waiting}, and nobody is asked")

    def _is_lost(self, flow: FlowMap, edit: Edit) -> bool:
        return any((name, row, mark) == (flow.name, edit.row, edit.mark) for name, _, row, mark in self.lost)

    def _deleted(self, flow: FlowMap, edit: Edit) -> None:
        """An edit in a record that we deleted: somebody else had received it, unless deletions win."""
        event = edit.event
        later = self.world.events[event.index :]
        gone = next((e for e in later if e.ref == event.ref and e.op == "delete"), None)
        if gone is None or gone.actor != "sync" or event.op == "create":
            return
        known = self._was_spread(edit) or bool(self.seen[*edit.about, edit.mark]) or self._is_lost(flow, edit)
        decided = ("delete", event.thing) in self.world.excused
        one_way = event.system not in flow.rows[edit.row].sources
        wins = any(side.side.on_delete == "delete_wins" for side in flow.sides.values())
        self.checks.hold(
            "P2",
            known or decided or one_way or wins,
            f"{edit.mark} (event {event.index}) was deleted with its record, and nobody had received it",
        )

    def _was_spread(self, edit: Edit) -> bool:
        event = edit.event
        return any((name, event.flow, event.thing, edit.row, edit.mark) in self.spread for name in self.world.systems)

    def nothing_comes_back(self) -> None:
        """P2: a value that somebody who saw it typed over is nowhere any more."""
        for link, flow, records in self.live:
            for row, known in flow.rows.items():
                plain = known.sources == known.targets == frozenset(known.paths)
                if (
                    not plain
                    or known.group
                    or known.enforce
                    or known.keep_filled
                    or not self.world.is_marked(flow, row)
                ):
                    continue  # a group wins or loses together, also what was typed over in it
                if known.conflict.rule in {*JOINED, "keep-filled"} or self._is_held(link, flow, row):
                    continue
                if self._rests(link, flow, row):
                    continue  # the other side has not received what was typed over it
                for name, record in records.items():
                    if row in flow.sides[name].rows:
                        self._not_typed_over(link, flow, row, name, record)

    def _not_typed_over(self, link: Link, flow: FlowMap, row: str, name: str, record: dict[str, Any]) -> None:
        mark = self.world.mark(flow, name, row, get_path(record, flow.sides[name].paths[row]))
        things = {self._thing(member.ref) for member in link.members}
        chosen = {(kind, thing) for kind in ("conflict", "in_doubt", "frozen") for thing in things if thing}
        if mark == "" or chosen & self.world.excused:
            return  # a person chose it, or said that a record which may be anybody's is the same
        members = {(member.ref.system, member.ref.datatype, member.ref.id) for member in link.members}
        for thing in things:
            for edit in self.seen[flow.name, thing, row, mark]:
                event = edit.event
                if event.ref not in members or (event.index, edit.row) in self.slipped:
                    continue
                if self._before_it_was_known(edit) or self._deleted_after(event):
                    continue
                if len(self.where[flow.name, thing, row, mark]) > 1:
                    continue  # somebody typed the same elsewhere, and nobody typed over it there
                self.checks.hold(
                    "P2",
                    False,
                    f"{mark} is in {row} of {name} (link {link.id}), and event {event.index} had typed over it",
                )
        self.checks.hold("P2", True, "")

    def _before_it_was_known(self, edit: Edit) -> bool:
        """Whether the value typed over was ours, and Accord could not yet know that its write took effect.

        The answer was lost, and all that was written typed over: from outside it never happened.
        """
        for event in self.world.events[: edit.event.index]:
            ours = event.actor == "sync" and event.ref == edit.event.ref
            if ours and event.rows.get(edit.row, ("", "", None))[1] == edit.seen:
                return not any(event.round <= good <= edit.event.after for good in self.sound)
        return False

    def _deleted_after(self, event: Event) -> bool:
        """Whether the record was deleted by a person after an edit, and the edit with it."""
        later = self.world.events[event.index :]
        return any(e.op == "delete" and e.actor == "person" and e.ref == event.ref for e in later)

    # P4

    def no_echo(self) -> None:
        """P4: what another system made of a value is not written back to where it was typed."""
        typed = {(*e.event.ref, e.row, e.mark): e.native for e in self.edits if e.mark}
        for link, flow, records in self.live:
            ids = {member.ref.system: member.ref for member in link.members}
            for name, record in records.items():
                for row, path in flow.sides[name].paths.items():
                    if not self.world.is_marked(flow, row):
                        continue
                    value, ref = get_path(record, path), ids[name]
                    mark = self.world.mark(flow, name, row, value)
                    was = typed.get((ref.system, ref.datatype, ref.id, row, mark), ABSENT)
                    twice = len(self.where[flow.name, self._thing(ref), row, mark]) > 1  # first link: the fuller
                    same = was is ABSENT or was == value or twice
                    self.checks.hold("P4", same, f"{ref} {row} was typed as {was!r} and is {value!r}")

    # P6

    def all_linked(self) -> None:
        """P1, P6: what should have counterparts has them, unless it is held or waits for one that is."""
        joined = {
            (member.ref.system, member.ref.datatype, member.ref.id): link
            for link in self.links.values()
            for member in link.members
        }
        for flow in self.world.flows.values():
            for name, side in flow.sides.items():
                for id, record in self.world.records(flow, name).items():
                    ref = (name, side.side.datatype, id)
                    if self._should_be_linked(flow, name, ref, record):
                        self._linked(flow, ref, joined.get(ref))

    def _should_be_linked(self, flow: FlowMap, name: str, ref: tuple[str, str, str], record: Mapping[str, Any]) -> bool:
        side = flow.sides[name].side
        if side.mode not in ("create", "match-or-create") or side.when is not None or side.since_linked:
            return False
        if not self.world.in_scope(flow, name, record) or self.world.claimed(name, ref[1], record) is not flow:
            return False
        thing = self.world.thing_of[ref]
        events = [event for event in self.world.events if event.thing == thing]
        let_go = {("review", thing), ("in_doubt", thing), ("delete", thing)} & self.world.excused
        return not let_go and not any(event.op == "delete" for event in events)

    def _linked(self, flow: FlowMap, ref: tuple[str, str, str], link: Link | None) -> None:
        named = Ref(*ref)
        if link is None:
            known = any(str(named) in item.refs for item in self.held) or any(
                str(named) in (line.ref or "") for line in self.lines
            )
            self.checks.hold("P6", known, f"{named} is in no link, and nothing says why")
            return
        whole = len(link.members) == len(flow.sides) or link.state is LinkState.RESTING
        why = self.state.links.why([link.id]).get(link.id)
        told = whole or bool(self._held_of(link)) or bool(why)
        self.checks.hold(
            "P6", told, f"{named} has no counterparts (link {link.id}, {link.state}), and nothing says why"
        )
        if not whole and not self._held_of(link):
            self.checks.hold(
                "P1",
                self._waits(link, flow) or not self._can_create(flow, link),
                f"{named} has no counterparts (link {link.id}, {link.state}: {why})",
            )

    def _can_create(self, flow: FlowMap, link: Link) -> bool:
        """Whether each system that has no record of the link yet takes new ones at all."""
        have = {member.ref.system for member in link.members}
        missing = [side for name, side in flow.sides.items() if name not in have]
        scoped = all(self.world.in_scope(flow, m.ref.system, self._record(m.ref) or {}) for m in link.members)
        modes = any(flow.sides[name].side.mode in CREATING for name in have)
        return scoped and modes and any(side.writable and side.side.create for side in missing)

    def _waits(self, link: Link, flow: FlowMap) -> bool:
        """Whether a record that it refers to is not in step itself, or a row rests that a system needs."""
        if any(side.needs(row) and self._rests(link, flow, row) for side in flow.sides.values() for row in side.rows):
            return True
        for member in link.members:
            record = self._record(member.ref) or {}
            side = flow.sides[member.ref.system]
            for row in flow.references:
                native = get_path(record, side.paths[row]) if row in side.paths else None
                if native not in (None, "", ABSENT) and not self._is_in_step(flow, member.ref.system, row, native):
                    return True
        return False

    def _is_in_step(self, flow: FlowMap, system: str, row: str, native: Any) -> bool:
        """Whether the very record that a reference names is linked, and its counterparts are there."""
        target = self.world.flows[flow.references[row]]
        side = target.sides.get(system)
        ref = (system, side.side.datatype, str(flow.sides[system].rows[row].decode(native))) if side else None
        return any(
            spec is target and len(found) == len(target.sides)
            for link, spec, found in self.live
            if ref in [(member.ref.system, member.ref.datatype, member.ref.id) for member in link.members]
        )

    # P9

    def explained(self, faulty: set[int]) -> None:
        """P9: each write has a line in the history, with a reason."""
        lines = Counter((line.ref, line.op) for line in self.lines if line.reason)
        made = Counter(
            (str(Ref(*e.ref)), e.op) for e in writes(self.world) if e.round and e.round not in faulty and not e.late
        )
        for (ref, op), number in made.items():
            told = lines[ref, op]
            self.checks.hold("P9", told >= number, f"{number} {op}s of {ref}, and {told} lines that explain them")

    def asked(self) -> None:
        """P2: where the rule is to ask, no edit is superseded before somebody was asked."""
        for line in self.lines:
            flow = self.world.flows.get(line.flow or "")
            for name in line.changes if line.op == "superseded" and flow is not None else ():
                row = flow.rows[name] if flow is not None and name in flow.rows else None
                if row is None:
                    continue
                ruled = row.conflict.rule != "ask" or row.enforce or row.keep_filled or row.sources != set(row.paths)
                told = bool(ruled) or line.reason.startswith(("decided by", "first link"))
                self.checks.hold("P2", told, f"{name} of link {line.link} was superseded without asking: {line.reason}")

    def held_with_reason(self) -> None:
        """P9: each thing held has its reason, and names a record."""
        for item in self.held:
            named = bool(item.refs) or item.kind == "brake" or item.link is not None
            self.checks.hold("P9", bool(item.reason) and named, f"held item {item.id} ({item.kind}) says nothing")
