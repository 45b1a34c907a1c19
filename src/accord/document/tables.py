"""The tables about the rows of a flow: which properties correspond, and every rule that is given for them.

Each function gives one table, or None where the file says nothing; only the table of properties is always there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from accord.config.meaning import LensSpec, MapTable, Property, Row, Side
from accord.config.words import REWRITES
from accord.document.pair import Pair
from accord.document.parts import Table
from accord.document.wording import conflict_words, plain, type_name

DATA_TYPE = "Custom Data Type"
NONE = "–"
_DELETED = {
    "ask": "a person is asked about an element that one side deleted and the other edited",
    "delete_wins": "an element that one side deleted is deleted, also if the other edited it (delete_wins)",
    "edit_wins": "an element that one side deleted and the other edited stays (edit_wins)",
}
MOST = 300
"""Values of one row that are written out; the rest is in the table that they come from."""
_EQUAL_WORDS = {
    "exact": "compared character by character (equal: exact)",
    "case": "upper and lower case make no difference (equal: case)",
    "spaces": "spaces make no difference (equal: spaces)",
    "digits": "only digits are compared (equal: digits)",
}


def property_table(pair: Pair) -> Table:
    """Which property corresponds to which; the header alone where no properties correspond."""
    rows = tuple(
        (plain(row.paths[pair.source.system]), plain(row.paths[pair.target.system]), type_name(row.type))
        for row in pair.rows
    )
    return Table(title="Properties", header=(*_properties(pair), DATA_TYPE), rows=rows, code=frozenset({0, 1}))


def _properties(pair: Pair) -> tuple[str, str]:
    return f"{pair.record(pair.source)} Property", f"{pair.record(pair.target)} Property"


def match_table(pair: Pair) -> Table | None:
    """The match rules, each with its properties on both sides."""
    rows = [
        (str(number), *(_paths(pair, side, rule) for side in pair.sides))
        for number, rule in enumerate(pair.flow.match, start=1)
    ]
    return _table("Match rules", ("Rule", *_properties(pair)), rows, code={1, 2})


def _paths(pair: Pair, side: Side, names: tuple[str, ...]) -> str:
    paths = {row.name: row.paths[side.system] for row in pair.flow.rows if side.system in row.paths}
    return ", ".join(plain(paths.get(name, name)) for name in names)


def score_table(pair: Pair) -> Table | None:
    """The weights of the scored match rule."""
    score = pair.flow.match_score
    if score is None:
        return None
    rows = [
        (*(_paths(pair, side, (name,)) for side in pair.sides), f"{weight:g}") for name, weight in score.weights.items()
    ]
    return Table(title="Match score", header=(*_properties(pair), "Weight"), rows=tuple(rows), code=frozenset({0, 1}))


def element_table(pair: Pair) -> Table | None:
    """What the elements of lists are made of."""
    rows = [(plain(row.name), *parts) for row in pair.rows if row.items is not None for parts in _parts(pair, row)]
    header = ("List", *_properties(pair), DATA_TYPE, "Rules")
    return _table("Elements of lists", header, rows, code={0, 1, 2})


def _parts(pair: Pair, row: Row) -> Iterator[tuple[str, str, str, str]]:
    assert row.items is not None  # noqa: S101
    for part in row.items.rows:
        paths = (plain(part.paths[side.system]) if side.system in part.paths else NONE for side in pair.sides)
        source, target = paths
        yield source, target, type_name(part.type), "; ".join(_part_rules(pair, row, part)) or NONE


def _part_rules(pair: Pair, row: Row, part: Row) -> Iterator[str]:
    assert row.items is not None  # noqa: S101
    if part.name in row.items.key:
        yield "key: by it elements are told apart"
    if part.name in row.items.judged:
        preferred = [pair.system_title(system) for system in part.conflict.prefer]
        yield f"when edits differ: {conflict_words(part.conflict, preferred)}"
    if all(side.system in part.paths for side in pair.sides):
        yield from (f"{here} is {there}" for here, there in mapped(pair, part))
    for side in pair.sides:
        yield from (f"in {pair.place(side)} {_lens(pair, lens)}" for lens in part.lenses.get(side.system, ()))
    yield from _rules(pair, part)


def direction_table(pair: Pair) -> Table | None:
    """The direction of each property, where they are not all the same."""
    rows = [(plain(row.name), _arrow(pair, row)) for row in pair.rows]
    if len({direction for _, direction in rows}) < 2:
        return None
    return _table("Directions", ("Property", "Edits are carried"), rows, code={0})


def _arrow(pair: Pair, row: Row) -> str:
    here, there = pair.place(pair.source), pair.place(pair.target)
    match pair.forward(row), pair.backward(row):
        case True, True:
            return "both ways"
        case True, False:
            return f"from {here} to {there} only"
        case False, True:
            return f"from {there} to {here} only"
    return f"not between {here} and {there}"


def conflict_table(pair: Pair) -> Table | None:
    """Who wins, for each property where it is not simply a person."""
    rows = []
    for row in pair.rows:
        preferred = [pair.system_title(system) for system in row.conflict.prefer]
        if row.conflict.rule != "ask":
            rows.append((plain(row.name), conflict_words(row.conflict, preferred)))
        if row.enforce is not None:
            authority = pair.system_title(row.enforce)
            rows.append((plain(row.name), f"{authority} is the authority: an edit elsewhere is set back (enforce)"))
    return _table("Conflict rules", ("Property", "When edits differ"), rows, code={0})


def group_table(pair: Pair) -> Table | None:
    """Which properties win or lose together."""
    members: dict[str, dict[str, None]] = {name: dict.fromkeys(rows) for name, rows in pair.flow.groups.items()}
    for row in pair.rows:
        if row.group is not None:
            members.setdefault(row.group, {})[row.name] = None
    rows = [(plain(name), ", ".join(map(plain, names))) for name, names in members.items()]
    return _table("Groups", ("Group", "Properties that win or lose together"), rows, code={1})


def value_table(pair: Pair) -> Table | None:
    """Every value that has another name on the other side."""
    rows = [(plain(row.name), *values) for row in pair.rows for values in islice(mapped(pair, row), MOST)]
    header = ("Property", f"{pair.record(pair.source)} Value", f"{pair.record(pair.target)} Value")
    return _table("Value maps", header, rows, code={0, 1, 2})


def mapped(pair: Pair, row: Row) -> Iterator[tuple[str, str]]:
    """The values of a row's map, as the source and as the target write them."""
    maps = [row.maps.get(side.system) for side in pair.sides]
    for canonical in dict.fromkeys(key for values in maps if values is not None for key in values):
        source, target = (_native(pair, values, canonical) for values in maps)
        yield source, target


