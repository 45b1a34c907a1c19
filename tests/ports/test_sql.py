"""What only databases do: types, triggers, scopes, hostile names, lost commits."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sql
from sqlalchemy.engine import Engine

from accord.connectors.sql import SqlConnector
from accord.errors import MendFile, ProtocolError, Unauthorized, Unreachable
from accord.model import Absence, Outcome, OutcomeKind, Record
from accord.ports import Expects, NewRecord, Page
from accord.testing import ground
from tests.ports.cut_line import Line
from tests.ports.sql_harness import by_version, system

T = TypeVar("T")
Test = Callable[[SqlConnector], Coroutine[Any, Any, T]]
PLAIN = "CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT)"


def on(url: str, test: Test[T], paths: tuple[str, ...] = ("name",), **settings: Any) -> T:
    """Run a test on an opened connector."""

    async def run() -> T:
        connector = SqlConnector(system(url, **settings))
        await connector.open({"task": paths})
        try:
            return await test(connector)
        finally:
            await connector.close()

    return asyncio.run(run())


def on_sqlite(file: Path, statements: str, test: Test[T], paths: tuple[str, ...] = ("name",), **settings: Any) -> T:
    """The same on a new SQLite file."""
    with sqlite3.connect(file) as connection:
        connection.executescript(statements)
    return on(f"sqlite:///{file}", test, paths, **settings)


def on_postgres(
    engine: Engine, url: str, statements: list[str], test: Test[T], paths: tuple[str, ...] = ("name",), **settings: Any
) -> T:
    """The same on PostgreSQL, with these statements run before."""
    with engine.begin() as connection:
        for statement in ("DROP TABLE IF EXISTS task CASCADE", *statements):
            connection.exec_driver_sql(statement)
    return on(url, test, paths, **settings)


async def pages(connector: SqlConnector, cursor: Any = None) -> list[Page]:
    return [page async for page in connector.read("task", cursor)]


async def shown(connector: SqlConnector, id: str = "1") -> Record:
    record = (await connector.fetch("task", [id]))[id]
    assert isinstance(record, Record)
    return record


async def created(connector: SqlConnector, **natives: Any) -> Outcome:
    return (await connector.create("task", [NewRecord(natives=natives, token="token")]))[0]


def test_every_type_of_postgres_is_shown_as_json(postgres: Engine, postgres_url: str) -> None:
    """And what was shown can be written back and is the ground of an update."""
    columns = {
        "n": ("NUMERIC(10,3)", "12.340", Decimal("12.340")),
        "f": ("DOUBLE PRECISION", "0.1", Decimal("0.1")),
        "r": ("REAL", "0.1", Decimal("0.1")),
        "b": ("BOOLEAN", "true", True),
        "d": ("DATE", "2026-01-31", "2026-01-31"),
        "t": ("TIMESTAMP", "2026-01-31 10:00:00", "2026-01-31T10:00:00"),
        "z": ("TIMESTAMPTZ", "2026-01-31 10:00:00+02", "2026-01-31T08:00:00+00:00"),
        "u": ("UUID", "6f9619ff-8b86-d011-b42d-00c04fc964ff", "6f9619ff-8b86-d011-b42d-00c04fc964ff"),
        "j": ("JSONB", '{"a": 1.50}', {"a": Decimal("1.50")}),
        "k": ("JSON", '[1, "x"]', [1, "x"]),
        "l": ("TEXT[]", "{a,b}", ["a", "b"]),
    }
    create = (
        "CREATE TABLE task (id SERIAL, " + ", ".join(f"{name} {kind}" for name, (kind, *_) in columns.items()) + ")"
    )
    values = ", ".join(f"'{text}'" for _, text, _ in columns.values())

    async def test(connector: SqlConnector) -> None:
        record = await shown(connector)
        assert record.natives() == {name: value for name, (*_, value) in columns.items()}
        outcome = await connector.update("task", "1", record.natives(), ground(record))
        assert outcome.kind is OutcomeKind.APPLIED, outcome.message
        assert outcome.record == record

    insert = f"INSERT INTO task ({', '.join(columns)}) VALUES ({values})"
    on_postgres(postgres, postgres_url, [create, insert.replace("%", "%%")], test, tuple(columns))


def test_every_type_of_sqlite_is_shown_as_json(file: Path) -> None:
    """The same, where the database has hardly any types."""
    statements = """
        CREATE TABLE task (id INTEGER PRIMARY KEY, n NUMERIC(10,2), f REAL, b BOOLEAN, d DATE, t DATETIME, j JSON);
        INSERT INTO task VALUES (1, 12.34, 0.1, 1, '2026-01-31', '2026-01-31 10:00:00', '{"a": 1.50}');
    """

    async def test(connector: SqlConnector) -> None:
        record = await shown(connector)
        assert record.natives() == {
            "n": Decimal("12.34"),
            "f": Decimal("0.1"),
            "b": True,
            "d": "2026-01-31",
            "t": "2026-01-31T10:00:00",
            "j": {"a": Decimal("1.50")},
        }
        patch = {key: value for key, value in record.natives().items() if key != "j"}
        outcome = await connector.update("task", "1", patch, Expects(natives=patch))
        assert outcome.record == record, outcome.message

    on_sqlite(file, statements, test, ("n", "f", "b", "d", "t", "j"))
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT t, typeof(n) FROM task").fetchone() == ("2026-01-31 10:00:00", "real")


def test_a_time_with_zone_is_written_into_the_zone_of_the_column(postgres: Engine, postgres_url: str) -> None:
    """A column without zone holds the system's own time; PostgreSQL itself would drop the zone silently."""

    async def test(connector: SqlConnector) -> None:
        outcome = await created(connector, t="2026-07-01T10:00:00+00:00", z="2026-07-01T10:00:00")
        assert outcome.record is not None, outcome.message
        assert outcome.record.natives() == {"t": "2026-07-01T12:00:00", "z": "2026-07-01T08:00:00+00:00"}

    create = "CREATE TABLE task (id SERIAL PRIMARY KEY, t TIMESTAMP, z TIMESTAMPTZ)"
    on_postgres(postgres, postgres_url, [create], test, ("t", "z"))


