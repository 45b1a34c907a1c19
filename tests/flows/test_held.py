"""What is held is shown with its values, its reason and what can be done, and the next round does what was decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from accord.connectors.memory import Behaviour
from accord.engine.report import held_json
from accord.errors import UsageError
from accord.store.people import decide

from .world import PLAIN, World, customer, linked, row, two, written

UNIQUE = Behaviour(unique=(("org",),))
NO_MEANS = Behaviour()


def conflict(world: World, **more: Any) -> tuple[str | int, str]:
    """Two people edit the city of one customer."""
    id, other = linked(world, city="Oslo", **more)
    world.pms.edit("customer", id, city="Bergen")
    world.erp.edit("customer", other, city="Trondheim")
    assert world.round().status == 3
    return id, other


def cities(world: World) -> set[Any]:
    """The cities that are anywhere."""
    return {record["city"] for name in world.systems for record in world.systems[name].all("customer").values()}


# conflict


def test_a_conflict_is_shown(world: World) -> None:
    """Both values, the one before, the reason, the records and the commands."""
    id, other = conflict(world)
    shown = held_json(world.one_held("conflict"))
    assert shown["values"] == {"pms": "Bergen", "erp": "Trondheim"}
    assert (shown["row"], shown["base"], shown["reason"]) == ("city", "Oslo", "edited differently on several sides")
    assert set(shown["refs"]) == {f"pms/customer/{id}", f"erp/customer/{other}"}
    assert shown["commands"] == [
        f"accord held resolve {shown['id']} {end}" for end in ("--take SYSTEM", "--value JSON")
    ]


@pytest.mark.parametrize(("option", "city"), [({"take": "pms"}, "Bergen"), ({"value": "Oslo"}, "Oslo")])
def test_a_conflict_is_resolved(world: World, option: dict[str, Any], city: str) -> None:
    """The value taken or given is on both sides after the next round; who decided is in the history."""
    conflict(world)
    world.resolve(world.one_held("conflict"), **option)
    assert world.settle().status == 0
    assert cities(world) == {city}
    assert {line.by for line in world.history() if line.op == "update" and "city" in line.changes} == {"Kari"}


def test_a_conflict_is_emptied(world: World) -> None:
    """Null is a value that somebody may give."""
    conflict(world)
    world.resolve(world.one_held("conflict"), value=None)
    world.settle()
    assert cities(world) == {None}


def test_another_edit_after_the_decision(world: World) -> None:
    """A decision about values that are no longer there is void: it is asked again, with what is there now."""
    id, _ = conflict(world)
    world.resolve(world.one_held("conflict"), take="erp")
    world.pms.edit("customer", id, city="Stavanger")
    assert world.round().status == 3
    item = world.one_held("conflict")
    assert (item.values, item.decision) == ({"pms": "Stavanger", "erp": "Trondheim"}, None)
    assert cities(world) == {"Stavanger", "Trondheim"}


def test_people_agree_by_themselves(world: World) -> None:
    """A conflict is over when both sides show the same."""
    _, other = conflict(world)
    world.erp.edit("customer", other, city="Bergen")
    assert world.settle().status == 0
    assert world.held() == []


def test_other_rows_go_on(world: World) -> None:
    """A conflict holds its row only."""
    id, other = conflict(world)
    world.pms.edit("customer", id, name="Åsheim AS")
    world.settle()
    assert world.erp.get("customer", other)["name"] == "Åsheim AS"  # type: ignore[index]
    assert cities(world) == {"Bergen", "Trondheim"}


@pytest.mark.parametrize("value", ["twelve", [1], {"a": 1}])
def test_a_value_of_a_wrong_type(tmp_path: Path, value: Any) -> None:
    """A value that the row's type does not know is refused when it is given."""
    world = two(tmp_path)
    world.flow["rows"].append(row("size", "integer"))
    id, other = linked(world, size=1)
    world.pms.edit("customer", id, size=2)
    world.erp.edit("customer", other, size=3)
    world.round()
    with pytest.raises(UsageError, match="is no integer"):
        world.resolve(world.one_held("conflict"), value=value)
    world.resolve(world.one_held("conflict"), value=7)
    world.settle()
    assert world.records("erp")["Åsheim"]["size"] == 7


