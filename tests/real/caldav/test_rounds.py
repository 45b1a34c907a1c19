"""Whole rounds between Radicale and an SQLite database, by the command that people use."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.real.caldav.conftest import PASSWORD, USER, Radicale

pytestmark = pytest.mark.xdist_group("radicale")
PROJECT = """\
accord: 1
systems:
  dav:
    connector: caldav
    base_url: {url}
    auth: {{type: basic, username: {user}, password: "${{DAV_PASSWORD}}"}}
    clock: {{zone: Europe/Oslo}}
    datatypes:
      task: {{path: {calendar}/, modified: last-modified}}
  office:
    connector: sql
    url: sqlite:///office.db
    datatypes:
      todo: {{table: todo, id: id, key_property: accord_key, natural_key: [title]}}
flows:
  tasks:
    dav: task
    office: todo
    link: create
    on_delete: propagate
    rows:
      - {{name: title, dav: summary, office: title}}
      - {{name: note, dav: description, office: note, type: text}}
      - {{name: due, dav: due.date, office: due, type: date}}
      - name: state
        dav: status
        office: state
        map: {{NEEDS-ACTION: open, IN-PROCESS: doing, COMPLETED: done, CANCELLED: dropped}}
      - {{name: part of, dav: parent, office: parent, type: reference(tasks)}}
"""
TABLE = """CREATE TABLE todo (
  id INTEGER PRIMARY KEY, title TEXT NOT NULL, note TEXT, due DATE, state TEXT, parent INTEGER REFERENCES todo(id),
  accord_key TEXT UNIQUE
)"""


class Project:
    """A folder with a project file and the database."""

    def __init__(self, folder: Path, radicale: Radicale) -> None:
        self.folder, self.radicale = folder, radicale
        text = PROJECT.format(url=radicale.url, calendar=radicale.calendar, user=USER)
        (folder / "accord.yaml").write_text(text)
        self.sql(TABLE)

    def accord(self, *words: str, status: int = 0) -> Any:
        """The report of a command, which must end with this status."""
        command = [sys.executable, "-m", "accord", "-C", str(self.folder), "--json", *words]
        env = {**os.environ, "DAV_PASSWORD": PASSWORD}
        done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        assert PASSWORD not in done.stdout + done.stderr
        return json.loads(done.stdout)

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.folder / "office.db") as connection:
            return connection.execute(statement, values).fetchall()

    def rows(self) -> dict[str, tuple[Any, ...]]:
        """Title → due, state, title of the parent."""
        found = self.sql(
            "SELECT t.title, t.due, t.state, p.title FROM todo t LEFT JOIN todo p ON p.id = t.parent ORDER BY t.id"
        )
        return {row[0]: row[1:] for row in found}

    def names(self) -> dict[str, str]:
        """Summary → name of each task in Radicale."""
        body = """<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/></D:prop>
            <C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>"""
        said = self.radicale("REPORT", "", body, Depth="1").body.decode()
        hrefs = [part.partition("</")[0] for part in said.split("<href>")[1:]]
        names = [href.rpartition("/")[2] for href in hrefs]
        return {str((self.radicale.get(name) or {})["summary"]): name for name in names}


def test_tasks_go_both_ways(radicale: Radicale, tmp_path: Path) -> None:
    """Creates with a parent, edits on each side, a deletion on each side; then nothing is written any more."""
    project = Project(tmp_path, radicale)
    tent = radicale.insert({"summary": "Tent", "description": "big\nand dry", "status": "NEEDS-ACTION"})
    project.sql("INSERT INTO todo (id, title, due, state) VALUES (7, 'Move', '2026-12-01', 'open')")
    project.sql("INSERT INTO todo (id, title, state, parent) VALUES (3, 'Boxes', 'doing', 7)")
    project.accord("run")
    assert project.rows() == {
        "Boxes": (None, "doing", "Move"),
        "Move": ("2026-12-01", "open", None),
        "Tent": (None, "open", None),
    }
    names = project.names()
    assert set(names) == {"Boxes", "Move", "Tent"}
    move = (radicale.text(names["Move"]) or "").partition("UID:")[2].partition("\r")[0]
    assert move.startswith("accord:office/todo/7:")
    assert f"RELATED-TO:{move}" in (radicale.text(names["Boxes"]) or "")
    assert "DUE;VALUE=DATE:20261201" in (radicale.text(names["Move"]) or "")

    text = radicale.text(tent) or ""
    radicale.put(tent, text.replace("SUMMARY", f"RELATED-TO:{move}\r\nDUE:20261202T090000Z\r\nSUMMARY"))
    project.sql("UPDATE todo SET state = 'done' WHERE id = 7")
    project.accord("run")
    assert project.rows()["Tent"] == ("2026-12-02", "open", "Move")
    assert "STATUS:COMPLETED" in (radicale.text(names["Move"]) or "")

    project.sql("UPDATE todo SET due = '2026-12-03' WHERE title = 'Tent'")
    project.accord("run")
    after = radicale.text(tent) or ""
    assert "DUE:20261203T090000Z" in after
    assert "X-MOZ-LASTACK:20260101T120000Z" in after

    radicale.delete(names["Boxes"])
    project.sql("DELETE FROM todo WHERE title = 'Tent'")
    project.accord("run")
    assert set(project.rows()) == {"Move"}
    assert set(project.names()) == {"Move"}
    stored = radicale.text(names["Move"])
    project.accord("run", "--full")
    assert radicale.text(names["Move"]) == stored
    assert project.accord("verify")["differences"] in ([], 0)


def test_two_edits_of_one_title_are_a_conflict(radicale: Radicale, tmp_path: Path) -> None:
    """Both values stay where people put them until somebody decides."""
    project = Project(tmp_path, radicale)
    name = radicale.insert({"summary": "Tent"})
    project.accord("run")
    radicale.edit(name, {"summary": "Tent for four"})
    project.sql("UPDATE todo SET title = 'Big tent'")
    project.accord("run", status=3)
    assert [row[0] for row in project.sql("SELECT title FROM todo")] == ["Big tent"]
    assert (radicale.get(name) or {})["summary"] == "Tent for four"


def test_a_deletion_is_seen_although_the_token_was_lost(radicale: Radicale, tmp_path: Path) -> None:
    """Radicale has forgotten its tokens: the round lists everything, and what is missing is asked for."""
    project = Project(tmp_path, radicale)
    gone, kept = radicale.insert({"summary": "gone"}), radicale.insert({"summary": "kept"})
    project.accord("run")
    radicale.delete(gone)
    radicale.forget_tokens()
    project.accord("run")
    assert set(project.rows()) == {"kept"}
    radicale.edit(kept, {"summary": "kept on"})
    project.accord("run")
    assert set(project.rows()) == {"kept on"}


def test_check_says_what_rests_on_the_server(radicale: Radicale, tmp_path: Path) -> None:
    """Its ETag, our key, its changes, its deletions."""
    said = json.dumps(Project(tmp_path, radicale).accord("check"))
    for words in (
        "the system refuses it (ETag)",
        "repeated safely (idempotent); found by our key in uid",
        "only what changed is read",
        "told by the system",
    ):
        assert words in said, said
