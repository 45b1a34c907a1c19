"""The plan of the round at work, on disk."""

from __future__ import annotations

from datetime import timedelta

from accord.model import Op
from accord.store.opening import State
from accord.stored import Need
from tests.store.places import NOON, opened, plan

UPDATE, CREATE, DELETE = ("erp", Op.UPDATE), ("erp", Op.CREATE), ("erp", Op.DELETE)


def waiting(state: State) -> list[int]:
    return [proposal.id for stage in state.plans.stages() for proposal in state.plans.next(stage, 0, 100)]


def test_what_has_begun_outlives_the_round(state: State, tmp_path: object) -> None:
    """What was only planned is thrown away."""
    one, two = state.plans.put(1, [(0, plan(7, UPDATE)), (0, plan(8, UPDATE))])
    state.plans.begin([one], [], NOON)
    state.close()
    with opened(tmp_path) as again:  # type: ignore[arg-type]
        again.plans.clear()
        (found,) = again.plans.unfinished()
        assert (found.id, found.plan, found.sent_at) == (one, plan(7, UPDATE), NOON)
        assert again.plans.busy([7, 8]) == {7}
        again.plans.done([one])
        assert again.plans.put(2, [(0, plan(8, UPDATE))]) == [two + 1]


def test_a_begun_plan_holds_its_references_filled_in(state: State) -> None:
    """Recovery compares with what was sent, not with what was planned."""
    (number,) = state.plans.put(1, [(0, plan(7, UPDATE))])
    state.plans.begin([number], [(number, plan(7, UPDATE, DELETE))], NOON)
    assert state.plans.unfinished()[0].plan == plan(7, UPDATE, DELETE)


def test_a_plan_in_doubt_says_since_when_and_why(state: State) -> None:
    """With how its other writes ended."""
    (number,) = state.plans.put(1, [(0, plan(7, UPDATE))])
    state.plans.begin([number], [], NOON)
    later = NOON + timedelta(minutes=1)
    state.plans.in_doubt_since(number, later, "timed out", plan(7, CREATE))
    (found,) = state.plans.unfinished()
    assert (found.sent_at, found.why, found.plan) == (later, "timed out", plan(7, CREATE))


def test_stages_go_one_after_the_other(state: State) -> None:
    """Begun ones are not taken twice."""
    one, two, three = state.plans.put(1, [(5, plan(1, DELETE)), (0, plan(2, CREATE)), (0, plan(3, UPDATE))])
    assert state.plans.stages() == [0, 5]
    assert waiting(state) == [two, three, one]
    assert [proposal.id for proposal in state.plans.all()] == [two, three, one]
    state.plans.begin([two], [], NOON)
    assert waiting(state) == [three, one]


def test_writes_are_counted_for_the_limits(state: State) -> None:
    """By flow, system and operation; held ones do not count."""
    both = plan(3, UPDATE, ("pms", Op.UPDATE))
    numbers = state.plans.put(1, [(0, plan(1, UPDATE)), (0, plan(2, DELETE, flow="project")), (0, both)])
    assert state.plans.counts() == {
        "task": {("erp", "update"): 2, ("pms", "update"): 1},
        "project": {("erp", "delete"): 1},
    }
    state.plans.hold(numbers[2:], "held", "limit")
    assert state.plans.counts()["task"] == {("erp", "update"): 1}


def test_a_limit_holds_one_kind_of_write_of_one_flow(state: State) -> None:
    """A plan that does several things is held whole."""
    plans = [plan(1, UPDATE), plan(2, DELETE), plan(3, DELETE, ("pms", Op.UPDATE)), plan(4, DELETE, flow="other")]
    numbers = state.plans.put(1, [(0, each) for each in plans])
    state.plans.hold_ops("task", "erp", "delete")
    assert waiting(state) == [numbers[0], numbers[3]]


def test_a_failed_system_stops_what_writes_to_it(state: State) -> None:
    """And nothing else; what has begun stays begun."""
    plans = [plan(1, UPDATE), plan(2, ("pms", Op.UPDATE)), plan(3, CREATE, ("pms", Op.UPDATE)), plan(4, UPDATE)]
    numbers = state.plans.put(1, [(0, each) for each in plans])
    state.plans.begin(numbers[3:], [], NOON)
    state.plans.hold_system("erp")
    assert waiting(state) == [numbers[1]]
    assert [proposal.id for proposal in state.plans.unfinished()] == numbers[3:]


def test_a_create_waits_where_the_record_that_it_needs_is_not_made(state: State) -> None:
    """Along the whole chain; what is not essential goes all the same."""
    plans = [plan(1, CREATE), plan(2, CREATE), plan(3, CREATE), plan(4, UPDATE)]
    numbers = state.plans.put(1, [(stage, each) for stage, each in enumerate(plans)])
    needs = [
        Need(proposal=numbers[1], row="ref", link=1, system="erp", essential=True),
        Need(proposal=numbers[2], row="ref", link=2, system="erp", essential=True),
        Need(proposal=numbers[3], row="ref", link=1, system="erp", essential=False),
    ]
    state.plans.put_needs(needs, [(n, "erp", number) for n, number in enumerate(numbers[:3], 1)])
    assert state.plans.hold_without_target() == 0
    assert state.plans.makings([1, 2, 9]) == {(1, "erp"), (2, "erp")}
    assert state.plans.makers([(2, "erp")]) == {(2, "erp"): 1}
    state.plans.hold(numbers[:1], "held", "limit")
    assert state.plans.hold_without_target() == 2
    assert waiting(state) == [numbers[3]]


def test_many_plans_are_listed_in_pieces(state: State) -> None:
    """Each once."""
    with state.db.transaction():
        numbers = state.plans.put(1, [(number % 3, plan(number, UPDATE)) for number in range(1, 1201)])
    assert sorted(proposal.id for proposal in state.plans.all()) == numbers
