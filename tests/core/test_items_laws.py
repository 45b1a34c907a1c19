"""Random edits of lists of objects on two or three members: nothing is lost, nothing invented, and it comes to rest."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.core.candidates import shown
from accord.core.decide import Decision
from accord.core.mapping import FlowMap
from accord.core.merge import merge
from accord.core.plan import plan_link
from accord.core.settle import Result, revived, settle
from accord.model import Link, OutcomeKind
from tests.core.world import NOON, flow_map, ground, read, record, settled

KEYS = ("A", "B", "C", "D")
NEW = ("N", "M")
SYSTEMS = ("pms", "erp", "crm")
RULES = ("ask", "{prefer: [erp, pms]}", "keep-filled")
Lists = dict[str, list[dict[str, Any]]]


def orders(systems: tuple[str, ...], type: str = "list", conflict: str = "ask", on_delete: str = "ask") -> FlowMap:
    """Lines of orders. ERP has no property for the note; each system keeps one of its own in each line."""
    paths = ", ".join(f"{name}: lines" for name in systems)
    rows = [
        f"{{{', '.join(f'{name}: {path}' for name in systems)}, name: {path}, type: {kind}}}" for path, kind in PARTS
    ]
    noted = [name for name in systems if name != "erp"] if len(systems) > 2 else list(systems)
    rows.append(f"{{{', '.join(f'{name}: note' for name in noted)}, name: note}}")
    inside = f"{{key: sku, on_delete: {on_delete}, rows: [{', '.join(rows)}]}}"
    return flow_map(
        f"{{{paths}, name: lines, type: {type}(object), conflict: {conflict}, items: {inside}}}", systems=systems
    )


PARTS = (("sku", "string"), ("qty", "decimal(2)"))


@st.composite
def scenes(draw: st.DrawFn) -> tuple[FlowMap, Lists, Lists]:
    """A flow, what each system holds in step, and what its people made of it."""
    systems = SYSTEMS[: draw(st.sampled_from([2, 3]))]
    flow = orders(
        systems,
        draw(st.sampled_from(["list", "set"])),
        draw(st.sampled_from(RULES)),
        draw(st.sampled_from(["ask", "delete_wins", "edit_wins"])),
    )
    keys = draw(st.lists(st.sampled_from(KEYS), unique=True, max_size=4))
    quantities = {key: draw(st.integers(1, 3)) for key in keys}
    has_note = {name: "note" in _paths(flow, name) for name in systems}
    before: Lists = {
        name: [
            {
                "sku": key,
                "qty": quantities[key],
                **({"note": f"n{key}"} if has_note[name] else {}),
                "own": f"{name}-{key}",
            }
            for key in keys
        ]
        for name in systems
    }
    return flow, before, {name: draw(edited(before[name], has_note[name])) for name in systems}


def _paths(flow: FlowMap, system: str) -> set[str]:
    items = flow.rows["lines"].items
    assert items is not None
    return {each.paths[system] for each in items.rows if system in each.paths}


@st.composite
def edited(draw: st.DrawFn, lines: list[dict[str, Any]], has_note: bool) -> list[dict[str, Any]]:
    """Some lines deleted, some edited, some added, perhaps moved."""
    done = []
    for line in lines:
        what = draw(st.sampled_from(["keep", "keep", "qty", "note", "delete"]))
        if what == "delete":
            continue
        line = dict(line)
        if what == "qty":
            line["qty"] = draw(st.integers(11, 14))
        if what == "note" and has_note:
            line["note"] = draw(st.sampled_from(["", "x", "y"]))
        done.append(line)
    for key in draw(st.lists(st.sampled_from(NEW), unique=True, max_size=2)):
        new: dict[str, Any] = {"sku": key, "qty": draw(st.integers(21, 22))}
        if has_note:
            new["note"] = draw(st.sampled_from(["", "z"]))
        done.insert(draw(st.integers(0, len(done))), new)
    return draw(st.permutations(done)) if draw(st.integers(0, 4)) == 0 else done


def linked(flow: FlowMap, before: Lists) -> Link:
    """At rest: what all systems hold together is agreed."""
    whole: dict[str, dict[str, Any]] = {}
    for lines in before.values():
        for line in lines:
            whole.setdefault(line["sku"], {}).update({k: v for k, v in line.items() if k != "own"})
    agreed = tuple({**line, "qty": Decimal(line["qty"])} for line in whole.values())
    link = settled(flow, at=NOON, origin="pms", lines=agreed)
    members = tuple(replace(m, base={"lines": deepcopy(before[m.ref.system])}) for m in link.members)
    return replace(link, members=members)


def run(flow: FlowMap, link: Link, now: Lists, rounds: int = 3) -> tuple[Link, list[str]]:
    """Rounds until nothing is written; what is held at the end. `now` is written to."""
    for _ in range(rounds + 1):
        readings = read(flow, link, **{name: {"lines": deepcopy(lines)} for name, lines in now.items()})
        plan = plan_link(flow, link, readings, merge(flow, link, readings), ground())
        results = []
        for write in plan.writes:
            now[write.system] = deepcopy(write.rows[0].native)
            answer = record(flow, write.system, lines=deepcopy(now[write.system]))
            results.append(Result(kind=OutcomeKind.APPLIED, record=answer))
        link = revived(flow, settle(flow, _as_loaded(flow, link), plan, results).link)
        if not plan.writes:
            return link, [item.reason for item in plan.held]
    raise AssertionError("it does not come to rest")


def _as_loaded(flow: FlowMap, link: Link) -> Link:
    agreed = {
        row: type(item)(
            value=shown(flow, row, item.value), revision=item.revision, origin=item.origin, modified=item.modified
        )
        for row, item in link.agreed.items()
    }
    return replace(link, agreed=agreed)


def by_key(lines: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {line["sku"]: line for line in lines}


@settings(max_examples=150, deadline=None)
@given(scenes())
def test_it_comes_to_rest_equal_or_held_with_everything_in_place(scene: tuple[FlowMap, Lists, Lists]) -> None:
    """P1, P2: all members show the same lines, or a person is asked and every list is as its people left it."""
    flow, before, after = scene
    now = deepcopy(after)
    link, held = run(flow, linked(flow, before), now)
    if held:
        assert now == after
        return
    kind = flow.types["lines"]
    codecs = {name: side.rows["lines"] for name, side in flow.sides.items()}
    first, *others = [codecs[name].decode(now[name]) for name in now]
    for other in others:
        assert kind.equal(first, other)
    assert all(not member.behind for member in link.members)


@settings(max_examples=150, deadline=None)
@given(scenes())
def test_an_edit_that_meets_no_other_is_on_all_sides(scene: tuple[FlowMap, Lists, Lists]) -> None:
    """P2: where one side only has touched a line, all sides show what it made of it; nobody's own property is lost."""
    flow, before, after = scene
    now = deepcopy(after)
    _, held = run(flow, linked(flow, before), now)
    if held:
        return
    for key in {*KEYS, *NEW}:
        touched = [name for name in after if by_key(after[name]).get(key) != by_key(before[name]).get(key)]
        if len(touched) == 1:
            wanted = by_key(after[touched[0]]).get(key)
            for name in now:
                found = by_key(now[name]).get(key)
                assert (found is None) == (wanted is None), (key, name)
                if wanted is not None and found is not None:
                    shared = {path for path in ("qty", "note") if path in wanted and path in _paths(flow, name)}
                    assert {p: found.get(p) for p in shared} == {p: wanted[p] for p in shared}
        for name in now:
            mine, theirs = by_key(after[name]).get(key), by_key(now[name]).get(key)
            if mine is not None and theirs is not None and "own" in mine:
                assert theirs["own"] == mine["own"]


