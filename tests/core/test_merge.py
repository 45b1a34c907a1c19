"""Who wins, row by row. One test for each leaf of the decision."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accord.core.decide import Decision
from accord.core.mapping import FlowMap
from accord.core.merge import Ice
from accord.core.merged import Merged
from accord.model import ABSENT, Agreed, Dangling, Link, LinkRef, Ref
from tests.core.world import NOON, TITLE, TITLE3, flow_map, found, merged, planned, settled, values

FLOW = flow_map(TITLE)
THREE = ("pms", "erp", "crm")
REFERENCE = "{pms: customer_id, erp: customer_no, type: reference(customer), name: customer}"
SIDES = {"pms": {"title": "P"}, "erp": {"title": "E"}}


def titled(more: str = "", kind: str = "string") -> FlowMap:
    return flow_map(f"{{pms: title, erp: name, type: {kind}{', ' if more else ''}{more}}}")


def reasons(outcome: Merged) -> list[str]:
    return [item.reason for item in outcome.held]


def lost(outcome: Merged) -> list[tuple[str, str, Any, Any]]:
    return [(item.system, item.row, item.lost, item.kept) for item in outcome.superseded]


def test_nothing_edited_nothing_done() -> None:
    """No edit, keep."""
    outcome = merged(FLOW, settled(FLOW, title="a"))
    assert outcome == Merged()


def test_one_edit_is_the_new_agreed_value() -> None:
    """With the next revision, where it came from, and why the others receive it."""
    outcome = merged(FLOW, settled(FLOW, title="a"), at={"pms": NOON}, pms={"title": "b"})
    assert outcome.agreed == {"title": Agreed(value="b", revision=4, origin="pms", modified=NOON.isoformat())}
    assert outcome.take == {"pms": {"title"}}
    assert outcome.send == {"title": "edited in pms"}
    assert outcome.causes["title"].ref == "pms/task/pms-1"
    assert not outcome.superseded


def test_equal_edits_on_both_sides_are_no_conflict() -> None:
    """The same value was typed twice; nobody receives anything."""
    outcome = merged(FLOW, settled(FLOW, title="a"), pms={"title": "b"}, erp={"title": "b"})
    assert values(FLOW, outcome) == {"title": "b"}
    assert outcome.take == {"pms": {"title"}, "erp": {"title"}}


def test_different_edits_are_held_by_default() -> None:
    """Both values are shown with what was agreed, and nothing is taken as settled."""
    outcome = merged(FLOW, settled(FLOW, title="a"), **SIDES)
    (item,) = outcome.held
    assert (item.kind, item.row, item.values, item.base) == ("conflict", "title", {"pms": "P", "erp": "E"}, "a")
    assert outcome.frozen == {"title"}
    assert not outcome.agreed
    assert not outcome.take


def test_the_preferred_system_wins() -> None:
    """And what lost is kept for the history."""
    flow = titled("conflict: {prefer: [erp]}")
    outcome = merged(flow, settled(flow, title="a"), **SIDES)
    assert values(flow, outcome) == {"title": "E"}
    assert lost(outcome) == [("pms", "title", "P", "E")]
    assert outcome.set_back == {("pms", "title")}


def test_where_the_preferred_system_has_no_edit_the_next_one_wins() -> None:
    """A list of preferences; without any of them a person is asked."""
    row = "{pms: title, erp: name, crm: label, conflict: {prefer: [crm, erp]}}"
    flow = flow_map(row, systems=THREE)
    assert values(flow, merged(flow, settled(flow, title="a"), **SIDES)) == {"title": "E"}
    alone = titled("conflict: {prefer: [pms]}")
    link = settled(alone, title="a", behind={"erp": ["title"]}, origin="erp")
    assert merged(alone, link, erp={"title": "E"}).held


def test_a_preference_counts_for_the_agreed_value_by_its_origin() -> None:
    """An edit by somebody who had not received the preferred system's value loses against it."""
    flow = titled("conflict: {prefer: [pms]}")
    link = settled(flow, title="a", behind={"erp": ["title"]}, origin="pms")
    outcome = merged(flow, link, erp={"title": "E"})
    assert values(flow, outcome) == {"title": "a"}
    assert lost(outcome) == [("erp", "title", "E", "a")]


