"""One Redmine for all tests of a session."""

from collections.abc import Iterator

import pytest

from tests.real.redmine.instance import Redmine, installed, running


@pytest.fixture(scope="session")
def redmine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redmine]:
    """Started for this session, with its own database."""
    assert installed(), "Redmine is not installed: run `make test-real`"
    with running(tmp_path_factory.mktemp("redmine")) as started:
        yield started
