"""Random histories of mappings whose rows have conditions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from accord.core import merge
from accord.simulate.learn import offline_shapes
from accord.simulate.models import PROFILES
from accord.simulate.play import play

from .projects import project, row

KIND = {"pms": "kind == 'a'"}
MAPPINGS: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "a property that no row names": ([row("name"), row("city", when=KIND)], {}),
    "a flag that is mapped": ([row("name"), row("open", "boolean"), row("city", when={"erp": "open == true"})], {}),
    "both sides": ([row("name"), row("city", when={**KIND, "erp": "sort == 'b'"})], {}),
    "one way": ([row("name"), row("city", direction="pms -> erp", when="kind == 'a'")], {}),
    "itself": ([row("name"), row("hours", "integer", when={"pms": "hours != null && hours % 2 == 0"})], {}),
    "matched": ([row("name"), row("city", when=KIND)], {"link": "match-or-create", "match": [["name"]]}),
    "a group": (
        [row("name"), row("street", when=KIND), row("city", when=KIND)],
        {"groups": {"at": ["street", "city"]}},
    ),
    "propagate": ([row("name"), row("city", when={"erp": "kind == 'a'"})], {"on_delete": "propagate"}),
    "restore": ([row("name"), row("city", when={"erp": "kind == 'a'"})], {"on_delete": "restore"}),
    "required": ([row("name"), row("city", when=KIND)], {"erp": {"city": {"required": True}}}),
    "prefer": ([row("name"), row("city", when=KIND, conflict={"prefer": ["erp"]})], {}),
}


@pytest.mark.parametrize("name", MAPPINGS)
def test_rows_with_a_condition_keep_the_promises(tmp_path: Path, name: str) -> None:
    """In every profile; the check that nothing of them is written while they rest is made."""
    rows, more = MAPPINGS[name]
    mapping = project(tmp_path, rows, **more)
    shapes = offline_shapes(mapping)
    played = [play(mapping, shapes, seed=seed, profile=profile) for profile in PROFILES for seed in range(4)]
    assert [one.broken for one in played if one.broken] == []
    assert sum(one.checked.get("P11", 0) for one in played) > 50


@contextmanager
def conditions_are_forgotten() -> Iterator[None]:
    """An engine that carries everything."""
    rests = merge.rests
    merge.rests = lambda flow, row, readings: None
    try:
        yield
    finally:
        merge.rests = rests


def test_the_oracle_sees_a_row_that_is_written_while_it_rests(tmp_path: Path) -> None:
    """Else the test above would say nothing."""
    mapping = project(tmp_path, *MAPPINGS["a property that no row names"][:1])
    shapes = offline_shapes(mapping)
    with conditions_are_forgotten():
        broken = [play(mapping, shapes, seed=seed, profile="calm").failed for seed in range(5)]
    assert "P11" in broken
