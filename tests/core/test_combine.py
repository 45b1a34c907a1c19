"""Rules that join edits: sets, counters, long text."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.core.combine import additive, merge_text, union

TEXTS = st.lists(st.sampled_from(["a", "b", "c", "", "\n", "a\n", "b\n", "x\r\n"]), max_size=8).map("".join)
SETS = st.lists(st.integers(0, 6), unique=True, max_size=6).map(tuple)


def test_what_any_side_added_is_in_and_what_any_removed_is_out() -> None:
    """Sets, in the order of the base."""
    assert union(("a", "b", "c"), [("a", "b", "c", "d"), ("a", "c", "e")]) == ("a", "c", "d", "e")


def test_the_same_item_added_twice_is_in_once() -> None:
    """Both people meant the same."""
    assert union((), [("x",), ("x",)]) == ("x",)


def test_an_emptied_set_removes_everything() -> None:
    """And the other side's addition stays."""
    assert union(("a", "b"), [(), ("a", "b", "c")]) == ("c",)


def test_a_set_that_became_null_cannot_be_joined() -> None:
    """A person must say what that meant."""
    assert union(("a",), [None, ("a", "b")]) is None


@given(SETS, SETS)
def test_one_edit_alone_is_the_union(base: tuple[int, ...], edit: tuple[int, ...]) -> None:
    """Joining with a side that changed nothing is that edit, as a set."""
    joined = union(base, [edit, base])
    assert joined is not None
    assert set(joined) == set(edit)


@given(SETS, SETS, SETS)
def test_the_union_does_not_depend_on_the_side(
    base: tuple[int, ...], one: tuple[int, ...], two: tuple[int, ...]
) -> None:
    """As a set."""
    assert set(union(base, [one, two])) == set(union(base, [two, one]))


def test_counters_add_up_their_differences() -> None:
    """10, one side +5, the other -3."""
    assert additive(10, [15, 7]) == 12
    assert additive(Decimal("1.10"), [Decimal("1.20"), Decimal("1.05")]) == Decimal("1.15")


@pytest.mark.parametrize(("before", "edits"), [(None, [1, 2]), (1, [None, 2]), (True, [1, 2]), ("1", ["2", "3"])])
def test_what_is_no_number_is_not_added(before: object, edits: list[object]) -> None:
    """Then a person is asked."""
    assert additive(before, edits) is None


def test_edits_of_different_lines_are_joined() -> None:
    """Long text, by line."""
    assert merge_text("a\nb\nc\nd\n", ["A\nb\nc\nd\n", "a\nb\nc\nD\n"]) == "A\nb\nc\nD\n"


def test_three_edits_of_different_lines_are_joined() -> None:
    """As many sides as there are."""
    base = "1\n2\n3\n4\n5\n"
    assert merge_text(base, ["x\n2\n3\n4\n5\n", "1\n2\nx\n4\n5\n", "1\n2\n3\n4\nx\n"]) == "x\n2\nx\n4\nx\n"


@pytest.mark.parametrize(
    ("base", "one", "two"),
    [
        ("a\nb\n", "A\nb\n", "x\nb\n"),  # the same line
        ("a\nb\nc\n", "a\nc\n", "a\nB\nc\n"),  # removed here, changed there
        ("a\nb\n", "a\nx\nb\n", "a\ny\nb\n"),  # added at the same place
        ("a\nb\nc\n", "A\nb\nc\n", "a\nx\nb\nc\n"),  # added right after a changed line
        ("a\nb\n", "a\nx\nb\n", "a\nB\n"),  # added right before a changed line
        ("", "x\n", "y\n"),  # both written where nothing was
    ],
)
def test_overlapping_hunks_are_not_joined(base: str, one: str, two: str) -> None:
    """Who is asked sees both; the order of the sides does not matter."""
    assert merge_text(base, [one, two]) is None
    assert merge_text(base, [two, one]) is None


def test_the_same_hunk_on_both_sides_is_taken_once() -> None:
    """And what else each of them changed is in."""
    assert merge_text("a\nb\nc\n", ["A\nb\nc\n", "A\nb\nC\n"]) == "A\nb\nC\n"


@given(TEXTS, TEXTS)
def test_joining_with_an_unchanged_side_is_the_edit(base: str, edit: str) -> None:
    """diff3: merge(O, A, O) = A."""
    assert merge_text(base, [edit, base]) == edit
    assert merge_text(base, [base, edit]) == edit


@given(TEXTS, TEXTS)
def test_joining_equal_edits_is_that_edit(base: str, edit: str) -> None:
    """diff3: merge(O, A, A) = A."""
    assert merge_text(base, [edit, edit]) == edit


@given(TEXTS, TEXTS, TEXTS)
def test_joining_is_symmetric_and_invents_no_line(base: str, one: str, two: str) -> None:
    """Whatever the result, it is the same from both sides and made of lines that somebody wrote."""
    joined = merge_text(base, [one, two])
    assert joined == merge_text(base, [two, one])
    if joined is not None:
        written = {line for text in (base, one, two) for line in text.splitlines()}
        assert set(joined.splitlines()) <= written


def test_line_ends_of_a_system_are_no_edit_of_every_line() -> None:
    """Redmine ends lines with CRLF, Tryton with a line feed; a system that uses CRLF everywhere keeps them."""
    assert merge_text("1\r\n2\r\n3\r\n4", ["x\r\n2\r\n3\r\n4", "1\n2\n3\ny"]) == "x\n2\n3\ny"
    assert merge_text("1\r\n2\r\n3", ["x\r\n2\r\n3", "1\r\n2\r\ny"]) == "x\r\n2\r\ny"
