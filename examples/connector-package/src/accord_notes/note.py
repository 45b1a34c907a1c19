"""One note: front matter of `name: value` lines between two lines of dashes, then text."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NoReturn

from accord.model import Native, encode_natives

DASHES = "---"
_END = re.compile(r"^---(?:\n|\Z)", re.MULTILINE)
_LINE = re.compile(r"([^\s:#\"'-][^:]*?)\s*:(?:\s+(.*))?")
_PLAIN = re.compile(r"[A-Za-z][\w ,.@/+-]*(?<! )", re.ASCII)
_WORDS = ("true", "false", "null", "yes", "no", "on", "off", "NaN", "Infinity")


class BadNote(ValueError):
    """A file that is no note; the message says which line."""


@dataclass(frozen=True, slots=True)
class Note:
    """A note as it stands in its file: the lines of its front matter, and its text."""

    lines: tuple[str, ...] = ()
    body: str = ""

    @classmethod
    def read(cls, text: str) -> "Note":
        """Raises BadNote."""
        first, _, rest = text.partition("\n")
        if first == f"{DASHES}\r":
            raise BadNote("its lines end in CR LF; save it with LF alone")
        if first != DASHES:
            return cls(body=text)
        end = _END.search(rest)
        if end is None:
            raise BadNote("the front matter does not end: a line of three dashes is missing")
        return cls(lines=tuple(rest[: end.start()].split("\n")[:-1]), body=rest[end.end() :])

    def write(self) -> str:
        """The text of the file."""
        return "\n".join([DASHES, *self.lines, DASHES, self.body])

    def natives(self, body: str) -> dict[str, Native]:
        """Every property; the text is named as told. Raises BadNote."""
        found: dict[str, Native] = {}
        for number, line in enumerate(self.lines, 2):
            part = _part(line, number)
            if part is None:
                continue
            if part[1] in found or part[1] == body:
                raise BadNote(f"line {number}: {part[1]!r} stands there twice")
            found[part[1]] = _value(part[2])
        return {**found, body: self.body}

    def changed(self, patch: Mapping[str, Native], body: str) -> "Note":
        """Some properties changed; every other line stays as it is."""
        rest = {name: value for name, value in patch.items() if name != body}
        lines = []
        for number, line in enumerate(self.lines, 2):
            part = _part(line, number)
            lines.append(_line(part[1], rest.pop(part[1])) if part is not None and part[1] in rest else line)
        lines += [_line(name, value) for name, value in rest.items()]
        text = patch.get(body, self.body)
        return Note(lines=tuple(lines), body="" if text is None else str(text))


def _part(line: str, number: int) -> re.Match[str] | None:
    """Name and value of a line; None for an empty line and a comment. Raises BadNote."""
    if not line.strip() or line.startswith("#"):
        return None
    found = _LINE.fullmatch(line)
    if found is None:
        raise BadNote(f"line {number} is not `name: value`")
    return found


def _value(text: str | None) -> Native:
    if text is None or not text.strip():
        return None
    try:
        found: Native = json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    except ValueError:
        return text.strip()
    return found


def _refuse(word: str) -> NoReturn:
    """NaN and Infinity, which are no JSON, are plain text."""
    raise ValueError(word)


def _line(name: str, value: Native) -> str:
    if not _LINE.fullmatch(f"{name}: 1"):
        raise BadNote(f"{name!r} cannot be the name of a property")
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value not in _WORDS:
        return f"{name}: {value}"
    return f"{name}: {encode_natives({'': value})[4:-1].decode()}"
