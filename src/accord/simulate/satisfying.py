"""Properties that make the filter of a side true, where that can be found out by trying."""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random
from typing import Any

from accord.core.mapping import SideMap
from accord.errors import AccordError
from accord.model import ABSENT
from accord.values.expressions import Expression

TRIES = 60
LITERAL = re.compile(r"([\w.]+)\s*(==|!=|>=|<=|>|<)\s*('[^']*'|\"[^\"]*\"|-?\d+(?:\.\d+)?|true|false|null)")


def satisfied(side: SideMap, random: Random) -> dict[str, Any]:
    """Path → value, with which `where` and `when` are true; empty where there is nothing to fulfil, or no way found."""
    text = " && ".join(filter(None, (side.side.where, side.side.when)))
    if not text:
        return {}
    for _ in range(TRIES):
        found = {
            path: value
            for path, op, literal in LITERAL.findall(text)
            if (value := _satisfying(op, literal, random)) is not ABSENT
        }
        trial: dict[str, Any] = {**dict(side.side.defaults), **found}
        flat = {path: trial.get(path) for path in side.needed_paths()}
        try:
            if all(expression is None or expression.test(flat) for expression in (side.where, side.when)):
                return found
        except AccordError:
            continue
    return {}


def turning(condition: Expression, record: Mapping[str, Any], random: Random) -> dict[str, Any]:
    """Path → value with which the condition of a row becomes what it is not; empty where no way is found."""
    now = _is_true(condition, record)
    for _ in range(TRIES):
        found = {
            path: value
            for path, op, literal in LITERAL.findall(condition.text)
            if (value := _satisfying(op, literal, random) if random.random() < 0.5 else _other(literal)) is not ABSENT
        }
        if _is_true(condition, {**record, **found}) is not now:
            return found
    return {}


def _is_true(condition: Expression, record: Mapping[str, Any]) -> bool:
    try:
        return condition.test(record)
    except AccordError:
        return False


def _other(literal: str) -> Any:
    """A value of the same kind."""
    value = _literal(literal)
    return not value if isinstance(value, bool) else "elsewhere" if isinstance(value, str) else 0


def _literal(text: str) -> Any:
    words: dict[str, Any] = {"true": True, "false": False, "null": None}
    if text in words:
        return words[text]
    if text[0] in "'\"":
        return text[1:-1]
    return float(text) if "." in text else int(text)


def _satisfying(op: str, literal: str, random: Random) -> Any:
    """A value that makes a comparison true."""
    value = _literal(literal)
    if op in ("==", ">=", "<="):
        return value
    if op == "!=":
        return not value if isinstance(value, bool) else f"not {value}" if isinstance(value, str) else "something"
    step = random.choice([1, 2, 5]) * (1 if op == ">" else -1)
    return value + step if isinstance(value, int | float) else ABSENT
