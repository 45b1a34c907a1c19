"""Records in no link: which flow claims them, and the waiting link that each begins with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from accord.core.detect import Reading
from accord.core.identity import is_another
from accord.core.keys import source_of
from accord.core.linkplan import HeldItem
from accord.core.mapping import FlowMap
from accord.core.match import claim, match_keys
from accord.core.score import score_keys
from accord.engine.created_since import creates_in_doubt, looks_like
from accord.engine.setting import Setting
from accord.errors import ExpressionError
from accord.model import Link, Member, Natives, Ref, json_text
from accord.stored import Arrival, NewLink

BATCH = 500


def take_up(setting: Setting, samples: dict[tuple[str, str, str], object]) -> list[tuple[Ref, Ref]]:
    """Go through the inbox: begin a waiting link for each record that a flow claims.

    The answer is (record, the record that its own key names), for records that carry one of our keys and are in no
    link: the state was lost, or restored.
    """
    keyed: list[tuple[Ref, Ref]] = []
    places = {(system, side.side.datatype) for flow in setting.selected() for system, side in flow.sides.items()}
    for system, datatype in sorted(places):
        _Intake(setting, system, datatype, samples, keyed).run()
    return keyed


@dataclass(slots=True)
class _Batch:
    closed: dict[str, int]
    """Id → the closed link that it was a member of."""
    begin: list[NewLink] = field(default_factory=list)
    done: list[tuple[int, str]] = field(default_factory=list)


class _Intake:
    def __init__(
        self,
        setting: Setting,
        system: str,
        datatype: str,
        samples: dict[tuple[str, str, str], object],
        keyed: list[tuple[Ref, Ref]],
    ) -> None:
        self.setting, self.system, self.datatype, self.samples, self.keyed = setting, system, datatype, samples, keyed
        self.place = setting.place(system, datatype)
        self.flows = setting.flows_of(system, datatype)
        self.selected = {flow.name for flow in setting.selected()}
        self.key = setting.project.datatype(system, datatype).key_property
        self.alone = setting.state.held.alone_refs()
        self.in_doubt = creates_in_doubt(setting, system, datatype)

    def run(self) -> None:
        """All arrivals of the datatype, in batches."""
        after = ""
        while arrivals := self.setting.state.observed.inbox(self.place, after, BATCH):
            after = arrivals[-1].ref.id
            self._batch([arrival for arrival in arrivals if arrival.link is None])

    def _batch(self, arrivals: Sequence[Arrival]) -> None:
        batch = _Batch(self.setting.state.links.closed_with(self.place, [arrival.ref.id for arrival in arrivals]))
        for arrival in arrivals:
            self._one(arrival, batch)
        taken = [str(new.ref) for new in batch.begin if json_text([str(new.ref)]) in self.alone]
        self.setting.state.held.close_of(taken, self.setting.now)
        self.setting.state.links.begin(batch.begin, self.setting.now)
        self.setting.state.observed.done(batch.done)

    def _one(self, arrival: Arrival, batch: _Batch) -> None:
        done = (self.place, arrival.ref.id)
        if arrival.content is None:
            batch.done.append(done)
            return
        natives = arrival.natives()
        self._learn(natives)
        if self._may_be_ours(arrival, natives):
            return
        if arrival.ref.id in batch.closed:
            self._known_from_before(arrival, batch.closed[arrival.ref.id])
            batch.done.append(done)
            return
        source = source_of(natives.get(self.key)) if self.key else None
        flow = self._of_source(source) or self._claimed(arrival, natives)
        if flow is None:
            batch.done.append(done)
        elif flow.name in self.selected:
            batch.begin.append(self._new_link(flow, arrival, natives))
            if source is not None:
                self.keyed.append((arrival.ref, source))
            batch.done.append(done)

    def _learn(self, natives: Natives) -> None:
        """Remember one native of each property, from which the wire form is learned."""
        for path, value in natives.items():
            key = (self.system, self.datatype, path)
            if value is not None and value != "" and key not in self.samples:
                self.samples[key] = value

    def _may_be_ours(self, arrival: Arrival, natives: Natives) -> bool:
        """Whether this may be the record of a create whose link plan is unfinished: then nothing is begun with it. One
        that is known to be made is known by its id, whatever people have made of it since.
        """
        for one in self.in_doubt:
            write = one.write
            if write.known is not None and write.known.id is not None:
                if write.known.id == arrival.ref.id:
                    return True
            elif self.key:
                if natives.get(self.key) == write.token:
                    return True
            elif one.may_have_made(arrival) or any(looks_like(flow, write, natives) for flow in self.flows):
                return True
        return False

    def _known_from_before(self, arrival: Arrival, closed: int) -> None:
        """A record whose link was closed: dissolved ones stay alone; one that was gone and is back goes to review."""
        link = self.setting.state.links.load([closed], closed=True)[closed]
        (member,) = (member for member in link.members if member.ref == arrival.ref)
        if member.gone or self._is_another(link, member, arrival):
            reason = f"a record with this id was deleted (link {closed}), and is there again"
            self._hold(arrival, "review", reason, link.flow)

    def _is_another(self, link: Link, member: Member, arrival: Arrival) -> bool:
        """Whether all that tells it apart has changed since it was let go: its id was given again."""
        flow = self.setting.flows.get(link.flow)
        if flow is None or self.system not in flow.sides or not member.base:
            return False
        side, natives = flow.sides[self.system], arrival.natives()
        reading = Reading(
            flow,
            member,
            side.by_row(natives),
            version=arrival.version,
            modified=arrival.modified,
            resolve=lambda _ref: None,
            created=side.created_of(natives),
        )
        return is_another(flow, reading)

    def _of_source(self, source: Ref | None) -> FlowMap | None:
        """The one flow in which this record was made, where its own key names the record that it comes from."""
        if source is None:
            return None
        able = [
            flow
            for flow in self.flows
            if source.system != self.system
            and (side := flow.flow.side(source.system)) is not None
            and side.datatype == source.datatype
        ]
        return able[0] if len(able) == 1 else None

    def _claimed(self, arrival: Arrival, natives: Natives) -> FlowMap | None:
        try:
            found = claim(self.flows, self.system, natives)
        except ExpressionError as error:
            self._hold(arrival, "value", error.message, self.flows[0].name)
            return None
        if found.rivals:
            self._hold(arrival, "review", f"several flows claim this record: {', '.join(found.rivals)}", None)
        if found.flow is None:
            return None
        flow = self.setting.flows[found.flow]
        return None if self._older_than_flow(flow) else flow

    def _older_than_flow(self, flow: FlowMap) -> bool:
        side = flow.sides[self.system].side
        return side.since_linked and self.setting.state.get(started_key(flow, self.system)) is None

    def _new_link(self, flow: FlowMap, arrival: Arrival, natives: Natives) -> NewLink:
        base = flow.sides[self.system].by_row(natives)
        return NewLink(
            flow=flow.name,
            ref=arrival.ref,
            native_id=arrival.native_id,
            base=base,
            version=arrival.version,
            modified=arrival.modified,
            created=flow.sides[self.system].created_of(natives),
            keys=keys_of(flow, arrival, base) if flow.flow.matches else (),
        )

    def _hold(self, arrival: Arrival, kind: str, reason: str, flow: str | None) -> None:
        item = HeldItem(kind=kind, reason=reason, refs=(str(arrival.ref),))
        self.setting.state.held.open_alone(item, flow, self.setting.now, self.setting.run)


def keys_of(flow: FlowMap, arrival: Arrival, base: Natives) -> list[tuple[int, str]]:
    """The match keys of a record that is in no link yet."""
    member = Member(ref=arrival.ref, native_id=arrival.native_id, base=base)
    reading = Reading(flow, member, base, version=None, modified=None, resolve=lambda _ref: None)
    return [*match_keys(flow, reading), *score_keys(flow, reading)]


def started_key(flow: FlowMap, system: str) -> str:
    """The word under which the state remembers that a flow has seen a system's records once."""
    return f"started:{flow.name}:{system}"


def note_started(setting: Setting) -> None:
    """Records that come from now on are new to these flows (`since: linked`)."""
    for flow in setting.selected():
        for system, side in flow.sides.items():
            cursor = setting.state.observed.cursor(setting.place(system, side.side.datatype))
            if side.side.since_linked and cursor is not None and cursor.complete_at is not None:
                setting.state.put(started_key(flow, system), setting.now.isoformat())


__all__ = ["keys_of", "note_started", "started_key", "take_up"]
