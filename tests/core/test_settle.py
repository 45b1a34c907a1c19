"""A link after its writes: the only place where a base is made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from accord.core.linkplan import HeldItem, LinkPlan, decode_plan, encode_plan
from accord.core.mapping import FlowMap
from accord.core.settle import Result, known_of, looks_same, result_of, revive, revived, settle
from accord.model import Agreed, Dangling, Link, LinkRef, LinkState, Member, OutcomeKind, Ref
from tests.core.world import TITLE, TITLE3, applied, flow_map, found, ground, planned, record, settled

FLOW = flow_map(TITLE, "{pms: note, erp: remark}")
THREE = ("pms", "erp", "crm")
STALE = Result(kind=OutcomeKind.STALE)
REJECTED = Result(kind=OutcomeKind.REJECTED, message="no", conflicting="77")


def edited() -> tuple[Link, LinkPlan]:
    link = settled(FLOW, title="a", note="n")
    return link, planned(FLOW, link, pms={"title": "b"})


def member(link: Link, system: str) -> Member:
    found = link.member(system)
    assert found is not None
    return found


def test_a_plan_without_writes_settles_what_was_read() -> None:
    """Edits that are agreed become the base of their own record."""
    link = settled(FLOW, title="a", note="n")
    plan = planned(FLOW, link, pms={"title": "b"}, erp={"title": "b"})
    after = settle(FLOW, link, plan, []).link
    assert after.agreed["title"] == Agreed(value="b", revision=4, origin="pms")
    assert [m.base["title"] for m in after.members] == ["b", "b"]
    assert all(m.clean and m.version == "v2" for m in after.members)


def test_the_base_is_what_the_system_returned() -> None:
    """And not what was sent: it has trimmed, cut or completed it."""
    link, plan = edited()
    settlement = settle(FLOW, link, plan, [applied(FLOW, "erp", title="B!", note="n")])
    erp = member(settlement.link, "erp")
    assert erp.base == {"title": "B!", "note": "n"}
    assert erp.behind == frozenset()
    assert (erp.version, erp.clean, settlement.dirty) == ("v3", True, False)
    assert settlement.link.agreed["title"].value == "b"
    assert member(settlement.link, "pms").base["title"] == "b"


def test_an_edit_that_slipped_in_before_the_write_stays_an_edit() -> None:
    """The answer shows another value in a row that was not written: its base stays, and the link is looked at again."""
    link, plan = edited()
    settlement = settle(FLOW, link, plan, [applied(FLOW, "erp", title="b", note="somebody's")])
    erp = member(settlement.link, "erp")
    assert erp.base["note"] == "n"
    assert (erp.clean, settlement.dirty) == (False, True)


def test_an_answer_without_record_settles_what_was_sent() -> None:
    """204, and nothing was read: it is read again before it is planned."""
    link, plan = edited()
    settlement = settle(FLOW, link, plan, [Result(kind=OutcomeKind.APPLIED)])
    erp = member(settlement.link, "erp")
    assert erp.base["title"] == "b"
    assert (erp.version, erp.clean, settlement.dirty) == (None, False, True)


@pytest.mark.parametrize(("found", "base"), [(" B ", " B "), ("somebody's", "b")])
def test_a_reading_after_a_lost_answer_is_believed_only_where_it_looks_like_what_was_sent(
    found: str, base: str
) -> None:
    """Another value is somebody's edit, and stays visible as a difference from what was sent."""
    link, plan = edited()
    result = Result(kind=OutcomeKind.APPLIED, read_back=record(FLOW, "erp", title=found, note="n"))
    erp = member(settle(FLOW, link, plan, [result]).link, "erp")
    assert erp.base["title"] == base
    assert erp.clean is (found == base)


