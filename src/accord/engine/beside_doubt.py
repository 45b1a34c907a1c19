"""What matches a record that waits with a create in doubt waits too: else it would get a second counterpart.

Which links these are is found by the keys of what waits, and kept until the next planning looks at them again.
"""

from __future__ import annotations

from collections.abc import Iterator

from accord.core.mapping import FlowMap
from accord.engine.created_since import creates_in_doubt
from accord.engine.match_keys import keys_of_member
from accord.engine.setting import Setting
from accord.model import Member, from_json, json_text
from accord.stored import Arrival

KEPT = "beside_doubt"
BATCH = 500


def look_again(setting: Setting) -> None:
    """Have the links planned anew that waited in the last planning."""
    state = setting.state
    if waited := from_json(state.get(KEPT) or "[]"):
        state.links.touch(waited)
        state.put(KEPT, "[]")


def matching_what_waits(setting: Setting, flow: FlowMap) -> set[int]:
    """The links of a flow with a match key, or a likeness by score, of a record that waits with a create in doubt."""
    if not flow.flow.matches:
        return set()
    state, found = setting.state, set[int]()
    for arrival in _waiting(setting, flow):
        side = flow.sides[arrival.ref.system]
        member = Member(ref=arrival.ref, native_id=arrival.native_id, base=side.by_row(arrival.natives()))
        found |= state.links.with_keys(flow.name, keys_of_member(state.links, flow, member))
    if found:
        state.put(KEPT, json_text(sorted({*from_json(state.get(KEPT) or "[]"), *found})))
    return found


def _waiting(setting: Setting, flow: FlowMap) -> Iterator[Arrival]:
    for system, side in flow.sides.items():
        place, after = setting.place(system, side.side.datatype), ""
        if not creates_in_doubt(setting, system, side.side.datatype):
            continue
        while arrivals := setting.state.observed.inbox(place, after, BATCH):
            after = arrivals[-1].ref.id
            yield from (one for one in arrivals if one.link is None and one.content is not None)
