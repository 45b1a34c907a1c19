"""What a person links by hand: records that wait in a link of their own, or that are in no link and are read for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from accord.config.meaning import Project, System
from accord.connectors.registry import connect
from accord.core.mapping import FlowMap
from accord.engine.chunk import arrival_of
from accord.engine.intake import keys_of
from accord.engine.setting import compile_flows, needed_paths
from accord.errors import UsageError
from accord.model import Absence, Record, Ref
from accord.ports import Connector
from accord.store.opening import State
from accord.store.people import Author, join
from accord.stored import NewLink


def link_by_hand(
    project: Project,
    state: State,
    refs: Sequence[Ref],
    flow: str | None,
    author: Author,
    connect: Callable[[System], Connector] = connect,
) -> int:
    """Make one link of these records; its number. Raises UsageError, SystemFailure. The caller holds the lease."""
    if len({ref.system for ref in refs}) < len(refs) or len(refs) < 2:
        raise UsageError(
            "a link needs two records or more, each of another system",
            hint="write for example `accord links link custompms/customer/17 customerp/customer/C-01001`",
        )
    known = state.links.of(refs)
    name = _flow_of(project, state, refs, known, flow)
    missing = [ref for ref in refs if ref not in known]
    if missing:
        known |= asyncio.run(_begin(project, state, compile_flows(project)[name], missing, author, connect))
    return join(state, [known[ref] for ref in refs], author)


def _flow_of(project: Project, state: State, refs: Sequence[Ref], known: Mapping[Ref, int], flow: str | None) -> str:
    """The one flow that these records belong to."""
    able = [
        each.name
        for each in project.flows.values()
        if all((side := each.side(ref.system)) is not None and side.datatype == ref.datatype for ref in refs)
    ]
    if not able:
        kinds = ", ".join(f"{ref.system}/{ref.datatype}" for ref in refs)
        raise UsageError(f"no flow has all of {kinds}")
    if flow is not None and flow not in able:
        raise UsageError(f"flow {flow!r} does not have these datatypes; these do: {', '.join(able)}")
    links = state.links.load(list(set(known.values())))
    for ref, number in known.items():
        if len(links[number].members) > 1:
            _refuse_linked(links[number].members, ref, refs, number)
    able = [flow] if flow else able
    taken = {links[number].flow for number in known.values()}
    if len(taken) == 1 and taken <= set(able):
        return taken.pop()
    if taken:
        raise UsageError(f"these records belong to the flows {', '.join(sorted(taken))} already")
    if len(able) > 1:
        raise UsageError(f"these records could belong to several flows: {', '.join(able)}", hint="say which: --flow")
    return able[0]


def _refuse_linked(members: Sequence[object], ref: Ref, refs: Sequence[Ref], number: int) -> None:
    others = [str(member.ref) for member in members if member.ref != ref]  # type: ignore[attr-defined]
    if all(other in {str(one) for one in refs} for other in others):
        return
    raise UsageError(
        f"{ref} is linked already, with {', '.join(others)} (link {number})",
        hint=f"`accord links unlink {number}` takes them apart first",
    )


async def _begin(
    project: Project,
    state: State,
    flow: FlowMap,
    refs: Sequence[Ref],
    author: Author,
    connect: Callable[[System], Connector],
) -> dict[Ref, int]:
    """Read records that are in no link, and begin a link with each."""
    paths = needed_paths(project, {flow.name: flow})
    found = []
    for ref in refs:
        connector = connect(project.systems[ref.system])
        try:
            await connector.open(paths[ref.system])
            answer = (await connector.fetch(ref.datatype, [ref.id]))[ref.id]
        finally:
            await connector.close()
        found.append(_new_link(flow, ref, answer))
    numbers = state.links.begin(found, author.at)
    return dict(zip(refs, numbers, strict=True))


def _new_link(flow: FlowMap, ref: Ref, answer: Record | Absence) -> NewLink:
    if not isinstance(answer, Record):
        words = {Absence.GONE: "does not exist", Absence.FORBIDDEN: "may not be seen with these credentials"}
        raise UsageError(f"{ref} {words.get(answer, 'cannot be read')}")
    arrival = arrival_of(flow, ref, answer)
    if arrival.content is None:
        raise UsageError(f"{ref} is deleted")
    side, natives = flow.sides[ref.system], arrival.natives()
    base = side.by_row(natives)
    return NewLink(
        flow=flow.name,
        ref=ref,
        native_id=arrival.native_id,
        base=base,
        version=arrival.version,
        modified=arrival.modified,
        created=side.created_of(natives),
        keys=keys_of(flow, arrival, base) if flow.flow.matches else (),
    )
