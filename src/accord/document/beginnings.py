"""The paragraphs of a section: what becomes of a record without counterpart, and how linked records stay in sync."""

from __future__ import annotations

from collections.abc import Iterator

from accord.config.meaning import Side
from accord.document.pair import Pair
from accord.document.wording import listed


def beginning(pair: Pair) -> Iterator[str]:
    """What happens to a record of the source that has no counterpart."""
    yield _mode(pair)
    source, record = pair.source, pair.record(pair.source)
    if source.when is not None:
        yield (
            f"This applies to each {record} for which this condition is true: {pair.text(source.when)}. "
            f"Until then the {record} waits, unlinked, and nothing of it is synchronised."
        )
    if source.where is not None:
        yield (
            f"Only a {record} for which this filter is true belongs to the flow: {pair.text(source.where)}. One that "
            "leaves the filter rests: nothing is written or deleted because of that, and it resumes when it returns."
        )
    if source.since_linked:
        yield f"Only a {record} that was created after the flow was started is taken up; older ones are left alone."
    if pair.flow.after:
        yield f"The flow follows after: {listed(map(pair.text, pair.flow.after))}."
    yield from _others(pair)


def _mode(pair: Pair) -> str:
    (here, record), (there, counterpart) = ((pair.place(side), pair.record(side)) for side in pair.sides)
    each = f"Each {record} in {here} that has no counterpart"
    match pair.source.mode:
        case "create":
            return f"{each} always gets one: a new {counterpart} is created in {there}.{_unless(pair)}"
        case "match-or-create":
            return (
                f"{each} is merged with the {counterpart} in {there} that matches it, or else a new {counterpart} is "
                f"created there. Where several match, none is guessed: a person decides.{_unless(pair)}"
            )
        case "match-only":
            return (
                f"{each} is linked only by a match: a matching {counterpart} must exist in {there} before anything is "
                f"synchronised. None is created; without a match the {record} waits."
            )
        case "connected":
            return (
                f"{each} waits until it is connected, which means that {_referrer(pair)} refers to it. Then a new "
                f"{counterpart} is created in {there}.{_unless(pair)}"
            )
        case "never":
            return (
                f"{each} waits for a person to link it: no {counterpart} is ever created in {there} by itself."
                f"{_elsewhere(pair)}"
            )


def _unless(pair: Pair) -> str:
    if pair.creatable(pair.target):
        return ""
    return f" But Accord may not create anything there, so the {pair.record(pair.source)} waits for a person."


def _referrer(pair: Pair) -> str:
    name = pair.source.connected_to
    if name is None:
        return "a record that is itself synchronised"
    flow = pair.project.flows.get(name)
    side = flow.side(pair.source.system) if flow else None
    called = f"{pair.record(side)} " if side else ""
    return f"a synchronised {called}record (flow {pair.text(name)})"


def _elsewhere(pair: Pair) -> str:
    """A datatype may serve several flows: say which of them take up its new records."""
    source = pair.source
    takers = [
        pair.text(flow.name)
        for flow in pair.project.flows.values()
        if flow.name != pair.flow.name and (side := flow.side(source.system)) is not None and _takes(side, source)
    ]
    return f" New records of this datatype are taken up by another flow: {listed(takers, 'or')}." if takers else ""


def _takes(side: Side, other: Side) -> bool:
    return side.datatype == other.datatype and side.mode != "never"


def _others(pair: Pair) -> Iterator[str]:
    others = [side for side in pair.flow.sides if side not in pair.sides]
    if others:
        named = listed(f"{pair.record(side)} in {pair.place(side)}" for side in others)
        yield f"The same link also holds: {named}. Other documents describe what goes there."


def staying(pair: Pair) -> Iterator[str]:
    """How linked records stay in sync, and in which direction."""
    yield _direction(pair)
    yield from _refusals(pair)
    if any(pair.forward(row) and pair.backward(row) for row in pair.rows):
        yield (
            "If both were edited before either edit was carried over, the conflict rule of the property decides; "
            "where no other rule is given below, a person decides, and both values stay where they are until then."
        )
    if any(pair.forward(row) for row in pair.rows) and pair.source.mode in ("match-or-create", "match-only"):
        yield (
            "Where values differ when two existing records are first linked, a filled value wins over an empty one; "
            "between two filled values the conflict rule decides."
        )


def _direction(pair: Pair) -> str:
    (here, record), (there, counterpart) = ((pair.place(side), pair.record(side)) for side in pair.sides)
    forward, backward = ([carries(row) for row in pair.rows] for carries in (pair.forward, pair.backward))
    if not pair.rows:
        return (
            "No properties correspond: the flow links records and keeps only their existence in step; nothing inside "
            "them is carried over."
        )
    if all(forward) and all(backward):
        return (
            f"Once linked, the {record} and the {counterpart} stay in sync wherever they are edited: an edit in {here} "
            f"is carried to {there}, and one in {there} to {here}."
        )
    if all(forward) and not any(backward):
        return f"Once linked, edits in {here} are carried to {there}. {_one_way(there, here)}"
    if all(backward) and not any(forward):
        return f"{_one_way(here, there)} Once linked, edits in {there} are carried to {here}."
    if not any(forward) and not any(backward):
        return f"Linked records are not edited: no edit is carried between {here} and {there}."
    return "Once linked, each property is kept in sync in the direction that the table of directions gives."


def _one_way(silent: str, speaking: str) -> str:
    return f"{silent} is not a source here: edits there are not carried to {speaking}."


def _refusals(pair: Pair) -> Iterator[str]:
    for side in pair.sides:
        place, record = pair.place(side), pair.record(side)
        if pair.system(side).read_only:
            yield f"{place} is read-only: Accord creates, edits and deletes nothing there."
            continue
        allowed = (("create", side.create), ("edit", side.update), ("delete", side.delete))
        refused = [word for word, may in allowed if not may]
        if refused:
            yield f"Accord does not {listed(refused, 'or')} a {record} in {place}."
