"""What OData services do, one habit at a time."""

from decimal import Decimal
from pathlib import Path

import pytest

from accord.errors import ProtocolError
from accord.model import Absence, OutcomeKind, Record
from accord.ports import Expects, NewRecord
from accord.testing import ground
from tests.ports.odata.described import listed, opened
from tests.ports.odata.service import Service
from tests.ports.rest.fake import Fake, Reply


async def shown(connector, id: str) -> Record:
    found = (await connector.fetch("order", [id]))[id]
    assert isinstance(found, Record)
    return found


async def test_decimals_and_large_numbers_travel_as_text(tmp_path: Path) -> None:
    """Thirty digits, and the first whole number that a binary float cannot hold."""
    service = Service()
    async with opened(service, tmp_path, paths=("Id", "Code", "Price", "Stock")) as connector:
        price, stock = Decimal("1234567890123456789012345678.10"), 9007199254740993
        new = NewRecord(natives={"Code": "a", "Price": price, "Stock": stock}, token="t")
        (outcome,) = await connector.create("order", [new])
        assert outcome.record is not None, outcome.message
        assert outcome.record.natives()["Price"] == "1234567890123456789012345678.10"
        assert outcome.record.natives()["Stock"] == "9007199254740993"
        (call,) = service.seen("POST /Orders")
        assert call.headers["Content-Type"] == "application/json;IEEE754Compatible=true"
        assert b'"Price":"1234567890123456789012345678.10"' in call.body
        stored = service.get(outcome.record.id) or {}
        assert (stored["Price"], stored["Stock"]) == (price, stock)


async def test_a_search_is_a_filter_with_quoted_text(tmp_path: Path) -> None:
    """O'Brien has two quotes in it, and what looks like a condition is a text."""
    service = Service()
    said = "set: Orders, id: Id, find: [Name, Price, Stock]"
    async with opened(service, tmp_path, said) as connector:
        id = service.insert({"Name": "O'Brien", "Price": "1.50"})
        service.insert({"Name": "x' or Name ne '"})
        for by in ({"Name": "O'Brien"}, {"Name": "O'Brien", "Price": Decimal("1.50")}):
            assert [record.id for record in await connector.find("order", by)] == [id]
        filters = [call.query["$filter"] for call in service.seen("GET /Orders")]
        assert filters == ["(Name eq 'O''Brien')", "(Name eq 'O''Brien' and Price eq 1.50)"]
        assert len(await connector.find("order", {"Name": "x' or Name ne '"})) == 1
        sent = connector.requests
        assert await connector.find("order", {"Stock": "many"}) == []
        assert connector.requests == sent, "what is no number is no order's stock"


async def test_an_id_that_is_not_of_the_keys_type_is_no_record(tmp_path: Path) -> None:
    """Nobody is asked for it."""
    service = Service()
    async with opened(service, tmp_path) as connector:
        await shown(connector, service.insert({"Name": "a"}))
        sent = connector.requests
        odd = ["1)/Note", "01", "٣", "-1e3", "9999999999", "1' or '1"]
        assert set((await connector.fetch("order", odd)).values()) == {Absence.GONE}
        assert (await connector.delete("order", odd[0], Expects())).kind is OutcomeKind.ALREADY
        assert connector.requests == sent


async def test_pages_are_followed_to_the_same_service_only(tmp_path: Path) -> None:
    """A next link to another host ends the reading, and that host is not asked."""
    other, service = Fake(), Service()
    async with other:
        foreign = f"{other.url}/Orders"
        service.on("GET /Orders", {"value": [{"Id": 1}], "@odata.nextLink": foreign})
        service._chosen_before, service._chosen = (
            service._chosen,
            lambda call: (  # type: ignore[attr-defined,method-assign]
                Fake._chosen(service, call) if call.path == "/Orders" else service._chosen_before(call)
            ),
        )
        async with opened(service, tmp_path) as connector:
            with pytest.raises(ProtocolError, match="was not contacted"):
                await listed(connector)
        assert other.calls == []


async def test_links_start_at_the_context(tmp_path: Path) -> None:
    """A relative next link is relative to the address in `@odata.context`, which need not be that of the listing."""
    service = Service()
    context = {"@odata.context": f"{service.url}/deep/$metadata#Orders"}
    service.on("GET /Orders", {**context, "value": [{"Id": 1}], "@odata.nextLink": "Orders?$skiptoken=x"})
    service.on("GET /deep/Orders", {**context, "value": [{"Id": 2}]})
    before = service._chosen
    service._chosen = lambda call: before(call) if "metadata" in call.path else Fake._chosen(service, call)  # type: ignore[method-assign]
    async with opened(service, tmp_path, paths=("Id",)) as connector:
        records, pages = await listed(connector)
        assert [record.id for record in records] == ["1", "2"]
        assert pages[-1].complete


