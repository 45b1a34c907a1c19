"""Expressions over a record, friendly and hostile."""

from __future__ import annotations

from decimal import Decimal
from time import perf_counter
from typing import Any

import pytest

from accord.errors import ExpressionError
from accord.values.expressions import compile_expression


@pytest.mark.parametrize(
    ("text", "natives", "value"),
    [
        ("kind == 'project'", {"kind": "project"}, True),
        ("deleted_at != null", {"deleted_at": "2024-01-01"}, True),
        ("status in ['A', 'H'] && customer.country == 'NO'", {"status": "A", "customer.country": "NO"}, True),
        ("customer.country == 'NO'", {"customer": {"country": "NO"}}, True),
        ("customer['cf-1'] == 2", {"customer.cf-1": 2}, True),
        ("a.b.c == 1", {"a.b": {"c": 1}}, True),
        ("budget > 1000.5", {"budget": Decimal("1000.51")}, True),
        ("budget > 1000", {"budget": Decimal("1000.51")}, True),
        ("tags.exists(t, t == wanted)", {"tags": ["a", "b"], "wanted": "b"}, True),
        ("name.lowerAscii().startsWith('nord')", {"name": "Nordlys"}, True),
        ("number.matches('^A-[0-9]+$')", {"number": "A-17"}, True),
        ("value * 1.5", {"value": Decimal("2.0")}, Decimal("3.0")),
        ("lines.map(l, l.sku)", {"lines": [{"sku": "x"}]}, ["x"]),
    ],
)
def test_what_people_write(text: str, natives: dict[str, Any], value: Any) -> None:
    assert compile_expression(text).evaluate(natives) == value


@pytest.mark.parametrize("natives", [{}, {"customer": None}, {"customer": {}}, {"customer.name": "x"}])
def test_a_property_that_was_not_sent_is_null(natives: dict[str, Any]) -> None:
    assert compile_expression("customer.country == null").test(natives)
    assert not compile_expression("has(customer.country)").test(natives)


def test_properties_may_be_called_as_cel_calls_its_types() -> None:
    assert compile_expression("type == 'task' && int == 3 && int('3') == 3").test({"type": "task", "int": 3})


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("status == 'a.b' || customer.country.code == x", {"status", "customer.country.code", "x"}),
        ("lines.exists(l, l.sku == wanted)", {"lines", "wanted"}),
        ("has(a.b) && size(c.d) > 1", {"a.b", "c.d"}),
        ("l.exists(l, l.x == 1) && l.y == 1", {"l", "l.y"}),
        ("type(n) == int", {"n"}),
        ("true", set()),
    ],
)
def test_the_paths_that_are_read_are_known(text: str, paths: set[str]) -> None:
    assert compile_expression(text).paths == paths


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kind = 'x'", "column 6.*`==` compares"),
        ("a == 1 and b == 2", "column 8.*&& for and"),
        ("kind ==", "column 8"),
        ("foo(1)", "undeclared reference to 'foo'"),
        ("1 + 'a'", "no matching overload"),
        ("name.matches('(')", "missing"),
        ("name.matches(other)", "written literally"),
        (" ", "empty"),
        ("package == 1", "reserved identifier"),
    ],
)
def test_a_mistake_is_found_when_it_is_compiled(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        compile_expression(text)


@pytest.mark.parametrize("natives", [{"n": 1, "d": 0}, {"n": "x", "d": 1}, {}])
def test_an_error_on_one_record_is_told(natives: dict[str, Any]) -> None:
    with pytest.raises(ExpressionError, match="failed"):
        compile_expression("n / d == 1").test(natives)


def test_a_filter_is_true_or_false() -> None:
    with pytest.raises(ExpressionError, match="must be true or false"):
        compile_expression("name").test({"name": "x"})


def test_text_that_is_no_unicode_is_told() -> None:
    with pytest.raises(ExpressionError):
        compile_expression("name == 'x'").test({"name": "\ud800"})


def _chain(start: str, steps: int) -> str:
    for step in range(steps):
        start += f".map(v{step}, v{step} + v{step})"
    return start


TEN = "[" + ",".join("0123456789") + "]"
HUNDRED = "[" + ",".join(["1"] * 100) + "]"
MEGABYTE = "x" * 1_000_000


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (f"{TEN}.all(a,{TEN}.all(b,{TEN}.all(c,{TEN}.all(d,{TEN}.all(e,{TEN}.all(f,true))))))", None),
        (f"{HUNDRED}.all(a, {HUNDRED}.all(b, !data.matches('(.*)(.*)(.*)z')))", MEGABYTE),
        (f"{HUNDRED}.map(a, {HUNDRED}.map(b, data + data)).size() > 1", MEGABYTE),
        (f"{HUNDRED}.all(a, {HUNDRED}.all(b, !'x'.matches('((a[0-9]{{0,10}}){{0,9}}b)')))", None),
        ("data.all(a, data.all(b, data == data))", [1] * 10_000),
        (f"{_chain('[data]', 40)}[0].size() > 1", "abc"),
        (f"{_chain('[[data]]', 40)}[0].size() > 1", "abc"),
        ("||".join(["data.matches('(x+x+)+y')"] * 60), MEGABYTE),
        ("data.replace('x', data).replace('x', data).size() > 1", "x" * 1000),
        ("data.split('').map(a, data.split('')).size() > 1", "x" * 5000),
        ("data.matches('((a{1,100}){1,100}){1,100}')", "a"),
        ("data.matches('" + "(a|b{0,100})" * 20 + "')", "a"),
        ("(" * 500 + "true" + ")" * 500, None),
        ("data" + ".a" * 900, {}),
    ],
)
def test_a_hostile_expression_stops_soon(text: str, data: Any) -> None:
    """Within about 100 ms; the test allows for a busy machine."""
    started = perf_counter()
    with pytest.raises((ExpressionError, ValueError)):
        compile_expression(text).test({"data": data})
    assert perf_counter() - started < 0.5


def test_an_honest_expression_on_a_large_record_is_run() -> None:
    lines = [{"sku": f"A-{n}", "text": "x" * 50, "amount": Decimal("1.5")} for n in range(300)]
    assert compile_expression("lines.exists(l, l.sku == 'A-299' && l.amount > 1.0)").test({"lines": lines})
