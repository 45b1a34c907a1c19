"""What a system does with records as a whole: does it keep what its connector declares?

Each step works on marked records of its own, and says what it saw as facts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta

from accord.model import Absence, Native, Natives, OutcomeKind, Record
from accord.ports import Capabilities, Expects
from accord.probing.found import Fact, Level
from accord.probing.hand import LOOKS, Hand, Listing, Made
from accord.probing.props import fixed_paths

AT_ONCE = 5
"""So many writes are sent at the same time from the same ground."""
UNFILTERED = 10
"""A listing must show so many records before it can be said that it was not filtered."""
Template = Mapping[str, Native]


class Habits:
    """The steps, in order. `template` is what a create needs beside the mark."""

    def __init__(self, hand: Hand, can: Capabilities, template: Template) -> None:
        self.hand, self.can, self.template = hand, can, template
        self.facts: list[Fact] = []
        self.fixed = fixed_paths(hand.datatype)

    async def create(self, token: str | None = None) -> Made:
        """One more marked record."""
        return await self.hand.create({**self.template, self.hand.path: self.hand.mark()}, token=token)

    def see(self, word: str, said: str, level: Level = "fact") -> None:
        """Note a fact."""
        self.facts.append(Fact(word=word, said=said, level=level))

    async def try_all(self, id: str) -> None:
        """Everything, with a record that is there already."""
        await self._shown_after_create(id)
        await self._clock(id)
        await self._stale_write(id)
        await self._at_once(id)
        await self._write_without_change(id)
        await self._changes(id)
        await self._searches(id)
        await self._deleted()
        await self._same_key()

    # a listing shows a write at once

    async def _shown_after_create(self, id: str) -> None:
        for look in range(LOOKS):
            listing = await self.hand.listing()
            if id in listing.records:
                if look:
                    self.see("listing-late", f"a listing shows a new record only when looked at {look + 1} times")
                return
            await self.hand.pause(1.0)
        level: Level = "problem" if listing.complete else "warning"
        said = "a complete listing leaves out a record that was just made" if listing.complete else "listings do not"
        self.see("listing-without", f"{said}: it is there when it is asked for by its id", level)

    async def _changes(self, id: str) -> None:
        """A listing of what changed shows an edit at once, and not everything."""
        whole = await self.hand.listing()
        if not await self._edited(id):
            return
        fresh = (await self.hand.listing()).records.get(id)
        now = await self.hand.look(id)
        if fresh is not None and now is not None and fresh.content != now.content:
            self.see("listing-old", "a listing shows a record as it was before the last write", "warning")
        if not self.can.changed_since or whole.cursor is None:
            return
        changed = await self.hand.listing(whole.cursor)
        if id not in changed.records:
            self.see("changes-without", "a listing of changes leaves out a record that was just edited", "problem")
        elif _unfiltered(whole, changed, self.hand.system.clock.tolerance):
            self.see("changes-all", "a listing of changes shows every record: its filter is ignored", "problem")

    async def _clock(self, id: str) -> None:
        """Whether an edit moves the modification time, and in which steps."""
        said = self.hand.system.clock.resolution
        for step in (said, 1.0, 60.0):
            before = await self.hand.look(id)
            if step < said or before is None or self.hand.datatype.modified is None:
                continue
            await self.hand.pause(step * 1.1)
            after = await self._edited(id)
            if after is None:
                return
            if after.modified is None:
                self.see("modified-empty", "an edited record shows no modification time", "problem")
                return
            if after.modified != before.modified:
                self._stepped(step, said)
                return
        if self.hand.datatype.modified is not None:
            self.see("modified-stays", "the modification time stays the same when a record is edited", "problem")

    def _stepped(self, step: float, said: float) -> None:
        self.hand.resolution = step
        if step > said:
            told = f"`clock: {{resolution: {step:g}s}}`, and {said:g}s is said"
            self.see("modified-coarse", f"modification times move in steps of more than {said:g}s: {told}", "problem")

    # versions

    async def _edited(self, id: str) -> Record | None:
        """Write another mark; the record as it is then."""
        before = await self.hand.look(id)
        if before is None:
            return None
        outcome = await self.hand.update(before, {self.hand.path: self.hand.mark()})
        after = await self.hand.look(id)
        if after is None or not outcome.done:
            return None
        self._beside(before.natives(), after.natives())
        return after

    def _beside(self, before: Natives, after: Natives) -> None:
        """What else an edit changes. What it empties was not sent, and taken for empty."""
        others = [path for path in before if path != self.hand.path and path not in self.fixed]
        moved = [path for path in others if before[path] != after.get(path)]
        emptied = [path for path in moved if after.get(path) in (None, "")]
        if moved and not any(fact.word.startswith("others") for fact in self.facts):
            if emptied:
                self.see("others-emptied", f"a write of {self.hand.path} empties {', '.join(emptied)}", "problem")
            else:
                self.see("others-change", f"a write of {self.hand.path} changes {', '.join(moved)} too", "warning")

    async def _stale_write(self, id: str) -> None:
        old = await self.hand.look(id)
        if old is None:
            return
        new = await self._edited(id)
        if new is None:
            self.see("no-update", "a record cannot be edited: what follows from edits was not tried", "warning")
            return
        if self.can.version_check is None:
            self.see("no-version", "no version check is declared: a record is read and compared before each write")
            return
        if old.version is not None and old.version == new.version:
            self.see("version-stays", "the version stays the same when a record is edited", "problem")
        outcome = await self.hand.update(old, {self.hand.path: self.hand.mark()}, _ground(old, self.can))
        now = await self.hand.look(id)
        overwritten = now is not None and now.natives().get(self.hand.path) != new.natives().get(self.hand.path)
        if overwritten or outcome.kind is not OutcomeKind.STALE:
            what = "overwrites the edit" if overwritten else f"ends as {outcome.kind.value!r}"
            said = f"{self.can.version_check!r} is declared as version check, and a stale write {what}"
            self.see("version-broken", said, "problem")
        else:
            self.see("version-kept", f"refuses a stale write ({self.can.version_check})")

    async def _at_once(self, id: str) -> None:
        """Several writes from the same ground at the same time: one may pass."""
        now = await self.hand.look(id)
        if self.can.version_check is None or now is None:
            return
        ground = _ground(now, self.can)
        values = [self.hand.mark() for _ in range(AT_ONCE)]
        ended = await asyncio.gather(
            *(self.hand.update(now, {self.hand.path: value}, ground) for value in values), return_exceptions=True
        )
        passed = sum(1 for one in ended if not isinstance(one, BaseException) and one.kind is OutcomeKind.APPLIED)
        if passed > 1:
            said = f"{passed} of {AT_ONCE} writes at the same time passed the version check: it is not atomic"
            self.see("version-race", said, "problem")

    async def _write_without_change(self, id: str) -> None:
        now = await self.hand.look(id)
        if now is None:
            return
        await self.hand.pause(self.hand.step() if now.modified is not None else 0.0)
        value = now.natives().get(self.hand.path)
        if not (await self.hand.update(now, {self.hand.path: value})).done:
            return
        after = await self.hand.look(id)
        if after is None:
            return
        if now.version is not None and after.version != now.version:
            self.see("same-version-moves", "a write that changes nothing moves the version")
        if now.modified is not None and after.modified != now.modified:
            self.see("same-modified-moves", "a write that changes nothing moves the modification time")

    # searches, deletes, keys

    async def _searches(self, id: str) -> None:
        now = await self.hand.look(id)
        if now is None:
            return
        for path in self.can.find:
            value = now.natives().get(path)
            if value in (None, "") or isinstance(value, dict | list):
                continue
            found = await self.hand.connector.find(self.hand.name, {path: value})
            if id not in {record.id for record in found}:
                self.see("find-without", f"a search by {path} does not find a record that has that value", "problem")

    async def _deleted(self) -> None:
        """What is left of a record that was deleted; whether its id is given again."""
        made = await self.create()
        if made.id is None or made.record is None:
            return
        before = await self.hand.listing()
        if not await self.hand.remove(made.id):
            self.see("delete-fails", "a record that was made cannot be deleted", "problem")
            return
        answer = await self.hand.answer(made.id)
        if isinstance(answer, Record):
            self.see("delete-softly", "a deleted record stays and is marked as deleted: it is left in the bin")
        elif answer is not Absence.GONE:
            self.see("delete-hides", f"of a deleted record the system says {answer.value!r}, and not that it is gone")
        await self._trace(made.id, before)
        again = await self.create()
        if again.id is not None and again.id == made.id:
            self.see("id-again", f"the id of a record that was deleted ({made.id}) is given to the next one", "warning")

    async def _trace(self, id: str, before: Listing) -> None:
        after = await self.hand.listing(before.cursor) if self.can.changed_since else await self.hand.listing()
        told = id in after.deleted or (id in after.records and self.hand.is_deleted(after.records[id]))
        if self.can.deleted_feed and not told:
            self.see("delete-untold", "deletions are declared to be told, and this one was not", "problem")
        elif told and not self.can.deleted_feed:
            self.see("delete-told", "a listing shows what was deleted")
        elif not told:
            self.see("delete-no-trace", "a deleted record leaves no trace: only a listing of everything shows it")

    async def _same_key(self) -> None:
        """The same create sent twice, and found by its key."""
        key = f"accord-probe-{self.hand.mark()}"
        natives = {**self.template, self.hand.path: self.hand.mark()}
        first = await self.hand.create(natives, token=key)
        if first.id is None:
            return
        second = await self.hand.create(natives, token=key)
        if second.id is not None and second.id != first.id:
            if self.can.idempotent_create:
                said = "a repeated create makes a second record, though it is declared not to"
                self.see("repeat-doubles", said, "problem")
            else:
                self.see("repeat-doubles", "a create that is sent twice makes two records")
        elif second.id is not None:
            self.see("repeat-known", "a create that is sent twice makes one record")
        else:
            self.see("repeat-refused", f"a create that is sent twice is refused: {second.outcome.message}")
        own = self.hand.datatype.key_property
        if self.can.own_key and own is not None:
            found = await self.hand.connector.find(self.hand.name, {own: key})
            if first.id not in {record.id for record in found}:
                self.see("key-lost", f"a record is not found by the key that was put into {own}", "problem")


def _ground(record: Record, can: Capabilities) -> Expects:
    """What a write expects: the version where there is one, else the values."""
    natives = record.natives() if can.version_check == "where" or record.version is None else {}
    return Expects(version=record.version, natives=natives)


def _unfiltered(whole: Listing, changed: Listing, tolerance: float) -> bool:
    """Whether a listing of changes shows as much as one of everything, and not because all of it is new."""
    many = len(whole.records) >= UNFILTERED
    return many and len(changed.records) >= len(whole.records) and not _all_new(changed.records.values(), tolerance)


def _all_new(records: Iterable[Record], tolerance: float) -> bool:
    """Whether all of some records were saved within a short time: then a filter shows them all rightly."""
    times = [record.modified for record in records if record.modified is not None]
    return bool(times) and max(times) - min(times) <= timedelta(seconds=max(60.0, 10 * tolerance))
