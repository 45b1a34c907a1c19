"""What a round did, for a person: counts for each flow, writes for each system, what is held, what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from accord.cli.output import Output, counted, short_ref, shown

if TYPE_CHECKING:
    from accord.engine.report import Report

COUNTS = ("observed", "edits", "links", "creates", "updates", "deletes", "held", "refused")
MOST_HELD = 10
WAYS = {
    "unreachable": "start it or mend its address, then `accord run`; everything else went on",
    "unauthorized": "mend its credentials, then `accord check`",
    "protocol": "look at what it answers with `accord check`; nothing was taken from that answer",
    "locked": "wait until the other round ends; `accord status` shows who is at work",
    "state": "nothing was written; see `accord status`",
}


def show_report(out: Output, report: Report) -> None:
    """Everything about a round that was carried out."""
    for pause in report.paused:
        out.say(f"{pause}.")
    show_counts(out, report.flows)
    _writes(out, report)
    show_refused(out, report.refused)
    show_held(out, report.held)
    show_errors(out, report.errors)
    out.say(_conclusion(report))


def show_counts(out: Output, flows: Mapping[str, Mapping[str, int]]) -> None:
    """A line for each flow; columns that are empty everywhere are left out."""
    if not flows:
        return
    columns = [name for name in COUNTS if name in ("observed", "creates", "updates") or _any(flows, name)]
    rows = [(name, *(counts.get(column) or "·" for column in columns)) for name, counts in flows.items()]
    out.table(["flow", *(f"#{_TITLES.get(column, column)}" for column in columns)], rows)


_TITLES = {"observed": "read"}


def _any(flows: Mapping[str, Mapping[str, int]], column: str) -> bool:
    return any(counts.get(column) for counts in flows.values())


def _writes(out: Output, report: Report) -> None:
    rows = [
        (system, *(counts.get(op) or "·" for op in ("create", "update", "delete")), report.requests.get(system, 0))
        for system, counts in report.writes.items()
    ]
    if rows:
        out.table(["written to", "#created", "#updated", "#deleted", "#requests"], rows, title="")


def show_held(out: Output, held: Sequence[Mapping[str, Any]], most: int = MOST_HELD) -> None:
    """What waits for a person, the first few, and how to see the rest."""
    if not held:
        return
    out.say(out.heading(f"Held for a person: {len(held):,}"))
    for item in [*_brakes_first(held)][:most]:
        where = ", ".join(short_ref(ref) for ref in item["refs"][:2]) or item["flow"] or ""
        row = f" {item['row']}" if item["row"] and item["kind"] != "brake" else ""
        out.say(f"  {item['id']:>4}  {item['kind']}  {where}{row}")
        out.say(f"        {item['reason']}")
    if len(held) > most:
        out.say(f"  … and {len(held) - most:,} more")
    out.say("  `accord held list` shows all; `accord held show ID` the values, and what can be done.")


def _brakes_first(held: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(held, key=lambda item: item["kind"] != "brake")


def show_refused(out: Output, refused: Sequence[Mapping[str, Any]]) -> None:
    """Writes of a kept plan that were not made."""
    if not refused:
        return
    out.say(out.heading(f"Refused, because the records are no longer as they were planned from: {len(refused):,}"))
    for write in refused:
        changes = ", ".join(
            f"{row}: {shown(old, most=40)} → {shown(new, most=40)}" for row, (old, new) in write["changes"].items()
        )
        where = short_ref(write["ref"]) if write["ref"] else f"a new record in {write['system']}"
        out.say(f"  {write['op']} {where}: {changes or write['reason']}")
    out.say("  Plan again to see what would be written now: `accord plan`.")


def show_errors(out: Output, errors: Sequence[Mapping[str, str]]) -> None:
    """What failed, and the way out."""
    for error in errors:
        out.note(f"error ({error['kind']}): {error['message']}")
        way = WAYS.get(error["kind"])
        if way:
            out.note(f"  {way}")


def _conclusion(report: Report) -> str:
    written = sum(sum(counts.values()) for counts in report.writes.values())
    did = f"{counted(written, 'write')} in run {report.run}" if written else f"Nothing to write in run {report.run}"
    rest = []
    if report.held:
        rest.append(f"{len(report.held):,} held")
    if report.refused:
        rest.append(f"{len(report.refused):,} refused")
    if report.errors:
        rest.append(counted(len(report.errors), "error"))
    if report.stopped:
        rest.append("ended early, as asked; the next round does the rest")
    return f"\n{did}; " + (", ".join(rest) if rest else "everything is in step") + "."
