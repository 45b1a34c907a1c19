"""Carry out what the plan says, and nothing else. No decision is made here.

A group of link plans is stored as begun, in one durable transaction; then its writes go out, all systems at once and
each within its own limits; when every write of the group is known, the group is settled in one transaction. A few
groups are under way at a time, so that a slow answer does not stop the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from accord.core.linkplan import LinkPlan, Wait, WritePlan
from accord.core.settle import Result, known_of
from accord.engine.before_create import Searcher
from accord.engine.chunk import arrival_of
from accord.engine.observe import place_salt, record_print
from accord.engine.setting import Setting
from accord.engine.settling import Finished, settle_all
from accord.errors import SystemFailure
from accord.model import Absence, Op, Outcome, OutcomeKind, Ref
from accord.ports import Expects, NewRecord
from accord.stored import Proposal

GROUP = 200
GROUPS = 3


async def apply(setting: Setting) -> int:
    """Everything that may go, stage by stage; how many link plans were carried out."""
    return await _Applier(setting).run()


@dataclass(slots=True)
class _Job:
    """One write of a plan, and where its result goes."""

    proposal: int
    index: int
    write: WritePlan
    result: Result | None = None
    lost: bool = False
    """It certainly did not reach its system."""


@dataclass(slots=True)
class _Group:
    proposals: Sequence[Proposal]
    plans: dict[int, LinkPlan]
    jobs: list[_Job] = field(default_factory=list)


class _Applier:
    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.state = setting.state
        self.searcher = Searcher(setting)
        self.carried = 0
        self.refused: list[Finished] = []
        """Deletes of the stage at work that were refused, perhaps only because of a child that goes later."""
        self.deleted = 0
        self.total = sum(sum(numbers.values()) for numbers in self.state.plans.counts().values())

    async def run(self) -> int:
        """All stages, in order."""
        for stage in self.state.plans.stages():
            await self._stage(stage)
        return self.carried

    async def _stage(self, stage: int) -> None:
        after = 0
        running: set[asyncio.Task[None]] = set()
        try:
            while not self.setting.stop.is_set() and (batch := self.state.plans.next(stage, after, GROUP)):
                after = batch[-1].id
                running.add(asyncio.ensure_future(self._group(batch)))
                if len(running) >= GROUPS:
                    running = await _one_done(running)
            while running:
                running = await _one_done(running)
        finally:
            for task in running:
                task.cancel()
        self._after_deletes()

    def _after_deletes(self) -> None:
        """Refused deletes are planned again as long as others went through, in this stage or one before it (children
        first); else they are held.
        """
        refused, self.refused = self.refused, []
        if self.deleted:
            self.state.plans.done([item.proposal for item in refused if item.proposal is not None])
            self.setting.tally.refreshed += len(refused)
        else:
            settle_all(self.setting, refused)

    async def _group(self, proposals: Sequence[Proposal]) -> None:
        group = self._fill(await self.searcher.without_found(proposals))
        if not group.proposals:
            return
        with self.state.db.transaction():
            self.state.lease.beat(self.setting.clock.now())
            filled = [(p.id, plan) for p in group.proposals if (plan := group.plans[p.id]) is not p.plan]
            self.state.plans.begin([p.id for p in group.proposals], filled, self.setting.clock.now())
        self.setting.tally.carried.update(self._digests([p.id for p in group.proposals]))
        try:
            await asyncio.gather(*(work() for work in self._work(group.jobs)))
        finally:
            await self._finish(group)

    def _fill(self, proposals: Sequence[Proposal]) -> _Group:
        """The group with references to records made in this run filled in; those that cannot be stay behind."""
        links = {row.link for p in proposals for w in p.plan.writes for row in w.rows if row.pending and row.link}
        targets = self.state.links.targets(sorted(links)) if links else {}
        group = _Group(proposals=[], plans={})
        kept = []
        for proposal in proposals:
            plan = _without_missing(_filled(proposal.plan, targets))
            if any(write.system in self.setting.tally.failed for write in plan.writes) or _still_pending(plan):
                continue
            kept.append(proposal)
            group.plans[proposal.id] = plan
            group.jobs += [_Job(proposal.id, index, write) for index, write in enumerate(plan.writes)]
        group.proposals = kept
        return group

    def _work(self, jobs: Sequence[_Job]) -> list[Callable[[], Awaitable[None]]]:
        """One piece of work for each update and delete, and for each batch of creates."""
        work: list[Callable[[], Awaitable[None]]] = []
        creates: dict[tuple[str, str], list[_Job]] = {}
        for job in jobs:
            if job.write.op is Op.CREATE:
                creates.setdefault((job.write.system, job.write.datatype), []).append(job)
            else:
                work.append(_bind(self._single, job))
        for (system, datatype), some in creates.items():
            size = max(1, self.setting.connectors[system].capabilities(datatype).batch)
            work += [_bind(self._creates, some[start : start + size]) for start in range(0, len(some), size)]
        return work

    async def _single(self, job: _Job) -> None:
        write = job.write
        connector = self.setting.connectors[write.system]
        expects = Expects(version=write.version, natives=write.ground)
        try:
            if write.op is Op.UPDATE:
                outcome = await connector.update(write.datatype, write.id or "", write.natives(), expects)
                result = await self._read_back(write, outcome)
            else:
                outcome = await connector.delete(write.datatype, write.id or "", expects)
                result = result_of_outcome(outcome)
        except SystemFailure as error:
            self._lost([job], error)
            return
        if not connector.capabilities(write.datatype).checks(deleting=write.op is Op.DELETE):
            self.setting.tally.unpreventable += 1
        job.result = result

    async def _read_back(self, write: WritePlan, outcome: Outcome) -> Result:
        """Where the answer of a write held no record, what a reading shows; the settle decides what it proves."""
        if outcome.kind is not OutcomeKind.APPLIED or outcome.record is not None or write.id is None:
            return result_of_outcome(outcome)
        found = await self.setting.connectors[write.system].fetch(write.datatype, [write.id])
        answer = found[write.id]
        return Result(kind=outcome.kind, read_back=None if isinstance(answer, str) else answer, message=outcome.message)

    async def _creates(self, jobs: Sequence[_Job]) -> None:
        write = jobs[0].write
        connector = self.setting.connectors[write.system]
        new = [NewRecord(natives=job.write.natives(), token=job.write.token or "") for job in jobs]
        try:
            outcomes = await connector.create(write.datatype, new)
        except SystemFailure as error:
            self._lost(jobs, error)
            return
        for job, outcome in zip(jobs, outcomes, strict=True):
            job.result = result_of_outcome(outcome)

    def _lost(self, jobs: Sequence[_Job], error: SystemFailure) -> None:
        self.setting.tally.fail(error)
        self.state.plans.hold_system(error.system)
        for job in jobs:
            job.lost = True

    async def _finish(self, group: _Group) -> None:
        """Settle what is known; leave what is unknown as begun; give back what never went out."""
        finished: list[Finished] = []
        given_back: list[int] = []
        stale: list[_Job] = []
        jobs_of: dict[int, list[_Job]] = {}
        for job in group.jobs:
            jobs_of.setdefault(job.proposal, []).append(job)
        for proposal in group.proposals:
            jobs = jobs_of.get(proposal.id, [])
            self._sort(proposal, group.plans[proposal.id], jobs, finished, given_back, stale)
        with self.state.db.transaction():
            settle_all(self.setting, finished)
            self.state.plans.done(given_back)
        self.setting.tally.carried.difference_update(self._digests(given_back))
        self.carried += len(finished)
        await refresh(self.setting, [job.write.ref for job in stale if job.write.ref is not None])
        self.setting.progress("writing", self.carried, self.total)

    def _sort(
        self,
        proposal: Proposal,
        plan: LinkPlan,
        jobs: Sequence[_Job],
        finished: list[Finished],
        given_back: list[int],
        stale: list[_Job],
    ) -> None:
        stale += [job for job in jobs if job.result is not None and job.result.kind is OutcomeKind.STALE]
        if any(_unknown(job) for job in jobs):
            self._note_unknown(proposal, plan, jobs)
        elif all(job.lost or (job.result and job.result.kind is OutcomeKind.STALE) for job in jobs):
            given_back.append(proposal.id)  # a stale write settles nothing
        else:
            done = Finished(plan=plan, results=[_known(job) for job in jobs], proposal=proposal.id)
            deletes = [job for job in jobs if job.write.op is Op.DELETE]
            self.deleted += sum(_done(job) for job in deletes)
            (self.refused if deletes and not any(_done(job) for job in jobs) else finished).append(done)

    def _digests(self, numbers: Sequence[int]) -> list[str]:
        digests = self.setting.tally.digests
        return [digests[number] for number in numbers if number in digests]

    def _note_unknown(self, proposal: Proposal, plan: LinkPlan, jobs: Sequence[_Job]) -> None:
        unknown = [job for job in jobs if _unknown(job)]
        message = next((job.result.message for job in unknown if job.result and job.result.message), None)
        kept = with_known(plan, [None if _unknown(job) else _known(job) for job in jobs])
        self.state.plans.in_doubt_since(proposal.id, self.setting.clock.now(), message or "its answer was lost", kept)


def with_known(plan: LinkPlan, results: Sequence[Result | None]) -> LinkPlan:
    """The plan with those results kept in it that are known."""
    writes = tuple(
        write if result is None else msgspec.structs.replace(write, known=known_of(result))
        for write, result in zip(plan.writes, results, strict=True)
    )
    return msgspec.structs.replace(plan, writes=writes)


async def refresh(setting: Setting, refs: Sequence[Ref]) -> None:
    """Read records again that may be other than is known, so that their links are planned anew."""
    for ref in refs:
        if ref.system in setting.tally.failed:
            continue
        place = setting.place(ref.system, ref.datatype)
        try:
            answer = (await setting.connectors[ref.system].fetch(ref.datatype, [ref.id]))[ref.id]
        except SystemFailure as error:
            setting.tally.fail(error)
            continue
        flow = setting.flows_of(ref.system, ref.datatype)[0]
        setting.tally.refreshed += 1
        with setting.state.db.transaction():
            if answer is Absence.GONE:
                setting.state.observed.take_in_gone(place, [ref.id])
            elif not isinstance(answer, Absence):
                if arrival_of(flow, ref, answer).content is None:
                    setting.state.observed.take_in_gone(place, [ref.id])
                else:
                    print_ = record_print(answer, place_salt(setting, ref.system, ref.datatype))
                    setting.state.observed.take_in(place, [answer], [print_])


def _filled(plan: LinkPlan, targets: dict[tuple[int, str], str | int]) -> LinkPlan:
    if not any(row.pending for write in plan.writes for row in write.rows):
        return plan
    writes = tuple(
        msgspec.structs.replace(write, rows=tuple(_filled_row(write, row, targets) for row in write.rows))
        for write in plan.writes
    )
    return msgspec.structs.replace(plan, writes=writes)


def _filled_row(write: WritePlan, row: Any, targets: dict[tuple[int, str], str | int]) -> Any:
    native = targets.get((row.link or 0, write.system)) if row.pending else None
    return row if native is None else msgspec.structs.replace(row, native=native, pending=False, new=native)


def _without_missing(plan: LinkPlan) -> LinkPlan:
    """An update goes without a reference whose record was not made after all: that row waits for it, and only that."""
    late = [(write, row) for write in plan.writes if write.op is Op.UPDATE for row in write.rows if row.pending]
    if not late:
        return plan
    trimmed = (
        msgspec.structs.replace(write, rows=tuple(row for row in write.rows if not row.pending))
        if write.op is Op.UPDATE
        else write
        for write in plan.writes
    )
    writes = tuple(write for write in trimmed if write.rows or write.extra or write.op is not Op.UPDATE)
    if not writes:
        return plan
    waits = tuple(Wait(row=row.row, target=write.system, link=row.link) for write, row in late)
    return msgspec.structs.replace(plan, writes=writes, waits=(*plan.waits, *waits))


def _still_pending(plan: LinkPlan) -> bool:
    return any(row.pending for write in plan.writes for row in write.rows)


def result_of_outcome(outcome: Outcome) -> Result:
    """An outcome as the settle takes it. A create that was replayed shows what is there now, edits included."""
    if outcome.kind is OutcomeKind.ALREADY:
        return Result(kind=outcome.kind, read_back=outcome.record, message=outcome.message)
    return Result(kind=outcome.kind, record=outcome.record, message=outcome.message, conflicting=outcome.conflicting)


def _unknown(job: _Job) -> bool:
    return not job.lost and (job.result is None or job.result.kind is OutcomeKind.UNKNOWN)


def _done(job: _Job) -> bool:
    return job.result is not None and job.result.done


def _known(job: _Job) -> Result:
    return job.result or Result(kind=OutcomeKind.STALE, message="the system could not be reached")


def _bind(work: Callable[[Any], Awaitable[None]], argument: Any) -> Callable[[], Awaitable[None]]:
    return lambda: work(argument)


async def _one_done(running: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
    done, rest = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
    return rest
