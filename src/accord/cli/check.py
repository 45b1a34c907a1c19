"""`check`: the file, the systems, and what rests on what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from accord.cli.call import Call
from accord.cli.output import Output, counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from accord.config.meaning import Derivation, Project
    from accord.engine.checking import Checked

LONGEST = 90
PROMISES = {
    "stale_write": "a record that moved on",
    "lost_create": "a create whose answer is lost",
    "changes": "changes",
    "deletions": "deletions",
    "batch": "creates",
}


def check(
    call: Call, offline: Annotated[bool, typer.Option("--offline", help="The file only; no system is asked.")] = False
) -> int:
    """Load the file, try every connection, compare with the real schemas. Nothing is written.

    Example: `accord check`, or `accord check --offline` where the systems are out of reach.
    """
    from accord.engine.checking import check_offline, check_project
    from accord.simulate.findings import with_laws

    project = call.project()
    found = check_offline(project) if offline else check_project(project)
    found = with_laws(project, found)
    if call.out.json:
        call.out.document(_document(project, found))
    else:
        _show(call.out, project, found)
    return found.status


def _document(project: Project, found: Checked) -> dict[str, Any]:
    return {
        "project": project.title,
        "file": str(project.file),
        "ok": found.status == 0,
        "cautions": [
            {"file": one.file, "line": one.line, "path": one.path, "message": one.message} for one in project.warnings
        ],
        "systems": [
            {"system": one.system, "datatype": one.datatype, "ok": one.ok, "message": one.message}
            for one in found.tried
        ],
        "derived": [
            {"system": system, "datatype": datatype, "key": one.key, "value": one.value, "from": one.source}
            for system, datatype, one in _derived(project)
        ],
        "promises": list(found.promises),
        "findings": [
            {"level": one.level, "kind": one.kind, "path": one.where, "message": one.message, "hint": one.hint}
            for one in found.findings
        ],
        "errors": _errors(project, found),
    }


def _derived(project: Project) -> Iterator[tuple[str, str, Derivation]]:
    for system in project.systems.values():
        for name, told in system.derived.items():
            if name in system.datatypes:
                yield from ((system.name, name, one) for one in told)


def _show_derived(out: Output, project: Project) -> None:
    """What documents gave: each key with its value, and the place that says so."""
    told = list(_derived(project))
    if not told:
        return
    out.say(out.heading("What the documents told"))
    rows = [(f"{system} {datatype}", one.key, _value(one.value), one.source) for system, datatype, one in told]
    out.table(["datatype", "key", "", "from"], rows)


def _value(value: Any) -> str:
    from accord.config.writing import flow_text

    text = "-" if value is None else value if isinstance(value, str) else flow_text(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _errors(project: Project, found: Checked) -> list[dict[str, Any]]:
    """The errors in the shape that problems of a project file have, with the kind of each."""
    from accord.engine.checking import located

    errors = [finding for finding in found.findings if finding.level == "error"]
    return [
        {"file": problem.file, "line": problem.line, "path": problem.path, "message": problem.message}
        | {"allowed": problem.allowed, "hint": problem.hint, "kind": finding.kind}
        for finding, problem in zip(errors, located(project, errors), strict=True)
    ]


def _show(out: Output, project: Project, found: Checked) -> None:
    from accord.engine.checking import located

    rows = sum(len(flow.rows) for flow in project.flows.values())
    sizes = (counted(len(project.systems), "system"), counted(len(project.flows), "flow"), counted(rows, "row"))
    out.say(f"{project.file}: {', '.join(sizes)}.")
    for caution in project.warnings:
        out.say(f"caution: {caution.file}:{caution.line}: {caution.path}: {caution.message}")
    if found.tried:
        out.say("")
        tried = [(one.system, one.datatype, "ok" if one.ok else "FAILED", one.message) for one in found.tried]
        out.table(["system", "datatype", "", ""], tried)
    _show_derived(out, project)
    if found.promises:
        out.say(out.heading("What rests on what"))
        promised = [
            (f"{one['system']} {one['datatype']}", "\n".join(f"{title}: {one[key]}" for key, title in PROMISES.items()))
            for one in found.promises
        ]
        out.table(["datatype", "how"], promised)
    for finding, problem in zip(found.findings, located(project, found.findings), strict=True):
        out.say(f"\n{finding.level}: {problem.file}:{problem.line}: {problem.path}: {problem.message}")
        if finding.hint:
            out.say(f"  {finding.hint}")
    out.say("\nAll is well." if found.status == 0 else "\nMend this first; nothing was written.")
