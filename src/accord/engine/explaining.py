"""Why a record has the values it has, or is in no link: put together from the state, and never a guess."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from accord.config.meaning import Flow, Project, Side
from accord.connectors.registry import connect
from accord.core.mapping import FlowMap
from accord.core.match import in_scope_of
from accord.engine.report import held_json
from accord.engine.setting import compile_flows, needed_paths
from accord.errors import AccordError, UsageError
from accord.model import Absence, Link, Record, Ref
from accord.store.opening import State
from accord.store.overview import closed_with, knows_place
from accord.stored import Held, HistoryLine

MODES = {
    "match-only": "the flow links it with a record that matches, and creates none",
    "never": "a new record of this side waits for a person: `accord links link`",
    "connected": "it gets a counterpart once a synchronised record refers to it",
}


def find_link(state: State, ref: Ref) -> Link | None:
    """The link that a record is in, else the closed one it was in last."""
    if not knows_place(state, ref):
        return None
    number = state.links.of([ref]).get(ref)
    if number is not None:
        return state.links.load([number])[number]
    closed = closed_with(state, ref)
    return None if closed is None else state.links.load([closed], closed=True)[closed]


def row_names(flow: Flow, system: str, wanted: str | None) -> list[str]:
    """The rows to explain: all, or the one of that name or path. Raises UsageError."""
    if wanted is None:
        return [row.name for row in flow.rows]
    found = [row.name for row in flow.rows if row.name == wanted or row.paths.get(system) == wanted]
    if found:
        return found[:1]
    from difflib import get_close_matches

    names = list(dict.fromkeys(name for row in flow.rows for name in (row.name, row.paths.get(system)) if name))
    close = get_close_matches(wanted, names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else "a property without a row is never written (P11)"
    there = ", ".join(names)
    raise UsageError(f"flow {flow.name!r} has no row or property {wanted!r} in {system}; it has {there}", hint=hint)


def explain_link(state: State, flow: Flow | None, link: Link, ref: Ref, names: Sequence[str]) -> dict[str, Any]:
    """A record in a link: its state, and each row with where its value comes from."""
    items = state.held.of_links([link.id])
    return {
        "ref": str(ref),
        "link": link.id,
        "flow": link.flow,
        "state": link.state.value,
        "why": state.links.why([link.id]).get(link.id),
        "members": {
            member.ref.system: {
                "ref": str(member.ref),
                "gone": member.gone,
                "behind": sorted(member.behind),
                "modified": member.modified,
            }
            for member in link.members
        },
        "rows": [_row(state, flow, link, name, items) for name in names],
        "held": [held_json(item) for item in items],
    }


def _row(state: State, flow: Flow | None, link: Link, name: str, items: Sequence[Held]) -> dict[str, Any]:
    agreed = link.agreed.get(name)
    last = next(iter(state.history.list(link=link.id, row=name, newest_first=True)), None)
    return {
        "row": name,
        "paths": dict(flow.row(name).paths) if flow else {},
        "values": {member.ref.system: member.base[name] for member in link.members if name in member.base},
        "agreed": agreed.value if agreed else None,
        "origin": agreed.origin if agreed else None,
        "revision": agreed.revision if agreed else None,
        "modified": agreed.modified if agreed else None,
        "behind": [member.ref.system for member in link.members if name in member.behind],
        "last_change": None if last is None else _change(last, name),
        "held": [held_json(item) for item in items if item.row == name],
    }


def _change(line: HistoryLine, row: str) -> dict[str, Any]:
    old, new = line.changes[row]
    return {
        "run": line.run,
        "at": line.at,
        "op": line.op,
        "system": line.system,
        "old": old,
        "new": new,
        "outcome": line.outcome,
        "reason": line.reason,
        "caused_by": line.caused_by,
        "by": line.by,
    }


def explain_alone(project: Project, state: State | None, ref: Ref) -> dict[str, Any]:
    """A record in no link: which flows could claim it, and why they do not. Raises UsageError, SystemFailure."""
    flows = compile_flows(project)
    able = [flow for flow in flows.values() if _datatype_of(flow, ref) == ref.datatype]
    record = asyncio.run(_read(project, ref, able)) if able else None
    items = [] if state is None else [item for item in state.held.list() if str(ref) in item.refs]
    return {
        "ref": str(ref),
        "link": None,
        "flows": [_claim(flow, ref, record) for flow in able],
        "why": None if able else f"no flow uses the datatype {ref.datatype!r} of {ref.system}",
        "held": [held_json(item) for item in items],
    }


def _datatype_of(flow: FlowMap, ref: Ref) -> str | None:
    side = flow.sides.get(ref.system)
    return side.side.datatype if side else None


async def _read(project: Project, ref: Ref, flows: Sequence[FlowMap]) -> Record:
    connector = connect(project.systems[ref.system])
    try:
        await connector.open(needed_paths(project, {flow.name: flow for flow in flows})[ref.system])
        answer = (await connector.fetch(ref.datatype, [ref.id]))[ref.id]
    finally:
        await connector.close()
    if isinstance(answer, Record):
        return answer
    words = {
        Absence.GONE: "it does not exist there",
        Absence.FORBIDDEN: "it may not be seen with these credentials",
        Absence.FAILED: "it cannot be read",
    }
    raise AccordError(
        f"{ref} is in no link, and {words[answer]}",
        hint="look for the record with `accord links list --search TEXT`; ids are written as the system writes them",
    )


def _claim(flow: FlowMap, ref: Ref, record: Record | None) -> dict[str, Any]:
    side = flow.sides[ref.system]
    natives = record.natives() if record else {}
    try:
        deleted = side.deleted is not None and side.deleted.test(natives)
        in_scope = in_scope_of(flow, ref.system, natives)
        ready = side.when is None or side.when.test(natives)
    except AccordError as error:
        return {"flow": flow.name, "claims": False, "reason": error.message}
    if deleted:
        return {"flow": flow.name, "claims": False, "reason": f"the record is deleted ({side.deleted!r})"}
    if not in_scope:
        return {"flow": flow.name, "claims": False, "reason": f"its filter is not true: {side.side.where}"}
    return {"flow": flow.name, "claims": side.side.mode != "never", "reason": _reason(side.side, ready)}


def _reason(side: Side, ready: bool) -> str:
    if not ready:
        return f"it waits until {side.when!r} is true"
    if side.since_linked:
        return "the flow takes up only records that are created after it was started (since: linked)"
    return MODES.get(side.mode, "it is taken up by the next round: `accord run`")
