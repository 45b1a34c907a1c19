"""Writes whose answers were lost: found again, sent again or given up, and nothing made twice or thrown away by it."""

from __future__ import annotations

from pathlib import Path

from accord.connectors.memory import Behaviour

from .bad_days import KEYED
from .world import World, customer, customers, linked, row, two, written

GRACE = 120


def test_a_create_that_was_sent_again_is_waited_for_anew(tmp_path: Path) -> None:
    """The second sending may be late as well: until its own grace is over there is no third."""
    world = two(tmp_path, erp=KEYED)
    customer(world.pms, "Berge", "222")
    world.erp.fault("answer_lost_before", operation="create", count=1)
    late = world.erp.fault("late_effect", operation="create", count=1, after=10_000)
    world.round()
    world.clock.advance(GRACE)
    world.round()
    assert late.struck == 1
    world.round()
    world.erp.arrive()
    world.settle()
    assert (world.names("erp"), world.held()) == (["Berge"], [])


def test_a_create_that_was_found_is_in_doubt_no_more(tmp_path: Path) -> None:
    """Found by seed 909000: also while nobody knows yet what came of an update in the same link."""
    systems = {"pms": Behaviour(), "erp": Behaviour(version_check=None), "crm": KEYED}
    rows = [row(name, systems=tuple(systems)) for name in ("name", "org", "city")]
    flow = customers(crm="customer", rows=rows, conflict={"prefer": ["pms"]})
    world = World(tmp_path, {"customer": flow}, **{name: {"customer": systems[name]} for name in systems})
    world.file["systems"]["erp"]["limits"] = {"grace": "1h"}
    customer(world.pms, "Berge", "222")
    customer(world.erp, "Berge & co", "222")
    world.erp.fault("answer_lost_before", operation="update", count=1)
    world.systems["crm"].fault("late_effect", operation="create", count=1, after=10_000)
    world.round()
    world.round()
    assert world.one_held("in_doubt")
    world.systems["crm"].arrive()
    world.round()
    assert (world.names("crm"), world.held()) == (["Berge"], [])
    assert world.names("erp") == ["Berge & co"]
    world.clock.advance(3600)
    assert world.settle().status == 0
    assert {name: world.names(name) for name in systems} == {key: ["Berge"] for key in systems}


def test_a_write_that_was_typed_over_is_in_the_history(tmp_path: Path) -> None:
    """Nobody can tell whether it took effect before that; it is written down with what it would have said."""
    world = two(tmp_path, erp=Behaviour(version_check=None))
    mine, other = linked(world)
    world.erp.fault("answer_lost_after", operation="update", count=1)

    def type_over(phase: str, operation: str, _datatype: str, _id: str | None) -> None:
        if (phase, operation) == ("after", "update"):
            world.erp.edit("customer", other, city="Oslo")

    world.erp.on_request(type_over)
    world.pms.edit("customer", mine, city="Bergen")
    world.round()
    world.clock.advance(GRACE)
    world.settle()
    (line,) = [line for line in world.history() if "may have taken effect" in (line.reason or "")]
    assert (line.op, line.system, line.changes["city"][1]) == ("update", "erp", "Bergen")


def test_an_edit_in_a_record_whose_create_was_lost_is_seen_behind_an_older_listing(tmp_path: Path) -> None:
    """What was listed before it looks just like what was sent."""
    world = two(tmp_path, match=[])
    mine = customer(world.pms, "Berge", "222")
    world.erp.fault("answer_lost_after", operation="create", count=1)
    world.round()
    world.round()
    world.erp.edit("customer", 1, city="Oslo")
    item = world.one_held("in_doubt")
    world.resolve(item, link="erp/customer/1")
    world.round()
    assert written(world.round()) == 0
    assert (world.pms.get("customer", mine) or {})["city"] == "Oslo"


def test_an_old_listing_sets_nothing_back(tmp_path: Path) -> None:
    """It shows a record as it was before our last write: the record is read by its id."""
    world = two(tmp_path, erp=Behaviour(changed_since=None, version_check=None))
    mine, other = linked(world, city="Oslo")
    before = world.erp.requests
    world.pms.edit("customer", mine, city="Bergen")
    world.round()
    world.erp.fault("stale_list", count=1, after=world.erp.requests - before)
    world.round()
    assert (world.pms.get("customer", mine) or {})["city"] == "Bergen"
    assert (world.erp.get("customer", other) or {})["city"] == "Bergen"
    assert world.held() == []
