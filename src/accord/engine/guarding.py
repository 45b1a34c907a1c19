"""The limits on the whole plan. What exceeds them is held before anything is written."""

from __future__ import annotations

from hashlib import blake2b

from accord.core.guard import Braked, guard
from accord.core.linkplan import HeldItem, LinkPlan
from accord.engine.setting import Setting
from accord.model import json_text


def guard_plan(setting: Setting) -> list[Braked]:
    """Hold what exceeds the limits; what was held, named. Called in the planning transaction."""
    state = setting.state
    braked = [item for flow, numbers in state.plans.counts().items() for item in _guard_flow(setting, flow, numbers)]
    _hold(setting, braked)
    if braked:
        state.plans.hold_without_target()
    return braked


def _guard_flow(setting: Setting, flow: str, counts: dict[tuple[str, str], int]) -> list[Braked]:
    limits = setting.project.flows[flow].limits
    counted = any(  # counting them takes longer the more there are
        (limit := limits.get(op)) is not None and limit.percent is not None and count > limit.over
        for (_, op), count in counts.items()
    )
    return guard(
        flow,
        counts,
        setting.state.links.linked_members(flow) if counted else {},
        limits,
        setting.options.approvals,
        setting.state.doubtful,
    )


def _hold(setting: Setting, braked: list[Braked]) -> None:
    state = setting.state
    selected = {flow.name for flow in setting.selected()}
    keep = [(item.flow, f"{item.op} in {item.system}") for item in braked]
    others = [(flow, row) for flow, row in state.held.alone("brake") if flow not in selected]
    state.held.close_alone("brake", setting.now, [*keep, *others])
    for item in braked:
        held = HeldItem(
            kind="brake", row=f"{item.op} in {item.system}", values={item.system: item.count}, reason=item.reason
        )
        state.held.open_alone(held, item.flow, setting.now, setting.run)
        state.plans.hold_ops(item.flow, item.system, item.op)


def digest(plan: LinkPlan, refs: list[str]) -> str:
    """A plan's content in a word: what would be written to which records. Equal for equal plans of two rounds."""
    writes = [
        [w.op.value, w.system, w.datatype, w.id, sorted(w.extra.items()), [[r.row, r.old, r.new] for r in w.rows]]
        for w in plan.writes
    ]
    return blake2b(json_text([plan.flow, sorted(refs), writes]).encode(), digest_size=16).hexdigest()
