"""`custom_fields[id=2].value`: one item of a list, named by its key."""

from typing import Any

import pytest

from accord.config.kinds import path_fault
from accord.connectors import paths
from accord.connectors.rest.bodies import changed, nested
from accord.connectors.rest.records import MISSING, Odd, Shape, extract
from tests.ports.rest.fake import system

FIELDS = {"id": 1, "fields": [{"id": 1, "value": "a"}, {"id": 2, "value": None}, "odd"]}


@pytest.mark.parametrize(
    ("path", "value"),
    [("fields[id=1].value", "a"), ("fields[id=2].value", None), ("fields[value=a].id", 1), ("fields[id=3].value", ...)],
)
def test_one_item_is_read(path: str, value: Any) -> None:
    """Null and absent stay apart."""
    assert extract(FIELDS, path) == (MISSING if value is ... else value)
    assert paths.get_path(FIELDS, path) == (paths.ABSENT if value is ... else value)


def test_one_item_is_written_and_no_other() -> None:
    """In a body of its own; in a whole record beside the others."""
    patch = {"fields[id=2].value": "x", "fields[id=3].value": "y", "fields[name=a b].value": 1}
    items = [{"id": 2, "value": "x"}, {"id": 3, "value": "y"}, {"name": "a b", "value": 1}]
    assert nested(patch) == paths.nested(patch) == {"fields": items}
    whole = {"fields": [{"id": 1, "value": "a"}, {"id": 2, "value": "b", "more": 1}]}
    assert changed(whole, {"fields[id=2].value": "x"}, ()) == {
        "fields": [{"id": 1, "value": "a"}, {"id": 2, "value": "x", "more": 1}]
    }
    assert whole["fields"][1] == {"id": 2, "value": "b", "more": 1}


def test_a_page_is_read_with_items_by_key() -> None:
    """What is no list fails alone."""
    shape = Shape(system("http://x").datatypes["thing"], "UTC", ["fields[id=2].value", "name"])
    page = b'[{"id":1,"name":"n","fields":[{"id":2,"value":1.50}]},{"id":2,"fields":[]},{"id":3,"fields":7}]'
    records, failures = shape.page(page)
    assert [record.content for record in records] == [b'{"fields[id=2].value":1.50,"name":"n"}', b"{}"]
    assert [failure.id for failure in failures] == ["3"]
    with pytest.raises(Odd):
        extract({"fields": {}}, "fields[id=2].value")


@pytest.mark.parametrize("path", ["a[", "a[id]", "a[id=]", "a[=2].b", "a[][]", "[id=1]", "a[id=1=2]"])
def test_other_brackets_are_no_path(path: str) -> None:
    """And the message shows what is."""
    assert "fields[id=2].value" in (path_fault(path) or "")
