"""A system that is called by JSON-RPC or XML-RPC: the connector `rest` over a client that makes calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from accord.config.meaning import Datatype, VersionCheck
from accord.connectors.rest.client import Client
from accord.connectors.rest.connector import RestConnector
from accord.connectors.rest.options import DatatypeOptions, Paginator
from accord.connectors.rpc.client import VERSION, RpcClient
from accord.connectors.rpc.options import WRITES, as_rest, read_rpc
from accord.model import Natives, Record, json_text
from accord.ports import Capabilities


class RpcConnector(RestConnector):
    """One system that is called by method and parameters."""

    def _read(self, datatype: Datatype) -> DatatypeOptions:
        return as_rest(datatype)

    def _reached(self) -> Client:
        self._rpc = RpcClient(self.system, read_rpc(self.system))
        return self._rpc

    def _described(self, name: str) -> Datatype:
        """The version of a write goes to the client beside the record, and from there into `{version}`."""
        datatype = self.system.datatypes[name]
        if datatype.version is None:
            return datatype
        return replace(datatype, version=VersionCheck(kind="path", path=datatype.version.path, header=VERSION))

    async def open(self, paths: Mapping[str, Sequence[str]]) -> None:
        """See `Connector`. `{fields}` are these paths, and what is needed to know a record again."""
        await super().open(paths)
        self._rpc.reading({name: self._fields(one, paths.get(name, ())) for name, one in self.system.datatypes.items()})

    @staticmethod
    def _fields(datatype: Datatype, paths: Sequence[str]) -> list[str]:
        version = datatype.version.path if datatype.version is not None else None
        paths = paths or [path for path, one in datatype.properties.items() if not one.parts]  # to discover
        return list(dict.fromkeys(filter(None, (datatype.id, *paths, datatype.modified, version))))

    def capabilities(self, datatype: str) -> Capabilities:
        """See `Connector`. A datatype that no call writes is read only."""
        found = super().capabilities(datatype)
        writes = any(kind in self.system.datatypes[datatype].options for kind in WRITES)
        return replace(found, read_only=found.read_only or not writes)

    async def find(self, datatype: str, by: Natives) -> list[Record]:
        """Search records by one property, and compare all; where the system cannot, its whole listing is filtered."""
        calls = self._for(datatype)
        search = calls.options.find
        listing = replace(calls.options.listing, deleted_feed=None)
        extra = {"also": "\n".join(by)}
        if search is not None:
            for path, value in by.items():
                if path in search.by and value is not None and not isinstance(value, list | dict):
                    said = self.system.datatypes[datatype].options["find"]
                    listing = replace(
                        listing,
                        path=search.path,
                        records=said.get("records"),
                        paginator=Paginator(kind="single"),
                    )
                    extra |= {"property": path, "value": json_text(value)}
                    break
        return await calls.lister.search(calls.shape, listing, extra, by)
