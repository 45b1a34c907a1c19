"""A REST system that has an OpenAPI document: what it tells of its properties is what the document says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from accord.config.meaning import Datatype, System
from accord.config.openapi.documents import Unusable
from accord.config.openapi.whole import refers_to, with_every_collection
from accord.connectors.rest.connector import RestConnector
from accord.errors import MendFile, SystemFailure
from accord.ports import DatatypeSchema, Discovered, PropertySchema

MOST_SAMPLED = 60
"""Where a document has more collections than that, only those of the project file are looked at."""


class OpenapiConnector(RestConnector):
    """As `rest`; the keys were derived when the file was loaded."""

    async def schema(self) -> Mapping[str, DatatypeSchema]:
        """What the document tells, with what the file says besides; of a datatype that it does not have, nothing."""
        found = {}
        for name in self.system.derived:
            properties = dict(_told(self.system, self.system.datatypes[name]))
            heads = {path.partition(".")[0].removesuffix("[]") for path in properties}
            whole = {head: PropertySchema(path=head) for head in sorted(heads - set(properties))}
            found[name] = DatatypeSchema(name=name, properties={**properties, **whole})
        return found

    async def discover(self, sample: int) -> Sequence[Discovered]:
        """Every collection of the document, with some of its records; of one that may not be read, none."""
        try:
            whole = with_every_collection(self.system)
        except Unusable as error:
            raise MendFile(f"systems.{self.system.name}.spec: {error.message}", hint=error.hint) from None
        every = RestConnector(whole)
        few = len(whole.datatypes) <= MOST_SAMPLED
        await every.open({})
        try:
            return [
                await _one(every, whole, datatype, sample, ours=name in self.system.datatypes, look=few)
                for name, datatype in whole.datatypes.items()
            ]
        finally:
            self.requests += every.requests
            await every.close()


async def _one(
    connector: RestConnector, system: System, datatype: Datatype, sample: int, *, ours: bool, look: bool
) -> Discovered:
    samples: Sequence[Mapping[str, object]] = ()
    if sample > 0 and (ours or look):
        try:
            samples = await connector.samples(datatype.name, sample)
        except SystemFailure:
            if ours:
                raise
    return Discovered(
        name=datatype.name,
        keys={"path": datatype.options.get("path"), "id": datatype.id, "modified": datatype.modified},
        properties=dict(_told(system, datatype)),
        samples=samples,
    )


def _told(system: System, datatype: Datatype) -> Iterator[tuple[str, PropertySchema]]:
    """What is known of each property of a datatype, with the datatype that it refers to."""
    known = [(name, one.id) for name, one in system.datatypes.items()]
    for path, one in datatype.properties.items():
        yield (
            path,
            PropertySchema(
                path=path,
                type=one.type,
                required=one.required,
                max_length=one.max_length,
                values=one.values,
                read_only=one.read_only,
                refers=refers_to(path, datatype.name, known) if path != datatype.id else None,
            ),
        )
