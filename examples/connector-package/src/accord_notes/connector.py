"""The port `accord.ports.Connector` over folders of notes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

from accord.config.meaning import Datatype, System
from accord.errors import Unreachable
from accord.model import Absence, Natives, Outcome, OutcomeKind, Record, encode_content
from accord.ports import Capabilities, Cursor, DatatypeSchema, Expects, NewRecord, Page, RecordFailure
from accord_notes.folder import File, Folder, Moved, Taken, Unsure
from accord_notes.note import BadNote, Note
from accord_notes.options import NotesDatatype, NotesSystem

T = TypeVar("T")
PAGE = 200
GONE = Outcome(kind=OutcomeKind.ALREADY, message="the note is gone")
STALE = Outcome(kind=OutcomeKind.STALE, message="the note has changed")
READ_ONLY = Outcome(kind=OutcomeKind.REJECTED, message="the project file says read_only")


@dataclass(slots=True)
class _Place:
    """Where the notes of one datatype are."""

    datatype: Datatype
    folder: Folder
    body: str
    paths: tuple[str, ...] = ()
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def natives(self, file: File) -> Natives:
        """Every property of a note, its id included. Raises BadNote."""
        return {**file.note.natives(self.body), self.datatype.id: file.id}

    def record(self, file: File) -> Record:
        """A note as the engine takes it: its mapped properties, in their order."""
        natives = self.natives(file)
        content = encode_content({path: natives[path] for path in self.paths if path in natives})
        return Record(id=file.id, native_id=file.id, content=content, version=file.version, modified=file.modified)


class NotesConnector:
    """One folder with a folder of notes for each datatype."""

    system_model = NotesSystem
    datatype_model = NotesDatatype

    def __init__(self, system: System) -> None:
        self.system = system
        self.requests = 0
        root = Path(system.options["folder"])
        self._places = {
            name: _Place(
                datatype=told,
                folder=Folder(root / told.options.get("folder", name)),
                body=told.options.get("body", "body"),
            )
            for name, told in system.datatypes.items()
        }

    async def open(self, paths: Mapping[str, Sequence[str]]) -> None:
        """See `Connector`."""
        for name, found in paths.items():
            self._places[name].paths = tuple(found)

    async def close(self) -> None:
        """See `Connector`."""

    def capabilities(self, datatype: str) -> Capabilities:
        """See `Connector`. The name of a new file is made of the key of its create, so a repetition finds it there."""
        place = self._places[datatype]
        return Capabilities(
            version_check="version",
            own_key=place.datatype.key_property is not None,
            idempotent_create=True,
            find=place.paths,
            read_only=self.system.read_only,
        )

    async def read(self, datatype: str, cursor: Cursor) -> AsyncIterator[Page]:
        """See `Connector`. Always all of them; a note that is removed meanwhile is not shown."""
        place = self._places[datatype]
        ids = await self._thread(place.folder.ids)
        starts = range(0, len(ids), PAGE)
        for start in starts:
            found = await self._thread(lambda: [self._shown(place, id) for id in ids[start : start + PAGE]])  # noqa: B023
            yield Page(
                records=[each for each in found if isinstance(each, Record)],
                failures=[each for each in found if isinstance(each, RecordFailure)],
                complete=start == starts[-1],
                total=len(ids),
            )
        if not ids:
            yield Page(complete=True, total=0)

    async def fetch(self, datatype: str, ids: Sequence[str]) -> dict[str, Record | Absence]:
        """See `Connector`."""
        place = self._places[datatype]
        found = await self._thread(lambda: {id: self._shown(place, id) for id in ids})
        return {
            id: Absence.GONE if each is None else each if isinstance(each, Record) else Absence.FAILED
            for id, each in found.items()
        }

    async def find(self, datatype: str, by: Natives) -> list[Record]:
        """See `Connector`. All notes are read."""
        place = self._places[datatype]

        def matching() -> list[Record]:
            found = []
            for file in map(place.folder.get, place.folder.ids()):
                natives = {} if file is None else place.natives(file)
                if file is not None and all(path in natives and natives[path] == by[path] for path in by):
                    found.append(place.record(file))
            return found

        return await self._thread(matching)

    async def create(self, datatype: str, new: Sequence[NewRecord]) -> list[Outcome]:
        """See `Connector`."""
        place = self._places[datatype]
        return [await self._write(place, lambda: self._create(place, item)) for item in new]  # noqa: B023

    async def update(self, datatype: str, id: str, patch: Natives, expects: Expects) -> Outcome:
        """See `Connector`."""
        place = self._places[datatype]

        def change() -> Outcome:
            file = place.folder.get(id)
            if file is None or not _as_expected(place, file, expects):
                return STALE
            if patch.get(place.datatype.id, id) != id:
                return Outcome(kind=OutcomeKind.REJECTED, message="the id of a note is the name of its file")
            rest = {path: value for path, value in patch.items() if path != place.datatype.id}
            written = place.folder.replace(file, file.note.changed(rest, place.body))
            return Outcome(kind=OutcomeKind.APPLIED, record=place.record(written))

        return await self._write(place, change)

    async def delete(self, datatype: str, id: str, expects: Expects) -> Outcome:
        """See `Connector`."""
        place = self._places[datatype]

        def remove() -> Outcome:
            file = place.folder.get(id)
            if file is None:
                return GONE
            if not _as_expected(place, file, expects):
                return STALE
            place.folder.remove(file)
            return Outcome(kind=OutcomeKind.APPLIED)

        return await self._write(place, remove)

    async def schema(self) -> Mapping[str, DatatypeSchema]:
        """See `Connector`. Notes tell nothing about themselves."""
        return {}

    def _shown(self, place: _Place, id: str) -> Record | RecordFailure | None:
        try:
            file = place.folder.get(id)
            return None if file is None else place.record(file)
        except ValueError as error:  # BadNote, and what encode_content finds too deep
            return RecordFailure(id=id, message=str(error))

    def _create(self, place: _Place, item: NewRecord) -> Outcome:
        id = blake2b(item.token.encode(), digest_size=6).hexdigest()
        key = place.datatype.key_property
        natives = {path: value for path, value in item.natives.items() if path != place.datatype.id}
        note = Note().changed({**natives, **({key: item.token} if key else {})}, place.body)
        try:
            return Outcome(kind=OutcomeKind.APPLIED, record=place.record(place.folder.add(id, note)))
        except Taken:
            file = place.folder.get(id)
            return Outcome(kind=OutcomeKind.ALREADY, record=None if file is None else place.record(file))

    async def _write(self, place: _Place, work: Callable[[], Outcome]) -> Outcome:
        """One write at a time. What failed before the file was touched raises; later nobody knows."""
        if self.system.read_only:
            return READ_ONLY
        async with place.lock:
            try:
                return await self._thread(work)
            except Moved:
                return STALE
            except Unsure as unsure:
                return Outcome(kind=OutcomeKind.UNKNOWN, message=str(unsure))
            except BadNote as bad:
                return Outcome(kind=OutcomeKind.REJECTED, message=str(bad))

    async def _thread(self, work: Callable[[], T]) -> T:
        self.requests += 1
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            raise Unreachable(self.system.name, f"{error.filename}: {error.strerror}") from error


def _as_expected(place: _Place, file: File, expects: Expects) -> bool:
    """A version decides; without one the values that were seen."""
    if expects.version is not None:
        return file.version == expects.version
    natives = place.natives(file)
    return all(natives.get(path) == value for path, value in expects.natives.items())
