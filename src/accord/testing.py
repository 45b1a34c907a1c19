# ruff: noqa: S101  (tests assert)
"""For those who write a connector: give a harness, get the tests. Needs pytest.

    class TestMyConnector(ConnectorSuite):
        @contextmanager
        def make(self):
            with my_server() as server:
                yield Harness(
                    connector=MyConnector(system_of(server)),
                    datatype="task",
                    text="name",
                    unmapped="notes",
                    insert=server.insert, edit=server.edit, delete=server.delete, get=server.get,
                )

Each test opens the connector in an event loop of its own, on a datatype without records. What the connector's
capabilities do not promise is skipped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from decimal import Decimal
from typing import TypeVar

import pytest

from accord.connectors.harness import Harness, ground
from accord.model import ABSENT, Absence, Native, Outcome, OutcomeKind, Record
from accord.ports import NewRecord

__all__ = ["ConnectorSuite", "Harness", "ground"]
T = TypeVar("T")
HOSTILE = 'Robert\'); DROP TABLE task;-- "q" <b>&amp; {} %s :x =1+1 ünï 🙂'


class ConnectorSuite:
    """Subclass it in a test module and give `make`. One test for each clause of `accord.ports.Connector`."""

    def make(self) -> AbstractContextManager[Harness]:
        """A harness on a datatype without records."""
        raise NotImplementedError

    def run(self, test: Callable[[Harness], Awaitable[T]]) -> T:
        """Run one test in a new event loop, between `open` and `close`."""
        with self.make() as harness:
            return asyncio.run(_between(harness, test))

    def test_a_complete_listing_shows_each_record_once(self) -> None:
        """Whatever the pages are, every record is on exactly one, and the last page says that this was all."""

        async def test(h: Harness) -> None:
            ids = [await h.inserted(number) for number in range(25)]
            records, pages = await h.listed()
            assert sorted(record.id for record in records) == sorted(ids)
            assert [page.complete for page in pages] == [False] * (len(pages) - 1) + [True]

        self.run(test)

    def test_an_empty_datatype_is_listed_completely(self) -> None:
        """No records is an answer too."""

        async def test(h: Harness) -> None:
            records, pages = await h.listed()
            assert records == []
            assert pages[-1].complete

        self.run(test)

    def test_an_ordered_listing_is_in_the_order_of_ids(self) -> None:
        """Numbers by value, text by the system's order; never an id twice."""

        async def test(h: Harness) -> None:
            if not h.can.ordered:
                pytest.skip("the listing has no order")
            ids = [await h.inserted(number) for number in range(12)]
            records, _ = await h.listed()
            assert [record.id for record in records] == ids

        self.run(test)

    def test_an_incremental_reading_shows_what_changed_since(self) -> None:
        """An edited and a new record are shown, and the listing does not claim to be complete."""

        async def test(h: Harness) -> None:
            _need(h.can.changed_since, "changed since")
            old = await h.inserted(1)
            _, pages = await h.listed()
            await h.person(h.edit(old, {h.text: "edited"}))
            new = await h.inserted(2)
            records, changed = await h.listed(pages[-1].cursor)
            assert {old, new} <= {record.id for record in records}
            assert not any(page.complete for page in changed)

        self.run(test)

    def test_nothing_saved_in_the_same_second_is_missed(self) -> None:
        """Edits right after a reading are in the next one, though their time may be the same."""

        async def test(h: Harness) -> None:
            _need(h.can.changed_since, "changed since")
            id = await h.inserted()
            _, pages = await h.listed()
            for number in range(5):
                await h.person(h.edit(id, {h.text: f"edit {number}"}))
                records, pages = await h.listed(pages[-1].cursor)
                assert [record.natives()[h.text] for record in records if record.id == id] == [f"edit {number}"]

        self.run(test)

    def test_fetch_answers_every_id(self) -> None:
        """Also those that the system never had, or cannot even have."""

        async def test(h: Harness) -> None:
            id = await h.inserted()
            asked = [id, "999999", "no such/id ?&"]
            found = await h.connector.fetch(h.datatype, asked)
            assert set(found) == set(asked)
            assert isinstance(found[id], Record)
            assert found["999999"] is Absence.GONE
            assert found["no such/id ?&"] is Absence.GONE

        self.run(test)

    def test_a_record_that_a_person_deleted_is_gone(self) -> None:
        """Absence is confirmed by asking for the id."""

        async def test(h: Harness) -> None:
            id, kept = await h.inserted(1), await h.inserted(2)
            await h.person(h.delete(id))
            found = await h.connector.fetch(h.datatype, [id, kept])
            assert isinstance(found[kept], Record)
            assert isinstance(found[id], Record) if h.soft else found[id] is Absence.GONE

        self.run(test)

    def test_content_holds_the_mapped_paths_in_their_order(self) -> None:
        """So that equal records have equal fingerprints."""

        async def test(h: Harness) -> None:
            id = await h.inserted()
            records, _ = await h.listed()
            assert tuple(records[0].natives()) == h.paths
            assert (await h.shown(id)).content == records[0].content

        self.run(test)

    def test_a_create_gives_the_stored_record(self) -> None:
        """With its id and version, as a point read shows it."""

        async def test(h: Harness) -> None:
            outcome = await h.created(7)
            assert outcome.kind is OutcomeKind.APPLIED, outcome.message
            assert outcome.record is not None
            assert outcome.record == await h.shown(outcome.record.id)
            assert (await h.stored(outcome.record.id))[h.text] == "Record 7"

        self.run(test)

    def test_the_same_token_twice_makes_no_second_record(self) -> None:
        """Where creates are idempotent."""

        async def test(h: Harness) -> None:
            _need(h.can.idempotent_create, "idempotent creates")
            first, second = await h.created(1, "same"), await h.created(1, "same")
            assert second.kind is OutcomeKind.ALREADY
            assert first.record is not None
            assert second.record is not None
            assert second.record.id == first.record.id
            assert len((await h.listed())[0]) == 1

        self.run(test)

    def test_a_create_is_found_by_our_own_key(self) -> None:
        """Where a property carries it."""

        async def test(h: Harness) -> None:
            key = h.connector.system.datatypes[h.datatype].key_property
            if key is None or not h.can.own_key:
                pytest.skip("no own key")
            await h.created(1, "one")
            second = await h.created(2, "two")
            found = await h.connector.find(h.datatype, {key: "two"})
            assert second.record is not None
            assert [record.id for record in found] == [second.record.id]
            assert await h.connector.find(h.datatype, {key: "three"}) == []

        self.run(test)

    def test_records_are_found_by_their_values(self) -> None:
        """By equality, and only those."""

        async def test(h: Harness) -> None:
            if h.text not in h.can.find:
                pytest.skip("no search")
            await h.inserted(1)
            id = await h.inserted(2)
            found = await h.connector.find(h.datatype, {h.text: "Record 2"})
            assert [record.id for record in found] == [id]
            assert await h.connector.find(h.datatype, {h.text: "Record 2' OR 1=1"}) == []

        self.run(test)

    def test_an_update_changes_only_what_it_names(self) -> None:
        """The unmapped property stays as it is, also where the system replaces whole records."""

        async def test(h: Harness) -> None:
            id = await h.inserted(3)
            before = await h.stored(id)
            outcome = await h.updated(id, {h.text: "changed"}, ground(await h.shown(id)))
            assert outcome.kind is OutcomeKind.APPLIED, outcome.message
            after = await h.stored(id)
            assert after[h.text] == "changed"
            assert after[h.unmapped] == before[h.unmapped] == "note 3"
            assert [after[path] for path in h.paths if path != h.text] == [
                before[path] for path in h.paths if path != h.text
            ]

        self.run(test)

    def test_what_an_update_returned_is_the_ground_of_the_next(self) -> None:
        """The answer holds the version and values after the write."""

        async def test(h: Harness) -> None:
            id = await h.inserted()
            expects = ground(await h.shown(id))
            for text in ("first", "second", "third"):
                outcome = await h.updated(id, {h.text: text}, expects)
                assert outcome.kind is OutcomeKind.APPLIED, outcome.message
                record = outcome.record or await h.shown(id)
                assert record == await h.shown(id)
                expects = ground(record)

        self.run(test)

    def test_a_stale_update_is_refused(self) -> None:
        """A person was faster: the value that they typed stays."""

        async def test(h: Harness) -> None:
            id = await h.inserted()
            seen = await h.shown(id)
            await h.person(h.edit(id, {h.text: "a person's"}))
            outcome = await h.updated(id, {h.text: "ours"}, ground(seen))
            assert outcome.kind is OutcomeKind.STALE
            assert (await h.stored(id))[h.text] == "a person's"

        self.run(test)

    def test_a_stale_delete_is_refused(self) -> None:
        """What somebody has just edited is not deleted."""

        async def test(h: Harness) -> None:
            id = await h.inserted()
            seen = await h.shown(id)
            await h.person(h.edit(id, {h.text: "a person's"}))
            assert (await h.connector.delete(h.datatype, id, ground(seen))).kind is OutcomeKind.STALE
            assert (await h.stored(id))[h.text] == "a person's"

        self.run(test)

    def test_a_delete_happens_once(self) -> None:
        """The second finds the record gone, and says so."""

        async def test(h: Harness) -> None:
            id, kept = await h.inserted(1), await h.inserted(2)
            seen = await h.shown(id)
            assert (await h.connector.delete(h.datatype, id, ground(seen))).kind is OutcomeKind.APPLIED
            assert (await h.connector.delete(h.datatype, id, ground(seen))).kind is OutcomeKind.ALREADY
            assert [record.id for record in (await h.listed())[0]] == [kept]

        self.run(test)

    def test_an_update_of_a_record_that_is_gone_is_stale(self) -> None:
        """It never makes a record."""

        async def test(h: Harness) -> None:
            id = await h.inserted()
            seen = await h.shown(id)
            await h.person(h.delete(id))
            for lost in (id, "999999"):
                assert (await h.updated(lost, {h.text: "x"}, ground(seen))).kind is OutcomeKind.STALE
            assert (await h.listed())[0] == []

        self.run(test)

    def test_decimals_keep_their_digits(self) -> None:
        """No float comes between."""

        async def test(h: Harness) -> None:
            if h.decimal is None:
                pytest.skip("no decimal property")
            for number, text in enumerate(("0.10", "1234567.89", "-0.01", "1000000000.05")):
                outcome = await h.created(number, decimal=Decimal(text))
                assert outcome.record is not None, outcome.message
                value = outcome.record.natives()[h.decimal]
                assert not isinstance(value, float)
                assert Decimal(str(value)) == Decimal(text)

        self.run(test)

    def test_null_and_empty_stay_apart(self) -> None:
        """As far as the system can."""

        async def test(h: Harness) -> None:
            written: tuple[tuple[bool, Native], ...] = ((h.keeps_empty, ""), (h.keeps_null, None))
            for kept, value in written:
                if not kept:
                    continue
                id = await h.inserted(1 if value is None else 2)
                outcome = await h.updated(id, {h.text: value}, ground(await h.shown(id)))
                assert outcome.kind is OutcomeKind.APPLIED, outcome.message
                assert (await h.shown(id)).natives().get(h.text, ABSENT) == value
                again = await h.updated(id, {h.text: "filled"}, ground(await h.shown(id)))
                assert again.kind is OutcomeKind.APPLIED, again.message

        self.run(test)

    def test_hostile_text_is_carried_verbatim(self) -> None:
        """As a value it is only a value."""

        async def test(h: Harness) -> None:
            outcome = await h.created(1, text=HOSTILE)
            assert outcome.record is not None, outcome.message
            id = outcome.record.id
            assert (await h.stored(id))[h.text] == HOSTILE
            again = await h.updated(id, {h.text: HOSTILE + "!"}, ground(outcome.record))
            assert again.kind is OutcomeKind.APPLIED, again.message
            assert (await h.shown(id)).natives()[h.text] == HOSTILE + "!"

        self.run(test)

    def test_a_rejected_record_fails_alone(self) -> None:
        """The others of its batch are made, and the message says why this one was not."""

        async def test(h: Harness) -> None:
            if h.unique is None:
                pytest.skip("no unique property")
            taken = await h.inserted(2)
            new = [NewRecord(natives=h.values(number), token=f"token-{number}") for number in (1, 2, 3)]
            size = h.can.batch
            outcomes: list[Outcome] = []
            for start in range(0, len(new), size):
                outcomes += await h.connector.create(h.datatype, new[start : start + size])
            rejected = outcomes[1]
            assert [outcome.done for outcome in outcomes] == [True, False, True]
            assert rejected.kind is OutcomeKind.REJECTED
            assert rejected.message
            assert rejected.conflicting in (None, taken)
            assert len((await h.listed())[0]) == 3

        self.run(test)

    def test_requests_are_counted(self) -> None:
        """Each reading and each write costs at least one."""

        async def test(h: Harness) -> None:
            counts = [h.connector.requests]
            id = await h.inserted()
            await h.listed()
            counts.append(h.connector.requests)
            seen = await h.shown(id)
            counts.append(h.connector.requests)
            await h.updated(id, {h.text: "x"}, ground(seen))
            counts.append(h.connector.requests)
            assert counts == sorted(set(counts))

        self.run(test)


async def _between(harness: Harness, test: Callable[[Harness], Awaitable[T]]) -> T:
    async with harness.around or nullcontext():
        await harness.connector.open({harness.datatype: harness.paths})
        try:
            return await test(harness)
        finally:
            await harness.connector.close()


def _need(promised: bool, what: str) -> None:
    if not promised:
        pytest.skip(f"no {what}")
