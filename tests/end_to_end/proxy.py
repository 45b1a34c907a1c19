"""A small HTTP proxy in front of both systems that counts requests, and calls a hook before and after each."""

import asyncio
import re
import threading
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

Hook = Callable[[int, str], bool]
"""(number of the request, "before" it is forwarded or "after" it was answered) → whether to go on with it."""
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_BODILESS = (b"204", b"304")


def _go_on(_number: int, _phase: str) -> bool:
    return True


class Proxy:
    """Listens for each target on a port of its own, in a thread; all of them share one count."""

    def __init__(self, targets: Mapping[str, str]) -> None:
        self.count = 0
        self.hook: Hook = _go_on
        self.urls: dict[str, str] = {}
        self._busy = 0
        self._targets = targets
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def arm(self, hook: Hook = _go_on) -> None:
        """Begin counting anew, with this hook."""
        self.count, self.hook = 0, hook

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

    async def _listen(self) -> None:
        for name, url in self._targets.items():
            parts = urlsplit(url)
            server = await asyncio.start_server(self._handler(str(parts.hostname), int(parts.port or 80)), "127.0.0.1")
            self.urls[name] = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    def _handler(self, host: str, port: int) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await self._converse(reader, writer, host, port)
            except (asyncio.IncompleteReadError, OSError):
                pass
            finally:
                writer.close()

        return handle

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> None:
        there, back = await asyncio.open_connection(host, port)
        try:
            while request := await _message(reader):
                self.count += 1
                number = self.count
                self._busy += 1
                try:
                    answer = await self._one(number, request, there, back)
                finally:
                    self._busy -= 1
                if not answer:
                    return
                writer.write(answer)
                await writer.drain()
        finally:
            back.close()

    async def _one(
        self, number: int, request: bytes, there: asyncio.StreamReader, back: asyncio.StreamWriter
    ) -> bytes | None:
        if not await asyncio.to_thread(self.hook, number, "before"):
            return None
        back.write(request)
        await back.drain()
        answer = await _message(there)
        if not await asyncio.to_thread(self.hook, number, "after"):
            return None
        return answer


async def _message(reader: asyncio.StreamReader) -> bytes:
    """One request or answer, whole; nothing at the end of a connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    length = _LENGTH.search(head)
    if length is None or head.split(b" ", 2)[1] in _BODILESS:
        return head
    return head + await reader.readexactly(int(length[1]))
