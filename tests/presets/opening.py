"""A connector that is opened for one test."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from accord.config.meaning import System
from accord.connectors.registry import connect
from accord.ports import Connector


def opened(system: System, paths: Mapping[str, Sequence[str]], test: Callable[[Connector], Awaitable[Any]]) -> Any:
    """What a test says, with the connector of a system opened for these paths, and closed afterwards."""

    async def run() -> Any:
        connector = connect(system)
        await connector.open(paths)
        try:
            return await test(connector)
        finally:
            await connector.close()

    return asyncio.run(run())
