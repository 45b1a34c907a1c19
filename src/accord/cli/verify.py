"""`verify`: the checklist of the dataflow document, executed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from accord.cli.call import Call, one_of
from accord.cli.output import Output, counted, shown
from accord.cli.progress import progress
from accord.cli.rounds import Flows
from accord.errors import AccordError, Locked, UsageError

if TYPE_CHECKING:
    from accord.config.meaning import Project
    from accord.verify.results import Difference, Verification

FORMATS = ("text", "html", "junit")
MOST = 20
SIGNS = {"passed": "✓", "failed": "✗", "held": "•", "not_tried": " "}
STYLES = {"passed": "green", "failed": "bold red", "held": "yellow", "not_tried": "dim"}


def verify(
    call: Call,
    flow: Flows = None,
    format: Annotated[str, typer.Option("--format", metavar="FORMAT", help="text, html or junit.")] = "text",
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where it goes.")] = None,
    most: Annotated[int, typer.Option("--limit", metavar="N", help="At most so many differences in text.")] = MOST,
    live: Annotated[bool, typer.Option("--live", help="Also make, edit and delete marked records.")] = False,
    clean_up: Annotated[bool, typer.Option("--clean-up", help="Only remove what an interrupted --live left.")] = False,
) -> int:
    """Read both sides afresh and check every line of the dataflow document. Exit status 4 on a difference.

    Example: `accord verify`, `accord verify --format html -o signed-off.html`, `accord verify --live`.
    """
    project = call.project()
    one_of("format", [format], FORMATS)
    flows = one_of("flow", flow or (), project.flows)
    if clean_up:
        return _clean_up(call, project)
    found = _verified(call, project, flows, live)
    _say(call, found, format, output, most)
    return found.status


def _verified(call: Call, project: Project, flows: frozenset[str], live: bool) -> Verification:
    from accord.engine.checking import refuse_wrong
    from accord.verify.run import verify as check_all

    refuse_wrong(project)
    with call.state(project):  # there must be one
        pass
    with progress(call.out) as tell:
        tried = None
        if live:
            from accord.verify.live import try_live

            tried = try_live(project, call.clock, tell, flows)
        with call.state(project) as state:
            found = check_all(project, state, call.clock.now, tell, flows, _planned(call, project))
    if tried is not None:
        from accord.verify.live import with_live

        found = with_live(found, tried)
    return found


def _planned(call: Call, project: Project) -> Callable[[], int | None]:
    """How many writes a round would make now; None where that cannot be said."""

    def count() -> int | None:
        from threading import Thread

        from accord.engine.round import Caller, plan_round
        from accord.engine.setting import Options

        answer: list[int | None] = [None]

        def work() -> None:
            try:
                report = plan_round(project, Options(), Caller(clock=call.clock))
            except AccordError as error:
                if not isinstance(error, Locked):
                    call.out.note(f"the plan: {error.message}")
                return
            answer[0] = None if report.errors else len(report.writes_planned or [])

        thread = Thread(target=work)  # the verification has an event loop of its own
        thread.start()
        thread.join()
        return answer[0]

    return count


def _clean_up(call: Call, project: Project) -> int:
    from accord.verify.live import clean_up

    with progress(call.out) as tell:
        removed = clean_up(project, tell)
    if call.out.json:
        call.out.document({"removed": removed})
    else:
        call.out.say(f"{counted(len(removed), 'record')} removed." if removed else "Nothing was left.")
    return 0


def _say(call: Call, found: Verification, format: str, output: Path | None, most: int) -> None:
    text = _text(found, format)
    if output is not None and text is not None:
        try:
            output.write_text(text, "utf-8")
        except OSError as error:
            raise UsageError(f"{output} cannot be written: {error.strerror}") from error
        call.out.note(f"wrote {output}")
    if call.out.json:
        call.out.document(found.document())
    elif text is not None and output is None:
        call.out.raw(text)
    elif text is None and output is not None:
        raise UsageError("-o takes --format html or junit", hint="or redirect the text: `accord verify > FILE`")
    else:
        _show(call.out, found, most)


def _text(found: Verification, format: str) -> str | None:
    from accord.verify.render import junit, page

    if format == "junit":
        return junit(found)
    if format == "html":
        return page(found, f"Generated on {found.finished[:16].replace('T', ' ')} UTC.")
    return None


def _show(out: Output, found: Verification, most: int) -> None:
    from rich.text import Text

    for part in found.parts:
        out.say(out.heading(f"{part.heading} ({part.flow}: {part.source} to {part.target})"))
        for line in part.lines:
            text = Text(f"  {SIGNS[line.outcome]} ", style=STYLES[line.outcome])
            text.append(out.text(line.id))
            text.append(f"  {out.text(line.message)}", style="dim")
            out.say(text)
    _show_differences(out, found.differences, most)
    for error in found.errors:
        out.note(f"error ({error['kind']}): {error['message']}")
    out.say(_conclusion(found))


def _show_differences(out: Output, differences: list[Difference], most: int) -> None:
    if not differences:
        return
    out.say(out.heading(f"Differences: {len(differences):,}"))
    for one in differences[:most]:
        out.say(f"  {one.message}")
        values: dict[str, Any] = dict(one.values)
        if values:
            out.say("    " + ", ".join(f"{system}: {shown(value, most=60)}" for system, value in values.items()))
        out.say(f"    {', '.join(one.refs)}", f"    → {one.hint}")
    if len(differences) > most:
        out.say(f"  … and {len(differences) - most:,} more; --limit or --json shows them")


def _conclusion(found: Verification) -> str:
    counts = found.counts()
    read = ", ".join(f"{number:,} of {name}" for name, number in found.records.items())
    parts = [f"{counts['passed']} lines passed"]
    parts += [f"{counts['failed']} differ"] if counts["failed"] else []
    parts += [f"{counts['held']} held for a person"] if counts["held"] else []
    parts += [f"{counts['not_tried']} to be tried by hand or with --live"] if counts["not_tried"] else []
    return f"\nRead afresh: {read}. {', '.join(parts)}."
