"""Links that no match rule decided, compared by score: who is like whom, and whether that is certain.

Candidates come from the keys in the state, so that no round compares all with all. A link is made only between two
that are each other's best, with nobody else near.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from accord.config.meaning import MatchScore
from accord.core.detect import Reading
from accord.core.linkplan import HeldItem
from accord.core.mapping import FlowMap
from accord.core.match import Verdict
from accord.core.score import MARGIN, Score, as_json, filled, score_of
from accord.engine.chunk import Chunk, load_chunk
from accord.engine.decisions import choice_of
from accord.engine.setting import Setting
from accord.model import Link, LinkState, Member, Ref
from accord.store.alike import MOST_ALIKE
from accord.stored import HistoryLine

LIKE = "like "
"""Begins what the history says of a link that a score made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A link that another one is like."""

    link: Link
    score: Score
    members: tuple[Member, Member]
    """The two records that were compared: of the link looked at, and of this one."""


class Scorer:
    """Compares links of one chunk with all that may be like them."""

    def __init__(self, setting: Setting, chunk: Chunk, rule: MatchScore) -> None:
        self.setting, self.state = setting, setting.state
        self.flow: FlowMap = chunk.flow
        self.rule = rule
        self.known = Chunk(
            flow=chunk.flow, links=dict(chunk.links), arrivals=chunk.arrivals.copy(), held=chunk.held.copy()
        )
        self._near: dict[int, set[int]] = {}
        self._crowded: set[int] = set()
        self._ruled: set[int] = set()
        """Links that share a match key with another one: what becomes of them is for the match rules."""
        self._into: dict[int, int] = {}
        self._filled: dict[Ref, dict[str, Any]] = {}
        self._scores: dict[tuple[Ref, Ref], Score] = {}

    def prepare(self, numbers: Sequence[int]) -> None:
        """Load what is near these links, and what is near their best ones."""
        self._fetch(numbers)
        best = {found[0].link.id for number in numbers if (found := self.alike(self.known.links[number]))}
        self._fetch(sorted(best))

    def _fetch(self, numbers: Sequence[int]) -> None:
        new = [number for number in numbers if number not in self._near]
        if not new:
            return
        near = self.state.links.alike(new)
        self._near.update({number: near.get(number, set()) for number in new})
        self._crowded |= self.state.links.crowded(new)
        others = sorted({other for found in near.values() for other in found} - set(self.known.links))
        if others:
            fresh = load_chunk(self.setting, self.flow, others)
            self.known.links.update(fresh.links)
            self.known.arrivals.update(fresh.arrivals)
            self.known.held.update(fresh.held)
        self._ruled |= set(self.state.links.sharing([*new, *others]))

    def merged(self, link: Link, rest: Iterable[int]) -> None:
        """Some links have become one."""
        for number in rest:
            self._into[number] = link.id
            self.known.links.pop(number, None)
        self.known.links[link.id] = link

    def alike(self, link: Link) -> list[Found]:
        """Links with a record that is like one of this link, `review` or more, the best first."""
        numbers = {self._now(number) for number in self._near.get(link.id, ())} - {link.id}
        found = [best for number in sorted(numbers) if (best := self._best(link, number)) is not None]
        return sorted(found, key=lambda one: (-one.score.value, one.link.id))

    def _now(self, number: int) -> int:
        while number in self._into:
            number = self._into[number]
        return number

    def _best(self, link: Link, number: int) -> Found | None:
        other = self.known.links.get(number)
        if other is None or other.state is LinkState.CLOSED or self._is_decided(other):
            return None
        pairs = [(one, two) for one in link.members for two in other.members if one.ref.system != two.ref.system]
        pairs = [pair for pair in pairs if not any(self.known.gone(member) for member in pair)]
        scored = [Found(link=other, score=self._score(*pair), members=pair) for pair in pairs]
        best = max(scored, key=lambda one: one.score.value, default=None)
        return best if best is not None and best.score.value >= self.rule.review else None

    def _is_decided(self, link: Link) -> bool:
        """Whether a person has said of a link what it is; the next settling shows it."""
        return choice_of(self.known.held.get(link.id, ()), "review") is not None

    def _score(self, one: Member, two: Member) -> Score:
        key = (one.ref, two.ref)
        if key not in self._scores:
            self._scores[key] = score_of(self.flow, self.rule, self._values(one), self._values(two))
        return self._scores[key]

    def _values(self, member: Member) -> dict[str, Any]:
        """What the newest reading shows of a member."""
        if member.ref not in self._filled:
            arrival = self.known.arrivals.get(member.ref)
            side = self.flow.sides[member.ref.system]
            natives = member.base if arrival is None else {**member.base, **side.by_row(arrival.natives())}
            reading = Reading(self.flow, member, natives, version=None, modified=None, resolve=self._link_of)
            self._filled[member.ref] = filled(self.flow, self.rule, reading)
        return self._filled[member.ref]

    def _link_of(self, ref: Ref) -> int | None:
        return self.state.links.of([ref]).get(ref)

    def judge(self, link: Link) -> tuple[Verdict, list[Found]]:
        """What the scores say of one link, and whom that is about."""
        found = self.alike(link)
        mine = _systems(link)
        taken = [one for one in found if mine & _systems(one.link) and self._links(one.score)]
        free = [one for one in found if not mine & _systems(one.link)]
        picked: list[Found] = []
        covered = mine
        for one in free:
            if not covered & _systems(one.link):
                picked.append(one)
                covered = covered | _systems(one.link)
        if not picked and not taken:
            return Verdict(action="none"), []
        reason = next(self._reasons(link, taken, free, picked), None)
        if reason is None:
            return Verdict(action="merge", links=tuple(one.link.id for one in picked)), picked
        about = sorted([*taken, *free], key=lambda one: -one.score.value)
        return Verdict(action="review", links=tuple(one.link.id for one in about), reason=reason), about

    def _links(self, score: Score) -> bool:
        return score.certain and score.value >= self.rule.link

    def _reasons(
        self, link: Link, taken: Sequence[Found], free: Sequence[Found], picked: Sequence[Found]
    ) -> Iterator[str]:
        """Why a person must say; nothing where the link is plain."""
        if taken:
            yield f"{taken[0].members[1].ref} is like it, and linked with another one"
        for one in picked:
            ref = one.members[1].ref
            if not self._links(one.score):
                yield f"{ref} is like it, but not for certain"
            if one.link.state is LinkState.RESTING:
                yield f"{ref} is like it, and outside its filter"
            if one.link.id in self._ruled:
                yield f"{ref} is like it, and matches another one by a rule"
            rivals = [two for two in free if two is not one and _systems(two.link) & _systems(one.link)]
            for rival in self._near_best(one, rivals):
                yield f"{ref} and {rival.members[1].ref} are both like it"
            for rival in self._near_best(one, self._others_for(one.link, link)):
                yield f"{ref} is like it, and like {rival.members[1].ref} too"
            if self._crowded & {link.id, one.link.id}:
                yield f"{ref} is like it, and so may others be: more than {MOST_ALIKE} records share each of its values"

    def _others_for(self, best: Link, link: Link) -> list[Found]:
        """Links that compete with a link for its best one."""
        self._fetch([best.id])
        return [
            one
            for one in self.alike(best)
            if one.link.id != link.id
            and not _systems(one.link) & _systems(best)
            and _systems(one.link) & _systems(link)
        ]

    def _near_best(self, best: Found, others: Sequence[Found]) -> Iterator[Found]:
        return (other for other in others if other.score.value >= best.score.value - MARGIN)


def _systems(link: Link) -> frozenset[str]:
    return frozenset(member.ref.system for member in link.members)


def asked(flow: FlowMap, link: Link, reason: str, found: Sequence[Found]) -> HeldItem:
    """What a person is asked: the records that are like this one, each with its score and what every row says."""
    return HeldItem(
        kind="review",
        reason=f"{reason}: {found[0].score.words()}",
        refs=tuple(str(member.ref) for item in (link, *(one.link for one in found)) for member in item.members),
        values={str(one.members[1].ref): _explained(flow, one) for one in found},
    )


def _explained(flow: FlowMap, found: Found) -> dict[str, object]:
    return {
        "score": round(found.score.value, 3),
        "rows": [
            {
                "row": each.row,
                "values": as_json(flow, each),
                "likeness": round(each.likeness.value, 3),
                "weight": each.weight,
                "why": each.likeness.why,
            }
            for each in found.score.rows
        ],
        "doubts": list(found.score.doubts),
    }


def linked_by_score(setting: Setting, link: Link, found: Sequence[Found]) -> list[HistoryLine]:
    """What the history says of a link that a score made."""
    return [
        HistoryLine(
            run=setting.run,
            at=setting.now.isoformat(),
            flow=link.flow,
            link=link.id,
            system=one.members[1].ref.system,
            ref=str(one.members[1].ref),
            op="link",
            changes={},
            outcome="done",
            reason=f"{LIKE}{one.members[0].ref} by {one.score.words()}",
        )
        for one in found
    ]
