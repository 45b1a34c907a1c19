"""Whether a state makes sense: the file, page by page, and what must be true of what is in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from accord.model import decode_natives, from_json
from accord.store.opening import State

MOST = 20
"""How many cases of one problem are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """One thing that cannot be."""

    kind: str
    message: str
    hint: str


RESTORE = "restore a backup: `accord state restore FILE`"
UNLINK = "take the link apart and link its records again: `accord links unlink`, `accord links link`"
RULES: tuple[tuple[str, str, str, str], ...] = (
    (
        "member",
        "record {} of place {} is a member of link {}, which is not there",
        RESTORE,
        "SELECT m.id, m.place, m.link FROM member m LEFT JOIN link l ON l.id = m.link WHERE l.id IS NULL",
    ),
    (
        "member",
        "link {} has {} open records of {}; a link has at most one of each system",
        UNLINK,
        "SELECT m.link, count(*), p.system FROM member m JOIN place p ON p.id = m.place WHERE m.open = 1 "
        "GROUP BY m.link, p.system HAVING count(*) > 1",
    ),
    (
        "member",
        "record {} of place {} is in {} open links; a record is in at most one",
        UNLINK,
        "SELECT id, place, count(*) FROM member WHERE open = 1 GROUP BY place, id HAVING count(*) > 1",
    ),
    (
        "place",
        "record {} of link {} names place {}, which is not there",
        RESTORE,
        "SELECT m.id, m.link, m.place FROM member m LEFT JOIN place p ON p.id = m.place WHERE p.id IS NULL",
    ),
    (
        "link",
        "link {} is {} and has {} open records",
        UNLINK,
        "SELECT l.id, l.state, count(m.id) AS n FROM link l LEFT JOIN member m ON m.link = l.id AND m.open = 1 "
        "GROUP BY l.id HAVING (l.state = 'linked' AND n < 2) OR (l.state = 'closed' AND n > 0) "
        "OR (l.state IN ('waiting', 'resting', 'in_doubt') AND n < 1)",
    ),
    (
        "link",
        "link {} is in the unknown state {}",
        RESTORE,
        "SELECT id, state FROM link WHERE state NOT IN ('waiting', 'linked', 'in_doubt', 'resting', 'closed')",
    ),
    (
        "match_key",
        "a match key names link {}, which is not open",
        "harmless; `accord run --full` makes the keys again",
        "SELECT DISTINCT k.link FROM match_key k LEFT JOIN link l ON l.id = k.link "
        "WHERE l.id IS NULL OR l.state = 'closed'",
    ),
    (
        "proposal",
        "a write of link {} was begun, and the link is {}",
        RESTORE,
        "SELECT p.link, coalesce(l.state, 'not there') FROM proposal p LEFT JOIN link l ON l.id = p.link "
        "WHERE p.state = 'begun' AND (l.id IS NULL OR l.state = 'closed')",
    ),
    (
        "held",
        "held item {} belongs to link {}, which is {}",
        "dismiss it: `accord held resolve ID --dismiss`",
        "SELECT h.id, h.link, coalesce(l.state, 'not there') FROM held h LEFT JOIN link l ON l.id = h.link "
        "WHERE h.closed_at IS NULL AND h.link IS NOT NULL AND (l.id IS NULL OR l.state = 'closed')",
    ),
    (
        "history",
        "{} lines of the history name run {}, which is not there",
        RESTORE,
        "SELECT count(*), h.run FROM history h LEFT JOIN run r ON r.id = h.run WHERE r.id IS NULL GROUP BY h.run",
    ),
    (
        "cursor",
        "a cursor names place {}, which is not there",
        RESTORE,
        "SELECT c.place FROM cursor c LEFT JOIN place p ON p.id = c.place WHERE p.id IS NULL",
    ),
    (
        "sequence",
        "the next link would get the number {}, and link {} is there",
        RESTORE,
        "SELECT s.seq + 1, max(l.id) FROM sqlite_sequence s, link l WHERE s.name = 'link' "
        "GROUP BY s.seq HAVING max(l.id) > s.seq",
    ),
)


def damages(state: State) -> Iterator[Damage]:
    """All that is wrong, the file first; of one kind at most some cases."""
    for (said,) in state.db.rows(f"PRAGMA integrity_check({MOST})"):
        if said != "ok":
            yield Damage(kind="file", message=f"the file is damaged: {said}", hint=RESTORE)
    for kind, message, hint, sql in RULES:
        for row in state.db.rows(f"{sql} LIMIT {MOST}"):
            yield Damage(kind=kind, message=message.format(*row), hint=hint)
    yield from _unreadable(state)


def _unreadable(state: State) -> Iterator[Damage]:
    """Bases, agreed values and cursors that are no JSON, and rows that a member lacks and nobody agreed on."""
    found = 0
    rows = state.db.connection.execute(
        "SELECT l.id, l.agreed, m.id, m.base, m.behind FROM link l JOIN member m ON m.link = l.id WHERE m.open = 1"
    )
    for link, agreed, id, base, behind in rows:
        message = _fault(agreed, base, behind)
        if message and found < MOST:
            found += 1
            yield Damage(kind="value", message=f"link {link}, record {id}: {message}", hint=UNLINK)


def _fault(agreed: str, base: str, behind: str) -> str | None:
    try:
        values = from_json(agreed)
        natives = decode_natives(base.encode())
    except ValueError as error:
        return f"its values cannot be read: {error}"
    if not isinstance(values, dict) or not isinstance(natives, dict):
        return "its values are no object"
    missing = [row for row in behind.split("\x1f") if row and row not in values]
    if missing:
        return f"it has still to receive {', '.join(missing)}, on which nobody agreed"
    return None
