"""Precision and recall of `accord suggest` on a real Redmine and a real Tryton: `python -m bench.suggesting_real`.

Made-up customers, projects and tasks are put into Tryton, and a round of `examples/redmine-tryton` puts them into
Redmine. Then the rows are taken out of the example, and what is proposed is compared with them. Needs Debian's Redmine
and `make systems`, and the checkout on the path, since the servers are started as the tests start them.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from accord.config.load import load
from accord.config.meaning import Flow, Project
from accord.engine.round import Caller, run_round
from accord.engine.setting import Options
from accord.engine.suggesting import SuggestedRow, suggest
from tests.real.redmine import instance as redmine
from tests.real.tryton import instance as tryton

EXAMPLE = Path(__file__).parents[1] / "examples" / "redmine-tryton" / "accord.yaml"
SEED = 20
PROJECTS, SUBPROJECTS, TASKS = 16, 8, 40
WORDS = ("roof", "bridge", "harbour", "quay", "tower", "cellar", "garden", "stairs", "window", "tunnel", "mast", "dock")
PLACES = ("Oslo", "Bergen", "Voss", "Narvik", "Molde", "Larvik", "Halden", "Hamar", "Tromsø", "Alta")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """How the proposals of one flow compare with the rows that were made by hand."""

    flow: str
    right: list[str]
    wrong: list[str]
    missing: list[str]

    def __str__(self) -> str:
        made, by_hand = len(self.right) + len(self.wrong), len(self.right) + len(self.missing)
        text = f"{self.flow}: recall {len(self.right)}/{by_hand}, precision {len(self.right)}/{made}"
        text += f"\n  right: {'; '.join(self.right)}" if self.right else ""
        text += f"\n  wrong: {'; '.join(self.wrong)}" if self.wrong else ""
        return text + (f"\n  missing: {'; '.join(self.missing)}" if self.missing else "")


def fill(erp: tryton.Tryton, random: Random) -> None:
    """Customers, projects (some in others) and tasks, in Tryton."""
    parties = [
        erp.made("party.party", {"name": f"{random.choice(WORDS).title()} {place} AS", "code": f"K-{number:03}"})
        for number, place in enumerate(PLACES)
    ]
    projects = [erp.made("project.work", _project(number, random, parties)) for number in range(PROJECTS)]
    for number in range(SUBPROJECTS):
        body = {**_project(PROJECTS + number, random, parties), "parent": random.choice(projects[:5])}
        projects.append(erp.made("project.work", body))
    for number in range(TASKS):
        effort = {"__class__": "timedelta", "seconds": 900 * random.randint(1, 60)}
        text = f"{random.choice(WORDS).title()} {number}: {random.choice(WORDS)} in {random.choice(PLACES)}"
        body = {"name": text, "type": "task", "parent": random.choice(projects), "effort_duration": effort}
        erp.made("project.work", {**body, "comment": f"Ask about the {random.choice(WORDS)} first, no {number}."})


def _project(number: int, random: Random, parties: list[int]) -> dict[str, Any]:
    name = f"{random.choice(WORDS).title()} {random.choice(PLACES)} {number}"
    said = f"All of the {random.choice(WORDS)}, as ordered by no {number}."
    return {"name": name, "type": "project", "party": random.choice(parties), "comment": said}


def measured(project: Project, flow: Flow) -> Measured:
    """What is proposed for a flow without its rows."""
    bare = {name: replace(one, rows=(), groups={}) for name, one in project.flows.items()}
    (found,) = suggest(replace(project, flows=bare), bare[flow.name], 2000)
    by_hand = {(row.paths["redmine"], row.paths["tryton"]): _kind(str(row.type)) for row in flow.rows}
    proposed = {(row.left, row.right): row for row in found.rows}
    right = [pair for pair, row in proposed.items() if pair in by_hand and _kind(row.type) == by_hand[pair]]
    return Measured(
        flow=flow.name,
        right=[_said(proposed[pair]) for pair in right],
        wrong=[_said(row) for pair, row in proposed.items() if pair not in right],
        missing=[f"{one} ~ {other} ({by_hand[one, other]})" for one, other in by_hand if (one, other) not in right],
    )


def _kind(type: str) -> str:
    """A type as far as a proposal must name it: text is a string, of a reference the flow counts."""
    name = type.partition("(")[0]
    return type if name == "reference" else {"text": "string"}.get(name, name)


def _said(row: SuggestedRow) -> str:
    return f"{row.left} ~ {row.right} ({row.type}, {row.score}{f', times {row.scale}' if row.scale else ''})"


def measure(folder: Path) -> Iterator[Measured]:
    """Both systems, filled and in step; then one flow after the other."""
    for name in ("redmine", "tryton"):
        (folder / name).mkdir()
    shutil.copy(EXAMPLE, folder)
    with redmine.running(folder / "redmine") as pms, tryton.running(folder / "tryton") as erp:
        fill(erp, Random(SEED))
        env = {
            **os.environ,
            "REDMINE_URL": pms.url,
            "REDMINE_KEY": pms.key,
            "TRYTON_URL": erp.url,
            "TRYTON_KEY": erp.key,
            "TRYTON_CONTEXT": erp.context,
        }
        project = load(folder / EXAMPLE.name, env=env)
        report = run_round(project, Options(), Caller())
        print(f"one round: exit status {report.status}, {len(report.held)} held", file=sys.stderr)
        for flow in project.flows.values():
            yield measured(project, flow)


def main() -> int:
    """Print the figures of each flow; 1 where a server is not there."""
    if not redmine.installed():
        print("Debian's Redmine is not installed: nothing to pair Tryton with", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        for one in measure(Path(folder)):
            print(one)
    return 0


if __name__ == "__main__":
    sys.exit(main())
