"""Updates and deletes: under a precondition, or read, compared and written."""

from decimal import Decimal

import pytest

from accord.config.meaning import Property, VersionCheck
from accord.model import OutcomeKind
from accord.ports import Expects

from .fake import HTML, LOST, Reply, connected, listed, raw

APPLIED, REJECTED, UNKNOWN = OutcomeKind.APPLIED, OutcomeKind.REJECTED, OutcomeKind.UNKNOWN
MERGE = "application/merge-patch+json"
ALREADY, STALE = OutcomeKind.ALREADY, OutcomeKind.STALE
ONE = '{"id":1,"name":"old","price":1.50,"ver":3}'
EXPECTED = Expects(natives={"name": "old", "price": Decimal("1.5")})


async def update(fake, expects=EXPECTED, patch=None, **options):
    async with connected(fake, "name", "price", **options) as c:
        return await c.update("thing", "1", patch or {"name": "new"}, expects)


async def delete(fake, expects=EXPECTED, **options):
    async with connected(fake, "name", "price", **options) as c:
        return await c.delete("thing", "1", expects)


async def test_an_etag_is_sent_and_the_answer_is_the_record(fake):
    fake.on("PATCH /things/1", raw('{"id":1,"name":"NEW"}', ETag='"4"'))
    outcome = await update(fake, Expects(version='"3"'), thing_version="etag")
    assert (fake.calls[0].headers["If-Match"], fake.calls[0].json) == ('"3"', {"name": "new"})
    assert (outcome.kind, outcome.record.version, outcome.record.content) == (APPLIED, '"4"', b'{"name":"NEW"}')


@pytest.mark.parametrize("status", [409, 412, 404, 410])
async def test_a_stale_etag_is_stale(fake, status):
    fake.on("PATCH /things/1", raw("{}", status))
    assert (await update(fake, Expects(version='"3"'), thing_version="etag")).kind is STALE


@pytest.mark.parametrize(
    ("check", "where"),
    [
        (VersionCheck(kind="path", path="ver"), lambda call: call.json["ver"]),
        (VersionCheck(kind="path", path="meta.ver"), lambda call: call.json["meta"]["ver"]),
        (VersionCheck(kind="path", path="ver", header="X-Ver"), lambda call: int(call.headers["X-Ver"])),
        (VersionCheck(kind="path", path="ver", query="v"), lambda call: int(call.query["v"])),
    ],
)
async def test_a_version_goes_back_where_the_system_wants_it(fake, check, where):
    fake.on("PATCH /things/1", raw(ONE))
    await update(fake, Expects(version=3), thing_version=check)
    assert where(fake.calls[0]) == 3


async def test_without_a_known_version_the_record_is_read_compared_and_written_under_its_fresh_one(fake):
    fake.on("GET /things/1", raw(ONE, ETag='"9"'))
    fake.on("PATCH /things/1", raw(ONE))
    assert (await update(fake, thing_version="etag")).kind is APPLIED
    assert fake.calls[1].headers["If-Match"] == '"9"'


async def test_without_version_check_the_record_is_read_directly_before_the_write(fake):
    fake.on("GET /things/1", raw(ONE))
    fake.on("PATCH /things/1", raw(ONE))
    assert (await update(fake)).kind is APPLIED
    assert [call.method for call in fake.calls] == ["GET", "PATCH"]


async def test_an_edit_seen_before_the_write_is_stale(fake):
    fake.on("GET /things/1", raw('{"id":1,"name":"edited","price":1.50}'))
    outcome = await update(fake)
    assert (outcome.kind, outcome.message) == (STALE, "name has changed meanwhile")
    assert len(fake.calls) == 1


@pytest.mark.parametrize("between", [raw("{}", 429, Retry_After="0"), raw("{}", 401)])
async def test_after_a_429_or_401_between_read_and_write_it_is_read_and_compared_again(fake, between):
    fake.on("GET /things/1", raw(ONE), raw('{"id":1,"name":"edited meanwhile","price":1.5}'))
    fake.on("PATCH /things/1", between, raw(ONE))
    assert (await update(fake)).kind is STALE
    assert [call.method for call in fake.calls] == ["GET", "PATCH", "GET"]


