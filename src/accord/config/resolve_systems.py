"""From the checked `systems` of a file to `System` and `Datatype`: defaults filled in, connector keys put aside."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from accord.config.foreign import foreign_models, foreign_names, locate
from accord.config.meaning import Datatype, Flow, Property, System, SystemClock, SystemLimits, VersionCheck
from accord.config.problems import Problems
from accord.config.tree import Where, key_text
from accord.config.words import RESERVED_SYSTEMS

if TYPE_CHECKING:
    from accord.config.schema import DatatypeModel, PropertyModel, SystemModel, VersionModel

PRESETS = Path(__file__).parent.parent / "connectors" / "presets" / "systems"
_NAME = re.compile(r"[^\W_][\w.-]*")
_LOCAL = {"localhost", "127.0.0.1", "::1"}


def is_name(text: str) -> bool:
    """Whether a system, datatype or flow may be called so."""
    return _NAME.fullmatch(text) is not None


def resolve_systems(data: Any, problems: Problems, folder: Path) -> dict[str, System]:
    """Every system that could be understood; what is wrong with the others is noted."""
    found = {}
    for name, body in data.items():
        where = ("systems", key_text(name))
        _check_name(where, "system", problems)
        if not isinstance(body, dict):
            problems.add(where, f"a system must be a mapping (`key: value`), and is {problems.quoted(where)}")
            continue
        system = _system(key_text(name), with_preset(body), where, problems, folder)
        if system is not None:
            found[system.name] = system
    return found


def _check_name(where: Where, kind: str, problems: Problems) -> None:
    name = str(where[-1])
    if not is_name(name):
        problems.add(where, f"{name!r} is no name for a {kind}", allowed="letters, digits, `_`, `-` and `.`")
    elif kind == "system" and name in RESERVED_SYSTEMS:
        problems.add(where, f"a system cannot be called {name!r}, which is a key of flows or rows", hint="rename it")


def with_preset(body: Mapping[Any, Any]) -> dict[Any, Any]:
    """A system's keys over those of the preset that its `connector` names, if it names one.

    A part of another `type` (another `auth`) takes the place of the preset's.
    """
    name = body.get("connector")
    if not isinstance(name, str) or not is_name(name) or not (PRESETS / f"{name}.yaml").is_file():
        return dict(body)
    from accord.config.tree import read_tree

    preset: dict[Any, Any] = read_tree(PRESETS / f"{name}.yaml", f"preset {name}").data
    return _laid_over(preset, {key: value for key, value in body.items() if key != "connector"})


def without_unused(
    systems: Mapping[str, System], written: Mapping[str, Any], flows: Iterable[Flow]
) -> dict[str, System]:
    """The systems without the datatypes of a preset that neither the file nor a flow names; a system in no flow keeps
    all of them, to be looked at.
    """
    used: dict[str, set[str]] = {}
    for flow in flows:
        for side in flow.sides:
            used.setdefault(side.system, set()).add(side.datatype)
    found = dict(systems)
    for name, wanted in used.items():
        named = written[name].get("datatypes") if isinstance(written.get(name), dict) else None
        keep = wanted | ({key_text(key) for key in named} if isinstance(named, dict) else set())
        if name in found and not keep >= set(found[name].datatypes):
            kept = {key: value for key, value in found[name].datatypes.items() if key in keep}
            found[name] = replace(found[name], datatypes=kept)
    return found


def _laid_over(below: dict[Any, Any], above: Mapping[Any, Any]) -> dict[Any, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = below.get(key)
        if isinstance(under, dict) and value is None:
            continue
        if (
            isinstance(under, dict)
            and isinstance(value, dict)
            and value.get("type", under.get("type")) == under.get("type")
        ):
            value = _laid_over(under, value)
        merged[key] = value
    return merged


def known_connectors() -> list[str]:
    """Every connector and preset that a file may name."""
    from accord.config.connectors_schema import CONNECTORS

    presets = sorted(file.stem for file in PRESETS.glob("*.yaml"))
    others = sorted(foreign_names() - set(CONNECTORS))
    return [*CONNECTORS, *presets, *others]


def _models(connector: Any, where: Where, problems: Problems) -> tuple[type[SystemModel], type[DatatypeModel]]:
    from accord.config.connectors_schema import CONNECTORS, AnyDatatype, AnySystem

    if isinstance(connector, str) and connector in CONNECTORS:
        return CONNECTORS[connector]
    if isinstance(connector, str) and connector in foreign_names():
        return foreign_models(connector, where, problems)
    if isinstance(connector, str):
        problems.unknown((*where, "connector"), "the connector", connector, known_connectors())
    return AnySystem, AnyDatatype


def _system(name: str, body: dict[Any, Any], where: Where, problems: Problems, folder: Path) -> System | None:
    from accord.config.schema import SystemModel

    model, datatype_model = _models(body.get("connector"), where, problems)
    checked = problems.validate(model, {**body, "datatypes": {}} if "datatypes" in body else body, where)
    written = body.get("datatypes", {})
    if not isinstance(written, dict):
        problems.add((*where, "datatypes"), "must be a mapping (`name: {…}`)")
        return None
    datatypes = {
        key_text(key): _datatype(
            name, key_text(key), value, datatype_model, (*where, "datatypes", key_text(key)), problems
        )
        for key, value in written.items()
    }
    if checked is None:
        return None
    options = _options(checked, SystemModel)
    _locate(options, checked.connector, folder)
    locate(options, checked, folder)
    _check_transport(options, where, problems)
    clock = checked.clock
    return System(
        name=name,
        title=checked.title or name,
        connector=checked.connector,
        datatypes={
            key: _file_located(value, checked.connector, options, folder)
            for key, value in datatypes.items()
            if value is not None
        },
        limits=SystemLimits(**checked.limits.model_dump()),
        clock=SystemClock(zone=clock.zone, tolerance=clock.tolerance, resolution=clock.resolution),
        read_only=checked.read_only,
        sandbox=checked.sandbox,
        options=options,
    )


def _options(model: Any, common: Any) -> dict[str, Any]:
    """The keys that belong to the connector, as plain data."""
    dumped: dict[str, Any] = model.model_dump(exclude=set(common.model_fields), exclude_none=True, by_alias=True)
    return dumped


def _locate(options: dict[str, Any], connector: str, folder: Path) -> None:
    """Make the paths of a system absolute: relative ones start at the project file's folder."""
    if connector == "sql":
        options["url"] = sqlite_url(options["url"], folder)
    for key in {"file": ("path",), "rest": ("verify",), "openapi": ("verify", "spec")}.get(connector, ()):
        if isinstance(options.get(key), str) and "://" not in options[key]:
            options[key] = str((folder / options[key]).absolute())

    auth = options.get("auth")
    if isinstance(auth, dict) and auth.get("type") == "oauth2_refresh":
        auth["keep"] = str((folder / auth["keep"]).absolute())


