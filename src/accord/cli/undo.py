"""`undo`: the plan that takes our own writes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from accord.cli.call import By, Call
from accord.cli.output import Output, counted, short_ref
from accord.cli.refs import RefText, ref_of
from accord.cli.rounds import Approve, options_of, plan_status, round_report
from accord.errors import UsageError

if TYPE_CHECKING:
    from accord.config.meaning import Project
    from accord.engine.report import Report
    from accord.engine.undoing import Wanted

MOST = 20


def undo(
    call: Call,
    target: Annotated[
        str | None, typer.Argument(metavar="[RUN|REF]", help="The number of a run, or a record: SYSTEM/DATATYPE/ID.")
    ] = None,
    run: Annotated[int | None, typer.Option("--run", metavar="RUN", help="What this run wrote.")] = None,
    link: Annotated[int | None, typer.Option("--link", metavar="LINK", help="What was written to this link.")] = None,
    ref: RefText = None,
    row: Annotated[str | None, typer.Option("--row", metavar="ROW", help="Only this row.")] = None,
    carry_out: Annotated[bool, typer.Option("--apply", help="Do it; else it is only shown.")] = False,
    approve: Approve = None,
    by: By = None,
) -> int:
    """Show the plan that takes our writes back; with --apply carry it out. Only where the record still has the value
    that we wrote: what somebody changed since is left alone, and listed.

    Example: `accord undo 12`, `accord undo --link 17 --row name --apply`.
    """
    from accord.engine.round import undo_round

    project = call.project()
    wanted = _wanted(project, target, run, link, ref, row)
    options = options_of(project, False, None, None, approve, by)
    report = round_report(
        call, project, lambda caller: undo_round(project, wanted, options, caller, carry_out=carry_out)
    )
    if report is None:
        return 1
    if call.out.json:
        found = report.as_json()
        found.pop("plans", None)
        call.out.document(found)
    else:
        _show(call.out, report, project, carry_out)
    return plan_status(report, False)


def _wanted(
    project: Project, target: str | None, run: int | None, link: int | None, ref: str | None, row: str | None
) -> Wanted:
    from accord.engine.undoing import Wanted

    if target is not None and target.isdecimal() and run is None:
        run = int(target)
    elif target is not None and "/" in target and ref is None:
        ref = target
    elif target is not None:
        raise UsageError(f"{target!r} is neither the number of a run nor SYSTEM/DATATYPE/ID")
    if run is None and link is None and ref is None:
        raise UsageError("undo what?", hint="name a run, --link LINK or --ref REF; `accord history` shows them")
    return Wanted(run=run, link=link, ref=ref_of(ref, project) if ref else None, row=row)


def _show(out: Output, report: Report, project: Project, carried_out: bool) -> None:
    from accord.cli.planned import show_plan
    from accord.cli.reports import show_report

    _show_left(out, report.left or [])
    if carried_out:
        show_report(out, report)
    else:
        show_plan(out, report, project, every=False, kept=None, command="the same with --apply")


def _show_left(out: Output, left: Sequence[Mapping[str, Any]]) -> None:
    if not left:
        return
    out.say(out.heading(f"Left as it is: {len(left):,}"))
    for item in left[:MOST]:
        row = f" {item['row']}" if item["row"] else ""
        out.say(f"  {short_ref(item['ref'])}{row}: {item['reason']}")
    if len(left) > MOST:
        out.say(f"  … and {counted(len(left) - MOST, 'more', 'more')}; --json lists all")
    out.say("")
