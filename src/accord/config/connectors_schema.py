"""What each connector's systems and datatypes take besides the common keys: name → (system model, datatype model)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from accord.config.graphql_schema import GraphqlDatatype, GraphqlSystem
from accord.config.kinds import refuse
from accord.config.odata_schema import ODataDatatype, ODataSystem
from accord.config.rest_schema import OpenapiDatatype, OpenapiSystem, RestDatatype, RestSystem
from accord.config.schema import DatatypeModel, Expression, Strict, SystemModel, Texts


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


class FileSystem(SystemModel):
    path: str | None = None
    folder: str | None = None
    format: Format | None = None


class FileDatatype(DatatypeModel):
    path: str | None = None
    format: Format | None = None
    sheet: str | None = None
    separator: str | None = None
    encoding: str | None = None


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
    "memory": (MemorySystem, AnyDatatype),
    "openapi": (OpenapiSystem, OpenapiDatatype),
    "odata": (ODataSystem, ODataDatatype),
    "graphql": (GraphqlSystem, GraphqlDatatype),
}
