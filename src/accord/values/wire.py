"""One coding per row type: native JSON to canonical values and back, in the form that a sample shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from accord.config.meaning import Property, System, TypeSpec
from accord.model import Native
from accord.values import moments
from accord.values.money import Money, format_money, parse_money
from accord.values.numbers import Shape, at_scale, number_shape, plain_text, to_decimal, to_integer
from accord.values.places import country
from accord.values.texts import refused

Decode = Callable[[Native], Any]
Encode = Callable[[Any, Native], Native]

_TYPE = re.compile(r"\s*([a-z-]+)\s*(?:\(([^)]*)\)\s*)?(?:of\b.*)?")
_PAIRS = (("true", "false"), ("t", "f"), ("yes", "no"), ("y", "n"), ("on", "off"), ("1", "0"))
_BOOLEANS = {word: word == pair[0] for pair in _PAIRS for word in pair}
_PAIR_OF = {word: pair for pair in _PAIRS for word in pair}


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """How one row is read from, and written to, one system, its lenses aside."""

    decode: Decode
    """Native → canonical, never given None or, except for text, "". Raises ValueRefused."""
    encode: Encode
    """Canonical (not None), sample → native in the form of the sample. Raises ValueRefused."""
    shape: Shape
    """Native as a lens gave it, sample of the outer property → native in the property's form."""
    text: bool = False
    """Whether "" is a value of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is known of the property that a coding writes."""

    kind: str | None
    """The property's own type, by name."""
    scale: int | None
    zone: tzinfo
    rounds: bool
    """Whether a lens has declared that decimals may be lost."""


def target(system: System, prop: Property | None, *, rounds: bool = False) -> Target:
    """What a property is, from its declared or discovered type (`decimal(2)`, `integer`, …)."""
    match = _TYPE.fullmatch(prop.type) if prop is not None and prop.type else None
    kind, argument = (match[1], match[2]) if match else (None, None)
    scale = int(argument) if kind == "decimal" and argument and argument.strip().isdigit() else None
    return Target(kind=kind, scale=scale, zone=moments.zone_of(system.clock.zone), rounds=rounds)


def coding(spec: TypeSpec, to: Target) -> Coding:
    """The coding of a type. Raises ValueError for a name that is no type."""
    if spec.of is not None:
        return _list(coding(spec.of, to))
    if spec.name in _BUILDERS:
        return _BUILDERS[spec.name](spec, to)
    raise ValueError(f"{spec.name} is not a type")


def _as_is(native: Native, like: Native) -> Native:
    return native


# --- text


def _text(spec: TypeSpec, to: Target) -> Coding:
    shape = _text_shape(to)
    return Coding(decode=decode_text, encode=lambda value, like: shape(_a_text(value), like), shape=shape, text=True)


def decode_text(native: Native) -> Any:
    """Text as it is; numbers and booleans as JSON writes them. Raises ValueRefused for lists and objects."""
    if isinstance(native, str):
        return native
    if isinstance(native, bool):
        return "true" if native else "false"
    if isinstance(native, int | Decimal):
        return plain_text(native)
    raise refused(native, "text")


def _a_text(value: Any) -> str:
    if not isinstance(value, str):
        raise refused(value, "text")
    return value


def _text_shape(to: Target) -> Shape:
    if to.kind == "integer":
        return lambda native, like: to_integer(native) if native != "" else None
    if to.kind in ("decimal", "float"):
        return lambda native, like: to_decimal(native) if native != "" else None
    if to.kind == "boolean":
        return lambda native, like: _boolean(native) if native != "" else None
    return _like_text if to.kind is None else _in_text


def _in_text(native: Native, like: Native) -> Native:
    """Numbers of a `map` as text; anything else as it is."""
    return decode_text(native) if isinstance(native, int | Decimal) else native


def _like_text(native: Native, like: Native) -> Native:
    """Text that a sample shows as a number or boolean is written as one if nothing of it is lost."""
    if isinstance(like, str):
        return _in_text(native, like)
    if like is None or not isinstance(native, str):
        return native
    if isinstance(like, bool):
        return native == "true" if native in ("true", "false") else native
    if isinstance(like, int | Decimal) and re.fullmatch(r"0|-?[1-9]\d{0,30}|-?(0|[1-9]\d{0,30})\.\d{1,30}", native):
        return int(native) if "." not in native else Decimal(native)
    return native


