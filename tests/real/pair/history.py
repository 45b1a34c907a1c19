"""One history of the real pair: people, faults on the way to both systems, and kills; then quiet, and a look at all.

What chance decides comes from the seed: what people do, which request of a round to which system suffers what, and at
which request the process is killed. How the two systems' requests interleave does not, so a seed replays as far as
that; the story tells what happened.
"""

from __future__ import annotations

import signal
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from accord.stored import Held
from tests.end_to_end.proxy import Fault, Request
from tests.end_to_end.rounds import Rounds
from tests.flows.world import written
from tests.real.pair.pair import Pair
from tests.real.pair.people import ROOT, SYSTEMS, People, Typed, thing_of

GRACE = 2.0
"""More than the grace of the project file."""
READS = ("cut_before", "cut_after", "cut_in", "torn", "status", "status_after", "slow", "doubled")
WRITES = ("cut_before", "cut_after", "cut_in", "torn", "status", "status_after", "late", "slow")
STATUSES = (500, 502, 503, 429)
EXPECTED = frozenset({0, 1, 2, 3, -signal.SIGKILL})


@dataclass
class History:
    """Plays one seed."""

    pair: Pair
    rounds: Rounds
    seed: int
    steps: int = 4
    people: People = field(init=False)
    offered: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """(thing, row) → the values between which a person chose."""
    restored: set[str] = field(default_factory=set)
    kills: int = 0

    def __post_init__(self) -> None:
        self.random = Random(f"history {self.seed}")
        self.people = People(self.pair, Random(f"people {self.seed}"))
        assert self.pair.proxy is not None
        self.proxy = self.pair.proxy

    def play(self) -> None:
        """All of it. Raises AssertionError with the story."""
        try:
            self._play()
        except AssertionError as error:
            raise AssertionError(f"seed {self.seed}: {error}\n" + "\n".join(self.people.story)) from error

    def _play(self) -> None:
        self.people.first_day()
        self.faulty_round(0)
        self.people.untouched = set() if self.random.random() < 0.5 else self._both()
        for number in range(1, self.steps + 1):
            for _ in range(self.random.randint(1, 4)):
                self.people.act()
            self.faulty_round(number)
        self.come_to_rest()
        self.look()
        struck = [passed.fault.kind for passed in self.proxy.log if passed.fault]
        assert len(struck) >= self.steps, f"hardly anything went wrong: {struck}"

    def _both(self) -> set[str]:
        """Things that are on both sides by now."""
        return set(self.people.shown("redmine")) & set(self.people.shown("tryton")) - {ROOT}

    # a round among faults

    def faulty_round(self, number: int) -> None:
        """One round in a process of its own, with faults, and killed at times."""
        chance = Random(f"kill {self.seed} {number}")
        kill_at = chance.randint(1, 30) if chance.random() < 0.5 else 0
        phase, after = chance.choice(["before", "after", "later"]), chance.uniform(0, 0.03)
        meddle_at = chance.randint(1, 12) if chance.random() < 0.5 else 0
        ended = threading.Event()

        def kill() -> None:
            if not ended.is_set():
                with suppress(ProcessLookupError):
                    self.rounds.kill(signal.SIGKILL)

        def hook(count: int, when: str) -> bool:
            if (count, when) == (meddle_at, "before"):
                self.people.meddle()
            if count != kill_at or when != ("before" if phase == "before" else "after"):
                return True
            if phase == "later":
                threading.Timer(after, kill).start()
                return True
            kill()
            return False

        first = len(self.proxy.log)
        self.people.story.append(f"round {number}, to be killed at request {kill_at} ({phase})")
        self.proxy.arm(hook, self._fate(number))
        self.rounds.begin(self.pair.folder, self.pair.environment, self.pair.ahead)
        status = self.rounds.end()
        ended.set()
        self.people.look_again()
        self.kills += status < 0
        self.people.story.append(f"  ended with {status}, {self.proxy.count} requests")
        if status < 0 or chance.random() < 0.5:
            self.proxy.wait()  # else what is late arrives in the next round
        for passed in self.proxy.log[first:]:
            if passed.fault or passed.request.method != "GET":
                said = f"{passed.fault} {passed.statuses} {passed.request.body[:160].decode(errors='replace')}"
                self.people.story.append(f"    {passed.request}: {said}")
        assert status in EXPECTED, f"round {number} ended with {status}"

    def _fate(self, number: int) -> Any:
        def fate(request: Request) -> Fault | None:
            chance = Random(f"fate {self.seed} {number} {request.system} {request.nth}")
            reads = request.method == "GET"
            if chance.random() >= (0.08 if reads else 0.3):
                return None
            kinds = READS if reads else (*WRITES, *(("doubled",) if request.method != "POST" else ()))
            status = chance.choice(STATUSES)
            wait = chance.choice([0, 0, 1]) if status in (429, 503) else None
            kind = chance.choice(kinds)
            if status == 429 and kind == "status_after":
                status = 502  # who is told that there were too many requests is told that nothing was done
            return Fault(kind=kind, status=status, wait=wait, delay=chance.uniform(0.02, 0.3))

        return fate

    # rest

    def come_to_rest(self) -> None:
        """Without faults: rounds, and decisions of people, until all is quiet."""
        self.proxy.wait()
        self.proxy.arm()
        self.people.story.append("rest")
        for _ in range(4):
            for turn in range(3):
                self.pair.ahead += GRACE
                report = self.pair.round(full=True)
                self.people.story.append(
                    f"  round: {report.writes} held {[(h['kind'], h['reason']) for h in report.held]}"
                )
                assert not report.errors, report.errors
                self.people.look_again()
                if turn and not written(report):
                    break
            assert not written(report), f"still writing in the third round: {report.writes}"
            if not self.decide():
                break
        held = [(item.kind, item.reason, item.refs) for item in self.pair.held()]
        assert not held, f"still held: {held}"
        first = len(self.proxy.log)
        for full in (False, True):
            assert not written(self.pair.round(full=full))
        assert {passed.request.method for passed in self.proxy.log[first:]} == {"GET"}

    def decide(self) -> int:
        """A person decides what is held; how much."""
        items = self.pair.held()
        for item in items:
            option = self._choice(item)
            self.people.story.append(f"  Kari decides {item.kind} {item.row} of {item.refs}: {option}")
            self.pair.resolve(item, **option)
        return len(items)

    def _choice(self, item: Held) -> dict[str, Any]:
        thing = self._thing(item)
        if item.kind == "conflict":
            row = {"description": "text", "subject": "name", "parent": "above", "project": "above"}.get(
                item.row, item.row
            )
            values = {str(value).replace("\r\n", "\n") for value in item.values.values()}
            self.offered.setdefault((thing, row), set()).update(values)
            return {"take": self.random.choice(sorted(item.values))}
        if item.kind == "delete":
            option = self.random.choice(["delete", "create"])
            if option == "create":
                self.restored.add(thing)
            return {option: True}
        if item.kind == "in_doubt":
            return self._looked(item, thing)
        if item.kind == "rejected":
            return {"retry": True}
        raise AssertionError(f"nobody expected {item.kind}: {item.reason} {item.refs}")

    def _thing(self, item: Held) -> str:
        for text in item.refs:
            system, datatype, id = text.split("/", 2)
            kind = None if datatype == "work" else {"issue": "task"}.get(datatype, datatype)
            for thing, records in self.people.shown(system).items():
                if any(record.id == int(id) and kind in (None, record.kind) for record in records):
                    return thing
        return ""

    def _looked(self, item: Held, thing: str) -> dict[str, Any]:
        """A person looks whether the record is there."""
        (system,) = {name for name in SYSTEMS if not any(ref.startswith(f"{name}/") for ref in item.refs)}
        found = self.people.shown(system).get(thing)
        if not found:
            self.restored.add(thing)  # made for the first time, or once more where somebody had deleted it
            return {"create": True}
        datatype = "work" if system == "tryton" else {"task": "issue"}.get(found[0].kind, found[0].kind)
        return {"link": f"{system}/{datatype}/{found[0].id}"}

    # the look

    def look(self) -> None:
        """Both systems hold the same, nothing twice, every edit is there, superseded or was shown to a person."""
        here, there = (self.people.shown(system) for system in SYSTEMS)
        for system, shown in zip(SYSTEMS, (here, there), strict=True):
            twice = {thing: records for thing, records in shown.items() if len(records) > 1}
            assert not twice, f"twice in {system}: {twice}"
        assert here.keys() == there.keys(), f"only in one: {here.keys() ^ there.keys()}"
        for thing in here:
            assert here[thing][0].values == there[thing][0].values, f"{thing}: {here[thing]} and {there[thing]}"
        made = {thing for thing, _ in self.people.typed}
        lost = made - self.people.deleted - here.keys()
        assert not lost, f"gone, and nobody deleted them: {lost}"
        back = self.people.deleted - self.restored & here.keys()
        assert not back & here.keys(), f"deleted, and there again: {back & here.keys()}"
        superseded = self._superseded()
        for (thing, row), typed in self.people.typed.items():
            if thing in here:
                self._no_edit_lost(thing, row, typed, here[thing][0].values[row], superseded)
        self.pair.verify()

    def _superseded(self) -> set[str]:
        with self.pair.state() as state:
            lines = [line for line in state.history.list() if line.op == "superseded"]
        return {
            str(value).replace("\r\n", "\n") for line in lines for values in line.changes.values() for value in values
        }

    def _no_edit_lost(self, thing: str, row: str, typed: list[Typed], now: Any, superseded: set[str]) -> None:
        left = [
            edit.value
            for at, edit in enumerate(typed)
            if not any(later.seen == edit.value for later in typed[at + 1 :]) or row == "above"
        ]
        chosen = self.offered.get((thing, row), set())  # a person was shown it, and may have taken an older value
        assert now in left or str(now) in chosen, f"{row} of {thing} is {now!r}, which is none of {left}"
        if row == "above":
            return
        for value in left:
            told = value == now or str(value) in superseded or str(value) in self.offered.get((thing, row), ())
            assert told, f"{value!r} in {row} of {thing} is lost: there is {now!r}"


__all__ = ["History", "thing_of"]
