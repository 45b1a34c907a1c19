"""From `accord.yaml` to a `Project`, or to all of its problems at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.config.gather import Gathered, gather
from accord.config.interpolate import StandIns, read_dotenv
from accord.config.meaning import Flow, Project, Property, Row
from accord.config.problems import Problems
from accord.config.tree import key_text
from accord.config.words import FORMAT
from accord.errors import UsageError

if TYPE_CHECKING:
    from accord.config.schema import FileModel

NAMES = ("accord.yaml", "accord.yml")


def find_project_file(folder: Path | None, file: Path | None) -> Path:
    """The project file: `file`, else `accord.yaml` (or `accord.yml`) in `folder` or here. Raises UsageError."""
    if file is not None:
        chosen = file if folder is None or file.is_absolute() else folder / file
        if chosen.is_file():
            return chosen
        raise UsageError(f"there is no project file {chosen}", hint="accord init writes one")
    base = folder if folder is not None else Path()
    for name in NAMES:
        if (base / name).is_file():
            return base / name
    raise UsageError(
        f"there is no {NAMES[0]} in {base.absolute()}", hint="accord init writes one; --project names another"
    )


def load(file: Path, *, env: Mapping[str, str] | None = None, stand_ins: bool = False) -> Project:
    """The project that a file means. `env` is the environment, which wins over `.env` beside the file; with `stand_ins`
    a variable that is not set stands for an address that does not exist, for where no system is asked.

    Raises ProjectFileError with all problems at once, ordered by file and line.
    """
    variables = {**read_dotenv(file.parent / ".env"), **(os.environ if env is None else env)}
    gathered = gather(file, StandIns(variables) if stand_ins else variables)
    problems = Problems(gathered.places, gathered.raw, str(file))
    problems.found.extend(gathered.problems)
    _check_format(gathered.data, problems)
    return _resolve(file, gathered, problems)


def _check_format(data: dict[Any, Any], problems: Problems) -> None:
    """The version of the format is looked at first: what another one means is not known here."""
    from accord.errors import Problem, ProjectFileError

    written = data.get("accord", FORMAT)
    if isinstance(written, bool) or str(written) != str(FORMAT):
        place = problems.place(("accord",))
        newer = isinstance(written, int) and written > FORMAT
        hint = "this file was written for a newer Accord; upgrade" if newer else f"write `accord: {FORMAT}`"
        message = f"the format {problems.quoted(('accord',))} is not known to this Accord"
        found = Problem(
            file=place.file, line=place.line, path="accord", message=message, allowed=str(FORMAT), hint=hint
        )
        raise ProjectFileError((found,))


def _resolve(file: Path, gathered: Gathered, problems: Problems) -> Project:
    from accord.config.resolve_cases import resolve_cases
    from accord.config.resolve_flows import Flows
    from accord.config.resolve_sections import resolve_schedule, resolve_sections, resolve_state
    from accord.config.resolve_systems import lay_under, resolve_systems, without_unused
    from accord.config.schema import DefaultsModel, FileModel

    data, folder = gathered.data, file.absolute().parent
    top = problems.validate(FileModel, data, ())
    written_systems = {key_text(name): body for name, body in _mapping(data, "systems").items()}
    laid, derived = lay_under(written_systems, _mapping(data, "flows"), problems, folder)
    datatypes = {name: _datatypes(body) for name, body in laid.items()}
    systems = resolve_systems(laid, problems, folder, derived)
    defaults = data.get("defaults")
    general = problems.validate(DefaultsModel, defaults, ("defaults",)) if defaults is not None else None
    flows = Flows(_mapping(data, "flows"), systems, datatypes, general, problems, folder).resolve()
    schedule, elsewhere = resolve_schedule({**data, "systems": written_systems}, datatypes, problems)
    sections = resolve_sections(data, problems)
    state = resolve_state(_state(top), folder, problems)
    cases = resolve_cases(data.get("tests"), systems, flows, problems) if data.get("tests") is not None else ()
    secrets = _secrets(gathered, problems)
    for key in ("notify", "console", "worker"):
        if key in sections:
            problems.caution((key,), "this version does not use it yet")
    problems.stop()
    systems = without_unused(systems, written_systems, flows.values())
    return Project(
        title=(top.title if top else None) or folder.name,
        file=file,
        state=state,
        systems=systems,
        flows=flows,
        schedule=schedule,
        sections={**sections, "schedule": elsewhere} if elsewhere else sections,
        cases=cases,
        secrets=secrets,
        warnings=tuple(problems.cautions),
    )


def _state(top: FileModel | None) -> str:
    return top.state if top is not None else "accord.db"


def _mapping(data: Mapping[Any, Any], key: str) -> dict[Any, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _datatypes(body: Any) -> dict[str, Any]:
    """The datatypes of a system by name."""
    written = body.get("datatypes") if isinstance(body, dict) else None
    return {key_text(name): value for name, value in written.items()} if isinstance(written, dict) else {}


def _secrets(gathered: Gathered, problems: Problems) -> frozenset[str]:
    from accord.config.secrets import literal_secrets, secret_values

    for where, message in literal_secrets(gathered.raw):
        problems.caution(where, message)
    return frozenset(value for value in secret_values(gathered.data, gathered.filled) if value)


def mapping_version(project: Project, flow: str) -> str:
    """A short digest of what decides how the records of a flow are read; another title or rule leaves it as it is."""
    import json
    from hashlib import blake2b

    content = json.dumps(_reading(project, project.flows[flow]), sort_keys=True, default=str)
    return blake2b(content.encode(), digest_size=8).hexdigest()


def _shown_as(one: Property) -> list[Any]:
    return [] if one.link is None and one.null_as is None else [one.link, one.null_as]


def _reading(project: Project, flow: Flow) -> list[Any]:
    sides = []
    for side in flow.sides:
        datatype = project.datatype(side.system, side.datatype)
        paths = {row.paths[side.system] for row in flow.rows if side.system in row.paths}
        types = {path: datatype.properties[path].type for path in paths if path in datatype.properties}
        formed = {
            path: [one.parts, one.join, one.split, one.null_when_absent, *_shown_as(one)]
            for path, one in datatype.properties.items()
            if path in paths and (one.parts or one.null_when_absent or _shown_as(one))
        }
        zone = project.systems[side.system].clock.zone
        made = [["created", datatype.created]] if datatype.created else []
        read = [datatype.id, datatype.deleted, zone, types, *([formed] if formed else []), *made]
        sides.append([side.system, side.datatype, side.where, *read])
    more: list[Any] = [
        {row.name: row.when for row in flow.rows if row.when},
        {row.name: [row.table.passes, row.table.instead] for row in flow.rows if row.table is not None},
        {row.name: [row.items.key, _read_as(row.items.rows)] for row in flow.rows if row.items is not None},
    ]
    return [sides, _read_as(flow.rows), *([more] if any(more) else [])]


def _read_as(rows: Iterable[Row]) -> list[Any]:
    """How rows are read."""
    return [
        [
            row.name,
            row.paths,
            str(row.type),
            {
                system: [[type(value).__name__, key, str(value)] for key, value in sorted(values.items())]
                for system, values in row.maps.items()
            },
            {
                system: [[lens.name, str(lens.argument), lens.lossy] for lens in lenses]
                for system, lenses in row.lenses.items()
            },
            row.equal,
            row.truncate,
        ]
        for row in sorted(rows, key=lambda row: row.name)
    ]


def json_schema() -> dict[str, Any]:
    """The JSON schema of `accord.yaml`, for editors."""
    from accord.config.json_schema import build

    return build()
