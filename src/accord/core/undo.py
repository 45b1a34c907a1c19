"""What was written to one link, taken back: only where the record still has the value that we wrote.

What a person changed since is left alone and named. A value that is set back is not agreed on by that: the edit that it
came from is still where somebody made it. So the row is frozen, with both values, until a person decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from accord.core.candidates import equal, shown, shown_unit
from accord.core.detect import Reading, same_native
from accord.core.linkplan import HeldItem, LinkPlan, RowWrite, SeenMember, WritePlan
from accord.core.mapping import FlowMap, SideMap
from accord.core.resting import rest_or_failure
from accord.core.settle import revive
from accord.errors import ValueRefused
from accord.model import ABSENT, Link, LinkState, Member, Native, Natives, Op, Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One row of one write of ours that shall be undone; of a create or delete, one for each row."""

    ref: Ref
    op: Op
    row: str
    old: Any
    """JSON of what was there before the first of the selected writes."""
    new: Any
    later: int | None = None
    """The run that wrote the same row again, and is not to be undone."""
    archived: bool = False
    """Whether it was written to archive the record, as the last word of its link. `old` and `new` of what no row names
    are natives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What is not undone, and why."""

    flow: str
    link: int
    ref: str
    row: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoGround:
    """What an undo is made on."""

    readings: Mapping[Ref, Reading]
    """Of every record of the link that is there now."""
    why: str
    """`undo of run 12`."""
    by: str | None
    held: Sequence[HeldItem] = ()
    """What is held about the link already, and stays so."""
    referrers: Sequence[int] = ()
    """Links whose agreed values point to this one, and that are not undone with it."""
    targets: Mapping[tuple[int, str], Native] = field(default_factory=dict)
    """(link, system) → native id there."""
    token: Mapping[str, str] = field(default_factory=dict)
    """System → the key of a create."""
    wholes: Mapping[Ref, Natives] = field(default_factory=dict)
    """The records that are there now, with what no row names."""


def plan_undo(
    flow: FlowMap, link: Link, steps: Sequence[Step], ground: UndoGround
) -> tuple[LinkPlan | None, list[Left]]:
    """The plan that takes these steps back, if there is anything to do, and what is left as it is."""
    return _Undo(flow, link, ground).plan(steps)


