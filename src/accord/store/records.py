"""What people ask about: held items with decisions, the history, the runs."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from accord.core.linkplan import HeldItem
from accord.model import from_json, json_text
from accord.store.database import Database
from accord.stored import Held, HistoryLine, Run

HELD = (
    'SELECT id, kind, flow, link, row, refs, "values", base, reason, since, run, decision, decided_by, decided_at, '
    "closed_at FROM held"
)
HOLD = (
    'INSERT INTO held (kind, flow, link, row, refs, "values", base, reason, since, run) '
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
HISTORY = "SELECT id, run, at, flow, link, system, ref, op, changes, outcome, reason, caused_by, by FROM history"
LOG = (
    "INSERT INTO history (run, at, flow, link, system, ref, op, changes, outcome, reason, caused_by, by) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)

THAWED = (
    "SELECT \"row\", max(decided_at) FROM held WHERE link = ? AND kind = 'frozen' AND decided_at IS NOT NULL "
    'AND "row" IS NOT NULL GROUP BY "row"'
)


class HeldItems:
    """The work list of people."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def replace(
        self, link: int, flow: str, items: Sequence[HeldItem], refs: Sequence[str], at: datetime, run: int
    ) -> None:
        """Make these the open items of a link: those that stay keep their number and their `since`.

        A decision that is there by now has been used: what is held all the same is asked again.
        """
        left = list(self.of_links([link]))
        for item in items:
            known = _counterpart(left, item, items)
            if known is not None:
                left.remove(known)
            self._keep_or_open(known, link, flow, item, refs, at, run)
        self.close([item.id for item in left], at)

    def add(self, link: int, flow: str, item: HeldItem, refs: Sequence[str], at: datetime, run: int) -> None:
        """Open one more item of a link; what else is held about it stays."""
        known = {(found.kind, found.row): found for found in self.of_links([link])}
        self._keep_or_open(known.get((item.kind, item.row)), link, flow, item, refs, at, run)

    def _keep_or_open(
        self, known: Held | None, link: int, flow: str, item: HeldItem, refs: Sequence[str], at: datetime, run: int
    ) -> None:
        all_refs = json_text(list(dict.fromkeys([*refs, *item.refs])))
        values, base = json_text(item.values), json_text(item.base)
        if known is None:
            self.db.run(
                HOLD, (item.kind, flow, link, item.row, all_refs, values, base, item.reason, at.isoformat(), run)
            )
        elif (json_text(dict(known.values)), known.reason) != (values, item.reason):
            self.db.run(
                'UPDATE held SET "values" = ?, base = ?, reason = ?, refs = ?, decision = NULL, decided_by = NULL, '
                "decided_at = NULL WHERE id = ?",
                (values, base, item.reason, all_refs, known.id),
            )
        elif known.decision is not None:
            self.db.run("UPDATE held SET decision = NULL WHERE id = ?", (known.id,))

    def open_alone(self, item: HeldItem, flow: str | None, at: datetime, run: int | None) -> None:
        """Open an item that belongs to no link, unless it is open already."""
        refs = json_text(list(item.refs))
        known = self.db.one(
            "SELECT id FROM held WHERE link IS NULL AND closed_at IS NULL AND kind = ? AND refs = ? AND "
            "coalesce(flow, '') = ? AND coalesce(row, '') = ?",
            (item.kind, refs, flow or "", item.row or ""),
        )
        values, base = json_text(item.values), json_text(item.base)
        if known:
            self.db.run('UPDATE held SET "values" = ?, reason = ? WHERE id = ?', (values, item.reason, known[0]))
        else:
            self.db.run(HOLD, (item.kind, flow, None, item.row, refs, values, base, item.reason, at.isoformat(), run))

    def close_alone(self, kind: str, at: datetime, keep: Sequence[tuple[str | None, str | None]] = ()) -> None:
        """Close the items of a kind that belong to no link, but for the (flow, row) pairs kept."""
        rows = self.db.rows(
            "SELECT id, flow, row FROM held WHERE link IS NULL AND closed_at IS NULL AND kind = ?", (kind,)
        )
        self.close([row[0] for row in rows if (row[1], row[2]) not in keep], at)

    def alone_refs(self) -> set[str]:
        """The refs (as stored) of the open items that belong to no link."""
        rows = self.db.rows("SELECT refs FROM held WHERE link IS NULL AND closed_at IS NULL AND kind <> 'brake'")
        return {row[0] for row in rows}

    def close_of(self, refs: Sequence[str], at: datetime) -> None:
        """Close what was open about single records that are in no link."""
        self.db.many(
            "UPDATE held SET closed_at = ? WHERE link IS NULL AND closed_at IS NULL AND refs = ?",
            [(at.isoformat(), json_text([ref])) for ref in refs],
        )

    def decided_alone(self) -> builtins.list[Held]:
        """Open items of no link that a person has decided."""
        sql = f"{HELD} WHERE link IS NULL AND closed_at IS NULL AND decision IS NOT NULL ORDER BY id"
        return [_held(row) for row in self.db.rows(sql)]

    def alone(self, kind: str) -> builtins.list[tuple[str | None, str | None]]:
        """(flow, row) of the open items of a kind that belong to no link."""
        rows = self.db.rows("SELECT flow, row FROM held WHERE link IS NULL AND closed_at IS NULL AND kind = ?", (kind,))
        return [(row[0], row[1]) for row in rows]

    def close(self, numbers: Sequence[int], at: datetime) -> None:
        """These need nobody any more."""
        self.db.many("UPDATE held SET closed_at = ? WHERE id = ?", [(at.isoformat(), number) for number in numbers])

    def of_links(self, links: Sequence[int]) -> list[Held]:
        """The open items of some links."""
        sql = f"{HELD} WHERE closed_at IS NULL AND link IN (SELECT value FROM json_each(?)) ORDER BY id"
        return [_held(row) for row in self.db.rows(sql, (json_text(list(links)),))]

    def open_links(self, links: Sequence[int]) -> set[int]:
        """Which of these links have open items."""
        sql = "SELECT DISTINCT link FROM held WHERE closed_at IS NULL AND link IN (SELECT value FROM json_each(?))"
        return {row[0] for row in self.db.rows(sql, (json_text(list(links)),))}

    def get(self, number: int) -> Held | None:
        """One item by its number."""
        row = self.db.one(f"{HELD} WHERE id = ?", (number,))
        return None if row is None else _held(row)

    def list(
        self, *, kind: str | None = None, flow: str | None = None, system: str | None = None, ref: str | None = None
    ) -> Iterator[Held]:
        """The open items, oldest first."""
        sql, parameters = _where(
            f"{HELD} WHERE closed_at IS NULL AND id > ?",
            {
                "kind = ?": kind,
                "flow = ?": flow,
                "instr(refs, ?)": None if system is None else f'"{system}/',
                "instr(refs, ?) > 0": None if ref is None else f'"{ref}"',
            },
        )
        after = 0
        while batch := self.db.rows(f"{sql} ORDER BY id LIMIT 500", (after, *parameters)):
            yield from (_held(row) for row in batch)
            after = batch[-1][0]

    def counts(self) -> dict[tuple[str | None, str], int]:
        """(flow, kind) → how many are open."""
        rows = self.db.rows("SELECT flow, kind, count(*) FROM held WHERE closed_at IS NULL GROUP BY flow, kind")
        return {(flow, kind): count for flow, kind, count in rows}

    def thawed(self, link: int) -> Mapping[str, str]:
        """Row → when a person last decided about it while it was frozen, ISO 8601."""
        return dict(self.db.rows(THAWED, (link,)))

    def decide(self, number: int, decision: Mapping[str, Any], by: str, at: datetime) -> None:
        """A person's decision, for the next round to carry out."""
        self.db.run(
            "UPDATE held SET decision = ?, decided_by = ?, decided_at = ? WHERE id = ?",
            (json_text(dict(decision)), by, at.isoformat(), number),
        )


