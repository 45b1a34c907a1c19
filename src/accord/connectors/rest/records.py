"""Raw decoding: of each record only the bytes of its mapped properties are taken, and nothing is decoded twice.

A page is decoded into structs that are made for its datatype: a mapped path is a field that holds raw JSON. The content
of a record is these bytes joined, so every number keeps its digits. Paths through lists, and records of an odd shape,
take a slower way, one record at a time, so that an odd record fails alone.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import chain
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, Raw

from accord.config.meaning import Datatype
from accord.connectors.paths import item_of, parted
from accord.connectors.rest.answers import BROKEN, Unfit, decode, is_array, is_object, steps
from accord.connectors.rest.times import read_time
from accord.model import Native, Record, require_shallow
from accord.ports import RecordFailure

ETAG_FIELDS = ("etag", "_etag", "@odata.etag")
MISSING = UNSET
_encode = msgspec.json.Encoder(decimal_format="number").encode
_top = msgspec.json.Decoder(dict[str, Raw]).decode
_NULL = Raw(b"null")
_raws = msgspec.json.Decoder(list[Raw]).decode


class Odd(Exception):
    """One record is not of the expected shape."""


class Shape:
    """How the records of one datatype are taken from JSON: made once, for a fixed sequence of mapped paths."""

    def __init__(self, datatype: Datatype, zone: str, paths: Sequence[str], pattern: str | None = None) -> None:
        self.datatype = datatype
        self.paths = tuple(paths)
        self._zone = ZoneInfo(zone)
        self._pattern = pattern
        check = datatype.version
        self._etag = check is not None and check.kind == "etag"
        version = check.path if check is not None else None
        fields = (version,) if version else ETAG_FIELDS if self._etag else ()
        extras = [p for p in (datatype.modified, *fields) if p]
        self._slow = _slow_tops([datatype.id, *self.paths, *extras])
        tree = _tree([datatype.id, *self.paths, *extras], self._slow)
        self._type = _struct(tree, datatype.id if self._top(datatype.id) not in self._slow else None)
        self._many = msgspec.json.Decoder(list[self._type])  # type: ignore[name-defined]
        self._one = msgspec.json.Decoder(self._type)
        self._get_id = self._getter(datatype.id)
        self._get_modified = self._getter(datatype.modified) if datatype.modified else None
        self._get_versions = [self._getter(p) for p in fields]
        self._getters = [(_prefix(path), self._getter(path)) for path in self.paths]
        self._prefixes = [(b"{" if i == 0 else b",") + _prefix(path) for i, path in enumerate(self.paths)]
        self._fast = self._fast_getter(tree)
        self._ids = [i for i, path in enumerate(self.paths) if path == datatype.id]
        self._tree = _tree([datatype.id, *self.paths], self._slow)
        self._names = Counter(_encode(name) for name in _names(self._tree))
        self._gaps = 0

    @staticmethod
    def _top(path: str) -> str:
        return parted(steps(path)[0])[0]

    def page(self, array: bytes | Raw) -> tuple[list[Record], list[RecordFailure]]:
        """The records of an array, and those that could not be taken. Raises Unfit when it is no array of JSON."""
        try:
            items = self._many.decode(array)
        except BROKEN:
            return self._each(array)
        data = bytes(array) if isinstance(array, Raw) else array
        if _odd_text(data):
            return self._each(array)
        self._gaps = 0
        try:
            records = [self._record(item) for item in items]
        except Odd:
            return self._each(array)
        if (self._gaps or self._uneven(data, len(items))) and not all(self._is_plain(raw) for raw in split(array)):
            return self._each(array)
        return records, []

    def one(self, raw: bytes | Raw, etag: str | None = None) -> Record:
        """One record. Raises Odd."""
        try:
            item = self._one.decode(raw)
        except BROKEN as error:
            raise Odd(str(error)) from None
        data = bytes(raw)
        if _odd_text(data) or not self._is_plain(raw):
            _check(data)
        return self._record(item, etag)

    def _each(self, array: bytes | Raw) -> tuple[list[Record], list[RecordFailure]]:
        records: list[Record] = []
        failures: list[RecordFailure] = []
        for raw in split(array):
            try:
                records.append(self.one(raw))
            except Odd as error:
                failures.append(RecordFailure(id=id_if_any(raw, self.datatype.id), message=str(error)))
        return records, failures

    def _uneven(self, data: bytes, records: int) -> bool:
        """Whether a mapped name does not stand there once a record: twice in one, or in unmapped parts too."""
        return any(data.count(name) != times * records for name, times in self._names.items())

    def _is_plain(self, raw: bytes | Raw) -> bool:
        """Whether no mapped name stands twice in a record. False: look closer."""
        return not self._slow and _once_each(raw, self._tree)

    def _record(self, item: Any, etag: str | None = None) -> Record:
        native = self._get_id(item)
        if isinstance(native, Raw):
            native = decode(native)
        if not isinstance(native, int | str) or isinstance(native, bool) or native == "":
            raise Odd(f"{self.datatype.id}: an id is text or a whole number")
        modified = self._get_modified(item) if self._get_modified is not None else UNSET
        return Record(
            str(native),
            native,
            self._content(item, native),
            etag if etag and self._etag else self._version(item),
            None if modified is UNSET else read_time(_plain(modified), self._zone, self._pattern),
        )

    def _content(self, item: Any, native: int | str) -> bytes:
        if self._fast is not None:
            try:
                values: Sequence[Any] = self._fast(item)
                if self._ids:
                    values = [_encode(native) if i in self._ids else raw for i, raw in enumerate(values)]
                content = b"".join(chain.from_iterable(zip(self._prefixes, values, strict=False))) + b"}"
            except (AttributeError, TypeError):
                content = self._careful(item)
        else:
            content = self._careful(item)
        if content.find(b"[", 1) > 0 or content.find(b"{", 1) > 0:
            return _shallow(msgspec.json.format(content, indent=-1))
        return content

    def _careful(self, item: Any) -> bytes:
        """The content of a record that lacks a property, or has one inside a list."""
        self._gaps += 1
        parts = []
        for prefix, get in self._getters:
            value = get(item)
            if value is not UNSET:
                parts.append(prefix + (bytes(value) if isinstance(value, Raw) else _encode(value)))
        return b"{" + b",".join(parts) + b"}"

    def _version(self, item: Any) -> Native:
        for get in self._get_versions:
            value: Any = _plain(get(item))
            if value is not UNSET and value is not None:
                native: Native = _quoted(value) if self._etag else value
                return native
        return None

    def _getter(self, path: str) -> Callable[[Any], Any]:
        """A function from struct to raw value, or UNSET."""
        top = self._top(path)
        if top in self._slow:
            field, rest = _field(top), path
            return lambda item: _extracted(getattr(item, field), top, rest)
        names = [_field(step) for step in steps(path)]
        if len(names) == 1:
            return attrgetter(names[0])

        def walk(item: Any) -> Any:
            for name in names:
                if item is None or item is UNSET:
                    return UNSET
                item = getattr(item, name)
            return item

        return walk

    def _fast_getter(self, tree: dict[str, Any]) -> Callable[[Any], tuple[Any, ...]] | None:
        if len(self.paths) < 2 or any(self._top(path) in self._slow for path in self.paths):
            return None
        return attrgetter(*(".".join(_field(step) for step in steps(path)) for path in self.paths))


def _plain(value: Any) -> Any:
    return decode(value) if isinstance(value, Raw) else value


def _quoted(value: Native) -> Native:
    """An ETag as it stands in the header: a bare one gets its quotes."""
    return value if isinstance(value, str) and '"' in value else f'"{value}"'


def _prefix(path: str) -> bytes:
    return _encode(path) + b":"


def _field(step: str) -> str:
    """A name for a struct's field: any text, made an identifier."""
    return "f_" + step.encode().hex()


