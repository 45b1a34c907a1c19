"""`plan`, `apply`, `run`: shapes, exit statuses, and what a person reads."""

from __future__ import annotations

import json

from accord.store.lease import Lease
from accord.store.opening import open_state

from .conftest import PROJECT, World

COUNTS = {"observed", "edits", "links", "creates", "updates", "deletes", "held", "refused", "in_doubt", "conflicts"}
REPORT = {"run", "started", "finished", "flows", "writes", "requests", "held", "errors"}


def test_a_plan_as_json_has_the_documented_shape(world: World) -> None:
    found = world.accord("plan", "--json")
    assert found.status == 0
    assert found.json.keys() >= REPORT | {"writes_planned"}
    assert found.json["flows"].keys() == {"customer", "visit"}
    assert found.json["flows"]["customer"].keys() >= COUNTS
    assert found.json["writes"]["erp"] == {"create": 3, "update": 1, "delete": 0}
    write = next(each for each in found.json["writes_planned"] if each["op"] == "update")
    assert write.keys() == {"flow", "link", "system", "ref", "op", "changes", "reason"}
    assert write["changes"] == {"town": [None, "Oslo"]} or write["changes"] == {"city": [None, "Oslo"]}
    assert write["ref"] == "erp/client/71"


def test_a_plan_writes_nothing(world: World) -> None:
    before = world.sql("erp", "SELECT * FROM client")
    world.accord("plan")
    assert world.sql("erp", "SELECT * FROM client") == before


def test_a_plan_shows_old_and_new_and_why(world: World) -> None:
    text = world.accord("plan").out
    assert "~ update erp/client 71" in text
    assert "city: – → Oslo" in text
    assert "filled beats empty" in text
    assert "4 writes planned" in text


def test_plan_check_says_with_4_that_there_are_differences(world: World) -> None:
    assert world.accord("plan", "--check").status == 4
    world.accord("run")
    assert world.accord("plan", "--check").status == 0


def test_many_writes_are_grouped_unless_all_is_asked_for(world: World) -> None:
    for number in range(40):
        world.sql("pms", "INSERT INTO visit (what) VALUES (?)", f"Visit {number}")
    grouped, every = world.accord("plan").out, world.accord("plan", "--all").out
    assert "Visit 39" not in grouped
    assert "visit: create in erp, 42, for example" in grouped
    assert "Visit 39" in every


def test_a_run_brings_both_in_step_and_the_next_is_quiet(world: World) -> None:
    first = world.accord("run", "--json")
    assert (first.status, first.err) == (0, "")
    assert first.json.keys() >= REPORT
    assert first.json["writes"]["erp"] == {"create": 3, "update": 1, "delete": 0}
    assert world.sql("erp", "SELECT town FROM client WHERE no = 71") == [("Oslo",)]
    second = world.accord("run", "--json").json
    assert all(not any(counts.values()) for counts in second["writes"].values())


def test_global_options_are_taken_before_and_after_the_command(world: World) -> None:
    before = world.process("--json", "-C", str(world.folder), "--now", "2026-03-01T12:00:00Z", "plan")
    after = world.process("plan", "--project", "accord.yaml", "--now", "2026-03-01T12:00:00", "--json")
    assert before.json["started"].startswith("2026-03-01T12:00")
    assert after.json["started"].startswith("2026-03-01T12:00")


def test_one_flow_only(world: World) -> None:
    found = world.accord("run", "--flow", "visit", "--json").json
    assert found["flows"]["visit"]["creates"] == 2
    assert found["flows"].get("customer", {}).get("creates", 0) == 0


def test_an_unknown_flow_is_refused_with_the_nearest(world: World) -> None:
    found = world.accord("run", "--flow", "custmer")
    assert found.status == 2
    assert "did you mean 'customer'?" in found.err


def test_a_kept_plan_is_applied_and_no_more(world: World) -> None:
    kept = world.folder / "plan.json"
    world.accord("plan", "-o", str(kept))
    content = json.loads(kept.read_text())
    assert content["accord_plan"] == 1
    assert {"digest", "writes"} == content["plans"][0].keys()
    world.sql("pms", "INSERT INTO visit (what) VALUES ('Later')")
    found = world.accord("apply", str(kept), "--json")
    assert found.status == 0
    assert world.sql("erp", "SELECT what FROM trip ORDER BY what") == [("Kaffe",), ("Te",)]


def test_a_write_whose_ground_has_moved_is_refused_and_named(world: World) -> None:
    kept = world.folder / "plan.json"
    world.accord("plan", "-o", str(kept))
    world.edit("erp", "client", 71, "town", "Bergen")
    found = world.accord("apply", str(kept), "--json")
    assert found.status == 3
    assert [write["ref"] for write in found.json["refused"]] == ["erp/client/71"]
    assert world.sql("erp", "SELECT town FROM client WHERE no = 71") == [("Bergen",)]


def test_the_refusal_is_told_to_a_person(world: World) -> None:
    kept = world.folder / "plan.json"
    world.accord("plan", "-o", str(kept))
    world.edit("erp", "client", 71, "town", "Bergen")
    text = world.accord("apply", str(kept)).out
    assert "Refused" in text
    assert "update erp/client 71: city: – → Oslo" in text


