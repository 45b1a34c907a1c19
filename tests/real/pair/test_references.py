"""Tasks of projects, projects of projects and of customers, and what is above itself when two people have moved it."""

from __future__ import annotations

from tests.flows.world import written
from tests.real.pair.pair import Pair


def above(pair: Pair) -> tuple[dict[str, str | None], dict[str, str | None]]:
    """Name → name of what it belongs to, in Redmine and in Tryton."""
    projects, issues, works = pair.projects(), pair.issues(), pair.works()
    names = {one["id"]: name for name, one in works.items()}
    here = {name: (one.get("parent") or {}).get("name") for name, one in projects.items()}
    here |= {name: one["project"]["name"] for name, one in issues.items()}
    return here, {name: names.get(one["parent"]) for name, one in works.items()}


def test_projects_of_projects_with_tasks_in_one_round(bare: Pair) -> None:
    """Made on both sides, three deep; created in the order in which they refer to each other, in one round."""
    one = bare.make_project("One")
    two = bare.make_project("Two", parent_id=one)
    bare.make_issue(bare.make_project("Three", parent_id=two), "Deep")
    for name in ("Eins", "Zwei", "Drei"):
        works = bare.works()
        last = {"Zwei": "Eins", "Drei": "Zwei"}.get(name)
        bare.make_work(name, "project", **({"parent": works[last]["id"]} if last else {}))
    bare.make_work("Tief", parent=bare.works()["Drei"]["id"])
    bare.settle()
    here, there = above(bare)
    wanted = {"Two": "One", "Three": "Two", "Deep": "Three", "Zwei": "Eins", "Drei": "Zwei", "Tief": "Drei"}
    assert here == there == {"One": None, "Eins": None, **wanted}
    bare.verify()


def test_a_task_is_moved_to_a_project_that_is_new(pair: Pair) -> None:
    """In the same round as the project is made on the other side."""
    pair.settle()
    pair.edit_issue(pair.issues()["Paint"]["id"], project_id=pair.make_project("Newly"))
    pair.settle()
    here, there = above(pair)
    assert (here, here["Paint"]) == (there, "Newly")


def test_two_people_who_put_each_project_under_the_other(pair: Pair) -> None:
    """Neither system lets a project be above itself: what is refused is held in its words, and none is lost."""
    pair.settle()
    here = {name: one["id"] for name, one in pair.projects().items()}
    works = {name: one["id"] for name, one in pair.works().items()}
    pair.edit_project(here["Bridge"], parent_id=here["Harbour"])
    pair.edit_work(works["Harbour"], parent=works["Bridge"])
    pair.round(full=True)
    assert written(pair.round(full=True)) == 0
    assert pair.held(), "somebody is asked"
    redmine, tryton = above(pair)
    assert (redmine["Bridge"], tryton["Harbour"]) == ("Harbour", "Bridge")
    pair.edit_work(works["Harbour"], parent=None)
    pair.settle()
    for item in pair.held():
        pair.resolve(item, retry=True)
    pair.settle()
    redmine, tryton = above(pair)
    assert (redmine, pair.held()) == (tryton, [])
    assert (tryton["Bridge"], tryton["Harbour"]) == ("Harbour", None)


def test_the_customer_of_a_project_that_comes_later(pair: Pair) -> None:
    """A project without a customer gets one in Tryton, and its number is shown in Redmine; taken away, it is empty."""
    pair.settle()
    harbour = pair.works()["Harbour"]["id"]
    code = pair.redmine("GET", "/projects/harbour.json").json["project"]["custom_fields"][0]["value"]
    assert code in ("", None)
    party = pair.tryton.made("party.party", {"name": "Vidde AS"})
    number = pair.tryton("GET", f"party.party/{party}?f=code").json["code"]
    for customer, shown in ((party, number), (None, "")):
        pair.edit_work(harbour, party=customer)
        pair.settle()
        field = pair.redmine("GET", "/projects/harbour.json").json["project"]["custom_fields"][0]["value"]
        assert (field or "") == shown
    assert pair.held() == []
