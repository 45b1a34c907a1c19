"""Seven shapes of "not there", as seven kinds of systems have them, and what each is taken for.

The table is that of docs/reference/connectors.md.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from accord.config.load import load
from accord.connectors.registry import connect
from accord.errors import Unreachable
from accord.model import Absence, Record
from tests.demo.conftest import Server, start
from tests.end_to_end.proxy import Fault, Proxy
from tests.real.kinto.conftest import CREDENTIALS, Kinto, server  # noqa: F401  the fixture
from tests.real.pair.pair import Pair

IMPATIENT = {"concurrency": 1, "retries": 0, "timeout": "5s"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A record that is not there in some way."""

    system: dict[str, Any]
    datatype: str
    path: str
    id: str


@dataclass
class Place:
    """All the systems."""

    pair: Pair
    request: pytest.FixtureRequest
    pms: Callable[[], Server]
    folder: Path
    archived: list[int] = field(default_factory=list)

    @property
    def kinto(self) -> Kinto:
        """With an empty collection; started when it is needed."""
        started: Kinto = self.request.getfixturevalue("server")
        started.empty()
        return started

    def redmine(self, **issue: Any) -> dict[str, Any]:
        told = {"connector": "redmine", "base_url": self.pair.redmine.url, "auth": {"key": self.pair.redmine.key}}
        return {**told, "datatypes": {"issue": issue} if issue else {}, "limits": IMPATIENT}

    def tryton(self, **more: Any) -> dict[str, Any]:
        url, key = self.pair.tryton.url, self.pair.tryton.key
        return {"connector": "tryton", "base_url": url, "auth": {"token": key}, "limits": IMPATIENT, **more}

    def issue(self) -> tuple[int, int]:
        """An issue, and its project."""
        project = self.pair.make_project("Quay")
        return self.pair.make_issue(project, "Dig"), project

    def table(self, **datatype: Any) -> Case:
        """A table of two rows, the second of which is deleted in some way."""
        file = self.folder / "book.db"
        with closing(sqlite3.connect(file)) as db, db:
            db.execute("CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT, gone BOOLEAN)")
            db.execute("INSERT INTO task VALUES (1, 'one', 0), (2, 'two', 1)")
        told = {"connector": "sql", "url": f"sqlite:///{file}", "datatypes": {"task": {"table": "task", **datatype}}}
        return Case(system=told, datatype="task", path="name", id="2")


def redmine_deleted(place: Place) -> Case:
    issue, _ = place.issue()
    assert place.pair.redmine("DELETE", f"/issues/{issue}.json").status == 204
    return Case(system=place.redmine(), datatype="issue", path="subject", id=str(issue))


def redmine_archived(place: Place) -> Case:
    issue, project = place.issue()
    assert place.pair.redmine("PUT", f"/projects/{project}/archive.json").status == 204
    place.archived.append(project)
    return Case(system=place.redmine(), datatype="issue", path="subject", id=str(issue))


def redmine_closed(place: Place) -> Case:
    issue, _ = place.issue()
    place.pair.edit_issue(issue, status_id=5)
    return Case(system=place.redmine(), datatype="issue", path="subject", id=str(issue))


def redmine_closed_and_not_listed(place: Place) -> Case:
    case = redmine_closed(place)
    listed = {"path": "/issues.json", "params": {"status_id": "open"}}
    return Case(system=place.redmine(list=listed), datatype="issue", path="subject", id=case.id)


def tryton_deleted(place: Place) -> Case:
    work = place.pair.make_work("Gone", "project")
    assert place.pair.tryton("DELETE", f"project.work/{work}").status == 204
    return Case(system=place.tryton(), datatype="work", path="name", id=str(work))


def tryton_inactive(place: Place) -> Case:
    party = place.pair.tryton.made("party.party", {"name": "Hidden"})  # none is made that is inactive from the start
    assert place.pair.tryton("PUT", f"party.party/{party}", {"active": False}).status == 200
    return Case(system=place.tryton(), datatype="party", path="name", id=str(party))


def tryton_inactive_and_not_listed(place: Place) -> Case:
    case = tryton_inactive(place)
    plain = {"X-Tryton-Context": "e30="}
    return Case(system=place.tryton(headers=plain), datatype="party", path="name", id=case.id)


def tryton_of_another_kind(place: Place) -> Case:
    return Case(system=place.tryton(), datatype="work", path="name", id="no-number")


def kinto_tombstone(place: Place) -> Case:
    kinto = place.kinto
    id = kinto.insert({"name": "one"})
    kinto.delete(id)
    told = {"connector": "kinto", "base_url": kinto.collection, "headers": {"Authorization": CREDENTIALS}}
    return Case(system=told, datatype="record", path="name", id=id)


def sql_deleted(place: Place) -> Case:
    case = place.table()
    with closing(sqlite3.connect(place.folder / "book.db")) as db, db:
        db.execute("DELETE FROM task WHERE id = 2")
    return case


def sql_flagged(place: Place) -> Case:
    return place.table(deleted="gone == true")