def test_the_latest_edit_wins() -> None:
    """By the systems' own modification times."""
    flow = titled("conflict: latest")
    at = {"pms": NOON, "erp": NOON + timedelta(seconds=10)}
    assert values(flow, merged(flow, settled(flow, title="a"), at=at, **SIDES)) == {"title": "E"}
    at = {"erp": NOON, "pms": NOON + timedelta(seconds=10)}
    assert values(flow, merged(flow, settled(flow, title="a"), at=at, **SIDES)) == {"title": "P"}


@pytest.mark.parametrize("at", [{}, {"pms": NOON}, {"pms": NOON, "erp": NOON + timedelta(seconds=2)}])
def test_times_that_prove_nothing_order_no_edits(at: dict[str, Any]) -> None:
    """Missing, or within the tolerance of the clocks."""
    flow = titled("conflict: latest")
    outcome = merged(flow, settled(flow, title="a"), at=at, **SIDES)
    assert outcome.frozen == {"title"}
    assert not outcome.agreed


def test_keep_filled_as_a_conflict_rule_prefers_the_filled_value() -> None:
    """Two filled ones are asked; alone, emptying is an edit like any other."""
    flow = titled("conflict: keep-filled")
    link = settled(flow, title="a")
    assert values(flow, merged(flow, link, pms={"title": None}, erp={"title": "E"})) == {"title": "E"}
    assert merged(flow, link, **SIDES).held
    assert values(flow, merged(flow, link, pms={"title": None})) == {"title": None}


def test_with_keep_filled_an_empty_value_never_wins() -> None:
    """It is set back, and the emptying is kept in the history."""
    flow = titled("keep_filled: true")
    outcome = merged(flow, settled(flow, title="a"), pms={"title": None})
    assert values(flow, outcome) == {"title": "a"}
    assert lost(outcome) == [("pms", "title", None, "a")]
    assert outcome.take == {"erp": {"title"}}


def test_with_keep_filled_the_filled_of_two_edits_wins() -> None:
    """Two filled ones are a conflict all the same."""
    flow = titled("keep_filled: true")
    link = settled(flow, title="a")
    assert values(flow, merged(flow, link, pms={"title": ""}, erp={"title": "E"})) == {"title": "E"}
    assert merged(flow, link, **SIDES).held


def test_the_authority_sets_back_edits_elsewhere() -> None:
    """The edit is kept in the history."""
    flow = titled("enforce: erp")
    outcome = merged(flow, settled(flow, title="a"), pms={"title": "P"})
    assert values(flow, outcome) == {"title": "a"}
    assert lost(outcome) == [("pms", "title", "P", "a")]
    assert outcome.send["title"] == "erp decides this row"


def test_the_authority_may_edit() -> None:
    """Also against another edit."""
    flow = titled("enforce: erp")
    assert values(flow, merged(flow, settled(flow, title="a"), erp={"title": "E"})) == {"title": "E"}
    assert values(flow, merged(flow, settled(flow, title="a"), **SIDES)) == {"title": "E"}


def test_sets_are_joined_by_union() -> None:
    """Each side receives what the other added."""
    flow = titled("conflict: union", kind="list(string)")
    link = settled(flow, title=("a", "b"))
    outcome = merged(flow, link, pms={"title": ["a", "b", "c"]}, erp={"title": ["b"]})
    assert values(flow, outcome) == {"title": ["b", "c"]}
    assert not outcome.take


def test_counters_add_up() -> None:
    """10 → 15 and 10 → 7 is 12."""
    flow = titled("conflict: additive", kind="integer")
    assert values(flow, merged(flow, settled(flow, title=10), pms={"title": 15}, erp={"title": 7})) == {"title": 12}


def test_long_text_is_merged_by_line_and_overlapping_hunks_are_asked() -> None:
    """With both texts shown."""
    flow = titled("conflict: merge", kind="text")
    link = settled(flow, title="a\nb\nc\n")
    good = merged(flow, link, pms={"title": "A\nb\nc\n"}, erp={"title": "a\nb\nC\n"})
    assert values(flow, good) == {"title": "A\nb\nC\n"}
    bad = merged(flow, link, pms={"title": "A\nb\nc\n"}, erp={"title": "X\nb\nc\n"})
    assert reasons(bad) == ["edited differently on several sides, and merge cannot join them"]


