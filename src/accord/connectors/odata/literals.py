"""Values in addresses: keys and comparisons, each written by its type, so that no value can say more than a value.

Source: OData ABNF 4.01, and URL Conventions 4.01, section 5.1.1.14.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import quote, unquote

from accord.connectors.odata.metadata import EdmProperty
from accord.model import Native, Natives
from accord.values.numbers import plain_text

WHOLE = ("Edm.Byte", "Edm.SByte", "Edm.Int16", "Edm.Int32", "Edm.Int64")
EXACT = ("Edm.Int64", "Edm.Decimal")
"""Types that travel as text, so that no binary float comes between (`IEEE754Compatible=true`)."""
_BITS = {"Edm.Byte": (0, 8), "Edm.SByte": (1, 7), "Edm.Int16": (1, 15), "Edm.Int32": (1, 31), "Edm.Int64": (1, 63)}
_GUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
_DECIMAL = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?", re.ASCII)
_CLOCK = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,12})?)?"
_BARE = {
    "Edm.Guid": _GUID,
    "Edm.Date": re.compile(r"-?[0-9]{4,5}-[0-9]{2}-[0-9]{2}", re.ASCII),
    "Edm.DateTimeOffset": re.compile(
        r"-?[0-9]{4,5}-[0-9]{2}-[0-9]{2}T" + _CLOCK + r"(Z|[+-][0-9]{2}:[0-9]{2})", re.ASCII
    ),
    "Edm.TimeOfDay": re.compile(_CLOCK, re.ASCII),
}
_DURATION = re.compile(r"-?P([0-9]+D)?(T([0-9]+H)?([0-9]+M)?([0-9]+(\.[0-9]+)?S)?)?", re.ASCII)


class Keys:
    """The ids of one entity set in addresses: `Books(1)`, `Tags('O''Brien')`, `Orders(0b3…)`."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def may_be(self, id: str) -> bool:
        """Whether an id is of the type of the key; what is not can be no record's."""
        if self._kind in WHOLE:
            return bool(_INTEGER.fullmatch(id)) and _fits(int(id), self._kind)
        return bool(_GUID.fullmatch(id)) if self._kind == "Edm.Guid" else id != ""

    def written(self, id: str) -> str:
        """What stands between the brackets."""
        return _quoted(id) if self._kind == "Edm.String" else quote(id, safe="-")

    def located(self, location: str) -> str | None:
        """The id in `…/Books(1)`; also where the service does not escape what is between the quotes."""
        _, bracket, rest = location.rstrip("/").partition("(")
        inner = rest[:-1] if bracket and rest.endswith(")") else ""
        inner = unquote(inner)
        if self._kind != "Edm.String":
            return inner if self.may_be(inner) else None
        if len(inner) < 3 or inner[0] != "'" or inner[-1] != "'":
            return None
        return inner[1:-1].replace("''", "'")


def _fits(number: int, kind: str) -> bool:
    signed, bits = _BITS[kind]
    return (-(1 << bits) if signed else 0) <= number < 1 << bits


def _quoted(text: str) -> str:
    return quote("'" + text.replace("'", "''") + "'", safe="")


def condition(by: Natives, properties: Mapping[str, EdmProperty]) -> str | None:
    """A `$filter` that is true for records with these values; "" when none of them can be asked for. None: there is
    no such record, a value is not of its property's type.
    """
    parts: list[str] = []
    for path, value in by.items():
        told = properties.get(path)
        if told is None or told.many or isinstance(value, list | dict):
            continue
        written = literal(value, told)
        if written is None:
            return None
        parts.append(f"{path.replace('.', '/')} eq {written}")
    return " and ".join(parts)


def literal(value: Native, told: EdmProperty) -> str | None:
    """A value as it stands in a `$filter`, or None when it is none of the type."""
    kind = told.type
    if value is None:
        return "null"
    if kind == "Edm.Boolean" or isinstance(value, bool):
        return str(value).lower() if kind == "Edm.Boolean" and isinstance(value, bool) else None
    text = plain_text(value) if isinstance(value, int | Decimal) else str(value)
    if kind == "Edm.String":
        return "'" + text.replace("'", "''") + "'"
    if kind in WHOLE or kind in ("Edm.Decimal", "Edm.Double", "Edm.Single"):
        return text if (_INTEGER if kind in WHOLE else _DECIMAL).fullmatch(text) else None
    if kind == "Edm.Duration":
        return f"duration'{text}'" if _DURATION.fullmatch(text) and text[-1] not in "PT" else None
    if kind in _BARE:
        return text if _BARE[kind].fullmatch(text) else None
    return f"{kind}'{text}'" if told.values is not None and text in told.values else None


def spoken(natives: Natives, properties: Mapping[str, EdmProperty]) -> dict[str, Native]:
    """The values of a write, decimals and large whole numbers as text."""
    return {path: _exact(value, properties.get(path)) for path, value in natives.items()}


def _exact(value: Native, told: EdmProperty | None) -> Native:
    if told is None or told.type not in EXACT:
        return value
    if isinstance(value, list):
        return [_exact(item, told) for item in value]
    return plain_text(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value