@pytest.mark.parametrize("answered", [True, False])
def test_a_write_that_the_system_silently_ignored_is_held(answered: bool) -> None:
    """It is no edit back to the old value, and is not sent for ever."""
    link, plan = edited()
    shown = record(FLOW, "erp", title="a", note="n")
    result = Result(kind=OutcomeKind.APPLIED, **{"record" if answered else "read_back": shown})
    settlement = settle(FLOW, link, plan, [result])
    (item,) = settlement.held
    assert (item.kind, item.row, item.values) == ("rejected", "title", {"erp": "a", "sent": "b"})
    assert settlement.ignored == {("erp", "title")}
    erp = member(settlement.link, "erp")
    assert (erp.base["title"], erp.behind, erp.clean) == ("a", frozenset(), True)


def test_a_write_that_changes_nothing_is_not_ignored() -> None:
    """The system has what was sent, in its own form."""
    link, plan = edited()
    settlement = settle(FLOW, link, plan, [applied(FLOW, "erp", title="b", note="n")])
    assert not settlement.held


def test_a_rejected_update_leaves_the_member_behind() -> None:
    """What the edit agreed stays agreed; a person sees what was refused, and with whose record it collides."""
    link, plan = edited()
    settlement = settle(FLOW, link, plan, [REJECTED])
    erp = member(settlement.link, "erp")
    assert erp.base["title"] == "a"
    assert erp.behind == {"title"}
    (item,) = settlement.held
    assert (item.kind, item.row, item.refs) == ("rejected", "title", ("erp/task/erp-1", "erp/task/77"))
    assert "no" in item.reason


def test_the_stale_part_of_a_plan_leaves_its_member_behind() -> None:
    """The other writes are settled; the link is planned again."""
    flow = flow_map(TITLE3, systems=THREE)
    link = settled(flow, title="a")
    plan = planned(flow, link, pms={"title": "b"})
    settlement = settle(flow, link, plan, [STALE, applied(flow, "crm", title="b")])
    assert member(settlement.link, "erp").behind == {"title"}
    assert member(settlement.link, "crm").behind == frozenset()
    assert settlement.link.agreed["title"].value == "b"
    assert settlement.dirty


# creates


def created(flow: FlowMap = FLOW, **natives: Any) -> tuple[Link, LinkPlan]:
    link = found(flow, pms=natives or {"title": "a", "note": "n"})
    return link, planned(flow, link, creates=["erp"])


def test_a_create_makes_a_member() -> None:
    """With the id that the system gave, and what it completed by itself as its base."""
    flow = flow_map(TITLE, "{pms: note, erp: remark}", "{pms: state, erp: status}")
    link, plan = created(flow, title="a", note="n", state=None)
    settlement = settle(flow, link, plan, [applied(flow, "erp", "900", title="a", note="n", state="draft")])
    erp = member(settlement.link, "erp")
    assert erp.ref == Ref("erp", "task", "900")
    assert erp.base == {"title": "a", "note": "n", "state": "draft"}
    assert erp.clean
    assert settlement.link.state is LinkState.LINKED
    assert settlement.link.agreed["title"].value == "a"


def test_a_create_found_again_after_its_answer_was_lost_keeps_what_was_sent() -> None:
    """Somebody has edited the new record already; that must stay an edit."""
    link, plan = created()
    shown = record(FLOW, "erp", "900", title="a", note="typed since")
    settlement = settle(FLOW, link, plan, [Result(kind=OutcomeKind.ALREADY, read_back=shown)])
    erp = member(settlement.link, "erp")
    assert erp.base == {"title": "a", "note": "n"}
    assert not erp.clean
    assert settlement.dirty


def test_a_rejected_create_leaves_no_agreement() -> None:
    """Agreement is between members; the link waits as before."""
    link, plan = created()
    settlement = settle(FLOW, link, plan, [REJECTED])
    assert settlement.link.state is LinkState.WAITING
    assert settlement.link.agreed == {}
    assert [item.kind for item in settlement.held] == ["rejected"]


def test_a_rejected_create_in_a_third_system_leaves_the_agreement_of_the_others() -> None:
    """Two members agree."""
    flow = flow_map(TITLE3, systems=THREE)
    link = settled(flow, systems=["pms", "erp"], title="a")
    plan = planned(flow, link, creates=["crm"])
    after = settle(flow, link, plan, [REJECTED]).link
    assert after.agreed["title"].value == "a"
    assert len(after.members) == 2


