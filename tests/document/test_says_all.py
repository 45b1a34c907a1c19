"""The document says all that the file says: whatever is changed in the file changes the document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import pytest

from accord.config.meaning import (
    Conflict,
    Datatype,
    Flow,
    Items,
    LensSpec,
    Limit,
    MapTable,
    MatchScore,
    Project,
    Property,
    Row,
    Schedule,
    Side,
    System,
    SystemClock,
    SystemLimits,
    TypeSpec,
    VersionCheck,
)
from accord.document.dataflow import describe

PMS = frozenset({"custompms"})
STATED = Property(
    path="state",
    type="integer",
    required=True,
    max_length=9,
    values=("open",),
    default="open",
    parts=("one", "two"),
    rewrites=("trim",),
)
PART = Row(
    name="a",
    paths={"custompms": "a", "customerp": "b"},
    type=TypeSpec(name="string"),
    sources=frozenset(),
    targets=frozenset(),
)

CHANGES: dict[type, dict[str, list[Any]]] = {
    Flow: {
        "name": ["poor"],
        "sides": [()],
        "rows": [()],
        "match": [(), (("state",),), (("title", "state"),)],
        "match_score": [None],
        "limits": [{}, {"update": Limit(number=1)}],
        "groups": [{}, {"other": ("title",)}],
        "after": [(), ("task",)],
    },
    Side: {
        "system": ["elsewhere"],
        "datatype": ["customer"],
        "mode": ["create", "match-or-create", "match-only", "never"],
        "connected_to": [None, "task"],
        "where": [None, "passive"],
        "when": [None, "true"],
        "defaults": [{}, {"owner": "somebody"}],
        "create": [False],
        "update": [False],
        "delete": [False],
        "since_linked": [True],
        "on_delete": ["ask", "propagate", "keep", "restore", "delete_wins", "edit_wins"],
        "archive": [{"state": "buried"}],
    },
    Row: {
        "name": ["standing"],
        "paths": [{"custompms": "a.b", "customerp": "status"}, {"custompms": "state", "customerp": "x"}],
        "type": [TypeSpec(name="string")],
        "sources": [PMS],
        "targets": [PMS],
        "conflict": [Conflict()],
        "enforce": [None, "custompms"],
        "required": [False],
        "maps": [{}, {"customerp": {"open": "B"}}],
        "lenses": [{}, {"custompms": (LensSpec(name="trim"),)}],
        "table": [
            None,
            MapTable(file="other.csv", lines=1),
            MapTable(file="states.csv", lines=2),
            MapTable(file="states.csv", lines=1, passes=True),
            MapTable(file="states.csv", lines=1, lossy=True),
            MapTable(file="states.csv", lines=1, instead={"customerp": "Z"}),
        ],
        "equal": [None, "exact", "spaces", "digits"],
        "truncate": [False],
        "keep_filled": [False],
        "when": [{}, {"custompms": "other"}, {"customerp": "open"}],
        "items": [
            None,
            Items(key=("b",), rows=(PART,)),
            Items(key=("a",), rows=(PART,), on_delete="delete_wins"),
            Items(key=("a",), rows=(PART,), judged=frozenset({"a"})),
            Items(key=("a",), rows=(replace(PART, paths={"custompms": "x", "customerp": "b"}),)),
            Items(key=("a",), rows=(replace(PART, type=TypeSpec(name="integer")),)),
            Items(key=("a",), rows=(replace(PART, lenses={"customerp": (LensSpec(name="trim"),)}),)),
            Items(key=("a",), rows=(replace(PART, maps={"custompms": {"1": "1"}, "customerp": {"1": "2"}}),)),
        ],
        "description": [None, "Where it lies"],
        "group": [None, "naming"],
    },
    Limit: {"number": [3], "percent": [None, 30], "over": [21]},
    Conflict: {
        "rule": ["ask", "latest", "union", "additive", "merge", "keep-filled"],
        "prefer": [("custompms",), ("customerp", "custompms")],
    },
    LensSpec: {"name": ["round"], "argument": [None, 4, "3"], "lossy": [False]},
    TypeSpec: {"name": ["string"], "arguments": [("3",)], "of": [TypeSpec(name="string")]},
    MatchScore: {"weights": [{"title": 2.0}, {"state": 1.0}], "link": [0.9], "review": [0.5]},
    Property: {
        "path": ["elsewhere"],
        "type": [None, "string"],
        "required": [False],
        "max_length": [None, 8],
        "values": [None, ("open", "shut")],
        "read_only": [True],
        "create_only": [True],
        "default": [None, "shut"],
        "rewrites": [(), ("trim", "upper")],
        "write_as": ["state_id"],
        "write_with": [{"kind": "word"}],
        "null_when_absent": [True],
        "null_as": [False, ""],
        "link": ["/states/{id}"],
        "parts": [(), ("first", "second")],
        "join": [", "],
        "split": ["first", "number"],
    },
    VersionCheck: {
        "kind": ["etag"],
        "path": ["ver"],
        "header": ["If-Match"],
        "query": ["ver"],
        "deletes": [False],
    },
    Datatype: {
        "title": ["Enterprise"],
        "id": ["no"],
        "modified": [None, "touched"],
        "created": ["made_at"],
        "version": [None],
        "deleted": ["gone == true"],
        "properties": [{}],
        "key_property": ["accord_key"],
        "natural_key": [("title", "state")],
        "ordered": [True],
    },
    SystemClock: {"zone": ["Asia/Tokyo"], "tolerance": [60.0], "resolution": [60.0]},
    SystemLimits: {"rate": [5.0], "concurrency": [1], "timeout": [60.0], "retries": [0], "grace": [60.0]},
    System: {
        "title": ["Elsewhere"],
        "connector": ["file"],
        "limits": [SystemLimits(rate=1)],
        "clock": [SystemClock(zone="Asia/Tokyo")],
        "read_only": [True],
    },
    Schedule: {"every": [1.0], "full_every": [60.0], "cron": ["0 * * * *"]},
}
UNSAID = {
    Datatype: {
        "system": "part of its place",
        "name": "said with the flow",
        "options": "the connector's; holds secrets",
    },
    System: {
        "name": "said with the flow",
        "datatypes": "walked one by one",
        "derived": "where keys come from; the keys themselves are said",
        "sandbox": "allows probing; no sync asks for it",
        "options": "the connector's; holds secrets",
    },
}


def changes(kind: type) -> Iterator[Any]:
    return ((name, value) for name, values in CHANGES[kind].items() for value in values)


def params(kind: type) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("name", "value"), [pytest.param(*change, id=str(change)) for change in changes(kind)]
    )


def assert_said(before: Project, after: Project) -> None:
    assert describe(before, "custompms", "customerp") != describe(after, "custompms", "customerp")


def flow_changed(project: Project, **change: Any) -> Project:
    return replace(project, flows={**project.flows, "rich": replace(project.flows["rich"], **change)})


def row_changed(project: Project, **change: Any) -> Project:
    first, *rest = project.flows["rich"].rows
    return flow_changed(project, rows=(replace(first, **change), *rest))


def side_changed(project: Project, **change: Any) -> Project:
    first, *rest = project.flows["rich"].sides
    return flow_changed(project, sides=(replace(first, **change), *rest))


def system_changed(project: Project, **change: Any) -> Project:
    system = replace(project.systems["custompms"], **change)
    return replace(project, systems={**project.systems, "custompms": system})


def datatype_changed(project: Project, **change: Any) -> Project:
    datatypes = project.systems["custompms"].datatypes
    return system_changed(project, datatypes={**datatypes, "project": replace(datatypes["project"], **change)})


@pytest.mark.parametrize("kind", CHANGES)
def test_every_key_is_walked(kind: Any) -> None:
    assert {field.name for field in fields(kind)} == {*CHANGES[kind], *UNSAID.get(kind, {})}


@params(Flow)
def test_a_change_of_a_flow_is_said(rich: Project, name: str, value: Any) -> None:
    assert_said(rich, flow_changed(rich, **{name: value}))


@params(Side)
def test_a_change_of_a_side_is_said(rich: Project, name: str, value: Any) -> None:
    assert_said(rich, side_changed(rich, **{name: value}))


@params(Row)
def test_a_change_of_a_row_is_said(rich: Project, name: str, value: Any) -> None:
    before = row_changed(rich, enforce=None) if name in ("sources", "targets") else rich
    assert_said(before, row_changed(before, **{name: value}))


@params(Limit)
def test_a_change_of_a_limit_is_said(rich: Project, name: str, value: Any) -> None:
    limit = Limit(percent=25, over=20)
    assert_said(rich, flow_changed(rich, limits={"delete": replace(limit, **{name: value})}))


@params(Conflict)
def test_a_change_of_a_conflict_rule_is_said(rich: Project, name: str, value: Any) -> None:
    conflict = replace(Conflict(rule="prefer", prefer=("customerp",)), **{name: value})
    assert_said(rich, row_changed(rich, conflict=conflict))


@params(LensSpec)
def test_a_change_of_a_lens_is_said(rich: Project, name: str, value: Any) -> None:
    lens = replace(LensSpec(name="truncate", argument=3, lossy=True), **{name: value})
    assert_said(rich, row_changed(rich, lenses={"customerp": (lens,)}))


@params(TypeSpec)
def test_a_change_of_a_type_is_said(rich: Project, name: str, value: Any) -> None:
    kind = TypeSpec(name="decimal", arguments=("2",))
    assert_said(row_changed(rich, type=kind), row_changed(rich, type=replace(kind, **{name: value})))


@params(MatchScore)
def test_a_change_of_a_match_score_is_said(rich: Project, name: str, value: Any) -> None:
    assert_said(rich, flow_changed(rich, match_score=replace(MatchScore(weights={"title": 1.0}), **{name: value})))


@params(Property)
def test_a_change_of_what_a_system_says_of_a_property_is_said(rich: Project, name: str, value: Any) -> None:
    changed = replace(STATED, **{name: value})
    before = datatype_changed(rich, properties={STATED.path: STATED})
    assert_said(before, datatype_changed(rich, properties={changed.path: changed}))


@params(VersionCheck)
def test_a_change_of_the_version_check_is_said(rich: Project, name: str, value: Any) -> None:
    check = VersionCheck(kind="path", path="version")
    assert_said(datatype_changed(rich, version=check), datatype_changed(rich, version=replace(check, **{name: value})))


@params(Datatype)
def test_a_change_of_a_datatype_is_said(rich: Project, name: str, value: Any) -> None:
    checked = datatype_changed(rich, version=VersionCheck(kind="etag"))
    assert_said(checked, datatype_changed(checked, **{name: value}))


@params(SystemClock)
def test_a_change_of_a_clock_is_said(rich: Project, name: str, value: Any) -> None:
    assert_said(rich, system_changed(rich, clock=replace(SystemClock(), **{name: value})))


@params(SystemLimits)
def test_a_change_of_the_pace_is_said(rich: Project, name: str, value: Any) -> None:
    assert_said(rich, system_changed(rich, limits=replace(SystemLimits(), **{name: value})))


@params(System)
def test_a_change_of_a_system_is_said(rich: Project, name: str, value: Any) -> None:
    assert_said(rich, system_changed(rich, **{name: value}))


@params(Schedule)
def test_a_change_of_the_schedule_is_said(rich: Project, name: str, value: Any) -> None:
    assert_said(rich, replace(rich, schedule=replace(Schedule(), **{name: value})))
