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
    "odata": "accord.connectors.odata.connector:ODataConnector",
    "graphql": "accord.connectors.graphql.connector:GraphqlConnector",
    "openapi": "accord.connectors.rest.openapi:OpenapiConnector",
    "sql": "accord.connectors.sql:SqlConnector",
    "file": "accord.connectors.file:FileConnector",
    "caldav": "accord.connectors.caldav.connector:CaldavConnector",
    "memory": "accord.connectors.memory:MemoryConnector",
}

EXTRAS = {"caldav": ("icalendar", "defusedxml"), "odata": ("defusedxml",), "graphql": ("graphql",)}
"""Connectors that need libraries as a whole: those come with an extra of the same name."""


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
    name = system.connector
    module, _, attribute = SHIPPED[name].partition(":")
    try:
        return getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in EXTRAS.get(name, ()):
            raise
        message = f"the connector {name!r} needs the extra `{name}`"
        raise MendFile(message, hint=f"pip install 'accord[{name}]'") from error
