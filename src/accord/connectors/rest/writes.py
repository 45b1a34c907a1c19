"""Updates and deletes: each under a precondition, so that nobody's edit is written over.

With a version check the system refuses a stale write. Without one the record is read, compared and written, and
read and compared again whenever something came between. A write has three ends: done, refused, unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from accord.config.meaning import Datatype
from accord.connectors.limits import backoff
from accord.connectors.rest.answers import Answer, Lost, Unfit, decode, envelope, error_inside, is_unsure, message_of
from accord.connectors.rest.bodies import changed, nested, put
from accord.connectors.rest.client import Client, Tries, redirected
from accord.connectors.rest.compare import same, still
from accord.connectors.rest.options import Call, DatatypeOptions
from accord.connectors.rest.records import MISSING, Shape, extract
from accord.connectors.rest.single import NoRecord, PointReader, Seen, hints_of, path_of, record_in
from accord.connectors.rest.templates import body_of
from accord.errors import SystemFailure
from accord.model import Absence, Native, Natives, Outcome, OutcomeKind, Record
from accord.ports import Expects

BODILESS = frozenset((202, 204, 205))
"""Statuses that answer a write well without a body."""
BARE = (b"", b"true")
"""Bodies without a record: none, or only that it is done."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a write stands on: the version that goes with it, and the whole record where that is sent back."""

    version: Native = None
    whole: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    query: str = ""
    inside: Mapping[str, Native] = field(default_factory=dict)

    @property
    def checked(self) -> bool:
        """Whether the system itself refuses the write when the record has changed."""
        return bool(self.headers or self.query or self.inside)


Attempt = tuple[Outcome, bool] | None
"""An outcome, and whether the system checked a version; None: it had no effect and may be tried again."""


