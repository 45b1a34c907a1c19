"""An amount in a currency, and the forms in which systems write it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from accord.model import Native
from accord.values.numbers import Shape, to_decimal
from accord.values.texts import refused

_TEXT = re.compile(r"\s*(?:(?P<before>[A-Za-z]{3})\s*)?(?P<amount>-?\d+(?:\.\d+)?)(?:\s*(?P<after>[A-Za-z]{3}))?\s*")
_ALLOWED = "money, such as 12.50 NOK or an object of amount and currency"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount, digit for digit, in a currency of ISO 4217."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}"


def parse_money(native: Native, currency: str | None) -> Money:
    """Money of an object, of text, or of a number where the type names the currency. Raises ValueRefused."""
    if isinstance(native, dict):
        return _money(native, native.get("amount"), native.get("currency") or currency)
    if not isinstance(native, str):
        return _money(native, native, currency)
    match = _TEXT.fullmatch(native)
    if match is None or (match["before"] and match["after"]):
        raise refused(native, _ALLOWED)
    return _money(native, match["amount"], match["before"] or match["after"] or currency)


def _money(native: Native, amount: Native, currency: Native) -> Money:
    if amount is None or not isinstance(currency, str) or not re.fullmatch(r"[A-Za-z]{3}", currency):
        raise refused(native, _ALLOWED)
    return Money(to_decimal(amount), currency.upper())


def format_money(value: Money, like: Native, kind: str | None, currency: str | None, number: Shape) -> Native:
    """Money as the property's type or the sample says: an object, text, or a number of the named currency.

    `number` writes the amount. Raises ValueRefused when a number would have to stand for another
    currency.
    """
    if kind in ("decimal", "integer", "float") or (kind is None and isinstance(like, int | Decimal)):
        if value.currency != currency:
            raise refused(value, f"an amount in {currency or 'a currency that the type names, as in money(NOK)'}")
        return number(value.amount, like)
    if kind in ("string", "text") or (kind is None and isinstance(like, str) and like.strip()):
        return _text(value, like, currency, number)
    sample = like.get("amount") if isinstance(like, dict) else None
    return {"amount": number(value.amount, sample), "currency": value.currency}


def _text(value: Money, like: Native, currency: str | None, number: Shape) -> str:
    match = _TEXT.fullmatch(like) if isinstance(like, str) else None
    amount = number(value.amount, match["amount"] if match else "0")
    if match and match["before"]:
        return f"{value.currency} {amount}"
    if match and not match["after"] and value.currency == currency:
        return str(amount)
    return f"{amount} {value.currency}"
