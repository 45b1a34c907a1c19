"""A round with one write, killed after each of its requests."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from tests.end_to_end.rounds import Rounds
from tests.flows.world import written
from tests.real.pair.pair import Pair, hours

MOST = 16
"""No round with one write makes more requests."""


def create_in_tryton(pair: Pair, turn: int) -> None:
    pair.make_issue(pair.projects()["Harbour"]["id"], f"Issue {turn}", description="text", estimated_hours=turn + 1)


def create_in_redmine(pair: Pair, turn: int) -> None:
    bridge = pair.works()["Bridge"]["id"]
    pair.make_work(f"Task {turn}", parent=bridge, comment="text", effort_duration=hours(turn + 1))


def update_in_tryton(pair: Pair, turn: int) -> None:
    pair.edit_issue(pair.issues()["Paint"]["id"], description=f"text {turn}")


def update_in_redmine(pair: Pair, turn: int) -> None:
    pair.edit_work(pair.works()["Dredge"]["id"], comment=f"text {turn}")


def delete_in_tryton(pair: Pair, turn: int) -> None:
    _spare(pair, turn)
    assert pair.redmine("DELETE", f"/issues/{pair.issues()[f'Spare {turn}']['id']}.json").status == 204


def delete_in_redmine(pair: Pair, turn: int) -> None:
    _spare(pair, turn)
    assert pair.tryton("DELETE", f"project.work/{pair.works()[f'Spare {turn}']['id']}").status == 204


def _spare(pair: Pair, turn: int) -> None:
    """A task in both, which is not the last: Redmine gives that one's id again on SQLite."""
    for name in ("Spare", "Last"):
        pair.make_issue(pair.projects()["Harbour"]["id"], f"{name} {turn}")
    pair.settle()


def shown(pair: Pair) -> tuple[dict[str, tuple[str, float | None]], dict[str, tuple[str, float | None]]]:
    """Tasks of both systems in the same words. A name that is there twice would hide; so their number is compared."""
    here = {
        name: ((issue["description"] or "").replace("\r\n", "\n"), issue["estimated_hours"])
        for name, issue in pair.issues().items()
    }
    there = {}
    for name, work in pair.works().items():
        if work["type"] == "task":
            effort = work["effort_duration"]
            there[name] = (
                (work["comment"] or "").replace("\r\n", "\n"),
                effort and effort["seconds"] / 3600,
            )
    return here, there


def count(pair: Pair) -> tuple[int, int]:
    """How many tasks there are."""
    works = pair.tryton("GET", "project.work?f=type").json
    listed = pair.redmine("GET", "/issues.json?status_id=*&limit=1").json
    return listed["total_count"], sum(work["type"] == "task" for work in works)


SHORT = (create_in_redmine, update_in_tryton, delete_in_redmine)
LONG = (create_in_tryton, update_in_redmine, delete_in_tryton)


@pytest.mark.parametrize("act", [*SHORT, *LONG], ids=lambda act: act.__name__)
def test_killed_after_each_request(
    pair: Pair, rounds: Rounds, act: Callable[[Pair, int], None], pair_long: bool
) -> None:
    """At most three rounds later both sides are in step, nothing is there twice, and all is quiet. Killed before a
    request is killed after the one before it; before the first, nothing has happened.
    """
    if act in LONG and not pair_long:
        pytest.skip("the other direction: --pair-long")
    pair.settle()
    for number in range(1, MOST + 1):
        act(pair, number)
        if not killed(pair, rounds, number):
            break
        for _ in range(3):
            pair.ahead += 2
            report = pair.round(full=True)
            assert not report.errors, (number, report.errors)
            if not written(report) and not report.held:
                break
        assert (written(report), report.held) == (0, []), number
        here, there = shown(pair)
        assert here == there, number
        assert count(pair) == (len(here), len(there)), number
    else:
        raise AssertionError(f"more than {MOST} requests")
    assert number > 4


def killed(pair: Pair, rounds: Rounds, number: int) -> bool:
    """Whether there was such a request in the round, after whose answer to kill it."""
    assert pair.proxy is not None

    def hook(count: int, when: str) -> bool:
        if (count, when) != (number, "after"):
            return True
        rounds.kill(signal.SIGKILL)
        return False

    pair.proxy.arm(hook)
    rounds.begin(pair.folder, pair.environment, pair.ahead)
    status = rounds.end()
    pair.proxy.wait()
    pair.proxy.arm()
    assert status in (-signal.SIGKILL, 0), status
    return status < 0
