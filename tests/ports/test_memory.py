"""The system in memory, behaving in several ways, against the conformance suite."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from accord.connectors.memory import (
    Behaviour,
    MemoryConnector,
    MemorySystem,
    empty_to_null,
    null_to_empty,
    rounded,
    trim,
)
from accord.connectors.paths import flat
from accord.testing import ConnectorSuite, Harness

SEEN = ("name", "number", "price", "notes")


class MemorySuite(ConnectorSuite):
    """What all of them share."""

    behaviour = Behaviour(unique=(("number",),))
    keeps: dict[str, Any] = {}

    @contextmanager
    def make(self) -> Iterator[Harness]:
        store = MemorySystem({"task": self.behaviour})
        yield Harness(
            connector=MemoryConnector(store.system("pm"), store),
            datatype="task",
            text="name",
            unmapped="notes",
            decimal="price",
            unique="number",
            insert=lambda natives: str(store.insert("task", natives)),
            edit=lambda id, natives: store.edit("task", id, natives),
            delete=lambda id: store.delete("task", id),
            get=lambda id: flat(store.get("task", id), SEEN) if store.get("task", id) else None,
            **self.keeps,
        )


class TestWithVersions(MemorySuite):
    """Versions that count up, times cut to the second, creates one by one."""


class TestWithKeysAndBatches(MemorySuite):
    """Our own key, idempotent creates in batches, ids as text, small pages by id."""

    behaviour = Behaviour(
        ids="T-{:04d}",
        key_property="sync_key",
        idempotent=True,
        batch=3,
        ordered=True,
        page_size=4,
        find=("name",),
        unique=(("number",),),
        version_check="where",
    )


class TestWithNothing(MemorySuite):
    """No version, no times, no search: read, compare, write."""

    behaviour = Behaviour(
        version=None, modified=None, version_check=None, changed_since=None, page_size=10, unique=(("number",),)
    )


class TestWithBinAndHabits(MemorySuite):
    """Soft deletes, exclusive times, rounding, and no null."""

    behaviour = Behaviour(
        soft_delete="deleted",
        changed_since="exclusive",
        normalise={"name": (trim, null_to_empty), "price": (rounded(2),)},
        unique=(("number",),),
    )
    keeps = {"soft": True, "keeps_null": False}


class TestWithoutEmptyText(MemorySuite):
    """Empty text becomes null."""

    behaviour = Behaviour(normalise={"name": (empty_to_null,)}, resolution=0, unique=(("number",),))
    keeps = {"keeps_empty": False}


def test_floats_that_a_person_types_are_decimals() -> None:
    """Binary floats never carry money."""
    store = MemorySystem({"task": Behaviour()})
    id = store.insert("task", {"price": 0.1})
    assert (store.get("task", id) or {})["price"] == Decimal("0.1")
