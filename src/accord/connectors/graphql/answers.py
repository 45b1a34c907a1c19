"""Answers of GraphQL, told in statuses: what was done, refused, is gone, or nobody knows.

An answer has the status 200 whatever became of the question. What it says is classified here once, so that everything
behind is the same as for a REST system. Source: the GraphQL specification of October 2021, section 7: without `data`
the execution did not begin; with it, `errors` say what failed while it ran.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
from msgspec import Raw

from accord.connectors.graphql.options import Asked
from accord.connectors.rest.answers import Answer, Unfit, decode, dig, envelope, is_array, is_object, one_line
from accord.connectors.rest.creates import REPLAYED
from accord.connectors.rest.records import split

_encode = msgspec.json.encode
_top = msgspec.json.Decoder(dict[str, Raw]).decode
NULL = b"null"
BROKEN = 502
LOOK = 409
"""Of an answer that may mean two things: the record is looked at."""


def translated(asked: Asked, answer: Answer, codes: Mapping[str, int]) -> Answer:
    """The answer to an operation as a REST system would give it. Raises Unfit for a page that cannot be followed."""
    try:
        top = envelope(answer.body)
    except Unfit:
        return answer
    if "data" not in top and "errors" not in top:
        return answer if answer.status >= 400 else _said(answer, BROKEN, "no answer of GraphQL")
    data = top.get("data", Raw(NULL))
    errors = decode(top["errors"]) if "errors" in top else None
    broken: set[int] = set()
    if errors:
        found = _broken_records(asked, errors) if is_object(data) else None
        if found is None:
            return _failed(asked, answer, errors, "data" in top and not _of_the_request(errors), codes)
        broken = found
    elif answer.status >= 400:
        return answer
    if asked.errors and (listed := _dug(data, asked.errors)):
        return _refused(answer, listed, codes)
    return _done(asked, answer, data, broken)


def _said(answer: Answer, status: int, message: str, id: str | None = None) -> Answer:
    """An answer with this status, and words for people."""
    body = {"error": {"message": one_line(message), **({"existing_id": id} if id else {})}}
    return replace(answer, status=status, body=_encode(body))


def _of_the_request(errors: Any) -> bool:
    """Whether all errors are of the question itself: each has its place in the text, and none is of a field that ran.

    Some servers send `data: null` beside such errors (Strawberry 0.341 was seen to).
    """
    listed = errors if isinstance(errors, list) else []
    places = [isinstance(one, dict) and bool(one.get("locations")) and one.get("path") is None for one in listed]
    return bool(places) and all(places)


def _failed(asked: Asked, answer: Answer, errors: Any, began: bool, codes: Mapping[str, int]) -> Answer:
    """An answer whose `errors` are not of single records."""
    listed = [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    message = _words(listed) or "errors without words"
    status = _status(listed, codes)
    if status is None:
        # a mutation that had begun may have had its effect; a question is asked again
        unsure = 500 if began else 422
        status = answer.status if answer.status >= 400 else unsure
    return _said(answer, status, message)


def _refused(answer: Answer, listed: Any, codes: Mapping[str, int]) -> Answer:
    """An answer whose payload lists what was refused: the system says itself that nothing was done."""
    entries = [entry if isinstance(entry, dict) else {"message": str(entry)} for entry in _many(listed)]
    return _said(answer, _status(entries, codes) or 422, _words(entries) or "refused without words")


def _many(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _status(entries: Sequence[Mapping[str, Any]], codes: Mapping[str, int]) -> int | None:
    """The most serious meaning among the codes of some errors; None where none is known."""
    found = [codes[code] for entry in entries for code in _codes(entry) if code in codes]
    order = (401, 403, 429, 404, 412, 422)
    return min(found, key=order.index) if found else None


def _codes(entry: Mapping[str, Any]) -> Iterator[str]:
    extensions = entry.get("extensions")
    inner = extensions if isinstance(extensions, dict) else {}
    for place in (inner, entry):
        for name in ("code", "errorCode", "type", "classification"):
            if isinstance(place.get(name), str):
                yield place[name].upper()


def _words(entries: Sequence[Mapping[str, Any]]) -> str:
    """`title: is too long; …`, of at most five errors."""
    said = []
    for entry in entries[:5]:
        field = entry.get("field")
        named = ".".join(map(str, field)) if isinstance(field, list) else field
        text = str(entry.get("message") or next(iter(_codes(entry)), "refused"))
        said.append(f"{named}: {text}" if isinstance(named, str) and named else text)
    return "; ".join(said)


def _broken_records(asked: Asked, errors: Any) -> set[int] | None:
    """Which records of a listing the errors are of; None when one of them is of something else."""
    if not asked.many or not isinstance(errors, list) or asked.place is None:
        return None
    before = asked.place.partition("[]")[0].split(".")
    found: set[int] = set()
    for error in errors:
        path = error.get("path") if isinstance(error, dict) else None
        at = path[len(before)] if isinstance(path, list) and len(path) > len(before) else None
        if not isinstance(path, list) or path[: len(before)] != before or not isinstance(at, int):
            return None
        found.add(at)
    return found


def _done(asked: Asked, answer: Answer, data: Raw, broken: set[int]) -> Answer:
    if asked.many:
        return replace(answer, status=200, body=_listing(asked, data, broken))
    found = bytes((_raw_at(data, asked.place) if asked.place else None) or NULL)
    empty = found in (NULL, b"false")
    if asked.name == "get":
        return _said(answer, 404, "there is no such record") if empty else replace(answer, status=200, body=found)
    if asked.name == "create":
        before = asked.replayed is not None and _dug(data, asked.replayed) is True
        told = {REPLAYED[0]: "true"} if before else {}
        return replace(answer, status=201, headers=told, body=b"{}" if empty else found)
    if asked.name == "update" and asked.place is None:
        return replace(answer, status=204, body=b"")
    if empty:
        return _said(answer, LOOK, "the answer holds nothing, and no error")
    if asked.name == "delete":
        return replace(answer, status=204, body=b"")
    return replace(answer, status=200, body=found)


def _listing(asked: Asked, data: Raw, broken: set[int]) -> bytes:
    """`{"data": [records], "next": cursor, "total": number}`; a record with an error is null, which is none."""
    if not is_object(data):
        raise Unfit("no data")
    raws = _records(data, (asked.place or "").split("."))
    parts = [NULL if at in broken else bytes(raw) for at, raw in enumerate(raws)]
    facts = b',"next":' + _encode(_cursor(asked, data)) + b',"total":' + _encode(_total(asked, data))
    return b'{"data":[' + b",".join(parts) + b"]" + facts + b"}"


def _records(raw: Raw, way: Sequence[str]) -> list[Raw]:
    """The records at a path: of a list there, or one in each item of a list on the way."""
    if not way:
        if not is_array(raw):
            raise Unfit("no list of records")
        return split(raw)
    name, each = way[0].removesuffix("[]"), way[0].endswith("[]")
    if not is_object(raw) or (inner := _top(raw).get(name)) is None:
        raise Unfit(f"nothing at {name}")
    if not each:
        return _records(inner, way[1:])
    if not is_array(inner):
        raise Unfit(f"no list at {name}")
    return [_raw_at(item, ".".join(way[1:])) or Raw(NULL) for item in split(inner)]


def _raw_at(raw: Raw, path: str) -> Raw | None:
    for step in filter(None, path.split(".")):
        if not is_object(raw):
            return None
        found = _top(raw).get(step)
        if found is None:
            return None
        raw = found
    return raw


def _dug(data: Raw, path: str) -> Any:
    raw = _raw_at(data, path)
    return None if raw is None else decode(raw)


def _total(asked: Asked, data: Raw) -> int | None:
    found = _dug(data, asked.total) if asked.total else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _cursor(asked: Asked, data: Raw) -> str | None:
    """The cursor of the next page, or None after the last. Raises Unfit where there is more, and no way to it."""
    info = _dug(data, asked.info) if asked.info else None
    if not isinstance(info, dict) or not dig(info, "hasNextPage"):
        return None
    cursor = info.get("endCursor")
    if not isinstance(cursor, str | int) or isinstance(cursor, bool) or cursor == "":
        raise Unfit("a next page without endCursor")
    return str(cursor)
