"""Every cell of the table of deletions: each rule, each state of the others, two and three systems, hard and soft
deletes, whichever came first; that it ends there; and that it can be undone.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from accord.connectors.memory import Behaviour
from accord.engine.round import Caller, undo_round
from accord.engine.setting import Options
from accord.engine.undoing import Wanted

from .world import World, customer, customers, row, two, written

RULES: dict[str, Any] = {
    **{rule: rule for rule in ("ask", "propagate", "keep", "restore", "delete_wins", "edit_wins")},
    "archive": {"archive": {"status": "closed"}},
}
OTHERS = ("unchanged", "edited", "deleted", "outside")
KINDS = {"hard": Behaviour(), "soft": Behaviour(soft_delete="deleted", soft_listed=True)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of the table, in one of its settings."""

    rule: str
    other: str
    three: bool
    kind: str
    deleted_first: bool

    def __str__(self) -> str:
        order = "deleted first" if self.deleted_first else "deleted last"
        return f"{self.rule}-{self.other}-{'three' if self.three else 'two'}-{self.kind}-{order}"


CELLS = [
    Cell(rule=rule, other=other, three=three, kind=kind, deleted_first=first)
    for rule, other, three, kind, first in product(RULES, OTHERS, (False, True), KINDS, (True, False))
    if first or other != "unchanged"
]


def expected(cell: Cell) -> str:
    """What the table says: `held`, `deleted`, `closed`, `archived`, `restored`, or `rests`."""
    if cell.other == "deleted" and not cell.three:
        return "closed"
    if cell.other == "edited" and cell.rule not in ("delete_wins", "edit_wins"):
        return "held"
    if cell.other == "edited" and cell.rule == "edit_wins":
        return "restored"
    if cell.other == "outside" and cell.rule == "restore" and cell.three:
        return "rests"  # the two that are left may differ, and nothing is written to one that is out of scope
    says = {"ask": "held", "keep": "closed", "restore": "restored", "archive": "archived"}
    return says.get(cell.rule, "deleted")


class Scene:
    """A customer that is linked in all systems, and then the two things that happen to it."""

    def __init__(self, folder: Path, cell: Cell) -> None:
        self.cell = cell
        systems = ("pms", "erp", "crm") if cell.three else ("pms", "erp")
        rows = [row(name, systems=systems) for name in ("name", "org", "city")]
        scoped = {"datatype": "customer", "where": "segment == 'a'", "defaults": {"segment": "a"}}
        sides = {name: scoped if name == "erp" else "customer" for name in systems}
        flow = customers(**{**sides, "rows": rows, "on_delete": RULES[cell.rule]})
        self.world = World(folder, {"customer": flow}, **{name: {"customer": KINDS[cell.kind]} for name in systems})
        customer(self.world.pms, "Åsheim", "111")
        self.world.settle()
        self.ids = {member.ref.system: member.ref.id for member in self.world.links()[0].members}

    def alive(self, system: str) -> list[Any]:
        """The records that are not deleted."""
        records = self.world.systems[system].all("customer").values()
        return [record for record in records if not record.get("deleted")]

    def happen(self) -> None:
        """Both things, in the order of the cell."""
        steps = [lambda: self.world.pms.delete("customer", self.ids["pms"]), self.other]
        for step in steps if self.cell.deleted_first else reversed(steps):
            step()
            self.world.clock.advance(1)

    def other(self) -> None:
        """What happens to the record in the ERP."""
        erp, id = self.world.erp, self.ids["erp"]
        if self.cell.other == "deleted":
            erp.delete("customer", id)
        elif self.cell.other != "unchanged":
            erp.edit("customer", id, {"city": "Oslo"} if self.cell.other == "edited" else {"segment": "b"})

    def undo(self, run: int) -> list[dict[str, Any]]:
        """`accord undo RUN --apply`; what it leaves as it is."""
        report = undo_round(
            self.world.project(), Wanted(run=run), Options(by="Kari"), Caller(clock=self.world.clock), carry_out=True
        )
        return report.left


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_the_table(tmp_path: Path, cell: Cell) -> None:
    """The outcome, then quiet, then back."""
    scene = Scene(tmp_path, cell)
    world, left = scene.world, ("erp", "crm") if cell.three else ("erp",)
    scene.happen()
    report = world.round(full=True)
    outcome = expected(cell)
    there = {name: len(scene.alive(name)) for name in ("pms", *left)}
    already = {"erp"} if cell.other == "deleted" else set()
    assert report.errors == []
    if outcome == "held":
        assert world.one_held("delete").reason.startswith("deleted in pms")
    else:
        assert world.held() == []
    kept = {name: 0 if name in already else 1 for name in left}
    if outcome == "restored":
        assert there == dict.fromkeys(("pms", *left), 1)
        assert len({record.get("city") for name in ("pms", *left) for record in scene.alive(name)}) == 1
    elif outcome == "deleted":
        assert there == dict.fromkeys(("pms", *left), 0)
    else:
        assert there == {"pms": 0, **kept}
    if outcome == "archived":
        assert all(record["status"] == "closed" for name in left for record in scene.alive(name))
    if outcome in ("deleted", "closed", "archived"):
        assert world.links() == []
    assert written(world.round(full=True)) == written(world.round(full=True)) == 0
    undone = scene.undo(report.run) if written(report) else []
    now = {name: len(scene.alive(name)) for name in ("pms", *left)}
    two_are_left = outcome == "restored" and sum(kept.values()) > 1
    if two_are_left:  # left as it is, and said so
        assert (now, len(undone)) == (there, 1)
    elif outcome == "archived":
        assert (now, undone) == (there, [])
        assert {record.get("status") for name in left for record in scene.alive(name)} == {None}
    elif outcome in ("deleted", "restored"):
        assert (now, undone) == ({"pms": 0, **kept}, [])


