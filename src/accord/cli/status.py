"""`status`: how things stand, from the state alone. No system is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.cli.call import Call, has_state
from accord.cli.output import Output, counted

if TYPE_CHECKING:
    from accord.config.meaning import Project
    from accord.store.opening import State
    from accord.stored import Holder, Run

STATES = ("linked", "waiting", "in_doubt", "resting", "closed")
LOOK = "look at `accord plan`; nothing is written until a run is called with the --approve that it names"


def status(call: Call) -> int:
    """How things stand: linked, waiting, held, how fresh each reading is, and how the last round ended.

    No system is asked, and nothing is changed. Example: `accord status --json`.
    """
    project = call.project()
    if has_state(project):
        with call.state(project) as state:
            found = _standing(project, state, call.clock.now())
    else:
        found = _nothing(project)
    if call.out.json:
        call.out.document(found)
    else:
        _show(call.out, project, found, call.clock.now())
    return 3 if any(flow["held"] for flow in found["flows"].values()) or found["held"] else 0


def _nothing(project: Project) -> dict[str, Any]:
    lost = Path(project.state).with_name(Path(project.state).name + ".mark")
    return {
        "flows": {name: dict.fromkeys((*STATES, "held"), 0) for name in project.flows},
        "systems": {name: {} for name in project.systems},
        "held": 0,
        "last_run": None,
        "lease": None,
        "doubtful": "the state was lost: its mark is there, the state is not" if lost.exists() else None,
        "paused": [],
    }


def _standing(project: Project, state: State, now: datetime) -> dict[str, Any]:
    from accord.engine.pausing import pauses
    from accord.store import overview

    counts, held = state.links.counts(), overview.held_by_flow(state)
    names = [*project.flows, *(name for name in counts if name not in project.flows)]
    flows = {
        name: {**{kind: counts.get(name, {}).get(kind, 0) for kind in STATES}, "held": held.get(name, 0)}
        for name in names
    }
    systems: dict[str, dict[str, Any]] = {name: {} for name in project.systems}
    for found in overview.readings(state):
        systems.setdefault(found.system, {})[found.datatype] = {
            "records": found.records,
            "read_at": found.read_at,
            "complete_at": found.complete_at,
            "count": found.count,
        }
    return {
        "flows": flows,
        "systems": systems,
        "held": sum(held.values()),
        "last_run": _run(overview.last_round(state)),
        "lease": _lease(state.lease.holder(), now),
        "doubtful": state.doubtful,
        "paused": [asdict(one) for one in pauses(state)],
    }


def _run(run: Run | None) -> dict[str, Any] | None:
    if run is None:
        return None
    report = run.report or {}
    found = {"run": run.id, "kind": run.kind, "started": run.started, "finished": run.finished, "status": run.status}
    return {**found, "by": run.by, "writes": report.get("writes", {}), "errors": report.get("errors", [])}


def _lease(holder: Holder | None, now: datetime) -> dict[str, Any] | None:
    if holder is None:
        return None
    from accord.store.lease import alive

    found = {"host": holder.host, "pid": holder.pid, "since": holder.since, "beat": holder.beat}
    return {**found, "alive": alive(holder, now)}


def _show(out: Output, project: Project, found: Mapping[str, Any], now: datetime) -> None:
    out.say(f"{project.title}  ({project.file})")
    kinds = ["linked", "waiting", "held"]
    kinds += [kind for kind in STATES[2:] if any(flow[kind] for flow in found["flows"].values())]
    rows = [(name, *(flow[kind] or "·" for kind in kinds)) for name, flow in found["flows"].items()]
    out.table(["flow", *(f"#{kind.replace('_', ' ')}" for kind in kinds)], rows)
    readings = [
        (f"{system}/{datatype}", f"{one['records']:,}", ago(one["read_at"], now), ago(one["complete_at"], now))
        for system, datatypes in found["systems"].items()
        for datatype, one in datatypes.items()
    ]
    if readings:
        out.say("")
        out.table(["datatype", "#records", "last read", "listed completely"], readings)
    out.say("")
    _show_run(out, found["last_run"], now)
    _show_rest(out, found, now)


def _show_run(out: Output, run: Mapping[str, Any] | None, now: datetime) -> None:
    if run is None:
        out.say("No round has been run yet: `accord plan` shows what the first one would do.")
        return
    written = ", ".join(
        f"{sum(counts.values()):,} in {system}" for system, counts in run["writes"].items() if sum(counts.values())
    )
    ended = f"ended with exit status {run['status']}" if run["finished"] else "did not end"
    out.say(f"Last round: run {run['run']}, {ago(run['started'], now)}, {ended}; writes: {written or 'none'}.")
    for error in run["errors"]:
        out.say(f"  error ({error['kind']}): {error['message']}")


def _show_rest(out: Output, found: Mapping[str, Any], now: datetime) -> None:
    from accord.engine.pausing import Pause

    lease = found["lease"]
    if lease is not None and lease["alive"]:
        out.say(f"A round is at work: process {lease['pid']} on {lease['host']} since {ago(lease['since'], now)}.")
    elif lease is not None:
        out.say(
            f"The round that began {ago(lease['since'], now)} died (process {lease['pid']}); the next one recovers."
        )
    for one in found["paused"]:
        out.say(f"{Pause(**one)}; `accord resume` ends it.")
    if found["held"]:
        out.say(f"{counted(found['held'], 'item')} held for a person: `accord held list`.")
    if found["doubtful"]:
        out.say(f"The state cannot be trusted: {found['doubtful']}.", f"  What to do: {LOOK}.")


def ago(moment: str | None, now: datetime) -> str:
    """How long ago, in words; `never` where it never was."""
    if moment is None:
        return "never"
    seconds = (now - datetime.fromisoformat(moment)).total_seconds()
    for size, one in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {one}s ago"
    return f"{max(0, int(seconds))} s ago" if seconds >= 0 else f"at {moment[:19]}"
