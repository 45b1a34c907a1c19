"""What MariaDB does to values, and what the connector makes of it. The server is not strict."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sql
from sqlalchemy.engine import Engine

from accord.connectors.sql import SqlConnector
from accord.model import Native, OutcomeKind, Record
from accord.ports import Expects, NewRecord
from accord.testing import ground
from tests.ports.sql_harness import by_version, system
from tests.real.mariadb.test_suite import execute

pytestmark = pytest.mark.xdist_group("mariadb")
TABLE = """CREATE TABLE task (
  id INTEGER PRIMARY KEY AUTO_INCREMENT, name VARCHAR(10), wide DECIMAL(40, 15), single FLOAT, wholly DOUBLE,
  day DATE, moment DATETIME, exact DATETIME(6), clock TIME, flag BOOLEAN, state ENUM('open', 'done'),
  latin VARCHAR(10) CHARACTER SET latin1, sync_key VARCHAR(100) UNIQUE, row_version INTEGER NOT NULL DEFAULT 1,
  CONSTRAINT short CHECK (name <> 'forbidden')
)"""
PATHS = ("name", "wide", "single", "wholly", "day", "moment", "exact", "clock", "flag", "state", "latin")


def run(url: str, test: Callable[[SqlConnector], Awaitable[None]], **settings: Any) -> None:
    """One test with an open connector."""

    async def inside() -> None:
        connector = SqlConnector(system(url, **settings))
        await connector.open({"task": PATHS})
        try:
            await test(connector)
        finally:
            await connector.close()

    asyncio.run(inside())


@pytest.fixture
def table(mariadb: Engine) -> Engine:
    """An empty table."""
    execute(mariadb, "DROP TABLE IF EXISTS task", TABLE)
    return mariadb


async def shown(connector: SqlConnector, id: str = "1") -> Record:
    found = (await connector.fetch("task", [id]))[id]
    assert isinstance(found, Record), found
    return found


VALUES: list[tuple[str, Native]] = [
    ("wide", Decimal("1234567890123456789012345.678901234567890")),
    ("wide", Decimal("-0.000000000000001")),
    ("single", Decimal("0.1")),
    ("wholly", Decimal("0.1")),
    ("wholly", Decimal("1.7976931348623157E+308")),
    ("day", "2026-02-28"),
    ("moment", "2026-10-25T02:30:00"),
    ("exact", "2026-10-25T02:30:00.123456"),
    ("clock", "23:59:59"),
    ("flag", 1),
    ("state", "done"),
    ("name", "👩‍👩‍👧 ø\\n"),
    ("name", "'\\' OR 1"),
    ("name", " a "),
    ("name", "%s :x %%"),
    ("name", ""),
    ("latin", "ÅØ é"),
]


@pytest.mark.parametrize("mode", ["NO_ENGINE_SUBSTITUTION", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES"])
@pytest.mark.parametrize(("path", "value"), VALUES)
def test_a_value_is_kept_digit_by_digit(table: Engine, mariadb_url: str, mode: str, path: str, value: Native) -> None:
    """Written by a create and by an update, read back as it is, and the ground of the next write."""
    execute(table, f"SET GLOBAL sql_mode = '{mode}'")

    async def test(connector: SqlConnector) -> None:
        (made,) = await connector.create("task", [NewRecord(natives={path: value}, token="k")])
        assert made.record is not None, made.message
        assert made.record.natives()[path] == value
        await connector.update("task", "1", {path: None}, ground(made.record))
        again = await connector.update("task", "1", {path: value}, ground(await shown(connector)))
        assert again.record is not None, again.message
        assert again.record.natives()[path] == value
        same = await connector.update("task", "1", {path: value}, ground(again.record))
        assert same.kind is OutcomeKind.APPLIED
        assert (await connector.delete("task", "1", ground(again.record))).kind is OutcomeKind.APPLIED

    try:
        run(mariadb_url, test, key_property="sync_key")
    finally:
        execute(table, "SET GLOBAL sql_mode = 'NO_ENGINE_SUBSTITUTION'")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("name", "eleven long"),
        ("name", "forbidden"),
        ("wide", Decimal("1e30")),
        ("state", "lost"),
        ("day", "2026-02-29"),
        ("latin", "漢字"),
        ("latin", "🙂"),
    ],
)
def test_what_a_lax_server_would_bend_is_refused(table: Engine, mariadb_url: str, path: str, value: Native) -> None:
    """In our session it is strict: nothing is cut, rounded away or replaced by a question mark; the others are made."""

    async def test(connector: SqlConnector) -> None:
        new = [NewRecord(natives={path: value}, token="bad"), NewRecord(natives={"name": "good"}, token="good")]
        bad, good = await connector.create("task", new)
        assert (bad.kind, good.kind) == (OutcomeKind.REJECTED, OutcomeKind.APPLIED), bad
        assert good.record is not None
        refused = await connector.update("task", good.record.id, {path: value}, ground(good.record))
        assert refused.kind is OutcomeKind.REJECTED
        assert await shown(connector, good.record.id) == good.record

    run(mariadb_url, test, key_property="sync_key")
    with table.connect() as connection:
        assert connection.scalar(sql.text("SELECT COUNT(*) FROM task")) == 1


@pytest.mark.parametrize("edited", ["tent", "TENT", "Tént", "Tent ", "Tent\\"])
def test_an_edit_that_a_collation_does_not_see(table: Engine, mariadb_url: str, edited: str) -> None:
    """Case, accents and blanks at the end are edits, though the column's collation takes them for the same."""

    async def test(connector: SqlConnector) -> None:
        (made,) = await connector.create("task", [NewRecord(natives={"name": "Tent"}, token="k")])
        assert made.record is not None
        with table.begin() as connection:
            connection.execute(sql.text("UPDATE task SET name = :name"), {"name": edited})
        assert (await connector.update("task", "1", {"name": "ours"}, ground(made.record))).kind is OutcomeKind.STALE
        assert (await connector.delete("task", "1", ground(made.record))).kind is OutcomeKind.STALE
        assert (await shown(connector)).natives()["name"] == edited
        assert await connector.find("task", {"name": "Tent"}) == []
        assert [record.id for record in await connector.find("task", {"name": edited})] == ["1"]

    run(mariadb_url, test, key_property="sync_key")


