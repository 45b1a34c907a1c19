"""Links that are the same thing become one; what is not plain becomes a review. Never guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from accord.config.meaning import MatchScore
from accord.core.linkplan import HeldItem
from accord.core.mapping import FlowMap
from accord.core.match import MATCHING, Candidate, Verdict, judge
from accord.engine.beside_doubt import matching_what_waits
from accord.engine.chunk import Chunk, load_chunk
from accord.engine.decisions import choice_of
from accord.engine.observe import place_mapping
from accord.engine.scoring import Scorer, asked, linked_by_score
from accord.engine.setting import Setting
from accord.errors import ExpressionError
from accord.model import Link, LinkState, Member, Ref
from accord.stored import HistoryLine

BATCH = 500


class Matcher:
    """Matches the links of chunks."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.state = setting.state
        self._listed: dict[str, bool] = {}
        self._conditional: set[int] = set()
        """Links whose match waits for its condition."""
        self._under_way = frozenset(proposal.link for proposal in self.state.plans.unfinished())
        """Links with writes whose end is not known: nothing joins them, and what would, waits."""
        self._waiting: set[int] = set()
        self._beside: dict[str, set[int]] = {}
        """Links of a flow that match a record which waits itself, with a create in doubt."""

    def listed_once(self, flow: FlowMap) -> bool:
        """Whether every datatype of a flow that matches records was once listed completely, as it is read now."""
        if not flow.flow.matches:
            return True
        if flow.name not in self._listed:
            self._listed[flow.name] = all(
                self._is_listed(system, side.side.datatype) for system, side in flow.sides.items()
            )
        return self._listed[flow.name]

    def _is_listed(self, system: str, datatype: str) -> bool:
        cursor = self.state.observed.cursor(self.setting.place(system, datatype))
        mapping = place_mapping(self.setting, self.setting.flows_of(system, datatype))
        return cursor is not None and cursor.complete_at is not None and cursor.mapping == mapping

    def waits_for(self, link: Link) -> str | None:
        """Why a link that matches gets neither a counterpart nor joins the other now."""
        if link.id in self._beside_doubt(link.flow):
            return "a record that matches waits until a create in doubt is found out"
        if link.id in self._waiting:
            return "the record that matches is being written, and how that ended is not known yet"
        return "the record that matches waits for its condition" if link.id in self._conditional else None

    def _beside_doubt(self, flow: str) -> set[int]:
        if flow not in self._beside:
            self._beside[flow] = matching_what_waits(self.setting, self.setting.flows[flow])
        return self._beside[flow]

    async def match(self, chunk: Chunk) -> dict[int, HeldItem]:
        """Merge links of a chunk (and those outside it that they match); reviews by link."""
        for link in list(chunk.links.values()):
            self._link_decided(chunk, link)
        lacking = [number for number, link in chunk.links.items() if self._may_match(chunk, link)]
        sharing = self.state.links.sharing(lacking) if lacking else {}
        reviews: dict[int, HeldItem] = {}
        for number in lacking:
            if number in chunk.links and number in sharing:
                self._one(chunk, chunk.links[number], sharing[number], reviews)
        if chunk.flow.flow.match_score is not None:
            undecided = [number for number in lacking if number in chunk.links and number not in sharing]
            self._by_score(chunk, chunk.flow.flow.match_score, undecided, reviews)
        return reviews

    def _by_score(self, chunk: Chunk, rule: MatchScore, numbers: Sequence[int], reviews: dict[int, HeldItem]) -> None:
        """What no match rule decided, by score. A merge may leave a plain pair of what was doubtful before."""
        alone = [number for number in numbers if len(chunk.links[number].members) == 1]
        scorer = Scorer(self.setting, chunk, rule)
        scorer.prepare(alone)
        is_new = True
        while is_new:
            is_new = False
            for number in alone:
                link = chunk.links.get(number)
                if link is not None and len(link.members) == 1:
                    is_new |= self._scored(chunk, scorer, link, reviews)

    def _scored(self, chunk: Chunk, scorer: Scorer, link: Link, reviews: dict[int, HeldItem]) -> bool:
        """Link one by score, or ask a person; whether it was linked."""
        verdict, found = scorer.judge(link)
        others = [one.link for one in found]
        reviews.pop(link.id, None)
        if verdict.action == "none" or not self._linking(chunk.flow, (link, *others)):
            return False
        if self._under_way.intersection(other.id for other in others):
            self._waiting.add(link.id)
            return False
        if verdict.action == "review":
            reviews[link.id] = asked(chunk.flow, link, verdict.reason, found)
            return False
        if not self._merge(chunk, link, others):
            return False
        into = self.state.links.of([link.members[0].ref])[link.members[0].ref]
        scorer.merged(chunk.links[into], [one.id for one in (link, *others) if one.id != into])
        self.setting.state.history.add(linked_by_score(self.setting, chunk.links[into], found))
        for number in verdict.links:
            reviews.pop(number, None)
        return True

    def _may_match(self, chunk: Chunk, link: Link) -> bool:
        if not chunk.flow.flow.matches or len(link.members) == len(chunk.flow.sides):
            return False
        gone = any(chunk.gone(member) for member in link.members)
        return not gone and choice_of(chunk.held.get(link.id, ()), "review") is None

    def _one(self, chunk: Chunk, link: Link, sharing: Mapping[int, set[str]], reviews: dict[int, HeldItem]) -> None:
        others = self.state.links.load(list(sharing))
        if self._under_way.intersection(others):
            self._waiting.add(link.id)
            return
        verdict = self._verdict(chunk, link, others, sharing)
        several = sum(len(item.members) > 1 for item in (link, *others.values())) > 1
        if verdict.action == "merge" and several:
            verdict = Verdict(action="review", links=verdict.links, reason="two links with several records match")
        if verdict.action == "merge":
            self._merge(chunk, link, [others[number] for number in verdict.links])
        elif verdict.action == "review" and len(link.members) == 1:
            refs = tuple(str(member.ref) for item in (link, *others.values()) for member in item.members)
            reviews[link.id] = HeldItem(kind="review", reason=verdict.reason, refs=refs)

    def _verdict(
        self, chunk: Chunk, link: Link, others: Mapping[int, Link], sharing: Mapping[int, set[str]]
    ) -> Verdict:
        candidates = [
            Candidate(
                link=other.id,
                systems=frozenset(member.ref.system for member in other.members),
                sharing=frozenset(sharing[other.id]),
                resting=other.state is LinkState.RESTING,
            )
            for other in others.values()
            if other.state is not LinkState.CLOSED
        ]
        titles = {name: chunk.flow.title(name) for name in chunk.flow.sides}
        return judge(frozenset(member.ref.system for member in link.members), candidates, titles)

    def _merge(self, chunk: Chunk, link: Link, others: Sequence[Link]) -> bool:
        """Make one link of several, where their modes and conditions let it; whether it was done."""
        if not self._linking(chunk.flow, (link, *others)):
            return False
        if not all(self._condition(chunk, member) for item in (link, *others) for member in item.members):
            self._conditional.update(item.id for item in (link, *others))
            return False
        self._absorb(chunk, link, others)
        return True

    def _linking(self, flow: FlowMap, links: Sequence[Link]) -> bool:
        return any(flow.sides[member.ref.system].side.mode in MATCHING for link in links for member in link.members)

    def _condition(self, chunk: Chunk, member: Member) -> bool:
        """Whether a side's `when` is true, as far as the values known say; what they do not say counts as true."""
        side = chunk.flow.sides[member.ref.system]
        if side.when is None:
            return True
        arrival = chunk.arrivals.get(member.ref)
        natives = (
            arrival.natives()
            if arrival
            else {side.paths[row]: member.base[row] for row in member.base if row in side.paths}
        )
        try:
            return not side.when.paths <= set(natives) or side.when.test(natives)
        except ExpressionError:
            return False

    def _absorb(self, chunk: Chunk, link: Link, others: Sequence[Link]) -> None:
        """One link out of several; the one with more members, then the older, lends its number."""
        into = max((link, *others), key=lambda item: (len(item.members), -item.id))
        rest = [item.id for item in (link, *others) if item.id != into.id]
        agreed = self.state.links.load([into.id])[into.id].agreed  # with rows that are not in the file at present
        self.state.links.absorb(into.id, rest, list(agreed))
        for number in rest:
            chunk.links.pop(number, None)
        fresh = load_chunk(self.setting, chunk.flow, [into.id])
        chunk.links.update(fresh.links)
        chunk.arrivals.update(fresh.arrivals)
        chunk.held.update(fresh.held)
        self.setting.tally.flows[chunk.flow.name]["links"] += 1

    def _link_decided(self, chunk: Chunk, link: Link) -> None:
        """A person said which record this one is."""
        items = chunk.held.get(link.id, ())
        item = choice_of(items, "review") or choice_of(items, "rejected")
        if item is None or not item.decision or "link" not in item.decision or link.id not in chunk.links:
            return
        ref = Ref.parse(item.decision["link"])
        number = self.state.links.of([ref]).get(ref)
        if number is None or number == link.id:
            return
        other = self.state.links.load([number])[number]
        mine = {member.ref.system for member in link.members}
        if not mine & {member.ref.system for member in other.members}:
            self._absorb(chunk, link, [other])


