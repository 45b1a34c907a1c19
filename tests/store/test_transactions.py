"""All or nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from accord.errors import Locked, StateError
from accord.store.opening import State
from accord.stored import HistoryLine, SettledLink
from tests.store.places import NOON, begun, everything, item, link, member, opened, record


def _remember_and_break(state: State) -> None:
    with state.db.transaction():
        with state.db.transaction():
            state.put("word", "1")
        _ = 1 / 0


def test_what_was_done_before_an_error_is_undone(state: State) -> None:
    """Also what an inner transaction did, which joins the outer one; and the error goes on."""
    with pytest.raises(ZeroDivisionError):
        _remember_and_break(state)
    assert state.get("word") is None
    state.put("word", "2")
    assert state.get("word") == "2"


def test_a_rehearsal_is_undone_with_all_transactions_in_it(state: State) -> None:
    """Also where it ends well; link numbers given in it are given again."""
    before = everything(state)
    with state.db.rehearsal():
        with state.db.transaction():
            numbers = begun(state, "a")
        assert state.links.load(numbers)
    state.observed.forget_places()
    assert everything(state) == before
    assert begun(state, "b") == numbers


def test_a_settle_that_breaks_in_the_middle_leaves_everything_as_before(state: State) -> None:
    """Bases, agreed values, waits, fingerprints, held items and history are one thing."""
    (number,) = begun(state, "a")
    place = state.observed.place("pms", "task")
    state.observed.take_in(place, [record("a")], [b"1"])
    before = everything(state)
    for step in range(1, 7):
        with pytest.raises(ZeroDivisionError), state.db.transaction():
            _settle(state, number, place, breaks_after=step)
        assert everything(state) == before
    with state.db.transaction():
        _settle(state, number, place, breaks_after=0)
    assert everything(state) != before


def _settle(state: State, number: int, place: int, breaks_after: int) -> None:
    settled = link(number, member("pms", "a"), member("erp", "b"))
    line = HistoryLine(
        run=1, at="", flow="task", link=number, system=None, ref=None, op="link", changes={}, outcome="done", reason=""
    )
    steps = [
        lambda: state.links.write_settled([SettledLink(link=settled, dirty=False, why=None, keys={})]),
        lambda: state.links.set_waits({number: [("row", "erp", None, place, "x")]}),
        lambda: state.observed.marked([(place, "a", b"2")]),
        lambda: state.observed.done([(place, "a")]),
        lambda: state.held.replace(number, "task", [item()], [], NOON, 1),
        lambda: state.history.add([line]),
    ]
    for count, step in enumerate(steps, 1):
        step()
        if count == breaks_after:
            _ = 1 / 0


def test_a_full_disk_is_said_and_undone(state: State) -> None:
    """SQLite ends the transaction by itself; the message says what to do, and the state can be used again."""
    pages = state.db.one("PRAGMA page_count")[0]
    state.db.run(f"PRAGMA max_page_count = {pages + 2}")
    words = [(f"word {number}", "x" * 1000) for number in range(1000)]
    with pytest.raises(StateError, match="full") as caught, state.db.transaction():
        state.db.many("INSERT INTO meta (key, value) VALUES (?, ?)", words)
    assert "make room" in str(caught.value)
    assert state.get("word 0") is None
    state.db.run("PRAGMA max_page_count = 1000000")
    with state.db.transaction():
        state.put("word", "1")
    assert state.get("word") == "1"


def test_a_state_that_cannot_be_written_is_said(state: State) -> None:
    """Before anything went out."""
    state.db.run("PRAGMA query_only = ON")
    with pytest.raises(StateError, match="readonly") as caught:
        state.lease.take(NOON)
    assert "writable" in str(caught.value)


def test_a_state_that_another_process_writes_is_locked(state: State, tmp_path: Path) -> None:
    """After a short wait; nothing is broken."""
    state.db.run("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(tmp_path / "accord.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Locked, match="in use"), state.db.transaction():
        pass
    other.execute("ROLLBACK")
    other.close()
    with state.db.transaction():
        state.put("word", "1")


def test_a_commit_that_fails_leaves_no_transaction_open(state: State, tmp_path: Path) -> None:
    """Here by a constraint that is checked at the end."""
    state.db.run("PRAGMA foreign_keys = ON")
    state.db.run("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
    state.db.run("CREATE TABLE child (parent REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(StateError, match="FOREIGN KEY"), state.db.transaction():
        state.db.run("INSERT INTO child VALUES (1)")
    with state.db.transaction():
        state.put("word", "1")
    with opened(tmp_path) as other:
        assert other.get("word") == "1"


def test_a_reader_sees_the_last_whole_state_while_another_writes(state: State, tmp_path: Path) -> None:
    """`status` works during a round."""
    with opened(tmp_path) as other, state.db.transaction():
        state.put("word", "1")
        assert other.get("word") is None
