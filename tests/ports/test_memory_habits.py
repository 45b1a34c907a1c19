"""Each habit and fault of a system in memory that the fault table names does what it says, seen from its connector."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from accord.connectors.memory import Behaviour, Effect, MemoryConnector, MemorySystem, Refused, TickingClock
from accord.connectors.memory_faults import APPLIES
from accord.connectors.memory_hints import Hints
from accord.connectors.memory_life import (
    change_id,
    copy_record,
    merge_records,
    restore_deleted,
    set_back,
    use_id_again,
)
from accord.connectors.memory_values import NORMALISERS, clean_text, longest, options, pattern
from accord.errors import ProtocolError, Unauthorized, Unreachable
from accord.model import Absence, Outcome, OutcomeKind, Record
from accord.ports import Expects, NewRecord, Page

Test = Callable[[MemoryConnector], Awaitable[Any]]
LOST_WRITES = {
    "error_before": 0,
    "error_after": 1,
    "cut_body": 1,
    "truncated_json": 1,
    "html_page": None,
    "error_inside": None,
    "empty_body": None,
}


def store_of(count: int = 0, **settings: Any) -> MemorySystem:
    """Some tasks, ids 1 to `count`."""
    store = MemorySystem({"task": Behaviour(**settings)}, random=Random(1))
    for number in range(1, count + 1):
        store.insert("task", {"name": f"task {number}"})
    return store


def on(store: MemorySystem, test: Test) -> Any:
    """Run a test on an opened connector."""

    async def run() -> Any:
        connector = MemoryConnector(store.system("pm"), store)
        await connector.open({"task": ["name"]})
        return await test(connector)

    return asyncio.run(run())


async def pages(connector: MemoryConnector) -> list[Page]:
    return [page async for page in connector.read("task", None)]


async def ids(connector: MemoryConnector) -> list[str]:
    return [record.id for page in await pages(connector) for record in page.records]


def creating(*names: str) -> Test:
    async def test(connector: MemoryConnector) -> list[Outcome]:
        return await connector.create("task", [NewRecord(natives={"name": name}, token=name) for name in names])

    return test


def fetching(id: str = "1") -> Test:
    async def test(connector: MemoryConnector) -> Record | Absence:
        return (await connector.fetch("task", [id]))[id]

    return test


def updating(version: int | None = None, **natives: Any) -> Test:
    return lambda connector: connector.update("task", "1", natives, Expects(version=version))


@pytest.mark.parametrize(("name", "made"), LOST_WRITES.items())
def test_a_write_whose_answer_is_no_good_is_unknown(name: Any, made: int | None) -> None:
    """Before the effect, after it, or by chance."""
    store = store_of()
    store.fault(name)
    outcomes = [on(store, creating(str(number)))[0].kind for number in range(20)]
    assert set(outcomes) == {OutcomeKind.UNKNOWN}
    count = len(store.all("task"))
    assert 3 < count < 17 if made is None else count == 20 * made


@pytest.mark.parametrize("name", LOST_WRITES)
def test_a_listing_whose_answer_is_no_good_raises(name: Any) -> None:
    """What has the wrong shape is a breach of the protocol, what did not arrive an unreachable system."""
    store = store_of(9, page_size=4)
    store.fault(name, operation="list", skip=1)
    shapeless = name in ("truncated_json", "html_page", "error_inside", "empty_body")
    with pytest.raises(ProtocolError if shapeless else Unreachable):
        on(store, ids)


@pytest.mark.parametrize(
    "name", ["error_before", "error_after", "truncated_json", "html_page", "error_inside", "empty_body"]
)
def test_a_point_read_whose_answer_is_no_good_fails_for_that_record(name: Any) -> None:
    """As the connector of real systems takes it."""
    store = store_of(1)
    store.fault(name, operation="get")
    assert on(store, fetching()) is Absence.FAILED


def test_an_expired_token_costs_one_request_and_a_refused_one_the_system() -> None:
    """The second 401 in a row is the last."""
    store = store_of(1)
    store.fault("token_expired", count=1)
    assert on(store, ids) == ["1"]
    store.fault("token_expired", count=2)
    with pytest.raises(Unauthorized):
        on(store, ids)
    store.fault("collection_forbidden")
    with pytest.raises(Unauthorized):
        on(store, ids)


def test_too_many_requests_pass_the_time_that_is_asked_for() -> None:
    """And not more than a minute of it."""
    store = store_of(1)
    began = store.clock.now()
    store.fault("too_many", count=1, seconds=20)
    assert on(store, ids) == ["1"]
    assert timedelta(seconds=20) < store.clock.now() - began < timedelta(seconds=25)
    store.fault("too_many", seconds=61)
    with pytest.raises(Unreachable, match="61"):
        on(store, ids)


def test_a_slow_answer_is_lost_beyond_the_time_out() -> None:
    """And the write has taken effect."""
    store = store_of()
    fault = store.fault("slow", seconds=5)
    assert on(store, creating("a"))[0].kind is OutcomeKind.APPLIED
    fault.seconds = 500
    assert on(store, creating("b"))[0].kind is OutcomeKind.UNKNOWN
    assert len(store.all("task")) == 2
    with pytest.raises(Unreachable):
        on(store, ids)


def test_a_fault_between_two_times() -> None:
    """A maintenance hour begins and ends by the clock."""
    store = store_of(1)
    began = store.clock.now()
    store.fault("unreachable", between=(began + timedelta(hours=1), began + timedelta(hours=2)))
    assert on(store, ids) == ["1"]
    store.pass_time(3700)
    with pytest.raises(Unreachable):
        on(store, ids)
    store.pass_time(3600)
    assert on(store, ids) == ["1"]


def test_an_order_that_changes_between_pages() -> None:
    """Some come twice, and some not at all."""
    store = store_of(40, page_size=5)
    store.fault("order_changes", operation="list")
    shown = on(store, ids)
    assert len(shown) == 40
    assert len(set(shown)) < 40


def test_a_replica_that_is_behind_shows_what_was() -> None:
    """Old values, and no record at all before it was made; until it has caught up."""
    store = store_of()
    on(store, ids)
    store.insert("task", {"name": "old"})
    on(store, fetching())
    store.edit("task", 1, name="new")
    fault = store.fault("stale_replica", after=1)
    assert on(store, fetching()).natives() == {"name": "old"}
    fault.after = 4
    assert on(store, fetching()) is Absence.GONE
    store.catch_up()
    assert on(store, fetching()).natives() == {"name": "new"}


@pytest.mark.parametrize("fault", ["wrong_total", "short_list", "stale_list"])
def test_a_total_that_does_not_fit_is_no_complete_listing(fault: Any) -> None:
    """One that fits is; a system that answers with nothing says that there is nothing."""
    store = store_of(9, page_size=4, total=True)
    assert (on(store, pages)[-1].complete, on(store, pages)[-1].total) == (True, 9)
    strike = store.fault(fault, count=1, after=0)
    assert not on(store, pages)[-1].complete
    strike.count = 0
    store.fault("empty_list")
    assert (on(store, pages)[-1].complete, on(store, pages)[-1].total) == (True, 0)


def test_what_is_invisible_is_nowhere_and_always_the_same() -> None:
    """Neither listed nor found nor there when it is asked for, and not to be written; and back afterwards."""
    store = store_of(50)
    fault = store.fault("invisible", share=0.8)
    shown = on(store, ids)
    assert on(store, ids) == shown
    assert 2 < len(shown) < 20
    hidden = next(id for id in store.all("task") if id not in shown)
    assert on(store, fetching(hidden)) is Absence.GONE
    assert on(store, lambda c: c.update("task", hidden, {"name": "x"}, Expects())).kind is OutcomeKind.STALE
    fault.count = 0
    assert len(on(store, ids)) == 50


def test_versions_that_are_not_shown_or_move_at_each_write() -> None:
    """Null in a reading; stale although nothing has changed."""
    store = store_of(1)
    store.fault("null_version", operation="get", count=1)
    assert (on(store, fetching()).version, on(store, fetching()).version) == (None, 1)
    store.fault("touched", count=1)
    assert on(store, updating(1, name="x")).kind is OutcomeKind.STALE
    assert on(store, updating(2, name="x")).kind is OutcomeKind.APPLIED


def test_a_batch_in_part() -> None:
    """Some refused; one that the answer does not name is unknown and was made; a mixed-up answer tells nothing."""
    store = store_of(batch=9)
    fault = store.fault("batch_in_part", share=0.5, count=1)
    kinds = [outcome.kind for outcome in on(store, creating(*"abcdefgh"))]
    assert set(kinds) == {OutcomeKind.APPLIED, OutcomeKind.REJECTED}
    assert (len(store.all("task")), fault.struck) == (kinds.count(OutcomeKind.APPLIED), 1)
    store = store_of(batch=9)
    store.fault("item_missing", count=1)
    kinds = [outcome.kind for outcome in on(store, creating(*"abc"))]
    assert kinds == [OutcomeKind.APPLIED, OutcomeKind.APPLIED, OutcomeKind.UNKNOWN]
    store.fault("batch_mixed_up", count=1)
    assert {outcome.kind for outcome in on(store, creating(*"de"))} == {OutcomeKind.UNKNOWN}
    assert len(store.all("task")) == 5


def test_every_fault_has_its_place() -> None:
    """Every name can be switched on by itself, and says which operations it strikes."""
    store = store_of(3)
    for name in APPLIES:
        store.fault(name, count=0)  # type: ignore[arg-type]
    assert on(store, ids) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("name", "value", "made"),
    [
        ("nfc", "A\u030a", "Å"),
        ("collapse", "  a \t b\n", "a b"),
        ("escape", "a & b < c", "a &amp; b &lt; c"),
        ("escape", "a &amp; b", "a &amp; b"),
        ("phone", "+47-22 33.44 55", "+47 22 33 44 55"),
        ("phone", "call me", "call me"),
        ("fold", "ÅSE", "åse"),
    ],
)
def test_what_systems_make_of_values(name: str, value: str, made: str) -> None:
    """Each once, and the same when it is done again."""
    assert NORMALISERS[name](value) == made
    assert NORMALISERS[name](made) == made
    assert NORMALISERS[name](None) in (None, "")


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [(longest(3), "abc", "abcd"), (pattern(r"\d+"), "12", "a"), (options("a", 2), 2, "b"), (clean_text, "a", "\0")],
)
def test_what_systems_refuse(check: Any, good: Any, bad: Any) -> None:
    """By people and from outside alike, with a reason."""
    store = store_of(1, checks={"name": ()})
    store.tables["task"].behaviour = Behaviour(checks={"name": (check,)})
    store.edit("task", 1, name=good)
    with pytest.raises(Refused, match="name: "):
        store.edit("task", 1, name=bad)
    outcome = on(store, updating(name=bad))
    assert (outcome.kind, outcome.message) == (OutcomeKind.REJECTED, f"name: {check(bad)}")


def test_computed_and_create_only_properties() -> None:
    """The one follows each save; the other is taken once, and then refused or ignored from outside."""
    fixed: Any = {"create_only": frozenset({"name"}), "computed": {"size": lambda task: len(task["name"])}}
    store = store_of(**fixed)
    assert on(store, creating("abc"))[0].kind is OutcomeKind.APPLIED
    assert store.all("task")["1"]["size"] == 3
    assert on(store, updating(name="x")).kind is OutcomeKind.REJECTED
    store.tables["task"].behaviour = Behaviour(silent=True, **fixed)
    assert on(store, updating(name="x")).record.natives() == {"name": "abc"}
    store.edit("task", 1, name="abcd")
    assert store.all("task")["1"]["size"] == 4


def test_a_dropped_property_is_neither_shown_nor_taken() -> None:
    """As if it had never been there."""
    store = store_of(1)
    store.tables["task"].behaviour = Behaviour(dropped=frozenset({"name"}))
    assert on(store, fetching()).natives() == {}
    outcome = on(store, updating(name="x"))
    assert (outcome.kind, "name" in store.all("task")["1"]) == (OutcomeKind.APPLIED, False)


def test_clocks_and_times() -> None:
    """A skewed clock, an edit that moves no time, and one that moves it back."""
    store = store_of(1, untimed=frozenset({"note"}))
    before = store.all("task")["1"]["updated_at"]
    store.skew = 90
    store.edit("task", 1, note="quiet")
    assert (store.all("task")["1"]["updated_at"], store.all("task")["1"]["version"]) == (before, 2)
    store.edit("task", 1, name="loud")
    assert store.all("task")["1"]["updated_at"] > before
    set_back(store, "task", 1, {"name": "older"}, 3600)
    assert store.all("task")["1"]["updated_at"] < before
    assert store.skew == 90


@pytest.mark.parametrize("check", ["version", None])
def test_a_whole_record_is_sent_back(check: Any) -> None:
    """With what it held when it was read: an edit in between is refused, or lost where no version is checked."""
    store = store_of(1, whole_put=True, version_check=check)
    store.edit("task", 1, note="read")
    assert on(store, updating(name="x")).kind is OutcomeKind.APPLIED
    assert store.all("task")["1"]["note"] == "read"

    def hook(phase: str, operation: str, _datatype: str, _id: str | None) -> None:
        if (phase, operation) == ("before", "update"):
            store.edit("task", 1, note="slipped in")

    store.on_request(hook)
    outcome = on(store, updating(name="y"))
    kept = store.all("task")["1"]["note"]
    assert (outcome.kind, kept) == ((OutcomeKind.STALE, "slipped in") if check else (OutcomeKind.APPLIED, "read"))


def test_effects_on_other_records() -> None:
    """A save moves the other record's version, and changes what it says."""
    count = Effect(via="parent", target="task", change=lambda task: {"children": task.get("children", 0) + 1})
    store = store_of(1, effects=(count,))
    store.insert("task", {"name": "child", "parent": 1})
    store.edit("task", 2, name="same child")
    assert (store.all("task")["1"]["children"], store.all("task")["1"]["version"]) == (2, 3)


