"""Which of several values wins a row or group, and why. `decide` is the table of docs/guarantees.md, one screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from accord.core import combine
from accord.core.candidates import (
    Candidate,
    agreed_candidate,
    distinct_of,
    empty,
    filled_from,
    richest,
    shown_unit,
)
from accord.core.items import Version, join
from accord.core.mapping import FlowMap
from accord.errors import ValueRefused
from accord.model import Link, json_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a person chose for one held row."""

    take: str | None = None
    """The system whose value wins."""
    value: Any = None
    """Or a value, as JSON."""
    seen: Mapping[str, Any] = field(default_factory=dict)
    """System → JSON value that the person saw; the decision holds only as long as these are still there."""
    by: str = "a person"


def decide(
    flow: FlowMap, link: Link, unit: tuple[str, ...], candidates: list[Candidate], choice: Decision | None
) -> tuple[Candidate | None, str]:
    """Which of the candidates wins a row or group, and why; None: a person must say."""
    row = flow.rows[unit[0]]
    distinct = distinct_of(flow, unit, candidates)
    if choice is not None and (wanted := chosen(flow, unit, candidates, choice)):
        return wanted, f"decided by {choice.by}"
    if row.enforce:  # one system is the authority, whoever else edits
        return _enforced(link, unit, candidates, row.enforce), f"{flow.title(row.enforce)} decides this row"
    if row.keep_filled and (kept := _kept_filled(flow, link, unit, distinct)):
        return kept, "an empty value never wins"
    if row.keep_filled:  # between those who did not empty it, the rule decides
        candidates = [candidate for candidate in candidates if not empty(flow, unit, candidate.values)] or candidates
        distinct = distinct_of(flow, unit, candidates)
    if len(distinct) == 1:  # one edit, or the same value typed on several sides
        return distinct[0], f"edited in {flow.title(distinct[0].system)}"
    rule = row.conflict
    if rule.rule == "prefer":
        for system in rule.prefer:
            for candidate in candidates:
                if system == (candidate.system or link.agreed[unit[0]].origin):
                    return candidate, f"edited on several sides; {flow.title(system)} is preferred"
    if rule.rule == "latest":
        return _latest(flow, link, unit, distinct)
    if rule.rule == "keep-filled":
        filled = [c for c in distinct if not empty(flow, unit, c.values)]
        if len(filled) == 1:
            return filled[0], "edited on several sides; filled beats empty"
    if len(unit) == 1 and rule.rule in combine.RULES:
        return _combined(flow, link, unit[0], rule.rule, distinct)
    return None, "edited differently on several sides"


def _kept_filled(flow: FlowMap, link: Link, unit: tuple[str, ...], distinct: list[Candidate]) -> Candidate | None:
    """Where somebody emptied the row: the one filled value, else the agreed one; None where nobody did."""
    filled = [candidate for candidate in distinct if not empty(flow, unit, candidate.values)]
    if len(filled) == len(distinct) or len(filled) > 1:
        return None
    return filled[0] if filled else agreed_candidate(link, unit)


def _latest(
    flow: FlowMap, link: Link, unit: tuple[str, ...], distinct: list[Candidate]
) -> tuple[Candidate | None, str]:
    timed = [(c.modified, c) for c in distinct if c.modified is not None]
    if len(timed) < len(distinct):
        return None, "edited differently on several sides; a system does not say when"
    timed.sort(key=lambda pair: pair[0], reverse=True)
    (newest, winner), (older, other) = timed[0], timed[1]
    origin = link.agreed[unit[0]].origin if unit[0] in link.agreed else None
    systems = [system for system in (winner.system or origin, other.system or origin) if system]
    tolerance = flow.tolerance((systems[0], systems[-1])) if systems else 0.0
    if (newest - older).total_seconds() <= tolerance:
        return None, f"edited differently on several sides within {tolerance:g} s of each other"
    return winner, f"edited on several sides; the latest edit wins ({flow.title(winner.system or origin)})"


