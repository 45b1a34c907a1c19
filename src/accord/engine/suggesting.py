"""`suggest`: rows and match rules for a flow, from the records of both sides.

Records that are there on both sides are paired by the property that tells them best. A pair of properties then counts
for what it agrees in beyond chance, over these pairs; where too few records are on both sides, for the values that both
have, and for their names. Nothing is written anywhere; a person takes what fits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from accord.config.meaning import Flow, Project, System
from accord.connectors.registry import connect
from accord.core.mapping import FlowMap, SideMap
from accord.engine.combining import best_key, joined, rules_together
from accord.engine.discovering import FoundDatatype, FoundProperty, discover
from accord.engine.likeness import ENOUGH, SURE, agreement, alike, amount, codes_of, once, plain, scale_of, tells
from accord.errors import ExpressionError
from accord.model import Native, Natives
from accord.ports import Connector

PROPOSE = 0.5
"""The least score of a row that is proposed."""
OPTIONS = 12
NAMING = frozenset({"", "string", "text", "email", "phone", "url"})
"""Types of properties by which records may be paired."""
NO_NAME = frozenset({"decimal", "float", "date", "datetime", "money", "reference"})
"""Types whose values are no name of a record, though they may happen to stand once."""
TOLD_TOGETHER = NAMING | {"date", "country", "integer"}
"""Types of properties that may tell records apart together with another one."""
FEW = 0.5
"""Where one property pairs less than this part of the smaller side, several together are tried."""
TOGETHER = 1.5
"""So many times more records must several properties pair than one does."""


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
    """A match rule: the rows that must all be equal, by their paths on the left."""

    rule: tuple[str, ...]
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
    asked = {
        side.system: {one.name: one for one in discover(project.systems[side.system], sample, connecting)}
        for side in flow.sides
    }
    return suggested(project, flow, asked)


def suggested(project: Project, flow: Flow, asked: Mapping[str, Mapping[str, FoundDatatype]]) -> list[Suggested]:
    """Proposals from what was discovered already: system → datatype → what it has."""
    first, *others = flow.sides
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
        marks = {datatype.id, datatype.modified, datatype.created, version, datatype.key_property}
        marks |= {found.keys.get(key) for key in ("modified", "created", "version")}
        self.id, self.marks = datatype.id, marks
        self.records = [record for record in found.samples if _is_in(side, record)]
        self.properties = [
            one
            for one in found.properties
            if one.path not in taken | marks
            and one.type != "json"
            and (not self.records or any(record.get(one.path) for record in self.records))
        ]
        self.all = {one.path: one for one in found.properties}
        self.plain = {path: [plain(record.get(path)) for record in self.records] for path in self.all}

    def once(self) -> dict[str, dict[str, int]]:
        """Path → value that stands once → which record has it, of what may name a record."""
        paths = [
            path for path, one in self.all.items() if (one.type or "").partition("(")[0] in NAMING and path != self.id
        ]
        return {path: once(self.plain[path]) for path in paths}

    def keylike(self) -> dict[str, list[str]]:
        """Path → the values of what may name a record together with another property."""
        paths = [
            path
            for path, one in self.all.items()
            if (one.type or "").partition("(")[0] in TOLD_TOGETHER and path not in self.marks
        ]
        return {path: self.plain[path] for path in paths}


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
        self.told: dict[tuple[str, str], str] = {}
        for other in project.flows.values():
            sides = other.side(left), other.side(right)
            if sides[0] is not None and sides[1] is not None:
                compiled = FlowMap(project, other)
                ids = [self._ids(project, compiled.sides[side.system], asked[side.system]) for side in sides if side]
                self.ids.append((other.name, ids[0], ids[1]))
                self.told.setdefault((sides[0].datatype, sides[1].datatype), other.name)
        self.ids.sort(key=lambda one: (one[0] == flow.name, len(one[1])))

    @staticmethod
    def _ids(project: Project, side: SideMap, asked: Mapping[str, FoundDatatype]) -> frozenset[str]:
        """The ids of the records that take part in a flow: one datatype may serve several."""
        path = project.datatype(side.side.system, side.side.datatype).id
        samples = asked[side.side.datatype].samples
        return frozenset(str(record.get(path)) for record in samples if _is_in(side, record))

    def said(self, one: FoundProperty, other: FoundProperty) -> str | None:
        """The flow whose records both properties name, by what the systems tell of them."""
        return self.told.get((one.refers, other.refers)) if one.refers and other.refers else None

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
        """The properties that tell best which records are the same, and these records: one of each side, or several
        together where one alone pairs but a few.
        """
        best: tuple[float, tuple[str, str], list[tuple[int, int]]] | None = None
        mine, theirs = self.left.once(), self.right.once()
        for path, one in mine.items():
            for other, two in theirs.items():
                pairs = [(at, two[value]) for value, at in one.items() if value in two]
                score = len(pairs) * (1 + 0.2 * alike(path, other))
                if len(pairs) >= ENOUGH and (best is None or score > best[0]):
                    best = score, (path, other), pairs
        if best is None or len(best[2]) < FEW * min(len(self.left.records), len(self.right.records)):
            key = best_key(self.left.keylike(), self.right.keylike(), alike)
            if key is not None and (best is None or len(key.pairs) > TOGETHER * len(best[2])):
                return (" + ".join(key.left), " + ".join(key.right)), list(key.pairs)
        return (best[1], best[2]) if best else (None, [])

    # how two properties go together

    def _row(self, one: FoundProperty, other: FoundProperty) -> SuggestedRow | None:
        name = alike(one.path, other.path)
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
        agreed, beyond = agreement([(plain(a), plain(b)) for a, b in both])
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
        kind = amount(both) or _joint(one, other)
        if beyond <= 0 or kind is None:
            return None
        said = f"equal in {agreed} of {len(both)} records that are on both sides"
        return _row(one, other, 0.8 * beyond + 0.2 * name, kind, (said, *_named(name)), both)

    def _scaled(
        self, one: FoundProperty, other: FoundProperty, name: float, both: Sequence[tuple[Native, Native]]
    ) -> SuggestedRow | None:
        scale = scale_of(both)
        if scale is None:
            return None
        said = f"the one is {scale} times the other in nearly all of {len(both)} records that are on both sides"
        kind = f"decimal({max(_decimals_of(one), _decimals_of(other))})"
        return _row(one, other, 0.75 + 0.2 * name, kind, (said, *_named(name)), both, scale=scale)

    def _coded(
        self, one: FoundProperty, other: FoundProperty, name: float, both: Sequence[tuple[Native, Native]]
    ) -> SuggestedRow | None:
        """Each value of the one side goes with one of the other: options under other names, or references."""
        codes = codes_of(both)
        if codes is None:
            return None
        flow = self.references.said(one, other) or self.references.of([a for a, _ in both], [b for _, b in both])
        if flow is not None:
            reasons = (f"both name records of {flow}", *_named(name))
            return _row(one, other, 0.75 + 0.2 * name, f"reference({flow})", reasons, both)
        if len(codes) > OPTIONS or len(both) < 3 * len(codes):
            return None
        said = f"each of {len(codes)} values goes with one of the other side, in {len(both)} records"
        return _row(one, other, 0.75 + 0.2 * name, "enum", (said, *_named(name)), both, map=codes)

    def _unpaired(self, one: FoundProperty, other: FoundProperty, name: float) -> SuggestedRow | None:
        """Too few records on both sides: the values that both have, and the names."""
        if one.refers or other.refers:
            flow = self.references.said(one, other)
            said = (f"both name records of {flow}, as the systems tell", *_named(name))
            pairs = [(one.example, other.example)]
            return _row(one, other, 0.5 + 0.4 * name, f"reference({flow})", said, pairs) if flow is not None else None
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
        """Rows that tell records apart on both sides, the one that most records have first; where none does, several
        rows together.
        """
        plain = [row for row in rows if not row.map and not row.scale]
        named = [row for row in plain if row.type.partition("(")[0] not in NO_NAME]
        alone = [match for row in named if (match := self._match((row,))) is not None]
        if not alone:
            kinds = [row for row in plain if row.type.partition("(")[0] in TOLD_TOGETHER]
            paths = [(row.left, row.right) for row in kinds]
            chosen = rules_together(self.left.plain, self.right.plain, paths)
            found = (self._match(tuple(kinds[at] for at in each)) for each in chosen)
            alone = [match for match in found if match is not None]
        return sorted(alone, key=lambda match: (-match.score, match.rule))

    def _match(self, rows: tuple[SuggestedRow, ...]) -> SuggestedMatch | None:
        one = joined([self.left.plain[row.left] for row in rows])
        other = joined([self.right.plain[row.right] for row in rows])
        if not (tells(one) and tells(other)):
            return None
        filled = min(sum(map(bool, one)) / len(one), sum(map(bool, other)) / len(other))
        both = len(set(filter(None, one)) & set(filter(None, other)))
        if both < ENOUGH and not self.pairs:
            return None  # nothing says that the two sides mean the same by it
        said = f"filled in {filled:.0%} of the records or more, and hardly ever twice; {both} values are on both sides"
        together = "together " if len(rows) > 1 else ""
        score = filled * min(row.score for row in rows)
        return SuggestedMatch(rule=tuple(row.left for row in rows), score=round(score, 2), reason=f"{together}{said}")


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


def _decimals_of(one: FoundProperty) -> int:
    inside = (one.type or "").partition("(")[2].rstrip(")")
    if inside.isdecimal():
        return int(inside)
    text = str(one.example) if one.example is not None else ""
    return len(text.partition(".")[2]) if re.fullmatch(r"-?\d+\.\d+", text) else 0


def _named(name: float) -> tuple[str, ...]:
    return ("the names are alike",) if name >= 0.6 else ()
