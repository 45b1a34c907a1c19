"""Numbers without binary floats: parsing, rounding half to even, and the forms in which systems write them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Any

from accord.model import Native
from accord.values.texts import refused

_CONTEXT = Context(prec=130, rounding=ROUND_HALF_EVEN)
_LARGEST = 60
"""Digits before and after the point; beyond it is no business number, and printing it could exhaust memory."""

_LONGEST = 1000
"""The same for a number that is only read as text."""

Shape = Callable[[Native, Native], Native]


def to_decimal(native: Native) -> Decimal:
    """A Decimal of an int, a Decimal or numeric text, digit for digit. Raises ValueRefused, also for floats."""
    if isinstance(native, Decimal):
        number = native
    elif isinstance(native, int) and not isinstance(native, bool):
        return Decimal(native)
    elif isinstance(native, str):
        try:
            number = Decimal(native.strip()) if "_" not in native else Decimal("NaN")
        except InvalidOperation:
            raise refused(native, "a number (digits, a point before the decimals)") from None
    else:
        raise refused(native, "a number")
    if not number.is_finite() or abs(_exponent(number)) > _LARGEST or number.adjusted() > _LARGEST:
        raise refused(native, f"a number of at most {_LARGEST} digits")
    return number


def to_integer(native: Native) -> int:
    """An int of an int, a whole Decimal or text of digits. Raises ValueRefused."""
    if type(native) is int:
        return native
    number = to_decimal(native)
    if number != number.to_integral_value():
        raise refused(native, "a whole number")
    return int(number)


def at_scale(number: Decimal, scale: int | None) -> Decimal:
    """The number rounded half to even to `scale` decimals; unchanged when the scale is None."""
    return number if scale is None else number.quantize(Decimal(1).scaleb(-scale), context=_CONTEXT)


def divided(number: Decimal, by: Decimal) -> Decimal:
    """The quotient to 28 digits, whole numbers without a point."""
    return _tidy(Context(prec=28, rounding=ROUND_HALF_EVEN).divide(number, by))


def multiplied(number: Decimal, by: Decimal) -> Decimal:
    """The exact product, whole numbers without a point."""
    return _tidy(_CONTEXT.multiply(number, by))


def plain_text(number: Decimal | int) -> str:
    """Digits without an exponent. Raises ValueRefused where they would fill pages."""
    if not isinstance(number, Decimal):
        return str(number)
    if not number.is_finite() or abs(_exponent(number)) > _LONGEST or number.adjusted() > _LONGEST:
        raise refused(number, f"a number of at most {_LONGEST} digits")
    return format(number, "f")


def decimals(number: Decimal) -> int:
    """How many digits stand after the point, trailing zeros not counted."""
    return max(0, -_exponent(number.normalize(_CONTEXT)))


def number_shape(kind: str | None, scale: int | None, rounds: bool) -> Shape:
    """How a number is written: by the property's type, else as the sample is.

    `rounds`: whether a lens has declared that decimals may be lost in an integer property.
    """
    by_kind = {"integer": _integer_shape(rounds), "decimal": _like_number(scale), "float": _like_number(scale)}
    if kind in by_kind:
        return by_kind[kind]
    if kind in ("string", "text"):
        return _like_text
    return lambda native, like: _like_text(native, like) if isinstance(like, str) else _padded(native, like)


def _integer_shape(rounds: bool) -> Shape:
    def shape(native: Native, like: Native) -> Native:
        if not isinstance(native, Decimal):
            return native
        if not rounds and native != native.to_integral_value():
            raise refused(native, "a whole number, and the property takes no other (a `round` lens would round it)")
        return int(native.to_integral_value(ROUND_HALF_EVEN))

    return shape


def _like_number(scale: int | None) -> Shape:
    def shape(native: Native, like: Native) -> Native:
        if isinstance(native, Decimal) and scale is not None and decimals(native) > scale:
            native = at_scale(native, scale)
        return _like_text(native, like) if isinstance(like, str) else _padded(native, like)

    return shape


def _like_text(native: Native, like: Native) -> Native:
    if isinstance(native, bool) or not isinstance(native, int | Decimal):
        return native
    if isinstance(like, str) and like.strip():
        return plain_text(_pad(Decimal(native), _places(like)))
    return plain_text(native)


def _padded(native: Native, like: Native) -> Native:
    if not isinstance(native, Decimal):
        return native
    if isinstance(like, bool) or not isinstance(like, int | Decimal):
        return native
    places = 0 if isinstance(like, int) else max(0, -_exponent(like))
    padded = _pad(native, places)
    return int(padded) if isinstance(like, int) and decimals(padded) == 0 else padded


def _pad(number: Decimal, places: int) -> Decimal:
    """The number with `places` decimals, or more where it needs more."""
    return at_scale(number, max(places, decimals(number)))


def _places(text: str) -> int:
    return len(text.strip().partition(".")[2]) if "." in text and "e" not in text.lower() else 0


def _exponent(number: Decimal) -> int:
    exponent: Any = number.as_tuple().exponent
    return exponent if isinstance(exponent, int) else _LARGEST + 1


def _tidy(number: Decimal) -> Decimal:
    return number.to_integral_value() if number == number.to_integral_value() else number.normalize(_CONTEXT)
