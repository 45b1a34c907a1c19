"""The document as Markdown, with tables and check boxes as GitHub and others show them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from accord.document.parts import Document, Section, Table

_MARKUP = re.compile(r"[\\`*\[\]<&|~$#]|(?<![^\W_])_|_(?![^\W_])")
_START = re.compile(r"^([-+=:>]|\d+(?=[.)]))")


def markdown(document: Document, generated: str) -> str:
    """The whole document; `generated` is the line that says when."""
    lines = [f"# {escape(document.title)}", "", generated, ""]
    for paragraph in document.introduction:
        lines += [escape(paragraph), ""]
    for section in document.sections:
        lines += _section(section)
    return "\n".join(lines).rstrip("\n") + "\n"


def _section(section: Section) -> Iterator[str]:
    yield from (f"## {escape(section.heading)}", "")
    for part in section.body:
        yield from _table(part) if isinstance(part, Table) else (escape(part), "")
    yield from ("### Checklist", "")
    for check in section.checklist:
        yield f"- [ ] {escape(check.text)} ({escape(check.id)})"
    yield ""


def _table(table: Table) -> Iterator[str]:
    yield from (f"### {escape(table.title)}", "")
    yield _row(map(escape, table.header))
    yield _row("---" for _ in table.header)
    for row in table.rows:
        yield _row(map(escape, row))
    yield ""


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escape(text: str) -> str:
    """Text that means itself at the start of a paragraph, a cell or a title."""
    escaped = _MARKUP.sub(r"\\\g<0>", text)
    marker = _START.match(text)
    if marker is None:
        return escaped
    if marker[0].isdigit():
        return f"{marker[0]}\\{escaped[marker.end() :]}"
    return f"\\{escaped}"
