"""The shape of `tests:`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from accord.config.schema import Strict, Text, Texts

Kind = Literal["conflict", "review", "rejected", "in_doubt", "brake", "value", "frozen", "delete"]


class WriteModel(Strict):
    """One expected write: `create: SYSTEM/DATATYPE`, or `update` or `delete: SYSTEM/DATATYPE/ID`."""

    create: str | None = None
    update: str | None = None
    delete: str | None = None
    with_: dict[Any, Any] = Field(default={}, alias="with")


class HeldModel(Strict):
    """One expected held item."""

    kind: Kind
    of: str
    row: str | None = None


class ExpectModel(Strict):
    """What must come of it; what is left out is not looked at."""

    writes: list[WriteModel] | None = None
    held: list[HeldModel] | None = None
    linked: list[list[str]] | None = None


class CaseModel(Strict):
    """One test."""

    description: Text | None = None
    in_step: list[dict[str, dict[Any, Any] | None]] = []
    new: dict[str, dict[Any, Any] | None] = {}
    edit: dict[str, dict[Any, Any]] = {}
    delete: Texts = []
    expect: ExpectModel
