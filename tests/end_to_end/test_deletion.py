"""The table of deletions, row by row, with soft deletes (CustomPMS) and hard ones (CustomERP)."""

from typing import Any

import pytest

from tests.end_to_end.world import FLOWS, Desk, World, flow, kinds, written

PHONE = "{custompms: phone, customerp: phone, name: phone}"
NORWEGIAN = flow([PHONE], on_delete="propagate").replace(
    "custompms: customer\n", "custompms: {datatype: customer, where: 'country == \"NO\"'}\n"
)
BOTH = pytest.mark.parametrize("side", ["custompms", "customerp"])


class Pair:
    """One customer in both systems, seen from the side where it will be deleted."""

    def __init__(self, world: World, side: str, on_delete: Any, **keys: Any) -> None:
        world.use(flow([PHONE], on_delete=on_delete, **keys))
        desks: dict[str, Desk] = {"custompms": world.pms, "customerp": world.erp}
        world.pms.add("customers", name="Ada AS", org_number="101", phone="1", country="NO")
        world.settle()
        ids = {"custompms": world.pms.all("customers")[0]["id"], "customerp": world.erp.all("customers")[0]}
        ids["customerp"] = ids["customerp"]["customer_no"]
        other = "customerp" if side == "custompms" else "custompms"
        self.here, self.there = desks[side], desks[other]
        self.id, self.other_id = ids[side], ids[other]

    def delete(self) -> None:
        """A person deletes it."""
        self.here.delete("customers", self.id)

    def other(self) -> dict[str, Any] | None:
        """The counterpart, None when it is gone."""
        return self.there.show("customers", self.other_id)


@BOTH
def test_deleted_and_unchanged_with_propagate_deletes_the_other(world: World, side: str) -> None:
    """The counterpart is deleted, once, and the link is closed."""
    pair = Pair(world, side, "propagate")
    pair.delete()
    assert world.settle().status == 0
    assert pair.other() is None
    assert world.is_quiet()


@BOTH
def test_deleted_and_unchanged_with_ask_is_held(world: World, side: str) -> None:
    """Nothing is written until a person says what is to happen."""
    pair = Pair(world, side, "ask")
    pair.delete()
    report = world.settle()
    assert kinds(report) == ["delete"]
    assert pair.other() is not None
    assert world.is_quiet()


@BOTH
@pytest.mark.parametrize(("choice", "left"), [("delete", (0, 0)), ("keep", (0, 1)), ("create", (1, 1))])
def test_a_held_deletion_is_decided_by_a_person(world: World, side: str, choice: str, left: tuple[int, int]) -> None:
    """Delete the other, keep it alone, or create the deleted one again."""
    pair = Pair(world, side, "ask")
    pair.delete()
    world.decide(world.run(), **{choice: True})
    report = world.settle()
    assert kinds(report) == []
    assert (len(pair.here.all("customers")), len(pair.there.all("customers"))) == left
    assert world.is_quiet()


@BOTH
def test_deleted_and_unchanged_with_keep_dissolves_the_link(world: World, side: str) -> None:
    """The counterpart stays, is not created again on the other side, and is left alone from then on."""
    pair = Pair(world, side, "keep")
    pair.delete()
    world.settle()
    pair.there.edit("customers", pair.other_id, phone="2")
    world.settle()
    assert pair.other() is not None
    assert pair.here.all("customers") == []
    assert world.is_quiet()


@pytest.mark.parametrize(("side", "mark"), [("custompms", {"remarks": "gone"}), ("customerp", {"notes": "gone"})])
def test_deleted_and_unchanged_with_archive_marks_the_other(world: World, side: str, mark: dict[str, str]) -> None:
    """The counterpart stays and says that it is archived."""
    pair = Pair(world, side, {side: {"archive": mark}})
    pair.delete()
    world.settle()
    other = pair.other()
    assert other is not None
    assert {name: other[name] for name in mark} == mark
    assert world.is_quiet()


@BOTH
def test_deleted_and_unchanged_with_restore_is_created_again(world: World, side: str) -> None:
    """The record is there again, and linked."""
    pair = Pair(world, side, "restore")
    pair.delete()
    world.settle()
    pair.there.edit("customers", pair.other_id, phone="2")
    world.settle()
    assert [record["phone"] for record in pair.here.all("customers")] == ["2"]
    assert world.is_quiet()


