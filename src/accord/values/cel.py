"""The only module that knows the expression engine: CEL, in C++, through `cel-expr-python`.

Imported when the first expression is compiled, for it is 15 MB. The engine runs no code of ours, reads nothing,
and stops a loop after 10,000 iterations. What it has no limit for is bounded here, by an estimate made beforehand:
how much text and how many items an expression can touch, and how large it can make them.

The engine tells syntax as a serialised protobuf message (cel/expr/syntax.proto); the few fields needed are read here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

CONTAINER = "accord"
"""Properties are declared inside this name, where they win over CEL's own `type`, `int`, `string`, …"""
LONGEST = 2_000
ITERATIONS = 10_000
"""The engine's own limit for all loops of one evaluation."""
_TYPE_NAMES = frozenset({"int", "uint", "double", "bool", "string", "bytes", "list", "map", "null_type", "type", "dyn"})
_ITEM, _PATTERN, _STATE = 15, 1_000, 10
"""What an item of a split text, a pattern and one of its states cost, in characters touched."""
_STATES = 5_000
_GROWING = frozenset({"replace", "join"})
_ERROR = re.compile(r"<input>:(-?\d+):(-?\d+): (.*)")
_REPEAT = re.compile(r"\{(\d*),?(\d*)\}")

Path = tuple[str, ...]
Program = Callable[[dict[str, Any]], Any]
"""Variables → plain value. Raises RuntimeError with the engine's message."""


@dataclass(slots=True)
class Syntax:
    """What the estimate and the caller need to know of an expression."""

    paths: set[Path] = field(default_factory=set)
    """Properties that are read."""
    tested: set[Path] = field(default_factory=set)
    """Properties that `has()` asks for."""
    calls: int = 1
    loops: int = 0
    depth: int = 0
    """How deep loops stand in loops."""
    longest: int = 1
    """Items of the longest list that is written literally."""
    literals: int = 0
    """Characters of all literals."""
    doublings: int = 0
    """Additions within loops, each of which may double a value."""
    stretch: int = 1
    """What `replace` and `join` with literal texts may multiply a value by."""
    squares: int = 0
    """Those with texts from data, each of which may square it."""
    outer: bool = False
    """Whether a loop looks at data other than its own items."""

    splits: bool = False
    """Whether a text may become a list as long as itself."""
    patterns: dict[str, int] = field(default_factory=dict)
    """Pattern → the states that it compiles to, about."""

    def room(self, budget: int) -> int | None:
        """The size of data that stays within a budget, where nothing but the size counts; else None."""
        if self.loops or self.squares or self.splits or self.patterns:
            return None
        return budget // (self.calls * self.stretch) - self.literals - 1

    def cost(self, size: int, longest: int) -> int:
        """About 3 ns each: characters touched at most, for data of a size and the length of its longest list."""
        size += self.literals + 1
        longest = max(longest, self.longest, size if self.splits else 1)
        growth = 2 ** min(self.doublings, 64)
        rounds = min(ITERATIONS, max(1, self.loops) * (longest * growth) ** min(self.depth, 9))
        largest = (size * (_ITEM if self.splits else 1)) ** (1 + min(self.squares, 9)) * self.stretch * growth
        compiling: int = sum(_PATTERN + _STATE * states for states in self.patterns.values()) * rounds
        touched: int = largest * self.calls * (rounds if self.outer else 1)
        return touched + compiling


@cache
def _engine() -> Any:
    from cel_expr_python import cel
    from cel_expr_python.ext import ext_strings

    return cel, ext_strings


def _environment(names: tuple[str, ...]) -> Any:
    cel, strings = _engine()
    variables = {f"{CONTAINER}.{name}": cel.Type.DYN for name in names}
    return cel.NewEnv(container=CONTAINER, variables=variables, extensions=[strings.ExtStrings()])


def parse(text: str) -> Syntax:
    """The syntax of an expression. Raises ValueError with position and explanation."""
    if len(text) > LONGEST:
        raise ValueError(f"an expression has at most {LONGEST} characters, this one has {len(text)}")
    try:
        parsed = _environment(()).compile(text, disable_check=True).serialize()
        return _syntax(_one(_one(parsed, 2), 2))
    except RecursionError:
        raise ValueError("the expression is nested too deeply") from None
    except Exception as error:
        if isinstance(error, ValueError):
            raise
        raise ValueError(_explained(str(error), text)) from None


