"""Each promise of `docs/guarantees.md` names the tests that would fail without it, and these are there."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import DOCS, ROOT, rows, section

PAGE = DOCS / "guarantees.md"
TESTS = "The tests that would fail"
PROMISES = [f"P{number}" for number in range(1, 12)]
_LINE = re.compile(r"^ *- `([^`]+)`$", re.M)


def titles() -> dict[str, str]:
    """Promise → its name, from the first table."""
    bold = ((cells[0], re.match(r"\*\*(.+?)\.?\*\*", cells[1])) for cells in rows(PAGE))
    return {promise: found[1] for promise, found in bold if found}


def named(promise: str) -> list[tuple[str, str]]:
    """File and function of each test that a promise names."""
    found, file = [], ""
    for word in _LINE.findall(section(PAGE, f"{promise} {titles()[promise]}")):
        if word.endswith(".py"):
            file = word
        else:
            found.append((file, word))
    return found


def test_every_promise_has_a_line_and_a_section() -> None:
    """P1 to P11, each with its name."""
    assert list(titles()) == PROMISES
    headings = re.findall(r"^### (P\d+) (.+)$", section(PAGE, TESTS), re.M)
    assert dict(headings) == titles()


@pytest.mark.parametrize("promise", PROMISES)
def test_every_test_that_a_promise_names_exists(promise: str) -> None:
    """In that file, by that name, and each once."""
    tests = named(promise)
    assert len(tests) == len(set(tests)) >= 3
    for file, function in tests:
        source = (ROOT / file).read_text("utf-8")
        assert re.search(rf"^ *(async )?def {function}\(", source, re.M), f"{file}::{function}"


@pytest.mark.parametrize("promise", PROMISES)
def test_every_promise_says_on_which_capability_it_rests(promise: str) -> None:
    """In the table of capabilities, or in the sentence below it for those that need none."""
    text = section(PAGE, "What a system must be able to do")
    assert re.search(rf"(?<!\w){promise}(?!\d)", text)
