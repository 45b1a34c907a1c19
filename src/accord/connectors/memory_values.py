"""What systems in memory do to values, and which they refuse: the value lines of the fault table, by name."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from accord.connectors.memory_behaviour import Normaliser, empty_to_null, null_to_empty, trim, upper
from accord.model import ABSENT

Check = Callable[[Any], str | None]
"""Why a value is refused, or None."""
_SPACES = re.compile(r"\s+")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_NO_DIGIT = re.compile(r"[^\d+]")


def nfc(value: Any) -> Any:
    """Letters and their marks become one character each."""
    return unicodedata.normalize("NFC", value) if isinstance(value, str) else value


def collapse(value: Any) -> Any:
    """Spaces in a row become one, those at the ends go."""
    return _SPACES.sub(" ", value).strip() if isinstance(value, str) else value


def escape(value: Any) -> Any:
    """`&`, `<` and `>` are kept as HTML entities, once: what is escaped already stays."""
    return html.escape(html.unescape(value), quote=False) if isinstance(value, str) else value


def fold(value: Any) -> Any:
    """Small letters only."""
    return value.lower() if isinstance(value, str) else value


def lines(value: Any) -> Any:
    """Every line ends in a line feed alone."""
    return value.replace("\r\n", "\n").replace("\r", "\n") if isinstance(value, str) else value


def no_tags(value: Any) -> Any:
    """HTML tags go, and what is between them stays."""
    return _TAG.sub("", value) if isinstance(value, str) else value


def phone(value: Any) -> Any:
    """Digits in pairs behind the country code, as the system likes to show them."""
    if not isinstance(value, str) or not (digits := _NO_DIGIT.sub("", value)).startswith("+"):
        return value
    return " ".join([digits[:3], *(digits[at : at + 2] for at in range(3, len(digits), 2))])


NORMALISERS: Mapping[str, Normaliser] = {
    "trim": trim,
    "collapse": collapse,
    "upper": upper,
    "fold": fold,
    "lower": fold,
    "lines": lines,
    "no_tags": no_tags,
    "nfc": nfc,
    "escape": escape,
    "phone": phone,
    "null_to_empty": null_to_empty,
    "empty_to_null": empty_to_null,
}
"""Those that need no setting; `cut`, `rounded` and `default` take one."""


def longest(length: int) -> Check:
    """Longer text is refused."""
    reason = f"at most {length} characters"
    return lambda value: reason if isinstance(value, str) and len(value) > length else None


def pattern(expression: str) -> Check:
    """Text that does not look like this is refused."""
    wanted = re.compile(expression)
    return lambda value: None if not isinstance(value, str) or wanted.fullmatch(value) else "not in the right form"


def options(*known: Any) -> Check:
    """Anything but these is refused; nothing at all is taken."""
    return lambda value: None if value is None or value is ABSENT or value in known else f"{value!r} is no option"


def clean_text(value: Any) -> str | None:
    """NUL and lone surrogates are refused."""
    odd = isinstance(value, str) and any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in value)
    return "text with signs that cannot be stored" if odd else None
