"""A link plan whose writes are all known → the link as it is now. The only place where a base is made.

The base is what the system returned for that very write. Where the answer held nothing, it is what was sent, unless
a reading afterwards shows the same value in the system's own form; where it lost the race with somebody's edit, the
edit stays visible as a difference from what was sent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec

from accord.core.detect import same_native
from accord.core.linkplan import AgreedRow, HeldItem, Known, LinkPlan, RowWrite, WritePlan
from accord.core.mapping import FlowMap, SideMap
from accord.errors import ExpressionError, ValueRefused
from accord.model import Agreed, Dangling, Link, LinkRef, LinkState, Member, Natives, Op, OutcomeKind, Record, Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How one write of a plan ended. `unknown` and `stale` plans are not settled."""

    kind: OutcomeKind
    record: Record | None = None
    """What the system returned for the write."""
    read_back: Record | None = None
    """What a reading afterwards showed, where the write returned nothing or its answer was lost."""
    message: str | None = None
    conflicting: str | None = None
    proven: bool = True
    """Create: whether a record that was found is certainly ours; False where a person or a key that others may use
    named it. Update: whether the write took effect as a whole; False where its answer was lost and a reading judges."""

    @property
    def done(self) -> bool:
        """Whether the write took effect."""
        return self.kind in (OutcomeKind.APPLIED, OutcomeKind.ALREADY)


def known_of(result: Result) -> Known:
    """A result as a plan keeps it that cannot be settled yet."""
    record = result.record or result.read_back
    known = Known(kind=result.kind, message=result.message, conflicting=result.conflicting, is_proven=result.proven)
    if record is None:
        return known
    return msgspec.structs.replace(
        known,
        id=record.id,
        native_id=record.native_id,
        content=record.content.decode(),
        version=record.version,
        modified=record.modified.isoformat() if record.modified else None,
        is_answer=result.record is not None,
    )


def result_of(known: Known) -> Result:
    """What `known_of` kept."""
    record = None
    if known.id is not None and known.native_id is not None:
        record = Record(
            id=known.id,
            native_id=known.native_id,
            content=known.content.encode(),
            version=known.version,
            modified=datetime.fromisoformat(known.modified) if known.modified else None,
        )
    return Result(
        kind=known.kind,
        record=record if known.is_answer else None,
        read_back=None if known.is_answer else record,
        message=known.message,
        conflicting=known.conflicting,
        proven=known.is_proven,
    )


@dataclass(slots=True, kw_only=True)
class Settlement:
    """What a settle makes of a link."""

    link: Link
    dirty: bool = False
    closed_members: list[Member] = field(default_factory=list)
    held: list[HeldItem] = field(default_factory=list)
    ignored: set[tuple[str, str]] = field(default_factory=set)
    """(system, row) that the system silently did not take."""


def settle(flow: FlowMap, link: Link, plan: LinkPlan, results: Sequence[Result]) -> Settlement:
    """The link after its plan; results are in the order of the writes. Agreed values are JSON here, as the state holds
    them: `link` is as loaded, and a settle has no need of what they mean. Rows that are not in the file at present stay
    as they were, for the day on which they come back.
    """
    settlement = Settlement(link=link, held=list(plan.held))
    agreed = dict(link.agreed)
    unseen = frozenset(agreed) - set(flow.rows)
    for row, item in plan.agreed.items():
        agreed[row] = Agreed(value=item.value, revision=item.revision, origin=item.origin, modified=item.modified)
    members = [_taken(flow, member, plan) for member in link.members if member.ref.system not in plan.drop]
    settlement.closed_members += [
        replace(member, gone=True) for member in link.members if member.ref.system in plan.drop
    ]
    for write, result in zip(plan.writes, results, strict=True):
        if result.kind is OutcomeKind.REJECTED:
            settlement.held.append(_rejected(write, result))
        elif not result.done:
            settlement.dirty = True
        elif write.op is Op.CREATE:
            behind = unseen.union(plan.behind.get(write.system, ()))
            made = _created(flow, write, result, settlement, behind)
            settlement.dirty |= _tells_more(flow, made, agreed)
            members.append(made)
        elif write.op is Op.DELETE:
            members = [replace(m, gone=True) if m.ref == write.ref else m for m in members]
        else:
            closes = plan.state is LinkState.CLOSED
            members = [
                _updated(flow, m, write, result, settlement, closes) if m.ref == write.ref else m for m in members
            ]
    if len(members) < 2:  # agreement is between members, and so is being behind it
        agreed, members = {}, [replace(member, behind=frozenset()) for member in members]
    settlement.link = Link(
        id=link.id, flow=link.flow, state=_state(plan, members, settlement), members=tuple(members), agreed=agreed
    )
    if settlement.link.state is LinkState.CLOSED:
        settlement.closed_members += settlement.link.members
        settlement.link = replace(settlement.link, members=())
    return settlement


