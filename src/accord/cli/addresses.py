"""Connection addresses that `init` takes, and what a project file says of the system behind each."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from accord.cli.starting import PLACEHOLDER, name_of
from accord.errors import UsageError

if TYPE_CHECKING:
    from accord.config.openapi.calls import Spec

FILES = (".csv", ".tsv", ".xlsx", ".jsonl", ".ndjson", ".parquet")
LOOKED_AT = 1000
"""Lines of a file that are read to find out which column is its id."""
_IDS = re.compile(r"id|nr|no|number|key|uuid|code|.*[_ -](id|nr|no|number|key)|.*Id|.*No", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """One system: its part of a project file, and the variables that this needs."""

    name: str
    title: str
    body: Mapping[str, Any]
    env: Mapping[str, str]
    notes: tuple[str, ...] = ()
    """What was guessed, for a comment."""
    document: Mapping[str, Any] | None = field(default=None, repr=False)
    """Its OpenAPI document, to be kept as `spec`."""

    @property
    def lacking(self) -> tuple[str, ...]:
        """Variables that somebody must fill in."""
        return tuple(name for name, value in self.env.items() if value == PLACEHOLDER)


def connected(address: str, name: str | None, folder: Path, known: Mapping[str, str]) -> Connected:
    """What an address means. `known` are the variables that are set. Raises UsageError, SystemFailure."""
    from accord.config.resolve_systems import PRESETS

    preset, colon, rest = address.partition(":")
    if colon and rest.startswith(("http://", "https://")) and (PRESETS / f"{preset}.yaml").is_file():
        found = _preset(preset, rest, name)
    elif address.startswith(("http://", "https://")):
        found = _described(address, name)
    elif "://" in address:
        found = _database(address, name, folder)
    else:
        found = _files(Path(address), name, folder)
    filled = {key: known.get(key, value) if value == PLACEHOLDER else value for key, value in found.env.items()}
    return replace(found, env=filled)


def variable(name: str) -> str:
    """The beginning of the names of a system's variables."""
    return re.sub(r"\W", "_", name).upper()


def _preset(preset: str, url: str, name: str | None) -> Connected:
    from accord.config.resolve_systems import PRESETS
    from accord.config.tree import read_tree

    data = read_tree(PRESETS / f"{preset}.yaml", preset).data
    called = name_of(name or preset)
    start = variable(called)
    auth, env = _auth(data.get("auth") or {}, start)
    body: dict[str, Any] = {"connector": preset, "base_url": f"${{{start}_URL}}"}
    body |= {"auth": {key: value for key, value in auth.items() if key != "type"}} if auth else {}
    title = str(data.get("title") or preset)
    return Connected(name=called, title=title, body=body, env={f"{start}_URL": url, **env})


def _auth(scheme: Mapping[str, Any], start: str) -> tuple[dict[str, Any], dict[str, str]]:
    """`auth` of a project file in the words of a preset or of a security scheme, and its variables."""
    kind, how = str(scheme.get("type", "")), str(scheme.get("scheme", "")).lower()
    if kind in ("apiKey", "api_key"):
        place = str(scheme.get("in") or ("query" if "query" in scheme else "header"))
        where = scheme.get("name") or scheme.get(place)
        if place not in ("header", "query"):
            return {}, {}
        return {"type": "api_key", place: where, "key": f"${{{start}_KEY}}"}, {f"{start}_KEY": PLACEHOLDER}
    if kind == "basic" or how == "basic":
        said: dict[str, Any] = {"type": "basic", "username": f"${{{start}_USER}}", "password": f"${{{start}_PASSWORD}}"}
        return said, {f"{start}_USER": PLACEHOLDER, f"{start}_PASSWORD": PLACEHOLDER}
    flows = scheme.get("flows") or {}
    device = flows.get("deviceAuthorization") if isinstance(flows, Mapping) else None
    if kind == "oauth2" and isinstance(device, Mapping) and device.get("deviceAuthorizationUrl"):
        said = {"type": "oauth2_device", "device_url": device["deviceAuthorizationUrl"]}
        said |= {"token_url": device.get("tokenUrl"), "client_id": f"${{{start}_CLIENT_ID}}"}
        return {**said, "keep": f"{start.lower()}-token.json"}, {f"{start}_CLIENT_ID": PLACEHOLDER}
    token_url = (flows.get("clientCredentials") or {}).get("tokenUrl") if isinstance(flows, Mapping) else None
    if kind == "oauth2" and token_url:
        said = {"type": "oauth2_client_credentials", "token_url": token_url, "client_id": f"${{{start}_CLIENT_ID}}"}
        said["client_secret"] = f"${{{start}_CLIENT_SECRET}}"
        return said, {f"{start}_CLIENT_ID": PLACEHOLDER, f"{start}_CLIENT_SECRET": PLACEHOLDER}
    if kind:
        return {"type": "bearer", "token": f"${{{start}_TOKEN}}"}, {f"{start}_TOKEN": PLACEHOLDER}
    return {}, {}


