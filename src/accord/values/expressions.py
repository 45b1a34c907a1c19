"""`where`, `when`, `deleted` and the `expression` lens: CEL over a record's native properties.

A property is named by its path; one that was not sent reads as null, unless the expression asks `has()` for it.
Numbers with a point are given to CEL as doubles, so they compare well and should not be added up: money never
passes through an expression unchanged in its last digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from accord.errors import ExpressionError
from accord.model import Native
from accord.values import cel
from accord.values.moments import iso_duration

_BUDGET = 30_000_000
"""What `Syntax.cost` may come to: about 90 ms."""
_ITEM = 10
"""An item of a list or object costs as much as so many characters."""
_INT64 = 2**63


class Expression:
    """A compiled expression. `paths`: the dotted property paths that it reads."""

    __slots__ = ("_program", "_room", "_syntax", "_views", "paths", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._syntax = cel.parse(text)
        self._program = cel.compile_program(text, self._syntax)
        self.paths = frozenset(".".join(path) for path in self._syntax.paths | self._syntax.tested)
        self._views = _views(self._syntax)
        self._room = self._syntax.room(_BUDGET)

    def evaluate(self, natives: Mapping[str, Native]) -> Any:
        """The value as native JSON (str, int, Decimal, bool, list, dict, None). Raises ExpressionError."""
        variables = {name: view(natives) for name, view in self._views.items()}
        if not self._affordable(variables):
            raise self._failed("it would take too long on data of this size")
        try:
            return _native(self._program(variables))
        except (RuntimeError, ValueError) as error:
            raise self._failed(str(error)) from None

    def test(self, natives: Mapping[str, Native]) -> bool:
        """Whether it is true. Raises ExpressionError, also when the value is neither true nor false."""
        value = self.evaluate(natives)
        if not isinstance(value, bool):
            raise self._failed(f"its value is {value!r:.60}, and must be true or false")
        return value

    def _affordable(self, variables: dict[str, Any]) -> bool:
        size, longest = _measure(variables)
        return size <= self._room if self._room is not None else self._syntax.cost(size, longest) <= _BUDGET

    def _failed(self, why: str) -> ExpressionError:
        return ExpressionError(f"the expression {self.text!r:.200} failed: {why}", hint=_hint(why))

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


@lru_cache(maxsize=512)
def compile_expression(text: str) -> Expression:
    """The expression of a text. Raises ValueError with position and explanation."""
    if not text.strip():
        raise ValueError("the expression is empty")
    return Expression(text)


def _hint(why: str) -> str | None:
    if "No matching overloads" in why:
        return "CEL does not mix types: double(x) makes a number with a point, int(x) a whole one, string(x) a text"
    if "Iteration budget" in why:
        return f"a loop may take {cel.ITERATIONS:,} steps in all"
    return None


class _View:
    """One variable of an expression, put together from the flat paths of a record."""

    __slots__ = ("_leaves", "_name", "_tested", "_whole")

    def __init__(self, name: str, paths: set[cel.Path], tested: set[cel.Path]) -> None:
        self._name = name
        self._whole = (name,) in paths
        self._leaves = [path for path in sorted(paths | tested) if len(path) > 1]
        self._tested = tested

    def __call__(self, natives: Mapping[str, Native]) -> Any:
        value = _plain(natives.get(self._name))
        if self._whole:
            value = self._with_parts(value, natives)
        if not self._leaves or (value is None and self._whole) or not (value is None or isinstance(value, dict)):
            return value
        result: dict[str, Any] = value or {}
        for path in self._leaves:
            self._put(result, path, natives)
        return result

    def _with_parts(self, value: Any, natives: Mapping[str, Native]) -> Any:
        """The whole object, where a record holds it in parts."""
        start = f"{self._name}."
        for path, part in natives.items():
            if path.startswith(start) and (value is None or isinstance(value, dict)):
                value = value or {}
                _set(value, tuple(path.split("."))[1:], _plain(part))
        return value

    def _put(self, result: dict[str, Any], path: cel.Path, natives: Mapping[str, Native]) -> None:
        for length in range(2, len(path) + 1):
            key = ".".join(path[:length])
            if key in natives:
                _set(result, path[1:length], _plain(natives[key]))
        if path in self._tested:
            _set(result, path[1:-1], {}, only_missing=True)
        else:
            _set(result, path[1:], None, only_missing=True)


def _views(syntax: cel.Syntax) -> dict[str, _View]:
    names = sorted({path[0] for path in syntax.paths | syntax.tested})
    return {
        name: _View(name, {p for p in syntax.paths if p[0] == name}, {p for p in syntax.tested if p[0] == name})
        for name in names
    }


def _set(result: dict[str, Any], path: cel.Path, value: Any, *, only_missing: bool = False) -> None:
    """Put a value at a nested path; stops where something other than an object is in the way."""
    if not path:
        return
    for name in path[:-1]:
        inner = result.get(name)
        if inner is None:
            inner = result[name] = {}
        if not isinstance(inner, dict):
            return
        result = inner
    if not only_missing or path[-1] not in result:
        result[path[-1]] = value


def _plain(native: Any) -> Any:
    """A native as CEL takes it, copied where it is an object."""
    if isinstance(native, Decimal):
        return float(native)
    if isinstance(native, dict):
        return {str(key): _plain(value) for key, value in native.items()}
    if isinstance(native, list | tuple):
        return [_plain(item) for item in native]
    if type(native) is int and not -_INT64 <= native < _INT64:
        return float(native) if abs(native) < 10**300 else str(native)
    return native


def _native(value: Any) -> Any:
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return iso_duration(value)
    if isinstance(value, list):
        return [_native(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _native(item) for key, item in value.items()}
    if value is None or isinstance(value, str | int):
        return value
    raise ValueError(f"its value is of a kind that no property has ({type(value).__name__})")


def _number(value: float) -> Decimal:
    number = Decimal(repr(value))
    if not number.is_finite():
        raise ValueError("its value is no number (a division by zero?)")
    return number


def _measure(value: Any) -> tuple[int, int]:
    """Size, and the length of the longest list or object within."""
    if isinstance(value, str):
        return len(value), 1
    if not isinstance(value, list | dict):
        return 1, 1
    size, longest = _ITEM * len(value), len(value)
    for item in value.values() if isinstance(value, dict) else value:
        more, length = _measure(item)
        size, longest = size + more, max(longest, length)
    return size, longest