def _state(plan: LinkPlan, members: Sequence[Member], settlement: Settlement) -> LinkState:
    if plan.state is LinkState.CLOSED:
        failed = settlement.dirty or any(item.kind == "rejected" for item in settlement.held)
        return LinkState.LINKED if failed else LinkState.CLOSED
    if plan.state is LinkState.RESTING:
        return LinkState.RESTING
    return LinkState.LINKED if len(members) > 1 else LinkState.WAITING


def _taken(flow: FlowMap, member: Member, plan: LinkPlan) -> Member:
    """The member with what it holds already as its base."""
    system = member.ref.system
    if system in plan.gone:
        return replace(member, gone=True)
    seen = plan.seen.get(system)
    if seen is None:  # the plan says nothing of what was read: it is read again before anything is planned on it
        return replace(member, clean=False)
    return replace(
        member,
        base={**member.base, **plan.take.get(system, {})},
        behind=frozenset(row for row in member.behind if row not in flow.rows).union(plan.behind.get(system, ())),
        version=seen.version if seen.version is not None else member.version,
        modified=datetime.fromisoformat(seen.modified) if seen.modified else member.modified,
        created=seen.created if seen.created is not None else member.created,
        clean=seen.clean,
        gone=False,
    )


def _created(
    flow: FlowMap, write: WritePlan, result: Result, settlement: Settlement, behind: Collection[str]
) -> Member:
    record = result.record or result.read_back
    assert record is not None, "a create that is done has a record"  # noqa: S101
    side = flow.sides[write.system]
    returned = side.by_row(record.natives())
    sent = {row.row: row.native for row in write.rows if not row.pending}
    pending = frozenset(row.row for row in write.rows if row.pending)
    base = _confirmed(flow, side, write.rows, sent, returned, result)
    if result.record is not None:  # else what was not sent may be somebody's edit
        base = {**returned, **base}
    if not result.proven:  # perhaps somebody else's record: what differs there is no edit of what we sent
        differing = {row for row in sent if not looks_same(flow, side, row, sent[row], returned.get(row))}
        base = {row: native for row, native in base.items() if row not in differing}
        pending |= differing
    member = Member(
        ref=Ref(write.system, write.datatype, record.id),
        native_id=record.native_id,
        base=base,
        behind=pending.union(behind),
        version=record.version,
        modified=record.modified,
        created=side.created_of(record.natives()),
        clean=_same(base, returned) and _in_scope(side, record),
    )
    settlement.dirty |= bool(pending) or not member.clean or bool(side.conditions)
    return member


def _tells_more(flow: FlowMap, made: Member, agreed: Mapping[str, Agreed]) -> bool:
    """Whether a system gave a record that we made what only it can know, such as its number: the others are told."""
    return any(
        row not in agreed and native not in (None, "") and made.ref.system in flow.rows[row].sources
        for row, native in made.base.items()
        if row in flow.rows
    )


def _updated(
    flow: FlowMap, member: Member, write: WritePlan, result: Result, settlement: Settlement, closes: bool
) -> Member:
    """The member after a write. One that is archived may be out of scope: its link is over."""
    side = flow.sides[write.system]
    record = result.record or result.read_back
    returned = side.by_row(record.natives()) if record else {}
    mapped = [row for row in write.rows if row.row in side.rows]
    rows = [row for row in mapped if not _missed(flow, side, write, row, returned, result)]
    sent = {row.row: row.native for row in rows}
    confirmed = _confirmed(flow, side, rows, sent, returned, result)
    ignored = _note_ignored(flow, side, write, returned, settlement)
    _note_vanished(flow, side, write, member.base, returned, settlement)
    base = {**member.base, **confirmed, **{row: returned[row] for row in ignored}}
    clean = record is not None and _same(base, returned) and (closes or not mapped or _in_scope(side, record))
    settlement.dirty |= not clean or len(rows) < len(mapped) or bool(side.conditions)
    return replace(
        member,
        base=base,
        behind=member.behind - frozenset(sent),
        version=record.version if record else None,
        modified=record.modified if record else member.modified,
        created=(side.created_of(record.natives()) if record else None) or member.created,
        clean=clean,
    )


def _missed(flow: FlowMap, side: SideMap, write: WritePlan, row: RowWrite, returned: Natives, result: Result) -> bool:
    """Whether a row still shows what was there before a write whose answer was lost: it is sent again."""
    if result.proven or row.path not in write.ground:
        return False
    now = returned.get(row.row)
    return same_native(now, write.ground[row.path]) and not looks_same(flow, side, row.row, row.native, now)


