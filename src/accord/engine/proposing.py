"""Two systems that nobody has mapped yet: which of their datatypes go together, and by which rows and match rules.

Every datatype of the one is compared with those of the other: by name, by the records that are on both sides, and by
the rows that would be proposed. Each gets at most one partner, the best pair first. Nothing is written anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from accord.config.meaning import Flow, Project, Side, System
from accord.connectors.registry import connect
from accord.engine.discovering import FoundDatatype, as_found, discover
from accord.engine.likeness import ENOUGH, alike
from accord.engine.suggesting import Suggested, suggested
from accord.errors import SystemFailure
from accord.ports import Discovered, Discovers, PropertySchema

LEAST = 0.4
"""The score from which on two datatypes are taken for the same kind of thing."""
MOST_PAIRS = 80
"""So many pairs of datatypes are compared; where there are more, those whose names are most alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedFlow:
    """One flow, and why it is proposed."""

    name: str
    left: str
    right: str
    score: float
    found: Suggested

    @property
    def is_sure(self) -> bool:
        """Whether records on both sides say so, and not only names."""
        return self.found.pairs >= ENOUGH


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Everything that is proposed for two systems."""

    flows: tuple[ProposedFlow, ...]
    alone: Mapping[str, tuple[str, ...]]
    """System → its datatypes that have no partner."""


def look_at_system(system: System, sample: int) -> tuple[dict[str, FoundDatatype], str | None]:
    """What a system has; where it cannot be read, what is known without asking, and why it could not."""
    try:
        return {one.name: one for one in discover(system, sample)}, None
    except SystemFailure as error:
        why = error.message
    connector = connect(system)
    if system.connector == "openapi" and isinstance(connector, Discovers):
        return {one.name: one for one in discover(system, 0)}, why
    known = [
        Discovered(
            name=name,
            keys={},
            properties={
                path: PropertySchema(path=path, type=one.type, required=one.required, read_only=one.read_only)
                for path, one in datatype.properties.items()
            },
            samples=(),
        )
        for name, datatype in system.datatypes.items()
    ]
    return {one.name: as_found(system, one) for one in known}, why


def propose(project: Project, left: str, right: str, asked: Mapping[str, Mapping[str, FoundDatatype]]) -> Proposal:
    """Flows between two systems of a project that has none, from what both have."""
    pairs = _likely(asked[left].values(), asked[right].values())
    scored = []
    for one, other in pairs:
        flow = _flow(one.name, (left, one.name), (right, other.name))
        (found,) = suggested(project, flow, asked)
        scored.append((_score(one, other, found), one, other))
    scored.sort(key=lambda each: (-each[0], each[1].name, each[2].name))
    chosen: list[tuple[float, FoundDatatype, FoundDatatype]] = []
    for score, one, other in scored:
        if score >= LEAST and not any(one is mine or other is theirs for _, mine, theirs in chosen):
            chosen.append((score, one, other))
    flows = {one.name: _flow(one.name, (left, one.name), (right, other.name)) for _, one, other in chosen}
    whole = replace(project, flows=flows)
    taken = {left: {one.name for _, one, _ in chosen}, right: {other.name for _, _, other in chosen}}
    return Proposal(
        flows=tuple(
            ProposedFlow(
                name=one.name,
                left=one.name,
                right=other.name,
                score=round(score, 2),
                found=suggested(whole, flows[one.name], asked)[0],
            )
            for score, one, other in chosen
        ),
        alone={name: tuple(each for each in asked[name] if each not in taken[name]) for name in (left, right)},
    )


def _likely(left: Iterable[FoundDatatype], right: Iterable[FoundDatatype]) -> list[tuple[FoundDatatype, FoundDatatype]]:
    theirs = list(right)
    pairs = [(one, other) for one in left for other in theirs]
    pairs.sort(key=lambda pair: -alike(pair[0].name, pair[1].name))
    return pairs[:MOST_PAIRS]


def _flow(name: str, left: tuple[str, str], right: tuple[str, str]) -> Flow:
    sides = tuple(Side(system=system, datatype=datatype, mode="match-or-create") for system, datatype in (left, right))
    return Flow(name=name, sides=sides, rows=())


def _score(one: FoundDatatype, other: FoundDatatype, found: Suggested) -> float:
    """How likely two datatypes are the same kind of thing: their names, the records of both, the rows."""
    names = alike(one.name, other.name)
    few = min(len(one.properties), len(other.properties)) or 1
    rows = min(1.0, sum(row.score for row in found.rows) / few)
    smaller = min(found.records)
    if not smaller:
        return 0.6 * names + 0.4 * rows
    return 0.4 * names + 0.3 * min(1.0, found.pairs / smaller) + 0.3 * rows