def _combined(
    flow: FlowMap, link: Link, row: str, rule: str, distinct: list[Candidate]
) -> tuple[Candidate | None, str]:
    before = link.agreed[row].value if row in link.agreed else None
    if any(candidate.system is None or candidate.behind for candidate in distinct):
        return None, "edited by somebody who had not yet received the agreed value"
    if flow.rows[row].items is not None:
        return _united(flow, row, rule, distinct)
    value = combine.RULES[rule](before, [candidate.values[0] for candidate in distinct])
    if value is None:
        return None, f"edited differently on several sides, and {rule} cannot join them"
    return Candidate(system=None, values=(value,), modified=None), f"edited on several sides; joined by {rule}"


def _united(flow: FlowMap, row: str, rule: str, distinct: list[Candidate]) -> tuple[Candidate | None, str]:
    """Lists of objects that are linked for the first time: by `union` all elements of all sides."""
    if rule != "union":
        return None, f"edited differently on several sides, and {rule} cannot join them"
    versions = [Version(system=c.system or "", base=(), now=c.values[0] or (), modified=c.modified) for c in distinct]
    joined = join(flow, row, (), versions)
    if joined.conflicts:
        return None, "; ".join(joined.conflicts)
    return Candidate(system=None, values=(joined.value,), modified=None), "edited on several sides; joined by union"


def first_winner(flow: FlowMap, unit: tuple[str, ...], candidates: list[Candidate]) -> tuple[Candidate | None, str]:
    """Records that are linked for the first time: equal values, filled beats empty, the fuller of what looks the same.

    None: the row's conflict rule decides.
    """
    distinct = distinct_of(flow, unit, candidates)
    filled = [candidate for candidate in distinct if not empty(flow, unit, candidate.values)]
    if len(distinct) == 1:
        return distinct[0], "first link"
    if len(filled) <= 1:
        return filled_from((filled or distinct)[0], distinct), "first link: filled beats empty"
    if flow.rows[unit[0]].enforce:
        return None, ""
    best = richest(flow, unit, filled)
    return best and filled_from(best, distinct), "first link: the fuller of values that look the same"


def _enforced(link: Link, unit: tuple[str, ...], candidates: list[Candidate], authority: str) -> Candidate:
    for candidate in candidates:
        if candidate.system == authority:
            return candidate
    return agreed_candidate(link, unit) if all(row in link.agreed for row in unit) else candidates[0]


def chosen(flow: FlowMap, unit: tuple[str, ...], candidates: list[Candidate], choice: Decision) -> Candidate | None:
    """The candidate that a person chose, as long as all values are those that the person saw."""
    now = {c.system or "agreed": shown_unit(flow, unit, c.values) for c in candidates}
    if json_text(now) != json_text(dict(choice.seen)):
        return None
    if choice.take is None:
        try:
            return Candidate(system=None, values=given_values(flow, unit, choice.value), modified=None)
        except ValueRefused:  # decided under another type of the row
            return None
    return next((c for c in candidates if (c.system or "agreed") == choice.take), None)


def given_values(flow: FlowMap, unit: tuple[str, ...], value: Any) -> tuple[Any, ...]:
    """The canonical values of a row, or of a group given as an object by row. Raises ValueRefused for any other."""
    given = value if len(unit) > 1 else {unit[0]: value}
    if not isinstance(given, dict) or not set(given) <= set(unit):
        raise ValueRefused(f"{value!r} is not an object with the rows {', '.join(unit)}")
    return tuple(_given(flow, row, given.get(row)) for row in unit)


def _given(flow: FlowMap, row: str, value: Any) -> Any:
    if value is None:
        return None
    if row in flow.references:
        raise ValueRefused(f"{row}: a reference is resolved by --take, not by a value")
    try:
        canonical = flow.types[row].from_json(value)
        return flow.types[row].from_json(flow.types[row].to_json(canonical))
    except (ValueError, TypeError, KeyError, ArithmeticError, AttributeError) as error:
        raise ValueRefused(f"{row}: {value!r} is no {flow.rows[row].type}") from error
