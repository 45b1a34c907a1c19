"""The frozen values that go into the state and come out of it. What may be done with them is in `storing.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from accord.core.linkplan import LinkPlan
from accord.model import Link, Member, Native, Natives, Op, Ref, decode_natives

_WRITES = frozenset(op.value for op in Op)


@dataclass(frozen=True, slots=True, kw_only=True)
class CursorRow:
    """How far a datatype was read."""

    mark: Any
    mapping: str
    read_at: datetime | None
    complete_at: datetime | None
    complete_count: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A record in the inbox. `content` is None where the record is gone (confirmed by its id)."""

    ref: Ref
    native_id: str | int
    content: bytes | None
    version: Native
    modified: datetime | None
    born: int | None = None
    """The run in which it was seen for the first time; None: it was known before it came into the inbox."""
    link: int | None = None

    def natives(self) -> dict[str, Native]:
        """Path → native."""
        return decode_natives(self.content or b"{}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLink:
    """A link that begins with one record."""

    flow: str
    ref: Ref
    native_id: str | int
    base: Natives
    version: Any
    modified: datetime | None
    created: Native
    keys: Sequence[tuple[int, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledLink:
    """A link as it is after a settle, with what else changes in the same transaction."""

    link: Link
    dirty: bool
    why: str | None
    closed_members: tuple[Member, ...] = ()
    keys: Mapping[str, Sequence[tuple[int, str]]] = field(default_factory=dict)
    """System → match keys of its member, where they changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A link plan with its place in the round."""

    id: int
    run: int
    """The run that has planned it, and that has sent it first."""
    flow: str
    link: int
    stage: int
    verdict: str
    """`go`, `held` (a limit), `waits` (what it refers to is not made), `left` (not in the plan that is applied)."""
    state: str
    plan: LinkPlan
    sent_at: datetime | None
    why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A reference in a plan whose target is created in the same run."""

    proposal: int
    row: str
    link: int
    system: str
    essential: bool
    """Whether the write cannot go on without (a create); else it is sent later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Something that needs a person."""

    id: int
    kind: str
    flow: str | None
    link: int | None
    row: str | None
    refs: tuple[str, ...]
    values: Mapping[str, Any]
    base: Any
    reason: str
    since: str
    run: int | None
    decision: Mapping[str, Any] | None
    decided_by: str | None
    decided_at: str | None
    closed_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """One write, or one thing that happened to a link."""

    run: int
    at: str
    flow: str | None
    link: int | None
    system: str | None
    ref: str | None
    op: str
    changes: Mapping[str, Sequence[Any]]
    """Row → [old, new]."""
    outcome: str
    reason: str
    caused_by: Mapping[str, Any] | None = None
    by: str | None = None
    id: int = 0

    @property
    def wrote(self) -> Op | None:
        """The kind of write of ours that this was, if it was one and took effect."""
        return Op(self.op) if self.op in _WRITES and self.outcome in ("applied", "already") else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One round, as it was reported."""

    id: int
    kind: str
    started: str
    finished: str | None
    status: int | None
    by: str | None
    report: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds the lease."""

    holder: str
    host: str
    pid: int
    born: str
    since: str
    beat: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {self.since}"
