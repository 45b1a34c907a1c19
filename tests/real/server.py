"""Servers of other people as processes, and single requests of a person, without Accord."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

SYSTEMS = Path(os.environ.get("ACCORD_SYSTEMS") or Path(__file__).parents[2] / ".venv" / "systems") / "bin"
"""Where `make systems` installs them."""
STORES = Path(os.environ.get("ACCORD_STORES") or Path(__file__).parents[2] / ".venv" / "stores") / "bin"
"""The same, for what cannot share an environment with those."""
STOP_SECONDS = 20
_decode = msgspec.json.decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True, slots=True)
class Answer:
    """What a system said."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        """The body, decoded; None where it is empty."""
        return _decode(self.body) if self.body.strip() else None


def send(method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
    """One request with a JSON body."""
    data = None if body is None else _encode(body)
    return send_raw(method, url, data, {"Content-Type": "application/json", **(headers or {})})


def send_raw(method: str, url: str, data: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """One request with a body of any kind."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, path, data, dict(headers or {}))
        answer = connection.getresponse()
        return Answer(answer.status, answer.read(), {key.lower(): value for key, value in answer.getheaders()})
    finally:
        connection.close()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def serving(
    command: Sequence[str | Path], folder: Path, answers: Callable[[], Answer], within: float, **more: Any
) -> Iterator[None]:
    """A server for as long as the block lasts, once it answers with a 2xx; what it says is in `server.log`."""
    log = folder / "server.log"
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, **{"cwd": folder, **more}) as process:
        try:
            _wait(process, answers, time.monotonic() + within)
            yield
        except _Silent:
            raise AssertionError(f"{command[0]} did not answer in {within:g} s: {log.read_text()[-2000:]}") from None
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            process.kill()


class _Silent(Exception):
    """No answer in time."""


def _wait(process: subprocess.Popen[bytes], answers: Callable[[], Answer], until: float) -> None:
    while time.monotonic() < until and process.poll() is None:
        try:
            if 200 <= answers().status < 300:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise _Silent
