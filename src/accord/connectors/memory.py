"""The connector of systems in memory: as `MemorySystem` behaves, and as its faults strike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from accord.config.meaning import System
from accord.connectors.memory_behaviour import (
    Behaviour,
    Effect,
    Refused,
    TickingClock,
    cut,
    default,
    empty_to_null,
    in_bin,
    is_listed,
    null_to_empty,
    rounded,
    trim,
    upper,
    version_of,
)
from accord.connectors.memory_faults import LOST_AFTER, LOST_BEFORE, LOST_EITHER, OF_ONE_RECORD, UNFIT, Fault
from accord.connectors.memory_system import MEMORY_SYSTEMS, Data, MemorySystem
from accord.connectors.paths import differs, flat, get_path, set_path
from accord.errors import MendFile, ProtocolError, Unauthorized, Unreachable
from accord.model import ABSENT, Absence, Natives, Outcome, OutcomeKind, Record, encode_content
from accord.ports import Capabilities, Cursor, DatatypeSchema, Expects, NewRecord, Page, PropertySchema, RecordFailure

__all__ = [
    "MEMORY_SYSTEMS",
    "Behaviour",
    "Effect",
    "Fault",
    "MemoryConnector",
    "MemorySystem",
    "Refused",
    "TickingClock",
    "cut",
    "default",
    "empty_to_null",
    "null_to_empty",
    "rounded",
    "trim",
    "upper",
]

LOST = "the answer was lost"
LONGEST_WAIT = 60.0
STALE = Outcome(kind=OutcomeKind.STALE, message="the record has changed")
Act = Callable[[], Outcome]


@dataclass(slots=True)
class _Listing:
    """Where a listing stands between two pages."""

    since: datetime | None
    offset: int = 0
    last: str | None = None
    ids: set[str] = field(default_factory=set)
    """What was shown so far."""
    odd: list[RecordFailure] = field(default_factory=list)
    """Records of this page that cannot be read."""
    whole: bool = True
    """Whether the total fits, as far as one is told."""


class MemoryConnector:
    """A connection to a system in memory. Several may share one, as several processes would."""

    def __init__(self, system: System, store: MemorySystem | None = None) -> None:
        self.system = system
        self.requests = 0
        self._store = store if store is not None else _instance(system)
        self._paths: dict[str, tuple[str, ...]] = {}

    async def open(self, paths: Mapping[str, Sequence[str]]) -> None:
        """See `Connector`."""
        self._paths = {name: tuple(found) for name, found in paths.items()}

    async def close(self) -> None:
        """See `Connector`."""

    def capabilities(self, datatype: str) -> Capabilities:
        """As the behaviour of the datatype is switched."""
        behaviour = self._behaviour(datatype)
        return Capabilities(
            changed_since=behaviour.changed_since is not None and behaviour.modified is not None,
            deleted_feed=behaviour.deleted_feed,
            version_check=behaviour.version_check,
            own_key=behaviour.key_property is not None,
            idempotent_create=behaviour.idempotent,
            find=behaviour.find,
            batch=behaviour.batch,
            ordered=behaviour.ordered,
            read_only=self.system.read_only,
        )

    async def read(self, datatype: str, cursor: Cursor) -> AsyncIterator[Page]:
        """See `Connector`. The next reading starts at the system's own time when this one began, less its tolerance."""
        behaviour = self._behaviour(datatype)
        known = self.capabilities(datatype).changed_since
        since = datetime.fromisoformat(cursor["since"]) if known and cursor else None
        next_cursor = {"since": self._next_since(behaviour)} if known else None
        listing, shown = _Listing(since=since), tuple[Record, ...]()
        while True:
            page, more = await self._page(datatype, listing, shown)
            shown, failures = tuple(page), tuple(listing.odd)
            listing.odd.clear()
            if not more:
                yield self._last_page(datatype, Page(records=page, failures=failures), listing, next_cursor)
                return
            yield Page(records=page, failures=failures)

    async def fetch(self, datatype: str, ids: Sequence[str]) -> dict[str, Record | Absence]:
        """See `Connector`. One request for each id."""
        return {id: await self._fetch_one(datatype, id) for id in dict.fromkeys(ids)}

    async def find(self, datatype: str, by: Natives) -> list[Record]:
        """See `Connector`."""
        fault = await self._begin("find", datatype, None)
        self._raise_read_fault(fault)
        hidden = self._store.hidden(datatype)
        behaviour = self._behaviour(datatype)
        found = [
            self._record(datatype, data)
            for id, data in self._store.tables[datatype].records.items()
            if differs(data, by) is None and id not in hidden and not in_bin(behaviour, data)
        ]
        self._store.end("find", datatype, None)
        return found

    async def create(self, datatype: str, new: Sequence[NewRecord]) -> list[Outcome]:
        """See `Connector`. One request for all of them; each outcome stands alone."""
        fault = await self._begin("create", datatype, None)
        acts = [self._creation(datatype, item) for item in new]
        outcomes = [self._strike(fault, act) for act in acts]
        if fault is not None and fault.name == "item_missing":
            outcomes[-1] = Outcome(kind=OutcomeKind.UNKNOWN, message="the answer does not name it")
        self._store.end("create", datatype, _first_id(outcomes))
        return outcomes

    async def update(self, datatype: str, id: str, patch: Natives, expects: Expects) -> Outcome:
        """See `Connector`. Without a version check: a point read, a comparison, then the write."""

        if self._behaviour(datatype).whole_put:
            return await self._put_whole(datatype, id, patch, expects)

        def change() -> Outcome:
            self._store.update(datatype, id, patch)
            return Outcome(kind=OutcomeKind.APPLIED, record=self._stored(datatype, id))

        return await self._guarded("update", datatype, id, expects, change)

    async def _put_whole(self, datatype: str, id: str, patch: Natives, expects: Expects) -> Outcome:
        """Read the record and send all of it back; without a version check, what is saved in between is overwritten."""
        now = await self._fetch_one(datatype, id)
        if not isinstance(now, Record):
            return STALE if now is Absence.GONE else Outcome(kind=OutcomeKind.REJECTED, message="it cannot be read")
        by_version = expects.version is not None and now.version is not None
        if now.version != expects.version if by_version else differs(now.natives(), expects.natives) is not None:
            return STALE
        whole = self._store.get(datatype, id) or {}

        def put() -> Outcome:
            record = dict(whole)
            for path, value in self._store.changeable(datatype, patch).items():
                set_path(record, path, value)
            self._store.replace(datatype, id, record)
            return Outcome(kind=OutcomeKind.APPLIED, record=self._stored(datatype, id))

        fault = await self._begin("update", datatype, id)
        ground = Expects(version=now.version) if now.version is not None else Expects()
        outcome = self._strike(fault, lambda: self._checked("update", datatype, id, ground, put))
        self._store.end("update", datatype, id)
        return outcome

    async def delete(self, datatype: str, id: str, expects: Expects) -> Outcome:
        """See `Connector`."""

        def remove() -> Outcome:
            self._store.delete(datatype, id)
            return Outcome(kind=OutcomeKind.APPLIED)

        return await self._guarded("delete", datatype, id, expects, remove)

    async def schema(self) -> Mapping[str, DatatypeSchema]:
        """What must be given and what cannot be written."""
        return {name: _schema(name, table.behaviour) for name, table in self._store.tables.items()}

    # one request

    async def _begin(self, operation: str, datatype: str, id: str | None) -> Fault | None:
        """The request arrives; what only delays it is over then. Gives the fault that strikes it."""
        tries = 0
        while True:
            await asyncio.sleep(0)
            self.requests += 1
            fault = self._store.begin(operation, datatype, id)
            if fault is None or fault.name not in ("too_many", "token_expired"):
                return self._met(fault)
            tries += 1
            self._again(fault, tries)

    def _again(self, fault: Fault, tries: int) -> None:
        """Before a request is sent once more that certainly had no effect. Raises Unauthorized, Unreachable."""
        if fault.name == "token_expired":
            if tries > 1:
                raise Unauthorized(self.system.name, "401, our credentials are refused")
        elif tries > self.system.limits.retries or fault.seconds > LONGEST_WAIT:
            raise Unreachable(self.system.name, f"429; it asks to wait {fault.seconds:.0f} s")
        else:
            self._store.pass_time(fault.seconds or 1.0)

    def _met(self, fault: Fault | None) -> Fault | None:
        name = fault.name if fault is not None else None
        if name == "unreachable":
            raise Unreachable(self.system.name, "does not answer")
        if name == "unauthorized":
            raise Unauthorized(self.system.name, "refuses the credentials")
        if fault is not None and name == "slow":
            self._store.pass_time(fault.seconds)
        return fault

    def _is_too_slow(self, fault: Fault | None) -> bool:
        return fault is not None and fault.name == "slow" and fault.seconds > self.system.limits.timeout

    def _raise_read_fault(self, fault: Fault | None) -> None:
        name = fault.name if fault is not None else None
        if name in UNFIT:
            raise ProtocolError(self.system.name, f"an answer that is no listing ({name})")
        if name == "collection_forbidden":
            raise Unauthorized(self.system.name, "403, we may not read this collection")
        if name in LOST_BEFORE | LOST_AFTER | LOST_EITHER or self._is_too_slow(fault):
            raise Unreachable(self.system.name, LOST)

    async def _fetch_one(self, datatype: str, id: str) -> Record | Absence:
        fault = await self._begin("get", datatype, id)
        name = fault.name if fault is not None else None
        if name in OF_ONE_RECORD:
            return Absence.FAILED
        self._raise_read_fault(fault)
        store = self._store
        ago = fault.after if fault is not None and name == "stale_replica" else None
        records = store.tables[datatype].records if ago is None else store.as_of(datatype, store.requests - ago)
        data = None if store.is_invisible(datatype, id) else records.get(id)
        store.end("get", datatype, id)
        if name == "forbidden":
            return Absence.FORBIDDEN
        try:
            return Absence.GONE if data is None else self._record(datatype, data, fault)
        except ValueError:
            return Absence.FAILED

    def _creation(self, datatype: str, new: NewRecord) -> Act:
        def act() -> Outcome:
            id, known = self._store.create(datatype, new.natives, new.token)
            kind = OutcomeKind.ALREADY if known else OutcomeKind.APPLIED
            return Outcome(kind=kind, record=self._stored(datatype, id))

        return act

    async def _guarded(self, operation: str, datatype: str, id: str, expects: Expects, act: Act) -> Outcome:
        check = self._behaviour(datatype).version_check
        if check is None and expects.natives:
            now = await self._fetch_one(datatype, id)
            if now is Absence.FORBIDDEN:
                return Outcome(kind=OutcomeKind.REJECTED, message="we may not see the record")
            if now is Absence.FAILED:
                return Outcome(kind=OutcomeKind.STALE, message="the record could not be read before the write")
            if isinstance(now, Record) and differs(now.natives(), expects.natives) is not None:
                return STALE
        fault = await self._begin(operation, datatype, id)
        if fault is not None and fault.name == "touched" and id in self._store.tables[datatype].records:
            self._store.touch(datatype, id)
        outcome = self._strike(fault, lambda: self._checked(operation, datatype, id, expects, act))
        self._store.end(operation, datatype, id)
        return outcome

    def _checked(self, operation: str, datatype: str, id: str, expects: Expects, act: Act) -> Outcome:
        """What the system itself does with a write to one record."""
        behaviour = self._behaviour(datatype)
        data = self._store.tables[datatype].records.get(id)
        if data is None or in_bin(behaviour, data) or self._store.is_invisible(datatype, id):
            return Outcome(kind=OutcomeKind.ALREADY) if operation == "delete" else STALE
        return STALE if self._moved(behaviour, data, expects) else act()

    def _moved(self, behaviour: Behaviour, data: Data, expects: Expects) -> bool:
        if behaviour.version_check == "version" and behaviour.version and expects.version is not None:
            return bool(get_path(data, behaviour.version) != expects.version)
        return behaviour.version_check is not None and differs(data, expects.natives) is not None

    def _strike(self, fault: Fault | None, act: Act) -> Outcome:
        """Carry a write out, or do to it what the fault does."""
        if fault is None:
            return _tried(act)
        name, random = fault.name, self._store.random
        if name == "stale":
            return STALE
        if name in ("rejected", "forbidden") or (name == "batch_in_part" and random.random() < fault.share):
            return Outcome(kind=OutcomeKind.REJECTED, message="the system refuses it")
        if name == "late_effect":
            self._store.later(fault.after, lambda: _tried(act))
        elif self._is_done_and_lost(fault) or (name in LOST_EITHER and random.random() < 0.5):
            _tried(act)
        elif name not in LOST_BEFORE | LOST_EITHER:
            return _tried(act)
        return Outcome(kind=OutcomeKind.UNKNOWN, message=LOST)

    def _is_done_and_lost(self, fault: Fault) -> bool:
        return fault.name in LOST_AFTER or fault.name == "batch_mixed_up" or self._is_too_slow(fault)

    # listing

    async def _page(self, datatype: str, listing: _Listing, shown: tuple[Record, ...]) -> tuple[list[Record], bool]:
        fault = await self._begin("list", datatype, None)
        self._raise_read_fault(fault)
        name = fault.name if fault is not None else None
        rows, more = self._rows(datatype, listing, fault if name in ("stale_list", "order_changes") else None)
        if name == "empty_list":
            rows, more = [], False
        elif fault is not None and name == "short_list":
            rows = [row for row in rows if self._store.random.random() >= fault.share]
        elif name == "page_drift":
            rows = rows[1:]
        page = []
        for data in rows:
            try:
                page.append(self._record(datatype, data, fault))
            except ValueError as error:
                id = str(get_path(data, self._behaviour(datatype).id))
                listing.odd.append(RecordFailure(id=id, message=str(error)))
        if name == "one_record_twice":
            page = [*(shown or page)[-1:], *page]
        listing.ids.update((*(record.id for record in page), *(failure.id or "" for failure in listing.odd)))
        listing.whole &= name not in ("wrong_total", "stale_list")
        self._store.end("list", datatype, None)
        return page, more

    def _rows(self, datatype: str, listing: _Listing, fault: Fault | None) -> tuple[list[Data], bool]:
        """The next page of the records that match, and whether there are more; moves the listing on."""
        store, behaviour = self._store, self._behaviour(datatype)
        ago = fault.after if fault is not None and fault.name == "stale_list" else None
        records = store.tables[datatype].records if ago is None else store.as_of(datatype, store.requests - ago)
        hidden = store.hidden(datatype)
        matching = [
            id for id, data in records.items() if id not in hidden and is_listed(behaviour, data, listing.since)
        ]
        if fault is not None and fault.name == "order_changes":
            store.random.shuffle(matching)
        if behaviour.ordered:
            matching.sort(key=_id_order)
            start = next((at for at, id in enumerate(matching) if _after(id, listing.last)), len(matching))
        else:
            start = listing.offset
        ids = matching[start : start + behaviour.page_size]
        listing.offset += len(ids)
        listing.last = ids[-1] if ids else listing.last
        return [records[id] for id in ids], start + behaviour.page_size < len(matching)

    def _last_page(self, datatype: str, page: Page, listing: _Listing, cursor: Cursor) -> Page:
        behaviour, table = self._behaviour(datatype), self._store.tables[datatype]
        since, deleted, total = listing.since, list[str](), None
        if behaviour.deleted_feed and since is not None:
            deleted = [id for at, id in table.deleted if at >= since]
        if behaviour.total and since is None:
            hidden = self._store.hidden(datatype)
            total = sum(is_listed(behaviour, data, None) for id, data in table.records.items() if id not in hidden)
            listing.whole &= not listing.ids or len(listing.ids) == total  # what answers with nothing counts nothing
            total = total if listing.ids else 0
        complete = since is None and (listing.whole or not behaviour.total)
        return replace(page, deleted=deleted, cursor=cursor, complete=complete, total=total)

    def _next_since(self, behaviour: Behaviour) -> str:
        overlap = self.system.clock.tolerance + behaviour.resolution
        return (self._store.now(behaviour) - timedelta(seconds=overlap)).isoformat()

    # records

    def _behaviour(self, datatype: str) -> Behaviour:
        return self._store.tables[datatype].behaviour

    def _shown(self, datatype: str) -> tuple[str, ...]:
        paths, dropped = self._paths.get(datatype, ()), self._behaviour(datatype).dropped
        return tuple(path for path in paths if path not in dropped) if dropped else paths

    def _stored(self, datatype: str, id: str) -> Record:
        return self._record(datatype, self._store.tables[datatype].records[id])

    def _record(self, datatype: str, data: Data, fault: Fault | None = None) -> Record:
        behaviour = self._behaviour(datatype)
        id = get_path(data, behaviour.id)
        modified = get_path(data, behaviour.modified) if behaviour.modified else ABSENT
        return Record(
            id=str(id),
            native_id=id,
            content=encode_content(flat(data, self._shown(datatype))),
            version=None if fault is not None and fault.name == "null_version" else version_of(behaviour, data),
            modified=datetime.fromisoformat(modified) if isinstance(modified, str) else None,
        )


def _instance(system: System) -> MemorySystem:
    name = str(system.options.get("instance", system.name))
    if name not in MEMORY_SYSTEMS:
        raise MendFile(
            f"{system.name}: there is no system {name!r} in memory", hint="make one: MemorySystem(instance=…)"
        )
    return MEMORY_SYSTEMS[name]


def _tried(act: Act) -> Outcome:
    try:
        return act()
    except Refused as refused:
        return Outcome(kind=OutcomeKind.REJECTED, message=refused.message, conflicting=refused.conflicting)


def _first_id(outcomes: list[Outcome]) -> str | None:
    return next((outcome.record.id for outcome in outcomes if outcome.record is not None), None)


def _id_order(id: str) -> tuple[int, str]:
    return (int(id), "") if id.isdecimal() else (0, id)


def _after(id: str, last: str | None) -> bool:
    return last is None or _id_order(id) > _id_order(last)


def _schema(name: str, behaviour: Behaviour) -> DatatypeSchema:
    paths = sorted({*behaviour.required, *behaviour.read_only}) if behaviour.told else []
    return DatatypeSchema(
        name=name,
        properties={
            path: PropertySchema(path=path, required=path in behaviour.required, read_only=path in behaviour.read_only)
            for path in paths
        },
    )
