"""`pause` and `resume`: a flow, a system or everything at rest for a while."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from accord.cli.call import By, Call, person
from accord.cli.refs import FlowName, SystemName, check_names
from accord.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accord.config.meaning import Project
    from accord.engine.pausing import Pause


def pause(
    call: Call,
    flow: FlowName = None,
    system: SystemName = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for those who wonder.")] = "",
    by: By = None,
) -> int:
    """Let a flow, the flows of a system, or everything rest: nothing is read of them or written to them, until
    `accord resume`. What people edit meanwhile is carried over then.

    Example: `accord pause --system customerp --reason 'upgrade on Saturday'`, or `accord pause`.
    """
    from accord.engine.pausing import Pause, pauses
    from accord.engine.pausing import pause as begin
    from accord.store.opening import open_state
    from accord.store.people import deciding

    project = call.project()
    what, name = _what(project, flow, system)
    now = call.clock.now()
    new = Pause(what=what, name=name, at=now.isoformat(), by=person(by), reason=reason)
    with open_state(project.state) as state, deciding(state, now):
        begin(state, new)
        every = pauses(state)
    return _show(call, [str(new)], every)


def resume(call: Call, flow: FlowName = None, system: SystemName = None) -> int:
    """End the pause of a flow or a system, or every pause. The next round finds what people edited meanwhile.

    Example: `accord resume --system customerp`, or `accord resume`.
    """
    from accord.engine.pausing import pauses
    from accord.engine.pausing import resume as end
    from accord.store.people import deciding

    project = call.project()
    what, name = _what(project, flow, system)
    with call.state(project) as state, deciding(state, call.clock.now()):
        before = pauses(state)
        over = end(state, what, name)
        every = pauses(state)
    if not over:
        there = "; ".join(map(str, before)) or "nothing is paused"
        raise UsageError("there is no such pause", hint=there)
    titles = ["everything" if one.what == "all" else f"{one.what} {one.name}" for one in over]
    return _show(call, [f"{title} goes on with the next round" for title in titles], every)


def _what(project: Project, flow: str | None, system: str | None) -> tuple[str, str]:
    check_names(project, flow, system)
    if flow and system:
        raise UsageError("a flow or a system, not both", hint="call it twice")
    return ("flow", flow) if flow else ("system", system) if system else ("all", "")


def _show(call: Call, lines: Sequence[str], every: Sequence[Pause]) -> int:
    if call.out.json:
        call.out.document({"paused": [asdict(one) for one in every]})
        return 0
    call.out.say(*lines)
    left = [f"still: {one}" for one in every if str(one) not in lines]
    call.out.say(*left) if left else None
    return 0
