"""A world: systems in memory, each with its own habits, the project file that joins them, and a log of every change.

Everything comes from one seed; time is a clock that only moves when it is looked at or told to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from accord.config.load import load
from accord.config.meaning import Project
from accord.connectors.memory import (
    Behaviour,
    MemorySystem,
    TickingClock,
    cut,
    empty_to_null,
    null_to_empty,
    rounded,
    trim,
    upper,
)
from accord.connectors.paths import flat, get_path
from accord.model import ABSENT

GRACE = 120.0
OWN = frozenset({"id", "version", "updated_at"})
_MARK = re.compile(r"[eE](\d+)")


@dataclass(frozen=True, kw_only=True)
class RowSpec:
    """One row of a flow."""

    name: str
    kind: str
    """`code`, `text`, `number` or `reference`."""
    target: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def enforce(self) -> str | None:
        """The system that decides this row."""
        return self.settings.get("enforce")

    @property
    def rule(self) -> str:
        """Who wins."""
        conflict = self.settings.get("conflict", "ask")
        return conflict if isinstance(conflict, str) else "prefer"

    def flows_from(self, system: str) -> bool:
        """Whether edits made there count."""
        direction = self.settings.get("direction")
        return direction is None or direction.split(" -> ")[0] == system


@dataclass(frozen=True, kw_only=True)
class FlowSpec:
    """One flow: its datatype in each system, and its rows."""

    name: str
    datatypes: Mapping[str, str]
    rows: tuple[RowSpec, ...]
    match: bool
    modes: Mapping[str, str]
    where: Mapping[str, tuple[str, Any]]
    """System → (property, the value that it must have)."""
    on_delete: str
    limits: Mapping[str, int] = field(default_factory=dict)

    def row(self, name: str) -> RowSpec:
        """A row by its name."""
        return next(row for row in self.rows if row.name == name)


@dataclass(frozen=True, kw_only=True)
class Event:
    """One change of one record, as the system itself saw it."""

    index: int
    round: int
    """0: between rounds; else the round at work."""
    after: int
    """How many rounds had begun."""
    actor: str
    """`person` or `sync`."""
    op: str
    system: str
    datatype: str
    id: str
    flow: str | None
    code: str | None
    rows: Mapping[str, tuple[str, str, Any]]
    """Row → (mark before, mark now, native now)."""
    paths: frozenset[str]
    late: bool = False
    is_out: bool = False
    """For a write of ours: whether the record was out of the scope of its filter."""
    read: int = -1
    """For a write of ours: how many events there were when the record was last read by its id."""
    crashed: bool = False


class SimSystem(MemorySystem):
    """A system that tells its world of every change, and knows the hand of a person from the connector's."""

    def __init__(self, name: str, world: World, datatypes: Mapping[str, Behaviour], random: Random) -> None:
        self.name, self.world = name, world
        self.hand = self.is_late = False
        self.reads: dict[tuple[str, str], int] = {}
        self.asked: dict[tuple[str, str], int] = {}
        """Record → the round that first asked for its deletion."""
        super().__init__(datatypes, clock=world.clock, random=random, instance=f"sim-{name}")
        self.on_request(self._watch)

    @contextmanager
    def person(self) -> Iterator[None]:
        """What happens in here is done by a person."""
        self.hand = True
        try:
            yield
        finally:
            self.hand = False

    def later(self, requests: int, act: Any) -> None:
        """A late write rests on what was read before it was sent."""
        reads = dict(self.reads)

        def late() -> None:
            now, self.reads, self.is_late = self.reads, reads, True
            try:
                act()
            finally:
                self.reads, self.is_late = now, False

        super().later(requests, late)

    @property
    def pending(self) -> bool:
        """Whether writes are still on their way."""
        return bool(self._late)

    def _watch(self, phase: str, operation: str, datatype: str, id: str | None) -> None:
        if phase == "after" and operation == "get" and id is not None:
            self.reads[datatype, id] = len(self.world.events)
        if phase == "before" and operation == "delete" and id is not None:
            self.asked.setdefault((datatype, id), self.world.round)

    def _put(self, datatype: str, id: str, record: dict[str, Any] | None) -> None:
        old = self.tables[datatype].records.get(id)
        super()._put(datatype, id, record)
        self.world.note(self, datatype, id, old, record)


