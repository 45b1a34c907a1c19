"""What a person links and unlinks is not undone by a rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from accord.errors import UsageError

from .world import PLAIN, World, customer, linked, row, two, written


def test_linked_by_hand(tmp_path: Path) -> None:
    """Two records that no rule links are one from now on: filled beats empty, what differs is asked."""
    world = two(tmp_path, link="match-only")
    mine = customer(world.pms, "Berge", "222", city="Oslo")
    other = customer(world.erp, "Berge AS", "")
    world.round()
    world.link(f"pms/customer/{mine}", f"erp/customer/{other}")
    world.settle()
    assert world.pairs() == [f"pms/{mine} erp/{other}"]
    assert (world.records("erp")["Berge AS"]["org"], world.records("erp")["Berge AS"]["city"]) == ("222", "Oslo")
    assert world.one_held("conflict").row == "name"


def test_linked_by_hand_before_any_round_saw_them(world: World) -> None:
    """Records in no link are read for it."""
    linked(world)
    mine, other = customer(world.pms, "Berge", "1"), customer(world.erp, "Berge", "2")
    number = world.link(f"pms/customer/{mine}", f"erp/customer/{other}")
    world.round()
    assert world.link_of("pms", mine).id == number
    assert (len(world.names("pms")), len(world.names("erp"))) == (2, 2)


def test_outside_of_every_filter(tmp_path: Path) -> None:
    """A person may link a record that no filter takes up; the link rests as long as it is outside."""
    world = two(tmp_path, link="match-only")
    world.flow["erp"] = {"datatype": "customer", "where": "city != 'hidden'"}
    mine, other = customer(world.pms, "Berge", "1"), customer(world.erp, "Dal", "2", city="hidden")
    world.round()
    world.link(f"pms/customer/{mine}", f"erp/customer/{other}")
    assert written(world.round()) == 0
    assert world.link_of("pms", mine).state.value == "resting"
    assert world.names("pms") == ["Berge"]


@pytest.mark.parametrize("full", [False, True])
def test_unlinked_is_left_alone(world: World, full: bool) -> None:
    """The records of an unlinked link are neither linked nor created again by a rule, whatever is edited."""
    id, other = linked(world)
    world.unlink(world.link_of("pms", id).id)
    world.pms.edit("customer", id, city="Oslo")
    world.erp.edit("customer", other, city="Bergen")
    assert written(world.round(full=full)) == 0
    assert (world.links(), world.held()) == ([], [])
    assert (world.names("pms"), world.names("erp")) == (["Åsheim"], ["Åsheim"])


def test_unlinked_and_deleted(tmp_path: Path) -> None:
    """What was unlinked is deleted for itself."""
    world = two(tmp_path, on_delete="propagate")
    id, _ = linked(world)
    world.unlink(world.link_of("pms", id).id)
    world.pms.delete("customer", id)
    assert written(world.round(full=True)) == 0
    assert world.names("erp") == ["Åsheim"]


def test_unlinked_and_linked_again(world: World) -> None:
    """A person may change their mind; edits made in between are asked, not overwritten."""
    id, other = linked(world, city="Oslo")
    world.unlink(world.link_of("pms", id).id)
    world.pms.edit("customer", id, city="Bergen")
    world.round()
    world.link(f"pms/customer/{id}", f"erp/customer/{other}")
    world.settle()
    assert world.pairs() == [f"pms/{id} erp/{other}"]
    assert world.one_held("conflict").values == {"pms": "Bergen", "erp": "Oslo"}


def test_swapped(world: World) -> None:
    """Two links that were mixed up: unlinked, and linked crosswise."""
    customer(world.pms, "Berge", "222")
    customer(world.pms, "Dal", "333")
    world.settle()
    for link in world.links():
        world.unlink(link.id)
    world.link("pms/customer/1", "erp/customer/2")
    world.link("pms/customer/2", "erp/customer/1")
    world.settle()
    assert world.pairs() == ["pms/1 erp/2", "pms/2 erp/1"]
    assert {item.row for item in world.held("conflict")} == {"name", "org"}
    for item in world.held("conflict"):
        world.resolve(item, take="pms")
    assert world.settle().status == 0
    assert [world.erp.get("customer", id)["name"] for id in (1, 2)] == ["Dal", "Berge"]  # type: ignore[index]


def test_a_match_for_what_was_unlinked(world: World) -> None:
    """A new record that matches one that was unlinked gets a counterpart of its own."""
    id, _ = linked(world)
    world.unlink(world.link_of("pms", id).id)
    customer(world.erp, "Åsheim 2", "111")
    world.settle()
    assert world.names("pms") == ["Åsheim", "Åsheim 2"]


def test_merged(world: World) -> None:
    """A pair and a record of a third system become one link of three."""
    id, other = linked(world, city="Oslo")
    crm = world.add_system("crm", {"customer": PLAIN})
    names = ("pms", "erp", "crm")
    rows = [row(name, systems=names) for name in ("name", "org", "city")]
    world.flow.update({"crm": "customer", "rows": rows, "link": "match-only"})
    customer(crm, "Åsheim", "")
    world.round()
    number = world.merge(world.link_of("pms", id).id, world.link_of("crm", 1).id)
    assert world.settle().status == 0
    assert world.pairs() == [f"pms/{id} erp/{other} crm/1"]
    assert world.links()[0].id == number
    assert world.records("crm")["Åsheim"]["city"] == "Oslo"


def test_merged_with_two_of_one_system(world: World) -> None:
    """A link has at most one record of each system: refused, and nothing is changed."""
    customer(world.pms, "Berge", "222")
    customer(world.pms, "Dal", "333")
    world.settle()
    before = world.pairs()
    with pytest.raises(UsageError, match="two records of one system"):
        world.merge(*[link.id for link in world.links()])
    assert world.pairs() == before


def test_linked_with_a_linked_record(world: World) -> None:
    """A record that has a counterpart is not taken from it."""
    linked(world)
    other = customer(world.pms, "Ny", "222")
    with pytest.raises(UsageError, match="is linked already, with pms/customer/1") as wrong:
        world.link(f"pms/customer/{other}", "erp/customer/1")
    assert "accord links unlink" in (wrong.value.hint or "")


def test_linked_with_what_is_not_there(world: World) -> None:
    """A record that does not exist cannot be linked."""
    linked(world)
    id = customer(world.pms, "Ny", "222")
    with pytest.raises(UsageError, match="erp/customer/77 does not exist"):
        world.link(f"pms/customer/{id}", "erp/customer/77")


def test_unlinked_while_a_create_is_in_doubt(world: World) -> None:
    """A link with a write that nobody knows about is not taken apart."""
    id = customer(world.pms, "Berge", "222")
    world.erp.fault("answer_lost_after", operation="create", count=1)
    world.round()
    with pytest.raises(UsageError, match="how it ended is not known yet"):
        world.unlink(world.link_of("pms", id).id)


def test_unlinked_with_a_conflict(world: World) -> None:
    """What was held of a link is over when it is taken apart."""
    id, other = linked(world, city="Oslo")
    world.pms.edit("customer", id, city="Bergen")
    world.erp.edit("customer", other, city="Trondheim")
    world.round()
    world.unlink(world.link_of("pms", id).id)
    assert world.settle().status == 0
    assert world.held() == []


def test_a_plan_that_was_never_sent_does_not_keep_a_person_from_linking(tmp_path: Path) -> None:
    """What a limit holds has gone nowhere."""
    world = two(tmp_path, limits={"update": 0})
    mine, _ = linked(world)
    world.pms.edit("customer", mine, city="Oslo")
    world.round()
    assert world.one_held("brake")
    world.unlink(world.link_of("pms", mine).id)
    assert world.links() == []