def test_the_value_of_no_system(world: World) -> None:
    """Only a system that has a value can be taken."""
    conflict(world)
    with pytest.raises(UsageError, match="has no value of 'crm'"):
        world.resolve(world.one_held("conflict"), take="crm")


def test_a_given_value_that_does_not_fit(world: World) -> None:
    """What a person gives is held again where a side cannot store it; it goes where it fits."""
    world.file["systems"]["erp"]["datatypes"]["customer"]["properties"] = {"city": {"max_length": 10}}
    id, _ = conflict(world)
    world.resolve(world.one_held("conflict"), value="Kristiansand")
    world.settle()
    assert world.pms.get("customer", id)["city"] == "Kristiansand"  # type: ignore[index]
    assert world.one_held("value").row == "city"


# review


def twins(world: World) -> tuple[str | int, str | int, str | int]:
    """One customer in PMS, and two in ERP with its number."""
    id = customer(world.pms, "Berge", "222")
    ids = customer(world.erp, "Berge", "222"), customer(world.erp, "Berge & Co", "222")
    world.round()
    return id, *ids


def test_a_review_links(world: World) -> None:
    """A person says which of two it is; the other one stays alone and is asked about for itself."""
    id, first, second = twins(world)
    item = next(item for item in world.held("review") if item.refs[0] == f"pms/customer/{id}")
    assert {f"erp/customer/{first}", f"erp/customer/{second}"} <= set(item.refs)
    world.resolve(item, link=f"erp/customer/{second}")
    world.settle()
    assert f"pms/{id} erp/{second}" in world.pairs()
    assert len(world.names("pms")) == 1
    assert len(world.names("erp")) == 2


def test_a_review_creates(world: World) -> None:
    """A person says that it is none of them: it gets a counterpart of its own."""
    id, *_ = twins(world)
    item = next(item for item in world.held("review") if item.refs[0] == f"pms/customer/{id}")
    world.resolve(item, create=True)
    world.settle()
    assert len(world.names("erp")) == 3
    assert f"pms/{id} erp/3" in world.pairs()


def test_a_review_is_dismissed(world: World) -> None:
    """It is closed, nothing is written, and while nothing moves nobody is asked again."""
    twins(world)
    for item in world.held("review"):
        world.resolve(item, dismiss=True)
    assert written(world.settle()) == 0
    assert (len(world.names("pms")), len(world.names("erp"))) == (1, 2)


def reappeared(world: World) -> tuple[str | int, str]:
    """A customer was deleted, and its id is there again."""
    world.flow["on_delete"] = "keep"
    id, other = linked(world)
    world.pms.delete("customer", id)
    world.round(full=True)
    world.pms.insert("customer", {"name": "Åsheim again", "org": "999", "city": None}, id=id)
    assert world.round(full=True).status == 3
    return id, other


def test_a_record_reappears_and_is_created(world: World) -> None:
    """A person says that it is a new record: it gets a counterpart."""
    id, _ = reappeared(world)
    item = world.one_held("review")
    assert item.refs == (f"pms/customer/{id}",)
    assert "is there again" in item.reason
    world.resolve(item, create=True)
    assert world.settle().status == 0
    assert world.names("erp") == ["Åsheim", "Åsheim again"]


def test_a_record_reappears_and_is_linked(world: World) -> None:
    """A review of a record in no link is answered by a link made by hand."""
    id, other = reappeared(world)
    with pytest.raises(UsageError, match="belongs to no link") as refused:
        world.resolve(world.one_held("review"), link=f"erp/customer/{other}")
    assert refused.value.hint == f"`accord links link pms/customer/{id} erp/customer/{other}` links the two"
    world.link(f"pms/customer/{id}", f"erp/customer/{other}")
    world.settle()
    assert world.held("review") == []
    assert world.pairs() == [f"pms/{id} erp/{other}"]


def test_a_record_reappears_and_is_dismissed(world: World) -> None:
    """It stays alone, and nobody is asked again as long as nothing moves."""
    reappeared(world)
    world.resolve(world.one_held("review"), dismiss=True)
    assert world.settle().status == 0
    assert world.names("erp") == ["Åsheim"]


# rejected


def refused(world: World) -> tuple[str | int, str | int]:
    """A create in ERP is refused: its number is taken there, by a record outside of everything."""
    world.flow["match"] = [["name"]]
    world.flow["erp"] = {"datatype": "customer", "where": "city != 'hidden'"}
    taken = customer(world.erp, "Somebody", "222", city="hidden")
    id = customer(world.pms, "Berge", "222")
    world.round()
    return id, taken


