"""From the rows of a flow to `Row`: paths, type, direction, value map, lenses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.config.kinds import TypeRefused, parse_direction, parse_type, path_fault, target_of
from accord.config.map_tables import TableReader, is_table
from accord.config.maps import read_map
from accord.config.meaning import Conflict, Items, LensSpec, MapTable, Row, System, TypeSpec
from accord.config.problems import Problems, field_names, listed, nearest
from accord.config.rules import read_conflict
from accord.config.tree import Where, key_text
from accord.config.words import CASELESS, LENSES, TYPES

if TYPE_CHECKING:
    from accord.config.schema import ItemsModel, RowModel

_STRING = TypeSpec(name="string")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a row must know of its surroundings."""

    flow: str
    sides: Mapping[str, str]
    """System → datatype, in the order of the flow."""
    systems: Mapping[str, System]
    names: tuple[str, ...]
    """Every system of the file, also those that could not be understood."""
    flows: Mapping[str, frozenset[str]]
    """Flow → its systems."""
    problems: Problems
    folder: Path
    """Of the project file."""


def read_type(text: str, where: Where, problems: Problems) -> TypeSpec:
    """A row type; `string` once a problem is noted."""
    try:
        return parse_type(text)
    except TypeRefused as refused:
        near = nearest(refused.word, TYPES) if refused.word else None
        allowed = listed(TYPES) if refused.word else None
        problems.add(where, str(refused), allowed=allowed, hint=f"did you mean {near!r}?" if near else None)
        return _STRING


def read_row(body: dict[Any, Any], where: Where, context: Context) -> tuple[Row, Conflict | None] | None:
    """One row, and the conflict rule that it names itself; None when it could not be understood."""
    from accord.config.schema import RowModel

    paths, rest = _apart(body, where, context)
    model = context.problems.validate(RowModel, rest, where)
    if model is None or paths is None:
        return None
    name = model.name or next(iter(paths.values()))
    kind = read_type(model.type, (*where, "type"), context.problems)
    _check_reference(kind, paths, (*where, "type"), context)
    sources, targets = _directed(model.direction, paths, where, context)
    maps, table = _maps(model, kind, list(paths), sources, (*where, "map"), context)
    row = Row(
        name=name,
        paths=paths,
        type=kind,
        sources=frozenset(sources),
        targets=frozenset(targets),
        enforce=_enforcer(model, sources, paths, where, context.problems),
        required=model.required,
        maps=maps,
        table=table,
        lenses=_lenses(model.lens, (*where, "lens"), paths, context.problems),
        equal=model.equal,
        truncate=model.truncate,
        keep_filled=model.keep_filled,
        items=_items(body, model, kind, paths, where, context),
        when=_conditions(model.when, sources, paths, (*where, "when"), context.problems),
        description=model.description,
    )
    return row, read_conflict(model.conflict, (*where, "conflict"), tuple(paths), context.problems)


WITHIN = ("direction", "enforce", "required", "keep_filled", "when", "items")
"""Keys of rows that a sub-row of `items` does not take: they are about the row as a whole."""


def _items(
    body: Mapping[Any, Any], model: RowModel, kind: TypeSpec, paths: Mapping[str, str], where: Where, context: Context
) -> Items | None:
    """What the elements of a row's list are made of."""
    if model.items is None:
        return None
    place, problems = (*where, "items"), context.problems
    if kind.of is None or kind.of.name != "object":
        problems.add(place, f"the elements of {kind} have no properties", allowed="type: list(object), set(object)")
    for key in ("map", "lens", "equal", "truncate"):
        if key in body:
            problems.add((*where, key), "belongs to the rows of `items` here, each of which has its own")
    inner = replace(context, sides={name: context.sides[name] for name in paths})
    rows: dict[str, Row] = {}
    judged: set[str] = set()
    for index, written in enumerate(model.items.rows):
        at = (*place, "rows", index)
        for key in written:
            if key_text(key) in WITHIN:
                problems.add((*at, key_text(key)), "is for the row as a whole, and not for a part of its elements")
        read = read_row(written, at, inner)
        if read is None:
            continue
        row, conflict = read
        if row.type.name == "reference":
            problems.add((*at, "type"), "references within the elements of a list are not carried")
        for name, path in row.paths.items():
            if "[" in path:
                problems.add((*at, name), "a list within the elements of a list has no parts of its own")
        if row.name in rows:
            problems.add(at, f"a row {row.name!r} is there already", hint="give one of them another `name`")
        rows[row.name] = row if conflict is None else replace(row, conflict=conflict)
        judged |= {row.name} if conflict is not None else set()
    found = _keyed(model.items, rows, paths, place, problems)
    return replace(found, judged=frozenset(judged))