def _enum(spec: TypeSpec, to: Target) -> Coding:
    shape, options = _text_shape(to), spec.arguments

    def known(value: Any) -> str:
        text = decode_text(value)
        if options and text not in options:
            raise refused(text, f"one of {', '.join(options)}")
        return str(text)

    return Coding(decode=known, encode=lambda value, like: shape(known(value), like), shape=shape)


def _country(spec: TypeSpec, to: Target) -> Coding:
    def decode(native: Native) -> str:
        return country(_a_text(native))

    def encode(value: Any, like: Native) -> Native:
        code = country(_a_text(value))
        return code.lower() if isinstance(like, str) and like.islower() and len(like) == 2 else code

    return Coding(decode=decode, encode=encode, shape=_as_is)


def _trimmed(spec: TypeSpec, to: Target) -> Coding:
    """language: text that is compared otherwise, and empty when it is blank."""
    return Coding(decode=decode_text, encode=lambda value, like: _a_text(value), shape=_as_is)


# --- numbers and booleans


def _integer(spec: TypeSpec, to: Target) -> Coding:
    shape = _text_of_numbers(number_shape(to.kind, to.scale, to.rounds))
    return Coding(decode=to_integer, encode=lambda value, like: shape(to_integer(value), like), shape=shape)


def _decimal(spec: TypeSpec, to: Target) -> Coding:
    scale = int(spec.arguments[0]) if spec.arguments else None
    shape = _text_of_numbers(number_shape(to.kind, to.scale, to.rounds))
    return Coding(
        decode=to_decimal,
        encode=lambda value, like: shape(at_scale(to_decimal(value), scale), like),
        shape=shape,
    )


def _text_of_numbers(shape: Shape) -> Shape:
    """A shape that leaves alone what a lens has turned into something else than a number."""
    return lambda native, like: shape(native, like) if isinstance(native, int | Decimal) else native


def _float(spec: TypeSpec, to: Target) -> Coding:
    shape = _text_of_numbers(number_shape(to.kind, to.scale, to.rounds))

    def encode(value: Any, like: Native) -> Native:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise refused(value, "a number")
        return shape(to_decimal(Decimal(repr(value))), like)

    return Coding(decode=lambda native: float(to_decimal(native)), encode=encode, shape=shape)


def _boolean_coding(spec: TypeSpec, to: Target) -> Coding:
    def shape(native: Native, like: Native) -> Native:
        if not isinstance(native, bool):
            return native
        if to.kind == "boolean":
            return native
        if to.kind in ("integer", "decimal") or (to.kind is None and type(like) in (int, Decimal)):
            return int(native)
        return _boolean_word(native, like) if to.kind in ("string", "text", "enum") or isinstance(like, str) else native

    return Coding(decode=_boolean, encode=lambda value, like: shape(_boolean(value), like), shape=shape)


def _boolean(native: Native) -> bool:
    if isinstance(native, bool):
        return native
    found = _BOOLEANS.get(str(native).strip().lower()) if isinstance(native, str | int | Decimal) else None
    if found is None:
        raise refused(native, "true or false (also 1, 0, yes, no)")
    return found


def _boolean_word(native: bool, like: Native) -> str:
    sample = like.strip() if isinstance(like, str) else ""
    word = _PAIR_OF.get(sample.lower(), ("true", "false"))[0 if native else 1]
    if sample.isupper():
        return word.upper()
    return word.capitalize() if sample.istitle() else word


# --- moments


def _datetime(spec: TypeSpec, to: Target) -> Coding:
    default = moments.DATE_ONLY if to.kind == "date" else moments.ISO

    def encode(value: Any, like: Native) -> Native:
        if not isinstance(value, datetime):
            raise refused(value, "a date and time")
        form = default if to.kind == "date" else moments.form_of(like) or default
        return moments.format_datetime(value, form, to.zone)

    return Coding(decode=lambda native: moments.parse_datetime(native, to.zone), encode=encode, shape=_as_is)


