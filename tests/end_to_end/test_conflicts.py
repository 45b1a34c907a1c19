"""Who wins: each rule, groups, one-way rows, enforced rows; what lost is in the history."""

from typing import Any

import pytest

from tests.end_to_end.world import SYSTEMS, World, flow, kinds, written


def linked(world: World, row: str, *more: str, **keys: Any) -> tuple[int, str]:
    """One customer in both systems, in step; its two ids."""
    world.use(flow([row, *more], **keys))
    pms = world.pms.add("customers", name="Ada", org_number="101", phone="0", notes="one\ntwo\nthree\n")
    world.settle()
    return pms, world.erp.all("customers")[0]["customer_no"]


def values(world: World, pms: str = "phone", erp: str = "phone") -> tuple[Any, Any]:
    """The value of a row on both sides."""
    return world.pms.all("customers")[0][pms], world.erp.all("customers")[0][erp]


def superseded(world: World) -> list[tuple[str, list[Any]]]:
    """(system, [lost, kept]) of the history."""
    lines = [line for line in world.history() if line.op == "superseded"]
    return [(str(line.system), list(line.changes["phone"])) for line in lines]


PHONE = "{custompms: phone, customerp: phone, name: phone}"


def phone(**keys: str) -> str:
    """The row of the phone with more keys."""
    return PHONE[:-1] + "".join(f", {name}: {value}" for name, value in keys.items()) + "}"


def test_ask_holds_the_row_and_leaves_both_values(world: World) -> None:
    """Everything else of the record goes on."""
    pms, erp = linked(world, PHONE)
    world.pms.edit("customers", pms, phone="1", name="Ada Nova")
    world.erp.edit("customers", erp, phone="2")
    report = world.settle()
    assert kinds(report) == ["conflict"]
    assert report.held[0]["values"] == {"custompms": "1", "customerp": "2"}
    assert report.held[0]["base"] == "0"
    assert values(world) == ("1", "2")
    assert world.erp.all("customers")[0]["customer_name"] == "Ada Nova"
    assert world.is_quiet()


@pytest.mark.parametrize(
    ("option", "value", "kept"),
    [("take", "custompms", "1"), ("take", "customerp", "2"), ("value", '"3"', "3")],
)
def test_a_person_decides_a_conflict(world: World, option: str, value: str, kept: str) -> None:
    """One of the two values, or a third; what lost is in the history."""
    pms, erp = linked(world, PHONE)
    world.pms.edit("customers", pms, phone="1")
    world.erp.edit("customers", erp, phone="2")
    world.decide(world.run(), **{option: value})
    world.settle()
    assert values(world) == (kept, kept)
    assert {lost for _, (lost, _) in superseded(world)} == {"1", "2"} - {kept}
    assert world.is_quiet()


def test_a_decision_does_not_hold_for_values_that_nobody_saw(world: World) -> None:
    """An edit after the decision opens the conflict again."""
    pms, erp = linked(world, PHONE)
    world.pms.edit("customers", pms, phone="1")
    world.erp.edit("customers", erp, phone="2")
    report = world.run()
    world.pms.edit("customers", pms, phone="9")
    world.decide(report, take="customerp")
    assert kinds(world.settle()) == ["conflict"]
    assert values(world) == ("9", "2")


@pytest.mark.parametrize(("later", "kept"), [("pms", "1"), ("erp", "2")])
def test_latest_takes_the_edit_that_was_made_last(world: World, later: str, kept: str) -> None:
    """By the systems' own modification times; the other is in the history."""
    pms, erp = linked(world, PHONE, conflict="latest")
    world.pms.edit("customers", pms, phone="1")
    world.erp.edit("customers", erp, phone="2")
    {"pms": world.pms, "erp": world.erp}[later].later("customers", pms if later == "pms" else erp, 60)
    world.settle()
    assert values(world) == (kept, kept)
    assert [lost for _, (lost, _) in superseded(world)] == [{"1": "2", "2": "1"}[kept]]


