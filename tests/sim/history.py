"""One history: a world, people, faults and crashes over some rounds; then quiet, and the oracle looks.

A crash is a `BaseException` raised at a request or at a statement of the state. The state file is copied as it is at
that moment, and the next round starts from the copy: what the dying process does afterwards cannot help it.
"""

from __future__ import annotations

import gc
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from accord.core.guard import Approval
from accord.engine.report import Report
from accord.engine.round import Caller, run_round
from accord.engine.setting import Options
from accord.store.database import Database

from . import oracle
from .people import People
from .world import GRACE, World

SHM = Path("/dev/shm")
APPROVED = tuple(Approval(op=op, number=10_000) for op in ("create", "update", "delete"))
READ_FAULTS = ("error", "unreachable", "unauthorized", "empty_list", "short_list", "stale_list", "page_drift")
WRITE_FAULTS = ("answer_lost_before", "answer_lost_after", "late_effect", "error", "stale", "rejected")
OTHER_FAULTS = ("one_record_twice", "forbidden", "unreachable", "unauthorized")


class Crash(BaseException):
    """The process is gone."""


class Violation(AssertionError):
    """A promise was broken."""

    kind = ""
    """What broke, without the particulars: two histories that fail alike say the same."""
    pieces = 0
    """How many pieces the history had that could have been left out."""


@dataclass(slots=True)
class CrashPoint:
    """Where the next round dies."""

    kind: str
    """`request` or `statement`."""
    number: int
    phase: str = "before"


