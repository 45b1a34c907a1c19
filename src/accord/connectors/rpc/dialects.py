"""How systems write what JSON has no value for: Tryton's objects with a `__class__`, Odoo's `false` for nothing.

Reading gives natives as everywhere in Accord: ISO 8601, decimals with their digits, null. Writing goes by the type
that the project file, or the preset, gives a property. Nothing passes through a binary float. What cannot be read stays
as it is, so that its record is held and not guessed at.

Facts: `trytond/protocols/jsonrpc.py` of Tryton 8.2; the external API pages and field types of Odoo's documentation.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Protocol
from xmlrpc.client import DateTime
from zoneinfo import ZoneInfo

from accord.config.kinds import TypeRefused, parse_type
from accord.config.meaning import Datatype
from accord.connectors.paths import get_path, set_path
from accord.errors import ValueRefused
from accord.values.moments import duration_seconds, iso_duration, parse_duration

LARGEST_EXPONENT = 100


class NotWritten(Exception):
    """A value is not of the type that its property has."""


class Dialect(Protocol):
    """One way to write values."""

    def read(self, result: Any, datatype: Datatype, place: str | None) -> Any:
        """A result with plain natives; `place` is where its record or records are."""

    def write(self, record: dict[str, Any], datatype: Datatype, zone: ZoneInfo) -> dict[str, Any]:
        """The nested properties of a record as the system takes them. Raises NotWritten."""

    def value(self, value: Any, path: str, datatype: Datatype) -> Any:
        """A single value to search by. Raises NotWritten."""

    def since(self, text: str) -> Any:
        """The time that changes are asked for."""


def types_of(datatype: Datatype) -> dict[str, str]:
    """Path → name of the type that the file gives; a property that is written elsewhere by that name, too."""
    found = {}
    for path, one in datatype.properties.items():
        if one.type is None:
            continue
        try:
            name = parse_type(one.type).name
        except TypeRefused:
            continue
        found[path] = name
        if one.write_as:
            found[one.write_as] = name
    return found


class Tryton:
    """Objects with a `__class__`; the properties of a reference stand under its name and a dot."""

    def read(self, result: Any, datatype: Datatype, place: str | None) -> Any:
        """See `Dialect`."""
        return _classless(result)

    def write(self, record: dict[str, Any], datatype: Datatype, zone: ZoneInfo) -> dict[str, Any]:
        """See `Dialect`. A Decimal of no declared type is one of Tryton, too: never a float."""
        types = types_of(datatype)
        for path, name in types.items():
            value = get_path(record, path)
            if name in _CLASSED and value is not None and isinstance(value, str | int | Decimal):
                set_path(record, path, _classed(name, value, path, zone))
        floats = {path for path, name in types.items() if name in ("float", "integer")}
        return {name: value if name in floats else _exact(value) for name, value in record.items()}

    def value(self, value: Any, path: str, datatype: Datatype) -> Any:
        """See `Dialect`."""
        name = types_of(datatype).get(path)
        return _classed(name, value, path, ZoneInfo("UTC")) if name in _CLASSED else _exact(value)

    def since(self, text: str) -> Any:
        """See `Dialect`."""
        return _classed("datetime", text, "since", ZoneInfo("UTC"))


def _classless(value: Any) -> Any:
    if isinstance(value, list):
        return [_classless(item) for item in value]
    if not isinstance(value, dict):
        return value
    if isinstance(kind := value.get("__class__"), str) and kind in _READ:
        try:
            return _READ[kind](value)
        except (KeyError, TypeError, ValueError, ArithmeticError, OverflowError, ValueRefused):
            return value
    plain = {name: _classless(item) for name, item in value.items() if not name.endswith(".")}
    for name, item in value.items():
        if name.endswith(".") and not isinstance(plain.get(name[:-1]), dict):
            plain[name[:-1]] = _classless(item)
    return plain


def _number(text: Any) -> Decimal:
    number = Decimal(text)
    if not number.is_finite() or abs(number.adjusted()) > LARGEST_EXPONENT:
        raise ValueError
    return number


def _ints(value: Mapping[str, Any], *names: str) -> list[int]:
    found = [value[name] for name in names]
    if not all(isinstance(one, int) and not isinstance(one, bool) for one in found):
        raise TypeError
    return found


_DAY, _HOUR = ("year", "month", "day"), ("hour", "minute", "second", "microsecond")
_READ: dict[str, Callable[[dict[str, Any]], Any]] = {
    "date": lambda value: _moment({**dict.fromkeys(_HOUR, 0), **value}).date().isoformat(),
    "datetime": lambda value: f"{_moment(value).isoformat()}Z",
    "time": lambda value: _moment({**value, "year": 2000, "month": 1, "day": 1}).time().isoformat(),
    "timedelta": lambda value: iso_duration(_delta(value["seconds"])),
    "Decimal": lambda value: _number(value["decimal"]),
    "bytes": lambda value: "".join(_base64(value["base64"]).split()),
}


def _moment(value: Mapping[str, Any]) -> datetime:
    year, month, day, hour, minute, second, microsecond = _ints(value, *_DAY, *_HOUR)
    return datetime(year, month, day, hour, minute, second, microsecond)


def _delta(seconds: Any) -> timedelta:
    """A JSON number of seconds, by its digits: Tryton writes the shortest that means these microseconds."""
    return timedelta(microseconds=int((_number(seconds) * 1_000_000).to_integral_value()))


def _base64(text: str) -> str:
    b64decode(text)
    return text


def _date(value: str | int | Decimal, zone: ZoneInfo) -> dict[str, Any]:
    day = date.fromisoformat(str(value))
    return {"year": day.year, "month": day.month, "day": day.day}


def _datetime(value: str | int | Decimal, zone: ZoneInfo) -> dict[str, Any]:
    when = datetime.fromisoformat(str(value))
    when = (when if when.tzinfo else when.replace(tzinfo=zone)).astimezone(UTC)
    return {**_date(when.date().isoformat(), zone), **_clock(when.time())}


def _clock(moment: time) -> dict[str, Any]:
    return {name: getattr(moment, name) for name in _HOUR}


_CLASSED: dict[str, tuple[str, Callable[[Any, ZoneInfo], dict[str, Any]]]] = {
    "date": ("date", _date),
    "datetime": ("datetime", _datetime),
    "time": ("time", lambda value, zone: _clock(time.fromisoformat(str(value)))),
    "duration": ("timedelta", lambda value, zone: {"seconds": duration_seconds(parse_duration(value))}),
    "decimal": ("Decimal", lambda value, zone: {"decimal": str(_number(value))}),
}


def _classed(name: str, value: Any, path: str, zone: ZoneInfo) -> dict[str, Any]:
    kind, write = _CLASSED[name]
    try:
        return {"__class__": kind, **write(value, zone)}
    except (ValueError, TypeError, ArithmeticError, OverflowError, ValueRefused):
        raise NotWritten(f"{path}: not a {name} that can be written") from None


def _exact(value: Any) -> Any:
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, list):
        return [_exact(item) for item in value]
    if isinstance(value, dict) and "__class__" not in value:
        return {name: _exact(item) for name, item in value.items()}
    return value


class Odoo:
    """`false` is nothing, except in a boolean; a reference is `[id, name]`; times are UTC without a zone."""

    def read(self, result: Any, datatype: Datatype, place: str | None) -> Any:
        """See `Dialect`. Of a result that is no record nothing is changed."""
        types = types_of(datatype)
        steps = place.split(".") if place else []
        return _inside(result, steps, lambda record: self._record(record, types))

    def _record(self, record: Any, types: Mapping[str, str]) -> Any:
        if not isinstance(record, dict):
            return record
        return {name: _filled(value, types.get(name)) for name, value in record.items()}

    def write(self, record: dict[str, Any], datatype: Datatype, zone: ZoneInfo) -> dict[str, Any]:
        """See `Dialect`."""
        types = types_of(datatype)
        return {name: self._written(value, types.get(name), name, zone) for name, value in record.items()}

    def value(self, value: Any, path: str, datatype: Datatype) -> Any:
        """See `Dialect`."""
        return self._written(value, types_of(datatype).get(path), path, ZoneInfo("UTC"))

    def since(self, text: str) -> Any:
        """See `Dialect`. The file's `format` has written it already."""
        return text

    def _written(self, value: Any, kind: str | None, path: str, zone: ZoneInfo) -> Any:
        if value is None:
            return False
        if kind == "datetime" and isinstance(value, str):
            try:
                when = datetime.fromisoformat(value)
            except ValueError:
                raise NotWritten(f"{path}: not a time that can be written") from None
            when = when if when.tzinfo else when.replace(tzinfo=zone)
            return when.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "seconds")
        return value


