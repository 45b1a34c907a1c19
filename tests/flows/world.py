"""A project between systems in memory, with a real state in a folder: what people do to it, and what they see."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from accord.cli import resolving
from accord.config.load import load
from accord.config.meaning import Project
from accord.connectors.memory import Behaviour, MemorySystem, TickingClock
from accord.core.guard import Approval
from accord.engine.linking import link_by_hand
from accord.engine.report import Report
from accord.engine.round import Caller, plan_round, run_round
from accord.engine.setting import Options
from accord.model import Link, Ref
from accord.store.opening import State, open_state
from accord.store.people import Author, deciding, join, unlink
from accord.stored import Held, HistoryLine

Rows = list[dict[str, Any]]
PLAIN = Behaviour()


def row(name: str, type: str = "string", systems: Sequence[str] = ("pms", "erp"), **more: Any) -> dict[str, Any]:
    """A row whose property has one name everywhere."""
    return {**dict.fromkeys(systems, name), "name": name, "type": type, **more}


def customers(**more: Any) -> dict[str, Any]:
    """A flow of customers, matched by their number."""
    rows = [row("name"), row("org"), row("city")]
    return {"pms": "customer", "erp": "customer", "match": [["org"]], "rows": rows, **more}


def projects(**more: Any) -> dict[str, Any]:
    """A flow of projects, each of a customer, and perhaps part of another project."""
    rows = [row("title"), row("customer", "reference(customer)"), row("parent", "reference(project)")]
    return {"pms": "project", "erp": "project", "rows": rows, **more}


class World:
    """Systems, a project file and its state."""

    def __init__(self, folder: Path, flows: Mapping[str, Any], **systems: Mapping[str, Behaviour]) -> None:
        self.folder = folder
        self.clock = TickingClock()
        self.systems: dict[str, MemorySystem] = {}
        self.file: dict[str, Any] = {"accord": 1, "state": str(folder / "accord.db"), "systems": {}, "flows": {**flows}}
        for name, datatypes in systems.items():
            self.add_system(name, datatypes)

    def add_system(self, name: str, datatypes: Mapping[str, Behaviour]) -> MemorySystem:
        """One more system, in memory and in the file."""
        self.systems[name] = MemorySystem(datatypes, clock=self.clock, instance=f"flows-{name}")
        said = {key: _said(behaviour) for key, behaviour in datatypes.items()}
        self.file["systems"][name] = {"connector": "memory", "instance": f"flows-{name}", "datatypes": said}
        return self.systems[name]

    @property
    def pms(self) -> MemorySystem:
        """Where work is planned."""
        return self.systems["pms"]

    @property
    def erp(self) -> MemorySystem:
        """Where money is counted."""
        return self.systems["erp"]

    @property
    def flow(self) -> dict[str, Any]:
        """The customer flow, to be changed."""
        found: dict[str, Any] = self.file["flows"]["customer"]
        return found

    def project(self) -> Project:
        """The file as it is now, loaded."""
        path = self.folder / "accord.yaml"
        path.write_text(json.dumps(self.file), "utf-8")
        return load(path)

    def state(self) -> State:
        """The state, opened."""
        return open_state(str(self.folder / "accord.db"))

    # rounds

    def round(self, *approve: str, **options: Any) -> Report:
        """`accord run`, a minute after the last."""
        self.clock.advance(60)
        approvals = tuple(Approval.parse(text) for text in approve)
        return run_round(self.project(), Options(approvals=approvals, **options), Caller(clock=self.clock))

    def plan(self) -> Report:
        """`accord plan`."""
        return plan_round(self.project(), Options(), Caller(clock=self.clock))

    def settle(self) -> Report:
        """A round, and another one that finds nothing to write."""
        report = self.round()
        assert written(self.round()) == 0
        return report

    # what people see

    def records(self, system: str, datatype: str = "customer", key: str = "name") -> dict[Any, dict[str, Any]]:
        """Records by name."""
        return {record.get(key): record for record in self.systems[system].all(datatype).values()}

    def names(self, system: str, datatype: str = "customer", key: str = "name") -> list[Any]:
        """The names of all records, a duplicate as often as it is there."""
        return sorted(record.get(key) for record in self.systems[system].all(datatype).values())

    def links(self, flow: str = "customer") -> list[Link]:
        """The links of a flow that are not closed."""
        with self.state() as state:
            loaded = state.links.load(list(state.links.numbers(flow)))
        return [link for link in loaded.values() if link.state.value != "closed"]

    def pairs(self, flow: str = "customer") -> list[str]:
        """The links in words: `pms/1 erp/1`, alone or together."""
        return [" ".join(f"{m.ref.system}/{m.ref.id}" for m in link.members) for link in self.links(flow)]

    def link_of(self, system: str, id: str | int, flow: str = "customer") -> Link:
        """The open link of a record."""
        return next(x for x in self.links(flow) if (m := x.member(system)) is not None and m.ref.id == str(id))

    def held(self, kind: str | None = None) -> list[Held]:
        """What waits for a person."""
        with self.state() as state:
            return list(state.held.list(kind=kind))

    def one_held(self, kind: str) -> Held:
        """The one item of a kind."""
        (item,) = self.held(kind)
        return item

    def history(self) -> list[HistoryLine]:
        """All that happened, in order."""
        with self.state() as state:
            return sorted(state.history.list(), key=lambda line: line.id)

    # what people decide

    def resolve(self, item: Held, **option: Any) -> None:
        """`accord held resolve`, with one option."""
        project = self.project()
        given = {"value": json.dumps(option["value"])} if "value" in option else option
        decided = resolving.decision(project, item, resolving.choice(given))
        with self.state() as state, deciding(state, self.clock.now()):
            resolving.store(state, item, decided, self.author())

    def link(self, *refs: str, flow: str | None = None) -> int:
        """`accord links link`."""
        project = self.project()
        with self.state() as state, deciding(state, self.clock.now()):
            return link_by_hand(project, state, [Ref.parse(ref) for ref in refs], flow, self.author())

    def unlink(self, number: int) -> None:
        """`accord links unlink`."""
        with self.state() as state, deciding(state, self.clock.now()):
            unlink(state, number, self.author())

    def merge(self, *numbers: int) -> int:
        """`accord links merge`."""
        with self.state() as state, deciding(state, self.clock.now()):
            return join(state, numbers, self.author(), "merge")

    def author(self) -> Author:
        """Kari."""
        return Author(by="Kari", at=self.clock.now())

    # what goes wrong

    def lose_state(self, *, with_mark: bool = False) -> None:
        """Somebody deletes the state."""
        for file in self.folder.glob("accord.db*"):
            if with_mark or not file.name.endswith(".mark"):
                file.unlink()


def _said(behaviour: Behaviour) -> dict[str, Any]:
    """What the file says of a datatype."""
    said: dict[str, Any] = {"id": behaviour.id, "modified": behaviour.modified, "key_property": behaviour.key_property}
    if behaviour.soft_delete:
        said["deleted"] = f"{behaviour.soft_delete} == true"
    return {key: value for key, value in said.items() if value is not None}


def written(report: Report) -> int:
    """How many writes took effect."""
    return sum(sum(ops.values()) for ops in report.writes.values())


def two(folder: Path, pms: Behaviour = PLAIN, erp: Behaviour = PLAIN, **flow: Any) -> World:
    """Customers in two systems."""
    return World(folder, {"customer": customers(**flow)}, pms={"customer": pms}, erp={"customer": erp})


def customer(system: MemorySystem, name: str, org: str = "", **more: Any) -> str | int:
    """Somebody makes a customer."""
    return system.insert("customer", {"name": name, "org": org, "city": None, **more})


def with_projects(folder: Path, erp: Behaviour = PLAIN, **flow: Any) -> World:
    """Customers, and projects that refer to them."""
    both = {"customer": PLAIN, "project": PLAIN}
    flows = {"customer": customers(), "project": projects(**flow)}
    return World(folder, flows, pms=both, erp={**both, "project": erp})


def project(system: MemorySystem, title: str, customer: Any = None, parent: Any = None, **more: Any) -> str | int:
    """Somebody makes a project."""
    return system.insert("project", {"title": title, "customer": customer, "parent": parent, **more})


def linked(world: World, **values: Any) -> tuple[str | int, str]:
    """A customer that is in both systems; its ids."""
    mine = customer(world.pms, "Åsheim", "111", **values)
    world.settle()
    other = next(m.ref.id for m in world.link_of("pms", mine).members if m.ref.system == "erp")
    return mine, other
