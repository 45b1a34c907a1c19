"""Tasks written: each object is read, changed and put back under the ETag that it was read with, so that what somebody
else saved is never written over, and what nobody here maps stays as it is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from accord.connectors.caldav.calendars import Calendar
from accord.connectors.caldav.dav import ERRORS, preconditions, words
from accord.connectors.caldav.reading import CALENDAR, Seen, TaskReader, name_for, strong
from accord.connectors.caldav.todo import PARENT, Todo, new
from accord.connectors.rest.answers import Answer, Lost
from accord.connectors.rest.client import Client, Tries, redirected
from accord.connectors.rest.compare import has_values, still
from accord.errors import SystemFailure
from accord.model import Absence, Native, Natives, Outcome, OutcomeKind, Record
from accord.ports import Expects, NewRecord

ICS = {"Content-Type": "text/calendar; charset=utf-8"}
FULL = 507
"""Insufficient storage: RFC 4918 says that nothing was done."""


class TaskWriter:
    """Creates, changes and deletes the tasks of one datatype."""

    def __init__(self, reader: TaskReader) -> None:
        self.reader = reader
        self.client: Client = reader.client

    async def create(self, item: NewRecord) -> Outcome:
        """A new object under its own UID, unless there is one already. Safe to repeat."""
        natives = dict(item.natives)
        try:
            calendar = self._calendar(natives)
            body = new(item.token, await self._with_uid(natives, calendar), _now(), self.reader.zone)
        except ValueError as error:
            return Outcome(kind=OutcomeKind.REJECTED, message=str(error))
        name = name_for(item.token)
        headers = {**ICS, "If-None-Match": "*"}
        answer = await self._sent_until_known("PUT", calendar.place(name), body, headers)
        if isinstance(answer, Outcome):
            return answer
        if answer.status == 412 or "no-uid-conflict" in preconditions(answer):
            return await self._there_already(calendar, name, item.token, answer)
        if (refused := self._unsuccessful(answer)) is not None:
            return refused
        record = await self._stored(calendar, name, answer, body)
        return Outcome(kind=OutcomeKind.APPLIED, record=record or self._as_sent(calendar, name, answer, body))

    async def _there_already(self, calendar: Calendar, name: str, uid: str, answer: Answer) -> Outcome:
        seen = await self.reader.look(calendar, name)
        if isinstance(seen, Absence) and (other := await self.reader.name_of(calendar, uid)) is not None:
            seen = await self.reader.look(calendar, other)
        if isinstance(seen, Seen) and seen.todo.uid == uid:
            return Outcome(kind=OutcomeKind.ALREADY, record=seen.record)
        return Outcome(kind=OutcomeKind.REJECTED, message=self.client.redact(words(answer)))

    def _calendar(self, natives: dict[str, Native]) -> Calendar:
        """Where a new task goes. Raises ValueError."""
        wanted = natives.pop(CALENDAR, None)
        if not self.reader.calendars.is_home:
            only = self.reader.calendars.only()
            if wanted not in (None, "", only.url.rpartition("/")[2]):
                raise ValueError(f"{CALENDAR}: the datatype is one calendar, and another is asked for")
            return only
        if not isinstance(wanted, str) or wanted in ("", ".", ".."):
            raise ValueError(f"{CALENDAR}: a new task needs one; map it, or give it in `defaults`")
        return self.reader.calendars.named(wanted)

    async def update(self, id: str, patch: Natives, expects: Expects) -> Outcome:
        """Change these properties of a task that is still as expected."""

        async def once(tries: Tries) -> Outcome | None:
            place, seen = await self._ground(id, expects)
            if isinstance(seen, Absence):
                return _not_there(seen, OutcomeKind.STALE)
            if isinstance(seen, Outcome):
                return seen
            try:
                natives = self._without_calendar(patch, seen)
                body = seen.todo.changed(await self._with_uid(natives, place[0]), _now())
            except ValueError as error:
                return Outcome(kind=OutcomeKind.REJECTED, message=str(error))
            answer = await self._sent(tries, "PUT", place[0].place(place[1]), body, {**ICS, **_if_match(seen)})
            if answer is None or isinstance(answer, Outcome):
                return answer
            if answer.status in (404, 410, 412):
                return Outcome(kind=OutcomeKind.STALE, message=self.client.redact(words(answer)))
            if (refused := self._unsuccessful(answer)) is not None:
                return refused
            return Outcome(kind=OutcomeKind.APPLIED, record=await self._stored(*place, answer, body))

        return await self._until_known(once)

    async def delete(self, id: str, expects: Expects) -> Outcome:
        """Delete a task that is still as expected; already when it is gone."""

        async def once(tries: Tries) -> Outcome | None:
            place, seen = await self._ground(id, expects)
            if isinstance(seen, Absence):
                return _not_there(seen, OutcomeKind.ALREADY)
            if isinstance(seen, Outcome):
                return seen
            answer = await self._sent(tries, "DELETE", place[0].place(place[1]), None, _if_match(seen))
            if answer is None or isinstance(answer, Outcome):
                return answer
            if answer.status in (404, 410):
                return Outcome(kind=OutcomeKind.ALREADY)
            if answer.status == 412:
                gone = await self.reader.look(*place) is Absence.GONE
                return Outcome(kind=OutcomeKind.ALREADY if gone else OutcomeKind.STALE, message=words(answer))
            return self._unsuccessful(answer) or Outcome(kind=OutcomeKind.APPLIED)

        return await self._until_known(once)

    async def _ground(self, id: str, expects: Expects) -> tuple[tuple[Calendar, str], Seen | Absence | Outcome]:
        """Where a task is, and the task if it is as expected."""
        place = self.reader.calendars.split(id)
        if place is None:
            return (self.reader.calendars.only(), ""), Absence.GONE
        seen = await self.reader.look(*place)
        if isinstance(seen, Seen) and (why := self._moved(seen, expects)) is not None:
            return place, Outcome(kind=OutcomeKind.STALE, message=why)
        if isinstance(seen, Seen) and seen.etag is None:
            return place, Outcome(
                kind=OutcomeKind.REJECTED, message="the server gives no ETag for it (RFC 4791, 5.3.4)"
            )
        return place, seen

    def _moved(self, seen: Seen, expects: Expects) -> str | None:
        """Why a task is not as expected, or None. An ETag that both have decides, else the values."""
        if expects.version is not None and seen.etag is not None:
            return None if strong(str(expects.version)) == seen.etag else "the task has another ETag now"
        now = seen.record.natives()
        now |= {path: seen.todo.native(path) for path in expects.natives if path not in now and path != PARENT}
        path = still(now, expects.natives)
        return None if path is None else f"{path} has changed meanwhile"

    def _without_calendar(self, patch: Natives, seen: Seen) -> dict[str, Native]:
        """What is written into the object. Raises ValueError for a move."""
        natives: dict[str, Native] = dict(patch)
        if CALENDAR in natives and natives.pop(CALENDAR) != seen.record.natives().get(CALENDAR):
            raise ValueError(f"{CALENDAR}: a task stays in its calendar; say `create_only: true`")
        return natives

    async def _with_uid(self, natives: Natives, calendar: Calendar) -> Natives:
        """The same with the UID of the parent in place of its id. Raises ValueError."""
        given = dict(natives)
        parent = given.get(PARENT)
        return given if parent is None else {**given, PARENT: await self.reader.uid_of(str(parent), calendar)}

    async def _until_known(self, once: Callable[[Tries], Awaitable[Outcome | None]]) -> Outcome:
        """Repeat what certainly had no effect."""
        tries = Tries(self.client)
        while (ended := await once(tries)) is None:
            pass
        return ended

    async def _sent_until_known(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str]
    ) -> Answer | Outcome:
        """A write that may be repeated, sent until there is an answer that says how it ended."""
        tries = Tries(self.client)
        lost: Outcome | None = None
        while True:
            answer = await self._sent_again(tries, lost, method, url, body, headers)
            if isinstance(answer, Answer) and (answer.status < 500 or answer.status == FULL):
                return answer
            if answer is None:
                continue
            known = answer if isinstance(answer, Outcome) else self._unsuccessful(answer)
            if lost is not None or known is None:
                return lost or Outcome(kind=OutcomeKind.UNKNOWN)
            lost = known

    async def _sent_again(
        self, tries: Tries, lost: Outcome | None, method: str, url: str, body: bytes, headers: Mapping[str, str]
    ) -> Answer | Outcome | None:
        try:
            return await self._sent(tries, method, url, body, headers)
        except SystemFailure:
            if lost is None:
                raise
            return lost

    async def _sent(
        self, tries: Tries, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer | Outcome | None:
        """One attempt. None: it had no effect, and may be tried again."""
        try:
            return await self.client.write(tries, method, url, body, headers, ERRORS)
        except Lost as error:
            return Outcome(kind=OutcomeKind.UNKNOWN, message=self.client.redact(str(error)))

    def _unsuccessful(self, answer: Answer) -> Outcome | None:
        """The outcome of every status that is no success; None for 2xx."""
        if 200 <= answer.status < 300:
            return None
        message = self.client.redact(redirected(answer) if answer.status < 400 else words(answer))
        refused = answer.status == FULL or (300 <= answer.status < 500 and answer.status != 408)
        return Outcome(kind=OutcomeKind.REJECTED if refused else OutcomeKind.UNKNOWN, message=message)

    async def _stored(self, calendar: Calendar, name: str, answer: Answer, body: bytes) -> Record | None:
        """What the server made of a write, if it is certain that nobody has written since; else None.

        An ETag in the answer to a PUT says that the object is stored as it was sent (RFC 4791, section 5.3.4), but
        there are servers that send it for what they made of the object. So it is read, and the ETags compared.
        """
        try:
            seen = await self.reader.look(calendar, name)
        except SystemFailure:
            return None
        if isinstance(seen, Absence):
            return None
        etag = strong(answer.headers.get("ETag"))
        if etag is not None:
            return seen.record if seen.etag == etag else None
        sent = Todo(body, self.reader.zone)
        natives = {path: sent.native(path) for path in self.reader.paths if path not in (CALENDAR, PARENT)}
        return seen.record if has_values(seen.record.natives(), natives) else None

    def _as_sent(self, calendar: Calendar, name: str, answer: Answer, body: bytes) -> Record:
        """The record of a create that could not be read afterwards, or that somebody has changed since."""
        etag = strong(answer.headers.get("ETag"))
        return self.reader.record(calendar, name, Todo(body, self.reader.zone), etag)


def _if_match(seen: Seen) -> dict[str, str]:
    return {} if seen.etag is None else {"If-Match": seen.etag}


def _not_there(absence: Absence, gone: OutcomeKind) -> Outcome:
    if absence is Absence.GONE:
        return Outcome(kind=gone, message="the task is gone")
    if absence is Absence.FORBIDDEN:
        return Outcome(kind=OutcomeKind.REJECTED, message="403: the task may not be read")
    return Outcome(kind=OutcomeKind.STALE, message="the task could not be read before the write")


def _now() -> datetime:
    return datetime.now(UTC)
