"""One round: lease, recover, observe, then (detect, match, merge, plan, guard), apply, settle, record. The main path.

A round makes several passes over its last part: what waits for records created in this very run, and what was
refused because its ground had moved, is planned again, a few times at most.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

from accord.config.meaning import Project, System
from accord.connectors.registry import connect
from accord.core.undo import Left
from accord.engine.apply import apply
from accord.engine.decisions import carry_out_alone
from accord.engine.guarding import guard_plan
from accord.engine.observe import follow_hints, observe
from accord.engine.pausing import paused_flows
from accord.engine.planning import make_plan
from accord.engine.recover import recover
from accord.engine.report import Report, fill_counts, held_now, plan_digest, planned_writes, wide_changes
from accord.engine.schemas import Schemas, with_schemas
from accord.engine.setting import (
    Options,
    Progress,
    Setting,
    SystemClock,
    Tally,
    compile_flows,
    flow_order,
    needed_paths,
)
from accord.engine.undoing import Wanted, make_undo, selected
from accord.errors import SystemFailure, UsageError
from accord.ports import Clock, Connector, DatatypeSchema
from accord.store.opening import State, open_state
from accord.stored import HistoryLine

PASSES = 6


def _quiet(_what: str, _done: int, _total: int | None) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls a round, and with what at hand."""

    clock: Clock = field(default_factory=SystemClock)
    progress: Progress = _quiet
    connect: Callable[[System], Connector] = connect


def run_round(project: Project, options: Options, caller: Caller = Caller()) -> Report:
    """Plan and carry out. Raises Locked, StateError; failures of systems are in the report."""
    return asyncio.run(_run(project, options, caller))


def plan_round(project: Project, options: Options, caller: Caller = Caller()) -> Report:
    """A round up to guard; nothing is written to any system, and what was planned is not kept."""
    return asyncio.run(_plan(project, options, caller))


async def _run(project: Project, options: Options, caller: Caller) -> Report:
    with open_state(project.state) as state:
        async with _setting(project, state, options, caller, "apply" if options.only is not None else "run") as setting:
            _stop_gently(setting)
            await _read(setting)
            for _ in range(PASSES):
                if not await _pass(setting):
                    break
            return _finish(setting)


async def _plan(project: Project, options: Options, caller: Caller) -> Report:
    with open_state(project.state) as state:
        async with _setting(project, state, options, caller, "plan") as setting:
            await _read(setting)
            with state.db.rehearsal():
                await make_plan(setting)
                guard_plan(setting)
                report = _planned_report(setting)
            state.observed.forget_places()
            _record(setting, report)
            return report


def undo_round(
    project: Project, wanted: Wanted, options: Options, caller: Caller = Caller(), *, carry_out: bool
) -> Report:
    """Take our writes back, or show what would be. Raises Locked, StateError; UsageError where there is nothing."""
    return asyncio.run(_undo(project, wanted, options, caller, carry_out))


async def _undo(project: Project, wanted: Wanted, options: Options, caller: Caller, carry_out: bool) -> Report:
    with open_state(project.state) as state:
        lines = selected(state, wanted)
        flows = frozenset(line.flow for line in lines if line.flow is not None and line.flow in project.flows)
        options = replace(options, flows=flows & options.flows if options.flows else flows)
        async with _setting(project, state, options, caller, "undo" if carry_out else "plan") as setting:
            _stop_gently(setting)
            if at_rest := [str(setting.paused[name]) for name in sorted(flows) if name in setting.paused]:
                raise UsageError(f"nothing is undone while {at_rest[0]}", hint="`accord resume` ends it")
            await recover(setting, setting.died)
            if carry_out:
                left = await _undo_now(setting, wanted, lines)
                report = _finish(setting)
            else:
                report, left = await _undo_planned(setting, wanted, lines)
            report.left = [asdict(item) for item in left]
            return report


async def _undo_now(setting: Setting, wanted: Wanted, lines: Sequence[HistoryLine]) -> list[Left]:
    with setting.state.db.transaction():
        left = await make_undo(setting, wanted, lines)
        guard_plan(setting)
    await apply(setting)
    if setting.state.plans.unfinished():
        await recover(setting)
    return left


async def _undo_planned(setting: Setting, wanted: Wanted, lines: Sequence[HistoryLine]) -> tuple[Report, list[Left]]:
    with setting.state.db.rehearsal():
        left = await make_undo(setting, wanted, lines)
        guard_plan(setting)
        report = _planned_report(setting)
    setting.state.observed.forget_places()
    _record(setting, report)
    return report, left


def _planned_report(setting: Setting) -> Report:
    """What would be written. Called in the rehearsal."""
    _count_planned(setting)
    writes, digests = planned_writes(setting)
    fill_counts(setting)
    report = _report(setting, list(held_now(setting.state)))
    report.writes_planned, report.plans = writes, digests
    report.notices = wide_changes(setting, writes)
    return report


