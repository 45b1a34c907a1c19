"""`links` and `held`: what people see and decide."""

from __future__ import annotations

import pytest

from .conftest import World

HELD = {"id", "kind", "flow", "link", "refs", "row", "values", "base", "reason", "since", "commands"}


def test_links_are_listed_as_json_lines(world: World) -> None:
    world.accord("run")
    first = world.accord("links", "list", "--json").lines[0]
    assert first.keys() >= {"link", "flow", "state", "members", "held"}
    link = next(line for line in world.accord("links", "list", "--json").lines if line["members"]["pms"]["id"] == "1")
    assert link["state"] == "linked"
    assert (
        link["members"]
        == {
            "pms": {"datatype": "customer", "id": "1"},
            "erp": {"datatype": "client", "id": "71"},
        }
        or link["flow"] == "visit"
    )


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ((), 4),
        (("--flow", "customer"), 2),
        (("--state", "waiting"), 0),
        (("--state", "linked", "--system", "erp"), 4),
        (("--ref", "erp/client/71"), 1),
        (("--search", "ÅSHEIM"), 1),
        (("--search", "nobody"), 0),
    ],
)
def test_links_are_filtered(world: World, filters: tuple[str, ...], count: int) -> None:
    world.accord("run")
    assert len(world.accord("links", "list", *filters, "--json").lines) == count


@pytest.mark.parametrize("wrong", [("--flow", "x"), ("--state", "x"), ("--ref", "x"), ("--ref", "erp/x/1")])
def test_a_wrong_filter_is_refused(world: World, wrong: tuple[str, str]) -> None:
    world.accord("run")
    assert world.accord("links", "list", *wrong).status == 2


def test_nothing_was_synchronised_yet(world: World) -> None:
    found = world.accord("links", "list")
    assert found.status == 2
    assert "accord run" in found.err
    assert not (world.folder / "accord.db").exists()


def test_a_link_is_shown_side_by_side(world: World) -> None:
    world.accord("run")
    number = world.accord("links", "list", "--ref", "erp/client/71", "--json").json["link"]
    found = world.accord("links", "show", str(number), "--json").json
    row = next(row for row in found["rows"] if row["row"] == "city")
    assert row["values"] == {"pms": "Oslo", "erp": "Oslo"}
    assert (row["agreed"], row["origin"], row["revision"]) == ("Oslo", "pms", 1)
    assert [line["op"] for line in found["history"]] == ["update", "link"]
    assert "Åsheim" in world.accord("links", "show", str(number)).out
    assert world.accord("links", "show", "999").status == 2


def test_unlinked_records_stay_apart(world: World) -> None:
    world.accord("run")
    number = world.accord("links", "list", "--ref", "erp/client/71", "--json").json["link"]
    closed = world.accord("links", "unlink", str(number), "--by", "Kari", "--json").json
    assert (closed["link"], closed["state"]) == (number, "closed")
    world.edit("pms", "customer", 1, "name", "Alone")
    run = world.accord("run", "--full", "--json").json
    assert all(not any(counts.values()) for counts in run["writes"].values())
    line = world.accord("history", "--link", str(number), "--json").lines[-1]
    assert (line["op"], line["by"]) == ("unlink", "Kari")


def test_records_of_a_closed_link_are_linked_again_and_come_in_step(world: World) -> None:
    world.accord("run")
    number = world.accord("links", "list", "--ref", "erp/client/71", "--json").json["link"]
    world.accord("links", "unlink", str(number))
    world.edit("pms", "customer", 1, "city", None)
    found = world.accord("links", "link", "pms/customer/1", "erp/client/71", "--json")
    assert found.status == 0
    assert found.json["state"] == "linked"
    assert world.accord("run").status == 0
    assert world.sql("pms", "SELECT city FROM customer WHERE id = 1") == [("Oslo",)]


def test_linking_is_refused_in_clear_words(world: World) -> None:
    world.accord("run")
    other = world.sql("erp", "SELECT no FROM client WHERE vat = '222'")[0][0]
    for refs, said in (
        (("pms/customer/1", f"erp/client/{other}"), "is linked already"),
        (("pms/customer/1", "pms/customer/2"), "each of another system"),
        (("pms/customer/99", "erp/client/99"), "does not exist"),
        (("pms/customer/1", "erp/trip/1"), "no flow has all of"),
        (("pms/customer", "erp/trip/1"), "SYSTEM/DATATYPE/ID"),
        (("pms/customer/1", "erp/client/71"), "linked already"),
    ):
        found = world.accord("links", "link", *refs)
        assert found.status == 2
        assert said in found.err


