"""Dates and times: parsing ISO 8601 as systems write it, and writing it as they do.

A text without an offset is local time of the system's declared zone. When clocks go back, the first of the two
moments is meant (fold 0); a time that clocks skip is shifted forward by as much as they skip. Neither is an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from accord.model import Native
from accord.values.numbers import plain_text, to_decimal
from accord.values.texts import refused

_WIRE = re.compile(
    r"\s*(?P<date>\d{4}-?\d\d-?\d\d)"
    r"(?:(?P<sep>[Tt ])\d\d:?\d\d(?P<seconds>:?\d\d(?:[.,](?P<fraction>\d+))?)?"
    r"\s?(?P<offset>[Zz]|[+-]\d\d(?::?\d\d)?)?)?\s*"
)
_CLOCK = re.compile(r"(?P<sign>-?)(?P<hours>\d{1,9}):(?P<minutes>[0-5]\d)(?::(?P<seconds>[0-5]\d(?:\.\d{1,6})?))?")
_ISO_DURATION = re.compile(
    r"(?P<sign>-?)P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d{1,6})?)S)?)?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a system writes a moment, learned from a sample."""

    basic: bool = False
    """20240131 instead of 2024-01-31."""
    separator: str | None = "T"
    """None: a date without time."""
    seconds: bool = True
    fraction: int | None = None
    """Digits after the seconds; None: those that are needed."""
    offset: str = "zone"
    """What a sample ends with: `Z`, `+02:00`, `+0200`, `+02`, nothing; `zone`: no sample."""


ISO = Form()
DATE_ONLY = Form(separator=None)


@lru_cache(maxsize=64)
def zone_of(name: str) -> tzinfo:
    """A zone by its IANA name; UTC without a lookup."""
    return UTC if name == "UTC" else ZoneInfo(name)


def form_of(sample: Native) -> Form | None:
    """The form of a sample; None when it is no moment."""
    match = _WIRE.fullmatch(sample) if isinstance(sample, str) else None
    if match is None:
        return None
    return Form(
        basic="-" not in match["date"],
        separator=match["sep"],
        seconds=match["seconds"] is not None,
        fraction=len(match["fraction"] or ""),
        offset=match["offset"] or "",
    )


def parse_datetime(native: Native, zone: tzinfo) -> datetime:
    """An instant in UTC of ISO text; a date alone is midnight of the zone. Raises ValueRefused."""
    moment = _parsed(native)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise refused(native, "a date and time between the years 1 and 9999") from None


def parse_date(native: Native, zone: tzinfo) -> date:
    """A date of ISO text; of a date and time with offset, the date that it is in the zone. Raises ValueRefused."""
    if isinstance(native, str) and len(native) == 10:
        try:
            return date.fromisoformat(native)
        except ValueError:
            raise refused(native, "a date such as 2026-11-30") from None
    moment = _parsed(native)
    if moment.tzinfo is None:
        return moment.date()
    return parse_datetime(native, zone).astimezone(zone).date()


def _parsed(native: Native) -> datetime:
    if not isinstance(native, str):
        raise refused(native, "a date and time (the lens `date-format: unix` reads numbers)")
    try:
        return datetime.fromisoformat(native)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(re.sub(r"\s+(?=[+-Zz][\d:]*$)", "", native.strip().upper()))
    except ValueError:
        raise refused(native, "a date and time such as 2026-11-30T12:00:00Z") from None


def format_datetime(moment: datetime, form: Form, zone: tzinfo) -> str:
    """An instant in a system's form; digits that the form has no place for are cut off.

    Without a sample a system with a zone of its own gets local time with offset: right whether it reads the
    offset or drops it.
    """
    local = moment.astimezone(_written_zone(form.offset, zone))
    if form.separator is None:
        return _dated(local.date(), form)
    text = f"{_dated(local.date(), form)}{form.separator}{format_time(local.time(), form)}"
    return text + _suffix(local, form.offset)


def format_date(day: date, form: Form, zone: tzinfo) -> str:
    """A date; where the system keeps date and time, midnight of its zone."""
    if form.separator is None:
        return _dated(day, form)
    return format_datetime(datetime(day.year, day.month, day.day, tzinfo=zone), form, zone)


def format_time(clock: time, form: Form) -> str:
    """A time of day with the seconds and fraction that the form has."""
    fraction = f"{clock.microsecond:06d}"
    digits = fraction.rstrip("0") if form.fraction is None else fraction.ljust(form.fraction, "0")[: form.fraction]
    if form.fraction is None and digits:
        digits = digits.ljust(3 if len(digits) <= 3 else 6, "0")
    text = f"{clock.hour:02d}:{clock.minute:02d}"
    if form.seconds:
        text += f":{clock.second:02d}" + (f".{digits}" if digits else "")
    return text.replace(":", "") if form.basic else text


