"""The table of semantics.md, section 6, and each rule of on_delete."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from accord.core.deletion import Fate, fate, plan_deletion
from accord.core.linkplan import LinkPlan
from accord.core.mapping import FlowMap
from accord.model import ABSENT, Link, LinkState, Op
from tests.core.world import TITLE, TITLE3, flow_map, read, settled

THREE = ("pms", "erp", "crm")
BEFOREHAND = ("ask", "propagate", "keep", "restore", "{archive: {active: false}}")


def ruled(rule: str, *, sides: str = "") -> FlowMap:
    return flow_map(TITLE, "{pms: note, erp: remark}", more=f"on_delete: {rule}", sides=sides)


def decided(
    flow: FlowMap, *, gone: tuple[str, ...] = ("pms",), choice: str | None = None, **edits: Any
) -> tuple[Fate, LinkPlan]:
    values = dict.fromkeys(flow.rows, "a")
    link: Link = settled(flow, **values)
    members = [member for member in link.members if member.ref.system in gone]
    there = [reading for reading in read(flow, link, **edits) if reading.system not in gone]
    found = fate(flow, link, members, there, choice, "anna" if choice else None)
    return found, plan_deletion(flow, link, members, there, found)


@pytest.mark.parametrize(
    ("rule", "action"),
    [
        ("ask", "ask"),
        ("propagate", "propagate"),
        ("keep", "close"),
        ("restore", "restore"),
        ("{archive: {active: false}}", "archive"),
        ("delete_wins", "propagate"),
        ("edit_wins", "propagate"),
    ],
)
def test_deleted_and_unchanged_is_as_on_delete_says(rule: str, action: str) -> None:
    """The first row of the table."""
    found, _ = decided(ruled(rule))
    assert found.action == action
    assert "deleted in pms" in found.reason


@pytest.mark.parametrize("rule", BEFOREHAND)
def test_deleted_and_edited_since_is_held(rule: str) -> None:
    """Whatever on_delete says of unchanged records."""
    found, plan = decided(ruled(rule), erp={"title": "b"})
    assert found.action == "ask"
    assert "edited since in erp" in found.reason
    assert plan.idle


def test_an_edit_that_the_deleted_record_had_not_received_is_an_edit_since() -> None:
    """It is settled on the side where it was made, and whoever deleted the other record never saw it."""
    flow = ruled("propagate")
    link = settled(flow, title="a", note="a")
    gone = [replace(member, behind=frozenset({"title"})) for member in link.members if member.ref.system == "pms"]
    agreed = {**link.agreed, "title": msgspec.structs.replace(link.agreed["title"], origin="erp")}
    there = [reading for reading in read(flow, link) if reading.system == "erp"]
    found = fate(flow, replace(link, agreed=agreed), gone, there, None, None)
    assert (found.action, "edited since in erp" in found.reason) == ("ask", True)


def test_a_value_that_was_never_agreed_on_is_an_edit_since() -> None:
    """The sides differed when they were linked, and nobody has decided yet."""
    flow = ruled("propagate")
    link = settled(flow, title="a", note="a")
    gone = [member for member in link.members if member.ref.system == "pms"]
    there = [reading for reading in read(flow, link) if reading.system == "erp"]
    open_link = replace(link, agreed={row: item for row, item in link.agreed.items() if row != "title"})
    assert fate(flow, open_link, gone, there, None, None).action == "ask"


def test_deleted_and_edited_since_may_be_decided_beforehand() -> None:
    """In favour of either."""
    assert decided(ruled("delete_wins"), erp={"title": "b"})[0].action == "propagate"
    assert decided(ruled("edit_wins"), erp={"title": "b"})[0].action == "restore"


def test_a_value_that_cannot_be_read_counts_as_an_edit() -> None:
    """It is not deleted unseen."""
    flow = flow_map(TITLE, "{pms: budget, erp: amount, type: integer}", more="on_delete: propagate")
    link = settled(flow, title="a", budget=1)
    there = read(flow, link, erp={"budget": "many"})[1:]
    assert fate(flow, link, link.members[:1], there, None, None).action == "ask"


@pytest.mark.parametrize("rule", [*BEFOREHAND, "delete_wins", "edit_wins"])
def test_deleted_on_both_sides_closes_the_link(rule: str) -> None:
    """Nothing is left to decide or to write."""
    found, plan = decided(ruled(rule), gone=("pms", "erp"))
    assert found.action == "close"
    assert plan.state is LinkState.CLOSED
    assert plan.gone == ("pms", "erp")
    assert plan.idle


def test_a_person_decides() -> None:
    """Also against an edit, and with the name in the reason."""
    found, plan = decided(ruled("ask"), choice="propagate", erp={"title": "b"})
    assert found == Fate(action="propagate", reason="deleted in pms; decided by anna")
    assert [write.op for write in plan.writes] == [Op.DELETE]


def test_sides_that_say_different_things_about_a_double_deletion_are_asked() -> None:
    """The third record's fate is not guessed."""
    more = "on_delete: {pms: propagate, erp: keep, crm: propagate}"
    flow = flow_map(TITLE3, more=more, systems=THREE)
    assert decided(flow, gone=("pms", "erp"))[0].action == "ask"
    assert decided(flow, gone=("pms", "crm"))[0].action == "propagate"
    assert decided(flow, gone=("erp",))[0].action == "close"


