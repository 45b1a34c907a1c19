"""Reading and writing one property of one system."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from accord.errors import ValueRefused
from tests.values.making import made, typed

OPEN_DONE = {"erp": {"open": "A", "done": "C"}}


@pytest.mark.parametrize("kind", ["string", "text", "email"])
def test_null_and_empty_text_stay_apart(kind: str) -> None:
    codec = made(kind)
    assert (codec.decode(None), codec.decode("")) == (None, "")
    assert (codec.encode(None), codec.encode("")) == (None, "")


@pytest.mark.parametrize(
    "kind", ["integer", "decimal(2)", "date", "datetime", "boolean", "enum", "reference(x)", "country"]
)
def test_empty_text_is_no_value_of_other_types(kind: str) -> None:
    assert made(kind).decode("") is None


@pytest.mark.parametrize(
    ("kind", "native"),
    [
        ("integer", "12.5"),
        ("integer", True),
        ("decimal(2)", "12,50"),
        ("decimal(2)", 1.5),
        ("decimal(2)", "1e999999"),
        ("boolean", "maybe"),
        ("date", "2024-02-30"),
        ("datetime", "soon"),
        ("datetime", 1700000000),
        ("time", "25:00"),
        ("duration", "P"),
        ("money", "12.50"),
        ("country", "XX"),
        ("reference(x)", True),
        ("string", {"a": 1}),
        ("list of integer", "1,2"),
        ("object", [1]),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(kind: str, native: Any) -> None:
    with pytest.raises(ValueRefused, match=r"CustomERP: title: .* is not "):
        made(kind).decode(native)


def test_an_unknown_option_names_the_known_ones() -> None:
    with pytest.raises(ValueRefused, match="'X' is not one of the options that are mapped: A, C"):
        made("enum", maps=OPEN_DONE).decode("X")
    with pytest.raises(ValueRefused, match="'waiting' is not one of the options that are mapped: open, done"):
        made("enum", maps=OPEN_DONE).encode("waiting")


def test_options_are_mapped_both_ways() -> None:
    codec = made("enum", maps=OPEN_DONE)
    assert (codec.decode("C"), codec.encode("done")) == ("done", "C")


@pytest.mark.parametrize("native", [1, "1"])
def test_an_option_is_the_same_as_number_and_as_text(native: Any) -> None:
    codec = made("enum", maps={"erp": {"open": 1}})
    assert codec.decode(native) == "open"
    assert codec.encode("open", like=native) == native


def test_the_options_of_a_list_are_mapped_one_by_one() -> None:
    codec = made("set of enum", maps=OPEN_DONE)
    assert codec.decode(["A", "C"]) == ("open", "done")
    assert codec.encode(("done",)) == ["C"]


def test_an_option_may_be_null_in_a_system() -> None:
    codec = made("enum", maps={"erp": {"none": None, "open": "A"}})
    assert (codec.decode(None), codec.encode("none")) == ("none", None)


def test_a_long_text_is_refused_and_not_cut() -> None:
    with pytest.raises(ValueRefused, match="has 12 characters, and there is room for 10"):
        made("string", prop={"max_length": 10}).encode("Nordlys 2026")


def test_a_long_text_is_cut_where_the_row_says_so() -> None:
    codec = made("string", prop={"max_length": 10}, truncate=True)
    assert codec.stored("Nordlys 2026") == "Nordlys 20"


def test_a_letter_is_not_cut_from_its_accent() -> None:
    assert made("string", prop={"max_length": 4}, truncate=True).encode("cafe\u0301") == "caf"


def test_a_value_outside_of_the_property_s_values_is_refused() -> None:
    with pytest.raises(ValueRefused, match="one of A, B"):
        made("string", prop={"values": ("A", "B")}).encode("C")


@pytest.mark.parametrize(
    ("kind", "value", "prop", "native"),
    [
        ("decimal(2)", Decimal("12"), "integer", 12),
        ("decimal(2)", Decimal("12.5"), "string", "12.50"),
        ("decimal(4)", Decimal("1.2345"), "decimal(2)", Decimal("1.23")),
        ("integer", 7, "string", "7"),
        ("string", "7", "integer", 7),
        ("boolean", True, "integer", 1),
        ("date", date(2024, 2, 29), "datetime", "2024-02-28T23:00:00Z"),
        ("datetime", datetime(2024, 2, 28, 23, tzinfo=UTC), "date", "2024-02-29"),
    ],
)
def test_the_property_s_own_type_counts(kind: str, value: Any, prop: str, native: Any) -> None:
    sample = "2024-01-01T00:00:00Z" if prop == "datetime" else None
    codec = made(kind, prop={"type": prop}, zone="Europe/Oslo")
    assert codec.encode(value, like=sample) == native
    assert type(codec.encode(value, like=sample)) is type(native)


def test_decimals_are_not_dropped_in_silence() -> None:
    with pytest.raises(ValueRefused, match="not a whole number"):
        made("decimal(2)", prop={"type": "integer"}).encode(Decimal("12.5"))


def test_reading_a_decimal_keeps_its_digits() -> None:
    assert str(made("decimal(2)").decode("12.505")) == "12.505"


def test_writing_a_decimal_rounds_half_to_even() -> None:
    codec = made("decimal(2)")
    assert [codec.encode(Decimal(text), "0.00") for text in ("12.505", "12.515")] == ["12.50", "12.52"]


def test_leading_zeros_of_a_number_written_as_text_survive() -> None:
    assert made("string").encode("007", like=15) == "007"


@pytest.mark.parametrize("native", [7, "A-7", {"id": 7, "name": "x"}, [7, "x"]])
def test_a_reference_is_read_as_text(native: Any) -> None:
    assert made("reference(customer)").decode(native) in ("7", "A-7")


@pytest.mark.parametrize("native", [7, "A-7", None])
def test_a_reference_is_written_as_it_is_given(native: Any) -> None:
    assert made("reference(customer)").encode(native) == native


def test_a_time_that_clocks_skip_is_shifted_forward() -> None:
    moment = made("datetime", zone="Europe/Oslo").decode("2024-03-31T02:30:00")
    assert moment == datetime(2024, 3, 31, 1, 30, tzinfo=UTC)


def test_a_time_that_comes_twice_is_the_first_one() -> None:
    moment = made("datetime", zone="Europe/Oslo").decode("2024-10-27T02:30:00")
    assert moment == datetime(2024, 10, 27, 0, 30, tzinfo=UTC)


def test_a_system_without_sample_gets_local_time_with_offset() -> None:
    """Right whether it reads the offset or drops it."""
    moment = datetime(2024, 7, 1, 10, tzinfo=UTC)
    assert made("datetime", zone="Europe/Oslo").encode(moment) == "2024-07-01T12:00:00+02:00"
    assert made("datetime").encode(moment) == "2024-07-01T10:00:00Z"


def test_a_date_in_the_evening_is_a_day_of_the_system_s_zone() -> None:
    assert made("date", zone="Europe/Oslo").decode("2024-06-30T22:00:00Z") == date(2024, 7, 1)


def test_another_currency_does_not_become_a_bare_number() -> None:
    codec = made("money(NOK)", prop={"type": "decimal(2)"})
    assert codec.encode(codec.decode(12)) == Decimal(12)
    with pytest.raises(ValueRefused, match="an amount in NOK"):
        codec.encode(codec.decode("12 EUR"))


def test_an_unreadable_phone_number_is_carried_as_text() -> None:
    assert made("phone(NO)").stored("ask for Kari") == "ask for Kari"


@pytest.mark.parametrize(("like", "native"), [(90, 80), (None, Decimal("79.8")), (Decimal("1.5"), Decimal("79.8"))])
def test_hours_become_minutes(like: Any, native: Any) -> None:
    codec = made("decimal(2)", ("scale", 60))
    assert codec.encode(Decimal("1.33"), like) == native
    assert typed("decimal(2)").equal(codec.decode(native), Decimal("1.33"))


def test_minutes_of_an_integer_property_are_rounded() -> None:
    assert made("decimal(2)", ("scale", 60), prop={"type": "integer"}).encode(Decimal("1.33")) == 80


def test_a_number_of_all_digits_is_not_rounded_by_the_context() -> None:
    value = Decimal("123456789012345678901234567890.12")
    assert made("decimal(2)").stored(value) == value
