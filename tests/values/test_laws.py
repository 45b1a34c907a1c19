"""What is written and read again is the same value; writing back what was read changes nothing."""

from __future__ import annotations

import json
import string
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.model import decode_natives, encode_natives
from accord.values.money import Money
from tests.values.making import made, typed

TEXT = st.text(st.characters(codec="utf-8"))
CENTS = st.decimals(min_value=-(10**12), max_value=10**12, places=2)
INTEGERS = st.integers(-(10**18), 10**18)
MICROS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
MILLIS = MICROS.map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))
SECONDS = MICROS.map(lambda moment: moment.replace(microsecond=0))
MINUTES = SECONDS.map(lambda moment: moment.replace(second=0))
DATES = st.dates(date(1900, 1, 1), date(2200, 1, 1))
TIMES = st.times().map(lambda clock: clock.replace(microsecond=0))
DURATIONS = st.integers(-(10**9), 10**9).map(lambda seconds: timedelta(seconds=seconds))
MONEY = st.builds(Money, CENTS, st.sampled_from(["NOK", "EUR", "JPY"]))
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), INTEGERS, TEXT),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(TEXT, inner)),
    max_leaves=8,
)
JSON_OBJECTS = st.dictionaries(TEXT, JSON)
WORD = st.text(string.ascii_letters, min_size=1)

FORMS: list[tuple[str, st.SearchStrategy[Any], Any]] = [
    ("string", TEXT, None),
    ("string", TEXT, "sample"),
    ("string", TEXT, 17),
    ("string", TEXT, Decimal("1.5")),
    ("text", TEXT, None),
    ("integer", INTEGERS, None),
    ("integer", INTEGERS, "7"),
    ("decimal(2)", CENTS, None),
    ("decimal(2)", CENTS, "12.50"),
    ("decimal(2)", CENTS, "12.5000"),
    ("decimal(2)", CENTS, Decimal("12.5")),
    ("decimal(2)", CENTS, 12),
    ("decimal", CENTS, None),
    ("float", st.floats(-1e30, 1e30, allow_subnormal=False).filter(lambda x: x == 0 or abs(x) > 1e-30), None),
    ("boolean", st.booleans(), None),
    ("boolean", st.booleans(), 1),
    ("boolean", st.booleans(), "N"),
    ("boolean", st.booleans(), "True"),
    ("date", DATES, None),
    ("date", DATES, "2024-02-29T00:00:00Z"),
    ("date", DATES, "20240229"),
    ("datetime", MICROS, None),
    ("datetime", MICROS, "2024-02-29T10:00:00.123456Z"),
    ("datetime", MILLIS, "2024-02-29T10:00:00.123Z"),
    ("datetime", MILLIS, "2024-02-29 10:00:00.123"),
    ("datetime", SECONDS, "2024-02-29T10:00:00Z"),
    ("datetime", SECONDS, "2024-02-29T10:00:00+02:00"),
    ("datetime", SECONDS, "2024-02-29T10:00:00-0330"),
    ("datetime", SECONDS, "20240229T100000Z"),
    ("datetime", MINUTES, "2024-02-29 10:00"),
    ("time", st.times(), None),
    ("time", TIMES, "10:00:00"),
    ("duration", DURATIONS, None),
    ("duration", DURATIONS, 90),
    ("duration", DURATIONS, "01:30"),
    ("enum", st.sampled_from(["open", "done"]), None),
    ("money", MONEY, None),
    ("money", MONEY, "12.50 NOK"),
    ("money", MONEY, "NOK 12.50"),
    ("email", st.emails(), None),
    ("phone(NO)", TEXT, None),
    ("country", st.sampled_from(["NO", "DE", "US"]), None),
    ("country", st.sampled_from(["NO", "DE", "US"]), "se"),
    ("url", TEXT, None),
    ("person", TEXT, None),
    ("language", st.text(string.ascii_letters + "-_", min_size=1), None),
    ("reference(customer)", st.integers(1, 10**12).map(str), None),
    ("object", JSON_OBJECTS, None),
    ("json", st.one_of(JSON_OBJECTS, st.lists(JSON), WORD, st.booleans()), None),
    ("list of integer", st.lists(INTEGERS).map(tuple), None),
    ("set of string", st.lists(TEXT).map(tuple), None),
]


@pytest.mark.parametrize(("kind", "values", "like"), FORMS, ids=[f"{kind} like {like}" for kind, _, like in FORMS])
@settings(deadline=None)
@given(data=st.data())
def test_what_is_written_is_read_again(
    kind: str, values: st.SearchStrategy[Any], like: Any, data: st.DataObject
) -> None:
    """In every wire form that the system shows."""
    value, codec = data.draw(values), made(kind)
    assert typed(kind).equal(codec.stored(value, like), value)


