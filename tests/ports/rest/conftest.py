"""Coroutine tests run in a loop of their own, with the fake server started."""

import asyncio
import inspect

import pytest

from .fake import Fake


@pytest.fixture
def fake() -> Fake:
    return Fake()


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    test = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(test).parameters}

    async def run() -> None:
        server = arguments.get("fake")
        if server is None:
            await test(**arguments)
            return
        async with server:
            await asyncio.wait_for(test(**arguments), 60)

    asyncio.run(run())
    return True
