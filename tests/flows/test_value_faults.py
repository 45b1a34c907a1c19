"""D6, D7, D16 and D17 of the fault table with whole rounds: what systems make of values, and which they refuse."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from accord.connectors.memory import Behaviour, cut, default, rounded
from accord.connectors.memory_values import NORMALISERS, clean_text, longest, options, pattern

from .world import World, customer, linked, row, two, written

BAD = "Ǻsheim  &  <b>sønner</b> "
"""Spaces, entities, and a letter with two marks that are not one character."""
HABITS: dict[str, Any] = {**NORMALISERS, "cut": cut(9), "default": default("—")}


def of(world: World, system: str, id: Any) -> dict[str, Any]:
    """A customer as it is now."""
    found = world.systems[system].get("customer", id)
    assert found is not None
    return found


@pytest.mark.parametrize("side", ["pms", "erp"])
@pytest.mark.parametrize("value", [BAD, "+47 22 33 44 55", "", None, "ß ſ İ ﬁ"])
@pytest.mark.parametrize("habit", HABITS)
def test_a_system_that_rewrites_values(tmp_path: Path, habit: str, value: Any, side: str) -> None:
    """What it makes of a value is the base: nothing comes back, nothing bounces, and later edits flow both ways."""
    world = two(tmp_path, **{side: Behaviour(normalise={"city": (HABITS[habit],)})})
    mine, other = linked(world, city=value)
    world.pms.edit("customer", mine, city=value and f"{value} 2", name="Åsheim AS")
    assert written(world.round()) <= 1
    before = of(world, "pms", mine)["city"]
    assert [written(world.round()) for _ in range(3)] == [0, 0, 0]
    assert of(world, "pms", mine)["city"] == before
    world.erp.edit("customer", other, city="Oslo")
    world.settle()
    assert str(of(world, "pms", mine)["city"]).lower() == "oslo"
    assert world.held() == []


def test_a_system_that_rounds(tmp_path: Path) -> None:
    """Six decimals here and two there: no echo, and an edit there comes here."""
    world = two(tmp_path, erp=Behaviour(normalise={"sum": (rounded(2),)}))
    world.flow["rows"].append(row("sum", "decimal(6)"))
    mine, other = linked(world, sum=Decimal("1.234567"))
    assert of(world, "erp", other)["sum"] == Decimal("1.23")
    assert of(world, "pms", mine)["sum"] == Decimal("1.234567")
    world.erp.edit("customer", other, sum=Decimal("2.50"))
    world.settle()
    assert of(world, "pms", mine)["sum"] == Decimal("2.50")


def test_a_computed_property(tmp_path: Path) -> None:
    """What a system computes flows out as it changes; what is written into it is reported once and not sent again."""
    label = {"city": lambda record: f"{record.get('org')}: {record.get('name')}"}
    world = two(tmp_path, erp=Behaviour(computed=label))
    mine, other = linked(world)
    assert of(world, "pms", mine)["city"] is None  # what a system completes at creation is no edit
    world.pms.edit("customer", mine, name="Åsheim AS")
    world.round()
    world.settle()
    assert of(world, "pms", mine)["city"] == of(world, "erp", other)["city"] == "111: Åsheim AS"
    world.pms.edit("customer", mine, city="mine")
    assert written(world.round()) == 1
    assert [written(world.round()) for _ in range(3)] == [0, 0, 0]
    assert world.one_held("rejected").row == "city"


@pytest.mark.parametrize("property", ["read_only", "create_only"])
@pytest.mark.parametrize("silent", [True, False])
def test_fixed_properties_that_nobody_told_us_of(tmp_path: Path, property: str, silent: bool) -> None:
    """A write of them, refused or silently ignored, is shown once with its reason and not repeated for ever."""
    fixed: dict[str, Any] = {property: frozenset({"city"}), "silent": silent, "told": False}
    world = two(tmp_path)
    mine, other = linked(world, city="Oslo")
    world.erp.tables["customer"].behaviour = Behaviour(**fixed)
    world.pms.edit("customer", mine, city="Bergen")
    world.round()
    assert [written(world.round()) for _ in range(3)] == [0, 0, 0]
    item = world.one_held("rejected")
    assert "city" in f"{item.row} {item.reason}"
    assert (of(world, "pms", mine)["city"], of(world, "erp", other)["city"]) == ("Bergen", "Oslo")
    world.pms.edit("customer", mine, name="Åsheim AS", city="Oslo")
    world.settle()
    assert of(world, "erp", other)["name"] == "Åsheim AS"
    assert world.held() == []


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (longest(6), "Trondheim"),
        (pattern(r"[A-Z][a-z]+"), "42"),
        (options("Oslo", "Bergen"), "Atlantis"),
        (clean_text, "Os\0lo"),
        (clean_text, "Os\ud800lo"),
    ],
)
def test_a_value_that_is_refused(tmp_path: Path, check: Any, value: str) -> None:
    """It is shown with the system's own words, stops its record there only, and is sent once it is mended."""
    world = two(tmp_path, erp=Behaviour(checks={"city": (check,)}))
    mine, other = linked(world, city="Oslo")
    world.pms.edit("customer", mine, city=value)
    customer(world.pms, "Berge", "222", city="Bergen")
    world.round()
    assert [written(world.round()) for _ in range(3)] == [0, 0, 0]
    (item,) = world.held()
    assert item.reason
    assert item.kind in ("rejected", "value")
    assert world.names("erp") == ["Berge", "Åsheim"]
    world.pms.edit("customer", mine, city="Bergen")
    world.settle()
    assert of(world, "erp", other)["city"] == "Bergen"
    assert world.held() == []


