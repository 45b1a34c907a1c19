"""What a probe finds out, as data: facts of properties and of datatypes, and how they stand to the project file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from accord.config.meaning import Property
from accord.model import Native

Level = Literal["fact", "warning", "problem"]
"""`problem`: what the project file says, or the connector declares, is not so. `warning`: worth a look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that was seen."""

    word: str
    """`trim`, `length`, `version_check`, …: see docs/how-to/find-out-what-a-system-does.md."""
    said: str
    level: Level = "fact"
    keys: Mapping[str, Any] = field(default_factory=dict)
    """What the project file should say of the property; `rewrites` holds the words that are to be added."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prop:
    """One property that is probed, as far as it is known beforehand."""

    path: str
    kind: str
    """The name of its type; `string` where nothing is known."""
    scale: int | None = None
    stated: Property | None = None
    """What the project file says of it."""
    max_length: int | None = None
    values: tuple[Any, ...] | None = None
    required: bool = False
    read_only: bool = False
    create_only: bool = False
    sample: Native = None
    """The value of some record of the system; None: there was none."""
    target: Native = None
    """Of a reference: the id of a record that it may name."""
    careful: bool = False
    """No id of a record that there is not may be written: where a connector reads before each write, a record that can
    no longer be read can no longer be mended or removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundOfProperty:
    """What was seen of one property."""

    path: str
    type: str
    tried: bool
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundOfDatatype:
    """What was seen of one datatype."""

    name: str
    made: int = 0
    """How many records were made, and removed again."""
    before: int | None = None
    after: int | None = None
    """How many records its listing showed, before and after."""
    facts: tuple[Fact, ...] = ()
    properties: tuple[FoundOfProperty, ...] = ()
    why_not: str | None = None
    """Why it could not be probed."""

    def all_facts(self) -> list[tuple[str | None, Fact]]:
        """(path, fact), those of the datatype first."""
        return [(None, fact) for fact in self.facts] + [
            (one.path, fact) for one in self.properties for fact in one.facts
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What was found out of one system."""

    system: str
    datatypes: tuple[FoundOfDatatype, ...]
    left: tuple[str, ...] = ()
    """Records that could not be removed."""

    @property
    def status(self) -> int:
        """The exit status: 1 something could not be removed or probed, 4 the file or a capability is contradicted."""
        if self.left or any(one.why_not for one in self.datatypes):
            return 1
        levels = {fact.level for one in self.datatypes for _, fact in one.all_facts()}
        return 4 if "problem" in levels else 0

    def document(self) -> dict[str, Any]:
        """The JSON of it."""
        return {
            "system": self.system,
            "status": self.status,
            "left": list(self.left),
            "datatypes": [_datatype(one) for one in self.datatypes],
        }


def _datatype(one: FoundOfDatatype) -> dict[str, Any]:
    return {
        "name": one.name,
        "made": one.made,
        "before": one.before,
        "after": one.after,
        "why_not": one.why_not,
        "facts": _facts(one.facts),
        "properties": [
            {"path": each.path, "type": each.type, "tried": each.tried, "facts": _facts(each.facts)}
            for each in one.properties
        ],
    }


def _facts(facts: Sequence[Fact]) -> list[dict[str, Any]]:
    return [{"word": one.word, "level": one.level, "said": one.said, "keys": dict(one.keys)} for one in facts]
