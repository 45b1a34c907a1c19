"""What must be true, checked from outside: on the systems' own log of changes, and on the history that Accord keeps."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accord.connectors.paths import get_path
from accord.errors import AccordError
from accord.model import ABSENT, Link, LinkState
from accord.store.opening import State, open_state
from accord.stored import Held, HistoryLine

from .rules import Broken, check_rules_end, check_rules_now
from .world import OWN, Event, FlowSpec, RowSpec, World

ENGINE_ERRORS = (Exception,)
assert issubclass(AccordError, Exception)


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One person's edit of one row."""

    event: Event
    row: str
    seen: str
    mark: str
    native: Any

    @property
    def thing(self) -> tuple[str | None, str | None, str]:
        """(flow, code, row)."""
        return (self.event.flow, self.event.code, self.row)


def check_now(world: World) -> None:
    """What must be true at any time."""
    _nothing_invented(world)
    _only_mapped(world)
    _no_duplicates(world)
    _deletions(world)
    check_rules_now(world)


def check_end(world: World, faulty: set[int], *, calm: bool) -> None:
    """What must be true once all is quiet."""
    with open_state(world.project.state) as state:
        end = _End(world, state)
        end.equal()
        end.no_edit_lost()
        end.no_edit_waits_beside_another()
        end.nothing_comes_back()
        end.no_echo()
        end.all_linked()
        end.explained(faulty)
        end.asked()
        check_rules_end(world, end.links.values(), end.held, end.lines, faulty, end.slipped)
    if calm:
        _counted(world)


def edits(world: World) -> Iterator[Edit]:
    """Every edit by a person, in order."""
    for event in world.events:
        if event.actor == "person" and event.op in ("create", "update"):
            for row, (seen, mark, native) in event.rows.items():
                yield Edit(event=event, row=row, seen=seen, mark=mark, native=native)


def _writes(world: World) -> Iterator[Event]:
    return (event for event in world.events if event.actor == "sync")


def _nothing_invented(world: World) -> None:
    """P2: no value that nobody entered."""
    entered: dict[Any, set[str]] = defaultdict(lambda: {""})
    for event in world.events:
        for row, (_, mark, _) in event.rows.items():
            thing = (event.flow, event.code, row)
            if event.actor == "person":
                entered[thing].add(mark)
            elif mark not in entered[thing] and not mark.startswith("?") and not _reused(world, event, row):
                raise Broken(f"P2: event {event.index} writes {mark} to {row} of {event.code}, which nobody entered")


def _reused(world: World, event: Event, row: str) -> bool:
    """Whether a reference points to an id that was deleted and given again: what it meant has changed in the system.
    That goes for what has the id now, and for what had it: until a person says which it is, the link is of that one.
    """
    spec = world.flows[event.flow or ""].row(row)
    if spec.kind != "reference":
        return False
    code, gone = event.rows[row][1], dict[tuple[str, str, str], str]()
    for other in world.events[: event.index]:
        ref = (other.system, other.datatype, other.id)
        if other.op == "delete":
            gone[ref] = other.code
        elif other.op == "create" and ref in gone and code in (other.code, gone[ref]):
            return True
    return False


def _only_mapped(world: World) -> None:
    """P11: nothing but mapped properties is written."""
    for event in _writes(world):
        if event.flow is None:
            raise Broken(f"P11: event {event.index} makes or changes a record of no flow")
        flow = world.flows[event.flow]
        allowed = {world.path(event.system, row.name) for row in flow.rows} | OWN
        behaviour = world.systems[event.system].tables[event.datatype].behaviour
        if event.op == "create":
            allowed |= {path for path, _ in [flow.where.get(event.system, ("", None))]}
            allowed |= {behaviour.key_property or ""}
        if event.op == "delete":
            allowed |= {path for path in event.paths if behaviour.soft_delete == path}
            allowed |= event.paths if behaviour.soft_delete is None else set()
        if flow.on_delete == "archive":
            allowed |= {"archived"}
        if not event.paths <= allowed:
            raise Broken(f"P11: event {event.index} changes {sorted(event.paths - allowed)}")