@pytest.mark.parametrize(("kind", "values", "like"), FORMS, ids=[f"{kind} like {like}" for kind, _, like in FORMS])
@settings(deadline=None)
@given(data=st.data())
def test_writing_back_changes_nothing(
    kind: str, values: st.SearchStrategy[Any], like: Any, data: st.DataObject
) -> None:
    """A native in the system's form, read and written with itself as the sample, is that very native."""
    codec = made(kind)
    native = codec.encode(data.draw(values), like)
    again = codec.encode(codec.decode(native), native)
    assert (again, type(again)) == (native, type(native))


@pytest.mark.parametrize("kind", sorted({kind for kind, _, _ in FORMS}))
@given(data=st.data())
def test_history_gives_the_value_back(kind: str, data: st.DataObject) -> None:
    """Through the very JSON that state and history hold."""
    value = data.draw(st.one_of(*(values for name, values, _ in FORMS if name == kind)))
    type_ = typed(kind)
    held = decode_natives(encode_natives({"value": type_.to_json(value)}))["value"]
    assert type_.from_json(held) == value
    json.dumps(type_.to_json(value))


@pytest.mark.parametrize("kind", sorted({kind for kind, _, _ in FORMS}))
@given(data=st.data())
def test_equality_and_similarity_are_symmetric(kind: str, data: st.DataObject) -> None:
    """Equal values are similar; similar ones have a richer one, whichever way they are asked."""
    values = st.one_of(st.none(), *(values for name, values, _ in FORMS if name == kind))
    a, b = data.draw(values), data.draw(values)
    type_ = typed(kind)
    assert type_.equal(a, a)
    assert type_.equal(a, b) == type_.equal(b, a)
    assert type_.similar(a, b) == type_.similar(b, a)
    assert not type_.equal(a, b) or type_.similar(a, b)
    assert type_.richer(a, b) is a or type_.richer(a, b) is b


@given(
    value=st.decimals(min_value=-(10**6), max_value=10**6, places=2),
    like=st.sampled_from([None, 90, "90", Decimal("1.5")]),
)
def test_hours_and_minutes_do_not_bounce(value: Decimal, like: Any) -> None:
    """Hours to two decimals are kept by whole minutes only where the row cannot tell the difference."""
    codec = made("decimal(2)", ("scale", 60))
    assert typed("decimal(2)").equal(codec.stored(value, like), value)


LENSES: list[tuple[str, list[tuple[str, Any]], st.SearchStrategy[Any]]] = [
    ("date", [("date-format", "%d.%m.%Y")], st.dates(date(1, 1, 2))),
    ("datetime", [("date-format", "unix")], SECONDS),
    ("datetime", [("date-format", "unix_ms")], MILLIS),
    ("boolean", [("map", {"J": True, "N": False})], st.booleans()),
    ("country", [("country", "alpha3")], st.sampled_from(["NO", "DE", "RO", "CD", "MM"])),
    ("country", [("country", {"name": "nb"})], st.sampled_from(["NO", "DE", "RO", "CD", "MM"])),
    ("list of string", [("split", {"by": ","})], st.lists(st.text(string.ascii_letters, min_size=1)).map(tuple)),
    ("text", [("strip-html", None)], st.text(string.printable).map(lambda text: text.replace("\r", "").strip())),
    ("decimal(3)", [("scale", Decimal("0.001"))], st.decimals(0, 1000, places=3)),
    ("string", [("trim", None)], TEXT.map(str.strip)),
    ("string", [("case", "upper")], WORD.map(str.upper)),
    ("string", [("case", "lower")], WORD.map(str.lower)),
    ("decimal", [("round", 2)], CENTS),
    ("string", [("truncate", 5)], st.text(string.ascii_letters, max_size=5)),
    ("string", [("join", ",")], st.lists(WORD, min_size=1).map(",".join)),
    ("phone(NO)", [("phone", "NO")], st.integers(22_000_000, 22_999_999).map(str)),
    ("phone(NO)", [("phone", {"region": "NO", "format": "national"})], st.integers(40_000_000, 49_999_999).map(str)),
    ("string", [("default", "none")], st.text(string.ascii_letters, min_size=1)),
    (
        "string",
        [("expression", {"read": "value.upperAscii()", "write": "value.lowerAscii()"})],
        WORD.map(str.upper),
    ),
]


@pytest.mark.parametrize(("kind", "lenses", "values"), LENSES, ids=[f"{lenses}" for _, lenses, _ in LENSES])
@settings(deadline=None)  # tables of countries and numbering plans are read when they are first asked for
@given(data=st.data())
def test_a_lens_reads_what_it_wrote(
    kind: str, lenses: list[tuple[str, Any]], values: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    """The law of every lens that loses nothing."""
    value, codec = data.draw(values), made(kind, *lenses, zone="Europe/Oslo")
    assert typed(kind).equal(codec.stored(value), value)