def test_an_option_that_the_other_side_does_not_know(tmp_path: Path) -> None:
    """An unknown option holds its row and is never mapped to a default; the other rows go on."""
    world = two(tmp_path)
    world.flow["rows"][2] = row("city", "enum", map={"OPEN": 1, "SHUT": 2})
    mine, other = linked(world, city="OPEN")
    world.erp.edit("customer", other, city=7, name="Åsheim AS")
    world.settle()
    item = world.one_held("value")
    assert (item.row, "7" in item.reason) == ("city", True)
    assert (of(world, "pms", mine)["city"], of(world, "pms", mine)["name"]) == ("OPEN", "Åsheim AS")


def test_a_property_that_a_system_has_no_more(tmp_path: Path) -> None:
    """It empties nothing elsewhere; an edit that does not arrive is shown, and the other rows go on."""
    world = two(tmp_path)
    mine, other = linked(world, city="Oslo")
    world.erp.tables["customer"].behaviour = Behaviour(dropped=frozenset({"city"}))
    world.erp.touch("customer", other)
    assert written(world.round(full=True)) == 0
    assert (of(world, "pms", mine)["city"], world.held()) == ("Oslo", [])
    world.pms.edit("customer", mine, city="Bergen", name="Åsheim AS")
    world.settle()
    item = world.one_held("rejected")
    assert (item.row, item.reason) == ("city", "erp answered with success and does not show 'city' any more")
    assert (of(world, "erp", other)["name"], of(world, "pms", mine)["city"]) == ("Åsheim AS", "Bergen")
    world.erp.tables["customer"].behaviour = Behaviour()
    world.pms.edit("customer", mine, city="Trondheim")
    world.settle()
    assert (of(world, "erp", other)["city"], world.held()) == ("Trondheim", [])


def test_a_property_that_must_be_given_from_now_on(tmp_path: Path) -> None:
    """A record that lacks it is refused or held with the reason; records that have it go on."""
    world = two(tmp_path)
    mine, other = linked(world)
    world.erp.tables["customer"].behaviour = Behaviour(required=("city",))
    world.pms.edit("customer", mine, name="Åsheim AS")
    customer(world.pms, "Berge", "222", city="Oslo")
    customer(world.pms, "Dal", "333")
    world.settle()
    assert world.names("erp") == ["Berge", "Åsheim"]
    assert {item.kind for item in world.held()} == {"rejected", "value"}
    assert all("city" in item.reason for item in world.held())
    world.pms.edit("customer", mine, city="Bergen")
    world.settle()
    assert of(world, "erp", other)["name"] == "Åsheim AS"


