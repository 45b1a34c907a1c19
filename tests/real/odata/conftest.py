"""odata-v4-server, an OData library by somebody else under a free licence, and somebody who works in its service."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.real.server import SYSTEMS, Answer, free_port, send, serving

INSTALLED = SYSTEMS.parents[1] / "odata"
"""Where `make odata` installs it."""
SERVICE = Path(__file__).parent / "service"
STARTS_WITHIN = 60.0
KEYS = {"Orders": "Id", "Tags": "Name"}


class Orders:
    """A running service; one entity set of it at a time."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = "Orders"

    def __call__(self, method: str, path: str, body: Any = None) -> Answer:
        return send(method, f"{self.url}/{path}", body)

    def empty(self, name: str) -> None:
        """Go on with an entity set, without records."""
        self.name = name
        for row in self("GET", name).json["value"]:
            self.delete(str(row[KEYS[name]]))

    def place(self, id: str) -> str:
        """The address of a record."""
        doubled = id.replace("'", "''")
        written = quote(f"'{doubled}'", safe="")
        return f"{self.name}({written if self.name == 'Tags' else id})"

    def insert(self, natives: Mapping[str, Any]) -> str:
        answer = self("POST", self.name, _texts(natives))
        assert answer.status == 201, answer
        return str(answer.json[KEYS[self.name]])

    def edit(self, id: str, natives: Mapping[str, Any]) -> None:
        assert self("PATCH", self.place(id), _texts(natives)).status == 204

    def delete(self, id: str) -> None:
        assert self("DELETE", self.place(id)).status == 204

    def get(self, id: str) -> dict[str, Any] | None:
        answer = self("GET", self.place(id))
        return answer.json if answer.status == 200 else None


def _texts(natives: Mapping[str, Any]) -> dict[str, Any]:
    """Decimals as text: the service keeps what it is given."""
    return {name: str(value) if name in ("Price", "Weight") else value for name, value in natives.items()}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orders]:
    """One process for all tests of this folder."""
    assert (INSTALLED / "node_modules" / "odata-v4-server").is_dir(), f"nothing is in {INSTALLED}: run `make odata`"
    folder, port = tmp_path_factory.mktemp("odata"), free_port()
    shutil.copy(SERVICE / "server.js", folder)
    (folder / "node_modules").symlink_to(INSTALLED / "node_modules")
    url = f"http://127.0.0.1:{port}/odata"
    with serving(["node", "server.js", str(port)], folder, lambda: send("GET", f"{url}/$metadata"), STARTS_WITHIN):
        yield Orders(url)
