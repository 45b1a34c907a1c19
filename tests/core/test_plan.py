"""What each member receives, and on which ground."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from accord.core.linkplan import Wait
from accord.model import ABSENT, LinkRef, LinkState, Op, Ref
from tests.core.world import TITLE, TITLE3, flow_map, found, ground, planned, settled

FLOW = flow_map(TITLE, "{pms: note, erp: remark}")
THREE = ("pms", "erp", "crm")
REFERENCE = "{pms: customer_id, erp: customer_no, type: reference(customer), name: customer}"
KNOWN = {Ref("pms", "customer", "7"): 9, Ref("erp", "customer", "C7"): 9}


def test_no_edit_no_write() -> None:
    """The plan is idle, and the link stays as it is."""
    plan = planned(FLOW, settled(FLOW, title="a", note="n"))
    assert plan.idle
    assert plan.state is LinkState.LINKED
    assert plan.behind == {"pms": (), "erp": ()}


def test_an_edit_is_one_update_of_the_other_member() -> None:
    """With the old and the new value, why, and which edit is behind it."""
    plan = planned(FLOW, settled(FLOW, title="a", note="n"), pms={"title": "b"})
    (write,) = plan.writes
    assert (write.op, write.ref, write.natives()) == (Op.UPDATE, Ref("erp", "task", "erp-1"), {"name": "b"})
    (row,) = write.rows
    assert (row.old, row.new, row.reason) == ("a", "b", "edited in pms")
    assert row.cause == ("pms", "pms/task/pms-1", "title")
    assert plan.take == {"pms": {"title": "b"}, "erp": {}}
    assert plan.agreed["title"].revision == 4


def test_the_ground_of_a_write_is_the_record_as_it_was_read() -> None:
    """Its version, and the native values of the rows that are written; other rows are not compared."""
    plan = planned(FLOW, settled(FLOW, title="a", note="n"), pms={"title": "b"}, erp={"note": "m"})
    pms, erp = plan.writes
    assert (erp.version, erp.ground) == ("v2", {"name": "a"})
    assert (pms.version, pms.ground) == ("v2", {"note": "n"})


def test_several_rows_are_one_write_a_record() -> None:
    """At most one."""
    plan = planned(FLOW, settled(FLOW, title="a", note="n"), pms={"title": "b", "note": "m"})
    assert [write.natives() for write in plan.writes] == [{"name": "b", "remark": "m"}]
    assert plan.behind["erp"] == ("title", "note")


def test_an_edit_goes_to_every_other_member() -> None:
    """Of three systems, two."""
    flow = flow_map(TITLE3, systems=THREE)
    plan = planned(flow, settled(flow, title="a"), crm={"title": "b"})
    assert [(write.system, write.natives()) for write in plan.writes] == [
        ("pms", {"title": "b"}),
        ("erp", {"name": "b"}),
    ]


def test_a_row_in_conflict_is_not_written() -> None:
    """The other rows of the link are."""
    plan = planned(FLOW, settled(FLOW, title="a", note="n"), pms={"title": "P", "note": "m"}, erp={"title": "E"})
    assert [write.natives() for write in plan.writes] == [{"remark": "m"}]
    assert [item.kind for item in plan.held] == ["conflict"]
    assert not plan.seen["pms"].clean


def test_a_member_that_is_behind_receives_the_agreed_value() -> None:
    """Also without any new edit; who is behind and frozen stays behind."""
    link = settled(FLOW, title="a", note="n", behind={"erp": ["title"]}, origin="pms")
    base = {"title": "old", "note": "n"}
    link = replace(link, members=(link.members[0], replace(link.members[1], base=base)))
    assert [write.natives() for write in planned(FLOW, link).writes] == [{"name": "a"}]
    plan = planned(FLOW, link, erp={"title": "E"})
    assert plan.idle
    assert plan.behind["erp"] == ("title",)


def test_a_member_that_shows_the_value_already_receives_nothing() -> None:
    """What it shows becomes its base."""
    link = settled(FLOW, title="a", note="n", behind={"erp": ["title"]})
    plan = planned(FLOW, link)
    assert plan.idle
    assert plan.take["erp"] == {"title": "a"}
    assert plan.behind["erp"] == ()


def test_what_a_system_would_cut_is_not_sent_again() -> None:
    """A value as its system stores it is the agreed one."""
    flow = flow_map("{pms: title, erp: name, truncate: true}", types="{name: {max_length: 5}}")
    link = settled(flow, title="long title")
    assert link.members[1].base == {"title": "long "}
    plan = planned(flow, link, pms={"title": "long tale"})
    assert plan.idle
    assert plan.take == {"pms": {"title": "long tale"}, "erp": {"title": "long "}}


def test_what_does_not_fit_is_held_and_the_member_stays_behind() -> None:
    """The value is named, the other rows are written."""
    flow = flow_map(TITLE, "{pms: note, erp: remark}", types="{name: {max_length: 5}}")
    plan = planned(flow, settled(flow, title="a", note="n"), pms={"title": "too long", "note": "m"})
    (item,) = plan.held
    assert (item.kind, item.row, item.values) == ("value", "title", {"pms": "too long"})
    assert [write.natives() for write in plan.writes] == [{"remark": "m"}]
    assert plan.behind["erp"] == ("title", "note")


def test_a_value_in_another_form_becomes_the_base_silently() -> None:
    """1.0 that is sent as 1.00 from now on is no edit, and the record counts as clean."""
    flow = flow_map("{pms: budget, erp: amount, type: decimal(2)}")
    link = settled(flow, budget=Decimal("1.50"))
    plan = planned(flow, link, pms={"budget": "1.5000"})
    assert plan.idle
    assert plan.take["pms"] == {"budget": "1.5000"}
    assert plan.seen["pms"].clean


def test_rows_that_do_not_flow_to_a_system_are_not_written_there() -> None:
    """Nor is a side without updates, nor a read-only system."""
    flow = flow_map('{pms: title, erp: name, direction: "erp -> pms"}')
    assert planned(flow, settled(flow, title="a"), pms={"title": "b"}).idle
    flow = flow_map(TITLE, sides="erp: {datatype: task, update: false}")
    assert planned(flow, settled(flow, title="a"), pms={"title": "b"}).idle


def test_an_edit_that_lost_where_nothing_may_be_written_is_left_in_place() -> None:
    """It is settled, so that it does not win in the next round."""
    row = '{pms: title, erp: name, crm: label, direction: "pms, erp -> crm", conflict: {prefer: [erp]}}'
    flow = flow_map(row, systems=THREE)
    plan = planned(flow, settled(flow, title="a"), pms={"title": "P"}, erp={"title": "E"})
    assert [(write.system, write.natives()) for write in plan.writes] == [("crm", {"label": "E"})]
    assert plan.take["pms"] == {"title": "P"}
    assert [(line.system, line.old, line.new) for line in plan.log] == [("pms", "P", "E")]


def test_an_edit_set_back_is_a_write_to_where_it_was_made() -> None:
    """From the value that is there to the agreed one; the plan's log names what was lost."""
    flow = flow_map("{pms: title, erp: name, enforce: erp}")
    plan = planned(flow, settled(flow, title="a"), pms={"title": "P"})
    (write,) = plan.writes
    assert (write.system, write.natives(), write.rows[0].old) == ("pms", {"title": "a"}, "P")
    (line,) = plan.log
    assert (line.op, line.ref, line.old, line.new) == ("superseded", "pms/task/pms-1", "P", "a")


