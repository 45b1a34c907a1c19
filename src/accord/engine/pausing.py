"""Flows and systems at rest because a person said so: nothing is read of them or written to them until they resume.

What happens meanwhile is found then, as what happens between two rounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from accord.config.meaning import Project
from accord.model import from_json, json_text
from accord.storing import Store

KEY = "paused"
ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """One pause."""

    what: str
    """`flow`, `system` or `all`."""
    name: str
    """Of the flow or system; empty: everything."""
    at: str
    by: str
    reason: str = ""

    def __str__(self) -> str:
        title = "everything" if self.what == ALL else f"{self.what} {self.name}"
        why = f": {self.reason}" if self.reason else ""
        return f"{title} is paused since {self.at[:16].replace('T', ' ')}, by {self.by}{why}"


def pauses(state: Store) -> list[Pause]:
    """Every pause, the oldest first."""
    return [Pause(**found) for found in from_json(state.get(KEY) or "[]")]


def pause(state: Store, new: Pause) -> None:
    """Add a pause; one of the same flow or system is replaced."""
    _keep(state, [*(one for one in pauses(state) if (one.what, one.name) != (new.what, new.name)), new])


def resume(state: Store, what: str, name: str) -> list[Pause]:
    """End a pause, or with `all` every pause; those that are over."""
    over = [one for one in pauses(state) if what == ALL or (one.what, one.name) == (what, name)]
    _keep(state, [one for one in pauses(state) if one not in over])
    return over


def _keep(state: Store, every: list[Pause]) -> None:
    state.put(KEY, json_text([asdict(one) for one in every]))


def paused_flows(project: Project, state: Store) -> Mapping[str, Pause]:
    """Flow → the pause that keeps it at rest: its own, that of one of its systems, or that of everything."""
    found: dict[str, Pause] = {}
    for one in pauses(state):
        for flow in project.flows.values():
            systems = [side.system for side in flow.sides]
            if (
                one.what == ALL
                or (one.what, one.name) == ("flow", flow.name)
                or (one.what == "system" and one.name in systems)
            ):
                found.setdefault(flow.name, one)
    return found
