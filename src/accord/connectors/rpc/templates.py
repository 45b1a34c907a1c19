"""Parameters with placeholders: `"{id}"` becomes the value itself, `"party,{id}"` a text with it inside."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from accord.config.rpc_schema import PLACE
from accord.connectors.rest.options import query_text


class NotFilled(Exception):
    """A value does not fit where a template wants it."""


def fill(template: Any, values: Mapping[str, Any]) -> Any:
    """The template with its placeholders filled in. Raises NotFilled for an id that must be a number and is none."""
    if isinstance(template, str):
        return _text(template, values)
    if isinstance(template, Mapping):
        return {str(_text(key, values)): fill(value, values) for key, value in template.items()}
    return [fill(item, values) for item in template] if isinstance(template, list | tuple) else template


def _text(template: str, values: Mapping[str, Any]) -> Any:
    whole = PLACE.fullmatch(template)
    if whole is not None:
        return _value(whole, values)
    return PLACE.sub(lambda match: _inside(_value(match, values)), template)


def _inside(value: Any) -> str:
    return "" if value is None else query_text(value)


def _value(match: re.Match[str], values: Mapping[str, Any]) -> Any:
    value = values.get(match[1])
    for step in match[2].split(".")[1:]:
        value = part_of(value, step)
    if match[3] is None or value is None:
        return value
    if match[3] == "text":
        return query_text(value)
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"-?\d{1,40}", text, re.ASCII):
        raise NotFilled(f"{match[1]} is no whole number")
    return int(text)


def part_of(value: Any, step: str) -> Any:
    """One step into an object or, by its number, into a list; None where there is nothing."""
    if isinstance(value, list):
        return value[int(step)] if step.isascii() and step.isdecimal() and int(step) < len(value) else None
    return value.get(step) if isinstance(value, Mapping) else None


def at(value: Any, path: str | None) -> Any:
    """The value at a path through objects and lists; all of it without one."""
    for step in path.split(".") if path else ():
        value = part_of(value, step)
    return value
