"""What an OpenAPI document says of a system, to be laid under what the project file says of it."""

from __future__ import annotations

from collections.abc import Collection as Names
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from accord.config.meaning import Derivation
from accord.config.openapi.asking import Ask, Found
from accord.config.openapi.calls import Spec
from accord.config.openapi.collections import Collection, by_name, by_path, collections
from accord.config.openapi.deriving import derived
from accord.config.openapi.documents import Unusable
from accord.config.problems import Problems, listed
from accord.config.tree import Where, key_text

SHOWN = 24
"""So many candidates are named in a message."""
Derived = dict[str, tuple[Derivation, ...]]


def from_document(
    name: str, body: Mapping[Any, Any], wanted: Names[str], problems: Problems, folder: Path
) -> tuple[dict[str, Any], Derived]:
    """The keys of a system, with the datatypes that are wanted (where none is: with all that can be derived whole), and
    where they come from. What is missing is noted as a problem of the file.
    """
    where = ("systems", name)
    empty: dict[str, Any] = {"datatypes": {one: {} for one in wanted}}
    file = _file(name, body, problems, folder)
    if file is None:
        return empty, {}
    try:
        spec = Spec(file)
        known = collections(spec)
        below: dict[str, Any] = {**_system(spec, name, body, problems), "datatypes": {}}
        sources: Derived = {}
        for one in wanted or [each.name for each in known]:
            said = _said(body, one)
            found = _one(spec, known, (where, one), said, problems if wanted else None)
            if found is None:
                below["datatypes"].update(empty["datatypes"] if one in wanted else {})
                continue
            open_asks = [ask for ask in found.asks if not _answered(ask, said, body)]
            if open_asks and not wanted:
                continue
            for ask in open_asks:
                problems.add((*where, "datatypes", one), ask.message, allowed=ask.allowed, hint=ask.hint)
            below["datatypes"][one] = found.keys
            sources[one] = tuple(_sources(found, said))
    except Unusable as error:
        problems.add((*where, "spec"), f"{file.name}: {error.message}", hint=error.hint)
        return empty, {}
    return below, sources


def _file(name: str, body: Mapping[Any, Any], problems: Problems, folder: Path) -> Path | None:
    said = body.get("spec")
    where = ("systems", name, "spec")
    if not isinstance(said, str) or not said:
        return None  # the model says so
    if "://" in said:
        hint = f"write `spec: {name}.openapi.json`; `accord discover {name} --fetch` asks the system for it once"
        problems.add(where, "a document is read from a file, and never fetched by the way", hint=hint)
        return None
    file = folder / said
    if not file.is_file():
        hint = f"put it there, or have the system asked for it: `accord discover {name} --fetch`"
        problems.add(where, f"there is no file {file}", hint=hint)
        return None
    return file


def _said(body: Mapping[Any, Any], datatype: str) -> Mapping[str, Any]:
    """What the file says of a datatype."""
    datatypes = body.get("datatypes")
    found = {key_text(key): value for key, value in datatypes.items()} if isinstance(datatypes, dict) else {}
    said = found.get(datatype)
    return said if isinstance(said, dict) else {}


def _system(spec: Spec, name: str, body: Mapping[Any, Any], problems: Problems) -> dict[str, Any]:
    """`title` and `base_url`; credentials that are needed are asked for."""
    below: dict[str, Any] = {"title": spec.title} if spec.title else {}
    server, where = spec.server(), ("systems", name)
    scheme = spec.security()
    base = body.get("base_url")
    if "auth" not in body and scheme is not None and "@" not in str(base or ""):
        problems.add(
            (*where, "auth"),
            f"{spec.file.name} says that credentials are needed ({scheme['name_of_scheme']})",
            hint=f"write {auth_hint(scheme, name)}, or `auth: none`",
        )
    if base is None:
        is_whole = server.startswith(("https://", "http://"))
        has_secret = body.get("auth") not in (None, "none", {"type": "none"})
        if is_whole and not has_secret:
            return {**below, "base_url": server}
        said = f"so {spec.file.name} says" if is_whole else "with the host of the system"
        why = "credentials are not sent where only a document says" if is_whole else "the document gives no address"
        hint = f"write `base_url: {server if is_whole else 'https://HOST' + server}`, {said}"
        problems.add((*where, "base_url"), f"the key 'base_url' is missing: {why}", hint=hint)
    return below


