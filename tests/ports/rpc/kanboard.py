"""A server that answers as Kanboard's documentation says: not Kanboard, which cannot run here.

Each procedure takes the documented parameters and no others, and answers in the documented shape: numbers as texts,
times as seconds since 1970, a new id as a number, `true` and `false`, `null` where there is no record.
"""

from __future__ import annotations

import json
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from accord.config.tree import read_tree

TOKEN = "19ffd9709d03ce50675c3a43d1c49c1a"
DOCUMENTED = read_tree(Path(__file__).parent / "specifications" / "kanboard.yaml", "kanboard.yaml").data
NUMBERS = ("project_id", "column_id", "owner_id", "creator_id", "category_id", "score", "swimlane_id", "priority")


class Kanboard:
    """Projects and tasks in memory."""

    def __init__(self) -> None:
        self.tasks: dict[int, dict[str, Any]] = {}
        self.projects: dict[int, dict[str, Any]] = {}
        self.lock = threading.RLock()
        self._last = 0
        self.createProject(name="First")

    def call(self, method: str, params: Any) -> dict[str, Any]:
        """`{result}` or `{error}`: parameters that are not documented are refused as JSON-RPC 2.0 says."""
        said = DOCUMENTED["procedures"].get(method)
        if said is None:
            return {"error": {"code": -32601, "message": "Method not found"}}
        required, optional = said.get("required", []), said.get("optional", [])
        named = dict(zip(required, params, strict=False)) if isinstance(params, list) else params
        if not set(required) <= set(named) <= {*required, *optional}:
            return {"error": {"code": -32602, "message": "Invalid params"}}
        with self.lock:
            return {"result": getattr(self, method)(**named)}

    def createProject(self, **values: Any) -> int:
        id = self._next()
        empty = {"description": None, "identifier": "", "is_active": "1", "is_public": "0", "token": ""}
        self.projects[id] = {**empty, **values, "id": str(id), "last_modified": self._now()}
        return id

    def getAllProjects(self) -> list[dict[str, Any]]:
        return list(self.projects.values())

    def getProjectById(self, project_id: int) -> dict[str, Any] | None:
        return self.projects.get(int(project_id))

    def updateProject(self, project_id: int, **values: Any) -> bool:
        return self._change(self.projects, int(project_id), values, "last_modified")

    def removeProject(self, project_id: int) -> bool:
        return self.projects.pop(int(project_id), None) is not None

    def createTask(self, project_id: int, **values: Any) -> int | bool:
        if int(project_id) not in self.projects or not values["title"]:
            return False
        id, now = self._next(), self._now()
        empty = dict.fromkeys(NUMBERS, "0") | {"description": "", "reference": "", "color_id": "yellow"}
        task = {**empty, **values, "id": str(id), "project_id": project_id, "is_active": "1", "date_creation": now}
        self.tasks[id] = {**_texts(task), "date_due": "0", "date_completed": None, "date_modification": now}
        return id

    def getTask(self, task_id: int) -> dict[str, Any] | None:
        return self.tasks.get(int(task_id))

    def getAllTasks(self, project_id: int, status_id: int) -> list[dict[str, Any]]:
        wanted = (str(project_id), str(status_id))
        return [task for task in self.tasks.values() if (task["project_id"], task["is_active"]) == wanted]

    def updateTask(self, id: int, **values: Any) -> bool:
        return self._change(self.tasks, int(id), values, "date_modification")

    def removeTask(self, task_id: int) -> bool:
        return self.tasks.pop(int(task_id), None) is not None

    def getAllSwimlanes(self, project_id: int) -> list[dict[str, Any]]:
        lane = {"id": project_id, "name": "Default swimlane", "position": "1", "is_active": "1"}
        return [_texts({**lane, "project_id": project_id})]

    def getSwimlaneById(self, swimlane_id: int) -> dict[str, Any] | None:
        there = int(swimlane_id) in self.projects
        return self.getAllSwimlanes(swimlane_id)[0] if there else None

    def getAllUsers(self) -> list[dict[str, Any]]:
        return [{"id": "1", "username": "admin", "name": "", "email": "", "role": "app-admin", "is_ldap_user": "0"}]

    def getUser(self, user_id: int) -> dict[str, Any] | None:
        return self.getAllUsers()[0] if int(user_id) == 1 else None

    def _change(self, where: dict[int, dict[str, Any]], id: int, values: dict[str, Any], touched: str) -> bool:
        if id not in where or values.get("title") == "" or values.get("name") == "":
            return False
        where[id] = {**where[id], **_texts(values), touched: self._now()}
        return True

    def _next(self) -> int:
        self._last += 1
        return self._last

    @staticmethod
    def _now() -> str:
        return str(int(time.time()))


def _texts(values: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if name in NUMBERS else value for name, value in values.items()}


@contextmanager
def served(kanboard: Kanboard) -> Iterator[str]:
    """At an address of its own, for those who know the token."""
    wanted = "Basic " + b64encode(f"jsonrpc:{TOKEN}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path != DOCUMENTED["endpoint"]:
                self._say(404, {"message": "no such page"})
            elif self.headers["Authorization"] != wanted:
                self._say(401, {"error": {"code": 401, "message": "Unauthorized"}, "id": None})
            else:
                self._say(200, {**kanboard.call(call["method"], call.get("params", [])), "id": call["id"]})

        def _say(self, status: int, reply: dict[str, Any]) -> None:
            body = json.dumps({"jsonrpc": "2.0", **reply}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join(10)