class Writer:
    """Changes and deletes records of one datatype."""

    def __init__(self, client: Client, options: DatatypeOptions, shape: Shape, reader: PointReader) -> None:
        self.client = client
        self.options = options
        self.shape = shape
        self.reader = reader
        self._datatype: Datatype = shape.datatype
        self._hints = hints_of(options.update, options, shape.datatype.id)
        fixed = [path for path, said in shape.datatype.properties.items() if said.read_only]
        self._fixed = tuple(dict.fromkeys((*fixed, *options.update.omit)))

    async def update(self, id: str, patch: Natives, expects: Expects) -> Outcome:
        """Change these properties of a record that is still as expected."""
        call = self.options.update

        async def once(tries: Tries) -> Attempt:
            ground = await self._ground(id, expects, look=call.send_all, deleting=False)
            if isinstance(ground, Outcome):
                return ground, False
            body = body_of(call, self._update_body(patch, ground), id, self.reader.names)
            answer = await self._send(tries, call, id, body, ground)
            if answer is None:
                return None
            if isinstance(answer, Outcome):
                return answer, ground.checked
            return await self._updated(answer, id, patch, ground, expects), ground.checked

        return await self._until_known(once)

    async def delete(self, id: str, expects: Expects) -> Outcome:
        """Delete a record that is still as expected; already when it is gone."""

        async def once(tries: Tries) -> Attempt:
            ground = await self._ground(id, expects, look=self.options.delete.look_first, deleting=True)
            if isinstance(ground, Outcome):
                return ground, False
            answer = await self._send(tries, self.options.delete, id, body_of(self.options.delete, id=id), ground)
            if answer is None:
                return None
            if isinstance(answer, Outcome):
                return answer, ground.checked
            return await self._deleted(answer, id, ground, expects), ground.checked

        return await self._until_known(once)

    async def _until_known(self, once: Callable[[Tries], Awaitable[Attempt]]) -> Outcome:
        """Repeat what certainly had no effect. What may have had one is sent a second time only under a version check.

        After a lost answer everything but a success stays unknown: a refusal may be due to the first attempt.
        """
        tries = Tries(self.client)
        lost: str | None = None
        while True:
            try:
                ended = await once(tries)
            except SystemFailure:
                if lost is not None:
                    return unknown(lost)
                raise
            if ended is None:
                continue
            outcome, checked = ended
            if lost is not None:
                return outcome if outcome.done else unknown(lost)
            if outcome.kind is not OutcomeKind.UNKNOWN or not checked:
                return outcome
            lost = outcome.message or "the answer was lost"
            await asyncio.sleep(backoff(0))

    async def _send(
        self, tries: Tries, call: Call, id: str, body: bytes | None, ground: Ground
    ) -> Answer | Outcome | None:
        url = self.client.url(path_of(call, id), ground.query)
        headers = {**headers_of(call), **ground.headers}
        try:
            return await self.client.write(tries, call.method, url, body, headers, self.options.errors)
        except Lost as error:
            return unknown(self.client.redact(str(error)))

    async def _ground(self, id: str, expects: Expects, *, look: bool, deleting: bool) -> Ground | Outcome:
        """The precondition of a write; after a point read, unless a version is known that the system checks."""
        check = self._datatype.version
        checks = check is not None and (check.deletes or not deleting)
        if checks and expects.version is not None and not look:
            return self._precondition(expects.version, None, deleting)
        seen = await self.reader.look(id)
        if isinstance(seen, Absence):
            return _not_there(seen, deleting)
        if (why := _moved(seen, expects)) is not None:
            return Outcome(kind=OutcomeKind.STALE, message=why)
        return self._precondition(seen.record.version, seen, deleting)

    def _precondition(self, version: Native, seen: Seen | None, deleting: bool) -> Ground:
        check = self._datatype.version
        whole = decode(seen.raw) if seen is not None and not deleting and self.options.update.send_all else None
        if check is None or version is None or (deleting and not check.deletes):
            return Ground(None, whole)
        header = "If-Match" if check.kind == "etag" else check.header
        if header:
            return Ground(version, whole, headers={header: str(version)})
        if check.query:
            return Ground(version, whole, query=urlencode({check.query: version}))
        path = check.path or ""
        if deleting:
            return Ground(version, whole, query=urlencode({path: version}))
        return Ground(version, whole, inside={path: version})

    def _update_body(self, patch: Natives, ground: Ground) -> dict[str, Any]:
        body = nested(patch) if ground.whole is None else changed(ground.whole, patch, self._fixed)
        for path, version in ground.inside.items():
            put(body, path, version)
        return body

    async def _updated(self, answer: Answer, id: str, patch: Natives, ground: Ground, expects: Expects) -> Outcome:
        errors = self.options.errors
        if answer.status in errors.stale:
            return await self._refused(answer, id, ground, expects, deleting=False)
        if answer.status in errors.gone:
            return Outcome(kind=OutcomeKind.STALE, message=self.client.redact(message_of(answer)))
        if (refused := self.unsuccessful(answer)) is not None:
            return refused
        if answer.body.strip() in BARE:
            return _bare(answer)
        try:
            record = record_in(self.shape, answer, self._hints, id).record
        except NoRecord:
            return self.without_record(answer, OutcomeKind.APPLIED)
        except Unfit as error:
            return unknown(str(error))
        return Outcome(kind=OutcomeKind.APPLIED, record=record if self.shows(record, patch) else None)

    async def _deleted(self, answer: Answer, id: str, ground: Ground, expects: Expects) -> Outcome:
        errors = self.options.errors
        if answer.status in errors.gone:
            return Outcome(kind=OutcomeKind.ALREADY)
        if answer.status in errors.stale:
            return await self._refused(answer, id, ground, expects, deleting=True)
        if (refused := self.unsuccessful(answer)) is not None:
            return refused
        if answer.body.strip() in BARE:
            return _bare(answer)
        try:
            envelope(answer.body)
        except Unfit as error:
            return unknown(str(error))
        return self.without_record(answer, OutcomeKind.APPLIED)

    async def _refused(self, answer: Answer, id: str, ground: Ground, expects: Expects, *, deleting: bool) -> Outcome:
        """A 409 may mean that the record changed, or a rule of the system (in use, not unique): look which."""
        message = self.client.redact(message_of(answer))
        if answer.status == 412:
            return Outcome(kind=OutcomeKind.STALE, message=message)
        seen = await self.reader.look(id)
        if isinstance(seen, Absence):
            return _not_there(seen, deleting)
        moved = ground.checked and seen.record.version is not None and not same(seen.record.version, ground.version)
        if moved or still(_now(seen, expects.natives), expects.natives) is not None:
            return Outcome(kind=OutcomeKind.STALE, message=message)
        return Outcome(kind=OutcomeKind.REJECTED, message=message)

    def unsuccessful(self, answer: Answer) -> Outcome | None:
        """The outcome of every status that is no success; None for 2xx."""
        status = answer.status
        if 200 <= status < 300:
            return None
        message = self.client.redact(redirected(answer) if 300 <= status < 400 else message_of(answer))
        if status in self.options.errors.rejected or (400 <= status < 500 and status != 408):
            return Outcome(kind=OutcomeKind.REJECTED, message=message)
        return unknown(message)

    def without_record(self, answer: Answer, otherwise: OutcomeKind) -> Outcome:
        """A success whose JSON holds no record: perhaps an error, else what the status says."""
        try:
            error = error_inside(envelope(answer.body))
        except Unfit as broken:
            return unknown(str(broken))
        if error is None:
            return Outcome(kind=otherwise)
        message = self.client.redact(f"an error inside a success: {message_of(answer)}")
        unsure = is_unsure(error, answer.body)
        return Outcome(kind=OutcomeKind.UNKNOWN if unsure else OutcomeKind.REJECTED, message=message)

    def shows(self, record: Record, sent: Natives) -> bool:
        """Whether an answer tells what became of a write; one that names only the id does not."""
        mapped = set(self.shape.paths).intersection(sent) or set(self.shape.paths)
        return not mapped or not mapped.isdisjoint(record.natives())


