"""Rows that flip back and forth are frozen, and both causes are named; people who change their mind are followed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accord.connectors.memory import MemorySystem

from .world import World, linked, two, written


def sets_back(system: MemorySystem, answer: Callable[[Any], Any], path: str = "city") -> None:
    """Another program that changes a property whenever we have written to a customer."""

    def hook(phase: str, operation: str, datatype: str, id: str | None) -> None:
        if (phase, operation, datatype) == ("after", "update", "customer") and id is not None:
            found = system.get("customer", id) or {}
            wanted = answer(found.get(path))
            if wanted != found.get(path):
                system.edit("customer", id, {path: wanted})

    system.on_request(hook)


def rounds(world: World, count: int) -> int:
    """So many rounds; how many of them wrote."""
    return sum(written(world.round()) > 0 for _ in range(count))


def test_two_programs_that_set_a_property_to_and_fro(world: World) -> None:
    """A-B-A-B: the third equal write is not made, and the reasons of both directions are named."""
    mine, _ = linked(world)
    sets_back(world.erp, lambda _: "Asker")
    sets_back(world.pms, lambda _: "Bergen")
    world.pms.edit("customer", mine, city="Bergen")
    assert rounds(world, 12) <= 5
    item = world.one_held("frozen")
    assert item.row == "city"
    assert "edited in erp" in item.reason
    assert "edited in pms" in item.reason
    assert rounds(world, 3) == 0


def test_a_program_that_takes_back_what_an_authority_says(tmp_path: Path) -> None:
    """An enforced row is not set back for ever."""
    world = two(tmp_path)
    world.flow["rows"][2]["enforce"] = "pms"
    mine, _ = linked(world)
    sets_back(world.erp, lambda _: "Asker")
    world.pms.edit("customer", mine, city="Bergen")
    assert rounds(world, 10) == 3  # from nothing, and twice from what it was set back to
    assert "something in erp that no flow knows of" in world.one_held("frozen").reason


def test_programs_that_answer_each_other_with_new_values(world: World) -> None:
    """Nothing repeats, and nothing would ever end."""
    mine, _ = linked(world)
    sets_back(world.erp, lambda city: f"{city}!")
    sets_back(world.pms, lambda city: f"{city}?")
    world.pms.edit("customer", mine, city="Bergen")
    assert rounds(world, 20) < 15
    assert "answer each other" in world.one_held("frozen").reason
    assert rounds(world, 3) == 0


def test_a_person_who_changes_a_flag_to_and_fro(world: World) -> None:
    """However often: each change arrives, and nothing is held."""
    mine, other = linked(world)
    for number in range(12):
        world.pms.edit("customer", mine, city=("Asker", "Bergen")[number % 2])
        world.round()
        assert (world.erp.get("customer", other) or {})["city"] == ("Asker", "Bergen")[number % 2]
    assert world.held() == []


def test_the_other_rows_of_a_record_go_on(world: World) -> None:
    """Only the row is frozen (P6)."""
    mine, other = linked(world)
    sets_back(world.erp, lambda _: "Asker")
    sets_back(world.pms, lambda _: "Bergen")
    world.pms.edit("customer", mine, city="Bergen")
    rounds(world, 8)
    world.pms.edit("customer", mine, name="Aasheim")
    world.round()
    assert (world.erp.get("customer", other) or {})["name"] == "Aasheim"


def frozen(world: World) -> tuple[str | int, str]:
    """A row that was frozen, while the programs that did it have stopped."""
    mine, other = linked(world)
    going = [True]
    for system, value in ((world.erp, "Asker"), (world.pms, "Bergen")):
        sets_back(system, lambda city, value=value: value if going else city)
    world.pms.edit("customer", mine, city="Bergen")
    rounds(world, 8)
    going.clear()
    return mine, other


@pytest.mark.parametrize(
    ("option", "city"),
    [({"take": "pms"}, "Bergen"), ({"take": "erp"}, "Asker"), ({"value": "Drammen"}, "Drammen")],
)
def test_a_person_decides(world: World, option: dict[str, Any], city: str) -> None:
    """The next round brings the value to all sides, and all is quiet."""
    mine, other = frozen(world)
    world.resolve(world.one_held("frozen"), **option)
    world.settle()
    assert world.held() == []
    assert {(world.pms.get("customer", mine) or {})["city"], (world.erp.get("customer", other) or {})["city"]} == {city}


def test_a_person_says_try_again(world: World) -> None:
    """The flow's rules decide again, and the count begins anew."""
    mine, other = frozen(world)
    world.resolve(world.one_held("frozen"), retry=True)
    world.settle()
    assert world.held() == []
    assert (world.pms.get("customer", mine) or {})["city"] == (world.erp.get("customer", other) or {})["city"]


def test_the_sides_are_brought_together_by_hand(world: World) -> None:
    """Where all say the same, nothing is frozen any more."""
    mine, _ = frozen(world)
    values = world.one_held("frozen").values
    world.pms.edit("customer", mine, city=values["erp"])
    world.settle()
    assert world.held() == []
    world.pms.edit("customer", mine, city="Elverum")
    assert written(world.round()) == 1
