"""The whole plan against the limits, before its first write. What exceeds them is held and named; the rest goes on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accord.config.meaning import Limit
from accord.errors import UsageError

_APPROVAL = re.compile(r"(?:(?P<flow>[\w.-]+):)?(?P<op>creates|updates|deletes)<=(?P<number>\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A ceiling that a person lifts a limit to, for one run."""

    op: str
    number: int
    flow: str | None = None

    @classmethod
    def parse(cls, text: str) -> Approval:
        """`deletes<=120` or `customer:deletes<=120`. Raises UsageError."""
        found = _APPROVAL.fullmatch(text.replace(" ", ""))
        if found is None:
            raise UsageError(
                f"--approve {text!r} is not understood",
                hint="write for example --approve 'deletes<=120', or 'customer:creates<=40'",
            )
        return cls(op=found["op"].removesuffix("s"), number=int(found["number"]), flow=found["flow"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Braked:
    """Writes of one kind, in one flow and system, that are more than allowed."""

    flow: str
    system: str
    op: str
    count: int
    reason: str


def guard(
    flow: str,
    counts: Mapping[tuple[str, str], int],
    linked: Mapping[str, int],
    limits: Mapping[str, Limit],
    approvals: Sequence[Approval],
    doubt: str | None,
) -> list[Braked]:
    """What of a flow's plan must be held. `counts` is (system, op) → writes; `linked` is system → linked records."""
    braked = []
    for (system, op), count in sorted(counts.items()):
        why = doubt or _exceeds(limits.get(op), count, linked.get(system, 0))
        if why and not _approved(approvals, flow, op, count):
            ceiling = f"accord run --approve '{flow}:{op}s<={count}'"
            braked.append(
                Braked(
                    flow=flow, system=system, op=op, count=count, reason=f"{count} {op}s in {system}: {why}; {ceiling}"
                )
            )
    return braked


def _exceeds(limit: Limit | None, count: int, linked: int) -> str | None:
    if limit is None:
        return None
    if limit.number is not None and count > limit.number:
        return f"more than {limit.number}"
    if limit.percent is not None and count > limit.over and count * 100 > limit.percent * linked:
        return f"more than {limit.percent:g} % of the {linked} linked records, and more than {limit.over}"
    return None


def _approved(approvals: Sequence[Approval], flow: str, op: str, count: int) -> bool:
    return any(
        approval.op == op and approval.flow in (None, flow) and count <= approval.number for approval in approvals
    )
