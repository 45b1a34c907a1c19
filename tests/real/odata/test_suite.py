"""odata-v4-server against the conformance suite, and how it behaves."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from accord.connectors.registry import connect
from accord.model import Absence, Record
from accord.testing import ConnectorSuite, Harness
from tests.ports.odata.described import described
from tests.real.odata.conftest import Orders


class OrdersSuite(ConnectorSuite):
    """One entity set of the running service, emptied before each test. It has no ETags: read, compare, write."""

    name: str
    said: str
    shape: dict[str, Any]

    @pytest.fixture(autouse=True)
    def _server(self, server: Orders, tmp_path: Path) -> None:
        self.server, self.folder = server, tmp_path

    @contextmanager
    def make(self) -> Iterator[Harness]:
        self.server.empty(self.name)
        yield Harness(
            connector=connect(described(self.server.url, self.folder, f"it: {{set: {self.name}, {self.said}}}")),
            datatype="it",
            insert=self.server.insert,
            edit=self.server.edit,
            delete=self.server.delete,
            get=self.server.get,
            **self.shape,
        )


class TestOrders(OrdersSuite):
    """Whole numbers as keys, our own key, a search."""

    name, said = "Orders", "id: Id, find: [Name], key_property: Code"
    shape = {"text": "Name", "unmapped": "Note", "decimal": "Price"}


class TestTags(OrdersSuite):
    """A text that we give as key. A second record with it takes the place of the first, so that it is not `unique`."""

    name, said = "Tags", "id: Name, find: [Colour]"
    shape = {"text": "Colour", "unmapped": "Remark", "decimal": "Weight", "unique": "Name"}

    def test_fetch_answers_every_id(self) -> None:
        """This service does not understand a key with a slash, however it is escaped; that is no absence."""

        async def test(h: Harness) -> None:
            id = await h.inserted()
            found = await h.connector.fetch(h.datatype, [id, "999999", "no such/id ?&"])
            assert isinstance(found[id], Record)
            assert (found["999999"], found["no such/id ?&"]) == (Absence.GONE, Absence.FAILED)

        self.run(test)

    def test_a_rejected_record_fails_alone(self) -> None:
        """This service lets two records have one key."""
        pytest.skip("nothing is unique here")


def test_what_metadata_and_check_say(server: Orders, tmp_path: Path) -> None:
    """A decimal without a scale has any; an ETag that no listing shows is no version."""
    server.empty("Orders")
    server.insert({"Name": "a"})

    async def run() -> None:
        said = "order: {set: Orders, id: Id, version: etag}"
        connector = connect(described(server.url, tmp_path, said))
        await connector.open({"order": ("Id", "Name")})
        try:
            told = (await connector.schema())["order"].properties
            assert (told["Price"].type, told["Due"].type, told["Id"].read_only) == ("decimal", "date", True)
            ((_, fits, message),) = await connector.check()  # type: ignore[attr-defined]
            assert fits
            assert message.endswith("no record shows an ETag: leave out `version: etag`, it would check nothing")
            found = await connector.discover(1)  # type: ignore[attr-defined]
            assert [one.name for one in found] == ["order", "Tags"]
        finally:
            await connector.close()

    asyncio.run(run())
