"""The preset `odoo` against Odoo's documentation, and the suite on a server that answers as it says."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from accord.config.load import load
from accord.config.meaning import System
from accord.connectors.registry import connect
from accord.errors import Unauthorized
from accord.model import Absence, Natives, OutcomeKind, Record
from accord.ports import Connector, Expects, NewRecord
from accord.testing import ConnectorSuite, Harness, ground
from tests.ports.rpc.odoo import DATABASE, DOCUMENTED, PASSWORD, USER, Odoo, served

T = TypeVar("T")
KINDS = {"list": "search_read", "find": "search_read", "get": "read", "create": "create", "update": "write"} | {
    "delete": "unlink"
}
PATHS = {
    "partner": ["name", "active", "is_company", "email", "country_id.id", "country_id.name", "create_date"],
    "project": ["name", "date_start", "partner_id.id"],
    "task": ["name", "project_id.id"],
}


def system(folder: Path, url: str = "https://odoo.example.org", password: str = PASSWORD) -> System:
    """As a project file names it, loaded."""
    auth = {"username": USER, "password": password}
    said = {"connector": "odoo", "base_url": url, "auth": auth, "variables": {"database": DATABASE}}
    (folder / "odoo.yaml").write_text(json.dumps({"accord": 1, "systems": {"odoo": said}, "flows": {}}), "utf-8")
    return load(folder / "odoo.yaml").systems["odoo"]


def test_every_call_of_the_preset_is_documented(tmp_path: Path) -> None:
    """Service, method, arguments in their order, and what the method takes by position and by keyword."""
    described = system(tmp_path)
    assert described.options["endpoint"] == DOCUMENTED["endpoint"]
    login = described.options["auth"]["params"]
    assert len(login["args"]) == len(DOCUMENTED["services"][login["service"]][login["method"]])
    for datatype in described.datatypes.values():
        for kind, method in KINDS.items():
            call = datatype.options[kind]
            changes = call.get("changed_since")
            for params in [call["params"], *([changes["params"]] if changes else [])]:
                assert (call["method"], list(params)) == (DOCUMENTED["call"]["method"], DOCUMENTED["call"]["params"])
                assert params["method"] in DOCUMENTED["services"][params["service"]]
                database, uid, password, model, name, positional, *keyword = params["args"]
                assert (database, uid, password) == ("{database}", "{session}", "{password}")
                assert (model in DOCUMENTED["models"], name) == (True, method)
                said = DOCUMENTED["methods"][name]
                assert len(positional) == len(said["positional"])
                assert set(dict(*keyword)) <= set(said["keyword"])


def test_every_property_of_the_preset_is_documented(tmp_path: Path) -> None:
    """A field of the model; a reference is written by its own name; a boolean is said to be one."""
    for datatype in system(tmp_path).datatypes.values():
        said = DOCUMENTED["models"][datatype.options["get"]["params"]["args"][3]]
        for path, one in datatype.properties.items():
            name, dot, _ = path.partition(".")
            assert name in said["many2one" if dot else "fields"], path
            assert not dot or one.read_only or one.write_as == name, path
            assert (one.type == "boolean") == (name in said["boolean"]), path
        assert set(datatype.options["find"]["by"]) <= set(said["fields"])


def test_every_error_of_the_preset_is_documented(tmp_path: Path) -> None:
    """By the name of its class."""
    for rule in system(tmp_path).options["errors"]:
        named = rule.get("equals", [])
        assert set(named if isinstance(named, list) else [named]) <= set(DOCUMENTED["errors"])


class TestPartners(ConnectorSuite):
    """The suite, on the documented shapes."""

    @pytest.fixture(autouse=True)
    def _running(self, tmp_path: Path) -> Iterator[None]:
        self.odoo, self.folder = Odoo(), tmp_path
        with served(self.odoo) as self.url:
            yield

    @contextmanager
    def make(self) -> Iterator[Harness]:
        yield Harness(
            connector=connect(system(self.folder, self.url)),
            datatype="partner",
            text="name",
            unmapped="comment",
            keeps_null=False,
            insert=lambda natives: str(self.odoo.create("res.partner", dict(natives))),
            edit=lambda id, natives: self.odoo.write("res.partner", [int(id)], dict(natives)),
            delete=lambda id: self.odoo.unlink("res.partner", [int(id)]),
            get=self.get,
        )

    def get(self, id: str) -> Natives | None:
        return self.odoo.records["res.partner"].get(int(id))

    def test_fetch_answers_every_id(self) -> None:
        """An id that is no number is not asked for; what may not be read is not gone."""

        async def test(h: Harness) -> None:
            id, hidden = await h.inserted(), await h.inserted()
            self.odoo.forbidden.add(int(hidden))
            found = await h.connector.fetch("partner", [id, hidden, "999999", "no such/id ?&"])
            assert isinstance(found.pop(id), Record)
            assert list(found.values()) == [Absence.FORBIDDEN, Absence.GONE, Absence.FAILED]

        self.run(test)


def run(folder: Path, url: str, work: Callable[[Connector], Awaitable[T]], password: str = PASSWORD) -> T:
    async def whole() -> T:
        connector = connect(system(folder, url, password))
        await connector.open(PATHS)
        try:
            return await work(connector)
        finally:
            await connector.close()

    return asyncio.run(whole())


def test_false_is_nothing_except_in_a_boolean_and_references_have_an_id_and_a_name(tmp_path: Path) -> None:
    """And nothing is written as false, a reference as its number, a date as it is."""
    odoo = Odoo()

    async def work(connector: Connector) -> tuple[Natives, Natives]:
        natives = {"name": "A", "is_company": False, "email": None, "country_id.id": 21}
        (made,) = await connector.create("partner", [NewRecord(natives=natives, token="t")])
        assert made.record is not None, made
        new = NewRecord(natives={"name": "P", "date_start": "2024-02-29", "partner_id.id": None}, token="t")
        (project,) = await connector.create("project", [new])
        assert project.record is not None, project
        return made.record.natives(), project.record.natives()

    with served(odoo) as url:
        partner, project = run(tmp_path, url, work)
    written = odoo.records["res.partner"][1]
    assert (written["email"], written["country_id"], written["is_company"]) == (False, 21, False)
    assert partner.pop("create_date") == written["create_date"]
    assert partner == {
        "name": "A",
        "active": True,
        "is_company": False,
        "email": None,
        "country_id.id": 21,
        "country_id.name": "Name 21",
    }
    assert odoo.records["project.project"][2]["partner_id"] is False
    assert project == {"name": "P", "date_start": "2024-02-29", "partner_id.id": None}


def test_errors_end_as_their_class_says(tmp_path: Path) -> None:
    """Missing is stale, invalid is refused with Odoo's words, everything else is unknown."""

    async def work(connector: Connector) -> list[Any]:
        id = str(odoo.create("res.partner", {"name": "A"}))
        seen = (await connector.fetch("partner", [id]))[id]
        assert isinstance(seen, Record)
        refused = await connector.update("partner", id, {"name": None}, ground(seen))
        odd = await connector.update("partner", id, {"no_such_field": 1}, ground(seen))
        lost = await connector.update("partner", "99", {"name": "x"}, Expects(natives={"name": "A"}))
        return [refused.kind, refused.message, odd.kind, lost.kind]

    odoo = Odoo()
    with served(odoo) as url:
        refused, message, odd, lost = run(tmp_path, url, work)
    assert (refused, odd, lost) == (OutcomeKind.REJECTED, OutcomeKind.UNKNOWN, OutcomeKind.STALE)
    assert "name is required" in message
    assert "Traceback" not in message


def test_a_key_that_is_refused_is_tried_once_more_and_not_shown(tmp_path: Path) -> None:
    """After a new authentication; a wrong one is said at once."""
    odoo = Odoo()

    async def work(connector: Connector) -> None:
        await connector.fetch("partner", ["1"])
        odoo.password = "another"
        await connector.fetch("partner", ["1"])

    with served(odoo) as url, pytest.raises(Unauthorized) as raised:
        run(tmp_path, url, work)
    assert odoo.calls.count("authenticate") == 2
    assert PASSWORD not in str(raised.value)
    with served(Odoo()) as url, pytest.raises(Unauthorized, match="no session was given"):
        run(tmp_path, url, work, "wrong-key")
