"""Play histories of a project against models of its systems, many at a time, and make a failing one short."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from random import Random

from accord.config.meaning import Project
from accord.simulate.history import DAY, History, Step
from accord.simulate.models import PROFILES, Shapes
from accord.simulate.oracle import BrokenPromiseError, writes
from accord.simulate.shortening import shortest
from accord.simulate.world import World

PROMISES = tuple(f"P{number}" for number in range(1, 12))
SHM = Path("/dev/shm")  # noqa: S108  (a file system in memory, where there is one)
TRIES = 250
"""How many shorter histories are tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenPromise:
    """A promise that did not hold, with the story of it."""

    promise: str
    message: str
    story: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What came of one history."""

    seed: int
    profile: str
    steps: tuple[Step, ...]
    broken: tuple[BrokenPromise, ...] = ()
    checked: Mapping[str, int] = field(default_factory=dict)
    """Promise → how many checks were made."""
    rounds: int = 0
    edits: int = 0
    writes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """System → operation → how many."""
    crashes: int = 0
    faults: Mapping[str, int] = field(default_factory=dict)
    """Fault → how often it struck."""
    held: Mapping[tuple[str, str | None, str], int] = field(default_factory=dict)
    """(kind, row, reason) → in how many rounds it was held."""
    superseded: int = 0
    days: float = 0.0

    @property
    def failed(self) -> str | None:
        """The promise that was broken, or None."""
        return self.broken[0].promise if self.broken else None


def steps_of(seed: int, profile: str) -> tuple[Step, ...]:
    """The steps of a history: some records first, then rounds with people, faults and time between them."""
    random, habit = Random(f"steps {seed}"), PROFILES[profile]  # noqa: S311
    kinds = ["act"] * random.randint(3, 8)
    for _ in range(random.randint(3, 9)):
        if random.random() < habit.faults:
            kinds += ["fault"] * random.choice([1, 1, 2])
        kinds.append(_process_step(random, habit.state))
        if random.random() < 0.8:
            kinds.append("calm")
        kinds += ["act"] * random.choice([0, 1, 2, 4, 6])
        if random.random() < 0.2:
            kinds.append("decide")
        kinds.append("night" if random.random() < 0.2 else "wait")
    return tuple(Step(kind=kind, seed=random.getrandbits(48)) for kind in kinds)


def _process_step(random: Random, state: float) -> str:
    return random.choice(["second", "full_disk"]) if random.random() < state else "round"


def play(
    project: Project, shapes: Shapes, *, seed: int, profile: str = "normal", steps: Sequence[Step] | None = None
) -> Played:
    """One history of a project. What promise broke, if any, is in the answer, with its story."""
    folder = Path(tempfile.mkdtemp(prefix="accord-simulate-", dir=SHM if SHM.is_dir() else None))
    chosen = tuple(steps) if steps is not None else steps_of(seed, profile)
    try:
        world = World(project, shapes, seed=seed, profile=profile, folder=folder)
        history = History(world, chosen)
        broken: tuple[BrokenPromise, ...] = ()
        try:
            history.play()
        except BrokenPromiseError as error:
            broken = (BrokenPromise(promise=error.promise, message=error.message, story=tuple(world.story)),)
        return _played(world, history, chosen, broken)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _played(world: World, history: History, steps: tuple[Step, ...], broken: tuple[BrokenPromise, ...]) -> Played:
    written: dict[str, dict[str, int]] = {name: {} for name in world.systems}
    for event in writes(world):
        written[event.system][event.op] = written[event.system].get(event.op, 0) + 1
    return Played(
        seed=world.seed,
        profile=world.profile,
        steps=steps,
        broken=broken,
        checked=dict(history.checks.counts),
        rounds=world.rounds,
        edits=sum(event.actor == "person" for event in world.events),
        writes=written,
        crashes=history.crashes,
        faults={name: number for name, number in history.faults.items() if number},
        held=dict(history.held),
        days=sum(step.kind == "night" for step in steps) + len(steps) / DAY,
    )


def shorten(project: Project, shapes: Shapes, played: Played, tries: int = TRIES) -> Played:
    """The shortest history that is found to break the same promise."""
    found = {played.steps: played}

    def fails(steps: tuple[Step, ...]) -> bool:
        found[steps] = play(project, shapes, seed=played.seed, profile=played.profile, steps=steps)
        return found[steps].failed == played.failed

    return found[shortest(played.steps, fails, tries)]


def play_many(
    project: Project, shapes: Shapes, seeds: Iterable[int], profile: str, workers: int = 0
) -> Iterator[Played]:
    """Many histories, on all processors; each as it ends."""
    count = workers or os.cpu_count() or 1
    waiting = iter(seeds)
    if count == 1:
        yield from (play(project, shapes, seed=seed, profile=profile) for seed in waiting)
        return
    with ProcessPoolExecutor(count, initializer=_begin, initargs=(project, shapes, profile)) as pool:
        running: set[Future[Played]] = {pool.submit(_one, seed) for seed in islice(waiting, count * 2)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
            running |= {pool.submit(_one, seed) for seed in islice(waiting, len(done))}


_AT_WORK: dict[str, tuple[Project, Shapes, str]] = {}


def _begin(project: Project, shapes: Shapes, profile: str) -> None:
    _AT_WORK["it"] = (project, shapes, profile)
    gc.freeze()  # each death of a process in a history collects: what was here before it need not be looked through


def _one(seed: int) -> Played:
    project, shapes, profile = _AT_WORK["it"]
    return play(project, shapes, seed=seed, profile=profile)
