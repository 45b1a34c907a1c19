"""What systems and datatypes of the connector `jsonrpc` take besides the common keys."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from accord.config.kinds import refuse
from accord.config.rest_schema import (
    ApiKeyAuth,
    BasicAuth,
    BearerAuth,
    ClientCredentialsAuth,
    NoAuth,
    RefreshAuth,
    RestSystem,
    Secret,
    Size,
)
from accord.config.schema import DatatypeModel, Duration, Path, Paths, Strict, Text

Params = list[Any] | dict[str, Any]
PLACE = re.compile(r"\{([A-Za-z_]\w*)((?:\.\w+)*)(?::(int|text))?\}", re.ASCII)
"""`{name}`, `{name.0.path}`, `{name:int}`."""
Method = Annotated[str, Field(min_length=1)]


class LoginAuth(Strict):
    """A call that gives a session. What it gives is `{session}` in all other calls, and goes into `header`."""

    type: Literal["login"]
    username: Text = Field(default="", description="`{username}` in the calls")
    password: Secret = Field(description="`{password}` in the calls; never shown")
    method: Method = Field(description="The method that logs in")
    params: Params = Field(default=[], description="Its parameters")
    endpoint: str | None = Field(default=None, description="Where it is called, if elsewhere than the others")
    session: Path | None = Field(default=None, description="Where the session is in its result; none: all of it")
    header: str | None = Field(default=None, description="The header that takes the session")
    value: str = Field(default="{session}", description="What that header holds")
    encoding: Literal["none", "base64"] = Field(default="none", description="How that value is encoded")
    prefix: str = Field(default="", description="What stands in front of it, not encoded")


AnyAuth = NoAuth | BasicAuth | BearerAuth | ApiKeyAuth | ClientCredentialsAuth | RefreshAuth | LoginAuth


def _auth(value: Any) -> Any:
    return {"type": "none"} if value is None or value == "none" else value


Auth = Annotated[
    Annotated[AnyAuth, Field(discriminator="type")],
    BeforeValidator(_auth, json_schema_input_type=AnyAuth | Literal["none"] | None),
]


def _pattern(value: str) -> str:
    try:
        re.compile(value.replace("{id}", "1"))
    except re.error:
        refuse("not a regular expression")
    return value


class ErrorRule(Strict):
    """What an error object means: the first rule that fits counts."""

    at: str = Field(default="code", description="Where to look in the error: `code`, `data.name`, `0` of a list")
    equals: Any = Field(default=None, description="The value there, or a list of them")
    matches: Annotated[str, AfterValidator(_pattern)] | None = Field(
        default=None, description="A regular expression that the whole text fits; `{id}` is the id asked for"
    )
    text: str | None = Field(default=None, description="Where `matches` looks, if not where `at` says")
    means: Literal["gone", "stale", "conflict", "refused", "forbidden", "retry", "expired", "unknown"]


class PageNumber(Strict):
    """The parameters hold `{page}`, and `{limit}` where the size can be told."""

    type: Literal["page_number"]
    size: Size = 200
    first: int = 1


class Offset(Strict):
    """The parameters hold `{offset}` and `{limit}`."""

    type: Literal["offset"]
    size: Size = 200


class After(Strict):
    """The parameters ask for ids above `{after}`, in their order, `{limit}` at most."""

    type: Literal["after"]
    size: Size = 500


class CursorPages(Strict):
    """The parameters hold `{cursor}`, which is null for the first page."""

    type: Literal["cursor"]
    cursor_path: Path
    size: Size = 200


Paginator = Annotated[PageNumber | Offset | After | CursorPages, Field(discriminator="type")]
PaginatorOrType = Annotated[
    Paginator,
    BeforeValidator(
        lambda value: {"type": value} if isinstance(value, str) else value,
        json_schema_input_type=Paginator | str,
    ),
]


class ChangedSince(Strict):
    params: Params = Field(description="Parameters that take the place of the listing's, with `{since}`")
    format: str = Field(default="iso8601", description="How `{since}` is written: iso8601, unix, unix_ms, strftime")
    overlap: Duration = Field(default=0.0, description="How long before the last change it begins at least")

    @model_validator(mode="after")
    def _known(self) -> ChangedSince:
        if self.format not in ("iso8601", "unix", "unix_ms") and "%" not in self.format:
            refuse("the format of changed_since is not known", allowed="iso8601, unix, unix_ms, a strftime pattern")
        return self


class EachCall(Strict):
    """Values for a placeholder, from a call."""

    method: Method
    params: Params = []
    records: Path | None = Field(default=None, description="Where the list is in its result")
    take: Path | None = Field(default=None, description="What is taken of each item; none: the item itself")


class RpcCall(Strict):
    method: Method
    params: Params = []


class RpcListCall(RpcCall):
    records: Path | None = Field(default=None, description="Where the records are in the result; none: it is the list")
    total: Path | None = Field(default=None, description="Where their number is, beside them")
    paginator: PaginatorOrType | None = None
    changed_since: ChangedSince | None = None
    each: dict[str, list[Any] | EachCall] = Field(
        default={}, description="Placeholder → its values: the listing is called for each, and taken together"
    )


class RpcGetCall(RpcCall):
    record: Path | None = Field(default=None, description="Where the record is in the result")
    missing: list[Any] = Field(default=[None, []], description="Results that say that there is no such record")


class _Write(RpcCall):
    spread: bool = Field(default=False, description="Each property of the record is a parameter of its own")


class RpcCreateCall(_Write):
    id: Path | None = Field(default=None, description="Where the id is in the result; none: it is the id")
    failed: list[Any] = Field(default=[False, None], description="Results that mean that it was refused")


class RpcUpdateCall(_Write):
    failed: list[Any] = Field(default=[False], description="Results that mean that it was refused")


class RpcDeleteCall(RpcCall):
    failed: list[Any] = Field(default=[False], description="Results that mean that it was refused")
    look_first: bool = Field(default=False, description="It does not say that there was nothing to delete")


class RpcFindCall(RpcCall):
    records: Path | None = None
    by: Paths = Field(description="The properties, each as `{property}` with its `{value}`")


class JsonrpcSystem(RestSystem):
    endpoint: str = Field(default="", description="The path below `base_url` that takes the calls")
    protocol: Literal["json-rpc", "json-rpc-1.0", "xml-rpc"] = Field(
        default="json-rpc", description="JSON-RPC 2.0; 1.0, which has no key `jsonrpc`; XML-RPC"
    )
    dialect: Literal["plain", "tryton", "odoo"] = Field(
        default="plain", description="How values are written that JSON does not have"
    )
    auth: Auth = Field(default_factory=lambda: NoAuth(type="none"))  # type: ignore[assignment]
    variables: dict[str, Any] = Field(default={}, description="Placeholder → value, for all calls")
    errors: list[ErrorRule] = Field(default=[], description="What error objects mean")


class JsonrpcDatatype(DatatypeModel):
    list: RpcListCall
    get: RpcGetCall
    create: RpcCreateCall | None = None
    update: RpcUpdateCall | None = None
    delete: RpcDeleteCall | None = None
    find: RpcFindCall | None = None
