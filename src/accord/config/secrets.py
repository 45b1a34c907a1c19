"""Where secrets stand in a project file, and which of them are written there literally."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from accord.config.interpolate import Interpolation, has_reference, leaves
from accord.config.tree import Where

_KEY = re.compile(
    r"(^|[_-])(password|passwd|passphrase|secret|secrets|token|api[_-]?key|key|authorization|cookie|credentials)$",
    re.I,
)
_URL_PASSWORD = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s:@]*:([^/?#\s]*)@")


def is_secret(where: Where, data: Any) -> bool:
    """Whether a secret stands here: a token, password or key of a system, a webhook, a console user or a notice."""
    if not where or not isinstance(where[-1], str) or where[0] not in ("systems", "notify", "console", "worker"):
        return _within_secret_list(where)
    if not _KEY.search(where[-1]):
        return False
    if where[0] != "systems":
        return True
    if len(where) > 3 and where[2] == "datatypes":
        return len(where) == 6 and where[4] == "webhook" and where[5] == "secret"
    return len(where) > 2 and not _names_only(where, data)


def _within_secret_list(where: Where) -> bool:
    return len(where) > 2 and where[-2] == "secret" and where[0] == "systems"


def _names_only(where: Where, data: Any) -> bool:
    """A session's `token` is the path of the token in the answer of its login."""
    if where[2:] != ("auth", "token"):
        return False
    try:
        return bool(data["systems"][where[1]]["auth"].get("type") == "session")
    except (KeyError, TypeError, AttributeError):
        return False


def url_password(text: str) -> str | None:
    """The password within a URL, as written there, or None."""
    match = _URL_PASSWORD.match(text)
    return match[1] if match and match[1] else None


def secret_values(data: Any, filled: Interpolation) -> Iterator[str]:
    """Every value that stands where a secret stands, or came from a file, the keyring or a variable named like one."""
    yield from filled.secrets
    for where, value in leaves(data):
        if value is None or isinstance(value, bool):
            continue
        text = str(value)
        if is_secret(where, data) or _header(where):
            yield from filled.values.get(where, (text,) if is_secret(where, data) else ())
            if is_secret(where, data):
                yield text
        password = url_password(text)
        if password is not None:
            yield password
            yield unquote(password)


def _header(where: Where) -> bool:
    return len(where) > 1 and where[-2] == "headers"


def literal_secrets(raw: Any) -> Iterator[tuple[Where, str]]:
    """Where a secret is written literally, and what should be done."""
    advice = "is written literally; put it into the environment and write ${NAME}"
    for where, value in leaves(raw):
        if value is None or value == "" or isinstance(value, bool):
            continue
        if is_secret(where, raw) and not has_reference(str(value)):
            yield where, f"a secret {advice}"
            continue
        password = url_password(str(value))
        if password is not None and not has_reference(password):
            yield where, f"the password in this URL {advice}"
