"""`plan`, `apply`, `run`: the three ways to call a round."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from accord.cli.call import By, Call, one_of, person
from accord.errors import AccordError, MendFile

if TYPE_CHECKING:
    from accord.config.meaning import Project
    from accord.engine.report import Report
    from accord.engine.round import Caller
    from accord.engine.setting import Options

Flows = Annotated[list[str] | None, typer.Option("--flow", metavar="FLOW", help="Only this flow. Repeatable.")]
Systems = Annotated[
    list[str] | None, typer.Option("--system", metavar="SYSTEM", help="Read only this system anew. Repeatable.")
]
Full = Annotated[bool, typer.Option("--full", help="List everything, not only what changed.")]
Approve = Annotated[
    list[str] | None,
    typer.Option("--approve", metavar="LIMIT", help="Lift a limit: 'deletes<=120', 'customer:deletes<=120'."),
]


def plan(
    call: Call,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Keep the plan, for `accord apply FILE`.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Exit status 4 when there is anything to write.")] = False,
    all: Annotated[bool, typer.Option("--all", help="List every write, however many.")] = False,
    full: Full = False,
    flow: Flows = None,
    system: Systems = None,
    approve: Approve = None,
) -> int:
    """Show what a round would write, and why. Nothing is written to any system.

    Example: `accord plan -o plan.json`, and when it is good, `accord apply plan.json`.
    """
    from accord.engine.round import plan_round

    project = call.project()
    options = options_of(project, full, flow, system, approve, None)
    report = round_report(call, project, lambda caller: plan_round(project, options, caller))
    if report is None:
        return 1
    if output is not None:
        _keep(call, project, report, output)
    if call.out.json:
        call.out.document(_without_digests(report))
    else:
        from accord.cli.planned import show_plan

        show_plan(call.out, report, project, every=all, kept=output)
    return plan_status(report, check)


def run(
    call: Call,
    full: Full = False,
    flow: Flows = None,
    system: Systems = None,
    approve: Approve = None,
    by: By = None,
) -> int:
    """One round: find what was edited, and bring every other side in step.

    Example: `accord run`, or `accord run --flow customer --approve 'deletes<=120'`.
    """
    project = call.project()
    return _carry_out(call, project, options_of(project, full, flow, system, approve, by))


def apply(
    call: Call,
    file: Annotated[Path | None, typer.Argument(metavar="[PLAN.JSON]", help="A plan kept by `accord plan -o`.")] = None,
    approve: Approve = None,
    by: By = None,
) -> int:
    """Write exactly what a kept plan says. A write whose ground has moved is refused and named.

    Without a file it plans and applies at once, like `accord run`. Example: `accord apply plan.json`.
    """
    project = call.project()
    options = options_of(project, False, None, None, approve, by)
    if file is None:
        return _carry_out(call, project, options)
    from accord.cli.planfile import read_plan
    from accord.engine.kept import apply_kept

    kept = read_plan(file, project)
    report = round_report(call, project, lambda caller: apply_kept(project, kept, options, caller))
    return 1 if report is None else _say(call, report)


def _carry_out(call: Call, project: Project, options: Options) -> int:
    from accord.engine.round import run_round

    report = round_report(call, project, lambda caller: run_round(project, options, caller))
    return 1 if report is None else _say(call, report)


def options_of(
    project: Project,
    full: bool,
    flows: list[str] | None,
    systems: list[str] | None,
    approve: list[str] | None,
    by: str | None,
) -> Options:
    from accord.core.guard import Approval
    from accord.engine.setting import Options

    approvals = tuple(Approval.parse(text) for text in approve or ())
    one_of("flow", [found.flow for found in approvals if found.flow], project.flows)
    return Options(
        full=full,
        flows=one_of("flow", flows or (), project.flows),
        systems=one_of("system", systems or (), project.systems),
        approvals=approvals,
        by=person(by),
    )


def _collect_rarely() -> None:
    """A round makes many small values and few circles: looking for circles less often saves a tenth of its time."""
    import gc

    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def round_report(call: Call, project: Project, work: Callable[[Caller], Report]) -> Report | None:
    """The report of a round; None when it could not begin and the document that says so is written."""
    from accord.cli.progress import progress
    from accord.engine.checking import refuse_wrong
    from accord.engine.round import Caller

    refuse_wrong(project)
    _collect_rarely()
    started = call.clock.now()
    try:
        with progress(call.out) as show:
            return work(Caller(clock=call.clock, progress=show))
    except MendFile:
        raise
    except AccordError as error:
        if not call.out.json:
            raise
        from accord.cli.failures import entry, report

        finished = call.clock.now().isoformat()
        empty: dict[str, Any] = {"run": None, "started": started.isoformat(), "finished": finished, "flows": {}}
        call.out.document({**empty, "writes": {}, "requests": {}, "held": [], "errors": [entry(error)]})
        report(error, call.out, in_json=False)
        return None


def _say(call: Call, report: Report) -> int:
    if call.out.json:
        call.out.document(report.as_json())
    else:
        from accord.cli.reports import show_report

        show_report(call.out, report)
    return report.status


def _without_digests(report: Report) -> dict[str, Any]:
    document = report.as_json()
    document.pop("plans", None)
    return document


def plan_status(report: Report, check: bool) -> int:
    differs = bool(report.writes_planned) or any(item["kind"] == "brake" for item in report.held)
    return 4 if check and differs and not report.errors else report.status


def _keep(call: Call, project: Project, report: Report, output: Path) -> None:
    from accord.cli.planfile import write_plan

    write_plan(output, project, report, call.clock.now(), call.out)
