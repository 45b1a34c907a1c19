"""Reads a project file and what it includes into one tree of data, every value with its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accord.config.interpolate import Interpolation, Missing
from accord.config.tree import Place, Tree, Where, key_text, read_tree, spell
from accord.errors import Problem, ProjectFileError

_MERGED = ("systems", "flows", "tests")
MAX_FILES = 200


@dataclass(slots=True)
class Gathered:
    """The merged data of all files, before and after `${…}` was filled in."""

    raw: Any
    data: Any
    filled: Interpolation
    places: dict[Where, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def gather(file: Path, env: Mapping[str, str]) -> Gathered:
    """Read a project file and its includes. Raises ProjectFileError when the file itself is no YAML mapping."""
    tree = read_tree(file, str(file))
    if not isinstance(tree.data, dict):
        kind = "a list" if isinstance(tree.data, list) else "text"
        said = f"a project file must be a mapping (`key: value`), and is {kind}"
        hint = "start with `accord: 1`, or run `accord init`"
        raise ProjectFileError((Problem(file=str(file), line=1, path="(file)", message=said, hint=hint),))
    filled = Interpolation(env, file.parent)
    gathered = Gathered(tree.data, filled.fill(tree.data), filled, tree.places, tree.problems)
    _note_missing(gathered, filled)
    _Includes(gathered, env, file).follow(gathered.data.get("include"), file)
    return gathered


def _note_missing(gathered: Gathered, filled: Interpolation) -> None:
    for where, missing in filled.missing:
        gathered.problems.append(_problem(gathered.places, where, missing))


def _problem(places: Mapping[Where, Place], where: Where, missing: Missing) -> Problem:
    file, line = places[where]
    return Problem(file=file, line=line, path=spell(where), message=missing.message, hint=missing.hint)


class _Includes:
    """Follows `include`, also from included files, each file once."""

    def __init__(self, into: Gathered, env: Mapping[str, str], main: Path) -> None:
        self._into, self._env = into, env
        self._seen = {main.resolve()}

    def follow(self, written: Any, within: Path) -> None:
        for index, name in enumerate(written if isinstance(written, list) else [written]):
            if not isinstance(name, str):
                continue  # its type is reported with all others
            where: Where = ("include", index) if isinstance(written, list) else ("include",)
            file = within.parent / name
            if file.resolve() in self._seen:
                continue
            self._seen.add(file.resolve())
            if len(self._seen) > MAX_FILES:
                self._wrong(where, f"more than {MAX_FILES} files are included")
                return
            self._one(file, where)

    def _one(self, file: Path, where: Where) -> None:
        if not file.is_file():
            self._wrong(where, f"the included file {file} is not there")
            return
        try:
            tree = read_tree(file, str(file))
        except ProjectFileError as error:
            self._into.problems.extend(error.problems)
            return
        if not isinstance(tree.data, dict):
            self._wrong(where, f"the included file {file} must be a mapping (`key: value`)")
            return
        filled = Interpolation(self._env, file.parent)
        data = filled.fill(tree.data)
        self._into.problems.extend(tree.problems)
        self._into.problems.extend(_problem(tree.places, place, missing) for place, missing in filled.missing)
        self._into.filled.secrets |= filled.secrets
        for key in list(data):
            self._merge(key, tree, data, filled)
        self.follow(data.get("include"), file)

    def _merge(self, key: Any, tree: Tree, data: dict[Any, Any], filled: Interpolation) -> None:
        """Take over one top-level key of an included file; systems and flows are joined by name."""
        name, into = key_text(key), self._into
        if name == "accord" and data[key] == into.data.get("accord"):
            return
        if name == "include":
            return
        if name in _MERGED and isinstance(data[key], dict) and isinstance(into.data.get(name, {}), dict):
            into.places.setdefault((name,), tree.places[(name,)])
            raw, whole = into.raw.setdefault(name, {}), into.data.setdefault(name, {})
            for inner, value in data[key].items():
                if self._take((name, key_text(inner)), tree, filled, inner in whole):
                    raw[inner], whole[inner] = tree.data[key][inner], value
        elif self._take((name,), tree, filled, key in into.data):
            into.raw[key], into.data[key] = tree.data[key], data[key]

    def _take(self, where: Where, tree: Tree, filled: Interpolation, there: bool) -> bool:
        """Take over the places within a part, unless another file has that part already."""
        if there:
            first, second = self._into.places[where], tree.places[where]
            message = f"{spell(where)} is there already: {first.file}, line {first.line}"
            self._into.problems.append(
                Problem(
                    file=second.file, line=second.line, path=spell(where), message=message, hint="keep one of them"
                ),
            )
            return False
        length = len(where)
        self._into.places.update((key, place) for key, place in tree.places.items() if key[:length] == where)
        self._into.filled.values.update((key, item) for key, item in filled.values.items() if key[:length] == where)
        return True

    def _wrong(self, where: Where, message: str) -> None:
        file, line = self._into.places.get(where, Place(str(next(iter(self._seen))), 1))
        hint = "paths are relative to the file that includes"
        self._into.problems.append(Problem(file=file, line=line, path=spell(where), message=message, hint=hint))
