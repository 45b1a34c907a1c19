"""What a verification comes to: a result for each line of the checklist, and every difference with its records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

OutcomeName = Literal["passed", "failed", "held", "not_tried"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something that is not as the document says."""

    kind: str
    """`missing`, `deleted`, `differs`, `reference`, `duplicate`, `unlinked`, `unreadable`, `scope` or `live`."""
    flow: str
    refs: tuple[str, ...]
    message: str
    hint: str
    row: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    """System → what is there, as the system writes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the checklist, with its result."""

    id: str
    flow: str
    source: str
    target: str
    text: str
    outcome: OutcomeName
    message: str
    checked: int = 0
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One flow in one direction: a section of the document."""

    heading: str
    source: str
    target: str
    flow: str
    lines: tuple[Line, ...]


@dataclass(slots=True, kw_only=True)
class Verification:
    """All of it."""

    title: str
    started: str
    finished: str
    parts: Sequence[Part]
    records: Mapping[str, int] = field(default_factory=dict)
    """`SYSTEM/DATATYPE` → how many records were read."""
    pending: Mapping[str, int] = field(default_factory=dict)
    """`SYSTEM/DATATYPE` → how many of them were changed since the last round."""
    errors: Sequence[Mapping[str, str]] = ()
    live: bool = False

    @property
    def lines(self) -> list[Line]:
        """Every line, in the order of the document."""
        return [line for part in self.parts for line in part.lines]

    @property
    def differences(self) -> list[Difference]:
        """Every difference once, though the lines of both directions may name it."""
        found: dict[tuple[Any, ...], Difference] = {}
        for line in self.lines:
            for one in line.differences:
                found.setdefault((one.kind, one.flow, tuple(sorted(one.refs)), one.row), one)
        return list(found.values())

    def counts(self) -> dict[str, int]:
        """Outcome → how many lines."""
        found = {"passed": 0, "failed": 0, "held": 0, "not_tried": 0}
        for line in self.lines:
            found[line.outcome] += 1
        return found

    @property
    def status(self) -> int:
        """1 where a system could not be read, 4 where there is a difference, 3 where something is held, else 0."""
        if self.errors:
            return 1
        counts = self.counts()
        return 4 if counts["failed"] else 3 if counts["held"] else 0

    def document(self) -> dict[str, Any]:
        """The shape of `verify --json`."""
        return {
            "title": self.title,
            "started": self.started,
            "finished": self.finished,
            "live": self.live,
            "ok": self.status == 0,
            "counts": self.counts(),
            "records": dict(self.records),
            "pending": dict(self.pending),
            "lines": [
                {
                    "id": line.id,
                    "flow": line.flow,
                    "source": line.source,
                    "target": line.target,
                    "text": line.text,
                    "outcome": line.outcome,
                    "message": line.message,
                    "checked": line.checked,
                    "differences": len(line.differences),
                }
                for line in self.lines
            ],
            "differences": [asdict(one) for one in self.differences],
            "errors": [dict(error) for error in self.errors],
        }