def test_the_ground_of_a_row_that_was_not_sent_is_that_it_is_empty() -> None:
    """What somebody types there in between is not overwritten."""
    plan = planned(FLOW, settled(FLOW, title="a", note="n"), pms={"title": "b"}, erp={"title": ABSENT})
    (write,) = plan.writes
    assert write.natives() == {"name": "b"}
    assert write.ground == {"name": None}


# creates


def test_a_new_record_gets_a_counterpart() -> None:
    """With the defaults of its side, and a key that is kept with the plan."""
    flow = flow_map(TITLE, "{pms: note, erp: remark}", sides="erp: {datatype: task, defaults: {kind: job}}")
    plan = planned(flow, found(flow, pms={"title": "a", "note": None}), creates=["erp"])
    (write,) = plan.writes
    assert (write.op, write.id, write.token) == (Op.CREATE, None, "token-1-erp")
    assert write.natives() == {"name": "a", "kind": "job"}
    assert plan.state is LinkState.LINKED


def test_a_create_carries_only_rows_that_flow_to_its_system() -> None:
    """The others are left to it."""
    flow = flow_map(TITLE, '{pms: note, erp: remark, direction: "erp -> pms"}')
    (write,) = planned(flow, found(flow, pms={"title": "a", "note": "n"}), creates=["erp"]).writes
    assert write.natives() == {"name": "a"}