def _no_duplicates(world: World) -> None:
    """P3: of one thing, at most one record in a system was made by us, unless a person deleted, or decided."""
    for flow in world.flows.values():
        for name in world.systems:
            codes = Counter(world.code(name, record) for record in world.records(flow, name).values())
            for code, number in codes.items():
                if number > 1 and not _may_be_twice(world, flow, name, code):
                    raise Broken(f"P3: {number} records of {code} in {name}")


def _may_be_twice(world: World, flow: FlowSpec, name: str, code: str | None) -> bool:
    events = [event for event in world.events if (event.flow, event.code) == (flow.name, code)]
    if any(event.op == "delete" or (event.system, event.datatype, event.id) in world.hidden for event in events):
        return True
    if any("segment" in event.paths and event.op == "update" for event in events):
        return True  # it was out of scope for some time
    if ("in_doubt", code) in world.excused:
        return True  # a person said to create it
    found = [r for r in world.records(flow, name).values() if world.code(name, r) == code]
    if not all(world.in_scope(flow, name, record) for record in found):
        return True
    made = [event for event in events if event.op == "create" and event.system == name]
    ours = [event for event in made if event.actor == "sync"]
    if len(ours) > 1:
        return False
    theirs = [event for event in made if event.actor == "person"]
    return any(event.late or their.after >= event.after for event in ours for their in theirs)


def _deletions(world: World) -> None:
    """P5: nothing is deleted that nobody deleted, and only where the rule (or a person) says so."""
    for event in _writes(world):
        if event.op != "delete":
            continue
        flow = world.flows[event.flow or ""]
        before = world.events[: event.index]
        same = [e for e in before if (e.flow, e.code) == (event.flow, event.code) and e.actor == "person"]
        by_person = [e for e in same if e.op == "delete" and e.system != event.system]
        if not by_person and ("delete", event.code) not in world.excused:  # nor did a person decide it
            raise Broken(f"P5: event {event.index} deletes {event.code} in {event.system}, and nobody deleted it")
        decided = ("delete", event.code) in world.excused
        if not decided and flow.on_delete not in ("propagate", "delete_wins", "edit_wins"):
            raise Broken(f"P5: event {event.index} deletes {event.code}; on_delete is {flow.on_delete}")


def _counted(world: World) -> None:
    """P4: without faults, K edited records cause at most K writes in each system (one back, where an edit lost)."""
    saved = sum(event.actor == "person" and bool(event.rows) for event in world.events)
    written = sum(event.op == "update" for event in _writes(world))
    creates = sum(event.op == "create" for event in _writes(world))
    if written > saved * len(world.systems) + creates:
        raise Broken(f"P4: {written} updates for {saved} saved records and {creates} creates")


def unpreventable(world: World) -> set[tuple[int, str]]:
    """(event, row) of edits that slipped between point read and write in a system without version check."""
    found = set()
    for write in _writes(world):
        behaviour = world.systems[write.system].tables[write.datatype].behaviour
        if behaviour.version_check is not None:
            continue
        for event in world.events[max(write.read, 0) : write.index]:
            same = (event.system, event.datatype, event.id) == (write.system, write.datatype, write.id)
            if same and event.actor == "person":
                found |= {(event.index, row) for row in event.rows}
    return found


def exempt(world: World) -> int:
    """How many edits slipped through a window that cannot be closed."""
    return len(unpreventable(world))


def _place(event: Event) -> tuple[str, str, str]:
    return (event.system, event.datatype, event.id)


