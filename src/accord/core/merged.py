"""What a merge comes to, as data: agreed values, what is superseded, held or waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from accord.model import Agreed, Cause, Dangling


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """An edit that lost, kept for the history."""

    system: str
    row: str
    lost: Any
    kept: Any
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRow:
    """A row (or group) that needs a person."""

    kind: str
    row: str
    values: Mapping[str, Any]
    base: Any
    reason: str


@dataclass(slots=True, kw_only=True)
class Merged:
    """What the merge of one link came to."""

    agreed: dict[str, Agreed] = field(default_factory=dict)
    """Rows whose agreed value is new."""
    take: dict[str, set[str]] = field(default_factory=dict)
    """System → rows whose value there is now the base (it is the agreed one, or was left alone by the rules)."""
    send: dict[str, str] = field(default_factory=dict)
    """Row → why the others receive it."""
    causes: dict[str, Cause] = field(default_factory=dict)
    set_back: set[tuple[str, str]] = field(default_factory=set)
    """(system, row) pairs whose edit is overwritten."""
    frozen: set[str] = field(default_factory=set)
    """Rows that are held: nothing about them is written."""
    held: list[HeldRow] = field(default_factory=list)
    superseded: list[Superseded] = field(default_factory=list)
    waits: list[tuple[str, Dangling]] = field(default_factory=list)
    """Reference rows whose target is in no link yet."""
    resting: dict[str, str] = field(default_factory=dict)
    """Row → why its condition is not true. They are frozen, and nothing is held."""
    resend: set[str] = field(default_factory=set)
    """Rows that a person has decided while they were frozen: sent to whoever does not show them, edited or not."""

    def rests(self, rows: Sequence[str], why: str) -> None:
        """Note that nothing of these rows is carried at present."""
        self.frozen.update(rows)
        self.resting.update(dict.fromkeys(rows, why))

    def taken(self, system: str, rows: Sequence[str]) -> None:
        """Note that a system's present values of these rows are settled."""
        self.take.setdefault(system, set()).update(rows)
