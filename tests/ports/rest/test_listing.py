"""Listings: every paginator, and that each of them ends."""

import pytest

from accord.errors import ProtocolError

from .fake import Reply, connected, listed, paged, pages, things

IDS = ["1", "2", "3", "4", "5"]


def ids(records):
    return [record.id for record in records]


async def test_page_numbers_are_followed_to_the_last_page_that_the_answer_names(fake):
    fake.on("GET /things", paged(5, lambda part, n, last: {"data": part, "meta": {"pages": last, "total": 5}}))
    async with connected(fake, thing_list={"paginator": {"type": "page_number", "size": 2}}) as c:
        assert ids(await listed(c)) == IDS
        assert c.requests == 3


async def test_without_total_page_numbers_end_with_an_empty_page(fake):
    fake.on("GET /things", paged(4, lambda part, n, last: part))
    async with connected(fake, thing_list={"paginator": {"type": "page_number", "size": 2}}) as c:
        assert ids(await listed(c)) == IDS[:4]
        assert c.requests == 3


async def test_a_system_that_grants_smaller_pages_than_asked_is_read_to_its_end(fake):
    everything = things(*range(1, 6))

    def capped(call):
        n = int(call.query["page"])
        return everything[(n - 1) * 2 : n * 2]

    fake.on("GET /things", capped)
    async with connected(fake, thing_list={"paginator": {"type": "page_number", "size": 200}}) as c:
        assert ids(await listed(c)) == IDS


async def test_a_system_that_answers_404_behind_its_last_page_is_at_its_end(fake):
    fake.on("GET /things", things(1, 2), things(3), Reply({"error": "no such page"}, 404))
    async with connected(fake, thing_list={"paginator": {"type": "page_number", "size": 2}}) as c:
        assert ids(await listed(c)) == IDS[:3]


async def test_a_system_that_repeats_its_last_page_is_at_its_end(fake):
    fake.on("GET /things", things(1, 2), things(3))
    async with connected(fake, thing_list={"paginator": {"type": "page_number", "size": 2}}) as c:
        assert ids(await listed(c)) == IDS[:3]


async def test_a_system_that_ignores_page_numbers_is_no_endless_listing(fake):
    fake.on("GET /things", things(1, 2))
    async with connected(fake, thing_list={"paginator": {"type": "page_number", "size": 2}}) as c:
        with pytest.raises(ProtocolError, match="does not end"):
            await listed(c)


async def test_offsets_advance_by_what_came(fake):
    def reply(call):
        start = int(call.query["skip"])
        return {"items": things(*range(1, 6))[start : start + 2]}

    fake.on("GET /things", reply)
    paginator = {"type": "offset", "offset_param": "skip", "limit_param": "take", "size": 50}
    async with connected(fake, thing_list={"paginator": paginator}) as c:
        assert ids(await listed(c)) == IDS
    assert [call.query["skip"] for call in fake.calls] == ["0", "2", "4", "5"]
    assert fake.calls[0].query["take"] == "50"


async def test_cursors_are_sent_back_until_there_is_none(fake):
    pages_ = {None: (things(1, 2), "a/b=="), "a/b==": (things(3, 4), "c"), "c": (things(5), None)}

    def reply(call):
        part, following = pages_[call.query.get("after")]
        return {"rows": part, "paging": {"next": {"after": following}}}

    fake.on("GET /things", reply)
    paginator = {
        "type": "cursor",
        "cursor_path": "paging.next.after",
        "cursor_param": "after",
        "size_param": "limit",
        "size": 2,
    }
    async with connected(fake, thing_list={"paginator": paginator, "params": {"active": True}}) as c:
        assert ids(await listed(c)) == IDS
    assert all(call.query["limit"] == "2" and call.query["active"] == "true" for call in fake.calls)


async def test_the_same_cursor_twice_is_no_endless_listing(fake):
    fake.on("GET /things", {"data": things(1), "next": "x"}, {"data": things(2), "next": "x"})
    async with connected(fake, thing_list={"paginator": {"type": "cursor", "cursor_path": "next"}}) as c:
        with pytest.raises(ProtocolError, match="same cursor"):
            await listed(c)


async def test_new_cursors_with_the_same_records_are_no_endless_listing(fake):
    number = iter(range(10**6))
    fake.on("GET /things", lambda call: {"data": things(1, 2), "next": str(next(number))})
    async with connected(fake, thing_list={"paginator": {"type": "cursor", "cursor_path": "next"}}) as c:
        with pytest.raises(ProtocolError, match="does not end"):
            await listed(c)


async def test_new_cursors_without_records_are_no_endless_listing(fake):
    number = iter(range(10**6))
    fake.on("GET /things", lambda call: {"data": [], "next": str(next(number))})
    async with connected(fake, thing_list={"paginator": {"type": "cursor", "cursor_path": "next"}}) as c:
        with pytest.raises(ProtocolError, match="does not end"):
            await listed(c)


