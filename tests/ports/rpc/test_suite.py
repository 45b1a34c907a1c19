"""The connector against the conformance suite, over JSON-RPC 2.0 and 1.0 and in several ways to describe the calls."""

import xmlrpc.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from accord.config.meaning import System
from accord.connectors.rpc.connector import RpcConnector
from accord.model import Absence, Natives, Record
from accord.testing import ConnectorSuite, Harness
from tests.ports.rpc.board import CALLS, STALE, Board, served, system

BY_POSITION: dict[str, Any] = {
    "list": {
        "method": "tasks_after",
        "params": ["{after}", "{limit}"],
        "records": "rows",
        "total": "count",
        "paginator": {"type": "after", "size": 10},
        "changed_since": {"params": ["{after}", "{limit}", "{since}"], "format": "%Y-%m-%dT%H:%M:%SZ"},
    },
    "get": {"method": "get_task", "params": ["{id:int}"], "missing": [None]},
    "create": {"method": "create_task", "params": ["{record}"], "failed": [False, None]},
    "update": {"method": "change_task", "params": ["{id:int}", "{record}"], "failed": [False]},
    "delete": {"method": "delete_task", "params": ["{id:int}"], "failed": [False]},
}


def plain(natives: Natives) -> dict[str, Any]:
    """What a program of the board has: its servers know no decimals."""
    return {path: float(value) if isinstance(value, Decimal) else value for path, value in natives.items()}


class OnBoard(ConnectorSuite):
    """A person works on the board itself, and not through the protocol."""

    protocol = "json-rpc"
    board_of: Callable[[], Board] = Board

    @pytest.fixture(autouse=True)
    def _running(self) -> Iterator[None]:
        self.board = self.board_of()
        with served(self.board, self.protocol) as self.url:
            yield

    def described(self) -> System:
        return system(self.url)

    @contextmanager
    def make(self) -> Iterator[Harness]:
        yield Harness(
            connector=RpcConnector(self.described()),
            datatype="task",
            text="title",
            unmapped="note",
            decimal="hours",
            unique="code",
            insert=lambda natives: str(self.board.create_task(plain(natives))),
            edit=lambda id, natives: self.board.change_task(int(id), plain(natives)),
            delete=lambda id: self.board.delete_task(int(id)),
            get=self.get,
        )

    def get(self, id: str) -> Natives | None:
        return self.board.get_task(int(id))

    def test_fetch_answers_every_id(self) -> None:
        """An id that is no number is not asked for: nothing that could not be there counts as deleted."""

        async def test(h: Harness) -> None:
            id = await h.inserted()
            found = await h.connector.fetch("task", [id, "999999", "no such/id ?&"])
            assert isinstance(found.pop(id), Record)
            assert found == {"999999": Absence.GONE, "no such/id ?&": Absence.FAILED}

        self.run(test)


class TestJsonRpc(OnBoard):
    """Version 2.0, parameters by name, pages by offset, a version check."""


class TestJsonRpc1(OnBoard):
    """Version 1.0, parameters by position, pages after the highest id, changes only, no version check."""

    protocol = "json-rpc-1.0"

    def described(self) -> System:
        return system(self.url, BY_POSITION, version=None, modified="touched", protocol=self.protocol)


class TestWithSession(OnBoard):
    """Every call carries the session of a login, and sessions end while calls are under way."""

    def described(self) -> System:
        calls = {kind: self._wrapped(call) for kind, call in BY_POSITION.items()}
        auth = {
            "type": "login",
            "username": "accord",
            "password": "open sesame",
            "method": "login",
            "params": ["{username}", "{password}"],
        }
        return system(self.url, calls, version=None, modified="touched", auth=auth)

    @staticmethod
    def _wrapped(call: dict[str, Any]) -> dict[str, Any]:
        found = {**call, "method": "with_session", "params": ["{session}", call["method"], call["params"]]}
        if "changed_since" in call:
            changed = call["changed_since"]
            found["changed_since"] = {**changed, "params": ["{session}", call["method"], changed["params"]]}
        return found


def raising(code: int, message: str, data: Any = None) -> None:
    """How the standard library's server is told of a fault."""
    raise xmlrpc.client.Fault(code, message)


class TestXmlRpc(OnBoard):
    """XML-RPC, with a version check."""

    protocol = "xml-rpc"
    board_of = staticmethod(lambda: Board(raising))

    def described(self) -> System:
        version = {"update": ["{id:int}", "{record}", "{version:int}"], "delete": ["{id:int}", "{version:int}"]}
        calls = {kind: {**call, "params": version.get(kind, call["params"])} for kind, call in BY_POSITION.items()}
        calls["find"] = {"method": "find_tasks", "params": ["{property}", "{value}"], "by": ["title"]}
        rules = [{"equals": STALE, "means": "stale"}]
        return system(self.url, calls, modified="touched", protocol=self.protocol, errors=rules)


def test_the_calls_of_these_tests_are_all_that_a_file_may_describe() -> None:
    """So that none is forgotten here."""
    assert set(CALLS) == {"list", "get", "create", "update", "delete", "find"}
