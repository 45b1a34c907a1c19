"""A state in a folder, and small things to put into it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from accord.core.linkplan import HeldItem, LinkPlan, WritePlan
from accord.model import Link, LinkState, Member, Op, Record, Ref, encode_natives
from accord.store.opening import State, open_state
from accord.stored import NewLink

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def opened(folder: Path) -> State:
    """The state of a folder, made where there is none."""
    return open_state(str(folder / "accord.db"))


def record(id: str, **natives: Any) -> Record:
    """A record as a system shows it."""
    return Record(id=id, native_id=id, content=encode_natives(natives), version=1, modified=NOON)


def begun(state: State, *ids: str, system: str = "pms", keys: tuple[tuple[int, str], ...] = ()) -> list[int]:
    """Waiting links, each with one record of a system."""
    new = [
        NewLink(
            flow="task",
            ref=Ref(system, "task", id),
            native_id=id,
            base={"title": f"title {id}"},
            version=1,
            modified=NOON,
            created=None,
            keys=keys,
        )
        for id in ids
    ]
    return state.links.begin(new, NOON)


def member(system: str, id: str, **more: Any) -> Member:
    """A member with a base."""
    return Member(ref=Ref(system, "task", id), native_id=id, base={"title": "a"}, **more)


def link(number: int, *members: Member, state: LinkState = LinkState.LINKED, **more: Any) -> Link:
    """A link as a settle leaves it."""
    return Link(id=number, flow="task", state=state, members=members, **more)


def plan(number: int, *ops: tuple[str, Op], flow: str = "task", held: tuple[HeldItem, ...] = ()) -> LinkPlan:
    """A link plan that writes so: (system, op)."""
    writes = tuple(WritePlan(op=op, system=system, datatype="task") for system, op in ops)
    return LinkPlan(flow=flow, link=number, state=LinkState.LINKED, writes=writes, held=held)


def item(kind: str = "conflict", row: str | None = "title", reason: str = "why", **values: Any) -> HeldItem:
    """A held item."""
    return HeldItem(kind=kind, row=row, values=values, reason=reason)


def everything(state: State) -> Mapping[str, list[Any]]:
    """All rows of all tables."""
    names = [row[0] for row in state.db.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
    return {name: [tuple(row) for row in state.db.rows(f"SELECT * FROM {name}")] for name in names}
