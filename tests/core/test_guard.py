"""The brakes: what is held, and what a person lets through."""

from __future__ import annotations

import pytest

from accord.config.meaning import Limit
from accord.core.guard import Approval, Braked, guard
from accord.errors import UsageError

PLAIN = Limit(number=10)
PERCENT = Limit(percent=25, over=20)


def held(
    count: int, limit: Limit | None, *approvals: str, linked: int = 100, doubt: str | None = None
) -> tuple[Braked, ...]:
    limits = {} if limit is None else {"delete": limit}
    parsed = [Approval.parse(text) for text in approvals]
    return guard("customer", {("erp", "delete"): count}, {"erp": linked}, limits, parsed, doubt).braked


@pytest.mark.parametrize(
    ("count", "limit", "linked", "stops"),
    [
        (10, PLAIN, 100, False),
        (11, PLAIN, 100, True),
        (10_000, None, 100, False),
        (20, PERCENT, 40, False),  # not over the number
        (25, PERCENT, 100, False),  # just the percentage
        (26, PERCENT, 100, True),
        (21, PERCENT, 84, False),
        (21, PERCENT, 83, True),
        (21, PERCENT, 0, True),
        (0, Limit(number=0), 100, False),
        (1, Limit(number=0), 100, True),
        (9, PERCENT, 9, False),  # a small side
        (10, PERCENT, 20, False),
        (10, PERCENT, 19, True),  # more than half at once: emptied, or not seen any more
        (16, Limit(number=20), 20, False),  # who writes a number means it
    ],
)
def test_a_limit_stops_what_is_more(count: int, limit: Limit | None, linked: int, stops: bool) -> None:
    """A number, or a percentage of the linked records and a number."""
    assert bool(held(count, limit, linked=linked)) is stops


def test_what_is_held_is_named_with_the_command_that_lifts_it() -> None:
    """Who reads it knows what to do next."""
    (item,) = held(11, PLAIN)
    assert (item.flow, item.system, item.op, item.count) == ("customer", "erp", "delete", 11)
    assert item.reason == "11 deletes in erp: more than 10; accord run --approve 'customer:deletes<=11'"
    assert not held(11, PLAIN, "customer:deletes<=11")


def test_only_what_exceeds_its_limit_is_held() -> None:
    """Other operations and systems go on."""
    counts = {("erp", "delete"): 11, ("pms", "delete"): 3, ("erp", "update"): 500}
    braked = guard("customer", counts, {}, {"delete": PLAIN}, [], None).braked
    assert [(item.system, item.op) for item in braked] == [("erp", "delete")]


@pytest.mark.parametrize(
    ("approval", "passes"),
    [
        ("deletes<=11", True),
        ("deletes <= 12", True),
        ("customer:deletes<=11", True),
        ("deletes<=10", False),  # a ceiling, not a permission
        ("project:deletes<=11", False),
        ("creates<=11", False),
    ],
)
def test_an_approval_is_a_ceiling(approval: str, passes: bool) -> None:
    """For one operation, in one flow or all."""
    assert bool(held(11, PLAIN, approval)) is not passes


def test_in_doubt_every_write_is_held() -> None:
    """A state that was lost or restored: a person looks first, and may approve."""
    (item,) = held(1, None, doubt="the state was lost")
    assert "the state was lost" in item.reason
    assert not held(1, None, "deletes<=1", doubt="the state was lost")


@pytest.mark.parametrize("text", ["deletes", "deletes<120", "removes<=1", "deletes<=-1", "a b:deletes<=", "<=3", ""])
def test_an_approval_that_is_not_understood_is_refused_with_an_example(text: str) -> None:
    """Nothing is let through by accident."""
    with pytest.raises(UsageError, match="deletes<=120"):
        Approval.parse(text)


def test_an_approval_is_read() -> None:
    """With and without a flow."""
    assert Approval.parse("creates<=40") == Approval(op="create", number=40)
    assert Approval.parse("my-flow.x: updates <= 7") == Approval(op="update", number=7, flow="my-flow.x")


def test_what_follows_from_a_changed_file() -> None:
    """Many updates are held though no limit says so, and deletions keep their own limit; edits of people are not."""
    counts = {("erp", "update"): 30, ("erp", "delete"): 1, ("pms", "update"): 20}
    linked = {"erp": 100, "pms": 100}
    (item,) = guard("customer", counts, linked, {"delete": PERCENT}, [], None, changed=True).braked
    assert (item.system, item.op) == ("erp", "update")
    assert "the project file has changed" in item.reason
    assert guard("customer", counts, linked, {"delete": PERCENT}, [], None).braked == ()


def test_a_lifted_limit_says_what_it_would_have_held() -> None:
    """For the history, with the ceiling."""
    limits = {"delete": PLAIN}
    approvals = [Approval.parse("deletes<=40")]
    (lifted,) = guard("customer", {("erp", "delete"): 11}, {}, limits, approvals, None).lifted
    assert (lifted.count, lifted.ceiling, lifted.reason) == (11, 40, "11 deletes in erp: more than 10")
