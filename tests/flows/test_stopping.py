"""SIGTERM in the middle of a round: it ends after the links in hand, and the next round does the rest."""

from __future__ import annotations

import signal
import threading

import pytest

from accord.engine import apply

from .world import World, customer, written


def stop_at(world: World, operation: str) -> None:
    """Somebody stops the process when the first such request has arrived."""
    sent: list[str] = []

    def hook(phase: str, done: str, _datatype: str, _id: str | None) -> None:
        if (phase, done) == ("before", operation) and not sent:
            sent.append(done)
            signal.raise_signal(signal.SIGTERM)

    world.erp.on_request(hook)


@pytest.fixture(autouse=True)
def _small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups of two links, so that few records make many groups; signals reach the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals are handled in the main thread only")
    monkeypatch.setattr(apply, "GROUP", 2)


def test_stopped_while_creating(world: World) -> None:
    """The links in hand are settled, the rest is left; the report says so; the next round makes the others, once."""
    for n in range(30):
        customer(world.pms, f"C{n}", f"#{n}")
    stop_at(world, "create")
    report = world.round()
    assert (report.stopped, report.status, report.as_json()["stopped"]) == (True, 1, True)
    assert 0 < written(report) == len(world.names("erp")) < 30
    after = world.settle()
    assert (after.stopped, after.status) == (False, 0)
    assert world.names("erp") == sorted(f"C{n}" for n in range(30))
    assert len(world.links()) == 30


def test_stopped_while_updating(world: World) -> None:
    """Edits that were not carried over yet are carried over by the next round, and none twice."""
    ids = [customer(world.pms, f"C{n}", f"#{n}") for n in range(30)]
    world.settle()
    for id in ids:
        world.pms.edit("customer", id, city="Oslo")
    stop_at(world, "update")
    first = world.round()
    second = world.round()
    assert first.stopped
    assert written(first) + written(second) == 30
    assert {record["city"] for record in world.records("erp").values()} == {"Oslo"}
    assert written(world.round()) == 0
