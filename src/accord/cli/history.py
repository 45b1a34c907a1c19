"""`history`: what was written, when, by which run, and because of which edit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from accord.cli.call import Call, parse_time
from accord.cli.output import Output, short_ref, shown
from accord.cli.refs import RefText, SystemName, check_names, some_ref

if TYPE_CHECKING:
    from accord.store.opening import State
    from accord.stored import HistoryLine

LIMIT = 50
"""How many lines a person sees, the latest; JSON has all unless --limit is given."""
DELETED_ROWS = 2


def history(
    call: Call,
    run: Annotated[int | None, typer.Option("--run", metavar="RUN", help="Only this run.")] = None,
    link: Annotated[int | None, typer.Option("--link", metavar="LINK", help="Only this link.")] = None,
    ref: RefText = None,
    row: Annotated[str | None, typer.Option("--row", metavar="ROW", help="Only changes of this row.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help="Only from then on (ISO 8601).")] = None,
    system: SystemName = None,
    limit: Annotated[int | None, typer.Option("--limit", metavar="N", help="At most so many, the latest.")] = None,
) -> int:
    """What was written and decided, the latest last. With --json one object a line.

    Example: `accord history --run 12`, `accord history --ref custompms/customer/17 --row name --json`.
    """
    project = call.project()
    check_names(project, None, system)
    named = some_ref(ref, project)
    moment = parse_time(since, "--since").astimezone(_utc()).isoformat() if since else None
    filters = {"run": run, "link": link, "ref": str(named) if named else None, "row": row, "since": moment}
    with call.state(project) as state:
        lines = _lines(state, filters, system, limit if call.out.json else limit or LIMIT)
        if call.out.json:
            for line in lines:
                call.out.line(history_json(line))
            return 0
        found = [history_json(line) for line in lines]
    if found:
        show_lines(call.out, found)
    else:
        call.out.say("Nothing was written yet." if not any(filters.values()) else "Nothing in the history is so.")
    if limit is None and len(found) == LIMIT:
        call.out.note(f"the latest {LIMIT}; --limit shows more")
    return 0


def _utc() -> Any:
    from datetime import UTC

    return UTC


def _lines(state: State, filters: Mapping[str, Any], system: str | None, limit: int | None) -> Iterable[HistoryLine]:
    if limit is None:
        return _of_system(state.history.list(**filters), system)
    latest = list(islice(_of_system(state.history.list(**filters, newest_first=True), system), limit))
    return reversed(latest)


def _of_system(lines: Iterator[HistoryLine], system: str | None) -> Iterator[HistoryLine]:
    return (line for line in lines if system is None or line.system == system)


def history_json(line: HistoryLine) -> dict[str, Any]:
    """One line of `history --json`."""
    return {
        "run": line.run,
        "at": line.at,
        "flow": line.flow,
        "link": line.link,
        "system": line.system,
        "ref": line.ref,
        "op": line.op,
        "changes": {row: list(pair) for row, pair in line.changes.items()},
        "outcome": line.outcome,
        "reason": line.reason,
        "caused_by": dict(line.caused_by) if line.caused_by else None,
        "by": line.by,
    }


def show_lines(out: Output, lines: Iterable[Mapping[str, Any]]) -> None:
    """A few lines of text for each line of history: when, what, old → new, why."""
    from rich.text import Text

    for line in lines:
        head = Text(f"run {line['run']}  {line['at'][:19].replace('T', ' ')}  ", style="dim")
        head.append(out.text(_what(line)), style="bold")
        out.say(head)
        out.say(*(f"    {text}" for text in change_texts(line["op"], line["changes"])))
        out.say(f"    {_why(line)}")


def _what(line: Mapping[str, Any]) -> str:
    where = short_ref(line["ref"]) if line["ref"] else f"link {line['link']}"
    failed = f" ({line['outcome']})" if line["outcome"] not in ("applied", "done") else ""
    flow = f", flow {line['flow']}" if line["flow"] else ""
    return f"{line['op']} {where}{failed}{flow}"


def change_texts(op: str, changes: Mapping[str, Any]) -> Iterator[str]:
    """`name: Old → New` of each row; of a create only what is new, of a delete the first values that were there."""
    for number, (row, (old, new)) in enumerate(changes.items()):
        if op == "delete" and number >= DELETED_ROWS:
            yield f"and {', '.join(list(changes)[number:])}"
            return
        yield f"{row}: " + {"create": shown(new, most=60), "delete": shown(old, most=60)}.get(
            op, f"{shown(old, most=60)} → {shown(new, most=60)}"
        )


def _why(line: Mapping[str, Any]) -> str:
    return f"{line['reason']} (by {line['by']})" if line["by"] and line["by"] not in line["reason"] else line["reason"]
