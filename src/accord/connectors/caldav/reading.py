"""Tasks as records: pages of a listing, single ones, and the ids behind the UIDs of their parents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from zoneinfo import ZoneInfo

from accord.config.meaning import Datatype
from accord.connectors.caldav.calendars import Calendar, Calendars, chunks
from accord.connectors.caldav.dav import CALDAV, DAV, ERRORS, Response
from accord.connectors.caldav.times import Unreadable
from accord.connectors.caldav.todo import PARENT, Todo, has_task
from accord.connectors.rest.answers import Answer
from accord.connectors.rest.client import Client, InternalError, shown
from accord.connectors.rest.compare import has_values
from accord.connectors.rest.times import read_time
from accord.errors import ProtocolError
from accord.model import Absence, Native, Natives, Record, encode_content
from accord.ports import Page, RecordFailure

CALENDAR = "calendar"
PLAIN = {"Accept-Encoding": "identity"}
"""A packed answer has another ETag at some servers than the object itself."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One task as the server showed it."""

    record: Record
    todo: Todo
    etag: str | None


class TaskReader:
    """Reads the tasks of one datatype, with these paths."""

    def __init__(
        self, calendars: Calendars, client: Client, datatype: Datatype, paths: tuple[str, ...], zone: ZoneInfo
    ) -> None:
        self.calendars = calendars
        self.client = client
        self.datatype = datatype
        self.paths = paths
        self.zone = zone
        self._names: dict[tuple[str, str], str] = {}
        """(calendar, UID) → name of the object; only kept where parents are mapped."""

    async def page(self, calendar: Calendar, names: Sequence[str]) -> Page:
        """Some objects of a listing; those that are no tasks, or were deleted meanwhile, are not in it."""
        found = await self.calendars.objects(calendar, names)
        failures = [
            RecordFailure(id=calendar.id(name), message="the server does not mention it when it is asked for it")
            for name in names
            if name not in found
        ]
        todos: dict[str, tuple[Todo, str | None]] = {}
        for name, said in found.items():
            try:
                if (taken := self._taken(said)) is not None:
                    todos[name] = taken
            except Unreadable as error:
                failures.append(RecordFailure(id=calendar.id(name), message=str(error)))
        parents = await self._parents(calendar, {name: todo for name, (todo, _) in todos.items()})
        records = []
        for name, (todo, etag) in todos.items():
            try:
                records.append(self.record(calendar, name, todo, etag, parents))
            except ValueError as error:  # Unreadable, or nested too deeply
                failures.append(RecordFailure(id=calendar.id(name), message=str(error)))
        return Page(records=records, failures=failures)

    def _taken(self, said: Response) -> tuple[Todo, str | None] | None:
        if said.status in (404, 410):
            return None
        text = said.text(f"{CALDAV}calendar-data")
        if said.status != 200 or text is None:
            raise Unreadable(f"status {said.status}" if said.status != 200 else "shown without its data")
        raw = text.encode()
        return (Todo(raw, self.zone), strong(said.text(f"{DAV}getetag"))) if has_task(raw) else None

    def forgotten(self, calendar: Calendar, names: Iterable[str]) -> list[str]:
        """The ids of objects that are gone."""
        gone = set(names)
        self._names = {key: name for key, name in self._names.items() if key[0] != calendar.name or name not in gone}
        return [calendar.id(name) for name in sorted(gone)]

    async def one(self, id: str) -> Seen | Absence:
        """One task by id. Raises Unreachable or Unauthorized."""
        place = self.calendars.split(id)
        return Absence.GONE if place is None else await self.look(*place)

    async def look(self, calendar: Calendar, name: str) -> Seen | Absence:
        """One task by its name in a calendar. Raises Unreachable or Unauthorized."""
        answer = await self._get(calendar.place(name))
        if isinstance(answer, Absence):
            return answer
        try:
            todo = Todo(answer.body, self.zone)
            parents = await self._parents(calendar, {name: todo})
            etag = strong(answer.headers.get("ETag"))
            return Seen(self.record(calendar, name, todo, etag, parents), todo, etag)
        except ValueError:  # Unreadable, or nested too deeply
            return Absence.FAILED

    async def _get(self, url: str) -> Answer | Absence:
        def parse(answer: Answer) -> Answer | Absence:
            if answer.status == 200:
                return answer
            if answer.status in (404, 410):
                return Absence.GONE
            return Absence.FORBIDDEN if answer.status == 403 else Absence.FAILED

        try:
            return await self.client.get(url, parse, ERRORS, headers=PLAIN)
        except InternalError:
            return Absence.FAILED

    def record(
        self, calendar: Calendar, name: str, todo: Todo, etag: str | None, parents: Mapping[str, str] | None = None
    ) -> Record:
        """A task as a record. Raises Unreadable, or ValueError when it is nested too deeply."""
        parents = parents if parents is not None else self._known_parent(calendar, todo)
        natives: dict[str, Native] = {}
        for path in self.paths:
            if path == CALENDAR:
                natives[path] = calendar.name or self.calendars.only().url.rpartition("/")[2]
            elif path == self.datatype.id:
                natives[path] = calendar.id(name)
            elif path == PARENT:
                uid = todo.parent
                natives[path] = None if uid is None else calendar.id(parents.get(uid, name_for(uid)))
            else:
                natives[path] = todo.native(path)
        modified = todo.native(self.datatype.modified) if self.datatype.modified else None
        time = read_time(modified, self.zone, None) if isinstance(modified, str) else None
        id = calendar.id(name)
        return Record(id, id, encode_content(natives), etag, time)

    def _known_parent(self, calendar: Calendar, todo: Todo) -> dict[str, str]:
        uid = _parent(todo)
        name = None if uid is None else self._names.get((calendar.name, uid))
        return {} if uid is None or name is None else {uid: name}

    async def _parents(self, calendar: Calendar, todos: Mapping[str, Todo]) -> dict[str, str]:
        """UID → name of the object, for all parents of these tasks that the calendar has."""
        if PARENT not in self.paths:
            return {}
        self._names |= {(calendar.name, todo.uid): name for name, todo in todos.items()}
        wanted = {uid for todo in todos.values() if (uid := _parent(todo)) is not None}
        unknown = [uid for uid in sorted(wanted) if (calendar.name, uid) not in self._names]
        if unknown:
            await self._ask_for(calendar, unknown)
        return {uid: name for uid in wanted if (name := self._names.get((calendar.name, uid))) is not None}

    async def _ask_for(self, calendar: Calendar, uids: Sequence[str]) -> None:
        """Find objects by UID: under the name that most programs give them, else by a search."""
        guessed = {name_for(uid): uid for uid in uids}
        for names in chunks(guessed):
            for name, said in (await self.calendars.objects(calendar, names)).items():
                text = said.text(f"{CALDAV}calendar-data") or ""
                self._learn(calendar, guessed[name], name, text)
        for uid in uids:
            if (calendar.name, uid) not in self._names:
                await self.name_of(calendar, uid)

    def _learn(self, calendar: Calendar, uid: str, name: str, text: str) -> None:
        try:
            if text and Todo(text, self.zone).uid == uid:
                self._names[calendar.name, uid] = name
        except Unreadable:
            pass

    async def name_of(self, calendar: Calendar, uid: str) -> str | None:
        """The name of the object with a UID, or None. Raises SystemFailure."""
        names = await self.calendars.with_text(calendar, "UID", uid)
        if names is None:
            raise ProtocolError(self.client.system.name, f"{shown(calendar.url)}: a search for a UID was cut short")
        for some in chunks(names):
            for name, said in (await self.calendars.objects(calendar, some)).items():
                self._learn(calendar, uid, name, said.text(f"{CALDAV}calendar-data") or "")
        return self._names.get((calendar.name, uid))

    async def uid_of(self, id: str, calendar: Calendar) -> str:
        """The UID of the task with an id. Raises ValueError when there is none in this calendar."""
        place = self.calendars.split(id)
        if place is None or place[0].name != calendar.name:
            raise ValueError(f"{PARENT}: a task of another calendar cannot be the parent")
        known = next((key[1] for key, name in self._names.items() if (key[0], name) == (calendar.name, place[1])), None)
        if known is not None:
            return known
        seen = await self.look(*place)
        if isinstance(seen, Absence):
            raise ValueError(f"{PARENT}: the task cannot be read ({seen.value})")
        return seen.todo.uid

    async def found(self, by: Natives, searched: Mapping[str, str]) -> list[Record]:
        """The records that have these values; by a search of the server where it has one for a path."""
        path = next((path for path in searched if isinstance(by.get(path), str) and by[path]), None)
        wider = TaskReader(
            self.calendars, self.client, self.datatype, tuple(dict.fromkeys((*self.paths, *by))), self.zone
        )
        records: list[Record] = []
        for calendar in await self.calendars.all():
            names = None
            if path is not None:
                names = await self.calendars.with_text(calendar, searched[path], str(by[path]))
            if names is None:
                names = await self.calendars.tasks(calendar)
            for some in chunks(names):
                page = await wider.page(calendar, some)
                if page.failures:
                    raise ProtocolError(
                        self.client.system.name, f"a search that cannot read {len(page.failures)} of the tasks"
                    )
                records += [record for record in page.records if has_values(record.natives(), by)]
        return [self._narrow(record) for record in records]

    def _narrow(self, record: Record) -> Record:
        natives = record.natives()
        content = encode_content({path: natives[path] for path in self.paths if path in natives})
        return Record(record.id, record.native_id, content, record.version, record.modified)


def name_for(uid: str) -> str:
    """The name that a new task gets: its UID where that can be one at every server, else a digest of it."""
    plain = re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,99}", uid) is not None
    return f"{uid if plain else blake2b(uid.encode(), digest_size=16).hexdigest()}.ics"


def strong(etag: str | None) -> str | None:
    """The ETag without the mark of a weak one, which a proxy adds when it packs answers."""
    return (etag or "").strip().removeprefix("W/") or None


def _parent(todo: Todo) -> str | None:
    try:
        return todo.parent
    except Unreadable:
        return None
