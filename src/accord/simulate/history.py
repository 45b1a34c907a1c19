"""One history: steps of people, faults and the clock, with rounds in between; then quiet, and the oracle looks.

Every step is decided by a seed of its own, so that a history can be played again with some of its steps left out. A
crash is a `BaseException` raised at a request or at a statement of the state: the state file is copied as it is at
that moment, and the next round starts from the copy. What the dying process does afterwards cannot help it.
"""

from __future__ import annotations

import gc
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from accord.core.guard import Approval
from accord.engine.report import Report
from accord.engine.round import Caller, run_round
from accord.engine.setting import Options
from accord.errors import Locked
from accord.simulate.ending import check_end
from accord.simulate.oracle import BrokenPromiseError, Checks, Now, check_counts
from accord.simulate.people import People
from accord.simulate.world import World
from accord.store.database import Database
from accord.store.opening import open_state

APPROVED = tuple(Approval(op=op, number=1_000_000) for op in ("create", "update", "delete"))
READ_FAULTS = (
    *("error", "unreachable", "unauthorized", "token_expired", "collection_forbidden", "too_many", "slow"),
    *("empty_list", "short_list", "stale_list", "page_drift", "order_changes", "wrong_total", "one_record_twice"),
    *("cut_body", "truncated_json", "html_page", "error_inside", "empty_body", "null_version"),
)
WRITE_FAULTS = (
    *("answer_lost_before", "answer_lost_after", "late_effect", "error", "error_before", "error_after", "cut_body"),
    *("html_page", "error_inside", "empty_body", "too_many", "stale", "rejected", "touched"),
    *("batch_in_part", "item_missing", "batch_mixed_up"),
)
OTHER_FAULTS = ("forbidden", "unreachable", "unauthorized")
LISTED_ONCE = ("empty_list", "short_list", "stale_list", "page_drift", "order_changes", "error_inside", "empty_body")
DAY = 86_400.0
LONGEST = 3


class Crash(BaseException):
    """The process is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a history."""

    kind: str
    """`act`, `round`, `wait`, `fault`, `calm`, `decide`, `second`, `full_disk`, `night`."""
    seed: int

    def random(self) -> Random:
        """What decides the step."""
        return Random(f"{self.kind} {self.seed}")  # noqa: S311


@dataclass(slots=True)
class CrashPoint:
    """Where a round dies."""

    kind: str
    """`request` or `statement`."""
    number: int
    phase: str = "before"


