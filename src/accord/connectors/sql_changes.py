"""Change capture by a change table: triggers, or the application, add a row with the id of each changed record.

The rows are numbered by a sequence, and the cursor is how far it was read. Sequences are not in the order of COMMIT:
a transaction that took number 5 may end after the one that took 6. So the cursor also names the numbers that were
missing among the last `overlap` ones (1,000 unless told), and the next reading asks for these too. What was
rolled back stays missing until it leaves that window, which costs nothing. A transaction that stays open while more
than `overlap` numbers are drawn is only found by the next whole listing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from accord.config.meaning import Datatype
from accord.connectors.sql_table import PAGE, Condition, SqlTable, reflect_table
from accord.connectors.sql_types import Speech
from accord.connectors.sql_work import Answer, by_ids, native_id
from accord.errors import ProtocolError
from accord.ports import Cursor

OVERLAP = 1000
DELETED = ("D", "DELETE")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeTable:
    """The table, its columns, and the words in `operation` that mean a deletion, in capitals."""

    table: sql.TableClause
    id: str
    sequence: str
    operation: str | None
    deleted: frozenset[str]
    overlap: int

    @property
    def number(self) -> sql.ColumnClause[Any]:
        """The sequence."""
        return self.table.c[self.sequence]


@dataclass(frozen=True, slots=True)
class Change:
    """One row of it."""

    number: int
    id: str
    deleted: bool


@dataclass(slots=True)
class Progress:
    """How far the sequence was read, and which late numbers may still come."""

    overlap: int
    high: int = 0
    missing: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, cursor: Cursor, overlap: int) -> Progress | None:
        """Where a reading left off; None where that cannot be told."""
        if not isinstance(cursor, dict) or not isinstance(cursor.get("sequence"), int):
            return None
        missing = {number for first, last in cursor.get("missing", ()) for number in range(first, last + 1)}
        return cls(overlap, cursor["sequence"], missing)

    @property
    def cursor(self) -> Cursor:
        """The same as JSON; the missing numbers as ranges."""
        return {"sequence": self.high, "missing": _ranges(self.missing)}

    def note(self, numbers: Iterable[int]) -> None:
        """These numbers were read."""
        seen = set(numbers)
        high = max(self.high, *seen) if seen else self.high
        lowest = high - self.overlap
        self.missing |= set(range(max(self.high, lowest) + 1, high))
        self.missing = {number for number in self.missing - seen if number > lowest}
        self.high = high


def reflect_changes(connection: Connection, datatype: Datatype, speech: Speech) -> ChangeTable | None:
    """Look at the change table of a datatype. Raises ProtocolError for a name that is not there."""
    told = datatype.options.get("change_table")
    if told is None:
        return None
    told = {"table": told} if isinstance(told, str) else told
    found = reflect_table(connection, datatype, str(told["table"]), speech)
    words = told.get("deleted") or DELETED
    changes = ChangeTable(
        table=sql.table(found.name, *(sql.column(name) for name in found.columns), schema=found.schema),
        id=found.named(datatype, str(told.get("id") or datatype.id)).name,
        sequence=found.named(datatype, str(told.get("sequence") or "seq")).name,
        operation=found.named(datatype, told["operation"]).name if told.get("operation") else None,
        deleted=frozenset(str(word).upper() for word in words),
        overlap=int(told.get("overlap", OVERLAP)),
    )
    if found.columns[changes.sequence].kind != "integer":
        raise ProtocolError(datatype.system, f"{datatype.name}: {changes.sequence} of {found.name} is no whole number")
    return changes


def begin(connection: Connection, changes: ChangeTable, cursor: Cursor) -> tuple[Progress, bool]:
    """Where a reading of changes starts, and whether it can: without a cursor, or when rows that were not read yet
    have been taken out of the change table or the sequence has gone back, everything must be listed.
    """
    column = changes.number
    bounds = sql.select(sql.func.min(column), sql.func.max(column)).select_from(changes.table)
    lowest, highest = connection.execute(bounds).one()
    progress = Progress.of(cursor, changes.overlap)
    if progress is not None and (highest is None or (lowest <= progress.high + 1 and highest >= progress.high)):
        return progress, True
    fresh = Progress(changes.overlap)
    if highest is not None:
        late = sql.select(column).where(column > highest - changes.overlap, column <= highest)
        fresh.high = max(lowest - 1, highest - changes.overlap)
        fresh.note(row[0] for row in connection.execute(late))
    return fresh, False


def following(connection: Connection, changes: ChangeTable, progress: Progress) -> list[Change]:
    """The next rows, late ones first."""
    column, names = changes.number, [changes.sequence, changes.id, *([changes.operation] if changes.operation else [])]
    late = [column.between(first, last) for first, last in _ranges(progress.missing)]
    statement = sql.select(*(changes.table.c[name] for name in names)).where(sql.or_(column > progress.high, *late))
    rows = connection.execute(statement.order_by(column).limit(PAGE)).fetchall()
    return [Change(row[0], str(row[1]), _is_deletion(changes, row)) for row in rows]


def look(
    connection: Connection, table: SqlTable, changes: Sequence[Change], scope: Sequence[Condition]
) -> tuple[list[Answer], list[str]]:
    """The records that were changed, as they are now, and the ids of those that are no more."""
    newest: Mapping[str, Change] = {change.id: change for change in changes}
    gone = [id for id, change in newest.items() if change.deleted]
    alive = [id for id, change in newest.items() if not change.deleted and native_id(table, id) is not None]
    answers = by_ids(connection, table, [native_id(table, id) for id in alive], scope)
    absent = [id for id in alive if id not in answers]
    if absent and scope:
        there = by_ids(connection, table, [native_id(table, id) for id in absent])
        absent = [id for id in absent if id not in there]
    return list(answers.values()), gone + absent


def _is_deletion(changes: ChangeTable, row: Sequence[Any]) -> bool:
    return changes.operation is not None and str(row[2]).strip().upper() in changes.deleted


def _ranges(numbers: Iterable[int]) -> list[list[int]]:
    """`{1, 2, 3, 7}` is `[[1, 3], [7, 7]]`."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found
