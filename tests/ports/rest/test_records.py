"""Raw decoding: digits kept, odd records failing alone."""

import pytest

from accord.model import Absence

from .fake import connected, pages, raw


async def only_page(fake, text, *paths, **options):
    fake.on("GET /things", raw(text))
    async with connected(fake, *paths, **options) as c:
        return (await pages(c))[0]


@pytest.mark.parametrize(
    "number", ["0.10", "1e2", "123456789012345678901234567890.5", "123456789012345678901234567890", "-0"]
)
async def test_numbers_are_kept_digit_for_digit(fake, number):
    page = await only_page(fake, f'[{{"id": 1, "price" : {number} }}]', "price", "id")
    assert page.records[0].content == f'{{"price":{number},"id":1}}'.encode()


async def test_absent_and_null_stay_apart_and_paths_are_in_order(fake):
    page = await only_page(fake, '[{"id":1,"b":null},{"b":2,"a":1,"id":2}]', "a", "b")
    assert [r.content for r in page.records] == [b'{"b":null}', b'{"a":1,"b":2}']


async def test_nested_paths_are_taken_flat(fake):
    text = '[{"id":1,"contact":{"x":0,"email":"e"}},{"id":2,"contact":null},{"id":3},{"id":4,"contact":{}}]'
    page = await only_page(fake, text, "contact.email", "id")
    contents = [b'{"contact.email":"e","id":1}', b'{"id":2}', b'{"id":3}', b'{"id":4}']
    assert [r.content for r in page.records] == contents


async def test_paths_through_lists_are_lists(fake):
    text = '[{"id":1,"lines":[{"sku":"a","qty":1.50},{"qty":2}],"tags":["x", "y"]},{"id":2,"lines":[]}]'
    page = await only_page(fake, text, "lines[].sku", "lines[].qty", "tags[]")
    assert page.records[0].content == b'{"lines[].sku":["a",null],"lines[].qty":[1.50,2],"tags[]":["x","y"]}'
    assert page.records[1].content == b'{"lines[].sku":[],"lines[].qty":[]}'


async def test_blanks_inside_objects_do_not_matter(fake):
    page = await only_page(fake, '[{"id":1,"o":{ "a" : 1.0,\n "b" : "x [ y" }}]', "o")
    assert page.records[0].content == b'{"o":{"a":1.0,"b":"x [ y"}}'


async def test_ids_are_text_and_keep_their_native_kind(fake):
    page = await only_page(fake, '[{"id":7},{"id":"007"}]', "id")
    assert [(r.id, r.native_id) for r in page.records] == [("7", 7), ("007", "007")]


async def test_an_id_may_lie_deeper(fake):
    page = await only_page(fake, '[{"meta":{"key":"k1"},"name":"n"},{"name":"m"}]', "name", thing_id="meta.key")
    assert [r.id for r in page.records] == ["k1"]
    assert len(page.failures) == 1


@pytest.mark.parametrize(
    ("odd", "id"),
    [
        ('{"name":"without id"}', None),
        ('{"id":null}', None),
        ('{"id":true}', None),
        ('{"id":""}', ""),
        ("[1]", None),
        ('{"id":2,"contact":[1]}', "2"),
        ('{"id":2,"id":3,"name":"twice"}', "3"),
        ('{"id":2,"name":"a","name":"b"}', "2"),
        ('{"id":2,"name":"\\ud800"}', None),
        ('{"id":2,"name":NaN}', None),
    ],
)
async def test_an_odd_record_fails_alone(fake, odd, id):
    page = await only_page(fake, f'[{{"id":1,"name":"ok"}},{odd},{{"id":9,"name":"ok"}}]', "name", "contact.email")
    assert [r.id for r in page.records] == ["1", "9"]
    assert [failure.id for failure in page.failures] == [id]


async def test_text_that_is_not_utf8_fails_alone(fake):
    fake.on("GET /things", lambda call: raw_bytes)
    raw_bytes = raw("")
    raw_bytes.body = b'[{"id":1,"name":"\xff"},{"id":2,"name":"\xc3\xa9"}]'
    async with connected(fake) as c:
        page = (await pages(c))[0]
    assert [r.id for r in page.records] == ["2"]
    assert len(page.failures) == 1


async def test_escaped_text_is_as_good_as_plain(fake):
    page = await only_page(fake, '[{"id":1,"name":"\\ud83d\\ude00 \\u00e9"}]', "name")
    assert page.records[0].natives() == {"name": "😀 é"}


async def test_names_that_also_stand_in_unmapped_parts_are_no_duplicates(fake):
    page = await only_page(fake, '[{"id":1,"name":"a","owner":{"id":2,"name":"b"}}]', "name")
    assert page.records[0].content == b'{"name":"a"}'
    assert not page.failures


@pytest.mark.parametrize("field", ["etag", "_etag", "@odata.etag"])
async def test_a_listing_may_show_etags(fake, field):
    page = await only_page(fake, f'[{{"id":1,"{field}":"W/\\"5\\""}},{{"id":2}}]', "name", thing_version="etag")
    assert [r.version for r in page.records] == ['W/"5"', None]


async def test_a_version_is_the_value_at_its_path(fake):
    page = await only_page(fake, '[{"id":1,"meta":{"ver":12}}]', "name", thing_version="meta.ver")
    assert page.records[0].version == 12


async def test_the_etag_of_a_point_read_is_its_version(fake):
    fake.on("GET /things/1", raw('{"id":1,"name":"n"}', ETag='"v1"'))
    async with connected(fake, thing_version="etag") as c:
        assert (await c.fetch("thing", ["1"]))["1"].version == '"v1"'


@pytest.mark.parametrize(
    "body", ['{"data":{"id":1}}', '{"thing":{"id":1},"meta":{}}', '[{"id":1}]', '{"id":"req-1","data":{"id":1}}']
)
async def test_a_single_record_is_found_inside_its_wrapper(fake, body):
    fake.on("GET /things/1", raw(body))
    async with connected(fake) as c:
        assert (await c.fetch("thing", ["1"]))["1"].native_id == 1


async def test_a_point_read_tells_gone_from_forbidden_from_failed(fake):
    fake.on("GET /things/1", raw('{"id":1}'))
    fake.on("GET /things/2", raw("{}", 404))
    fake.on("GET /things/3", raw("{}", 410))
    fake.on("GET /things/4", raw("{}", 403))
    fake.on("GET /things/5", raw("{}", 500))
    fake.on("GET /things/6", raw("<html>"))
    fake.on("GET /things/7", raw('{"id":8}'))
    fake.on("GET /things/9", raw("", 301, Location="/things/8"))
    async with connected(fake) as c:
        found = await c.fetch("thing", ["1", "2", "3", "4", "5", "6", "7", "9"])
    gone, forbidden, failed = Absence.GONE, Absence.FORBIDDEN, Absence.FAILED
    assert list(found.values())[1:] == [gone, gone, forbidden, failed, failed, failed, failed]


async def test_an_id_cannot_leave_its_place_in_the_path(fake):
    async with connected(fake) as c:
        await c.fetch("thing", ["../x?y#z", ".."])
    assert {call.path for call in fake.calls} == {"/things/..%2Fx%3Fy%23z", "/things/%2E%2E"}
