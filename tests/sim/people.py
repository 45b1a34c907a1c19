"""People: they make, edit, delete and restore records, move them in and out of scope, and decide what is held."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from random import Random
from typing import Any

from accord.connectors.memory import Refused
from accord.connectors.paths import get_path
from accord.model import Ref
from accord.store.opening import open_state
from accord.store.people import Author, decide
from accord.stored import Held

from .world import Event, FlowSpec, RowSpec, SimSystem, World

WORDS = ("alder", "birch", "cedar", "elm", "fir", "hazel", "larch", "oak", "pine", "rowan")


class People:
    """Random hands in all systems of a world."""

    def __init__(self, world: World, random: Random) -> None:
        self.world, self.random = world, random
        self.actions: list[tuple[int, Callable[[], None]]] = [
            (12, self.edit),
            (4, self.make),
            (2, self.refer),
            (1, self.delete),
            (1, self.restore),
            (1, self.leave_or_return),
            (1, self.touch),
            (1, self.make_again),
        ]

    def act(self) -> None:
        """One thing, by chance."""
        weights = [weight for weight, _ in self.actions]
        action = self.random.choices([action for _, action in self.actions], weights)[0]
        try:
            action()
        except (Refused, KeyError):
            return

    def meddle(self, system: str, datatype: str, id: str | None) -> None:
        """While Accord is at work: the very record that it reads or writes is edited, or one by chance."""
        record = self.world.systems[system].all(datatype).get(id or "")
        flow = self.world.flow_of(system, datatype, record) if record is not None else None
        if flow is None or id is None or self._chance("meddle").random() < 0.5:
            self.act()
            return
        rows = [row for row in flow.rows if row.kind in ("text", "number")]
        try:
            self.edit_rows(system, flow, id, [self.random.choice(rows)])
        except (Refused, KeyError):
            return

    def _chance(self, what: str) -> Random:
        """A chance of its own for each thing, so that one more of them does not move all others."""
        return Random(f"{what} {self.world.seed} {len(self.world.events)}")

    # records

    def make(self) -> None:
        """A new thing in one system; sometimes the same thing in a second one, where records are matched."""
        flow = self._flow()
        code = f"K{self.world.new_mark()}"
        systems = self.random.sample(sorted(self.world.systems), 2)
        self.make_in(systems[0], flow, code)
        if flow.match and self.random.random() < 0.3:
            self.make_in(systems[1], flow, code)

    def make_in(self, name: str, flow: FlowSpec, code: str, id: str | int | None = None) -> str | int:
        """A record of a thing."""
        system = self.world.systems[name]
        data: dict[str, Any] = {self.world.path(name, "code"): code, "memo": f"memo of {code} in {name}"}
        if name in flow.where:
            data[flow.where[name][0]] = flow.where[name][1]
        for row in flow.rows[1:]:
            if self.random.random() < 0.8:
                data[self.world.path(name, row.name)] = self.value(flow, name, row)
        with system.person():
            return system.insert(flow.datatypes[name], data, id=id)

    def edit(self) -> None:
        """Some rows of one record."""
        found = self._record()
        if found is None:
            return
        system, flow, id = found
        rows = [row for row in flow.rows if row.kind in ("text", "number")]
        self.edit_rows(system.name, flow, id, self.random.sample(rows, self.random.choice([1, 1, 2])))

    def edit_rows(
        self, name: str, flow: FlowSpec, id: str | int, rows: list[RowSpec], given: Mapping[str, Any] | None = None
    ) -> None:
        """New values in some rows; those that are not given have a mark of their own."""
        system = self.world.systems[name]
        values = {row.name: self.value(flow, name, row) for row in rows} | dict(given or {})
        changes = {self.world.path(name, row.name): values[row.name] for row in rows}
        with system.person():
            system.edit(flow.datatypes[name], id, changes)

    def refer(self) -> None:
        """Point a record to another one."""
        found = self._record()
        if found is None:
            return
        system, flow, id = found
        rows = [row for row in flow.rows if row.kind == "reference"]
        if rows:
            self.edit_rows(system.name, flow, id, [self.random.choice(rows)])

    def delete(self) -> None:
        """One record; sometimes several of its kind."""
        found = self._record()
        if found is None:
            return
        system, flow, id = found
        others = sorted(set(self.world.records(flow, system.name)) - {id})[
            : self._chance("several").choice([0, 0, 0, 3])
        ]
        with system.person():
            for one in (id, *others):
                system.delete(flow.datatypes[system.name], one)

    def restore(self) -> None:
        """Take one out of the bin, where there is one."""
        for system in self.world.systems.values():
            for datatype, table in system.tables.items():
                binned = [id for id in table.records if id not in system.all(datatype)]
                if binned:
                    with system.person():
                        system.restore(datatype, self.random.choice(binned))
                    return

    def make_again(self) -> None:
        """Another thing under the id of one that was deleted."""
        gone = [
            e
            for e in self.world.events
            if e.op == "delete" and e.actor == "person" and e.flow is not None and e.after < self.world.good
        ]
        if not gone or self.world.round:
            return
        event = self.random.choice(gone)
        with open_state(self.world.project.state) as state:
            if state.links.of([Ref(event.system, event.datatype, event.id)]):
                return  # not noticed yet: nobody can tell it from an edit of everything
        system = self.world.systems[event.system]
        if event.id in system.tables[event.datatype].records:
            return
        native = int(event.id) if event.id.isdecimal() else event.id
        self.make_in(event.system, self.world.flows[event.flow or ""], f"K{self.world.new_mark()}", native)

    def touch(self) -> None:
        """Save a record without a change."""
        found = self._record()
        if found is not None:
            system, flow, id = found
            with system.person():
                system.touch(flow.datatypes[system.name], id)

    def leave_or_return(self) -> None:
        """Move a record out of the scope of a filter, or back."""
        flow = self._flow()
        scoped = [(name, where) for name, where in flow.where.items() if where[0] == "segment"]
        if not scoped:
            return
        name, (path, value) = self.random.choice(scoped)
        records = self.world.records(flow, name)
        if records:
            id = self.random.choice(sorted(records))
            other = "b" if records[id].get(path) == value else value
            with self.world.systems[name].person():
                self.world.systems[name].edit(flow.datatypes[name], id, {path: other})

    def value(self, flow: FlowSpec, name: str, row: RowSpec) -> Any:
        """A value that no other edit has, or none."""
        if row.kind == "reference":
            targets = self.world.records(self.world.flows[row.target or ""], name)
            native = [get_path(record, "id") for _, record in sorted(targets.items())]
            return self.random.choice([*native, None]) if native else None
        if self.random.random() < 0.08:
            return self.random.choice([None, ""]) if row.kind == "text" else None
        number = self.world.new_mark()
        if row.kind == "number":
            return Decimal(f"{number}.{self.random.randint(11, 89)}")
        text = f"E{number} {self.random.choice(WORDS)} and {self.random.choice(WORDS)} with {self.random.choice(WORDS)}"
        return self.random.choice([text, text, f"{text}  ", text.title()])

    def _flow(self) -> FlowSpec:
        return self.world.flows[self.random.choice(sorted(self.world.flows))]

    def _record(self) -> tuple[SimSystem, FlowSpec, str] | None:
        """Any record; every third time one of the thing that was changed last."""
        chance = self._chance("record")
        if self.world.events and chance.random() < 0.33:
            found = self._same_thing(chance.choice(self.world.events[-3:]), chance)
            if found is not None:
                return found
        flow = self._flow()
        name = self.random.choice(sorted(self.world.systems))
        records = self.world.records(flow, name)
        return (self.world.systems[name], flow, self.random.choice(sorted(records))) if records else None

    def _same_thing(self, event: Event, chance: Random) -> tuple[SimSystem, FlowSpec, str] | None:
        flow = self.world.flows.get(event.flow or "")
        found = [
            (system, flow, id)
            for name, system in self.world.systems.items()
            if flow is not None
            for id, record in self.world.records(flow, name).items()
            if self.world.code(name, record) == event.code
        ]
        return chance.choice(found) if found else None

    # what is held

    def decide(self, kinds: frozenset[str] | None = None) -> int:
        """Everything that is held, by chance (a create in doubt: by looking); how many."""
        decided = 0
        with open_state(self.world.project.state) as state:
            for item in list(state.held.list()):
                if item.link is None or (kinds is not None and item.kind not in kinds):
                    continue
                choice = self._choice(item, state)
                if choice is None:
                    continue
                link = state.links.load([item.link]).get(item.link)
                self._excuse(item, link)
                self.world.story.append(f"    someone decides {item.kind} of link {item.link} {item.row}: {choice}")
                decide(state, item, choice, Author(by="kari", at=self.world.clock.now()))
                decided += 1
        return decided

    def _excuse(self, item: Held, link: Any) -> None:
        for member in link.members if link else ():
            record = self.world.systems[member.ref.system].get(member.ref.datatype, member.ref.id)
            code = self.world.code(member.ref.system, record)
            codes = (
                {code}
                if code
                else {
                    event.code
                    for event in self.world.events
                    if (event.system, event.datatype, event.id)
                    == (member.ref.system, member.ref.datatype, member.ref.id)
                }
            )
            self.world.excused |= {(item.kind, found) for found in codes if found}

    def _choice(self, item: Held, state: Any) -> dict[str, Any] | None:
        if item.kind == "conflict":
            return {"take": self.random.choice(sorted(item.values))}
        if item.kind == "delete":
            return {"choice": self.random.choice(["propagate", "close", "restore"])}
        if item.kind in ("rejected", "value", "frozen"):
            return {"retry": True}
        if item.kind == "in_doubt":
            return self._doubt(item, state)
        return {"dismiss": True} if item.kind == "review" else None

    def _doubt(self, item: Held, state: Any) -> dict[str, Any] | None:
        """Look whether the record is there."""
        proposal = next((found for found in state.plans.unfinished() if found.link == item.link), None)
        if proposal is None:
            return None
        write = next(write for write in proposal.plan.writes if write.op.value == "create" and not write.known)
        flow = self.world.flows[proposal.flow]
        code = next(row.native for row in write.rows if row.row == "code")
        for id, record in self.world.records(flow, write.system).items():
            if self.world.code(write.system, record) == code:
                return {"link": f"{write.system}/{write.datatype}/{id}"}
        return None if self.world.systems[write.system].pending else {"create": True}
