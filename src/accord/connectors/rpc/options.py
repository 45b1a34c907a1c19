"""The option dicts of a JSON-RPC system and its datatypes, read into frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from accord.config.meaning import Datatype, System
from accord.connectors.rest.options import (
    Auth,
    Call,
    ChangedSince,
    DatatypeOptions,
    Errors,
    Find,
    Listing,
    Paginator,
    RestOptions,
    read_system,
)

WRITES = ("create", "update", "delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What an error object means, if it fits."""

    at: str
    means: str
    equals: tuple[Any, ...] | None = None
    matches: str | None = None
    """A regular expression for the whole text; `{id}` in it is the id of the record that is asked for."""
    text: str | None = None
    """Where that text is, if not at `at`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Each:
    """Values for a placeholder: those given, or those that a call gives."""

    name: str
    values: tuple[Any, ...] = ()
    method: str | None = None
    params: Any = ()
    records: str | None = None
    take: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """One call of a datatype, as the project file describes it."""

    datatype: str
    kind: str
    """list, get, create, update, delete, find."""
    method: str
    params: Any
    changed: Any = None
    """Parameters of a listing of changes."""
    place: str | None = None
    """Where the record, the records or the id are in the result."""
    signs: tuple[Any, ...] = ()
    """Results that mean: not there (of a get), refused (of a write)."""
    spread: bool = False
    each: tuple[Each, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """The call that gives a session."""

    method: str
    params: Any
    endpoint: str
    username: str
    password: str = field(repr=False)
    session: str | None = None
    header: str | None = None
    value: str = "{session}"
    encoding: str = "none"
    prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcOptions:
    """One JSON-RPC system."""

    rest: RestOptions
    endpoint: str
    protocol: str
    dialect: str
    variables: Mapping[str, Any] = field(repr=False)
    rules: tuple[Rule, ...]
    login: Login | None


def read_rpc(system: System) -> RpcOptions:
    """Raises MendFile when the address cannot be used."""
    options = dict(system.options)
    auth = options.get("auth") or {}
    login = _login(auth, str(options.get("endpoint") or "")) if auth.get("type") == "login" else None
    if login is not None:
        options["auth"] = None
    rest = read_system(replace(system, options=options))
    if login is not None:
        session = Auth(kind="session", header=login.header, password=login.password, login_path=login.endpoint)
        rest = replace(rest, auth=session)
    return RpcOptions(
        rest=rest,
        endpoint=str(options.get("endpoint") or ""),
        protocol=str(options.get("protocol") or "json-rpc"),
        dialect=str(options.get("dialect") or "plain"),
        variables=options.get("variables") or {},
        rules=tuple(_rule(said) for said in options.get("errors") or ()),
        login=login,
    )


def _login(auth: Mapping[str, Any], endpoint: str) -> Login:
    named = ("username", "password", "session", "header", "value", "encoding", "prefix")
    told = {name: auth[name] for name in named if auth.get(name) is not None}
    elsewhere = auth.get("endpoint")
    return Login(
        method=str(auth["method"]),
        params=auth.get("params") or [],
        endpoint=endpoint if elsewhere is None else str(elsewhere),
        **{"username": "", **told},
    )


def _rule(said: Mapping[str, Any]) -> Rule:
    equals = said.get("equals")
    return Rule(
        at=str(said.get("at") or "code"),
        means=str(said["means"]),
        equals=None if equals is None else tuple(equals) if isinstance(equals, list) else (equals,),
        matches=said.get("matches"),
        text=said.get("text"),
    )


def described(datatype: Datatype) -> dict[str, Described]:
    """The calls of a datatype by kind; those that are not described are missing."""
    found = {}
    for kind in ("list", "get", *WRITES, "find"):
        said = datatype.options.get(kind)
        if said is None:
            continue
        place = said.get({"list": "records", "find": "records", "get": "record"}.get(kind, "id"))
        changed = (said.get("changed_since") or {}).get("params")
        found[kind] = Described(
            datatype=datatype.name,
            kind=kind,
            method=str(said["method"]),
            params=said.get("params", []),
            changed=changed,
            place=place,
            signs=tuple(said.get("missing" if kind == "get" else "failed") or ()),
            spread=bool(said.get("spread")),
            each=tuple(_each(name, values) for name, values in (said.get("each") or {}).items()),
        )
    return found


def _each(name: str, said: Any) -> Each:
    if isinstance(said, list):
        return Each(name=name, values=tuple(said))
    return Each(
        name=name,
        method=str(said["method"]),
        params=said.get("params") or [],
        records=said.get("records"),
        take=said.get("take"),
    )


def as_rest(datatype: Datatype) -> DatatypeOptions:
    """The same calls as requests of the connector `rest`: an address that names the call, and its values as a query."""
    listing, find = datatype.options["list"], datatype.options.get("find")
    changes = listing.get("changed_since")
    calls = {kind: Call(method="POST", path=_address(datatype, kind) + "&id={id}") for kind in ("get", *WRITES)}
    delete = datatype.options.get("delete") or {}
    return DatatypeOptions(
        listing=Listing(
            path=_address(datatype, "list"),
            records=listing.get("records"),
            total=listing.get("total"),
            paginator=_paginator(listing.get("paginator")),
            changed_since=None
            if changes is None
            else ChangedSince(
                param="since", format=str(changes.get("format") or "iso8601"), overlap=changes.get("overlap") or 0.0
            ),
        ),
        get=replace(calls["get"], record=None),
        create=replace(calls["create"], path=_address(datatype, "create")),
        update=calls["update"],
        delete=replace(calls["delete"], look_first=bool(delete.get("look_first"))),
        find=None if find is None else Find(path=_address(datatype, "find"), by=tuple(find.get("by") or ())),
        errors=Errors(),
    )


def _address(datatype: Datatype, kind: str) -> str:
    return f"?call={datatype.name}.{kind}"


def _paginator(said: Any) -> Paginator:
    if not said:
        return Paginator(kind="single")
    if isinstance(said, str):
        said = {"type": said}
    kind = str(said["type"])
    return Paginator(
        kind=kind,
        cursor_param="after" if kind == "after" else "cursor",
        cursor_path=said.get("cursor_path"),
        size_param="limit",
        size=int(said.get("size") or 200),
        first=int(said.get("first", 1 if kind == "page_number" else 0)),
    )
