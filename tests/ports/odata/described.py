"""Systems with OData, as a project file describes them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from accord.config.load import load
from accord.config.meaning import System
from accord.connectors.registry import connect
from accord.model import Record
from accord.ports import Connector, Page
from tests.ports.odata.service import Service

PATHS = ("Id", "Code", "Name", "Price")


def described(url: str, folder: Path, datatypes: str) -> System:
    """The one system of a project file with this address and these datatypes."""
    file = folder / "accord.yaml"
    file.write_text(f"""\
accord: 1
systems:
  shop:
    connector: odata
    base_url: {url}
    limits: {{timeout: 5s, retries: 1, grace: 1s}}
    datatypes:
      {datatypes}
flows: {{}}
""")
    return load(file).systems["shop"]


@asynccontextmanager
async def opened(
    service: Service, folder: Path, datatype: str = "set: Orders, id: Id, version: etag", paths: Any = PATHS
) -> AsyncIterator[Connector]:
    """The running service, and a connector to it, opened for these paths."""
    connector = connect(described(service.url, folder, f"order: {{{datatype}}}"))
    async with service:
        await connector.open({"order": paths})
        try:
            yield connector
        finally:
            await connector.close()


async def listed(connector: Connector, cursor: Any = None) -> tuple[list[Record], list[Page]]:
    """All records of a reading, and its pages."""
    pages = [page async for page in connector.read("order", cursor)]
    return [record for page in pages for record in page.records], pages
