"""Each fault of a system in memory does what its line of the fault table says, and only where it was switched on."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest

from accord.connectors.memory import MEMORY_SYSTEMS, Behaviour, MemoryConnector, MemorySystem, Refused
from accord.connectors.registry import connect
from accord.errors import MendFile, Unauthorized, Unreachable
from accord.model import Absence, Outcome, OutcomeKind
from accord.ports import Expects, NewRecord, Page

Test = Callable[[MemoryConnector], Awaitable[Any]]


def store_of(count: int = 0, seed: int = 1, **settings: Any) -> MemorySystem:
    """Some tasks, ids 1 to `count`."""
    store = MemorySystem({"task": Behaviour(page_size=4, **settings)}, random=Random(seed))
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


async def pages(connector: MemoryConnector, cursor: Any = None) -> list[Page]:
    return [page async for page in connector.read("task", cursor)]


async def ids(connector: MemoryConnector) -> list[str]:
    return [record.id for page in await pages(connector) for record in page.records]


async def created(connector: MemoryConnector, name: str = "new") -> Outcome:
    return (await connector.create("task", [NewRecord(natives={"name": name}, token=name)]))[0]


@pytest.mark.parametrize(("fault", "records"), [("answer_lost_before", 0), ("answer_lost_after", 1)])
def test_a_lost_answer_is_unknown(fault: Any, records: int) -> None:
    """Whether it took effect is seen only in the system."""
    store = store_of()
    store.fault(fault, operation="create", count=1)
    assert on(store, created).kind is OutcomeKind.UNKNOWN
    assert len(store.all("task")) == records
    assert on(store, created).kind is OutcomeKind.APPLIED


def test_a_late_effect_comes_after_a_reading_that_did_not_see_it() -> None:
    """As a slow server does, whose client has gone."""
    store = store_of()
    store.fault("late_effect", count=1, after=2)

    async def test(connector: MemoryConnector) -> None:
        assert (await created(connector)).kind is OutcomeKind.UNKNOWN
        assert await ids(connector) == []
        assert await ids(connector) == ["1"]

    on(store, test)


@pytest.mark.parametrize(
    ("fault", "raised"), [("unreachable", Unreachable), ("unauthorized", Unauthorized), ("error", Unreachable)]
)
def test_a_reading_that_fails_raises(fault: Any, raised: type[Exception]) -> None:
    """And gives no partial listing."""
    store = store_of(9)
    store.fault(fault, operation="list", skip=1)
    with pytest.raises(raised):
        on(store, ids)


def test_an_error_of_a_write_is_unknown_and_took_effect_or_not() -> None:
    """A 500 before or after the commit, by chance."""
    store = store_of()
    store.fault("error")
    kinds = [on(store, lambda c, number=number: created(c, str(number))).kind for number in range(20)]
    assert set(kinds) == {OutcomeKind.UNKNOWN}
    assert 3 < len(store.all("task")) < 17


def test_a_forbidden_record_is_neither_listed_nor_gone() -> None:
    """It is there, and we may not see it."""
    store = store_of(3)
    store.fault("forbidden", ids=frozenset({"2"}))
    assert on(store, ids) == ["1", "3"]
    assert on(store, lambda c: c.fetch("task", ["2"])) == {"2": Absence.FORBIDDEN}
    outcome = on(store, lambda c: c.update("task", "2", {"name": "x"}, Expects(version=1)))
    assert outcome.kind is OutcomeKind.REJECTED


def test_listings_that_lie_say_that_they_are_complete() -> None:
    """Empty, short, with a record missed between pages, or with one shown twice."""
    shown = {}
    for fault in ("empty_list", "short_list", "page_drift", "one_record_twice"):
        store = store_of(10)
        store.fault(fault, count=1, skip=0 if fault == "empty_list" else 1)  # type: ignore[arg-type]
        shown[fault] = len(on(store, ids))
        assert on(store, pages)[-1].complete
    assert shown["empty_list"] == 0
    assert shown["short_list"] < 10
    assert (shown["page_drift"], shown["one_record_twice"]) == (9, 11)


def test_a_stale_listing_shows_what_was() -> None:
    """A point read shows what is."""
    store = store_of(2)

    async def test(connector: MemoryConnector) -> None:
        await connector.fetch("task", ["1"])
        store.edit("task", 1, name="edited")
        store.delete("task", 2)
        store.fault("stale_list", after=1)
        (page,) = await pages(connector)
        assert [record.natives()["name"] for record in page.records] == ["task 1", "task 2"]
        assert (await connector.fetch("task", ["2"]))["2"] is Absence.GONE

    on(store, test)


@pytest.mark.parametrize(("fault", "kind"), [("rejected", OutcomeKind.REJECTED), ("stale", OutcomeKind.STALE)])
def test_a_refused_write_changes_nothing(fault: Any, kind: OutcomeKind) -> None:
    """Whatever the reason."""
    store = store_of(1)
    store.fault(fault, operation="update")
    assert on(store, lambda c: c.update("task", "1", {"name": "x"}, Expects(version=1))).kind is kind
    assert store.all("task")["1"]["name"] == "task 1"


def test_a_person_edits_between_the_point_read_and_the_write() -> None:
    """Without a version check that edit is lost, which is what the window is."""
    store = store_of(1, version_check=None)
    seen: list[str] = []

    def hook(phase: str, operation: str, datatype: str, id: str | None) -> None:
        seen.append(f"{phase} {operation} {id}")
        if (phase, operation) == ("after", "get"):
            store.edit("task", 1, name="a person's")

    store.on_request(hook)
    expects = Expects(natives={"name": "task 1"})
    assert on(store, lambda c: c.update("task", "1", {"name": "ours"}, expects)).kind is OutcomeKind.APPLIED
    assert seen == ["before get 1", "after get 1", "before update 1", "after update 1"]


def test_the_same_seed_gives_the_same_history() -> None:
    """So that a failure can be played again."""

    def history(seed: int) -> list[str]:
        store = store_of(seed=seed)
        store.fault("error", rate=0.3)
        store.fault("answer_lost_after", rate=0.3)
        outcomes = [on(store, lambda c, number=number: created(c, str(number))) for number in range(30)]
        return [*(outcome.kind.value for outcome in outcomes), *store.all("task")]

    assert history(3) == history(3)
    assert history(3) != history(4)


def test_people_are_refused_what_the_system_refuses() -> None:
    """Unique keys, required values, references, and parents with children."""
    store = MemorySystem(
        {
            "customer": Behaviour(ids="C-{:04d}", unique=(("vat",),), required=("name",)),
            "project": Behaviour(references={"customer": "customer"}),
        }
    )
    customer = store.insert("customer", {"name": "A", "vat": "1"})
    store.insert("project", {"customer": customer})
    assert customer == "C-0001"
    for refused in (
        lambda: store.insert("customer", {"name": "B", "vat": "1"}),
        lambda: store.insert("customer", {"name": ""}),
        lambda: store.insert("project", {"customer": "C-9999"}),
        lambda: store.delete("customer", customer),
    ):
        with pytest.raises(Refused):
            refused()


def test_a_project_file_finds_its_instance_by_name() -> None:
    """And says so when there is none."""
    store = MemorySystem({"task": Behaviour()}, instance="test-pm")
    try:
        assert isinstance(connect(store.system("pm", instance="test-pm")), MemoryConnector)
    finally:
        del MEMORY_SYSTEMS["test-pm"]
    with pytest.raises(MendFile, match="test-pm"):
        connect(store.system("pm", instance="test-pm"))
