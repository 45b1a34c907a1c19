"""`check`: does the file mean something that the real systems can do? Connections, schemas, and what rests on what."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, Literal

from accord.config.meaning import Datatype, Flow, Project, Property, Row, Side, System
from accord.connectors.registry import connect
from accord.core.mapping import FlowMap
from accord.engine.pairing import refusals
from accord.engine.setting import needed_paths
from accord.errors import AccordError, MendFile, Problem, ProjectFileError, SystemFailure
from accord.ports import Capabilities, Connector, DatatypeSchema, PropertySchema
from accord.values.codec import codec
from accord.values.expressions import compile_expression

Level = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that `check` has to say."""

    level: Level
    kind: str
    """`file`, `expression`, `property`, `type`, `pair`, `length`, `required`, `law`, what else is said of a mapping
    (`narrow`, `option`, `map`, `refused`, `fed`), or the kind of a system's failure."""
    where: str
    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A datatype that was tried."""

    system: str
    datatype: str
    ok: bool
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """All that was found."""

    findings: tuple[Finding, ...]
    tried: tuple[Tried, ...] = ()
    promises: tuple[dict[str, str], ...] = ()
    schemas: Mapping[str, Mapping[str, DatatypeSchema]] = field(default_factory=dict)
    """System → datatype → what the system told of its properties."""

    @property
    def status(self) -> int:
        """The exit status: 2 the file is wrong, 1 a system cannot be used, 0 all is well."""
        kinds = {finding.kind for finding in self.findings if finding.level == "error"}
        if kinds & {"file", "expression", "property", "type", "pair", "map", "law"}:
            return 2
        return 1 if kinds else 0


def check_offline(project: Project) -> Checked:
    """What can be said without asking any system."""
    return Checked(findings=(*_compiled(project), *_paired(project)))


def check_project(project: Project) -> Checked:
    """Everything: the file, then each system. Failures of systems are findings."""
    findings = [*_compiled(project), *_paired(project)]
    if any(finding.level == "error" for finding in findings):
        return Checked(findings=tuple(findings))
    return asyncio.run(_check(project, findings))


def _compiled(project: Project) -> Iterator[Finding]:
    """Every expression and row, compiled."""
    for system in project.systems.values():
        for datatype in system.datatypes.values():
            yield from _expression(datatype.deleted, f"systems.{system.name}.datatypes.{datatype.name}.deleted")
    for flow in project.flows.values():
        for side in flow.sides:
            yield from _expression(side.where, f"flows.{flow.name}.{side.system}.where")
            yield from _expression(side.when, f"flows.{flow.name}.{side.system}.when")
        for row in flow.rows:
            for text in row.when.values():
                yield from _expression(text, f"{_row_path(flow, row)}.when")
            for name in row.paths:
                yield from _row(project, flow, row, name, None)
        yield from _lacking(project, flow)


def _lacking(project: Project, flow: Flow) -> Iterator[Finding]:
    """Calls that a flow needs and the system's document does not have."""
    for side in flow.sides:
        told = project.systems[side.system].derived.get(side.datatype, ())
        lacks = {one.key for one in told if one.value is None}
        others = [other for other in flow.sides if other.system != side.system]
        needed = {
            "create": side.create and any(other.mode not in ("never", "match-only") for other in others),
            "update": side.update and any(side.system in row.targets for row in flow.rows),
            "delete": side.delete and any(other.on_delete == "propagate" for other in others),
        }
        for call in sorted(name for name, is_so in needed.items() if is_so and name in lacks):
            yield Finding(
                level="warning",
                kind="refused",
                where=f"flows.{flow.name}.{side.system}",
                message=f"the document of {side.system} has no call that can {call} a {side.datatype}",
                hint=f"write `{side.system}: {{datatype: {side.datatype}, {call}: false}}`, or the call: "
                f"`{call}: {{path: …}}` of the datatype",
            )


def _paired(project: Project) -> Iterator[Finding]:
    """Rows whose type cannot be that of a property, as far as the file says it."""
    for flow in project.flows.values():
        for row in flow.rows:
            for name in row.paths:
                yield from _pair(project, flow, row, name, None)


def _pair(project: Project, flow: Flow, row: Row, name: str, told: PropertySchema | None) -> Iterator[Finding]:
    system, side = project.systems[name], flow.side(name)
    said = system.datatypes[side.datatype].properties.get(row.paths[name]) if side else None
    if told is not None:
        if said is not None and said.type is not None:
            return  # what the file says of it was looked at before
        said = replace(said or Property(path=told.path), type=told.type)
    for message, hint in refusals(row, name, said):
        yield Finding(level="error", kind="pair", where=_row_path(flow, row), message=message, hint=hint)


