"""What an error of a database means for the one who asked: refused, unreachable, unauthorized, or a wrong shape."""

from __future__ import annotations

import re

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError

from accord.errors import ProtocolError, SystemFailure, Unauthorized, Unreachable

_REFUSED_STATES = ("22", "23", "44", "P0")
"""SQLSTATE classes of bad values, constraints, check options, and exceptions raised in triggers."""
_DENIED = re.compile(
    r"authentication failed|permission denied|access denied|no password|readonly database|not permitted"
)
_UNKNOWN_NAME = re.compile(r"no such (table|column)|does not exist|undefined (table|column)", re.IGNORECASE)


def short(error: BaseException) -> str:
    """The first line of what the driver says: no statement and no parameters."""
    origin = getattr(error, "orig", None) or error
    return (str(origin).strip().splitlines() or [type(origin).__name__])[0][:300]


def is_refusal(error: DBAPIError) -> bool:
    """Whether the database refused this record, and would take others."""
    state = getattr(error.orig, "sqlstate", None)
    if isinstance(state, str):
        return state[:2] in _REFUSED_STATES
    return isinstance(error, IntegrityError | DataError)


def is_duplicate(error: DBAPIError) -> bool:
    """Whether a unique key was hurt."""
    return getattr(error.orig, "sqlstate", None) == "23505" or "unique" in short(error).lower()


def is_undone(error: DBAPIError) -> bool:
    """Whether a transaction that failed at COMMIT certainly did not happen."""
    return is_refusal(error) or "locked" in short(error) or _state_class(error) == "40"


def failure(system: str, error: DBAPIError) -> SystemFailure:
    """The exception that stops a system for a while."""
    text, state = short(error), getattr(error.orig, "sqlstate", None) or ""
    if state.startswith("28") or state == "42501" or _DENIED.search(text):
        return Unauthorized(system, text)
    if state.startswith("42") or _UNKNOWN_NAME.search(text):
        return ProtocolError(system, text)
    if (
        isinstance(error, OperationalError)
        or error.connection_invalidated
        or state[:2] in ("08", "40", "53", "55", "57")
    ):
        return Unreachable(system, text)
    return ProtocolError(system, text)


def _state_class(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")[:2]
