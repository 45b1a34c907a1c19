"""A business application in memory: its records, rules and bad habits. People use it, and so does a connector."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from accord.config.meaning import Datatype, Property, System, VersionCheck
from accord.connectors.memory_behaviour import Behaviour, Refused, TickingClock, in_bin
from accord.connectors.memory_faults import Fault, FaultName
from accord.connectors.paths import get_path, nested, set_path
from accord.model import ABSENT
from accord.ports import Clock

Data = dict[str, Any]
Hook = Callable[[str, str, str, str | None], None]
"""Called with `before` or `after`, the operation, the datatype, and the id where one is known."""
Listener = Callable[[str, str], None]
"""Called with the datatype and the id of each record that has changed."""
HISTORY = 10_000
MEMORY_SYSTEMS: dict[str, MemorySystem] = {}
"""Name → instance, for project files with `connector: memory` and `instance: NAME`."""


@dataclass(slots=True)
class Table:
    """The records of one datatype."""

    behaviour: Behaviour
    records: dict[str, Data] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    """Key of a create → the id that it was given."""
    deleted: list[tuple[datetime, str]] = field(default_factory=list)
    removed: dict[str, Data] = field(default_factory=dict)
    """What was in records that are gone, as they were last."""
    created: int = 0


class MemorySystem:
    """A system in memory. `insert`, `edit` and `delete` are what people do; faults and hooks strike the connector."""

    def __init__(
        self,
        datatypes: Mapping[str, Behaviour],
        *,
        clock: Clock | None = None,
        random: Random | None = None,
        instance: str | None = None,
        skew: float = 0.0,
    ) -> None:
        self.clock: Clock = clock or TickingClock()
        self.skew = skew
        """By how many seconds its clock is ahead; may be changed at any time, and so jump."""
        self.random = random or Random(0)  # noqa: S311  (histories, not secrets)
        self.tables = {name: Table(behaviour) for name, behaviour in datatypes.items()}
        self.faults: list[Fault] = []
        self.requests = 0
        self._hooks: list[Hook] = []
        self._listeners: list[Listener] = []
        self._late: list[tuple[int, Callable[[], object]]] = []
        self._history: deque[tuple[int, str, str, Data | None]] = deque(maxlen=HISTORY)
        if instance is not None:
            MEMORY_SYSTEMS[instance] = self

    # people

    def insert(self, datatype: str, data: Mapping[str, Any], *, id: str | int | None = None) -> str | int:
        """A person makes a record of nested properties, or of paths. Gives its id as the system writes it."""
        table = self.tables[datatype]
        given = self._next_id(table) if id is None else id
        record = _copied(nested(data))
        self._store(datatype, str(given), self._checked(datatype, str(given), record), given)
        self._affect_others(datatype, str(given))
        return given

    def edit(self, datatype: str, id: str | int, changes: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """A person changes properties of a record; keys may be paths. Raises KeyError or Refused."""
        record = _copied(self.tables[datatype].records[str(id)])
        for path, value in {**(changes or {}), **more}.items():
            set_path(record, path, _copied(value))
        self.replace(datatype, str(id), record)

    def replace(self, datatype: str, id: str, record: Data) -> None:
        """The whole record is saved, under the rules. Raises Refused."""
        self._store(datatype, id, self._checked(datatype, id, record))
        self._affect_others(datatype, id)

    def edit_quietly(self, datatype: str, id: str | int, changes: Mapping[str, Any]) -> None:
        """A change that moves neither version nor modification time, as of a careless script."""
        record = _copied(self.tables[datatype].records[str(id)])
        for path, value in changes.items():
            set_path(record, path, _copied(value))
        self._put(datatype, str(id), record)

    def touch(self, datatype: str, id: str | int) -> None:
        """Saved without a change: version and modification time move on."""
        self._store(datatype, str(id), _copied(self.tables[datatype].records[str(id)]))

    def delete(self, datatype: str, id: str | int) -> None:
        """A person deletes a record, softly where the datatype does. Raises KeyError or Refused."""
        table = self.tables[datatype]
        record = _copied(table.records[str(id)])
        self._check_referrers(datatype, record)
        if table.behaviour.soft_delete is not None:
            set_path(record, table.behaviour.soft_delete, True)
            self._store(datatype, str(id), record)
        else:
            self._put(datatype, str(id), None)
        table.deleted.append((self.now(table.behaviour), str(id)))

    def restore(self, datatype: str, id: str | int) -> None:
        """A person takes a softly deleted record out of the bin."""
        flag = self.tables[datatype].behaviour.soft_delete
        self.edit(datatype, id, {flag: False} if flag else {})

    def get(self, datatype: str, id: str | int) -> Data | None:
        """A copy of the whole record, or None."""
        record = self.tables[datatype].records.get(str(id))
        return None if record is None else _copied(record)

    def all(self, datatype: str) -> dict[str, Data]:
        """Copies of all records by id, those in the bin left out."""
        table = self.tables[datatype]
        return {id: _copied(record) for id, record in table.records.items() if not in_bin(table.behaviour, record)}

    def put(self, datatype: str, id: str, record: Data | None) -> None:
        """Straight into the table, past all rules, as an administrator does; None: it is gone."""
        self._put(datatype, id, record)

    # tests

    def on_change(self, listener: Listener) -> None:
        """Call this after each change of a record, whoever makes it."""
        self._listeners.append(listener)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, where the clock is one that can be told."""
        advance = getattr(self.clock, "advance", None)
        if advance is not None:
            advance(seconds)

    def hidden(self, datatype: str) -> frozenset[str]:
        """The ids that standing faults keep out of listings."""
        faults = [fault for fault in self.faults if fault.name in ("forbidden", "invisible")]
        return frozenset(id for id in self.tables[datatype].records for fault in faults if fault.hides(datatype, id))

    def is_invisible(self, datatype: str, id: str) -> bool:
        """Whether a record that exists is not shown to us, also when it is asked for."""
        return any(fault.name == "invisible" and fault.hides(datatype, id) for fault in self.faults)

    def on_request(self, hook: Hook) -> None:
        """Call this before and after each request of the connector; it may edit, or raise to play a crash."""
        self._hooks.append(hook)

    def fault(self, name: FaultName, **settings: Any) -> Fault:
        """Switch a fault on. Settings as in `Fault`."""
        fault = Fault(name=name, **settings)
        self.faults.append(fault)
        return fault

    def calm(self) -> None:
        """Switch all faults off. Writes on their way still arrive."""
        self.faults.clear()

    def system(self, name: str, instance: str | None = None, **settings: Any) -> System:
        """This system as a project file would describe it."""
        datatypes = {key: _datatype(name, key, table.behaviour) for key, table in self.tables.items()}
        options = {"instance": instance} if instance else {}
        return System(name=name, title=name, connector="memory", datatypes=datatypes, options=options, **settings)

    # the connector

    def begin(self, operation: str, datatype: str, id: str | None) -> Fault | None:
        """A request arrives: hooks, writes that were late, then the fault that strikes it, if any."""
        self._call("before", operation, datatype, id)
        self.requests += 1
        due = [act for at, act in self._late if at <= self.requests]
        self._late = [(at, act) for at, act in self._late if at > self.requests]
        for act in due:
            act()
        now = self.clock.now() if any(fault.between for fault in self.faults) else None
        return next((fault for fault in self.faults if fault.strikes(operation, datatype, id, self.random, now)), None)

    def end(self, operation: str, datatype: str, id: str | None) -> None:
        """A request has taken effect; its answer leaves."""
        self._call("after", operation, datatype, id)

    def later(self, requests: int, act: Callable[[], object]) -> None:
        """Let something take effect at the so-many-th request from now."""
        self._late.append((self.requests + requests, act))

    def catch_up(self) -> None:
        """Every copy of the system shows the present: `stale_list` and `stale_replica` go back no further than this."""
        self._history.clear()

    def arrive(self) -> None:
        """Let all late writes take effect now."""
        late, self._late = self._late, []
        for _, act in late:
            act()

    def create(self, datatype: str, natives: Mapping[str, Any], token: str) -> tuple[str, bool]:
        """A create from outside. Gives the id, and whether it was known already. Raises Refused."""
        table = self.tables[datatype]
        behaviour = table.behaviour
        known = table.tokens.get(token)
        if behaviour.idempotent and known in table.records:
            return known or "", True
        data = _writable(behaviour, natives, behaviour.read_only)
        if behaviour.key_property is not None:
            data[behaviour.key_property] = token
        id = str(self.insert(datatype, data))
        table.tokens[token] = id
        return id, False

    def update(self, datatype: str, id: str, patch: Mapping[str, Any]) -> None:
        """An update from outside. Raises KeyError or Refused."""
        self.edit(datatype, id, self.changeable(datatype, patch))

    def changeable(self, datatype: str, patch: Mapping[str, Any]) -> Data:
        """Those properties of an update from outside that can be changed. Raises Refused."""
        behaviour = self.tables[datatype].behaviour
        return _writable(behaviour, patch, behaviour.read_only | behaviour.create_only)

    def as_of(self, datatype: str, request: int) -> dict[str, Data]:
        """The records as they were at an earlier request."""
        records = dict(self.tables[datatype].records)
        for at, name, id, old in reversed(self._history):
            if at < request:
                break
            if name == datatype and old is None:
                records.pop(id, None)
            elif name == datatype and old is not None:
                records[id] = old
        return records

    def now(self, behaviour: Behaviour) -> datetime:
        """The time as the system writes it down."""
        time = self.clock.now() + timedelta(seconds=self.skew)
        return time if behaviour.resolution <= 0 else _floor(time, behaviour.resolution)

    # rules

    def _next_id(self, table: Table) -> str | int:
        table.created += 1
        while True:
            number = table.created
            given: str | int = number if table.behaviour.ids is None else table.behaviour.ids.format(number)
            if str(given) not in table.records:
                return given
            table.created += 1

    def _checked(self, datatype: str, id: str, record: Data) -> Data:
        behaviour = self.tables[datatype].behaviour
        for path, normalisers in behaviour.normalise.items():
            value = before = get_path(record, path)
            for normaliser in normalisers:
                value = normaliser(value)
            if value is not before:
                set_path(record, path, value)
        for path in behaviour.dropped:
            record.pop(path, None)
        for path, compute in behaviour.computed.items():
            set_path(record, path, compute(record))
        for path, checks in behaviour.checks.items():
            for check in checks:
                if (why := check(get_path(record, path))) is not None:
                    raise Refused(f"{path}: {why}")
        for path in behaviour.required:
            if get_path(record, path) in (ABSENT, None, ""):
                raise Refused(f"{path} must be given")
        for path, target in behaviour.references.items():
            self._check_reference(path, target, get_path(record, path))
        for unique in behaviour.unique:
            self._check_unique(datatype, id, unique, record)
        return record

    def _check_reference(self, path: str, target: str, value: Any) -> None:
        if value not in (ABSENT, None, "") and str(value) not in self.tables[target].records:
            raise Refused(f"{path}: there is no {target} {value}")

    def _check_unique(self, datatype: str, id: str, unique: tuple[str, ...], record: Data) -> None:
        wanted = [get_path(record, path) for path in unique]
        if any(value in (ABSENT, None, "") for value in wanted):
            return
        for other, data in self.tables[datatype].records.items():
            if other != id and [get_path(data, path) for path in unique] == wanted:
                raise Refused(f"{', '.join(unique)} is taken", conflicting=other)

    def _check_referrers(self, datatype: str, record: Data) -> None:
        id = str(get_path(record, self.tables[datatype].behaviour.id))
        for name, table in self.tables.items():
            for path, target in table.behaviour.references.items():
                if target == datatype and any(str(get_path(data, path)) == id for data in table.records.values()):
                    raise Refused(f"a {name} refers to it")

    def _store(self, datatype: str, id: str, record: Data, native_id: str | int | None = None) -> None:
        behaviour = self.tables[datatype].behaviour
        if native_id is not None:
            set_path(record, behaviour.id, native_id)
        if behaviour.version is not None:
            old = get_path(self.tables[datatype].records.get(id, {}), behaviour.version)
            set_path(record, behaviour.version, old + 1 if isinstance(old, int) else 1)
        if behaviour.modified is not None and not self._is_untimed(datatype, id, record):
            set_path(record, behaviour.modified, self.now(behaviour).isoformat())
        self._put(datatype, id, record)

    def _is_untimed(self, datatype: str, id: str, record: Data) -> bool:
        """Whether only such properties differ as do not move the modification time."""
        behaviour, old = self.tables[datatype].behaviour, self.tables[datatype].records.get(id)
        if not behaviour.untimed or old is None:
            return False
        differing = {name for name in {*old, *record} if old.get(name) != record.get(name)} - {behaviour.version}
        return bool(differing) and differing <= behaviour.untimed

    def _affect_others(self, datatype: str, id: str) -> None:
        record = self.tables[datatype].records[id]
        for effect in self.tables[datatype].behaviour.effects:
            other = str(get_path(record, effect.via))
            data = self.tables[effect.target].records.get(other)
            if data is not None:
                changed = _copied(data)
                for path, value in effect.change(data).items():
                    set_path(changed, path, _copied(value))
                self._store(effect.target, other, changed)

    def _put(self, datatype: str, id: str, record: Data | None) -> None:
        records = self.tables[datatype].records
        self._history.append((self.requests, datatype, id, records.get(id)))
        if record is None:
            self.tables[datatype].removed[id] = records.pop(id)
        else:
            records[id] = record
        for listener in tuple(self._listeners):
            listener(datatype, id)

    def _call(self, phase: str, operation: str, datatype: str, id: str | None) -> None:
        for hook in tuple(self._hooks):
            hook(phase, operation, datatype, id)


