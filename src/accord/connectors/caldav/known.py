"""What RFC 5545 says of the properties of a task: type, values, and what cannot be written."""

from __future__ import annotations

from typing import Any

from accord.ports import PropertySchema


def _said(path: str, type: str | None = "string", **more: Any) -> PropertySchema:
    return PropertySchema(path=path, type=type, **more)


SCHEMA = {
    said.path: said
    for said in (
        _said("summary"),
        _said("description", "text"),
        _said("status", values=("NEEDS-ACTION", "IN-PROCESS", "COMPLETED", "CANCELLED")),
        _said("due", None),
        _said("due.date", "date"),
        _said("dtstart", None),
        _said("dtstart.date", "date"),
        _said("completed", "datetime"),
        _said("percent-complete", "integer"),
        _said("priority", "integer"),
        _said("categories", "set(string)"),
        _said("parent"),
        _said("location"),
        _said("url"),
        _said("class"),
        _said("rrule"),
        _said("uid", read_only=True),
        _said("created", "datetime", read_only=True),
        _said("last-modified", "datetime", read_only=True),
        _said("calendar"),
    )
}