def test_edits_on_another_ground_are_not_joined() -> None:
    """Who had not received the agreed counter did not count from it."""
    flow = titled("conflict: additive", kind="integer")
    link = settled(flow, title=10, behind={"erp": ["title"]})
    assert merged(flow, link, erp={"title": 7}).held
    assert merged(flow, link, pms={"title": 15}, erp={"title": 7}).held


def test_an_edit_by_somebody_who_had_not_received_the_agreed_value_is_a_conflict() -> None:
    """The agreed value is one of the two sides."""
    link = settled(FLOW, title="a", behind={"erp": ["title"]}, origin="pms")
    (item,) = merged(FLOW, link, erp={"title": "E"}).held
    assert item.values == {"erp": "E", "agreed": "a"}


def test_who_typed_the_agreed_value_without_having_received_it_agrees() -> None:
    """No conflict, and nothing is sent back."""
    link = settled(FLOW, title="a", behind={"erp": ["title"]}, origin="pms")
    link = replace_base(link, "erp", title="older")
    outcome = merged(FLOW, link, erp={"title": "a"})
    assert not outcome.held
    assert outcome.take == {"erp": {"title"}, "pms": {"title"}}


def replace_base(link: Link, system: str, **natives: Any) -> Link:
    from dataclasses import replace

    members = tuple(replace(m, base={**m.base, **natives}) if m.ref.system == system else m for m in link.members)
    return replace(link, members=members)


def test_edits_where_the_row_does_not_flow_from_are_left_in_place() -> None:
    """They are noted once, settled, and win over nothing."""
    flow = titled('direction: "pms -> erp"')
    outcome = merged(flow, settled(flow, title="a"), erp={"title": "E"})
    assert outcome.take == {"erp": {"title"}}
    assert not outcome.agreed
    assert lost(outcome) == [("erp", "title", "E", "E")]
    assert "does not flow from erp" in outcome.superseded[0].reason


def test_a_value_that_cannot_be_read_holds_its_row_only() -> None:
    """The value is named; the other rows go on."""
    flow = flow_map(TITLE, "{pms: budget, erp: amount, type: decimal(2)}")
    outcome = merged(flow, settled(flow, title="a", budget=Decimal(1)), pms={"title": "b", "budget": "many"})
    (item,) = outcome.held
    assert (item.kind, item.row, item.values) == ("value", "budget", {"pms": "many"})
    assert values(flow, outcome) == {"title": "b"}


def test_a_value_that_cannot_be_read_in_a_one_way_group_holds_the_group() -> None:
    """An unreadable row behind an edited one stops nothing else."""
    rows = (
        '{pms: street, erp: road, direction: "pms -> erp"}',
        '{pms: floor, erp: level, type: integer, direction: "pms -> erp"}',
        TITLE,
    )
    flow = flow_map(*rows, more="groups: {address: [street, floor]}")
    link = settled(flow, street="s", floor=1, title="a")
    outcome = merged(flow, link, erp={"street": "x", "floor": "up", "title": "b"})
    assert [item.row for item in outcome.held] == ["floor"]
    assert values(flow, outcome) == {"title": "b"}


# groups

ADDRESS = flow_map(
    "{pms: street, erp: road}", "{pms: zip, erp: code}", "{pms: city, erp: town}", more="groups: {a: [street, zip]}"
)


def test_rows_of_a_group_win_together() -> None:
    """An edit of one row takes the others of its record along."""
    outcome = merged(ADDRESS, settled(ADDRESS, street="s", zip="1", city="c"), pms={"street": "new"})
    assert values(ADDRESS, outcome) == {"street": "new", "zip": "1"}


def test_edits_of_different_rows_of_a_group_are_a_conflict() -> None:
    """A street of one and a zip code of another address is nobody's address."""
    link = settled(ADDRESS, street="s", zip="1", city="c")
    outcome = merged(ADDRESS, link, pms={"street": "new"}, erp={"zip": "2"})
    (item,) = outcome.held
    assert item.values == {"pms": {"street": "new", "zip": "1"}, "erp": {"street": "s", "zip": "2"}}
    assert outcome.frozen == {"street", "zip"}


