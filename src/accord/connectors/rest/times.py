"""The time as systems write it: read from records, written into `changed_since`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo

MILLISECONDS_FROM = 100_000_000_000
"""As seconds this is the year 5138, as milliseconds 1973."""
WORDS = ("iso8601", "unix", "unix_ms")


def read_time(value: Any, zone: ZoneInfo, pattern: str | None = None) -> datetime | None:
    """An aware time from ISO 8601, a strftime pattern, an HTTP date, or seconds or milliseconds since 1970; else None.

    A time without offset is in `zone`.
    """
    try:
        if isinstance(value, str):
            when = _from_text(value.strip(), pattern)
        elif isinstance(value, int | Decimal) and not isinstance(value, bool):
            return _from_number(float(value))
        else:
            return None
    except (ValueError, OverflowError, OSError, TypeError, ArithmeticError):
        return None
    return when if when.tzinfo is not None else when.replace(tzinfo=zone)


def _from_text(text: str, pattern: str | None) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        if text.lstrip("-").replace(".", "", 1).isdecimal():
            return _from_number(float(text))
        if pattern and pattern not in WORDS:
            return datetime.strptime(text, pattern)
        return parsedate_to_datetime(text)


def _from_number(number: float) -> datetime:
    return datetime.fromtimestamp(number / 1000 if abs(number) >= MILLISECONDS_FROM else number, UTC)


def write_time(when: datetime, form: str, zone: ZoneInfo) -> str:
    """A time as a system wants it asked: ISO 8601 with Z, unix, unix_ms, or a strftime pattern in the system's zone."""
    if form == "unix":
        return str(int(when.timestamp() // 1))
    if form == "unix_ms":
        return str(int(when.timestamp() * 1000 // 1))
    if form == "iso8601":
        utc = when.astimezone(UTC).replace(tzinfo=None)
        return utc.isoformat(timespec="milliseconds" if utc.microsecond else "seconds") + "Z"
    return when.astimezone(UTC if form.endswith("Z") else zone).strftime(form)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds of a `Retry-After` header: seconds, or an HTTP date, which counts from the `Date` header."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        when = http_date(text)
    now = http_date(headers.get("Date", "")) or datetime.now(UTC)
    return None if when is None else max(0.0, (when - now).total_seconds())


def http_date(text: str) -> datetime | None:
    """An HTTP date as an aware time, or None."""
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
