"""A run that is killed at any of its requests: the next runs bring everything in step, without a flag or a hand."""

import signal
from collections.abc import Iterator

import pytest

from tests.end_to_end.rounds import Rounds
from tests.end_to_end.scene import Scene, shown
from tests.end_to_end.world import kinds, written

CHUNKS = 6


@pytest.fixture(scope="module")
def rounds() -> Iterator[Rounds]:
    """Where rounds run that can be killed."""
    parent = Rounds()
    yield parent
    parent.close()


def kill(scene: Scene, rounds: Rounds, number: int, phase: str) -> None:
    """Begin with the day as it was kept; run, and kill the run at one of its requests."""

    def hook(count: int, when: str) -> bool:
        if (count, when) != (number, phase):
            return True
        rounds.kill(signal.SIGKILL)
        return False

    scene.begin(hook)
    rounds.begin(scene.world.folder, scene.world.environment())
    assert rounds.end() == -signal.SIGKILL, f"request {number}"
    scene.proxy.wait()
    scene.proxy.arm()


def recover(scene: Scene, where: str) -> None:
    """At most three runs, each over the grace later than the one before; then one that does nothing."""
    for _ in range(3):
        report = scene.world.run()
        assert not report.errors, (where, report.errors)
        scene.world.ahead += 2.0
        if not written(report) and not report.held:
            break
    assert shown(scene.world) == (scene.wanted, scene.wanted), where
    assert kinds(report) == [], (where, report.held)
    assert written(scene.world.run()) == 0, where


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_run_killed_at_any_request_leaves_no_duplicate_and_loses_no_edit(
    scene: Scene, rounds: Rounds, chunk: int, phase: str
) -> None:
    """Killed before request k is forwarded, or when it was answered: at most three runs later all is in step."""
    for number in range(chunk + 1, scene.requests + 1, CHUNKS):
        kill(scene, rounds, number, phase)
        recover(scene, f"killed {phase} request {number} of {scene.requests}")


def test_a_run_is_killed_at_dozens_of_requests(scene: Scene) -> None:
    """The two days together make as many requests as there are cases worth the name."""
    assert scene.requests >= 15
    assert sum(scene.wanted.values()) >= 13
