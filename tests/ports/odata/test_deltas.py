"""Delta links, against the small service: what changed, what went, and what the service does not keep any more."""

from pathlib import Path

import pytest

from accord.errors import ProtocolError
from tests.ports.odata.described import listed, opened
from tests.ports.odata.service import Service
from tests.ports.rest.fake import Fake, Reply

SAID = "set: Orders, id: Id, version: etag, changes: delta"


async def test_changes_and_deletions_since_a_listing(tmp_path: Path) -> None:
    """One edited, one new, one deleted; the next reading shows nothing."""
    service = Service("String")
    async with opened(service, tmp_path, SAID) as connector:
        ids = [service.insert({"Name": f"n{number}"}) for number in range(25)]
        whole, pages = await listed(connector)
        assert len(whole) == 25
        assert pages[-1].complete
        service.edit(ids[3], {"Name": "edited"})
        service.delete(ids[7])
        new = service.insert({"Name": "new"})
        records, changed = await listed(connector, pages[-1].cursor)
        assert {record.id: record.natives()["Name"] for record in records} == {ids[3]: "edited", new: "new"}
        assert [id for page in changed for id in page.deleted] == [ids[7]]
        assert not any(page.complete for page in changed)
        again, after = await listed(connector, changed[-1].cursor)
        assert again == []
        assert [id for page in after for id in page.deleted] == []
        assert connector.capabilities("order").deleted_feed


async def test_a_change_that_shows_only_what_changed_is_read_whole(tmp_path: Path) -> None:
    """What a delta leaves out is not absent."""
    service = Service()
    service.partial = True
    async with opened(service, tmp_path, SAID) as connector:
        id = service.insert({"Name": "before", "Code": "c", "Price": "1.00"})
        _, pages = await listed(connector)
        service.edit(id, {"Name": "after"})
        (record,), _ = await listed(connector, pages[-1].cursor)
        assert record.natives() == {"Id": 1, "Code": "c", "Name": "after", "Price": "1.00"}


async def test_a_link_that_has_expired_leads_to_the_whole_listing(tmp_path: Path) -> None:
    """410, and everything is shown, completely, with a new link."""
    service = Service()
    async with opened(service, tmp_path, SAID) as connector:
        service.insert({"Name": "a"})
        _, pages = await listed(connector)
        service.insert({"Name": "b"})
        service.kept_from = 2
        records, again = await listed(connector, pages[-1].cursor)
        assert len(records) == 2
        assert again[-1].complete
        assert again[-1].cursor != pages[-1].cursor


async def test_a_record_that_left_the_filter_is_not_deleted(tmp_path: Path) -> None:
    """`reason: changed` is looked at; both spellings of a removed record are known."""
    service = Service()
    async with opened(service, tmp_path, SAID) as connector:
        left, gone = service.insert({"Name": "left"}), service.insert({"Name": "gone"})
        _, pages = await listed(connector)
        service.delete(gone)
        value = [
            {"@removed": {"reason": "changed"}, "Id": int(left)},
            {"@odata.context": "$metadata#Orders/$deletedEntity", "id": f"Orders({gone})", "reason": "deleted"},
            {"@odata.context": "$metadata#Orders/$link", "source": "Orders(1)", "target": "Customers(1)"},
        ]
        service.on("GET /Orders", {"value": value, "@odata.deltaLink": "Orders?$deltatoken=9"})
        before = service._chosen
        service._chosen = lambda call: Fake._chosen(service, call) if call.path == "/Orders" else before(call)  # type: ignore[method-assign]
        records, changed = await listed(connector, pages[-1].cursor)
        assert [record.natives()["Name"] for record in records] == ["left"]
        assert [id for page in changed for id in page.deleted] == [gone]


async def test_a_kept_link_to_another_host_is_not_followed(tmp_path: Path) -> None:
    """Wherever the cursor came from."""
    other, service = Fake(), Service()
    async with other, opened(service, tmp_path, SAID) as connector:
        with pytest.raises(ProtocolError, match="was not contacted"):
            await listed(connector, {"delta": f"{other.url}/Orders?$deltatoken=1"})
        assert other.calls == []


async def test_check_says_when_no_delta_links_are_offered(tmp_path: Path) -> None:
    """By the header that says which preference was followed."""
    service = Service()
    async with opened(service, tmp_path, SAID) as connector:
        assert await connector.check() == [("order", True, "readable, 0 records")]  # type: ignore[attr-defined]
    service = Service()
    before = service._chosen
    service._chosen = lambda call: before(call) if "metadata" in call.path else Reply({"value": [], "@odata.count": 0})  # type: ignore[method-assign]
    async with opened(service, tmp_path, SAID) as connector:
        ((_, fits, said),) = await connector.check()  # type: ignore[attr-defined]
        assert fits
        assert "the service offers no delta links" in said
        records, pages = await listed(connector)
        assert (records, pages[-1].complete, pages[-1].cursor) == ([], True, None)


async def test_a_change_that_cannot_be_read_now_is_asked_for_again(tmp_path: Path) -> None:
    """The link stays where it was until the record could be read."""
    service = Service()
    service.partial = True
    async with opened(service, tmp_path, SAID) as connector:
        id, other = service.insert({"Name": "before"}), service.insert({"Name": "other"})
        _, pages = await listed(connector)
        service.edit(id, {"Name": "after"})
        service.edit(other, {"Name": "another"})
        before, broken = service._chosen, Reply({"error": {"message": "out of order"}}, 500)
        service._chosen = lambda call: broken if call.path == f"/Orders({id})" else before(call)  # type: ignore[method-assign]
        records, changed = await listed(connector, pages[-1].cursor)
        assert [record.natives()["Name"] for record in records] == ["another"]
        assert [failure.id for page in changed for failure in page.failures] == [id]
        service._chosen = before  # type: ignore[method-assign]
        records, _ = await listed(connector, changed[-1].cursor)
        assert {record.natives()["Name"] for record in records} == {"after", "another"}
