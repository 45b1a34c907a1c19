"""Base and record → edits. Nothing here looks at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from accord.core.mapping import FlowMap, SideMap
from accord.errors import ValueRefused
from accord.model import ABSENT, Dangling, LinkRef, Member, Native, Natives, Ref

Resolve = Callable[[Ref], int | None]
"""Ref → the link that it is a member of, or None."""

_MISSING: Any = object()


class Reading:
    """One member as it is now, beside what it was when its link was last settled. Decodes on demand.

    `natives` is row name → native value as read now (equal to the base where the record was not read because it
    has not changed).
    """

    __slots__ = (
        "_modified_text",
        "_record",
        "_resolve",
        "_values",
        "created",
        "flow",
        "member",
        "modified",
        "natives",
        "side",
        "system",
        "version",
    )

    def __init__(
        self,
        flow: FlowMap,
        member: Member,
        natives: Natives,
        *,
        version: Native,
        modified: datetime | None,
        resolve: Resolve,
        created: Native = None,
        record: Natives | None = None,
    ) -> None:
        self.flow = flow
        self.member = member
        self.system = member.ref.system
        self.side: SideMap = flow.sides[self.system]
        self.natives = natives
        self.version = version
        self.modified = modified
        self.created = created
        self._modified_text: str | None = None
        self._record = record
        self._resolve = resolve
        self._values: dict[str, Any] = {}

    @property
    def record(self) -> Natives:
        """Path → native of all that was read, also what no row names; of a record that was not read, its base."""
        if self._record is None:
            self._record = {path: self.natives[row] for row, path in self.side.paths.items() if row in self.natives}
        return self._record

    @property
    def modified_text(self) -> str | None:
        """`modified` as ISO 8601, made once."""
        if self._modified_text is None and self.modified is not None:
            self._modified_text = self.modified.isoformat()
        return self._modified_text

    def value(self, row: str) -> Any:
        """The canonical value now, or ABSENT. Raises ValueRefused."""
        if row in self._values:
            return self._values[row]
        native = self.natives.get(row, _MISSING)
        value = ABSENT if native is _MISSING else self.decode(row, native)
        self._values[row] = value
        return value

    def decode(self, row: str, native: Native) -> Any:
        """A native value of this member's system, canonical; references become the link that they point to."""
        codec = self.side.rows.get(row)
        if codec is None:
            return ABSENT
        value = codec.decode(native)
        target = self.flow.references.get(row)
        return value if target is None or value is None else self._link_of(target, value)

    def _link_of(self, target: str, id: str) -> LinkRef | Dangling:
        side = self.flow.project.flows[target].side(self.system)
        if side is None:
            raise ValueRefused(f"flow {target!r} has no datatype in {self.system!r}, so {id!r} cannot be followed")
        ref = Ref(self.system, side.datatype, id)
        link = self._resolve(ref)
        return Dangling(ref) if link is None else LinkRef(link)

    def edited(self, row: str) -> bool:
        """Whether the row differs from the base. What was not sent before counts as empty before.

        Raises ValueRefused where the value now cannot be decoded.
        """
        now = self.natives.get(row, _MISSING)
        was = self.member.base.get(row)
        if now is _MISSING or same_native(now, was):
            return False
        if was is None and row not in self.member.base:
            return not self._is_empty(row)
        try:
            before = self.decode(row, was)
        except ValueRefused:
            return True
        return not self.flow.types[row].equal(self.value(row), before)

    def _is_empty(self, row: str) -> bool:
        value = self.value(row)
        return value is None or (row not in self.flow.references and self.flow.types[row].is_empty(value))

    def any_edit(self) -> bool:
        """Whether any row differs from the base; what cannot be decoded counts as an edit."""
        return any(self._edited_or_refused(row) for row in self.side.rows)

    def _edited_or_refused(self, row: str) -> bool:
        try:
            return self.edited(row)
        except ValueRefused:
            return True


def same_native(left: Native, right: Native) -> bool:
    """Equal, and of the same JSON type as far as true and 1 are concerned."""
    return left == right and isinstance(left, bool) == isinstance(right, bool)
