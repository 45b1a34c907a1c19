"""`undo`: the plan that takes our writes back, made from the history and from the records as they are now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from accord.core.deletion import ARCHIVED
from accord.core.detect import Reading
from accord.core.keys import make_key
from accord.core.linkplan import HeldItem, LinkPlan
from accord.core.settle import revived
from accord.core.undo import Left, Step, UndoGround, plan_undo
from accord.engine.chunk import arrival_of
from accord.engine.planning import DELETES
from accord.engine.setting import Setting
from accord.errors import SystemFailure, UsageError
from accord.model import Link, Member, Op, Record, Ref
from accord.store.opening import State
from accord.stored import HistoryLine

BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What shall be undone."""

    run: int | None = None
    link: int | None = None
    ref: Ref | None = None
    row: str | None = None

    def __str__(self) -> str:
        parts = [
            f"run {self.run}" if self.run is not None else "",
            f"link {self.link}" if self.link is not None else "",
            str(self.ref) if self.ref is not None else "",
            f"row {self.row}" if self.row is not None else "",
        ]
        return "undo of " + ", ".join(filter(None, parts))


def selected(state: State, wanted: Wanted) -> list[HistoryLine]:
    """Our writes that are meant, in order. Raises UsageError where there are none."""
    filters = {"run": wanted.run, "link": wanted.link, "ref": str(wanted.ref) if wanted.ref else None}
    lines = [line for line in state.history.list(**filters, row=wanted.row) if _is_write(line)]  # type: ignore[arg-type]
    if not lines:
        raise UsageError(
            f"nothing to undo: {str(wanted).removeprefix('undo of ')} wrote nothing that is still in the history",
            hint="`accord history` shows what was written",
        )
    return lines


def _is_write(line: HistoryLine) -> bool:
    return line.wrote is not None and line.link is not None and line.ref is not None


async def make_undo(setting: Setting, wanted: Wanted, lines: Sequence[HistoryLine]) -> list[Left]:
    """Store the plans that undo these lines; what is left as it is. Nothing is written to any system."""
    setting.state.plans.clear()
    by_link: dict[int, list[HistoryLine]] = {}
    for line in lines:
        by_link.setdefault(line.link or 0, []).append(line)
    work = _Undoing(setting, wanted, frozenset(by_link))
    numbers = sorted(by_link)
    for start in range(0, len(numbers), BATCH):
        await work.some({number: by_link[number] for number in numbers[start : start + BATCH]})
        setting.progress("planning the undo", min(start + BATCH, len(numbers)), len(numbers))
    return work.left