class World:
    """See the module."""

    def __init__(self, seed: int, folder: Path, **fixed: Any) -> None:
        self.seed, self.folder = seed, folder
        self.random = Random(seed)
        self.clock = TickingClock(step=0.01)
        self.goods: list[int] = []
        """The rounds that ended without an error."""
        self.events: list[Event] = []
        self.story: list[str] = []
        self.round = self.rounds = self.good = 0
        """The round at work, how many have begun, and the last one that ended without an error."""
        self.crashing = False
        self.approved: set[int] = set()
        """The rounds whose limits were lifted."""
        self.marks = 0
        self.faults: dict[str, int] = {}
        self.excused: set[tuple[str, str]] = set()
        """(flow, code) of what a person has decided, so that the rules do not bind it any more."""
        self.hidden: set[tuple[str, str, str]] = set()
        """Records that we were not allowed to see for some time."""
        self.fixed = fixed
        names = ["pms", "erp", "crm"] if self.pick("three", [False, False, True]) else ["pms", "erp"]
        self.flows = {flow.name: flow for flow in _flows(self, names)}
        self.systems = {name: SimSystem(name, self, _datatypes(self, name), Random(seed)) for name in names}
        self.project = self._load()

    def pick(self, name: str, choices: list[Any]) -> Any:
        """A choice by the seed, unless the test fixes it."""
        chosen = self.random.choice(choices)
        return self.fixed.get(name, chosen)

    def new_mark(self) -> int:
        """A number that no other edit has."""
        self.marks += 1
        return self.marks

    def path(self, system: str, row: str) -> str:
        """Where a row is in a system."""
        return {"pms": row, "erp": f"erp_{row}", "crm": f"data.{row}"}[system]

    def flow_of(self, system: str, datatype: str, record: Mapping[str, Any]) -> FlowSpec | None:
        """The flow that a record belongs to."""
        flows = [flow for flow in self.flows.values() if flow.datatypes[system] == datatype]
        if len(flows) == 1:
            return flows[0]
        return next((flow for flow in flows if flow.name == record.get("kind")), None)

    def code(self, system: str, record: Mapping[str, Any] | None) -> str | None:
        """Which thing a record is."""
        code = get_path(record or {}, self.path(system, "code"))
        return code if isinstance(code, str) else None

    def in_scope(self, flow: FlowSpec, system: str, record: Mapping[str, Any]) -> bool:
        """Whether the filter of a side is true."""
        name, value = flow.where.get(system, (None, None))
        return name is None or record.get(name) == value

    def records(self, flow: FlowSpec, system: str) -> dict[str, dict[str, Any]]:
        """The live records of a flow in a system."""
        datatype = flow.datatypes[system]
        return {
            id: record
            for id, record in self.systems[system].all(datatype).items()
            if self.flow_of(system, datatype, record) is flow
        }

    def mark(self, flow: FlowSpec, system: str, row: RowSpec, value: Any) -> str:
        """What makes a value recognisable after trimming, cutting, casing and rounding."""
        if value is None or value is ABSENT or value == "":
            return ""
        if row.kind == "reference":
            datatype = self.flows[row.target or ""].datatypes[system]
            found = self.systems[system].tables[datatype].records.get(str(value))
            return self.code(system, found) or f"?{value}"
        if row.kind == "number":
            return str(int(Decimal(str(value))))
        if row.kind == "code":
            return str(value)
        found = _MARK.search(str(value))
        return f"E{found[1]}" if found else repr(value)

    def marks_of(self, flow: FlowSpec, system: str, record: Mapping[str, Any]) -> dict[str, str]:
        """Row → mark."""
        return {r.name: self.mark(flow, system, r, get_path(record, self.path(system, r.name))) for r in flow.rows}

    def note(
        self, system: SimSystem, datatype: str, id: str, old: dict[str, Any] | None, new: dict[str, Any] | None
    ) -> None:
        """Log a change."""
        flow = self.flow_of(system.name, datatype, new or old or {})
        flag = system.tables[datatype].behaviour.soft_delete
        gone = new is None or (flag is not None and new.get(flag) is True)
        op = "delete" if gone else "create" if old is None else "update"
        actor = "person" if system.hand else "sync"
        event = Event(
            index=len(self.events),
            round=self.round,
            after=self.rounds,
            actor=actor,
            op=op,
            system=system.name,
            datatype=datatype,
            id=id,
            flow=flow.name if flow else None,
            code=self.code(system.name, new or old),
            rows=self._rows(flow, system.name, old, new) if flow and new is not None else {},
            paths=_changed(old or {}, new or {}),
            late=system.is_late,
            is_out=bool(flow and old is not None and not self.in_scope(flow, system.name, old)),
            read=system.reads.get((datatype, id), -1),
            crashed=self.crashing,
        )
        self.events.append(event)
        shown = ", ".join(f"{row} {a or '∅'}→{b or '∅'}" for row, (a, b, _) in event.rows.items())
        who = "someone" if actor == "person" else "ACCORD (late)" if event.late else "ACCORD"
        self.story.append(f"    #{event.index} {who} {op}s {system.name}/{datatype}/{id} [{event.code}] {shown}")

    def _rows(
        self, flow: FlowSpec, system: str, old: dict[str, Any] | None, new: dict[str, Any]
    ) -> dict[str, tuple[str, str, Any]]:
        rows = {}
        for row in flow.rows:
            path = self.path(system, row.name)
            before, now = get_path(old or {}, path), get_path(new, path)
            if before != now and not (before in (ABSENT, None) and now in (ABSENT, None)):
                rows[row.name] = (self.mark(flow, system, row, before), self.mark(flow, system, row, now), now)
        return rows

    # the project file

    def _load(self) -> Project:
        file = self.folder / "accord.yaml"
        systems = {name: self._system(name, system) for name, system in self.systems.items()}
        flows = {flow.name: self._flow(flow) for flow in self.flows.values()}
        file.write_text(json.dumps({"accord": 1, "state": "state.db", "systems": systems, "flows": flows}))
        return load(file)

    def _system(self, name: str, system: SimSystem) -> dict[str, Any]:
        datatypes = {}
        for datatype, table in system.tables.items():
            behaviour = table.behaviour
            body: dict[str, Any] = {"modified": "updated_at"}
            if behaviour.soft_delete:
                body["deleted"] = f"{behaviour.soft_delete} == true"
            if behaviour.key_property:
                body["key_property"] = behaviour.key_property
            if behaviour.unique:
                body["natural_key"] = list(behaviour.unique[0])
            datatypes[datatype] = body
        return {"connector": "memory", "instance": f"sim-{name}", "datatypes": datatypes}

    def _flow(self, flow: FlowSpec) -> dict[str, Any]:
        body: dict[str, Any] = {"link": dict(flow.modes), "limits": dict(flow.limits)}
        body["on_delete"] = {"archive": {"archived": "yes"}} if flow.on_delete == "archive" else flow.on_delete
        if flow.match:
            body["match"] = [["code"]]
        for system, datatype in flow.datatypes.items():
            where = flow.where.get(system)
            side: dict[str, Any] = {"datatype": datatype}
            if where is not None:
                side |= {"where": f"{where[0]} == {where[1]!r}", "defaults": {where[0]: where[1]}}
            body[system] = side
        groups: dict[str, list[str]] = {}
        body["rows"] = []
        for row in flow.rows:
            written = {system: self.path(system, row.name) for system in flow.datatypes}
            settings = {key: value for key, value in row.settings.items() if key != "group"}
            body["rows"].append({"name": row.name, "type": _type(row), **written, **settings})
            if "group" in row.settings:
                groups.setdefault(row.settings["group"], []).append(row.name)
        return {**body, "groups": groups} if groups else body


