"""Single requests of a person, without Accord."""

from __future__ import annotations

import http.client
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

_decode = msgspec.json.decode


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


def send(method: str, url: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
    """One request with a JSON body."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        data = None if body is None else msgspec.json.encode(body)
        connection.request(method, path, data, {"Content-Type": "application/json", **(headers or {})})
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
