"""The document as reStructuredText that docutils reads without a warning, whatever the titles hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from accord.document.parts import Document, Section, Table

_MARKUP = re.compile(r"[\\*`|]|(?<![^\W_])_|_(?![^\W_])|(?<=:):")
_HARMLESS_START = re.compile(r"[^\W_]+( |$)|[^\W\d_]\S*[^\W_]([,:;]?( |$))")
"""A first word that no list (`a.`, `iv)`), field, option, comment or directive begins with."""
_LONGEST = 4000
"""Characters in a line: docutils refuses lines of more than 10000."""


def rst(document: Document, generated: str) -> str:
    """The whole document; `generated` is the line that says when."""
    lines = [*_heading(document.title, "="), generated, "", *_paragraphs(document.introduction)]
    for section in document.sections:
        lines += _section(section)
    return "\n".join(lines).rstrip("\n") + "\n"


def _section(section: Section) -> Iterator[str]:
    yield from _heading(section.heading, "-")
    for part in section.body:
        yield from _table(part) if isinstance(part, Table) else _paragraphs([part])
    yield from (".. rubric:: Checklist", "")
    for check in section.checklist:
        yield f"- {_text(f'☐ {check.text} [{check.id}]', '  ')}"
    yield ""


def _heading(text: str, underline: str) -> Iterator[str]:
    title = escape(text)
    yield title
    yield underline * max(4, sum(_width(character) for character in title))
    yield ""


def _width(character: str) -> int:
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _paragraphs(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield _text(text, "")
        yield ""


def _table(table: Table) -> Iterator[str]:
    yield f".. list-table:: {escape(table.title)}"
    yield "   :header-rows: 1"
    yield "   :widths: auto"
    yield ""
    # A table needs a body in docutils: where there are no rows, it is one row of empty cells.
    for row in (table.header, *(table.rows or (("",) * len(table.header),))):
        for bullet, cell in zip(("* -", *("  -",) * (len(row) - 1)), row, strict=True):
            yield f"   {bullet} {_text(cell, '       ')}".rstrip()
    yield ""


def _text(text: str, indent: str) -> str:
    """Escaped text, broken where a line would be too long: a backslash at its end joins it with the next."""
    escaped = escape(text)
    if len(escaped) <= _LONGEST:
        return escaped
    pieces = (text[start : start + _LONGEST // 2] for start in range(0, len(text), _LONGEST // 2))
    return f"\\\n{indent}".join(f"\\ {_escape_inline(piece)}" for piece in pieces)


def escape(text: str) -> str:
    """Text that means itself at the start of a paragraph, a cell or a title."""
    escaped = _escape_inline(text)
    return escaped if not text or _HARMLESS_START.match(text) else f"\\ {escaped}"


def _escape_inline(text: str) -> str:
    return _MARKUP.sub(r"\\\g<0>", text)
