"""Lists of objects with a key, in whole rounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .world import World, linked, row, two, written

SKU = {"pms": "sku", "erp": "item.no", "name": "sku"}
QTY = {"pms": "qty", "erp": "quantity", "type": "decimal(2)", "name": "qty"}


def orders(folder: Path, **more: Any) -> World:
    """Customers with the lines of their order."""
    items = {"key": "sku", "rows": [SKU, QTY]}
    return two(folder, rows=[row("name"), row("org"), row("lines", "list(object)", items=items, **more)])


def lines(world: World, system: str) -> Any:
    """As a system shows them."""
    (record,) = world.systems[system].all("customer").values()
    return record["lines"]


def test_edits_on_both_sides_meet_in_the_list(tmp_path: Path) -> None:
    """Created, then edited on both sides: joined, and quiet; what nobody maps stays."""
    world = orders(tmp_path)
    id, other = linked(world, lines=[{"sku": "A", "qty": 1, "bin": 7}, {"sku": "B", "qty": 2}])
    assert lines(world, "erp") == [{"item": {"no": "A"}, "quantity": 1}, {"item": {"no": "B"}, "quantity": 2}]
    world.pms.edit("customer", id, lines=[{"sku": "A", "qty": 5, "bin": 7}, {"sku": "B", "qty": 2}])
    ours = [{"item": {"no": "A"}, "quantity": 1, "vat": 25}, {"item": {"no": "C"}, "quantity": 9}]
    world.erp.edit("customer", other, lines=ours)
    assert world.settle().held == []
    assert lines(world, "pms") == [{"sku": "A", "qty": 5, "bin": 7}, {"sku": "C", "qty": 9}]
    assert lines(world, "erp") == [{"item": {"no": "A"}, "quantity": 5, "vat": 25}, ours[1]]
    assert written(world.round()) == 0


def test_a_conflict_in_one_line_is_resolved_and_nothing_else_is_lost(tmp_path: Path) -> None:
    """The reason names the line; `--take erp` is about the line, and not about the list."""
    world = orders(tmp_path)
    id, other = linked(world, lines=[{"sku": "A", "qty": 1}])
    world.pms.edit("customer", id, lines=[{"sku": "A", "qty": 5}, {"sku": "B", "qty": 2}])
    world.erp.edit("customer", other, lines=[{"item": {"no": "A"}, "quantity": 7}])
    world.settle()
    item = world.one_held("conflict")
    assert item.reason == "qty of sku=A was edited differently (pms: 5; erp: 7)"
    world.resolve(item, take="erp")
    world.settle()
    assert lines(world, "pms") == [{"sku": "A", "qty": 7}, {"sku": "B", "qty": 2}]
    assert [each["quantity"] for each in lines(world, "erp")] == [7, 2]
    assert world.held() == []


def test_two_lines_of_one_key_hold_the_list_and_no_other_row(tmp_path: Path) -> None:
    """P6; mended, it flows."""
    world = orders(tmp_path)
    id, other = linked(world, lines=[{"sku": "A", "qty": 1}])
    world.pms.edit("customer", id, name="Ås", lines=[{"sku": "A", "qty": 1}, {"sku": "A", "qty": 2}])
    world.settle()
    assert "elements 1 and 2 of the list have one key: sku=A" in world.one_held("value").reason
    assert world.erp.get("customer", other)["name"] == "Ås"  # type: ignore[index]
    world.pms.edit("customer", id, lines=[{"sku": "A", "qty": 3}])
    assert world.settle().held == []
    assert lines(world, "erp") == [{"item": {"no": "A"}, "quantity": 3}]