@pytest.mark.parametrize("mishap", [LOST, raw("{}", 500), raw(HTML), raw("{}", 504)])
async def test_without_version_check_a_lost_answer_is_unknown_at_once(fake, mishap):
    fake.on("GET /things/1", raw(ONE))
    fake.on("PATCH /things/1", mishap)
    assert (await update(fake)).kind is UNKNOWN
    assert len(fake.seen("PATCH /things/1")) == 1


async def test_put_is_not_repeated_behind_our_back(fake):
    fake.on("GET /things/1", raw(ONE))
    fake.on("PUT /things/1", LOST)
    assert (await update(fake, thing_update={"method": "PUT"})).kind is UNKNOWN
    assert len(fake.seen("PUT /things/1")) == 1


async def test_under_a_version_check_a_lost_update_is_sent_once_more(fake):
    fake.on("PATCH /things/1", LOST, raw(ONE))
    assert (await update(fake, Expects(version='"3"'), thing_version="etag")).kind is APPLIED


async def test_stale_after_a_lost_answer_may_be_our_own_write(fake):
    fake.on("PATCH /things/1", LOST, raw("{}", 412))
    assert (await update(fake, Expects(version='"3"'), thing_version="etag")).kind is UNKNOWN


@pytest.mark.parametrize("answer", [raw("", 204), raw("", 202), raw('{"ok":true}'), raw('{"id":1}')])
async def test_an_answer_without_the_record_leaves_the_reading_to_others(fake, answer):
    fake.on("PATCH /things/1", answer)
    outcome = await update(fake, Expects(version='"3"'), thing_version="etag")
    assert (outcome.kind, outcome.record) == (APPLIED, None)
    assert len(fake.calls) == 1


async def test_a_200_without_a_body_proves_nothing(fake):
    fake.on("PATCH /things/1", raw(""), raw(""))
    assert (await update(fake, Expects(version='"3"'), thing_version="etag")).kind is UNKNOWN


@pytest.mark.parametrize("answer", [raw('{"message":"no"}', 422), raw('{"message":"no"}', 403), raw('{"error":"no"}')])
async def test_a_refused_update_says_why(fake, answer):
    fake.on("PATCH /things/1", answer)
    outcome = await update(fake, Expects(version='"3"'), thing_version="etag")
    assert outcome.kind is REJECTED
    assert outcome.message.endswith("no")


WHOLE = (
    '{"id":1,"name":"old","deep":{"a":0.10,"b":[1e2,null]},"big":123456789012345678901234567890,"at":"x","etag":"3"}'
)


async def test_sending_all_keeps_what_is_not_mapped(fake):
    fake.on("GET /things/1", raw(WHOLE, ETag='"3"'))
    fake.on("PUT /things/1", raw(WHOLE))
    outcome = await update(
        fake,
        Expects(version='"3"'),
        patch={"name": "new", "deep.c": Decimal("2.0")},
        thing_version="etag",
        thing_update={"method": "PUT", "send": "all", "omit": ["etag"]},
        thing_properties={"at": Property(path="at", read_only=True)},
    )
    assert outcome.kind is APPLIED
    sent = fake.calls[1]
    assert sent.body == (
        b'{"id":1,"name":"new","deep":{"a":0.10,"b":[1E+2,null],"c":2.0},"big":123456789012345678901234567890}'
    )
    assert sent.headers["If-Match"] == '"3"'


async def test_sending_all_of_a_record_with_another_version_is_stale(fake):
    fake.on("GET /things/1", raw(WHOLE, ETag='"4"'))
    expects = Expects(version='"3"')
    assert (await update(fake, expects, thing_version="etag", thing_update={"send": "all"})).kind is STALE
    assert len(fake.calls) == 1


async def test_a_wrapped_record_is_put_back_wrapped_with_its_version_inside(fake):
    fake.on("GET /things/1", raw('{"thing":{"id":1,"name":"old","ver":3}}'))
    fake.on("PUT /things/1", raw('{"thing":{"id":1,"name":"new","ver":4}}'))
    options = {"thing_create": {"wrap": "thing"}, "thing_update": {"method": "PUT", "send": "all"}}
    outcome = await update(fake, Expects(version=3), thing_version="ver", **options)
    assert fake.calls[1].json == {"thing": {"id": 1, "name": "new", "ver": 3}}
    assert outcome.record.version == 4