def test_latest_asks_within_the_tolerance_of_the_clocks(world: World) -> None:
    """Two edits a moment apart are not ordered."""
    pms, erp = linked(world, PHONE, conflict="latest")
    world.use(flow([PHONE], conflict="latest"), SYSTEMS.replace("tolerance: 2s", "tolerance: 60s"))
    world.pms.edit("customers", pms, phone="1")
    world.erp.edit("customers", erp, phone="2")
    assert kinds(world.settle()) == ["conflict"]
    assert values(world) == ("1", "2")


@pytest.mark.parametrize(("first", "kept"), [("custompms", "1"), ("customerp", "2")])
def test_prefer_takes_the_preferred_system(world: World, first: str, kept: str) -> None:
    """And only in a conflict: a single edit of the other side flows as ever."""
    pms, erp = linked(world, phone(conflict=f"{{prefer: [{first}]}}"))
    world.pms.edit("customers", pms, phone="1")
    world.erp.edit("customers", erp, phone="2")
    world.settle()
    assert values(world) == (kept, kept)
    world.pms.edit("customers", pms, phone="3")
    world.settle()
    world.erp.edit("customers", erp, phone="4")
    world.settle()
    assert values(world) == ("4", "4")
    assert world.is_quiet()


def test_keep_filled_never_lets_an_empty_value_win(world: World) -> None:
    """As a conflict rule, and as a key of the row for single edits, too."""
    pms, erp = linked(world, phone(conflict="keep-filled"))
    world.pms.edit("customers", pms, phone=None)
    world.erp.edit("customers", erp, phone="2")
    world.settle()
    assert values(world) == ("2", "2")
    world.use(flow([phone(keep_filled="true")]))
    world.pms.edit("customers", pms, phone=None)
    world.settle()
    assert values(world) == ("2", "2")
    assert world.is_quiet()


def test_merge_joins_edits_of_different_lines(world: World) -> None:
    """Three-way by line; overlapping lines are asked."""
    row = "{custompms: notes, customerp: remarks, name: notes, type: text, conflict: merge}"
    pms, erp = linked(world, row)
    world.pms.edit("customers", pms, notes="ONE\ntwo\nthree\n")
    world.erp.edit("customers", erp, remarks="one\ntwo\nTHREE")
    report = world.settle()
    assert kinds(report) == []
    assert [text.strip() for text in values(world, "notes", "remarks")] == ["ONE\ntwo\nTHREE"] * 2
    world.pms.edit("customers", pms, notes="ONE\n2\nTHREE")
    world.erp.edit("customers", erp, remarks="ONE\nzwei\nTHREE")
    assert kinds(world.settle()) == ["conflict"]


def test_additive_adds_the_differences_of_both_sides(world: World) -> None:
    """Two people each book hours: both count."""
    world.use(TASKS)
    house = world.pms.add("projects", title="House")
    task = world.pms.add("tasks", name="Dig", project_id=house, hours_spent=2)
    world.settle()
    erp = world.erp.all("projects", kind="task")[0]["project_no"]
    world.pms.edit("tasks", task, hours_spent=3)
    world.erp.edit("projects", erp, spent_minutes=150)
    world.settle()
    assert world.pms.show("tasks", task)["hours_spent"] == 3.5  # type: ignore[index]
    assert world.erp.show("projects", erp)["spent_minutes"] == 210  # type: ignore[index]
    assert world.is_quiet()


TASKS = """
flows:
  project:
    custompms: project
    customerp: {datatype: project, where: kind == "project", defaults: {kind: project}}
    rows:
      - {custompms: title, customerp: description, name: title}
  task:
    custompms: task
    customerp: {datatype: project, where: kind == "task", defaults: {kind: task}}
    rows:
      - {custompms: name, customerp: description, name: name}
      - {custompms: project_id, customerp: parent_no, name: project, type: reference(project), required: true}
      - custompms: hours_spent
        customerp: spent_minutes
        name: spent
        type: decimal(2)
        lens: {customerp: {scale: 60}}
        conflict: additive
"""


