"""What the project file means: frozen values, defaults filled in, names resolved. Its written shape: `schema.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from accord.config.cases import Case

LinkMode = Literal["create", "match-or-create", "match-only", "connected", "never"]
DeleteRule = Literal["ask", "propagate", "keep", "archive", "restore", "delete_wins", "edit_wins"]
ConflictRule = Literal["ask", "latest", "prefer", "union", "additive", "merge", "keep-filled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """What the file (or the system's schema) says about one property of a datatype."""

    path: str
    type: str | None = None
    required: bool = False
    max_length: int | None = None
    values: tuple[Any, ...] | None = None
    read_only: bool = False
    create_only: bool = False
    default: Any = None
    rewrites: tuple[str, ...] = ()
    """What the system does to a value before it stores it (`REWRITES` in `words.py`)."""
    write_as: str | None = None
    """The path under which the system takes it, where that is another one than it shows it under."""
    write_with: Mapping[str, Any] | None = None
    """Constants sent along when it is written: the name of its class in typed JSON. With null, the object around it is
    null."""
    null_when_absent: bool = False
    """Whether the system leaves it out where it is null."""
    null_as: Any = None
    """What the system shows and takes in place of null: false, 0, an empty text."""
    link: str | None = None
    """The address, with {id}, that the system shows and takes in place of an id."""
    parts: tuple[str, ...] = ()
    """Paths of the properties that this one is joined of, and taken apart into; empty for an ordinary one."""
    join: str = " "
    split: str = "last"
    """Which part gets the last or first word and which the rest, or where a `number` begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionCheck:
    """What proves that a record is unchanged: `etag`, or a path whose value goes back in body, header or query."""

    kind: Literal["etag", "path"]
    path: str | None = None
    header: str | None = None
    query: str | None = None
    deletes: bool = True
    """Whether a delete is checked, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Datatype:
    """One kind of record in a system."""

    system: str
    name: str
    title: str
    id: str = "id"
    modified: str | None = None
    created: str | None = None
    """The path of the time of creation: where it differs, an id was given to another record."""
    version: VersionCheck | None = None
    deleted: str | None = None
    """Expression that is true for a softly deleted record."""
    properties: Mapping[str, Property] = field(default_factory=dict)
    key_property: str | None = None
    natural_key: tuple[str, ...] = ()
    ordered: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    """The keys that belong to the connector (`path`, `list`, `table`, …), checked by its own model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemLimits:
    """How hard a system may be pressed. Seconds and requests a second."""

    rate: float | None = None
    concurrency: int = 8
    timeout: float = 30.0
    retries: int = 4
    grace: float = 120.0
    """How long after a time-out a write may still take effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemClock:
    """How a system tells the time. Seconds."""

    zone: str = "UTC"
    tolerance: float = 2.0
    resolution: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """One key of a datatype that a document of the system gave."""

    key: str
    """As `list.paginator`."""
    value: Any
    """None: the document does not have it."""
    source: str
    """The place of the document, or why it is not derived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A connected business application."""

    name: str
    title: str
    connector: str
    datatypes: Mapping[str, Datatype]
    limits: SystemLimits = SystemLimits()
    clock: SystemClock = SystemClock()
    read_only: bool = False
    sandbox: bool = False
    """Whether made-up records may be written to it: `discover --probe` does so nowhere else."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The keys that belong to the connector (`base_url`, `auth`, `url`, …); secrets are resolved in here."""
    derived: Mapping[str, tuple[Derivation, ...]] = field(default_factory=dict)
    """Datatype → what its OpenAPI document gave, where the file does not say it itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A flow's datatype in one system."""

    system: str
    datatype: str
    mode: LinkMode
    """What happens to a new record of this side."""
    connected_to: str | None = None
    """For `connected`: the flow whose records must refer to it; None: any."""
    where: str | None = None
    when: str | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    create: bool = True
    update: bool = True
    delete: bool = True
    since_linked: bool = False
    on_delete: DeleteRule = "ask"
    """What happens to the others when a record of this side is deleted."""
    archive: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeSpec:
    """A row's type: `decimal(2)` is name `decimal`, arguments `("2",)`; `list of string` has an `of`."""

    name: str
    arguments: tuple[str, ...] = ()
    of: TypeSpec | None = None

    def __str__(self) -> str:
        if self.of is not None:
            return f"{self.name}({self.of})"
        return f"{self.name}({', '.join(self.arguments)})" if self.arguments else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class LensSpec:
    """One lens of one side of a row: `{scale: 60}` is name `scale`, argument 60."""

    name: str
    argument: Any = None
    lossy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MapTable:
    """Where the value map of a row comes from, when that is a table beside the project file."""

    file: str
    lines: int
    passes: bool = False
    """Whether a value that is in no line goes through as it is; else it is held."""
    instead: Mapping[str, Any] = field(default_factory=dict)
    """System → what is written there for a value that is in no line."""
    lossy: bool = False
    """Whether several values may become one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Who wins when edits of one row differ."""

    rule: ConflictRule = "ask"
    prefer: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """What the elements of a row's list are made of."""

    key: tuple[str, ...]
    """Sub-rows by which elements are told apart."""
    rows: tuple[Row, ...]
    """Sub-rows: their paths start at the element."""
    judged: frozenset[str] = frozenset()
    """Sub-rows that have a conflict rule of their own; the others follow the row's."""
    on_delete: Literal["ask", "delete_wins", "edit_wins"] = "ask"
    """What becomes of an element that one side has deleted and another edited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a flow's property table."""

    name: str
    paths: Mapping[str, str]
    """System → path. A system without a path does not take part in this row."""
    type: TypeSpec
    sources: frozenset[str]
    """Systems whose edits count."""
    targets: frozenset[str]
    """Systems that are written to."""
    conflict: Conflict = Conflict()
    enforce: str | None = None
    required: bool = False
    maps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """System → {canonical value as text: native value}. The first system of the flow has the canonical ones where
    only two are mapped."""
    table: MapTable | None = None
    """The table that `maps` were read from."""
    lenses: Mapping[str, tuple[LensSpec, ...]] = field(default_factory=dict)
    equal: Literal["exact", "case", "spaces", "digits"] | None = None
    truncate: bool = False
    keep_filled: bool = False
    items: Items | None = None
    """Of a list of objects with a key."""
    when: Mapping[str, str] = field(default_factory=dict)
    """System → expression on its record. While one of them is not true the row rests: nothing of it is carried."""
    description: str | None = None
    group: str | None = None

    def is_lossy(self, system: str) -> bool:
        """Whether the file says that a value loses information on its way to a system."""
        return (self.table is not None and self.table.lossy) or any(spec.lossy for spec in self.lenses.get(system, ()))

    @property
    def reference(self) -> str | None:
        """The flow that a reference row points into, or None."""
        return self.type.arguments[0] if self.type.name == "reference" and self.type.arguments else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A brake: more than `number`, or more than `percent` of the linked records and more than `over`, is held."""

    number: int | None = None
    percent: float | None = None
    over: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchScore:
    """A scored match rule."""

    weights: Mapping[str, float]
    link: float = 0.95
    review: float = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """The datatypes, one per system, that describe the same thing, and the rows that say what corresponds."""

    name: str
    sides: tuple[Side, ...]
    rows: tuple[Row, ...]
    match: tuple[tuple[str, ...], ...] = ()
    """Rules; a rule is some row names."""
    match_score: MatchScore | None = None
    limits: Mapping[str, Limit] = field(default_factory=dict)
    """`create`, `update`, `delete` → brake."""
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    after: tuple[str, ...] = ()

    @property
    def matches(self) -> bool:
        """Whether records are matched, by rules or by a score."""
        return bool(self.match) or self.match_score is not None

    def side(self, system: str) -> Side | None:
        """The side of a system, or None."""
        return next((side for side in self.sides if side.system == system), None)

    def row(self, name: str) -> Row:
        """The row of that name. Raises KeyError."""
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When `serve` runs rounds, and how old a complete listing may get. Seconds."""

    every: float = 60.0
    full_every: float = 86400.0
    cron: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """Something that is allowed and probably not meant, such as a secret written literally."""

    file: str
    line: int
    path: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Everything that `accord.yaml` says."""

    title: str
    file: Path
    state: str
    """A path, absolute, or a PostgreSQL URL."""
    systems: Mapping[str, System]
    flows: Mapping[str, Flow]
    schedule: Schedule = Schedule()
    sections: Mapping[str, Any] = field(default_factory=dict)
    """`notify` (a list), `console`, `worker`: checked, short forms written out. `schedule`: `system` or
    `system.datatype` → what differs there, in seconds."""
    cases: tuple[Case, ...] = ()
    """The tests that the file holds."""
    secrets: frozenset[str] = frozenset()
    """Every value that came from ${…} or stands where a secret stands; redacted wherever text leaves Accord."""
    warnings: tuple[Caution, ...] = ()

    def datatype(self, system: str, name: str) -> Datatype:
        """A datatype by name. Raises KeyError."""
        return self.systems[system].datatypes[name]
