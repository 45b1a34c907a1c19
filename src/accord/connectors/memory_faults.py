"""What goes wrong in a system in memory, on purpose and repeatably: the transport and data lines of the fault table."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

Operation = Literal["list", "get", "find", "create", "update", "delete"]
FaultName = Literal[
    "answer_lost_before",
    "answer_lost_after",
    "late_effect",
    "error",
    "unreachable",
    "unauthorized",
    "forbidden",
    "empty_list",
    "short_list",
    "stale_list",
    "page_drift",
    "one_record_twice",
    "rejected",
    "stale",
]

WRITES = frozenset({"create", "update", "delete"})
READS = frozenset({"list", "get", "find"})
APPLIES: dict[str, frozenset[str]] = {
    "answer_lost_before": WRITES | READS,
    "answer_lost_after": WRITES | READS,
    "late_effect": WRITES,
    "error": WRITES | READS,
    "unreachable": WRITES | READS,
    "unauthorized": WRITES | READS,
    "forbidden": WRITES | READS,
    "empty_list": frozenset({"list"}),
    "short_list": frozenset({"list"}),
    "stale_list": frozenset({"list"}),
    "page_drift": frozenset({"list"}),
    "one_record_twice": frozenset({"list"}),
    "rejected": WRITES,
    "stale": frozenset({"update", "delete"}),
}


@dataclass(slots=True, kw_only=True)
class Fault:
    """One fault, switched on. It strikes matching requests until `count` is used up."""

    name: FaultName
    operation: Operation | None = None
    """None: every operation that this fault can strike."""
    datatype: str | None = None
    ids: frozenset[str] = frozenset()
    """Only requests about these records; for `forbidden` also what listings leave out."""
    rate: float = 1.0
    count: int | None = None
    """How many more times; None: for ever."""
    skip: int = 0
    """How many matching requests go through first."""
    after: int = 3
    """`late_effect`: takes effect at so many requests later. `stale_list`: shows what was so many requests ago."""
    share: float = 0.5
    """`short_list`: part of the records that is left out."""
    struck: int = 0
    """How often it has struck so far."""

    def strikes(self, operation: str, datatype: str, id: str | None, random: Random) -> bool:
        """Whether it strikes this request; counts it."""
        if not self._matches(operation, datatype, id) or self.count == 0:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.rate < 1.0 and random.random() >= self.rate:
            return False
        if self.count is not None:
            self.count -= 1
        self.struck += 1
        return True

    def _matches(self, operation: str, datatype: str, id: str | None) -> bool:
        return (
            operation in APPLIES[self.name]
            and self.operation in (None, operation)
            and self.datatype in (None, datatype)
            and (not self.ids or id in self.ids)
        )
