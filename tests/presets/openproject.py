"""OpenProject in the shapes of its API v3: HAL, lock versions, pages by number, filters as JSON, links.

Facts: docs/api/apiv3 of opf/openproject, named in facts/openproject.yaml.
"""

from __future__ import annotations

import json
from base64 import b64encode
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from accord.connectors.rest.bodies import nested
from accord.model import Natives

from .server import Asked, Said, System, flat, merged

KEY = "secret-of-openproject"
PAGE = 10
"""The largest page that is granted."""
READ_ONLY = ("id", "createdAt", "updatedAt", "spentTime")
LINKS = {
    "work_packages": (
        "project",
        "type",
        "status",
        "priority",
        "category",
        "version",
        "parent",
        "assignee",
        "responsible",
    ),
    "projects": ("parent", "status"),
    "time_entries": ("project", "workPackage", "activity"),
}
TEXTS = {
    "work_packages": ("description",),
    "projects": ("description", "statusExplanation"),
    "time_entries": ("comment",),
}
CLOSED = "/api/v3/statuses/12"


def failed(status: int, identifier: str, message: str) -> Said:
    name = f"urn:openproject-org:api:v3:errors:{identifier}"
    return Said(status, {"_type": "Error", "errorIdentifier": name, "message": message})


NOT_FOUND = failed(404, "NotFound", "The requested resource could not be found.")


class OpenProject(System):
    """Work packages, projects and time entries."""

    content_type = "application/hal+json; charset=utf-8"

    def insert(self, table: str, natives: Natives) -> str:
        """A record that a person makes."""
        id = self.number()
        record: dict[str, Any] = {"id": id, "createdAt": now(), "updatedAt": now()}
        record |= {name: {"format": "markdown", "raw": None, "html": ""} for name in TEXTS[table]}
        record["_links"] = {"self": {"href": f"/api/v3/{table}/{id}"}}
        record["_links"] |= {name: {"href": None} for name in LINKS[table]}
        if table == "work_packages":
            record |= {
                "lockVersion": 0,
                "startDate": None,
                "dueDate": None,
                "estimatedTime": None,
                "customField1": None,
            }
            merged(record, {"customField9": None, "_links": {"status": {"href": "/api/v3/statuses/1", "title": "New"}}})
        if table == "projects":
            record |= {"active": True, "public": False, "identifier": f"project-{id}", "customField1": None}
        if table == "time_entries":
            record |= {"customField1": None, "ongoing": False, "hours": None, "spentOn": None}
        merged(record, nested(natives))
        self.table(table)[str(id)] = record
        return str(id)

    def edit(self, table: str, id: str, natives: Natives) -> None:
        record = self.table(table)[id]
        merged(record, nested(natives))
        record["updatedAt"] = now()
        if "lockVersion" in record:
            record["lockVersion"] += 1

    def delete(self, table: str, id: str) -> None:
        del self.table(table)[id]

    def get(self, table: str, id: str) -> Natives | None:
        record = self.table(table).get(id)
        return None if record is None else flat(record)

    def answer(self, asked: Asked) -> Said:
        if asked.headers.get("Authorization") != "Basic " + b64encode(f"apikey:{KEY}".encode()).decode():
            return failed(401, "Unauthenticated", "You need to be authenticated to access this resource.")
        if asked.method != "GET":
            if "Content-Type" not in asked.headers:
                return failed(406, "MissingContentType", "The request is missing a content type.")
            if asked.headers["Content-Type"] != "application/json":
                return failed(415, "TypeNotSupported", "Expected CONTENT-TYPE to be 'application/json'.")
        api, version, table, *rest = asked.steps
        if (api, version) != ("api", "v3") or table not in LINKS or len(rest) > 1:
            return NOT_FOUND
        if not rest:
            return self.listed(table, asked) if asked.method == "GET" else self.created(table, asked)
        if rest[0] not in self.table(table):
            return NOT_FOUND
        return {"GET": self.shown, "PATCH": self.updated, "DELETE": self.removed}[asked.method](table, rest[0], asked)

    def shown(self, table: str, id: str, asked: Asked) -> Said:
        return Said(200, self.table(table)[id])

    def listed(self, table: str, asked: Asked) -> Said:
        closed = [{"status_id": {"operator": "o", "values": None}}] if table == "work_packages" else []
        filters = json.loads(asked.query["filters"]) if "filters" in asked.query else closed
        found = [record for record in self.table(table).values() if all(fits(record, one) for one in filters)]
        page, size = int(asked.query.get("offset", 1)), min(PAGE, int(asked.query.get("pageSize", PAGE)))
        shown = found[(page - 1) * size : page * size]
        facts = {"total": len(found), "count": len(shown), "pageSize": size, "offset": page}
        return Said(200, {"_type": "Collection", **facts, "_embedded": {"elements": shown}})

    def created(self, table: str, asked: Asked) -> Said:
        body = asked.json
        if (wrong := refused(table, body)) is not None:
            return wrong
        needed = {"work_packages": ("subject", "_links"), "projects": ("name",), "time_entries": ()}[table]
        for name in needed:
            if not body.get(name):
                return failed(422, "PropertyConstraintViolation", f"{name} can't be blank.")
        id = self.insert(table, flat(body))
        return Said(201, self.table(table)[id])

    def updated(self, table: str, id: str, asked: Asked) -> Said:
        body = dict(asked.json)
        if table == "work_packages" and body.pop("lockVersion", None) != self.table(table)[id]["lockVersion"]:
            return failed(
                409, "UpdateConflict", "Your changes could not be saved, because the work package was changed."
            )
        if (wrong := refused(table, body)) is not None:
            return wrong
        before = deepcopy(self.table(table)[id])
        merged(self.table(table)[id], body)
        if self.table(table)[id] != before:
            self.edit(table, id, {})
        return Said(200, self.table(table)[id])

    def removed(self, table: str, id: str, asked: Asked) -> Said:
        """A project is archived at once, and deleted later; the test says when."""
        if table == "projects" and self.slow_deletes:
            self.edit(table, id, {"active": False})
        else:
            del self.table(table)[id]
        return Said(204)

    slow_deletes = False


def refused(table: str, body: dict[str, Any]) -> Said | None:
    for name in READ_ONLY:
        if name in body:
            return failed(422, "PropertyIsReadOnly", f"{name} was attempted to be written but is not writable.")
    for name, link in body.get("_links", {}).items():
        if name not in LINKS[table]:
            return failed(422, "PropertyIsReadOnly", f"{name} was attempted to be written but is not writable.")
        href = link["href"]
        if href is not None and not str(href).startswith(("/api/v3/", "urn:")):
            return failed(422, "PropertyFormatError", f"{href} is no address.")
    return None


def fits(record: dict[str, Any], one: dict[str, Any]) -> bool:
    """Whether a record passes one filter; what is no filter of the specification is a KeyError."""
    ((name, said),) = one.items()
    operator, values = said["operator"], said["values"]
    if (name, operator) == ("updated_at", "<>d"):
        return bool(values[0] <= record["updatedAt"] <= values[1])
    if (name, operator) == ("status_id", "o"):
        return bool(record["_links"]["status"]["href"] != CLOSED)
    if (name, operator) == ("active", "="):
        return bool(record["active"] == (values == ["t"]))
    if name.startswith("customField") and operator == "=":
        return record.get(name) in values
    raise KeyError(one)


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
