"""Odoo 19 in the shapes of its JSON-2 API: every call is a POST, false stands for nothing, a create answers ids.

Facts: the documentation of the external API and the code of the ORM, named in facts/odoo-json2.yaml.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from accord.model import Natives

from .server import Asked, Said, System

KEY = "6578616d706c65206a736f6e20617069"
FIELDS: dict[str, dict[str, Any]] = {
    "res.partner": {"name": False, "active": True, "is_company": False, "email": False, "ref": False, "comment": False,
                    "country_id": False, "x_note": False, "x_accord": False},
    "project.task": {"name": False, "active": True, "description": False, "project_id": False, "allocated_hours": 0.0,
                     "state": "01_in_progress", "date_deadline": False, "x_note": False, "x_accord": False},
    "crm.lead": {"name": False, "active": True, "description": False, "expected_revenue": 0.0, "x_note": False},
}  # fmt: skip
NEEDED = {"project.task": "name", "crm.lead": "name"}
REFERENCES = {"project_id": "Harbour", "country_id": "Norway"}
PARAMS = {
    "search_read": {"domain", "fields", "offset", "limit", "order", "load", "context"},
    "read": {"ids", "fields", "load", "context"},
    "create": {"vals_list", "context"},
    "write": {"ids", "vals", "context"},
    "unlink": {"ids", "context"},
}


def failed(status: int, name: str, message: str) -> Said:
    return Said(
        status, {"name": name, "message": message, "arguments": [message], "context": {}, "debug": "Traceback …"}
    )


class Odoo(System):
    """A few models. What a person saves as null or empty is false, as in Odoo's own forms."""

    hidden: set[int] = set()
    """Ids that a record rule keeps from our user."""

    def insert(self, model: str, natives: Natives) -> str:
        id = self.number()
        record = {"id": id, "create_date": now(), "write_date": now(), "display_name": f"{model},{id}"}
        self.table(model)[str(id)] = {**record, **FIELDS[model], **stored(natives)}
        return str(id)

    def edit(self, model: str, id: str, natives: Natives) -> None:
        self.table(model)[id] |= {**stored(natives), "write_date": now()}

    def delete(self, model: str, id: str) -> None:
        del self.table(model)[id]

    def get(self, model: str, id: str) -> Natives | None:
        """As a person sees it: nothing is null."""
        record = self.table(model).get(id)
        if record is None:
            return None
        return {name: None if value is False and name != "active" else value for name, value in record.items()}

    def answer(self, asked: Asked) -> Said:
        if asked.headers.get("Authorization", "").lower() != f"bearer {KEY}":
            return failed(401, "werkzeug.exceptions.Unauthorized", "Invalid apikey")
        match asked.steps:
            case ["json", "2", model, method] if asked.method == "POST" and model in FIELDS and method in PARAMS:
                body = asked.json
                unknown = set(body) - PARAMS[method]
                if unknown:
                    message = f"got an unexpected keyword argument {min(unknown)!r}"
                    return failed(422, "werkzeug.exceptions.UnprocessableEntity", message)
                said: Said = getattr(self, method)(model, body)
                return said
        return failed(404, "werkzeug.exceptions.NotFound", "Did you mean POST /json/2/<model>/<method>?")

    def search_read(self, model: str, body: dict[str, Any]) -> Said:
        records = sorted(self.table(model).values(), key=lambda one: int(one["id"]))
        if body.get("context", {}).get("active_test", True):
            records = [one for one in records if one["active"]]
        found = [one for one in records if all(fits(one, *said) for said in body.get("domain", ()))]
        start = int(body.get("offset", 0))
        page = [one for one in found if one["id"] not in self.hidden][start : start + min(10, int(body["limit"]))]
        return Said(200, [formatted(one, body) for one in page])

    def read(self, model: str, body: dict[str, Any]) -> Said:
        """What is not there is left out of the list; what may not be seen is refused."""
        if self.hidden & set(body["ids"]):
            return failed(403, "odoo.exceptions.AccessError", "You are not allowed to access these records.")
        if not all(isinstance(id, int) for id in body["ids"]):
            return Said(200, [])
        found = (self.table(model).get(str(id)) for id in body["ids"])
        return Said(200, [formatted(one, body) for one in found if one is not None])

    def create(self, model: str, body: dict[str, Any]) -> Said:
        for vals in body["vals_list"]:
            if wrong := self.refused(model, vals, needs=True):
                return wrong
        return Said(200, [int(self.insert(model, vals)) for vals in body["vals_list"]])

    def write(self, model: str, body: dict[str, Any]) -> Said:
        if wrong := self.missing(model, body) or self.refused(model, body["vals"], needs=False):
            return wrong
        for id in body["ids"]:
            self.edit(model, str(id), body["vals"])
        return Said(200, True)

    def unlink(self, model: str, body: dict[str, Any]) -> Said:
        for id in body["ids"]:
            self.table(model).pop(str(id), None)
        return Said(200, True)

    def missing(self, model: str, body: dict[str, Any]) -> Said | None:
        if all(str(id) in self.table(model) for id in body["ids"]):
            return None
        return failed(404, "odoo.exceptions.MissingError", "Record does not exist or has been deleted.")

    def refused(self, model: str, vals: dict[str, Any], *, needs: bool) -> Said | None:
        for name in vals:
            if name not in FIELDS[model]:
                return failed(422, "builtins.ValueError", f"Invalid field {name!r} on {model!r}")
        needed = NEEDED.get(model)
        if needed and not vals.get(needed, not needs):
            return failed(422, "odoo.exceptions.ValidationError", f"Missing required value for the field {needed!r}")
        return None


def stored(natives: Natives) -> dict[str, Any]:
    return {name: False if value is None or value == "" else value for name, value in natives.items()}


def formatted(record: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """The fields that were asked for, and the id. A reference comes with its name unless `load` says otherwise."""
    found = {"id": record["id"]} | {name: record[name] for name in body["fields"]}
    if body.get("load", "_classic_read") == "_classic_read":
        found |= {name: [found[name], text] for name, text in REFERENCES.items() if found.get(name)}
    return found


def fits(record: dict[str, Any], field: str, operator: str, value: Any) -> bool:
    return {"=": lambda: record[field] == value, ">=": lambda: str(record[field]) >= value}[operator]()


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
