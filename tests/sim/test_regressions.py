"""What the histories found once, each spelled out. The seeds are those of the first sighting, before the world grew."""

from __future__ import annotations

from typing import Any

import pytest

from accord.store.opening import open_state

from .history import Runner, run_history
from .people import People
from .test_crashes import scene
from .world import GRACE, World


def value(world: World, system: str, id: str | int, row: str, flow: str = "customer") -> Any:
    """What a row of a record shows."""
    from accord.connectors.paths import get_path

    return get_path(world.systems[system].get(world.flows[flow].datatypes[system], id), world.path(system, row))


def edit(people: People, system: str, id: str | int, **values: Any) -> None:
    """A person types."""
    flow = people.world.flows["customer"]
    people.edit_rows(system, flow, id, [flow.row(row) for row in values], values)


def linked(world: World, people: People, runner: Runner, **values: Any) -> str | int:
    """A customer of pms that is linked; its id there."""
    id = people.make_in("pms", world.flows["customer"], "C1")
    edit(people, "pms", id, **({"name": "E900 first", "note": "E901 first"} | values))
    runner.round()
    return id


def counts(world: World, system: str) -> int:
    """How many customers there are."""
    return len(world.records(world.flows["customer"], system))


def test_an_edit_made_while_a_deletion_is_held_is_not_swallowed() -> None:
    """What the plan of a held deletion does not speak of is read again when somebody decides."""
    with scene(on_delete="ask", ids=None) as (world, people, runner):
        id = linked(world, people, runner)
        with world.systems["erp"].person():
            world.systems["erp"].delete("customer", 1)
        edit(people, "pms", id, name="E950 while held")
        runner.round()
        with open_state(world.project.state) as state:
            held = next(iter(state.held.list(kind="delete")))
            state.held.decide(held.id, {"choice": "restore"}, "kari", world.clock.now())
            state.links.touch([held.link or 0])
        runner.round()
        restored = next(iter(world.records(world.flows["customer"], "erp")))
        assert value(world, "erp", restored, "name") == "E950 while held"


def test_an_edit_that_arrives_while_a_create_is_in_doubt_is_sent_afterwards() -> None:
    """Settling the create does not take the newer reading out of the inbox."""
    with scene(means="none", match=False, ids=None) as (world, people, runner):
        id = people.make_in("pms", world.flows["customer"], "C1")
        lost = world.systems["erp"].fault("answer_lost_after", operation="create", count=1)
        runner.round()
        edit(people, "pms", id, name="E950 meanwhile")
        runner.round()
        people.decide()
        runner.round()
        runner.round()
        assert lost.struck == 1
        assert (counts(world, "erp"), value(world, "erp", 1, "name")) == (1, "E950 meanwhile")


def test_a_record_edited_right_after_its_lost_create_gets_no_counterpart() -> None:
    """One telling row that looks the same is enough to wait for a person."""
    with scene(means="none", match=False, ids=None) as (world, people, runner):
        people.make_in("pms", world.flows["customer"], "C1")
        world.systems["erp"].fault("answer_lost_after", operation="create", count=1)
        runner.round()
        edit(people, "erp", 1, name="E950 mine", note="E951 mine")
        runner.round()
        assert (counts(world, "pms"), counts(world, "erp")) == (1, 1)


def test_an_edit_during_the_round_of_a_property_that_was_not_there_is_kept() -> None:
    """Not sent counts as null in the ground of a write."""
    with scene(version_check="where", rule_name="ask", ids=None) as (world, people, runner):
        people.make_in("pms", world.flows["customer"], "C1")
        world.systems["pms"].tables["customer"].records["1"].pop("amount", None)
        runner.round()
        edit(people, "erp", 1, amount=5)

        def meddle(phase: str, operation: str, datatype: str, id: str | None) -> None:
            if (phase, operation) == ("before", "update") and value(world, "pms", 1, "amount") != 7:
                edit(people, "pms", 1, amount=7)

        world.systems["pms"].on_request(meddle)
        runner.round()
        runner.round()
        assert value(world, "pms", 1, "amount") == 7


def test_a_replayed_create_does_not_make_an_edit_the_base() -> None:
    """The answer of a replay is the record as it is now."""
    with scene(means="idempotent", match=False, ids=None) as (world, people, runner):
        people.make_in("pms", world.flows["customer"], "C1")
        world.systems["erp"].fault("answer_lost_after", operation="create", count=1)
        world.systems["erp"].fault("unreachable", operation="create", count=1)
        runner.round()
        edit(people, "erp", 1, name="E950 by hand")
        for _ in range(3):
            runner.round()
        assert value(world, "pms", 1, "name") == "E950 by hand"


def test_a_page_that_drifts_makes_no_duplicate() -> None:
    """Before a create the target is searched by its key."""
    with scene(means="none", ids=None, changed_since=None, ordered=False) as (world, people, runner):
        linked(world, people, runner)
        people.make_in("pms", world.flows["customer"], "C2")
        people.make_in("erp", world.flows["customer"], "C2")
        world.systems["erp"].fault("short_list", share=0.9, datatype="customer")
        runner.round()
        world.systems["erp"].calm()
        runner.round()
        assert (counts(world, "pms"), counts(world, "erp")) == (2, 2)


