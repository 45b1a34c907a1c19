"""What people decided about held items, as the planning understands it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from accord.config.meaning import Project
from accord.core.decide import Decision, given_values
from accord.core.mapping import FlowMap
from accord.core.merge import Ice
from accord.engine.observe import place_salt, record_print
from accord.engine.setting import Setting
from accord.errors import SystemFailure, UsageError, ValueRefused
from accord.model import Record, Ref
from accord.stored import Held

FATES = {"delete": "propagate", "keep": "close", "create": "restore"}
"""`held resolve --delete|--keep|--create` → what is done about a deletion."""


def decisions_of(items: Sequence[Held]) -> Mapping[str, Decision]:
    """Row → decision, for conflicts and frozen rows that a person resolved."""
    return {
        item.row: Decision(
            take=item.decision.get("take"),
            value=item.decision.get("value"),
            seen=item.values,
            by=item.decided_by or "a person",
        )
        for item in items
        if item.row and item.decision and item.kind in ("conflict", "frozen") and {"take", "value"} & set(item.decision)
    }


def ice_of(items: Sequence[Held]) -> Ice:
    """Rows that stay frozen, and those that a person said to try again."""
    frozen = [item for item in items if item.kind == "frozen" and item.row]
    retried = {item.row or "" for item in frozen if item.decision and item.decision.get("retry")}
    return Ice(
        frozen={item.row: item.reason for item in frozen if item.row and item.row not in retried},
        thawed=frozenset(retried),
    )


def choice_of(items: Sequence[Held], kind: str) -> Held | None:
    """The item of a kind that a person has decided, or None."""
    return next((item for item in items if item.kind == kind and item.decision), None)


async def carry_out_alone(setting: Setting) -> None:
    """Decisions about records in no link: `--create` takes a record up as if it were new."""
    state = setting.state
    for item in state.held.decided_alone():
        ref = Ref.parse(item.refs[0])
        if not (item.decision or {}).get("create") or ref.system in setting.tally.failed:
            continue
        if ref.system not in setting.connectors:  # it is at rest
            continue
        try:
            answer = (await setting.connectors[ref.system].fetch(ref.datatype, [ref.id]))[ref.id]
        except SystemFailure as error:
            setting.tally.fail(error)
            continue
        with state.db.transaction():
            if isinstance(answer, Record):
                state.links.forget_closed(ref)
                salt = place_salt(setting, ref.system, ref.datatype)
                place = setting.place(ref.system, ref.datatype)
                state.observed.take_in(place, [answer], [record_print(answer, salt)])
            state.held.close([item.id], setting.now)


def check_value(project: Project, item: Held, value: object) -> None:
    """Whether a value fits the row (or group) that is held. Raises UsageError."""
    if item.flow is None or item.row is None or item.flow not in project.flows:
        return
    flow = FlowMap(project, project.flows[item.flow])
    unit = next((unit for unit in flow.units if item.row in unit), None)
    if unit is None:
        return
    try:
        given_values(flow, unit, value)
    except ValueRefused as error:
        raise UsageError(error.message, hint=f"`accord held show {item.id}` shows the values that are there") from None