class _End:
    def __init__(self, world: World, state: State) -> None:
        self.world, self.state = world, state
        self.links: dict[int, Link] = state.links.load(list(state.links.numbers()))
        self.held: list[Held] = list(state.held.list())
        self.lines: list[HistoryLine] = list(state.history.list())
        self.edits = list(edits(world))
        self.slipped = unpreventable(world)
        self.seen: dict[Any, list[Edit]] = defaultdict(list)
        for edit in self.edits:
            self.seen[*edit.thing, edit.seen].append(edit)
        self.lost: set[tuple[Any, ...]] = {
            (line.flow, row, mark)
            for line in self.lines
            for row, (old, _) in line.changes.items()
            if line.op == "superseded" or (line.op == "update" and self._only_target(line, row))
            for mark in self._line_marks(line.flow or "", row, old)
        }

    def _only_target(self, line: HistoryLine, row: str) -> bool:
        """Whether the row does not flow from the system that was written to: what was there counts for nothing."""
        rows = [found for found in self.world.flows[line.flow or ""].rows if found.name == row]
        return bool(rows) and not rows[0].flows_from(line.system or "")

    def _line_marks(self, flow: str, row: str, value: Any) -> list[str]:
        spec = next((found for found in self.world.flows[flow].rows if found.name == row), None)
        if spec is None or spec.kind == "reference":
            return []
        return [self.world.mark(self.world.flows[flow], "pms", spec, value)]

    def _record(self, system: str, datatype: str, id: str) -> dict[str, Any] | None:
        return self.world.systems[system].all(datatype).get(id)

    def _held_of(self, link: Link) -> list[Held]:
        refs = {str(member.ref) for member in link.members}
        return [item for item in self.held if item.link == link.id or refs & set(item.refs)]

    def _is_reviewed(self, link: Link) -> bool:
        return any(item.kind == "review" for item in self._held_of(link))

    def _is_held(self, link: Link, flow: FlowSpec, row: RowSpec) -> bool:
        group = row.settings.get("group")
        names = {r.name for r in flow.rows if r.name == row.name or (group and r.settings.get("group") == group)}
        return any(item.row is None or item.row in names or item.kind == "rejected" for item in self._held_of(link))

    def _live(self) -> Iterator[tuple[Link, FlowSpec, dict[str, dict[str, Any]]]]:
        """Links that are in step: all of their records are there and in scope."""
        for link in self.links.values():
            flow = self.world.flows[link.flow]
            if link.state is not LinkState.LINKED:
                continue
            records = {m.ref.system: self._record(m.ref.system, m.ref.datatype, m.ref.id) for m in link.members}
            if all(records.values()) and not any(item.kind == "delete" for item in self._held_of(link)):
                yield link, flow, {name: record for name, record in records.items() if record is not None}

    def equal(self) -> None:
        """P1: all members hold the same values, as far as their systems can store them."""
        for link, flow, records in self._live():
            codes = {self.world.code(name, record) for name, record in records.items()}
            if len(codes) > 1 and self._is_reviewed(link):
                continue  # an id was given again, and a person is asked
            if len(codes) > 1:
                raise Broken(f"link {link.id} joins {codes}")
            marks = {name: self.world.marks_of(flow, name, record) for name, record in records.items()}
            for row in flow.rows:
                values = {name: found[row.name] for name, found in marks.items()}
                if len(set(values.values())) > 1 and not self._may_differ(link, flow, row, values):
                    raise Broken(f"P1, P7: {row.name} of {codes} (link {link.id}) differs: {values}")

    def _may_differ(self, link: Link, flow: FlowSpec, row: RowSpec, values: Mapping[str, str]) -> bool:
        if self._is_held(link, flow, row) or ("direction" in row.settings and self._is_left(flow, link, row)):
            return True
        if f"which {row.name!r} refers to" in (self.state.links.why([link.id]).get(link.id) or ""):
            return True
        if row.kind != "reference":
            return False
        target = self.world.flows[row.target or ""]
        if any(not self._in_step(target, code) for code in values.values() if code):
            return True
        return any(self._points_aside(member.ref, row, target) for member in link.members)

    def _is_left(self, flow: FlowSpec, link: Link, row: RowSpec) -> bool:
        """Whether the last word in a one-way row was said where it does not flow from: it is left in place. So is what
        there is beside a source that was restored: nothing is written to it, and nobody has said anything in it.
        """
        if row.settings.get("keep_filled"):
            return True
        last = {True: -1, False: -1}
        places = {(member.ref.system, member.ref.datatype, member.ref.id) for member in link.members}
        for event in self.world.events:
            before, now, _ = event.rows.get(row.name, ("", "", None))
            if event.actor == "person" and _place(event) in places and before != now:
                last[row.flows_from(event.system)] = event.index
        said = self.world.events[last[True]].rows[row.name][1] if last[True] >= 0 else ""
        return said == "" or last[False] > last[True]  # empty: perhaps it was so before anybody looked

    def _points_aside(self, ref: Any, row: RowSpec, target: FlowSpec) -> bool:
        """Whether a record refers to one that is gone or not linked, though another record of that thing is."""
        native = get_path(self._record(ref.system, ref.datatype, ref.id) or {}, self.world.path(ref.system, row.name))
        pointed = (ref.system, target.datatypes[ref.system], str(native))
        return native not in (None, ABSENT) and not self._is_in_step(pointed)

    def _in_step(self, flow: FlowSpec, code: str) -> bool:
        """Whether a thing is linked, its records are there in all systems, and nobody doubts that they are its own."""
        found = [
            (link, found)
            for link, spec, found in self._live()
            if spec is flow and code in map(self._code, found.items())
        ]
        return bool(found) and len(found[0][1]) == len(self.world.systems) and not self._is_reviewed(found[0][0])

    def _code(self, item: tuple[str, dict[str, Any]]) -> str | None:
        return self.world.code(*item)

    def no_edit_lost(self) -> None:
        """P2: an edit is where it was made, was typed over by one who saw it, or is in the history as superseded."""
        for edit in self.edits:
            event = edit.event
            flow = self.world.flows[event.flow or ""]
            row = flow.row(edit.row)
            record = self.world.systems[event.system].tables[event.datatype].records.get(event.id)
            if edit.mark == "" or row.kind in ("reference", "code") or (event.index, edit.row) in self.slipped:
                continue
            if record is None or self.world.code(event.system, record) != event.code:
                self._deleted(edit)
                continue
            now = self.world.marks_of(flow, event.system, record)[edit.row]
            if now == edit.mark or self.seen[*edit.thing, edit.mark] or (event.flow, edit.row, edit.mark) in self.lost:
                continue
            raise Broken(f"P2: {edit.mark} of event {event.index} ({event.code} {edit.row}) is lost; there is {now!r}")

    def no_edit_waits_beside_another(self) -> None:
        """P2: where two sides hold references that were never agreed on, a person is asked: a wait may have no end."""
        for link, flow, records in self._live():
            for row in flow.rows:
                if row.kind != "reference" or "direction" in row.settings or self._is_held(link, flow, row):
                    continue
                waiting = {}
                for member in link.members:
                    path = self.world.path(member.ref.system, row.name)
                    native = get_path(records[member.ref.system], path)
                    if native != ABSENT and row.name in member.base and native != member.base[row.name]:
                        waiting[member.ref.system] = self.world.mark(flow, member.ref.system, row, native)
                if len(set(waiting.values())) > 1:
                    raise Broken(f"P2: {row.name} of link {link.id} was edited on several sides: {waiting}, unseen")

    def _deleted(self, edit: Edit) -> None:
        """An edit in a record that we deleted: somebody else had received it, unless deletions win."""
        event = edit.event
        flow = self.world.flows[event.flow or ""]
        same = [
            e
            for e in self.world.events[event.index :]
            if (e.system, e.datatype, e.id) == (event.system, event.datatype, event.id) and e.op == "delete"
        ]
        ours = same and same[0].actor == "sync"
        spread = any(
            edit.row in e.rows and e.rows[edit.row][1] == edit.mark for e in self.world.events if e.actor == "sync"
        )
        known = spread or self.seen[*edit.thing, edit.mark] or (event.flow, edit.row, edit.mark) in self.lost
        decided = ("delete", event.code) in self.world.excused
        one_way = not flow.row(edit.row).flows_from(event.system)
        if (
            ours
            and not known
            and not decided
            and not one_way
            and flow.on_delete != "delete_wins"
            and self._was_new(edit, same[0])
        ):
            raise Broken(
                f"P2: {edit.mark} of event {event.index} was deleted with its record, and nobody had received it"
            )

    def _was_new(self, edit: Edit, deletion: Event) -> bool:
        """Whether the deletion's round could know of the edit, and others had not the record from the start."""
        return edit.event.op == "update"

    def nothing_comes_back(self) -> None:
        """P2: a value that somebody who saw it typed over is nowhere any more."""
        for link, flow, records in self._live():
            for row in flow.rows:
                if row.kind in ("reference", "code") or row.enforce or {"direction", "group"} & set(row.settings):
                    continue  # a group wins or loses together, also what was typed over in it
                if self._is_held(link, flow, row) or row.settings.get("keep_filled") or row.rule == "keep-filled":
                    continue
                for name, record in records.items():
                    self._not_typed_over(link, flow, row, name, record)

    def _not_typed_over(self, link: Link, flow: FlowSpec, row: RowSpec, name: str, record: dict[str, Any]) -> None:
        code = self.world.code(name, record)
        mark = self.world.mark(flow, name, row, get_path(record, self.world.path(name, row.name)))
        if mark == "" or {("conflict", code), ("in_doubt", code)} & self.world.excused:
            return  # a person chose, or said that a record which may be anybody's is the same
        members = {(member.ref.system, member.ref.datatype, member.ref.id) for member in link.members}
        for edit in self.seen[flow.name, code, row.name, mark]:
            if (edit.event.system, edit.event.datatype, edit.event.id) not in members:
                continue
            if (edit.event.index, edit.row) in self.slipped or self._before_it_was_known(edit):
                continue
            if not self._deleted_after(edit.event):
                raise Broken(
                    f"P2: {mark} of {code} {row.name} is in {name}, and event {edit.event.index} had typed over it"
                )

    def _before_it_was_known(self, edit: Edit) -> bool:
        """Whether the value typed over was ours, and Accord could not yet know that its write took effect.

        The answer was lost, and all that was written typed over: from outside it never happened.
        """
        same = (edit.event.system, edit.event.datatype, edit.event.id)
        if same in self.world.hidden:  # nor could it look, for some time
            return True
        for event in self.world.events[: edit.event.index]:
            ours = event.actor == "sync" and (event.system, event.datatype, event.id) == same
            if ours and event.rows.get(edit.row, ("", "", None))[1] == edit.seen:
                last = edit.event.round - 1 if edit.event.round else edit.event.after  # it may be typed as it is read
                first = event.after + 1 if event.late else event.round  # a late effect is seen in a later round only
                return not any(first <= good <= last for good in self.world.goods)
        return False

    def _deleted_after(self, event: Event) -> bool:
        """Whether the record was deleted by a person after an edit, and the edit with it."""
        return any(
            e.op == "delete"
            and e.actor == "person"
            and (e.system, e.datatype, e.id) == (event.system, event.datatype, event.id)
            for e in self.world.events[event.index :]
        )

    def no_echo(self) -> None:
        """P4: what another system made of a value is not written back to where it was typed."""
        entered = {
            (e.event.system, e.event.datatype, e.event.id, e.row, e.mark): e.native for e in self.edits if e.mark
        }
        for _, flow, records in self._live():
            for name, record in records.items():
                for row in flow.rows:
                    value = get_path(record, self.world.path(name, row.name))
                    mark = self.world.mark(flow, name, row, value)
                    id = str(record["id"])
                    typed = entered.get((name, flow.datatypes[name], id, row.name, mark), ABSENT)
                    if row.kind in ("text", "number") and typed is not ABSENT and typed != value:
                        raise Broken(f"P4: {name} {id} {row.name} was typed as {typed!r} and is {value!r}")

    def all_linked(self) -> None:
        """P1, P6: what should have counterparts has them, unless it is held or waits for one that is."""
        for flow in self.world.flows.values():
            for name in self.world.systems:
                for id, record in self.world.records(flow, name).items():
                    self._linked(flow, name, id, record)

    def _linked(self, flow: FlowSpec, name: str, id: str, record: Mapping[str, Any]) -> None:
        world, code = self.world, self.world.code(name, record)
        if flow.modes[name] not in ("create", "match-or-create") or not world.in_scope(flow, name, record):
            return
        events = [event for event in world.events if (event.flow, event.code) == (flow.name, code)]
        if any(event.op == "delete" for event in events) or {("review", code), ("in_doubt", code)} & world.excused:
            return
        if any(
            r.get("segment") == "b"
            for n in world.systems
            for r in world.records(flow, n).values()
            if world.code(n, r) == code
        ):
            return
        link = next(
            (link for link in self.links.values() if any(self._is(m.ref, name, flow, id) for m in link.members)), None
        )
        if link is None:
            if not self._known(flow, name, id):
                raise Broken(f"P1: {name} {id} ({code}) is in no link")
            return
        if len(link.members) == len(world.systems) or self._held_of(link) or self._waits(link, flow):
            return
        why = self.state.links.why([link.id]).get(link.id)
        raise Broken(f"P1: {name} {id} ({code}) has no counterparts (link {link.id} {link.state}: {why})")

    def _is(self, ref: Any, name: str, flow: FlowSpec, id: str) -> bool:
        return (ref.system, ref.datatype, ref.id) == (name, flow.datatypes[name], id)

    def _known(self, flow: FlowSpec, name: str, id: str) -> bool:
        """Whether a record in no link is held, or belongs to a link that was closed."""
        ref = f"{name}/{flow.datatypes[name]}/{id}"
        return any(ref in item.refs for item in self.held) or any(ref in (line.ref or "") for line in self.lines)

    def _waits(self, link: Link, flow: FlowSpec) -> bool:
        """Whether a record that it refers to is not in step itself."""
        for member in link.members:
            record = self._record(member.ref.system, member.ref.datatype, member.ref.id) or {}
            for row in flow.rows:
                native = get_path(record, self.world.path(member.ref.system, row.name))
                if row.kind == "reference" and native not in (None, ABSENT):
                    datatype = self.world.flows[row.target or ""].datatypes[member.ref.system]
                    if not self._is_in_step((member.ref.system, datatype, str(native))):
                        return True
        return False

    def _is_in_step(self, ref: tuple[str, str, str]) -> bool:
        """Whether a record is linked in all systems, and all of its counterparts are there."""
        for link in self.links.values():
            refs = [(member.ref.system, member.ref.datatype, member.ref.id) for member in link.members]
            if ref in refs:
                whole = link.state is LinkState.LINKED and len(refs) == len(self.world.systems)
                return whole and all(self._record(*found) for found in refs)
        return False

    def asked(self) -> None:
        """P2: where the rule is to ask, no edit is superseded before somebody was asked."""
        for line in self.lines:
            for name in line.changes if line.op == "superseded" else ():
                row = self.world.flows[line.flow or ""].row(name)
                ruled = row.rule != "ask" or row.enforce or {"keep_filled", "direction"} & set(row.settings)
                if not ruled and not line.reason.startswith(("decided by", "first link")):
                    raise Broken(f"P2: {name} of link {line.link} was superseded without asking: {line.reason}")

    def explained(self, faulty: set[int]) -> None:
        """P9: each write has a line in the history, with a reason."""
        lines = Counter((line.ref, line.op) for line in self.lines if line.reason)
        writes = Counter(
            (f"{e.system}/{e.datatype}/{e.id}", e.op)
            for e in _writes(self.world)
            if e.round and e.round not in faulty and not e.late
        )
        for key, number in writes.items():
            if lines[key] < number:
                raise Broken(f"P9: {number} {key[1]}s of {key[0]}, and {lines[key]} lines that explain them")


def told(lines: Sequence[HistoryLine]) -> str:
    """The history that Accord keeps."""
    return "\n".join(
        f"    {line.run} {line.op} {line.ref} {dict(line.changes)} {line.outcome}: {line.reason}" for line in lines
    )
