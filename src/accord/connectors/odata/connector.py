"""An OData service behind the seam: `$metadata` says what there is, the parts of the REST connector do the work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from accord.config.meaning import Datatype, System
from accord.connectors.odata.delta import DELTA, TRACK, DeltaReader
from accord.connectors.odata.describe import likely_keys, schemas, set_for, unknown_paths
from accord.connectors.odata.literals import Keys, condition, spoken
from accord.connectors.odata.metadata import EntitySet, NoMetadata, read_metadata
from accord.connectors.odata.options import SetOptions, calls_of, service_options, set_options, top_of
from accord.connectors.rest.answers import Answer, Unfit
from accord.connectors.rest.client import Client
from accord.connectors.rest.creates import Creator
from accord.connectors.rest.options import DatatypeOptions, Errors
from accord.connectors.rest.reading import Reader, expect_success
from accord.connectors.rest.records import Shape
from accord.connectors.rest.single import PointReader
from accord.connectors.rest.together import together
from accord.connectors.rest.writes import Writer
from accord.errors import AccordError, ProtocolError, Unauthorized
from accord.model import Absence, Natives, Outcome, OutcomeKind, Record
from accord.ports import Capabilities, Cursor, DatatypeSchema, Discovered, Expects, NewRecord, Page

NO_DELTA = "the service offers no delta links: everything is listed each time; say `changes: modified`, or `none`"
NO_ETAG = "no record shows an ETag: leave out `version: etag`, it would check nothing"
NEEDS_ETAG = "the service wants an ETag: say `version: etag` for this datatype"


@dataclass(frozen=True, slots=True)
class _Calls:
    """Everything that serves one datatype."""

    told: EntitySet
    keys: Keys
    options: DatatypeOptions
    shape: Shape
    lister: Reader
    point: PointReader
    writer: Writer
    creator: Creator


class ODataConnector:
    """One service that speaks OData 4."""

    def __init__(self, system: System) -> None:
        """Raises MendFile when the options cannot be used."""
        self.system = system
        self._said: dict[str, SetOptions] = {name: set_options(one) for name, one in system.datatypes.items()}
        self._client = Client(system, service_options(system))
        self._paths: Mapping[str, Sequence[str]] = {}
        self._calls: dict[str, _Calls] = {}
        self._sets: dict[str, EntitySet] | None = None
        self._asking = asyncio.Lock()

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self._client.requests

    @requests.setter
    def requests(self, count: int) -> None:
        self._client.requests = count

    async def open(self, paths: Mapping[str, Sequence[str]]) -> None:
        """Get ready to read these properties. Connects lazily."""
        self._paths = paths
        self._calls = {}
        self._sets = None
        self._asking = asyncio.Lock()
        await self._client.close()
        self._client.open()

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()

    def capabilities(self, datatype: str) -> Capabilities:
        """What the service can do with a datatype, as the project file says."""
        said, options = self.system.datatypes[datatype], self._said[datatype]
        check = said.version
        return Capabilities(
            changed_since=options.changes != "none",
            deleted_feed=options.changes == "delta" or (options.changes == "modified" and said.deleted is not None),
            version_check=None if check is None else "etag" if check.kind == "etag" else "version",
            own_key=said.key_property is not None,
            find=options.find,
            ordered=said.ordered,
            read_only=self.system.read_only,
        )

    async def read(self, datatype: str, cursor: Cursor) -> AsyncIterator[Page]:
        """List what changed since the cursor, or everything. Raises Unreachable, Unauthorized or ProtocolError."""
        calls = await self._for(datatype)
        if self._said[datatype].changes == "delta":
            fetch = partial(self.fetch, datatype)
            pages = DeltaReader(self._client, calls.options, calls.lister, calls.shape, calls.keys, fetch).read(cursor)
        else:
            pages = calls.lister.read(calls.shape, cursor)
        async for page in pages:
            yield page

    async def fetch(self, datatype: str, ids: Sequence[str]) -> dict[str, Record | Absence]:
        """Read single records by id; what is not of the key's type is no record. Raises Unreachable, Unauthorized."""
        calls = await self._for(datatype)
        asked = [id for id in ids if calls.keys.may_be(id)]
        seen = await together(calls.point.look(id) for id in asked)
        found = {id: one if isinstance(one, Absence) else one.record for id, one in zip(asked, seen, strict=True)}
        return {id: found.get(id, Absence.GONE) for id in ids}

    async def find(self, datatype: str, by: Natives) -> list[Record]:
        """Search records by properties: a `$filter`, or the whole listing where the service cannot be asked."""
        calls = await self._for(datatype)
        known = {*self._said[datatype].find, self.system.datatypes[datatype].key_property}
        asked = condition({path: value for path, value in by.items() if path in known}, calls.told.properties)
        if asked is None:
            return []
        listing = calls.options.listing
        own = self._said[datatype].filter
        both = " and ".join(f"({part})" for part in (own, asked) if part)
        extra = {"$select": ",".join(dict.fromkeys([*listing.params["$select"].split(","), *map(top_of, by)]))}
        return await calls.lister.search(calls.shape, listing, extra | ({"$filter": both} if both else {}), by)

    async def create(self, datatype: str, new: Sequence[NewRecord]) -> list[Outcome]:
        """Create records, one outcome each, in order."""
        calls = await self._for(datatype)
        return await calls.creator.create(
            [replace(one, natives=spoken(one.natives, calls.told.properties)) for one in new]
        )

    async def update(self, datatype: str, id: str, patch: Natives, expects: Expects) -> Outcome:
        """Change only these properties of a record that is still as expected."""
        calls = await self._for(datatype)
        if not calls.keys.may_be(id):
            return Outcome(kind=OutcomeKind.STALE, message="there can be no such record")
        return _hinted(await calls.writer.update(id, spoken(patch, calls.told.properties), expects))

    async def delete(self, datatype: str, id: str, expects: Expects) -> Outcome:
        """Delete a record that is still as expected; already when it is gone.

        A service may answer 412 also for a record that is gone: there is nothing with that ETag.
        """
        calls = await self._for(datatype)
        if not calls.keys.may_be(id):
            return Outcome(kind=OutcomeKind.ALREADY)
        outcome = await calls.writer.delete(id, expects)
        if outcome.kind is OutcomeKind.STALE and await calls.point.look(id) is Absence.GONE:
            return Outcome(kind=OutcomeKind.ALREADY)
        return _hinted(outcome)

    async def schema(self) -> Mapping[str, DatatypeSchema]:
        """What `$metadata` tells of the datatypes of the file. Raises SystemFailure."""
        return {
            name: DatatypeSchema(name=name, properties=schemas((await self._for(name)).told))
            for name in self.system.datatypes
        }

    async def discover(self, sample: int) -> Sequence[Discovered]:
        """Every entity set, those of the file first. Raises SystemFailure."""
        sets = await self._metadata()
        named = {self._said[name].name: datatype for name, datatype in self.system.datatypes.items()}
        return [
            await self._discovered(named.get(name), sets[name], sample)
            for name in [*(name for name in named if name in sets), *(name for name in sets if name not in named)]
        ]

    async def _discovered(self, datatype: Datatype | None, told: EntitySet, sample: int) -> Discovered:
        keys = likely_keys(told)
        if datatype is not None:
            keys |= {"id": datatype.id, **({"modified": datatype.modified} if datatype.modified else {})}
        one = datatype or Datatype(system=self.system.name, name=told.name, title=told.name, id=str(keys["id"]))
        samples: list[Mapping[str, Any]] = []
        if sample > 0 and told.key_fault() is None and one.id == told.key[0]:
            options = calls_of(one, set_options(one), told, tuple(told.properties))
            # what cannot be listed by us is told of all the same
            with suppress(ProtocolError, Unauthorized):
                samples = await Reader(self._client, self.system, one, options).some(sample)
        shown = [{name: value for name, value in record.items() if "@" not in name} for record in samples]
        return Discovered(name=one.name, keys=keys, properties=schemas(told), samples=shown)

    async def check(self) -> list[tuple[str, bool, str]]:
        """For each datatype: whether it fits `$metadata`, and can be read."""
        return [await self._checked(name) for name in self.system.datatypes]

    async def _checked(self, name: str) -> tuple[str, bool, str]:
        try:
            calls = await self._for(name)
            missing = unknown_paths(calls.told, tuple(self._paths.get(name, ())))
            if missing:
                return name, False, f"{calls.told.name} has no property {', '.join(missing)}"
            said = await self._tried(calls, self._said[name].changes == "delta")
        except AccordError as error:
            return name, False, f"{error.message}; {error.hint}" if error.hint else error.message
        if calls.told.etags and self.system.datatypes[name].version is None:
            said += "; the service checks ETags: say `version: etag`, and it refuses stale writes by itself"
        return name, True, said

    async def _tried(self, calls: _Calls, delta: bool) -> str:
        """How many records there are, and whether delta links are offered where they are wanted."""
        listing = replace(calls.options.listing, params={**calls.options.listing.params, "$top": "1"})
        if delta:
            listing = replace(listing, headers={"Prefer": TRACK})
        async for sheet in calls.lister.sheets(calls.shape, listing, {}):
            said = [f"readable, {sheet.total if sheet.total is not None else 'some'} records"]
            if delta and TRACK not in sheet.headers.get("Preference-Applied", "") and DELTA not in sheet.facts:
                said.append(NO_DELTA)
            check = calls.shape.datatype.version
            if check is not None and check.kind == "etag" and any(one.version is None for one in sheet.records):
                said.append(NO_ETAG)
            return "; ".join(said)
        return "readable"

    async def _metadata(self) -> dict[str, EntitySet]:
        async with self._asking:
            if self._sets is None:
                url = self._client.url("/$metadata")
                accept = {"Accept": "application/xml"}
                self._sets = await self._client.get(
                    url, lambda answer: self._read(url, answer), Errors(), headers=accept
                )
            return self._sets

    def _read(self, url: str, answer: Answer) -> dict[str, EntitySet]:
        expect_success(self._client, url, answer)
        try:
            return read_metadata(answer.body)
        except NoMetadata as error:
            raise Unfit(str(error)) from None

    async def _for(self, name: str) -> _Calls:
        calls = self._calls.get(name)
        if calls is None:
            calls = self._calls[name] = self._made(name, await self._metadata())
        return calls

    def _made(self, name: str, sets: Mapping[str, EntitySet]) -> _Calls:
        datatype, said = self.system.datatypes[name], self._said[name]
        told = set_for(datatype, said.name, sets)
        paths = tuple(self._paths.get(name, ()))
        options = calls_of(datatype, said, told, paths)
        shape = Shape(datatype, self.system.clock.zone, paths)
        point = PointReader(self._client, options, shape)
        writer = Writer(self._client, options, shape, point)
        creator = Creator(self._client, options, shape, point, writer)
        lister = Reader(self._client, self.system, datatype, options)
        keys = Keys(told.properties[datatype.id].type)
        return _Calls(told, keys, options, shape, lister, point, writer, creator)


def _hinted(outcome: Outcome) -> Outcome:
    """A 428 says what is missing, and not where it is said."""
    if outcome.kind is OutcomeKind.REJECTED and (outcome.message or "").startswith(("428", "status 428")):
        return replace(outcome, message=f"{outcome.message}; {NEEDS_ETAG}")
    return outcome
