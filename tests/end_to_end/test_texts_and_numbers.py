"""Texts and numbers from JSON lines into every kind of store that a whole round can reach here without a server.

What a store cannot hold is held for that record alone, with a reason; everything else arrives as it was, to the last
sign, and is quiet. What a store makes of line ends is named.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from accord.config.load import load
from accord.connectors.registry import connect
from accord.engine.report import Report
from accord.engine.round import Caller, run_round
from accord.engine.setting import Options

TEXTS = {
    "nfc": "Ås",
    "nfd": "A\u030as",
    "invisible": "a\u200bb\ufeffc\u00ad",
    "bidi": "a\u202eb\u2066c",
    "crlf": "a\r\nb",
    "lf": "a\nb",
    "cr": "a\rb",
    "emoji": "👩\u200d👩\u200d👧 𝄞",
    "blanks": "  a \t",
    "nul": "a\x00b",
    "control": "a\x01b",
    "quotes": "a\"b,c;d'e",
    "formula": "=1+1",
    "like a number": "007",
    "long": "x" * 10_000_000,
}
NUMBERS = {
    "ten cents": "0.10",
    "thirty digits": "123456789012345678901234567890",
    "thirty decimals": "0.123456789012345678901234567891",
    "small": "0.0000001",
    "negative": "-0.30",
    "exponent": "1e2",
}
STORES = ("jsonl", "csv", "xlsx", "parquet", "sqlite")
LOST_HALF = "half of a character (a lone surrogate), which no text can hold"
HELD = {"xlsx": {"nul": "control characters", "control": "control characters", "long": "32767 characters"}}
MADE = {"xlsx": {"crlf": "a\nb", "cr": "a\nb"}}
"""What a store makes of a text: an Excel file is XML, which has one line end."""


def store(kind: str, folder: Path, value: str) -> dict[str, Any]:
    """An empty store, and the system that it is."""
    if kind == "sqlite":
        with sqlite3.connect(folder / "there.db") as db:
            db.execute(f"CREATE TABLE thing (id INTEGER PRIMARY KEY, label TEXT, value {value})")
        url = f"sqlite:///{folder / 'there.db'}"
        return {"connector": "sql", "url": url, "datatypes": {"thing": {"table": "thing"}}}
    file = folder / f"there.{kind}"
    if kind == "xlsx":
        book = openpyxl.Workbook()
        book.worksheets[0].append(["id", "label", "value"])
        book.save(file)
    elif kind == "parquet":
        columns = {"id": pa.int64(), "label": pa.string(), "value": pa.string()}
        pq.write_table(pa.table({name: pa.array([], column) for name, column in columns.items()}), file)
    else:
        file.write_text("id,label,value\n" if kind == "csv" else "\n")
    return {"connector": "file", "datatypes": {"thing": {"path": str(file)}}}


def carry(folder: Path, kind: str, type: str, lines: list[str], value: str = "TEXT") -> tuple[Report, dict[str, Any]]:
    """A round, and another one that writes nothing; label → value as the store shows it."""
    (folder / "here.jsonl").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    here = {"connector": "file", "datatypes": {"thing": {"path": str(folder / "here.jsonl")}}}
    rows = [{"here": "label", "there": "label"}, {"here": "value", "there": "value", "type": type}]
    flow = {"here": "thing", "there": "thing", "link": "create", "rows": rows}
    systems = {"here": here, "there": store(kind, folder, value)}
    file = folder / "accord.yaml"
    file.write_text(json.dumps({"accord": 1, "systems": systems, "flows": {"thing": flow}}))
    report = run_round(load(file), Options(), Caller())
    assert report.errors == []
    again = run_round(load(file), Options(), Caller())
    assert sum(sum(ops.values()) for ops in again.writes.values()) == 0
    return report, asyncio.run(_shown(folder))


async def _shown(folder: Path) -> dict[str, Any]:
    connector = connect(load(folder / "accord.yaml").systems["there"])
    await connector.open({"thing": ["label", "value"]})
    try:
        records = [record.natives() async for page in connector.read("thing", None) for record in page.records]
    finally:
        await connector.close()
    return {str(record["label"]): record.get("value") for record in records}


@pytest.mark.parametrize("kind", STORES)
def test_texts(tmp_path: Path, kind: str) -> None:
    """Each as it was, or held by itself; also the record of which half a character is read."""
    lines = [json.dumps({"id": at, "label": label, "value": text}) for at, (label, text) in enumerate(TEXTS.items(), 1)]
    report, shown = carry(tmp_path, kind, "string", [*lines, '{"id": 99, "label": "half", "value": "a\\ud800b"}'])
    held = HELD.get(kind, {})
    made = MADE.get(kind, {})
    assert shown == {label: made.get(label, text) for label, text in TEXTS.items() if label not in held}
    reasons = [item["reason"] for item in report.held]
    assert len(reasons) == len(held) + 1
    assert all(any(said in reason for reason in reasons) for said in (*held.values(), LOST_HALF))


@pytest.mark.parametrize("kind", ["jsonl", "csv", "xlsx", "parquet", "sqlite"])
def test_decimals(tmp_path: Path, kind: str) -> None:
    """Digit for digit; nowhere through a binary float, which has about sixteen."""
    lines = [f'{{"id": {at}, "label": "{label}", "value": {n}}}' for at, (label, n) in enumerate(NUMBERS.items(), 1)]
    report, shown = carry(tmp_path, kind, "decimal", lines)
    kept = {label: Decimal(str(value)) for label, value in shown.items()}
    missing = {item["values"]["label"] for item in report.held if "label" in item["values"]}
    assert kept == {label: Decimal(number) for label, number in NUMBERS.items() if label not in missing}
    assert missing <= ({"thirty digits", "thirty decimals"} if kind == "xlsx" else set())


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "sqlite", "csv", "xlsx"])
def test_null_empty_and_absent(tmp_path: Path, kind: str) -> None:
    """Apart wherever the store can tell them apart; a cell of a table has one kind of nothing."""
    lines = [
        '{"id": 1, "label": "null", "value": null}',
        '{"id": 2, "label": "empty", "value": ""}',
        '{"id": 3, "label": "absent"}',
    ]
    report, shown = carry(tmp_path, kind, "string", lines)
    assert report.held == []
    if kind in ("jsonl", "parquet", "sqlite"):
        assert (shown["null"], shown["empty"]) == (None, "")
    assert shown["absent"] in (None, "")
