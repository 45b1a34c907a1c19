"""Both systems, the example between them, and people in either."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from accord.cli import resolving
from accord.config.load import load
from accord.config.meaning import Project
from accord.core.guard import Approval
from accord.engine.report import Report
from accord.engine.round import Caller, run_round
from accord.engine.setting import Options, ShiftedClock
from accord.store.opening import State, open_state
from accord.store.people import Author, deciding
from accord.stored import Held
from tests.end_to_end.proxy import Proxy
from tests.flows.world import written
from tests.real.redmine.instance import Redmine
from tests.real.tryton.instance import Tryton

EXAMPLE = Path(__file__).parents[3] / "examples" / "redmine-tryton" / "accord.yaml"
LIMITS = "    limits: {concurrency: 1, retries: 2, timeout: 5s, grace: 1s}\n"
DURATION = "timedelta"
WORK = "f=name&f=type&f=parent&f=comment&f=effort_duration&f=status"


def impatient(text: str) -> str:
    """The example with a grace of one second, as tests have no two minutes."""
    for name in ("redmine", "tryton"):
        text = text.replace(f"    connector: {name}\n", f"    connector: {name}\n{LIMITS}")
    return text


def with_key(text: str, redmine: Redmine) -> str:
    """With the custom field of issues in which Accord keeps its key."""
    field, filter = f"custom_fields[id={redmine.key_field}].value", f"cf_{redmine.key_field}"
    issue = (
        "      issue:\n"
        f'        key_property: "{field}"\n'
        f'        find: {{path: "/issues.json?status_id=*", params: {{"{field}": {filter}}}}}\n'
        f'        properties: {{"{field}": {{type: string}}}}\n'
    )
    return text.replace("  tryton:\n    title: Tryton\n", f"{issue}  tryton:\n    title: Tryton\n", 1)


class Pair:
    """Redmine, Tryton and a folder with the project file."""

    def __init__(self, folder: Path, redmine: Redmine, erp: Tryton, proxy: Proxy | None = None) -> None:
        self.redmine, self.tryton, self.folder, self.proxy = redmine, erp, folder, proxy
        self.ahead = 0.0
        """Seconds by which the clock of the next rounds is ahead."""
        self.use(EXAMPLE.read_text("utf-8"))

    # the project

    def use(self, text: str) -> None:
        """Another project file."""
        (self.folder / "accord.yaml").write_text(text, "utf-8")

    def change(self, change: Callable[[str], str]) -> None:
        """Edit the project file."""
        file = self.folder / "accord.yaml"
        text = file.read_text("utf-8")
        changed = change(text)
        assert changed != text, "the project file has changed meanwhile"
        self.use(changed)

    @property
    def environment(self) -> dict[str, str]:
        """What the project file takes from the environment."""
        urls: Mapping[str, str] = self.proxy.urls if self.proxy else {}
        return {
            "REDMINE_URL": urls.get("redmine", self.redmine.url),
            "REDMINE_KEY": self.redmine.key,
            "TRYTON_URL": self.tryton.url.replace(self.tryton.root, urls.get("tryton", self.tryton.root)),
            "TRYTON_KEY": self.tryton.key,
            "TRYTON_CONTEXT": self.tryton.context,
        }

    def project(self) -> Project:
        """The project file, loaded."""
        return load(self.folder / "accord.yaml", env={**os.environ, **self.environment})

    def now(self) -> datetime:
        """By the clock of the next round."""
        return datetime.now(UTC) + timedelta(seconds=self.ahead)

    # rounds

    def round(self, *approve: str, **options: Any) -> Report:
        """`accord run`."""
        caller = Caller(clock=ShiftedClock(self.now()))
        approvals = tuple(Approval.parse(text) for text in approve)
        return run_round(self.project(), Options(approvals=approvals, **options), caller)

    def accord(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command, in a process of its own."""
        command = [sys.executable, "-m", "accord", *words, "-C", str(self.folder)]
        env = {**os.environ, **self.environment}
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    def settle(self) -> Report:
        """A round, and another one that writes nothing; the first report."""
        report = self.round(full=True)
        assert not report.errors, report.errors
        again = self.round(full=True)
        assert written(again) == 0, again.writes
        return report

    def verify(self) -> None:
        """`accord verify` agrees."""
        said = self.accord("verify")
        assert said.returncode == 0, said.stdout[-3000:] + said.stderr

    # what people see

    def projects(self) -> dict[str, dict[str, Any]]:
        """Redmine's, by name."""
        return {one["name"]: one for one in self.redmine("GET", "/projects.json?limit=100").json["projects"]}

    def issues(self) -> dict[str, dict[str, Any]]:
        """Redmine's, by subject."""
        return {one["subject"]: one for one in self.redmine("GET", "/issues.json?status_id=*&limit=100").json["issues"]}

    def works(self) -> dict[str, dict[str, Any]]:
        """Tryton's projects and tasks, by name."""
        return {one["name"]: one for one in self.tryton("GET", f"project.work?{WORK}").json}

    def state(self) -> State:
        """The state, opened."""
        return open_state(str(self.folder / "accord.db"))

    def held(self, kind: str | None = None) -> list[Held]:
        """What waits for a person."""
        with self.state() as state:
            return list(state.held.list(kind=kind))

    def links(self, flow: str) -> int:
        """How many open links a flow has."""
        with self.state() as state:
            loaded = state.links.load(list(state.links.numbers(flow)))
        return sum(link.state.value != "closed" for link in loaded.values())

    # what people do

    def resolve(self, item: Held, **option: Any) -> None:
        """`accord held resolve`, with one option."""
        decided = resolving.decision(self.project(), item, resolving.choice(option))
        author = Author(by="Kari", at=self.now())
        with self.state() as state, deciding(state, author.at):
            resolving.store(state, item, decided, author)

    def make_issue(self, project: int, subject: str, **more: Any) -> int:
        """A new issue; its id."""
        told = {"project_id": project, "subject": subject, **more}
        number: int = self.redmine.made("/issues.json", {"issue": told})["id"]
        return number

    def make_project(self, name: str, **more: Any) -> int:
        """A new project in Redmine; its id."""
        told = {"name": name, "identifier": name.lower().replace(" ", "-"), **more}
        number: int = self.redmine.made("/projects.json", {"project": told})["id"]
        return number

    def make_work(self, name: str, kind: str = "task", **more: Any) -> int:
        """A new project or task in Tryton; its id."""
        return self.tryton.made("project.work", {"name": name, "type": kind, **more})

    def edit_issue(self, id: int, **values: Any) -> None:
        """Somebody types in Redmine."""
        assert self.redmine("PUT", f"/issues/{id}.json", {"issue": values}).status == 204

    def edit_project(self, id: int, **values: Any) -> None:
        """Somebody types in Redmine."""
        assert self.redmine("PUT", f"/projects/{id}.json", {"project": values}).status == 204

    def edit_work(self, id: int, **values: Any) -> None:
        """Somebody types in Tryton."""
        answer = self.tryton("PUT", f"project.work/{id}", values)
        assert answer.status == 200, answer

    def clear(self) -> None:
        """Nothing in either."""
        for status in (1, 5):
            for project in self.redmine("GET", f"/projects.json?limit=100&status={status}").json["projects"]:
                self.redmine("DELETE", f"/projects/{project['id']}.json")
        while works := self.tryton("GET", "project.work").json:
            gone = [self.tryton("DELETE", f"project.work/{work['id']}").status == 204 for work in works]
            assert any(gone), "nothing more can be deleted"


def hours(number: float) -> dict[str, Any]:
    """A duration as Tryton writes it."""
    return {"__class__": DURATION, "seconds": round(number * 3600, 6)}