def auth_hint(scheme: Mapping[str, Any], name: str) -> str:
    """How a project file would say what a security scheme asks for."""
    kind, variable = str(scheme.get("type", "")).lower(), name.upper().replace("-", "_").replace(".", "_")
    how = str(scheme.get("scheme", "")).lower()
    if kind == "apikey" and scheme.get("in") in ("header", "query"):
        return f"`auth: {{type: api_key, {scheme['in']}: {scheme.get('name')}, key: ${{{variable}_KEY}}}}`"
    if kind == "basic" or how == "basic":
        return f"`auth: {{type: basic, username: …, password: ${{{variable}_PASSWORD}}}}`"
    if kind == "oauth2":
        flows = scheme.get("flows") or {}
        if "deviceAuthorization" in flows:
            return "`auth: {type: oauth2_device, device_url: …, token_url: …, client_id: …, keep: token.json}`"
        flow = "oauth2_client_credentials" if "clientCredentials" in flows else "oauth2_refresh"
        return f"`auth: {{type: {flow}, token_url: …, client_id: …}}`"
    return f"`auth: {{type: bearer, token: ${{{variable}_TOKEN}}}}`"


def _one(
    spec: Spec, known: list[Collection], where: tuple[Where, str], said: Mapping[str, Any], problems: Problems | None
) -> Found | None:
    """What is derived for one datatype; None where the document does not have it."""
    system, name = where
    listing = said.get("list")
    listed_at = listing.get("path") if isinstance(listing, dict) else None
    path = said.get("path") or listed_at
    records = listing.get("records") if isinstance(listing, dict) else None
    records = records if isinstance(records, str) else None
    if isinstance(path, str):
        at = by_path(spec, path, listed_at if isinstance(listed_at, str) else None)
        if at is None and problems is not None:
            near = get_close_matches(path, [one.path for one in known], n=1)
            more = f"; did you mean {near[0]!r}?" if near else ""
            problems.caution(
                (*system, "datatypes", name), f"{spec.file.name} does not have {path}: nothing is derived{more}"
            )
        return derived(spec, at, path, records) if at is not None else None
    found = by_name(known, name)
    if len(found) == 1:
        return derived(spec, found[0], found[0].path, records)
    if problems is not None:
        _not_one(spec, found or known, (*system, "datatypes", name), name, problems, several=bool(found))
    return None


def _not_one(
    spec: Spec, offers: list[Collection], where: Where, name: str, problems: Problems, *, several: bool
) -> None:
    """None is called so, or several are."""
    said = "several collections may be" if several else "no collection is called"
    near = [] if several else get_close_matches(name.lower(), [one.name for one in offers], n=1)
    paths = {one.name: one.path for one in offers}
    example = paths[near[0]] if near else offers[0].path if offers else "/…"
    more = f", and {len(offers) - SHOWN} more" if len(offers) > SHOWN else ""
    problems.add(
        where,
        f"{spec.file.name}: {said} {name!r}",
        allowed=listed(f"{one.name} ({one.path})" for one in offers[:SHOWN]) + more if offers else None,
        hint=f"write `path: {example}`",
    )


def _answered(ask: Ask, said: Mapping[str, Any], body: Mapping[Any, Any]) -> bool:
    """Whether the file itself says what a document leaves open."""
    if ask.key[0] == "headers":
        headers = body.get("headers")
        return isinstance(headers, dict) and ask.key[1].lower() in {str(one).lower() for one in headers}
    here: Any = said
    for part in ask.key:
        if not isinstance(here, dict):
            return True
        if part not in here:
            return False
        here = here[part]
    return here is not None and not (ask.key == ("path",) and "{" in str(here))


def _sources(found: Found, said: Mapping[str, Any]) -> list[Derivation]:
    """What is shown of it by `check`: without what the file says itself."""
    shown = [
        Derivation(key=key, value=value, source=source)
        for key, value, source in found.sources
        if not _answered(Ask(tuple(key.split(".")), ""), said, {}) or key == "properties"
    ]
    lacking = [one for one in found.lacks if not any(each.key == one for each in shown)]
    return [*shown, *(Derivation(key=one, value=None, source="not in the document") for one in lacking)]
