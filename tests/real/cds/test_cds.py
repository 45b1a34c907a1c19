"""`@sap/cds`, an OData service by somebody else: the conformance suite, and how it behaves."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from accord.connectors.registry import connect
from accord.model import OutcomeKind, Record
from accord.ports import Connector, NewRecord
from accord.testing import ConnectorSuite, Harness, ground
from tests.ports.odata.described import described
from tests.real.cds.conftest import Shop

BOOK = "book: {set: Books, id: ID, version: etag, find: [title], key_property: ref}"
TAG = "tag: {set: Tags, id: name, find: [colour]}"


class CdsSuite(ConnectorSuite):
    """One entity set of the running service, emptied before each test."""

    set: str
    datatype: str
    said: str
    shape: dict[str, Any]

    @pytest.fixture(autouse=True)
    def _server(self, server: Shop, tmp_path: Path) -> None:
        self.server, self.folder = server, tmp_path

    @contextmanager
    def make(self) -> Iterator[Harness]:
        self.server.empty()
        yield Harness(
            connector=connect(described(self.server.url, self.folder, self.said)),
            datatype=self.datatype,
            insert=partial(self.server.insert, self.set),
            edit=partial(self.server.edit, self.set),
            delete=partial(self.server.delete, self.set),
            get=partial(self.server.get, self.set),
            **self.shape,
        )

    def test_a_rejected_record_fails_alone(self) -> None:
        """With its database in WebAssembly, cds answers a unique key that is taken by 500: then nobody knows, and the
        record is not there. The others are made.
        """

        async def test(h: Harness) -> None:
            await h.inserted(2)
            new = [NewRecord(natives=h.values(number), token=f"token-{number}") for number in (1, 2, 3)]
            outcomes = [(await h.connector.create(h.datatype, [one]))[0] for one in new]
            assert [outcome.kind.value for outcome in outcomes] == ["applied", "unknown", "applied"]
            assert "UNIQUE constraint failed" in (outcomes[1].message or "")
            assert len((await h.listed())[0]) == 3

        self.run(test)


class TestBooks(CdsSuite):
    """With an ETag, GUIDs and our own key."""

    set, datatype, said = "Books", "book", BOOK
    shape = {"text": "title", "unmapped": "note", "decimal": "price", "unique": "code"}


class TestBooksByTime(TestBooks):
    """Changes by the time of the last one."""

    said = "book: {set: Books, id: ID, version: etag, modified: modifiedAt}"


class TestTags(CdsSuite):
    """Without an ETag; the key is a text that we give."""

    set, datatype, said = "Tags", "tag", TAG
    shape = {"text": "colour", "unmapped": "remark", "decimal": "weight", "unique": "name"}


@asynccontextmanager
async def opened(shop: Shop, folder: Path, *paths: str) -> AsyncIterator[Connector]:
    connector = connect(described(shop.url, folder, BOOK))
    await connector.open({"book": paths or ("ID", "title", "price", "stock")})
    try:
        yield connector
    finally:
        await connector.close()


def test_the_etag_is_checked_by_the_service(shop: Shop, tmp_path: Path) -> None:
    """Nothing is read before the write, and cds says 412."""

    async def run() -> None:
        async with opened(shop, tmp_path) as connector:
            id = shop.insert("Books", {"title": "before"})
            (listed,) = [record async for page in connector.read("book", None) for record in page.records]
            shop.edit("Books", id, {"title": "a person's"})
            sent = connector.requests
            stale = await connector.update("book", id, {"title": "ours"}, ground(listed))
            assert (stale.kind, connector.requests - sent) == (OutcomeKind.STALE, 1)
            assert "412" in (stale.message or "")
            assert (shop.get("Books", id) or {})["title"] == "a person's"

    asyncio.run(run())


def test_twenty_writers_on_the_same_ground(shop: Shop, tmp_path: Path) -> None:
    """What one of them wrote stands there, and nobody who was refused."""

    async def run() -> None:
        async with opened(shop, tmp_path) as connector:
            id = shop.insert("Books", {"title": "before"})
            seen = (await connector.fetch("book", [id]))[id]
            assert isinstance(seen, Record)
            texts = [f"writer {number}" for number in range(20)]
            outcomes = await asyncio.gather(
                *(connector.update("book", id, {"title": text}, ground(seen)) for text in texts)
            )
            kinds = sorted(outcome.kind.value for outcome in outcomes)
            assert kinds == ["applied"] + ["stale"] * 19
            done = [text for text, one in zip(texts, outcomes, strict=True) if one.kind is OutcomeKind.APPLIED]
            assert [(shop.get("Books", id) or {})["title"]] == done

    asyncio.run(run())


def test_decimals_and_large_numbers_are_exact(shop: Shop, tmp_path: Path) -> None:
    """With `features.ieee754compatible`, which this service has on."""

    async def run() -> None:
        async with opened(shop, tmp_path) as connector:
            new = NewRecord(natives={"price": Decimal("1234567890.10"), "stock": 9007199254740993}, token="t")
            (outcome,) = await connector.create("book", [new])
            assert outcome.record is not None, outcome.message
            natives = outcome.record.natives()
            assert (natives["price"], natives["stock"]) == ("1234567890.10", "9007199254740993")

    asyncio.run(run())


def test_schema_and_check(shop: Shop, tmp_path: Path) -> None:
    """From `$metadata`: lengths, scale, options, computed properties, and what a foreign key names."""

    async def run() -> None:
        async with opened(shop, tmp_path) as connector:
            told = (await connector.schema())["book"].properties
            assert (told["title"].max_length, told["price"].type) == (200, "decimal(2)")
            assert told["genre"].values == ("fiction", "drama")
            assert told["author_ID"].note == "refers to Authors.ID"
            assert told["modifiedAt"].read_only
            assert not told["ID"].required
            assert await connector.check() == [("book", True, "readable, 0 records")]  # type: ignore[attr-defined]
            found = await connector.discover(1)  # type: ignore[attr-defined]
            assert [one.name for one in found] == ["book", "Authors", "Tags"]
            assert found[0].keys == {"set": "Books", "id": "ID", "modified": "modifiedAt", "version": "etag"}

    asyncio.run(run())


def test_what_the_service_refuses_is_said_in_its_words(shop: Shop, tmp_path: Path) -> None:
    """A text that is too long, and an option that there is not."""

    async def run() -> None:
        async with opened(shop, tmp_path) as connector:
            (outcome,) = await connector.create("book", [NewRecord(natives={"title": "x" * 201}, token="t")])
            assert outcome.kind is OutcomeKind.REJECTED
            assert "is not a valid String(200)" in (outcome.message or "")

    asyncio.run(run())


def test_there_are_no_delta_links(shop: Shop, tmp_path: Path) -> None:
    """Which `check` says; the listing is whole each time."""

    async def run() -> None:
        connector = connect(described(shop.url, tmp_path, "book: {set: Books, id: ID, version: etag, changes: delta}"))
        await connector.open({"book": ("ID", "title")})
        try:
            shop.insert("Books", {"title": "a"})
            ((_, fits, said),) = await connector.check()  # type: ignore[attr-defined]
            assert fits
            assert "the service offers no delta links" in said
            pages = [page async for page in connector.read("book", None)]
            assert (pages[-1].complete, pages[-1].cursor) == (True, None)
        finally:
            await connector.close()

    asyncio.run(run())
