"""The plan of the round at work, on disk: proposals, what they need, and which of them have begun."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from accord.core.linkplan import LinkPlan, decode_plan, encode_plan
from accord.model import json_text
from accord.store.database import Database
from accord.stored import Need, Proposal

NEW = (
    "INSERT INTO proposal (id, run, flow, link, stage, verdict, state, ops, body) "
    "VALUES (?, ?, ?, ?, ?, 'go', 'planned', ?, ?)"
)
NEED = "INSERT INTO need (proposal, row, link, system, essential) VALUES (?, ?, ?, ?, ?)"
MAKING = "INSERT OR REPLACE INTO making (link, system, proposal) VALUES (?, ?, ?)"
PROPOSALS = "SELECT id, run, flow, link, stage, verdict, state, body, sent_at, why FROM proposal"
NEXT = f"{PROPOSALS} WHERE stage = ? AND verdict = 'go' AND state = 'planned' AND id > ? ORDER BY id LIMIT ?"
BEGIN = "UPDATE proposal SET state = 'begun', sent_at = ? WHERE id = ?"
FILL_IN = "UPDATE proposal SET body = ? WHERE id = ?"
BEGUN = f"{PROPOSALS} WHERE state = 'begun' ORDER BY id"
HOLD_WITHOUT_TARGET = (
    "UPDATE proposal SET verdict = 'waits', why = 'a record that it refers to is not created in this run' "
    "WHERE verdict = 'go' AND state = 'planned' AND id IN (SELECT n.proposal FROM need n "
    "LEFT JOIN making m ON m.link = n.link AND m.system = n.system "
    "LEFT JOIN proposal p ON p.id = m.proposal AND p.verdict = 'go' WHERE n.essential = 1 AND p.id IS NULL)"
)


class Plans:
    """The proposals."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def clear(self) -> None:
        """Throw away what was planned and never begun."""
        self.db.run("DELETE FROM proposal WHERE state = 'planned'")
        self.db.run("DELETE FROM need")
        self.db.run("DELETE FROM making")

    def next_id(self) -> int:
        """The number of the next proposal."""
        row = self.db.one("SELECT seq FROM sqlite_sequence WHERE name = 'proposal'")
        return (row[0] if row else 0) + 1

    def put(self, run: int, plans: Sequence[tuple[int, LinkPlan]]) -> list[int]:
        """Store (stage, plan) pairs; their numbers, in order."""
        first = self.next_id()
        numbers = list(range(first, first + len(plans)))
        rows = [
            (n, run, plan.flow, plan.link, stage, _ops(plan), encode_plan(plan))
            for n, (stage, plan) in zip(numbers, plans, strict=True)
        ]
        self.db.many(NEW, rows)
        return numbers

    def put_needs(self, needs: Sequence[Need], making: Sequence[tuple[int, str, int]]) -> None:
        """Store which proposals make a record for a link, and which need one."""
        self.db.many(NEED, [(n.proposal, n.row, n.link, n.system, int(n.essential)) for n in needs])
        self.db.many(MAKING, list(making))

    def makings(self, links: Sequence[int]) -> set[tuple[int, str]]:
        """(link, system) pairs among these links that get a record in this run."""
        sql = "SELECT link, system FROM making WHERE link IN (SELECT value FROM json_each(?))"
        return {(row[0], row[1]) for row in self.db.rows(sql, (json_text(list(links)),))}

    def makers(self, pairs: Sequence[tuple[int, str]]) -> dict[tuple[int, str], int]:
        """(link, system) → the stage in which it gets its record."""
        sql = (
            "SELECT m.link, m.system, p.stage FROM making m JOIN proposal p ON p.id = m.proposal "
            "WHERE m.link IN (SELECT value FROM json_each(?))"
        )
        wanted = json_text(sorted({link for link, _ in pairs}))
        return {(row[0], row[1]): row[2] for row in self.db.rows(sql, (wanted,))}

    def hold_without_target(self) -> int:
        """Hold proposals whose essential target is not made; how many."""
        held = 0
        while count := self.db.run(HOLD_WITHOUT_TARGET):
            held += count
        return held

    def counts(self) -> dict[str, dict[tuple[str, str], int]]:
        """Flow → (system, op) → how many writes are to go."""
        counts: dict[str, dict[tuple[str, str], int]] = {}
        sql = "SELECT flow, ops, count(*) FROM proposal WHERE verdict = 'go' AND state = 'planned' GROUP BY 1, 2"
        for flow, ops, number in self.db.rows(sql):
            for op in ops.split():
                system, _, kind = op.rpartition(":")
                key = (system, kind)
                counts.setdefault(flow, {})[key] = counts.setdefault(flow, {}).get(key, 0) + number
        return counts

    def hold_ops(self, flow: str, system: str, op: str) -> None:
        """Hold every proposal of a flow that writes so to a system."""
        self.db.run(
            "UPDATE proposal SET verdict = 'held', why = 'more than the limit allows' "
            "WHERE state = 'planned' AND flow = ? AND (' ' || ops || ' ') LIKE ?",
            (flow, f"% {system}:{op} %"),
        )

    def hold_system(self, system: str) -> None:
        """Hold everything that writes to a system that has failed."""
        self.db.run(
            "UPDATE proposal SET verdict = 'left', why = 'the system failed' "
            "WHERE state = 'planned' AND verdict = 'go' AND (' ' || ops) LIKE ?",
            (f"% {system}:%",),
        )

    def hold(self, numbers: Sequence[int], verdict: str, why: str) -> None:
        """Keep some proposals from going."""
        self.db.many(
            "UPDATE proposal SET verdict = ?, why = ? WHERE id = ?", [(verdict, why, number) for number in numbers]
        )

    def all(self) -> Iterator[Proposal]:
        """Every proposal, in the order of work."""
        sql = f"{PROPOSALS} WHERE (stage, id) > (?, ?) ORDER BY stage, id LIMIT 500"
        after = (-1, 0)
        while batch := self.db.rows(sql, after):
            yield from (_proposal(row) for row in batch)
            after = (batch[-1][4], batch[-1][0])

    def stages(self) -> list[int]:
        """The stages of what is to go, in order."""
        return [row[0] for row in self.db.rows("SELECT DISTINCT stage FROM proposal WHERE verdict = 'go' ORDER BY 1")]

    def next(self, stage: int, after: int, count: int) -> list[Proposal]:
        """The next proposals of a stage that may go."""
        return [_proposal(row) for row in self.db.rows(NEXT, (stage, after, count))]

    def begin(self, numbers: Sequence[int], filled: Sequence[tuple[int, LinkPlan]], at: datetime) -> None:
        """Note that these will now be written, some with references filled in. Durable before the first request."""
        self.db.many(FILL_IN, [(encode_plan(plan), number) for number, plan in filled])
        when = at.isoformat()
        self.db.many(BEGIN, [(when, number) for number in numbers])

    def unfinished(self) -> list[Proposal]:
        """Those begun and not settled."""
        return [_proposal(row) for row in self.db.rows(BEGUN)]

    def in_doubt_since(self, number: int, at: datetime, why: str, plan: LinkPlan) -> None:
        """Note since when nobody knows whether a write took effect; `plan` keeps how its other writes ended."""
        self.db.run(
            "UPDATE proposal SET sent_at = ?, why = ?, body = ? WHERE id = ?",
            (at.isoformat(), why, encode_plan(plan), number),
        )

    def done(self, numbers: Sequence[int]) -> None:
        """Settled, or known never to have happened."""
        self.db.many("DELETE FROM proposal WHERE id = ?", [(number,) for number in numbers])

    def busy(self, links: Sequence[int]) -> set[int]:
        """Which of these links have a plan already: nothing else is planned for them."""
        sql = "SELECT link FROM proposal WHERE link IN (SELECT value FROM json_each(?))"
        return {row[0] for row in self.db.rows(sql, (json_text(list(links)),))}


def _ops(plan: LinkPlan) -> str:
    return " ".join(sorted({f"{write.system}:{write.op.value}" for write in plan.writes}))


def _proposal(row: Any) -> Proposal:
    id, run, flow, link, stage, verdict, state, body, sent_at, why = row
    return Proposal(
        id=id,
        run=run,
        flow=flow,
        link=link,
        stage=stage,
        verdict=verdict,
        state=state,
        plan=decode_plan(body),
        sent_at=datetime.fromisoformat(sent_at) if sent_at else None,
        why=why,
    )