def _stop_gently(setting: Setting) -> None:
    """SIGTERM and SIGINT end the round after the links in hand."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, setting.stop.set)


@asynccontextmanager
async def _setting(
    project: Project, state: State, options: Options, caller: Caller, kind: str
) -> AsyncIterator[Setting]:
    """The lease, the connections and the run row; all let go at the end, whatever happens."""
    now = caller.clock.now()
    died = state.lease.take(now)
    connectors: dict[str, Connector] = {}
    tally = Tally()
    try:
        paused = paused_flows(project, state)
        awake = {side.system for flow in project.flows.values() if flow.name not in paused for side in flow.sides}
        every = needed_paths(project, compile_flows(project))  # a datatype is read for all its flows, also paused ones
        paths = {name: found for name, found in every.items() if name in awake}
        for name in paths:
            connectors[name] = caller.connect(project.systems[name])
        told = with_schemas(project, await _open_all(connectors, paths, tally))
        state.move_on()
        yield Setting(
            project=told,
            as_written=project,
            state=state,
            flows=compile_flows(told),
            order=flow_order(project),
            connectors=connectors,
            run=state.runs.begin(kind, options.by, now),
            now=now,
            clock=caller.clock,
            options=options,
            tally=tally,
            progress=caller.progress,
            died=datetime.fromisoformat(died.beat) if died else None,
            paused=paused,
        )
    finally:
        for connector in connectors.values():
            await connector.close()
        state.lease.release()


async def _open_all(
    connectors: Mapping[str, Connector], paths: Mapping[str, Mapping[str, Sequence[str]]], tally: Tally
) -> Schemas:
    """Open every connection; what the systems tell of their datatypes. One that fails is left alone."""
    told: dict[str, Mapping[str, DatatypeSchema]] = {}
    for name, connector in connectors.items():
        try:
            await connector.open(paths[name])
            told[name] = await connector.schema()
        except SystemFailure as error:
            tally.fail(error)
    return told


async def _read(setting: Setting) -> None:
    await recover(setting, setting.died)
    await follow_hints(setting)
    if not setting.options.hints_only:
        await observe(setting)
    await carry_out_alone(setting)


async def _pass(setting: Setting) -> bool:
    """Plan, guard, apply, find out about lost answers; whether another pass may find more to do."""
    refreshed = setting.tally.refreshed
    with setting.state.db.transaction():
        await make_plan(setting)
        guard_plan(setting)
        if setting.options.only is not None:
            _keep_only(setting)
    carried = await apply(setting)
    doubtful = len(setting.state.plans.unfinished())
    if doubtful:
        await recover(setting, has_read=not setting.options.hints_only)
    recovered = doubtful - len(setting.state.plans.unfinished())
    return bool(carried or recovered or setting.tally.refreshed > refreshed) and not setting.stop.is_set()


def _keep_only(setting: Setting) -> None:
    """Leave out whatever is not in the plan that is applied."""
    wanted = set(setting.options.only or ())
    left: list[int] = []
    for proposal in setting.state.plans.all():
        if proposal.state == "planned":
            word = plan_digest(setting.state, proposal.plan)
            setting.tally.digests[proposal.id] = word
            if word not in wanted:
                left.append(proposal.id)
    setting.state.plans.hold(left, "left", "not in the plan that is applied")


def _count_planned(setting: Setting) -> None:
    for flow, counts in setting.state.plans.counts().items():
        for (system, op), number in counts.items():
            setting.tally.flows[flow][f"{op}s"] += number
            setting.tally.writes[system][op] += number


def _finish(setting: Setting) -> Report:
    fill_counts(setting)
    report = _report(setting, list(held_now(setting.state)))
    if setting.state.doubtful and not report.errors and not any(item["kind"] == "brake" for item in report.held):
        setting.state.trust()
    _record(setting, report)
    return report


def _report(setting: Setting, held: list[dict[str, object]]) -> Report:
    for flow in setting.selected():
        setting.tally.flows[flow.name]  # every flow is named, also one with nothing to do
    for system in setting.connectors:
        setting.tally.writes[system]
    return Report(
        run=setting.run,
        started=setting.now.isoformat(),
        finished=setting.clock.now().isoformat(),
        flows=dict(setting.tally.flows),
        writes=dict(setting.tally.writes),
        requests={name: connector.requests for name, connector in setting.connectors.items()},
        paused=sorted({str(pause) for pause in setting.paused.values()}),
        held=held,
        errors=setting.tally.errors,
        stopped=setting.stop.is_set(),
        refused=[{"plan": word} for word in setting.options.only or () if word not in setting.tally.carried],
    )


def _record(setting: Setting, report: Report) -> None:
    kept = report.as_json()
    kept.pop("writes_planned", None)
    kept.pop("plans", None)
    kept["held"] = len(report.held)
    kept["unpreventable"] = setting.tally.unpreventable
    kept["approved"] = [f"{a.flow + ':' if a.flow else ''}{a.op}s<={a.number}" for a in setting.options.approvals]
    setting.state.runs.finish(setting.run, report.status, kept, setting.clock.now())