class History:
    """What happened."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def add(self, lines: Sequence[HistoryLine]) -> None:
        """Append lines. Called inside the settling transaction."""
        self.db.many(
            LOG,
            [
                (
                    line.run,
                    line.at,
                    line.flow,
                    line.link,
                    line.system,
                    line.ref,
                    line.op,
                    json_text(dict(line.changes)),
                    line.outcome,
                    line.reason,
                    json_text(dict(line.caused_by)) if line.caused_by else None,
                    line.by,
                )
                for line in lines
            ],
        )

    def list(
        self,
        *,
        run: int | None = None,
        link: int | None = None,
        ref: str | None = None,
        row: str | None = None,
        since: str | None = None,
        newest_first: bool = False,
    ) -> Iterator[HistoryLine]:
        """Lines in the order in which they happened (or the other way round)."""
        after, compare, order = (2**62, "<", "DESC") if newest_first else (0, ">", "ASC")
        sql, parameters = _where(
            f"{HISTORY} WHERE id {compare} ?", {"run = ?": run, "link = ?": link, "ref = ?": ref, "at >= ?": since}
        )
        while batch := self.db.rows(f"{sql} ORDER BY id {order} LIMIT 500", (after, *parameters)):
            lines = (_line(found) for found in batch)
            yield from (line for line in lines if row is None or row in line.changes)
            after = batch[-1][0]


class Runs:
    """The rounds."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def begin(self, kind: str, by: str | None, at: datetime) -> int:
        """A new run; its number."""
        return self.db.insert("INSERT INTO run (kind, started, by) VALUES (?, ?, ?)", (kind, at.isoformat(), by))

    def finish(self, number: int, status: int, report: Mapping[str, Any], at: datetime) -> None:
        """How a run ended."""
        self.db.run(
            "UPDATE run SET finished = ?, status = ?, report = ? WHERE id = ?",
            (at.isoformat(), status, json_text(dict(report)), number),
        )

    def list(self, count: int = 20) -> list[Run]:
        """The latest runs, newest first."""
        rows = self.db.rows(
            "SELECT id, kind, started, finished, status, by, report FROM run ORDER BY id DESC LIMIT ?", (count,)
        )
        return [
            Run(
                id=row[0],
                kind=row[1],
                started=row[2],
                finished=row[3],
                status=row[4],
                by=row[5],
                report=from_json(row[6]) if row[6] else None,
            )
            for row in rows
        ]


