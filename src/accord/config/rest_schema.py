"""What systems and datatypes of the connector `rest` take besides the common keys, and those derived from it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from accord.config.kinds import is_number, refuse
from accord.config.schema import DatatypeModel, Path, Paths, Strict, SystemModel, Text, Texts

Secret = Annotated[Text, Field(min_length=1)]
Method = Annotated[
    Literal["GET", "POST", "PUT", "PATCH", "DELETE"],
    BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value),
]


def base_url_of(value: str) -> str:
    """The address of a web API. Raises PydanticCustomError."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        refuse("not a URL", allowed="http://host/… or https://host/…")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        refuse("not the URL of a web API", allowed="http://host/… or https://host/…")
    return value.rstrip("/")


def _headers(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: str(item) if is_number(item) else item for key, item in value.items()}


Headers = Annotated[dict[str, str], BeforeValidator(_headers, json_schema_input_type=dict[str, str | float])]


class NoAuth(Strict):
    type: Literal["none"]


class BasicAuth(Strict):
    type: Literal["basic"]
    username: Text
    password: Text = ""


class BearerAuth(Strict):
    type: Literal["bearer"]
    token: Secret


class ApiKeyAuth(Strict):
    """`{header: X-Api-Key, key: …}` or `{query: api_key, key: …}`."""

    type: Literal["api_key"]
    header: str | None = None
    query: str | None = None
    key: Secret
    prefix: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _spellings(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        data = dict(data)
        for other in ("value", "token", "api_key"):
            if other in data and "key" not in data:
                data["key"] = data.pop(other)
        if data.get("in") in ("header", "query") and isinstance(data.get("name"), str):
            data[data.pop("in")] = data.pop("name")
        return data

    @model_validator(mode="after")
    def _one_place(self) -> ApiKeyAuth:
        if (self.header is None) == (self.query is None):
            refuse("an api_key needs the name of either a `header` or a `query` parameter")
        return self


class _OAuth(Strict):
    token_url: str = Field(min_length=1)
    client_id: Text
    scope: str | list[str] | None = None
    audience: str | None = None
    send: Literal["header", "body"] = "header"
    params: dict[str, Any] = {}


class ClientCredentialsAuth(_OAuth):
    type: Literal["oauth2_client_credentials"]
    client_secret: Secret


class RefreshAuth(_OAuth):
    """`keep` is a file of this machine: the newest refresh token, where the system gives another one each time."""

    type: Literal["oauth2_refresh"]
    client_secret: Secret | None = None
    refresh_token: Secret
    keep: Annotated[str, Field(min_length=1)]


class DeviceAuth(_OAuth):
    """A person lets Accord in once, by `accord authorise`; `keep` is the file of the refresh token from then on."""

    type: Literal["oauth2_device"]
    device_url: Annotated[str, Field(min_length=1)]
    client_secret: Secret | None = None
    keep: Annotated[str, Field(min_length=1)]


class Login(Strict):
    method: Method = "POST"
    path: str
    body: dict[str, Any] | None = None
    headers: Headers = {}


def _login(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) else value


class SessionAuth(Strict):
    """Logs in, and sends the token of the answer; without `prefix` the connector puts `Bearer ` into Authorization."""

    type: Literal["session"]
    login: Annotated[Login, BeforeValidator(_login, json_schema_input_type=str | Login)]
    token: Path = "token"  # noqa: S105 - where the token is
    header: str = "Authorization"
    prefix: str | None = None


OAuth = ClientCredentialsAuth | RefreshAuth | DeviceAuth
AnyAuth = NoAuth | BasicAuth | BearerAuth | ApiKeyAuth | OAuth | SessionAuth


def _auth(value: Any) -> Any:
    return {"type": "none"} if value is None or value == "none" else value


Auth = Annotated[
    Annotated[AnyAuth, Field(discriminator="type")],
    BeforeValidator(_auth, json_schema_input_type=AnyAuth | Literal["none"] | None),
]


class RestSystem(SystemModel):
    base_url: Annotated[str, AfterValidator(base_url_of)]
    headers: Headers = {}
    auth: Auth = Field(default_factory=lambda: NoAuth(type="none"))
    verify: bool | str = True
    proxy: str | None = None
    max_body: int | None = Field(default=None, ge=1)


class OpenapiSystem(RestSystem):
    """A system whose keys are derived from its OpenAPI document, `spec`: a file beside the project file."""

    base_url: Annotated[str, AfterValidator(base_url_of)] | None = None  # type: ignore[assignment]
    spec: Annotated[str, Field(min_length=1)]
    datatypes: dict[str, Any] = {}


Size = Annotated[int, Field(ge=1)]


class PageNumber(Strict):
    type: Literal["page_number"]
    page_param: str = "page"
    size_param: str | None = "per_page"
    size: Size = 200
    first: int = 1


class Offset(Strict):
    type: Literal["offset"]
    offset_param: str = "offset"
    limit_param: str | None = "limit"
    size: Size = 200


class CursorPages(Strict):
    type: Literal["cursor"]
    cursor_path: Path
    cursor_param: str = "cursor"
    size_param: str | None = None
    size: Size | None = None


class LinkHeader(Strict):
    type: Literal["link_header"]
    size_param: str | None = None
    size: Size | None = None


class NextUrl(Strict):
    """The address of the next page, at a path of the body or in a header of its own."""

    type: Literal["next_url"]
    path: Path | None = None
    header: str | None = Field(default=None, min_length=1)
    size_param: str | None = None
    size: Size | None = None

    @model_validator(mode="after")
    def _one_place(self) -> NextUrl:
        if (self.path is None) == (self.header is None):
            refuse("next_url needs either `path` (in the body) or `header`", hint="as in `header: Next-Page`")
        return self


class Single(Strict):
    type: Literal["single"]


Paginator = Annotated[
    PageNumber | Offset | CursorPages | LinkHeader | NextUrl | Single,
    Field(discriminator="type"),
]
PaginatorOrType = Annotated[
    Paginator,
    BeforeValidator(
        lambda value: {"type": value} if isinstance(value, str) else value,
        json_schema_input_type=Paginator | str,
    ),
]


class ChangedSince(Strict):
    """`param` and `format`, or a `filter` (a text, or JSON) in which `{since}` stands for the time."""

    param: str | None = None
    format: str | None = None
    filter: str | list[Any] | dict[str, Any] | None = None

    @model_validator(mode="after")
    def _either(self) -> ChangedSince:
        if self.param is None and self.filter is None:
            refuse("changed_since needs `param`, or a `filter` with {since}")
        if self.filter is not None and "{since}" not in str(self.filter):
            refuse("the filter must hold {since}", hint="as in \"modified ge '{since}'\"")
        if self.format is not None and self.format not in ("iso8601", "unix", "unix_ms") and "%" not in self.format:
            refuse("the format of changed_since is not known", allowed="iso8601, unix, unix_ms, a strftime pattern")
        return self


class DeletedFeed(Strict):
    path: str
    id: Path = "id"
    param: str | None = None
    modified: Path | None = None
    records: Path | None = None
    format: str | None = None
    paginator: PaginatorOrType | None = None


class ListCall(Strict):
    """With `method: POST` the parameters, and where the page begins, are the JSON of the body."""

    method: Literal["GET", "POST"] = "GET"
    path: str | None = None
    params: dict[str, Any] = {}
    records: Path | None = None
    total: Path | None = None
    paginator: PaginatorOrType | None = None
    changed_since: ChangedSince | None = None
    deleted_feed: DeletedFeed | None = None


class Call(Strict):
    """`body` is what is sent in place of the record, with places for {record}, {id} and {properties}."""

    method: Method = "GET"
    path: str | None = None
    record: Path | None = None
    body: dict[str, Any] | None = None


class GetCall(Call):
    gone_when_empty: bool = False

    @model_validator(mode="after")
    def _nothing_to_record(self) -> GetCall:
        _require_places(self.body, ("{id}",), ("{record}",))
        return self


def _require_places(body: Any, needed: tuple[str, ...], useless: tuple[str, ...]) -> None:
    text = str(body)
    for place in needed if body is not None else ():
        if place not in text:
            refuse(f"the body must hold {place}", hint='as in `body: {ids: ["{id}"], vals: "{record}"}`')
    for place in useless:
        if place in text:
            refuse(f"there is no {place} in this call")


class BatchCall(Strict):
    path: str | None = None
    size: int = Field(default=100, ge=1)
    wrap: str | None = None
    key: str | None = None


def _media_type(value: str) -> str:
    if not re.fullmatch(r"[\w.+-]+/[\w.+-]+( *;[ -~]*)?", value, re.ASCII):
        refuse("not a media type", allowed="application/json, application/merge-patch+json, …")
    return value


class CreateCall(Call):
    method: Method = "POST"
    wrap: str | None = None
    id: Path | Literal["[]"] | None = None
    idempotency_header: str | None = None
    batch: BatchCall | None = None

    @model_validator(mode="after")
    def _one_form(self) -> CreateCall:
        _require_places(self.body, ("{record}",), ("{id}",))
        if self.body is not None and (self.wrap is not None or self.batch is not None):
            refuse("`body` goes with neither `wrap` nor `batch`", hint="write what is around the record into `body`")
        return self


class UpdateCall(Call):
    method: Method = "PATCH"
    wrap: str | None = None
    send: Literal["changed", "all"] = "changed"
    omit: Texts = []
    content_type: Annotated[str, AfterValidator(_media_type)] | None = None

    @model_validator(mode="after")
    def _one_form(self) -> UpdateCall:
        _require_places(self.body, ("{record}",), ())
        if self.body is not None and self.wrap is not None:
            refuse("`body` does not go with `wrap`", hint="write what is around the record into `body`")
        return self


class DeleteCall(Call):
    method: Method = "DELETE"

    @model_validator(mode="after")
    def _nothing_to_record(self) -> DeleteCall:
        _require_places(self.body, (), ("{record}",))
        return self


class FindCall(Strict):
    """`{param: q, by: [path]}`, or `{params: {path: parameter}}` with one parameter for each path; with `filter`, the
    JSON that `param` holds, in which {path} and {value} stand for what is searched.
    """

    path: str | None = None
    param: str | None = None
    by: Paths = []
    params: dict[str, str] = {}
    filter: list[Any] | dict[str, Any] | None = None

    @model_validator(mode="after")
    def _either(self) -> FindCall:
        if self.filter is not None and (self.param is None or self.params):
            refuse("`filter` is the JSON of one `param`", hint="as in `{param: filters, filter: [[name, =, x]]}`")
        if self.filter is not None and "{value}" not in str(self.filter):
            refuse("the filter must hold {value}", hint='as in [["{path}", "=", "{value}"]]')
        if not self.params and self.param is None:
            refuse("find needs `param` and `by`, or `params: {path: parameter}`")
        return self


Statuses = Annotated[
    list[Annotated[int, Field(ge=100, le=599)]],
    BeforeValidator(
        lambda value: value if isinstance(value, list) else [value], json_schema_input_type=int | list[int]
    ),
]


class Errors(Strict):
    gone: Statuses = [404, 410]
    stale: Statuses = [409, 412]
    rejected: Statuses = [400, 422]
    retry: Statuses = [408, 425, 429, 500, 502, 503, 504]


class Signature(Strict):
    header: str
    scheme: Literal["hmac-sha256", "hmac-sha1", "hmac-sha512", "standard-webhooks", "plain"] = "hmac-sha256"
    prefix: str | None = None
    timestamp_header: str | None = None


class Webhook(Strict):
    id: Path = "id"
    event: Path | None = None
    secret: Text | list[str] | None = None
    signature: Signature | None = None


class RestDatatype(DatatypeModel):
    path: str | None = Field(default=None, min_length=1)
    list: ListCall | None = None
    get: GetCall | None = None
    create: CreateCall | None = None
    update: UpdateCall | None = None
    delete: DeleteCall | None = None
    find: FindCall | None = None
    errors: Errors = Field(default_factory=lambda: Errors())
    webhook: Webhook | None = None


class OpenapiDatatype(RestDatatype):
    pass
