"""The sections of a project file that `serve` and the console read: notify, console, worker."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from accord.config.kinds import refuse
from accord.config.schema import Duration, Strict, Text, Texts
from accord.config.words import ROLES

Occasion = Literal["failure", "held", "brake", "stale"]


def _url(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        refuse("not a URL", allowed="http://… or https://…")
    return value


Url = Annotated[str, AfterValidator(_url)]


def _called(value: Any) -> Any:
    return {"url": value} if isinstance(value, str) else value


def _mailed(value: Any) -> Any:
    return {"to": value} if isinstance(value, str | list) else value


def _occasions(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class CallModel(Strict):
    """A webhook that Accord calls."""

    url: Url
    headers: dict[str, str] = {}
    secret: Text | None = None


class MailModel(Strict):
    """E-mail."""

    to: Texts
    sender: str | None = Field(default=None, alias="from")
    host: str | None = None
    port: int | None = Field(default=None, ge=1, le=65535)
    user: str | None = None
    username: str | None = None
    password: Text | None = None
    tls: bool | str | None = None
    subject: str | None = None


class NoticeModel(Strict):
    """Who is told of what."""

    webhook: Annotated[CallModel, BeforeValidator(_called, json_schema_input_type=str | CallModel)] | None = None
    email: Annotated[MailModel, BeforeValidator(_mailed, json_schema_input_type=str | list[str] | MailModel)] | None = (
        None
    )
    slack: Annotated[CallModel, BeforeValidator(_called, json_schema_input_type=str | CallModel)] | None = None
    on: Annotated[list[Occasion], BeforeValidator(_occasions, json_schema_input_type=Occasion | list[Occasion])] = [
        "failure",
        "held",
        "brake",
        "stale",
    ]
    stale_after: Duration | None = None


class UserModel(Strict):
    """Somebody who may use the console."""

    name: str | None = None
    password: Text | None = None
    password_hash: str | None = None
    role: Literal["viewer", "operator", "approver", "admin"] = "viewer"
    email: str | None = None


def _user(value: Any) -> Any:
    if isinstance(value, str):
        return {"role": value} if value in ROLES else {"password": value}
    return value


User = Annotated[UserModel, BeforeValidator(_user, json_schema_input_type=str | UserModel)]


def _users(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    named = {str(item["name"]): item for item in value if isinstance(item, dict) and "name" in item}
    return named if len(named) == len(value) else refuse("each user of a list needs a `name` of its own")


class OidcModel(BaseModel):
    """Sign-in by an OpenID provider."""

    model_config = ConfigDict(extra="allow", defer_build=True, frozen=True)

    issuer: Url
    client_id: str
    client_secret: Text | None = None
    scopes: Texts = ["openid", "email", "profile"]
    role_claim: str | None = None


def _roles(value: dict[str, Any]) -> dict[str, Any]:
    named = [value] if all(key in ROLES for key in value) else list(value.values())
    words = named[0] if named and isinstance(named[0], dict) else {str(word) for word in named}
    if any(word not in ROLES for word in words):
        refuse("a role is not known", allowed=", ".join(ROLES), hint="write {admin: [anna]} or {anna: admin}")
    return value


class ConsoleModel(Strict):
    """Where the console listens and who may do what."""

    listen: str = "127.0.0.1:8470"
    users: Annotated[
        dict[str, User], BeforeValidator(_users, json_schema_input_type=dict[str, User] | list[UserModel])
    ] = {}
    oidc: OidcModel | None = None
    roles: Annotated[dict[str, str | list[str]], AfterValidator(_roles)] = {}
    url: Url | None = None


class WorkerModel(BaseModel):
    """How work is spread when one machine is not enough."""

    model_config = ConfigDict(extra="allow", defer_build=True, frozen=True)

    engine: str | None = None
    concurrency: int | None = Field(default=None, ge=1)
    queue: str | None = None
