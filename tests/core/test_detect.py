"""What is an edit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from accord.core.detect import Reading, same_native
from accord.errors import ValueRefused
from accord.model import ABSENT, Dangling, LinkRef, Member, Ref
from tests.core.world import TITLE, flow_map, read, settled

FLOW = flow_map(
    TITLE,
    "{pms: budget, erp: amount, type: decimal(2)}",
    "{pms: done, erp: closed, type: boolean}",
    "{pms: state, erp: status, type: enum, map: {open: A, closed: C}}",
    "{pms: customer_id, erp: customer_no, type: reference(customer), name: customer}",
)


def reading(base: dict[str, Any], now: dict[str, Any], **links: int) -> Reading:
    member = Member(ref=Ref("pms", "task", "1"), native_id=1, base=base)
    known = {Ref("pms", "customer", id): number for id, number in links.items()}
    return Reading(FLOW, member, now, version=None, modified=None, resolve=known.get)


def test_a_value_that_is_as_it_was_is_no_edit() -> None:
    """Nothing is decoded to find that out, so that not even a broken value counts."""
    assert not reading({"state": "unheard of"}, {"state": "unheard of"}).edited("state")


def test_a_value_equal_under_its_type_is_no_edit() -> None:
    """1.0 and "1.00" are one amount."""
    assert not reading({"budget": Decimal("1.0")}, {"budget": "1.00"}).edited("budget")


def test_another_value_is_an_edit() -> None:
    """By one character."""
    assert reading({"title": "a"}, {"title": "b"}).edited("title")


def test_a_value_emptied_is_an_edit() -> None:
    """Null and empty are states that a person brings about."""
    assert reading({"title": "a"}, {"title": None}).edited("title")
    assert reading({"title": "a"}, {"title": ""}).edited("title")


def test_a_property_that_is_not_sent_is_no_edit() -> None:
    """Whatever it was before."""
    now = reading({"title": "a"}, {})
    assert not now.edited("title")
    assert now.value("title") is ABSENT


def test_a_property_not_sent_before_and_filled_now_is_an_edit() -> None:
    """Not sent counts as empty."""
    assert reading({}, {"title": "a"}).edited("title")
    assert reading({}, {"customer": "7"}, **{"7": 4}).edited("customer")


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_a_property_not_sent_before_and_empty_now_is_no_edit(blank: str | None) -> None:
    """A system that begins to send its nulls has not been edited."""
    assert not reading({}, {"title": blank}).edited("title")


def test_true_is_not_one() -> None:
    """JSON keeps them apart, and so does the comparison."""
    assert not same_native(True, 1)
    assert same_native(Decimal("1.0"), 1)


def test_a_value_that_cannot_be_decoded_is_refused() -> None:
    """The row is held; the record counts as edited."""
    now = reading({"state": "open"}, {"state": "unheard of"})
    with pytest.raises(ValueRefused, match="unheard of"):
        now.edited("state")
    assert now.any_edit()


def test_a_base_that_cannot_be_decoded_makes_any_change_an_edit() -> None:
    """A value map that has lost an entry does not hide what somebody types."""
    assert reading({"state": "unheard of"}, {"state": "open"}).edited("state")


def test_a_reference_becomes_the_link_of_its_target() -> None:
    """So that ids of two systems can be compared."""
    assert reading({}, {"customer": "7"}, **{"7": 4}).value("customer") == LinkRef(4)
    assert reading({}, {"customer": None}).value("customer") is None


def test_a_reference_to_a_record_in_no_link_dangles() -> None:
    """It names the record, so that the row can wait for it."""
    assert reading({}, {"customer": "8"}).value("customer") == Dangling(Ref("pms", "customer", "8"))


def test_a_reference_moved_to_another_id_of_the_same_link_is_no_edit() -> None:
    """Two ids that were merged into one link mean the same thing."""
    assert not reading({"customer": "7"}, {"customer": "8"}, **{"7": 4, "8": 4}).edited("customer")
    assert reading({"customer": "7"}, {"customer": "8"}, **{"7": 4, "8": 5}).edited("customer")


def test_a_row_that_a_system_takes_no_part_in_is_absent() -> None:
    """Whatever the record holds."""
    flow = flow_map("{pms: title, erp: name}", "{pms: a, erp: b, crm: c}", systems=("pms", "erp", "crm"))
    link = settled(flow, title="x", a="y")
    crm = read(flow, link)[2]
    assert crm.decode("title", "x") is ABSENT
    assert not crm.any_edit()
