"""What a round says of itself: the JSON that scripts rely on, and what the tables are made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from accord.core.linkplan import LinkPlan, WritePlan
from accord.engine.guarding import digest
from accord.engine.setting import Setting
from accord.stored import Held
from accord.storing import Store

MANY = 50
"""So many records, and more than half of those linked, and a change of one property is told first."""
COMMANDS = {
    "conflict": ("--take SYSTEM", "--value JSON"),
    "review": ("--link REF", "--create", "--dismiss"),
    "rejected": ("--retry", "--link REF", "--dismiss"),
    "in_doubt": ("--link REF", "--create", "--retry", "--dismiss"),
    "brake": (),
    "value": ("--retry", "--dismiss"),
    "frozen": ("--take SYSTEM", "--value JSON", "--retry", "--dismiss"),
    "delete": ("--delete", "--keep", "--create"),
}
"""Kind of held item → what `held resolve` takes for it."""


class Report(msgspec.Struct, kw_only=True):
    """The end of a round."""

    run: int
    started: str
    finished: str
    flows: dict[str, dict[str, int]]
    writes: dict[str, dict[str, int]]
    requests: dict[str, int]
    held: list[dict[str, Any]]
    errors: list[dict[str, str]]
    refused: list[dict[str, Any]] = []
    """Writes of a kept plan whose ground has moved."""
    stopped: bool = False
    """Ended early, on request, after the links in hand; the rest goes with the next round."""
    paused: list[str] = []
    """What is at rest because a person said so."""
    notices: list[str] = []
    """What a person should know before all else: one property that changes in most records at once."""
    left: list[dict[str, Any]] | None = None
    """What an undo leaves as it is, and why."""
    writes_planned: list[dict[str, Any]] | None = None
    plans: list[str] | None = None
    """Digests of the link plans, for `apply`."""

    @property
    def status(self) -> int:
        """The exit status."""
        if self.errors or self.stopped:
            return 1
        return 3 if self.held or self.refused else 0

    def as_json(self) -> dict[str, Any]:
        """The documented shape; what a command does not give is left out."""
        found: dict[str, Any] = msgspec.to_builtins(self, builtin_types=(Decimal,))
        optional = ("stopped", "notices", "paused")
        return {key: value for key, value in found.items() if value is not None and (key not in optional or value)}


def held_json(item: Held) -> dict[str, Any]:
    """HELD of command-line.md."""
    arguments = COMMANDS.get(item.kind, ())
    commands = [f"accord held resolve {item.id} {argument}" for argument in arguments]
    if item.kind == "brake":
        commands = [item.reason.rpartition("; ")[2]]
    return {
        "id": str(item.id),
        "kind": item.kind,
        "flow": item.flow,
        "link": item.link,
        "refs": list(item.refs),
        "row": item.row,
        "values": dict(item.values),
        "base": item.base,
        "reason": item.reason,
        "since": item.since,
        "commands": commands,
        **({"decision": dict(item.decision), "decided_by": item.decided_by} if item.decision else {}),
    }


def planned_writes(setting: Setting) -> tuple[list[dict[str, Any]], list[str]]:
    """Every write that a plan would make, with its reason, and the digests of the link plans."""
    writes, digests = [], []
    for proposal in setting.state.plans.all():
        if proposal.state == "planned" and proposal.verdict == "go":
            digests.append(plan_digest(setting.state, proposal.plan))
            writes += [planned(proposal.plan, write) for write in proposal.plan.writes]
    return writes, digests


def wide_changes(setting: Setting, writes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Rows that would change in most of the linked records of a system at once: an import, a zone, a mistake."""
    counted: Counter[tuple[str, str, str, str]] = Counter()
    for write in writes:
        if write["op"] == "update":
            counted.update((write["flow"], write["system"], row, write["reason"]) for row in write["changes"])
    many = [(key, number) for key, number in counted.items() if number >= MANY]
    linked = {flow: setting.state.links.linked_members(flow) for flow in {key[0] for key, _ in many}}
    return [
        f"flow {flow}: {row} would change in {number:,} of {linked[flow].get(system, 0):,} linked records of {system} "
        f"at once ({reason})"
        for (flow, system, row, reason), number in many
        if number * 2 > linked[flow].get(system, 0)
    ]


def planned(plan: LinkPlan, write: WritePlan) -> dict[str, Any]:
    """One write of `writes_planned`."""
    return {
        "flow": plan.flow,
        "link": plan.link,
        "system": write.system,
        "ref": str(write.ref) if write.ref else None,
        "op": write.op.value,
        "changes": {row.row: [row.old, row.new] for row in write.rows},
        "reason": write.reason,
    }


def plan_digest(state: Store, plan: LinkPlan) -> str:
    """The digest of a plan, by the records that its link has now."""
    link = state.links.load([plan.link]).get(plan.link)
    return digest(plan, [str(member.ref) for member in link.members] if link else [])


def held_now(state: Store, flows: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """Everything that needs a person."""
    for item in state.held.list():
        decided = item.decision is not None and item.kind in ("conflict", "delete", "review")
        if not decided and (flows is None or item.flow is None or item.flow in flows):
            yield held_json(item)


def fill_counts(setting: Setting) -> None:
    """Held, conflicts and doubts of each flow, as they stand now."""
    for (flow, kind), count in setting.state.held.counts().items():
        if flow is None:
            continue
        counts = setting.tally.flows[flow]
        counts["held"] += count
        if kind == "conflict":
            counts["conflicts"] += count
        if kind == "in_doubt":
            counts["in_doubt"] += count
