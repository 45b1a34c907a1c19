"""A bench for the tests of a project file: its systems in memory, a state of its own, and nothing else."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from accord.config.meaning import Project, System
from accord.connectors.memory import MemoryConnector, MemorySystem, TickingClock
from accord.core.guard import Approval
from accord.core.mapping import FlowMap
from accord.engine.linking import link_by_hand
from accord.engine.report import Report
from accord.engine.round import Caller, run_round
from accord.engine.setting import Options, compile_flows
from accord.model import Link, Ref
from accord.simulate.models import PROFILES, Shapes, behaviour, refuse, told
from accord.simulate.shapes import DatatypeShape
from accord.store.opening import State, open_state
from accord.store.people import Author, deciding

APPROVED = tuple(Approval(op=op, number=1_000_000) for op in ("create", "update", "delete"))
FIRST_ID = 1000
"""Ids of records that are made on the bench are counted from here, apart from those that a test names."""


class _Model(MemorySystem):
    """A system that refuses what its shape says that the real one refuses."""

    def __init__(self, datatypes: Mapping[str, Any], shapes: Mapping[str, DatatypeShape], clock: TickingClock) -> None:
        super().__init__(datatypes, clock=clock, random=Random(0))  # noqa: S311
        self.shapes = shapes
        for table in self.tables.values():
            table.created = FIRST_ID

    def _checked(self, datatype: str, id: str, record: dict[str, Any]) -> dict[str, Any]:
        checked = super()._checked(datatype, id, record)
        refuse(self.shapes[datatype], checked)
        return checked


class Bench:
    """See the module."""

    def __init__(self, project: Project, shapes: Shapes, folder: Path) -> None:
        self.project = replace(project, state=str(folder / "state.db"))
        self.flows: dict[str, FlowMap] = compile_flows(told(self.project, shapes))
        self.clock = TickingClock()
        self.systems = {name: self._model(name, shapes) for name in project.systems if self._datatypes(name)}

    def _datatypes(self, system: str) -> list[str]:
        sides = [side for flow in self.flows.values() if (side := flow.sides.get(system)) is not None]
        return sorted({side.side.datatype for side in sides})

    def _model(self, system: str, shapes: Shapes) -> _Model:
        used = {name: shapes[system, name] for name in self._datatypes(system)}
        datatypes = self.project.systems[system].datatypes
        behaviours = {
            name: replace(
                behaviour(datatypes[name], shape, PROFILES["calm"], Random(0), {}, frozenset()),  # noqa: S311
                ids=None,
                page_size=100,
                ordered=True,
            )
            for name, shape in used.items()
        }
        return _Model(behaviours, used, self.clock)

    def connect(self, system: System) -> MemoryConnector:
        """The connector of a model, in the place of the real one."""
        return MemoryConnector(system, self.systems[system.name])

    def link(self, refs: Sequence[Ref]) -> None:
        """Link records, as a person does. Raises UsageError."""
        with open_state(self.project.state) as state, deciding(state, self.clock.now()):
            author = Author(by="the test", at=self.clock.now())
            link_by_hand(self.project, state, refs, None, author, connect=self.connect)

    def round(self) -> Report:
        """One round, with every limit lifted."""
        self.clock.advance(60)
        options = Options(full=True, approvals=APPROVED)
        return run_round(self.project, options, Caller(clock=self.clock, connect=self.connect))

    @contextmanager
    def state(self) -> Iterator[State]:
        """What the rounds have left."""
        with open_state(self.project.state) as state:
            yield state

    def links(self) -> list[Link]:
        """The links that are not closed."""
        with self.state() as state:
            return list(state.links.load(list(state.links.numbers())).values())

    def record(self, ref: Ref) -> dict[str, Any] | None:
        """A record as its system has it now."""
        return self.systems[ref.system].get(ref.datatype, ref.id)


@contextmanager
def bench(project: Project, shapes: Shapes) -> Iterator[Bench]:
    """A bench that leaves nothing behind."""
    folder = Path(tempfile.mkdtemp(prefix="accord-test-"))
    try:
        yield Bench(project, shapes, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


__all__ = ["Bench", "bench"]
