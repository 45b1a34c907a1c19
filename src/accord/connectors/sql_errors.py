"""What an error of a database means for the one who asked: refused, unreachable, unauthorized, or a wrong shape."""

from __future__ import annotations

import re

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError

from accord.errors import ProtocolError, SystemFailure, Unauthorized, Unreachable

_REFUSED_STATES = ("22", "23", "44", "P0")
"""SQLSTATE classes of bad values, constraints, check options, and exceptions raised in triggers."""
_REFUSED_NUMBERS = frozenset((1048, 1062, 1264, 1265, 1292, 1364, 1366, 1406, 1451, 1452, 1644, 3819, 4025))
"""The same of MariaDB and MySQL: null, duplicate, range, cut, format, no default, letters that a column's character
set has not, length, references, SIGNAL in a trigger, CHECK (of MySQL, of MariaDB)."""
_DUPLICATE_NUMBERS = frozenset((1062, 1586))
_DENIED = re.compile(
    r"authentication failed|permission denied|access denied|command denied|no password|readonly database|not permitted",
    re.IGNORECASE,
)
_UNKNOWN_NAME = re.compile(
    r"no such (table|column)|does not exist|doesn't exist|(undefined|unknown) (table|column|database)", re.IGNORECASE
)


def short(error: BaseException) -> str:
    """The first line of what the driver says: no statement and no parameters."""
    origin = getattr(error, "orig", None) or error
    if isinstance(error, DBAPIError) and _number(error) is not None:
        origin = ": ".join(str(part) for part in error.orig.args)  # type: ignore[union-attr]
    return (str(origin).strip().splitlines() or [type(origin).__name__])[0][:300]


def is_refusal(error: DBAPIError) -> bool:
    """Whether the database refused this record, and would take others."""
    if _number(error) in _REFUSED_NUMBERS:
        return True
    state = getattr(error.orig, "sqlstate", None)
    if isinstance(state, str):
        return state[:2] in _REFUSED_STATES
    return isinstance(error, IntegrityError | DataError)


def is_duplicate(error: DBAPIError) -> bool:
    """Whether a unique key was hurt."""
    if _number(error) in _DUPLICATE_NUMBERS:
        return True
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


def _number(error: DBAPIError) -> int | None:
    """The number of an error of MariaDB or MySQL; None of other databases."""
    arguments: tuple[object, ...] = getattr(error.orig, "args", ())
    numbered = type(error.orig).__module__.partition(".")[0] == "pymysql" and bool(arguments)
    first = arguments[0] if numbered else None
    return first if isinstance(first, int) else None
