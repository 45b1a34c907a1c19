"""Internal links lead somewhere, files and functions that pages name exist, and words are used as they are defined."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT, inline, pages, rows, text_of

SEMANTICS = (
    *("system", "datatype", "record", "flow", "row", "link", "member", "base", "agreed", "edit", "conflict"),
    *("link plan", "settle", "held", "in doubt", "cursor"),
)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def slug(heading: str) -> str:
    """The anchor that GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", text_of(page), re.M)}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_internal_link_resolves(page: Path) -> None:
    """To a file, and to a heading in it where one is named."""
    for target in _LINK.findall(text_of(page)):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), target


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_source_file_that_a_page_names_exists(page: Path) -> None:
    """`engine/round.py` starts in the package, others in the repository; a name alone may be anywhere."""
    for name in inline(page):
        if not re.fullmatch(r"[\w/-]+\.py", name):
            continue
        there = (ROOT / name).exists() or (ROOT / "src" / "accord" / name).exists()
        assert there or ("/" not in name and any((ROOT / "src" / "accord").rglob(name))), name


def test_the_calls_of_the_reading_order_are_in_the_files_that_it_names() -> None:
    """The table of calls: a function, and where it is."""
    found = [cells for cells in rows(DOCS / "reading-order.md") if len(cells) == 3 and cells[1].endswith(".py`")]
    assert found
    for call, where, _ in found:
        source = (ROOT / "src" / "accord" / where.strip("`")).read_text("utf-8")
        name = call.strip("`").partition("(")[0]
        assert re.search(rf"^(async )?def {name}\(", source, re.M), call


def test_every_page_is_in_the_index() -> None:
    """docs/README.md leads to all of them."""
    index = {(DOCS / target.partition("#")[0]).resolve() for target in _LINK.findall(text_of(DOCS / "README.md"))}
    missing = [page for page in DOCS.rglob("*.md") if page.resolve() not in index and page.name != "README.md"]
    assert missing == []


def test_decisions_are_numbered_without_a_gap() -> None:
    """001, 002, …: each once, and its title repeats its number."""
    files = sorted((DOCS / "decisions").glob("*.md"))
    assert [file.name[:3] for file in files] == [f"{number:03}" for number in range(1, len(files) + 1)]
    for file in files:
        assert text_of(file).startswith(f"# {file.name[:3]} "), file.name


def words() -> list[str]:
    return [cells[0] for cells in rows(DOCS / "glossary.md") if len(cells) == 2][1:]


@pytest.mark.parametrize("word", words())
def test_every_word_of_the_glossary_is_used(word: str) -> None:
    """On another page, too."""
    others = [text_of(page) for page in pages() if page.name != "glossary.md"]
    assert any(re.search(rf"\b{re.escape(word)}", text, re.I) for text in others)


def test_the_glossary_defines_each_word_once_and_none_is_missing() -> None:
    """Those of the semantics are all there."""
    assert len(words()) == len(set(words()))
    assert set(SEMANTICS) <= set(words())