def _type(row: RowSpec) -> str:
    return {"number": "decimal(2)", "reference": f"reference({row.target})"}.get(row.kind, "string")


def _changed(old: dict[str, Any], new: dict[str, Any]) -> frozenset[str]:
    paths = {
        path
        for record in (old, new)
        for key, value in record.items()
        for path in ([f"{key}.{inner}" for inner in value] if isinstance(value, dict) else [key])
    }
    before, now = flat(old, tuple(paths)), flat(new, tuple(paths))
    return frozenset(path for path in paths if before.get(path) != now.get(path))


def _flows(world: World, names: list[str]) -> list[FlowSpec]:
    shared = world.pick("shared", [False, False, True])
    flows = []
    for name in ("customer", "project"):
        match = world.pick("match", [True, False])
        datatypes = {system: "item" if shared and system == "erp" else name for system in names}
        where: dict[str, tuple[str, Any]] = {}
        if shared:
            where["erp"] = ("kind", name)
        elif world.pick("where", [True, False, False]):
            where["erp"] = ("segment", "a")
        standard = "match-or-create" if match else "create"
        modes = dict.fromkeys(names, standard)
        if world.pick("quiet_erp", [True, False, False, False]):
            modes["erp"] = world.pick("erp_mode", ["never", "match-only"] if match else ["never"])
        flows.append(
            FlowSpec(
                name=name,
                datatypes=datatypes,
                rows=tuple(_rows_of(world, name, names)),
                match=match,
                modes=modes,
                where=where,
                on_delete=world.pick(
                    "on_delete", ["ask", "propagate", "keep", "archive", "restore", "delete_wins", "edit_wins"]
                ),
                limits=world.pick("limits", [{}, {}, {"delete": 1}]),
            )
        )
    return flows


