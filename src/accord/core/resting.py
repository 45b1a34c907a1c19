"""Rows with a condition: while it is not true the row rests, and nothing of it is carried in any direction.

The condition is asked of the records as they were read in this round. What rests keeps its base and its agreed value,
so that what people do meanwhile is an edit once the condition is true, and is merged then like any other.
See docs/decisions/048-conditions-tables-and-lists-in-rows.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from accord.core.mapping import FlowMap
from accord.errors import ExpressionError

if TYPE_CHECKING:
    from accord.core.detect import Reading

_ROW = re.compile(r"(?:^|; )row '([^']*)' rests: ")


def rests(flow: FlowMap, row: str, readings: Iterable[Reading]) -> str | None:
    """Why a row rests; None where every condition of it is true. Raises ExpressionError.

    A system that has no record of the link (yet, or any more) makes no condition true.
    """
    if not flow.rows[row].when:
        return None
    there = {reading.system: reading for reading in readings}
    for system, text in flow.rows[row].when.items():
        reading = there.get(system)
        if reading is None:
            return f"{flow.title(system)} has no record of which {text!r} could be true"
        if not flow.sides[system].conditions[row].test(reading.record):
            return f"{text!r} is not true in {flow.title(system)}"
    return None


def rest_or_failure(flow: FlowMap, row: str, readings: Iterable[Reading]) -> str | None:
    """The same; what a condition that cannot be evaluated says is a reason, too."""
    try:
        return rests(flow, row, readings)
    except ExpressionError as error:
        return error.message


def told(resting: Mapping[str, str]) -> str | None:
    """What a link says of its rows that rest; None where none does."""
    return "; ".join(f"row {row!r} rests: {why}" for row, why in resting.items()) or None


def told_of(why: str | None) -> dict[str, str]:
    """Row → why it rests, out of `told`; empty for what says something else."""
    found = list(_ROW.finditer(why or ""))
    ends = [*(match.start() for match in found[1:]), len(why or "")][: len(found)]
    return {match[1]: (why or "")[match.end() : end] for match, end in zip(found, ends, strict=True)}