def _native(pair: Pair, values: Mapping[str, Any] | None, canonical: str) -> str:
    if values is None:
        return pair.value(canonical)
    return pair.value(values[canonical]) if canonical in values else "(none)"


def lens_table(pair: Pair) -> Table | None:
    """What is done with a value on its way from and to a system."""
    rows = [
        (plain(row.name), pair.place(side), _lens(pair, lens))
        for row in pair.rows
        for side in pair.sides
        for lens in row.lenses.get(side.system, ())
    ]
    return _table("Conversions", ("Property", "System", "Lens"), rows, code={0, 2})


def _lens(pair: Pair, lens: LensSpec) -> str:
    """`scale 60`, `strip-html (loses information)`."""
    argument = "" if lens.argument is None else f" {pair.value(lens.argument)}"
    return f"{plain(lens.name)}{argument}{' (loses information)' if lens.lossy else ''}"


def rule_table(pair: Pair) -> Table | None:
    """What else the file says about single properties."""
    rows = [(plain(row.name), rule) for row in pair.rows for rule in _rules(pair, row)]
    return _table("Further rules", ("Property", "Rule"), rows, code={0})


def _rules(pair: Pair, row: Row) -> Iterator[str]:
    if row.reference is not None:
        yield _reference(pair, row.reference)
    if row.items is not None:
        yield f"merged element by element; {_DELETED[row.items.on_delete]}"
    if row.table is not None:
        yield from _table_words(pair, row.table)
    if row.required:
        yield "must be filled; a record without it is held (required)"
    if row.keep_filled:
        yield "an empty value never replaces a filled one (keep_filled)"
    if row.truncate:
        yield "text that is too long for the other side is cut to fit (truncate)"
    yield from (f"{words}; until then it rests (when)" for words in condition_words(pair, row))
    if row.equal is not None:
        yield _EQUAL_WORDS[row.equal]
    if row.description:
        yield pair.text(row.description)