def refuse_wrong(project: Project) -> None:
    """Before a round: raises ProjectFileError where an expression or a row cannot be compiled."""
    wrong = [finding for finding in _compiled(project) if finding.level == "error"]
    if wrong:
        raise ProjectFileError(located(project, wrong))


def located(project: Project, findings: Sequence[Finding]) -> tuple[Problem, ...]:
    """Findings as problems of the project file, with their lines."""
    from accord.config.gather import gather
    from accord.config.tree import spell

    places = {spell(where): place for where, place in gather(project.file, {}).places.items()}
    return tuple(
        Problem(
            file=place.file if place else str(project.file),
            line=place.line if place else 1,
            path=finding.where,
            message=finding.message,
            hint=finding.hint,
        )
        for finding in findings
        for place in [places.get(finding.where)]
    )


def _expression(text: str | None, where: str) -> Iterator[Finding]:
    if text is None:
        return
    try:
        compile_expression(text)
    except ValueError as error:
        yield Finding(level="error", kind="expression", where=where, message=str(error))


def _row(project: Project, flow: Flow, row: Row, name: str, told: PropertySchema | None) -> Iterator[Finding]:
    """Whether a row's value can be read and written in a system, by what the file says or the system tells."""
    system, side = project.systems[name], flow.side(name)
    said = system.datatypes[side.datatype].properties.get(row.paths[name]) if side else None
    if told is not None:
        said = replace(said or Property(path=told.path), type=(said.type if said else None) or told.type)
    try:
        codec(row, system, said)
    except (ValueError, AccordError) as error:
        yield Finding(level="error", kind="type", where=_row_path(flow, row), message=str(error))


def _row_path(flow: Flow, row: Row) -> str:
    return f"flows.{flow.name}.rows[{flow.rows.index(row)}]"


async def _check(project: Project, findings: list[Finding]) -> Checked:
    flows = {name: FlowMap(project, flow) for name, flow in project.flows.items()}
    paths = needed_paths(project, flows)
    found = await asyncio.gather(
        *(_check_system(project, system, paths.get(system.name, {})) for system in project.systems.values())
    )
    return Checked(
        findings=(*findings, *(finding for one in found for finding in one.findings)),
        tried=tuple(tried for one in found for tried in one.tried),
        promises=tuple(promise for one in found for promise in one.promises),
        schemas={name: schema for one in found for name, schema in one.schemas.items()},
    )


async def _check_system(project: Project, system: System, paths: Mapping[str, Any]) -> Checked:
    try:
        connector = connect(system)
    except (MendFile, ValueError) as error:
        message = error.message if isinstance(error, MendFile) else str(error)
        return Checked(findings=(Finding(level="error", kind="file", where=f"systems.{system.name}", message=message),))
    try:
        await connector.open(paths)
        return await _check_open(project, system, connector)
    except SystemFailure as error:
        where = f"systems.{system.name}"
        failed = Finding(level="error", kind=error.kind, where=where, message=error.message, hint=error.hint)
        return Checked(findings=(failed,))
    finally:
        await connector.close()


async def _check_open(project: Project, system: System, connector: Connector) -> Checked:
    tried = await _try(system, connector)
    schemas: Mapping[str, DatatypeSchema] = {}
    with suppress(SystemFailure):  # what failed is told by the attempts
        schemas = await connector.schema()
    findings = list(_compared(project, system, schemas))
    if not any(finding.level == "error" for finding in findings):
        findings += [_failed(one) for one in tried if not one.ok]
    promises = [promise(datatype, connector.capabilities(name)) for name, datatype in system.datatypes.items()]
    return Checked(
        findings=tuple(findings), tried=tuple(tried), promises=tuple(promises), schemas={system.name: schemas}
    )


def _failed(tried: Tried) -> Finding:
    where = f"systems.{tried.system}.datatypes.{tried.datatype}"
    return Finding(level="error", kind="unreachable", where=where, message=tried.message)


async def _try(system: System, connector: Connector) -> list[Tried]:
    """One reading of each datatype, by the connector's own check where it has one."""
    own = getattr(connector, "check", None)
    if own is not None:
        found = await own()
        return [Tried(system=system.name, datatype=name, ok=ok, message=said) for name, ok, said in found]
    return [
        Tried(system=system.name, datatype=name, ok=True, message=await _first_page(connector, name))
        for name in system.datatypes
    ]


