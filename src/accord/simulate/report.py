"""What many histories of a project come to: one document, for people and scripts alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from accord.simulate.findings import MappingFinding
from accord.simulate.laws import Law
from accord.simulate.play import PROMISES, Played

USUAL_EDITS = 100
"""A usual day is counted as so many saved records."""


@dataclass(slots=True, kw_only=True)
class Simulation:
    """Counted over all histories."""

    profile: str
    first: int
    findings: list[MappingFinding]
    laws: list[Law]
    histories: int = 0
    rounds: int = 0
    edits: int = 0
    crashes: int = 0
    checked: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    written: dict[str, Counter[str]] = field(default_factory=dict)
    held: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(kind, row, reason) → in how many histories."""
    failures: list[Played] = field(default_factory=list)
    """Histories that broke a promise, the shortest of each promise made short."""

    def add(self, played: Played) -> None:
        """One more history."""
        self.histories += 1
        self.rounds += played.rounds
        self.edits += played.edits
        self.crashes += played.crashes
        self.checked.update(played.checked)
        self.faults.update(played.faults)
        for system, numbers in played.writes.items():
            self.written.setdefault(system, Counter()).update(numbers)
        self.held.update({(kind, row or "", reason): 1 for kind, row, reason in played.held})
        if played.broken:
            self.failures.append(played)

    @property
    def broken(self) -> dict[str, int]:
        """Promise → in how many histories it broke."""
        return dict(Counter(played.broken[0].promise for played in self.failures))

    @property
    def status(self) -> int:
        """4 where a promise broke, or a row is known to break one; else 0."""
        return 4 if self.failures or any(finding.level == "error" for finding in self.findings) else 0

    def usual_day(self) -> dict[str, dict[str, float]]:
        """System → operation → writes for a hundred saved records."""
        if not self.edits:
            return {}
        return {
            system: {op: round(number * USUAL_EDITS / self.edits, 1) for op, number in sorted(numbers.items())}
            for system, numbers in self.written.items()
        }

    def document(self) -> dict[str, Any]:
        """The shape of `simulate --json`."""
        broken = self.broken
        return {
            "profile": self.profile,
            "seed": self.first,
            "histories": self.histories,
            "rounds": self.rounds,
            "edits": self.edits,
            "crashes": self.crashes,
            "faults": dict(sorted(self.faults.items())),
            "promises": [
                {"promise": n, "held": n not in broken, "checks": self.checked[n], "broken": broken.get(n, 0)}
                for n in PROMISES
            ],
            "writes": {system: dict(numbers) for system, numbers in self.written.items()},
            "usual_day": {"edits": USUAL_EDITS, "writes": self.usual_day()},
            "rows": [asdict(law) for law in self.laws],
            "findings": [asdict(finding) for finding in self.findings],
            "held": [
                {"kind": kind, "row": row or None, "reason": reason, "histories": number}
                for (kind, row, reason), number in self.grouped_held()
            ],
            "failures": [failure_json(played) for played in self.failures],
        }

    def grouped_held(self) -> list[tuple[tuple[str, str, str], int]]:
        """What was held, the most frequent first; reasons that differ in a value only count as one."""
        grouped: Counter[tuple[str, str, str]] = Counter()
        for (kind, row, reason), number in self.held.items():
            grouped[kind, row, _without_values(reason)] += number
        return grouped.most_common()


def _without_values(reason: str) -> str:
    """A reason without the values that were made for it."""
    import re

    text = re.sub(r"'[^']*'|\"[^\"]*\"", "…", reason)
    text = re.sub(r"\b[qQ]\d+[\w@.\- ]*", "…", text)
    return re.sub(r"\b\d[\d.,:T+\-]*\b", "n", text)


def failure_json(played: Played) -> dict[str, Any]:
    broken = played.broken[0]
    return {
        "seed": played.seed,
        "promise": broken.promise,
        "message": broken.message,
        "steps": len(played.steps),
        "story": list(broken.story),
        "replay": f"accord simulate --seed {played.seed} --histories 1 --profile '{played.profile}'",
    }


def simulated(
    profile: str, first: int, findings: list[MappingFinding], laws: list[Law], histories: Iterable[Played]
) -> Simulation:
    """All histories, counted."""
    found = Simulation(profile=profile, first=first, findings=findings, laws=laws)
    for played in histories:
        found.add(played)
    return found


def losing_rows(laws: Iterable[Law]) -> Mapping[tuple[str, str], list[Law]]:
    """(flow, row) → the systems in which values are lost or refused."""
    found: dict[tuple[str, str], list[Law]] = {}
    for law in laws:
        if law.lost or law.moved or law.refused:
            found.setdefault((law.flow, law.row), []).append(law)
    return found
