"""`python -m bench.suggesting`: what `accord suggest` proposes for the demonstration, beside the mapping made by hand.

Rows are judged by their two paths. A match rule is judged by the records that it joins (equal in all of its rows, and
once on each side): right are those that the mapping made by hand joins.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from accord.cli.demo_servers import TOKENS, servers
from accord.config.load import load
from accord.config.meaning import Flow, Project
from accord.engine.combining import joined
from accord.engine.discovering import FoundDatatype, discover
from accord.engine.likeness import once, plain
from accord.engine.round import Caller, run_round
from accord.engine.setting import Options
from accord.engine.suggesting import suggested

FILE = Path(__file__).parents[1] / "examples/demo/accord.yaml"
SAMPLE = 10_000
Asked = Mapping[str, Mapping[str, FoundDatatype]]
Pairs = set[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How well one flow was guessed."""

    flow: str
    when: str
    rows: int
    right: int
    wrong: int
    rules: list[list[str]]
    pairs: int
    found: int
    mistaken: int

    @property
    def row_precision(self) -> float:
        """Of the proposed rows, the part that is right."""
        return self.right / max(1, self.right + self.wrong)

    @property
    def row_recall(self) -> float:
        """Of the rows made by hand, the part that was proposed."""
        return self.right / max(1, self.rows)

    @property
    def match_precision(self) -> float:
        """Of the records that the proposed rules join, the part that the mapping made by hand joins."""
        return self.found / max(1, self.found + self.mistaken)

    @property
    def match_recall(self) -> float:
        """Of the records that the mapping made by hand joins, the part that the proposed rules join."""
        return self.found / max(1, self.pairs)


def asked_of(project: Project) -> Asked:
    """What both systems have."""
    return {name: {one.name: one for one in discover(system, SAMPLE)} for name, system in project.systems.items()}


def figures(project: Project, name: str, asked: Asked, truth: Pairs | None, when: str, most: int = 3) -> Figures:
    """One flow, as if nobody had written its rows and match rules. `truth` are the pairs of ids that belong together;
    None: those that the rules made by hand join.
    """
    flow = project.flows[name]
    (found,) = suggested(project, replace(flow, rows=(), groups={}, match=()), asked)
    wanted = {(row.paths[found.left], row.paths[found.right]) for row in flow.rows}
    given = {(row.left, row.right) for row in found.rows}
    right_of = {row.left: row.right for row in found.rows}
    rules = [list(match.rule) for match in found.match[:most]]
    by_hand = truth if truth is not None else _joined_by_hand(project, flow, asked)
    proposed: Pairs = set()
    for rule in rules:
        proposed |= _pairs(project, flow, asked, [(path, right_of[path]) for path in rule])
    return Figures(
        flow=name,
        when=when,
        rows=len(wanted),
        right=len(given & wanted),
        wrong=len(given - wanted),
        rules=rules,
        pairs=len(by_hand),
        found=len(proposed & by_hand),
        mistaken=len(proposed - by_hand),
    )


def _joined_by_hand(project: Project, flow: Flow, asked: Asked) -> Pairs:
    left, right = flow.sides
    found: Pairs = set()
    for rule in flow.match:
        rows = [flow.row(name) for name in rule]
        found |= _pairs(project, flow, asked, [(row.paths[left.system], row.paths[right.system]) for row in rows])
    return found


def _pairs(project: Project, flow: Flow, asked: Asked, rule: Sequence[tuple[str, str]]) -> Pairs:
    """The ids of the records that a rule joins."""
    sides = []
    for number, side in enumerate(flow.sides):
        samples = asked[side.system][side.datatype].samples
        values = joined([[plain(record.get(paths[number])) for record in samples] for paths in rule])
        id = project.datatype(side.system, side.datatype).id
        sides.append({value: str(samples[at].get(id)) for value, at in once(values).items()})
    return {(sides[0][value], sides[1][value]) for value in sides[0] if value in sides[1]}


def linked(project: Project, name: str) -> Pairs:
    """The ids of the records that are linked in a flow, after rounds."""
    from accord.store.opening import open_state

    left, right = (side.system for side in project.flows[name].sides)
    found: Pairs = set()
    with open_state(project.state) as state:
        for link in state.links.load(list(state.links.numbers(name))).values():
            ids = {member.ref.system: member.ref.id for member in link.members}
            if left in ids and right in ids:
                found.add((ids[left], ids[right]))
    return found


def measure(project: Project) -> list[Figures]:
    """Customers before the first round; all three flows once they are in step."""
    result = [figures(project, "customer", asked_of(project), None, "before the first round")]
    run_round(project, Options(), Caller())
    asked = asked_of(project)
    return [*result, *(figures(project, name, asked, linked(project, name), "in step") for name in project.flows)]


def main() -> None:
    """Start the demonstration, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder), (0, 0)) as running:
        env = {f"{one.name.upper()}_URL": one.url for one in running}
        env |= {f"{name.upper()}_TOKEN": token for name, token in TOKENS.items()}
        found = measure(replace(load(FILE, env=env), state=str(Path(folder) / "accord.db")))
    if options.json:
        print(json.dumps([asdict(one) for one in found], indent=1))
        return
    for one in found:
        print(f"{one.flow}, {one.when}: rows {one.right} of {one.rows} found, {one.wrong} wrong "
              f"(precision {one.row_precision:.2f}, recall {one.row_recall:.2f})")  # fmt: skip
        print(f"  rules {one.rules}: {one.found} of {one.pairs} records joined, {one.mistaken} wrongly "
              f"(precision {one.match_precision:.3f}, recall {one.match_recall:.3f})")  # fmt: skip


if __name__ == "__main__":
    main()
