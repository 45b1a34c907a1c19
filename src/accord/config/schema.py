"""The shape of a project file, as pydantic models. What it means is in `meaning.py`, what leads there in `resolve*.py`.

Keys that are names (systems beside the keys of a flow or row) are told apart before these models see the data.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from accord.config.kinds import duration, is_number, path_fault, rate, refuse
from accord.config.words import LOCAL_PATH, Rewrite


class Strict(BaseModel):
    """Unknown keys are refused; models are built when they are first used."""

    model_config = ConfigDict(extra="forbid", defer_build=True, frozen=True)


def _text(value: Any) -> Any:
    return str(value) if is_number(value) else value


def _path(value: str) -> str:
    fault = path_fault(value)
    return refuse(fault) if fault else value


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _as_is(value: Any) -> Any:
    return value


def _expression(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


Duration = Annotated[float, BeforeValidator(duration, json_schema_input_type=str | float)]
Rate = Annotated[float, BeforeValidator(rate, json_schema_input_type=str | float)]
Text = Annotated[str, BeforeValidator(_text, json_schema_input_type=str | float)]
Path = Annotated[str, AfterValidator(_path)]
Expression = Annotated[str, Field(min_length=1), BeforeValidator(_expression, json_schema_input_type=str | bool)]
LocalPath = Annotated[str, Field(min_length=1), LOCAL_PATH]
"""A file or folder of this machine: a relative one starts at the project file's folder."""
Texts = Annotated[list[str], BeforeValidator(_listed, json_schema_input_type=str | list[str])]
Paths = Annotated[list[Path], BeforeValidator(_listed, json_schema_input_type=str | list[str])]


class LimitsModel(Strict):
    """How hard a system may be pressed."""

    rate: Rate | None = None
    concurrency: int = Field(default=8, ge=1, le=1000)
    timeout: Duration = 30.0
    retries: int = Field(default=4, ge=0, le=100)
    grace: Duration = 120.0


def _zone(value: str) -> str:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(value)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        refuse("not a time zone", allowed="names such as UTC, Europe/Oslo, America/New_York", hint=_near_zone(value))
    return value


def _near_zone(value: str) -> str | None:
    from difflib import get_close_matches
    from zoneinfo import available_timezones

    found = get_close_matches(value, available_timezones(), 1, 0.6)
    return f"did you mean {found[0]!r}?" if found else None


class ClockModel(Strict):
    """How a system tells the time."""

    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    tolerance: Duration = 2.0
    resolution: Duration = 1.0


def _version(value: Any) -> Any:
    if isinstance(value, str):
        return {"etag": True} if value == "etag" else {"path": value}
    return value


class VersionModel(Strict):
    """What proves that a record is unchanged."""

    etag: bool = Field(default=False, exclude=True)
    path: Path | None = None
    header: str | None = None
    query: str | None = None
    deletes: bool = True


def _property(value: Any) -> Any:
    return {"type": value} if isinstance(value, str) else {} if value is None else value


Rewrites = Annotated[list[Rewrite], BeforeValidator(_listed, json_schema_input_type=Rewrite | list[Rewrite])]


class PropertyModel(Strict):
    """What is known of one property."""

    type: str | None = None
    required: bool = False
    max_length: int | None = Field(default=None, ge=0)
    values: list[Any] | None = None
    read_only: bool = False
    create_only: bool = False
    default: Any = None
    rewrites: Rewrites = []
    write_as: Path | None = None
    write_with: dict[Path, Any] | None = None
    null_when_absent: bool = False
    null_as: str | bool | int | None = None
    link: str | None = None
    parts: list[Path] = Field(default=[], min_length=2)
    join: str = Field(default=" ", min_length=1)
    split: Literal["first", "last", "number"] = "last"

    @model_validator(mode="after")
    def _whole_or_joined(self) -> PropertyModel:
        if self.write_with and self.write_as:
            refuse("`write_with` goes with the path that is read", hint="remove `write_as`")
        if self.link is not None and self.link.count("{id}") != 1:
            refuse("a link is an address with one {id} in it", hint="as in `link: /api/v3/projects/{id}`")
        if not self.parts:
            if self.model_fields_set & {"join", "split"}:
                refuse("`join` and `split` say how `parts` become one property", hint="add `parts: [first, last]`")
            return self
        if self.write_as is not None:
            refuse("what is joined of parts is written as these", hint="remove `write_as`")
        if self.link is not None or self.null_as is not None:
            refuse("`link` and `null_as` are for a property of the system itself", hint="say them of its parts")
        if len(set(self.parts)) < len(self.parts):
            refuse("the same part twice")
        if self.split == "number" and (len(self.parts) > 2 or self.join != " "):
            refuse("`split: number` takes a name and a number apart", allowed="two parts, joined by one space")
        if self.type not in (None, "string", "text"):
            refuse("what is joined of parts is text", allowed="string, text")
        return self


Version = Annotated[VersionModel, BeforeValidator(_version, json_schema_input_type=str | VersionModel)]
PropertyOrType = Annotated[PropertyModel, BeforeValidator(_property, json_schema_input_type=str | PropertyModel | None)]


