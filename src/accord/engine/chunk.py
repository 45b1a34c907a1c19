"""Some links of one flow, with all that their planning needs, loaded in a handful of queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from accord.core.detect import Reading, same_native
from accord.core.mapping import FlowMap
from accord.core.settle import revived
from accord.engine.observe import place_salt, record_print
from accord.engine.setting import Setting
from accord.errors import ValueRefused
from accord.model import Absence, Link, LinkRef, LinkState, Member, Native, Record, Ref
from accord.stored import Arrival, Held
from accord.values.codec import Codec


@dataclass(slots=True, kw_only=True)
class Chunk:
    """Links and what is known of them in this round."""

    flow: FlowMap
    links: dict[int, Link]
    arrivals: dict[Ref, Arrival]
    held: dict[int, list[Held]]
    readings: dict[Ref, Reading] = field(default_factory=dict)
    unread: set[Ref] = field(default_factory=set)
    """Members that could not be read; nothing is said of their links."""
    refs: dict[Ref, int] = field(default_factory=dict)
    """What references point to → link, for links that are (or become in this run) more than one record."""
    targets: Mapping[tuple[int, str], str | int] = field(default_factory=dict)
    makings: set[tuple[int, str]] = field(default_factory=set)

    def gone(self, member: Member) -> bool:
        """Whether a member's record is gone, as far as this round knows."""
        arrival = self.arrivals.get(member.ref)
        return member.gone if arrival is None else arrival.content is None


def load_chunk(setting: Setting, flow: FlowMap, numbers: Sequence[int]) -> Chunk:
    """Links by number, with their arrivals and held items."""
    state = setting.state
    held: dict[int, list[Held]] = {}
    for item in state.held.of_links(numbers):
        held.setdefault(item.link or 0, []).append(item)
    return Chunk(
        flow=flow,
        links={number: revived(flow, link) for number, link in state.links.load(numbers).items()},
        arrivals=state.observed.arrivals_of(numbers),
        held=held,
    )


async def read_unknown(setting: Setting, chunk: Chunk) -> None:
    """Read by id every member that did not arrive and is not known to be as its base, or whose arrival may be old.

    What a listing says of a linked record is a hint: it may show what was there before our own last write. What was
    read by id goes into the inbox like any arrival: else the next listing, if somebody sets the record back before it,
    would look like what was seen before, and nobody would notice.
    """
    unknown: dict[tuple[str, str], list[Member]] = {}
    for link in chunk.links.values():
        for member in link.members:
            arrival = chunk.arrivals.get(member.ref)
            if _may_be_old(chunk.flow, arrival, member) if arrival else not _known(chunk.flow, link, member):
                unknown.setdefault((member.ref.system, member.ref.datatype), []).append(member)
    await _read(setting, chunk, unknown)
    if any(side.side.archive for side in chunk.flow.sides.values()):
        await _read(setting, chunk, _to_be_archived(chunk))


def _to_be_archived(chunk: Chunk) -> dict[tuple[str, str], list[Member]]:
    """What may be archived and is known by its base only: an undo needs what it was, also where no row names it."""
    found: dict[tuple[str, str], list[Member]] = {}
    for link in chunk.links.values():
        if any(chunk.gone(member) and chunk.flow.sides[member.ref.system].side.archive for member in link.members):
            for member in link.members:
                if member.ref not in chunk.arrivals and not member.gone:
                    found.setdefault((member.ref.system, member.ref.datatype), []).append(member)
    return found


async def _read(setting: Setting, chunk: Chunk, unknown: Mapping[tuple[str, str], Sequence[Member]]) -> None:
    for (system, datatype), members in unknown.items():
        answers = await setting.connectors[system].fetch(datatype, [member.ref.id for member in members])
        for member in members:
            _take_answer(chunk, member, answers[member.ref.id])
        _keep(setting, chunk, (system, datatype), [answers[member.ref.id] for member in members], members)


def _keep(
    setting: Setting,
    chunk: Chunk,
    of: tuple[str, str],
    answers: Sequence[Record | Absence],
    members: Sequence[Member],
) -> None:
    """Put what was read by id into the inbox, with its fingerprints."""
    place, salt = setting.place(*of), place_salt(setting, *of)
    arrivals = [chunk.arrivals.get(member.ref) for member in members]
    pairs = list(zip(answers, arrivals, members, strict=True))
    there = [answer for answer, arrival, _ in pairs if isinstance(answer, Record) and arrival and arrival.content]
    gone = [member.ref.id for _, arrival, member in pairs if arrival is not None and arrival.content is None]
    setting.state.observed.take_in(place, there, [record_print(record, salt) for record in there])
    setting.state.observed.take_in_gone(place, gone)


