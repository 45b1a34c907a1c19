"""Edits of one link → agreed values and conflicts, row by row (or group by group).

The decision, one screen long, is `decide`; the table in docs/guarantees.md is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from accord.core import combine
from accord.core.detect import Reading
from accord.core.mapping import FlowMap
from accord.errors import ValueRefused
from accord.model import ABSENT, Agreed, Cause, Dangling, Link, LinkRef, json_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a person chose for one held row."""

    take: str | None = None
    """The system whose value wins."""
    value: Any = None
    """Or a value, as JSON."""
    seen: Mapping[str, Any] = field(default_factory=dict)
    """System → JSON value that the person saw; the decision holds only as long as these are still there."""
    by: str = "a person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """An edit that lost, kept for the history."""

    system: str
    row: str
    lost: Any
    kept: Any
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRow:
    """A row (or group) that needs a person."""

    kind: str
    row: str
    values: Mapping[str, Any]
    base: Any
    reason: str


@dataclass(slots=True, kw_only=True)
class Merged:
    """What the merge of one link came to."""

    agreed: dict[str, Agreed] = field(default_factory=dict)
    """Rows whose agreed value is new."""
    take: dict[str, set[str]] = field(default_factory=dict)
    """System → rows whose value there is now the base (it is the agreed one, or was left alone by the rules)."""
    send: dict[str, str] = field(default_factory=dict)
    """Row → why the others receive it."""
    causes: dict[str, Cause] = field(default_factory=dict)
    set_back: set[tuple[str, str]] = field(default_factory=set)
    """(system, row) pairs whose edit is overwritten."""
    frozen: set[str] = field(default_factory=set)
    """Rows that are held: nothing about them is written."""
    held: list[HeldRow] = field(default_factory=list)
    superseded: list[Superseded] = field(default_factory=list)
    waits: list[tuple[str, Dangling]] = field(default_factory=list)
    """Reference rows whose target is in no link yet."""

    def taken(self, system: str, rows: Sequence[str]) -> None:
        """Note that a system's present values of these rows are settled."""
        self.take.setdefault(system, set()).update(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A value that wants to be the agreed one of a row or group."""

    system: str | None
    """None: the agreed value itself, not yet received by an editor."""
    values: tuple[Any, ...]
    modified: datetime | None
    behind: bool = False
    """It was typed by somebody who had not yet received the agreed value."""


def merge(
    flow: FlowMap, link: Link, readings: Sequence[Reading], decisions: Mapping[str, Decision] | None = None
) -> Merged:
    """All rows of one link, decided. `readings` are its members that are there; `decisions` by row."""
    merged = Merged()
    is_new = len(readings) == 1 and not link.agreed
    for unit in flow.units:
        try:
            if is_new and len(unit) == 1:
                _take_new(flow, readings[0], unit[0], merged)
                continue
            _merge_unit(flow, link, readings, unit, merged, (decisions or {}).get(unit[0]))
        except _Refused as refused:
            _hold_refused(flow, link, refused, unit, merged)
    return merged


class _Refused(Exception):
    def __init__(self, reading: Reading, row: str, error: ValueRefused) -> None:
        super().__init__(str(error))
        self.reading, self.row, self.error = reading, row, error


def _take_new(flow: FlowMap, reading: Reading, row: str, merged: Merged) -> None:
    """A row of one new record, alone in its link: its value is agreed. `_merge_unit` comes to the same, slower."""
    if row not in reading.natives:
        return
    if reading.system not in flow.rows[row].sources:
        merged.taken(reading.system, (row,))
        return
    try:
        value = reading.value(row)
    except ValueRefused as error:
        raise _Refused(reading, row, error) from error
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
    sources = [reading for reading in readings if _takes_part(flow, unit, reading, "sources")]
    first = any(row not in link.agreed for row in unit)
    if first:
        _first_values(flow, link, readings, sources, unit, merged, choice)
        return
    editors = [reading for reading in sources if _edited(reading, unit)]
    _leave_one_way_edits(flow, readings, sources, unit, merged)
    if not editors:
        return
    candidates = [_candidate(reading, unit) for reading in editors]
    if all(member_behind(reading, unit) for reading in editors):  # else one of them was typed over the agreed value
        candidates.append(_agreed_candidate(link, unit))
    if any(_joins(reading) for reading in editors) and not _waits(unit, candidates, merged):
        winner, reason = _first_winner(flow, unit, candidates)
        if winner is not None:
            _settle_on(flow, link, unit, winner, reason, readings, merged)
            return
    if not merged.frozen.intersection(unit):
        _conclude(flow, link, unit, candidates, readings, merged, choice)


def _conclude(
    flow: FlowMap,
    link: Link,
    unit: tuple[str, ...],
    candidates: list[Candidate],
    readings: Sequence[Reading],
    merged: Merged,
    choice: Decision | None,
) -> None:
    if _waits(unit, candidates, merged):
        return
    winner, reason = decide(flow, link, unit, candidates, choice)
    if winner is None:
        _hold_conflict(flow, link, unit, candidates, merged, reason)
        return
    unsent = {row for row, value in zip(unit, winner.values, strict=True) if value is ABSENT and row in link.agreed}
    winner = _completed(link, unit, winner, readings)
    winner = _filled_from(winner, candidates)  # what nobody has agreed on yet, and the winner does not send
    _agree(flow, link, unit, winner, reason, merged)
    for reading in readings:
        if winner.system == reading.system or _has(flow, reading, unit, winner.values):
            merged.taken(reading.system, [row for row in unit if row in reading.natives])
        if winner.system == reading.system:  # what it did not send keeps its agreed value: nothing is written there
            merged.taken(reading.system, sorted(unsent - reading.member.behind))
    for loser in candidates:
        if not same(flow, unit, loser.values, winner.values):
            origin = loser.system or link.agreed[unit[0]].origin
            _supersede(flow, replace(loser, system=origin), winner, unit, reason, merged)


def decide(
    flow: FlowMap, link: Link, unit: tuple[str, ...], candidates: list[Candidate], choice: Decision | None
) -> tuple[Candidate | None, str]:
    """Which of the candidates wins a row or group, and why; None: a person must say."""
    row = flow.rows[unit[0]]
    distinct = _distinct(flow, unit, candidates)
    if choice is not None and (chosen := _chosen(flow, unit, candidates, choice)):
        return chosen, f"decided by {choice.by}"
    if row.enforce:  # one system is the authority, whoever else edits
        return _enforced(link, unit, candidates, row.enforce), f"{flow.title(row.enforce)} decides this row"
    if row.keep_filled and (kept := _kept_filled(flow, link, unit, distinct)):
        return kept, "an empty value never wins"
    if len(distinct) == 1:  # one edit, or the same value typed on several sides
        return distinct[0], f"edited in {flow.title(distinct[0].system)}"
    rule = row.conflict
    if rule.rule == "prefer":
        for system in rule.prefer:
            for candidate in candidates:
                if system == (candidate.system or link.agreed[unit[0]].origin):
                    return candidate, f"edited on several sides; {flow.title(system)} is preferred"
    if rule.rule == "latest":
        return _latest(flow, link, unit, distinct)
    if rule.rule == "keep-filled":
        filled = [c for c in distinct if not _empty(flow, unit, c.values)]
        if len(filled) == 1:
            return filled[0], "edited on several sides; filled beats empty"
    if len(unit) == 1 and rule.rule in combine.RULES:
        return _combined(flow, link, unit[0], rule.rule, distinct)
    return None, "edited differently on several sides"


def _kept_filled(flow: FlowMap, link: Link, unit: tuple[str, ...], distinct: list[Candidate]) -> Candidate | None:
    """Where somebody emptied the row: the one filled value, else the agreed one; None where nobody did."""
    filled = [candidate for candidate in distinct if not _empty(flow, unit, candidate.values)]
    if len(filled) == len(distinct) or len(filled) > 1:
        return None
    return filled[0] if filled else _agreed_candidate(link, unit)


def _latest(
    flow: FlowMap, link: Link, unit: tuple[str, ...], distinct: list[Candidate]
) -> tuple[Candidate | None, str]:
    timed = [(c.modified, c) for c in distinct if c.modified is not None]
    if len(timed) < len(distinct):
        return None, "edited differently on several sides; a system does not say when"
    timed.sort(key=lambda pair: pair[0], reverse=True)
    (newest, winner), (older, other) = timed[0], timed[1]
    origin = link.agreed[unit[0]].origin if unit[0] in link.agreed else None
    systems = [system for system in (winner.system or origin, other.system or origin) if system]
    tolerance = flow.tolerance((systems[0], systems[-1])) if systems else 0.0
    if (newest - older).total_seconds() <= tolerance:
        return None, f"edited differently on several sides within {tolerance:g} s of each other"
    return winner, f"edited on several sides; the latest edit wins ({flow.title(winner.system or origin)})"


def _combined(
    flow: FlowMap, link: Link, row: str, rule: str, distinct: list[Candidate]
) -> tuple[Candidate | None, str]:
    before = link.agreed[row].value if row in link.agreed else None
    if any(candidate.system is None or candidate.behind for candidate in distinct):
        return None, "edited by somebody who had not yet received the agreed value"
    value = combine.RULES[rule](before, [candidate.values[0] for candidate in distinct])
    if value is None:
        return None, f"edited differently on several sides, and {rule} cannot join them"
    return Candidate(system=None, values=(value,), modified=None), f"edited on several sides; joined by {rule}"


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
    candidates = [_candidate(reading, unit) for reading in sources if _present(reading, unit)]
    if not candidates:
        for reading in readings:
            merged.taken(reading.system, [row for row in unit if row in reading.natives])
        return
    if _waits(unit, candidates, merged):
        return
    winner, reason = _first_winner(flow, unit, candidates)
    if winner is None:
        _conclude(flow, link, unit, candidates, readings, merged, choice)
    else:
        _settle_on(flow, link, unit, winner, "new record" if len(readings) == 1 else reason, readings, merged)


def _first_winner(flow: FlowMap, unit: tuple[str, ...], candidates: list[Candidate]) -> tuple[Candidate | None, str]:
    """Records that are linked for the first time: equal values, filled beats empty, the fuller of what looks the same.

    None: the row's conflict rule decides.
    """
    distinct = _distinct(flow, unit, candidates)
    filled = [candidate for candidate in distinct if not _empty(flow, unit, candidate.values)]
    if len(distinct) == 1:
        return distinct[0], "first link"
    if len(filled) <= 1:
        return _filled_from((filled or distinct)[0], distinct), "first link: filled beats empty"
    if flow.rows[unit[0]].enforce:
        return None, ""
    best = _richest(flow, unit, filled)
    return best and _filled_from(best, distinct), "first link: the fuller of values that look the same"


def _joins(reading: Reading) -> bool:
    """Whether a record has just joined a link that others had agreed on: it has no base yet."""
    return not reading.member.base


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
        kept = _empty(flow, unit, winner.values) and (
            not _takes_part(flow, unit, reading, "sources") or _is_empty(flow, reading, unit)
        )
        if kept or reading.system == winner.system or _has(flow, reading, unit, winner.values):
            merged.taken(reading.system, [name for name in unit if name in reading.natives])


def _waits(unit: tuple[str, ...], candidates: list[Candidate], merged: Merged) -> bool:
    """Whether a value points to a record in no link: then nothing can be said of the row until it is linked."""
    dangling = [
        (row, value)
        for candidate in candidates
        for row, value in zip(unit, candidate.values, strict=True)
        if isinstance(value, Dangling)
    ]
    merged.waits += dangling
    if dangling:
        merged.frozen.update(unit)
    return bool(dangling)


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


def _leave_one_way_edits(
    flow: FlowMap, readings: Sequence[Reading], sources: list[Reading], unit: tuple[str, ...], merged: Merged
) -> None:
    """Edits where the row does not flow from: left in place, noted once."""
    for reading in readings:
        if reading in sources or not _edited(reading, unit):
            continue
        for row in unit:
            if _edited(reading, (row,)):
                merged.superseded.append(
                    Superseded(
                        system=reading.system,
                        row=row,
                        lost=shown(flow, row, reading.value(row)),
                        kept=shown(flow, row, reading.value(row)),
                        reason=f"left in place: this row does not flow from {flow.title(reading.system)}",
                    )
                )
        merged.taken(reading.system, [row for row in unit if row in reading.natives])


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


def _hold_conflict(
    flow: FlowMap, link: Link, unit: tuple[str, ...], candidates: list[Candidate], merged: Merged, reason: str
) -> None:
    merged.frozen.update(unit)
    merged.held.append(
        HeldRow(
            kind="conflict",
            row=unit[0],
            values={c.system or "agreed": shown_unit(flow, unit, c.values) for c in candidates},
            base=shown_unit(flow, unit, tuple(link.agreed[row].value if row in link.agreed else None for row in unit)),
            reason=reason,
        )
    )


def _hold_refused(flow: FlowMap, link: Link, refused: _Refused, unit: tuple[str, ...], merged: Merged) -> None:
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


def _enforced(link: Link, unit: tuple[str, ...], candidates: list[Candidate], authority: str) -> Candidate:
    for candidate in candidates:
        if candidate.system == authority:
            return candidate
    return _agreed_candidate(link, unit) if all(row in link.agreed for row in unit) else candidates[0]


def _chosen(flow: FlowMap, unit: tuple[str, ...], candidates: list[Candidate], choice: Decision) -> Candidate | None:
    now = {c.system or "agreed": shown_unit(flow, unit, c.values) for c in candidates}
    if json_text(now) != json_text(dict(choice.seen)):
        return None
    if choice.take is None:
        try:
            return Candidate(system=None, values=given_values(flow, unit, choice.value), modified=None)
        except ValueRefused:  # decided under another type of the row
            return None
    return next((c for c in candidates if (c.system or "agreed") == choice.take), None)


def given_values(flow: FlowMap, unit: tuple[str, ...], value: Any) -> tuple[Any, ...]:
    """The canonical values of a row, or of a group given as an object by row. Raises ValueRefused for any other."""
    given = value if len(unit) > 1 else {unit[0]: value}
    if not isinstance(given, dict) or not set(given) <= set(unit):
        raise ValueRefused(f"{value!r} is not an object with the rows {', '.join(unit)}")
    return tuple(_given(flow, row, given.get(row)) for row in unit)


def _given(flow: FlowMap, row: str, value: Any) -> Any:
    if value is None:
        return None
    if row in flow.references:
        raise ValueRefused(f"{row}: a reference is resolved by --take, not by a value")
    try:
        canonical = flow.types[row].from_json(value)
        return flow.types[row].from_json(flow.types[row].to_json(canonical))
    except (ValueError, TypeError, KeyError, ArithmeticError, AttributeError) as error:
        raise ValueRefused(f"{row}: {value!r} is no {flow.rows[row].type}") from error


def _takes_part(flow: FlowMap, unit: tuple[str, ...], reading: Reading, role: str) -> bool:
    return any(reading.system in getattr(flow.rows[row], role) for row in unit)


def _edited(reading: Reading, unit: tuple[str, ...]) -> bool:
    for row in unit:
        try:
            if reading.edited(row):
                return True
        except ValueRefused as error:
            raise _Refused(reading, row, error) from error
    return False


def _present(reading: Reading, unit: tuple[str, ...]) -> bool:
    return any(row in reading.natives for row in unit)


def _candidate(reading: Reading, unit: tuple[str, ...]) -> Candidate:
    values = []
    for row in unit:
        try:
            values.append(reading.value(row))
        except ValueRefused as error:
            raise _Refused(reading, row, error) from error
    behind = member_behind(reading, unit)
    return Candidate(system=reading.system, values=tuple(values), modified=reading.modified, behind=behind)


def _agreed_candidate(link: Link, unit: tuple[str, ...]) -> Candidate:
    agreed = link.agreed[unit[0]]
    modified = datetime.fromisoformat(agreed.modified) if agreed.modified else None
    return Candidate(system=None, values=tuple(link.agreed[row].value for row in unit), modified=modified)


def member_behind(reading: Reading, unit: tuple[str, ...]) -> bool:
    """Whether the member has not yet received the agreed value of any of these rows."""
    return _joins(reading) or any(row in reading.member.behind for row in unit)


def _has(flow: FlowMap, reading: Reading, unit: tuple[str, ...], values: tuple[Any, ...]) -> bool:
    """Whether a member already shows these values, as far as its system can store them."""
    return all(shows(flow, reading, row, value) for row, value in zip(unit, values, strict=True))


def shows(flow: FlowMap, reading: Reading, row: str, value: Any) -> bool:
    """Whether a member's row equals the value, or what its system makes of it."""
    codec = reading.side.rows.get(row)
    if codec is None:
        return True
    if row not in reading.natives:  # not sent: there is nothing to empty
        return value is None or value is ABSENT or (row not in flow.references and flow.types[row].is_empty(value))
    try:
        now = reading.value(row)
        if equal(flow, row, now, value):
            return True
        if value is ABSENT or isinstance(value, LinkRef | Dangling):
            return False
        return equal(flow, row, now, codec.stored(value, like=reading.natives[row]))
    except ValueRefused:
        return False


def _distinct(flow: FlowMap, unit: tuple[str, ...], candidates: list[Candidate]) -> list[Candidate]:
    distinct: list[Candidate] = []
    for candidate in candidates:
        for at, other in enumerate(distinct):
            if same(flow, unit, candidate.values, other.values):
                distinct[at] = _filled_up(other, candidate)
                break
        else:
            distinct.append(candidate)
    return distinct


def _filled_from(one: Candidate, others: Sequence[Candidate]) -> Candidate:
    """A candidate for a group, with the rows that only others have."""
    for other in others:
        one = _filled_up(one, other)
    return one


def _filled_up(one: Candidate, other: Candidate) -> Candidate:
    """One of two candidates for a group that agree, with the rows that only the other has."""
    if ABSENT not in one.values:
        return one
    values = tuple(b if a is ABSENT else a for a, b in zip(one.values, other.values, strict=True))
    return replace(one, values=values)


def _richest(flow: FlowMap, unit: tuple[str, ...], candidates: list[Candidate]) -> Candidate | None:
    """The candidate that in no row is emptier, or says less, than another; None where each has something of its own."""
    for best in candidates:
        if all(_says_more(flow, unit, best.values, other.values) for other in candidates):
            return best
    return None


def _says_more(flow: FlowMap, unit: tuple[str, ...], left: tuple[Any, ...], right: tuple[Any, ...]) -> bool:
    return all(_row_says_more(flow, row, a, b) for row, a, b in zip(unit, left, right, strict=True))


def _row_says_more(flow: FlowMap, row: str, left: Any, right: Any) -> bool:
    """Whether a value equals the other, or is what the other was before its system emptied, cut or cased it."""
    if right is ABSENT or equal(flow, row, left, right):
        return True
    if left is ABSENT or left is None or row in flow.references:
        return right is None and left is not ABSENT
    kind = flow.types[row]
    return kind.is_empty(right) or (kind.similar(left, right) and kind.richer(left, right) is left)


def same(flow: FlowMap, unit: tuple[str, ...], left: tuple[Any, ...], right: tuple[Any, ...]) -> bool:
    """Whether two candidates are equal in every row; what is absent in one equals anything."""
    return all(
        a is ABSENT or b is ABSENT or equal(flow, row, a, b) for row, a, b in zip(unit, left, right, strict=True)
    )


def equal(flow: FlowMap, row: str, left: Any, right: Any) -> bool:
    """Equality under the row's type; references are equal when they point to the same link."""
    if row in flow.references or left is ABSENT or right is ABSENT:
        return bool(left == right)
    return flow.types[row].equal(left, right)


def _is_empty(flow: FlowMap, reading: Reading, unit: tuple[str, ...]) -> bool:
    """Whether a record has nothing in a row or group, in whichever form."""
    return _empty(flow, unit, _candidate(reading, unit).values)


def _empty(flow: FlowMap, unit: tuple[str, ...], values: tuple[Any, ...]) -> bool:
    return all(
        value is ABSENT or value is None or (row not in flow.references and flow.types[row].is_empty(value))
        for row, value in zip(unit, values, strict=True)
    )


def shown(flow: FlowMap, row: str, value: Any) -> Any:
    """JSON of a canonical value for people: a reference shows its link (or the id that nobody knows)."""
    if isinstance(value, LinkRef):
        return {"link": value.link}
    if isinstance(value, Dangling):
        return {"unlinked": str(value.ref)}
    return flow.to_json(row, value)


def shown_unit(flow: FlowMap, unit: tuple[str, ...], values: tuple[Any, ...]) -> Any:
    """JSON of a row's value, or of a group's as an object by row."""
    if len(unit) == 1:
        return shown(flow, unit[0], values[0])
    return {row: shown(flow, row, value) for row, value in zip(unit, values, strict=True)}
