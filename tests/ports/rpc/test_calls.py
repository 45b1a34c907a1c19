"""What replies mean: errors inside a 200, results that failed, replies that are none, sessions that end."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest
from aiohttp import web

from accord.config.meaning import SystemLimits
from accord.connectors.rpc.connector import RpcConnector
from accord.connectors.rpc.options import Rule
from accord.connectors.rpc.replies import meaning, words
from accord.errors import ProtocolError, Unauthorized, Unreachable
from accord.model import Absence, OutcomeKind, Record
from accord.ports import Expects, NewRecord
from tests.ports.rpc.board import CALLS, Board, served, system

T = TypeVar("T")
PATHS = {"task": ["title", "code"]}


def run(url: str, work: Callable[[RpcConnector], Awaitable[T]], calls: Any = None, **more: Any) -> T:
    """Some work with an open connector."""

    async def whole() -> T:
        connector = RpcConnector(system(url, calls, **more))
        await connector.open(PATHS)
        try:
            return await work(connector)
        finally:
            await connector.close()

    return asyncio.run(whole())


def new(**natives: Any) -> list[NewRecord]:
    return [NewRecord(natives=natives, token="t")]


def failing(code: int, message: str = "no", data: Any = None) -> dict[str, Any]:
    """The calls of a board, of which the point read and the writes fail in this way."""
    fail = {"method": "fail", "params": [code, message, data]}
    named = {"get": [], "create": ["{record}"], "update": ["{id}", "{record}"], "delete": ["{id}"]}
    return {**CALLS, **{kind: {**CALLS[kind], **fail, "spread": False} for kind in named}}


@pytest.mark.parametrize(
    ("means", "update", "create", "delete", "seen"),
    [
        ("gone", OutcomeKind.STALE, OutcomeKind.REJECTED, OutcomeKind.ALREADY, Absence.GONE),
        ("stale", OutcomeKind.STALE, OutcomeKind.REJECTED, OutcomeKind.STALE, Absence.FAILED),
        ("refused", OutcomeKind.REJECTED, OutcomeKind.REJECTED, OutcomeKind.REJECTED, Absence.FAILED),
        ("forbidden", OutcomeKind.REJECTED, OutcomeKind.REJECTED, OutcomeKind.REJECTED, Absence.FORBIDDEN),
        ("unknown", OutcomeKind.UNKNOWN, OutcomeKind.UNKNOWN, OutcomeKind.UNKNOWN, Absence.FAILED),
    ],
)
def test_what_a_rule_says_of_an_error(means: str, update: Any, create: Any, delete: Any, seen: Any) -> None:
    """A reply of 200 with an error ends as the rule says, in each call."""

    async def work(connector: RpcConnector) -> list[Any]:
        expects = Expects(version=1)
        return [
            (await connector.update("task", "1", {"title": "x"}, expects)).kind,
            (await connector.create("task", new(title="x")))[0].kind,
            (await connector.delete("task", "1", expects)).kind,
            (await connector.fetch("task", ["1"]))["1"],
        ]

    rules = [{"at": "data.name", "equals": ["Other", "Fits"], "means": means}]
    with served(Board()) as url:
        found = run(url, work, failing(1, "no", {"name": "Fits"}), errors=rules)
    assert found == [update, create, delete, seen]


def test_an_error_that_may_pass_is_tried_again_and_counted() -> None:
    """Until the tries are used up; nothing was done, so the write is not in doubt."""
    board = Board()
    with served(board) as url, pytest.raises(Unreachable):
        run(
            url,
            lambda connector: connector.create("task", new(title="x")),
            failing(7),
            errors=[{"equals": 7, "means": "retry"}],
        )
    assert board.calls.count("fail") == 3


@pytest.mark.parametrize(
    ("error", "status", "means"),
    [
        ({"code": -32601, "message": "no such method"}, 200, "refused"),
        ({"code": -32603, "message": "oops"}, 200, "unknown"),
        ({"code": -32000, "message": "oops"}, 200, "unknown"),
        ({"code": 17, "message": "the title is too long"}, 200, "refused"),
        ({"code": 17, "message": "internal error"}, 200, "unknown"),
        ({"code": 17, "message": "the title is too long"}, 500, "unknown"),
        (["UserError", ["too long", ""]], 200, "refused"),
        ("time-out", 200, "unknown"),
    ],
)
def test_an_error_without_a_rule(error: Any, status: int, means: str) -> None:
    """What is certain by JSON-RPC 2.0 is refused, what is not is unknown, the rest goes by its words."""
    assert meaning(error, (), status) == means


def test_words_that_a_person_typed_do_not_make_a_record_gone() -> None:
    """A whole text at a named place counts, with the id that was asked for, and no part of it."""
    rule = Rule(at="message", matches=r"no record \"{id}\"\.", means="gone")
    assert meaning({"code": 1, "message": 'no record "5".'}, (rule,), 200, "5") == "gone"
    assert meaning({"code": 1, "message": 'no record "6".'}, (rule,), 200, "5") == "refused"
    assert meaning({"code": 1, "message": 'the name is: no record "5".'}, (rule,), 200, "5") == "refused"
    assert meaning({"code": 1, "message": 'no record "55".'}, (rule,), 200, "5.") == "refused"


def test_the_trace_of_an_error_is_not_shown() -> None:
    """Its message, and that of its data."""
    error = {"code": 200, "message": "Server Error", "data": {"name": "x", "message": "too long", "debug": "Traceback"}}
    assert words(error) == "Server Error: 200: too long"
    assert words({"message": "no", "data": "the title"}) == "no: the title"


def test_a_write_that_answers_false_is_looked_at() -> None:
    """Refused, if the record is as it was; stale, if it is gone; a delete of what is gone has nothing to do."""
    board = Board()
    false = {"method": "echo", "params": [False], "spread": False}
    calls = {**CALLS, "update": {**CALLS["update"], **false}, "delete": {**CALLS["delete"], **false}}

    async def work(connector: RpcConnector) -> list[Any]:
        there, expects = str(board.create_task({"title": "a", "code": "C"})), Expects(version=1, natives={"title": "a"})
        return [
            (await connector.update("task", there, {"title": "x"}, expects)).kind,
            (await connector.update("task", "99", {"title": "x"}, expects)).kind,
            (await connector.delete("task", "99", expects)).kind,
            (await connector.create("task", new(title="b", code="C")))[0],
        ]

    with served(board) as url:
        refused, stale, already, twice = run(url, work, calls)
    assert (refused, stale, already) == (OutcomeKind.REJECTED, OutcomeKind.STALE, OutcomeKind.ALREADY)
    assert (twice.kind, twice.message) == (
        OutcomeKind.REJECTED,
        "409: create_task answered false, which means that it was refused",
    )


def test_a_call_that_is_not_described_is_refused() -> None:
    """And a datatype without any write is read only."""
    calls = {kind: CALLS[kind] for kind in ("list", "get")}
    with served(Board()) as url:
        (outcome,) = run(url, lambda connector: connector.create("task", new(title="x")), calls)
        assert RpcConnector(system(url, calls)).capabilities("task").read_only
    assert (outcome.kind, "describes no `create`" in (outcome.message or "")) == (OutcomeKind.REJECTED, True)


def test_a_listing_that_answers_false_is_no_empty_one() -> None:
    """It is an error, so that nothing counts as deleted."""
    calls = {**CALLS, "list": {"method": "echo", "params": [False]}}
    with served(Board()) as url, pytest.raises(ProtocolError):
        run(url, listed, calls)


async def listed(connector: RpcConnector) -> list[str]:
    return [record.id async for page in connector.read("task", None) for record in page.records]


def test_a_listing_for_each_of_some_values_is_one() -> None:
    """From the file, and from a call; what is in none of them is not in it."""
    board = Board()
    for title, state in (("a", "open"), ("b", "done"), ("c", "lost")):
        board.create_task({"title": title, "state": state})
    given = {"method": "tasks_in", "params": ["{state}"], "each": {"state": ["done", "open"]}}
    asked = {**given, "each": {"state": {"method": "list_tasks", "params": [0, 9], "take": "state"}}}
    with served(board) as url:
        assert run(url, listed, {**CALLS, "list": given}) == ["2", "1"]
        assert run(url, listed, {**CALLS, "list": asked}) == ["1", "2", "3"]
        with pytest.raises(ProtocolError):
            run(url, listed, {**CALLS, "list": {**asked, "each": {"state": {"method": "echo", "params": [None]}}}})


def test_a_listing_after_the_highest_id_shifts_nothing() -> None:
    """A record that is deleted while pages are read leaves no other out; a listing by values goes through all pages."""
    board = Board()
    for number in range(25):
        board.create_task({"title": f"t{number}"})
    for gone in (1, 2, 3):
        board.delete_task(gone)
    calls = {
        **CALLS,
        "list": {
            "method": "tasks_after",
            "params": ["{after}", "{limit}"],
            "records": "rows",
            "paginator": {"type": "after", "size": 10},
        },
    }
    del calls["find"]

    async def work(connector: RpcConnector) -> tuple[list[str], list[Record]]:
        found = []
        async for page in connector.read("task", None):
            found += [record.id for record in page.records]
            board.delete_task(3 + len(found) // 10)
        return found, await connector.find("task", {"title": "t24"})

    with served(board) as url:
        found, last = run(url, work, calls)
    assert set(found) >= {str(number) for number in range(6, 26)}
    assert len(found) == len(set(found))
    assert [record.id for record in last] == ["25"]


SESSION = {"method": "with_session", "spread": False}


def test_a_session_that_has_ended_is_renewed_for_all_that_wait() -> None:
    """One login for twenty calls, and each is made again; the second time it is refused."""
    board = Board()
    calls = {
        **CALLS,
        "get": {**CALLS["get"], **SESSION, "params": ["{session}", "get_task", ["{id:int}"]]},
    }
    auth = {"type": "login", "username": "a", "password": "open sesame", "method": "login"}
    auth["params"] = ["{username}", "{password}"]  # type: ignore[assignment]

    async def work(connector: RpcConnector) -> None:
        id = str(board.create_task({"title": "x"}))
        await connector.fetch("task", [id])
        board.sessions.clear()
        found = [await one for one in [asyncio.ensure_future(connector.fetch("task", [id])) for _ in range(20)]]
        assert all(isinstance(one[id], Record) for one in found)

    with served(board) as url:
        run(url, work, calls, auth=auth, limits=SystemLimits(timeout=10, retries=2, concurrency=20))
    assert board.calls.count("login") == 2
    with served(board) as url, pytest.raises(Unauthorized, match="no session was given") as raised:
        run(url, lambda connector: connector.fetch("task", ["1"]), calls, auth={**auth, "password": "wrong word"})
    assert "wrong word" not in str(raised.value)


@asynccontextmanager
async def answering(status: int, body: str) -> Any:
    """A server that says one thing, whatever it is asked; `#` in it is the number of the call."""

    async def handle(request: web.Request) -> web.Response:
        number = (await request.json())["id"]
        return web.Response(status=status, text=body.replace("#", str(number)), content_type="application/json")

    app = web.Application()
    app.router.add_post("/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, "<html>Welcome</html>"),
        (200, ""),
        (200, '{"id": 99999, "result": {"id": 1}}'),
        (200, '{"result": {"id": 1}}'),
        (200, '{"id": #}'),
        (200, '[{"id": #, "result": 1}]'),
        (200, '{"id": #, "result": {"id": 1, "title": "x"}'),
        (404, "<html>no such page</html>"),
        (404, '{"message": "no route"}'),
        (410, ""),
        (500, "<html>Fatal error</html>"),
    ],
)
def test_what_is_no_reply_to_this_call_is_neither_a_success_nor_a_missing_record(status: int, body: str) -> None:
    """A write is unknown, a record could not be read, and a listing fails."""

    async def work() -> None:
        async with answering(status, body) as url:
            connector = RpcConnector(system(url, limits=SystemLimits(timeout=10, retries=0)))
            await connector.open(PATHS)
            try:
                assert (await connector.create("task", new(title="x")))[0].kind is OutcomeKind.UNKNOWN
                outcome = await connector.update("task", "1", {"title": "x"}, Expects(version=1))
                assert outcome.kind is OutcomeKind.UNKNOWN
                assert (await connector.delete("task", "1", Expects(version=1))).kind is OutcomeKind.UNKNOWN
                try:
                    assert await connector.fetch("task", ["1"]) == {"1": Absence.FAILED}
                except Unreachable:
                    assert status != 410
                with pytest.raises((ProtocolError, Unreachable)):
                    await listed(connector)
            finally:
                await connector.close()

    asyncio.run(work())


def test_a_secret_among_the_variables_is_not_shown() -> None:
    """Though the system repeats it in its error."""
    calls = failing(5, "the token s3cr3t-value is wrong")
    with served(Board()) as url:
        (outcome,) = run(
            url,
            lambda connector: connector.create("task", new(title="x")),
            calls,
            variables={"api_token": "s3cr3t-value"},
        )
    assert (outcome.kind, outcome.message) == (OutcomeKind.REJECTED, "422: the token *** is wrong: 5")


def test_a_session_is_not_shown() -> None:
    """Though the system repeats it; and the word stays."""
    calls = failing(5)
    calls["create"] = {"method": "fail", "params": [5, "the session {session} is wrong", "{record}"]}
    auth = {"type": "login", "username": "a", "password": "open sesame", "method": "login"}
    auth["params"] = ["{username}", "{password}"]  # type: ignore[assignment]
    board = Board()
    with served(board) as url:
        (outcome,) = run(url, lambda connector: connector.create("task", new(title="x")), calls, auth=auth)
    assert len(board.sessions) == 1
    assert (outcome.kind, outcome.message) == (OutcomeKind.REJECTED, "422: the session *** is wrong: 5")


def test_a_result_that_is_nested_too_deeply_is_no_success() -> None:
    """Neither in a listing nor in a record, and the process goes on."""
    deep = "[" * 20_000 + "]" * 20_000

    async def work() -> None:
        async with answering(200, '{"id": #, "result": ' + deep + "}") as url:
            for dialect in ("plain", "tryton", "odoo"):
                connector = RpcConnector(system(url, limits=SystemLimits(timeout=10, retries=0), dialect=dialect))
                await connector.open(PATHS)
                try:
                    assert (await connector.create("task", new(title="x")))[0].kind is OutcomeKind.UNKNOWN
                    assert await connector.fetch("task", ["1"]) == {"1": Absence.FAILED}
                    with pytest.raises(ProtocolError):
                        await listed(connector)
                finally:
                    await connector.close()

    asyncio.run(work())