def sqlite_url(url: str, folder: Path) -> str:
    """The same URL; the path of a SQLite file made absolute."""
    head, slashes, rest = url.partition(":///")
    if not slashes or not head.startswith("sqlite") or not rest or rest.startswith(("/", ":memory:", "file:")):
        return url
    return f"{head}:///{(folder / rest).absolute()}"


def _file_located(datatype: Datatype, connector: str, system: Mapping[str, Any], folder: Path) -> Datatype:
    if connector != "file":
        return datatype
    path = datatype.options.get("path")
    base = Path(system["path"]) if "path" in system else folder
    located = str((base / path).absolute()) if path else str(base.absolute())
    options = {"format": system["format"], **datatype.options} if "format" in system else dict(datatype.options)
    return replace(datatype, options={**options, "path": located})


def _check_transport(options: Mapping[str, Any], where: Where, problems: Problems) -> None:
    auth = options.get("auth", {})
    secret = isinstance(auth, dict) and auth.get("type", "none") != "none"
    for key, url in (("base_url", options.get("base_url")), ("auth", auth.get("token_url") if secret else None)):
        if secret and isinstance(url, str) and url.startswith("http://"):
            host = urlsplit(url).hostname or ""
            if host not in _LOCAL and not host.endswith(".localhost"):
                problems.caution((*where, key), f"credentials go to {host} unencrypted; use https")
    if options.get("verify") is False:
        hint = "name the file of the authority that signed it: verify: /etc/ssl/own-ca.pem"
        problems.add((*where, "verify"), "certificates are always verified", allowed="true, a file", hint=hint)


