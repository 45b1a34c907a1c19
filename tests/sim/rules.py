"""Whether the rules of the project file were kept: who wins, how much may be deleted, and where nothing is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from itertools import takewhile

from accord.model import Link, LinkState, Ref
from accord.stored import Held, HistoryLine

from .world import Event, RowSpec, World


class Broken(AssertionError):
    """A promise was broken."""


def check_rules_now(world: World) -> None:
    """What must be true at any time."""
    _limits(world)
    for event in world.events:
        if event.actor == "sync" and event.op == "update" and event.flow is not None:
            _keeps_filled(world, event)


def check_rules_end(
    world: World,
    links: Iterable[Link],
    held: Iterable[Held],
    lines: Iterable[HistoryLine],
    faulty: Set[int],
    slipped: Set[tuple[int, str]],
) -> None:
    """What must be true once all is quiet. `slipped`: (event, row) of edits in a window that cannot be closed."""
    items, told = list(held), list(lines)
    for item in items:
        _not_asked(world, item)
    for line, row in _superseded(world, told):
        _right_winner(world, line, row)
    for event in world.events:
        if event.actor == "sync" and event.op == "update" and event.flow is not None:
            _obeys_authority(world, event, slipped)
            _stays_in_scope(world, event, faulty)
    held_links = {item.link for item in items}
    for link in links:
        if link.state is LinkState.LINKED and link.id not in held_links:  # who is asked about it sees all values
            _deletion_has_an_end(world, link)
            _left_edits_are_told(world, link, told, faulty)


def _limits(world: World) -> None:
    """P5: no round asks for more deletes than the limit. Where one is in doubt, the round that sent it first counts."""
    asked: dict[tuple[int, str, str], set[str]] = {}
    for event in world.events:
        if event.actor == "sync" and event.op == "delete" and event.flow is not None:
            began = world.systems[event.system].asked.get((event.datatype, event.id), event.round)
            asked.setdefault((began, event.flow, event.system), set()).add(event.id)
    for (began, name, system), ids in asked.items():
        count = len(ids)  # one that somebody restored meanwhile may be deleted twice
        limit = world.flows[name].limits.get("delete")
        if limit is not None and count > limit and began not in world.approved:
            raise Broken(f"P5: round {began} deletes {count} records of {name} in {system}; the limit is {limit}")


def _keeps_filled(world: World, event: Event) -> None:
    """P2: what is filled is not emptied by a row that keeps it filled."""
    if ("conflict", event.code) in world.excused:
        return  # a person chose the empty value
    for name, (before, now, _) in event.rows.items():
        row = world.flows[event.flow or ""].row(name)
        if row.settings.get("keep_filled") and now == "" and before != "":
            raise Broken(f"P2: event {event.index} empties {name} of {event.code}, which is to be kept filled")


def _obeys_authority(world: World, event: Event, slipped: Set[tuple[int, str]]) -> None:
    """P2: what the authority of a row holds is not written over, unless it came through the window before a write."""
    if ("conflict", event.code) in world.excused:
        return
    place = (event.system, event.datatype, event.id)
    for name, (before, now, _) in event.rows.items():
        row = world.flows[event.flow or ""].row(name)
        typed = [e for e in world.events[: event.index] if (e.system, e.datatype, e.id) == place and name in e.rows]
        if row.enforce == event.system and before != "" and not (typed and (typed[-1].index, name) in slipped):
            raise Broken(
                f"P2: event {event.index} writes {now or 'nothing'} over {before} in {name} of {event.code}, "
                f"which {event.system} decides"
            )


def _stays_in_scope(world: World, event: Event, faulty: Set[int]) -> None:
    """P5: nothing is written to a record that had left the scope of its filter, once a good round has read it there.

    What `on_delete: archive` writes to the record that is left is no value of a row (semantics, section 6).
    """
    if not event.is_out or event.late or not event.rows:
        return
    same = (event.system, event.datatype, event.id)
    left = [e for e in world.events[: event.index] if (e.system, e.datatype, e.id) == same and "segment" in e.paths]
    if left and any(left[-1].after < good < event.round and good not in faulty for good in world.goods):
        raise Broken(f"P5: event {event.index} writes to {event.code} in {event.system}, which is out of scope")


def _not_asked(world: World, item: Held) -> None:
    """P2: nobody is asked about a row of which a system decides, unless what it says cannot be carried over."""
    is_unlinked = "unlinked" in str(item.values)
    if item.kind == "conflict" and item.flow is not None and item.row is not None and not is_unlinked:
        row = world.flows[item.flow].row(item.row)
        if row.enforce:
            raise Broken(f"P2: {item.row} of link {item.link} is asked about, and {row.enforce} decides it")


def _superseded(world: World, lines: Iterable[HistoryLine]) -> Iterator[tuple[HistoryLine, RowSpec]]:
    for line in lines:
        if line.op == "superseded" and not line.reason.startswith(("decided by", "first link")):
            for name in line.changes:
                yield line, world.flows[line.flow or ""].row(name)


def _right_winner(world: World, line: HistoryLine, row: RowSpec) -> None:
    """P2: the rule's winner is the winner."""
    won = _typed(world, line, row, line.changes[row.name][1])
    if won is None:
        return
    if line.reason.endswith("is preferred"):
        first = row.settings["conflict"]["prefer"][0]
        if row.settings.get("keep_filled") and line.changes[row.name][0] in (None, ""):
            return  # an empty value never wins, whoever is preferred
        if line.system == first != won.system:
            raise Broken(f"P2: {row.name} of {won.code}: {won.system} won, and {first} is preferred")
    if "the latest edit wins" in line.reason:
        _latest_won(world, line, row, won)


