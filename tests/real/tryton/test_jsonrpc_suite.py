"""The preset `tryton-jsonrpc` against the conformance suite, on a real Tryton: tasks, and parties."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from accord.config.load import load
from accord.config.meaning import System
from accord.connectors.registry import connect
from accord.model import Absence, Natives, Record
from accord.testing import ConnectorSuite, Harness
from tests.real.tryton.instance import Tryton

pytestmark = pytest.mark.xdist_group("tryton")


def system(tryton: Tryton, folder: Path, **more: Any) -> System:
    """A Tryton as a project file names it, loaded."""
    said = {
        "connector": "tryton-jsonrpc",
        "base_url": tryton.url,
        "auth": {"username": "admin", "password": tryton.password},
        "variables": {"company": tryton.company},
        **more,
    }
    told = {"accord": 1, "systems": {"tryton": said}, "flows": {}}
    (folder / "tryton.yaml").write_text(json.dumps(told), "utf-8")
    return load(folder / "tryton.yaml").systems["tryton"]


class OnTryton(ConnectorSuite):
    """A person works over JSON-RPC, too: nothing else writes each property."""

    model = ""
    datatype = ""

    @pytest.fixture(autouse=True)
    def _running(self, tryton: Tryton, tmp_path: Path) -> Iterator[None]:
        self.tryton, self.folder = tryton, tmp_path
        tryton.empty()
        yield
        tryton.empty()

    def insert(self, natives: Natives) -> str:
        return str(self.tryton.result(f"{self.model}.create", [dict(natives)])[0])

    def edit(self, id: str, natives: Natives) -> None:
        self.tryton.result(f"{self.model}.write", [int(id)], dict(natives))

    def get(self, id: str) -> Natives | None:
        shown = self.tryton.rpc(f"{self.model}.read", [int(id)], list(self.shown)).json
        return shown["result"][0] if "result" in shown else None

    shown: tuple[str, ...] = ()

    def test_fetch_answers_every_id(self) -> None:
        """An id that is no number is not asked for: nothing that could not be there counts as deleted."""

        async def test(h: Harness) -> None:
            id = await h.inserted()
            found = await h.connector.fetch(self.datatype, [id, "999999", "no such/id ?&"])
            assert isinstance(found.pop(id), Record)
            assert found == {"999999": Absence.GONE, "no such/id ?&": Absence.FAILED}

        self.run(test)


class TestTasks(OnTryton):
    """Tasks: what the suite asks of any system."""

    model, datatype, shown = "project.work", "work", ("name", "comment", "type")

    @contextmanager
    def make(self) -> Iterator[Harness]:
        yield Harness(
            connector=connect(system(self.tryton, self.folder)),
            datatype="work",
            text="comment",
            unmapped="name",
            filled={"name": "Dig", "type": "task"},
            insert=self.insert,
            edit=self.edit,
            delete=lambda id: self.tryton.result("project.work.delete", [int(id)]),
            get=self.get,
        )


class TestParties(OnTryton):
    """Parties; the company is one of them, which the suite must not see."""

    model, datatype, shown = "party.party", "party", ("name", "code")

    @contextmanager
    def make(self) -> Iterator[Harness]:
        yield Harness(
            connector=connect(self.without_the_company()),
            datatype="party",
            text="name",
            unmapped="code",
            insert=self.insert,
            edit=self.edit,
            delete=lambda id: self.tryton.result("party.party.delete", [int(id)]),
            get=self.get,
        )

    def without_the_company(self) -> System:
        """The preset with a condition more in its listing."""
        (company,) = self.tryton.result("party.party.search", [["code", "=", "1"]])
        mine = [["id", ">", "{after}"], ["id", "!=", company]]
        preset = system(self.tryton, self.folder).datatypes["party"].options["list"]
        listing: dict[str, Any] = {"params": [mine, *preset["params"][1:]]}
        changes = preset["changed_since"]["params"]
        listing["changed_since"] = {"params": [[*changes[0], ["id", "!=", company]], *changes[1:]]}
        return system(self.tryton, self.folder, datatypes={"party": {"list": listing}})
