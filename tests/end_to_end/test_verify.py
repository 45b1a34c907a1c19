"""The checklist, executed on the two demonstration systems: in step it passes, and what is planted by hand is found."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from accord.engine.setting import SystemClock
from accord.store.opening import open_state
from accord.verify.live import clean_up, notes_file, refuse, try_live, with_live
from accord.verify.results import Verification
from accord.verify.run import verify
from tests.end_to_end.scene import first_day
from tests.end_to_end.world import World


def silent(_what: str, _done: int, _total: int | None) -> None:
    """No progress."""


def verified(world: World) -> Verification:
    """`accord verify`."""
    project = world.project()
    with open_state(project.state) as state:
        return verify(project, state, SystemClock().now, silent)


@pytest.fixture
def day(world: World) -> World:
    """Two systems in step."""
    first_day(world)
    world.settle()
    return world


def kinds(found: Verification) -> set[tuple[str, str | None]]:
    """(kind, row) of every difference."""
    return {(one.kind, one.row) for one in found.differences}


def failed(found: Verification) -> set[str]:
    """The ids of lines that differ."""
    return {line.id for line in found.lines if line.outcome == "failed"}


def test_systems_in_step_have_no_difference(day: World) -> None:
    """Every record is looked at, and every line of the document has its result."""
    found = verified(day)
    assert (found.differences, found.errors) == ([], [])
    assert found.status in (0, 3)
    assert found.records["custompms/customer"] == len(day.pms.all("customers"))
    counts = {line.id: line.checked for line in found.lines if line.source == "custompms"}
    assert counts["task.property.estimate"] == counts["task.link"] == 4
    assert {line.id for line in found.lines if line.source == "custompms"} >= {"customer.property.phone", "task.delete"}


def test_a_value_that_was_changed_behind_the_api(day: World) -> None:
    """Both values are named, and what to ask next."""
    day.erp.sql("UPDATE customer SET phone = '+47 11 11 11 11' WHERE vat_no = '102'")
    found = verified(day)
    assert kinds(found) == {("differs", "phone")}
    (difference,) = found.differences
    assert difference.values["customerp"] == "+47 11 11 11 11"
    assert failed(found) == {"customer.property.phone"}


def test_a_record_that_was_deleted_behind_the_api(day: World) -> None:
    """Its counterpart is still there."""
    day.erp.sql("DELETE FROM project WHERE description = 'Dig'")
    assert kinds(verified(day)) == {("deleted", None)}


def test_a_record_that_is_there_twice(day: World) -> None:
    """By the match rules; the second one has no counterpart either."""
    day.pms.add("customers", name="Ada Twin", org_number="101")
    found = verified(day)
    assert ("duplicate", None) in kinds(found)
    assert "customer.match.several" in failed(found)


def test_a_reference_to_the_wrong_record(day: World) -> None:
    """The project of one customer is another's in the other system."""
    eva = day.erp.all("customers", vat_no="105")[0]["customer_no"]
    day.erp.sql("UPDATE project SET customer_no = ? WHERE description = 'House'", eva)
    found = verified(day)
    assert {kind for kind, _ in kinds(found)} == {"reference"}
    assert "project.property.customer" in failed(found)


def test_a_record_without_counterpart(day: World) -> None:
    """New on one side, and no round since."""
    day.pms.add("tasks", name="Late", project_id=day.pms.all("projects", title="House")[0]["id"])
    found = verified(day)
    assert kinds(found) == {("missing", None)}
    assert "new since the last round" in found.differences[0].message


def test_a_state_that_lies_hides_nothing(day: World) -> None:
    """A base and an agreed value that were made to fit: the systems are read, and differ."""
    day.erp.sql("UPDATE customer SET phone = '+47 11 11 11 11' WHERE vat_no = '102'")
    with sqlite3.connect(day.project().state) as db:
        db.execute("UPDATE member SET base = replace(base, '33 44 55', '00 00 00')")
        db.execute("UPDATE link SET agreed = replace(agreed, '22334455', '11111111')")
    db.close()
    assert ("differs", "phone") in kinds(verified(day))


