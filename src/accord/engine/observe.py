"""Read every datatype: only what changed where the system can tell, else everything. Changed records go to the inbox.

A page is handled when it arrives; a record whose fingerprint is known costs nothing more. The cursor moves after
everything read before it is stored. What a complete listing does not show, or shows as deleted, is asked for by id
before it counts as gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import blake2b

from accord.config.load import mapping_version
from accord.core.linkplan import HeldItem
from accord.core.mapping import FlowMap
from accord.engine.created_since import must_be_listed
from accord.engine.setting import Setting
from accord.errors import ExpressionError, ProtocolError, SystemFailure
from accord.model import Absence, Record, Ref, fingerprint, json_bytes, json_text
from accord.ports import Connector, CursorExpired, Page
from accord.stored import CursorRow

CONFIRM = 50
"""How many absent records are asked for by id at a time."""


async def observe(setting: Setting) -> None:
    """Read every datatype of the selected flows, all systems at once. A system that fails is left alone."""
    by_system: dict[str, list[str]] = {}
    for system, datatype in _places(setting):
        by_system.setdefault(system, []).append(datatype)
    await asyncio.gather(*(_observe_system(setting, system, names) for system, names in by_system.items()))


async def follow_hints(setting: Setting) -> None:
    """Read the records that hints name. A hint is no value and no deletion: what counts is the answer of the system.

    Hints of what no flow selected here uses are passed over; the cursors stay where they are.
    """
    named: dict[tuple[str, str], dict[str, None]] = {}
    places = _places(setting)
    for ref in setting.options.hints:
        if (ref.system, ref.datatype) in places:
            named.setdefault((ref.system, ref.datatype), {})[ref.id] = None
    for (system, datatype), ids in named.items():
        if system in setting.tally.failed:
            continue
        try:
            await _Reader(setting, system, datatype).read_named(list(ids))
        except SystemFailure as error:
            setting.tally.fail(error)


def _places(setting: Setting) -> dict[tuple[str, str], None]:
    """(system, datatype) of all that is read anew in this round, in order."""
    return dict.fromkeys(
        (system, side.side.datatype)
        for flow in setting.selected()
        for system, side in flow.sides.items()
        if not setting.options.systems or system in setting.options.systems
    )


class _Unbelieved(ProtocolError):
    """A complete listing that left out many records that exist."""


async def _observe_system(setting: Setting, system: str, datatypes: Sequence[str]) -> None:
    whole: list[_Reader] = []
    for datatype in datatypes:
        if system in setting.tally.failed:
            return
        reader = _Reader(setting, system, datatype)
        try:
            if await reader.read():
                whole.append(reader)
        except SystemFailure as error:
            setting.tally.fail(error)
            if isinstance(error, _Unbelieved):  # what its other listings left out just now would be missed for long
                for each in whole:
                    each.forget()


@dataclass(slots=True)
class _Listing:
    """What a listing has shown so far: one bit for each known record, so that memory does not grow with them."""

    listed: bytearray
    upto: int
    count: int = 0
    known: int = 0
    doubtful: list[str] = field(default_factory=list)
    """Ids that are deleted as far as the listing says."""
    back: list[str] = field(default_factory=list)
    """Ids that are shown although their records were deleted, as far as we know."""
    complete: bool = False
    total: int | None = None
    """How many records the system says there are, at the end of a complete listing."""

    def mark(self, rows: Iterable[int]) -> None:
        """These were shown. A row that is above the highest one at the start is new, and not asked about."""
        for row in rows:
            if row <= self.upto:
                self.listed[row >> 3] |= 1 << (row & 7)


class _Reader:
    """One datatype, read once."""

    def __init__(self, setting: Setting, system: str, datatype: str) -> None:
        self.setting = setting
        self.system, self.datatype = system, datatype
        self.connector: Connector = setting.connectors[system]
        self.observed = setting.state.observed
        self.place = setting.place(system, datatype)
        self.flows: list[FlowMap] = setting.flows_of(system, datatype)
        self.mapping = place_mapping(setting, self.flows)
        self.unreadable = setting.state.held.alone_refs()
        self.salt = blake2b(self.mapping.encode(), digest_size=16).digest()

    async def read(self) -> bool:
        """Read, confirm what seems to be gone, move the cursor; whether everything was listed."""
        cursor = self.observed.cursor(self.place)
        if not self._must_be_full(cursor):
            with suppress(CursorExpired):
                return await self._read(cursor, full=False)
        return await self._read(cursor, full=True)

    async def _read(self, cursor: CursorRow | None, *, full: bool) -> bool:
        listing = self._new_listing(full)
        mark = None if full or cursor is None else cursor.mark
        async for page in self.connector.read(self.datatype, mark):
            await self._page(page, listing)
            if page.cursor is not None:
                mark = page.cursor
                if not full and (page.records or page.deleted):
                    await self._pass_by(listing, mark)
            listing.complete |= page.complete
            listing.total = page.total if page.complete else listing.total
            self.setting.progress(f"reading {self.system} {self.datatype}", listing.count, page.total)
        unlisted = full and listing.complete and not self.observed.all_listed(self.place, listing.listed, listing.upto)
        await self._confirm(listing.doubtful)
        await self._confirm_back(listing.back)
        if unlisted:
            await self._absent(listing, cursor)
        complete = full and listing.complete
        if complete and (cursor is None or cursor.complete_at is None) and self._is_sure(listing):
            self.setting.observed_complete.add((self.system, self.datatype))
        now = self.setting.now
        self.observed.set_cursor(
            self.place, mark, self.mapping, now, now if complete else None, listing.count if complete else None
        )
        return full

    def forget(self) -> None:
        """Have everything listed again in the next round."""
        self.setting.observed_complete.discard((self.system, self.datatype))
        self.observed.set_cursor(self.place, None, self.mapping, self.setting.now, None, None)

    async def _pass_by(self, listing: _Listing, mark: object) -> None:
        """Move the cursor past pages that are stored, so that a listing that is interrupted goes on from there."""
        await self._confirm(listing.doubtful)
        await self._confirm_back(listing.back)
        listing.doubtful.clear()
        listing.back.clear()
        self.observed.set_cursor(self.place, mark, self.mapping, self.setting.now, None, None)

    async def read_named(self, ids: Sequence[str]) -> None:
        """Read some records by id, known or not; what was never seen and is gone leaves no trace."""
        for start in range(0, len(ids), CONFIRM):
            some = ids[start : start + CONFIRM]
            gone, records = await self._ask(some)
            members = set(self._members(some))
            for flow in self.flows:
                self.setting.tally.flows[flow.name]["observed"] += len(records)
            self._take_in_named(records, [id for id in gone if id in members], [id for id in gone if id not in members])

    def _take_in_named(self, records: Sequence[Record], gone: Sequence[str], strangers: Sequence[str]) -> None:
        prints = [self.print(record) for record in records]
        shown = [(record.id, new) for record, new in zip(records, prints, strict=True)]
        with self.setting.state.db.transaction():
            changed, _ = self.observed.diff(self.place, shown)
            fresh = sorted(changed)
            self._bring([records[n] for n in fresh], [prints[n] for n in fresh])
            self.observed.take_in_gone(self.place, gone)
            self._forget(strangers)

    def _is_sure(self, listing: _Listing) -> bool:
        """Whether a listing cannot have been short: it is not empty, and the system counts as many itself."""
        exact = self.connector.capabilities(self.datatype).exact_listing
        return listing.count > 0 and (exact or listing.total is not None)

    def _must_be_full(self, cursor: CursorRow | None) -> bool:
        if self.setting.options.full or cursor is None or cursor.mark is None or cursor.mapping != self.mapping:
            return True
        if not self.connector.capabilities(self.datatype).changed_since or cursor.complete_at is None:
            return True
        if must_be_listed(self.setting, self.system, self.datatype):
            return True
        age = self.setting.now - cursor.complete_at
        return age > timedelta(seconds=self.setting.project.schedule.full_every)

    def _new_listing(self, full: bool) -> _Listing:
        upto = self.observed.highest() if full else 0
        return _Listing(listed=bytearray((upto >> 3) + 1), upto=upto)

    async def _page(self, page: Page, listing: _Listing) -> None:
        records = page.records
        prints = [self.print(record) for record in records]
        changed, rows = self.observed.diff(
            self.place, [(record.id, new) for record, new in zip(records, prints, strict=True)]
        )
        listing.count += len(records)
        for flow in self.flows:
            self.setting.tally.flows[flow.name]["observed"] += len(records)
        listing.mark(rows)
        self._take(records, prints, changed, listing)
        listing.doubtful += page.deleted
        for failure in page.failures:
            self._hold_failure(failure.id, failure.message)

    def _take(self, records: Sequence[Record], prints: Sequence[bytes], changed: set[int], listing: _Listing) -> None:
        if not changed:
            return
        fresh, fresh_prints = [], []
        for position in sorted(changed):
            record = records[position]
            if self._is_deleted(record):
                listing.doubtful.append(record.id)
            else:
                fresh.append(record)
                fresh_prints.append(prints[position])
        readable = [ref for record in fresh if json_text([ref := self._ref(record)]) in self.unreadable]
        with self.setting.state.db.transaction():
            reused = self.observed.highest() < listing.upto
            self._bring(fresh, fresh_prints)
            if reused:  # another reading has forgotten the highest row: its number is given again
                shown = [(record.id, new) for record, new in zip(fresh, fresh_prints, strict=True)]
                listing.mark(self.observed.diff(self.place, shown)[1])
            listing.back += self._once_gone([record.id for record in fresh])
            self.setting.state.held.close_of(readable, self.setting.now)

    def _bring(self, records: Sequence[Record], prints: Sequence[bytes]) -> None:
        self.observed.take_in(self.place, records, prints, self.setting.run)

    def _ref(self, record: Record) -> str:
        return self._ref_of(record.id)

    def _ref_of(self, id: str) -> str:
        return str(Ref(self.system, self.datatype, id))

    def print(self, record: Record) -> bytes:
        """The fingerprint of a record: its mapped content, and its version where the listing tells it."""
        return record_print(record, self.salt)

    def _is_deleted(self, record: Record) -> bool:
        deleted = self.flows[0].sides[self.system].deleted
        if deleted is None:
            return False
        try:
            return deleted.test(record.natives())
        except ExpressionError as error:
            self._hold_failure(record.id, error.message)
            return False

    async def _confirm(self, ids: Sequence[str]) -> int:
        """Ask for records by id that seem to be gone, where they are members; how many are still there."""
        members = self._members(ids)
        there = 0
        for start in range(0, len(members), CONFIRM):
            there += await self._confirm_some(members[start : start + CONFIRM])
        await self._leave_out(ids)
        return there

    async def _leave_out(self, ids: Sequence[str]) -> None:
        """Forget those that are in no link and not there any more."""
        strangers = set(ids) - set(self._members(ids))
        await self._close_reviews(sorted(id for id in strangers if json_text([self._ref_of(id)]) in self.unreadable))
        await self._note_gone(sorted(self.setting.state.links.closed_with(self.place, sorted(strangers))))
        self._forget(strangers)

    async def _note_gone(self, ids: Sequence[str]) -> None:
        """Records of closed links that are deleted now: what comes under such an id one day is another one."""
        for start in range(0, len(ids), CONFIRM):
            gone, _ = await self._ask(ids[start : start + CONFIRM])
            self.setting.state.links.note_gone(self.place, gone)

    def _forget(self, ids: Iterable[str]) -> None:
        refs = [(self.place, id) for id in ids]
        self.observed.forget(refs)
        self.observed.done(refs)

    def _once_gone(self, ids: Sequence[str]) -> list[str]:
        """Those whose links were closed because they were gone, and that are in no other link."""
        closed = self.setting.state.links.closed_with(self.place, ids)
        links = self.setting.state.links.load(sorted(set(closed.values())), closed=True) if closed else {}
        gone = {member.ref.id for link in links.values() for member in link.members if member.gone}
        return sorted(gone.intersection(closed).difference(self._members(list(closed))))

    async def _confirm_back(self, ids: Sequence[str]) -> None:
        """An old listing still shows what was deleted: what its system calls gone has not come back."""
        for start in range(0, len(ids), CONFIRM):
            gone, _ = await self._ask(ids[start : start + CONFIRM])
            self._forget(gone)

    async def _close_reviews(self, ids: Sequence[str]) -> None:
        """What was held about records in no link needs nobody once they are gone."""
        answers = await self.connector.fetch(self.datatype, ids) if ids else {}
        gone = [self._ref_of(id) for id, answer in answers.items() if answer is Absence.GONE]
        self.setting.state.held.close_of(gone, self.setting.now)

    def _members(self, ids: Sequence[str]) -> list[str]:
        found = self.setting.state.links.of([Ref(self.system, self.datatype, id) for id in ids])
        return sorted({ref.id for ref in found})

    async def _confirm_some(self, ids: Sequence[str]) -> int:
        gone, records = await self._ask(ids)
        self._take_in_asked(gone, records)
        return len(records)

    async def _ask(self, ids: Sequence[str]) -> tuple[list[str], list[Record]]:
        """Which of these records the system itself calls gone, and those that are there."""
        answers = await self.connector.fetch(self.datatype, ids)
        gone = [id for id, answer in answers.items() if answer is Absence.GONE or self._shown_deleted(answer)]
        records = [a for a in answers.values() if isinstance(a, Record) and not self._shown_deleted(a)]
        self.setting.progress(f"asking for records of {self.system} {self.datatype}", len(ids), None)
        return gone, records

    def _take_in_asked(self, gone: Sequence[str], records: Sequence[Record]) -> None:
        with self.setting.state.db.transaction():
            self.observed.take_in_gone(self.place, gone)
            self._bring(records, [self.print(record) for record in records])

    def _shown_deleted(self, answer: Record | Absence) -> bool:
        return isinstance(answer, Record) and self._is_deleted(answer)

    async def _absent(self, listing: _Listing, cursor: CursorRow | None) -> None:
        """What a complete listing did not show. One that leaves out many records that exist is not believed."""
        absent = list(self.observed.absent(self.place, listing.listed, listing.upto))
        if not absent:
            return
        probe, rest = absent[:CONFIRM], absent[CONFIRM:]
        gone, records = await self._ask(self._members(probe))
        there = len(records)
        if there > max(5, len(probe) // 2) or (there and not listing.count):
            listing.complete = False
            self._take_in_asked((), records)  # what it says is gone counts as little as the listing
            raise _Unbelieved(
                self.system,
                f"the listing of {self.datatype} left out {there} of {len(probe)} records that exist",
                hint="nothing was taken as deleted and nothing was created; the next round reads it again",
            )
        self._take_in_asked(gone, records)
        await self._leave_out(probe)
        await self._confirm(rest)

    def _hold_failure(self, id: str | None, message: str) -> None:
        ref = str(Ref(self.system, self.datatype, id)) if id else f"{self.system}/{self.datatype}"
        item = HeldItem(kind="value", reason=f"this record cannot be read: {message}", refs=(ref,))
        self.setting.state.held.open_alone(item, self.flows[0].name, self.setting.now, self.setting.run)


def record_print(record: Record, salt: bytes) -> bytes:
    """16 bytes for the mapped content of a record and its version."""
    if record.version is None:
        return fingerprint(record.content, salt)
    return fingerprint(record.content + json_bytes(record.version), salt)


def place_mapping(setting: Setting, flows: Sequence[FlowMap]) -> str:
    """What decides how records of a datatype are read, in a word."""
    return "+".join(mapping_version(setting.as_written, flow.name) for flow in flows)


def place_salt(setting: Setting, system: str, datatype: str) -> bytes:
    """The salt of the fingerprints of a datatype."""
    if (system, datatype) not in setting.salts:
        mapping = place_mapping(setting, setting.flows_of(system, datatype))
        setting.salts[system, datatype] = blake2b(mapping.encode(), digest_size=16).digest()
    return setting.salts[system, datatype]
