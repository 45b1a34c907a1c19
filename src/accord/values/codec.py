"""One row of one system: native JSON to canonical values and back, lenses and limits included.

Everything is compiled when a `Codec` is made; decoding plain text costs well under a microsecond.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from accord.config.meaning import Property, Row, System
from accord.config.words import CASELESS
from accord.errors import ExpressionError, ValueRefused
from accord.model import Native
from accord.values.items import ItemsCodec, ItemsType
from accord.values.lenses import INNER_SAMPLES, ROUNDING, Lens, Surroundings, lens, value_map
from accord.values.moments import zone_of
from accord.values.numbers import to_decimal
from accord.values.texts import cut, refused, shown
from accord.values.types import row_type
from accord.values.wire import Coding, Target, coding, target

Encode = Callable[[Any, Native], Native]


class Codec:
    """Reads and writes one row's property in one system.

    `decode(native)` gives the canonical value: str, int, Decimal, float, bool, date, datetime (UTC), time, timedelta,
    Money, a tuple, JSON, or None for null. `encode(value, like)` gives the native one, in the form of the sample
    `like`. Both raise ValueRefused, naming the property, the value and what is allowed. ABSENT never comes here.
    """

    __slots__ = ("_encode", "decode", "path")

    path: str
    decode: Callable[[Native], Any]

    def __init__(self, path: str, decode: Callable[[Native], Any], encode: Encode) -> None:
        self.path = path
        self.decode = decode
        self._encode = encode

    def encode(self, value: Any, like: Native = None) -> Native:
        """The native value of a canonical one; of a reference, the target's native id as it is."""
        return self._encode(value, like)

    def stored(self, value: Any, like: Native = None) -> Any:
        """The canonical value that this system would show after storing `value`, as far as the file tells."""
        return self.decode(self._encode(value, like))


def codec(row: Row, system: System, prop: Property | None, inner_props: Mapping[str, Property] | None = None) -> Codec:
    """The codec of a row in a system. `inner_props`: what is known of the properties within the elements of a list.
    Raises ValueError for a lens or type that cannot be understood.
    """
    path = row.paths[system.name]
    if row.items is not None:
        return _items_codec(row, system, prop, inner_props or {})
    specs = row.lenses.get(system.name, ())
    rounds = any(spec.name in ROUNDING for spec in specs)
    inner = coding(row.type, target(system, prop, rounds=rounds))
    around = Surroundings(zone=zone_of(system.clock.zone), kind=row.type.name, region=_region(row))
    lenses = [lens(spec, around) for spec in specs]
    if system.name in row.maps:
        lenses.append(_value_map(row, system.name))
    where = f"{system.title}: {path}"
    decode = _reader(inner, lenses)
    encode = _limited(_writer(row, inner, lenses, around), row, prop)
    if rounds:
        encode = _rounding(encode, decode, row, prop)
    if inner.text and not lenses:
        return Codec(path, _text_reader(where, decode), _explained(where, encode))
    return Codec(path, _explained_reader(where, decode), _explained(where, encode))


def _items_codec(row: Row, system: System, prop: Property | None, inner_props: Mapping[str, Property]) -> Codec:
    path, kind = row.paths[system.name], row_type(row)
    assert isinstance(kind, ItemsType) and row.items is not None  # noqa: S101, PT018
    parts = {
        each.name: codec(each, system, inner_props.get(each.paths[system.name]))
        for each in row.items.rows
        if system.name in each.paths
    }
    whole = ItemsCodec(row, system, kind, parts, prop)
    where = f"{system.title}: {path}"
    return Codec(path, _explained_reader(where, whole.decode), _explained(where, whole.encode))


def _value_map(row: Row, system: str) -> Lens:
    table = row.table
    if table is None:
        return value_map(row.maps[system])
    instead = {"instead": table.instead[system]} if system in table.instead else {}
    fold = row.type.name in CASELESS or row.equal == "case"
    return value_map(row.maps[system], fold=fold, passes=table.passes, **instead)


