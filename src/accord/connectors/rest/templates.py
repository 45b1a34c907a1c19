"""Bodies and parameters that the project file writes down, with places for what only a request knows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from accord.config.meaning import Datatype
from accord.connectors.paths import parted
from accord.connectors.rest.answers import steps
from accord.connectors.rest.bodies import encode, wrapped
from accord.connectors.rest.options import Call, Listing

_PLACE = re.compile(r"\{(\w+)\}")


def filled(template: Any, values: Mapping[str, Any]) -> Any:
    """The same structure with values in its places. A text that is nothing but `{name}` becomes the value itself, else
    the value's text is put in; a value is never looked through for places, and unknown places stay.
    """
    if isinstance(template, str):
        whole = _PLACE.fullmatch(template)
        if whole is not None and whole[1] in values:
            return values[whole[1]]
        return _PLACE.sub(lambda found: str(values.get(found[1], found[0])), template)
    if isinstance(template, Mapping):
        return {str(filled(name, values)): filled(item, values) for name, item in template.items()}
    if isinstance(template, list | tuple):
        return [filled(item, values) for item in template]
    return template


def id_native(id: str) -> int | str:
    """An id in a body: a number where it is written as one."""
    return int(id) if id.isascii() and id.isdecimal() and str(int(id)) == id else id


def body_of(call: Call, record: Any = None, id: str | None = None, names: Sequence[str] = ()) -> bytes | None:
    """The body of a call on one record; None where it has none."""
    if call.body is None:
        return None if record is None else encode(wrapped(record, call.wrap))
    known: dict[str, Any] = {"properties": list(names)}
    if record is not None:
        known["record"] = record
    if id is not None:
        known["id"] = id_native(id)
    return encode(filled(call.body, known))


def as_param(value: Any, listing: Listing) -> Any:
    """The value of a parameter of a listing: in a query JSON is text, in a body it stays what it is."""
    return value if listing.method != "GET" or isinstance(value, str) else encode(value).decode()


def names_of(datatype: Datatype, paths: Sequence[str]) -> list[str]:
    """The properties that are asked for: the outermost names of what is mapped, and of what Accord itself needs."""
    version = datatype.version.path if datatype.version is not None else None
    needed = (datatype.id, datatype.modified, version, datatype.key_property, *paths)
    return list(dict.fromkeys(parted(steps(path)[0])[0] for path in needed if path))
