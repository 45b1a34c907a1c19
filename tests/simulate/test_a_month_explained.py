"""A simulated month, and then everything is asked: why each write was made, and why what differs does so (P9)."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from accord.config.load import load
from accord.engine.explaining import explain_link, row_names
from accord.model import LinkState, Ref
from accord.simulate.history import History, Step
from accord.simulate.learn import offline_shapes
from accord.simulate.oracle import writes
from accord.simulate.world import World
from accord.store.opening import State, open_state

from .test_play import ENV, EXAMPLES


def month(folder: Path, example: str, seed: int) -> History:
    """Thirty days of people and faults, and some decisions."""
    project = load(EXAMPLES / example / "accord.yaml", env=ENV)
    random = Random(seed)
    kinds = []
    for _ in range(30):
        kinds += (
            ["act"] * random.randint(1, 5) + ["fault"] * (random.random() < 0.3) + ["round", "calm", "round", "night"]
        )
        kinds += ["decide"] * (random.random() < 0.15)
    steps = [Step(kind=kind, seed=random.getrandbits(48)) for kind in kinds]
    world = World(project, offline_shapes(project), seed=seed, profile="normal", folder=folder)
    history = History(world, steps)
    for step in steps:
        getattr(history, f"_do_{step.kind}")(step.random())
    history.round()
    return history


@pytest.mark.parametrize("example", ["demo", "three-systems"])
@pytest.mark.parametrize("seed", [1, 2])
def test_everything_of_a_month_is_explained(tmp_path: Path, example: str, seed: int) -> None:
    """No write without its run, reason and cause; no difference and no lack without a reason."""
    history = month(tmp_path, example, seed)
    with open_state(history.world.project.state) as state:
        assert _every_write(history, state) > 30
        assert _every_difference(history, state) > 20
        _every_lack(history, state)


def _every_write(history: History, state: State) -> int:
    """The systems' own logs against the history; rounds that died may have left a write that is explained later."""
    lines = list(state.history.list())
    told = {(line.ref, line.op) for line in lines if line.reason}
    count = 0
    for event in writes(history.world):
        if event.round in history.faulty or event.late:
            continue
        count += 1
        assert (str(Ref(*event.ref)), event.op) in told, event
    for line in lines:
        if line.op in ("create", "update") and line.changes:
            assert line.caused_by is not None or line.by is not None, line
        assert line.reason.strip(), line
    return count


def _every_difference(history: History, state: State) -> int:
    """Rows of linked records that are not the same: each has a reason, and never an empty one."""
    count = 0
    world = history.world
    for link in state.links.load(list(state.links.numbers())).values():
        if link.state is not LinkState.LINKED:
            continue
        flow = world.flows[link.flow]
        records = {m.ref: world.systems[m.ref.system].all(m.ref.datatype).get(m.ref.id) for m in link.members}
        if not all(records.values()):
            continue
        marks = {ref.system: world.marks_of(flow, ref.system, record or {}) for ref, record in records.items()}
        found = explain_link(state, flow.flow, link, link.members[0].ref, row_names(flow.flow, "", None))
        for row in found["rows"]:
            values = {system: some[row["row"]] for system, some in marks.items() if row["row"] in some}
            count += 1
            if len(set(values.values())) > 1:
                pending = any(world.events[-1].after == e.after and row["row"] in e.rows for e in world.events[-40:])
                assert row["reasons"] or pending, (link.id, row["row"], values)
    return count


def _every_lack(history: History, state: State) -> None:
    """Records that have no counterpart somewhere."""
    for link in state.links.load(list(state.links.numbers())).values():
        flow = history.world.project.flows[link.flow]
        found = explain_link(state, flow, link, link.members[0].ref if link.members else Ref("x", "x", "x"), [])
        have = {member.ref.system for member in link.members}
        if link.state is not LinkState.CLOSED:
            assert set(found["counterparts"]) == {side.system for side in flow.sides} - have
        assert all(why.strip() for why in found["counterparts"].values())
