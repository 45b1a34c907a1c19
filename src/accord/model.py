"""The frozen values that everything else hands around. Words as in docs/glossary.md.

Native values are JSON: str, int, Decimal, bool, None, list, dict. A property that a system did not send is
missing from a mapping, which is a fourth state beside a value, null and empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import blake2b
from typing import Any, TypeAlias
from urllib.parse import quote, unquote

import msgspec

Native: TypeAlias = str | int | Decimal | bool | list[Any] | dict[str, Any] | None
Natives: TypeAlias = Mapping[str, Native]

FINGERPRINT_BYTES = 16
DEEPEST = 100
"""Levels of lists and objects in one record; beyond it is no business data."""
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"')
_decode_natives = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_decode_any = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


def decode_natives(content: bytes) -> dict[str, Native]:
    """The natives in a flat JSON object `{path: value}`; numbers with a point become Decimal, never float."""
    return _decode_natives.decode(content)


def encode_natives(natives: Natives) -> bytes:
    """The flat JSON object of some natives; Decimals are written as JSON numbers, digit for digit."""
    return _encoder.encode(natives)


def require_shallow(content: bytes) -> bytes:
    """The content of a record, unless it is nested so deeply that reading it could exhaust the stack: ValueError."""
    if content.count(b"[") + content.count(b"{") <= DEEPEST:
        return content
    depth = 0
    for sign in _STRINGS.sub(b"", content):
        depth += (sign in b"[{") - (sign in b"]}")
        if depth > DEEPEST:
            raise ValueError(f"nested more than {DEEPEST} levels deep")
    return content


def encode_content(natives: Natives) -> bytes:
    """`encode_natives` for a record that comes from outside. Raises ValueError when it is nested too deeply."""
    try:
        return require_shallow(encode_natives(natives))
    except RecursionError:
        raise ValueError(f"nested more than {DEEPEST} levels deep") from None


def fingerprint(content: bytes, salt: bytes = b"") -> bytes:
    """16 bytes that tell whether the mapped content of a record has changed."""
    return blake2b(content, digest_size=FINGERPRINT_BYTES, key=salt).digest()


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """One record of one system, by name. `id` is text whatever its native type."""

    system: str
    datatype: str
    id: str

    def __str__(self) -> str:
        id = self.id
        if not (id.isascii() and id.replace("-", "").isalnum()):
            id = quote(id, safe="")
        return f"{self.system}/{self.datatype}/{id}"

    @classmethod
    def parse(cls, text: str) -> Ref:
        """`SYSTEM/DATATYPE/ID`, the id percent-encoded. Raises ValueError."""
        parts = text.split("/")
        if len(parts) != 3 or not all(parts):
            raise ValueError(f"{text!r} is not SYSTEM/DATATYPE/ID (the id percent-encoded)")
        return cls(parts[0], parts[1], unquote(parts[2]))


class Record(msgspec.Struct, frozen=True):
    """One record as a system showed it: only its mapped properties are kept."""

    id: str
    """The id as text."""
    native_id: str | int
    """The id as the system writes it."""
    content: bytes
    """A flat JSON object `{path: value}` of the mapped properties that were sent, in the order of the paths."""
    version: Native = None
    """What proves that the record is unchanged; None where the system has none."""
    modified: datetime | None = None
    """When the system says it was last modified, with zone."""

    def natives(self) -> dict[str, Native]:
        """The mapped properties, decoded; what was not sent is missing."""
        return decode_natives(self.content)


class Absence(StrEnum):
    """What a system says of an id that it does not show."""

    GONE = "gone"
    """Asked by its id, the system says that the record does not exist."""
    FORBIDDEN = "forbidden"
    """We may not see it. Never a deletion."""
    FAILED = "failed"
    """It could not be read: an error of this record only."""


class OutcomeKind(StrEnum):
    """How a write ended."""

    APPLIED = "applied"
    """Done; `record` is what the system returned for that very write, or None when the answer held none."""
    ALREADY = "already"
    """The system was there already (an idempotent create that was replayed, a record that was gone)."""
    STALE = "stale"
    """Refused: the record is no longer as it was planned from."""
    REJECTED = "rejected"
    """Refused: the system does not take it; the message says why."""
    UNKNOWN = "unknown"
    """The answer was lost: it may have happened, or happen yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of one write."""

    kind: OutcomeKind
    record: Record | None = None
    message: str | None = None
    conflicting: str | None = None
    """The id of the record that a unique key belongs to, where the system names it."""

    @property
    def done(self) -> bool:
        """Whether the system now holds what we meant to write."""
        return self.kind in (OutcomeKind.APPLIED, OutcomeKind.ALREADY)


class Op(StrEnum):
    """The kinds of write."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class LinkState(StrEnum):
    """The life of a link."""

    WAITING = "waiting"
    """It has one member, and waits for its counterparts."""
    LINKED = "linked"
    IN_DOUBT = "in_doubt"
    """A create whose answer was lost."""
    RESTING = "resting"
    """A member has left the scope of its filter."""
    CLOSED = "closed"
    """A tombstone."""


class HeldKind(StrEnum):
    """Why something needs a person."""

    CONFLICT = "conflict"
    REVIEW = "review"
    REJECTED = "rejected"
    IN_DOUBT = "in_doubt"
    BRAKE = "brake"
    VALUE = "value"
    FROZEN = "frozen"
    DELETE = "delete"


class Absent:
    """The state of a property that a system did not send. Absent is never an edit and never written."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT = Absent()


@dataclass(frozen=True, slots=True)
class LinkRef:
    """The canonical value of a reference: the link that it points to."""

    link: int


@dataclass(frozen=True, slots=True)
class Dangling:
    """A reference whose target is in no link (yet)."""

    ref: Ref


class Agreed(msgspec.Struct, frozen=True, kw_only=True):
    """The value of a row that all members were last brought to."""

    value: Any
    """Canonical."""
    revision: int
    origin: str | None
    """The system that it came from; None when a person decided."""
    modified: str | None = None
    """When that system says it was edited, ISO 8601 with zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One record of a link."""

    ref: Ref
    native_id: str | int
    base: Natives
    """Row name → native value when the link was last settled, as that system stored it."""
    behind: frozenset[str] = frozenset()
    """Rows whose agreed value this member has not received."""
    version: Native = None
    modified: datetime | None = None
    created: Native = None
    """When its system says that it was made, as the system says it; None where nothing says so."""
    clean: bool = True
    """Whether the record, as last seen, is equal to the base; if not it is read again before it is planned."""
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The records, at most one per system, that are the same thing in one flow."""

    id: int
    flow: str
    state: LinkState
    members: tuple[Member, ...]
    agreed: Mapping[str, Agreed] = field(default_factory=dict)

    def member(self, system: str) -> Member | None:
        """The member in a system, or None."""
        return next((member for member in self.members if member.ref.system == system), None)


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """Which edit made a write necessary."""

    system: str
    ref: str | None
    row: str | None


def json_text(value: Any) -> str:
    """Compact JSON of a value that the history can hold."""
    return _encoder.encode(value).decode()


json_bytes = _encoder.encode
"""The same, as bytes."""


def from_json(text: str | bytes) -> Any:
    """What `json_text` wrote; numbers with a point become Decimal."""
    return _decode_any.decode(text)
