"""Random histories of lists of objects with a key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from accord.simulate.learn import offline_shapes
from accord.simulate.models import PROFILES
from accord.simulate.play import play

from .projects import project, row

SKU = {"pms": "sku", "erp": "item.no", "name": "sku"}
QTY = {"pms": "qty", "erp": "quantity", "type": "decimal(2)"}
NOTE = {"pms": "note", "erp": "text"}


def lines(type: str = "list(object)", rows: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    """The lines of an order."""
    inside = {"key": "sku", "rows": [SKU, *(rows or [QTY, NOTE])], **more.pop("items", {})}
    return row("lines", type, items=inside, **more)


MAPPINGS: dict[str, list[dict[str, Any]]] = {
    "a list": [row("name"), lines()],
    "a set": [row("name"), lines("set(object)")],
    "prefer": [row("name"), lines(conflict={"prefer": ["erp"]}, items={"on_delete": "edit_wins"})],
    "one way": [row("name"), lines(direction="pms -> erp")],
    "a condition": [row("name"), lines(when={"pms": "kind == 'a'"})],
}


@pytest.mark.parametrize("name", MAPPINGS)
def test_lists_keep_the_promises(tmp_path: Path, name: str) -> None:
    """In every profile."""
    mapping = project(tmp_path, MAPPINGS[name])
    shapes = offline_shapes(mapping)
    played = [play(mapping, shapes, seed=seed, profile=profile) for profile in PROFILES for seed in range(4)]
    assert [one.broken for one in played if one.broken] == []
    assert sum(one.checked.get("P1", 0) for one in played) > 50
