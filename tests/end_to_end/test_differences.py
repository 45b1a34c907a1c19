"""What the two systems make of the same value does not bounce: one write, and then none."""

from typing import Any

import pytest

from tests.end_to_end.world import FLOWS, World, kinds, written

LONG = "The Northern Cooperative for Storage, Transport and Forwarding of Everything, limited"


def customer(world: World, **values: Any) -> int:
    """A new customer of CustomPMS, synchronised; it made exactly one write."""
    id = world.pms.add("customers", **{"name": "Ada", "org_number": "101", **values})
    report = world.run()
    assert (kinds(report), written(report)) == ([], 1)
    assert world.is_quiet()
    return int(id)


def edited(world: World, id: int, **values: Any) -> None:
    """An edit in CustomPMS makes one write in CustomERP and none back."""
    world.pms.edit("customers", id, **values)
    report = world.run()
    assert report.writes["customerp"]["update"] == 1
    assert written(report) == 1
    assert world.is_quiet()


def erp(world: World) -> dict[str, Any]:
    """The customer in CustomERP."""
    return world.erp.all("customers")[0]


def test_a_name_that_is_cut_at_60_keeps_its_end_in_the_other_system(world: World) -> None:
    """And a real edit of the short one flows back."""
    id = customer(world, name=LONG)
    assert erp(world)["customer_name"] == LONG[:60].rstrip()
    edited(world, id, name=f"New: {LONG}")
    assert world.pms.show("customers", id)["name"] == f"New: {LONG}"  # type: ignore[index]
    world.erp.edit("customers", erp(world)["customer_no"], customer_name="Short")
    world.settle()
    assert world.pms.show("customers", id)["name"] == "Short"  # type: ignore[index]
    assert world.is_quiet()


def test_a_change_beyond_the_cut_needs_no_write_and_does_not_bounce(world: World) -> None:
    """CustomERP shows the same sixty characters before and after."""
    id = customer(world, name=LONG)
    world.pms.edit("customers", id, name=f"{LONG} (publ)")
    world.settle()
    assert world.pms.show("customers", id)["name"] == f"{LONG} (publ)"  # type: ignore[index]
    assert world.is_quiet()


def test_blanks_that_are_trimmed_do_not_bounce(world: World) -> None:
    """CustomPMS keeps blanks at both ends."""
    id = customer(world, name="  Ada AS ", website=" https://www.example.org/x ")
    assert erp(world)["customer_name"] == "Ada AS"
    edited(world, id, name="   Ada Nova  ")
    assert world.pms.show("customers", id)["name"] == "   Ada Nova  "  # type: ignore[index]


def test_a_code_that_is_upper_cased_does_not_bounce(world: World) -> None:
    """CustomPMS keeps what was typed."""
    id = customer(world, country="no")
    assert erp(world)["country"] == "NO"
    edited(world, id, country="se")
    assert erp(world)["country"] == "SE"
    assert world.pms.show("customers", id)["country"] == "se"  # type: ignore[index]


def test_line_ends_of_another_kind_do_not_bounce(world: World) -> None:
    """CustomERP knows one kind only."""
    id = customer(world, notes="one\r\ntwo\rthree\n")
    assert erp(world)["remarks"] == "one\ntwo\nthree"
    edited(world, id, notes="one\r\nTWO\r\n")
    assert world.pms.show("customers", id)["notes"] == "one\r\nTWO\r\n"  # type: ignore[index]


def test_empty_text_and_null_are_kept_apart_without_bouncing(world: World) -> None:
    """CustomERP has null only."""
    id = customer(world, phone="", website=None, notes="")
    assert erp(world)["phone"] is None
    edited(world, id, phone="+47 22 33 44 55")
    edited(world, id, phone="")
    assert erp(world)["phone"] is None
    assert world.pms.show("customers", id)["phone"] == ""  # type: ignore[index]


@pytest.mark.parametrize(("typed", "stored"), [(1250.5, "1250.50"), (0.1, "0.10"), (99999.99, "99999.99")])
def test_amounts_as_numbers_and_as_text_are_the_same(world: World, typed: float, stored: str) -> None:
    """A JSON number on one side, a text with two decimals on the other."""
    house = world.pms.add("projects", title="House", budget=typed)
    world.settle()
    project = world.erp.all("projects")[0]
    assert project["budget_amount"] == stored
    world.erp.edit("projects", project["project_no"], budget_amount="7")
    world.settle()
    assert world.pms.show("projects", house)["budget"] == 7  # type: ignore[index]
    assert world.is_quiet()


