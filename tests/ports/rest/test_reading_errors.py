"""Answers of the wrong kind are errors: never an empty list."""

import asyncio
import gzip
import socket
import time

import pytest

from accord.config.meaning import SystemLimits
from accord.connectors.rest.connector import RestConnector
from accord.errors import MendFile, ProtocolError, Unauthorized, Unreachable

from .fake import HTML, LOST, Reply, connected, listed, raw, system, things


@pytest.mark.parametrize(
    "body",
    [
        HTML,
        "",
        '{"error":"internal"}',
        '{"success":false,"data":[]}',
        '{"data":{}}',
        '{"data":null}',
        "null",
        '"x"',
        '[{"id":1',
    ],
)
async def test_what_is_no_listing_is_an_error_after_some_tries(fake, body):
    fake.on("GET /things", raw(body))
    async with connected(fake) as c:
        with pytest.raises(ProtocolError):
            await listed(c)
        assert c.requests == 3


async def test_no_array_at_the_declared_place_is_an_error(fake):
    fake.on("GET /things", {"data": {"rows": {}}, "other": things(1)})
    async with connected(fake, thing_list={"records": "data.rows"}) as c:
        with pytest.raises(ProtocolError, match=r"no array at data\.rows"):
            await listed(c)


@pytest.mark.parametrize(
    "mishap",
    [
        LOST,
        Reply(b'[{"id":1,"name":"x"}]', cut=True),
        raw("[{"),
        raw(HTML),
        raw("{}", 503),
        raw("{}", 500),
        raw("", 408),
    ],
)
async def test_a_mishap_is_read_again(fake, mishap):
    fake.on("GET /things", mishap, things(1))
    async with connected(fake) as c:
        assert len(await listed(c)) == 1


@pytest.mark.parametrize("mishap", [LOST, Reply(b'[{"id":1}]', cut=True), raw("{}", 503), raw("{}", 429)])
async def test_a_lasting_mishap_is_an_unreachable_system(fake, mishap):
    fake.on("GET /things", mishap)
    async with connected(fake) as c:
        with pytest.raises(Unreachable, match=r"^fake: GET /things"):
            await listed(c)


async def test_a_system_that_is_not_there_is_unreachable(fake):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        fake.url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with connected(fake) as c:
            with pytest.raises(Unreachable, match="no connection"):
                await listed(c)


async def test_a_redirect_is_not_followed(fake):
    fake.on("GET /things", Reply(status=302, headers={"Location": f"{fake.url}/elsewhere?token=s3cret"}))
    async with connected(fake) as c:
        with pytest.raises(ProtocolError, match="302, redirected to") as caught:
            await listed(c)
    assert "s3cret" not in str(caught.value)
    assert not fake.seen("GET /elsewhere")


async def test_a_forbidden_collection_stops_the_system(fake):
    fake.on("GET /things", Reply({"message": "not yours"}, 403))
    async with connected(fake) as c:
        with pytest.raises(Unauthorized, match="not yours"):
            await listed(c)


async def test_a_slow_answer_ends_at_the_deadline(fake):
    fake.on("GET /things", Reply(things(1), late=5))
    started = time.monotonic()
    async with connected(fake, limits=SystemLimits(timeout=0.2, retries=1)) as c:
        with pytest.raises(Unreachable, match=r"no answer within 0\.2 s"):
            await listed(c)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("squeezed", [False, True])
async def test_an_answer_that_is_too_large_is_an_error_at_once(fake, squeezed):
    body = b"[" + b" " * 3_000_000 + b"]"
    headers = {"Content-Encoding": "gzip"} if squeezed else {}
    fake.on("GET /things", Reply(gzip.compress(body) if squeezed else body, headers=headers))
    async with connected(fake, max_body=1_000_000) as c:
        with pytest.raises(ProtocolError, match="more than"):
            await listed(c)
        assert c.requests == 1


async def test_json_that_is_nested_too_deeply_is_an_error(fake):
    fake.on("GET /things", raw('[{"id":1,"name":' + "[" * 100_000 + "]" * 100_000 + "}]"))
    async with connected(fake) as c:
        with pytest.raises(ProtocolError):
            await listed(c)


async def test_a_listing_left_half_way_leaves_nothing_behind(fake):
    fake.on("GET /things", {"data": things(1), "next": "/things?p=2"}, Reply({"data": things(2)}, late=1))
    async with connected(fake) as c:
        reading = c.read("thing", None)
        async for page in reading:
            assert page.records
            break
        await reading.aclose()
    assert len(asyncio.all_tasks()) <= 3


@pytest.mark.parametrize(
    "options",
    [{"verify": False}, {"auth": {"type": "oauth2_refresh"}}, {"auth": {"type": "magic"}}, {"base_url": "ftp://x"}],
)
def test_options_that_cannot_be_used_are_refused(options):
    base = options.pop("base_url", "http://x")
    with pytest.raises(MendFile):
        RestConnector(system(base, **options))
