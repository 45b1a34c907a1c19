"""What systems and datatypes of the connector `graphql` take besides the common keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from accord.config.graphql_text import Operation, operation_text
from accord.config.kinds import refuse
from accord.config.rest_schema import RestSystem
from accord.config.schema import DatatypeModel, Path, Strict, Texts

Query = Annotated[str, Field(min_length=1), AfterValidator(operation_text)]
Size = Annotated[int, Field(ge=1)]


class GraphqlSystem(RestSystem):
    """`base_url` is the endpoint itself."""

    introspection: bool = Field(
        default=True, description="Whether the system may be asked for its schema; false where it does not answer."
    )


class ConnectionPages(Strict):
    """`pageInfo {hasNextPage endCursor}`, as the Relay specification of cursor connections has it."""

    type: Literal["connection"]
    after: str = "after"
    first: str | None = "first"
    info: Path | None = None
    size: Size = 100


class OffsetPages(Strict):
    type: Literal["offset"]
    offset: str = "offset"
    limit: str | None = "limit"
    size: Size = 100


class SinglePage(Strict):
    type: Literal["single"]


Pages = Annotated[ConnectionPages | OffsetPages | SinglePage, Field(discriminator="type")]
PagesOrType = Annotated[
    Pages,
    BeforeValidator(
        lambda value: {"type": value} if isinstance(value, str) else value, json_schema_input_type=Pages | str
    ),
]


class SinceVariable(Strict):
    """The variable that takes the time since which changes are wanted."""

    variable: str
    format: str | None = None


def _query(value: Any) -> Any:
    return {"query": value} if isinstance(value, str) else value


class _Asked(Strict):
    query: Query
    variables: dict[str, Any] = Field(default={}, description="Variables that always have these values.")


class ListQuery(_Asked):
    records: Path | None = Field(default=None, description="Where the records are, below `data`.")
    total: Path | None = Field(default=None, description="Where the number of all records is.")
    pages: PagesOrType | None = Field(default=None, description="How the listing goes on after its first page.")
    changed_since: (
        Annotated[
            SinceVariable,
            BeforeValidator(
                lambda value: {"variable": value} if isinstance(value, str) else value,
                json_schema_input_type=str | SinceVariable,
            ),
        ]
        | None
    ) = None


class GetQuery(_Asked):
    id: str = Field(default="id", description="The variable that takes the id.")
    record: Path | None = Field(default=None, description="Where the record is, below `data`.")


class FindQuery(_Asked):
    by: dict[str, str] = Field(description="Property → the variable that takes its value.", min_length=1)
    records: Path | None = Field(default=None, description="Where the records are, below `data`.")


class _Changed(_Asked):
    record: Path | None = Field(default=None, description="Where the record is, or what stands for success.")
    errors: Path | None = Field(default=None, description="Where the answer lists what was refused.")


class CreateMutation(_Changed):
    input: str | None = Field(default=None, description="The variable that takes the values; `input` if there is one.")
    token: str | None = Field(default=None, description="The variable that takes our key of the create.")
    replayed: Path | None = Field(default=None, description="Where the answer says that the key was used before.")


class UpdateMutation(_Changed):
    id: str = Field(default="id", description="The variable that takes the id.")
    input: str | None = Field(default=None, description="The variable that takes the values; `input` if there is one.")
    version: str | None = Field(default=None, description="The variable that takes the version the system compares.")


class DeleteMutation(_Changed):
    id: str = Field(default="id", description="The variable that takes the id.")
    version: str | None = Field(default=None, description="The variable that takes the version the system compares.")


class GraphqlErrors(Strict):
    """Codes, of `extensions.code` or of an entry of `errors` in a payload, by what they mean."""

    gone: Texts = ["NOT_FOUND"]
    stale: Texts = ["CONFLICT", "STALE", "STALE_OBJECT"]
    rejected: Texts = ["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED", "INVALID", "VALIDATION"]
    forbidden: Texts = ["FORBIDDEN", "ACCESS_DENIED"]
    unauthorized: Texts = ["UNAUTHENTICATED", "UNAUTHORIZED"]
    retry: Texts = ["THROTTLED", "RATE_LIMITED", "RATELIMITED"]


class GraphqlDatatype(DatatypeModel):
    list: Annotated[ListQuery, BeforeValidator(_query, json_schema_input_type=str | ListQuery)]
    get: Annotated[GetQuery, BeforeValidator(_query, json_schema_input_type=str | GetQuery)]
    find: FindQuery | None = None
    create: Annotated[CreateMutation, BeforeValidator(_query, json_schema_input_type=str | CreateMutation)] | None = (
        None
    )
    update: Annotated[UpdateMutation, BeforeValidator(_query, json_schema_input_type=str | UpdateMutation)] | None = (
        None
    )
    delete: Annotated[DeleteMutation, BeforeValidator(_query, json_schema_input_type=str | DeleteMutation)] | None = (
        None
    )
    errors: GraphqlErrors = Field(default_factory=lambda: GraphqlErrors())

    @model_validator(mode="after")
    def _fits(self) -> GraphqlDatatype:
        for fault, hint in faults(self):
            refuse(fault, hint=hint)
        return self


def faults(said: GraphqlDatatype) -> Iterator[tuple[str, str | None]]:
    """What does not fit together in the operations of one datatype, and what to do."""
    if said.version is not None and (said.version.etag or said.version.path is None):
        yield "GraphQL has no ETags", "say `version: PATH`, and which variable takes it: `update: {version: …}`"
    for name, one in operations(said):
        operation = Operation(one.query)
        wanted = "mutation" if name in ("create", "update", "delete") else "query"
        if operation.kind != wanted:
            yield f"`{name}` holds a {operation.kind}", f"it must be a {wanted}"
        declared = operation.variables()
        for key, variable in _used(one):
            if variable.partition(".")[0] not in declared:
                words = ", ".join(f"${name}" for name in declared) or "none"
                yield (
                    f"`{name}.{key}` names the variable ${variable}, which its query does not declare",
                    f"there are {words}",
                )
        yield from _places(said, name, one, operation)
    yield from _version_faults(said)


def operations(said: GraphqlDatatype) -> Iterator[tuple[str, Any]]:
    """Name and operation of those that a datatype has."""
    found = ((name, getattr(said, name)) for name in ("list", "get", "find", "create", "update", "delete"))
    return ((name, one) for name, one in found if one is not None)


def _used(one: Any) -> Iterator[tuple[str, str]]:
    """Key and variable, of every variable that an operation is given."""
    for name in one.variables:
        yield "variables", str(name)
    for key in ("id", "input", "token", "version"):
        if getattr(one, key, None) is not None:
            yield key, getattr(one, key)
    for variable in getattr(one, "by", {}).values():
        yield "by", variable
    if getattr(one, "changed_since", None) is not None:
        yield "changed_since", one.changed_since.variable
    pages = getattr(one, "pages", None)
    for key in ("after", "first", "offset", "limit"):
        if getattr(pages, key, None) is not None:
            yield f"pages.{key}", getattr(pages, key)


def _places(said: GraphqlDatatype, name: str, one: Any, operation: Operation) -> Iterator[tuple[str, str | None]]:
    for key in ("records", "record", "errors", "total", "replayed"):
        path = getattr(one, key, None)
        if path is not None and not operation.has(path.removesuffix("[]")):
            yield f"`{name}.{key}`: nothing is selected at {path}", f"the query begins with {operation.root()}"
    if name in ("list", "find"):
        place = one.records or operation.records_path(said.id)
        if place is None:
            yield f"`{name}`: no list with the id {said.id!r} is selected", "say where: `records: issues.nodes`"
    else:
        place = one.record or operation.record_path(said.id)
        if place is None and name in ("get", "create"):
            yield f"`{name}`: no object with the id {said.id!r} is selected", "say where: `record: issue`"
    if place is None or name in ("update", "delete"):
        return
    needed = [(key, getattr(said, key)) for key in ("id", "modified", "created", "key_property")]
    if name == "find":
        needed = [("id", said.id), *(("by", path) for path in one.by)]
    for key, path in needed if name != "create" else needed[:1]:
        if path is not None and not operation.has(f"{place}.{path}"):
            yield f"`{name}` does not select {path} ({key}) at {place}", "select it"


def _version_faults(said: GraphqlDatatype) -> Iterator[tuple[str, str | None]]:
    for name, one in (("update", said.update), ("delete", said.delete)):
        if one is not None and one.version is not None and said.version is None:
            yield f"`{name}.version` needs the property that holds the version", "say `version: PATH` for the datatype"
    if said.version is None or said.version.path is None:
        return
    if said.update is not None and said.update.version is None:
        hint = "say `update: {version: VARIABLE}`, or leave out `version`"
        yield "`version` needs the variable of the update that takes it", hint
    for name in ("list", "get"):
        operation, one = Operation(getattr(said, name).query), getattr(said, name)
        place = (
            (one.records or operation.records_path(said.id))
            if name == "list"
            else (one.record or operation.record_path(said.id))
        )
        if place is not None and not operation.has(f"{place}.{said.version.path}"):
            yield f"`{name}` does not select {said.version.path} (version) at {place}", "select it"
