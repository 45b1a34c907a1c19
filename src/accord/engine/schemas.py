"""What systems tell about their properties, laid under what the project file says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from accord.config.meaning import Datatype, Project, Property, System
from accord.ports import DatatypeSchema, PropertySchema

Schemas = Mapping[str, Mapping[str, DatatypeSchema]]
"""System → datatype → what the system tells."""


def with_schemas(project: Project, schemas: Schemas) -> Project:
    """The project with the properties that systems told; what the file says of one goes before."""
    systems = {name: _system(system, schemas.get(name, {})) for name, system in project.systems.items()}
    return replace(project, systems=systems)


def _system(system: System, told: Mapping[str, DatatypeSchema]) -> System:
    datatypes = {name: _datatype(datatype, told.get(name)) for name, datatype in system.datatypes.items()}
    return replace(system, datatypes=datatypes)


def _datatype(datatype: Datatype, told: DatatypeSchema | None) -> Datatype:
    if told is None:
        return datatype
    properties = {path: _property(datatype.properties.get(path), schema) for path, schema in told.properties.items()}
    return replace(datatype, properties={**properties, **_only_written(datatype, told)})


def _only_written(datatype: Datatype, told: DatatypeSchema) -> dict[str, Property]:
    return {path: said for path, said in datatype.properties.items() if path not in told.properties}


def _property(said: Property | None, told: PropertySchema) -> Property:
    if said is None:
        return Property(
            path=told.path,
            type=told.type,
            required=told.required,
            max_length=told.max_length,
            values=told.values,
            read_only=told.read_only,
        )
    return replace(
        said,
        type=said.type or told.type,
        max_length=said.max_length if said.max_length is not None else told.max_length,
        values=said.values if said.values is not None else told.values,
        required=said.required or told.required,
        read_only=said.read_only or told.read_only,
    )