def _date(spec: TypeSpec, to: Target) -> Coding:
    default = moments.ISO if to.kind == "datetime" else moments.DATE_ONLY

    def encode(value: Any, like: Native) -> Native:
        if isinstance(value, datetime) or not isinstance(value, date):
            raise refused(value, "a date")
        form = moments.form_of(like) or default
        if (to.kind == "date" and form.separator) or (to.kind == "datetime" and not form.separator):
            form = default
        return moments.format_date(value, form, to.zone)

    return Coding(decode=lambda native: moments.parse_date(native, to.zone), encode=encode, shape=_as_is)


def _time(spec: TypeSpec, to: Target) -> Coding:
    def encode(value: Any, like: Native) -> Native:
        if not isinstance(value, time):
            raise refused(value, "a time of day")
        return moments.format_time(value, moments.time_form(like))

    return Coding(decode=moments.parse_time, encode=encode, shape=_as_is)


def _duration(spec: TypeSpec, to: Target) -> Coding:
    shape = _text_of_numbers(number_shape(to.kind, to.scale, to.rounds))

    def encode(value: Any, like: Native) -> Native:
        if not isinstance(value, timedelta):
            raise refused(value, "a duration")
        return shape(moments.format_duration(value, like, to.kind), like)

    return Coding(decode=moments.parse_duration, encode=encode, shape=shape)


# --- the others


def _money(spec: TypeSpec, to: Target) -> Coding:
    currency = spec.arguments[0].upper() if spec.arguments else None
    shape = _text_of_numbers(number_shape(to.kind, to.scale, to.rounds))

    def encode(value: Any, like: Native) -> Native:
        if not isinstance(value, Money):
            raise refused(value, "money")
        return format_money(value, like, to.kind, currency, shape)

    return Coding(decode=lambda native: parse_money(native, currency), encode=encode, shape=_as_is)


def _reference(spec: TypeSpec, to: Target) -> Coding:
    return Coding(decode=_target_id, encode=lambda value, like: value, shape=_as_is)


def _target_id(native: Native) -> str | None:
    """The id of `7`, `"A-7"`, `{"id": 7, …}` or `[7, "name"]`; of false none, as Odoo writes it."""
    if isinstance(native, str):
        return native
    if native is False:
        return None
    if isinstance(native, int) and not isinstance(native, bool):
        return str(native)
    if isinstance(native, Decimal) and native == native.to_integral_value():
        return plain_text(native.to_integral_value())
    inner = native.get("id") if isinstance(native, dict) else native[0] if isinstance(native, list) and native else True
    if inner is None or inner == "":
        return None
    if isinstance(inner, str | int) and not isinstance(inner, bool):
        return str(inner)
    raise refused(native, "the id of a record")


def _json(spec: TypeSpec, to: Target) -> Coding:
    def checked(native: Native) -> Native:
        if spec.name == "object" and not isinstance(native, dict):
            raise refused(native, "an object")
        return native

    return Coding(decode=checked, encode=lambda value, like: checked(value), shape=_as_is)


def _list(of: Coding) -> Coding:
    def decode(native: Native) -> Any:
        if not isinstance(native, list | tuple):
            raise refused(native, "a list")
        return tuple(None if item is None else of.decode(item) for item in native)

    def encode(value: Any, like: Native) -> Native:
        if not isinstance(value, list | tuple):
            raise refused(value, "a list")
        sample = next((item for item in like if item is not None), None) if isinstance(like, list) else None
        return [None if item is None else of.encode(item, sample) for item in value]

    return Coding(decode=decode, encode=encode, shape=_as_is)


_BUILDERS: dict[str, Callable[[TypeSpec, Target], Coding]] = {
    **dict.fromkeys(("string", "text", "email", "url", "phone", "person"), _text),
    "language": _trimmed,
    "enum": _enum,
    "country": _country,
    "integer": _integer,
    "decimal": _decimal,
    "float": _float,
    "boolean": _boolean_coding,
    "date": _date,
    "datetime": _datetime,
    "time": _time,
    "duration": _duration,
    "money": _money,
    "reference": _reference,
    "object": _json,
    "json": _json,
}
