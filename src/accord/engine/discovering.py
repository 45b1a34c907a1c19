"""`discover`: what a system has, from what it tells and from some of its records.

Of a sample nothing is kept but facets and one example of each property; options are taken for such only where there are
few of them and every one came several times.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from accord.config.meaning import System
from accord.connectors.paths import get_path
from accord.connectors.registry import connect
from accord.errors import UsageError
from accord.model import ABSENT, Native, Natives
from accord.ports import Connector, Discovered, Discovers, PropertySchema

ENOUGH = 20
"""So many filled values are needed before their looks say anything."""
FEW = 8
OFTEN = 3
"""So often each option has come, on average, before it counts as one."""
SHORT = 24
"""Characters; a longer text is no option."""
KEYLIKE = frozenset({"string", "integer", "email", "phone", "url"})
"""Types of what may name a record."""
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_URL = re.compile(r"https?://\S+")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DATETIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")
_PHONE = re.compile(r"\+\d[\d ()/.-]{5,}")
_TEXTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("phone", _PHONE),
    ("email", _EMAIL),
    ("url", _URL),
    ("date", _DATE),
    ("datetime", _DATETIME),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundProperty:
    """One property, as far as the system tells and its sample shows."""

    path: str
    type: str | None
    required: bool
    read_only: bool
    max_length: int | None
    values: tuple[Native, ...]
    filled: int
    """In how many of the sampled records it has a value."""
    unique: bool
    notes: tuple[str, ...]
    example: Native
    refers: str | None = None
    """The datatype that it names a record of, where the system tells."""

    def written(self) -> dict[str, Any]:
        """What `properties:` in the project file says of it: what the system tells, and options that were seen."""
        said = {
            "type": self.type,
            "required": self.required or None,
            "read_only": self.read_only or None,
            "max_length": self.max_length,
            "values": list(self.values) or None,
        }
        return {key: value for key, value in said.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDatatype:
    """One datatype of a system."""

    name: str
    in_file: bool
    """Whether the project file has it."""
    keys: Mapping[str, Any]
    """What the project file says (or would say) of it beside its properties."""
    sampled: int
    properties: tuple[FoundProperty, ...]
    samples: tuple[Natives, ...] = field(default=(), repr=False)
    """The records that were looked at, flat. They are not kept anywhere."""


def discover(system: System, sample: int, connecting: Callable[[System], Connector] = connect) -> list[FoundDatatype]:
    """What a system has. Raises SystemFailure, and UsageError for a connector that cannot tell."""
    connector = connecting(system)
    if not isinstance(connector, Discovers):
        raise UsageError(f"the connector {system.connector!r} of {system.name} cannot be asked what there is")
    return [as_found(system, one) for one in asyncio.run(_asked(connector, connector, sample))]


async def _asked(connector: Connector, asked: Discovers, sample: int) -> list[Discovered]:
    try:
        await connector.open({})
        return list(await asked.discover(sample))
    finally:
        await connector.close()


def as_found(system: System, one: Discovered) -> FoundDatatype:
    """What was told of a datatype, with what its samples show."""
    stated = [path for path in _stated(system, one.name) if "=" in path]
    samples = [{**flattened(natives), **_selected(natives, stated)} for natives in one.samples]
    seen = list(dict.fromkeys(path for natives in samples for path in natives))
    heads = {path.partition(".")[0].removesuffix("[]") for path in seen if "." in path or path.endswith("[]")}
    paths = list(dict.fromkeys([*(path for path in one.properties if path not in heads), *seen]))
    return FoundDatatype(
        name=one.name,
        in_file=one.name in system.datatypes,
        keys=one.keys,
        sampled=len(samples),
        samples=tuple(samples),
        properties=tuple(_property(path, one.properties.get(path), samples) for path in paths),
    )


def _stated(system: System, name: str) -> Iterable[str]:
    """The paths that the project file names."""
    return system.datatypes[name].properties if name in system.datatypes else ()


def _selected(natives: Mapping[str, Any], paths: Sequence[str]) -> dict[str, Native]:
    """The values of single lines of a list, as `custom_fields[id=2].value` names them."""
    found = {path: get_path(natives, path) for path in paths}
    return {path: value for path, value in found.items() if value is not ABSENT}


def flattened(record: Mapping[str, Any], before: str = "") -> dict[str, Native]:
    """Nested properties by their paths: `contact.email`, `tags[]`, `lines[].sku`."""
    found: dict[str, Native] = {}
    for key, value in record.items():
        path = before + key
        if isinstance(value, dict) and value:
            found |= flattened(value, f"{path}.")
        elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            inner = [flattened(item, f"{path}[].") for item in value]
            found |= {name: [one.get(name) for one in inner] for name in dict.fromkeys(n for one in inner for n in one)}
        else:
            found[f"{path}[]" if isinstance(value, list) else path] = value
    return found


def _property(path: str, told: PropertySchema | None, samples: Sequence[Natives]) -> FoundProperty:
    filled = [value for natives in samples if (value := natives.get(path)) not in (None, "", [])]
    options = _options(filled) if told is None or told.values is None else tuple(told.values)
    kind = told.type if told is not None and told.type not in (None, "string", "text") else _type(filled, options)
    kind = kind or (told.type if told is not None else None)
    if kind == "decimal" and (seen := _type(filled, ())) is not None and seen.startswith("decimal"):
        kind = seen
    return FoundProperty(
        path=path,
        type=kind,
        required=told is not None and told.required,
        read_only=told is not None and told.read_only,
        max_length=told.max_length if told is not None else None,
        values=options if kind == "enum" else (),
        filled=len(filled),
        unique=kind in KEYLIKE and len(filled) >= ENOUGH and len({str(value) for value in filled}) == len(filled),
        notes=(*((told.note,) if told is not None and told.note else ()), *_notes(filled, kind)),
        example=filled[0] if filled else None,
        refers=told.refers if told is not None else None,
    )


def _options(filled: Sequence[Native]) -> tuple[Native, ...]:
    """The few texts that come again and again."""
    counts = Counter(value for value in filled if isinstance(value, str))
    enough = len(filled) >= ENOUGH and sum(counts.values()) == len(filled) >= OFTEN * len(counts)
    few = 1 < len(counts) <= FEW and min(counts.values()) > 1 and max(map(len, counts)) <= SHORT
    return tuple(sorted(counts)) if enough and few and not any("\n" in text for text in counts) else ()


def _type(filled: Sequence[Native], options: Sequence[Native]) -> str | None:
    """The row type that fits every value of a sample; None: there is none to go by."""
    if not filled:
        return None
    if all(isinstance(value, bool) for value in filled):
        return "boolean"
    if all(isinstance(value, int) and not isinstance(value, bool) for value in filled):
        return "integer"
    if all(isinstance(value, int | Decimal) and not isinstance(value, bool) for value in filled):
        return f"decimal({max(map(_decimals, filled))})"
    if all(isinstance(value, list) for value in filled):
        inner = _type([item for value in filled if isinstance(value, list) for item in value if item is not None], ())
        return f"list({inner or 'string'})" if inner not in ("json", "object") else "json"
    if not all(isinstance(value, str) for value in filled):
        return "object" if all(isinstance(value, dict) for value in filled) else "json"
    texts = [str(value) for value in filled]
    fits = next((name for name, pattern in _TEXTS if all(map(pattern.fullmatch, texts))), None)
    if len(texts) >= ENOUGH and all(len(text) == 2 and text.isupper() for text in texts) and _are_countries(texts):
        return "country"
    return fits or ("enum" if options else "text" if any("\n" in text for text in texts) else "string")


def _are_countries(texts: Sequence[str]) -> bool:
    from babel import Locale

    return len(set(texts)) > 1 and set(texts) <= set(Locale("en").territories)


def _decimals(value: Native) -> int:
    exponent = value.as_tuple().exponent if isinstance(value, Decimal) else 0
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _notes(filled: Sequence[Native], kind: str | None) -> Iterable[str]:
    """What no schema tells, as far as a sample shows it."""
    texts = [value for value in filled if isinstance(value, str)]
    if len(texts) < ENOUGH or len(texts) < len(filled):
        return
    if (kind or "").startswith("datetime"):
        if not any("." in text for text in texts):
            yield "whole seconds" if any(re.search(r":\d\d:\d\d", text) for text in texts) else "whole minutes"
        return
    if all(text == text.upper() for text in texts) and any(text != text.lower() for text in texts):
        yield "always in capitals"
    if any(text != text.strip() for text in texts):
        yield "blanks at the ends"
    if kind in ("string", "text"):
        yield f"longest seen: {max(map(len, texts))}"