def _datatype(
    system: str,
    name: str,
    body: Any,
    model: type[DatatypeModel],
    where: Where,
    problems: Problems,
) -> Datatype | None:
    from accord.config.schema import DatatypeModel

    _check_name(where, "datatype", problems)
    body = {} if body is None else body
    if not isinstance(body, dict):
        problems.add(where, f"a datatype must be a mapping (`key: value`), and is {problems.quoted(where)}")
        return None
    checked = problems.validate(model, body, where)
    if checked is None:
        return None
    joined = {path for path, one in checked.properties.items() if one.parts}
    for path in joined:
        if joined & set(checked.properties[path].parts):
            problems.add((*where, "properties", path, "parts"), "a part must be a property of the system itself")
    options = _options(checked, DatatypeModel)
    if hasattr(checked, "webhook"):
        _complete_rest(options, where, checked.key_property, problems)
    return Datatype(
        system=system,
        name=name,
        title=checked.title or name,
        id=checked.id,
        modified=checked.modified,
        created=checked.created,
        version=_version(checked.version, (*where, "version"), problems),
        deleted=checked.deleted,
        properties={path: _property(path, each, where, problems) for path, each in checked.properties.items()},
        key_property=checked.key_property,
        natural_key=tuple(checked.natural_key),
        ordered=checked.order is True or checked.order in ("id", "reads", checked.id),
        options=options,
    )


def _complete_rest(options: dict[str, Any], where: Where, key_property: str | None, problems: Problems) -> None:
    """`path` alone implies the usual five calls."""
    listing = options.get("list", {})
    path = options.get("path") or listing.get("path")
    if path is None and _needs_path(where, problems):
        problems.add(
            where, "a datatype of this connector needs a `path` (or a `list`)", hint="as in `path: /customers`"
        )
    if path is not None:
        options["list"] = {"path": path, "params": {}, **listing}
        one = f"{path.rstrip('/')}/{{id}}"
        usual = {"get": ("GET", one), "create": ("POST", path), "update": ("PATCH", one), "delete": ("DELETE", one)}
        for key, (method, target) in usual.items():
            options[key] = {"method": method, "path": target, **options.get(key, {})}
        options["update"].setdefault("send", "changed")
    find = options.get("find")
    if find is not None and not find.get("by") and not find.get("params"):
        if key_property is None:
            problems.add((*where, "find"), "`find` must say by which properties it searches", hint="add `by: [path]`")
        find["by"] = [key_property]
    if find is not None and path is not None:
        find.setdefault("path", options["list"]["path"])


def _needs_path(where: Where, problems: Problems) -> bool:
    """Whether a missing path is a fault here: `openapi` finds its paths in its specification."""
    return problems.quoted((*where[:2], "connector")) != "'openapi'"


def _version(model: VersionModel | None, where: Where, problems: Problems) -> VersionCheck | None:
    if model is None:
        return None
    if model.etag:
        if model.header or model.query:
            problems.add(
                where, "an ETag goes into If-Match", hint="leave out `etag`, or leave out `header` and `query`"
            )
        return VersionCheck(kind="etag", path=model.path)
    if model.path is None:
        problems.add(
            where, "a version needs a `path`", allowed="etag, a path, {path: …, header: …}, {path: …, query: …}"
        )
        return None
    return VersionCheck(kind="path", path=model.path, header=model.header, query=model.query)


def _property(path: str, model: PropertyModel, where: Where, problems: Problems) -> Property:
    if model.type is not None:
        from accord.config.resolve_rows import read_type

        read_type(model.type, (*where, "properties", path, "type"), problems)
    return Property(
        path=path,
        type=model.type,
        required=model.required,
        max_length=model.max_length,
        values=None if model.values is None else tuple(model.values),
        read_only=model.read_only,
        create_only=model.create_only,
        default=model.default,
        rewrites=tuple(model.rewrites),
        write_as=model.write_as,
        write_with=model.write_with,
        null_when_absent=model.null_when_absent,
        parts=tuple(model.parts),
        join=model.join,
        split=model.split,
    )
