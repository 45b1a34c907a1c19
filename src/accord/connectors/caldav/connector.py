"""A CalDAV server behind the seam. What a task is stands in `todo.py`, how it is written in `writing.py`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from zoneinfo import ZoneInfo

from accord.config.meaning import Datatype, System
from accord.connectors.caldav.calendars import Calendar, Calendars, chunks, tokens_of
from accord.connectors.caldav.dav import Dav
from accord.connectors.caldav.known import SCHEMA
from accord.connectors.caldav.reading import TaskReader
from accord.connectors.caldav.writing import TaskWriter
from accord.connectors.rest.client import Client
from accord.connectors.rest.options import read_system
from accord.connectors.rest.together import together
from accord.errors import AccordError
from accord.model import Absence, Natives, Outcome, Record
from accord.ports import (
    Capabilities,
    Cursor,
    CursorExpired,
    DatatypeSchema,
    Discovered,
    Expects,
    NewRecord,
    Page,
)

ACCEPT = "text/calendar, application/xml, text/xml;q=0.9, */*;q=0.1"
FOUND_BY = {"uid": "UID", "summary": "SUMMARY"}


class CaldavConnector:
    """One server, or one account of it."""

    def __init__(self, system: System) -> None:
        """Raises MendFile when the options cannot be used."""
        self.system = system
        options = read_system(system)
        self._client = Client(system, replace(options, headers={"Accept": ACCEPT, **options.headers}))
        self._dav = Dav(self._client)
        self._paths: Mapping[str, Sequence[str]] = {}
        self._readers: dict[str, TaskReader] = {}

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self._client.requests

    @requests.setter
    def requests(self, count: int) -> None:
        self._client.requests = count

    async def open(self, paths: Mapping[str, Sequence[str]]) -> None:
        """Get ready to read these properties. Connects lazily."""
        self._paths, self._readers = paths, {}
        await self._client.close()
        self._client.open()

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()

    def capabilities(self, datatype: str) -> Capabilities:
        """The same of every server; one without sync tokens is listed as a whole each time."""
        told = self.system.datatypes[datatype]
        sync = bool(told.options.get("sync", True))
        return Capabilities(
            changed_since=sync,
            deleted_feed=sync,
            version_check="etag",
            own_key=told.key_property is not None,
            idempotent_create=True,
            find=tuple(FOUND_BY),
            read_only=self.system.read_only,
        )

    async def read(self, datatype: str, cursor: Cursor) -> AsyncIterator[Page]:
        """List everything, or what changed since the sync tokens of the last reading."""
        reader = self._reader(datatype)
        known = tokens_of(cursor)
        calendars = await reader.calendars.all()
        if known.keys() - {calendar.name for calendar in calendars}:
            raise CursorExpired  # a calendar is gone, and nothing tells what was in it
        tokens: dict[str, str] = {}
        for calendar in calendars:
            pages = self._read_one(reader, calendar, known.get(calendar.name), tokens)
            async for page in pages:
                yield page
        whole = not known
        mark = {"tokens": tokens} if calendars and len(tokens) == len(calendars) else None
        yield Page(cursor=mark, complete=whole)

    async def _read_one(
        self, reader: TaskReader, calendar: Calendar, since: str | None, tokens: dict[str, str]
    ) -> AsyncIterator[Page]:
        """Pages of one calendar; its new token is put into `tokens`. What is saved meanwhile does not lie before it."""
        if since is None:
            for names in chunks(await reader.calendars.tasks(calendar)):
                yield await reader.page(calendar, names)
            if calendar.token is not None:
                tokens[calendar.name] = calendar.token
            return
        more = True
        while more:
            part = await reader.calendars.changes(calendar, since)
            for names in chunks(part.names):
                yield await reader.page(calendar, names)
            if part.deleted:
                yield Page(deleted=reader.forgotten(calendar, part.deleted))
            since, more = part.token, part.more
        tokens[calendar.name] = since

    async def fetch(self, datatype: str, ids: Sequence[str]) -> dict[str, Record | Absence]:
        """Read single records by id. Raises Unreachable or Unauthorized."""
        reader = self._reader(datatype)
        found = await together(reader.one(id) for id in ids)
        return {id: each if isinstance(each, Absence) else each.record for id, each in zip(ids, found, strict=True)}

    async def find(self, datatype: str, by: Natives) -> list[Record]:
        """Search by UID or SUMMARY where one is given; else the whole listing is filtered."""
        return await self._reader(datatype).found(by, FOUND_BY)

    async def create(self, datatype: str, new: Sequence[NewRecord]) -> list[Outcome]:
        """Create records, one outcome each, in order. The key of a create is the UID of the task."""
        writer = TaskWriter(self._reader(datatype))
        return [await writer.create(each) for each in new]

    async def update(self, datatype: str, id: str, patch: Natives, expects: Expects) -> Outcome:
        """Change only these properties of a task that is still as expected."""
        return await TaskWriter(self._reader(datatype)).update(id, patch, expects)

    async def delete(self, datatype: str, id: str, expects: Expects) -> Outcome:
        """Delete a task that is still as expected; already when it is gone."""
        return await TaskWriter(self._reader(datatype)).delete(id, expects)

    async def schema(self) -> Mapping[str, DatatypeSchema]:
        """What RFC 5545 says of a task."""
        return {name: DatatypeSchema(name=name, properties=SCHEMA) for name in self.system.datatypes}

    async def discover(self, sample: int) -> Sequence[Discovered]:
        """The datatypes of the file, and each calendar below a `home`."""
        found = []
        for name, told in self.system.datatypes.items():
            with self._reading(name, tuple(SCHEMA)) as reader:
                for calendar in await reader.calendars.all():
                    names = (await reader.calendars.tasks(calendar))[: max(1, sample)]
                    pages = [await reader.page(calendar, some) for some in chunks(names)]
                    samples = [record.natives() for page in pages for record in page.records]
                    called = calendar.name or name
                    keys = {"path": self._dav_path(calendar)} if calendar.name else {"path": told.options.get("path")}
                    found.append(Discovered(name=called, keys=keys, properties=SCHEMA, samples=samples))
        return found

    def _dav_path(self, calendar: Calendar) -> str:
        base = self._client.url("").rstrip("/")
        return calendar.url.removeprefix(base) or "/"

    async def check(self) -> list[tuple[str, bool, str]]:
        """For each datatype: whether its calendars can be read, and whether the server tells what changed."""
        return [await self._checked(name) for name in self.system.datatypes]

    async def _checked(self, name: str) -> tuple[str, bool, str]:
        reader = self._reader(name)
        try:
            calendars = await reader.calendars.all()
            for calendar in calendars:
                await reader.calendars.tasks(calendar)
        except AccordError as error:
            return name, False, error.message
        if not calendars:
            return name, False, "there is no calendar that takes tasks (VTODO)"
        dumb = [calendar.title for calendar in calendars if calendar.token is None]
        said = f"readable, {len(calendars)} calendars" if reader.calendars.is_home else "readable"
        if dumb and self.capabilities(name).changed_since:
            said += "; without sync tokens, so everything is read each time (say `sync: false`)"
        return name, True, said

    def _reader(self, name: str) -> TaskReader:
        reader = self._readers.get(name)
        if reader is None:
            reader = self._readers[name] = self._made(name, self._paths.get(name, ()))
        return reader

    @contextmanager
    def _reading(self, name: str, paths: Sequence[str]) -> Iterator[TaskReader]:
        """A reader of other paths, for once."""
        yield self._made(name, paths)

    def _made(self, name: str, paths: Sequence[str]) -> TaskReader:
        told: Datatype = self.system.datatypes[name]
        return TaskReader(
            Calendars(self._dav, told), self._client, told, tuple(paths), ZoneInfo(self.system.clock.zone)
        )
