"""`status`, `history`, `explain`, `docs`, `check`, `init`: what people and scripts read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import PROJECT, World

COMMANDS = ("init", "check", "plan", "run", "apply", "status", "explain", "history", "docs", "demo")
NESTED = (
    *(f"links {name}" for name in ("list", "show", "link", "unlink", "merge")),
    *(f"held {name}" for name in ("list", "show", "resolve")),
)


def test_status_of_a_project_that_never_ran_makes_no_state(world: World) -> None:
    found = world.accord("status", "--json")
    assert found.status == 0
    assert found.json["last_run"] is None
    assert found.json["flows"]["visit"] == {
        "linked": 0,
        "waiting": 0,
        "in_doubt": 0,
        "resting": 0,
        "closed": 0,
        "held": 0,
    }
    assert not (world.folder / "accord.db").exists()
    assert "No round has been run yet" in world.accord("status").out


def test_status_needs_no_system(world: World) -> None:
    world.accord("run")
    for name in ("pms.db", "erp.db"):
        (world.folder / name).unlink()
    found = world.accord("status", "--json").json
    assert found["flows"]["customer"]["linked"] == 2
    assert found["systems"]["pms"]["customer"].keys() == {"records", "read_at", "complete_at", "count"}
    assert found["systems"]["pms"]["customer"]["records"] == 2
    assert found["last_run"]["status"] == 0
    assert found["last_run"]["writes"]["erp"]["create"] == 3
    assert (found["lease"], found["doubtful"]) == (None, None)


def test_status_ends_with_3_when_something_is_held(world: World) -> None:
    world.conflict()
    found = world.accord("status", "--json")
    assert (found.status, found.json["flows"]["customer"]["held"]) == (3, 1)
    assert "accord held list" in world.accord("status").out


def test_status_says_that_the_state_was_lost(world: World) -> None:
    world.accord("run")
    (world.folder / "accord.db").unlink()
    assert "lost" in world.accord("status", "--json").json["doubtful"]
    text = world.accord("status").out
    assert "What to do" in text


def test_history_is_json_lines(world: World) -> None:
    world.accord("run")
    lines = world.accord("history", "--json").lines
    update = next(line for line in lines if line["op"] == "update")
    assert update.keys() == {
        *("run", "at", "flow", "link", "system", "ref", "op", "changes", "outcome", "reason", "caused_by", "by")
    }
    assert update["changes"] == {"city": [None, "Oslo"]}
    assert update["caused_by"].keys() == {"system", "ref", "row"}
    assert update["outcome"] == "applied"


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        (("--ref", "erp/client/71"), 1),
        (("--row", "city"), 1),
        (("--run", "99"), 0),
        (("--since", "2099-01-01"), 0),
        (("--system", "erp"), 4),
        (("--limit", "2"), 2),
    ],
)
def test_history_is_filtered(world: World, filters: tuple[str, str], count: int) -> None:
    world.accord("run")
    assert len(world.accord("history", *filters, "--json").lines) == count


def test_explain_tells_where_a_value_comes_from(world: World) -> None:
    world.accord("run")
    found = world.accord("explain", "erp/client/71", "town", "--json").json
    (row,) = found["rows"]
    assert (row["row"], row["agreed"], row["origin"]) == ("city", "Oslo", "pms")
    assert row["last_change"]["reason"] == "first link: filled beats empty"
    text = world.accord("explain", "erp/client/71", "town").out
    assert "Agreed: Oslo, from PMS" in text


def test_explain_tells_why_a_record_is_in_no_link(world: World) -> None:
    world.sql("pms", "INSERT INTO visit (id, what, kind) VALUES (9, 'Call', 'call')")
    world.accord("run")
    found = world.accord("explain", "pms/visit/9", "--json").json
    assert found["link"] is None
    assert found["flows"] == [{"flow": "visit", "claims": False, "reason": "its filter is not true: kind == 'visit'"}]


def test_explain_does_not_know_a_record(world: World) -> None:
    world.accord("run")
    found = world.accord("explain", "pms/visit/99")
    assert found.status == 1
    assert "does not exist" in found.err


def test_explain_a_property_that_no_row_names(world: World) -> None:
    """It is what its own system made it; a word that is almost the name of a row is not taken for one."""
    world.accord("run")
    found = world.accord("explain", "pms/visit/1", "memo")
    assert (found.status, "Accord neither reads it nor writes it" in found.out) == (0, True)
    assert "did you mean 'what'" in world.accord("explain", "pms/visit/1", "whatt").err


def test_documents_are_written_compared_and_found_stale(world: World) -> None:
    folder = world.folder / "flows"
    assert "PMS to ERP Dataflow" in world.accord("docs", "--from", "pms", "--to", "erp").out
    assert world.accord("docs", "-o", str(folder)).status == 0
    assert len(list(folder.iterdir())) == 6
    assert world.accord("docs", "-o", str(folder), "--check").status == 0
    (folder / "pms-to-erp.md").write_text("old")
    found = world.accord("docs", "-o", str(folder), "--check", "--json")
    assert found.status == 4
    assert [item["reason"] for item in found.json["stale"]] == ["stale"]


def test_one_document_goes_to_one_file(world: World) -> None:
    file = world.folder / "one.html"
    assert world.accord("docs", "--from", "pms", "-o", str(file)).status == 0
    assert file.read_text().startswith("<!")
    assert world.accord("docs", "--from", "crm").status == 2
    assert world.accord("docs", "--check").status == 2


def test_check_says_what_rests_on_what(world: World) -> None:
    found = world.accord("check", "--json")
    assert found.status == 0
    assert found.json["ok"] is True
    assert {one["datatype"] for one in found.json["systems"]} == {"customer", "visit", "client", "trip"}
    assert "WHERE" in world.accord("check").out


def test_check_finds_a_property_that_is_not_there(world: World) -> None:
    (world.folder / "accord.yaml").write_text(PROJECT.replace("erp: cname", "erp: cnam"))
    found = world.accord("check", "--json")
    assert found.status == 2
    (error,) = found.json["errors"]
    assert (error["path"], error["line"], error["hint"]) == ("flows.customer.rows[0]", 25, "did you mean 'cname'?")


def test_check_of_a_system_out_of_reach_ends_with_1_and_offline_with_0(world: World) -> None:
    (world.folder / "erp.db").unlink()
    assert world.accord("check").status == 1
    assert world.accord("check", "--offline").status == 0


@pytest.mark.parametrize(
    "flags",
    [
        ("--from", "demo"),
        (
            *("--name", "A b", "--connector", "rest", "--url", "https://x.test"),
            *("--name", "c", "--connector", "sql", "--url", "sqlite:///c.db"),
        ),
    ],
)
def test_what_init_writes_loads(tmp_path: Path, flags: tuple[str, ...]) -> None:
    world = World(tmp_path)
    assert world.accord("init", *flags).status == 0
    assert (tmp_path / ".env.example").exists()
    assert world.accord("check", "--offline").status == 0
    again = world.accord("init", *flags)
    assert (again.status, "--force" in again.err) == (2, True)
    assert world.accord("init", *flags, "--force").status == 0


@pytest.mark.parametrize("command", [*COMMANDS, *NESTED])
def test_every_command_explains_itself_with_an_example(world: World, command: str) -> None:
    text = world.process(*command.split(), "--help", **os.environ).out
    assert "Example" in text
    assert "--json" in text


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom accord.cli.main import run_app\nrun_app(['--help'])\n"
        "print(sorted({'sqlalchemy', 'aiohttp', 'pydantic', 'msgspec', 'asyncio', 'jinja2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_error_of_accord_itself_shows_no_traceback(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("accord.engine.round.run_round", broken)
    monkeypatch.delenv("ACCORD_DEBUG", raising=False)
    found = world.accord("run")
    assert found.status == 1
    assert found.err.startswith("accord: internal error: ZeroDivisionError: oh (details in ")


def test_no_colour_reaches_a_pipe(world: World) -> None:
    assert "\x1b" not in world.process("plan", **os.environ).out


def test_control_characters_in_values_do_not_reach_the_terminal(world: World) -> None:
    world.edit("pms", "customer", 1, "city", "red \x1b[31m")
    assert "\x1b" not in world.accord("plan").out
