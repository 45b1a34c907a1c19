"""Whether the calls of a `jsonrpc` system hold the placeholders that they need, and no others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from accord.config.meaning import Datatype
from accord.config.problems import Problems
from accord.config.rpc_schema import PLACE
from accord.config.tree import Where

READ = ("fields", "names")
ALLOWED = {
    "list": (*READ, "offset", "limit", "page", "after", "cursor"),
    "get": ("id", *READ),
    "create": ("record", "token", *READ),
    "update": ("id", "record", "version", *READ),
    "delete": ("id", "version"),
    "find": ("property", "value", *READ),
}
"""What each call may hold, besides variables and what a login gives."""
NEEDED = {"get": ("id",), "create": ("record",), "update": ("id", "record"), "delete": ("id",), "find": ("value",)}
PAGES = {"offset": "offset", "page_number": "page", "after": "after", "cursor": "cursor"}
LOGIN = ("username", "password", "session")


def placeholders(template: Any) -> Iterator[str]:
    """The names in a template, each as often as it stands there."""
    if isinstance(template, str):
        yield from (match[1] for match in PLACE.finditer(template))
    elif isinstance(template, Mapping):
        for key, value in template.items():
            yield from placeholders(key)
            yield from placeholders(value)
    elif isinstance(template, list):
        for item in template:
            yield from placeholders(item)


def check_rpc(options: Mapping[str, Any], datatypes: Mapping[str, Datatype], where: Where, problems: Problems) -> None:
    """Note what is wrong with the templates of a system."""
    login = options["auth"] if options["auth"]["type"] == "login" else None
    shared = [*options["variables"], *(LOGIN if login else ())]
    if login:
        _named((*where, "auth"), [login["params"], login["value"]], shared, problems)
    for name, datatype in datatypes.items():
        _check_datatype(datatype, shared, (*where, "datatypes", name), problems)
        if options["protocol"] == "xml-rpc":
            _check_positions(datatype, (*where, "datatypes", name), problems)


def _check_datatype(datatype: Datatype, shared: list[str], where: Where, problems: Problems) -> None:
    for key, allowed in ALLOWED.items():
        call = datatype.options.get(key)
        if call is None:
            continue
        each = list(call.get("each", ()))
        place = (*where, key)
        _named(place, [call["method"], call["params"]], [*allowed, *shared, *each], problems)
        for needed in NEEDED.get(key, ()):
            if not (needed == "record" and call["spread"]):
                _holds(call["params"], needed, (*place, "params"), problems)
        if call.get("spread") and not isinstance(call["params"], dict):
            problems.add((*place, "params"), "`spread` needs parameters by name", allowed="a mapping")
    _check_listing(datatype, [*ALLOWED["list"], *shared], (*where, "list"), problems)
    if datatype.version is not None:
        for key in ("update", "delete"):
            if key in datatype.options:
                _holds(datatype.options[key]["params"], "version", (*where, key, "params"), problems)


def _check_listing(datatype: Datatype, allowed: list[str], where: Where, problems: Problems) -> None:
    listing = datatype.options["list"]
    pages, changes, each = listing.get("paginator"), listing.get("changed_since"), listing.get("each", {})
    if each and pages:
        problems.add((*where, "each"), "a listing with `each` is not read in pages", hint="remove `paginator`")
    if pages:
        for params in (listing["params"], *([changes["params"]] if changes else ())):
            _holds(params, PAGES[pages["type"]], (*where, "params"), problems)
    if changes:
        _named((*where, "changed_since"), changes["params"], [*allowed, *each, "since"], problems)
        _holds(changes["params"], "since", (*where, "changed_since", "params"), problems)
        if datatype.modified is None:
            problems.add((*where, "changed_since"), "it needs the time of each record", hint="add `modified: PATH`")


def _check_positions(datatype: Datatype, where: Where, problems: Problems) -> None:
    for key in ALLOWED:
        params = datatype.options.get(key, {}).get("params", [])
        if isinstance(params, dict):
            problems.add((*where, key, "params"), "XML-RPC has no parameters by name", allowed="a list")


def _named(where: Where, template: Any, allowed: list[str], problems: Problems) -> None:
    for name in dict.fromkeys(placeholders(template)):
        if name not in allowed:
            problems.unknown(where, "the placeholder", name, allowed)


def _holds(params: Any, name: str, where: Where, problems: Problems) -> None:
    if name not in placeholders(params):
        problems.add(
            where, f"the parameters do not hold {{{name}}}", hint=f'write "{{{name}}}" where the method takes it'
        )
