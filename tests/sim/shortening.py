"""A history that failed, with all left out that it can do without."""

from __future__ import annotations

from typing import Any

from accord.simulate.shortening import shortest

from .history import Count, Violation, run_history

TRIES = 150


def told(seed: int, **fixed: Any) -> Count:
    """The history of a seed. Raises Violation with the shortest story that is found in which the same breaks."""
    try:
        return run_history(seed, **fixed)
    except Violation as violation:
        raise shorter(seed, violation, **fixed) from violation


def shorter(seed: int, violation: Violation, **fixed: Any) -> Violation:
    """The violation of the shortest history that is found to break the same."""
    every = frozenset(range(1, violation.pieces + 1))
    found = {tuple(sorted(every)): violation}

    def fails(kept: tuple[int, ...]) -> bool:
        try:
            run_history(seed, every.difference(kept), **fixed)
        except Violation as again:
            found[kept] = again
            return again.kind == violation.kind
        except Exception:  # another failure than the one that is told
            return False
        return False

    kept = shortest(sorted(every), fails, TRIES)
    best = Violation(f"{found[kept]}\n({len(every) - len(kept)} of {len(every)} pieces left out)")
    best.kind, best.pieces = violation.kind, violation.pieces
    return best
