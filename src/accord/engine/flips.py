"""Our own writes of late to one link, for the planning to see whether a row flips back and forth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from accord.core.linkplan import LinkPlan
from accord.core.mapping import FlowMap
from accord.core.oscillation import REPEATS, WINDOW, PastWrite, flipping
from accord.engine.setting import Setting
from accord.model import Op, json_text

DONE = frozenset({"applied", "already"})


def flips_of(setting: Setting, flow: FlowMap, plan: LinkPlan) -> Mapping[str, str]:
    """Row → why it is frozen from now on. What happened before a person last decided about a row does not count."""
    if not any(write.op is Op.UPDATE for write in plan.writes):
        return {}
    past = list(_past(setting, plan.link))
    if len(past) < REPEATS:
        return {}
    thawed = setting.state.held.thawed(plan.link)
    counted = [write for at, write in past if at > thawed.get(write.row, "")]
    return flipping(flow, plan.writes, counted)


def _past(setting: Setting, link: int) -> Iterator[tuple[str, PastWrite]]:
    since = (setting.now - WINDOW).isoformat()
    for line in setting.state.history.list(link=link, since=since, newest_first=True):
        if line.op != Op.UPDATE.value or line.outcome not in DONE or line.system is None:
            continue
        origin = line.caused_by["system"] if line.caused_by else None
        for row, (old, new) in line.changes.items():
            yield (
                line.at,
                PastWrite(
                    run=line.run,
                    system=line.system,
                    row=row,
                    old=json_text(old),
                    new=json_text(new),
                    reason=line.reason,
                    origin=origin,
                ),
            )
