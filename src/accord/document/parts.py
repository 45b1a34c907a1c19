"""What a dataflow document is made of: plain text in frozen values, without a format and without a date.

Every string is one line of plain text. Escaping is the business of the format that writes it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with one header row. Every row has as many cells as the header; there may be none."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    code: frozenset[int] = frozenset()
    """Columns that hold names and values as systems write them; a format may set them in another typeface."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the checklist."""

    id: str
    """Stable name, such as `task.property.name`: what `accord verify` reports, and people refer to."""
    text: str
    """What to do, and what is to be seen then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One flow between two systems, in one direction."""

    heading: str
    body: tuple[str | Table, ...]
    """Paragraphs and tables, in reading order."""
    checklist: tuple[Check, ...]

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The paragraphs, without the tables between them."""
        return tuple(part for part in self.body if isinstance(part, str))

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables, without the paragraphs between them."""
        return tuple(part for part in self.body if isinstance(part, Table))


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What becomes of the records of one system in another one."""

    title: str
    introduction: tuple[str, ...]
    sections: tuple[Section, ...]

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables, in reading order."""
        return tuple(table for section in self.sections for table in section.tables)
