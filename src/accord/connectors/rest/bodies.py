"""Bodies of writes: flat paths become nested JSON; whole records are changed without touching the rest."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

import msgspec

from accord.connectors.paths import item_to_write, parted
from accord.connectors.rest.answers import steps
from accord.model import Natives

encode = msgspec.json.Encoder(decimal_format="number").encode


def nested(natives: Natives) -> dict[str, Any]:
    """`{"a.b": 1}` is `{"a": {"b": 1}}`; `lines[].sku` of a list becomes one object for each,
    `fields[id=2].value` one with that key.
    """
    body: dict[str, Any] = {}
    for path, value in natives.items():
        put(body, path, value)
    return body


def put(body: dict[str, Any], path: str, value: Any) -> None:
    """Set the value at a path, in place; what lies beside it stays."""
    way = steps(path)
    for i, step in enumerate(way):
        name, selector = parted(step)
        if selector:
            items = body[name] = old if isinstance(old := body.get(name), list) else []
            put(item_to_write(items, selector), ".".join(way[i + 1 :]), value)
            return
        if selector is not None:
            _put_list(body, name, way[i + 1 :], value)
            return
        if i == len(way) - 1:
            body[step] = value
            return
        inner = body.get(step)
        if not isinstance(inner, dict):
            inner = body[step] = {}
        body = inner


def _put_list(body: dict[str, Any], name: str, rest: list[str], value: Any) -> None:
    if not rest or not isinstance(value, list):
        body[name] = value
        return
    old = body.get(name)
    items = old if isinstance(old, list) else []
    items = [item if isinstance(item, dict) else {} for item in items[: len(value)]]
    items += [{} for _ in range(len(value) - len(items))]
    for item, part in zip(items, value, strict=True):
        put(item, ".".join(rest), part)
    body[name] = items


def changed(whole: dict[str, Any], patch: Natives, without: Iterable[str]) -> dict[str, Any]:
    """A whole record with some properties changed and those taken out that the system does not let us write."""
    body = deepcopy(whole)
    for path in without:
        _remove(body, path)
    for path, value in patch.items():
        put(body, path, value)
    return body


def _remove(body: Any, path: str) -> None:
    way = steps(path)
    for step in way[:-1]:
        body = body.get(step) if isinstance(body, dict) else None
    if isinstance(body, dict):
        body.pop(way[-1], None)


def wrapped(body: Any, key: str | None) -> Any:
    """A body inside the key that the system expects around it."""
    return {key: body} if key else body
