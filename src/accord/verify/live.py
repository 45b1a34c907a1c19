"""`--live`: marked records on each side, watched on their way, and removed.

Rounds carry out whatever waits, so nothing is begun unless the plan is quiet. What is made is noted in a file beside
the state: after a crash the next `verify --clean-up` (or `--live`) removes what is left.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, TypeVar

from accord.config.meaning import Project
from accord.connectors.registry import connect
from accord.core.detect import same_native
from accord.core.guard import Approval
from accord.core.mapping import FlowMap, flow_order
from accord.core.match import CREATING
from accord.engine.report import Report
from accord.engine.round import Caller, plan_round, run_round
from accord.engine.schemas import with_schemas
from accord.engine.setting import Options, compile_flows, needed_paths
from accord.errors import AccordError, SystemFailure, UsageError
from accord.model import Absence, Native, Record, Ref
from accord.ports import Clock, Connector, Expects, NewRecord
from accord.simulate.marks import make
from accord.simulate.models import plain_shapes
from accord.simulate.satisfying import satisfied
from accord.store.opening import open_state
from accord.verify.made import note_down, notes_file
from accord.verify.results import Difference, Line, Verification

Progress = Callable[[str, int, int | None], None]
ROUNDS = 3
APPROVED = tuple(Approval(op=op, number=1_000) for op in ("create", "update", "delete"))
T = TypeVar("T")


@dataclass(slots=True)
class Tried:
    """What was watched: (flow, source, target, line) → a sentence, and whether it was as it should be."""

    results: dict[tuple[str, str, str, str], tuple[bool, str]] = field(default_factory=dict)


def try_live(project: Project, clock: Clock, tell: Progress, flows: frozenset[str]) -> Tried:
    """Try every flow in both directions. Raises UsageError where one cannot be cleaned up or the plan is not quiet."""
    refuse(project, flows)
    clean_up(project, tell)
    report = plan_round(project, Options(), Caller(clock=clock))
    if report.errors:
        raise UsageError(f"a system cannot be read: {report.errors[0]['message']}")
    if report.writes_planned:
        raise UsageError(
            f"the plan is not quiet: {len(report.writes_planned)} writes are waiting",
            hint="`accord run` first, so that nothing is carried out by the way",
        )
    trial = _Trial(project, clock, tell)
    try:
        for name in flow_order(project):
            if not flows or name in flows:
                trial.flow(name)
    finally:
        clean_up(project, tell)
        with suppress(AccordError):
            trial.rounds(full=True)
    return trial.tried


def refuse(project: Project, flows: frozenset[str]) -> None:
    """Before anything is written: each flow must let its records be made and removed. Raises UsageError."""
    for name, flow in compile_flows(project).items():
        if flows and name not in flows:
            continue
        for system, side in flow.sides.items():
            if not side.writable or not side.side.delete:
                what = "is read only" if not side.writable else "may not be deleted in"
                raise UsageError(
                    f"flow {name!r} cannot be tried live: {flow.title(system)} {what}, so nothing could be cleaned up",
                    hint="name the flows that can: `accord verify --live --flow FLOW`",
                )


def clean_up(project: Project, tell: Progress) -> list[str]:
    """Remove what was made and is noted, in every system, children first. What cannot be removed stays noted."""
    file = notes_file(project)
    if not file.exists():
        return []
    noted = [Ref.parse(text) for text in json.loads(file.read_text("utf-8"))]
    made = list(dict.fromkeys([*noted, *_counterparts(project, noted)]))
    removed, left = asyncio.run(_remove(project, list(reversed(made)), tell))
    if left:
        file.write_text(json.dumps([str(ref) for ref in left]), "utf-8")
        raise UsageError(
            f"{len(left)} marked records could not be removed: {', '.join(map(str, left[:5]))}",
            hint="remove them by hand, or try again: `accord verify --clean-up`",
        )
    file.unlink()
    return [str(ref) for ref in removed]


def _counterparts(project: Project, refs: Sequence[Ref]) -> Iterator[Ref]:
    """The records that Accord made for these, or linked with them."""
    with open_state(project.state) as state:
        for number in sorted(set(state.links.of(refs).values())):
            yield from (member.ref for member in state.links.load([number])[number].members if not member.gone)
        for ref in refs:
            for line in state.history.list(ref=str(ref)):
                if line.link is not None:
                    lines = state.history.list(link=line.link)
                    yield from (Ref.parse(one.ref) for one in lines if one.op == "create" and one.ref)


async def _remove(project: Project, refs: Sequence[Ref], tell: Progress) -> tuple[list[Ref], list[Ref]]:
    removed: list[Ref] = []
    left = list(refs)
    for _ in range(ROUNDS):  # a parent can be deleted once its children are
        async with _open(project) as connectors:
            for ref in list(left):
                if await _removed(connectors[ref.system], ref):
                    removed.append(ref)
                    left.remove(ref)
                tell("removing marked records", len(removed), len(refs))
        if not left:
            break
    return removed, left


async def _removed(connector: Connector, ref: Ref) -> bool:
    try:
        answer = (await connector.fetch(ref.datatype, [ref.id]))[ref.id]
        if answer is Absence.GONE:
            return True
        if not isinstance(answer, Record):
            return False
        expects = Expects(version=answer.version, natives=answer.natives())
        return (await connector.delete(ref.datatype, ref.id, expects)).done
    except SystemFailure:
        return False


@asynccontextmanager
async def _open(project: Project) -> Any:
    connectors: dict[str, Connector] = {}
    try:
        for name, paths in needed_paths(project, compile_flows(project)).items():
            connectors[name] = connect(project.systems[name])
            await connectors[name].open(paths)
        yield connectors
    finally:
        for connector in connectors.values():
            await connector.close()


class _Trial:
    """Marked records of every flow, one pair at a time."""

    def __init__(self, project: Project, clock: Clock, tell: Progress) -> None:
        self.project, self.clock, self.tell = project, clock, tell
        self.told = self._with_schemas()
        self.maps = compile_flows(self.told)
        self.shapes = plain_shapes(self.told)
        self.tried = Tried()
        self.random = Random(0)  # noqa: S311
        self.number = int(clock.now().timestamp()) % 9_000 * 10
        """Marks begin here, so that those of two trials are not alike."""
        self.linked: dict[tuple[str, str], Native] = {}
        """(flow, system) → native id of a marked record that others may refer to."""

    def _with_schemas(self) -> Project:
        async def ask() -> Project:
            async with _open(self.project) as connectors:
                return with_schemas(self.project, {name: await one.schema() for name, one in connectors.items()})

        return asyncio.run(ask())

    def flow(self, name: str) -> None:
        """Both directions between each two systems."""
        flow = self.maps[name]
        ways = [(source, target) for source in flow.sides for target in flow.sides if source != target]
        made = {way: self._make(flow, way[0]) for way in ways}  # all at first: a system may give ids again
        self.rounds()
        for source, target in ways:
            self.tell(f"trying {name}: {source} to {target}", 0, None)
            self._direction(flow, source, target, made[source, target])

    def _direction(self, flow: FlowMap, source: str, target: str, made: Ref | str) -> None:
        if isinstance(made, str):
            self._note(flow, source, target, "link", False, f"no marked record could be made: {made}")
            return
        found = self._counterpart(made, target)
        if flow.sides[source].side.mode not in CREATING or not flow.sides[target].side.create:
            self._note(flow, source, target, "link", found is None, "nothing was created, as the flow says")
            return
        self._note(flow, source, target, "link", found is not None, f"{made} got {found or 'no counterpart'}")
        if found is None:
            return
        self._properties(flow, made, found)
        self._edit(flow, made, found)
        self._conflict(flow, made, found)
        if (flow.name, source) in self.linked:  # a pair stays for others to refer to
            self._delete(flow, made, found)
        else:
            self.linked |= {(flow.name, source): self._native(made), (flow.name, target): self._native(found)}
            self._delete_another(flow, source, target)

    def _delete_another(self, flow: FlowMap, source: str, target: str) -> None:
        """One more marked record, only to be deleted."""
        made = self._make(flow, source)
        self.rounds()
        found = self._counterpart(made, target) if isinstance(made, Ref) else None
        if isinstance(made, Ref) and found is not None:
            self._delete(flow, made, found)

    # steps

    def _properties(self, flow: FlowMap, made: Ref, found: Ref) -> None:
        for row in flow.rows.values():
            if self._flows(flow, row.name, made.system, found.system):
                self._same(flow, made, found, row.name, "after it was created")

    def _edit(self, flow: FlowMap, made: Ref, found: Ref) -> None:
        """Every row that can be edited gets another value; a round later the other side has it."""
        rows = [row for row in self._typed(flow, made.system) if self._flows(flow, row, made.system, found.system)]
        for some in (rows[::2], rows[1::2]):  # all at once, and it would look like another record
            edited = self._change(flow, made, some)
            self.rounds()
            for row in edited:
                self._same(flow, made, found, row, "after an edit")

    def _conflict(self, flow: FlowMap, made: Ref, found: Ref) -> None:
        """One row whose rule is to ask, edited differently on both sides: nothing is overwritten."""
        asked = [
            row
            for row in self._typed(flow, made.system)
            if flow.rows[row].conflict.rule == "ask"
            and not flow.rows[row].enforce
            and not flow.rows[row].keep_filled
            and self._flows(flow, row, made.system, found.system)
            and self._flows(flow, row, found.system, made.system)
            and row in self._typed(flow, found.system)
            and flow.rows[row].type.name in ("string", "text", "email")
        ]
        for row in asked[:1]:
            if not (self._change(flow, made, [row]) and self._change(flow, found, [row])):
                continue
            before = self._natives(flow, made).get(row), self._natives(flow, found).get(row)
            self.rounds()
            after = self._natives(flow, made).get(row), self._natives(flow, found).get(row)
            kept = after == before and self._held(made, "conflict")
            said = (
                "edited differently on both sides: a person is asked, both values are there"
                if kept
                else (f"edited differently on both sides as {before}, and then there was {after}")
            )
            self._note(flow, made.system, found.system, "conflict", kept, said)

    def _delete(self, flow: FlowMap, made: Ref, found: Ref) -> None:
        """Deleted on one side: the other as `on_delete` says. A conflict that is still open makes it ask."""
        removed, _ = asyncio.run(_remove(self.project, [made], lambda *_: None))
        if not removed:
            self._note(flow, made.system, found.system, "delete", False, f"{made} could not be deleted")
            return
        self.rounds(full=True)
        rule = flow.sides[made.system].side.on_delete
        there = self._record(found) is not None
        asked = self._held(found, "delete")
        as_said = {"propagate": not there or asked, "delete_wins": not there}.get(rule, there)
        said = "was asked about" if asked else "is there" if there else "was deleted too"
        self._note(flow, made.system, found.system, "delete", as_said, f"on_delete is {rule}; the counterpart {said}")

    def _same(self, flow: FlowMap, made: Ref, found: Ref, row: str, when: str) -> None:
        """Whether both sides have one value, as far as the target can store it."""
        one, other = self._natives(flow, made).get(row), self._natives(flow, found).get(row)
        if row in flow.references:
            same = (one is None) == (other is None)
        else:
            here, there = flow.sides[made.system].rows[row], flow.sides[found.system].rows[row]
            try:
                value, theirs = here.decode(one), there.decode(other)
                kind = flow.types[row]
                same = kind.equal(value, theirs) or kind.similar(value, theirs) or same_native(one, other)
            except AccordError:
                same = False
        subject = f"property.{row}"
        before = self.tried.results.get((flow.name, made.system, found.system, subject), (True, ""))[0]
        said = (
            f"{when}, both sides agree" if same else f"{when}, {made.system} has {one!r} and {found.system} {other!r}"
        )
        if before:
            self._note(flow, made.system, found.system, subject, same, said)

    def _note(self, flow: FlowMap, source: str, target: str, subject: str, is_right: bool, said: str) -> None:
        self.tried.results[flow.name, source, target, subject] = (is_right, said)

    # records

    def _make(self, flow: FlowMap, system: str) -> Ref | str:
        """A marked record, noted; or why there is none."""
        side = flow.sides[system]
        data: dict[str, Any] = {**dict(side.side.defaults), **satisfied(side, self.random)}
        try:
            for row in side.rows:
                if row in flow.references:
                    target = self.linked.get((flow.references[row], system))
                    if target is not None:
                        data[side.paths[row]] = target
                elif side.may_write(row):
                    data[side.paths[row]] = self._value(flow, system, row)
            return asyncio.run(self._create(system, side.side.datatype, data))
        except AccordError as error:
            return error.message

    def _value(self, flow: FlowMap, system: str, row: str) -> Native:
        self.number += 1
        shapes = [
            shape
            for name, side in flow.sides.items()
            if row in side.paths
            and (shape := self.shapes[name, side.side.datatype].properties.get(side.paths[row])) is not None
        ]
        path = flow.sides[system].paths[row]
        own = self.shapes[system, flow.sides[system].side.datatype].properties.get(path)
        value = make(flow.rows[row], own, self.number, self.random, shapes)
        return flow.sides[system].rows[row].encode(value.strip() if isinstance(value, str) else value)

    async def _create(self, system: str, datatype: str, data: Mapping[str, Any]) -> Ref:
        async with _open(self.project) as connectors:
            token = f"accord-verify-{self.number}"
            (outcome,) = await connectors[system].create(datatype, [NewRecord(natives=data, token=token)])
        if outcome.record is None:
            raise UsageError(outcome.message or f"{system} refused it ({outcome.kind})")
        ref = Ref(system, datatype, outcome.record.id)
        note_down(self.project, ref)
        return ref

    def _change(self, flow: FlowMap, ref: Ref, rows: Sequence[str]) -> list[str]:
        """Give some rows of a record new values, one write for each; those that the system took."""

        async def write() -> list[str]:
            done = []
            async with _open(self.project) as connectors:
                for row in rows:
                    record = (await connectors[ref.system].fetch(ref.datatype, [ref.id]))[ref.id]
                    if not isinstance(record, Record):
                        break
                    patch = {flow.sides[ref.system].paths[row]: self._value(flow, ref.system, row)}
                    expects = Expects(version=record.version, natives=record.natives())
                    outcome = await connectors[ref.system].update(ref.datatype, ref.id, patch, expects)
                    done += [row] if outcome.done else []
            return done

        try:
            return asyncio.run(write())
        except AccordError:
            return []

    def _typed(self, flow: FlowMap, system: str) -> list[str]:
        side = flow.sides[system]
        return [
            row
            for row in side.rows
            if row not in flow.references and side.may_write(row) and not side.only_at_creation(row)
        ]

    def _flows(self, flow: FlowMap, row: str, source: str, target: str) -> bool:
        known, side = flow.rows[row], flow.sides[target]
        flows = source in known.sources and target in known.targets and {source, target} <= set(known.paths)
        return flows and side.side.update and side.may_write(row) and known.enforce in (None, source)

    def _record(self, ref: Ref) -> Record | None:
        async def read() -> Record | Absence:
            async with _open(self.project) as connectors:
                found: Record | Absence = (await connectors[ref.system].fetch(ref.datatype, [ref.id]))[ref.id]
                return found

        answer = asyncio.run(read())
        if not isinstance(answer, Record):
            return None
        deleted = next(
            flow.sides[ref.system].deleted
            for flow in self.maps.values()
            if ref.system in flow.sides and flow.sides[ref.system].side.datatype == ref.datatype
        )
        return None if deleted is not None and deleted.test(answer.natives()) else answer

    def _natives(self, flow: FlowMap, ref: Ref) -> dict[str, Native]:
        record = self._record(ref)
        return flow.sides[ref.system].by_row(record.natives()) if record is not None else {}

    def _native(self, ref: Ref) -> Native:
        record = self._record(ref)
        return record.native_id if record is not None else None

    def _counterpart(self, made: Ref, target: str) -> Ref | None:
        with open_state(self.project.state) as state:
            number = state.links.of([made]).get(made)
            member = state.links.load([number])[number].member(target) if number is not None else None
        return member.ref if member is not None and self._record(member.ref) is not None else None

    def _held(self, ref: Ref, kind: str) -> bool:
        with open_state(self.project.state) as state:
            return any(str(ref) in item.refs for item in state.held.list(kind=kind))

    def rounds(self, *, full: bool = False) -> Report:
        """A round, and another one for what waits for it."""
        caller = Caller(clock=self.clock)
        options = Options(by="accord verify", approvals=APPROVED, full=full)
        run_round(self.project, options, caller)
        return run_round(self.project, replace(options, full=False), caller)


def with_live(found: Verification, tried: Tried) -> Verification:
    """The verification with what was watched: a line that went wrong has failed, one that was not tried has passed."""
    parts = [
        replace(part, lines=tuple(_seen(line, part.flow, part.source, part.target, tried) for line in part.lines))
        for part in found.parts
    ]
    return replace(found, parts=parts, live=True)


def _seen(line: Line, flow: str, source: str, target: str, tried: Tried) -> Line:
    subject = line.id.removeprefix(f"{flow}.")
    result = tried.results.get((flow, source, target, subject))
    if result is None:
        return line
    is_right, said = result
    if not is_right:
        wrong = Difference(kind="live", flow=flow, refs=(), row=None, message=said, hint="accord explain REF")
        return replace(line, outcome="failed", message=said, differences=(*line.differences, wrong))
    outcome = "passed" if line.outcome == "not_tried" else line.outcome
    return replace(line, outcome=outcome, message=f"{line.message}; live: {said}" if line.checked else said)