def test_the_lives_of_records() -> None:
    """Merged, with another id, an id used again, restored, copied; references follow."""
    store = store_of(3)
    child = store.insert("task", {"name": "child", "parent": 2})
    store.tables["task"].behaviour = Behaviour(references={"parent": "task"})
    store.edit("task", 2, note="kept")
    merge_records(store, "task", 1, 2)
    merged = store.all("task")["1"]
    assert (merged["name"], merged["note"], store.all("task")[str(child)]["parent"]) == ("task 1", "kept", 1)
    change_id(store, "task", 1, 77)
    assert ("1" in store.all("task"), store.all("task")[str(child)]["parent"]) == (False, 77)
    use_id_again(store, "task", 3, {"name": "another"})
    assert (store.all("task")["3"]["name"], store.all("task")["3"]["version"]) == ("another", 1)
    restore_deleted(store, "task", 2)
    assert store.all("task")["2"]["name"] == "task 2"
    copy = copy_record(store, "task", 2, note="mine")
    assert store.all("task")[str(copy)]["name"] == "task 2"


def test_a_merged_record_may_name_what_it_became() -> None:
    """Then it stays, and says so."""
    store = store_of(2, merged_into="became")
    merge_records(store, "task", 1, 2)
    assert store.all("task")["2"]["became"] == 1


