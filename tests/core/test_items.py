"""Lists of objects with a key: elements merged, kept, refused and named."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accord.errors import ValueRefused
from accord.model import ABSENT, Link

from .world import NOON, flow_map, found, merged, planned, settled, values

KEY = "{pms: sku, erp: item.no, name: sku}"
QTY = "{pms: qty, erp: quantity, type: decimal(2)}"
NOTE = "{pms: note, erp: text}"


def order(*rows: str, type: str = "list(object)", more: str = "", key: str = "sku", inside: str = "") -> Any:
    rows = rows or (QTY, NOTE)
    items = f"{{key: {key}, {inside}rows: [{', '.join((KEY, *rows))}]}}"
    return flow_map(f"{{pms: lines, erp: items, name: lines, type: {type}, items: {items}{more}}}")


def line(sku: str, qty: Any = 1, note: Any = "n") -> dict[str, Any]:
    return {"sku": sku, "qty": qty, "note": note}


def item(sku: str, qty: Any = 1, note: Any = "n", **more: Any) -> dict[str, Any]:
    return {"item": {"no": sku}, "quantity": qty, "text": note, **more}


ORDER = order()


def at_rest(flow: Any = ORDER, *lines: dict[str, Any]) -> Link:
    """A and B, one of each, in both systems."""
    some = lines or (line("A"), line("B"))
    return settled(flow, lines=tuple({**each, "qty": Decimal(each["qty"])} for each in some))


def sent(plan: Any) -> dict[str, Any]:
    """System → the list that is written to it."""
    return {write.system: write.rows[0].native for write in plan.writes}


def test_edits_of_different_lines_and_properties_are_joined() -> None:
    """Added on one side, edited on the other, and two properties of one line."""
    plan = planned(
        ORDER,
        at_rest(),
        pms={"lines": [line("A", note="new"), line("B"), line("C", 3)]},
        erp={"items": None, "lines": [item("A", 7), item("B")]},
    )
    assert sent(plan) == {
        "pms": [line("A", 7, "new"), line("B"), line("C", 3)],
        "erp": [item("A", 7, "new"), item("B"), item("C", 3)],
    }
    assert [write.reason for write in plan.writes] == ["edited on several sides; joined element by element"] * 2


def test_what_no_row_names_stays_in_its_element() -> None:
    """P11, also where the whole list is sent."""
    link = at_rest()
    plan = planned(
        ORDER,
        link,
        pms={"lines": [line("A"), line("B", 5), line("C")]},
        erp={"lines": [item("A", id=1), item("B", id=2, vat={"rate": 25})]},
    )
    assert sent(plan)["erp"] == [item("A", id=1), item("B", 5, id=2, vat={"rate": 25}), item("C")]


def test_a_property_edited_differently_is_a_conflict_that_names_the_element() -> None:
    (held,) = merged(
        ORDER, at_rest(), pms={"lines": [line("A", 5), line("B")]}, erp={"lines": [item("A", 7), item("B")]}
    ).held
    assert (held.kind, held.row) == ("conflict", "lines")
    assert held.reason == "qty of sku=A was edited differently (pms: 5; erp: 7)"


def test_an_element_deleted_on_one_side_and_edited_on_the_other_is_asked_about() -> None:
    edits: dict[str, Any] = {"pms": {"lines": [line("A")]}, "erp": {"lines": [item("A"), item("B", 7)]}}
    (held,) = merged(ORDER, at_rest(), **edits).held
    assert held.reason == "sku=B was deleted in pms and edited in erp"
    for rule, left in (("delete_wins", ["A"]), ("edit_wins", ["A", "B"])):
        flow = order(inside=f"on_delete: {rule}, ")
        outcome = merged(flow, at_rest(flow), **edits)
        assert outcome.held == []
        assert [each["sku"] for each in values(flow, outcome)["lines"]] == left
        assert [lost.system for lost in outcome.superseded] == [{"delete_wins": "erp", "edit_wins": "pms"}[rule]]


def test_deleted_on_one_side_and_untouched_on_the_other_is_deleted() -> None:
    assert sent(planned(ORDER, at_rest(), pms={"lines": [line("B")]})) == {"erp": [item("B")]}
    both = planned(ORDER, at_rest(), pms={"lines": [line("B")]}, erp={"lines": [item("A")]})
    assert sent(both) == {"pms": [], "erp": []}


@pytest.mark.parametrize(
    ("rule", "wins"),
    [("{prefer: [erp]}", 7), ("latest", 7), ("additive", 11)],
)
def test_the_rule_of_a_property_within_an_element(rule: str, wins: int) -> None:
    """Its own; else the row's."""
    edits: dict[str, Any] = {"pms": {"lines": [line("A", 5), line("B")]}, "erp": {"lines": [item("A", 7), item("B")]}}
    times = {"pms": NOON, "erp": NOON + timedelta(minutes=5)}
    own = (
        order(QTY.replace("}", f", conflict: {rule}}}", 1), NOTE)
        if "{" not in rule
        else order(f"{{pms: qty, erp: quantity, type: decimal(2), conflict: {rule}}}", NOTE)
    )
    for flow in (own, order(more=f", conflict: {rule}")):
        outcome = merged(flow, at_rest(flow), at=times, **edits)
        assert values(flow, outcome)["lines"][0]["qty"] == str(wins)


