"""`accord discover`: what a system has, shown and written into the project file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from accord.cli.main import run_app
from accord.config.load import load
from accord.config.writing import put_properties
from accord.errors import UsageError

from .conftest import World

MORE = """
CREATE TABLE invoice (no TEXT PRIMARY KEY, client INTEGER NOT NULL, state VARCHAR(1), mail VARCHAR(80),
  sum DECIMAL(10,2), row_version INTEGER, changed_at TIMESTAMP);
CREATE VIEW open_invoice AS SELECT * FROM invoice WHERE state = 'O';
"""


@pytest.fixture
def shop(world: World) -> World:
    """The ERP has invoices, too, which the project file does not know."""
    for statement in MORE.strip().split(";")[:-1]:
        world.sql("erp", statement)
    for number in range(1, 31):
        values = (f"I-{number:03}", 71, "OPX"[number % 3], f"kari.{number}@example.org", number * 1.25)
        world.sql("erp", "INSERT INTO invoice VALUES (?, ?, ?, ?, ?, 1, '2026-01-01 10:00:00')", *values)
    return world


def properties(found: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
    """Path → property, of one datatype."""
    (datatype,) = (each for each in found["datatypes"] if each["name"] == name)
    return {each["path"]: each for each in datatype["properties"]}


def test_everything_that_there_is(shop: World) -> None:
    """Datatypes of the file first, then the other tables and views; what they tell, and what their rows show."""
    found = shop.accord("discover", "erp", "--json").json
    there = {each["name"]: each["in_file"] for each in found["datatypes"]}
    assert there == {"client": True, "trip": True, "invoice": False, "open_invoice": False}
    (invoice,) = (each for each in found["datatypes"] if each["name"] == "invoice")
    assert invoice["keys"] == {"table": "invoice", "id": "no", "modified": "changed_at", "version": "row_version"}
    assert invoice["sampled"] == 30
    seen = properties(found, "invoice")
    assert {path: each["type"] for path, each in seen.items()} == {
        "no": "string",
        "client": "integer",
        "state": "enum",
        "mail": "email",
        "sum": "decimal(2)",
        "row_version": "integer",
        "changed_at": "datetime",
    }
    assert (seen["state"]["values"], seen["state"]["max_length"]) == (["O", "P", "X"], 1)
    assert (seen["client"]["required"], seen["no"]["unique"], seen["mail"]["filled"]) == (True, True, 30)
    assert seen["no"]["example"] == "I-001"


def test_it_is_shown(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what is worth knowing in words, on a terminal that is wide enough for a line each."""
    monkeypatch.setenv("COLUMNS", "200")
    out = shop.accord("discover", "erp", "invoice").out
    assert "30 records looked at; not in the project file." in out
    assert "one of O, P, X" in out
    assert "always in capitals" in out
    assert "trip" not in out


def test_without_looking_at_records(shop: World) -> None:
    """Only what the database tells."""
    seen = properties(shop.accord("discover", "erp", "invoice", "--sample", "0", "--json").json, "invoice")
    assert (seen["state"]["type"], seen["mail"]["example"], seen["client"]["required"]) == ("string", None, True)


def test_it_is_written(shop: World) -> None:
    """New datatypes and new properties; what stands there stays, and a second time nothing is added."""
    file = shop.folder / "accord.yaml"
    before = file.read_text("utf-8")
    result = shop.accord("discover", "erp", "--write")
    assert "7 properties of erp.invoice written" in result.err
    text = file.read_text("utf-8")
    assert [line for line in before.splitlines() if line not in text.splitlines()] == [
        "      client: {table: client, id: no, modified: changed}",
        "      trip: {table: trip}",
    ]
    datatypes = load(file).systems["erp"].datatypes
    assert datatypes["invoice"].properties["state"].values == ("O", "P", "X")
    assert (datatypes["invoice"].id, datatypes["client"].modified) == ("no", "changed")
    assert datatypes["client"].properties["vat"].type == "string"
    assert shop.accord("check").status == 0
    assert "has all of it already" in shop.accord("discover", "erp", "--write").err
    assert file.read_text("utf-8") == text


BLOCK = """\
accord: 1
systems:
  # first the one
  a:
    connector: file
    datatypes:
      one:
        path: one.csv   # the file
        properties:
          name: {type: string, max_length: 9}   # as agreed
        # the end of one

      two: {path: two.csv, id: no}
  b: {connector: file, datatypes: {three: {path: "${FOLDER}/three.csv"}}}
flows: {}
"""


