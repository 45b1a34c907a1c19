"""What cannot be read, mapped or written stops itself and what refers to it, and nothing else (P6)."""

from __future__ import annotations

from pathlib import Path

from accord.connectors.memory import Behaviour

from .world import PLAIN, World, customer, customers, linked, project, projects, row, two, with_projects, written


def test_a_value_that_cannot_be_decoded(tmp_path: Path) -> None:
    """The record is held with the value; the others go on, also other edits of the same flow."""
    world = two(tmp_path)
    world.flow["rows"].append(row("size", "integer"))
    customer(world.pms, "Broken", "111", size="big")
    customer(world.pms, "Berge", "222", size=2)
    report = world.settle()
    assert report.status == 3
    assert world.one_held("value").values == {"pms": "big"}
    assert "Berge" in world.names("erp")


def test_a_condition_that_fails(tmp_path: Path) -> None:
    """An expression that fails on one record holds that record."""
    world = two(tmp_path)
    world.flow["pms"] = {"datatype": "customer", "where": "size > 1"}
    customer(world.pms, "Broken", "111", size="big")
    customer(world.pms, "Berge", "222", size=2)
    world.settle()
    assert world.names("erp") == ["Berge"]
    assert world.one_held("value").refs == ("pms/customer/1",)


def test_a_condition_that_fails_and_is_mended(tmp_path: Path) -> None:
    """Once the record is mended it goes on, and nothing is held."""
    world = two(tmp_path)
    world.flow["pms"] = {"datatype": "customer", "where": "size > 1"}
    id = customer(world.pms, "Broken", "111", size="big")
    world.settle()
    world.pms.edit("customer", id, size=3)
    assert world.settle().status == 0
    assert world.names("erp") == ["Broken"]


def test_a_record_that_is_rejected(tmp_path: Path) -> None:
    """A refused create holds what refers to it, and nothing else."""
    world = with_projects(tmp_path)
    broken, sound = customer(world.pms, "Broken", "111"), customer(world.pms, "Berge", "222")
    project(world.pms, "of Broken", broken)
    project(world.pms, "of Berge", sound)
    fault = world.erp.fault("rejected", operation="create", datatype="customer", count=1)
    world.settle()
    assert world.names("erp") == ["Berge"]
    assert world.names("erp", "project", "title") == ["of Berge"]
    world.erp.faults.remove(fault)
    world.resolve(world.one_held("rejected"), retry=True)
    assert world.settle().status == 0
    assert world.names("erp", "project", "title") == ["of Berge", "of Broken"]


def test_a_record_that_may_not_be_seen_any_more(tmp_path: Path) -> None:
    """A lost permission is no deletion: the link stays, edits wait until the record is seen again."""
    world = two(tmp_path, on_delete="propagate")
    id, other = linked(world)
    customer(world.pms, "Berge", "222")
    fault = world.erp.fault("forbidden", ids=frozenset({other}))
    world.pms.edit("customer", id, city="Oslo")
    world.round(full=True)
    assert world.names("pms") == ["Berge", "Åsheim"]
    assert world.names("erp") == ["Berge", "Åsheim"]
    world.erp.faults.remove(fault)
    for item in world.held("rejected"):
        world.resolve(item, retry=True)
    assert world.round(full=True).status == 0
    assert world.erp.get("customer", other)["city"] == "Oslo"  # type: ignore[index]


def test_a_member_that_may_not_be_seen_in_a_listing(tmp_path: Path) -> None:
    """Left out of a complete listing and forbidden by its id: nothing is deleted on the other side."""
    world = two(tmp_path, on_delete="propagate")
    id, _ = linked(world)
    world.pms.fault("forbidden", ids=frozenset({str(id)}))
    assert written(world.round(full=True)) == 0
    assert world.names("erp") == ["Åsheim"]
    assert len(world.links()) == 1