def test_hours_and_minutes_are_the_same(world: World) -> None:
    """A quarter of an hour is fifteen minutes; twenty minutes are rounded hours, and stay twenty minutes."""
    house = world.pms.add("projects", title="House")
    task = world.pms.add("tasks", name="Dig", project_id=house, hours_estimate=0.25)
    world.settle()
    dig = world.erp.all("projects", kind="task")[0]
    assert dig["planned_minutes"] == 15
    world.erp.edit("projects", dig["project_no"], planned_minutes=20)
    world.settle()
    assert world.pms.show("tasks", task)["hours_estimate"] == 0.33  # type: ignore[index]
    assert world.is_quiet()
    assert world.erp.all("projects", kind="task")[0]["planned_minutes"] == 20


def test_an_edit_is_noticed_whatever_time_zone_its_system_keeps(world: World) -> None:
    """CustomERP says local time of Oslo in whole seconds: edits in one second, and right after a run, all arrive."""
    house = world.pms.add("projects", title="House")
    world.settle()
    project = world.erp.all("projects")[0]["project_no"]
    for number in range(5):
        world.erp.edit("projects", project, description=f"House {number}")
        world.run()
        assert world.pms.show("projects", house)["title"] == f"House {number}"  # type: ignore[index]
    assert world.is_quiet()


def test_dates_are_dates_on_both_sides(world: World) -> None:
    """No zone moves them."""
    house = world.pms.add("projects", title="House", starts_on="2026-03-29", due_on="2026-10-25")
    world.settle()
    project = world.erp.all("projects")[0]
    assert (project["start_date"], project["due_date"]) == ("2026-03-29", "2026-10-25")
    world.erp.edit("projects", project["project_no"], due_date="2027-01-01")
    world.settle()
    assert world.pms.show("projects", house)["due_on"] == "2027-01-01"  # type: ignore[index]


def test_phone_numbers_and_addresses_in_another_form_are_the_same(world: World) -> None:
    """Matched customers that differ in format only make no write."""
    world.pms.add(
        "customers", name="Ada", org_number="101", phone="+44 20 7946 0001", contact={"email": "Ada@Example.org"}
    )
    world.erp.add("customers", customer_name="Ada", vat_no="101", phone="+44-20-7946-0001", email="ADA@EXAMPLE.ORG")
    report = world.run()
    assert (kinds(report), written(report)) == ([], 0)
    assert world.is_quiet()


def test_a_value_without_counterpart_holds_its_row_and_nothing_else(world: World) -> None:
    """ "Active" is no status of CustomERP here; the title goes over."""
    world.use(FLOWS.replace("active: A, ", ""))
    house = world.pms.add("projects", title="House")
    world.settle()
    world.pms.edit("projects", house, state="active", title="Mansion")
    report = world.settle()
    assert kinds(report) == ["value"]
    assert "active" in report.held[0]["reason"]
    project = world.erp.all("projects")[0]
    assert (project["description"], project["status"]) == ("Mansion", "H")
    world.pms.edit("projects", house, state="done")
    assert kinds(world.settle()) == []
    assert world.erp.all("projects")[0]["status"] == "C"
    assert world.is_quiet()


def test_properties_that_are_not_mapped_stay_as_they_are(world: World) -> None:
    """CustomERP replaces whole records; its currency and its own minutes are nobody else's business."""
    project = world.erp.add(
        "projects", description="House", currency="EUR", planned_minutes=7, responsible_email="a@example.org"
    )
    world.settle()
    house = world.pms.all("projects")[0]["id"]
    world.pms.edit("projects", house, title="Mansion")
    world.settle()
    record = world.erp.show("projects", project)
    assert record is not None
    kept = [record[name] for name in ("description", "currency", "planned_minutes", "responsible_email")]
    assert kept == ["Mansion", "EUR", 7, "a@example.org"]


def test_text_of_every_kind_goes_over_unharmed(world: World) -> None:
    """Scripts, emoji, right-to-left, formulas and markup."""
    texts = [
        "Ærfugl 青竹 النخلة שקד",
        "🚀👩‍👩‍👧 ‮RTL",
        "=1+1",
        "<script>alert(1)</script>",
        "a\\\"b'c;--",
        "%s {0} ${X}",
    ]
    for number, text in enumerate(texts):
        world.pms.add("customers", name=text, org_number=str(number), notes=text)
    world.settle()
    found = sorted((record["customer_name"], record["remarks"]) for record in world.erp.all("customers"))
    assert found == sorted((text, text) for text in texts)
    assert world.is_quiet()
