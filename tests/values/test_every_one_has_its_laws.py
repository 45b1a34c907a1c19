"""Nothing is registered without a law test, a description and an example. Walked from the registries themselves."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from accord.config.words import LENSES, TYPES
from accord.document.values_page import example_of, refusal_of, row_of
from accord.errors import ValueRefused
from accord.values import descriptions
from accord.values.lenses import _BUILDERS as LENS_BUILDERS
from accord.values.wire import _BUILDERS as TYPE_BUILDERS
from tests.docs.pages import blocks, pages
from tests.values import test_laws
from tests.values.making import made, spec


def examples() -> str:
    """Every block of a project file in the pages."""
    return "\n".join(body for page in pages() for kind, body in blocks(page) if kind.startswith("yaml"))


def test_the_registries_hold_the_same_names() -> None:
    """Words of the file, code, descriptions."""
    assert set(TYPES) == set(descriptions.TYPES) == {*TYPE_BUILDERS, "list", "set"}
    assert set(LENSES) == set(descriptions.LENSES) == set(LENS_BUILDERS)


@pytest.mark.parametrize("name", TYPES)
def test_every_type_has_its_law_tests(name: str) -> None:
    """Written and read again, written back, through history, symmetric."""
    assert name in {spec(kind).name for kind, _, _ in test_laws.FORMS}


@pytest.mark.parametrize("name", LENSES)
def test_every_lens_has_its_law_test(name: str) -> None:
    """It reads what it wrote, on the values on which it loses nothing."""
    assert name in {lens for _, lenses, _ in test_laws.LENSES for lens, _ in lenses}


@pytest.mark.parametrize("name", TYPES)
def test_every_type_has_an_example_in_the_pages(name: str) -> None:
    """In a block that the tests of the pages load."""
    assert re.search(rf"type: \"?{name}\b", examples())


@pytest.mark.parametrize("name", LENSES)
def test_every_lens_has_an_example_in_the_pages(name: str) -> None:
    """In a block that the tests of the pages load."""
    assert re.search(rf"lens: {{\w+: {{{name}\b", examples())


@pytest.mark.parametrize("name", TYPES)
def test_the_example_and_the_refusal_of_a_type_are_what_the_code_does(name: str) -> None:
    """What the page calls refused is."""
    told = descriptions.TYPES[name]
    row = row_of(told.spec)
    assert "→" in example_of(row, told.sample)
    assert (told.refused is None) == (told.refuses == "nothing")
    assert told.refused is None or refusal_of(row, told.refused)


@pytest.mark.parametrize("name", LENSES)
def test_the_example_and_the_refusal_of_a_lens_are_what_the_code_does(name: str) -> None:
    """What the page calls refused is."""
    told = descriptions.LENSES[name]
    row = row_of(told.kind, (name, told.argument))
    assert "→" in example_of(row, told.sample)
    assert (told.refused is None) == (told.refuses == "nothing")
    assert told.refused is None or refusal_of(row, told.refused)


REFUSED: list[tuple[str, Any, str, dict[str, Any] | None]] = [
    ("integer", True, "UTC", None),
    ("integer", "x", "UTC", None),
    ("decimal", True, "UTC", None),
    ("datetime", "yesterday", "UTC", None),
    ("money", "12.50", "UTC", None),
    ("duration", "P1M", "UTC", None),
    ("duration", "P1Y", "UTC", None),
    ("list of integer", ["x"], "UTC", None),
]


@pytest.mark.parametrize(("kind", "native", "zone", "prop"), REFUSED)
def test_what_the_table_calls_refused_is(kind: str, native: Any, zone: str, prop: dict[str, Any] | None) -> None:
    """The other refusals that the table names in words."""
    with pytest.raises(ValueRefused):
        made(kind, zone=zone, prop=prop).decode(native)


def test_what_a_property_has_no_room_for() -> None:
    """Decimals are rounded to the scale of the property, and a time that summer time leaves out has an offset."""
    assert str(made("decimal", prop={"type": "decimal(2)"}).encode(Decimal("12.505"))) == "12.50"
    skipped = made("datetime", zone="Europe/Oslo").decode("2026-03-29T02:30:00")
    assert skipped == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
