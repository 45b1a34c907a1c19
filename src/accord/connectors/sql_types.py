"""From what a database driver gives to natives, and back, by the column's type.

Statements carry no SQLAlchemy types, so that drivers hand over what they have: SQLite int, float, str and bytes,
psycopg Decimal, date, UUID and parsed JSON. A float becomes the shortest Decimal that reads back as the same float.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import types as sa
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.types import TypeEngine

from accord.model import Native

Kind = Literal[
    "text",
    "integer",
    "decimal",
    "float",
    "boolean",
    "date",
    "datetime",
    "time",
    "json",
    "uuid",
    "list",
    "binary",
    "other",
]
SQLITE_INTEGERS = 2**63
SQLITE_DIGITS = 15
"""SQLite keeps a NUMERIC as a binary double when it is not a whole number: so many digits survive."""

_TYPE_NAMES = {"text": "string", "uuid": "string", "binary": None, "other": None, "list": "list(string)"}
_json_decoder = msgspec.json.Decoder(float_hook=Decimal)
_json_encoder = msgspec.json.Encoder(decimal_format="number")
_KINDS: tuple[tuple[tuple[type[Any], ...], Kind], ...] = (
    ((sa.Boolean,), "boolean"),
    ((sa.JSON,), "json"),
    ((sa.Uuid,), "uuid"),
    ((sa.ARRAY,), "list"),
    ((sa.Integer,), "integer"),
    ((sa.Float, sa.Double), "float"),
    ((sa.Numeric,), "decimal"),
    ((sa.DateTime,), "datetime"),
    ((sa.Date,), "date"),
    ((sa.Time,), "time"),
    ((sa.LargeBinary,), "binary"),
    ((sa.String,), "text"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column, as the database describes it."""

    name: str
    kind: Kind
    aware: bool = False
    """A datetime that carries its zone."""
    required: bool = False
    max_length: int | None = None
    scale: int | None = None
    values: tuple[Any, ...] | None = None
    read_only: bool = False
    sample: str | None = None
    """A datetime as SQLite holds it here: where its text has a T and a zone, what is written has them too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """What natives and driver values depend on besides the column."""

    sqlite: bool
    postgres: bool
    zone: tzinfo
    """The zone of datetimes that carry none."""
    mysql: bool = False
    """MariaDB too."""


def kind_of(column_type: TypeEngine[Any]) -> Kind:
    """The kind of a reflected type; `other` is shown as its text."""
    if isinstance(column_type, DOMAIN):
        return kind_of(column_type.data_type)
    return next((kind for types, kind in _KINDS if isinstance(column_type, types)), "other")


def decode_json(text: str | bytes) -> Any:
    """JSON whose numbers with a point become Decimal."""
    return _json_decoder.decode(text)


def type_name(column: Column) -> str | None:
    """The row type of project-file.md that fits the column."""
    if column.values is not None:
        return "enum"
    if column.kind == "decimal":
        return "decimal" if column.scale is None else f"decimal({column.scale})"
    return _TYPE_NAMES.get(column.kind, column.kind)


# reading


def reader(column: Column, speech: Speech) -> Callable[[Any], Native]:
    """The function that turns what the driver gives for this column into a native. It raises ValueError."""
    if column.kind == "json":
        return _read_json
    if speech.sqlite:
        return {"boolean": _read_flag, "datetime": _read_time_text}.get(column.kind, _read)
    return _read_clock if speech.mysql and column.kind == "time" else _read


def _read(value: Any) -> Native:
    kind = type(value)
    if kind is str or kind is int or value is None or kind is bool:
        return value  # type: ignore[no-any-return]
    if kind is Decimal:
        return _finite(value)
    if kind is float:
        return _finite(Decimal(repr(value)))
    return _read_rare(value)


def _read_rare(value: Any) -> Native:
    if isinstance(value, datetime):
        return (value if value.tzinfo is None else value.astimezone(UTC)).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        raise ValueError("binary content cannot be synchronised")
    if isinstance(value, list | tuple):
        return [_read(item) for item in value]
    if isinstance(value, dict):
        return value
    if isinstance(value, timedelta):
        return str(msgspec.to_builtins(value))
    return str(value)


def _finite(value: Decimal) -> Decimal:
    if not value.is_finite():
        raise ValueError(f"{value} is not a number")
    return value


def _read_flag(value: Any) -> Native:
    return bool(value) if value in (0, 1) and isinstance(value, int) else _read(value)


def _read_time_text(value: Any) -> Native:
    """`2026-01-31 10:00:00` is shown with a T; other text as it stands."""
    if isinstance(value, str) and value[10:11] == " ":
        return value[:10] + "T" + value[11:]
    return _read(value)


def _read_clock(value: Any) -> Native:
    """MariaDB's TIME is a span of up to 838 hours; one within a day is a time of day."""
    if isinstance(value, timedelta) and timedelta() <= value < timedelta(days=1):
        return (datetime.min + value).time().isoformat()
    return _read(value)


def _read_json(value: Any) -> Native:
    read: Native = decode_json(value) if isinstance(value, str | bytes) else _read(value)
    return read


