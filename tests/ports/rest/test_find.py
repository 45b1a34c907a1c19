"""Searching, and what a datatype is capable of."""

from .fake import connected, raw, things


async def test_only_records_that_really_have_the_value_are_found(fake):
    found = [
        {"id": 1, "org_number": " abC "},
        {"id": 2, "org_number": "abcd"},
        {"id": 3},
        {"id": 4, "org_number": None},
    ]
    fake.on("GET /things", {"data": found})
    async with connected(fake, "name", thing_find={"param": "q", "by": ["org_number"]}) as c:
        assert [r.id for r in await c.find("thing", {"org_number": "ABC"})] == ["1"]
        assert c.capabilities("thing").find == ("org_number",)
    assert fake.calls[0].query == {"q": "ABC"}


async def test_each_path_may_have_its_own_parameter(fake):
    fake.on("GET /things", [{"id": 1, "vat": {"no": 12}, "name": "n"}])
    async with connected(fake, thing_find={"params": {"vat.no": "vat_no"}, "by": ["vat.no", "name"]}) as c:
        assert [r.id for r in await c.find("thing", {"vat.no": 12, "name": "N"})] == ["1"]
    assert fake.calls[0].query == {"vat_no": "12", "name": "N"}


async def test_our_own_key_is_found_by_reading_everything_where_it_cannot_be_searched(fake):
    fake.on("GET /things", {"data": things(1), "next": "/things?p=2"}, {"data": things(2, key="tok")})
    async with connected(fake, thing_key_property="key") as c:
        assert c.capabilities("thing").own_key
        assert [r.id for r in await c.find("thing", {"key": "tok"})] == ["2"]


async def test_values_are_escaped_in_the_query(fake):
    fake.on("GET /things", raw("[]"))
    async with connected(fake, thing_find={"by": ["name"]}) as c:
        assert await c.find("thing", {"name": "a&b=c d/ü"}) == []
    assert fake.calls[0].query == {"name": "a&b=c d/ü"}


async def test_what_the_project_file_says_is_what_a_datatype_can_do(fake):
    options = {
        "thing_modified": "at",
        "thing_version": "etag",
        "thing_list": {"changed_since": {"param": "since"}, "deleted_feed": {"path": "/deleted"}},
        "thing_create": {"idempotency_header": "Idempotency-Key"},
    }
    async with connected(fake, **options) as c:
        can = c.capabilities("thing")
    assert (can.changed_since, can.deleted_feed, can.version_check, can.idempotent_create) == (True, True, "etag", True)
