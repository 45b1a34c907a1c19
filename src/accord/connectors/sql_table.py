"""One datatype's table: what reflection says of it, the statements on it, and records from its rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from difflib import get_close_matches
from typing import Any

import sqlalchemy as sql
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Connection
from sqlalchemy.exc import NoSuchTableError
from sqlalchemy.types import NULLTYPE

from accord.config.meaning import Datatype
from accord.connectors.paths import get_path
from accord.connectors.sql_types import Column, Speech, kind_of, read_moment, reader, write
from accord.errors import ProtocolError
from accord.model import ABSENT, Native, Natives, Record, encode_content

PAGE = 1000
CHUNK = 500

Condition = sql.ColumnElement[bool]
Row = Sequence[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reflected:
    """What the database says of a table or view."""

    name: str
    schema: str | None
    columns: Mapping[str, Column]
    unique: tuple[tuple[str, ...], ...]

    def named(self, datatype: Datatype, name: str) -> Column:
        """A column. Raises ProtocolError with the nearest name when it is not there."""
        if name not in self.columns:
            raise _unknown(datatype, f"column {name!r} in {self.name}", name, list(self.columns))
        return self.columns[name]


def reflect(connection: Connection, datatype: Datatype, speech: Speech) -> Reflected:
    """Look at the table of a datatype. Raises ProtocolError with the nearest name when it is not there."""
    given = str(datatype.options.get("table") or datatype.options.get("view") or datatype.name)
    return reflect_table(connection, datatype, given, speech)


def reflect_table(connection: Connection, datatype: Datatype, given: str, speech: Speech) -> Reflected:
    """Look at any table, for a datatype."""
    inspector = sql.inspect(connection)
    schema, _, name = given.rpartition(".")
    try:
        found = inspector.get_columns(name, schema=schema or None)
    except NoSuchTableError:
        there = [*inspector.get_table_names(schema or None), *inspector.get_view_names(schema or None)]
        raise _unknown(datatype, f"table {given!r}", name, there) from None
    keys = _unique_keys(inspector, name, schema or None)
    columns = {each["name"]: _column(each, keys, datatype, connection.dialect.name) for each in found}
    if speech.sqlite:
        columns = {key: _sampled(connection, name, column) for key, column in columns.items()}
    return Reflected(name=name, schema=schema or None, columns=columns, unique=keys)


def _unique_keys(inspector: sql.Inspector, name: str, schema: str | None) -> tuple[tuple[str, ...], ...]:
    keys = [tuple(inspector.get_pk_constraint(name, schema=schema)["constrained_columns"])]
    keys += [tuple(each["column_names"]) for each in inspector.get_unique_constraints(name, schema=schema)]
    for index in inspector.get_indexes(name, schema=schema):
        if index["unique"] and None not in index["column_names"]:
            keys.append(tuple(str(column) for column in index["column_names"]))
    return tuple(dict.fromkeys(key for key in keys if key))


def _column(found: Any, keys: tuple[tuple[str, ...], ...], datatype: Datatype, dialect: str) -> Column:
    name, column_type = found["name"], found["type"]
    kind = kind_of(column_type)
    counted = name == datatype.id and kind == "integer" and (dialect == "sqlite" or _counts(found)) and (name,) in keys
    computed = "computed" in found or name in datatype.options.get("generated", ()) or _identity_always(found)
    return Column(
        name=name,
        kind=kind,
        aware=bool(getattr(column_type, "timezone", False)),
        required=not (found["nullable"] or found.get("default") or counted or computed),
        max_length=getattr(column_type, "length", None) if kind == "text" else None,
        scale=getattr(column_type, "scale", None) if kind == "decimal" else None,
        values=tuple(column_type.enums) if isinstance(column_type, sql.Enum) else None,
        read_only=counted or computed,
    )


def _counts(found: Any) -> bool:
    return bool(found.get("identity") or found.get("autoincrement") is True or "nextval" in str(found.get("default")))


def _identity_always(found: Any) -> bool:
    return bool((found.get("identity") or {}).get("always"))


def _sampled(connection: Connection, table: str, column: Column) -> Column:
    if column.kind != "datetime":
        return column
    one: sql.ColumnClause[Any] = sql.column(column.name)
    found = connection.scalar(sql.select(one).select_from(sql.table(table)).where(one.is_not(None)).limit(1))
    if read_moment(found, UTC) is None or not isinstance(found, str):
        return column
    return replace(column, sample=found)


def _unknown(datatype: Datatype, what: str, name: str, there: Sequence[str]) -> ProtocolError:
    near = get_close_matches(name, there, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(sorted(there)[:30]) or 'none'}"
    return ProtocolError(datatype.system, f"{datatype.name}: there is no {what}", hint=hint)


def _escaped(condition: str) -> str:
    """A raw condition in which a colon is no parameter."""
    return re.sub(r"(?<![:\\]):(?=\w)", r"\\:", condition)


class SqlTable:
    """The statements of one datatype, and records from their rows. Values are bound; names are quoted."""

    def __init__(self, datatype: Datatype, found: Reflected, paths: Sequence[str], speech: Speech) -> None:
        self.datatype, self.found, self.speech = datatype, found, speech
        self.table = sql.table(found.name, *(sql.column(name) for name in found.columns), schema=found.schema)
        self.id = self._named(datatype.id)
        self.key = self._named(datatype.key_property) if datatype.key_property else None
        version = datatype.version.path if datatype.version and datatype.version.kind == "path" else None
        self.version = self._named(version) if version else None
        self.modified = self._named(datatype.modified) if datatype.modified else None
        self._shape(tuple(paths))

    def _named(self, name: str) -> Column:
        return self.found.named(self.datatype, name)

    def _shape(self, paths: tuple[str, ...]) -> None:
        """Which columns are selected, and how natives come out of them."""
        places = [(path, self._named(path if path in self.found.columns else _head(path))) for path in paths]
        fixed = [self.id.name, *(column.name for column in (self.version, self.modified) if column)]
        names = list(dict.fromkeys([*fixed, *(column.name for _, column in places)]))
        at = {name: index for index, name in enumerate(names)}
        self.selected = [self.table.c[name] for name in names]
        self._parts = [
            (path, at[column.name], reader(column, self.speech), None if path == column.name else path)
            for path, column in places
        ]
        self._has_nested = any(whole is not None for *_, whole in self._parts)
        self._read_id = reader(self.id, self.speech)
        self._version_at = at[self.version.name] if self.version else None
        self._read_version = reader(self.version, self.speech) if self.version else None
        self._modified_at = at[self.modified.name] if self.modified else None
        self.paths = paths

    @property
    def idempotent(self) -> bool:
        """Whether our own key is unique by itself, so that a second create with it is refused."""
        return self.key is not None and (self.key.name,) in self.found.unique

    @property
    def bumps(self) -> bool:
        """Whether Accord counts the version up; the database does it where the column is `generated`."""
        return self.version is not None and self.version.kind == "integer" and not self.version.read_only

    # rows

    def record(self, row: Row) -> Record:
        """A record from a row of `selected`. Raises ValueError for what is no native."""
        id = self._read_id(row[0])
        modified = None if self._modified_at is None else read_moment(row[self._modified_at], self.speech.zone)
        version: Native = None
        if self._version_at is not None and self._read_version is not None:
            version = self._read_version(row[self._version_at])
        return Record(
            id=str(id),
            native_id=id if isinstance(id, int) else str(id),
            content=encode_content(self._natives(row)),
            version=version,
            modified=modified,
        )

    def _natives(self, row: Row) -> dict[str, Native]:
        if not self._has_nested:
            return {path: read(row[index]) for path, index, read, _ in self._parts}
        natives: dict[str, Native] = {}
        for path, index, read, whole in self._parts:
            value = read(row[index])
            value = value if whole is None else get_path({_head(path): value}, path)
            if value is not ABSENT:
                natives[path] = value
        return natives

    # statements

    def page(self, after: Any, conditions: Sequence[Condition]) -> sql.Select[Any]:
        """The next rows by id, after one of them or from the first."""
        id = self.table.c[self.id.name]
        start = id.is_not(None) if after is None else id > _bind(after)
        return sql.select(*self.selected).where(start, *conditions).order_by(id).limit(PAGE)

    def ids(self, after: Any, conditions: Sequence[Condition]) -> sql.Select[Any]:
        """Only the ids of such a page, for when its rows cannot be read at once."""
        return self.page(after, conditions).with_only_columns(self.table.c[self.id.name])

    def by_ids(self, ids: Sequence[Any]) -> sql.Select[Any]:
        """Rows by id."""
        return sql.select(*self.selected).where(self.table.c[self.id.name].in_(_bind_many(ids)))

    def matching(self, by: Natives) -> sql.Select[Any]:
        """Rows of the datatype that have these values. Raises ValueError for values that no row can have."""
        own_key = self.key is not None and set(by) == {self.key.name}
        scope = [] if own_key else self.scope()
        return sql.select(*self.selected).where(*self.equal(by), *scope)

    def insert(self, natives: Natives, token: str) -> sql.Insert:
        """A new row. Raises ValueError."""
        values = self._values(natives)
        if self.key is not None:
            values[self.key.name] = _bind(token)
        return sql.insert(self.table).values(values)

    def update(self, id: Any, patch: Natives, conditions: Sequence[Condition]) -> sql.Update:
        """A change of one row that is still as expected. Raises ValueError."""
        values = self._values(patch)
        if self.bumps and self.version is not None:
            values[self.version.name] = sql.func.coalesce(self.table.c[self.version.name], 0) + 1
        return sql.update(self.table).where(self.table.c[self.id.name] == _bind(id), *conditions).values(values)

    def delete(self, id: Any, conditions: Sequence[Condition]) -> sql.Delete:
        """The removal of one row that is still as expected."""
        return sql.delete(self.table).where(self.table.c[self.id.name] == _bind(id), *conditions)

    def newest(self, before: Any = None) -> sql.Select[Any]:
        """The latest modification time."""
        moment = self.table.c[self.modified.name if self.modified else ""]
        found = sql.select(sql.func.max(moment)).select_from(self.table).where(*self.scope())
        return found if before is None else found.where(moment < _bind(before))

    def since(self, bound: Any) -> Condition:
        """Changed at or after a time; rows without one are always shown. Text may have a T or a space in it."""
        moment = self.table.c[self.modified.name if self.modified else ""]
        if not isinstance(bound, str):
            return sql.or_(moment >= _bind(bound), moment.is_(None))
        day, clock = bound[:10], bound[11:]
        spaced = sql.and_(moment >= _bind(f"{day} {clock}"), moment < _bind(f"{day}T"))
        return sql.or_(moment >= _bind(f"{day}T{clock}"), spaced, moment.is_(None))

    def scope(self) -> list[Condition]:
        """The datatype's own condition."""
        where = self.datatype.options.get("where")
        return [sql.text(f"({_escaped(where)})")] if where else []  # type: ignore[list-item]

    def equal(self, natives: Natives) -> list[Condition]:
        """A condition for each value, null equal to null. Raises ValueError for values that no row can have."""
        return [self._equals(path, value) for path, value in natives.items()]

    def _equals(self, path: str, value: Native) -> Any:
        if path not in self.found.columns:
            raise ValueError(f"{path} is inside a JSON column and cannot be compared")
        column = self.found.columns[path]
        element: Any = self.table.c[path]
        if value is None:
            return element.is_(None)
        if column.kind == "json":
            return self._equals_json(element, write(column, value, self.speech))
        if column.kind == "datetime" and self.speech.sqlite:
            return sql.func.replace(element, " ", "T", type_=NULLTYPE) == _bind(str(value).replace(" ", "T"))
        if column.kind == "text" and self.speech.sqlite:
            element = sql.collate(element, "BINARY")
        if self.speech.mysql and column.kind in ("text", "float"):
            return self._equals_in_mysql(element, column, write(column, value, self.speech))
        return element == _bind(write(column, value, self.speech))

    def _equals_in_mysql(self, element: Any, column: Column, value: Any) -> Any:
        """Letter by letter: collations take case, accents and blanks at the end for the same; an index is used all the
        same. A FLOAT is not equal to the number that it is shown as.
        """
        if column.kind == "float":
            shown = sql.type_coerce(sql.cast(element, sql.CHAR), NULLTYPE)
            return sql.or_(element == _bind(value), shown == _bind(str(value)))
        letters = sql.cast(sql.cast(element, mysql.CHAR(charset="utf8mb4")), sql.BINARY)
        return sql.and_(element == _bind(value), sql.type_coerce(letters, NULLTYPE) == _bind(value))

    def _equals_json(self, element: Any, text: str) -> Any:
        if self.speech.postgres:
            jsonb = sql.dialects.postgresql.JSONB
            return sql.cast(element, jsonb) == sql.cast(_bind(text), jsonb)
        return element == _bind(text)

    def _values(self, natives: Natives) -> dict[str, Any]:
        return {path: _bind(self._value(path, value)) for path, value in natives.items()}

    def _value(self, path: str, value: Native) -> Any:
        if path not in self.found.columns:
            raise ValueError(f"{path} is inside a JSON column; map the whole column to write it")
        column = self.found.columns[path]
        if column.read_only and path != self.id.name:
            raise ValueError(f"{path} is computed by the database")
        return write(column, value, self.speech)


def _bind(value: Any) -> Any:
    """A bound value without a type: the driver sends it, and the database infers what it is."""
    return sql.bindparam(None, value, type_=NULLTYPE, unique=True)


def _head(path: str) -> str:
    return path.partition(".")[0].removesuffix("[]")


def _bind_many(values: Sequence[Any]) -> Any:
    return sql.bindparam(None, list(values), type_=NULLTYPE, unique=True, expanding=True)
