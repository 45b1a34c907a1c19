"""One story, killed before and after every request, and at every statement of the state."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from accord.store.database import Database

from . import oracle
from .history import SHM, CrashPoint, Runner
from .people import People
from .world import GRACE, World

PLAIN: dict[str, Any] = {
    "three": False, "shared": False, "match": True, "where": False, "quiet_erp": False, "on_delete": "propagate",
    "limits": {}, "main": False, "group": False, "parent": True, "soft": None, "norm_name": (), "norm_note": (),
    "norm_amount": (), "page_size": 5, "batch": 1, "resolution": 0.0,
    **{f"rule_{row}": "ask" for row in ("name", "note", "amount")},
    **{f"special_{row}": None for row in ("name", "note", "amount")},
}  # fmt: skip
STRIDE = 4
"""Statements between two kills; the random histories hit the others."""


@contextmanager
def scene(**fixed: Any) -> Iterator[tuple[World, People, Runner]]:
    """A world without surprises, but for what is fixed."""
    folder = Path(tempfile.mkdtemp(prefix="accord-sim-", dir=SHM if SHM.is_dir() else None))
    try:
        world = World(1, folder, **{**PLAIN, **fixed})
        people = People(world, Random(1))
        yield world, people, Runner(world, people, Random(1))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def story(world: World, people: People, runner: Runner, crash: CrashPoint | None) -> tuple[int, int]:
    """Some things, linked; then edits on both sides, new ones that refer to others, a deletion, a round that dies."""
    customer, project = world.flows["customer"], world.flows["project"]
    for number in range(5):
        people.make_in("pms", customer, f"C{number}")
        people.make_in("erp", project, f"P{number}")
    runner.round()
    names = [row for row in customer.rows if row.name == "name"]
    for id in ("1", "2"):
        people.edit_rows("pms", customer, id, names)
        people.edit_rows("erp", project, id, [row for row in project.rows if row.name in ("note", "amount")])
    people.edit_rows("erp", customer, "2", names)
    people.make_in("pms", customer, "C9")
    people.make_in("erp", project, "P9")
    with world.systems["pms"].person():
        world.systems["pms"].delete("customer", 4)
    runner.round(crash=crash or CrashPoint("statement", 10**9))
    counted = runner.requests, runner.statements
    people.decide(frozenset({"in_doubt"}))
    world.clock.advance(GRACE + 1)
    for _ in range(2):
        runner.round()
        people.decide(frozenset({"in_doubt"}))
    runner.round()
    writes = sum(event.actor == "sync" for event in world.events)
    runner.round()
    if writes != sum(event.actor == "sync" for event in world.events):
        raise oracle.Broken("P1: not quiet after three rounds")
    oracle.check_end(world, runner.faulty_rounds, calm=False)
    return counted


@pytest.mark.parametrize(
    ("means", "check"),
    [("key", "version"), ("idempotent", "where"), ("natural", None), ("none", "version"), ("none", None)],
)
def test_killed_at_every_request(means: str, check: str | None) -> None:
    """Before it is sent and after it took effect: the next rounds recover without a hand (but for creates in doubt)."""
    fixed = {"means": means, "version_check": check, "ids": None}
    with scene(**fixed) as (world, people, runner):
        requests, _ = story(world, people, runner, None)
    assert requests > 15
    for number in range(1, requests + 1):
        for phase in ("before", "after"):
            _killed(CrashPoint("request", number, phase), fixed)


def test_killed_at_every_so_many_statements() -> None:
    """At any statement of the state."""
    fixed = {"means": "key", "version_check": "version", "ids": None}
    with scene(**fixed) as (world, people, runner):
        _, statements = story(world, people, runner, None)
    assert statements > 100
    for number in range(1, statements + 1, STRIDE):
        _killed(CrashPoint("statement", number), fixed)


def test_the_power_fails_at_any_statement() -> None:
    """What was committed is there, what follows it in the log is not believed, and the next rounds recover."""
    fixed = {"means": "key", "version_check": "version", "ids": None}
    with scene(**fixed) as (world, people, runner):
        _, statements = story(world, people, runner, None)
    for number in range(2, statements + 1, 3 * STRIDE):
        _killed(CrashPoint("statement", number), fixed, torn=number)


def test_every_commit_is_on_disk_before_a_request() -> None:
    """Otherwise a loss of power could forget that a write was begun."""
    with scene(means="key", ids=None) as (world, people, runner):
        people.make_in("pms", world.flows["customer"], "C1")
        seen: set[tuple[int, bool]] = set()
        opened: list[Database] = []
        Database.watch = opened.append

        def look(phase: str, operation: str, datatype: str, id: str | None) -> None:
            connection = opened[-1].connection
            if (phase, operation) == ("before", "create"):
                synchronous = connection.execute("PRAGMA synchronous").fetchone()[0]
                seen.add((synchronous, connection.in_transaction))

        try:
            world.systems["erp"].on_request(look)
            runner.round()
        finally:
            Database.watch = None
        assert seen == {(2, False)}


def _killed(crash: CrashPoint, fixed: dict[str, Any], torn: int | None = None) -> None:
    with scene(**fixed) as (world, people, runner):
        runner.torn = None if torn is None else Random(torn)
        try:
            story(world, people, runner, crash)
        except AssertionError as error:
            raise AssertionError("\n".join([f"{crash} {fixed}", *world.story, str(error)])) from error
