"""What the conformance suite needs of a connector under test: the connector, and a person in its system."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from decimal import Decimal
from inspect import isawaitable
from typing import Any

from accord.errors import Broken
from accord.model import Native, Natives, Outcome, Record
from accord.ports import Capabilities, Connector, Cursor, Expects, NewRecord, Page


@dataclass(kw_only=True, slots=True)
class Harness:
    """A connector, not opened yet, and what a person can do in its system. The functions may be asynchronous."""

    connector: Connector
    datatype: str
    text: str
    """Path of a text property that may be null, and that the system stores as it is given."""
    unmapped: str
    """Path of a text property that the connector is not told of."""
    insert: Callable[[Natives], str | Awaitable[str]]
    """Makes a record from `{path: value}`; gives its id as text."""
    edit: Callable[[str, Natives], object]
    delete: Callable[[str], object]
    get: Callable[[str], Natives | Awaitable[Natives | None] | None]
    """`{path: value}` of at least the properties named here, or None when the record is gone."""
    decimal: str | None = None
    """Path of a property with two decimals."""
    unique: str | None = None
    """Path of a text property that two records cannot share."""
    filled: Mapping[str, Any] | None = None
    """What every new record needs besides."""
    keeps_null: bool = True
    """A null is shown as null, and not as an empty text or not at all."""
    keeps_empty: bool = True
    """An empty text is shown as an empty text, and not as null."""
    soft: bool = False
    """A deleted record is still shown when it is asked for."""
    around: AbstractAsyncContextManager[Any] | None = None
    """Entered in the test's event loop before the connector is opened: a server that lives in it."""

    @property
    def paths(self) -> tuple[str, ...]:
        """The mapped paths, not in alphabetical order."""
        named = (self.unique, self.text, self.decimal)
        return tuple(path for path in named if path is not None)

    @property
    def can(self) -> Capabilities:
        """What the connector promises for the datatype."""
        return self.connector.capabilities(self.datatype)

    def values(self, number: int, **more: Native) -> dict[str, Native]:
        """A valid record that differs from those of other numbers; `text` and `decimal` may be given."""
        natives: dict[str, Native] = {**(self.filled or {}), self.text: more.get("text", f"Record {number}")}
        if self.unique is not None:
            natives[self.unique] = f"U{number}"
        if self.decimal is not None:
            natives[self.decimal] = more.get("decimal", Decimal("1.25"))
        return natives

    async def person(self, result: Any) -> Any:
        """What a person's function gives, waited for where it must be."""
        return await result if isawaitable(result) else result

    async def inserted(self, number: int = 1, **more: Native) -> str:
        """A record made by a person; its mapped and unmapped properties are filled."""
        natives = {**self.values(number, **more), self.unmapped: f"note {number}"}
        return str(await self.person(self.insert(natives)))

    async def shown(self, id: str) -> Record:
        """The record as the connector fetches it."""
        found = (await self.connector.fetch(self.datatype, [id]))[id]
        if not isinstance(found, Record):
            raise Broken(f"{id} is {found}")
        return found

    async def stored(self, id: str) -> Natives:
        """The record as a person sees it."""
        found = await self.person(self.get(id))
        if found is None:
            raise Broken(f"{id} is gone")
        natives: Natives = found
        return natives

    async def listed(self, cursor: Cursor = None) -> tuple[list[Record], list[Page]]:
        """All records of a reading, and its pages."""
        pages = [page async for page in self.connector.read(self.datatype, cursor)]
        return [record for page in pages for record in page.records], pages

    async def created(self, number: int = 1, token: str | None = None, **more: Native) -> Outcome:
        """The outcome of one create."""
        new = NewRecord(natives=self.values(number, **more), token=token or f"token-{number}")
        (outcome,) = await self.connector.create(self.datatype, [new])
        return outcome

    async def updated(self, id: str, patch: Natives, expects: Expects) -> Outcome:
        """The outcome of one update."""
        return await self.connector.update(self.datatype, id, patch, expects)


def ground(record: Record) -> Expects:
    """The expectation that a record is still as it was shown."""
    return Expects(version=record.version, natives=record.natives())
