"""`demo --once`, as a newcomer runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def _children(folder: Path) -> str:
    listed = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in listed.splitlines() if "demo.custom" in line and str(folder) in line)


def test_once_shows_all_in_step_and_ends_its_servers(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "accord", "demo", "--once", "--folder", str(tmp_path / "d"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    found = json.loads(done.stdout)
    assert (done.returncode, found["ok"], found["third_round_writes"]) == (0, True, 0)
    assert found["records"]["task"] == {"custompms": 3000, "customerp": 3000, "linked": 3000}
    assert _children(tmp_path) == ""


def test_a_folder_that_is_not_its_own_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    command = [sys.executable, "-m", "accord", "demo", "--once", "--folder", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "is not empty" in done.stderr


def test_ctrl_c_ends_the_servers_too(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "accord", "demo", "--folder", str(tmp_path / "d")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ})
    deadline = time.monotonic() + 60
    while not _children(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    assert _children(tmp_path) == ""
