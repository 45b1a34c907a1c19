"""The hand that makes, edits, reads and removes marked records of one datatype, and notes each before it is made."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from accord.config.meaning import Datatype, System
from accord.errors import AccordError, SystemFailure
from accord.model import Absence, Native, Natives, Outcome, OutcomeKind, Record
from accord.ports import Connector, Cursor, Expects, NewRecord
from accord.probing.notes import Note, Notes, address_of
from accord.values.expressions import Expression, compile_expression

Pause = Callable[[float], Awaitable[None]]
LOOKS = 5
"""So often a listing is looked at before a record counts as not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """How a create ended."""

    outcome: Outcome
    id: str | None = None
    record: Record | None = None
    """The record as a reading by its id shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A reading of the datatype."""

    records: Mapping[str, Record] = field(default_factory=dict)
    deleted: frozenset[str] = frozenset()
    cursor: Cursor = None
    complete: bool = False


class Hand:
    """Works in one datatype. Everything that it makes holds `tag` in the property `path`."""

    def __init__(
        self,
        system: System,
        connector: Connector,
        datatype: Datatype,
        notes: Notes,
        tag: str,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self.system, self.connector, self.datatype = system, connector, datatype
        self.notes, self.tag, self.pause = notes, tag, pause
        self.path = ""
        self.made = 0
        self.number = 0
        self.resolution = system.clock.resolution
        """Seconds between two modification times that differ, as far as was seen."""
        self._deleted: Expression | None = compile_expression(datatype.deleted) if datatype.deleted else None
        self._notes: dict[str, Note] = {}
        self.doubtful: list[Note] = []
        """Creates of which nobody knows whether they happened."""

    @property
    def name(self) -> str:
        """The datatype's."""
        return self.datatype.name

    def mark(self) -> str:
        """A text that no other record has."""
        self.number += 1
        return f"{self.tag}{self.number}"

    async def create(self, natives: Natives, *, token: str | None = None) -> Made:
        """Make a record that holds the mark. Raises SystemFailure."""
        note = self.notes.add(
            Note(
                system=self.system.name,
                address=address_of(self.system),
                datatype=self.name,
                path=self.path,
                mark=self.tag,
                at=time.time(),
            )
        )
        new = NewRecord(natives=natives, token=token or f"accord-probe-{self.tag}-{self.number}")
        (outcome,) = await self.connector.create(self.name, [new])
        if outcome.kind in (OutcomeKind.REJECTED, OutcomeKind.STALE):
            self.notes.strike(note)
            return Made(outcome=outcome)
        id = outcome.record.id if outcome.record is not None else await self._searched(str(natives[self.path]))
        if id is None:
            self.doubtful.append(note)
            return Made(outcome=outcome)
        if id in self._notes:  # a repeated create that was known
            self.notes.strike(note)
        else:
            note.id, self._notes[id] = id, note
            self.notes.save()
            self.made += 1
        return Made(outcome=outcome, id=id, record=await self.look(id))

    async def _searched(self, mark: str) -> str | None:
        """The id of a record of which the answer did not tell, by its mark."""
        try:
            listing = await self.listing()
        except SystemFailure:
            return None
        return next((id for id, one in listing.records.items() if one.natives().get(self.path) == mark), None)

    async def _searched_by_tag(self) -> set[str] | None:
        """The ids of all records that a listing shows and that hold the mark; None where it fails."""
        try:
            listing = await self.listing()
        except SystemFailure:
            return None
        return {
            id for id, one in listing.records.items() if holds(one, self.path, self.tag) and not self.is_deleted(one)
        }

    async def look(self, id: str) -> Record | None:
        """The record as it is; None where it is gone, softly too."""
        answer = (await self.connector.fetch(self.name, [id]))[id]
        return answer if isinstance(answer, Record) and not self.is_deleted(answer) else None

    async def answer(self, id: str) -> Record | Absence:
        """What the system says of an id."""
        return (await self.connector.fetch(self.name, [id]))[id]

    def is_deleted(self, record: Record) -> bool:
        """Whether a record is softly deleted."""
        try:
            return self._deleted is not None and self._deleted.test(record.natives())
        except AccordError:
            return False

    async def update(self, record: Record, patch: Natives, expects: Expects | None = None) -> Outcome:
        """Change a record; without `expects` on the ground of the record that is given."""
        return await self.connector.update(
            self.name, record.id, patch, expects or Expects(version=record.version, natives={})
        )

    async def remove(self, id: str) -> bool:
        """Delete a record and look that it is gone."""
        for _ in range(LOOKS):
            answer = await self.answer(id)
            if answer is Absence.GONE or (isinstance(answer, Record) and self.is_deleted(answer)):
                break
            if isinstance(answer, Record):
                await self.connector.delete(self.name, id, Expects(version=answer.version, natives={}))
            elif id in self._notes:  # it was made here, and cannot be read any more
                await self.connector.delete(self.name, id, Expects())
        else:
            return False
        note = self._notes.pop(id, None)
        if note is not None:
            self.notes.strike(note)
        return True

    def unmarked(self, id: str, *, marked: bool) -> None:
        """Note that the property with the mark is tried with other values, or holds it again."""
        if id in self._notes and self._notes[id].marked != marked:
            self._notes[id].marked = marked
            self.notes.save()

    async def restore(self, id: str, path: str, value: Native) -> None:
        """Put a property back to what it was, even where the record cannot be read with what it holds now."""
        now = await self.answer(id)
        version = now.version if isinstance(now, Record) else None
        if not isinstance(now, Record) or now.natives().get(path) != value:
            await self.connector.update(self.name, id, {path: value}, Expects(version=version, natives={}))

    async def remove_all(self) -> list[str]:
        """Remove what is still there. Gives the ids of what cannot be removed; "?" for a create in doubt."""
        left = []
        for note in list(self.doubtful):
            found = await self._searched_by_tag()
            if found is None:
                left.append("?")
                continue
            for id in found - set(self._notes):
                await self.remove(id)
            if time.time() - note.at > self.system.limits.grace:
                self.notes.strike(note)
            else:
                left.append("?")
        for id in reversed(list(self._notes)):
            try:
                gone = await self.remove(id)
            except SystemFailure:
                gone = False
            if not gone:
                left.append(id)
        return left

    async def listing(self, cursor: Cursor = None) -> Listing:
        """Everything that a reading shows."""
        records: dict[str, Record] = {}
        deleted: set[str] = set()
        found, complete = cursor, False
        async for page in self.connector.read(self.name, cursor):
            records |= {record.id: record for record in page.records}
            deleted |= set(page.deleted)
            found, complete = page.cursor if page.cursor is not None else found, page.complete
        return Listing(records=records, deleted=frozenset(deleted), cursor=found, complete=complete)

    def step(self) -> float:
        """Seconds after which two modification times can be told apart."""
        return self.resolution * 1.1


def holds(record: Record, path: str, mark: str) -> bool:
    """Whether a record holds a mark, whatever its system did to the case of it."""
    value: Native = record.natives().get(path)
    return isinstance(value, str) and mark.casefold() in value.casefold()
