"""CSV, JSON lines and Excel: reading line by line, and writing a changed copy that leaves the other lines as they are.

Values are data and written verbatim: nothing is put before a cell that starts with `=`. In Excel files such a text is
stored as text, so that it is never a formula; who opens a CSV in a spreadsheet decides there what a cell means.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any, Protocol, TextIO

import msgspec

from accord.connectors.paths import set_path
from accord.model import Native, Natives

Data = dict[str, Any]
SEPARATORS = ",;\t|"
FIELD_LIMIT = 16 * 1024 * 1024
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


class WrongShape(Exception):
    """The file as a whole is not what it should be."""


@dataclass(frozen=True, slots=True)
class Line:
    """One record of a file, or what is wrong with it."""

    data: Data
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a copy of a file shall have different. Ids as text."""

    id: str
    """Path of the id."""
    patches: Mapping[str, Natives] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()
    added: tuple[Natives, ...] = ()


class Format(Protocol):
    """A kind of file."""

    def columns(self, path: Path) -> tuple[str, ...] | None:
        """The names of its columns; None where each record has its own."""

    def types(self, path: Path) -> Mapping[str, str]:
        """The types of columns that have one."""

    def lines(self, path: Path) -> Iterator[Line]:
        """Its records, one after the other. Raises WrongShape."""

    def copy(self, source: Path, target: Path, changes: Changes) -> None:
        """Write a changed copy. Raises ValueError for a value that it cannot hold, WrongShape for a wrong file."""


class JsonLines:
    """One JSON object a line; untouched lines are copied byte for byte."""

    def columns(self, path: Path) -> tuple[str, ...] | None:
        """Each record has its own properties."""
        return None

    def types(self, path: Path) -> Mapping[str, str]:
        """JSON tells a text from a number, and no more."""
        return {}

    def lines(self, path: Path) -> Iterator[Line]:
        """See `Format`. A file of no bytes is refused: it may be half written."""
        if path.stat().st_size == 0:
            raise WrongShape("is empty; a datatype without records is one empty line")
        with path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                if raw.strip():
                    yield _parsed(raw, number)

    def copy(self, source: Path, target: Path, changes: Changes) -> None:
        """See `Format`."""
        written = False
        with source.open("rb") as old, target.open("wb") as new:
            for raw in old:
                kept = _changed_json(raw, changes) if raw.strip() else None
                if kept is not None:
                    new.write(kept if kept.endswith(b"\n") else kept + b"\n")
                    written = True
            for natives in changes.added:
                new.write(_encoder.encode(_patched({}, natives)) + b"\n")
            if not written and not changes.added:
                new.write(b"\n")


def _parsed(raw: bytes, number: int) -> Line:
    try:
        data = _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        half = _SURROGATE.search(raw) is not None and "truncated" in str(error)
        said = "half of a character (a lone surrogate), which no text can hold" if half else str(error)
        return Line({}, f"line {number}: {said}")
    return Line(data) if isinstance(data, dict) else Line({}, f"line {number} is no JSON object")


def _changed_json(raw: bytes, changes: Changes) -> bytes | None:
    data = _parsed(raw, 0).data
    id = str(data.get(changes.id))
    if id in changes.removed:
        return None
    return _encoder.encode(_patched(data, changes.patches[id])) if id in changes.patches else raw


def _patched(data: Data, natives: Natives) -> Data:
    for path, value in natives.items():
        set_path(data, path, value)
    return data


class Csv:
    """A table of text with a header; untouched lines are copied as they are written."""

    def __init__(self, *, encoding: str = "utf-8", separator: str | None = None) -> None:
        self._encoding = "utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding
        self._separator = separator

    def columns(self, path: Path) -> tuple[str, ...] | None:
        """See `Format`."""
        with self._open(path) as file:
            return tuple(self._reader(_Raw(file))[1])

    def types(self, path: Path) -> Mapping[str, str]:
        """All cells are text."""
        return {}

    def lines(self, path: Path) -> Iterator[Line]:
        """See `Format`. A row with too few or too many cells is a problem of that row."""
        with self._open(path) as file:
            reader, header, _ = self._reader(_Raw(file))
            for row in reader:
                if row:
                    problem = None if len(row) == len(header) else f"line {reader.line_num}: {len(row)} cells"
                    yield Line(dict(zip(header, row, strict=False)), problem)

    def copy(self, source: Path, target: Path, changes: Changes) -> None:
        """See `Format`. Keeps the separator, the line ends and a byte order mark."""
        mark = source.read_bytes()[:3] == b"\xef\xbb\xbf"
        encoding = "utf-8" if self._encoding == "utf-8-sig" and not mark else self._encoding
        with self._open(source) as old, target.open("w", encoding=encoding, newline="") as new:
            raw = _Raw(old)
            reader, header, separator = self._reader(raw)
            end = "\r\n" if raw.taken.endswith("\r\n") else "\n"
            new.write(_ended(raw.take(), end))
            for row in reader:
                data, text = dict(zip(header, row, strict=False)), _ended(raw.take(), end)
                id = data.get(changes.id, "")
                if id in changes.patches:
                    new.write(_csv_line(_cells(header, {**data, **changes.patches[id]}), separator, end))
                elif id not in changes.removed:
                    new.write(text)
            for natives in changes.added:
                new.write(_csv_line(_cells(header, natives), separator, end))

    def _open(self, path: Path) -> TextIO:
        return path.open(encoding=self._encoding, newline="")

    def _reader(self, raw: _Raw) -> tuple[Any, list[str], str]:
        csv.field_size_limit(FIELD_LIMIT)
        first = raw.peek()
        separator = self._separator or max(SEPARATORS, key=first.count)
        reader = csv.reader(raw, delimiter=separator, strict=True)
        header = next(reader, [])
        if not any(header) or len(set(header)) != len(header):
            raise WrongShape("has no header line, or two columns of the same name")
        return reader, header, separator


def _csv_line(cells: Sequence[Any], separator: str, end: str) -> str:
    """One line. Whatever the lines end with, a cell with either sign of a line end stands in quotes: else it is read as
    the end of its line.
    """
    made = StringIO(newline="")
    csv.writer(made, delimiter=separator, lineterminator="\r\n").writerow(cells)
    return made.getvalue()[:-2] + end


class _Raw:
    """Lines of a file that remembers what the reader took, so that it can be copied unchanged."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._next, self.taken = file, file.readline(), ""

    def peek(self) -> str:
        """The next line, not taken yet."""
        return self._next

    def take(self) -> str:
        """What was taken since the last time."""
        taken, self.taken = self.taken, ""
        return taken

    def __iter__(self) -> _Raw:
        return self

    def __next__(self) -> str:
        line, self._next = self._next, self._file.readline() if self._next else ""
        if not line:
            raise StopIteration
        self.taken += line
        return line


def _ended(text: str, end: str) -> str:
    return text if text.endswith(("\n", "\r")) else text + end


def _cells(header: list[str], natives: Natives) -> list[str]:
    unknown = set(natives) - set(header)
    if unknown:
        raise ValueError(f"there is no column {', '.join(sorted(unknown))}")
    return [_cell(natives.get(name)) for name in header]


def _cell(value: Native) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | list | dict):
        return _encoder.encode(value).decode()
    return str(value)
