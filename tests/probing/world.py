"""A sandbox in memory with two datatypes, and a probe of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from accord.config.load import load
from accord.config.meaning import Project
from accord.connectors.memory import Behaviour, MemorySystem, TickingClock
from accord.connectors.registry import connect
from accord.engine.discovering import FoundDatatype
from accord.probing.found import FoundOfDatatype, Probed
from accord.probing.run import Connecting, Probe

PROPERTIES: dict[str, Any] = {
    "title": {"type": "string", "required": True},
    "note": "string",
    "mail": "email",
    "sum": "decimal",
    "size": "integer",
    "flag": "boolean",
    "due": "date",
    "at": "datetime",
    "state": {"type": "enum", "values": ["open", "done"]},
    "project": "reference(project)",
}
NUMBERS = count(1)


def quiet(_what: str, _done: int, _total: int | None) -> None:
    return None


class Sandbox:
    """One system in memory, which may be probed, and the project file that names it."""

    def __init__(self, folder: Path, behaviour: Behaviour, properties: Mapping[str, Any] | None = None) -> None:
        self.name = f"sandbox-{next(NUMBERS)}"
        self.clock = TickingClock(datetime.now(UTC))
        given = replace(behaviour, references={"project": "project", **behaviour.references})
        datatypes = {"task": given, "project": Behaviour()}
        self.store = MemorySystem(datatypes, clock=self.clock, instance=self.name)
        self.project_id = self.store.insert("project", {"title": "One"})
        self.folder = folder
        self.properties: dict[str, Any] = {**PROPERTIES, **(properties or {})}
        self.system: dict[str, Any] = {
            "connector": "memory",
            "instance": self.name,
            "sandbox": True,
            "limits": {"grace": 0},
        }
        self.behaviour = given

    def task(self) -> dict[str, Any]:
        """The datatype as the file names it."""
        one = self.behaviour
        said: dict[str, Any] = {
            "properties": {path: said for path, said in self.properties.items() if said is not None}
        }
        if one.modified is not None:
            said["modified"] = one.modified
        if one.version_check == "version" and one.version is not None:
            said["version"] = one.version
        if one.soft_delete is not None:
            said["deleted"] = f"{one.soft_delete} == true"
        if one.key_property is not None:
            said["key_property"] = one.key_property
        return said

    def project(self) -> Project:
        """The project file, written and loaded."""
        both = {"sandbox": "project", "other": "project"}
        rows = [{"sandbox": "project", "other": "project", "name": "project", "type": "reference(project)"}]
        other = {"connector": "memory", "instance": self.name, "datatypes": {"task": {}, "project": {}}}
        told = {
            "accord": 1,
            "systems": {"sandbox": {**self.system, "datatypes": {"task": self.task(), "project": {}}}, "other": other},
            "flows": {
                "project": {**both, "rows": []},
                "task": {"sandbox": "task", "other": "task", "rows": rows},
            },
        }
        file = self.folder / "accord.yaml"
        file.write_text(json.dumps(told), "utf-8")
        return load(file)

    def probe(self, connecting: Connecting = connect) -> Probe:
        """Not yet planned."""

        async def pause(seconds: float) -> None:
            self.clock.time += timedelta(seconds=seconds)

        found = FoundDatatype(name="task", in_file=True, keys={}, sampled=0, properties=())
        return Probe(self.project(), "sandbox", [found], connecting=connecting, pause=pause)

    def probed(self) -> FoundOfDatatype:
        """What was found of tasks; nothing is left."""
        return self.all_probed().datatypes[0]

    def all_probed(self, connecting: Connecting = connect) -> Probed:
        """What was found."""
        probe = self.probe(connecting)
        probe.plan()
        return probe.run(quiet)


def seen(found: FoundOfDatatype) -> dict[str, set[str]]:
    """Path ("" for the datatype) → words of what was found."""
    words: dict[str, set[str]] = {}
    for path, fact in found.all_facts():
        words.setdefault(path or "", set()).add(fact.word)
    return words
