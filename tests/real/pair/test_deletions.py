"""The table of deletions on the real pair: what is deleted, hidden or closed on one side, and what the other shows."""

from __future__ import annotations

import pytest

from tests.flows.world import written
from tests.real.pair.pair import Pair

BOTH = "defaults:\n  on_delete: {redmine: propagate, tryton: propagate}"


def delete(pair: Pair, side: str, name: str) -> None:
    """Somebody deletes a task there."""
    if side == "redmine":
        assert pair.redmine("DELETE", f"/issues/{pair.issues()[name]['id']}.json").status == 204
    else:
        assert pair.tryton("DELETE", f"project.work/{pair.works()[name]['id']}").status == 204


def rename(pair: Pair, side: str, name: str, new: str) -> None:
    """Somebody types on the other side of `side`."""
    if side == "redmine":
        pair.edit_work(pair.works()[name]["id"], name=new)
    else:
        pair.edit_issue(pair.issues()[name]["id"], subject=new)


def tasks(pair: Pair) -> tuple[set[str], set[str]]:
    """The names of all tasks in Redmine, and in Tryton."""
    return set(pair.issues()), {name for name, work in pair.works().items() if work["type"] == "task"}


@pytest.fixture
def three(pair: Pair) -> Pair:
    """In step, with one task more on either side: on SQLite Redmine gives the last id again."""
    pair.settle()
    pair.make_issue(pair.projects()["Harbour"]["id"], "Last")
    pair.settle()
    return pair


@pytest.mark.parametrize("side", ["redmine", "tryton"])
@pytest.mark.parametrize(
    ("rule", "left"),
    [
        ("propagate", ({"Dredge", "Last"}, {"Dredge", "Last"})),
        ("keep", None),
        ("restore", ({"Paint", "Dredge", "Last"}, {"Paint", "Dredge", "Last"})),
        ("ask", None),
    ],
)
def test_deleted_beside_unchanged(three: Pair, side: str, rule: str, left: tuple[set[str], set[str]] | None) -> None:
    """As `on_delete` says; what is kept or asked about stays on the other side only, and does not come back."""
    three.change(lambda text: text.replace(BOTH, f"defaults:\n  on_delete: {rule}"))
    delete(three, side, "Paint")
    three.settle()
    one = ({"Dredge", "Last"}, {"Paint", "Dredge", "Last"})
    assert tasks(three) == (left or (one if side == "redmine" else one[::-1]))
    assert [item.kind for item in three.held()] == (["delete"] if rule == "ask" else [])


@pytest.mark.parametrize("side", ["redmine", "tryton"])
@pytest.mark.parametrize(
    ("decided", "there"), [("delete", False), ("create", True), ("keep", None)], ids=["delete", "create", "keep"]
)
def test_deleted_beside_an_edit(three: Pair, side: str, decided: str, there: bool | None) -> None:
    """Both facts are shown, nothing is written, and a person says what becomes of it."""
    delete(three, side, "Paint")
    rename(three, side, "Paint", "Paint it")
    three.settle()
    (item,) = three.held("delete")
    assert ("Paint it" in three.works(), "Paint it" in three.issues()) == (side == "redmine", side == "tryton")
    three.resolve(item, **{decided: True})
    three.settle()
    assert three.held() == []
    if there is None:
        there_now = ("Paint it" in three.issues(), "Paint it" in three.works())
        assert there_now == (side == "tryton", side == "redmine")
    else:
        assert ("Paint it" in three.issues(), "Paint it" in three.works()) == (there, there)


@pytest.mark.parametrize(("rule", "left"), [("delete_wins", False), ("edit_wins", True)])
def test_decided_beforehand(three: Pair, rule: str, left: bool) -> None:
    """`delete_wins` deletes what was edited, `edit_wins` makes again what was deleted."""
    three.change(lambda text: text.replace(BOTH, f"defaults:\n  on_delete: {rule}"))
    delete(three, "redmine", "Paint")
    rename(three, "redmine", "Paint", "Paint it")
    three.settle()
    assert ("Paint it" in three.issues(), "Paint it" in three.works()) == (left, left)
    assert three.held() == []


