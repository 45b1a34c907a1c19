"""The tables about the sides of a flow: what holds for all records of a datatype, deletions, limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from accord.config.meaning import Side, SystemClock, SystemLimits, VersionCheck
from accord.document.pair import Pair
from accord.document.parts import Table
from accord.document.wording import limit_words, plain, seconds

Fact: TypeAlias = Callable[[Pair, Side], str | None]
NOTHING = "–"
_EDITED = "if it was edited since, a person decides"


def side_table(pair: Pair) -> Table:
    """What holds for each side, where at least one of them says something."""
    found = ((title, [fact(pair, side) for side in pair.sides]) for title, fact in _FACTS.items())
    rows = tuple((title, *(fact or NOTHING for fact in facts)) for title, facts in found if any(facts))
    header = ("Fact", *(f"{pair.record(side)} ({pair.place(side)})" for side in pair.sides))
    return Table(title="Each side", header=header, rows=rows)


def _allowed(pair: Pair, side: Side) -> str:
    allowed = (("create", pair.creatable(side)), ("edit", pair.editable(side)), ("delete", pair.deletable(side)))
    return ", ".join(word for word, may in allowed if may) or "nothing: read only"


def _filter(pair: Pair, side: Side) -> str | None:
    return None if side.where is None else pair.text(side.where)


def _condition(pair: Pair, side: Side) -> str | None:
    return None if side.when is None else pair.text(side.when)


def _since(pair: Pair, side: Side) -> str | None:
    return "records created after the flow was started" if side.since_linked else None


def _defaults(pair: Pair, side: Side) -> str:
    return assigned(pair, side.defaults)


def assigned(pair: Pair, values: Mapping[str, Any]) -> str:
    """`kind = task, open = true`."""
    return ", ".join(f"{plain(path)} = {pair.value(value)}" for path, value in values.items())


def _softly_deleted(pair: Pair, side: Side) -> str | None:
    deleted = pair.datatype(side).deleted
    return None if deleted is None else pair.text(deleted)


def _key(pair: Pair, side: Side) -> str | None:
    key = pair.datatype(side).key_property
    return None if key is None else plain(key)


def _modified(pair: Pair, side: Side) -> str | None:
    modified = pair.datatype(side).modified
    return None if modified is None else plain(modified)


def _created(pair: Pair, side: Side) -> str | None:
    created = pair.datatype(side).created
    return None if created is None else f"{plain(created)}: a record with another one is another record"


def _version(pair: Pair, side: Side) -> str:
    check = pair.datatype(side).version
    if check is None:
        return "read again just before the write"
    return _version_words(check)


def _version_words(check: VersionCheck) -> str:
    name = "ETag" if check.kind == "etag" else plain(check.path or "")
    carriers = (("header", check.header), ("query parameter", check.query))
    sent = " and ".join(f"{carrier} {plain(value)}" for carrier, value in carriers if value)
    deletes = "" if check.deletes else "; before a delete the record is read again"
    return (f"{name}, sent as {sent}" if sent else name) + deletes


def _order(pair: Pair, side: Side) -> str | None:
    return "the system lists records in a guaranteed order" if pair.datatype(side).ordered else None


def _clock(pair: Pair, side: Side) -> str | None:
    clock = pair.system(side).clock
    if clock == SystemClock():
        return None
    tolerance, resolution = seconds(clock.tolerance), seconds(clock.resolution)
    return f"zone {plain(clock.zone)}, tolerance {tolerance}, resolution {resolution}"


def _pace(pair: Pair, side: Side) -> str | None:
    limits = pair.system(side).limits
    if limits == SystemLimits():
        return None
    rate = "" if limits.rate is None else f"{limits.rate:g} requests a second, "
    waits = f"time-out {seconds(limits.timeout)}, {limits.retries} retries, grace {seconds(limits.grace)}"
    return f"{rate}{limits.concurrency} at once, {waits}"


_FACTS: dict[str, Fact] = {
    "Datatype": lambda pair, side: f"{plain(side.system)}/{plain(side.datatype)}",
    "Connector": lambda pair, side: plain(pair.system(side).connector),
    "Accord may": _allowed,
    "Filter (where)": _filter,
    "Condition (when)": _condition,
    "Taken up (since)": _since,
    "Set when created (defaults)": _defaults,
    "Id": lambda pair, side: plain(pair.datatype(side).id),
    "Modification time": _modified,
    "Creation time": _created,
    "Proof that nothing changed (version)": _version,
    "Deleted when": _softly_deleted,
    "Accord's own key": _key,
    "Unique in the system": lambda pair, side: ", ".join(map(plain, pair.datatype(side).natural_key)),
    "Order": _order,
    "Clock": _clock,
    "Pace": _pace,
}


def deletion_table(pair: Pair) -> Table:
    """What a deletion on either side does to the other."""
    rows = tuple(
        (f"{pair.record(seen)} in {pair.place(seen)}", deletion(pair, seen, other))
        for seen, other in (pair.sides, pair.sides[::-1])
    )
    return Table(title="Deletion", header=("Deleted", "What happens then"), rows=rows)


def deletion(pair: Pair, seen: Side, other: Side) -> str:
    """What a deletion seen on one side does to the record on the other."""
    record = f"the {pair.record(other)} in {pair.place(other)}"
    kept = f"{record} stays, because Accord may not {{}} it, and the link is dissolved"
    deleted = f"{record} is deleted too" if pair.deletable(other) else kept.format("delete")
    marked = f"{record} stays, with {assigned(pair, seen.archive)}" if pair.editable(other) else kept.format("edit")
    restored = f"the deleted record is created again from {record}"
    if not pair.creatable(seen):
        restored = f"{record} stays; the deleted record cannot be created again, because Accord may not create there"
    match seen.on_delete:
        case "ask":
            return f"a person decides what becomes of {record} (ask)"
        case "propagate":
            return f"{deleted}; {_EDITED} (propagate)"
        case "keep":
            return f"{record} stays, and the link is dissolved; {_EDITED} (keep)"
        case "archive":
            return f"{marked}; {_EDITED} (archive)"
        case "restore":
            return f"{restored}; {_EDITED} (restore)"
        case "delete_wins":
            return f"{deleted}, even if it was edited since (delete_wins)"
        case "edit_wins":
            return f"{deleted}; if it was edited since, {restored} (edit_wins)"


def limit_table(pair: Pair) -> Table | None:
    """The brakes of the flow."""
    found = ((op, limit_words(limit)) for op, limit in pair.flow.limits.items())
    rows = tuple((plain(op), words) for op, words in found if words is not None)
    return Table(title="Limits", header=("Writes of one round", "Held until approved if"), rows=rows) if rows else None
