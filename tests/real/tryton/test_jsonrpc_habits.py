"""What Tryton does over JSON-RPC, and what the preset makes of it; docs/how-to/connect-tryton.md says the same."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest

from accord.config.meaning import System
from accord.connectors.registry import connect
from accord.errors import Unauthorized
from accord.model import Absence, Outcome, OutcomeKind, Record
from accord.ports import Connector, Expects, NewRecord
from accord.testing import ground
from tests.real.server import send
from tests.real.tryton.instance import Tryton
from tests.real.tryton.test_jsonrpc_suite import system

pytestmark = pytest.mark.xdist_group("tryton")
T = TypeVar("T")
TOGETHER = 20


@pytest.fixture(autouse=True)
def _emptied(tryton: Tryton) -> Iterator[None]:
    """Other tests begin with no task and no party."""
    yield
    tryton.empty()


def run(system: System, paths: dict[str, Sequence[str]], work: Callable[[Connector], Awaitable[T]]) -> T:
    """Some work with an open connector."""

    async def whole() -> T:
        connector = connect(system)
        await connector.open(paths)
        try:
            return await work(connector)
        finally:
            await connector.close()

    return asyncio.run(whole())


async def shown(connector: Connector, datatype: str, id: str) -> Record:
    found = (await connector.fetch(datatype, [id]))[id]
    assert isinstance(found, Record), found
    return found


def party(tryton: Tryton, **values: Any) -> str:
    return str(tryton.result("party.party.create", [{"name": "One", **values}])[0])


def test_what_tryton_answers_to_a_stale_write(tryton: Tryton) -> None:
    """A 200 with `ConcurrencyException`; without `_timestamp` the same write is done."""
    id = int(party(tryton))
    (seen,) = tryton.result("party.party.read", [id], ["_timestamp"])
    tryton.result("party.party.write", [id], {"name": "Two"})
    stale = {f"party.party,{id}": seen["_timestamp"]}
    for call in (("write", [id], {"name": "Three"}), ("delete", [id])):
        answer = tryton.rpc(f"party.party.{call[0]}", *call[1:], _timestamp=stale)
        assert (answer.status, answer.json["error"][0]) == (200, "ConcurrencyException")
    assert tryton.result("party.party.read", [id], ["name"])[0]["name"] == "Two"
    tryton.result("party.party.write", [id], {"name": "Three"})
    tryton.result("party.party.delete", [id])


def test_what_tryton_answers_to_those_that_are_wrong(tryton: Tryton) -> None:
    """Errors are a list in a 200; to delete what is not there succeeds; to a call with `jsonrpc` they are HTML."""
    missing = tryton.rpc("party.party.read", [999999], ["name"]).json["error"]
    assert missing == ["UserError", ['You are trying to read records "999999" of "Party" that don\'t exist.', "", None]]
    assert tryton.rpc("party.party.read", [1], ["nothing"]).json["error"] == ["'nothing'", ""]
    assert tryton.rpc("party.party.delete", [999999]).json["result"] is None
    assert tryton.rpc("party.party.nothing", []).status == 403
    call = {"jsonrpc": "2.0", "id": 1, "method": "model.party.party.read", "params": [[999999], ["name"], {}]}
    answer = send("POST", f"{tryton.url}/rpc/", call, tryton.session)
    assert (answer.status, answer.headers["content-type"].split(";")[0]) == (400, "text/html")
    wrong = {"Authorization": "Session YWRtaW46MTpubw=="}
    assert send("POST", f"{tryton.url}/rpc/", {**call}, wrong).status == 401


def test_twenty_writes_from_one_ground_are_done_once(tryton: Tryton, tmp_path: Path) -> None:
    """Nineteen are stale. On SQLite that takes the one write at a time of the preset: see the page."""
    assert writes_from_one_ground(tryton, system(tryton, tmp_path)) == {
        OutcomeKind.APPLIED: 1,
        OutcomeKind.STALE: TOGETHER - 1,
    }


def writes_from_one_ground(tryton: Tryton, described: System) -> Counter[OutcomeKind]:
    """How twenty writes end that all stand on one reading."""
    id = party(tryton)

    async def work(connector: Connector) -> list[Outcome]:
        expects = ground(await shown(connector, "party", id))
        writes = (connector.update("party", id, {"name": f"By {n}"}, expects) for n in range(TOGETHER))
        return await asyncio.gather(*writes)

    return Counter(outcome.kind for outcome in run(described, {"party": ["name"]}, work))


def test_twenty_that_add_to_one_text_lose_nothing(tryton: Tryton, tmp_path: Path) -> None:
    """With one write at a time."""
    assert marks_left(tryton, system(tryton, tmp_path)) == {f"m{n}" for n in range(TOGETHER)}


def marks_left(tryton: Tryton, described: System) -> set[str]:
    """Each of twenty reads, adds its mark, writes, and begins again where it was refused."""
    id = party(tryton, name="x")

    async def add(connector: Connector, mark: str) -> None:
        while True:
            record = await shown(connector, "party", id)
            name = f"{record.natives()['name']} {mark}"
            outcome = await connector.update("party", id, {"name": name}, ground(record))
            if outcome.kind is OutcomeKind.APPLIED:
                return
            assert outcome.kind is OutcomeKind.STALE, outcome

    async def work(connector: Connector) -> None:
        await asyncio.gather(*(add(connector, f"m{n}") for n in range(TOGETHER)))

    run(described, {"party": ["name"]}, work)
    (seen,) = tryton.result("party.party.read", [int(id)], ["name"])
    return set(seen["name"].split()[1:])


def test_creates_at_the_same_time_are_made_one_after_the_other(tryton: Tryton, tmp_path: Path) -> None:
    """Twenty parties and twenty tasks: none draws the number of another."""
    for datatype, natives in (("party", {}), ("work", {"type": "task"})):
        assert set(creates(system(tryton, tmp_path), datatype, natives)) == {OutcomeKind.APPLIED}


def test_more_creates_at_once_than_sqlite_bears_are_refused_and_never_doubled(tryton: Tryton, tmp_path: Path) -> None:
    """They draw the same number. As many records are there as were said to be made."""
    before = tryton.result("party.party.search_count", [])
    ends = creates(system(tryton, tmp_path, limits={"concurrency": TOGETHER}), "party", {})
    assert ends[OutcomeKind.APPLIED] + ends[OutcomeKind.REJECTED] == TOGETHER
    assert tryton.result("party.party.search_count", []) == before + ends[OutcomeKind.APPLIED]


def creates(described: System, datatype: str, natives: dict[str, Any]) -> Counter[OutcomeKind]:
    """How twenty creates end."""

    async def work(connector: Connector) -> list[Outcome]:
        new = [NewRecord(natives={**natives, "name": f"Made {n}"}, token=f"t{n}") for n in range(TOGETHER)]
        return [one for (one,) in await asyncio.gather(*(connector.create(datatype, [item]) for item in new))]

    return Counter(outcome.kind for outcome in run(described, {datatype: ["name"]}, work))


def test_a_session_that_ends_in_mid_run_is_renewed(tryton: Tryton, tmp_path: Path) -> None:
    """Tryton answers 401; one login for all that wait, and every call is made again."""
    id = party(tryton)

    async def work(connector: Connector) -> list[Outcome]:
        record = await shown(connector, "party", id)
        tryton.forget_sessions()
        before = connector.requests
        found = await asyncio.gather(*(shown(connector, "party", id) for _ in range(4)))
        assert (len(found), connector.requests - before) == (4, 9)  # 4 refused, 1 login, 4 again
        return [await connector.update("party", id, {"name": "Renewed"}, ground(record))]

    (outcome,) = run(system(tryton, tmp_path, limits={"concurrency": 4}), {"party": ["name"]}, work)
    assert outcome.kind is OutcomeKind.APPLIED


def test_a_wrong_password_is_said_and_not_shown(tryton: Tryton, tmp_path: Path) -> None:
    """By the first reading; the answer is a 401 of HTML."""
    wrong = {"username": "admin", "password": "not the password"}
    with pytest.raises(Unauthorized) as raised:
        run(system(tryton, tmp_path, auth=wrong), {"party": ["name"]}, lambda connector: shown(connector, "party", "1"))
    assert "not the password" not in str(raised.value)


RATE = {
    "id": "id",
    "version": "_timestamp",
    "list": {"method": "model.currency.currency.rate.search_read", "params": [[], 0, None, None, "{fields}", {}]},
    "get": {"method": "model.currency.currency.rate.read", "params": [["{id:int}"], "{fields}", {}]},
    "create": {"method": "model.currency.currency.rate.create", "params": [["{record}"], {}]},
    "update": {
        "method": "model.currency.currency.rate.write",
        "params": [["{id:int}"], "{record}", {"_timestamp": {"currency.currency.rate,{id}": "{version}"}}],
    },
    "properties": {"date": "date", "rate": "decimal(6)", "create_date": {"type": "datetime", "read_only": True}},
}


def test_dates_decimals_and_times_are_exact(tryton: Tryton, tmp_path: Path) -> None:
    """Typed JSON becomes ISO 8601 and decimals with their digits, and is written as such again."""
    (currency,) = tryton.result("currency.currency.search", [], 0, 1)
    values = {"currency": currency, "date": "2024-02-29", "rate": Decimal("12345.100000")}

    async def work(connector: Connector) -> tuple[Record | None, Record]:
        (made,) = await connector.create("rate", [NewRecord(natives=values, token="t")])
        assert made.record is not None, made
        outcome = await connector.update("rate", made.record.id, {"rate": Decimal("0.000001")}, ground(made.record))
        assert outcome.kind is OutcomeKind.APPLIED, outcome
        return made.record, await shown(connector, "rate", made.record.id)

    described = system(tryton, tmp_path, datatypes={"rate": RATE})
    made, changed = run(described, {"rate": ["date", "rate", "create_date"]}, work)
    assert made is not None
    assert b'"date":"2024-02-29","rate":12345.1' in made.content
    assert changed.natives()["rate"] == Decimal("0.000001")
    stored = tryton.result("currency.currency.rate.read", [int(made.id)], ["date", "rate", "create_date"])[0]
    assert stored["date"] == {"__class__": "date", "year": 2024, "month": 2, "day": 29}
    assert Decimal(stored["rate"]["decimal"]) == Decimal("0.000001")
    when = stored["create_date"]
    assert made.natives()["create_date"] == (
        f"{when['year']}-{when['month']:02}-{when['day']:02}T{when['hour']:02}:{when['minute']:02}:{when['second']:02}"
        f".{when['microsecond']:06}Z"
    )


def test_durations_keep_their_microseconds(tryton: Tryton, tmp_path: Path) -> None:
    """Read and written as ISO 8601; Tryton holds seconds with a fraction."""
    written = ("PT1H30M0.25S", "PT0.000001S", "PT9999H59M59.999999S")

    async def work(connector: Connector) -> list[Any]:
        new = [
            NewRecord(natives={"name": "T", "type": "task", "effort_duration": text}, token=text) for text in written
        ]
        outcomes = [(await connector.create("work", [item]))[0] for item in new]
        return [outcome.record.natives()["effort_duration"] if outcome.record else outcome for outcome in outcomes]

    assert run(system(tryton, tmp_path), {"work": ["effort_duration"]}, work) == list(written)


def test_what_cannot_be_written_is_refused_before_it_is_sent(tryton: Tryton, tmp_path: Path) -> None:
    """And what Tryton refuses is refused with its words; what it does not explain is unknown."""

    async def work(connector: Connector) -> list[Outcome]:
        tries: list[dict[str, Any]] = [
            {"name": "T", "type": "task", "effort_duration": "three weeks"},
            {"name": "T", "type": "task", "parent": 999999},
            {"name": "T", "type": "task", "no_such_field": 1},
        ]
        new = [NewRecord(natives=values, token="t") for values in tries]
        return [(await connector.create("work", [item]))[0] for item in new]

    unfit, refused, odd = run(system(tryton, tmp_path), {"work": ["name"]}, work)
    assert (unfit.kind, "effort_duration" in (unfit.message or "")) == (OutcomeKind.REJECTED, True)
    assert refused.kind in (OutcomeKind.REJECTED, OutcomeKind.UNKNOWN), refused
    assert odd.kind is OutcomeKind.UNKNOWN


def test_what_is_inactive_is_listed_and_another_model_is_not_taken_for_gone(tryton: Tryton, tmp_path: Path) -> None:
    """`active_test` is false in every call."""
    id = party(tryton)
    tryton.result("party.party.write", [int(id)], {"active": False})

    async def work(connector: Connector) -> tuple[list[str], Any, Any]:
        listed = [record.id async for page in connector.read("party", None) for record in page.records]
        found = await connector.fetch("party", [id, "999999"])
        expects = Expects(version=found[id].version) if isinstance(found[id], Record) else Expects()
        return listed, found["999999"], (await connector.delete("party", id, expects)).kind

    listed, missing, deleted = run(system(tryton, tmp_path), {"party": ["name"]}, work)
    assert id in listed
    assert (missing, deleted) == (Absence.GONE, OutcomeKind.APPLIED)
