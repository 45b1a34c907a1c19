"""`held`: what waits for a person, and what the person decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from accord.cli.call import By, Call, command, group, one_of, person
from accord.cli.output import Output, counted, person_ref, short_ref, shown
from accord.cli.refs import FlowName, RefText, SystemName, check_names, some_ref
from accord.errors import UsageError

if TYPE_CHECKING:
    from accord.config.meaning import Project
    from accord.store.opening import State
    from accord.stored import Held

KINDS = ("conflict", "review", "rejected", "in_doubt", "brake", "value", "frozen", "delete")
MOST = 100
held = group("What waits for a person: list, show, resolve.")
Kind = Annotated[str | None, typer.Option("--kind", metavar="KIND", help=", ".join(KINDS))]


def list_held(
    call: Call, kind: Kind = None, flow: FlowName = None, system: SystemName = None, ref: RefText = None
) -> int:
    """List what is held, the oldest first. With --json one object a line.

    Example: `accord held list --kind conflict`.
    """
    from accord.engine.report import held_json

    project = call.project()
    with call.state(project) as state:
        found = (held_json(item) for item in _found(project, state, kind, flow, system, ref))
        if call.out.json:
            for item in found:
                call.out.line(item)
            return 0
        items = list(found)
    if not items:
        call.out.say("Nothing is held.")
        return 0
    rows = [(item["id"], item["kind"], item["flow"], _where(item), _said(item)) for item in items[:MOST]]
    call.out.table(["#id", "kind", "flow", "record", "why"], rows)
    if len(items) > MOST:
        call.out.say(f"… and {len(items) - MOST:,} more; --kind, --flow and --ref narrow it, --json lists all")
    call.out.say("`accord held show ID` shows the values and what can be done.")
    return 0


def _found(
    project: Project, state: State, kind: str | None, flow: str | None, system: str | None, ref: str | None
) -> Any:
    check_names(project, flow, system)
    one_of("kind", [kind] if kind else [], KINDS)
    named = some_ref(ref, project)
    items = state.held.list(kind=kind, flow=flow)
    return (
        item
        for item in items
        if (named is None or str(named) in item.refs)
        and (system is None or system in item.values or any(one.startswith(f"{system}/") for one in item.refs))
    )


def _where(item: Mapping[str, Any]) -> str:
    return "\n".join(person_ref(ref) for ref in item["refs"][:3]) + ("\n…" if len(item["refs"]) > 3 else "")


def _said(item: Mapping[str, Any]) -> str:
    row = f"{item['row']}: " if item["row"] and item["kind"] != "brake" else ""
    decided = f"\ndecided by {item['decided_by']}; the next round does it" if item.get("decision") else ""
    values = ""
    if item["kind"] == "conflict":
        values = "\n" + ", ".join(f"{system} {shown(value, most=40)}" for system, value in item["values"].items())
    return f"{row}{item['reason']}{values}{decided}"


def show(call: Call, number: Annotated[int, typer.Argument(metavar="ID", help="The number of a held item.")]) -> int:
    """A held item in full: the values on each side, what they were before, why it is held, what can be done.

    Example: `accord held show 3`.
    """
    from accord.engine.report import held_json

    project = call.project()
    with call.state(project) as state:
        item = _item(state, number)
        found, closed = held_json(item), item.closed_at
    if call.out.json:
        call.out.document({**found, "closed_at": closed})
    else:
        _panel(call.out, {**found, "closed_at": closed})
    return 0


def _item(state: State, number: int) -> Held:
    item = state.held.get(number)
    if item is None:
        raise UsageError(f"there is no held item {number}", hint="`accord held list` shows them")
    return item


def _panel(out: Output, item: Mapping[str, Any]) -> None:
    row = f" of {item['row']}" if item["row"] else ""
    out.say(f"{item['kind']}{row}, held item {item['id']}" + (" (closed)" if item["closed_at"] else ""))
    link = f", link {item['link']}" if item["link"] else ""
    out.say(f"  {item['reason']}", f"  since {item['since'][:19].replace('T', ' ')} UTC in flow {item['flow']}{link}")
    for ref in item["refs"]:
        out.say(f"  {short_ref(ref)}")
    scored = {name: value for name, value in item["values"].items() if is_score(value)}
    for name, score in scored.items():
        _scored(out, name, score)
    values = [(name, shown(value)) for name, value in item["values"].items() if name not in scored]
    if item["base"] is not None or item["kind"] == "conflict":
        values.append(("before", shown(item["base"])))
    if values:
        out.say("")
        out.table(["where" if item["kind"] == "conflict" else "what", "value"], values)
    if item.get("decision"):
        out.say("", f"Decided by {item['decided_by']}; the next round carries it out.")
    elif item["commands"] and not item["closed_at"]:
        out.say(out.heading("What can be done"), *(f"  {command}" for command in item["commands"]))


def is_score(value: object) -> bool:
    """Whether a held value is the comparison with another record, by a scored match rule."""
    return isinstance(value, dict) and {"score", "rows", "doubts"} <= set(value)


def _scored(out: Output, ref: str, score: Mapping[str, Any]) -> None:
    """How like another record is, row by row."""
    out.say(out.heading(f"{short_ref(ref)}: {score['score']:.2f}"))
    rows = [
        (each["row"], *(shown(value, most=30) for value in each["values"]), f"{each['likeness']:.2f}", each["why"])
        for each in score["rows"]
    ]
    out.table(["row", "this", "the other", "alike", "why"], rows)
    out.say(*(f"  {doubt}" for doubt in score["doubts"]))


def resolve(
    call: Call,
    numbers: Annotated[list[int] | None, typer.Argument(metavar="ID...", help="Numbers of held items.")] = None,
    take: Annotated[str | None, typer.Option("--take", metavar="SYSTEM", help="The value of this system.")] = None,
    value: Annotated[str | None, typer.Option("--value", metavar="JSON", help="This value, for all sides.")] = None,
    link: Annotated[str | None, typer.Option("--link", metavar="REF", help="It is the same as this record.")] = None,
    create: Annotated[bool, typer.Option("--create", help="It is a new record: create it.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the other records; dissolve the link.")] = False,
    delete: Annotated[bool, typer.Option("--delete", help="Delete the other records too.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Try again in the next round.")] = False,
    dismiss: Annotated[bool, typer.Option("--dismiss", help="Close it; nothing is done.")] = False,
    kind: Kind = None,
    flow: FlowName = None,
    system: SystemName = None,
    ref: RefText = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, where many are resolved by filter.")] = False,
    by: By = None,
) -> int:
    """Say what shall be done about held items. The next round does it.

    Example: `accord held resolve 3 --take customerp`, or by filter:
    `accord held resolve --kind conflict --flow customer --take custompms --yes`.
    """
    from accord.cli import resolving
    from accord.store.people import Author, deciding

    project = call.project()
    choice = resolving.choice(
        {"take": take, "value": value, "link": link, "create": create, "keep": keep, "delete": delete}
        | {"retry": retry, "dismiss": dismiss}
    )
    if not numbers and not any((kind, flow, system, ref)):
        raise UsageError("which items?", hint="name their numbers, or filter them with --kind, --flow, --system, --ref")
    now = call.clock.now()
    with call.state(project) as state:
        items = [_item(state, number) for number in numbers or ()] or list(
            _found(project, state, kind, flow, system, ref)
        )
        decisions = [resolving.decision(project, item, choice) for item in items]
        if not numbers and not _sure(call, items, yes):
            return 0
        with deciding(state, now):
            author = Author(by=person(by), at=now)
            results = [resolving.store(state, *pair, author) for pair in zip(items, decisions, strict=True)]
    if call.out.json:
        call.out.document({"resolved": results})
    else:
        call.out.say(*(f"{result['id']}: {result['then']}" for result in results))
    return 0


def _sure(call: Call, items: list[Held], yes: bool) -> bool:
    """Whether a person wants that many items resolved."""
    import sys

    if not items:
        call.out.note("no held item is so: nothing was resolved")
        return False
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError(f"this would resolve {counted(len(items), 'item')}", hint="say --yes to do it")
    return typer.confirm(f"Resolve {counted(len(items), 'item')}?", err=True)


for name, function in (("list", list_held), ("show", show), ("resolve", resolve)):
    held.command(name)(command(function))
