"""The record that a lost create made, in a system that gives no means to ask: found by comparing what has come since.

Whatever arrives and may be such a record stays in the inbox, in no link (`intake.py`). Once the create can no longer
take effect late, the one among them that shows all that was sent is taken for ours. Where several do, or several
creates in doubt sent the same, or little of it tells records apart, a person says.
"""

from __future__ import annotations

from collections.abc import Iterator

from accord.core.identity import SHARED
from accord.core.linkplan import RowWrite, WritePlan
from accord.core.mapping import FlowMap
from accord.core.settle import looks_same
from accord.engine.setting import Setting
from accord.model import Natives, Op, Record, Ref

BATCH = 500
ENOUGH = 2
"""So many rows must tell the record from others: a name alone is the name of many."""


async def created_since(setting: Setting, flow: FlowMap, write: WritePlan) -> Record | None:
    """The one record in no link that shows all that the create sent, read by its id; None where that is not plain."""
    if sum(_tells(flow, row) for row in _sent(flow, write)) < ENOUGH or _is_one_of_several(setting, flow, write):
        return None
    found = [id for id, natives in _in_no_link(setting, write) if shows(flow, write, natives)]
    if len(found) != 1:
        return None
    answer = (await setting.connectors[write.system].fetch(write.datatype, found))[found[0]]
    return answer if isinstance(answer, Record) and shows(flow, write, answer.natives()) else None


def of_same_key(setting: Setting, flow: FlowMap, write: WritePlan) -> Ref | None:
    """A record in no link that a match rule would link with what the create sent; None where there is none."""
    side = flow.sides[write.system]
    sent = {row.row: row for row in _sent(flow, write)}
    rules = [[sent[name] for name in rule] for rule in flow.flow.match if all(name in sent for name in rule)]
    for id, natives in _in_no_link(setting, write):
        for rule in rules:
            if all(looks_same(flow, side, row.row, row.native, natives.get(row.path)) for row in rule):
                return Ref(write.system, write.datatype, id)
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


def _in_no_link(setting: Setting, write: WritePlan) -> Iterator[tuple[str, Natives]]:
    place, after = setting.place(write.system, write.datatype), ""
    while arrivals := setting.state.observed.inbox(place, after, BATCH):
        after = arrivals[-1].ref.id
        yield from ((a.ref.id, a.natives()) for a in arrivals if a.link is None and a.content is not None)


def _is_one_of_several(setting: Setting, flow: FlowMap, write: WritePlan) -> bool:
    """Whether another create in doubt sent the same: then nobody can tell which of the two made a record."""
    same = 0
    for proposal in setting.state.plans.unfinished():
        for other in proposal.plan.writes:
            of_place = (other.system, other.datatype) == (write.system, write.datatype)
            if other.op is Op.CREATE and of_place and other.known is None:
                same += shows(flow, write, other.natives())
    return same > 1
