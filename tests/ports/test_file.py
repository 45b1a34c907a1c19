"""The file connector: CSV, JSON lines, Excel and Parquet against the conformance suite, and what only files do."""

import asyncio
import csv
import json
from datetime import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet
import pytest

from accord.config.meaning import Datatype, System, SystemClock
from accord.connectors.file import FileConnector
from accord.errors import MendFile, ProtocolError, Unreachable
from accord.model import Absence, OutcomeKind, Record
from accord.ports import Expects, NewRecord
from accord.testing import ground
from tests.ports.file_rows import RowsSuite

TASKS = pyarrow.schema(
    {
        "id": pyarrow.int64(),
        "name": pyarrow.string(),
        "price": pyarrow.decimal128(12, 2),
        "notes": pyarrow.string(),
        "sync_key": pyarrow.string(),
    }
)
HEADER = ["id", "name", "price", "notes", "sync_key"]


def system(folder: Path, name: str, **options: Any) -> System:
    """A folder with one file of tasks."""
    told = Datatype(
        system="desk", name="task", title="Task", key_property="sync_key", options={"path": name, **options}
    )
    return System(name="desk", title="Desk", connector="file", datatypes={"task": told}, options={"folder": folder})


class FileSuite(RowsSuite):
    """A file on this machine."""

    name = ""

    @pytest.fixture(autouse=True)
    def _in_folder(self, tmp_path: Path) -> None:
        self.folder, self.path = tmp_path, tmp_path / self.name

    def connector(self) -> FileConnector:
        return FileConnector(system(self.folder, self.name))


class TestCsv(FileSuite):
    """Every value is text; a null is an empty cell."""

    name = "tasks.csv"
    keeps = {"keeps_null": False}

    def load(self) -> list[dict[str, Any]]:
        with self.path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def save(self, rows: list[dict[str, Any]]) -> None:
        with self.path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, HEADER)
            writer.writeheader()
            writer.writerows(rows)


class TestJsonLines(FileSuite):
    """Null, empty and absent are kept apart."""

    name = "tasks.jsonl"

    def load(self) -> list[dict[str, Any]]:
        lines = self.path.read_text().splitlines()
        return [json.loads(line, parse_float=Decimal) for line in lines if line]

    def save(self, rows: list[dict[str, Any]]) -> None:
        self.path.write_text("".join(json.dumps(row, default=float) + "\n" for row in rows) or "\n")


class TestExcel(FileSuite):
    """No empty text; numbers are numbers."""

    name = "tasks.xlsx"
    keeps = {"keeps_empty": False}

    def load(self) -> list[dict[str, Any]]:
        rows = openpyxl.load_workbook(self.path).active.iter_rows(min_row=2, values_only=True)
        return [dict(zip(HEADER, row, strict=False)) for row in rows if row[0] is not None]

    def save(self, rows: list[dict[str, Any]]) -> None:
        book = openpyxl.Workbook()
        book.active.append(HEADER)
        for row in rows:
            book.active.append([row.get(name) for name in HEADER])
            for cell in book.active[book.active.max_row]:
                cell.data_type = "s" if isinstance(cell.value, str) else cell.data_type
        book.save(self.path)


class TestParquet(FileSuite):
    """Typed columns: null, empty, decimals."""

    name = "tasks.parquet"

    def load(self) -> list[dict[str, Any]]:
        return list(pyarrow.parquet.read_table(self.path).to_pylist())

    def save(self, rows: list[dict[str, Any]]) -> None:
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, schema=TASKS), self.path)


def opened(folder: Path, text: str, name: str = "tasks.csv") -> FileConnector:
    """A connector on a file of this text."""
    (folder / name).write_bytes(text.encode())
    connector = FileConnector(system(folder, name))
    asyncio.run(connector.open({"task": ["name"]}))
    return connector


async def listed(connector: FileConnector) -> list[Any]:
    return [page async for page in connector.read("task", None)]


def test_untouched_lines_stay_as_they_are_written(tmp_path: Path) -> None:
    """Quotes, line ends, separator and byte order mark are the file's own."""
    connector = opened(tmp_path, '\ufeffid;name;sync_key\r\n1;"one ";\r\n2;"two; 2";""\r\n3;three;')
    asyncio.run(connector.update("task", "1", {"name": "uno"}, Expects()))
    asyncio.run(connector.delete("task", "3", Expects()))
    text = (tmp_path / "tasks.csv").read_bytes().decode()
    assert text == '\ufeffid;name;sync_key\r\n1;uno;\r\n2;"two; 2";""\r\n'


