"""The example of Redmine and Tryton, on both of them as they are."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from accord.config.load import load
from accord.engine.report import Report
from accord.engine.round import Caller, run_round
from accord.engine.setting import Options
from tests.flows.world import written
from tests.real.redmine.instance import Redmine
from tests.real.tryton.conftest import tryton  # noqa: F401  the fixture
from tests.real.tryton.instance import Tryton

EXAMPLE = Path(__file__).parents[3] / "examples" / "redmine-tryton" / "accord.yaml"


class Pair:
    """Both systems, the example, and people in either."""

    def __init__(self, folder: Path, redmine: Redmine, erp: Tryton) -> None:
        self.redmine, self.tryton, self.folder = redmine, erp, folder
        shutil.copy(EXAMPLE, folder)
        self.env = {
            **os.environ,
            "REDMINE_URL": redmine.url,
            "REDMINE_KEY": redmine.key,
            "TRYTON_URL": erp.url,
            "TRYTON_KEY": erp.key,
            "TRYTON_CONTEXT": erp.context,
        }

    def round(self, **options: Any) -> Report:
        """`accord run`."""
        project = load(self.folder / "accord.yaml", env=self.env)
        return run_round(project, Options(**options), Caller())

    def accord(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command, in a process of its own."""
        command = [sys.executable, "-m", "accord", *words, "-C", str(self.folder)]
        return subprocess.run(command, env=self.env, capture_output=True, text=True, check=False)

    def settle(self) -> None:
        """A round, and another one that writes nothing."""
        report = self.round(full=True)
        assert report.status in (0, 2), "\n".join(map(str, report.held))
        assert written(self.round(full=True)) == 0

    def projects(self) -> dict[str, dict[str, Any]]:
        """Redmine's, by name."""
        return {one["name"]: one for one in self.redmine("GET", "/projects.json?limit=100").json["projects"]}

    def issues(self) -> dict[str, dict[str, Any]]:
        """Redmine's, by subject."""
        return {one["subject"]: one for one in self.redmine("GET", "/issues.json?status_id=*&limit=100").json["issues"]}

    def works(self) -> dict[str, dict[str, Any]]:
        """Tryton's projects and tasks, by name."""
        fields = "f=name&f=type&f=parent&f=comment&f=effort_duration&f=status"
        return {one["name"]: one for one in self.tryton("GET", f"project.work?{fields}").json}

    def clear(self) -> None:
        """Nothing in either."""
        for project in self.redmine("GET", "/projects.json?limit=100").json["projects"]:
            self.redmine("DELETE", f"/projects/{project['id']}.json")
        for _ in range(3):
            for work in self.tryton("GET", "project.work").json:
                self.tryton("DELETE", f"project.work/{work['id']}")


@pytest.fixture
def pair(redmine: Redmine, tryton: Tryton, tmp_path: Path) -> Iterator[Pair]:  # noqa: F811
    """A project with a task in each, and a customer in Tryton."""
    pair = Pair(tmp_path, redmine, tryton)
    pair.clear()
    customer = tryton.made("party.party", {"name": "Fjord AS", "code": f"C-{os.urandom(4).hex()}"})
    bridge = tryton.made("project.work", {"name": "Bridge", "type": "project", "party": customer, "comment": "a\nb"})
    effort = {"__class__": "timedelta", "seconds": 5400}
    tryton.made("project.work", {"name": "Paint", "type": "task", "parent": bridge, "effort_duration": effort})
    harbour = redmine.made("/projects.json", {"project": {"name": "Harbour", "identifier": "harbour"}})
    redmine.made("/issues.json", {"issue": {"project_id": harbour["id"], "subject": "Dredge", "estimated_hours": 2.5}})
    yield pair
    pair.clear()


