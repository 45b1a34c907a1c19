"""Creates, one by one and in batches. A create that may have happened is never sent again without its key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any

from accord.connectors.rest.answers import Answer, Lost, Unfit, conflicting_id, decode, dig, message_in, message_of
from accord.connectors.rest.bodies import encode, nested, put, wrapped
from accord.connectors.rest.client import Client, Tries, shown
from accord.connectors.rest.ids import Ids
from accord.connectors.rest.options import Batch, DatatypeOptions
from accord.connectors.rest.records import Shape
from accord.connectors.rest.single import NoRecord, PointReader, hints_of, record_in
from accord.connectors.rest.templates import body_of
from accord.connectors.rest.together import together
from accord.connectors.rest.writes import Writer, headers_of, unknown
from accord.errors import SystemFailure, Unreachable
from accord.model import Outcome, OutcomeKind, Record, encode_natives
from accord.ports import NewRecord

WHOLE_BATCH_REFUSED = frozenset((400, 404, 405, 413, 422))
LONGEST_ERROR = 4096
REPLAYED = ("Idempotent-Replayed", "Idempotent-Replay", "Idempotency-Replayed", "X-Idempotent-Replayed")
"""Headers by which systems tell that a key was used before: the first is Stripe's."""
_RESULTS = ("results", "items", "data", "records", "responses")
_PARTS = ("record", "data", "item", "body", "resource", "result")


class Creator:
    """Creates records of one datatype."""

    def __init__(
        self, client: Client, options: DatatypeOptions, shape: Shape, reader: PointReader, writer: Writer
    ) -> None:
        self._client = client
        self._options = options
        self._call = options.create
        self._shape = shape
        self._reader = reader
        self._writer = writer
        self._key_property = shape.datatype.key_property
        self._hints = hints_of(options.create, options, shape.datatype.id)
        self._url = client.url(options.create.path)

    async def create(self, new: Sequence[NewRecord]) -> list[Outcome]:
        """One outcome each, in order."""
        batch = self._call.batch
        if batch is not None and 1 < len(new) <= batch.size and safe_in_batch(self._options, self._key_property):
            return await self._together(batch, new)
        if len(new) == 1:
            return [await self._create(new[0])]
        return await together(self._create(item) for item in new)

    def _body(self, item: NewRecord) -> dict[str, Any]:
        body = nested(item.natives)
        if self._key_property:
            put(body, self._key_property, item.token)
        return body

    async def _create(self, item: NewRecord) -> Outcome:
        body = body_of(self._call, self._body(item), names=self._reader.names)
        answer, lost = await self._sent(self._url, body, item.token)
        if answer is None:
            return unknown(lost or "the answer was lost")
        outcome = await self._created(answer, item)
        if outcome.kind is OutcomeKind.APPLIED and _is_replay(answer):
            outcome = replace(outcome, kind=OutcomeKind.ALREADY)
        return unknown(lost) if lost and not outcome.done else outcome

    async def _sent(self, url: str, body: bytes | None, token: str) -> tuple[Answer | None, str | None]:
        """The answer to a create, and why an earlier one was lost. Only with a key is it sent again after that."""
        header = self._call.idempotency_header
        headers = {**headers_of(self._call), **({header: token} if header else {})}
        lost: str | None = None
        tries = Tries(self._client)
        while True:
            try:
                answer = await self._client.write(tries, self._call.method, url, body, headers, self._options.errors)
            except Lost as error:
                answer, lost = None, self._client.redact(str(error))
            except SystemFailure as error:
                if lost is None:
                    raise
                return None, f"{lost}; then {error.message}"
            else:
                if answer is None:
                    continue
                if (why := _mishap(answer, self._call.ids) or self._unsure(answer)) is None:
                    return answer, lost
                lost = self._client.redact(f"{self._call.method} {shown(url)}: {why}")
            if not header:
                return None, lost
            try:
                await tries.wait(Unreachable, lost, answer)
            except Unreachable:
                return None, lost

    def _unsure(self, answer: Answer) -> str | None:
        """The words of an error inside a success that tells of a mishap, and names no record."""
        if not 200 <= answer.status < 300 or b'rror"' not in answer.body[:LONGEST_ERROR]:
            return None
        ended = self._writer.without_record(answer, OutcomeKind.APPLIED)
        if ended.kind is not OutcomeKind.UNKNOWN:
            return None
        try:
            record_in(self._shape, answer, self._hints)
        except Unfit:
            return ended.message
        return None

    async def _created(self, answer: Answer, item: NewRecord) -> Outcome:
        if (refused := self._writer.unsuccessful(answer)) is not None:
            return self._with_conflict(refused, answer)
        try:
            record = record_in(self._shape, answer, self._hints).record
            if self._writer.shows(record, item.natives):
                return Outcome(kind=OutcomeKind.APPLIED, record=record)
            return await self._fetched(record.id, item)
        except NoRecord:
            pass
        except Unfit:
            if (id := _id_in_location(answer, self._call.ids)) is not None:
                return await self._fetched(id, item)
            raise
        if (id := self._id_in(answer) or _id_in_location(answer, self._call.ids)) is not None:
            return await self._fetched(id, item)
        outcome = self._writer.without_record(answer, OutcomeKind.UNKNOWN)
        return outcome if outcome.message else unknown("the answer to a create names no id")

    def _with_conflict(self, refused: Outcome, answer: Answer) -> Outcome:
        if refused.kind is not OutcomeKind.REJECTED or answer.status not in (409, 422):
            return refused
        id = conflicting_id(answer, self._shape.datatype.id)
        return Outcome(kind=refused.kind, message=refused.message, conflicting=id)

    def _id_in(self, answer: Answer) -> str | None:
        if not self._call.id:
            return None
        try:
            whole = decode(answer.body)
            ids = whole if isinstance(whole, list) and len(whole) == 1 else (None,)
            value = ids[0] if self._call.id == "[]" else dig(whole, self._call.id)
        except Unfit:
            return None
        return str(value) if isinstance(value, int | str) and not isinstance(value, bool) and value != "" else None

    async def _fetched(self, id: str, item: NewRecord) -> Outcome:
        """The record of a create that is certain, though its answer held only the id.

        When it cannot be read now, what was sent stands for it: it must not be created a second time.
        """
        try:
            seen = await self._reader.look(id)
        except SystemFailure:
            seen = None
        record = getattr(seen, "record", None)
        if record is None:
            sent = {path: item.natives[path] for path in self._shape.paths if path in item.natives}
            record = Record(id, int(id) if id.isdecimal() and str(int(id)) == id else id, encode_natives(sent))
        return Outcome(kind=OutcomeKind.APPLIED, record=record)

    async def _together(self, batch: Batch, new: Sequence[NewRecord]) -> list[Outcome]:
        bodies = [self._body(item) for item in new]
        if batch.key:
            for body, item in zip(bodies, new, strict=True):
                put(body, batch.key, item.token)
        content = encode(wrapped(bodies, batch.wrap))
        url = self._client.url(batch.path)
        answer, lost = await self._sent(url, content, blake2b(content, digest_size=16).hexdigest())
        if answer is None:
            return [unknown(lost or "the answer was lost") for _ in new]
        if answer.status in WHOLE_BATCH_REFUSED and lost is None:
            return await together(self._create(item) for item in new)
        if (refused := self._writer.unsuccessful(answer)) is not None:
            return [unknown(lost) if lost else refused for _ in new]
        return await together(
            self._result(entry, item) for entry, item in zip(self._in_order(answer, new), new, strict=True)
        )

    def _in_order(self, answer: Answer, new: Sequence[NewRecord]) -> list[Any]:
        """Each new record's part of a batch answer; None where it is missing or cannot be told."""
        try:
            body = decode(answer.body)
        except Unfit:
            return [None] * len(new)
        entries = body if isinstance(body, list) else _first_list(body)
        found: list[Any] = [None] * len(new)
        tokens = {item.token: i for i, item in enumerate(new)}
        for i, entry in enumerate(entries):
            at = self._place(entry, tokens)
            if at is None and len(entries) == len(new):
                at = i
            if at is not None and 0 <= at < len(new):
                found[at] = entry
        return found

    def _place(self, entry: Any, tokens: dict[str, int]) -> int | None:
        if not isinstance(entry, dict):
            return None
        for part in (entry, *(entry[name] for name in _PARTS if isinstance(entry.get(name), dict))):
            for path in filter(None, (self._key_property, self._call.batch.key if self._call.batch else None)):
                token = dig(part, path)
                if isinstance(token, str) and token in tokens:
                    return tokens[token]
        index = entry.get("index")
        return index if isinstance(index, int) and not isinstance(index, bool) else None

    async def _result(self, entry: Any, item: NewRecord) -> Outcome:
        """The outcome of one entry, which is read as if it were the answer to a create of its own."""
        if isinstance(entry, int | str) and not isinstance(entry, bool) and entry != "":
            return await self._fetched(str(entry), item)
        if not isinstance(entry, dict):
            return unknown("the batch answer does not tell about this record")
        status = next((s for name in ("status", "status_code", "statusCode") if _is_status(s := entry.get(name))), None)
        if isinstance(status, str):
            status = int(status)
        error = entry.get("error") or entry.get("errors")
        if status is None or 200 <= status < 300:
            status = 422 if error else 200
        if status >= 400:
            text = self._client.redact(f"{status}: {message_in(error or entry)}")
            answer = Answer(status, {}, encode(entry))
            refused = self._writer.unsuccessful(answer) or unknown(text)
            return self._with_conflict(Outcome(kind=refused.kind, message=text), answer)
        return await self._created(Answer(status, {}, encode(entry)), item)


