"""What Directus was seen to do, and what Accord makes of it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from accord.connectors.registry import connect
from accord.model import Absence, OutcomeKind, Record
from accord.ports import Connector, Expects
from accord.testing import ground
from tests.presets.rounds import Rounds
from tests.real.directus.instance import Directus
from tests.real.directus.test_suite import system

Test = Callable[[Connector], Awaitable[Any]]


def using(directus: Directus, folder: Path, test: Test, name: str = "customers", **more: Any) -> Any:
    """Run a test with the connector opened for some fields of a collection."""

    async def run() -> Any:
        connector = connect(system(directus, folder, **{name: more}))
        await connector.open({name: ("name", "notes", "price", "active")})
        try:
            return await test(connector)
        finally:
            await connector.close()

    return asyncio.run(run())


async def shown(connector: Connector, id: str) -> Record:
    record = (await connector.fetch("customers", [id]))[id]
    assert isinstance(record, Record)
    return record


def test_an_item_that_is_not_there_is_a_403_and_in_a_filtered_list_it_is_missing(
    directus: Directus, tmp_path: Path
) -> None:
    """So the preset asks for a list of one: then a deletion is seen as one."""
    id = directus.insert("customers", {"name": "Ada"})
    directus.delete("customers", id)
    answer = directus("GET", f"/items/customers/{id}")
    assert (answer.status, answer.json["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")

    async def test(connector: Connector) -> Any:
        return (await connector.fetch("customers", [id]))[id]

    assert using(directus, tmp_path, test) is Absence.GONE


def test_a_write_of_an_item_that_is_not_there_is_answered_204(directus: Directus, tmp_path: Path) -> None:
    """Directus says the same of a delete. Accord reads first, and says stale, or already."""
    id = directus.insert("customers", {"name": "Ada"})

    async def test(connector: Connector) -> list[str]:
        seen = await shown(connector, id)
        directus.delete("customers", id)
        assert directus("PATCH", f"/items/customers/{id}", {"name": "x"}).status == 204
        assert directus("DELETE", f"/items/customers/{id}").status == 204
        update = await connector.update("customers", id, {"name": "Grace"}, ground(seen))
        return [update.kind.value, (await connector.delete("customers", id, ground(seen))).kind.value]

    assert using(directus, tmp_path, test) == ["stale", "already"]


def test_an_unknown_field_is_dropped_without_a_word(directus: Directus) -> None:
    """And the time of the last change moves, as it does for an empty update."""
    id = directus.insert("customers", {"name": "Ada"})
    times = [(directus.get("customers", id) or {})["date_updated"]]
    for body in ({"no_such_field": 1}, {}):
        assert directus("PATCH", f"/items/customers/{id}", body).status == 200
        times.append((directus.get("customers", id) or {})["date_updated"])
    assert times == sorted(set(times))


def test_null_and_empty_stay_apart_and_blanks_stay(directus: Directus, tmp_path: Path) -> None:
    """In text; a number that is no number is refused, and one with too many decimals is kept, on SQLite."""

    async def test(connector: Connector) -> list[Any]:
        found = []
        for text in (None, "", "  two  ", "line\r\nend\n"):
            id = directus.insert("customers", {"notes": text})
            found.append((await shown(connector, id)).natives()["notes"])
        id = directus.insert("customers", {"name": "Ada"})
        seen = await shown(connector, id)
        refused = await connector.update("customers", id, {"price": "many"}, ground(seen))
        return [*found, refused.kind]

    told = using(directus, tmp_path, test)
    assert told[:4] == [None, "", "  two  ", "line\r\nend\n"]
    assert told[4] in (OutcomeKind.REJECTED, OutcomeKind.APPLIED)


def test_truth_is_one_on_sqlite(directus: Directus, tmp_path: Path) -> None:
    """A row of type boolean takes it."""
    id = directus.insert("customers", {"active": True})

    async def test(connector: Connector) -> Any:
        return (await shown(connector, id)).natives()["active"]

    assert using(directus, tmp_path, test) == 1


def test_a_write_without_a_version_reads_first(directus: Directus, tmp_path: Path) -> None:
    """Directus has no version check: what a person edits between reading and writing is lost, elsewhere it is stale."""
    id = directus.insert("customers", {"name": "Ada"})

    async def test(connector: Connector) -> list[str]:
        seen = await shown(connector, id)
        directus.edit("customers", id, {"name": "a person's"})
        stale = await connector.update("customers", id, {"name": "ours"}, ground(seen))
        asked = connector.requests
        done = await connector.update("customers", id, {"name": "ours"}, Expects(natives={"name": "a person's"}))
        assert connector.requests - asked == 2
        return [stale.kind.value, done.kind.value]

    assert using(directus, tmp_path, test) == ["stale", "applied"]


def test_what_was_never_edited_has_no_time_of_change(directus: Directus, tmp_path: Path) -> None:
    """As Directus fills `date_updated` by itself. Everything is read until an item is edited; then, what is new too."""
    first = directus.insert("counted", {"name": "Ada"})

    async def test(connector: Connector) -> None:
        async def reading(cursor: Any) -> tuple[list[str], Any, bool]:
            pages = [page async for page in connector.read("counted", cursor)]
            ids = [record.id for page in pages for record in page.records]
            return ids, pages[-1].cursor, pages[-1].complete

        assert await reading(None) == ([first], None, True)
        directus.edit("counted", first, {"name": "Ada B."})
        _, mark, _ = await reading(None)
        second = directus.insert("counted", {"name": "Grace"})
        ids, _, complete = await reading(mark)
        assert (second in ids, complete) == (True, False)

    using(directus, tmp_path, test, "counted", modified="date_updated")


def test_a_value_that_must_be_unique_is_refused(directus: Directus, tmp_path: Path) -> None:
    """With the field's name."""
    directus.insert("customers", {"number": "1"})
    id = directus.insert("customers", {"number": "2"})

    async def test(connector: Connector) -> str:
        refused = await connector.update("customers", id, {"number": "1"}, Expects())
        assert refused.kind is OutcomeKind.REJECTED
        return refused.message or ""

    assert "number" in using(directus, tmp_path, test)