def test_an_element_added_on_both_sides_is_one() -> None:
    """What only one of them has filled is filled; what differs is asked about."""
    edits: dict[str, Any] = {"pms": {"lines": [line("A"), line("B"), line("C", 3, "")]}}
    outcome = merged(ORDER, at_rest(), **edits, erp={"lines": [item("A"), item("B"), item("C", 3, "x")]})
    assert values(ORDER, outcome)["lines"][2] == {"sku": "C", "qty": "3", "note": "x"}
    (held,) = merged(ORDER, at_rest(), **edits, erp={"lines": [item("A"), item("B"), item("C", 4, "")]}).held
    assert held.reason == "qty of sku=C was edited differently (pms: 3; erp: 4)"


def test_order_is_kept_and_what_is_new_stays_behind_what_it_was_put_behind() -> None:
    plan = planned(
        ORDER, at_rest(), pms={"lines": [line("B"), line("A")]}, erp={"lines": [item("A"), item("N"), item("B")]}
    )
    assert [each["sku"] for each in sent(plan)["pms"]] == ["B", "A", "N"]
    (held,) = merged(
        order(),
        at_rest(ORDER, line("A"), line("B"), line("C")),
        pms={"lines": [line("B"), line("A"), line("C")]},
        erp={"lines": [item("C"), item("A"), item("B")]},
    ).held
    assert held.reason == "the elements were put into different orders"


def test_of_a_set_the_order_is_no_edit() -> None:
    flow = order(type="set(object)")
    assert planned(flow, at_rest(flow), pms={"lines": [line("B"), line("A")]}).agreed == {}


def test_what_a_system_made_of_other_elements_is_no_edit_and_is_not_sent_back() -> None:
    """P4: ERP rounds and upper-cases; an edit of one line says nothing about the others."""
    link = at_rest(ORDER, line("A", "1.25", "soft"), line("B"))
    pms, erp = link.members
    from dataclasses import replace

    erp = replace(erp, base={"lines": [item("A", 1, "SOFT"), item("B", 1, "N")]})
    link = replace(link, members=(pms, erp))
    plan = planned(ORDER, link, erp={"lines": [item("A", 1, "SOFT"), item("B", 4, "N")]})
    assert sent(plan) == {"pms": [line("A", Decimal("1.25"), "soft"), line("B", 4)]}


def test_an_element_that_is_not_sent_whole() -> None:
    """A property of an element that was not sent is no edit; one that is there for the first time is."""
    link = at_rest()
    silent = merged(ORDER, link, pms={"lines": [{"sku": "A", "qty": 2}, line("B")]})
    assert values(ORDER, silent)["lines"][0] == {"sku": "A", "qty": "2", "note": "n"}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([line("A"), line("B"), line("A", 2)], "elements 1 and 3 of the list have one key: sku=A"),
        ([line("A"), {"qty": 1}], "element 2 of the list has no 'sku', by which elements are told apart"),
        ([line("A"), "B"], "is not a list of objects"),
        ({"A": 1}, "is not a list of objects"),
    ],
)
def test_what_is_no_list_of_elements_is_held(lines: Any, said: str) -> None:
    """P6: that row of that record only."""
    (held,) = merged(ORDER, at_rest(), pms={"lines": lines}).held
    assert (held.kind, held.row) == ("value", "lines")
    assert said in held.reason