@pytest.mark.parametrize("value", ["no number", Decimal("1234567890123456.78"), [1], True])
def test_a_value_that_a_column_cannot_hold_is_rejected(file: Path, value: Any) -> None:
    """With the column's name; nothing is rounded or made up."""

    async def test(connector: SqlConnector) -> None:
        outcome = await created(connector, price=value)
        assert outcome.kind is OutcomeKind.REJECTED
        assert "price" in (outcome.message or "")
        assert (await pages(connector))[-1].records == []

    on_sqlite(file, "CREATE TABLE task (id INTEGER PRIMARY KEY, price NUMERIC(18,2))", test, ("price",))


def test_a_record_that_cannot_be_read_stops_itself(postgres: Engine, postgres_url: str) -> None:
    """An infinite date and a binary value are failures; the rows around them are shown."""
    statements = [
        "CREATE TABLE task (id SERIAL PRIMARY KEY, d TIMESTAMP, b BYTEA)",
        "INSERT INTO task (d, b) VALUES ('2026-01-01', NULL), ('infinity', NULL), (NULL, 'x'), (NULL, NULL)",
    ]

    async def test(connector: SqlConnector) -> None:
        (page,) = await pages(connector)
        assert [record.id for record in page.records] == ["1", "4"]
        assert [failure.id for failure in page.failures] == ["2", "3"]
        found = await connector.fetch("task", ["2", "3", "4"])
        assert [found["2"], found["3"]] == [Absence.FAILED, Absence.FAILED]

    on_postgres(postgres, postgres_url, statements, test, ("d", "b"))


def test_hostile_names_are_only_names(file: Path) -> None:
    """Identifiers are quoted."""
    column = '"; DROP TABLE task;--'
    quoted = '"' + column.replace('"', '""') + '"'

    async def test(connector: SqlConnector) -> None:
        outcome = await created(connector, **{column: "one"})
        assert outcome.record is not None, outcome.message
        changed = await connector.update("task", "1", {column: "two"}, ground(outcome.record))
        assert changed.record is not None
        assert changed.record.natives() == {column: "two"}
        assert len(await connector.find("task", {column: "two"})) == 1

    on_sqlite(file, f"CREATE TABLE task (id INTEGER PRIMARY KEY, {quoted} TEXT)", test, (column,))


