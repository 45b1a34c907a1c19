"""A link one of whose records is gone → what happens to the others. The table of semantics.md, section 6."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accord.config.meaning import Side
from accord.core.candidates import shown
from accord.core.detect import Reading
from accord.core.linkplan import HeldItem, LinkPlan, LogLine, RowWrite, WritePlan
from accord.core.mapping import FlowMap
from accord.errors import ValueRefused
from accord.model import Link, LinkState, Member, Native, Natives, Op

ARCHIVED = "the others are archived"
"""How the reason of a write ends that archives a record."""
NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What is done about a deletion."""

    action: str
    """`close`, `propagate`, `archive`, `restore`, or `ask`."""
    reason: str


def fate(
    flow: FlowMap, link: Link, gone: Sequence[Member], there: Sequence[Reading], choice: str | None, by: str | None
) -> Fate:
    """The decision, one row of the table after the other."""
    titles = " and ".join(flow.title(member.ref.system) for member in gone)
    side = flow.sides[gone[0].ref.system].side
    rule = _strictest([flow.sides[member.ref.system].side for member in gone])
    if not there:  # deleted | deleted
        return Fate(action="close", reason=f"deleted in {titles}: no record is left")
    if choice:  # a person said what to do
        return Fate(action=choice, reason=f"deleted in {titles}; decided by {by}")
    returned = [reading for reading in there if reading.member.gone]
    if returned:  # deleted, propagated in part, and restored by somebody meanwhile
        return Fate(action="ask", reason=f"deleted in {titles}, and there again in {_titles(flow, returned)}")
    unreceived = _unreceived(link, gone)
    edited = [r for r in there if r.any_edit() or r.system in unreceived or _never_agreed(flow, link, r)]
    if edited and rule == "edit_wins":  # deleted | edited since, decided beforehand
        return Fate(
            action="restore", reason=f"deleted in {titles}, edited since in {_titles(flow, edited)}: the edit wins"
        )
    if edited and rule != "delete_wins":  # deleted | edited since
        return Fate(action="ask", reason=f"deleted in {titles}, and edited since in {_titles(flow, edited)}")
    if rule == "ask":  # deleted | unchanged
        return Fate(action="ask", reason=f"deleted in {titles}; on_delete is ask")
    if rule == "keep":
        return Fate(action="close", reason=f"deleted in {titles}; the others are kept and the link is dissolved")
    if rule == "restore":
        return Fate(action="restore", reason=f"deleted in {titles}; it is restored")
    if rule == "archive" and side.archive:
        return Fate(action="archive", reason=f"deleted in {titles}; {ARCHIVED}")
    return Fate(action="propagate", reason=f"deleted in {titles}")


def _unreceived(link: Link, gone: Sequence[Member]) -> set[str | None]:
    """Systems whose agreed edits the deleted records had not received: whoever deleted them did not see these."""
    return {link.agreed[row].origin for member in gone for row in member.behind if row in link.agreed}


def _never_agreed(flow: FlowMap, link: Link, reading: Reading) -> bool:
    """Whether a record holds a value that the sides never agreed on (a conflict since they were linked)."""
    rows = [row for row in reading.side.rows if row not in link.agreed and reading.system in flow.rows[row].sources]
    return any(reading.natives.get(row) not in (None, "", []) for row in rows)


def _strictest(sides: Sequence[Side]) -> str:
    """Where several members are gone and their sides say different things: ask."""
    rules = {side.on_delete for side in sides}
    return rules.pop() if len(rules) == 1 else "ask"


def _titles(flow: FlowMap, readings: Sequence[Reading]) -> str:
    return " and ".join(flow.title(reading.system) for reading in readings)


