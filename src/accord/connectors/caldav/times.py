"""Dates and times of calendar objects: with a zone by name, with a zone that the object describes itself, in UTC,
floating, or a date alone (RFC 5545, sections 3.3.4, 3.3.5 and 3.8.2.3).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

from icalendar import Timezone, vDDDTypes, vDuration
from icalendar.timezone import tzp


class Unreadable(ValueError):
    """A calendar object, or one of its properties, that is not what RFC 5545 says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A date, or a date and time as it was written."""

    value: date
    """A `datetime` too; one that is floating has no zone."""
    tzid: str | None = None

    @property
    def is_date(self) -> bool:
        """Whether there is no time of day."""
        return not isinstance(self.value, datetime)

    @property
    def text(self) -> str:
        """ISO 8601: `2026-11-30`, `2026-11-30T10:00:00` (floating), `…Z`, `…+01:00`."""
        text = self.value.isoformat()
        return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") and self.tzid is None else text


class Zones:
    """The zones that the times of one calendar object may name."""

    def __init__(self, described: Mapping[str, str]) -> None:
        """`described` is TZID → text of the VTIMEZONE in the object."""
        self._described = described

    def named(self, tzid: str) -> tzinfo:
        """By the zone database, else as the object describes it. Raises Unreadable."""
        found = _known(tzid)
        if found is None and tzid in self._described:
            found = _read(self._described[tzid])
        if found is None:
            raise Unreadable(f"the time zone {tzid[:80]!r} is not known")
        return found

    def read(self, text: str, tzid: str | None) -> Moment:
        """A value of DUE, DTSTART, COMPLETED, … Raises Unreadable."""
        zone = self.named(tzid) if tzid else None
        try:
            value = vDDDTypes.from_ical(text.strip())
        except ValueError:
            value = None
        if not isinstance(value, date):
            raise Unreadable(f"{text[:40]!r} is neither a date nor a date and time")
        if zone is not None and isinstance(value, datetime) and value.tzinfo is None:
            return Moment(value=value.replace(tzinfo=zone), tzid=tzid)
        return Moment(value=value)

    def like(self, text: str, old: Moment | None, zone: tzinfo) -> Moment:
        """ISO text as a moment in the zone of the value before it, else in UTC. Raises ValueError."""
        if len(text) == 10:
            return Moment(value=date.fromisoformat(text))
        moment = datetime.fromisoformat(text).replace(microsecond=0)
        if moment.tzinfo is None:
            if old is None or old.is_date:
                return Moment(value=moment)
            moment = moment.replace(tzinfo=zone)
        if old is not None and isinstance(old.value, datetime):
            if old.value.tzinfo is None:
                return Moment(value=moment.astimezone(zone).replace(tzinfo=None))
            if old.tzid is not None:
                return Moment(value=moment.astimezone(old.value.tzinfo), tzid=old.tzid)
        return Moment(value=moment.astimezone(UTC))


def on_day(text: str | None, old: Moment | None) -> Moment | None:
    """The same time of day on another day, given as ISO text; without a time, the day. Raises ValueError."""
    if text is None:
        return None
    day = date.fromisoformat(text)
    if old is not None and isinstance(old.value, datetime):
        return Moment(value=datetime.combine(day, old.value.timetz()), tzid=old.tzid)
    return Moment(value=day)


def written(moment: Moment) -> tuple[dict[str, str], str]:
    """Parameters and value of a property."""
    if moment.is_date:
        return {"VALUE": "DATE"}, moment.value.strftime("%Y%m%d").zfill(8)
    text = moment.value.strftime("%Y%m%dT%H%M%S").zfill(15)
    if moment.tzid is not None:
        return {"TZID": moment.tzid}, text
    floating = isinstance(moment.value, datetime) and moment.value.tzinfo is None
    return {}, text if floating else text + "Z"


def later(start: Moment, text: str) -> Moment:
    """The end of a duration (`PT1H`, `P2D`). Raises Unreadable."""
    try:
        lasts = vDuration.from_ical(text.strip())
        if not isinstance(lasts, timedelta):
            raise Unreadable("a DURATION that is none")
        return Moment(value=start.value + lasts, tzid=start.tzid)
    except (ValueError, OverflowError):
        raise Unreadable(f"{text[:40]!r} is not a duration") from None


@lru_cache(maxsize=1000)
def _known(tzid: str) -> tzinfo | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return tzp.timezone(tzid)
        except (ValueError, OSError):
            return None


@lru_cache(maxsize=100)
def _read(described: str) -> tzinfo | None:
    try:
        read = Timezone.from_ical(described)
        return read.to_tz(lookup_tzid=False) if isinstance(read, Timezone) else None
    except (ValueError, KeyError, IndexError, AttributeError, TypeError, OverflowError):
        return None
