"""D1 to D5 of the fault table with whole rounds: what a listing shows is a hint, and so is a clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from accord.connectors.memory_faults import FaultName
from accord.connectors.memory_life import set_back

from .bad_days import KEYED, BadDay
from .world import customer, project, with_projects, written

LISTINGS: list[tuple[FaultName, dict[str, Any]]] = [
    ("empty_list", {}),
    ("short_list", {"share": 0.3}),
    ("short_list", {"share": 0.9}),
    ("page_drift", {}),
    ("one_record_twice", {}),
    ("order_changes", {}),
    ("stale_list", {"after": 4}),
    ("stale_list", {"after": 10}),
    ("stale_list", {"after": 25}),
    ("wrong_total", {}),
    ("null_version", {}),
]


@pytest.mark.parametrize("since", ["inclusive", None])
@pytest.mark.parametrize("total", [False, True])
@pytest.mark.parametrize(("name", "settings"), LISTINGS)
def test_a_listing_that_lies(tmp_path: Path, name: FaultName, settings: Any, total: bool, since: Any) -> None:
    """Whole, short, old or mixed up: no delete and no create comes of it, and the day ends in step."""
    behaviour = replace(KEYED, changed_since=since, page_size=2, total=total)
    day = BadDay(tmp_path, behaviour, behaviour)
    faults = [system.fault(name, operation="list", **settings) for system in day.world.systems.values()]
    day.play(rounds=6)
    assert all(fault.struck for fault in faults)
    day.done_or_seen_later(since)


@pytest.mark.parametrize("check", ["version", "where", None])
@pytest.mark.parametrize("after", [3, 12, 25])
@pytest.mark.parametrize("share", [0.6, 1.0])
def test_a_point_read_from_a_replica_that_is_behind(tmp_path: Path, share: float, after: int, check: Any) -> None:
    """Within a round, what we have just written looks undone: it is no edit, and nobody's edit is set back."""
    behaviour = replace(KEYED, version_check=check, changed_since=None)
    day = BadDay(tmp_path, behaviour, behaviour)
    faults = [system.fault("stale_replica", after=after, rate=share) for system in day.world.systems.values()]
    faults += [system.fault("stale_list", after=after) for system in day.world.systems.values()]
    day.work()
    for _ in range(4):
        for system in day.world.systems.values():
            system.catch_up()
        day.world.round()
        day.safe()
    assert sum(fault.struck for fault in faults) > 4
    day.calm()
    day.done()


@pytest.mark.parametrize("since", ["inclusive", "exclusive"])
@pytest.mark.parametrize("resolution", [0.0, 1.0, 60.0])
@pytest.mark.parametrize("skew", [-90.0, 0.0, 90.0])
def test_clocks_ahead_behind_and_coarse(tmp_path: Path, skew: float, resolution: float, since: Any) -> None:
    """Each system reads its own times only, so that a wrong clock hides no edit."""
    behaviour = replace(KEYED, resolution=resolution, changed_since=since)
    day = BadDay(tmp_path, behaviour, behaviour, skew=skew)
    day.play()
    day.done()


@pytest.mark.parametrize("jump", [-86400.0, 86400.0])
def test_a_clock_that_jumps(tmp_path: Path, jump: float) -> None:
    """Edits made behind the cursor are found by the next full listing at the latest."""
    day = BadDay(tmp_path)
    day.world.erp.skew = jump
    day.work()
    day.world.round()
    day.world.erp.skew = 0.0
    day.world.round(full=True)
    day.calm()
    day.done()


def test_a_modification_time_that_moves_backwards(tmp_path: Path) -> None:
    """An import brings its own old times: the full listing sees the edit by its content."""
    day = BadDay(tmp_path)
    day.entered.add("Berg")
    set_back(day.world.erp, "customer", day.of(day.world.erp, "444")["id"], {"name": "Berg"}, 86400)
    assert written(day.world.round()) == 0
    day.world.round(full=True)
    assert day.shown(day.world.pms)["444"] == ("Berg", None)