@pytest.mark.parametrize("kind", KINDS)
def test_one_that_is_back_under_the_id_of_a_closed_link(tmp_path: Path, kind: str) -> None:
    """A review, and nothing is created."""
    scene = Scene(tmp_path, Cell(rule="propagate", other="unchanged", three=False, kind=kind, deleted_first=True))
    world, id = scene.world, scene.ids["pms"]
    scene.happen()
    world.round(full=True)
    if kind == "soft":
        world.pms.edit("customer", id, deleted=False)
    else:
        world.pms.insert("customer", {"name": "Åsheim", "org": "111", "city": None}, id=id)
    for _ in range(2):
        assert written(world.round(full=True)) == 0
    assert world.one_held("review").refs == (f"pms/customer/{id}",)
    assert scene.alive("erp") == []


@pytest.mark.parametrize("property", ["status", "city"])
def test_one_out_of_scope_is_archived_once(tmp_path: Path, property: str) -> None:
    """Found by `accord simulate` (demo, seed 720113): where a row names the property, it was archived in every pass."""
    cell = Cell(rule="archive", other="outside", three=False, kind="hard", deleted_first=True)
    scene = Scene(tmp_path, cell)
    world = scene.world
    world.flow["on_delete"] = {"archive": {property: "closed"}}
    scene.happen()
    assert written(world.round(full=True)) == 1
    assert (written(world.round(full=True)), world.links(), world.held()) == (0, [], [])
    assert scene.alive("erp")[0][property] == "closed"


def test_what_is_restored_has_also_what_only_flows_from_it(tmp_path: Path) -> None:
    """It is made again as it was; nothing of it has to be entered once more."""
    rows = [row("name"), row("org"), row("city", direction="pms -> erp")]
    world = two(tmp_path, rows=rows, on_delete="restore")
    mine = customer(world.pms, "Åsheim", "111", city="Oslo")
    world.settle()
    world.pms.delete("customer", mine)
    world.round(full=True)
    assert world.records("pms")["Åsheim"]["city"] == "Oslo"
