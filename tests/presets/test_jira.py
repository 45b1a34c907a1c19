"""The preset of Jira, against a server in the shapes of its specification. The real one was not tried."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from accord.connectors.registry import connect
from accord.model import OutcomeKind, Record
from accord.ports import Connector
from accord.testing import ConnectorSuite, Harness, ground

from .jira import TOKEN, USER, Jira
from .opening import opened
from .rounds import Rounds, described


@pytest.fixture(scope="module")
def running() -> Iterator[Jira]:
    server = Jira()
    with server.running():
        yield server


@pytest.fixture
def jira(running: Jira) -> Jira:
    """Without records."""
    running.tables = {}
    running.catch_up()
    return running


def said(jira: Jira, **more: Any) -> dict[str, Any]:
    return {"connector": "jira", "base_url": jira.url, "auth": {"username": USER, "password": TOKEN}, **more}


class TestIssues(ConnectorSuite):
    """With changes since a minute, and nothing else that would prove or find anything."""

    @pytest.fixture(autouse=True)
    def _server(self, jira: Jira, tmp_path: Path) -> None:
        self.jira, self.folder = jira, tmp_path

    @contextmanager
    def make(self) -> Iterator[Harness]:
        jira = self.jira
        yield Harness(
            connector=connect(described(self.folder, said(jira))),
            datatype="issue",
            text="fields.description",
            unmapped="fields.customfield_10042",
            filled={"fields.summary": "Dig", "fields.project.id": "10000", "fields.issuetype.id": "3"},
            insert=jira.insert,
            edit=jira.edit,
            delete=jira.delete,
            get=jira.get,
        )


def using(jira: Jira, folder: Path, test: Callable[[Connector], Any], *paths: str) -> Any:
    """Run a test with the connector opened for these paths of issues."""
    return opened(described(folder, said(jira)), {"issue": paths, "project": ("key", "name")}, test)


async def shown(connector: Connector, id: str) -> Record:
    record = (await connector.fetch("issue", [id]))[id]
    assert isinstance(record, Record)
    return record


def test_a_created_issue_is_read_by_the_id_that_is_answered(jira: Jira, tmp_path: Path) -> None:
    """The answer holds only id and key; an edit is answered without a body."""
    id = jira.insert({"fields.summary": "Dig"})

    async def test(connector: Connector) -> None:
        seen = await shown(connector, id)
        done = await connector.update("issue", id, {"fields.summary": "Fill"}, ground(seen))
        assert (done.kind, done.record) == (OutcomeKind.APPLIED, None)
        jira.edit(id, {"fields.summary": "a person's"})
        assert (await connector.update("issue", id, {"fields.summary": "x"}, ground(seen))).kind is OutcomeKind.STALE

    using(jira, tmp_path, test, "fields.summary")


def test_what_is_null_in_jira_is_null_inside_too(jira: Jira, tmp_path: Path) -> None:
    """An assignee that is null has no account; null is written into the object."""
    id = jira.insert({"fields.assignee.accountId": "5b10"})

    async def test(connector: Connector) -> None:
        seen = await shown(connector, id)
        assert seen.natives() == {"fields.assignee.accountId": "5b10", "fields.priority.id": None}
        await connector.update("issue", id, {"fields.assignee.accountId": None}, ground(seen))
        assert jira.asked[-1].json == {"fields": {"assignee": {"accountId": None}}}
        assert (await shown(connector, id)).natives()["fields.assignee.accountId"] is None

    using(jira, tmp_path, test, "fields.assignee.accountId", "fields.priority.id")


def test_projects_are_listed_in_pages(jira: Jira, tmp_path: Path) -> None:
    """By offset, with their number."""
    for number in range(25):
        jira.table("project")[str(number)] = {"id": str(number), "key": f"P{number}", "name": f"Project {number}"}

    async def test(connector: Connector) -> int:
        pages = [page async for page in connector.read("project", None)]
        assert pages[-1].complete
        return len({record.id for page in pages for record in page.records})

    assert using(jira, tmp_path, test) == 25


FLOW = {
    "it": {"datatype": "issue", "defaults": {"fields.project.id": "10000", "fields.issuetype.id": "3"}},
    "on_delete": "propagate",
    "rows": [
        {"it": "fields.summary", "list": "title"},
        {"it": "fields.duedate", "list": "due", "type": "date"},
        {"it": "fields.status.name", "list": "state", "direction": "it -> list"},
    ],
}


def test_issues_go_both_ways_and_their_status_one_way(jira: Jira, tmp_path: Path) -> None:
    """Creates, edits on both sides, a deletion; a status is read and never written."""
    rounds = Rounds(tmp_path, said(jira), FLOW, ["title", "due", "state"])
    rounds.write({"id": "1", "title": "Dig", "due": "2026-11-02"}, {"id": "2", "title": "Fill"})
    rounds.accord("run")
    assert [row[2] for row in rounds.values()] == ["To Do", "To Do"], "what only Jira knows arrives in the same round"
    made = {issue["fields"]["summary"]: issue for issue in jira.table("issue").values()}
    assert made["Dig"]["fields"]["duedate"] == "2026-11-02"

    jira.edit(made["Dig"]["id"], {"fields.status": {"id": "3", "name": "Done"}, "fields.description": "deep"})
    fill = {"id": "2", "title": "Fill up", "state": "To Do"}
    rounds.write({"id": "1", "title": "Dig", "due": "2026-11-03", "state": "To Do"}, fill)
    rounds.accord("run")
    assert rounds.values() == [("Dig", "2026-11-03", "Done"), ("Fill up", "", "To Do")]
    assert (made["Dig"]["fields"]["duedate"], made["Dig"]["fields"]["description"]) == ("2026-11-03", "deep")
    assert not any("status" in call.json["fields"] for call in jira.asked if call.method in ("PUT", "POST"))

    jira.delete(made["Dig"]["id"])
    rounds.accord("run", "--full")
    assert [row[0] for row in rounds.values()] == ["Fill up"]


def test_a_search_that_is_behind_undoes_nothing(jira: Jira, tmp_path: Path) -> None:
    """Recent updates may not be in the results of a search: what was written stays, though the old is shown."""
    rounds = Rounds(tmp_path, said(jira), FLOW, ["title", "due", "state"])
    rounds.write({"id": "1", "title": "Dig"})
    rounds.accord("run")
    jira.fall_behind()
    rounds.write({"id": "1", "title": "Dig deeper", "state": "To Do"})
    rounds.accord("run")
    asked = len(jira.asked)
    rounds.accord("run", "--full")
    assert {call.method for call in jira.asked[asked:]} == {"GET"}
    assert [row[0] for row in rounds.values()] == ["Dig deeper"]
    jira.catch_up()
    rounds.accord("run", "--full")
    assert [issue["fields"]["summary"] for issue in jira.table("issue").values()] == ["Dig deeper"]
    assert [row[0] for row in rounds.values()] == ["Dig deeper"]
