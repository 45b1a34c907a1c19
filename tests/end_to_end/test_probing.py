"""A probe of the two demonstration systems, over their APIs."""

from __future__ import annotations

from dataclasses import replace

from accord.engine.discovering import discover
from accord.probing.found import FoundOfDatatype
from accord.probing.run import Probe
from tests.end_to_end.world import World


def probed(world: World, system: str) -> tuple[int, dict[str, FoundOfDatatype]]:
    """Status, and what was found of each datatype."""
    project = world.project()
    systems = {**project.systems, system: replace(project.systems[system], sandbox=True)}
    project = replace(project, systems=systems)
    probe = Probe(project, system, discover(project.systems[system], 20))
    probe.plan()
    found = probe.run(lambda *_: None)
    assert found.left == ()
    return found.status, {one.name: one for one in found.datatypes}


def words(found: FoundOfDatatype, path: str | None) -> set[str]:
    return {fact.word for at, fact in found.all_facts() if at == path}


def test_custompms(world: World) -> None:
    """It keeps what it is given and its promises; a project of a task is found to be required from its refusal."""
    customer = world.pms.add("customers", name="Berg", org_number="911222333")
    project = world.pms.add("projects", title="Roof", customer_id=customer)
    world.pms.add("tasks", name="Dig", project_id=project)
    status, found = probed(world, "custompms")
    assert status == 0
    assert list(found) == ["customer", "project", "task"]
    assert {(one.before, one.after, one.why_not) for one in found.values()} == {(1, 1, None)}
    for one in found.values():
        assert {"version-kept", "repeat-known"} <= words(one, None)
        assert words(one, "created_at") == {"read-only"}
    assert words(found["task"], "project_id") == {"required", "null-refused"}
    assert words(found["customer"], "name") == {"empty-refused", "null-refused"}


def test_customerp(world: World) -> None:
    """It trims, cuts names at sixty, writes countries in capitals, and ignores who sets its own times."""
    customer = world.erp.add("customers", customer_name="Berg")
    world.erp.add("projects", description="Roof", customer_no=customer, kind="project")
    status, found = probed(world, "customerp")
    assert status == 0
    customers, projects = found["customer"], found["project"]
    assert {one.name: (one.before, one.after) for one in found.values()} == {"customer": (1, 1), "project": (1, 1)}
    for one in found.values():
        assert {"version-kept", "repeat-doubles", "delete-no-trace"} <= words(one, None)
        assert words(one, "created_at") == {"ignored"}
    assert words(customers, "customer_name") == {"cut", "trim", "empty-refused", "null-refused"}
    assert words(customers, "country") == {"length", "short", "upper", "empty-to-null"}
    assert words(customers, "remarks") == {"trim", "lines", "empty-to-null"}
    assert {"default", "upper"} <= words(projects, "currency")
    assert words(projects, "status") == {"null-ignored"}
    assert words(projects, "kind") == {"refused"}
    assert words(projects, "budget_amount") == {"round", "largest"}
