"""The seed project file, verbatim, and what it means."""

from __future__ import annotations

from pathlib import Path

import pytest
from project_files import SEED, loaded

from accord.config.load import mapping_version
from accord.config.meaning import Conflict, LensSpec, Limit, Project, TypeSpec, VersionCheck


@pytest.fixture
def seed(tmp_path: Path) -> Project:
    return loaded(tmp_path, SEED)


def test_the_top_of_the_file_gives_title_state_and_schedule(seed: Project, tmp_path: Path) -> None:
    assert seed.title == "CustomPMS to CustomERP"
    assert seed.state == str(tmp_path / "accord.db")
    assert (seed.schedule.every, seed.schedule.full_every, seed.schedule.cron) == (60.0, 86400.0, None)
    assert list(seed.systems) == ["custompms", "customerp"]
    assert list(seed.flows) == ["customer", "project", "task"]
    assert seed.warnings == ()


def test_a_rest_system_keeps_its_url_and_its_token_filled_in(seed: Project) -> None:
    system = seed.systems["custompms"]
    assert (system.title, system.connector, system.read_only) == ("CustomPMS", "rest", False)
    assert system.options["base_url"] == "http://localhost:8001"
    assert system.options["auth"] == {"type": "bearer", "token": "pms-token"}
    assert (system.limits.concurrency, system.limits.timeout, system.limits.grace) == (8, 30.0, 120.0)
    assert list(system.datatypes) == ["customer", "project", "task"]


def test_the_path_of_a_datatype_implies_the_usual_five_calls(seed: Project) -> None:
    task = seed.datatype("custompms", "task")
    assert (task.title, task.id, task.modified, task.version) == ("Custom Task", "id", "updated_at", None)
    assert task.options["list"]["path"] == "/tasks"
    assert task.options["get"] == {"method": "GET", "path": "/tasks/{id}"}
    assert task.options["create"] == {"method": "POST", "path": "/tasks"}
    assert task.options["update"] == {"method": "PATCH", "path": "/tasks/{id}", "send": "changed"}
    assert task.options["delete"] == {"method": "DELETE", "path": "/tasks/{id}"}
    assert task.options["errors"]["gone"] == [404, 410]


def test_a_sql_datatype_has_its_table_id_and_version(seed: Project) -> None:
    project = seed.datatype("customerp", "project")
    assert (project.id, project.modified, project.options["table"]) == ("project_no", "changed_at", "project")
    assert project.version == VersionCheck(kind="path", path="row_version")


def test_a_flow_with_match_rules_links_or_creates(seed: Project) -> None:
    flow = seed.flows["customer"]
    assert [(side.system, side.datatype, side.mode) for side in flow.sides] == [
        ("custompms", "customer", "match-or-create"),
        ("customerp", "customer", "match-or-create"),
    ]
    assert flow.match == (("org_number",), ("name", "email"))
    assert [row.name for row in flow.rows] == ["name", "org_number", "email"]
    assert flow.row("email").paths == {"custompms": "contact.email", "customerp": "email"}
    assert flow.limits == {"delete": Limit(percent=25.0, over=20)}
    assert all(side.on_delete == "ask" for side in flow.sides)


def test_rows_have_types_maps_conflict_rules_and_both_directions(seed: Project) -> None:
    flow = seed.flows["project"]
    assert flow.row("customer_id").type == TypeSpec(name="reference", arguments=("customer",))
    assert flow.row("customer_id").reference == "customer"
    state = flow.row("state")
    assert state.maps == {"custompms": {"open": "open", "done": "done"}, "customerp": {"open": "A", "done": "C"}}
    assert state.sources == state.targets == {"custompms", "customerp"}
    assert flow.row("budget").type == TypeSpec(name="decimal", arguments=("2",))
    assert flow.row("budget").conflict == Conflict(rule="prefer", prefer=("customerp",))
    assert flow.row("title").conflict == Conflict(rule="ask")


def test_a_side_has_defaults_and_its_own_link_mode(seed: Project) -> None:
    flow = seed.flows["task"]
    custompms, customerp = flow.sides
    assert (custompms.datatype, custompms.mode) == ("task", "create")
    assert (customerp.datatype, customerp.mode, customerp.defaults) == ("project", "never", {"kind": "task"})
    assert flow.row("hours_estimate").lenses == {"customerp": (LensSpec(name="scale", argument=60),)}


def test_tokens_and_passwords_in_urls_are_secrets_and_urls_are_not(seed: Project) -> None:
    assert seed.secrets == {"pms-token", "erp-pass"}


def test_the_mapping_version_follows_what_is_read_and_nothing_else(seed: Project, tmp_path: Path) -> None:
    before = mapping_version(seed, "project")
    retitled = loaded(tmp_path, SEED.replace("Custom Project", "Another").replace("{prefer: [customerp]}", "latest"))
    assert mapping_version(retitled, "project") == before
    for old, new in (("open: A", "open: B"), ("decimal(2)", "decimal(3)"), ("budget_amount", "amount")):
        assert mapping_version(loaded(tmp_path, SEED.replace(old, new)), "project") != before
