"""Jira Cloud in the shapes of version 2 of its REST API: search by JQL with page tokens, 204 for an edit, ids as texts.

Facts: Atlassian's OpenAPI document and its rendering in jira.js, named in facts/jira.yaml.
"""

from __future__ import annotations

import re
from base64 import b64encode
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from accord.connectors.rest.bodies import nested
from accord.model import Natives

from .server import Asked, Said, System, flat, merged

USER, TOKEN = "accord@example.com", "api-token-of-a-test"
PAGE = 10
EMPTY = ("description", "priority", "assignee", "duedate", "parent", "resolution", "customfield_10042")
OWN = ("status", "created", "updated", "resolution", "creator")
"""Fields that an edit cannot change; a status in it is ignored."""
_JQL = re.compile(r'(created|updated) >= "([^"]+)" order by key')


def failed(status: int, *messages: str, **errors: str) -> Said:
    return Said(status, {"errorMessages": list(messages), "errors": errors})


class Jira(System):
    """Issues and projects."""

    behind = False
    """The search still shows what was there when this was set; an issue asked for by its id is shown as it is."""
    _shown: dict[str, dict[str, Any]] | None = None

    def fall_behind(self) -> None:
        self._shown = deepcopy(self.table("issue"))

    def catch_up(self) -> None:
        self._shown = None

    def insert(self, natives: Natives) -> str:
        id = str(10000 + self.number())
        fields: dict[str, Any] = {**dict.fromkeys(EMPTY), "labels": [], "created": now(), "updated": now()}
        fields["status"] = {"id": "1", "name": "To Do"}
        issue = {"id": id, "key": f"EX-{id}", "self": f"{self.url}/rest/api/2/issue/{id}", "fields": fields}
        self.table("issue")[id] = issue
        self._laid(issue, nested(natives))
        return id

    def edit(self, id: str, natives: Natives) -> None:
        issue = self.table("issue")[id]
        self._laid(issue, nested(natives))
        issue["fields"]["updated"] = now()

    def _laid(self, issue: dict[str, Any], body: dict[str, Any]) -> None:
        """An object whose only value is null takes the whole away: `{"assignee": {"accountId": null}}`."""
        merged(issue, body)
        for name, value in issue["fields"].items():
            if isinstance(value, dict) and set(value.values()) == {None}:
                issue["fields"][name] = None

    def delete(self, id: str) -> None:
        del self.table("issue")[id]

    def get(self, id: str) -> Natives | None:
        issue = self.table("issue").get(id)
        return None if issue is None else flat(issue)

    def answer(self, asked: Asked) -> Said:
        if asked.headers.get("Authorization") != "Basic " + b64encode(f"{USER}:{TOKEN}".encode()).decode():
            return failed(401, "Client must be authenticated to access this resource.")
        match (asked.method, asked.steps[:3], asked.steps[3:]):
            case ("GET", ["rest", "api", "2"], ["search", "jql"]):
                return self.searched(asked)
            case ("GET", ["rest", "api", "2"], ["project", "search"]):
                projects = list(self.table("project").values())
                start, size = int(asked.query["startAt"]), min(PAGE, int(asked.query["maxResults"]))
                page = projects[start : start + size]
                facts = {"startAt": start, "maxResults": size, "total": len(projects)}
                return Said(200, {**facts, "isLast": start + size >= len(projects), "values": page})
            case ("GET", ["rest", "api", "2"], ["project", id]) if id in self.table("project"):
                return Said(200, self.table("project")[id])
            case ("POST", ["rest", "api", "2"], ["issue"]):
                return self.created(asked)
            case (method, ["rest", "api", "2"], ["issue", id]) if id in self.table("issue"):
                return {"GET": self.shown, "PUT": self.updated, "DELETE": self.removed}[method](id, asked)
        return failed(404, "Issue does not exist or you do not have permission to see it.")

    def shown(self, id: str, asked: Asked) -> Said:
        return Said(200, self.table("issue")[id])

    def searched(self, asked: Asked) -> Said:
        found = _JQL.fullmatch(asked.query["jql"])
        if found is None or asked.query["fields"] != "*all,-comment,-worklog,-attachment":
            return failed(400, "Unbounded JQL queries are not allowed here.")
        issues = sorted((self._shown or self.table("issue")).values(), key=lambda one: int(one["id"]))
        hits = [one for one in issues if one["fields"][found[1]][:16].replace("T", " ") >= found[2][:16]]
        start, size = int(asked.query.get("nextPageToken", "t0")[1:]), min(PAGE, int(asked.query["maxResults"]))
        more = {"nextPageToken": f"t{start + size}"} if start + size < len(hits) else {}
        return Said(200, {"issues": hits[start : start + size], "isLast": not more, **more})

    def created(self, asked: Asked) -> Said:
        fields = asked.json["fields"]
        missing = [name for name in ("summary", "project", "issuetype") if not fields.get(name)]
        if missing:
            return failed(400, **dict.fromkeys(missing, "is required."))
        if wrong := self.refused(fields):
            return wrong
        issue = self.table("issue")[self.insert(flat({"fields": fields}))]
        return Said(201, {name: issue[name] for name in ("id", "key", "self")})

    def updated(self, id: str, asked: Asked) -> Said:
        fields = dict(asked.json["fields"])
        fields.pop("status", None)
        if wrong := self.refused(fields):
            return wrong
        if "summary" in fields and not fields["summary"]:
            return failed(400, summary="You must specify a summary of the issue.")
        self.edit(id, flat({"fields": fields}))
        return Said(204)

    def refused(self, fields: dict[str, Any]) -> Said | None:
        wrong = [name for name in fields if name in OWN]
        if isinstance(fields.get("description"), dict):
            return failed(400, description="Operation value must be a string")
        return failed(400, **dict.fromkeys(wrong, "cannot be set.")) if wrong else None

    def removed(self, id: str, asked: Asked) -> Said:
        self.delete(id)
        return Said(204)


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
