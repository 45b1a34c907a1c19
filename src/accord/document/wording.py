"""How single things are put into words: text that is safe to show, values, types, durations, rules."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from accord.config.meaning import Conflict, Limit, TypeSpec
from accord.model import json_text

REDACTED = "•••"
LONGEST_TITLE = 200
SHORTEST_SECRET_WITHIN_TEXT = 6
"""Shorter secrets are hidden only where they are the whole text: a tenant "7" would otherwise blot out every 7."""

_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
"""Marks that reorder the text after them, or that readers of files swallow."""
_TYPE_WORDS = {"url": "URL", "json": "JSON"}


def plain(text: str) -> str:
    """One line of visible text: white space folded, control characters and text reordering made harmless."""
    return " ".join("".join(map(_visible, text)).split())


def shortened(text: str) -> str:
    """A title that is short enough for a heading."""
    return text if len(text) <= LONGEST_TITLE else f"{text[: LONGEST_TITLE - 1]}…"


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    hidden = unicodedata.category(character) in ("Cc", "Cs") or character in _OVERRIDES
    return "\ufffd" if hidden or ord(character) & 0xFFFE == 0xFFFE else character


def without_secrets(value: Any, secrets: Iterable[str]) -> Any:
    """The value with every secret in its texts blotted out."""
    if isinstance(value, str):
        return _redacted(value, secrets)
    if isinstance(value, Mapping):
        return {_redacted(str(key), secrets): without_secrets(item, secrets) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_secrets(item, secrets) for item in value]
    return value


def _redacted(text: str, secrets: Iterable[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        if text == secret and secret:
            return REDACTED
        if len(secret) >= SHORTEST_SECRET_WITHIN_TEXT:
            text = text.replace(secret, REDACTED)
    return text


def literal(value: Any) -> str:
    """A value as people read it; quoted only where it could be taken for another one (`"1"` and 1, empty, spaces)."""
    if isinstance(value, str) and _speaks_for_itself(value):
        return value
    text = re.sub(r"(?<= ) ", r"\\u0020", json_text(value))
    return plain(text.replace("\u00a0", r"\u00a0"))


def _speaks_for_itself(text: str) -> bool:
    if not text or text != plain(text) or text[0] in "\"'[{":
        return False
    try:
        json.loads(text)
    except ValueError:
        return True
    return False


def type_name(spec: TypeSpec) -> str:
    """`decimal(2)` is "Decimal (2)", a list of strings "List of String": the word of the file, capitalised."""
    word = _TYPE_WORDS.get(spec.name, spec.name[:1].upper() + spec.name[1:])
    arguments = f" ({', '.join(spec.arguments)})" if spec.arguments else ""
    return plain(f"{word}{arguments} of {type_name(spec.of)}" if spec.of else f"{word}{arguments}")


def seconds(value: float) -> str:
    """`1 hour`, `90 seconds`: the largest unit that divides it."""
    for size, unit in ((3600, "hour"), (60, "minute")):
        if value >= size and value % size == 0:
            return _counted(value / size, unit)
    return _counted(value, "second")


def _counted(number: float, unit: str) -> str:
    return f"{number:g} {unit}{'' if number == 1 else 's'}"


def listed(words: Iterable[str], last: str = "and") -> str:
    """`a, b and c`."""
    *rest, final = words
    return f"{', '.join(rest)} {last} {final}" if rest else final


def limit_words(limit: Limit) -> str | None:
    """What a brake lets pass, as "more than …"; None where it holds nothing."""
    parts = []
    if limit.number is not None:
        parts.append(f"more than {limit.number}")
    if limit.percent is not None:
        parts.append(f"more than {limit.percent:g} % of the linked records and more than {limit.over}")
    return ", or ".join(parts) or None


def conflict_words(conflict: Conflict, preferred: Iterable[str]) -> str:
    """Who wins when both sides edited one property. `preferred` are the titles of the systems of `prefer`."""
    match conflict.rule:
        case "ask":
            return "a person decides (ask)"
        case "latest":
            return "the later edit wins, by the systems' own modification times (latest)"
        case "prefer":
            return f"{', or else '.join(preferred)} wins (prefer)"
        case "union":
            return "the entries of both are kept (union)"
        case "additive":
            return "what was added and taken away on both sides is added up (additive)"
        case "merge":
            return "the texts are merged line by line; where edits overlap, a person decides (merge)"
        case "keep-filled":
            return "a filled value wins over an empty one; between two filled ones a person decides (keep-filled)"
