"""Values that one of the two changes, cannot hold or refuses, carried over or held, and never sent back."""

from __future__ import annotations

import pytest

from tests.real.pair.pair import Pair, hours

LONG = "line of a long text\n" * 5000


@pytest.fixture
def step(pair: Pair) -> Pair:
    """In step."""
    pair.settle()
    return pair


@pytest.mark.parametrize(
    "text",
    [LONG, "🚧 海 Ærø e\u0301", "a\r\nb\rc\nd", "  blanks \t", "<b>&amp;</b> {{x}} %s", "", "\u200b\u202eabc"],
    ids=["long", "unicode", "line-ends", "blanks", "markup", "empty", "invisible"],
)
def test_texts_go_over_in_both_directions_and_stay(step: Pair, text: str) -> None:
    """As they were typed but for line ends, which Redmine makes its own; the other side gets no edit back."""
    step.edit_issue(step.issues()["Paint"]["id"], description=text)
    step.edit_work(step.works()["Dredge"]["id"], comment=text)
    step.settle()

    def plain(said: str | None) -> str:
        return (said or "").replace("\r\n", "\n").replace("\r", "\n").strip("\n")

    shown = {plain(step.issues()[name]["description"]) for name in ("Paint", "Dredge")}
    shown |= {plain(step.works()[name]["comment"]) for name in ("Paint", "Dredge")}
    assert shown == {plain(text)}
    assert step.works()["Dredge"]["comment"] == text
    assert step.held() == []


@pytest.mark.parametrize("number", [0, 0.01, 0.25, 1.07, 2.5, 999.99])
def test_hours_are_the_same_to_two_decimals(step: Pair, number: float) -> None:
    """A float in Redmine, a duration in Tryton."""
    step.edit_issue(step.issues()["Paint"]["id"], estimated_hours=number)
    step.edit_work(step.works()["Dredge"]["id"], effort_duration=hours(number))
    step.settle()
    assert step.works()["Paint"]["effort_duration"]["seconds"] == round(number * 3600, 6)
    assert step.issues()["Dredge"]["estimated_hours"] == number


def test_hours_that_are_taken_away(step: Pair) -> None:
    """No hours are not none of them."""
    step.edit_issue(step.issues()["Dredge"]["id"], estimated_hours="")
    step.settle()
    assert step.works()["Dredge"]["effort_duration"] is None


@pytest.mark.parametrize("name", ["a\\b", "x" * 256])
def test_a_name_that_the_other_side_refuses_is_held(step: Pair, name: str) -> None:
    """A backslash in Tryton, more than 255 letters in Redmine; other tasks go on, and a name that fits ends it."""
    if "\\" in name:
        step.edit_issue(step.issues()["Paint"]["id"], subject=name)
    else:
        step.edit_work(step.works()["Paint"]["id"], name=name)
    step.edit_issue(step.issues()["Dredge"]["id"], subject="Dredge on")
    step.settle()
    (item,) = step.held()
    assert item.kind == ("rejected" if "\\" in name else "value")
    assert "Dredge on" in step.works()
    if "\\" in name:
        step.edit_issue(step.issues()[name]["id"], subject="Paint it")
    else:
        step.edit_work(step.works()[name]["id"], name="Paint it")
    step.settle()
    assert ("Paint it" in step.issues(), "Paint it" in step.works(), step.held()) == (True, True, [])