def test_a_rejected_update(world: World) -> None:
    """One record's update is refused; the others of the group are written."""
    ids = [customer(world.pms, f"C{n}", f"#{n}") for n in range(5)]
    world.settle()
    for id in ids:
        world.pms.edit("customer", id, city="Oslo")
    world.erp.fault("rejected", operation="update", ids=frozenset({"3"}))
    world.settle()
    assert [record.get("city") for record in world.erp.all("customer").values()].count("Oslo") == 4
    assert len(world.held("rejected")) == 1


def three(folder: Path) -> World:
    """Customers between PMS and ERP, and contacts between PMS and CRM."""
    flows = {"customer": customers(on_delete="propagate"), "contact": {}}
    flows["contact"] = {"pms": "contact", "crm": "contact", "rows": [row("name", systems=("pms", "crm"))]}
    return World(
        folder,
        flows,
        pms={"customer": PLAIN, "contact": PLAIN},
        erp={"customer": PLAIN},
        crm={"contact": PLAIN},
    )


def test_an_unreachable_system(tmp_path: Path) -> None:
    """Its flows pause, nothing is deleted and nothing created; others go on; it catches up when it is back."""
    world = three(tmp_path)
    id = customer(world.pms, "Åsheim", "111")
    world.settle()
    fault = world.erp.fault("unreachable")
    world.pms.edit("customer", id, city="Oslo")
    customer(world.pms, "Berge", "222")
    world.pms.insert("contact", {"name": "Kari"})
    report = world.round(full=True)
    assert report.status == 1
    assert [(error["system"], error["kind"]) for error in report.errors] == [("erp", "unreachable")]
    assert world.names("crm", "contact") == ["Kari"]
    world.erp.faults.remove(fault)
    assert world.settle().status == 0
    assert world.records("erp")["Åsheim"]["city"] == "Oslo"
    assert world.names("erp") == ["Berge", "Åsheim"]


def test_unreachable_for_many_rounds(tmp_path: Path) -> None:
    """Deletions and edits made while a system is away are all carried out, once, when it is back."""
    world = three(tmp_path)
    first, second = customer(world.pms, "Åsheim", "111"), customer(world.pms, "Berge", "222")
    world.settle()
    fault = world.erp.fault("unreachable")
    world.pms.delete("customer", first)
    for n in range(4):
        world.pms.edit("customer", second, city=f"City {n}")
        assert world.round(full=True).status == 1
    world.erp.faults.remove(fault)
    report = world.round(full=True)
    assert report.writes["erp"] == {"create": 0, "update": 1, "delete": 1}
    assert world.records("erp")["Berge"]["city"] == "City 3"


def test_unreachable_in_the_middle(tmp_path: Path) -> None:
    """A system that goes away while it is written to: what was done is settled, the rest follows, none twice."""
    world = three(tmp_path)
    for n in range(20):
        customer(world.pms, f"C{n}", f"#{n}")
    fault = world.erp.fault("unreachable", operation="create", skip=7)
    assert world.round().status == 1
    assert len(world.names("erp")) == 7
    world.erp.faults.remove(fault)
    world.settle()
    assert world.names("erp") == sorted(f"C{n}" for n in range(20))


def test_credentials_that_are_refused(tmp_path: Path) -> None:
    """It counts as unauthorized, and never as an empty system."""
    world = three(tmp_path)
    customer(world.pms, "Åsheim", "111")
    world.settle()
    world.pms.fault("unauthorized", datatype="customer")
    report = world.round(full=True)
    assert (report.status, report.errors[0]["kind"]) == (1, "unauthorized")
    assert world.names("erp") == ["Åsheim"]


def test_a_listing_that_is_empty(tmp_path: Path) -> None:
    """A listing that suddenly shows nothing deletes nothing and creates nothing."""
    world = two(tmp_path, on_delete="propagate")
    for n in range(30):
        customer(world.pms, f"C{n}", f"#{n}")
    world.settle()
    fault = world.erp.fault("empty_list")
    report = world.round(full=True)
    assert (written(report), report.errors[0]["kind"]) == (0, "protocol")
    world.erp.faults.remove(fault)
    assert written(world.round(full=True)) == 0
    assert (len(world.names("pms")), len(world.names("erp"))) == (30, 30)


