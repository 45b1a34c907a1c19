"""A history that failed, as something that one can read."""

from __future__ import annotations

from .world import World


def told(world: World, error: AssertionError) -> str:
    """The violation, how to see it again, how the systems are, and what happened."""
    lines = [f"seed {world.seed}: {error}", f"replay: make torture ARGS='1x --seed {world.seed}'", ""]
    for name, system in world.systems.items():
        for datatype, table in system.tables.items():
            b = table.behaviour
            means = "key" if b.key_property else "idempotent" if b.idempotent else "natural" if b.unique else "none"
            norms = {p: [n.__qualname__.split(".")[0] for n in found] for p, found in b.normalise.items() if found}
            lines.append(
                f"{name}/{datatype}: check {b.version_check}, since {b.changed_since}, soft {b.soft_delete}, means "
                f"{means}, find {b.find}, pages {b.page_size} ordered {b.ordered}, batch {b.batch}, normalises {norms}"
            )
    for flow in world.flows.values():
        lines.append(
            f"flow {flow.name}: modes {dict(flow.modes)}, match {flow.match}, where {dict(flow.where)}, "
            f"on_delete {flow.on_delete}, limits {dict(flow.limits)}"
        )
        lines += [f"    {row.name}: {row.kind} {row.target or ''} {dict(row.settings)}" for row in flow.rows]
    return "\n".join([*lines, "", *world.story, "", f"seed {world.seed}: {error}"])
