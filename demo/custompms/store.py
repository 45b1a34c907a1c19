"""CustomPMS's database: rows in, JSON-ready records out."""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from ..model import Datatype
from ..past import Past, Record
from .schema import DATATYPES, data_columns, script


def now() -> str:
    """The time as CustomPMS writes it: `2026-11-23T10:00:00.123Z`."""
    return stamp(datetime.now(UTC))


def stamp(when: datetime) -> str:
    """An aware time as `2026-11-23T10:00:00.123Z`."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


class Table:
    """One datatype's rows."""

    def __init__(self, db: sqlite3.Connection, datatype: Datatype) -> None:
        self._db, self.datatype = db, datatype
        t, columns = datatype.path, data_columns(datatype)
        self.columns = columns
        self._keys = ("id", *columns, "created_at", "updated_at", "deleted_at")
        self._decimals = tuple(p.column for p in datatype.writable() if p.type == "decimal")
        self._nested = t == "customers"
        self._letter = t[0]
        every = ", ".join((*self._keys, "revision"))
        marks = ", ".join("?" * (len(columns) + 2))
        self._insert = f"INSERT INTO {t} ({', '.join(columns)}, created_at, updated_at) VALUES ({marks}) RETURNING id"
        self._select = f"SELECT {every} FROM {t}"
        self._one = f"{self._select} WHERE id = ?"
        self._count = f"SELECT count(*) FROM {t}"
        self._alive = f"SELECT 1 FROM {t} WHERE id = ? AND deleted_at IS NULL"
        self._total: int | None = None
        self.past = Past("id")

    def record(self, row: Sequence[Any]) -> Record:
        """A row as the JSON record, decimals digit for digit."""
        record = dict(zip(self._keys, row, strict=False))
        record["etag"] = f'"{self._letter}{row[0]}-{row[-1]}"'
        for name in self._decimals:
            if record[name] is not None:
                record[name] = msgspec.Raw(record[name].encode())
        if self._nested:
            record["contact"] = {"name": record.pop("contact_name"), "email": record.pop("contact_email")}
        return record

    def get(self, number: int) -> Record | None:
        """The record, deleted or not."""
        row = self._db.execute(self._one, (number,)).fetchone()
        return None if row is None else self.record(row)

    def alive(self, number: int) -> bool:
        """Whether there is such a record that is not deleted."""
        return self._db.execute(self._alive, (number,)).fetchone() is not None

    def insert(self, values: dict[str, Any]) -> Record:
        """Add a record; `values` holds every column."""
        when = now()
        row = [values[c] for c in self.columns]
        number: int = self._db.execute(self._insert, (*row, when, when)).fetchone()[0]
        self._touched(number, None)
        return self.record((number, *row, when, when, None, 1))

    def insert_many(self, rows: Iterable[Sequence[Any]]) -> None:
        """Bulk load: rows of every data column, created_at and updated_at."""
        self._db.executemany(self._insert.removesuffix(" RETURNING id"), rows)
        self._total = None

    def change(self, record: Record, values: dict[str, Any]) -> Record:
        """Set columns of a record as it was read; a new revision."""
        settings = ", ".join(f"{c} = ?" for c in values)
        statement = f"UPDATE {self.datatype.path} SET {settings}, updated_at = ?, revision = revision + 1 WHERE id = ?"
        self._db.execute(statement, (*values.values(), now(), record["id"]))
        self._touched(record["id"], record)
        changed = self.get(record["id"])
        assert changed is not None
        return changed

    def page(
        self,
        *,
        since: str | None = None,
        deleted: bool = False,
        equal: dict[str, Any] | None = None,
        search: str = "",
        order: str = "id",
        limit: int,
        offset: int,
    ) -> tuple[list[Record], int]:
        """One page of records and the number of all that meet the conditions."""
        clauses, values = self._conditions(since, deleted, equal or {}, search)
        where = f" WHERE {' AND '.join(clauses)}" if clauses else ""
        simple = clauses == ["deleted_at IS NULL"] and order == "id"
        if simple:  # step over the pages before in the small index, not in the table
            inner = f"SELECT id FROM {self.datatype.path}{where} ORDER BY id LIMIT ? OFFSET ?"
            rows = self._db.execute(f"{self._select} WHERE id IN ({inner}) ORDER BY id", (limit, offset))
        else:
            rows = self._db.execute(
                f"{self._select}{where} ORDER BY {order} LIMIT ? OFFSET ?", (*values, limit, offset)
            )
        records = [self.record(row) for row in rows]
        return records, self._counted(where, values, len(records), limit, offset, simple)

    def _conditions(
        self, since: str | None, deleted: bool, equal: dict[str, Any], search: str
    ) -> tuple[list[str], list[Any]]:
        clauses, values = [] if deleted else ["deleted_at IS NULL"], list[Any]()
        if since is not None:
            clauses.append("updated_at >= ?")
            values.append(since)
        for column, value in equal.items():
            clauses.append(f"{column} = ?")
            values.append(value)
        if search:
            columns = [p.column for p in self.datatype.properties if p.searched]
            clauses.append("(" + " OR ".join(f"instr(lower({c}), lower(?))" for c in columns) + ")")
            values += [search] * len(columns)
        return clauses, values

    def _counted(self, where: str, values: list[Any], got: int, limit: int, offset: int, simple: bool) -> int:
        if 0 < got < limit or (got == 0 and offset == 0):
            return offset + got
        if not simple:
            return int(self._db.execute(self._count + where, values).fetchone()[0])
        if self._total is None:
            self._total = int(self._db.execute(self._count + where).fetchone()[0])
        return self._total

    def _touched(self, number: int, before: Record | None) -> None:
        self._total = None
        self.past.changed(number, before)

    def as_it_was(self, records: list[Record], age: float, since: str | None, *, first: bool) -> list[Record]:
        """A page as it was `age` seconds ago; what was deleted since comes back on the first page."""
        past = self.past.rewound(records, age)
        if first:
            past += self.past.vanished(age, lambda number: not self.alive(number))
        return [record for record in past if since is None or record["updated_at"] >= since]