def test_a_reference_to_what_is_not_synchronised(tmp_path: Path) -> None:
    """A project whose customer waits for a person waits with it; others go on; its other edits are not lost."""
    world = with_projects(tmp_path, erp=Behaviour(references={"customer": "customer"}))
    world.file["flows"]["customer"]["link"] = "match-only"
    world.file["flows"]["project"] = projects()
    id = customer(world.pms, "Alone", "111")
    waiting = project(world.pms, "of Alone", id)
    project(world.pms, "of nobody")
    world.settle()
    assert world.names("erp", "project", "title") == ["of nobody"]
    world.pms.edit("project", waiting, title="of Alone, edited")
    customer(world.erp, "Alone", "111")
    assert world.settle().status == 0
    made = world.records("erp", "project", "title")
    assert made["of Alone, edited"]["customer"] == 1


def test_a_new_record_listed_while_another_reading_forgets_one(tmp_path: Path) -> None:
    """Row numbers of the readings are given again; a record that was just listed does not count as absent for it."""
    world = two(tmp_path, erp=Behaviour(page_size=1, ordered=True))
    for name in ("Aas", "Berge"):
        customer(world.erp, name, name)
    world.settle()
    fault = world.erp.fault("unreachable")
    id = customer(world.pms, "Passing", "333")
    world.round()
    world.pms.delete("customer", id)
    world.erp.faults.remove(fault)
    customer(world.erp, "Corneliussen", "444")
    world.round(full=True)
    world.round()
    assert world.names("pms") == ["Aas", "Berge", "Corneliussen"]


def test_a_first_listing_that_is_short(tmp_path: Path) -> None:
    """Even in the first round the target is searched before a create, unless it counts its records itself."""
    world = two(tmp_path, pms=Behaviour(find=("org",), page_size=1))
    customer(world.pms, "Aas", "111")
    customer(world.pms, "Berge", "222")
    customer(world.erp, "Berge", "222")
    world.pms.fault("empty_list", skip=1, count=1)
    world.settle()
    assert world.names("pms") == ["Aas", "Berge"]


def test_a_record_that_was_refused_and_then_deleted_is_missed(world: World) -> None:
    """A refused write has its record looked at again; found by a random history: its absence was never noticed."""
    id, other = linked(world, city="Oslo")
    world.erp.fault("rejected", operation="update", count=1)
    world.pms.edit("customer", id, city="Bergen")
    world.round()
    assert world.one_held("rejected")
    world.erp.delete("customer", other)
    world.round(full=True)
    assert world.one_held("delete").reason == "deleted in erp, and edited since in pms"


def test_a_create_that_was_taken_is_refused_when_it_is_sent_again(tmp_path: Path) -> None:
    """The refusal says nothing of the first sending: it stays in doubt, and no second pair is made of its record."""
    world = two(tmp_path, erp=Behaviour(idempotent=True))
    customer(world.pms, "Berge", "222")
    world.erp.fault("answer_lost_after", operation="create", count=1)
    world.erp.fault("rejected", operation="create", count=1)
    world.round()
    assert "refused when it was sent again" in world.one_held("in_doubt").reason
    world.settle()
    assert (world.names("pms"), world.names("erp")) == (["Berge"], ["Berge"])
    assert world.held() == []


def test_nothing_is_created_beside_a_listing_that_does_not_fit_its_count(tmp_path: Path) -> None:
    """It is no complete one, and what it left out may be the counterpart; the system cannot be searched."""
    world = two(tmp_path, erp=Behaviour(total=True))
    for number in range(5):
        customer(world.pms, f"Customer {number}", str(number))
        customer(world.erp, f"Customer {number}", str(number))
    fault = world.erp.fault("short_list", share=0.5)
    assert written(world.round()) == 0
    world.erp.faults.remove(fault)
    world.settle()
    assert len(world.names("erp")) == len(world.names("pms")) == 5