def test_edits_of_rows_in_no_group_are_no_conflict() -> None:
    """Each side's edit goes to the other."""
    link = settled(ADDRESS, street="s", zip="1", city="c")
    outcome = merged(ADDRESS, link, pms={"street": "new"}, erp={"city": "d"})
    assert values(ADDRESS, outcome) == {"street": "new", "zip": "1", "city": "d"}


def test_a_loser_of_a_group_is_set_back_where_the_winner_sent_nothing() -> None:
    """The row that the winner did not send keeps its agreed value; the other's edit is superseded, not swallowed."""
    flow = flow_map(
        "{pms: street, erp: road}",
        "{pms: zip, erp: code}",
        more="groups: {a: [street, zip]}\nconflict: {prefer: [pms]}",
    )
    link = settled(flow, street="s", zip="1")
    outcome = merged(flow, link, pms={"street": "new", "zip": ABSENT}, erp={"zip": "2"})
    assert values(flow, outcome) == {"street": "new", "zip": "1"}
    assert ("erp", "zip", "2", "1") in lost(outcome)
    assert outcome.take.get("erp", set()) == set()


def test_the_fuller_of_two_equal_groups_is_agreed() -> None:
    """What one side does not send is no reason to forget the other's edit of it."""
    link = settled(ADDRESS, street="s", zip="1", city="c")
    outcome = merged(ADDRESS, link, pms={"street": "x", "zip": ABSENT}, erp={"street": "x", "zip": "2"})
    assert values(ADDRESS, outcome) == {"street": "x", "zip": "2"}


# the first values of a link


def test_a_new_record_alone_agrees_with_itself() -> None:
    """Its values are what a counterpart is made from."""
    outcome = merged(FLOW, found(FLOW, pms={"title": "a"}))
    assert values(FLOW, outcome) == {"title": "a"}
    assert outcome.send == {"title": "new record"}


def test_equal_values_are_agreed_at_first_link() -> None:
    """Under the type of the row."""
    outcome = merged(FLOW, found(FLOW, pms={"title": "a"}, erp={"title": "a"}))
    assert values(FLOW, outcome) == {"title": "a"}
    assert outcome.take == {"pms": {"title"}, "erp": {"title"}}


@pytest.mark.parametrize("blank", [{"title": None}, {"title": " "}, {}])
def test_filled_beats_empty_at_first_link(blank: dict[str, Any]) -> None:
    """Whichever side it is on."""
    outcome = merged(FLOW, found(FLOW, pms=blank, erp={"title": "E"}))
    assert values(FLOW, outcome) == {"title": "E"}
    assert outcome.take == {"erp": {"title"}}


def test_filled_beats_empty_also_against_an_authority() -> None:
    """What it says from now on counts; nobody has emptied anything yet."""
    flow = titled("enforce: pms")
    outcome = merged(flow, found(flow, pms={"title": None}, erp={"title": "E"}))
    assert values(flow, outcome) == {"title": "E"}
    assert outcome.send == {"title": "first link: filled beats empty"}


def test_the_fuller_of_values_that_look_the_same_is_agreed_at_first_link() -> None:
    """What a system has cut, cased or rounded lost to what it was."""
    long = "Refurbishment of the northern stairs"
    assert values(FLOW, merged(FLOW, found(FLOW, pms={"title": long[:24]}, erp={"title": long}))) == {"title": long}
    money = titled(kind="decimal(4)")
    outcome = merged(money, found(money, pms={"title": "1.25"}, erp={"title": "1.3"}))
    assert values(money, outcome) == {"title": "1.25"}


def test_filled_values_that_differ_at_first_link_are_decided_by_the_rule() -> None:
    """Asked, or by preference."""
    both = {"pms": {"title": "P"}, "erp": {"title": "E"}}
    assert merged(FLOW, found(FLOW, **both)).held
    flow = titled("conflict: {prefer: [erp]}")
    assert values(flow, merged(flow, found(flow, **both))) == {"title": "E"}
    flow = titled("enforce: pms")
    assert values(flow, merged(flow, found(flow, **both))) == {"title": "P"}


def test_sets_are_joined_at_first_link() -> None:
    """Nothing was agreed before, so that nothing was removed."""
    flow = titled("conflict: union", kind="list(string)")
    outcome = merged(flow, found(flow, pms={"title": ["a", "b"]}, erp={"title": ["b", "c"]}))
    assert values(flow, outcome) == {"title": ["a", "b", "c"]}


