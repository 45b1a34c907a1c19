"""A probe writes to sandboxes only, says beforehand what it will do, and leaves nothing behind."""

from __future__ import annotations

import io
import json
import sqlite3
import subprocess
import sys
from contextlib import closing, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from accord.cli.main import run_app

ROOT = Path(__file__).parents[2]
FILE = """\
accord: 1
systems:
  erp:
    connector: sql
    url: sqlite:///erp.db
    sandbox: true
    limits: {grace: 0s}
    datatypes:
      client: {table: client, id: no, version: ver}
flows: {}
"""
TABLE = """
CREATE TABLE client (no INTEGER PRIMARY KEY, name TEXT NOT NULL, town VARCHAR(20), sum DECIMAL(10, 2), ver INTEGER);
INSERT INTO client VALUES (1, 'Kari', 'Oslo', 1.5, 1), (2, 'Ola', NULL, NULL, 1);
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with one SQLite database, a sandbox, with two rows."""
    with closing(sqlite3.connect(tmp_path / "erp.db")) as db:
        db.executescript(TABLE)
    (tmp_path / "accord.yaml").write_text(FILE, "utf-8")
    return tmp_path


def rows(folder: Path) -> list[Any]:
    with closing(sqlite3.connect(folder / "erp.db")) as db:
        return db.execute("SELECT no, name, town, sum FROM client ORDER BY no").fetchall()


def accord(folder: Path, *arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = run_app([*arguments, "-C", str(folder)])
    assert "Traceback" not in out.getvalue() + err.getvalue()
    return status, out.getvalue(), err.getvalue()


def test_only_a_sandbox(folder: Path) -> None:
    """A system that is not said to be one is not touched; nor one that is read only."""
    before = rows(folder)
    (folder / "accord.yaml").write_text(FILE.replace("    sandbox: true\n", ""), "utf-8")
    status, _, err = accord(folder, "discover", "erp", "--probe", "--yes")
    assert (status, "erp is not said to be a sandbox" in err, "sandbox: true" in err) == (2, True, True)
    (folder / "accord.yaml").write_text(FILE.replace("sandbox: true", "sandbox: true\n    read_only: true"), "utf-8")
    assert accord(folder, "discover", "erp", "--probe", "--yes")[0] == 2
    assert rows(folder) == before


def test_not_without_a_word(folder: Path) -> None:
    """The plan is shown, and where nobody can be asked nothing is begun."""
    before = rows(folder)
    status, out, err = accord(folder, "discover", "erp", "--probe")
    assert (status, "at most" in out, "--probe --yes" in err) == (2, True, True)
    assert accord(folder, "discover", "erp", "--yes")[0] == 2
    assert rows(folder) == before
    assert not (folder / "accord.yaml.probe").exists()


def test_what_it_finds_and_leaves(folder: Path) -> None:
    """SQLite: no length is kept, no scale is rounded, ids are given again; and the rows are those from before."""
    before = rows(folder)
    status, out, _ = accord(folder, "discover", "erp", "--probe", "--yes", "--json")
    found = json.loads(out)["probed"]["datatypes"][0]
    assert (found["before"], found["after"], found["why_not"]) == (2, 2, None)
    assert rows(folder) == before
    words = {one["path"]: {fact["word"] for fact in one["facts"]} for one in found["properties"]}
    assert "longer" in words["town"]
    assert "null-refused" in words["name"]
    assert {"version-kept", "id-again"} <= {fact["word"] for fact in found["facts"]}
    assert status == json.loads(out)["probed"]["status"]


@pytest.mark.parametrize(
    ("at", "when"),
    [(1, "before"), (1, "after"), (2, "after"), (3, "after"), (9, "before"), (30, "after"), (45, "after")],
)
def test_killed_in_the_middle(folder: Path, at: int, when: str) -> None:
    """`kill -9` at a write: the next probe begins nothing before what is left is removed, by id or by its mark."""
    before = rows(folder)
    command = [sys.executable, "-m", "tests.probing.killing", str(folder / "accord.yaml"), "erp", str(at), when]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    assert (folder / "accord.yaml.probe").exists()
    status, _, err = accord(folder, "discover", "erp", "--probe", "--yes")
    assert (status, "--clean-up" in err) == (2, True)
    status, out, err = accord(folder, "discover", "erp", "--probe", "--clean-up", "--json")
    assert (status, rows(folder)) == (0, before), err
    assert not (folder / "accord.yaml.probe").exists()
    assert json.loads(out)["left"] == []
    assert accord(folder, "discover", "erp", "--probe", "--clean-up")[1] == "Nothing was left.\n"


def test_a_record_that_somebody_made_is_left_alone(folder: Path) -> None:
    """It has the id of a record that a probe made and noted, and not its mark."""
    command = [sys.executable, "-m", "tests.probing.killing", str(folder / "accord.yaml"), "erp", "3", "after"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == -9
    (noted,) = [note for note in json.loads((folder / "accord.yaml.probe").read_text()) if note["id"] is None]
    noted["id"] = "2"
    (folder / "accord.yaml.probe").write_text(json.dumps([noted]), "utf-8")
    with closing(sqlite3.connect(folder / "erp.db")) as db, db:
        db.execute("DELETE FROM client WHERE no > 2")
    before = rows(folder)
    _, _, err = accord(folder, "discover", "erp", "--probe", "--clean-up")
    assert "client 2 does not hold the mark of a probe: left alone" in err
    assert rows(folder) == before


def test_another_address(folder: Path) -> None:
    """What was made in one sandbox is not looked for in another system."""
    command = [sys.executable, "-m", "tests.probing.killing", str(folder / "accord.yaml"), "erp", "3", "after"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == -9
    (folder / "accord.yaml").write_text(FILE.replace("erp.db", "production.db"), "utf-8")
    (folder / "production.db").write_bytes((folder / "erp.db").read_bytes())
    status, _, err = accord(folder, "discover", "erp", "--probe", "--clean-up")
    assert (status, "had another address" in err) == (2, True)


def test_a_create_under_way(folder: Path) -> None:
    """Killed before its create was answered: it may still take effect for as long as `grace` says."""
    (folder / "accord.yaml").write_text(FILE.replace("grace: 0s", "grace: 1h"), "utf-8")
    command = [sys.executable, "-m", "tests.probing.killing", str(folder / "accord.yaml"), "erp", "1", "before"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == -9
    status, _, err = accord(folder, "discover", "erp", "--probe", "--clean-up")
    assert (status, "call this again" in err) == (1, True)
    assert (folder / "accord.yaml.probe").exists()
