"""`discover` on the two demonstration systems: what their APIs show is found by its paths."""

from __future__ import annotations

from accord.engine.discovering import discover
from tests.end_to_end.world import World


def test_what_an_api_shows(world: World) -> None:
    """Types, options and nested properties, off the records of the listing; as many as asked for."""
    project = world.project()
    found = {each.name: each for each in discover(project, project.systems["custompms"], 50)}
    assert set(found) == {"customer", "project", "task"}
    for name in ("customer", "project"):
        mapped = {row.paths["custompms"] for row in project.flows[name].rows}
        if found[name].sampled:
            assert mapped <= {each.path for each in found[name].properties}
