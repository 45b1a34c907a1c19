"""D7 to D10 and D18 of the fault table with whole rounds: versions, whole records, rules, batches, side effects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from accord.connectors.memory import Behaviour, Effect
from accord.connectors.memory_faults import FaultName

from .bad_days import KEYED, BadDay
from .world import World, customer, linked, project, two, with_projects, written


@pytest.mark.parametrize("check", ["version", "where", None])
def test_a_system_that_takes_whole_records_only(tmp_path: Path, check: Any) -> None:
    """What is not mapped, and what others edited before, goes back as it was read."""
    behaviour = replace(KEYED, whole_put=True, version_check=check)
    day = BadDay(tmp_path, behaviour, behaviour)
    for record in list(day.world.erp.all("customer").values()):
        day.world.erp.edit("customer", record["id"], note=f"note {record['org']}", tags=["a", {"b": None}])
    day.play()
    day.done()
    notes = {org: day.of(day.world.erp, org).get("note") for org in ("111", "222", "444")}
    assert notes == {org: f"note {org}" for org in notes}


@pytest.mark.parametrize(("check", "kept"), [("version", True), (None, False)])
def test_an_edit_in_the_window_of_a_whole_record(tmp_path: Path, check: Any, kept: bool) -> None:
    """With a version check nothing is lost; without one the window is one request wide, and is counted."""
    world = two(tmp_path, erp=Behaviour(whole_put=True, version_check=check))
    mine, other = linked(world)
    edited: list[str] = []

    def hook(phase: str, operation: str, _datatype: str, _id: str | None) -> None:
        if (phase, operation) == ("before", "update") and not edited:
            edited.append("note")
            world.erp.edit("customer", other, note="somebody's")

    world.erp.on_request(hook)
    world.pms.edit("customer", mine, name="Åsheim AS")
    world.settle()
    found = world.erp.get("customer", other) or {}
    assert (found["name"], found.get("note") == "somebody's") == ("Åsheim AS", kept)
    with world.state() as state:
        reports = [run.report or {} for run in state.runs.list()]
    assert any(report.get("unpreventable") for report in reports) != kept


@pytest.mark.parametrize("fault", ["stale", "touched"])
def test_a_version_that_never_fits(tmp_path: Path, fault: FaultName) -> None:
    """A few tries, then it waits for another round; the edit stays where it is and goes over once it can."""
    day = BadDay(tmp_path)
    strikes = [system.fault(fault) for system in day.world.systems.values()]
    day.play(rounds=1)
    assert all(0 < strike.struck < 40 for strike in strikes)
    day.done()


@pytest.mark.parametrize("name", ["batch_in_part", "item_missing", "batch_mixed_up"])
@pytest.mark.parametrize("count", [1, None])
def test_a_batch_that_fails_in_part(tmp_path: Path, name: FaultName, count: int | None) -> None:
    """Each record has its own outcome; one that the answer does not tell of is unknown, and is found by its key."""
    behaviour = replace(KEYED, batch=10)
    world = two(tmp_path, behaviour, behaviour)
    for number in range(8):
        customer(world.pms, f"K{number}", f"9{number}")
    fault = world.erp.fault(name, count=count)
    world.round()
    assert fault.struck > 0
    assert all(item.reason for item in world.held())
    refused = {ref for item in world.held("rejected") for ref in item.refs}
    assert len(world.names("erp")) + len(refused) >= 7
    world.erp.calm()
    world.clock.advance(300)
    for item in world.held("rejected"):
        world.resolve(item, retry=True)
    for _ in range(3):
        world.round()
    assert world.names("erp") == [f"K{number}" for number in range(8)]
    assert world.held() == []


def test_a_unique_key_that_is_taken(tmp_path: Path) -> None:
    """A rename to a name that another record has is refused and shown with that record; nothing is renamed silently."""
    world = two(tmp_path, erp=Behaviour(unique=(("name",),)))
    mine, other = linked(world)
    taken = customer(world.erp, "Berge", "222")
    world.file["flows"]["customer"]["link"] = {"erp": "never"}
    world.pms.edit("customer", mine, name="Berge")
    world.settle()
    item = world.one_held("rejected")
    assert (f"erp/customer/{taken}" in item.refs, "name is taken" in item.reason) == (True, True)
    assert (world.erp.get("customer", other) or {})["name"] == "Åsheim"
    world.erp.edit("customer", taken, name="Berge AS")
    world.pms.edit("customer", mine, name="Berge", city="Oslo")
    world.resolve(item, retry=True)
    world.settle()
    assert (world.erp.get("customer", other) or {})["name"] == "Berge"
    assert world.held() == []


def test_a_parent_that_cannot_be_deleted(tmp_path: Path) -> None:
    """A customer with projects on the other side is not deleted there: refused, shown, and its projects stay."""
    world = with_projects(tmp_path, erp=Behaviour(references={"customer": "customer"}))
    world.flow["on_delete"] = "propagate"
    id = customer(world.pms, "Berge", "222")
    world.settle()
    project(world.erp, "only here", next(iter(world.erp.all("customer"))))
    world.file["flows"]["project"]["link"] = {"erp": "never"}
    world.pms.delete("customer", id)
    world.round(full=True)
    assert "a project refers to it" in world.one_held("rejected").reason
    assert (world.names("erp"), world.names("erp", "project", "title")) == (["Berge"], ["only here"])


def test_a_parent_that_is_refused_holds_its_children_only(tmp_path: Path) -> None:
    """What refers to a record that could not be made waits for it; everything else goes on."""
    world = with_projects(tmp_path, erp=Behaviour(references={"customer": "customer"}))
    bad, good = customer(world.pms, "Berge", "222"), customer(world.pms, "Dal", "333")
    project(world.pms, "of Berge", bad)
    project(world.pms, "of Dal", good)
    fault = world.erp.fault("rejected", datatype="customer", operation="create", count=1)
    world.settle()
    assert fault.struck == 1
    assert world.names("erp", "project", "title") == ["of Dal"]
    world.resolve(world.one_held("rejected"), retry=True)
    world.settle()
    assert world.names("erp", "project", "title") == ["of Berge", "of Dal"]


def side_effects(world: World) -> None:
    """Each save of a project counts in its customer, in ERP."""
    count = Effect(via="customer", target="customer", change=lambda customer: {"saves": customer.get("saves", 0) + 1})
    world.erp.tables["project"].behaviour = Behaviour(references={"customer": "customer"}, effects=(count,))


def test_side_effects_on_other_records(tmp_path: Path) -> None:
    """A child that changes its parent at each save: edits of both arrive, and then all is quiet."""
    world = with_projects(tmp_path)
    side_effects(world)
    id = customer(world.pms, "Berge", "222")
    made = project(world.pms, "P", id)
    world.settle()
    world.pms.edit("customer", id, name="Berge AS")
    world.pms.edit("project", made, title="Q")
    world.settle()
    assert (world.names("erp"), world.names("erp", "project", "title")) == (["Berge AS"], ["Q"])
    assert next(iter(world.erp.all("customer").values()))["saves"] == 2
    assert world.held() == []


def test_a_side_effect_on_a_mapped_property(tmp_path: Path) -> None:
    """A system that changes another mapped record by itself has edited it: the change comes over, once."""
    world = with_projects(tmp_path)
    last = Effect(via="customer", target="customer", change=lambda _: {"city": "has projects"})
    world.erp.tables["project"].behaviour = Behaviour(effects=(last,))
    id = customer(world.pms, "Berge", "222")
    project(world.pms, "P", id)
    world.round()
    world.settle()
    assert world.records("pms")["Berge"]["city"] == "has projects"
    assert [written(world.round()) for _ in range(3)] == [0, 0, 0]
