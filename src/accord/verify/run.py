"""Read every system afresh, compare, and give each line of the checklist its result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import permutations

from accord.config.meaning import Project, System
from accord.connectors.registry import connect as connect_system
from accord.core.mapping import FlowMap
from accord.document.dataflow import describe
from accord.document.parts import Check
from accord.engine.schemas import with_schemas
from accord.engine.setting import compile_flows, needed_paths
from accord.errors import SystemFailure
from accord.ports import Connector, DatatypeSchema
from accord.store.opening import State
from accord.verify.compare import Comparison, Subject, Tally
from accord.verify.fresh import Fresh, Progress, by_system
from accord.verify.results import Line, OutcomeName, Part, Verification

BY_HAND = "not seen from the records alone: try it by hand, or with --live"
QUIET = "quiet"
ALIASES = {"match": "match."}
Connect = Callable[[System], Connector]


def verify(
    project: Project,
    state: State,
    now: Callable[[], datetime],
    tell: Progress,
    flows: frozenset[str] = frozenset(),
    planned: Callable[[], int | None] | None = None,
    connect: Connect = connect_system,
) -> Verification:
    """Every line of the checklist, without writing anything. `planned` says how many writes a round would make."""
    return asyncio.run(_verify(project, state, now, tell, flows, planned, connect))


async def _verify(
    project: Project,
    state: State,
    now: Callable[[], datetime],
    tell: Progress,
    only: frozenset[str],
    planned: Callable[[], int | None] | None,
    connect: Connect,
) -> Verification:
    started = now().isoformat()
    connectors: dict[str, Connector] = {}
    errors: list[dict[str, str]] = []
    with Fresh() as fresh:
        try:
            told = await _open(project, connectors, errors, connect)
            maps = compile_flows(told)
            failed = {error["system"] for error in errors}
            for name, flows_of in by_system(maps).items():
                if name not in failed:
                    await _read(project, connectors[name], flows_of, state, fresh, errors, tell)
            failed = {error["system"] for error in errors}
            found = await _compare(maps, state, fresh, connectors, only, failed, tell)
        finally:
            for connector in connectors.values():
                await connector.close()
        quiet = planned() if planned is not None and not errors else None
        return Verification(
            title=project.title,
            started=started,
            finished=now().isoformat(),
            parts=tuple(_parts(project, maps, found, only, failed, quiet)),
            records=dict(fresh.counts),
            pending=dict(fresh.pending),
            errors=errors,
        )


async def _open(
    project: Project, connectors: dict[str, Connector], errors: list[dict[str, str]], connect: Connect
) -> Project:
    paths = needed_paths(project, compile_flows(project))
    told: dict[str, Mapping[str, DatatypeSchema]] = {}
    for name, needed in paths.items():
        connectors[name] = connect(project.systems[name])
        try:
            await connectors[name].open(needed)
            told[name] = await connectors[name].schema()
        except SystemFailure as error:
            errors.append(_error(error))
    return with_schemas(project, told)


async def _read(
    project: Project,
    connector: Connector,
    flows_of: Mapping[str, Sequence[FlowMap]],
    state: State,
    fresh: Fresh,
    errors: list[dict[str, str]],
    tell: Progress,
) -> None:
    try:
        for datatype, flows in flows_of.items():
            await fresh.read(project, connector, datatype, flows, state, tell)
    except SystemFailure as error:
        errors.append(_error(error))


def _error(error: SystemFailure) -> dict[str, str]:
    return {"system": error.system, "kind": error.kind, "message": error.message}


async def _compare(
    maps: Mapping[str, FlowMap],
    state: State,
    fresh: Fresh,
    connectors: Mapping[str, Connector],
    only: frozenset[str],
    failed: set[str],
    tell: Progress,
) -> dict[str, dict[Subject, Tally]]:
    found = {}
    for number, (name, flow) in enumerate(maps.items(), 1):
        if (only and name not in only) or failed & set(flow.sides):
            continue
        comparison = Comparison(flow, maps, state, fresh, connectors)
        await comparison.run()
        found[name] = comparison.found
        tell("comparing", number, len(maps))
    return found


def _parts(
    project: Project,
    maps: Mapping[str, FlowMap],
    found: Mapping[str, Mapping[Subject, Tally]],
    only: frozenset[str],
    failed: set[str],
    quiet: int | None,
) -> Iterator[Part]:
    """The sections of the document, in both directions of each pair of systems."""
    for source, target in permutations(project.systems, 2):
        sections = describe(project, source, target).sections
        names = [name for name, flow in project.flows.items() if flow.side(source) and flow.side(target)]
        for name, section in zip(names, sections, strict=True):
            if only and name not in only:
                continue
            lines = [
                _line(name, source, target, check, found.get(name), failed & {source, target}, quiet)
                for check in section.checklist
            ]
            yield Part(heading=section.heading, source=source, target=target, flow=name, lines=tuple(lines))


def _line(
    flow: str,
    source: str,
    target: str,
    check: Check,
    found: Mapping[Subject, Tally] | None,
    failed: set[str],
    quiet: int | None,
) -> Line:
    subject = check.id.removeprefix(f"{flow}.")
    line = Line(
        id=check.id, flow=flow, source=source, target=target, text=check.text, outcome="not_tried", message=BY_HAND
    )
    if failed or found is None:
        return replace(line, message=f"{' and '.join(sorted(failed)) or 'a system'} could not be read")
    if subject == QUIET:
        return _quiet(line, quiet)
    tally = _tally(found, source, target, subject)
    return line if tally is None else _judged(line, tally)


def _tally(found: Mapping[Subject, Tally], source: str, target: str, subject: str) -> Tally | None:
    if subject.startswith("match.") and subject != "match.several":
        subject = "match"
    if (source, target, subject) in found:
        return found[source, target, subject]
    return Tally() if subject in ("link", "delete", "match.several") else None


def _quiet(line: Line, quiet: int | None) -> Line:
    if quiet is None:
        return replace(line, message="a round is at work, or could not be planned: not tried")
    if quiet:
        return replace(line, outcome="failed", message=f"a round would make {quiet:,} writes: `accord plan`")
    return replace(line, outcome="passed", message="a round would write nothing")


def _judged(line: Line, tally: Tally) -> Line:
    outcome: OutcomeName = "failed" if tally.differences else "held" if tally.held else "passed"
    parts = [f"{tally.checked:,} looked at"]
    count = len(tally.differences)
    parts += [f"{count:,} differ{'s' if count == 1 else ''}"] if count else []
    parts += [f"{tally.held:,} held for a person"] if tally.held else []
    parts += [f"{tally.explained:,} as a rule or a person wants"] if tally.explained else []
    return replace(
        line,
        outcome=outcome,
        message=", ".join(parts),
        checked=tally.checked,
        differences=tuple(tally.differences),
    )
