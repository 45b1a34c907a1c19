"""CustomERP's database: rows in, JSON-ready records out. Other programs may write to it at the same time."""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ..model import Datatype
from ..past import Past, Record
from .schema import DATATYPES, script

ZONE = ZoneInfo("Europe/Oslo")


def now() -> str:
    """The time as CustomERP writes it: local, whole seconds, no offset: `2026-11-23T11:00:00`."""
    return datetime.now(ZONE).strftime("%Y-%m-%dT%H:%M:%S")


class Table:
    """One datatype's rows."""

    def __init__(self, db: sqlite3.Connection, datatype: Datatype) -> None:
        self._db, self.datatype, self.past = db, datatype, Past(datatype.id)
        t = self._name = datatype.name
        self.columns = tuple(p.column for p in datatype.writable())
        self._keys = (datatype.id, *self.columns, "version", "created_at", "changed_at")
        every = f"{datatype.id}, {', '.join(self.columns)}, row_version, created_at, changed_at"
        marks = ", ".join("?" * (len(self.columns) + 2))
        settings = ", ".join(f"{c} = ?" for c in self.columns)
        self._insert = f"INSERT INTO {t} ({', '.join(self.columns)}, created_at, changed_at) VALUES ({marks})"
        self._update = (
            f"UPDATE {t} SET {settings}, row_version = row_version + 1, changed_at = ? "
            f"WHERE {datatype.id} = ? AND row_version = ? RETURNING {every}"
        )
        self._delete = f"DELETE FROM {t} WHERE {datatype.id} = ?"
        self._one = f"SELECT {every} FROM {t} WHERE {datatype.id} = ?"
        self._select = f"SELECT {every}, seq FROM {t}"
        self._count = f"SELECT count(*) FROM {t}"
        self._total: tuple[int, int] | None = None  # the database's state, how many there were

    def record(self, row: Sequence[Any]) -> Record:
        """A row as the JSON record."""
        return dict(zip(self._keys, row, strict=False))

    def get(self, number: str) -> Record | None:
        """The record of that number."""
        row = self._db.execute(self._one, (number,)).fetchone()
        return None if row is None else self.record(row)

    def insert(self, values: dict[str, Any]) -> Record:
        """Add a record; `values` holds every column."""
        when = now()
        row = [values[c] for c in self.columns]
        number = self._db.execute(f"{self._insert} RETURNING {self.datatype.id}", (*row, when, when)).fetchone()[0]
        self._touched(number, None)
        return self.record((number, *row, 1, when, when))

    def insert_many(self, rows: Iterable[Sequence[Any]]) -> None:
        """Bulk load: rows of every data column, created_at and changed_at."""
        self._db.executemany(self._insert, rows)
        self._total = None

    def put(self, before: Record, values: dict[str, Any]) -> Record | None:
        """Replace all values of a record as it was read; None when it has moved on since."""
        row = [values[c] for c in self.columns]
        proof = (before[self.datatype.id], before["version"])
        changed = self._db.execute(self._update, (*row, now(), *proof)).fetchone()
        if changed is None:
            return None
        self._touched(before[self.datatype.id], before)
        return self.record(changed)

    def delete(self, before: Record) -> None:
        """Remove a record; sqlite3.IntegrityError while something refers to it."""
        self._db.execute(self._delete, (before[self.datatype.id],))
        self._touched(before[self.datatype.id], before)

    def first(self, column: str, value: Any, *, but: str | None = None) -> str | None:
        """The number of a record with that value, other than `but`."""
        statement = f"SELECT {self.datatype.id} FROM {self._name} WHERE {column} = ? AND {self.datatype.id} IS NOT ?"
        row = self._db.execute(statement + " LIMIT 1", (value, but)).fetchone()
        return None if row is None else row[0]

    def page(
        self, *, after: int, equal: dict[str, Any], search: str = "", limit: int
    ) -> tuple[list[Record], int | None, int]:
        """Records in the order of their numbers: the page, where the next one begins (None at the end), the total."""
        clauses, values = self._conditions(equal, search)
        where = " AND ".join(["seq > ?", *clauses])
        statement = f"{self._select} WHERE {where} ORDER BY seq LIMIT ?"
        rows = self._db.execute(statement, (after, *values, limit + 1)).fetchall()
        following = rows[limit - 1][-1] if len(rows) > limit else None
        return [self.record(row) for row in rows[:limit]], following, self._counted(clauses, values)

    def changed(
        self, *, since: str, after: tuple[str, int], equal: dict[str, Any], limit: int
    ) -> tuple[list[Record], tuple[str, int] | None, int]:
        """Records changed at `since` or later, in the order of their changes; as `page`."""
        clauses, values = self._conditions(equal, "")
        where = " AND ".join(["(changed_at, seq) > (?, ?)", *clauses])
        statement = f"{self._select} WHERE {where} ORDER BY changed_at, seq LIMIT ?"
        rows = self._db.execute(statement, (*max(after, (since, -1)), *values, limit + 1)).fetchall()
        following = (rows[limit - 1][-2], rows[limit - 1][-1]) if len(rows) > limit else None
        total = self._counted(["changed_at >= ?", *clauses], [since, *values])
        return [self.record(row) for row in rows[:limit]], following, total

    def latest(self, *, search: str, limit: int, offset: int) -> tuple[list[Record], int]:
        """For the web page: last changed first."""
        clauses, values = self._conditions({}, search)
        where = f" WHERE {' AND '.join(clauses)}" if clauses else ""
        statement = f"{self._select}{where} ORDER BY changed_at DESC, seq DESC LIMIT ? OFFSET ?"
        rows = self._db.execute(statement, (*values, limit, offset))
        return [self.record(row) for row in rows], self._counted(clauses, values)

    def _conditions(self, equal: dict[str, Any], search: str) -> tuple[list[str], list[Any]]:
        clauses, values = [f"{column} = ?" for column in equal], list(equal.values())
        if search:
            columns = [p.column for p in self.datatype.properties if p.searched]
            clauses.append("(" + " OR ".join(f"instr(lower({c}), lower(?))" for c in columns) + ")")
            values += [search] * len(columns)
        return clauses, values

    def _counted(self, clauses: list[str], values: list[Any]) -> int:
        if clauses:
            statement = f"{self._count} WHERE {' AND '.join(clauses)}"
            return int(self._db.execute(statement, values).fetchone()[0])
        state = int(self._db.execute("PRAGMA data_version").fetchone()[0])  # moves when another program writes
        if self._total is None or self._total[0] != state:
            self._total = (state, int(self._db.execute(self._count).fetchone()[0]))
        return self._total[1]

    def _touched(self, number: str, before: Record | None) -> None:
        self._total = None
        self.past.changed(number, before)


class Store:
    """Both tables in one SQLite file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(path, isolation_level=None, cached_statements=512)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = NORMAL")
        self.db.executescript(script())
        self.tables = {datatype.path: Table(self.db, datatype) for datatype in DATATYPES}

    def is_empty(self) -> bool:
        """Whether no customer is there."""
        return self.db.execute("SELECT 1 FROM customer LIMIT 1").fetchone() is None