def _writable(behaviour: Behaviour, natives: Mapping[str, Any], fixed: frozenset[str]) -> Data:
    refused = sorted(fixed & set(natives))
    if refused and not behaviour.silent:
        raise Refused(f"{', '.join(refused)} cannot be written")
    return {path: value for path, value in natives.items() if path not in fixed}


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return Decimal(str(value)) if isinstance(value, float) else value


def _floor(time: datetime, seconds: float) -> datetime:
    start = datetime(2000, 1, 1, tzinfo=UTC)
    return start + (time - start) // timedelta(seconds=seconds) * timedelta(seconds=seconds)


def _datatype(system: str, name: str, behaviour: Behaviour) -> Datatype:
    version = behaviour.version if behaviour.version_check == "version" else None
    return Datatype(
        system=system,
        name=name,
        title=f"{system} {name}",
        id=behaviour.id,
        modified=behaviour.modified,
        version=VersionCheck(kind="path", path=version) if version else None,
        deleted=f"{behaviour.soft_delete} == true" if behaviour.soft_delete else None,
        properties=_properties(behaviour),
        key_property=behaviour.key_property,
        natural_key=behaviour.unique[0] if behaviour.unique else (),
        ordered=behaviour.ordered,
    )


def _properties(behaviour: Behaviour) -> dict[str, Property]:
    paths: Iterable[str] = {*behaviour.required, *behaviour.read_only} if behaviour.told else ()
    return {
        path: Property(path=path, required=path in behaviour.required, read_only=path in behaviour.read_only)
        for path in sorted(paths)
    }
