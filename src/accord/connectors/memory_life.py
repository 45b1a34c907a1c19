"""What becomes of records of a system in memory, apart from being edited: merged, copied, restored, given another id.

These are things that people and administrators do; rules and faults do not stand in their way.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from accord.connectors.memory_system import Data, MemorySystem
from accord.connectors.paths import get_path, set_path
from accord.model import ABSENT

EMPTY = (ABSENT, None, "")


def merge_records(system: MemorySystem, datatype: str, kept: str | int, gone: str | int) -> None:
    """Two records become one. It is filled up from the other, which is gone or names what it became."""
    behaviour = system.tables[datatype].behaviour
    one, other = system.get(datatype, kept) or {}, system.get(datatype, gone) or {}
    filled = {name: value for name, value in other.items() if one.get(name) in EMPTY and value not in EMPTY}
    _point_to(system, datatype, gone, get_path(one, behaviour.id))
    if behaviour.merged_into is not None:
        system.edit(datatype, gone, {behaviour.merged_into: get_path(one, behaviour.id)})
    else:
        system.put(datatype, str(gone), None)
    system.edit(datatype, kept, filled)


def change_id(system: MemorySystem, datatype: str, old: str | int, new: str | int) -> None:
    """A record is the same and has another id from now on; what referred to it still does."""
    record = system.get(datatype, old) or {}
    set_path(record, system.tables[datatype].behaviour.id, new)
    system.put(datatype, str(old), None)
    system.put(datatype, str(new), record)
    _point_to(system, datatype, old, new)


def use_id_again(system: MemorySystem, datatype: str, id: str | int, data: Mapping[str, Any]) -> None:
    """A record is deleted, and its id is given to another thing."""
    if system.get(datatype, id) is not None:
        system.put(datatype, str(id), None)
    system.insert(datatype, data, id=id)


def restore_deleted(system: MemorySystem, datatype: str, id: str | int) -> None:
    """A record that was removed is back under its id, as it was last, version and time included."""
    system.put(datatype, str(id), deepcopy(system.tables[datatype].removed[str(id)]))


def set_back(system: MemorySystem, datatype: str, id: str | int, changes: Mapping[str, Any], seconds: float) -> None:
    """An edit by an import that brings its own, older modification time."""
    skew = system.skew
    system.skew = skew - seconds
    try:
        system.edit(datatype, id, changes)
    finally:
        system.skew = skew


def copy_record(system: MemorySystem, datatype: str, id: str | int, **changes: Any) -> str | int:
    """A person duplicates a record: the copy has everything of it, our own key and the natural key too."""
    behaviour = system.tables[datatype].behaviour
    data: Data = system.get(datatype, id) or {}
    for path in (behaviour.id, behaviour.version, behaviour.modified):
        if path is not None:
            data.pop(path, None)
    return system.insert(datatype, {**data, **changes})


def _point_to(system: MemorySystem, datatype: str, old: str | int, new: Any) -> None:
    """Every reference to one record names another one from now on."""
    for name, table in system.tables.items():
        for path, target in table.behaviour.references.items():
            for id, record in list(table.records.items()):
                if target == datatype and str(get_path(record, path)) == str(old):
                    system.edit_quietly(name, id, {path: new})
