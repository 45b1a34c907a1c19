"""The preset `kanboard` against Kanboard's documentation, and the suite on a server that answers as it says."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from accord.config.load import load
from accord.config.meaning import System
from accord.config.resolve_rpc import placeholders
from accord.connectors.registry import connect
from accord.errors import Unauthorized
from accord.model import Absence, Natives, OutcomeKind, Record
from accord.ports import Connector, Expects, NewRecord
from accord.testing import ConnectorSuite, Harness
from tests.ports.rpc.kanboard import DOCUMENTED, TOKEN, Kanboard, served

KINDS = ("list", "get", "create", "update", "delete")


def system(folder: Path, url: str = "https://kanboard.example.org", token: str = TOKEN) -> System:
    """As a project file names it, loaded."""
    said = {"connector": "kanboard", "base_url": url, "auth": {"password": token}}
    (folder / "kanboard.yaml").write_text(json.dumps({"accord": 1, "systems": {"board": said}, "flows": {}}), "utf-8")
    return load(folder / "kanboard.yaml").systems["board"]


def test_every_call_of_the_preset_is_documented(tmp_path: Path) -> None:
    """The procedure, each parameter that it is given, all that it requires, and what its failure looks like."""
    described = system(tmp_path)
    assert described.options["endpoint"] == DOCUMENTED["endpoint"]
    for name, datatype in described.datatypes.items():
        for kind in KINDS:
            call = datatype.options.get(kind)
            if call is None:
                continue
            said = DOCUMENTED["procedures"][call["method"]]
            sent, must = set(dict(call["params"])), {path for path, one in datatype.properties.items() if one.required}
            allowed = {*said.get("required", []), *said.get("optional", [])}
            assert sent <= allowed, (name, kind)
            assert set(said.get("required", [])) <= sent | (must if kind == "create" else set()), (name, kind)
            if kind in ("create", "update"):
                writes = {
                    path
                    for path, one in datatype.properties.items()
                    if not one.read_only and not (kind == "update" and one.create_only)
                }
                assert call["spread"], (name, kind)
                assert writes <= allowed - sent, (name, kind)
            if kind != "list":
                assert said["failure"] in call["missing" if kind == "get" else "failed"], (name, kind)


def test_every_procedure_of_another_call_is_documented(tmp_path: Path) -> None:
    """Those that give values for a listing, with a property that the records have."""
    for datatype in system(tmp_path).datatypes.values():
        for name, each in datatype.options["list"].get("each", {}).items():
            assert name in placeholders(datatype.options["list"]["params"])
            if isinstance(each, dict):
                assert DOCUMENTED["procedures"][each["method"]]["success"] == "list"
                assert each["take"] in DOCUMENTED["records"]["project"]


def test_every_property_of_the_preset_is_documented(tmp_path: Path) -> None:
    """In the records that the documentation shows."""
    for name, datatype in system(tmp_path).datatypes.items():
        paths = {*datatype.properties, datatype.id, *filter(None, [datatype.modified, datatype.created])}
        assert paths <= set(DOCUMENTED["records"][name]), name


class TestTasks(ConnectorSuite):
    """The suite, on the documented shapes."""

    @pytest.fixture(autouse=True)
    def _running(self, tmp_path: Path) -> Iterator[None]:
        self.kanboard, self.folder = Kanboard(), tmp_path
        with served(self.kanboard) as self.url:
            yield

    @contextmanager
    def make(self) -> Iterator[Harness]:
        yield Harness(
            connector=connect(system(self.folder, self.url)),
            datatype="task",
            text="description",
            unmapped="reference",
            filled={"title": "Dig", "project_id": 1},
            keeps_null=False,
            insert=lambda natives: str(self.kanboard.createTask(**natives)),
            edit=lambda id, natives: self.kanboard.updateTask(int(id), **natives),
            delete=lambda id: self.kanboard.removeTask(int(id)),
            get=self.get,
        )

    def get(self, id: str) -> Natives | None:
        return self.kanboard.getTask(int(id))

    def test_fetch_answers_every_id(self) -> None:
        """An id that is no number is not asked for."""

        async def test(h: Harness) -> None:
            id = await h.inserted()
            found = await h.connector.fetch("task", [id, "999999", "no such/id ?&"])
            assert isinstance(found.pop(id), Record)
            assert found == {"999999": Absence.GONE, "no such/id ?&": Absence.FAILED}

        self.run(test)


async def _opened(folder: Path, url: str, token: str = TOKEN) -> Connector:
    connector = connect(system(folder, url, token))
    await connector.open({"task": ["title"], "project": ["name"], "swimlane": ["name"], "user": ["username"]})
    return connector


async def _listed(connector: Connector, datatype: str) -> list[Record]:
    return [record async for page in connector.read(datatype, None) for record in page.records]


def test_a_listing_holds_closed_tasks_and_those_of_every_project(tmp_path: Path) -> None:
    """What is closed or elsewhere is not missing, and so never counts as deleted."""
    kanboard = Kanboard()
    second = kanboard.createProject(name="Second")
    ids = [kanboard.createTask(project_id=project, title="T") for project in (1, second, 1)]
    kanboard.tasks[ids[2]]["is_active"] = "0"

    async def work(url: str) -> None:
        connector = await _opened(tmp_path, url)
        try:
            assert {record.id for record in await _listed(connector, "task")} == {str(id) for id in ids}
            assert [record.id for record in await _listed(connector, "project")] == ["1", str(second)]
            assert [record.natives() for record in await _listed(connector, "user")] == [{"username": "admin"}]
            assert len(await _listed(connector, "swimlane")) == 2
        finally:
            await connector.close()

    with served(kanboard) as url:
        asyncio.run(work(url))


def test_a_200_that_failed_is_no_success(tmp_path: Path) -> None:
    """`false` to a create, an update and a delete; a parameter that Kanboard does not know is refused."""
    kanboard = Kanboard()

    async def work(url: str) -> list[Any]:
        connector = await _opened(tmp_path, url)
        try:
            new = [{"title": "T", "project_id": 99}, {"title": "T", "project_id": 1, "colour": "red"}]
            made = [(await connector.create("task", [NewRecord(natives=one, token="t")]))[0] for one in new]
            id = str(kanboard.createTask(project_id=1, title="T"))
            expects = Expects(natives={"title": "T"})
            made.append(await connector.update("task", id, {"title": ""}, expects))
            made.append(await connector.delete("task", "99", expects))
            made.append((await connector.create("user", [NewRecord(natives={"username": "x"}, token="t")]))[0])
            return [outcome.kind for outcome in made]
        finally:
            await connector.close()

    with served(kanboard) as url:
        kinds = asyncio.run(work(url))
    rejected = OutcomeKind.REJECTED
    assert kinds == [rejected, rejected, rejected, OutcomeKind.ALREADY, rejected]


def test_a_wrong_token_is_said_and_not_shown(tmp_path: Path) -> None:
    """The documented 401."""

    async def work(url: str) -> None:
        connector = await _opened(tmp_path, url, "wrong-token")
        try:
            await _listed(connector, "project")
        finally:
            await connector.close()

    with served(Kanboard()) as url, pytest.raises(Unauthorized) as raised:
        asyncio.run(work(url))
    assert "wrong-token" not in str(raised.value)
