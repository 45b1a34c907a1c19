"""The preset of ERPNext, against a server in the shapes of Frappe's REST API. The real one was not tried."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from accord.connectors.registry import connect
from accord.model import Absence, OutcomeKind, Record
from accord.ports import Connector
from accord.testing import ConnectorSuite, Harness, ground

from .frappe import KEY, ZONE, Frappe
from .opening import opened
from .rounds import Rounds, described


@pytest.fixture(scope="module")
def running() -> Iterator[Frappe]:
    server = Frappe()
    with server.running():
        yield server


@pytest.fixture
def frappe(running: Frappe) -> Frappe:
    """Without records."""
    running.tables, running.hidden = {}, set()
    return running


def said(frappe: Frappe, **more: Any) -> dict[str, Any]:
    return {"connector": "erpnext", "base_url": frappe.url, "auth": {"key": KEY}, "clock": {"zone": ZONE}, **more}


class ErpnextSuite(ConnectorSuite):
    """One doctype."""

    datatype: str
    doctype: str
    shape: dict[str, Any]
    more: dict[str, Any] = {}

    @pytest.fixture(autouse=True)
    def _server(self, frappe: Frappe, tmp_path: Path) -> None:
        self.frappe, self.folder = frappe, tmp_path

    @contextmanager
    def make(self) -> Iterator[Harness]:
        frappe, doctype = self.frappe, self.doctype
        yield Harness(
            connector=connect(described(self.folder, said(frappe, **self.more))),
            datatype=self.datatype,
            unmapped="custom_note",
            insert=lambda natives: frappe.insert(doctype, natives),
            edit=lambda id, natives: frappe.edit(doctype, id, natives),
            delete=lambda id: frappe.delete(doctype, id),
            get=lambda id: frappe.get(doctype, id),
            **self.shape,
        )


class TestTasks(ErpnextSuite):
    """With a field of our own for the key of a create."""

    datatype, doctype = "task", "Task"
    shape = {"text": "description", "filled": {"subject": "Dig"}, "decimal": "expected_time"}
    more = {"datatypes": {"task": {"key_property": "accord_key"}}}


class TestProjects(ErpnextSuite):
    """Whose name is unique."""

    datatype, doctype = "project", "Project"
    shape = {"text": "notes", "unique": "project_name", "decimal": "estimated_costing"}


class TestAnyDoctype(ErpnextSuite):
    """One that only the project file names, and whose name has a blank."""

    datatype, doctype = "order", "Sales Order"
    shape = {"text": "remarks", "filled": {"title": "An order"}}
    more = {"datatypes": {"order": {"path": "/api/resource/Sales Order"}}}


def using(frappe: Frappe, folder: Path, test: Callable[[Connector], Any]) -> Any:
    """Run a test with the connector opened for tasks."""
    return opened(described(folder, said(frappe)), {"task": ("subject", "description")}, test)


async def shown(connector: Connector, id: str) -> Record:
    record = (await connector.fetch("task", [id]))[id]
    assert isinstance(record, Record)
    return record


def test_a_stale_update_is_refused_by_the_time_that_goes_with_it(frappe: Frappe, tmp_path: Path) -> None:
    """417 is every refusal of Frappe: reading the record tells which it was."""
    id = frappe.insert("Task", {"subject": "Dig"})

    async def test(connector: Connector) -> None:
        seen = await shown(connector, id)
        frappe.edit("Task", id, {"custom_note": "a person's"})
        stale = await connector.update("task", id, {"subject": "ours"}, ground(seen))
        assert stale.kind is OutcomeKind.STALE
        seen = await shown(connector, id)
        refused = await connector.update("task", id, {"subject": ""}, ground(seen))
        assert (refused.kind, "subject" in (refused.message or "")) == (OutcomeKind.REJECTED, True)
        ended = await asyncio.gather(
            *(connector.update("task", id, {"subject": str(n)}, ground(seen)) for n in range(10))
        )
        assert sorted(outcome.kind.value for outcome in ended) == ["applied", *["stale"] * 9]

    using(frappe, tmp_path, test)


def test_a_delete_is_read_and_compared_first(frappe: Frappe, tmp_path: Path) -> None:
    """Frappe asks nothing of a delete."""
    id = frappe.insert("Task", {"subject": "Dig"})

    async def test(connector: Connector) -> None:
        seen = await shown(connector, id)
        frappe.edit("Task", id, {"subject": "a person's"})
        assert (await connector.delete("task", id, ground(seen))).kind is OutcomeKind.STALE
        assert (await connector.delete("task", id, ground(await shown(connector, id)))).kind is OutcomeKind.APPLIED
        assert frappe.get("Task", id) is None

    using(frappe, tmp_path, test)


def test_what_may_not_be_read_is_not_gone(frappe: Frappe, tmp_path: Path) -> None:
    """Frappe tells 403 from 404."""
    id = frappe.insert("Task", {"subject": "Dig"})
    frappe.hidden = {id}

    async def test(connector: Connector) -> None:
        assert (await connector.fetch("task", [id]))[id] is Absence.FORBIDDEN
        assert [r async for page in connector.read("task", None) for r in page.records] == []

    using(frappe, tmp_path, test)


def test_times_are_those_of_the_site(frappe: Frappe, tmp_path: Path) -> None:
    """The mark of a reading is asked for in the zone of the site."""
    frappe.insert("Task", {"subject": "Dig"})

    async def test(connector: Connector) -> None:
        pages = [page async for page in connector.read("task", None)]
        assert [r.version for page in pages for r in page.records] == [
            r["modified"] for r in frappe.table("Task").values()
        ]
        [page async for page in connector.read("task", pages[-1].cursor)]

    using(frappe, tmp_path, test)
    asked = frappe.asked[-1].query["filters"]
    latest = max(record["modified"] for record in frappe.table("Task").values())
    assert latest[:13] in asked


def test_a_name_that_is_given_again_is_another_document(frappe: Frappe, tmp_path: Path) -> None:
    """As Frappe gives the last of a series: by its time of creation it is not the old one, and a person is asked."""
    rows = [{"it": "subject", "list": "title"}]
    rounds = Rounds(tmp_path, said(frappe), {"it": "task", "on_delete": "propagate", "rows": rows}, ["title"])
    name = frappe.insert("Task", {"subject": "Dig"})
    rounds.accord("run")
    frappe.delete("Task", name)
    frappe.insert("Task", {"subject": "Something else"}, name)
    told = rounds.accord("run", "--full", held=True)
    assert rounds.values() == [("Dig",)]
    (one,) = told["held"]
    assert "it was made at another time" in one["reason"]


def test_tasks_and_their_project_go_both_ways(frappe: Frappe, tmp_path: Path) -> None:
    """Creates, edits on both sides and a deletion, in rounds."""
    project = frappe.insert("Project", {"project_name": "Harbour"})
    flow = {
        "it": "task",
        "on_delete": "propagate",
        "rows": [
            {"it": "subject", "list": "title"},
            {"it": "project", "list": "project"},
            {"it": "completed_on", "list": "done", "type": "date"},
            {"it": "is_milestone", "list": "milestone", "type": "boolean"},
        ],
    }
    rounds = Rounds(tmp_path, said(frappe), flow, ["title", "project", "done", "milestone"])
    rounds.write({"id": "1", "title": "Dig", "project": project, "milestone": "true"}, {"id": "2", "title": "Fill"})
    rounds.accord("run")
    made = {record["subject"]: record for record in frappe.table("Task").values()}
    assert (made["Dig"]["project"], made["Dig"]["is_milestone"]) == (project, 1)

    frappe.edit("Task", made["Dig"]["name"], {"completed_on": "2026-11-02", "description": "deep"})
    rounds.write({"id": "1", "title": "Dig", "project": project, "milestone": "true"}, {"id": "2", "title": "Fill up"})
    rounds.accord("run")
    assert [row[:3] for row in rounds.values()] == [("Dig", project, "2026-11-02"), ("Fill up", "", "")]
    assert made["Fill"]["subject"] == "Fill up"
    assert made["Dig"]["description"] == "deep"

    rounds.write({"id": "2", "title": "Fill up"})
    rounds.accord("run", "--full")
    assert list(frappe.table("Task")) == [made["Fill"]["name"]]
