"""Reads the rules that flows, rows and groups share: who wins, what a deletion does, how links begin, what brakes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from accord.config.meaning import Conflict, ConflictRule, DeleteRule, Limit, LinkMode
from accord.config.problems import Problems, listed, nearest
from accord.config.tree import Where, key_text
from accord.config.words import CONFLICT_RULES, DELETE_RULES, LINK_MODES, WRITES

if TYPE_CHECKING:
    from accord.config.schema import FlowLimitsModel

DELETE_BRAKE = Limit(percent=25.0, over=20)


@dataclass(frozen=True, slots=True)
class Link:
    """What happens to a new record of a side."""

    mode: LinkMode
    connected_to: str | None = None


@dataclass(frozen=True, slots=True)
class Deletion:
    """What happens to the others when a record of a side is deleted."""

    rule: DeleteRule = "ask"
    archive: Mapping[str, Any] = field(default_factory=dict)


def read_conflict(value: Any, where: Where, systems: Collection[str], problems: Problems) -> Conflict | None:
    """A conflict rule; None where nothing is said, or what is said is wrong."""
    allowed = f"{listed(CONFLICT_RULES)}, {{prefer: [system, …]}}"
    if value is None:
        return None
    if isinstance(value, str) and value in CONFLICT_RULES:
        return Conflict(rule=cast(ConflictRule, value))
    if isinstance(value, dict) and list(value) == ["prefer"]:
        return _prefer(value["prefer"], (*where, "prefer"), systems, problems)
    if value == "prefer":
        problems.add(where, "`prefer` needs systems", allowed=allowed, hint="write {prefer: [system]}")
        return None
    near = nearest(value, CONFLICT_RULES) if isinstance(value, str) else None
    if near is None and isinstance(value, str):
        near = nearest(value, systems)
        hint = f"did you mean {{prefer: [{near}]}}?" if near else None
    else:
        hint = f"did you mean {near!r}?" if near else None
    problems.add(where, f"the conflict rule {problems.quoted(where)} is not known", allowed=allowed, hint=hint)
    return None


def _prefer(value: Any, where: Where, systems: Collection[str], problems: Problems) -> Conflict | None:
    names = value if isinstance(value, list) else [value]
    if not names or not all(isinstance(name, str) for name in names):
        problems.add(where, "`prefer` takes systems", allowed=listed(systems))
        return None
    for index, name in enumerate(names):
        if name not in systems:
            place = (*where, index) if isinstance(value, list) else where
            problems.unknown(place, "the system", name, systems)
    return Conflict(rule="prefer", prefer=tuple(names))


def read_links(
    value: Any,
    where: Where,
    systems: Collection[str],
    flows: Collection[str],
    problems: Problems,
) -> dict[str, Link]:
    """System → how links begin there; systems that nothing is said of are missing."""
    if value is None:
        return {}
    if not isinstance(value, dict) or list(value) == ["connected"]:
        link = _link(value, where, flows, problems)
        return dict.fromkeys(systems, link) if link else {}
    found = {}
    for key, mode in value.items():
        name = key_text(key)
        if name not in systems:
            problems.unknown((*where, name), "the system", name, systems)
        elif link := _link(mode, (*where, name), flows, problems):
            found[name] = link
    return found


def _link(value: Any, where: Where, flows: Collection[str], problems: Problems) -> Link | None:
    if isinstance(value, dict) and list(value) == ["connected"]:
        name = value["connected"]
        if not isinstance(name, str) or name not in flows:
            problems.unknown((*where, "connected"), "the flow", key_text(name), flows)
            return None
        return Link("connected", name)
    if isinstance(value, str) and value in LINK_MODES:
        return Link(cast(LinkMode, value))
    near = nearest(value, LINK_MODES) if isinstance(value, str) else None
    problems.add(
        where,
        f"the link mode {problems.quoted(where)} is not known",
        allowed=f"{listed(LINK_MODES)}, {{connected: flow}}, {{system: mode}}",
        hint=f"did you mean {near!r}?" if near else None,
    )
    return None


def read_deletions(value: Any, where: Where, systems: Collection[str], problems: Problems) -> dict[str, Deletion]:
    """System → what a deletion seen there does; systems that nothing is said of are missing."""
    if value is None:
        return {}
    if not isinstance(value, dict) or list(value) == ["archive"]:
        rule = _deletion(value, where, problems)
        return dict.fromkeys(systems, rule) if rule else {}
    found = {}
    for key, rule_value in value.items():
        name = key_text(key)
        if name not in systems:
            problems.unknown((*where, name), "the system", name, systems)
        elif rule := _deletion(rule_value, (*where, name), problems):
            found[name] = rule
    return found


def _deletion(value: Any, where: Where, problems: Problems) -> Deletion | None:
    allowed = f"{listed(DELETE_RULES)}, {{archive: {{property: value}}}}, {{system: rule}}"
    if isinstance(value, str) and value in DELETE_RULES:
        return Deletion(cast(DeleteRule, value))
    if isinstance(value, dict) and list(value) == ["archive"]:
        properties = value["archive"]
        if isinstance(properties, dict) and properties:
            return Deletion("archive", {key_text(key): item for key, item in properties.items()})
        problems.add((*where, "archive"), "`archive` takes the values that mark an archived record", allowed=allowed)
        return None
    if value == "archive":
        problems.add(where, "`archive` needs values", hint="write {archive: {property: value}}", allowed=allowed)
        return None
    near = nearest(value, DELETE_RULES) if isinstance(value, str) else None
    hint = f"did you mean {near!r}?" if near else None
    problems.add(where, f"the rule {problems.quoted(where)} is not known", allowed=allowed, hint=hint)
    return None


def read_limits(
    own: FlowLimitsModel | None,
    defaults: FlowLimitsModel | None,
    where: Where,
    problems: Problems,
) -> dict[str, Limit]:
    """The brakes of a flow: its own, else those of `defaults`, else the one for deletions."""
    found = {"delete": DELETE_BRAKE}
    for model, place in ((defaults, ("defaults", "limits")), (own, (*where, "limits"))):
        for key in WRITES:
            if model is not None and key in model.model_fields_set:
                limit = _limit(getattr(model, key), (*place, key), problems)
                found.pop(key, None)
                if limit is not None:
                    found[key] = limit
    return {key: found[key] for key in WRITES if key in found}


def _limit(model: Any, where: Where, problems: Problems) -> Limit | None:
    if model is None or model.none:
        return None
    if model.number is None and model.percent is None:
        problems.add(where, "a limit needs a number or a percent", allowed="20, {number: 20}, {percent: 25, over: 20}")
        return None
    if model.over is not None and model.percent is None:
        problems.add(where, "`over` goes with `percent`", allowed="20, {number: 20}, {percent: 25, over: 20}")
        return None
    return Limit(number=model.number, percent=model.percent, over=model.over or 0)