def test_asking_holds_the_deletion_with_what_is_still_there() -> None:
    """The link stays, and its member is known to be gone."""
    _, plan = decided(ruled("ask"))
    assert plan.state is LinkState.LINKED
    assert plan.gone == ("pms",)
    (item,) = plan.held
    assert (item.kind, item.values) == ("delete", {"erp": {"title": "a", "note": "a"}})


def test_propagating_deletes_the_record_that_was_seen() -> None:
    """Its whole mapped content and its version are the ground; the link is closed then."""
    _, plan = decided(ruled("propagate"))
    (write,) = plan.writes
    assert (write.op, write.system, write.id, write.version) == (Op.DELETE, "erp", "erp-1", "v1")
    assert write.ground == {"name": "a", "remark": "a"}
    assert [(row.row, row.old, row.new) for row in write.rows] == [("title", "a", None), ("note", "a", None)]
    assert plan.state is LinkState.CLOSED


def test_a_property_that_was_not_sent_is_expected_to_be_empty() -> None:
    """Found by a random history: somebody fills it for the first time just before the record is deleted."""
    _, plan = decided(ruled("propagate"), erp={"note": ABSENT})
    assert plan.writes[0].ground == {"name": "a", "remark": None}


def test_propagating_deletes_every_other_member() -> None:
    """Of three systems, two."""
    flow = flow_map(TITLE3, more="on_delete: propagate", systems=THREE)
    assert [write.system for write in decided(flow)[1].writes] == ["erp", "crm"]


def test_archiving_writes_the_property_and_closes_the_link() -> None:
    """On the ground of the record as it was seen, so that an edit in between is not archived."""
    _, plan = decided(ruled("{archive: {active: false}}"))
    (write,) = plan.writes
    assert (write.op, write.natives()) == (Op.UPDATE, {"active": False})
    assert write.ground == {"name": "a", "remark": "a"}
    assert plan.state is LinkState.CLOSED


def test_keeping_dissolves_the_link_without_a_write() -> None:
    """And the history says so."""
    _, plan = decided(ruled("keep"))
    assert plan.idle
    assert plan.state is LinkState.CLOSED
    assert [(line.op, line.ref) for line in plan.log] == [("deleted", "pms/task/pms-1")]


@pytest.mark.parametrize("rule", ["propagate", "{archive: {active: false}}"])
def test_where_nothing_may_be_written_the_record_is_kept(rule: str) -> None:
    """The link is dissolved, and the history says why."""
    flow = ruled(rule, sides="erp: {datatype: task, delete: false, update: false}")
    _, plan = decided(flow)
    assert plan.idle
    assert plan.state is LinkState.CLOSED
    assert [line.op for line in plan.log] == ["deleted", "kept"]
