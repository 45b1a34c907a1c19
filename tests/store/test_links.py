"""Links, members, match keys and waits."""

from __future__ import annotations

from decimal import Decimal

import pytest

from accord.errors import StateError
from accord.model import Agreed, LinkState, Ref
from accord.store.opening import State
from accord.stored import SettledLink
from tests.store.places import NOON, begun, link, member, opened


def settle(state: State, *settled: SettledLink) -> None:
    with state.db.transaction():
        state.links.write_settled(settled)


def linked(state: State, number: int = 1, **more: object) -> None:
    begun(state, f"p{number}")
    settled = link(number, member("pms", f"p{number}"), member("erp", f"e{number}"))
    settle(state, SettledLink(link=settled, dirty=False, why=None, **more))  # type: ignore[arg-type]


def test_a_link_begins_waiting_and_to_be_looked_at(state: State) -> None:
    """With its one member, whose base is what was read."""
    (number,) = begun(state, "a")
    found = state.links.load([number])[number]
    assert (found.state, found.agreed) == (LinkState.WAITING, {})
    assert [(m.ref, m.base) for m in found.members] == [(Ref("pms", "task", "a"), {"title": "title a"})]
    assert state.links.dirty("task", 0, 10) == [number]


def test_one_record_is_in_one_open_link_only(state: State) -> None:
    """A second one is an invariant that fails, loudly."""
    begun(state, "a")
    with pytest.raises(StateError, match="UNIQUE"), state.db.transaction():
        begun(state, "a")
    assert state.links.of([Ref("pms", "task", "a")]) == {Ref("pms", "task", "a"): 1}


def test_a_settled_link_comes_back_as_it_was(state: State) -> None:
    """Decimals digit for digit, times with zone, rows that were not received."""
    begun(state, "a")
    agreed = {"amount": Agreed(value="1.10", revision=4, origin="pms", modified=NOON.isoformat())}
    pms = member("pms", "a", version={"etag": Decimal("1.10")}, modified=NOON, behind=frozenset({"title", "note"}))
    settled = link(1, pms, member("erp", "b", clean=False, gone=True), agreed=agreed)
    settle(state, SettledLink(link=settled, dirty=False, why="because"))
    assert state.links.load([1])[1] == settled
    assert state.links.why([1]) == {1: "because"}
    assert state.links.dirty("task", 0, 10) == []


def test_a_restored_record_takes_the_place_of_the_one_that_is_gone(state: State) -> None:
    """The old id stays as a tombstone beside the new member of the same system."""
    linked(state)
    restored = link(1, member("pms", "p1"), member("erp", "new"))
    settle(state, SettledLink(link=restored, dirty=False, why=None, closed_members=(member("erp", "e1", gone=True),)))
    assert [m.ref.id for m in state.links.load([1])[1].members] == ["p1", "new"]
    assert state.links.of([Ref("erp", "task", "e1"), Ref("erp", "task", "new")]) == {Ref("erp", "task", "new"): 1}
    place = state.observed.place("erp", "task")
    assert state.links.closed_with(place, ["e1", "new"]) == {"e1": 1}


def test_a_closed_link_is_a_tombstone(state: State) -> None:
    """Its members are known by their ids, and are in no open link."""
    linked(state)
    closed = (member("pms", "p1", gone=True), member("erp", "e1"))
    tombstone = link(1, state=LinkState.CLOSED)
    settle(state, SettledLink(link=tombstone, dirty=False, why=None, closed_members=closed))
    assert state.links.of([Ref("pms", "task", "p1")]) == {}
    assert state.links.closed_with(state.observed.place("pms", "task"), ["p1", "other"]) == {"p1": 1}
    assert len(state.links.load([1], closed=True)[1].members) == 2
    assert state.links.linked_members("task") == {}
    state.links.forget_closed(Ref("pms", "task", "p1"))
    assert state.links.closed_with(state.observed.place("pms", "task"), ["p1"]) == {}


def test_links_that_share_a_match_key_are_found(state: State) -> None:
    """By rule and flow, with the systems that share it."""
    begun(state, "a", keys=((0, "key"),))
    begun(state, "b", system="erp", keys=((0, "key"), (1, "other")))
    begun(state, "c", system="erp", keys=((1, "key"),))
    assert state.links.sharing([1]) == {1: {2: {"erp"}}}
    assert state.links.sharing([3]) == {}


