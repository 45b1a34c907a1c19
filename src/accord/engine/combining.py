"""Properties that tell records apart together where none does alone: a name and a postcode. `suggesting.py` asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from accord.engine.likeness import ENOUGH, once, tells

MOST = 10
"""Pairs of properties that are tried together; those with the most values in common."""
LARGEST = 3
"""So many properties make one key at most."""
SHARED = 0.2
"""The part of its values that a property must have in common with the other side."""
BEYOND = 5.0
"""How many times more records must be paired than would be by chance."""
_BETWEEN = "\x1f"
Columns = Mapping[str, Sequence[str]]
"""Path → the plain value of each record."""


@dataclass(frozen=True, slots=True)
class Key:
    """Properties of both sides that name a record together, and the records that they pair."""

    left: tuple[str, ...]
    right: tuple[str, ...]
    pairs: tuple[tuple[int, int], ...]


def joined(columns: Sequence[Sequence[str]]) -> list[str]:
    """One value of several; empty where any of them is."""
    return [_BETWEEN.join(parts) if all(parts) else "" for parts in zip(*columns, strict=True)]


def best_key(left: Columns, right: Columns, alike: Callable[[str, str], float]) -> Key | None:
    """The smallest combination that pairs the most records, each named once on both sides, and not by chance."""
    likely = _likely(left, right, alike)
    for size in range(2, LARGEST + 1):
        found = [key for chosen in combinations(likely, size) if (key := _key(chosen, left, right)) is not None]
        if found:
            return max(found, key=lambda key: (len(key.pairs), sum(map(alike, key.left, key.right))))
    return None


def _likely(left: Columns, right: Columns, alike: Callable[[str, str], float]) -> list[tuple[str, str]]:
    """Pairs of properties with many values in common."""
    ranked = []
    theirs = {path: set(filter(None, values)) for path, values in right.items()}
    for path, values in left.items():
        mine = set(filter(None, values))
        for other, those in theirs.items():
            few, shared = min(len(mine), len(those)), len(mine & those)
            if few >= ENOUGH and shared >= max(ENOUGH, SHARED * few):
                ranked.append((shared / few * (1 + 0.2 * alike(path, other)), path, other))
    return [(path, other) for _, path, other in sorted(ranked, reverse=True)[:MOST]]


def _key(chosen: Sequence[tuple[str, str]], left: Columns, right: Columns) -> Key | None:
    lefts, rights = tuple(path for path, _ in chosen), tuple(other for _, other in chosen)
    if len(set(lefts)) < len(lefts) or len(set(rights)) < len(rights):
        return None
    one, two = once(joined([left[path] for path in lefts])), once(joined([right[path] for path in rights]))
    pairs = tuple((at, two[value]) for value, at in one.items() if value in two)
    if len(pairs) < ENOUGH or len(pairs) < BEYOND * _by_chance(chosen, left, right):
        return None
    return Key(lefts, rights, pairs)


def _by_chance(chosen: Sequence[tuple[str, str]], left: Columns, right: Columns) -> float:
    """How many records would be paired if the properties of a record had nothing to do with each other."""
    expected = 1.0
    for path, other in chosen:
        mine, theirs = Counter(filter(None, left[path])), Counter(filter(None, right[other]))
        expected *= sum(count * theirs[value] for value, count in mine.items())
        expected /= max(1, mine.total() * theirs.total())
    return expected * len(left[chosen[0][0]]) * len(right[chosen[0][1]])


def rules_together(left: Columns, right: Columns, rows: Sequence[tuple[str, str]]) -> list[tuple[int, ...]]:
    """Which rows, by their numbers, tell records apart together on both sides: the smallest combinations."""
    for size in range(2, LARGEST + 1):
        found = [
            chosen
            for chosen in combinations(range(min(len(rows), MOST)), size)
            if tells(joined([left[rows[at][0]] for at in chosen]))
            and tells(joined([right[rows[at][1]] for at in chosen]))
        ]
        if found:
            return found
    return []
