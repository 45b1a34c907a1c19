"""A GraphQL system behind the seam: the REST connector, with a client that speaks in operations."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import msgspec
from graphql import GraphQLSchema

from accord.config.meaning import Datatype, System
from accord.connectors.graphql.client import ACCEPT, GraphqlClient
from accord.connectors.graphql.introspect import (
    QUERY,
    faults,
    floats,
    properties,
    read_schema,
    scalars,
    type_name,
)
from accord.connectors.graphql.options import is_int, read_datatype
from accord.connectors.graphql.proposals import proposals
from accord.connectors.rest.answers import Answer, decode, message_in
from accord.connectors.rest.connector import RestConnector
from accord.connectors.rest.options import Errors, read_system
from accord.connectors.rest.reading import Reader, expect_success
from accord.errors import AccordError, ProtocolError, Unauthorized
from accord.model import Absence, Natives, Outcome, OutcomeKind, Record
from accord.ports import Capabilities, DatatypeSchema, Discovered, Expects, NewRecord

SCHEMA = msgspec.json.encode({"query": QUERY})


class GraphqlConnector(RestConnector):
    """One system with one GraphQL endpoint."""

    def __init__(self, system: System) -> None:
        """Raises MendFile when the options cannot be used."""
        self.system = system
        self._said = {name: read_datatype(datatype) for name, datatype in system.datatypes.items()}
        self._options = {name: said.calls for name, said in self._said.items()}
        self._graphql = GraphqlClient(system, read_system(system), self._said)
        self._client = self._graphql
        self._paths: Mapping[str, Sequence[str]] = {}
        self._calls = {}
        self._told: GraphQLSchema | None = None
        self._asking = asyncio.Lock()

    async def open(self, paths: Mapping[str, Sequence[str]]) -> None:
        """Get ready to read these properties. Connects lazily."""
        self._told = None
        self._asking = asyncio.Lock()
        self._graphql.scalars.clear()
        await super().open(paths)

    def capabilities(self, datatype: str) -> Capabilities:
        """What the system can do with a datatype, as its operations say."""
        found = super().capabilities(datatype)
        operations = self._said[datatype].operations
        update = operations.get("update")
        checked = update is not None and update.version is not None
        writes = any(asked.writes for asked in operations.values())
        return replace(found, version_check="version" if checked else None, read_only=found.read_only or not writes)

    async def fetch(self, datatype: str, ids: Sequence[str]) -> dict[str, Record | Absence]:
        """Read single records by id; what is no `Int` is no record where the id is one."""
        asked = [id for id in ids if self._may_be(datatype, "get", id)]
        found = await super().fetch(datatype, asked)
        return {id: found.get(id, Absence.GONE) for id in ids}

    async def create(self, datatype: str, new: Sequence[NewRecord]) -> list[Outcome]:
        """Create records, one outcome each, in order."""
        if "create" not in self._said[datatype].operations:
            return [_missing("create", datatype) for _ in new]
        await self._learn()
        return await super().create(datatype, new)

    async def update(self, datatype: str, id: str, patch: Natives, expects: Expects) -> Outcome:
        """Change only these properties of a record that is still as expected."""
        if "update" not in self._said[datatype].operations:
            return _missing("update", datatype)
        if not self._may_be(datatype, "update", id):
            return Outcome(kind=OutcomeKind.STALE, message="there can be no such record")
        await self._learn()
        return await super().update(datatype, id, patch, expects)

    async def delete(self, datatype: str, id: str, expects: Expects) -> Outcome:
        """Delete a record that is still as expected; already when it is gone."""
        asked = self._said[datatype].operations.get("delete")
        if asked is None:
            return _missing("delete", datatype)
        if not self._may_be(datatype, "delete", id):
            return Outcome(kind=OutcomeKind.ALREADY)
        if asked.version is None and expects.version is not None:
            # the mutation takes no version: the record is read and its version compared before
            seen = (await self.fetch(datatype, [id]))[id]
            if seen is Absence.GONE:
                return Outcome(kind=OutcomeKind.ALREADY)
            if not isinstance(seen, Record) or seen.version != expects.version:
                return Outcome(kind=OutcomeKind.STALE, message="the record has another version now")
        return await super().delete(datatype, id, expects)

    def _may_be(self, datatype: str, name: str, id: str) -> bool:
        asked = self._said[datatype].operations[name]
        return asked.declared.get(asked.id or "", "").rstrip("!") != "Int" or is_int(id)

    async def schema(self) -> Mapping[str, DatatypeSchema]:
        """What introspection tells of the datatypes; nothing where it is off."""
        schema = await self._learn()
        if schema is None:
            return {}
        return {
            name: DatatypeSchema(name=name, properties=properties(schema, self.system.datatypes[name], said))
            for name, said in self._said.items()
        }

    async def discover(self, sample: int) -> Sequence[Discovered]:
        """The datatypes of the file, and those that the schema lists beside them, with some records of each."""
        schema = await self._learn()
        found = [await self._sampled(one, schema, sample, {"id": one.id}) for one in self.system.datatypes.values()]
        if schema is None:
            return found
        known = {one for said in self._said.values() if (one := type_name(schema, said)) is not None}
        for datatype in proposals(schema, self.system.name, known):
            if datatype.name in self.system.datatypes:
                continue
            keys = {"id": datatype.id, "modified": datatype.modified, **datatype.options}
            self._said[datatype.name] = read_datatype(datatype)
            try:
                found.append(await self._sampled(datatype, schema, sample, keys))
            finally:
                del self._said[datatype.name]
        return found

    async def _sampled(
        self, datatype: Datatype, schema: GraphQLSchema | None, sample: int, keys: Mapping[str, Any]
    ) -> Discovered:
        said = self._said[datatype.name]
        told = properties(schema, datatype, said) if schema is not None else {}
        samples: list[Mapping[str, Any]] = []
        # what cannot be listed by us is told of all the same
        with suppress(ProtocolError, Unauthorized):
            if sample > 0:
                samples = await Reader(self._client, self.system, datatype, said.calls).some(sample)
        return Discovered(name=datatype.name, keys=keys, properties=told, samples=samples)

    async def check(self) -> list[tuple[str, bool, str]]:
        """For each datatype: whether its operations fit the schema, and its listing can be read."""
        try:
            schema = await self._learn()
        except AccordError as error:
            return [(name, False, error.message) for name in self.system.datatypes]
        return [await self._fitting(name, schema) for name in self.system.datatypes]

    async def _fitting(self, name: str, schema: GraphQLSchema | None) -> tuple[str, bool, str]:
        wrong = list(faults(schema, self._said[name])) if schema is not None else []
        if wrong:
            return name, False, "; ".join(wrong[:5])
        _, fits, said = await self._checked(name)
        if schema is None:
            return name, fits, f"{said}; its operations were not compared with a schema (introspection is off)"
        told = properties(schema, self.system.datatypes[name], self._said[name])
        binary = [path for path in floats(told) if path in self._paths.get(name, told)]
        if binary:
            said += f"; {', '.join(binary)}: a GraphQL Float is a binary float, which does not keep every decimal"
        return name, fits, said

    async def _learn(self) -> GraphQLSchema | None:
        """The schema, asked once; None where introspection is off. Raises SystemFailure."""
        if not self.system.options.get("introspection", True):
            return None
        async with self._asking:
            if self._told is None:
                client = self._graphql
                self._told = await client.get(
                    client.endpoint, self._schema_in, Errors(), method="POST", headers=ACCEPT, body=SCHEMA
                )
                for name, said in self._said.items():
                    for asked in said.operations.values():
                        client.scalars[(name, asked.name)] = scalars(self._told, asked)
            return self._told

    def _schema_in(self, answer: Answer) -> GraphQLSchema:
        if answer.status >= 500 or answer.status in (401, 403):
            expect_success(self._graphql, self._graphql.endpoint, answer)
        body = decode(answer.body)
        data = body.get("data") if isinstance(body, dict) else None
        if not isinstance(data, dict) or body.get("errors"):
            said = self._graphql.redact(message_in(body)) or f"status {answer.status}"
            raise ProtocolError(
                self.system.name,
                f"the schema cannot be asked for: {said}",
                hint="say `introspection: false` for this system where it is switched off",
            )
        return read_schema(data)


def _missing(name: str, datatype: str) -> Outcome:
    message = f"the project file has no `{name}` for {datatype}"
    return Outcome(kind=OutcomeKind.REJECTED, message=message)