def _filled(value: Any, kind: str | None) -> Any:
    if value is False and kind != "boolean":
        return None
    pair = isinstance(value, list) and len(value) == 2 and isinstance(value[0], int) and isinstance(value[1], str)
    return {"id": value[0], "name": value[1]} if pair and kind not in ("list", "set") else value


def _inside(value: Any, steps: list[str], change: Callable[[Any], Any]) -> Any:
    """The value with the records at the end of some steps changed."""
    if not steps:
        return [change(item) for item in value] if isinstance(value, list) else change(value)
    if isinstance(value, dict) and steps[0] in value:
        return {**value, steps[0]: _inside(value[steps[0]], steps[1:], change)}
    return value


class XmlTimes:
    """XML-RPC has a type for times, without a zone and in whole seconds: the system's own."""

    def read(self, result: Any, datatype: Datatype, place: str | None) -> Any:
        """See `Dialect`."""
        return result

    def write(self, record: dict[str, Any], datatype: Datatype, zone: ZoneInfo) -> dict[str, Any]:
        """See `Dialect`."""
        for path, name in types_of(datatype).items():
            value = get_path(record, path)
            if name == "datetime" and isinstance(value, str):
                set_path(record, path, _xml_time(value, path, zone))
        return record

    def value(self, value: Any, path: str, datatype: Datatype) -> Any:
        """See `Dialect`."""
        return value

    def since(self, text: str) -> Any:
        """See `Dialect`."""
        return text


def _xml_time(value: str, path: str, zone: ZoneInfo) -> DateTime:
    try:
        when = datetime.fromisoformat(value)
    except ValueError:
        raise NotWritten(f"{path}: not a time that can be written") from None
    return DateTime(f"{when.astimezone(zone) if when.tzinfo else when:%Y%m%dT%H:%M:%S}")


DIALECTS: dict[str, Dialect] = {"tryton": Tryton(), "odoo": Odoo()}
