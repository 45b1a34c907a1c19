"""What a row's type means: equality, similarity, emptiness, match keys, and the JSON of canonical values.

`equal` decides what an edit is. `similar` is for where there is no base, and asks whether a system may have made
one value out of the other by trimming, cutting, rounding or formatting it. `key` puts equal records together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Any, Protocol

from accord.config.meaning import Row, TypeSpec
from accord.model import Dangling, LinkRef, Ref
from accord.values.items import ItemsType
from accord.values.places import phone_number
from accord.values.scalars import (
    BooleanType,
    Common,
    DatetimeType,
    DateType,
    DurationType,
    FloatType,
    MoneyType,
    NumberType,
    TimeType,
)
from accord.values.texts import caseless, collapsed, digits, folded, lines, nfc

CUT = 20
"""A text of at least so many characters that begins another may be that other, cut by a system."""


class RowType(Protocol):
    """The meaning of one row's canonical values. None is null, in every type."""

    name: str

    def equal(self, a: Any, b: Any) -> bool:
        """Whether two canonical values are the same value. Symmetric."""

    def similar(self, a: Any, b: Any) -> bool:
        """Whether one may be what a system made of the other. Symmetric, not transitive."""

    def richer(self, a: Any, b: Any) -> Any:
        """Of two similar values the one that holds more information; the first when they hold as much."""

    def is_empty(self, value: Any) -> bool:
        """None, "", blank text, an empty list or object."""

    def key(self, value: Any) -> str | None:
        """The text by which records are matched; None when the value is empty."""

    def to_json(self, value: Any) -> Any:
        """JSON that a person can read, for state and history."""

    def from_json(self, value: Any) -> Any:
        """The canonical value again."""


def row_type(row: Row) -> RowType:
    """The type of a row. Cheap when asked again."""
    if row.items is not None:
        return ItemsType(row.type.name, row.items, {each.name: row_type(each) for each in row.items.rows})
    return type_of(row.type, row.equal)


@lru_cache(maxsize=512)
def type_of(spec: TypeSpec, equal: str | None = None) -> RowType:
    """The type of a specification, with a row's `equal`. Raises ValueError for a name that is no type."""
    if spec.of is not None:
        return ListType(type_of(spec.of, equal), unordered=spec.name == "set" or "set" in spec.arguments)
    if spec.name == "phone":
        return PhoneType(spec.arguments[0].upper() if spec.arguments else None)
    if spec.name in _NORMAL:
        return TextType(spec.name, _FORMS.get(equal or "", _NORMAL[spec.name]), digits if equal == "digits" else folded)
    if spec.name in ("decimal", "integer"):
        scale = int(spec.arguments[0]) if spec.arguments else None
        return NumberType(spec.name, 0 if spec.name == "integer" else scale)
    if spec.name not in _OTHERS:
        raise ValueError(f"{spec.name} is not a type")
    return _OTHERS[spec.name]()


class TextType(Common):
    """string, text, enum, email, url, language, person, country: compared in a normal form."""

    def __init__(self, name: str, normal: Callable[[str], str], key: Callable[[str], str]) -> None:
        self.name = name
        self.normal = normal
        self._key = key

    def equal(self, a: Any, b: Any) -> bool:
        if a == b:
            return True
        return isinstance(a, str) and isinstance(b, str) and self.normal(a) == self.normal(b)

    def key(self, value: Any) -> str | None:
        return None if self.is_empty(value) else self._key(value)

    def _looks(self, a: str, b: str) -> bool:
        short, long = sorted((folded(a), folded(b)), key=len)
        return short == long or (len(short) >= CUT and long.startswith(short))

    def _weight(self, value: Any) -> tuple[int, bool, int]:
        text = value or ""
        return len(folded(text)), text.upper() != text and text.lower() != text, len(text.strip())


