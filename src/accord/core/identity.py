"""Whether a record is still the thing that it was when it was linked. A system may give a deleted record's id again.

An id and nothing else would make a new record look like an edit of everything, and carry it over the old one's
counterpart. People edit a row or two; another record differs in all that tells records apart, or says itself that it
was made at another time.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from accord.core.detect import Reading
from accord.core.mapping import FlowMap
from accord.errors import ValueRefused

SHARED = frozenset({"boolean", "enum", "reference", "country", "language"})
"""Types whose values many records have: they do not tell one from another."""
ENOUGH = 3
"""So many telling rows, none of them as it was, and it is taken for another record."""
CHANGED = 2
"""So many of these say something else now; the others may have been emptied, or be in no answer any more."""


def is_another(flow: FlowMap, reading: Reading) -> bool:
    """Whether it was made at another time, or all that tells it apart has changed, or some of it and its version began
    anew.
    """
    if was_made_again(reading):
        return True
    verdicts = [_row(flow, reading, row) for row in reading.side.rows]
    changed, emptied = verdicts.count("changed"), verdicts.count("emptied")
    if changed and _began_anew(reading):
        return True
    return "same" not in verdicts and changed >= CHANGED and changed + emptied >= ENOUGH


def _row(flow: FlowMap, reading: Reading, row: str) -> Literal["same", "changed", "emptied"] | None:
    """How a row looks beside what it was; None where it does not tell: empty then, or of a type that many share."""
    was = reading.member.base.get(row)
    if flow.rows[row].type.name in SHARED or was in (None, ""):
        return None
    kind = flow.types[row]
    try:
        before = reading.decode(row, was)
        now = reading.value(row) if row in reading.natives else None
    except ValueRefused:
        return None
    if kind.is_empty(before):
        return None
    if now is None or kind.is_empty(now):
        return "emptied"
    return "same" if kind.equal(before, now) or kind.similar(before, now) else "changed"


def was_made_again(reading: Reading) -> bool:
    """Whether the time of creation is another one. The same moment may be told in another zone."""
    before, now = reading.member.created, reading.created
    if before is None or now is None or before == now:
        return False
    try:
        return datetime.fromisoformat(str(before)) != datetime.fromisoformat(str(now))
    except ValueError:
        return True


def _began_anew(reading: Reading) -> bool:
    """A version that counts up is lower than it was."""
    old, new = reading.member.version, reading.version
    return type(old) is int and type(new) is int and new < old
