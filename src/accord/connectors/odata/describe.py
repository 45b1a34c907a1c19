"""What `$metadata` says, in the words of the project file."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from accord.config.meaning import Datatype
from accord.connectors.odata.metadata import EdmProperty, EntitySet
from accord.errors import MendFile
from accord.ports import PropertySchema

_TYPES = {
    "Edm.String": "string",
    "Edm.Guid": "string",
    "Edm.Boolean": "boolean",
    "Edm.Date": "date",
    "Edm.DateTimeOffset": "datetime",
    "Edm.TimeOfDay": "time",
    "Edm.Duration": "duration",
    "Edm.Double": "float",
    "Edm.Single": "float",
    **dict.fromkeys(("Edm.Byte", "Edm.SByte", "Edm.Int16", "Edm.Int32", "Edm.Int64"), "integer"),
}
_TIMES = ("modifiedat", "modified", "lastmodified", "changedat", "updatedat", "lastchangedatetime", "modifiedon")


def row_type(told: EdmProperty) -> str | None:
    """The row type of project-file.md that fits a property, or None."""
    if told.values is not None:
        one: str | None = "enum"
    elif told.type == "Edm.Decimal":
        one = "decimal" if told.scale is None else f"decimal({told.scale})"
    else:
        one = _TYPES.get(told.type)
    return f"list({one})" if told.many and one else "json" if told.many else one


def schemas(told: EntitySet) -> dict[str, PropertySchema]:
    """What an entity set tells of its properties; of binary data and places, nothing."""
    found = {}
    for path, one in told.properties.items():
        kind = row_type(one)
        if kind is None:
            continue
        name = f"{path}[]" if one.many else path
        found[name] = PropertySchema(
            path=name,
            type=kind,
            required=not one.nullable and not one.read_only and not one.defaulted and not one.many,
            max_length=one.max_length if one.type == "Edm.String" else None,
            values=one.values,
            read_only=one.read_only,
            note=f"refers to {'.'.join(one.refers)}" if one.refers else None,
        )
    return found


def likely_keys(told: EntitySet) -> dict[str, Any]:
    """What a project file would say of an entity set."""
    keys: dict[str, Any] = {"set": told.name, "id": told.key[0] if told.key else "id"}
    times = [path for path, one in told.properties.items() if one.type == "Edm.DateTimeOffset"]
    modified = next((path for path in times if path.replace("_", "").lower() in _TIMES), None)
    if modified is not None:
        keys["modified"] = modified
    if told.etags:
        keys["version"] = "etag"
    return keys


def set_for(datatype: Datatype, name: str, sets: Mapping[str, EntitySet]) -> EntitySet:
    """The entity set of a datatype. Raises MendFile when there is none, or its records cannot be told by this id."""
    where = f"systems.{datatype.system}.datatypes.{datatype.name}"
    if name not in sets:
        close = get_close_matches(name, sets, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(sorted(sets)[:12])}"
        raise MendFile(f"{where}.set: the service has no entity set {name!r}", hint=hint)
    told = sets[name]
    if (fault := told.key_fault()) is not None:
        raise MendFile(f"{where}: {fault}")
    if told.key[0] != datatype.id:
        raise MendFile(f"{where}.id: the key of {name} is {told.key[0]!r}", hint=f"say `id: {told.key[0]}`")
    return told


def unknown_paths(told: EntitySet, paths: tuple[str, ...]) -> list[str]:
    """Mapped paths that the entity set does not have; what is below a list or an open type is not looked at."""
    known = set(told.properties)
    inside = {path.rpartition(".")[0] for path in known}
    return [path for path in paths if path not in known | inside and "[" not in path and path[0] != "@"]