def test_held_items_are_json_lines(world: World) -> None:
    world.conflict()
    (item,) = world.accord("held", "list", "--json").lines
    assert item.keys() >= HELD
    assert item["kind"] == "conflict"
    assert item["values"] == {"pms": "Åsheim PMS", "erp": "Åsheim ERP"}
    assert item["base"] == "Åsheim"
    assert item["refs"] == ["pms/customer/1", "erp/client/71"]


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        (("--kind", "conflict"), 1),
        (("--kind", "review"), 0),
        (("--flow", "visit"), 0),
        (("--system", "erp"), 1),
        (("--ref", "erp/client/71"), 1),
        (("--ref", "erp/client/7"), 0),
    ],
)
def test_held_items_are_filtered(world: World, filters: tuple[str, str], count: int) -> None:
    world.conflict()
    assert len(world.accord("held", "list", *filters, "--json").lines) == count


def test_a_held_item_is_shown_with_its_values_and_ways_out(world: World) -> None:
    world.conflict()
    text = world.accord("held", "show", "1").out
    for word in ("Åsheim PMS", "Åsheim ERP", "before", "accord held resolve 1 --take SYSTEM"):
        assert word in text
    assert world.accord("held", "show", "99").status == 2


@pytest.mark.parametrize(
    ("choice", "name"),
    [(("--take", "erp"), "Åsheim ERP"), (("--take", "pms"), "Åsheim PMS"), (("--value", '"Third"'), "Third")],
)
def test_a_decision_is_carried_out_by_the_next_round(world: World, choice: tuple[str, str], name: str) -> None:
    world.conflict()
    found = world.accord("held", "resolve", "1", *choice, "--by", "Kari", "--json")
    assert found.status == 0
    assert found.json["resolved"][0]["by"] == "Kari"
    assert world.accord("run").status == 0
    assert world.sql("pms", "SELECT name FROM customer WHERE id = 1") == [(name,)]
    assert world.sql("erp", "SELECT cname FROM client WHERE no = 71") == [(name,)]
    assert world.accord("held", "list", "--json").lines == []


def test_what_a_kind_does_not_allow_is_refused_with_what_it_does(world: World) -> None:
    world.conflict()
    for choice in (("--create",), ("--take", "crm"), ("--value", "no json"), (), ("--retry", "--dismiss")):
        assert world.accord("held", "resolve", "1", *choice).status == 2
    assert "allowed: --take, --value" in world.accord("held", "resolve", "1", "--keep").err


def test_many_are_resolved_by_filter(world: World) -> None:
    world.conflict()
    asked = world.accord("held", "resolve", "--kind", "conflict", "--take", "pms")
    assert (asked.status, "1 item" in asked.err) == (2, True)
    assert world.accord("held", "resolve", "--kind", "conflict", "--take", "pms", "--yes").status == 0
    assert world.accord("run").status == 0
    assert world.accord("held", "resolve", "--take", "pms").status == 2


def test_two_records_with_one_key_are_reviewed_and_a_person_says_which(world: World) -> None:
    world.sql("erp", "INSERT INTO client VALUES (72, 'Twin', '111', NULL, '2026-01-01 10:00:00')")
    assert world.accord("run").status == 3
    items = world.accord("held", "list", "--kind", "review", "--json").lines
    assert items
    assert world.accord("links", "link", "pms/customer/1", "erp/client/72").status == 0
    world.accord("run")
    link = world.accord("links", "list", "--ref", "pms/customer/1", "--json").json
    assert link["members"]["erp"]["id"] == "72"


def scored(world: World) -> None:
    """The customers are matched by a score."""
    file = world.folder / "accord.yaml"
    score = "match_score: {rows: {name: 4, org: 4, city: 1}}"
    file.write_text(file.read_text("utf-8").replace("match: [[org]]", score), "utf-8")


def test_a_review_by_score_shows_what_each_row_says(world: World) -> None:
    """Both values, how alike they are, and why."""
    scored(world)
    world.edit("erp", "client", 71, "vat", "119")
    assert world.accord("run").status == 3
    item = next(i for i in world.accord("held", "list", "--json").lines if i["refs"][0] == "pms/customer/1")
    assert item["values"]["erp/client/71"]["rows"][1]["values"] == ["111", "119"]
    text = world.accord("held", "show", item["id"]).out
    for words in ("0.75", "alike", "org", "111", "119", "one digit is different", "identifies is equal", "--link REF"):
        assert words in text
    assert "like it, but not for certain: 0.75" in " ".join(world.accord("explain", "pms/customer/1").out.split())


def test_a_link_by_score_is_explained(world: World) -> None:
    """By what each row said."""
    scored(world)
    world.accord("run")
    assert "Linked: like" in world.accord("explain", "pms/customer/1").out
    assert "1.00 (name equal; org equal)" in world.accord("explain", "pms/customer/1", "--json").json["linked"]
