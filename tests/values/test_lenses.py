"""Lenses, one situation each."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from accord.errors import ValueRefused
from tests.values.making import made


@pytest.mark.parametrize(
    ("kind", "lens", "native", "canonical", "written"),
    [
        ("string", ("trim", None), " a ", "a", "a"),
        ("string", ("case", "upper"), "Ab", "Ab", "AB"),
        ("decimal(3)", ("round", 1), "1.26", Decimal("1.3"), "1.30"),
        ("string", ("truncate", 3), "abcdef", "abcdef", "abc"),
        ("string", ("map", {"J": "yes", "N": "no"}), "J", "yes", "J"),
        ("list of string", ("split", {"by": ","}), "a, b", ("a", "b"), "a,b"),
        ("list of string", ("split", None), "", (), ""),
        ("string", ("join", ";"), ["a", "b"], "a;b", ["a", "b"]),
        ("decimal(2)", ("scale", 60), 90, Decimal("1.5"), 90),
        ("date", ("date-format", "%d.%m.%Y"), "31.01.2024", date(2024, 1, 31), "31.01.2024"),
        ("phone", ("phone", "NO"), "22 33 44 55", "+4722334455", "+4722334455"),
        ("phone(NO)", ("phone", {"format": "national"}), "22334455", "+4722334455", "22 33 44 55"),
        ("country", ("country", "alpha3"), "NOR", "NO", "NOR"),
        ("text", ("strip-html", None), "<p>a &amp; b</p><p>c</p>", "a & b\nc", "a &amp; b<br>c"),
        ("string", ("default", "none"), None, "none", "none"),
        ("integer", ("expression", {"read": "value + 1", "write": "value - 1"}), 7, 8, 7),
        ("set of string", ("case", "lower"), ["A"], ("A",), ["a"]),
    ],
)
def test_a_lens_reads_and_writes(kind: str, lens: tuple[str, Any], native: Any, canonical: Any, written: Any) -> None:
    codec = made(kind, lens)
    assert codec.decode(native) == canonical
    assert codec.encode(canonical, like=native) == written


def test_lenses_are_written_in_reverse_order() -> None:
    codec = made("string", ("trim", None), ("map", {"J": "yes"}))
    assert codec.decode(" J ") == "yes"
    assert codec.encode("yes") == "J"


@pytest.mark.parametrize(
    "lens", [("scale", 60), ("map", {"J": 1}), ("expression", {"read": "value", "write": "value"})]
)
def test_null_passes_a_lens(lens: tuple[str, Any]) -> None:
    codec = made("integer", lens)
    assert (codec.decode(None), codec.decode(""), codec.encode(None)) == (None, None, None)


def test_an_item_that_holds_the_separator_is_refused() -> None:
    with pytest.raises(ValueRefused, match="separates the items"):
        made("list of string", ("split", ",")).encode(("a,b",))


def test_an_unmapped_value_is_refused_and_never_blank() -> None:
    with pytest.raises(ValueRefused, match="'X' is not one of the options"):
        made("boolean", ("map", {"J": True, "N": False})).decode("X")


def test_a_lens_that_cannot_write_says_so() -> None:
    with pytest.raises(ValueRefused, match="does not say how to write"):
        made("string", ("expression", {"read": "value + '!'"})).encode("a")


def test_a_failing_expression_holds_the_value_by_name() -> None:
    with pytest.raises(ValueRefused, match="CustomERP: title: the expression"):
        made("integer", ("expression", {"read": "value / 0"})).decode(1)


@pytest.mark.parametrize(
    "lens",
    [
        ("case", "title"),
        ("round", -1),
        ("truncate", 0),
        ("scale", 0),
        ("scale", "x"),
        ("date-format", "iso"),
        ("country", "x"),
        ("phone", "Norway"),
        ("map", ["a"]),
        ("split", {"by": ""}),
        ("expression", {"read": "other + 1"}),
        ("nope", None),
    ],
)
def test_an_argument_that_makes_no_sense_is_refused_at_once(lens: tuple[str, Any]) -> None:
    with pytest.raises(ValueError, match="lens"):
        made("string", lens)


def test_scripts_and_styles_are_no_text() -> None:
    codec = made("text", ("strip-html", None))
    assert codec.decode("a<script>alert(1)</script><style>b{}</style>c") == "ac"


def test_an_epoch_of_another_unit_is_not_mistaken() -> None:
    with pytest.raises(ValueRefused, match="between the years"):
        made("datetime", ("date-format", "unix")).decode(10**15)
