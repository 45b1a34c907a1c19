"""The authorisation server as a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.real.server import SYSTEMS, free_port, send, serving


@dataclass(frozen=True)
class Authority:
    """A running server; each test has its own."""

    url: str

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        answer = send(method, self.url + path, body)
        assert answer.status == 200, answer.body
        return answer.json

    @property
    def log(self) -> list[str]:
        """What happened: `refreshed`, `reuse`, `polled`."""
        found: list[str] = self("GET", "/_log")["log"]
        return found


@pytest.fixture
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    """Authlib's authorisation server."""
    assert (SYSTEMS / "flask").is_file(), f"there is no Flask in {SYSTEMS}: run `make systems`"
    folder, port = tmp_path_factory.mktemp("oauth"), free_port()
    url = f"http://127.0.0.1:{port}"
    command = [SYSTEMS / "python", Path(__file__).parent / "server.py", str(port)]
    with serving(command, folder, lambda: send("GET", f"{url}/_log"), 30.0):
        yield Authority(url)
