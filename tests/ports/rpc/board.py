"""A small board of tasks behind servers of other people: jsonrpclib for JSON-RPC, the standard library for XML-RPC."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer

from jsonrpclib import Fault, config
from jsonrpclib.SimpleJSONRPCServer import SimpleJSONRPCServer

from accord.config.meaning import Datatype, System, SystemClock, SystemLimits, VersionCheck

STALE = 4091
EXPIRED = 4010


class Board:
    """Its methods are what is called; the names of its parameters are those of the protocol."""

    def __init__(self, fault: Callable[..., Any] = Fault) -> None:
        """`fault` gives what a method returns in place of its result."""
        self.tasks: dict[int, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.sessions: set[str] = set()
        self._last = 0
        self._lock = threading.RLock()
        self._fault = fault

    def list_tasks(self, offset: int, limit: int) -> list[dict[str, Any]]:
        return self._seen("list_tasks")[offset : offset + limit]

    def tasks_after(self, after: int, limit: int, since: str = "") -> dict[str, Any]:
        """Beside the tasks their whole number, unless changes were asked for."""
        found = [task for task in self._seen("tasks_after") if task["id"] > after and task["touched"] >= since]
        return {"rows": found[:limit]} if since else {"rows": found[:limit], "count": len(self.tasks)}

    def tasks_in(self, state: str) -> list[dict[str, Any]]:
        return [task for task in self._seen("tasks_in") if task["state"] == state]

    def get_task(self, id: int) -> dict[str, Any] | None:
        return next((task for task in self._seen("get_task") if task["id"] == id), None)

    def find_tasks(self, property: str, value: Any) -> list[dict[str, Any]]:
        return [task for task in self._seen("find_tasks") if task.get(property) == value]

    def create_task(self, values: dict[str, Any]) -> int | bool:
        """The id, or false where the code is taken: a 200 that failed."""
        with self._lock:
            self.calls.append("create_task")
            if any(task["code"] == values.get("code") is not None for task in self.tasks.values()):
                return False
            self._last += 1
            self.tasks[self._last] = {"code": None, "state": "open", **values, "id": self._last, "version": 1}
            return self._touch(self._last)

    def update_task(self, id: int, version: int | None = None, **values: Any) -> Any:
        """False where there is none; a fault where somebody was faster."""
        with self._lock:
            self.calls.append("update_task")
            if id not in self.tasks:
                return False
            if self._moved(id, version):
                return self._fault(STALE, "somebody was faster")
            self.tasks[id] |= values
            self.tasks[id]["version"] += 1
            return bool(self._touch(id))

    def change_task(self, id: int, values: dict[str, Any], version: int | None = None) -> Any:
        """The same, with the values in one parameter."""
        return self.update_task(id, version, **values)

    def delete_task(self, id: int, version: int | None = None) -> Any:
        with self._lock:
            self.calls.append("delete_task")
            if id not in self.tasks:
                return False
            if self._moved(id, version):
                return self._fault(STALE, "somebody was faster")
            del self.tasks[id]
            return True

    def login(self, name: str, password: str) -> str | bool:
        self.calls.append("login")
        if password != "open sesame":
            return False
        self.sessions.add(session := secrets.token_hex(8))
        return session

    def with_session(self, session: str, method: str, arguments: list[Any]) -> Any:
        """A call that needs a session."""
        if session not in self.sessions:
            return self._fault(EXPIRED, f"the session {session} has ended")
        return getattr(self, method)(*arguments)

    def fail(self, code: int, message: str, data: Any = None) -> Any:
        """Whatever error a test asks for."""
        self.calls.append("fail")
        return self._fault(code, message, data=data)

    def echo(self, value: Any) -> Any:
        return value

    def _moved(self, id: int, version: int | None) -> bool:
        return version is not None and bool(self.tasks[id]["version"] != version)

    def _touch(self, id: int) -> int:
        self.tasks[id]["touched"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return id

    def _seen(self, call: str) -> list[dict[str, Any]]:
        with self._lock:
            self.calls.append(call)
            return [dict(self.tasks[id]) for id in sorted(self.tasks)]


class _JsonServer(ThreadingMixIn, SimpleJSONRPCServer):
    daemon_threads = True


class _XmlServer(ThreadingMixIn, SimpleXMLRPCServer):
    daemon_threads = True


class _AnyPath(SimpleXMLRPCRequestHandler):
    rpc_paths = ()


@contextmanager
def served(board: Board, protocol: str = "json-rpc") -> Iterator[str]:
    """The board at an address of its own."""
    if protocol == "xml-rpc":
        server: Any = _XmlServer(("127.0.0.1", 0), _AnyPath, logRequests=False, allow_none=True)
    else:
        version = 1.0 if protocol == "json-rpc-1.0" else 2.0
        server = _JsonServer(("127.0.0.1", 0), logRequests=False, config=config.Config(version=version))
    server.register_instance(board)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


CALLS: dict[str, Any] = {
    "list": {
        "method": "list_tasks",
        "params": {"offset": "{offset}", "limit": "{limit}"},
        "paginator": {"type": "offset", "size": 10},
    },
    "get": {"method": "get_task", "params": {"id": "{id:int}"}, "missing": [None]},
    "create": {"method": "create_task", "params": {"values": "{record}"}, "failed": [False, None]},
    "update": {
        "method": "update_task",
        "params": {"id": "{id:int}", "version": "{version:int}"},
        "spread": True,
        "failed": [False],
    },
    "delete": {"method": "delete_task", "params": {"id": "{id:int}", "version": "{version:int}"}, "failed": [False]},
    "find": {
        "method": "find_tasks",
        "params": {"property": "{property}", "value": "{value}"},
        "by": ["title", "code"],
    },
}
RULES = [{"equals": STALE, "means": "stale"}, {"equals": EXPIRED, "means": "expired"}]


def system(url: str, calls: dict[str, Any] | None = None, **more: Any) -> System:
    """A board as a project file describes it; what is given goes over it."""
    fields = {key: more.pop(key) for key in ("version", "modified", "properties") if key in more}
    checked: dict[str, Any] = {"version": VersionCheck(kind="path", path="version"), **fields}
    limits = more.pop("limits", SystemLimits(timeout=10, retries=2))
    clock = more.pop("clock", SystemClock())
    task = Datatype(system="board", name="task", title="Task", options=CALLS if calls is None else calls, **checked)
    options = {"base_url": url, "errors": RULES, **more}
    return System(
        name="board",
        title="Board",
        connector="jsonrpc",
        limits=limits,
        clock=clock,
        datatypes={"task": task},
        options=options,
    )
