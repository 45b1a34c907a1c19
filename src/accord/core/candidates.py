"""Values that want to be the agreed ones of a row or group: taken from readings, compared, shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from accord.core.detect import Reading
from accord.core.mapping import FlowMap
from accord.errors import ValueRefused
from accord.model import ABSENT, Dangling, Link, LinkRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A value that wants to be the agreed one of a row or group."""

    system: str | None
    """None: the agreed value itself, not yet received by an editor."""
    values: tuple[Any, ...]
    modified: datetime | None
    behind: bool = False
    """It was typed by somebody who had not yet received the agreed value."""


class Refused(Exception):
    def __init__(self, reading: Reading, row: str, error: ValueRefused) -> None:
        super().__init__(str(error))
        self.reading, self.row, self.error = reading, row, error


def joins(reading: Reading) -> bool:
    """Whether a record has just joined a link that others had agreed on: it has no base yet."""
    return not reading.member.base


def takes_part(flow: FlowMap, unit: tuple[str, ...], reading: Reading, role: str) -> bool:
    return any(reading.system in getattr(flow.rows[row], role) for row in unit)


def edited(reading: Reading, unit: tuple[str, ...]) -> bool:
    for row in unit:
        try:
            if reading.edited(row):
                return True
        except ValueRefused as error:
            raise Refused(reading, row, error) from error
    return False


def present(reading: Reading, unit: tuple[str, ...]) -> bool:
    return any(row in reading.natives for row in unit)


def candidate_of(reading: Reading, unit: tuple[str, ...]) -> Candidate:
    values = []
    for row in unit:
        try:
            values.append(reading.value(row))
        except ValueRefused as error:
            raise Refused(reading, row, error) from error
    behind = member_behind(reading, unit)
    return Candidate(system=reading.system, values=tuple(values), modified=reading.modified, behind=behind)


def agreed_candidate(link: Link, unit: tuple[str, ...]) -> Candidate:
    agreed = link.agreed[unit[0]]
    modified = datetime.fromisoformat(agreed.modified) if agreed.modified else None
    return Candidate(system=None, values=tuple(link.agreed[row].value for row in unit), modified=modified)


def member_behind(reading: Reading, unit: tuple[str, ...]) -> bool:
    """Whether the member has not yet received the agreed value of any of these rows."""
    return joins(reading) or any(row in reading.member.behind for row in unit)


def has(flow: FlowMap, reading: Reading, unit: tuple[str, ...], values: tuple[Any, ...]) -> bool:
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


def distinct_of(flow: FlowMap, unit: tuple[str, ...], candidates: list[Candidate]) -> list[Candidate]:
    distinct: list[Candidate] = []
    for candidate in candidates:
        for at, other in enumerate(distinct):
            if same(flow, unit, candidate.values, other.values):
                distinct[at] = _filled_up(other, candidate)
                break
        else:
            distinct.append(candidate)
    return distinct


def filled_from(one: Candidate, others: Sequence[Candidate]) -> Candidate:
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


def richest(flow: FlowMap, unit: tuple[str, ...], candidates: list[Candidate]) -> Candidate | None:
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


def is_empty(flow: FlowMap, reading: Reading, unit: tuple[str, ...]) -> bool:
    """Whether a record has nothing in a row or group, in whichever form."""
    return empty(flow, unit, candidate_of(reading, unit).values)


def empty(flow: FlowMap, unit: tuple[str, ...], values: tuple[Any, ...]) -> bool:
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
