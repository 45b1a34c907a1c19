"""The connector of files: CSV, JSON lines, Excel, Parquet, on this machine, an SFTP server or in an S3 bucket.

The whole file is read, and replaced atomically to write. A record's version is the fingerprint of its whole line. Right
before the replacement the file is looked at again: if somebody saved it meanwhile, the write is stale.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4
from zoneinfo import ZoneInfo

from accord.config.meaning import Datatype, System
from accord.connectors.file_excel import Excel
from accord.connectors.file_formats import Changes, Csv, Data, Format, JsonLines, Line, WrongShape
from accord.connectors.file_parquet import Parquet
from accord.connectors.file_places import LocalPlace, Moved, Place, Unsure
from accord.connectors.file_s3 import S3Place
from accord.connectors.file_sftp import SftpPlace
from accord.connectors.paths import flat, get_path
from accord.errors import AccordError, MendFile, ProtocolError, SystemFailure, Unreachable
from accord.model import Absence, Natives, Outcome, OutcomeKind, Record, encode_content, encode_natives, fingerprint
from accord.ports import (
    Capabilities,
    Cursor,
    DatatypeSchema,
    Discovered,
    Expects,
    NewRecord,
    Page,
    PropertySchema,
    RecordFailure,
)

T = TypeVar("T")
PAGE = 1000
BATCH = 100
PATIENCE = 10
"""Times the timeout of the system: what a whole file may take."""
PLACES: dict[str, Callable[[System, str], Place]] = {"sftp": SftpPlace, "s3": S3Place}
STALE = Outcome(kind=OutcomeKind.STALE, message="the record or the file has changed")
READ_ONLY = Outcome(kind=OutcomeKind.REJECTED, message="the project file says read_only")


class _Late(Unreachable):
    """The deadline passed while a thread still worked."""


@dataclass(slots=True)
class _File:
    """One datatype's file."""

    datatype: Datatype
    place: Place
    format: Format
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    last_id: int = 0
    """The highest number seen, so that the id of a deleted record is not given again by this process."""

    @property
    def path(self) -> Path:
        """The content, as a file of this machine."""
        return self.place.local()

    @property
    def name(self) -> str:
        """For messages."""
        return self.place.name


