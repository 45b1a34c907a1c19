"""The seam of the state: what the engine asks of a store.

`accord.store` serves it on SQLite. Another database serves it by giving the same parts; nothing above knows which.
`LinkStore.write_settled` is the only way to change a base.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from accord.core.linkplan import HeldItem, LinkPlan
from accord.model import Link, LinkState, Record, Ref
from accord.stored import Arrival, CursorRow, Held, HistoryLine, Holder, Need, NewLink, Proposal, Run, SettledLink


class Transactions(Protocol):
    """All or nothing."""

    def transaction(self) -> AbstractContextManager[None]:
        """Kept when it ends without an exception; one inside another joins it."""

    def rehearsal(self) -> AbstractContextManager[None]:
        """Undone at its end: what `plan` computes in."""


class Readings(Protocol):
    """The readings."""

    def place(self, system: str, datatype: str) -> int:
        """The number of a datatype in the state."""

    def name(self, place: int) -> tuple[str, str]:
        """(system, datatype) of a number."""

    def ref(self, place: int, id: str) -> Ref:
        """The name of a record."""

    def forget_places(self) -> None:
        """After an undone transaction: numbers given in it are no longer true."""

    def diff(self, place: int, prints: Sequence[tuple[str, bytes]]) -> tuple[set[int], list[int]]:
        """Which of (id, fingerprint) are new or changed (their positions), and the row numbers of those known."""

    def take_in(self, place: int, records: Sequence[Record], prints: Sequence[bytes], run: int | None = None) -> None:
        """Put changed records into the inbox, with their fingerprints. Those never seen before are born in `run`."""

    def take_in_gone(self, place: int, ids: Sequence[str]) -> None:
        """Put confirmed deletions into the inbox."""

    def known(self, place: int) -> int:
        """How many records of a datatype were seen and not found to be gone."""

    def highest(self) -> int:
        """The highest row number among the fingerprints."""

    def all_listed(self, place: int, listed: bytearray, upto: int) -> bool:
        """Whether a listing showed every record known before it; asked before anything is forgotten again."""

    def absent(self, place: int, listed: bytearray, upto: int) -> Iterator[str]:
        """Ids seen before that a complete listing did not show. `listed` has a bit for each row number up to `upto`."""

    def marked(self, prints: Sequence[tuple[int, str, bytes]]) -> None:
        """Remember fingerprints of records that a write returned."""

    def forget(self, refs: Sequence[tuple[int, str]]) -> None:
        """These records are gone, or of no interest: a listing without them says nothing."""

    def look_again(self, refs: Sequence[tuple[int, str]]) -> None:
        """Let the next reading look at these records again, and miss them if they are gone by then."""

    def inbox(self, place: int, after: str, count: int) -> list[Arrival]:
        """The next arrivals of a datatype in the order of ids, with the link that each is a member of."""

    def arrivals_of(self, links: Sequence[int]) -> dict[Ref, Arrival]:
        """The arrivals that belong to members of some links."""

    def done(self, refs: Sequence[tuple[int, str]]) -> None:
        """Arrivals that are settled."""

    def waiting_arrivals(self) -> int:
        """How many arrivals are not settled."""

    def cursor(self, place: int) -> CursorRow | None:
        """How far a datatype was read, or None."""

    def set_cursor(
        self, place: int, mark: Any, mapping: str, read_at: datetime, complete_at: datetime | None, count: int | None
    ) -> None:
        """Move a cursor; everything read before it is in the inbox already."""


class LinkStore(Protocol):
    """The links."""

    def next_id(self) -> int:
        """The number of the next link; a number is never given twice."""

    def begin(self, new: Sequence[NewLink], at: datetime) -> list[int]:
        """Waiting links with one member each, to be looked at in this round; their numbers, in order."""

    def load(self, numbers: Sequence[int], *, closed: bool = False) -> dict[int, Link]:
        """Links by number, with their members (also those of closed links when asked)."""

    def dirty(self, flow: str, after: int, count: int) -> list[int]:
        """The next links of a flow that must be looked at."""

    def forget_closed(self, ref: Ref) -> None:
        """A person takes a record up again that was in closed links: it counts as new."""

    def touch(self, numbers: Sequence[int]) -> None:
        """Have these links looked at in the next planning."""

    def touch_arrived(self) -> None:
        """Have all links looked at whose members arrived, or whose wait is over."""

    def pointing_to(self, number: int, flows: Sequence[str]) -> list[int]:
        """Open links of these flows one of whose agreed values is a reference to this link. Reads them all."""

    def waiting_on_made(self) -> list[int]:
        """Links that wait for a record which is made in this run, or was linked in it."""

    def is_waited_for(self, ref: Ref, flow: str | None) -> bool:
        """Whether some link (of a flow, if one is named) waits for this record to have a counterpart."""

    def waited_for(self, flows: Sequence[str]) -> list[int]:
        """Waiting links of these flows that others wait for."""

    def waits_among_waiting(self) -> list[tuple[int, str, int]]:
        """(link, row, the waiting link that it waits for): what circles are made of."""

    def touch_waiting_like(self, numbers: Sequence[int]) -> None:
        """Have waiting links looked at that share a match key with these."""

    def untouch(self, numbers: Sequence[int], why: str | None) -> None:
        """These links were looked at, and nothing is to be done."""

    def drop(self, number: int) -> None:
        """A waiting link is no more: its record becomes a member of another one."""

    def close_member(self, number: int, ref: Ref) -> None:
        """A record of an open link is gone, and another one takes its place."""

    def dissolve(self, number: int, why: str) -> None:
        """Close a link at once: its records stay, and no rule links or creates them again."""

    def set_state(self, number: int, state: LinkState) -> None:
        """Only the state of a link, while a create of it is in doubt."""

    def sharing(self, numbers: Sequence[int]) -> dict[int, dict[int, set[str]]]:
        """Link → other links that share a match key → the systems of the members that do."""

    def alike(self, numbers: Sequence[int]) -> dict[int, set[int]]:
        """Link → other links that may be alike: they share a whole value, or three parts, that few have."""

    def crowded(self, numbers: Sequence[int]) -> set[int]:
        """Which of these links share each whole value with so many records that they were not looked at."""

    def with_keys(self, flow: str, keys: Sequence[tuple[int, str]]) -> set[int]:
        """The links of a flow that share one of these match keys, or are alike by their keys."""

    def absorb(self, into: int, others: Sequence[int], rows: Sequence[str] = ()) -> None:
        """Move all members of some links into another; those links are no more.

        Where the link has agreed values already (`rows`), who joins has no base yet and all rows to receive.
        """

    def of(self, refs: Sequence[Ref]) -> dict[Ref, int]:
        """Ref → the open link it is a member of."""

    def closed_with(self, place: int, ids: Sequence[str]) -> dict[str, int]:
        """Id → the youngest closed link that this record was a member of, for those that were."""

    def note_gone(self, place: int, ids: Sequence[str]) -> None:
        """Records that were let go by the links they were in, and are deleted since."""

    def targets(self, numbers: Sequence[int]) -> dict[tuple[int, str], str | int]:
        """(link, system) → native id of its member there."""

    def set_waits(self, waits: Mapping[int, Sequence[tuple[Any, ...]]]) -> None:
        """Replace what each link waits for: (row, target, on_link, on_place, on_id)."""

    def write_settled(self, settled: Sequence[SettledLink]) -> None:
        """The new bases, agreed values and states of some links. Called inside the settling transaction only."""

    def put_keys(self, keys: Mapping[int, Mapping[tuple[str, str], Sequence[tuple[int, str]]]], flow: str) -> None:
        """The match keys of some links: link → (system, datatype) of a member → (rule, key)."""

    def forget_row(self, flow: str, row: str) -> None:
        """A row that has another property now begins anew: no base, nothing agreed."""

    def touch_undone(self, flow: str) -> None:
        """Have everything looked at that waits, rests, is held or is behind in a flow."""

    def numbers(self, flow: str | None = None, state: str | None = None) -> Iterator[int]:
        """The numbers of links, in order."""

    def why(self, numbers: Sequence[int]) -> dict[int, str | None]:
        """Link → why it waits."""

    def counts(self) -> dict[str, dict[str, int]]:
        """Flow → state → how many links."""

    def linked_members(self, flow: str) -> dict[str, int]:
        """System → how many records of a flow are linked with another (the ground of percent limits)."""


class PlanStore(Protocol):
    """The proposals."""

    def clear(self) -> None:
        """Throw away what was planned and never begun."""

    def next_id(self) -> int:
        """The number of the next proposal."""

    def put(self, run: int, plans: Sequence[tuple[int, LinkPlan]]) -> list[int]:
        """Store (stage, plan) pairs; their numbers, in order."""

    def put_needs(self, needs: Sequence[Need], making: Sequence[tuple[int, str, int]]) -> None:
        """Store which proposals make a record for a link, and which need one."""

    def makings(self, links: Sequence[int]) -> set[tuple[int, str]]:
        """(link, system) pairs among these links that get a record in this run."""

    def makers(self, pairs: Sequence[tuple[int, str]]) -> dict[tuple[int, str], int]:
        """(link, system) → the stage in which it gets its record."""

    def hold_without_target(self) -> int:
        """Hold proposals whose essential target is not made; how many."""

    def counts(self) -> dict[str, dict[tuple[str, str], int]]:
        """Flow → (system, op) → how many writes are to go."""

    def hold_ops(self, flow: str, system: str, op: str) -> None:
        """Hold every proposal of a flow that writes so to a system."""

    def hold_system(self, system: str) -> None:
        """Hold everything that writes to a system that has failed."""

    def hold(self, numbers: Sequence[int], verdict: str, why: str) -> None:
        """Keep some proposals from going."""

    def all(self) -> Iterator[Proposal]:
        """Every proposal, in the order of work."""

    def stages(self) -> list[int]:
        """The stages of what is to go, in order."""

    def next(self, stage: int, after: int, count: int) -> list[Proposal]:
        """The next proposals of a stage that may go."""

    def begin(self, numbers: Sequence[int], filled: Sequence[tuple[int, LinkPlan]], at: datetime) -> None:
        """Note that these will now be written, some with references filled in. Durable before the first request."""

    def unfinished(self) -> list[Proposal]:
        """Those begun and not settled."""

    def in_doubt_since(self, number: int, at: datetime, why: str, plan: LinkPlan) -> None:
        """Note since when nobody knows whether a write took effect; `plan` keeps how its other writes ended."""

    def done(self, numbers: Sequence[int]) -> None:
        """Settled, or known never to have happened."""

    def busy(self, links: Sequence[int]) -> set[int]:
        """Which of these links have a plan already: nothing else is planned for them."""


class HeldStore(Protocol):
    """The work list of people."""

    def replace(
        self, link: int, flow: str, items: Sequence[HeldItem], refs: Sequence[str], at: datetime, run: int
    ) -> None:
        """Make these the open items of a link: those that stay keep their number and their `since`.

        A decision that is there by now has been used: what is held all the same is asked again.
        """

    def add(self, link: int, flow: str, item: HeldItem, refs: Sequence[str], at: datetime, run: int) -> None:
        """Open one more item of a link; what else is held about it stays."""

    def open_alone(self, item: HeldItem, flow: str | None, at: datetime, run: int | None) -> None:
        """Open an item that belongs to no link, unless it is open already."""

    def close_alone(self, kind: str, at: datetime, keep: Sequence[tuple[str | None, str | None]] = ()) -> None:
        """Close the items of a kind that belong to no link, but for the (flow, row) pairs kept."""

    def alone_refs(self) -> set[str]:
        """The refs (as stored) of the open items that belong to no link."""

    def close_of(self, refs: Sequence[str], at: datetime) -> None:
        """Close what was open about single records that are in no link."""

    def decided_alone(self) -> builtins.list[Held]:
        """Open items of no link that a person has decided."""

    def alone(self, kind: str) -> builtins.list[tuple[str | None, str | None]]:
        """(flow, row) of the open items of a kind that belong to no link."""

    def close(self, numbers: Sequence[int], at: datetime) -> None:
        """These need nobody any more."""

    def of_links(self, links: Sequence[int]) -> list[Held]:
        """The open items of some links."""

    def open_links(self, links: Sequence[int]) -> set[int]:
        """Which of these links have open items."""

    def get(self, number: int) -> Held | None:
        """One item by its number."""

    def list(
        self, *, kind: str | None = None, flow: str | None = None, system: str | None = None, ref: str | None = None
    ) -> Iterator[Held]:
        """The open items, oldest first."""

    def counts(self) -> dict[tuple[str | None, str], int]:
        """(flow, kind) → how many are open."""

    def thawed(self, link: int) -> Mapping[str, str]:
        """Row → when a person last decided about it while it was frozen, ISO 8601."""

    def decide(self, number: int, decision: Mapping[str, Any], by: str, at: datetime) -> None:
        """A person's decision, for the next round to carry out."""


