"""What was read: fingerprints, the inbox, cursors."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from accord.model import Ref
from accord.store.opening import State
from tests.store.places import NOON, begun, record


def taken(state: State, *ids: str) -> int:
    place = state.observed.place("pms", "task")
    state.observed.take_in(place, [record(id, title=id) for id in ids], [id.encode() for id in ids])
    return place


def test_places_have_numbers_that_stay(state: State) -> None:
    """A datatype of a system is one place."""
    one, two = state.observed.place("pms", "task"), state.observed.place("erp", "task")
    assert one != two
    assert state.observed.place("pms", "task") == one
    assert state.observed.name(two) == ("erp", "task")


def test_a_place_given_in_a_rehearsal_is_forgotten(state: State) -> None:
    """Its number may be given to another one."""
    with state.db.rehearsal():
        state.observed.place("pms", "task")
    state.observed.forget_places()
    assert state.observed.place("erp", "task") == 1
    assert state.observed.place("pms", "task") == 2


def test_only_new_and_changed_records_differ(state: State) -> None:
    """By fingerprint; those known are named by their row."""
    place = taken(state, "a", "b")
    changed, known = state.observed.diff(place, [("a", b"a"), ("b", b"other"), ("c", b"c")])
    assert changed == {1, 2}
    assert len(known) == 2
    assert state.observed.diff(state.observed.place("erp", "task"), [("a", b"a")]) == ({0}, [])


def test_a_record_read_twice_is_in_the_inbox_once(state: State) -> None:
    """As it was last."""
    place = taken(state, "a")
    state.observed.take_in(place, [record("a", title="newer", amount=Decimal("1.10"))], [b"2"])
    (arrival,) = state.observed.inbox(place, "", 10)
    assert arrival.natives() == {"title": "newer", "amount": Decimal("1.10")}
    assert (arrival.version, arrival.modified, arrival.link) == (1, NOON, None)
    assert state.observed.diff(place, [("a", b"2")])[0] == set()


def test_the_inbox_is_read_in_pieces_in_the_order_of_ids(state: State) -> None:
    """With the link that each record is a member of."""
    place = taken(state, "c", "a", "b")
    (number,) = begun(state, "b")
    first = state.observed.inbox(place, "", 2)
    assert [(arrival.ref.id, arrival.link) for arrival in first] == [("a", None), ("b", number)]
    assert [arrival.ref.id for arrival in state.observed.inbox(place, "b", 2)] == ["c"]
    state.observed.done([(place, "a"), (place, "b")])
    assert state.observed.waiting_arrivals() == 1


def test_a_confirmed_deletion_is_an_arrival_without_content(state: State) -> None:
    """And the next reading looks at that id as a new one."""
    place = taken(state, "a")
    (number,) = begun(state, "a")
    state.observed.take_in_gone(place, ["a"])
    arrivals = state.observed.arrivals_of([number])
    assert arrivals[Ref("pms", "task", "a")].content is None
    assert state.observed.diff(place, [("a", b"a")])[0] == {0}
    assert state.observed.known(place) == 0


def test_what_a_complete_listing_did_not_show_is_absent(state: State) -> None:
    """By a bit for each row; what was seen after the listing began is not asked for."""
    place = taken(state, *(f"r{number:02}" for number in range(20)))
    upto = state.observed.highest()
    listed = bytearray(upto // 8 + 1)
    _, rows = state.observed.diff(place, [(f"r{number:02}", b"") for number in range(20) if number not in (3, 7, 16)])
    for row in rows:
        listed[row >> 3] |= 1 << (row & 7)
    taken(state, "later")
    assert list(state.observed.absent(place, listed, upto)) == ["r03", "r07", "r16"]


def test_absent_records_of_another_place_are_not_named(state: State) -> None:
    """Row numbers are shared, places are not."""
    place = taken(state, "a")
    erp = state.observed.place("erp", "task")
    state.observed.take_in(erp, [record("b")], [b"b"])
    upto = state.observed.highest()
    assert list(state.observed.absent(place, bytearray(upto // 8 + 1), upto)) == ["a"]


def test_a_fingerprint_that_a_write_returned_is_no_change(state: State) -> None:
    """The record comes back in the next reading as it is known; forgotten, it is looked at again."""
    place = taken(state, "a")
    state.observed.marked([(place, "a", b"after the write")])
    assert state.observed.diff(place, [("a", b"after the write")])[0] == set()
    state.observed.forget([(place, "a")])
    assert state.observed.diff(place, [("a", b"after the write")])[0] == {0}


def test_a_cursor_remembers_the_last_complete_listing(state: State) -> None:
    """An incremental reading moves the mark and leaves that."""
    place = state.observed.place("pms", "task")
    assert state.observed.cursor(place) is None
    state.observed.set_cursor(place, {"at": "1"}, "map", NOON, NOON, 20)
    state.observed.set_cursor(place, {"at": Decimal("2.50")}, "map 2", NOON + timedelta(hours=1), None, None)
    cursor = state.observed.cursor(place)
    assert cursor is not None
    assert (cursor.mark, cursor.mapping) == ({"at": Decimal("2.50")}, "map 2")
    assert (cursor.read_at, cursor.complete_at, cursor.complete_count) == (NOON + timedelta(hours=1), NOON, 20)
