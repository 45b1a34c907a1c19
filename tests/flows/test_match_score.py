"""Matching with scores, in whole rounds: what is certain is linked, what may be is asked, and nothing is guessed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .world import World, row, two, written

SCORE = {"rows": {"name": 4, "org": 4, "mail": 2, "city": 1}}
NORD = {"name": "Nordlys Bakeri AS", "org": "912345678", "mail": "post@nordlys.example", "city": "Bergen"}


def scored(folder: Path, **more: Any) -> World:
    """Customers matched by a score only."""
    rows = [row("name"), row("org"), row("mail", "email"), row("city")]
    flow = {"link": "match-or-create", "conflict": "latest", "match": [], "match_score": SCORE, "rows": rows, **more}
    return two(folder, **flow)


def add(world: World, system: str, **values: Any) -> str | int:
    """Somebody enters the Nordlys bakery, or one like it."""
    return world.systems[system].insert("customer", {**NORD, **values})


def test_two_spellings_of_one_customer_are_linked(tmp_path: Path) -> None:
    """In the first round, with the explanation in the history; a second one writes nothing."""
    world = scored(tmp_path)
    add(world, "pms")
    add(world, "erp", name="NORDLIS BAKERI A/S")
    world.settle()
    assert world.pairs() == ["pms/1 erp/1"]
    (line,) = [line for line in world.history() if line.op == "link" and "by 0.9" in line.reason]
    assert "spelt differently: nordlis and nordlys" in line.reason


def test_what_may_be_the_same_waits_for_a_person(tmp_path: Path) -> None:
    """Nothing is created; the item shows both values of each row, how alike they are, and why."""
    world = scored(tmp_path)
    add(world, "pms")
    add(world, "erp", org=None, mail="salg@nordlys.example")
    assert written(world.round()) == 0
    assert len(world.pairs()) == 2
    item = next(item for item in world.held("review") if item.refs[0].startswith("pms/"))
    assert "is like it, but not for certain: 0.89" in item.reason
    found = item.values["erp/customer/1"]
    (mail,) = [each for each in found["rows"] if each["row"] == "mail"]
    assert mail["values"] == ["post@nordlys.example", "salg@nordlys.example"]
    assert (float(mail["likeness"]), float(mail["weight"]), mail["why"]) == (0.6, 2, "of one domain")
    assert written(world.round()) == 0


def test_what_is_not_alike_gets_a_counterpart(tmp_path: Path) -> None:
    """Beneath `review` nobody is asked."""
    world = scored(tmp_path)
    add(world, "pms")
    add(world, "erp", name="Solberg Transport AS", org="998877665", mail="post@solberg.example", city="Oslo")
    assert written(world.round()) == 2
    assert not world.held()
    assert written(world.round()) == 0


def test_a_sister_company_is_not_linked(tmp_path: Path) -> None:
    """One address and one mailbox, another name and number."""
    world = scored(tmp_path, link="match-only")
    add(world, "pms", name="Nordlys Holding AS")
    add(world, "erp", name="Nordlys Eiendom AS", org="987654321")
    world.settle()
    assert len(world.pairs()) == 2


def test_namesakes_are_for_a_person(tmp_path: Path) -> None:
    """Two records that are as like it: neither is taken, neither is made again."""
    world = scored(tmp_path)
    add(world, "pms")
    add(world, "erp")
    add(world, "erp")
    assert written(world.round()) == 0
    items = {item.refs[0]: item for item in world.held("review")}
    assert "erp/customer/1 and erp/customer/2 are both like it" in items["pms/customer/1"].reason
    assert "too" in items["erp/customer/2"].reason


def test_two_records_compete_for_one(tmp_path: Path) -> None:
    """The better one does not win where the other is near."""
    world = scored(tmp_path)
    add(world, "pms")
    add(world, "pms", name="Nordlis Bakeri AS")
    add(world, "erp")
    assert written(world.round()) == 0
    assert len(world.pairs()) == 3


def test_the_best_wins_where_the_other_is_far(tmp_path: Path) -> None:
    """What it leaves is looked at again, and is another customer."""
    world = scored(tmp_path, link="match-only")
    add(world, "pms", name="Nordlys Bakeri Drift AS", org="987654321")
    add(world, "pms")
    add(world, "erp")
    world.settle()
    assert sorted(world.pairs()) == ["pms/1", "pms/2 erp/1"]
    assert not world.held()


@pytest.mark.parametrize("option", ["link", "create"])
def test_a_person_decides(tmp_path: Path, option: str) -> None:
    """It stays decided: neither of the two is asked about again."""
    world = scored(tmp_path)
    add(world, "pms")
    add(world, "erp", org=None, mail="salg@nordlys.example")
    world.round()
    for item in world.held("review"):
        if option == "create" or item.refs[0].startswith("pms/"):
            world.resolve(item, **{option: "erp/customer/1" if option == "link" else True})
    world.round()
    world.settle()
    assert not world.held("review")
    assert len(world.pairs()) == (1 if option == "link" else 2)
    assert all(len(link.members) == 2 for link in world.links())


def test_one_that_a_person_calls_new_is_not_linked_by_the_other(tmp_path: Path) -> None:
    """Only one of the two items is decided: it gets its own counterpart, and the other stays alone."""
    world = scored(tmp_path)
    add(world, "pms")
    add(world, "erp", org=None, mail="salg@nordlys.example")
    world.round()
    (item,) = [item for item in world.held("review") if item.refs[0].startswith("pms/")]
    world.resolve(item, create=True)
    world.round()
    world.settle()
    assert "pms/1 erp/1" not in world.pairs()
    assert "pms/1 erp/2" in world.pairs()


def test_a_late_arrival_finds_the_one_that_waits(tmp_path: Path) -> None:
    """By the keys in the state: the one that waited was not read again."""
    world = scored(tmp_path, link="match-only")
    add(world, "pms")
    world.settle()
    add(world, "erp", name="Bakeri Nordlys")
    world.settle()
    assert world.pairs() == ["pms/1 erp/1"]


def test_a_second_entry_of_what_is_linked_is_held(tmp_path: Path) -> None:
    """It is like a record that is linked with another one: no third record is made."""
    world = scored(tmp_path)
    add(world, "pms")
    add(world, "erp")
    world.settle()
    add(world, "pms", name="Nordlys Bakeri A/S")
    assert written(world.round()) == 0
    assert "linked with another one" in world.one_held("review").reason


def test_match_rules_go_first(tmp_path: Path) -> None:
    """What a rule links is never weighed."""
    world = scored(tmp_path, match=[["org"]], link="match-only")
    add(world, "pms", name="Quite Different", mail=None)
    add(world, "pms", org=None)
    add(world, "erp")
    world.settle()
    assert "pms/1 erp/1" in world.pairs()


def test_a_score_that_is_added_later_links_what_waits(tmp_path: Path) -> None:
    """Changed rules: the keys are made, and what waits is looked at again."""
    world = scored(tmp_path, link="match-only", match=[["city", "name"]], match_score=None)
    del world.flow["match_score"]
    add(world, "pms")
    add(world, "erp", name="Nordlis Bakeri AS")
    world.settle()
    assert len(world.pairs()) == 2
    world.flow["match_score"] = SCORE
    world.settle()
    assert world.pairs() == ["pms/1 erp/1"]


def test_a_threshold_that_is_lowered_links_nothing_that_is_doubtful(tmp_path: Path) -> None:
    """A contradiction is one at any threshold."""
    world = scored(tmp_path, link="match-only")
    add(world, "pms")
    add(world, "erp", city="Oslo")
    world.round()
    world.flow["match_score"] = {**SCORE, "link": 0.5, "review": 0.4}
    world.settle()
    assert len(world.pairs()) == 2
    assert "city speaks against it" in world.held("review")[0].reason


def test_an_edit_makes_it_certain(tmp_path: Path) -> None:
    """A record that is held is filled in: the review ends, and the two are linked."""
    world = scored(tmp_path)
    id = add(world, "pms", org=None, mail=None)
    add(world, "erp")
    assert written(world.round()) == 0
    assert world.held("review")
    world.pms.edit("customer", id, org="912345678", mail="post@nordlys.example")
    world.round()
    world.settle()
    assert world.pairs() == ["pms/1 erp/1"]
    assert not world.held()


def test_nothing_is_created_before_both_sides_are_listed(tmp_path: Path) -> None:
    """As with match rules."""
    world = scored(tmp_path)
    add(world, "pms")
    add(world, "erp", name="Bakeri Nordlys AS")
    world.erp.fault("error", operation="read")
    assert written(world.round()) == 0
    world.erp.calm()
    world.settle()
    assert world.pairs() == ["pms/1 erp/1"]


def test_what_a_person_called_new_stays_new_when_the_other_is_edited_first(tmp_path: Path) -> None:
    """The other record becomes equal before the round that carries the decision out."""
    world = scored(tmp_path)
    add(world, "pms")
    other = add(world, "erp", org=None, mail="salg@nordlys.example")
    world.round()
    (item,) = [item for item in world.held("review") if item.refs[0] == "pms/customer/1"]
    world.resolve(item, create=True)
    world.erp.edit("customer", other, **NORD)
    world.round()
    assert "pms/1 erp/1" not in world.pairs()
    assert "pms/1 erp/2" in world.pairs()


def test_a_record_is_found_by_what_it_was_changed_into(tmp_path: Path) -> None:
    """An edit of a record that waits makes its keys anew."""
    world = scored(tmp_path, link="match-only")
    id = add(world, "pms", name="Solberg Transport", org="998877665", mail="post@solberg.example", city="Oslo")
    world.settle()
    world.pms.edit("customer", id, **NORD)
    world.settle()
    add(world, "erp")
    world.settle()
    assert world.pairs() == ["pms/1 erp/1"]
