"""Files at a distance: the conformance suite of local files, with a person who saves them on the server."""

import csv
import io
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet
import pytest

from accord.config.meaning import Datatype, System
from accord.connectors.file import FileConnector
from tests.ports.file_rows import RowsSuite
from tests.ports.test_file import HEADER, TASKS
from tests.real.files.conftest import Bucket, Folder, Store

pytestmark = pytest.mark.xdist_group("files")


def described(store: Store, **options: Any) -> System:
    """One file of tasks."""
    told = Datatype(
        system="desk", name="task", title="Task", key_property="sync_key", options={"path": store.url, **options}
    )
    return System(name="desk", title="Desk", connector="file", datatypes={"task": told}, options=store.options)


class FarSuite(RowsSuite):
    """A person who fetches the file, changes it and puts it back."""

    name = "tasks.csv"
    keeps: dict[str, Any] = {"keeps_null": False}

    def place(self) -> Store:
        raise NotImplementedError

    def load(self) -> list[dict[str, Any]]:
        return list(csv.DictReader(io.StringIO(self.store.read().decode(), newline="")))

    def save(self, rows: list[dict[str, Any]]) -> None:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, HEADER)
        writer.writeheader()
        writer.writerows(rows)
        self.store.write(text.getvalue().encode())

    def connector(self) -> FileConnector:
        self.store = self.place()
        return FileConnector(described(self.store))


class TestSftp(FarSuite):
    """CSV on an SFTP server."""

    @pytest.fixture(autouse=True)
    def _server(self, sftp: Callable[[str], Folder]) -> None:
        self.place = lambda: sftp(self.name)  # type: ignore[method-assign]


class TestS3(FarSuite):
    """CSV in a bucket."""

    @pytest.fixture(autouse=True)
    def _server(self, s3: Callable[[str], Bucket]) -> None:
        self.place = lambda: s3(self.name)  # type: ignore[method-assign]


class TestJsonLinesOnS3(TestS3):
    """Null, empty and absent are kept apart."""

    name = "tasks.jsonl"
    keeps: dict[str, Any] = {}

    def load(self) -> list[dict[str, Any]]:
        return [json.loads(line, parse_float=Decimal) for line in self.store.read().decode().splitlines() if line]

    def save(self, rows: list[dict[str, Any]]) -> None:
        lines = [json.dumps(row, default=float) for row in rows]
        self.store.write(("".join(f"{line}\n" for line in lines) or "\n").encode())


class TestExcelOnSftp(TestSftp):
    """A workbook; an empty cell is null."""

    name = "tasks.xlsx"
    keeps: dict[str, Any] = {"keeps_empty": False}

    def load(self) -> list[dict[str, Any]]:
        rows = openpyxl.load_workbook(io.BytesIO(self.store.read())).active.iter_rows(min_row=2, values_only=True)
        return [dict(zip(HEADER, row, strict=False)) for row in rows if row[0] is not None]

    def save(self, rows: list[dict[str, Any]]) -> None:
        book, content = openpyxl.Workbook(), io.BytesIO()
        book.active.append(HEADER)
        for row in rows:
            book.active.append([row.get(name) for name in HEADER])
            for cell in book.active[book.active.max_row]:
                cell.data_type = "s" if isinstance(cell.value, str) else cell.data_type
        book.save(content)
        self.store.write(content.getvalue())


class TestParquetOnS3(TestS3):
    """Typed columns."""

    name = "tasks.parquet"
    keeps: dict[str, Any] = {}

    def load(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = pyarrow.parquet.read_table(io.BytesIO(self.store.read())).to_pylist()
        return rows

    def save(self, rows: list[dict[str, Any]]) -> None:
        content = io.BytesIO()
        whole = [{name: row.get(name) for name in HEADER} for row in rows]
        pyarrow.parquet.write_table(pa.Table.from_pylist(whole, schema=TASKS), content)
        self.store.write(content.getvalue())
