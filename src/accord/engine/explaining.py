"""Why a record has the values it has, or is in no link: put together from the state, and never a guess."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from accord.config.meaning import Flow, Project, Row, Side
from accord.connectors.registry import connect
from accord.core.mapping import FlowMap
from accord.core.match import in_scope_of
from accord.core.resting import told_of
from accord.engine.report import held_json
from accord.engine.scoring import LIKE
from accord.engine.setting import compile_flows, needed_paths
from accord.errors import AccordError, UsageError
from accord.model import Absence, Link, LinkState, Record, Ref
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
    """The rows to explain: all, or the one of that name or path; none where no row names the property."""
    if wanted is None:
        return [row.name for row in flow.rows]
    return [row.name for row in flow.rows if row.name == wanted or row.paths.get(system) == wanted][:1]


def unmapped(flow: Flow, system: str, wanted: str) -> str:
    """Why a property that no row names has the value it has: nobody but its own system knows. Raises UsageError for a
    word that is almost the name of a row.
    """
    names = list(dict.fromkeys(name for row in flow.rows for name in (row.name, row.paths.get(system)) if name))
    close = get_close_matches(wanted, names, n=1, cutoff=0.75)
    if close:
        message = f"flow {flow.name!r} has no row or property {wanted!r} in {system}; it has {', '.join(names)}"
        raise UsageError(message, hint=f"did you mean {close[0]!r}?")
    return (
        f"no row of flow {flow.name!r} names {wanted!r} in {system}: Accord neither reads it nor writes it (P11). "
        f"It is what {system} and its people made it."
    )


def explain_link(state: State, flow: Flow | None, link: Link, ref: Ref, names: Sequence[str]) -> dict[str, Any]:
    """A record in a link: its state, and each row with where its value comes from."""
    items = state.held.of_links([link.id])
    return {
        "ref": str(ref),
        "link": link.id,
        "flow": link.flow,
        "state": link.state.value,
        "why": state.links.why([link.id]).get(link.id),
        "linked": _linked(state, link),
        "members": {
            member.ref.system: {
                "ref": str(member.ref),
                "gone": member.gone,
                "behind": sorted(member.behind),
                "modified": member.modified,
            }
            for member in link.members
        },
        "counterparts": _counterparts(state, flow, link),
        "rows": [_row(state, flow, link, name, items) for name in names],
        "held": [held_json(item) for item in items],
    }


def _linked(state: State, link: Link) -> str | None:
    """By which comparison the records were linked, where a score did it."""
    return next((line.reason for line in state.history.list(link=link.id) if line.reason.startswith(LIKE)), None)


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
        "reasons": list(_reasons(state, flow, link, name, items, last)),
        "held": [held_json(item) for item in items if item.row == name],
    }


def _counterparts(state: State, flow: Flow | None, link: Link) -> dict[str, str]:
    """System → why it has no record of the link."""
    if flow is None or link.state is LinkState.CLOSED:
        return {}
    have = {member.ref.system for member in link.members}
    why = state.links.why([link.id]).get(link.id)
    held = next((item.reason for item in state.held.of_links([link.id])), None)
    found = {}
    for side in flow.sides:
        if side.system not in have:
            found[side.system] = _lacking(flow, side, have) or held or why or "the next round decides: `accord plan`"
    return found


def _lacking(flow: Flow, side: Side, have: set[str]) -> str | None:
    """Why the project file says that no record is made there."""
    if not side.create:
        return "the flow creates no records there"
    modes = {each.mode for each in flow.sides if each.system in have}
    if modes <= {"never", "match-only"}:
        return MODES["never" if "never" in modes else "match-only"]
    return None


def _reasons(
    state: State, flow: Flow | None, link: Link, name: str, items: Sequence[Held], last: HistoryLine | None
) -> Iterator[str]:
    """Why members differ in a row, or have not received its agreed value: every reason that is known."""
    row = flow.row(name) if flow is not None else None
    group = {each.name for each in flow.rows if row and row.group and each.group == row.group} if flow else set()
    yield from (item.reason for item in items if item.row in {None, name, *group} or item.kind == "rejected")
    if row is not None:
        yield from _ruled(row, [member.ref.system for member in link.members])
    for member in link.members:
        if name in member.behind:
            yield f"{member.ref.system} has not received the agreed value yet{_attempt(last, member.ref.system)}"
        elif name not in member.base and row is not None and member.ref.system in row.paths:
            yield f"{member.ref.system} does not send this property"
    why = state.links.why([link.id]).get(link.id)
    resting = told_of(why)
    if name in resting:
        yield f"row {name!r} rests, because {resting[name]}: nothing of it is carried until that is true"
    if why and not why.startswith("row "):
        yield why
    if link.state is LinkState.RESTING:
        yield "the link rests: a record has left the scope of its filter"


def _ruled(row: Row, systems: Sequence[str]) -> Iterator[str]:
    """What the project file says that lets members differ."""
    for system in systems:
        if system in row.paths and system not in row.targets:
            yield f"the row does not flow to {system}"
        if system in row.paths and system not in row.sources:
            yield f"edits in {system} stay there: the row does not flow from it"
    if row.enforce:
        yield f"{row.enforce} decides this row"
    if row.truncate:
        yield "what does not fit is cut (truncate)"
    for system, lenses in row.lenses.items():
        if any(spec.lossy for spec in lenses):
            yield f"a lens of {system} loses information (lossy)"
    if row.table is not None and row.table.lossy:
        yield f"several values of {row.table.file} become one (lossy)"


def _attempt(last: HistoryLine | None, system: str) -> str:
    if last is None or last.system != system or last.outcome in ("applied", "already", "done"):
        return ""
    return f": run {last.run} tried, and the write was {last.outcome} ({last.reason})"


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
