"""Every path, method, parameter and property that a preset names stands in the published specification of its system.

The facts are in `facts/SYSTEM.yaml`, each with the file and commit that it was read from. A preset may use less than
the facts, never more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from accord.config.meaning import Datatype
from accord.config.resolve_systems import known_connectors
from accord.config.tree import read_tree
from accord.connectors.rest.options import Call, Listing, read_datatype

from .rounds import described

FACTS = Path(__file__).parent / "facts"
SYSTEMS = sorted(file.stem for file in FACTS.glob("*.yaml"))
GIVEN: dict[str, dict[str, Any]] = {
    "openproject": {"auth": {"password": "k"}},
    "erpnext": {"auth": {"key": "k"}, "datatypes": {"Lead": {}}},
    "jira": {"auth": {"username": "u", "password": "p"}},
    "odoo-json2": {"auth": {"token": "t"}, "datatypes": {"crm.lead": {}}},
}
"""What a project file must say besides; and a datatype that only the file names, where there may be such."""
KINDS = {
    "integer": {"integer", "link"},
    "string": {"string", "formattable", "link"},
    "text": {"string", "formattable"},
    "email": {"string"},
    "boolean": {"boolean", "bit"},
    "float": {"number"},
    "decimal": {"number"},
    "date": {"date"},
    "datetime": {"date-time"},
    "duration": {"duration"},
    "enum": {"string"},
    "json": {"object", "array"},
}
"""Which types of a specification a type of Accord may stand for."""


def facts_of(system: str) -> dict[str, Any]:
    found: dict[str, Any] = read_tree(FACTS / f"{system}.yaml", "facts").data
    return found


@pytest.fixture(params=SYSTEMS)
def system(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def facts(system: str) -> dict[str, Any]:
    return facts_of(system)


@pytest.fixture
def datatypes(system: str, tmp_path: Path) -> dict[str, Datatype]:
    said = {"connector": system, "base_url": "https://x.example", **GIVEN[system]}
    return dict(described(tmp_path, said).datatypes)


def pattern(path: str) -> re.Pattern[str]:
    """A path of a specification; a part in braces stands for any one step."""
    return re.compile(re.sub(r"\\\{[^/]*?\\\}", "[^/]+", re.escape(path)))


def call_in(facts: Mapping[str, Any], method: str, path: str) -> dict[str, Any]:
    """The facts of one call; the query that a path carries is no part of it."""
    bare = path.partition("?")[0]
    found = [one for one in facts["calls"] if one["method"] == method and pattern(one["path"]).fullmatch(bare)]
    assert found, f"{method} {bare} is in no specification"
    exact = [one for one in found if one["path"] == bare]
    call: dict[str, Any] = (exact or found)[0]
    return call


def params_of(listing: Listing, search: str | None) -> Iterator[str]:
    """Every parameter that a listing sends."""
    yield from listing.params
    yield from (part.partition("=")[0] for part in listing.path.partition("?")[2].split("&") if part)
    said = listing.paginator
    if said is not None:
        at = {"page_number": said.page_param, "offset": said.offset_param, "cursor": said.cursor_param}.get(said.kind)
        yield from (name for name in (at, said.size_param) if name)
    if listing.changed_since is not None:
        yield listing.changed_since.param
    if search is not None:
        yield search


def test_every_preset_of_a_system_that_cannot_run_here_has_facts() -> None:
    """And nothing else has."""
    assert set(SYSTEMS) == set(GIVEN)
    assert set(SYSTEMS) <= set(known_connectors())


def test_every_source_has_a_commit(facts: dict[str, Any]) -> None:
    """And every fact a source."""
    assert facts["sources"]
    for source in facts["sources"].values():
        assert source.get("repository") or facts["repository"]
        assert re.fullmatch(r"[0-9a-f]{40}", source["commit"]), source
    for one in (*facts["calls"], *facts["records"].values()):
        assert one["source"] in facts["sources"]


def test_listings_are_as_specified(facts: dict[str, Any], datatypes: dict[str, Datatype]) -> None:
    """Path, method, every parameter, where the records are, and their number."""
    for datatype in datatypes.values():
        options = read_datatype(datatype)
        listing = options.listing
        call = call_in(facts, listing.method, listing.path)
        for name in params_of(listing, options.find.param if options.find else None):
            assert name in call["params"], f"{datatype.name}: no parameter {name}"
        for name in filters_in(listing):
            assert name in call.get("filters", []), f"{datatype.name}: no filter {name}"
        answers = call.get("answers", facts.get("answers"))
        assert (listing.records, listing.total) == (answers.get("records"), answers.get("total"))
        if listing.paginator is not None and listing.paginator.kind == "cursor":
            assert listing.paginator.cursor_path == answers["cursor"]


def filters_in(listing: Listing) -> Iterator[str]:
    """The properties that a filter names: keys of objects, or the first of three in a list."""
    told = [value for value in listing.params.values() if isinstance(value, str) and value.startswith("[{")]
    asked = listing.changed_since.filter if listing.changed_since else None
    for filter in (*map(json.loads, told), asked):
        for one in filter if isinstance(filter, list) else ():
            yield from one if isinstance(one, dict) else [one[0]]


def test_other_calls_are_as_specified(facts: dict[str, Any], datatypes: dict[str, Datatype]) -> None:
    """Path, method, the parts of a body, and how a stale write is refused."""
    for datatype in datatypes.values():
        options = read_datatype(datatype)
        calls: dict[str, Call] = {name: getattr(options, name) for name in ("get", "create", "update", "delete")}
        for name, call in calls.items():
            found = call_in(facts, call.method, call.path)
            for part in call.body or ():
                assert part in found["params"], f"{datatype.name}.{name}: no parameter {part}"
            if name == "update" and datatype.version is not None:
                assert datatype.version.path == found["version"]
                assert found["stale"] in options.errors.stale
            if name == "delete" and datatype.version is not None:
                assert datatype.version.deletes == ("version" in found)


def test_properties_are_as_specified(facts: dict[str, Any], datatypes: dict[str, Datatype]) -> None:
    """There, of that type, read-only where the specification says so, and required only if it says so."""
    for datatype in datatypes.values():
        if datatype.name not in facts["records"]:
            assert not datatype.properties, f"{datatype.name} has properties without facts"
            continue
        record = facts["records"][datatype.name]
        known = record["properties"]
        for path in (datatype.id, datatype.modified, datatype.created, *datatype.natural_key):
            assert path is None or path in known, f"{datatype.name}: {path} is not specified"
        for path, stated in datatype.properties.items():
            name, kind = of_specification(path, known)
            assert stated.type is None or kind in KINDS[str(stated.type).partition("(")[0]], (
                f"{datatype.name}.{path} is {kind}"
            )
            assert stated.read_only >= (name in record["read_only"]), f"{datatype.name}.{path} is read-only"
            assert (not stated.required) or name in record["required"], f"{datatype.name}.{path} is not required"
            assert (stated.link is not None) == (kind == "link")


def of_specification(path: str, known: Mapping[str, str]) -> tuple[str, str]:
    """The name and type that a specification has for a path: `_links.project.href` is the link `_links.project`."""
    if path in known:
        return path, known[path]
    outer, _, last = path.rpartition(".")
    assert outer in known, f"{path} is not specified"
    assert known[outer] == {"href": "link", "raw": "formattable"}.get(last), f"{path} is not specified"
    return outer, known[outer]
