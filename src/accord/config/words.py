"""The words that a project file may use where a key takes one of a few."""

from __future__ import annotations

FORMAT = 1

LINK_MODES = ("create", "match-or-create", "match-only", "connected", "never")
DELETE_RULES = ("ask", "propagate", "keep", "restore", "delete_wins", "edit_wins")
CONFLICT_RULES = ("ask", "latest", "union", "additive", "merge", "keep-filled")
WRITES = ("create", "update", "delete")
ROLES = ("viewer", "operator", "approver", "admin")

TYPES: dict[str, tuple[int, int]] = {
    "string": (0, 0),
    "text": (0, 0),
    "integer": (0, 0),
    "decimal": (0, 1),
    "float": (0, 0),
    "boolean": (0, 0),
    "date": (0, 0),
    "datetime": (0, 1),
    "time": (0, 0),
    "duration": (0, 1),
    "enum": (0, 1000),
    "money": (0, 1),
    "email": (0, 0),
    "phone": (0, 1),
    "url": (0, 0),
    "country": (0, 1),
    "language": (0, 1),
    "person": (0, 1),
    "reference": (1, 1),
    "list": (1, 1),
    "set": (1, 1),
    "object": (0, 0),
    "json": (0, 0),
}
"""Row types → how few and how many arguments they take."""

CASELESS = frozenset({"email", "person", "country", "language"})
"""Types whose values are looked up in a table without regard to case."""

COLLECTIONS = ("list", "set")

LENSES = (
    "trim",
    "case",
    "round",
    "truncate",
    "map",
    "split",
    "join",
    "scale",
    "date-format",
    "phone",
    "country",
    "strip-html",
    "default",
    "expression",
)

RESERVED_SYSTEMS = frozenset(
    (
        *("datatype", "where", "when", "defaults", "create", "update", "delete", "since"),
        *("link", "match", "match_score", "conflict", "on_delete", "limits", "groups", "after", "rows"),
        *("name", "type", "direction", "enforce", "required", "map", "lens", "equal", "truncate", "keep_filled"),
        *("description", "prefer", "archive", "connected", "every", "full_every", "cron", "both", "lossy"),
    )
)
"""Names that a system may not have, because they are keys beside systems."""

LOCAL_PATH = "local path"
"""Marks the keys of a model that hold a file or folder of this machine."""
