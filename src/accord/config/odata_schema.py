"""What systems and datatypes of the connector `odata` take besides the common keys."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from accord.config.kinds import refuse
from accord.config.rest_schema import RestSystem
from accord.config.schema import DatatypeModel, Paths


class ODataSystem(RestSystem):
    """`base_url` is the service root: the address below which `$metadata` stands."""


class ODataDatatype(DatatypeModel):
    set: str | None = Field(
        default=None, min_length=1, description="The entity set; the datatype's name when left out."
    )
    filter: str | None = Field(default=None, min_length=1, description="A `$filter` for the listing.")
    changes: Literal["modified", "delta", "none"] | None = Field(
        default=None,
        description="How only what changed is listed: a `$filter` on `modified`, or delta links. "
        "`modified` where that key is there, else `none`.",
    )
    find: Paths | None = Field(
        default=None, description="Properties to search by; `key_property` and `natural_key` when left out."
    )
    page_size: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="How many records a page should have at most; the service's own size when left out."
    )

    @model_validator(mode="after")
    def _changes_need_a_time(self) -> ODataDatatype:
        if self.changes == "modified" and self.modified is None:
            refuse("`changes: modified` needs the property that holds the time", hint="add `modified: …`")
        return self