def test_the_rest_of_the_file_stays_as_it_is(tmp_path: Path) -> None:
    """Comments, order, quotes, variables; in both forms of YAML."""
    file = tmp_path / "accord.yaml"
    file.write_text(BLOCK, "utf-8")
    entries = {"name": {"type": "text"}, "lines[].sku": {"type": "string"}, "no": {"values": ["yes", "007", 7]}}
    assert put_properties(file, "a", {"one": entries, "two": entries}, {}) == {"one": 2, "two": 3}
    new = {"four": {"path": "4.csv", "id": None}}
    assert put_properties(file, "b", {"three": entries, "four": {}}, new) == {"three": 3, "four": 0}
    some = '"lines[].sku": {type: string}'
    values = 'no: {values: ["yes", "007", 7]}'
    flow = f", properties: {{name: {{type: text}}, {some}, {values}}}}}"
    expected = BLOCK.replace("# as agreed\n", f"# as agreed\n          {some}\n          {values}\n")
    expected = expected.replace("id: no}", f"id: no{flow}")
    expected = expected.replace('three.csv"}', f'three.csv"{flow}, four: {{path: "4.csv"}}')
    assert file.read_text("utf-8") == expected
    read = load(file, stand_ins=True).systems
    assert read["a"].datatypes["one"].properties["name"].max_length == 9
    assert read["b"].datatypes["three"].properties["no"].values == ("yes", "007", 7)


def test_what_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    """A datatype of an included file; a file that could not be read afterwards."""
    file = tmp_path / "accord.yaml"
    file.write_text(BLOCK, "utf-8")
    with pytest.raises(UsageError, match="'c' has no `datatypes` in this file"):
        put_properties(file, "c", {"one": {"x": {"type": "string"}}}, {})
    with pytest.raises(UsageError, match="was left as it was"):
        put_properties(file, "a", {"one": {"x": {"type": "strimg"}}}, {})
    assert file.read_text("utf-8") == BLOCK


def test_wrong_names(world: World) -> None:
    """With the nearest one."""
    assert "did you mean 'erp'?" in world.accord("discover", "er").err
    assert "did you mean 'client'?" in world.accord("discover", "erp", "clientt").err
    assert world.accord("discover", "erp", "--sample", "-1").status == 2


def test_a_system_that_is_not_there(world: World) -> None:
    """Exit status 1."""
    (world.folder / "erp.db").unlink()
    (world.folder / "erp.db").mkdir()
    assert world.accord("discover", "erp").status == 1


def test_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Columns of CSV, and nested properties of JSON lines by their paths."""
    lines = [
        {"id": n, "contact": {"email": f"a{n}@example.org"}, "tags": ["x"], "lines": [{"sku": f"S{n}", "count": n}]}
        for n in range(1, 26)
    ]
    (tmp_path / "orders.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    (tmp_path / "customers.csv").write_text("id,name\n1,Aas\n", "utf-8")
    (tmp_path / "accord.yaml").write_text(
        "accord: 1\nsystems:\n  f:\n    connector: file\n    datatypes:\n      order: {path: orders.jsonl}\n"
        "      customer: {path: customers.csv}\nflows: {}\n",
        "utf-8",
    )
    assert run_app(["discover", "f", "-C", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    seen = {path: each["type"] for path, each in properties(found, "order").items()}
    assert seen == {
        "id": "integer",
        "contact.email": "email",
        "tags[]": "list(string)",
        "lines[].sku": "list(string)",
        "lines[].count": "list(integer)",
    }
    assert list(properties(found, "customer")) == ["id", "name"]


def test_one_line_of_a_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A path that the file names by a selector is a property of its own."""
    fields = [{"id": 1, "value": f"V{n}"} for n in range(3)]
    lines = [{"id": n, "fields": [{"id": 2, "value": "x"}, fields[n]]} for n in range(3)]
    (tmp_path / "orders.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    (tmp_path / "accord.yaml").write_text(
        "accord: 1\nsystems:\n  f:\n    connector: file\n    datatypes:\n"
        '      order: {path: orders.jsonl, properties: {"fields[id=1].value": string}}\nflows: {}\n',
        "utf-8",
    )
    assert run_app(["discover", "f", "-C", str(tmp_path), "--json"]) == 0
    seen = properties(json.loads(capsys.readouterr().out), "order")
    assert (seen["fields[id=1].value"]["filled"], seen["fields[id=1].value"]["example"]) == (3, "V0")
