"""Shapes of a project's systems: from the file, from what the systems tell of themselves, and from a sample of records.

A sample leaves nothing behind but facets: how long, how many decimals, always in capitals. No value of a record is kept
but the options of a property that has very few.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from accord.config.meaning import Project, System
from accord.connectors.registry import connect
from accord.core.mapping import FlowMap
from accord.engine.setting import compile_flows, needed_paths
from accord.errors import AccordError
from accord.model import Native
from accord.ports import Capabilities, Connector, DatatypeSchema, PropertySchema
from accord.simulate.models import Shapes, plain_shapes
from accord.simulate.shapes import DatatypeShape, PropertyShape

Progress = Callable[[str, int, int | None], None]
ENOUGH = 20
"""So many filled values are needed before a sample says anything of a property."""
FEW = 8


def offline_shapes(project: Project) -> Shapes:
    """From the project file, and from what the connectors promise without asking anybody."""
    shapes = dict(plain_shapes(project))
    for name, system in project.systems.items():
        try:
            connector = connect(system)
        except (AccordError, ValueError):
            continue
        for datatype in system.datatypes:
            shapes[name, datatype] = _with_capabilities(shapes[name, datatype], connector)
    return shapes


def _with_capabilities(shape: DatatypeShape, connector: Connector) -> DatatypeShape:
    try:
        can: Capabilities = connector.capabilities(shape.name)
    except (AccordError, KeyError, AttributeError, TypeError, ValueError):
        return shape  # this connector knows only once it is connected
    return replace(shape, capabilities=can)


def learn(project: Project, sample: int, progress: Progress) -> Shapes:
    """Ask every system. Reads only. Raises SystemFailure where one cannot be reached."""
    return asyncio.run(_learn(project, sample, progress))


async def _learn(project: Project, sample: int, progress: Progress) -> Shapes:
    flows = compile_flows(project)
    paths = needed_paths(project, flows)
    shapes = dict(plain_shapes(project))
    for name, needed in paths.items():
        shapes |= await _learn_system(project.systems[name], needed, shapes, sample, progress, flows)
    return shapes


async def _learn_system(
    system: System,
    paths: Mapping[str, Sequence[str]],
    shapes: Shapes,
    sample: int,
    progress: Progress,
    flows: Mapping[str, FlowMap],
) -> dict[tuple[str, str], DatatypeShape]:
    connector = connect(system)
    found = {}
    try:
        await connector.open(paths)
        told = await connector.schema()
        for datatype in paths:
            shape = _with_capabilities(shapes[system.name, datatype], connector)
            shape = with_schema(shape, told.get(datatype))
            if sample:
                natives = await _sampled(connector, datatype, sample, progress)
                shape = with_sample(shape, natives, _closed(system.name, datatype, flows))
            found[system.name, datatype] = shape
    finally:
        await connector.close()
    return found


def with_schema(shape: DatatypeShape, told: DatatypeSchema | None) -> DatatypeShape:
    """The shape with what a system tells; what the file says of a property goes before."""
    if told is None or not told.properties:
        return shape
    properties = {path: _told(known, told.properties.get(path)) for path, known in shape.properties.items()}
    for path, schema in told.properties.items():
        if schema.required and not schema.read_only and path not in properties:
            properties[path] = _told(PropertyShape(path=path), schema)
    return replace(shape, properties=properties, source="schema")


def _told(known: PropertyShape, told: PropertySchema | None) -> PropertyShape:
    if told is None:
        return known
    return replace(
        known,
        type=known.type or told.type,
        required=known.required or told.required,
        max_length=known.max_length if known.max_length is not None else told.max_length,
        options=known.options or tuple(told.values or ()),
        read_only=known.read_only or told.read_only,
    )


async def _sampled(connector: Connector, datatype: str, sample: int, progress: Progress) -> list[dict[str, Native]]:
    found: list[dict[str, Native]] = []
    async for page in connector.read(datatype, None):
        found += [record.natives() for record in page.records]
        progress(f"sampling {connector.system.name} {datatype}", len(found), sample)
        if len(found) >= sample:
            break
    return found[:sample]


def _closed(system: str, datatype: str, flows: Mapping[str, FlowMap]) -> frozenset[str]:
    """Properties whose row says that they have options: only there values of a sample are kept."""
    return frozenset(
        side.paths[row.name]
        for flow in flows.values()
        for row in flow.rows.values()
        if (side := flow.sides.get(system)) is not None
        and side.side.datatype == datatype
        and row.name in side.paths
        and row.type.name == "enum"
    )


def with_sample(shape: DatatypeShape, natives: Sequence[Mapping[str, Native]], closed: frozenset[str]) -> DatatypeShape:
    """The shape with the facets that a sample shows."""
    properties = {
        path: _seen(known, [found[path] for found in natives if path in found], path in closed)
        for path, known in shape.properties.items()
    }
    return replace(shape, properties=properties)


def _seen(known: PropertyShape, values: Sequence[Native], closed: bool) -> PropertyShape:
    filled = [value for value in values if value is not None and value != ""]
    if len(filled) < ENOUGH:
        return known
    texts = [value for value in filled if isinstance(value, str)]
    letters = [text for text in texts if any(letter.isalpha() for letter in text)]
    numbers = [value for value in filled if isinstance(value, Decimal)]
    distinct = list(dict.fromkeys(map(_plain, filled)))
    return replace(
        known,
        upper=len(letters) >= ENOUGH and all(text == text.upper() for text in letters),
        trimmed=len(texts) == len(filled) and all(text == text.strip() for text in texts),
        decimals=max(map(_decimals, numbers)) if len(numbers) == len(filled) else known.decimals,
        unique=len(distinct) == len(filled),
        nullable=len(filled) < len(values),
        options=known.options or (tuple(distinct) if closed and len(distinct) <= FEW else ()),
    )


def _plain(value: Native) -> Any:
    return value if isinstance(value, str | int | bool | Decimal) else str(value)


def _decimals(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
