"""Frappe in the shapes of its REST API v1: lists by JSON filters, `modified` as a version, 417 for every refusal.

Facts: frappe/api/v1.py, frappe/exceptions.py and frappe/model/document.py, named in facts/erpnext.yaml.
"""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from accord.connectors.rest.bodies import nested
from accord.model import Natives

from .server import Asked, Said, System, flat, merged

KEY = "0123456789abcde:fedcba987654321"
ZONE = "Asia/Kolkata"
FIELDS: dict[str, dict[str, Any]] = {
    "Customer": {"customer_name": None, "customer_type": "Company", "customer_details": None, "disabled": 0},
    "Project": {"project_name": None, "status": "Open", "notes": None, "estimated_costing": 0.0, "customer": None,
                "expected_start_date": None},
    "Task": {"subject": None, "status": "Open", "description": None, "expected_time": 0.0, "project": None,
             "exp_start_date": None, "is_milestone": 0},
    "Sales Order": {"title": None, "remarks": None},
}  # fmt: skip
NEEDED = {"Customer": "customer_name", "Project": "project_name", "Task": "subject", "Sales Order": "title"}
OWN = {"custom_note": None, "accord_key": None}


def failed(status: int, kind: str, message: str) -> Said:
    server = json.dumps([json.dumps({"message": message, "title": "Message", "indicator": "red"})])
    return Said(
        status, {"exception": f"frappe.exceptions.{kind}: {message}", "exc_type": kind, "_server_messages": server}
    )


class Frappe(System):
    """A few doctypes."""

    def __init__(self) -> None:
        super().__init__()
        self._clock = datetime.now(ZoneInfo(ZONE)).replace(tzinfo=None)

    def now(self) -> str:
        """The time of the site, with microseconds; never the same twice."""
        self._clock = max(self._clock + timedelta(microseconds=1), datetime.now(ZoneInfo(ZONE)).replace(tzinfo=None))
        return self._clock.isoformat(" ", "microseconds")

    def insert(self, doctype: str, natives: Natives, name: str | None = None) -> str:
        name = name or f"{doctype.upper().replace(' ', '-')}-2026-{self.number():05}"
        now = self.now()
        record = {"name": name, "owner": "Administrator", "creation": now, "modified": now, "docstatus": 0, "idx": 0}
        record |= {**deepcopy(FIELDS[doctype]), **OWN}
        merged(record, nested(natives))
        self.table(doctype)[name] = record
        return name

    def edit(self, doctype: str, name: str, natives: Natives) -> None:
        merged(self.table(doctype)[name], {**nested(natives), "modified": self.now()})

    def delete(self, doctype: str, name: str) -> None:
        del self.table(doctype)[name]

    def get(self, doctype: str, name: str) -> Natives | None:
        record = self.table(doctype).get(name)
        return None if record is None else flat(record)

    def answer(self, asked: Asked) -> Said:
        if asked.headers.get("Authorization") != f"token {KEY}":
            return failed(401, "AuthenticationError", "Invalid authorization")
        api, resource, doctype, *rest = asked.steps
        if (api, resource) != ("api", "resource") or doctype not in FIELDS:
            return failed(404, "DoesNotExistError", f"DocType {doctype} not found")
        if not rest:
            return self.listed(doctype, asked) if asked.method == "GET" else self.created(doctype, asked)
        if rest[0] not in self.table(doctype):
            return failed(404, "DoesNotExistError", f"{doctype} {rest[0]} not found")
        if rest[0] in self.hidden:
            return failed(403, "PermissionError", "Insufficient Permission")
        return {"GET": self.shown, "PUT": self.updated, "DELETE": self.removed}[asked.method](doctype, rest[0], asked)

    hidden: set[str] = set()
    """Names of documents that our user may not read."""

    def shown(self, doctype: str, name: str, asked: Asked) -> Said:
        return Said(200, {"data": {**self.table(doctype)[name], "doctype": doctype, "users": []}})

    def listed(self, doctype: str, asked: Asked) -> Said:
        fields = json.loads(asked.query.get("fields", '["name"]'))
        filters = json.loads(asked.query.get("filters", "[]"))
        visible = [record for record in self.table(doctype).values() if record["name"] not in self.hidden]
        found = sorted(
            (one for one in visible if all(fits(one, said) for said in filters)), key=lambda one: one["name"]
        )
        start, size = int(asked.query.get("limit_start", 0)), int(asked.query.get("limit_page_length", 20))
        page = found[start : start + min(size, 10)]
        return Said(200, {"data": page if fields == ["*"] else [{name: one[name] for name in fields} for one in page]})

    def created(self, doctype: str, asked: Asked) -> Said:
        body = {name: value for name, value in asked.json.items() if name not in ("doctype", "name")}
        if not body.get(NEEDED[doctype]):
            return failed(417, "MandatoryError", f"[{doctype}]: {NEEDED[doctype]}")
        if self.is_taken(doctype, "", body):
            return failed(409, "DuplicateEntryError", f"{NEEDED[doctype]} must be unique")
        return self.shown(doctype, self.insert(doctype, flat(body)), asked)

    def updated(self, doctype: str, name: str, asked: Asked) -> Said:
        record, body = self.table(doctype)[name], asked.json
        if "modified" in body and body["modified"] != record["modified"]:
            return failed(417, "TimestampMismatchError", "Error: Document has been modified after you have opened it")
        if NEEDED[doctype] in body and not body[NEEDED[doctype]]:
            return failed(417, "MandatoryError", f"[{doctype}, {name}]: {NEEDED[doctype]}")
        if self.is_taken(doctype, name, body):
            return failed(417, "UniqueValidationError", f"{NEEDED[doctype]} must be unique")
        self.edit(doctype, name, {path: value for path, value in body.items() if path != "modified"})
        return self.shown(doctype, name, asked)

    def removed(self, doctype: str, name: str, asked: Asked) -> Said:
        self.delete(doctype, name)
        return Said(202, {"data": "ok"})

    def is_taken(self, doctype: str, name: str, body: dict[str, Any]) -> bool:
        """Only the name of a project is unique."""
        others = (one for one in self.table(doctype).values() if one["name"] != name)
        return doctype == "Project" and any(one["project_name"] == body.get("project_name") for one in others)


def fits(record: dict[str, Any], said: list[Any]) -> bool:
    field, operator, value = said
    return {"=": lambda: record[field] == value, ">=": lambda: str(record[field]) >= value}[operator]()