def test_items_go_both_ways(directus: Directus, tmp_path: Path) -> None:
    """Creates, edits on both sides and deletions on both, in rounds; what is not mapped stays."""
    said = {"connector": "directus", "base_url": directus.url, "auth": {"token": directus.token}}
    said["datatypes"] = {"customers": {"modified": "date_updated", "key_property": "accord_key"}}
    rows = [
        {"it": "name", "list": "name"},
        {"it": "due", "list": "due", "type": "date"},
        {"it": "price", "list": "price", "type": "decimal(2)"},
        {"it": "active", "list": "active", "type": "boolean"},
    ]
    flow = {"it": "customers", "on_delete": "propagate", "rows": rows}
    rounds = Rounds(tmp_path, said, flow, ["name", "due", "price", "active"])
    bo = {"id": "2", "name": "Bo"}
    ada = {"id": "1", "name": "Ada", "due": "2026-11-02", "price": "1.50", "active": "true"}
    rounds.write(ada, bo)
    rounds.accord("run")
    made = {item["name"]: item for item in directus("GET", "/items/customers").json["data"]}
    assert (made["Ada"]["due"], made["Ada"]["price"], made["Ada"]["active"]) == ("2026-11-02", 1.5, 1)

    directus.edit("customers", made["Ada"]["id"], {"price": 2.25, "notes": "not mapped"})
    rounds.write({**ada, "name": "Ada L."}, bo)
    rounds.accord("run")
    assert [row[:3] for row in rounds.values()] == [("Ada L.", "2026-11-02", "2.25"), ("Bo", "", "")]
    now = directus.get("customers", made["Ada"]["id"]) or {}
    assert (now["name"], now["notes"]) == ("Ada L.", "not mapped")

    directus.delete("customers", made["Ada"]["id"])
    rounds.accord("run", "--full")
    assert [row[0] for row in rounds.values()] == ["Bo"]
    rounds.write()
    rounds.accord("run", "--full")
    assert directus("GET", "/items/customers").json["data"] == []
