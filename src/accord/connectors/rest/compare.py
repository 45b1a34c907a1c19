"""Whether a record still has, or happens to have, some values. Numbers are compared as numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from accord.connectors.rest.records import MISSING, Odd, extract
from accord.model import Natives


def same(one: Any, other: Any) -> bool:
    """Equal natives: 1.0 is 1, true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    return bool(one == other)


def still(now: Natives, expected: Natives) -> str | None:
    """The first path whose value is no longer the expected one, or None. A null that is left out is still a null."""
    return next((path for path, value in expected.items() if not same(now.get(path), value)), None)


def has_values(record: Any, by: Natives) -> bool:
    """Whether a decoded record has these values; text is compared without regard to case and outer blanks."""
    try:
        return all(_alike(extract(record, path), value) for path, value in by.items())
    except Odd:
        return False


def _alike(found: Any, wanted: Any) -> bool:
    if found is MISSING:
        return False
    if isinstance(found, str) or isinstance(wanted, str):
        if isinstance(found, bool | None | list | dict) or isinstance(wanted, bool | None | list | dict):
            return False
        return _text(found) == _text(wanted)
    return same(found, wanted)


def _text(value: str | int | Decimal) -> str:
    return str(value).strip().casefold()
