"""The two demonstration systems as processes of their own, and calls to them as their people would make them."""

from __future__ import annotations

import http.client
import importlib.util
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from accord.errors import Unreachable, UsageError

TOKENS = {"custompms": "pms-demo-token", "customerp": "erp-demo-token"}
STARTED_WITHIN = 30.0
"""Seconds until a server that says nothing counts as failed."""


@dataclass(slots=True)
class Server:
    """One demonstration system."""

    name: str
    url: str
    process: subprocess.Popen[str]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One call of its API; the answer's JSON. Raises Unreachable for anything but success."""
        where = urlsplit(self.url)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
        headers = {"Authorization": f"Bearer {TOKENS[self.name]}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(self.name, f"{method} {path}: {error}") from error
        finally:
            connection.close()
        if answer.status >= 300:
            raise Unreachable(self.name, f"{method} {path}: answered {answer.status} {text[:200]!r}")
        return json.loads(text) if text else None


@contextmanager
def servers(folder: Path, ports: Sequence[int]) -> Iterator[tuple[Server, Server]]:
    """CustomPMS and CustomERP with demonstration data; ended whatever happens."""
    running: list[Server] = []
    before = signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        for name, port in zip(TOKENS, ports, strict=True):
            running.append(_start(name, folder, port))
        for server in running:
            server.url = _address(server)
        yield running[0], running[1]
    finally:
        for server in running:
            server.process.terminate()
        for server in running:
            _end(server.process)
        signal.signal(signal.SIGTERM, before)


def _as_interrupt(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt


def _start(name: str, folder: Path, port: int) -> Server:
    """A server in a session of its own, so that Ctrl-C reaches us first and we end it."""
    module, home = _where()
    command = [sys.executable, "-m", f"{module}.{name}", "--port", str(port), "--data", str(folder.absolute())]
    command += ["--token", TOKENS[name], "--seed-data", "demo"]
    log = (folder / f"{name}.log").open("w")
    with log:
        process = subprocess.Popen(  # noqa: S603 - our own module
            command,
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
    return Server(name, "", process)


def _where() -> tuple[str, Path]:
    """The package of the servers, and the folder to start it in: in a wheel it is `accord.demo`."""
    if importlib.util.find_spec("accord.demo") is not None:
        return "accord.demo", Path.cwd()
    root = Path(__file__).parents[3]
    if (root / "demo" / "customerp").is_dir():
        return "demo", root
    raise UsageError("the demonstration systems are not installed", hint="install accord from its wheel")


def _die_with_parent() -> None:
    """Have the kernel end the child when we are killed. prctl(2), PR_SET_PDEATHSIG."""
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _address(server: Server) -> str:
    """Where a server listens, which is the first line that it prints."""
    said: list[str] = []
    stdout = server.process.stdout
    reader = threading.Thread(target=lambda: said.append(stdout.readline() if stdout else ""), daemon=True)
    reader.start()
    reader.join(STARTED_WITHIN)
    line = said[0] if said else ""
    if " on http" not in line:
        raise Unreachable(
            server.name, "the demonstration system did not start", hint=f"see {server.name}.log in the folder"
        )
    return line.split(" on ", 1)[1].strip()


def _end(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