def _keyed(
    model: ItemsModel, rows: Mapping[str, Row], paths: Mapping[str, str], where: Where, problems: Problems
) -> Items:
    for index, name in enumerate(model.key):
        if name not in rows:
            problems.unknown((*where, "key", index), "the row", name, rows)
        elif set(rows[name].paths) != set(paths):
            problems.add(
                (*where, "key", index), f"every system must have a path in {name!r}, which tells elements apart"
            )
    return Items(key=tuple(model.key), rows=tuple(rows.values()), on_delete=model.on_delete)


def _maps(
    model: RowModel, kind: TypeSpec, systems: list[str], sources: list[str], where: Where, context: Context
) -> tuple[dict[str, dict[str, Any]], MapTable | None]:
    """The value map of a row, and the table that it was read from, if it was."""
    if not is_table(model.map):
        return read_map(model.map, where, tuple(systems), sources, context.problems), None
    fold = kind.name in CASELESS or model.equal == "case"
    return TableReader(where, systems, sources, context.folder, fold, context.problems).read(model.map)


def _apart(
    body: dict[Any, Any],
    where: Where,
    context: Context,
) -> tuple[dict[str, str] | None, dict[str, Any]]:
    """The paths of a row, in the order of the sides, and its other keys; what is neither is noted."""
    from accord.config.schema import RowModel

    keys = field_names(RowModel)
    written, rest, good = {}, {}, True
    for key, value in body.items():
        name = key_text(key)
        if name in context.sides:
            written[name] = value
        elif name in keys:
            rest[name] = value
        elif name in context.names:
            context.problems.add(
                (*where, name), f"{name!r} has no side in this flow", allowed=listed(context.sides) or "none"
            )
            good = False
        else:
            context.problems.unknown((*where, name), "the key", name, [*context.sides, *keys])
    for name, path in written.items():
        good = _check_path(path, (*where, name), context.problems) and good
    if good and len(written) < 2:
        message = "a row needs a path in two systems or more" + (
            f", and has one in {next(iter(written))}" if written else ""
        )
        context.problems.add(where, message, allowed=listed(context.sides) or None)
        good = False
    paths = {name: written[name] for name in context.sides if name in written}
    return (paths if good else None), rest


def _check_path(path: Any, where: Where, problems: Problems) -> bool:
    if not isinstance(path, str):
        problems.add(where, f"a path must be text, and is {problems.quoted(where)}")
        return False
    fault = path_fault(path)
    if fault:
        problems.add(where, f"{problems.quoted(where)}: {fault}")
    return not fault


def _check_reference(kind: TypeSpec, paths: Mapping[str, str], where: Where, context: Context) -> None:
    target = target_of(kind)
    if target is None:
        return
    if target not in context.flows:
        context.problems.unknown(where, "the flow", target, context.flows)
        return
    missing = [system for system in paths if system not in context.flows[target]]
    if len(paths) - len(missing) < 2:
        context.problems.add(
            where,
            f"the flow {target!r} has no side in {listed(missing)}, so that nothing can be referred to there",
            allowed=listed(name for name, systems in context.flows.items() if systems >= set(paths)) or "none",
        )


def _directed(
    text: str,
    paths: Mapping[str, str],
    where: Where,
    context: Context,
) -> tuple[list[str], list[str]]:
    """Whose edits count, and who is written to."""
    closed = [system for system in paths if _read_only(system, paths[system], context)]
    place = (*where, "direction")
    parsed = parse_direction(text)
    if parsed is None:
        both = "both, or `system -> system`, `a, b -> c`"
        near = "both" if nearest(text, ["both"]) else None
        hint = f"did you mean {near!r}?" if near else None
        context.problems.add(place, f"the direction {text!r} is not understood", allowed=both, hint=hint)
        return [], []
    if parsed == ([], []):
        if len(closed) == len(paths):
            context.problems.add(where, "every side of this row is read-only")
        return _open_ends(paths, closed)
    sources, targets = parsed
    for name in (*sources, *targets):
        if name not in paths:
            context.problems.unknown(place, "the system", name, paths)
        elif name in sources and name in targets:
            context.problems.add(place, f"{name!r} stands on both ends of the direction")
    for name in targets:
        if name in closed:
            context.problems.add(place, f"{name!r} is read-only there, and cannot be written to")
    for name in paths:
        if name not in (*sources, *targets):
            context.problems.caution(place, f"{name!r} has a path in this row and takes no part in its direction")
    return sources, targets


