"""Excel workbooks: the first sheet, or a named one, with a header row. Needs the extra `excel`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any
from zipfile import BadZipFile, ZipFile

from accord.connectors.file_formats import Changes, Line, WrongShape
from accord.errors import MendFile
from accord.model import Native, Natives

TEXT_LIMIT = 32_767
DIGITS = 15
"""Excel keeps numbers as binary doubles."""
LOST_ON_WRITING = ("xl/charts/", "xl/media/", "xl/vbaProject", "xl/pivot", "xl/slicers/", "xl/activeX/")


class Excel:
    """A table in a workbook. A changed copy keeps the other cells, their formats and formulas."""

    def __init__(self, sheet: str | None = None) -> None:
        self._sheet = sheet

    def columns(self, path: Path) -> tuple[str, ...] | None:
        """See `Format`."""
        book, sheet = self._load(path, read_only=True, data_only=True)
        try:
            return _header(next(sheet.iter_rows(max_row=1), ()))
        finally:
            book.close()

    def types(self, path: Path) -> Mapping[str, str]:
        """A column of a sheet may hold anything."""
        return {}

    def lines(self, path: Path) -> Iterator[Line]:
        """See `Format`. Of a formula the value is shown that was last calculated."""
        book, sheet = self._load(path, read_only=True, data_only=True)
        try:
            rows = sheet.iter_rows()
            header = _header(next(rows, ()))
            for row in rows:
                if any(cell.value is not None for cell in row):
                    yield _line(header, row)
        finally:
            book.close()

    def copy(self, source: Path, target: Path, changes: Changes) -> None:
        """See `Format`. Refuses workbooks with charts, pictures or macros, which would not survive."""
        _refuse_what_would_be_lost(source)
        book, sheet = self._load(source)
        header = _header(sheet[1])
        place = {name: index for index, name in enumerate(header, 1)}
        for number in range(sheet.max_row, 1, -1):
            id = str(_read(sheet.cell(number, place[changes.id])))
            if id in changes.removed:
                sheet.delete_rows(number)
            elif id in changes.patches:
                _write_row(sheet, number, place, changes.patches[id])
        for natives in changes.added:
            _write_row(sheet, sheet.max_row + 1, place, natives)
        book.save(target)
        book.close()

    def _load(self, path: Path, **settings: Any) -> tuple[Any, Any]:
        try:
            book = _openpyxl().load_workbook(path, **settings)
        except (BadZipFile, KeyError, ValueError) as error:
            raise WrongShape(f"is no workbook: {error}") from error
        if self._sheet is not None and self._sheet not in book.sheetnames:
            raise WrongShape(f"has no sheet {self._sheet!r}; there are {', '.join(book.sheetnames)}")
        return book, book[self._sheet or book.sheetnames[0]]


def _openpyxl() -> ModuleType:
    try:
        import openpyxl
    except ModuleNotFoundError as error:
        raise MendFile("Excel files need the extra `excel`", hint="pip install 'accord[excel]'") from error
    module: ModuleType = openpyxl
    return module


def _header(row: Any) -> tuple[str, ...]:
    header = tuple(str(cell.value) for cell in row if cell.value is not None)
    if not header or len(set(header)) != len(header):
        raise WrongShape("has no header row, or two columns of the same name")
    return header


def _line(header: tuple[str, ...], row: Any) -> Line:
    cells = dict(zip(header, row, strict=False))
    try:
        return Line({name: _read(cells[name]) if name in cells else None for name in header})
    except ValueError as error:
        return Line({}, str(error))


def _read(cell: Any) -> Native:
    value = cell.value
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, datetime):
        plain = "h" not in str(cell.number_format).lower() and value.time() == time()
        return value.date().isoformat() if plain else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if value is None or isinstance(value, str | int):
        return value
    return str(value)


def _write_row(sheet: Any, number: int, place: dict[str, int], natives: Natives) -> None:
    unknown = set(natives) - set(place)
    if unknown:
        raise ValueError(f"there is no column {', '.join(sorted(unknown))}")
    for name, value in natives.items():
        cell = sheet.cell(number, place[name])
        if cell.data_type == "f":
            raise ValueError(f"{name} is a formula here")
        above = sheet.cell(number - 1, place[name]) if number > 2 else cell
        _write(cell, value, dated=isinstance(cell.value or above.value, datetime))


def _write(cell: Any, value: Native, *, dated: bool) -> None:
    if isinstance(value, list | dict):
        raise ValueError("a cell holds no lists and no objects")
    if isinstance(value, int | Decimal) and len(Decimal(value).normalize().as_tuple().digits) > DIGITS:
        raise ValueError(f"Excel keeps {DIGITS} digits of {value}")
    if not isinstance(value, str):
        cell.value = value
        return
    if len(value) > TEXT_LIMIT:
        raise ValueError(f"a cell holds {TEXT_LIMIT} characters")
    if _openpyxl().cell.cell.ILLEGAL_CHARACTERS_RE.search(value):
        raise ValueError("a cell holds no control characters")
    if dated and value:
        cell.value = datetime.fromisoformat(value).replace(tzinfo=None)
        return
    cell.value = value
    cell.data_type = "s"


def _refuse_what_would_be_lost(path: Path) -> None:
    with ZipFile(path) as archive:
        lost = [name for name in archive.namelist() if name.startswith(LOST_ON_WRITING)]
    if lost:
        raise ValueError(f"the workbook has {lost[0]}, which writing would lose; keep the table in a file of its own")
