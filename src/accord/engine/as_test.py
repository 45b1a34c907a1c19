"""`explain --as-test`: the last thing that happened to a record, as a test for the project file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from accord.connectors.paths import nested
from accord.core.mapping import FlowMap, SideMap
from accord.core.settle import revive, revived
from accord.errors import UsageError, ValueRefused
from accord.model import Link, LinkRef, Member, Native, Op, Ref, json_bytes
from accord.store.opening import State
from accord.stored import HistoryLine

MOST = 30
"""Links that are taken along because the record refers to them."""
_EQUALS = re.compile(r"""([A-Za-z_][\w.]*)\s*==\s*("[^"']*"|'[^"']*'|-?\d+|true|false)""")
"""What a filter usually says. Of another one the record has to be completed by hand."""
_PLAIN = re.compile(r"[A-Za-z][\w./% -]*")


@dataclass(slots=True)
class _Test:
    name: str
    in_step: list[dict[str, Mapping[str, Native]]] = field(default_factory=list)
    new: dict[str, Mapping[str, Native]] = field(default_factory=dict)
    edit: dict[str, Mapping[str, Native]] = field(default_factory=dict)
    delete: list[str] = field(default_factory=list)
    writes: list[tuple[str, str, Mapping[str, Native]]] = field(default_factory=list)
    linked: list[str] = field(default_factory=list)


def as_test(state: State, flows: Mapping[str, FlowMap], link: Link) -> str:
    """YAML for `tests:`. Raises UsageError where what happened last cannot be told in records and edits."""
    return "\n".join(_yaml(_Exported(state, flows, link).test())) + "\n"


class _Exported:
    def __init__(self, state: State, flows: Mapping[str, FlowMap], link: Link) -> None:
        self.state, self.flows = state, flows
        self.flow = flows[link.flow]
        self.link = revived(self.flow, link)
        self.pointed: list[int] = []
        """Links that were referred to before."""
        self.made: set[Ref] = set()
        """Records that Accord made in what is told; their ids are other ones in the test."""

    def test(self) -> _Test:
        """The last run that wrote to the link, or how it is where none did."""
        lines = [line for line in self.state.history.list(link=self.link.id) if line.wrote is not None]
        last = [line for line in lines if line.run == lines[-1].run]
        ops = {line.op for line in last}
        self.made = {Ref.parse(line.ref or "") for line in last if line.op == Op.CREATE.value}
        if not last:
            found = _Test(f"{self.link.members[0].ref} is in step")
            found.in_step.append(self._records(self.flow, self.link.members))
        elif Op.DELETE.value in ops:
            found = self._deleted(last)
        elif Op.CREATE.value in ops:
            found = self._created(last)
        else:
            found = self._edited(last)
        found.in_step[:0] = list(self._referred())
        return found

    # what happened

    def _created(self, lines: Sequence[HistoryLine]) -> _Test:
        sources = [member for member in self.link.members if member.ref not in self.made]
        if not sources:
            raise UsageError("what the record was made from is gone, so that no test can begin with it")
        found = _Test(f"{sources[0].ref} gets a counterpart", new=self._records(self.flow, sources))
        for line in lines:
            if line.op == Op.CREATE.value:
                member = self._member(line)
                found.writes.append(
                    (line.op, f"{member.ref.system}/{member.ref.datatype}", self._expected(member, line))
                )
        found.linked = [str(sources[0].ref), *(f"{ref.system}/{ref.datatype}" for ref in sorted(self.made))]
        return found

    def _edited(self, lines: Sequence[HistoryLine]) -> _Test:
        before: dict[Ref, dict[str, Native]] = {}
        edits: dict[str, dict[str, Native]] = {}
        for line in lines:
            target = self._member(line)
            source = self._source(line)
            for row, (old, _) in line.changes.items():
                for member in (target, source):
                    side = self.flow.sides[member.ref.system]
                    if row in side.rows:
                        before.setdefault(member.ref, {})[side.paths[row]] = self._native(member, row, old, target)
                side = self.flow.sides[source.ref.system]
                if row in side.rows:
                    edits.setdefault(str(source.ref), {})[side.paths[row]] = source.base.get(row)
        found = _Test(f"an edit of {next(iter(edits))} is carried over" if edits else f"an edit of {lines[0].ref}")
        found.in_step.append(self._records(self.flow, self.link.members, before))
        found.edit = {ref: nested(changes) for ref, changes in edits.items()}
        found.writes = [(line.op, line.ref or "", self._expected(self._member(line), line)) for line in lines]
        return found

    def _deleted(self, lines: Sequence[HistoryLine]) -> _Test:
        gone = [member for member in self.link.members if member.gone]
        written = {line.ref for line in lines}
        first = next((member for member in gone if str(member.ref) not in written), None)
        if first is None:
            raise UsageError("who deleted the first of the records is not in the history, so that no test can do it")
        found = _Test(f"{first.ref} is deleted", delete=[str(first.ref)])
        found.in_step.append(self._records(self.flow, self.link.members))
        found.writes = [(line.op, line.ref or "", {}) for line in lines if line.op == Op.DELETE.value]
        return found

    # records

    def _member(self, line: HistoryLine) -> Member:
        found = next((member for member in self.link.members if str(member.ref) == line.ref), None)
        if found is None:
            raise UsageError(f"{line.ref} is not in link {self.link.id} any more, so that no test can say how it was")
        return found

    def _source(self, line: HistoryLine) -> Member:
        cause = line.caused_by or {}
        found = next((member for member in self.link.members if member.ref.system == cause.get("system")), None)
        if found is None or str(found.ref) == line.ref:
            said = f"decided by {line.by}" if line.by else "not caused by an edit in another system"
            raise UsageError(f"the last write to {line.ref} was {said}, which no test can repeat")
        return found

    @staticmethod
    def _records(
        flow: FlowMap, members: Sequence[Member], before: Mapping[Ref, Mapping[str, Native]] | None = None
    ) -> dict[str, Mapping[str, Native]]:
        """Records with all that is mapped; `before`: what some paths were."""
        found: dict[str, Mapping[str, Native]] = {}
        for member in members:
            side = flow.sides[member.ref.system]
            values = {side.paths[row]: value for row, value in member.base.items() if row in side.paths}
            found[str(member.ref)] = {
                **nested(_scope(side)),
                **nested({**values, **(before or {}).get(member.ref, {})}),
            }
        return found

    def _expected(self, member: Member, line: HistoryLine) -> Mapping[str, Native]:
        paths = self.flow.sides[member.ref.system].paths
        values = {paths[row]: member.base.get(row) for row in line.changes if row in paths}
        return nested(values)

    def _native(self, member: Member, row: str, value: Any, written: Member) -> Native:
        """A value of the history as a system writes it; `written` is the record whose line it is. Raises UsageError."""
        side = self.flow.sides[member.ref.system]
        codec, like = side.rows[row], member.base.get(row)
        if row in self.flow.references:
            number = self._pointed(row, value, written)
            target = None if number is None else self.state.links.targets([number]).get((number, member.ref.system))
            return None if target is None else codec.encode(target, like=like)
        try:
            return codec.encode(revive(self.flow, row, value), like=like)
        except (ValueRefused, ValueError) as error:
            raise UsageError(f"{row}: what it was cannot be written for {member.ref.system}: {error}") from None

    def _pointed(self, row: str, value: Any, written: Member) -> int | None:
        """The link that a reference pointed to: the history shows its id in the system that was written to."""
        if isinstance(value, dict) and "link" in value:
            number: int | None = int(value["link"])
        else:
            target = self.flows[self.flow.references[row]].sides.get(written.ref.system)
            ref = None if target is None else Ref(written.ref.system, target.side.datatype, str(value))
            number = None if ref is None or value is None else self.state.links.of([ref]).get(ref)
        if number is not None:
            self.pointed.append(number)
        return number

    def _referred(self) -> Iterator[dict[str, Mapping[str, Native]]]:
        """The links that this one refers to, and that these refer to."""
        found: list[tuple[FlowMap, Link]] = []
        waiting = [iter([*self._targets(self.flow, self.link), *self.pointed])]
        seen = {self.link.id}
        while waiting and len(seen) <= MOST:
            number = next(waiting[-1], None)
            if number is None:
                waiting.pop()
            elif number not in seen:
                seen.add(number)
                loaded = self.state.links.load([number]).get(number)
                if loaded is not None and loaded.flow in self.flows:
                    flow = self.flows[loaded.flow]
                    found.append((flow, revived(flow, loaded)))
                    waiting.append(self._targets(*found[-1]))
        for flow, link in found:
            if len(link.members) > 1:
                yield self._records(flow, link.members)

    @staticmethod
    def _targets(flow: FlowMap, link: Link) -> Iterator[int]:
        values = (link.agreed[row].value for row in flow.references if row in link.agreed)
        return iter([value.link for value in values if isinstance(value, LinkRef)])


def _scope(side: SideMap) -> dict[str, Native]:
    """What brings a record into the flow's filter, where no row names it: that is not kept."""
    wanted = dict(side.side.defaults)
    if side.where is not None:
        equal = _EQUALS.findall(side.side.where or "")
        wanted |= {path: json.loads(text.replace("'", '"')) for path, text in equal if path in side.where.paths}
    return {path: value for path, value in wanted.items() if path not in side.paths.values()}


def _yaml(test: _Test) -> Iterator[str]:
    yield f"  {_key(test.name)}:"
    if test.in_step:
        yield "    in_step:"
        for link in test.in_step:
            for at, (ref, record) in enumerate(link.items()):
                yield f"      {'- ' if at == 0 else '  '}{_key(ref)}: {_flow(record)}"
    for key, records in (("new", test.new), ("edit", test.edit)):
        if records:
            yield f"    {key}:"
            yield from (f"      {_key(ref)}: {_flow(record)}" for ref, record in records.items())
    if test.delete:
        yield f"    delete: {_flow(test.delete)}"
    yield "    expect:"
    yield "      writes:" + ("" if test.writes else " []")
    for op, ref, properties in test.writes:
        yield f"        - {op}: {_key(ref)}"
        if properties:
            yield f"          with: {_flow(properties)}"
    if test.linked:
        yield f"      linked: [{_flow(test.linked)}]"


def _key(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else msgspec.json.encode(text).decode()


def _flow(value: Any) -> str:
    """JSON on one line, which is YAML."""
    return msgspec.json.format(json_bytes(value), indent=0).decode()
