"""Reading and writing `a.b.c`, `tags[]`, `lines[].sku` and `fields[id=2].value` in nested JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accord.model import ABSENT, Absent, Natives


def parted(step: str) -> tuple[str, str | None]:
    """`lines[]` is `lines` and "", `fields[id=2]` is `fields` and `id=2`, `name` is `name` and None."""
    if not step.endswith("]"):
        return step, None
    name, _, inner = step[:-1].partition("[")
    return name, inner


def item_of(items: list[Any], selector: str) -> dict[str, Any] | None:
    """The first object of a list whose key has the value that a selector `id=2` names, or None."""
    key, _, wanted = selector.partition("=")
    return next((item for item in items if isinstance(item, dict) and str(item.get(key)) == wanted), None)


def item_to_write(items: list[Any], selector: str) -> dict[str, Any]:
    """The same to be changed; added to the list where it is not there. A whole number is written as one."""
    found = item_of(items, selector)
    if found is None:
        key, _, wanted = selector.partition("=")
        found = {key: int(wanted) if wanted.isdecimal() else wanted}
        items.append(found)
    return found


def get_path(data: Any, path: str) -> Any:
    """The value at a path, or ABSENT. `tags[]` is the list itself, `lines[].sku` one value per line,
    `fields[id=2].value` that of one line.
    """
    if isinstance(data, dict) and path in data:
        return data[path]
    head, _, rest = path.partition(".")
    name, selector = parted(head)
    if not isinstance(data, dict) or name not in data:
        return ABSENT
    value = data[name]
    if selector:
        value = item_of(value, selector) if isinstance(value, list) else None
        return ABSENT if value is None else get_path(value, rest) if rest else value
    if not rest:
        return value
    if selector is None:
        return get_path(value, rest)
    found = [get_path(item, rest) for item in value] if isinstance(value, list) else []
    return [None if item is ABSENT else item for item in found] if isinstance(value, list) else ABSENT


def set_path(data: dict[str, Any], path: str, value: Any) -> None:
    """Put a value at a path, making the objects on the way. Raises ValueError where something else is in the way."""
    head, _, rest = path.partition(".")
    name, selector = parted(head)
    if selector:
        items = data[name] = list(old) if isinstance(old := data.get(name), list) else []
        set_path(item_to_write(items, selector), rest, value)
    elif not rest:
        data[name] = value
    elif selector is not None:
        data[name] = _items(data.get(name), rest, value)
    else:
        inner = data.get(name)
        if inner is None:
            inner = data[name] = {}
        if not isinstance(inner, dict):
            raise ValueError(f"{path}: {name} is not an object")
        set_path(inner, rest, value)


def _items(old: Any, rest: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{rest}: a list of values is needed, one for each item")
    kept = [dict(item) for item in old] if isinstance(old, list) else []
    items = [kept[index] if index < len(kept) else {} for index in range(len(value))]
    for item, part in zip(items, value, strict=True):
        set_path(item, rest, part)
    return items


def nested(natives: Natives) -> dict[str, Any]:
    """The nested object of a flat `{path: value}`."""
    data: dict[str, Any] = {}
    for path, value in natives.items():
        set_path(data, path, value)
    return data


def differs(data: Any, expected: Natives) -> str | None:
    """The first path whose value is not as expected, or None. A property that is not sent counts as null."""
    for path, value in expected.items():
        now = get_path(data, path)
        if (None if isinstance(now, Absent) else now) != value:
            return path
    return None


def flat(data: Mapping[str, Any], paths: tuple[str, ...]) -> dict[str, Any]:
    """`{path: value}` of those paths that are there, in the order of the paths."""
    found = ((path, get_path(data, path)) for path in paths)
    return {path: value for path, value in found if value is not ABSENT}