def test_new_match_keys_take_the_place_of_the_old_ones(state: State) -> None:
    """A record that was renamed is found by its new name only."""
    begun(state, "a", keys=((0, "old"),))
    begun(state, "b", system="erp", keys=((0, "old"),))
    begun(state, "c", system="erp", keys=((0, "new"),))
    state.links.untouch([1, 2, 3], None)
    waiting = link(1, member("pms", "a"), state=LinkState.WAITING)
    settle(state, SettledLink(link=waiting, dirty=False, why=None, keys={"pms": [(0, "new")]}))
    assert state.links.sharing([1]) == {1: {3: {"erp"}}}


def test_a_link_is_looked_at_when_a_record_of_it_arrives(state: State) -> None:
    """Or when somebody asks for it."""
    linked(state, 1)
    linked(state, 2)
    state.observed.take_in_gone(state.observed.place("erp", "task"), ["e2"])
    state.links.touch_arrived()
    assert state.links.dirty("task", 0, 10) == [2]
    state.links.touch([1])
    assert state.links.dirty("task", 0, 1) == [1]
    assert state.links.dirty("task", 1, 10) == [2]


def test_a_wait_is_over_when_its_target_has_a_record_there(state: State) -> None:
    """By the name of the record, or by the link; not a moment earlier."""
    place = state.observed.place("pms", "task")
    one, two, target = begun(state, "a", "b", "t")
    state.links.set_waits({one: [("ref", "erp", None, place, "t")], two: [("ref", "erp", target, None, None)]})
    state.links.untouch([one, two, target], "waits")
    state.links.touch_arrived()
    assert state.links.dirty("task", 0, 10) == []
    assert state.links.is_waited_for(Ref("pms", "task", "t"), None)
    assert state.links.is_waited_for(Ref("pms", "task", "t"), "task")
    assert not state.links.is_waited_for(Ref("pms", "task", "t"), "other")
    assert state.links.waits_among_waiting() == [(one, "ref", target)]
    settle(state, SettledLink(link=link(target, member("pms", "t"), member("erp", "x")), dirty=False, why=None))
    state.links.touch_arrived()
    assert state.links.dirty("task", 0, 10) == [one, two]
    state.links.set_waits({one: [], two: []})
    assert not state.links.is_waited_for(Ref("pms", "task", "t"), None)


def test_a_matched_link_is_absorbed(state: State) -> None:
    """Its members and keys move; its number is never given again."""
    begun(state, "a", keys=((0, "key"),))
    begun(state, "b", system="erp", keys=((0, "key"),))
    state.links.absorb(1, [2])
    found = state.links.load([1, 2])
    assert [m.ref.system for m in found[1].members] == ["pms", "erp"]
    assert set(found) == {1}
    assert begun(state, "c") == [3]


def test_who_joins_an_agreed_link_has_everything_to_receive(state: State) -> None:
    """It has no base yet, and is read again."""
    linked(state, 1)
    begun(state, "c", system="crm")
    state.links.absorb(1, [2], ["title", "note"])
    crm = state.links.load([1])[1].member("crm")
    assert crm is not None
    assert (crm.base, crm.clean, crm.behind) == ({}, False, {"title", "note"})


def test_a_deleted_record_is_no_target(state: State) -> None:
    """A reference to it cannot be written."""
    begun(state, "a")
    settled = link(1, member("pms", "a", gone=True), member("erp", "e"))
    settle(state, SettledLink(link=settled, dirty=False, why=None))
    assert state.links.targets([1]) == {(1, "erp"): "e"}


def test_links_are_counted(state: State) -> None:
    """By flow and state; percent limits count those that are linked."""
    linked(state, 1)
    begun(state, "w")
    assert state.links.counts() == {"task": {"linked": 1, "waiting": 1}}
    assert state.links.linked_members("task") == {"pms": 1, "erp": 1}
    assert list(state.links.numbers(state="waiting")) == [2]


def test_link_numbers_are_never_given_twice(state: State, tmp_path: object) -> None:
    """Also after the last link is gone."""
    begun(state, "a", "b")
    state.links.absorb(1, [2])
    state.close()
    with opened(tmp_path) as again:  # type: ignore[arg-type]
        assert begun(again, "c") == [3]


def test_a_link_that_was_not_settled_as_a_whole_is_looked_at_again(state: State) -> None:
    """Even if nothing arrives for it."""
    begun(state, "a")
    settled = link(1, member("pms", "a"), member("erp", "b"))
    settle(state, SettledLink(link=settled, dirty=True, why=None))
    assert state.links.dirty("task", 0, 10) == [1]