def test_a_formula_in_a_value_is_only_text(tmp_path: Path) -> None:
    """In CSV it is carried verbatim; in Excel it is stored as text and never calculated."""
    book = openpyxl.Workbook()
    book.active.append(HEADER)
    book.save(tmp_path / "tasks.xlsx")
    connector = FileConnector(system(tmp_path, "tasks.xlsx"))
    asyncio.run(connector.open({"task": ["name"]}))
    asyncio.run(connector.create("task", [NewRecord(natives={"name": "=1+1"}, token="t")]))
    cell = openpyxl.load_workbook(tmp_path / "tasks.xlsx").active["B2"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")


def test_a_file_saved_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    """The file is looked at again right before it is replaced."""
    connector = opened(tmp_path, "id,name,sync_key\n1,one,\n2,two,\n")
    file = connector._files["task"]
    copy = file.format.copy

    def slowly(source: Path, target: Path, changes: Any) -> None:
        copy(source, target, changes)
        (tmp_path / "tasks.csv").write_text("id,name,sync_key\n1,one,\n2,a person's,\n")

    file.format.copy = slowly  # type: ignore[method-assign]
    outcome = asyncio.run(connector.update("task", "1", {"name": "ours"}, Expects()))
    assert outcome.kind is OutcomeKind.STALE
    assert "a person's" in (tmp_path / "tasks.csv").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["tasks.csv"]


def test_a_missing_file_is_no_empty_listing(tmp_path: Path) -> None:
    """Nothing is concluded from it."""
    connector = opened(tmp_path, "id,name,sync_key\n")
    (tmp_path / "tasks.csv").unlink()
    with pytest.raises(Unreachable):
        asyncio.run(listed(connector))
    with pytest.raises(Unreachable):
        asyncio.run(connector.fetch("task", ["1"]))


@pytest.mark.parametrize(
    ("name", "text"), [("tasks.csv", ""), ("tasks.jsonl", ""), ("tasks.xlsx", "<html>"), ("tasks.parquet", "PAR1")]
)
def test_a_file_of_the_wrong_shape_is_no_empty_listing(tmp_path: Path, name: str, text: str) -> None:
    """No header, no bytes, no workbook."""
    with pytest.raises(ProtocolError):
        asyncio.run(listed(opened(tmp_path, text, name)))


def test_a_broken_line_stops_itself_and_nothing_counts_as_gone(tmp_path: Path) -> None:
    """A half-written line may be any record."""
    connector = opened(tmp_path, '{"id": 1, "name": "one"}\n{"id": 2, "na\n', "tasks.jsonl")
    (page,) = asyncio.run(listed(connector))
    assert [record.id for record in page.records] == ["1"]
    assert len(page.failures) == 1
    assert asyncio.run(connector.fetch("task", ["2"])) == {"2": Absence.FAILED}


def test_two_lines_of_one_id_are_a_failure(tmp_path: Path) -> None:
    """Neither is written."""
    connector = opened(tmp_path, "id,name,sync_key\n1,one,\n1,uno,\n")
    assert asyncio.run(connector.fetch("task", ["1"])) == {"1": Absence.FAILED}
    assert asyncio.run(connector.update("task", "1", {"name": "x"}, Expects())).kind is OutcomeKind.REJECTED


def test_the_id_of_a_deleted_record_is_not_given_again(tmp_path: Path) -> None:
    """At least by the process that saw it."""
    connector = opened(tmp_path, "id,name,sync_key\n1,one,\n")
    first, second = [NewRecord(natives={"name": name}, token=name) for name in ("a", "b")]
    (made,) = asyncio.run(connector.create("task", [first]))
    assert made.record is not None
    asyncio.run(connector.delete("task", made.record.id, ground(made.record)))
    (again,) = asyncio.run(connector.create("task", [second]))
    assert again.record is not None
    assert (made.record.id, again.record.id) == ("2", "3")


def test_an_unknown_column_is_named_with_the_nearest(tmp_path: Path) -> None:
    """Nothing is read as absent that is only misspelt."""
    connector = opened(tmp_path, "id,nmae,sync_key\n1,one,\n")
    with pytest.raises(ProtocolError, match="did you mean 'nmae'"):
        asyncio.run(listed(connector))


def test_an_unknown_format_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    """When the system is used."""
    with pytest.raises(MendFile, match="csv, jsonl, xlsx or parquet"):
        FileConnector(system(tmp_path, "tasks.ods"))


TYPED = {
    "id": (pyarrow.string(), "a1", "string"),
    "whole": (pyarrow.int16(), 7, "integer"),
    "exact": (pyarrow.decimal128(30, 4), Decimal("12345678901234567890.1000"), "decimal(4)"),
    "binary": (pyarrow.float64(), Decimal("0.1"), "float"),
    "yes": (pyarrow.bool_(), True, "boolean"),
    "day": (pyarrow.date32(), "2026-02-28", "date"),
    "clock": (pyarrow.time64("us"), "23:59:59.000001", "time"),
    "moment": (pyarrow.timestamp("ns", "UTC"), "2026-02-28T12:30:00.123456789Z", "datetime"),
    "local": (pyarrow.timestamp("ms"), "2026-07-01T12:30:00.250", "datetime"),
    "tags": (pyarrow.list_(pyarrow.string()), ["x", None], None),
    "address": (pyarrow.struct({"zip": pyarrow.string()}), {"zip": "0150"}, None),
}


def typed(folder: Path) -> FileConnector:
    """A file with a column of each type, two records and a thousand more between them."""
    schema = pyarrow.schema({name: kind for name, (kind, _, _) in TYPED.items()})
    columns = [
        pyarrow.concat_arrays([_cell(kind, value), pyarrow.nulls(1000, kind), _cell(kind, value)])
        for kind, value, _ in TYPED.values()
    ]
    table = pyarrow.Table.from_arrays(columns, schema=schema)
    ids = pyarrow.array(["a1", *(f"n{at}" for at in range(1000)), "a2"])
    pyarrow.parquet.write_table(table.set_column(0, schema.field("id"), ids), folder / "t.parquet", compression="zstd")
    told = Datatype(system="desk", name="task", title="Task", options={"path": "t.parquet"})
    desk = System(
        name="desk",
        title="Desk",
        connector="file",
        datatypes={"task": told},
        options={"folder": folder},
        clock=SystemClock(zone="Europe/Oslo"),
    )
    connector = FileConnector(desk)
    asyncio.run(connector.open({"task": list(TYPED)}))
    return connector


def _cell(kind: Any, value: Any) -> Any:
    if pyarrow.types.is_time(kind):
        value = time.fromisoformat(value)
    if pyarrow.types.is_floating(kind):
        value = float(value)
    as_text = isinstance(value, str) and not pyarrow.types.is_string(kind)
    return pyarrow.array([value], None if as_text else kind).cast(kind)


def test_parquet_tells_types_and_keeps_every_digit(tmp_path: Path) -> None:
    """What is read is what is stored; written back it is the same; untouched cells keep their nanoseconds."""
    connector = typed(tmp_path)
    told = asyncio.run(connector.schema())["task"].properties
    assert {name: one.type for name, one in told.items()} == {name: type for name, (_, _, type) in TYPED.items()}
    before = asyncio.run(connector.fetch("task", ["a1", "a2"]))
    first = before["a1"]
    assert isinstance(first, Record)
    assert first.natives() == {name: value for name, (_, value, _) in TYPED.items()}
    values = {name: value for name, value in first.natives().items() if name not in ("id", "moment")}
    outcome = asyncio.run(connector.update("task", "a1", values, Expects(version=first.version)))
    assert outcome.kind is OutcomeKind.APPLIED, outcome
    assert asyncio.run(connector.fetch("task", ["a1", "a2"])) == before
    file = pyarrow.parquet.ParquetFile(tmp_path / "t.parquet")
    assert (file.metadata.num_rows, file.metadata.row_group(0).column(0).compression) == (1002, "ZSTD")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("whole", Decimal("1.5")),
        ("whole", 40000),
        ("exact", Decimal("0.00001")),
        ("binary", Decimal("0.1000000000000000055")),
        ("day", "yesterday"),
        ("yes", "true"),
        ("nothing", 1),
        ("id", 5),
    ],
)
def test_parquet_refuses_what_a_column_cannot_hold(tmp_path: Path, name: str, value: Any) -> None:
    """With the column named, and the file as it was."""
    connector = typed(tmp_path)
    before = (tmp_path / "t.parquet").read_bytes()
    outcome = asyncio.run(connector.update("task", "a1", {name: value}, Expects()))
    assert outcome.kind is OutcomeKind.REJECTED
    assert name in (outcome.message or "")
    assert (tmp_path / "t.parquet").read_bytes() == before


def test_times_of_a_column_without_zone_are_in_the_systems_zone(tmp_path: Path) -> None:
    """10:30 UTC in July is 12:30 in Oslo."""
    connector = typed(tmp_path)
    asyncio.run(connector.update("task", "a2", {"local": "2026-07-01T10:30:00Z", "moment": None}, Expects()))
    found = asyncio.run(connector.fetch("task", ["a2"]))["a2"]
    assert isinstance(found, Record)
    assert (found.natives()["local"], found.natives()["moment"]) == ("2026-07-01T12:30:00.000", None)
