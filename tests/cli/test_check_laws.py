"""`accord check` tries the laws of every row on made values, and shows what breaks them in the user's terms."""

import json
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
