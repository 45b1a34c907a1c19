"""Write down what a plan came to: bases, agreed values, fingerprints, held items, history, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accord.core.linkplan import HeldItem, LinkPlan, LogLine, RowWrite, WritePlan
from accord.core.mapping import FlowMap
from accord.core.settle import Result, settle
from accord.engine.match_keys import keys_of_member
from accord.engine.observe import place_salt, record_print
from accord.engine.setting import Setting
from accord.model import Link, LinkState, Member, Op, Ref
from accord.stored import HistoryLine, SettledLink


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A plan with how each of its writes ended; `proposal` is None where nothing had to be written."""

    plan: LinkPlan
    results: Sequence[Result] = ()
    proposal: int | None = None
    late: bool = False
    """The plan is older than what has arrived since: that stays in the inbox, and is planned anew."""


def settle_all(setting: Setting, finished: Sequence[Finished]) -> None:
    """Settle many links in one transaction, without changing the meaning of settling each."""
    if not finished:
        return
    with setting.state.db.transaction():
        _Settler(setting, finished).run()


def note_given_up(setting: Setting, plan: LinkPlan, results: Sequence[Result]) -> None:
    """The history of a plan that is made anew, though it may have taken effect: what it superseded, and its writes."""
    settler = _Settler(setting, [])
    settler.given_up(plan, results)


def let_go(setting: Setting, number: int, ref: Ref, at: datetime) -> None:
    """Close a link one of whose records is another one now, and ask about its counterparts."""
    state = setting.state
    link = state.links.load([number])[number]
    why = f"{ref} was deleted, and its id was given to another record"
    state.links.dissolve(number, why)
    state.held.close([item.id for item in state.held.of_links([number])], at)
    for member in link.members:
        if member.ref != ref and not member.gone:
            item = HeldItem(kind="review", reason=f"its counterpart {why}", refs=(str(member.ref),))
            state.held.open_alone(item, link.flow, at, setting.run)
    line = HistoryLine(
        run=setting.run,
        at=at.isoformat(),
        flow=link.flow,
        link=number,
        system=ref.system,
        ref=str(ref),
        op="deleted",
        changes={},
        outcome="done",
        reason=why,
    )
    state.history.add([line])


