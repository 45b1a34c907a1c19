"""Systems that take JSON where others take a query: listings by POST, bodies of their own, filters as JSON."""

import json

from accord.connectors.rest.templates import filled
from accord.model import Absence
from accord.ports import Expects, NewRecord

from .fake import Reply, connected, listed, pages, raw, things

SEARCH = {
    "method": "POST",
    "path": "/things/search",
    "params": {"domain": [], "fields": "{properties}"},
    "paginator": {"type": "offset", "size": 2},
    "changed_since": {"param": "domain", "format": "%Y-%m-%d %H:%M:%S", "filter": [["at", ">=", "{since}"]]},
}
CALLS = {
    "thing_list": SEARCH,
    "thing_get": {"method": "POST", "path": "/things/read", "body": {"ids": ["{id}"]}, "gone_when_empty": True},
    "thing_create": {"path": "/things/create", "body": {"vals_list": ["{record}"]}, "id": "[]"},
    "thing_update": {"method": "POST", "path": "/things/write", "body": {"ids": ["{id}"], "vals": "{record}"}},
    "thing_delete": {"method": "POST", "path": "/things/unlink", "body": {"ids": ["{id}"]}},
}


async def test_the_place_in_a_listing_goes_into_the_body(fake):
    fake.on("POST /things/search", things(1, 2), things(3), things())
    async with connected(fake, "lines[].sku", "name", **CALLS) as c:
        assert [record.id for record in await listed(c)] == ["1", "2", "3"]
    said = [call.json for call in fake.calls]
    assert said[0] == {"domain": [], "fields": ["id", "lines", "name"], "limit": 2, "offset": 0}
    assert [body["offset"] for body in said] == [0, 2, 3]
    assert {str(call.query) for call in fake.calls} == {"<MultiDictProxy()>"}


async def test_changes_are_asked_for_with_json(fake):
    fake.on("POST /things/search", things(1, at="2026-03-01 10:00:00"), things(), things())
    async with connected(fake, thing_modified="at", **CALLS) as c:
        mark = (await pages(c))[-1].cursor
        await pages(c, mark)
    asked = fake.calls[-1].json["domain"]
    assert len(asked) == 1
    assert asked[0][:2] == ["at", ">="]
    assert "2026-03-01 09:59:50" < asked[0][2] < "2026-03-01 10:00:00"


async def test_a_cursor_that_looks_like_a_number_stays_a_text(fake):
    fake.on("POST /things", {"data": things(1), "next": "007"}, {"data": things(2), "next": ""})
    paginator = {"type": "cursor", "cursor_path": "next", "cursor_param": "after", "size_param": "limit", "size": 1}
    async with connected(fake, thing_list={"method": "POST", "paginator": paginator}) as c:
        await listed(c)
    assert fake.calls[1].json == {"after": "007", "limit": 1}


async def test_one_record_is_read_by_post_and_is_gone_where_the_list_is_empty(fake):
    fake.on("POST /things/read", things(7), raw(" [ ] "), Reply({"message": "no such method"}, 404))
    async with connected(fake, **CALLS) as c:
        found = [(await c.fetch("thing", [id]))[id] for id in ("7", "08", "x")]
    assert not isinstance(found[0], str)
    assert found[1:] == [Absence.GONE, Absence.GONE]
    assert [call.json for call in fake.calls] == [{"ids": [7]}, {"ids": ["08"]}, {"ids": ["x"]}]


async def test_a_record_may_be_the_only_one_of_a_list_at_its_path(fake):
    fake.on("GET /things", {"data": things(7)}, {"data": []}, {"data": things(7, 8)}, {"data": None})
    get = {"path": "/things?filter[id][_eq]={id}", "record": "data", "gone_when_empty": True}
    async with connected(fake, thing_get=get) as c:
        found = [(await c.fetch("thing", [id]))[id] for id in ("7", "x&y", "7", "7")]
    assert not isinstance(found[0], str)
    assert found[1:] == [Absence.GONE, Absence.FAILED, Absence.FAILED]
    assert [call.query for call in fake.calls[:2]] == [{"filter[id][_eq]": "7"}, {"filter[id][_eq]": "x&y"}]


