"""Writes that come at the same time share a transaction, and each still ends as if it were alone."""

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql
from sqlalchemy.engine import Engine

from accord.connectors.sql import SqlConnector
from accord.model import Outcome, OutcomeKind
from accord.ports import Expects, NewRecord
from tests.ports.cut_line import Line
from tests.ports.test_sql import PLAIN, on_postgres, on_sqlite, shown

TEN = "; ".join(f"INSERT INTO task (name) VALUES ('n{number}')" for number in range(1, 11))
SERIAL = "CREATE TABLE task (id SERIAL PRIMARY KEY, name TEXT UNIQUE DEFERRABLE INITIALLY IMMEDIATE)"


async def renamed(connector: SqlConnector, names: dict[str, str | None], **expects: Any) -> list[Outcome]:
    """All these updates at once."""
    ends = (connector.update("task", id, {"name": name}, Expects(**expects)) for id, name in names.items())
    return list(await asyncio.gather(*ends))


def kinds(outcomes: list[Outcome]) -> list[str]:
    return [outcome.kind.value for outcome in outcomes]


def test_updates_at_the_same_time_share_a_transaction(file: Path) -> None:
    """One wait for the disk for all of them."""

    async def test(connector: SqlConnector) -> None:
        await shown(connector)
        engine = connector._database._connected()
        commits: list[int] = []
        sql.event.listen(engine, "commit", lambda _: commits.append(1))
        outcomes = await renamed(connector, {str(number): "new" for number in range(1, 11)})
        assert kinds(outcomes) == ["applied"] * 10
        assert len(commits) == 1
        assert {outcome.record.natives()["name"] for outcome in outcomes if outcome.record} == {"new"}

    on_sqlite(file, f"{PLAIN}; {TEN}", test)


def test_a_refused_one_fails_alone(file: Path) -> None:
    """A name that is taken, a value that does not fit, a record that has moved: the others are written."""

    async def test(connector: SqlConnector) -> None:
        taken = renamed(connector, {"1": "a", "2": "n9", "3": "c"})
        stale = connector.update("task", "4", {"name": "d"}, Expects(natives={"name": "other"}))
        unfit = connector.create("task", [NewRecord(natives={"name": ["no text"]}, token="t")])
        new = connector.create("task", [NewRecord(natives={"name": "new"}, token="t")])
        gone = connector.delete("task", "5", Expects())
        first, moved, odd, made, removed = await asyncio.gather(taken, stale, unfit, new, gone)
        assert kinds([*first, moved, *odd, *made, removed]) == [
            *("applied", "rejected", "applied"),
            *("stale", "rejected", "applied", "applied"),
        ]
        assert [(await shown(connector, id)).natives()["name"] for id in "1234"] == ["a", "n2", "c", "n4"]

    unique = PLAIN.replace("name TEXT", "name TEXT UNIQUE")
    on_sqlite(file, f"{unique}; {TEN}", test)


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_lost_commit_leaves_the_whole_group_unknown(postgres: Engine, line: Line, cut: Any) -> None:
    """All of it happened, or nothing."""

    async def test(connector: SqlConnector) -> None:
        await shown(connector)
        connector._writes._writers = 1
        line.cut = cut
        assert kinds(await renamed(connector, {str(number): f"x{number}" for number in range(1, 6)})) == ["unknown"] * 5
        line.cut = None
        names = [(await shown(connector, str(number))).natives()["name"] for number in range(1, 6)]
        assert names == [f"{'x' if cut == 'after' else 'n'}{number}" for number in range(1, 6)]

    on_postgres(postgres, line.url, [SERIAL, TEN], test)


def test_a_row_that_somebody_locked_does_not_hold_up_the_others(postgres: Engine, postgres_url: str) -> None:
    """It is tried again by itself, and waits as long as it may."""

    async def test(connector: SqlConnector) -> None:
        person = postgres.connect()
        person.execute(sql.text("UPDATE task SET name = 'a person' WHERE id = 2"))
        threading.Timer(1.5, lambda: (person.commit(), person.close())).start()
        began, ended = time.monotonic(), dict[str, float]()

        async def one(id: str) -> OutcomeKind:
            outcome = await connector.update("task", id, {"name": f"x{id}"}, Expects(natives={"name": f"n{id}"}))
            ended[id] = time.monotonic() - began
            return outcome.kind

        found = await asyncio.gather(*(one(str(number)) for number in range(1, 6)))
        assert [kind.value for kind in found] == ["applied", "stale", "applied", "applied", "applied"]
        assert max(ended[id] for id in "1345") < 1.2 < ended["2"]

    on_postgres(postgres, postgres_url, [SERIAL, TEN], test)


def test_a_constraint_checked_at_commit_rejects_only_its_row(postgres: Engine, postgres_url: str) -> None:
    """The database does not say whose it was: each again by itself."""

    async def test(connector: SqlConnector) -> None:
        outcomes = await renamed(connector, {"1": "a", "2": "n9", "3": "c", "4": "d"})
        assert kinds(outcomes) == ["applied", "rejected", "applied", "applied"]

    deferred = SERIAL.replace("IMMEDIATE", "DEFERRED")
    on_postgres(postgres, postgres_url, [deferred, TEN], test)


def test_a_caller_that_gives_up_leaves_the_others_alone(file: Path) -> None:
    """What had not begun is not done."""

    async def test(connector: SqlConnector) -> None:
        tasks = [asyncio.ensure_future(connector.update("task", str(n), {"name": "x"}, Expects())) for n in (1, 2, 3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(ends[1], asyncio.CancelledError)
        assert [end.kind for end in (ends[0], ends[2]) if isinstance(end, Outcome)] == [OutcomeKind.APPLIED] * 2

    on_sqlite(file, f"{PLAIN}; {TEN}", test)


def test_no_more_requests_a_second_than_the_file_says(file: Path) -> None:
    """Readings and writes are counted together; a group counts each of its writes."""

    async def test(connector: SqlConnector) -> None:
        await shown(connector)
        began = time.monotonic()
        await asyncio.gather(renamed(connector, {str(n): "x" for n in range(1, 6)}), shown(connector), shown(connector))
        assert time.monotonic() - began > 6 / 20

    on_sqlite(file, f"{PLAIN}; {TEN}", test, rate=20.0)


def test_no_more_transactions_at_once_than_the_file_says(postgres: Engine, postgres_url: str) -> None:
    """`concurrency` is for readings and writes together."""

    async def test(connector: SqlConnector) -> None:
        await shown(connector)
        slow = "SELECT pg_sleep(0.2)"
        sleeps = (connector._database.reading(lambda at: at.exec_driver_sql(slow).all()) for _ in range(4))
        began = time.monotonic()
        await asyncio.gather(*sleeps)
        assert time.monotonic() - began >= 0.4

    on_postgres(postgres, postgres_url, [SERIAL, TEN], test)
