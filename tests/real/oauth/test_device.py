"""The device grant against Authlib: a person lets Accord in, refuses, or takes long; and Accord waits politely."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from accord.config.load import load
from accord.config.meaning import System
from accord.connectors.rest.device import Code, authorise
from accord.errors import Unauthorized

from .conftest import Authority

FILE = """\
accord: 1
systems:
  crm:
    connector: rest
    base_url: {url}
    auth:
      type: oauth2_device
      device_url: /device_authorization
      token_url: {url}/token
      client_id: accord
      scope: read
      keep: kept.json
    datatypes: {{thing: {{path: /things, list: {{paginator: single}}}}}}
flows: {{}}
"""


def project_of(authority: Authority, folder: Path) -> Path:
    file = folder / "accord.yaml"
    file.write_text(FILE.format(url=authority.url), "utf-8")
    return file


def accord(command: str, file: Path) -> tuple[str, ...]:
    return (sys.executable, "-m", "accord", *command.split(), "--project", str(file))


def test_a_person_lets_accord_in(authority: Authority, tmp_path: Path) -> None:
    """Before, `check` says what to do; `authorise` shows address and code; afterwards every process gets in."""
    file = project_of(authority, tmp_path)
    before = subprocess.run(accord("check", file), capture_output=True, text=True, timeout=60)
    assert before.returncode == 1
    assert "accord authorise crm" in before.stdout
    asking = subprocess.Popen(accord("authorise crm", file), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert asking.stderr is not None
    said = re.search(r"Open (\S+) and enter the code (\S+) ", asking.stderr.readline())
    assert said is not None
    assert said[1] == f"{authority.url}/device"
    authority("POST", "/_approve", {"user_code": said[2], "approved": True})
    out, _ = asking.communicate(timeout=60)
    assert (asking.returncode, "lets Accord in" in out) == (0, True)
    assert (tmp_path / "kept.json").stat().st_mode & 0o777 == 0o600
    for _ in range(2):
        after = subprocess.run(accord("check", file), capture_output=True, text=True, timeout=60)
        assert after.returncode == 0, after.stdout
    assert authority.log == ["refreshed", "refreshed"]


def asked(
    authority: Authority, folder: Path, script: Callable[[int, str], None]
) -> tuple[list[float], System, str | None]:
    """The waits until the end, without waiting; `script` is what the person does in each of them."""
    system = load(project_of(authority, folder)).systems["crm"]
    codes: list[Code] = []
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.to_thread(script, len(waits), codes[0].text)

    kept = asyncio.run(authorise(system, codes.append, wait))
    return waits, system, kept.read()


def test_slow_down_makes_every_further_wait_longer(authority: Authority, tmp_path: Path) -> None:
    """RFC 8628, section 3.5: five seconds more, for this and all that follow."""

    def person(wait: int, code: str) -> None:
        if wait == 2:
            authority("POST", "/_slow", {"user_code": code})
        if wait == 4:
            authority("POST", "/_approve", {"user_code": code, "approved": True})

    waits, _, token = asked(authority, tmp_path, person)
    assert waits == [1, 1, 6, 6]
    assert token
    assert authority.log == ["polled"] * 3


def test_a_person_who_refuses(authority: Authority, tmp_path: Path) -> None:
    """Nothing is kept, and nobody asks again."""

    def person(wait: int, code: str) -> None:
        authority("POST", "/_approve", {"user_code": code, "approved": False})

    with pytest.raises(Unauthorized, match="did not let Accord in"):
        asked(authority, tmp_path, person)
    assert not (tmp_path / "kept.json").exists()


def test_a_code_that_nobody_uses(authority: Authority, tmp_path: Path) -> None:
    """It is asked for as long as the server says that the code is good, and not once more."""
    count: list[int] = []
    with pytest.raises(Unauthorized, match="has ended before anybody used it"):
        asked(authority, tmp_path, lambda wait, code: count.append(wait) if wait < 4 else authority("POST", "/_end"))
    assert count == [1, 2, 3]