def rejoin(setting: Setting, keyed: Sequence[tuple[Ref, Ref]]) -> None:
    """Link records again whose own keys say which record they were made for."""
    links = setting.state.links
    for start in range(0, len(keyed), BATCH):
        some = keyed[start : start + BATCH]
        of = links.of([ref for pair in some for ref in pair])
        loaded = links.load(sorted(set(of.values())))
        for ref, source in some:
            made, origin = loaded.get(of.get(ref, 0)), loaded.get(of.get(source, 0))
            if made is not None and origin is not None and _fit(made, origin):
                links.absorb(origin.id, [made.id])
                setting.state.history.add([_found_again(setting, origin, ref)])
                setting.tally.flows[origin.flow]["links"] += 1
                del loaded[made.id], loaded[origin.id]


def _fit(made: Link, origin: Link) -> bool:
    """Whether both are alone, in one flow, and of different systems."""
    alone = len(made.members) == len(origin.members) == 1
    return alone and made.flow == origin.flow and made.members[0].ref.system != origin.members[0].ref.system


def _found_again(setting: Setting, link: Link, ref: Ref) -> HistoryLine:
    return HistoryLine(
        run=setting.run,
        at=setting.now.isoformat(),
        flow=link.flow,
        link=link.id,
        system=ref.system,
        ref=str(ref),
        op="link",
        changes={},
        outcome="done",
        reason=f"found again: its own key names {link.members[0].ref}",
    )
