"""The whole plan against the limits, before its first write. What exceeds them is held and named; the rest goes on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accord.config.meaning import Limit
from accord.errors import UsageError

_LEAVES = {"delete": 1, "create": -1}
"""How a write of a kind that went through has changed the number of linked records, to be taken back."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifted:
    """A limit that would have held something, and that a person has lifted."""

    flow: str
    system: str
    op: str
    count: int
    ceiling: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """The verdict on one flow's plan."""

    braked: tuple[Braked, ...] = ()
    lifted: tuple[Lifted, ...] = ()


MAPPING = Limit(percent=25, over=20)
"""How many updates or creates may follow from a changed project file before a person has looked."""
HALF = 10
"""So many deletes, and more than half of what is linked: a side that was emptied, or cannot be seen."""


def guard(
    flow: str,
    counts: Mapping[tuple[str, str], int],
    linked: Mapping[str, int],
    limits: Mapping[str, Limit],
    approvals: Sequence[Approval],
    doubt: str | None,
    changed: bool = False,
    done: Mapping[tuple[str, str], int] = {},
) -> Guarded:
    """What of a flow's plan must be held.

    `counts` is (system, op) → writes to go; `done` those that went through earlier in this run, and count with them;
    `linked` is system → linked records; `changed` says that the project file says something else of the flow than in
    the round before.
    """
    braked: list[Braked] = []
    lifted: list[Lifted] = []
    for (system, op), count in sorted(counts.items()):
        earlier = done.get((system, op), 0)
        total, records = count + earlier, linked.get(system, 0) + earlier * _LEAVES.get(op, 0)
        why = doubt or _exceeds(op, limits.get(op), total, records) or (changed and _follows(op, total, records))
        if not why:
            continue
        what = f"{count} {op}s in {system}{f', after {earlier} in this run' if earlier else ''}: {why}"
        ceiling = _approved(approvals, flow, op, total)
        if ceiling is None:
            command = f"accord run --approve '{flow}:{op}s<={count}'"
            braked.append(Braked(flow=flow, system=system, op=op, count=count, reason=f"{what}; {command}"))
        else:
            lifted.append(Lifted(flow=flow, system=system, op=op, count=count, ceiling=ceiling, reason=what))
    return Guarded(braked=tuple(braked), lifted=tuple(lifted))


def _follows(op: str, count: int, linked: int) -> str | None:
    """Many writes that follow from a changed file, and not from edits of people."""
    exceeds = _exceeds(op, MAPPING, count, linked) if op != "delete" else None
    return exceeds and f"the project file has changed since the last round, and {exceeds}"


def _exceeds(op: str, limit: Limit | None, count: int, linked: int) -> str | None:
    if limit is None:
        return None
    if op == "delete" and limit.percent is not None and count >= HALF and count * 2 > linked:
        return f"more than half of the {linked} linked records at once"
    if limit.number is not None and count > limit.number:
        return f"more than {limit.number}"
    if limit.percent is not None and count > limit.over and count * 100 > limit.percent * linked:
        return f"more than {limit.percent:g} % of the {linked} linked records, and more than {limit.over}"
    return None


def _approved(approvals: Sequence[Approval], flow: str, op: str, count: int) -> int | None:
    """The ceiling under which the writes are, or None."""
    ceilings = (a.number for a in approvals if a.op == op and a.flow in (None, flow) and count <= a.number)
    return next(ceilings, None)
