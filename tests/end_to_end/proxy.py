"""A small HTTP proxy in front of both systems that counts requests, calls a hook before and after each, and does to
them what networks, gateways and busy servers do.
"""

import asyncio
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

Hook = Callable[[int, str], bool]
"""(number of the request, "before" it is forwarded or "after" it was answered) → whether to go on with it."""
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_CHUNKED = re.compile(rb"(?i)\r\ntransfer-encoding: *chunked")
_CLOSED = re.compile(rb"(?i)\r\nconnection: *close")
_BODILESS = (b"204", b"304")
STATUSES = {
    403: "Forbidden",
    404: "Not Found",
    410: "Gone",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
}
PAGE = b"<html><body><h1>%d %s</h1></body></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What becomes of a request."""

    kind: str
    """`cut_before` and `cut_after` close the connection before it is forwarded, or once it was answered; `cut_in` after
    half of the answer; `torn` answers half of the JSON as if it were all; `status` answers instead of the system, and
    `status_after` once the system has obeyed; `late` closes the connection, and forwards after `delay`; `slow` forwards
    after `delay`; `doubled` forwards it twice.
    """
    status: int = 503
    delay: float = 0.05
    wait: int | None = None
    """Seconds for Retry-After."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it arrived."""

    system: str
    number: int
    """The how manieth to any system; `nth` is that to its own."""
    nth: int
    head: bytes
    body: bytes

    @property
    def method(self) -> str:
        """GET, POST, …"""
        return self.head.split(b" ", 1)[0].decode()

    @property
    def path(self) -> str:
        """With its query."""
        return self.head.split(b" ", 2)[1].decode()

    def __str__(self) -> str:
        return f"{self.system} {self.nth}: {self.method} {self.path[:100]}"


@dataclass(slots=True)
class Passed:
    """A request and what became of it."""

    request: Request
    fault: Fault | None
    answers: list[bytes] = field(default_factory=list)
    """What the system said, each time that it got it."""

    @property
    def statuses(self) -> list[int]:
        """Of the answers."""
        return [int(answer.split(b" ", 2)[1]) for answer in self.answers]


Fate = Callable[[Request], Fault | None]


def _go_on(_number: int, _phase: str) -> bool:
    return True


def _no_fault(_request: Request) -> Fault | None:
    return None


