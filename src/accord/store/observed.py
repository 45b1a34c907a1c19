"""What was read: places, fingerprints, records that changed and are not settled yet, cursors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from accord.model import Record, Ref, from_json, json_text
from accord.store.database import Database
from accord.stored import Arrival, CursorRow

DIFF = "SELECT row, id, print FROM seen WHERE place = ? AND id IN (SELECT value FROM json_each(?))"
MARK = (
    "INSERT INTO seen (place, id, print) VALUES (?, ?, ?) "
    "ON CONFLICT (place, id) DO UPDATE SET print = excluded.print WHERE print <> excluded.print"
)
FORGET = "DELETE FROM seen WHERE place = ? AND id = ?"
LOOK_AGAIN = "UPDATE seen SET print = x'' WHERE place = ? AND id = ?"
TAKE_IN = (
    "INSERT INTO inbox (place, id, native_id, content, version, modified, born) VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
    "CASE WHEN EXISTS (SELECT 1 FROM seen WHERE place = ?1 AND id = ?2) THEN NULL ELSE ?7 END) "
    "ON CONFLICT (place, id) DO UPDATE SET native_id = excluded.native_id, content = excluded.content, "
    "version = excluded.version, modified = excluded.modified, "
    "born = CASE WHEN inbox.content IS NULL THEN excluded.born ELSE inbox.born END"
)
INBOX_NEXT = (
    "SELECT i.place, i.id, i.native_id, i.content, i.version, i.modified, i.born, m.link FROM inbox i "
    "LEFT JOIN member m ON m.place = i.place AND m.id = i.id AND m.open = 1 "
    "WHERE i.place = ? AND i.id > ? ORDER BY i.id LIMIT ?"
)
INBOX_OF = (
    "SELECT i.place, i.id, i.native_id, i.content, i.version, i.modified, i.born FROM member m "
    "JOIN inbox i ON i.place = m.place AND i.id = m.id "
    "WHERE m.open = 1 AND m.link IN (SELECT value FROM json_each(?))"
)
SET_CURSOR = (
    "INSERT INTO cursor (place, mark, mapping, read_at, complete_at, complete_count) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (place) DO UPDATE SET mark = excluded.mark, mapping = excluded.mapping, read_at = excluded.read_at, "
    "complete_at = coalesce(excluded.complete_at, complete_at), "
    "complete_count = coalesce(excluded.complete_count, complete_count)"
)


class Observed:
    """The readings."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self._places: dict[tuple[str, str], int] = {}
        self._names: dict[int, tuple[str, str]] = {}

    def place(self, system: str, datatype: str) -> int:
        """The number of a datatype in the state."""
        if (system, datatype) not in self._places:
            self._load_places()
        if (system, datatype) not in self._places:
            self.db.run("INSERT INTO place (system, datatype) VALUES (?, ?)", (system, datatype))
            self._load_places()
        return self._places[system, datatype]

    def name(self, place: int) -> tuple[str, str]:
        """(system, datatype) of a number."""
        if place not in self._names:
            self._load_places()
        return self._names[place]

    def ref(self, place: int, id: str) -> Ref:
        """The name of a record."""
        system, datatype = self.name(place)
        return Ref(system, datatype, id)

    def _load_places(self) -> None:
        for number, system, datatype in self.db.rows("SELECT id, system, datatype FROM place"):
            self._places[system, datatype] = number
            self._names[number] = (system, datatype)

    def forget_places(self) -> None:
        """After an undone transaction: numbers given in it are no longer true."""
        self._places.clear()
        self._names.clear()

    def diff(self, place: int, prints: Sequence[tuple[str, bytes]]) -> tuple[set[int], list[int]]:
        """Which of (id, fingerprint) are new or changed (their positions), and the row numbers of those known."""
        ids = json_text([id for id, _ in prints])
        known = {id: (row, old) for row, id, old in self.db.rows(DIFF, (place, ids))}
        changed = {
            position for position, (id, new) in enumerate(prints) if (old := known.get(id)) is None or old[1] != new
        }
        return changed, [row for row, _ in known.values()]

    def take_in(self, place: int, records: Sequence[Record], prints: Sequence[bytes], run: int | None = None) -> None:
        """Put changed records into the inbox, with their fingerprints. Those never seen before are born in `run`."""
        self.db.many(TAKE_IN, [_inbox_row(place, record, run) for record in records])
        self.db.many(MARK, [(place, record.id, new) for record, new in zip(records, prints, strict=True)])

    def take_in_gone(self, place: int, ids: Sequence[str]) -> None:
        """Put confirmed deletions into the inbox."""
        self.db.many(TAKE_IN, [(place, id, _text(id), None, None, None, None) for id in ids])
        self.db.many(FORGET, [(place, id) for id in ids])

    def known(self, place: int) -> int:
        """How many records of a datatype were seen and not found to be gone."""
        return int(self.db.one("SELECT count(*) FROM seen WHERE place = ?", (place,))[0])

    def highest(self) -> int:
        """The highest row number among the fingerprints."""
        return int(self.db.one("SELECT coalesce(max(row), 0) FROM seen")[0])

    def all_listed(self, place: int, listed: bytearray, upto: int) -> bool:
        """Whether a listing showed every record known before it; asked before anything is forgotten again."""
        known = self.db.one("SELECT count(*) FROM seen WHERE place = ? AND row <= ?", (place, upto))[0]
        return bool(known == int.from_bytes(listed, "little").bit_count())

    def absent(self, place: int, listed: bytearray, upto: int) -> Iterator[str]:
        """Ids seen before that a complete listing did not show. `listed` has a bit for each row number up to `upto`."""
        after = 0
        while batch := self.db.rows(
            "SELECT row, id FROM seen WHERE place = ? AND row > ? AND row <= ? ORDER BY row LIMIT 5000",
            (place, after, upto),
        ):
            yield from (id for row, id in batch if not listed[row >> 3] >> (row & 7) & 1)
            after = batch[-1][0]

    def marked(self, prints: Sequence[tuple[int, str, bytes]]) -> None:
        """Remember fingerprints of records that a write returned."""
        self.db.many(MARK, list(prints))

    def forget(self, refs: Sequence[tuple[int, str]]) -> None:
        """These records are gone, or of no interest: a listing without them says nothing."""
        self.db.many(FORGET, list(refs))

    def look_again(self, refs: Sequence[tuple[int, str]]) -> None:
        """Let the next reading look at these records again, and miss them if they are gone by then."""
        self.db.many(LOOK_AGAIN, list(refs))

    def inbox(self, place: int, after: str, count: int) -> list[Arrival]:
        """The next arrivals of a datatype in the order of ids, with the link that each is a member of."""
        return [self._arrival(row) for row in self.db.rows(INBOX_NEXT, (place, after, count))]

    def arrivals_of(self, links: Sequence[int]) -> dict[Ref, Arrival]:
        """The arrivals that belong to members of some links."""
        rows = self.db.rows(INBOX_OF, (json_text(list(links)),))
        return {(arrival := self._arrival((*row, None))).ref: arrival for row in rows}

    def _arrival(self, row: Any) -> Arrival:
        place, id, native_id, content, version, modified, born, link = row
        return Arrival(
            ref=self.ref(place, id),
            native_id=_value(native_id),
            content=content,
            version=_value(version),
            modified=datetime.fromisoformat(modified) if modified else None,
            born=born,
            link=link,
        )

    def done(self, refs: Sequence[tuple[int, str]]) -> None:
        """Arrivals that are settled."""
        self.db.many("DELETE FROM inbox WHERE place = ? AND id = ?", list(refs))

    def waiting_arrivals(self) -> int:
        """How many arrivals are not settled."""
        return int(self.db.one("SELECT count(*) FROM inbox")[0])

    def cursor(self, place: int) -> CursorRow | None:
        """How far a datatype was read, or None."""
        row = self.db.one(
            "SELECT mark, mapping, read_at, complete_at, complete_count FROM cursor WHERE place = ?", (place,)
        )
        return (
            None
            if row is None
            else CursorRow(
                mark=_value(row[0]),
                mapping=row[1],
                read_at=_when(row[2]),
                complete_at=_when(row[3]),
                complete_count=row[4],
            )
        )

    def set_cursor(
        self, place: int, mark: Any, mapping: str, read_at: datetime, complete_at: datetime | None, count: int | None
    ) -> None:
        """Move a cursor; everything read before it is in the inbox already."""
        self.db.run(
            SET_CURSOR,
            (place, _text(mark), mapping, read_at.isoformat(), complete_at.isoformat() if complete_at else None, count),
        )


def _inbox_row(place: int, record: Record, run: int | None) -> tuple[Any, ...]:
    modified = record.modified.isoformat() if record.modified else None
    return (place, record.id, _text(record.native_id), record.content, _text(record.version), modified, run)


def _text(value: Any) -> str | None:
    return None if value is None else json_text(value)


def _value(text: str | None) -> Any:
    return None if text is None else from_json(text)


def _when(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
