"""Text as it is compared, and values as messages show them."""

from __future__ import annotations

from typing import Any
from unicodedata import combining, is_normalized, normalize

from accord.errors import ValueRefused

_SHOWN = 60


def shown(value: Any) -> str:
    """A value as a message shows it, cut to a readable length."""
    text = repr(str(value)) if not isinstance(value, str | bool | type(None)) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def refused(value: Any, allowed: str) -> ValueRefused:
    """The exception that says that a value is not what is allowed."""
    return ValueRefused(f"{shown(value)} is not {allowed}")


def nfc(text: str) -> str:
    """Composed characters: é is one code point."""
    return text if text.isascii() or is_normalized("NFC", text) else normalize("NFC", text)


def lines(text: str) -> str:
    """`nfc`, with every line end a line feed."""
    return nfc(text.replace("\r\n", "\n") if "\r" in text else text)


def collapsed(text: str) -> str:
    """`nfc`, trimmed, every run of blanks and line ends one blank."""
    return nfc(" ".join(text.split()))


def caseless(text: str) -> str:
    """`nfc` without the difference of upper and lower case."""
    return nfc(nfc(text).casefold())


def folded(text: str) -> str:
    """What is left when looks do not count: NFKC, caseless, blanks collapsed."""
    return " ".join(normalize("NFKC", normalize("NFKC", text).casefold()).split())


def digits(text: str) -> str:
    """Only the decimal digits, as ASCII; text without any is `folded`."""
    found = "".join(character for character in normalize("NFKC", text) if character.isdecimal() and character.isascii())
    return found or folded(text)


def cut(text: str, length: int) -> str:
    """The first `length` characters, never between a letter and its combining marks."""
    if len(text) <= length:
        return text
    end = length
    while end and combining(text[end]):
        end -= 1
    return text[: end or length]
