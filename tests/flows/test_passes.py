"""What waits for records made in this very run, and what was refused because its ground moved, goes in the same run."""

from __future__ import annotations

from pathlib import Path

import pytest

from accord.connectors.memory import Behaviour
from accord.connectors.memory_faults import FaultName

from .world import PLAIN, World, customer, linked, project, two, with_projects, written


def edit_once(world: World, system: str, operation: str, id: str | int, **values: object) -> None:
    """Somebody edits a record just when a request about it arrives."""
    done: list[str] = []

    def hook(phase: str, name: str, _datatype: str, at: str | None) -> None:
        if (phase, name) == ("before", operation) and not done and at in (None, str(id)):
            done.append(name)
            world.systems[system].edit("customer", id, values)

    world.systems[system].on_request(hook)


def test_a_chain(trade: World) -> None:
    """A customer, its project, and five projects below one another: all in one run, each below the right one."""
    id = customer(trade.pms, "Berge", "222")
    above = None
    for n in range(6):
        above = project(trade.pms, f"P{n}", id, above)
    report = trade.round()
    assert (report.status, written(report)) == (0, 7)
    made = trade.records("erp", "project", "title")
    assert all(made[f"P{n}"]["parent"] == made[f"P{n - 1}"]["id"] for n in range(1, 6))
    assert written(trade.round()) == 0


def test_a_chain_upside_down(trade: World) -> None:
    """Records that arrive before those they refer to wait for them, within the run."""
    for n in range(5):
        project(trade.pms, f"P{n}", None, n + 2 if n < 4 else None)
    assert trade.round().status == 0
    made = trade.records("erp", "project", "title")
    assert all(made[f"P{n}"]["parent"] == made[f"P{n + 1}"]["id"] for n in range(4))
    assert written(trade.round()) == 0


def test_a_circle(trade: World) -> None:
    """Three projects in a circle are made in one run, and closed by one second write."""
    for n in range(3):
        project(trade.pms, f"P{n}", None, (n + 1) % 3 + 1)
    report = trade.round()
    assert (report.status, written(report)) == (0, 4)
    made = trade.records("erp", "project", "title")
    assert all(made[f"P{n}"]["parent"] == made[f"P{(n + 1) % 3}"]["id"] for n in range(3))
    assert written(trade.round()) == 0


def test_a_record_that_refers_to_itself(trade: World) -> None:
    """The shortest circle of all."""
    project(trade.pms, "P1", None, 1)
    assert trade.round().status == 0
    made = trade.records("erp", "project", "title")["P1"]
    assert made["parent"] == made["id"]


def test_circles_from_both_sides(trade: World) -> None:
    """Each side has a circle of its own, and both are made on the other."""
    for system in (trade.pms, trade.erp):
        for n in range(2):
            project(system, f"{system is trade.pms} {n}", None, 2 - n)
    trade.settle()
    for name in ("pms", "erp"):
        made = trade.records(name, "project", "title")
        assert len(made) == 4
        assert all(record["parent"] not in (None, record["id"]) for record in made.values())


def test_a_circle_where_the_reference_is_required(tmp_path: Path) -> None:
    """A circle that cannot be opened waits, and holds nothing else."""
    world = with_projects(tmp_path, erp=Behaviour(required=("parent",)))
    customer(world.pms, "Berge", "222")
    for n in range(2):
        project(world.pms, f"P{n}", None, 2 - n)
    world.settle()
    assert world.names("erp", "project", "title") == []
    assert world.names("erp") == ["Berge"]


def test_a_stale_write(world: World) -> None:
    """Somebody edits another row just before our write: it is planned again, and both edits arrive in this run."""
    id, other = linked(world)
    world.pms.edit("customer", id, city="Oslo")
    edit_once(world, "erp", "update", other, name="Åsheim AS")
    report = world.round()
    assert report.status == 0
    for name in ("pms", "erp"):
        assert world.records(name)["Åsheim AS"]["city"] == "Oslo"
    assert written(world.round()) == 0


