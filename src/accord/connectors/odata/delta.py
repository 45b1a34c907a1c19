"""Delta links: what changed since a listing, as the service itself keeps it.

Source: OData Protocol 4.01, section 11.3; JSON Format 4.01, section 15. A changed record may be shown with only those
properties that changed, so that whatever lacks a mapped one is read by its id. A removed one is only listed as deleted
when the service says so; one that left the filter is read too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from accord.connectors.odata.literals import Keys
from accord.connectors.odata.options import CONTEXT, NEXT
from accord.connectors.rest.answers import Answer, Unfit, decode, dig, envelope, is_array
from accord.connectors.rest.client import Client, redirected
from accord.connectors.rest.options import DatatypeOptions, Listing, Paginator
from accord.connectors.rest.paginate import Sheet, sheets
from accord.connectors.rest.reading import Reader, expect_success
from accord.connectors.rest.records import Odd, Shape, split
from accord.model import Absence, Record
from accord.ports import Cursor, Page, RecordFailure

DELTA = "@odata.deltaLink"
TRACK = "odata.track-changes"
Fetch = Callable[[Sequence[str]], Awaitable[dict[str, Record | Absence]]]


class Expired(Exception):
    """The service does not keep the changes since then any more."""


@dataclass
class _Changes:
    """What one page of changes says."""

    records: list[Record] = field(default_factory=list)
    look: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    failures: list[RecordFailure] = field(default_factory=list)


class DeltaReader:
    """Lists an entity set by delta links, where the service gives some."""

    def __init__(
        self, client: Client, options: DatatypeOptions, lister: Reader, shape: Shape, keys: Keys, fetch: Fetch
    ) -> None:
        self._client = client
        self._options = options
        self._lister = lister
        self._shape = shape
        self._keys = keys
        self._fetch = fetch

    async def read(self, cursor: Cursor) -> AsyncIterator[Page]:
        """What changed since the cursor, or everything. Raises Unreachable, Unauthorized, ProtocolError."""
        link = cursor.get("delta") if isinstance(cursor, dict) else None
        if isinstance(link, str):
            try:
                async for page in self._changes(link):
                    yield page
                return
            except Expired:
                pass
        async for page in self._whole():
            yield page

    async def _whole(self) -> AsyncIterator[Page]:
        listing = self._options.listing
        prefer = ",".join(filter(None, (listing.headers.get("Prefer"), TRACK)))
        link: str | None = None
        count, total = 0, None
        async for sheet in self._lister.sheets(self._shape, replace(listing, headers={"Prefer": prefer}), {}):
            link = self._link(sheet) or link
            count += sheet.count
            total = sheet.total if sheet.total is not None else total
            yield Page(records=sheet.records, failures=sheet.failures, total=sheet.total)
        # a listing that is shorter than its own count changed while it was read; nothing is concluded from it, and what
        # it left out would be in no later change
        whole = total is None or count >= total
        yield Page(complete=whole, cursor={"delta": link} if link and whole else None, total=total)

    async def _changes(self, link: str) -> AsyncIterator[Page]:
        address = self._client.resolve(link, self._client.url(self._options.listing.path))
        listing = Listing(path=address, base=CONTEXT, paginator=Paginator(kind="next_url", path=NEXT))
        mark: str | None = None
        unread = False
        parsed: dict[str, _Changes] = {}

        def parse(url: str, answer: Answer, optional: bool) -> Sheet:
            found, facts = self._parsed(url, answer)
            parsed[url] = found
            told = [*(record.id for record in found.records), *found.look, *found.deleted]
            return Sheet(url, answer.headers, facts, ids=[f"{url}#{id}" for id in told])

        async for sheet in sheets(self._client, listing, {}, parse, self._options.errors):
            mark = self._link(sheet) or mark
            seen = await self._fetch(list(dict.fromkeys(parsed[sheet.url].look)))
            unread = unread or Absence.FAILED in seen.values()
            yield _page(parsed.pop(sheet.url), seen)
        # what could not be read now would be in no later change: the same changes are asked for again
        yield Page(cursor={"delta": link if unread or mark is None else mark})

    def _link(self, sheet: Sheet) -> str | None:
        """The address of the next changes, whole, so that it can be kept."""
        link = dig(sheet.facts, DELTA)
        if not isinstance(link, str) or not link:
            return None
        base = dig(sheet.facts, CONTEXT)
        start = self._client.resolve(base, sheet.url) if isinstance(base, str) and base else sheet.url
        return self._client.resolve(link, start)

    def _parsed(self, url: str, answer: Answer) -> tuple[_Changes, dict[str, Any]]:
        if answer.status == 410:
            raise Expired
        if 300 <= answer.status < 400:
            raise Unfit(redirected(answer))
        expect_success(self._client, url, answer)
        top = envelope(answer.body)
        array = top.get("value")
        if array is None or not is_array(array):
            raise Unfit("no array of changes")
        found = _Changes()
        for raw in split(array):
            self._sort(raw, found)
        return found, {name: decode(part) for name, part in top.items() if name != "value"}

    def _sort(self, raw: Any, found: _Changes) -> None:
        item = decode(raw)
        if not isinstance(item, dict):
            raise Unfit("a change that is no object")
        context = str(item.get(CONTEXT) or "")
        if context.endswith(("/$link", "/$deletedLink")):
            return
        removed = item.get("@removed", item.get("@odata.removed"))
        if removed is not None or context.endswith("/$deletedEntity"):
            reason = removed.get("reason") if isinstance(removed, dict) else item.get("reason")
            (found.look if reason == "changed" else found.deleted).append(self._id_of(item))
            return
        try:
            record = self._shape.one(raw)
        except Odd as error:
            found.failures.append(RecordFailure(id=None, message=str(error)))
            return
        if len(record.natives()) < len(self._shape.paths):
            found.look.append(record.id)
        else:
            found.records.append(record)

    def _id_of(self, item: dict[str, Any]) -> str:
        """The id of a removed record: its key property, or the address that names it."""
        key = item.get(self._shape.datatype.id)
        if isinstance(key, str | int) and not isinstance(key, bool):
            return str(key)
        named = next((item[name] for name in ("@id", "@odata.id", "id") if isinstance(item.get(name), str)), "")
        id = self._keys.located(named)
        if id is None:
            raise Unfit("a removed record without an id")
        return id


def _no(one: Record | Absence) -> bool:
    return isinstance(one, Absence) and one is not Absence.GONE


def _page(found: _Changes, seen: Mapping[str, Record | Absence]) -> Page:
    """The changes of one page, with what was read by its id."""
    gone = [id for id, one in seen.items() if one is Absence.GONE]
    failed = [RecordFailure(id=id, message="it changed and cannot be read") for id, one in seen.items() if _no(one)]
    return Page(
        records=[*found.records, *(record for record in seen.values() if isinstance(record, Record))],
        deleted=[*found.deleted, *gone],
        failures=[*found.failures, *failed],
    )