@pytest.mark.parametrize("settings", [{"version": by_version()}, {}], ids=["version", "values"])
def test_of_twenty_writes_on_the_same_ground_one_passes(
    table: Engine, mariadb_url: str, settings: dict[str, Any]
) -> None:
    """By two connectors at once; rows that are found count, and not rows that are changed by the write."""

    async def run_both() -> None:
        one, two = SqlConnector(system(mariadb_url, **settings)), SqlConnector(system(mariadb_url, **settings))
        for connector in (one, two):
            await connector.open({"task": PATHS})
        try:
            await one.create("task", [NewRecord(natives={"name": "before"}, token="k")])
            seen = await shown(one)
            outcomes = await asyncio.gather(
                *((one, two)[n % 2].update("task", "1", {"name": f"by {n}"}, ground(seen)) for n in range(20))
            )
            assert sorted(outcome.kind.value for outcome in outcomes) == ["applied"] + ["stale"] * 19
            (done,) = [f"by {n}" for n, outcome in enumerate(outcomes) if outcome.kind is OutcomeKind.APPLIED]
            assert (await shown(two)).natives()["name"] == done
        finally:
            await one.close()
            await two.close()

    asyncio.run(run_both())


def test_twenty_updates_of_twenty_rows_lose_none(table: Engine, mariadb_url: str) -> None:
    """At once, while a person edits another column of each."""

    async def test(connector: SqlConnector) -> None:
        new = [NewRecord(natives={"name": f"n{number}"}, token=f"k{number}") for number in range(20)]
        made = await connector.create("task", new)
        records = [outcome.record for outcome in made if outcome.record is not None]
        with table.begin() as connection:
            connection.execute(sql.text("UPDATE task SET latin = 'person'"))
        outcomes = await asyncio.gather(
            *(
                connector.update("task", record.id, {"name": f"m{record.id}"}, Expects(natives={"name": f"n{number}"}))
                for number, record in enumerate(records)
            )
        )
        assert {outcome.kind for outcome in outcomes} == {OutcomeKind.APPLIED}
        for record in records:
            now = (await shown(connector, record.id)).natives()
            assert (now["name"], now["latin"]) == (f"m{record.id}", "person")

    run(mariadb_url, test, key_property="sync_key")


def test_a_change_table_that_triggers_fill(table: Engine, mariadb_url: str) -> None:
    """Only what changed is read, and deletions are told."""
    one = "INSERT INTO task_changes (id, op) VALUES ({}.id, '{}')"
    execute(
        table,
        "DROP TABLE IF EXISTS task_changes",
        "CREATE TABLE task_changes (seq BIGINT PRIMARY KEY AUTO_INCREMENT, id INTEGER NOT NULL, op CHAR(1) NOT NULL)",
        f"CREATE TRIGGER task_i AFTER INSERT ON task FOR EACH ROW {one.format('new', 'I')}",
        f"CREATE TRIGGER task_u AFTER UPDATE ON task FOR EACH ROW {one.format('new', 'U')}",
        f"CREATE TRIGGER task_d AFTER DELETE ON task FOR EACH ROW {one.format('old', 'D')}",
    )

    async def test(connector: SqlConnector) -> None:
        new = [NewRecord(natives={"name": name}, token=name) for name in ("kept", "edited", "gone")]
        await connector.create("task", new)
        whole = [page async for page in connector.read("task", None)]
        assert len([record for page in whole for record in page.records]) == 3
        execute(table, "UPDATE task SET name = 'after' WHERE id = 2", "DELETE FROM task WHERE id = 3")
        pages = [page async for page in connector.read("task", whole[-1].cursor)]
        names = {record.id: record.natives()["name"] for page in pages for record in page.records}
        assert names["2"] == "after"
        assert [id for page in pages for id in page.deleted] == ["3"]

    options = {"change_table": {"table": "task_changes", "operation": "op", "deleted": ["D"], "overlap": 1}}
    run(mariadb_url, test, key_property="sync_key", options=options)


def test_wrong_passwords_and_names_are_told_apart(table: Engine, mariadb_url: str) -> None:
    """As for other databases, and without the password."""

    async def failed(url: str, **settings: Any) -> str:
        connector = SqlConnector(system(url, **settings))
        await connector.open({"task": ("name",)})
        try:
            ((_, ok, said),) = await connector.check()
            assert not ok
            return said
        finally:
            await connector.close()

    wrong = asyncio.run(failed(mariadb_url.replace("root@", "root:wrong-secret@")))
    assert "Access denied" in wrong
    assert "wrong-secret" not in wrong
    assert "there is no table 'tsak'" in asyncio.run(failed(mariadb_url, options={"table": "tsak"}))
    assert "nowhere" in asyncio.run(failed(mariadb_url.replace("/accord", "/nowhere")))
