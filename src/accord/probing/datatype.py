"""Probes one datatype: how a record is made and removed, then what it keeps as a whole, then each property."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from accord.config.meaning import Project
from accord.errors import SystemFailure
from accord.model import ABSENT, Absent, Native, Natives, Record
from accord.probing.choices import probe_boolean, probe_enum, probe_formed, probe_read_only, probe_reference
from accord.probing.found import Fact, FoundOfDatatype, FoundOfProperty, Prop
from accord.probing.habits import Habits
from accord.probing.hand import Hand, Made, holds
from accord.probing.moments import probe_date, probe_datetime
from accord.probing.numbers import probe_number
from accord.probing.props import FORMED, NUMBERS, TEXTS, mark_candidates, side_natives, value_for
from accord.probing.texts import probe_text
from accord.probing.trying import Trial, same

Progress = Callable[[str, int, int | None], None]
EMPTY: tuple[Native, ...] = (None, "")
LONGEST_STEP = 2.0
"""Seconds; where modification times move in longer steps, it is not waited for them with each property."""
MENDED = 4
"""So often a create is sent with what its refusal names, or without it."""
FILLED = frozenset({"default", "filled"})
NOT_WRITTEN = frozenset({"ignored", "refused"})


class CannotProbe(Exception):
    """Why a datatype cannot be probed."""


class Prober:
    """See the module. `untried` are paths that there are no made-up values for."""

    def __init__(
        self, project: Project, hand: Hand, props: Sequence[Prop], untried: Sequence[str], tell: Progress
    ) -> None:
        self.project, self.hand, self.props, self.untried, self.tell = project, hand, props, untried, tell
        self.template: dict[str, Native] = {}
        self.facts: dict[str, list[Fact]] = {one.path: [] for one in props}
        self.own: list[Fact] = []
        self.before = 0
        self.plain: Natives = {}
        """A record as it was made, with nothing but what a create needs."""

    async def probe(self) -> FoundOfDatatype:
        """Everything. Raises SystemFailure; what was made is then still noted."""
        self.before = await self._count()
        try:
            first = await self._first()
            await self._removal(first)
        except CannotProbe as error:
            return FoundOfDatatype(name=self.hand.name, before=self.before, why_not=str(error))
        record = (await self._create()).record
        if record is None:
            return FoundOfDatatype(name=self.hand.name, before=self.before, why_not="a second create was not taken")
        self._defaults(first, record)
        habits = Habits(self.hand, self.hand.connector.capabilities(self.hand.name), self.template)
        await habits.try_all(record.id)
        self.own += habits.facts
        await self._required()
        for at, prop in enumerate(self.props):
            self.tell(f"probing {self.hand.system.name} {self.hand.name}", at, len(self.props))
            await self._property(record.id, prop)
        return self._found()

    def _found(self) -> FoundOfDatatype:
        tried = [
            FoundOfProperty(path=one.path, type=one.kind, tried=True, facts=tuple(self.facts[one.path]))
            for one in self.props
        ]
        others = [FoundOfProperty(path=path, type="", tried=False, facts=()) for path in self.untried]
        return FoundOfDatatype(
            name=self.hand.name,
            made=self.hand.made,
            before=self.before,
            facts=tuple(self.own),
            properties=(*tried, *others),
        )

    async def counted_after(self, found: FoundOfDatatype) -> FoundOfDatatype:
        """The same, once everything is removed, with what a listing shows then."""
        try:
            return replace(found, after=await self._count(), made=self.hand.made)
        except SystemFailure as error:
            fact = Fact(word="listing-fails", said=f"a listing fails since: {error.message}", level="problem")
            return replace(found, made=self.hand.made, facts=(*found.facts, fact))

    async def _count(self) -> int:
        listing = await self.hand.listing()
        return sum(not self.hand.is_deleted(record) for record in listing.records.values())

    # making and removing

    async def _create(self, more: dict[str, Native] | None = None, without: str | None = None) -> Made:
        natives = {**self.template, **(more or {}), self.hand.path: self.hand.mark()}
        natives.pop(without or "", None)
        return await self.hand.create(natives)

    async def _first(self) -> Record:
        """A record that the system takes and that keeps its mark. Raises CannotProbe."""
        said = "no property could hold a mark"
        for candidate in mark_candidates(self.props)[:3]:
            self.hand.path = candidate.path
            made = await self._taken()
            if made.record is not None and holds(made.record, self.hand.path, self.hand.tag):
                return made.record
            if made.id is not None:
                said = f"{candidate.path} does not keep a mark"
                await self.hand.remove(made.id)
            else:
                said = f"no made-up record is taken: {made.outcome.message or made.outcome.kind.value}"
        raise CannotProbe(said)

    async def _taken(self) -> Made:
        """The first of some creates that is taken, or the last one. What a refusal names is added, or left out."""
        last, *first = reversed(self._templates())
        for template in reversed(first):
            made = await self._taken_as(template)
            if made.id is not None:
                return made
        return await self._taken_as(last)

    async def _taken_as(self, template: dict[str, Native]) -> Made:
        self.template = template
        for _ in range(MENDED):
            made = await self._create()
            mended = self._mended(made.outcome.message or "")
            if made.id is not None or mended == self.template:
                return made
            self.template = mended
        return await self._create()

    def _mended(self, refusal: str) -> dict[str, Native]:
        """The template without the properties that a refusal names, or with them where they are not in it."""
        named = {
            one.path
            for one in self.props
            if one.path != self.hand.path and re.search(rf"(?<![\w.]){re.escape(one.path)}(?![\w.])", refusal)
        }
        kept = {path: value for path, value in self.template.items() if path not in named}
        made = {one.path: value_for(one, self.hand.system) for one in self.props if one.path in named}
        return {**kept, **{path: made[path] for path in named - set(self.template) if made[path] is not None}}

    def _templates(self) -> list[dict[str, Native]]:
        """What a create may need: what is said to be required, made up; as in a record that is there; everything."""
        given = side_natives(self.project, self.hand.datatype)
        writable = [one for one in self.props if not one.read_only and one.path != self.hand.path]
        made = {one.path: value_for(one, self.hand.system) for one in writable}
        required = {one.path: made[one.path] for one in writable if one.required and made[one.path] is not None}
        seen = {one.path: one.sample for one in writable if one.path in required and one.sample is not None}
        every = {path: value for path, value in made.items() if value is not None}
        return [{**required, **given}, {**required, **seen, **given}, {**every, **seen, **given}]

    async def _removal(self, first: Record) -> None:
        """Nothing else is made before it is sure that what is made can be removed. Raises CannotProbe."""
        if not await self.hand.remove(first.id):
            raise CannotProbe(f"what is made cannot be removed: {self.hand.name} {first.id} is left")

    # what a create needs, and what the system fills in

    def _defaults(self, first: Record, second: Record) -> None:
        """What nobody sent, and is there."""
        one, other = first.natives(), second.natives()
        self.plain = other
        for prop in self.props:
            value = other.get(prop.path)
            if prop.path in self.template or prop.path == self.hand.path or prop.read_only or value in EMPTY:
                continue
            if isinstance(value, list | dict):
                continue
            stated = prop.stated.default if prop.stated is not None else None
            if not same(one.get(prop.path), value):
                self._see(prop, "filled", f"the system fills in something else each time, as {value!r}")
            elif stated is None:
                self._see(prop, "default", f"the system fills in {value!r}", keys={"default": value})
            elif stated != value:
                self._see(
                    prop,
                    "default",
                    f"the system fills in {value!r}, and {stated!r} is said",
                    level="problem",
                    keys={"default": value},
                )

    def _see(self, prop: Prop, word: str, said: str, **more: object) -> None:
        self.facts[prop.path].append(Fact(word=word, said=said, **more))  # type: ignore[arg-type]

    async def _required(self) -> None:
        """Creates without what is said to be required; and where all was needed, without each."""
        for prop in self.props:
            if prop.path not in self.template:
                continue
            made = await self._create(without=prop.path)
            if made.id is None and not prop.required:
                said = f"a create without it is refused: {made.outcome.message}"
                self._see(prop, "required", said, keys={"required": True})
            elif made.record is not None and prop.required:
                value = made.record.natives().get(prop.path)
                then = f"the system fills in {value!r}" if value not in EMPTY else "it stays empty"
                self._see(
                    prop, "not-required", f"a create without it is taken, though it is said to be required: {then}"
                )
            if made.id is not None:
                await self.hand.remove(made.id)

    # one property

    async def _property(self, id: str, prop: Prop) -> None:
        if prop.create_only:
            return
        timed = self.hand.datatype.modified is not None and self.hand.resolution <= LONGEST_STEP
        await self.hand.pause(self.hand.step() if timed else 0.0)
        before = await self.hand.look(id)
        trial = Trial(self.hand, id, prop)
        if prop.read_only:
            await probe_read_only(trial, value_for(prop, self.hand.system, 2))
        else:
            await _probe(trial)
            if prop.path != self.hand.path:
                await self.hand.restore(id, prop.path, self.plain.get(prop.path))
            await self._at_creation(trial)
            _claimed(trial)
        after = await self.hand.look(id)
        if timed and trial.taken and _untimed(before, after):
            trial.see("untimed", "a change of it does not move the modification time", level="problem")
        if any(fact.keys.get("read_only") or fact.keys.get("create_only") for fact in trial.facts):
            self.facts[prop.path] = [fact for fact in self.facts[prop.path] if fact.word not in FILLED]
        self.facts[prop.path] += trial.facts

    async def _at_creation(self, trial: Trial) -> None:
        """What an update does not take, a create may."""
        at = next((at for at, fact in enumerate(trial.facts) if fact.word in NOT_WRITTEN), None)
        prop = trial.prop
        value = value_for(prop, self.hand.system, 4)
        plain = self.plain.get(prop.path)
        if value is True and plain is True:
            value = False
        if at is None or value is None or same(plain, value) or prop.path == self.hand.path:
            return
        made = await self._create({prop.path: value})
        stored: Native | Absent = made.record.natives().get(prop.path, ABSENT) if made.record is not None else ABSENT
        if made.id is not None:
            await self.hand.remove(made.id)
        if (
            made.id is None
            and trial.facts[at].word == "refused"
            and plain not in EMPTY
            and await self._refuses(prop, plain)
        ):
            said = f"the system fills it in and takes no value: {made.outcome.message}"
            trial.facts[at] = Fact(word="read-only", said=said, level="warning", keys={"read_only": True})
        if same(stored, value):
            said = f"is taken when a record is made, and later: {trial.facts[at].said}"
            trial.facts[at] = Fact(word="create-only", said=said, level="warning", keys={"create_only": True})

    async def _refuses(self, prop: Prop, value: Native) -> bool:
        """Whether a create is refused with the very value that the system fills in by itself."""
        made = await self._create({prop.path: value})
        if made.id is not None:
            await self.hand.remove(made.id)
        return made.id is None


async def _probe(trial: Trial) -> None:
    """By type."""
    kind = trial.prop.kind
    if kind in TEXTS:
        await probe_text(trial)
    elif kind in NUMBERS:
        await probe_number(trial)
    elif kind in FORMED:
        await probe_formed(trial, FORMED[kind])
    else:
        await {
            "boolean": probe_boolean,
            "enum": probe_enum,
            "reference": probe_reference,
            "date": probe_date,
            "datetime": probe_datetime,
        }[kind](trial)


def _claimed(trial: Trial) -> None:
    """What the file says that the system does to values, and it does not."""
    said = trial.prop.stated.rewrites if trial.prop.stated is not None else ()
    if any(fact.word in NOT_WRITTEN for fact in trial.facts):
        return
    seen = {word for fact in trial.facts for word in fact.keys.get("rewrites", ())}
    for word in said:
        if word not in seen:
            trial.see("not-rewritten", f"`rewrites: {word}` is said, and was not seen", level="problem")


def _untimed(before: Record | None, after: Record | None) -> bool:
    if before is None or after is None or before.modified is None:
        return False
    return before.modified == after.modified
