"""What a round is made with, and what it counts."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from accord.config.meaning import Project
from accord.core.guard import Approval
from accord.core.mapping import FlowMap, flow_order
from accord.engine.pausing import Pause
from accord.errors import AccordError, SystemFailure
from accord.model import Ref
from accord.ports import Connector
from accord.storing import Store

Progress = Callable[[str, int, int | None], None]
"""(what is done, how many, of how many)."""


def _quiet(_what: str, _done: int, _total: int | None) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a round is called."""

    full: bool = False
    flows: frozenset[str] = frozenset()
    """Only these; empty: all."""
    systems: frozenset[str] = frozenset()
    """Only these are read anew and written to; empty: all."""
    approvals: tuple[Approval, ...] = ()
    by: str | None = None
    hints: Sequence[Ref] = ()
    """Records that may have changed, as a webhook says. They are read by id; nothing else of a hint is believed."""
    hints_only: bool = False
    """Nothing but the hints is read anew; no cursor moves."""
    only: Sequence[str] | None = None
    """Digests of the link plans that may be carried out (`apply plan.json`); None: all."""


class SystemClock:
    """The real clock."""

    def now(self) -> datetime:
        """Now, in UTC."""
        return datetime.now(UTC)


class ShiftedClock:
    """The real clock, moved so that it began at a given time (`--now`)."""

    def __init__(self, start: datetime) -> None:
        self._shift: timedelta = start - datetime.now(UTC)

    def now(self) -> datetime:
        """Now, moved."""
        return datetime.now(UTC) + self._shift


def _counts() -> dict[str, int]:
    names = ("observed", "edits", "links", "creates", "updates", "deletes", "held", "refused", "in_doubt", "conflicts")
    return dict.fromkeys(names, 0)


@dataclass(slots=True)
class Tally:
    """What a round counted."""

    flows: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(_counts))
    writes: dict[str, dict[str, int]] = field(
        default_factory=lambda: defaultdict(lambda: {"create": 0, "update": 0, "delete": 0})
    )
    done: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(flow, system, op) → writes that went through in this run: a limit is one for all passes of a round."""
    errors: list[dict[str, str]] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    """System → why it is left alone for the rest of the round."""
    digests: dict[int, str] = field(default_factory=dict)
    """Proposal → digest, while a kept plan is applied."""
    carried: set[str] = field(default_factory=set)
    """Digests of a kept plan whose writes went out. Of the others the ground has moved."""
    answered: set[int] = field(default_factory=set)
    """Proposals in doubt about which a person's word was followed in this round, and that are still in doubt."""
    refreshed: int = 0
    """Records read again because their ground had moved; they are planned anew."""
    unpreventable: int = 0
    """Writes to systems without version check: each has a window of one request."""

    def fail(self, error: AccordError) -> None:
        """Note that a system failed; it is left alone from now on."""
        system = error.system if isinstance(error, SystemFailure) else ""
        if system and system in self.failed:
            return
        if system:
            self.failed[system] = error.message
        self.errors.append({"system": system, "kind": error.kind, "message": error.message})


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Everything a round works with. Made once; nothing in it changes but the tally and the state."""

    project: Project
    as_written: Project
    """The project without what systems told of their properties: what fingerprints rest on."""
    state: Store
    flows: Mapping[str, FlowMap]
    order: Sequence[str]
    connectors: Mapping[str, Connector]
    run: int
    now: datetime
    clock: Any
    options: Options
    tally: Tally
    progress: Progress = _quiet
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the round shall end after the links in hand."""
    died: datetime | None = None
    """When the process that held the lease before, and died, last gave a sign of life."""
    observed_complete: set[tuple[str, str]] = field(default_factory=set)
    """(system, datatype) that was listed for the first time in this round, completely beyond doubt."""
    digests: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Flow → the digests of its rules, once made."""
    salts: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """The salts of fingerprints, once made."""
    paused: Mapping[str, Pause] = field(default_factory=dict)
    """Flow → why it is at rest."""

    def selected(self) -> list[FlowMap]:
        """The flows at work in this round, in the order of work; without those whose system has failed."""
        return [
            self.flows[name]
            for name in self.order
            if (not self.options.flows or name in self.options.flows)
            and name not in self.paused
            and not any(system in self.tally.failed for system in self.flows[name].sides)
        ]

    def flows_of(self, system: str, datatype: str) -> list[FlowMap]:
        """The flows that use a datatype."""
        return [
            flow
            for flow in self.flows.values()
            if (side := flow.sides.get(system)) is not None and side.side.datatype == datatype
        ]

    def place(self, system: str, datatype: str) -> int:
        """The number of a datatype in the state."""
        return self.state.observed.place(system, datatype)


def compile_flows(project: Project) -> dict[str, FlowMap]:
    """Every flow, compiled."""
    return {name: FlowMap(project, flow) for name, flow in project.flows.items()}


def needed_paths(project: Project, flows: Mapping[str, FlowMap]) -> dict[str, dict[str, list[str]]]:
    """System → datatype → every path that some flow must read."""
    needed: dict[str, dict[str, list[str]]] = {}
    for flow in flows.values():
        for system, side in flow.sides.items():
            paths = needed.setdefault(system, {}).setdefault(side.side.datatype, [])
            others = [other.side for name, other in flow.sides.items() if name != system]
            marks = [path for other in others for path in other.archive]  # an undo sets them back to what they were
            paths += [path for path in dict.fromkeys([*side.needed_paths(), *marks]) if path not in paths]
            key = project.datatype(system, side.side.datatype).key_property
            if key and key not in paths:
                paths.append(key)
    return needed


__all__ = [
    "Options",
    "Progress",
    "Setting",
    "ShiftedClock",
    "SystemClock",
    "Tally",
    "compile_flows",
    "flow_order",
    "needed_paths",
]