def _confirmed(
    flow: FlowMap,
    side: SideMap,
    rows: Sequence[RowWrite],
    sent: Mapping[str, Any],
    returned: Natives,
    result: Result,
) -> dict[str, Any]:
    """Row → native that becomes the base of each row that was written."""
    base: dict[str, Any] = {}
    for row in rows:
        if row.row not in sent:
            continue
        there = row.row in returned
        if there and (result.record is not None or looks_same(flow, side, row.row, sent[row.row], returned[row.row])):
            base[row.row] = returned[row.row]
        else:
            base[row.row] = sent[row.row]
    return base


def looks_same(flow: FlowMap, side: SideMap, row: str, sent: Any, found: Any) -> bool:
    """Whether a value found is what was sent, in the form that the system gives it. For own writes only."""
    if same_native(sent, found):
        return True
    codec = side.rows[row]
    try:
        left, right = codec.decode(sent), codec.decode(found)
    except ValueRefused:
        return False
    if row in flow.references:
        return bool(left == right)
    kind = flow.types[row]
    return kind.equal(left, right) or kind.similar(left, right)


def _note_ignored(
    flow: FlowMap, side: SideMap, write: WritePlan, returned: Natives, settlement: Settlement
) -> list[str]:
    """Rows that the system answered with success and left as they were: reported, and never taken for an edit back."""
    ignored = []
    for row in write.rows:
        before = write.ground.get(row.path)
        if row.row not in returned or row.row not in side.rows or row.path not in write.ground:
            continue
        now = returned[row.row]
        unchanged = same_native(now, before) and not same_native(before, row.native)
        if unchanged and not looks_same(flow, side, row.row, row.native, now):
            ignored.append(row.row)
            settlement.ignored.add((write.system, row.row))
            settlement.held.append(
                HeldItem(
                    kind="rejected",
                    row=row.row,
                    values={write.system: now, "sent": row.new},
                    base=row.old,
                    reason=f"{flow.title(write.system)} answered with success and left {row.path!r} as it was",
                )
            )
    return ignored


def _note_vanished(
    flow: FlowMap, side: SideMap, write: WritePlan, base: Natives, returned: Natives, settlement: Settlement
) -> None:
    """Rows that the system used to show, and that are in no answer any more although all the others are: reported."""
    sent = {row.row for row in write.rows}
    expected = {row for row in side.rows if row not in sent and base.get(row) is not None}
    if not expected or not expected <= set(returned):  # an answer that shows a part only proves nothing
        return
    for row in write.rows:
        if (
            row.row in side.rows
            and row.row not in returned
            and base.get(row.row) is not None
            and row.native is not None
        ):
            settlement.held.append(
                HeldItem(
                    kind="rejected",
                    row=row.row,
                    values={"sent": row.new},
                    base=row.old,
                    reason=f"{flow.title(write.system)} answered with success and does not show {row.path!r} any more",
                )
            )


def _rejected(write: WritePlan, result: Result) -> HeldItem:
    refs = [str(write.ref)] if write.ref else []
    if result.conflicting:
        refs.append(str(Ref(write.system, write.datatype, result.conflicting)))
    return HeldItem(
        kind="rejected",
        row=write.rows[0].row if len(write.rows) == 1 else None,
        values={row.row: row.new for row in write.rows},
        reason=f"{write.op.value} in {write.system} was refused: {result.message or 'no reason given'}",
        refs=tuple(refs),
    )


def _same(base: Natives, returned: Natives) -> bool:
    """Whether a record shows its base. What the base does not know counts as empty, as for an edit (`detect.py`)."""
    return all(
        same_native(value, base.get(row)) or (row not in base and value in (None, ""))
        for row, value in returned.items()
    )


def _in_scope(side: SideMap, record: Record) -> bool:
    """Whether nothing in the answer of a write says that the record has left its filter: else it is read again."""
    natives = record.natives()
    if side.where is None or not side.where.paths <= set(natives):
        return True
    try:
        return side.where.test(natives)
    except ExpressionError:
        return False


def revive_agreed(flow: FlowMap, row: str, item: AgreedRow | Agreed) -> Agreed:
    """An agreed value with its canonical value, from JSON."""
    return Agreed(
        value=revive(flow, row, item.value), revision=item.revision, origin=item.origin, modified=item.modified
    )


def revive(flow: FlowMap, row: str, value: Any) -> Any:
    """A canonical value from the JSON that the state holds."""
    if value is None:
        return None
    if row in flow.references and isinstance(value, dict):
        if "link" in value:
            return LinkRef(value["link"])
        return Dangling(Ref.parse(value["unlinked"]))
    return flow.types[row].from_json(value) if row in flow.types else value


def revived(flow: FlowMap, link: Link) -> Link:
    """A link as loaded from the state, its agreed values canonical. Rows no longer in the file are left out."""
    agreed = {row: revive_agreed(flow, row, item) for row, item in link.agreed.items() if row in flow.rows}
    return replace(link, agreed=agreed)
