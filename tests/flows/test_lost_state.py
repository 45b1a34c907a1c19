"""The state is lost, or an old copy of it is put back: links are found again, and nothing is written unseen."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from accord.connectors.memory import Behaviour

from .world import World, customer, customers, linked, project, projects, two, written

KEYED = Behaviour(key_property="external_ref")


def one_way(folder: Path, **more: Any) -> World:
    """Customers that are made in PMS only; ERP keeps our key with what we made there."""
    return two(folder, erp=KEYED, match=[], link={"pms": "create", "erp": "never"}, **more)


@pytest.mark.parametrize("with_mark", [False, True])
def test_found_again_by_match_rules(world: World, with_mark: bool) -> None:
    """Records that match are linked again; what is equal writes nothing."""
    linked(world, city="Oslo")
    world.lose_state(with_mark=with_mark)
    assert written(world.settle()) == 0
    assert world.pairs() == ["pms/1 erp/1"]
    assert world.held() == []


@pytest.mark.parametrize("with_mark", [False, True])
def test_found_again_by_own_keys(tmp_path: Path, with_mark: bool) -> None:
    """Our key in a record says which record it was made for, also where no rule links and its side is `never`."""
    world = one_way(tmp_path)
    customer(world.pms, "Berge", "222")
    customer(world.pms, "Dal", "333")
    customer(world.erp, "Somebody else's")
    world.settle()
    world.lose_state(with_mark=with_mark)
    assert written(world.settle()) == 0
    assert world.pairs() == ["pms/1 erp/2", "pms/2 erp/3"]


def test_found_again_while_only_one_side_answers(tmp_path: Path) -> None:
    """While a system is away nothing of its flows is done; the links are found when it is back."""
    world = one_way(tmp_path)
    customer(world.pms, "Berge", "222")
    world.settle()
    world.lose_state()
    fault = world.erp.fault("unreachable")
    assert world.round().status == 1
    world.erp.faults.remove(fault)
    assert written(world.settle()) == 0
    assert world.pairs() == ["pms/1 erp/1"]


def test_a_key_whose_source_is_gone(tmp_path: Path) -> None:
    """A record that we made for one that was deleted meanwhile stays where it is, and is not created back."""
    world = one_way(tmp_path)
    id = customer(world.pms, "Berge", "222")
    world.settle()
    world.lose_state()
    world.pms.delete("customer", id)
    assert written(world.settle()) == 0
    assert (world.names("pms"), world.names("erp")) == ([], ["Berge"])


def test_a_copied_key(tmp_path: Path) -> None:
    """Somebody copied a record with our key in it: one of the two is linked again, nothing is created."""
    world = one_way(tmp_path)
    customer(world.pms, "Berge", "222")
    world.settle()
    copied = {**world.records("erp")["Berge"], "name": "Berge (copy)"}
    del copied["id"]
    world.erp.insert("customer", copied)
    world.lose_state()
    world.settle()
    assert len([link for link in world.links() if len(link.members) == 2]) == 1
    assert world.names("pms") == ["Berge"]
    assert len(world.names("erp")) == 2


def test_what_is_on_one_side_only_is_braked(world: World) -> None:
    """After a loss a record without counterpart is not created before somebody has looked."""
    linked(world)
    customer(world.pms, "Ny", "333")
    world.lose_state()
    report = world.round()
    assert (written(report), report.status) == (0, 3)
    item = world.one_held("brake")
    assert "the state was lost" in item.reason
    assert "accord run --approve 'customer:creates<=1'" in item.reason
    assert world.names("erp") == ["Åsheim"]


def test_a_second_round_is_no_answer(world: World) -> None:
    """The doubt stays until somebody approves, however often a round is run."""
    linked(world)
    customer(world.pms, "Ny", "333")
    world.lose_state()
    for _ in range(3):
        assert written(world.round()) == 0
    assert world.one_held("brake")


def test_approved(world: World) -> None:
    """Once somebody approves, it is created, and there is no doubt any more."""
    linked(world)
    customer(world.pms, "Ny", "333")
    world.lose_state()
    world.round()
    assert world.round("creates<=1").status == 0
    customer(world.pms, "Nyere", "444")
    assert world.settle().status == 0
    assert world.names("erp") == ["Ny", "Nyere", "Åsheim"]


def test_approved_too_little(world: World) -> None:
    """A ceiling below the number lifts nothing."""
    linked(world)
    customer(world.pms, "Ny", "333")
    customer(world.pms, "Nyere", "444")
    world.lose_state()
    assert written(world.round("creates<=1")) == 0
    assert written(world.round("creates<=2")) == 2


def test_edits_made_while_the_state_was_lost(world: World) -> None:
    """Nobody knows any more which side was edited: values that differ are asked, and not overwritten."""
    id, other = linked(world, city="Oslo")
    world.lose_state()
    world.pms.edit("customer", id, city="Bergen")
    world.round()
    item = world.one_held("conflict")
    assert item.values == {"pms": "Bergen", "erp": "Oslo"}
    world.resolve(item, take="pms")
    world.round("updates<=1")
    assert world.erp.get("customer", other)["city"] == "Bergen"  # type: ignore[index]
    assert world.settle().status == 0


def test_references_found_again(tmp_path: Path) -> None:
    """References between records that are found again by their keys are equal again, and write nothing."""
    flows = {"customer": customers(), "project": projects(link={"pms": "create", "erp": "never"})}
    plain = Behaviour()
    world = World(
        tmp_path,
        flows,
        pms={"customer": plain, "project": plain},
        erp={"customer": Behaviour(ids="C-{:04d}"), "project": Behaviour(ids="P-{:04d}", key_property="ref")},
    )
    id = customer(world.pms, "Berge", "222")
    first = project(world.pms, "P1", id)
    project(world.pms, "P1.1", id, first)
    world.settle()
    world.lose_state()
    assert written(world.settle()) == 0
    assert world.pairs("project") == ["pms/1 erp/P-0001", "pms/2 erp/P-0002"]
    assert world.held() == []


def test_an_old_copy_is_restored(world: World, tmp_path: Path) -> None:
    """A state older than its mark is noticed: every write is braked, none is made."""
    id, other = linked(world, city="Oslo")
    shutil.copy(tmp_path / "accord.db", tmp_path / "backup.db")
    world.pms.edit("customer", id, city="Bergen")
    world.settle()
    shutil.copy(tmp_path / "backup.db", tmp_path / "accord.db")
    world.pms.edit("customer", id, city="Trondheim")
    report = world.round()
    assert written(report) == 0
    assert "a backup was restored" in str(report.held) or world.held("conflict")
    assert world.erp.get("customer", other)["city"] == "Bergen"  # type: ignore[index]


def test_an_old_copy_and_what_was_made_since(tmp_path: Path) -> None:
    """Counterparts made after the copy are found again by their keys, and not made twice."""
    world = one_way(tmp_path)
    customer(world.pms, "Berge", "222")
    world.settle()
    shutil.copy(tmp_path / "accord.db", tmp_path / "backup.db")
    customer(world.pms, "Dal", "333")
    world.settle()
    shutil.copy(tmp_path / "backup.db", tmp_path / "accord.db")
    customer(world.pms, "Eng", "444")
    report = world.round()
    assert (written(report), report.status) == (0, 3)
    assert "a backup was restored" in world.one_held("brake").reason
    world.round("creates<=1")
    assert world.settle().status == 0
    assert world.names("erp") == ["Berge", "Dal", "Eng"]


def test_an_old_copy_never_deletes(tmp_path: Path) -> None:
    """Deletions that an old copy makes us see again are braked as well."""
    world = two(tmp_path, on_delete="propagate")
    id, _ = linked(world)
    shutil.copy(tmp_path / "accord.db", tmp_path / "backup.db")
    world.round()
    shutil.copy(tmp_path / "backup.db", tmp_path / "accord.db")
    world.pms.delete("customer", id)
    assert written(world.round(full=True)) == 0
    assert world.names("erp") == ["Åsheim"]
    world.round("deletes<=1", full=True)
    assert world.names("erp") == []
