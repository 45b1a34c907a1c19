"""How much two values, two columns of values, or two names are alike. Pure; `suggesting.py` judges by it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from difflib import SequenceMatcher
from typing import Any

from accord.model import Native

ENOUGH = 5
"""So many records on both sides are needed before their agreement says anything."""
SURE = 0.95
"""How consistent a scale, a map or a reference must be."""
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_SPACES = re.compile(r"\s+")
_SAID = frozenset({"custom", "field", "value", "the", "of"})


def plain(value: Native) -> str:
    """A value as far as people would call it the same: case, blanks, trailing zeros and midnight are no difference."""
    if value is None or isinstance(value, list | dict):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | Decimal):
        return _number(Decimal(value))
    text = _SPACES.sub(" ", value).strip().casefold()
    if re.fullmatch(r"[+-]?\d+[.]\d+", text):
        return _number(Decimal(text))
    if re.fullmatch(r"[+(]?\d[\d ()/.-]{5,}", text) and not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return re.sub(r"\D", "", text)  # a telephone number, or another one that people write with blanks
    return text.removesuffix("t00:00:00").removesuffix("/")


def _number(value: Decimal) -> str:
    try:
        return format(value.normalize(), "f")
    except InvalidOperation:
        return str(value)


def once(values: Sequence[str]) -> dict[str, int]:
    """Value → where it stands, of those that stand once."""
    counts = Counter(values)
    return {value: at for at, value in enumerate(values) if value and counts[value] == 1}


def tells(values: Sequence[str]) -> bool:
    filled = [value for value in values if value]
    return len(filled) >= ENOUGH and len(filled) >= len(values) / 2 and len(set(filled)) >= SURE * len(filled)


def agreement(both: Sequence[tuple[str, str]]) -> tuple[int, float]:
    """How often the two are equal, and how much of that is more than chance (Cohen's kappa, 1960)."""
    agreed = sum(a == b for a, b in both)
    left, right = Counter(a for a, _ in both), Counter(b for _, b in both)
    chance = sum(left[value] * right[value] for value in left) / len(both) ** 2
    rate = agreed / len(both)
    return agreed, 0.0 if chance >= 1 else max(0.0, (rate - chance) / (1 - chance)) if agreed >= ENOUGH else 0.0


def scale_of(both: Sequence[tuple[Native, Native]]) -> str | None:
    """The one factor between two numbers; None where there is none, or it is 1."""
    ratios: Counter[Decimal] = Counter()
    for a, b in both:
        one, other = _decimal(a), _decimal(b)
        if one is None or other is None:
            return None
        if one and other:
            ratios[round(other / one, 1)] += 1
    if not ratios:
        return None
    ((ratio, count),) = ratios.most_common(1)
    different = len({plain(a) for a, _ in both}) >= ENOUGH
    return _number(ratio) if different and ratio not in (0, 1) and count >= SURE * ratios.total() else None


def _decimal(value: Native) -> Decimal | None:
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d+(\.\d+)?", value):
        return Decimal(value)
    return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def codes_of(both: Sequence[tuple[Native, Native]]) -> dict[Native, Native] | None:
    """Value → value where each goes with one other, both ways; None where it does not, or there is but one."""
    forth: dict[Any, Counter[Any]] = defaultdict(Counter)
    for a, b in both:
        if isinstance(a, list | dict) or isinstance(b, list | dict):
            return None
        forth[a][b] += 1
    chosen = {a: counts.most_common(1)[0] for a, counts in forth.items()}
    kept = sum(count for _, count in chosen.values())
    one_to_one = len({b for b, _ in chosen.values()}) == len(chosen)
    if not (len(chosen) > 1 and one_to_one and kept >= SURE * len(both)):
        return None
    return {a: b for a, (b, _) in chosen.items()}


def amount(both: Sequence[tuple[Native, Native]]) -> str | None:
    """`decimal(2)` where both sides hold numbers, be it as text, and some with a point."""
    numbers = [_decimal(value) for pair in both for value in pair]
    if any(number is None for number in numbers):
        return None
    places = max(_places(number) for number in numbers if number is not None)
    return f"decimal({places})" if places else None


def _places(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def alike(path: str, other: str) -> float:
    """How much two names have in common, from 0 to 1."""
    one, two = _words(path), _words(other)
    if not one or not two:
        return 0.0
    shared = len(set(one) & set(two)) / min(len(set(one)), len(set(two)))
    letters = SequenceMatcher(None, "".join(one), "".join(two)).ratio()
    return max(letters, 0.9 * shared) if shared < 1 else max(letters, 0.9)


def _words(path: str) -> list[str]:
    return [
        word
        for part in re.split(r"[._\[\]\-\s]+", path)
        for w in _WORDS.findall(part)
        if (word := w.lower()) not in _SAID
    ]
