"""The preset of OpenProject, against a server in the shapes of its specification. The real one was not tried."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from accord.connectors.registry import connect
from accord.model import Absence, OutcomeKind, Record
from accord.ports import Connector, Expects
from accord.testing import ConnectorSuite, Harness, ground

from .opening import opened
from .openproject import CLOSED, KEY, OpenProject
from .rounds import Rounds, described


@pytest.fixture(scope="module")
def running() -> Iterator[OpenProject]:
    server = OpenProject()
    with server.running():
        yield server


@pytest.fixture
def openproject(running: OpenProject) -> OpenProject:
    """Without records."""
    running.tables, running.slow_deletes = {}, False
    return running


def said(openproject: OpenProject, **more: Any) -> dict[str, Any]:
    return {"connector": "openproject", "base_url": openproject.url, "auth": {"password": KEY}, **more}


class OpenProjectSuite(ConnectorSuite):
    """One datatype."""

    datatype: str
    table: str
    text: str
    filled: dict[str, Any]
    more: dict[str, Any] = {}

    @pytest.fixture(autouse=True)
    def _server(self, openproject: OpenProject, tmp_path: Path) -> None:
        self.openproject, self.folder = openproject, tmp_path

    @contextmanager
    def make(self) -> Iterator[Harness]:
        openproject, table = self.openproject, self.table
        yield Harness(
            connector=connect(described(self.folder, said(openproject, **self.more))),
            datatype=self.datatype,
            text=self.text,
            unmapped="customField1",
            filled=self.filled,
            insert=lambda natives: openproject.insert(table, links_of(natives)),
            edit=lambda id, natives: openproject.edit(table, id, natives),
            delete=lambda id: openproject.delete(table, id),
            get=lambda id: openproject.get(table, id),
        )


def links_of(natives: Any) -> dict[str, Any]:
    """What rows name by a number is an address in OpenProject."""
    project = {"_links.project.href": lambda id: f"/api/v3/projects/{id}"}
    return {path: project[path](value) if path in project else value for path, value in natives.items()}


class TestWorkPackages(OpenProjectSuite):
    """With lock versions, and changes since a time."""

    datatype, table, text = "work_package", "work_packages", "description.raw"
    filled = {"subject": "Dig", "_links.project.href": 7}


class TestWorkPackagesWithKey(TestWorkPackages):
    """With a custom field for the key of a create."""

    more = {"datatypes": {"work_package": {"key_property": "customField9"}}}


class TestProjects(OpenProjectSuite):
    """Without lock versions."""

    datatype, table, text, filled = "project", "projects", "description.raw", {"name": "Harbour"}


class TestTimeEntries(OpenProjectSuite):
    """With changes since a time, without lock versions."""

    datatype, table, text = "time_entry", "time_entries", "comment.raw"
    filled = {"spentOn": "2026-11-02", "hours": "PT2H"}


def using(openproject: OpenProject, folder: Path, test: Callable[[Connector], Any], *paths: str, **more: Any) -> Any:
    """Run a test with the connector opened for these paths of work packages and projects."""
    return opened(
        described(folder, said(openproject, **more)), {"work_package": paths, "project": ("name", "active")}, test
    )


async def shown(connector: Connector, id: str) -> Record:
    record = (await connector.fetch("work_package", [id]))[id]
    assert isinstance(record, Record)
    return record


def test_a_stale_update_is_refused_by_its_lock_version(openproject: OpenProject, tmp_path: Path) -> None:
    """One request, with the version of the listing; of ten at once from one ground, one passes."""
    id = openproject.insert("work_packages", {"subject": "Dig"})

    async def test(connector: Connector) -> None:
        seen = await shown(connector, id)
        openproject.edit("work_packages", id, {"subject": "a person's"})
        asked = len(openproject.asked)
        stale = await connector.update("work_package", id, {"subject": "ours"}, ground(seen))
        assert stale.kind is OutcomeKind.STALE
        assert [call.method for call in openproject.asked[asked:]] == ["PATCH", "GET"]
        assert openproject.asked[asked].json == {"subject": "ours", "lockVersion": 0}
        again = ground(await shown(connector, id))
        ended = await asyncio.gather(
            *(connector.update("work_package", id, {"subject": str(n)}, again) for n in range(10))
        )
        assert sorted(outcome.kind.value for outcome in ended) == ["applied", *["stale"] * 9]

    using(openproject, tmp_path, test, "subject")


def test_a_delete_is_read_and_compared_first(openproject: OpenProject, tmp_path: Path) -> None:
    """OpenProject asks no lock version of a delete."""
    id = openproject.insert("work_packages", {"subject": "Dig"})

    async def test(connector: Connector) -> None:
        seen = await shown(connector, id)
        openproject.edit("work_packages", id, {"subject": "a person's"})
        assert (await connector.delete("work_package", id, ground(seen))).kind is OutcomeKind.STALE
        assert openproject.get("work_packages", id) is not None
        seen = await shown(connector, id)
        assert (await connector.delete("work_package", id, ground(seen))).kind is OutcomeKind.APPLIED
        assert "?" not in openproject.asked[-1].path
        assert openproject.asked[-1].query == {}

    using(openproject, tmp_path, test, "subject")


def test_links_are_read_as_ids_and_written_as_addresses(openproject: OpenProject, tmp_path: Path) -> None:
    """Null takes a link away; one that may not be seen, or is of another kind, stays whole."""
    paths = ("_links.assignee.href", "_links.parent.href", "_links.status.href")
    links = {
        "_links.assignee.href": "/api/v3/groups/5",
        "_links.parent.href": "urn:openproject-org:api:v3:undisclosed",
        "_links.status.href": "/api/v3/statuses/3",
    }
    id = openproject.insert("work_packages", links)

    async def test(connector: Connector) -> None:
        seen = await shown(connector, id)
        assert seen.natives() == {**links, "_links.status.href": 3}
        done = await connector.update("work_package", id, {"_links.assignee.href": 8}, ground(seen))
        assert done.record is not None
        assert done.record.natives()["_links.assignee.href"] == 8
        assert openproject.asked[-1].json["_links"] == {"assignee": {"href": "/api/v3/users/8"}}
        await connector.update("work_package", id, {"_links.status.href": None}, ground(done.record))
        assert openproject.asked[-1].json["_links"] == {"status": {"href": None}}

    using(openproject, tmp_path, test, *paths)


def test_what_is_closed_is_listed_too(openproject: OpenProject, tmp_path: Path) -> None:
    """Without a filter OpenProject would show only what is open."""
    openproject.insert("work_packages", {"subject": "done", "_links.status.href": CLOSED})

    async def test(connector: Connector) -> list[str]:
        return [
            str(r.natives()["subject"]) async for page in connector.read("work_package", None) for r in page.records
        ]

    assert using(openproject, tmp_path, test, "subject") == ["done"]


def test_a_project_that_is_being_deleted_is_in_no_listing(openproject: OpenProject, tmp_path: Path) -> None:
    """It is archived at once; asked for by its id it is still there until it is gone."""
    openproject.slow_deletes = True
    id = openproject.insert("projects", {"name": "Harbour"})

    async def test(connector: Connector) -> None:
        done = await connector.delete("project", id, Expects(natives={"name": "Harbour"}))
        assert done.kind is OutcomeKind.APPLIED
        assert [r async for page in connector.read("project", None) for r in page.records] == []
        found = (await connector.fetch("project", [id]))[id]
        assert isinstance(found, Record)
        assert found.natives()["active"] is False
        openproject.delete("projects", id)
        assert (await connector.fetch("project", [id]))[id] is Absence.GONE

    using(openproject, tmp_path, test)


def test_work_packages_go_both_ways(openproject: OpenProject, tmp_path: Path) -> None:
    """Creates, edits on both sides and a deletion, in rounds; a round without changes writes nothing."""
    flow = {
        "it": {"datatype": "work_package", "defaults": {"_links.project.href": 7}},
        "on_delete": "propagate",
        "rows": [
            {"it": "subject", "list": "title"},
            {"it": "startDate", "list": "start", "type": "date"},
            {"it": "estimatedTime", "list": "effort", "type": "duration"},
            {"it": "_links.status.href", "list": "state", "map": {"open": 1, "done": 12}},
        ],
    }
    rounds = Rounds(tmp_path, said(openproject), flow, ["title", "start", "effort", "state"])
    rounds.write(
        {"id": "1", "title": "Dig", "start": "2026-11-02", "effort": "8:00", "state": "open"},
        {"id": "2", "title": "Fill", "state": "done"},
    )
    rounds.accord("run")
    made = {record["subject"]: record for record in openproject.table("work_packages").values()}
    assert (made["Dig"]["startDate"], made["Dig"]["estimatedTime"]) == ("2026-11-02", "PT8H")
    assert made["Fill"]["_links"]["status"]["href"] == CLOSED
    assert made["Fill"]["_links"]["project"]["href"] == "/api/v3/projects/7"

    openproject.edit("work_packages", str(made["Dig"]["id"]), {"estimatedTime": "P1DT1H", "description.raw": "deep"})
    rounds.write(
        {"id": "1", "title": "Dig", "start": "2026-11-03", "effort": "8:00", "state": "open"},
        {"id": "2", "title": "Fill up", "state": "open"},
    )
    rounds.accord("run")
    assert rounds.values() == [("Dig", "2026-11-03", "25:00", "open"), ("Fill up", "", "", "open")]
    assert made["Dig"]["startDate"] == "2026-11-03"
    assert made["Fill"]["_links"]["status"]["href"] == "/api/v3/statuses/1"
    assert made["Dig"]["description"]["raw"] == "deep"

    openproject.delete("work_packages", str(made["Dig"]["id"]))
    asked = len(openproject.asked)
    rounds.accord("run", "--full")
    assert rounds.values() == [("Fill up", "", "", "open")]
    assert {call.method for call in openproject.asked[asked:]} == {"GET"}


def test_check_says_what_rests_on_what(openproject: OpenProject, tmp_path: Path) -> None:
    """An update is refused by OpenProject itself, a delete is not; changes are asked for."""
    flow = {
        "it": "work_package",
        "rows": [{"it": "subject", "list": "title"}, {"it": "_links.project.href", "list": "p"}],
    }
    told = str(Rounds(tmp_path, said(openproject), flow, ["title", "p"]).accord("check"))
    assert "the system refuses it (version); a delete is read and compared before" in told
    assert "only what changed is read" in told
