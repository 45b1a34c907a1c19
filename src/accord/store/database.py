"""One connection to the state, explicit transactions, and statements that hand tuples to the driver.

Measured (docs/decisions/002): tuples through `exec_driver_sql` take 5 s a million rows, Core's dictionaries 12.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from accord.errors import Locked, StateError

BUSY_MS = 2000
T = TypeVar("T")


def sqlite_engine(path: Path) -> Engine:
    """An engine for a state file: WAL, every commit on disk before it returns (power loss), no thread pool."""
    engine = create_engine(f"sqlite:///{path}", isolation_level="AUTOCOMMIT")

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        for pragma in (
            f"busy_timeout = {BUSY_MS}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "cache_size = -16000",
            "temp_store = FILE",
            "wal_autocheckpoint = 4000",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return engine


class Database:
    """Statements on the state. Errors of the driver become StateError or Locked."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine = engine
        self.name = name
        self.connection: Connection = self._guarded(engine.connect)
        self._depth = 0

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()
        self.engine.dispose()

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
        except BaseException:
            self._depth -= 1
            self.connection.exec_driver_sql("ROLLBACK")
            raise
        self._depth -= 1
        self.run("COMMIT")

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """A transaction that is always undone: what `plan` computes in."""
        self.run("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            self.connection.exec_driver_sql("ROLLBACK")

    def rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> Sequence[Any]:
        """All rows of a query, as tuples."""
        return self._guarded(lambda: self.connection.exec_driver_sql(sql, parameters).fetchall())

    def one(self, sql: str, parameters: tuple[Any, ...] = ()) -> Any:
        """The first row of a query, or None."""
        return self._guarded(lambda: self.connection.exec_driver_sql(sql, parameters).fetchone())

    def run(self, sql: str, parameters: tuple[Any, ...] = ()) -> int:
        """A statement; how many rows it changed."""
        return self._guarded(lambda: self.connection.exec_driver_sql(sql, parameters).rowcount)

    def insert(self, sql: str, parameters: tuple[Any, ...]) -> int:
        """An insert; the id of the new row."""
        return int(self._guarded(lambda: self.connection.exec_driver_sql(sql, parameters).lastrowid))

    def many(self, sql: str, rows: list[tuple[Any, ...]]) -> None:
        """One statement for many tuples; nothing for none."""
        if rows:
            self._guarded(lambda: self.connection.exec_driver_sql(sql, rows))

    def _guarded(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except DBAPIError as error:
            raise _explained(error, self.name) from error


def _explained(error: DBAPIError, name: str) -> Exception:
    said = str(error.orig)
    if "locked" in said or "busy" in said:
        return Locked(f"the state {name} is in use by another process", hint="wait for it, or see `accord status`")
    hint = {
        "full": "make room on the disk; nothing was written to any system without being noted first",
        "readonly": "make the file and its folder writable",
        "malformed": "restore a backup with `accord state restore`",
        "not a database": "restore a backup with `accord state restore`",
    }
    advice = next((text for word, text in hint.items() if word in said), "see `accord state check`")
    return StateError(f"the state {name} cannot be used: {said}", hint=advice)
