"""`simulate`: the mapping of a project, played through a bad day before it goes live."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from accord.cli.call import Call
from accord.cli.output import Output, counted
from accord.cli.progress import progress
from accord.errors import UsageError

if TYPE_CHECKING:
    from accord.cli.progress import Progress
    from accord.config.meaning import Project
    from accord.simulate.models import Shapes
    from accord.simulate.play import Played
    from accord.simulate.report import Simulation

HISTORIES = 200
MOST = 12
TITLES = {
    "P1": "Convergence",
    "P2": "No lost edit",
    "P3": "No duplicate",
    "P4": "Quiet",
    "P5": "No deletion by accident",
    "P6": "Isolation",
    "P7": "References hold",
    "P8": "The plan is the only way to write",
    "P9": "Everything is explained",
    "P10": "Crash anywhere",
    "P11": "Only mapped properties are written",
}


def simulate(
    call: Call,
    histories: Annotated[int, typer.Option("--histories", "-n", metavar="N", help="How many to play.")] = HISTORIES,
    profile: Annotated[str, typer.Option("--profile", metavar="PROFILE", help="calm, normal or bad-day.")] = "normal",
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="The seed of the first; the others follow.")] = 1,
    sample: Annotated[int, typer.Option("--sample", metavar="N", help="Learn from so many records of each kind.")] = 0,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no system; the file says all.")] = False,
    workers: Annotated[int, typer.Option("--workers", metavar="N", help="Processes.", show_default="one a core")] = 0,
) -> int:
    """Play random histories of people, faults and crashes against models of your systems, with your mapping. Nothing
    is written to any system. Exit status 4 where a promise breaks, with the shortest history that breaks it.

    Example: `accord simulate --profile bad-day`, `accord simulate --offline --histories 1000`.
    """
    from accord.engine.checking import refuse_wrong
    from accord.simulate.findings import findings_of
    from accord.simulate.report import simulated

    project = call.project(stand_ins=offline)  # no system is asked, so that nothing need be known of where it is
    refuse_wrong(project)
    chosen = _profile(profile)
    if histories < 1:
        raise UsageError("--histories must be 1 or more")
    with progress(call.out) as tell:
        shapes = _shapes(project, offline, sample, tell)
        findings, laws = findings_of(project, shapes)
        played = _played(project, shapes, range(seed, seed + histories), chosen, workers, tell)
        found = simulated(chosen, seed, findings, laws, played)
        found.failures = _shortest(project, shapes, found.failures, tell)
    if call.out.json:
        call.out.document(found.document())
    else:
        _show(call.out, project, found)
    return found.status


def _profile(text: str) -> str:
    from accord.simulate.models import PROFILES

    name = text.replace("-", " ").replace("_", " ").lower()
    if name not in PROFILES:
        raise UsageError(f"there is no profile {text!r}", hint="one of calm, normal, bad-day")
    return name


def _shapes(project: Project, offline: bool, sample: int, tell: Progress) -> Shapes:
    from accord.simulate.learn import learn, offline_shapes

    return offline_shapes(project) if offline else learn(project, sample, tell)


def _played(
    project: Project, shapes: Shapes, seeds: range, profile: str, workers: int, tell: Progress
) -> Iterator[Played]:
    from accord.simulate.play import play_many

    count = 1 if len(seeds) < 4 else workers
    for number, played in enumerate(play_many(project, shapes, seeds, profile, count), 1):
        tell("playing histories", number, len(seeds))
        yield played


def _shortest(project: Project, shapes: Shapes, failures: Sequence[Played], tell: Progress) -> list[Played]:
    """The shortest history of each promise that broke, made short; the other failures are counted as they are."""
    from accord.simulate.play import shorten

    first: dict[str, Played] = {}
    for played in sorted(failures, key=lambda played: (len(played.steps), played.seed)):
        first.setdefault(played.failed or "", played)
    short = {}
    for number, (promise, played) in enumerate(first.items(), 1):
        tell("shortening the failures", number, len(first))
        short[promise] = shorten(project, shapes, played)
    rest = [played for played in failures if played is not first[played.failed or ""]]
    return [*short.values(), *rest]


def _show(out: Output, project: Project, found: Simulation) -> None:
    faults = ", ".join(f"{name.replace('_', ' ')} {number:,}" for name, number in found.faults.most_common())
    out.say(
        f"{counted(found.histories, 'history', 'histories')} of a {found.profile} kind: {found.edits:,} edits, "
        f"{counted(found.rounds, 'round')}, {counted(found.crashes, 'crash', 'crashes')}"
        + (f"; faults: {faults}." if faults else "; no faults.")
    )
    broken = found.broken
    rows = [
        (name, title, f"{found.checked[name]:,}", _verdict(found, name, broken.get(name, 0)))
        for name, title in TITLES.items()
    ]
    out.table(["", "promise", "#checks", "held?"], rows, title="Promises")
    _show_day(out, found)
    _show_rows(out, found)
    _show_held(out, found)
    _show_findings(out, project, found)
    _show_failures(out, found)
    out.say(_conclusion(found))


def _verdict(found: Simulation, name: str, broken: int) -> str:
    if broken:
        return f"BROKEN in {broken:,}"
    return "held" if found.checked[name] else "never came up"


def _show_day(out: Output, found: Simulation) -> None:
    day = found.usual_day()
    if not day:
        return
    ops = ("create", "update", "delete")
    rows = [(system, *(f"{numbers.get(op, 0):.0f}" for op in ops)) for system, numbers in day.items()]
    out.table(["written to", "#created", "#updated", "#deleted"], rows, title="A hundred saved records cost")


def _show_rows(out: Output, found: Simulation) -> None:
    from accord.simulate.report import losing_rows

    rows = [
        (f"{flow} {row}", law.system, f"{law.lost + law.moved:,}", f"{law.refused:,}", law.example or law.refusal or "")
        for (flow, row), laws in losing_rows(found.laws).items()
        for law in laws
    ]
    if rows:
        columns = ["row", "in", "#changed", "#refused", "for example"]
        out.table(columns, rows, title=f"Rows that lose information, of {found.laws[0].tried:,} made values each")


def _show_held(out: Output, found: Simulation) -> None:
    held = found.grouped_held()
    if not held:
        return
    rows: list[tuple[Any, ...]] = [(kind, row, reason, f"{number:,}") for (kind, row, reason), number in held[:MOST]]
    out.table(["kind", "row", "why", "#histories"], rows, title="Held for a person")
    if len(held) > MOST:
        out.say(f"… and {len(held) - MOST:,} more kinds; --json lists all")


def _show_findings(out: Output, project: Project, found: Simulation) -> None:
    if not found.findings:
        return
    from accord.engine.checking import Finding, located

    out.say(out.heading("The mapping"))
    plain = [Finding(level=one.level, kind=one.kind, where=one.where, message=one.message) for one in found.findings]
    for finding, problem in zip(found.findings, located(project, plain), strict=True):
        out.say(f"  {finding.level}: {problem.file}:{problem.line}: {finding.flow} {finding.row}: {finding.message}")
        out.say(f"    {finding.hint}")


def _show_failures(out: Output, found: Simulation) -> None:
    from accord.simulate.report import failure_json

    seen: set[str] = set()
    for played in found.failures:
        told = failure_json(played)
        if told["promise"] in seen:
            continue
        seen.add(told["promise"])
        out.say(out.heading(f"{told['promise']} {TITLES[told['promise']]}: the shortest story (seed {told['seed']})"))
        out.say(*(out.text(line) for line in told["story"]))
        out.say(f"  → {told['message']}", f"  see it again: {told['replay']}")


def _conclusion(found: Simulation) -> str:
    if found.failures:
        names = ", ".join(sorted(found.broken, key=lambda name: int(name[1:])))
        return f"\n{counted(len(found.failures), 'history', 'histories')} broke a promise ({names})."
    if found.status:
        return "\nEvery promise held in what was played; the mapping has defects that will cost values all the same."
    return "\nEvery promise held."
