"""A value map in a table beside the project file, in whole rounds."""

from __future__ import annotations

from pathlib import Path

from .world import World, linked, row, two


def with_table(folder: Path, text: str, **map: object) -> World:
    """Customers whose country has other names in ERP."""
    (folder / "countries.csv").write_text(text, "utf-8")
    written = row("country", map={"file": "countries.csv", **map})
    return two(folder, rows=[row("name"), row("org"), row("city"), written])


def test_both_directions_and_a_value_without_a_counterpart(tmp_path: Path) -> None:
    """It is held by name, and taken up as soon as the table has it: no other edit is needed."""
    world = with_table(tmp_path, "pms,erp\nNO,Norge\nSE,Sverige\n")
    id, other = linked(world, country="NO")
    assert world.erp.get("customer", other)["country"] == "Norge"  # type: ignore[index]
    world.erp.edit("customer", other, country="Sverige")
    world.settle()
    assert world.pms.get("customer", id)["country"] == "SE"  # type: ignore[index]
    world.pms.edit("customer", id, country="FI")
    world.settle()
    assert "'FI' is not one of the options that are mapped: NO, SE" in world.one_held("value").reason
    (tmp_path / "countries.csv").write_text("pms,erp\nNO,Norge\nSE,Sverige\nFI,Finland\n", "utf-8")
    assert world.settle().held == []
    assert world.erp.get("customer", other)["country"] == "Finland"  # type: ignore[index]


def test_a_changed_line_renames_nothing_that_nobody_edited(tmp_path: Path) -> None:
    """Another name in the table does not rewrite what is agreed; the old name, which it does not have now, is held."""
    world = with_table(tmp_path, "pms,erp\nNO,Norge\n")
    _, other = linked(world, country="NO")
    (tmp_path / "countries.csv").write_text("pms,erp\nNO,Noreg\n", "utf-8")
    world.settle()
    assert world.erp.get("customer", other)["country"] == "Norge"  # type: ignore[index]


def test_several_values_that_become_one_do_not_bounce(tmp_path: Path) -> None:
    """Orange is warm in ERP; what is warm there is no edit to red."""
    world = with_table(tmp_path, "pms,erp\nred,warm\norange,warm\nblue,cold\n", lossy=True)
    id, other = linked(world, country="orange")
    world.erp.edit("customer", other, city="Oslo")
    world.settle()
    assert world.pms.get("customer", id)["country"] == "orange"  # type: ignore[index]
    world.erp.edit("customer", other, country="cold")
    world.settle()
    assert world.pms.get("customer", id)["country"] == "blue"  # type: ignore[index]
