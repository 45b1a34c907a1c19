"""`accord check` tries the laws of every row on made values, and shows what breaks them in the user's terms."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from accord.cli.main import app

HOURS = {"name": "hours", "pms": "hours", "erp": "minutes"}


def checked(folder: Path, row: dict[str, Any], pms: Any = None, erp: Any = None) -> tuple[int, list[dict[str, Any]]]:
    """Exit status and findings of a project with one row."""
    systems = {
        name: {"connector": "memory", "instance": f"laws-{name}", "datatypes": {"task": {"properties": told or {}}}}
        for name, told in (("pms", pms), ("erp", erp))
    }
    flow = {"pms": "task", "erp": "task", "rows": [row]}
    file = {"accord": 1, "systems": systems, "flows": {"task": flow}}
    (folder / "accord.yaml").write_text(json.dumps(file), "utf-8")
    done = CliRunner().invoke(app, ["check", "--offline", "--json", "-C", str(folder)])
    document = json.loads(done.stdout)
    return done.exit_code, document["findings"]


@pytest.mark.parametrize(
    ("row", "example"),
    [
        ({**HOURS, "type": "decimal(2)", "lens": {"erp": {"round": 0}}}, "is written as"),
        (
            {"name": "code", "pms": "a", "erp": "b", "type": "string", "lens": {"erp": {"case": "upper"}}},
            "is written as 'A'",
        ),
        (
            {
                "name": "x",
                "pms": "a",
                "erp": "b",
                "type": "string",
                "lens": {"erp": {"expression": {"read": "value", "write": "'t' + value"}}},
            },
            "'a' is written as 'ta' and read back as 'ta'",
        ),
        (
            {"name": "due", "pms": "a", "erp": "b", "type": "datetime", "lens": {"erp": {"date-format": "%Y-%m-%d"}}},
            "is written as",
        ),
    ],
)
def test_a_two_way_row_that_loses_something_is_an_error(tmp_path: Path, row: dict[str, Any], example: str) -> None:
    """With a value, what is written of it, and what is read back; and what to do."""
    status, found = checked(tmp_path, row)
    (one,) = [finding for finding in found if finding["kind"] == "law"]
    assert (status, one["level"], one["path"]) == (2, "error", "flows.task.rows[0]")
    assert example in one["message"]
    assert "lossy: true" in one["hint"]


@pytest.mark.parametrize(
    "row",
    [
        {**HOURS, "type": "decimal(2)", "lens": {"erp": {"scale": 60}}},
        {**HOURS, "type": "decimal(2)", "lens": {"erp": {"round": 0, "lossy": True}}},
        {**HOURS, "type": "decimal(2)", "lens": {"erp": {"round": 0}}, "direction": "pms -> erp"},
        {"name": "code", "pms": "a", "erp": "b", "type": "string", "lens": {"erp": {"case": "upper"}}, "equal": "case"},
        {"name": "s", "pms": "a", "erp": "b", "type": "enum", "map": {"open": "A", "done": "C"}},
    ],
)
def test_a_row_that_keeps_its_values_or_says_that_it_does_not(tmp_path: Path, row: dict[str, Any]) -> None:
    """Nothing to say."""
    status, found = checked(tmp_path, row)
    assert (status, [finding for finding in found if finding["kind"] == "law"]) == (0, [])


def test_lengths_and_options_that_have_no_place(tmp_path: Path) -> None:
    """Named, with the numbers and the options; the project may run."""
    row = {"name": "t", "pms": "a", "erp": "b", "type": "string"}
    status, found = checked(tmp_path, row, {"a": {"max_length": 200}}, {"b": {"max_length": 40}})
    assert status == 0
    (one,) = [finding for finding in found if finding["kind"] == "narrow"]
    assert ("40" in one["message"], "200" in one["message"]) == (True, True)
    row = {"name": "s", "pms": "a", "erp": "b", "type": "enum", "map": {"open": "A"}}
    _, found = checked(tmp_path, row, {"a": {"values": ["open", "paused"]}})
    (one,) = [finding for finding in found if finding["kind"] == "option"]
    assert "paused" in one["message"]


PAIRS = {
    ("date", "boolean"): "value != null",
    ("string", "date"): "type `date`",
    ("string", "reference(task)"): "type `reference(task)`",
    ("string", "boolean"): "`map`",
    ("list(string)", "string"): "`split",
    ("date", "integer"): "`date-format: unix`",
}


@pytest.mark.parametrize(("types", "lens"), PAIRS.items())
def test_types_that_do_not_go_together(tmp_path: Path, types: tuple[str, str], lens: str) -> None:
    """Refused with the row's line, both types, and what would do."""
    row = {"name": "r", "pms": "a", "erp": "b", "type": types[0]}
    status, (one,) = checked(tmp_path, row, None, {"b": {"type": types[1]}})
    assert (status, one["kind"], one["path"]) == (2, "pair", "flows.task.rows[0]")
    assert (types[0] in one["message"], types[1] in one["message"], lens in one["hint"]) == (True, True, True)


