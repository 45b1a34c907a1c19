"""What `status` and `links list` ask of the state. Nothing here writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from accord.model import Ref
from accord.store.opening import State
from accord.stored import Run

READINGS = (
    "SELECT p.system, p.datatype, (SELECT count(*) FROM seen s WHERE s.place = p.id), c.read_at, c.complete_at, "
    "c.complete_count FROM place p LEFT JOIN cursor c ON c.place = p.id ORDER BY p.id"
)
HELD_BY_FLOW = "SELECT coalesce(flow, ''), count(*) FROM held WHERE closed_at IS NULL GROUP BY 1"
NUMBERS = "SELECT l.id FROM link l WHERE l.id > ?"
OF_SYSTEM = (
    " AND EXISTS (SELECT 1 FROM member m JOIN place p ON p.id = m.place WHERE m.link = l.id AND p.system = ? "
    "AND (m.open = 1 OR l.state = 'closed'))"
)
OF_REF = (
    " AND l.id IN (SELECT m.link FROM member m JOIN place p ON p.id = m.place WHERE p.system = ? AND p.datatype = ? "
    "AND m.id = ?)"
)
HELD_OF = (
    "SELECT link, id FROM held WHERE closed_at IS NULL AND link IN (SELECT value FROM json_each(?)) ORDER BY link, id"
)
PLACE = "SELECT 1 FROM place WHERE system = ? AND datatype = ?"
CLOSED_WITH = (
    "SELECT max(m.link) FROM member m JOIN place p ON p.id = m.place "
    "WHERE p.system = ? AND p.datatype = ? AND m.id = ? AND m.open = 0"
)
ROUNDS = ("run", "apply", "undo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """How far a datatype was read."""

    system: str
    datatype: str
    records: int
    read_at: str | None
    complete_at: str | None
    count: int | None


def readings(state: State) -> list[Readings]:
    """Every datatype that was ever read."""
    return [
        Readings(system=row[0], datatype=row[1], records=row[2], read_at=row[3], complete_at=row[4], count=row[5])
        for row in state.db.rows(READINGS)
    ]


def held_by_flow(state: State) -> dict[str, int]:
    """Flow → open held items; "" for those of no flow."""
    return {row[0]: row[1] for row in state.db.rows(HELD_BY_FLOW)}


def last_round(state: State) -> Run | None:
    """The latest round that wrote, or could have."""
    return next((run for run in state.runs.list(50) if run.kind in ROUNDS), None)


def link_numbers(
    state: State,
    *,
    flow: str | None = None,
    link_state: str | None = None,
    system: str | None = None,
    ref: Ref | None = None,
) -> Iterator[list[int]]:
    """The numbers of links, in order, some at a time."""
    sql, parameters = NUMBERS, list[Any]()
    for part, values in (
        (" AND l.flow = ?", [flow]),
        (" AND l.state = ?", [link_state]),
        (OF_SYSTEM, [system]),
        (OF_REF, [ref.system, ref.datatype, ref.id] if ref else [None]),
    ):
        if values[0] is not None:
            sql += part
            parameters += values
    after = 0
    while batch := state.db.rows(f"{sql} ORDER BY l.id LIMIT 500", (after, *parameters)):
        yield [row[0] for row in batch]
        after = batch[-1][0]


def held_of(state: State, numbers: list[int]) -> dict[int, list[str]]:
    """Link → the ids of its open held items."""
    from accord.model import json_text

    found: dict[int, list[str]] = {}
    for link, number in state.db.rows(HELD_OF, (json_text(numbers),)):
        found.setdefault(link, []).append(str(number))
    return found


def knows_place(state: State, ref: Ref) -> bool:
    """Whether a record's datatype was ever read."""
    return state.db.one(PLACE, (ref.system, ref.datatype)) is not None


def closed_with(state: State, ref: Ref) -> int | None:
    """The youngest closed link that a record was a member of."""
    found: int | None = state.db.one(CLOSED_WITH, (ref.system, ref.datatype, ref.id))[0]
    return found