class FileConnector:
    """A folder of files: `path`, and optionally `format`, `separator`, `encoding` or `sheet`, for each datatype."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.requests = 0
        self._zone = ZoneInfo(system.clock.zone)
        self._files = {name: _file(system, told, self._zone) for name, told in system.datatypes.items()}
        self._paths: dict[str, tuple[str, ...]] = {}

    async def open(self, paths: Mapping[str, Sequence[str]]) -> None:
        """See `Connector`."""
        self._paths = {name: tuple(found) for name, found in paths.items()}
        for file in self._files.values():
            file.place.open(asyncio.get_running_loop())

    async def close(self) -> None:
        """See `Connector`."""
        for file in self._files.values():
            await file.place.close()

    def capabilities(self, datatype: str) -> Capabilities:
        """See `Connector`. With `key_property` a repeated create is noticed: the file is read before it is written."""
        own_key = self.system.datatypes[datatype].key_property is not None
        return Capabilities(
            version_check="version",
            own_key=own_key,
            idempotent_create=own_key,
            find=self._paths.get(datatype, ()),
            batch=BATCH,
            exact_listing=True,
            read_only=self.system.read_only,
        )

    async def read(self, datatype: str, cursor: Cursor) -> AsyncIterator[Page]:
        """See `Connector`. Always the whole file; one that changes while it is read is no listing."""
        file = self._files[datatype]
        before = await self._thread(file.place.stamp)
        found = self._records(file)
        while True:
            batch = await self._thread(lambda: list(islice(found, PAGE)))
            last = len(batch) < PAGE
            if last and not file.place.is_snapshot and await self._thread(file.place.stamp) != before:
                raise Unreachable(self.system.name, f"{file.name} was saved while it was read")
            records = [each for each in batch if isinstance(each, Record)]
            failures = [each for each in batch if isinstance(each, RecordFailure)]
            yield Page(records=records, failures=failures, complete=last)
            if last:
                return

    async def fetch(self, datatype: str, ids: Sequence[str]) -> dict[str, Record | Absence]:
        """See `Connector`. Beside lines that cannot be read no id counts as gone."""
        file = self._files[datatype]
        found: dict[str, Record | Absence] = dict.fromkeys(ids, Absence.GONE)

        def wanted() -> list[Record | RecordFailure]:
            file.place.renew()
            return self._wanted(file, frozenset(ids))

        for each in await self._thread(wanted):
            if isinstance(each, Record):
                found[each.id] = each
            elif each.id is not None:
                found[each.id] = Absence.FAILED
            else:
                found = {id: Absence.FAILED if at is Absence.GONE else at for id, at in found.items()}
        return found

    async def find(self, datatype: str, by: Natives) -> list[Record]:
        """See `Connector`."""
        file = self._files[datatype]

        def matching() -> list[Record]:
            file.place.renew()
            lines = (line for line in self._lines(file) if line.problem is None and _has(line.data, by))
            return [self._record(file, line.data) for line in lines]

        return await self._thread(matching)

    async def create(self, datatype: str, new: Sequence[NewRecord]) -> list[Outcome]:
        """See `Connector`. One replacement for all of them; if one does not fit, one for each."""
        file = self._files[datatype]
        if self.system.read_only:
            return [READ_ONLY for _ in new]
        async with file.lock:
            outcomes = await self._written(lambda: self._create(file, new), len(new))
            if len(new) > 1 and any(outcome.kind is OutcomeKind.REJECTED for outcome in outcomes):
                return [await self._create_alone(file, item) for item in new]
            return outcomes

    async def _create_alone(self, file: _File, item: NewRecord) -> Outcome:
        try:
            return (await self._written(lambda: self._create(file, [item]), 1))[0]
        except SystemFailure as failed:
            return Outcome(kind=OutcomeKind.UNKNOWN, message=str(failed))

    async def update(self, datatype: str, id: str, patch: Natives, expects: Expects) -> Outcome:
        """See `Connector`."""
        file = self._files[datatype]
        return await self._change(file, id, expects, Changes(id=file.datatype.id, patches={id: patch}))

    async def delete(self, datatype: str, id: str, expects: Expects) -> Outcome:
        """See `Connector`."""
        file = self._files[datatype]
        return await self._change(file, id, expects, Changes(id=file.datatype.id, removed=frozenset({id})))

    async def schema(self) -> Mapping[str, DatatypeSchema]:
        """See `Connector`. The columns and their types, where the format has some."""
        return {name: await self._thread(lambda: self._schema(file)) for name, file in self._files.items()}  # noqa: B023

    async def discover(self, sample: int) -> Sequence[Discovered]:
        """See `Discovers`. The files of the project file."""
        return [await self._thread(lambda: self._discovered(file, sample)) for file in self._files.values()]  # noqa: B023

    def _discovered(self, file: _File, sample: int) -> Discovered:
        told = self._schema(file).properties
        lines = (line.data for line in self._lines(file) if line.problem is None)
        keys = {"path": file.name, "id": file.datatype.id}
        return Discovered(name=file.datatype.name, keys=keys, properties=told, samples=list(islice(lines, sample)))

    # reading

    def _lines(self, file: _File) -> Iterator[Line]:
        self.requests += 1
        self._check_columns(file)
        try:
            yield from file.format.lines(file.path)
        except AccordError:
            raise
        except OSError as error:
            raise Unreachable(self.system.name, f"{file.name}: {error.strerror}") from error
        except Exception as error:  # a damaged file fails in as many ways as there are parsers
            raise ProtocolError(self.system.name, f"{file.name}: {error}") from error

    def _records(self, file: _File) -> Iterator[Record | RecordFailure]:
        seen: set[str] = set()
        for line in self._lines(file):
            id = get_path(line.data, file.datatype.id)
            if line.problem is not None or id in (None, "") or not isinstance(id, str | int):
                text = str(id) if isinstance(id, str | int) and id != "" else None
                yield RecordFailure(id=text, message=line.problem or "a line without an id: give it one")
            elif str(id) in seen:
                yield RecordFailure(id=str(id), message=f"two lines have the id {id}")
            else:
                seen.add(str(id))
                try:
                    yield self._record(file, line.data)
                except (ValueError, RecursionError) as error:
                    yield RecordFailure(id=str(id), message=str(error))

    def _wanted(self, file: _File, ids: frozenset[str]) -> list[Record | RecordFailure]:
        return [each for each in self._records(file) if each.id is None or each.id in ids]

    def _record(self, file: _File, data: Data) -> Record:
        id = get_path(data, file.datatype.id)
        return Record(
            id=str(id),
            native_id=id,
            content=encode_content(flat(data, self._paths.get(file.datatype.name, ()))),
            version=fingerprint(encode_natives(data)).hex(),
            modified=self._moment(get_path(data, file.datatype.modified)) if file.datatype.modified else None,
        )

    def _moment(self, value: Any) -> datetime | None:
        try:
            moment = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            return None
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=self._zone)

    def _check_columns(self, file: _File) -> None:
        try:
            columns = file.format.columns(file.path)
        except OSError as error:
            raise Unreachable(self.system.name, f"{file.name}: {error.strerror}") from error
        except WrongShape as error:
            raise ProtocolError(self.system.name, f"{file.name} {error}") from error
        told = file.datatype
        for path in (told.id, told.key_property, told.modified, *self._paths.get(told.name, ())):
            if columns is not None and path is not None and path not in columns:
                near = get_close_matches(path, columns, n=1) or list(columns)
                hint = f"did you mean {near[0]!r}?" if len(near) == 1 else f"there are: {', '.join(near)}"
                raise ProtocolError(self.system.name, f"{file.name}: there is no column {path!r}", hint=hint)

    def _schema(self, file: _File) -> DatatypeSchema:
        file.place.renew()
        self._check_columns(file)
        names, types = file.format.columns(file.path) or (), file.format.types(file.path)
        told = {each: PropertySchema(path=each, type=types.get(each)) for each in names}
        return DatatypeSchema(name=file.datatype.name, properties=told)

    # writing

    async def _change(self, file: _File, id: str, expects: Expects, changes: Changes) -> Outcome:
        if self.system.read_only:
            return READ_ONLY
        async with file.lock:
            return (await self._written(lambda: [self._change_one(file, id, expects, changes)], 1))[0]

    def _change_one(self, file: _File, id: str, expects: Expects, changes: Changes) -> Outcome:
        stamp = file.place.stamp()
        found = self._wanted(file, frozenset({id}))
        there = [each for each in found if each.id == id]
        if not there:
            deleting = bool(changes.removed) and not found
            return Outcome(kind=OutcomeKind.ALREADY) if deleting else STALE
        if len(there) > 1 or not isinstance(there[0], Record):
            return Outcome(kind=OutcomeKind.REJECTED, message=f"the line of {id} cannot be read, or there are two")
        if not _as_expected(there[0], expects):
            return STALE
        written = self._replace(file, changes, stamp, frozenset({id}))
        return Outcome(kind=OutcomeKind.APPLIED, record=written.get(id))

    def _create(self, file: _File, new: Sequence[NewRecord]) -> list[Outcome]:
        stamp, told = file.place.stamp(), file.datatype
        lines = list(self._lines(file))
        key = told.key_property
        known = {get_path(line.data, key): line.data for line in lines} if key is not None else {}
        fresh = [item for item in new if item.token not in known]
        ids = _next_ids(file, [get_path(line.data, told.id) for line in lines], fresh)
        added = tuple(
            {told.id: id, **item.natives, **({key: item.token} if key is not None else {})}
            for id, item in zip(ids, fresh, strict=True)
        )
        texts = {item.token: str(natives[told.id]) for item, natives in zip(fresh, added, strict=True)}
        made = self._replace(file, Changes(id=told.id, added=added), stamp, frozenset(texts.values())) if added else {}
        return [
            Outcome(kind=OutcomeKind.ALREADY, record=self._record(file, known[item.token]))
            if item.token in known
            else Outcome(kind=OutcomeKind.APPLIED, record=made.get(texts[item.token]))
            for item in new
        ]

    def _replace(self, file: _File, changes: Changes, stamp: bytes, ids: frozenset[str]) -> dict[str, Record]:
        """Put a changed copy in the place of the file, unless somebody saved it meanwhile. Gives what is in it now."""
        place = file.path.resolve()
        handle, name = tempfile.mkstemp(prefix=f".{place.name}.", suffix=place.suffix, dir=place.parent)
        os.close(handle)
        copy = Path(name)
        try:
            file.format.copy(place, copy, changes)
            shutil.copymode(place, copy)
            written = self._wanted(_File(file.datatype, LocalPlace(copy), file.format), ids)
            file.place.replace(copy, stamp)
        finally:
            copy.unlink(missing_ok=True)
        return {each.id: each for each in written if isinstance(each, Record)}

    async def _written(self, work: Callable[[], list[Outcome]], count: int) -> list[Outcome]:
        try:
            return await self._thread(work)
        except Moved:
            return [STALE] * count
        except (_Late, Unsure) as unsure:
            return [Outcome(kind=OutcomeKind.UNKNOWN, message=str(unsure))] * count
        except (ValueError, OverflowError) as error:
            return [Outcome(kind=OutcomeKind.REJECTED, message=str(error))] * count

    async def _thread(self, work: Callable[[], T]) -> T:
        """Run in a thread. A folder on a network may hang; a large workbook takes its time."""
        seconds = PATIENCE * self.system.limits.timeout
        try:
            return await asyncio.wait_for(asyncio.shield(asyncio.to_thread(work)), seconds)
        except TimeoutError:
            raise _Late(self.system.name, f"no answer in {seconds:g} s") from None
        except OSError as error:
            raise Unreachable(self.system.name, f"{error.filename or ''}: {error.strerror or error}") from error


def _file(system: System, told: Datatype, zone: ZoneInfo) -> _File:
    given = str(told.options.get("path") or "")
    if not given:
        raise MendFile(f"{told.system}: {told.name}: `path` is missing", hint="path: tasks.csv")
    name = str(told.options.get("format") or Path(given).suffix.lstrip(".")).lower()
    return _File(told, _place(system, given), _format(name, told, zone))


def _place(system: System, given: str) -> Place:
    scheme, far, _ = given.partition("://")
    if not far:
        return LocalPlace(Path(str(system.options.get("folder", "."))) / given)
    if scheme not in PLACES:
        raise MendFile(f"{system.name}: files are not read by {scheme}://", hint=f"there are {', '.join(PLACES)}")
    return PLACES[scheme](system, given)


def look_at(path: Path, most: int) -> list[Data]:
    """The first lines of a file that no project names yet. Raises SystemFailure, MendFile."""
    datatype = Datatype(system=path.name, name=path.stem, title=path.stem, options={"path": str(path)})
    format = _format(path.suffix.lstrip(".").lower(), datatype, ZoneInfo("UTC"))
    try:
        return [line.data for line in islice(format.lines(path), most) if line.problem is None]
    except AccordError:
        raise
    except Exception as error:  # a damaged file fails in as many ways as there are parsers
        raise ProtocolError(path.name, f"{path.name}: {error}") from error


def _format(name: str, told: Datatype, zone: ZoneInfo) -> Format:
    options = told.options
    if name in ("csv", "tsv", "txt"):
        return Csv(encoding=str(options.get("encoding", "utf-8")), separator=options.get("separator"))
    if name in ("jsonl", "ndjson", "jsonlines"):
        return JsonLines()
    if name in ("xlsx", "excel"):
        return Excel(options.get("sheet"))
    if name == "parquet":
        return Parquet(zone)
    raise MendFile(f"{told.system}: {told.name}: {name!r} is not csv, jsonl, xlsx or parquet")


def _has(data: Data, by: Natives) -> bool:
    return all(get_path(data, path) == value for path, value in by.items())


def _as_expected(record: Record, expects: Expects) -> bool:
    if expects.version is not None:
        return record.version == expects.version
    now = record.natives()
    return all(now.get(path) == value for path, value in expects.natives.items())


def _next_ids(file: _File, there: list[Any], new: Sequence[NewRecord]) -> list[str | int]:
    """The next whole numbers where all ids are such; else UUIDs. Text stays text."""
    numbers = [int(id) for id in there if isinstance(id, int) or (isinstance(id, str) and id.isdecimal())]
    if len(numbers) < len(there):
        return [str(uuid4()) for _ in new]
    start = max([file.last_id, *numbers])
    file.last_id = start + len(new)
    as_text = any(isinstance(id, str) for id in there)
    return [str(start + at) if as_text else start + at for at in range(1, len(new) + 1)]
