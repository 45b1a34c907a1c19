"""The option dicts of a REST system and its datatypes, read into frozen values. Missing keys mean the defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from accord.config.meaning import Datatype, System
from accord.connectors.rest.addresses import require_allowed
from accord.connectors.rest.ids import Ids, Segments
from accord.errors import MendFile

OAUTH = ("oauth2_client_credentials", "oauth2_refresh", "oauth2_device")
AUTH_KINDS = ("none", "basic", "bearer", "api_key", "session", *OAUTH)
OAUTH_NEEDS = {"oauth2_refresh": ("refresh_token", "keep"), "oauth2_device": ("device_url", "keep")}
PAGINATORS = ("page_number", "offset", "cursor", "link_header", "next_url", "single")
MAX_BODY = 64 << 20
DEFAULT_SIZE = 200
SHORTEST_SECRET = 3
SECRET_NAME = re.compile(r"pass|secret|token|key|auth|cookie|pwd", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """How we say who we are."""

    kind: str = "none"
    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    header: str | None = None
    query: str | None = None
    prefix: str = ""
    login_method: str = "POST"
    login_path: str = ""
    device_path: str = ""
    """Where a device code is asked for."""
    login_body: Any = field(default=None, repr=False)
    login_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    token_path: str = "token"  # noqa: S105 - where the token is
    form: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What a request for an OAuth token says besides."""
    in_body: bool = False
    """The client's id and secret go into the body of that request, and not into its header."""

    keep: str = ""
    """The file of the newest refresh token."""

    @property
    def fetched(self) -> bool:
        """Whether the token is asked for, and so can be renewed."""
        return self.kind == "session" or self.kind in OAUTH


@dataclass(frozen=True, slots=True, kw_only=True)
class RestOptions:
    """One REST system."""

    base_url: str
    auth: Auth
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    verify: bool | str = True
    proxy: str | None = None
    max_body: int = MAX_BODY