def safe_in_batch(options: DatatypeOptions, key_property: str | None) -> bool:
    """Whether creates keep their keys in a batch: a header holds one key, not one for each."""
    call = options.create
    return call.batch is not None and (not call.idempotency_header or bool(call.batch.key or key_property))


def _mishap(answer: Answer, ids: Ids) -> str | None:
    """Why nobody can tell from this answer whether a create happened; None when one can."""
    status = answer.status
    if status >= 500 or status == 408 or 300 <= status < 400:
        return message_of(answer)
    if status >= 300 or _id_in_location(answer, ids) is not None:
        return None
    start = answer.body[:64].lstrip()[:1]
    if start not in (b"{", b"["):
        return "an HTML page instead of JSON" if start == b"<" else "an empty answer" if not start else "no JSON"
    try:
        decode(answer.body)
    except Unfit as error:
        return str(error)
    return None


def _is_replay(answer: Answer) -> bool:
    """Whether the system says that it gave the answer to an earlier request with the same key."""
    return any(answer.headers.get(name, "").lower() == "true" for name in REPLAYED)


def _id_in_location(answer: Answer, ids: Ids) -> str | None:
    """The id in a `Location`; only read, never contacted."""
    location = answer.headers.get("Location", "") if 200 <= answer.status < 300 else ""
    return ids.located(location) if location else None


def _first_list(body: Any) -> list[Any]:
    if not isinstance(body, dict):
        return []
    named = [body[name] for name in _RESULTS if isinstance(body.get(name), list)]
    return named[0] if named else next((value for value in body.values() if isinstance(value, list)), [])


def _is_status(value: Any) -> bool:
    if isinstance(value, str):
        return value.isdecimal() and len(value) == 3
    return isinstance(value, int) and not isinstance(value, bool) and 100 <= value < 600
