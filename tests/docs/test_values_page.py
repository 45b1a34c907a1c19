"""The page of types and lenses is what the code says of itself."""

from __future__ import annotations

import pytest

from accord.document.values_page import written
from tests.docs.pages import REFERENCE, text_of

PAGE = REFERENCE / "types-and-lenses.md"


def test_the_page_is_what_the_generator_makes() -> None:
    """`make schema` writes it."""
    assert written(text_of(PAGE)) == text_of(PAGE)


def test_a_page_without_its_blocks_is_refused() -> None:
    """Else a block that somebody deleted would be missed by nobody."""
    with pytest.raises(ValueError, match="no block 'lenses'"):
        written(text_of(PAGE).replace("<!-- lenses:", "<!-- lens:"))
