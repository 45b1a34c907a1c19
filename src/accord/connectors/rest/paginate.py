"""How a listing goes on: one small class for each paginator, and the loop that never runs for ever."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote, urlencode

from accord.connectors.rest.answers import Answer, dig, first_of
from accord.connectors.rest.bodies import encode
from accord.connectors.rest.client import Client
from accord.connectors.rest.options import Errors, Listing, Paginator
from accord.errors import ProtocolError
from accord.model import Record
from accord.ports import RecordFailure

MOST_EMPTY_PAGES = 100
BETTER_SIZE = 500
_LINK = re.compile(r"<([^<>]*)>((?:\s*;\s*[^\s=;,]+\s*(?:=\s*(?:\"[^\"]*\"|[^\s;,]*))?)*)")
_REL_NEXT = re.compile(r";\s*rel\s*=\s*(?:\"[^\"]*\bnext\b[^\"]*\"|next\b)", re.IGNORECASE)
_NEXT_PATHS = ("next", "links.next", "_links.next", "@odata.nextLink", "meta.next", "pagination.next", "paging.next")
_CURSOR_PATHS = ("next_cursor", "meta.next_cursor", "pagination.next_cursor", "response_metadata.next_cursor")
_PAGES_PATHS = ("meta.pages", "meta.total_pages", "meta.last_page", "pagination.pages", "pagination.total_pages",
                "pages", "total_pages", "last_page")  # fmt: skip
_MORE_PATHS = ("has_more", "meta.has_more", "pagination.has_more", "hasMore")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page of a listing, as read."""

    url: str
    headers: Mapping[str, str]
    facts: Mapping[str, Any]
    """What stands beside the records, decoded."""
    total: int | None = None
    records: Sequence[Record] = ()
    failures: Sequence[RecordFailure] = ()
    ids: Sequence[str] = ()
    """Of a feed that lists ids only, or of all entries where only some were taken."""
    shown: Sequence[str] = ()
    """The ids of the records, where only some of them were taken."""
    beyond: bool = False
    """There is no such page."""

    @property
    def count(self) -> int:
        """How many entries the page has."""
        return len(self.ids) or len(self.records) + len(self.failures)

    @property
    def mark(self) -> Hashable:
        """What two pages have in common only if one repeats the other."""
        ids = self.ids or [record.id for record in self.records]
        failed = self.failures[0].id if self.failures else None
        return (self.count, ids[0] if ids else None, ids[-1] if ids else None, failed)


class Pager(Protocol):
    """A paginator at work on one listing."""

    again: bool
    """The first page is to be thrown away: the listing starts anew, in larger pages."""
    short: bool
    """The page before was not full, so that the next one need not exist, or may repeat it."""

    def first(self, query: str) -> str:
        """The query of the first page."""

    def next(self, sheet: Sheet, query: str, link: Callable[[str], str]) -> str | None:
        """The whole address of the next page (`link` resolves), or None after the last."""


@dataclass
class Single:
    """One page is all."""

    again: bool = False
    short: bool = False

    def first(self, query: str) -> str:
        return query

    def next(self, sheet: Sheet, query: str, link: Callable[[str], str]) -> str | None:
        return None


@dataclass
class Numbered:
    """page_number and offset. Only an empty page is the end: the system may grant smaller pages than we ask."""

    said: Paginator
    at: int = 0
    seen: int = 0
    again: bool = False
    short: bool = False

    def first(self, query: str) -> str:
        self.at = self.said.first
        return self._query(query)

    def _query(self, query: str) -> str:
        said = self.said
        name = said.page_param if said.kind == "page_number" else said.offset_param
        size = f"&{quote(said.size_param)}={said.size}" if said.size_param else ""
        return f"{query}{'&' if query else ''}{quote(name)}={self.at}{size}"

    def next(self, sheet: Sheet, query: str, link: Callable[[str], str]) -> str | None:
        self.seen += sheet.count
        if not sheet.count or self._ended(sheet):
            return None
        self.short = self.said.size is not None and sheet.count < self.said.size
        self.at += 1 if self.said.kind == "page_number" else sheet.count
        return "?" + self._query(query)

    def _ended(self, sheet: Sheet) -> bool:
        if sheet.total is not None:
            return self.seen >= sheet.total
        pages = first_of(sheet.facts, _PAGES_PATHS)
        if self.said.kind == "page_number" and isinstance(pages, int) and not isinstance(pages, bool):
            return self.at - self.said.first + 1 >= pages
        return first_of(sheet.facts, _MORE_PATHS) is False


