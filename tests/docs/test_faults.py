"""Each line of `docs/reference/faults.md` says what Accord does, and names tests that are there."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import REFERENCE, ROOT, rows, section

PAGE = REFERENCE / "faults.md"
KINDS = {"T": 12, "D": 20, "E": 4, "P": 10, "U": 3}
LINES = [f"{kind}{number}" for kind, count in KINDS.items() for number in range(1, count + 1)]
MISSING = "*Not there yet"
_LINE = re.compile(r"^ *- `([^`]+)`$", re.M)


def said() -> dict[str, str]:
    """Line → what Accord does."""
    return {cells[0]: cells[2] for cells in rows(PAGE) if cells[0] in LINES}


def named(line: str) -> list[tuple[str, str]]:
    """File and function of each test that a line names."""
    found, file = [], ""
    for word in _LINE.findall(section(PAGE, line)):
        if word.endswith(".py"):
            file = word
        else:
            found.append((file, word))
    return found


def test_every_line_of_the_fault_table_is_there() -> None:
    """T, D, E, P and U, in order, each with a sentence."""
    assert list(said()) == LINES
    assert all(text.endswith((".", ").")) for text in said().values())


@pytest.mark.parametrize("line", LINES)
def test_every_line_names_tests_that_exist(line: str) -> None:
    """In that file, by that name, and each once; or the line says that it is not there yet."""
    if said()[line].startswith(MISSING):
        return
    tests = named(line)
    assert tests
    assert len(tests) == len(set(tests))
    for file, function in tests:
        source = (ROOT / file).read_text("utf-8")
        assert re.search(rf"^ *(async )?def {function}\(", source, re.M), f"{file}::{function}"
