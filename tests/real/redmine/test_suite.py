"""The preset against the conformance suite, on a real Redmine."""

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
from accord.model import Natives
from accord.testing import ConnectorSuite, Harness
from tests.real.redmine.instance import Redmine


def system(redmine: Redmine, folder: Path, **more: Any) -> System:
    """A Redmine as a project file names it."""
    told = {"connector": "redmine", "base_url": redmine.url, "auth": {"key": redmine.key}, **more}
    (folder / "redmine.yaml").write_text(json.dumps({"accord": 1, "systems": {"redmine": told}, "flows": {}}), "utf-8")
    return load(folder / "redmine.yaml").systems["redmine"]


class TestIssues(ConnectorSuite):
    """Issues of one project, and a person who edits them."""

    @pytest.fixture(autouse=True)
    def _running(self, redmine: Redmine, tmp_path: Path) -> None:
        self.redmine, self.folder = redmine, tmp_path

    @contextmanager
    def make(self) -> Iterator[Harness]:
        project = self.redmine.made("/projects.json", {"project": {"name": "P", "identifier": f"p{id(self)}"}})
        yield Harness(
            connector=connect(system(self.redmine, self.folder)),
            datatype="issue",
            text="description",
            unmapped=f"custom_fields[id={self.redmine.note_field}].value",
            filled={"subject": "Dig", "project.id": project["id"]},
            insert=lambda natives: str(self.redmine.made("/issues.json", {"issue": _body(natives)})["id"]),
            edit=lambda id, natives: self.redmine("PUT", f"/issues/{id}.json", {"issue": _body(natives)}),
            delete=lambda id: self.redmine("DELETE", f"/issues/{id}.json"),
            get=self.get,
        )
        assert self.redmine("DELETE", f"/projects/{project['id']}.json").status == 204

    def get(self, id: str) -> Natives | None:
        answer = self.redmine("GET", f"/issues/{id}.json")
        if answer.status == 404:
            return None
        issue = answer.json["issue"]
        fields = {f"custom_fields[id={one['id']}].value": one["value"] for one in issue["custom_fields"]}
        return {**issue, **fields}


def _body(natives: Natives) -> dict[str, Any]:
    body = nested({path: value for path, value in natives.items() if path != "project.id"})
    return {**body, **({"project_id": natives["project.id"]} if "project.id" in natives else {})}
