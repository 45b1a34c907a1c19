"""Reads YAML into plain data, and remembers on which line everything stands.

YAML 1.2: `no` and `on` are text. Numbers with a point become Decimal, because binary floats never carry money. What
looks like a number with leading zeros (`007`) is text. `${…}` may be written without quotes, also within `{…}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from accord.errors import Problem, ProjectFileError

if TYPE_CHECKING:
    from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

Where = tuple[str | int, ...]
"""A place within a project file: keys and indexes."""

MAX_BYTES = 10_000_000
MAX_VALUES = 200_000
MAX_DEPTH = 60

_PLACEHOLDER = re.compile(r"\$\{[^}\n]*\}")
_SPECIAL = "{}[],:#&*!|>%@`?-"
_HIDE = {ord(c): chr(0xE000 + ord(c)) for c in _SPECIAL}
_SHOW = {0xE000 + ord(c): c for c in _SPECIAL}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_BASED = re.compile(r"0x[0-9a-fA-F]+|0o[0-7]+")
_DECIMAL = re.compile(r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?")
_TAGS = frozenset(("str", "int", "float", "bool", "null", "timestamp", "map", "seq", "merge", "value"))
_WORDS: Mapping[str, Any] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class Place(NamedTuple):
    """A file and a line, counted from 1."""

    file: str
    line: int


@dataclass(slots=True)
class Tree:
    """The data of one file, the place of everything in it, and what is wrong with its form."""

    data: Any
    places: dict[Where, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def spell(where: Where) -> str:
    """`flows.customer.rows[2].type`; the whole file is `(file)`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)
    return text.removeprefix(".") or "(file)"


def key_text(key: Any) -> str:
    """How a key is spelled in a path."""
    if key is None:
        return "null"
    return str(key).lower() if isinstance(key, bool) else str(key)


def read_tree(file: Path, name: str) -> Tree:
    """The tree of a file; `name` is what problems call it. Raises ProjectFileError when it is no YAML."""
    return parse_tree(_read_text(file, name), name)


def _read_text(file: Path, name: str) -> str:
    try:
        size = file.stat().st_size
        if size > MAX_BYTES:
            raise _refused(name, 1, f"the file has {size:,} bytes", allowed=f"at most {MAX_BYTES:,} bytes")
        content = file.read_bytes()
    except OSError as error:
        raise _refused(name, 1, f"cannot be read: {error.strerror or error}") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _refused(name, line, "not UTF-8 text", hint="save the file as UTF-8") from None


def compose(text: str) -> Any:
    """The composed nodes of a YAML text that is known to be good, with their places in it."""
    from ruamel.yaml import YAML

    return YAML(typ="safe", pure=True).compose(_hidden(text))


def _hidden(text: str) -> str:
    """The text with `${…}` made one word, letter for letter."""
    return _PLACEHOLDER.sub(lambda match: "$" + match.group()[1:].translate(_HIDE), text)


