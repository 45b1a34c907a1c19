"""T5, T10, T11 and T12 of the fault table over real connections: no answer fills the memory or takes for ever."""

import asyncio
import gzip
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from accord.config.meaning import SystemLimits
from accord.connectors.rest.client import Client
from accord.connectors.rest.connector import RestConnector
from accord.connectors.rest.options import read_system
from accord.errors import ProtocolError, Unreachable
from accord.model import Absence, OutcomeKind
from accord.ports import Expects, NewRecord

from .fake import Fake, Reply, connected, listed, pages, raw, system, things

SHORT = SystemLimits(timeout=0.3, retries=0)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
MB = 1 << 20
Speak = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def speaking(speak: Speak, **options: object) -> AsyncIterator[RestConnector]:
    """A connector to a server that reads a request and then says what it likes; `speak` ends when it is hung up on."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await speak(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        connector = RestConnector(system(f"http://127.0.0.1:{port}", **{"limits": SHORT, **options}))  # type: ignore[arg-type]
        await connector.open({"thing": ("id", "name")})
        try:
            yield connector
        finally:
            await connector.close()


async def drip(writer: asyncio.StreamWriter, text: bytes) -> None:
    """One byte at a time, always in time for a limit that counts from byte to byte only."""
    for at in range(len(text)):
        writer.write(text[at : at + 1])
        await writer.drain()
        await asyncio.sleep(0.02)


async def dripping_head(writer: asyncio.StreamWriter) -> None:
    await drip(writer, HEAD + b"X-More: " + b"x" * 2000)


async def dripping_body(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"Content-Length: 5000\r\n\r\n")
    await drip(writer, b"[" + b" " * 4998 + b"]")


async def stalled_chunk(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b'Transfer-Encoding: chunked\r\n\r\n8\r\n[{"id":1\r\n')
    await writer.drain()
    await asyncio.sleep(30)


async def silence(_writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


SLOW = [dripping_head, dripping_body, stalled_chunk, silence]


@pytest.mark.parametrize("speak", SLOW)
async def test_an_answer_that_never_ends_is_given_up_at_the_deadline(speak):
    """The limit is for the whole answer, and not for each byte of it."""
    started = time.monotonic()
    async with speaking(speak) as c:
        with pytest.raises(Unreachable, match=r"no answer within 0\.3 s"):
            await listed(c)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("speak", SLOW)
async def test_a_write_whose_answer_never_ends_is_unknown(speak):
    """It may have taken effect."""
    async with speaking(speak) as c:
        (outcome,) = await c.create("thing", [NewRecord(natives={"name": "n"}, token="t")])
    assert outcome.kind is OutcomeKind.UNKNOWN


async def cut_chunk(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b'Transfer-Encoding: chunked\r\n\r\n10\r\n[{"id":1,"name":\r\n')
    await writer.drain()


async def early_end(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b'Content-Length: 500\r\n\r\n[{"id":1,"name":"n"}]')
    await writer.drain()


@pytest.mark.parametrize("speak", [cut_chunk, early_end])
async def test_an_answer_that_is_cut_is_no_listing(speak):
    """Also where what came is JSON by itself."""
    async with speaking(speak) as c:
        with pytest.raises(Unreachable, match="the answer was lost"):
            await listed(c)


def bomb(size: int) -> bytes:
    """So many blanks as a listing, squeezed to a thousandth."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b" " * MB
    return b"".join([squeeze.compress(b"["), *(squeeze.compress(block) for _ in range(size // MB)), squeeze.flush()])


async def test_a_gzip_bomb_does_not_fill_the_memory(fake):
    """A megabyte that becomes a gigabyte: an error at once, and the memory stays small."""
    body = bomb(1 << 30)
    assert len(body) < 2 * MB
    fake.on("GET /things", Reply(body, headers={"Content-Encoding": "gzip"}))
    tracemalloc.start()
    try:
        async with connected(fake, max_body=4 * MB) as c:
            with pytest.raises(ProtocolError, match="more than 4 MB"):
                await listed(c)
            assert c.requests == 1
        assert tracemalloc.get_traced_memory()[1] < 32 * MB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_of_a_gigabyte_is_hung_up_on(declared):
    """Whether its length is told or not, no more is taken than the limit."""
    sent = 0

    async def endless(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        head = b"Content-Length: 1073741824\r\n\r\n" if declared else b"Connection: close\r\n\r\n"
        writer.write(HEAD + head + b"[")
        while sent < 1 << 30:
            writer.write(b" " * MB)
            sent += MB
            await writer.drain()

    limits = SystemLimits(timeout=20, retries=0)
    async with speaking(endless, limits=limits, max_body=4 * MB) as c:
        with pytest.raises(ProtocolError, match="more than 4 MB"):
            await listed(c)
    assert sent < 64 * MB


async def test_headers_without_end_are_hung_up_on():
    """They are no answer."""
    sent = 0

    async def endless(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(HEAD)
        while sent < 1 << 30:
            writer.write(b"X-Padding: " + b"x" * 1000 + b"\r\n")
            sent += 1000
            await writer.drain()

    async with speaking(endless, limits=SystemLimits(timeout=20, retries=0)) as c:
        with pytest.raises(Unreachable):
            await listed(c)
    assert sent < 64 * MB


async def test_an_error_page_without_end_is_no_traceback(fake):
    """The limit holds for answers of every status, on writes too, where the outcome is then unknown."""
    fake.on("GET /things", Reply(gzip.compress(b"<" * 8 * MB), 500, {"Content-Encoding": "gzip"}))
    fake.on("POST /things", Reply(gzip.compress(b"<" * 8 * MB), headers={"Content-Encoding": "gzip"}))
    async with connected(fake, max_body=MB) as c:
        with pytest.raises(ProtocolError, match="more than 1 MB"):
            await listed(c)
        (outcome,) = await c.create("thing", [NewRecord(natives={"name": "n"}, token="t")])
    assert outcome.kind is OutcomeKind.UNKNOWN


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize("text", [DEEP, '{"a":' * 100_000 + "1" + "}" * 100_000])
async def test_json_without_bottom(fake, text):
    """A listing is an error, a point read a failure of that record, a write unknown, a refusal still one."""
    fake.on("GET /things", raw(f'[{{"id":1,"name":{text}}}]'))
    fake.on("GET /things/1", raw(f'{{"id":1,"name":{text}}}'))
    fake.on("POST /things", raw(f'{{"id":1,"name":{text}}}'), raw(text, 422))
    async with connected(fake) as c:
        with pytest.raises(ProtocolError):
            await listed(c)
        assert (await c.fetch("thing", ["1"]))["1"] is Absence.FAILED
        kinds = [(await c.create("thing", [NewRecord(natives={}, token="t")]))[0].kind for _ in range(2)]
    assert kinds == [OutcomeKind.UNKNOWN, OutcomeKind.REJECTED]


@pytest.mark.parametrize("depth", [99, 101, 900])
async def test_a_record_that_is_nested_too_deeply_fails_alone(fake, depth):
    """Brackets inside of text are no levels."""
    deep, text = "[" * depth + "]" * depth, "[{" * 200
    fake.on(
        "GET /things", raw(f'[{{"id":1,"name":{deep}}},{{"id":2,"name":"\\"{text}"}},{{"id":3,"name":["{text}"]}}]')
    )
    async with connected(fake) as c:
        (page,) = [page for page in await pages(c) if page.records]
    assert [record.id for record in page.records] == (["1", "2", "3"] if depth < 100 else ["2", "3"])
    assert [failure.id for failure in page.failures] == ([] if depth < 100 else ["1"])


@pytest.mark.parametrize("number", ["1e999", "1e999999999", "-1E-999999999", "1" * 4000])
async def test_numbers_beyond_measure_are_carried_as_they_are(fake, number):
    """Without being written out."""
    fake.on("GET /things", raw(f'[{{"id":1,"name":{number}}},{{"id":2,"name":"n"}}]'))
    async with connected(fake) as c:
        assert [len(record.content) < 5000 for record in await listed(c)] == [True, True]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_redirect_to_another_host_gets_no_credentials(fake, status, scheme):
    """Neither for a reading nor for a write; the other host is never contacted."""
    async with Fake() as other:
        target = {"Location": f"{other.url.replace('http', scheme, 1)}/things"}
        for what in ("GET /things", "POST /things", "PATCH /things/1", "GET /things/1"):
            fake.on(what, Reply({"id": 1}, status, target))
        async with connected(fake, auth={"type": "bearer", "token": "s3cret"}) as c:
            with pytest.raises(ProtocolError, match="redirects are not followed"):
                await listed(c)
            outcomes = []
            for write in (
                lambda: c.create("thing", [NewRecord(natives={"name": "n"}, token="t")]),
                lambda: c.update("thing", "1", {"name": "n"}, Expects()),
            ):
                try:
                    outcomes.append(await write())
                except ProtocolError as error:
                    outcomes.append(error)
            assert (await c.fetch("thing", ["1"]))["1"] is Absence.FAILED
        assert other.calls == []
    assert not any(getattr(outcome, "done", False) for outcome in outcomes)


class Hanging:
    """A name service that does not answer."""

    async def resolve(self, *_args: object, **_more: object) -> list[object]:
        await asyncio.sleep(30)
        return []

    async def close(self) -> None:
        """Nothing to let go."""


async def test_a_name_service_that_hangs_is_given_up_at_the_deadline():
    """Looking up a name is part of the time that a request has."""
    target = system("http://pms.example.org", limits=SHORT)
    client = Client(target, read_system(target), Hanging())  # type: ignore[arg-type]
    client.open()
    started = time.monotonic()
    try:
        with pytest.raises(Exception, match="no answer within"):
            await client.attempt("GET", client.url("/things"))
    finally:
        await client.close()
    assert time.monotonic() - started < 2


async def test_a_handshake_that_hangs_is_given_up_at_the_deadline():
    """A port that listens and never speaks TLS."""

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)
        writer.close()

    started = time.monotonic()
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        connector = RestConnector(system(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", limits=SHORT))
        await connector.open({"thing": ("id",)})
        with pytest.raises(Unreachable):
            await listed(connector)
        await connector.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            if "serve" in repr(task):
                task.cancel()
    assert time.monotonic() - started < 2


async def test_a_login_that_hangs_is_given_up_at_the_deadline(fake):
    """It is a request like any other."""
    fake.on("POST /login", Reply({"token": "t"}, late=5))
    auth = {"type": "session", "login": {"path": "/login", "body": {}}, "token": "token"}
    started = time.monotonic()
    async with connected(fake, limits=SHORT, auth=auth) as c:
        with pytest.raises(Unreachable):
            await listed(c)
    assert time.monotonic() - started < 2


async def test_one_bad_answer_stops_nothing_else(fake):
    """After each of these the same connector goes on with the next request."""
    fake.on("GET /things", raw(DEEP), raw(f'[{{"id":1,"name":{DEEP}}}]'), things(1))
    async with connected(fake) as c:
        assert [record.id for record in await listed(c)] == ["1"]
