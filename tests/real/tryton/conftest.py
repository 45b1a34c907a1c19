"""One Tryton for all tests of a session."""

from collections.abc import Iterator

import pytest

from tests.real.tryton.instance import SYSTEMS, Tryton, start, stop


@pytest.fixture(scope="session")
def tryton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tryton]:
    """Started for this session, with its own database."""
    assert (SYSTEMS / "trytond").is_file(), f"there is no Tryton in {SYSTEMS}: run `make systems`"
    running = start(tmp_path_factory.mktemp("tryton"))
    yield running
    stop(running)
