"""What each connector's systems and datatypes take besides the common keys: name → (system model, datatype model)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from accord.config.graphql_schema import GraphqlDatatype, GraphqlSystem
from accord.config.kinds import refuse
from accord.config.odata_schema import ODataDatatype, ODataSystem
from accord.config.rest_schema import (
    NoAuth,
    OpenapiDatatype,
    OpenapiSystem,
    RestDatatype,
    RestSystem,
    Secret,
    base_url_of,
)
from accord.config.rpc_schema import JsonrpcDatatype, JsonrpcSystem
from accord.config.schema import (
    DatatypeModel,
    Expression,
    LocalPath,
    Path,
    Strict,
    SystemModel,
    Text,
    Texts,
    Version,
    VersionModel,
)


class SqlSystem(SystemModel):
    url: str = Field(min_length=1)


def _change_table(value: Any) -> Any:
    return {"table": value} if isinstance(value, str) else value


class ChangeTable(Strict):
    """A table that triggers, or the application, fill with the id of each changed row and an ever-growing number."""

    table: str = Field(min_length=1)
    id: str | None = None
    sequence: str = "seq"
    operation: str | None = None
    deleted: Texts | None = None
    overlap: int = Field(default=1000, ge=0)

    @model_validator(mode="after")
    def _words_of_a_column(self) -> ChangeTable:
        if self.deleted is not None and self.operation is None:
            refuse("`deleted` names values of a column; `operation` says which column")
        return self


class SqlDatatype(DatatypeModel):
    table: str | None = None
    view: str | None = None
    where: Expression | None = None
    generated: Texts = []
    change_table: (
        Annotated[ChangeTable, BeforeValidator(_change_table, json_schema_input_type=str | ChangeTable)] | None
    ) = None

    @model_validator(mode="after")
    def _one_source(self) -> SqlDatatype:
        if (self.table is None) == (self.view is None):
            refuse("a datatype of this connector needs either `table` or `view`")
        return self


Format = Literal["csv", "excel", "jsonl", "parquet"]


class S3Access(Strict):
    """The key of an account that may read, and replace, the objects."""

    type: Literal["s3"]
    access_key: Secret
    secret_key: Secret
    session_token: Secret | None = None


class SshAccess(Strict):
    """A user with a password or a private key."""

    type: Literal["ssh"]
    username: Text
    password: Secret | None = None
    key_file: LocalPath | None = None
    passphrase: Secret | None = None

    @model_validator(mode="after")
    def _one_way(self) -> SshAccess:
        if (self.password is None) == (self.key_file is None):
            refuse("a user has either a `password` or a `key_file`")
        return self


def _file_place(value: str) -> str:
    """A path, or the address of a file at a distance, without credentials in it."""
    from urllib.parse import urlsplit

    if "://" not in value:
        return value
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        refuse("not an address", allowed="sftp://host/folder/file.csv, s3://bucket/folder/file.csv")
    if (parts.hostname or "").endswith(".invalid"):  # stands in for a variable that is not set
        return value
    if parts.scheme not in ("sftp", "s3"):
        refuse("files are read by sftp and s3", allowed="sftp://host/folder/file.csv, s3://bucket/folder/file.csv")
    if "@" in parts.netloc:
        refuse("who logs in is said in `auth`, and not in an address", hint="auth: {type: ssh, username: …}")
    if not parts.netloc or parts.query or parts.fragment:
        refuse("not the address of a file", allowed="sftp://host/folder/file.csv, s3://bucket/folder/file.csv")
    return value


FilePlace = Annotated[str, AfterValidator(_file_place)]
FileAccess = Annotated[S3Access | SshAccess | NoAuth, Field(discriminator="type")]


def _no_access(value: Any) -> Any:
    return {"type": "none"} if value == "none" else value


class FileSystem(SystemModel):
    path: FilePlace | None = None
    folder: str | None = None
    format: Format | None = None
    auth: (
        Annotated[FileAccess, BeforeValidator(_no_access, json_schema_input_type=FileAccess | Literal["none"])] | None
    ) = None
    region: str | None = None
    endpoint: Annotated[str, AfterValidator(base_url_of)] | None = None
    known_hosts: LocalPath | None = None
    max_size: int | None = Field(default=None, ge=1)


class FileDatatype(DatatypeModel):
    path: FilePlace | None = None
    format: Format | None = None
    sheet: str | None = None
    separator: str | None = None
    encoding: str | None = None


class CaldavSystem(RestSystem):
    """A CalDAV server; the keys of its connection are those of `rest`."""


class CaldavDatatype(DatatypeModel):
    """The tasks of one calendar (`path`), or of all calendars below a `home`."""

    path: str | None = Field(default=None, min_length=1)
    home: str | None = Field(default=None, min_length=1)
    sync: bool = True
    version: Version | None = Field(default_factory=lambda: VersionModel(etag=True))
    key_property: Path | None = "uid"

    @model_validator(mode="after")
    def _one_place(self) -> CaldavDatatype:
        if (self.path is None) == (self.home is None):
            refuse(
                "a datatype of this connector needs either `path` or `home`",
                hint="`path: tasks/` is one calendar, `home: .` all calendars there",
            )
        if self.version is None or not self.version.etag or self.version.path is not None:
            refuse("a task is written under its ETag", allowed="etag", hint="leave out `version`")
        if self.key_property not in (None, "uid"):
            refuse("the key of a new task is its UID", allowed="uid", hint="leave out `key_property`")
        return self


class MemorySystem(SystemModel):
    model_config = ConfigDict(extra="allow", defer_build=True, frozen=True)

    instance: str | None = None


class AnyDatatype(DatatypeModel):
    model_config = ConfigDict(extra="allow", defer_build=True, frozen=True)


class AnySystem(SystemModel):
    """A system whose connector comes from somebody else, and checks its own keys."""

    model_config = ConfigDict(extra="allow", defer_build=True, frozen=True)


CONNECTORS: dict[str, tuple[type[SystemModel], type[DatatypeModel]]] = {
    "rest": (RestSystem, RestDatatype),
    "sql": (SqlSystem, SqlDatatype),
    "file": (FileSystem, FileDatatype),
    "caldav": (CaldavSystem, CaldavDatatype),
    "memory": (MemorySystem, AnyDatatype),
    "jsonrpc": (JsonrpcSystem, JsonrpcDatatype),
    "openapi": (OpenapiSystem, OpenapiDatatype),
    "odata": (ODataSystem, ODataDatatype),
    "graphql": (GraphqlSystem, GraphqlDatatype),
}
