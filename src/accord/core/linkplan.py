"""A link plan as data: stored before its first write, printed, checked, applied and, after a crash, found again.

Everything in it is JSON. It has no `run()`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from accord.model import Link, LinkState, Op, OutcomeKind, Ref


class RowWrite(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One row of a write."""

    row: str
    path: str
    native: Any = None
    """What is sent; for a reference to a link without a record there yet, filled in when that exists."""
    link: int | None = None
    """The link that a reference points to."""
    pending: bool = False
    """A reference whose target is created in the same run: `native` is filled in when it exists."""
    old: Any = None
    new: Any = None
    reason: str = ""
    cause: tuple[str, str | None, str | None] | None = None
    """System, ref and row of the edit behind it."""


class Known(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a write ended whose plan could not be settled, because another of its writes is in doubt."""

    kind: OutcomeKind
    message: str | None = None
    conflicting: str | None = None
    id: str | None = None
    """Of the record that the answer (or a reading afterwards) showed; None where there was none."""
    native_id: str | int | None = None
    content: str = "{}"
    version: Any = None
    modified: str | None = None
    is_proven: bool = True
    is_answer: bool = True
    """Whether the record is what the system returned for that very write."""


class WritePlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One write to one record."""

    op: Op
    system: str
    datatype: str
    id: str | None = None
    native_id: str | int | None = None
    rows: tuple[RowWrite, ...] = ()
    extra: dict[str, Any] = {}
    """Path → native of what no row says: defaults of a create, the properties of an archived record."""
    token: str | None = None
    version: Any = None
    ground: dict[str, Any] = {}
    """Path → native that the record must still have where the system has no version check."""
    reason: str = ""
    known: Known | None = None
    listed_in: int | None = None
    """The run whose listing would have shown what a create in doubt has made, had it made anything by then."""

    @property
    def ref(self) -> Ref | None:
        """The record that is written; None for a create."""
        return None if self.id is None else Ref(self.system, self.datatype, self.id)

    def natives(self) -> dict[str, Any]:
        """Path → native of all that is sent. A pending reference is left out: it is set in a second write."""
        return {**self.extra, **{row.path: row.native for row in self.rows if not row.pending}}


class AgreedRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The agreed value of a row, as JSON."""

    value: Any = None
    revision: int = 1
    origin: str | None = None
    modified: str | None = None


class LogLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A history line that is no write: a superseded edit, a link begun or closed."""

    op: str
    system: str | None = None
    ref: str | None = None
    row: str | None = None
    old: Any = None
    new: Any = None
    reason: str = ""
    by: str | None = None


class HeldItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something about a link that needs a person."""

    kind: str
    row: str | None = None
    values: dict[str, Any] = {}
    base: Any = None
    reason: str = ""
    refs: tuple[str, ...] = ()


class Wait(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A link waits until the record of `system/datatype/id`, or link `link`, has a member in `target`."""

    row: str
    target: str
    link: int | None = None
    system: str | None = None
    datatype: str | None = None
    id: str | None = None


class SeenMember(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the plan's reading showed of a member, besides its rows."""

    version: Any = None
    modified: str | None = None
    created: Any = None
    clean: bool = True
    """Whether every row equals the base once this is settled."""


class LinkPlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything that will be written and settled for one link."""

    flow: str
    link: int
    state: LinkState
    """The link's state once this is settled."""
    agreed: dict[str, AgreedRow] = {}
    """Rows whose agreed value is new."""
    take: dict[str, dict[str, Any]] = {}
    """System → row → native that becomes the base without a write."""
    seen: dict[str, SeenMember] = {}
    behind: dict[str, tuple[str, ...]] = {}
    """System → rows it has not received once this is settled, the writes below not counted."""
    writes: tuple[WritePlan, ...] = ()
    gone: tuple[str, ...] = ()
    """Systems whose record is gone; the member stays until somebody decides."""
    drop: tuple[str, ...] = ()
    """Systems whose member leaves the link (a deleted record that is created again)."""
    log: tuple[LogLine, ...] = ()
    held: tuple[HeldItem, ...] = ()
    waits: tuple[Wait, ...] = ()
    why: str | None = None
    """Why the link waits, where it does."""
    by: str | None = None
    """Who decided, where a person did."""

    @property
    def idle(self) -> bool:
        """Whether nothing is written to any system."""
        return not self.writes


_decoder = msgspec.json.Decoder(LinkPlan, float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


def encode_plan(plan: LinkPlan) -> bytes:
    """The plan as JSON."""
    return _encoder.encode(plan)


def decode_plan(content: bytes | str) -> LinkPlan:
    """The plan in some JSON; decimals stay exact."""
    return _decoder.decode(content)


def resting_plan(link: Link) -> LinkPlan:
    """A record has left the scope of its filter: nothing is written and nothing deleted until it returns."""
    line = LogLine(op="resting", reason="a record has left the scope of its filter")
    log = () if link.state is LinkState.RESTING else (line,)
    return LinkPlan(flow=link.flow, link=link.id, state=LinkState.RESTING, log=log, why=line.reason)
