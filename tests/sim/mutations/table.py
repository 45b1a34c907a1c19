"""The faults of `faults.toml`: which line of which file becomes what, and what that breaks."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """One line of Accord, made wrong."""

    name: str
    file: str
    """In `src/accord`."""
    before: str
    """The line as it is, without its indent. It is there once."""
    after: str
    breaks: str
    """What a user would see."""
    tests: tuple[str, ...] = ()
    """Tests that catch it, where the histories hardly ever come to where it shows."""


def _read() -> tuple[Mutation, ...]:
    table = tomllib.loads(Path(__file__).with_name("faults.toml").read_text("utf-8"))
    return tuple(Mutation(name=name, **{**body, "tests": tuple(body.get("tests", ()))}) for name, body in table.items())


MUTATIONS = _read()
