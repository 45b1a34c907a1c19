"""A Tryton of one's own: a database with parties and projects, a company, and a key for its REST API."""

from __future__ import annotations

import base64
import os
import secrets
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from tests.real.calls import Answer, free_port, send

SYSTEMS = Path(os.environ.get("ACCORD_SYSTEMS", Path(__file__).parents[3] / ".venv" / "systems")) / "bin"
DATABASE = "accord"
START_SECONDS = 60
CONFIGURATION = """[database]
uri = sqlite://
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
    process: subprocess.Popen[bytes]

    @property
    def context(self) -> str:
        """The header that says: inactive records too, and in this company."""
        return base64.urlsafe_b64encode(msgspec.json.encode({"active_test": False, "company": self.company})).decode()

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request of an administrator to the REST API."""
        given = {"Authorization": f"bearer {self.key}", "X-Tryton-Context": self.context, **headers}
        return send(method, f"{self.url}/rest/model/{path}", body, {name: text for name, text in given.items() if text})

    def made(self, model: str, body: Any) -> int:
        """The id of the record that a POST made."""
        answer = self("POST", model, body)
        assert answer.status == 200, answer
        number: int = answer.json["id"]
        return number


def start(folder: Path) -> Tryton:
    """Make a database in a folder and start a server on it: about twenty seconds."""
    port, password = free_port(), secrets.token_hex(12)
    file = folder / "trytond.conf"
    file.write_text(CONFIGURATION.format(folder=folder, port=port), "utf-8")
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
    with (folder / "trytond.log").open("wb") as log:
        process = subprocess.Popen([SYSTEMS / "trytond", "-c", file, "-d", DATABASE], stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}/{DATABASE}"
    try:
        _wait(url, process)
        session = _session(url, password)
        company = _company(url, session)
        return Tryton(url, _key(url, session), company, process)
    except BaseException:
        process.kill()
        raise


def stop(tryton: Tryton) -> None:
    """End it."""
    tryton.process.terminate()
    tryton.process.wait(20)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if send("POST", f"{url}/rpc/", {"id": 0, "method": "common.server.version", "params": []}).status < 500:
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("Tryton did not start")


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
    key: str = send("POST", f"{url.rpartition('/')[0]}/{DATABASE}/r/user/application/", asked).json
    waiting = _call(url, session, "res.user.application.search", [["state", "=", "requested"]])
    _call(url, session, "res.user.application.validate_", waiting)
    return key
