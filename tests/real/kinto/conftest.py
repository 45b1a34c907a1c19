"""Kinto in memory, as its own process, and somebody who works in it."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import pytest

from accord.connectors.rest.bodies import nested
from tests.real.server import SYSTEMS, free_port, send, serving

STARTS_WITHIN = 90.0
CREDENTIALS = "Basic " + b64encode(b"accord:secret").decode()
INI = """\
[server:main]
use = egg:waitress
host = 127.0.0.1
port = {port}
threads = 8

[app:main]
use = egg:kinto
kinto.storage_backend = kinto.core.storage.memory
kinto.permission_backend = kinto.core.permission.memory
kinto.cache_backend = kinto.core.cache.memory
kinto.userid_hmac_secret = of-a-test
multiauth.policies = basicauth
kinto.bucket_create_principals = system.Authenticated
kinto.paginate_by = 10

[loggers]
keys = root

[handlers]
keys = console

[formatters]
keys = plain

[logger_root]
level = WARNING
handlers = console

[handler_console]
class = StreamHandler
args = (sys.stderr,)
level = NOTSET
formatter = plain

[formatter_plain]
format = %(asctime)s %(levelname)s %(name)s %(message)s
"""


class Kinto:
    """A running Kinto, and a collection of it for each test."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._numbers = count(1)
        self.collection = ""

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and body of a request below the collection (or at a whole address)."""
        url = path if path.startswith("http") else self.collection + path
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = send(method, url, body, {"Authorization": CREDENTIALS, **given})
        return answer.status, answer.json

    def empty(self) -> None:
        """Go on in a new collection."""
        bucket = f"{self.url}/buckets/main"
        self.collection = f"{bucket}/collections/c{next(self._numbers)}"
        for url in (bucket, self.collection):
            status, said = self("PUT", url)
            assert status in (200, 201), said

    def insert(self, natives: Mapping[str, Any]) -> str:
        status, said = self("POST", "/records", {"data": nested(natives)})
        assert status == 201, said
        return str(said["data"]["id"])

    def edit(self, id: str, natives: Mapping[str, Any]) -> None:
        merge = "application/merge-patch+json"
        status, said = self("PATCH", f"/records/{id}", {"data": nested(natives)}, Content_Type=merge)
        assert status == 200, said

    def delete(self, id: str) -> None:
        status, said = self("DELETE", f"/records/{id}")
        assert status == 200, said

    def get(self, id: str) -> dict[str, Any] | None:
        status, said = self("GET", f"/records/{id}")
        return _flat(said["data"]) if status == 200 else None


def _flat(body: Mapping[str, Any]) -> dict[str, Any]:
    """`{"address": {"city": x}}` also has `address.city`."""
    objects = [(name, value) for name, value in body.items() if isinstance(value, dict)]
    return {**body, **{f"{name}.{key}": part for name, value in objects for key, part in value.items()}}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kinto]:
    """One process for all tests of this folder."""
    assert (SYSTEMS / "kinto").is_file(), f"there is no Kinto in {SYSTEMS}: run `make systems`"
    folder, port = tmp_path_factory.mktemp("kinto"), free_port()
    (folder / "kinto.ini").write_text(INI.format(port=port))
    url = f"http://127.0.0.1:{port}/v1"
    command = [SYSTEMS / "kinto", "start", "--ini", folder / "kinto.ini", "--port", str(port)]
    with serving(command, folder, lambda: send("GET", f"{url}/__heartbeat__"), STARTS_WITHIN):
        yield Kinto(url)


@pytest.fixture
def kinto(server: Kinto) -> Kinto:
    """Kinto with an empty collection."""
    server.empty()
    return server