@dataclass
class ByCursor:
    """Each page names the cursor of the next."""

    said: Paginator
    again: bool = False
    short: bool = False
    cursors: set[str] = field(default_factory=set)

    def first(self, query: str) -> str:
        return _sized(self.said, query)

    def next(self, sheet: Sheet, query: str, link: Callable[[str], str]) -> str | None:
        path = self.said.cursor_path
        cursor = dig(sheet.facts, path) if path else first_of(sheet.facts, _CURSOR_PATHS)
        if cursor in (None, "", False) or first_of(sheet.facts, _MORE_PATHS) is False:
            return None
        text = str(cursor)
        if text in self.cursors:
            raise Endless("the same cursor a second time")
        self.cursors.add(text)
        more = f"{quote(self.said.cursor_param)}={quote(text, safe='')}"
        query = _sized(self.said, query)
        return f"?{query}&{more}" if query else f"?{more}"


@dataclass
class After:
    """Each page begins after the highest id of the one before: what is deleted meanwhile shifts nothing."""

    said: Paginator
    again: bool = False
    short: bool = False
    at: int = 0

    def first(self, query: str) -> str:
        return f"{_sized(self.said, query)}&{quote(self.said.cursor_param)}={self.at}"

    def next(self, sheet: Sheet, query: str, link: Callable[[str], str]) -> str | None:
        if not sheet.count:
            return None
        ids = [*sheet.shown, *(record.id for record in sheet.records), *(one.id or "" for one in sheet.failures)]
        highest = max((int(id) for id in ids if id.isascii() and id.isdecimal()), default=0)
        if highest <= self.at:
            raise Endless("no higher id than that of the page before")
        self.at = highest
        return "?" + self.first(query)


@dataclass
class ByLink:
    """Each page links to the next: in its `Link` header, in a header that holds only the address, or in its body."""

    said: Paginator
    again: bool = False
    short: bool = False

    def first(self, query: str) -> str:
        return _sized(self.said, query)

    def next(self, sheet: Sheet, query: str, link: Callable[[str], str]) -> str | None:
        if self.said.kind == "link_header":
            target = next_in_header(sheet.headers)
        elif self.said.header:
            target = sheet.headers.get(self.said.header)
        else:
            target = next_in_body(sheet.facts, self.said.path)
        return link(target) if target else None


@dataclass
class Found:
    """No paginator was declared: what the first answer shows is followed, else it is all."""

    again: bool = False
    short: bool = False
    inner: Pager | None = None

    def first(self, query: str) -> str:
        return query

    def next(self, sheet: Sheet, query: str, link: Callable[[str], str]) -> str | None:
        if self.inner is not None:
            found = self.inner.next(sheet, query, link)
            self.short = self.inner.short
            return found
        self.inner = self._recognised(sheet)
        if isinstance(self.inner, Numbered) and self.inner.said.size:
            self.again = True
            return "?" + self.inner.first(query)
        if isinstance(self.inner, Numbered):
            self.inner.first(query)
        return self.next(sheet, query, link)

    def _recognised(self, sheet: Sheet) -> Pager:
        if next_in_header(sheet.headers):
            return ByLink(Paginator(kind="link_header"))
        if next_in_body(sheet.facts, None):
            return ByLink(Paginator(kind="next_url"))
        if first_of(sheet.facts, _CURSOR_PATHS) not in (None, "", False):
            return ByCursor(Paginator(kind="cursor"))
        pages = first_of(sheet.facts, _PAGES_PATHS)
        if isinstance(pages, int) and not isinstance(pages, bool) and pages > 1:
            return Numbered(_numbered_like(sheet.facts))
        return Single()


def _numbered_like(facts: Mapping[str, Any]) -> Paginator:
    """Page numbers as an answer shows them; its own word for the size is used to ask for larger pages."""
    number = first_of(facts, ("meta.page", "meta.current_page", "page", "pagination.page", "current_page"))
    first = 0 if number == 0 and not isinstance(number, bool) else 1
    size = first_of(facts, ("meta.per_page", "per_page", "pagination.per_page"))
    if isinstance(size, int) and not isinstance(size, bool) and size < BETTER_SIZE:
        return Paginator(kind="page_number", first=first, size_param="per_page", size=BETTER_SIZE)
    return Paginator(kind="page_number", first=first)


def _sized(said: Paginator, query: str) -> str:
    if not said.size_param:
        return query
    return f"{query}{'&' if query else ''}{quote(said.size_param)}={said.size}"


def next_in_header(headers: Mapping[str, str]) -> str | None:
    """The target of `Link: <…>; rel="next"`."""
    text = headers.get("Link")
    if not text:
        return None
    return next((m[1] for m in _LINK.finditer(text) if _REL_NEXT.search(m[2])), None)