def _counterpart(known: Sequence[Held], item: HeldItem, items: Sequence[HeldItem]) -> Held | None:
    """The open item that says the same: of several about one row (two systems refuse a value) that of this reason."""
    about = [held for held in known if (held.kind, held.row) == (item.kind, item.row)]
    same = [held for held in about if held.reason == item.reason]
    others = [held for held in about if held.reason not in {other.reason for other in items}]
    return next(iter([*same, *others]), None)


def _held(row: Any) -> Held:
    return Held(
        id=row[0],
        kind=row[1],
        flow=row[2],
        link=row[3],
        row=row[4],
        refs=tuple(from_json(row[5])),
        values=from_json(row[6]),
        base=from_json(row[7]) if row[7] else None,
        reason=row[8],
        since=row[9],
        run=row[10],
        decision=from_json(row[11]) if row[11] else None,
        decided_by=row[12],
        decided_at=row[13],
        closed_at=row[14],
    )


def _line(row: Any) -> HistoryLine:
    return HistoryLine(
        id=row[0],
        run=row[1],
        at=row[2],
        flow=row[3],
        link=row[4],
        system=row[5],
        ref=row[6],
        op=row[7],
        changes=from_json(row[8]),
        outcome=row[9],
        reason=row[10],
        caused_by=from_json(row[11]) if row[11] else None,
        by=row[12],
    )


def _where(sql: str, filters: Mapping[str, Any]) -> tuple[str, list[Any]]:
    given = {condition: value for condition, value in filters.items() if value is not None}
    return "".join([sql, *(f" AND {condition}" for condition in given)]), list(given.values())