@settings(max_examples=150, deadline=None)
@given(scenes())
def test_no_value_is_invented(scene: tuple[FlowMap, Lists, Lists]) -> None:
    """P2: every value of every line was somebody's."""
    flow, before, after = scene
    now = deepcopy(after)
    run(flow, linked(flow, before), now)
    for path in ("sku", "qty", "note"):
        known = {line.get(path) for lists in (before, after) for lines in lists.values() for line in lines}
        assert {line.get(path) for lines in now.values() for line in lines} <= known | {None}


@settings(max_examples=150, deadline=None)
@given(scenes(), st.data())
def test_what_a_person_takes_keeps_the_edits_that_meet_no_other(
    scene: tuple[FlowMap, Lists, Lists], data: st.DataObject
) -> None:
    """`--take erp` decides the properties that are in conflict, and throws away nothing else."""
    flow, before, after = scene
    link = linked(flow, before)
    readings = read(flow, link, **{name: {"lines": deepcopy(lines)} for name, lines in after.items()})
    outcome = merge(flow, link, readings)
    if not outcome.held:
        return
    (item,) = outcome.held
    take = data.draw(st.sampled_from(sorted(item.values)))
    decided = merge(flow, link, readings, {"lines": Decision(take=take, seen=item.values)})
    assert decided.held == []
    result = {line["sku"]: line for line in decided.agreed["lines"].value}
    mine = by_key(after[take])
    for key in NEW:
        if any(key in by_key(lines) for lines in after.values()):
            assert key in result
        if key in mine:
            assert result[key]["qty"] == mine[key]["qty"]


@pytest.mark.parametrize("type", ["list", "set"])
def test_the_law_tests_do_find_conflicts(type: str) -> None:
    """Else half of what they say would be empty."""
    flow = orders(("pms", "erp"), type)
    before = {name: [{"sku": "A", "qty": 1, "note": "n"}] for name in ("pms", "erp")}
    after = {"pms": [{"sku": "A", "qty": 5, "note": "n"}], "erp": [{"sku": "A", "qty": 6, "note": "n"}]}
    assert run(flow, linked(flow, before), after)[1] == ["qty of sku=A was edited differently (pms: 5; erp: 6)"]
