"""A Redmine of one's own: a folder with its database and settings, served by Debian's Redmine and puma."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from tests.real.calls import Answer, free_port, send

HOME = Path("/usr/share/redmine")
UP = "../" * 8
"""Debian looks for instances in a folder of the package; a way out of it leads to any other."""
START_SECONDS = 90
DATABASE = "production:\n  adapter: sqlite3\n  database: {file}\n  timeout: 10000\n"


@dataclass(frozen=True, slots=True)
class Redmine:
    """A running Redmine, and a person with all rights in it."""

    url: str
    key: str
    customer_field: int
    key_field: int
    note_field: int
    process: subprocess.Popen[bytes]

    def __call__(self, method: str, path: str, body: Any = None) -> Answer:
        """One request of an administrator."""
        return send(method, self.url + path, body, {"X-Redmine-API-Key": self.key})

    def made(self, path: str, body: Any) -> Any:
        """The record that a POST made."""
        answer = self("POST", path, body)
        assert answer.status == 201, answer
        return next(iter(answer.json.values()))


def installed() -> bool:
    """Whether Debian's packages are there."""
    return (HOME / "config.ru").is_file() and shutil.which("puma") is not None


def start(folder: Path) -> Redmine:
    """Make an instance in a folder and start it: about half a minute."""
    for name in ("config", "tmp", "log", "files", "public"):
        (folder / name).mkdir(parents=True)
    (folder / "config" / "database.yml").write_text(DATABASE.format(file=folder / "redmine.db"), "utf-8")
    (folder / "config" / "secret_key.txt").write_text(secrets.token_hex(32), "utf-8")
    env = _environment(folder)
    _run(["bundle", "exec", "rake", "db:migrate"], env)
    _run(["bundle", "exec", "rake", "redmine:load_default_data"], env)
    said = _run(["bin/rails", "runner", str(Path(__file__).with_name("setup.rb"))], env)
    key, *fields = next(line for line in said.splitlines() if line.startswith("READY")).split()[1:]
    port = free_port()
    with (folder / "puma.log").open("wb") as log:
        command = ["puma", "-e", "production", "-b", f"tcp://127.0.0.1:{port}", "-t", "4:4", "--dir", str(HOME)]
        process = subprocess.Popen([*command, "config.ru"], cwd=HOME, env=env, stdout=log, stderr=log)
    customer, own, note = map(int, fields)
    redmine = Redmine(f"http://127.0.0.1:{port}", key, customer, own, note, process)
    _wait(redmine, folder / "puma.log")
    return redmine


def stop(redmine: Redmine) -> None:
    """End it."""
    redmine.process.terminate()
    redmine.process.wait(20)


def _environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "REDMINE_INSTANCE": UP + str(folder.resolve()).lstrip("/"),
        "RAILS_ENV": "production",
        "BUNDLER_VERSION": "2.3.15",
        "REDMINE_LANG": "en",
        "SCHEMA": "/dev/null",
    }


def _run(command: list[str], env: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=HOME, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout[-2000:]} {done.stderr[-2000:]}"
    return done.stdout


def _wait(redmine: Redmine, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and redmine.process.poll() is None:
        try:
            if redmine("GET", "/users/current.json").status == 200:
                return
        except (OSError, msgspec.DecodeError):
            time.sleep(0.2)
    stop(redmine)
    raise AssertionError(f"Redmine did not start: {log.read_text()[-2000:]}")
