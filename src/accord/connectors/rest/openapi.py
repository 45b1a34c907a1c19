"""A REST system that has an OpenAPI document: what it tells of its properties is what the document says."""

from __future__ import annotations

from collections.abc import Mapping

from accord.connectors.rest.connector import RestConnector
from accord.ports import DatatypeSchema, PropertySchema


class OpenapiConnector(RestConnector):
    """As `rest`; the keys were derived when the file was loaded."""

    async def schema(self) -> Mapping[str, DatatypeSchema]:
        """What the document tells, with what the file says besides; of a datatype that it does not have, nothing."""
        found = {}
        for name in self.system.derived:
            properties = {
                path: PropertySchema(
                    path=path,
                    type=one.type,
                    required=one.required,
                    max_length=one.max_length,
                    values=one.values,
                    read_only=one.read_only,
                )
                for path, one in self.system.datatypes[name].properties.items()
            }
            heads = {path.partition(".")[0].removesuffix("[]") for path in properties}
            whole = {head: PropertySchema(path=head) for head in sorted(heads - set(properties))}
            found[name] = DatatypeSchema(name=name, properties={**properties, **whole})
        return found
