"""Listing a datatype: pages of records, whether they showed everything, and the cursor for the next time."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from accord.config.meaning import Datatype, System
from accord.connectors.rest.answers import (
    Answer,
    Unfit,
    decode,
    dig,
    dig_raw,
    envelope,
    error_inside,
    first_of,
    is_array,
    is_object,
    message_of,
    one_line,
    steps,
)
from accord.connectors.rest.client import Client, redirected
from accord.connectors.rest.compare import has_values
from accord.connectors.rest.options import ChangedSince, DatatypeOptions, DeletedFeed, Listing
from accord.connectors.rest.paginate import Sheet, sheets
from accord.connectors.rest.records import Odd, Shape, id_if_any, split
from accord.connectors.rest.templates import as_param, filled, names_of
from accord.connectors.rest.times import http_date, read_time, write_time
from accord.errors import ProtocolError, Unauthorized
from accord.model import Natives, Record
from accord.ports import Cursor, Page

MARGIN = 1.0
"""Seconds that windows overlap beyond the system's tolerance and resolution."""
CLOCKS_APART = timedelta(minutes=2)
"""How far the clock of the `Date` header may be from that of the records."""
FUTURE = timedelta(days=1)
"""A record that claims to be modified so much later than now is not believed."""
PROPERTIES = "{properties}"
LONGEST_FACT = 64 << 10
_LIKELY = ("data", "items", "results", "records", "value")
_NOT_RECORDS = ("errors", "included", "links", "warnings", "messages")
_TIMES = ("deleted_at", "deleted", "at", "timestamp", "time", "updated_at")


@dataclass
class Progress:
    """What one reading of a listing has shown so far."""

    started: float
    count: int = 0
    totals: tuple[int, int] | None = None
    first_date: datetime | None = None
    latest: datetime | None = None

    def add(self, sheet: Sheet) -> None:
        """Count a page."""
        if self.first_date is None:
            self.first_date = http_date(sheet.headers.get("Date", ""))
        self.count += sheet.count
        if sheet.total is not None:
            low, high = self.totals or (sheet.total, sheet.total)
            self.totals = (min(low, sheet.total), max(high, sheet.total))
        limit = None if self.first_date is None else self.first_date + FUTURE
        for record in sheet.records:
            when = record.modified
            if when is not None and (self.latest is None or when > self.latest) and (limit is None or when < limit):
                self.latest = when

    @property
    def fits(self) -> bool:
        """Whether as many records came as the system says that there are (it may have changed meanwhile)."""
        return self.totals is None or self.totals[0] <= self.count <= self.totals[1]

    def since(self, overlap: float) -> datetime | None:
        """The mark for the next reading: nothing that was saved while we read lies before it."""
        if self.latest is None:
            return None
        when = self.latest
        if self.first_date is None or when > self.first_date - CLOCKS_APART:
            when -= timedelta(seconds=time.monotonic() - self.started)
        return (when - timedelta(seconds=overlap)).astimezone(UTC)