def test_a_created_member_is_behind_with_what_was_left_out_of_its_create() -> None:
    """A circle of references is closed by a second write."""
    flow = flow_map(TITLE, "{pms: customer_id, erp: customer_no, type: reference(customer), name: customer}")
    link = found(flow, pms={"title": "a", "customer": "7"})
    known = {Ref("pms", "customer", "7"): 9}
    plan = planned(flow, link, creates=["erp"], links=known, on=ground(deferred=["customer"]))
    settlement = settle(flow, link, plan, [applied(flow, "erp", "900", title="a", customer=None)])
    assert member(settlement.link, "erp").behind == {"customer"}
    plan = planned(flow, link, creates=["erp"], links=known, on=ground(making=[(9, "erp")]))
    settlement = settle(flow, link, plan, [applied(flow, "erp", "900", title="a", customer=None)])
    assert member(settlement.link, "erp").behind == {"customer"}
    assert settlement.dirty


# the end of a link


def closing(link: Link, *writes: Any) -> LinkPlan:
    return LinkPlan(flow="task", link=1, state=LinkState.CLOSED, gone=("pms",), writes=writes)


def test_a_closed_link_keeps_its_members_as_a_tombstone() -> None:
    """None is open any more; the one that is gone is marked."""
    link = settled(FLOW, title="a", note="n")
    settlement = settle(FLOW, link, closing(link), [])
    assert settlement.link.state is LinkState.CLOSED
    assert settlement.link.members == ()
    assert [(m.ref.system, m.gone) for m in settlement.closed_members] == [("pms", True), ("erp", False)]


def test_a_link_whose_last_write_failed_is_not_closed() -> None:
    """Refused or stale, it is still there, with the member that is gone."""
    from accord.core.linkplan import WritePlan
    from accord.model import Op

    link = settled(FLOW, title="a", note="n")
    delete = WritePlan(op=Op.DELETE, system="erp", datatype="task", id="erp-1")
    for result in (REJECTED, STALE):
        after = settle(FLOW, link, closing(link, delete), [result]).link
        assert after.state is LinkState.LINKED
        assert [m.gone for m in after.members] == [True, False]
    after = settle(FLOW, link, closing(link, delete), [Result(kind=OutcomeKind.APPLIED)])
    assert after.link.state is LinkState.CLOSED
    assert [m.gone for m in after.closed_members] == [True, True]


def test_a_restored_record_replaces_the_one_that_is_gone() -> None:
    """The old id becomes a tombstone, the new one a member."""
    link = settled(FLOW, title="a", note="n")
    remaining = replace(link, members=link.members[:1])
    plan = planned(FLOW, remaining, creates=["erp"])
    plan = decode_plan(encode_plan(plan).replace(b'"flow"', b'"drop":["erp"],"flow"', 1))
    settlement = settle(FLOW, link, plan, [applied(FLOW, "erp", "900", title="a", note="n")])
    assert [m.ref.id for m in settlement.link.members] == ["pms-1", "900"]
    assert [(m.ref.id, m.gone) for m in settlement.closed_members] == [("erp-1", True)]
    assert settlement.link.agreed["title"].value == "a"


def test_a_record_left_alone_is_behind_nobody() -> None:
    """Found by a random history: it had waited for a row, and there was no agreed value of it any more."""
    link = settled(FLOW, behind={"erp": ("note",)}, title="a", note="n")
    plan = LinkPlan(flow="task", link=1, state=LinkState.WAITING, drop=("pms",))
    after = settle(FLOW, link, plan, []).link
    assert ([m.ref.id for m in after.members], after.agreed) == (["erp-1"], {})
    assert after.members[0].behind == frozenset()


def test_a_link_rests_while_a_record_is_out_of_scope() -> None:
    """Nothing else about it changes; its members are read again before they are planned."""
    link = settled(FLOW, title="a", note="n")
    after = settle(FLOW, link, LinkPlan(flow="task", link=1, state=LinkState.RESTING), []).link
    assert after.state is LinkState.RESTING
    assert [m.base for m in after.members] == [m.base for m in link.members]
    assert not any(m.clean for m in after.members)


