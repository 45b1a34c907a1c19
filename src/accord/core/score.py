"""Two records → how alike they are, row by row; and the keys under which records that may be alike are found.

A score links only what is certain: enough of the weight is filled on both sides, two rows agree, none contradicts, and
where a name is not spelt alike something that identifies is equal. All else above `review` is for a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from accord.config.meaning import MatchScore
from accord.core.alike import DIFFERENT, EQUAL, IDENTIFIES, Likeness, alike, code_of, name_of
from accord.core.detect import Reading
from accord.core.mapping import FlowMap
from accord.errors import ValueRefused
from accord.model import ABSENT, Dangling, LinkRef

SCORED = 1000
"""Keys of rules from this number on say that two records may be alike, and no more."""
WHOLE = SCORED + 1
"""The rule number of keys of a whole value, not of a part of it."""
PARTS = 3
"""So many keys of parts must be shared for two records to be compared, or one of a whole value."""
ENOUGH = 0.5
"""So much of the weight must be filled on both sides."""
LITTLE = 1 / 3
"""So much is enough where all that is filled is equal, and one of it identifies."""
AGREES = 0.9
MARGIN = 0.1
"""A second record within this of the best one is a namesake: neither is linked."""
LIGHT = 0.1
"""A row of less of the weight (a town) is no reason to compare two records, unless with other rows."""
MOST_WORDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RowScore:
    """What one row says."""

    row: str
    values: tuple[Any, Any]
    """Canonical, in the order of the records."""
    weight: float
    likeness: Likeness


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How alike two records are, and why."""

    value: float
    """The mean likeness of the rows that both have, by weight."""
    rows: tuple[RowScore, ...]
    doubts: tuple[str, ...] = ()
    """Why it may not link by itself, however high it is."""

    @property
    def certain(self) -> bool:
        """Whether nothing speaks against linking."""
        return not self.doubts

    def words(self) -> str:
        """For a person: the score and each row."""
        rows = "; ".join(f"{each.row} {_short(each.likeness)}" for each in self.rows)
        return f"{self.value:.2f} ({rows})" + "".join(f"; {doubt}" for doubt in self.doubts)


def _short(likeness: Likeness) -> str:
    return likeness.why if likeness.value in (0, 1) else f"{likeness.value:.2f}, {likeness.why}"


def filled(flow: FlowMap, rule: MatchScore, reading: Reading) -> dict[str, Any]:
    """Row → canonical value of all that a scored match rule looks at and that is not empty."""
    found = {row: _filled(flow, reading, row) for row in rule.weights}
    return {row: value for row, value in found.items() if value is not None}


def score_of(flow: FlowMap, rule: MatchScore, left: Mapping[str, Any], right: Mapping[str, Any]) -> Score:
    """Compare what is filled of two records by a scored match rule. A row that is empty on one side says nothing."""
    rows = [
        RowScore(row=row, values=(left[row], right[row]), weight=weight, likeness=_likeness(flow, row, left, right))
        for row, weight in rule.weights.items()
        if row in left and row in right
    ]
    return total(rows, sum(rule.weights.values()))


def total(rows: list[RowScore], weight: float) -> Score:
    """The score of some rows, out of a whole weight."""
    filled = sum(each.weight for each in rows)
    value = sum(each.weight * each.likeness.value for each in rows) / filled if filled else 0.0
    return Score(value=value, rows=tuple(rows), doubts=tuple(_doubts(rows, filled, weight)))


def _doubts(rows: list[RowScore], filled: float, weight: float) -> Iterator[str]:
    unequal = [each.row for each in rows if each.likeness.value < 1]
    identified = any(each.likeness.identifies for each in rows)
    if filled < (LITTLE if identified and not unequal else ENOUGH) * weight:
        yield "too little is filled on both sides"
    if sum(each.likeness.value >= AGREES for each in rows) < 2:
        yield "fewer than two properties agree"
    against = [each.row for each in rows if each.likeness.contradicts]
    if against:
        yield f"{' and '.join(against)} {'speaks' if len(against) == 1 else 'speak'} against it"
    if any(each.likeness.is_register for each in rows):
        return
    spelt = [each.row for each in rows if each.likeness.value < 1 and not each.likeness.is_slip]
    if spelt:
        yield f"{' and '.join(spelt)} may be another one's, and no number of a register is equal"
    elif unequal and not identified:
        verb = "differs" if len(unequal) == 1 else "differ"
        yield f"{' and '.join(unequal)} {verb}, and nothing that identifies is equal"


def _likeness(flow: FlowMap, row: str, left: Mapping[str, Any], right: Mapping[str, Any]) -> Likeness:
    if row in flow.references:
        return EQUAL if left[row] == right[row] else DIFFERENT
    return alike(flow.types[row].name, left[row], right[row], flow.types[row].equal)


def as_json(flow: FlowMap, row: RowScore) -> list[Any]:
    """The two values of a row, for people."""
    return [
        f"link {value.link}" if isinstance(value, LinkRef) else flow.to_json(row.row, value) for value in row.values
    ]


def _filled(flow: FlowMap, reading: Reading, row: str) -> Any:
    """The value of a row; None where it is empty, absent, dangling or cannot be read."""
    try:
        value = reading.value(row)
    except ValueRefused:
        return None
    if value is ABSENT or value is None or isinstance(value, Dangling):
        return None
    if isinstance(value, LinkRef):
        return value
    return None if flow.types[row].is_empty(value) else value


def score_keys(flow: FlowMap, reading: Reading) -> list[tuple[int, str]]:
    """(rule number, key): two records that are alike share one of them, as good as always."""
    rule = flow.flow.match_score
    if rule is None:
        return []
    found: dict[tuple[int, str], None] = {}
    whole = sum(rule.weights.values())
    for row, weight in rule.weights.items():
        value = _filled(flow, reading, row) if row not in flow.references else None
        if value is None:
            continue
        if weight < LIGHT * whole:
            found[SCORED, f"{row}\x1f{flow.types[row].key(value)}"] = None
            continue
        for number, part in _parts(flow.types[row].name, value):
            found[number, f"{row}\x1f{part}"] = None
    return list(found)


def _parts(kind: str, value: Any) -> Iterator[tuple[int, str]]:
    if kind == "email":
        local, _, domain = str(value).casefold().strip().rpartition("@")
        yield WHOLE, f"{local}@{domain}"
        yield SCORED, f"local {local}"
        yield SCORED, f"domain {domain}"
    elif kind == "phone":
        yield WHOLE, re.sub(r"\D", "", str(value))[-8:]
    elif kind in ("string", "text"):
        yield from _text_parts(str(value))


def _text_parts(text: str) -> Iterator[tuple[int, str]]:
    code = code_of(text)
    if code is not None:
        yield WHOLE if len(code[0]) >= IDENTIFIES else SCORED, f"code {code[0]}"
        if len(code[0]) >= IDENTIFIES:
            half = len(code[0]) // 2
            yield SCORED, f"begins {code[0][:half]}"
            yield SCORED, f"ends {code[0][-half:]}"
        return
    words = sorted(set(name_of(text).words), key=lambda word: (-len(word), word))[:MOST_WORDS]
    if not words:
        return
    yield WHOLE, f"words {' '.join(sorted(words))}"
    for word in words:  # one typing error leaves one half as it is
        yield SCORED, f"begins {word[:4]}"
        yield SCORED, f"ends {word[-4:]}"
    for pair in combinations(words, 2):
        yield SCORED, f"both {' '.join(sorted(word[:3] for word in pair))}"