def test_an_edit_that_moves_no_time(tmp_path: Path) -> None:
    """The periodic full listing finds it by its fingerprint."""
    day = BadDay(tmp_path, erp=replace(KEYED, untimed=frozenset({"city"})))
    day.edit(day.world.erp, "444", city="Hamar")
    assert written(day.world.round()) == 0
    day.world.clock.advance(timedelta(days=8).total_seconds())
    day.world.round()
    assert day.shown(day.world.pms)["444"] == ("Eid", "Hamar")


def test_touched_without_a_change(tmp_path: Path) -> None:
    """A background job saves every record again: times and versions move, and nothing is written."""
    day = BadDay(tmp_path)
    for _ in range(3):
        for id in day.world.erp.all("customer"):
            day.world.erp.touch("customer", id)
        assert written(day.world.round()) == 0
    day.work()
    day.calm()
    day.done()


@pytest.mark.parametrize("fault", ["touched", "null_version"])
def test_versions_that_say_nothing(tmp_path: Path, fault: FaultName) -> None:
    """A version that moves at each write without a change, or is not shown: planned again, and done in the end."""
    day = BadDay(tmp_path)
    strikes = [system.fault(fault, count=2) for system in day.world.systems.values()]
    day.play(rounds=1)
    assert all(strike.struck for strike in strikes)
    day.done()


def test_an_old_listing_shows_what_was_deleted(tmp_path: Path) -> None:
    """It has not come back: nobody is asked about it, and nothing is made of it."""
    day = BadDay(tmp_path, erp=replace(KEYED, changed_since=None))
    day.world.pms.delete("customer", day.of(day.world.pms, "333")["id"])
    day.world.round()
    assert "333" not in day.shown(day.world.erp)
    fault = day.world.erp.fault("stale_list", after=3)
    assert written(day.world.round()) == 0
    assert (fault.struck, day.world.held()) == (1, [])


@pytest.mark.parametrize("since", ["inclusive", None])
def test_a_listing_that_is_not_believed_leaves_nothing_behind(tmp_path: Path, since: Any) -> None:
    """What was said to be gone while the listing was wrong does not count as gone in the next round either."""
    behaviour = replace(KEYED, changed_since=since)
    day = BadDay(tmp_path, behaviour, behaviour)
    day.world.erp.fault("empty_list", count=1)
    lost = day.world.erp.fault("invisible", ids=frozenset({str(day.of(day.world.erp, "444")["id"])}))
    assert day.world.round(full=True).errors
    lost.count = 0
    day.world.erp.fault("unreachable", operation="get")
    day.world.round()
    day.calm()
    assert "444" in day.shown(day.world.pms)
    assert day.world.held() == []


def test_beside_a_listing_that_is_not_believed_the_others_count_for_nothing(tmp_path: Path) -> None:
    """Found by `accord simulate` (erp-by-sql, seed 710218): a customer that only an honest listing would have shown
    was made a second time, because the next round asked for changes only.
    """
    world = with_projects(tmp_path)
    bridge = project(world.pms, "Bridge")
    world.settle()
    customer(world.pms, "Berge", "222")
    customer(world.erp, "Berge", "222")
    fault = world.pms.fault("empty_list")
    assert world.round(full=True).errors
    world.pms.faults.remove(fault)
    world.settle()
    assert (world.names("pms"), world.names("erp")) == (["Berge"], ["Berge"])
    assert world.pms.get("project", bridge) is not None


@pytest.mark.parametrize("since", ["inclusive", None])
def test_a_visibility_accident(tmp_path: Path, since: Any) -> None:
    """Eight of ten records vanish from listings and point reads: the brake holds, and afterwards nothing has been."""
    behaviour = replace(KEYED, changed_since=since)
    day = BadDay(tmp_path, behaviour, behaviour)
    for number in range(40):
        day.make(day.world.pms, f"K{number}", f"9{number:02}")
    day.world.round()
    before = day.shown(day.world.erp)
    hidden = day.world.erp.fault("invisible", share=0.8)
    for _ in range(3):
        report = day.world.round(full=True)
        assert sum(ops["delete"] + ops["create"] for ops in report.writes.values()) == 0
    assert sum(hidden.hides("customer", id) for id in day.world.erp.all("customer")) > 30
    assert any(item.kind in ("brake", "delete") for item in day.world.held()) or report.status == 1
    day.calm()
    day.world.round(full=True)
    assert day.shown(day.world.erp) == day.shown(day.world.pms) == before
    assert day.world.held() == []