def sql_outside_its_where(place: Place) -> Case:
    return place.table(where="gone = 0")


def file_line_deleted(place: Place) -> Case:
    file = place.folder / "tasks.csv"
    file.write_text("id,name\n1,one\n", "utf-8")
    told = {"connector": "file", "datatypes": {"task": {"path": str(file)}}}
    return Case(system=told, datatype="task", path="name", id="2")


def _demo(url: str, id: str) -> Case:
    told = {
        "connector": "rest",
        "base_url": url,
        "auth": {"type": "bearer", "token": "t"},
        "limits": IMPATIENT,
        "datatypes": {"customer": {"path": "/customers", "deleted": "deleted == true"}},
    }
    return Case(system=told, datatype="customer", path="name", id=id)


def demo_softly_deleted(place: Place) -> Case:
    pms = place.pms()
    id = str(pms("POST", "/customers", {"name": "Ada"}).body["id"])
    assert pms("DELETE", f"/customers/{id}").status < 300
    return _demo(pms.url, id)


def demo_empty_answer(place: Place) -> Case:
    pms = place.pms()
    id = str(pms("POST", "/customers", {"name": "Ada"}).body["id"])
    pms.fault("empty_200", path=f"/customers/{id}")
    return _demo(pms.url, id)


GONE, FORBIDDEN, FAILED, THERE = Absence.GONE, Absence.FORBIDDEN, Absence.FAILED, "there"
CASES: list[tuple[Callable[[Place], Case], object, bool]] = [
    (redmine_deleted, GONE, False),
    (redmine_archived, FORBIDDEN, False),
    (redmine_closed, THERE, True),
    (redmine_closed_and_not_listed, THERE, False),
    (tryton_deleted, GONE, False),
    (tryton_inactive, THERE, True),
    (tryton_inactive_and_not_listed, THERE, False),
    (tryton_of_another_kind, FAILED, False),
    (kinto_tombstone, GONE, False),
    (sql_deleted, GONE, False),
    (sql_flagged, THERE, True),
    (sql_outside_its_where, THERE, False),
    (file_line_deleted, GONE, False),
    (demo_softly_deleted, GONE, False),
    (demo_empty_answer, FAILED, True),
]


@pytest.fixture
def place(bare: Pair, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """All of them."""
    servers: list[Server] = []

    def launch() -> Server:
        servers.append(start("custompms", tmp_path))
        return servers[-1]

    place = Place(bare, request, launch, tmp_path)
    yield place
    for project in place.archived:  # what is archived cannot be deleted
        assert bare.redmine("PUT", f"/projects/{project}/unarchive.json").status == 204
    for one in servers:
        one.process.terminate()
        one.process.wait(10)
        if one.process.stdout is not None:
            one.process.stdout.close()


def asked(place: Place, case: Case) -> tuple[object, set[str]]:
    """What a system says of the id, and the ids that it lists."""
    file = place.folder / "one.yaml"
    file.write_text(json.dumps({"accord": 1, "systems": {"one": case.system}, "flows": {}}), "utf-8")

    async def ask() -> tuple[object, set[str]]:
        connector = connect(load(file).systems["one"])
        await connector.open({case.datatype: [case.path]})
        try:
            found = (await connector.fetch(case.datatype, [case.id]))[case.id]
            ids = {record.id async for page in connector.read(case.datatype, None) for record in page.records}
            return (THERE if isinstance(found, Record) else found), ids
        finally:
            await connector.close()

    return asyncio.run(ask())


@pytest.mark.parametrize(("make", "expected", "listed"), CASES, ids=[case[0].__name__ for case in CASES])
def test_what_a_system_says(place: Place, make: Callable[[Place], Case], expected: object, listed: bool) -> None:
    """Only the system's own word that there is no such record counts as gone."""
    case = make(place)
    found, ids = asked(place, case)
    assert (found, case.id in ids) == (expected, listed)


@pytest.mark.parametrize(("status", "expected"), [(404, GONE), (410, GONE), (403, FORBIDDEN), (500, FAILED)])
def test_what_a_status_is_taken_for(place: Place, status: int, expected: object) -> None:
    """By the id of a record that is there."""
    work = str(place.pair.make_work("There", "project"))
    proxy = Proxy({"tryton": place.pair.tryton.root})
    proxy.arm(fate=lambda asked: Fault(kind="status", status=status) if f"/{work}?" in asked.path else None)
    told = place.tryton(base_url=place.pair.tryton.url.replace(place.pair.tryton.root, proxy.urls["tryton"]))
    try:
        assert asked(place, Case(system=told, datatype="work", path="name", id=work)) == (expected, {work})
    finally:
        proxy.close()


def test_a_file_that_is_not_there_is_no_empty_file(place: Place) -> None:
    """Nothing of it counts as deleted."""
    told = {"connector": "file", "datatypes": {"task": {"path": str(place.folder / "none.csv")}}}
    with pytest.raises(Unreachable):
        asked(place, Case(system=told, datatype="task", path="name", id="1"))
