"""From the checked `flows` of a file to `Flow`: sides, match rules, groups, and what may not be together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.config.circles import check_after, check_rows
from accord.config.meaning import Conflict, Flow, MatchScore, Row, Side, System
from accord.config.problems import Problems, field_names, listed, nearest
from accord.config.resolve_rows import Context, read_row
from accord.config.resolve_systems import is_name
from accord.config.rules import Deletion, Link, read_conflict, read_deletions, read_limits, read_links
from accord.config.tree import Where, key_text

if TYPE_CHECKING:
    from accord.config.schema import DefaultsModel, FlowModel, SideModel

Groups = dict[str, tuple[tuple[str, ...], Conflict | None]]
"""Group → its rows, and its conflict rule."""

_NEEDS_RULES = ("match-or-create", "match-only")


class Flows:
    """Resolves every flow of one file."""

    def __init__(
        self,
        data: Mapping[Any, Any],
        systems: Mapping[str, System],
        written_systems: Mapping[str, Mapping[str, Any]],
        defaults: DefaultsModel | None,
        problems: Problems,
        folder: Path,
    ) -> None:
        self._data = {key_text(name): body for name, body in data.items()}
        self._systems, self._written, self._problems = systems, written_systems, problems
        self._defaults = defaults
        self._folder = folder
        self._members = {
            name: frozenset(key_text(key) for key in body if key_text(key) in written_systems)
            for name, body in self._data.items()
            if isinstance(body, dict)
        }

    def resolve(self) -> dict[str, Flow]:
        """Every flow that could be understood; what is wrong with the others is noted."""
        self._check_defaults()
        found = {}
        for name, body in self._data.items():
            where = ("flows", name)
            if not is_name(name) or name in ("after", "connected"):
                self._problems.add(
                    where, f"{name!r} is no name for a flow", allowed="letters, digits, `_`, `-` and `.`"
                )
            if not isinstance(body, dict):
                message = f"a flow must be a mapping (`key: value`), and is {self._problems.quoted(where)}"
                self._problems.add(where, message)
                continue
            flow = self._flow(name, body, where)
            if flow is not None:
                found[name] = flow
        check_after(found, self._problems)
        return found

    def _check_defaults(self) -> None:
        if self._defaults is not None:
            where, every = ("defaults",), list(self._written)
            read_conflict(self._defaults.conflict, (*where, "conflict"), every, self._problems)
            read_deletions(self._defaults.on_delete, (*where, "on_delete"), every, self._problems)
            read_links(self._defaults.link, (*where, "link"), every, self._data, self._problems)

    def _flow(self, name: str, body: dict[Any, Any], where: Where) -> Flow | None:
        from accord.config.schema import FlowModel

        written_sides, rest = self._apart(body, where)
        sides = {system: self._side(system, value, (*where, system)) for system, value in written_sides.items()}
        model = self._problems.validate(FlowModel, rest, where)
        datatypes = {system: side.datatype for system, side in sides.items() if side is not None}
        if len(written_sides) < 2:
            self._problems.add(
                where,
                f"a flow needs a datatype in two systems or more, and has {len(written_sides)}",
                allowed=listed(self._written) or "none",
            )
        if model is None:
            return None
        context = Context(
            flow=name,
            sides={system: datatypes.get(system, "") for system in written_sides},
            systems=self._systems,
            names=tuple(self._written),
            flows=self._members,
            problems=self._problems,
            folder=self._folder,
        )
        written = self._rows(model, where, context)
        groups = self._groups(model, [row for row, _ in written], where)
        rows = self._judged(model, written, groups, where)
        return Flow(
            name=name,
            sides=tuple(self._meaning(sides, model, where)),
            rows=rows,
            match=self._match(model, rows, where),
            match_score=self._score(model, rows, where),
            limits=read_limits(model.limits, self._defaults.limits if self._defaults else None, where, self._problems),
            groups={key: value for key, (value, _) in groups.items()},
            after=self._after(model, where),
        )

    def _apart(self, body: dict[Any, Any], where: Where) -> tuple[dict[str, Any], dict[str, Any]]:
        from accord.config.schema import FlowModel

        keys = field_names(FlowModel)
        sides, rest = {}, {}
        for key, value in body.items():
            name = key_text(key)
            if name in keys:
                rest[name] = value
            elif name in self._written:
                sides[name] = value
            else:
                self._unknown(name, (*where, name), keys)
        return sides, rest

    def _unknown(self, name: str, where: Where, keys: list[str]) -> None:
        near = nearest(name, [*self._written, *keys])
        self._problems.add(
            where,
            f"the key {name!r} is not known: it is neither a system nor a key of flows",
            allowed=f"systems: {listed(self._written) or 'none'}; keys: {listed(keys)}",
            hint=f"did you mean {near!r}?" if near else None,
        )

    def _side(self, system: str, value: Any, where: Where) -> SideModel | None:
        from accord.config.schema import SideModel

        body = {"datatype": value} if isinstance(value, str) else value
        side = self._problems.validate(SideModel, body, where)
        datatypes = self._written[system]
        if side is not None and side.datatype not in datatypes:
            place = (*where, "datatype") if isinstance(value, dict) else where
            self._problems.unknown(place, f"the datatype of {system}", side.datatype, datatypes)
        return side

    def _meaning(self, sides: Mapping[str, SideModel | None], model: FlowModel, where: Where) -> list[Side]:
        systems = list(sides)
        links = self._links(model, systems, where)
        deletions = self._deletions(model, systems, where)
        found = []
        for system, side in sides.items():
            known = self._systems.get(system)
            writable = not (known is not None and known.read_only)
            if side is None:
                continue
            link, deletion = links[system], deletions.get(system, Deletion())
            found.append(
                Side(
                    system=system,
                    datatype=side.datatype,
                    mode=link.mode,
                    connected_to=link.connected_to,
                    where=side.where,
                    when=side.when,
                    defaults=side.defaults,
                    create=side.create and writable,
                    update=side.update and writable,
                    delete=side.delete and writable,
                    since_linked=side.since == "linked",
                    on_delete=deletion.rule,
                    archive=deletion.archive,
                )
            )
        return found

    def _links(self, model: FlowModel, systems: list[str], where: Where) -> dict[str, Link]:
        rules = bool(model.match) or model.match_score is not None
        usual = Link("match-or-create" if rules else "create")
        quiet = self._quiet()
        general = read_links(self._defaults.link, (), list(self._written), self._data, quiet) if self._defaults else {}
        own = read_links(model.link, (*where, "link"), systems, self._data, self._problems)
        links = {system: own.get(system) or general.get(system) or usual for system in systems}
        if not rules and any(link.mode in _NEEDS_RULES for link in own.values()):
            self._problems.caution((*where, "link"), "the flow has no match rules, so that no record finds its match")
        if rules and links and all(link.mode in ("create", "never") for link in links.values()):
            self._problems.caution((*where, "match"), "the match rules are never used, because every side creates")
        return links

    def _deletions(self, model: FlowModel, systems: list[str], where: Where) -> dict[str, Deletion]:
        every = list(self._written)
        general = read_deletions(self._defaults.on_delete, (), every, self._quiet()) if self._defaults else {}
        return {**general, **read_deletions(model.on_delete, (*where, "on_delete"), systems, self._problems)}

    def _quiet(self) -> Problems:
        """Where problems go that were noted before."""
        return Problems({}, {}, "")

    def _rows(self, model: FlowModel, where: Where, context: Context) -> list[tuple[Row, Conflict | None]]:
        """The rows, each with the conflict rule that it names itself."""
        found: dict[str, tuple[Row, Conflict | None, Where]] = {}
        for index, body in enumerate(model.rows or ()):
            place = (*where, "rows", index)
            read = read_row(body, place, context)
            if read is None:
                continue
            row, conflict = read
            if row.name in found:
                first = self._problems.place(found[row.name][2])
                message = f"a row {row.name!r} is there already (line {first.line} of {first.file})"
                self._problems.add(place, message, hint="give one of them another `name`")
                continue
            found[row.name] = (row, conflict, place)
        check_rows([(row, place) for row, _, place in found.values()], self._parts(context), self._problems)
        return [(row, conflict) for row, conflict, _ in found.values()]

    def _parts(self, context: Context) -> dict[tuple[str, str], tuple[str, ...]]:
        """The parts of the properties that are joined of several, by system and path."""
        known = {
            name: self._systems[name].datatypes.get(datatype)
            for name, datatype in context.sides.items()
            if name in self._systems
        }
        return {
            (name, one.path): one.parts
            for name, datatype in known.items()
            if datatype is not None
            for one in datatype.properties.values()
            if one.parts
        }

    def _judged(
        self,
        model: FlowModel,
        rows: list[tuple[Row, Conflict | None]],
        groups: Groups,
        where: Where,
    ) -> tuple[Row, ...]:
        """The rows with their group and their conflict rule: the nearest one that is set."""
        systems = [system for system in self._written if system in self._members[str(where[-1])]]
        own = read_conflict(model.conflict, (*where, "conflict"), systems, self._problems)
        general = self._general_conflict(systems)
        judged = []
        for row, conflict in rows:
            group = next((name for name, (names, _) in groups.items() if row.name in names), None)
            of_group = groups[group][1] if group is not None else None
            judged.append(replace(row, group=group, conflict=conflict or of_group or own or general or Conflict()))
        self._check_conditions(judged, where)
        return tuple(judged)

    def _check_conditions(self, rows: list[Row], where: Where) -> None:
        """Rows that win or lose together rest together."""
        first: dict[str, Row] = {}
        for row in rows:
            if row.group is not None and row.items is not None:
                self._problems.add(
                    (*where, "groups", row.group), f"{row.name!r} is a list of objects, whose elements are merged alone"
                )
            if row.group is not None and (other := first.setdefault(row.group, row)).when != row.when:
                self._problems.add(
                    (*where, "groups", row.group),
                    f"the rows {other.name!r} and {row.name!r} of this group have different conditions (`when`)",
                    hint="give all rows of the group the same `when`",
                )

    def _general_conflict(self, systems: list[str]) -> Conflict | None:
        if self._defaults is None:
            return None
        general = read_conflict(self._defaults.conflict, (), list(self._written), self._quiet())
        if general is None or general.rule != "prefer":
            return general
        prefer = tuple(name for name in general.prefer if name in systems)
        return Conflict(rule="prefer", prefer=prefer) if prefer else None

    def _groups(self, model: FlowModel, rows: list[Row], where: Where) -> Groups:
        from accord.config.schema import GroupModel

        names, taken, groups = [row.name for row in rows], dict[str, str](), Groups()
        for group, value in model.groups.items():
            place = (*where, "groups", group)
            checked = self._problems.validate(GroupModel, value if isinstance(value, dict) else {"rows": value}, place)
            if checked is None:
                continue
            inner = (*place, "rows") if isinstance(value, dict) else place
            self._check_names(checked.rows, inner, names)
            for index, name in enumerate(checked.rows):
                if taken.setdefault(name, group) != group:
                    self._problems.add((*inner, index), f"the row {name!r} is in the group {taken[name]!r} already")
            systems = sorted({system for row in rows if row.name in checked.rows for system in row.paths})
            conflict = read_conflict(checked.conflict, (*place, "conflict"), systems, self._problems)
            groups[group] = (tuple(checked.rows), conflict)
        return groups

    def _check_names(self, words: list[str], where: Where, names: list[str]) -> None:
        for index, name in enumerate(words):
            if name not in names:
                self._problems.unknown((*where, index), "the row", name, names)

    def _match(self, model: FlowModel, rows: tuple[Row, ...], where: Where) -> tuple[tuple[str, ...], ...]:
        place, names = (*where, "match"), [row.name for row in rows]
        if model.match is None:
            return ()
        written = model.match if isinstance(model.match, list) else [model.match]
        rules = []
        for index, value in enumerate(written):
            rule = value if isinstance(value, list) else [value]
            if not rule or not all(isinstance(name, str) for name in rule):
                self._problems.add(
                    (*place, index), "a match rule is a list of row names", allowed=listed(names) or "none"
                )
                continue
            if isinstance(value, list):
                self._check_names(rule, (*place, index), names)
            elif value not in names:
                self._problems.unknown((*place, index), "the row", value, names)
            rules.append(tuple(rule))
        return tuple(rules)

    def _score(self, model: FlowModel, rows: tuple[Row, ...], where: Where) -> MatchScore | None:
        score, place = model.match_score, (*where, "match_score")
        if score is None:
            return None
        names = [row.name for row in rows]
        for name, weight in score.rows.items():
            if name not in names:
                self._problems.unknown((*place, "rows", name), "the row", name, names)
            if weight <= 0:
                self._problems.add((*place, "rows", name), "a weight must be more than 0")
        if score.review > score.link:
            self._problems.add((*place, "review"), "`review` cannot be above `link`")
        if len(score.rows) == 1:
            self._problems.caution(
                place, "one row alone never links: a person is asked each time; add rows, or use `match`"
            )
        return MatchScore(weights=score.rows, link=score.link, review=score.review)

    def _after(self, model: FlowModel, where: Where) -> tuple[str, ...]:
        for index, name in enumerate(model.after):
            if name not in self._data:
                self._problems.unknown((*where, "after", index), "the flow", name, self._data)
        return tuple(model.after)
