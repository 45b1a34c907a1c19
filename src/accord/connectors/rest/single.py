"""Answers that hold one record, and the point read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from accord.connectors.rest.answers import Answer, Unfit, dig_raw, envelope, error_inside, one_line, steps
from accord.connectors.rest.client import Client, InternalError
from accord.connectors.rest.options import Call, DatatypeOptions
from accord.connectors.rest.records import Odd, Shape, unwrapped
from accord.connectors.rest.templates import body_of, names_of
from accord.errors import ProtocolError
from accord.model import Absence, Record


class OtherRecord(Unfit):
    """The answer shows another record than the one asked for."""


class NoRecord(Unfit):
    """Good JSON without a record in it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One record as an answer showed it."""

    record: Record
    raw: bytes | msgspec.Raw


def path_of(call: Call, id: str) -> str:
    """The path of a call on one record; the id cannot leave its segment."""
    return call.path.replace("{id}", call.ids.written(id))


def hints_of(call: Call, options: DatatypeOptions, id_path: str) -> list[str]:
    """Under which key the record may be: as declared, or in front of the id's path in the answer."""
    below = steps(call.id)[: -len(steps(id_path))] if call.id and call.id.endswith(id_path) else []
    declared = (call.record, ".".join(below) if len(below) == 1 else None, call.wrap, options.create.wrap)
    return list(dict.fromkeys(hint for hint in declared if hint))


def record_in(shape: Shape, answer: Answer, hints: Sequence[str], wanted: str | None = None) -> Seen:
    """The one record in an answer. Raises Unfit; OtherRecord when it is not the wanted one, NoRecord without one."""
    etag = answer.headers.get("ETag")
    body = answer.body
    if not hints:
        try:
            record = shape.one(body, etag)
            if wanted is None or record.id == wanted:
                return Seen(record, body)
        except Odd:
            pass
    envelope(body)
    other: str | None = None
    for raw in unwrapped(body, hints):
        try:
            record = shape.one(raw, etag)
        except Odd:
            continue
        if wanted is None or record.id == wanted:
            return Seen(record, raw)
        other = record.id
    if other is not None:
        raise OtherRecord(f"record {one_line(other)} instead of {one_line(wanted or '')}")
    raise NoRecord("no record in the answer")


class PointReader:
    """Reads one record by its id."""

    def __init__(self, client: Client, options: DatatypeOptions, shape: Shape) -> None:
        self._client = client
        self._options = options
        self.shape = shape
        self.names = names_of(shape.datatype, shape.paths)
        self._hints = hints_of(options.get, options, shape.datatype.id)

    async def look(self, id: str) -> Seen | Absence:
        """The record as it is now. Raises Unreachable and Unauthorized; what concerns this record only is FAILED."""
        call = self._options.get
        url, body = self._client.url(path_of(call, id)), body_of(call, id=id, names=self.names)
        try:
            return await self._client.get(
                url,
                lambda answer: self._seen(answer, id),
                self._options.errors,
                method=call.method,
                body=body,
                headers=call.headers,
            )
        except (_OfThisRecord, ProtocolError, InternalError):
            return Absence.FAILED

    def _seen(self, answer: Answer, id: str) -> Seen | Absence:
        status = answer.status
        if status in self._options.errors.gone:
            return Absence.GONE
        if status == 403:
            return Absence.FORBIDDEN
        if not 200 <= status < 300:
            raise _OfThisRecord
        if self._options.get.gone_when_empty and self._is_empty(answer):
            return Absence.GONE
        try:
            return record_in(self.shape, answer, self._hints, id)
        except OtherRecord:
            raise _OfThisRecord from None
        except NoRecord:
            if error_inside(envelope(answer.body)) is None:
                raise _OfThisRecord from None
            raise

    def _is_empty(self, answer: Answer) -> bool:
        """Whether the answer is an empty list, or has one where the record should be."""
        top, path = envelope(answer.body), self._options.get.record
        found = answer.body if not top else dig_raw(top, path) if path else None
        return found is not None and b"".join(bytes(found).split()) == b"[]"


class _OfThisRecord(Exception):
    """This record cannot be read, and trying again would not help."""
