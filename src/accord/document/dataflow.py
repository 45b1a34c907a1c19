"""What the project file says about one direction between two systems, as a document for people.

`describe` is pure: the same project gives the same document. The date is added when it is rendered.
"""

from __future__ import annotations

from collections.abc import Iterator

from accord.config.meaning import Project, Schedule
from accord.document.beginnings import beginning, staying
from accord.document.checklist import checklist
from accord.document.pair import Pair, system_title
from accord.document.parts import Check, Document, Section, Table
from accord.document.sides import deletion_table, limit_table, side_table
from accord.document.tables import (
    conflict_table,
    direction_table,
    element_table,
    group_table,
    lens_table,
    match_table,
    property_table,
    restriction_table,
    rule_table,
    score_table,
    value_table,
)
from accord.document.wording import plain, seconds, without_secrets
from accord.errors import UsageError

__all__ = ["Check", "Document", "Section", "Table", "check_systems", "describe"]

_RULES = (conflict_table, group_table, value_table, lens_table, rule_table, restriction_table)
_AROUND = (deletion_table, limit_table, side_table)


def describe(project: Project, source: str, target: str) -> Document:
    """The document of one direction, with a section for each flow that has both systems, in the order of the file.

    Raises UsageError for systems that the project does not have, or twice the same one.
    """
    check_systems(project, source, target)
    here, there = system_title(project, source), system_title(project, target)
    sections = tuple(_section(pair) for pair in _pairs(project, source, target))
    return Document(
        title=f"{here} to {there} Dataflow",
        introduction=tuple(_introduction(project, here, there, bool(sections))),
        sections=sections,
    )


def check_systems(project: Project, source: str, target: str) -> None:
    """Raises UsageError for systems that the project does not have, or twice the same one."""
    for name in (source, target):
        if name not in project.systems:
            raise UsageError(
                f"there is no system {name!r} in {project.file.name}",
                hint=f"systems: {', '.join(project.systems)}",
            )
    if source == target:
        raise UsageError(f"a dataflow goes from one system to another, not from {source!r} to itself")


def _pairs(project: Project, source: str, target: str) -> Iterator[Pair]:
    for flow in project.flows.values():
        start, end = flow.side(source), flow.side(target)
        if start is not None and end is not None:
            yield Pair(project=project, flow=flow, source=start, target=end)


def _introduction(project: Project, here: str, there: str, found: bool) -> Iterator[str]:
    title = plain(without_secrets(project.title, project.secrets))
    yield (
        f"This document says how records of {here} reach {there}, what becomes of them there, and what happens when "
        f"they are edited or deleted later. Accord wrote it from the project file that the synchronisation itself runs "
        f"by ({title})."
    )
    if not found:
        yield f"No flow has both systems: nothing goes from {here} to {there}."
        return
    yield (
        "It also serves as a checklist for testing. Each section ends with lines that say what to do and what is to be "
        "seen then: try them on test records, and tick those that hold. The name at the end of a line stays the same "
        "from one version of the document to the next, so that results can refer to it."
    )
    yield _pace(project.schedule)


def _pace(schedule: Schedule) -> str:
    looks = f"every {seconds(schedule.every).removeprefix('1 ')}"
    if schedule.cron is not None:
        looks = f"on the schedule {plain(schedule.cron)}"
    return (
        f"A round looks for edits and carries them over; the project file asks for one {looks}. At least once in "
        f"{seconds(schedule.full_every)} a round lists everything, also what a system does not tell as changed."
    )


def _section(pair: Pair) -> Section:
    return Section(
        heading=f"{pair.record(pair.source)} to {pair.record(pair.target)}",
        body=tuple(part for part in _body(pair) if part is not None),
        checklist=checklist(pair),
    )


def _body(pair: Pair) -> Iterator[str | Table | None]:
    yield from beginning(pair)
    yield from _matching(pair)
    yield from staying(pair)
    yield direction_table(pair)
    yield property_table(pair)
    yield element_table(pair)
    for part in (*_RULES, *_AROUND):
        yield part(pair)


def _matching(pair: Pair) -> Iterator[str | Table | None]:
    if pair.flow.match:
        yield _match_words(pair)
        yield match_table(pair)
    score = pair.flow.match_score
    if score is not None:
        yield (
            "Records that no match rule links are compared by score: how alike the properties are that both have "
            f"filled, by weight, from 0 to 1. From {score.link:g} on they are linked, where nothing contradicts it and "
            f"no other record is nearly as like; from {score.review:g} on a person is asked. Nothing is created before "
            "both systems have once been listed completely."
        )
        yield score_table(pair)


def _match_words(pair: Pair) -> str:
    rules = "All properties of a rule must be equal and none of them empty; one rule is enough."
    if pair.source.mode in ("match-or-create", "match-only"):
        return f"{rules} Nothing is created before both systems have once been listed completely."
    return f"{rules} The match rules do not apply to new records of {pair.place(pair.source)}."
