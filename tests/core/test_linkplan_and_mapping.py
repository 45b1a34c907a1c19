"""A plan as JSON, and a flow compiled."""

from __future__ import annotations

from decimal import Decimal

from accord.core.linkplan import (
    AgreedRow,
    HeldItem,
    LinkPlan,
    LogLine,
    RowWrite,
    SeenMember,
    Wait,
    WritePlan,
    decode_plan,
    encode_plan,
)
from accord.core.mapping import FlowMap, flow_order
from accord.model import LinkState, Op, Ref
from tests.core.world import TITLE, flow_map, project

PLAN = LinkPlan(
    flow="task",
    link=7,
    state=LinkState.LINKED,
    agreed={"budget": AgreedRow(value="1.10", revision=2, origin="pms", modified="2026-01-05T12:00:00+00:00")},
    take={"pms": {"budget": Decimal("1.10"), "done": True, "tags": ["a", {"b": None}]}},
    seen={"pms": SeenMember(version=3, modified=None, clean=False)},
    behind={"erp": ("budget",)},
    writes=(
        WritePlan(
            op=Op.UPDATE,
            system="erp",
            datatype="task",
            id="9",
            native_id=9,
            rows=(
                RowWrite(row="budget", path="amount", native=Decimal("1.10"), old="1.00", cause=("pms", "r", "budget")),
                RowWrite(row="customer", path="customer_no", link=4, pending=True),
            ),
            extra={"kind": "job"},
            ground={"amount": Decimal("1.00")},
            version="v",
        ),
    ),
    log=(LogLine(op="superseded", old=None, new=Decimal("0.30")),),
    held=(HeldItem(kind="conflict", row="title", values={"pms": "P"}, refs=("a",)),),
    waits=(Wait(row="customer", target="erp", link=4),),
)


def test_a_plan_comes_back_from_json_as_it_was() -> None:
    """Digit for digit: 1.10 is not 1.1."""
    back = decode_plan(encode_plan(PLAN))
    assert back == PLAN
    assert str(back.take["pms"]["budget"]) == "1.10"
    assert str(back.writes[0].ground["amount"]) == "1.00"
    assert back.take["pms"]["done"] is True
    assert encode_plan(back) == encode_plan(PLAN)


def test_the_largest_numbers_come_back_exactly() -> None:
    """Ids of 64 bits, and amounts that no float holds."""
    take = {"pms": {"id": 2**63 - 1, "amount": Decimal("12345678901234567890.12")}}
    plan = LinkPlan(flow="task", link=1, state=LinkState.LINKED, take=take)
    assert decode_plan(encode_plan(plan)) == plan


def test_a_write_sends_its_rows_and_extras_but_nothing_pending() -> None:
    """A pending reference is set in a second write."""
    (write,) = PLAN.writes
    assert write.natives() == {"kind": "job", "amount": Decimal("1.10")}
    assert write.ref == Ref("erp", "task", "9")
    assert WritePlan(op=Op.CREATE, system="erp", datatype="task").ref is None


def test_a_plan_without_writes_is_idle() -> None:
    """Whatever else it says."""
    assert not PLAN.idle
    assert LinkPlan(flow="task", link=1, state=LinkState.LINKED, held=PLAN.held).idle


# mapping


def test_rows_of_a_group_are_one_unit() -> None:
    """In the order of the file, every other row alone."""
    rows = ("{pms: a, erp: a}", "{pms: b, erp: b}", "{pms: c, erp: c}", "{pms: d, erp: d}")
    flow = flow_map(*rows, more="groups: {address: [a, c]}")
    assert flow.units == (("a", "c"), ("b",), ("d",))


def test_natives_are_named_by_row() -> None:
    """What was not sent is missing."""
    flow = flow_map(TITLE, "{pms: note, erp: remark}")
    assert flow.sides["erp"].by_row({"name": None, "other": 1}) == {"title": None}


def test_every_path_that_an_expression_looks_at_is_read() -> None:
    """Beside those of the rows."""
    sides = "erp: {datatype: task, where: \"kind == 'job'\", when: \"stage.name == 'won'\"}"
    flow = flow_map(TITLE, sides=sides)
    assert flow.sides["erp"].needed_paths() == ["name", "kind", "stage.name"]
    assert flow.sides["pms"].needed_paths() == ["title"]


def order(flows: str) -> list[str]:
    text = "accord: 1\nsystems:\n"
    for name in ("p", "q"):
        text += f"  {name}: {{connector: memory, datatypes: {{a: {{}}, b: {{}}, c: {{}}}}}}\n"
    return flow_order(project(text + "flows:\n" + flows))


def flow(name: str, *to: str, after: str = "") -> str:
    rows = ", ".join(f"{{p: {target}, q: {target}, type: reference({target})}}" for target in to)
    late = f", after: [{after}]" if after else ""
    return f"  {name}: {{p: {name}, q: {name}, rows: [{rows}]{late}}}\n"


def test_flows_go_after_those_that_they_refer_to() -> None:
    """Through several steps, and after those that `after` names; else in the order of the file."""
    assert order(flow("a", "b") + flow("b", "c") + flow("c")) == ["c", "b", "a"]
    assert order(flow("a") + flow("b") + flow("c")) == ["a", "b", "c"]
    assert order(flow("a", after="c") + flow("b") + flow("c")) == ["c", "a", "b"]


def test_a_circle_of_references_has_an_order_too() -> None:
    """Each flow once; a reference to the own flow is no circle."""
    assert order(flow("a", "b") + flow("b", "a") + flow("c")) == ["b", "a", "c"]
    assert order(flow("a", "a") + flow("b", "a")) == ["a", "b"]
    assert sorted(order(flow("a", "b") + flow("b", "c") + flow("c", "a"))) == ["a", "b", "c"]


def test_titles_and_tolerance_come_from_the_systems() -> None:
    """The larger tolerance of two clocks."""
    text = """\
accord: 1
systems:
  pms: {title: The PMS, connector: memory, clock: {tolerance: 5s}, datatypes: {task: {}}}
  erp: {connector: memory, datatypes: {task: {}}}
flows:
  task: {pms: task, erp: task, rows: []}
"""
    found = project(text)
    flow = FlowMap(found, found.flows["task"])
    assert flow.tolerance(("erp", "pms")) == 5.0
    assert (flow.title("pms"), flow.title(None)) == ("The PMS", "a person")