async def test_an_empty_list_says_nothing_where_nobody_said_that_it_does(fake):
    fake.on("GET /things/7", raw("[]"))
    async with connected(fake) as c:
        assert (await c.fetch("thing", ["7"]))["7"] is Absence.FAILED


async def test_writes_have_a_body_of_their_own(fake):
    fake.on("POST /things/read", things(5), things(5))
    fake.on("POST /things/create", [5])
    fake.on("POST /things/write", True)
    fake.on("POST /things/unlink", True)
    async with connected(fake, **CALLS) as c:
        (made,) = await c.create("thing", [NewRecord(natives={"name": "{id} n5"}, token="t")])
        changed = await c.update("thing", "5", {"name": "x"}, Expects(natives={"name": "n5"}))
        gone = await c.delete("thing", "5", Expects(natives={"name": "n5"}))
    assert made.record is not None
    assert (made.record.id, made.kind, changed.kind, gone.kind) == ("5", "applied", "applied", "applied")
    assert fake.seen("POST /things/create")[0].json == {"vals_list": [{"name": "{id} n5"}]}
    assert fake.seen("POST /things/write")[0].json == {"ids": [5], "vals": {"name": "x"}}
    assert fake.seen("POST /things/unlink")[0].json == {"ids": [5]}


async def test_an_answer_that_is_false_says_nothing(fake):
    fake.on("POST /things/read", things(5))
    fake.on("POST /things/write", False)
    async with connected(fake, **CALLS) as c:
        assert (await c.update("thing", "5", {"name": "x"}, Expects(natives={"name": "n5"}))).kind == "unknown"


async def test_a_create_that_answers_two_ids_is_in_doubt(fake):
    fake.on("POST /things/create", [5, 6])
    async with connected(fake, **CALLS) as c:
        (made,) = await c.create("thing", [NewRecord(natives={"name": "n"}, token="t")])
    assert made.kind == "unknown"


async def test_a_search_with_json_in_a_parameter_escapes_its_value(fake):
    fake.on("GET /things", things(1, key='a"]b'), raw("[]"))
    fake.on("POST /things/search", things(1, key=3), things())
    find = {"param": "filters", "by": ["key"], "filter": [["{path}", "=", "{value}"]]}
    async with connected(fake, "id", "key", thing_find=find) as c:
        assert [record.id for record in await c.find("thing", {"key": 'a"]b', "name": "n"})] == []
        assert [record.id for record in await c.find("thing", {"key": 'a"]b'})] == []
    assert json.loads(fake.calls[0].query["filters"]) == [["key", "=", 'a"]b']]
    async with connected(fake, "id", "key", **{**CALLS, "thing_find": {**find, "param": "domain"}}) as c:
        assert [record.id for record in await c.find("thing", {"key": 3})] == ["1"]
    assert fake.calls[-1].json["domain"] == [["key", "=", 3]]


async def test_a_delete_that_the_system_does_not_check_is_read_and_compared_first(fake):
    fake.on("GET /things/7", things(7, lock=2)[0])
    fake.on("PATCH /things/7", things(7, lock=3)[0])
    fake.on("DELETE /things/7", Reply(b"", 204))
    async with connected(fake, thing_version="lock", unchecked_deletes=True) as c:
        assert (await c.delete("thing", "7", Expects(version=1, natives={}))).kind == "stale"
        assert (await c.delete("thing", "7", Expects(version=2, natives={}))).kind == "applied"
        assert (await c.update("thing", "7", {"name": "x"}, Expects(version=2, natives={}))).kind == "applied"
    assert [call.method for call in fake.calls] == ["GET", "GET", "DELETE", "PATCH"]
    assert fake.seen("DELETE /things/7")[0].query == {}


def test_a_value_is_put_in_as_it_is_and_unknown_places_stay():
    """What a record holds is never taken for a place of ours."""
    template = {"{path}": ["{value}", "<{value}>", "{other}", 7]}
    said = filled(template, {"path": "name", "value": "{path} {other}"})
    assert said == {"name": ["{path} {other}", "<{path} {other}>", "{other}", 7]}
    assert filled("{ids}", {"ids": [1, 2]}) == [1, 2]
