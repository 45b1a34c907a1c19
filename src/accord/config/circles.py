"""What may not go round in a circle: flows that wait for each other, rows that feed each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from accord.config.meaning import Flow, Row
from accord.config.problems import Problems
from accord.config.tree import Where

Parts = Mapping[tuple[str, str], tuple[str, ...]]
"""System and path of a joined property → the paths that it is joined of."""


def circle(edges: Mapping[str, Iterable[str]]) -> list[str] | None:
    """The first circle of a graph, as the nodes on the way round, the first one again at the end; or None."""
    done: set[str] = set()
    for start in edges:
        way, stack = [start], [iter(edges.get(start, ()))]
        while stack and start not in done:
            following = next(stack[-1], None)
            if following is None:
                stack.pop()
                done.add(way.pop())
            elif following in way:
                return [*way[way.index(following) :], following]
            elif following not in done:
                way.append(following)
                stack.append(iter(edges.get(following, ())))
    return None


def check_after(flows: Mapping[str, Flow], problems: Problems) -> None:
    """Flows must not wait for each other. References may be cyclic."""
    found = circle({name: [each for each in flow.after if each in flows] for name, flow in flows.items()})
    if found:
        problems.add(("flows", found[0], "after"), f"flows wait for each other: {' after '.join(found)}")


def check_rows(rows: Sequence[tuple[Row, Where]], parts: Parts, problems: Problems) -> None:
    """No property is written by two rows, nor a part of it, and no row feeds itself by way of others."""
    written: dict[tuple[str, str], str] = {}
    before = len(problems.found)
    for row, where in rows:
        for system in sorted(row.targets & set(row.paths)):
            for path in parts.get((system, row.paths[system]), (row.paths[system],)):
                _check_target(row, system, path, where, written, problems)
    if len(problems.found) > before:
        return
    feeds = {
        row.name: [each.name for each, _ in rows if each is not row and _ends(row) & _starts(each)] for row, _ in rows
    }
    found = circle(feeds)
    if found:
        place = next(where for row, where in rows if row.name == found[-2])
        message = f"rows feed each other in a circle: {' → '.join(found)}"
        problems.add(place, message, hint="make one row of them, in both directions")


def _check_target(
    row: Row,
    system: str,
    path: str,
    where: Where,
    written: dict[tuple[str, str], str],
    problems: Problems,
) -> None:
    for (other_system, other_path), name in written.items():
        if other_system != system or name == row.name:
            continue
        if other_path == path:
            problems.add(where, f"{system}.{path} is written by the row {name!r} too", hint="make one row of them")
        elif path.startswith(f"{other_path}.") or other_path.startswith(f"{path}."):
            problems.add(where, f"{system}.{path} and {other_path}, of the row {name!r}, are parts of one value")
    written.setdefault((system, path), row.name)


def _starts(row: Row) -> set[tuple[str, str]]:
    return {(system, row.paths[system]) for system in row.sources if system in row.paths}


def _ends(row: Row) -> set[tuple[str, str]]:
    return {(system, row.paths[system]) for system in row.targets if system in row.paths}
