"""The small languages within a project file: durations, rates, types, directions, paths."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, NoReturn

from accord.config.meaning import TypeSpec
from accord.config.words import COLLECTIONS, TYPES

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d|w)")
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(s|sec|second|m|min|minute|h|hour|d|day)")
_TYPE = re.compile(r"([A-Za-z_-]+)\s*(?:\((.*)\))?", re.S)
_LIST_OF = re.compile(r"(list|set)\s+of\s+(.+)", re.S)
_SEGMENT = re.compile(r"[^.\[\]]*[^.\[\]\s](\[([^\[\]=]+=[^\[\]=]+)?\])?")


def refuse(message: str, *, allowed: str | None = None, hint: str | None = None) -> NoReturn:
    """Tell pydantic, and through it the reader, what is wrong with a value. The message must not hold the value."""
    from pydantic_core import PydanticCustomError

    raise PydanticCustomError("accord", "{said}", {"said": message, "allowed": allowed, "hint": hint})


def is_number(value: Any) -> bool:
    """Whether a value is a number, and not true or false."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def duration(value: Any) -> float:
    """Seconds: `500ms`, `30s`, `5m`, `24h`, `7d`, `1h30m`, or a number. Raises PydanticCustomError."""
    if is_number(value):
        return float(value) if value >= 0 else refuse("a duration cannot be negative")
    text = value.strip() if isinstance(value, str) else ""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    if re.fullmatch(rf"({_DURATION.pattern}\s*)+", text):
        return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(text))
    return refuse("not a duration", allowed="500ms, 30s, 5m, 24h, 7d, or a number of seconds")


def rate(value: Any) -> float:
    """Requests a second: `50/s`, `600/m`, `1000/h`, or a number. Raises PydanticCustomError."""
    number: float | None = None
    if is_number(value):
        number = float(value)
    elif isinstance(value, str) and (match := _RATE.fullmatch(value.strip())):
        number = float(match[1]) / _UNITS[match[2][0]]
    elif isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?", value.strip()):
        number = float(value)
    if number is None or number <= 0:
        refuse("not a rate", allowed="50/s, 600/m, 1000/h, or a number of requests a second")
    return number


class TypeRefused(ValueError):
    """A row's type is not understood; `word` is the unknown name, if that is what is wrong."""

    def __init__(self, message: str, word: str | None = None) -> None:
        super().__init__(message)
        self.word = word


def parse_type(text: str) -> TypeSpec:
    """`decimal(2)`, `reference(customer)`, `list(string)`, `list of string`. Raises TypeRefused."""
    text = text.strip()
    listing = _LIST_OF.fullmatch(text)
    if listing:
        return TypeSpec(name=listing[1], of=_element(listing[2]))
    match = _TYPE.fullmatch(text)
    if match is None:
        raise TypeRefused(f"{text!r} is not a type")
    name, inner = match[1], match[2]
    if name not in TYPES:
        raise TypeRefused(f"the type {name!r} is not known", name)
    if name in COLLECTIONS:
        return _collection(name, inner)
    arguments = tuple(part.strip() for part in inner.split(",")) if inner and inner.strip() else ()
    _check_arguments(name, arguments)
    return TypeSpec(name=name, arguments=arguments)


def _collection(name: str, inner: str | None) -> TypeSpec:
    if not inner or not inner.strip():
        raise TypeRefused(f"{name!r} needs the type of its elements, as in `{name}(string)`")
    element, comma, order = inner.rpartition(",")
    if comma and order.strip() in ("set", "ordered"):
        return TypeSpec(name="set" if order.strip() == "set" else "list", of=_element(element))
    return TypeSpec(name=name, of=_element(inner))


def _element(text: str) -> TypeSpec:
    element = parse_type(text)
    if element.name in COLLECTIONS:
        raise TypeRefused("a list of lists is not supported; use the type json")
    return element


def _check_arguments(name: str, arguments: tuple[str, ...]) -> None:
    fewest, most = TYPES[name]
    if not fewest <= len(arguments) <= most:
        wanted = {(0, 0): "takes no argument", (1, 1): "takes one argument"}.get((fewest, most), "takes one at most")
        raise TypeRefused(f"{name!r} {wanted}" + (", as in `reference(customer)`" if name == "reference" else ""))
    if name == "decimal" and arguments and not (arguments[0].isdecimal() and int(arguments[0]) <= 30):
        raise TypeRefused("the scale of a decimal is a number from 0 to 30, as in `decimal(2)`")


def target_of(kind: TypeSpec) -> str | None:
    """The flow that a type, or its elements, refer to; or None."""
    inner = kind.of or kind
    return inner.arguments[0] if inner.name == "reference" and inner.arguments else None


def path_fault(text: str) -> str | None:
    """What is wrong with a path such as `a.b.c`, `lines[].sku`, `tags[]` or `fields[id=2].value`; or None."""
    if not text.strip():
        return "a path is empty"
    if all(_SEGMENT.fullmatch(part) for part in text.split(".")):
        return None
    return "not a path; write a.b.c, lines[].sku, tags[] or fields[id=2].value"


def parse_direction(text: str) -> tuple[list[str], list[str]] | None:
    """`a, b -> c` as sources and targets; `both` as two empty lists; None when it is neither."""
    if text.strip() == "both":
        return [], []
    left, arrow, right = text.replace("→", "->").partition("->")
    sources, targets = _names(left), _names(right)
    if not arrow or not sources or not targets or "->" in right:
        return None
    return sources, targets


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
