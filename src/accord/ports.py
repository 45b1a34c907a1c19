"""The seams: what the engine asks of a connector and a clock. Asynchronous code lives behind `Connector` only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from accord.config.meaning import System
from accord.model import Absence, Native, Natives, Outcome, Record

Cursor = Any
"""Opaque JSON: the mark up to which a datatype's changes have been read."""


class CursorExpired(Exception):
    """The system can no longer tell what changed since a cursor: everything must be listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a system can do with one datatype, and so which promise rests on what."""

    changed_since: bool = False
    """It can list only what changed since a cursor."""
    deleted_feed: bool = False
    """It lists what was deleted (or shows soft deletes among the changes)."""
    version_check: str | None = None
    """`etag`, `version`, `where`: how it refuses a stale write; None: read, compare, write."""
    deletes_checked: bool = True
    """Whether that holds for deletes, too."""
    own_key: bool = False
    """A create carries our key in a property, and can be found by it."""
    idempotent_create: bool = False
    """A repeated create with the same key makes no second record."""
    find: tuple[str, ...] = ()
    """Paths by which records can be searched at once."""
    batch: int = 1
    """How many creates one request may carry."""
    ordered: bool = False
    """It lists in the order of ids."""
    exact_listing: bool = False
    """A complete listing is the table or file itself: nothing in between can leave records out."""
    read_only: bool = False

    def checks(self, *, deleting: bool) -> bool:
        """Whether the system itself refuses such a write when the record has changed."""
        return self.version_check is not None and (self.deletes_checked or not deleting)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFailure:
    """A record in a page that could not be taken."""

    id: str | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of a listing, handled when it arrives."""

    records: Sequence[Record] = ()
    deleted: Sequence[str] = ()
    """Ids that the system itself lists as deleted; still confirmed before anything rests on it."""
    failures: Sequence[RecordFailure] = ()
    cursor: Cursor = None
    """Where the next reading may start once everything up to this page is stored; None: no mark here."""
    complete: bool = False
    """True on the last page of a listing that showed everything (also when it is an empty one)."""
    total: int | None = None
    """How many records the system says there are, if it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expects:
    """The ground of a write: what the record must still be."""

    version: Native = None
    """Sent as precondition where the system has a version check."""
    natives: Natives = field(default_factory=dict)
    """Path → native value, compared with a point read directly before the write where it has none. What is not
    named is not compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRecord:
    """What a create carries."""

    natives: Natives
    """Path → native value, the own key not included."""
    token: str
    """Sent as idempotency key and stored in the own-key property, where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertySchema:
    """What a system tells about one property."""

    path: str
    type: str | None = None
    """A row type of project-file.md: string, integer, decimal(2), date, …"""
    required: bool = False
    max_length: int | None = None
    values: tuple[Any, ...] | None = None
    read_only: bool = False
    note: str | None = None
    """What else it says, for `discover`: its description, what a foreign key names."""
    refers: str | None = None
    """The datatype that it names a record of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatatypeSchema:
    """What a system tells about one datatype."""

    name: str
    properties: Mapping[str, PropertySchema]


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """One datatype that a system has, whether the project file has it or not."""

    name: str
    """As the file calls it, or as the system does."""
    keys: Mapping[str, Any]
    """What a project file says of it: `table`, `id`, `path`, …"""
    properties: Mapping[str, PropertySchema]
    """What the system tells of them; of a system that tells nothing, none."""
    samples: Sequence[Mapping[str, Any]]
    """Some records, nested as the system sends them."""


@runtime_checkable
class Discovers(Protocol):
    """A connector that can be asked what there is."""

    async def discover(self, sample: int) -> Sequence[Discovered]:
        """Every datatype that can be seen, with so many of its records at most. Raises SystemFailure."""


class Connector(Protocol):
    """A system, reached. One instance per system and process; `open` first, `close` last."""

    system: System
    requests: int
    """How many requests (or statements) were sent so far."""

    async def open(self, paths: Mapping[str, Sequence[str]]) -> None:
        """Get ready to read these properties: datatype name → mapped paths. Connects lazily.

        `Record.content` holds exactly these paths (those that the system sent), in this order.
        """

    async def close(self) -> None:
        """Let go of connections."""

    def capabilities(self, datatype: str) -> Capabilities:
        """What the system can do with a datatype."""

    def read(self, datatype: str, cursor: Cursor) -> AsyncIterator[Page]:
        """List what changed since the cursor, or everything when the cursor is None or the system cannot tell.

        Raises Unreachable, Unauthorized or ProtocolError, and CursorExpired for a cursor that is not understood any
        more (it is then asked again without one); a listing that ends without an exception and without
        a page that is `complete` showed changes only.
        """

    async def fetch(self, datatype: str, ids: Sequence[str]) -> dict[str, Record | Absence]:
        """Read single records by id, consistently. Every id asked for is a key of the answer.

        A softly deleted record that the system still shows is a Record.
        """

    async def find(self, datatype: str, by: Natives) -> list[Record]:
        """Search records by properties: paths of `capabilities().find`, or the own-key property."""

    async def create(self, datatype: str, new: Sequence[NewRecord]) -> list[Outcome]:
        """Create records, one outcome each, in order. At most `capabilities().batch` at once."""

    async def update(self, datatype: str, id: str, patch: Natives, expects: Expects) -> Outcome:
        """Change only these properties of a record that is still as expected."""

    async def delete(self, datatype: str, id: str, expects: Expects) -> Outcome:
        """Delete a record that is still as expected; `already` when it is gone."""

    async def schema(self) -> Mapping[str, DatatypeSchema]:
        """What the system tells about its datatypes; empty where it tells nothing."""


class Clock(Protocol):
    """The time, read once per round and passed in."""

    def now(self) -> datetime:
        """Now, in UTC."""
