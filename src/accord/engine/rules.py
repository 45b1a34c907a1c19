"""The project file was changed between two rounds: links that wait or are held are looked at again under the new rules.

What decides how records are *read* is the mapping, and another mapping reads everything anew. What decides what is
*done* with them (modes, match rules, conflict rules, deletions, directions) is noted here. Nothing is undone by a
changed rule: links stay, and what was agreed stays agreed. A row that has another property or type than before is a
new row under an old name: what another property holds is no edit, and its values are first values.
"""

from __future__ import annotations

from hashlib import blake2b

from accord.core.mapping import FlowMap
from accord.engine.guarding import changed_key
from accord.engine.match_keys import rebuild_keys
from accord.engine.setting import Setting
from accord.model import from_json, json_text


def follow_rules(setting: Setting) -> None:
    """Where the rules of a flow are others than in the round before, look at what they left undone."""
    for flow in setting.selected():
        moved = _forget_moved(setting, flow)
        match, whole = setting.digests.get(flow.name) or _digests(flow)
        setting.digests[flow.name] = match, whole
        if _is_new(setting, f"match rules of {flow.name}", match):
            rebuild_keys(setting, flow, list(setting.state.links.numbers(flow.name)))
        if _is_new(setting, f"rules of {flow.name}", whole):
            setting.state.links.touch_undone(flow.name)
            moved = True
        if moved:
            setting.state.put(changed_key(flow.name), "yes")


def _digests(flow: FlowMap) -> tuple[str, str]:
    """Of the match rules, and of everything that decides what is done."""
    rules: object = flow.flow.match
    if flow.flow.match_score is not None:
        rules = (rules, flow.flow.match_score.weights)
    return _digest(rules), _digest((flow.flow, _taken_by(flow)))


def _taken_by(flow: FlowMap) -> dict[str, object]:
    """What each system takes, as far as the file and the systems tell."""
    return {name: (side.writable, dict(side.properties)) for name, side in flow.sides.items()}


def _forget_moved(setting: Setting, flow: FlowMap) -> bool:
    """Begin anew with rows that have another property in some system, or another type, than when last seen; whether
    any row is new or other than it was.
    """
    key = f"rows of {flow.name}"
    before = from_json(setting.state.get(key) or '{"systems": [], "rows": {}}')
    rows: dict[str, tuple[str, dict[str, str]]] = {row.name: (str(row.type), dict(row.paths)) for row in flow.flow.rows}
    systems = [system for system in flow.sides if system in before["systems"]]
    for name, (type_, paths) in rows.items():
        old_type, old_paths = before["rows"].get(name, (type_, paths))
        if type_ != old_type or any(paths[system] != old_paths.get(system) for system in systems if system in paths):
            setting.state.links.forget_row(flow.name, name)
    now = json_text({"systems": sorted(flow.sides), "rows": {**before["rows"], **rows}})
    if now != json_text(before):
        setting.state.put(key, now)
    return bool(before["rows"]) and now != json_text(before)


def _is_new(setting: Setting, key: str, digest: str) -> bool:
    """Whether a digest differs from the one remembered; the first is remembered only."""
    before = setting.state.get(key)
    if before != digest:
        setting.state.put(key, digest)
    return before is not None and before != digest


def _digest(rules: object) -> str:
    """A word for some frozen rules. Sets are put in order, so that it is the same in every process."""
    return blake2b(_ordered(rules).encode(), digest_size=8).hexdigest()


def _ordered(value: object) -> str:
    if isinstance(value, frozenset | set):
        return "{" + ",".join(sorted(_ordered(item) for item in value)) + "}"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{_ordered(item)}" for key, item in sorted(value.items())) + "}"
    if isinstance(value, tuple | list):
        return "(" + ",".join(_ordered(item) for item in value) + ")"
    names = getattr(value, "__slots__", None)
    if names and not isinstance(value, str):
        return type(value).__name__ + _ordered([(name, getattr(value, name)) for name in names])
    return repr(value)
