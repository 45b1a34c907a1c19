"""What was derived from a document, where from, and what has to be asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Ask:
    """Something that a document leaves open and Accord must know."""

    key: tuple[str, ...]
    """The key of the datatype that answers it."""
    message: str
    allowed: str | None = None
    hint: str | None = None


@dataclass(slots=True)
class Found:
    """The keys of one datatype, in the making."""

    keys: dict[str, Any] = field(default_factory=dict)
    sources: list[tuple[str, Any, str]] = field(default_factory=list)
    """Key, value, and the place of the document that says so."""
    asks: list[Ask] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)
    """Which of `create`, `update` and `delete` the document does not have."""

    def key(self, where: tuple[str, ...], value: Any, source: str) -> None:
        """Note a key and where it comes from."""
        holder = self.keys
        for part in where[:-1]:
            holder = holder.setdefault(part, {})
        holder[where[-1]] = value
        self.sources.append((".".join(where), value, source))

    def ask(self, key: tuple[str, ...], message: str, *, allowed: str | None = None, hint: str | None = None) -> None:
        """Note a question."""
        self.asks.append(Ask(key, message, allowed, hint))

    def open(self, key: str, message: str) -> None:
        """Note what is not derived, and does no harm."""
        self.sources.append((key, None, message))
