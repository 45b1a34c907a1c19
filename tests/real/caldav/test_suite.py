"""The connector `caldav` against Radicale, a CalDAV server by somebody else: the conformance suite."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from accord.config.load import load
from accord.config.meaning import System
from accord.connectors.registry import connect
from accord.testing import ConnectorSuite, Harness
from tests.real.caldav.conftest import PASSWORD, USER, Radicale

pytestmark = pytest.mark.xdist_group("radicale")


def described(radicale: Radicale, folder: Path, datatype: str | None = None, below: str = "") -> System:
    """The system as a project file says it."""
    file = folder / "accord.yaml"
    file.write_text(f"""\
accord: 1
systems:
  tasks:
    connector: caldav
    base_url: {radicale.url}{below}
    auth: {{type: basic, username: {USER}, password: {PASSWORD}}}
    clock: {{zone: Europe/Oslo}}
    datatypes:
      task: {datatype or f"{{path: {radicale.calendar}/}}"}
flows: {{}}
""")
    return load(file).systems["tasks"]


class TestCaldav(ConnectorSuite):
    """In a new calendar for each test; the person's program gives names that are not the UID."""

    @pytest.fixture(autouse=True)
    def _server(self, server: Radicale, tmp_path: Path) -> None:
        self.server, self.folder = server, tmp_path

    @contextmanager
    def make(self) -> Iterator[Harness]:
        self.server.empty()
        yield Harness(
            connector=connect(described(self.server, self.folder)),
            datatype="task",
            text="summary",
            unmapped="description",
            insert=self.server.insert,
            edit=self.server.edit,
            delete=self.server.delete,
            get=self.server.get,
        )
