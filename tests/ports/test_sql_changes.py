"""A change table: what triggers write down is read in the order of its numbers, and nothing is missed."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql
from sqlalchemy.engine import Engine

from accord.connectors.sql import SqlConnector
from accord.connectors.sql_changes import Progress
from accord.errors import ProtocolError
from tests.ports.sql_harness import by_version
from tests.ports.test_sql import on_postgres, on_sqlite, pages
from tests.ports.test_sql_suite import POSTGRES, SQLITE, PostgresSuite, SqliteSuite

SAID = {"table": "task_change", "id": "task_id"}
SPOKEN = {**SAID, "operation": "op"}
SQLITE_TRIGGERS = [
    "CREATE TABLE task_change (seq INTEGER PRIMARY KEY AUTOINCREMENT, task_id TEXT, op TEXT)",
    *(
        f"""CREATE TRIGGER on_{op} AFTER {op} ON task
            BEGIN INSERT INTO task_change (task_id, op) VALUES ({row}.id, '{op}'); END"""
        for op, row in (("INSERT", "new"), ("UPDATE", "new"), ("DELETE", "old"))
    ),
]
POSTGRES_TRIGGERS = [
    "DROP TABLE IF EXISTS task_change",
    "CREATE TABLE task_change (seq BIGSERIAL PRIMARY KEY, task_id INTEGER, op TEXT)",
    """CREATE OR REPLACE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       INSERT INTO task_change (task_id, op) VALUES (coalesce(new.id, old.id), left(TG_OP, 1)); RETURN NULL; END $$""",
    "CREATE TRIGGER noted AFTER INSERT OR UPDATE OR DELETE ON task FOR EACH ROW EXECUTE FUNCTION noted()",
]


class TestSqliteSuiteByChangeTable(SqliteSuite):
    """The whole suite; no column says when a row was changed."""

    statements = [SQLITE, *SQLITE_TRIGGERS]
    settings: dict[str, Any] = {"version": by_version(), "options": {"change_table": SPOKEN}}


class TestPostgresSuiteByChangeTable(PostgresSuite):
    """The same, without a column for the operation."""

    statements = [POSTGRES, *POSTGRES_TRIGGERS]
    settings: dict[str, Any] = {"version": by_version(), "options": {"change_table": SAID}}


SMALL = "; ".join(["CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT, kind TEXT)", *SQLITE_TRIGGERS])


@pytest.fixture
def person(file: Path) -> Iterator[sqlite3.Connection]:
    """Somebody with an SQL prompt."""
    connection = sqlite3.connect(file, isolation_level=None)
    yield connection
    connection.close()


@pytest.mark.parametrize("said", [SAID, SPOKEN, "task_changes"])
def test_only_what_changed_is_read(file: Path, person: sqlite3.Connection, said: Any) -> None:
    """Each id once, as it is now; what is gone is named. A table with the usual names needs no more than its name."""

    async def test(connector: SqlConnector) -> None:
        can = connector.capabilities("task")
        assert (can.changed_since, can.deleted_feed) == (True, True)
        first = await pages(connector)
        assert (len(first[-1].records), first[-1].complete) == (4, True)
        person.execute("UPDATE task SET name = 'x' WHERE id = 2")
        person.execute("UPDATE task SET name = 'y' WHERE id = 2")
        person.execute("DELETE FROM task WHERE id = 3")
        (page,) = await pages(connector, first[-1].cursor)
        assert [(record.id, record.natives()["name"]) for record in page.records] == [("2", "y")]
        assert (list(page.deleted), page.complete) == (["3"], False)
        (none,) = await pages(connector, page.cursor)
        assert (none.records, none.deleted, none.cursor) == ([], [], page.cursor)

    statements = SMALL + "; INSERT INTO task (name) VALUES ('a'), ('b'), ('c'), ('d')"
    statements += "; CREATE VIEW task_changes AS SELECT seq, CAST(task_id AS INTEGER) AS id FROM task_change"
    on_sqlite(file, statements, test, options={"change_table": said})


def test_a_record_outside_of_where_is_neither_shown_nor_deleted(
    file: Path,
    person: sqlite3.Connection,
) -> None:
    """It has left the scope; only what is really gone is named."""

    async def test(connector: SqlConnector) -> None:
        cursor = (await pages(connector))[-1].cursor
        person.execute("UPDATE task SET kind = 'b' WHERE id = 1")
        person.execute("DELETE FROM task WHERE id = 2")
        (page,) = await pages(connector, cursor)
        assert ([record.id for record in page.records], list(page.deleted)) == ([], ["2"])

    statements = SMALL + "; INSERT INTO task (name, kind) VALUES ('a', 'a'), ('b', 'a')"
    on_sqlite(file, statements, test, options={"change_table": SAID, "where": "kind = 'a'"})


def test_a_deleted_id_that_is_used_again_is_shown(file: Path, person: sqlite3.Connection) -> None:
    """The last change counts."""

    async def test(connector: SqlConnector) -> None:
        cursor = (await pages(connector))[-1].cursor
        person.execute("DELETE FROM task WHERE id = 1")
        person.execute("INSERT INTO task (id, name) VALUES (1, 'again')")
        (page,) = await pages(connector, cursor)
        assert ([record.id for record in page.records], list(page.deleted)) == (["1"], [])

    on_sqlite(file, SMALL + "; INSERT INTO task (name) VALUES ('a')", test, options={"change_table": SPOKEN})


def test_many_changes_come_in_pages_each_with_its_mark(file: Path, person: sqlite3.Connection) -> None:
    """A reading that is cut short goes on where it was."""

    async def test(connector: SqlConnector) -> None:
        cursor = (await pages(connector))[-1].cursor
        numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) SELECT i FROM n"
        person.execute(f"INSERT INTO task (name) {numbers}")
        found = await pages(connector, cursor)
        assert [len(page.records) for page in found] == [1000, 1000, 500]
        assert [len(page.records) for page in await pages(connector, found[1].cursor)] == [500]

    on_sqlite(file, SMALL, test, options={"change_table": SAID})


@pytest.mark.parametrize("lost", ["DELETE FROM task_change WHERE seq < 4", "UPDATE task_change SET seq = -seq"])
def test_rows_that_were_taken_out_unread_make_a_whole_listing(
    file: Path,
    person: sqlite3.Connection,
    lost: str,
) -> None:
    """Somebody tidied the change table, or it began anew: nobody knows what changed."""

    async def test(connector: SqlConnector) -> None:
        cursor = (await pages(connector))[-1].cursor
        person.execute("UPDATE task SET name = 'x'")
        person.execute("UPDATE task SET name = 'y'")
        person.execute(lost)
        found = await pages(connector, cursor)
        assert (len(found[-1].records), found[-1].complete) == (2, True)
        assert not (await pages(connector, found[-1].cursor))[-1].complete

    on_sqlite(file, SMALL + "; INSERT INTO task (name) VALUES ('a'), ('b')", test, options={"change_table": SAID})


def test_a_transaction_that_commits_late_is_not_missed(postgres: Engine, postgres_url: str) -> None:
    """It took its number before others, and both listings, the whole one and the next, were too early for it."""

    async def test(connector: SqlConnector) -> None:
        slow, slower = postgres.connect(), postgres.connect()
        slow.execute(sql.text("UPDATE task SET name = 'slow' WHERE id = 1"))
        with postgres.begin() as quick:
            quick.execute(sql.text("UPDATE task SET name = 'quick' WHERE id = 2"))
        cursor = (await pages(connector))[-1].cursor
        slower.execute(sql.text("UPDATE task SET name = 'slower' WHERE id = 3"))
        with postgres.begin() as quick:
            quick.execute(sql.text("UPDATE task SET name = 'quicker' WHERE id = 2"))
        seen: list[list[str]] = []
        for end in (slow, slower, slow):
            (page,) = await pages(connector, cursor)
            cursor = page.cursor
            seen.append([str(record.natives()["name"]) for record in page.records])
            end.commit()
        (page,) = await pages(connector, cursor)
        assert [*seen, list(page.records)] == [["quicker"], ["slow"], ["slower"], []]
        slow.close()
        slower.close()

    table = "CREATE TABLE task (id SERIAL PRIMARY KEY, name TEXT)"
    rows = "INSERT INTO task (name) VALUES ('a'), ('b'), ('c')"
    on_postgres(postgres, postgres_url, [table, *POSTGRES_TRIGGERS, rows], test, options={"change_table": SPOKEN})


def test_missing_numbers_are_remembered_within_the_window() -> None:
    """And written as ranges, so that a cursor stays short."""
    progress = Progress(10)
    progress.note([1, 2, 5])
    assert progress.cursor == {"sequence": 5, "missing": [[3, 4]]}
    progress.note([4, 9])
    assert progress.cursor == {"sequence": 9, "missing": [[3, 3], [6, 8]]}
    progress.note([1000])
    assert progress.cursor == {"sequence": 1000, "missing": [[991, 999]]}
    again = Progress.of(progress.cursor, 10)
    assert again is not None
    assert again.cursor == progress.cursor


@pytest.mark.parametrize(
    ("said", "near"),
    [({**SAID, "table": "task_chang"}, "'task_change'"), ({**SAID, "sequence": "sec"}, "'seq'")],
)
def test_a_misspelt_name_is_answered_with_the_nearest(file: Path, said: Any, near: str) -> None:
    """Also by `check`."""

    async def test(connector: SqlConnector) -> None:
        with pytest.raises(ProtocolError, match=f"did you mean {near}"):
            await pages(connector)
        ((_, readable, why),) = await connector.check()
        assert not readable
        assert near in why

    on_sqlite(file, SMALL, test, options={"change_table": said})
