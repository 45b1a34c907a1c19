"""`suggest`, measured on the demonstration: what it proposes beside the mapping that was made by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from accord.config.load import load
from accord.config.meaning import Project
from accord.engine.round import Caller, run_round
from accord.engine.setting import Options
from accord.engine.suggesting import Suggested, suggest
from tests.demo.conftest import Server, start
from tests.end_to_end.world import ROOT

SAMPLE = 5000


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Both systems with their data, before the first round."""
    folder = tmp_path_factory.mktemp("suggest")
    servers: list[Server] = [start(name, folder, "--seed-data", "demo") for name in ("custompms", "customerp")]
    env = {
        "CUSTOMPMS_URL": servers[0].url,
        "CUSTOMPMS_TOKEN": "t",
        "CUSTOMERP_URL": servers[1].url,
        "CUSTOMERP_TOKEN": "t",
    }
    project = load(ROOT / "examples/demo/accord.yaml", env=env)
    yield replace(project, state=str(folder / "accord.db"))
    for server in servers:
        server.process.terminate()
        server.process.wait(10)
        assert server.process.stdout is not None
        server.process.stdout.close()


def proposals(project: Project, name: str) -> Suggested:
    """For a flow whose rows nobody has written yet."""
    (found,) = suggest(project, replace(project.flows[name], rows=(), groups={}, match=()), SAMPLE)
    return found


def judged(project: Project, name: str) -> tuple[set[tuple[str, str]], set[tuple[str, str]], set[tuple[str, str]]]:
    """Pairs of paths: proposed and right, proposed and wrong, and not proposed."""
    wanted = {(row.paths["custompms"], row.paths["customerp"]) for row in project.flows[name].rows}
    given = {(row.left, row.right) for row in proposals(project, name).rows}
    return given & wanted, given - wanted, wanted - given


def test_before_the_first_round(demonstration: Project) -> None:
    """250 of 400 customers are on both sides: every row is found, and none that is wrong."""
    right, wrong, missed = judged(demonstration, "customer")
    assert (len(right), wrong, missed) == (8, set(), set())
    found = proposals(demonstration, "customer")
    assert {"org_number", "contact.email"} <= {name for match in found.match for name in match.rule}


def test_once_they_are_in_step(demonstration: Project) -> None:
    """References, options, hours and minutes; a project has no parent there, so that this row cannot be seen."""
    run_round(demonstration, Options(), Caller())
    for name, unseen in (("project", {("parent_id", "parent_no")}), ("task", set())):
        _, wrong, missed = judged(demonstration, name)
        assert (wrong, missed) == (set(), unseen)
        rows = {row.left: row for row in proposals(demonstration, name).rows}
        for row in demonstration.flows[name].rows:
            if row.paths["custompms"] in rows:
                proposed = rows[row.paths["custompms"]]
                assert proposed.type.startswith("reference") == row.type.name.startswith("reference")
                assert bool(proposed.map) == bool(row.maps)
                assert (proposed.scale == "60") == (row.name in ("estimate", "spent"))
