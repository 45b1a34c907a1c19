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
from accord.model import Native, Natives
from accord.testing import ConnectorSuite, Harness
from tests.real.redmine.instance import Redmine

REFERENCES = ("project.id", "activity.id")


def system(redmine: Redmine, folder: Path, **more: Any) -> System:
    """A Redmine as a project file names it."""
    told = {"connector": "redmine", "base_url": redmine.url, "auth": {"key": redmine.key}, **more}
    (folder / "redmine.yaml").write_text(json.dumps({"accord": 1, "systems": {"redmine": told}, "flows": {}}), "utf-8")
    return load(folder / "redmine.yaml").systems["redmine"]


class RedmineSuite(ConnectorSuite):
    """One datatype in a project of its own, and a person who works there."""

    name: str
    path: str
    text: str

    @pytest.fixture(autouse=True)
    def _running(self, redmine: Redmine, tmp_path: Path) -> None:
        self.redmine, self.folder = redmine, tmp_path

    @contextmanager
    def make(self) -> Iterator[Harness]:
        project = self.redmine.made("/projects.json", {"project": {"name": "P", "identifier": f"p{id(self)}"}})
        yield self.harness(project["id"])
        assert self.redmine("DELETE", f"/projects/{project['id']}.json").status == 204

    def harness(self, project: int, kind: type[Harness] = Harness, **more: Any) -> Harness:
        """What the suite needs to know."""
        return kind(
            connector=connect(system(self.redmine, self.folder, **self.said())),
            datatype=self.name,
            text=self.text,
            insert=lambda natives: str(self.redmine.made(f"/{self.path}.json", {self.name: _body(natives)})["id"]),
            edit=lambda id, natives: self.redmine("PUT", f"/{self.path}/{id}.json", {self.name: _body(natives)}),
            delete=lambda id: self.redmine("DELETE", f"/{self.path}/{id}.json"),
            get=self.get,
            **{"filled": self.filled(project), **more},
        )

    def said(self) -> dict[str, Any]:
        """What the project file says of the system besides the preset."""
        return {}

    def filled(self, project: int) -> dict[str, Any]:
        """What every record needs."""
        return {}

    def get(self, id: str) -> Natives | None:
        """The record as an administrator sees it."""
        answer = self.redmine("GET", f"/{self.path}/{id}.json")
        if answer.status == 404:
            return None
        record = answer.json[self.name]
        fields = {f"custom_fields[id={one['id']}].value": one["value"] for one in record.get("custom_fields", ())}
        return {**record, **fields}


class TestIssues(RedmineSuite):
    """Which are told by their time of change."""

    name, path, text = "issue", "issues", "description"

    def filled(self, project: int) -> dict[str, Any]:
        return {"subject": "Dig", "project.id": project}

    def harness(self, project: int, **more: Any) -> Harness:
        return super().harness(project, unmapped=f"custom_fields[id={self.redmine.note_field}].value", **more)


class TestIssuesWithKey(TestIssues):
    """With a custom field for the key of a create, which is also a filter."""

    def said(self) -> dict[str, Any]:
        number = self.redmine.key_field
        field = f"custom_fields[id={number}].value"
        find = {"path": "/issues.json?status_id=*", "params": {field: f"cf_{number}"}}
        issue = {"key_property": field, "find": find, "properties": {field: {"type": "string"}}}
        return {"datatypes": {"issue": issue}}


class TestTimeEntries(RedmineSuite):
    """Which have no filter for their time of change."""

    name, path, text = "time_entry", "time_entries", "comments"

    def filled(self, project: int) -> dict[str, Any]:
        activity = self.redmine("GET", "/enumerations/time_entry_activities.json").json["time_entry_activities"][0]
        return {"project.id": project, "activity.id": activity["id"], "hours": 1.5, "spent_on": "2026-11-02"}

    def harness(self, project: int, **more: Any) -> Harness:
        return super().harness(project, unmapped=f"custom_fields[id={self.redmine.time_field}].value", **more)


class Identified(Harness):
    """An identifier of Redmine has no capital letters."""

    def values(self, number: int, **more: Native) -> dict[str, Native]:
        return {**Harness.values(self, number, **more), "identifier": f"u{number}"}


class TestProjects(RedmineSuite):
    """All of Redmine's, which has no others then."""

    name, path, text = "project", "projects", "description"

    def filled(self, project: int) -> dict[str, Any]:
        return {"name": "Harbour"}

    @contextmanager
    def make(self) -> Iterator[Harness]:
        self.clear()
        customer = f"custom_fields[id={self.redmine.customer_field}].value"
        yield self.harness(0, kind=Identified, unmapped=customer, unique="identifier")
        self.clear()

    def clear(self) -> None:
        """Delete all projects."""
        for project in self.redmine("GET", "/projects.json?limit=100").json["projects"]:
            self.redmine("DELETE", f"/projects/{project['id']}.json")


def _body(natives: Natives) -> dict[str, Any]:
    """As a person sends it: references are read as `project.id` and written as `project_id`."""
    body = nested({path: value for path, value in natives.items() if path not in REFERENCES})
    return {**body, **{path.replace(".", "_"): natives[path] for path in REFERENCES if path in natives}}