def next_in_body(facts: Mapping[str, Any], path: str | None) -> str | None:
    """The address of the next page in a body, at a path or where such addresses usually are."""
    for place in (path,) if path else _NEXT_PATHS:
        found = dig(facts, place)
        found = found.get("href") if isinstance(found, dict) else found
        if isinstance(found, str) and found and (path or found.startswith(("http:", "https:", "/", "?"))):
            return found
    return None


def pager_for(said: Paginator | None) -> Pager:
    """A fresh pager for one listing."""
    if said is None:
        return Found()
    if said.kind in ("page_number", "offset"):
        return Numbered(said)
    if said.kind == "cursor":
        return ByCursor(said)
    if said.kind == "after":
        return After(said)
    return Single() if said.kind == "single" else ByLink(said)


class Endless(Exception):
    """A listing repeats itself."""


@dataclass(frozen=True, slots=True)
class Ask:
    """How pages are asked for: by their address, or with what would stand in its query as the JSON of a body."""

    method: str
    base: str
    params: Mapping[str, Any]
    said: Paginator | None
    headers: Mapping[str, str]

    def request(self, url: str) -> tuple[str, bytes | None]:
        """Address and body for a page whose address is written with its place in the listing."""
        if self.method == "GET":
            return url, None
        said = self.said
        numbers = (said.size_param, said.offset_param, said.page_param) if said is not None else ()
        own = url.startswith(self.base)
        place = parse_qsl(url[len(self.base) :].lstrip("?&")) if own else []
        at = {name: int(text) if name in numbers else text for name, text in place}
        return self.base if own else url, encode({**self.params, **at})


Parse = Callable[[str, Answer, bool], Sheet]
"""From address, answer, and whether the page need not exist."""


async def sheets(
    client: Client, listing: Listing, extra: Mapping[str, Any], parse: Parse, errors: Errors
) -> AsyncIterator[Sheet]:
    """The pages of one listing; the next one is asked for while the current one is handled.

    Raises Unreachable, Unauthorized, ProtocolError; the latter also for a listing without end.
    """
    pager = pager_for(listing.paginator)
    params = {**listing.params, **extra}
    query = urlencode(params, safe="$", quote_via=quote) if listing.method == "GET" else ""
    base = client.url(listing.path)
    ask = Ask(listing.method, base, params, listing.paginator, listing.headers)
    joint = "&" if "?" in base else "?"
    first = pager.first(query)
    url: str | None = base + joint + first if first else base
    ahead = asyncio.ensure_future(_load(client, ask, url or base, parse, errors, False))
    watch = Watch()
    try:
        while url is not None:
            sheet = await ahead
            if sheet.beyond or watch.ends(client, sheet, pager):
                return
            url = _next(client, listing, pager, sheet, query, base, joint)
            if url is not None:
                ahead = asyncio.ensure_future(_load(client, ask, url, parse, errors, pager.short))
            if pager.again:
                pager.again = False
                watch = Watch()
                continue
            yield sheet
    finally:
        ahead.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await ahead


async def _load(client: Client, ask: Ask, url: str, parse: Parse, errors: Errors, optional: bool) -> Sheet:
    target, body = ask.request(url)
    return await client.get(
        target,
        lambda answer: parse(url, answer, optional),
        errors,
        method=ask.method,
        body=body,
        headers=ask.headers,
    )


def _next(
    client: Client, listing: Listing, pager: Pager, sheet: Sheet, query: str, base: str, joint: str
) -> str | None:
    named = dig(sheet.facts, listing.base) if listing.base else None
    try:
        start = client.resolve(named, sheet.url) if isinstance(named, str) and named else sheet.url
        found = pager.next(sheet, query, lambda link: client.resolve(link, start))
    except Endless as error:
        raise ProtocolError(
            client.system.name, f"{client.named('GET', sheet.url)}: {error}; the listing does not end"
        ) from None
    return base + joint + found[1:] if found is not None and found.startswith("?") else found


class Watch:
    """Sees to it that a listing ends."""

    def __init__(self) -> None:
        self._marks: set[Hashable] = set()
        self._urls: set[str] = set()
        self._empty = 0

    def ends(self, client: Client, sheet: Sheet, pager: Pager) -> bool:
        """Whether this page repeats the last one of a system that has none behind it. Raises ProtocolError."""
        self._empty = 0 if sheet.count else self._empty + 1
        told = bool(sheet.records or sheet.ids)
        repeated = sheet.url in self._urls or (told and sheet.mark in self._marks)
        if repeated and pager.short and isinstance(pager, Numbered | Found):
            return True
        if repeated or self._empty > MOST_EMPTY_PAGES:
            raise ProtocolError(
                client.system.name,
                f"{client.named('GET', sheet.url)}: the listing does not end, its pages repeat",
                hint="does list.paginator name the parameters that this system knows?",
            )
        self._urls.add(sheet.url)
        self._marks.add(sheet.mark)
        return False
