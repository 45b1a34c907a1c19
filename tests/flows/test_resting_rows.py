"""A row with a condition, in whole rounds: `when` on a row."""

from __future__ import annotations

from pathlib import Path

import pytest

from accord.config.load import load
from accord.engine.explaining import explain_link
from accord.model import Ref

from .world import World, customer, linked, row, two, written


def conditioned(folder: Path, when: dict[str, str], **more: object) -> World:
    """Customers whose city is carried while a condition is true."""
    return two(folder, rows=[row("name"), row("org"), row("city", when=when, **more)])


def cities(world: World) -> tuple[object, object]:
    """As PMS and as ERP show them."""
    ((one,), (other,)) = (world.pms.all("customer").values(), world.erp.all("customer").values())
    return one.get("city"), other.get("city")


BUYING = {"pms": "stage == 'buying'"}


def test_an_edit_is_carried_when_the_condition_becomes_true_and_not_before(tmp_path: Path) -> None:
    """It is not lost, and the other side does not see it until then; afterwards it is quiet."""
    world = conditioned(tmp_path, BUYING)
    id, _ = linked(world, city="Oslo", stage="buying")
    world.pms.edit("customer", id, stage="asleep")
    world.settle()
    world.pms.edit("customer", id, city="Bergen")
    assert (world.settle().held, cities(world)) == ([], ("Bergen", "Oslo"))
    world.pms.edit("customer", id, stage="buying")
    world.settle()
    assert cities(world) == ("Bergen", "Bergen")


def test_an_edit_on_the_other_side_waits_too(tmp_path: Path) -> None:
    """The record that is asked need not have changed: it is read by its id, since no row names the property."""
    world = conditioned(tmp_path, BUYING)
    id, other = linked(world, city="Oslo", stage="asleep")
    world.erp.edit("customer", other, city="Bergen")
    world.settle()
    assert cities(world) == ("Oslo", "Bergen")
    world.pms.edit("customer", id, stage="buying")
    world.settle()
    assert cities(world) in {("Bergen", "Bergen"), ("Oslo", "Bergen")}


def test_both_sides_edited_meanwhile_is_a_conflict_when_the_row_wakes(tmp_path: Path) -> None:
    """Nobody is asked while it rests; then both values are still where the people put them."""
    world = conditioned(tmp_path, BUYING)
    id, other = linked(world, city="Oslo", stage="buying")
    world.pms.edit("customer", id, stage="asleep", city="Bergen")
    world.erp.edit("customer", other, city="Tromsø")
    assert world.settle().held == []
    world.pms.edit("customer", id, stage="buying")
    world.settle()
    assert world.one_held("conflict").values == {"pms": "Bergen", "erp": "Tromsø"}
    assert cities(world) == ("Bergen", "Tromsø")


def test_a_conflict_is_not_asked_about_while_the_row_rests(tmp_path: Path) -> None:
    """The held item goes, and comes back with the condition."""
    world = conditioned(tmp_path, BUYING)
    id, other = linked(world, city="Oslo", stage="buying")
    world.pms.edit("customer", id, city="Bergen")
    world.erp.edit("customer", other, city="Tromsø")
    world.settle()
    world.one_held("conflict")
    world.pms.edit("customer", id, stage="asleep")
    world.settle()
    assert world.held() == []
    world.pms.edit("customer", id, stage="buying")
    world.settle()
    world.one_held("conflict")


def test_turning_on_and_off_writes_nothing_by_itself(tmp_path: Path) -> None:
    """Ten turns, and not one write."""
    world = conditioned(tmp_path, BUYING)
    id, _ = linked(world, city="Oslo", stage="buying")
    for turn in range(10):
        world.pms.edit("customer", id, stage=["asleep", "buying"][turn % 2])
        assert written(world.round()) == 0


def test_a_new_record_goes_without_the_row(tmp_path: Path) -> None:
    """And gets it when the condition is true."""
    world = conditioned(tmp_path, BUYING)
    id = customer(world.pms, "Berge", "222", city="Bergen", stage="asleep")
    world.settle()
    assert cities(world) == ("Bergen", None)
    world.pms.edit("customer", id, stage="buying")
    world.settle()
    assert cities(world) == ("Bergen", "Bergen")


def test_a_condition_on_the_record_that_is_made(tmp_path: Path) -> None:
    """It is asked once that is there: the row follows in a second write, in the next pass of the round."""
    world = conditioned(tmp_path, {"erp": "name == 'Berge'"})
    customer(world.pms, "Berge", "222", city="Bergen")
    world.settle()
    assert cities(world) == ("Bergen", "Bergen")
    ours = [(line.op, sorted(line.changes)) for line in world.history() if line.wrote]
    assert ours == [("create", ["name", "org"]), ("update", ["city"])]


