"""A merged link → its link plan: what each member has not received, encoded for its system, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from accord.core.candidates import equal, shown, shows
from accord.core.detect import Reading, same_native
from accord.core.linkplan import AgreedRow, HeldItem, LinkPlan, LogLine, RowWrite, SeenMember, Wait, WritePlan
from accord.core.mapping import FlowMap, SideMap
from accord.core.merged import Merged
from accord.core.resting import told
from accord.errors import ValueRefused
from accord.model import ABSENT, Agreed, Cause, Dangling, Link, LinkRef, LinkState, Op
from accord.values.items import SampleItems

Samples = Mapping[tuple[str, str, str], Any]
"""(system, datatype, path) → a native value seen there, from which the wire form is learned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a plan is made on, besides the link itself."""

    target: Callable[[int, str], str | int | None]
    """(link, system) → the native id of its member there."""
    making: Callable[[int, str], bool]
    """(link, system) → whether that member may be created in this run."""
    samples: Samples
    token: Callable[[Link, str], str]
    """The key of a create, kept with the plan."""
    why_create: str = ""
    deferred: frozenset[str] = frozenset()
    """Reference rows that a create goes without, because they form a circle; they follow in a second write."""
    restores: bool = False
    """A create makes again what was there: also the rows that only flow from it, as far as they can be written."""


class _Wants(Exception):
    """A row cannot be written before another record exists."""

    def __init__(self, wait: Wait) -> None:
        super().__init__(wait)
        self.wait = wait


def plan_link(
    flow: FlowMap,
    link: Link,
    readings: Sequence[Reading],
    merged: Merged,
    ground: Ground,
    creates: Sequence[str] = (),
) -> LinkPlan:
    """The plan of one link whose members are all there; `creates` are the systems that get a counterpart."""
    agreed = {**link.agreed, **merged.agreed}
    plan = _Builder(flow, link, merged, ground, agreed)
    for reading in readings:
        plan.member(reading)
    for system in creates:
        plan.create(flow.sides[system], readings)
    return plan.done(readings)


class _Builder:
    def __init__(self, flow: FlowMap, link: Link, merged: Merged, ground: Ground, agreed: Mapping[str, Agreed]) -> None:
        self.flow, self.link, self.merged, self.ground, self.agreed = flow, link, merged, ground, agreed
        self.take: dict[str, dict[str, Any]] = {}
        self.behind: dict[str, tuple[str, ...]] = {}
        self.seen: dict[str, SeenMember] = {}
        self.writes: list[WritePlan] = []
        self.held = [
            HeldItem(kind=h.kind, row=h.row, values=dict(h.values), base=h.base, reason=h.reason) for h in merged.held
        ]
        self.waits: list[Wait] = []
        self.lacking: list[str] = []
        """Why a create waits for a row that rests."""
        for row, dangling in merged.waits:
            self._wait_for(row, dangling)

    def _wait_for(self, row: str, dangling: Dangling) -> None:
        ref = dangling.ref
        for system in self.flow.sides:
            if system != ref.system and system in self.flow.rows[row].paths:
                self.waits.append(Wait(row=row, target=system, system=ref.system, datatype=ref.datatype, id=ref.id))

    def member(self, reading: Reading) -> None:
        """What one member receives."""
        taken = set(self.merged.take.get(reading.system, ()))
        sends: list[RowWrite] = []
        behind: list[str] = []
        for name in reading.side.rows:
            if name in taken:
                continue
            joined = not reading.member.base and name in self.agreed  # it has received nothing yet
            was_behind = joined or name in reading.member.behind
            if name in self.merged.frozen:
                if was_behind:
                    behind.append(name)
                continue
            if not was_behind and (name not in self.merged.agreed or self._has_it(reading, name)):
                if self._moved_only_in_form(reading, name):
                    taken.add(name)
                continue
            self._row(reading, name, taken, behind, sends)
        self.take[reading.system] = {row: reading.natives[row] for row in taken if row in reading.natives}
        self.behind[reading.system] = tuple(behind)
        self.seen[reading.system] = self._seen(reading, taken)
        if sends:
            self.writes.append(self._update(reading, sends))

    def _seen(self, reading: Reading, taken: set[str]) -> SeenMember:
        base, natives = reading.member.base, reading.natives
        clean = all(row in taken or same_native(native, base.get(row)) for row, native in natives.items())
        return SeenMember(version=reading.version, modified=reading.modified_text, created=reading.created, clean=clean)

    def _has_it(self, reading: Reading, name: str) -> bool:
        """Agreed again on what this member has received already, and did not change: nothing is sent to it."""
        before = self.link.agreed.get(name)
        if (
            before is None
            or name in self.merged.resend
            or not equal(self.flow, name, before.value, self.agreed[name].value)
        ):
            return False
        return name in reading.member.base and same_native(reading.natives.get(name), reading.member.base[name])

    def _moved_only_in_form(self, reading: Reading, name: str) -> bool:
        """Equal under its type, other on the wire (1.0 and 1.00): the new form becomes the base."""
        if name not in reading.natives or name not in self.agreed:
            return False
        return not same_native(reading.natives[name], reading.member.base.get(name))

    def _row(self, reading: Reading, name: str, taken: set[str], behind: list[str], sends: list[RowWrite]) -> None:
        agreed = self.agreed[name]
        if shows(self.flow, reading, name, agreed.value):
            taken.add(name)
            return
        if not self._may_update(reading, name) or self._was_made_without(reading, name):
            taken.add(name)  # what is there is left in place, and is no edit from now on
            return
        try:
            if reading.side.only_at_creation(name):
                raise ValueRefused(f"{self.flow.title(reading.system)}: {name} can be set at creation only")
            sends.append(self._send(reading, name, agreed))
        except ValueRefused as error:
            self._hold_value(reading.side, name, agreed, error)
        except _Wants as wants:
            self.waits.append(wants.wait)
        behind.append(name)

    def _may_update(self, reading: Reading, name: str) -> bool:
        side = reading.side
        targets = self.flow.rows[name].targets
        return side.writable and side.side.update and reading.system in targets and side.may_write(name)

    def _was_made_without(self, reading: Reading, name: str) -> bool:
        """Whether the row only flows here, at creation only, and had no value yet when the record came into the link:
        as the number that our own create on the other side has just been given.
        """
        flows_from = reading.system in self.flow.rows[name].sources
        return reading.side.only_at_creation(name) and not flows_from and name not in self.link.agreed

    def _send(self, reading: Reading, name: str, agreed: Agreed) -> RowWrite:
        native, pending = self._native(reading.side, name, agreed.value, reading.natives.get(name))
        try:
            old = reading.value(name)
        except ValueRefused:
            old = ABSENT
        return self._row_write(reading.side, name, agreed, native, pending, self._shown(reading.side, name, old))

    def _row_write(self, side: SideMap, name: str, agreed: Agreed, native: Any, pending: bool, old: Any) -> RowWrite:
        cause = self.merged.causes.get(name) or self._earlier_cause(name, agreed)
        return RowWrite(
            row=name,
            path=side.paths[name],
            native=native,
            link=agreed.value.link if isinstance(agreed.value, LinkRef) else None,
            pending=pending,
            old=old,
            new=self._shown(side, name, agreed.value),
            reason=self.merged.send.get(name) or self._earlier(agreed),
            cause=(cause.system, cause.ref, cause.row) if cause else None,
        )

    def _earlier_cause(self, name: str, agreed: Agreed) -> Cause | None:
        """Which edit an agreed value of an earlier round came from."""
        member = self.link.member(agreed.origin) if agreed.origin else None
        return Cause(system=agreed.origin or "", ref=str(member.ref) if member else None, row=name)

    def _earlier(self, agreed: Agreed) -> str:
        source = self.flow.title(agreed.origin) if agreed.origin in self.flow.sides else "a person"
        return f"not yet received: agreed before, from {source}"

    def _shown(self, side: SideMap, name: str, value: Any) -> Any:
        """JSON as the history shows it: a reference as the id that it has in this system."""
        if isinstance(value, LinkRef):
            id = self.ground.target(value.link, side.side.system)
            return {"link": value.link} if id is None else id
        if isinstance(value, Dangling):
            return value.ref.id
        return shown(self.flow, name, value)

    def _native(self, side: SideMap, name: str, value: Any, like: Any) -> tuple[Any, bool]:
        """The native of a row's value, and whether it is only known once another record is created."""
        system, codec = side.side.system, side.rows[name]
        if isinstance(value, LinkRef):
            native = self.ground.target(value.link, system)
            if native is not None:
                return codec.encode(native, like=like), False
            if self.ground.making(value.link, system):
                return None, True
            raise _Wants(Wait(row=name, target=system, link=value.link))
        if like is None:
            like = self.ground.samples.get((system, side.side.datatype, side.paths[name]))
            like = SampleItems(like) if self.flow.rows[name].items is not None and isinstance(like, list) else like
        return codec.encode(value, like=like), False

    def _hold_value(self, side: SideMap, name: str, agreed: Agreed, error: ValueRefused) -> None:
        origin = agreed.origin or "agreed"
        self.held.append(
            HeldItem(
                kind="value",
                row=name,
                values={origin: shown(self.flow, name, agreed.value)},
                reason=error.message,
            )
        )

    def _update(self, reading: Reading, sends: list[RowWrite]) -> WritePlan:
        ref = reading.member.ref
        return WritePlan(
            op=Op.UPDATE,
            system=ref.system,
            datatype=ref.datatype,
            id=ref.id,
            native_id=reading.member.native_id,
            rows=tuple(sends),
            version=reading.version,
            ground={send.path: reading.natives.get(send.row) for send in sends},  # what was not sent counts as null
            reason=sends[0].reason,
        )

    def create(self, side: SideMap, readings: Sequence[Reading]) -> None:
        """A counterpart in a system that has none; nothing of it where a row cannot be said."""
        rows: list[RowWrite] = []
        ready = True
        for name in side.rows:
            ready &= self._create_row(side, name, rows)
        if ready:
            self.writes.append(
                WritePlan(
                    op=Op.CREATE,
                    system=side.side.system,
                    datatype=side.side.datatype,
                    rows=tuple(rows),
                    extra=dict(side.side.defaults),
                    token=self.ground.token(self.link, side.side.system),
                    reason=self.ground.why_create,
                )
            )

    def _restore_row(self, side: SideMap, name: str, rows: list[RowWrite]) -> None:
        agreed = self.agreed.get(name)
        if self.ground.restores and agreed is not None and agreed.value is not None and side.may_write(name):
            with suppress(ValueRefused, _Wants):
                native, pending = self._native(side, name, agreed.value, None)
                rows.append(self._row_write(side, name, agreed, native, pending, None))

    def _resting_row(self, side: SideMap, name: str, rows: list[RowWrite]) -> bool:
        """A create goes without a row that rests, unless the system needs it. What was there is made again whole."""
        before = len(rows)
        self._restore_row(side, name, rows)
        if len(rows) > before:
            return True
        if name in self.agreed and side.side.system in self.flow.rows[name].targets and side.may_write(name):
            self.behind[side.side.system] = (*self.behind.get(side.side.system, ()), name)
        needed = side.needs(name) and side.paths[name] not in side.side.defaults
        if needed:
            self.lacking.append(f"waits: {self.flow.title(side.side.system)} requires {side.paths[name]!r}")
        return not needed

    def _create_row(self, side: SideMap, name: str, rows: list[RowWrite]) -> bool:
        row = self.flow.rows[name]
        if name in self.merged.resting:
            return self._resting_row(side, name, rows)
        if side.side.system not in row.targets:
            self._restore_row(side, name, rows)
            return True
        if not side.may_write(name):
            return True
        later = name in self.ground.deferred
        if name in self.merged.frozen:
            return later
        agreed = self.agreed.get(name)
        if agreed is None or agreed.value is None or agreed.value is ABSENT:
            missing = row.required or (side.needs(name) and side.paths[name] not in side.side.defaults)
            return not missing or self._hold_required(side, name)
        try:
            native, pending = self._native(side, name, agreed.value, None)
        except ValueRefused as error:
            self._hold_value(side, name, agreed, error)
            return False
        except _Wants as wants:
            self.waits.append(wants.wait)
            if later:
                self.behind[side.side.system] = (*self.behind.get(side.side.system, ()), name)
            return later
        rows.append(self._row_write(side, name, agreed, native, pending, None))
        return True

    def _hold_required(self, side: SideMap, name: str) -> bool:
        reason = f"{self.flow.title(side.side.system)} requires {side.paths[name]!r}, and it is empty"
        self.held.append(HeldItem(kind="value", row=name, reason=reason))
        return False

    def done(self, readings: Sequence[Reading]) -> LinkPlan:
        """The plan."""
        members = len(readings) + sum(write.op is Op.CREATE for write in self.writes)
        return LinkPlan(
            flow=self.flow.name,
            link=self.link.id,
            state=LinkState.LINKED if members > 1 else LinkState.WAITING,
            agreed={row: agreed_row(self.flow, row, agreed) for row, agreed in self.merged.agreed.items()},
            take=self.take,
            seen=self.seen,
            behind=self.behind,
            writes=tuple(self.writes),
            log=tuple(self._superseded()),
            held=tuple(self.held),
            waits=tuple(self.waits),
            why="; ".join(filter(None, [*self.lacking, told(self.merged.resting)])) or None,
        )

    def _superseded(self) -> list[LogLine]:
        lines = []
        for lost in self.merged.superseded:
            member = self.link.member(lost.system)
            lines.append(
                LogLine(
                    op="superseded" if lost.lost != lost.kept else "kept",
                    system=lost.system,
                    ref=str(member.ref) if member else None,
                    row=lost.row,
                    old=lost.lost,
                    new=lost.kept,
                    reason=lost.reason,
                )
            )
        return lines


def agreed_row(flow: FlowMap, row: str, agreed: Agreed) -> AgreedRow:
    """An agreed value as JSON; a reference as `{"link": n}`."""
    return AgreedRow(
        value=shown(flow, row, agreed.value),
        revision=agreed.revision,
        origin=agreed.origin,
        modified=agreed.modified,
    )
