"""Two processes that renew the same refresh token at the same moment, at a server that ends it with its first use."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from .conftest import Authority

FILE = """\
accord: 1
systems:
  crm:
    connector: rest
    base_url: {url}
    auth:
      type: oauth2_refresh
      token_url: /token
      client_id: accord
      refresh_token: first-refresh
      keep: kept.json
    datatypes: {{thing: {{path: /things, list: {{paginator: single}}}}}}
flows: {{}}
"""


def test_two_processes_renew_at_the_same_moment(authority: Authority, tmp_path: Path) -> None:
    """One waits for the other, and goes on with the token that this one was given; nobody is locked out."""
    authority("POST", "/_first")
    file = tmp_path / "accord.yaml"
    file.write_text(FILE.format(url=authority.url), "utf-8")
    command = [sys.executable, "-m", "accord", "check", "--project", str(file), "--json"]
    for _ in range(2):
        both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
        said = [process.communicate(timeout=60) for process in both]
        assert [process.returncode for process in both] == [0, 0], said
        assert all(json.loads(out)["systems"][0]["message"] == "readable" for out, _ in said)
    assert authority.log == ["refreshed"] * 4


def test_a_process_that_is_killed_lets_go(authority: Authority, tmp_path: Path) -> None:
    """The lock ends with its process, whatever becomes of it."""
    authority("POST", "/_first")
    file = tmp_path / "accord.yaml"
    file.write_text(FILE.format(url=authority.url), "utf-8")
    held = (
        "import sys; from filelock import FileLock; lock = FileLock(sys.argv[1]); lock.acquire(); "
        "print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", held, str(tmp_path / ".kept.json.lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    command = [sys.executable, "-m", "accord", "check", "--project", str(file), "--json"]
    waiting = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    holder.kill()
    holder.wait(10)
    said = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, said
    assert authority.log == ["refreshed"]
