"""Ids in addresses: how they are written into the path of a record, and found in the address of a new one."""

from __future__ import annotations

from typing import Protocol
from urllib.parse import quote, unquote


class Ids(Protocol):
    """How a system writes the id of a record into the address of the record."""

    def written(self, id: str) -> str:
        """What takes the place of `{id}` in a path; whatever the id is, it cannot leave its place."""

    def located(self, location: str) -> str | None:
        """The id in the address of a new record, or None."""


class Segments:
    """An id is one segment of the path."""

    def written(self, id: str) -> str:
        """Quoted; `.` and `..` too, which would lead elsewhere."""
        return quote(id, safe="") if id not in (".", "..") else id.replace(".", "%2E")

    def located(self, location: str) -> str | None:
        """The last segment."""
        path = location.partition("?")[0].partition("#")[0].rstrip("/")
        return unquote(path.rpartition("/")[2]) or None
