"""Which collections of records an OpenAPI document describes, and how a datatype of a project file is found in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from accord.config.openapi.calls import Operation, Spec, fits, last_placeholder, squeezed
from accord.config.openapi.listing import arrays
from accord.config.openapi.shapes import shape_of

MOST = 1000
"""Collections of one document that are looked at."""


@dataclass(frozen=True, slots=True)
class Collection:
    """A path that lists records, and the one that leads to a single one."""

    name: str
    """How a project file would call it: the last word of its path."""
    path: str
    item: str | None
    """As `/customers/{no}`; None: nothing leads to a single record."""
    listing: Operation | None
    schema: str = ""
    """What the document calls the schema of a record."""

    @property
    def words(self) -> set[str]:
        """The words of its path that it may be called by."""
        return {squeezed(self.name), stem(self.name), stem(self.path.rstrip("/").rpartition("/")[2])}


def stem(word: str) -> str:
    """`companies`, `Company` and `company` are the same word."""
    plain = squeezed(re.sub(r"\.json$", "", word))
    if plain.endswith("ies") and len(plain) > 4:
        return plain[:-3] + "y"
    if plain.endswith(("sses", "shes", "ches", "xes", "zes")):
        return plain[:-2]
    return plain[:-1] if plain.endswith("s") and not plain.endswith(("ss", "us")) and len(plain) > 3 else plain


def collections(spec: Spec) -> list[Collection]:
    """Every collection that is listed by one call and has a call for a single record, in the order of the document."""
    found: list[Collection] = []
    items = {path.rstrip("/").rpartition("/")[0]: path for path in spec.paths if last_placeholder(path)}
    for path in spec.paths[: MOST * 10]:
        base = path.rstrip("/")
        item = items.get(base) or _with_suffix(spec, path)
        if item is None or last_placeholder(path) or "{" in base or len(found) >= MOST:
            continue
        one = collection(spec, path, item)
        if one is not None:
            found.append(one)
    return _told_apart(found)


def _with_suffix(spec: Spec, path: str) -> str | None:
    """`/issues.json` and `/issues/{id}.json`."""
    head, dot, suffix = path.rpartition(".")
    if not dot or "/" in suffix:
        return None
    return next((one for one in spec.paths if re.fullmatch(rf"{re.escape(head)}/\{{[^{{}}/]+\}}\.{suffix}", one)), None)


def collection(spec: Spec, path: str, item: str | None) -> Collection | None:
    """The collection at a path, if a GET lists it and answers with a list of objects."""
    listing = spec.at(path).get("get") if path in spec.paths else None
    if listing is None or listing.gives.shape is None:
        return None
    answer = listing.gives.shape
    entries = [shape_of(answer.items)] if answer.items is not None else [entry for _, entry in arrays(answer)]
    if not any(entry.is_object for entry in entries):
        return None
    words = [part for part in path.rstrip("/").removesuffix(".json").split("/") if part and "{" not in part]
    name = re.sub(r"\W+", "_", words[-1]).strip("_") if words else "record"
    schema = next((entry.name for entry in entries if entry.name), "")
    return Collection(name or "record", path, item, listing, schema)


def _told_apart(found: Sequence[Collection]) -> list[Collection]:
    """Two that end with the same word are called by more of their path."""
    names = [one.name for one in found]
    taken: set[str] = set()
    result = []
    for one in found:
        name = one.name if names.count(one.name) == 1 else re.sub(r"\W+", "_", one.path).strip("_")
        while name in taken:
            name += "_"
        taken.add(name)
        result.append(replace(one, name=name))
    return result


def by_path(spec: Spec, written: str, listed: str | None) -> Collection | None:
    """The collection that a project file's `path` (and the path of its `list`) means; None: there is none."""
    item = next(
        (one for one in spec.paths if last_placeholder(one) and fits(written.rstrip("/"), _without_last(one))),
        _with_suffix(spec, written),
    )
    wanted = listed or written
    path = next((one for one in spec.paths if one.rstrip("/") == wanted.rstrip("/")), None)
    path = path or next((one for one in spec.paths if fits(wanted, one)), None)
    if path is None and item is None:
        return None
    listing = spec.at(path).get("get") if path is not None else None
    name = next((part for part in reversed(written.split("/")) if part and "{" not in part), "record")
    return Collection(name, path or written, item, listing)


def _without_last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[0]


def by_name(found: Iterable[Collection], name: str) -> list[Collection]:
    """The collections that a datatype's name may mean: called exactly so, else by that word, else of such records."""
    known, word = list(found), stem(name)
    exact = [one for one in known if one.name == name]
    alike = exact or [one for one in known if word in one.words]
    return alike or [one for one in known if one.schema and word == stem(one.schema)]
