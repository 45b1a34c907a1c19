"""Datatypes that a schema has and a project file has not: how they are listed, and read by their id.

What changes a record nobody can guess from a schema; the mutations are for a person to write.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLList,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_required_argument,
)

from accord.config.meaning import Datatype

_AFTER, _FIRST, _SKIP, _LIMIT = ("after",), ("first",), ("offset", "skip"), ("limit", "take")
_TIMES = ("updatedat", "modifiedat", "changedat", "lastmodified", "updated", "modified")


def proposals(schema: GraphQLSchema, system: str, known: set[str]) -> Iterator[Datatype]:
    """A datatype for each object type that can be listed and read by its id, except those that are `known`."""
    root = schema.query_type
    seen = set(known)
    for name, field in root.fields.items() if root is not None else ():
        found = _listed(field)
        if found is None or found[0].name in seen:
            continue
        node, wrapped = found
        listing, get = _list_query(name, field, node, wrapped), _get_query(schema, node)
        if listing is not None and get is not None:
            seen.add(node.name)
            yield Datatype(
                system=system,
                name=node.name[:1].lower() + node.name[1:],
                title=node.name,
                id=str(_id_of(node)),
                modified=_modified(node),
                options={"list": {"query": listing}, "get": get},
            )


def _listed(field: GraphQLField) -> tuple[GraphQLObjectType, str] | None:
    """The type of the records that a field lists, and how its selection is written around theirs."""
    kind = get_nullable_type(field.type)
    named = get_named_type(kind)
    if not isinstance(named, GraphQLObjectType):
        return None
    if isinstance(kind, GraphQLList):
        return (named, "{}") if _id_of(named) else None
    if "pageInfo" not in named.fields:
        return None
    info = "pageInfo {{ hasNextPage endCursor }}"
    for key, form in (("nodes", "nodes {{ {} }} " + info), ("edges", "edges {{ node {{ {} }} }} " + info)):
        inner: Any = get_named_type(named.fields[key].type) if key in named.fields else None
        if key == "edges" and isinstance(inner, GraphQLObjectType) and "node" in inner.fields:
            inner = get_named_type(inner.fields["node"].type)
        if isinstance(inner, GraphQLObjectType) and _id_of(inner):
            return inner, form
    return None


def _id_of(node: GraphQLObjectType) -> str | None:
    """The field that is the id: called so, or the first one of that type."""
    plain = [
        name for name, field in node.fields.items() if isinstance(get_nullable_type(field.type), GraphQLScalarType)
    ]
    named = [name for name in plain if name.lower() == "id"]
    typed = [name for name in plain if get_named_type(node.fields[name].type).name == "ID"]
    return next(iter([*named, *typed]), None)


def _modified(node: GraphQLObjectType) -> str | None:
    return next((name for name in node.fields if name.lower() in _TIMES), None)


def _list_query(name: str, field: GraphQLField, node: GraphQLObjectType, form: str) -> str | None:
    """The text of a listing; None where it needs what nobody but a person knows."""
    paging = [one for one in (*_AFTER, *_FIRST, *_SKIP, *_LIMIT) if one in field.args]
    if any(is_required_argument(arg) and key not in paging for key, arg in field.args.items()):
        return None
    declared = ", ".join(f"${one}: {field.args[one].type}" for one in paging)
    given = ", ".join(f"{one}: ${one}" for one in paging)
    called = f"{name}({given})" if given else name
    return f"query {f'({declared}) ' if declared else ''}{{ {called} {{ {form.format(_selection(node))} }} }}"


def _get_query(schema: GraphQLSchema, node: GraphQLObjectType) -> dict[str, str] | None:
    """The text that reads one record by its id, and the variable that takes it."""
    root = schema.query_type
    for name, field in root.fields.items() if root is not None else ():
        if get_nullable_type(field.type) is not node:
            continue
        needed = [key for key, arg in field.args.items() if is_required_argument(arg)] or [
            key for key in field.args if key.lower() == "id"
        ]
        if len(needed) == 1 and get_named_type(field.args[needed[0]].type).name in ("ID", "Int", "String"):
            (key,) = needed
            kind = f"{get_nullable_type(field.args[key].type)}!"
            text = f"query (${key}: {kind}) {{ {name}({key}: ${key}) {{ {_selection(node)} }} }}"
            return {"query": text, **({"id": key} if key != "id" else {})}
    return None


def _selection(node: GraphQLObjectType) -> str:
    """Every plain field that needs no argument, and the id of every object."""
    parts = []
    for name, field in node.fields.items():
        inner: Any = get_nullable_type(field.type)
        inner = get_nullable_type(inner.of_type) if isinstance(inner, GraphQLList) else inner
        if any(map(is_required_argument, field.args.values())):
            continue
        if isinstance(inner, GraphQLScalarType | GraphQLEnumType):
            parts.append(name)
        elif isinstance(inner, GraphQLObjectType) and inner is get_nullable_type(field.type) and _id_of(inner):
            parts.append(f"{name} {{ {_id_of(inner)} }}")
    return " ".join(parts)