class History:
    """Plays steps on a world."""

    def __init__(self, world: World, steps: Sequence[Step]) -> None:
        self.world, self.steps = world, steps
        self.people = People(world)
        self.checks = Checks()
        self.now = Now(world, self.checks)
        self.state = Path(world.project.state)
        self.caught = world.folder / "caught"
        self.crash: CrashPoint | None = None
        self.dead = False
        self.requests = self.statements = 0
        self.random = Random(world.seed)  # noqa: S311
        self.meddling = 0.0
        self.waited = 0.0
        self.crashes = self.acts = 0
        self.faults: Counter[str] = Counter()
        self.faulty: set[int] = set()
        self.held: dict[tuple[str, str | None, str], int] = {}
        self.disk_full_at: int | None = None
        self.doubtful = False
        """Whether the state was put back or lost: then nothing is promised about what was edited in between."""
        for system in world.systems.values():
            system.on_request(self._hook)

    def play(self) -> None:
        """All steps, then quiet. Raises BrokenPromiseError."""
        for step in self.steps:
            getattr(self, f"_do_{step.kind}")(step.random())
        self._end()
        with open_state(self.world.project.state) as state:
            check_end(self.world, state, self.checks, self.faulty)
        if self.world.profile == "calm":
            check_counts(self.world, self.checks)

    # steps

    def _do_act(self, random: Random) -> None:
        self.acts += 1
        self.people.act(random)
        self.now.check()

    def _do_round(self, random: Random) -> None:
        habit = self.world.habit
        self.random = random
        self.meddling = random.choice([0.0, 0.0, habit.meddling, 4 * habit.meddling])
        self.round(crash=self._some_crash(random) if random.random() < habit.crashes else None)
        self.meddling = 0.0

    def _do_wait(self, random: Random) -> None:
        self._wait(random.choice(self.world.habit.waits))

    def _do_night(self, random: Random) -> None:
        self._wait(DAY)

    def _do_decide(self, random: Random) -> None:
        if self.state.exists():
            self.people.decide(random)

    def _do_calm(self, random: Random) -> None:
        for system in self.world.systems.values():
            for fault in system.faults:
                self.faults[fault.name] += fault.struck
            system.calm()

    def _do_fault(self, random: Random) -> None:
        system = self.world.systems[random.choice(sorted(self.world.systems))]
        name: Any = random.choice(random.choice([READ_FAULTS, WRITE_FAULTS, WRITE_FAULTS, OTHER_FAULTS]))
        if name in LISTED_ONCE and self.world.good == 0:
            name = "error"  # what a first listing leaves out cannot be known, nor always be searched for
        settings: dict[str, Any] = {
            "rate": random.choice([0.1, 0.5, 1.0]),
            "after": random.choice([1, 3, 8, 20]),
            "count": random.choice([1, 2, None]),
            "skip": random.choice([0, 0, 1, 3]),
        }
        if name == "forbidden":
            settings = {"ids": self._hide_some(system, random)}
        system.fault(name, **settings)
        shown = ", ".join(sorted(settings["ids"])) if name == "forbidden" else f"{settings['rate']:.0%} of requests"
        self.world.story.append(f"  fault in {system.name}: {name.replace('_', ' ')} ({shown})")

    def _hide_some(self, system: Any, random: Random) -> frozenset[str]:
        old = {e.id for e in self.world.events if e.system == system.name and e.after < self.world.good}
        ids = sorted(old & {id for table in system.tables.values() for id in table.records})
        chosen = frozenset(random.sample(ids, min(2, len(ids))))
        self.world.hidden |= {(system.name, datatype, id) for datatype in system.tables for id in chosen}
        return chosen

    def _do_second(self, random: Random) -> None:
        """A second process begins a round while the first is at work: it is refused, and nothing else happens."""
        at = random.randint(1, 6)
        tried: list[bool] = []

        def hook(phase: str, operation: str, datatype: str, id: str | None) -> None:
            if phase == "before" and not tried and self.requests == at and self.world.round:
                tried.append(True)
                self.checks.hold("P10", self._is_locked(), "a second process took the lease of a round at work")

        first = next(iter(self.world.systems.values()))
        first.on_request(hook)
        self.round()

    def _is_locked(self) -> bool:
        """Whether a round of another process would be refused now."""
        with open_state(self.world.project.state) as state:
            try:
                state.lease.take(self.world.clock.now())
            except Locked:
                return True
        return False

    def _do_full_disk(self, random: Random) -> None:
        """The disk is full from some statement on, for one round."""
        self.disk_full_at = random.randint(5, 120)
        self.world.story.append(f"  the disk is full from statement {self.disk_full_at} on")
        self.round(may_fail=True)
        self.disk_full_at = None
        self._leave_lease()

    # rounds

    def round(self, *, crash: CrashPoint | None = None, approve: bool = False, may_fail: bool = False) -> Report | None:
        """One round; None where it died, or could not work."""
        world = self.world
        world.rounds += 1
        world.round = world.rounds
        self.crash, self.dead, self.requests, self.statements = crash, False, 0, 0
        world.story.append(f"  round {world.round}" + (f", dies at {crash.kind} {crash.number}" if crash else ""))
        struck, lies = self._struck(), self._lies()
        report = self._try(approve, may_fail)
        world.lied |= {(name, world.rounds) for name, number in self._lies().items() if number != lies[name]}
        world.round = 0
        self.crash = None
        if self.dead:
            self._rise_again()
            report = None
        if self.dead or report is None or self._struck() != struck:
            self.faulty.add(world.rounds)
        if report is not None:
            self._said(report)
        self.now.check()
        return report

    def _try(self, approve: bool, may_fail: bool) -> Report | None:
        world = self.world
        options = Options(approvals=APPROVED if approve else ())
        try:
            with self._watched():
                return run_round(world.project, options, Caller(clock=world.clock, connect=world.connect))
        except Crash:
            return None
        except BrokenPromiseError:
            raise
        except Exception as error:
            if may_fail:
                return None
            raise BrokenPromiseError("P10", f"round {world.rounds} raised {type(error).__name__}: {error}") from error

    def _said(self, report: Report) -> None:
        written = {
            f"{number} {op}{'s' if number > 1 else ''} in {name}"
            for name, numbers in report.writes.items()
            for op, number in numbers.items()
            if number
        }
        held = [f"{item['kind']} {item['row'] or ''} of link {item['link']}".replace("  ", " ") for item in report.held]
        failed = [error["message"] for error in report.errors]
        parts = [", ".join(sorted(written)) or "nothing", *(f"held: {', '.join(held)}" for _ in held[:1])]
        self.world.story.append(f"    → wrote {'; '.join([*parts, *(f'error: {text}' for text in failed)])}")
        internal = [error for error in report.errors if error["kind"] == "internal"]
        self.checks.hold("P6", not internal, f"internal error: {internal}")
        for item in report.held:
            key = (item["kind"], item["row"] if item["kind"] != "brake" else None, item["reason"])
            self.held[key] = self.held.get(key, 0) + 1
        if not report.errors:
            self.world.good = self.world.rounds
            self.world.goods.append(self.world.rounds)

    def _struck(self) -> int:
        return sum(fault.struck for system in self.world.systems.values() for fault in system.faults)

    def _lies(self) -> dict[str, int]:
        """How often the listings of each system have left something out."""
        return {
            name: sum(fault.struck for fault in system.faults if fault.name in LISTED_ONCE)
            for name, system in self.world.systems.items()
        }

    # crashes and meddling

    def _some_crash(self, random: Random) -> CrashPoint:
        if random.random() < 0.5:
            return CrashPoint("statement", random.randint(20, 250))
        return CrashPoint("request", random.randint(1, 25), random.choice(["before", "after"]))

    def _hook(self, phase: str, operation: str, datatype: str, id: str | None) -> None:
        if self.world.round == 0:
            return
        if self.dead:
            raise Crash
        if phase == "before":
            self.requests += 1
        crash = self.crash
        if crash and crash.kind == "request" and (self.requests, phase) == (crash.number, crash.phase):
            self._die(f"{phase} {operation} {datatype} {id or ''}")
        if self.meddling and self.random.random() < self.meddling:
            self.acts += 1
            self.people.act(self.random)

    def _die(self, where: str) -> None:
        self.dead = True
        self.crashes += 1
        self.world.story.append(f"    † the process dies: {where}")
        self.caught.mkdir(exist_ok=True)
        for file in (self.state, self.state.with_name(self.state.name + "-wal")):
            if file.exists():
                shutil.copyfile(file, self.caught / file.name)
        for system in self.world.systems.values():
            system.arrive()  # its connections are closed: what it sent has arrived, or never will
        raise Crash

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Every statement of the state passes `_statement`."""
        Database.watch = self._statement
        try:
            yield
        finally:
            Database.watch = None

    def _statement(self, database: Database) -> None:
        self.statements += 1
        if self.disk_full_at is not None and self.statements >= self.disk_full_at:
            raise sqlite3.OperationalError("database or disk is full")
        by_statement = self.crash is not None and self.crash.kind == "statement"
        if by_statement and self.dead:
            raise Crash
        if by_statement and self.crash is not None and self.statements == self.crash.number:
            self._die(f"statement {self.statements}")

    def _rise_again(self) -> None:
        """Put the state back as it was at the moment of death, its lease held by a process that is no more."""
        gc.collect()
        for suffix in ("", "-wal", "-shm"):
            self.state.with_name(self.state.name + suffix).unlink(missing_ok=True)
            copy = self.caught / (self.state.name + suffix)
            if copy.exists():
                shutil.move(copy, self.state.with_name(self.state.name + suffix))
        self._leave_lease()

    def _leave_lease(self) -> None:
        """Whoever holds the lease is no more: its process has ended."""
        if not self.state.exists():
            return
        connection = sqlite3.connect(self.state)
        try:
            connection.execute("UPDATE lease SET born = 'dead'")
            connection.commit()
        except sqlite3.OperationalError:
            pass  # it ended before there were tables
        finally:
            connection.close()

    # the end

    def _grace(self) -> float:
        return max(system.limits.grace for system in self.world.project.systems.values())

    def _wait(self, seconds: float) -> None:
        """Let time pass. No write takes effect later than the grace."""
        self.waited = self.waited + seconds if any(s.pending for s in self.world.systems.values()) else 0.0
        if self.waited + seconds >= self._grace() / 2:
            for system in self.world.systems.values():
                system.arrive()
        self.world.clock.advance(seconds)

    def _end(self) -> None:
        """People and faults stop; what is in doubt is found out; three rounds, then quiet."""
        self._do_calm(self.random)
        for system in self.world.systems.values():
            system.arrive()
        self.world.story.append("  people and faults stop")
        self.world.clock.advance(self._grace() + max(self.world.project.schedule.full_every, DAY) + 1)
        self.round(approve=True)
        for _ in range(len(self.world.systems)):  # one decision for one create
            if self.people.decide(Random(self.world.seed), frozenset({"in_doubt", "rejected", "value"})):  # noqa: S311
                self.round(approve=True)
        self._settle()
        last = Random(f"last {self.world.seed}")  # noqa: S311
        for _ in range(LONGEST if last.random() < 0.6 else 0):
            if not self.people.decide(last):
                break
            self._settle()

    def _settle(self) -> None:
        for _ in range(3):
            self.round(approve=True)
        before = len(self.world.events)
        report = self.round(approve=True)
        wrote = len(self.world.events) != before
        self.checks.hold("P1", report is not None and not wrote, "the fourth quiet round still writes")
        self.checks.hold("P4", not wrote, "the fourth quiet round still writes")
        says = report is not None and any(n for numbers in report.writes.values() for n in numbers.values())
        self.checks.hold("P8", not says, "the fourth quiet round says that it writes")
        errors = report.errors if report is not None else []
        self.checks.hold("P1", not errors, f"the fourth quiet round has errors: {errors}")
