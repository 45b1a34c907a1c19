"""The bare client: lists both sides, compares by key, writes the differences. No state but the keys of the last run,
no preconditions, no journal, no limits: what a good script of a hundred lines does.

`python -m bench.bare PMS_URL ERP_URL KEYS.json`
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Coroutine, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import msgspec

from bench import ERP_TOKEN, PMS_TOKEN

CONCURRENCY = 32
PAGE = 1000
BATCH = 100
OSLO = ZoneInfo("Europe/Oslo")
encode = msgspec.json.Encoder().encode


class Contact(msgspec.Struct):
    name: str | None = None
    email: str | None = None


class Pms(msgspec.Struct):
    id: int
    name: str
    org_number: str | None
    phone: str | None
    country: str | None
    website: str | None
    contact: Contact
    updated_at: str

    def values(self) -> tuple[str | None, ...]:
        c = self.contact
        return (self.name, self.org_number, c.email, c.name, self.phone, self.country, self.website)


class Erp(msgspec.Struct):
    customer_no: str
    customer_name: str
    vat_no: str | None
    email: str | None
    contact_name: str | None
    phone: str | None
    country: str | None
    website: str | None
    remarks: str | None
    external_ref: str | None
    version: int
    changed_at: str

    def values(self) -> tuple[str | None, ...]:
        return (self.customer_name, self.vat_no, self.email, self.contact_name, self.phone, self.country, self.website)


class PmsPage(msgspec.Struct):
    data: list[Pms]
    meta: dict[str, int]


class ErpPage(msgspec.Struct):
    items: list[Erp]
    next: str | None


pms_page = msgspec.json.Decoder(PmsPage).decode
erp_page = msgspec.json.Decoder(ErpPage).decode


class Side:
    """One system: its session, and at most 32 requests at once."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.slots = asyncio.Semaphore(CONCURRENCY)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.session = aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0))

    async def call(self, method: str, path: str, body: Any = None) -> bytes:
        """One request; whatever is no success ends the script."""
        data = None if body is None else encode(body)
        async with self.slots, self.session.request(method, self.url + path, data=data) as answer:
            content = await answer.read()
            if answer.status >= 300:
                raise RuntimeError(f"{method} {path}: {answer.status} {content[:200]!r}")
            return content


async def list_pms(side: Side) -> dict[str, Pms]:
    """All customers by key; the pages after the first a few at a time."""
    first = pms_page(await side.call("GET", f"/customers?per_page={PAGE}&page=1"))
    found = {c.org_number or "": c for c in first.data}
    some = asyncio.Semaphore(2)

    async def take(number: int) -> None:
        async with some:
            page = pms_page(await side.call("GET", f"/customers?per_page={PAGE}&page={number}"))
            found.update((c.org_number or "", c) for c in page.data)

    await asyncio.gather(*(take(number) for number in range(2, first.meta["pages"] + 1)))
    return found


async def list_erp(side: Side) -> dict[str, Erp]:
    """All customers by key."""
    found: dict[str, Erp] = {}
    cursor: str | None = ""
    while cursor is not None:
        page = erp_page(await side.call("GET", f"/customers?limit={PAGE}&cursor={cursor}"))
        found.update((c.vat_no or "", c) for c in page.items)
        cursor = page.next
    return found


def as_pms(c: Erp) -> dict[str, Any]:
    """A customer of CustomERP in the words of CustomPMS."""
    contact = {"name": c.contact_name, "email": c.email}
    values = {"phone": c.phone, "country": c.country, "website": c.website, "contact": contact}
    return {"name": c.customer_name, "org_number": c.vat_no, **values}


def as_erp(c: Pms) -> dict[str, Any]:
    """A customer of CustomPMS in the words of CustomERP."""
    values = {"phone": c.phone, "country": c.country, "website": c.website}
    contact = {"email": c.contact.email, "contact_name": c.contact.name}
    return {"customer_name": c.name, "vat_no": c.org_number, **contact, **values}


async def all_of(work: Iterable[Coroutine[Any, Any, bytes]]) -> None:
    """Everything; each side lets through what it can take."""
    await asyncio.gather(*work)


def writes(
    pms: Side, erp: Side, ours: dict[str, Pms], theirs: dict[str, Erp], before: set[str]
) -> Iterable[Coroutine[Any, Any, bytes]]:
    """One call for each difference. A key that was on both sides at the last run and is on one now was deleted."""
    news: list[dict[str, Any]] = []
    for key, c in ours.items():
        if key in theirs:
            continue
        if key in before:
            yield pms.call("DELETE", f"/customers/{c.id}")
        else:
            news.append(as_erp(c))
    for start in range(0, len(news), BATCH):
        yield erp.call("POST", "/customers/batch", news[start : start + BATCH])
    for key, e in theirs.items():
        mine = ours.get(key)
        if mine is not None:
            if mine.values() != e.values():
                yield _update(pms, erp, mine, e)
        elif key in before:
            yield erp.call("DELETE", f"/customers/{e.customer_no}")
        else:
            yield pms.call("POST", "/customers", as_pms(e))


def _update(pms: Side, erp: Side, c: Pms, e: Erp) -> Coroutine[Any, Any, bytes]:
    """The last writer wins."""
    if datetime.fromisoformat(c.updated_at) >= datetime.fromisoformat(e.changed_at).replace(tzinfo=OSLO):
        whole = {**as_erp(c), "remarks": e.remarks, "external_ref": e.external_ref, "version": e.version}
        return erp.call("PUT", f"/customers/{e.customer_no}", whole)
    return pms.call("PATCH", f"/customers/{c.id}", as_pms(e))


async def run(pms_url: str, erp_url: str, before: set[str]) -> set[str]:
    """One run; the keys that are on both sides for the next one."""
    pms, erp = Side(pms_url, PMS_TOKEN), Side(erp_url, ERP_TOKEN)
    async with pms.session, erp.session:
        ours, theirs = await asyncio.gather(list_pms(pms), list_erp(erp))
        await all_of(writes(pms, erp, ours, theirs, before))
    return (ours.keys() & theirs.keys()) | ((ours.keys() | theirs.keys()) - before)


def main(pms_url: str, erp_url: str, file: Path) -> None:
    """Read the keys of the last run, run, write those of this one."""
    before = set(json.loads(file.read_text())) if file.exists() else set()
    file.write_text(json.dumps(sorted(asyncio.run(run(pms_url, erp_url, before)))))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