def _region(row: Row) -> str | None:
    return row.type.arguments[0] if row.type.name == "phone" and row.type.arguments else None


def _reader(inner: Coding, lenses: list[Lens]) -> Callable[[Native], Any]:
    """Native → lenses in order → canonical."""
    decode, text = inner.decode, inner.text
    steps = tuple((each.read, each.reads) for each in lenses)

    def plain(native: Native) -> Any:
        return None if native is None or (native == "" and not text) else decode(native)

    def through(native: Native) -> Any:
        for step, reads in steps:
            if (native is not None and native != "") or native in reads:
                native = step(native)
        return plain(native)

    return through if steps else plain


def _writer(row: Row, inner: Coding, lenses: list[Lens], around: Surroundings) -> Encode:
    """Canonical → lenses backwards → native in the form of the sample.

    Within the lenses a value has a plain form of its own: the sample and the property's type are known for the
    outside only.
    """
    if not lenses:
        return lambda value, like: None if value is None else inner.encode(value, like)
    steps = tuple((each.write, each.writes_blank) for each in reversed(lenses))
    plain = coding(row.type, Target(kind=None, scale=None, zone=around.zone, rounds=True)).encode
    sample = INNER_SAMPLES.get(around.kind)

    def encode(value: Any, like: Native) -> Native:
        native = None if value is None else plain(value, sample)
        for step, writes_blank in steps:
            if native is not None and (native != "" or writes_blank):
                native = step(native)
        return None if native is None else inner.shape(native, like)

    return encode


def _limited(encode: Encode, row: Row, prop: Property | None) -> Encode:
    """With the property's `max_length` and `values`."""
    if prop is None or (prop.max_length is None and prop.values is None):
        return encode
    longest, allowed = prop.max_length, prop.values

    def limited(value: Any, like: Native) -> Native:
        native = encode(value, like)
        if longest is not None and isinstance(native, str) and len(native) > longest:
            native = _fitted(native, longest, row.truncate)
        if allowed is not None and native is not None and native not in allowed:
            raise refused(native, f"one of {', '.join(map(str, allowed))}")
        return native

    return limited


def _fitted(native: str, longest: int, truncate: bool) -> str:
    if truncate:
        return cut(native, longest)
    raise ValueRefused(
        f"{shown(native)} has {len(native)} characters, and there is room for {longest}",
        hint="shorten it, or let the row say `truncate: true`",
    )


def _rounding(encode: Encode, decode: Callable[[Native], Any], row: Row, prop: Property | None) -> Encode:
    """Whole numbers where the sample is one, no type is declared, and nothing that the row compares is lost."""
    equal = row_type(row).equal

    def rounded(value: Any, like: Native) -> Native:
        native = encode(value, like)
        if type(like) is not int or native is None or type(native) is int or (prop is not None and prop.type):
            return native
        whole = int(to_decimal(native).to_integral_value())
        return whole if equal(decode(whole), value) else native

    return rounded


def _text_reader(where: str, decode: Callable[[Native], Any]) -> Callable[[Native], Any]:
    """The hot path: text is its own canonical value."""
    slow = _explained_reader(where, decode)

    def read(native: Native) -> Any:
        return native if type(native) is str else slow(native)

    return read


def _explained_reader(where: str, decode: Callable[[Native], Any]) -> Callable[[Native], Any]:
    def read(native: Native) -> Any:
        try:
            return decode(native)
        except (ValueRefused, ExpressionError) as error:
            raise ValueRefused(f"{where}: {error.message}", hint=error.hint) from None

    return read


def _explained(where: str, encode: Encode) -> Encode:
    def write(value: Any, like: Native) -> Native:
        try:
            return encode(value, like)
        except (ValueRefused, ExpressionError) as error:
            raise ValueRefused(f"{where}: {error.message}", hint=error.hint) from None

    return write
