"""What is known of a datatype before it is simulated: its properties, their limits, and what the system can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from accord.model import Native
from accord.ports import Capabilities


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyShape:
    """One property of a datatype."""

    path: str
    type: str | None = None
    """A row type of the reference (`string`, `decimal(2)`, `reference(customer)`); None: unknown."""
    required: bool = False
    max_length: int | None = None
    decimals: int | None = None
    """How many decimals the system keeps; None: as many as it is given."""
    options: tuple[Native, ...] = ()
    """The only values that the system takes; empty: any."""
    read_only: bool = False
    create_only: bool = False
    unique: bool = False
    nullable: bool = True
    rewrites: tuple[str, ...] = ()
    """What the project file says that the system does to a value."""
    upper: bool = False
    """Whether every value seen was in capitals."""
    trimmed: bool = False
    """Whether no value seen had blanks at its ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatatypeShape:
    """One datatype of a system."""

    system: str
    name: str
    properties: Mapping[str, PropertyShape]
    """Path → shape, of every mapped property, and of those that a filter or a default names."""
    capabilities: Capabilities = field(default_factory=Capabilities)
    keys: tuple[tuple[str, ...], ...] = ()
    """Sets of paths that are unique together."""
    source: str = "project file"
    """Where it was learned: `project file`, `schema` or `sample`."""
