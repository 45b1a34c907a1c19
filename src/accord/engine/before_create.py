"""Before a create, look for the record by its match key where a listing may have missed it.

An empty, short or old listing must not make duplicates (faults.md, lesson 1). A search is made unless this is the
first round that lists the target, not empty and with a count that the system confirms: the first load of many
records must not search for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from accord.core.linkplan import HeldItem, LinkPlan, WritePlan
from accord.core.mapping import FlowMap
from accord.core.match import in_scope_of
from accord.engine.chunk import arrival_of
from accord.engine.decisions import choice_of
from accord.engine.observe import place_salt, record_print
from accord.engine.setting import Setting
from accord.errors import ExpressionError, SystemFailure
from accord.model import Natives, Op, Record, Ref, json_text
from accord.stored import Held, Proposal

OUTSIDE = "no flow takes it up: it is outside the filter"


class Searcher:
    """Looks for records before they are created."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.state = setting.state

    async def without_found(self, proposals: Sequence[Proposal]) -> list[Proposal]:
        """The proposals for which nothing new was found. What is found arrives in the inbox, and is planned anew."""
        kept = []
        for proposal in proposals:
            writes = [write for write in proposal.plan.writes if self._doubtful(proposal.plan, write)]
            found = False
            for write in writes:
                found |= await self._search(proposal.plan, write)
            if not found:
                kept.append(proposal)
        return kept

    async def beside(self, flow: FlowMap, write: WritePlan) -> Ref | None:
        """A record that is linked with nothing and has a match key of what would be created; None also where there is
        no search.
        """
        for by in self._keys(flow, write):
            for record in await self.setting.connectors[write.system].find(write.datatype, by):
                ref = Ref(write.system, write.datatype, record.id)
                if not _is_deleted(flow, write, record) and not self._is_linked(ref):
                    return ref
        return None

    def _is_linked(self, ref: Ref) -> bool:
        number = self.state.links.of([ref]).get(ref)
        return number is not None and len(self.state.links.load([number])[number].members) > 1

    def _doubtful(self, plan: LinkPlan, write: WritePlan) -> bool:
        if write.op is not Op.CREATE or not self.setting.project.flows[plan.flow].match:
            return False
        item = choice_of(self.state.held.of_links([plan.link]), "review")
        if item is not None and item.decision and item.decision.get("create"):
            return False  # a person has seen what there is
        return (write.system, write.datatype) not in self.setting.observed_complete

    async def _search(self, plan: LinkPlan, write: WritePlan) -> bool:
        flow = self.setting.flows[plan.flow]
        for by in self._keys(flow, write):
            try:
                records = await self.setting.connectors[write.system].find(write.datatype, by)
            except SystemFailure as error:
                self.setting.tally.fail(error)
                return True
            if self._take_in(plan, flow, write, records):
                return True
        return False

    def _take_in(self, plan: LinkPlan, flow: FlowMap, write: WritePlan, records: Sequence[Record]) -> bool:
        """Put what was found and not seen before into the inbox; whether there is any. What is deleted counts not."""
        place = self.setting.place(write.system, write.datatype)
        salt = place_salt(self.setting, write.system, write.datatype)
        there = [record for record in records if not _is_deleted(flow, write, record)]
        prints = [record_print(record, salt) for record in there]
        fresh, _ = self.state.observed.diff(place, [(r.id, p) for r, p in zip(there, prints, strict=True)])
        with self.state.db.transaction():
            new, new_prints = [there[n] for n in sorted(fresh)], [prints[n] for n in sorted(fresh)]
            self.state.observed.take_in(place, new, new_prints, self.setting.run)
        return bool(fresh) or self._undecided(plan, place, write, there)

    def _undecided(self, plan: LinkPlan, place: int, write: WritePlan, records: Sequence[Record]) -> bool:
        """Whether one of them is in no link and was never let go: it may be the record of a create in doubt, or it is
        outside the filter, and a person says whether another one is wanted beside it.
        """
        found = {Ref(write.system, write.datatype, record.id): record for record in records}
        linked, closed = self.state.links.of(list(found)), self.state.links.closed_with(place, [r.id for r in found])
        held = self.state.held.alone_refs()
        alone = [ref for ref in found if ref not in linked and ref.id not in closed]
        undecided = [ref for ref in alone if json_text([str(ref)]) not in held]
        flows = self.setting.flows_of(write.system, write.datatype)
        outside = [ref for ref in undecided if not any(_in_scope(flow, ref, found[ref]) for flow in flows)]
        if outside:
            self._ask(plan, outside[0])
        return bool(undecided)

    def _ask(self, plan: LinkPlan, ref: Ref) -> None:
        link = self.state.links.load([plan.link])[plan.link]
        refs = [str(member.ref) for member in link.members]
        reason = (
            f"{ref} has the same key, and nothing is created beside it unasked: if it is the same, "
            f"`accord links link {refs[0]} {ref}`; if it is another one, resolve this with `--create`; {OUTSIDE}"
        )
        item = HeldItem(kind="review", reason=reason, refs=(str(ref),))
        with self.state.db.transaction():
            self.state.held.add(plan.link, plan.flow, item, refs, self.setting.now, self.setting.run)

    def _keys(self, flow: FlowMap, write: WritePlan) -> Iterator[Natives]:
        """Every match rule that the system can be searched by, with the values that would be sent."""
        can = set(self.setting.connectors[write.system].capabilities(write.datatype).find)
        sent = {row.row: row for row in write.rows if not row.pending}
        for rule in flow.flow.match:
            if all(name in sent and sent[name].path in can and sent[name].native for name in rule):
                yield {sent[name].path: sent[name].native for name in rule}


def found_outside(items: Sequence[Held]) -> list[HeldItem]:
    """What the search before a create has asked about a link: it stays open until another search has been made."""
    asked = (item for item in items if item.kind == "review" and item.reason.endswith(OUTSIDE))
    return [HeldItem(kind=i.kind, reason=i.reason, refs=tuple(i.refs), values=dict(i.values)) for i in asked]


def _in_scope(flow: FlowMap, ref: Ref, record: Record) -> bool:
    try:
        return in_scope_of(flow, ref.system, record.natives())
    except ExpressionError:
        return True  # it is held by itself, as soon as it is read


def _is_deleted(flow: FlowMap, write: WritePlan, record: Record) -> bool:
    return arrival_of(flow, Ref(write.system, write.datatype, record.id), record).content is None