def test_a_stale_write_that_is_a_conflict(world: World) -> None:
    """Somebody edits the very row just before our write: nothing is overwritten, it is asked in this run."""
    id, other = linked(world)
    world.pms.edit("customer", id, city="Oslo")
    edit_once(world, "erp", "update", other, city="Bergen")
    assert world.round().status == 3
    assert world.one_held("conflict").values == {"pms": "Oslo", "erp": "Bergen"}
    assert world.erp.get("customer", other)["city"] == "Bergen"  # type: ignore[index]


def test_always_stale(world: World) -> None:
    """A system that always says stale ends the run after a few passes; nothing is lost."""
    id, other = linked(world)
    world.pms.edit("customer", id, city="Oslo")
    fault = world.erp.fault("stale", operation="update")
    world.round()
    assert 1 < fault.struck < 20
    world.erp.calm()
    world.settle()
    assert world.erp.get("customer", other)["city"] == "Oslo"  # type: ignore[index]


def test_deletes_go_children_first(tmp_path: Path) -> None:
    """A record that others refer to is deleted after them, in the same run."""
    world = with_projects(
        tmp_path, erp=Behaviour(references={"customer": "customer", "parent": "project"}), on_delete="propagate"
    )
    world.file["flows"]["customer"]["on_delete"] = "propagate"
    id = customer(world.pms, "Berge", "222")
    above = None
    for n in range(4):
        above = project(world.pms, f"P{n}", id, above)
    world.settle()
    for n in range(4, 0, -1):
        world.pms.delete("project", n)
    world.pms.delete("customer", id)
    report = world.round(full=True)
    assert (report.status, report.writes["erp"]["delete"]) == (0, 5)
    assert world.held() == []


def test_a_delete_that_is_refused_for_good(tmp_path: Path) -> None:
    """A record that something else refers to stays, is held once, and the link stays too."""
    world = with_projects(tmp_path, erp=Behaviour(references={"customer": "customer"}))
    world.file["flows"]["customer"]["on_delete"] = "propagate"
    world.file["flows"]["project"]["link"] = "match-only"
    world.file["flows"]["project"]["match"] = [["title"]]
    id = customer(world.pms, "Berge", "222")
    world.settle()
    project(world.erp, "Only here", 1)
    world.pms.delete("customer", id)
    world.round(full=True)
    assert world.one_held("rejected").reason == "delete in erp was refused: a project refers to it"
    world.erp.delete("project", 1)
    world.resolve(world.one_held("rejected"), retry=True)
    assert world.round(full=True).status == 0
    assert world.names("erp") == []


def test_plain() -> None:
    """The systems of these tests refuse what is stale by its version."""
    assert PLAIN.version_check == "version"


@pytest.mark.parametrize("lost", ["answer_lost_before", "answer_lost_after"])
def test_an_update_whose_answer_was_lost_is_known_in_the_same_run(tmp_path: Path, lost: FaultName) -> None:
    """Under a version check the same write is sent once more: at most one of the two takes effect, nobody waits."""
    world = two(tmp_path)
    mine, other = linked(world)
    world.pms.edit("customer", mine, city="Bergen")
    world.erp.fault(lost, operation="update", count=1)
    report = world.round()
    assert (report.status, report.held) == (0, [])
    assert world.erp.get("customer", other)["city"] == "Bergen"
    assert written(world.round()) == 0


def test_an_edit_seen_by_a_point_read_and_set_back_is_noticed(tmp_path: Path) -> None:
    """The next listing shows what the last one showed; what was read in between is what it is compared with."""
    world = two(tmp_path, erp=Behaviour(changed_since=None))
    mine, other = linked(world, city="a")
    world.pms.edit("customer", mine, city="p")
    world.erp.edit("customer", other, city="e")
    world.round()  # a conflict: from now on the record is read by its id before anything is planned
    edit_once(world, "erp", "get", other, name="Seen")
    world.pms.edit("customer", mine, org="222")
    world.round()
    assert world.pms.get("customer", mine)["name"] == "Seen"
    world.erp.edit("customer", other, name="Åsheim")
    world.round()
    assert world.pms.get("customer", mine)["name"] == "Åsheim"
