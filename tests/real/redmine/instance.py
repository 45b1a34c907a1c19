"""A Redmine of one's own: a folder with its database and settings, served by Debian's Redmine and puma."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.real.server import Answer, free_port, send, serving

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
    time_field: int

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


@contextmanager
def running(folder: Path) -> Iterator[Redmine]:
    """An instance in a folder, with a copy of the prepared database."""
    shutil.copytree(prepared(), folder, dirs_exist_ok=True)
    _point(folder)
    key, *fields = (folder / "ready").read_text("utf-8").split()
    port = free_port()
    redmine = Redmine(f"http://127.0.0.1:{port}", key, *map(int, fields))
    command = [
        "puma",
        "-e",
        "production",
        "-b",
        f"tcp://127.0.0.1:{port}",
        "-t",
        "4:4",
        "--dir",
        str(HOME),
        "config.ru",
    ]
    with serving(
        command,
        folder,
        lambda: redmine("GET", "/users/current.json"),
        START_SECONDS,
        cwd=HOME,
        env=_environment(folder),
    ):
        yield redmine


def prepared() -> Path:
    """The folder of an instance without projects: made once per machine, and anew for another version or setup."""
    told = [_version(), *(Path(__file__).with_name(name).read_text("utf-8") for name in ("instance.py", "setup.rb"))]
    name = f"redmine-{sha256(chr(0).join(told).encode()).hexdigest()[:16]}"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "accord-tests"
    if (cache / name).is_dir():
        return cache / name
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as making:
        _prepare(Path(making) / name)
        with contextlib.suppress(OSError):  # another session may have been first
            (Path(making) / name).rename(cache / name)
    return cache / name


def _prepare(folder: Path) -> None:
    """About half a minute."""
    for name in ("config", "tmp", "log", "files", "public"):
        (folder / name).mkdir(parents=True)
    (folder / "config" / "secret_key.txt").write_text(secrets.token_hex(32), "utf-8")
    _point(folder)
    env = _environment(folder)
    _run(["bundle", "exec", "rake", "db:migrate"], env)
    _run(["bundle", "exec", "rake", "redmine:load_default_data"], env)
    said = _run(["bin/rails", "runner", str(Path(__file__).with_name("setup.rb"))], env)
    ready = next(line for line in said.splitlines() if line.startswith("READY"))
    (folder / "ready").write_text(ready.removeprefix("READY "), "utf-8")


def _point(folder: Path) -> None:
    """Name the database of this folder."""
    (folder / "config" / "database.yml").write_text(DATABASE.format(file=folder / "redmine.db"), "utf-8")


def _version() -> str:
    return (HOME / "lib" / "redmine" / "version.rb").read_text("utf-8")


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
