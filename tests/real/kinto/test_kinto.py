"""Kinto, a record store by somebody else: the preset against the conformance suite, and how Kinto behaves."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from accord.config.load import load
from accord.config.meaning import System
from accord.connectors.registry import connect
from accord.model import OutcomeKind, Record
from accord.ports import Connector, Expects, NewRecord
from accord.testing import ConnectorSuite, Harness, ground
from tests.real.kinto.conftest import Kinto

pytestmark = pytest.mark.xdist_group("kinto")
PATHS = ("name", "price", "address.city", "accord_key", "deleted")


def described(kinto: Kinto, folder: Path) -> System:
    """The system as a project file with the preset describes it."""
    file = folder / "accord.yaml"
    file.write_text(f"""\
accord: 1
systems:
  kinto:
    connector: kinto
    base_url: {kinto.collection}
    auth: {{type: basic, username: accord, password: secret}}
flows: {{}}
""")
    return load(file).systems["kinto"]


@asynccontextmanager
async def opened(kinto: Kinto, folder: Path) -> AsyncIterator[Connector]:
    connector = connect(described(kinto, folder))
    await connector.open({"record": PATHS})
    try:
        yield connector
    finally:
        await connector.close()


class KintoSuite(ConnectorSuite):
    """The preset, in a new collection for each test."""

    text = "name"
    unmapped = "note"

    @pytest.fixture(autouse=True)
    def _server(self, server: Kinto, tmp_path: Path) -> None:
        self.server, self.folder = server, tmp_path

    @contextmanager
    def make(self) -> Iterator[Harness]:
        kinto = self.server
        kinto.empty()
        yield Harness(
            connector=connect(described(kinto, self.folder)),
            datatype="record",
            text=self.text,
            unmapped=self.unmapped,
            decimal="price",
            insert=kinto.insert,
            edit=kinto.edit,
            delete=kinto.delete,
            get=kinto.get,
            keeps_null=False,
        )


class TestKinto(KintoSuite):
    """With text at the top of a record."""


class TestKintoInside(KintoSuite):
    """With text inside an object, beside a property that is not mapped."""

    text = "address.city"
    unmapped = "address.street"


def made(number: int) -> NewRecord:
    return NewRecord(natives={"name": f"Name {number}", "price": number}, token=f"key-{number}")


def test_a_stale_write_is_refused_by_kinto_itself(kinto: Kinto, tmp_path: Path) -> None:
    """One request, no reading before it: the ETag that a listing showed stands in If-Match, and Kinto says 412."""

    async def run() -> None:
        async with opened(kinto, tmp_path) as connector:
            id = kinto.insert({"name": "before"})
            listed = [record async for page in connector.read("record", None) for record in page.records]
            kinto.edit(id, {"name": "a person's"})
            sent = connector.requests
            stale = await connector.update("record", id, {"name": "ours"}, ground(listed[0]))
            gone = await connector.delete("record", id, ground(listed[0]))
            assert (stale.kind, gone.kind) == (OutcomeKind.STALE, OutcomeKind.STALE)
            assert "412" in (stale.message or "")
            assert connector.requests - sent == 2
            assert (kinto.get(id) or {})["name"] == "a person's"

    asyncio.run(run())


def test_of_two_writes_on_the_same_ground_one_is_refused(kinto: Kinto, tmp_path: Path) -> None:
    """Twenty at once, all from what was shown: Kinto lets exactly one pass."""

    async def run() -> None:
        async with opened(kinto, tmp_path) as connector:
            id = kinto.insert({"name": "before"})
            seen = (await connector.fetch("record", [id]))[id]
            assert isinstance(seen, Record)
            texts = [f"writer {number}" for number in range(20)]
            outcomes = await asyncio.gather(
                *(connector.update("record", id, {"name": text}, ground(seen)) for text in texts)
            )
            done = [text for text, outcome in zip(texts, outcomes, strict=True) if outcome.kind is OutcomeKind.APPLIED]
            assert sorted(outcome.kind.value for outcome in outcomes) == ["applied"] + ["stale"] * 19
            assert [(kinto.get(id) or {})["name"]] == done

    asyncio.run(run())


def test_a_deletion_is_among_the_changes(kinto: Kinto, tmp_path: Path) -> None:
    """As a tombstone, which is no record any more when it is asked for; the complete listing is without it."""

    async def run() -> None:
        async with opened(kinto, tmp_path) as connector:
            assert connector.capabilities("record").deleted_feed
            kept, id = kinto.insert({"name": "stays"}), kinto.insert({"name": "goes"})
            whole = [page async for page in connector.read("record", None)]
            kinto.delete(id)
            changes = [page async for page in connector.read("record", whole[-1].cursor)]
            shown = {record.id: record.natives() for page in changes for record in page.records}
            assert shown[id] == {"deleted": True}
            assert str((await connector.fetch("record", [id]))[id]) == "gone"
            again = [record.id async for page in connector.read("record", None) for record in page.records]
            assert again == [kept]

    asyncio.run(run())


def test_creates_at_once_are_all_listed_at_once(kinto: Kinto, tmp_path: Path) -> None:
    """Sixty in parallel: each has an id and a version of its own, and the listing right after shows all of them."""

    async def run() -> None:
        async with opened(kinto, tmp_path) as connector:
            outcomes = await asyncio.gather(*(connector.create("record", [made(number)]) for number in range(60)))
            records = [outcome.record for (outcome,) in outcomes]
            assert len({record.version for record in records if record is not None}) == 60
            pages = [page async for page in connector.read("record", None)]
            listed = [record.id for page in pages for record in page.records]
            assert sorted(listed) == sorted(record.id for record in records if record is not None)
            assert sum(1 for page in pages if page.records) == 6
            found = await connector.find("record", {"accord_key": "key-17"})
            assert [record.natives()["name"] for record in found] == ["Name 17"]

    asyncio.run(run())


def test_a_write_without_a_version_reads_first(kinto: Kinto, tmp_path: Path) -> None:
    """And its precondition is the version that was read."""

    async def run() -> None:
        async with opened(kinto, tmp_path) as connector:
            id = kinto.insert({"name": "before"})
            sent = connector.requests
            done = await connector.update("record", id, {"name": "after"}, Expects(natives={"name": "before"}))
            assert (done.kind, connector.requests - sent) == (OutcomeKind.APPLIED, 2)
            assert done.record is not None
            assert done.record.version == f'"{(kinto.get(id) or {})["last_modified"]}"'

    asyncio.run(run())
