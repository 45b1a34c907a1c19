"""What a test expects beside what happened → the differences, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from accord.config.cases import Expected, ExpectedHeld, ExpectedWrite
from accord.connectors.paths import get_path
from accord.model import ABSENT, Op, Ref, json_text
from accord.simulate.bench import FIRST_ID, Bench

NEW = "new"
"""Of a property: the id of a record that was made in the test."""


@dataclass(slots=True, kw_only=True)
class Written:
    """What was written to one record."""

    op: Op
    ref: Ref
    reason: str
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    """Path → value before and after, as the history shows them."""

    def __str__(self) -> str:
        changed = ", ".join(f"{path} {_text(old)} → {_text(new)}" for path, (old, new) in self.changes.items())
        verb = {Op.CREATE: "creates", Op.UPDATE: "updates", Op.DELETE: "deletes"}[self.op]
        return f"{verb} {self.ref}" + (f" ({changed})" if changed and self.op is not Op.DELETE else "")

    def document(self) -> dict[str, Any]:
        """One write in `accord test --json`."""
        changes = {path: [old, new] for path, (old, new) in self.changes.items()}
        return {"op": self.op.value, "ref": str(self.ref), "changes": changes, "reason": self.reason}


def judge(place: Bench, expect: Expected, writes: Sequence[Written], held: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every difference; none: the test has passed."""
    found: list[str] = []
    if expect.writes is not None:
        found += _writes(place, expect.writes, writes)
    if expect.held is not None:
        found += _held(expect.held, held)
    if expect.linked is not None:
        found += _linked(place, expect.linked)
    return found


def _writes(place: Bench, expected: Sequence[ExpectedWrite], writes: Sequence[Written]) -> list[str]:
    left, found = list(writes), []
    for one in expected:
        able = [written for written in left if _is_of(one, written)]
        if not able:
            found.append(f"expected: {one}; it was not written")
            continue
        best = min(able, key=lambda written: len(_wrong(place, one, written)))
        left.remove(best)
        found += _wrong(place, one, best)
    return found + [f"not expected: Accord {written}, because: {written.reason}" for written in left]


def _is_of(one: ExpectedWrite, written: Written) -> bool:
    same = (one.op, one.system, one.datatype) == (written.op, written.ref.system, written.ref.datatype)
    return same and (one.id is None or one.id == written.ref.id)


def _wrong(place: Bench, one: ExpectedWrite, written: Written) -> list[str]:
    """What is other in a record than a test expects."""
    record = place.record(written.ref) or {}
    found = []
    for path, value in _flat(one.properties, written.changes):
        now = get_path(record, path)
        if not _same(value, now, place, written.ref.system):
            found.append(f"{written.ref}: {path} is {_text(now)}, and {_text(value)} is expected")
    if one.op is Op.UPDATE and one.properties:
        said = {path for path, _ in _flat(one.properties, written.changes)}
        for path, (old, new) in written.changes.items():
            if path not in said:
                found.append(f"{written.ref}: {path} is written as well, {_text(old)} → {_text(new)}")
    return found


def _flat(properties: Mapping[str, Any], known: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """Nested objects as paths, but for those that were written as one value."""
    found: list[tuple[str, Any]] = []
    for key, value in properties.items():
        path = before + key
        if isinstance(value, dict) and value and path not in known:
            found += _flat(value, known, f"{path}.")
        else:
            found.append((path, value))
    return found


def _same(expected: Any, now: Any, place: Bench, system: str) -> bool:
    if expected == NEW and _is_new(now, place, system):
        return True
    if now is ABSENT:
        return expected is None
    if isinstance(expected, bool) or isinstance(now, bool):
        return expected is now
    if isinstance(expected, int | Decimal) and isinstance(now, int | Decimal):
        return Decimal(expected) == Decimal(now)
    if isinstance(expected, list) and isinstance(now, list):
        return len(expected) == len(now) and all(_same(a, b, place, system) for a, b in zip(expected, now, strict=True))
    if isinstance(expected, dict) and isinstance(now, dict):
        return expected.keys() == now.keys() and all(_same(expected[key], now[key], place, system) for key in expected)
    return type(expected) is type(now) and bool(expected == now)


def _is_new(now: Any, place: Bench, system: str) -> bool:
    ids = {id for table in place.systems[system].tables.values() for id in table.records if _made(id)}
    return now is not ABSENT and str(now) in ids


def _made(id: str) -> bool:
    return id.isdecimal() and int(id) > FIRST_ID


def _held(expected: Sequence[ExpectedHeld], held: Sequence[Mapping[str, Any]]) -> list[str]:
    left, found = list(held), []
    for one in expected:
        item = next((item for item in left if _is_held(one, item)), None)
        if item is None:
            found.append(f"expected: held, {one}; it is not")
        else:
            left.remove(item)
    for item in left:
        row = f", row {item['row']}" if item["row"] else ""
        found.append(f"not expected: held, {item['kind']} of {', '.join(item['refs'])}{row}: {item['reason']}")
    return found


def _is_held(one: ExpectedHeld, item: Mapping[str, Any]) -> bool:
    same = one.kind == item["kind"] and str(one.ref) in item["refs"]
    return same and (one.row is None or one.row == item["row"])


def _linked(place: Bench, expected: Sequence[Sequence[str]]) -> list[str]:
    links = [[member.ref for member in link.members] for link in place.links()]
    found = []
    for names in expected:
        if not any(all(any(_is_named(name, ref) for ref in refs) for name in names) for refs in links):
            first = next((refs for refs in links if any(_is_named(names[0], ref) for ref in refs)), None)
            now = f"{names[0]} is in no link" if first is None else "linked are " + ", ".join(map(str, first))
            found.append(f"expected: one link of {', '.join(names)}; {now}")
    return found


def _is_named(name: str, ref: Ref) -> bool:
    if name.count("/") > 1:
        return Ref.parse(name) == ref
    return name == f"{ref.system}/{ref.datatype}" and _made(ref.id)


def _text(value: Any) -> str:
    return "nothing" if value is ABSENT else json_text(value)


__all__ = ["Written", "judge"]
