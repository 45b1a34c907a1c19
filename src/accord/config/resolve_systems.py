"""From the checked `systems` of a file to `System` and `Datatype`: defaults filled in, connector keys put aside."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from accord.config.foreign import foreign_models, foreign_names, locate
from accord.config.meaning import (
    Datatype,
    Derivation,
    Flow,
    Property,
    System,
    SystemClock,
    SystemLimits,
    VersionCheck,
)
from accord.config.problems import Problems
from accord.config.tree import Where, key_text
from accord.config.words import RESERVED_SYSTEMS

if TYPE_CHECKING:
    from accord.config.schema import DatatypeModel, PropertyModel, SystemModel, VersionModel

PRESETS = Path(__file__).parent.parent / "connectors" / "presets" / "systems"
Derived = Mapping[str, tuple[Derivation, ...]]
"""Datatype → what its document gave."""
_NAME = re.compile(r"[^\W_][\w.-]*")
_FILES = {
    "file": ("path", "known_hosts"),
    **dict.fromkeys(("rest", "jsonrpc", "odata", "graphql", "caldav"), ("verify",)),
    "openapi": ("verify", "spec"),
}
"""Keys of a system that name a file of this machine."""
ANY = "*"
"""In a preset, a datatype that it does not know by name."""
_LOCAL = {"localhost", "127.0.0.1", "::1"}


def is_name(text: str) -> bool:
    """Whether a system, datatype or flow may be called so."""
    return _NAME.fullmatch(text) is not None


def resolve_systems(
    data: Any, problems: Problems, folder: Path, derived: Mapping[str, Derived] | None = None
) -> dict[str, System]:
    """Every system that could be understood, its preset or document laid under it; what is wrong is noted."""
    found = {}
    for name, body in data.items():
        where = ("systems", key_text(name))
        _check_name(where, "system", problems)
        if not isinstance(body, dict):
            problems.add(where, f"a system must be a mapping (`key: value`), and is {problems.quoted(where)}")
            continue
        system = _system(key_text(name), body, where, problems, folder)
        if system is not None:
            found[system.name] = replace(system, derived=(derived or {}).get(system.name, {}))
    return found


def _check_name(where: Where, kind: str, problems: Problems) -> None:
    name = str(where[-1])
    if not is_name(name):
        problems.add(where, f"{name!r} is no name for a {kind}", allowed="letters, digits, `_`, `-` and `.`")
    elif kind == "system" and name in RESERVED_SYSTEMS:
        problems.add(where, f"a system cannot be called {name!r}, which is a key of flows or rows", hint="rename it")


def with_preset(body: Mapping[Any, Any]) -> dict[Any, Any]:
    """A system's keys over those of the preset that its `connector` names, if it names one.

    A part of another `type` (another `auth`) takes the place of the preset's. What a preset says of the datatype `*` is
    laid under every datatype that only the file names; `{datatype}` is its name there.
    """
    name = body.get("connector")
    if not isinstance(name, str) or not is_name(name) or not (PRESETS / f"{name}.yaml").is_file():
        return dict(body)
    from accord.config.tree import read_tree

    preset: dict[Any, Any] = read_tree(PRESETS / f"{name}.yaml", f"preset {name}").data
    told = preset.get("datatypes", {})
    any_other = told.pop(ANY, None)
    if any_other is not None:
        own = body.get("datatypes")
        named = [key_text(key) for key in own if key_text(key) != ANY] if isinstance(own, dict) else []
        told |= {name: any_other for name in named if name not in told}
    preset["datatypes"] = {name: _in_place(datatype, name) for name, datatype in told.items()}
    return laid_over(preset, {key: value for key, value in body.items() if key != "connector"})


def _in_place(template: Any, name: str) -> Any:
    """A copy of a part of a preset, with the name of a datatype in its places."""
    if isinstance(template, str):
        return template.replace("{datatype}", name)
    if isinstance(template, dict):
        return {key: _in_place(value, name) for key, value in template.items()}
    return [_in_place(item, name) for item in template] if isinstance(template, list) else template


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


def lay_under(
    data: Mapping[Any, Any], flows: Mapping[Any, Any], problems: Problems, folder: Path
) -> tuple[dict[str, Any], dict[str, Derived]]:
    """Every system with the preset, or what its OpenAPI document tells, laid under it; and what was told."""
    laid: dict[str, Any] = {}
    derived: dict[str, Derived] = {}
    for key, body in data.items():
        name = key_text(key)
        laid[name] = with_preset(body) if isinstance(body, dict) else body
        if isinstance(body, dict) and body.get("connector") == "openapi":
            from accord.config.openapi.laying import from_document

            wanted = {*_named(body), *_in_flows(flows, name)}
            below, derived[name] = from_document(name, body, wanted, problems, folder)
            laid[name] = laid_over(below, body)
    return laid, derived


def _named(body: Mapping[Any, Any]) -> list[str]:
    datatypes = body.get("datatypes")
    return [key_text(key) for key in datatypes] if isinstance(datatypes, dict) else []


def _in_flows(flows: Mapping[Any, Any], system: str) -> Iterator[str]:
    """The datatypes of a system that flows name."""
    for flow in flows.values():
        side = flow.get(system) if isinstance(flow, dict) else None
        side = side.get("datatype") if isinstance(side, dict) else side
        if isinstance(side, str):
            yield side


def laid_over(below: dict[Any, Any], above: Mapping[Any, Any]) -> dict[Any, Any]:
    """The keys of both, those of `above` before; a part of another `type` takes the place of the whole part."""
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
            value = laid_over(under, value)
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
    if checked.connector == "jsonrpc":
        from accord.config.resolve_rpc import check_rpc

        check_rpc(options, {key: value for key, value in datatypes.items() if value is not None}, where, problems)
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
    for key in _FILES.get(connector, ()):
        if isinstance(options.get(key), str) and "://" not in options[key]:
            options[key] = str((folder / options[key]).absolute())

    auth = options.get("auth")
    if isinstance(auth, dict) and auth.get("type") in ("oauth2_refresh", "oauth2_device"):
        auth["keep"] = str((folder / auth["keep"]).absolute())
    if isinstance(auth, dict) and "key_file" in auth:
        auth["key_file"] = str((folder / auth["key_file"]).absolute())


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
    located = _joined(str(system.get("path") or folder.absolute()), str(path or ""))
    options = {"format": system["format"], **datatype.options} if "format" in system else dict(datatype.options)
    return replace(datatype, options={**options, "path": located})


def _joined(base: str, path: str) -> str:
    """A path below a folder here or at a distance; one that is whole stays as it is."""
    if "://" in path or ("://" in base and not path):
        return path or base
    return f"{base.rstrip('/')}/{path.lstrip('/')}" if "://" in base else str((Path(base) / path).absolute())


def _check_transport(options: Mapping[str, Any], where: Where, problems: Problems) -> None:
    auth = options.get("auth", {})
    secret = isinstance(auth, dict) and auth.get("type", "none") != "none"
    said = auth if secret else {}
    for key, url in (
        ("base_url", options.get("base_url")),
        ("endpoint", options.get("endpoint")),
        ("auth", said.get("token_url")),
        ("auth", said.get("device_url")),
    ):
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
        _complete_rest(options, where, checked.key_property, checked.natural_key, problems)
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


def datatype_of(system: str, name: str, body: Mapping[str, Any], problems: Problems) -> Datatype | None:
    """A datatype of `connector: openapi` that stands in no file."""
    from accord.config.rest_schema import OpenapiDatatype

    return _datatype(system, name, dict(body), OpenapiDatatype, ("systems", system, "datatypes", name), problems)


def _complete_rest(
    options: dict[str, Any], where: Where, key_property: str | None, natural_key: Sequence[str], problems: Problems
) -> None:
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
        if key_property is None and not natural_key and find.get("filter"):
            del options["find"]
            return
        if key_property is None and not natural_key:
            problems.add((*where, "find"), "`find` must say by which properties it searches", hint="add `by: [path]`")
        find["by"] = [path for path in (key_property, *natural_key) if path]
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
        return VersionCheck(kind="etag", path=model.path, deletes=model.deletes)
    if model.path is None:
        problems.add(
            where, "a version needs a `path`", allowed="etag, a path, {path: …, header: …}, {path: …, query: …}"
        )
        return None
    return VersionCheck(kind="path", path=model.path, header=model.header, query=model.query, deletes=model.deletes)


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
        null_as=model.null_as,
        link=model.link,
        parts=tuple(model.parts),
        join=model.join,
        split=model.split,
    )
