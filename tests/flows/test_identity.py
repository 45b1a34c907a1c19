"""An id and what the record was when it was linked: an id that is given again is no edit of everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from accord.connectors.memory import Behaviour

from .world import PLAIN, World, customer, linked, row, two, written


def told_apart(folder: Path, pms: Behaviour = PLAIN, **flow: object) -> World:
    """Customers with enough properties to know one from another."""
    world = two(folder, pms=pms, **flow)
    world.flow["rows"].append(row("mail"))
    return world


def given_again(world: World) -> tuple[str | int, str]:
    """A linked customer is deleted, and another one gets its id, all between two rounds."""
    mine, other = linked(world, mail="post@aasheim.example")
    world.pms.delete("customer", mine)
    world.pms.insert("customer", {"name": "Berge", "org": "999", "city": None, "mail": "hei@berge.example"}, id=mine)
    return mine, other


def test_an_id_that_was_given_again_is_for_a_person(tmp_path: Path) -> None:
    """Nothing of the new record is carried over the counterpart of the old one."""
    world = told_apart(tmp_path, Behaviour(version=None, version_check="where"))
    mine, other = given_again(world)
    for _ in range(2):
        assert written(world.round(full=True)) == 0
    assert (world.erp.get("customer", other) or {})["name"] == "Åsheim"
    item = world.one_held("review")
    assert f"pms/customer/{mine} looks like another record" in item.reason
    assert item.values["pms"]["name"] == "Berge"


def test_a_version_that_began_anew(tmp_path: Path) -> None:
    """Then one property is enough."""
    world = two(tmp_path)
    mine, _ = linked(world)
    world.pms.edit("customer", mine, city="Asker")
    world.settle()
    world.pms.delete("customer", mine)
    world.pms.insert("customer", {"name": "Berge", "org": "111", "city": "Asker"}, id=mine)
    assert written(world.round(full=True)) == 0
    assert world.one_held("review").refs[0].startswith("pms/customer/")


def dated(folder: Path) -> World:
    """Customers of a PMS that says when each was made, and shows nothing else that tells them apart."""
    world = two(folder, Behaviour(version=None, version_check="where"))
    world.file["systems"]["pms"]["datatypes"]["customer"]["created"] = "made"
    return world


@pytest.mark.parametrize("city", ["Asker", None])
def test_a_record_made_at_another_time_is_another_record(tmp_path: Path, city: str | None) -> None:
    """Though it says hardly anything, as an issue with a subject only, or the same as the old one."""
    world = dated(tmp_path)
    mine, other = linked(world, city="Asker", made="2026-01-01T10:00:00+00:00")
    world.pms.delete("customer", mine)
    fresh = {"name": "Berge" if city is None else "Åsheim", "city": city, "made": "2026-01-02T10:00:00+00:00"}
    world.pms.insert("customer", fresh, id=mine)
    for _ in range(2):
        assert written(world.round(full=True)) == 0
    assert f"pms/customer/{mine} looks like another record" in world.one_held("review").reason
    world.resolve(world.one_held("review"), create=True)
    world.settle()
    assert world.names("erp") == sorted(["Åsheim", fresh["name"]])
    assert world.one_held("review").refs == (f"erp/customer/{other}",)


def test_a_time_of_creation_that_is_told_in_another_zone_is_the_same(tmp_path: Path) -> None:
    """And an edit is an edit; the time is known also of records that were linked before the file named it."""
    world = dated(tmp_path)
    del world.file["systems"]["pms"]["datatypes"]["customer"]["created"]
    mine, other = linked(world, made="2026-01-01T10:00:00+00:00")
    world.file["systems"]["pms"]["datatypes"]["customer"]["created"] = "made"
    world.settle()
    assert world.link_of("pms", mine).member("pms").created == "2026-01-01T10:00:00+00:00"  # type: ignore[union-attr]
    world.pms.edit("customer", mine, name="Aas", made="2026-01-01T11:00:00+01:00")
    world.settle()
    assert world.held() == []
    assert (world.erp.get("customer", other) or {})["name"] == "Aas"
    world.erp.edit("customer", other, city="Oslo")
    world.settle()
    assert world.link_of("pms", mine).member("pms").created == "2026-01-01T11:00:00+01:00"  # type: ignore[union-attr]


def test_an_id_that_was_given_to_a_record_that_says_less(tmp_path: Path) -> None:
    """Found by seed 903736: what the old record said and the new one does not say tells them apart as well."""
    world = two(tmp_path, Behaviour(version=None, version_check="where"))
    mine, other = linked(world, city="Asker")
    world.pms.delete("customer", mine)
    world.pms.insert("customer", {"name": "Berge", "org": "999"}, id=mine)
    for _ in range(2):
        assert written(world.round(full=True)) == 0
    assert f"pms/customer/{mine} looks like another record" in world.one_held("review").reason
    assert (world.erp.get("customer", other) or {})["city"] == "Asker"


def test_one_that_is_emptied_is_no_other_record(tmp_path: Path) -> None:
    """Two rows emptied and one changed is what a person does; two must say something else."""
    world = told_apart(tmp_path)
    mine, other = linked(world, mail="post@aasheim.example", city="Asker")
    world.pms.edit("customer", mine, name="Aas", city=None, mail=None, org="")
    world.settle()
    assert world.held() == []
    assert (world.erp.get("customer", other) or {})["name"] == "Aas"


@pytest.mark.parametrize(
    "edits", [{"name": "Aas"}, {"name": "Aas", "org": "222"}, {"city": "Y", "mail": "a@b.example"}]
)
def test_edits_are_no_other_record(tmp_path: Path, edits: dict[str, str]) -> None:
    """Also of several properties at once."""
    world = told_apart(tmp_path)
    mine, other = linked(world, mail="post@aasheim.example")
    world.pms.edit("customer", mine, edits)
    world.settle()
    assert world.held() == []
    assert {key: (world.erp.get("customer", other) or {})[key] for key in edits} == edits


def test_a_person_says_that_it_is_the_same(tmp_path: Path) -> None:
    """Then what was typed is carried over."""
    world = told_apart(tmp_path, Behaviour(version=None, version_check="where"))
    mine, other = given_again(world)
    world.round(full=True)
    world.resolve(world.one_held("review"), link=f"pms/customer/{mine}")
    world.settle()
    assert world.held() == []
    assert (world.erp.get("customer", other) or {})["name"] == "Berge"


def test_a_person_says_that_it_is_another(tmp_path: Path) -> None:
    """It gets a counterpart of its own; what belonged to the old one stays, and is asked about."""
    world = told_apart(tmp_path, Behaviour(version=None, version_check="where"))
    _, other = given_again(world)
    world.round(full=True)
    world.resolve(world.one_held("review"), create=True)
    world.settle()
    assert world.names("erp") == ["Berge", "Åsheim"]
    assert world.one_held("review").refs == (f"erp/customer/{other}",)


def test_a_record_that_we_make_gets_an_id_that_was_deleted(tmp_path: Path) -> None:
    """As SQLite does: the round goes on, and the counterpart of the old record is asked about."""
    world = two(tmp_path, on_delete="ask")
    mine, other = linked(world)
    world.pms.delete("customer", mine)
    world.round(full=True)
    assert world.one_held("delete")
    world.pms.tables["customer"].created = 0  # ids begin anew, as far as they are free
    customer(world.erp, "Berge", "222")
    world.settle()
    assert world.names("pms") == ["Berge"]
    assert [item.refs for item in world.held("review")] == [(f"erp/customer/{other}",)]
    assert world.settle().errors == []


def test_a_review_that_is_only_dismissed_comes_back(tmp_path: Path) -> None:
    """Two records that differ are not left so without anybody being asked."""
    world = told_apart(tmp_path, Behaviour(version=None, version_check="where"))
    given_again(world)
    world.round(full=True)
    world.resolve(world.one_held("review"), dismiss=True)
    world.settle()
    assert world.one_held("review")


def moved(world: World, on_delete: str = "propagate") -> tuple[str, str]:
    """A customer whose id was changed in PMS, or who was deleted and entered again: the new id, and its counterpart."""
    world.flow["on_delete"] = on_delete
    mine, other = linked(world)
    world.pms.edit("customer", mine, city="Asker")
    world.settle()
    values = {key: (world.pms.get("customer", mine) or {})[key] for key in ("name", "org", "city")}
    world.pms.delete("customer", mine)
    world.pms.insert("customer", values, id="77")
    return "77", other


@pytest.mark.parametrize("match", [[["org"]], None])
def test_a_record_whose_id_was_changed(tmp_path: Path, match: list[list[str]] | None) -> None:
    """Nothing is deleted and nothing created before a person has said whether it is the same."""
    world = two(tmp_path, **({"match": match} if match else {}))
    if match is None:
        del world.flow["match"]
    new, other = moved(world)
    for _ in range(3):
        assert written(world.round(full=True)) == 0
    (item,) = [item for item in world.held("review") if item.base]
    assert f"pms/customer/{new}" in item.refs
    world.resolve(item, link=f"pms/customer/{new}")
    world.settle()
    assert world.pairs() == [f"erp/{other} pms/{new}"] or world.pairs() == [f"pms/{new} erp/{other}"]
    world.pms.edit("customer", new, city="Bergen")
    assert written(world.round()) == 1
    assert (world.erp.get("customer", other) or {})["city"] == "Bergen"
    assert world.held() == []


def test_a_record_that_is_another_after_all(tmp_path: Path) -> None:
    """The deletion is carried on, and the new one gets a counterpart of its own."""
    world = two(tmp_path)
    del world.flow["match"]
    _, other = moved(world)
    world.round(full=True)
    (item,) = [item for item in world.held("review") if item.base]
    world.resolve(item, create=True)
    world.settle()
    assert world.erp.get("customer", other) is None
    assert world.names("erp") == world.names("pms") == ["Åsheim"]
    assert world.held() == []


def test_a_record_that_was_merged_into_another(tmp_path: Path) -> None:
    """One of two linked customers is gone; the other survives, with its counterpart."""
    world = two(tmp_path, on_delete="propagate")
    customer(world.pms, "Aas", "111")
    customer(world.pms, "Aas AS", "112")
    world.settle()
    world.pms.delete("customer", "2")
    world.settle()
    world.round(full=True)
    assert world.names("erp") == ["Aas"]


@pytest.mark.parametrize("seen", [True, False])
def test_the_id_of_a_record_that_was_let_go_is_given_again(tmp_path: Path, seen: bool) -> None:
    """Found by seed 408671: whether a round has seen it gone in between or not, the new one is asked about."""
    world = told_apart(tmp_path, Behaviour(version=None, version_check="where"), on_delete="keep")
    mine, other = linked(world, mail="post@aasheim.example")
    world.erp.delete("customer", other)
    world.round(full=True)
    assert world.links() == []
    world.pms.delete("customer", mine)
    if seen:
        world.round(full=True)
    world.pms.insert("customer", {"name": "Berge", "org": "999", "city": None, "mail": "hei@berge.example"}, id=mine)
    for _ in range(2):
        assert written(world.round(full=True)) == 0
    assert world.one_held("review").refs == (f"pms/customer/{mine}",)


def test_a_record_that_was_let_go_and_is_edited_stays_alone(tmp_path: Path) -> None:
    """An edit is no other record."""
    world = told_apart(tmp_path, on_delete="keep")
    mine, other = linked(world, mail="post@aasheim.example")
    world.erp.delete("customer", other)
    world.round(full=True)
    world.pms.edit("customer", mine, name="Aas", city="Oslo")
    assert written(world.round(full=True)) == 0
    assert world.held() == []
