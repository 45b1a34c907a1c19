"""The record that a lost create made, in a system that gives no means to ask: found by comparing what has come since.

Whatever arrives and may be such a record stays in the inbox, in no link (`intake.py`): what looks like it, and all that
came since it was sent, for people may have typed over every value. That ends with the first whole listing that begins
when the create can no longer take effect: what comes later is somebody else's. The one that shows all that was sent is
then taken for ours. Where several do, or several creates in doubt sent the same, or little of it tells records apart,
a person says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from accord.core.identity import SHARED
from accord.core.linkplan import RowWrite, WritePlan
from accord.core.mapping import FlowMap
from accord.core.settle import looks_same
from accord.engine.setting import Setting
from accord.model import Natives, Op, Record, Ref
from accord.stored import Arrival, Proposal

BATCH = 500
ENOUGH = 2
"""So many rows must tell the record from others: a name alone is the name of many."""


@dataclass(frozen=True, slots=True)
class InDoubt:
    """A create of a link plan that is not finished."""

    proposal: Proposal
    write: WritePlan

    def may_have_made(self, arrival: Arrival) -> bool:
        """Whether a record was first seen between the sending and the listing that would have shown what it made."""
        until = self.write.listed_in
        return (
            arrival.born is not None and arrival.born >= self.proposal.run and (until is None or arrival.born <= until)
        )


def creates_in_doubt(setting: Setting, system: str, datatype: str) -> list[InDoubt]:
    """The creates in a datatype whose link plans are not finished."""
    return [
        InDoubt(proposal, write)
        for proposal in setting.state.plans.unfinished()
        for write in proposal.plan.writes
        if write.op is Op.CREATE and (write.system, write.datatype) == (system, datatype)
    ]


def must_be_listed(setting: Setting, system: str, datatype: str) -> bool:
    """Whether a whole listing is due, since it would show for certain what a create in doubt has made."""
    return any(
        one.write.known is None and one.write.listed_in is None and _is_over(setting, one.proposal, system)
        for one in creates_in_doubt(setting, system, datatype)
    )


def noted_as_listed(setting: Setting, proposal: Proposal, write: WritePlan) -> WritePlan:
    """The write, with the run in which all was listed after its time; as it was where that is still to come."""
    cursor = setting.state.observed.cursor(setting.place(write.system, write.datatype))
    was_listed = cursor is not None and cursor.complete_at == setting.now
    if write.listed_in is None and was_listed and _is_over(setting, proposal, write.system):
        return msgspec.structs.replace(write, listed_in=setting.run)
    return write


def _is_over(setting: Setting, proposal: Proposal, system: str) -> bool:
    """Whether nothing of it could take effect any more when this run began to read."""
    grace = timedelta(seconds=setting.project.systems[system].limits.grace)
    return proposal.sent_at is not None and setting.now - proposal.sent_at >= grace


def candidates(setting: Setting, one: InDoubt) -> Iterator[tuple[Ref, Natives]]:
    """The records in no link that a create in doubt may have made, by when they came."""
    for arrival in _in_no_link(setting, one.write):
        if one.may_have_made(arrival):
            yield arrival.ref, arrival.natives()


def looks_like(flow: FlowMap, write: WritePlan, natives: Natives) -> bool:
    """Whether a record shows something of what a create sent, of the rows that tell records apart."""
    rows = _sent(flow, write)
    telling = [row for row in rows if _tells(flow, row)] or rows
    side = flow.sides[write.system]
    return any(looks_same(flow, side, row.row, row.native, natives.get(row.path)) for row in telling)


async def created_since(setting: Setting, flow: FlowMap, write: WritePlan) -> Record | None:
    """The one record in no link that shows all that the create sent, read by its id; None where that is not plain."""
    if sum(_tells(flow, row) for row in _sent(flow, write)) < ENOUGH or _is_one_of_several(setting, flow, write):
        return None
    found = [one.ref.id for one in _in_no_link(setting, write) if shows(flow, write, one.natives())]
    if len(found) != 1:
        return None
    answer = (await setting.connectors[write.system].fetch(write.datatype, found))[found[0]]
    return answer if isinstance(answer, Record) and shows(flow, write, answer.natives()) else None


def of_same_key(setting: Setting, flow: FlowMap, write: WritePlan) -> Ref | None:
    """A record in no link that a match rule would link with what the create sent; None where there is none."""
    side = flow.sides[write.system]
    sent = {row.row: row for row in _sent(flow, write)}
    rules = [[sent[name] for name in rule] for rule in flow.flow.match if all(name in sent for name in rule)]
    for arrival in _in_no_link(setting, write):
        natives = arrival.natives()
        for rule in rules:
            if all(looks_same(flow, side, row.row, row.native, natives.get(row.path)) for row in rule):
                return arrival.ref
    return None


def _sent(flow: FlowMap, write: WritePlan) -> list[RowWrite]:
    side = flow.sides[write.system]
    return [row for row in write.rows if row.row in side.rows and not row.pending and row.native not in (None, "")]


def _tells(flow: FlowMap, row: RowWrite) -> bool:
    return flow.rows[row.row].type.name not in SHARED


def shows(flow: FlowMap, write: WritePlan, natives: Natives) -> bool:
    """Whether a record shows all that a create sent, in the form that its system gives it."""
    side = flow.sides[write.system]
    return all(
        row.path in natives and looks_same(flow, side, row.row, row.native, natives[row.path])
        for row in _sent(flow, write)
    )


def _in_no_link(setting: Setting, write: WritePlan) -> Iterator[Arrival]:
    place, after = setting.place(write.system, write.datatype), ""
    while arrivals := setting.state.observed.inbox(place, after, BATCH):
        after = arrivals[-1].ref.id
        yield from (one for one in arrivals if one.link is None and one.content is not None)


def _is_one_of_several(setting: Setting, flow: FlowMap, write: WritePlan) -> bool:
    """Whether another create in doubt sent the same: then nobody can tell which of the two made a record."""
    others = [one.write for one in creates_in_doubt(setting, write.system, write.datatype)]
    return sum(other.known is None and shows(flow, write, other.natives()) for other in others) > 1
