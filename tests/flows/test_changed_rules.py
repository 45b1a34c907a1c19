"""The project file is changed between two rounds: what was left undone is looked at again, and nothing is undone."""

from __future__ import annotations

from pathlib import Path

from .world import PLAIN, World, customer, linked, row, two, written


def test_match_only_becomes_match_or_create(tmp_path: Path) -> None:
    """Records that waited for a match get counterparts once the mode creates them."""
    world = two(tmp_path, link="match-only")
    customer(world.pms, "Berge", "222")
    assert written(world.round()) == 0
    assert world.links()[0].state.value == "waiting"
    world.flow["link"] = "match-or-create"
    world.settle()
    assert world.names("erp") == ["Berge"]


def test_create_becomes_never(world: World) -> None:
    """What is linked stays linked and in step; what is new gets no counterpart any more."""
    id, _ = linked(world)
    world.flow["link"] = "never"
    customer(world.pms, "Ny", "333")
    world.pms.edit("customer", id, city="Oslo")
    world.settle()
    assert world.names("erp") == ["Åsheim"]
    assert world.records("erp")["Åsheim"]["city"] == "Oslo"


def test_a_match_rule_added_later(tmp_path: Path) -> None:
    """Waiting records of both sides are linked by a rule that came afterwards."""
    world = two(tmp_path, link="match-only")
    customer(world.pms, "Berge", "")
    customer(world.erp, "Berge", "222")
    world.round()
    assert len(world.links()) == 2
    world.flow["match"] = [["org"], ["name"]]
    world.settle()
    assert world.pairs() == ["pms/1 erp/1"]
    assert world.records("pms")["Berge"]["org"] == "222"


def test_a_match_rule_removed(tmp_path: Path) -> None:
    """Links that a rule made outlive it; what comes later is not linked by it."""
    world = two(tmp_path, link="match-only", match=[["org"], ["name"]])
    customer(world.pms, "Berge", "")
    customer(world.erp, "Berge", "")
    world.settle()
    world.flow["match"] = [["org"]]
    customer(world.pms, "Dal", "")
    customer(world.erp, "Dal", "")
    world.settle()
    assert sorted(world.pairs()) == ["erp/2", "pms/1 erp/1", "pms/2"]


def test_ask_becomes_prefer(world: World) -> None:
    """A conflict that is held is decided by the new rule, and the losing value is in the history."""
    id, other = linked(world)
    world.pms.edit("customer", id, city="Oslo")
    world.erp.edit("customer", other, city="Bergen")
    assert world.round().status == 3
    world.flow["conflict"] = {"prefer": ["erp"]}
    assert world.settle().status == 0
    assert world.records("pms")["Åsheim"]["city"] == "Bergen"
    assert [line.changes["city"] for line in world.history() if line.op == "superseded"] == [["Oslo", "Bergen"]]


def test_prefer_of_one_row_only(world: World) -> None:
    """Only the conflict of the row whose rule changed is decided; the other one stays open."""
    id, other = linked(world)
    world.pms.edit("customer", id, city="Oslo", name="Åsheim AS")
    world.erp.edit("customer", other, city="Bergen", name="Åsheim Ltd")
    world.round()
    assert {item.row for item in world.held("conflict")} == {"city", "name"}
    world.flow["rows"] = [row("name"), row("org"), row("city", conflict={"prefer": ["pms"]})]
    world.round()
    assert world.one_held("conflict").row == "name"
    assert world.erp.get("customer", other)["city"] == "Oslo"  # type: ignore[index]


def test_a_row_added_later(world: World) -> None:
    """The first values of a new row: filled beats empty, equal ones are left, different ones are asked."""
    ids = [customer(world.pms, f"C{n}", str(n), phone=phone) for n, phone in enumerate(["1", None, "3", "4"])]
    world.settle()
    others = [world.link_of("pms", id).member("erp") for id in ids]
    for member, phone in zip(others, [None, "2", "3", "5"], strict=True):
        world.erp.edit("customer", member.ref.id, phone=phone)  # type: ignore[union-attr]
    world.round()
    world.flow["rows"].append(row("phone"))
    report = world.settle()
    assert [world.pms.get("customer", id)["phone"] for id in ids] == ["1", "2", "3", "4"]  # type: ignore[index]
    assert world.records("erp")["C0"]["phone"] == "1"
    assert [item["values"] for item in report.held] == [{"pms": "4", "erp": "5"}]


