"""A flow, a system or everything at rest: nothing is read or written, nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from accord.connectors.memory import Behaviour
from accord.engine.pausing import Pause, pause, resume
from accord.engine.round import Caller, undo_round
from accord.engine.setting import Options
from accord.engine.undoing import Wanted
from accord.errors import UsageError

from .bad_days import KEYED
from .world import World, customer, project, two, with_projects, written


def rest(world: World, what: str = "all", name: str = "") -> None:
    """`accord pause`."""
    with world.state() as state:
        pause(state, Pause(what=what, name=name, at="2026-01-01T00:00:00+00:00", by="Kari", reason="upgrade"))


def go_on(world: World, what: str = "all", name: str = "") -> int:
    """`accord resume`; how many pauses are over."""
    with world.state() as state:
        return len(resume(state, what, name))


def trade(folder: Path) -> tuple[World, str | int, str | int]:
    """A customer and a project of it, in step."""
    world = with_projects(folder)
    aas = customer(world.pms, "Aas", "1")
    bridge = project(world.pms, "Bridge", aas)
    world.settle()
    return world, aas, bridge


@pytest.mark.parametrize(("what", "name"), [("all", ""), ("system", "erp")])
def test_everything_rests(tmp_path: Path, what: str, name: str) -> None:
    """No request is sent to a system whose flows all rest; the report says what rests, and why."""
    world, aas, bridge = trade(tmp_path)
    rest(world, what, name)
    before = {name: system.requests for name, system in world.systems.items()}
    world.pms.edit("customer", aas, city="Bergen")
    world.pms.delete("project", bridge)
    customer(world.erp, "Berge", "2")
    report = world.round(full=True)
    assert {name: system.requests for name, system in world.systems.items()} == before
    assert (report.status, written(report)) == (0, 0)
    title = "everything" if what == "all" else "system erp"
    assert report.paused == [f"{title} is paused since 2026-01-01 00:00, by Kari: upgrade"]
    assert go_on(world, what, name) == 1
    world.round(full=True)
    world.settle()
    assert {record["city"] for record in world.erp.all("customer").values()} == {"Bergen", None}
    assert world.names("pms") == ["Aas", "Berge"]
    assert world.one_held("delete").flow == "project"


def test_one_flow_rests(tmp_path: Path) -> None:
    """The others go on; what waits in it is carried over when it resumes."""
    world, aas, bridge = trade(tmp_path)
    rest(world, "flow", "project")
    world.pms.edit("customer", aas, city="Bergen")
    world.pms.edit("project", bridge, title="Tunnel")
    berge = customer(world.pms, "Berge", "2")
    project(world.pms, "Quay", berge)
    world.settle()
    assert {record.get("city") for record in world.erp.all("customer").values()} == {"Bergen", None}
    assert world.names("erp", "project", "title") == ["Bridge"]
    assert go_on(world, "flow", "customer") == 0
    assert go_on(world, "flow", "project") == 1
    world.settle()
    assert world.names("erp", "project", "title") == ["Quay", "Tunnel"]


def test_flows_that_share_a_datatype(tmp_path: Path) -> None:
    """The datatype is read for the other flow, with all that both need: no edit is lost for the one that rests."""
    world = two(tmp_path)
    shared = {**world.flow, "match": [], "rows": [world.flow["rows"][0], {**world.flow["rows"][2]}]}
    world.file["flows"]["customer"] |= {
        "pms": {"datatype": "customer", "where": "kind == 'a'", "defaults": {"kind": "a"}}
    }
    world.file["flows"]["partner"] = {
        **shared,
        "pms": {"datatype": "customer", "where": "kind == 'b'"},
        "erp": {"datatype": "customer", "where": "kind == 'b'", "defaults": {"kind": "b"}},
    }
    world.flow["erp"] = {"datatype": "customer", "where": "kind == 'a'", "defaults": {"kind": "a"}}
    world.flow["rows"] = world.flow["rows"][:2]  # only the flow that rests has the city
    first = customer(world.pms, "Aas", "1", kind="a")
    partner = customer(world.pms, "Partner", "2", kind="b", city="Oslo")
    world.settle()
    rest(world, "flow", "partner")
    world.pms.edit("customer", first, name="Aasen")
    world.pms.edit("customer", partner, city="Bergen")
    world.settle()
    assert (world.records("erp")["Partner"]["city"], world.names("erp")) == ("Oslo", ["Aasen", "Partner"])
    go_on(world)
    world.settle()
    assert world.records("erp")["Partner"]["city"] == "Bergen"


def test_a_write_in_doubt_rests_too(tmp_path: Path) -> None:
    """It is found out about when the flow resumes."""
    world = two(tmp_path, erp=KEYED)
    customer(world.pms, "Berge", "2")
    world.erp.fault("answer_lost_before", operation="create", count=1)
    world.round()
    rest(world, "system", "pms")
    world.clock.advance(3600)
    world.round()
    assert world.names("erp") == []
    go_on(world)
    world.settle()
    assert world.names("erp") == ["Berge"]


def test_nothing_is_undone_meanwhile(tmp_path: Path) -> None:
    """A person who pauses a system does not want it written to."""
    world = two(tmp_path, erp=Behaviour())
    customer(world.pms, "Berge", "2")
    run = world.round().run
    rest(world, "system", "erp")
    with pytest.raises(UsageError, match="nothing is undone while system erp is paused"):
        undo_round(world.project(), Wanted(run=run), Options(by="Kari"), Caller(clock=world.clock), carry_out=True)
    assert world.names("erp") == ["Berge"]
