"""The tests that a project file holds: records and edits, and what a round must make of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from accord.model import Native, Op, Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRecord:
    """A record as a test writes it down."""

    ref: Ref
    native_id: str | int
    """The id as the file writes it: a number without quotes stays one."""
    properties: Mapping[str, Native]
    """Path, or the name of a nested object → value, as the system would show it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedWrite:
    """One write that the rounds must make."""

    op: Op
    system: str
    datatype: str
    id: str | None
    """None: of a create, which gets its id from the system."""
    properties: Mapping[str, Native]
    """What the record shows afterwards. Of an update these are all that is written; of a create, some of it."""

    def __str__(self) -> str:
        return f"{self.op.value} {self.system}/{self.datatype}" + (f"/{self.id}" if self.id is not None else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedHeld:
    """One thing that must be held for a person."""

    kind: str
    ref: Ref
    row: str | None = None

    def __str__(self) -> str:
        return f"{self.kind} of {self.ref}" + (f", row {self.row}" if self.row else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What must come of it. None: nothing is said of it."""

    writes: Sequence[ExpectedWrite] | None = None
    held: Sequence[ExpectedHeld] | None = None
    linked: Sequence[Sequence[str]] | None = None
    """Records that must be in one link: `SYSTEM/DATATYPE/ID`, or `SYSTEM/DATATYPE` for one that is created."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test of the project file."""

    name: str
    file: str
    line: int
    description: str | None = None
    in_step: Sequence[Sequence[CaseRecord]] = ()
    """Records that are linked and in step when it begins, link by link."""
    new: Sequence[CaseRecord] = ()
    """Records that people have made since."""
    edit: Sequence[CaseRecord] = ()
    """What people have typed into records of `in_step` since."""
    delete: Sequence[Ref] = ()
    expect: Expected = field(default_factory=Expected)


def natives_of(value: Any) -> Any:
    """A value of the file as a system sends it: the keys of objects are text."""
    if isinstance(value, dict):
        return {str(key): natives_of(item) for key, item in value.items()}
    return [natives_of(item) for item in value] if isinstance(value, list) else value


__all__ = ["Case", "CaseRecord", "Expected", "ExpectedHeld", "ExpectedWrite", "natives_of"]
