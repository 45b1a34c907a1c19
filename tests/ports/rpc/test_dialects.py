"""How values of Tryton and Odoo become natives and go back; what is odd stays as it is, and is not guessed at."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.config.meaning import Datatype, Property
from accord.connectors.rest.bodies import encode
from accord.connectors.rpc.dialects import NotWritten, Odoo, Tryton
from accord.connectors.rpc.templates import NotFilled, at, fill
from accord.model import from_json

UTC, OSLO = ZoneInfo("UTC"), ZoneInfo("Europe/Oslo")
TYPES = {
    "day": "date",
    "when": "datetime",
    "at": "time",
    "long": "duration",
    "amount": "decimal(4)",
    "share": "float",
    "open": "boolean",
    "names": "list of string",
}


def described(**more: Property) -> Datatype:
    """A datatype with a property of each type."""
    properties = {path: Property(path=path, type=kind) for path, kind in TYPES.items()}
    return Datatype(system="s", name="d", title="D", properties={**properties, **more}, options={})


def read(value: Any) -> Any:
    return Tryton().read(value, described(), None)


def written(path: str, value: Any, zone: ZoneInfo = UTC) -> Any:
    """What is written, and read again by itself."""
    found = Tryton().write({path: value}, described(), zone)[path]
    return found, read(from_json(encode(found)))


@pytest.mark.parametrize(
    ("path", "value", "wire"),
    [
        ("day", "2024-02-29", {"__class__": "date", "year": 2024, "month": 2, "day": 29}),
        ("day", "0033-04-03", {"__class__": "date", "year": 33, "month": 4, "day": 3}),
        ("at", "10:20:30.000001", {"__class__": "time", "hour": 10, "minute": 20, "second": 30, "microsecond": 1}),
        ("long", "PT1H30M0.25S", {"__class__": "timedelta", "seconds": Decimal("5400.25")}),
        ("long", "-PT5S", {"__class__": "timedelta", "seconds": -5}),
        ("amount", Decimal("0.1000"), {"__class__": "Decimal", "decimal": "0.1000"}),
        ("amount", Decimal("123456789012345678.0001"), {"__class__": "Decimal", "decimal": "123456789012345678.0001"}),
        ("amount", 7, {"__class__": "Decimal", "decimal": "7"}),
        ("undeclared", Decimal("1.5"), {"__class__": "Decimal", "decimal": "1.5"}),
        ("share", Decimal("0.5"), Decimal("0.5")),
        ("day", None, None),
    ],
)
def test_typed_values_go_and_come_back(path: str, value: Any, wire: Any) -> None:
    """With every digit, and without a float between."""
    assert written(path, value) == (wire, value)


def test_a_time_is_written_in_utc() -> None:
    """One without an offset is in the zone of the system."""
    wire = {"__class__": "datetime", "year": 2024, "month": 7, "day": 1, "hour": 8, "minute": 0, "second": 0}
    for text in ("2024-07-01T10:00:00+02:00", "2024-07-01T10:00:00"):
        found, again = written("when", text, OSLO)
        assert (found, again) == ({**wire, "microsecond": 0}, "2024-07-01T08:00:00Z")


@given(st.timedeltas(timedelta(days=-20000), timedelta(days=20000)))
def test_durations_of_tryton_are_exact(duration: timedelta) -> None:
    """Python writes the shortest number that means these microseconds; its digits give them back."""
    body = encode({"__class__": "timedelta", "seconds": Decimal(repr(duration.total_seconds()))})
    text = read(from_json(body))
    found, again = written("long", text)
    assert again == text
    assert timedelta(seconds=float(found["seconds"])) == duration


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)))
def test_times_of_tryton_are_exact(when: datetime) -> None:
    """To the microsecond."""
    names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    wire = {"__class__": "datetime", **{name: getattr(when, name) for name in names}}
    assert read(wire) == f"{when.isoformat()}Z"
    assert written("when", read(wire))[0] == wire


@pytest.mark.parametrize(
    "odd",
    [
        {"__class__": "date", "year": 2024, "month": 13, "day": 1},
        {"__class__": "date", "year": 2024, "month": True, "day": 1},
        {"__class__": "date"},
        {"__class__": "Decimal", "decimal": "NaN"},
        {"__class__": "Decimal", "decimal": "1e999999999"},
        {"__class__": "Decimal", "decimal": None},
        {"__class__": "timedelta", "seconds": "a week"},
        {"__class__": "bytes", "base64": 5},
        {"__class__": "Eval", "v": "company"},
        {"__class__": ["date"]},
    ],
)
def test_what_cannot_be_read_stays_as_it_is(odd: Any) -> None:
    """Its record is held with the value named."""
    assert read({"x": odd}) == {"x": odd}


@pytest.mark.parametrize(
    ("path", "value"),
    [("day", "someday"), ("when", "2024-07-01T25:00:00"), ("long", "a week"), ("amount", "much"), ("at", 5)],
)
def test_what_is_not_of_its_type_is_not_written(path: str, value: Any) -> None:
    """The path is named, and the value is not shown."""
    with pytest.raises(NotWritten) as raised:
        written(path, value)
    assert str(raised.value).startswith(f"{path}: not a ")


def test_the_properties_of_a_reference_stand_under_its_name() -> None:
    """Tryton gives them under the name and a dot."""
    record = {
        "id": 1,
        "party": 5,
        "party.": {"id": 5, "name": "One"},
        "parent.": None,
        "company.": {"party.": {"id": 2}},
    }
    assert read([record]) == [
        {"id": 1, "party": {"id": 5, "name": "One"}, "parent": None, "company": {"party": {"id": 2}}}
    ]


def test_nothing_of_odoo_is_false() -> None:
    """Except where the property is a boolean; a reference is an object; a list of two is none where it is declared."""
    shown = {"id": 3, "open": False, "day": False, "country_id": [21, "Belgium"], "names": [1, "a"], "other": False}
    assert Odoo().read([shown], described(), None) == [
        {"id": 3, "open": False, "day": None, "country_id": {"id": 21, "name": "Belgium"}, "names": [1, "a"]}
        | {"other": None}
    ]
    assert Odoo().read({"records": [shown]}, described(), "records")["records"][0]["day"] is None
    assert Odoo().read(True, described(), None) is True
    sent = Odoo().write({"when": "2024-07-01T10:00:00+02:00", "day": None, "open": False}, described(), UTC)
    assert sent == {"when": "2024-07-01 08:00:00", "day": False, "open": False}
    with pytest.raises(NotWritten):
        Odoo().write({"when": "soon"}, described(), UTC)


def test_placeholders_become_values_or_texts() -> None:
    """A whole one keeps its type; a part of one is found; what is not there is nothing."""
    values = {"id": "5", "record": {"a": 1}, "session": [7, "token"], "version": None, "flag": True}
    template = {"{id}": ["{record}", "{session.0}", "party,{id}", "{id:int}"], "v": "{version}", "t": "v={version}"}
    assert fill(template, values) == {"5": [{"a": 1}, 7, "party,5", 5], "v": None, "t": "v="}
    assert fill("{flag:text} {session.1} {session.9}", values) == "true token "
    assert fill("{ id } {}", values) == "{ id } {}"
    assert fill({"constant": [1, None]}, values) == {"constant": [1, None]}
    for odd in ("five", "5x", "", "٥", True, "1" * 50):
        with pytest.raises(NotFilled):
            fill("{id:int}", {"id": odd})


def test_a_path_goes_through_lists_and_objects() -> None:
    """And is nothing where a step is missing."""
    assert at({"a": [{"b": 1}]}, "a.0.b") == 1
    assert [at({"a": [1]}, path) for path in ("a.1", "a.-1", "a.x", "b.c")] == [None] * 4
    assert at([1], None) == [1]


def test_what_a_person_typed_is_no_placeholder() -> None:
    """Values are not looked at again."""
    assert fill({"name": "{record}"}, {"record": "{password}", "password": "secret"}) == {"name": "{password}"}