def test_a_refused_create_is_shown(tmp_path: Path) -> None:
    """The reason of the system, the values, and the record that stands in the way."""
    world = two(tmp_path, erp=UNIQUE)
    id, taken = refused(world)
    item = world.one_held("rejected")
    assert item.reason == "create in erp was refused: org is taken"
    assert item.refs == (f"pms/customer/{id}", f"erp/customer/{taken}")
    assert item.values["name"] == "Berge"


def test_a_refused_create_is_not_repeated(tmp_path: Path) -> None:
    """As long as nothing moves and nobody says so, it is not sent again."""
    world = two(tmp_path, erp=UNIQUE)
    refused(world)
    before = world.erp.requests
    world.round()
    assert world.erp.requests - before <= 2
    assert world.one_held("rejected")


def test_a_refused_create_is_retried(tmp_path: Path) -> None:
    """Once the key is free, `--retry` makes it."""
    world = two(tmp_path, erp=UNIQUE)
    _, taken = refused(world)
    world.erp.edit("customer", taken, org="")
    world.resolve(world.one_held("rejected"), retry=True)
    assert world.settle().status == 0
    assert world.names("erp") == ["Berge", "Somebody"]


def test_a_refused_create_is_retried_in_vain(tmp_path: Path) -> None:
    """Where nothing has changed, it is refused and held again, once."""
    world = two(tmp_path, erp=UNIQUE)
    refused(world)
    world.resolve(world.one_held("rejected"), retry=True)
    assert world.round().status == 3
    assert world.one_held("rejected").decision is None


def test_a_refused_create_is_dismissed(tmp_path: Path) -> None:
    """It is closed and nothing is sent until the record moves."""
    world = two(tmp_path, erp=UNIQUE)
    refused(world)
    world.resolve(world.one_held("rejected"), dismiss=True)
    assert world.settle().status == 0
    assert world.names("erp") == ["Somebody"]


def test_a_refused_update_goes_with_the_next_edit(tmp_path: Path) -> None:
    """An edit of the record is tried again by itself, with all that was not received."""
    world = two(tmp_path, erp=UNIQUE)
    id, _ = linked(world)
    customer(world.erp, "Berge", "222")
    world.settle()
    world.pms.edit("customer", id, city="Oslo")
    world.erp.fault("rejected", operation="update", count=1)
    world.round()
    assert world.one_held("rejected").reason.startswith("update in erp was refused")
    world.pms.edit("customer", id, name="Åsheim AS")
    assert world.settle().status == 0
    assert world.records("erp")["Åsheim AS"]["city"] == "Oslo"


def test_a_refused_create_is_linked(tmp_path: Path) -> None:
    """The record that stands in the way is the one: it becomes the counterpart."""
    world = two(tmp_path, erp=UNIQUE)
    taken = customer(world.erp, "Bergen", "222")
    world.flow.update({"match": [["name"]], "link": {"pms": "create", "erp": "never"}})
    id = customer(world.pms, "Berge", "222")
    world.round()
    world.resolve(world.one_held("rejected"), link=f"erp/customer/{taken}")
    world.round()
    assert world.pairs() == [f"pms/{id} erp/{taken}"]
    assert world.one_held("conflict").values == {"pms": "Berge", "erp": "Bergen"}


def test_a_refused_create_is_linked_with_a_record_in_no_link(tmp_path: Path) -> None:
    """Where no round could carry it out, the decision is refused, with the command that can."""
    world = two(tmp_path, erp=UNIQUE)
    id, taken = refused(world)
    with pytest.raises(UsageError, match="is in no link") as wrong:
        world.resolve(world.one_held("rejected"), link=f"erp/customer/{taken}")
    assert f"accord links link pms/customer/{id} erp/customer/{taken}" in (wrong.value.hint or "")


# delete