def test_a_zone_with_summer_time(tmp_path: Path) -> None:
    """A system without offsets in a zone that changes: both hours of the night come over, and none bounces."""
    world = two(tmp_path)
    world.flow["rows"][2] = row("city", "datetime")
    world.file["systems"]["erp"]["clock"] = {"zone": "Europe/Oslo"}
    mine, other = linked(world, city="2026-03-29T00:30:00+00:00")
    assert of(world, "erp", other)["city"].startswith("2026-03-29T01:30:00")
    for utc, oslo in [
        ("2026-03-29T01:30:00+00:00", "03:30"),
        ("2026-10-24T23:30:00+00:00", "01:30"),
        ("2026-12-01T12:00:00Z", "13:00"),
    ]:
        world.pms.edit("customer", mine, city=utc)
        world.settle()
        assert f"T{oslo}:00" in of(world, "erp", other)["city"]
    world.erp.edit("customer", other, city="2026-07-01T12:00:00")
    world.settle()
    assert of(world, "pms", mine)["city"].startswith("2026-07-01T10:00:00")


ODD = [
    "Os\0lo",
    "\u202eolsO\u202c",
    "👨‍👩‍👧‍👦 Osló",
    "x" * 1_000_000,
    "=1+1",
    "<script>alert(1)</script>",
    "\ud800",
    "a\r\nb\tc",
    "\x1b[31m",
]


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
@pytest.mark.parametrize("side", ["pms", "erp"])
def test_odd_text_is_carried_verbatim_or_held(tmp_path: Path, value: str, side: str) -> None:
    """Control signs, emoji, a megabyte, formulas, markup: as they are; or that record alone is held with a reason."""
    world = two(tmp_path)
    mine, theirs = linked(world)
    ids = {"pms": mine, "erp": theirs}
    other = "erp" if side == "pms" else "pms"
    world.systems[side].edit("customer", ids[side], city=value)
    customer(world.pms, "Berge", "222")
    report = world.round()
    assert written(world.round()) == 0
    assert report.errors == []
    assert world.names("erp") == ["Berge", "Åsheim"]
    came = of(world, other, ids[other]).get("city") == value
    assert came != bool(world.held())
    assert all(item.reason for item in world.held())


@pytest.mark.parametrize("type", ["string", "text", "enum", "integer", "decimal(2)", "float", "duration", "money"])
@pytest.mark.parametrize("number", ["1e999999999", "1e-999999999", "1e400000"])
def test_a_number_that_would_fill_the_memory(tmp_path: Path, number: str, type: str) -> None:
    """Nine letters that mean a billion digits: its row is held, at once, and the rest of the record goes on."""
    world = two(tmp_path)
    world.flow["rows"][2] = row("city", type)
    mine, other = linked(world)
    world.pms.edit("customer", mine, city=Decimal(number), name="Åsheim AS")
    world.settle()
    item = world.one_held("value")
    assert (item.row, "is not" in item.reason) == ("city", True)
    assert (of(world, "erp", other)["name"], of(world, "erp", other).get("city")) == ("Åsheim AS", None)


@pytest.mark.parametrize("depth", [99, 101, 500, 5000])
def test_a_value_that_is_nested_too_deeply(tmp_path: Path, depth: int) -> None:
    """Up to a hundred levels it is a value like any other; beyond it that record is held, and the round goes on."""
    world = two(tmp_path)
    world.flow["rows"][2] = row("city", "json")
    mine, other = linked(world)
    value: Any = "x"
    for _ in range(depth - 1):
        value = [value]
    record = {**world.pms.tables["customer"].records[str(mine)], "city": value}
    world.pms.touch("customer", mine)
    record["updated_at"] = of(world, "pms", mine)["updated_at"]
    world.pms.put("customer", str(mine), record)
    customer(world.pms, "Berge", "222")
    assert world.round().errors == []
    assert world.names("erp") == ["Berge", "Åsheim"]
    assert ("city" in of(world, "erp", other)) == (depth < 100)
    assert [item.reason for item in world.held()] == (
        [] if depth < 100 else ["this record cannot be read: nested more than 100 levels deep"]
    )