def test_a_file_that_is_no_plan_is_refused(world: World) -> None:
    (world.folder / "x.json").write_text("{}")
    for name in ("x.json", "missing.json", "accord.yaml"):
        found = world.accord("apply", str(world.folder / name))
        assert found.status == 2
        assert "accord plan -o plan.json" in found.err


def test_what_exceeds_a_limit_is_held_until_it_is_approved(world: World) -> None:
    world.accord("run")
    world.sql("pms", "DELETE FROM visit")
    braked = world.accord("run", "--json")
    assert braked.status == 3
    (item,) = braked.json["held"]
    assert item["kind"] == "brake"
    assert "visit:deletes<=2" in item["commands"][0]
    assert "--approve 'visit:deletes<=2'" in world.accord("plan").out
    assert world.accord("run", "--approve", "visit:deletes<=2").status == 0
    assert world.sql("erp", "SELECT count(*) FROM trip") == [(0,)]


def test_an_approval_that_is_not_understood_is_refused(world: World) -> None:
    assert world.accord("run", "--approve", "deletes<120").status == 2
    assert world.accord("run", "--approve", "vist:deletes<=120").status == 2


def test_a_conflict_ends_with_3_and_says_where_to_look(world: World) -> None:
    world.conflict()
    text = world.accord("run").out
    assert "conflict  pms/customer 1, erp/client 71 name" in text
    assert "accord held list" in text


def test_a_system_that_is_out_of_reach_ends_with_1(world: World) -> None:
    (world.folder / "erp.db").rename(world.folder / "gone.db")
    found = world.accord("run", "--json")
    assert found.status == 1
    assert [error["kind"] for error in found.json["errors"]] == ["unreachable"]
    assert found.json["errors"][0]["system"] == "erp"
    assert "unreachable" in world.accord("run").err


def test_a_second_round_at_the_same_time_is_refused_at_once(world: World) -> None:
    world.accord("run")
    from datetime import UTC, datetime

    with open_state(str(world.folder / "accord.db")) as state:
        Lease(state.db).take(datetime.now(UTC))
        found = world.accord("run", "--json")
        assert found.status == 1
        assert found.json["flows"] == {}
        assert [error["kind"] for error in found.json["errors"]] == ["locked"]
        assert found.json.keys() >= REPORT
        assert "a round is at work" in world.accord("run").err


def test_a_damaged_state_is_told_and_ends_with_1(world: World) -> None:
    (world.folder / "accord.db").write_text("this is not a database, and long enough to be read as one")
    found = world.accord("run", "--json")
    assert found.status == 1
    assert [error["kind"] for error in found.json["errors"]] == ["state"]
    assert "damaged" in found.json["errors"][0]["message"]


def test_a_wrong_file_says_file_line_and_path(world: World) -> None:
    (world.folder / "accord.yaml").write_text(PROJECT.replace("type: string", "type: strin", 1))
    found = world.accord("run", "--json")
    assert found.status == 2
    (error,) = found.json["errors"]
    assert error.keys() == {"file", "line", "path", "message", "allowed", "hint"}
    assert (error["line"], error["path"]) == (25, "flows.customer.rows[0].type")
    assert "accord.yaml:25: flows.customer.rows[0].type" in world.accord("run").err


def test_a_wrong_expression_says_file_line_and_path(world: World) -> None:
    (world.folder / "accord.yaml").write_text(PROJECT.replace("kind == 'visit'", "kind = 'visit'"))
    found = world.accord("run")
    assert found.status == 2
    assert "accord.yaml:29: flows.visit.pms.where" in found.err


def test_there_is_no_project(world: World) -> None:
    (world.folder / "accord.yaml").unlink()
    found = world.accord("run", "--json")
    assert found.status == 2
    assert "accord init" in found.json["errors"][0]["hint"]


def test_usage_errors_end_with_2_and_name_the_help(world: World) -> None:
    for arguments in (("run", "--nonsense"), ("rnu",), ("apply", "a", "b"), ("held", "show", "x")):
        found = world.accord(*arguments)
        assert found.status == 2
        assert "--help" in found.err
    assert world.accord("rnu", "--json").json["errors"]


def test_a_secret_is_never_shown(world: World) -> None:
    text = PROJECT.replace("title: PMS\n", 'title: PMS\n    x: "${SECRET_TOKEN}"\n')
    text = text.replace("      visit: {table: visit}\n", "      visit: {table: visit}\n", 1).replace(
        "    x: ", "    # "
    )
    (world.folder / "accord.yaml").write_text(text.replace("table: client", 'table: "${SECRET_TOKEN}"'))
    (world.folder / ".env").write_text("SECRET_TOKEN=hunter2hunter2\n")
    for arguments in (("run",), ("run", "--json"), ("check",), ("check", "--json")):
        found = world.accord(*arguments)
        assert found.status == 1
        assert "hunter2" not in found.out + found.err
