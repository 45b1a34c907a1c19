"""`suggest`: rows and match rules that a flow might have, with a score and the reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from accord.cli.call import Call, one_of
from accord.cli.output import Output, counted
from accord.errors import UsageError

if TYPE_CHECKING:
    from accord.engine.suggesting import Suggested, SuggestedRow

SAMPLE = 2000
MATCHES = 3


def suggest(
    call: Call,
    flow: Annotated[str, typer.Argument(metavar="FLOW", help="A flow of the project file; its rows may be empty.")],
    sample: Annotated[
        int, typer.Option("--sample", metavar="N", help="Look at so many records of each datatype.")
    ] = SAMPLE,
) -> int:
    """Propose rows and match rules for a flow, from the names, types and values of both sides: what is written already
    is left out. Nothing is written; copy what fits.

    Example: `accord suggest customer`, `accord suggest customer --sample 10000 --json`.
    """
    from accord.engine.suggesting import suggest as ask

    project = call.project()
    one_of("flow", [flow], project.flows)
    if sample < 1:
        raise UsageError("--sample must be 1 or more")
    found = ask(project, project.flows[flow], sample)
    if call.out.json:
        call.out.document({"flow": flow, "pairs": [_document(each) for each in found]})
    else:
        for each in found:
            _show(call.out, each)
    return 0


def _document(found: Suggested) -> dict[str, Any]:
    return {
        "systems": [found.left, found.right],
        "records": list(found.records),
        "paired_by": list(found.paired_by) if found.paired_by else None,
        "paired": found.pairs,
        "rows": [
            {
                "row": row_body(found, row),
                "score": row.score,
                "reasons": list(row.reasons),
                "examples": [list(pair) for pair in row.examples],
            }
            for row in found.rows
        ],
        "match": [{"rule": list(one.rule), "score": one.score, "reason": one.reason} for one in found.match],
    }


def row_body(found: Suggested, row: SuggestedRow) -> dict[str, Any]:
    """The row as the project file has it."""
    body: dict[str, Any] = {found.left: row.left, found.right: row.right, "type": row.type}
    if row.map:
        body["map"] = {str(key): value for key, value in row.map.items()}
    if row.scale:
        scale = int(row.scale) if row.scale.isdecimal() else float(row.scale)
        body["lens"] = {found.right: {"scale": scale}}
    return body


def _show(out: Output, found: Suggested) -> None:
    from accord.config.writing import flow_text

    records = f"{found.records[0]:,} and {found.records[1]:,} records looked at"
    paired = f"{counted(found.pairs, 'is', 'are')} on both sides" if found.paired_by else "too few are on both sides"
    by = f", by {found.paired_by[0]} = {found.paired_by[1]}" if found.paired_by else ""
    out.say(f"{found.flow}, {found.left} and {found.right}: {records}; {paired}{by}.")
    if not found.rows:
        out.say("No rows to propose: what is alike is in the file, or there are no records to go by.")
        return
    out.say(out.heading("Rows, the surest first"))
    for row in found.rows:
        out.raw(f"      # {row.score:.2f}: {'; '.join(row.reasons) or 'the types fit'}\n")
        out.raw(f"      - {flow_text(row_body(found, row))}\n")
    if found.match:
        out.say(out.heading("Match rules"))
        for one in found.match[:MATCHES]:
            out.raw(f"      # {one.score:.2f}: {one.reason}\n")
        rules = ", ".join(f"[{', '.join(one.rule)}]" for one in found.match[:MATCHES])
        out.raw(f"    match: [{rules}]\n")
