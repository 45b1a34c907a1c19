"""Asks a system for its OpenAPI document, once and by name: only its own host, without following redirects."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from yarl import URL

from accord.config.meaning import System
from accord.config.openapi.documents import MAX_BYTES, Unusable, parsed
from accord.connectors.rest.answers import Answer
from accord.connectors.rest.client import Client
from accord.connectors.rest.options import Errors, read_system
from accord.errors import ProtocolError, Unauthorized, UsageError

PLACES = (
    *("/openapi.json", "/swagger.json", "/api/openapi.json", "/openapi.yaml", "/v3/api-docs", "/api-docs"),
    *("/api/swagger.json", "/swagger/v1/swagger.json", "/docs/openapi.json", "/api/schema/", "/api/v1/openapi.json"),
    *("/api/docs.json", "/.well-known/openapi.json", "/v2/api-docs", "/__api__", "/openapi"),
)
"""Where FastAPI, Springdoc, ASP.NET, DRF, API Platform, Kinto and others serve it by default."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document, and where it was."""

    document: Mapping[str, Any]
    place: str


def fetch_document(system: System, place: str | None) -> Fetched:
    """The document that a system serves, at a place or at one of the usual ones; an address of another host is refused.

    Raises UsageError, SystemFailure.
    """
    return asyncio.run(_fetched(system, (place,) if place else PLACES))


async def _fetched(system: System, places: Sequence[str]) -> Fetched:
    options = read_system(system)
    client = Client(system, replace(options, max_body=min(options.max_body, MAX_BYTES)))
    root = str(URL(options.base_url).origin())
    below = [client.url(one) for one in places]
    urls = list(dict.fromkeys([*below, *(f"{root}{one}" for one in places if one.startswith("/"))]))
    refused = 0
    client.open()
    try:
        for url in urls:
            try:
                found = await client.get(url, _document, Errors(retry=frozenset({429, 503})))
            except Unauthorized:
                refused += 1
                continue
            except ProtocolError:
                if len(places) == 1:
                    raise
                continue
            if found is not None:
                return Fetched(found, urlsplit(url).path)
    finally:
        await client.close()
    said = f"; {refused} of {len(urls)} addresses refused our credentials" if refused else ""
    raise UsageError(
        f"{system.name}: no OpenAPI document at {root}{said}",
        hint="`--at /path/of/it` says where it is; or put the file beside the project file",
    )


def _document(answer: Answer) -> Mapping[str, Any] | None:
    """The document in an answer; None where there is none."""
    if answer.status != 200:
        return None
    start = answer.body.lstrip()[:1]
    if start == b"<":
        return None
    try:
        found = parsed(answer.body, "the answer")
    except Unusable:
        return None
    return found if isinstance(found, dict) and ("openapi" in found or "swagger" in found) else None


def keep_document(fetched: Fetched, file: Path) -> bool:
    """Write the document beside the project file, whole or not at all; whether it differs from what was there."""
    content = json.dumps(fetched.document, indent=1, ensure_ascii=False, default=str).encode() + b"\n"
    try:
        if file.is_file() and file.read_bytes() == content:
            return False
        part = file.with_name(f".{file.name}.part")
        part.write_bytes(content)
        part.replace(file)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from None
    return True


def system_without_document(file: Path, name: str) -> tuple[System, Path]:
    """A system of a project file, as far as it can be asked for its document, and where that is to be kept.

    Raises UsageError, ProjectFileError.
    """
    import os

    from accord.config.gather import gather
    from accord.config.interpolate import read_dotenv
    from accord.config.problems import Problems
    from accord.config.resolve_systems import resolve_systems

    gathered = gather(file, {**read_dotenv(file.parent / ".env"), **os.environ})
    systems = gathered.data.get("systems")
    body = systems.get(name) if isinstance(systems, dict) else None
    if not isinstance(body, dict) or body.get("connector") != "openapi" or not isinstance(body.get("spec"), str):
        raise UsageError(f"{name} is no system of `connector: openapi` with a `spec` in {file}")
    problems = Problems(gathered.places, gathered.raw, str(file))
    problems.found.extend(one for one in gathered.problems if one.path.startswith(f"systems.{name}."))
    bare = {key: value for key, value in body.items() if key not in ("spec", "datatypes")}
    found = resolve_systems({name: {**bare, "connector": "rest", "datatypes": {}}}, problems, file.absolute().parent)
    problems.stop()
    if "://" in body["spec"]:
        raise UsageError(f"systems.{name}.spec: name a file", hint=f"write `spec: {name}.openapi.json`")
    return found[name], file.absolute().parent / body["spec"]
