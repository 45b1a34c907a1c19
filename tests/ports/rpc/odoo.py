"""A server that answers as Odoo's documentation says: not Odoo, which cannot run here.

`execute_kw` with the documented methods; `false` where a field is empty, `[id, name]` for a reference, times in UTC
without a zone and in whole seconds, errors with the name of their class.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from accord.config.tree import read_tree

DATABASE, USER, UID, PASSWORD = "production", "accord@example.org", 7, "an-api-key-of-odoo"
DOCUMENTED = read_tree(Path(__file__).parent / "specifications" / "odoo.yaml", "odoo.yaml").data


class OdooError(Exception):
    """An error with the name of its class."""


class Odoo:
    """Records in memory."""

    def __init__(self) -> None:
        self.records: dict[str, dict[int, dict[str, Any]]] = {model: {} for model in DOCUMENTED["models"]}
        self.forbidden: set[int] = set()
        self.password = PASSWORD
        self.calls: list[str] = []
        self._last = 0
        self.lock = threading.RLock()

    def call(self, service: str, method: str, args: list[Any]) -> Any:
        """One call of a service."""
        with self.lock:
            if (service, method) == ("common", "authenticate"):
                self.calls.append("authenticate")
                return UID if args == [DATABASE, USER, self.password, {}] else False
            database, uid, password, model, name, positional, *keyword = args
            if (service, method, database, uid, password) != ("object", "execute_kw", DATABASE, UID, self.password):
                raise OdooError("odoo.exceptions.AccessDenied", "Access Denied")
            self.calls.append(name)
            said = DOCUMENTED["methods"][name]
            if len(positional) != len(said["positional"]) or not set(dict(*keyword)) <= set(said["keyword"]):
                raise OdooError("builtins.TypeError", "wrong arguments")
            return getattr(self, name)(model, *positional, **dict(*keyword))

    def search_read(self, model: str, domain: list[Any], **said: Any) -> list[dict[str, Any]]:
        found = [one for _, one in sorted(self.records[model].items()) if all(_fits(one, *each) for each in domain)]
        if said.get("context", {}).get("active_test", True):
            found = [one for one in found if one["active"]]
        return [self._shown(model, one, said["fields"]) for one in found[: said.get("limit")]]

    def read(self, model: str, ids: list[int], fields: list[str]) -> list[dict[str, Any]]:
        if set(ids) & self.forbidden:
            raise OdooError("odoo.exceptions.AccessError", "You are not allowed to access this.")
        return [self._shown(model, self.records[model][id], fields) for id in ids if id in self.records[model]]

    def create(self, model: str, values: dict[str, Any]) -> int:
        self._last += 1
        now, said = self._now(), DOCUMENTED["models"][model]
        empty = dict.fromkeys([*said["fields"], *said["many2one"]], False)
        record = {**empty, "active": True, **self._checked(model, values), "id": self._last}
        self.records[model][self._last] = {**record, "create_date": now, "write_date": now}
        return self._last

    def write(self, model: str, ids: list[int], values: dict[str, Any]) -> bool:
        for id in ids:
            if id not in self.records[model]:
                missing = f"Record does not exist or has been deleted.\n(Record: {model}({id},), User: {UID})"
                raise OdooError("odoo.exceptions.MissingError", missing)
            self.records[model][id] |= {**self._checked(model, values), "write_date": self._now()}
        return True

    def unlink(self, model: str, ids: list[int]) -> bool:
        for id in ids:
            self.records[model].pop(id, None)
        return True

    def _checked(self, model: str, values: dict[str, Any]) -> dict[str, Any]:
        said = DOCUMENTED["models"][model]
        if not set(values) <= {*said["fields"], *said["many2one"]}:
            raise OdooError("builtins.ValueError", f"Invalid field on model {model}")
        if None in values.values() or values.get("name", "x") is False:
            raise OdooError("odoo.exceptions.ValidationError", "The operation cannot be completed: name is required")
        return values

    def _shown(self, model: str, record: dict[str, Any], fields: list[str]) -> dict[str, Any]:
        references = DOCUMENTED["models"][model]["many2one"]
        return {
            name: [record[name], f"Name {record[name]}"] if name in references and record[name] else record[name]
            for name in ["id", *fields]
        }

    @staticmethod
    def _now() -> str:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())


def _fits(record: dict[str, Any], name: str, operator: str, value: Any) -> bool:
    return {"=": record[name] == value, ">": record[name] > value, ">=": record[name] >= value}[operator]


@contextmanager
def served(odoo: Odoo) -> Iterator[str]:
    """At an address of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            reply: dict[str, Any] = {"jsonrpc": "2.0", "id": said["id"]}
            if self.path != DOCUMENTED["endpoint"] or said["method"] != DOCUMENTED["call"]["method"]:
                self.send_error(404)
                return
            try:
                reply["result"] = odoo.call(**said["params"])
            except OdooError as error:
                name, message = error.args
                data = {"name": name, "message": message, "debug": "Traceback", "arguments": [message], "context": {}}
                reply["error"] = {"code": 200, "message": "Odoo Server Error", "data": data}
            body = json.dumps(reply).encode()
            self.send_response(200)
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
