"""People at work in both systems, by chance, and what each of them saw when they typed.

The name of every record begins with the thing that it is, `T7`, which nobody edits: that tells records of the two
systems apart from duplicates without asking Accord. Every value has a mark that no other has.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from tests.real.pair.pair import Pair, hours

SYSTEMS = ("redmine", "tryton")
ROOT = "T0"
WORDS = ("brygge", "«fjord»", "Ærø", "海", "🚧", 'say "hi"', "a/b", "<b>", "100 %", "\ttab")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A record as a system shows it."""

    id: int
    kind: str
    values: dict[str, Any]
    """name, text, hours (of tasks), and above: the thing to which it belongs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """One value that a person typed."""

    system: str
    seen: Any
    value: Any


@dataclass
class People:
    """Random hands."""

    pair: Pair
    random: Random
    marks: int = 0
    typed: dict[tuple[str, str], list[Typed]] = field(default_factory=lambda: defaultdict(list))
    """(thing, row) → what was typed, in order."""
    deleted: set[str] = field(default_factory=set)
    untouched: set[str] = field(default_factory=set)
    """Things of the first day that nobody has touched since."""
    story: list[str] = field(default_factory=list)
    _looked: dict[str, dict[str, list[Shown]]] = field(default_factory=dict)

    def shown(self, system: str) -> dict[str, list[Shown]]:
        """Thing → its records in a system; more than one is a duplicate."""
        if system not in self._looked:
            found: dict[str, list[Shown]] = defaultdict(list)
            for record in self._redmine() if system == "redmine" else self._tryton():
                found[thing_of(record.values["name"])].append(record)
            self._looked[system] = found
        return self._looked[system]

    def look_again(self) -> None:
        """What was there may have changed."""
        self._looked.clear()

    def _redmine(self) -> list[Shown]:
        listed = self.pair.redmine("GET", "/projects.json?limit=100").json["projects"]
        names = {one["id"]: thing_of(one["name"]) for one in listed}
        found = [
            Shown(
                id=one["id"],
                kind="project",
                values=_values(one["name"], one["description"], names.get((one.get("parent") or {}).get("id"))),
            )
            for one in listed
        ]
        for one in self.pair.redmine("GET", "/issues.json?status_id=*&limit=100").json["issues"]:
            told = _values(one["subject"], one["description"], names.get(one["project"]["id"]))
            time = one["estimated_hours"]
            told["hours"] = None if time is None else Decimal(str(time)).quantize(Decimal("0.01"))
            found.append(Shown(id=one["id"], kind="task", values=told))
        return found

    def _tryton(self) -> list[Shown]:
        listed = self.pair.tryton("GET", "project.work?f=name&f=type&f=parent&f=comment&f=effort_duration&s=500").json
        names = {one["id"]: thing_of(one["name"]) for one in listed}
        found = []
        for one in listed:
            told = _values(one["name"], one["comment"], names.get(one["parent"]))
            if one["type"] == "task":
                time = one["effort_duration"]
                seconds = None if time is None else Decimal(str(time["seconds"]))
                told["hours"] = None if seconds is None else (seconds / 3600).quantize(Decimal("0.01"))
            found.append(Shown(id=one["id"], kind=one["type"], values=told))
        return found

    # what they do

    def first_day(self) -> None:
        """Projects and tasks on both sides, before Accord runs for the first time."""
        self.make(self.random.choice(SYSTEMS), "project", thing=ROOT)
        for _ in range(2):
            for system in SYSTEMS:
                project = self.make(system, "project")
                for _ in range(self.random.randint(1, 2)):
                    self.make(system, "task", above=project)

    def act(self) -> None:
        """One thing, by chance."""
        acts = (self.edit, self.edit_both, self.new, self.move, self.delete, self.delete_project)
        self.random.choices(acts, (6, 1.5, 3, 2, 1.5, 0.5))[0]()

    def mark(self) -> int:
        """The next one."""
        self.marks += 1
        return self.marks

    def text(self, row: str) -> Any:
        """A value that nobody has typed yet."""
        number = self.mark()
        if row == "hours":
            return Decimal(number) / 100 + 1
        word = self.random.choice(WORDS)
        return f"E{number} {word.strip()}" if row == "name" else f"E{number} {word}\nline two\n\nE{number}"

    def make(self, system: str, kind: str, *, thing: str | None = None, above: str | None = None) -> str:
        """A new record."""
        thing = thing or f"T{self.mark()}"
        told: dict[str, Any] = {"name": f"{thing} {self.text('name')}", "text": self.text("text"), "above": above}
        if kind == "task":
            told["hours"] = self.text("hours")
        self.story.append(f"  {system}: makes {kind} {told}")
        parent = self.shown(system)[above][0].id if above else None
        if system == "tryton":
            self.pair.make_work(told["name"], kind, **_for_tryton(told), **({"parent": parent} if parent else {}))
        elif kind == "project":
            more = {"parent_id": parent} if parent else {}
            self.pair.make_project(told["name"], identifier=f"own-{thing.lower()}", description=told["text"], **more)
        else:
            assert parent is not None, "an issue has a project"
            self.pair.make_issue(parent, told["name"], description=told["text"], estimated_hours=float(told["hours"]))
        self.look_again()
        for row, value in told.items():
            self.typed[thing, row].append(Typed(system=system, seen=None, value=value))
        return thing

    def meddle(self) -> None:
        """While a round is at work: something new, or a text that only Redmine's people have typed so far. Neither API
        has a version check, so what is typed into a property that Accord is about to write there may be lost.
        """
        self.look_again()
        mine = [
            thing
            for thing in self._alive("redmine")
            if all(typed.system == "redmine" for typed in self.typed[thing, "text"])
        ]
        if mine and self.random.random() < 0.7:
            self.type("redmine", self.random.choice(mine), "text")
        else:
            self.new()

    def new(self) -> None:
        """A new task, or a project."""
        system = self.random.choice(SYSTEMS)
        there = self._alive(system, "project")
        if self.random.random() < 0.3:
            self.make(system, "project", above=self.random.choice([None, ROOT if ROOT in there else None]))
        elif there:
            self.make(system, "task", above=self.random.choice(there))

    def edit(self) -> None:
        """A row of a record."""
        self._edit_in(self.random.choice(SYSTEMS))

    def edit_both(self) -> None:
        """The same row of the same record on both sides."""
        first = self.random.choice(SYSTEMS)
        done = self._edit_in(first)
        other = SYSTEMS[1 - SYSTEMS.index(first)]
        if done and done[0] in self._alive(other):
            self.type(other, *done)

    def _edit_in(self, system: str) -> tuple[str, str] | None:
        things = self._alive(system)
        if not things:
            return None
        thing = self.random.choice(things)
        (record, *_) = self.shown(system)[thing]
        row = self.random.choice(["name", "text", *(["hours"] if record.kind == "task" else [])])
        self.type(system, thing, row)
        return thing, row

    def type(self, system: str, thing: str, row: str, value: Any = None) -> None:
        """A new value in one row, by somebody who sees the old one."""
        (record, *_) = self.shown(system)[thing]
        if value is None:
            value = self.text(row)
            value = f"{thing} {value}" if row == "name" else value
        self.story.append(f"  {system}: types {value!r} into {row} of {thing}, where {record.values[row]!r} was")
        self._write(system, record, row, value)
        self.typed[thing, row].append(Typed(system=system, seen=record.values[row], value=value))
        self.untouched.discard(thing)

    def _write(self, system: str, record: Shown, row: str, value: Any) -> None:
        if system == "tryton":
            told = {"above": "parent", "name": "name"}.get(row)
            there = {told: self._id(system, value) if row == "above" else value} if told else _for_tryton({row: value})
            self.pair.edit_work(record.id, **there)
        elif record.kind == "project":
            path = {"name": "name", "text": "description", "above": "parent_id"}[row]
            told_id = self._id(system, value) or "" if row == "above" else value
            self.pair.edit_project(record.id, **{path: told_id})
        else:
            path = {"name": "subject", "text": "description", "above": "project_id", "hours": "estimated_hours"}[row]
            native = self._id(system, value) if row == "above" else float(value) if row == "hours" else value
            self.pair.edit_issue(record.id, **{path: native})
        self.look_again()

    def _id(self, system: str, thing: str | None) -> int | None:
        return self.shown(system)[thing][0].id if thing else None

    def move(self) -> None:
        """A task to another project, or a project under the root or out of it."""
        system = self.random.choice(SYSTEMS)
        shown = self.shown(system)
        projects = self._alive(system, "project")
        things = [thing for thing in self._alive(system) if thing != ROOT]
        if not things or ROOT not in projects:
            return
        thing = self.random.choice(things)
        record = shown[thing][0]
        if record.kind == "task":
            targets = [project for project in projects if project != record.values["above"]]
        else:
            targets = [None if record.values["above"] else ROOT]
        if targets:
            target = self.random.choice(targets)
            if target:
                self.untouched.discard(target)
            self._type_reference(system, thing, record, target)

    def _type_reference(self, system: str, thing: str, record: Shown, target: str | None) -> None:
        self.story.append(f"  {system}: moves {thing} from {record.values['above']} to {target}")
        self._write(system, record, "above", target)
        self.typed[thing, "above"].append(Typed(system=system, seen=record.values["above"], value=target))
        self.untouched.discard(thing)

    def delete(self) -> None:
        """A task, unless it is the newest: Redmine gives the last id again on SQLite, which has tests of its own."""
        system = self.random.choice(SYSTEMS)
        newest = self._newest("task")
        things = [thing for thing in self._alive(system, "task") if thing not in newest]
        if not things:
            return
        thing = self.random.choice(things)
        self.story.append(f"  {system}: deletes {thing}")
        self._delete(system, self.shown(system)[thing][0])
        self.deleted.add(thing)
        self.untouched.discard(thing)

    def delete_project(self) -> None:
        """A project of the first day with its tasks, which nobody has touched since; Redmine deletes all in one."""
        system = self.random.choice(SYSTEMS)
        shown = self.shown(system)
        newest = self._newest("task") | self._newest("project")
        for thing in sorted(self.untouched - newest - {ROOT}):
            parts = [name for name, records in shown.items() if records[0].values["above"] == thing]
            whole = thing in shown and shown[thing][0].kind == "project"
            if whole and self.untouched.issuperset(parts) and not newest.intersection(parts):
                self.story.append(f"  {system}: deletes {thing} with {parts}")
                for part in parts if system == "tryton" else ():
                    self._delete(system, shown[part][0])
                self._delete(system, shown[thing][0])
                self.deleted |= {thing, *parts}
                self.untouched -= {thing, *parts}
                return

    def _delete(self, system: str, record: Shown) -> None:
        if system == "tryton":
            path = f"project.work/{record.id}"
        else:
            path = f"/{'projects' if record.kind == 'project' else 'issues'}/{record.id}.json"
        assert getattr(self.pair, system)("DELETE", path).status == 204
        self.look_again()

    def _newest(self, kind: str) -> set[str]:
        newest = set()
        for system in SYSTEMS:
            ids = {rs[0].id: thing for thing, rs in self.shown(system).items() if rs[0].kind == kind}
            newest |= {ids[max(ids)]} if ids else set()
        return newest

    def _alive(self, system: str, kind: str | None = None) -> list[str]:
        """Things that are there, and that nobody has deleted anywhere."""
        shown = self.shown(system)
        return sorted(
            thing
            for thing, (record, *_) in shown.items()
            if thing not in self.deleted
            and (kind is None or record.kind == kind)
            and record.values["above"] not in self.deleted
        )


def thing_of(name: str) -> str:
    """The thing that a record is, from its name."""
    return name.split(" ", 1)[0]


def _values(name: str, text: str | None, above: str | None) -> dict[str, Any]:
    return {"name": name, "text": (text or "").replace("\r\n", "\n"), "above": above}


def _for_tryton(told: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "text" in told:
        found["comment"] = told["text"]
    if "hours" in told:
        found["effort_duration"] = hours(float(told["hours"]))
    return found
