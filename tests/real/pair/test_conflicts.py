"""One property edited on both sides, under each rule that two systems without common modification times can have."""

from __future__ import annotations

import pytest

from tests.flows.world import written
from tests.real.pair.pair import Pair, hours


@pytest.fixture
def step(pair: Pair) -> Pair:
    """In step."""
    pair.settle()
    return pair


def rule(pair: Pair, said: str) -> None:
    """The rule for the text of tasks and projects."""
    pair.change(lambda text: text.replace("tryton: comment, type: text}", f"tryton: comment, type: text, {said}}}"))


def both(pair: Pair, redmine: str | None, tryton: str | None) -> None:
    """Somebody types a text on each side."""
    pair.edit_issue(pair.issues()["Paint"]["id"], description=redmine)
    pair.edit_work(pair.works()["Paint"]["id"], comment=tryton)


def texts(pair: Pair) -> tuple[str, str]:
    """What both sides show."""
    here, there = pair.issues()["Paint"]["description"] or "", pair.works()["Paint"]["comment"] or ""
    return here.replace("\r\n", "\n"), there.replace("\r\n", "\n")


@pytest.mark.parametrize("taken", ["redmine", "tryton"])
def test_asked(step: Pair, taken: str) -> None:
    """Both stay where they are until a person takes one, and the other is in the history."""
    both(step, "from Redmine", "from Tryton")
    step.settle()
    (item,) = step.held("conflict")
    assert item.values == {"redmine": "from Redmine", "tryton": "from Tryton"}
    assert texts(step) == ("from Redmine", "from Tryton")
    step.resolve(item, take=taken)
    step.settle()
    assert texts(step) == (item.values[taken], item.values[taken])
    with step.state() as state:
        lost = [line.changes["description"] for line in state.history.list() if line.op == "superseded"]
    assert [old for old, _ in lost] == [item.values["tryton" if taken == "redmine" else "redmine"]]


@pytest.mark.parametrize("preferred", ["redmine", "tryton"])
def test_preferred(step: Pair, preferred: str) -> None:
    """The system that is named first wins, and nobody is asked."""
    rule(step, f"conflict: {{prefer: [{preferred}]}}")
    both(step, "from redmine", "from tryton")
    step.settle()
    assert texts(step) == (f"from {preferred}", f"from {preferred}")
    assert step.held() == []


def test_latest_asks_where_a_system_tells_no_time(step: Pair) -> None:
    """Tryton's REST API shows no time of change that is compared, so nothing is decided by guessing."""
    rule(step, "conflict: latest")
    both(step, "earlier", "later")
    step.settle()
    assert [item.kind for item in step.held()] == ["conflict"]
    assert texts(step) == ("earlier", "later")


def test_merged_by_line(step: Pair) -> None:
    """Lines that only one side changed come from there, though Redmine ends lines in its own way."""
    rule(step, "conflict: merge")
    step.edit_issue(step.issues()["Paint"]["id"], description="one\ntwo\nthree\nfour\nfive")
    step.settle()
    both(step, "ONE\ntwo\nthree\nfour\nfive", "one\ntwo\nthree\nfour\nFIVE")
    step.settle()
    assert texts(step) == ("ONE\ntwo\nthree\nfour\nFIVE", "ONE\ntwo\nthree\nfour\nFIVE")


def test_filled_wins(step: Pair) -> None:
    """With `keep-filled` an empty value never wins."""
    rule(step, "conflict: keep-filled")
    step.edit_issue(step.issues()["Paint"]["id"], description="before")
    step.settle()
    both(step, "", "from Tryton")
    step.settle()
    assert texts(step) == ("from Tryton", "from Tryton")


def test_an_authority_sets_back(step: Pair) -> None:
    """With `enforce: tryton` what is typed in Redmine is set back, and kept in the history."""
    rule(step, "enforce: tryton")
    step.edit_work(step.works()["Paint"]["id"], comment="said")
    step.settle()
    step.edit_issue(step.issues()["Paint"]["id"], description="typed")
    step.settle()
    assert texts(step) == ("said", "said")
    with step.state() as state:
        assert any("typed" in line.changes.get("description", ()) for line in state.history.list())


def test_the_same_on_both_sides_is_no_conflict(step: Pair) -> None:
    """Typed twice, written not at all."""
    both(step, "one\ntwo", "one\ntwo")
    assert written(step.round(full=True)) == 0
    assert step.held() == []


def test_different_properties_are_merged(step: Pair) -> None:
    """Hours in Tryton, a text in Redmine."""
    step.edit_issue(step.issues()["Paint"]["id"], description="text")
    step.edit_work(step.works()["Paint"]["id"], effort_duration=hours(4.25))
    step.settle()
    assert (texts(step), step.issues()["Paint"]["estimated_hours"]) == (("text", "text"), 4.25)
    assert step.held() == []