class Reader:
    """Lists one datatype."""

    def __init__(self, client: Client, system: System, datatype: Datatype, options: DatatypeOptions) -> None:
        self._client = client
        self._system = system
        self.datatype = datatype
        self._options = options
        self._zone = ZoneInfo(system.clock.zone)
        asked = options.listing.changed_since
        self._overlap = max(system.clock.tolerance, system.clock.resolution, asked.overlap if asked else 0.0) + MARGIN

    @property
    def tells_changes(self) -> bool:
        """Whether it can be asked for what changed since a time."""
        return self._options.listing.changed_since is not None and self.datatype.modified is not None

    async def read(self, shape: Shape, cursor: Cursor) -> AsyncIterator[Page]:
        """What changed since the cursor, or everything. A listing whose total does not fit is read twice."""
        since = _mark(cursor, "since") if self.tells_changes else None
        counts: list[tuple[int, tuple[int, int] | None]] = []
        progress = Progress(time.monotonic())
        for _ in (1, 2):
            progress = Progress(time.monotonic())
            async for sheet in self.sheets(shape, self._options.listing, self._changed(since)):
                progress.add(sheet)
                yield Page(records=sheet.records, failures=sheet.failures, total=sheet.total)
            counts.append((progress.count, progress.totals))
            if progress.fits:
                break
        steady = progress.fits or (since is not None and counts[0] == counts[-1])
        mark = _later(since, progress.since(self._overlap)) if steady and self.tells_changes else since
        async for page in self._end(since, mark, cursor, progress, steady):
            yield page

    async def _end(
        self, since: datetime | None, mark: datetime | None, cursor: Cursor, progress: Progress, steady: bool
    ) -> AsyncIterator[Page]:
        """What was deleted, and the last page, which carries the cursor."""
        total = progress.totals[1] if progress.totals else None
        marks = {"since": mark.isoformat()} if mark is not None else {}
        feed = self._options.listing.deleted_feed
        if feed is not None and marks:
            after = _mark(cursor, "deleted") if since is not None else None
            start = after or since
            latest: datetime | None = None
            if start is not None:
                async for ids, when in self._deleted(feed, start):
                    yield Page(deleted=ids)
                    latest = _later(latest, when)
            overlapped = None if latest is None else latest - timedelta(seconds=self._overlap)
            moved = _later(start, overlapped) or mark
            marks["deleted"] = moved.astimezone(UTC).isoformat() if moved else marks["since"]
        yield Page(complete=steady and since is None, cursor=marks or None, total=total)

    async def sheets(self, shape: Shape, listing: Listing, extra: Mapping[str, Any]) -> AsyncIterator[Sheet]:
        """The pages of a listing of this datatype."""

        def parse(url: str, answer: Answer, optional: bool) -> Sheet:
            if optional and answer.status == 404:
                return Sheet(url, answer.headers, {}, beyond=True)
            array, facts = self._array(url, answer, listing.records)
            records, failures = shape.page(array)
            return Sheet(url, answer.headers, facts, _total(facts, listing.total), records, failures)

        async for sheet in sheets(self._client, self._asking(shape, listing), extra, parse, self._options.errors):
            yield sheet

    def _asking(self, shape: Shape, listing: Listing) -> Listing:
        """The listing with the names of what is mapped, where it asks for them."""
        names = names_of(self.datatype, shape.paths)
        named = {"properties": names if listing.method != "GET" else ",".join(names)}
        return replace(listing, params={name: filled(value, named) for name, value in listing.params.items()})

    async def search(self, shape: Shape, listing: Listing, extra: Mapping[str, Any], by: Natives) -> list[Record]:
        """The records of a listing whose properties really have these values; what the system says is filtered."""
        found: list[Record] = []

        def parse(url: str, answer: Answer, optional: bool) -> Sheet:
            if optional and answer.status == 404:
                return Sheet(url, answer.headers, {}, beyond=True)
            array, facts = self._array(url, answer, listing.records)
            raws = split(array)
            try:
                records = [shape.one(raw) for raw in raws if has_values(decode(raw), by)]
            except Odd as error:
                raise Unfit(str(error)) from None
            marks = [str(hash(bytes(raw))) for raw in raws]
            return Sheet(url, answer.headers, facts, _total(facts, listing.total), records, (), marks, self._ids(raws))

        async for sheet in sheets(self._client, self._asking(shape, listing), extra, parse, self._options.errors):
            found.extend(sheet.records)
        return list({record.id: record for record in found}.values())

    async def some(self, most: int) -> list[Mapping[str, Any]]:
        """The first records of the listing, with all that the system sends."""
        found: list[Mapping[str, Any]] = []

        def parse(url: str, answer: Answer, optional: bool) -> Sheet:
            if optional and answer.status == 404:
                return Sheet(url, answer.headers, {}, beyond=True)
            array, facts = self._array(url, answer, self._options.listing.records)
            raws = split(array)
            found.extend(record for raw in raws if isinstance(record := decode(raw), dict))
            marks = [str(hash(bytes(raw))) for raw in raws]
            return Sheet(url, answer.headers, facts, ids=marks, shown=self._ids(raws))

        whole = {name: value for name, value in self._options.listing.params.items() if value != PROPERTIES}
        listing = replace(self._options.listing, params=whole)
        pages = sheets(self._client, listing, {}, parse, self._options.errors)
        async for _ in pages:
            if len(found) >= most:
                break
        return found[:most]

    def _ids(self, raws: Sequence[msgspec.Raw]) -> list[str]:
        """The ids of raw records, of those that have one."""
        found = (id_if_any(raw, self.datatype.id) for raw in raws)
        return [id for id in found if id is not None]

    async def _deleted(self, feed: DeletedFeed, since: datetime) -> AsyncIterator[tuple[list[str], datetime | None]]:
        """Ids that the system lists as deleted, and the latest time among them."""
        extra = {feed.param: write_time(since, feed.format, self._zone)} if feed.param else {}
        latest: list[datetime] = []

        def parse(url: str, answer: Answer, optional: bool) -> Sheet:
            if optional and answer.status == 404:
                return Sheet(url, answer.headers, {}, beyond=True)
            array, facts = self._array(url, answer, feed.records)
            entries = decode(array)
            latest.extend(when for entry in entries if (when := self._deleted_at(entry, feed)) is not None)
            return Sheet(url, answer.headers, facts, ids=[_id_of(entry, feed.id) for entry in entries])

        listing = Listing(path=feed.path, paginator=feed.paginator)
        async for sheet in sheets(self._client, listing, extra, parse, self._options.errors):
            yield list(sheet.ids), max(latest, default=None)

    def _deleted_at(self, entry: Any, feed: DeletedFeed) -> datetime | None:
        if not isinstance(entry, dict):
            return None
        return read_time(first_of(entry, (feed.modified,) if feed.modified else _TIMES), self._zone)

    def _changed(self, since: datetime | None) -> dict[str, Any]:
        asked: ChangedSince | None = self._options.listing.changed_since
        if since is None or asked is None:
            return {}
        text = write_time(since, asked.format, self._zone)
        if asked.filter is None:
            return {asked.param: text}
        return {asked.param: as_param(filled(asked.filter, {"since": text}), self._options.listing)}

    def _array(self, url: str, answer: Answer, path: str | None) -> tuple[bytes | msgspec.Raw, dict[str, Any]]:
        """The array of records in an answer, and what stands beside it. Raises Unfit, Unauthorized, ProtocolError."""
        expect_success(self._client, url, answer)
        top = envelope(answer.body)
        if not top and is_array(answer.body.lstrip()):
            if path:
                raise Unfit(f"no array at {path}")
            return answer.body, {}
        declared = steps(path)[0] if path else None
        if (error := error_inside({name: raw for name, raw in top.items() if name != declared})) is not None:
            raise Unfit(f"an error inside a success: {one_line(self._client.redact(str(error)))}")
        head, array = _declared(top, path) if path else _found(top, (self.datatype.name, url))
        return array, _facts(top, head)


