"""Match rules that name a reference: equal when both point to the same linked record."""

from __future__ import annotations

from pathlib import Path

from .world import World, customer, project, with_projects, written


def world(folder: Path) -> World:
    """Two customers on both sides, and projects matched by their title and their customer."""
    made = with_projects(folder, link="match-or-create", match=[["title", "customer"]])
    for system in (made.erp, made.pms):
        for name, number in (("Berge", "111"), ("Dahl", "222")):
            customer(system, name, number)
    return made


def test_the_same_title_at_the_same_customer_is_the_same_project(tmp_path: Path) -> None:
    """One title at two customers is two projects; each finds its own, in the very first run."""
    made = world(tmp_path)
    for system in (made.pms, made.erp):
        for number in (1, 2):
            project(system, "House", number)
    report = made.round()
    assert (report.status, written(report)) == (0, 0)
    assert sorted(made.pairs("project")) == ["pms/1 erp/1", "pms/2 erp/2"]


def test_the_same_title_at_another_customer_is_another_project(tmp_path: Path) -> None:
    """It gets a counterpart of its own."""
    made = world(tmp_path)
    project(made.pms, "House", 1)
    project(made.erp, "House", 2)
    assert written(made.round()) == 2
    assert written(made.round()) == 0


def test_a_rule_by_reference_that_is_added_later_links_what_waits(tmp_path: Path) -> None:
    """Projects that waited for a match find one another."""
    made = world(tmp_path)
    flow = made.file["flows"]["project"]
    flow |= {"link": "match-only", "match": [["title", "parent"]]}
    project(made.pms, "House", 1)
    project(made.erp, "House", 1)
    made.round()
    flow["match"] = [["title", "customer"]]
    made.round()
    assert made.pairs("project") == ["pms/1 erp/1"]