def test_first_load_and_edits_in_both_directions(pair: Pair) -> None:
    """Nothing twice, references through, hours as durations, and a second round writes nothing."""
    pair.settle()
    assert set(pair.projects()) == {"Bridge", "Harbour"}
    assert set(pair.issues()) == {"Paint", "Dredge"}
    works = pair.works()
    assert set(works) == {"Bridge", "Paint", "Harbour", "Dredge"}
    assert works["Dredge"]["parent"] == works["Harbour"]["id"]
    assert works["Dredge"]["effort_duration"] == {"__class__": "timedelta", "seconds": 9000}
    bridge, paint = pair.projects()["Bridge"], pair.issues()["Paint"]
    assert bridge["identifier"] == f"t{works['Bridge']['id']}"
    assert bridge["custom_fields"][0]["value"].startswith("C-")
    assert (paint["project"]["id"], paint["estimated_hours"]) == (bridge["id"], 1.5)
    pair.redmine("PUT", f"/issues/{paint['id']}.json", {"issue": {"subject": "Paint it"}})
    pair.tryton("PUT", f"project.work/{works['Dredge']['id']}", {"comment": "deep", "effort_duration": None})
    pair.settle()
    assert "Paint it" in pair.works()
    dredge = pair.issues()["Dredge"]
    assert (dredge["description"], dredge["estimated_hours"]) == ("deep", None)
    pair.tryton("PUT", f"project.work/{works['Bridge']['id']}", {"parent": works["Harbour"]["id"]})
    pair.settle()
    assert pair.projects()["Bridge"]["parent"]["id"] == pair.projects()["Harbour"]["id"]
    said = pair.accord("verify")
    assert said.returncode == 0, said.stdout[-3000:] + said.stderr


def test_deletions_and_conflicts(pair: Pair) -> None:
    """A deletion arrives on the other side; a property edited on both is held, and no edit is lost."""
    pair.settle()
    paint, dredge = pair.issues()["Paint"], pair.works()["Dredge"]
    assert pair.tryton("DELETE", f"project.work/{dredge['id']}").status == 204
    pair.settle()
    assert set(pair.issues()) == {"Paint"}
    pair.redmine("PUT", f"/issues/{paint['id']}.json", {"issue": {"subject": "Eins"}})
    pair.tryton("PUT", f"project.work/{pair.works()['Paint']['id']}", {"name": "Uno"})
    pair.round(full=True)
    assert (set(pair.issues()), "Uno" in pair.works()) == ({"Eins"}, True)
    assert pair.redmine("DELETE", f"/issues/{paint['id']}.json").status == 204
    assert "Uno" in pair.works()


def test_what_tryton_refuses_is_shown_in_its_own_words(pair: Pair) -> None:
    """A rule that no property table can know: a task is done only at 100 % of its progress."""
    file = pair.folder / "accord.yaml"
    row = '{redmine: status.is_closed, tryton: status, name: done, type: enum, map: {"false": 1, "true": 2}'
    file.write_text(f"{file.read_text()}      - {row}, direction: redmine -> tryton}}\n", "utf-8")
    pair.settle()
    dredge = pair.issues()["Dredge"]
    pair.redmine("PUT", f"/issues/{dredge['id']}.json", {"issue": {"subject": "Dredge on", "status_id": 5}})
    (held,) = pair.round().held
    assert (held["kind"], "you must increase its progress" in held["reason"]) == ("rejected", True)
    assert "Dredge" in pair.works()


def test_many_at_once(pair: Pair) -> None:
    """Both on SQLite, which locks: nothing is in doubt for that, and nothing is made twice."""
    pair.settle()
    harbour, bridge = pair.projects()["Harbour"], pair.works()["Bridge"]
    for number in range(20):
        told = {"project_id": harbour["id"], "subject": f"Issue {number}"}
        pair.redmine.made("/issues.json", {"issue": told})
        pair.tryton.made("project.work", {"name": f"Task {number}", "type": "task", "parent": bridge["id"]})
    pair.settle()
    assert (len(pair.issues()), len(pair.works())) == (42, 44)