class Proxy:
    """Listens for each target on a port of its own, in a thread; all of them share one count."""

    def __init__(self, targets: Mapping[str, str]) -> None:
        self.count = 0
        self.counts: Counter[str] = Counter()
        self.hook: Hook = _go_on
        self.fate: Fate = _no_fault
        self.log: list[Passed] = []
        self.urls: dict[str, str] = {}
        self._busy = 0
        self._late: set[asyncio.Future[None]] = set()
        self._targets = targets
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def arm(self, hook: Hook = _go_on, fate: Fate = _no_fault) -> None:
        """Begin counting anew, with this hook and this fate."""
        self.count, self.hook, self.fate = 0, hook, fate
        self.counts.clear()

    def wait(self) -> None:
        """Until nothing is under way to a system."""
        deadline = time.monotonic() + 5
        while self._busy and time.monotonic() < deadline:
            time.sleep(0.001)
        assert not self._busy

    def close(self) -> None:
        """Stop listening."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _work(self) -> None:
        self._loop.run_until_complete(self._listen())
        self._ready.set()
        self._loop.run_forever()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    async def _listen(self) -> None:
        for name, url in self._targets.items():
            parts = urlsplit(url)
            handler = self._handler(name, str(parts.hostname), int(parts.port or 80))
            server = await asyncio.start_server(handler, "127.0.0.1")
            self.urls[name] = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    def _handler(
        self, system: str, host: str, port: int
    ) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await self._converse(reader, writer, _Line(system, host, port))
            except (asyncio.IncompleteReadError, OSError):
                pass
            finally:
                writer.close()

        return handle

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: "_Line") -> None:
        try:
            while message := await _message(reader):
                self.count += 1
                self.counts[line.system] += 1
                head, _, body = message.partition(b"\r\n\r\n")
                nth = self.counts[line.system]
                request = Request(system=line.system, number=self.count, nth=nth, head=head, body=body)
                self._busy += 1
                try:
                    answer, goes_on = await self._one(request, message, line)
                finally:
                    self._busy -= 1
                if answer:
                    writer.write(answer)
                    await writer.drain()
                if not goes_on:
                    return
        finally:
            line.close()

    async def _one(self, request: Request, message: bytes, line: "_Line") -> tuple[bytes, bool]:
        """What is answered, and whether the connection stays."""
        if not await asyncio.to_thread(self.hook, request.number, "before"):
            return b"", False
        fault = self.fate(request)
        passed = Passed(request, fault)
        self.log.append(passed)
        answer, goes_on = await self._suffered(passed, message, line)
        if not await asyncio.to_thread(self.hook, request.number, "after"):
            return b"", False
        return answer, goes_on and bool(answer)

    async def _suffered(self, passed: Passed, message: bytes, line: "_Line") -> tuple[bytes, bool]:
        fault = passed.fault
        if fault is None:
            return await line.ask(passed, message), True
        if fault.kind == "cut_before":
            return b"", False
        if fault.kind == "status":
            return _said(fault), True
        if fault.kind == "late":
            self._busy += 1
            later = asyncio.ensure_future(self._later(passed, message, line.again(), fault.delay))
            self._late.add(later)
            later.add_done_callback(self._late.discard)
            return b"", False
        if fault.kind == "slow":
            await asyncio.sleep(fault.delay)
        answer = await line.ask(passed, message)
        if fault.kind == "doubled":
            answer = await line.again().ask(passed, message)
        if fault.kind == "status_after":
            return _said(fault), True
        if fault.kind == "cut_after":
            return b"", False
        head, _, body = answer.partition(b"\r\n\r\n")
        if fault.kind == "cut_in":
            return head + b"\r\n\r\n" + body[: len(body) // 2], False
        if fault.kind == "torn" and len(body) > 1:
            return _with_body(head, body[: len(body) // 2]), True
        return answer, True

    async def _later(self, passed: Passed, message: bytes, line: "_Line", delay: float) -> None:
        try:
            await asyncio.sleep(delay)
            with suppress(OSError, asyncio.IncompleteReadError):
                await line.ask(passed, message)
        finally:
            line.close()
            self._busy -= 1


class _Line:
    """A connection to a system, made when it is needed."""

    def __init__(self, system: str, host: str, port: int) -> None:
        self.system, self.host, self.port = system, host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def again(self) -> "_Line":
        """Another one to the same."""
        return _Line(self.system, self.host, self.port)

    async def ask(self, passed: Passed, message: bytes) -> bytes:
        """What the system answers."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self.host, self.port)
        there, back = self._streams
        back.write(message)
        await back.drain()
        answer = await _message(there)
        if answer:
            passed.answers.append(answer)
        if not answer or answer.startswith(b"HTTP/1.0") or _CLOSED.search(answer.partition(b"\r\n\r\n")[0]):
            self.close()
        return answer

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def _said(fault: Fault) -> bytes:
    word = STATUSES[fault.status]
    body = PAGE % (fault.status, word.encode())
    wait = b"" if fault.wait is None else b"Retry-After: %d\r\n" % fault.wait
    return b"HTTP/1.1 %d %s\r\n%sContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (
        fault.status,
        word.encode(),
        wait,
        len(body),
        body,
    )


def _with_body(head: bytes, body: bytes) -> bytes:
    return _LENGTH.sub(b"\r\nContent-Length: %d" % len(body), head) + b"\r\n\r\n" + body


async def _message(reader: asyncio.StreamReader) -> bytes:
    """One request or answer, whole, with its length; nothing at the end of a connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    if _CHUNKED.search(head):
        body = await _chunks(reader)
        return _CHUNKED.sub(b"\r\nContent-Length: %d" % len(body), head) + body
    length = _LENGTH.search(head)
    if length is None or head.split(b" ", 2)[1] in _BODILESS:
        return head
    return head + await reader.readexactly(int(length[1]))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        body += (await reader.readexactly(size + 2))[:-2]
    while (await reader.readuntil(b"\r\n")) != b"\r\n":
        pass
    return body
