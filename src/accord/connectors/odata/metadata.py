"""What a service tells of itself: its `$metadata`, read into frozen values.

Source: OData Common Schema Definition Language (CSDL) XML 4.01. The document comes from the system and is hostile data:
`defusedxml` reads it, which refuses entities, and the client has bounded its size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

DEEPEST = 8
"""How far complex types inside complex types, and types derived from types, are followed."""
_KEYS = {"Edm.String", "Edm.Guid", "Edm.Byte", "Edm.SByte", "Edm.Int16", "Edm.Int32", "Edm.Int64"}


class NoMetadata(Exception):
    """A document that is no `$metadata` of OData 4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdmProperty:
    """One property of an entity type; one inside a complex type has the path `Address.City`."""

    path: str
    type: str
    """Of one value: `Edm.Decimal`, or the full name of an enumeration."""
    many: bool = False
    nullable: bool = True
    max_length: int | None = None
    scale: int | None = None
    """Of a decimal. Left out it would be 0 by the specification; services that leave it out were seen to keep more."""
    values: tuple[str, ...] | None = None
    read_only: bool = False
    defaulted: bool = False
    """The service fills it in when it is left out."""
    refers: tuple[str, str] | None = None
    """The entity set, and its property, that this foreign key names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntitySet:
    """One entity set, with all properties of its type."""

    name: str
    key: tuple[str, ...]
    properties: Mapping[str, EdmProperty]
    etags: bool = False
    """Whether the service says that it checks ETags (`Core.OptimisticConcurrency`)."""

    def key_fault(self) -> str | None:
        """Why its records cannot be told by one id, or None."""
        if len(self.key) != 1:
            named = ", ".join(self.key) or "none"
            return f"a key of one property is needed, and that of {self.name} is: {named}"
        kind = self.properties[self.key[0]].type if self.key[0] in self.properties else "unknown"
        if kind not in _KEYS:
            return f"the key {self.key[0]} of {self.name} has the type {kind}; text, whole numbers and GUIDs are taken"
        return None


@dataclass
class _Document:
    """The elements of all schemas, by full name."""

    types: dict[str, Any] = field(default_factory=dict)
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    definitions: dict[str, Any] = field(default_factory=dict)
    sets: list[tuple[str, Any]] = field(default_factory=list)
    notes: dict[str, dict[str, Any]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)

    def full(self, name: str) -> str:
        """A name with its namespace where an alias stands for it."""
        head, dot, last = name.rpartition(".")
        return f"{self.aliases.get(head, head)}{dot}{last}"


def read_metadata(body: bytes) -> dict[str, EntitySet]:
    """Name → entity set. Raises NoMetadata."""
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise NoMetadata(f"no $metadata: {type(error).__name__}") from None
    if _local(root) != "Edmx":
        raise NoMetadata("no $metadata: the document is no Edmx")
    if not str(root.get("Version", "")).startswith("4."):
        raise NoMetadata(f"OData {root.get('Version') or 'without version'}; version 4 is needed")
    document = _collected(root)
    return {element.get("Name", ""): _entity_set(document, where, element) for where, element in document.sets}


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _children(element: Any, name: str) -> Iterator[Any]:
    return (child for child in element if _local(child) == name)


def _collected(root: Any) -> _Document:
    document = _Document()
    schemas = [element for element in root.iter() if _local(element) == "Schema"]
    for schema in schemas:
        if schema.get("Alias"):
            document.aliases[schema.get("Alias")] = schema.get("Namespace", "")
    for schema in schemas:
        _collect(document, schema, schema.get("Namespace", ""))
    return document


def _collect(document: _Document, schema: Any, namespace: str) -> None:
    for element in schema:
        kind, name = _local(element), f"{namespace}.{element.get('Name', '')}"
        if kind in ("EntityType", "ComplexType"):
            document.types[name] = element
        elif kind == "EnumType":
            document.enums[name] = tuple(str(member.get("Name")) for member in _children(element, "Member"))
        elif kind == "TypeDefinition":
            document.definitions[name] = element
        elif kind == "EntityContainer":
            document.sets += [(name, one) for one in _children(element, "EntitySet")]
        elif kind == "Annotations":
            target, _, path = element.get("Target", "").partition("/")
            place = f"{document.full(target)}/{path}" if path else document.full(target)
            document.notes.setdefault(place, {}).update(_notes(element))


def _notes(element: Any) -> dict[str, Any]:
    """The annotations of an element, by the last part of their term: `Computed`, `AllowedValues`, …"""
    return {str(note.get("Term", "")).rpartition(".")[2]: note for note in _children(element, "Annotation")}


def _entity_set(document: _Document, container: str, element: Any) -> EntitySet:
    name, kind = element.get("Name", ""), document.full(element.get("EntityType", ""))
    line = _line_of(document, kind)
    targets = {b.get("Path"): b.get("Target", "") for b in _children(element, "NavigationPropertyBinding")}
    keys = [
        ref.get("Name", "") for one in line for key in _children(one, "Key") for ref in _children(key, "PropertyRef")
    ]
    properties = {found.path: found for found in _properties(document, kind, "", 0)}
    for path, refers in _references(line, targets):
        if path in properties:
            old = properties[path]
            properties[path] = EdmProperty(**{n: getattr(old, n) for n in old.__slots__} | {"refers": refers})
    notes = {**_notes(element), **document.notes.get(f"{container}/{name}", {})}
    etags = "OptimisticConcurrency" in notes or "OptimisticConcurrency" in document.notes.get(kind, {})
    return EntitySet(name=name, key=tuple(keys), properties=properties, etags=etags)


def _line_of(document: _Document, kind: str) -> list[Any]:
    """The elements of a type and of those that it is derived from, the oldest first."""
    line: list[Any] = []
    while kind in document.types and len(line) < DEEPEST:
        line.insert(0, document.types[kind])
        kind = document.full(line[0].get("BaseType", ""))
    return line


def _references(line: list[Any], targets: Mapping[Any, str]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Foreign key → (entity set, its property), of navigation properties that say so."""
    for one in line:
        for navigation in _children(one, "NavigationProperty"):
            target = targets.get(navigation.get("Name"), "").rpartition("/")[2]
            for constraint in _children(navigation, "ReferentialConstraint"):
                if target:
                    yield constraint.get("Property", ""), (target, constraint.get("ReferencedProperty", ""))


