"""People go on working in both systems while a run is under way: nothing that they enter is lost."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.end_to_end.scene import Scene, shown
from tests.end_to_end.world import World

CHUNKS = 4


def _edit_pms_name(world: World, value: str) -> bool:
    found = world.pms.all("customers", org_number="101")
    world.pms.edit("customers", found[0]["id"], name=value)
    return True


def _edit_erp_name(world: World, value: str) -> bool:
    found = world.erp.all("customers", vat_no="101")
    return _put(world, "customers", found[0]["customer_no"], customer_name=value)


def _edit_pms_note_of_the_new(world: World, value: str) -> bool:
    """The counterpart of a customer that exists in CustomERP only; it may not be there yet."""
    found = world.pms.all("customers", org_number="105")
    if found:
        world.pms.edit("customers", found[0]["id"], notes=value)
    return bool(found)


def _edit_erp_task(world: World, value: str) -> bool:
    """The counterpart of a task; it may not be there yet."""
    found = world.erp.all("projects", description="Plan")
    return bool(found) and _put(world, "projects", found[0]["project_no"], text=value)


def _edit_pms_phone(world: World, value: str) -> bool:
    """The very row that the run is bringing from CustomERP."""
    found = world.pms.all("customers", org_number="102")
    world.pms.edit("customers", found[0]["id"], phone=value)
    return True


def _edit_both_names(world: World, value: str) -> bool:
    """Two people at once, with different values."""
    return _edit_pms_name(world, f"{value} by A") and _edit_erp_name(world, f"{value} by B")


EDITS: list[Callable[[World, str], bool]] = [
    _edit_pms_name,
    _edit_erp_name,
    _edit_pms_note_of_the_new,
    _edit_erp_task,
    _edit_pms_phone,
    _edit_both_names,
]


def _put(world: World, kind: str, id: str, **values: Any) -> bool:
    """A person saves a form in CustomERP; when the record has moved meanwhile, once more."""
    for _ in range(20):
        record = world.erp.show(kind, id)
        if record is None:
            return False
        if world.erp.server("PUT", f"/{kind}/{id}", {**record, **values}).status == 200:
            return True
    raise AssertionError(f"{kind}/{id} moves too fast")


def edited_at(scene: Scene, number: int, phase: str, edit: Callable[[World, str], bool]) -> str | None:
    """A run during which somebody edits when one of its requests passes; the value, None where there was no record."""
    value = f"Edit {number} {phase}"
    made: list[bool] = []

    def hook(count: int, when: str) -> bool:
        if (count, when) == (number, phase):
            made.append(edit(scene.world, value))
        return True

    scene.begin(hook)
    scene.world.run()
    scene.proxy.arm()
    return value if made and made[0] else None


def where_is(scene: Scene, value: str) -> str:
    """What became of an edit: both | superseded | open | lost."""
    here, there = (json.dumps(sorted(map(str, side)), ensure_ascii=False) for side in shown(scene.world))
    with scene.world.state() as state:
        held = [item for item in state.held.list() if item.kind == "conflict" and value in str(item.values)]
        history = [line for line in state.history.list() if line.op == "superseded" and value in str(line.changes)]
    if held and (value in here or value in there):
        return "open"
    if value in here and value in there:
        return "both"
    return "superseded" if history else "lost"


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_an_edit_made_while_a_run_is_under_way_is_not_lost(scene: Scene, chunk: int, phase: str) -> None:
    """Made when request k passes: it is on both sides, or superseded in the history, or in an open conflict."""
    seen = set()
    for number in range(chunk + 1, scene.requests + 1, CHUNKS):
        edit = EDITS[(number + (phase == "after")) % len(EDITS)]
        value = edited_at(scene, number, phase, edit)
        if value is None:
            continue
        scene.world.settle()
        values = [f"{value} by A", f"{value} by B"] if edit is _edit_both_names else [value]
        fates = [where_is(scene, each) for each in values]
        assert "lost" not in fates, (number, phase, edit.__name__, fates)
        assert scene.world.is_quiet(), (number, phase, edit.__name__)
        seen.update(fates)
    assert seen
