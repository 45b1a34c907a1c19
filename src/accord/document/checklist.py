"""The checklist of a section: what to do in the systems, and what is to be seen then.

The ids are a contract: `accord verify` reports them, and people refer to them. They name the flow, the subject and
the row, never a position: `task.property.name`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from accord.config.meaning import Row
from accord.document.pair import Pair
from accord.document.parts import Check
from accord.document.sides import deletion
from accord.document.tables import mapped
from accord.document.wording import conflict_words, limit_words, listed, plain, type_name

EXAMPLES = 5
"""Values of a table that a line of the checklist names."""


def checklist(pair: Pair) -> tuple[Check, ...]:
    """All lines of a section, in the order in which they are best tried."""
    lines = (line for part in (_link, _matches, _scope, _properties, _conflicts, _ends) for line in part(pair))
    return tuple(Check(id=plain(f"{pair.flow.name}.{name}"), text=text) for name, text in lines)


def _link(pair: Pair) -> Iterator[tuple[str, str]]:
    record, counterpart, there = pair.record(pair.source), pair.record(pair.target), pair.place(pair.target)
    create = f"Create one {record} in {pair.place(pair.source)}"
    appears = f"one new {counterpart} appears in {there}, and stays the only one after further rounds"
    if not pair.creatable(pair.target):
        appears = f"no {counterpart} appears in {there}; it waits for a person"
    match pair.source.mode:
        case "create":
            yield "link", f"{create}: {appears}."
        case "match-or-create":
            yield "link", f"{create} that matches no {counterpart}: {appears}."
        case "match-only":
            yield (
                "link",
                f"{create} that matches no {counterpart}: no {counterpart} appears in {there}; the {record} waits.",
            )
        case "connected":
            yield "link", f"{create} that no synchronised record refers to: no {counterpart} appears in {there}."
            yield "connected", f"Let a synchronised record refer to that {record}: {appears}."
        case "never":
            yield "link", f"{create}: no {counterpart} appears in {there} until a person links it."


def _matches(pair: Pair) -> Iterator[tuple[str, str]]:
    if pair.source.mode not in ("match-or-create", "match-only"):
        return
    record, counterpart = pair.record(pair.source), pair.record(pair.target)
    for rule in pair.flow.match:
        names = listed(map(plain, rule))
        yield (
            f"match.{'+'.join(rule)}",
            f"Enter one {record} and one {counterpart} with equal {names}: they are linked, and nothing is created.",
        )
    if pair.flow.match or pair.flow.match_score:
        yield (
            "match.several",
            f"Enter one {record} that matches two {counterpart} records: nothing is linked; a person is asked.",
        )


def _scope(pair: Pair) -> Iterator[tuple[str, str]]:
    source, record = pair.source, pair.record(pair.source)
    if source.when is not None:
        yield "when", f"Let the condition of a new {record} be false, then true: it waits, and then is taken up."
    if source.where is not None:
        yield "where", f"Let a linked {record} leave the filter, then return: nothing is deleted, and it resumes."
    if source.since_linked:
        yield "since", f"Look for a {record} that is older than the flow: it is left alone."
    for path, value in pair.target.defaults.items():
        yield (
            f"default.{path}",
            f"Look at a {pair.record(pair.target)} that Accord created: {plain(path)} is {pair.value(value)}.",
        )


def _properties(pair: Pair) -> Iterator[tuple[str, str]]:
    for row in pair.rows:
        yield f"property.{row.name}", _edit(pair, row)
        if row.items is not None and pair.forward(row):
            yield f"elements.{row.name}", _elements(pair, row)
        if row.when and (pair.forward(row) or pair.backward(row)):
            yield f"when.{row.name}", _rest(pair, row)
        values = list(mapped(pair, row))
        if values and pair.forward(row):
            yield f"values.{row.name}", _values(row, values)


def _edit(pair: Pair, row: Row) -> str:
    path, counterpart = (plain(row.paths[side.system]) for side in pair.sides)
    edit = f"Edit {path} of a linked {pair.record(pair.source)}: "
    if row.enforce is not None and row.enforce != pair.source.system:
        return f"{edit}it is set back to what {pair.system_title(row.enforce)} has."
    there = f"{counterpart} of its {pair.record(pair.target)}"
    return f"{edit}{there} follows ({type_name(row.type)})." if pair.forward(row) else f"{edit}{there} stays as it is."


def _elements(pair: Pair, row: Row) -> str:
    path = plain(row.paths[pair.source.system])
    other = f"the {pair.record(pair.target)}"
    both = "edit another one in both at once: each edit is in both"
    if not pair.backward(row):
        both = f"edit another one: {other} shows all of it"
    return f"In {path} of a linked {pair.record(pair.source)} add one element, delete one, and {both}."


def _values(row: Row, values: Sequence[tuple[str, str]]) -> str:
    shown = values if row.table is None else values[:EXAMPLES]
    pairs = "; ".join(f"{here} becomes {there}" for here, there in shown)
    if row.table is None:
        return f"Enter each value of {plain(row.name)}: {pairs}. Any other value is held."
    other = "goes through as it is" if row.table.passes else "is held"
    if row.table.instead:
        other = "is written as the rules say"
    return f"Enter some values of {plain(row.name)} from {plain(row.table.file)}: {pairs}. Any other value {other}."


def _rest(pair: Pair, row: Row) -> str:
    side = pair.source if pair.forward(row) else pair.target
    other = pair.target if side is pair.source else pair.source
    false = " or ".join(f"{pair.text(text)} untrue in {pair.system_title(name)}" for name, text in row.when.items())
    path, there = plain(row.paths[side.system]), f"{plain(row.paths[other.system])} of its {pair.record(other)}"
    return (
        f"Make {false}, and edit {path} of a linked {pair.record(side)}: {there} stays as it is. Make it true "
        f"again: {there} follows."
    )


def _conflicts(pair: Pair) -> Iterator[tuple[str, str]]:
    both = [row for row in pair.rows if pair.forward(row) and pair.backward(row) and row.enforce is None]
    if any(row.conflict.rule == "ask" for row in both):
        yield (
            "conflict",
            "Edit a property that has no conflict rule of its own differently on both sides at once: nothing is "
            "overwritten; a person is asked.",
        )
    for row in both:
        if row.conflict.rule != "ask":
            words = conflict_words(row.conflict, map(pair.system_title, row.conflict.prefer))
            yield f"conflict.{row.name}", f"Edit {plain(row.name)} differently on both sides at once: {words}."


def _ends(pair: Pair) -> Iterator[tuple[str, str]]:
    yield (
        "delete",
        f"Delete a linked {pair.record(pair.source)} in {pair.place(pair.source)}: "
        f"{deletion(pair, pair.source, pair.target)}.",
    )
    for op, limit in pair.flow.limits.items():
        words = limit_words(limit)
        if words is not None:
            yield (
                f"limit.{op}",
                f"Let one round need {words}: none of these writes ({plain(op)}) is made until approved.",
            )
    yield "quiet", "Let two more rounds pass without an edit: nothing is written on either side."
