"""One Tryton for all tests of a session."""

from collections.abc import Iterator

import pytest

from tests.real.server import SYSTEMS
from tests.real.tryton.instance import Tryton, running


@pytest.fixture(scope="session")
def tryton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tryton]:
    """Started for this session, with its own database."""
    assert (SYSTEMS / "trytond").is_file(), f"there is no Tryton in {SYSTEMS}: run `make systems`"
    with running(tmp_path_factory.mktemp("tryton")) as started:
        yield started
