"""The words that a project file may use where a key takes one of a few."""

from __future__ import annotations

from typing import Literal

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

Rewrite = Literal[
    "trim",
    "collapse",
    "upper",
    "lower",
    "nfc",
    "lines",
    "escape",
    "no-tags",
    "cut",
    "round",
    "null-to-empty",
    "empty-to-null",
]
REWRITES: dict[str, str] = {
    "trim": "blanks at both ends go",
    "collapse": "blanks in a row become one",
    "upper": "capitals only",
    "lower": "small letters only",
    "nfc": "letters and their marks become one sign each",
    "lines": "every line ends in a line feed alone",
    "escape": "the signs < > & are kept as HTML entities",
    "no-tags": "HTML tags go",
    "cut": "what is too long is cut off",
    "round": "decimals beyond its own are rounded away",
    "null-to-empty": "null becomes an empty text",
    "empty-to-null": "an empty text becomes null",
}
"""What systems do to values without a word, as `rewrites` of a property names it."""

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
