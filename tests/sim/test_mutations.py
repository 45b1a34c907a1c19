"""The faults that `python -m tests.sim.mutations` puts into Accord, one at a time: they fit, and they are caught."""

from __future__ import annotations

import pytest

from .mutations.hunt import SOURCE, faulty, hunt, places
from .mutations.table import MUTATIONS, Mutation

QUICK = ("loser-not-kept", "deletions-not-seen", "arrivals-not-looked-at")
TURNS = 30


def test_there_are_enough() -> None:
    """In the core, the engine and the store."""
    assert len(MUTATIONS) >= 40
    assert {mutation.file.split("/")[0] for mutation in MUTATIONS} == {"core", "engine", "store"}


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_the_line_is_there_once(mutation: Mutation) -> None:
    """A line that was changed takes its fault along: the table is mended with it."""
    assert len(places(mutation)) == 1, f"{mutation.before!r} is not in {mutation.file} exactly once"
    assert mutation.after != mutation.before


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_the_fault_compiles(mutation: Mutation) -> None:
    """A fault that is no Python would be caught by anything."""
    text = faulty(mutation)
    assert text != (SOURCE / "accord" / mutation.file).read_text("utf-8")
    compile(text, mutation.file, "exec")


@pytest.mark.parametrize("mutation", [m for m in MUTATIONS if m.name in QUICK], ids=lambda mutation: mutation.name)
def test_some_are_caught(mutation: Mutation) -> None:
    """Within the first histories; `python -m tests.sim.mutations` hunts for all of them."""
    assert hunt(mutation, TURNS).caught


def test_the_source_as_it_is_is_not_caught() -> None:
    """By the same histories."""
    assert not hunt(None, TURNS // 2).caught
