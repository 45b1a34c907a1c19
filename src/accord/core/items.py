"""Lists of objects with a key, merged element by element and property by property.

Each side's list is compared with what that side had when the link was last settled. What it did since is a list of
changes: elements added and deleted, single properties edited, elements moved. All sides' changes are laid on the agreed
list. Where two of them meet, the rule of the property decides; without one, a person does, and the element is named.
See docs/decisions/048-conditions-tables-and-lists-in-rows.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from accord.core import combine
from accord.core.mapping import FlowMap
from accord.model import ABSENT
from accord.values.items import Element, ItemsType, Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One side's list."""

    system: str
    base: Sequence[Element]
    """What that side had when the link was last settled."""
    now: Sequence[Element]
    modified: datetime | None = None
    behind: bool = False
    """Whether it had not yet received the agreed list."""


@dataclass(slots=True)
class Joined:
    """What the merge of a list came to."""

    value: tuple[Element, ...]
    conflicts: list[str] = field(default_factory=list)
    """Each names its element."""
    lost: set[str | None] = field(default_factory=set)
    """Systems one of whose changes was decided against."""


@dataclass(frozen=True, slots=True)
class _Change:
    system: str | None
    value: Any
    modified: datetime | None


def join(
    flow: FlowMap,
    row: str,
    agreed: Sequence[Element],
    versions: Sequence[Version],
    take: str | None = None,
    origin: str | None = None,
) -> Joined:
    """All changes, on the agreed list. `take`: a person said whose change wins where two meet (`agreed`: nobody's).
    `origin`: the system that the agreed list came from.
    """
    return _Join(flow, row, agreed, versions, take, origin).run()


