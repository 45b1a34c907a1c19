"""Rules that join edits instead of choosing one: sets, counters and long text. Each returns None where it cannot.

Three-way by line is the diff3 of Khanna, Kunal and Pierce ("A formal investigation of diff3", 2007): hunks of two
sides that touch the same base lines are not joined.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Any


def union(before: Any, edits: Sequence[Any]) -> Any:
    """Lists as sets: what any side added is in, what any side removed is out."""
    if not all(isinstance(edit, list | tuple) for edit in edits):
        return None
    base = list(before or ())
    removed = [item for item in base if any(item not in edit for edit in edits)]
    joined = [item for item in base if item not in removed]
    for edit in edits:
        joined.extend(item for item in edit if item not in joined and item not in base)
    return tuple(joined) if isinstance(edits[0], tuple) else joined


def additive(before: Any, edits: Sequence[Any]) -> Any:
    """Counters: the differences of all sides add up."""
    if not all(isinstance(value, int | Decimal) and not isinstance(value, bool) for value in (before, *edits)):
        return None
    return before + sum(edit - before for edit in edits)


def merge_text(before: Any, edits: Sequence[Any]) -> Any:
    """Long text, by line; None where two sides changed the same lines. A system that ends lines in its own way (Redmine
    makes them CRLF) has not changed them all: where that is in the way, all are joined with line feeds.
    """
    if not all(isinstance(value, str) for value in (before, *edits)):
        return None
    joined = _merge_lines(before, edits)
    if joined is None and len({"\r\n" in text for text in (before, *edits) if "\n" in text}) > 1:
        return _merge_lines(_plain(before), [_plain(edit) for edit in edits])
    return joined


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n")


def _merge_lines(before: str, edits: Sequence[str]) -> str | None:
    base = before.splitlines(keepends=True)
    hunks = sorted(
        {hunk for edit in edits for hunk in _hunks(base, edit.splitlines(keepends=True))}, key=lambda hunk: hunk[:2]
    )
    if any(_touch(one, two) for one, two in pairwise(hunks)):
        return None
    joined: list[str] = []
    at = 0
    for start, end, lines in hunks:
        joined += [*base[at:start], *lines]
        at = end
    return "".join([*joined, *base[at:]])


def _hunks(base: list[str], edit: list[str]) -> list[tuple[int, int, tuple[str, ...]]]:
    codes = SequenceMatcher(a=base, b=edit, autojunk=False).get_opcodes()
    return [(i1, i2, tuple(edit[j1:j2])) for tag, i1, i2, j1, j2 in codes if tag != "equal"]


def _touch(one: tuple[int, int, tuple[str, ...]], two: tuple[int, int, tuple[str, ...]]) -> bool:
    return two[0] < one[1] or two[:2] == one[:2] or (two[0] == one[1] and (one[0] == one[1] or two[0] == two[1]))


RULES: dict[str, Callable[[Any, Sequence[Any]], Any]] = {
    "union": union,
    "additive": additive,
    "merge": merge_text,
}
