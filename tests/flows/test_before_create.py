"""What is searched for before a create, and found: nothing is made beside a record that may be the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from accord.connectors.memory import Behaviour

from .world import PLAIN, World, customer, customers, project, projects, written

SCOPED = {"datatype": "customer", "where": "segment == 'a'", "defaults": {"segment": "a"}}
SEARCHED = Behaviour(find=("org",))


def outside(folder: Path) -> tuple[World, str | int]:
    """A customer of the ERP that is outside the filter, and then one of the PMS with the same number."""
    world = World(folder, {"customer": customers(erp=SCOPED)}, pms={"customer": PLAIN}, erp={"customer": SEARCHED})
    other = customer(world.erp, "Berge", "777", segment="b")
    customer(world.pms, "First", "1")
    world.settle()
    customer(world.pms, "Berge AS", "777")
    return world, other


def test_a_record_outside_the_filter_with_the_same_key_is_asked_about(tmp_path: Path) -> None:
    """It is named, with what can be done; and it stays asked, under one number, until somebody says."""
    world, other = outside(tmp_path)
    world.round()
    item = world.one_held("review")
    assert f"erp/customer/{other} has the same key" in item.reason
    for _ in range(2):
        assert written(world.round()) == 0
    again = world.one_held("review")
    assert (again.id, again.since) == (item.id, item.since)
    assert world.names("erp") == ["Berge", "First"]


def test_the_record_outside_is_another_one(tmp_path: Path) -> None:
    """Then one is made beside it."""
    world, _ = outside(tmp_path)
    world.round()
    world.resolve(world.one_held("review"), create=True)
    world.settle()
    assert world.names("erp") == ["Berge", "Berge AS", "First"]
    assert world.held() == []


def test_the_record_outside_is_the_same(tmp_path: Path) -> None:
    """Then they are linked, and rest until it is inside."""
    world, other = outside(tmp_path)
    world.round()
    world.link(*world.one_held("review").refs)
    world.settle()
    assert world.held() == []
    assert world.names("erp") == ["Berge", "First"]
    world.erp.edit("customer", other, segment="a")
    world.round()
    assert [item.kind for item in world.held()] == ["conflict"]


def test_the_record_outside_comes_inside(tmp_path: Path) -> None:
    """Then it is matched, and nobody is asked any more."""
    world, other = outside(tmp_path)
    world.round()
    world.erp.edit("customer", other, segment="a", name="Berge AS")
    world.settle()
    assert world.held() == []
    assert world.names("erp") == ["Berge AS", "First"]


def test_an_update_is_not_kept_back_by_a_reference_that_is_not_made(tmp_path: Path) -> None:
    """Found by seed 302124: the row that refers to it waits, and the others go."""
    flows: dict[str, Any] = {"customer": customers(erp=SCOPED), "project": projects()}
    both = {"customer": PLAIN, "project": PLAIN}
    world = World(tmp_path, flows, pms=both, erp={**both, "customer": SEARCHED})
    customer(world.erp, "Berge", "777", segment="b")
    customer(world.pms, "First", "1")
    mine = project(world.pms, "Bridge")
    world.settle()
    world.pms.edit("project", mine, title="Long bridge", customer=customer(world.pms, "Berge AS", "777"))
    for _ in range(3):
        world.round()
    assert world.names("erp", "project", "title") == ["Long bridge"]
    world.resolve(world.one_held("review"), create=True)
    world.settle()
    made = world.records("erp")["Berge AS"]
    assert world.records("erp", "project", "title")["Long bridge"]["customer"] == made["id"]
