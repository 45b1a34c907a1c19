"""The shortest list of pieces that still fails: pieces are left out, ever smaller runs of them.

Delta debugging: Zeller and Hildebrandt, Simplifying and isolating failure-inducing input, 2002.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def shortest(pieces: Sequence[T], fails: Callable[[tuple[T, ...]], bool], tries: int) -> tuple[T, ...]:
    """What is left of `pieces` when nothing more could be left out, or `tries` calls of `fails` are used up."""
    best, size = tuple(pieces), max(1, len(pieces) // 2)
    while size >= 1 and tries > 0:
        start, shorter = 0, False
        while start < len(best) and tries > 0:
            fewer = best[:start] + best[start + size :]
            tries -= 1
            if fails(fewer):
                best, shorter = fewer, True
            else:
                start += size
        size = size // 2 if not shorter or size > 1 else 0
    return best
