"""`suggest`: rows and match rules for a flow, from the records of both sides.

Records that are there on both sides are paired by the property that tells them best. A pair of properties then counts
for what it agrees in beyond chance, over these pairs; where too few records are on both sides, for the values that both
have, and for their names. Nothing is written anywhere; a person takes what fits.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from difflib import SequenceMatcher
from typing import Any

from accord.config.meaning import Flow, Project, System
from accord.connectors.registry import connect
from accord.core.mapping import FlowMap, SideMap
from accord.engine.discovering import FoundDatatype, FoundProperty, find, samples_of
from accord.errors import ExpressionError
from accord.model import Native, Natives
from accord.ports import Connector

ENOUGH = 5
"""So many records on both sides are needed before their agreement says anything."""
PROPOSE = 0.5
"""The least score of a row that is proposed."""
SURE = 0.95
"""How consistent a scale, a map or a reference must be."""
OPTIONS = 12
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_SPACES = re.compile(r"\s+")
_SAID = frozenset({"custom", "field", "value", "the", "of"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestedRow:
    """One row that a flow might have."""

    left: str
    right: str
    score: float
    type: str
    map: Mapping[Any, Any] = field(default_factory=dict)
    scale: str | None = None
    """By what the right side is more: `60` where it counts minutes and the left one hours."""
    reasons: tuple[str, ...] = ()
    examples: tuple[tuple[Native, Native], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestedMatch:
    """A match rule of one row."""

    row: str
    score: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggested:
    """What is proposed for one flow and two of its systems."""

    flow: str
    left: str
    right: str
    records: tuple[int, int]
    """How many records of each side were looked at."""
    paired_by: tuple[str, str] | None
    pairs: int
    rows: tuple[SuggestedRow, ...]
    match: tuple[SuggestedMatch, ...]


def suggest(
    project: Project, flow: Flow, sample: int, connecting: Callable[[System], Connector] = connect
) -> list[Suggested]:
    """Proposals for a flow, its first system with each other one. Raises SystemFailure, UsageError."""
    first, *others = flow.sides
    asked = {side.system: find(project.systems[side.system], sample, connecting) for side in flow.sides}
    compiled = FlowMap(project, flow)
    found = []
    for other in others:
        taken = [row.paths for row in flow.rows if first.system in row.paths and other.system in row.paths]
        sides = [
            _Side(compiled.sides[side.system], asked[side.system], project, {paths[side.system] for paths in taken})
            for side in (first, other)
        ]
        pair = _Pair(sides[0], sides[1], _References(project, flow, first.system, other.system, asked))
        found.append(pair.suggested(flow.name, first.system, other.system))
    return found


class _Side:
    """One datatype of one system, and its sampled records."""

    def __init__(self, side: SideMap, asked: Mapping[str, FoundDatatype], project: Project, taken: set[str]) -> None:
        name = side.side.datatype
        datatype, found = project.datatype(side.side.system, name), asked[name]
        version = datatype.version.path if datatype.version is not None else None
        marks = {datatype.id, datatype.modified, version, datatype.key_property}
        marks |= {found.keys.get(key) for key in ("modified", "version")}
        self.id = datatype.id
        self.records = [record for record in samples_of(found) if _is_in(side, record)]
        self.properties = [
            one
            for one in found.properties
            if one.path not in taken | marks
            and one.type != "json"
            and any(record.get(one.path) for record in self.records)
        ]
        self.all = {one.path: one for one in found.properties}
        self.plain = {path: [_plain(record.get(path)) for record in self.records] for path in self.all}


def _is_in(side: SideMap, record: Natives) -> bool:
    """Whether a record is in the filter of its side, as far as that can be told."""
    try:
        return side.where is None or side.where.test(record)
    except ExpressionError:
        return False


class _References:
    """Which flow two properties refer to, if any."""

    def __init__(
        self, project: Project, flow: Flow, left: str, right: str, asked: Mapping[str, Mapping[str, FoundDatatype]]
    ) -> None:
        self.ids: list[tuple[str, frozenset[str], frozenset[str]]] = []
        for other in project.flows.values():
            sides = other.side(left), other.side(right)
            if sides[0] is not None and sides[1] is not None:
                ids = [self._ids(project, side.system, side.datatype, asked[side.system]) for side in sides if side]
                self.ids.append((other.name, ids[0], ids[1]))
        self.ids.sort(key=lambda one: (one[0] == flow.name, len(one[1])))

    @staticmethod
    def _ids(project: Project, system: str, datatype: str, asked: Mapping[str, FoundDatatype]) -> frozenset[str]:
        path = project.systems[system].datatypes[datatype].id
        return frozenset(str(record.get(path)) for record in samples_of(asked[datatype]))

    def of(self, left: Sequence[Native], right: Sequence[Native]) -> str | None:
        """The flow whose records both properties name."""
        one, other = ({str(value) for value in values if value not in (None, "")} for values in (left, right))
        for name, ids, theirs in self.ids:
            if one and other and one <= ids and other <= theirs:
                return name
        return None


class _Pair:
    """Two sides of a flow."""

    def __init__(self, left: _Side, right: _Side, references: _References) -> None:
        self.left, self.right, self.references = left, right, references
        self.key, self.pairs = self._paired()

    def suggested(self, flow: str, left: str, right: str) -> Suggested:
        """The best pairs of properties, each used once."""
        candidates = [
            row for one in self.left.properties for other in self.right.properties if (row := self._row(one, other))
        ]
        rows: list[SuggestedRow] = []
        for row in sorted(candidates, key=lambda row: (-row.score, row.left, row.right)):
            if row.score >= PROPOSE and not any(row.left == each.left or row.right == each.right for each in rows):
                rows.append(row)
        return Suggested(
            flow=flow,
            left=left,
            right=right,
            records=(len(self.left.records), len(self.right.records)),
            paired_by=self.key,
            pairs=len(self.pairs),
            rows=tuple(rows),
            match=tuple(self._matches(rows)),
        )

    # which records are the same

    def _paired(self) -> tuple[tuple[str, str] | None, list[tuple[int, int]]]:
        """The two properties that tell best which records are the same, and these records."""
        best: tuple[float, tuple[str, str], list[tuple[int, int]]] | None = None
        for path in self.left.plain:
            for other in self.right.plain:
                if path in (self.left.id,) or other in (self.right.id,) or not self._tell(path, other):
                    continue
                pairs = self._joined(path, other)
                score = len(pairs) * (1 + 0.2 * _alike(path, other))
                if len(pairs) >= ENOUGH and (best is None or score > best[0]):
                    best = score, (path, other), pairs
        return (best[1], best[2]) if best else (None, [])

    def _tell(self, path: str, other: str) -> bool:
        kinds = {
            (self.left.all[path].type or "").partition("(")[0],
            (self.right.all[other].type or "").partition("(")[0],
        }
        return kinds <= {"string", "text", "email", "phone", "url"}

    def _joined(self, path: str, other: str) -> list[tuple[int, int]]:
        """Records whose values are the same and are there once on each side."""
        one, two = _once(self.left.plain[path]), _once(self.right.plain[other])
        return [(at, two[value]) for value, at in one.items() if value in two]

    # how two properties go together

    def _row(self, one: FoundProperty, other: FoundProperty) -> SuggestedRow | None:
        name = _alike(one.path, other.path)
        both = [
            (a, b)
            for at, to in self.pairs
            if (a := self.left.records[at].get(one.path)) not in (None, "", [])
            and (b := self.right.records[to].get(other.path)) not in (None, "", [])
        ]
        if len(both) >= ENOUGH:
            return self._compared(one, other, name, both)
        return self._unpaired(one, other, name)

    def _compared(
        self, one: FoundProperty, other: FoundProperty, name: float, both: Sequence[tuple[Native, Native]]
    ) -> SuggestedRow | None:
        """Over records that are on both sides: agreement beyond chance, or a scale, a map or a reference."""
        agreed, beyond = _agreement([(_plain(a), _plain(b)) for a, b in both])
        found = self._equal(one, other, name, both, agreed, beyond)
        if beyond >= SURE:
            return found
        others = (self._scaled(one, other, name, both), self._coded(one, other, name, both))
        return max((row for row in (found, *others) if row is not None), key=lambda row: row.score, default=None)

    def _equal(
        self,
        one: FoundProperty,
        other: FoundProperty,
        name: float,
        both: Sequence[tuple[Native, Native]],
        agreed: int,
        beyond: float,
    ) -> SuggestedRow | None:
        kind = _amount(both) or _joint(one, other)
        if beyond <= 0 or kind is None:
            return None
        said = f"equal in {agreed} of {len(both)} records that are on both sides"
        return _row(one, other, 0.8 * beyond + 0.2 * name, kind, (said, *_named(name)), both)

    def _scaled(
        self, one: FoundProperty, other: FoundProperty, name: float, both: Sequence[tuple[Native, Native]]
    ) -> SuggestedRow | None:
        scale = _scale(both)
        if scale is None:
            return None
        said = f"the one is {scale} times the other in nearly all of {len(both)} records that are on both sides"
        kind = f"decimal({max(_decimals_of(one), _decimals_of(other))})"
        return _row(one, other, 0.75 + 0.2 * name, kind, (said, *_named(name)), both, scale=scale)

    def _coded(
        self, one: FoundProperty, other: FoundProperty, name: float, both: Sequence[tuple[Native, Native]]
    ) -> SuggestedRow | None:
        """Each value of the one side goes with one of the other: options under other names, or references."""
        codes = _codes(both)
        if codes is None:
            return None
        flow = self.references.of([a for a, _ in both], [b for _, b in both])
        if flow is not None:
            reasons = (f"both name records of {flow}", *_named(name))
            return _row(one, other, 0.75 + 0.2 * name, f"reference({flow})", reasons, both)
        if len(codes) > OPTIONS or len(both) < 3 * len(codes):
            return None
        said = f"each of {len(codes)} values goes with one of the other side, in {len(both)} records"
        return _row(one, other, 0.75 + 0.2 * name, "enum", (said, *_named(name)), both, map=codes)

    def _unpaired(self, one: FoundProperty, other: FoundProperty, name: float) -> SuggestedRow | None:
        """Too few records on both sides: the values that both have, and the names."""
        kind = _joint(one, other)
        if kind is None:
            return None
        mine, theirs = (
            set(filter(None, side.plain[path])) for side, path in ((self.left, one.path), (self.right, other.path))
        )
        few = min(len(mine), len(theirs))
        shared = len(mine & theirs) / few if few >= ENOUGH and kind not in ("integer", "boolean") else 0.0
        reasons = (f"{len(mine & theirs)} values are on both sides",) if shared else ()
        score = max(0.7 * name, 0.5 * shared + 0.5 * name)
        return _row(one, other, score, kind, (*reasons, *_named(name)), [(one.example, other.example)])

    def _matches(self, rows: Sequence[SuggestedRow]) -> list[SuggestedMatch]:
        """Rows that tell records apart on both sides, the one that most records have first."""
        found = []
        for row in rows:
            one, other = self.left.plain[row.left], self.right.plain[row.right]
            if row.map or row.scale or not (_tells(one) and _tells(other)):
                continue
            filled = min(sum(map(bool, one)) / len(one), sum(map(bool, other)) / len(other))
            both = len(set(filter(None, one)) & set(filter(None, other)))
            reason = (
                f"filled in {filled:.0%} of the records or more, and hardly ever twice; {both} values are on both sides"
            )
            found.append(SuggestedMatch(row=row.left, score=round(filled * row.score, 2), reason=reason))
        return sorted(found, key=lambda match: -match.score)


def _row(
    one: FoundProperty,
    other: FoundProperty,
    score: float,
    type: str,
    reasons: tuple[str, ...],
    both: Sequence[tuple[Native, Native]],
    map: Mapping[Any, Any] | None = None,
    scale: str | None = None,
) -> SuggestedRow:
    return SuggestedRow(
        left=one.path,
        right=other.path,
        score=round(score, 2),
        type=type,
        map=map or {},
        scale=scale,
        reasons=reasons,
        examples=tuple(both[:3]),
    )


# values


def _plain(value: Native) -> str:
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


def _once(values: Sequence[str]) -> dict[str, int]:
    """Value → where it stands, of those that stand once."""
    counts = Counter(values)
    return {value: at for at, value in enumerate(values) if value and counts[value] == 1}


def _tells(values: Sequence[str]) -> bool:
    filled = [value for value in values if value]
    return len(filled) >= ENOUGH and len(filled) >= len(values) / 2 and len(set(filled)) >= SURE * len(filled)


def _agreement(both: Sequence[tuple[str, str]]) -> tuple[int, float]:
    """How often the two are equal, and how much of that is more than chance (Cohen's kappa, 1960)."""
    agreed = sum(a == b for a, b in both)
    left, right = Counter(a for a, _ in both), Counter(b for _, b in both)
    chance = sum(left[value] * right[value] for value in left) / len(both) ** 2
    rate = agreed / len(both)
    return agreed, 0.0 if chance >= 1 else max(0.0, (rate - chance) / (1 - chance)) if agreed >= ENOUGH else 0.0


def _scale(both: Sequence[tuple[Native, Native]]) -> str | None:
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
    different = len({_plain(a) for a, _ in both}) >= ENOUGH
    return _number(ratio) if different and ratio not in (0, 1) and count >= SURE * ratios.total() else None


def _decimal(value: Native) -> Decimal | None:
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d+(\.\d+)?", value):
        return Decimal(value)
    return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def _codes(both: Sequence[tuple[Native, Native]]) -> dict[Native, Native] | None:
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


# types and names


def _joint(one: FoundProperty, other: FoundProperty) -> str | None:
    """The type of a row of both; None where they cannot be one."""
    left, right = one.type or "string", other.type or "string"
    if left == right:
        return left
    kinds = {left.partition("(")[0], right.partition("(")[0]}
    if kinds <= {"integer", "decimal", "string", "float"} and kinds & {"decimal", "integer"}:
        return f"decimal({max(_decimals_of(one), _decimals_of(other))})"
    if kinds <= {"date", "datetime"}:
        return "date"
    if kinds <= {"string", "text", "email", "url", "phone", "country", "enum"}:
        special = kinds - {"string", "text"}
        return "text" if "text" in kinds else special.pop() if len(special) == 1 and special != {"enum"} else "string"
    return None


def _amount(both: Sequence[tuple[Native, Native]]) -> str | None:
    """`decimal(2)` where both sides hold numbers, be it as text, and some with a point."""
    numbers = [_decimal(value) for pair in both for value in pair]
    if any(number is None for number in numbers):
        return None
    places = max(_places(number) for number in numbers if number is not None)
    return f"decimal({places})" if places else None


def _places(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _decimals_of(one: FoundProperty) -> int:
    inside = (one.type or "").partition("(")[2].rstrip(")")
    if inside.isdecimal():
        return int(inside)
    text = str(one.example) if one.example is not None else ""
    return len(text.partition(".")[2]) if re.fullmatch(r"-?\d+\.\d+", text) else 0


def _alike(path: str, other: str) -> float:
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


def _named(name: float) -> tuple[str, ...]:
    return ("the names are alike",) if name >= 0.6 else ()