def test_a_row_removed(world: World) -> None:
    """A row that is no longer in the file empties nothing."""
    linked(world, city="Oslo")
    world.flow["rows"] = world.flow["rows"][:2]
    assert written(world.settle()) == 0
    assert world.records("erp")["Åsheim"]["city"] == world.records("pms")["Åsheim"]["city"] == "Oslo"


def test_a_row_removed_and_back_again(world: World) -> None:
    """A row that comes back unedited is no edit and writes nothing."""
    linked(world, city="Oslo")
    rows = world.flow["rows"]
    world.flow["rows"] = rows[:2]
    world.settle()
    world.flow["rows"] = rows
    assert written(world.settle()) == 0
    assert world.held() == []


def test_a_row_that_was_edited_while_it_was_out(world: World) -> None:
    """An edit made while the row was not in the file is carried over when the row is back."""
    id, _ = linked(world, city="Oslo")
    rows = world.flow["rows"]
    world.flow["rows"] = rows[:2]
    world.settle()
    world.pms.edit("customer", id, city="Bergen", name="Åsheim AS")
    world.settle()
    world.flow["rows"] = rows
    world.settle()
    assert world.records("erp")["Åsheim AS"]["city"] == "Bergen"


def test_a_row_edited_on_both_sides_while_it_was_out(world: World) -> None:
    """Edits on both sides, made while the row was not in the file, are a conflict when it is back."""
    id, other = linked(world, city="Oslo")
    rows = world.flow["rows"]
    world.flow["rows"] = rows[:2]
    world.settle()
    world.pms.edit("customer", id, city="Bergen")
    world.erp.edit("customer", other, city="Trondheim")
    world.settle()
    world.flow["rows"] = rows
    world.settle()
    assert world.one_held("conflict").values == {"pms": "Bergen", "erp": "Trondheim"}


def test_a_record_made_while_a_row_was_out(world: World) -> None:
    """A counterpart that was created without the row receives it when the row is back."""
    rows = world.flow["rows"]
    world.flow["rows"] = rows[:2]
    linked(world, city="Oslo")
    world.flow["rows"] = rows
    world.settle()
    assert world.records("erp")["Åsheim"]["city"] == "Oslo"


def test_a_value_that_was_held_when_its_row_went_out(world: World) -> None:
    """What a member had not received when the row went out, it receives when the row is back."""
    world.file["systems"]["erp"]["datatypes"]["customer"]["properties"] = {"city": {"max_length": 6}}
    id, other = linked(world, city="Oslo")
    world.pms.edit("customer", id, city="Kristiansand")
    world.round()
    assert world.one_held("value").row == "city"
    rows = world.flow["rows"]
    world.flow["rows"] = rows[:2]
    world.pms.edit("customer", id, name="Åsheim AS")
    world.settle()
    world.flow["rows"] = rows
    del world.file["systems"]["erp"]["datatypes"]["customer"]["properties"]
    world.settle()
    assert world.erp.get("customer", other)["city"] == "Kristiansand"  # type: ignore[index]


def test_a_row_gets_another_property(world: World) -> None:
    """A row that is moved to an empty property empties nothing: what is there elsewhere fills it."""
    id, other = linked(world, city="Oslo")
    world.flow["rows"][2] = {"pms": "city", "erp": "town", "name": "city"}
    world.settle()
    assert world.pms.get("customer", id)["city"] == "Oslo"  # type: ignore[index]
    assert world.erp.get("customer", other)["town"] == "Oslo"  # type: ignore[index]


def test_a_nested_row_gets_another_property(world: World) -> None:
    """The same for a row that is named after a path with a dot in it."""
    world.flow["rows"].append({"pms": "contact.city", "erp": "city2"})
    id, other = linked(world, contact={"city": "Oslo"})
    assert world.erp.get("customer", other)["city2"] == "Oslo"  # type: ignore[index]
    world.flow["rows"][-1]["erp"] = "town"
    world.settle()
    assert world.pms.get("customer", id)["contact"]["city"] == "Oslo"  # type: ignore[index]
    assert world.erp.get("customer", other)["town"] == "Oslo"  # type: ignore[index]


