"""What we wrote is taken back only where nobody has touched it since, and does not bounce."""

from __future__ import annotations

from typing import Any

import pytest

from accord.core.guard import Approval
from accord.engine.report import Report
from accord.engine.round import Caller, undo_round
from accord.engine.setting import Options
from accord.engine.undoing import Wanted
from accord.errors import UsageError
from accord.model import LinkState

from .world import World, customer, linked, project, written


def undo(world: World, *approve: str, carry_out: bool = True, **wanted: Any) -> Report:
    """`accord undo … --apply` by Kari."""
    approvals = tuple(Approval.parse(text) for text in approve)
    options = Options(by="Kari", approvals=approvals)
    return undo_round(world.project(), Wanted(**wanted), options, Caller(clock=world.clock), carry_out=carry_out)


def city(world: World, system: str, id: str | int) -> Any:
    """Where a customer is."""
    return (world.systems[system].get("customer", id) or {})["city"]


def edited(world: World) -> tuple[str | int, str, int]:
    """A customer that moved to Bergen in PMS, and the run that told ERP."""
    mine, other = linked(world)
    world.pms.edit("customer", mine, city="Asker")
    world.round()
    world.pms.edit("customer", mine, city="Bergen")
    return mine, other, world.round().run


def test_an_edit_that_was_carried_over_is_taken_back(world: World) -> None:
    """Where it was made it stays; nothing flows until somebody decides, and both values are shown."""
    mine, other, run = edited(world)
    assert written(undo(world, run=run)) == 1
    assert (city(world, "pms", mine), city(world, "erp", other)) == ("Bergen", "Asker")
    for _ in range(2):
        assert written(world.round(full=True)) == 0
    item = world.one_held("frozen")
    assert item.values == {"pms": "Bergen", "erp": "Asker", "agreed": "Bergen"}
    assert f"undo of run {run}" in item.reason


@pytest.mark.parametrize(("take", "value"), [("pms", "Bergen"), ("erp", "Asker")])
def test_a_person_decides_after_an_undo(world: World, take: str, value: str) -> None:
    """Then both sides have it, and all is quiet."""
    mine, other, run = edited(world)
    undo(world, run=run)
    world.round()
    world.resolve(world.one_held("frozen"), take=take)
    world.settle()
    assert (city(world, "pms", mine), city(world, "erp", other)) == (value, value)
    assert world.held() == []


def test_what_a_person_changed_since_is_left_alone(world: World) -> None:
    """And named."""
    _, other, run = edited(world)
    world.erp.edit("customer", other, city="Drammen")
    report = undo(world, run=run)
    assert written(report) == 0
    assert [item["reason"] for item in report.left or ()] == ["changed since by somebody else"]
    assert city(world, "erp", other) == "Drammen"


def test_what_a_later_run_wrote_again_is_left_alone(world: World) -> None:
    """The later run must be undone first."""
    mine, other, run = edited(world)
    world.pms.edit("customer", mine, city="Elverum")
    later = world.round().run
    report = undo(world, run=run)
    assert (written(report), city(world, "erp", other)) == (0, "Elverum")
    assert f"run {later}" in (report.left or [{}])[0]["reason"]
    assert written(undo(world, run=later)) == 1
    assert city(world, "erp", other) == "Bergen"


def test_an_undo_is_shown_before_it_is_done(world: World) -> None:
    """Nothing is written, and nothing is held because of it."""
    _, other, run = edited(world)
    report = undo(world, run=run, carry_out=False)
    (write,) = report.writes_planned or []
    assert (write["op"], write["changes"]) == ("update", {"city": ["Bergen", "Asker"]})
    assert city(world, "erp", other) == "Bergen"
    assert world.held() == []


def test_an_undo_can_be_undone(world: World) -> None:
    """Then all is as it was, and nothing is held."""
    _, other, run = edited(world)
    again = undo(world, run=run).run
    undo(world, run=again)
    assert city(world, "erp", other) == "Bergen"
    world.settle()
    assert world.held() == []


def test_a_record_that_was_created_is_deleted(world: World) -> None:
    """Its source stays, and gets no counterpart again by a rule."""
    customer(world.pms, "Åsheim", "111")
    run = world.round().run
    assert written(undo(world, run=run)) == 1
    assert world.names("erp") == []
    for _ in range(2):
        assert written(world.round(full=True)) == 0
    assert world.names("pms") == ["Åsheim"]
    assert [link.state for link in world.links()] == []


@pytest.mark.parametrize("change", [{"city": "Bergen"}, {"memo": "called"}, {"name": "Aasheim"}])
def test_a_created_record_that_was_edited_is_not_deleted(world: World, change: dict[str, Any]) -> None:
    """Also where only a property was changed that no row names."""
    customer(world.pms, "Åsheim", "111")
    run = world.round().run
    (id,) = world.erp.all("customer")
    world.erp.edit("customer", id, change)
    report = undo(world, run=run)
    assert (written(report), len(world.names("erp"))) == (0, 1)
    assert (report.left or [{}])[0]["reason"] == "changed since by somebody else"


