"""The SQL connector on SQLite and PostgreSQL, against the conformance suite."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql
from sqlalchemy.engine import Engine

from accord.testing import ConnectorSuite, Harness
from tests.ports.sql_harness import People, by_version, harness, system

COLUMNS = """
    name {text}, number {text} UNIQUE, price NUMERIC(14, 2), notes {text}, sync_key {text} UNIQUE,
    row_version INTEGER NOT NULL DEFAULT 1, changed_at {time} NOT NULL DEFAULT CURRENT_TIMESTAMP
"""
SQLITE = f"CREATE TABLE task (id INTEGER PRIMARY KEY, {COLUMNS.format(text='VARCHAR(200)', time='DATETIME')})"
SQLITE_BY_TRIGGER = [
    f"CREATE TABLE task (id VARCHAR(20) UNIQUE, {COLUMNS.format(text='TEXT', time='TEXT')})",
    """CREATE TRIGGER numbered AFTER INSERT ON task WHEN new.id IS NULL
       BEGIN UPDATE task SET id = printf('T-%04d', new.rowid) WHERE rowid = new.rowid; END""",
]
POSTGRES = f"CREATE TABLE task (id SERIAL PRIMARY KEY, {COLUMNS.format(text='TEXT', time='TIMESTAMPTZ')})"
POSTGRES_BY_TRIGGER = [
    f"""CREATE TABLE task (id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
        {COLUMNS.format(text="TEXT", time="TIMESTAMP")})""",
    """CREATE OR REPLACE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN new.row_version = old.row_version + 1; new.changed_at = now(); RETURN new; END $$""",
    "CREATE TRIGGER touched BEFORE UPDATE ON task FOR EACH ROW EXECUTE FUNCTION touched()",
]


class SqliteSuite(ConnectorSuite):
    """On a new file for each test."""

    statements = [SQLITE]
    settings: dict[str, Any] = {"modified": "changed_at", "version": by_version(), "key_property": "sync_key"}

    @pytest.fixture(autouse=True)
    def _in_folder(self, tmp_path: Path) -> None:
        self.url = f"sqlite:///{tmp_path}/erp.db"

    @contextmanager
    def make(self) -> Iterator[Harness]:
        engine = sql.create_engine(self.url)
        _execute(engine, self.statements)
        bump = "version" in self.settings
        yield harness(engine, system(self.url, **self.settings), People(engine, bump=bump))
        engine.dispose()


class TestSqlite(SqliteSuite):
    """With a version column, a modification time and our own key."""


class TestSqliteByValues(SqliteSuite):
    """Without version: the WHERE compares values."""

    settings = {"key_property": "notes"}

    @contextmanager
    def make(self) -> Iterator[Harness]:
        with super().make() as made:
            made.unmapped = "sync_key"
            yield made


class TestSqliteWithIdsFromATrigger(SqliteSuite):
    """The id is not known when the INSERT returns."""

    statements = SQLITE_BY_TRIGGER
    settings = {"modified": "changed_at", "key_property": "sync_key"}

    @contextmanager
    def make(self) -> Iterator[Harness]:
        with super().make() as made:
            insert = made.insert

            def numbered(natives: Any) -> str:
                insert(natives)
                with sql.create_engine(self.url).connect() as connection:
                    return str(connection.scalar(sql.text("SELECT id FROM task ORDER BY rowid DESC LIMIT 1")))

            made.insert = numbered
            yield made


class PostgresSuite(ConnectorSuite):
    """On a new table for each test."""

    statements = [POSTGRES]
    settings: dict[str, Any] = {"modified": "changed_at", "version": by_version(), "key_property": "sync_key"}
    bump = True

    @pytest.fixture(autouse=True)
    def _server(self, postgres_url: str, postgres: Engine) -> None:
        self.url, self.engine = postgres_url, postgres

    @contextmanager
    def make(self) -> Iterator[Harness]:
        _execute(self.engine, ["DROP TABLE IF EXISTS task", *self.statements])
        yield harness(self.engine, system(self.url, **self.settings), People(self.engine, bump=self.bump))


class TestPostgres(PostgresSuite):
    """Serial ids, times with zone, a version that Accord counts up."""


class TestPostgresByValues(PostgresSuite):
    """Without version: the WHERE compares values."""

    settings = {"modified": "changed_at"}


class TestPostgresWithTriggers(PostgresSuite):
    """UUIDs, times without zone, and a version that the database counts up itself."""

    statements = POSTGRES_BY_TRIGGER
    settings = {
        "modified": "changed_at",
        "version": by_version(),
        "key_property": "sync_key",
        "options": {"generated": ["row_version"]},
    }
    bump = False

    def test_an_ordered_listing_is_in_the_order_of_ids(self) -> None:
        pytest.skip("the ids are random")


def _execute(engine: Engine, statements: list[str]) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(
                statement.replace("%", "%%") if engine.dialect.name == "postgresql" else statement
            )
