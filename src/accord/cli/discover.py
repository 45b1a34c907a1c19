"""`discover`: what a system has, before its mapping is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from accord.cli.call import Call, one_of
from accord.cli.output import Output, counted, shown
from accord.cli.probe import clean_up as clean
from accord.cli.probe import document, entries
from accord.cli.probe import probe as try_out
from accord.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from accord.config.meaning import Datatype, Project, System
    from accord.engine.discovering import FoundDatatype, FoundProperty

SAMPLE = 200
LONGEST = 40


def discover(
    call: Call,
    system: Annotated[str, typer.Argument(metavar="SYSTEM", help="A system of the project file.")],
    datatypes: Annotated[list[str] | None, typer.Argument(metavar="[DATATYPE]...", help="Only these.")] = None,
    sample: Annotated[
        int, typer.Option("--sample", metavar="N", help="Look at so many records of each datatype.")
    ] = SAMPLE,
    write: Annotated[bool, typer.Option("--write", help="Put what was found into the project file.")] = False,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="First ask the system for its OpenAPI document, and keep it as `spec`.")
    ] = False,
    at: Annotated[str | None, typer.Option("--at", metavar="PATH", help="Where the system serves it.")] = None,
    probe: Annotated[
        bool, typer.Option("--probe", help="Also find out what it does to values, on made-up records in a sandbox.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Begin the probe without asking.")] = False,
    clean_up: Annotated[bool, typer.Option("--clean-up", help="Only remove what an interrupted --probe left.")] = False,
) -> int:
    """List what a system has: its datatypes and their properties, with types, limits and an example, from what it tells
    and from some of its records. Nothing is written to the system, except by `--probe`.

    Example: `accord discover customerp`, `accord discover customerp customer --sample 1000 --write`,
    `accord discover crm --fetch`.
    """
    from accord.engine.discovering import discover as ask

    if fetch or at:
        _fetch(call, system, at)
    project = call.project()
    one_of("system", [system], project.systems)
    if (yes or clean_up) and not probe:
        raise UsageError("--yes and --clean-up belong to --probe", hint=f"`accord discover {system} --probe`")
    if clean_up:
        return clean(call, project, system)
    if probe:
        from accord.probing.run import refuse

        refuse(project, system)
    if sample < 0:
        raise UsageError("--sample must be 0 or more")
    found = ask(project.systems[system], sample)
    one_of(f"datatype in {system}", datatypes or (), [each.name for each in found])
    chosen = [each for each in found if not datatypes or each.name in datatypes]
    if not call.out.json and not probe:
        _show(call.out, chosen)
    probed = try_out(call, project, system, chosen, yes=yes) if probe else None
    if write and (probed is not None or not probe):
        _write(call, project, system, chosen, entries(project, probed) if probed is not None else {})
    if call.out.json:
        told = {} if probed is None else {"probed": document(project, probed)}
        call.out.document({"system": system, "datatypes": [_document(each) for each in chosen], **told})
    if project.systems[system].connector == "openapi":
        _left_open(call.out, project.systems[system])
    return probed.status if probed is not None else 0


def _fetch(call: Call, system: str, at: str | None) -> None:
    """The document of a system of `connector: openapi`, from the system itself."""
    from accord.config.load import find_project_file
    from accord.engine.fetching import fetch_document, keep_document, system_without_document

    asked, file = system_without_document(find_project_file(call.folder, call.file), system)
    found = fetch_document(asked, at)
    changed = keep_document(found, file)
    call.out.note(f"{file}: {'written' if changed else 'as it was'}, from {found.place} of {system}")


def _write(
    call: Call, project: Project, system: str, chosen: Sequence[FoundDatatype], more: Mapping[str, Mapping[str, Any]]
) -> None:
    """`more` is datatype → property → what a probe found out of it."""
    from accord.config.writing import put_properties

    file, told = project.file, project.systems[system].datatypes
    wanted: dict[str, dict[str, Any]] = {}
    for each in chosen:
        known = _unsaid(told.get(each.name), each)
        probed = more.get(each.name, {})
        both = {path: {**known.get(path, {}), **probed.get(path, {})} for path in dict.fromkeys([*known, *probed])}
        wanted[each.name] = {path: said for path, said in both.items() if said}
    added = put_properties(file, system, wanted, {each.name: each.keys for each in chosen if not each.in_file})
    for name, number in added.items():
        call.out.note(f"{file}: {counted(number, 'property', 'properties')} of {system}.{name} written")
    if not added:
        call.out.note(f"{file} has all of it already")


def _unsaid(datatype: Datatype | None, found: FoundDatatype) -> dict[str, dict[str, Any]]:
    """What the file, its preset or its document does not say yet of the properties."""
    said = datatype.properties if datatype is not None else {}
    wanted = {one.path: one.written() for one in found.properties if one.written()}
    return {path: body for path, body in wanted.items() if not (path in said and said[path].type == body.get("type"))}


def _left_open(out: Output, system: System) -> None:
    """What the document has, and does not say enough of."""
    from pathlib import Path

    from accord.config.openapi.whole import described

    for one in described(Path(system.options["spec"])):
        if one.asks and one.name not in system.datatypes:
            ask = one.asks[0]
            out.note(f"{one.name} ({one.path}) is in the document too: {ask.message}; {ask.hint}")


def _document(found: FoundDatatype) -> dict[str, Any]:
    return {
        "name": found.name,
        "in_file": found.in_file,
        "keys": dict(found.keys),
        "sampled": found.sampled,
        "properties": [
            {
                "path": one.path,
                "type": one.type,
                "required": one.required,
                "read_only": one.read_only,
                "max_length": one.max_length,
                "values": list(one.values),
                "refers": one.refers,
                "filled": one.filled,
                "unique": one.unique,
                "notes": list(one.notes),
                "example": one.example,
            }
            for one in found.properties
        ],
    }


def _show(out: Output, chosen: Sequence[FoundDatatype]) -> None:
    for found in chosen:
        where = ", ".join(f"{key}: {value}" for key, value in found.keys.items() if value)
        out.say(out.heading(found.name))
        there = "" if found.in_file else "; not in the project file"
        out.say(f"{where}; {counted(found.sampled, 'record')} looked at{there}.")
        rows = [
            (one.path, one.type or "?", _filled(one, found.sampled), "; ".join(_said(one)), _example(one))
            for one in found.properties
        ]
        out.table(["property", "type", "#filled", "", "for example"], rows)


def _filled(one: FoundProperty, sampled: int) -> str:
    return f"{one.filled * 100 // sampled} %" if sampled else "·"


def _said(one: FoundProperty) -> list[str]:
    said = [word for word, is_so in (("required", one.required), ("read only", one.read_only)) if is_so]
    said += ["unique"] if one.unique else []
    said += [f"at most {one.max_length} characters"] if one.max_length is not None else []
    said += [f"one of {', '.join(map(str, one.values))}"] if one.values else []
    said += [f"refers to {one.refers}"] if one.refers else []
    return [*said, *one.notes]


def _example(one: FoundProperty) -> str:
    text = "" if one.example is None else shown(one.example)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
