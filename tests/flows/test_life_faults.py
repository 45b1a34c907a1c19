"""D11 to D14 of the fault table with whole rounds: restored, merged, copied, other ids, out of sight."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from accord.connectors.memory import Behaviour
from accord.connectors.memory_life import change_id, copy_record, merge_records, restore_deleted, use_id_again

from .bad_days import KEYED, BadDay
from .world import World, customer, linked, two, with_projects, written

WHOLE = replace(KEYED, changed_since=None)
"""Every round lists everything, so that what is gone is noticed at once."""
BIN = replace(KEYED, soft_delete="deleted")


@pytest.mark.parametrize("rule", ["ask", "propagate", "keep", "restore"])
@pytest.mark.parametrize("behaviour", [WHOLE, BIN], ids=["hard", "soft"])
def test_deleted_and_restored_before_a_round(tmp_path: Path, behaviour: Behaviour, rule: str) -> None:
    """Nothing has happened: the link goes on and edits flow."""
    world = two(tmp_path, behaviour, behaviour, on_delete=rule)
    mine, other = linked(world)
    world.erp.delete("customer", other)
    world.erp.restore("customer", other) if behaviour is BIN else restore_deleted(world.erp, "customer", other)
    assert written(world.round()) == 0
    world.pms.edit("customer", mine, name="Åsheim AS")
    world.settle()
    assert world.names("erp") == ["Åsheim AS"]
    assert world.held() == []


@pytest.mark.parametrize("behaviour", [WHOLE, BIN], ids=["hard", "soft"])
def test_deleted_asked_about_and_restored(tmp_path: Path, behaviour: Behaviour) -> None:
    """A deletion that waits for a person is over when the record is back; nothing was written about it."""
    world = two(tmp_path, behaviour, behaviour)
    mine, other = linked(world)
    world.erp.delete("customer", other)
    world.round()
    assert [item.kind for item in world.held()] == ["delete"]
    world.erp.restore("customer", other) if behaviour is BIN else restore_deleted(world.erp, "customer", other)
    world.pms.edit("customer", mine, name="Åsheim AS")
    world.round()
    world.settle()
    assert (world.names("erp"), world.held()) == (["Åsheim AS"], [])


def test_deleted_everywhere_and_restored_by_a_person(tmp_path: Path) -> None:
    """A record that is back after its deletion was carried out goes to a person: it is not made or deleted again."""
    world = two(tmp_path, WHOLE, WHOLE, on_delete="propagate")
    _mine, other = linked(world)
    world.erp.delete("customer", other)
    world.settle()
    assert world.names("pms") == []
    restore_deleted(world.erp, "customer", other)
    assert [written(world.round()) for _ in range(3)] == [0, 0, 0]
    assert "is there again" in world.one_held("review").reason
    assert world.names("erp") == ["Åsheim"]


@pytest.mark.parametrize("named", [None, "merged_into"])
def test_two_records_that_were_merged(tmp_path: Path, named: str | None) -> None:
    """The survivor's values flow; the one that is gone is asked about, and nothing is deleted for it by itself."""
    world = two(tmp_path, WHOLE, replace(WHOLE, merged_into=named))
    if named:
        said = world.file["systems"]["erp"]["datatypes"]["customer"]
        said |= {"deleted": "merged_into != null", "properties": {"merged_into": {}}}
    kept, gone = customer(world.pms, "Åsheim", "111"), customer(world.pms, "Aasheim", "112", city="Oslo")
    world.settle()
    there = {record["name"]: record["id"] for record in world.erp.all("customer").values()}
    merge_records(world.erp, "customer", there["Åsheim"], there["Aasheim"])
    world.round()
    world.settle()
    assert world.names("pms") == ["Aasheim", "Åsheim"]
    assert (world.pms.get("customer", kept) or {})["city"] == "Oslo"
    assert any(f"pms/customer/{gone}" in item.refs for item in world.held())
    world.pms.edit("customer", kept, name="Åsheim AS")
    world.settle()
    assert (world.erp.get("customer", there["Åsheim"]) or {})["name"] == "Åsheim AS"


