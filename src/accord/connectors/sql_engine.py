"""Connections to a database: threads, deadlines, transactions, and what each database needs to be told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.engine.url import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from accord.config.meaning import System
from accord.connectors.limits import Gate
from accord.connectors.sql_errors import failure, is_undone, short
from accord.connectors.sql_types import decode_json
from accord.errors import MendFile, Unreachable

T = TypeVar("T")
DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "mssql": "mssql+pyodbc",
    "oracle": "oracle+oracledb",
}
EXTRAS = {"postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql", "mssql": "mssql", "oracle": "oracle"}
STRICT = "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')"
"""MariaDB and MySQL: a text that is too long is refused, and not cut."""
SLACK = 5.0
"""Seconds after the database's own deadline before we stop waiting for it."""


class CommitLost(Exception):
    """The answer to a COMMIT was lost: nobody knows whether the transaction happened."""


class Database:
    """One database. Work runs in threads, each with a connection of its own; SQLite has one thread."""

    def __init__(self, system: System, on_statement: Callable[[], None]) -> None:
        self.system = system
        self._on_statement = on_statement
        self.url = _url(system)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.is_postgres = self.url.get_backend_name() == "postgresql"
        self.is_mysql = self.url.get_backend_name() in ("mysql", "mariadb")
        self.threads = 1 if self.is_sqlite else max(1, system.limits.concurrency)
        self.gate = Gate(replace(system.limits, concurrency=self.threads))
        self._executor: ThreadPoolExecutor | None = None
        self._engine: Engine | None = None

    async def close(self) -> None:
        """Let go of connections and threads."""
        engine, executor, self._engine, self._executor = self._engine, self._executor, None, None
        if executor is not None:
            if engine is not None:
                executor.submit(engine.dispose)
            executor.shutdown(wait=False)

    async def reading(self, work: Callable[[Connection], T]) -> T:
        """Run statements outside a transaction. Once more if a kept connection turns out to be dead."""
        async with self.gate.slots:
            await self.gate.turn()
            try:
                return await self._within_deadline(lambda: self._read(work))
            except _Late:
                raise
            except Unreachable:
                return await self._within_deadline(lambda: self._read(work))

    async def writing(self, work: Callable[[Connection], T]) -> T:
        """Run statements in one transaction; whoever calls has waited for its turn.

        Raises CommitLost, DBAPIError for a refusal, or a SystemFailure.
        """
        async with self.gate.slots:
            try:
                return await self._within_deadline(lambda: self._write(work))
            except _Late as late:
                raise CommitLost(str(late)) from None

    def _read(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._connected().connect() as connection:
                return work(connection.execution_options(isolation_level="AUTOCOMMIT"))
        except DBAPIError as error:
            raise failure(self.system.name, error) from error
        except PoolTimeout as error:
            raise Unreachable(self.system.name, "no free connection") from error

    def _write(self, work: Callable[[Connection], T]) -> T:
        with ExitStack() as stack:
            try:
                connection = stack.enter_context(self._connected().connect())
                transaction = connection.begin()
            except (DBAPIError, PoolTimeout) as error:
                raise _cannot_begin(self.system.name, error) from error
            try:
                result = work(connection)
            except BaseException:
                _undo(transaction)
                raise
            _commit(transaction)
            return result

    async def _within_deadline(self, work: Callable[[], T]) -> T:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self.threads, thread_name_prefix=f"accord-{self.system.name}")
        job, seconds = self._executor.submit(work), self.system.limits.timeout + SLACK
        try:
            return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(job)), seconds)
        except TimeoutError:
            kind = Unreachable if job.cancel() else _Late
            raise kind(self.system.name, f"no answer in {seconds:g} s") from None

    def _connected(self) -> Engine:
        if self._engine is None:
            self._engine = self._make_engine()
        if self.is_sqlite and not _is_there(self.url):
            raise Unreachable(self.system.name, f"there is no database file {self.url.database}")
        return self._engine

    def _make_engine(self) -> Engine:
        settings: dict[str, Any] = {"hide_parameters": True}
        if not self.is_sqlite:
            settings |= {"pool_size": self.threads, "max_overflow": 0, "pool_timeout": self.system.limits.timeout}
        if self.is_postgres:
            settings["json_deserializer"] = decode_json
            settings["connect_args"] = {
                "connect_timeout": max(2, int(self.system.limits.timeout)),
                "prepare_threshold": None,  # a plan kept by the server fails after ALTER TABLE, and behind a pooler
            }
        if self.is_mysql:
            seconds = max(1, int(self.system.limits.timeout))
            settings["isolation_level"] = "READ COMMITTED"  # a row is seen as it is when it is written
            settings["connect_args"] = {"charset": "utf8mb4", "connect_timeout": max(2, seconds)}
            settings["connect_args"] |= {"read_timeout": seconds, "write_timeout": seconds}
        try:
            engine = sql.create_engine(self.url, **settings)
        except (ModuleNotFoundError, NoSuchModuleError) as error:
            extra = EXTRAS.get(self.url.get_backend_name())
            raise MendFile(
                f"{self.system.name}: no driver for {self.url.drivername}: {error}",
                hint=f"pip install 'accord[{extra}]'" if extra else "install the driver's package",
            ) from error
        sql.event.listen(engine, "before_cursor_execute", self._count)
        sql.event.listen(engine, "connect", self._prepare)
        if self.is_sqlite:
            sql.event.listen(engine, "begin", _begin_immediate)
        return engine

    def _count(self, *_: Any) -> None:
        self._on_statement()

    def _prepare(self, connection: Any, _: Any) -> None:
        milliseconds = int(self.system.limits.timeout * 1000)
        if self.is_sqlite:
            connection.isolation_level = None
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute(f"PRAGMA busy_timeout={milliseconds}")
        elif self.is_postgres:
            connection.execute(f"SET statement_timeout = {milliseconds}")
            connection.commit()
        elif self.is_mysql:
            with connection.cursor() as cursor:
                cursor.execute(STRICT)
            connection.commit()


class _Late(Unreachable):
    """The deadline passed while a thread still worked."""


def _url(system: System) -> URL:
    try:
        url = make_url(str(system.options["url"]))
    except KeyError:
        raise MendFile(f"{system.name}: `url` is missing", hint="url: postgresql://user@host/database") from None
    except ArgumentError:
        raise MendFile(f"{system.name}: `url` is not a database URL") from None
    return url.set(drivername=DRIVERS.get(url.drivername, url.drivername))


def _is_there(url: URL) -> bool:
    return (
        url.database in (None, "", ":memory:")
        or str(url.database).startswith("file:")
        or Path(str(url.database)).exists()
    )


def _begin_immediate(connection: Connection) -> None:
    """SQLite: take the write lock at once, and begin nothing for readings."""
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _undo(transaction: sql.RootTransaction) -> None:
    """Roll back; a connection that is gone has rolled back by itself."""
    try:
        transaction.rollback()
    except DBAPIError:
        return


def _commit(transaction: sql.RootTransaction) -> None:
    try:
        transaction.commit()
    except DBAPIError as error:
        _undo(transaction)
        if is_undone(error):
            raise
        raise CommitLost(short(error)) from error


def _cannot_begin(system: str, error: Exception) -> Exception:
    return failure(system, error) if isinstance(error, DBAPIError) else Unreachable(system, "no free connection")
