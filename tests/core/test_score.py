"""How alike two values and two records are, and what may link."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.config.meaning import MatchScore
from accord.core.alike import Likeness, alike, name_of
from accord.core.detect import Reading
from accord.core.score import PARTS, SCORED, WHOLE, RowScore, Score, filled, score_keys, score_of, total
from accord.model import Member, Ref
from tests.core.world import flow_map

FLOW = flow_map(
    "{pms: title, erp: name, type: string}",
    "{pms: org, erp: org, type: string}",
    "{pms: mail, erp: mail, type: email}",
    "{pms: phone, erp: phone, type: phone(NO)}",
    "{pms: town, erp: town, type: string}",
    "{pms: born, erp: born, type: date}",
    more="match_score: {rows: {title: 4, org: 4, mail: 2, phone: 2, town: 1, born: 1}}",
)
RULE = FLOW.flow.match_score or MatchScore(weights={})
FULL = {"title": "Nordlys Bakeri AS", "org": "912345678", "mail": "post@nordlys.example", "town": "Bergen"}
NAMES = st.text("abcdeæøé AS&.-19", min_size=1, max_size=24)


def texts(left: str, right: str) -> Likeness:
    return alike("string", left, right, lambda a, b: a == b)


def reading(system: str, natives: dict[str, Any]) -> Reading:
    member = Member(ref=Ref(system, "task", "1"), native_id=1, base=natives)
    return Reading(FLOW, member, natives, version=None, modified=None, resolve=lambda _ref: None)


def compared(left: dict[str, Any], right: dict[str, Any]) -> Score:
    one, other = (filled(FLOW, RULE, reading(s, n)) for s, n in (("pms", left), ("erp", right)))
    return score_of(FLOW, RULE, one, other)


# values


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Nordlys Bakeri AS", "NORDLYS BAKERI A/S"),
        ("Berg & Dal Ltd.", "Berg and Dal Limited"),
        ("Möller Bau GmbH", "Moller Bau G.m.b.H."),
        ("Øst Røyk", "ost royk"),
        ("AS Fjellheim", "Fjellheim AS"),
        ("Consulting Berg Inc", "Berg Consulting, Inc."),
        ("912 345 678", "NO912345678MVA"),
    ],
)
def test_one_name_written_in_two_ways_is_equal(left: str, right: str) -> None:
    """Case, accents, punctuation, the order of words and how a legal form is written do not count."""
    assert texts(left, right).value == 1


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Nordlys AS", "Nordlys Ltd"),
        ("Nordlys Holding AS", "Nordlys Eiendom AS"),
        ("Nordlys AS", "Nordlys Holding AS"),
        ("Hall 1", "Hall 2"),
        ("Storgata 12", "Storgata 13"),
        ("912345678", "987654321"),
        ("912345678", "912345679"),
        ("NO912345678", "SE912345678"),
        ("Bergen", "Trondheim"),
    ],
)
def test_another_thing_contradicts(left: str, right: str) -> None:
    """A different legal form, a word too many, another number: these are not two spellings of one thing."""
    found = texts(left, right)
    assert found.contradicts
    assert found.value <= 0.8


@pytest.mark.parametrize(
    ("left", "right", "least"),
    [
        ("Nordlys Bakeri", "Nordlis Bakeri", 0.9),
        ("Nordlys Bakeri", "Nordyls Bakeri", 0.9),
        ("Nordlys AS", "Nordlys", 0.9),
        ("Nordlys Consulting", "Nordlys Cons.", 0.9),
        ("Sol Bakeri", "Solbakeri", 0.95),
    ],
)
def test_a_typing_error_is_near_and_not_equal(left: str, right: str, least: float) -> None:
    """It neither contradicts nor is it the same."""
    found = texts(left, right)
    assert least <= found.value < 1
    assert not found.contradicts


def test_what_looks_like_a_legal_form_in_the_middle_is_a_word() -> None:
    """And a name that is nothing else keeps it."""
    assert name_of("Berg AS Dal").form is None
    assert name_of("AS").words == ("as",)


def test_other_types_are_compared_in_their_own_way() -> None:
    """An address at the same domain is something; another date is not."""

    def of(kind: str, left: str, right: str) -> Likeness:
        return alike(kind, left, right, lambda a, b: a == b)

    assert of("email", "Post@a.example", "post@a.example").identifies
    assert 0 < of("email", "kari@a.example", "ola@a.example").value < 0.9
    assert of("email", "kari@gmail.com", "ola@gmail.com").value == 0
    assert of("phone", "+4722334455", "+4722334455").identifies
    assert 0 < of("phone", "+4722334455", "+4722334456").value < 0.9
    assert of("date", "1980-05-02", "1951-11-30").contradicts
    assert of("enum", "a", "b").contradicts


@given(NAMES, NAMES)
def test_the_likeness_of_texts_is_symmetric_and_between_0_and_1(left: str, right: str) -> None:
    """Whoever is asked first."""
    one, other = texts(left, right), texts(right, left)
    assert one == other
    assert 0 <= one.value <= 1


@given(NAMES)
def test_a_text_is_equal_to_itself(text: str) -> None:
    """Also one of signs only."""
    assert texts(text, text).value == 1


@pytest.mark.parametrize(
    ("left", "right", "slip"),
    [
        ("Skogarheim Bygg", "Skogvrheim Bygg", True),
        ("Kari Solvang", "Karl Solvang", False),
        ("Martin Dal", "Martine Dal", False),
        ("Andersen Data", "Anderson Data", False),
        ("Nordlys Cons.", "Nordlys Consulting", False),
    ],
)
def test_a_slip_is_told_from_the_name_of_another(left: str, right: str, slip: bool) -> None:
    """One letter in a long word, and not at its end; people of one household have names that are alike."""
    assert texts(left, right).is_slip is slip


# records


def test_equal_records_are_certain() -> None:
    """Every row says 1, and nothing speaks against it."""
    found = compared(FULL, FULL)
    assert (found.value, found.certain) == (1.0, True)


def test_what_is_empty_says_nothing() -> None:
    """Neither for nor against; but what is too little to tell never links."""
    full = compared(FULL, FULL)
    less = compared({**FULL, "town": " "}, {**FULL, "mail": None})
    assert (less.value, less.certain) == (full.value, True)
    least = compared({"title": "Nordlys Bakeri AS"}, {"title": "Nordlys Bakeri AS"})
    assert (least.value, least.certain) == (1.0, False)
    mail = {"title": "Nordlys Bakeri AS", "mail": "post@nordlys.example"}
    assert compared(mail, mail).certain
    assert not compared(mail, {**mail, "title": "Nordlis Bakeri AS"}).certain
    assert compared({}, FULL).value == 0


@pytest.mark.parametrize(
    "other",
    [
        {"title": "Nordlys Eiendom AS"},
        {"org": "912345679"},
        {"town": "Trondheim"},
    ],
)
def test_one_contradiction_is_enough_to_ask(other: dict[str, Any]) -> None:
    """However much else agrees."""
    found = compared(FULL, {**FULL, **other})
    assert not found.certain
    assert "against it" in found.words()


def test_another_spelling_needs_something_that_identifies() -> None:
    """A name and a town are not enough for it; with the number of a register they are."""
    rows = [
        RowScore(row="title", values=("a", "b"), weight=4, likeness=texts("Anderson Data", "Andersen Data")),
        RowScore(row="town", values=("a", "a"), weight=1, likeness=texts("Bergen", "Bergen")),
    ]
    assert not total(rows, 5).certain
    assert not total(rows[:1], 4).certain
    mail = RowScore(row="mail", values=("a", "a"), weight=4, likeness=Likeness(value=1, why="equal", identifies=True))
    assert not total([*rows, mail], 9).certain
    number = RowScore(row="org", values=("a", "a"), weight=4, likeness=texts("912345678", "912345678"))
    assert total([*rows, number], 9).certain


@given(
    st.lists(st.tuples(st.floats(0.1, 9), st.floats(0, 1)), min_size=1, max_size=5), st.integers(0, 4), st.floats(0, 1)
)
def test_a_row_that_is_more_alike_never_lowers_the_score(
    given_rows: list[tuple[float, float]], at: int, more: float
) -> None:
    """The score is a mean by weight."""
    rows = [
        RowScore(row=str(n), values=(0, 0), weight=weight, likeness=Likeness(value=value, why=""))
        for n, (weight, value) in enumerate(given_rows)
    ]
    chosen = rows[at % len(rows)]
    value = max(chosen.likeness.value, more)
    raised = [replace(r, likeness=replace(r.likeness, value=value)) if r is chosen else r for r in rows]
    assert total(raised, 10).value >= total(rows, 10).value - 1e-9


def test_the_explanation_names_every_row() -> None:
    """With what it says."""
    found = compared(FULL, {**FULL, "title": "Nordlis Bakeri AS", "mail": "salg@nordlys.example"})
    words = found.words()
    assert "spelt differently: nordlis and nordlys" in words
    assert "org equal" in words
    assert "mail 0.60, of one domain" in words


# keys


def shared(left: dict[str, Any], right: dict[str, Any]) -> int:
    """How much two records share: a whole value is enough."""
    one, other = (set(score_keys(FLOW, reading(s, n))) for s, n in (("pms", left), ("erp", right)))
    return sum(PARTS if number == WHOLE else 1 for number, _ in one & other)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"title": "Nordlys Bakeri AS"}, {"title": "bakeri nordlys"}),
        ({"title": "Nordlys Bakeri"}, {"title": "Nordlis Bakeri"}),
        ({"org": "912345678"}, {"org": "NO 912 345 678"}),
        ({"mail": "Post@nordlys.example"}, {"mail": "post@nordlys.example"}),
        ({"phone": "22 33 44 55"}, {"phone": "+47 22334455"}),
    ],
)
def test_records_that_are_alike_share_keys(left: dict[str, Any], right: dict[str, Any]) -> None:
    """So that they are found without comparing all with all."""
    assert shared(left, right) >= PARTS


def test_keys_are_apart_from_those_of_match_rules() -> None:
    """They say that two may be alike, and no more."""
    assert all(number >= SCORED for number, _ in score_keys(FLOW, reading("pms", FULL)))
    assert shared({"title": "Solberg"}, {"title": "Fjelltun"}) == 0
    assert score_keys(flow_map("{pms: title, erp: name}"), reading("pms", FULL)) == []
