"""Creates: done, refused, or unknown; never twice."""

from decimal import Decimal

import pytest

from accord.errors import ProtocolError, Unauthorized, Unreachable
from accord.model import OutcomeKind
from accord.ports import NewRecord

from .fake import HTML, LOST, Reply, connected, raw

APPLIED, REJECTED, UNKNOWN = OutcomeKind.APPLIED, OutcomeKind.REJECTED, OutcomeKind.UNKNOWN
NEW = NewRecord(natives={"name": "n", "contact.email": "e", "price": Decimal("0.10")}, token="tok-1")


async def create(fake, *, new=NEW, paths=("name", "price"), **options):
    async with connected(fake, *paths, **options) as c:
        return (await c.create("thing", [new]))[0]


async def test_a_create_sends_nested_json_digit_for_digit_and_returns_what_the_system_made_of_it(fake):
    fake.on("POST /things", raw('{"id":5,"name":"N","price":0.100}', 201, ETag='"1"'))
    outcome = await create(fake, thing_version="etag", thing_key_property="meta.key")
    assert fake.calls[0].body == b'{"name":"n","contact":{"email":"e"},"price":0.10,"meta":{"key":"tok-1"}}'
    assert (outcome.kind, outcome.record.id, outcome.record.version) == (APPLIED, "5", '"1"')
    assert outcome.record.content == b'{"name":"N","price":0.100}'


async def test_a_create_may_be_wrapped_and_its_id_declared(fake):
    fake.on("POST /things", raw('{"id":"req","data":{"id":5,"name":"n"}}', 201))
    outcome = await create(
        fake, thing_create={"wrap": "thing", "id": "data.id", "idempotency_header": "Idempotency-Key"}
    )
    assert set(fake.calls[0].json) == {"thing"}
    assert fake.calls[0].headers["Idempotency-Key"] == "tok-1"
    assert outcome.record.native_id == 5


@pytest.mark.parametrize(
    "answer",
    [
        raw('{"id":5}', 201),
        raw('{"created":5}', 201),
        raw("", 201, Location="/things/5"),
        raw(HTML, 201, Location="http://x/things/5"),
    ],
)
async def test_an_answer_that_names_only_the_id_is_completed_by_a_point_read(fake, answer):
    fake.on("POST /things", answer)
    fake.on("GET /things/5", raw('{"id":5,"name":"n"}'))
    outcome = await create(fake, thing_create={"id": "created"})
    assert (outcome.kind, outcome.record.content) == (APPLIED, b'{"name":"n"}')


async def test_a_certain_create_that_cannot_be_read_now_stands_as_it_was_sent(fake):
    fake.on("POST /things", raw('{"id":5}', 201))
    fake.on("GET /things/5", raw("{}", 503))
    outcome = await create(fake)
    assert (outcome.kind, outcome.record.content) == (APPLIED, b'{"name":"n","price":0.10}')


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (raw('{"message":"name is too long"}', 422), "422: name is too long"),
        (raw('{"errors":[{"detail":"bad"},{"detail":"worse"}]}', 400), "400: bad; worse"),
        (raw('{"error":{"code":7,"message":"no"}}', 403), "403: no: 7"),
        (raw("<h1>", 404), "status 404"),
        (raw('{"error":"name is required"}'), "an error inside a success: 200: name is required"),
        (raw('{"errors":{"name":["is taken"]}}'), "an error inside a success: 200: name: is taken"),
    ],
)
async def test_a_refusal_says_why(fake, answer, message):
    fake.on("POST /things", answer)
    outcome = await create(fake)
    assert (outcome.kind, outcome.message) == (REJECTED, message)
    assert len(fake.calls) == 1


@pytest.mark.parametrize(
    "body",
    ['{"error":"unique","id":17}', '{"error":"unique","existing":{"id":17}}', '{"error":{"conflicting_id":"17"}}'],
)
async def test_a_refusal_that_names_the_owner_of_a_unique_key_passes_it_on(fake, body):
    fake.on("POST /things", raw(body, 409))
    assert (await create(fake)).conflicting == "17"


@pytest.mark.parametrize(
    "answer",
    [
        LOST,
        Reply(b'{"id":5,"name":"n"}', cut=True),
        raw("{}", 500),
        raw("{}", 503, Retry_After="0"),
        raw(HTML),
        raw(""),
        raw('{"id":5'),
        raw('{"ok":true}'),
        raw('{"error":"internal","message":"please try again"}'),
        raw("", 302, Location="/login"),
        Reply({"id": 5}, late=3),
    ],
)
async def test_when_nobody_knows_the_create_is_unknown_and_sent_once(fake, answer):
    fake.on("POST /things", answer)
    assert (await create(fake)).kind is UNKNOWN
    assert len(fake.calls) == 1