@pytest.mark.parametrize("declared", [{"paginator": {"type": "link_header"}}, {}])
async def test_link_headers_are_followed_declared_or_not(fake, declared):
    link = f'<{fake.url}/things?page=2>; rel="next", <{fake.url}/things?page=9>; rel="last"'
    first = Reply(things(1, 2), headers={"Link": link})
    fake.on("GET /things", lambda call: things(3) if "page" in call.query else first)
    async with connected(fake, thing_list=declared) as c:
        assert ids(await listed(c)) == IDS[:3]


@pytest.mark.parametrize("declared", [{"paginator": {"type": "next_url", "path": "links.next"}}, {}])
@pytest.mark.parametrize("target", ["{url}/things?after=2", "/things?after=2", "?after=2"])
async def test_next_urls_are_followed_absolute_or_relative(fake, declared, target):
    first = {"data": things(1, 2), "links": {"next": target.format(url=fake.url)}}
    last = {"data": things(3), "links": {"next": None}}
    fake.on("GET /things", lambda call: last if "after" in call.query else first)
    async with connected(fake, thing_list=declared) as c:
        assert ids(await listed(c)) == IDS[:3]


@pytest.mark.parametrize("target", ["{url}/things?after=2", "/things?after=2"])
async def test_the_address_of_the_next_page_may_stand_in_a_header_of_its_own(fake, target):
    first = Reply({"data": things(1, 2)}, headers={"Next-Page": target.format(url=fake.url)})
    fake.on("GET /things", lambda call: {"data": things(3)} if "after" in call.query else first)
    paginator = {"type": "next_url", "header": "next-page", "size_param": "_limit", "size": 2}
    async with connected(fake, thing_list={"paginator": paginator}) as c:
        assert ids(await listed(c)) == IDS[:3]
    assert fake.calls[0].query["_limit"] == "2"


async def test_a_next_page_header_to_another_origin_is_never_contacted(fake):
    fake.on("GET /things", Reply({"data": things(1)}, headers={"Next-Page": "http://169.254.169.254/latest"}))
    async with connected(fake, thing_list={"paginator": {"type": "next_url", "header": "Next-Page"}}) as c:
        with pytest.raises(ProtocolError, match="not contacted"):
            await listed(c)
        assert c.requests == 1


@pytest.mark.parametrize(
    "foreign", ["http://169.254.169.254/latest", "//evil.example/things", "https://127.0.0.1/things"]
)
async def test_a_next_link_to_another_origin_is_never_contacted(fake, foreign):
    fake.on("GET /things", {"data": things(1), "next": foreign})
    async with connected(fake, thing_list={"paginator": {"type": "next_url", "path": "next"}}) as c:
        with pytest.raises(ProtocolError, match="not contacted"):
            await listed(c)
        assert c.requests == 1


async def test_undeclared_page_numbers_are_recognised_and_asked_in_larger_pages(fake):
    def dressed(part, n, last):
        return {"data": part, "meta": {"page": n, "per_page": 2, "total": 5, "pages": last}}

    fake.on("GET /things", paged(5, dressed))
    async with connected(fake) as c:
        found = await pages(c)
    assert [r.id for page in found for r in page.records] == IDS
    assert found[-1].complete
    assert fake.calls[-1].query == {"page": "1", "per_page": "500"}


async def test_a_plain_array_is_a_whole_listing(fake):
    fake.on("GET /things", things(1, 2))
    async with connected(fake) as c:
        found = await pages(c)
    assert ids(r for page in found for r in page.records) == ["1", "2"]
    assert (found[-1].complete, found[-1].cursor) == (True, None)


async def test_an_empty_listing_is_complete(fake):
    fake.on("GET /things", {"data": [], "total": 0})
    async with connected(fake) as c:
        found = await pages(c)
    assert found[-1].complete
    assert found[-1].total == 0


@pytest.mark.parametrize(
    "body",
    [
        {"data": things(1), "included": [{"id": 9}]},
        {"things": things(1)},
        {"meta": {}, "rows": things(1)},
        {"_embedded": {"things": things(1)}, "_links": {}},
        {"d": {"results": things(1)}},
    ],
)
async def test_the_records_are_found_where_they_usually_are(fake, body):
    fake.on("GET /things", body)
    async with connected(fake) as c:
        assert ids(await listed(c)) == ["1"]


async def test_a_total_that_does_not_fit_is_read_again_and_then_not_complete(fake):
    fake.on("GET /things", {"data": things(1), "total": 2})
    async with connected(fake) as c:
        found = await pages(c)
    assert not any(page.complete for page in found)
    assert ids(r for page in found for r in page.records) == ["1", "1"]
    assert len(fake.calls) == 2


async def test_a_total_that_fits_at_the_second_reading_is_complete(fake):
    fake.on("GET /things", {"data": things(1), "total": 2}, {"data": things(1, 2), "total": 2})
    async with connected(fake) as c:
        assert (await pages(c))[-1].complete


async def test_check_says_what_can_be_read_and_why_not(fake):
    fake.on("GET /things", things(1))
    async with connected(fake) as c:
        assert await c.check() == [("thing", True, "readable")]
        fake.on("GET /things", Reply({"message": "no"}, 403))
        assert "403: no" in (await c.check())[0][2]
