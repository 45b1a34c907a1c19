"""Which flow takes up a new record, and which link it belongs to."""

from __future__ import annotations

import pytest

from accord.core.detect import Reading
from accord.core.mapping import FlowMap
from accord.core.match import Candidate, Claim, Verdict, claim, in_scope_of, judge, match_keys
from accord.errors import ExpressionError
from accord.model import Member, Natives, Ref
from tests.core.world import flow_map, project

TITLES = {"pms": "CustomPMS", "erp": "CustomERP", "crm": "CustomCRM"}
TWO = """\
accord: 1
systems:
  pms: {connector: memory, datatypes: {task: {}}}
  erp: {connector: memory, datatypes: {job: {}, project: {}}}
flows:
  job:
    pms: {datatype: task, where: "kind == 'job'"}
    erp: job
    rows: [{pms: name, erp: name}]
  project:
    pms: {datatype: task, where: "size > 10"}
    erp: project
    match: [[name]]
    link: {pms: MODE, erp: create}
    rows: [{pms: name, erp: name}]
"""


def two(mode: str = "match-or-create") -> list[FlowMap]:
    found = project(TWO.replace("MODE", mode))
    return [FlowMap(found, flow) for flow in found.flows.values()]


def test_the_flow_whose_filter_is_true_claims_the_record() -> None:
    """One, and only one."""
    assert claim(two(), "pms", {"kind": "job", "size": 1}) == Claim(flow="job")
    assert claim(two(), "pms", {"kind": "other", "size": 11}) == Claim(flow="project")


def test_a_record_in_no_scope_is_claimed_by_nobody() -> None:
    """It is left alone."""
    assert claim(two(), "pms", {"kind": "other", "size": 1}) == Claim(flow=None)


def test_a_record_in_two_scopes_is_claimed_by_nobody() -> None:
    """It is held, with both flows named."""
    assert claim(two(), "pms", {"kind": "job", "size": 11}) == Claim(flow=None, rivals=("job", "project"))


def test_a_flow_that_takes_up_nothing_leaves_the_record_to_the_other() -> None:
    """`never` does not claim new records."""
    assert claim(two("never"), "pms", {"kind": "job", "size": 11}) == Claim(flow="job")


def test_a_flow_that_takes_up_nothing_keeps_what_nobody_else_claims_for_its_match_rules() -> None:
    """The other side's record may find it."""
    assert claim(two("never"), "pms", {"kind": "other", "size": 11}) == Claim(flow="project")
    without = flow_map("{pms: title, erp: name}", more="link: never")
    assert claim([without], "pms", {}) == Claim(flow=None)


def test_a_filter_that_fails_on_a_record_says_so() -> None:
    """It is neither true nor false."""
    with pytest.raises(ExpressionError):
        in_scope_of(two()[1], "pms", {"size": "large"})


# keys

KEYED = flow_map(
    "{pms: org, erp: vat, type: string, equal: digits}",
    "{pms: title, erp: name}",
    "{pms: mail, erp: email, type: email}",
    "{pms: customer_id, erp: customer_no, type: reference(customer), name: customer}",
    more="match: [[org], [title, mail], [customer, title]]",
)


def keys(natives: Natives, system: str = "pms") -> list[tuple[int, str]]:
    member = Member(ref=Ref(system, "task", "1"), native_id=1, base=natives)
    known = {Ref("pms", "customer", "7"): 9, Ref("erp", "customer", "C7"): 9}
    return match_keys(KEYED, Reading(KEYED, member, natives, version=None, modified=None, resolve=known.get))


def test_each_rule_whose_rows_are_all_filled_gives_a_key() -> None:
    """By its number; a rule with an empty row gives none."""
    assert [number for number, _ in keys({"org": "1", "title": "a", "mail": "a@b.no"})] == [0, 1]
    assert [number for number, _ in keys({"org": " ", "title": "a", "mail": None})] == []
    assert keys({"title": "a"}) == []


def test_records_that_are_equal_under_their_types_have_equal_keys() -> None:
    """Case, spaces and the form of numbers do not count."""
    one = keys({"org": "NO 123 456", "title": "Bakers  Ltd", "mail": "A@b.no"})
    assert one == keys({"org": "123456", "title": "bakers ltd", "mail": "a@B.NO"}, "erp")


def test_rows_of_a_rule_do_not_run_into_each_other() -> None:
    """("ab", "c") is not ("a", "bc")."""
    assert keys({"title": "ab", "mail": "c@d.no"}) != keys({"title": "a", "mail": "bc@d.no"})


def test_a_reference_matches_by_the_link_that_it_points_to() -> None:
    """One that dangles, or cannot be read, gives no key."""
    assert keys({"customer": "7", "title": "a"}) == keys({"customer": "C7", "title": "A"}, "erp") != []
    assert keys({"customer": "99", "title": "a"}) == []
    assert keys({"org": ["not", "text"]}) == []


# verdicts

PMS = frozenset({"pms"})


def other(link: int, *systems: str, sharing: str = "", resting: bool = False) -> Candidate:
    shared = frozenset(sharing.split()) if sharing else frozenset(systems)
    return Candidate(link=link, systems=frozenset(systems), sharing=shared, resting=resting)


@pytest.mark.parametrize(
    ("candidates", "verdict"),
    [
        ([], Verdict(action="none")),
        ([other(2, "erp")], Verdict(action="merge", links=(2,))),
        ([other(3, "crm"), other(2, "erp")], Verdict(action="merge", links=(2, 3))),
        ([other(2, "erp", "crm")], Verdict(action="merge", links=(2,))),
        (
            [other(2, "pms")],
            Verdict(action="review", links=(2,), reason="two records of CustomPMS have the same key"),
        ),
        (
            [other(2, "erp"), other(3, "pms")],
            Verdict(action="review", links=(2, 3), reason="two records of CustomPMS have the same key"),
        ),
        (
            [other(2, "pms", "erp", sharing="erp")],
            Verdict(action="review", links=(2,), reason="the record that matches is linked with another one"),
        ),
        ([other(2, "erp"), other(3, "erp")], Verdict(action="review", links=(2, 3), reason="2 records match")),
        ([other(2, "erp", "crm"), other(3, "crm")], Verdict(action="review", links=(2, 3), reason="2 records match")),
        (
            [other(2, "erp", resting=True)],
            Verdict(action="review", links=(2,), reason="the record that matches is outside its filter"),
        ),
    ],
)
def test_one_candidate_is_linked_and_whatever_is_not_plain_is_reviewed(
    candidates: list[Candidate], verdict: Verdict
) -> None:
    """Never guessed."""
    assert judge(PMS, candidates, TITLES) == verdict