@pytest.mark.parametrize("mishap", [LOST, raw("{}", 500), raw(HTML), raw(""), raw('{"error":"internal"}')])
async def test_with_a_key_a_lost_create_is_sent_again_with_the_same_key(fake, mishap):
    fake.on("POST /things", mishap, raw('{"id":5,"name":"n"}'))
    outcome = await create(fake, thing_create={"idempotency_header": "Key"})
    assert outcome.kind is APPLIED
    assert [call.headers["Key"] for call in fake.calls] == ["tok-1", "tok-1"]
    assert fake.calls[0].body == fake.calls[1].body


async def test_with_a_key_a_create_that_stays_lost_is_unknown(fake):
    fake.on("POST /things", LOST)
    assert (await create(fake, thing_create={"idempotency_header": "Key"})).kind is UNKNOWN
    assert len(fake.calls) == 3


async def test_a_conflict_after_a_lost_answer_may_be_our_own(fake):
    fake.on("POST /things", LOST, raw('{"error":"unique"}', 409))
    assert (await create(fake, thing_create={"idempotency_header": "Key"})).kind is UNKNOWN


async def test_a_429_had_no_effect_and_is_tried_again(fake):
    fake.on("POST /things", raw("{}", 429, Retry_After="0"), raw('{"id":5,"name":"n"}', 201))
    assert (await create(fake)).kind is APPLIED


async def test_a_401_is_tried_once_more_then_it_is_unauthorized(fake):
    fake.on("POST /things", raw("{}", 401))
    with pytest.raises(Unauthorized):
        await create(fake)
    assert len(fake.calls) == 2


async def test_a_create_that_never_got_there_is_unreachable(fake):
    fake.url = "http://127.0.0.1:1"
    with pytest.raises(Unreachable):
        await create(fake)


async def test_a_name_that_does_not_resolve_is_unreachable(fake):
    fake.url = "http://nowhere.invalid"
    with pytest.raises(Unreachable):
        await create(fake)


async def test_a_moved_collection_is_an_error_that_names_it(fake):
    fake.on("POST /things", raw("", 308, Location="/v2/things"))
    with pytest.raises(ProtocolError, match="/v2/things"):
        await create(fake)


BATCH = {"batch": {"path": "/things/batch", "size": 10}}
FOUR = [NewRecord(natives={"name": f"n{i}"}, token=f"t{i}") for i in range(4)]


async def batch(fake, **options):
    options = {"thing_create": BATCH, **options}
    async with connected(fake, "name", "key", **options) as c:
        return [outcome.kind for outcome in await c.create("thing", FOUR)]


async def test_a_batch_tells_of_each_record(fake):
    entries = [
        {"status": 201, "record": {"id": 1, "name": "n0"}},
        {"status": 422, "error": "name taken"},
        {"status": 500, "error": "internal"},
        {"id": 4, "name": "n3"},
    ]
    fake.on("POST /things/batch", Reply({"results": entries}, 207))
    assert await batch(fake) == [APPLIED, REJECTED, UNKNOWN, APPLIED]
    assert fake.calls[0].json == [{"name": f"n{i}"} for i in range(4)]


async def test_entries_of_a_batch_are_told_apart_by_index(fake):
    entries = [{"index": 2, "record": {"id": 3, "name": "n2"}}, {"index": 0, "error": "no"}]
    fake.on("POST /things/batch", entries)
    assert await batch(fake) == [REJECTED, UNKNOWN, APPLIED, UNKNOWN]


async def test_entries_of_a_batch_are_told_apart_by_our_own_key(fake):
    entries = [{"id": 9, "name": "n3", "key": "t3"}, {"id": 8, "name": "n1", "key": "t1"}]
    fake.on("POST /things/batch", {"items": entries})
    assert await batch(fake, thing_key_property="key") == [UNKNOWN, APPLIED, UNKNOWN, APPLIED]


async def test_entries_that_cannot_be_told_apart_are_unknown(fake):
    fake.on("POST /things/batch", [{"id": 1, "name": "n0"}])
    assert await batch(fake) == [UNKNOWN] * 4


@pytest.mark.parametrize("answer", [LOST, raw("{}", 500), raw(HTML), raw("")])
async def test_a_lost_batch_is_unknown(fake, answer):
    fake.on("POST /things/batch", answer)
    assert await batch(fake) == [UNKNOWN] * 4
    assert len(fake.calls) == 1


async def test_a_batch_that_is_refused_as_a_whole_is_sent_one_by_one(fake):
    fake.on("POST /things/batch", raw('{"error":"row 2"}', 422))
    fake.on(
        "POST /things",
        lambda call: Reply({"error": "no"}, 422) if call.json["name"] == "n2" else {"id": 1, **call.json},
    )
    assert await batch(fake) == [APPLIED, APPLIED, REJECTED, APPLIED]


async def test_a_key_in_a_header_is_worth_more_than_a_batch(fake):
    create_ = {**BATCH, "idempotency_header": "Key"}
    async with connected(fake, thing_create=create_) as c:
        capabilities = c.capabilities("thing")
    assert (capabilities.batch, capabilities.idempotent_create) == (1, True)


async def test_a_record_that_has_a_property_called_error_was_created(fake):
    fake.on("POST /things", raw('{"id":5,"name":"n","error":"internal"}'))
    assert (await create(fake)).kind is APPLIED
