"""Small worlds for the tests of pure decisions: a flow from a little YAML, a settled link, and what people did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from accord.config.load import load
from accord.config.meaning import Project
from accord.core.candidates import shown
from accord.core.decide import Decision
from accord.core.detect import Reading
from accord.core.linkplan import LinkPlan
from accord.core.mapping import FlowMap
from accord.core.merge import Ice, merge
from accord.core.merged import Merged
from accord.core.plan import Ground, plan_link
from accord.core.settle import Result
from accord.model import ABSENT, Agreed, Dangling, Link, LinkRef, LinkState, Member, OutcomeKind, Record, Ref
from accord.model import encode_natives as content

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
TITLE = "{pms: title, erp: name, type: string}"
TITLE3 = "{pms: title, erp: name, crm: label, type: string}"


@lru_cache(maxsize=256)
def project(text: str) -> Project:
    """The project that a text means."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "accord.yaml"
        file.write_text(text, "utf-8")
        return load(file, env={})


@lru_cache(maxsize=256)
def flow_map(
    *rows: str, more: str = "", systems: tuple[str, ...] = ("pms", "erp"), types: str = "{}", sides: str = ""
) -> FlowMap:
    """The flow `task`. Each row, and `more`, is YAML in braces or of one line; `types` are erp's task properties."""
    lines = ["accord: 1", "systems:"]
    for name in systems:
        task = f"{{properties: {types if name == 'erp' else '{}'}}}"
        lines.append(f"  {name}: {{connector: memory, datatypes: {{task: {task}, customer: {{}}}}}}")
    lines += ["flows:", "  customer:", *(f"    {name}: customer" for name in systems)]
    lines += [f"    rows: [{{{', '.join(f'{name}: name' for name in systems)}}}]", "  task:"]
    given = dict(line.split(": ", 1) for line in sides.splitlines() if line)
    lines += [f"    {name}: {given.get(name, 'task')}" for name in systems]
    lines += [f"    {line}" for line in more.splitlines()]
    lines += ["    rows:", *(f"      - {row}" for row in rows)] if rows else ["    rows: []"]
    found = project("\n".join(lines) + "\n")
    return FlowMap(found, found.flows["task"])


def settled(
    flow: FlowMap,
    *,
    systems: Sequence[str] | None = None,
    behind: Mapping[str, Sequence[str]] | None = None,
    origin: str | None = None,
    at: datetime | None = None,
    **values: Any,
) -> Link:
    """A link at rest: every member's base is what its system makes of the agreed values."""
    members = [
        Member(
            ref=Ref(name, "task", f"{name}-1"),
            native_id=f"{name}-1",
            base={row: _native(side.rows[row], value) for row, value in values.items() if row in side.rows},
            behind=frozenset((behind or {}).get(name, ())),
            version="v1",
        )
        for name, side in flow.sides.items()
        if systems is None or name in systems
    ]
    agreed = {
        row: Agreed(value=value, revision=3, origin=origin, modified=at.isoformat() if at else None)
        for row, value in values.items()
    }
    return Link(
        id=1,
        flow=flow.name,
        state=LinkState.LINKED if len(members) > 1 else LinkState.WAITING,
        members=tuple(members),
        agreed=agreed,
    )


def _native(codec: Any, value: Any) -> Any:
    return f"to-{value.link}" if isinstance(value, LinkRef) else codec.encode(value)


def found(flow: FlowMap, **natives: Mapping[str, Any]) -> Link:
    """A link that has just begun: its members have natives, and nothing is agreed."""
    members = tuple(
        Member(ref=Ref(name, "task", f"{name}-1"), native_id=f"{name}-1", base=dict(natives[name]), version="v1")
        for name in flow.sides
        if name in natives
    )
    state = LinkState.LINKED if len(members) > 1 else LinkState.WAITING
    return Link(id=1, flow=flow.name, state=state, members=members)


def read(
    flow: FlowMap,
    link: Link,
    *,
    links: Mapping[Ref, int] | None = None,
    at: Mapping[str, datetime] | None = None,
    **edits: Mapping[str, Any],
) -> list[Reading]:
    """Every member as it is after some edits: system → row → native, or ABSENT for a row that is not sent."""
    readings = []
    for member in link.members:
        name = member.ref.system
        natives = {**member.base, **edits.get(name, {})}
        natives = {row: native for row, native in natives.items() if native is not ABSENT}
        modified = (at or {}).get(name)
        resolve = {f"to-{number}": number for number in range(100)}
        readings.append(
            Reading(
                flow,
                member,
                natives,
                version="v2" if name in edits else member.version,
                modified=modified,
                resolve=lambda ref, known=resolve: (links or {}).get(ref, known.get(ref.id)),
            )
        )
    return readings


def merged(
    flow: FlowMap,
    link: Link,
    *,
    decisions: Mapping[str, Decision] | None = None,
    links: Mapping[Ref, int] | None = None,
    at: Mapping[str, datetime] | None = None,
    ice: Ice | None = None,
    **edits: Mapping[str, Any],
) -> Merged:
    """What the merge of a link comes to after some edits."""
    return merge(flow, link, read(flow, link, links=links, at=at, **edits), decisions, ice or Ice())


def values(flow: FlowMap, outcome: Merged) -> dict[str, Any]:
    """Row → the new agreed value, as JSON."""
    return {row: shown(flow, row, agreed.value) for row, agreed in outcome.agreed.items()}


def ground(
    *,
    targets: Mapping[tuple[int, str], Any] | None = None,
    making: Sequence[tuple[int, str]] = (),
    deferred: Sequence[str] = (),
    samples: Mapping[tuple[str, str, str], Any] | None = None,
) -> Ground:
    """The ground of a plan."""
    return Ground(
        target=lambda link, system: (targets or {}).get((link, system)),
        making=lambda link, system: (link, system) in making,
        samples=samples or {},
        token=lambda link, system: f"token-{link.id}-{system}",
        why_create="new",
        deferred=frozenset(deferred),
    )


def planned(
    flow: FlowMap,
    link: Link,
    *,
    creates: Sequence[str] = (),
    on: Ground | None = None,
    links: Mapping[Ref, int] | None = None,
    **edits: Mapping[str, Any],
) -> LinkPlan:
    """The plan of a link after some edits."""
    readings = read(flow, link, links=links, **edits)
    return plan_link(flow, link, readings, merge(flow, link, readings), on or ground(), creates)


def record(flow: FlowMap, system: str, id: str | None = None, version: str = "v3", **natives: Any) -> Record:
    """A record as a system shows it: row → native."""
    paths = flow.sides[system].paths
    by_path = {paths.get(row, row): native for row, native in natives.items()}
    id = id or f"{system}-1"
    return Record(id=id, native_id=id, content=content(by_path), version=version, modified=NOON)


def applied(flow: FlowMap, system: str, id: str | None = None, **natives: Any) -> Result:
    """A write that the system answered with the whole record."""
    return Result(kind=OutcomeKind.APPLIED, record=record(flow, system, id, **natives))


__all__ = [
    "NOON",
    "TITLE",
    "TITLE3",
    "Dangling",
    "applied",
    "flow_map",
    "found",
    "ground",
    "merged",
    "planned",
    "read",
    "record",
    "settled",
    "values",
]
