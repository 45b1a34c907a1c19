"""What happened to records of two real systems, told as tests of the project file: each of them passes."""

from __future__ import annotations

from accord.config.load import load
from accord.engine.as_test import as_test
from accord.engine.setting import compile_flows
from accord.errors import UsageError
from accord.simulate.cases import play_case
from accord.simulate.learn import offline_shapes
from tests.end_to_end.scene import later_day
from tests.end_to_end.world import World


def test_every_link_as_a_test(world: World) -> None:
    """References, chains of parents, groups, filters, minutes and hours; created, edited and deleted records."""
    later_day(world)
    world.settle()
    project = world.project()
    told, refused = {}, []
    with world.state() as state:
        flows = compile_flows(project)
        closed = [number for number, link in state.links.load(list(state.links.numbers())).items() if not link.members]
        links = {**state.links.load(list(state.links.numbers())), **state.links.load(closed, closed=True)}
        assert closed
        for number, link in links.items():
            try:
                told[number] = as_test(state, flows, link)
            except UsageError as error:
                refused.append(error.message)
    assert len(told) > 15
    assert not refused
    for number, text in told.items():
        file = project.file.with_name(f"test_{number}.yaml")
        file.write_text(project.file.read_text("utf-8") + "\ntests:\n" + text, "utf-8")
        tested = load(file, stand_ins=True)
        (case,) = tested.cases
        assert play_case(tested, offline_shapes(tested), case).differences == [], text
