"""Whole rounds between the tracker (GraphQL) and a small OData service, by the command that people use."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest

from tests.ports.odata.service import Service, beside
from tests.real.graphql.conftest import Tracker
from tests.real.graphql.described import VERSIONED

pytestmark = pytest.mark.xdist_group("graphql")
PROJECT = """\
accord: 1
systems:
  tracker:
    connector: graphql
    base_url: {tracker}
    auth: {{type: bearer, token: good}}
    datatypes:
      issue:
{issue}
  shop:
    connector: odata
    base_url: {shop}
    datatypes:
      order: {{set: Orders, id: Id, version: etag, modified: ChangedAt, key_property: Ref, changes: delta}}
flows:
  work:
    tracker: issue
    shop: order
    on_delete: propagate
    conflict: {{prefer: [shop]}}
    rows:
      - {{tracker: title, shop: Name, type: string}}
      - {{tracker: code, shop: Code, type: string}}
      - {{tracker: estimate, shop: Price, type: decimal(2)}}
      - {{tracker: state, shop: State, type: enum, map: {{OPEN: Open, DONE: Done}}}}
"""


class Project:
    """A folder with a project file, and both systems."""

    def __init__(self, folder: Path, tracker: Tracker, shop: Service) -> None:
        self.folder, self.tracker, self.shop = folder, tracker, shop
        issue = indent(VERSIONED, " " * 8)
        (folder / "accord.yaml").write_text(PROJECT.format(tracker=tracker.url, shop=shop.url, issue=issue))

    def accord(self, *words: str) -> Any:
        """The report of a command, which must succeed."""
        command = [sys.executable, "-m", "accord", "-C", str(self.folder), "--json", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def both(self) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """The mapped values on both sides, by code."""
        query = "{ issueList { title code estimate state } }"
        issues = [
            (one["code"], one["title"], one["estimate"], one["state"]) for one in self.tracker(query)["issueList"]
        ]
        states = {"Open": "OPEN", "Done": "DONE"}
        rows = [(row["Code"], row["Name"], row["Price"], states[row["State"]]) for row in self.shop.rows.values()]
        orders = [(code, name, None if price is None else str(price), state) for code, name, price, state in rows]
        return sorted(issues), sorted(orders)


@pytest.fixture
def project(tracker: Tracker, tmp_path: Path) -> Iterator[Project]:
    """Two issues, two orders."""
    with beside(Service()) as shop:
        project = Project(tmp_path, tracker, shop)
        tracker.insert({"title": "O'Brien", "code": "a", "estimate": "0.10"})
        tracker.insert({"title": "two", "code": "b", "estimate": "1234567.89"})
        shop.insert({"Name": "three", "Code": "c", "Price": "3.00", "State": "Done"})
        shop.insert({"Name": None, "Code": "d", "Price": None, "State": "Open"})
        yield project


def test_records_go_both_ways(project: Project) -> None:
    """Creates, an edit on each side, a conflict, a deletion on each side; after each a round that writes nothing."""
    tracker, shop = project.tracker, project.shop

    def settled() -> list[tuple[Any, ...]]:
        project.accord("run")
        issues, orders = project.both()
        assert issues == orders
        log, version = len(shop.log), tracker("{ issueList { version } }")
        project.accord("run")
        assert (len(shop.log), tracker("{ issueList { version } }")) == (log, version), "the second round wrote"
        return issues

    assert settled() == [
        ("a", "O'Brien", "0.10", "OPEN"),
        ("b", "two", "1234567.89", "OPEN"),
        ("c", "three", "3.00", "DONE"),
        ("d", None, None, "OPEN"),
    ]
    ids = {one["code"]: one["id"] for one in tracker("{ issueList { id code } }")["issueList"]}
    orders = {row["Code"]: id for id, row in shop.rows.items()}
    tracker.edit(ids["a"], {"estimate": "0.20", "note": "not mapped"})
    shop.edit(orders["b"], {"State": "Done", "Note": "not mapped"})
    tracker.edit(ids["c"], {"title": "the tracker's"})
    shop.edit(orders["c"], {"Name": "the shop's"})
    assert settled() == [
        ("a", "O'Brien", "0.20", "OPEN"),
        ("b", "two", "1234567.89", "DONE"),
        ("c", "the shop's", "3.00", "DONE"),
        ("d", None, None, "OPEN"),
    ]
    assert (tracker.get(ids["a"]) or {})["note"] == "not mapped"
    assert shop.rows[orders["b"]]["Note"] == "not mapped"

    tracker.delete(ids["a"])
    shop.delete(orders["d"])
    project.accord("run", "--full")
    assert [code for code, *_ in settled()] == ["b", "c"]


def test_check_and_verify_agree(project: Project) -> None:
    """What rests on what is said of both; after a round everything is as it should be."""
    said = json.dumps(project.accord("check"))
    for words in (
        "the system refuses it (ETag)",
        "found by our key in Ref",
        "told by the system",
        "readable, 2 records",
    ):
        assert words in said
    project.accord("run")
    assert project.accord("verify")["ok"] is True
