"""A state as JSON lines, and a state made from them: to look into it, to carry it elsewhere, to keep it for years.

The first line says what it is, then one line a row, then how many rows of each table there were. Bytes are written as
`{"base64": …}`. Everything is kept but the lease: links, bases, tombstones, held items, decisions, history, runs, plans
begun, what was read.
"""

from __future__ import annotations

import base64
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from accord.errors import StateError, UsageError
from accord.model import from_json, json_bytes
from accord.store.database import Database, sqlite_connection
from accord.store.fresh import HEAD, make_fresh
from accord.store.keeping import doubt
from accord.store.opening import State, upgrade

FORMAT = 1
LEFT_OUT = frozenset({"lease", "alembic_version", "sqlite_sequence"})
BATCH = 1000
Progress = Callable[[str, int, int | None], None]


def export_state(state: State, at: datetime, progress: Progress) -> Iterator[bytes]:
    """Every line, without its end. One moment of the state, whatever others write meanwhile."""
    db = state.db
    db.run("BEGIN")
    try:
        schema = db.one("SELECT version_num FROM alembic_version")[0]
        head = {"accord_state": FORMAT, "schema": schema, "installation": state.installation, "at": at.isoformat()}
        sequences = dict(db.rows("SELECT name, seq FROM sqlite_sequence ORDER BY name"))
        yield json_bytes({**head, "sequences": sequences})
        counts: dict[str, int] = {}
        for table in tables(db):
            counts[table] = 0
            for line in _rows(db, table):
                counts[table] += 1
                if counts[table] % BATCH == 0:
                    progress(f"exporting {table}", counts[table], None)
                yield line
        yield json_bytes({"rows": counts})
    finally:
        db.run("ROLLBACK")


def tables(db: Database) -> list[str]:
    """The tables that make up a state."""
    names = db.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    return [name for (name,) in names if name not in LEFT_OUT]


def _rows(db: Database, table: str) -> Iterator[bytes]:
    found = db.connection.execute(f'SELECT * FROM "{table}"')
    columns = [column[0] for column in found.description]
    for row in found:
        yield json_bytes({"table": table, "row": {c: _out(v) for c, v in zip(columns, row, strict=True)}})


def _out(value: Any) -> Any:
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def _in(value: Any) -> Any:
    return base64.b64decode(value["base64"], validate=True) if isinstance(value, dict) else value


@dataclass(slots=True)
class _Import:
    db: Database
    columns: Mapping[str, list[str]]
    counts: Counter[str] = field(default_factory=Counter)
    waiting: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)

    def take(self, table: str, row: Mapping[str, Any]) -> None:
        """Put a row aside; many go in at once."""
        columns = self.columns[table]
        if set(row) != set(columns):
            raise ValueError(f"{table} has the columns {', '.join(columns)}")
        self.counts[table] += 1
        rows = self.waiting.setdefault(table, [])
        rows.append(tuple(_in(row[column]) for column in columns))
        if len(rows) >= BATCH:
            self.store(table)

    def store(self, table: str) -> None:
        """What waits for a table goes in."""
        rows = self.waiting.pop(table, [])
        names = ", ".join(f'"{column}"' for column in self.columns[table])
        marks = ", ".join("?" * len(self.columns[table]))
        self.db.many(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', rows)


def import_state(lines: Iterable[bytes], place: Path, name: str, now: datetime, progress: Progress) -> dict[str, int]:
    """Make a state from an export: how many rows of each table. Nothing is left behind where it fails.

    Raises UsageError where there is a state already, StateError for a line that is not of an export.
    """
    if place.exists():
        raise UsageError(
            f"there is a state already: {place.name}", hint="move it away first, or name another `state` in the file"
        )
    part = place.with_name(place.name + ".part")
    _remove(part)
    db = Database(lambda: sqlite_connection(part), part.name)
    try:
        part.chmod(0o600)
        counts = _read(db, enumerate(lines, 1), name, now, progress)
        db.run("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
        part.replace(place)
    except BaseException:
        db.close()
        raise
    finally:
        _remove(part)
    return counts


def _remove(part: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        part.with_name(part.name + suffix).unlink(missing_ok=True)


def _read(
    db: Database, lines: Iterator[tuple[int, bytes]], name: str, now: datetime, progress: Progress
) -> dict[str, int]:
    head = _head(next(lines, (1, b"")), name)
    make_schema(db, head["schema"])
    with db.transaction():
        db.run("DELETE FROM meta")
        work = _Import(db, {table: _columns(db, table) for table in tables(db)})
        said = _take_rows(work, lines, name, progress)
        if said != dict(work.counts) | {table: 0 for table in said if table not in work.counts}:
            raise StateError(f"{name} is not whole: it says {said}, and has {dict(work.counts)}", hint=EXPORT_AGAIN)
        for table, number in head["sequences"].items():
            db.run("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
            db.run("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, number))
        doubt(db.connection, f"the state was imported ({name}, exported {head['at'][:10]})")
    if head["schema"] != HEAD:
        upgrade(db)
    return said


EXPORT_AGAIN = "nothing was imported; export again: `accord state export`"


def _head(first: tuple[int, bytes], name: str) -> dict[str, Any]:
    try:
        head = from_json(first[1])
    except ValueError:
        head = None
    if not isinstance(head, dict) or "accord_state" not in head:
        raise StateError(f"{name} does not begin as an exported state does", hint=EXPORT_AGAIN)
    if head["accord_state"] != FORMAT or not str(head.get("schema", "")) <= HEAD:
        raise StateError(f"{name} was exported by a newer Accord", hint="upgrade Accord; nothing was imported")
    return head


def make_schema(db: Database, schema: str) -> None:
    """The tables as they were in some version."""
    if schema == HEAD:
        make_fresh(db)
    else:
        upgrade(db, schema)


def _columns(db: Database, table: str) -> list[str]:
    return [row[1] for row in db.rows(f'PRAGMA table_info("{table}")')]


def _take_rows(work: _Import, lines: Iterator[tuple[int, bytes]], name: str, progress: Progress) -> dict[str, int]:
    said: dict[str, int] | None = None
    for number, line in lines:
        try:
            found = from_json(line)
            if said is not None:
                raise ValueError("nothing may follow the count of the rows")
            if "rows" in found:
                said = found["rows"]
                continue
            work.take(found["table"], found["row"])
        except (ValueError, KeyError, TypeError, sqlite3.Error) as error:
            message = f"unknown table {error}" if isinstance(error, KeyError) else str(error)
            raise StateError(f"{name}, line {number}: not a line of an export: {message}", hint=EXPORT_AGAIN) from error
        if number % BATCH == 0:
            progress("importing", number, None)
    for table in list(work.waiting):
        work.store(table)
    if said is None:
        raise StateError(f"{name} ends before its end: the count of the rows is missing", hint=EXPORT_AGAIN)
    return said
