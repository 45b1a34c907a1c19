"""Lenses: what stands between a system's native value and the row's type. Each can read and write.

A lens works on natives, sees null and "" only if it asks for them, and applies to every item of a
list where it is one of text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from accord.config.meaning import LensSpec
from accord.errors import ValueRefused
from accord.model import ABSENT, Absent, Native
from accord.values import places
from accord.values.moments import parse_datetime
from accord.values.numbers import at_scale, divided, multiplied, plain_text, to_decimal
from accord.values.texts import cut, refused

Step = Callable[[Native], Native]

ROUNDING = frozenset({"scale", "round"})
"""Lenses after which an integer property may take the nearest whole number."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EMPTIES: frozenset[str | None] = frozenset({None, ""})
_SHOWN = 20
"""How many options a refusal names."""
_UNIX = {"unix": 1, "unix_ms": 1000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lens:
    """One lens, compiled."""

    read: Step
    write: Step
    reads: frozenset[str | None] = frozenset()
    """Which of null and "" it reads; others pass it by."""
    writes_blank: bool = False
    """Whether it writes "", too; null always passes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a lens may know of its row."""

    zone: tzinfo
    kind: str
    """The row type's name."""
    region: str | None
    """The region of a `phone(NO)` row."""


def lens(spec: LensSpec, around: Surroundings) -> Lens:
    """A lens of its specification. Raises ValueError for an unknown name or an argument that it does not take."""
    if spec.name not in _BUILDERS:
        raise ValueError(f"the lens {spec.name!r} is not known; known are {', '.join(_BUILDERS)}")
    return _BUILDERS[spec.name](spec.argument, around)


def value_map(
    mapping: Mapping[str, Any], *, fold: bool = False, passes: bool = False, instead: Native | Absent = ABSENT
) -> Lens:
    """A row's `map` of one system: canonical text → native. An option that is not in it is refused by name.

    Where several canonical values share a native one, the first is read. `fold`: looked up without regard to case.
    What is not in it may pass as it is, unless the other way would read it as something else; or be written as
    something else `instead`.
    """
    token = _folded if fold else _token
    inverse: dict[Any, str] = {}
    for canonical, native in mapping.items():
        inverse.setdefault(token(native), canonical)
    forward = {token(canonical): native for canonical, native in mapping.items()}
    return Lens(
        read=_looked_up(inverse, [*mapping.values()], token, forward if passes else None),
        write=_looked_up(forward, [*mapping], token, inverse if passes else None, instead),
        reads=_EMPTIES & inverse.keys(),
        writes_blank="" in mapping,
    )


def _looked_up(
    table: Mapping[Any, Any],
    known: list[Any],
    token_of: Callable[[Any], Any],
    taken: Mapping[Any, Any] | None = None,
    instead: Native | Absent = ABSENT,
) -> Step:
    """A step through a table of tokens; of a list, item by item. What is in none passes unless it is `taken`."""
    options = ", ".join(map(str, known[:_SHOWN])) + (f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else "")

    def step(value: Native) -> Native:
        if isinstance(value, list | tuple):
            return [step(item) for item in value]
        token = token_of(value)
        if token in table:
            found: Native = table[token]
            return found
        if not isinstance(instead, Absent):
            return instead
        if taken is not None and token not in taken:
            return value
        raise refused(value, f"one of the options that are mapped: {options}")

    return step


def _folded(value: Any) -> Any:
    token = _token(value)
    return token.strip().casefold() if isinstance(token, str) else token


def _token(value: Any) -> Any:
    """Options are told apart by their text, so that 1 and "1", true and "true" are the same option."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return plain_text(value) if isinstance(value, int | Decimal) else str(value)


def _each(step: Callable[[str], Native]) -> Step:
    """A step on text, applied to the items of a list, too; anything else passes."""

    def apply(native: Native) -> Native:
        if isinstance(native, str):
            return step(native)
        return [apply(item) for item in native] if isinstance(native, list | tuple) else native

    return apply


def _same(native: Native) -> Native:
    return native


def _trim(argument: Any, around: Surroundings) -> Lens:
    return Lens(read=_each(str.strip), write=_each(str.strip))


def _case(argument: Any, around: Surroundings) -> Lens:
    if argument not in ("upper", "lower"):
        raise ValueError("the lens case takes upper or lower")
    return Lens(read=_same, write=_each(str.upper if argument == "upper" else str.lower))


def _whole(argument: Any, name: str, least: int) -> int:
    if isinstance(argument, bool) or not isinstance(argument, int) or not least <= argument <= 1_000_000:
        raise ValueError(f"the lens {name} takes a number from {least}")
    return argument


def _round(argument: Any, around: Surroundings) -> Lens:
    places_kept = _whole(argument, "round", 0)

    def step(native: Native) -> Native:
        return at_scale(to_decimal(native), min(places_kept, 30))

    return Lens(read=step, write=step)


def _truncate(argument: Any, around: Surroundings) -> Lens:
    length = _whole(argument, "truncate", 1)
    return Lens(read=_same, write=_each(lambda text: cut(text, length)))


def _map(argument: Any, around: Surroundings) -> Lens:
    """Written from native to canonical, the way that it is read."""
    if not isinstance(argument, Mapping):
        raise ValueError("the lens map takes a table, native value: canonical value")
    forward = {_token(native): canonical for native, canonical in argument.items()}
    back: dict[Any, Any] = {}
    for native, canonical in argument.items():
        back.setdefault(_token(canonical), native)
    return Lens(
        read=_looked_up(forward, [*argument], _token),
        write=_looked_up(back, [*argument.values()], _token),
        reads=_EMPTIES & forward.keys(),
        writes_blank="" in back,
    )


def _separator(argument: Any, name: str) -> str:
    by = argument.get("by", ",") if isinstance(argument, Mapping) else argument if argument is not None else ","
    if not isinstance(by, str) or not by:
        raise ValueError(f"the lens {name} takes the text between two items, as in {{by: ','}}")
    return by


def _split(argument: Any, around: Surroundings) -> Lens:
    by = _separator(argument, "split")
    return Lens(read=lambda native: _parted(native, by), write=lambda value: _joined(value, by), reads=frozenset({""}))


def _join(argument: Any, around: Surroundings) -> Lens:
    by = _separator(argument, "join")
    return Lens(read=lambda native: _joined(native, by), write=lambda value: _parted(value, by), writes_blank=True)


def _parted(native: Native, by: str) -> Native:
    if not isinstance(native, str):
        raise refused(native, "text that can be split")
    return [part for item in native.split(by) if (part := item if item == by else item.strip())]


def _joined(native: Native, by: str) -> Native:
    if not isinstance(native, list | tuple):
        raise refused(native, "a list that can be joined")
    items = [plain_text(item) if isinstance(item, int | Decimal) else str(item) for item in native if item is not None]
    for item in items:
        if by in item:
            raise refused(item, f"without {by!r}, which separates the items there")
    return by.join(items)


def _scale(argument: Any, around: Surroundings) -> Lens:
    """Native = canonical × factor."""
    try:
        factor = to_decimal(argument if isinstance(argument, int | Decimal) else str(argument))
    except ValueRefused:
        factor = Decimal(0)
    if not factor:
        raise ValueError("the lens scale takes a number other than 0")
    return Lens(
        read=lambda native: divided(to_decimal(native), factor),
        write=lambda value: multiplied(to_decimal(value), factor),
    )


def _date_format(argument: Any, around: Surroundings) -> Lens:
    """`unix`, `unix_ms` or a pattern of strptime; without an offset in it, local time of the system's zone."""
    if argument in _UNIX:
        return _unix(_UNIX[argument], around)
    if not isinstance(argument, str) or "%" not in argument:
        raise ValueError("the lens date-format takes unix, unix_ms or a pattern such as %d.%m.%Y")

    def read(native: Native) -> Native:
        try:
            moment = datetime.strptime(str(native).strip(), argument)
        except ValueError:
            raise refused(native, f"a date in the format {argument}") from None
        return moment.isoformat()

    def write(value: Native) -> Native:
        if around.kind == "time":
            return time.fromisoformat(str(value)).strftime(argument)
        return parse_datetime(value, around.zone).astimezone(around.zone).strftime(_padded_year(argument, value))

    return Lens(read=read, write=write)


def _padded_year(pattern: str, value: Native) -> str:
    """%Y has no leading zeros on Linux, and is then not read back."""
    return re.sub(r"%Y", str(value)[:4].rjust(4, "0"), pattern) if str(value)[:1] == "0" else pattern


def _unix(unit: int, around: Surroundings) -> Lens:
    def read(native: Native) -> Native:
        try:
            moment = _EPOCH + timedelta(microseconds=int(to_decimal(native) * (1_000_000 // unit)))
        except OverflowError:
            raise refused(native, "a time between the years 1 and 9999") from None
        return moment.isoformat()

    def write(value: Native) -> Native:
        micros = (parse_datetime(value, around.zone) - _EPOCH) // timedelta(microseconds=1)
        return micros // (1_000_000 // unit)

    return Lens(read=read, write=write)


def _phone(argument: Any, around: Surroundings) -> Lens:
    """A region (`NO`) or `{region, format: e164|international|national}`; what is no phone number passes."""
    options = argument if isinstance(argument, Mapping) else {"region": argument}
    region = options.get("region") or around.region
    form = options.get("format", "e164")
    if form not in ("e164", "international", "national") or not (region is None or re.fullmatch("[A-Za-z]{2}", region)):
        raise ValueError("the lens phone takes a region such as NO, or {region, format: e164|international|national}")
    where = region.upper() if region else None
    return Lens(
        read=_each(lambda text: places.phone_number(text, where) or text),
        write=_each(lambda text: places.format_phone(text, where, form)),
    )


def _country(argument: Any, around: Surroundings) -> Lens:
    """`alpha2`, `alpha3`, `numeric`, `name`, or `{name: nb}` for names in another language than English."""
    language = "en"
    if isinstance(argument, Mapping) and len(argument) == 1 and "name" in argument:
        argument, language = "name", str(argument["name"])
    if argument not in ("alpha2", "alpha3", "numeric", "name"):
        raise ValueError("the lens country takes alpha2, alpha3, numeric, name or {name: language}")
    return Lens(
        read=lambda native: places.country_from(str(native), argument, language),
        write=lambda value: places.country_to(str(value), argument, language),
    )


def _strip_html(argument: Any, around: Surroundings) -> Lens:
    from accord.values.markup import html_to_text, text_to_html

    return Lens(read=_each(html_to_text), write=_each(text_to_html))


def _default(argument: Any, around: Surroundings) -> Lens:
    return Lens(read=lambda native: argument if native is None or native == "" else native, write=_same, reads=_EMPTIES)


def _expression(argument: Any, around: Surroundings) -> Lens:
    from accord.values.expressions import compile_expression

    if not isinstance(argument, Mapping) or not argument or set(argument) - {"read", "write"}:
        raise ValueError("the lens expression takes {read: …, write: …}")
    steps = {way: compile_expression(str(text)) for way, text in argument.items()}
    for way, step in steps.items():
        if step.paths - {"value"} and any(path.partition(".")[0] != "value" for path in step.paths):
            raise ValueError(
                f"the lens expression knows only `value`; {way} also names {', '.join(sorted(step.paths))}"
            )

    def run(way: str) -> Step:
        if way not in steps:
            return _no_way(way)
        return lambda native: steps[way].evaluate({"value": native})

    return Lens(read=run("read"), write=run("write"))


def _no_way(way: str) -> Step:
    def step(native: Native) -> Native:
        raise refused(native, f"possible here: the expression lens of this row does not say how to {way}")

    return step


_BUILDERS: dict[str, Callable[[Any, Surroundings], Lens]] = {
    "trim": _trim,
    "case": _case,
    "round": _round,
    "truncate": _truncate,
    "map": _map,
    "split": _split,
    "join": _join,
    "scale": _scale,
    "date-format": _date_format,
    "phone": _phone,
    "country": _country,
    "strip-html": _strip_html,
    "default": _default,
    "expression": _expression,
}
INNER_SAMPLES: Mapping[str, str] = {"date": "2000-01-31", "datetime": "2000-01-31T00:00:00.000000Z"}
"""What a moment is written like before a `date-format` lens writes it."""
