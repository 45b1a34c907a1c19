"""The plan of a round: links that were touched → proposals on disk. Everything happens in one transaction of the
state, which `plan` undoes and `run` keeps. Nothing is written to any system.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from accord.core.circles import circle_in
from accord.core.decide import Decision
from accord.core.deletion import fate, plan_deletion, remaining_values
from accord.core.detect import Reading
from accord.core.identity import is_another, was_made_again
from accord.core.keys import make_key
from accord.core.linkplan import HeldItem, LinkPlan, LogLine, resting_plan
from accord.core.mapping import FlowMap
from accord.core.match import CREATING
from accord.core.merge import Ice, merge
from accord.core.plan import Ground, plan_link
from accord.engine.before_create import found_outside
from accord.engine.beside_doubt import look_again
from accord.engine.chunk import Chunk, load_chunk, make_readings, read_unknown
from accord.engine.decisions import choice_of, decisions_of, ice_of
from accord.engine.flips import flips_of
from accord.engine.intake import note_started, take_up
from accord.engine.match_keys import refresh_keys
from accord.engine.matching import Matcher, rejoin
from accord.engine.observe import place_salt, record_print
from accord.engine.rules import follow_rules
from accord.engine.setting import Setting
from accord.engine.settling import Finished, let_go, settle_all
from accord.engine.successors import Successors, let_loose, review_of
from accord.errors import ExpressionError, SystemFailure
from accord.model import Link, LinkState, Member, Natives, Op, Record, Ref, from_json, json_text
from accord.stored import Arrival, Held, Need

BATCH = 250
DELETES = 1_000_000
"""The stage after which deletes come: last, children first."""


async def make_plan(setting: Setting) -> None:
    """All flows: take up new records, match, merge, and store what is to be written."""
    state = setting.state
    state.plans.clear()
    samples = {tuple(key): value for key, value in from_json(state.get("samples") or "[]")}
    rejoin(setting, take_up(setting, samples))
    state.links.touch_arrived()
    look_again(setting)
    follow_rules(setting)
    planner = Planner(setting, samples)
    for flow in setting.selected():
        await planner.plan_flow(flow)
    await planner.follow_references()
    state.plans.hold_without_target()
    note_started(setting)
    state.put("samples", json_text([[list(key), value] for key, value in samples.items()]))


class Planner:
    """Plans links, a chunk at a time."""

    def __init__(self, setting: Setting, samples: Mapping[Any, Any]) -> None:
        self.setting = setting
        self.state = setting.state
        self.samples = samples
        self.matcher = Matcher(setting)
        self.deferred: dict[int, frozenset[str]] = {}
        """Link → reference rows that its creates go without, because they form a circle."""
        self.count = 0
        self.split: list[tuple[int, Arrival]] = []
        """(link, record) pairs that a person took apart."""
        self.successors = Successors(setting)
        self.replaced: list[tuple[Link, Member, Ref]] = []
        """(link, the record that is gone, the one that takes its place)."""

    async def plan_flow(self, flow: FlowMap) -> None:
        """Every touched link of a flow."""
        refresh_keys(self.setting, flow)
        after = 0
        while numbers := self.state.links.dirty(flow.name, after, BATCH):
            after = numbers[-1]
            await self._guarded(flow, numbers)
            if any(system in self.setting.tally.failed for system in flow.sides):
                return
            self.setting.progress(f"planning {flow.name}", self.count, None)

    async def _guarded(self, flow: FlowMap, numbers: Sequence[int]) -> None:
        """Plan some links; a system that fails in between leaves them for another round."""
        try:
            await self.plan_links(flow, numbers)
        except SystemFailure as error:
            self.setting.tally.fail(error)

    async def follow_references(self) -> None:
        """Plan what waits for records that are made in this run; where only circles are left, open one."""
        names = {flow.name: flow for flow in self.setting.selected()}
        done: set[int] = set()
        while True:
            waiting = [
                number for number in (*self.state.links.waiting_on_made(), *self._connected()) if number not in done
            ]
            done.update(waiting)
            opened = [] if waiting else self._open_circles()
            if not waiting and not opened:
                return
            await self._plan_again([*waiting, *opened], names)

    def _connected(self) -> list[int]:
        """Links that get a counterpart because something refers to them, and that something waits for by now."""
        flows = [
            flow.name
            for flow in self.setting.selected()
            if any(side.side.mode == "connected" for side in flow.sides.values())
        ]
        return self.state.links.waited_for(flows) if flows else []

    async def _plan_again(self, numbers: Sequence[int], flows: Mapping[str, FlowMap]) -> None:
        by_flow: dict[str, list[int]] = {}
        for number, link in self.state.links.load(numbers).items():
            by_flow.setdefault(link.flow, []).append(number)
        for name, members in by_flow.items():
            for start in range(0, len(members), BATCH):
                if name in flows:
                    await self._guarded(flows[name], members[start : start + BATCH])

    def _open_circles(self) -> list[int]:
        """One link of each circle of references among waiting links goes without the reference that closes it."""
        rows: dict[tuple[int, int], str] = {}
        for link, row, on in self.state.links.waits_among_waiting():
            if row not in self.deferred.get(link, ()) and not self._is_required(link, row):
                rows[link, on] = row
        opened = []
        while circle := circle_in(rows):
            link, on = circle
            self.deferred[link] = self.deferred.get(link, frozenset()) | {rows.pop((link, on))}
            opened.append(link)
        return opened

    def _is_required(self, number: int, row: str) -> bool:
        flow = self.setting.flows[self.state.links.load([number])[number].flow]
        return flow.rows[row].required or any(side.needs(row) for side in flow.sides.values())

    async def plan_links(self, flow: FlowMap, numbers: Sequence[int]) -> None:
        """Match, merge and plan some links that have no plan yet."""
        busy = self.state.plans.busy(numbers)
        chunk = load_chunk(self.setting, flow, [number for number in numbers if number not in busy])
        if not chunk.links:
            return
        reviews = await self.matcher.match(chunk)
        await read_unknown(self.setting, chunk)
        make_readings(self.setting, chunk)
        plans = [plan for link in chunk.links.values() if (plan := self._plan_one(chunk, link, reviews)) is not None]
        self.count += len(plans)
        self._store(chunk, plans)
        self._take_apart()

    def _plan_one(self, chunk: Chunk, link: Link, reviews: Mapping[int, HeldItem]) -> LinkPlan | None:
        """The plan of one link; None where nothing can be said of it in this round."""
        if any(member.ref in chunk.unread for member in link.members):
            return None
        gone = [member for member in link.members if chunk.gone(member)]
        there = [chunk.readings[member.ref] for member in link.members if member not in gone]
        try:
            if gone:
                return self._plan_gone(chunk, link, gone, there)
            if not self._in_scope(chunk, link):
                return resting_plan(link)
            return self._plan_there(chunk, link, there, reviews.get(link.id))
        except ExpressionError as error:
            held = (HeldItem(kind="value", reason=error.message),)
            return LinkPlan(flow=link.flow, link=link.id, state=link.state, held=held)

    def _plan_gone(self, chunk: Chunk, link: Link, gone: Sequence[Member], there: Sequence[Reading]) -> LinkPlan:
        if link.state is LinkState.WAITING and there:  # they were never in step: the others go on without it
            remaining = replace(link, members=tuple(member for member in link.members if member not in gone))
            plan = self._plan_there(chunk, remaining, there, None)
            return msgspec.structs.replace(plan, drop=tuple(member.ref.system for member in gone))
        waits = self._succeeded(chunk, link, gone)
        if waits is not None:
            return waits
        item = choice_of(chunk.held.get(link.id, ()), "delete")
        choice, by = (item.decision["choice"], item.decided_by) if item and item.decision else (None, None)
        if item and choice == "propagate" and _moved_on(chunk, item, there):
            choice, by = None, None
        decided = fate(chunk.flow, link, gone, there, choice, by)
        if decided.action != "restore":
            wholes = _wholes(chunk, there) if decided.action == "archive" else {}
            return msgspec.structs.replace(plan_deletion(chunk.flow, link, gone, there, decided, wholes), by=by)
        systems = [member.ref.system for member in gone]
        remaining = replace(link, members=tuple(member for member in link.members if member not in gone))
        rests = not self._in_scope(chunk, remaining)
        if rests and len(there) > 1:  # the others may differ, and nothing is written to what is out of scope
            return resting_plan(link)
        merged = merge(chunk.flow, remaining, there)
        ground = replace(self._ground(chunk, link, decided.reason), restores=True)
        plan = plan_link(chunk.flow, remaining, there, merged, ground, systems)
        if rests:  # the one that is left receives nothing; it is behind with what it would
            creates = tuple(write for write in plan.writes if write.op is Op.CREATE)
            plan = msgspec.structs.replace(plan, state=LinkState.RESTING, writes=creates)
        line = LogLine(op="deleted", system=systems[0], ref=str(gone[0].ref), reason=decided.reason)
        return msgspec.structs.replace(plan, drop=tuple(systems), log=(*plan.log, line), by=by)

    def _succeeded(self, chunk: Chunk, link: Link, gone: Sequence[Member]) -> LinkPlan | None:
        """A new record is like the one that is gone: a person says whether it is the same. None: go on."""
        item = choice_of(chunk.held.get(link.id, ()), "review")
        choice = dict(item.decision or {}) if item is not None else {}
        if item is not None and choice.get("create"):
            let_loose(self.setting, item.base)
            return None
        pair = self.successors.of(chunk.flow, link, gone)
        if pair is None:
            return None
        if choice.get("link") == str(pair[1].ref):
            self.replaced.append((link, pair[0], pair[1].ref))
        systems = tuple(member.ref.system for member in gone)
        held = (review_of(link, *pair),)
        return LinkPlan(flow=link.flow, link=link.id, state=link.state, gone=systems, held=held)

    def _in_scope(self, chunk: Chunk, link: Link) -> bool:
        """Whether every member's filter is true. What did not arrive is where it was."""
        for member in link.members:
            where = chunk.flow.sides[member.ref.system].where
            arrival = chunk.arrivals.get(member.ref)
            if where is None:
                continue
            if arrival is None and link.state is LinkState.RESTING:
                return False
            if arrival is not None and not where.test(arrival.natives()):
                return False
        return True

    def _plan_there(self, chunk: Chunk, link: Link, there: Sequence[Reading], review: HeldItem | None) -> LinkPlan:
        others = [reading for reading in there if link.agreed and is_another(chunk.flow, reading)]
        if others:
            stopped = self._another(chunk, link, others)
            if stopped is not None:
                return stopped
        decisions = decisions_of(chunk.held.get(link.id, ()))
        ice = ice_of(chunk.held.get(link.id, ()))
        creates, why = self._creates(chunk, link, review)
        plan = self._merged_plan(chunk, link, there, decisions, ice, (creates, why))
        flips = flips_of(self.setting, chunk.flow, plan)
        if flips:
            ice = replace(ice, frozen={**ice.frozen, **flips})
            plan = self._merged_plan(chunk, link, there, decisions, ice, (creates, why))
        if not creates and len(link.members) == 1:  # nobody need make a record for one that goes nowhere
            plan = msgspec.structs.replace(plan, waits=())
        if link.agreed:
            self.setting.tally.flows[chunk.flow.name]["edits"] += sum(reading.any_edit() for reading in there)
        held = (*plan.held, review) if review is not None else plan.held
        by = next((decision.by for decision in decisions.values()), None) or _author(chunk.held.get(link.id, ()))
        return msgspec.structs.replace(plan, held=held, why=_why(plan, held, why, creates), by=by)

    def _another(self, chunk: Chunk, link: Link, others: Sequence[Reading]) -> LinkPlan | None:
        """A record that looks like another one under the same id: a person says. None: it is the same all the same."""
        item = choice_of(chunk.held.get(link.id, ()), "review")
        choice = dict(item.decision or {}) if item is not None else {}
        refs = tuple(str(reading.member.ref) for reading in others)
        is_made_again = any(was_made_again(reading) for reading in others)
        why = "it was made at another time" if is_made_again else "all that tells it apart has changed"
        if choice.get("link") in refs:
            return None
        if choice.get("create"):
            self.split += [(link.id, chunk.arrivals[r.member.ref]) for r in others if r.member.ref in chunk.arrivals]
        held = HeldItem(
            kind="review",
            values={r.system: {row: r.natives.get(row) for row in r.side.rows} for r in others},
            base={r.system: {row: r.member.base.get(row) for row in r.side.rows} for r in others},
            reason=f"{' and '.join(refs)} looks like another record under the same id: {why}. "
            f"If it is the same, resolve it by `--link {refs[0]}`; if it is another one, by `--create`",
            refs=refs,
        )
        return LinkPlan(flow=link.flow, link=link.id, state=link.state, held=(held,))

    def _take_apart(self) -> None:
        """Records that a person called others than those that were linked: their links are over, they are new."""
        for number, arrival in self.split:
            place = self.setting.place(arrival.ref.system, arrival.ref.datatype)
            let_go(self.setting, number, arrival.ref, self.setting.now)
            self.state.links.forget_closed(arrival.ref)
            record = Record(
                id=arrival.ref.id,
                native_id=arrival.native_id,
                content=arrival.content or b"{}",
                version=arrival.version,
                modified=arrival.modified,
            )
            salt = place_salt(self.setting, arrival.ref.system, arrival.ref.datatype)
            self.state.observed.take_in(place, [record], [record_print(record, salt)])
            self.setting.tally.refreshed += 1
        self.split.clear()
        for link, gone, ref in self.replaced:
            if self.successors.take_its_place(link, gone, ref):
                self.state.held.close([i.id for i in self.state.held.of_links([link.id])], self.setting.now)
                self.setting.tally.refreshed += 1
        self.replaced.clear()

    def _merged_plan(
        self,
        chunk: Chunk,
        link: Link,
        there: Sequence[Reading],
        decisions: Mapping[str, Decision],
        ice: Ice,
        creates: tuple[Sequence[str], str],
    ) -> LinkPlan:
        merged = merge(chunk.flow, link, there, decisions, ice)
        return plan_link(chunk.flow, link, there, merged, self._ground(chunk, link, creates[1]), creates[0])

    def _creates(self, chunk: Chunk, link: Link, review: HeldItem | None) -> tuple[list[str], str]:
        """The systems that get a counterpart, and why (or why not)."""
        flow = chunk.flow
        have = {member.ref.system for member in link.members}
        missing = [name for name, side in flow.sides.items() if name not in have and side.writable and side.side.create]
        if not missing:
            return [], ""
        if review is not None:
            return [], "several records match; a person must say which"
        decided = choice_of(chunk.held.get(link.id, ()), "review")
        if decided is not None and decided.decision and decided.decision.get("create"):
            return missing, f"decided by {decided.decided_by}"
        if self.successors.named(link):
            return [], "may be a record that is gone, under another id; a person must say so"
        if not self.matcher.listed_once(flow):
            return [], "waits until every system has been listed completely"
        if waits := self.matcher.waits_for(link):
            return [], waits
        return self._by_mode(chunk, link, missing)

    def _by_mode(self, chunk: Chunk, link: Link, missing: list[str]) -> tuple[list[str], str]:
        reasons = []
        for member in link.members:
            side = chunk.flow.sides[member.ref.system]
            mode = side.side.mode
            title = chunk.flow.title(member.ref.system)
            if not self._condition(chunk, member):
                reasons.append(f"waits until {side.side.when!r} is true in {title}")
            elif mode not in CREATING:
                reasons.append("waits for a match" if mode == "match-only" else "waits for a person to link it")
            elif mode == "connected" and not self.state.links.is_waited_for(member.ref, side.side.connected_to):
                reasons.append("waits until a record that refers to it is synchronised")
            else:
                return missing, f"new in {title} ({mode})"
        return [], "; ".join(reasons)

    def _condition(self, chunk: Chunk, member: Member) -> bool:
        when = chunk.flow.sides[member.ref.system].when
        arrival = chunk.arrivals.get(member.ref)
        return when is None or (arrival is not None and when.test(arrival.natives()))

    def _ground(self, chunk: Chunk, link: Link, why: str) -> Ground:
        def target(number: int, system: str) -> str | int | None:
            return chunk.targets.get((number, system))

        def making(number: int, system: str) -> bool:
            return (number, system) in chunk.makings

        return Ground(
            target=target,
            making=making,
            samples=self.samples,
            token=self._token,
            why_create=why,
            deferred=self.deferred.get(link.id, frozenset()),
        )

    def _token(self, link: Link, system: str) -> str:
        return make_key(link.members[0].ref, f"{self.state.installation}/{link.id}/{system}/{self.setting.run}")

    def _store(self, chunk: Chunk, plans: Sequence[LinkPlan]) -> None:
        """Plans that write become proposals; the others are settled at once."""
        writing = [plan for plan in plans if plan.writes]
        settle_all(self.setting, [Finished(plan=plan) for plan in plans if not plan.writes])
        wanted = [
            (row.link, write.system)
            for plan in writing
            for write in plan.writes
            for row in write.rows
            if row.pending and row.link is not None
        ]
        makers = self.state.plans.makers(wanted) if wanted else {}
        staged = [(self._stage(plan, makers), plan) for plan in writing]
        numbers = self.state.plans.put(self.setting.run, staged)
        needs, making = [], []
        for number, plan in zip(numbers, writing, strict=True):
            for write in plan.writes:
                needs += [
                    Need(
                        proposal=number,
                        row=row.row,
                        link=row.link,
                        system=write.system,
                        essential=write.op is Op.CREATE,
                    )
                    for row in write.rows
                    if row.pending and row.link is not None
                ]
                if write.op is Op.CREATE:
                    making.append((plan.link, write.system, number))
        self.state.plans.put_needs(needs, making)
        self._hold(chunk, writing)

    def _stage(self, plan: LinkPlan, makers: Mapping[tuple[int, str], int]) -> int:
        if any(write.op is Op.DELETE for write in plan.writes):
            return DELETES + len(self.setting.order) - list(self.setting.order).index(plan.flow)
        stages = [
            makers[row.link, write.system]
            for write in plan.writes
            for row in write.rows
            if row.pending and row.link is not None and (row.link, write.system) in makers
        ]
        return 1 + max(stages, default=-1)

    def _hold(self, chunk: Chunk, plans: Sequence[LinkPlan]) -> None:
        """What a plan holds is shown even before the rest of it is written."""
        for plan in plans:
            items = chunk.held.get(plan.link, ())
            if (plan.held or items) and not any(item.decision for item in items):
                held = (*plan.held, *found_outside(items))
                refs = [str(member.ref) for member in chunk.links[plan.link].members]
                self.state.held.replace(plan.link, plan.flow, held, refs, self.setting.now, self.setting.run)


def _moved_on(chunk: Chunk, item: Held, there: Sequence[Reading]) -> bool:
    """Whether a record was edited after a person said that it shall be deleted: then the person is asked again."""
    return json_text(remaining_values(chunk.flow, there)) != json_text(dict(item.values))


def _wholes(chunk: Chunk, there: Sequence[Reading]) -> dict[str, Natives]:
    """System → all that was read of a record, also what no row names."""
    return {r.system: chunk.arrivals[r.member.ref].natives() for r in there if r.member.ref in chunk.arrivals}


def _why(plan: LinkPlan, held: Sequence[HeldItem], why: str, creates: Sequence[str]) -> str | None:
    """Why a link that gets no counterpart now waits."""
    if plan.waits:
        wait = plan.waits[0]
        target = f"link {wait.link}" if wait.link else f"{wait.system}/{wait.datatype}/{wait.id}"
        return f"waits for {target}, which {wait.row!r} refers to, to have a record in {wait.target}"
    why = "held for a person" if held else why if not creates else ""
    return "; ".join(filter(None, (why, plan.why))) or None


def _author(items: Sequence[Any]) -> str | None:
    return next((item.decided_by for item in items if item.decision), None)
