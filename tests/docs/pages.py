"""The pages of the documentation, and what stands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
_FENCE = re.compile(r"^(?P<indent> *)```(?P<kind>[^\n`]*)\n(?P<body>.*?)^ *```\s*$", re.M | re.S)
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_VARIABLE = re.compile(r"\$\{(\w+)\}")


def pages() -> list[Path]:
    """Every page that people read."""
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md")), *sorted((ROOT / "examples").rglob("*.md"))]


@cache
def text_of(page: Path) -> str:
    """A page as it is."""
    return page.read_text("utf-8")


@cache
def blocks(page: Path) -> list[tuple[str, str]]:
    """Its fenced blocks: the word after the fence, and what is in it without its indent."""
    found = []
    for match in _FENCE.finditer(text_of(page)):
        indent = len(match["indent"])
        lines = [line[indent:] for line in match["body"].splitlines(keepends=True)]
        found.append((match["kind"].strip(), "".join(lines)))
    return found


@cache
def inline(page: Path) -> list[str]:
    """What stands between single backticks, fenced blocks left out."""
    return _INLINE.findall(_FENCE.sub("", text_of(page)))


@cache
def code(page: Path) -> str:
    """All code of a page: between backticks, and in blocks."""
    return "\n".join([*inline(page), *(body for _, body in blocks(page))])


def says(page: Path, word: str) -> bool:
    """Whether a word stands in the code of a page."""
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", code(page)) is not None


def rows(page: Path) -> Iterator[list[str]]:
    """The cells of every line of every table."""
    for line in text_of(page).splitlines():
        if line.startswith("|") and not re.fullmatch(r"[|\s:-]+", line):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def section(page: Path, title: str) -> str:
    """What stands under a heading, up to the next one of its level. Raises KeyError."""
    match = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^\1 |\Z)", text_of(page), re.M | re.S)
    if match is None:
        raise KeyError(f"{page.name} has no section {title!r}")
    return match[2]


def environment(text: str) -> dict[str, str]:
    """A value for each variable that a project file names."""
    return {name: _value(name) for name in _VARIABLE.findall(text)}


def _value(name: str) -> str:
    if name.endswith("_DATABASE"):
        return "sqlite:///some.db"
    return "http://127.0.0.1:1" if name.endswith("_URL") else "some-value"
