"""Put a fault into a copy of the source and play histories on it, in a process of its own, until one is caught.

A fault that names tests is one that the histories hardly ever show: then those tests must fail.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .table import Mutation

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "src"
TURNS = 600
"""So many histories, and a fault that none of them shows is not caught."""
LONGEST = 1800
"""Seconds; a fault that makes a round endless is caught by its not ending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunted:
    """What came of one fault."""

    mutation: Mutation | None
    """None: the source as it is, which must not be caught."""
    caught: bool
    turn: int = 0
    """How many histories it took."""
    by: str = ""
    """The kind of history and its seed, or the test."""
    said: str = ""


def places(mutation: Mutation) -> list[int]:
    """The numbers of the lines that read as the fault says, counted from 0."""
    lines = (SOURCE / "accord" / mutation.file).read_text("utf-8").splitlines()
    return [number for number, line in enumerate(lines) if line.strip() == mutation.before]


def faulty(mutation: Mutation) -> str:
    """The text of its file with the fault in it."""
    (number,) = places(mutation)
    lines = (SOURCE / "accord" / mutation.file).read_text("utf-8").splitlines(keepends=True)
    lines[number] = lines[number].replace(mutation.before, mutation.after)
    return "".join(lines)


@contextmanager
def copied(mutation: Mutation | None) -> Iterator[Path]:
    """A copy of the source, with the fault in it if one is given."""
    with tempfile.TemporaryDirectory(prefix="accord-mutation-") as name:
        copy = Path(name).resolve() / "src"
        shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        if mutation is not None:
            (copy / "accord" / mutation.file).write_text(faulty(mutation), "utf-8")
        yield copy


def hunt(mutation: Mutation | None, turns: int = TURNS) -> Hunted:
    """Play until a history is caught, `turns` of them at most. Raises RuntimeError where nothing could be played."""
    with copied(mutation) as copy:
        if mutation is not None and mutation.tests:
            return _tested(mutation, copy)
        done = _run(["-m", "tests.sim.mutations.play", str(copy), str(turns)], copy)
    if done is None:
        return Hunted(mutation=mutation, caught=True, by="none", said="a round does not end")
    if done.returncode:
        raise RuntimeError(f"{mutation.name if mutation else 'no fault'}: no history could be played\n{done.stderr}")
    found = json.loads(done.stdout.splitlines()[-1])
    if found is None:
        return Hunted(mutation=mutation, caught=False, turn=turns)
    by = f"{found['kind']} {found['seed']}"
    return Hunted(mutation=mutation, caught=True, turn=found["turn"], by=by, said=found["said"])


def _tested(mutation: Mutation, copy: Path) -> Hunted:
    """Each of its tests must fail on the copy; that they pass on the source as it is, `make test` says."""
    for test in mutation.tests:
        done = _run(["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test], copy)
        if done is not None and done.returncode != 1:
            return Hunted(mutation=mutation, caught=False, by=test, said=done.stdout[-500:] + done.stderr[-500:])
    return Hunted(mutation=mutation, caught=True, by="test", said=", ".join(mutation.tests))


def _run(arguments: list[str], copy: Path) -> subprocess.CompletedProcess[str] | None:
    """Python on the copy; None where it does not end."""
    path = os.pathsep.join((str(copy), str(ROOT)))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
