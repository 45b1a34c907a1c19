"""`accord undo` as a person calls it."""

from __future__ import annotations

from .conftest import World


def edited(world: World) -> int:
    """A run that carried a new town to ERP."""
    world.accord("run")
    world.edit("pms", "customer", 1, "city", "Bergen")
    return int(world.accord("run", "--json").json["run"])


def test_an_undo_is_shown_and_then_done(world: World) -> None:
    """The plan is that of `plan`; only `--apply` writes."""
    run = edited(world)
    shown = world.accord("undo", str(run), "--json")
    (write,) = shown.json["writes_planned"]
    assert (write["op"], write["changes"], write["reason"]) == (
        "update",
        {"city": ["Bergen", "Oslo"]},
        f"undo of run {run}",
    )
    assert world.sql("erp", "SELECT town FROM client WHERE no = 71") == [("Bergen",)]
    done = world.accord("undo", "--run", str(run), "--apply", "--by", "kari")
    assert done.status == 3
    assert world.sql("erp", "SELECT town FROM client WHERE no = 71") == [("Oslo",)]
    assert world.accord("history", "--json").lines[-1]["by"] == "kari"
    assert world.accord("run", "--json").json["writes"]["erp"]["update"] == 0


def test_what_is_left_is_listed(world: World) -> None:
    """With the record, the row and the reason."""
    run = edited(world)
    world.edit("erp", "client", 71, "town", "Drammen")
    result = world.accord("undo", "erp/client/71", "--row", "city", "--apply")
    assert "changed since by somebody else" in result.out
    assert world.sql("erp", "SELECT town FROM client WHERE no = 71") == [("Drammen",)]
    assert world.accord("undo", str(run), "--json").json["left"][0]["row"] == "city"


def test_a_wrong_call(world: World) -> None:
    """What is allowed is said."""
    edited(world)
    for arguments in ((), ("nothing",), ("99",), ("--link", "77")):
        result = world.accord("undo", *arguments)
        assert (result.status, result.out) == (2, "")