def _may_be_old(flow: FlowMap, arrival: Arrival, member: Member) -> bool:
    """Whether what a listing showed differs from what is settled and may be older: then it is read by its id."""
    if arrival.content is None:
        return False
    side = flow.sides[member.ref.system]
    shown = side.by_row(arrival.natives())
    lacks = any(row not in shown and native is not None for row, native in member.base.items() if row in side.rows)
    if member.clean and not lacks and all(same_native(native, member.base.get(row)) for row, native in shown.items()):
        return False
    if arrival.modified is not None and member.modified is not None:
        return arrival.modified <= member.modified
    if isinstance(arrival.version, int) and isinstance(member.version, int):
        return arrival.version <= member.version
    return True


def _known(flow: FlowMap, link: Link, member: Member) -> bool:
    side = flow.sides[member.ref.system]
    waits = side.when is not None and link.state is LinkState.WAITING
    if member.gone or not member.clean or waits or side.looks_beside:
        return False
    return all(row in member.base or row in link.agreed for row in side.rows)


def _take_answer(chunk: Chunk, member: Member, answer: Record | Absence) -> None:
    if isinstance(answer, Record):
        chunk.arrivals[member.ref] = arrival_of(chunk.flow, member.ref, answer)
    elif answer is Absence.GONE:
        chunk.arrivals[member.ref] = Arrival(
            ref=member.ref, native_id=member.native_id, content=None, version=None, modified=None
        )
    else:
        chunk.unread.add(member.ref)


def arrival_of(flow: FlowMap, ref: Ref, record: Record) -> Arrival:
    """A record that was read by id, as an arrival; one that the system shows as deleted has no content."""
    deleted = flow.sides[ref.system].deleted
    is_deleted = deleted is not None and deleted.test(record.natives())
    return Arrival(
        ref=ref,
        native_id=record.native_id,
        content=None if is_deleted else record.content,
        version=record.version,
        modified=record.modified,
    )


def make_readings(setting: Setting, chunk: Chunk) -> None:
    """A reading of every member, and which link each reference in them points to."""
    for link in chunk.links.values():
        for member in link.members:
            chunk.readings[member.ref] = _reading(chunk, member)
    if chunk.flow.references:
        _resolve(setting, chunk)


def _reading(chunk: Chunk, member: Member) -> Reading:
    arrival = chunk.arrivals.get(member.ref)
    if arrival is None or arrival.content is None:
        return Reading(
            chunk.flow,
            member,
            member.base,
            version=member.version,
            modified=member.modified,
            resolve=chunk.refs.get,
        )
    side, natives = chunk.flow.sides[member.ref.system], arrival.natives()
    return Reading(
        chunk.flow,
        member,
        side.by_row(natives),
        created=side.created_of(natives),
        version=arrival.version if arrival.version is not None else member.version,
        modified=arrival.modified,
        resolve=chunk.refs.get,
        record=natives,
    )


def _resolve(setting: Setting, chunk: Chunk) -> None:
    state = setting.state
    found = state.links.of(list(set(_pointed_to(setting, chunk))))
    links = state.links.load(sorted(set(found.values())))
    chunk.makings |= state.plans.makings(sorted(links))
    made = {number for number, _ in chunk.makings}
    real = {number for number, link in links.items() if len(link.members) > 1 or number in made}
    chunk.refs.update({ref: number for ref, number in found.items() if number in real})
    agreed = set(_agreed_links(chunk))
    chunk.makings |= state.plans.makings(sorted(agreed))
    chunk.targets = state.links.targets(sorted({*chunk.refs.values(), *agreed}))


def _pointed_to(setting: Setting, chunk: Chunk) -> Iterator[Ref]:
    for reading in chunk.readings.values():
        for row, target in chunk.flow.references.items():
            side = setting.flows[target].flow.side(reading.system)
            codec = reading.side.rows.get(row)
            if side is None or codec is None:
                continue
            for native in (reading.natives.get(row), reading.member.base.get(row)):
                id = _id_in(codec, native)
                if id is not None:
                    yield Ref(reading.system, side.datatype, id)


def _id_in(codec: Codec, native: Native) -> str | None:
    if native is None:
        return None
    try:
        value = codec.decode(native)
    except ValueRefused:
        return None
    return value if isinstance(value, str) else None


def _agreed_links(chunk: Chunk) -> Iterator[int]:
    for link in chunk.links.values():
        for agreed in link.agreed.values():
            if isinstance(agreed.value, LinkRef):
                yield agreed.value.link
