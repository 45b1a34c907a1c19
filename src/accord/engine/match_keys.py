"""The match keys of settled members, kept in the state.

A rule that names a reference row is keyed by the link which the reference points to. That is known once the records
referred to are linked, so that such keys are made anew before a flow is matched.
"""

from __future__ import annotations

from collections.abc import Sequence

from accord.core.detect import Reading
from accord.core.mapping import FlowMap
from accord.core.match import match_keys
from accord.core.score import score_keys
from accord.engine.setting import Setting
from accord.model import Member, Ref
from accord.storing import LinkStore

BATCH = 500
FAR = 2**62


def keys_of_member(links: LinkStore, flow: FlowMap, member: Member) -> list[tuple[int, str]]:
    """(rule, key) of a member as it was settled."""

    def link_of(ref: Ref) -> int | None:
        return links.of([ref]).get(ref)

    resolve = link_of if names_reference(flow) else _unknown
    reading = Reading(flow, member, member.base, version=None, modified=None, resolve=resolve)
    return [*match_keys(flow, reading), *score_keys(flow, reading)]


def _unknown(_ref: Ref) -> None:
    return None


def names_reference(flow: FlowMap) -> bool:
    """Whether a match rule names a reference row."""
    return any(row in flow.references for rule in flow.flow.match for row in rule)


def rebuild_keys(setting: Setting, flow: FlowMap, numbers: Sequence[int]) -> None:
    """Make the keys of some links anew."""
    links = setting.state.links
    for start in range(0, len(numbers), BATCH):
        loaded = links.load(numbers[start : start + BATCH])
        keys = {
            link.id: {(m.ref.system, m.ref.datatype): keys_of_member(links, flow, m) for m in link.members}
            for link in loaded.values()
        }
        links.put_keys(keys, flow.name)


def refresh_keys(setting: Setting, flow: FlowMap) -> None:
    """Before a flow is matched by references: what waits is keyed, and looked at, as its references are linked now."""
    if not names_reference(flow):
        return
    links = setting.state.links
    waiting = list(links.numbers(flow.name, "waiting"))
    rebuild_keys(setting, flow, sorted({*waiting, *links.dirty(flow.name, 0, FAR)}))
    links.touch(waiting)