async def test_a_count_that_does_not_fit_is_not_complete(tmp_path: Path) -> None:
    """A page that the service cut short proves nothing about what is missing."""
    service = Service()
    for changes in ("none", "delta"):
        service = Service()
        short = {"@odata.count": "3", "value": [{"Id": 1}, {"Id": 2}], "@odata.deltaLink": "Orders?$deltatoken=1"}
        service.on("GET /Orders", short)
        before = service._chosen
        service._chosen = lambda call, b=before, s=service: (
            b(call) if "metadata" in call.path else Fake._chosen(s, call)
        )  # type: ignore[misc,method-assign]
        said = f"set: Orders, id: Id, changes: {changes}"
        async with opened(service, tmp_path, said, paths=("Id",)) as connector:
            _, pages = await listed(connector)
            assert not any(page.complete for page in pages), changes
            assert pages[-1].cursor is None, changes


async def test_our_filter_and_the_time_are_both_asked_for(tmp_path: Path) -> None:
    """And the page size is a preference, not a limit."""
    service = Service()
    said = "set: Orders, id: Id, modified: ChangedAt, filter: \"Note eq 'x'\", page_size: 7"
    async with opened(service, tmp_path, said) as connector:
        service.insert({"Note": "x"})
        service.insert({"Note": "y"})
        records, pages = await listed(connector)
        assert len(records) == 1
        await listed(connector, pages[-1].cursor)
        first, second = service.seen("GET /Orders")
        assert first.query["$filter"] == "Note eq 'x'"
        assert second.query["$filter"].startswith("(Note eq 'x') and ChangedAt ge 2025-12-31T23:59:5")
        assert first.query["$select"] == "Id,Code,Name,Price,ChangedAt"
        assert first.headers["Prefer"] == "odata.maxpagesize=7"


async def test_a_patch_never_makes_a_record(tmp_path: Path) -> None:
    """The record goes between the look and the write: If-Match stands there, also without a version."""
    service = Service(etags=False)
    async with opened(service, tmp_path, "set: Orders, id: Id") as connector:
        id = service.insert({"Name": "a"})
        seen = await shown(connector, id)
        before = service._chosen

        def vanishing(call):  # type: ignore[no-untyped-def]
            if call.method == "PATCH" and id in service.rows:
                service.delete(id)
            return before(call)

        service._chosen = vanishing  # type: ignore[method-assign]
        outcome = await connector.update("order", id, {"Name": "b"}, ground(seen))
        assert outcome.kind is OutcomeKind.STALE
        assert service.rows == {}


async def test_a_service_that_wants_an_etag_says_so_in_our_words(tmp_path: Path) -> None:
    """A 428 is refused with the key of the project file that is missing."""
    service = Service()
    async with opened(service, tmp_path, "set: Orders, id: Id") as connector:
        id = service.insert({"Name": "a"})
        before = service._chosen
        wants = Reply({"error": {"code": "428", "message": "Precondition Required"}}, 428)
        service._chosen = lambda call: wants if call.method == "PATCH" else before(call)  # type: ignore[method-assign]
        outcome = await connector.update("order", id, {"Name": "b"}, ground(await shown(connector, id)))
        assert outcome.kind is OutcomeKind.REJECTED
        assert "say `version: etag`" in (outcome.message or "")


async def test_a_delete_of_what_is_gone_is_done_though_the_service_says_412(tmp_path: Path) -> None:
    """Nothing has that ETag any more; a record that changed has another one, and stays."""
    service = Service()
    async with opened(service, tmp_path) as connector:
        gone, changed = service.insert({"Name": "a"}), service.insert({"Name": "b"})
        seen = [ground(await shown(connector, id)) for id in (gone, changed)]
        service.delete(gone)
        service.edit(changed, {"Name": "a person's"})
        outcomes = [await connector.delete("order", id, g) for id, g in zip((gone, changed), seen, strict=True)]
        assert [outcome.kind for outcome in outcomes] == [OutcomeKind.ALREADY, OutcomeKind.STALE]
        assert list(service.rows) == [changed]


async def test_a_create_without_representation_is_read_by_its_address(tmp_path: Path) -> None:
    """204 with the address of the new record, whose key is text with a quote in it."""
    service = Service("String", representation=False)
    async with opened(service, tmp_path) as connector:
        (outcome,) = await connector.create("order", [NewRecord(natives={"Name": "a"}, token="t")])
        assert outcome.record is not None
        assert outcome.record.id == "it's a/b 1%"
        assert outcome.record == await shown(connector, outcome.record.id)
        assert service.seen("POST /Orders")[0].headers["Prefer"] == "return=representation"
