"""The laws of every row, tried on made values: what is written and read again is the same; writing back what was read
changes nothing. A row that loses something must say so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from accord.config.meaning import Row, TypeSpec
from accord.core.mapping import FlowMap
from accord.errors import ExpressionError, ValueRefused
from accord.simulate.marks import COUNTRIES, LANGUAGES, WORDS
from accord.values.codec import Codec
from accord.values.money import Money

TRIES = 1000
"""Values a row and side. The first are chosen, the rest drawn."""
MOST = 40
"""Characters of a value that an example shows."""
PLAIN = frozenset({"integer", "decimal", "float", "money"})
TEXTS = ("", "a", " lead and trail ", "Two  Spaces", "UPPER", "lower", "Ærø Åse", "cafe\u0301", "x" * 300, "1 < 2")
DAYS = (date(1900, 1, 1), date(1968, 12, 31), date(2024, 2, 29), date(2069, 1, 1), date(2199, 12, 31))
"""Days that a year of two digits, or a system that counts from 1970, does not have."""
Make = Callable[[Random, TypeSpec], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """How a row's values fare in one system."""

    flow: str
    row: str
    system: str
    tried: int
    lost: int
    """Values that come back as others."""
    moved: int
    """Native values that change when they are read and written back."""
    refused: int
    """Values that the system cannot hold at all."""
    example: str | None = None
    """The shortest of the values that came back as others, or moved."""
    refusal: str | None = None


def laws_of(flow: FlowMap, row: str, seed: int = 0, tries: int = TRIES) -> list[Law]:
    """A row in each of its systems. References are no values, and have none."""
    if row in flow.references:
        return []
    known = flow.rows[row]
    values = made_values(known, Random(f"{seed} {flow.name} {row}"), tries)  # noqa: S311
    held = {system: _held(flow, row, system, values) for system in flow.sides if row in flow.sides[system].rows}
    laws = []
    for system in held:
        others = [held[name] for name in held if name != system and name in known.sources]
        come = [value for at, value in enumerate(values) if not others or any(held_by[at] for held_by in others)]
        laws.append(_tried(flow, known, system, flow.sides[system].rows[row], come or values))
    return laws


def _held(flow: FlowMap, row: str, system: str, values: Sequence[Any]) -> list[bool]:
    """Which values a system can hold: no other one comes from it."""
    found, codec = [], flow.sides[system].rows[row]
    for value in values:
        try:
            codec.encode(value)
            found.append(True)
        except (ValueRefused, ExpressionError):
            found.append(False)
    return found


def made_values(row: Row, random: Random, tries: int) -> list[Any]:
    """Canonical values of a row's type; where a map names them, these."""
    named = list(dict.fromkeys(str(key) for mapping in row.maps.values() for key in mapping))
    if named:
        return named
    return [_made(row.type, random, number) for number in range(tries)]


def _made(spec: TypeSpec, random: Random, number: int) -> Any:
    if spec.of is not None:
        return tuple(_made(spec.of, random, number * 7 + at) for at in range(random.randint(0, 3)))
    if spec.name in ("string", "text") and number < len(TEXTS):
        return TEXTS[number]
    make = MADE.get(spec.name)
    return make(random, spec) if make else _words(random, spec)


def _words(random: Random, spec: TypeSpec) -> str:
    text = " ".join(random.choice(WORDS) for _ in range(random.randint(1, 6)))
    return random.choice([text, text.title(), text.upper(), f" {text}", f"{text}\n"])


def _decimal(random: Random, spec: TypeSpec) -> Decimal:
    scale = int(spec.arguments[0]) if spec.arguments and spec.arguments[0].isdecimal() else 4
    whole = random.choice([0, 1, random.randint(0, 99), random.randint(-(10**9), 10**9)])
    return Decimal(whole) + Decimal(random.randint(0, 10**scale - 1)).scaleb(-scale)


def _moment(random: Random, spec: TypeSpec) -> datetime:
    return datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=random.randint(0, 10**9))


MADE: dict[str, Make] = {
    "integer": lambda r, s: random_whole(r),
    "decimal": _decimal,
    "float": lambda r, s: r.randint(-(10**6), 10**6) / 8,
    "boolean": lambda r, s: r.random() < 0.5,
    "date": lambda r, s: (
        r.choice(DAYS) if r.random() < 0.1 else date(2000, 1, 1) + timedelta(days=r.randint(0, 20_000))
    ),
    "datetime": _moment,
    "time": lambda r, s: time(r.randrange(24), r.randrange(60)),
    "duration": lambda r, s: timedelta(minutes=r.randint(0, 10_000)),
    "money": lambda r, s: Money(Decimal(r.randint(0, 10**8)).scaleb(-2), s.arguments[0] if s.arguments else "NOK"),
    "email": lambda r, s: f"{r.choice(WORDS)}.{r.choice(WORDS)}@example.org",
    "person": lambda r, s: f"{r.choice(WORDS)}@example.org",
    "url": lambda r, s: f"https://example.org/{r.choice(WORDS)}/{r.randint(1, 999)}",
    "phone": lambda r, s: f"+47{r.randint(40_000_000, 49_999_999)}",
    "country": lambda r, s: r.choice(COUNTRIES),
    "language": lambda r, s: r.choice(LANGUAGES),
    "object": lambda r, s: {r.choice(WORDS): r.choice(WORDS)},
    "json": lambda r, s: {r.choice(WORDS): r.choice(WORDS)},
}


def random_whole(random: Random) -> int:
    """Small ones, and some that are not."""
    return random.choice([0, 1, random.randint(0, 99), random.randint(-(10**9), 10**9)])


def _tried(flow: FlowMap, row: Row, system: str, codec: Codec, values: Sequence[Any]) -> Law:
    lost = moved = refused = 0
    examples: list[str] = []
    refusal: str | None = None
    equal, empty = flow.types[row.name].equal, flow.types[row.name].is_empty
    for value in values:
        try:
            native = codec.encode(value)
            back = codec.decode(native)
            again = codec.encode(back, like=native)
        except (ValueRefused, ExpressionError) as error:
            refused, refusal = refused + 1, refusal or error.message
            continue
        if not equal(back, value) and not (empty(value) and empty(back)):
            lost += 1
            was, now = _shown(flow, row, value), _shown(flow, row, back)
            examples.append(f"{was} is written as {_native(native)} and read back as {now}")
        elif again != native:
            moved += 1
            now = _shown(flow, row, back)
            examples.append(f"{_native(native)} is read as {now} and written back as {_native(again)}")
    return Law(
        flow=flow.name,
        row=row.name,
        system=system,
        tried=len(values),
        lost=lost,
        moved=moved,
        refused=refused,
        example=min(examples, key=len) if examples else None,
        refusal=refusal,
    )


def _native(value: Any) -> str:
    return _short(repr(value) if isinstance(value, str) else str(value))


def _shown(flow: FlowMap, row: Row, value: Any) -> str:
    found = flow.to_json(row.name, value)
    plain = repr(found) if isinstance(found, str) and row.type.name not in PLAIN else str(found)
    return _short(plain)


def _short(text: str) -> str:
    return text if len(text) <= MOST else f"{text[: MOST - 12]}… ({len(text)} characters)"
