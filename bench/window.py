"""`python -m bench.window`: how long the window is in a system without version check, in which an edit is overwritten.

It is the time between the answer to the reading right before a write and the arrival of that write, as the server sees
them, beside the time of a bare request in the same run. The server is a process of its own on this machine; over a
network the round trip comes on top.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp
from aiohttp import web

from accord.config.load import load
from accord.connectors.registry import connect
from accord.ports import Connector, Expects

UPDATES = 2000
PROJECT = """
accord: 1
state: {folder}/accord.db
systems:
  one:
    connector: rest
    base_url: "{url}"
    limits: {{concurrency: {at_once}}}
    datatypes: {{customer: {{path: /customers}}}}
  two: {{connector: memory, instance: two, datatypes: {{customer: {{}}}}}}
flows:
  customer: {{one: customer, two: customer, link: create, rows: [{{one: name, two: name}}]}}
"""


def serve(pipe: Connection) -> None:
    """A server without version check that notes when it answered a reading and when the write came."""
    answered: dict[str, float] = {}
    windows: list[float] = []

    async def read(request: web.Request) -> web.Response:
        id = request.match_info["id"]
        answered[id] = time.perf_counter()
        return web.json_response({"id": id, "name": "old"})

    async def write(request: web.Request) -> web.Response:
        id = request.match_info["id"]
        windows.append(time.perf_counter() - answered[id])
        return web.json_response({"id": id, "name": (await request.json())["name"]})

    async def noted(request: web.Request) -> web.Response:
        taken = list(windows)
        windows.clear()
        return web.json_response(taken)

    async def main() -> None:
        app = web.Application()
        app.add_routes(
            [web.get("/noted", noted), web.get("/customers/{id}", read), web.patch("/customers/{id}", write)]
        )
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        pipe.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(main())


async def measure(url: str, at_once: int) -> tuple[list[float], list[float]]:
    """(window of each update, time of each bare request), seconds."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "accord.yaml"
        file.write_text(PROJECT.format(folder=folder, url=url, at_once=at_once))
        connector = connect(load(file).systems["one"])
        await connector.open({"customer": ["name"]})
        try:
            gate = asyncio.Semaphore(at_once)
            await asyncio.gather(*(_update(connector, gate, str(number)) for number in range(UPDATES)))
        finally:
            await connector.close()
    async with aiohttp.ClientSession() as session:
        bare = [await _bare(session, f"{url}/customers/0") for _ in range(UPDATES)]
        async with session.get(f"{url}/noted") as answer:
            return await answer.json(), bare


async def _update(connector: Connector, gate: asyncio.Semaphore, id: str) -> None:
    natives: Mapping[str, str] = {"name": "old"}
    async with gate:
        outcome = await connector.update("customer", id, {"name": "new"}, Expects(natives=natives))
    assert outcome.done, outcome


async def _bare(session: aiohttp.ClientSession, url: str) -> float:
    begun = time.perf_counter()
    async with session.get(url) as answer:
        await answer.read()
    return time.perf_counter() - begun


def main() -> None:
    """One line for each number of writes at a time."""
    mine, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{mine.recv()}"
    print(f"{'writes at once':>14} {'window ms':>10} {'99 %':>7} {'longest':>8}   {'bare ms':>8} {'ratio':>6}")
    for at_once in (1, 4, 32):
        windows, bare = asyncio.run(measure(url, at_once))
        ms, floor = sorted(value * 1000 for value in windows), statistics.median(bare) * 1000
        middle, high = statistics.median(ms), ms[int(len(ms) * 0.99)]
        print(f"{at_once:>14} {middle:>10.2f} {high:>7.2f} {ms[-1]:>8.2f}   {floor:>8.2f} {middle / floor:>6.1f}")
    server.terminate()


if __name__ == "__main__":
    main()
