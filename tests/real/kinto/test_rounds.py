"""Whole rounds between Kinto and a CSV file, by the command that people use."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.real.kinto.conftest import Kinto

pytestmark = pytest.mark.xdist_group("kinto")
PROJECT = """\
accord: 1
systems:
  store:
    connector: kinto
    base_url: {url}
    auth: {{type: basic, username: accord, password: "${{KINTO_PASSWORD}}"}}
  list:
    connector: file
    datatypes:
      customer: {{path: customers.csv, key_property: key}}
flows:
  customers:
    store: record
    list: customer
    on_delete: propagate
    rows:
      - {{store: name, list: name}}
      - {{store: address.city, list: city}}
"""


class Project:
    """A folder with a project file and the CSV file."""

    def __init__(self, folder: Path, kinto: Kinto) -> None:
        self.folder, self.kinto = folder, kinto
        (folder / "accord.yaml").write_text(PROJECT.format(url=kinto.collection))
        self.write([])

    def accord(self, *words: str) -> Any:
        """The report of a command, which must succeed."""
        command = [sys.executable, "-m", "accord", "-C", str(self.folder), "--json", *words]
        env = {**os.environ, "KINTO_PASSWORD": "secret"}
        done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def write(self, rows: Iterable[tuple[str, str, str, str]]) -> None:
        with (self.folder / "customers.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("id", "name", "city", "key"), *rows])

    def rows(self) -> list[dict[str, str]]:
        with (self.folder / "customers.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    def stored(self) -> dict[str, dict[str, Any]]:
        """Kinto's records by name."""
        _, said = self.kinto("GET", "/records?_sort=name")
        return {record["name"]: record for record in said["data"]}


def test_records_go_both_ways_and_a_tombstone_deletes(kinto: Kinto, tmp_path: Path) -> None:
    """Creates, an edit on each side, a deletion in Kinto, which the next listing of changes alone tells."""
    project = Project(tmp_path, kinto)
    project.write([("1", "Ada", "Oslo", ""), ("2", "Grace", "Bergen", "")])
    project.accord("run")
    assert {name: record["address"]["city"] for name, record in project.stored().items()} == {
        "Ada": "Oslo",
        "Grace": "Bergen",
    }

    ada = project.stored()["Ada"]["id"]
    kinto.edit(ada, {"address.city": "Moss", "address.street": "not mapped"})
    project.write([("1", "Ada", "Oslo", ""), ("2", "Grace", "Voss", "")])
    project.accord("run")
    assert [row["city"] for row in project.rows()] == ["Moss", "Voss"]
    assert project.stored()["Grace"]["address"] == {"city": "Voss"}
    assert project.stored()["Ada"]["address"] == {"city": "Moss", "street": "not mapped"}

    kinto.delete(ada)
    project.accord("run")
    assert [row["name"] for row in project.rows()] == ["Grace"]


def test_a_deleted_line_makes_a_tombstone(kinto: Kinto, tmp_path: Path) -> None:
    """The deletion goes to Kinto under If-Match, and the tombstone that comes back is no edit."""
    project = Project(tmp_path, kinto)
    project.write([("1", "Ada", "Oslo", ""), ("2", "Grace", "Bergen", "")])
    project.accord("run")
    gone = project.stored()["Ada"]["id"]
    project.write([("2", "Grace", "Bergen", "")])
    project.accord("run")
    assert list(project.stored()) == ["Grace"]
    _, said = kinto("GET", "/records?_since=0")
    assert gone in {record["id"] for record in said["data"] if record.get("deleted")}
    project.accord("run")
    assert [row["name"] for row in project.rows()] == ["Grace"]
    assert list(project.stored()) == ["Grace"]


def test_check_says_what_rests_on_kinto(kinto: Kinto, tmp_path: Path) -> None:
    """Its ETag, our key, its changes, its tombstones."""
    said = json.dumps(Project(tmp_path, kinto).accord("check"))
    for words in ("the system refuses it (ETag)", "found by our key in accord_key", "only what changed is read",
                  "told by the system"):  # fmt: skip
        assert words in said