def _facts(top: Mapping[str, msgspec.Raw], head: str) -> dict[str, Any]:
    """What stands beside the records (which are at or below `head`), decoded; long parts are left out."""
    facts = {name: decode(raw) for name, raw in top.items() if name != head and len(memoryview(raw)) < LONGEST_FACT}
    if is_object(top[head]):
        inner = msgspec.json.decode(top[head], type=dict[str, msgspec.Raw])
        facts[head] = {name: decode(raw) for name, raw in inner.items() if not is_array(raw)}
    return facts


def expect_success(client: Client, url: str, answer: Answer) -> None:
    """Raises Unauthorized or ProtocolError unless the status is a 2xx."""
    status = answer.status
    if 200 <= status < 300:
        return
    name, what = client.system.name, client.named("GET", url)
    if status == 403:
        raise Unauthorized(name, f"{what}: {client.redact(message_of(answer))}, we may not read this collection")
    if 300 <= status < 400:
        raise ProtocolError(name, f"{what}: {redirected(answer)}")
    raise ProtocolError(name, f"{what}: {client.redact(message_of(answer))}")


def _declared(top: Mapping[str, msgspec.Raw], path: str) -> tuple[str, msgspec.Raw]:
    raw = dig_raw(top, path)
    if raw is None or not is_array(raw):
        raise Unfit(f"no array at {path}")
    return steps(path)[0], raw


def _found(top: Mapping[str, msgspec.Raw], names: tuple[str, str]) -> tuple[str, msgspec.Raw]:
    """The only array of an answer, or the one with a likely name; one level deeper when there is none."""
    arrays = {name: raw for name, raw in top.items() if is_array(raw) and name not in _NOT_RECORDS}
    last = names[1].partition("?")[0].rstrip("/").rpartition("/")[2]
    likely = [name for name in (*_LIKELY, names[0], last) if name in arrays]
    if len(arrays) == 1 or likely:
        name = likely[0] if likely else next(iter(arrays))
        return name, arrays[name]
    if arrays:
        raise Unfit(f"several arrays ({', '.join(sorted(arrays))}); list.records says which")
    for name in ("data", "_embedded", "result", "results", "response", "d"):
        if name in top and is_object(top[name]):
            return name, _found(msgspec.json.decode(top[name], type=dict[str, msgspec.Raw]), names)[1]
    raise Unfit("no array of records")


def _total(facts: Mapping[str, Any], path: str | None) -> int | None:
    total = dig(facts, path) if path else first_of(facts, ("meta.total", "total"))
    if isinstance(total, str) and path and total.isdecimal():
        return int(total)
    return total if isinstance(total, int) and not isinstance(total, bool) else None


def _id_of(entry: Any, path: str) -> str:
    value = dig(entry, path) if isinstance(entry, dict) else entry
    if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
        raise Unfit(f"a deleted record without id at {path}")
    return str(value)


def _mark(cursor: Cursor, name: str) -> datetime | None:
    text = cursor.get(name) if isinstance(cursor, dict) else None
    try:
        when = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return when.replace(tzinfo=UTC) if when is not None and when.tzinfo is None else when


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return other if one is None else one if other is None else max(one, other)
