"""A model of each system: what is known of its datatypes, and the habits that a seed gives it.

The project stays as the user wrote it. Only the connectors are others: the systems are in memory, refuse what the
shapes say that the real ones refuse, and rewrite what the real ones rewrite.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from typing import Any, Literal

from accord.config.meaning import Datatype, Project
from accord.connectors.memory import (
    Behaviour,
    Refused,
    cut,
    empty_to_null,
    null_to_empty,
    rounded,
    trim,
    upper,
)
from accord.connectors.memory_behaviour import Normaliser
from accord.connectors.memory_values import NORMALISERS
from accord.connectors.paths import get_path
from accord.engine.schemas import with_schemas
from accord.model import ABSENT
from accord.ports import DatatypeSchema, PropertySchema
from accord.simulate.shapes import DatatypeShape, PropertyShape

Shapes = Mapping[tuple[str, str], DatatypeShape]
_FLAG = re.compile(r"\s*([A-Za-z_][\w.]*)\s*(?:==\s*true\s*)?")
CHANGES: tuple[Literal["inclusive", "exclusive"], ...] = ("inclusive", "exclusive")
TEXTS = frozenset({"string", "text"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """How much of the unexpected a profile has. Each figure is a probability."""

    faults: float
    crashes: float
    meddling: float
    """That people act during a round."""
    values: float
    """That a system rewrites a property in a way that its schema does not tell."""
    state: float
    """That something happens to the state itself."""
    waits: tuple[float, ...] = (0.0, 1.0, 30.0, 90.0, 200.0, 4000.0)


PROFILES: dict[str, Habit] = {
    "calm": Habit(faults=0.0, crashes=0.0, meddling=0.0, values=0.0, state=0.0),
    "normal": Habit(faults=0.25, crashes=0.08, meddling=0.03, values=0.15, state=0.02),
    "bad day": Habit(faults=0.8, crashes=0.3, meddling=0.1, values=0.3, state=0.08),
}


def told(project: Project, shapes: Shapes) -> Project:
    """The project with what the systems tell of themselves, as a round would learn it."""
    schemas: dict[str, dict[str, DatatypeSchema]] = {}
    for (system, name), shape in shapes.items():
        if shape.source == "schema":
            properties = {path: _schema(found) for path, found in shape.properties.items()}
            schemas.setdefault(system, {})[name] = DatatypeSchema(name=name, properties=properties)
    return with_schemas(project, schemas)


def _schema(shape: PropertyShape) -> PropertySchema:
    return PropertySchema(
        path=shape.path,
        type=None if shape.type is None or shape.type.startswith("reference") else shape.type,
        required=shape.required,
        max_length=shape.max_length,
        values=shape.options or None,
        read_only=shape.read_only,
    )


def behaviour(
    datatype: Datatype,
    shape: DatatypeShape,
    habit: Habit,
    random: Random,
    targets: Mapping[str, str],
    texts: frozenset[str],
) -> Behaviour:
    """How a datatype behaves in one history. `targets` is path → datatype, of its references; `texts` are the
    properties that hold free text.
    """
    can = shape.capabilities
    return Behaviour(
        ids=random.choice([None, "X-{:03d}"]),
        id=datatype.id,
        version="version" if datatype.version is None or not datatype.version.path else datatype.version.path,
        modified=datatype.modified,
        version_check=None if can.version_check is None else "where" if can.version_check == "where" else "version",
        changed_since=random.choice(CHANGES) if can.changed_since and datatype.modified else None,
        resolution=random.choice([0.0, 1.0, 60.0 if habit.faults else 1.0]),
        soft_delete=soft_flag(datatype),
        soft_listed=random.random() < 0.5,
        deleted_feed=can.deleted_feed,
        key_property=datatype.key_property if can.own_key else None,
        idempotent=can.idempotent_create,
        batch=min(can.batch, 3),
        ordered=can.ordered or random.random() < 0.5,
        page_size=random.choice([2, 5, 100]),
        find=can.find,
        normalise=_normalisers(shape, habit, random, texts),
        unique=tuple(shape.keys) or ((datatype.natural_key,) if datatype.natural_key else ()),
        required=tuple(path for path, found in shape.properties.items() if found.required and not found.read_only),
        references=dict(targets) if random.random() < habit.faults / 2 else {},
        read_only=frozenset(path for path, found in shape.properties.items() if found.read_only),
    )


def soft_flag(datatype: Datatype) -> str | None:
    """The property that says that a record is deleted, where the expression is as plain as that."""
    found = _FLAG.fullmatch(datatype.deleted or "")
    return found[1] if found else None


def _normalisers(
    shape: DatatypeShape, habit: Habit, random: Random, texts: frozenset[str]
) -> dict[str, tuple[Normaliser, ...]]:
    found: dict[str, tuple[Normaliser, ...]] = {}
    for path, known in shape.properties.items():
        steps: list[Normaliser] = []
        steps += [step for word in known.rewrites if (step := _step(word, known)) is not None]
        if known.upper:
            steps.append(upper)
        if known.trimmed:
            steps.append(trim)
        if known.decimals is not None:
            steps.append(rounded(known.decimals))
        if random.random() < habit.values and path in texts and not known.options and not known.unique:
            steps.append(random.choice([trim, trim, upper, null_to_empty, empty_to_null]))
        if steps:
            found[path] = tuple(steps)
    return found


def _step(word: str, known: PropertyShape) -> Normaliser | None:
    """What a word of `rewrites` does; None where it has not the figure that it needs."""
    if word == "cut":
        return cut(known.max_length) if known.max_length is not None else None
    if word == "round":
        scale = (known.type or "").partition("(")[2].rstrip(")") if known.type != "integer" else "0"
        return rounded(int(scale)) if scale.isdecimal() else None
    return NORMALISERS[word.replace("-", "_")]


def refuse(shape: DatatypeShape, record: Mapping[str, Any]) -> None:
    """What the real system would not take. Raises Refused."""
    for path, known in shape.properties.items():
        value = get_path(dict(record), path)
        if value is ABSENT or value is None:
            continue
        cuts = "cut" in known.rewrites
        if known.max_length is not None and not cuts and isinstance(value, str) and len(value) > known.max_length:
            raise Refused(f"{path} may have {known.max_length} characters, and has {len(value)}")
        if known.options and value not in known.options and value != "":
            raise Refused(f"{path} may be {', '.join(map(str, known.options))}, and is {value}")
        if (known.type or "").startswith("integer") and isinstance(value, Decimal) and value != int(value):
            raise Refused(f"{path} must be a whole number, and is {value}")


def plain_shapes(project: Project) -> Shapes:
    """Shapes from the project file alone: what it says of properties, and what its keys say of each system."""
    from accord.ports import Capabilities

    found = {}
    for system in project.systems.values():
        for datatype in system.datatypes.values():
            properties = {
                path: PropertyShape(
                    path=path,
                    type=said.type,
                    required=said.required,
                    max_length=said.max_length,
                    options=tuple(said.values or ()),
                    read_only=said.read_only,
                    create_only=said.create_only,
                    rewrites=said.rewrites,
                )
                for path, said in datatype.properties.items()
            }
            capabilities = Capabilities(
                changed_since=datatype.modified is not None,
                version_check=_check(datatype, system.connector),
                own_key=datatype.key_property is not None,
                find=tuple(datatype.natural_key),
            )
            found[system.name, datatype.name] = DatatypeShape(
                system=system.name, name=datatype.name, properties=properties, capabilities=capabilities
            )
    return {key: replace(shape, properties=_mapped(project, key, shape)) for key, shape in found.items()}


def _check(datatype: Datatype, connector: str) -> str | None:
    if datatype.version is not None:
        return "version"
    return "where" if connector in ("sql", "file") else None


def _mapped(project: Project, key: tuple[str, str], shape: DatatypeShape) -> dict[str, PropertyShape]:
    """The shape of every property that a row names."""
    system, datatype = key
    found = dict(shape.properties)
    for flow in project.flows.values():
        side = flow.side(system)
        if side is None or side.datatype != datatype:
            continue
        for row in flow.rows:
            path = row.paths.get(system)
            if path is not None and path not in found:
                found[path] = PropertyShape(path=path)
    return found
