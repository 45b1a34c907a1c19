"""`links`: which records are the same thing, and what a person decides about that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from accord.cli.call import By, Call, command, group, one_of, person
from accord.cli.output import person_ref
from accord.cli.refs import FlowName, RefText, SystemName, check_names, ref_of, some_ref
from accord.errors import UsageError

if TYPE_CHECKING:
    from accord.config.meaning import Project
    from accord.model import Link
    from accord.store.opening import State
    from accord.store.people import Author

STATES = ("linked", "waiting", "in_doubt", "resting", "closed")
MOST = 200
"""How many links a table shows; JSON has no such bound."""
links = group("Which records are the same thing: list, show, link, unlink, merge.")
Number = Annotated[int, typer.Argument(metavar="LINK", help="The number of a link.")]


def list_links(
    call: Call,
    flow: FlowName = None,
    system: SystemName = None,
    ref: RefText = None,
    state: Annotated[str | None, typer.Option("--state", metavar="STATE", help=", ".join(STATES))] = None,
    search: Annotated[str | None, typer.Option("--search", metavar="TEXT", help="Only with this in a value.")] = None,
) -> int:
    """List links, the oldest first. With --json one object a line.

    Example: `accord links list --flow customer --state waiting`, `accord links list --search nordlys --json`.
    """
    project = call.project()
    check_names(project, flow, system)
    one_of("state", [state] if state else [], STATES)
    some = some_ref(ref, project)
    with call.state(project) as opened:
        found = _found(opened, search, flow=flow, link_state=state, system=system, ref=some)
        if call.out.json:
            for item, _ in found:
                call.out.line(item)
        else:
            _table(call, found)
    return 0


def _found(state: State, search: str | None, **filters: Any) -> Iterator[tuple[dict[str, Any], Link]]:
    from accord.store import overview

    for numbers in overview.link_numbers(state, **filters):
        loaded = load_links(state, numbers)
        held, why = overview.held_of(state, numbers), state.links.why(numbers)
        for number in numbers:
            link = loaded[number]
            if search is None or _holds(link, search):
                yield link_json(link, held.get(number, []), why.get(number)), link


def load_links(state: State, numbers: list[int]) -> dict[int, Link]:
    """Links with their members; those of a closed link are its former ones."""
    loaded = state.links.load(numbers)
    closed = [number for number, link in loaded.items() if link.state.value == "closed"]
    return {**loaded, **(state.links.load(closed, closed=True) if closed else {})}


def link_json(link: Link, held: list[str], why: str | None) -> dict[str, Any]:
    """One line of `links list --json`."""
    members = {member.ref.system: {"datatype": member.ref.datatype, "id": member.ref.id} for member in link.members}
    found = {"link": link.id, "flow": link.flow, "state": link.state.value, "members": members, "held": held}
    return {**found, "why": why} if why else found


def _holds(link: Link, search: str) -> bool:
    wanted = search.casefold()
    texts = (text for member in link.members for text in (member.ref.id, *member.base.values()))
    return any(wanted in str(text).casefold() for text in texts if text is not None)


def _table(call: Call, found: Iterator[tuple[dict[str, Any], Link]]) -> None:
    rows: list[tuple[Any, ...]] = []
    more = 0
    for item, link in found:
        if len(rows) >= MOST:
            more += 1
            continue
        members = "\n".join(person_ref(str(member.ref)) for member in link.members)
        held = f"held: {', '.join(item['held'])}" if item["held"] else ""
        said = "\n".join(filter(None, (label(link), item.get("why"), held)))
        rows.append((item["link"], item["flow"], item["state"], members, said))
    if not rows:
        call.out.say("No links.")
        return
    call.out.table(["#link", "flow", "state", "records", "what"], rows)
    if more:
        call.out.say(f"… and {more:,} more; --search, --flow and --state narrow it, --json lists all")


def label(link: Link) -> str:
    """What a person recognises a link by: the first text among its values."""
    for member in link.members:
        for value in member.base.values():
            if isinstance(value, str) and value.strip():
                return value[:60]
    return ""


def show(call: Call, number: Number) -> int:
    """A link's records side by side, row by row, with what was agreed, what is held and what happened last.

    Example: `accord links show 17`.
    """
    from accord.cli.linkpage import link_document, show_link

    project = call.project()
    with call.state(project) as state:
        link = load_links(state, [number]).get(number)
        if link is None:
            raise UsageError(f"there is no link {number}", hint="`accord links list` shows them")
        document = link_document(project, state, link)
    if call.out.json:
        call.out.document(document)
    else:
        show_link(call.out, project, document)
    return 0


def link(
    call: Call,
    refs: Annotated[list[str], typer.Argument(metavar="REF REF...", help="Records: SYSTEM/DATATYPE/ID.")],
    flow: FlowName = None,
    by: By = None,
) -> int:
    """Say that these records are the same thing. The next round brings them in step, by the flow's rules.

    Example: `accord links link custompms/customer/17 customerp/customer/C-01001`.
    """
    from accord.engine.linking import link_by_hand

    project = call.project()
    check_names(project, flow, None)
    named = [ref_of(text, project) for text in refs]
    return _decided(call, project, by, lambda state, author: link_by_hand(project, state, named, flow, author))


def unlink(call: Call, number: Number, by: By = None) -> int:
    """Take a link apart. Both records stay; no rule links or creates them again.

    Example: `accord links unlink 17`.
    """
    from accord.store.people import unlink as take_apart

    return _decided(call, call.project(), by, lambda state, author: take_apart(state, number, author).id)


def merge(
    call: Call,
    number: Number,
    other: Annotated[int, typer.Argument(metavar="LINK", help="The link that becomes part of it.")],
    by: By = None,
) -> int:
    """Make one link of two that have no system in common. The next round brings their records in step.

    Example: `accord links merge 17 18`.
    """
    from accord.store.people import join

    return _decided(call, call.project(), by, lambda state, author: join(state, [number, other], author, "merge"))


def _decided(call: Call, project: Project, by: str | None, decide: Any) -> int:
    from accord.store.people import Author, deciding

    now = call.clock.now()
    author: Author = Author(by=person(by), at=now)
    with call.state(project) as state, deciding(state, now):
        number = decide(state, author)
        found = load_links(state, [number])[number]
        item = link_json(found, [], state.links.why([number]).get(number))
    if call.out.json:
        call.out.document(item)
    else:
        records = ", ".join(str(member.ref) for member in found.members)
        after = "" if found.state.value == "closed" else " The next round brings them in step: `accord plan`."
        call.out.say(f"Link {found.id} ({found.flow}) is {found.state.value}: {records}.{after}")
    return 0


for name, function in (("list", list_links), ("show", show), ("link", link), ("unlink", unlink), ("merge", merge)):
    links.command(name)(command(function))
