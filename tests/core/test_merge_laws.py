"""Random edits on two or three members: nothing is invented, nothing lost silently, and it comes to rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from accord.core.decide import Decision
from accord.core.linkplan import LinkPlan, WritePlan
from accord.core.mapping import FlowMap
from accord.core.merge import merge
from accord.core.merged import Merged
from accord.core.plan import plan_link
from accord.core.settle import Result, revived, settle
from accord.model import ABSENT, Link, Op, OutcomeKind
from tests.core.world import NOON, flow_map, found, ground, read, record, settled, values

ROWS = ("a", "b", "c", "d")
GIVEN = st.sampled_from([None, "", "x", "y", "z"])
NATIVE = st.one_of(GIVEN, st.just(ABSENT))
RULES = ("ask", "latest", "{prefer: [erp]}", "{prefer: [crm, pms]}", "keep-filled")
MORE = ("", ", keep_filled: true", ", enforce: erp", ', direction: "pms -> erp"', ', direction: "erp -> pms"')


@st.composite
def flows(draw: st.DrawFn) -> FlowMap:
    """Four rows of text between two or three systems; some in a group."""
    systems = draw(st.sampled_from([("pms", "erp"), ("pms", "erp", "crm")]))
    rule = draw(st.sampled_from([rule for rule in RULES if "crm" not in rule or "crm" in systems]))
    particular = draw(st.sampled_from(MORE))
    rows = []
    for name in ROWS:
        paths = ", ".join(f"{system}: {name}" for system in systems)
        more = particular if name == "a" else ""
        rows.append(f"{{{paths}, conflict: {rule}{more}}}")
    return flow_map(*rows, more=draw(st.sampled_from(["", "groups: {g: [c, d]}"])), systems=systems)


@st.composite
def situations(draw: st.DrawFn) -> tuple[FlowMap, Link, dict[str, dict[str, Any]]]:
    """A flow, a link at rest or just begun, and what its members show now."""
    flow = draw(flows())
    if draw(st.booleans()):
        link = found(
            flow, **{name: draw(st.fixed_dictionaries({}, optional=dict.fromkeys(ROWS, GIVEN))) for name in flow.sides}
        )
        return flow, link, {}
    behind = draw(st.dictionaries(st.sampled_from(sorted(flow.sides)), st.lists(st.sampled_from(ROWS), unique=True)))
    origin = draw(st.sampled_from(sorted(flow.sides)))
    base = {row: draw(GIVEN) for row in ROWS}
    link = settled(flow, behind=behind, origin=origin, at=NOON, **base)
    edits = {
        name: draw(st.dictionaries(st.sampled_from(ROWS), NATIVE, max_size=3))
        for name in flow.sides
        if draw(st.booleans())
    }
    return flow, link, edits


def times(flow: FlowMap) -> dict[str, Any]:
    return {name: NOON + timedelta(minutes=number) for number, name in enumerate(flow.sides)}


def blank(value: Any) -> Any:
    return None if value is None or str(value).strip() == "" else value


@given(situations())
@settings(max_examples=200, deadline=None)
def test_no_value_is_invented(situation: tuple[FlowMap, Link, dict[str, dict[str, Any]]]) -> None:
    """Every agreed value was agreed before, or is what some member shows; what nobody sends is empty."""
    flow, link, edits = situation
    readings = read(flow, link, at=times(flow), **edits)
    for row, value in values(flow, merge(flow, link, readings)).items():
        shown = [reading.natives[row] for reading in readings if row in reading.natives]
        known = [link.agreed[row].value] if row in link.agreed else []
        assert value in [*shown, *known] or (value is None and not shown)


@given(situations())
@settings(max_examples=200, deadline=None)
def test_no_edit_is_lost_silently(situation: tuple[FlowMap, Link, dict[str, dict[str, Any]]]) -> None:
    """Each is agreed, superseded with both values kept, or held with its value shown."""
    flow, link, edits = situation
    if not link.agreed:
        return
    outcome = merge(flow, link, readings := read(flow, link, at=times(flow), **edits))
    for reading in readings:
        for row in reading.side.rows:
            if reading.edited(row):
                assert accounted(flow, outcome, reading.system, row, reading.natives[row]), (reading.system, row)


def accounted(flow: FlowMap, outcome: Merged, system: str, row: str, value: Any) -> bool:
    if row in outcome.agreed and outcome.agreed[row].value == value:
        return True
    if any((item.system, item.row, item.lost) == (system, row, value) for item in outcome.superseded):
        return True
    return any(value in _flat(item.values.get(system)) for item in outcome.held)


def _flat(shown: Any) -> list[Any]:
    return list(shown.values()) if isinstance(shown, dict) else [shown]


@given(situations(), st.data())
@settings(max_examples=200, deadline=None)
def test_once_carried_out_nothing_is_left_to_do(
    situation: tuple[FlowMap, Link, dict[str, dict[str, Any]]], data: st.DataObject
) -> None:
    """With systems that store what they are sent: one round, then a plan that writes and agrees nothing new.

    What is held stays held and as it is; once a person has decided, one more round brings the members together.
    """
    flow, link, edits = situation
    at = times(flow)
    link, now, plan = round_of(flow, link, dict(shown_now(link, edits)), at, {})
    again, _, second = round_of(flow, link, now, at, {})
    assert second.writes == ()
    assert second.log == ()
    assert second.agreed == {}
    assert held(second) == held(plan)
    decisions = {
        item.row: Decision(take=data.draw(st.sampled_from(sorted(item.values))), seen=item.values)
        for item in second.held
        if item.row
    }
    link, now, plan = round_of(flow, again, now, at, decisions)
    _, now, last = round_of(flow, link, now, at, {})
    assert (last.writes, last.held) == ((), ())
    assert_together(flow, link, now)


def held(plan: LinkPlan) -> list[tuple[str | None, Any]]:
    return sorted((item.row, sorted(item.values.items(), key=str)) for item in plan.held)


def shown_now(link: Link, edits: dict[str, dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for member in link.members:
        natives = {**member.base, **edits.get(member.ref.system, {})}
        yield member.ref.system, {row: native for row, native in natives.items() if native is not ABSENT}


def round_of(
    flow: FlowMap, link: Link, now: dict[str, dict[str, Any]], at: dict[str, Any], decisions: dict[str, Decision]
) -> tuple[Link, dict[str, dict[str, Any]], LinkPlan]:
    """Merge, plan, write to systems that store what they are sent, settle. The link as the state would give it back."""
    gone = {m.ref.system: dict.fromkeys(set(m.base) - set(now[m.ref.system]), ABSENT) for m in link.members}
    readings = read(flow, link, at=at, **{name: {**gone[name], **natives} for name, natives in now.items()})
    outcome = merge(flow, link, readings, decisions)
    plan = plan_link(flow, link, readings, outcome, ground())
    now = {name: dict(natives) for name, natives in now.items()}
    results = [_write(flow, write, now) for write in plan.writes]
    after = settle(flow, link, plan, results).link
    return revived(flow, after), now, plan


def _write(flow: FlowMap, write: WritePlan, now: dict[str, dict[str, Any]]) -> Result:
    assert write.op is Op.UPDATE
    now[write.system].update({row.row: row.native for row in write.rows})
    return Result(kind=OutcomeKind.APPLIED, record=record(flow, write.system, **now[write.system]))


def assert_together(flow: FlowMap, link: Link, now: dict[str, dict[str, Any]]) -> None:
    """All members show one value of every row that flows both ways; what is not sent says nothing."""
    for row in ("c", "d"):
        shown: Sequence[Any] = [blank(natives[row]) for natives in now.values() if row in natives]
        assert len(set(shown)) <= 1, (row, now, link.agreed.get(row))
