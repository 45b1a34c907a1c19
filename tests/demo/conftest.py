"""Real servers as subprocesses, and a small client."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@dataclass
class Reply:
    status: int
    body: Any
    headers: dict[str, str]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


@dataclass
class Server:
    url: str
    token: str
    folder: Path
    process: subprocess.Popen[str]
    opener: urllib.request.OpenerDirector = field(default_factory=lambda: urllib.request.build_opener(_NoRedirect))

    def __call__(self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str) -> Reply:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        safe = urllib.parse.quote(path, safe="/?=&+:%")
        request = urllib.request.Request(self.url + safe, data, {"Authorization": f"Bearer {self.token}", **names})
        request.method = method
        try:
            with self.opener.open(request, timeout=10) as answer:
                return _reply(answer.status, answer.read(), dict(answer.headers))
        except urllib.error.HTTPError as error:
            return _reply(error.code, error.read(), dict(error.headers))

    def fault(self, name: str, **rule: Any) -> None:
        assert self("POST", "/_faults", {"rules": [{"name": name, **rule}]}).status == 200

    def writes(self) -> list[tuple[str, int]]:
        entries = self("GET", "/_log").body["requests"]
        return [(entry["method"], entry["status"]) for entry in entries if entry["method"] != "GET"]


def _reply(status: int, text: bytes, headers: dict[str, str]) -> Reply:
    try:
        return Reply(status, json.loads(text), headers)
    except ValueError:
        return Reply(status, text.decode(), headers)


def start(name: str, folder: Path, *options: str) -> Server:
    command = [sys.executable, "-m", f"demo.{name}", "--port", "0", "--data", str(folder), "--token", "t", *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, "TZ": "UTC"})
    assert process.stdout is not None
    line = process.stdout.readline()
    return Server(url=line.split(" on ")[1].strip(), token="t", folder=folder, process=process)


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts a server: `launch("custompms", "--rate", "5")`; all end with SIGTERM."""
    servers: list[Server] = []

    def go(name: str, *options: str) -> Server:
        servers.append(start(name, tmp_path, *options))
        return servers[-1]

    yield go
    for server in servers:
        if server.process.poll() is not None:  # a test has killed it
            continue
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(10) == 0
        assert server.process.stdout is not None
        server.process.stdout.close()


@pytest.fixture
def pms(launch: Callable[..., Server]) -> Server:
    return launch("custompms")


@pytest.fixture
def erp(launch: Callable[..., Server]) -> Server:
    return launch("customerp")
