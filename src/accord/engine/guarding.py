"""The limits on the whole plan. What exceeds them is held before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from accord.core.guard import HALF, MAPPING, Braked, Guarded, Lifted, guard
from accord.core.linkplan import HeldItem, LinkPlan
from accord.engine.setting import Setting
from accord.model import Op, json_text
from accord.stored import HistoryLine


def guard_plan(setting: Setting) -> list[Braked]:
    """Hold what exceeds the limits; what was held, named. Called in the planning transaction."""
    state = setting.state
    verdicts = {flow: _guard_flow(setting, flow, numbers) for flow, numbers in state.plans.counts().items()}
    braked = [item for verdict in verdicts.values() for item in verdict.braked]
    _hold(setting, braked)
    _note_lifted(setting, [item for verdict in verdicts.values() for item in verdict.lifted])
    for flow in setting.selected():
        if state.get(changed_key(flow.name)) and not any(item.flow == flow.name for item in braked):
            state.put(changed_key(flow.name), "")  # whatever followed from a changed file is looked at
    if braked:
        state.plans.hold_without_target()
    return braked


def changed_key(flow: str) -> str:
    """The word that remembers that the project file says something else of a flow, and nobody has looked yet."""
    return f"changed: {flow}"


def _guard_flow(setting: Setting, flow: str, counts: dict[tuple[str, str], int]) -> Guarded:
    limits = setting.project.flows[flow].limits
    changed = bool(setting.state.get(changed_key(flow)))
    done = {(system, op): count for (of, system, op), count in setting.tally.done.items() if of == flow}
    counted = any(  # counting them takes longer the more there are
        (limit := limits.get(op) or (MAPPING if changed else None)) is not None
        and limit.percent is not None
        and (total > limit.over or (op == Op.DELETE.value and total >= HALF))
        for (system, op), count in counts.items()
        if (total := count + done.get((system, op), 0))
    )
    return guard(
        flow,
        counts,
        setting.state.links.linked_members(flow) if counted else {},
        limits,
        setting.options.approvals,
        setting.state.doubtful,
        changed,
        done,
    )


def _note_lifted(setting: Setting, lifted: Sequence[Lifted]) -> None:
    """Who lifted a limit, up to what, and what it would have held."""
    lines = [
        HistoryLine(
            run=setting.run,
            at=setting.clock.now().isoformat(),
            flow=item.flow,
            link=None,
            system=item.system,
            ref=None,
            op="approve",
            changes={},
            outcome="done",
            reason=f"{item.reason}; approved up to {item.ceiling}",
            by=setting.options.by,
        )
        for item in lifted
    ]
    setting.state.history.add(lines)


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