class _Undoing:
    def __init__(self, setting: Setting, wanted: Wanted, all_links: frozenset[int]) -> None:
        self.setting, self.wanted, self.all_links = setting, wanted, all_links
        self.state = setting.state
        self.left: list[Left] = []

    async def some(self, by_link: Mapping[int, Sequence[HistoryLine]]) -> None:
        """The plans of some links."""
        links = self._links(sorted(by_link))
        busy = self.state.plans.busy(sorted(by_link))
        refs = {Ref.parse(line.ref or "") for lines in by_link.values() for line in lines}
        refs |= {member.ref for link in links.values() for member in link.members}
        records = await self._fetch(refs)
        plans: list[tuple[int, LinkPlan]] = []
        for number, lines in by_link.items():
            link = links.get(number)
            if link is None or link.flow not in self.setting.flows:
                self._leave(lines, "its link or flow is not there any more")
            elif number in busy:
                self._leave(lines, "a write of its link is still under way or in doubt")
            elif any(item.decision for item in self.state.held.of_links([number])):
                self._leave(lines, "a decision about its link waits for the next round")
            else:
                plans += self._one(link, lines, records)
        self.state.plans.put(self.setting.run, plans)

    def _links(self, numbers: Sequence[int]) -> dict[int, Link]:
        """Links, the former members of closed ones included."""
        loaded = self.state.links.load(numbers)
        closed = [number for number, link in loaded.items() if link.state.value == "closed"]
        return {**loaded, **(self.state.links.load(closed, closed=True) if closed else {})}

    async def _fetch(self, refs: set[Ref]) -> dict[Ref, Record]:
        wanted: dict[tuple[str, str], list[Ref]] = {}
        for ref in sorted(refs):
            wanted.setdefault((ref.system, ref.datatype), []).append(ref)
        found: dict[Ref, Record] = {}
        for (system, datatype), some in wanted.items():
            connector = self.setting.connectors.get(system)
            if connector is None or system in self.setting.tally.failed:
                continue
            try:
                answers = await connector.fetch(datatype, [ref.id for ref in some])
            except SystemFailure as error:
                self.setting.tally.fail(error)
                continue
            found |= {ref: answer for ref in some if isinstance(answer := answers[ref.id], Record)}
        return found

    def _one(
        self, link: Link, lines: Sequence[HistoryLine], records: Mapping[Ref, Record]
    ) -> Iterator[tuple[int, LinkPlan]]:
        flow = self.setting.flows[link.flow]
        link = revived(flow, link)
        steps = list(self._steps(link, lines))
        members = {member.ref: member for member in link.members}
        readings = {
            ref: reading for ref in members if (reading := self._reading(link, members[ref], records)) is not None
        }
        ground = UndoGround(
            readings=readings,
            why=str(self.wanted),
            by=self.setting.options.by,
            held=self._held(link),
            referrers=self._referrers(link) if any(step.op is Op.CREATE for step in steps) else (),
            targets=self.state.links.targets(sorted(_pointed_to(steps))),
            wholes={ref: records[ref].natives() for ref in readings},
            token={step.ref.system: self._token(link, step.ref) for step in steps if step.op is Op.DELETE},
        )
        plan, left = plan_undo(flow, link, steps, ground)
        self.left += left
        if plan is not None:
            deletes = any(write.op is Op.DELETE for write in plan.writes)
            order = list(self.setting.order)
            yield DELETES + len(order) - order.index(link.flow) if deletes else order.index(link.flow), plan

    def _steps(self, link: Link, lines: Sequence[HistoryLine]) -> Iterator[Step]:
        """Of several writes to one row, the first old and the last new value."""
        meant = {line.id for line in lines}
        newest: dict[tuple[str, str], HistoryLine] = {}
        archived: set[tuple[str, str]] = set()
        for line in self.state.history.list(link=link.id):
            if _is_write(line):
                newest |= {(line.ref or "", row): line for row in line.changes}
                archived |= {(line.ref or "", row) for row in line.changes if (line.reason or "").endswith(ARCHIVED)}
        first: dict[tuple[str, str], HistoryLine] = {}
        last: dict[tuple[str, str], HistoryLine] = {}
        for line in lines:
            for row in line.changes if self.wanted.row is None else [self.wanted.row]:
                first.setdefault((line.ref or "", row), line)
                last[line.ref or "", row] = line
        for (ref, row), line in first.items():
            op = self._op(line, last[ref, row])
            if op is None:
                continue
            begin = last[ref, row] if op is Op.DELETE else line
            after = newest[ref, row]
            yield Step(
                ref=Ref.parse(ref),
                op=op,
                row=row,
                old=begin.changes[row][0],
                new=last[ref, row].changes[row][1],
                later=after.run if after.id not in meant else None,
                archived=(ref, row) in archived,
            )

    def _op(self, first: HistoryLine, last: HistoryLine) -> Op | None:
        """What is to be undone; None for a record that was made and deleted again."""
        if self.wanted.row is not None:
            return Op.UPDATE
        if last.op == Op.DELETE.value:
            return None if first.op == Op.CREATE.value else Op.DELETE
        return Op.CREATE if first.op == Op.CREATE.value else Op.UPDATE

    def _reading(self, link: Link, member: Member, records: Mapping[Ref, Record]) -> Reading | None:
        flow = self.setting.flows[link.flow]
        record = records.get(member.ref)
        if record is None or arrival_of(flow, member.ref, record).content is None:
            return None
        whole = record.natives()
        natives = flow.sides[member.ref.system].by_row(whole)
        resolve = self.state.links.of
        return Reading(
            flow,
            member,
            natives,
            record=whole,
            version=record.version,
            modified=record.modified,
            resolve=lambda ref: resolve([ref]).get(ref),
        )

    def _held(self, link: Link) -> list[HeldItem]:
        return [
            HeldItem(
                kind=item.kind,
                row=item.row,
                values=dict(item.values),
                base=item.base,
                reason=item.reason,
                refs=tuple(item.refs),
            )
            for item in self.state.held.of_links([link.id])
        ]

    def _referrers(self, link: Link) -> list[int]:
        """Links that point to this one and stay as they are."""
        flows = [flow.name for flow in self.setting.flows.values() if link.flow in flow.references.values()]
        if not flows:
            return []
        found = self.state.links.pointing_to(link.id, flows)
        return [number for number in found if number not in self.all_links]

    def _token(self, link: Link, ref: Ref) -> str:
        return make_key(ref, f"{self.state.installation}/{link.id}/{ref.system}/{self.setting.run}")

    def _leave(self, lines: Sequence[HistoryLine], reason: str) -> None:
        for line in lines:
            self.left.append(
                Left(flow=line.flow or "", link=line.link or 0, ref=line.ref or "", row=None, reason=reason)
            )


def _pointed_to(steps: Sequence[Step]) -> set[int]:
    return {int(step.old["link"]) for step in steps if isinstance(step.old, dict) and "link" in step.old}
