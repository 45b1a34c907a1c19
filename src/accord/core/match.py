"""Records in no link → link | create | review. Never guessed: whatever is not plain is for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accord.core.detect import Reading
from accord.core.mapping import FlowMap
from accord.errors import ValueRefused
from accord.model import ABSENT, Dangling, LinkRef, Natives

MATCHING = ("match-or-create", "match-only")
CREATING = ("create", "match-or-create", "connected")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Which flow takes up a record that is in no link."""

    flow: str | None
    rivals: tuple[str, ...] = ()
    """Several flows claim it: held until a person says."""


def claim(flows: Sequence[FlowMap], system: str, natives: Natives) -> Claim:
    """The one flow whose filter is true and whose mode takes up new records of this system.

    A flow whose mode is `never` does not claim, but keeps what no other flow claims as a candidate for its match
    rules. Raises ExpressionError.
    """
    in_scope = [flow for flow in flows if in_scope_of(flow, system, natives)]
    eager = [flow.name for flow in in_scope if flow.sides[system].side.mode != "never"]
    if len(eager) == 1:
        return Claim(flow=eager[0])
    if eager:
        return Claim(flow=None, rivals=tuple(eager))
    patient = [flow.name for flow in in_scope if flow.flow.matches]
    return Claim(flow=patient[0] if len(patient) == 1 else None)


def in_scope_of(flow: FlowMap, system: str, natives: Natives) -> bool:
    """Whether the side's `where` is true for a record. Raises ExpressionError."""
    where = flow.sides[system].where
    return where is None or where.test(natives)


def match_keys(flow: FlowMap, reading: Reading) -> list[tuple[int, str]]:
    """(rule number, key) for each match rule all of whose rows are filled."""
    keys = []
    for number, rule in enumerate(flow.flow.match):
        parts = [_key(flow, reading, row) for row in rule]
        if all(parts):
            keys.append((number, "\x1f".join(part for part in parts if part)))
    return keys


def _key(flow: FlowMap, reading: Reading, row: str) -> str | None:
    try:
        value: Any = reading.value(row)
    except ValueRefused:
        return None
    if value is ABSENT or isinstance(value, Dangling):
        return None
    return f"link {value.link}" if isinstance(value, LinkRef) else flow.types[row].key(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Another link that shares a match key with the one that is looked at."""

    link: int
    systems: frozenset[str]
    """All systems it has a member in."""
    sharing: frozenset[str]
    """Systems of the members that share the key."""
    resting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the match rules say of one link."""

    action: str
    """`merge`, `review` or `none`."""
    links: tuple[int, ...] = ()
    reason: str = ""


def judge(systems: frozenset[str], candidates: Sequence[Candidate], titles: Mapping[str, str]) -> Verdict:
    """One candidate: merge. None: none. Anything else: review."""
    if not candidates:
        return Verdict(action="none")
    links = tuple(sorted(candidate.link for candidate in candidates))
    twice = sorted(systems & frozenset().union(*(candidate.sharing for candidate in candidates)))
    if twice:
        return Verdict(action="review", links=links, reason=f"two records of {titles[twice[0]]} have the same key")
    if any(systems & candidate.systems for candidate in candidates):
        return Verdict(action="review", links=links, reason="the record that matches is linked with another one")
    taken: set[str] = set(systems)
    for candidate in candidates:
        if taken & candidate.systems:
            return Verdict(action="review", links=links, reason=f"{len(candidates)} records match")
        taken |= candidate.systems
    if any(candidate.resting for candidate in candidates):
        return Verdict(action="review", links=links, reason="the record that matches is outside its filter")
    return Verdict(action="merge", links=links)
