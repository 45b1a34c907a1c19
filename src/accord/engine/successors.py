"""Records that are gone while one just like them is new: an id was changed, two were merged, or somebody deleted one
and entered it again. No deletion is carried over and no counterpart created before a person has said what it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from accord.core.linkplan import HeldItem
from accord.core.mapping import FlowMap
from accord.engine.setting import Setting
from accord.model import Link, LinkState, Member, Ref, json_text
from accord.stored import HistoryLine

ENOUGH = 2
"""So many filled values must be equal, and none may differ, where no match rule says more."""
MOST = 2000
"""Waiting links that are looked through for equal values, the youngest."""


class Successors:
    """Looks for them, once in a planning."""

    def __init__(self, setting: Setting) -> None:
        self.setting, self.state = setting, setting.state
        self._alike: dict[str, dict[tuple[str, str], Link]] = {}
        self._named: frozenset[str] | None = None

    def named(self, link: Link) -> bool:
        """Whether an open review of another link names the record of a waiting link as the successor of its own."""
        if self._named is None:
            items = (item for item in self.state.held.list(kind="review") if item.decision is None)
            self._named = frozenset(str(item.base["successor"]) for item in items if _names_one(item.base))
        return any(str(member.ref) in self._named for member in link.members)

    def of(self, flow: FlowMap, link: Link, gone: Sequence[Member]) -> tuple[Member, Member] | None:
        """(the member that is gone, the new record that is like it), or None. Only while others of it are left."""
        if len(link.members) == len(gone) or link.state is LinkState.WAITING:
            return None
        for member in gone:
            found = self._by_key(flow, link, member) or self._by_values(flow, member)
            if found is not None and found.ref != member.ref:
                self._named = (self._named or frozenset()) | {str(found.ref)}
                return member, found
        return None

    def _by_key(self, flow: FlowMap, link: Link, gone: Member) -> Member | None:
        """A waiting record of the same system that shares a match key."""
        if not flow.flow.match:
            return None
        sharing = self.state.links.sharing([link.id]).get(link.id, {})
        for other in self.state.links.load(list(sharing)).values():
            if other.state is LinkState.WAITING and (found := other.member(gone.ref.system)) is not None:
                return found
        return None

    def _by_values(self, flow: FlowMap, gone: Member) -> Member | None:
        """A waiting record of the same system that holds the very same values."""
        values = _values(gone.base)
        if len(values) < ENOUGH:
            return None
        found = self._waiting(flow).get((gone.ref.system, json_text(values)))
        return found.member(gone.ref.system) if found is not None else None

    def _waiting(self, flow: FlowMap) -> Mapping[tuple[str, str], Link]:
        if flow.name not in self._alike:
            numbers = list(self.state.links.numbers(flow.name, LinkState.WAITING.value))[-MOST:]
            self._alike[flow.name] = {
                (member.ref.system, json_text(_values(member.base))): link
                for link in self.state.links.load(numbers).values()
                for member in link.members
                if len(link.members) == 1 and not member.gone
            }
        return self._alike[flow.name]

    def take_its_place(self, link: Link, gone: Member, ref: Ref) -> bool:
        """A person said that it is the same record: it joins the link; whether it could."""
        number = self.state.links.of([ref]).get(ref)
        other = self.state.links.load([number]).get(number) if number is not None else None
        if other is None or len(other.members) != 1 or other.flow != link.flow:
            return False
        self.state.links.close_member(link.id, gone.ref)
        self.state.links.absorb(link.id, [other.id], list(link.agreed))
        self.state.links.touch([link.id])
        line = HistoryLine(
            run=self.setting.run,
            at=self.setting.now.isoformat(),
            flow=link.flow,
            link=link.id,
            system=ref.system,
            ref=str(ref),
            op="link",
            changes={},
            outcome="done",
            reason=f"{ref} is {gone.ref} under another id, as a person said",
        )
        self.state.history.add([line])
        return True


def review_of(link: Link, gone: Member, found: Member) -> HeldItem:
    """What a person is asked."""
    return HeldItem(
        kind="review",
        values={found.ref.system: dict(found.base)},
        base={"gone": str(gone.ref), "successor": str(found.ref)},
        reason=f"{gone.ref} is gone, and {found.ref} is new and like it. If it is the same under another id, resolve "
        f"it by `--link {found.ref}`; if not, by `--create`, and the deletion is carried on",
        refs=(str(found.ref),),
    )


def let_loose(setting: Setting, base: object) -> None:
    """A person said that the new record is another one: it is looked at again."""
    if isinstance(base, dict) and "successor" in base:
        ref = Ref.parse(str(base["successor"]))
        setting.state.links.touch(list(setting.state.links.of([ref]).values()))


def _names_one(base: object) -> bool:
    return isinstance(base, dict) and "successor" in base


def _values(base: Mapping[str, object]) -> dict[str, object]:
    return {row: value for row, value in sorted(base.items()) if value not in (None, "", [])}
