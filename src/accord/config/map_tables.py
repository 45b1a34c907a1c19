"""Value maps that are kept in a table beside the project file: CSV, Excel or JSON lines, one column for each system.

Read when the project file is loaded, so that the table is part of the rules: another table is another mapping.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.config.meaning import MapTable
from accord.config.problems import Problems, listed
from accord.config.tree import Where, key_text, spell
from accord.errors import Problem

if TYPE_CHECKING:
    from accord.config.schema import MapTableModel

SUFFIXES = (".csv", ".tsv", ".jsonl", ".xlsx")
LARGEST = 16_000_000
"""Bytes of a table; what is larger is a datatype of a system, with a flow of its own."""
SEPARATORS = (",", ";", "\t")
WORDS = ("hold", "pass")
Maps = dict[str, dict[str, Any]]


class Unreadable(ValueError):
    """The table cannot be read; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a table: column → cell. `number` is the line in the file, or the row of the sheet."""

    number: int
    cells: Mapping[str, Any]


def is_table(written: Mapping[Any, Any]) -> bool:
    """Whether a `map` names a table, and is not a map of values one of which is called `file`."""
    file = written.get("file")
    return isinstance(file, str) and file.lower().endswith(SUFFIXES)


class TableReader:
    """Reads the table of one row."""

    def __init__(
        self,
        where: Where,
        systems: Sequence[str],
        sources: Collection[str],
        folder: Path,
        fold: bool,
        problems: Problems,
    ) -> None:
        self._where, self._systems, self._sources = where, systems, sources
        self._folder, self._fold, self._problems = folder, fold, problems

    def read(self, written: Mapping[Any, Any]) -> tuple[Maps, MapTable | None]:
        """System → {canonical value as text: native value}. The canonical values are those of the first column named,
        else of the row's first system. Everything wrong is noted.
        """
        from accord.config.schema import MapTableModel

        model = self._problems.validate(MapTableModel, written, self._where)
        if model is None:
            return {}, None
        file = self._folder / model.file
        try:
            header, lines = read_table(file, model.sheet)
        except (OSError, ValueError) as error:
            said = "there is no such file" if isinstance(error, FileNotFoundError) else str(error)
            self._problems.add((*self._where, "file"), f"{model.file}: {said}")
            return {}, None
        columns = self._columns(model, header)
        if len(columns) < 2:
            return {}, None
        instead = self._instead(model, columns)
        maps = self._maps(file, columns, lines, model.lossy)
        table = MapTable(
            file=model.file,
            lines=len(next(iter(maps.values()))),
            passes=model.otherwise == "pass",
            instead=instead,
            lossy=model.lossy,
        )
        return {system: maps[system] for system in self._systems if system in maps}, table

    def _columns(self, model: MapTableModel, header: Sequence[str]) -> dict[str, str]:
        """System → its column, the canonical one first."""
        place = (*self._where, "columns")
        if not model.columns:
            found = {system: system for system in self._systems if system in header}
            if len(found) < 2:
                hint = f"columns: {{{', '.join(f'{system}: …' for system in self._systems)}}}"
                message = f"{model.file} has no columns that are called like two systems of this row"
                self._problems.add((*self._where, "file"), message, allowed=listed(header), hint=hint)
            return found
        for system, column in model.columns.items():
            if system not in self._systems:
                self._problems.unknown((*place, system), "the system", system, self._systems)
            elif column not in header:
                self._problems.unknown((*place, system), f"the column of {model.file}", column, header)
        if len(model.columns) < 2:
            self._problems.add(place, "a table needs the columns of two systems or more")
        return {s: column for s, column in model.columns.items() if s in self._systems and column in header}

    def _instead(self, model: MapTableModel, columns: Mapping[str, str]) -> dict[str, Any]:
        """`otherwise: {erp: Other}`: what is written there for a value that is in no line."""
        place, otherwise = (*self._where, "otherwise"), model.otherwise
        if isinstance(otherwise, str):
            if otherwise not in WORDS:
                self._problems.unknown(place, "the word", otherwise, WORDS)
            return {}
        found = {}
        for key, value in otherwise.items():
            system = key_text(key)
            if system not in columns:
                self._problems.unknown((*place, system), "the system", system, columns)
            elif system in self._sources:
                message = f"what is written to {system} would be read back as another value, since its edits count"
                self._problems.add((*place, system), message, hint="give the row a direction that leads to it only")
            elif isinstance(value, dict | list):
                self._problems.add((*place, system), "is one value, not a list or mapping")
            else:
                found[system] = value
        return found

    def _maps(self, file: Path, columns: Mapping[str, str], lines: Sequence[Line], lossy: bool) -> Maps:
        canonical_of, *others = columns.values()
        systems = list(columns)
        maps: Maps = {system: {} for system in columns}
        seen: dict[str, dict[str, int]] = {column: {} for column in columns.values()}
        for line in lines:
            canonical = line.cells.get(canonical_of)
            if _blank(canonical):
                if any(not _blank(line.cells.get(column)) for column in others):
                    self._wrong(file, line.number, f"the column {canonical_of!r} is empty")
                continue
            text = key_text(canonical)
            if self._twice(file, line.number, canonical_of, text, seen, lossy=False):
                continue
            for system in systems:
                native = line.cells.get(columns[system])
                if not _blank(native) and not self._repeated(file, line.number, columns[system], native, seen, lossy):
                    maps[system][text] = native
        return maps

    def _repeated(
        self, file: Path, number: int, column: str, native: Any, seen: dict[str, dict[str, int]], lossy: bool
    ) -> bool:
        """Whether a value of another column than the canonical one stands there twice, and may not."""
        return column != next(iter(seen)) and self._twice(file, number, column, key_text(native), seen, lossy=lossy)

    def _twice(
        self, file: Path, number: int, column: str, text: str, seen: dict[str, dict[str, int]], *, lossy: bool
    ) -> bool:
        key = text.strip().casefold() if self._fold else text
        first = seen[column].setdefault(key, number)
        if first == number or lossy:
            return False
        hint = "give each its own value"
        if column != next(iter(seen)):
            hint += ", or declare with `lossy: true` that several become one; then the first line is read back"
        self._wrong(file, number, f"{text!r} stands in the column {column!r} twice, first in line {first}", hint)
        return True

    def _wrong(self, file: Path, number: int, message: str, hint: str | None = None) -> None:
        path = spell((*self._where, "file"))
        self._problems.found.append(Problem(file=str(file), line=number, path=path, message=message, hint=hint))


def _blank(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def read_table(file: Path, sheet: str | None = None) -> tuple[list[str], list[Line]]:
    """The columns and lines of a table. Raises OSError; Unreadable (a ValueError) for what is no table."""
    if file.stat().st_size > LARGEST:
        raise Unreadable(
            f"has more than {LARGEST // 1_000_000} MB; let it be a datatype of a system, with its own flow"
        )
    if sheet is not None and file.suffix.lower() != ".xlsx":
        raise Unreadable("only an Excel file has sheets")
    if file.suffix.lower() == ".jsonl":
        return _json_lines(file)
    rows = _excel(file, sheet) if file.suffix.lower() == ".xlsx" else _csv(file)
    first = next(rows, None)
    if first is None:
        raise Unreadable("is empty; its first line names the columns")
    header = [key_text(cell).strip() if cell is not None else "" for cell in first[1]]
    names = [name for name in header if name]
    if len(set(names)) < len(names):
        raise Unreadable("has two columns of one name")
    lines = [Line(number=number, cells=dict(zip(header, cells, strict=False))) for number, cells in rows]
    return names, lines


def _csv(file: Path) -> Iterator[tuple[int, list[Any]]]:
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"is not UTF-8 (byte {error.start})") from None
    first = text.partition("\n")[0]
    separator = max(SEPARATORS, key=first.count)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=separator, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise Unreadable(f"line {reader.line_num}: {error}") from None


def _json_lines(file: Path) -> tuple[list[str], list[Line]]:
    from accord.model import decode_natives

    lines, names = [], dict[str, None]()
    for number, content in enumerate(file.read_bytes().splitlines(), start=1):
        if not content.strip():
            continue
        try:
            cells = decode_natives(content)
        except ValueError as error:
            raise Unreadable(f"line {number} is no JSON object: {error}") from None
        if any(isinstance(cell, dict | list) for cell in cells.values()):
            raise Unreadable(f"line {number} has a list or an object as a value")
        names |= dict.fromkeys(cells)
        lines.append(Line(number=number, cells=cells))
    return list(names), lines


def _excel(file: Path, sheet: str | None) -> Iterator[tuple[int, list[Any]]]:
    try:
        import openpyxl
    except ImportError:
        raise Unreadable("is an Excel file, which needs an extra: pip install 'accord[excel]'") from None
    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    except Exception as error:  # of zip, XML and openpyxl itself
        raise Unreadable(f"is no Excel file: {error}") from None
    try:
        if sheet is not None and sheet not in book.sheetnames:
            raise Unreadable(f"has no sheet {sheet!r}; it has {listed(book.sheetnames)}")
        page = book[sheet] if sheet is not None else book.worksheets[0]
        for number, cells in enumerate(page.iter_rows(values_only=True), start=1):
            yield number, [_cell(cell) for cell in cells]
    finally:
        book.close()


def _cell(cell: Any) -> Any:
    """Numbers as Excel shows them: 47.0 is 47."""
    from decimal import Decimal

    if isinstance(cell, float):
        return int(cell) if cell.is_integer() else Decimal(repr(cell))
    return cell.strip() if isinstance(cell, str) else cell if cell is None or isinstance(cell, int) else str(cell)
