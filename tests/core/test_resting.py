"""Rows with a condition: what is kept, what waits, and what flows once the condition is true."""

from __future__ import annotations

from dataclasses import replace

from accord.core.detect import Reading
from accord.core.merge import merge
from accord.core.plan import plan_link
from accord.core.resting import told, told_of
from accord.core.settle import settle
from accord.model import ABSENT

from .world import TITLE, applied, flow_map, found, ground, merged, planned, read, settled, values

PRICE = "{pms: price, erp: amount, name: price, type: integer, when: {pms: \"title == 'won'\"}}"
DEAL = flow_map(TITLE, PRICE)
RESTS = "\"title == 'won'\" is not true in pms"


def test_an_edit_made_meanwhile_waits_and_stays_an_edit() -> None:
    """It is not agreed on, not taken as a base, not held; the reason says whose record is looked at."""
    link = settled(DEAL, title="open", price=5)
    plan = planned(DEAL, link, pms={"price": 7})
    assert (plan.writes, plan.held, plan.agreed, plan.take["pms"]) == ((), (), {}, {})
    assert plan.seen["pms"].clean is False
    assert plan.why is not None
    assert told_of(plan.why) == {"price": RESTS}


def test_the_edit_flows_once_the_condition_is_true() -> None:
    """The base is what was agreed last, so that what was typed meanwhile is an edit."""
    link = settled(DEAL, title="open", price=5)
    outcome = merged(DEAL, link, pms={"title": "won", "price": 7})
    assert values(DEAL, outcome) == {"title": "won", "price": 7}


def test_edits_on_both_sides_made_meanwhile_are_a_conflict() -> None:
    """Once the condition is true they are merged by the row's rule."""
    link = settled(DEAL, title="open", price=5)
    assert merged(DEAL, link, pms={"price": 7}, erp={"price": 9}).held == []
    (item,) = merged(DEAL, link, pms={"title": "won", "price": 7}, erp={"price": 9}).held
    assert (item.kind, item.row, item.values) == ("conflict", "price", {"pms": 7, "erp": 9})


def test_the_condition_is_asked_of_the_record_as_it_was_read() -> None:
    """Not of what this round is about to write there: that is the business of the next."""
    link = settled(DEAL, title="open", price=5)
    plan = planned(DEAL, link, erp={"title": "won", "price": 9})
    assert [row.row for write in plan.writes for row in write.rows] == ["title"]


def test_a_write_to_the_record_that_is_asked_has_the_link_looked_at_again() -> None:
    """What was written may have made the condition true."""
    link = settled(DEAL, title="open", price=5)
    plan = planned(DEAL, link, erp={"title": "won"})
    assert settle(DEAL, link, plan, [applied(DEAL, "pms", title="won", price=5)]).dirty
    back = planned(DEAL, link, pms={"title": "won"})
    assert not settle(DEAL, link, back, [applied(DEAL, "erp", title="won", price=5)]).dirty


def test_other_rows_go_on() -> None:
    """A row rests, not its link."""
    link = settled(DEAL, title="open", price=5)
    plan = planned(DEAL, link, pms={"title": "lost", "price": 7})
    assert [row.row for write in plan.writes for row in write.rows] == ["title"]


def test_a_create_goes_without_the_row() -> None:
    """It follows when the condition is true: its first values are agreed then."""
    link = found(DEAL, pms={"title": "open", "price": 7})
    plan = planned(DEAL, link, creates=["erp"])
    (create,) = plan.writes
    assert [row.row for row in create.rows] == ["title"]
    later = found(DEAL, pms={"title": "won", "price": 7}, erp={"title": "won", "price": None})
    assert values(DEAL, merged(DEAL, later))["price"] == 7


def test_a_create_waits_where_the_other_system_requires_the_row() -> None:
    """Nothing is held: no person can do anything but make the condition true."""
    flow = flow_map(TITLE, PRICE, types="{amount: {type: integer, required: true}}")
    plan = planned(flow, found(flow, pms={"title": "open", "price": 7}), creates=["erp"])
    assert (plan.writes, plan.held) == ((), ())
    assert plan.why == f"waits: erp requires 'amount'; row 'price' rests: {RESTS}"
    assert planned(flow, found(flow, pms={"title": "won", "price": 7}), creates=["erp"]).writes


