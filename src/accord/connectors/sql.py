"""The connector of databases: any that SQLAlchemy reaches. One statement a record, its precondition in the `WHERE`.

Readings are short statements in the order of ids, from the last id on, so that no transaction stays open while a page
is handled: an open reading would block the writers of a SQLite file, and keep PostgreSQL from cleaning up.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from accord.config.meaning import System
from accord.connectors.sql_changes import ChangeTable, Progress, begin, following, look, reflect_changes
from accord.connectors.sql_discover import discovered, told_of
from accord.connectors.sql_engine import CommitLost, Database
from accord.connectors.sql_errors import failure, is_refusal
from accord.connectors.sql_group import Writes
from accord.connectors.sql_table import CHUNK, PAGE, Condition, Reflected, SqlTable, reflect
from accord.connectors.sql_types import Speech, resembling
from accord.connectors.sql_work import (
    STALE,
    applied,
    as_page,
    by_ids,
    conditions,
    insert,
    insert_bare,
    mark,
    matching,
    native_id,
    newest,
    page,
    refusal,
    rejected,
    unchanged,
    unknown,
)
from accord.errors import SystemFailure
from accord.model import Absence, Natives, Outcome, OutcomeKind, Record
from accord.ports import Capabilities, Cursor, DatatypeSchema, Discovered, Expects, NewRecord, Page

Insert = Callable[[Connection, SqlTable, NewRecord], Outcome]
BATCH = 100
ALREADY = Outcome(kind=OutcomeKind.ALREADY, message="the record was gone")
READ_ONLY = Outcome(kind=OutcomeKind.REJECTED, message="the project file says read_only, or it is a view")


class SqlConnector:
    """A connection to a database: `url` of the system; `table` or `view`, `where`, `generated` of its datatypes."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.requests = 0
        self._database = Database(system, self._count)
        self._writes = Writes(self._database)
        zone = ZoneInfo(system.clock.zone)
        at = self._database
        self._speech = Speech(sqlite=at.is_sqlite, postgres=at.is_postgres, mysql=at.is_mysql, zone=zone)
        self._paths: dict[str, tuple[str, ...]] = {}
        self._reflected: dict[str, Reflected] = {}
        self._tables: dict[str, SqlTable] = {}
        self._changes: dict[str, ChangeTable | None] = {}

    async def open(self, paths: Mapping[str, Sequence[str]]) -> None:
        """See `Connector`. Looks at the tables; what cannot be reached now is tried again when it is used."""
        self._paths = {name: tuple(found) for name, found in paths.items()}
        self._tables.clear()
        for name in self._paths:
            try:
                await self._table(name)
            except SystemFailure:
                continue

    async def close(self) -> None:
        """See `Connector`."""
        self._writes.close()
        await self._database.close()

    def capabilities(self, datatype: str) -> Capabilities:
        """See `Connector`. Every mapped column can be searched; a create is idempotent where our key is unique."""
        told, table = self.system.datatypes[datatype], self._tables.get(datatype)
        captured = told.options.get("change_table") is not None
        return Capabilities(
            changed_since=told.modified is not None or captured,
            deleted_feed=captured,
            version_check="version" if told.version is not None else "where",
            own_key=told.key_property is not None,
            idempotent_create=table is not None and table.idempotent,
            find=tuple(path for path in table.paths if path in table.found.columns) if table else (),
            batch=BATCH,
            ordered=True,
            exact_listing=True,
            read_only=self._is_read_only(datatype),
        )

    async def read(self, datatype: str, cursor: Cursor) -> AsyncIterator[Page]:
        """See `Connector`. The next reading starts at the latest modification, or change, when this one began."""
        table, changes = await self._table(datatype), await self._changes_of(datatype)
        limits, next_cursor, complete = table.scope(), None, cursor is None or table.modified is None
        if changes is not None:
            progress, tells = await self._database.reading(partial(begin, changes=changes, cursor=cursor))
            if tells:
                async for found in self._captured(table, changes, progress):
                    yield found
                return
            next_cursor, complete = progress.cursor, True
        elif table.modified is not None:
            latest = await self._database.reading(partial(newest, table=table))
            next_cursor = mark(latest, table.speech) or cursor
            if cursor is not None and latest is not None:
                limits.append(table.since(self._bound(cursor, latest)))
        async for found in self._pages(table, limits, next_cursor, complete):
            yield found

    async def _pages(
        self, table: SqlTable, limits: Sequence[Condition], cursor: Cursor, complete: bool
    ) -> AsyncIterator[Page]:
        after: Any = None
        while True:
            answers, last = await self._database.reading(partial(page, table=table, after=after, limits=limits))
            if last is None:
                yield as_page(answers, cursor, complete)
                return
            yield as_page(answers)
            after = last

    async def _captured(self, table: SqlTable, changes: ChangeTable, progress: Progress) -> AsyncIterator[Page]:
        while True:
            rows = await self._database.reading(partial(following, changes=changes, progress=progress))
            seen = partial(look, table=table, changes=rows, scope=table.scope())
            answers, gone = await self._database.reading(seen)
            progress.note(change.number for change in rows)
            yield as_page(answers, progress.cursor, deleted=gone)
            if len(rows) < PAGE:
                return

    async def fetch(self, datatype: str, ids: Sequence[str]) -> dict[str, Record | Absence]:
        """See `Connector`. An id that the column cannot hold is gone."""
        table = await self._table(datatype)
        found: dict[str, Record | Absence] = dict.fromkeys(ids, Absence.GONE)
        possible = [native for native in (native_id(table, id) for id in found) if native is not None]
        for start in range(0, len(possible), CHUNK):
            chunk = possible[start : start + CHUNK]
            answers = await self._database.reading(partial(by_ids, table=table, ids=chunk))
            for id in answers.keys() & found.keys():
                answer = answers[id]
                found[id] = answer if isinstance(answer, Record) else Absence.FAILED
        return found

    async def find(self, datatype: str, by: Natives) -> list[Record]:
        """See `Connector`. By the own key also outside of `where`."""
        table = await self._table(datatype)
        return await self._database.reading(partial(matching, table=table, by=by))

    async def create(self, datatype: str, new: Sequence[NewRecord]) -> list[Outcome]:
        """See `Connector`. At once; if a row is refused, once more with a savepoint for each."""
        table = await self._table(datatype)
        if self._is_read_only(datatype):
            return [READ_ONLY for _ in new]
        try:
            try:
                return await self._insert_all(insert_bare, table, new)
            except (DBAPIError, ValueError, OverflowError) as error:
                self._raise_unless_refused(error)
            return await self._insert_all(insert, table, new)
        except CommitLost as lost:
            return [unknown(lost) for _ in new]
        except DBAPIError as error:
            self._raise_unless_refused(error)
            refused = error
        return await self._refused_at_commit(table, new, refused)

    async def _insert_all(self, how: Insert, table: SqlTable, new: Sequence[NewRecord]) -> list[Outcome]:
        return await self._writes.run(lambda connection: [how(connection, table, item) for item in new])

    async def _refused_at_commit(self, table: SqlTable, new: Sequence[NewRecord], error: DBAPIError) -> list[Outcome]:
        """A deferred constraint does not say which row it means: each again, in a transaction of its own."""
        if len(new) == 1:
            return [rejected(error)]
        outcomes: list[Outcome] = []
        for item in new:
            try:
                outcomes += await self.create(table.datatype.name, [item])
            except SystemFailure as failed:
                outcomes.append(Outcome(kind=OutcomeKind.UNKNOWN, message=str(failed)))
        return outcomes

    async def update(self, datatype: str, id: str, patch: Natives, expects: Expects) -> Outcome:
        """See `Connector`. One UPDATE whose WHERE holds the precondition."""
        table = await self._table(datatype)
        if self._is_read_only(datatype):
            return READ_ONLY
        native, ground = native_id(table, id), conditions(table, expects)
        if native is None or ground is None:
            return STALE

        def change(connection: Connection) -> Outcome:
            if not patch:
                return unchanged(connection, table, native, ground)
            moved = connection.execute(table.update(native, patch, ground)).rowcount == 0
            return STALE if moved else applied(connection, table, native)

        return await self._outcome(change, table, patch)

    async def delete(self, datatype: str, id: str, expects: Expects) -> Outcome:
        """See `Connector`. One DELETE whose WHERE holds the precondition."""
        table = await self._table(datatype)
        if self._is_read_only(datatype):
            return READ_ONLY
        native, ground = native_id(table, id), conditions(table, expects)
        if native is None:
            return ALREADY

        def remove(connection: Connection) -> Outcome:
            if ground is not None and connection.execute(table.delete(native, ground)).rowcount:
                return Outcome(kind=OutcomeKind.APPLIED)
            return ALREADY if connection.execute(table.by_ids([native])).first() is None else STALE

        return await self._outcome(remove, table, {})

    async def schema(self) -> Mapping[str, DatatypeSchema]:
        """See `Connector`. From the database's own description."""
        return {
            name: DatatypeSchema(name=name, properties=told_of(await self._look(name)))
            for name in self.system.datatypes
        }

    async def check(self) -> list[tuple[str, bool, str]]:
        """Per datatype: its name, whether it can be read, and what can be done with it or why not."""
        return [await self._check_one(name) for name in self.system.datatypes]

    async def _check_one(self, name: str) -> tuple[str, bool, str]:
        try:
            table, changes = await self._table(name), await self._changes_of(name)
            if changes is not None:
                await self._database.reading(partial(begin, changes=changes, cursor=None))
            await self._database.reading(lambda at: at.execute(table.page(None, table.scope()).limit(1)).fetchall())
        except SystemFailure as error:
            return name, False, str(error)
        version = table.version
        if version is not None and version.kind not in ("integer", "datetime") and not version.read_only:
            return name, True, f"readable and writable, if a trigger changes {version.name} at each write"
        return name, True, "readable" if self._is_read_only(name) else "readable and writable"

    async def discover(self, sample: int) -> Sequence[Discovered]:
        """See `Discovers`. Every table and view of the schema that the connection is in, and those of the file."""
        return await self._database.reading(partial(discovered, system=self.system, speech=self._speech, sample=sample))

    # parts

    def _count(self) -> None:
        self.requests += 1

    async def _table(self, datatype: str) -> SqlTable:
        if datatype not in self._tables:
            found, paths = await self._look(datatype), self._paths.get(datatype, ())
            self._tables[datatype] = SqlTable(self.system.datatypes[datatype], found, paths, self._speech)
        return self._tables[datatype]

    async def _changes_of(self, datatype: str) -> ChangeTable | None:
        if datatype not in self._changes:
            told = self.system.datatypes[datatype]
            found = await self._database.reading(partial(reflect_changes, datatype=told, speech=self._speech))
            self._changes[datatype] = found
        return self._changes[datatype]

    async def _look(self, datatype: str) -> Reflected:
        if datatype not in self._reflected:
            told = self.system.datatypes[datatype]
            found = await self._database.reading(partial(reflect, datatype=told, speech=self._speech))
            self._reflected[datatype] = found
        return self._reflected[datatype]

    def _is_read_only(self, datatype: str) -> bool:
        return self.system.read_only or "view" in self.system.datatypes[datatype].options

    def _bound(self, cursor: Cursor, latest: Any) -> Any:
        """Where an incremental reading starts: the cursor, less what clocks and open transactions may lag.

        Near a change to or from summer time it starts an hour earlier, for times that carry no zone.
        """
        zone, clock, near = self._speech.zone, self.system.clock, timedelta(hours=3)
        since = datetime.fromisoformat(cursor["since"]) - timedelta(seconds=clock.tolerance + clock.resolution)
        if (since - near).astimezone(zone).utcoffset() != (since + near).astimezone(zone).utcoffset():
            since -= timedelta(hours=1)
        return resembling(latest, since, zone)

    async def _outcome(self, act: Callable[[Connection], Outcome], table: SqlTable, natives: Natives) -> Outcome:
        """The end of a write."""
        try:
            return await self._writes.run(act)
        except CommitLost as lost:
            return unknown(lost)
        except (DBAPIError, ValueError, OverflowError) as error:
            self._raise_unless_refused(error)
            refused = error
        return await self._database.reading(partial(refusal, table=table, error=refused, natives=natives))

    def _raise_unless_refused(self, error: Exception) -> None:
        if isinstance(error, DBAPIError) and not is_refusal(error):
            raise failure(self.system.name, error) from error
