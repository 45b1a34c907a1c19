"""What a person chose for a held item → the form in which the engine understands it, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from accord.cli.refs import ref_of
from accord.errors import UsageError

if TYPE_CHECKING:
    from accord.config.meaning import Project
    from accord.store.opening import State
    from accord.store.people import Author
    from accord.stored import Held

NEXT_ROUND = "noted; the next round does it"


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of `held resolve`, and its value."""

    option: str
    value: Any


def choice(given: Mapping[str, Any]) -> Choice:
    """The one option that was given. Raises UsageError for none and for several."""
    chosen = {name: value for name, value in given.items() if value is not None and value is not False}
    options = ", ".join(f"--{name}" for name in given)
    if not chosen:
        raise UsageError("what shall be done?", hint=f"one of {options}; `accord held show ID` says what is possible")
    if len(chosen) > 1:
        raise UsageError(f"only one of {', '.join(f'--{name}' for name in chosen)} can be done")
    ((name, value),) = chosen.items()
    return Choice(name, _json(value) if name == "value" else value)


def _json(text: str) -> Any:
    from accord.model import from_json

    try:
        return from_json(text)
    except ValueError as error:
        raise UsageError(
            f"--value {text!r} is not JSON: {error}", hint="""a text needs quotes: --value '"Nordlys AS"'"""
        ) from None


def decision(project: Project, item: Held, chosen: Choice) -> dict[str, Any]:
    """The decision as the state keeps it. Raises UsageError where the kind does not allow it."""
    from accord.engine.decisions import FATES, check_value
    from accord.engine.report import COMMANDS

    if item.closed_at is not None:
        raise UsageError(f"held item {item.id} is closed already")
    allowed = [text.split()[0].lstrip("-") for text in COMMANDS.get(item.kind, ())]
    if chosen.option not in allowed:
        raise UsageError(
            f"a {item.kind} cannot be resolved by --{chosen.option} (held item {item.id})", hint=_allowed(item, allowed)
        )
    if item.kind == "delete":
        return {"choice": FATES[chosen.option]}
    if chosen.option == "take" and chosen.value not in item.values:
        there = ", ".join(item.values)
        raise UsageError(f"held item {item.id} has no value of {chosen.value!r}", hint=f"--take one of: {there}")
    if chosen.option == "take" and (unlinked := _unlinked(item.values[chosen.value])):
        raise UsageError(
            f"{unlinked} is in no link, so that nobody else can be told of it (held item {item.id})",
            hint=f"`accord links link {unlinked} OTHER` links it; then take {chosen.value}, or take another one now",
        )
    if chosen.option == "value":
        check_value(project, item, chosen.value)
    if chosen.option == "link":
        return {"link": str(ref_of(chosen.value, project))}
    return {chosen.option: chosen.value}


def _unlinked(shown: Any) -> str | None:
    """The record in no link to which a value refers, or one of a group's values."""
    for value in (shown, *shown.values()) if isinstance(shown, dict) else ():
        if isinstance(value, dict) and isinstance(value.get("unlinked"), str):
            return str(value["unlinked"])
    return None


def _allowed(item: Held, allowed: list[str]) -> str:
    if item.kind == "brake":
        return f"lift the limit for one run: {item.reason.rpartition('; ')[2]}"
    return f"allowed: {', '.join(f'--{name}' for name in allowed)}"


def store(state: State, item: Held, decided: Mapping[str, Any], author: Author) -> dict[str, Any]:
    """Keep a decision; what follows from it."""
    from accord.store.people import decide, dismiss

    alone = item.link is None
    if alone and "link" in decided:
        raise UsageError(
            f"held item {item.id} belongs to no link, so that no round can carry this out",
            hint=f"`accord links link {item.refs[0]} {decided['link']}` links the two",
        )
    if "link" in decided:
        check_target(state, item, decided["link"])
    if ("dismiss" in decided and item.kind != "in_doubt") or (alone and "retry" in decided):
        dismiss(state, item, author)
        then = "closed; it is held again if a later round finds the same"
    else:
        decide(state, item, decided, author)
        then = "noted; the next round takes it up as a new record" if alone else NEXT_ROUND
    return {"id": str(item.id), "kind": item.kind, "decision": dict(decided), "by": author.by, "then": then}


def check_target(state: State, item: Held, text: str) -> None:
    """Whether a record can be the one that an item asks for. Raises UsageError."""
    from accord.model import Ref

    ref = Ref.parse(text)
    if isinstance(item.base, dict) and item.base.get("successor") == text:
        return  # it takes the place of one that is gone
    number = state.links.of([ref]).get(ref)
    links = state.links.load([found for found in (item.link, number) if found is not None])
    mine, other = links.get(item.link or 0), links.get(number or 0)
    if number == item.link or mine is None:
        return
    systems = {member.ref.system for member in mine.members}
    if ref.system in systems:
        raise UsageError(f"link {mine.id} has a record of {ref.system} already; a link has at most one of each system")
    if other is None and item.kind != "in_doubt":
        raise UsageError(
            f"{ref} is in no link, so that no round can carry this out",
            hint=f"`accord links link {mine.members[0].ref} {ref}` links the two",
        )
    others = [member.ref for member in other.members if member.ref != ref] if other else []
    if other is not None and others and (item.kind == "in_doubt" or systems & {one.system for one in others}):
        raise UsageError(
            f"{ref} is linked already, with {', '.join(map(str, others))} (link {other.id})",
            hint=f"`accord links unlink {other.id}` takes them apart first",
        )