class _Join:
    def __init__(
        self,
        flow: FlowMap,
        row: str,
        agreed: Sequence[Element],
        versions: Sequence[Version],
        take: str | None,
        origin: str | None,
    ) -> None:
        kind = flow.types[row]
        assert isinstance(kind, ItemsType)  # noqa: S101
        self.flow, self.row, self.kind, self.take = flow, flow.rows[row], kind, take
        self.agreed = kind.by_key(agreed)
        self.versions, self.origin = versions, origin
        self.bases = [kind.by_key(version.base) for version in versions]
        self.nows = [kind.by_key(version.now) for version in versions]
        self.done = Joined(value=())

    def run(self) -> Joined:
        keys = dict.fromkeys([*self.agreed, *(key for now in self.nows for key in now)])
        merged = {key: element for key in keys if (element := self._element(key)) is not None}
        self.done.value = tuple(merged[key] for key in self._order(merged))
        return self.done

    # one element

    def _element(self, key: Key) -> Element | None:
        """The element as all sides want it; None where it is deleted."""
        gone = [at for at in range(len(self.versions)) if key in self.bases[at] and key not in self.nows[at]]
        changes = self._changes(key)
        editors = {change.system for some in changes.values() for change in some}
        editors |= {None} if any(self._moved_on(at, key) for at in gone) else set()
        before = self.agreed.get(key)
        if gone and not (editors and self._survives(key, {self.versions[at].system for at in gone}, editors)):
            return None
        if before is None and not any(key in now for now in self.nows):
            return None
        if before is None and self._was_deleted(key) and not (editors and self._survives(key, {None}, editors)):
            return None
        element = dict(before or {})
        for name, some in changes.items():
            element[name] = self._property(key, name, some, element.get(name))
        for now in self.nows:  # what is new here, and empty
            for name, value in now.get(key, {}).items():
                if value is not ABSENT:
                    element.setdefault(name, value)
        return element

    def _was_deleted(self, key: Key) -> bool:
        """Whether an element was agreed to be deleted, and those who show it have not received that."""
        return all(key in base for base, now in zip(self.bases, self.nows, strict=True) if key in now)

    def _changes(self, key: Key) -> dict[str, list[_Change]]:
        """Sub-row → what the sides did to it since they were last settled."""
        found: dict[str, list[_Change]] = {}
        for version, base, now in zip(self.versions, self.bases, self.nows, strict=True):
            was = base.get(key)
            for name, value in now.get(key, {}).items():
                if value is ABSENT:
                    continue
                if not self.kind.same(name, value, (was or {}).get(name)):
                    found.setdefault(name, []).append(_Change(version.system, value, version.modified))
        for name, some in found.items():
            if self._is_beside(key, name, some):
                some.append(_Change(None, self.agreed[key][name], None))
        return found

    def _is_beside(self, key: Key, name: str, some: list[_Change]) -> bool:
        """Whether all who edited a property had not yet received the value that was agreed on it."""
        agreed = self.agreed.get(key, {}).get(name, ABSENT)
        by = {change.system for change in some}
        sides = [at for at, version in enumerate(self.versions) if version.system in by]
        if agreed is ABSENT or not all(self.versions[at].behind for at in sides):
            return False
        return not all(self._had(at, key, name, agreed) for at in sides)

    def _had(self, at: int, key: Key, name: str, agreed: Any) -> bool:
        """Whether what a side had is a value, or what its system made of it."""
        had = self.bases[at].get(key, {}).get(name)
        return self.kind.same(name, had, agreed) or (
            had is not None and had is not ABSENT and self.kind.types[name].similar(had, agreed)
        )

    def _moved_on(self, at: int, key: Key) -> bool:
        """Whether an element was agreed anew, and a side has not received that."""
        base = self.bases[at].get(key, {})
        agreed = self.agreed.get(key, {})
        return self.versions[at].behind and not all(
            self._had(at, key, name, value) for name, value in agreed.items() if name in base and value is not ABSENT
        )

    def _survives(self, key: Key, deleters: set[str | None], editors: set[str | None]) -> bool:
        """Whether an element that one side deleted and another edited stays."""
        items = self.row.items
        rule = items.on_delete if items is not None else "ask"
        if self.take is not None:
            stays = (None if self.take == "agreed" else self.take) not in deleters
        elif rule == "ask":
            self.done.conflicts.append(
                f"{self.kind.called(key)} was deleted in {self._named(deleters)} and edited in {self._named(editors)}"
            )
            return True
        else:
            stays = rule == "edit_wins"
        self.done.lost |= deleters if stays else editors
        return stays

    def _named(self, systems: set[str | None]) -> str:
        return " and ".join(sorted(self.flow.title(name) if name else "what was agreed" for name in systems))

    # one property

    def _property(self, key: Key, name: str, some: list[_Change], before: Any) -> Any:
        distinct: list[_Change] = []
        for change in some:
            if not any(self.kind.same(name, change.value, other.value) for other in distinct):
                distinct.append(change)
        if len(distinct) == 1:
            return distinct[0].value
        winner = self._decided(key, name, some, distinct, before)
        if winner is None:
            values = "; ".join(f"{self._named({c.system})}: {self._shown(name, c.value)}" for c in distinct)
            self.done.conflicts.append(f"{name} of {self.kind.called(key)} was edited differently ({values})")
            return distinct[0].value
        self.done.lost |= {c.system for c in distinct if not self.kind.same(name, c.value, winner.value)}
        return winner.value

    def _shown(self, name: str, value: Any) -> str:
        text = str(self.kind.types[name].to_json(value))
        return text if len(text) <= 40 else f"{text[:39]}…"

    def _decided(
        self, key: Key, name: str, some: list[_Change], distinct: list[_Change], before: Any
    ) -> _Change | None:
        if self.take is not None:
            return next((change for change in some if (change.system or "agreed") == self.take), distinct[0])
        items = self.row.items
        sub = next(each for each in items.rows if each.name == name) if items is not None else self.row
        rule = sub.conflict if items is not None and name in items.judged else self.row.conflict
        if rule.rule == "prefer":
            return next((c for system in rule.prefer for c in some if (c.system or self.origin) == system), None)
        filled = [change for change in distinct if not self.kind.types[name].is_empty(change.value)]
        if len(filled) == 1 and (rule.rule == "keep-filled" or sub.keep_filled or key not in self.agreed):
            return filled[0]
        if rule.rule == "latest":
            return self._latest(distinct)
        if rule.rule in combine.RULES and all(change.system is not None for change in distinct):
            value = combine.RULES[rule.rule](before, [change.value for change in distinct])
            return None if value is None else _Change(None, value, None)
        return None

    def _latest(self, distinct: list[_Change]) -> _Change | None:
        timed = sorted(
            ((c.modified, c) for c in distinct if c.modified is not None and c.system is not None),
            key=lambda pair: pair[0],
            reverse=True,
        )
        if len(timed) < len(distinct):
            return None
        (newest, winner), (older, other) = timed[0], timed[1]
        tolerance = self.flow.tolerance((str(winner.system), str(other.system)))
        return winner if (newest - older).total_seconds() > tolerance else None

    # the order

    def _order(self, merged: dict[Key, Element]) -> list[Key]:
        """The agreed order, or that of the one side that moved something; what is new after what it was put behind."""
        moved = [at for at in range(len(self.versions)) if not self.kind.unordered and self._moved(at)]
        orders = {tuple(key for key in self.nows[at] if key in self.agreed) for at in moved}
        if len(orders) > 1 and self.take is None:
            rule = self.row.conflict
            if rule.rule != "prefer":
                self.done.conflicts.append("the elements were put into different orders")
            else:
                moved.sort(
                    key=lambda at: rule.prefer.index(s) if (s := self.versions[at].system) in rule.prefer else 99
                )
        elif self.take is not None:
            moved.sort(key=lambda at: self.versions[at].system != self.take)
        skeleton = list(self.agreed)
        if moved:
            skeleton = _laid(list(self.nows[moved[0]]), skeleton)
        for now in self.nows:
            skeleton = _laid(skeleton, list(now))
        return [key for key in skeleton if key in merged]

    def _moved(self, at: int) -> bool:
        """Whether a side put elements that it had into another order."""
        base, now = self.bases[at], self.nows[at]
        return [key for key in base if key in now] != [key for key in now if key in base]


def _laid(order: list[Key], other: list[Key]) -> list[Key]:
    """An order with what only another one has, each behind what it is behind there."""
    done, known = list(order), set(order)
    last: Key | None = None
    for key in other:
        if key not in known:
            at = done.index(last) + 1 if last is not None else 0
            done.insert(at, key)
            known.add(key)
        last = key
    return done


def patched(flow: FlowMap, row: str, agreed: Any, base: Any, now: Any) -> Any:
    """The agreed list with what one side did to its own: what its system made of other values is no edit, and what it
    has no property for stays.
    """
    if now is None or now is ABSENT or agreed is None or agreed is ABSENT:
        return now
    return join(flow, row, agreed, [Version(system="", base=base or (), now=now)]).value


def completed(flow: FlowMap, row: str, value: Any, others: Sequence[Any]) -> Any:
    """A list with what only others can say of its elements: a side may have no property for it."""
    kind = flow.types[row]
    if not isinstance(kind, ItemsType) or not value or value is ABSENT:
        return value
    known = [kind.by_key(other) for other in others if other and other is not ABSENT]
    elements = []
    for element in value:
        key = kind.key_of(element)
        more = {name: item for other in reversed(known) for name, item in other.get(key, {}).items()}
        own = {name: item for name, item in element.items() if item is not ABSENT}
        elements.append({**{name: item for name, item in more.items() if item is not ABSENT}, **own})
    return tuple(elements)


__all__ = ["Joined", "Version", "completed", "join", "patched"]