def compile_program(text: str, syntax: Syntax) -> Program:
    """A checked expression, ready to run. Raises ValueError with position and explanation."""
    names = tuple(sorted({path[0] for path in syntax.paths | syntax.tested}))
    try:
        evaluate = _environment(names).compile(text).eval
    except Exception as error:
        raise ValueError(_explained(str(error), text)) from None
    error_type = _engine()[0].Type.ERROR
    _check_patterns(syntax)

    def run(variables: dict[str, Any]) -> Any:
        try:
            value = evaluate(data={f"{CONTAINER}.{name}": given for name, given in variables.items()})
        except Exception as error:
            raise RuntimeError(_bare(str(error))) from None
        plain = value.plain_value()
        if isinstance(plain, str) and value.type() == error_type:
            raise RuntimeError(_bare(plain))
        return plain

    return run


def _check_patterns(syntax: Syntax) -> None:
    """The engine finds out that a pattern is wrong only when it is used."""
    for pattern in syntax.patterns:
        found = _environment(("pattern",)).compile("''.matches(pattern)").eval(data={f"{CONTAINER}.pattern": pattern})
        if found.type() == _engine()[0].Type.ERROR:
            raise ValueError(f"the pattern {pattern!r} cannot be understood: {_bare(str(found.plain_value()))}")


def _bare(message: str) -> str:
    """A message of the engine without its status word and without our container."""
    return re.sub(r"^[A-Z_]+: | \[[A-Z_]+\]$", "", message.strip()).replace(f"{CONTAINER}.", "")


def _explained(message: str, text: str) -> str:
    match = _ERROR.search(message)
    shown = repr(text) if len(text) <= 100 else f"{text[:100]!r}…"
    if match is None:
        return f"the expression {shown} cannot be understood: {_bare(message)}"
    said = re.sub(r" ?expecting \{.*", "", match[3]).replace("'<EOF>'", "the end")
    said = said.replace(f" (in container '{CONTAINER}')", "")
    hint = next((hint for word, hint in _HINTS if re.search(word, text)), "")
    return f"the expression {shown} cannot be understood at line {match[1]}, column {match[2]}: {said}{hint}"


_HINTS = (
    (r"(?<![=!<>])=(?!=)", "; `==` compares"),
    (r"(?i)\b(and|or|not|is)\b", "; CEL writes && for and, || for or, ! for not, == null for is null"),
)


# --- the syntax tree: protobuf's wire format, see protobuf.dev/programming-guides/encoding


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Field number and value: int, or bytes."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield tag >> 3, value
            continue
        if kind == 2:
            length, at = _varint(message, at)
        else:
            length = 8 if kind == 1 else 4
        yield tag >> 3, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _one(message: bytes, number: int) -> bytes:
    return next((value for found, value in _fields(message) if found == number), b"")


def _all(message: bytes, number: int) -> list[bytes]:
    return [value for found, value in _fields(message) if found == number]


_CONST, _IDENT, _SELECT, _CALL, _LIST, _STRUCT, _LOOP = 3, 4, 5, 6, 7, 8, 9


def _kind(expr: bytes) -> tuple[int, bytes]:
    return next(((number, value) for number, value in _fields(expr) if number >= _CONST), (0, b""))


def _syntax(expr: bytes) -> Syntax:
    syntax = Syntax()
    _Walk(syntax, types_are_types=b"\x12\x04type" in expr).visit(expr, frozenset(), 0)
    return syntax