def _rows_of(world: World, flow: str, names: list[str]) -> Iterator[RowSpec]:
    yield RowSpec(name="code", kind="code")
    for name, kind in (("name", "text"), ("note", "text"), ("amount", "number")):
        yield RowSpec(name=name, kind=kind, settings=_settings(world, name, names))
    if flow == "customer":
        if world.pick("main", [True, False, False]):
            yield RowSpec(name="main", kind="reference", target="project")
        if world.pick("group", [True, False]):
            rule = {"conflict": world.pick("group_rule", ["ask", "latest", {"prefer": ["erp", "pms"]}])}
            yield RowSpec(name="street", kind="text", settings={"group": "address", **rule})
            yield RowSpec(name="city", kind="text", settings={"group": "address", **rule})
    else:
        yield RowSpec(name="owner", kind="reference", target="customer")
        if world.pick("parent", [True, True, False]):
            yield RowSpec(name="parent", kind="reference", target="project")


def _settings(world: World, row: str, names: list[str]) -> dict[str, Any]:
    orders = [list(names), list(reversed(names))]
    rule = world.pick(
        f"rule_{row}", ["ask", "ask", "latest", "keep-filled", {"prefer": orders[0]}, {"prefer": orders[1]}]
    )
    special = world.pick(f"special_{row}", [None] * 6 + ["enforce", "one-way", "keep_filled"])
    if special == "enforce":
        return {"enforce": world.random.choice(names)}
    if special == "one-way":
        return {"direction": "pms -> erp", "conflict": rule} if len(names) == 2 else {"conflict": rule}
    if special == "keep_filled":
        return {"keep_filled": True, "conflict": rule}
    return {"conflict": rule}


def _datatypes(world: World, system: str) -> dict[str, Behaviour]:
    names = dict.fromkeys(flow.datatypes[system] for flow in world.flows.values())
    return {name: _behaviour(world, system, name) for name in names}


def _behaviour(world: World, system: str, datatype: str) -> Behaviour:
    def pick(name: str, choices: list[Any]) -> Any:
        chosen = world.pick(name, choices)
        return world.fixed.get(f"{system}_{name}", chosen)

    code = world.path(system, "code")
    soft = pick("soft", [None, None, "binned"])
    means = pick("means", ["key", "idempotent", "natural", "none", "none"])
    searched = any(flow.match and flow.datatypes[system] == datatype for flow in world.flows.values())
    return Behaviour(
        ids=pick("ids", [None, "X-{:03d}"]),
        version_check=pick("version_check", ["version", "where", None]),
        changed_since=pick("changed_since", ["inclusive", "exclusive", None]),
        resolution=pick("resolution", [0.0, 1.0]),
        soft_delete=soft,
        soft_listed=pick("soft_listed", [True, False]),
        deleted_feed=pick("deleted_feed", [True, False]),
        key_property="accord_key" if means == "key" else None,
        idempotent=means == "idempotent",
        unique=((code,),) if means == "natural" else (),
        find=(code,) if searched or means == "natural" else (),
        batch=pick("batch", [1, 1, 3]),
        ordered=pick("ordered", [True, False]),
        page_size=pick("page_size", [2, 5, 100]),
        normalise={
            world.path(system, "name"): pick("norm_name", [(), (), (trim,), (upper,), (cut(22),), (trim, upper)]),
            world.path(system, "note"): pick("norm_note", [(), (null_to_empty,), (empty_to_null,), (trim,)]),
            world.path(system, "amount"): pick("norm_amount", [(), (rounded(2),), (rounded(1),)]),
        },
    )
