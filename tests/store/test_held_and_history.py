"""The work list of people, what happened, and the rounds."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accord.core.linkplan import HeldItem
from accord.store.opening import State
from accord.stored import Held, HistoryLine
from tests.store.places import NOON, item

LATER = NOON + timedelta(hours=1)


def replaced(state: State, *items: HeldItem, link: int = 1, refs: tuple[str, ...] = ("pms/task/1",)) -> list[Held]:
    state.held.replace(link, "task", items, refs, LATER if state.held.of_links([link]) else NOON, 1)
    return state.held.of_links([link])


def test_what_stays_held_keeps_its_number_and_its_since(state: State) -> None:
    """Also where the values are others by now."""
    (first,) = replaced(state, item(pms="P", erp="E"))
    (second,) = replaced(state, item(pms="P", erp="E"))
    (third,) = replaced(state, item(pms="P2", erp="E"))
    assert first == second
    assert (third.id, third.since) == (first.id, NOON.isoformat())
    assert third.values == {"pms": "P2", "erp": "E"}


def test_what_is_held_no_more_is_closed(state: State) -> None:
    """Other links, rows and kinds stay open."""
    replaced(state, item(), link=2)
    first, second = replaced(state, item(), item("value", "note"))
    (left,) = replaced(state, item("value", "note"))
    assert left.id == second.id
    closed = state.held.get(first.id)
    assert closed is not None
    assert closed.closed_at == LATER.isoformat()
    assert state.held.open_links([1, 2, 3]) == {1, 2}


def test_what_comes_back_is_a_new_item(state: State) -> None:
    """With a number that was never given before."""
    (first,) = replaced(state, item())
    replaced(state)
    (second,) = replaced(state, item())
    assert second.id > first.id


def test_several_items_about_one_row_stay_apart(state: State) -> None:
    """A value that two systems refuse: none is orphaned, however often they are held again."""
    both = [item("value", reason="erp: too long", pms="x"), item("value", reason="crm: too long", pms="x")]
    first = [held.id for held in replaced(state, *both)]
    assert [held.id for held in replaced(state, *both)] == first
    assert [held.id for held in replaced(state, both[1], both[0])] == first
    assert [held.id for held in replaced(state, both[1])] == first[1:]
    changed = item("value", reason="erp: not a number", pms="x")
    left = replaced(state, both[1], changed)
    assert [held.reason for held in left] == ["crm: too long", "erp: not a number"]
    assert left[0].id == first[1]


def test_a_decision_waits_for_the_round_that_carries_it_out(state: State) -> None:
    """With who decided and when."""
    (held,) = replaced(state, item(pms="P", erp="E"))
    state.held.decide(held.id, {"take": "pms"}, "anna", LATER)
    (decided,) = state.held.of_links([1])
    assert (decided.decision, decided.decided_by, decided.decided_at) == ({"take": "pms"}, "anna", LATER.isoformat())


def test_a_decision_is_used_once(state: State) -> None:
    """What is held all the same after it was used is asked again; so is what has changed."""
    (held,) = replaced(state, item(pms="P", erp="E"))
    state.held.decide(held.id, {"take": "pms"}, "anna", LATER)
    assert replaced(state, item(pms="P", erp="E"))[0].decision is None
    state.held.decide(held.id, {"take": "pms"}, "anna", LATER)
    (asked,) = replaced(state, item(pms="P2", erp="E"))
    assert (asked.id, asked.decision, asked.decided_by) == (held.id, None, None)


def test_values_come_back_digit_for_digit(state: State) -> None:
    """As they are shown to people."""
    (held,) = replaced(state, item(pms=Decimal("1.10"), erp={"a": [1, None]}))
    assert str(held.values["pms"]) == "1.10"
    assert held.values["erp"] == {"a": [1, None]}


def test_an_item_of_no_link_is_opened_once(state: State) -> None:
    """By its record; closed, it may come again."""
    alone = HeldItem(kind="review", refs=("pms/task/1",), reason="two flows")
    for _ in range(2):
        state.held.open_alone(alone, None, NOON, 1)
    assert len(list(state.held.list())) == 1
    assert state.held.alone_refs() == {'["pms/task/1"]'}
    state.held.close_of(["pms/task/1"], LATER)
    assert list(state.held.list()) == []


def test_brakes_that_hold_no_more_are_closed(state: State) -> None:
    """All but those kept; other kinds stay."""
    for row in ("delete in erp", "create in erp"):
        state.held.open_alone(HeldItem(kind="brake", row=row, reason="more"), "task", NOON, 1)
    state.held.open_alone(HeldItem(kind="review", refs=("pms/task/1",), reason="x"), None, NOON, 1)
    state.held.close_alone("brake", LATER, [("task", "create in erp")])
    assert [(held.kind, held.row) for held in state.held.list()] == [("brake", "create in erp"), ("review", None)]


@pytest.mark.parametrize(
    ("filters", "links"),
    [
        ({}, [1, 2, 3]),
        ({"kind": "value"}, [2]),
        ({"flow": "project"}, []),
        ({"system": "erp"}, [2, 3]),
        ({"system": "er"}, []),
        ({"ref": "pms/task/1"}, [1]),
        ({"ref": "erp/task/a%20b"}, [3]),
        ({"ref": "erp/task/a%2"}, []),
    ],
)
def test_the_work_list_is_filtered(state: State, filters: dict[str, Any], links: list[int]) -> None:
    """By kind, flow, system, and exactly one record."""
    replaced(state, item(), link=1, refs=("pms/task/1",))
    replaced(state, item("value"), link=2, refs=("pms/task/10", "erp/task/1"))
    replaced(state, item(), link=3, refs=("erp/task/a%20b",))
    assert [held.link for held in state.held.list(**filters)] == links


def test_open_items_are_counted(state: State) -> None:
    """By flow and kind."""
    replaced(state, item(), item("value"))
    replaced(state, item(), link=2)
    assert state.held.counts() == {("task", "conflict"): 2, ("task", "value"): 1}


# history


def line(run: int, link: int, at: str, **changes: Any) -> HistoryLine:
    return HistoryLine(
        run=run,
        at=at,
        flow="task",
        link=link,
        system="erp",
        ref=f"erp/task/{link}",
        op="update",
        changes=changes,
        outcome="applied",
        reason="edited in pms",
        caused_by={"system": "pms", "ref": "pms/task/1", "row": "title"},
    )


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({}, [1, 2, 3]),
        ({"newest_first": True}, [3, 2, 1]),
        ({"run": 2}, [3]),
        ({"link": 7}, [1, 3]),
        ({"ref": "erp/task/8"}, [2]),
        ({"row": "note"}, [2, 3]),
        ({"since": "2026-01-02"}, [2, 3]),
        ({"link": 7, "row": "note"}, [3]),
        ({"run": 9}, []),
    ],
)
def test_the_history_is_filtered(state: State, filters: dict[str, Any], ids: list[int]) -> None:
    """In the order in which it happened, or the other way round."""
    state.history.add(
        [
            line(1, 7, "2026-01-01", title=["a", "b"]),
            line(1, 8, "2026-01-02", note=[None, Decimal("1.10")]),
            line(2, 7, "2026-01-03", note=["n", "m"]),
        ]
    )
    assert [found.id for found in state.history.list(**filters)] == ids


def test_a_line_comes_back_as_it_was(state: State) -> None:
    """Old and new value digit for digit, and the edit behind it."""
    written = line(1, 7, "2026-01-01", amount=[Decimal("1.10"), None])
    state.history.add([written])
    (found,) = state.history.list()
    assert found.changes == {"amount": [Decimal("1.10"), None]}
    assert str(found.changes["amount"][0]) == "1.10"
    assert found.caused_by == written.caused_by


def test_a_long_history_is_read_in_pieces(state: State) -> None:
    """Each line once, both ways."""
    with state.db.transaction():
        state.history.add([line(1, number, "2026-01-01") for number in range(1200)])
    forward = [found.id for found in state.history.list()]
    assert forward == list(range(1, 1201))
    assert [found.id for found in state.history.list(newest_first=True)] == forward[::-1]


def test_runs_are_listed_newest_first(state: State) -> None:
    """With how they ended; one that was killed has no end."""
    first = state.runs.begin("run", "anna", NOON)
    state.runs.finish(first, 3, {"held": 2}, LATER)
    state.runs.begin("plan", None, LATER)
    last, before = state.runs.list()
    assert (last.kind, last.finished, last.report) == ("plan", None, None)
    assert (before.status, before.by, before.report) == (3, "anna", {"held": 2})
