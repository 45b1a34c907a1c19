"""`discover --probe`: the plan, the question, the probe, and what was found out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import typer

from accord.cli.call import Call
from accord.cli.output import Output, counted
from accord.cli.progress import progress
from accord.errors import SystemFailure, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accord.config.meaning import Project
    from accord.engine.discovering import FoundDatatype
    from accord.probing.found import FoundOfDatatype, Probed
    from accord.probing.run import Planned

SIGNS = {"fact": " ", "warning": "!", "problem": "✗"}


def probe(call: Call, project: Project, system: str, found: Sequence[FoundDatatype], *, yes: bool) -> Probed | None:
    """Plan, ask and probe; None where the answer was no. What was found out is shown."""
    from accord.probing.run import Probe

    one = Probe(project, system, found)
    planned = one.plan()
    _show_plan(call.out, system, planned, one.others)
    if not _agreed(call.out, system, yes):
        return None
    try:
        with progress(call.out) as tell:
            probed = one.run(tell)
    except (SystemFailure, KeyboardInterrupt):
        call.out.note(f"what is left is noted: `accord discover {system} --probe --clean-up` removes it")
        raise
    if not call.out.json:
        _show(call.out, project, probed)
    return probed


def document(project: Project, probed: Probed) -> dict[str, Any]:
    """The JSON of what was found out, with what the file should say."""
    from accord.probing.proposing import proposals

    system = project.systems[probed.system]
    found = probed.document()
    for each, one in zip(found["datatypes"], probed.datatypes, strict=True):
        each["proposed"] = {
            proposal.path: dict(proposal.then) for proposal in proposals(one, system.datatypes[one.name])
        }
    return found


def entries(project: Project, probed: Probed) -> dict[str, dict[str, dict[str, Any]]]:
    """Datatype → property → what the file should say of it."""
    from accord.probing.proposing import proposals

    datatypes = project.systems[probed.system].datatypes
    return {
        one.name: {proposal.path: dict(proposal.then) for proposal in proposals(one, datatypes[one.name])}
        for one in probed.datatypes
    }


def clean_up(call: Call, project: Project, system: str) -> int:
    """Remove what an interrupted probe left. Exit status 1 where something is left."""
    import asyncio

    from accord.probing.cleaning import clean_up as clean
    from accord.probing.run import refuse

    refuse(project, system)
    with progress(call.out) as tell:
        cleaned = asyncio.run(clean(project, project.systems[system], tell))
    if call.out.json:
        call.out.document(
            {
                "removed": cleaned.removed,
                "left": cleaned.left,
                "not_ours": cleaned.not_ours,
                "waiting": round(cleaned.waiting, 1),
            }
        )
    else:
        gone = counted(len(cleaned.removed), "record")
        call.out.say(f"{gone} removed." if cleaned.removed else "Nothing was left.")
    for name in cleaned.not_ours:
        call.out.note(f"{name} does not hold the mark of a probe: left alone")
    for name in cleaned.left:
        call.out.note(f"{name} could not be removed; remove it by hand, or try again")
    if cleaned.waiting:
        call.out.note(
            f"a create that was cut off may take effect for another {cleaned.waiting:.0f} s; call this again after that"
        )
    return 1 if cleaned.left or cleaned.waiting else 0


def _show_plan(out: Output, system: str, planned: Sequence[Planned], others: Sequence[str]) -> None:
    say = out.note if out.json else out.say
    say(f"{system} is a sandbox. Made-up records, marked, are written to it and removed again:")
    for one in planned:
        if one.why_not:
            say(f"  {one.title} ({one.name}): none; {one.why_not}")
            continue
        sizes = f"at most {counted(one.records, 'record')} and {counted(one.writes, 'edit')}"
        bin = "; deleted ones stay in its bin" if one.soft else ""
        say(f"  {one.title} ({one.name}): {sizes}; {counted(len(one.properties), 'property', 'properties')}{bin}")
        if one.untried:
            say(f"    not tried: {', '.join(one.untried)}")
    if others:
        say(f"  not in the project file, and so not probed: {', '.join(others)}")


def _agreed(out: Output, system: str, yes: bool) -> bool:
    if yes:
        return True
    if out.json or not sys.stdin.isatty():
        raise UsageError(
            "a probe is not begun without a word", hint=f"`accord discover {system} --probe --yes` begins it"
        )
    return typer.confirm("Begin?", default=False, err=True)


def _show(out: Output, project: Project, probed: Probed) -> None:
    from accord.probing.proposing import lines, proposals

    diff: list[str] = []
    for one in probed.datatypes:
        _show_datatype(out, one)
        diff += lines(probed.system, one.name, proposals(one, project.systems[probed.system].datatypes[one.name]))
    if diff:
        out.say(out.heading("What the project file should say"))
        out.say(*diff)
        out.say("", "--write adds the properties that the file does not name; what it names, change by hand.")
    for name in probed.left:
        out.note(f"{name} could not be removed: `accord discover {probed.system} --probe --clean-up` tries again")
    out.say(f"\n{_conclusion(probed)}")


def _show_datatype(out: Output, one: FoundOfDatatype) -> None:
    out.say(out.heading(one.name))
    if one.why_not:
        out.say(f"not probed: {one.why_not}")
        return
    counts = (
        f"{one.before} records before, {one.after} after" if one.after is not None else f"{one.before} records before"
    )
    out.say(f"{counted(one.made, 'record')} made and removed; {counts}.")
    out.table(
        ["property", "", "", "what was seen"],
        [(path or "·", SIGNS[fact.level], fact.word, fact.said) for path, fact in one.all_facts()],
    )
    quiet = [each.path for each in one.properties if each.tried and not each.facts]
    if quiet:
        out.say(f"As given: {', '.join(quiet)}.")
    untried = [each.path for each in one.properties if not each.tried]
    if untried:
        out.say(f"Not tried: {', '.join(untried)}.")


def _conclusion(probed: Probed) -> str:
    facts = [fact for one in probed.datatypes for _, fact in one.all_facts()]
    problems = sum(fact.level == "problem" for fact in facts)
    if probed.status == 1:
        return "Not everything could be probed, or removed."
    if problems:
        return f"{counted(problems, 'time')} the project file, or what the connector declares, says otherwise (✗)."
    return "Nothing contradicts the project file or what the connector declares."