async def _first_page(connector: Connector, datatype: str) -> str:
    async for page in connector.read(datatype, None):
        return "readable" if page.records else "readable, empty"
    return "readable, empty"


def _compared(project: Project, system: System, schemas: Mapping[str, DatatypeSchema]) -> Iterator[Finding]:
    """Rows against what the system tells of its datatypes."""
    for flow in project.flows.values():
        side = flow.side(system.name)
        schema = schemas.get(side.datatype) if side else None
        if side is None or schema is None or not schema.properties:
            continue
        for row in flow.rows:
            path = row.paths.get(system.name)
            if path is not None:
                yield from _compared_row(project, flow, row, side, schema)
        yield from _required(flow, side, system.datatypes[side.datatype], schema)


def _compared_row(project: Project, flow: Flow, row: Row, side: Side, schema: DatatypeSchema) -> Iterator[Finding]:
    path, where = row.paths[side.system], _row_path(flow, row)
    told = schema.properties.get(path) or schema.properties.get(path.split(".")[0].removesuffix("[]"))
    if told is None:
        close = get_close_matches(path, schema.properties, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(schema.properties)}"
        message = f"{side.datatype} in {side.system} has no property {path!r}"
        yield Finding(level="error", kind="property", where=where, message=message, hint=hint)
        return
    if told.path == path:
        yield from _row(project, flow, row, side.system, told)
        yield from _pair(project, flow, row, side.system, told)
    if side.system not in row.targets:
        return
    if told.read_only:
        message = f"{side.system} does not let {path!r} be written"
        yield Finding(level="warning", kind="property", where=where, message=message, hint="give the row a direction")
    if told.max_length is not None and not row.truncate and row.type.name in ("string", "text"):
        message = f"{side.system} takes at most {told.max_length} characters in {path!r}; longer values are held"
        yield Finding(level="warning", kind="length", where=where, message=message, hint="`truncate: true` cuts them")


def _required(flow: Flow, side: Side, datatype: Datatype, schema: DatatypeSchema) -> Iterator[Finding]:
    """Properties that a create must have and no row or default gives."""
    given = {row.paths.get(side.system) for row in flow.rows if side.system in row.targets}
    given |= {*side.defaults, datatype.id, datatype.key_property, datatype.modified, datatype.created}
    given.add(datatype.version.path if datatype.version else None)
    needed = [told for told in schema.properties.values() if told.required and not told.read_only]
    missing = [told.path for told in needed if told.path not in given]
    if missing and side.create:
        yield Finding(
            level="warning",
            kind="required",
            where=f"flows.{flow.name}.{side.system}",
            message=f"a new {side.datatype} in {side.system} needs {', '.join(missing)}, which no row gives",
            hint="add a row or `defaults`, unless the system fills them itself",
        )


_VERSIONS = {
    "etag": "the system refuses it (ETag)",
    "version": "the system refuses it (version)",
    "where": "the statement finds nothing (WHERE)",
    None: "read and compared before; a window of one request",
}


def promise(datatype: Datatype, can: Capabilities) -> dict[str, str]:
    """Which promise rests on what, in words."""
    return {
        "system": datatype.system,
        "datatype": datatype.name,
        "stale_write": "never written" if can.read_only else _stale_write(can),
        "lost_create": "never written" if can.read_only else _lost_create(datatype, can),
        "changes": "only what changed is read" if can.changed_since else "all is read, and compared by fingerprint",
        "deletions": "told by the system" if can.deleted_feed else "seen when all is listed",
        "batch": f"{can.batch} creates a request" if can.batch > 1 else "one create a request",
    }


def _stale_write(can: Capabilities) -> str:
    """What keeps a write from overwriting an edit that nobody has read."""
    way = _VERSIONS.get(can.version_check, str(can.version_check))
    return way if can.checks(deleting=True) or can.version_check is None else f"{way}; a delete is {_VERSIONS[None]}"


def _lost_create(datatype: Datatype, can: Capabilities) -> str:
    """What tells whether a create happened whose answer was lost."""
    ways = []
    if can.idempotent_create:
        ways.append("repeated safely (idempotent)")
    if can.own_key:
        ways.append(f"found by our key in {datatype.key_property}")
    if datatype.natural_key and set(datatype.natural_key) <= set(can.find):
        ways.append(f"found by {', '.join(datatype.natural_key)}")
    return "; ".join(ways) or "in doubt until a person decides"
