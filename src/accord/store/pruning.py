"""Old history that nobody needs any more. What explains a value that is there now is kept, however old it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from accord.model import from_json
from accord.store.opening import State

BATCH = 1000
OLD_LINES = (
    "SELECT h.id, h.at, h.link, h.ref, h.changes FROM history h WHERE h.link IS NOT NULL "
    "AND h.link IN (SELECT link FROM history WHERE at < ? AND link IS NOT NULL) ORDER BY h.link, h.id DESC"
)
NO_LINK = "DELETE FROM history WHERE link IS NULL AND at < ?"
OPEN = "SELECT DISTINCT link FROM held WHERE closed_at IS NULL AND link IS NOT NULL"
BEGUN = "SELECT DISTINCT link FROM proposal WHERE state = 'begun'"
CLOSED_HELD = "DELETE FROM held WHERE closed_at IS NOT NULL AND closed_at < ?"
OLD_RUNS = (
    "DELETE FROM run WHERE started < ? AND finished IS NOT NULL AND id NOT IN (SELECT run FROM history) "
    "AND id NOT IN (SELECT run FROM proposal) AND id NOT IN (SELECT coalesce(run, 0) FROM held) "
    "AND id <> (SELECT max(id) FROM run)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """How much was let go."""

    history: int
    held: int
    runs: int
    kept: int
    """Old lines that are kept, because they explain what is there now or belong to what is open."""


def prune(state: State, before: datetime) -> Pruned:
    """Let go of history, closed held items and runs from before a time. The caller holds the lease.

    Of every property of every record the last line is kept, so that `explain` still answers; of links that wait for a
    person or for an answer everything is kept, and so is every tombstone.
    """
    moment = before.isoformat()
    kept = 0
    with state.db.transaction():
        needed = {row[0] for sql in (OPEN, BEGUN) for row in state.db.rows(sql)}
        history = state.db.run(NO_LINK, (moment,))
        batch: list[tuple[int]] = []
        for number, is_needed in _judged(state, moment, needed):
            kept += is_needed
            if not is_needed:
                batch.append((number,))
        history += len(batch)
        for start in range(0, len(batch), BATCH):
            state.db.many("DELETE FROM history WHERE id = ?", batch[start : start + BATCH])
        held = state.db.run(CLOSED_HELD, (moment,))
        runs = state.db.run(OLD_RUNS, (moment,))
    return Pruned(history=history, held=held, runs=runs, kept=kept)


def _judged(state: State, moment: str, needed: set[int]) -> Iterator[tuple[int, bool]]:
    """(line, whether it is needed) of every old line, link by link, the newest first."""
    at, seen = None, set[tuple[str | None, str]]()
    for number, when, link, ref, changes in state.db.connection.execute(OLD_LINES, (moment,)):
        if link != at:
            at, seen = link, set()
        rows = {(ref, row) for row in from_json(changes)} or {(ref, "")}
        fresh = not rows <= seen
        seen |= rows
        if when < moment:
            yield number, fresh or link in needed


def shrink(state: State) -> None:
    """Give the room back to the disk. Nothing else may be at work."""
    state.db.run("VACUUM")
    state.db.run("PRAGMA wal_checkpoint(TRUNCATE)")
