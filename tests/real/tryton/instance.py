"""A Tryton of one's own: a database with parties and projects, a company, and a key for its REST API."""

from __future__ import annotations

import base64
import os
import secrets
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from tests.real.server import SYSTEMS, Answer, free_port, send, serving

DATABASE = "accord"
START_SECONDS = 60
CONFIGURATION = """[database]
uri = {uri}
path = {folder}
[web]
listen = 127.0.0.1:{port}
"""


@dataclass(frozen=True, slots=True)
class Tryton:
    """A running Tryton, and a person with all rights in it."""

    url: str
    key: str
    company: int
    password: str
    session: dict[str, str]
    folder: Path

    def empty(self) -> None:
        """No task and no party is left but that of the company."""
        (company,) = self.result("company.company.read", [self.company], ["party"])
        self.result("project.work.delete", self.result("project.work.search", []))
        self.result("party.party.delete", self.result("party.party.search", [["id", "!=", company["party"]]]))

    def forget_sessions(self) -> None:
        """On SQLite: every session but that of this person has ended."""
        own = base64.b64decode(self.session["Authorization"].partition(" ")[2]).decode().rpartition(":")[2]
        with closing(sqlite3.connect(self.folder / f"{DATABASE}.sqlite", timeout=30)) as database, database:
            assert database.execute("DELETE FROM ir_session WHERE key <> ?", (own,)).rowcount > 0
            assert database.execute("SELECT count(*) FROM ir_session").fetchone() == (1,)

    @property
    def root(self) -> str:
        """Its address without the database."""
        return self.url.rpartition("/")[0]

    @property
    def context(self) -> str:
        """The header that says: inactive records too, and in this company."""
        return base64.urlsafe_b64encode(msgspec.json.encode({"active_test": False, "company": self.company})).decode()

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request of an administrator to the REST API."""
        given = {"Authorization": f"bearer {self.key}", "X-Tryton-Context": self.context, **headers}
        return send(method, f"{self.url}/rest/model/{path}", body, {name: text for name, text in given.items() if text})

    def rpc(self, method: str, *params: Any, **context: Any) -> Answer:
        """One call of the same administrator over JSON-RPC, inactive records included."""
        said = {"active_test": False, "company": self.company, **context}
        call = {"id": 3, "method": f"model.{method}", "params": [*params, said]}
        return send("POST", f"{self.url}/rpc/", call, self.session)

    def result(self, method: str, *params: Any, **context: Any) -> Any:
        """Its result."""
        answer = self.rpc(method, *params, **context).json
        assert "error" not in answer, answer
        return answer["result"]

    def made(self, model: str, body: Any) -> int:
        """The id of the record that a POST made."""
        answer = self("POST", model, body)
        assert answer.status == 200, answer
        number: int = answer.json["id"]
        return number


@contextmanager
def running(folder: Path, uri: str = "sqlite://") -> Iterator[Tryton]:
    """A database, in a folder or an empty one of a PostgreSQL, and a server on it: about a quarter of a minute."""
    port, password = free_port(), secrets.token_hex(12)
    file = folder / "trytond.conf"
    file.write_text(CONFIGURATION.format(folder=folder, port=port, uri=uri), "utf-8")
    (folder / f"{DATABASE}.sqlite").touch()
    (folder / "password").write_text(password, "utf-8")
    command = [SYSTEMS / "trytond-admin", "-c", file, "-d", DATABASE, "--all", "-p", "--email", "admin@example.org"]
    made = subprocess.run(
        [*command, "--activate-dependencies", "-u", "party", "company", "project"],
        env={**os.environ, "TRYTONPASSFILE": str(folder / "password")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr[-2000:]
    root = f"http://127.0.0.1:{port}"
    url = f"{root}/{DATABASE}"
    version = {"id": 0, "method": "common.server.version", "params": []}
    server = [SYSTEMS / "trytond", "-c", file, "-d", DATABASE]
    with serving(server, folder, lambda: send("POST", f"{root}/rpc/", version), START_SECONDS):
        session = _session(url, password)
        yield Tryton(url, _key(url, session), _company(url, session), password, session, folder)


def _session(url: str, password: str) -> dict[str, str]:
    call = {"id": 1, "method": "common.db.login", "params": ["admin", {"password": password}]}
    user, token, _ = send("POST", f"{url}/rpc/", call).json["result"]
    return {"Authorization": "Session " + base64.b64encode(f"admin:{user}:{token}".encode()).decode()}


def _call(url: str, session: dict[str, str], method: str, *params: Any) -> Any:
    answer = send("POST", f"{url}/rpc/", {"id": 2, "method": f"model.{method}", "params": [*params, {}]}, session).json
    assert "error" not in answer, answer
    return answer["result"]


def _company(url: str, session: dict[str, str]) -> int:
    currency = {"name": "Krone", "code": "NOK", "symbol": "kr", "digits": 2}
    (money,) = _call(url, session, "currency.currency.create", [currency])
    (party,) = _call(url, session, "party.party.create", [{"name": "Us AS"}])
    (company,) = _call(url, session, "company.company.create", [{"party": party, "currency": money}])
    user = {"companies": [["add", [company]]], "company": company}
    _call(url, session, "res.user.write", _call(url, session, "res.user.search", [["login", "=", "admin"]]), user)
    number: int = company
    return number


def _key(url: str, session: dict[str, str]) -> str:
    asked = {"user": "admin", "application": "rest"}
    key: str = send("POST", f"{url}/r/user/application/", asked).json
    waiting = _call(url, session, "res.user.application.search", [["state", "=", "requested"]])
    _call(url, session, "res.user.application.validate_", waiting)
    return key
