"""Lists of objects with a key, such as the lines of an order: read, compared and written element by element.

A canonical value is a tuple of elements, each a dict from sub-row name to canonical value. What an element of a system
does not send is ABSENT in it; what that system has no property for is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any, TypeAlias

from accord.config.meaning import Items, Property, Row, System
from accord.errors import ValueRefused
from accord.model import ABSENT, Native, from_json, json_text
from accord.values.scalars import Common
from accord.values.texts import refused

if TYPE_CHECKING:
    from accord.values.codec import Codec
    from accord.values.types import RowType

Element: TypeAlias = dict[str, Any]
Key: TypeAlias = tuple[str, ...]
_MISSING: Any = object()


class SampleItems(list[Any]):
    """A list of another record: it shows the form of values, and holds nothing that is to be kept."""


class ItemsType(Common):
    """A list of objects with a key: in order, or as a set. Elements are compared by key, each of their values by its
    own type; what one side has no property for makes no difference.
    """

    def __init__(self, name: str, items: Items, types: Mapping[str, RowType]) -> None:
        self.name = name
        self.unordered = name == "set"
        self.items = items
        self.types = types

    def key_of(self, element: Element) -> Key:
        """By what an element is told apart: a text for each sub-row of the key."""
        return tuple(_token(self.types[name], element.get(name)) for name in self.items.key)

    def called(self, key: Key) -> str:
        """How messages name an element: `sku=A-1`."""
        return ", ".join(f"{name}={value}" for name, value in zip(self.items.key, key, strict=True))

    def by_key(self, value: Sequence[Element] | None) -> dict[Key, Element]:
        """Key → element, in their order."""
        return {self.key_of(element): element for element in value or ()}

    def same(self, name: str, a: Any, b: Any) -> bool:
        """Whether two values of a sub-row are equal. Not sent counts as empty."""
        kind = self.types[name]
        a, b = (None if value is ABSENT else value for value in (a, b))
        return kind.equal(a, b) or ((a is None or b is None) and kind.is_empty(a) and kind.is_empty(b))

    def equal(self, a: Any, b: Any) -> bool:
        if a is None or b is None:
            return a is b
        return self._alike(a, b, self.same, in_order=not self.unordered)

    def key(self, value: Any) -> str | None:
        return "; ".join(sorted(", ".join(key) for key in self.by_key(value))) or None

    def to_json(self, value: Any) -> Any:
        if value is None:
            return None
        return [
            {name: self.types[name].to_json(item) for name, item in element.items() if item is not ABSENT}
            for element in value
        ]

    def from_json(self, value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(element, dict) for element in value):
            raise ValueError("a list of objects is needed")
        read = tuple({name: self.types[name].from_json(item) for name, item in one.items()} for one in value)
        return self.checked(read)

    def checked(self, elements: tuple[Element, ...]) -> tuple[Element, ...]:
        """The elements, each of which has a key that no other one has. Raises ValueRefused."""
        seen: dict[Key, int] = {}
        for at, element in enumerate(elements, start=1):
            key = self.key_of(element)
            if not all(key):
                lacking = next(name for name, part in zip(self.items.key, key, strict=True) if not part)
                raise ValueRefused(f"element {at} of the list has no {lacking!r}, by which elements are told apart")
            if seen.setdefault(key, at) != at:
                raise ValueRefused(f"elements {seen[key]} and {at} of the list have one key: {self.called(key)}")
        return elements

    def _looks(self, a: Any, b: Any) -> bool:
        return self._alike(a, b, lambda name, x, y: self.same(name, x, y) or self._seems(name, x, y), in_order=False)

    def _seems(self, name: str, a: Any, b: Any) -> bool:
        return a is not ABSENT and b is not ABSENT and self.types[name].similar(a, b)

    def _weight(self, value: Any) -> int:
        return len(json_text(self.to_json(value))) if value else 0

    def _alike(self, a: Any, b: Any, same: Callable[[str, Any, Any], bool], *, in_order: bool) -> bool:
        left, right = self.by_key(a), self.by_key(b)
        if left.keys() != right.keys() or (in_order and list(left) != list(right)):
            return False
        return all(
            same(name, value, right[key][name])
            for key, element in left.items()
            for name, value in element.items()
            if name in right[key]
        )


def _token(kind: RowType, value: Any) -> str:
    """The text of a part of a key: equal values have the same."""
    if value is None or value is ABSENT or kind.is_empty(value):
        return ""
    normal: Callable[[str], str] | None = getattr(kind, "normal", None)
    return normal(value) if normal is not None and isinstance(value, str) else kind.key(value) or ""


class ItemsCodec:
    """Reads and writes the list of one row in one system."""

    def __init__(self, row: Row, system: System, kind: ItemsType, parts: Mapping[str, Codec], prop: Property | None):
        self.kind, self.parts = kind, parts
        self.in_text = prop is not None and prop.type in ("string", "text")
        assert row.items is not None  # noqa: S101
        self.paths = {each.name: each.paths[system.name] for each in row.items.rows if system.name in each.paths}

    def decode(self, native: Native) -> Any:
        """Canonical elements. Raises ValueRefused, naming the element."""
        objects = _objects(native)
        return None if objects is None else self.kind.checked(tuple(map(self._element, objects)))

    def _element(self, native: Mapping[str, Any]) -> Element:
        found: Element = {}
        for name, path in self.paths.items():
            value = _get(native, path)
            found[name] = ABSENT if value is _MISSING else self.parts[name].decode(value)
        return found

    def encode(self, value: Any, like: Native) -> Native:
        """The native list: elements that `like` has keep whatever no sub-row names."""
        if value is None:
            return None
        there = self._there(like)
        kept = {} if isinstance(like, SampleItems) else there
        sample = next(iter(there.values()), {})
        written = [self._written(element, kept.get(self.kind.key_of(element)), sample) for element in value]
        return json_text(written) if self.in_text or isinstance(like, str) else written

    def _there(self, like: Native) -> dict[Key, dict[str, Any]]:
        """Key → native element, of what can be read."""
        found: dict[Key, dict[str, Any]] = {}
        try:
            for native in _objects(like) or ():
                found.setdefault(self.kind.key_of(self._element(native)), native)
        except ValueRefused:
            return {}
        return found

    def _written(self, element: Element, old: Mapping[str, Any] | None, sample: Mapping[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = deepcopy(dict(old)) if old is not None else {}
        for name, path in self.paths.items():
            if name not in element or element[name] is ABSENT:
                continue
            before = _get(made, path)
            if before is not _MISSING and self._is_there(name, before, element[name]):
                continue
            form = before if before is not _MISSING and before is not None else _get(sample, path)
            _put(made, path, self.parts[name].encode(element[name], None if form is _MISSING else form))
        return made

    def _is_there(self, name: str, native: Native, value: Any) -> bool:
        """Whether an element shows a value already, in whichever form: then it stays as it is."""
        try:
            now = self.parts[name].decode(native)
            return self.kind.same(name, now, value) or self.kind.same(
                name, now, self.parts[name].stored(value, like=native)
            )
        except ValueRefused:
            return False


def _objects(native: Native) -> list[dict[str, Any]] | None:
    """A list of objects, also one that is kept as text. Raises ValueRefused."""
    if isinstance(native, str):
        try:
            native = from_json(native) if native.strip() else None
        except ValueError:
            raise refused(native, "a list of objects") from None
    if native is None:
        return None
    if not isinstance(native, list) or not all(isinstance(item, dict) for item in native):
        raise refused(native, "a list of objects")
    return native


def _get(data: Any, path: str) -> Any:
    if isinstance(data, Mapping) and path in data:
        return data[path]
    for name in path.split("."):
        if not isinstance(data, Mapping) or name not in data:
            return _MISSING
        data = data[name]
    return data


def _put(data: dict[str, Any], path: str, value: Any) -> None:
    if path in data:
        data[path] = value
        return
    *outer, last = path.split(".")
    for name in outer:
        inner = data.get(name)
        if inner is None:
            inner = data[name] = {}
        if not isinstance(inner, dict):
            raise ValueRefused(f"{path}: {name} is not an object")
        data = inner
    data[last] = value
