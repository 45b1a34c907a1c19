"""Changed since a cursor, and what was deleted."""

from datetime import UTC, datetime, timedelta

import pytest

from .fake import connected, pages

T1, T2 = "2020-05-01T10:00:00Z", "2020-05-02T10:00:00Z"


def at(*times):
    return [{"id": i, "name": "x", "updated_at": when} for i, when in enumerate(times, 1)]


def changing(**said):
    return {"thing_modified": "updated_at", "thing_list": {"changed_since": {"param": "since", **said}}}


async def test_the_cursor_is_the_latest_time_less_an_overlap(fake):
    fake.on("GET /things", at(T2, T1))
    async with connected(fake, **changing()) as c:
        last = (await pages(c))[-1]
        assert (last.complete, last.cursor) == (True, {"since": "2020-05-02T09:59:57+00:00"})
        again = (await pages(c, last.cursor))[-1]
    assert (again.complete, again.cursor) == (False, last.cursor)
    assert fake.calls[-1].query == {"since": "2020-05-02T09:59:57Z"}


async def test_when_nothing_changed_the_cursor_stays(fake):
    fake.on("GET /things", [])
    async with connected(fake, **changing()) as c:
        cursor = {"since": "2020-05-02T09:59:57+00:00"}
        assert (await pages(c, cursor))[-1].cursor == cursor


async def test_what_was_saved_while_we_read_lies_behind_the_cursor(fake):
    now = datetime.now(UTC)
    fake.on("GET /things", at(now.isoformat()))
    async with connected(fake, **changing()) as c:
        since = datetime.fromisoformat((await pages(c))[-1].cursor["since"])
    assert timedelta(seconds=3) <= now - since < timedelta(seconds=5)


async def test_a_record_from_the_future_does_not_move_the_cursor(fake):
    fake.on("GET /things", at(T1, "2999-01-01T00:00:00Z"))
    async with connected(fake, **changing()) as c:
        assert (await pages(c))[-1].cursor == {"since": "2020-05-01T09:59:57+00:00"}


@pytest.mark.parametrize(
    ("said", "zone", "sent"),
    [
        ({"format": "unix"}, "UTC", {"since": "1588413597"}),
        ({"format": "unix_ms"}, "UTC", {"since": "1588413597000"}),
        ({"format": "%d.%m.%Y %H:%M:%S"}, "Europe/Berlin", {"since": "02.05.2020 11:59:57"}),
        ({"format": "iso8601"}, "Europe/Berlin", {"since": "2020-05-02T09:59:57Z"}),
        (
            {"filter": "modified ge '{since}'", "param": "$filter"},
            "UTC",
            {"$filter": "modified ge '2020-05-02T09:59:57Z'"},
        ),
    ],
)
async def test_the_time_is_sent_as_the_system_wants_it(fake, said, zone, sent):
    fake.on("GET /things", [])
    async with connected(fake, zone=zone, **changing(**said)) as c:
        await pages(c, {"since": "2020-05-02T09:59:57+00:00"})
    assert fake.calls[-1].query == sent


async def test_times_without_offset_are_in_the_declared_zone(fake):
    fake.on("GET /things", at("2020-05-02 12:00:00", "2020-05-02T12:00:00+00:00"))
    async with connected(fake, zone="Europe/Berlin", **changing()) as c:
        records = (await pages(c))[0].records
    assert [r.modified.astimezone(UTC).hour for r in records] == [10, 12]


async def test_without_a_modification_time_there_is_no_cursor(fake):
    fake.on("GET /things", [{"id": 1}])
    async with connected(fake, thing_list={"changed_since": {"param": "since"}}) as c:
        last = (await pages(c))[-1]
        assert (last.complete, last.cursor, c.capabilities("thing").changed_since) == (True, None, False)


async def test_what_was_deleted_is_told_after_the_changes(fake):
    options = changing()
    options["thing_list"]["deleted_feed"] = {"path": "/deleted", "id": "thing", "param": "from"}
    fake.on("GET /things", at(T1))
    fake.on("GET /deleted", {"data": [{"thing": 7, "deleted_at": T2}]})
    async with connected(fake, **options) as c:
        first = await pages(c)
        assert not any(page.deleted for page in first)
        found = await pages(c, first[-1].cursor)
    assert [id for page in found for id in page.deleted] == ["7"]
    assert found[-1].cursor["deleted"] == "2020-05-02T09:59:57+00:00"
    assert fake.seen("GET /deleted")[0].query == {"from": "2020-05-01T09:59:57Z"}


async def test_an_incremental_listing_whose_total_counts_everything_still_moves_on(fake):
    fake.on("GET /things", {"data": at(T2), "total": 900})
    async with connected(fake, **changing()) as c:
        last = (await pages(c, {"since": "2020-01-01T00:00:00+00:00"}))[-1]
    assert (last.complete, last.cursor) == (False, {"since": "2020-05-02T09:59:57+00:00"})