def plan_deletion(
    flow: FlowMap,
    link: Link,
    gone: Sequence[Member],
    there: Sequence[Reading],
    decided: Fate,
    wholes: Mapping[str, Natives] = NOTHING,
) -> LinkPlan:
    """The link plan of every fate but `restore` (which is a plan of creates). `wholes` are the records that are left,
    by system, with what no row names: what they have before they are archived is kept for an undo.
    """
    first = gone[0].ref
    log: tuple[LogLine, ...] = (LogLine(op="deleted", system=first.system, ref=str(first), reason=decided.reason),)
    systems = tuple(member.ref.system for member in gone)
    if decided.action == "ask":
        held = (_held(flow, link, there, decided),)
        return LinkPlan(flow=flow.name, link=link.id, state=link.state, gone=systems, held=held)
    writes: list[WritePlan] = []
    for reading in there:
        if decided.action == "propagate" and _may(reading, "delete"):
            writes.append(_delete(flow, reading, decided.reason))
        elif decided.action == "archive" and _may(reading, "update"):
            writes.append(_archive(flow, gone[0], reading, decided.reason, wholes.get(reading.system, NOTHING)))
        elif decided.action in ("propagate", "archive"):
            log += (LogLine(op="kept", system=reading.system, ref=str(reading.member.ref), reason=_readonly(reading)),)
    return LinkPlan(flow=flow.name, link=link.id, state=LinkState.CLOSED, writes=tuple(writes), gone=systems, log=log)


def _may(reading: Reading, what: str) -> bool:
    return reading.side.writable and bool(getattr(reading.side.side, what))


def _readonly(reading: Reading) -> str:
    return f"nothing may be written to {reading.side.title}; the record is kept and the link dissolved"


def _held(flow: FlowMap, link: Link, there: Sequence[Reading], decided: Fate) -> HeldItem:
    return HeldItem(kind="delete", values=remaining_values(flow, there), reason=decided.reason)


def remaining_values(flow: FlowMap, there: Sequence[Reading]) -> dict[str, dict[str, Any]]:
    """System → row → JSON of what the records hold that are left: what a person sees, and decides about."""
    return {
        reading.system: {row: shown(flow, row, value) for row in reading.side.rows if (value := _value(reading, row))}
        for reading in there
    }


def _value(reading: Reading, row: str) -> object:
    native = reading.natives.get(row)
    try:
        return reading.value(row) if native is not None else None
    except ValueRefused:
        return None


def _delete(flow: FlowMap, reading: Reading, reason: str) -> WritePlan:
    ref = reading.member.ref
    return WritePlan(
        op=Op.DELETE,
        system=ref.system,
        datatype=ref.datatype,
        id=ref.id,
        native_id=reading.member.native_id,
        rows=tuple(
            RowWrite(row=row, path=path, old=shown(flow, row, _value(reading, row)), reason=reason)
            for row, path in reading.side.paths.items()
            if row in reading.natives
        ),
        version=reading.version,
        ground=_ground(reading),
        reason=reason,
    )


def _ground(reading: Reading) -> dict[str, Native]:
    """All that is known of the record: nothing is deleted or archived that somebody has just edited. What was not sent
    counts as null, so that a first value is noticed too.
    """
    return {path: reading.natives.get(row) for row, path in reading.side.paths.items()}


def _archive(flow: FlowMap, gone: Member, reading: Reading, reason: str, whole: Natives) -> WritePlan:
    ref = reading.member.ref
    properties = flow.sides[gone.ref.system].side.archive
    return WritePlan(
        op=Op.UPDATE,
        system=ref.system,
        datatype=ref.datatype,
        id=ref.id,
        native_id=reading.member.native_id,
        rows=tuple(_archiving(flow, reading, path, value, reason, whole) for path, value in properties.items()),
        version=reading.version,
        ground=_ground(reading),
        reason=reason,
    )


def _archiving(flow: FlowMap, reading: Reading, path: str, value: Native, reason: str, whole: Natives) -> RowWrite:
    """One property that says of a record that it is archived: in the words of its row, if it has one."""
    row = next((row for row, mapped in reading.side.paths.items() if mapped == path), None)
    if row is None:
        return RowWrite(row=path, path=path, native=value, old=whole.get(path), new=value, reason=reason)
    old = shown(flow, row, _value(reading, row))
    try:
        new = shown(flow, row, reading.decode(row, value))
    except ValueRefused:
        new = value
    return RowWrite(row=row, path=path, native=value, old=old, new=new, reason=reason)