def _latest_won(world: World, line: HistoryLine, row: RowSpec, won: Event) -> None:
    """Some record of the same thing was saved elsewhere after the losing edit: in a group, another row may have won."""
    lost = _typed(world, line, row, line.changes[row.name][0])
    if lost is None or lost.system == won.system:
        return
    thing = (won.flow, won.code)
    saved = [e.index for e in world.events if (e.flow, e.code) == thing and e.system != lost.system]
    if lost.index > max(saved):
        raise Broken(f"P2: {row.name} of {won.code}: event {won.index} won over {lost.index}, which is later")


def _typed(world: World, line: HistoryLine, row: RowSpec, value: object) -> Event | None:
    """Who typed a value of a row; None where it is empty or a reference."""
    if row.kind not in ("text", "number"):
        return None
    mark = world.mark(world.flows[line.flow or ""], "pms", row, value)
    typed = (
        event
        for event in world.events
        if event.actor == "person" and event.flow == line.flow and event.rows.get(row.name, ("", "", None))[1] == mark
    )
    return next(typed, None) if mark else None


def _deletion_has_an_end(world: World, link: Link) -> None:
    """P1: where a record of a link is gone, the link is closed or mended, or a person is asked."""
    for member in link.members:
        if member.ref.id not in world.systems[member.ref.system].all(member.ref.datatype):
            raise Broken(f"P1: {member.ref} of link {link.id} is gone, and nothing comes of it")


def _left_edits_are_told(world: World, link: Link, lines: Iterable[HistoryLine], faulty: Set[int]) -> None:
    """P2: an edit that stays where it was made, because its row does not flow from there, is in the history."""
    told = {(line.ref, name) for line in lines if line.op in ("kept", "superseded") for name in line.changes}
    one_way = [row for row in world.flows[link.flow].rows if "direction" in row.settings]
    if any(member.gone for member in link.members):
        return  # a deletion that is held shows what the record has
    flow = world.flows[link.flow]
    marks = [
        world.marks_of(flow, m.ref.system, world.systems[m.ref.system].all(m.ref.datatype)[m.ref.id])
        for m in link.members
    ]
    one_way = [row for row in one_way if len({found[row.name] for found in marks}) > 1]
    for member in link.members:
        for row in one_way:
            if not row.flows_from(member.ref.system) and (str(member.ref), row.name) not in told:
                _no_left_edit(world, member.ref, row, faulty)


def _says_something(event: Event, row: RowSpec) -> bool:
    """Whether a row has another value than before: null and an empty text are none."""
    before, now, _ = event.rows.get(row.name, ("", "", None))
    return before != now


def _no_left_edit(world: World, ref: Ref, row: RowSpec, faulty: Set[int]) -> None:
    same = [e for e in world.events if (e.system, e.datatype, e.id) == (ref.system, ref.datatype, ref.id)]
    ours = [e for e in same if e.actor == "sync" and e.round not in faulty and not e.late]
    edits = [e for e in same if e.actor == "person" and e.op == "update" and _says_something(e, row)]
    touched = [e for e in same if row.name in e.rows]
    last = touched[-1:]
    ending = list(takewhile(lambda e: e.actor == "person", reversed(touched)))
    if ending and ending[-1].rows[row.name][0] == ending[0].rows[row.name][1]:
        return  # people have set it back to what it was before
    if ours and edits and last == edits[-1:] and edits[-1].index > ours[0].index:
        raise Broken(f"P2: event {edits[-1].index} edits {row.name} of {ref}, which flows nowhere, and nobody is told")
