"""Random histories of people, faults and crashes, each from a seed that replays. `oracle.py` says what must be true."""

from __future__ import annotations

import gc
import os
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import count, islice

import pytest

from .history import Count, Violation, run_history
from .shortening import told

HISTORIES = 1000
CHUNK = 25
TELL = 20.0
"""Seconds between two lines about how far it is."""


@pytest.mark.parametrize("first", range(0, HISTORIES, CHUNK))
def test_histories(first: int) -> None:
    """Whatever people and faults do, the promises hold."""
    for seed in range(first, first + CHUNK):
        told(seed)


def test_a_seed_replays_exactly() -> None:
    """The same seed gives the same rounds, writes and faults."""
    assert str(run_history(7)) == str(run_history(7))


def test_a_failing_history_is_shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it can do without is left out of the story; the same promise breaks in what is left."""
    monkeypatch.setattr("accord.core.merge._supersede", lambda *_: None)  # what loses is in no history
    seed = next(seed for seed in count() if _breaks(seed, "P2"))
    with pytest.raises(Violation) as whole:
        run_history(seed)
    with pytest.raises(Violation) as short:
        told(seed)
    assert short.value.kind == whole.value.kind
    assert len(str(short.value).splitlines()) < len(str(whole.value).splitlines())
    assert "pieces left out" in str(short.value)


def _breaks(seed: int, promise: str) -> bool:
    try:
        run_history(seed)
    except Violation as violation:
        return violation.kind == promise
    return False


def test_torture(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> None:
    """As many histories as one asks for."""
    asked = str(request.config.getoption("--torture"))
    first = int(request.config.getoption("--seed"))
    total = Count()
    started = told = time.monotonic()
    with capsys.disabled():
        for found in _many(asked, first):
            total.add(found)
            for violation in found.violations:
                print(f"\n{violation}")
            if time.monotonic() - told > TELL:
                told = time.monotonic()
                print(
                    f"{total.histories} histories, {len(total.violations)} violations, {told - started:.0f} s",
                    flush=True,
                )
        print(f"\n{total}; {time.monotonic() - started:.0f} s, seeds from {first}")
    assert not total.violations, [text.splitlines()[0] for text in total.violations]


def _many(asked: str, first: int) -> Iterator[Count]:
    """The histories, on all processors."""
    until = None if asked.endswith("x") else time.monotonic() + float(asked)
    seeds = iter(islice(count(first), int(asked[:-1])) if until is None else count(first))
    workers = os.cpu_count() or 1
    with ProcessPoolExecutor(workers, initializer=gc.freeze) as pool:  # what is there stays, and is not looked through
        running: set[Future[Count]] = {pool.submit(judged, seed) for seed in islice(seeds, workers * 2)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
            if until is None or time.monotonic() < until:
                running |= {pool.submit(judged, seed) for seed in islice(seeds, len(done))}


def judged(seed: int) -> Count:
    """The count of a history, or its violation; a history that fails in another way says its seed too."""
    try:
        return told(seed)
    except Violation as violation:
        return Count(histories=1, violations=[str(violation)])
    except Exception:  # one history that crashes must not hide what became of the others
        return Count(histories=1, violations=[f"seed {seed}: crashed\n{traceback.format_exc()}"])