def headers_of(call: Call) -> dict[str, str]:
    """What goes with every request of a call."""
    return {**call.headers, **({"Content-Type": call.content_type} if call.content_type else {})}


def unknown(message: str) -> Outcome:
    """Nobody knows whether it happened."""
    return Outcome(kind=OutcomeKind.UNKNOWN, message=message)


def _bare(answer: Answer) -> Outcome:
    """A success without a body. Where a body belongs, a broken proxy may have answered: the record will tell."""
    if answer.status in BODILESS or answer.body.strip() == b"true":
        return Outcome(kind=OutcomeKind.APPLIED)
    return unknown(f"{answer.status} without a body")


def _not_there(absence: Absence, deleting: bool) -> Outcome:
    if absence is Absence.GONE:
        return Outcome(kind=OutcomeKind.ALREADY if deleting else OutcomeKind.STALE, message="the record is gone")
    if absence is Absence.FORBIDDEN:
        return Outcome(kind=OutcomeKind.REJECTED, message="403: the record may not be read")
    return Outcome(kind=OutcomeKind.STALE, message="the record could not be read before the write")


def _now(seen: Seen, expected: Natives) -> dict[str, Native]:
    """The values of a record to compare with, also of properties that are not mapped."""
    natives = seen.record.natives()
    missing = [path for path in expected if path not in natives]
    if missing:
        whole = decode(seen.raw)
        natives.update((path, value) for path in missing if (value := extract(whole, path)) is not MISSING)
    return natives


def _moved(seen: Seen, expects: Expects) -> str | None:
    """Why a record is not as expected, or None. A version that both have decides, else the values."""
    if expects.version is not None and seen.record.version is not None:
        if same(seen.record.version, expects.version):
            return None
        return "the record has another version now"
    path = still(_now(seen, expects.natives), expects.natives)
    return None if path is None else f"{path} has changed meanwhile"
