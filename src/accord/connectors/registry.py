"""Which connector serves a system: those that ship with Accord, and those that others give by entry point."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from accord.config.meaning import System
from accord.connectors.adapter import adapted
from accord.errors import MendFile
from accord.ports import Connector

GROUP = "accord.connectors"
SHIPPED = {
    "rest": "accord.connectors.rest.connector:RestConnector",
    "jsonrpc": "accord.connectors.rpc.connector:RpcConnector",
    "openapi": "accord.connectors.rest.openapi:OpenapiConnector",
    "sql": "accord.connectors.sql:SqlConnector",
    "file": "accord.connectors.file:FileConnector",
    "caldav": "accord.connectors.caldav.connector:CaldavConnector",
    "memory": "accord.connectors.memory:MemoryConnector",
}

EXTRAS = {"icalendar": "caldav", "defusedxml": "caldav"}
"""Packages that connectors need as a whole, and the extra that brings them."""


def connect(system: System) -> Connector:
    """The connector of a system, not yet opened. Raises MendFile for a name that nobody serves."""
    connector: Connector = adapted(system, _factory(system)(system))
    return connector


def names() -> list[str]:
    """Every connector that is installed, sorted."""
    return sorted({*SHIPPED, *(found.name for found in entry_points(group=GROUP))})


def _factory(system: System) -> Any:
    name = system.connector
    if name in SHIPPED:
        return _shipped(system)
    found: list[EntryPoint] = list(entry_points(group=GROUP, name=name))
    if not found:
        close = get_close_matches(name, names(), n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"a package can add it by the entry point {GROUP}"
        raise MendFile(f"{system.name}: there is no connector {name!r}; there are {', '.join(names())}", hint=hint)
    return found[0].load()


def _shipped(system: System) -> Any:
    try:
        return _load(SHIPPED[system.connector])
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        said = f"{system.name}: connector {system.connector!r} needs the package {error.name}, which is not installed"
        raise MendFile(said, hint=f"pip install 'accord[{extra}]'") from None


def _load(place: str) -> Any:
    module, _, attribute = place.partition(":")
    return getattr(import_module(module), attribute)