class PhoneType(Common):
    """phone, phone(NO): compared by number; what is no phone number is compared as text."""

    name = "phone"

    def __init__(self, region: str | None) -> None:
        self._region = region

    def equal(self, a: Any, b: Any) -> bool:
        if a == b:
            return True
        return isinstance(a, str) and isinstance(b, str) and self._number(a) == self._number(b)

    def key(self, value: Any) -> str | None:
        return None if self.is_empty(value) else self._number(value)

    def _number(self, text: str) -> str:
        return phone_number(text, self._region) or folded(text)

    def _looks(self, a: str, b: str) -> bool:
        left, right = digits(a), digits(b)
        return left == right or (min(len(left), len(right)) >= 7 and (left.endswith(right) or right.endswith(left)))

    def _weight(self, value: Any) -> int:
        return len(digits(value or ""))


class ReferenceType(Common):
    """reference: the target's id as text, or what the planner puts in its place."""

    name = "reference"

    def key(self, value: Any) -> str | None:
        if isinstance(value, LinkRef):
            return f"link {value.link}"
        return value if isinstance(value, str) and value else None

    def to_json(self, value: Any) -> Any:
        if isinstance(value, LinkRef):
            return {"link": value.link}
        return {"dangling": str(value.ref)} if isinstance(value, Dangling) else value

    def from_json(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return LinkRef(value["link"]) if "link" in value else Dangling(Ref.parse(value["dangling"]))


class ListType(Common):
    """A list, in order or as a set, of values of one type. Canonical values are tuples."""

    def __init__(self, of: RowType, *, unordered: bool) -> None:
        self.name = "set" if unordered else "list"
        self.of = of
        self._unordered = unordered

    def equal(self, a: Any, b: Any) -> bool:
        return bool(a == b) or self._pairwise(a, b, self.of.equal)

    def key(self, value: Any) -> str | None:
        keys: Iterable[str] = (self.of.key(item) or "" for item in value or ())
        return ", ".join(sorted(keys) if self._unordered else keys) or None

    def to_json(self, value: Any) -> Any:
        return None if value is None else [self.of.to_json(item) for item in value]

    def from_json(self, value: Any) -> Any:
        return None if value is None else tuple(self.of.from_json(item) for item in value)

    def _looks(self, a: Any, b: Any) -> bool:
        return self._pairwise(a, b, self.of.similar)

    def _weight(self, value: Any) -> int:
        return sum(len(str(self.of.to_json(item))) for item in value or ())

    def _pairwise(self, a: Any, b: Any, same: Callable[[Any, Any], bool]) -> bool:
        if a is None or b is None or len(a) != len(b):
            return False
        if not self._unordered:
            return all(same(left, right) for left, right in zip(a, b, strict=True))
        left_over = list(b)
        for item in a:
            at = next((at for at, other in enumerate(left_over) if same(item, other)), None)
            if at is None:
                return False
            del left_over[at]
        return True


class JsonType(Common):
    """object, json: any JSON; numbers are compared as numbers, and true is not 1."""

    def __init__(self, name: str) -> None:
        self.name = name

    def equal(self, a: Any, b: Any) -> bool:
        if isinstance(a, dict) and isinstance(b, dict):
            return a.keys() == b.keys() and all(self.equal(value, b[key]) for key, value in a.items())
        if isinstance(a, list | tuple) and isinstance(b, list | tuple):
            return len(a) == len(b) and all(map(self.equal, a, b))
        return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)

    def _weight(self, value: Any) -> int:
        return len(str(value)) if value is not None else -1


def _language(text: str) -> str:
    return text.strip().replace("_", "-").casefold()


_NORMAL: dict[str, Callable[[str], str]] = {
    "string": nfc,
    "text": lines,
    "enum": nfc,
    "email": caseless,
    "person": caseless,
    "url": nfc,
    "language": _language,
    "country": str.upper,
}
_FORMS: dict[str, Callable[[str], str]] = {"exact": nfc, "case": caseless, "spaces": collapsed, "digits": digits}
_OTHERS: dict[str, Callable[[], RowType]] = {
    "float": FloatType,
    "boolean": BooleanType,
    "date": DateType,
    "datetime": DatetimeType,
    "time": TimeType,
    "duration": DurationType,
    "money": MoneyType,
    "reference": ReferenceType,
    "object": partial(JsonType, "object"),
    "json": partial(JsonType, "json"),
}