def test_a_key_of_several_parts() -> None:
    flow = order(QTY, NOTE, key="[sku, note]")
    link = at_rest(flow, line("A", 1, "red"), line("A", 1, "blue"))
    plan = planned(flow, link, pms={"lines": [line("A", 1, "red"), line("A", 5, "blue")]})
    assert sent(plan) == {"erp": [item("A", 1, "red"), item("A", 5, "blue")]}


def test_lenses_and_maps_within_elements() -> None:
    flow = order(
        "{pms: hours, erp: minutes, name: qty, type: decimal(2), lens: {erp: {scale: 60}}}",
        "{pms: note, erp: text, map: {red: R, blue: B}}",
    )
    start = found(flow, pms={"lines": [{"sku": "A", "hours": 2, "note": "red"}]})
    (create,) = planned(flow, start, creates=["erp"]).writes
    assert create.rows[0].native == [{"item": {"no": "A"}, "minutes": 120, "text": "R"}]
    with pytest.raises(ValueRefused, match="'green'"):
        flow.sides["pms"].rows["lines"].decode([{"sku": "A", "note": "green"}])


def test_a_sample_of_another_record_shows_the_form_and_gives_nothing_away() -> None:
    """The line A of another order has the same key, and is another line."""
    from .world import ground

    start = found(ORDER, pms={"lines": [line("A", 2)]})
    samples = {("erp", "task", "items"): [item("A", "1.00", "secret", owner="Kari")]}
    (create,) = planned(ORDER, start, creates=["erp"], on=ground(samples=samples)).writes
    assert create.rows[0].native == [item("A", "2.00")]


def test_lists_that_are_linked_for_the_first_time() -> None:
    """Equal ones are; filled beats empty; else the rule of the row, of which `union` takes the elements of all."""
    lists = {"pms": {"lines": [line("A"), line("B")]}, "erp": {"lines": [item("B"), item("C")]}}
    assert [each.kind for each in merged(ORDER, found(ORDER, **lists)).held] == ["conflict"]
    flow = order(more=", conflict: union")
    assert [each["sku"] for each in values(flow, merged(flow, found(flow, **lists)))["lines"]] == ["A", "B", "C"]
    one = {"pms": {"lines": [line("A")]}, "erp": {"lines": []}}
    assert [each["sku"] for each in values(ORDER, merged(ORDER, found(ORDER, **one)))["lines"]] == ["A"]


def test_somebody_who_had_not_received_the_agreed_list() -> None:
    """An edit of another line meets nothing; one of the same value meets the agreed one."""
    from dataclasses import replace

    link = settled(
        ORDER, behind={"erp": ["lines"]}, lines=({**line("A"), "qty": Decimal(5)}, {**line("B"), "qty": Decimal(1)})
    )
    pms, erp = link.members
    link = replace(link, members=(pms, replace(erp, base={"lines": [item("A"), item("B")]})))
    plan = planned(ORDER, link, erp={"lines": [item("A"), item("B", 9)]})
    assert sent(plan) == {"pms": [line("A", 5), line("B", 9)], "erp": [item("A", 5), item("B", 9)]}
    (held,) = merged(ORDER, link, erp={"lines": [item("A", 7), item("B")]}).held
    assert held.reason == "qty of sku=A was edited differently (erp: 7; what was agreed: 5)"
    gone = merged(ORDER, link, erp={"lines": [item("B")]})
    assert [each.reason for each in gone.held] == ["sku=A was deleted in erp and edited in what was agreed"]


def test_a_list_that_is_kept_as_text() -> None:
    """As some databases do."""
    codec = ORDER.sides["pms"].rows["lines"]
    value = codec.decode('[{"sku": "A", "qty": 1.10, "note": "n", "x": 1}]')
    assert value == ({"sku": "A", "qty": Decimal("1.10"), "note": "n"},)
    assert codec.encode(value, like='[{"sku": "A", "qty": 1.10, "note": "n", "x": 1}]') == (
        '[{"sku":"A","qty":1.10,"note":"n","x":1}]'
    )


def test_null_empty_and_absent_stay_apart() -> None:
    codec = ORDER.sides["pms"].rows["lines"]
    assert (codec.decode(None), codec.decode([]), codec.encode(None), codec.encode(())) == (None, (), None, [])
    assert merged(ORDER, at_rest(), pms={"lines": ABSENT}).agreed == {}
    assert values(ORDER, merged(ORDER, at_rest(), pms={"lines": None})) == {"lines": None}