@pytest.mark.parametrize("natives", [{"title": "a"}, {"title": "a", "note": None}])
def test_a_create_without_a_required_value_is_held(natives: dict[str, str]) -> None:
    """And says which; nothing of it is created."""
    flow = flow_map(TITLE, "{pms: note, erp: remark, required: true}")
    plan = planned(flow, found(flow, pms=natives), creates=["erp"])
    assert plan.idle
    assert plan.state is LinkState.WAITING
    assert [(item.kind, item.row) for item in plan.held] == [("value", "note")]
    assert "remark" in plan.held[0].reason


@pytest.mark.parametrize(("side", "held"), [("task", True), ("{datatype: task, defaults: {remark: none}}", False)])
def test_a_property_that_the_system_requires_is_held_when_empty_unless_it_has_a_default(side: str, held: bool) -> None:
    """The default of the side is what is created then."""
    types = "{remark: {required: true}}"
    flow = flow_map(TITLE, "{pms: note, erp: remark}", types=types, sides=f"erp: {side}")
    plan = planned(flow, found(flow, pms={"title": "a", "note": None}), creates=["erp"])
    assert [item.row for item in plan.held] == (["note"] if held else [])
    assert [write.natives() for write in plan.writes] == ([] if held else [{"name": "a", "remark": "none"}])


def test_a_create_with_a_value_that_does_not_fit_is_held() -> None:
    """It is not created half."""
    flow = flow_map(TITLE, "{pms: note, erp: remark}", types="{name: {max_length: 3}}")
    plan = planned(flow, found(flow, pms={"title": "long", "note": "n"}), creates=["erp"])
    assert plan.idle
    assert [item.row for item in plan.held] == ["title"]


def test_a_create_waits_for_the_record_that_it_refers_to() -> None:
    """By the name of the record, where it is in no link; by the link, where that has no record there yet."""
    flow = flow_map(TITLE, REFERENCE)
    link = found(flow, pms={"title": "a", "customer": "99"})
    plan = planned(flow, link, creates=["erp"])
    assert plan.idle
    assert plan.waits == (Wait(row="customer", target="erp", system="pms", datatype="customer", id="99"),)
    plan = planned(flow, found(flow, pms={"title": "a", "customer": "7"}), creates=["erp"], links=KNOWN)
    assert plan.idle
    assert plan.waits == (Wait(row="customer", target="erp", link=9),)


def test_a_reference_is_written_as_the_id_of_the_linked_record() -> None:
    """In the form that the system gives its ids."""
    flow = flow_map(TITLE, REFERENCE)
    on = ground(targets={(9, "erp"): 70})
    link = found(flow, pms={"title": "a", "customer": "7"})
    (write,) = planned(flow, link, creates=["erp"], links=KNOWN, on=on).writes
    assert write.natives() == {"name": "a", "customer_no": 70}
    assert write.rows[1].link == 9
    assert write.rows[1].new == 70