class _Undo:
    def __init__(self, flow: FlowMap, link: Link, ground: UndoGround) -> None:
        self.flow, self.link, self.ground = flow, link, ground
        self.left: list[Left] = []
        self.held: list[HeldItem] = []
        self.restored: set[str] = set()
        """The first rows of the units that are set back."""

    def plan(self, steps: Sequence[Step]) -> tuple[LinkPlan | None, list[Left]]:
        by_ref: dict[Ref, list[Step]] = {}
        for step in steps:
            by_ref.setdefault(step.ref, []).append(step)
        if self.link.state is LinkState.CLOSED and any(step.archived for step in steps):
            return self._plan_unarchived(by_ref)
        created = {ref for ref, some in by_ref.items() if some[0].op is Op.CREATE}
        deleted = {ref for ref, some in by_ref.items() if some[0].op is Op.DELETE}
        if deleted:
            return self._plan_creates({ref: some for ref, some in by_ref.items() if ref in deleted})
        if created:
            return self._plan_deletes({ref: some for ref, some in by_ref.items() if ref in created})
        return self._plan_updates(by_ref)

    # a row that we wrote

    def _plan_updates(self, by_ref: Mapping[Ref, Sequence[Step]]) -> tuple[LinkPlan | None, list[Left]]:
        writes = [write for ref, steps in by_ref.items() if (write := self._update(ref, steps)) is not None]
        if not writes:
            return None, self.left
        plan = LinkPlan(
            flow=self.flow.name,
            link=self.link.id,
            state=self.link.state,
            writes=tuple(writes),
            held=(*self._still_held(), *self.held),
            by=self.ground.by,
        )
        return plan, self.left

    def _update(self, ref: Ref, steps: Sequence[Step]) -> WritePlan | None:
        reading = self._reading(ref)
        if reading is None:
            return None
        rows = [row for step in steps if (row := self._row(reading, step)) is not None]
        return self._back(reading, rows, {row.path: reading.natives.get(row.row) for row in rows})

    def _back(self, reading: Reading, rows: Sequence[RowWrite], ground: dict[str, Native]) -> WritePlan | None:
        """The update that sets rows back, if there are any."""
        ref = reading.member.ref
        if not rows:
            return None
        return WritePlan(
            op=Op.UPDATE,
            system=ref.system,
            datatype=ref.datatype,
            id=ref.id,
            native_id=reading.member.native_id,
            rows=tuple(rows),
            version=reading.version,
            ground=ground,
            reason=self.ground.why,
        )

    def _reading(self, ref: Ref) -> Reading | None:
        if self.link.state is LinkState.CLOSED:
            self._leave(ref, None, f"link {self.link.id} is closed")
            return None
        return self._there(ref)

    def _there(self, ref: Ref) -> Reading | None:
        """A record that can be written to."""
        reading = self.ground.readings.get(ref)
        if reading is None:
            self._leave(ref, None, "the record is not there any more, or cannot be read")
            return None
        if not reading.side.writable or not reading.side.side.update:
            self._leave(ref, None, f"nothing may be written to {reading.side.title}")
            return None
        return reading

    def _row(self, reading: Reading, step: Step) -> RowWrite | None:
        side, ref = reading.side, step.ref
        if step.row not in side.rows:
            self._leave(ref, step.row, "the project file has no such row any more")
            return None
        if step.later is not None:
            self._leave(ref, step.row, f"written again in run {step.later}: undo that one first")
            return None
        if (why := rest_or_failure(self.flow, step.row, self.ground.readings.values())) is not None:
            self._leave(ref, step.row, f"the row rests: {why}")
            return None
        if not self._is_ours(reading, step.row):
            self._leave(ref, step.row, "changed since by somebody else")
            return None
        try:
            native = self._native(side, step.row, step.old, reading.natives.get(step.row))
        except ValueRefused as error:
            self._leave(ref, step.row, error.message)
            return None
        if same_native(native, reading.natives.get(step.row)):
            self._leave(ref, step.row, "has the old value already")
            return None
        self._freeze(reading, step.row, native)
        return RowWrite(
            row=step.row, path=side.paths[step.row], native=native, old=step.new, new=step.old, reason=self.ground.why
        )

    def _is_ours(self, reading: Reading, row: str) -> bool:
        """Whether the record still has what was settled when we wrote it."""
        if row not in reading.natives or row in reading.member.behind:
            return False
        return same_native(reading.natives[row], reading.member.base.get(row))

    def _native(self, side: SideMap, row: str, old: Any, like: Native) -> Native:
        """What the system holds for a value of the history. Raises ValueRefused."""
        codec = side.rows[row]
        if row in self.flow.references:
            if isinstance(old, dict):
                old = self.ground.targets.get((int(old.get("link", 0)), side.side.system))
            return None if old is None else codec.encode(old, like=like)
        return codec.encode(revive(self.flow, row, old), like=like)

    def _freeze(self, reading: Reading, row: str, native: Native) -> None:
        """Where another side says something else than what is restored, a person must decide before it flows again."""
        unit = next(unit for unit in self.flow.units if row in unit)
        self.restored.add(unit[0])
        others = [found for found in self.ground.readings.values() if found is not reading and row in found.side.rows]
        restored = reading.decode(row, native)
        if all(row not in r.natives or equal(self.flow, row, r.value(row), restored) for r in others):
            return
        values = {found.system: self._shown(found, unit, {}) for found in others}
        values[reading.system] = self._shown(reading, unit, {row: restored})
        agreed = tuple(self.link.agreed[name].value if name in self.link.agreed else None for name in unit)
        values["agreed"] = shown_unit(self.flow, unit, agreed)
        self.held.append(
            HeldItem(
                kind="frozen",
                row=unit[0],
                values=values,
                base=values["agreed"],
                reason=f"{self.ground.why}: {self.flow.title(reading.system)} has its old value back, and the others "
                "have not; nothing is written until somebody decides",
            )
        )

    def _shown(self, reading: Reading, unit: tuple[str, ...], instead: Mapping[str, Any]) -> Any:
        values = tuple(instead[row] if row in instead else self._value(reading, row) for row in unit)
        return shown_unit(self.flow, unit, values)

    def _value(self, reading: Reading, row: str) -> Any:
        try:
            return reading.value(row)
        except ValueRefused:
            return ABSENT

    # a record that we archived

    def _plan_unarchived(self, by_ref: Mapping[Ref, Sequence[Step]]) -> tuple[LinkPlan | None, list[Left]]:
        """The properties that marked it are as they were; nothing else of a closed link is touched."""
        writes = []
        for ref, steps in by_ref.items():
            if any(not step.archived for step in steps):
                self._leave(ref, None, f"link {self.link.id} is closed")
            write = self._unarchived(ref, [step for step in steps if step.archived])
            writes += [write] if write is not None else []
        return self._closed(writes, "the record is archived no more"), self.left

    def _closed(self, writes: Sequence[WritePlan], done: str) -> LinkPlan | None:
        """A plan for a link that is over, and stays so."""
        if not writes:
            return None
        return LinkPlan(
            flow=self.flow.name,
            link=self.link.id,
            state=LinkState.CLOSED,
            writes=tuple(writes),
            why=f"{self.ground.why}; {done}, and in no link unless a person links it",
            by=self.ground.by,
        )

    def _unarchived(self, ref: Ref, steps: Sequence[Step]) -> WritePlan | None:
        reading, whole = self._there(ref), self.ground.wholes.get(ref, {})
        if reading is None:
            return None
        rows = [row for step in steps if (row := self._unarchived_row(reading.side, step, whole)) is not None]
        return self._back(reading, rows, {row.path: whole.get(row.path) for row in rows})

    def _unarchived_row(self, side: SideMap, step: Step, whole: Natives) -> RowWrite | None:
        path = side.paths.get(step.row, step.row)
        if step.later is not None:
            self._leave(step.ref, step.row, f"written again in run {step.later}: undo that one first")
            return None
        try:
            ours = self._native_of(side, step.row, step.new, whole.get(path))
            native = self._native_of(side, step.row, step.old, whole.get(path))
        except ValueRefused as error:
            self._leave(step.ref, step.row, error.message)
            return None
        if not same_native(whole.get(path), ours):
            self._leave(step.ref, step.row, "changed since by somebody else")
            return None
        return RowWrite(row=step.row, path=path, native=native, old=step.new, new=step.old, reason=self.ground.why)

    def _native_of(self, side: SideMap, row: str, value: Any, like: Native) -> Native:
        """The native of a value of the history; what no row names is there as it is in the system."""
        return self._native(side, row, value, like) if row in side.rows else value

    # a record that we made

    def _plan_deletes(self, by_ref: Mapping[Ref, Sequence[Step]]) -> tuple[LinkPlan | None, list[Left]]:
        """All records of the link that were made, or none: what is left would be taken for deleted elsewhere."""
        remaining = [member for member in self.link.members if member.ref not in by_ref]
        reasons = {ref: self._why_not(ref, steps, remaining) for ref, steps in by_ref.items()}
        if any(reasons.values()):
            for ref, reason in reasons.items():
                self._leave(ref, None, reason or "another record of its link cannot be deleted")
            return None, self.left
        plan = LinkPlan(
            flow=self.flow.name,
            link=self.link.id,
            state=LinkState.CLOSED,
            writes=tuple(self._delete(self.ground.readings[ref]) for ref in by_ref),
            seen={member.ref.system: self._seen(member) for member in self.link.members},
            why=f"{self.ground.why}; nothing is created for its record again, unless a person links it",
            by=self.ground.by,
        )
        return plan, self.left

    def _why_not(self, ref: Ref, steps: Sequence[Step], remaining: Sequence[Member]) -> str | None:
        """Why a record that we made is not deleted; None where nothing speaks against it."""
        reading = self.ground.readings.get(ref)
        if self.link.state is LinkState.CLOSED:
            return f"link {self.link.id} is closed"
        if reading is None:
            return "the record is not there any more, or cannot be read"
        if not reading.side.writable or not reading.side.side.delete:
            return f"nothing may be deleted in {reading.side.title}"
        if len(remaining) > 1:
            return f"link {self.link.id} would still join {len(remaining)} records; unlink it first"
        later = next((step.later for step in steps if step.later is not None), None)
        if later is not None:
            return f"written again in run {later}"
        if not self._untouched(reading):
            return "changed since by somebody else"
        if self.ground.referrers:
            return f"link {self.ground.referrers[0]} refers to it"
        return None

    def _untouched(self, reading: Reading) -> bool:
        member = reading.member
        if reading.version is not None and member.version is not None and reading.version != member.version:
            return False  # also where only a property that is not mapped was changed
        return not member.behind and all(
            same_native(native, member.base.get(row)) for row, native in reading.natives.items()
        )

    def _delete(self, reading: Reading) -> WritePlan:
        ref = reading.member.ref
        there = [(row, path) for row, path in reading.side.paths.items() if row in reading.natives]
        return WritePlan(
            op=Op.DELETE,
            system=ref.system,
            datatype=ref.datatype,
            id=ref.id,
            native_id=reading.member.native_id,
            rows=tuple(
                RowWrite(
                    row=row, path=path, old=shown(self.flow, row, self._value(reading, row)), reason=self.ground.why
                )
                for row, path in there
            ),
            version=reading.version,
            ground={path: reading.natives[row] for row, path in there},
            reason=self.ground.why,
        )

    def _seen(self, member: Member) -> SeenMember:
        modified = member.modified.isoformat() if member.modified else None
        return SeenMember(version=member.version, modified=modified, created=member.created, clean=member.clean)

    # a record that we deleted

    def _plan_creates(self, by_ref: Mapping[Ref, Sequence[Step]]) -> tuple[LinkPlan | None, list[Left]]:
        writes = [write for ref, steps in by_ref.items() if (write := self._create(ref, steps)) is not None]
        return self._closed(writes, "the record is there again"), self.left

    def _create(self, ref: Ref, steps: Sequence[Step]) -> WritePlan | None:
        side = self.flow.sides.get(ref.system)
        if self.link.state is not LinkState.CLOSED:
            self._leave(ref, None, f"link {self.link.id} is not closed")
            return None
        if side is None or not side.writable or not side.side.create:
            self._leave(ref, None, "nothing may be created there")
            return None
        if ref in self.ground.readings:
            self._leave(ref, None, "the record is there")
            return None
        if any(step.later is not None for step in steps):
            self._leave(ref, None, "it was made again since")
            return None
        rows: list[RowWrite] = []
        for step in steps:
            if step.row in side.rows and side.may_write(step.row) and step.old is not None:
                try:
                    native = self._native(side, step.row, step.old, None)
                except ValueRefused as error:
                    self._leave(ref, step.row, error.message)
                    return None
                rows.append(
                    RowWrite(
                        row=step.row, path=side.paths[step.row], native=native, new=step.old, reason=self.ground.why
                    )
                )
        return WritePlan(
            op=Op.CREATE,
            system=ref.system,
            datatype=ref.datatype,
            rows=tuple(rows),
            extra=dict(side.side.defaults),
            token=self.ground.token.get(ref.system),
            reason=f"{self.ground.why}: made again with the values that are known; it was {ref}",
        )

    def _still_held(self) -> list[HeldItem]:
        """What was held before, but for rows that are frozen anew, or in step again."""
        return [item for item in self.ground.held if item.kind != "frozen" or item.row not in self.restored]

    def _leave(self, ref: Ref, row: str | None, reason: str) -> None:
        self.left.append(Left(flow=self.flow.name, link=self.link.id, ref=str(ref), row=row, reason=reason))
