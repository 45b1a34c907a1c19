"""A small real HTTP server in a thread of its own, for systems that cannot run here: one class for each system says how
it answers, in the shapes of its published specification.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import msgspec
from aiohttp import web

from accord.model import Natives

_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode = msgspec.json.Decoder(float_hook=None).decode


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return _decode(self.raw)

    @property
    def steps(self) -> list[str]:
        """The path in pieces, each decoded."""
        return [unquote(step) for step in self.path.strip("/").split("/")]


@dataclass(frozen=True)
class Said:
    """One answer; None has no body."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class System:
    """A system of the tests. Records are in dicts, which people change directly; `answer` is what the API does."""

    content_type = "application/json"

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self.tables: dict[str, dict[str, dict[str, Any]]] = {}
        self.lock = threading.RLock()
        self._last = 0

    def answer(self, asked: Asked) -> Said:
        """What the system says; called with its lock held."""
        raise NotImplementedError

    def number(self) -> int:
        """An id that was never given."""
        self._last += 1
        return self._last

    def table(self, name: str) -> dict[str, dict[str, Any]]:
        """The records of a datatype by their id."""
        return self.tables.setdefault(name, {})

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        raw = await request.read()
        asked = Asked(request.method, request.raw_path.partition("?")[0], request.query, request.headers, raw)
        with self.lock:
            self.asked.append(asked)
            said = self.answer(asked)
        headers = {**({} if said.body is None else {"Content-Type": self.content_type}), **said.headers}
        return web.Response(status=said.status, body=b"" if said.body is None else _encode(said.body), headers=headers)

    @contextmanager
    def running(self) -> Iterator[System]:
        """Serves for as long as the block lasts."""
        loop, ready, over = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

        async def serve() -> None:
            runner = web.ServerRunner(web.Server(self._serve), shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            ready.set()
            await over.wait()
            await runner.cleanup()

        def run() -> None:
            loop.run_until_complete(serve())
            loop.close()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        assert ready.wait(10), "the server did not start"
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(over.set)
            thread.join(10)


def merged(record: dict[str, Any], body: Mapping[str, Any]) -> None:
    """Lay a body over a record: objects inside are merged, everything else is replaced."""
    for name, value in body.items():
        old = record.get(name)
        if isinstance(old, dict) and isinstance(value, dict):
            merged(old, value)
        else:
            record[name] = value


def flat(record: Mapping[str, Any], before: str = "") -> Natives:
    """Every value at its dotted path, and each object as well."""
    found: dict[str, Any] = {}
    for name, value in record.items():
        found[before + name] = value
        if isinstance(value, Mapping):
            found |= flat(value, f"{before}{name}.")
    return found