@pytest.mark.parametrize(
    ("option", "pms", "erp"), [("delete", [], []), ("keep", [], ["Åsheim"]), ("create", ["Åsheim"], ["Åsheim"])]
)
def test_a_deletion_is_decided(world: World, option: str, pms: list[str], erp: list[str]) -> None:
    """Delete the other one too, keep it alone, or create the deleted one again."""
    id, _ = linked(world)
    world.pms.delete("customer", id)
    assert world.round(full=True).status == 3
    item = world.one_held("delete")
    assert "deleted in pms" in item.reason
    assert item.values["erp"]["name"] == "Åsheim"
    world.resolve(item, **{option: True})
    assert world.round(full=True).status == 0
    assert written(world.round(full=True)) == 0
    assert (world.names("pms"), world.names("erp")) == (pms, erp)
    assert world.held() == []


def test_a_deletion_that_was_taken_back(world: World) -> None:
    """A record that is there again before anybody decided goes on as if nothing had been."""
    id, other = linked(world)
    gone = world.pms.get("customer", id)
    world.pms.delete("customer", id)
    world.round(full=True)
    world.pms.insert("customer", gone or {}, id=id)
    assert world.round(full=True).status == 0
    assert world.pairs() == [f"pms/{id} erp/{other}"]


def test_edited_after_the_deletion_was_decided(world: World) -> None:
    """Somebody edits the record that shall be deleted: the edit is not deleted unseen."""
    id, other = linked(world)
    world.pms.delete("customer", id)
    world.round(full=True)
    world.resolve(world.one_held("delete"), delete=True)
    world.erp.edit("customer", other, city="Bergen")
    world.round(full=True)
    assert world.names("erp") == ["Åsheim"]
    assert "edited since" in world.one_held("delete").reason


# in doubt


def doubt(world: World, name: str = "answer_lost_after") -> str | int:
    """A create is sent and its answer lost, in a system without any means to find out."""
    id = customer(world.pms, "Berge", "222")
    world.erp.fault(name, operation="create", count=1)  # type: ignore[arg-type]
    assert world.round().status == 3
    return id


def test_a_doubt_is_shown(tmp_path: Path) -> None:
    """What was sent, why nobody knows, and what can be said."""
    world = two(tmp_path)
    doubt(world)
    shown = held_json(world.one_held("in_doubt"))
    assert shown["values"]["name"] == "Berge"
    assert "its answer lost: the system gives no means to find out" in shown["reason"]
    assert [text.split()[4] for text in shown["commands"]] == ["--link", "--create", "--retry", "--dismiss"]
    assert world.links()[0].state.value == "in_doubt"


def test_a_doubt_is_never_repeated(world: World) -> None:
    """However long it lasts: no second create without a word of a person."""
    doubt(world)
    world.erp.edit("customer", 1, name="Berge AS")  # so that a comparison cannot tell
    for _ in range(3):
        world.clock.advance(3600)
        world.round(full=True)
    assert world.names("erp") == ["Berge AS"]
    assert world.one_held("in_doubt")


def test_a_doubt_is_linked(world: World) -> None:
    """A person found the record: it is the counterpart."""
    id = doubt(world)
    world.resolve(world.one_held("in_doubt"), link="erp/customer/1")
    assert world.settle().status == 0
    assert world.pairs() == [f"pms/{id} erp/1"]
    assert world.names("erp") == ["Berge"]


def test_a_doubt_is_created(world: World) -> None:
    """A person looked, and it is not there: it is created again."""
    doubt(world, "answer_lost_before")
    world.resolve(world.one_held("in_doubt"), create=True)
    assert world.settle().status == 0
    assert world.names("erp") == ["Berge"]


def test_a_doubt_is_retried_in_vain(world: World) -> None:
    """`--retry` looks again; where there is no means to find out it stays in doubt."""
    doubt(world)
    world.resolve(world.one_held("in_doubt"), retry=True)
    assert world.round().status == 3
    assert world.one_held("in_doubt").decision is None
    assert world.names("erp") == ["Berge"]


def test_a_doubt_is_dismissed(world: World) -> None:
    """It is given up: not created again, and shown as refused."""
    doubt(world, "answer_lost_before")
    world.resolve(world.one_held("in_doubt"), dismiss=True)
    world.settle()
    assert world.one_held("rejected").reason == "create in erp was refused: dismissed by a person"
    assert world.names("erp") == []