class Store:
    """All tables, idempotency keys and webhooks in one SQLite file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(path, isolation_level=None, cached_statements=512)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = NORMAL")
        self.db.executescript(script())
        self.tables = {datatype.path: Table(self.db, datatype) for datatype in DATATYPES}

    def is_empty(self) -> bool:
        """Whether no customer is there."""
        return self.db.execute("SELECT 1 FROM customers LIMIT 1").fetchone() is None

    def known_key(self, key: str) -> tuple[str, str, int] | None:
        """What an idempotency key was used for: the request, the datatype and the id that it made."""
        row = self.db.execute("SELECT request, datatype, id FROM idempotency WHERE key = ?", (key,)).fetchone()
        return None if row is None else (row[0], row[1], row[2])

    def keep_key(self, key: str, request: str, datatype: str, number: int) -> None:
        """Remember that this key made that record."""
        self.db.execute("INSERT INTO idempotency VALUES (?, ?, ?, ?)", (key, request, datatype, number))

    def add_webhook(self, url: str, secret: str, events: list[str]) -> dict[str, Any]:
        """Store a webhook; returned without its secret."""
        values = (url, secret, ",".join(events), now())
        row = self.db.execute("INSERT INTO webhooks VALUES (NULL, ?, ?, ?, ?) RETURNING id", values).fetchone()
        return {"id": row[0], "url": url, "events": events, "created_at": values[3]}

    def webhooks(self) -> list[dict[str, Any]]:
        """All webhooks, with their secrets."""
        rows = self.db.execute("SELECT id, url, secret, events, created_at FROM webhooks ORDER BY id")
        return [
            {"id": row[0], "url": row[1], "secret": row[2], "events": row[3].split(","), "created_at": row[4]}
            for row in rows
        ]

    def remove_webhook(self, number: int) -> bool:
        """Whether it was there."""
        return self.db.execute("DELETE FROM webhooks WHERE id = ?", (number,)).rowcount > 0
