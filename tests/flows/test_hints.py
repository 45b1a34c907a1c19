"""E1 and E2 of the fault table: a hint says where to look, and nothing else of it is believed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from accord.connectors.memory import Behaviour
from accord.connectors.memory_hints import Hints
from accord.engine.report import Report
from accord.model import Ref

from .bad_days import KEYED, BadDay
from .world import World, customer, linked, two, written


class Told:
    """What the hints of both systems have said since the last round."""

    def __init__(self, world: World, **faults: Any) -> None:
        self.world, self.refs = world, list[Ref]()
        self.hints = [self._of(name, faults) for name in world.systems]

    def _of(self, name: str, faults: Any) -> Hints:
        system = self.world.systems[name]
        return Hints(system=system, tell=lambda datatype, id: self.refs.append(Ref(name, datatype, id)), **faults)

    def arrive(self) -> None:
        """What was late is told."""
        for hints in self.hints:
            hints.arrive()

    def round(self, **options: Any) -> Report:
        """A round that reads what was told."""
        refs, self.refs = self.refs, []
        return self.world.round(hints=refs, **{"hints_only": True, **options})


def lists(world: World) -> list[str]:
    """Filled with the datatype of each listing from now on."""
    seen: list[str] = []
    for system in world.systems.values():
        system.on_request(
            lambda phase, op, datatype, _id: seen.append(datatype) if (phase, op) == ("before", "list") else None
        )
    return seen


def test_a_day_with_hints_only(tmp_path: Path) -> None:
    """Edits, new records and deletions on both sides come over without a single listing."""
    day = BadDay(tmp_path)
    told, seen = Told(day.world), lists(day.world)
    day.work()
    for _ in range(3):
        told.round()
        day.safe()
    assert seen == []
    assert written(told.round()) == 0
    day.done()


@pytest.mark.parametrize(
    "faults",
    [{"doubled": 1.0}, {"mixed_up": True}, {"late": 0.5}, {"late": 1.0, "doubled": 1.0, "mixed_up": True}],
    ids=str,
)
def test_hints_twice_late_and_out_of_order(tmp_path: Path, faults: Any) -> None:
    """The same end as without: what counts is what the record is when it is read."""
    day = BadDay(tmp_path)
    told = Told(day.world, **faults)
    day.work()
    for _ in range(4):
        told.round()
        day.safe()
        told.arrive()
    told.round()
    assert written(told.round()) == 0
    day.done()


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_lost_hints_are_made_up_by_the_next_listing(tmp_path: Path, share: float) -> None:
    """Hints move no cursor: the next round without them finds what they did not tell."""
    day = BadDay(tmp_path)
    told = Told(day.world, lost=share)
    day.work()
    told.round()
    day.safe()
    for _ in range(2):
        day.world.round()
    day.calm()
    day.done()


def test_a_hint_about_our_own_write(world: World) -> None:
    """It is read, found as it was left, and nothing is written back."""
    told = Told(world)
    customer(world.pms, "Åsheim", "111")
    world.settle()
    assert {ref.system for ref in told.refs} == {"pms", "erp"}
    assert written(told.round()) == 0
    assert world.history()[-1].op == "create"


def test_a_hint_for_something_already_gone(world: World) -> None:
    """A member that is gone is a deletion, as its system confirms it; what we never knew leaves no trace."""
    _mine, other = linked(world)
    told = Told(world)
    stranger = customer(world.erp, "Berge", "222")
    world.erp.delete("customer", stranger)
    world.erp.delete("customer", other)
    told.round()
    item = world.one_held("delete")
    assert set(item.refs) == {f"erp/customer/{other}", "pms/customer/1"}
    assert item.reason.startswith("deleted in erp")
    assert world.pairs() == ["pms/1 erp/1"]


def test_a_hint_deletes_nothing_that_is_there(world: World) -> None:
    """A late hint about a deletion that was undone meanwhile: the record is read, and it is there."""
    _mine, other = linked(world)
    report = world.round(hints=[Ref("erp", "customer", other)] * 3, hints_only=True)
    assert (written(report), world.held()) == (0, [])


def test_hints_that_lead_nowhere(world: World) -> None:
    """Unknown ids, datatypes and systems are passed over; the round ends well."""
    linked(world)
    wild = [Ref("erp", "customer", "0' OR 1=1"), Ref("erp", "invoice", "1"), Ref("crm", "customer", "1")]
    report = world.round(hints=wild, hints_only=True)
    assert (report.status, report.errors, written(report)) == (0, [], 0)


def test_a_hint_about_a_record_that_may_not_be_seen(world: World) -> None:
    """Forbidden is not gone."""
    _mine, other = linked(world)
    world.erp.fault("forbidden", ids=frozenset({str(other)}))
    assert written(world.round(hints=[Ref("erp", "customer", str(other))], hints_only=True)) == 0
    assert world.held() == []


def test_hints_beside_a_listing(tmp_path: Path) -> None:
    """Without `hints_only` the round reads both, and what both show is written once."""
    day = BadDay(tmp_path, replace(KEYED, changed_since=None), replace(KEYED, changed_since=None))
    told = Told(day.world)
    day.work()
    told.round(hints_only=False)
    assert written(told.round(hints_only=False)) == 0
    day.done()


def test_a_hint_before_the_first_listing(tmp_path: Path) -> None:
    """Nothing is created in a flow with match rules until both sides were listed once; then it is matched."""
    world = two(tmp_path, Behaviour(), Behaviour())
    mine = customer(world.pms, "Åsheim", "111")
    customer(world.erp, "Åsheim", "111")
    assert written(world.round(hints=[Ref("pms", "customer", str(mine))], hints_only=True)) == 0
    world.settle()
    assert world.pairs() == ["pms/1 erp/1"]


def test_a_system_that_fails_while_hints_are_followed(tmp_path: Path) -> None:
    """It is an error of that system; the hint's record is found by the next listing."""
    day = BadDay(tmp_path)
    told = Told(day.world)
    day.work()
    day.world.erp.fault("unreachable", operation="get")
    assert told.round().status == 1
    day.calm()
    day.done()


def test_a_hinted_record_outside_of_the_filter(tmp_path: Path) -> None:
    """Filters hold for hinted records as for listed ones: one outside of the scope is not taken up."""
    world = two(tmp_path)
    world.flow["pms"] = {"datatype": "customer", "where": "city == 'Oslo'"}
    world.settle()
    outside, inside = customer(world.pms, "Berge", "222"), customer(world.pms, "Dal", "333", city="Oslo")
    world.round(hints=[Ref("pms", "customer", str(id)) for id in (outside, inside)], hints_only=True)
    assert world.names("erp") == ["Dal"]