def test_a_group_at_first_link_is_filled_by_the_side_that_knows_more() -> None:
    """Row by row nowhere emptier; where each side has something of its own, a person is asked."""
    outcome = merged(ADDRESS, found(ADDRESS, pms={"street": "s", "zip": None}, erp={"street": "s", "zip": "1"}))
    assert values(ADDRESS, outcome) == {"street": "s", "zip": "1"}
    outcome = merged(ADDRESS, found(ADDRESS, pms={"street": "s"}, erp={"street": "s", "zip": "1"}))
    assert values(ADDRESS, outcome) == {"street": "s", "zip": "1"}
    outcome = merged(ADDRESS, found(ADDRESS, pms={"street": "s", "zip": None}, erp={"street": None, "zip": "1"}))
    assert [item.row for item in outcome.held] == ["street"]


def test_a_group_with_a_row_that_nobody_sends_is_not_new_for_ever() -> None:
    """The row is agreed to be empty; the next edit of the group is an edit, and no first value."""
    outcome = merged(ADDRESS, found(ADDRESS, pms={"street": "s"}, erp={"street": "s"}))
    assert values(ADDRESS, outcome) == {"street": "s", "zip": None}
    link = settled(ADDRESS, street="s", zip=None)
    outcome = merged(ADDRESS, link, pms={"street": None, "zip": ABSENT}, erp={"zip": ABSENT})
    assert values(ADDRESS, outcome) == {"street": None, "zip": None}


def test_a_row_without_source_is_left_alone() -> None:
    """Where no source sends it, what the target has stays and is settled."""
    flow = titled('direction: "pms -> erp"')
    outcome = merged(flow, found(flow, pms={}, erp={"title": "E"}))
    assert outcome.take["erp"] == {"title"}
    assert not outcome.agreed


def test_an_edit_against_the_direction_is_told_also_where_nothing_is_agreed() -> None:
    """Found by seed 52: the source never sent the row, so there was no agreed value to compare with."""
    flow = flow_map(TITLE, '{pms: note, erp: remark, direction: "pms -> erp"}')
    outcome = merged(flow, settled(flow, title="a"), erp={"note": "E"})
    assert lost(outcome) == [("erp", "note", "E", "E")]
    assert outcome.take["erp"] == {"note"}


def test_an_empty_source_does_not_empty_the_target_at_first_link() -> None:
    """Filled beats empty, also along a one-way row; a filled source wins."""
    flow = titled('direction: "pms -> erp"')
    outcome = merged(flow, found(flow, pms={"title": None}, erp={"title": "E"}))
    assert outcome.take["erp"] == {"title"}
    outcome = merged(flow, found(flow, pms={"title": "P"}, erp={"title": "E"}))
    assert values(flow, outcome) == {"title": "P"}
    assert outcome.take == {"pms": {"title"}}


def test_a_row_that_is_new_in_the_file_is_agreed_like_a_first_link() -> None:
    """The other rows of the link stay as they are."""
    flow = flow_map(TITLE, "{pms: note, erp: remark}")
    link = settled(flow, title="a")
    outcome = merged(flow, link, pms={"note": "n"}, erp={"note": None})
    assert values(flow, outcome) == {"note": "n"}


# a third system joins


def joining(flow: FlowMap, **agreed: Any) -> Link:
    from dataclasses import replace

    link = settled(flow, **agreed)
    members = tuple(
        replace(m, base={}, behind=frozenset(agreed), clean=False) if m.ref.system == "crm" else m for m in link.members
    )
    return replace(link, members=members)


def test_who_joins_with_the_same_values_agrees() -> None:
    """Nothing is held."""
    flow = flow_map(TITLE3, systems=THREE)
    outcome = merged(flow, joining(flow, title="a"), crm={"title": "a"})
    assert not outcome.held
    assert outcome.take["crm"] == {"title"}


def test_who_joins_empty_is_filled() -> None:
    """It counts as behind, and the plan sends the agreed value."""
    flow = flow_map(TITLE3, systems=THREE)
    outcome = merged(flow, joining(flow, title="a"), crm={"title": None})
    assert not outcome.held
    assert not outcome.agreed


