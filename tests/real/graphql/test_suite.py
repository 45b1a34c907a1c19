"""The connector `graphql` on a tracker made with Strawberry, against the conformance suite."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from accord.connectors.registry import connect
from accord.testing import ConnectorSuite, Harness
from tests.real.graphql.conftest import Tracker
from tests.real.graphql.described import EDGES, PLAIN, VERSIONED, described

pytestmark = pytest.mark.xdist_group("graphql")


class TrackerSuite(ConnectorSuite):
    """The running tracker, emptied before each test."""

    datatype: str
    more = ""

    @pytest.fixture(autouse=True)
    def _server(self, server: Tracker, tmp_path: Path) -> None:
        self.server, self.folder = server, tmp_path

    @contextmanager
    def make(self) -> Iterator[Harness]:
        self.server.empty()
        yield Harness(
            connector=connect(described(self.server, self.folder, self.datatype, self.more)),
            datatype="issue",
            text="title",
            unmapped="note",
            decimal="estimate",
            unique="code",
            insert=self.server.insert,
            edit=self.server.edit,
            delete=self.server.delete,
            get=self.server.get,
        )


class TestVersioned(TrackerSuite):
    """A connection, payloads with `userErrors`, a version, a search, changes since a time, our own key."""

    datatype = VERSIONED


class TestEdges(TrackerSuite):
    """`edges` and `node`, and creates with a key."""

    datatype = EDGES


class TestPlain(TrackerSuite):
    """An offset list, one variable for each value, no version, an error where nothing is; without introspection."""

    datatype = PLAIN
    more = "introspection: false"
