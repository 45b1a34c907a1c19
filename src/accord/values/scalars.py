"""The types whose values are single numbers, moments or amounts; see `types.py` for what each method means."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from accord.values.moments import iso_duration, parse_duration
from accord.values.money import Money
from accord.values.numbers import at_scale, decimals, plain_text


class Common:
    """What most types share."""

    name: str

    def equal(self, a: Any, b: Any) -> bool:
        return bool(a == b)

    def similar(self, a: Any, b: Any) -> bool:
        if self.is_empty(a) or self.is_empty(b):
            return self.is_empty(a) and self.is_empty(b)
        return self.equal(a, b) or self._looks(a, b)

    def richer(self, a: Any, b: Any) -> Any:
        return b if self._weight(b) > self._weight(a) else a

    def is_empty(self, value: Any) -> bool:
        if isinstance(value, str):
            return not value or value.isspace()
        return value is None or value == () or value == [] or value == {}

    def key(self, value: Any) -> str | None:
        return None if self.is_empty(value) else str(self.to_json(value))

    def to_json(self, value: Any) -> Any:
        return value

    def from_json(self, value: Any) -> Any:
        return value

    def _looks(self, a: Any, b: Any) -> bool:
        return False

    def _weight(self, value: Any) -> Any:
        return 0 if self.is_empty(value) else 1


class NumberType(Common):
    """integer, decimal, decimal(scale): compared as numbers, both rounded half to even to the scale."""

    def __init__(self, name: str, scale: int | None) -> None:
        self.name = name
        self.scale = scale
        self._whole = name == "integer"

    def equal(self, a: Any, b: Any) -> bool:
        if a == b or a is None or b is None or self._whole or self.scale is None:
            return bool(a == b)
        return at_scale(Decimal(a), self.scale) == at_scale(Decimal(b), self.scale)

    def key(self, value: Any) -> str | None:
        if value is None:
            return None
        number = at_scale(Decimal(value), self.scale)
        return plain_text(at_scale(number, decimals(number))) if number else "0"

    def to_json(self, value: Any) -> Any:
        return value if value is None or self._whole else plain_text(value)

    def from_json(self, value: Any) -> Any:
        if value is None:
            return None
        return int(value) if self._whole else Decimal(str(value))

    def _looks(self, a: Any, b: Any) -> bool:
        if self._whole:
            return False
        scale = min(decimals(a), decimals(b))
        return bool(abs(a - b) * 2 <= Decimal(1).scaleb(-scale))

    def _weight(self, value: Any) -> int:
        return -1 if value is None else decimals(Decimal(value))


class FloatType(Common):
    """float: measurements, never money."""

    name = "float"

    def key(self, value: Any) -> str | None:
        return None if value is None else repr(float(value))

    def from_json(self, value: Any) -> Any:
        return None if value is None else float(value)

    def _looks(self, a: float, b: float) -> bool:
        return abs(a - b) <= 1e-6 * max(abs(a), abs(b))

    def _weight(self, value: Any) -> int:
        return 0 if value is None else len(repr(value))


class BooleanType(Common):
    """boolean."""

    name = "boolean"

    def key(self, value: Any) -> str | None:
        return None if value is None else str(value).lower()


class DateType(Common):
    """date."""

    name = "date"

    def to_json(self, value: Any) -> Any:
        return value.isoformat() if value is not None else None

    def from_json(self, value: Any) -> Any:
        return date.fromisoformat(value) if value is not None else None


class DatetimeType(Common):
    """datetime: an instant, in UTC."""

    name = "datetime"

    def to_json(self, value: Any) -> Any:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value is not None else None

    def from_json(self, value: Any) -> Any:
        return datetime.fromisoformat(value) if value is not None else None

    def _looks(self, a: datetime, b: datetime) -> bool:
        if abs(a - b) < timedelta(seconds=1):
            return True
        short, long = sorted((a, b), key=_fine)
        return _fine(short) == 0 and long.replace(second=0, microsecond=0) == short

    def _weight(self, value: Any) -> int:
        return -1 if value is None else _fine(value)


class TimeType(Common):
    """time of day."""

    name = "time"

    def to_json(self, value: Any) -> Any:
        return value.isoformat() if value is not None else None

    def from_json(self, value: Any) -> Any:
        return time.fromisoformat(value) if value is not None else None

    def is_empty(self, value: Any) -> bool:
        return value is None

    def _looks(self, a: time, b: time) -> bool:
        short, long = sorted((a, b), key=_fine)
        whole = long.replace(microsecond=0)
        return short == (whole.replace(second=0) if _fine(short) == 0 else whole)

    def _weight(self, value: Any) -> int:
        return -1 if value is None else _fine(value)


def _fine(moment: datetime | time) -> int:
    """2 with a fraction of a second, 1 with seconds, 0 with whole minutes only."""
    return 2 if moment.microsecond else 1 if moment.second else 0


class DurationType(Common):
    """duration."""

    name = "duration"

    def to_json(self, value: Any) -> Any:
        return iso_duration(value) if value is not None else None

    def from_json(self, value: Any) -> Any:
        return parse_duration(value) if value is not None else None

    def _looks(self, a: timedelta, b: timedelta) -> bool:
        return abs(a - b) < timedelta(seconds=1)

    def _weight(self, value: Any) -> int:
        return -1 if value is None else 1 + bool(value.microseconds)


class MoneyType(Common):
    """money: an amount in a currency; `12.5 NOK` equals `12.50 NOK`."""

    name = "money"

    def to_json(self, value: Any) -> Any:
        return None if value is None else {"amount": plain_text(value.amount), "currency": value.currency}

    def from_json(self, value: Any) -> Any:
        return None if value is None else Money(Decimal(str(value["amount"])), value["currency"])

    def key(self, value: Any) -> str | None:
        return None if value is None else f"{_AMOUNT.key(value.amount)} {value.currency}"

    def _looks(self, a: Money, b: Money) -> bool:
        return a.currency == b.currency and _AMOUNT.similar(a.amount, b.amount)

    def _weight(self, value: Any) -> int:
        return -1 if value is None else decimals(value.amount)


_AMOUNT = NumberType("decimal", None)