def test_a_system_without_a_record_makes_no_condition_true() -> None:
    """A create does not carry a row whose condition is asked of the record that it makes."""
    flow = flow_map(TITLE, "{pms: price, erp: amount, name: price, type: integer, when: {erp: \"name == 'won'\"}}")
    plan = planned(flow, found(flow, pms={"title": "won", "price": 7}), creates=["erp"])
    assert [row.row for row in plan.writes[0].rows] == ["title"]
    assert told_of(plan.why) == {"price": "erp has no record of which \"name == 'won'\" could be true"}


def test_a_third_system_that_joins_meanwhile_is_behind() -> None:
    """It receives the agreed value when the row wakes."""
    three = ("pms", "erp", "crm")
    rows = (
        "{pms: title, erp: name, crm: label}",
        "{pms: price, erp: amount, crm: sum, name: price, type: integer, when: {pms: \"title == 'won'\"}}",
    )
    flow = flow_map(*rows, systems=three)
    link = settled(flow, systems=["pms", "erp"], title="open", price=5)
    plan = planned(flow, link, creates=["crm"])
    assert [row.row for row in plan.writes[0].rows] == ["title"]
    assert plan.behind["crm"] == ("price",)


def test_what_was_deleted_is_restored_whole() -> None:
    """Also the rows that rest: it is what the record had."""
    link = settled(DEAL, title="open", price=5)
    alone = replace(link, members=tuple(m for m in link.members if m.ref.system == "erp"))
    readings = read(DEAL, alone)
    plan = plan_link(DEAL, alone, readings, merge(DEAL, alone, readings), replace(ground(), restores=True), ["pms"])
    assert {row.row: row.native for row in plan.writes[0].rows} == {"title": "open", "price": 5}


def test_an_authority_sets_nothing_back_while_the_row_rests() -> None:
    """`enforce` binds only while the condition is true."""
    flow = flow_map(TITLE, PRICE.replace("type: integer", "type: integer, enforce: pms"))
    link = settled(flow, title="open", price=5)
    assert planned(flow, link, erp={"price": 9}).writes == ()
    (write,) = planned(flow, link, pms={"title": "won"}, erp={"price": 9}).writes
    assert (write.system, {row.row: row.native for row in write.rows}) == ("erp", {"title": "won", "price": 5})


def test_a_condition_that_fails_holds_the_row_and_no_other() -> None:
    """P6: a record of which the condition cannot be said."""
    flow = flow_map(TITLE, '{pms: price, erp: amount, name: price, type: integer, when: {pms: "title > 3"}}')
    outcome = merged(flow, settled(flow, title="open", price=5), pms={"title": "won", "price": 7})
    assert [(item.kind, item.row) for item in outcome.held] == [("value", "price")]
    assert values(flow, outcome) == {"title": "won"}


def test_what_was_not_sent_reads_as_null() -> None:
    """As in every expression."""
    outcome = merged(DEAL, settled(DEAL, title="won", price=5), pms={"title": ABSENT, "price": 7})
    assert outcome.resting == {"price": RESTS}


def test_a_condition_may_look_at_what_no_row_names() -> None:
    """It is asked of the record as a whole."""
    flow = flow_map(TITLE, "{pms: price, erp: amount, name: price, type: integer, when: {pms: \"stage == 'won'\"}}")
    assert flow.sides["pms"].looks_beside
    assert not flow.sides["erp"].looks_beside
    link = settled(flow, title="a", price=5)
    pms, erp = link.members
    there = [
        Reading(flow, pms, {"title": "a", "price": 7}, version=1, modified=None, resolve=lambda _: None, record=whole)
        for whole in ({"title": "a", "price": 7, "stage": "won"}, {"title": "a", "price": 7, "stage": "open"})
    ]
    other = Reading(flow, erp, erp.base, version=1, modified=None, resolve=lambda _: None)
    assert values(flow, merge(flow, link, [there[0], other])) == {"price": 7}
    assert values(flow, merge(flow, link, [there[1], other])) == {}


def test_what_a_link_says_of_its_rows_is_read_back() -> None:
    """Of each row its reason; nothing of links that say something else."""
    assert told_of(told({"a": "one; two", "b": "three"})) == {"a": "one; two", "b": "three"}
    assert told_of("waits for pms/task/1") == told_of(None) == told_of(told({})) == {}
