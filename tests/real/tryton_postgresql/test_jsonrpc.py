"""The preset `tryton-jsonrpc` on PostgreSQL: the suite, and what the version check is worth there."""

import asyncio
from pathlib import Path

import psycopg

from accord.connectors.registry import connect
from accord.model import OutcomeKind
from tests.real.tryton import test_jsonrpc_suite as suite
from tests.real.tryton.instance import Tryton
from tests.real.tryton.test_jsonrpc_habits import TOGETHER, creates, marks_left, party, writes_from_one_ground
from tests.real.tryton.test_jsonrpc_suite import system

AT_ONCE = {"concurrency": TOGETHER}


class TestTasks(suite.TestTasks):
    """As on SQLite."""


class TestParties(suite.TestParties):
    """As on SQLite."""


def test_twenty_writes_at_the_same_time_from_one_ground_are_done_once(tryton: Tryton, tmp_path: Path) -> None:
    """The check of Tryton holds between transactions: it repeats one that the database refused, check and all."""
    found = writes_from_one_ground(tryton, system(tryton, tmp_path, limits=AT_ONCE))
    assert found == {OutcomeKind.APPLIED: 1, OutcomeKind.STALE: TOGETHER - 1}


def test_twenty_at_the_same_time_that_add_to_one_text_lose_nothing(tryton: Tryton, tmp_path: Path) -> None:
    """Each mark is there."""
    assert marks_left(tryton, system(tryton, tmp_path, limits=AT_ONCE)) == {f"m{n}" for n in range(TOGETHER)}


def test_twenty_creates_at_the_same_time_are_all_made(tryton: Tryton, tmp_path: Path) -> None:
    """Each with a number of its own, so that the preset's one at a time is not needed here."""
    for datatype, more in (("party", {}), ("work", {"type": "task"})):
        found = creates(system(tryton, tmp_path, limits=AT_ONCE), datatype, more)
        assert set(found) == {OutcomeKind.APPLIED}


def test_what_is_committed_late_is_read_with_the_changes(tryton: Tryton, postgresql: str, tmp_path: Path) -> None:
    """Its time is that of the beginning of its transaction, and so before the mark of a reading in between."""
    early, late = party(tryton), party(tryton)

    async def work() -> tuple[list[str], list[str]]:
        connector = connect(system(tryton, tmp_path))
        await connector.open({"party": ["name"]})
        try:
            pages = [page async for page in connector.read("party", None)]
            with psycopg.connect(postgresql) as slow:
                slow.execute("UPDATE party_party SET name = 'Late', write_date = now() WHERE id = %s", (late,))
                tryton.result("party.party.write", [int(early)], {"name": "Early"})
                between = [page async for page in connector.read("party", pages[-1].cursor)]
            after = [page async for page in connector.read("party", between[-1].cursor)]
        finally:
            await connector.close()
        names = [[record.natives()["name"] for page in pages for record in page.records] for pages in (between, after)]
        return names[0], names[1]

    between, after = asyncio.run(work())
    assert ("Early" in between, "Late" in between, "Late" in after) == (True, False, True)


def test_truth_is_true(tryton: Tryton) -> None:
    """And not 1, as on SQLite."""
    (seen,) = tryton.result("party.party.read", [int(party(tryton))], ["active"])
    assert seen["active"] is True
