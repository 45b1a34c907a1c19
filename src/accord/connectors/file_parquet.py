"""Parquet: typed columns, read and copied batch by batch. Needs the extra `parquet`.

A changed copy has the same schema, and cells that nobody changed are carried over as they are stored. Nothing is
rounded to fit: a value that its column cannot hold exactly is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, tzinfo
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

from accord.connectors.file_formats import Changes, Line, WrongShape
from accord.errors import MendFile
from accord.model import Native, Natives

BATCH = 8192


class Parquet:
    """A table of typed columns. `zone` is that of times without one."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone

    def columns(self, path: Path) -> tuple[str, ...] | None:
        """See `Format`."""
        with _opened(path) as file:
            return tuple(file.schema_arrow.names)

    def types(self, path: Path) -> Mapping[str, str]:
        """See `Format`. Columns of bytes have no type of ours."""
        with _opened(path) as file:
            return {field.name: name for field in file.schema_arrow if (name := _type_name(field.type)) is not None}

    def lines(self, path: Path) -> Iterator[Line]:
        """See `Format`."""
        with _opened(path) as file:
            for batch in file.iter_batches(BATCH):
                columns = {name: _natives(batch.column(name)) for name in batch.schema.names}
                for at in range(batch.num_rows):
                    yield Line({name: values[at] for name, values in columns.items()})

    def copy(self, source: Path, target: Path, changes: Changes) -> None:
        """See `Format`."""
        arrow, parquet = _arrow()
        with _opened(source) as file:
            schema = file.schema_arrow
            compression = _compression(file)
            with parquet.ParquetWriter(target, schema, compression=compression) as writer:
                for batch in file.iter_batches(BATCH):
                    writer.write_table(self._changed(arrow.Table.from_batches([batch]), changes))
                if changes.added:
                    writer.write_table(self._rows(schema, changes.added))

    def _changed(self, table: Any, changes: Changes) -> Any:
        """A batch with its rows patched or left out."""
        arrow, _ = _arrow()
        ids = [str(id) for id in _natives(table.column(changes.id))]
        if not any(id in changes.patches or id in changes.removed for id in ids):
            return table
        parts, start = [], 0
        for at, id in enumerate(ids):
            if id not in changes.patches and id not in changes.removed:
                continue
            parts.append(table.slice(start, at - start))
            if id in changes.patches:
                parts.append(self._patched(table.slice(at, 1), changes.patches[id]))
            start = at + 1
        parts.append(table.slice(start))
        return arrow.concat_tables(parts).combine_chunks()

    def _patched(self, row: Any, natives: Natives) -> Any:
        _known(row.schema, natives)
        for name, value in natives.items():
            field = row.schema.field(name)
            row = row.set_column(row.schema.get_field_index(name), field, self._column(field, [value]))
        return row

    def _rows(self, schema: Any, added: tuple[Natives, ...]) -> Any:
        arrow, _ = _arrow()
        for natives in added:
            _known(schema, natives)
        columns = [self._column(field, [natives.get(field.name) for natives in added]) for field in schema]
        return arrow.Table.from_arrays(columns, schema=schema)

    def _column(self, field: Any, values: list[Native]) -> Any:
        """A column of natives. Raises ValueError with the name of the column."""
        arrow, _ = _arrow()
        if not field.nullable and any(value is None for value in values):
            raise ValueError(f"{field.name} cannot be null")
        try:
            return arrow.array([self._stored(field.type, value) for value in values], type=field.type)
        except (ValueError, TypeError, OverflowError, arrow.ArrowException) as error:
            raise ValueError(f"{field.name}: {error}") from error

    def _stored(self, kind: Any, value: Native) -> Any:
        """What Arrow makes a cell of. Raises ValueError for what would not be read again as it is."""
        types = _arrow()[0].types
        if value is None:
            return None
        if types.is_integer(kind) and isinstance(value, Decimal):
            if value != int(value):
                raise ValueError(f"{value} is no whole number")
            return int(value)
        if types.is_floating(kind) and isinstance(value, int | Decimal) and not isinstance(value, bool):
            if Decimal(repr(float(value))) != value:
                raise ValueError(f"a binary number does not hold {value} exactly")
            return float(value)
        if types.is_decimal(kind) and isinstance(value, int) and not isinstance(value, bool):
            return Decimal(value)
        if isinstance(value, str):
            return self._from_text(kind, value)
        if types.is_string(kind) or types.is_large_string(kind):
            raise ValueError(f"{value!r} is no text")
        return value

    def _from_text(self, kind: Any, value: str) -> Any:
        types = _arrow()[0].types
        if types.is_timestamp(kind):
            moment = datetime.fromisoformat(value)
            moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=self._zone)
            return moment if kind.tz is not None else moment.astimezone(self._zone).replace(tzinfo=None)
        if types.is_date(kind):
            return date.fromisoformat(value)
        if types.is_time(kind):
            return time.fromisoformat(value)
        if types.is_integer(kind):
            return int(value)
        return Decimal(value) if types.is_decimal(kind) else value


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise MendFile("Parquet files need the extra `parquet`", hint="pip install 'accord[parquet]'") from error
    module: ModuleType = pyarrow
    return module, pyarrow.parquet


def _opened(path: Path) -> Any:
    arrow, parquet = _arrow()
    try:
        return parquet.ParquetFile(path)
    except arrow.ArrowInvalid as error:
        raise WrongShape(f"is no Parquet file: {error}") from error


def _compression(file: Any) -> str:
    """That of the first column; what cannot be written again becomes Snappy."""
    if file.num_row_groups == 0 or file.metadata.num_columns == 0:
        return "snappy"
    name = str(file.metadata.row_group(0).column(0).compression).lower()
    return {"uncompressed": "none"}.get(name, name if name in ("gzip", "brotli", "zstd", "lz4") else "snappy")


def _known(schema: Any, natives: Natives) -> None:
    unknown = set(natives) - set(schema.names)
    if unknown:
        raise ValueError(f"there is no column {', '.join(sorted(unknown))}")


def _natives(column: Any) -> list[Native]:
    """The cells of a column. Times are read as text by Arrow itself, which keeps nanoseconds."""
    arrow, _ = _arrow()
    if arrow.types.is_timestamp(column.type):
        texts = column.cast(arrow.string()).to_pylist()
        return [text if text is None else text.replace(" ", "T") for text in texts]
    return [_native(value) for value in column.to_pylist()]


def _native(value: Any) -> Native:
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, list):
        return [_native(item) for item in value]
    if isinstance(value, dict):
        return {key: _native(item) for key, item in value.items()}
    if value is None or isinstance(value, str | int | Decimal):
        return value
    return str(value)


def _type_name(kind: Any) -> str | None:
    types = _arrow()[0].types
    if types.is_decimal(kind):
        return f"decimal({kind.scale})"
    known = (
        (types.is_boolean, "boolean"),
        (types.is_integer, "integer"),
        (types.is_floating, "float"),
        (types.is_string, "string"),
        (types.is_large_string, "string"),
        (types.is_timestamp, "datetime"),
        (types.is_date, "date"),
        (types.is_time, "time"),
    )
    return next((name for test, name in known if test(kind)), None)