@dataclass(slots=True)
class _Walk:
    """One pass over a syntax tree, filling a `Syntax`."""

    syntax: Syntax
    types_are_types: bool
    """An expression that calls `type()` means CEL's types by `int`, `string`, …; others mean properties."""

    def visit(self, expr: bytes, bound: frozenset[str], depth: int) -> None:
        """`bound`: the loop variables in sight; `depth`: the loops around."""
        kind, body = _kind(expr)
        path = self._path(expr, bound)
        if path is not None:
            self._found(self.syntax.tested if kind == _SELECT and _one(body, 3) else self.syntax.paths, path, depth)
        elif kind == _CONST:
            self.syntax.literals += len(body)
        elif kind == _SELECT:
            self.visit(_one(body, 1), bound, depth)
        elif kind == _CALL:
            self._call(body, bound, depth)
        elif kind == _LIST:
            items = _all(body, 1)
            self.syntax.longest = max(self.syntax.longest, len(items))
            self._visit_all(items, bound, depth)
        elif kind == _STRUCT:
            entries = _all(body, 2)
            self._visit_all(
                [part for entry in entries for part in (_one(entry, 3), _one(entry, 4)) if part], bound, depth
            )
        elif kind == _LOOP:
            self._loop(body, bound, depth)

    def _visit_all(self, parts: list[bytes], bound: frozenset[str], depth: int) -> None:
        for part in parts:
            self.visit(part, bound, depth)

    def _found(self, into: set[Path], path: Path, depth: int) -> None:
        if self.types_are_types and path[0] in _TYPE_NAMES:
            return
        into.add(path)
        self.syntax.outer = self.syntax.outer or depth > 0

    def _path(self, expr: bytes, bound: frozenset[str]) -> Path | None:
        """`a.b`, `a['b']`, starting at no loop variable; else None."""
        kind, body = _kind(expr)
        if kind == _IDENT:
            name = _one(body, 1).decode()
            return None if name in bound else (name,)
        if kind == _SELECT:
            inner = self._path(_one(body, 1), bound)
            return None if inner is None else (*inner, _one(body, 2).decode())
        arguments = _all(body, 3) if kind == _CALL and _one(body, 2) == b"_[_]" else []
        key = _literal(arguments[1]) if len(arguments) == 2 else None
        inner = self._path(arguments[0], bound) if key is not None else None
        return None if inner is None or key is None else (*inner, key)

    def _call(self, body: bytes, bound: frozenset[str], depth: int) -> None:
        function, target, arguments = _one(body, 2).decode(), _all(body, 1), _all(body, 3)
        self.syntax.calls += 1
        self.syntax.doublings += function == "_+_" and depth > 0 and not _accumulates(arguments[0])
        if function == "matches":
            self._pattern(_literal(arguments[-1]) if arguments else None)
        elif function in _GROWING:
            self._grows(arguments)
        elif function == "split":
            self.syntax.splits = True
        elif function == "format":
            raise ValueError("`format` is not available in expressions; add texts with +")
        self._visit_all([*target, *arguments], bound, depth)

    def _pattern(self, pattern: str | None) -> None:
        """RE2 runs in linear time, but compiles `(x{1,100}){1,100}` into ten thousand states, at every iteration."""
        if pattern is None:
            raise ValueError("the pattern of `matches` must be written literally, as in name.matches('^A-[0-9]+$')")
        states = len(pattern)
        for low, high in _REPEAT.findall(pattern):
            states *= max(1, int(low or 1), int(high or 1))
        if states > _STATES:
            raise ValueError(f"the pattern {pattern!r} repeats too much; write + or * for large counts")
        self.syntax.patterns[pattern] = states

    def _grows(self, arguments: list[bytes]) -> None:
        texts = [_literal(argument) for argument in arguments]
        if any(text is None for text in texts):
            self.syntax.squares += 1
        self.syntax.stretch *= 1 + len(texts[-1] or "") if texts else 1

    def _loop(self, body: bytes, bound: frozenset[str], depth: int) -> None:
        names = {_one(body, number).decode() for number in (1, 3, 8)}
        inside = bound | names
        self.syntax.loops += 1
        self.syntax.depth = max(self.syntax.depth, depth + 1)
        self.visit(_one(body, 2), bound, depth)
        self._visit_all([_one(body, number) for number in (4, 5, 6, 7)], inside, depth + 1)


def _accumulates(expr: bytes) -> bool:
    """Whether it is the hidden variable in which a macro collects its result."""
    kind, body = _kind(expr)
    return kind == _IDENT and _one(body, 1).startswith(b"@")


def _literal(expr: bytes) -> str | None:
    """The text of a text literal, else None."""
    kind, body = _kind(expr)
    texts = _all(body, 6) if kind == _CONST else []
    return texts[0].decode() if texts else None
