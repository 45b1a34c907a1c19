"""One connection to the state, explicit transactions, and statements that hand tuples to the driver.

The driver is used as it is: SQLAlchemy is 0.35 s of imports, more than a round with nothing to do (bench/README.md).
It is loaded where a state is migrated, and by connectors that need it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from accord.errors import Locked, StateError

BUSY_MS = 2000
STATEMENTS = 256
PRAGMAS = (
    f"busy_timeout = {BUSY_MS}",
    "journal_mode = WAL",
    "synchronous = FULL",
    "cache_size = -16000",
    "temp_store = FILE",
    "wal_autocheckpoint = 4000",
)
T = TypeVar("T")


def sqlite_connection(path: Path) -> sqlite3.Connection:
    """A connection to a state file: WAL, every commit on disk before it returns (power loss), explicit transactions."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=STATEMENTS)
    try:
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


class Database:
    """Statements on the state. Errors of the driver become StateError or Locked."""

    watch: ClassVar[Callable[[Database], None] | None] = None
    """Called before each statement, if set: where the simulator lets a process die, or a disk be full."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], name: str) -> None:
        self.name = name
        self.connection = self._guarded(connect)
        self._depth = 0

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; one inside another joins it."""
        if self._depth:
            yield
            return
        self.run("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            self._undo()
            raise
        finally:
            self._depth -= 1

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """A transaction that is always undone: what `plan` computes in."""
        self.run("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            self._undo()

    def _undo(self) -> None:
        """Roll back, unless the driver did so already: a full disk ends the transaction by itself."""
        if self.connection.in_transaction:
            self.run("ROLLBACK")

    def rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> Sequence[Any]:
        """All rows of a query, as tuples."""
        return self._guarded(lambda: self.connection.execute(sql, parameters).fetchall())

    def one(self, sql: str, parameters: tuple[Any, ...] = ()) -> Any:
        """The first row of a query, or None."""
        return self._guarded(lambda: self.connection.execute(sql, parameters).fetchone())

    def run(self, sql: str, parameters: tuple[Any, ...] = ()) -> int:
        """A statement; how many rows it changed."""
        return self._guarded(lambda: self.connection.execute(sql, parameters).rowcount)

    def insert(self, sql: str, parameters: tuple[Any, ...]) -> int:
        """An insert; the id of the new row."""
        return int(self._guarded(lambda: self.connection.execute(sql, parameters).lastrowid or 0))

    def many(self, sql: str, rows: list[tuple[Any, ...]]) -> None:
        """One statement for many tuples; nothing for none."""
        if rows:
            self._guarded(lambda: self.connection.executemany(sql, rows))

    def _guarded(self, work: Callable[[], T]) -> T:
        try:
            if Database.watch is not None:
                Database.watch(self)
            return work()
        except sqlite3.Error as error:
            raise explained(error, self.name) from error


def explained(error: sqlite3.Error, name: str) -> Exception:
    said = str(error)
    if "locked" in said or "busy" in said:
        return Locked(f"the state {name} is in use by another process", hint="wait for it, or see `accord status`")
    hint = {
        "full": "make room on the disk; nothing was written to any system without being noted first",
        "readonly": "make the file and its folder writable",
        "malformed": "nothing was written; put a backup in its place, or move the file away to begin anew",
        "not a database": "nothing was written; put a backup in its place, or move the file away to begin anew",
    }
    advice = next(
        (text for word, text in hint.items() if word in said),
        "nothing was written; docs/how-to/recover.md says what can be done",
    )
    return StateError(f"the state {name} cannot be used: {said}", hint=advice)