def test_a_created_record_that_others_refer_to_is_not_deleted(trade: World) -> None:
    """Unless these are undone with it: then children go first."""
    owner = customer(trade.pms, "Åsheim", "111")
    run = trade.round().run
    project(trade.pms, "Roof", owner)
    later = trade.round().run
    report = undo(trade, run=run)
    assert written(report) == 0
    assert "refers to it" in (report.left or [{}])[0]["reason"]
    undo(trade, run=later)
    assert written(undo(trade, run=run)) == 1
    assert (trade.names("erp"), trade.names("erp", "project", "title")) == ([], [])


def test_a_whole_run_with_children_and_parents(trade: World) -> None:
    """Created in one run, taken back in one."""
    owner = customer(trade.pms, "Åsheim", "111")
    project(trade.pms, "Roof", owner)
    run = trade.round().run
    assert written(undo(trade, run=run)) == 2
    assert (trade.names("erp"), trade.names("erp", "project", "title")) == ([], [])
    assert written(trade.round(full=True)) == 0


def test_a_deletion_that_was_carried_over(world: World) -> None:
    """The record is made again from what is known; it is in no link, and nothing else happens to it."""
    world.flow["on_delete"] = "propagate"
    mine, _ = linked(world)
    world.pms.delete("customer", mine)
    run = world.round(full=True).run
    assert world.names("erp") == []
    assert written(undo(world, run=run)) == 1
    assert world.names("erp") == ["Åsheim"]
    for _ in range(2):
        assert written(world.round(full=True)) == 0
    assert world.names("pms") == []


def archived(world: World, property: str = "status") -> tuple[str, int]:
    """A customer that was deleted in PMS and so archived in ERP, where nobody had touched it: its id, and the run."""
    world.flow["on_delete"] = {"archive": {property: "closed"}}
    mine, other = linked(world, city="Oslo")
    world.erp.edit("customer", other, status="key account")
    world.settle()
    world.pms.delete("customer", mine)
    return other, world.round(full=True).run


@pytest.mark.parametrize(("property", "before"), [("status", "key account"), ("city", "Oslo")])
def test_an_archived_record_is_what_it_was(world: World, property: str, before: str) -> None:
    """Also in a property that no row names; its link stays closed, and all is quiet."""
    other, run = archived(world, property)
    assert (world.erp.get("customer", other) or {})[property] == "closed"
    lines = [line for line in world.history() if line.run == run and line.op == "update"]
    assert [dict(line.changes) for line in lines] == [{property: [before, "closed"]}]
    report = undo(world, run=run)
    assert (written(report), report.left) == (1, [])
    assert (world.erp.get("customer", other) or {})[property] == before
    for _ in range(2):
        assert written(world.round(full=True)) == 0
    assert (world.links(), world.names("pms")) == ([], [])


def test_the_undo_of_an_archive_can_be_undone(world: World) -> None:
    """It is archived again."""
    other, run = archived(world)
    again = undo(world, run=run).run
    assert written(undo(world, run=again)) == 1
    assert (world.erp.get("customer", other) or {})["status"] == "closed"


def test_an_archived_record_that_somebody_took_up_again_is_left_alone(world: World) -> None:
    """And named."""
    other, run = archived(world)
    world.erp.edit("customer", other, status="prospect")
    report = undo(world, run=run)
    assert (written(report), [item["reason"] for item in report.left]) == (0, ["changed since by somebody else"])
    assert (world.erp.get("customer", other) or {})["status"] == "prospect"


def test_what_was_written_before_it_was_archived_stays(world: World) -> None:
    """The link is closed: only what marks the record as archived is taken back."""
    world.flow["on_delete"] = {"archive": {"status": "closed"}}
    mine, other, _ = edited(world)
    world.pms.delete("customer", mine)
    world.round(full=True)
    number = next(line.link for line in world.history() if line.ref == f"erp/customer/{other}")
    report = undo(world, link=number)
    record = world.erp.get("customer", other) or {}
    assert (record["status"], record["city"]) == (None, "Bergen")
    assert [item["reason"] for item in report.left] == [f"link {number} is closed"]


def test_one_row_of_one_record(world: World) -> None:
    """The others stay as they were written."""
    mine, other = linked(world)
    world.pms.edit("customer", mine, {"city": "Bergen", "name": "Aasheim"})
    world.round()
    undo(world, link=world.link_of("pms", mine).id, row="city")
    found = world.erp.get("customer", other) or {}
    assert (found["name"], found["city"]) == ("Aasheim", None)


def test_limits_hold_an_undo(world: World) -> None:
    """Like any plan, until somebody approves it."""
    world.flow["limits"] = {"delete": 1}
    for number in range(3):
        customer(world.pms, f"Customer {number}", str(number))
    run = world.round().run
    report = undo(world, run=run)
    assert (written(report), report.status) == (0, 3)
    assert written(undo(world, "deletes<=3", run=run)) == 3


def test_there_is_nothing_to_undo(world: World) -> None:
    """A run that wrote nothing is named."""
    linked(world)
    with pytest.raises(UsageError, match="run 99"):
        undo(world, run=99)


def test_an_undo_that_dies_is_finished(world: World) -> None:
    """Its plan is stored before its write, like every plan."""
    mine, other, run = edited(world)
    world.erp.fault("answer_lost_after", operation="update", count=1)
    undo(world, run=run)
    world.clock.advance(300)
    world.round()
    world.round()
    assert city(world, "erp", other) == "Asker"
    assert world.one_held("frozen").row == "city"
    assert world.link_of("pms", mine).state is LinkState.LINKED