def _slow_tops(paths: Iterable[str]) -> set[str]:
    """First names of paths that go through lists, or where one path is the beginning of another."""
    ways = {path: steps(path) for path in paths}
    slow = {parted(way[0])[0] for path, way in ways.items() if "[" in path}
    for way in ways.values():
        if any(other[: len(way)] == way and len(other) > len(way) for other in ways.values()):
            slow.add(way[0])
    return slow


def _tree(paths: Iterable[str], slow: set[str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path in paths:
        way = steps(path)
        if (top := parted(way[0])[0]) in slow:
            tree[top] = None
            continue
        node = tree
        for step in way[:-1]:
            node = node.setdefault(step, {})
        node.setdefault(way[-1], None)
    return tree


def _names(tree: dict[str, Any]) -> Iterator[str]:
    for name, below in tree.items():
        yield name
        yield from _names(below or {})


def _once_each(raw: bytes | Raw, tree: dict[str, Any]) -> bool:
    """Whether the parts of an object, each taken once, are as long as the object: then nothing stands there twice."""
    top = _top(raw)
    compact = len(b"".join(top.values())) + sum(map(len, top)) + 4 * len(top) + 1
    length = len(memoryview(raw))
    if length != compact and (length != compact + 2 * len(top) - 1 or b'": ' not in bytes(raw)[:200]):
        return False
    return all(
        _once_each(top[name], below) for name, below in tree.items() if below and is_object(top.get(name, _NULL))
    )


def _struct(tree: dict[str, Any], id_path: str | None) -> type[msgspec.Struct]:
    """A struct with a raw field for each leaf; on the way to the id everything is required."""
    way = steps(id_path) if id_path else []
    fields: list[tuple[str, Any, Any]] = []
    for name, below in tree.items():
        on_way = bool(way) and way[0] == name
        if below is None:
            kind: Any = int | str if on_way else Raw | msgspec.UnsetType
        else:
            inner = _struct(below, ".".join(way[1:]) if on_way else None)
            kind = inner if on_way else inner | None | msgspec.UnsetType
        default = msgspec.field(name=name) if on_way else msgspec.field(default=UNSET, name=name)
        fields.append((_field(name), kind, default))
    return msgspec.defstruct("Item", fields, kw_only=True, gc=False)


def _extracted(top: Any, name: str, path: str) -> Any:
    return UNSET if top is UNSET else extract({name: decode(top)}, path)


def extract(value: Any, path: str) -> Any:
    """The value at a path of decoded JSON; `lines[].sku` is a list. UNSET when missing; raises Odd."""
    return _extract(value, steps(path), path)


def _extract(value: Any, way: Sequence[str], path: str) -> Any:
    if not way:
        return value
    step = way[0]
    if value is None:
        return UNSET
    if not isinstance(value, dict):
        raise Odd(f"{path}: an object was expected")
    name, selector = parted(step)
    value = value.get(name, UNSET)
    if value is UNSET or selector is None:
        return value if value is UNSET else _extract(value, way[1:], path)
    if value is None:
        return None
    if not isinstance(value, list):
        raise Odd(f"{path}: a list was expected")
    if selector:
        item = item_of(value, selector)
        return UNSET if item is None else _extract(item, way[1:], path)
    found = (_extract(item, way[1:], path) for item in value)
    return [None if item is UNSET else item for item in found]


def id_if_any(raw: bytes | Raw, path: str) -> str | None:
    """The id of a raw record, or None where there is none."""
    try:
        value = extract(decode(raw), path)
    except (Unfit, Odd):
        return None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None


def split(array: bytes | Raw) -> list[Raw]:
    """The records of an array, each raw. One NaN must not spoil the others, so it has a way of its own."""
    try:
        return _raws(array)
    except BROKEN as error:
        broken = error
    try:
        items = json.loads(bytes(array), parse_float=Decimal, parse_constant=lambda name: _NOT_JSON)
    except (ValueError, RecursionError):
        raise Unfit(f"broken JSON ({broken})") from None
    if not isinstance(items, list):
        raise Unfit("no array of records")
    return [_again_raw(item) for item in items]


def _again_raw(item: Any) -> Raw:
    """A record that the lenient parser took, as JSON again; as something that is none if it should not have."""
    try:
        return Raw(_NOT_JSON if _NOT_JSON in repr(item) else _encode(item))
    except (UnicodeEncodeError, RecursionError):
        return Raw(_NOT_JSON)


def _shallow(content: bytes) -> bytes:
    try:
        return require_shallow(content)
    except ValueError as error:
        raise Odd(str(error)) from None


_NOT_JSON = "no JSON: NaN, Infinity or half a character"


def _odd_text(data: bytes) -> bool:
    """Whether text may be broken: not UTF-8, or escapes of surrogates, which may be alone."""
    if b"\\ud" in data or b"\\uD" in data:
        return True
    if data.isascii():
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return True
    return False


def _check(data: bytes) -> None:
    """Decode a whole record strictly. Raises Odd for a key that stands there twice, and for broken text."""
    try:
        decode(data)
        json.loads(data, object_pairs_hook=_once, parse_float=str, parse_int=str)
    except (Unfit, ValueError, RecursionError) as error:
        raise Odd(str(error)) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for i, (name, _) in enumerate(pairs) if name in {key for key, _ in pairs[:i]})
        raise Odd(f"the key {twice!r} stands there twice")
    return found


def unwrapped(raw: bytes, hints: Sequence[str]) -> Iterable[bytes | Raw]:
    """Where in an answer the one record may be: at the hinted keys, the answer itself, then inside a wrapper."""
    if is_array(raw):
        items = split(raw)
        if len(items) == 1:
            yield items[0]
        return
    top = msgspec.json.decode(raw, type=dict[str, Raw])
    for hint in hints:
        if hint in top and is_object(top[hint]):
            yield top[hint]
        elif hint in top and is_array(top[hint]) and len(items := split(top[hint])) == 1:
            yield items[0]
    yield raw
    for name in ("data", "result", "item", "record"):
        if name in top and name not in hints and is_object(top[name]):
            yield top[name]
    for name, part in top.items():
        if name not in hints and is_object(part):
            yield part
