"""How GraphQL answers, one habit at a time, on the running tracker."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from json import dumps
from pathlib import Path
from typing import Any

import pytest

from accord.errors import ProtocolError, Unauthorized
from accord.model import Absence, OutcomeKind, Record
from accord.ports import Connector, Expects, NewRecord
from accord.testing import ground
from tests.real.graphql.conftest import Tracker
from tests.real.graphql.described import EDGES, PLAIN, VERSIONED, opened

pytestmark = pytest.mark.xdist_group("graphql")
Run = Callable[..., None]


@pytest.fixture
def run(tracker: Tracker, tmp_path: Path) -> Run:
    """Runs a test with a connector."""

    def running(test: Callable[[Connector], Awaitable[None]], datatype: str = VERSIONED, **more: Any) -> None:
        async def all() -> None:
            async with opened(tracker, tmp_path, datatype, **more) as connector:
                await test(connector)

        asyncio.run(all())

    return running


def new(**natives: Any) -> list[NewRecord]:
    return [NewRecord(natives=natives, token="key-1")]


async def shown(connector: Connector, id: str) -> Record:
    found = (await connector.fetch("issue", [id]))[id]
    assert isinstance(found, Record)
    return found


def test_a_stale_write_is_refused_by_the_system(run: Run, tracker: Tracker) -> None:
    """One request: the version goes with it, and `userErrors` says that it is stale."""

    async def test(connector: Connector) -> None:
        assert connector.capabilities("issue").version_check == "version"
        id = tracker.insert({"title": "before"})
        seen = ground(await shown(connector, id))
        tracker.edit(id, {"title": "a person's"})
        await connector.schema()
        sent = connector.requests
        stale = await connector.update("issue", id, {"title": "ours"}, seen)
        gone = await connector.delete("issue", id, seen)
        assert (stale.kind, gone.kind) == (OutcomeKind.STALE, OutcomeKind.STALE)
        assert "version: the issue has version 2" in (stale.message or "")
        assert connector.requests - sent == 2
        assert (tracker.get(id) or {})["title"] == "a person's"

    run(test)


def test_twenty_writers_on_the_same_ground(run: Run, tracker: Tracker) -> None:
    """Exactly one passes."""

    async def test(connector: Connector) -> None:
        id = tracker.insert({"title": "before"})
        seen = ground(await shown(connector, id))
        writes = (connector.update("issue", id, {"title": f"writer {number}"}, seen) for number in range(20))
        kinds = sorted(outcome.kind.value for outcome in await asyncio.gather(*writes))
        assert kinds == ["applied"] + ["stale"] * 19

    run(test)


def test_a_mutation_that_broke_is_unknown(run: Run) -> None:
    """An error of a field that ran, without a code: nobody knows what it did before."""

    async def test(connector: Connector) -> None:
        (outcome,) = await connector.create("issue", new(title="explode"))
        assert (outcome.kind, "something broke" in (outcome.message or "")) == (OutcomeKind.UNKNOWN, True)

    run(test)


def test_a_refusal_is_one_wherever_it_stands(run: Run) -> None:
    """In the payload, with its field; in `errors`, by its code; of the question itself, which did not begin."""

    async def test(connector: Connector) -> None:
        (listed,) = await connector.create("issue", new(title="x" * 201))
        (coded,) = await connector.create("issue", new(title="forbidden"))
        (asked,) = await connector.create("issue", new(title="a", nope="b"))
        assert [one.kind for one in (listed, coded, asked)] == [OutcomeKind.REJECTED] * 3
        assert listed.message == "422: title: is too long (at most 200)"
        assert coded.message == "403: not for you"
        assert "nope" in (asked.message or "")

    run(test)


def test_values_are_never_part_of_the_text(run: Run, tracker: Tracker) -> None:
    """A title that would end a string, and a query."""

    async def test(connector: Connector) -> None:
        title = '"}) { issue { id } } deleteIssue(id: "1") { deletedId } #'
        (outcome,) = await connector.create("issue", new(title=title))
        assert outcome.record is not None
        assert (tracker.get(outcome.record.id) or {})["title"] == title
        assert [one.id for one in await connector.find("issue", {"title": title})] == [outcome.record.id]
        assert (await connector.fetch("issue", ['1") { id } #']))['1") { id } #'] is Absence.GONE

    run(test)


def test_decimals_go_as_text_and_floats_as_numbers(run: Run, tracker: Tracker) -> None:
    """As introspection says; twenty-five digits come back as they went."""

    async def test(connector: Connector) -> None:
        digits = Decimal("123456789012345678901234.10")
        (outcome,) = await connector.create("issue", new(estimate=digits, effort=Decimal("1.5")))
        assert outcome.record is not None, outcome.message
        assert outcome.record.natives() == {"id": outcome.record.id, "estimate": str(digits), "effort": Decimal("1.5")}
        stored = tracker.get(outcome.record.id) or {}
        assert (stored["estimate"], stored["effort"]) == (str(digits), 1.5)

    run(test, paths=("id", "estimate", "effort"))


def test_a_record_with_a_broken_field_is_a_failure_of_its_own(run: Run, tracker: Tracker) -> None:
    """A null beside an error is no empty value; the other records are shown."""

    async def test(connector: Connector) -> None:
        ids = [tracker.insert({"title": title}) for title in ("a", "boom", "c")]
        pages = [page async for page in connector.read("issue", None)]
        assert [record.id for page in pages for record in page.records] == [ids[0], ids[2]]
        assert len([failure for page in pages for failure in page.failures]) == 1
        assert (await connector.fetch("issue", [ids[1]]))[ids[1]] is Absence.FAILED

    run(test, VERSIONED.replace("id title", "id boom title", 2), paths=("id", "title", "boom"))


def test_a_null_of_an_update_is_looked_at(run: Run, tracker: Tracker) -> None:
    """It may mean that the record is gone, or that something was refused."""

    async def test(connector: Connector) -> None:
        kept, gone = tracker.insert({"code": "a"}), tracker.insert({"code": "b"})
        grounds = {id: ground(await shown(connector, id)) for id in (kept, gone)}
        taken = await connector.update("issue", kept, {"code": "b"}, grounds[kept])
        assert taken.kind is OutcomeKind.REJECTED
        tracker.delete(gone)
        outcome = await connector.update("issue", gone, {"code": "c"}, Expects())
        assert outcome.kind is OutcomeKind.STALE

    run(test, PLAIN)


def test_a_delete_without_a_version_compares_before(run: Run, tracker: Tracker) -> None:
    """Where the update takes a version and the delete does not."""

    async def test(connector: Connector) -> None:
        id = tracker.insert({"title": "before"})
        seen = ground(await shown(connector, id))
        tracker.edit(id, {"title": "a person's"})
        assert (await connector.delete("issue", id, seen)).kind is OutcomeKind.STALE
        assert (await connector.delete("issue", id, ground(await shown(connector, id)))).kind is OutcomeKind.APPLIED

    run(test, EDGES)


def test_an_operation_that_the_file_has_not_is_refused(run: Run, tracker: Tracker) -> None:
    """Nothing is sent."""

    async def test(connector: Connector) -> None:
        id = tracker.insert({"title": "a"})
        (made,) = await connector.create("issue", new(title="b"))
        changed = await connector.update("issue", id, {"title": "b"}, Expects())
        gone = await connector.delete("issue", id, Expects())
        assert [one.kind for one in (made, changed, gone)] == [OutcomeKind.REJECTED] * 3
        assert (made.message, connector.requests) == ("the project file has no `create` for issue", 0)

    run(test, PLAIN.partition("create:")[0])


def test_credentials_are_refused_in_a_200(run: Run, tracker: Tracker, tmp_path: Path) -> None:
    """`UNAUTHENTICATED` is what a 401 is, in a listing as in a schema."""

    async def test(connector: Connector) -> None:
        with pytest.raises(Unauthorized):
            [page async for page in connector.read("issue", None)]
        with pytest.raises((Unauthorized, ProtocolError), match="sign in first"):
            await connector.schema()

    run(test, token="stale")


def test_schema_check_and_discover(run: Run, tracker: Tracker) -> None:
    """Types, what is required, options, descriptions; a Float is named for what it is."""

    async def test(connector: Connector) -> None:
        told = (await connector.schema())["issue"].properties
        assert {path: one.type for path, one in told.items()} == {
            "id": "string",
            "title": "string",
            "code": "string",
            "note": "string",
            "estimate": "decimal",
            "effort": "float",
            "state": "enum",
            "owner.id": "string",
            "ref": "string",
            "version": "integer",
            "updatedAt": "datetime",
        }
        assert told["state"].values == ("OPEN", "DONE")
        assert told["title"].note == "What it is about."
        assert (told["id"].read_only, told["updatedAt"].read_only, told["owner.id"].read_only) == (True, True, False)
        tracker.insert({"title": "a"})
        ((_, fits, said),) = await connector.check()  # type: ignore[attr-defined]
        assert fits
        assert said.startswith("readable, 1 records; effort: a GraphQL Float is a binary float")
        found, _ = await connector.discover(3)  # type: ignore[attr-defined]
        assert [record["title"] for record in found.samples] == ["a"]

    run(test, paths=("id", "effort"))


@pytest.mark.parametrize(
    ("old", "wrong", "said"),
    [
        ("code note", "code noet", "Cannot query field 'noet' on type 'Issue'. Did you mean 'note'"),
        (
            "$first: Int!",
            "$first: String!",
            "Variable '$first' of type 'String!' used in position expecting type 'Int!'",
        ),
        ("IssueInput!", "IssueInputs!", "Unknown type 'IssueInputs'. Did you mean 'IssueInput'"),
    ],
)
def test_check_compares_the_operations_with_the_schema(run: Run, old: str, wrong: str, said: str) -> None:
    """Names of fields, types of variables, names of types."""

    async def test(connector: Connector) -> None:
        ((_, fits, message),) = await connector.check()  # type: ignore[attr-defined]
        assert not fits
        assert said in message

    run(test, VERSIONED.replace(old, wrong))


def test_a_schema_that_is_not_told_is_said_with_the_key(run: Run) -> None:
    """Only where `introspection: false` is said, nothing is compared."""

    async def test(connector: Connector) -> None:
        assert await connector.schema() == {}
        ((_, fits, message),) = await connector.check()  # type: ignore[attr-defined]
        assert fits
        assert "not compared with a schema" in message

    run(test, more="introspection: false")


def test_what_the_schema_lists_is_discovered_with_its_operations(run: Run, tracker: Tracker, tmp_path: Path) -> None:
    """What the file has not, written as it can be used: the keys load, and read."""
    proposed: list[Any] = []

    async def test(connector: Connector) -> None:
        proposed.extend(await connector.discover(3))  # type: ignore[attr-defined]

    run(test)
    issue, label = proposed
    assert (issue.name, label.name) == ("issue", "label")
    assert [sample["key"] for sample in label.samples] == ["bug", "idea"]
    assert label.keys == {
        "id": "key",
        "modified": "lastModified",
        "list": {
            "query": "query ($skip: Int!, $take: Int!) { labels(skip: $skip, take: $take) { key colour lastModified } }"
        },
        "get": {"query": "query ($key: ID!) { label(key: $key) { key colour lastModified } }", "id": "key"},
    }
    said = f"id: key\nmodified: lastModified\nlist: {dumps(label.keys['list'])}\nget: {dumps(label.keys['get'])}\n"

    async def use(connector: Connector) -> None:
        records = [record async for page in connector.read("issue", None) for record in page.records]
        assert [record.natives() for record in records] == [{"colour": "red"}, {"colour": "blue"}]
        assert (await shown(connector, "idea")).natives() == {"colour": "blue"}

    run(use, said, paths=("colour",))
