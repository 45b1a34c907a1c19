"""What a probe proposes for the project file, what contradicts it, and that the simulator plays it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from accord.config.meaning import Property, System
from accord.connectors.adapter import PropertyAdapter
from accord.connectors.memory import Behaviour, cut, default, rounded, trim
from accord.connectors.memory_values import longest
from accord.connectors.registry import connect
from accord.model import Natives, Outcome
from accord.ports import Capabilities, Expects
from accord.probing.found import Probed
from accord.probing.proposing import lines, proposals
from accord.simulate.models import PROFILES, behaviour, plain_shapes

from .world import Sandbox


def proposed(sandbox: Sandbox, found: Probed) -> dict[str, Any]:
    datatype = sandbox.project().datatype("sandbox", "task")
    return {one.path: one.then for one in proposals(found.datatypes[0], datatype)}


def test_entries_of_the_file(tmp_path: Path) -> None:
    """What the file says of a property stays, and what was seen is added, word by word."""
    habits = {"note": (trim, cut(40)), "sum": (rounded(2),)}
    sandbox = Sandbox(tmp_path, Behaviour(normalise=habits), {"note": {"type": "string", "rewrites": ["trim"]}})
    found = sandbox.all_probed()
    assert (found.status, found.left) == (0, ())
    assert proposed(sandbox, found) == {
        "note": {"type": "string", "max_length": 40, "rewrites": ["trim", "cut"]},
        "sum": {"type": "decimal(2)", "rewrites": ["round"]},
    }
    shown = lines("sandbox", "task", proposals(found.datatypes[0], sandbox.project().datatype("sandbox", "task")))
    assert shown[:3] == [
        "  systems.sandbox.datatypes.task.properties:",
        "-   note: {type: string, rewrites: [trim]}",
        "+   note: {type: string, max_length: 40, rewrites: [trim, cut]}",
    ]


CONTRADICTED: list[tuple[Behaviour, Any, str, str]] = [
    (Behaviour(normalise={"note": (cut(30),)}), {"type": "string", "max_length": 40}, "note", "length"),
    (Behaviour(checks={"note": (longest(30),)}), {"type": "string", "max_length": 40}, "note", "length"),
    (Behaviour(), {"type": "string", "rewrites": ["upper"]}, "note", "not-rewritten"),
    (Behaviour(normalise={"note": (default("a"),)}), {"type": "string", "default": "b"}, "note", "default"),
    (Behaviour(normalise={"sum": (rounded(1),)}), "decimal(2)", "sum", "round"),
]


@pytest.mark.parametrize(("habits", "said", "path", "word"), CONTRADICTED)
def test_what_contradicts_the_file(tmp_path: Path, habits: Behaviour, said: Any, path: str, word: str) -> None:
    """It is a problem, and the exit status says so."""
    found = Sandbox(tmp_path, habits, {path: said}).all_probed()
    assert found.status == 4
    problems = {(at, fact.word) for at, fact in found.datatypes[0].all_facts() if fact.level == "problem"}
    assert problems == {(path, word)}


class Boasting(PropertyAdapter):
    """A connector that declares more than its system keeps."""

    declared: Mapping[str, Any] = {}

    def capabilities(self, datatype: str) -> Capabilities:
        return replace(super().capabilities(datatype), **self.declared)


BOASTS: list[tuple[dict[str, Any], Behaviour, str]] = [
    ({"version_check": "version"}, Behaviour(version_check=None), "version-race"),
    ({"deleted_feed": True}, Behaviour(), "delete-untold"),
    ({"idempotent_create": True}, Behaviour(), "repeat-doubles"),
    ({"changed_since": True}, Behaviour(), ""),
]


@pytest.mark.parametrize(("declared", "habits", "word"), BOASTS)
def test_what_contradicts_a_capability(tmp_path: Path, declared: dict[str, Any], habits: Behaviour, word: str) -> None:
    """A check that is a reading and a comparison, deletions that are not told, a create that makes two."""

    def boasting(system: System) -> Boasting:
        connector = Boasting(connect(system))
        connector.declared = declared
        return connector

    found = Sandbox(tmp_path, habits).all_probed(boasting)
    problems = {fact.word for _, fact in found.datatypes[0].all_facts() if fact.level == "problem"}
    assert (problems, found.status) == (({word}, 4) if word else (set(), 0))


class Careless(PropertyAdapter):
    """A connector that does not send what a write expects."""

    async def update(self, datatype: str, id: str, patch: Natives, expects: Expects) -> Outcome:
        return await super().update(datatype, id, patch, Expects())


def test_a_stale_write_that_passes(tmp_path: Path) -> None:
    """The version check is declared, and the edit of somebody is overwritten; so do five writes at once pass."""
    found = Sandbox(tmp_path, Behaviour()).all_probed(lambda system: Careless(connect(system)))
    problems = {fact.word for fact in found.datatypes[0].facts if fact.level == "problem"}
    assert (problems, found.status) == ({"version-broken", "version-race"}, 4)


@pytest.mark.parametrize(
    ("fault", "settings", "word"),
    [
        ("stale_list", {"after": 3}, "listing-old"),
        ("forbidden", {}, "listing-without"),
    ],
)
def test_a_listing_that_does_not_show_a_write(tmp_path: Path, fault: Any, settings: dict[str, Any], word: str) -> None:
    """It is late, or leaves the record out for good, though it is there when it is asked for."""
    sandbox = Sandbox(tmp_path, Behaviour(changed_since=None))
    ids = {"ids": frozenset({"2"}), "operation": "list"} if fault == "forbidden" else {"operation": "list"}
    sandbox.store.fault(fault, datatype="task", **ids, **settings)
    found = sandbox.all_probed()
    assert word in {fact.word for fact in found.datatypes[0].facts}
    assert sandbox.store.all("task") == {}


def test_the_simulator_plays_it(tmp_path: Path) -> None:
    """A property that is said to be trimmed, cut and rounded is so in every history, also on calm days."""
    said = {"type": "string", "max_length": 5, "rewrites": ["trim", "upper", "cut"]}
    sandbox = Sandbox(tmp_path, Behaviour(), {"note": said, "sum": {"type": "decimal(1)", "rewrites": ["round"]}})
    project = sandbox.project()
    shape = plain_shapes(project)["sandbox", "task"]
    datatype = project.datatype("sandbox", "task")
    assert isinstance(datatype.properties["note"], Property)
    played = behaviour(datatype, shape, PROFILES["calm"], Random(1), {}, frozenset())
    value: Any = " abcdefgh"
    for step in played.normalise["note"]:
        value = step(value)
    assert value == "ABCDE"
    assert len(played.normalise["sum"]) == 1
