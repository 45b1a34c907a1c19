"""`explain`: why a property has this value, or why a record was not written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from accord.cli.call import Call, has_state
from accord.cli.output import Output, short_ref, shown
from accord.cli.refs import ref_of
from accord.cli.reports import show_held
from accord.errors import UsageError

if TYPE_CHECKING:
    from accord.config.meaning import Project
    from accord.model import Ref


def explain(
    call: Call,
    ref: Annotated[str, typer.Argument(metavar="REF", help="A record: SYSTEM/DATATYPE/ID, the id percent-encoded.")],
    row: Annotated[str | None, typer.Argument(metavar="[PROPERTY]", help="A row, or a path in that system.")] = None,
    test: Annotated[
        bool, typer.Option("--as-test", help="What happened last, as a test for the project file.")
    ] = False,
) -> int:
    """Why a record has its values, or why nothing was written: edit, system, rule and run of every row.

    Example: `accord explain custompms/customer/17 name`, or `accord explain custompms/customer/17 --as-test`.
    """
    project = call.project()
    if test:
        return _as_test(call, project, ref_of(ref, project))
    found = _explained(call, project, ref_of(ref, project), row)
    if call.out.json:
        call.out.document(found)
    elif found["link"] is None:
        _show_alone(call.out, found)
    else:
        _show(call.out, project, found)
    return 0


def _explained(call: Call, project: Project, ref: Ref, row: str | None) -> dict[str, Any]:
    from accord.engine.explaining import explain_alone, explain_link, find_link, row_names, unmapped

    if not has_state(project):
        return explain_alone(project, None, ref)
    with call.state(project) as state:
        link = find_link(state, ref)
        if link is None:
            return explain_alone(project, state, ref)
        flow = project.flows.get(link.flow)
        found = explain_link(state, flow, link, ref, row_names(flow, ref.system, row) if flow else [])
        if flow is not None and row is not None and not found["rows"]:
            found["unmapped"] = unmapped(flow, ref.system, row)
        return found


def _as_test(call: Call, project: Project, ref: Ref) -> int:
    from accord.engine.as_test import as_test
    from accord.engine.explaining import find_link
    from accord.engine.setting import compile_flows

    with call.state(project) as state:
        link = find_link(state, ref)
        if link is None or link.flow not in project.flows:
            raise UsageError(f"{ref} is in no link, so that there is nothing to test")
        text = as_test(state, compile_flows(project), link)
    if call.out.json:
        call.out.document({"ref": str(ref), "test": text})
    else:
        call.out.raw("tests:\n" + text)
        call.out.note("these are the values of real records: change what is personal before you keep them")
    return 0


def _show(out: Output, project: Project, found: Mapping[str, Any]) -> None:
    others = [short_ref(member["ref"]) for member in found["members"].values() if member["ref"] != found["ref"]]
    with_ = f" with {', '.join(others)}" if others else ""
    state = found["state"].replace("_", " ")
    out.say(f"{short_ref(found['ref'])} is {state}{with_} (flow {found['flow']}, link {found['link']}).")
    if found["why"]:
        out.say(f"  {found['why']}")
    if found["linked"]:
        out.say(f"  Linked: {found['linked']}")
    for system, member in found["members"].items():
        if member["gone"]:
            out.say(f"  The record in {system} is deleted.")
    for system, why in found["counterparts"].items():
        out.say(f"  No record in {system}: {why}")
    for row in found["rows"]:
        _show_row(out, project, row)
    if "unmapped" in found:
        out.say(f"  {found['unmapped']}")
    show_held(out, found["held"])


def _show_row(out: Output, project: Project, row: Mapping[str, Any]) -> None:
    out.say(out.heading(row["row"]))
    for system, value in row["values"].items():
        behind = "   (has not received the agreed value)" if system in row["behind"] else ""
        out.say(f"  {system} {row['paths'].get(system, '')}: {shown(value)}{behind}")
    if row["revision"] is None:
        out.say("  Nothing is agreed yet.")
    else:
        _show_agreed(out, project, row)
    for reason in row["reasons"]:
        out.say(f"  {reason[:1].upper()}{reason[1:]}.")


def _show_agreed(out: Output, project: Project, row: Mapping[str, Any]) -> None:
    source = project.systems[row["origin"]].title if row["origin"] in project.systems else "a person"
    edited = f", edited there {_moment(row['modified'])}" if row["modified"] else ""
    out.say(f"  Agreed: {shown(row['agreed'])}, from {source}{edited}; revision {row['revision']}.")
    change = row["last_change"]
    if change is None:
        out.say("  Accord never wrote it: the sides were equal when they were linked.")
    else:
        out.say(f"  {_told(change)}")


def _moment(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _told(change: Mapping[str, Any]) -> str:
    at = change["at"][:19].replace("T", " ")
    where = f" in {change['system']}" if change["system"] else ""
    cause = change["caused_by"]
    because = f"; caused by an edit in {cause['system']}" if cause else ""
    by = f"; by {change['by']}" if change["by"] and change["by"] not in change["reason"] else ""
    values = f"{shown(change['old'])} → {shown(change['new'])}"
    return f"Run {change['run']}, {at} UTC, {change['op']}{where}: {values} ({change['reason']}{because}{by})."


def _show_alone(out: Output, found: Mapping[str, Any]) -> None:
    out.say(f"{short_ref(found['ref'])} is in no link.")
    if found["why"]:
        out.say(f"  {found['why']}")
    for flow in found["flows"]:
        out.say(
            f"  flow {flow['flow']}: {'takes it up' if flow['claims'] else 'does not take it up'}; {flow['reason']}"
        )
    show_held(out, found["held"])