def _properties(document: _Document, kind: str, before: str, depth: int) -> Iterator[EdmProperty]:
    name = kind
    for one in _line_of(document, kind):
        owner = next((full for full, element in document.types.items() if element is one), name)
        for element in _children(one, "Property"):
            notes = {**_notes(element), **document.notes.get(f"{owner}/{element.get('Name')}", {})}
            inner, many = _inner(document, element.get("Type", ""))
            path = before + element.get("Name", "")
            if inner in document.types and not many and depth < DEEPEST:
                yield from _properties(document, inner, f"{path}.", depth + 1)
            else:
                yield _property(document, element, path, inner, many, notes)


def _inner(document: _Document, name: str) -> tuple[str, bool]:
    many = name.startswith("Collection(") and name.endswith(")")
    return document.full(name[11:-1] if many else name), many


def _property(
    document: _Document, element: Any, path: str, kind: str, many: bool, notes: Mapping[str, Any]
) -> EdmProperty:
    facets = dict(element.attrib)
    if kind in document.definitions:
        facets = {**document.definitions[kind].attrib, **facets}
        kind = document.full(document.definitions[kind].get("UnderlyingType", ""))
    return EdmProperty(
        path=path,
        type=kind,
        many=many,
        nullable=facets.get("Nullable") != "false",
        max_length=_number(facets.get("MaxLength")),
        scale=_number(facets.get("Scale")) if kind == "Edm.Decimal" else None,
        values=document.enums.get(kind) or _allowed(notes.get("AllowedValues")),
        read_only=_said(notes.get("Computed")) or _reads_only(notes.get("Permissions")),
        defaulted="DefaultValue" in facets or _said(notes.get("ComputedDefaultValue")),
    )


def _number(text: str | None) -> int | None:
    """A facet; None for `max` and `variable`."""
    return int(text) if text is not None and text.isascii() and text.isdecimal() else None


def _said(note: Any) -> bool:
    """Whether a tagging annotation is there, and not false."""
    return note is not None and note.get("Bool", "true") != "false"


def _reads_only(note: Any) -> bool:
    if note is None:
        return False
    told = note.get("EnumMember") or "".join(child.text or "" for child in _children(note, "EnumMember"))
    return str(told).rpartition("/")[2] == "Read"


def _allowed(note: Any) -> tuple[str, ...] | None:
    """The values of `Validation.AllowedValues`."""
    if note is None:
        return None
    found = [
        one.get("String") for one in note.iter() if _local(one) == "PropertyValue" and one.get("Property") == "Value"
    ]
    values = tuple(str(value) for value in found if value is not None)
    return values or None
