"""Probes a system: a plan first, then each datatype with marked records, which are removed whatever happens."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from accord.config.meaning import Project, System
from accord.connectors.registry import connect
from accord.engine.discovering import FoundDatatype
from accord.engine.schemas import with_schemas
from accord.errors import UsageError
from accord.model import Native
from accord.ports import Connector
from accord.probing.datatype import Prober
from accord.probing.found import FoundOfDatatype, Probed, Prop
from accord.probing.hand import Hand, Pause
from accord.probing.notes import Notes
from accord.probing.props import WRITES, fixed_paths, mark_candidates, props_of

Progress = Callable[[str, int, int | None], None]
Connecting = Callable[[System], Connector]
SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
RECORDS = 7
"""Records that every datatype takes, beside one for each property that is required or not taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a probe will do in one datatype."""

    name: str
    title: str
    records: int
    """At most."""
    writes: int
    """At most, beside creates and deletes."""
    marks: tuple[str, ...]
    """The properties that may hold the mark, in the order in which they are tried."""
    properties: tuple[str, ...]
    untried: tuple[str, ...]
    soft: bool
    """Whether deleted records stay, marked as deleted."""
    why_not: str | None = None


def refuse(project: Project, name: str) -> None:
    """Unless the project file says that this system is a sandbox, and that it may be written to. Raises UsageError."""
    system = project.systems[name]
    if not system.sandbox:
        raise UsageError(
            f"{name} is not said to be a sandbox; a probe makes, edits and deletes records in it",
            hint=f"where it is one, write `sandbox: true` into systems.{name} of {project.file}",
        )
    if system.read_only:
        raise UsageError(f"{name} is read_only, so nothing can be probed", hint="remove `read_only: true`")


class Probe:
    """One system. `plan` asks it what it tells and writes nothing; `run` carries out what was planned."""

    def __init__(
        self,
        project: Project,
        name: str,
        found: Sequence[FoundDatatype],
        *,
        connecting: Connecting = connect,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self.project, self.system = project, project.systems[name]
        self.connecting, self.pause = connecting, pause
        self.found = {one.name: one for one in found if one.name in self.system.datatypes}
        self.others = [one.name for one in found if one.name not in self.system.datatypes]
        self.props: dict[str, tuple[list[Prop], list[str]]] = {}

    def plan(self) -> list[Planned]:
        """What will be done, datatype by datatype. Raises UsageError, SystemFailure."""
        refuse(self.project, self.system.name)
        asyncio.run(self._ask())
        return [self._planned(name) for name in self.found]

    async def _ask(self) -> None:
        connector = self.connecting(self.system)
        try:
            await connector.open(self._first_paths())
            told = with_schemas(self.project, {self.system.name: await connector.schema()})
            ids = await self._ids(connector)
            careful = {name: connector.capabilities(name).version_check is None for name in self.found}
        finally:
            await connector.close()
        for name, found in self.found.items():
            self.props[name] = props_of(
                self.project, told.datatype(self.system.name, name), found, ids, careful=careful[name]
            )

    def _first_paths(self) -> dict[str, list[str]]:
        return {name: sorted(fixed_paths(one)) for name, one in self.system.datatypes.items()}

    async def _ids(self, connector: Connector) -> dict[str, Native]:
        """Flow → the id of some record that takes part in it."""
        found: dict[str, Native] = {}
        for flow in self.project.flows.values():
            side = flow.side(self.system.name)
            if side is None:
                continue
            async for page in connector.read(side.datatype, None):
                if page.records:
                    found[flow.name] = page.records[0].native_id
                    break
        return found

    def _planned(self, name: str) -> Planned:
        props, untried = self.props[name]
        writable = [one for one in props if not one.create_only]
        required = sum(one.required for one in props)
        marks = tuple(one.path for one in mark_candidates(props))
        return Planned(
            name=name,
            title=self.system.datatypes[name].title,
            records=RECORDS + required + len(writable),
            writes=sum(WRITES.get(one.kind, 10) for one in writable) + 12,
            marks=marks,
            properties=tuple(one.path for one in props),
            untried=tuple(untried),
            soft=self.system.datatypes[name].deleted is not None,
            why_not=None if marks else "no property of it could hold a mark, by which its records are known again",
        )

    def run(self, tell: Progress) -> Probed:
        """Probe what was planned. Raises SystemFailure once what was made is removed, or noted."""
        refuse(self.project, self.system.name)
        notes = Notes(self.project)
        if notes.of(self.system):
            raise UsageError(
                f"an earlier probe of {self.system.name} left records",
                hint=f"`accord discover {self.system.name} --probe --clean-up` removes them",
            )
        return asyncio.run(self._run(notes, tell))

    async def _run(self, notes: Notes, tell: Progress) -> Probed:
        connector = self.connecting(self.system)
        datatypes: list[FoundOfDatatype] = []
        left: list[str] = []
        try:
            await connector.open(self._all_paths())
            for name, (props, untried) in self.props.items():
                tag = "q" + "".join(secrets.choice(SIGNS) for _ in range(6))
                hand = Hand(self.system, connector, self.system.datatypes[name], notes, tag, self.pause)
                prober = Prober(self.project, hand, props, untried, tell)
                try:
                    datatypes.append(await prober.probe())
                finally:
                    left += [f"{self.system.name}/{name}/{id}" for id in await hand.remove_all()]
                datatypes[-1] = await prober.counted_after(datatypes[-1])
        finally:
            await connector.close()
        return Probed(system=self.system.name, datatypes=tuple(datatypes), left=tuple(left))

    def _all_paths(self) -> dict[str, list[str]]:
        return {
            name: list(dict.fromkeys([*fixed_paths(self.system.datatypes[name]), *(one.path for one in props)]))
            for name, (props, _) in self.props.items()
        }