@dataclass(slots=True)
class Count:
    """What histories were made of."""

    histories: int = 0
    steps: int = 0
    rounds: int = 0
    crashes: int = 0
    edits: int = 0
    writes: int = 0
    exempt: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def add(self, other: Count) -> None:
        """Sum up."""
        for name in ("histories", "steps", "rounds", "crashes", "edits", "writes", "exempt"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.faults.update(other.faults)
        self.violations += other.violations

    def __str__(self) -> str:
        faults = ", ".join(f"{name} {number}" for name, number in sorted(self.faults.items()))
        return (
            f"{self.histories} histories, {self.steps} steps, {self.rounds} rounds, {self.edits} edits, "
            f"{self.writes} writes, {self.crashes} crashes, {self.exempt} unpreventable, "
            f"{len(self.violations)} violations; faults: {faults}"
        )


class Runner:
    """Runs rounds on a world, and crashes them."""

    def __init__(self, world: World, people: People, random: Random) -> None:
        self.world, self.people, self.random = world, people, random
        self.state = Path(world.project.state)
        self.caught = world.folder / "caught"
        self.crash: CrashPoint | None = None
        self.dead = False
        self.requests = self.statements = 0
        self.meddling = 0.0
        self.torn: Random | None = None
        """Where the power fails, and with it the end of what was being written."""
        self.count = Count()
        self.faulty_rounds: set[int] = set()
        for name, system in world.systems.items():
            system.on_request(partial(self._hook, name))

    def round(self, *, crash: CrashPoint | None = None, approve: bool = False) -> Report | None:
        """One round; None where it crashed."""
        world = self.world
        world.rounds += 1
        world.round = world.rounds
        if approve:
            world.approved.add(world.rounds)
        self.count.rounds += 1
        self.crash, self.dead, self.requests, self.statements = crash, False, 0, 0
        world.story.append(f"  round {world.round}" + (f", dies at {crash}" if crash else ""))
        struck = self._struck()
        try:
            with self._watched_statements():
                options = Options(approvals=APPROVED if approve else ())
                report = run_round(world.project, options, Caller(clock=world.clock))
        except Crash:
            report = None
        except oracle.ENGINE_ERRORS as error:
            raise Violation(f"round {world.round} raised {type(error).__name__}: {error}") from error
        finally:
            world.round = 0
            self.crash = None
        if self.dead:
            self._rise_again()
            report = None
        if self.dead or self._struck() != struck:
            self.faulty_rounds.add(world.rounds)
        if report is not None:
            self._said(report)
            if not report.errors:
                world.good = world.rounds
                world.goods.append(world.rounds)
        oracle.check_now(world)
        return report

    def _said(self, report: Report) -> None:
        writes = {name: numbers for name, numbers in report.writes.items() if any(numbers.values())}
        held = [(item["kind"], item["link"], item["row"], item["values"]) for item in report.held]
        self.world.story.append(f"    → wrote {writes}, held {held}, errors {report.errors}")
        if any(error["kind"] == "internal" for error in report.errors):
            raise Violation(f"internal error: {report.errors}")

    def _struck(self) -> int:
        return sum(fault.struck for system in self.world.systems.values() for fault in system.faults)

    # crashes and meddling

    def _hook(self, system: str, phase: str, operation: str, datatype: str, id: str | None) -> None:
        if self.world.round == 0:
            return
        if self.dead:
            raise Crash
        if phase == "before":
            self.requests += 1
        crash = self.crash
        if crash and crash.kind == "request" and (self.requests, phase) == (crash.number, crash.phase):
            self._die(f"{phase} {operation} {datatype} {id or ''}")
        if self.random.random() < self.meddling:
            self.people.meddle(system, datatype, id)
            self.count.steps += 1

    def _die(self, where: str) -> None:
        self.dead = True
        self.count.crashes += 1
        self.world.story.append(f"    † the process dies: {where}")
        self.caught.mkdir(exist_ok=True)
        for file in (self.state, self.state.with_name(self.state.name + "-wal")):
            if file.exists():
                shutil.copyfile(file, self.caught / file.name)
        if self.torn is not None:
            _tear(self.caught / (self.state.name + "-wal"), self.torn)
        for system in self.world.systems.values():
            system.arrive()  # its connections are closed: what it sent has arrived, or never will
        raise Crash

    @contextmanager
    def _watched_statements(self) -> Iterator[None]:
        guarded = Database._guarded

        def watched(database: Database, work: Any) -> Any:
            if not self.dead and self.crash is not None and self.crash.kind == "statement":
                self.statements += 1
                if self.statements == self.crash.number:
                    self._die(f"statement {self.statements}")
            if self.dead and self.crash is not None and self.crash.kind == "statement":
                raise Crash
            return guarded(database, work)

        Database._guarded = watched  # type: ignore[method-assign]
        try:
            yield
        finally:
            Database._guarded = guarded  # type: ignore[method-assign]

    def _rise_again(self) -> None:
        """Put the state back as it was at the moment of death, its lease held by a process that is no more."""
        gc.collect()
        for suffix in ("", "-wal", "-shm"):
            self.state.with_name(self.state.name + suffix).unlink(missing_ok=True)
            copy = self.caught / (self.state.name + suffix)
            if copy.exists():
                shutil.move(copy, self.state.with_name(self.state.name + suffix))
        if self.state.exists():
            connection = sqlite3.connect(self.state)
            try:
                connection.execute("UPDATE lease SET born = 'dead'")
                connection.commit()
            except sqlite3.OperationalError:
                pass  # it died before there were tables
            finally:
                connection.close()


def _tear(log: Path, random: Random) -> None:
    """What was committed is on disk (`synchronous = FULL`); after it anything may follow, pages or parts of them."""
    if not log.exists():
        return
    content = log.read_bytes()
    begun = content[32 : 32 + 4120 * random.randint(1, 3)]
    tails = [b"", begun[: random.randint(0, len(begun))], bytes(random.randint(1, 9000)), random.randbytes(5000)]
    log.write_bytes(content + random.choice(tails))


def run_history(seed: int, without: Set[int] = frozenset(), **fixed: Any) -> Count:
    """The history of a seed. Raises Violation, with the story in it. `without` are numbers of pieces to leave out."""
    folder = Path(tempfile.mkdtemp(prefix="accord-sim-", dir=SHM if SHM.is_dir() else None))
    try:
        return _History(seed, folder, fixed, without).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _History:
    def __init__(self, seed: int, folder: Path, fixed: dict[str, Any], without: Set[int]) -> None:
        self.without, self.pieces = without, 0
        self.random = Random(f"history {seed}")
        self.world = World(seed, folder, **fixed)
        self.people = People(self.world, Random(f"people {seed}"))
        self.runner = Runner(self.world, self.people, self.random)
        self.waited = 0.0
        self.is_calm = fixed.get("calm", self.random.random() < 0.15)

    def run(self) -> Count:
        """All of it."""
        try:
            self._live()
            self._end()
            oracle.check_end(self.world, self.runner.faulty_rounds, calm=self.is_calm)
        except (Violation, oracle.Broken) as error:
            violation = Violation(self._told(error))
            violation.kind, violation.pieces = str(error).partition(":")[0], self.pieces
            raise violation from error
        count = self.runner.count
        count.histories = 1
        count.edits = sum(event.actor == "person" for event in self.world.events)
        count.writes = sum(event.actor == "sync" for event in self.world.events)
        count.exempt = oracle.exempt(self.world)
        return count

    def _told(self, error: AssertionError) -> str:
        from .story import told

        return told(self.world, error)

    def _piece(self) -> bool:
        """Whether the next piece of the history happens. What it needs of chance is drawn all the same."""
        self.pieces += 1
        return self.pieces not in self.without

    def _live(self) -> None:
        for _ in range(self.random.randint(2, 6)):
            act = self.people.act if self.random.random() < 0.3 else self.people.make
            if self._piece():
                act()
        for _ in range(self.random.randint(3, 9)):
            if not self.is_calm:
                self._afflict()
            crash = self._crash()
            crash = crash if self._piece() else None
            if self._piece():
                self.runner.round(crash=crash)
            self._gather_faults()
            self._between()

    def _between(self) -> None:
        for _ in range(self.random.choice([0, 1, 2, 4, 6])):
            if self._piece():
                self.people.act()
            self.runner.count.steps += 1
        if self.random.random() < 0.2 and self._piece():
            self.people.decide()
        self._wait(self.random.choice([0.0, 1.0, 30.0, 90.0, 200.0, 100_000.0]))

    def _wait(self, seconds: float) -> None:
        """Let time pass. No write takes effect later than the grace."""
        self.waited = self.waited + seconds if any(s.pending for s in self.world.systems.values()) else 0.0
        if self.waited + seconds >= GRACE / 2:
            for system in self.world.systems.values():
                system.arrive()
        self.world.clock.advance(seconds)

    def _crash(self) -> CrashPoint | None:
        if self.is_calm or self.random.random() > 0.3:
            return None
        if self.random.random() < 0.5:
            return CrashPoint("statement", self.random.randint(20, 250))
        return CrashPoint("request", self.random.randint(1, 25), self.random.choice(["before", "after"]))

    def _afflict(self) -> None:
        meddling = self.random.choice([0.0, 0.0, 0.0, 0.05, 0.2])
        self.runner.meddling = meddling if self._piece() else 0.0
        for _ in range(self.random.choice([0, 0, 1, 1, 2])):
            system = self.world.systems[self.random.choice(sorted(self.world.systems))]
            group = self.random.choice([READ_FAULTS, WRITE_FAULTS, WRITE_FAULTS, OTHER_FAULTS])
            name: Any = self.random.choice(group)
            if name in ("short_list", "stale_list", "page_drift") and self.world.good == 0:
                name = "empty_list"  # what a first listing leaves out cannot be known
            settings: dict[str, Any] = {
                "rate": self.random.choice([0.1, 0.5, 1.0]),
                "after": self.random.choice([1, 3, 8, 20]),
                "count": self.random.choice([1, 2, None]),
                "skip": self.random.choice([0, 0, 1, 3]),
            }
            if name == "forbidden":
                settings = {"ids": self._some_ids(system)}
            if not self._piece():
                continue
            system.fault(name, **settings)
            shown = {key: sorted(value) if key == "ids" else value for key, value in settings.items()}
            self.world.story.append(f"  fault in {system.name}: {name} {shown}")

    def _some_ids(self, system: Any) -> frozenset[str]:
        old = {e.id for e in self.world.events if e.system == system.name and e.after < self.world.good}
        ids = sorted(old & {id for table in system.tables.values() for id in table.records})
        chosen = frozenset(self.random.sample(ids, min(2, len(ids))))
        self.world.hidden |= {(system.name, datatype, id) for datatype in system.tables for id in chosen}
        return chosen

    def _gather_faults(self) -> None:
        for system in self.world.systems.values():
            for fault in system.faults:
                self.runner.count.faults[fault.name] += fault.struck
            if self.random.random() < 0.8:
                system.calm()
            else:
                for fault in system.faults:
                    fault.struck = 0

    def _end(self) -> None:
        """People and faults stop; what is in doubt is found out; three rounds, then quiet."""
        self.runner.meddling = 0.0
        for system in self.world.systems.values():
            system.calm()
            system.arrive()
        self.world.story.append("  people and faults stop")
        self.world.clock.advance(GRACE + 100_000)
        kinds = frozenset({"in_doubt", "rejected", "value"})
        self.runner.round(approve=True)
        for _ in range(len(self.world.systems)):  # one decision for one create
            if self.people.decide(kinds):
                self.runner.round(approve=True)
        self._settle()
        decides = self.random.random() < 0.6
        for _ in range(3 if decides else 0):
            if not self.people.decide():
                break
            self._settle()

    def _settle(self) -> None:
        for _ in range(3):
            self.runner.round(approve=True)
        before = sum(event.actor == "sync" for event in self.world.events)
        report = self.runner.round(approve=True)
        if report is None or sum(event.actor == "sync" for event in self.world.events) != before:
            raise Violation("P1, P4: the fourth round still writes")
        if any(number for numbers in report.writes.values() for number in numbers.values()):
            raise Violation("P1, P4: the fourth round says that it writes")
        if report.errors:
            raise Violation(f"the fourth round has errors: {report.errors}")
