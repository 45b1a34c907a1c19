"""Equality, similarity and match keys."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from accord.model import Dangling, LinkRef, Ref
from tests.values.making import typed

NFD, NFC = "Cafe\u0301", "Caf\u00e9"


@pytest.mark.parametrize(
    ("kind", "a", "b"),
    [
        ("string", NFD, NFC),
        ("text", "a\r\nb", "a\nb"),
        ("email", "Kari@Example.no", "kari@example.NO"),
        ("language", "nb_NO", "nb-no"),
        ("decimal(2)", Decimal("12.5"), Decimal("12.500")),
        ("decimal(2)", Decimal("1.3333"), Decimal("1.33")),
        ("phone(NO)", "22 33 44 55", "+4722334455"),
        ("set of string", ("a", "b"), ("b", "a")),
        ("json", {"a": [1]}, {"a": [Decimal("1.0")]}),
    ],
)
def test_the_same_value_in_other_clothes_is_equal(kind: str, a: Any, b: Any) -> None:
    assert typed(kind).equal(a, b)


@pytest.mark.parametrize(
    ("kind", "a", "b"),
    [
        ("string", "a", "A"),
        ("string", "a", "a "),
        ("string", None, ""),
        ("decimal(2)", Decimal("12.50"), Decimal("12.51")),
        ("list of string", ("a", "b"), ("b", "a")),
        ("set of string", ("a", "a"), ("a", "b")),
        ("json", True, 1),
        ("phone(NO)", "22334455", "22334456"),
    ],
)
def test_another_value_is_not_equal(kind: str, a: Any, b: Any) -> None:
    assert not typed(kind).equal(a, b)


@pytest.mark.parametrize(
    ("mode", "a", "b"),
    [("case", "AB", "ab"), ("spaces", " a  b ", "a b"), ("digits", "NO 987 654 321 MVA", "987654321")],
)
def test_a_row_may_compare_less(mode: str, a: str, b: str) -> None:
    assert typed("string", equal=mode).equal(a, b)
    assert not typed("string").equal(a, b)


@pytest.mark.parametrize(
    ("kind", "a", "b"),
    [
        ("string", None, " "),
        ("string", " Nordlys  AS", "nordlys as"),
        ("string", "The harbour of Bergen, north side", "The harbour of Bergen"),
        ("text", "a\r\nb\n", "a\nb"),
        ("decimal", Decimal("12.345"), Decimal("12.3")),
        ("datetime", datetime(2024, 1, 1, 10, 0, 5, 700, tzinfo=UTC), datetime(2024, 1, 1, 10, 0, 5, tzinfo=UTC)),
        ("datetime", datetime(2024, 1, 1, 10, 0, 59, tzinfo=UTC), datetime(2024, 1, 1, 10, 0, tzinfo=UTC)),
        ("phone", "+47 22 33 44 55", "22334455"),
        ("list of string", (), None),
    ],
)
def test_what_a_system_may_have_made_of_a_value_is_similar(kind: str, a: Any, b: Any) -> None:
    assert typed(kind).similar(a, b)
    assert typed(kind).similar(b, a)


@pytest.mark.parametrize(
    ("kind", "a", "b"),
    [
        ("string", "Nord", "Nordlys AS"),
        ("string", "a", None),
        ("decimal", Decimal("12.3"), Decimal("12.4")),
        ("integer", 12, 13),
        ("boolean", False, None),
        ("datetime", datetime(2024, 1, 1, 10, 0, 5, tzinfo=UTC), datetime(2024, 1, 1, 10, 0, 7, tzinfo=UTC)),
        ("date", 0, None),
    ],
)
def test_different_values_are_not_similar(kind: str, a: Any, b: Any) -> None:
    assert not typed(kind).similar(a, b)


@pytest.mark.parametrize(
    ("kind", "poor", "rich"),
    [
        ("string", None, "a"),
        ("string", "The harbour of Bergen", "The harbour of Bergen, north side"),
        ("string", "NORDLYS AS", "Nordlys AS"),
        ("decimal", Decimal("12.3"), Decimal("12.345")),
        ("phone", "22334455", "+47 22 33 44 55"),
        ("datetime", datetime(2024, 1, 1, 10, tzinfo=UTC), datetime(2024, 1, 1, 10, 0, 5, tzinfo=UTC)),
    ],
)
def test_the_value_that_says_more_is_richer(kind: str, poor: Any, rich: Any) -> None:
    assert typed(kind).richer(poor, rich) is rich
    assert typed(kind).richer(rich, poor) is rich


@pytest.mark.parametrize("value", [None, "", " \t", (), [], {}])
def test_nothing_is_empty_and_has_no_key(value: Any) -> None:
    type_ = typed("string")
    assert type_.is_empty(value)
    assert type_.key(value) is None


@pytest.mark.parametrize(("kind", "value"), [("integer", 0), ("boolean", False), ("decimal", Decimal(0))])
def test_zero_and_false_are_values(kind: str, value: Any) -> None:
    assert not typed(kind).is_empty(value)
    assert typed(kind).key(value) is not None


@pytest.mark.parametrize(
    ("kind", "more", "a", "b"),
    [
        ("string", {}, " Nordlys  AS", "nordlys as"),
        ("string", {}, "\uff2eordlys", "Nordlys"),
        ("string", {"equal": "digits"}, "987 654 321", "987654321"),
        ("phone(NO)", {}, "22 33 44 55", "+4722334455"),
        ("email", {}, "Kari@Example.no", "kari@example.no"),
        ("decimal(2)", {}, Decimal("12.500"), Decimal("12.5")),
        ("decimal", {}, Decimal("1E+2"), Decimal("100")),
    ],
)
def test_records_that_are_the_same_have_the_same_key(kind: str, more: dict[str, Any], a: Any, b: Any) -> None:
    assert typed(kind, **more).key(a) == typed(kind, **more).key(b)


def test_equal_text_of_digits_alone_is_not_confused_with_text_without() -> None:
    type_ = typed("string", equal="digits")
    assert not type_.equal("abc", "def")


def test_references_to_links_and_to_nowhere_are_kept_in_history() -> None:
    type_ = typed("reference(customer)")
    for value in (LinkRef(7), Dangling(Ref("erp", "customer", "A/7")), "7", None):
        assert type_.from_json(type_.to_json(value)) == value