def test_who_joins_fills_what_the_others_left_empty() -> None:
    """Filled beats empty."""
    flow = flow_map(TITLE3, systems=THREE)
    outcome = merged(flow, joining(flow, title=None), crm={"title": "C"})
    assert values(flow, outcome) == {"title": "C"}


def test_who_joins_with_another_value_is_asked() -> None:
    """It never received the agreed one."""
    flow = flow_map(TITLE3, systems=THREE)
    (item,) = merged(flow, joining(flow, title="a"), crm={"title": "C"}).held
    assert item.values == {"crm": "C", "agreed": "a"}


# references


def test_a_reference_to_a_record_in_no_link_waits() -> None:
    """Nothing can be said of the row; it is not held for a person."""
    flow = flow_map(REFERENCE)
    link = settled(flow, customer=LinkRef(4))
    outcome = merged(flow, link, pms={"customer": "99"})
    target = Ref("pms", "customer", "99")
    assert outcome.waits == [("customer", Dangling(target))]
    assert outcome.frozen == {"customer"}
    assert not outcome.held


def test_a_group_with_a_reference_to_a_record_in_no_link() -> None:
    """It waits as a whole; beside another edit of it a person sees both, each row by its name."""
    flow = flow_map(REFERENCE, TITLE, more="groups: {order: [customer, title]}")
    link = settled(flow, customer=LinkRef(4), title="a")
    known = {Ref("erp", "customer", "C4"): 4, Ref("pms", "customer", "4"): 4}
    alone = merged(flow, link, pms={"customer": "99", "title": "b"}, links=known)
    assert (alone.frozen, alone.held) == ({"customer", "title"}, [])
    both = merged(flow, link, pms={"customer": "99", "title": "b"}, erp={"title": "E"}, links=known)
    (item,) = both.held
    assert item.values["pms"] == {"customer": {"unlinked": "pms/customer/99"}, "title": "b"}
    assert item.reason == "edited differently on several sides; pms/customer/99 is in no link"
    assert both.waits == alone.waits


def test_a_frozen_row_with_a_reference_to_a_record_in_no_link() -> None:
    """It stays frozen, whatever a person takes of which nobody else can be told."""
    flow = flow_map(REFERENCE)
    link = settled(flow, customer=LinkRef(4))
    known = {Ref("erp", "customer", "C8"): 8}
    seen = {"pms": {"unlinked": "pms/customer/99"}, "erp": {"link": 8}, "agreed": {"link": 4}}
    ice = Ice(frozen={"customer": "it flips"})
    sides = {"pms": {"customer": "99"}, "erp": {"customer": "C8"}}
    for take, agreed in ((None, None), ("pms", None), ("erp", LinkRef(8))):
        decisions = {"customer": Decision(take=take, seen=seen, by="anna")} if take else {}
        outcome = merged(flow, link, decisions=decisions, ice=ice, links=known, **sides)
        assert [item.kind for item in outcome.held] == ([] if agreed else ["frozen"])
        assert (outcome.agreed["customer"].value if agreed else None) == agreed


def test_a_reference_that_has_arrived_is_an_edit() -> None:
    """As a link, not as an id."""
    flow = flow_map(REFERENCE)
    link = settled(flow, customer=LinkRef(4))
    outcome = merged(flow, link, pms={"customer": "99"}, links={Ref("pms", "customer", "99"): 9})
    assert outcome.agreed["customer"].value == LinkRef(9)


def test_references_to_one_link_from_two_systems_are_equal() -> None:
    """Whatever their ids are; others are a conflict that names the links."""
    flow = flow_map(REFERENCE)
    known = {Ref("pms", "customer", "7"): 9, Ref("erp", "customer", "C7"): 9, Ref("erp", "customer", "C8"): 8}
    link = settled(flow, customer=LinkRef(4))
    outcome = merged(flow, link, pms={"customer": "7"}, erp={"customer": "C7"}, links=known)
    assert outcome.agreed["customer"].value == LinkRef(9)
    (item,) = merged(flow, link, pms={"customer": "7"}, erp={"customer": "C8"}, links=known).held
    assert item.values == {"pms": {"link": 9}, "erp": {"link": 8}}


# decisions of persons

SEEN = {"pms": "P", "erp": "E"}


