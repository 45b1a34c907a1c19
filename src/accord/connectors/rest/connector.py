"""A REST system behind the seam: everything is put together here, and nothing is decided."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from accord.config.meaning import Datatype, System
from accord.connectors.rest.client import Client
from accord.connectors.rest.creates import Creator, safe_in_batch
from accord.connectors.rest.options import DatatypeOptions, Find, Listing, query_text, read_datatype, read_system
from accord.connectors.rest.reading import Reader
from accord.connectors.rest.records import Shape
from accord.connectors.rest.single import PointReader
from accord.connectors.rest.templates import as_param, filled
from accord.connectors.rest.together import together
from accord.connectors.rest.writes import Writer
from accord.errors import AccordError
from accord.model import Absence, Natives, Outcome, Record
from accord.ports import Capabilities, Cursor, DatatypeSchema, Discovered, Expects, NewRecord, Page


@dataclass(frozen=True, slots=True)
class _Calls:
    """Everything that serves one datatype."""

    datatype: Datatype
    options: DatatypeOptions
    shape: Shape
    lister: Reader
    point: PointReader
    writer: Writer
    creator: Creator


class RestConnector:
    """One system that speaks JSON over HTTP."""

    def __init__(self, system: System) -> None:
        """Raises MendFile when the options cannot be used."""
        self.system = system
        self._options = {name: self._read(datatype) for name, datatype in system.datatypes.items()}
        self._client = self._reached()
        self._paths: Mapping[str, Sequence[str]] = {}
        self._calls: dict[str, _Calls] = {}

    def _read(self, datatype: Datatype) -> DatatypeOptions:
        """The calls of a datatype, as the file describes them."""
        return read_datatype(datatype)

    def _reached(self) -> Client:
        """What sends the requests. Raises MendFile."""
        return Client(self.system, read_system(self.system))

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
        await self._client.close()
        self._client.open()

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()

    def capabilities(self, datatype: str) -> Capabilities:
        """What the system can do with a datatype, as the project file describes it."""
        said, options = self.system.datatypes[datatype], self._options[datatype]
        listing, create = options.listing, options.create
        changes = listing.changed_since is not None and said.modified is not None
        batch = create.batch.size if create.batch and safe_in_batch(options, said.key_property) else 1
        return Capabilities(
            changed_since=changes,
            deleted_feed=changes and (listing.deleted_feed is not None or said.deleted is not None),
            version_check=None if said.version is None else "etag" if said.version.kind == "etag" else "version",
            deletes_checked=said.version is None or said.version.deletes,
            own_key=said.key_property is not None,
            idempotent_create=bool(create.idempotency_header)
            and (batch == 1 or bool(create.batch and create.batch.key)),
            find=options.find.by if options.find else (),
            batch=batch,
            ordered=said.ordered,
            read_only=self.system.read_only,
        )

    async def read(self, datatype: str, cursor: Cursor) -> AsyncIterator[Page]:
        """List what changed since the cursor, or everything. Raises Unreachable, Unauthorized or ProtocolError."""
        calls = self._for(datatype)
        async for page in calls.lister.read(calls.shape, cursor):
            yield page

    async def fetch(self, datatype: str, ids: Sequence[str]) -> dict[str, Record | Absence]:
        """Read single records by id. Raises Unreachable or Unauthorized."""
        point = self._for(datatype).point
        found = await together(point.look(id) for id in ids)
        return {id: seen if isinstance(seen, Absence) else seen.record for id, seen in zip(ids, found, strict=True)}

    async def find(self, datatype: str, by: Natives) -> list[Record]:
        """Search records by properties; where the system cannot, its whole listing is filtered."""
        calls = self._for(datatype)
        listing = replace(calls.options.listing, deleted_feed=None)
        search = calls.options.find
        extra = {} if search is None else _searched(search, listing, by)
        if search is not None and extra:
            listing = replace(listing, path=search.path)
        return await calls.lister.search(calls.shape, listing, extra, by)

    async def create(self, datatype: str, new: Sequence[NewRecord]) -> list[Outcome]:
        """Create records, one outcome each, in order."""
        return await self._for(datatype).creator.create(new)

    async def update(self, datatype: str, id: str, patch: Natives, expects: Expects) -> Outcome:
        """Change only these properties of a record that is still as expected."""
        return await self._for(datatype).writer.update(id, patch, expects)

    async def delete(self, datatype: str, id: str, expects: Expects) -> Outcome:
        """Delete a record that is still as expected; already when it is gone."""
        return await self._for(datatype).writer.delete(id, expects)

    async def schema(self) -> Mapping[str, DatatypeSchema]:
        """A REST system tells nothing about its datatypes."""
        return {}

    async def discover(self, sample: int) -> Sequence[Discovered]:
        """The datatypes of the file; what they have is read off some of their records."""
        found = []
        for name, datatype in self.system.datatypes.items():
            samples = await self.samples(name, sample)
            keys = {"path": datatype.options.get("path"), "id": datatype.id}
            found.append(Discovered(name=name, keys=keys, properties={}, samples=samples))
        return found

    async def samples(self, datatype: str, sample: int) -> Sequence[Mapping[str, Any]]:
        """Some records of a datatype, nested as the system sends them. Raises SystemFailure."""
        return await self._for(datatype).lister.some(max(1, sample))

    async def check(self) -> list[tuple[str, bool, str]]:
        """For each datatype: whether its listing can be read, and what it showed or why not."""
        return [await self._checked(name) for name in self.system.datatypes]

    async def _checked(self, name: str) -> tuple[str, bool, str]:
        calls = self._for(name)
        listing = calls.options.listing
        if listing.paginator is not None and listing.paginator.size_param:
            listing = replace(listing, paginator=replace(listing.paginator, size=1))
        pages = calls.lister.sheets(calls.shape, listing, {})
        try:
            async for sheet in pages:
                if sheet.failures and not sheet.records:
                    return name, False, f"no record can be taken: {sheet.failures[0].message}"
                return name, True, f"readable, {sheet.total} records" if sheet.total is not None else "readable"
        except AccordError as error:
            return name, False, error.message
        return name, True, "readable, empty"

    def _described(self, name: str) -> Datatype:
        """A datatype as its calls see it."""
        return self.system.datatypes[name]

    def _for(self, name: str) -> _Calls:
        calls = self._calls.get(name)
        if calls is None:
            calls = self._calls[name] = self._made(name)
        return calls

    def _made(self, name: str) -> _Calls:
        datatype, options = self._described(name), self._options[name]
        asked = options.listing.changed_since
        shape = Shape(datatype, self.system.clock.zone, self._paths.get(name, ()), asked.format if asked else None)
        point = PointReader(self._client, options, shape)
        writer = Writer(self._client, options, shape, point)
        creator = Creator(self._client, options, shape, point, writer)
        lister = Reader(self._client, self.system, datatype, options)
        return _Calls(datatype, options, shape, lister, point, writer, creator)


def _searched(search: Find, listing: Listing, by: Natives) -> dict[str, Any]:
    """The parameters of a search by those properties that it knows; of two for one parameter, the first."""
    extra: dict[str, Any] = {}
    for path, value in by.items():
        if path not in search.by or value is None or isinstance(value, list | dict):
            continue
        if search.filter is None:
            extra.setdefault(search.param_of(path), query_text(value))
        else:
            found = filled(search.filter, {"path": path, "value": value})
            extra.setdefault(search.param_of(path), as_param(found, listing))
    return extra
