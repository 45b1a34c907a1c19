"""What is done on one connection, in one thread: pages, single rows, inserts, and what a refusal means."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from accord.connectors.sql_engine import CommitLost
from accord.connectors.sql_errors import is_duplicate, is_refusal, short
from accord.connectors.sql_table import PAGE, Condition, Row, SqlTable
from accord.connectors.sql_types import Speech, read_moment, resembling, write
from accord.errors import ProtocolError
from accord.model import Natives, Outcome, OutcomeKind, Record
from accord.ports import Cursor, Expects, NewRecord, Page, RecordFailure

STALE = Outcome(kind=OutcomeKind.STALE, message="the record has changed")
Answer = Record | RecordFailure

# reading


def page(connection: Connection, table: SqlTable, after: Any, limits: Sequence[Condition]) -> tuple[list[Answer], Any]:
    """The answers of one page, and the last id when there may be more."""
    try:
        rows: Sequence[Row] = connection.execute(table.page(after, limits)).fetchall()
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        ids = [row[0] for row in connection.execute(table.ids(after, limits)).fetchall()]
        return [_alone(connection, table, id) for id in ids], ids[-1] if len(ids) == PAGE else None
    return [_answer(table, row) for row in rows], rows[-1][0] if len(rows) == PAGE else None


def by_ids(
    connection: Connection, table: SqlTable, ids: Sequence[Any], limits: Sequence[Condition] = ()
) -> dict[str, Answer]:
    """What is found of these ids."""
    try:
        rows = connection.execute(table.by_ids(ids).where(*limits)).fetchall()
        answers = [_answer(table, row) for row in rows]
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        answers = [_alone(connection, table, id) for id in ids]
    return {answer.id: answer for answer in answers if answer.id is not None}


def answers_of(table: SqlTable, rows: Sequence[Row]) -> list[Answer]:
    """The records of some rows; what cannot be read of them is a failure."""
    return [_answer(table, row) for row in rows]


def matching(connection: Connection, table: SqlTable, by: Natives) -> list[Record]:
    """The rows that have these values; none when no row can have them."""
    try:
        statement = table.matching(by).limit(PAGE)
    except ValueError:
        return []
    answers = [_answer(table, row) for row in connection.execute(statement).fetchall()]
    return [answer for answer in answers if isinstance(answer, Record)]


def newest(connection: Connection, table: SqlTable) -> Any:
    """The latest modification time that is not in the future, as the database holds it; None: there is none."""
    found, now = connection.scalar(table.newest()), datetime.now(UTC)
    moment = read_moment(found, table.speech.zone)
    if moment is None or moment <= now:
        return None if moment is None else found
    return connection.scalar(table.newest(before=resembling(found, now, table.speech.zone)))


def mark(latest: Any, speech: Speech) -> Cursor:
    """The cursor that stands for a modification time."""
    moment = read_moment(latest, speech.zone)
    return None if moment is None else {"since": moment.astimezone(UTC).isoformat()}


def as_page(
    answers: Sequence[Answer], cursor: Cursor = None, complete: bool = False, deleted: Sequence[str] = ()
) -> Page:
    """A page of records and failures."""
    records = [answer for answer in answers if isinstance(answer, Record)]
    failures = [answer for answer in answers if isinstance(answer, RecordFailure)]
    return Page(records=records, deleted=deleted, failures=failures, cursor=cursor, complete=complete)


def _alone(connection: Connection, table: SqlTable, id: Any) -> Answer:
    """One record of a page that could not be read as a whole."""
    try:
        row = connection.execute(table.by_ids([id])).first()
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        return RecordFailure(id=str(id), message=short(error))
    return RecordFailure(id=None, message=f"{id} went while it was read") if row is None else _answer(table, row)


def _answer(table: SqlTable, row: Row) -> Answer:
    try:
        return table.record(row)
    except (ValueError, TypeError) as error:
        return RecordFailure(id=str(row[0]), message=str(error))


# the ground of a write


def native_id(table: SqlTable, id: str) -> Any:
    """The id as the column takes it, or None when it cannot hold it."""
    try:
        return write(table.id, id, table.speech)
    except ValueError:
        return None


def conditions(table: SqlTable, expects: Expects) -> list[Condition] | None:
    """What must still hold of the row; None when no row can be like that."""
    natives = expects.natives
    if table.version is not None and expects.version is not None:
        natives = {table.version.name: expects.version}
    try:
        return table.equal(natives)
    except ValueError:
        return None


# writing


def insert_bare(connection: Connection, table: SqlTable, new: NewRecord) -> Outcome:
    """One INSERT, and the row as triggers and defaults left it."""
    statement, id = table.insert(new.natives, new.token), table.table.c[table.id.name]
    if connection.dialect.insert_returning:
        given = connection.execute(statement.returning(id)).scalar()
    else:
        given = connection.execute(statement).lastrowid or None  # MySQL says 0 where it counted nothing
    if given is None:
        return Outcome(kind=OutcomeKind.APPLIED, record=_made(connection, table, new))
    return applied(connection, table, given)


def insert(connection: Connection, table: SqlTable, new: NewRecord) -> Outcome:
    """A create that stands alone: what is refused is rolled back to the savepoint."""
    savepoint = connection.begin_nested()
    try:
        outcome = insert_bare(connection, table, new)
        savepoint.commit()
    except (DBAPIError, ValueError, OverflowError) as error:
        if isinstance(error, DBAPIError) and not is_refusal(error):
            raise
        savepoint.rollback()
        return refusal(connection, table, error, new.natives, new.token)
    return outcome


def applied(connection: Connection, table: SqlTable, id: Any) -> Outcome:
    """The row read again in the same transaction: also what triggers did after the write is in it."""
    row = connection.execute(table.by_ids([id])).first()
    return Outcome(kind=OutcomeKind.APPLIED, record=None if row is None else table.record(row))


def unchanged(connection: Connection, table: SqlTable, id: Any, ground: Sequence[Condition]) -> Outcome:
    """An UPDATE that has nothing to write is applied where the row is as expected."""
    row = connection.execute(table.by_ids([id]).where(*ground)).first()
    return STALE if row is None else Outcome(kind=OutcomeKind.APPLIED, record=table.record(row))


def _made(connection: Connection, table: SqlTable, new: NewRecord) -> Record | None:
    """The row of an INSERT whose id a trigger gave afterwards: by our key, or by SQLite's row number."""
    if table.key is not None:
        row = connection.execute(table.matching({table.key.name: new.token})).first()
    elif table.speech.sqlite:
        last = sqlalchemy.text("rowid = last_insert_rowid()")
        row = connection.execute(sqlalchemy.select(*table.selected).where(last)).first()
    else:
        raise ProtocolError(table.datatype.system, f"{table.datatype.name}: the id of a new row cannot be found out")
    if row is not None and row[0] is None:  # SQLite takes a NULL for a primary key that is no whole number
        raise ValueError(f"{table.id.name!r} of the new row is empty: let the database fill it, or map it")
    return None if row is None else table.record(row)