@pytest.mark.parametrize(("choice", "agreed"), [({"take": "erp"}, "E"), ({"take": "pms"}, "P"), ({"value": "X"}, "X")])
def test_a_person_decides(choice: dict[str, Any], agreed: str) -> None:
    """One of the sides, or another value; what lost is in the history with who decided."""
    decisions = {"title": Decision(seen=SEEN, by="anna", **choice)}
    outcome = merged(FLOW, settled(FLOW, title="a"), decisions=decisions, **SIDES)
    assert values(FLOW, outcome) == {"title": agreed}
    assert not outcome.held
    assert {item.lost for item in outcome.superseded} == {"P", "E"} - {agreed}
    assert outcome.send["title"] == "decided by anna"


def test_a_decision_holds_only_as_long_as_the_values_seen_are_there() -> None:
    """Somebody has typed on: the person is asked again."""
    decisions = {"title": Decision(take="erp", seen=SEEN)}
    link = settled(FLOW, title="a")
    outcome = merged(FLOW, link, decisions=decisions, pms={"title": "P2"}, erp={"title": "E"})
    assert outcome.held[0].values == {"pms": "P2", "erp": "E"}
    outcome = merged(FLOW, link, decisions=decisions, erp={"title": "E"})
    assert outcome.send["title"] == "edited in erp"


def test_a_decision_for_the_agreed_value_sets_the_edit_back() -> None:
    """`agreed` is one of the sides where an editor had not received it."""
    link = settled(FLOW, title="a", behind={"erp": ["title"]}, origin="pms")
    decisions = {"title": Decision(take="agreed", seen={"erp": "E", "agreed": "a"})}
    outcome = merged(FLOW, link, decisions=decisions, erp={"title": "E"})
    assert values(FLOW, outcome) == {"title": "a"}
    assert outcome.set_back == {("erp", "title")}


def test_a_decision_about_a_group_names_all_its_rows() -> None:
    """Or takes a side's whole address."""
    link = settled(ADDRESS, street="s", zip="1", city="c")
    seen = {"pms": {"street": "new", "zip": "1"}, "erp": {"street": "s", "zip": "2"}}
    for choice in ({"value": {"street": "new", "zip": "2"}}, {"take": "erp"}):
        decisions = {"street": Decision(seen=seen, **choice)}
        outcome = merged(ADDRESS, link, decisions=decisions, pms={"street": "new"}, erp={"zip": "2"})
        assert values(ADDRESS, outcome) == choice.get("value", seen["erp"])


def test_an_edit_of_the_source_is_sent_over_one_against_the_direction() -> None:
    """Found by seed 601331: both in one round, and the target kept its own for ever."""
    flow = titled('direction: "pms -> erp"')
    link = settled(flow, title="a")
    outcome = merged(flow, link, pms={"title": "P"}, erp={"title": "E"})
    assert values(flow, outcome) == {"title": "P"}
    assert outcome.take == {"pms": {"title"}}
    assert lost(outcome) == [("erp", "title", "E", "P")]
    assert "does not flow from erp" in outcome.superseded[0].reason
    (write,) = planned(flow, link, pms={"title": "P"}, erp={"title": "E"}).writes
    assert (write.system, [row.native for row in write.rows]) == ("erp", ["P"])


def test_who_is_behind_receives_the_agreed_value_over_an_edit_against_the_direction() -> None:
    """Found by seed 830256: the write was refused once, and then its own edit counted as left in place."""
    flow = titled('direction: "pms -> erp"')
    link = settled(flow, title="a", behind={"erp": ["title"]}, origin="pms")
    outcome = merged(flow, link, erp={"title": "E"})
    assert outcome.take == {}
    (write,) = planned(flow, link, erp={"title": "E"}).writes
    assert (write.system, [row.native for row in write.rows]) == ("erp", ["a"])


def test_an_empty_value_does_not_win_beside_two_filled_ones() -> None:
    """Found by seed 853485: the preferred system had emptied the row, and the filled values of the others were lost."""
    flow = flow_map(TITLE3.replace("}", ", keep_filled: true, conflict: {prefer: [crm, erp, pms]}}"), systems=THREE)
    link = settled(flow, title="a")
    outcome = merged(flow, link, pms={"title": "P"}, erp={"title": "E"}, crm={"title": None})
    assert values(flow, outcome) == {"title": "E"}
    assert lost(outcome) == [("pms", "title", "P", "E"), ("crm", "title", None, "E")]