def test_a_late_update_does_not_bring_back_what_was_typed_over() -> None:
    """While an update whose answer was lost may still land, nothing else is planned for its link."""
    with scene(version_check=None, changed_since=None, ids=None) as (world, people, runner):
        id = linked(world, people, runner)
        late = world.systems["erp"].fault("late_effect", operation="update", count=1, after=10_000)
        edit(people, "pms", id, name="E950 late")
        runner.round()
        edit(people, "pms", id, name="E951 newer")
        runner.round()
        world.systems["erp"].arrive()
        world.clock.advance(GRACE + 1)
        for _ in range(3):
            runner.round()
        assert late.struck == 1
        assert (value(world, "pms", id, "name"), value(world, "erp", 1, "name")) == ("E951 newer", "E951 newer")


def test_an_edit_set_back_is_not_echoed_where_a_system_trims() -> None:
    """A system that shows the agreed value in its own form receives nothing."""
    from accord.connectors.memory import trim

    fixed: dict[str, Any] = {"special_name": "enforce", "norm_name": (), "erp_norm_name": (trim,), "ids": None}
    with scene(**fixed) as (world, people, runner):
        enforcer = world.flows["customer"].row("name").enforce
        other = "erp" if enforcer == "pms" else "pms"
        people.make_in(enforcer or "", world.flows["customer"], "C1")
        edit(people, enforcer or "", 1, name="E900 spaced  ")
        runner.round()
        before = len(world.events)
        edit(people, other, 1, name="E950 not allowed")
        runner.round()
        written = [event for event in world.events[before:] if event.actor == "sync"]
        assert [event.system for event in written] == [other]


def test_what_is_known_of_one_create_stays_when_another_is_in_doubt() -> None:
    """Three systems: one answers, one does not; a person's word is for the one that did not."""
    with scene(three=True, means="none", match=False, ids=None) as (world, people, runner):
        people.make_in("pms", world.flows["customer"], "C1")
        world.systems["crm"].fault("answer_lost_after", operation="create", count=1)
        runner.round()
        people.decide()
        runner.round()
        with open_state(world.project.state) as state:
            assert [item.kind for item in state.held.list()] == []
        assert (counts(world, "erp"), counts(world, "crm")) == (1, 1)


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(54, id="a group, one row of which only the loser sends"),
        pytest.param(58, id="a reference whose target is gone"),
        pytest.param(60, id="a late update lands on an edit"),
        pytest.param(68, id="an update that is in place only in part"),
        pytest.param(156, id="a replayed create after an edit"),
        pytest.param(166, id="a joined record with empty rows"),
        pytest.param(169, id="a create in doubt linked with another record"),
        pytest.param(782, id="a row that looked as sent before it was sent"),
        pytest.param(1000147, id="a create in doubt linked by hand, trimmed by its system"),
        pytest.param(1000596, id="deleted before it was ever in step with what it matched"),
        pytest.param(2000238, id="restored while its deletion was propagated in part"),
        pytest.param(5001004, id="deleted before it had received an edit"),
        pytest.param(5002295, id="out of scope in a point read, and back before the next listing"),
        pytest.param(32, id="deleted after a write to it was refused"),
        pytest.param(2154, id="left alone in its link while it was behind"),
        pytest.param(2049, id="a first value in a record that is about to be deleted"),
        pytest.param(2001349, id="typed over a write that nobody knew to have taken effect"),
        pytest.param(300163, id="restored beside a record out of scope"),
        pytest.param(300185, id="an older arrival that looks like what a lost create sent"),
        pytest.param(302119, id="deleted after a lost write that had superseded an edit"),
        pytest.param(303762, id="deleted while another create of its link was in doubt"),
        pytest.param(305010, id="a late create that was sent again, and the grace counted from the first"),
        pytest.param(403904, id="restored beside one out of scope that would be set back"),
        pytest.param(308537, id="archived out of scope"),
        pytest.param(309548, id="out of scope just before a write to it"),
        pytest.param(309715, id="deletes of two passes"),
        pytest.param(600234, id="typed over while a create in doubt was read"),
        pytest.param(601215, id="made while another create of its link was in doubt, deleted, and its id given again"),
        pytest.param(601331, id="an edit against the direction beside one of the source"),
        pytest.param(853485, id="emptied by the preferred system, where nothing is to be emptied"),
        pytest.param(889880, id="an edit against the direction in a record that was left alone"),
        pytest.param(878473, id="what a lost create made, deleted and still shown"),
        pytest.param(868607, id="refused as stale though nothing had changed, and then landed late"),
        pytest.param(857771, id="a lost write, one row of which somebody else has emptied just so"),
        pytest.param(830256, id="an edit against the direction by one that is behind"),
        pytest.param(810650, id="an older arrival that lacks what our own write has filled"),
        pytest.param(408671, id="the id of a record that was let go, given again"),
        pytest.param(903736, id="the id of a lost create given to a record with two rows"),
        pytest.param(909000, id="a create no longer in doubt beside an update that is"),
        pytest.param(401279, id="archived with a row that is empty and was never proven to be ours"),
    ],
)
def test_seeds(seed: int) -> None:
    """Histories that failed once."""
    run_history(seed)