def test_a_doubt_is_not_linked_with_a_linked_record(tmp_path: Path) -> None:
    """A record that is another one's counterpart is refused, and the doubt stays."""
    world = two(tmp_path)
    id, other = linked(world)
    doubt(world)
    with pytest.raises(UsageError, match=f"erp/customer/{other} is linked already, with pms/customer/{id}"):
        world.resolve(world.one_held("in_doubt"), link=f"erp/customer/{other}")
    with world.state() as state:  # linked after the person had decided
        decide(state, world.one_held("in_doubt"), {"link": f"erp/customer/{other}"}, world.author())
    world.round()
    item = world.one_held("in_doubt")
    assert f"erp/customer/{other} is linked already" in item.reason
    assert item.decision is None
    assert world.names("erp") == ["Berge", "Åsheim"]


def test_a_doubt_is_linked_with_a_record_that_is_not_there(world: World) -> None:
    """A record that cannot be read is nobody's counterpart."""
    doubt(world)
    world.resolve(world.one_held("in_doubt"), link="erp/customer/77")
    world.round()
    assert "erp/customer/77 cannot be read" in world.one_held("in_doubt").reason


def test_a_doubt_with_a_key_ends_by_itself(tmp_path: Path) -> None:
    """Where our key is in the record, the next look finds it, and nobody is asked."""
    world = two(tmp_path, erp=Behaviour(key_property="external_ref"))
    customer(world.pms, "Berge", "222")
    world.erp.fault("answer_lost_after", operation="create", count=1)
    world.round()
    assert world.settle().status == 0
    assert world.names("erp") == ["Berge"]


# brake


def test_a_brake_is_lifted(tmp_path: Path) -> None:
    """What exceeds a limit is named with the ceiling that lifts it; one that is too low lifts nothing."""
    world = two(tmp_path, limits={"create": 2})
    for n in range(3):
        customer(world.pms, f"C{n}", str(n))
    assert written(world.round()) == 0
    item = world.one_held("brake")
    assert held_json(item)["commands"] == ["accord run --approve 'customer:creates<=3'"]
    assert written(world.round("creates<=2")) == 0
    assert written(world.round("project:creates<=3")) == 0
    assert written(world.round("customer:creates<=3")) == 3
    assert world.held() == []


def test_a_brake_holds_its_kind_only(tmp_path: Path) -> None:
    """Updates go on while creates are held."""
    world = two(tmp_path, limits={"create": 1})
    id, other = linked(world)
    customer(world.pms, "C1", "1")
    customer(world.pms, "C2", "2")
    world.pms.edit("customer", id, city="Oslo")
    world.round()
    assert world.names("erp") == ["Åsheim"]
    assert world.erp.get("customer", other)["city"] == "Oslo"  # type: ignore[index]


def test_a_brake_cannot_be_resolved(tmp_path: Path) -> None:
    """It is lifted for a run, and the refusal says how."""
    world = two(tmp_path, limits={"create": 0})
    customer(world.pms, "C1", "1")
    world.round()
    with pytest.raises(UsageError) as wrong:
        world.resolve(world.one_held("brake"), retry=True)
    assert "accord run --approve 'customer:creates<=1'" in (wrong.value.hint or "")


def test_a_mass_deletion_is_braked(tmp_path: Path) -> None:
    """More than a quarter, and more than twenty: nothing is deleted before somebody approves."""
    world = two(tmp_path, on_delete="propagate")
    ids = [customer(world.pms, f"C{n}", f"#{n}") for n in range(40)]
    world.settle()
    for id in ids[:21]:
        world.pms.delete("customer", id)
    assert written(world.round(full=True)) == 0
    assert world.one_held("brake").values == {"erp": 21}
    assert written(world.round("deletes<=20", full=True)) == 0
    assert written(world.round("deletes<=21", full=True)) == 21
    assert len(world.names("erp")) == 19


# value


def test_a_value_that_cannot_be_read(tmp_path: Path) -> None:
    """A number that is none is held with what is there; mended, it goes on."""
    world = two(tmp_path)
    world.flow["rows"].append(row("size", "integer"))
    id, other = linked(world, size=1)
    world.pms.edit("customer", id, size="big")
    world.round()
    item = world.one_held("value")
    assert (item.row, item.values, item.base) == ("size", {"pms": "big"}, 1)
    world.pms.edit("customer", id, size=2)
    assert world.settle().status == 0
    assert world.erp.get("customer", other)["size"] == 2  # type: ignore[index]


def test_plain_systems() -> None:
    """The systems of these tests give no means to find out about a lost create."""
    assert (PLAIN.key_property, PLAIN.idempotent, PLAIN.find) == (None, False, ())
