"""Answers that GraphQL systems, and what stands before them, give beside the good ones."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from accord.config.load import load
from accord.connectors.registry import connect
from accord.errors import ProtocolError, Unreachable
from accord.model import Absence, OutcomeKind, Record
from accord.ports import Connector, Expects, NewRecord
from tests.ports.graphql.test_wrong_files import GOOD, text
from tests.ports.rest.fake import HTML, LOST, Call, Fake, Reply

WITH_ERRORS = GOOD.replace('create: "mutation', 'create:\n  errors: make.errors\n  query: "mutation')


@asynccontextmanager
async def opened(fake: Fake, folder: Path, datatype: str = WITH_ERRORS) -> AsyncIterator[Connector]:
    said = text(datatype).replace("https://shop.example", fake.url)
    limits = "    limits: {timeout: 1s, retries: 1, grace: 1s}\n    introspection: false\n    datatypes:"
    (folder / "accord.yaml").write_text(said.replace("    datatypes:", limits))
    connector = connect(load(folder / "accord.yaml").systems["shop"])
    await connector.open({"thing": ("id", "name")})
    try:
        yield connector
    finally:
        await connector.close()


async def listed(connector: Connector) -> list[Record]:
    return [record async for page in connector.read("thing", None) for record in page.records]


def things(*ids: str, **info: Any) -> dict[str, Any]:
    nodes = [{"id": id, "name": id, "version": 1, "changed": "2026-01-01T00:00:00Z"} for id in ids]
    return {"data": {"things": {"nodes": nodes, "pageInfo": {"hasNextPage": False, "endCursor": None, **info}}}}


async def test_pages_are_followed_by_their_cursor(fake: Fake, tmp_path: Path) -> None:
    """By a variable; the text is the same each time."""
    fake.on("POST /graphql", things("a", hasNextPage=True, endCursor='x"y'), things("b"))
    async with opened(fake, tmp_path) as connector:
        assert [record.id for record in await listed(connector)] == ["a", "b"]
        first, second = (call.json for call in fake.calls)
        assert (first["variables"], second["variables"]) == ({}, {"after": 'x"y'})
        assert first["query"] == second["query"]


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([things("a", hasNextPage=True)], "a next page without endCursor"),
        ([things("a", hasNextPage=True, endCursor="x"), things("b", hasNextPage=True, endCursor="x")], "does not end"),
        ([{"data": {"things": None}}], "nothing at nodes|no list|records"),
        ([{"data": {"things": {"nodes": None, "pageInfo": None}}}], "no list of records"),
        ([{"data": None}], "no data"),
        ([{"hello": 1}], "502"),
        ([HTML.encode()], "HTML page"),
        ([b'{"data": {"things": {"nodes": [{"id"'], "broken JSON"),
        ([{"errors": [{"message": "Cannot query field", "locations": [{"line": 1, "column": 1}]}]}], "Cannot query"),
        ([{"data": {"things": None}, "errors": [{"message": "no database", "path": ["things"]}]}], "no database"),
    ],
)
async def test_what_is_no_listing_is_never_an_empty_one(
    answers: list[Any], why: str, fake: Fake, tmp_path: Path
) -> None:
    """It is a failure of the reading, and says which."""
    fake.on("POST /graphql", *answers)
    async with opened(fake, tmp_path) as connector:
        with pytest.raises((ProtocolError, Unreachable), match=why):
            await listed(connector)


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        ({"data": {"thing": None}}, Absence.GONE),
        ({"data": {"thing": None}, "errors": [{"message": "x", "extensions": {"code": "NOT_FOUND"}}]}, Absence.GONE),
        (
            {"data": {"thing": None}, "errors": [{"message": "x", "extensions": {"code": "FORBIDDEN"}}]},
            Absence.FORBIDDEN,
        ),
        ({"data": {"thing": None}, "errors": [{"message": "broke", "path": ["thing"]}]}, Absence.FAILED),
        ({"data": {"thing": {"id": "b", "name": "another"}}}, Absence.FAILED),
        ({"data": {"thing": {"id": "a"}}, "errors": [{"message": "broke", "path": ["thing", "name"]}]}, Absence.FAILED),
    ],
)
async def test_a_record_is_gone_only_if_the_system_says_so(
    answer: Any, seen: Absence, fake: Fake, tmp_path: Path
) -> None:
    """An error beside a null, or another record, is no absence."""
    fake.on("POST /graphql", answer)
    async with opened(fake, tmp_path) as connector:
        assert (await connector.fetch("thing", ["a"]))["a"] is seen


@pytest.mark.parametrize(
    "answer",
    [
        LOST,
        Reply({"data": {"make": {"thing": {"id": "a"}}}}, cut=True),
        HTML.encode(),
        {"data": None},
        {"data": {"make": {"thing": None, "errors": []}}},
        {"data": {"make": None}, "errors": [{"message": "broke", "path": ["make"]}]},
        {"data": None, "errors": [{"message": "Internal server error"}]},
        {"hello": 1},
        Reply({"errors": [{"message": "bad gateway"}]}, 502),
    ],
)
async def test_a_create_that_may_have_happened_is_unknown_and_sent_once(
    answer: Any, fake: Fake, tmp_path: Path
) -> None:
    """Whatever the answer was that is none."""
    fake.on("POST /graphql", answer)
    async with opened(fake, tmp_path) as connector:
        (outcome,) = await connector.create("thing", [NewRecord(natives={"name": "a"}, token="t")])
        assert outcome.kind is OutcomeKind.UNKNOWN
        assert len(fake.calls) == 1


async def test_a_throttled_mutation_is_sent_again(fake: Fake, tmp_path: Path) -> None:
    """Its code says that it had no effect."""
    throttled = {"data": None, "errors": [{"message": "slow down", "extensions": {"code": "THROTTLED"}}]}
    made = {"data": {"make": {"thing": {"id": "a"}, "errors": []}}}
    fake.on("POST /graphql", throttled, made, {"data": {"thing": {"id": "a", "name": "a"}}})
    async with opened(fake, tmp_path) as connector:
        (outcome,) = await connector.create("thing", [NewRecord(natives={"name": "a"}, token="t")])
        assert outcome.kind is OutcomeKind.APPLIED
        assert outcome.record is not None
        assert outcome.record.natives() == {"id": "a", "name": "a"}


async def test_the_version_goes_where_the_file_says(fake: Fake, tmp_path: Path) -> None:
    """Into the input here, beside the values; the id is a variable of its own."""
    fake.on("POST /graphql", {"data": {"change": {"thing": {"id": "a"}}}})
    async with opened(fake, tmp_path) as connector:
        outcome = await connector.update("thing", "a", {"name": "b"}, Expects(version=7))
        assert outcome.kind is OutcomeKind.APPLIED
        (call,) = fake.calls
        assert call.json["variables"] == {"id": "a", "input": {"name": "b", "version": 7}}


async def test_a_delete_that_answers_no_is_looked_at(fake: Fake, tmp_path: Path) -> None:
    """False: gone already, or refused."""
    for there, kind in ((None, OutcomeKind.ALREADY), ({"id": "a", "name": "a"}, OutcomeKind.REJECTED)):
        looks = iter([{"id": "a", "name": "a"}, there])

        def answer(call: Call, looks: Any = looks) -> Any:
            deleting = "drop" in call.json["query"]
            return Reply({"data": {"drop": False}} if deleting else {"data": {"thing": next(looks)}})

        fake.on("POST /graphql", answer)
        async with opened(fake, tmp_path) as connector:
            outcome = await connector.delete("thing", "a", Expects(natives={"name": "a"}))
            assert outcome.kind is kind


async def test_a_variable_may_be_a_part_of_one(fake: Fake, tmp_path: Path) -> None:
    """The id inside the input, and one that always has the same value."""
    old = '"mutation ($id: ID!, $input: In!) { change(id: $id, input: $input) { thing { id } } }"'
    new = '"mutation ($in: In!, $by: By) { change(input: $in, by: $by) { thing { id } } }"'
    said = WITH_ERRORS.replace(old, f"{new}\n  id: in.key\n  input: in.patch\n  variables: {{by: {{name: accord}}}}")
    fake.on("POST /graphql", {"data": {"change": {"thing": {"id": "a"}}}})
    async with opened(fake, tmp_path, said.replace("version: input.version", "version: in.version")) as connector:
        outcome = await connector.update("thing", "a", {"name": "b"}, Expects(version=7))
        assert outcome.kind is OutcomeKind.APPLIED
        (call,) = fake.calls
        expected = {"by": {"name": "accord"}, "in": {"key": "a", "patch": {"name": "b"}, "version": 7}}
        assert call.json["variables"] == expected


async def test_what_cannot_be_written_is_promised_as_read_only(fake: Fake, tmp_path: Path) -> None:
    """A version that no mutation takes checks nothing."""
    async with opened(fake, tmp_path) as connector:
        can = connector.capabilities("thing")
        assert (can.read_only, can.version_check) == (False, "version")
    async with opened(fake, tmp_path, GOOD.partition("create:")[0]) as connector:
        can = connector.capabilities("thing")
        assert (can.read_only, can.version_check) == (True, None)
