"""What the document says, situation by situation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from accord.config.meaning import Flow, Project, Side
from accord.document.dataflow import describe
from accord.document.parts import Section, Table
from accord.errors import UsageError


def with_flow(project: Project, flow: Flow) -> Project:
    return replace(project, flows={**project.flows, flow.name: flow})


def with_side(project: Project, flow: str, system: str, **changes: Any) -> Project:
    def changed(side: Side) -> Side:
        return replace(side, **changes) if side.system == system else side

    return with_flow(
        project, replace(project.flows[flow], sides=tuple(changed(side) for side in project.flows[flow].sides))
    )


def section(project: Project, flow: int, source: str = "custompms", target: str = "customerp") -> Section:
    return describe(project, source, target).sections[flow]


def table(section: Section, title: str) -> Table:
    return next(table for table in section.tables if table.title == title)


def test_the_seed_has_its_title_and_its_three_sections_in_file_order(seed: Project) -> None:
    document = describe(seed, "custompms", "customerp")
    assert document.title == "CustomPMS to CustomERP Dataflow"
    assert [section.heading for section in document.sections] == [
        "CustomPMS Customer to Custom Customer",
        "CustomPMS Project to Custom Project",
        "Custom Task to Custom Project",
    ]
    assert "checklist for testing" in " ".join(document.introduction)


def test_the_way_back_has_its_own_document(seed: Project) -> None:
    document = describe(seed, "customerp", "custompms")
    assert document.title == "CustomERP to CustomPMS Dataflow"
    assert document.sections[2].heading == "Custom Project to Custom Task"
    assert table(document.sections[2], "Properties").rows[0] == ("description", "name", "String")


def test_the_property_table_of_tasks(seed: Project) -> None:
    properties = table(section(seed, 2), "Properties")
    assert properties.header == ("Custom Task Property", "Custom Project Property", "Custom Data Type")
    assert properties.rows == (
        ("name", "description", "String"),
        ("project_id", "parent_no", "Reference (project)"),
        ("hours_estimate", "planned_minutes", "Decimal (2)"),
    )


def test_nested_paths_are_written_with_dots(seed: Project) -> None:
    assert ("contact.email", "email", "Email") in table(section(seed, 0), "Properties").rows


def test_a_flow_without_rows_keeps_the_header_of_its_table(seed: Project) -> None:
    bare = with_flow(seed, replace(seed.flows["task"], rows=()))
    assert table(section(bare, 2), "Properties").rows == ()
    assert "No properties correspond" in " ".join(section(bare, 2).paragraphs)


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("create", "always gets one: a new Custom Project is created in CustomERP"),
        ("match-or-create", "is merged with the Custom Project in CustomERP that matches it, or else a new"),
        ("match-only", "must exist in CustomERP before anything is synchronised"),
        ("connected", "waits until it is connected"),
        ("never", "waits for a person to link it"),
    ],
)
def test_each_link_mode_has_its_own_words(seed: Project, mode: str, said: str) -> None:
    begun = section(with_side(seed, "task", "custompms", mode=mode), 2)
    assert said in begun.paragraphs[0]


def test_a_condition_says_that_records_wait_until_it_is_true(seed: Project) -> None:
    conditional = with_side(seed, "task", "custompms", when="stage == 'won'")
    assert "stage == 'won'. Until then the Custom Task waits" in " ".join(section(conditional, 2).paragraphs)


def test_a_datatype_that_another_flow_takes_up_names_that_flow(seed: Project) -> None:
    assert section(seed, 2, "customerp", "custompms").paragraphs[0].endswith("taken up by another flow: project.")


def test_match_rules_are_a_table_with_the_properties_of_both_sides(seed: Project) -> None:
    assert table(section(seed, 0), "Match rules").rows == (
        ("1", "org_number", "vat_no"),
        ("2", "name, contact.email", "customer_name, email"),
    )
    assert all(table.title != "Match rules" for table in section(seed, 1).tables)


def test_two_way_records_stay_in_sync_wherever_they_are_edited(seed: Project) -> None:
    assert "stay in sync wherever they are edited" in " ".join(section(seed, 0).paragraphs)


def one_way(flow: Flow, *names: str) -> Flow:
    source, target = frozenset({"custompms"}), frozenset({"customerp"})
    rows = (replace(row, sources=source, targets=target) if row.name in names else row for row in flow.rows)
    return replace(flow, rows=tuple(rows))


def test_a_system_that_is_no_source_is_said_so_in_both_documents(seed: Project) -> None:
    project = with_flow(seed, one_way(seed.flows["task"], "name", "project_id", "hours_estimate"))
    for source, target in (("custompms", "customerp"), ("customerp", "custompms")):
        words = " ".join(section(project, 2, source, target).paragraphs)
        assert "CustomERP is not a source here: edits there are not carried to CustomPMS" in words


def test_mixed_directions_are_a_table(seed: Project) -> None:
    mixed = section(with_flow(seed, one_way(seed.flows["task"], "name")), 2)
    assert ("name", "from CustomPMS to CustomERP only") in table(mixed, "Directions").rows
    assert ("project_id", "both ways") in table(mixed, "Directions").rows


def test_a_read_only_system_is_never_written_to(seed: Project) -> None:
    silent = replace(seed.systems["customerp"], read_only=True)
    words = section(replace(seed, systems={**seed.systems, "customerp": silent}), 1).paragraphs
    assert "Accord may not create anything there" in words[0]
    assert "CustomERP is read-only: Accord creates, edits and deletes nothing there." in words


def test_a_system_that_may_not_be_edited_gets_no_edits(seed: Project) -> None:
    words = " ".join(section(with_side(seed, "task", "customerp", update=False), 2).paragraphs)
    assert "Accord does not edit a Custom Project in CustomERP." in words
    assert "CustomPMS is not a source here" in words


def test_value_maps_are_shown_in_the_direction_of_the_document(seed: Project) -> None:
    assert ("state", "done", "C") in table(section(seed, 1), "Value maps").rows
    assert ("state", "C", "done") in table(section(seed, 1, "customerp", "custompms"), "Value maps").rows


def test_conversions_and_conflict_rules_and_limits_have_tables(seed: Project) -> None:
    assert table(section(seed, 2), "Conversions").rows == (("hours_estimate", "CustomERP", "scale 60"),)
    assert table(section(seed, 1), "Conflict rules").rows == (("budget", "CustomERP wins (prefer)"),)
    assert table(section(seed, 1), "Limits").rows == (
        ("delete", "more than 25 % of the linked records and more than 20"),
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"on_delete": "propagate"},
            "the Custom Project in CustomERP is deleted too; if it was edited since, a person decides",
        ),
        ({"on_delete": "keep"}, "stays, and the link is dissolved"),
        ({"on_delete": "archive", "archive": {"state": "gone"}}, "stays, with state = gone"),
        ({"on_delete": "restore"}, "the deleted record is created again"),
        ({"on_delete": "delete_wins"}, "even if it was edited since"),
        ({"on_delete": "edit_wins"}, "if it was edited since, the deleted record is created again"),
    ],
)
def test_each_deletion_rule_has_its_own_words(seed: Project, changes: dict[str, Any], said: str) -> None:
    assert said in table(section(with_side(seed, "task", "custompms", **changes), 2), "Deletion").rows[0][1]


def test_a_deletion_that_may_not_be_carried_over_dissolves_the_link(seed: Project) -> None:
    kept = with_side(with_side(seed, "task", "custompms", on_delete="propagate"), "task", "customerp", delete=False)
    assert "stays, because Accord may not delete it" in table(section(kept, 2), "Deletion").rows[0][1]


def test_a_property_with_an_authority_is_said_to_be_set_back(rich: Project) -> None:
    checks = {check.id: check.text for check in section(rich, 1).checklist}
    assert checks["rich.property.state"].endswith("it is set back to what CustomERP has.")
    assert ("state", "from CustomERP to CustomPMS only") in table(section(rich, 1), "Directions").rows


def test_the_checklist_has_a_stable_line_for_each_property(seed: Project) -> None:
    ids = [check.id for check in section(seed, 2).checklist]
    assert ids == [
        "task.link",
        "task.default.kind",
        "task.property.name",
        "task.property.project_id",
        "task.property.hours_estimate",
        "task.conflict",
        "task.delete",
        "task.limit.delete",
        "task.quiet",
    ]


def test_no_two_lines_of_a_checklist_have_the_same_id(seed: Project, rich: Project) -> None:
    for project in (seed, rich):
        ids = [c.id for part in describe(project, "custompms", "customerp").sections for c in part.checklist]
        assert len(ids) == len(set(ids))


def test_a_third_system_of_a_flow_is_named(seed: Project) -> None:
    crm = replace(seed.systems["custompms"], name="crm", title="CustomCRM")
    third = replace(seed.flows["task"].sides[0], system="crm")
    flow = replace(seed.flows["task"], sides=(*seed.flows["task"].sides, third))
    project = with_flow(replace(seed, systems={**seed.systems, "crm": crm}), flow)
    assert "The same link also holds: Custom Task in CustomCRM." in " ".join(section(project, 2).paragraphs)
    assert [part.heading for part in describe(project, "crm", "customerp").sections] == [
        "Custom Task to Custom Project"
    ]


def test_systems_without_a_common_flow_get_a_document_that_says_so(seed: Project) -> None:
    document = describe(replace(seed, flows={}), "custompms", "customerp")
    assert document.sections == ()
    assert document.introduction[-1] == "No flow has both systems: nothing goes from CustomPMS to CustomERP."


@pytest.mark.parametrize(("source", "target"), [("custompms", "custumerp"), ("custompms", "custompms")])
def test_a_direction_that_does_not_exist_is_refused(seed: Project, source: str, target: str) -> None:
    with pytest.raises(UsageError):
        describe(seed, source, target)


def test_a_secret_that_came_into_an_expression_is_blotted_out(seed: Project) -> None:
    told = with_side(seed, "task", "custompms", when="key == 'geheim-token'", defaults={"key": "geheim-token"})
    told = with_side(told, "task", "customerp", defaults={"key": ["geheim-token"]}, where="geheim-token")
    assert "geheim" not in repr(describe(told, "custompms", "customerp"))
    assert "key == '•••'" in repr(describe(told, "custompms", "customerp"))
