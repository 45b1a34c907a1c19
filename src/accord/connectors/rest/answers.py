"""What an answer says: its JSON, the errors inside it, and a short message for people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

MESSAGE_LENGTH = 300
_ERROR_KEYS = ("error", "errors", "Error", "exception")
_MESSAGE_KEYS = ("message", "detail", "error_description", "msg", "title", "reason", "description", "code")
_CONFLICT_KEYS = (
    "conflicting_id",
    "existing_id",
    "duplicate_id",
    "duplicate_of",
    "conflicting",
    "existing",
    "conflict",
)
_UNSURE = re.compile(r"internal|time[d _-]?out|unavailable|try again|overload|unexpected|server.?error", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_decode_top = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_any = msgspec.json.Decoder(float_hook=Decimal).decode
BROKEN = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
"""What msgspec raises on JSON that is none, or not of the asked shape."""


class NotSent(Exception):
    """The request certainly did not reach the system."""


class Lost(Exception):
    """The request was sent, and its answer did not arrive whole."""


class TooLarge(Lost):
    """An answer is larger than we take. Reading it again would not help."""


class Unfit(Exception):
    """An answer has not the shape that is expected."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    wait: float | None = None
    """Seconds that `Retry-After` asks for."""
    generation: int = 0
    """How often we had got credentials when the request was sent."""


def decode(raw: bytes | msgspec.Raw) -> Any:
    """JSON to natives; raises Unfit."""
    try:
        return _decode_any(raw)
    except BROKEN as error:
        raise Unfit(_broken(error)) from None


def envelope(body: bytes) -> dict[str, msgspec.Raw]:
    """The top level of a JSON object, or an empty dict for an array; raises Unfit for everything else."""
    start = body[:64].lstrip()[:1] or body.lstrip()[:1]
    if start == b"[":
        return {}
    if start == b"{":
        try:
            return _decode_top(body)
        except BROKEN as error:
            raise Unfit(_broken(error)) from None
    if not start:
        raise Unfit("an empty answer")
    raise Unfit("an HTML page instead of JSON" if start == b"<" else "an answer that is not a JSON object or array")


def _broken(error: Exception) -> str:
    return "JSON that is nested too deeply" if isinstance(error, RecursionError) else f"broken JSON ({error})"


def error_inside(top: Mapping[str, msgspec.Raw]) -> Any:
    """The error that a body of a success holds, or None."""
    for key in _ERROR_KEYS:
        if key in top and (error := decode(top[key])) not in (None, False, "", [], {}, 0):
            return error
    for key in ("success", "ok"):
        if key in top and bytes(top[key]) == b"false":
            return message_in({name: decode(raw) for name, raw in top.items()}) or f"{key}: false"
    return None


def is_unsure(error: Any, body: bytes) -> bool:
    """Whether an error inside a success tells of a mishap, and not of a refusal: then nobody knows what happened."""
    return bool(_UNSURE.search(str(error)) or _UNSURE.search(body[:2000].decode(errors="replace")))


def message_in(value: Any, depth: int = 0) -> str:
    """The words for people in an error body."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(filter(None, (message_in(item, depth + 1) for item in value[:5]))) if depth < 4 else ""
    if not isinstance(value, dict) or depth > 4:
        return "" if value is None or isinstance(value, bool) else str(value)[:80]
    return _message_of(value, depth)


def _message_of(value: dict[str, Any], depth: int) -> str:
    parts: list[str] = []
    for key in (*_ERROR_KEYS, *_MESSAGE_KEYS):
        if key in value and (text := message_in(value[key], depth + 1)) and text not in parts:
            parts.append(text)
    fields = value.get("fields")
    if fields and isinstance(fields, list | dict):
        parts.append("fields " + ", ".join(str(name) for name in fields))
    if not parts and depth:
        parts = [f"{name}: {text}" for name, item in list(value.items())[:5] if (text := message_in(item, depth + 1))]
    return ": ".join(parts[:4])


def message_of(answer: Answer) -> str:
    """`422: name is required`: status and the server's own words, short and on one line."""
    text = ""
    if answer.body[:64].lstrip()[:1] in (b"{", b"["):
        try:
            text = message_in(decode(answer.body))
        except Unfit:
            text = ""
    return f"{answer.status}: {one_line(text)}" if text else f"status {answer.status}"


def one_line(text: str) -> str:
    """At most 300 characters without control characters."""
    text = _CONTROL.sub(" ", text).strip()
    return text if len(text) <= MESSAGE_LENGTH else text[: MESSAGE_LENGTH - 1] + "…"


def conflicting_id(answer: Answer, id_path: str) -> str | None:
    """The id of the record that a unique key belongs to, where a refusal names it."""
    try:
        body = decode(answer.body)
    except Unfit:
        return None
    nested = [body.get(key) for key in ("error", "data", "details")] if isinstance(body, dict) else []
    candidates = [part for part in (body, *nested) if isinstance(part, dict)]
    for key in (*_CONFLICT_KEYS, id_path, "id"):
        for part in candidates:
            value = part.get(key)
            value = value.get(id_path, value.get("id")) if isinstance(value, dict) else value
            if isinstance(value, int | str) and not isinstance(value, bool) and value != "":
                return str(value)
    return None


def dig(value: Any, path: str) -> Any:
    """The value at a dotted path of decoded JSON; None where a step is missing."""
    for step in steps(path):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def dig_raw(top: Mapping[str, msgspec.Raw], path: str) -> msgspec.Raw | None:
    """The raw value at a dotted path of an envelope; None where a step is missing."""
    raw: msgspec.Raw | None = None
    for step in steps(path):
        if raw is not None:
            if not is_object(raw):
                return None
            top = _decode_top(raw)
        raw = top.get(step)
        if raw is None:
            return None
    return raw


def is_object(raw: bytes | msgspec.Raw) -> bool:
    """Whether some JSON is an object."""
    return memoryview(raw)[:1].tobytes() == b"{"


def is_array(raw: bytes | msgspec.Raw) -> bool:
    """Whether some JSON is an array."""
    return memoryview(raw)[:1].tobytes() == b"["


def steps(path: str) -> list[str]:
    """`a.b` is two steps; a name with @ in front (`@odata.etag`) is one."""
    return [path] if path.startswith("@") else path.split(".")


def first_of(value: Any, paths: Iterable[str]) -> Any:
    """The first of some paths that holds something."""
    return next((found for path in paths if (found := dig(value, path)) is not None), None)
