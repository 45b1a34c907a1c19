"""Removes what an interrupted probe left: by the ids that are noted, and by the mark where a create was under way."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from accord.config.meaning import Project, System
from accord.connectors.registry import connect
from accord.errors import SystemFailure, UsageError
from accord.model import Absence, Record
from accord.ports import Connector
from accord.probing.hand import Hand, holds
from accord.probing.notes import Note, Notes
from accord.values.expressions import compile_expression

Progress = Callable[[str, int, int | None], None]


@dataclass(slots=True)
class Cleaned:
    """What became of the notes."""

    removed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """Could not be removed; still noted."""
    not_ours: list[str] = field(default_factory=list)
    """Has the id of one that was made, and not its mark: left alone, and noted no more."""
    waiting: float = 0.0
    """Seconds until a create that was under way can no longer take effect."""


async def clean_up(
    project: Project, system: System, tell: Progress, connecting: Callable[[System], Connector] = connect
) -> Cleaned:
    """Remove what is noted of a system. Raises UsageError where it has another address now, SystemFailure."""
    notes, cleaned = Notes(project), Cleaned()
    noted = notes.of(system)
    if not noted:
        return cleaned
    missing = sorted({note.datatype for note in noted} - set(system.datatypes))
    if missing:
        raise UsageError(
            f"{notes.file} names records of {', '.join(missing)}, which {system.name} has no more",
            hint="put the datatype back into the project file, and call it again",
        )
    connector = connecting(system)
    try:
        names = list(dict.fromkeys(note.datatype for note in noted))
        await connector.open({name: _paths(system, name, noted) for name in names})
        for at, name in enumerate(names):
            tell(f"removing what was left in {system.name}", at, len(names))
            hand = Hand(system, connector, system.datatypes[name], notes, "")
            await _clean(hand, [note for note in noted if note.datatype == name], cleaned)
    finally:
        await connector.close()
    return cleaned


def _paths(system: System, name: str, noted: Sequence[Note]) -> list[str]:
    deleted = system.datatypes[name].deleted
    flags = sorted(compile_expression(deleted).paths) if deleted else []
    return list(dict.fromkeys([*(note.path for note in noted if note.datatype == name), *flags]))


async def _clean(hand: Hand, noted: Sequence[Note], cleaned: Cleaned) -> None:
    for note in [note for note in noted if note.id is not None]:
        await _clean_one(hand, note, cleaned)
    under_way = [note for note in noted if note.id is None]
    if not under_way:
        return
    listing = await hand.listing()
    for id, record in listing.records.items():
        if not hand.is_deleted(record) and any(holds(record, note.path, note.mark) for note in under_way):
            (cleaned.removed if await _removed(hand, id) else cleaned.left).append(f"{hand.name} {id}")
    for note in under_way:
        rest = note.at + hand.system.limits.grace - time.time()
        if rest > 0:
            cleaned.waiting = max(cleaned.waiting, rest)
        elif not any(name.startswith(f"{hand.name} ") for name in cleaned.left):
            hand.notes.strike(note)


async def _clean_one(hand: Hand, note: Note, cleaned: Cleaned) -> None:
    name = f"{hand.name} {note.id}"
    answer = await hand.answer(str(note.id))
    if answer is Absence.GONE or (isinstance(answer, Record) and hand.is_deleted(answer)):
        hand.notes.strike(note)
    elif isinstance(answer, Record) and note.marked and not holds(answer, note.path, note.mark):
        cleaned.not_ours.append(name)
        hand.notes.strike(note)
    elif await _removed(hand, str(note.id)):
        cleaned.removed.append(name)
        hand.notes.strike(note)
    else:
        cleaned.left.append(name)


async def _removed(hand: Hand, id: str) -> bool:
    try:
        return await hand.remove(id)
    except SystemFailure:
        return False
