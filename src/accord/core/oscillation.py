"""Rows that flip back and forth: somebody, or another program, takes back each of our writes, or answers it with
another value. Nothing fails then, and nothing ever ends. Such a row is frozen until a person has looked.

What counts are our own successful writes. A person who changes a flag to and fro in one system is followed, as often as
it happens: there, what we set was never set back by anybody but us.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise, takewhile
from typing import Any

from accord.core.linkplan import RowWrite, WritePlan
from accord.core.mapping import FlowMap
from accord.model import Op, json_text

WINDOW = timedelta(days=7)
"""How far back writes are looked at: a nightly job that takes back what we write is found within three nights."""
REPEATS = 2
"""So many equal writes, each taken back by somebody, and the next one is not made: A-B-A-B."""
ANSWERS = 8
"""So many writes, to one side and the other in turn, with whatever values: two programs that answer each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastWrite:
    """One row of one of our writes that took effect."""

    run: int
    system: str
    row: str
    old: str
    """JSON."""
    new: str
    reason: str
    origin: str | None
    """The system whose edit it followed."""


def flipping(flow: FlowMap, writes: Sequence[WritePlan], past: Sequence[PastWrite]) -> Mapping[str, str]:
    """Row → why it is frozen, for rows of these writes. `past` is of the same link, the newest first."""
    found: dict[str, str] = {}
    for write in writes:
        for row in write.rows if write.op is Op.UPDATE else ():
            about = [one for one in past if one.row == row.row]
            reason = _taken_back(flow, write, row, about) or _answered(flow, write, row, about)
            if reason:
                found[row.row] = reason
    return found


def _taken_back(flow: FlowMap, write: WritePlan, row: RowWrite, past: Sequence[PastWrite]) -> str | None:
    """The very same write to this system was made before, and taken back by somebody each time."""
    there = [one for one in past if one.system == write.system]
    same = list(takewhile(lambda one: (one.old, one.new) == _change(row), there))
    if len(same) < REPEATS:
        return None
    runs = ", ".join(str(one.run) for one in reversed(same[:REPEATS]))
    title = flow.title(write.system)
    back = next((one for one in past if one.system != write.system), None)
    other = f"the other way: {back.reason}" if back else f"the other way: something in {title} that no flow knows of"
    return (
        f"flips back and forth: {title} was given the same value in runs {runs}, and each time it was set back there; "
        f"this write: {row.reason}; {other}"
    )


def _answered(flow: FlowMap, write: WritePlan, row: RowWrite, past: Sequence[PastWrite]) -> str | None:
    """Each side answers the other: what we wrote here is changed here, written there, changed there, and so on."""
    chain = [(row.cause[0] if row.cause else None, row.reason), *((one.origin, one.reason) for one in past)]
    turns = 0
    for (origin, _), (before, _) in pairwise(chain):
        if origin is None or before is None or origin == before:
            break
        turns += 1
    if turns < ANSWERS:
        return None
    systems = sorted({flow.title(origin) for origin, _ in chain[: turns + 1] if origin})
    return (
        f"{' and '.join(systems)} answer each other: each of the last {turns} writes was followed by a change on the "
        f"side that received it; this write: {row.reason}; the one before: {chain[1][1]}"
    )


def _change(row: RowWrite) -> tuple[str, str]:
    new: Any = row.native if row.link is not None else row.new
    return json_text(row.old), json_text(new)
