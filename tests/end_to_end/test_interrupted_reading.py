"""A reading that was interrupted goes on where it was, where the system tells marks: less than a page is read again."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from accord.config.load import load
from accord.connectors.memory import Behaviour, MemorySystem
from accord.connectors.sql_table import PAGE
from accord.engine.report import Report
from accord.engine.round import Caller, run_round
from accord.engine.setting import Options

TASKS = PAGE * 5 // 2
CHANGES = {"table": "task_changes", "id": "record_id", "operation": "operation"}
SCHEMA = """
CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE task_changes (seq INTEGER PRIMARY KEY AUTOINCREMENT, record_id TEXT, operation TEXT);
CREATE TRIGGER i AFTER INSERT ON task BEGIN INSERT INTO task_changes (record_id, operation) VALUES (new.id, 'I'); END;
CREATE TRIGGER u AFTER UPDATE ON task BEGIN INSERT INTO task_changes (record_id, operation) VALUES (new.id, 'U'); END;
CREATE TRIGGER d AFTER DELETE ON task BEGIN INSERT INTO task_changes (record_id, operation) VALUES (old.id, 'D'); END;
"""


class Killed(BaseException):
    """The process is gone."""


def project(folder: Path) -> dict[str, Any]:
    """Tasks of a database, carried into a system in memory."""
    one = {
        "connector": "sql",
        "url": f"sqlite:///{folder}/one.db",
        "datatypes": {"task": {"table": "task", "change_table": CHANGES}},
    }
    two = {"connector": "memory", "instance": "interrupted", "datatypes": {"task": {}}}
    flow = {
        "one": "task",
        "two": "task",
        "link": "create",
        "on_delete": "propagate",
        "rows": [{"one": "name", "two": "name"}],
    }
    return {"accord": 1, "state": f"{folder}/accord.db", "systems": {"one": one, "two": two}, "flows": {"task": flow}}


def round_(folder: Path, die_at: int | None = None) -> Report:
    """One round; it dies when so many records of the database were read."""
    (folder / "accord.yaml").write_text(json.dumps(project(folder)))

    def progress(what: str, done: int, total: int | None) -> None:
        if die_at is not None and what == "reading one task" and done >= die_at:
            raise Killed

    return run_round(load(folder / "accord.yaml"), Options(), Caller(progress=progress))


def test_less_than_a_page_is_read_again(tmp_path: Path) -> None:
    """Edits and a deletion on pages before and after the interruption all arrive."""
    two = MemorySystem({"task": Behaviour()}, instance="interrupted")
    with sqlite3.connect(tmp_path / "one.db") as database:
        database.executescript(SCHEMA)
        database.executemany("INSERT INTO task VALUES (?, ?)", [(n, f"t{n}") for n in range(TASKS)])
    round_(tmp_path)
    assert len(two.all("task")) == TASKS
    with sqlite3.connect(tmp_path / "one.db") as database:
        database.execute("DELETE FROM task WHERE id = 3")
        database.execute("UPDATE task SET name = name || '!'")
    with pytest.raises(Killed):
        round_(tmp_path, die_at=2 * PAGE - 1)
    report = round_(tmp_path)
    assert report.errors == []
    assert TASKS - 2 * PAGE <= report.flows["task"]["observed"] < TASKS - PAGE
    assert all(str(record["name"]).endswith("!") for record in two.all("task").values())
    assert len(two.all("task")) == TASKS - 1
    assert round_(tmp_path).writes["two"] == {"create": 0, "update": 0, "delete": 0}