class ScheduleModel(Strict):
    """When `serve` runs rounds."""

    every: Duration | None = None
    full_every: Duration | None = None
    cron: Annotated[str, AfterValidator(lambda value: _cron(value))] | None = None


def _cron(value: str) -> str:
    import re

    fields = value.split()
    if len(fields) != 5 or not all(re.fullmatch(r"[\dA-Za-z*/,\-?#]+", field) for field in fields):
        refuse("not a cron expression", allowed="five fields: minute hour day month weekday, as in `*/5 * * * *`")
    return value


class DatatypeModel(Strict):
    """The keys that every datatype takes."""

    title: Text | None = None
    id: Path = "id"
    modified: Path | None = None
    created: Path | None = None
    version: Version | None = None
    deleted: Expression | None = None
    properties: dict[str, PropertyOrType] = {}
    key_property: Path | None = None
    natural_key: Paths = []
    order: str | bool | None = None
    schedule: ScheduleModel | None = None


class SystemModel(Strict):
    """The keys that every system takes."""

    title: Text | None = None
    connector: str
    limits: LimitsModel = Field(default_factory=lambda: LimitsModel())
    clock: ClockModel = Field(default_factory=lambda: ClockModel())
    read_only: bool = False
    sandbox: bool = False
    datatypes: dict[str, Any]
    schedule: ScheduleModel | None = None


def _limit(value: Any) -> Any:
    if value is None or value == "none":
        return {"none": True}
    return {"number": value} if not isinstance(value, dict) else value


class LimitModel(Strict):
    """A brake: a number, or a share of the linked records and a number that must both be exceeded."""

    none: bool = Field(default=False, exclude=True)
    number: int | None = Field(default=None, ge=0)
    percent: float | None = Field(default=None, ge=0, le=100)
    over: int | None = Field(default=None, ge=0)


Limit = Annotated[LimitModel, BeforeValidator(_limit, json_schema_input_type=int | LimitModel | str | None)]


class FlowLimitsModel(Strict):
    """Brakes on what one round may do in one flow."""

    create: Limit | None = None
    update: Limit | None = None
    delete: Limit | None = None


class DefaultsModel(Strict):
    """For all flows that say nothing else."""

    conflict: Any = None
    on_delete: Any = None
    limits: FlowLimitsModel | None = None
    link: Any = None


class SideModel(Strict):
    """A flow's datatype in one system."""

    datatype: str
    where: Expression | None = None
    when: Expression | None = None
    defaults: dict[str, Any] = {}
    create: bool = True
    update: bool = True
    delete: bool = True
    since: Literal["linked", "all"] = "all"


class MatchScoreModel(Strict):
    """A scored match rule: above `link` it is linked, between the two a person is asked."""

    rows: dict[str, float] = Field(min_length=1)
    link: float = Field(default=0.95, ge=0, le=1)
    review: float = Field(default=0.75, ge=0, le=1)


class FlowModel(Strict):
    """A flow without its sides. What is `Any` is looked at, by hand, where the names of systems are known."""

    link: Any = None
    match: Any = None
    match_score: MatchScoreModel | None = None
    conflict: Any = None
    on_delete: Any = None
    limits: FlowLimitsModel | None = None
    groups: dict[str, Any] = {}
    after: Texts = []
    rows: list[dict[Any, Any]] | None


class GroupModel(Strict):
    """Rows that win or lose together."""

    rows: Texts
    conflict: Any = None


class ItemsModel(Strict):
    """What the elements of a list are made of."""

    key: Texts
    rows: list[dict[Any, Any]] = Field(min_length=1)
    on_delete: Literal["ask", "delete_wins", "edit_wins"] = "ask"


class MapTableModel(Strict):
    """A value map that is kept in a table beside the project file."""

    file: LocalPath
    sheet: str | None = None
    columns: dict[str, Text] = {}
    otherwise: str | dict[str, Any] = "hold"
    lossy: bool = False


def _condition(value: Any) -> Any:
    """One expression alone is kept under no name: whose record it is asked of, the direction says."""
    if not isinstance(value, str | bool):
        return value
    return {"": value} if value != "" else refuse("the expression is empty")


class RowModel(Strict):
    """A row without its paths."""

    name: str | None = Field(default=None, min_length=1)
    type: str = "string"
    direction: str = "both"
    conflict: Any = None
    enforce: str | list[str] | None = None
    required: bool = False
    map: Annotated[dict[Any, Any], BeforeValidator(_as_is, json_schema_input_type=MapTableModel | dict[Any, Any])] = {}
    lens: dict[str, Any] = {}
    equal: Literal["exact", "case", "spaces", "digits"] | None = None
    truncate: bool = False
    keep_filled: bool = False
    items: ItemsModel | None = None
    when: Annotated[
        dict[str, Expression], BeforeValidator(_condition, json_schema_input_type=str | bool | dict[str, str | bool])
    ] = {}
    description: str | None = None


class FileModel(Strict):
    """The top of a project file."""

    accord: int
    title: Text | None = None
    state: str = Field(default="accord.db", min_length=1)
    include: Texts = []
    systems: dict[str, Any]
    flows: dict[str, Any]
    defaults: Any = None
    schedule: Any = None
    notify: Any = None
    console: Any = None
    worker: Any = None
    tests: Any = None
