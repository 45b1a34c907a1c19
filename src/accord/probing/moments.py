"""What a system does to dates and times: resolution, zone, the hours that clocks skip and repeat."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from accord.errors import ValueRefused
from accord.model import ABSENT, Native
from accord.probing.texts import not_taken, probe_nothing
from accord.probing.trying import Got, Trial
from accord.values.moments import (
    DATE_ONLY,
    ISO,
    Form,
    form_of,
    format_date,
    format_datetime,
    parse_date,
    parse_datetime,
)
from accord.values.moments import zone_of as zone_named

FINE = datetime(2026, 1, 15, 10, 21, 32, 123456, tzinfo=UTC)
STEPS = (
    (timedelta(milliseconds=1), "milliseconds"),
    (timedelta(seconds=1), "whole seconds"),
    (timedelta(minutes=1), "whole minutes"),
    (timedelta(days=1), "whole days"),
)
OSLO = "Europe/Oslo"
DAYS = (date(2024, 2, 29), date(1968, 12, 31), date(2199, 12, 31))


async def probe_date(trial: Trial) -> None:
    """Days that some calendars do not have; null."""
    zone, form = zone_named(trial.hand.system.clock.zone), form_of(trial.prop.sample) or DATE_ONLY
    first = await trial.put(format_date(date(2026, 3, 29), form, zone))
    if not _is_taken(trial, first):
        return
    for day in DAYS:
        got = await trial.put(format_date(day, form, zone))
        if got.state == "refused":
            trial.see("day-refused", f"refuses {day}: {got.message}")
        elif got.state == "changed" and _day(got, zone) != day:
            trial.see("day", f"{day} becomes {got.stored!r}", level="warning")
    await probe_nothing(trial, None, format_date(date(2026, 3, 30), form, zone))


async def probe_datetime(trial: Trial) -> None:
    """The finest step that is kept, a shift by hours, and both nights in which clocks change."""
    zone = zone_named(trial.hand.system.clock.zone)
    form, got = await _form(trial, zone)
    if form is None:
        _is_taken(trial, got)
        return
    stored = _moment(got, zone)
    if stored is None:
        trial.see("form", f"{format_datetime(FINE, form, zone)} becomes {got.stored!r}", level="warning")
        return
    shift = _shift(stored)
    if shift:
        trial.see("zone", f"is shifted by {shift}: the zone of its clock is another one than is said", level="problem")
    _resolution(trial, stored - shift)
    await _nights(trial, form, zone, shift)
    await probe_nothing(trial, None, format_datetime(FINE - timedelta(days=1), form, zone))


async def _form(trial: Trial, zone: tzinfo) -> tuple[Form | None, Got]:
    """The form in which a moment is taken: ISO with its fraction, else that of a record."""
    got = Got(state="failed")
    for form in (_fine(form_of(trial.prop.sample)), ISO, form_of(trial.prop.sample)):
        if form is not None and form.separator is not None:
            got = await trial.put(format_datetime(FINE, form, zone))
            if got.taken:
                return form, got
    return None, got


def _fine(form: Form | None) -> Form | None:
    """The form of a sample, with all digits of the second."""
    if form is None or form.separator is None:
        return None
    return Form(basic=form.basic, separator=form.separator, seconds=True, fraction=6, offset=form.offset)


def _is_taken(trial: Trial, got: Got) -> bool:
    if not got.taken:
        not_taken(trial, got)
    return got.taken


def _moment(got: Got, zone: tzinfo) -> datetime | None:
    try:
        return parse_datetime(got.stored, zone) if got.taken and got.stored is not ABSENT else None  # type: ignore[arg-type]
    except ValueRefused:
        return None


def _day(got: Got, zone: tzinfo) -> date | None:
    try:
        return parse_date(got.stored, zone) if got.stored is not ABSENT else None  # type: ignore[arg-type]
    except ValueRefused:
        return None


def _shift(stored: datetime) -> timedelta:
    """By how many quarters of an hour a moment was moved; none where it was only cut to its day."""
    if stored.hour == stored.minute == 0:
        return timedelta()
    quarters = round((stored - FINE) / timedelta(minutes=15))
    return timedelta(minutes=15 * quarters)


def _resolution(trial: Trial, stored: datetime) -> None:
    off = abs(stored - FINE)
    if not off:
        return
    for step, words in STEPS:
        if off < step:
            how = "cut" if stored <= FINE else "rounded"
            trial.see("resolution", f"keeps {words}: the rest is {how} without a word")
            return
    trial.see("moment", f"{FINE.isoformat()} becomes {stored.isoformat()}", level="warning")


async def _nights(trial: Trial, form: Form, zone: tzinfo, shift: timedelta) -> None:
    """Moments around the hour that clocks skip in spring and repeat in autumn, of the zone of its clock."""
    local = zone if str(zone) != "UTC" else ZoneInfo(OSLO)
    for name, moments in (("spring", _around(local, 3)), ("autumn", _around(local, 10))):
        lost = []
        for moment in moments:
            got = await trial.put(format_datetime(moment, form, zone))
            stored = _moment(got, zone)
            coarse = stored is not None and stored.hour == stored.minute == 0
            if stored is not None and not coarse and abs(stored - shift - moment) >= timedelta(minutes=1):
                lost.append(f"{moment:%Y-%m-%dT%H:%MZ} becomes {stored:%Y-%m-%dT%H:%MZ}")
        if lost:
            trial.see(f"{name}-hour", f"the hour of the change of clocks in {name}: {'; '.join(lost)}", level="warning")


def _around(zone: tzinfo, month: int) -> tuple[datetime, ...]:
    """Half an hour before and after the clocks of a zone change in a month of 2026; nothing where they do not."""
    start = datetime(2026, month, 1, tzinfo=UTC)
    for hour in range(31 * 24):
        at = start + timedelta(hours=hour)
        if at.astimezone(zone).utcoffset() != (at - timedelta(hours=1)).astimezone(zone).utcoffset():
            return at - timedelta(minutes=29), at + timedelta(minutes=31)
    return ()


def native_moment(kind: str, sample: Native, zone: tzinfo) -> str:
    """A made-up moment or day in the form of a sample."""
    form = form_of(sample)
    if kind == "date":
        return format_date(date(2026, 3, 29), form or DATE_ONLY, zone)
    return format_datetime(FINE.replace(microsecond=0), form or ISO, zone)
