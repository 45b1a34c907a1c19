"""Brakes in whole rounds: a side that was emptied or is out of sight, a changed file, a limit that was lifted."""

from __future__ import annotations

from pathlib import Path

from .world import World, customer, row, two, written


def many(folder: Path, count: int = 30, **flow: object) -> World:
    """So many customers, linked."""
    world = two(folder, on_delete="propagate", **flow)
    for number in range(count):
        customer(world.pms, f"Customer {number:02}", str(number), zip=f"{number:04}")
    world.settle()
    return world


def test_a_side_that_is_gone_at_once(tmp_path: Path) -> None:
    """More than half of the records, though under the usual limit: held, and the rest goes on."""
    world = many(tmp_path, 16)
    for id in list(world.pms.all("customer"))[:12]:
        world.pms.delete("customer", id)
    customer(world.pms, "Late", "late")
    report = world.round(full=True)
    assert len(world.names("erp")) == 17
    assert "more than half of the" in world.one_held("brake").reason
    assert report.writes["erp"] == {"create": 1, "update": 0, "delete": 0}
    world.round("deletes<=12", full=True)
    assert len(world.names("erp")) == 5
    assert world.held() == []


def test_records_that_were_only_out_of_sight(tmp_path: Path) -> None:
    """They are back: nothing is written about them, and nothing is held any more."""
    world = many(tmp_path, 16)
    fault = world.pms.fault("invisible", share=0.8)
    world.round(full=True)
    assert len(world.names("erp")) == 16
    world.pms.faults.remove(fault)
    for _ in range(2):
        assert written(world.round(full=True)) == 0
    assert world.held() == []


def test_a_changed_file_that_would_rewrite_many_records(tmp_path: Path) -> None:
    """A new row fills thirty records: it is held and says why, until a person has looked; then it goes."""
    world = many(tmp_path)
    world.flow["rows"].append(row("zip"))
    for _ in range(2):
        assert written(world.round()) == 0
        item = world.one_held("brake")
        assert "the project file has changed since the last round" in item.reason
    assert written(world.round("updates<=30")) == 30
    assert written(world.round()) == 0
    assert world.held() == []


def test_a_changed_file_that_changes_little(tmp_path: Path) -> None:
    """A few records are written at once, and later edits are edits."""
    world = many(tmp_path, 10)
    world.flow["rows"].append(row("zip"))
    assert written(world.round()) == 10
    for id in world.pms.all("customer"):
        world.pms.edit("customer", id, city="Oslo")
    assert written(world.round()) == 10


def test_a_row_that_is_taken_out_empties_nothing(tmp_path: Path) -> None:
    """Unmapping never nulls."""
    world = many(tmp_path, 25)
    del world.flow["rows"][0]
    for _ in range(2):
        assert written(world.round()) == 0
    assert world.names("erp") == world.names("pms")


def test_who_lifted_a_limit_is_in_the_history(tmp_path: Path) -> None:
    """With what it would have held, and the ceiling."""
    world = many(tmp_path, 30, limits={"update": 5})
    for id in list(world.pms.all("customer"))[:8]:
        world.pms.edit("customer", id, city="Oslo")
    world.round()
    assert world.one_held("brake")
    world.round("updates<=8", by="Kari")
    (line,) = [line for line in world.history() if line.op == "approve"]
    assert (line.by, line.reason) == ("Kari", "8 updates in erp: more than 5; approved up to 8")


def test_one_property_that_changes_everywhere_is_told_first(tmp_path: Path) -> None:
    """An import, or a zone: the plan says so before it lists the writes."""
    world = many(tmp_path, 60)
    for id in world.pms.all("customer"):
        world.pms.edit("customer", id, city="Oslo")
    (notice,) = world.plan().notices
    assert "city would change in 60 of 60 linked records of erp at once" in notice


def test_a_limit_is_one_for_all_passes_of_a_round(tmp_path: Path) -> None:
    """Found by seed 309715: a deletion that only the second pass notices counts with those of the first."""
    world = many(tmp_path, 3, limits={"delete": 1})
    world.flow["on_delete"] = "delete_wins"
    first, second = list(world.pms.all("customer"))[:2]
    world.pms.delete("customer", first)
    world.erp.edit("customer", world.link_of("pms", second).members[1].ref.id, city="Oslo")

    def meddle(phase: str, operation: str, datatype: str, id: str | None) -> None:
        if (phase, operation, id) == ("before", "update", str(second)) and second in world.pms.all("customer"):
            world.pms.delete("customer", second)

    world.pms.on_request(meddle)
    world.round(full=True)
    assert len(world.names("erp")) == 2
    assert "1 deletes in erp, after 1 in this run: more than 1" in world.one_held("brake").reason
    world.round(full=True)
    assert len(world.names("erp")) == 1
    assert world.held() == []