def read_moment(value: Any, zone: tzinfo) -> datetime | None:
    """A modification time with zone, from whatever the column holds; None when it is no time."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    elif isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return datetime.fromtimestamp(float(value) / 1000 if value > 1e11 else float(value), UTC)
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo is not None else value.replace(tzinfo=zone)


def resembling(value: Any, moment: datetime, zone: tzinfo) -> Any:
    """A moment in the form of a modification time that the column holds, to compare with, cut to the second."""
    moment = moment.replace(microsecond=0)
    if isinstance(value, str):
        known = datetime.fromisoformat(value)
        return moment.astimezone(known.tzinfo or zone).replace(tzinfo=None).isoformat(value[10:11] or " ")
    if isinstance(value, int | float | Decimal):
        return int(moment.timestamp()) * (1000 if value > 1e11 else 1)
    if not isinstance(value, datetime):
        return moment.astimezone(zone).date()
    return moment if value.tzinfo is not None else moment.astimezone(zone).replace(tzinfo=None)


# writing


def write(column: Column, value: Native, speech: Speech) -> Any:
    """What the driver is given for a native. Raises ValueError when the column cannot hold it."""
    if value is None:
        return None
    return _WRITERS.get(column.kind, _write_as_is)(column, value, speech)


def _write_text(column: Column, value: Native, speech: Speech) -> Any:
    if isinstance(value, bool | list | dict):
        raise ValueError(f"{column.name} holds text, not {value!r}")
    return str(value)


def _write_integer(column: Column, value: Native, speech: Speech) -> Any:
    number = _number(column, value)
    if number != number.to_integral_value():
        raise ValueError(f"{column.name} holds whole numbers, not {value}")
    if speech.sqlite and not -SQLITE_INTEGERS <= number < SQLITE_INTEGERS:
        raise ValueError(f"{column.name} cannot hold {value}")
    return int(number)


def _write_decimal(column: Column, value: Native, speech: Speech) -> Any:
    number = _number(column, value)
    if not speech.sqlite:
        return number
    if len(number.normalize().as_tuple().digits) > SQLITE_DIGITS:
        raise ValueError(f"{column.name}: SQLite keeps {SQLITE_DIGITS} digits of {value}")
    return str(number)


def _write_float(column: Column, value: Native, speech: Speech) -> Any:
    number = float(_number(column, value))
    if not isfinite(number):
        raise ValueError(f"{column.name} cannot hold {value}")
    return str(value) if speech.postgres else number


def _number(column: Column, value: Native) -> Decimal:
    if isinstance(value, bool | list | dict):
        raise ValueError(f"{column.name} holds numbers, not {value!r}")
    try:
        return _finite(Decimal(str(value)))
    except InvalidOperation:
        raise ValueError(f"{column.name} holds numbers, not {value!r}") from None


def _write_boolean(column: Column, value: Native, speech: Speech) -> Any:
    if value not in (0, 1) or isinstance(value, str):
        raise ValueError(f"{column.name} holds true or false, not {value!r}")
    return int(bool(value)) if speech.sqlite else bool(value)


def _write_datetime(column: Column, value: Native, speech: Speech) -> Any:
    moment = datetime.fromisoformat(str(value))
    aware = _has_zone(column.sample) if speech.sqlite else column.aware
    if aware and moment.tzinfo is None:
        moment = moment.replace(tzinfo=speech.zone)
    if not aware and moment.tzinfo is not None:
        moment = moment.astimezone(speech.zone).replace(tzinfo=None)
    return _like(column.sample, moment) if speech.sqlite else moment


def _has_zone(sample: str | None) -> bool:
    moment = None if sample is None else read_moment(sample, UTC)
    return moment is not None and datetime.fromisoformat(str(sample)).tzinfo is not None


def _like(sample: str | None, moment: datetime) -> str:
    """The text of a datetime, written as a sample of its column is."""
    separator = sample[10] if sample is not None and len(sample) > 10 else " "
    if sample is not None and sample.endswith("Z"):
        return moment.astimezone(UTC).replace(tzinfo=None).isoformat(separator) + "Z"
    return moment.isoformat(separator)


def _write_date(column: Column, value: Native, speech: Speech) -> Any:
    day = date.fromisoformat(str(value))
    return day.isoformat() if speech.sqlite else day


def _write_time(column: Column, value: Native, speech: Speech) -> Any:
    moment = time.fromisoformat(str(value))
    return str(value) if speech.sqlite else moment


def _write_json(column: Column, value: Native, speech: Speech) -> Any:
    return _json_encoder.encode(value).decode()


def _write_uuid(column: Column, value: Native, speech: Speech) -> Any:
    return str(value) if speech.sqlite else str(UUID(str(value)))


def _write_binary(column: Column, value: Native, speech: Speech) -> Any:
    raise ValueError(f"{column.name} holds binary content, which is never written")


def _write_as_is(column: Column, value: Native, speech: Speech) -> Any:
    if isinstance(value, dict) or (isinstance(value, list) and column.kind != "list"):
        return _json_encoder.encode(value).decode()
    return value


_WRITERS: dict[str, Callable[[Column, Native, Speech], Any]] = {
    "text": _write_text,
    "integer": _write_integer,
    "decimal": _write_decimal,
    "float": _write_float,
    "boolean": _write_boolean,
    "datetime": _write_datetime,
    "date": _write_date,
    "time": _write_time,
    "json": _write_json,
    "uuid": _write_uuid,
    "binary": _write_binary,
}
