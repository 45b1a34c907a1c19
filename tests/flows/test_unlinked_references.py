"""A reference to a record in no link, beside what others edit: it may wait for ever, so nothing waits in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from accord.errors import UsageError

from .world import World, customer, project, projects, with_projects, written

BEFORE, AFTER = "before", "after"


class Scene:
    """A project of Aas on both sides. The one system gives it to Dahl, who is in no link; the other one to Berge."""

    def __init__(self, folder: Path, **rule: Any) -> None:
        self.world = with_projects(folder)
        self.world.file["flows"]["customer"]["link"] = "match-only"
        self.world.file["flows"]["project"] = projects()
        self.world.file["flows"]["project"]["rows"][1] |= rule
        self.aas, self.berge = (customer(self.world.pms, *who) for who in (("Aas", "1"), ("Berge", "2")))
        self.berges = [customer(self.world.erp, *who) for who in (("Aas", "1"), ("Berge", "2"))][1]
        self.mine = project(self.world.pms, "Bridge", self.aas)
        self.world.settle()
        (self.theirs,) = self.world.erp.all("project")
        self.dahl = customer(self.world.pms, "Dahl", "9")
        self.world.clock.advance(60)
        self.world.pms.edit("project", self.mine, customer=self.dahl)

    def edit_theirs(self) -> None:
        """Somebody gives the project to Berge in the other system, a good while later."""
        self.world.clock.advance(60)
        self.world.erp.edit("project", self.theirs, customer=self.berges)

    @property
    def owners(self) -> tuple[Any, Any]:
        """Who has the project in each system."""
        (mine,), (theirs,) = (self.world.systems[name].all("project").values() for name in ("pms", "erp"))
        return mine["customer"], theirs["customer"]

    @property
    def shown(self) -> dict[str, Any]:
        """What a person is asked to choose from."""
        return {
            "pms": {"unlinked": f"pms/customer/{self.dahl}"},
            "erp": {"link": self.world.link_of("erp", self.berges).id},
        }


@pytest.mark.parametrize("when", [BEFORE, AFTER], ids="the other edit {}".format)
@pytest.mark.parametrize("fate", ["stays", "is gone unseen", "is gone"], ids="the target {}".format)
@pytest.mark.parametrize("rule", ["ask", {"prefer": ["pms"]}], ids=str)
def test_both_edits_are_held(tmp_path: Path, rule: Any, fate: str, when: str) -> None:
    """Neither the edit that nobody can be told of nor the other one is passed over; nothing is written."""
    scene = Scene(tmp_path, conflict=rule)
    world = scene.world
    if when == BEFORE:
        scene.edit_theirs()
    if fate != "is gone unseen":
        world.round()
    if fate != "stays":
        world.pms.delete("customer", scene.dahl)
    world.round(full=True)
    if when == AFTER:
        scene.edit_theirs()
    for _ in range(2):
        assert written(world.round(full=True)) == 0
        item = world.one_held("conflict")
        assert (item.row, dict(item.values)) == ("customer", scene.shown)
        assert item.reason.endswith(f"; pms/customer/{scene.dahl} is in no link")
    world.resolve(item, take="erp")
    assert world.settle().status == 0
    assert scene.owners == (scene.berge, scene.berges)
    assert any(line.op == "superseded" and "customer" in line.changes for line in world.history())


def test_what_nobody_can_be_told_of_is_not_taken(tmp_path: Path) -> None:
    """Who says so hears what to do first; the item stays as it is."""
    scene = Scene(tmp_path)
    scene.edit_theirs()
    scene.world.round()
    with pytest.raises(UsageError, match=f"pms/customer/{scene.dahl} is in no link") as refused:
        scene.world.resolve(scene.world.one_held("conflict"), take="pms")
    assert f"accord links link pms/customer/{scene.dahl} OTHER" in (refused.value.hint or "")
    assert scene.world.one_held("conflict").decision is None


def test_once_it_is_linked_it_can_be_taken(tmp_path: Path) -> None:
    """Then the two are told apart by their links."""
    scene = Scene(tmp_path)
    world = scene.world
    scene.edit_theirs()
    world.round()
    dahls = customer(world.erp, "Dahl", "9")
    world.round(full=True)
    item = world.one_held("conflict")
    number = world.link_of("pms", scene.dahl).id
    assert item.values["pms"] == {"link": number}
    assert "in no link" not in item.reason
    world.resolve(item, take="pms")
    assert world.settle().status == 0
    assert scene.owners == (scene.dahl, dahls)


def test_the_same_record_after_all(tmp_path: Path) -> None:
    """Both edits meant one customer: once the two of it are linked, nobody is asked any more."""
    scene = Scene(tmp_path)
    world = scene.world
    dahls = customer(world.erp, "Dahl", "")
    world.erp.edit("project", scene.theirs, customer=dahls)
    world.round()
    assert set(map(str, world.one_held("conflict").values.values())) == {
        str({"unlinked": f"pms/customer/{scene.dahl}"}),
        str({"unlinked": f"erp/customer/{dahls}"}),
    }
    world.link(f"pms/customer/{scene.dahl}", f"erp/customer/{dahls}")
    world.settle()
    assert world.held("conflict") == []
    assert scene.owners == (scene.dahl, dahls)


@pytest.mark.parametrize("rule", ["latest", {"prefer": ["erp"]}], ids=str)
def test_the_rule_says_that_the_other_one_wins(tmp_path: Path, rule: Any) -> None:
    """Then there is nothing to wait for. What lost is in the history, by the name of the record."""
    scene = Scene(tmp_path, conflict=rule)
    scene.edit_theirs()
    assert scene.world.settle().status == 0
    assert scene.owners == (scene.berge, scene.berges)
    (line,) = (line for line in scene.world.history() if line.op == "superseded")
    assert line.changes["customer"][0] == {"unlinked": f"pms/customer/{scene.dahl}"}


def test_the_authority_says_what_nobody_can_be_told_of(tmp_path: Path) -> None:
    """Its word is neither passed over nor carried over: a person sees both."""
    scene = Scene(tmp_path, enforce="pms")
    scene.edit_theirs()
    assert written(scene.world.round()) == 0
    assert dict(scene.world.one_held("conflict").values) == scene.shown


def test_a_single_edit_waits_and_says_for_what(tmp_path: Path) -> None:
    """Nobody else has said anything, so nobody is asked; it is carried over as soon as it can be."""
    scene = Scene(tmp_path)
    world = scene.world
    for _ in range(2):
        assert written(world.round(full=True)) == 0
    assert world.held() == []
    link = world.link_of("pms", scene.mine, "project")
    with world.state() as state:
        why = state.links.why([link.id])[link.id]
    assert why == f"waits for pms/customer/{scene.dahl}, which 'customer' refers to, to have a record in erp"
    dahls = customer(world.erp, "Dahl", "9")
    assert world.settle().status == 0
    assert scene.owners == (scene.dahl, dahls)


def test_two_records_that_are_linked_at_last(tmp_path: Path) -> None:
    """At the first link too: the one belongs to somebody who is in no link, the other to somebody else."""
    world: World = with_projects(tmp_path)
    world.file["flows"]["customer"]["link"] = "match-only"
    world.file["flows"]["project"] = projects(link="never")
    dahl = customer(world.pms, "Dahl", "9")
    customer(world.pms, "Berge", "2")
    berges = customer(world.erp, "Berge", "2")
    mine, theirs = project(world.pms, "Bridge", dahl), project(world.erp, "Bridge", berges)
    world.settle()
    world.link(f"pms/project/{mine}", f"erp/project/{theirs}")
    world.round()
    assert world.one_held("conflict").values["pms"] == {"unlinked": f"pms/customer/{dahl}"}
    world.resolve(world.one_held("conflict"), take="erp")
    assert world.settle().status == 0
