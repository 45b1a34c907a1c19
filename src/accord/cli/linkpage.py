"""One link in full: its records side by side, what was agreed, what is held, what happened last."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from accord.cli.history import history_json, show_lines
from accord.cli.links import link_json
from accord.cli.output import Output, shown
from accord.cli.reports import show_held

if TYPE_CHECKING:
    from accord.config.meaning import Project
    from accord.model import Link
    from accord.store.opening import State

LAST = 10


def link_document(project: Project, state: State, link: Link) -> dict[str, Any]:
    """The JSON of `links show`."""
    from accord.engine.report import held_json

    items = state.held.of_links([link.id])
    lines = list(islice(state.history.list(link=link.id, newest_first=True), LAST))
    held = [str(item.id) for item in items]
    return {
        **link_json(link, held, state.links.why([link.id]).get(link.id)),
        "rows": [_row(project, link, row.name) for row in _rows(project, link)],
        "behind": {member.ref.system: sorted(member.behind) for member in link.members if member.behind},
        "gone": [member.ref.system for member in link.members if member.gone],
        "held_items": [held_json(item) for item in items],
        "history": [history_json(line) for line in reversed(lines)],
    }


def _rows(project: Project, link: Link) -> Any:
    return project.flows[link.flow].rows if link.flow in project.flows else ()


def _row(project: Project, link: Link, name: str) -> dict[str, Any]:
    agreed = link.agreed.get(name)
    return {
        "row": name,
        "values": {member.ref.system: member.base[name] for member in link.members if name in member.base},
        "agreed": agreed.value if agreed else None,
        "origin": agreed.origin if agreed else None,
        "revision": agreed.revision if agreed else None,
        "modified": agreed.modified if agreed else None,
    }


def show_link(out: Output, project: Project, found: Mapping[str, Any]) -> None:
    """The page of a link."""
    why = f": {found['why']}" if found.get("why") else ""
    out.say(f"Link {found['link']}  {found['flow']}  {found['state']}{why}")
    systems = list(found["members"])
    columns = [f"{system} {found['members'][system]['id']}" for system in systems]
    rows = [
        (
            row["row"],
            *(shown(row["values"][system]) if system in row["values"] else "" for system in systems),
            ""
            if row["revision"] is None
            else f"{shown(row['agreed'])}\n{row['origin'] or 'a person'}, {row['revision']}",
        )
        for row in found["rows"]
    ]
    out.table(["row", *columns, "agreed; from, revision"], rows)
    for system, behind in found["behind"].items():
        out.say(f"{system} has not received: {', '.join(behind)}")
    for system in found["gone"]:
        out.say(f"The record in {system} is deleted.")
    show_held(out, found["held_items"])
    if found["history"]:
        out.say(out.heading("Last"))
        show_lines(out, found["history"])
