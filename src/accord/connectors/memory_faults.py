"""What goes wrong in a system in memory, on purpose and repeatably: the transport and data lines of the fault table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Literal
from zlib import crc32

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
    "error_before",
    "error_after",
    "cut_body",
    "truncated_json",
    "html_page",
    "error_inside",
    "empty_body",
    "token_expired",
    "collection_forbidden",
    "too_many",
    "slow",
    "order_changes",
    "stale_replica",
    "wrong_total",
    "invisible",
    "null_version",
    "touched",
    "batch_in_part",
    "item_missing",
    "batch_mixed_up",
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
    "error_before": WRITES | READS,
    "error_after": WRITES | READS,
    "cut_body": WRITES | READS,
    "truncated_json": WRITES | READS,
    "html_page": WRITES | READS,
    "error_inside": WRITES | READS,
    "empty_body": WRITES | READS,
    "token_expired": WRITES | READS,
    "collection_forbidden": frozenset({"list", "find"}),
    "too_many": WRITES | READS,
    "slow": WRITES | READS,
    "order_changes": frozenset({"list"}),
    "stale_replica": frozenset({"get"}),
    "wrong_total": frozenset({"list"}),
    "invisible": frozenset(),
    "null_version": READS,
    "touched": frozenset({"update", "delete"}),
    "batch_in_part": frozenset({"create"}),
    "item_missing": frozenset({"create"}),
    "batch_mixed_up": frozenset({"create"}),
}
LOST_BEFORE = frozenset({"answer_lost_before", "error_before"})
"""The write did not happen, and nobody knows."""
LOST_AFTER = frozenset({"answer_lost_after", "error_after", "cut_body", "truncated_json"})
"""The write happened, and nobody knows."""
LOST_EITHER = frozenset({"error", "html_page", "error_inside", "empty_body"})
"""One or the other, by chance."""
UNFIT = frozenset({"truncated_json", "html_page", "error_inside", "empty_body"})
"""Answers that have not the shape of a listing or a record."""
OF_ONE_RECORD = UNFIT | {"error_before", "error_after"}
"""What a point read takes for a failure of that record only."""


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
    """`late_effect`: takes effect at so many requests later. `stale_list` and `stale_replica`: shows what was so many
    requests ago."""
    share: float = 0.5
    """`short_list`: part of the records that is left out; `invisible`: that is hidden, unless `ids` names them;
    `batch_in_part`: part of the creates that is refused."""
    seconds: float = 0.0
    """`too_many`: what `Retry-After` asks for, 0: nothing. `slow`: how long the answer takes."""
    between: tuple[datetime, datetime] | None = None
    """It strikes only while the clock of the system is between these: a maintenance hour, with `unreachable`."""
    struck: int = 0
    """How often it has struck so far."""

    def strikes(
        self, operation: str, datatype: str, id: str | None, random: Random, now: datetime | None = None
    ) -> bool:
        """Whether it strikes this request; counts it."""
        if not self._matches(operation, datatype, id) or self.count == 0:
            return False
        if self.between is not None and (now is None or not self.between[0] <= now < self.between[1]):
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

    def hides(self, datatype: str, id: str) -> bool:
        """Whether a standing fault keeps a record out of sight: the same ones each time."""
        if self.count == 0 or self.datatype not in (None, datatype):
            return False
        if self.ids or self.name == "forbidden":
            return id in self.ids
        return self.name == "invisible" and crc32(id.encode()) % 100 < self.share * 100

    def _matches(self, operation: str, datatype: str, id: str | None) -> bool:
        return (
            operation in APPLIES[self.name]
            and self.operation in (None, operation)
            and self.datatype in (None, datatype)
            and (not self.ids or id in self.ids)
        )