def test_what_the_plan_holds_stays_held() -> None:
    """The settlement carries it on."""
    link = settled(FLOW, title="a", note="n")
    plan = planned(FLOW, link, pms={"title": "P"}, erp={"title": "E"})
    settlement = settle(FLOW, link, plan, [])
    assert [item.kind for item in settlement.held] == ["conflict"]
    assert isinstance(settlement.held[0], HeldItem)
    assert [m.base["title"] for m in settlement.link.members] == ["a", "a"]


# own writes, and values from the state


@pytest.mark.parametrize(
    ("sent", "found", "same"),
    [
        ("Ünï", " ünï ", True),
        ("abc", "abd", False),
        ("Refurbishment of the stairs", "Refurbishment of the st", True),
        ("abc", None, False),
    ],
)
def test_an_own_write_is_recognised_in_the_form_of_the_system(sent: str, found: str | None, same: bool) -> None:
    """Trimmed, cut or cased."""
    assert looks_same(FLOW, FLOW.sides["erp"], "title", sent, found) is same


def test_a_result_that_cannot_be_settled_yet_is_kept_with_the_plan() -> None:
    """And comes back as it was, with who showed the record."""
    answer = applied(FLOW, "erp", title="b", note="n")
    for result in (answer, Result(kind=OutcomeKind.APPLIED, read_back=answer.record), REJECTED):
        assert result_of(known_of(result)) == result


def test_agreed_values_come_back_from_json() -> None:
    """References as links; rows that left the file are left out."""
    flow = flow_map(
        "{pms: budget, erp: amount, type: decimal(2)}",
        "{pms: customer_id, erp: customer_no, type: reference(customer), name: customer}",
    )
    assert revive(flow, "customer", {"link": 4}) == LinkRef(4)
    assert revive(flow, "customer", {"unlinked": "pms/customer/7"}) == Dangling(Ref("pms", "customer", "7"))
    assert str(revive(flow, "budget", "1.10")) == "1.10"
    agreed = {
        "gone": Agreed(value="x", revision=1, origin=None),
        "budget": Agreed(value="1.10", revision=1, origin="pms"),
    }
    link = Link(id=1, flow="task", state=LinkState.LINKED, members=(), agreed=agreed)
    assert set(revived(flow, link).agreed) == {"budget"}


def test_a_row_that_a_lost_write_did_not_reach_is_sent_again() -> None:
    """Half of it is in place: the other half shows what was there before, and that is no edit of anybody."""
    link = settled(FLOW, title="a", note="n")
    plan = planned(FLOW, link, pms={"title": "b", "note": "m"})
    half = Result(kind=OutcomeKind.APPLIED, proven=False, read_back=record(FLOW, "erp", title="b", note="n"))
    settlement = settle(FLOW, link, plan, [half])
    erp = member(settlement.link, "erp")
    assert erp.base == {"title": "b", "note": "n"}
    assert (erp.behind, settlement.dirty) == (frozenset({"note"}), True)


def test_of_a_write_whose_answer_came_no_row_is_missed() -> None:
    """Then what still shows the old value was ignored by the system, or set back by somebody."""
    link = settled(FLOW, title="a", note="n")
    plan = planned(FLOW, link, pms={"title": "b", "note": "m"})
    whole = Result(kind=OutcomeKind.APPLIED, record=record(FLOW, "erp", title="b", note="n"))
    assert member(settle(FLOW, link, plan, [whole]).link, "erp").behind == frozenset()


def test_what_was_not_sent_to_a_lost_create_is_no_base() -> None:
    """The record was found later: what it shows beyond what was sent may be typed by somebody."""
    flow = flow_map(TITLE, "{pms: note, erp: remark}")
    link = found(flow, pms={"title": "a"})
    plan = planned(flow, link, creates=["erp"])
    later = Result(kind=OutcomeKind.ALREADY, read_back=record(flow, "erp", title="a", note="typed"))
    erp = member(settle(flow, link, plan, [later]).link, "erp")
    assert "note" not in erp.base
    assert not erp.clean