@dataclass(frozen=True, slots=True, kw_only=True)
class Paginator:
    """How a listing goes on after its first page."""

    kind: str
    page_param: str = "page"
    offset_param: str = "offset"
    cursor_param: str = "cursor"
    cursor_path: str | None = None
    size_param: str | None = None
    size: int | None = None
    first: int = 1
    path: str | None = None
    header: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedSince:
    """How a listing is limited to what changed since a time."""

    param: str
    format: str = "iso8601"
    filter: Any = None
    """A text, or JSON, in which `{since}` stands for the time."""
    overlap: float = 0.0
    """Seconds that windows overlap at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedFeed:
    """Where the system lists what was deleted."""

    path: str
    id: str = "id"
    param: str | None = None
    format: str = "iso8601"
    modified: str | None = None
    records: str | None = None
    paginator: Paginator | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The call that lists records."""

    path: str
    method: str = "GET"
    params: Mapping[str, Any] = field(default_factory=dict)
    """Of the query as texts; of another method than GET, the JSON of its body."""
    records: str | None = None
    total: str | None = None
    base: str | None = None  # where an answer names the address that its links start from; else that of the answer
    headers: Mapping[str, str] = field(default_factory=dict)
    paginator: Paginator | None = None
    changed_since: ChangedSince | None = None
    deleted_feed: DeletedFeed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The call that creates several records."""

    path: str
    size: int = 100
    wrap: str | None = None
    key: str | None = None
    """Property of each item that takes the item's own idempotency key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call on one record."""

    method: str
    path: str
    wrap: str | None = None
    body: Any = None
    """What is sent, with places for `{record}`, `{id}` and `{properties}`; None: the record."""
    gone_when_empty: bool = False
    """An empty list says that there is no such record."""
    record: str | None = None
    """Where the record is in the answer; found when left out."""
    id: str | None = None
    """Where the id is in the answer of a create."""
    idempotency_header: str | None = None
    send_all: bool = False
    omit: tuple[str, ...] = ()
    content_type: str | None = None
    """Of a write, where the system wants another than that of JSON."""
    headers: Mapping[str, str] = field(default_factory=dict)
    ids: Ids = field(default_factory=Segments)
    batch: Batch | None = None
    look_first: bool = False
    """Of a delete, where the system does not say that there was nothing to delete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """The call that searches records."""

    path: str
    param: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    by: tuple[str, ...] = ()
    filter: Any = None
    """JSON for the parameter `param`, with places for `{path}` and `{value}`."""

    def param_of(self, path: str) -> str:
        """The query parameter that searches a property."""
        return self.params.get(path) or self.param or path


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """What statuses mean."""

    gone: frozenset[int] = frozenset((404, 410))
    stale: frozenset[int] = frozenset((409, 412))
    rejected: frozenset[int] = frozenset((400, 422))
    retry: frozenset[int] = frozenset((408, 425, 429, 500, 502, 503, 504))


@dataclass(frozen=True, slots=True, kw_only=True)
class DatatypeOptions:
    """The calls of one datatype."""

    listing: Listing
    get: Call
    create: Call
    update: Call
    delete: Call
    find: Find | None
    errors: Errors


def secrets_of(options: RestOptions) -> tuple[str, ...]:
    """Everything in these options that must not be shown, the longest first."""
    auth = options.auth
    named = [*options.headers.items(), *auth.login_headers.items()]
    if isinstance(auth.login_body, Mapping):
        named += [(str(name), value) for name, value in auth.login_body.items() if isinstance(value, str)]
    found = {auth.token, auth.password, *(value for name, value in named if SECRET_NAME.search(name))}
    return tuple(sorted((secret for secret in found if len(secret) > SHORTEST_SECRET), key=len, reverse=True))


def read_system(system: System) -> RestOptions:
    """Raises MendFile when the address is missing, or something is asked that Accord does not do."""
    options = system.options
    base = str(options.get("base_url") or "").rstrip("/")
    if not base.startswith(("http://", "https://")):
        raise MendFile(f"systems.{system.name}.base_url: an http:// or https:// address is expected")
    require_allowed(base, f"systems.{system.name}.base_url")
    require_allowed(str(options.get("proxy") or ""), f"systems.{system.name}.proxy")
    verify = options.get("verify", True)
    if verify is False:
        raise MendFile(
            f"systems.{system.name}.verify: certificates are always verified",
            hint="name the file of the authority that signed it: verify: /etc/ssl/own-ca.pem",
        )
    return RestOptions(
        base_url=base,
        auth=_auth(system.name, options.get("auth") or {}),
        headers={str(name): str(value) for name, value in (options.get("headers") or {}).items()},
        verify=True if verify is None else verify,
        proxy=options.get("proxy"),
        max_body=int(options.get("max_body") or MAX_BODY),
    )


def _auth(system: str, auth: Any) -> Auth:
    auth = {"type": auth} if isinstance(auth, str) else auth
    kind = str(auth.get("type") or "none")
    if kind not in AUTH_KINDS:
        raise MendFile(f"systems.{system}.auth.type: {kind!r} is not one of {', '.join(AUTH_KINDS)}")
    if kind == "session":
        return _session(auth)
    if kind in OAUTH:
        return _oauth(system, kind, auth)
    token = str(_first(auth, "token", "key", "value", "api_key") or "")
    header, query = auth.get("header"), auth.get("query")
    if kind == "api_key" and auth.get("in") in ("query", "header"):
        name = _first(auth, "name", "param") or header or query
        header, query = (None, name) if auth["in"] == "query" else (name, None)
    if kind == "api_key" and not query:
        header = header or auth.get("name") or "X-API-Key"
    user, password = _first(auth, "user", "username", "login"), auth.get("password")
    prefix = str(auth.get("prefix") or "")
    return Auth(
        kind=kind,
        user=str(user or ""),
        password=str(password or ""),
        token=token,
        header=header,
        query=query,
        prefix=prefix,
    )


def _session(auth: Mapping[str, Any]) -> Auth:
    login = auth.get("login") or {}
    login = {"path": login} if isinstance(login, str) else login
    header = str(auth.get("header") or "Authorization")
    return Auth(
        kind="session",
        header=header,
        prefix=str(auth.get("prefix", "Bearer " if header.lower() == "authorization" else "") or ""),
        login_method=str(login.get("method") or "POST").upper(),
        login_path=str(login.get("path") or "/token"),
        login_body=login.get("body"),
        login_headers={str(name): str(value) for name, value in (login.get("headers") or {}).items()},
        token_path=str(auth.get("token") or "token"),
    )


def _oauth(system: str, kind: str, auth: Mapping[str, Any]) -> Auth:
    for name in ("token_url", *OAUTH_NEEDS.get(kind, ())):
        if not auth.get(name):
            raise MendFile(f"systems.{system}.auth.{name}: {kind} needs it")
    url = str(auth["token_url"])
    device = str(auth.get("device_url") or "")
    require_allowed(url, f"systems.{system}.auth.token_url")
    require_allowed(device, f"systems.{system}.auth.device_url")
    scope = auth.get("scope")
    said = {"scope": " ".join(scope) if isinstance(scope, list) else scope, "audience": auth.get("audience")}
    return Auth(
        kind=kind,
        user=str(auth.get("client_id") or ""),
        password=str(auth.get("client_secret") or ""),
        prefix="Bearer ",
        login_path=url,
        device_path=device,
        form={**{name: value for name, value in said.items() if value}, **(auth.get("params") or {})},
        in_body=auth.get("send") == "body" or not auth.get("client_secret"),
        token=str(auth.get("refresh_token") or ""),
        keep=str(auth.get("keep") or ""),
    )


def read_datatype(datatype: Datatype) -> DatatypeOptions:
    """`path` alone implies the usual five calls."""
    options = datatype.options
    path = str(options.get("path") or _part(options, "list").get("path") or f"/{datatype.name}")
    one = f"{path.rstrip('/')}/{{id}}"
    create = _call(_part(options, "create"), "POST", path)
    update = _part(options, "update")
    return DatatypeOptions(
        listing=_listing(datatype, path),
        get=_call(_part(options, "get"), "GET", one),
        create=create,
        update=_call({"wrap": create.wrap, **update}, "PATCH", one),
        delete=_call(_part(options, "delete"), "DELETE", one),
        find=_find(options.get("find"), _part(options, "list").get("path") or path),
        errors=_errors(_part(options, "errors")),
    )


def _listing(datatype: Datatype, path: str) -> Listing:
    listing = _part(datatype.options, "list")
    method = str(listing.get("method") or "GET").upper()
    params, asked = listing.get("params") or {}, method == "GET"
    return Listing(
        path=str(listing.get("path") or path),
        method=method,
        params={str(name): query_text(value) if asked else value for name, value in params.items()},
        records=listing.get("records"),
        total=listing.get("total"),
        paginator=_paginator(datatype, listing.get("paginator")),
        changed_since=_changed_since(listing.get("changed_since")),
        deleted_feed=_deleted_feed(datatype, listing.get("deleted_feed")),
    )


def _paginator(datatype: Datatype, said: Any) -> Paginator | None:
    if not said:
        return None
    said = {"type": said} if isinstance(said, str) else said
    kind = str(said.get("type"))
    if kind not in PAGINATORS:
        where = f"systems.{datatype.system}.datatypes.{datatype.name}.list.paginator.type"
        raise MendFile(f"{where}: {kind!r} is not one of {', '.join(PAGINATORS)}")
    size_param = _first(said, "size_param", "limit_param")
    size = int(said["size"]) if said.get("size") else None
    if kind in ("page_number", "offset"):
        size_param, size = size_param or ("per_page" if kind == "page_number" else "limit"), size or DEFAULT_SIZE
    first = said.get("first")
    return Paginator(
        kind=kind,
        page_param=str(said.get("page_param") or "page"),
        offset_param=str(said.get("offset_param") or "offset"),
        cursor_param=str(said.get("cursor_param") or "cursor"),
        cursor_path=said.get("cursor_path"),
        size_param=size_param or ("limit" if size else None),
        size=size or (DEFAULT_SIZE if size_param else None),
        first=int(first) if first is not None else (1 if kind == "page_number" else 0),
        path=said.get("path"),
        header=said.get("header"),
    )


def _changed_since(said: Any) -> ChangedSince | None:
    if not said:
        return None
    said = {"param": said} if isinstance(said, str) else said
    text = said.get("filter")
    param = said.get("param") or ("filter" if text else "updated_since")
    return ChangedSince(param=str(param), format=str(said.get("format") or "iso8601"), filter=text)


def _deleted_feed(datatype: Datatype, said: Any) -> DeletedFeed | None:
    if not said:
        return None
    return DeletedFeed(
        path=str(said["path"]),
        id=str(said.get("id") or "id"),
        param=said.get("param"),
        format=str(said.get("format") or "iso8601"),
        modified=said.get("modified"),
        records=said.get("records"),
        paginator=_paginator(datatype, said.get("paginator")),
    )


def _call(said: Mapping[str, Any], method: str, path: str) -> Call:
    batch = said.get("batch")
    return Call(
        method=str(said.get("method") or method).upper(),
        path=str(said.get("path") or path),
        wrap=said.get("wrap") or None,
        body=said.get("body"),
        gone_when_empty=bool(said.get("gone_when_empty")),
        record=said.get("record"),
        id=said.get("id"),
        idempotency_header=said.get("idempotency_header"),
        send_all=said.get("send") == "all",
        omit=tuple(said.get("omit") or ()),
        content_type=said.get("content_type"),
        batch=_batch(batch, path) if batch else None,
    )


def _batch(said: Mapping[str, Any], path: str) -> Batch:
    return Batch(
        path=str(said.get("path") or path),
        size=int(said.get("size") or 100),
        wrap=said.get("wrap"),
        key=said.get("key"),
    )


def _find(said: Any, path: str) -> Find | None:
    if not said:
        return None
    params = {str(name): str(param) for name, param in (said.get("params") or {}).items()}
    by = said.get("by") or tuple(params)
    by = (by,) if isinstance(by, str) else tuple(by)
    path = str(said.get("path") or path)
    return Find(path=path, param=said.get("param"), params=params, by=by, filter=said.get("filter"))


def _errors(said: Mapping[str, Any]) -> Errors:
    given = {
        name: frozenset((said[name],) if isinstance(said[name], int) else said[name])
        for name in ("gone", "stale", "rejected", "retry")
        if said.get(name) is not None
    }
    return Errors(**given)


def query_text(value: Any) -> str:
    """A value as it is written into a query: true and false in lower case, a list with commas."""
    if isinstance(value, list | tuple):
        return ",".join(query_text(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _part(options: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = options.get(name) or {}
    return {"path": part} if isinstance(part, str) else part


def _first(options: Mapping[str, Any], *names: str) -> Any:
    return next((options[name] for name in names if options.get(name) is not None), None)