def test_a_row_gets_a_property_that_is_filled(world: World) -> None:
    """What another property holds is no edit: values that differ are asked."""
    id, other = linked(world, city="Oslo")
    world.erp.edit("customer", other, town="Bergen")
    world.settle()
    world.flow["rows"][2] = {"pms": "city", "erp": "town", "name": "city"}
    world.settle()
    assert world.one_held("conflict").values == {"pms": "Oslo", "erp": "Bergen"}
    assert world.pms.get("customer", id)["city"] == "Oslo"  # type: ignore[index]


def test_a_row_gets_another_type(world: World) -> None:
    """What was agreed as text is looked at anew as a number: equal numbers write nothing, other texts are held."""
    id, other = linked(world, city="12")
    customer(world.pms, "Berge", "222", city="twelve")
    world.settle()
    world.flow["rows"][2] = row("city", "integer")
    assert written(world.settle()) == 0
    assert [item.row for item in world.held("value")] == ["city"]
    world.pms.edit("customer", id, city="13")
    world.settle()
    assert world.erp.get("customer", other)["city"] == "13"  # type: ignore[index]


def test_a_system_joins_a_row(world: World) -> None:
    """A row that gets one more of its flow's systems compares first values there."""
    crm = world.add_system("crm", {"customer": PLAIN})
    names = ("pms", "erp", "crm")
    rows = [row(name, systems=names) for name in ("name", "org", "city")]
    world.flow.update({"crm": "customer", "rows": [*rows[:2], row("city")]})
    customer(crm, "Åsheim", "111", city="Bergen")
    linked(world, city="Oslo")
    world.flow["rows"] = rows
    world.settle()
    assert world.one_held("conflict").values == {"pms": "Oslo", "erp": "Oslo", "crm": "Bergen"}


def test_a_title_is_changed(world: World) -> None:
    """What systems and datatypes are called decides nothing."""
    linked(world, city="Oslo")
    world.file["title"] = "Another title"
    world.file["systems"]["pms"]["title"] = "Our PMS"
    world.file["systems"]["pms"]["datatypes"]["customer"]["title"] = "Client"
    assert written(world.round()) == 0


def test_a_lens_is_added(world: World) -> None:
    """A lens that makes no difference to what is there writes nothing."""
    linked(world, city="Oslo")
    world.flow["rows"] = [row("name"), row("org"), row("city", lens={"erp": "trim"})]
    assert written(world.settle()) == 0
    assert world.held() == []


def test_a_map_is_changed(tmp_path: Path) -> None:
    """The base is what each system stored: another spelling in the map is no edit of what is stored."""
    world = two(tmp_path)
    world.flow["rows"].append(row("state", "enum", map={"open": "A", "done": "C"}))
    linked(world, state="open")
    world.flow["rows"][-1] = row("state", "enum", map={"open": "A", "done": "C", "lost": "X"})
    assert written(world.settle()) == 0
    assert world.records("erp")["Åsheim"]["state"] == "A"


def test_a_map_gets_the_missing_word(tmp_path: Path) -> None:
    """A value that had no counterpart goes over once the map names it."""
    world = two(tmp_path)
    world.flow["rows"].append(row("state", "enum", map={"open": "A"}))
    id, other = linked(world, state="open")
    world.pms.edit("customer", id, state="lost")
    world.round()
    assert world.one_held("value").row == "state"
    world.flow["rows"][-1] = row("state", "enum", map={"open": "A", "lost": "X"})
    world.settle()
    assert world.erp.get("customer", other)["state"] == "X"  # type: ignore[index]
    assert world.held() == []


