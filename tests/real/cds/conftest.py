"""A service of SAP's programming model (`@sap/cds`), as its own process, and somebody who works in it."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.real.server import SYSTEMS, Answer, free_port, send, serving

INSTALLED = SYSTEMS.parents[1] / "cds"
"""Where `make cds` installs it."""
SERVICE = Path(__file__).parent / "service"
STARTS_WITHIN = 60.0
TYPES = {"Content-Type": "application/json;IEEE754Compatible=true", "Accept": "application/json;IEEE754Compatible=true"}


class Shop:
    """A running service. People write with `If-Match: *`: the last one wins, as in its own user interface."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return send(method, f"{self.url}/{path}", body, {**TYPES, **given})

    def empty(self) -> None:
        """Delete every record."""
        for name, key in (("Books", "ID"), ("Tags", "name"), ("Authors", "ID")):
            while found := self("GET", f"{name}?$select={key}").json["value"]:
                for row in found:
                    self.delete(name, str(row[key]))

    def place(self, name: str, id: str) -> str:
        """The address of a record."""
        return f"{name}({quote(repr_of(id), safe='') if name == 'Tags' else id})"

    def insert(self, name: str, natives: Mapping[str, Any]) -> str:
        answer = self("POST", name, texts(natives))
        assert answer.status == 201, answer
        return str(answer.json["name" if name == "Tags" else "ID"])

    def edit(self, name: str, id: str, natives: Mapping[str, Any]) -> None:
        answer = self("PATCH", self.place(name, id), texts(natives), If_Match="*")
        assert answer.status == 200, answer

    def delete(self, name: str, id: str) -> None:
        assert self("DELETE", self.place(name, id), If_Match="*").status == 204

    def get(self, name: str, id: str) -> dict[str, Any] | None:
        answer = self("GET", self.place(name, id))
        return answer.json if answer.status == 200 else None


def repr_of(text: str) -> str:
    """A text as a literal of OData."""
    return "'" + text.replace("'", "''") + "'"


def texts(natives: Mapping[str, Any]) -> dict[str, Any]:
    """Decimals as text, as `IEEE754Compatible=true` says."""
    return {name: str(value) if name in ("price", "weight", "stock") else value for name, value in natives.items()}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One process for all tests of this folder."""
    cds = INSTALLED / "node_modules" / "@sap" / "cds" / "bin" / "serve.js"
    assert cds.is_file(), f"there is no cds in {INSTALLED}: run `make cds`"
    folder, port = tmp_path_factory.mktemp("cds"), free_port()
    shutil.copytree(SERVICE, folder, dirs_exist_ok=True)
    (folder / "node_modules").symlink_to(INSTALLED / "node_modules")
    url = f"http://127.0.0.1:{port}/odata/v4/shop"
    command = ["node", cds, "all", "--in-memory", "--port", str(port)]
    with serving(command, folder, lambda: send("GET", f"{url}/$metadata"), STARTS_WITHIN):
        yield Shop(url)


@pytest.fixture
def shop(server: Shop) -> Shop:
    """The service without records."""
    server.empty()
    return server
