"""Group commit: writes that arrive while a transaction is under way share the next one, and so one wait for the disk.

The first attempt runs them one after the other without savepoints, since nearly always none is refused. If one is,
everything is rolled back and done again with a savepoint for each, so that it fails alone. What was held up by
somebody's lock, and all of a group that was refused at COMMIT, is done again in transactions of its own. When the
answer to the COMMIT is lost, the end of the whole group is unknown.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from accord.connectors.sql_engine import Database
from accord.connectors.sql_errors import is_refusal
from accord.errors import Unreachable

T = TypeVar("T")
Act = Callable[[Connection], Any]
MOST = 100
"""Writes of one transaction."""
WRITERS = 4
"""Transactions at once, where the database takes more than one: while one waits for the disk, others work."""
BUDGET = 2.0
"""Seconds after which a transaction takes in no more writes, so that it ends well before its deadline."""
LOCK_WAIT = "250ms"
"""How long a group waits for a row that somebody has locked, before it goes on without that write."""


@dataclass(slots=True, eq=False)
class _Job:
    act: Act
    done: asyncio.Future[Any]

    def end(self, value: Any = None, error: BaseException | None = None) -> None:
        """Tell the caller, if it still waits."""
        if self.done.done():
            return
        if error is None:
            self.done.set_result(value)
        else:
            self.done.set_exception(error)


@dataclass(slots=True, kw_only=True)
class _End:
    """How one write of a group ended; `again`: in a transaction of its own."""

    value: Any = None
    error: Exception | None = None
    again: bool = False


class _Interrupted(Exception):
    """A write of a group failed, and nothing of the group is done."""


class Writes:
    """The queue of one connector."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writers = min(WRITERS, database.threads)
        self._waiting: deque[_Job] = deque()
        self._busy = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, act: Callable[[Connection], T]) -> T:
        """Do this in a transaction, alone or with others. It may be called more than once, but counts once.

        Raises CommitLost, DBAPIError for a refusal, a SystemFailure, or what `act` raises.
        """
        await self._database.gate.turn()
        job = _Job(act, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        if self._busy < self._writers:
            self._busy += 1
            self._start(self._work())
        result: T = await job.done
        return result

    def close(self) -> None:
        """Give up what has not begun."""
        while self._waiting:
            self._waiting.popleft().end(error=Unreachable(self._database.system.name, "the connector was closed"))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._together(self._share())
        finally:
            self._busy -= 1

    def _share(self) -> list[_Job]:
        """The next group: one writer's part of those who wait."""
        size = min(MOST, -(-len(self._waiting) // self._writers))
        jobs = [self._waiting.popleft() for _ in range(size)]
        return [job for job in jobs if not job.done.done()]

    async def _together(self, jobs: Sequence[_Job]) -> None:
        if len(jobs) < 2:
            for job in jobs:
                await self._alone(job)
            return
        try:
            try:
                ends = await self._database.writing(partial(_bare, jobs=jobs))
            except _Interrupted:
                ends = await self._database.writing(partial(_guarded, jobs=jobs))
        except DBAPIError as error:
            ends = [_End(error=error, again=not error.connection_invalidated) for _ in jobs]
        except Exception as error:  # whatever it is, those who wait must hear of it
            ends = [_End(error=error) for _ in jobs]
        self._waiting.extendleft(reversed(jobs[len(ends) :]))
        for job, end in zip(jobs, ends, strict=False):
            if end.again:
                self._start(self._alone(job))
            else:
                job.end(end.value, end.error)

    async def _alone(self, job: _Job) -> None:
        try:
            job.end(await self._database.writing(job.act))
        except Exception as error:  # whatever it is, the one who waits must hear of it
            job.end(error=error)


def _bare(connection: Connection, jobs: Sequence[_Job]) -> list[_End]:
    """All of them, without savepoints. Raises _Interrupted at the first failure."""
    _hurry(connection)
    began, ends = time.monotonic(), list[_End]()
    for job in jobs:
        if _is_late(began, ends):
            break
        try:
            ends.append(_End(value=job.act(connection)))
        except Exception as error:
            if _is_disconnected(error):
                raise
            raise _Interrupted from error
    return ends


def _guarded(connection: Connection, jobs: Sequence[_Job]) -> list[_End]:
    """All of them, each in a savepoint; what fails is rolled back to it."""
    _hurry(connection)
    began, ends = time.monotonic(), list[_End]()
    for job in jobs:
        if _is_late(began, ends):
            break
        savepoint = connection.begin_nested()
        try:
            value = job.act(connection)
            savepoint.commit()
            ends.append(_End(value=value))
        except Exception as error:
            if _is_disconnected(error):
                raise
            savepoint.rollback()
            ends.append(_End(error=error, again=isinstance(error, DBAPIError) and not is_refusal(error)))
    return ends


def _hurry(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")


def _is_late(began: float, ends: Sequence[_End]) -> bool:
    return bool(ends) and time.monotonic() - began > BUDGET


def _is_disconnected(error: Exception) -> bool:
    return isinstance(error, DBAPIError) and error.connection_invalidated
