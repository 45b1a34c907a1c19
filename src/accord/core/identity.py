"""Whether a record is still the thing that it was when it was linked. A system may give a deleted record's id again.

An id and nothing else would make a new record look like an edit of everything, and carry it over the old one's
counterpart. People edit a row or two; another record differs in all that tells records apart.
"""

from __future__ import annotations

from accord.core.detect import Reading
from accord.core.mapping import FlowMap
from accord.errors import ValueRefused

SHARED = frozenset({"boolean", "enum", "reference", "country", "language"})
"""Types whose values many records have: they do not tell one from another."""
ENOUGH = 3
"""So many telling rows, all of them changed, and it is taken for another record."""


def is_another(flow: FlowMap, reading: Reading) -> bool:
    """Whether all that tells the record apart has changed, or some of it and its version began anew."""
    same, changed = 0, 0
    for row in reading.side.rows:
        verdict = _row(flow, reading, row)
        same += verdict is True
        changed += verdict is False
    if changed and _began_anew(reading):
        return True
    return same == 0 and changed >= ENOUGH


def _row(flow: FlowMap, reading: Reading, row: str) -> bool | None:
    """Whether a row looks as it did; None where it does not tell: empty then or now, or of a type that many share."""
    was = reading.member.base.get(row)
    if flow.rows[row].type.name in SHARED or was in (None, "") or row not in reading.natives:
        return None
    try:
        before, now = reading.decode(row, was), reading.value(row)
    except ValueRefused:
        return None
    kind = flow.types[row]
    if kind.is_empty(before) or kind.is_empty(now):
        return None
    return kind.equal(before, now) or kind.similar(before, now)


def _began_anew(reading: Reading) -> bool:
    """A version that counts up is lower than it was."""
    old, new = reading.member.version, reading.version
    return type(old) is int and type(new) is int and new < old
