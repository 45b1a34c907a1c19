"""`suggest`, measured on the demonstration: what it proposes beside the mapping that was made by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from accord.config.load import load
from accord.config.meaning import Project
from accord.engine.suggesting import Suggested, suggest
from bench.suggesting import Figures, measure
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


@pytest.fixture(scope="module")
def measured(demonstration: Project) -> dict[tuple[str, str], Figures]:
    """What `python -m bench.suggesting` prints; both systems are in step afterwards."""
    return {(one.flow, one.when): one for one in measure(demonstration)}


FLOORS = [
    ("customer", "before the first round", 1.0, 250),
    ("customer", "in step", 1.0, 550),
    ("project", "in step", 7 / 8, 600),
    ("task", "in step", 1.0, 3000),
]


@pytest.mark.parametrize(("flow", "when", "recall", "pairs"), FLOORS, ids=[" ".join(one[:2]) for one in FLOORS])
def test_rows_and_match_rules_beside_those_made_by_hand(
    measured: dict[tuple[str, str], Figures], flow: str, when: str, recall: float, pairs: int
) -> None:
    """No wrong row, all rows but the one of which nothing can be seen (no project has a parent there); no record is
    joined wrongly by a proposed rule, and nearly all that belong together are joined.
    """
    found = measured[flow, when]
    assert found.row_precision == 1.0, found
    assert found.row_recall >= recall, found
    assert (found.pairs, found.mistaken) == (pairs, 0), found
    assert found.match_recall >= 0.95, found


def test_once_they_are_in_step(demonstration: Project, measured: dict[tuple[str, str], Figures]) -> None:
    """References, options, hours and minutes."""
    for name in ("project", "task"):
        rows = {row.left: row for row in proposals(demonstration, name).rows}
        for row in demonstration.flows[name].rows:
            if row.paths["custompms"] in rows:
                proposed = rows[row.paths["custompms"]]
                assert proposed.type.startswith("reference") == row.type.name.startswith("reference")
                assert bool(proposed.map) == bool(row.maps)
                assert (proposed.scale == "60") == (row.name in ("estimate", "spent"))
