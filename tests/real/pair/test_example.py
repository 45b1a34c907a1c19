"""The example of Redmine and Tryton, on both of them as they are."""

from tests.real.pair.pair import Pair


def test_first_load_and_edits_in_both_directions(pair: Pair) -> None:
    """Nothing twice, references through, hours as durations, and a second round writes nothing."""
    pair.settle()
    assert set(pair.projects()) == {"Bridge", "Harbour"}
    assert set(pair.issues()) == {"Paint", "Dredge"}
    works = pair.works()
    assert set(works) == {"Bridge", "Paint", "Harbour", "Dredge"}
    assert works["Dredge"]["parent"] == works["Harbour"]["id"]
    assert works["Dredge"]["effort_duration"] == {"__class__": "timedelta", "seconds": 9000}
    bridge, paint = pair.projects()["Bridge"], pair.issues()["Paint"]
    assert bridge["identifier"] == f"t{works['Bridge']['id']}"
    assert bridge["custom_fields"][0]["value"].startswith("C-")
    assert (paint["project"]["id"], paint["estimated_hours"]) == (bridge["id"], 1.5)
    pair.redmine("PUT", f"/issues/{paint['id']}.json", {"issue": {"subject": "Paint it"}})
    pair.tryton("PUT", f"project.work/{works['Dredge']['id']}", {"comment": "deep", "effort_duration": None})
    pair.settle()
    assert "Paint it" in pair.works()
    dredge = pair.issues()["Dredge"]
    assert (dredge["description"], dredge["estimated_hours"]) == ("deep", None)
    pair.tryton("PUT", f"project.work/{works['Bridge']['id']}", {"parent": works["Harbour"]["id"]})
    pair.settle()
    assert pair.projects()["Bridge"]["parent"]["id"] == pair.projects()["Harbour"]["id"]
    pair.verify()


def test_deletions_and_conflicts(pair: Pair) -> None:
    """A deletion arrives on the other side; a property edited on both is held, and no edit is lost."""
    pair.settle()
    paint, dredge = pair.issues()["Paint"], pair.works()["Dredge"]
    assert pair.tryton("DELETE", f"project.work/{dredge['id']}").status == 204
    pair.settle()
    assert set(pair.issues()) == {"Paint"}
    pair.redmine("PUT", f"/issues/{paint['id']}.json", {"issue": {"subject": "Eins"}})
    pair.tryton("PUT", f"project.work/{pair.works()['Paint']['id']}", {"name": "Uno"})
    pair.round(full=True)
    assert (set(pair.issues()), "Uno" in pair.works()) == ({"Eins"}, True)
    assert pair.redmine("DELETE", f"/issues/{paint['id']}.json").status == 204
    assert "Uno" in pair.works()


def test_what_tryton_refuses_is_shown_in_its_own_words(pair: Pair) -> None:
    """A rule that no property table can know: a task is done only at 100 % of its progress."""
    file = pair.folder / "accord.yaml"
    row = '{redmine: status.is_closed, tryton: status, name: done, type: enum, map: {"false": 1, "true": 2}'
    file.write_text(f"{file.read_text()}      - {row}, direction: redmine -> tryton}}\n", "utf-8")
    pair.settle()
    dredge = pair.issues()["Dredge"]
    pair.redmine("PUT", f"/issues/{dredge['id']}.json", {"issue": {"subject": "Dredge on", "status_id": 5}})
    (held,) = pair.round().held
    assert (held["kind"], "you must increase its progress" in held["reason"]) == ("rejected", True)
    assert "Dredge" in pair.works()


def test_many_at_once(pair: Pair) -> None:
    """Both on SQLite, which locks: nothing is in doubt for that, and nothing is made twice."""
    pair.settle()
    harbour, bridge = pair.projects()["Harbour"], pair.works()["Bridge"]
    for number in range(20):
        told = {"project_id": harbour["id"], "subject": f"Issue {number}"}
        pair.redmine.made("/issues.json", {"issue": told})
        pair.tryton.made("project.work", {"name": f"Task {number}", "type": "task", "parent": bridge["id"]})
    pair.settle()
    assert (len(pair.issues()), len(pair.works())) == (42, 44)
