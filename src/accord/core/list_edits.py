"""Edits of one list of objects, on several members: what they come to, and what a person may choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from accord.core.candidates import Candidate, Refused, agreed_candidate, candidate_of, member_behind
from accord.core.decide import Decision, chosen
from accord.core.detect import Reading
from accord.core.items import Joined, Version, completed, join
from accord.core.mapping import FlowMap
from accord.errors import ValueRefused
from accord.model import ABSENT, Link


class ListEdits:
    """The edits of one row. `candidates`: the agreed list with what each side did to it, and the agreed list itself
    where none of them had received it.
    """

    def __init__(self, flow: FlowMap, link: Link, row: str, editors: Sequence[Reading]) -> None:
        self.flow, self.link, self.row = flow, link, row
        self.agreed = link.agreed[row].value
        self.versions = [_version(reading, row) for reading in editors]
        self.nulls = [candidate_of(reading, (row,)).values[0] is None for reading in editors]
        self.candidates = [
            replace(candidate_of(reading, (row,)), values=(self._value(self._joined([version]), [is_null]),))
            for reading, version, is_null in zip(editors, self.versions, self.nulls, strict=True)
        ]
        if all(member_behind(reading, (row,)) for reading in editors):
            self.candidates.append(agreed_candidate(link, (row,)))

    def _joined(self, versions: Sequence[Version], take: str | None = None) -> Joined:
        origin = self.link.agreed[self.row].origin
        return join(self.flow, self.row, self.agreed or (), versions, take, origin)

    def _value(self, joined: Joined, nulls: Sequence[bool]) -> Any:
        """The list; null where all sides made it so."""
        return None if not joined.value and all(nulls) else joined.value

    def decided(self, choice: Decision | None) -> tuple[Candidate | None, str, list[Candidate]]:
        """The new agreed list, why, and the sides that lost something; None: a person must say."""
        wanted = chosen(self.flow, (self.row,), self.candidates, choice) if choice is not None else None
        if choice is not None and wanted is not None:
            if choice.take is None:
                return wanted, f"decided by {choice.by}", self.candidates
            return self._won(self._joined(self.versions, choice.take), f"decided by {choice.by}")
        joined = self._joined(self.versions)
        if joined.conflicts:
            return None, "; ".join(joined.conflicts), []
        if len(self.versions) == 1:
            title = self.flow.title(self.versions[0].system)
            return self._won(joined, f"edited in {title}", system=self.versions[0].system)
        return self._won(joined, "edited on several sides; joined element by element")

    def _won(self, joined: Joined, reason: str, system: str | None = None) -> tuple[Candidate, str, list[Candidate]]:
        value = self._value(joined, self.nulls)
        modified = max((each.modified for each in self.versions if each.modified is not None), default=None)
        winner = Candidate(system=system, values=(value,), modified=modified)
        return winner, reason, [each for each in self.candidates if each.system in joined.lost]


def _version(reading: Reading, row: str) -> Version:
    now = candidate_of(reading, (row,)).values[0]
    try:
        base = reading.decode(row, reading.member.base.get(row))
    except ValueRefused as error:
        raise Refused(reading, row, error) from error
    return Version(
        system=reading.system,
        base=base or (),
        now=() if now is None or now is ABSENT else now,
        modified=reading.modified,
        behind=member_behind(reading, (row,)),
    )


def complete_each_other(flow: FlowMap, row: str, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Lists of records that are linked for the first time, each with what only others have properties for."""
    values = [candidate.values[0] for candidate in candidates]
    return [replace(one, values=(completed(flow, row, one.values[0], values),)) for one in candidates]