def _described(address: str, name: str | None) -> Connected:
    """A system that serves an OpenAPI document: at the address itself, or at a usual place of its host."""
    import json
    import tempfile

    from accord.config.meaning import System
    from accord.config.openapi.calls import Spec
    from accord.config.openapi.documents import Unusable
    from accord.engine.fetching import fetch_document

    parts = urlsplit(address)
    is_document = parts.path.endswith((".json", ".yaml", ".yml", "/api-docs", "/schema/", "/__api__"))
    base = f"{parts.scheme}://{parts.netloc}" if is_document else address.rstrip("/")
    asked = System(
        name=name or parts.hostname or "system", title="", connector="rest", datatypes={}, options={"base_url": base}
    )
    fetched = fetch_document(asked, parts.path if is_document else None)
    with tempfile.TemporaryDirectory() as kept:
        file = Path(kept) / "openapi.json"
        file.write_text(json.dumps(fetched.document, default=str), "utf-8")
        try:
            return _of_document(Spec(file), address, base, fetched.place, name)
        except Unusable as error:
            raise UsageError(f"{address}: {error.message}", hint=error.hint) from None


def _of_document(spec: Spec, address: str, base: str, place: str, name: str | None) -> Connected:
    parts = urlsplit(address)
    title = spec.title or parts.hostname or "system"
    called = name_of(name or title)
    start = variable(called)
    server = spec.server()
    origin = f"{parts.scheme}://{parts.netloc}"  # with the user and password that were given, if they were
    notes = [f"described by {place} of {parts.hostname}; `accord check` lists what was derived from it"]
    url = base
    if server:
        path = urlsplit(server).path.rstrip("/")
        url = base if base.rstrip("/").endswith(path) else f"{origin}{path}"
        host = urlsplit(server).netloc
        if host and host != parts.netloc.rpartition("@")[2]:
            notes.append(f"the document calls its server {server}; asked is the host that you named")
    auth, env = ({}, {}) if parts.username else _auth(spec.security() or {}, start)
    body = {
        "connector": "openapi",
        "spec": f"{called}.openapi.json",
        "base_url": f"${{{start}_URL}}",
        "auth": auth or "none",
    }
    return Connected(
        name=called,
        title=title,
        body=body,
        env={f"{start}_URL": url, **env},
        notes=tuple(notes),
        document=spec.root.data,
    )


def _database(address: str, name: str | None, folder: Path) -> Connected:
    """Any SQLAlchemy URL; the whole of it is a variable, as it may hold a password."""
    head, _, rest = address.partition("://")
    last = unquote(urlsplit(f"x://{rest}").path).rstrip("/").rpartition("/")[2]
    if head.startswith("sqlite"):
        file = rest.removeprefix("/")
        if not Path(file).is_file():
            raise UsageError(f"there is no database {file}")
        relative = os.path.relpath(Path(file).absolute(), folder.absolute())
        address, last = f"{head}:///{relative if not Path(file).is_absolute() else file}", Path(file).stem
    called = name_of(name or last or head)
    start = variable(called)
    return Connected(
        name=called,
        title=name or last or head,
        body={"connector": "sql", "url": f"${{{start}_URL}}"},
        env={f"{start}_URL": address},
    )


def _files(path: Path, name: str | None, folder: Path) -> Connected:
    """A file, or the files of a folder."""
    if path.is_dir():
        files = sorted(one for one in path.iterdir() if one.suffix.lower() in FILES)
    else:
        files = [path] if path.is_file() else []
    if not files:
        raise UsageError(
            f"{path} is no address that is understood",
            hint="a database (sqlite:///erp.db, postgresql://…), a file or folder (.csv, .xlsx, .jsonl, .parquet), "
            "https://… of a system with an OpenAPI document, or PRESET:https://…",
        )
    datatypes, notes = {}, []
    for one in files:
        relative = os.path.relpath(one.absolute(), folder.absolute())
        id, why = _id_of(one)
        notes.append(f"{one.name}: {why}")
        datatypes[re.sub(r"\W+", "_", one.stem).strip("_").lower() or "record"] = {"path": relative, "id": id}
    called = name_of(name or path.stem)
    return Connected(
        name=called,
        title=name or path.stem,
        body={"connector": "file", "datatypes": datatypes},
        env={},
        notes=tuple(notes),
    )


def _id_of(path: Path) -> tuple[str, str]:
    """Which column of a file is its id, and why: each value once, and called like one."""
    from accord.connectors.file import look_at

    lines = look_at(path, LOOKED_AT)
    columns = list(dict.fromkeys(column for line in lines for column in line))
    if not columns:
        raise UsageError(f"{path} has no line to go by", hint="name its id yourself: --connector file")
    values = {column: [line.get(column) for line in lines] for column in columns}
    once = [
        column
        for column, found in values.items()
        if all(value not in (None, "") for value in found) and len(set(map(str, found))) == len(found)
    ]
    called = [column for column in once if _IDS.fullmatch(column)]
    if called:
        return called[0], f"`{called[0]}` stands in each of {len(lines)} lines once, and is called like an id"
    if once:
        return once[0], f"`{once[0]}` stands in each of {len(lines)} lines once"
    return columns[0], f"no column stands in each line once: is `{columns[0]}` the id?"
