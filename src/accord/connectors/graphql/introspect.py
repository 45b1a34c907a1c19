"""What a system tells of its schema: types of properties, and whether the operations of the file fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    build_client_schema,
    get_introspection_query,
    get_named_type,
    get_nullable_type,
    is_required_input_field,
    type_from_ast,
    validate,
)

from accord.config.meaning import Datatype
from accord.connectors.graphql.options import Asked, GraphqlOptions
from accord.connectors.rest.answers import Unfit, one_line
from accord.ports import PropertySchema

DEEPEST = 8
QUERY = get_introspection_query(descriptions=True)
_TYPES = {
    "String": "string",
    "ID": "string",
    "UUID": "string",
    "Int": "integer",
    "BigInt": "integer",
    "Long": "integer",
    "Float": "float",
    "Boolean": "boolean",
    "Date": "date",
    "DateTime": "datetime",
    "Time": "time",
    "Duration": "duration",
    "JSON": "json",
    "URL": "url",
    **dict.fromkeys(("Decimal", "BigDecimal", "Numeric", "Money"), "decimal"),
}


def read_schema(data: Any) -> GraphQLSchema:
    """The schema that an answer to `QUERY` tells. Raises Unfit."""
    try:
        return build_client_schema(data)
    except (GraphQLError, TypeError, KeyError, ValueError, AttributeError, RecursionError) as error:
        raise Unfit(f"no schema: {one_line(str(error))}") from None


def faults(schema: GraphQLSchema, options: GraphqlOptions) -> Iterator[str]:
    """What of the operations does not fit the schema, one sentence each."""
    for name, asked in options.operations.items():
        for error in validate(schema, asked.operation.document, max_errors=5):
            line = f" (line {error.locations[0].line})" if error.locations else ""
            yield f"{name}: {one_line(error.message)}{line}"


def scalars(schema: GraphQLSchema, asked: Asked) -> dict[str, str]:
    """Path of a variable → the name of its scalar, also inside input objects."""
    found: dict[str, str] = {}
    for one in asked.operation.node.variable_definitions or ():
        kind = type_from_ast(schema, one.type)
        if kind is not None:
            found |= dict(_scalars(kind, one.variable.name.value, 0))
    return found


def _scalars(kind: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    named = get_named_type(kind)
    if isinstance(named, GraphQLInputObjectType) and depth < DEEPEST:
        for name, inner in named.fields.items():
            yield from _scalars(inner.type, f"{path}.{name}", depth + 1)
    elif named is not None:
        yield path, named.name


def properties(schema: GraphQLSchema, datatype: Datatype, options: GraphqlOptions) -> dict[str, PropertySchema]:
    """What the schema tells of the properties that `get` selects; of lists of objects, nothing."""
    asked = options.operations["get"]
    record = _type_at(_root(schema, asked), asked, asked.place or "")
    inputs = {name: _inputs(schema, options.operations.get(name)) for name in ("create", "update")}
    found: dict[str, PropertySchema] = {}
    for leaf in asked.operation.leaves(asked.place or ""):
        told = _property(record, asked, leaf, datatype, inputs)
        if told is not None:
            found[told.path] = told
    return found


def type_name(schema: GraphQLSchema, options: GraphqlOptions) -> str | None:
    """The object type that `get` reads."""
    asked = options.operations["get"]
    kind = _type_at(_root(schema, asked), asked, asked.place or "")
    return kind.name if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) else None


def _property(
    record: Any, asked: Asked, leaf: str, datatype: Datatype, inputs: Mapping[str, Mapping[str, Any] | None]
) -> PropertySchema | None:
    field = _field_at(record, asked, asked.place or "", leaf)
    if field is None:
        return None
    kind = get_nullable_type(field.type)
    many = isinstance(kind, GraphQLList)
    row = row_type(get_named_type(kind))
    if row is None:
        return None
    path = f"{leaf}[]" if many else leaf
    said = datatype.properties.get(path)
    otherwise = said is not None and bool(said.write_as or said.write_with or said.parts)
    known = [taken for taken in inputs.values() if taken is not None]
    create = inputs["create"] or {}
    named = get_named_type(kind)
    return PropertySchema(
        path=path,
        type=f"list({row})" if many else row,
        required=leaf in create and is_required_input_field(create[leaf]),
        values=tuple(named.values) if isinstance(named, GraphQLEnumType) else None,
        read_only=bool(known) and not otherwise and not any(leaf in taken for taken in known),
        note=one_line(field.description) if field.description else None,
    )


def row_type(named: Any) -> str | None:
    """The row type of project-file.md that fits a scalar or an enumeration, or None."""
    if isinstance(named, GraphQLEnumType):
        return "enum"
    return _TYPES.get(named.name) if isinstance(named, GraphQLScalarType) else None


def _root(schema: GraphQLSchema, asked: Asked) -> Any:
    return schema.mutation_type if asked.writes else schema.query_type


def _type_at(kind: Any, asked: Asked, path: str) -> Any:
    """The object type at a path of response keys, or None."""
    way = [step.removesuffix("[]") for step in path.split(".") if step]
    for at, step in enumerate(way):
        field = _selected(kind, asked, ".".join(way[:at]), step)
        kind = None if field is None else get_named_type(field.type)
    return kind


def _field_at(record: Any, asked: Asked, place: str, leaf: str) -> Any:
    """The field of a leaf below a record; None where a list lies between."""
    kind, way = record, leaf.split(".")
    field = None
    for at, step in enumerate(way):
        field = _selected(kind, asked, ".".join(filter(None, [place, *way[:at]])), step)
        if field is None or (at < len(way) - 1 and isinstance(get_nullable_type(field.type), GraphQLList)):
            return None
        kind = get_named_type(field.type)
    return field


def _selected(kind: Any, asked: Asked, path: str, key: str) -> Any:
    """The field of a type that a response key stands for: a key may be an alias."""
    node = asked.operation.selected(path).get(key)
    if node is None or not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        return None
    return kind.fields.get(node.name.value)


def _inputs(schema: GraphQLSchema, asked: Asked | None) -> dict[str, Any] | None:
    """Path of a property → what takes it in a mutation; None where that cannot be told."""
    if asked is None or not asked.input:
        return None
    way = asked.input.split(".")
    kind: Any = None
    for one in asked.operation.node.variable_definitions or ():
        if one.variable.name.value == way[0]:
            kind = type_from_ast(schema, one.type)
    for step in way[1:]:
        named = get_named_type(kind)
        kind = named.fields[step].type if isinstance(named, GraphQLInputObjectType) and step in named.fields else None
    named = get_named_type(kind)
    if not isinstance(named, GraphQLInputObjectType):
        return None
    return dict(_taken(named, "", 0))


def _taken(named: GraphQLInputObjectType, before: str, depth: int) -> Iterator[tuple[str, Any]]:
    for name, field in named.fields.items():
        yield before + name, field
        inner = get_named_type(field.type)
        if isinstance(inner, GraphQLInputObjectType) and depth < DEEPEST:
            yield from _taken(inner, f"{before}{name}.", depth + 1)


def floats(told: Mapping[str, PropertySchema]) -> list[str]:
    """Paths whose numbers are binary floats."""
    return [path for path, one in told.items() if one.type in ("float", "list(float)")]