def test_a_reference_to_a_record_made_in_the_same_run_is_pending() -> None:
    """It is filled in when that exists."""
    flow = flow_map(TITLE, REFERENCE)
    on = ground(making=[(9, "erp")])
    (write,) = planned(
        flow, found(flow, pms={"title": "a", "customer": "7"}), creates=["erp"], links=KNOWN, on=on
    ).writes
    assert write.rows[1].pending
    assert write.rows[1].new == {"link": 9}
    assert write.natives() == {"name": "a"}


def test_an_update_is_not_stopped_by_a_reference_that_must_wait() -> None:
    """The other rows are written meanwhile, and the member stays behind with the reference."""
    flow = flow_map(TITLE, REFERENCE)
    link = settled(flow, title="a", customer=LinkRef(4))
    plan = planned(flow, link, pms={"title": "b", "customer": "7"}, links=KNOWN)
    assert [write.natives() for write in plan.writes] == [{"name": "b"}]
    assert plan.waits == (Wait(row="customer", target="erp", link=9),)
    assert set(plan.behind["erp"]) == {"title", "customer"}


@pytest.mark.parametrize("known", [{}, KNOWN])
def test_a_circle_is_created_without_the_reference_that_closes_it(known: dict[Ref, int]) -> None:
    """The reference waits, and where its link is agreed already the new member counts as behind."""
    flow = flow_map(TITLE, REFERENCE)
    link = found(flow, pms={"title": "a", "customer": "7"})
    plan = planned(flow, link, creates=["erp"], links=known, on=ground(deferred=["customer"]))
    assert [write.natives() for write in plan.writes] == [{"name": "a"}]
    assert [wait.row for wait in plan.waits] == ["customer"]
    assert plan.behind.get("erp", ()) == (("customer",) if known else ())


def test_a_deferred_reference_that_can_be_said_is_said() -> None:
    """Its target has come to be in the meantime."""
    flow = flow_map(TITLE, REFERENCE)
    on = ground(deferred=["customer"], targets={(9, "erp"): 70})
    (write,) = planned(
        flow, found(flow, pms={"title": "a", "customer": "7"}), creates=["erp"], links=KNOWN, on=on
    ).writes
    assert write.natives() == {"name": "a", "customer_no": 70}


def test_the_form_of_a_created_value_is_learned_from_a_sample() -> None:
    """A system that writes its numbers as text gets text."""
    flow = flow_map(TITLE, "{pms: budget, erp: amount, type: decimal(2)}")
    link = found(flow, pms={"title": "a", "budget": Decimal("12.50")})
    for sample, native in (("1.00", "12.50"), (Decimal("1.0"), Decimal("12.50"))):
        on = ground(samples={("erp", "task", "amount"): sample})
        (write,) = planned(flow, link, creates=["erp"], on=on).writes
        assert write.natives()["amount"] == native
        assert type(write.natives()["amount"]) is type(native)


def test_a_third_system_gets_a_counterpart_of_a_link_of_two() -> None:
    """From the agreed values; an edit in the same round goes along."""
    flow = flow_map(TITLE3, systems=THREE)
    link = settled(flow, systems=["pms", "erp"], title="a")
    plan = planned(flow, link, creates=["crm"], pms={"title": "b"})
    assert [(w.op, w.system, w.natives()) for w in plan.writes] == [
        (Op.UPDATE, "erp", {"name": "b"}),
        (Op.CREATE, "crm", {"label": "b"}),
    ]


def test_a_row_in_conflict_stops_a_create() -> None:
    """Nobody can say what its value is."""
    flow = flow_map(TITLE3, systems=THREE)
    link = settled(flow, systems=["pms", "erp"], title="a")
    plan = planned(flow, link, creates=["crm"], pms={"title": "P"}, erp={"title": "E"})
    assert plan.idle
