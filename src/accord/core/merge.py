"""Edits of one link → agreed values and conflicts, row by row (or group by group). Who wins says `decide.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from accord.core.candidates import (
    Candidate,
    Refused,
    agreed_candidate,
    candidate_of,
    distinct_of,
    edited,
    empty,
    equal,
    filled_from,
    has,
    is_empty,
    joins,
    member_behind,
    present,
    same,
    shown,
    shown_unit,
    takes_part,
)
from accord.core.decide import Decision, chosen, decide, first_winner
from accord.core.detect import Reading
from accord.core.list_edits import ListEdits, complete_each_other
from accord.core.mapping import FlowMap
from accord.core.merged import HeldRow, Merged, Superseded
from accord.core.one_way import leave_one_way_edits, supersede_one_way_edits
from accord.core.resting import rests
from accord.errors import ExpressionError, ValueRefused
from accord.model import ABSENT, Agreed, Cause, Dangling, Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Ice:
    """Rows about which nothing is written until a person has decided."""

    frozen: Mapping[str, str] = field(default_factory=dict)
    """Row → why."""
    thawed: frozenset[str] = frozenset()
    """Rows of which a person said: try again."""


def merge(
    flow: FlowMap,
    link: Link,
    readings: Sequence[Reading],
    decisions: Mapping[str, Decision] | None = None,
    ice: Ice = Ice(),
) -> Merged:
    """All rows of one link, decided. `readings` are its members that are there; `decisions` by row."""
    merged = Merged()
    is_new = len(readings) == 1 and not link.agreed
    for unit in flow.units:
        try:
            if (why := rests(flow, unit[0], readings)) is not None:  # the rows of a group have one condition
                merged.rests(unit, why)
                continue
            if is_new and len(unit) == 1:
                _take_new(flow, link, readings[0], unit[0], merged)
                continue
            choice = (decisions or {}).get(unit[0])
            if not _stays_frozen(flow, link, readings, unit, merged, choice, ice):
                _merge_unit(flow, link, readings, unit, merged, choice)
                _thaw(flow, link, unit, merged, ice)
        except Refused as refused:
            _hold_refused(flow, link, refused, unit, merged)
        except ExpressionError as error:
            merged.frozen.update(unit)
            merged.held.append(HeldRow(kind="value", row=unit[0], values={}, base=None, reason=error.message))
    return merged


def _take_new(flow: FlowMap, link: Link, reading: Reading, row: str, merged: Merged) -> None:
    """A row of one new record, alone in its link: its value is agreed. `_merge_unit` comes to the same, slower."""
    if row not in reading.natives:
        return
    if reading.system not in flow.rows[row].sources:
        leave_one_way_edits(flow, link, [reading], [], (row,), merged)  # it may be one that was left alone
        merged.taken(reading.system, (row,))
        return
    try:
        value = reading.value(row)
    except ValueRefused as error:
        raise Refused(reading, row, error) from error
    if isinstance(value, Dangling):
        merged.waits.append((row, value))
        merged.frozen.add(row)
        return
    if value is not ABSENT:
        merged.agreed[row] = Agreed(value=value, revision=1, origin=reading.system, modified=reading.modified_text)
        merged.send[row] = "new record"
        merged.causes[row] = Cause(system=reading.system, ref=str(reading.member.ref), row=row)
    merged.taken(reading.system, (row,))


def _merge_unit(
    flow: FlowMap,
    link: Link,
    readings: Sequence[Reading],
    unit: tuple[str, ...],
    merged: Merged,
    choice: Decision | None,
) -> None:
    sources = [reading for reading in readings if takes_part(flow, unit, reading, "sources")]
    first = any(row not in link.agreed for row in unit)
    if first:
        _first_values(flow, link, readings, sources, unit, merged, choice)
        return
    editors = [reading for reading in sources if edited(reading, unit)]
    if not editors:
        leave_one_way_edits(flow, link, readings, sources, unit, merged)
        return
    _merge_edits(flow, link, readings, editors, unit, merged, choice)
    supersede_one_way_edits(flow, readings, sources, unit, merged)


def _merge_edits(
    flow: FlowMap,
    link: Link,
    readings: Sequence[Reading],
    editors: Sequence[Reading],
    unit: tuple[str, ...],
    merged: Merged,
    choice: Decision | None,
) -> None:
    if flow.rows[unit[0]].items is not None and not flow.rows[unit[0]].enforce and not any(map(joins, editors)):
        _merge_elements(flow, link, readings, editors, unit, merged, choice)
        return
    candidates = [_edited_candidate(link, unit, reading) for reading in editors]
    if all(member_behind(reading, unit) for reading in editors):  # else one of them was typed over the agreed value
        candidates.append(agreed_candidate(link, unit))
    winner, reason = first_winner(flow, unit, candidates) if any(map(joins, editors)) else (None, "")
    if winner is None:
        _conclude(flow, link, unit, candidates, readings, merged, choice)
    elif not _waits(unit, [winner], merged):
        _settle_on(flow, link, unit, winner, reason, readings, merged)


def _merge_elements(
    flow: FlowMap,
    link: Link,
    readings: Sequence[Reading],
    editors: Sequence[Reading],
    unit: tuple[str, ...],
    merged: Merged,
    choice: Decision | None,
) -> None:
    """Edits of a list of objects: element by element."""
    edits = ListEdits(flow, link, unit[0], editors)
    winner, reason, losers = edits.decided(choice)
    if winner is None:
        _hold(flow, link, unit, edits.candidates, merged, "conflict", reason)
        return
    _agree(flow, link, unit, winner, reason, merged)
    for reading in readings:
        as_it_is = winner.system == reading.system and not member_behind(reading, unit)
        if as_it_is or has(flow, reading, unit, winner.values):
            merged.taken(reading.system, [row for row in unit if row in reading.natives])
    for loser in losers:
        _supersede(flow, loser, winner, unit, reason, merged)


def _edited_candidate(link: Link, unit: tuple[str, ...], reading: Reading) -> Candidate:
    """What somebody edited in a group, with the agreed values of its other rows: what a system made of those is no
    edit, and is not sent back.
    """
    candidate = candidate_of(reading, unit)
    if len(unit) == 1 or joins(reading):
        return candidate
    values = tuple(
        value if value is ABSENT or row in reading.member.behind or reading.edited(row) else link.agreed[row].value
        for row, value in zip(unit, candidate.values, strict=True)
    )
    return replace(candidate, values=values)


def _conclude(
    flow: FlowMap,
    link: Link,
    unit: tuple[str, ...],
    candidates: list[Candidate],
    readings: Sequence[Reading],
    merged: Merged,
    choice: Decision | None,
) -> None:
    winner, reason = decide(flow, link, unit, candidates, choice)
    if winner is None or _dangling(unit, [winner]):
        _waits(unit, candidates, merged)
        if len(distinct_of(flow, unit, candidates)) > 1:  # a wait that hides what somebody else edited may have no end
            _hold(flow, link, unit, candidates, merged, "conflict", _with_unlinked(unit, candidates, reason))
        return
    _win(flow, link, unit, candidates, winner, reason, readings, merged)


def _win(
    flow: FlowMap,
    link: Link,
    unit: tuple[str, ...],
    candidates: list[Candidate],
    winner: Candidate,
    reason: str,
    readings: Sequence[Reading],
    merged: Merged,
) -> None:
    """One candidate is the agreed value from now on; the others are superseded."""
    unsent = {row for row, value in zip(unit, winner.values, strict=True) if value is ABSENT and row in link.agreed}
    winner = _completed(link, unit, winner, readings)
    winner = filled_from(winner, candidates)  # what nobody has agreed on yet, and the winner does not send
    _agree(flow, link, unit, winner, reason, merged)
    for reading in readings:
        if winner.system == reading.system or has(flow, reading, unit, winner.values):
            merged.taken(reading.system, [row for row in unit if row in reading.natives])
        if winner.system == reading.system:  # what it did not send keeps its agreed value: nothing is written there
            merged.taken(reading.system, sorted(unsent - reading.member.behind))
    for loser in candidates:
        if not same(flow, unit, loser.values, winner.values):
            origin = loser.system or link.agreed[unit[0]].origin
            _supersede(flow, replace(loser, system=origin), winner, unit, reason, merged)


def _first_values(
    flow: FlowMap,
    link: Link,
    readings: Sequence[Reading],
    sources: list[Reading],
    unit: tuple[str, ...],
    merged: Merged,
    choice: Decision | None,
) -> None:
    """Rows without an agreed value: a link that has just begun, or a row that is new in the file."""
    candidates = [candidate_of(reading, unit) for reading in sources if present(reading, unit)]
    if flow.rows[unit[0]].items is not None:
        candidates = complete_each_other(flow, unit[0], candidates)
    if not candidates:
        leave_one_way_edits(flow, link, [reading for reading in readings if not joins(reading)], sources, unit, merged)
        for reading in readings:
            merged.taken(reading.system, [row for row in unit if row in reading.natives])
        return
    winner, reason = first_winner(flow, unit, candidates)
    if winner is None:
        _conclude(flow, link, unit, candidates, readings, merged, choice)
    elif not _waits(unit, [winner], merged):
        _settle_on(flow, link, unit, winner, "new record" if len(readings) == 1 else reason, readings, merged)


def _settle_on(
    flow: FlowMap,
    link: Link,
    unit: tuple[str, ...],
    winner: Candidate,
    reason: str,
    readings: Sequence[Reading],
    merged: Merged,
) -> None:
    winner = _completed(link, unit, winner, readings)
    _agree(flow, link, unit, winner, reason, merged)
    for reading in readings:
        kept = empty(flow, unit, winner.values) and (
            not takes_part(flow, unit, reading, "sources") or is_empty(flow, reading, unit)
        )
        if kept and not takes_part(flow, unit, reading, "sources") and not joins(reading):
            leave_one_way_edits(flow, link, [reading], [], unit, merged)
        if kept or reading.system == winner.system or has(flow, reading, unit, winner.values):
            merged.taken(reading.system, [name for name in unit if name in reading.natives])


def _dangling(unit: tuple[str, ...], candidates: Sequence[Candidate]) -> list[tuple[str, Dangling]]:
    """Rows with a value that points to a record in no link."""
    return [
        (row, value)
        for candidate in candidates
        for row, value in zip(unit, candidate.values, strict=True)
        if isinstance(value, Dangling)
    ]


def _waits(unit: tuple[str, ...], candidates: Sequence[Candidate], merged: Merged) -> bool:
    """Whether a value points to a record in no link. Then nothing is written of the row, and it is looked at again as
    soon as that record is linked.
    """
    dangling = _dangling(unit, candidates)
    merged.waits += dangling
    if dangling:
        merged.frozen.update(unit)
    return bool(dangling)


def _with_unlinked(unit: tuple[str, ...], candidates: Sequence[Candidate], reason: str) -> str:
    """The reason of a conflict, with the records that are in no link: they are what a person may want to link."""
    refs = ", ".join(sorted({str(value.ref) for _, value in _dangling(unit, candidates)}))
    return f"{reason}; {refs} is in no link" if refs else reason


def _agree(flow: FlowMap, link: Link, unit: tuple[str, ...], winner: Candidate, reason: str, merged: Merged) -> None:
    origin = winner.system
    for row, value in zip(unit, winner.values, strict=True):
        before = link.agreed.get(row)
        if value is ABSENT:
            continue
        merged.agreed[row] = Agreed(
            value=value,
            revision=(before.revision if before else 0) + 1,
            origin=origin or (before.origin if before else None),
            modified=winner.modified.isoformat() if winner.modified else None,
        )
        merged.send[row] = reason
        member = link.member(origin) if origin else None
        merged.causes[row] = Cause(system=origin or "", ref=str(member.ref) if member else None, row=row)


def _completed(link: Link, unit: tuple[str, ...], winner: Candidate, readings: Sequence[Reading]) -> Candidate:
    """The winner of a group, with the agreed values of rows that it did not send: there the losers are set back.

    A row that no member sends is agreed to be empty, so that the group does not count as new for ever.
    """
    values = list(winner.values)
    for at, row in enumerate(unit):
        if values[at] is ABSENT and row in link.agreed:
            values[at] = link.agreed[row].value
        elif values[at] is ABSENT and not any(row in reading.natives for reading in readings):
            values[at] = None
    return winner if ABSENT not in winner.values else replace(winner, values=tuple(values))


def _supersede(
    flow: FlowMap, loser: Candidate, winner: Candidate, unit: tuple[str, ...], reason: str, merged: Merged
) -> None:
    for row, lost, kept in zip(unit, loser.values, winner.values, strict=True):
        if lost is not ABSENT and not equal(flow, row, lost, kept):
            merged.set_back.add((loser.system or "", row))
            merged.superseded.append(
                Superseded(
                    system=loser.system or "",
                    row=row,
                    lost=shown(flow, row, lost),
                    kept=shown(flow, row, kept),
                    reason=reason,
                )
            )


def _stays_frozen(
    flow: FlowMap,
    link: Link,
    readings: Sequence[Reading],
    unit: tuple[str, ...],
    merged: Merged,
    choice: Decision | None,
    ice: Ice,
) -> bool:
    """A frozen row: what a person decided, else nothing is written. It is over once all sides say the same."""
    reason = next((ice.frozen[row] for row in unit if row in ice.frozen), None)
    if reason is None or any(row not in link.agreed for row in unit):
        return False
    candidates = [candidate_of(reading, unit) for reading in readings if present(reading, unit)]
    if len(distinct_of(flow, unit, candidates)) == 1:
        return False
    candidates.append(agreed_candidate(link, unit))
    winner = chosen(flow, unit, candidates, choice) if choice is not None else None
    if winner is None or choice is None or _dangling(unit, [winner]):
        _waits(unit, candidates, merged)
        _hold(flow, link, unit, candidates, merged, "frozen", reason)
        return True
    merged.resend.update(unit)
    _win(flow, link, unit, candidates, winner, f"decided by {choice.by}", readings, merged)
    return True


def _thaw(flow: FlowMap, link: Link, unit: tuple[str, ...], merged: Merged, ice: Ice) -> None:
    """Try again: where nobody has edited the row, the agreed value is sent to whoever does not show it."""
    if not ice.thawed.intersection(unit) or merged.frozen.intersection(unit) or merged.agreed.keys() & set(unit):
        return
    if all(row in link.agreed for row in unit):
        merged.resend.update(unit)
        _agree(flow, link, unit, agreed_candidate(link, unit), "sent again, as a person said", merged)


def _hold(
    flow: FlowMap,
    link: Link,
    unit: tuple[str, ...],
    candidates: list[Candidate],
    merged: Merged,
    kind: str,
    reason: str,
) -> None:
    merged.frozen.update(unit)
    merged.held.append(
        HeldRow(
            kind=kind,
            row=unit[0],
            values={c.system or "agreed": shown_unit(flow, unit, c.values) for c in candidates},
            base=shown_unit(flow, unit, tuple(link.agreed[row].value if row in link.agreed else None for row in unit)),
            reason=reason,
        )
    )


def _hold_refused(flow: FlowMap, link: Link, refused: Refused, unit: tuple[str, ...], merged: Merged) -> None:
    merged.frozen.update(unit)
    reading, row = refused.reading, refused.row
    merged.held.append(
        HeldRow(
            kind="value",
            row=row,
            values={reading.system: reading.natives.get(row)},
            base=shown(flow, row, link.agreed[row].value) if row in link.agreed else None,
            reason=refused.error.message,
        )
    )
