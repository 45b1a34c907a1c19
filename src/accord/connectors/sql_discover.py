"""What a database has: its tables and views, what it tells of their columns, and some of their rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sql
from sqlalchemy import Connection, Inspector
from sqlalchemy.exc import DBAPIError, NoSuchTableError

from accord.config.meaning import Datatype, System
from accord.connectors.sql_table import Reflected, SqlTable, reflect_table
from accord.connectors.sql_types import Speech, type_name
from accord.connectors.sql_work import answers_of
from accord.model import Record
from accord.ports import Discovered, PropertySchema

NOT_RECORDS = ("sqlite_", "alembic_")
"""How the names of tables begin that hold no business data."""
MODIFIED = ("changed_at", "updated_at", "modified_at", "changed", "updated", "modified", "last_modified")
CREATED = ("created_at", "created", "created_on", "create_date", "inserted_at")
VERSION = ("row_version", "version", "lock_version", "rowversion")


def told_of(found: Reflected) -> dict[str, PropertySchema]:
    """What a table tells of its columns."""
    return {
        column.name: PropertySchema(
            path=column.name,
            type=type_name(column),
            required=column.required,
            max_length=column.max_length,
            values=column.values,
            read_only=column.read_only,
        )
        for column in found.columns.values()
    }


def discovered(connection: Connection, system: System, speech: Speech, sample: int) -> list[Discovered]:
    """Every datatype of the file, and every other table and view."""
    inspector = sql.inspect(connection)
    tables, views = inspector.get_table_names(), inspector.get_view_names()
    named = {_source(datatype): datatype for datatype in system.datatypes.values()}
    found = []
    for name in [*named, *(other for other in (*tables, *views) if other not in named)]:
        if name in named or not name.startswith(NOT_RECORDS):
            kind = "view" if name in views else "table"
            told = named.get(name)
            found.append(_one(connection, system, told, kind, name, speech, sample, inspector, named))
    return found


def _source(datatype: Datatype) -> str:
    return str(datatype.options.get("table") or datatype.options.get("view") or datatype.name)


def _one(
    connection: Connection,
    system: System,
    told: Datatype | None,
    kind: str,
    name: str,
    speech: Speech,
    sample: int,
    inspector: Inspector,
    names: Mapping[str, Datatype],
) -> Discovered:
    datatype = told or Datatype(system=system.name, name=name, title=name)
    found = reflect_table(connection, datatype, name, speech)
    keys: dict[str, Any] = {kind: name, **dict(_likely(found))}
    if told is None:
        datatype = Datatype(system=system.name, name=name, title=name, id=str(keys["id"]))
    else:
        keys |= {"id": told.id, **({"modified": told.modified} if told.modified else {})}
    properties = _with_references(told_of(found), inspector, name, names)
    table = SqlTable(datatype, found, tuple(found.columns), speech)
    samples = list(_samples(connection, table, sample))
    return Discovered(name=told.name if told else name, keys=keys, properties=properties, samples=samples)


def _with_references(
    told: dict[str, PropertySchema], inspector: Inspector, table: str, names: Mapping[str, Datatype]
) -> dict[str, PropertySchema]:
    """The columns, with the datatype that a foreign key of one column leads to."""
    schema, dot, plain = table.rpartition(".")
    try:
        keys = inspector.get_foreign_keys(plain, schema if dot else None)
    except (DBAPIError, NoSuchTableError):
        return told  # a view
    for key in keys:
        columns, target = key["constrained_columns"], key["referred_table"]
        if len(columns) == 1 and columns[0] in told:
            to = names[target].name if target in names else target
            told[columns[0]] = replace(told[columns[0]], refers=to)
    return told


def _likely(found: Reflected) -> Iterator[tuple[str, str]]:
    """The columns that are the id, the times of modification and creation and the version, by their keys and names."""
    single = [key[0] for key in found.unique if len(key) == 1]
    yield "id", (single or list(found.columns))[0]
    marks = (("modified", MODIFIED, "datetime"), ("created", CREATED, "datetime"), ("version", VERSION, "integer"))
    for key, names, kind in marks:
        for name in names:
            if name in found.columns and found.columns[name].kind == kind:
                yield key, name
                break


def _samples(connection: Connection, table: SqlTable, sample: int) -> Iterator[Mapping[str, Any]]:
    if sample < 1:
        return
    try:
        rows = connection.execute(table.page(None, []).limit(sample)).fetchall()
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        return  # a view that fails, a value that the driver cannot read: what the database tells is left
    yield from (answer.natives() for answer in answers_of(table, rows) if isinstance(answer, Record))
