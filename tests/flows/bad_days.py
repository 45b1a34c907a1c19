"""One bad day, played the same way for many lines of the fault table: edits on both sides while something is wrong,
then calm, then what must be true whatever it was.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from accord.connectors.memory import Behaviour, MemorySystem

from .world import customer, two, written

KEYED = Behaviour(key_property="accord_key", find=("org",), deleted_feed=True)
"""A system that keeps our key, so that every lost create is found again."""
IN_THE_END = {
    "111": ("Åsheim AS", "Oslo"),
    "222": ("Berge & sønner", None),
    "444": ("Eid", None),
    "555": ("Foss", None),
    "666": ("Gran", None),
    "777": ("Hval", None),
}
VALUES = ("name", "org", "city")


class BadDay:
    """Three linked customers, and a day on which people work on both sides."""

    def __init__(
        self, folder: Path, pms: Behaviour = KEYED, erp: Behaviour = KEYED, skew: float = 0.0, **flow: Any
    ) -> None:
        self.world = two(folder, pms, erp, **{"on_delete": "propagate", **flow})
        self.world.pms.skew, self.world.erp.skew = skew, -skew
        self.entered: set[Any] = {None, ""}
        self.edits: list[tuple[MemorySystem, str, str, Any]] = []
        for name, org in (("Åsheim", "111"), ("Berge", "222"), ("Dal", "333"), ("Eid", "444")):
            self.make(self.world.pms, name, org)
        self.world.settle()

    def make(self, system: MemorySystem, name: str, org: str) -> None:
        """Somebody makes a customer."""
        self.entered |= {name, org}
        customer(system, name, org)

    def edit(self, system: MemorySystem, org: str, **values: Any) -> None:
        """Somebody edits one."""
        self.entered |= set(values.values())
        self.edits += [(system, org, name, value) for name, value in values.items()]
        system.edit("customer", self.of(system, org)["id"], values)

    def of(self, system: MemorySystem, org: str) -> dict[str, Any]:
        """The one customer with a number."""
        (found,) = [record for record in system.all("customer").values() if record["org"] == org]
        return found

    def work(self) -> None:
        """Edits on both sides, a new customer on each, one that both make, and one that is deleted."""
        world = self.world
        self.edit(world.pms, "111", name="Åsheim AS")
        self.edit(world.erp, "111", city="Oslo")
        self.edit(world.erp, "222", name="Berge & sønner")
        self.make(world.pms, "Foss", "555")
        self.make(world.erp, "Gran", "666")
        self.make(world.pms, "Hval", "777")
        self.make(world.erp, "Hval", "777")
        world.pms.delete("customer", self.of(world.pms, "333")["id"])

    def play(self, *faults: Callable[[], object], rounds: int = 2) -> None:
        """The day with these faults, then calm, then at most three rounds until nothing is written."""
        for fault in faults:
            fault()
        self.work()
        for _ in range(rounds):
            self.world.round()
            self.safe()
        self.calm()

    def calm(self) -> None:
        """Everything works again; the grace for late writes passes; after three rounds all is done."""
        for system in self.world.systems.values():
            system.calm()
            system.arrive()
        self.world.clock.advance(300)
        for _ in range(3):
            self.world.round()
        assert written(self.world.round()) == 0

    def safe(self) -> None:
        """What holds at any time: nobody twice, nothing gone that nobody deleted, nothing invented or set back."""
        for system in self.world.systems.values():
            records = system.all("customer").values()
            orgs = [record["org"] for record in records]
            assert len(orgs) == len(set(orgs)), f"twice: {orgs}"
            assert {"111", "222", "444"} <= set(orgs)
            assert {record[name] for record in records for name in VALUES if name in record} <= self.entered
        for system, org, name, value in self.edits:
            assert self.of(system, org)[name] == value, f"the edit of {name} of {org} was set back"
        assert all(item.reason for item in self.world.held())

    def done(self) -> None:
        """What holds in the end: both in step, every edit on both sides, and nothing left for a person."""
        self.safe()
        for name, system in self.world.systems.items():
            assert (name, self.shown(system)) == (name, IN_THE_END)
        assert [(item.kind, item.reason) for item in self.world.held()] == []

    def done_or_seen_later(self, since: str | None) -> None:
        """The same; but what a listing of changes left out comes to light with the next full one only."""
        if since is not None:
            self.world.round(full=True)
            self.calm()
        self.done()

    def shown(self, system: MemorySystem) -> dict[str, tuple[Any, Any]]:
        """Number → name and city."""
        return {record["org"]: (record["name"], record.get("city")) for record in system.all("customer").values()}