def parse_tree(text: str, name: str) -> Tree:
    """The tree of a YAML text. Raises ProjectFileError when it is no YAML."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    hidden = _hidden(text)
    try:
        node = YAML(typ="safe", pure=True).compose(hidden)
    except MarkedYAMLError as error:
        raise _syntax(error, name, hidden) from None
    except YAMLError as error:
        raise _refused(name, _line_of(error, text), f"not YAML: {str(error).splitlines()[0]}") from None
    except (RecursionError, ValueError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise _refused(name, 1, f"not YAML: {reason}") from None
    if node is None:
        raise _refused(name, 1, "the file is empty", hint="start with `accord: 1`, or run `accord init`")
    return _Builder(name).build(node)


def _line_of(error: Any, text: str) -> int:
    position = getattr(error, "position", None)
    return text.count("\n", 0, position) + 1 if isinstance(position, int) else 1


def _refused(name: str, line: int, message: str, *, allowed: str | None = None, hint: str | None = None) -> Exception:
    problem = Problem(file=name, line=line, path="(file)", message=message, allowed=allowed, hint=hint)
    return ProjectFileError((problem,))


def _syntax(error: Any, name: str, text: str) -> Exception:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark is not None else 1
    written = (text.splitlines() or [""])[min(line, len(text.splitlines()) or 1) - 1]
    message, hint = f"not YAML: {error.problem or error.context}".translate(_SHOW), None
    if "\t" in written[: len(written) - len(written.lstrip())] or "'\\t'" in message:
        message, hint = "a tab stands where YAML wants spaces", "indent with spaces"
    elif "single document" in str(error.context or error.problem):
        message, hint = "the file holds more than one YAML document", "remove the line `---`"
    elif "mapping values are not allowed" in message:
        hint = "put text that holds `: ` into quotes, and look at the indentation"
    return _refused(name, line, message, hint=hint)


class _Builder:
    """Turns composed nodes into data. Aliases are followed, within a limit; a loop of them is refused."""

    def __init__(self, name: str) -> None:
        self._tree = Tree(None)
        self._name = name
        self._open: set[int] = set()
        self._count = 0

    def build(self, node: Node) -> Tree:
        self._tree.data = self._value(node, ())
        return self._tree

    def _value(self, node: Node, where: Where) -> Any:
        self._count += 1
        line = node.start_mark.line + 1
        self._tree.places.setdefault(where, Place(self._name, line))
        if self._count > MAX_VALUES:
            message = f"aliases and lists make more than {MAX_VALUES:,} values"
            raise _refused(self._name, line, message, hint="write fewer aliases (`*name`)")
        if id(node) in self._open:
            return self._wrong(where, line, "an alias stands within what it names", None)
        if len(where) > MAX_DEPTH:
            return self._wrong(where, line, "nested too deeply", None)
        self._open.add(id(node))
        try:
            return self._content(node, where)
        finally:
            self._open.discard(id(node))

    def _content(self, node: Any, where: Where) -> Any:
        tag = str(node.tag)
        if tag.removeprefix("tag:yaml.org,2002:") not in _TAGS:
            return self._wrong(where, node.start_mark.line + 1, f"the tag `{tag}` is not used here", "remove it")
        if node.id == "mapping":
            return self._mapping(node, where)
        if node.id == "sequence":
            return [self._value(item, (*where, index)) for index, item in enumerate(node.value)]
        return scalar(node)

    def _mapping(self, node: MappingNode, where: Where) -> dict[Any, Any]:
        data: dict[Any, Any] = {}
        merged: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            if key_node.id == "scalar" and key_node.value == "<<" and key_node.style is None:
                self._merge(value_node, where, merged)
                continue
            key = scalar(key_node) if key_node.id == "scalar" else None
            line = key_node.start_mark.line + 1
            here = (*where, key_text(key))
            if key_node.id != "scalar":
                self._wrong(where, line, "a key must be a word", "put `${…}` and text with `{` into quotes")
                continue
            if key in data:
                self._repeated(here, line)
                continue
            self._tree.places[here] = Place(self._name, line)
            data[key] = self._value(value_node, here)
        return {**merged, **data} if merged else data

    def _repeated(self, here: Where, line: int) -> None:
        word, first = here[-1], self._tree.places.get(here)
        if first is None:  # Python takes 1 and true for the same key
            self._wrong(here, line, f"{word!r} and another key here are the same value", "put it into quotes")
        else:
            self._wrong(here, line, f"{word!r} is written twice, first in line {first.line}", "keep one of them")

    def _merge(self, node: Any, where: Where, merged: dict[Any, Any]) -> None:
        for part in node.value if node.id == "sequence" else [node]:
            value = self._value(part, where)
            if not isinstance(value, dict):
                self._wrong(where, part.start_mark.line + 1, "`<<` takes a mapping", None)
                continue
            for key, item in value.items():
                merged.setdefault(key, item)

    def _wrong(self, where: Where, line: int, message: str, hint: str | None) -> None:
        self._tree.problems.append(
            Problem(file=self._name, line=line, path=spell(where), message=message, hint=hint),
        )


def scalar(node: ScalarNode) -> Any:
    """The value of a scalar: text, int, Decimal, bool or None."""
    text = str(node.value).translate(_SHOW)
    if node.style is not None or str(node.tag).endswith(":str"):
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text) and len(text) < 40:
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    return Decimal(text) if _DECIMAL.fullmatch(text) else text
