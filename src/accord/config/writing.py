"""Puts what was discovered into a project file, as text: the rest stays as people wrote it, comments and all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.config.tree import Where, compose, key_text
from accord.errors import ProjectFileError, UsageError
from accord.model import json_text

if TYPE_CHECKING:
    from ruamel.yaml.nodes import MappingNode, Node

Entries = Mapping[str, Mapping[str, Any]]
"""Property → what the file says of it."""
_PLAIN = re.compile(r"[A-Za-z_][\w.-]*")
_BLANK = re.compile(r"\s*(#.*)?")


def put_properties(file: Path, system: str, wanted: Mapping[str, Entries], new: Mapping[str, Any]) -> dict[str, int]:
    """Datatype → how many properties were added to it. Those that the file has stay as they are; datatypes of `new`
    (with their keys) are added. Raises UsageError where the file is written so that this cannot be done, and leaves it
    as it was.
    """
    from accord.config.load import load

    before = file.read_bytes()
    text = before.decode("utf-8-sig")
    added: dict[str, int] = {}
    for name, entries in wanted.items():
        changed, number = _put(text, (system, name), entries, new.get(name))
        if changed != text:
            text, added[name] = changed, number
    if not added:
        return {}
    try:
        file.write_bytes((b"\xef\xbb\xbf" if before.startswith(b"\xef\xbb\xbf") else b"") + text.encode("utf-8"))
        load(file, stand_ins=True)
    except (OSError, ProjectFileError) as error:
        file.write_bytes(before)
        raise UsageError(f"{file} was left as it was: with what was found it could not be read: {error}") from None
    return added


def _put(text: str, of: tuple[str, str], entries: Entries, keys: Mapping[str, Any] | None) -> tuple[str, int]:
    """The text with the properties of one datatype, and how many are new."""
    system, name = of
    datatypes = _find(text, ("systems", system, "datatypes"))
    if datatypes is None:
        raise UsageError(
            f"system {system!r} has no `datatypes` in this file that could be added to",
            hint="where it stands in an included file, or in a preset, write them by hand: leave out --write",
        )
    node = _find(text, ("systems", system, "datatypes", name))
    if node is None:
        if keys is None:
            raise UsageError(f"{system}.{name} does not stand in this file", hint="leave out --write, and copy by hand")
        body = {key: value for key, value in keys.items() if value is not None}
        body |= {"properties": entries} if entries else {}
        return _insert(text, datatypes, {name: body}), len(entries)
    properties = _find(text, ("systems", system, "datatypes", name, "properties"))
    if properties is not None:
        there = {key_text(key.value) for key, _ in properties.value}
        missing = {path: said for path, said in entries.items() if path not in there}
        return (_insert(text, properties, missing), len(missing)) if missing else (text, 0)
    return (_insert(text, node, {"properties": entries}), len(entries)) if entries else (text, 0)


def _find(text: str, where: Where) -> MappingNode | None:
    """The mapping at a place of the file, or None."""
    node: Any = compose(text)
    for part in where:
        if node is None or node.id != "mapping":
            return None
        node = next((value for key, value in node.value if key.id == "scalar" and key.value == part), None)
    return node if node is not None and node.id == "mapping" and node.value else None


def _insert(text: str, node: MappingNode, entries: Mapping[str, Any]) -> str:
    """The text with more entries at the end of a mapping, in the style of that mapping."""
    if node.flow_style:
        at = node.end_mark.index - 1
        while text[at - 1].isspace():
            at -= 1
        more = ", ".join(f"{_key(key)}: {flow_text(value)}" for key, value in entries.items())
        return text[:at] + ("" if text[at - 1] == "," else ",") + f" {more}" + text[at:]
    indent = " " * node.value[0][0].start_mark.column
    at = _end(text, node)
    lines = "".join(f"{line}\n" for key, value in entries.items() for line in _block(indent, key, value))
    return text[:at] + ("" if text[at - 1] == "\n" else "\n") + lines + text[at:]


def _end(text: str, node: Node) -> int:
    """Where a block mapping ends: after its last line that is not blank or a comment."""
    at = text.rfind("\n", 0, node.end_mark.index) + 1 if node.end_mark.index < len(text) else len(text)
    while at > 0:
        start = text.rfind("\n", 0, at - 1) + 1
        if not _BLANK.fullmatch(text[start:at].rstrip("\n")):
            break
        at = start
    return at


def _block(indent: str, key: str, value: Any) -> list[str]:
    """A property on a line of its own; `properties` and datatypes as blocks."""
    if isinstance(value, Mapping) and value and all(isinstance(item, Mapping) for item in value.values()):
        return [
            f"{indent}{_key(key)}:",
            *(f"{indent}  {_key(name)}: {flow_text(item)}" for name, item in value.items()),
        ]
    if isinstance(value, Mapping) and "properties" in value:
        lines = [line for name, item in value.items() for line in _block(f"{indent}  ", name, item)]
        return [f"{indent}{_key(key)}:", *lines]
    return [f"{indent}{_key(key)}: {flow_text(value)}"]


def _key(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else flow_text(text)


def flow_text(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(str(key))}: {flow_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow_text, value)) + "]"
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z_][\w.]*(\([\w, ]*\))?", value) and not _is_word(value):
        return value
    return json_text(value)


def _is_word(text: str) -> bool:
    """Whether YAML 1.2 (or an older reader) takes a text for something else."""
    return text.lower() in ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