class HistoryStore(Protocol):
    """What happened."""

    def add(self, lines: Sequence[HistoryLine]) -> None:
        """Append lines. Called inside the settling transaction."""

    def list(
        self,
        *,
        run: int | None = None,
        link: int | None = None,
        ref: str | None = None,
        row: str | None = None,
        since: str | None = None,
        newest_first: bool = False,
    ) -> Iterator[HistoryLine]:
        """Lines in the order in which they happened (or the other way round)."""


class RunStore(Protocol):
    """The rounds."""

    def begin(self, kind: str, by: str | None, at: datetime) -> int:
        """A new run; its number."""

    def finish(self, number: int, status: int, report: Mapping[str, Any], at: datetime) -> None:
        """How a run ended."""

    def list(self, count: int = 20) -> list[Run]:
        """The latest runs, newest first."""


class LeaseStore(Protocol):
    """The lease of a project. `take`, `beat` now and then, `release`."""

    def take(self, now: datetime) -> Holder | None:
        """Take the lease; who died holding it, if anybody. Raises Locked where somebody lives."""

    def holder(self) -> Holder | None:
        """Who holds it now."""

    def beat(self, now: datetime) -> None:
        """Say that we are alive. Raises Locked where somebody took the lease from us."""

    def release(self) -> None:
        """Give it back."""


class Store(Protocol):
    """The state of one project: everything that Accord remembers."""

    installation: str
    doubtful: str | None
    """Why nothing may be written before a person has looked; None: all is well."""

    @property
    def db(self) -> Transactions:
        """Transactions over all parts."""

    @property
    def observed(self) -> Readings:
        """What was read."""

    @property
    def links(self) -> LinkStore:
        """What is settled."""

    @property
    def plans(self) -> PlanStore:
        """The plan of the round at work."""

    @property
    def held(self) -> HeldStore:
        """The work list of people."""

    @property
    def history(self) -> HistoryStore:
        """What happened."""

    @property
    def runs(self) -> RunStore:
        """The rounds."""

    @property
    def lease(self) -> LeaseStore:
        """One round at a time."""

    def get(self, key: str) -> str | None:
        """A remembered word."""

    def put(self, key: str, value: str) -> None:
        """Remember a word."""

    def move_on(self) -> None:
        """Count one more round."""

    def trust(self) -> None:
        """A person has looked: the state as it is is the truth from now on."""
