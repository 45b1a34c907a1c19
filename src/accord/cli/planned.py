"""A plan that a person can judge: what, where, old → new of each row, why; grouped where there is much of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.cli.output import Output, counted, short_ref, shown
from accord.cli.reports import show_errors, show_held

if TYPE_CHECKING:
    from rich.text import Text

    from accord.config.meaning import Project
    from accord.engine.report import Report

MOST = 30
EXAMPLES = 3
MOST_ROWS = {"create": 6, "delete": 2}
_SIGNS = {"create": "+", "update": "~", "delete": "-"}
_STYLES = {"create": "green", "update": "yellow", "delete": "red"}


def show_plan(
    out: Output, report: Report, project: Project, *, every: bool, kept: Path | None, command: str = "`accord run`"
) -> None:
    """The whole plan."""
    writes = report.writes_planned or []
    for pause in report.paused:
        out.say(f"{pause}.")
    for notice in report.notices:
        out.say(f"Look first: {notice}.")
    if len(writes) > MOST and not every:
        _grouped(out, writes)
    else:
        for write in writes:
            _write(out, write)
    show_held(out, report.held)
    show_errors(out, report.errors)
    out.say(_summary(writes, report))
    if kept is not None:
        out.say(f"Kept in {kept}: `accord apply {kept}` writes exactly this.")
    elif writes and not report.errors:
        out.say(f"{command} does it.")


def _grouped(out: Output, writes: Sequence[Mapping[str, Any]]) -> None:
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for write in writes:
        groups.setdefault((write["flow"], write["system"], write["op"]), []).append(write)
    out.table(["flow", "system", "operation", "#writes"], [(*key, f"{len(some):,}") for key, some in groups.items()])
    for (flow, system, op), some in groups.items():
        out.say(
            out.heading(f"{flow}: {op} in {system}, {len(some):,}" + (", for example" if len(some) > EXAMPLES else ""))
        )
        for write in some[:EXAMPLES]:
            _write(out, write)
    out.say("", "`accord plan --all` lists every write.")


def _write(out: Output, write: Mapping[str, Any]) -> None:
    from rich.text import Text

    op = write["op"]
    where = short_ref(write["ref"]) if write["ref"] else f"{write['system']} (new)"
    line = Text(f"{_SIGNS[op]} {op} ", style=_STYLES[op])
    line.append(out.text(where), style="bold")
    line.append(out.text(f"  {write['flow']}, link {write['link']}: {write['reason']}"), style="dim")
    out.console.print(line)
    changes = list(write["changes"].items())
    most = MOST_ROWS.get(op, len(changes))
    for row, (old, new) in changes[:most]:
        out.console.print(_change(out, op, row, old, new))
    if len(changes) > most:
        rest = ", ".join(row for row, _ in changes[most:])
        out.say(f"    and {rest}")


def _change(out: Output, op: str, row: str, old: Any, new: Any) -> Text:
    """`    name: Old → New`; of a create only what is new, of a delete what was there."""
    from rich.text import Text

    line = Text(out.text(f"    {row}: "))
    if op != "create":
        line.append(out.text(shown(old)), style="red")
    if op == "update":
        line.append(" → ")
    if op == "create" and new is None:
        line.append("(created in the same run)", style="green")
    elif op != "delete":
        line.append(out.text(shown(new)), style="green")
    return line


def _summary(writes: Sequence[Mapping[str, Any]], report: Report) -> str:
    if not writes:
        if report.held:
            return f"\nNothing would be written; {len(report.held):,} held for a person."
        return "\nNothing to write" + ("." if report.errors else ": everything is in step.")
    counts: dict[tuple[str, str], int] = {}
    for write in writes:
        key = (write["system"], write["op"])
        counts[key] = counts.get(key, 0) + 1
    parts = [f"{counted(number, op)} in {system}" for (system, op), number in sorted(counts.items())]
    held = f"; {len(report.held):,} held" if report.held else ""
    return f"\n{counted(len(writes), 'write')} planned: {', '.join(parts)}{held}. Nothing was written."