class _Settler:
    def __init__(self, setting: Setting, finished: Sequence[Finished]) -> None:
        self.setting, self.finished = setting, finished
        self.state = setting.state
        self.links = self.state.links.load([item.plan.link for item in finished])
        self.settled: list[SettledLink] = []
        self.prints: list[tuple[int, str, bytes]] = []
        self.forget: list[tuple[int, str]] = []
        self.again: list[tuple[int, str]] = []
        self.done: list[tuple[int, str]] = []
        self.lines: list[HistoryLine] = []
        self.waits: dict[int, list[tuple[Any, ...]]] = {}
        self.at = setting.clock.now()

    def run(self) -> None:
        """All of them."""
        with_items = self.state.held.open_links(list(self.links))
        for item in self.finished:
            if item.plan.link in self.links:
                self._one(item, item.plan.link in with_items)
        self.state.links.write_settled(self.settled)
        self.state.links.set_waits(self.waits)
        self.state.observed.marked(self.prints)
        self.state.observed.forget(self.forget)
        self.state.observed.look_again(self.again)
        self.state.observed.done(self.done)
        self.state.history.add(self.lines)
        self.state.plans.done([item.proposal for item in self.finished if item.proposal is not None])

    def _one(self, item: Finished, has_items: bool) -> None:
        plan = item.plan
        flow = self.setting.flows[plan.flow]
        before = self.links[plan.link]
        settlement = settle(flow, before, plan, item.results)
        link = settlement.link
        self._given_again(before, link)
        self.settled.append(
            SettledLink(
                link=link,
                dirty=settlement.dirty,
                why=plan.why,
                closed_members=tuple(settlement.closed_members),
                keys=self._keys(flow, before, link),
            )
        )
        self.waits[link.id] = [self._wait(wait) for wait in plan.waits]
        if not item.late:
            self.done += [self._place(member) for member in before.members]
        self._prints(item)
        self._lines(item, before, link)
        if has_items or settlement.held:
            refs = [str(member.ref) for member in (*link.members, *settlement.closed_members)]
            self.state.held.replace(link.id, plan.flow, settlement.held, refs, self.at, self.setting.run)
        self._count(plan, item.results)

    def _given_again(self, before: Link, link: Link) -> None:
        """A system gave a record that we made the id of one that it had deleted: the old link of that id is over."""
        known = {member.ref for member in before.members}
        made = [member.ref for member in link.members if member.ref not in known]
        for ref, number in (self.state.links.of(made) if made else {}).items():
            if number != link.id:
                let_go(self.setting, number, ref, self.at)

    def _keys(self, flow: FlowMap, before: Link, link: Link) -> dict[str, list[tuple[int, str]]]:
        """System → match keys, for the members whose keys may have changed."""
        if not flow.flow.matches:
            return {}
        score = flow.flow.match_score
        rows = {row for rule in flow.flow.match for row in rule} | set(score.weights if score else ())
        known = {member.ref: _keyed(member, rows) for member in before.members}
        changed = [member for member in link.members if known.get(member.ref) != _keyed(member, rows)]
        return {member.ref.system: keys_of_member(self.state.links, flow, member) for member in changed}

    def _place(self, member: Member) -> tuple[int, str]:
        return (self.setting.place(member.ref.system, member.ref.datatype), member.ref.id)

    def _wait(self, wait: Any) -> tuple[Any, ...]:
        place = self.setting.place(wait.system, wait.datatype) if wait.system else None
        return (wait.row, wait.target, wait.link, place, wait.id)

    def _prints(self, item: Finished) -> None:
        for write, result in zip(item.plan.writes, item.results, strict=True):
            record = result.record or result.read_back
            place = self.setting.place(write.system, write.datatype)
            if write.op is Op.DELETE and result.done and write.id is not None:
                self.forget.append((place, write.id))
            elif record is not None and result.done:
                salt = place_salt(self.setting, write.system, write.datatype)
                self.prints.append((place, record.id, record_print(record, salt)))
            elif write.id is not None:
                self.again.append((place, write.id))

    def _lines(self, item: Finished, before: Link, link: Link) -> None:
        plan = item.plan
        self.lines += [self._log_line(plan, line) for line in plan.log]
        for write, result in zip(plan.writes, item.results, strict=True):
            self.lines.append(self._write_line(plan, write, result))
        if len(before.members) > 1 and not before.agreed and link.state is LinkState.LINKED:
            refs = ", ".join(str(member.ref) for member in link.members)
            self.lines.append(self._log_line(plan, LogLine(op="link", reason=f"linked: {refs}")))

    def given_up(self, plan: LinkPlan, results: Sequence[Result]) -> None:
        """Only the history."""
        lines = [self._log_line(plan, line) for line in plan.log if line.op == "superseded"]
        lines += [self._write_line(plan, write, result) for write, result in zip(plan.writes, results, strict=True)]
        self.state.history.add(lines)

    def _log_line(self, plan: LinkPlan, line: LogLine) -> HistoryLine:
        changes = {line.row: [line.old, line.new]} if line.row else {}
        return HistoryLine(
            run=self.setting.run,
            at=self.at.isoformat(),
            flow=plan.flow,
            link=plan.link,
            system=line.system,
            ref=line.ref,
            op=line.op,
            changes=changes,
            outcome="done",
            reason=line.reason,
            by=line.by or plan.by,
        )

    def _write_line(self, plan: LinkPlan, write: WritePlan, result: Result) -> HistoryLine:
        record = result.record or result.read_back
        ref = write.ref or (Ref(write.system, write.datatype, record.id) if record else None)
        return HistoryLine(
            run=self.setting.run,
            at=self.at.isoformat(),
            flow=plan.flow,
            link=plan.link,
            system=write.system,
            ref=str(ref) if ref else None,
            op=write.op.value,
            changes={row.row: [row.old, _new(row)] for row in write.rows},
            outcome=result.kind.value,
            reason=_reason(write, result),
            caused_by=_cause(write.rows),
            by=plan.by,
        )

    def _count(self, plan: LinkPlan, results: Sequence[Result]) -> None:
        counts = self.setting.tally.flows[plan.flow]
        for write, result in zip(plan.writes, results, strict=True):
            if result.done:
                counts[f"{write.op.value}s"] += 1
                self.setting.tally.writes[write.system][write.op.value] += 1
                self.setting.tally.done[plan.flow, write.system, write.op.value] += 1
            elif result.kind.value == "rejected":
                counts["refused"] += 1


def _new(row: RowWrite) -> Any:
    return row.native if row.link is not None else row.new


def _reason(write: WritePlan, result: Result) -> str:
    return write.reason if result.done or not result.message else f"{write.reason}; {result.message}"


def _cause(rows: Sequence[RowWrite]) -> dict[str, Any] | None:
    cause = next((row.cause for row in rows if row.cause), None)
    return None if cause is None else {"system": cause[0], "ref": cause[1], "row": cause[2]}


def _keyed(member: Member, rows: set[str]) -> tuple[bool, list[Any]]:
    return member.gone, [member.base.get(row) for row in rows]
