"""People: they make, edit, delete and restore records, move them in and out of scope, and decide what is held."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from accord.connectors.memory import Refused
from accord.connectors.paths import flat, get_path
from accord.core.mapping import FlowMap
from accord.errors import AccordError
from accord.model import Ref
from accord.simulate import marks
from accord.simulate.satisfying import LITERAL, satisfied, turning
from accord.simulate.world import SimSystem, World
from accord.store.opening import State, open_state
from accord.store.people import Author, decide, dismiss
from accord.stored import Held
from accord.values.expressions import Expression


class People:
    """Random hands in all systems of a world. What they do is decided by the Random that they are given."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.random = Random(world.seed)  # noqa: S311
        self.actions: list[tuple[int, Callable[[], None]]] = [
            (12, self.edit),
            (4, self.make),
            (2, self.refer),
            (1, self.delete),
            (1, self.restore),
            (1, self.leave_or_return),
            (1, self.touch),
        ]
        if any(side.conditions for flow in world.flows.values() for side in flow.sides.values()):
            self.actions.append((4, self.turn))
        self.last: tuple[str, str, str] | None = None
        """The record that was edited last: people are drawn to where others are at work."""

    def act(self, random: Random) -> None:
        """One thing, by chance."""
        self.random = random
        weights = [weight for weight, _ in self.actions]
        action = random.choices([action for _, action in self.actions], weights)[0]
        try:
            action()
        except (Refused, KeyError):
            return

    # records

    def make(self) -> None:
        """A new thing in one system; sometimes the same thing in a second one, where records are matched."""
        flow = self._flow()
        thing = self.world.new_thing(flow.name)
        names = [name for name in flow.sides if name in self.world.systems]
        first, *others = self.random.sample(names, len(names))
        values = self.canonical(flow, first)
        if self.make_in(first, flow, thing, values) and flow.flow.match and self.random.random() < 0.3:
            keys = {row for rule in flow.flow.match for row in rule}
            same = {row: value for row, value in values.items() if row in keys}
            self.make_in(others[0], flow, thing, {**self.canonical(flow, others[0]), **same})

    def canonical(self, flow: FlowMap, system: str) -> dict[str, Any]:
        """Row → a canonical value, of most rows; of those that must be filled, always. No references."""
        side = flow.sides[system]
        found = {}
        typed = [row for row in side.rows if row not in flow.references and side.may_write(row)]
        marked = [row for row in typed if self.world.is_marked(flow, row)]
        sure = self.random.choice(marked) if marked else None  # by something one must know a thing again
        for row in typed:
            if row == sure:
                found[row] = self.value(flow, system, row, filled=True)
                continue
            needed = side.needs(row) or flow.rows[row].required or any(row in rule for rule in flow.flow.match)
            if needed or self.random.random() < 0.8:
                found[row] = self.value(flow, system, row)
        return found

    def make_in(self, name: str, flow: FlowMap, thing: int, values: Mapping[str, Any]) -> bool:
        """A record of a thing; whether there is one now."""
        side, system = flow.sides[name], self.world.systems[name]
        data = {**dict(side.side.defaults), **satisfied(side, self.random)}
        for condition in side.conditions.values():
            data |= self._turned(flow, name, condition, data) if self.random.random() < 0.5 else {}
        for row, value in values.items():
            if row in side.rows:
                self._enter(flow, name, row, value, data)
        for row in flow.references:
            if row in side.rows and (side.needs(row) or self.random.random() < 0.6):
                data[side.paths[row]] = self._target(flow, name, row)
        with system.person((flow.name, thing)):
            system.insert(side.side.datatype, data)
        return True

    def _enter(self, flow: FlowMap, name: str, row: str, value: Any, data: dict[str, Any]) -> None:
        side = flow.sides[name]
        try:
            data[side.paths[row]] = side.rows[row].encode(value) if value != "" else ""
        except AccordError:
            return  # what cannot be typed there is not typed

    def edit(self) -> None:
        """Some rows of one record; often of the one that was edited last, whichever side."""
        found = self._record()
        if found is None:
            return
        system, flow, id = found
        side = flow.sides[system.name]
        rows = [row for row in side.rows if row not in flow.references and side.may_write(row)]
        rows = [row for row in rows if not side.only_at_creation(row)]
        if rows:
            some = self.random.sample(rows, min(len(rows), self.random.choice([1, 1, 2])))
            self.edit_rows(system, flow, id, {row: self.value(flow, system.name, row) for row in some})

    def edit_rows(self, system: SimSystem, flow: FlowMap, id: str, values: Mapping[str, Any]) -> None:
        """New values in some rows."""
        changes: dict[str, Any] = {}
        for row, value in values.items():
            self._enter(flow, system.name, row, value, changes)
        if changes:
            with system.person():
                system.edit(flow.sides[system.name].side.datatype, id, changes)

    def refer(self) -> None:
        """Point a record to another one."""
        found = self._record()
        if found is None:
            return
        system, flow, id = found
        side = flow.sides[system.name]
        rows = [row for row in flow.references if row in side.rows and side.may_write(row)]
        if rows:
            row = self.random.choice(rows)
            with system.person():
                system.edit(side.side.datatype, id, {side.paths[row]: self._target(flow, system.name, row)})

    def _target(self, flow: FlowMap, name: str, row: str) -> Any:
        other = self.world.flows[flow.references[row]]
        if name not in other.sides:
            return None
        behaviour = self.world.systems[name].tables[other.sides[name].side.datatype].behaviour
        records = self.world.records(other, name)
        natives = [get_path(record, behaviour.id) for _, record in sorted(records.items())]
        required = flow.sides[name].needs(row)
        return self.random.choice([*natives, *([] if required else [None])]) if natives else None

    def delete(self) -> None:
        """One record."""
        found = self._record()
        if found is not None:
            system, flow, id = found
            with system.person():
                system.delete(flow.sides[system.name].side.datatype, id)

    def restore(self) -> None:
        """Take one out of the bin, where there is one."""
        for system in self.world.systems.values():
            for datatype, table in system.tables.items():
                binned = sorted(id for id in table.records if id not in system.all(datatype))
                if binned:
                    with system.person():
                        system.restore(datatype, self.random.choice(binned))
                    return

    def touch(self) -> None:
        """Save a record without a change."""
        found = self._record()
        if found is not None:
            system, flow, id = found
            with system.person():
                system.touch(flow.sides[system.name].side.datatype, id)

    def leave_or_return(self) -> None:
        """Move a record out of the scope of a filter, or back."""
        found = self._record()
        if found is None:
            return
        system, flow, id = found
        side = flow.sides[system.name]
        if side.side.where is None:
            return
        datatype = side.side.datatype
        record = system.get(datatype, id) or {}
        if self.world.in_scope(flow, system.name, record):
            rows = set(side.paths.values())
            outside = [path for path, _, _ in LITERAL.findall(side.side.where) if path not in rows]
            changes: Mapping[str, Any] = dict.fromkeys(outside[:1], "elsewhere")
        else:
            changes = satisfied(side, self.random)
        if changes:
            with system.person():
                system.edit(datatype, id, changes)

    def turn(self) -> None:
        """Make the condition of a row true, or no longer true."""
        found = self._record()
        if found is None:
            return
        system, flow, id = found
        side = flow.sides[system.name]
        if not side.conditions:
            return
        condition = side.conditions[self.random.choice(sorted(side.conditions))]
        datatype = side.side.datatype
        record = flat(dict(system.get(datatype, id) or {}), tuple(side.needed_paths()))
        changes = self._turned(flow, system.name, condition, record)
        if changes:
            with system.person():
                system.edit(datatype, id, changes)

    def _turned(self, flow: FlowMap, name: str, condition: Expression, record: Mapping[str, Any]) -> dict[str, Any]:
        """Path → value that turns a condition; what must be told apart from outside is edited as everything else."""
        told_apart = {path for row, path in flow.sides[name].paths.items() if self.world.is_marked(flow, row)}
        changes = turning(condition, record, self.random)
        return {} if told_apart & changes.keys() else changes

    def value(self, flow: FlowMap, name: str, row: str, *, filled: bool = False) -> Any:
        """A canonical value that no other edit has, or none."""
        side = flow.sides[name]
        kind = flow.rows[row].type.name
        may_be_empty = not (side.needs(row) or flow.rows[row].required or any(row in r for r in flow.flow.match))
        if may_be_empty and not filled and self.random.random() < 0.08:
            return self.random.choice([None, ""]) if kind in ("string", "text") else None
        shape = self.world.shape(flow, name, row)
        others = self.world.row_shapes(flow, row)
        return marks.make(flow.rows[row], shape, self.world.number(), self.random, others)

    def _flow(self) -> FlowMap:
        return self.world.flows[self.random.choice(list(self.world.flows))]

    def _record(self) -> tuple[SimSystem, FlowMap, str] | None:
        """A record; often another record of the thing that was touched last."""
        world = self.world
        if self.last is not None and self.random.random() < 0.4:
            thing = world.thing_of.get(self.last)
            same = [ref for ref, other in world.thing_of.items() if other == thing and self._is_there(ref)]
            if same:
                return self._chosen(self.random.choice(sorted(same)))
        flow = self._flow()
        name = self.random.choice([name for name in flow.sides if name in world.systems])
        records = world.records(flow, name)
        if not records:
            return None
        return self._chosen((name, flow.sides[name].side.datatype, self.random.choice(sorted(records))))

    def _is_there(self, ref: tuple[str, str, str]) -> bool:
        system, datatype, id = ref
        return id in self.world.systems[system].all(datatype)

    def _chosen(self, ref: tuple[str, str, str]) -> tuple[SimSystem, FlowMap, str]:
        self.last = ref
        flow = self.world.flows[self.world.flow_of_thing[self.world.thing_of[ref]]]
        return self.world.systems[ref[0]], flow, ref[2]

    # what is held

    def decide(self, random: Random, kinds: frozenset[str] | None = None) -> int:
        """Everything that is held, by chance (a create in doubt: by looking); how many."""
        self.random = random
        decided = 0
        with open_state(self.world.project.state) as state:
            for item in list(state.held.list()):
                if item.link is None or (kinds is not None and item.kind not in kinds):
                    continue
                choice = self._choice(item, state)
                if choice is None:
                    continue
                self._excuse(item, state)
                self.world.story.append(f"    someone decides {item.kind} of link {item.link} {item.row}: {choice}")
                author = Author(by="kari", at=self.world.clock.now())
                (dismiss(state, item, author) if "dismiss" in choice else decide(state, item, choice, author))
                decided += 1
        return decided

    def _excuse(self, item: Held, state: State) -> None:
        link = state.links.load([item.link or 0]).get(item.link or 0)
        for member in link.members if link else ():
            thing = self.world.thing_of.get((member.ref.system, member.ref.datatype, member.ref.id))
            if thing is not None:
                self.world.excused.add((item.kind, thing))

    def _choice(self, item: Held, state: State) -> dict[str, Any] | None:
        if item.kind in ("conflict", "frozen"):
            return {"take": self.random.choice(sorted(item.values))}
        if item.kind == "delete":
            return {"choice": self.random.choice(["propagate", "close", "restore"])}
        if item.kind in ("rejected", "value"):
            return {"retry": True}
        if item.kind == "in_doubt":
            return self._doubt(item, state)
        return {"dismiss": True} if item.kind == "review" else None

    def _doubt(self, item: Held, state: State) -> dict[str, Any] | None:
        """Look whether the record is there."""
        proposal = next((found for found in state.plans.unfinished() if found.link == item.link), None)
        if proposal is None:
            return None
        write = next(write for write in proposal.plan.writes if write.op.value == "create" and not write.known)
        link = state.links.load([proposal.link])[proposal.link]
        ours = {
            self.world.thing_of.get((member.ref.system, member.ref.datatype, member.ref.id)) for member in link.members
        }
        flow = self.world.flows[proposal.flow]
        for id in sorted(self.world.records(flow, write.system)):
            ref = Ref(write.system, write.datatype, id)
            is_same = self.world.thing_of.get((ref.system, ref.datatype, id)) in ours
            if is_same and not _is_joined(state, state.links.of([ref]).get(ref)):
                return {"link": str(ref)}
        return None if self.world.systems[write.system].pending else {"create": True}


def _is_joined(state: State, number: int | None) -> bool:
    link = state.links.load([number]).get(number) if number is not None else None
    return link is not None and len(link.members) > 1
