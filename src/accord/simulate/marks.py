"""Values that no other edit has, and how to recognise them after a system has trimmed, cut, cased or rounded them.

Equal values cannot be told apart from outside. So people type a number into every value whose type has room for it:
`Q12 alder and birch`, `q12@example.org`, 12.25. Where a type has no room (an option, a flag, a country) a value is its
own mark, and many edits share it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from accord.config.meaning import Row, TypeSpec
from accord.core.mapping import FlowMap
from accord.model import ABSENT, json_text
from accord.simulate.shapes import PropertyShape
from accord.values.money import Money

WORDS = ("alder", "birch", "cedar", "elm", "fir", "hazel", "larch", "oak", "pine", "rowan")
SHORTEST = 6
"""Characters that a text must have room for, to carry a mark."""
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
COUNTRIES = ("NO", "SE", "DK", "DE", "FR", "GB")
LANGUAGES = ("nb", "sv", "da", "de", "fr", "en")
_MARK = re.compile(r"[qQ](\d+)")
_PHONE = 40_000_000


@dataclass(frozen=True, slots=True)
class Kind:
    """How values of a type are made from a number, and the number found in them again."""

    make: Callable[[int, Random, TypeSpec], Any]
    find: Callable[[Any], str | None]
    """The mark of a canonical value; None where there is none in it."""


def is_marked(spec: TypeSpec, shapes: Sequence[PropertyShape]) -> bool:
    """Whether values of a row can be told apart: by its type, and by the room that all of its properties have."""
    if spec.of is not None:
        return is_marked(spec.of, shapes)
    narrow = any(shape.options or (shape.max_length or SHORTEST) < SHORTEST for shape in shapes)
    return spec.name in KINDS and not narrow


def make(row: Row, shape: PropertyShape | None, number: int, random: Random, others: Sequence[PropertyShape]) -> Any:
    """A canonical value that a person types: with a mark where there is room for one."""
    spec = row.type
    if row.items is not None:
        return _elements(row, number, random)
    if spec.of is not None:
        items = [_single(spec.of, row, shape, number, random, others)]
        return tuple(items)
    return _single(spec, row, shape, number, random, others)


def _elements(row: Row, number: int, random: Random) -> tuple[dict[str, Any], ...]:
    """A few elements, of few keys: so that people meet."""
    assert row.items is not None  # noqa: S101
    made = []
    for key in random.sample(range(1, 5), random.randint(0, 3)):
        same = Random(key)  # noqa: S311
        element = {}
        for part in row.items.rows:
            own, by = (9_000_000 + key, same) if part.name in row.items.key else (number, random)
            element[part.name] = make(part, None, own, by, [])
        made.append(element)
    return tuple(made)


def _single(
    spec: TypeSpec,
    row: Row,
    shape: PropertyShape | None,
    number: int,
    random: Random,
    others: Sequence[PropertyShape],
) -> Any:
    options = _options(row, shape)
    if options:
        return random.choice(options)
    if not is_marked(spec, [*others, *([shape] if shape else [])]):
        return _shared(spec, random)
    value = KINDS[spec.name].make(number, random, spec)
    longest = shape.max_length if shape else None
    return value[:longest].rstrip() if isinstance(value, str) and longest else value


def _options(row: Row, shape: PropertyShape | None) -> list[Any]:
    """The canonical values that a map names, else the options of the property."""
    named: dict[str, None] = {}
    for mapping in row.maps.values():
        named |= dict.fromkeys(str(key) for key in mapping)
    if named:
        return list(named)
    return list(shape.options) if shape is not None and row.type.name in ("enum", "string", "text") else []


def _shared(spec: TypeSpec, random: Random) -> Any:
    choices: Mapping[str, Sequence[Any]] = {
        "boolean": (True, False),
        "country": COUNTRIES,
        "language": LANGUAGES,
        "integer": range(1, 9),
        "decimal": [Decimal(n) for n in range(1, 9)],
        "duration": [timedelta(minutes=15 * n) for n in range(1, 9)],
        "time": [(EPOCH + timedelta(minutes=15 * n)).time() for n in range(1, 9)],
    }
    return random.choice(choices.get(spec.name, [word[:3] for word in WORDS]))


def mark(flow: FlowMap, row: str, value: Any) -> str:
    """What makes a canonical value recognisable; "" for an empty one."""
    if value is None or value is ABSENT or flow.types[row].is_empty(value):
        return ""
    if flow.rows[row].items is not None:
        return _mark_of_list(flow, row, value)
    return _mark_of(flow.rows[row].type, value)


def _mark_of_list(flow: FlowMap, row: str, value: Any) -> str:
    """The whole list, as far as all systems have properties for it."""
    known = flow.rows[row]
    parts = known.items.rows if known.items is not None else ()
    shared = {part.name for part in parts if set(part.paths) == set(known.paths)}
    elements = [
        {name: item for name, item in sorted(element.items()) if name in shared and item not in (None, "")}
        for element in flow.types[row].to_json(value)
    ]
    return f"={json_text(sorted(elements, key=str))}"


def _mark_of(spec: TypeSpec, value: Any) -> str:
    if spec.of is not None:
        return "+".join(sorted(_mark_of(spec.of, item) for item in value))
    kind = KINDS.get(spec.name)
    found = kind.find(value) if kind is not None else None
    return found if found is not None else f"={str(value).strip().casefold()}"


def _text(number: int, random: Random, spec: TypeSpec) -> str:
    words = " and ".join(random.choice(WORDS) for _ in range(random.choice([2, 3])))
    text = f"Q{number} {words}"
    return random.choice([text, text, f"{text}  ", text.title()])


def _lines(number: int, random: Random, spec: TypeSpec) -> str:
    return f"{_text(number, random, spec)}\n{random.choice(WORDS)}"


def _marked_text(value: Any) -> str | None:
    found = _MARK.search(value) if isinstance(value, str) else None
    return f"Q{int(found[1])}" if found else None


def _marked_number(value: Any) -> str | None:
    return str(int(value)) if isinstance(value, int | float | Decimal) else None


def _number(number: int, random: Random, spec: TypeSpec) -> Decimal:
    """A quarter more than a whole number: rounding keeps the whole, and so does a scale of 60."""
    return Decimal(number) + (Decimal("0.25") if spec.arguments != ("0",) else 0)


def _marked_phone(value: Any) -> str | None:
    digits = re.sub(r"\D", "", str(value))
    return f"Q{int(digits[-8:]) - _PHONE}" if len(digits) >= 8 else None


def _marked_day(value: Any) -> str | None:
    return (
        str((value.date() if isinstance(value, datetime) else value).toordinal()) if isinstance(value, date) else None
    )


def _marked_minute(value: Any) -> str | None:
    return f"{int((value - EPOCH).total_seconds() // 60)}m" if isinstance(value, datetime) else _marked_day(value)


KINDS: dict[str, Kind] = {
    "string": Kind(_text, _marked_text),
    "text": Kind(_lines, _marked_text),
    "email": Kind(lambda n, r, s: f"q{n}@example.org", _marked_text),
    "person": Kind(lambda n, r, s: f"q{n}@example.org", _marked_text),
    "url": Kind(lambda n, r, s: f"https://example.org/q{n}", _marked_text),
    "phone": Kind(lambda n, r, s: f"+47{_PHONE + n}", _marked_phone),
    "integer": Kind(lambda n, r, s: n, _marked_number),
    "decimal": Kind(_number, _marked_number),
    "float": Kind(lambda n, r, s: n + 0.25, _marked_number),
    "date": Kind(lambda n, r, s: EPOCH.date() + timedelta(days=n), _marked_day),
    "datetime": Kind(lambda n, r, s: EPOCH + timedelta(minutes=n), _marked_minute),
    "money": Kind(
        lambda n, r, s: Money(_number(n, r, TypeSpec(name="decimal")), s.arguments[0] if s.arguments else "NOK"),
        lambda value: str(int(value.amount)) if isinstance(value, Money) else None,
    ),
    "object": Kind(lambda n, r, s: {"q": f"q{n}"}, lambda value: _marked_text(str(value))),
    "json": Kind(lambda n, r, s: {"q": f"q{n}"}, lambda value: _marked_text(str(value))),
}