def test_our_own_write_makes_the_condition_true(tmp_path: Path) -> None:
    """ERP renames the customer, PMS is asked: the city follows one round later, without another edit."""
    world = conditioned(tmp_path, {"pms": "name != 'Asleep'"})
    id, other = linked(world, city="Oslo")
    world.pms.edit("customer", id, name="Asleep")
    world.settle()
    world.erp.edit("customer", other, name="Berg AS", city="Bergen")
    world.round()
    assert world.pms.get("customer", id)["name"] == "Berg AS"  # type: ignore[index]
    world.settle()
    assert cities(world) == ("Bergen", "Bergen")


def test_a_one_way_row(tmp_path: Path) -> None:
    """An edit at the end of the row is left in place, as ever; one at its beginning waits."""
    world = two(tmp_path, rows=[row("name"), row("org"), row("city", direction="pms -> erp", when="stage == 'buying'")])
    id, other = linked(world, city="Oslo", stage="buying")
    world.pms.edit("customer", id, stage="asleep", city="Bergen")
    world.settle()
    world.erp.edit("customer", other, city="Tromsø")
    world.settle()
    assert cities(world) == ("Bergen", "Tromsø")
    world.pms.edit("customer", id, stage="buying")
    world.settle()
    assert cities(world) == ("Bergen", "Bergen")
    assert any(line.op == "superseded" and line.changes["city"][0] == "Tromsø" for line in world.history())


def test_explain_says_why_the_row_rests(tmp_path: Path) -> None:
    """Of this row and of no other."""
    world = conditioned(tmp_path, BUYING)
    id, _ = linked(world, city="Oslo", stage="asleep")
    world.settle()
    link = world.link_of("pms", id)
    with world.state() as state:
        found = explain_link(
            state, world.project().flows["customer"], link, Ref("pms", "customer", str(id)), ["name", "city"]
        )
    name, city = found["rows"]
    why = "row 'city' rests, because \"stage == 'buying'\" is not true in pms"
    assert f"{why}: nothing of it is carried until that is true" in city["reasons"]
    assert not any("rests" in reason for reason in name["reasons"])


def test_a_changed_condition_wakes_what_rests(tmp_path: Path) -> None:
    """It decides how records are read: everything is looked at again."""
    world = conditioned(tmp_path, BUYING)
    id, _ = linked(world, city="Oslo", stage="asleep")
    world.pms.edit("customer", id, city="Bergen")
    world.settle()
    world.flow["rows"][2]["when"] = {"pms": "stage == 'asleep'"}
    world.settle()
    assert cities(world) == ("Bergen", "Bergen")
    del world.flow["rows"][2]["when"]
    world.settle()
    assert cities(world) == ("Bergen", "Bergen")


def test_a_condition_that_cannot_be_said_holds_that_row_of_that_record(tmp_path: Path) -> None:
    """Mend it, and it flows."""
    world = conditioned(tmp_path, {"pms": "stage > 3"})
    id, _ = linked(world, city="Oslo", stage=4)
    customer(world.pms, "Dal", "333", city="Voss", stage=4)
    world.pms.edit("customer", id, city="Bergen", stage="four")
    world.settle()
    item = world.one_held("value")
    assert item.row == "city"
    assert "stage > 3" in item.reason
    assert world.records("erp")["Dal"]["city"] == "Voss"
    world.pms.edit("customer", id, stage=5)
    world.settle()
    assert world.held() == []


def test_a_deletion_of_a_record_with_an_edit_that_waits_is_held(tmp_path: Path) -> None:
    """The edit has reached nobody: it is not deleted with its record by a rule."""
    world = conditioned(tmp_path, BUYING)
    world.flow["on_delete"] = "propagate"
    id, other = linked(world, city="Oslo", stage="buying")
    world.pms.edit("customer", id, stage="asleep")
    world.settle()
    world.erp.edit("customer", other, city="Tromsø")
    world.settle()
    world.pms.delete("customer", id)
    world.round(full=True)
    world.one_held("delete")
    assert len(world.erp.all("customer")) == 1


@pytest.mark.parametrize("text", ["stage ==", "stage = 1"])
def test_check_names_a_condition_that_is_none(tmp_path: Path, text: str) -> None:
    """With its place in the file."""
    from accord.engine.checking import check_offline

    world = conditioned(tmp_path, {"pms": text})
    world.project()
    findings = check_offline(load(tmp_path / "accord.yaml")).findings
    assert [finding.where for finding in findings if finding.kind == "expression"] == ["flows.customer.rows[2].when"]