async def test_an_etag_that_a_listing_shows_at_a_path_is_the_precondition(fake):
    """A bare number gets the quotes of the header."""
    fake.on("GET /things", {"data": [{"id": 1, "name": "old", "at": 1795813058754}]})
    fake.on(
        "PATCH /things/1", Reply({"id": 1, "name": "new", "at": 1795813058755}, headers={"ETag": '"1795813058755"'})
    )
    version = VersionCheck(kind="etag", path="at")
    async with connected(fake, thing_version=version) as c:
        (record,) = await listed(c)
        assert record.version == '"1795813058754"'
        outcome = await c.update("thing", "1", {"name": "new"}, Expects(version=record.version))
    assert fake.seen("PATCH /things/1")[0].headers["If-Match"] == '"1795813058754"'
    assert outcome.record.version == '"1795813058755"'


async def test_an_update_may_have_a_content_type_of_its_own(fake):
    fake.on("PATCH /things/1", {"id": 1, "name": "new"})
    await update(fake, Expects(version='"3"'), thing_version="etag", thing_update={"content_type": MERGE})
    assert (fake.calls[0].headers["Content-Type"], fake.calls[0].headers["If-Match"]) == (MERGE, '"3"')


async def test_a_delete_carries_its_precondition(fake):
    fake.on("DELETE /things/1", raw("", 204))
    assert (await delete(fake, Expects(version='"3"'), thing_version="etag")).kind is APPLIED
    assert (await delete(fake, Expects(version=3), thing_version="ver")).kind is APPLIED
    assert fake.calls[0].headers["If-Match"] == '"3"'
    assert fake.calls[1].query == {"ver": "3"}


@pytest.mark.parametrize("status", [404, 410])
async def test_deleting_what_is_gone_is_already_done(fake, status):
    fake.on("DELETE /things/1", raw("{}", status))
    fake.on("GET /things/1", raw("{}", status))
    assert (await delete(fake, Expects(version='"3"'), thing_version="etag")).kind is ALREADY
    assert (await delete(fake)).kind is ALREADY


async def test_a_record_without_version_is_compared_before_it_is_deleted(fake):
    fake.on("GET /things/1", raw('{"id":1,"name":"edited","price":1.5}'))
    assert (await delete(fake)).kind is STALE
    assert not fake.seen("DELETE /things/1")


@pytest.mark.parametrize(("now", "kind"), [('"3"', REJECTED), ('"4"', STALE)])
async def test_a_409_on_delete_is_stale_only_if_the_record_has_changed(fake, now, kind):
    fake.on("DELETE /things/1", raw('{"message":"has children"}', 409))
    fake.on("GET /things/1", raw(ONE, ETag=now))
    assert (await delete(fake, Expects(version='"3"'), thing_version="etag")).kind is kind


async def test_a_lost_delete_is_unknown_or_found_done_at_the_second_try(fake):
    fake.on("GET /things/1", raw(ONE))
    fake.on("DELETE /things/1", LOST)
    assert (await delete(fake)).kind is UNKNOWN
    fake.on("DELETE /things/1", LOST, raw("{}", 404))
    assert (await delete(fake, Expects(version='"3"'), thing_version="etag")).kind is ALREADY


async def test_an_error_inside_a_success_is_no_delete(fake):
    fake.on("DELETE /things/1", Reply({"error": "locked by finance"}))
    assert (await delete(fake, Expects(version='"3"'), thing_version="etag")).kind is REJECTED


async def test_properties_that_are_not_mapped_are_compared_too(fake):
    fake.on("GET /things/1", raw('{"id":1,"name":"old","owner":{"id":7}}'))
    fake.on("PATCH /things/1", raw(ONE))
    assert (await update(fake, Expects(natives={"owner.id": 7}))).kind is APPLIED
    assert (await update(fake, Expects(natives={"owner.id": 8}))).kind is STALE