@BOTH
def test_deleted_and_edited_since_is_held_with_both_facts(world: World, side: str) -> None:
    """Even where deletions are propagated: an edit is not thrown away without asking."""
    pair = Pair(world, side, "propagate")
    pair.delete()
    pair.there.edit("customers", pair.other_id, phone="2")
    report = world.settle()
    assert kinds(report) == ["delete"]
    assert "deleted in" in report.held[0]["reason"]
    assert "edited since in" in report.held[0]["reason"]
    other = pair.other()
    assert other is not None
    assert other["phone"] == "2"


@BOTH
def test_deleted_and_edited_since_with_delete_wins_is_deleted(world: World, side: str) -> None:
    """It was decided beforehand."""
    pair = Pair(world, side, "delete_wins")
    pair.delete()
    pair.there.edit("customers", pair.other_id, phone="2")
    world.settle()
    assert pair.other() is None
    assert world.is_quiet()


@BOTH
def test_deleted_and_edited_since_with_edit_wins_is_created_again(world: World, side: str) -> None:
    """It was decided beforehand."""
    pair = Pair(world, side, "edit_wins")
    pair.delete()
    pair.there.edit("customers", pair.other_id, phone="2")
    world.settle()
    assert [record["phone"] for record in pair.here.all("customers")] == ["2"]
    assert world.is_quiet()


@BOTH
def test_deleted_on_both_sides_closes_the_link(world: World, side: str) -> None:
    """Nothing is asked and nothing is written."""
    pair = Pair(world, side, "ask")
    pair.delete()
    pair.there.delete("customers", pair.other_id)
    before = world.write_requests()
    assert kinds(world.settle()) == []
    assert world.write_requests() == before
    assert world.is_quiet()


def test_deleted_and_out_of_scope_is_as_on_delete_says(world: World) -> None:
    """A record that has left the filter is deleted with its counterpart all the same."""
    pair = Pair(world, "customerp", "propagate")
    world.use(NORWEGIAN)
    world.settle()
    world.pms.edit("customers", pair.other_id, country="SE")
    pair.delete()
    world.settle()
    assert pair.other() is None


def test_a_record_that_leaves_the_scope_rests_and_resumes(world: World) -> None:
    """Nothing is written and nothing deleted until it returns; then what was edited meanwhile flows."""
    pair = Pair(world, "customerp", "propagate")
    world.use(NORWEGIAN)
    world.settle()
    world.pms.edit("customers", pair.other_id, country="SE", phone="2")
    report = world.settle()
    assert written(report) == 0
    assert len(world.erp.all("customers")) == 1
    assert world.erp.all("customers")[0]["phone"] == "1"
    world.pms.edit("customers", pair.other_id, country="NO")
    world.settle()
    assert world.erp.all("customers")[0]["phone"] == "2"


def test_a_record_that_reappears_with_the_same_id_goes_to_review(world: World) -> None:
    """A tombstone keeps it from being created again on the other side."""
    pair = Pair(world, "custompms", "propagate")
    pair.delete()
    world.settle()
    world.pms.restore("customers", pair.id)
    report = world.settle()
    assert kinds(report) == ["review"]
    assert world.erp.all("customers") == []
    assert world.is_quiet()


def test_a_mass_deletion_is_stopped_before_its_first_write(world: World) -> None:
    """More than a number: none of them is deleted until a person lifts the limit, and then exactly those are."""
    world.use(flow([PHONE], on_delete="propagate", limits={"delete": 2}))
    ids = [world.pms.add("customers", name=f"C {n}", org_number=str(n)) for n in range(6)]
    world.settle()
    for id in ids[:3]:
        world.pms.delete("customers", id)
    report = world.run()
    assert (kinds(report), len(world.erp.all("customers"))) == (["brake"], 6)
    world.run(approve=["customer:deletes<=3"])
    assert sorted(record["vat_no"] for record in world.erp.all("customers")) == ["3", "4", "5"]
    assert world.is_quiet()


def test_children_are_deleted_before_what_they_belong_to(world: World) -> None:
    """A project with its tasks: CustomERP refuses to delete what is referred to."""
    archived = "{custompms: {archive: {status: C}}, customerp: ask}"
    world.use(FLOWS.replace(f"on_delete: {archived}", "on_delete: propagate"))
    house = world.pms.add("projects", title="House")
    tasks = [world.pms.add("tasks", name=f"T{n}", project_id=house) for n in range(3)]
    world.settle()
    for task in tasks:
        world.pms.delete("tasks", task)
    world.pms.delete("projects", house)
    assert world.settle().status == 0
    assert world.erp.all("projects") == []
    assert world.is_quiet()
