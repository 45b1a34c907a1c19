"""The preset of Odoo's JSON-2 API, against a server in the documented shapes. The real one was not tried."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from accord.connectors.registry import connect
from accord.model import Absence, OutcomeKind, Record
from accord.ports import Connector, Expects
from accord.testing import ConnectorSuite, Harness, ground

from .odoo import KEY, Odoo
from .opening import opened
from .rounds import Rounds, described


@pytest.fixture(scope="module")
def running() -> Iterator[Odoo]:
    server = Odoo()
    with server.running():
        yield server


@pytest.fixture
def odoo(running: Odoo) -> Odoo:
    """Without records."""
    running.tables, running.hidden = {}, set()
    return running


def said(odoo: Odoo, **more: Any) -> dict[str, Any]:
    return {"connector": "odoo-json2", "base_url": odoo.url, "auth": {"token": KEY}, **more}


class OdooSuite(ConnectorSuite):
    """One model."""

    model: str
    shape: dict[str, Any]
    more: dict[str, Any] = {}

    @pytest.fixture(autouse=True)
    def _server(self, odoo: Odoo, tmp_path: Path) -> None:
        self.odoo, self.folder = odoo, tmp_path

    @contextmanager
    def make(self) -> Iterator[Harness]:
        odoo, model = self.odoo, self.model
        yield Harness(
            connector=connect(described(self.folder, said(odoo, datatypes={model: self.more}))),
            datatype=model,
            unmapped="x_note",
            keeps_empty=False,
            insert=lambda natives: odoo.insert(model, natives),
            edit=lambda id, natives: odoo.edit(model, id, natives),
            delete=lambda id: odoo.delete(model, id),
            get=lambda id: odoo.get(model, id),
            **self.shape,
        )


class TestContacts(OdooSuite):
    """As the preset has them."""

    model = "res.partner"
    shape = {"text": "comment", "filled": {"name": "Ada"}}


class TestTasksWithKey(OdooSuite):
    """With a field of our own for the key of a create."""

    model = "project.task"
    shape = {"text": "description", "filled": {"name": "Dig"}, "decimal": "allocated_hours"}
    more = {"key_property": "x_accord", "properties": {"x_accord": {"null_as": False}}}


class TestAnyModel(OdooSuite):
    """A model that only the project file names."""

    model = "crm.lead"
    shape = {"text": "description", "filled": {"name": "A lead"}, "decimal": "expected_revenue"}
    more = {"properties": {"description": {"null_as": False}}}


def using(odoo: Odoo, folder: Path, test: Callable[[Connector], Any], *paths: str) -> Any:
    """Run a test with the connector opened for these fields of tasks."""
    return opened(described(folder, said(odoo)), {"project.task": paths}, test)


async def listed(connector: Connector) -> list[Record]:
    return [record async for page in connector.read("project.task", None) for record in page.records]


def test_only_what_is_mapped_is_asked_for(odoo: Odoo, tmp_path: Path) -> None:
    """By the names of the fields, and with what Accord itself needs; a reference comes as its id."""
    id = odoo.insert("project.task", {"name": "Dig", "project_id": 7})

    async def test(connector: Connector) -> None:
        (record,) = await listed(connector)
        found = (await connector.fetch("project.task", [id]))[id]
        assert isinstance(found, Record)
        assert record.natives() == found.natives() == {"project_id": 7, "description": None}
        assert {tuple(call.json["fields"]) for call in odoo.asked[-2:]} == {
            ("id", "write_date", "project_id", "description")
        }

    using(odoo, tmp_path, test, "project_id", "description")


def test_what_is_archived_is_listed(odoo: Odoo, tmp_path: Path) -> None:
    """Archiving is an edit of `active`, and no deletion."""
    odoo.insert("project.task", {"name": "old", "active": False})

    async def test(connector: Connector) -> list[Any]:
        return [record.natives() for record in await listed(connector)]

    assert using(odoo, tmp_path, test, "name", "active") == [{"name": "old", "active": False}]


def test_gone_and_hidden_are_told_apart(odoo: Odoo, tmp_path: Path) -> None:
    """A record that is not there is left out of the list, one that may not be seen is a 403."""
    kept, gone = (odoo.insert("project.task", {"name": name}) for name in "ab")
    odoo.delete("project.task", gone)
    odoo.hidden = {int(kept)}

    async def test(connector: Connector) -> list[Any]:
        found = await connector.fetch("project.task", [kept, gone])
        return [found[kept], found[gone]]

    assert using(odoo, tmp_path, test, "name") == [Absence.FORBIDDEN, Absence.GONE]


def test_null_is_written_as_false(odoo: Odoo, tmp_path: Path) -> None:
    """And a value that is false already is no longer what a stale ground says."""
    id = odoo.insert("project.task", {"name": "Dig", "project_id": 7})

    async def test(connector: Connector) -> list[str]:
        (seen,) = await listed(connector)
        done = await connector.update("project.task", id, {"project_id": None}, ground(seen))
        assert odoo.asked[-1].json == {"ids": [int(id)], "vals": {"project_id": False}}
        stale = await connector.update("project.task", id, {"project_id": 8}, ground(seen))
        fresh = await connector.update("project.task", id, {"project_id": 8}, Expects(natives={"project_id": None}))
        return [done.kind.value, stale.kind.value, fresh.kind.value]

    assert using(odoo, tmp_path, test, "project_id") == ["applied", "stale", "applied"]


def test_a_refusal_has_the_words_of_odoo(odoo: Odoo, tmp_path: Path) -> None:
    """And nothing of its traceback."""
    id = odoo.insert("project.task", {"name": "Dig"})

    async def test(connector: Connector) -> None:
        refused = await connector.update("project.task", id, {"name": ""}, Expects(natives={"name": "Dig"}))
        assert refused.kind is OutcomeKind.REJECTED
        assert "Missing required value" in (refused.message or "")
        assert "Traceback" not in (refused.message or "")

    using(odoo, tmp_path, test, "name")


def test_tasks_go_both_ways(odoo: Odoo, tmp_path: Path) -> None:
    """Creates, edits on both sides and a deletion on each, in rounds."""
    flow = {
        "it": {"datatype": "project.task", "defaults": {"project_id": 7}},
        "on_delete": "propagate",
        "rows": [
            {"it": "name", "list": "title"},
            {"it": "date_deadline", "list": "due", "type": "datetime"},
            {"it": "allocated_hours", "list": "hours", "type": "decimal(2)"},
            {"it": "active", "list": "active", "type": "boolean"},
        ],
    }
    rounds = Rounds(tmp_path, said(odoo), flow, ["title", "due", "hours", "active"])
    dig = {"id": "1", "title": "Dig", "due": "2026-11-02 10:00:00", "hours": "1.50", "active": "true"}
    fill = {"id": "2", "title": "Fill", "hours": "0.00", "active": "true"}
    rounds.write(dig, fill)
    rounds.accord("run")
    made = {record["name"]: record for record in odoo.table("project.task").values()}
    assert (made["Dig"]["allocated_hours"], made["Dig"]["project_id"]) == (1.5, 7)
    assert made["Fill"]["date_deadline"] is False

    odoo.edit("project.task", str(made["Dig"]["id"]), {"date_deadline": None, "x_note": "not mapped"})
    rounds.write({**dig, "title": "Dig on"}, fill)
    rounds.accord("run")
    assert [row[:2] for row in rounds.values()] == [("Dig on", ""), ("Fill", "")]
    assert (made["Dig"]["name"], made["Dig"]["x_note"]) == ("Dig on", "not mapped")

    odoo.delete("project.task", str(made["Dig"]["id"]))
    rounds.accord("run", "--full")
    assert [row[0] for row in rounds.values()] == ["Fill"]
    rounds.write()
    rounds.accord("run", "--full")
    assert odoo.table("project.task") == {}
