"""What systems tell of their properties, and what the file says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from accord.connectors.memory import Behaviour, upper

from .world import World, customer, linked, row, two, written


def say(world: World, **properties: Any) -> None:
    """What the file says of the properties of customers in ERP."""
    world.file["systems"]["erp"]["datatypes"]["customer"]["properties"] = properties


def test_required_and_empty(tmp_path: Path) -> None:
    """A create that lacks what the system requires is held, and goes once it is filled."""
    world = two(tmp_path, erp=Behaviour(required=("city",)))
    id = customer(world.pms, "Berge", "222")
    customer(world.pms, "Dal", "333", city="Oslo")
    world.round()
    item = world.one_held("value")
    assert (item.row, item.reason) == ("city", "erp requires 'city', and it is empty")
    assert world.names("erp") == ["Dal"]
    world.pms.edit("customer", id, city="Bergen")
    assert world.settle().status == 0
    assert world.names("erp") == ["Berge", "Dal"]


def test_required_with_a_default_of_the_flow(tmp_path: Path) -> None:
    """What the flow fills in for every create needs no value."""
    world = two(tmp_path, erp=Behaviour(required=("city",)))
    world.flow["erp"] = {"datatype": "customer", "defaults": {"city": "unknown"}}
    customer(world.pms, "Berge", "222")
    world.round()
    assert world.records("erp")["Berge"]["city"] == "unknown"


def test_required_and_emptied(tmp_path: Path) -> None:
    """An update that empties what the system requires is refused by it, and shown; nothing else is lost."""
    world = two(tmp_path, erp=Behaviour(required=("city",)))
    id, other = linked(world, city="Oslo")
    world.pms.edit("customer", id, city=None)
    world.settle()
    assert world.one_held("rejected").reason == "update in erp was refused: city must be given"
    world.pms.edit("customer", id, city="Bergen")
    assert world.settle().status == 0
    assert world.erp.get("customer", other)["city"] == "Bergen"  # type: ignore[index]


def test_a_required_row_of_the_file(tmp_path: Path) -> None:
    """`required` in the file holds the create as well."""
    world = two(tmp_path)
    say(world, city={"required": True})
    customer(world.pms, "Berge", "222")
    world.round()
    assert world.one_held("value").row == "city"
    assert world.names("erp") == []


@pytest.mark.parametrize("silent", [False, True])
def test_read_only_is_never_written(tmp_path: Path, silent: bool) -> None:
    """A property that cannot be written is in no create and no update, and what it holds flows the other way."""
    world = two(tmp_path, erp=Behaviour(read_only=frozenset({"city"}), silent=silent))
    id, other = linked(world, city="Oslo")
    assert "city" not in world.erp.get("customer", other)  # type: ignore[operator]
    world.pms.edit("customer", id, city="Bergen")
    assert written(world.settle()) == 0
    world.erp.edit("customer", other, city="Trondheim")
    world.settle()
    assert world.pms.get("customer", id)["city"] == "Trondheim"  # type: ignore[index]
    assert world.held() == []


def test_create_only(tmp_path: Path) -> None:
    """It goes with the create; a later edit is held, with the reason, while other rows go on."""
    world = two(tmp_path)
    say(world, city={"create_only": True})
    id, other = linked(world, city="Oslo")
    world.pms.edit("customer", id, city="Bergen", name="Åsheim AS")
    world.settle()
    item = world.one_held("value")
    assert (item.row, item.values) == ("city", {"pms": "Bergen"})
    assert "at creation only" in item.reason
    assert world.erp.get("customer", other) | {"name": "Åsheim AS", "city": "Oslo"} == world.erp.get("customer", other)  # type: ignore[operator]


def test_create_only_from_the_id_of_what_was_made_elsewhere(tmp_path: Path) -> None:
    """A record is made with its own code; the other side's number, given by our create, is not for it, and nobody is
    asked when another row is edited. A record made here gets the number.
    """
    world = two(tmp_path, link="create", match=None)
    say(world, city={"create_only": True})
    world.flow["rows"][2] = {"pms": "id", "erp": "city", "name": "code", "direction": "pms -> erp"}
    world.flow.pop("match")
    own = world.erp.insert("customer", {"name": "Fjord AS", "org": "1", "city": "own code"})
    world.settle()
    customer(world.pms, "Berge AS", "2")
    world.erp.edit("customer", own, {"name": "Fjord Nord AS"})
    assert world.settle().status == 0
    assert (world.held(), world.names("pms")) == ([], ["Berge AS", "Fjord Nord AS"])
    codes = {record["name"]: record["city"] for record in world.erp.all("customer").values()}
    assert codes == {
        "Fjord Nord AS": "own code",
        "Berge AS": next(id for id, r in world.pms.all("customer").items() if r["name"] == "Berge AS"),
    }


def test_a_number_that_is_given_at_creation_arrives_at_once(tmp_path: Path) -> None:
    """One round makes the record and tells the side that it came from; the next one has nothing to do."""
    world = two(tmp_path, link="create", match=None)
    world.flow.pop("match")
    world.flow["rows"][2] = {"erp": "id", "pms": "city", "name": "number", "direction": "erp -> pms"}
    customer(world.pms, "Berge AS", "2")
    world.settle()
    (number,) = world.erp.all("customer")
    assert world.records("pms")["Berge AS"]["city"] == number


def test_create_only_and_set_back(tmp_path: Path) -> None:
    """When the edit is taken back, nothing is held any more."""
    world = two(tmp_path)
    say(world, city={"create_only": True})
    id, _ = linked(world, city="Oslo")
    world.pms.edit("customer", id, city="Bergen")
    world.settle()
    world.pms.edit("customer", id, city="Oslo")
    assert world.settle().status == 0
    assert world.held() == []


def test_too_long(tmp_path: Path) -> None:
    """What is longer than the other side takes is held, with the value, for a create and for an update."""
    world = two(tmp_path)
    say(world, name={"max_length": 8})
    id, _ = linked(world)
    customer(world.pms, "Berge og sønner", "222")
    world.pms.edit("customer", id, name="Åsheim og datter")
    world.settle()
    assert {item.values["pms"] for item in world.held("value")} == {"Berge og sønner", "Åsheim og datter"}
    assert world.names("erp") == ["Åsheim"]


def test_too_long_and_truncated(tmp_path: Path) -> None:
    """A row that says `truncate` sends what fits; the cut text does not come back."""
    world = two(tmp_path)
    say(world, name={"max_length": 8})
    world.flow["rows"][0] = row("name", truncate=True)
    id, _ = linked(world)
    world.pms.edit("customer", id, name="Åsheim og datter")
    world.settle()
    assert world.names("erp") == ["Åsheim o"]
    assert world.names("pms") == ["Åsheim og datter"]
    assert world.held() == []


def test_a_limit_is_lifted(tmp_path: Path) -> None:
    """A value that was too long goes over when the file says that more fits."""
    world = two(tmp_path)
    say(world, name={"max_length": 8})
    id, _ = linked(world)
    world.pms.edit("customer", id, name="Åsheim og datter")
    world.settle()
    say(world, name={"max_length": 80})
    assert world.settle().status == 0
    assert world.names("erp") == ["Åsheim og datter"]


def test_what_systems_tell_is_no_changed_mapping(tmp_path: Path) -> None:
    """A system that begins to tell of its properties makes nothing be written anew."""
    world = two(tmp_path)
    linked(world, city="Oslo")
    table = world.erp.tables["customer"]
    table.behaviour = Behaviour(required=("name",), read_only=frozenset({"city"}))
    assert written(world.settle()) == 0


def test_a_group_is_not_sent_back_in_the_form_of_a_system(tmp_path: Path) -> None:
    """An edit of one row of a group leaves the others as they were typed, though they win or lose together."""
    world = two(tmp_path, erp=Behaviour(normalise={"name": (upper,)}), groups={"who": ["name", "city"]})
    mine, other = linked(world)
    world.erp.edit("customer", other, city="Bergen")
    world.settle()
    assert world.pms.get("customer", mine) is not None
    found = world.pms.get("customer", mine) or {}
    assert (found["name"], found["city"]) == ("Åsheim", "Bergen")
