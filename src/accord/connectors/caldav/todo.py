"""One calendar object with a task: the natives in it, and the same object with some of its properties changed.

Only the lines of properties that change are written anew; all others, those of other components and of properties that
nobody here knows, stay as they are, byte for byte but for their folding. Folding, escaping, parameters and values are
the library's (icalendar).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from functools import partial
from typing import Any

from icalendar import vCategory, vText
from icalendar.parser import Contentline, Contentlines, Parameters, split_on_unescaped_comma, unescape_backslash

from accord import __version__
from accord.connectors.caldav.times import Moment, Unreadable, Zones, later, on_day, written
from accord.model import Native, Natives

TIMES = frozenset(("DTSTART", "DUE", "COMPLETED", "CREATED", "LAST-MODIFIED", "DTSTAMP", "RECURRENCE-ID"))
NUMBERS = frozenset(("PERCENT-COMPLETE", "PRIORITY", "SEQUENCE"))
LISTS = frozenset(("CATEGORIES", "RESOURCES"))
VERBATIM = frozenset(("RRULE", "RDATE", "EXDATE", "GEO", "DURATION", "URL", "ORGANIZER", "ATTENDEE", "ATTACH"))
"""Not of the type TEXT, and so without escapes."""
FIXED = frozenset(("UID", "RELATED-TO", "CREATED", "DTSTAMP", "LAST-MODIFIED", "RECURRENCE-ID", "SEQUENCE", "VERSION"))
"""Kept by the connector or by other rules than a value in a row."""
PARENT = "parent"
DAYS = {"due.date": "DUE", "dtstart.date": "DTSTART"}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class _Line:
    """A property of the task itself, and where it stands."""

    at: int
    params: Mapping[str, Any]
    value: str
    """Raw: escapes are still in it."""


class Todo:
    """A calendar object, taken apart. Times without a zone are in `zone`."""

    def __init__(self, raw: bytes | str, zone: tzinfo) -> None:
        """Raises Unreadable when there is not exactly one task in it (the exceptions of its series not counted)."""
        try:
            text = raw.decode() if isinstance(raw, bytes) else raw
        except UnicodeDecodeError:
            raise Unreadable("not UTF-8") from None
        unfolded: Callable[[str], Sequence[str]] = Contentlines.from_ical
        self._lines = [str(line) for line in unfolded(text) if line]
        self._zone = zone
        self._start, self._end, described = _task_in(self._lines)
        self._zones = Zones(described)
        self._where: dict[str, list[int]] = {}
        depth = 0
        for at in range(self._start + 1, self._end):
            name = _name(self._lines[at])
            depth -= name == "END"
            if not depth and name not in ("BEGIN", "END"):
                self._where.setdefault(name, []).append(at)
            depth += name == "BEGIN"
        self.uid = self._text("UID") or ""
        if not self.uid:
            raise Unreadable("a task without a UID")

    @property
    def parent(self) -> str | None:
        """The UID of the task that this one is a part of. Raises Unreadable where there are two."""
        found = self._parents()
        if len(found) > 1:
            raise Unreadable("two parents in RELATED-TO")
        return unescape_backslash(found[0].value) or None if found else None

    def native(self, path: str) -> Native:
        """What a path shows; `parent` shows a UID. Null where the property is not there. Raises Unreadable."""
        if path == PARENT:
            return self.parent
        if path in DAYS:
            moment = self._moment(DAYS[path])
            return None if moment is None else moment.text[:10]
        name = path.upper()
        if name in TIMES:
            moment = self._moment(name)
            return None if moment is None else moment.text
        if name in LISTS:
            return self._list(name)
        if name in NUMBERS:
            return self._number(name)
        return self._text(name)

    def changed(self, patch: Natives, now: datetime) -> bytes:
        """The object with these properties, and the time of this change. Raises ValueError, Unreadable."""
        lines: dict[str, list[str]] = {}
        for path, value in patch.items():
            for name, fresh in self._fresh(path, value).items():
                if lines.get(name, fresh) != fresh:
                    raise ValueError(f"{path}: two rows write {name}, and not the same")
                lines[name] = fresh
        stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        lines |= {"DTSTAMP": [f"DTSTAMP:{stamp}"], "LAST-MODIFIED": [f"LAST-MODIFIED:{stamp}"]}
        body = self._merged(lines)
        if {"DUE", "DTSTART"} & lines.keys():
            _require_alike(Todo("\r\n".join(body), self._zone))
        whole: bytes = Contentlines(Contentline(line) for line in body).to_ical()
        return whole

    def _merged(self, lines: Mapping[str, Sequence[str]]) -> list[str]:
        """All lines; those of a changed property where its first one stood, new ones at the end of its properties."""
        instead: dict[int, Sequence[str]] = {}
        last = self._start
        for name, places in self._where.items():
            last = max(last, *places)
            if name in lines:
                instead |= {**dict.fromkeys(places, ()), places[0]: lines[name]}
        if PARENT in lines:
            mine = {line.at for line in self._parents()}
            instead |= dict.fromkeys(mine, ())
        more = [line for name, fresh in lines.items() if name not in self._where for line in fresh]
        body: list[str] = []
        for at, line in enumerate(self._lines):
            body += instead.get(at, (line,))
            if at == last:
                body += more
        return body

    def _fresh(self, path: str, value: Native) -> dict[str, list[str]]:
        """The lines of the properties that a path writes."""
        name = DAYS.get(path, path.upper())
        if name in FIXED or not re.fullmatch(r"[A-Z0-9-]+", name):
            raise ValueError(f"{path} cannot be written")
        if path == PARENT:
            return {PARENT: [] if value is None else [_line("RELATED-TO", {}, vText(_plain(path, value)))]}
        if name in TIMES:
            return self._fresh_time(path, name, value)
        if value is None:
            return {name: []}
        if name in LISTS:
            if not isinstance(value, list):
                raise ValueError(f"{path} is a list")
            texts = [_plain(path, item) for item in value]
            return {name: [_line(name, self._kept(name), vCategory(texts))] if texts else []}
        if name in NUMBERS:
            return {name: [f"{name}:{_whole(path, value)}"]}
        text = _plain(path, value)
        if name in VERBATIM:
            if "\n" in text:
                raise ValueError(f"{path} is one line")
            return {name: [_line(name, self._kept(name), _Raw(text))]}
        return {name: [_line(name, self._kept(name), vText(text))]}

    def _fresh_time(self, path: str, name: str, value: Native) -> dict[str, list[str]]:
        if value is not None and not isinstance(value, str):
            raise ValueError(f"{path} is a date or time")
        old = self._moment(name)
        moment = on_day(value, old) if path in DAYS else None if value is None else self._at(name, value, old)
        params, text = ({}, "") if moment is None else written(moment)
        lines = {name: [] if moment is None else [_line(name, params, _Raw(text))]}
        return lines | {"DURATION": []} if name == "DUE" and "DURATION" in self._where else lines

    def _at(self, name: str, value: str, old: Moment | None) -> Moment:
        if name != "COMPLETED":
            return self._zones.like(value, old, self._zone)
        moment = datetime.fromisoformat(value)
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=self._zone)
        return Moment(value=aware.astimezone(UTC).replace(microsecond=0))

    def _kept(self, name: str) -> dict[str, Any]:
        """Parameters that stay when a text changes; ALTREP holds the old text in another form."""
        line = self._one(name) if len(self._where.get(name, ())) == 1 else None
        return {} if line is None else {key: value for key, value in line.params.items() if key != "ALTREP"}

    def _parsed(self, name: str) -> list[_Line]:
        found = []
        for at in self._where.get(name, ()):
            try:
                _, params, value = Contentline(self._lines[at]).raw_parts()
            except ValueError:
                raise Unreadable(f"{name}: a line that cannot be read") from None
            found.append(_Line(at, {str(key).upper(): value for key, value in params.items()}, value))
        return found

    def _one(self, name: str) -> _Line | None:
        found = self._parsed(name)
        if len(found) > 1:
            raise Unreadable(f"{name} stands {len(found)} times")
        return found[0] if found else None

    def _parents(self) -> list[_Line]:
        return [
            line for line in self._parsed("RELATED-TO") if str(line.params.get("RELTYPE", "PARENT")).upper() == "PARENT"
        ]

    def _text(self, name: str) -> str | None:
        line = self._one(name)
        if line is None:
            return None
        return line.value if name in VERBATIM else unescape_backslash(line.value)

    def _number(self, name: str) -> int | None:
        line = self._one(name)
        if line is None:
            return None
        if not re.fullmatch(r"[+-]?\d{1,18}", line.value.strip(), re.ASCII):
            raise Unreadable(f"{name}: {line.value[:40]!r} is not a whole number")
        return int(line.value)

    def _list(self, name: str) -> list[Native] | None:
        lines = self._parsed(name)
        items = [unescape_backslash(part) for line in lines for part in split_on_unescaped_comma(line.value)]
        return [item for item in items if item] or None if lines else None

    def _moment(self, name: str) -> Moment | None:
        line = self._one(name)
        if line is not None:
            tzid = line.params.get("TZID")
            return self._zones.read(line.value, str(tzid) if tzid else None)
        if name != "DUE" or (lasts := self._one("DURATION")) is None:
            return None
        start = self._moment("DTSTART")
        return None if start is None else later(start, lasts.value)


def new(uid: str, natives: Natives, now: datetime, zone: tzinfo) -> bytes:
    """A calendar object with one task. Raises ValueError."""
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    lines = [
        *("BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:-//Accord//Accord {__version__}//EN", "BEGIN:VTODO"),
        *(_line("UID", {}, vText(uid)), f"DTSTAMP:{stamp}", f"CREATED:{stamp}", "END:VTODO", "END:VCALENDAR"),
    ]
    given = {path: value for path, value in natives.items() if value is not None}
    return Todo("\r\n".join(lines), zone).changed(given, now)


def _task_in(lines: Sequence[str]) -> tuple[int, int, dict[str, str]]:
    """Where the task begins and ends, and the text of each VTIMEZONE by its TZID."""
    stack: list[tuple[str, int]] = []
    tasks: list[tuple[int, int]] = []
    zones: dict[str, str] = {}
    for at, line in enumerate(lines):
        name = _name(line)
        if name == "BEGIN":
            stack.append((line.partition(":")[2].strip().upper(), at))
        elif name == "END" and stack:
            kind, start = stack.pop()
            if kind != line.partition(":")[2].strip().upper():
                raise Unreadable("components that do not end where they began")
            if len(stack) == 1 and kind == "VTODO":
                tasks.append((start, at))
            elif len(stack) == 1 and kind == "VTIMEZONE":
                zones |= _zone_in(lines[start : at + 1])
    if stack or not lines or lines[0].upper() != "BEGIN:VCALENDAR":
        raise Unreadable("not a whole calendar object")
    masters = [(start, end) for start, end in tasks if not _has(lines[start + 1 : end], "RECURRENCE-ID")]
    if len(masters) != 1:
        raise Unreadable(f"{len(masters)} tasks in one calendar object")
    return *masters[0], zones


def _zone_in(lines: Sequence[str]) -> dict[str, str]:
    found = next((line.partition(":")[2].strip() for line in lines if _name(line) == "TZID"), None)
    return {found: "\r\n".join(lines) + "\r\n"} if found else {}


def _has(lines: Sequence[str], name: str) -> bool:
    return any(_name(line) == name for line in lines)


def has_task(raw: bytes) -> bool:
    """Whether there is a task in a calendar object, and not an event or a journal."""
    return re.search(rb"^BEGIN:VTODO\s*$", raw, re.IGNORECASE | re.MULTILINE) is not None


def _name(line: str) -> str:
    return re.split("[;:]", line, maxsplit=1)[0].strip().upper()


@dataclass(frozen=True, slots=True)
class _Raw:
    """A value that is written as it is."""

    text: str

    def to_ical(self) -> bytes:
        return self.text.encode()


def _line(name: str, params: Mapping[str, Any], value: Any) -> str:
    return str(Contentline.from_parts(name, Parameters(params), value))


def _plain(path: str, value: Native) -> str:
    """The text of a value. Raises ValueError for what a calendar object cannot hold."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError(f"{path} is text")
    text = str(value).replace("\r\n", "\n").replace("\r", "\n")
    if _CONTROL.search(text):
        raise ValueError(f"{path}: control characters cannot stand in a calendar object")
    return text


def _whole(path: str, value: Native) -> int:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise ValueError(f"{path} is a whole number")
    try:
        number = Decimal(value)
    except ArithmeticError:
        raise ValueError(f"{path} is a whole number") from None
    if number != number.to_integral_value():
        raise ValueError(f"{path} is a whole number")
    return int(number)


def _require_alike(task: Todo) -> None:
    """DTSTART and DUE are both dates or both times (RFC 5545, section 3.8.2.3)."""
    start, due = map(partial(Todo._moment, task), ("DTSTART", "DUE"))
    if start is not None and due is not None and start.is_date != due.is_date:
        raise ValueError("DTSTART and DUE must both be dates, or both be times; map `due.date` and `dtstart.date`")
