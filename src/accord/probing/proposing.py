"""What the project file should say of the properties that were probed: whole entries, and the lines that differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from accord.config.meaning import Datatype, Property
from accord.config.writing import flow_text
from accord.probing.found import FoundOfDatatype, FoundOfProperty


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One entry of `properties`."""

    path: str
    now: Mapping[str, Any]
    """What the file says; empty where it says nothing."""
    then: Mapping[str, Any]


def proposals(found: FoundOfDatatype, as_written: Datatype) -> list[Proposal]:
    """The entries that would be other ones, in the order of the properties."""
    proposed = []
    for one in found.properties:
        now = written(as_written.properties.get(one.path))
        then = _with(now, one)
        if then != now:
            proposed.append(Proposal(path=one.path, now=now, then=then))
    return proposed


def lines(system: str, name: str, proposed: list[Proposal]) -> list[str]:
    """The proposals as lines of a diff, in the form of the file; none where there is nothing to propose."""
    if not proposed:
        return []
    found = [f"  systems.{system}.datatypes.{name}.properties:"]
    for one in proposed:
        found += [f"-   {flow_text({one.path: one.now})[1:-1]}"] if one.now else []
        found.append(f"+   {flow_text({one.path: one.then})[1:-1]}")
    return found


def written(stated: Property | None) -> dict[str, Any]:
    """A property as the file writes it, its defaults left out."""
    if stated is None:
        return {}
    found: dict[str, Any] = {}
    for field in fields(Property):
        value = getattr(stated, field.name)
        if field.name != "path" and value != (None if field.default is MISSING else field.default):
            found[field.name] = list(value) if isinstance(value, tuple) else value
    return found


def _with(now: Mapping[str, Any], one: FoundOfProperty) -> dict[str, Any]:
    then = dict(now)
    words = list(now.get("rewrites", ()))
    for fact in one.facts:
        then |= {key: value for key, value in fact.keys.items() if key != "rewrites"}
        words += [word for word in fact.keys.get("rewrites", ()) if word not in words]
    gone = {fact.said.split("`")[1].removeprefix("rewrites: ") for fact in one.facts if fact.word == "not-rewritten"}
    words = [word for word in words if word not in gone]
    then.pop("rewrites", None)
    return {**then, "rewrites": words} if words else then