def condition_words(pair: Pair, row: Row) -> Iterator[str]:
    """One sentence for each condition of a row."""
    for system, text in row.when.items():
        yield f"carried only while {pair.text(text)} is true of the record in {pair.system_title(system)}"


def _table_words(pair: Pair, table: MapTable) -> Iterator[str]:
    yield f"values as in the {table.lines} lines of {plain(table.file)}"
    if table.lossy:
        yield f"several values of {plain(table.file)} may become one (loses information)"
    if table.passes:
        yield "a value that is in no line goes through as it is (otherwise: pass)"
    elif not table.instead:
        yield "a value that is in no line is held"
    for system, value in table.instead.items():
        yield f"a value that is in no line is written to {pair.system_title(system)} as {pair.value(value)} (otherwise)"


def _reference(pair: Pair, name: str) -> str:
    flow = pair.project.flows.get(name)
    sides = [flow.side(side.system) for side in pair.sides] if flow else []
    called = " and ".join(f"{pair.record(side)} in {pair.place(side)}" for side in sides if side is not None)
    return f"points to the linked record of flow {plain(name)}" + (f": {called}" if called else "")


def restriction_table(pair: Pair) -> Table | None:
    """What the systems themselves say about the properties."""
    rows = []
    for row in pair.rows:
        for side in pair.sides:
            path = row.paths[side.system]
            stated = pair.datatype(side).properties.get(path)
            rows += [(plain(path), pair.place(side), fact) for fact in _restrictions(pair, row, stated)]
    return _table("Restrictions of the systems", ("Property", "System", "Restriction"), rows, code={0})


def _restrictions(pair: Pair, row: Row, stated: Property | None) -> Iterator[str]:
    if stated is None:
        return
    if stated.type is not None and stated.type != str(row.type):
        yield f"stored as {plain(stated.type)}"
    if stated.required:
        yield "must be filled"
    if stated.max_length is not None:
        yield f"at most {stated.max_length} characters"
    if stated.values is not None:
        yield f"one of {', '.join(map(pair.value, stated.values))}"
    if stated.read_only:
        yield "read-only"
    if stated.create_only:
        yield "written only when the record is created"
    if stated.rewrites:
        yield f"the system changes what it is given: {'; '.join(REWRITES[word] for word in stated.rewrites)}"
    yield from _form(pair, stated)
    if stated.default is not None:
        yield f"the system fills in {pair.value(stated.default)}"


SPLITS = {
    "last": "the last word is the last part",
    "first": "the first word is the first part",
    "number": "the number is the last part",
}


def _form(pair: Pair, stated: Property) -> Iterator[str]:
    """Where the system shows a property otherwise than it takes it, or in several."""
    if stated.parts:
        joint = "" if stated.join == " " else f" with {stated.join!r}"
        yield f"joined of {' and '.join(map(plain, stated.parts))}{joint}; {SPLITS[stated.split]}"
    if stated.write_as is not None:
        yield f"written as {plain(stated.write_as)}"
    if stated.write_with:
        beside = ", ".join(f"{plain(path)} = {value}" for path, value in stated.write_with.items())
        yield f"written with {beside}"
    if stated.null_when_absent:
        yield "left out where it is null"
    if stated.null_as is not None:
        yield f"{pair.value(stated.null_as)} stands for null"
    if stated.link is not None:
        yield f"shown and written as the address {stated.link}"


def _table(title: str, header: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, code: set[int]) -> Table | None:
    return Table(title=title, header=header, rows=tuple(rows), code=frozenset(code)) if rows else None
