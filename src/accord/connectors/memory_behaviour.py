"""How a datatype of a system in memory behaves: what it refuses, what it rewrites, what it can be asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Literal

from accord.connectors.paths import get_path
from accord.model import ABSENT, Native

Normaliser = Callable[[Any], Any]


def trim(value: Any) -> Any:
    """Spaces at both ends go."""
    return value.strip() if isinstance(value, str) else value


def upper(value: Any) -> Any:
    """Capitals only."""
    return value.upper() if isinstance(value, str) else value


def cut(length: int) -> Normaliser:
    """What is longer is cut off."""
    return lambda value: value[:length] if isinstance(value, str) else value


def rounded(digits: int) -> Normaliser:
    """Numbers keep so many decimals."""
    quantum = Decimal(1).scaleb(-digits)
    return lambda value: value.quantize(quantum, ROUND_HALF_EVEN) if isinstance(value, Decimal) else value


def null_to_empty(value: Any) -> Any:
    """The system knows no null."""
    return "" if value is None else value


def empty_to_null(value: Any) -> Any:
    """The system knows no empty text."""
    return None if value == "" else value


def default(standard: Any) -> Normaliser:
    """Where nothing is given, the system fills in something."""
    return lambda value: standard if value in (None, ABSENT) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a write to one record does to another one: to its project, its customer."""

    via: str
    """The reference through which the other record is found."""
    target: str
    """Its datatype."""
    change: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda _record: {}
    """The other record, as it was → what changes in it; nothing: it is only saved again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How one datatype behaves. Paths are those of the nested record."""

    ids: str | None = None
    """Pattern of the ids, as `C-{:04d}`; None: whole numbers."""
    id: str = "id"
    version: str | None = "version"
    """Where a version is shown that counts up with each change; None: nowhere."""
    modified: str | None = "updated_at"
    version_check: Literal["version", "where"] | None = "version"
    """How a stale write is refused: by version, by values in the same statement, or not at all."""
    changed_since: Literal["inclusive", "exclusive"] | None = "inclusive"
    resolution: float = 1.0
    """Modification times are cut to so many seconds; 0: microseconds."""
    soft_delete: str | None = None
    """The flag that a delete sets, instead of removing the record."""
    soft_listed: bool = False
    """Whether listings still show softly deleted records (incremental ones always do)."""
    deleted_feed: bool = False
    key_property: str | None = None
    idempotent: bool = False
    batch: int = 1
    ordered: bool = False
    """Listed by id, each page from the last id on; else by position, which drifts."""
    page_size: int = 100
    find: tuple[str, ...] = ()
    normalise: Mapping[str, tuple[Normaliser, ...]] = field(default_factory=dict)
    unique: tuple[tuple[str, ...], ...] = ()
    required: tuple[str, ...] = ()
    references: Mapping[str, str] = field(default_factory=dict)
    """Path → datatype that must hold the record named there; which then cannot be deleted."""
    read_only: frozenset[str] = frozenset()
    create_only: frozenset[str] = frozenset()
    """Taken at creation; later changes from outside are refused, or ignored where `silent`."""
    silent: bool = False
    """Writes to what cannot be written are ignored, and not refused."""
    dropped: frozenset[str] = frozenset()
    """Properties that the system has no more: not shown, and ignored in writes."""
    told: bool = True
    """Whether the schema tells what is required and what cannot be written."""
    checks: Mapping[str, tuple[Callable[[Any], str | None], ...]] = field(default_factory=dict)
    """Path → why a value is refused (`longest`, `pattern`, `options`)."""
    computed: Mapping[str, Callable[[Mapping[str, Any]], Any]] = field(default_factory=dict)
    """Path → what the system makes of the rest of the record at each save."""
    untimed: frozenset[str] = frozenset()
    """A change of these alone does not move the modification time."""
    total: bool = False
    """Listings say how many records there are; one that does not fit is not complete."""
    whole_put: bool = False
    """An update sends the whole record back as it was read, with the changes in it."""
    effects: tuple[Effect, ...] = ()
    """What each save does to other records."""
    merged_into: str | None = None
    """Where a record that was merged names the one that it became; None: it is simply gone."""


class Refused(Exception):
    """The system does not take it."""

    def __init__(self, message: str, conflicting: str | None = None) -> None:
        super().__init__(message)
        self.message, self.conflicting = message, conflicting


class TickingClock:
    """A clock that moves by itself, a little at each look, and otherwise when told."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC), step: float = 0.25) -> None:
        self.time, self.step = start, timedelta(seconds=step)

    def now(self) -> datetime:
        """The time; the next look sees a later one."""
        self.time += self.step
        return self.time

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.time += timedelta(seconds=seconds)


def in_bin(behaviour: Behaviour, record: dict[str, Any]) -> bool:
    """Whether a record is softly deleted."""
    return behaviour.soft_delete is not None and get_path(record, behaviour.soft_delete) is True


def is_listed(behaviour: Behaviour, data: dict[str, Any], since: datetime | None) -> bool:
    """Whether a listing of what changed since then, or of everything, shows a record."""
    if since is None:
        return behaviour.soft_listed or not in_bin(behaviour, data)
    modified = get_path(data, behaviour.modified or "")
    if not isinstance(modified, str):
        return True
    time = datetime.fromisoformat(modified)
    return time > since or (time == since and behaviour.changed_since == "inclusive")


def version_of(behaviour: Behaviour, data: dict[str, Any]) -> Native:
    """The version that a record shows; None where versions are not checked."""
    if behaviour.version_check != "version" or behaviour.version is None:
        return None
    version: Native = get_path(data, behaviour.version)
    return version
