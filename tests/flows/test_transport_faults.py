"""T1 to T12 of the fault table with whole rounds: whatever the answer, nothing is lost, doubled or taken for gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from accord.connectors.memory_faults import APPLIES, FaultName

from .bad_days import KEYED, BadDay
from .world import written

LOST: list[FaultName] = [
    "answer_lost_before",
    "answer_lost_after",
    "late_effect",
    "error_before",
    "error_after",
    "cut_body",
    "truncated_json",
    "html_page",
    "error_inside",
    "empty_body",
]
CHECKS: list[Any] = ["version", "where", None]


@pytest.mark.parametrize("operation", ["create", "update", "delete"])
@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", LOST)
def test_a_write_without_a_good_answer(tmp_path: Path, name: FaultName, check: Any, operation: Any) -> None:
    """It is unknown, found out about later, and neither repeated blindly nor given up."""
    behaviour = replace(KEYED, version_check=check)
    day = BadDay(tmp_path, behaviour, behaviour)
    faults = [system.fault(name, operation=operation) for system in day.world.systems.values()]
    day.play()
    assert sum(fault.struck for fault in faults) > 0
    day.done()


@pytest.mark.parametrize("operation", ["list", "get"])
@pytest.mark.parametrize("name", [*LOST, "unreachable", "unauthorized", "token_expired", "too_many"])
def test_a_reading_without_a_good_answer(tmp_path: Path, name: FaultName, operation: Any) -> None:
    """Never an empty list and never a deletion: the system, or that one record, is left alone until it answers."""
    if operation not in APPLIES[name]:
        pytest.skip("strikes writes only")
    day = BadDay(tmp_path)
    for system in day.world.systems.values():
        system.fault(name, operation=operation, skip=1)
    day.play()
    day.done()


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_every_fault_at_once(tmp_path: Path, share: float) -> None:
    """A day with a bit of everything, on both sides, for three rounds."""
    day = BadDay(tmp_path)
    for system in day.world.systems.values():
        for name in (*LOST, "too_many", "token_expired", "slow", "touched", "null_version", "one_record_twice"):
            system.fault(name, rate=share / 4)  # type: ignore[arg-type]
    day.play(rounds=3)
    day.done()


@pytest.mark.parametrize("seconds", [0.0, 30.0])
def test_too_many_requests_are_waited_for(tmp_path: Path, seconds: float) -> None:
    """With `Retry-After` or without, the same round goes on after the wait, and nothing is sent twice."""
    day = BadDay(tmp_path)
    day.work()
    fault = day.world.erp.fault("too_many", operation="update", count=2, seconds=seconds)
    began = day.world.clock.now()
    assert day.world.round().status == 0
    assert fault.struck == 2
    assert day.world.clock.now() - began > timedelta(seconds=2 * seconds)
    day.calm()
    day.done()


def test_too_long_a_wait_is_for_another_round(tmp_path: Path) -> None:
    """A system that asks to wait an hour is out of reach for this round, and that is said."""
    day = BadDay(tmp_path)
    day.work()
    day.world.erp.fault("too_many", operation="list", seconds=3600.0)
    report = day.world.round()
    assert (report.status, [error["kind"] for error in report.errors]) == (1, ["unreachable"])
    assert written(report) == 0
    day.calm()
    day.done()


def test_a_token_that_expires_in_the_middle_of_a_listing(tmp_path: Path) -> None:
    """It is refreshed once, and the round goes on as if nothing had been."""
    day = BadDay(tmp_path, replace(KEYED, page_size=1, changed_since=None))
    day.work()
    fault = day.world.pms.fault("token_expired", operation="list", skip=2, count=1)
    assert day.world.round().status == 0
    assert fault.struck == 1
    day.calm()
    day.done()


@pytest.mark.parametrize("name", ["token_expired", "unauthorized", "collection_forbidden"])
def test_credentials_that_stay_refused_stop_their_system(tmp_path: Path, name: FaultName) -> None:
    """An error that says so, in the middle of a listing; nothing counts as deleted and nothing is written for it."""
    day = BadDay(tmp_path, replace(KEYED, page_size=1, changed_since=None))
    day.work()
    fault = day.world.pms.fault(name, operation="list", skip=2)
    report = day.world.round()
    assert (report.status, [error["kind"] for error in report.errors]) == (1, ["unauthorized"])
    assert (fault.struck > 0, written(report)) == (True, 0)
    day.calm()
    day.done()


def test_one_record_that_we_may_not_see(tmp_path: Path) -> None:
    """It is not deleted and stops itself only; once we may see it again, its edit goes over."""
    day = BadDay(tmp_path, replace(KEYED, changed_since=None))
    id = str(day.of(day.world.pms, "111")["id"])
    day.play(lambda: day.world.pms.fault("forbidden", ids=frozenset({id})))
    day.done()


@pytest.mark.parametrize("seconds", [5.0, 90.0])
@pytest.mark.parametrize("operation", ["list", "get", "create", "update", "delete"])
def test_slow_answers(tmp_path: Path, seconds: float, operation: Any) -> None:
    """Within the time-out they only take longer; beyond it they are lost, whatever took effect."""
    day = BadDay(tmp_path)
    for system in day.world.systems.values():
        system.fault("slow", operation=operation, seconds=seconds)
    day.play()
    day.done()


def test_a_maintenance_hour(tmp_path: Path) -> None:
    """Between two times of the clock a system does not answer; afterwards everything goes on by itself."""
    day = BadDay(tmp_path)
    began = day.world.clock.now()
    fault = day.world.erp.fault("unreachable", between=(began, began + timedelta(hours=1)))
    day.work()
    assert [day.world.round().status for _ in range(3)] == [1, 1, 1]
    day.world.clock.advance(3600)
    assert day.world.round().status == 0
    assert fault.struck == 3
    day.calm()
    day.done()
