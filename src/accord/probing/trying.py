"""Writes values into one property of a marked record and says what became of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from accord.model import ABSENT, Absent, Native, OutcomeKind
from accord.probing.found import Fact, Prop
from accord.probing.hand import Hand

State = Literal["kept", "changed", "ignored", "refused", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """What became of a value that was written."""

    state: State
    stored: Native | Absent = None
    """What a reading by id shows then; ABSENT: the property is not shown."""
    message: str = ""

    @property
    def taken(self) -> bool:
        """Whether the system did something with it."""
        return self.state in ("kept", "changed")

    @property
    def text(self) -> str:
        """What is stored, as text; of anything else an empty one."""
        return self.stored if isinstance(self.stored, str) else ""


class Trial:
    """One property of one record. Nothing is raised for what the system refuses."""

    def __init__(self, hand: Hand, id: str, prop: Prop) -> None:
        self.hand, self.id, self.prop = hand, id, prop
        self.facts: list[Fact] = []
        self.taken = False
        """Whether any value was."""

    @property
    def holds_mark(self) -> bool:
        """Whether this is the property by which the record is known as ours."""
        return self.prop.path == self.hand.path

    def marked(self, text: str) -> str:
        """The text, with the mark in front where it must stay."""
        return f"{self.hand.tag}{text}" if self.holds_mark else text

    async def put(self, value: Native, *, bare: bool = False) -> Got:
        """Write a value and read the record again. `bare`: the mark goes meanwhile. Raises SystemFailure."""
        before = await self.hand.look(self.id)
        if before is None:
            return Got(state="failed", message="the record is gone")
        if self.holds_mark:
            self.hand.unmarked(self.id, marked=not bare)
        was = before.natives().get(self.prop.path, ABSENT)
        outcome = await self.hand.update(before, {self.prop.path: value})
        after = await self.hand.look(self.id)
        if after is None:
            return Got(state="failed", message="the record is gone since it was written to")
        now = after.natives().get(self.prop.path, ABSENT)
        self.taken = self.taken or not same(now, was)
        if same(now, value) or (isinstance(value, bool) and _truth(now) is value):
            return Got(state="kept", stored=now)
        if outcome.kind in (OutcomeKind.REJECTED, OutcomeKind.STALE):
            return Got(state="refused", stored=now, message=outcome.message or "refused")
        if outcome.kind is OutcomeKind.UNKNOWN:
            return Got(state="failed", stored=now, message=outcome.message or "the answer was lost")
        return Got(state="ignored" if same(now, was) else "changed", stored=now)

    def see(self, word: str, said: str, **more: object) -> None:
        """Note a fact."""
        self.facts.append(Fact(word=word, said=said, **more))  # type: ignore[arg-type]

    def rewrites(self, word: str, said: str) -> None:
        """Note that the system changes values without a word."""
        self.see(word, said, keys={"rewrites": (word,)})


def same(stored: Native | Absent, value: Native | Absent) -> bool:
    """Whether a value is there as it was written: 1.50 is 1.5, true is not 1."""
    return stored == value and isinstance(stored, bool) == isinstance(value, bool)


def _truth(stored: Native | Absent) -> bool | None:
    """What a system means that has no type of its own for truth: 1, "1", "true"."""
    word = str(stored).strip().lower()
    return True if word in ("1", "true", "t", "yes") else False if word in ("0", "false", "f", "no") else None
