"""Link plans begun and not settled: find out which of their writes took effect, then settle or plan again.

Values that we meant to write, found in place, are ours and not edits. A create is never repeated unless the system
makes that safe, or says after the grace that it did not happen; else it stays in doubt until a person decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from accord.core.detect import same_native
from accord.core.identity import SHARED
from accord.core.linkplan import HeldItem, RowWrite, WritePlan
from accord.core.mapping import FlowMap, SideMap
from accord.core.settle import Result, looks_same, result_of
from accord.engine.apply import refresh, result_of_outcome, with_known
from accord.engine.before_create import Searcher
from accord.engine.created_since import (
    InDoubt,
    candidates,
    created_since,
    looks_like,
    noted_as_listed,
    of_same_key,
    shows,
)
from accord.engine.decisions import choice_of
from accord.engine.setting import Setting
from accord.engine.settling import Finished, note_given_up, settle_all
from accord.errors import SystemFailure
from accord.model import Absence, LinkState, Native, Natives, Op, OutcomeKind, Record, Ref
from accord.ports import Connector, Expects, NewRecord
from accord.stored import Held, Proposal

NAMED = 5
"""So many records that wait with a create in doubt are named."""


async def recover(setting: Setting, since: datetime | None = None, *, has_read: bool = False) -> None:
    """Every unfinished plan of the selected flows. `since` is when its process was last alive; `has_read` says that
    everything has been read in this run, so that a create can be sent again where records are matched.
    """
    unfinished = setting.state.plans.unfinished()
    for count, proposal in enumerate(unfinished, 1):
        setting.progress("recovering", count, len(unfinished))
        if proposal.flow not in setting.flows or proposal.flow in setting.paused:
            continue
        if proposal.id in setting.tally.answered:
            continue
        if any(write.system in setting.tally.failed for write in proposal.plan.writes):
            continue
        try:
            await _Recovery(setting, proposal, since, has_read).run()
        except SystemFailure as error:
            setting.tally.fail(error)


class _Recovery:
    def __init__(self, setting: Setting, proposal: Proposal, since: datetime | None, has_read: bool) -> None:
        self.setting, self.proposal, self.has_read = setting, proposal, has_read
        self.state = setting.state
        self.flow: FlowMap = setting.flows[proposal.flow]
        self.since = max(filter(None, (proposal.sent_at, since)), default=setting.now)
        self.decision = self._decision()
        self.sent: datetime | None = None
        """When something of it was sent once more: from then on the grace counts anew."""

    def _decision(self) -> Held | None:
        return choice_of(self.state.held.of_links([self.proposal.link]), "in_doubt")

    async def run(self) -> None:
        """Find out about each write; settle when all are known."""
        plan, decided = self.proposal.plan, self.decision is not None
        results = [self._kept(write) if write.known else await self._one(write) for write in plan.writes]
        if any(result.kind is OutcomeKind.UNKNOWN for result in results):
            if decided:  # what came of it stays to be read
                self.setting.tally.answered.add(self.proposal.id)
            self._doubt(plan.writes, results)
            return
        if all(result.kind is OutcomeKind.STALE for result in results):
            with self.state.db.transaction():
                if any(result.message for result in results):
                    note_given_up(self.setting, plan, results)
                self.state.plans.done([self.proposal.id])
                self._out_of_doubt()
                self.state.links.touch([plan.link])
        else:
            settle_all(self.setting, [Finished(plan=plan, results=results, proposal=self.proposal.id, late=True)])
        made = [*self._made_earlier(plan.writes), *self._found_deleted(plan.writes, results)]
        await refresh(self.setting, [*self._written(plan.writes), *made])
        if not any(result.kind is OutcomeKind.REJECTED for result in results):  # what is refused is not sent again
            self.state.links.touch([plan.link])

    def _kept(self, write: WritePlan) -> Result:
        """How a write ended in an earlier round. What it made may be gone, and its id be that of another record."""
        assert write.known is not None, "asked of writes whose end is known"  # noqa: S101
        if write.op is Op.CREATE and write.known.id is not None:
            ref = Ref(write.system, write.datatype, write.known.id)
            if self.state.links.of([ref]).get(ref, self.proposal.link) != self.proposal.link:
                why = f"{ref} was made, is gone, and its id was given to another record"
                return Result(kind=OutcomeKind.STALE, message=why)
        return result_of(write.known)

    @staticmethod
    def _written(writes: Sequence[WritePlan]) -> list[Ref]:
        return [write.ref for write in writes if write.ref is not None]

    @staticmethod
    def _made_earlier(writes: Sequence[WritePlan]) -> list[Ref]:
        """What was made in an earlier round, and may be edited or gone by now: no listing knew it for a member."""
        return [
            Ref(write.system, write.datatype, write.known.id)
            for write in writes
            if write.op is Op.CREATE and write.known is not None and write.known.id is not None
        ]

    def _found_deleted(self, writes: Sequence[WritePlan], results: Sequence[Result]) -> list[Ref]:
        """What a lost create made and somebody has deleted since, in a system that still shows it."""
        return [
            Ref(write.system, write.datatype, result.read_back.id)
            for write, result in zip(writes, results, strict=True)
            if write.op is Op.CREATE and result.read_back is not None and self._is_deleted(write, result.read_back)
        ]

    def _out_of_doubt(self) -> None:
        link = self.state.links.load([self.proposal.link]).get(self.proposal.link)
        if link is not None and link.state is LinkState.IN_DOUBT:
            state = LinkState.LINKED if len(link.members) > 1 else LinkState.WAITING
            self.state.links.set_state(link.id, state)
        self._close_doubts()

    def _close_doubts(self) -> None:
        items = self.state.held.of_links([self.proposal.link])
        self.state.held.close([item.id for item in items if item.kind == "in_doubt"], self.setting.now)

    async def _one(self, write: WritePlan) -> Result:
        if write.op is Op.CREATE:
            return await self._create(write)
        connector = self.setting.connectors[write.system]
        answer = (await connector.fetch(write.datatype, [write.id or ""]))[write.id or ""]
        if answer in (Absence.FORBIDDEN, Absence.FAILED):
            return Result(kind=OutcomeKind.UNKNOWN, message="the record cannot be read")
        gone = answer is Absence.GONE or (isinstance(answer, Record) and self._is_deleted(write, answer))
        if gone or not isinstance(answer, Record):
            if write.op is Op.DELETE:
                return Result(kind=OutcomeKind.APPLIED)
            return Result(kind=OutcomeKind.STALE, message="the record is gone; the write may have taken effect before")
        result = Result(kind=OutcomeKind.STALE) if write.op is Op.DELETE else self._update(write, answer)
        if result.kind is OutcomeKind.STALE and self._may_still_land(connector, write, answer):
            if connector.capabilities(write.datatype).checks(deleting=write.op is Op.DELETE):
                return await self._once_more(connector, write)
            return Result(kind=OutcomeKind.UNKNOWN, message="not there, and it may still take effect")
        return result

    async def _once_more(self, connector: Connector, write: WritePlan) -> Result:
        """The same write under the same precondition: of the two at most one takes effect, so nobody has to wait."""
        expects = Expects(version=write.version, natives=write.ground)
        if write.op is Op.DELETE:
            outcome = await connector.delete(write.datatype, write.id or "", expects)
        else:
            outcome = await connector.update(write.datatype, write.id or "", write.natives(), expects)
        if outcome.kind is OutcomeKind.UNKNOWN:
            self.sent = self.setting.clock.now()
        if outcome.kind is OutcomeKind.APPLIED and outcome.record is not None:
            return result_of_outcome(outcome)
        if outcome.kind is not OutcomeKind.STALE and not (outcome.done and write.op is Op.UPDATE):
            return result_of_outcome(outcome)
        answer = (await connector.fetch(write.datatype, [write.id or ""]))[write.id or ""]
        if not isinstance(answer, Record):
            gone = answer is Absence.GONE
            return Result(kind=OutcomeKind.APPLIED if gone and write.op is Op.DELETE else OutcomeKind.STALE)
        if outcome.done:
            return Result(kind=OutcomeKind.APPLIED, read_back=answer)
        if self._may_still_land(connector, write, answer):
            return Result(kind=OutcomeKind.UNKNOWN, message="refused as stale, though nothing has changed")
        return Result(kind=OutcomeKind.STALE) if write.op is Op.DELETE else self._update(write, answer)

    def _may_still_land(self, connector: Connector, write: WritePlan, record: Record) -> bool:
        """Whether a write whose answer was lost may take effect after all: its ground is still there, or is not asked.

        After a crash there is nothing to wait for: the connection is closed.
        """
        if self.proposal.why is None or self._grace_is_over(write):
            return False
        if not connector.capabilities(write.datatype).checks(deleting=write.op is Op.DELETE):
            return True
        if write.version is not None:
            return bool(record.version == write.version)
        natives = record.natives()
        return all(same_native(natives.get(path), native) for path, native in write.ground.items())

    def _grace_is_over(self, write: WritePlan) -> bool:
        grace = timedelta(seconds=self.setting.project.systems[write.system].limits.grace)
        return bool(self.setting.clock.now() - self.since >= grace)

    def _is_deleted(self, write: WritePlan, record: Record) -> bool:
        deleted = self.flow.sides[write.system].deleted
        return deleted is not None and deleted.test(record.natives())

    def _update(self, write: WritePlan, record: Record) -> Result:
        """Applied where some row shows what was sent; not applied where the version never moved.

        A value that many records share (an option, a flag, none at all) proves nothing beside rows that tell: somebody
        may have typed the same.
        """
        if write.version is not None and record.version == write.version:
            return Result(kind=OutcomeKind.STALE)
        side = self.flow.sides[write.system]
        natives = record.natives()
        telling = [row for row in write.rows if row.row in side.rows and not self._is_shared(row)]
        for row in telling or write.rows:
            if row.row not in side.rows:
                if row.path in natives and natives[row.path] == row.native:
                    return Result(kind=OutcomeKind.APPLIED, read_back=record, proven=False)
            elif self._shows_sent(side, row, natives, write.ground):
                return Result(kind=OutcomeKind.APPLIED, read_back=record, proven=False)
        natives = {path: natives.get(path) for path in write.ground}
        if all(same_native(natives[path], native) for path, native in write.ground.items()):
            return Result(kind=OutcomeKind.STALE)
        return Result(kind=OutcomeKind.STALE, message="changed since; the write may have taken effect before that")

    def _is_shared(self, row: RowWrite) -> bool:
        return row.native in (None, "") or self.flow.rows[row.row].type.name in SHARED

    def _shows_sent(self, side: SideMap, row: RowWrite, natives: Natives, ground: Natives) -> bool:
        """Whether a row shows what was sent, and did not look so before."""

        def looks(found: Native) -> bool:
            return looks_same(self.flow, side, row.row, row.native, found)

        return row.path in natives and looks(natives[row.path]) and not looks(ground.get(row.path))

    async def _create(self, write: WritePlan) -> Result:
        connector = self.setting.connectors[write.system]
        decision = self._decision_for(write)
        if decision:
            return await self._decided(connector, write, decision)
        found = await self._look(connector, write)
        if found is not None:
            return Result(kind=OutcomeKind.ALREADY, read_back=found, proven=self._has_key(connector, write))
        if self.flow.flow.matches and not self.has_read:
            return Result(kind=OutcomeKind.UNKNOWN, message="not found, and what is there has not been read yet")
        other = await self._beside(write)
        if connector.capabilities(write.datatype).idempotent_create:
            if other is not None and not await self._shows_all(write, other):
                return Result(kind=OutcomeKind.UNKNOWN, message=f"{other} has the same key, and may be somebody's")
            again = _unless_refused(await self._again(connector, write))
            return await self._compared(write) or again if again.kind is OutcomeKind.UNKNOWN else again
        if not self._can_look(connector, write):
            unknown = Result(kind=OutcomeKind.UNKNOWN, message="the system gives no means to find out")
            return await self._compared(write) or unknown
        if not self._grace_is_over(write):
            return Result(kind=OutcomeKind.UNKNOWN, message="not found, and it may still take effect")
        if other is not None:  # somebody was faster: it is planned again, and matched
            return Result(kind=OutcomeKind.STALE, message=f"never made, and {other} has the same key by now")
        if not self._has_key(connector, write) and (like := self._alike(write)) is not None:
            return Result(kind=OutcomeKind.UNKNOWN, message=f"not found by its key, and {like} may be it")
        return await self._again(connector, write)

    def _alike(self, write: WritePlan) -> Ref | None:
        """A record that came since and shows something of what was sent: ours, if somebody has typed over its key."""
        found = candidates(self.setting, InDoubt(self.proposal, write))
        return next((ref for ref, natives in found if looks_like(self.flow, write, natives)), None)

    async def _beside(self, write: WritePlan) -> Ref | None:
        """Another record with the same key, linked with nothing: one that waits, or that a search finds."""
        sharing = self.state.links.sharing([self.proposal.link]).get(self.proposal.link, {})
        for link in self.state.links.load(list(sharing)).values():
            if len(link.members) == 1 and link.members[0].ref.system == write.system:
                return link.members[0].ref
        found = of_same_key(self.setting, self.flow, write)
        return found or await Searcher(self.setting).beside(self.flow, write)

    async def _shows_all(self, write: WritePlan, ref: Ref) -> bool:
        answer = (await self.setting.connectors[ref.system].fetch(ref.datatype, [ref.id]))[ref.id]
        return isinstance(answer, Record) and shows(self.flow, write, answer.natives())

    async def _compared(self, write: WritePlan) -> Result | None:
        """What was created since and shows all that was sent, once nothing of it can take effect any more."""
        found = await created_since(self.setting, self.flow, write) if self._grace_is_over(write) else None
        return None if found is None else Result(kind=OutcomeKind.ALREADY, read_back=found, proven=False)

    def _decision_for(self, write: WritePlan) -> dict[str, object]:
        """What a person said of this create. One decision is for one create: the first that is in doubt."""
        decision = dict(self.decision.decision or {}) if self.decision is not None else {}
        link = decision.get("link")
        if isinstance(link, str) and Ref.parse(link).system != write.system:
            return {}
        if decision:
            self.decision = None
        return decision

    def _has_key(self, connector: Connector, write: WritePlan) -> bool:
        """Whether our own key is in the records."""
        key = self.setting.project.datatype(write.system, write.datatype).key_property
        return bool(key) and connector.capabilities(write.datatype).own_key

    def _can_look(self, connector: Connector, write: WritePlan) -> bool:
        return connector.capabilities(write.datatype).own_key or bool(self._natural_key(connector, write))

    async def _look(self, connector: Connector, write: WritePlan) -> Record | None:
        """The record that a lost create made: by our key, else by what is unique in the system."""
        datatype = self.setting.project.datatype(write.system, write.datatype)
        if datatype.key_property and connector.capabilities(write.datatype).own_key:
            found = await connector.find(write.datatype, {datatype.key_property: write.token})
            return found[0] if found else None
        key = self._natural_key(connector, write)
        if not key:
            return None
        for record in await connector.find(write.datatype, key):
            if not self.state.links.of([Ref(write.system, write.datatype, record.id)]):
                return record
        return None

    def _natural_key(self, connector: Connector, write: WritePlan) -> dict[str, Native]:
        datatype = self.setting.project.datatype(write.system, write.datatype)
        can = set(connector.capabilities(write.datatype).find)
        sent = write.natives()
        if not datatype.natural_key or not all(path in can and sent.get(path) for path in datatype.natural_key):
            return {}
        return {path: sent[path] for path in datatype.natural_key}

    async def _again(self, connector: Connector, write: WritePlan) -> Result:
        """The same create with the same key; safe here."""
        self.sent = self.setting.clock.now()
        new = NewRecord(natives=write.natives(), token=write.token or "")
        return result_of_outcome((await connector.create(write.datatype, [new]))[0])

    async def _decided(self, connector: Connector, write: WritePlan, decision: dict[str, object]) -> Result:
        if decision.get("create"):
            return await self._again(connector, write)
        if isinstance(decision.get("link"), str):
            return await self._named(connector, write, Ref.parse(str(decision["link"])))
        if decision.get("dismiss"):
            return Result(kind=OutcomeKind.REJECTED, message="dismissed by a person")
        found = await self._look(connector, write)
        if found is not None:
            return Result(kind=OutcomeKind.ALREADY, read_back=found, proven=self._has_key(connector, write))
        return Result(kind=OutcomeKind.UNKNOWN, message="still not found")

    async def _named(self, connector: Connector, write: WritePlan, ref: Ref) -> Result:
        """The record that a person says the create has made."""
        number = self.state.links.of([ref]).get(ref)
        other = self.state.links.load([number]).get(number) if number is not None else None
        if other is not None and len(other.members) > 1:
            return Result(kind=OutcomeKind.UNKNOWN, message=f"{ref} is linked already (link {other.id})")
        if other is not None and any(one.link == other.id for one in self.state.plans.unfinished()):
            why = f"{ref} is in link {other.id}, of which a write is in doubt itself: that comes first"
            return Result(kind=OutcomeKind.UNKNOWN, message=why)
        answer = (await connector.fetch(write.datatype, [ref.id]))[ref.id]
        if not isinstance(answer, Record) or ref.datatype != write.datatype:
            return Result(kind=OutcomeKind.UNKNOWN, message=f"{ref} cannot be read")
        if other is not None:
            self.state.links.drop(other.id)
        return Result(kind=OutcomeKind.ALREADY, read_back=answer, proven=False)

    def _doubt(self, writes: Sequence[WritePlan], results: Sequence[Result]) -> None:
        """Show a create in doubt to people; everything else is looked at again in the next round."""
        unknown = [(w, r) for w, r in zip(writes, results, strict=True) if r.kind is OutcomeKind.UNKNOWN]
        now = self.setting.now
        with self.state.db.transaction():
            kept = with_known(
                self.proposal.plan, [None if result.kind is OutcomeKind.UNKNOWN else result for result in results]
            )
            kept = msgspec.structs.replace(kept, writes=tuple(self._listed(write) for write in kept.writes))
            why = self.proposal.why or unknown[0][1].message or ""
            sent = self.sent or self.proposal.sent_at or self.since
            self.state.plans.in_doubt_since(self.proposal.id, sent, why, kept)
            creates = [(w, r) for w, r in unknown if w.op is Op.CREATE]
            if not creates:  # what is left to find out of needs nobody
                self._close_doubts()
            else:
                write, result = creates[0]
                self.state.links.set_state(self.proposal.link, LinkState.IN_DOUBT)
                item = HeldItem(
                    kind="in_doubt",
                    values={row.row: row.new for row in write.rows},
                    reason=f"a create in {write.system} was sent and its answer lost: {result.message}"
                    + self._waiting_with(write),
                )
                link = self.state.links.load([self.proposal.link])[self.proposal.link]
                refs = [str(member.ref) for member in link.members]
                self.state.held.add(self.proposal.link, self.proposal.flow, item, refs, now, self.setting.run)

    def _listed(self, write: WritePlan) -> WritePlan:
        """A create in doubt, with the run that has listed all since; sent once more, it may come late once more."""
        if write.op is not Op.CREATE or write.known is not None:
            return write
        if self.sent is not None:
            return msgspec.structs.replace(write, listed_in=None)
        return noted_as_listed(self.setting, self.proposal, write) if self.has_read else write

    def _waiting_with(self, write: WritePlan) -> str:
        """The records that wait for this to be found out, since each of them may be what was made."""
        if self.setting.project.datatype(write.system, write.datatype).key_property:
            return ""
        refs = [str(ref) for ref, _ in candidates(self.setting, InDoubt(self.proposal, write))]
        more = f" and {len(refs) - NAMED} more" if len(refs) > NAMED else ""
        return f"; new there since, and waiting with it: {', '.join(refs[:NAMED])}{more}" if refs else ""


def _unless_refused(result: Result) -> Result:
    """What came of a create that was sent again. A refusal says nothing of the first sending, which may be done."""
    if result.kind is not OutcomeKind.REJECTED:
        return result
    why = f"refused when it was sent again, and the first sending may have been taken: {result.message or 'no reason'}"
    return Result(kind=OutcomeKind.UNKNOWN, message=why)
