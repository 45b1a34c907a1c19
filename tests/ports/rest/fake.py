"""A small real HTTP server whose answers a test writes down, and a connector to it."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

from accord.config.meaning import Datatype, System, SystemClock, SystemLimits, VersionCheck
from accord.connectors.rest.connector import RestConnector
from accord.model import Record
from accord.ports import Page

HTML = "<!doctype html><title>Sign in</title>"
_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass
class Call:
    """One request as the server saw it."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


@dataclass
class Reply:
    """An answer; `hang_up` closes the connection instead, `cut` in the middle of the body, `late` waits first."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False
    cut: bool = False
    late: float = 0.0


def raw(text: str, status: int = 200, **headers: str) -> Reply:
    return Reply(text.encode(), status, {name.replace("_", "-"): value for name, value in headers.items()})


LOST = Reply(hang_up=True)


class Fake:
    """Answers by `METHOD /path`: in the order written, the last one again and again; functions get the call."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.calls: list[Call] = []
        self._replies: dict[str, list[Any]] = {}
        self._runner: web.ServerRunner | None = None
        self._socket: socket.socket | None = None
        self.url = ""

    def on(self, what: str, *replies: Any) -> None:
        self._replies[what] = list(replies)

    def seen(self, what: str) -> list[Call]:
        method, path = what.split(" ")
        return [call for call in self.calls if (call.method, call.path) == (method, path)]

    async def __aenter__(self) -> "Fake":
        self._runner = web.ServerRunner(web.Server(self._serve), shutdown_timeout=0.1)
        await self._runner.setup()
        bound = self._socket or socket.create_server(("127.0.0.1", 0))
        await web.SockSite(self._runner, bound, ssl_context=self._tls).start()
        self.url = f"http{'s' if self._tls else ''}://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        call = Call(
            request.method, request.raw_path.partition("?")[0], request.query, request.headers, await request.read()
        )
        self.calls.append(call)
        reply = self._chosen(call)
        reply = reply(call) if callable(reply) else reply
        reply = await reply if asyncio.iscoroutine(reply) else reply
        return await self._answer(request, reply if isinstance(reply, Reply) else Reply(reply))

    def _chosen(self, call: Call) -> Any:
        replies = self._replies.get(f"{call.method} {call.path}", [Reply({"error": "no such route"}, 404)])
        return replies.pop(0) if len(replies) > 1 else replies[0]

    async def _answer(self, request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
        body = reply.body if isinstance(reply.body, bytes) else _encode(reply.body)
        await asyncio.sleep(reply.late)
        assert request.transport is not None
        if reply.hang_up:
            request.transport.close()
            return web.Response()
        if not reply.cut:
            return web.Response(
                status=reply.status, body=body, headers={"Content-Type": "application/json", **reply.headers}
            )
        response = web.StreamResponse(status=reply.status)
        response.content_length = len(body)
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        request.transport.close()
        return response


def system(url: str, *, limits: SystemLimits | None = None, zone: str = "UTC", **options: Any) -> System:
    """A system with one datatype, `thing`; options named as in the project file, `thing_…` those of the datatype."""
    own = {name.removeprefix("thing_"): options.pop(name) for name in list(options) if name.startswith("thing_")}
    meant = {
        name: own.pop(name)
        for name in ("id", "modified", "version", "deleted", "key_property", "properties")
        if name in own
    }
    if isinstance(meant.get("version"), str):
        said = meant["version"]
        deletes = not options.pop("unchecked_deletes", False)
        kind = VersionCheck(kind="etag") if said == "etag" else VersionCheck(kind="path", path=said, deletes=deletes)
        meant["version"] = kind
    thing = Datatype(system="fake", name="thing", title="Thing", options={"path": "/things", **own}, **meant)
    return System(
        name="fake",
        title="Fake",
        connector="rest",
        datatypes={"thing": thing},
        limits=limits or SystemLimits(timeout=2, retries=2, grace=5),
        clock=SystemClock(zone=zone),
        options={"base_url": url, **options},
    )


@asynccontextmanager
async def connected(fake: Fake, *paths: str, **options: Any) -> AsyncIterator[RestConnector]:
    """A connector to the fake, opened for these mapped paths."""
    connector = RestConnector(system(fake.url, **options))
    await connector.open({"thing": paths or ("id", "name")})
    try:
        yield connector
    finally:
        await connector.close()


async def pages(connector: RestConnector, cursor: Any = None) -> list[Page]:
    return [page async for page in connector.read("thing", cursor)]


async def listed(connector: RestConnector) -> list[Record]:
    return [record for page in await pages(connector) for record in page.records]


def things(*numbers: int, **more: Any) -> list[dict[str, Any]]:
    return [{"id": number, "name": f"n{number}", **more} for number in numbers]


def paged(count: int, answer: Callable[[list[dict[str, Any]], int, int], Any]) -> Callable[[Call], Any]:
    """A listing of `count` things by `page` and `per_page`; `answer` dresses a page up."""
    everything = things(*range(1, count + 1))

    def reply(call: Call) -> Any:
        number, size = int(call.query.get("page", 1)), int(call.query.get("per_page", 2))
        return answer(everything[(number - 1) * size : number * size], number, -(-count // size))

    return reply
