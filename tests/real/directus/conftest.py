"""One Directus for all tests of a session, with two collections."""

from collections.abc import Iterator

import pytest

from tests.real.directus.instance import Directus, installed, running

PRICE = {"type": "decimal", "schema": {"numeric_precision": 10, "numeric_scale": 2}}
FIELDS = {
    "name": {"type": "string"},
    "notes": {"type": "text"},
    "number": {"type": "string", "schema": {"is_unique": True}},
    "price": PRICE,
    "due": {"type": "date"},
    "active": {"type": "boolean"},
    "accord_key": {"type": "string"},
}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directus]:
    """Started for this session, with its own database."""
    assert installed(), "Directus is not installed: run `make test-directus`"
    with running(tmp_path_factory.mktemp("directus")) as started:
        started.collection("customers", "uuid", FIELDS, date_updated=["date-created", "date-updated"])
        started.collection("counted", "integer", FIELDS)
        yield started


@pytest.fixture
def directus(server: Directus) -> Directus:
    """With empty collections."""
    for name in ("customers", "counted"):
        server.empty(name)
    return server