def test_union_joins_what_both_sides_added_to_a_set(world: World) -> None:
    """And what one side took out is out."""
    row = (
        '{custompms: website, customerp: website, name: tags, type: "list of string", conflict: union, '
        "lens: {custompms: {split: {by: ','}}, customerp: {split: {by: ','}}}}"
    )
    world.use(flow([row]))
    pms = world.pms.add("customers", name="Ada", org_number="101", website="a,b")
    world.settle()
    erp = world.erp.all("customers")[0]["customer_no"]
    world.pms.edit("customers", pms, website="a,b,c")
    world.erp.edit("customers", erp, website="b,d")
    world.settle()
    assert {frozenset(text.split(",")) for text in values(world, "website", "website")} == {frozenset("bcd")}
    assert world.is_quiet()


def test_the_rows_of_a_group_win_or_lose_together(world: World) -> None:
    """Edits of different rows of one group conflict, and are decided as one."""
    rows = [
        "{custompms: contact.name, customerp: contact_name, name: contact_name}",
        "{custompms: contact.email, customerp: email, name: email, type: email}",
    ]
    world.use(flow(rows, groups={"contact": ["contact_name", "email"]}))
    pms = world.pms.add("customers", name="Ada", org_number="101", contact={"name": "Kari", "email": "k@example.org"})
    world.settle()
    erp = world.erp.all("customers")[0]["customer_no"]
    world.pms.edit("customers", pms, contact={"name": "Ola"})
    world.erp.edit("customers", erp, email="kari.ny@example.org")
    report = world.settle()
    assert kinds(report) == ["conflict"]
    world.decide(report, take="customerp")
    world.settle()
    assert world.pms.all("customers")[0]["contact"] == {"name": "Kari", "email": "kari.ny@example.org"}
    assert world.is_quiet()


def test_a_one_way_row_flows_one_way_only(world: World) -> None:
    """An edit on the other side is left where it is, until the next edit at the source."""
    pms, erp = linked(world, phone(direction='"custompms -> customerp"'))
    world.erp.edit("customers", erp, phone="2")
    world.settle()
    assert values(world) == ("0", "2")
    assert world.is_quiet()
    world.pms.edit("customers", pms, phone="1")
    world.settle()
    assert values(world) == ("1", "1")


def test_enforce_sets_back_an_edit_elsewhere_and_keeps_it_in_the_history(world: World) -> None:
    """One system is the authority of the row."""
    pms, erp = linked(world, phone(enforce="custompms"))
    world.erp.edit("customers", erp, phone="2")
    world.settle()
    assert values(world) == ("0", "0")
    assert superseded(world) == [("customerp", ["2", "0"])]
    world.pms.edit("customers", pms, phone="1")
    world.settle()
    assert values(world) == ("1", "1")
    assert world.is_quiet()


def test_the_same_value_typed_on_both_sides_is_no_conflict(world: World) -> None:
    """And nothing is written."""
    pms, erp = linked(world, PHONE)
    world.pms.edit("customers", pms, phone="1")
    world.erp.edit("customers", erp, phone="1")
    report = world.run()
    assert (kinds(report), written(report)) == ([], 0)
    assert world.is_quiet()


def test_a_value_that_was_typed_over_never_comes_back(world: World) -> None:
    """Edits follow one another on alternate sides; each is there in the end of its round."""
    pms, erp = linked(world, PHONE)
    for number in range(1, 7):
        if number % 2:
            world.pms.edit("customers", pms, phone=str(number))
        else:
            world.erp.edit("customers", erp, phone=str(number))
        world.run()
        assert values(world) == (str(number), str(number))
    assert superseded(world) == []