def test_what_triggers_did_is_in_the_answer(file: Path) -> None:
    """Also triggers that run after the statement."""
    statements = """
        CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT, row_version INTEGER DEFAULT 1);
        CREATE TRIGGER upper AFTER UPDATE OF name ON task
        BEGIN UPDATE task SET name = upper(name), row_version = row_version + 10 WHERE id = new.id; END;
        INSERT INTO task (name) VALUES ('one');
    """

    async def test(connector: SqlConnector) -> None:
        outcome = await connector.update("task", "1", {"name": "two"}, ground(await shown(connector)))
        assert outcome.record == await shown(connector)
        assert outcome.record is not None
        assert (outcome.record.natives(), outcome.record.version) == ({"name": "TWO"}, 12)

    on_sqlite(file, statements, test, version=by_version())


def test_a_version_that_the_database_counts_is_left_to_it(file: Path) -> None:
    """A column named in `generated` is never written."""
    statements = """
        CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT, row_version INTEGER DEFAULT 1);
        INSERT INTO task (name) VALUES ('one');
    """

    async def test(connector: SqlConnector) -> None:
        await connector.update("task", "1", {"name": "two"}, ground(await shown(connector)))
        assert (await shown(connector)).version == 1
        refused = await connector.update("task", "1", {"row_version": 7}, Expects())
        assert refused.kind is OutcomeKind.REJECTED

    on_sqlite(file, statements, test, version=by_version(), options={"generated": ["row_version"]})


def test_a_change_of_case_only_is_noticed(file: Path) -> None:
    """Where the column compares without case, the precondition does not."""
    statements = (
        "CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE); INSERT INTO task VALUES (1, 'a')"
    )

    async def test(connector: SqlConnector) -> None:
        outcome = await connector.update("task", "1", {"name": "b"}, Expects(natives={"name": "A"}))
        assert outcome.kind is OutcomeKind.STALE

    on_sqlite(file, statements, test)


def test_a_row_without_an_id_is_refused_by_itself(file: Path) -> None:
    """SQLite takes NULL for a primary key of text: nothing could be linked with such a row, and none is left."""

    async def work(connector: SqlConnector) -> list[Outcome]:
        new = [NewRecord(natives={"id": id, "name": name}, token=name) for id, name in ((None, "no id"), ("a", "one"))]
        return await connector.create("task", new)

    refused, made = on_sqlite(file, "CREATE TABLE task (id TEXT PRIMARY KEY, name TEXT)", work, ("id", "name"))
    assert (refused.kind, made.kind) == (OutcomeKind.REJECTED, OutcomeKind.APPLIED)
    assert "'id' of the new row is empty" in str(refused.message)
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT id, name FROM task").fetchall() == [("a", "one")]


def test_where_limits_the_listing_and_not_a_reading_by_id(file: Path) -> None:
    """A record outside of it is out of the listing, and not gone. Its colons are no parameters."""
    statements = """
        CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT, kind TEXT);
        INSERT INTO task VALUES (1, 'one', 'a:b'), (2, 'two', 'x');
    """

    async def test(connector: SqlConnector) -> None:
        (page,) = await pages(connector)
        assert [record.id for record in page.records] == ["1"]
        assert isinstance((await connector.fetch("task", ["2"]))["2"], Record)
        assert await connector.find("task", {"name": "two"}) == []

    on_sqlite(file, statements, test, options={"where": "kind = 'a:b' OR kind = ':name'"})


def test_a_path_into_json_is_read_and_not_written(file: Path) -> None:
    """What is not in the object is absent."""
    statements = """
        CREATE TABLE task (id INTEGER PRIMARY KEY, data JSON);
        INSERT INTO task VALUES (1, '{"email": "a@b.c"}'), (2, '{}');
    """

    async def test(connector: SqlConnector) -> None:
        (page,) = await pages(connector)
        assert [record.natives() for record in page.records] == [{"data.email": "a@b.c"}, {}]
        refused = await connector.update("task", "1", {"data.email": "x"}, Expects())
        assert refused.kind is OutcomeKind.REJECTED
        assert "JSON" in (refused.message or "")

    on_sqlite(file, statements, test, ("data.email",))


