"""The preset against the conformance suite, on a real Tryton."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from accord.config.load import load
from accord.config.meaning import System
from accord.connectors.registry import connect
from accord.connectors.rest.bodies import nested
from accord.model import Absence, Natives, Record
from accord.testing import ConnectorSuite, Harness
from tests.real.tryton.instance import Tryton

pytestmark = pytest.mark.xdist_group("tryton")


def system_of(tryton: Tryton) -> dict[str, Any]:
    """A Tryton as a project file names it."""
    return {
        "connector": "tryton",
        "base_url": tryton.url,
        "auth": {"token": tryton.key},
        "headers": {"X-Tryton-Context": tryton.context},
    }


def system(tryton: Tryton, folder: Path, **more: Any) -> System:
    """The same, loaded."""
    told = {"accord": 1, "systems": {"tryton": {**system_of(tryton), **more}}, "flows": {}}
    (folder / "tryton.yaml").write_text(json.dumps(told), "utf-8")
    return load(folder / "tryton.yaml").systems["tryton"]


class TrytonSuite(ConnectorSuite):
    """What is the same for all of Tryton's models."""

    def test_fetch_answers_every_id(self) -> None:
        """An id that is no number is a 405 in Tryton: nothing that could not be there counts as deleted."""

        async def test(h: Harness) -> None:
            id = await h.inserted()
            found = await h.connector.fetch(h.datatype, [id, "999999", "no such/id ?&"])
            assert isinstance(found.pop(id), Record)
            assert found == {"999999": Absence.GONE, "no such/id ?&": Absence.FAILED}

        self.run(test)


class TestTasks(TrytonSuite):
    """Tasks, and a person who edits them."""

    @pytest.fixture(autouse=True)
    def _running(self, tryton: Tryton, tmp_path: Path) -> Iterator[None]:
        self.tryton, self.folder = tryton, tmp_path
        yield
        for one in tryton("GET", "project.work").json:
            assert tryton("DELETE", f"project.work/{one['id']}").status == 204

    @contextmanager
    def make(self) -> Iterator[Harness]:
        yield Harness(
            connector=connect(system(self.tryton, self.folder)),
            datatype="work",
            text="comment",
            unmapped="name",
            filled={"name": "Dig", "type": "task"},
            insert=lambda natives: str(self.tryton.made("project.work", nested(natives))),
            edit=lambda id, natives: self.tryton("PUT", f"project.work/{id}", nested(natives)),
            delete=lambda id: self.tryton("DELETE", f"project.work/{id}"),
            get=self.get,
        )

    def get(self, id: str) -> Natives | None:
        answer = self.tryton("GET", f"project.work/{id}?f=name&f=comment&f=type")
        found: Natives | None = answer.json if answer.status == 200 else None
        return found


NOT_OURS = base64.urlsafe_b64encode(b'[["name", "!=", "Us AS"]]').decode()
"""All parties but that of the company, which nobody can delete."""


class TestParties(TrytonSuite):
    """Customers, and a person who edits them. Their code is unique in Tryton, their website can be set at creation."""

    @pytest.fixture(autouse=True)
    def _running(self, tryton: Tryton, tmp_path: Path) -> Iterator[None]:
        self.tryton, self.folder = tryton, tmp_path
        self.clear()
        yield
        self.clear()

    def clear(self) -> None:
        """Delete all that are not the company's."""
        for one in self.tryton("GET", f"party.party?f=id&d={NOT_OURS}").json:
            assert self.tryton("DELETE", f"party.party/{one['id']}").status == 204

    @contextmanager
    def make(self) -> Iterator[Harness]:
        listing = {"list": {"params": {"d": NOT_OURS}}}
        yield Harness(
            connector=connect(system(self.tryton, self.folder, datatypes={"party": listing})),
            datatype="party",
            text="name",
            unmapped="website",
            unique="code",
            insert=lambda natives: str(self.tryton.made("party.party", natives)),
            edit=lambda id, natives: self.tryton("PUT", f"party.party/{id}", natives),
            delete=lambda id: self.tryton("DELETE", f"party.party/{id}"),
            get=self.get,
        )

    def get(self, id: str) -> Natives | None:
        answer = self.tryton("GET", f"party.party/{id}?f=name&f=code&f=website")
        found: Natives | None = answer.json if answer.status == 200 else None
        return found