def test_deleted_on_both_sides(three: Pair) -> None:
    """The link is closed, and nobody is asked."""
    delete(three, "redmine", "Paint")
    delete(three, "tryton", "Paint")
    three.settle()
    assert tasks(three) == ({"Dredge", "Last"}, {"Dredge", "Last"})
    assert three.held() == []


def test_a_project_takes_its_tasks_with_it(three: Pair) -> None:
    """Redmine deletes a project with its issues in one go; Tryton deletes none that has tasks: they go first."""
    bridge = three.projects()["Bridge"]["id"]
    assert three.redmine("DELETE", f"/projects/{bridge}.json").status == 204
    three.settle()
    assert set(three.works()) == {"Harbour", "Dredge", "Last"}
    assert three.held() == []


def test_a_project_that_tryton_does_not_let_go(three: Pair) -> None:
    """A task that Redmine never had keeps the project in Tryton: the refusal is held in its words, and retried once
    the task is gone.
    """
    three.change(lambda text: text.replace('type == "task",', 'type == "task" && name != "Secret",'))
    bridge = three.works()["Bridge"]["id"]
    secret = three.make_work("Secret", parent=bridge)
    assert three.redmine("DELETE", f"/projects/{three.projects()['Bridge']['id']}.json").status == 204
    three.settle()
    (item,) = three.held()
    assert (item.kind, "used by field" in item.reason) == ("rejected", True)
    assert {"Bridge", "Secret"} <= set(three.works())
    assert three.tryton("DELETE", f"project.work/{secret}").status == 204
    three.resolve(item, retry=True)
    three.settle()
    assert ("Bridge" in three.works(), three.held()) == (False, [])


def test_closed_and_archived_in_redmine_are_not_deleted(three: Pair) -> None:
    """A closed issue is listed; a closed project is read only, and writes to it are refused in a way that is shown;
    an archived one is in no listing and 403, and counts as hidden. All come back as they were.
    """
    paint, bridge = three.issues()["Paint"]["id"], three.projects()["Bridge"]["id"]
    three.edit_issue(paint, status_id=5)
    three.settle()
    assert "Paint" in three.works()
    for shut, opened in (("close", "reopen"), ("archive", "unarchive")):
        assert three.redmine("PUT", f"/projects/{bridge}/{shut}.json").status == 204
        three.settle()
        assert {"Bridge", "Paint"} <= set(three.works()), shut
        three.edit_work(three.works()["Paint"]["id"], comment=f"while {shut}d")
        three.round(full=True)
        report = three.round(full=True)
        assert written(report) == 0
        assert three.works()["Paint"]["comment"] == f"while {shut}d"
        assert three.redmine("PUT", f"/projects/{bridge}/{opened}.json").status == 204
        for item in three.held():
            three.resolve(item, retry=True)
        three.settle()
        assert three.issues()["Paint"]["description"] == f"while {shut}d", shut
        assert three.held() == []


def test_a_mass_deletion_is_stopped_before_its_first_write(bare: Pair) -> None:
    """More than a quarter and more than twenty: held until somebody lifts the limit for one run."""
    bridge = bare.make_project("Bridge")
    for number in range(24):
        bare.make_issue(bridge, f"Issue {number}")
    bare.settle()
    for number, issue in bare.issues().items():
        if number != "Issue 23":
            assert bare.redmine("DELETE", f"/issues/{issue['id']}.json").status == 204
    report = bare.round(full=True)
    assert [item["kind"] for item in report.held] == ["brake"]
    assert len(bare.works()) == 25
    bare.round("deletes<=23", full=True)
    assert set(bare.works()) == {"Bridge", "Issue 23"}