def test_a_child_keeps_its_parent(file: Path) -> None:
    """A delete that breaks a reference, and a reference to nothing, are rejected."""
    statements = """
        CREATE TABLE task (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES task (id));
        INSERT INTO task VALUES (1, NULL), (2, 1);
    """

    async def test(connector: SqlConnector) -> None:
        assert (await connector.delete("task", "1", Expects())).kind is OutcomeKind.REJECTED
        assert (await created(connector, parent=99)).kind is OutcomeKind.REJECTED

    on_sqlite(file, statements, test, ("parent",))


def test_a_row_with_a_time_in_the_future_does_not_hide_later_changes(file: Path) -> None:
    """The next reading starts at the latest time that has already come."""
    now = datetime.now(UTC).replace(microsecond=0)
    old, late = (now - timedelta(hours=1)).isoformat(), (now + timedelta(days=900)).isoformat()
    statements = f"""
        CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT, changed_at DATETIME);
        INSERT INTO task VALUES (1, 'one', '{old}'), (2, 'two', '{late}');
    """

    async def test(connector: SqlConnector) -> None:
        cursor = (await pages(connector))[-1].cursor
        with sqlite3.connect(file) as person:
            person.execute("UPDATE task SET name = 'edited', changed_at = ? WHERE id = 1", (now.isoformat(),))
        changed = [record for page in await pages(connector, cursor) for record in page.records]
        assert "edited" in [record.natives()["name"] for record in changed]

    on_sqlite(file, statements, test, modified="changed_at")


def test_times_with_t_and_with_space_are_both_seen(file: Path) -> None:
    """Several programs write into one SQLite file, each in its own style."""
    statements = """
        CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT, changed_at TEXT);
        INSERT INTO task VALUES (1, 'old', '2026-01-05T08:00:00'), (2, 'old', '2026-01-05 08:00:00'),
            (3, 'new', '2026-01-05T12:00:01'), (4, 'new', '2026-01-05 12:00:01'), (5, 'new', NULL);
    """

    async def test(connector: SqlConnector) -> None:
        since = {"since": "2026-01-05T11:00:00+00:00"}
        (page,) = await pages(connector, since)
        assert [record.id for record in page.records] == ["3", "4", "5"]
        assert not page.complete

    on_sqlite(file, statements, test, modified="changed_at")