def test_a_filter_is_changed(tmp_path: Path) -> None:
    """Links whose records are outside the new filter rest; nothing is deleted, and they come back with the filter."""
    world = two(tmp_path, on_delete="propagate", limits={"delete": {"percent": 100}})
    customer(world.pms, "Berge", "222", city="Oslo")
    customer(world.pms, "Dal", "333", city="Bergen")
    world.settle()
    world.flow["pms"] = {"datatype": "customer", "where": "city == 'Oslo'"}
    assert written(world.settle()) == 0
    assert sorted(link.state.value for link in world.links()) == ["linked", "resting"]
    world.flow["pms"] = "customer"
    assert written(world.settle()) == 0
    assert [link.state.value for link in world.links()] == ["linked", "linked"]
    assert world.names("erp") == ["Berge", "Dal"]


def test_edits_while_a_link_rests(tmp_path: Path) -> None:
    """What is edited outside the filter goes over when the filter lets it in again."""
    world = two(tmp_path)
    id, _ = linked(world, city="Oslo")
    world.flow["pms"] = {"datatype": "customer", "where": "city == 'Bergen'"}
    world.settle()
    world.pms.edit("customer", id, name="Åsheim AS")
    world.settle()
    assert world.names("erp") == ["Åsheim"]
    world.flow["pms"] = "customer"
    world.settle()
    assert world.names("erp") == ["Åsheim AS"]


def test_on_delete_changes_from_ask_to_propagate(tmp_path: Path) -> None:
    """A deletion that is held is carried out by the new rule, within the limits."""
    world = two(tmp_path)
    id, _ = linked(world)
    world.pms.delete("customer", id)
    world.round(full=True)
    assert world.one_held("delete")
    world.flow["on_delete"] = "propagate"
    world.settle()
    assert world.names("erp") == []
    assert world.held() == []


def test_a_direction_is_changed(tmp_path: Path) -> None:
    """A row that begins to flow both ways carries edits made from then on."""
    world = two(tmp_path)
    world.flow["rows"][2] = row("city", direction="pms -> erp")
    id, other = linked(world, city="Oslo")
    world.erp.edit("customer", other, city="Bergen")
    world.settle()
    assert world.pms.get("customer", id)["city"] == "Oslo"  # type: ignore[index]
    world.flow["rows"][2] = row("city")
    world.settle()
    world.erp.edit("customer", other, city="Trondheim")
    world.settle()
    assert world.pms.get("customer", id)["city"] == "Trondheim"  # type: ignore[index]


def test_a_third_system_joins(world: World) -> None:
    """Records of a new system are linked into the links that are there; the others are created in it."""
    linked(world, city="Oslo")
    customer(world.pms, "Berge", "222")
    world.settle()
    crm = world.add_system("crm", {"customer": PLAIN})
    customer(crm, "", "111")
    names = ("pms", "erp", "crm")
    world.flow.update({"crm": "customer", "rows": [row(name, systems=names) for name in ("name", "org", "city")]})
    world.settle()
    assert sorted(len(link.members) for link in world.links()) == [3, 3]
    assert world.names("crm") == ["Berge", "Åsheim"]
    assert world.records("crm")["Åsheim"]["city"] == "Oslo"


def test_a_third_system_that_differs(world: World) -> None:
    """A record that joins with another value is a conflict of first values; nobody's value is overwritten unseen."""
    linked(world, city="Oslo")
    crm = world.add_system("crm", {"customer": PLAIN})
    customer(crm, "Åsheim", "111", city="Bergen")
    names = ("pms", "erp", "crm")
    world.flow.update({"crm": "customer", "rows": [row(name, systems=names) for name in ("name", "org", "city")]})
    world.settle()
    item = world.one_held("conflict")
    assert item.row == "city"
    assert world.records("crm")["Åsheim"]["city"] == "Bergen"
    world.resolve(item, take="crm")
    world.settle()
    assert {world.records(name)["Åsheim"]["city"] for name in names} == {"Bergen"}


def test_a_flow_is_taken_out_and_put_back(trade: World) -> None:
    """A flow that is out of the file for a while goes on where it was."""
    id = trade.pms.insert("project", {"title": "P1", "customer": None, "parent": None})
    linked(trade)
    flow = trade.file["flows"].pop("project")
    trade.pms.edit("project", id, title="P1 new")
    trade.settle()
    trade.file["flows"]["project"] = flow
    trade.settle()
    assert trade.names("erp", "project", "title") == ["P1 new"]
