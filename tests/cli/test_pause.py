"""`accord pause` and `accord resume`."""

from __future__ import annotations

from .conftest import World


def test_pause_and_resume(world: World) -> None:
    """Who and why is shown by `status` and by each round; the edits of the meantime are carried over."""
    world.accord("run")
    paused = world.accord("pause", "--system", "erp", "--reason", "upgrade", "--by", "Kari")
    assert paused.status == 0
    assert "system erp is paused since" in paused.out
    assert "by Kari: upgrade" in paused.out
    world.edit("pms", "customer", 1, "city", "Bergen")
    assert "system erp is paused since" in world.accord("run").out
    (found,) = world.accord("status", "--json").json["paused"]
    assert (found["what"], found["name"], found["by"], found["reason"]) == ("system", "erp", "Kari", "upgrade")
    assert "`accord resume` ends it" in world.accord("status").out
    assert world.accord("run", "--json").json["paused"]
    assert "system erp goes on with the next round" in world.accord("resume", "--system", "erp").out
    run = world.accord("run", "--json").json
    assert "paused" not in run
    assert world.sql("erp", "SELECT town FROM client WHERE no = 71") == [("Bergen",)]


def test_every_pause_at_once(world: World) -> None:
    """`resume` alone ends them all; before the first round one can pause, too."""
    assert world.accord("pause", "--flow", "visit").status == 0
    again = world.accord("pause")
    assert "still: flow visit is paused" in again.out
    assert world.accord("run", "--json").json["flows"] == {}
    assert world.accord("resume", "--json").json == {"paused": []}
    assert set(world.accord("run", "--json").json["flows"]) == {"customer", "visit"}


def test_what_cannot_be_paused(world: World) -> None:
    """Names are checked; what is not paused cannot be resumed."""
    assert "did you mean 'visit'?" in world.accord("pause", "--flow", "visits").err
    assert world.accord("pause", "--flow", "visit", "--system", "erp").status == 2
    assert world.accord("resume").status == 2
    world.accord("run")
    wrong = world.accord("resume", "--flow", "visit")
    assert (wrong.status, "nothing is paused" in wrong.err) == (2, True)