@pytest.mark.parametrize(
    ("settings", "paths", "near"),
    [
        ({"options": {"table": "tasks"}}, ("name",), "'task'"),
        ({}, ("nmae",), "'name'"),
        ({"id": "idd"}, ("name",), "'id'"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(
    file: Path, settings: dict[str, Any], paths: tuple[str, ...], near: str
) -> None:
    """A table or column that is misspelt is never an empty one."""

    async def test(connector: SqlConnector) -> None:
        with pytest.raises(ProtocolError, match=f"did you mean {near}"):
            await pages(connector)
        ((_, readable, why),) = await connector.check()
        assert not readable
        assert near in why

    on_sqlite(file, PLAIN, test, paths, **settings)


def test_a_database_file_that_is_not_there_is_not_made(file: Path) -> None:
    """SQLite would make an empty one."""

    async def test(connector: SqlConnector) -> None:
        with pytest.raises(Unreachable):
            await pages(connector)

    on(f"sqlite:///{file}", test)
    assert not file.exists()


def test_a_locked_file_is_unreachable_and_nothing_is_written(file: Path) -> None:
    """After the deadline, not for ever."""

    async def test(connector: SqlConnector) -> None:
        with sqlite3.connect(file, isolation_level=None) as person:
            person.execute("BEGIN IMMEDIATE")
            start = time.monotonic()
            with pytest.raises(Unreachable):
                await created(connector, name="one")
            assert time.monotonic() - start < 3
            person.execute("ROLLBACK")
        assert (await pages(connector))[-1].records == []

    on_sqlite(file, PLAIN, test, timeout=0.5)


def test_a_view_is_only_read(file: Path) -> None:
    """Its writes are refused before they are tried."""
    statements = PLAIN + "; INSERT INTO task VALUES (1, 'one'); CREATE VIEW open_task AS SELECT * FROM task"

    async def test(connector: SqlConnector) -> None:
        assert (await shown(connector)).natives() == {"name": "one"}
        assert connector.capabilities("task").read_only
        assert (await created(connector, name="x")).kind is OutcomeKind.REJECTED
        assert await connector.check() == [("task", True, "readable")]

    on_sqlite(file, statements, test, options={"table": None, "view": "open_task"})


def test_the_schema_is_what_the_database_says(postgres: Engine, postgres_url: str) -> None:
    """Type, whether it must be given, length, values, and what is computed."""
    statements = [
        "DROP TYPE IF EXISTS state",
        "CREATE TYPE state AS ENUM ('open', 'done')",
        """CREATE TABLE task (id SERIAL PRIMARY KEY, name VARCHAR(40) NOT NULL, price NUMERIC(10,2), state state,
           total NUMERIC GENERATED ALWAYS AS (price * 2) STORED)""",
    ]

    async def test(connector: SqlConnector) -> None:
        told = (await connector.schema())["task"].properties
        assert (told["name"].type, told["name"].required, told["name"].max_length) == ("string", True, 40)
        assert (told["price"].type, told["price"].required) == ("decimal(2)", False)
        assert (told["state"].type, told["state"].values) == ("enum", ("open", "done"))
        assert [name for name, each in told.items() if each.read_only] == ["id", "total"]

    on_postgres(postgres, postgres_url, statements, test)


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_lost_commit_is_unknown(postgres: Engine, line: Line, cut: Any) -> None:
    """Whether it happened cannot be told; our key finds it out later."""
    create = "CREATE TABLE task (id SERIAL PRIMARY KEY, name TEXT, sync_key TEXT UNIQUE)"

    async def test(connector: SqlConnector) -> None:
        await pages(connector)
        line.cut = cut
        outcome = await created(connector, name="one")
        assert outcome.kind is OutcomeKind.UNKNOWN
        line.cut = None
        found = await connector.find("task", {"sync_key": "token"})
        assert len(found) == (1 if cut == "after" else 0)
        again = await created(connector, name="one")
        assert again.kind is (OutcomeKind.ALREADY if cut == "after" else OutcomeKind.APPLIED)

    on_postgres(postgres, line.url, [create], test, key_property="sync_key")


def test_a_connection_lost_before_is_made_again(postgres: Engine, postgres_url: str) -> None:
    """A reading is repeated at once; a write certainly did not happen, and says so."""
    end = sql.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")

    async def test(connector: SqlConnector) -> None:
        assert (await created(connector, name="one")).kind is OutcomeKind.APPLIED
        with postgres.connect() as person:
            person.execute(end)
        assert len((await pages(connector))[-1].records) == 1
        with postgres.connect() as person:
            person.execute(end)
        with pytest.raises(Unreachable):
            await created(connector, name="two")
        assert (await created(connector, name="two")).kind is OutcomeKind.APPLIED

    on_postgres(postgres, postgres_url, ["CREATE TABLE task (id SERIAL PRIMARY KEY, name TEXT)"], test)


def test_a_table_that_is_altered_under_way_can_still_be_written(postgres: Engine, postgres_url: str) -> None:
    """A plan that the server kept ("cached plan must not change result type") does not stop the connector."""

    async def test(connector: SqlConnector) -> None:
        for number in range(8):
            await connector.update("task", "1", {"name": f"before {number}"}, Expects())
        with postgres.begin() as person:
            person.execute(sql.text("ALTER TABLE task ALTER COLUMN name TYPE VARCHAR(80)"))
        for number in range(8):
            outcome = await connector.update("task", "1", {"name": f"after {number}"}, Expects())
            assert outcome.kind is OutcomeKind.APPLIED

    statements = ["CREATE TABLE task (id SERIAL PRIMARY KEY, name TEXT)", "INSERT INTO task (name) VALUES ('a')"]
    on_postgres(postgres, postgres_url, statements, test)


def test_a_row_locked_by_somebody_is_not_waited_for_without_end(postgres: Engine, postgres_url: str) -> None:
    """The statement has the system's deadline."""
    statements = ["CREATE TABLE task (id SERIAL PRIMARY KEY, name TEXT)", "INSERT INTO task (name) VALUES ('one')"]

    async def test(connector: SqlConnector) -> None:
        with postgres.begin() as person:
            person.execute(sql.text("UPDATE task SET name = 'a person'"))
            with pytest.raises(Unreachable):
                await connector.update("task", "1", {"name": "ours"}, Expects())
        assert (await shown(connector)).natives() == {"name": "a person"}

    on_postgres(postgres, postgres_url, statements, test, timeout=0.5)


def test_a_person_who_commits_first_makes_us_stale(postgres: Engine, postgres_url: str) -> None:
    """The UPDATE waits for the other transaction and then looks at the row as it is."""
    statements = ["CREATE TABLE task (id SERIAL PRIMARY KEY, name TEXT)", "INSERT INTO task (name) VALUES ('one')"]

    async def test(connector: SqlConnector) -> None:
        person = postgres.connect()
        person.execute(sql.text("UPDATE task SET name = 'a person'"))
        threading.Timer(0.3, lambda: (person.commit(), person.close())).start()
        outcome = await connector.update("task", "1", {"name": "ours"}, Expects(natives={"name": "one"}))
        assert outcome.kind is OutcomeKind.STALE
        assert (await shown(connector)).natives() == {"name": "a person"}

    on_postgres(postgres, postgres_url, statements, test)


def test_a_user_without_rights_is_unauthorized(postgres: Engine, postgres_url: str) -> None:
    """The whole table is refused; that is no missing record."""
    statements = [
        "CREATE TABLE task (id SERIAL PRIMARY KEY, name TEXT)",
        "DROP ROLE IF EXISTS guest",
        "CREATE ROLE guest LOGIN",
    ]

    async def test(connector: SqlConnector) -> None:
        with pytest.raises(Unauthorized):
            await pages(connector)

    on_postgres(postgres, postgres_url.replace("postgres:@", "guest:@"), statements, test)


def test_a_deferred_constraint_rejects_only_its_row(postgres: Engine, postgres_url: str) -> None:
    """It is noticed at COMMIT, where the whole batch fails."""
    create = """CREATE TABLE task (id SERIAL PRIMARY KEY, name TEXT,
        parent INTEGER REFERENCES task DEFERRABLE INITIALLY DEFERRED)"""

    async def test(connector: SqlConnector) -> None:
        new = [NewRecord(natives={"parent": parent}, token=str(parent)) for parent in (None, 999, None)]
        outcomes = await connector.create("task", new)
        assert [outcome.done for outcome in outcomes] == [True, False, True]
        assert outcomes[1].kind is OutcomeKind.REJECTED

    on_postgres(postgres, postgres_url, [create], test, ("parent",))


def test_a_listing_of_many_pages_shows_each_row_once(file: Path) -> None:
    """Also when rows are added and removed behind and before the place where it is."""

    async def test(connector: SqlConnector) -> None:
        seen: list[str] = []
        async for page in connector.read("task", None):
            seen += [record.id for record in page.records]
            with sqlite3.connect(file) as person:
                person.execute("DELETE FROM task WHERE id = 1")
                person.execute("INSERT INTO task (name) VALUES ('late')")
        assert seen[:3000] == [str(number) for number in range(1, 3001)]
        assert len(seen) == len(set(seen))

    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT i FROM n"
    on_sqlite(file, f"{PLAIN}; INSERT INTO task (name) {numbers}", test)


def test_a_url_without_driver_or_sense_must_be_mended() -> None:
    """The password is not in the message."""
    for url in ("no url", "nodb://me:secret@host/x"):
        with pytest.raises(MendFile) as raised:
            asyncio.run(SqlConnector(system(url)).check())
        assert "secret" not in str(raised.value)