def test_text_that_is_no_unicode_fails_alone() -> None:
    """In a listing and by its id."""
    store = store_of(3)
    store.edit("task", 2, name="\ud800")
    (page,) = on(store, pages)
    assert ([record.id for record in page.records], [item.id for item in page.failures]) == (["1", "3"], ["2"])
    assert on(store, fetching("2")) is Absence.FAILED


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        ({}, ["1", "1", "2"]),
        ({"lost": 1.0}, []),
        ({"doubled": 1.0}, ["1", "1", "1", "1", "2", "2"]),
        ({"late": 1.0}, ["1", "1", "2"]),
    ],
)
def test_hints(faults: Any, told: list[str]) -> None:
    """One for each change, unless lost; twice; or when they arrive at last."""
    store = store_of()
    said: list[str] = []
    hints = Hints(system=store, tell=lambda _datatype, id: said.append(id), **faults)
    store.insert("task", {"name": "a"})
    store.edit("task", 1, name="b")
    store.insert("task", {"name": "c"})
    assert said == ([] if "late" in faults else told)
    hints.arrive()
    assert said == told


def test_hints_out_of_order() -> None:
    """All of them, and not as things happened."""
    store = store_of()
    said: list[str] = []
    hints = Hints(system=store, tell=lambda _datatype, id: said.append(id), mixed_up=True)
    for number in range(20):
        store.insert("task", {"name": str(number)})
    hints.arrive()
    assert said != sorted(said, key=int)
    assert sorted(said, key=int) == list(store.all("task"))


def test_time_passes_only_where_a_clock_can_be_told() -> None:
    """A real clock goes its own way."""
    store = MemorySystem({"task": Behaviour()}, clock=TickingClock(step=0.0))
    before = store.clock.now()
    store.pass_time(5)
    assert store.clock.now() - before == timedelta(seconds=5)