def test_links_that_were_swapped_in_the_state(day: World) -> None:
    """The state says that two customers are the same who are not: rows and match rules say otherwise."""
    with sqlite3.connect(day.project().state) as db:
        (place,) = db.execute("SELECT id FROM place WHERE system = 'customerp' AND datatype = 'customer'").fetchone()
        (one, a), (other, b) = db.execute("SELECT link, id FROM member WHERE place = ? LIMIT 2", (place,)).fetchall()
        db.execute("UPDATE member SET id = 'x' WHERE link = ? AND place = ?", (one, place))
        db.execute("UPDATE member SET id = ? WHERE link = ? AND place = ?", (a, other, place))
        db.execute("UPDATE member SET id = ? WHERE link = ? AND place = ?", (b, one, place))
    db.close()
    assert {kind for kind, _ in kinds(verified(day))} >= {"differs", "unlinked"}


def test_what_is_held_is_no_difference(day: World) -> None:
    """It waits for a person, and its line says so."""
    ada = day.pms.all("customers", org_number="101")[0]["id"]
    day.pms.edit("customers", ada, notes="from here")
    day.erp.edit("customers", day.erp.all("customers", vat_no="101")[0]["customer_no"], remarks="from there")
    day.run()
    found = verified(day)
    assert (found.differences, found.status) == ([], 3)
    assert {line.outcome for line in found.lines if line.id == "customer.property.notes"} == {"held"}


def everything(world: World) -> tuple[Any, ...]:
    """All records of both systems."""
    pms = (world.pms.all(kind) for kind in ("customers", "projects", "tasks"))
    return (*pms, *(world.erp.all(kind) for kind in ("customers", "projects")))


def test_live_records_arrive_and_are_removed(day: World) -> None:
    """Made, edited, disputed and deleted on each side; afterwards both systems are as before, and nothing is held."""
    before = everything(day)
    project = day.project()
    tried = try_live(project, SystemClock(), silent, frozenset())
    found = with_live(verified(day), tried)
    assert failed(found) == set()
    assert {subject for _, _, _, subject in tried.results} >= {"link", "conflict", "delete", "property.name"}
    assert everything(day) == before
    assert not notes_file(project).exists()
    assert day.run().held == []


def test_live_carries_out_nothing_by_the_way(day: World) -> None:
    """While something waits it refuses, and nothing is written."""
    day.pms.edit("customers", day.pms.all("customers", org_number="101")[0]["id"], name="Ada Nova")
    with pytest.raises(Exception, match="the plan is not quiet"):
        try_live(day.project(), SystemClock(), silent, frozenset())
    assert day.erp.all("customers", vat_no="101")[0]["customer_name"] == "Ada AS"


def test_live_refuses_where_it_could_not_clean_up(world: World) -> None:
    """A side that may not be deleted in is named, before anything is written."""
    world.use(FLOWS_WITHOUT_DELETE)
    with pytest.raises(Exception, match="cannot be tried live"):
        refuse(world.project(), frozenset())
    assert world.pms.all("customers") == []


def test_what_a_dead_trial_left_is_removed(day: World) -> None:
    """The records are noted beside the state; their counterparts are found by their links."""
    before = everything(day)
    made = day.pms.add("customers", name="Q1 marked", org_number="9001")
    notes_file(day.project()).write_text(f'["custompms/customer/{made}"]')
    day.settle()
    assert everything(day) != before
    removed = clean_up(day.project(), silent)
    assert len(removed) == 2
    assert everything(day) == before


FLOWS_WITHOUT_DELETE = """flows:
  customer:
    custompms: {datatype: customer, delete: false}
    customerp: customer
    link: create
    rows:
      - {custompms: name, customerp: customer_name, name: name}
"""
