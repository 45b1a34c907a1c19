"""One flow, compared: every record with its counterpart, every linked pair row by row, and nothing twice.

The state says which records are linked, and why something waits. It is not believed about values; and what the match
rules say of the records as they are is held against its links.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from accord.core.candidates import equal, shows
from accord.core.detect import Reading, same_native
from accord.core.mapping import FlowMap
from accord.core.match import CREATING, claim, in_scope_of, match_keys
from accord.core.resting import rest_or_failure
from accord.errors import AccordError, SystemFailure, ValueRefused
from accord.model import ABSENT, Absence, Link, LinkState, Member, Record, Ref
from accord.ports import Connector
from accord.store.opening import State
from accord.store.overview import closed_with
from accord.stored import Held
from accord.verify.fresh import Fresh, Shown
from accord.verify.results import Difference

BATCH = 200


@dataclass(slots=True)
class Tally:
    """What was found about one line of the checklist."""

    checked: int = 0
    held: int = 0
    explained: int = 0
    """Differences that a rule or a person wants so."""
    differences: list[Difference] = field(default_factory=list)


Subject = tuple[str, str, str]
"""(source, target, name of the line): the line itself is `FLOW.NAME` of that direction."""


class Comparison:
    """Of one flow."""

    def __init__(
        self,
        flow: FlowMap,
        flows: Mapping[str, FlowMap],
        state: State,
        fresh: Fresh,
        connectors: Mapping[str, Connector],
    ) -> None:
        self.flow, self.flows, self.state, self.fresh, self.connectors = flow, flows, state, fresh, connectors
        self.found: dict[Subject, Tally] = defaultdict(Tally)
        self.unreadable: set[Ref] = set()
        alone = (item for item in state.held.list() if item.link is None)
        self.alone: set[str] = {ref for item in alone for ref in item.refs}

    async def run(self) -> None:
        """Everything about the flow."""
        for numbers in _batches(self.state.links.numbers(self.flow.name)):
            await self._links(numbers)
        for system in self.flow.sides:
            await self._records(system)
        self._keys()

    # linked records, row by row

    async def _links(self, numbers: Sequence[int]) -> None:
        links = self.state.links.load(numbers)
        held: dict[int, list[Held]] = defaultdict(list)
        for item in self.state.held.of_links(list(links)):
            held[item.link or 0].append(item)
        for link in links.values():
            if link.state is LinkState.LINKED:
                await self._link(link, held[link.id])

    async def _link(self, link: Link, held: Sequence[Held]) -> None:
        there = [(member, shown) for member in link.members if (shown := await self._shown(member.ref)) is not None]
        for member in link.members:
            if self.fresh.get(member.ref) is None and member.ref not in self.unreadable:
                self._gone(link, member, held)
        readings = [self._reading(member, shown) for member, shown in there]
        resting = {row for row in self.flow.rows if rest_or_failure(self.flow, row, readings)}
        for left, right in combinations(readings, 2):
            await self._pair(link, (left, right), held, resting)

    async def _shown(self, ref: Ref) -> Shown | None:
        """A record as it was listed; one that the listing does not show is asked for by its id."""
        shown = self.fresh.get(ref)
        if shown is None and ref.system in self.connectors:
            await self._again([ref])
            shown = self.fresh.get(ref)
        return shown

    async def _again(self, refs: Sequence[Ref]) -> None:
        for ref in refs:
            try:
                answer = (await self.connectors[ref.system].fetch(ref.datatype, [ref.id]))[ref.id]
            except SystemFailure:
                answer = Absence.FAILED
            if isinstance(answer, Record) or answer is Absence.GONE:
                gone = isinstance(answer, Record) and self._is_deleted(ref, answer)
                self.fresh.put(ref, Absence.GONE if gone else answer)
            else:
                self.unreadable.add(ref)

    def _is_deleted(self, ref: Ref, record: Record) -> bool:
        deleted = self.flow.sides[ref.system].deleted
        return deleted is not None and deleted.test(record.natives())

    def _reading(self, member: Member, shown: Shown) -> Reading:
        whole = shown.natives()
        natives = self.flow.sides[member.ref.system].by_row(whole)
        links = self.state.links
        return Reading(
            self.flow,
            member,
            natives,
            record=whole,
            version=shown.version,
            modified=None,
            resolve=lambda ref: links.of([ref]).get(ref),
        )

    async def _pair(
        self, link: Link, pair: tuple[Reading, Reading], held: Sequence[Held], resting: Collection[str]
    ) -> None:
        wrong = [row for row in self._rows(pair) if row not in resting and not self._agrees(pair, row)]
        if wrong:  # perhaps somebody saved one of them while the other was read
            await self._again([reading.member.ref for reading in pair])
            shown = [self.fresh.get(reading.member.ref) for reading in pair]
            if None in shown:
                return
            pair = tuple(  # type: ignore[assignment]
                self._reading(reading.member, now) for reading, now in zip(pair, shown, strict=True) if now is not None
            )
        for row in self._rows(pair):
            self._row(link, pair, row, held, row in resting)

    def _rows(self, pair: tuple[Reading, Reading]) -> Iterator[str]:
        """Rows that flow between the two, in one direction at least."""
        for name, row in self.flow.rows.items():
            systems = {reading.system for reading in pair}
            if systems <= set(row.paths) and any(self._flows(name, *way) for way in _ways(pair)):
                yield name

    def _flows(self, name: str, source: str, target: str) -> bool:
        row, side = self.flow.rows[name], self.flow.sides[target]
        return source in row.sources and target in row.targets and side.writable and side.side.update

    def _row(self, link: Link, pair: tuple[Reading, Reading], name: str, held: Sequence[Held], rests: bool) -> None:
        ways = [way for way in _ways(pair) if self._flows(name, *way)]
        tallies = [self.found[source, target, f"property.{name}"] for source, target in ways]
        for tally in tallies:
            tally.checked += 1
        if self._agrees(pair, name):
            return
        unit = next(unit for unit in self.flow.units if name in unit)
        if any(item.row is None or item.row in unit or item.kind == "rejected" for item in held):
            for tally in tallies:
                tally.held += 1
        elif rests:  # it may differ until its condition is true
            for tally in tallies:
                tally.explained += 1
        elif len(ways) == 1 and (
            self._left_in_place(link, name, ways[0][1]) or self._was_made_so(pair, name, ways[0][1])
        ):
            tallies[0].explained += 1
        else:
            difference = self._differs(link, pair, name)
            for tally in tallies:
                tally.differences.append(difference)

    def _agrees(self, pair: tuple[Reading, Reading], name: str) -> bool:
        left, right = pair
        try:
            one, other = left.value(name), right.value(name)
        except ValueRefused:
            return False
        if equal(self.flow, name, one, other):
            return True
        if name in self.flow.references:
            return one in (None, ABSENT) and other in (None, ABSENT)
        if shows(self.flow, right, name, one) or shows(self.flow, left, name, other):
            return True
        return self._as_settled(pair, name) and self.flow.types[name].similar(one, other)

    def _as_settled(self, pair: tuple[Reading, Reading], name: str) -> bool:
        """Whether both are as they were settled: then what looks the same is what a system made of the value."""
        return all(
            name in reading.natives and same_native(reading.natives[name], reading.member.base.get(name))
            for reading in pair
        )

    def _left_in_place(self, link: Link, name: str, target: str) -> bool:
        """Whether somebody edited the side that the row flows to, which the rules leave as it is."""
        lines = self.state.history.list(link=link.id, row=name, newest_first=True)
        return any(line.op == "kept" and line.system == target for line in lines)

    def _was_made_so(self, pair: tuple[Reading, Reading], name: str, target: str) -> bool:
        """Whether the target takes a value at creation only, and nobody has edited either side since."""
        return self.flow.sides[target].only_at_creation(name) and self._as_settled(pair, name)

    def _differs(self, link: Link, pair: tuple[Reading, Reading], name: str) -> Difference:
        refs = tuple(str(reading.member.ref) for reading in pair)
        pending = [r.system for r in pair if (shown := self.fresh.get(r.member.ref)) is not None and shown.pending]
        since = f"; changed in {' and '.join(pending)} since the last round" if pending else ""
        return Difference(
            kind="reference" if name in self.flow.references else "differs",
            flow=self.flow.name,
            refs=refs,
            row=name,
            values={reading.system: reading.natives.get(name) for reading in pair},
            message=f"{name} differs (link {link.id}){since}",
            hint=f"accord explain {refs[0]} {name}" if not pending else "accord run",
        )

    def _gone(self, link: Link, member: Member, held: Sequence[Held]) -> None:
        for other in link.members:
            if other is member or self.fresh.get(other.ref) is None:
                continue
            tally = self.found[member.ref.system, other.ref.system, "delete"]
            tally.checked += 1
            if any(item.kind in ("delete", "review") for item in held):
                tally.held += 1
                continue
            tally.differences.append(
                Difference(
                    kind="deleted",
                    flow=self.flow.name,
                    refs=(str(member.ref), str(other.ref)),
                    message=f"{member.ref} is not there any more, and its counterpart {other.ref} is (link {link.id})",
                    hint="accord run --full",
                )
            )

    # every record has its counterpart

    async def _records(self, system: str) -> None:
        datatype = self.flow.sides[system].side.datatype
        for batch in self.fresh.batches(system, datatype):
            mine = [shown for shown in batch if self._is_mine(shown)]
            self._take_keys(mine)
            numbers = self.state.links.of([shown.ref for shown in mine])
            links = self.state.links.load(sorted(set(numbers.values())))
            why = self.state.links.why(list(links))
            for shown in mine:
                number = numbers.get(shown.ref)
                self._counterparts(shown, links.get(number or 0), why.get(number or 0))

    def _is_mine(self, shown: Shown) -> bool:
        """Whether the record belongs to this flow: by its link, else by the filters."""
        number = self.state.links.of([shown.ref]).get(shown.ref)
        if number is not None:
            return self.state.links.load([number])[number].flow == self.flow.name
        rivals = [
            flow
            for flow in self.flows.values()
            if (side := flow.sides.get(shown.ref.system)) is not None and side.side.datatype == shown.ref.datatype
        ]
        try:
            return claim(rivals, shown.ref.system, shown.natives()).flow == self.flow.name
        except AccordError:
            return False

    def _counterparts(self, shown: Shown, link: Link | None, why: str | None) -> None:
        system = shown.ref.system
        for target in self.flow.sides:
            if target == system:
                continue
            tally = self.found[system, target, "link"]
            tally.checked += 1
            member = link.member(target) if link is not None else None
            if member is not None and (self.fresh.get(member.ref) is not None or member.ref in self.unreadable):
                self._scope(shown, link, target)
                continue
            self._lacking(shown, link, why, target, tally, member)

    def _scope(self, shown: Shown, link: Link | None, target: str) -> None:
        """A record that has left the filter rests, and does not count as linked."""
        if self.flow.sides[shown.ref.system].where is None or link is None:
            return
        tally = self.found[shown.ref.system, target, "where"]
        tally.checked += 1
        outside = not in_scope_of(self.flow, shown.ref.system, shown.natives())
        if outside and link.state is LinkState.LINKED and not shown.pending:
            tally.differences.append(
                Difference(
                    kind="scope",
                    flow=self.flow.name,
                    refs=(str(shown.ref),),
                    message=f"{shown.ref} is outside of the filter, and its link {link.id} does not rest",
                    hint="accord run",
                )
            )

    def _lacking(
        self, shown: Shown, link: Link | None, why: str | None, target: str, tally: Tally, member: Member | None
    ) -> None:
        reason = self._reason(shown, link, why, target)
        if reason == "held":
            tally.held += 1
        elif reason is not None or member is not None:  # a counterpart that is gone is told by `delete`
            tally.explained += 1
        else:
            new = "new since the last round" if shown.pending else "nothing says why"
            tally.differences.append(
                Difference(
                    kind="missing",
                    flow=self.flow.name,
                    refs=(str(shown.ref),),
                    message=f"{shown.ref} has no counterpart in {self.flow.title(target)}: {new}",
                    hint="accord run" if shown.pending else f"accord explain {shown.ref}",
                )
            )

    def _reason(self, shown: Shown, link: Link | None, why: str | None, target: str) -> str | None:
        """Why a record has no counterpart in a system; None where nothing says so."""
        side, there = self.flow.sides[shown.ref.system], self.flow.sides[target]
        if str(shown.ref) in self.alone or (link is not None and self.state.held.of_links([link.id])):
            return "held"
        if side.side.mode not in CREATING or not there.writable or not there.side.create:
            return "the flow creates none"
        try:
            if not in_scope_of(self.flow, shown.ref.system, shown.natives()):
                return "outside of the filter"
            if side.when is not None and not side.when.test(shown.natives()):
                return "its condition is not true"
        except AccordError as error:
            return error.message
        if link is None:
            closed = closed_with(self.state, shown.ref)
            return f"it was let go (link {closed})" if closed is not None else self._too_old(shown)
        return why

    def _too_old(self, shown: Shown) -> str | None:
        is_old = self.flow.sides[shown.ref.system].side.since_linked and not shown.pending
        return "older than the flow" if is_old else None

    # what the match rules say of the records as they are

    def _take_keys(self, batch: Sequence[Shown]) -> None:
        if not self.flow.flow.match:
            return
        rows = []
        for shown in batch:
            member = Member(ref=shown.ref, native_id=shown.native_id, base={})
            for rule, key in match_keys(self.flow, self._reading(member, shown)):
                rows.append((self.flow.name, rule, key, shown.ref.system, shown.ref.id))
        self.fresh.add_keys(rows)

    def _keys(self) -> None:
        for shared in self.fresh.shared_keys(self.flow.name):
            refs = [Ref(system, self.flow.sides[system].side.datatype, id) for system, id in shared]
            numbers = self.state.links.of(refs)
            for left, right in combinations(refs, 2):
                self._same_key(left, right, numbers)

    def _same_key(self, left: Ref, right: Ref, numbers: Mapping[Ref, int]) -> None:
        twice = left.system == right.system
        systems = [name for name in self.flow.sides if name != left.system] if twice else [right.system]
        tallies = [self.found[left.system, other, "match.several" if twice else "match"] for other in systems]
        tallies += [] if twice else [self.found[right.system, left.system, "match"]]
        for tally in tallies:
            tally.checked += 1
        if not twice and numbers.get(left) is not None and numbers.get(left) == numbers.get(right):
            return
        if self._is_reviewed(left, right, numbers):
            for tally in tallies:
                tally.held += 1
            return
        if self._is_let_go(left, right, numbers):
            for tally in tallies:
                tally.explained += 1
            return
        difference = _twice(self.flow, left, right) if twice else _unlinked(self.flow, left, right)
        for tally in tallies:
            tally.differences.append(difference)

    def _is_reviewed(self, left: Ref, right: Ref, numbers: Mapping[Ref, int]) -> bool:
        if {str(left), str(right)} & self.alone:
            return True
        links = [numbers[ref] for ref in (left, right) if ref in numbers]
        return any(item.kind in ("review", "conflict", "rejected") for item in self.state.held.of_links(links))

    def _is_let_go(self, left: Ref, right: Ref, numbers: Mapping[Ref, int]) -> bool:
        """Whether a person took one of them out of its link, or the two were linked otherwise by somebody."""
        for ref in (left, right):
            if ref not in numbers and closed_with(self.state, ref) is not None:
                return True
        return all(ref in numbers for ref in (left, right)) and self._pinned(left, right, numbers)

    def _pinned(self, left: Ref, right: Ref, numbers: Mapping[Ref, int]) -> bool:
        links = {numbers[left], numbers[right]}
        by_hand = ("link", "unlink", "merge")
        return any(
            line.op in by_hand and line.by is not None
            for number in links
            for line in self.state.history.list(link=number)
        )


def _ways(pair: tuple[Reading, Reading]) -> tuple[tuple[str, str], tuple[str, str]]:
    left, right = pair
    return (left.system, right.system), (right.system, left.system)


def _twice(flow: FlowMap, left: Ref, right: Ref) -> Difference:
    return Difference(
        kind="duplicate",
        flow=flow.name,
        refs=(str(left), str(right)),
        message=f"{left} and {right} are two records of one thing, as the match rules say",
        hint=f"look at both in {flow.title(left.system)}, and merge or change one",
    )


def _unlinked(flow: FlowMap, left: Ref, right: Ref) -> Difference:
    return Difference(
        kind="unlinked",
        flow=flow.name,
        refs=(str(left), str(right)),
        message=f"{left} and {right} are the same, as the match rules say, and are not linked with each other",
        hint=f"accord links link {left} {right}",
    )


def _batches(numbers: Iterator[int]) -> Iterator[list[int]]:
    batch: list[int] = []
    for number in numbers:
        batch.append(number)
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
