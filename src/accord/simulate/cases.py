"""`accord test`: each test of the project file played on a bench, with the real engine, and judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from accord.config.cases import Case, CaseRecord
from accord.config.meaning import Project
from accord.connectors.memory import Refused
from accord.core.mapping import FlowMap
from accord.engine.report import held_now
from accord.errors import AccordError
from accord.model import Op, Ref
from accord.simulate.bench import Bench, bench
from accord.simulate.judging import Written, judge
from accord.simulate.models import Shapes

ROUNDS = 5
"""Rounds after which all must be quiet (P1 says three)."""


@dataclass(slots=True, kw_only=True)
class CaseResult:
    """What came of one test."""

    case: Case
    differences: list[str] = field(default_factory=list)
    """Empty: it passed."""
    writes: list[Written] = field(default_factory=list)
    held: list[dict[str, Any]] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether all came as it says."""
        return not self.differences

    def document(self) -> dict[str, Any]:
        """One test in `accord test --json`."""
        return {
            "name": self.case.name,
            "file": self.case.file,
            "line": self.case.line,
            "passed": self.passed,
            "differences": self.differences,
            "writes": [written.document() for written in self.writes],
            "held": self.held,
        }


class _NotPlayedError(Exception):
    """The test itself cannot be played."""


def play_case(project: Project, shapes: Shapes, case: Case) -> CaseResult:
    """One test, from its records to what the rounds have made of them."""
    result = CaseResult(case=case)
    with bench(project, shapes) as place:
        try:
            run = _begin(place, case)
            _happen(place, case)
            result.differences += _rounds(place)
        except _NotPlayedError as error:
            result.differences.append(str(error))
            return result
        result.writes = list(_written(place, run))
        with place.state() as state:
            result.held = list(held_now(state))
        result.differences += judge(place, case.expect, result.writes, result.held)
    return result


def _begin(place: Bench, case: Case) -> int:
    """Put the linked records there and let them come to rest; the last run. Raises _NotPlayedError."""
    for link in case.in_step:
        for record in link:
            _insert(place, record)
    for link in case.in_step:
        try:
            place.link([record.ref for record in link])
        except AccordError as error:
            raise _NotPlayedError(f"in_step: {error.message}" + (f" ({error.hint})" if error.hint else "")) from None
    run, writes = 0, 1
    for _ in range(ROUNDS):
        if not (writes or run == 0):
            break
        report = place.round()
        _no_errors(report.errors)
        run, writes = report.run, _count(report.writes)
    wrong = [f"{written}" for written in _written(place, 0)]
    with place.state() as state:
        wrong += [f"held: {item['kind']} of {', '.join(item['refs'])}: {item['reason']}" for item in held_now(state)]
    if wrong:
        raise _NotPlayedError(
            "the records under in_step are not in step; a round does this with them before the test begins: "
            + "; ".join(wrong)
        )
    return run


def _insert(place: Bench, record: CaseRecord) -> None:
    try:
        place.systems[record.ref.system].insert(record.ref.datatype, record.properties, id=record.native_id)
    except (Refused, ValueError) as error:
        raise _NotPlayedError(f"{record.ref} would be refused by its system: {error}") from None


def _happen(place: Bench, case: Case) -> None:
    """What people do."""
    place.clock.advance(3600)
    for record in case.new:
        _insert(place, record)
    for record in case.edit:
        try:
            changes = dict(_paths(record.properties, _mapped(place, record.ref)))
            place.systems[record.ref.system].edit(record.ref.datatype, record.ref.id, changes)
        except (Refused, ValueError, KeyError) as error:
            raise _NotPlayedError(f"the edit of {record.ref} would be refused by its system: {error}") from None
    for ref in case.delete:
        place.systems[ref.system].delete(ref.datatype, ref.id)


def _mapped(place: Bench, ref: Ref) -> frozenset[str]:
    sides = [side for flow in place.flows.values() if (side := flow.sides.get(ref.system)) is not None]
    return frozenset(path for side in sides if side.side.datatype == ref.datatype for path in side.paths.values())


def _paths(properties: Mapping[str, Any], mapped: frozenset[str], before: str = "") -> Iterator[tuple[str, Any]]:
    """Nested objects as paths, but for those that are the value of a row."""
    for key, value in properties.items():
        path = before + key
        if isinstance(value, dict) and path not in mapped:
            yield from _paths(value, mapped, f"{path}.")
        else:
            yield path, value


def _rounds(place: Bench) -> list[str]:
    """Rounds until one writes nothing."""
    for _ in range(ROUNDS):
        report = place.round()
        _no_errors(report.errors)
        if not _count(report.writes):
            return []
    return [f"it does not come to rest: the last of {ROUNDS} rounds still writes"]


def _count(writes: Mapping[str, Mapping[str, int]]) -> int:
    return sum(number for numbers in writes.values() for number in numbers.values())


def _no_errors(errors: Any) -> None:
    if errors:
        raise _NotPlayedError("; ".join(f"{error['kind']}: {error['message']}" for error in errors))


def _written(place: Bench, after: int) -> Iterator[Written]:
    """What was written since a run, one line for each record and kind of write."""
    found: dict[tuple[str, str], Written] = {}
    with place.state() as state:
        lines = [line for line in state.history.list() if line.run > after]
    for line in lines:
        op = line.wrote
        if op is None or line.ref is None or line.flow is None:
            continue
        ref = Ref.parse(line.ref)
        if op is Op.UPDATE and (Op.CREATE.value, line.ref) in found:
            op = Op.CREATE  # what a create had to leave out follows in a second write
        written = found.setdefault((op.value, line.ref), Written(op=op, ref=ref, reason=line.reason or ""))
        written.changes |= dict(_changes(place.flows[line.flow], ref, line.changes))
    yield from found.values()


def _changes(flow: FlowMap, ref: Ref, changes: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Any, Any]]]:
    paths = flow.sides[ref.system].paths
    for row, (old, new) in changes.items():
        yield paths.get(row, row), (old, new)


__all__ = ["CaseResult", "play_case"]
