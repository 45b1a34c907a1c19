"""The client of the REST connector, which asks one address: each call becomes an operation with its variables.

The parts behind it name a call by an address below the endpoint, `…/issue/update/42`. That address is never contacted.
Values go by variables only; the text of an operation is that of the project file, whatever the values are.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from accord.config.meaning import System
from accord.connectors.graphql.answers import translated
from accord.connectors.graphql.options import TOKEN, Asked, GraphqlOptions
from accord.connectors.paths import get_path, set_path
from accord.connectors.rest.answers import Answer, decode
from accord.connectors.rest.client import Client
from accord.connectors.rest.options import RestOptions
from accord.model import ABSENT
from accord.values.numbers import plain_text

ACCEPT = {"Accept": "application/graphql-response+json, application/json;q=0.9"}
_encode = msgspec.json.Encoder(decimal_format="number").encode


class GraphqlClient(Client):
    """Sends operations to one endpoint."""

    def __init__(self, system: System, options: RestOptions, datatypes: Mapping[str, GraphqlOptions]) -> None:
        super().__init__(system, options)
        self.endpoint = self._base
        self._datatypes = datatypes
        self.scalars: dict[tuple[str, str], Mapping[str, str]] = {}
        """(datatype, operation) → path of a variable → name of its scalar, as far as the system has told."""

    async def attempt(
        self, method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One operation. Raises NotSent or Lost; Unfit for a page that cannot be followed."""
        place, _, query = url.removeprefix(self.endpoint).partition("?")
        if not place.strip("/"):
            return await super().attempt("POST", url, body, headers)
        asked, id = self._asked(place)
        variables = self._variables(asked, id, query, body, headers or {})
        content = _encode({"query": asked.operation.text, "variables": variables})
        answer = await super().attempt("POST", self.endpoint, content, ACCEPT)
        return translated(asked, answer, self._datatypes[asked.datatype].codes)

    def _asked(self, place: str) -> tuple[Asked, str | None]:
        parts = place.strip("/").split("/")
        datatype, name = unquote(parts[0]), parts[1]
        return self._datatypes[datatype].operations[name], unquote(parts[2]) if len(parts) > 2 else None

    def _variables(
        self, asked: Asked, id: str | None, query: str, body: bytes | None, headers: Mapping[str, str]
    ) -> dict[str, Any]:
        variables: dict[str, Any] = {}
        for name, value in asked.fixed.items():
            set_path(variables, str(name), value)
        for name, text in parse_qsl(query, keep_blank_values=True):
            variable = asked.version if asked.name == "delete" and name == asked.version_path else name
            if variable is not None:
                set_path(variables, variable, asked.typed(variable, text))
        if body is not None:
            self._fill(asked, variables, decode(body))
        if id is not None and asked.id is not None:
            set_path(variables, asked.id, asked.typed(asked.id, id))
        if asked.token is not None and TOKEN in headers:
            set_path(variables, asked.token, headers[TOKEN])
        known = self.scalars.get((asked.datatype, asked.name), {})
        numbers = self._datatypes[asked.datatype].numbers
        before = f"{asked.input}." if asked.input else ""
        binary = {path for path, scalar in known.items() if scalar in ("Float", "Int")} | {
            before + path for path in numbers if before + path not in known
        }
        exact: dict[str, Any] = _exact(variables, binary, "")
        return exact

    def _fill(self, asked: Asked, variables: dict[str, Any], values: dict[str, Any]) -> None:
        """The values of a write, and the version that it stands on, each where its variable is."""
        version = ABSENT
        if asked.name == "update" and asked.version is not None and asked.version_path is not None:
            version = _taken(values, asked.version_path)
        if asked.input:
            old = get_path(variables, asked.input)
            set_path(variables, asked.input, {**(old if isinstance(old, dict) else {}), **values})
        else:
            variables.update(values)
        if version is not ABSENT and asked.version is not None:
            set_path(variables, asked.version, version)


def _taken(values: dict[str, Any], path: str) -> Any:
    """The value at a path, which is taken out."""
    found = get_path(values, path)
    way = path.split(".")
    inner: Any = values
    for step in way[:-1]:
        inner = inner.get(step) if isinstance(inner, dict) else None
    if isinstance(inner, dict):
        inner.pop(way[-1], None)
    return found


def _exact(value: Any, binary: set[str], path: str) -> Any:
    """The same, with decimals as text: a server may read a JSON number as a binary float. Numbers for `Float`."""
    if isinstance(value, dict):
        return {name: _exact(part, binary, f"{path}.{name}".lstrip(".")) for name, part in value.items()}
    if isinstance(value, list):
        return [_exact(part, binary, path) for part in value]
    return plain_text(value) if isinstance(value, Decimal) and path not in binary else value