SCHEMAS = {
    "pms": "CREATE TABLE task (id INTEGER PRIMARY KEY, a VARCHAR(60), n DECIMAL(12, 4), d DATE, c VARCHAR(30))",
    "erp": "CREATE TABLE task (id INTEGER PRIMARY KEY, b VARCHAR(40) NOT NULL, m DECIMAL(12, 2), f BOOLEAN, "
    "c VARCHAR(30), e VARCHAR(20) GENERATED ALWAYS AS (b || '!'))",
}


def on_line(folder: Path, *rows: dict[str, Any]) -> tuple[int, list[dict[str, Any]]]:
    """The same against two databases, of which the file says nothing."""
    for name, statement in SCHEMAS.items():
        with closing(sqlite3.connect(folder / f"{name}.db")) as db:
            db.execute(statement)
    systems = {
        name: {"connector": "sql", "url": f"sqlite:///{name}.db", "datatypes": {"task": {"table": "task"}}}
        for name in SCHEMAS
    }
    flow = {"pms": "task", "erp": "task", "rows": list(rows)}
    (folder / "accord.yaml").write_text(json.dumps({"accord": 1, "systems": systems, "flows": {"task": flow}}), "utf-8")
    done = CliRunner().invoke(app, ["check", "--json", "-C", str(folder)])
    return done.exit_code, json.loads(done.stdout)["findings"]


def test_lengths_that_the_systems_tell(tmp_path: Path) -> None:
    """Sixty characters into forty: both figures; thirty into thirty: nothing. What may not be empty is named, too."""
    text = {"pms": "a", "erp": "b", "name": "t", "type": "string"}
    status, found = on_line(tmp_path, text, {"pms": "c", "erp": "c", "name": "c", "type": "string"})
    assert status == 0
    kinds = {(one["kind"], one["path"]) for one in found}
    assert kinds == {("narrow", "flows.task.rows[0]"), ("required", "flows.task.rows[0]")}
    (one,) = [one for one in found if one["kind"] == "narrow"]
    assert ("40 characters" in one["message"], "up to 60" in one["message"]) == (True, True)


def test_scales_and_types_that_the_systems_tell(tmp_path: Path) -> None:
    """Four decimals into two: a made value is shown that does not come back. A date into truth is refused."""
    status, found = on_line(tmp_path, {"pms": "n", "erp": "m", "name": "n", "type": "decimal(4)"})
    (one,) = [one for one in found if one["kind"] == "law"]
    assert (status, "is written as" in one["message"]) == (2, True)
    (tmp_path / "two").mkdir()
    status, found = on_line(tmp_path / "two", {"pms": "d", "erp": "f", "name": "d", "type": "date"})
    assert (status, [one["kind"] for one in found if one["level"] == "error"]) == (2, ["pair"])


def test_options_that_a_map_forgets_or_invents(tmp_path: Path) -> None:
    """Of both systems: the one that has no counterpart, and the one that is not there, with the nearest."""
    row = {"name": "s", "pms": "a", "erp": "b", "type": "enum", "map": {"open": "A", "done": "Closd"}}
    pms, erp = {"a": {"values": ["open", "done", "paused"]}}, {"b": {"values": ["A", "Closed"]}}
    status, found = checked(tmp_path, row, pms, erp)
    said = {one["kind"]: one for one in found}
    assert (status, "paused" in said["option"]["message"]) == (2, True)
    assert ("'Closd'" in said["map"]["message"], said["map"]["hint"]) == (True, "did you mean 'Closed'?")