# what ends otherwise


def refusal(
    connection: Connection, table: SqlTable, error: Exception, natives: Natives, token: str | None = None
) -> Outcome:
    """Why a row was refused; a create whose key is there already has happened before."""
    if not isinstance(error, DBAPIError):
        return rejected(error)
    conflicting: str | None = None
    if is_duplicate(error):
        known = matching(connection, table, {table.key.name: token}) if token is not None and table.key else []
        if known:
            return Outcome(kind=OutcomeKind.ALREADY, record=known[0])
        conflicting = _conflicting(connection, table, natives)
    return Outcome(kind=OutcomeKind.REJECTED, message=short(error), conflicting=conflicting)


def rejected(error: Exception) -> Outcome:
    """The database does not take it."""
    return Outcome(kind=OutcomeKind.REJECTED, message=short(error))


def unknown(lost: CommitLost) -> Outcome:
    """Nobody knows whether it happened."""
    return Outcome(kind=OutcomeKind.UNKNOWN, message=str(lost))


def _conflicting(connection: Connection, table: SqlTable, natives: Natives) -> str | None:
    """The id of the row that a unique key belongs to."""
    for key in table.found.unique:
        if all(natives.get(column) is not None for column in key):
            taken = table.equal({column: natives[column] for column in key})
            row = connection.execute(sqlalchemy.select(*table.selected).where(*taken)).first()
            if row is not None:
                return str(row[0])
    return None
