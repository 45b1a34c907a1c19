"""Value maps of rows: which native value of one system corresponds to which of another."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from accord.config.problems import Problems, listed
from accord.config.tree import Where, key_text


def read_map(
    written: Mapping[Any, Any],
    where: Where,
    systems: tuple[str, ...],
    sources: Collection[str],
    problems: Problems,
) -> dict[str, dict[str, Any]]:
    """System → {canonical value as text: native value}. Reading must be unambiguous wherever edits count."""
    if not written:
        return {}
    wide = [isinstance(value, dict) for value in written.values()]
    if any(wide) and not all(wide):
        problems.add(where, "some values of this map are written per system and some are not")
        return {}
    if not any(wide) and len(systems) > 2:
        hint = f"as in {{open: {{{systems[0]}: open, {systems[1]}: A}}}}"
        problems.add(where, f"with {len(systems)} systems each value of a map names its systems", hint=hint)
        return {}
    maps = _wide(written, where, systems, problems) if any(wide) else _narrow(written, where, systems, problems)
    for system, values in maps.items():
        if system in sources:
            _check_readable(system, values, where, problems)
    return maps


def _narrow(
    written: Mapping[Any, Any],
    where: Where,
    systems: tuple[str, ...],
    problems: Problems,
) -> dict[str, dict[str, Any]]:
    """`{open: A}`: from the first system, whose values are the canonical ones, to the second."""
    first: dict[str, Any] = {}
    second: dict[str, Any] = {}
    for key, value in written.items():
        text = key_text(key)
        if text in first:
            problems.add((*where, text), f"{text!r} stands in this map twice, as text and as number")
        if isinstance(value, list):
            problems.add((*where, text), "a value maps to one value, not to a list")
            continue
        first[text], second[text] = key, value
    return {systems[0]: first, systems[1]: second}


def _wide(
    written: Mapping[Any, Any],
    where: Where,
    systems: tuple[str, ...],
    problems: Problems,
) -> dict[str, dict[str, Any]]:
    """`{open: {pm: open, erp: 1}}`: from a canonical value to each system."""
    maps: dict[str, dict[str, Any]] = {}
    for key, natives in written.items():
        text = key_text(key)
        for name, native in natives.items():
            system = key_text(name)
            if system not in systems:
                problems.unknown((*where, text, system), "the system", system, systems)
            elif isinstance(native, dict | list):
                problems.add((*where, text, system), "a value maps to one value, not to a list or mapping")
            elif text in maps.setdefault(system, {}):
                problems.add((*where, text), f"{text!r} stands in this map twice, as text and as number")
            else:
                maps[system][text] = native
    return {system: maps[system] for system in systems if system in maps}


def _check_readable(system: str, values: Mapping[str, Any], where: Where, problems: Problems) -> None:
    by_native: dict[tuple[type, Any], list[str]] = {}
    for canonical, native in values.items():
        by_native.setdefault((type(native), native), []).append(canonical)
    for (_, native), canonicals in by_native.items():
        if len(canonicals) > 1:
            problems.add(
                (*where, canonicals[1]),
                f"{listed(canonicals)} all map to {key_text(native)!r} of {system}, so that it cannot be read back",
                hint="give each its own value, or make the row one-way with `direction`",
            )
