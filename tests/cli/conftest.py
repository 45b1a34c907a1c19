"""Two small SQLite databases, a project file between them, and the command line called as a user does."""

from __future__ import annotations

import io
import json
import sqlite3
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from accord.cli.main import run_app

PROJECT = """\
accord: 1
title: PMS and ERP
systems:
  pms:
    title: PMS
    connector: sql
    url: sqlite:///pms.db
    datatypes:
      customer: {table: customer, modified: changed}
      visit: {table: visit}
  erp:
    title: ERP
    connector: sql
    url: sqlite:///erp.db
    datatypes:
      client: {table: client, id: no, modified: changed}
      trip: {table: trip}
flows:
  customer:
    pms: customer
    erp: client
    link: match-or-create
    match: [[org]]
    rows:
      - {pms: name, erp: cname, type: string}
      - {pms: org, erp: vat, type: string}
      - {pms: city, erp: town, type: string}
  visit:
    pms: {datatype: visit, where: "kind == 'visit'"}
    erp: trip
    link: {pms: create, erp: never}
    limits: {delete: 1}
    on_delete: propagate
    rows:
      - {pms: what, erp: what, type: string}
"""
TABLES = {
    "pms": """
CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT, org TEXT, city TEXT, changed TIMESTAMP);
CREATE TABLE visit (id INTEGER PRIMARY KEY, what TEXT, kind TEXT DEFAULT 'visit');
INSERT INTO customer VALUES (1, 'Åsheim', '111', 'Oslo', '2026-01-01 10:00:00');
INSERT INTO customer VALUES (2, 'Berge', '222', NULL, '2026-01-01 10:00:00');
INSERT INTO visit (id, what) VALUES (1, 'Kaffe'), (2, 'Te');
""",
    "erp": """
CREATE TABLE client (no INTEGER PRIMARY KEY, cname TEXT, vat TEXT, town TEXT, changed TIMESTAMP);
CREATE TABLE trip (id INTEGER PRIMARY KEY, what TEXT);
INSERT INTO client VALUES (71, 'Åsheim', '111', NULL, '2026-01-01 10:00:00');
""",
}


@dataclass
class Result:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """JSON lines on standard output."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class World:
    """A project in a folder, and its two systems."""

    folder: Path

    def accord(self, *arguments: str) -> Result:
        """The command line, in this process."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            status = run_app([*arguments, "-C", str(self.folder)])
        result = Result(status, out.getvalue(), err.getvalue())
        assert "Traceback" not in result.out + result.err
        return result

    def process(self, *arguments: str, **env: str) -> Result:
        """The command line, in a process of its own."""
        command = [sys.executable, "-m", "accord", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=env or None, capture_output=True, text=True, timeout=120, check=False
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def sql(self, system: str, statement: str, *values: Any) -> list[Any]:
        """What somebody does in a system."""
        with sqlite3.connect(self.folder / f"{system}.db") as db:
            rows = db.execute(statement, values).fetchall()
        db.close()
        return rows

    def edit(self, system: str, table: str, id: int, column: str, value: Any) -> None:
        key = "no" if table == "client" else "id"
        stamp = ", changed = datetime('now')" if table in ("customer", "client") else ""
        self.sql(system, f"UPDATE {table} SET {column} = ?{stamp} WHERE {key} = ?", value, id)

    def conflict(self) -> None:
        """Two people rename the same customer."""
        assert self.accord("run").status == 0
        self.edit("pms", "customer", 1, "name", "Åsheim PMS")
        self.edit("erp", "client", 71, "cname", "Åsheim ERP")
        assert self.accord("run").status == 3


def make_world(folder: Path) -> World:
    for name, script in TABLES.items():
        with sqlite3.connect(folder / f"{name}.db") as db:
            db.executescript(script)
        db.close()
    (folder / "accord.yaml").write_text(PROJECT, "utf-8")
    return World(folder)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Two customers in PMS, one of which is in ERP; two visits in PMS."""
    return make_world(tmp_path)
