"""What people decide about links and held items, each in one transaction. The caller holds the lease.

A decision changes the state only. The next round carries out what follows from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accord.errors import UsageError
from accord.model import Link, LinkState
from accord.store.opening import State
from accord.stored import Held, HistoryLine

BEGIN_ANEW = "UPDATE link SET agreed = '{}', dirty = 1, pinned = 1, state = ?, why = NULL WHERE id = ?"
READ_ANEW = "UPDATE member SET behind = '', clean = 0 WHERE link = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who decides, and when."""

    by: str
    at: datetime


@contextmanager
def deciding(state: State, at: datetime) -> Iterator[None]:
    """The lease, for a decision. Raises Locked while a round is at work."""
    state.lease.take(at)
    try:
        yield
    finally:
        state.lease.release()


def join(state: State, numbers: Sequence[int], author: Author, op: str = "link") -> int:
    """Make one link of several; the first lends its number. Raises UsageError where they cannot be one.

    What was agreed is forgotten and every member is read anew, so that values that differ are decided by the flow's
    rules as for records that are linked for the first time: nothing is overwritten unseen.
    """
    into, *others = dict.fromkeys(numbers)
    if not others:
        raise UsageError(f"these records are linked already (link {into})")
    with state.db.transaction():
        links = state.links.load([into, *others])
        _check_joinable([links[number] for number in (into, *others) if number in links], (into, *others))
        _check_idle(state, (into, *others))
        state.links.absorb(into, others)
        state.db.run(BEGIN_ANEW, (LinkState.LINKED.value, into))
        state.db.run(READ_ANEW, (into,))
        joined = state.links.load([into])[into]
        items = [item for item in state.held.of_links([into]) if item.kind in ("review", "conflict")]
        state.held.close([item.id for item in items], author.at)
        _close_alone(state, joined, author)
        refs = ", ".join(str(member.ref) for member in joined.members)
        _log(state, joined, author, op, f"{'linked' if op == 'link' else 'merged'} by {author.by}: {refs}")
    return into


def _close_alone(state: State, link: Link, author: Author) -> None:
    """Reviews of these records that belonged to no link are answered."""
    refs = {str(member.ref) for member in link.members}
    items = [item for item in state.held.list(kind="review") if item.link is None and refs & set(item.refs)]
    state.held.close([item.id for item in items], author.at)


def _check_joinable(links: Sequence[Link], numbers: Sequence[int]) -> None:
    missing = [str(number) for number in numbers if number not in {link.id for link in links}]
    if missing:
        raise UsageError(f"there is no link {', '.join(missing)}", hint="`accord links list` shows them")
    flows = {link.flow for link in links}
    if len(flows) > 1:
        raise UsageError(f"these belong to different flows: {', '.join(sorted(flows))}")
    closed = [str(link.id) for link in links if link.state is LinkState.CLOSED]
    if closed:
        hint = "link its records with `accord links link REF REF`"
        raise UsageError(f"link {', '.join(closed)} is closed", hint=hint)
    seen: dict[str, str] = {}
    for link in links:
        for member in link.members:
            other = seen.setdefault(member.ref.system, str(member.ref))
            if other != str(member.ref):
                raise UsageError(
                    f"{other} and {member.ref} are two records of one system; a link has at most one of each",
                    hint=f"`accord links unlink {link.id}` takes one of them out first",
                )


def _check_idle(state: State, numbers: Sequence[int]) -> None:
    busy = sorted({proposal.link for proposal in state.plans.unfinished()}.intersection(numbers))
    if busy:
        raise UsageError(
            f"a write of link {busy[0]} was sent, and how it ended is not known yet",
            hint="run `accord run` first, or resolve it: `accord held list --kind in_doubt`",
        )


def unlink(state: State, number: int, author: Author) -> Link:
    """Close a link, so that neither record is linked or created again by a rule. Raises UsageError."""
    with state.db.transaction():
        link = state.links.load([number]).get(number)
        if link is None:
            raise UsageError(f"there is no link {number}", hint="`accord links list` shows them")
        if link.state is LinkState.CLOSED:
            raise UsageError(f"link {number} is closed already")
        _check_idle(state, [number])
        state.links.dissolve(number, f"unlinked by {author.by}")
        state.held.close([item.id for item in state.held.of_links([number])], author.at)
        refs = ", ".join(str(member.ref) for member in link.members)
        _log(state, link, author, "unlink", f"unlinked by {author.by}: {refs}")
    return link


def decide(state: State, item: Held, decision: Mapping[str, Any], author: Author) -> None:
    """Note a person's decision; the next round carries it out."""
    with state.db.transaction():
        state.held.decide(item.id, decision, author.by, author.at)
        if item.link is not None:
            state.links.touch([item.link])


def dismiss(state: State, item: Held, author: Author) -> None:
    """Close an item. It opens again where the next round finds the same thing."""
    with state.db.transaction():
        decision = {"dismiss": True}
        state.held.decide(item.id, decision, author.by, author.at)
        state.held.close([item.id], author.at)
        if item.kind == "review" and item.link is not None:  # it is looked at again, and not forgotten
            state.links.touch([item.link])


def _log(state: State, link: Link, author: Author, op: str, reason: str) -> None:
    """A line of history, in a run of its own: a decision is not part of any round."""
    run = state.runs.begin(op, author.by, author.at)
    state.runs.finish(run, 0, {}, author.at)
    state.history.add(
        [
            HistoryLine(
                run=run,
                at=author.at.isoformat(),
                flow=link.flow,
                link=link.id,
                system=None,
                ref=None,
                op=op,
                changes={},
                outcome="done",
                reason=reason,
                by=author.by,
            )
        ]
    )


__all__ = ["Author", "decide", "deciding", "dismiss", "join", "unlink"]