def test_references_to_a_record_that_was_merged(tmp_path: Path) -> None:
    """What referred to the one that is gone refers to the survivor, on the other side too."""
    world = with_projects(tmp_path)
    world.erp.tables["project"].behaviour = Behaviour(references={"customer": "customer"})
    kept, gone = customer(world.pms, "Åsheim", "111"), customer(world.pms, "Aasheim", "112")
    made = world.pms.insert("project", {"title": "P", "customer": gone, "parent": None})
    world.settle()
    there = {record["name"]: record["id"] for record in world.erp.all("customer").values()}
    merge_records(world.erp, "customer", there["Åsheim"], there["Aasheim"])
    world.round(full=True)
    world.round(full=True)
    assert (world.pms.get("project", made) or {})["customer"] == kept


def test_a_record_with_another_id(tmp_path: Path) -> None:
    """It is not made again and nothing is deleted: what became of it is asked."""
    world = two(tmp_path, Behaviour(changed_since=None), Behaviour(changed_since=None))
    _mine, other = linked(world)
    change_id(world.erp, "customer", other, "900")
    for _ in range(3):
        assert sum(ops["delete"] + ops["create"] for ops in world.round().writes.values()) == 0
    assert world.held() != []
    assert all(item.reason for item in world.held())
    assert (world.names("pms"), world.names("erp")) == (["Åsheim"], ["Åsheim"])


@pytest.mark.parametrize("link", ["match-or-create", "match-only"])
def test_a_copy_of_a_linked_record(tmp_path: Path, link: str) -> None:
    """A copy carries our key and the natural key: a person is asked, the link stays, and nothing is made twice."""
    world = two(tmp_path, WHOLE, WHOLE, link=link)
    mine, other = linked_by_hand(world) if link == "match-only" else linked(world)
    copy = copy_record(world.erp, "customer", other, name="Åsheim (copy)")
    for _ in range(3):
        assert written(world.round()) == 0
    assert any(f"erp/customer/{copy}" in item.refs for item in world.held("review"))
    world.pms.edit("customer", mine, city="Oslo")
    world.settle()
    assert (world.erp.get("customer", other) or {})["city"] == "Oslo"
    assert (world.erp.get("customer", copy) or {}).get("city") is None


def linked_by_hand(world: World) -> tuple[str | int, str]:
    """A customer that somebody made on both sides."""
    mine, other = customer(world.pms, "Åsheim", "111"), customer(world.erp, "Åsheim", "111")
    world.settle()
    return mine, str(other)


def test_permission_lost_and_regained(tmp_path: Path) -> None:
    """For some rounds all records of one side are forbidden: nothing is deleted, made or lost, and then all goes on."""
    day = BadDay(tmp_path, WHOLE, WHOLE)
    ids = frozenset(day.world.erp.all("customer"))
    day.play(lambda: day.world.erp.fault("forbidden", ids=ids), rounds=3)
    day.done()


def test_a_mass_deletion_that_is_meant(tmp_path: Path) -> None:
    """The brake holds it; after `--approve` exactly those are deleted."""
    world = two(tmp_path, WHOLE, WHOLE, on_delete="propagate")
    for number in range(40):
        customer(world.pms, f"K{number:02}", f"9{number:02}")
    world.settle()
    for id in list(world.pms.all("customer"))[:30]:
        world.pms.delete("customer", id)
    assert written(world.round()) == 0
    assert "30" in world.one_held("brake").reason
    assert written(world.round("deletes<=30")) == 30
    assert world.names("erp") == world.names("pms") == [f"K{number:02}" for number in range(30, 40)]
    assert world.held() == []


def test_an_id_that_is_used_again(tmp_path: Path) -> None:
    """Another thing under the id of a linked record: nothing is deleted for it on either side."""
    world = two(tmp_path, WHOLE, WHOLE, on_delete="propagate")
    _mine, other = linked(world)
    use_id_again(world.erp, "customer", int(other), {"name": "Berge", "org": "222", "city": None})
    for _ in range(3):
        assert sum(ops["delete"] for ops in world.round().writes.values()) == 0
