"""Everything that a document describes, also what the project file does not name: for `discover` and `init`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from accord.config.meaning import Datatype, System
from accord.config.openapi.asking import Ask
from accord.config.openapi.calls import Spec, squeezed
from accord.config.openapi.collections import collections, stem
from accord.config.openapi.deriving import derived
from accord.config.openapi.documents import Unusable
from accord.config.problems import Problems

_ID_WORDS = ("id", "no", "number", "nr", "key", "uuid", "ref", "code")


@dataclass(frozen=True, slots=True)
class Described:
    """One collection of a document."""

    name: str
    path: str
    keys: Mapping[str, Any]
    asks: tuple[Ask, ...]
    """What a project file would still have to say."""


def described(file: Path) -> list[Described]:
    """Every collection of a document, also those that cannot be derived whole. Raises Unusable."""
    spec = Spec(file)
    found = []
    for one in collections(spec):
        try:
            told = derived(spec, one, one.path)
        except Unusable:
            continue  # the others are none the worse for it
        found.append(Described(one.name, one.path, told.keys, tuple(told.asks)))
    return found


def with_every_collection(system: System) -> System:
    """A system of `connector: openapi` with the datatypes that its file does not name. Raises Unusable."""
    from accord.config.resolve_systems import datatype_of

    there = {_path(datatype) for datatype in system.datatypes.values()}
    problems = Problems({}, {}, "")
    more = {}
    for one in described(Path(system.options["spec"])):
        if one.asks or one.path.rstrip("/") in there or one.name in system.datatypes:
            continue
        datatype = datatype_of(system.name, one.name, one.keys, problems)
        if datatype is not None:
            more[one.name] = datatype
    return replace(system, datatypes={**system.datatypes, **more})


def _path(datatype: Datatype) -> str:
    listing = datatype.options.get("list") or {}
    return str(listing.get("path") or datatype.options.get("path") or "").rstrip("/")


def refers_to(path: str, own: str, known: Iterable[tuple[str, str]]) -> str | None:
    """The datatype that a property names a record of, by its name: `customer_id`, `customer.id`, `customer_no`.

    `known` has the name and the id of each datatype; `parent_id` refers to its own.
    """
    datatypes = list(known)
    head, _, last = path.rpartition(".")
    if "[]" in path:
        return None
    for name, id in datatypes:
        if last == id and squeezed(id) not in _ID_WORDS and name != own:
            return name
    words = _words(last if last.lower() not in _ID_WORDS else head.rpartition(".")[2])
    if last.lower() not in _ID_WORDS:
        if len(words) < 2 or words[-1] not in _ID_WORDS:
            return None
        words = words[:-1]
    if words == ["parent"]:
        return own
    for name, _ in datatypes:
        for tail in ("".join(words), words[-1] if words else ""):
            if tail and stem(tail) == stem(name):
                return name
    return None


def _words(name: str) -> list[str]:
    """`billingCustomer_id` → billing, customer, id."""
    found: list[str] = []
    for part in name.replace("-", "_").split("_"):
        word = ""
        for letter in part:
            if letter.isupper() and word and not word[-1].isupper():
                found.append(word.lower())
                word = ""
            word += letter
        found += [word.lower()] if word else []
    return found