def _dated(day: date, form: Form) -> str:
    text = day.isoformat()
    return text.replace("-", "") if form.basic else text


def _written_zone(offset: str, zone: tzinfo) -> tzinfo:
    if offset in ("Z", "z") or (offset and offset.strip("+-0:") == "" and offset != "zone"):
        return UTC
    if offset in ("", "zone") or zone is not UTC:
        return zone
    sign = -1 if offset[0] == "-" else 1
    digits = offset[1:].replace(":", "").ljust(4, "0")
    return timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))


def _suffix(local: datetime, offset: str) -> str:
    if offset in ("", "Z", "z"):
        return offset
    if offset == "zone" and local.tzinfo is UTC:
        return "Z"
    text = local.strftime("%z")[:5]
    if len(offset) == 3 and text.endswith("00"):
        return text[:3]
    return text if len(offset) == 5 else f"{text[:3]}:{text[3:]}"


def parse_time(native: Native) -> time:
    """A time of day of `12:30`, `12:30:15`, `12:30:15.5`; of a date and time, its time. Raises ValueRefused."""
    if isinstance(native, str):
        try:
            return time.fromisoformat(native.strip()).replace(tzinfo=None)
        except ValueError:
            pass
        if form_of(native) is not None:
            return _parsed(native).time()
    raise refused(native, "a time of day such as 12:30:00")


def time_form(sample: Native) -> Form:
    """The form of a sample time of day."""
    match = _CLOCK.fullmatch(sample.strip()) if isinstance(sample, str) else None
    if match is None:
        return ISO
    seconds = match["seconds"]
    return Form(seconds=seconds is not None, fraction=len((seconds or "").partition(".")[2]))


def parse_duration(native: Native) -> timedelta:
    """A duration of seconds (a number), `1:30`, `1:30:00` or ISO 8601 `PT1H30M`. Raises ValueRefused."""
    if not isinstance(native, str):
        return _seconds(to_decimal(native), native)
    text = native.strip().upper()
    match = _CLOCK.fullmatch(text) or _ISO_DURATION.fullmatch(text)
    if match is None or not any(value for name, value in match.groupdict().items() if name != "sign"):
        return _numeric_duration(native)
    parts = {name: Decimal(value) for name, value in match.groupdict().items() if value and name != "sign"}
    units = {"weeks": 604800, "days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}
    total = sum((number * units[name] for name, number in parts.items()), Decimal(0))
    return _seconds(-total if match["sign"] else total, native)


def _numeric_duration(native: str) -> timedelta:
    try:
        return _seconds(Decimal(native.strip()), native)
    except ArithmeticError:
        raise refused(native, "a duration such as 1:30, PT1H30M or a number of seconds") from None


def _seconds(number: Decimal, native: Native) -> timedelta:
    try:
        return timedelta(microseconds=int(number * 1_000_000))
    except (OverflowError, ValueError, ArithmeticError):
        raise refused(native, "a duration") from None


def duration_seconds(value: timedelta) -> Decimal:
    """The seconds of a duration, exactly."""
    number = Decimal((value.days * 86400 + value.seconds) * 1_000_000 + value.microseconds) / 1_000_000
    return number.to_integral_value() if not value.microseconds else number.normalize()


def iso_duration(value: timedelta) -> str:
    """ISO 8601 in hours, minutes and seconds: `PT1H30M`, `-PT5S`, `PT0S`."""
    sign, value = ("-", -value) if value < timedelta(0) else ("", value)
    minutes, seconds = divmod(duration_seconds(value), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{plain_text(number)}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if number]
    return f"{sign}PT{''.join(parts) or '0S'}"


def format_duration(value: timedelta, like: Native, kind: str | None) -> Native:
    """A duration as the property's type or the sample says: seconds, `H:MM[:SS]`, ISO 8601."""
    if kind in ("integer", "decimal", "float") or (kind is None and isinstance(like, int | Decimal)):
        return duration_seconds(value)
    match = _CLOCK.fullmatch(like.strip()) if isinstance(like, str) else None
    return iso_duration(value) if match is None else _clock_text(value, match)


def _clock_text(value: timedelta, sample: re.Match[str]) -> str:
    sign, value = ("-", -value) if value < timedelta(0) else ("", value)
    minutes, seconds = divmod(duration_seconds(value), 60)
    text = f"{sign}{str(int(minutes) // 60).rjust(len(sample['hours']), '0')}:{int(minutes) % 60:02d}"
    if sample["seconds"] is None and not seconds:
        return text
    whole, _, fraction = plain_text(seconds).partition(".")
    return f"{text}:{whole.rjust(2, '0')}" + (f".{fraction}" if fraction else "")
