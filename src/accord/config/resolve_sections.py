"""The smaller sections of a project file: state, schedule, notify, console, worker."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from accord.config.meaning import Schedule
from accord.config.problems import Problems, listed, nearest
from accord.config.tree import Where, key_text

_POSTGRES = ("postgresql://", "postgres://", "postgresql+")
_TIMES = ("every", "full_every", "cron")


def resolve_state(text: str, folder: Path, problems: Problems) -> str:
    """An absolute path, or a PostgreSQL URL as it is."""
    if text.startswith(_POSTGRES):
        return text
    if text.startswith("sqlite:///"):
        text = text.removeprefix("sqlite:///")
    elif "://" in text:
        problems.add(
            ("state",), "not a place for the state", allowed="a path, sqlite:///path, postgresql://user@host/database"
        )
    return str((folder / Path(text).expanduser()).absolute())


def resolve_schedule(
    data: Mapping[str, Any],
    systems: Mapping[str, Mapping[str, Any]],
    problems: Problems,
) -> tuple[Schedule, dict[str, dict[str, Any]]]:
    """The schedule of the project, and `system` or `system.datatype` → what differs there."""
    written = data.get("schedule")
    if written is not None and not isinstance(written, dict):
        problems.add(
            ("schedule",), f"must be a mapping, and is {problems.quoted(('schedule',))}", allowed=listed(_TIMES)
        )
        written = {}
    times, others = _apart(written or {}, ("schedule",), systems, problems)
    inner, beside = _inner(others, systems, problems), _beside(data, systems, problems)
    found = {name: {**inner.get(name, {}), **beside.get(name, {})} for name in {**inner, **beside}}
    usual = Schedule()
    return Schedule(
        every=times.get("every", usual.every),
        full_every=times.get("full_every", usual.full_every),
        cron=times.get("cron"),
    ), found


def _inner(
    others: Mapping[str, Any],
    systems: Mapping[str, Mapping[str, Any]],
    problems: Problems,
) -> dict[str, dict[str, Any]]:
    """`schedule: {system: {every: 10s, datatype: {every: 5s}}}`."""
    found = {}
    for system, body in others.items():
        where = ("schedule", system)
        times, datatypes = _apart(body, where, systems[system], problems)
        found[system] = times
        for datatype, inner in datatypes.items():
            found[f"{system}.{datatype}"], rest = _apart(inner, (*where, datatype), {}, problems)
            del rest
    return {key: times for key, times in found.items() if times}


def _apart(
    body: Any,
    where: Where,
    names: Mapping[str, Any],
    problems: Problems,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The times that are set here, and what is set for single systems or datatypes."""
    from accord.config.schema import ScheduleModel

    if not isinstance(body, dict):
        problems.add(where, f"must be a mapping, and is {problems.quoted(where)}", allowed=listed(_TIMES))
        return {}, {}
    times, inner = {}, {}
    for key, value in body.items():
        name = key_text(key)
        if name in _TIMES:
            times[name] = value
        elif name in names:
            inner[name] = value
        else:
            near = nearest(name, [*_TIMES, *names])
            hint = f"did you mean {near!r}?" if near else None
            problems.add((*where, name), f"the key {name!r} is not known", allowed=listed([*_TIMES, *names]), hint=hint)
    model = problems.validate(ScheduleModel, times, where)
    return (model.model_dump(exclude_none=True) if model else {}), inner


def _beside(
    data: Mapping[str, Any],
    systems: Mapping[str, Mapping[str, Any]],
    problems: Problems,
) -> dict[str, dict[str, Any]]:
    """`schedule` written within a system or datatype. Its problems are noted there."""
    from accord.config.schema import ScheduleModel

    quiet = Problems({}, {}, "")
    found: dict[str, dict[str, Any]] = {}
    for system, datatypes in systems.items():
        bodies = {system: data["systems"][system], **{f"{system}.{key}": body for key, body in datatypes.items()}}
        for name, body in bodies.items():
            if isinstance(body, dict) and isinstance(body.get("schedule"), dict):
                model = quiet.validate(ScheduleModel, body["schedule"], ())
                found[name] = model.model_dump(exclude_none=True) if model else {}
    return found


def resolve_sections(data: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    """`notify` as a list, `console` and `worker`: checked, short forms written out."""
    found: dict[str, Any] = {}
    if data.get("notify") is not None:
        found["notify"] = _notices(data["notify"], problems)
    if data.get("console") is not None:
        from accord.config.sections_schema import ConsoleModel

        console = problems.validate(ConsoleModel, data["console"], ("console",))
        found["console"] = _plain(console)
    if data.get("worker") is not None:
        from accord.config.sections_schema import WorkerModel

        written = data["worker"]
        worker = problems.validate(
            WorkerModel, {"engine": written} if isinstance(written, str) else written, ("worker",)
        )
        found["worker"] = _plain(worker)
    return found


def _notices(written: Any, problems: Problems) -> list[dict[str, Any]]:
    from accord.config.sections_schema import NoticeModel

    found = []
    for index, value in enumerate(written if isinstance(written, list) else [written]):
        where: Where = ("notify", index) if isinstance(written, list) else ("notify",)
        notice = problems.validate(NoticeModel, value, where)
        if notice is not None and not (notice.webhook or notice.email or notice.slack):
            problems.add(where, "a notice needs somebody to tell", allowed="webhook, email, slack")
        found.append(_plain(notice))
    return found


def _plain(model: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = model.model_dump(exclude_none=True, by_alias=True) if model is not None else {}
    return dumped