def _open_ends(paths: Mapping[str, str], closed: list[str]) -> tuple[list[str], list[str]]:
    """Without a direction all are read, and written where they can be; a single writable side only follows."""
    targets = [system for system in paths if system not in closed]
    return (closed if closed and len(targets) == 1 else list(paths)), targets


def _read_only(system: str, path: str, context: Context) -> bool:
    found = context.systems.get(system)
    if found is None:
        return False
    datatype = found.datatypes.get(context.sides[system])
    declared = datatype.properties.get(path) if datatype else None
    return found.read_only or (declared is not None and declared.read_only)


def _conditions(
    written: Mapping[str, str],
    sources: list[str],
    paths: Mapping[str, str],
    where: Where,
    problems: Problems,
) -> dict[str, str]:
    """System → expression. One alone is about the record of the system that the row flows from."""
    if "" in written:
        if len(sources) == 1:
            return {sources[0]: written[""]}
        hint = f"write {{{next(iter(paths))}: …}}, or give the row a direction from one system"
        problems.add(
            where, "the row flows from several systems, and the condition does not say whose record", hint=hint
        )
        return {}
    for system in written:
        if system not in paths:
            problems.unknown((*where, system), "the system", system, paths)
    return {system: text for system, text in written.items() if system in paths}


def _enforcer(
    model: RowModel,
    sources: list[str],
    paths: Mapping[str, str],
    where: Where,
    problems: Problems,
) -> str | None:
    place = (*where, "enforce")
    if model.enforce is None:
        return None
    names = model.enforce if isinstance(model.enforce, list) else [model.enforce]
    if len(names) != 1:
        problems.add(place, "a row can have one enforcer only", allowed=listed(paths))
        return None
    if names[0] not in paths:
        problems.unknown(place, "the system", names[0], paths)
        return None
    if sources and names[0] not in sources:
        problems.add(
            place, f"{names[0]!r} cannot enforce this row, whose direction only leads to it", allowed=listed(sources)
        )
        return None
    return names[0]


def _lenses(
    written: Mapping[str, Any],
    where: Where,
    paths: Mapping[str, str],
    problems: Problems,
) -> dict[str, tuple[LensSpec, ...]]:
    found = {}
    for system, value in written.items():
        if system not in paths:
            hint = f"write {{{next(iter(paths))}: {{{system}: …}}}}" if system in LENSES else None
            near = nearest(system, paths)
            hint = hint or (f"did you mean {near!r}?" if near else None)
            problems.add((*where, system), f"{system!r} is no system of this row", allowed=listed(paths), hint=hint)
            continue
        found[system] = tuple(_lens_list(value, (*where, system), problems))
    return found


def _lens_list(value: Any, where: Where, problems: Problems) -> list[LensSpec]:
    """`name`, `{name: argument, …}`, or a list of either."""
    if isinstance(value, list):
        return [spec for index, item in enumerate(value) for spec in _lens_list(item, (*where, index), problems)]
    if isinstance(value, str):
        value = {value: None}
    if not isinstance(value, dict):
        problems.add(where, "a lens is written as a name, or as {name: argument}", allowed=listed(LENSES))
        return []
    lossy = value.get("lossy", False)
    if not isinstance(lossy, bool):
        problems.add((*where, "lossy"), "must be true or false")
        lossy = False
    specs = []
    for key, argument in value.items():
        name = key_text(key)
        if name == "lossy":
            continue
        if name not in LENSES:
            problems.unknown((*where, name) if isinstance(value, dict) else where, "the lens", name, [*LENSES, "lossy"])
            continue
        specs.append(LensSpec(name=name, argument=argument, lossy=lossy))
    return specs
