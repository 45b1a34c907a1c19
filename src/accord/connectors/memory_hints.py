"""Webhooks of a system in memory: each change is told to somebody, unless it is lost, and perhaps twice, late or out
of order. A hint names a record and nothing else; own writes are told like those of people.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from accord.connectors.memory_system import MemorySystem

Tell = Callable[[str, str], None]
"""Called with the datatype and the id."""


@dataclass(slots=True, kw_only=True)
class Hints:
    """The hints of one system and what goes wrong with them; each share is of 1.0."""

    system: MemorySystem
    tell: Tell
    lost: float = 0.0
    doubled: float = 0.0
    late: float = 0.0
    """Told only by `arrive`."""
    mixed_up: bool = False
    """`arrive` tells in another order than things happened."""
    waiting: list[tuple[str, str]] = field(default_factory=list)
    """What was held up on its way."""

    def __post_init__(self) -> None:
        self.system.on_change(self._changed)

    def arrive(self) -> None:
        """What was late is told now."""
        late, self.waiting = self.waiting, []
        if self.mixed_up:
            self.system.random.shuffle(late)
        for datatype, id in late:
            self.tell(datatype, id)

    def _changed(self, datatype: str, id: str) -> None:
        if self._happens(self.lost):
            return
        for _ in range(2 if self._happens(self.doubled) else 1):
            if self.mixed_up or self._happens(self.late):
                self.waiting.append((datatype, id))
            else:
                self.tell(datatype, id)

    def _happens(self, share: float) -> bool:
        return share > 0 and self.system.random.random() < share
