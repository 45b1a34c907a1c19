"""What tasks in a real CalDAV server do, and what the connector makes of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from accord.connectors.registry import connect
from accord.model import Absence, OutcomeKind, Record
from accord.ports import Connector, CursorExpired, Discovers, Expects, NewRecord, Page
from accord.testing import ground
from tests.end_to_end.proxy import Proxy
from tests.real.caldav.conftest import Radicale
from tests.real.caldav.test_suite import described

pytestmark = pytest.mark.xdist_group("radicale")
PATHS = ("summary", "due", "due.date", "dtstart", "status", "percent-complete", "categories", "parent", "x-points")
EVENT = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//a person//another program//EN\r
BEGIN:VEVENT\r
UID:event\r
DTSTAMP:20260101T120000Z\r
DTSTART:20260102T120000Z\r
SUMMARY:A meeting\r
END:VEVENT\r
END:VCALENDAR\r
"""
TASK = EVENT.replace("VEVENT", "VTODO")


def task(uid: str, *lines: str) -> str:
    """A calendar object as a person's program stores it."""
    more = "".join(f"{line}\r\n" for line in lines)
    return TASK.replace("UID:event", f"UID:{uid}").replace("DTSTART:20260102T120000Z\r\nSUMMARY:A meeting\r\n", more)


@asynccontextmanager
async def opened(
    radicale: Radicale, folder: Path, paths: Sequence[str] = PATHS, datatype: str | None = None
) -> AsyncIterator[Connector]:
    connector = connect(described(radicale, folder, datatype))
    await connector.open({"task": paths})
    try:
        yield connector
    finally:
        await connector.close()


def run(
    radicale: Radicale,
    folder: Path,
    test: Callable[[Connector], Awaitable[None]],
    paths: Sequence[str] = PATHS,
    datatype: str | None = None,
) -> None:
    """One test with an open connector."""

    async def inside() -> None:
        async with opened(radicale, folder, paths, datatype) as connector:
            await test(connector)

    asyncio.run(inside())


async def shown(connector: Connector, id: str) -> Record:
    found = (await connector.fetch("task", [id]))[id]
    assert isinstance(found, Record), found
    return found


async def listed(connector: Connector, cursor: object = None) -> tuple[dict[str, Record], list[str], Page]:
    """Records by id, ids that are gone, and the last page."""
    pages = [page async for page in connector.read("task", cursor)]
    assert not [failure for page in pages for failure in page.failures]
    records = {record.id: record for page in pages for record in page.records}
    return records, [id for page in pages for id in page.deleted], pages[-1]


def test_what_nobody_here_maps_stays_as_it_is(radicale: Radicale, tmp_path: Path) -> None:
    """Alarms, properties of other programs, their parameters, a zone that the object describes: line by line."""
    zone = (
        "BEGIN:VTIMEZONE", "TZID:Home", "BEGIN:STANDARD", "DTSTART:19700101T000000", "TZOFFSETFROM:+0200",
        "TZOFFSETTO:+0300", "END:STANDARD", "END:VTIMEZONE",
    )  # fmt: skip
    lines = (
        "SUMMARY;LANGUAGE=nb:before", "DUE;TZID=Home:20261201T100000", "GEO:59.91;10.75", "X-APPLE-SORT-ORDER:12",
        "X-ODD;X-P=\"a:b,c\":text\\, escaped", "COMMENT:one", "COMMENT:two", "RELATED-TO;RELTYPE=SIBLING:other",
        "DESCRIPTION:" + "long ø " * 40 + "end",
        "BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:Reminder", "TRIGGER;RELATED=END:-PT15M", "SUMMARY:not me",
        "END:VALARM",
    )  # fmt: skip
    radicale.put("odd name.ics", task("u1", *lines).replace("BEGIN:VTODO", "\r\n".join((*zone, "BEGIN:VTODO"))))

    async def test(connector: Connector) -> None:
        before = set((radicale.text("odd name.ics") or "").split("\r\n"))
        record = await shown(connector, "odd name.ics")
        assert record.natives()["due"] == "2026-12-01T10:00:00+03:00"
        patch = {"summary": "after", "due": "2026-12-02T06:00:00Z", "categories": ["a,b", "c"]}
        done = await connector.update("task", record.id, patch, ground(record))
        assert done.kind is OutcomeKind.APPLIED, done.message
        after = set((radicale.text("odd name.ics") or "").split("\r\n"))
        assert before - after == {"SUMMARY;LANGUAGE=nb:before", "DUE;TZID=Home:20261201T100000", DTSTAMP}
        fresh = {line for line in after - before if not line.startswith(("DTSTAMP", "LAST-MODIFIED"))}
        assert fresh == {"SUMMARY;LANGUAGE=nb:after", "DUE;TZID=Home:20261202T090000", "CATEGORIES:a\\,b,c"}
        assert done.record == await shown(connector, record.id)

    run(radicale, tmp_path, test)


DTSTAMP = "DTSTAMP:20260101T120000Z"


def test_of_twenty_writes_on_the_same_ground_one_passes(radicale: Radicale, tmp_path: Path) -> None:
    """All from what was shown; If-Match lets exactly one through, and it is the one that says so."""

    async def test(connector: Connector) -> None:
        id = radicale.insert({"summary": "before"})
        seen = await shown(connector, id)
        texts = [f"writer {number}" for number in range(20)]
        outcomes = await asyncio.gather(
            *(connector.update("task", id, {"summary": text}, ground(seen)) for text in texts)
        )
        done = [text for text, outcome in zip(texts, outcomes, strict=True) if outcome.kind is OutcomeKind.APPLIED]
        assert sorted(outcome.kind.value for outcome in outcomes) == ["applied"] + ["stale"] * 19
        assert [(radicale.get(id) or {})["summary"]] == done

    run(radicale, tmp_path, test)


def test_twenty_updates_of_twenty_properties_lose_none(radicale: Radicale, tmp_path: Path) -> None:
    """Each writer reads again when it was refused: at the end every property is there."""
    names = [f"x-p{number}" for number in range(20)]

    async def test(connector: Connector) -> None:
        id = radicale.insert({"summary": "before"})

        async def write(name: str) -> None:
            while True:
                seen = await shown(connector, id)
                outcome = await connector.update("task", id, {name: f"of {name}"}, ground(seen))
                if outcome.kind is OutcomeKind.APPLIED:
                    return
                assert outcome.kind is OutcomeKind.STALE, outcome.message

        await asyncio.gather(*(write(name) for name in names))
        assert (await shown(connector, id)).natives() == {name: f"of {name}" for name in names}

    run(radicale, tmp_path, test, names)


@pytest.mark.parametrize(("below", "home"), [("", "ada"), ("/ada", "."), ("/ada/", "./")])
def test_a_home_may_be_the_address_itself(radicale: Radicale, tmp_path: Path, below: str, home: str) -> None:
    """Or a folder below it."""

    async def run() -> None:
        connector = connect(described(radicale, tmp_path, f"{{home: {home}}}", below))
        await connector.open({"task": ("summary",)})
        try:
            id = f"{radicale.calendar.rpartition('/')[2]}/{radicale.insert({'summary': 'x'})}"
            assert id in (await listed(connector))[0]
            assert (await shown(connector, id)).natives() == {"summary": "x"}
        finally:
            await connector.close()

    asyncio.run(run())


def test_a_create_with_the_key_of_a_task_that_is_there(radicale: Radicale, tmp_path: Path) -> None:
    """Under our name (If-None-Match), and under another name (no-uid-conflict): nothing is made, nothing changed."""

    async def test(connector: Connector) -> None:
        new = [NewRecord(natives={"summary": "ours"}, token="key-1")]
        (first,), (again,) = await connector.create("task", new), await connector.create("task", new)
        assert (first.kind, again.kind) == (OutcomeKind.APPLIED, OutcomeKind.ALREADY)
        assert first.record == again.record
        radicale.put("elsewhere.ics", task("key-2", "SUMMARY:a person's"))
        (other,) = await connector.create("task", [NewRecord(natives={"summary": "ours"}, token="key-2")])
        assert other.kind is OutcomeKind.ALREADY
        assert other.record is not None
        assert (other.record.id, other.record.natives()["summary"]) == ("elsewhere.ics", "a person's")
        assert len((await listed(connector))[0]) == 2
        found = await connector.find("task", {"uid": "key-2"})
        assert [record.id for record in found] == ["elsewhere.ics"]

    run(radicale, tmp_path, test)


def test_changes_and_deletions_are_told_by_the_sync_token(radicale: Radicale, tmp_path: Path) -> None:
    """Events in the same calendar are nobody's business, here as in the listing."""

    async def test(connector: Connector) -> None:
        kept, edited, gone = (radicale.insert({"summary": text}) for text in ("kept", "edited", "gone"))
        radicale.put("event.ics", EVENT)
        records, _, last = await listed(connector)
        assert set(records) == {kept, edited, gone}
        assert last.complete
        radicale.edit(edited, {"summary": "after"})
        radicale.delete(gone)
        new = radicale.insert({"summary": "new"})
        radicale.put("event.ics", EVENT.replace("A meeting", "Another"))
        records, deleted, changes = await listed(connector, last.cursor)
        assert {id: record.natives()["summary"] for id, record in records.items()} == {edited: "after", new: "new"}
        assert deleted == [gone]
        assert not changes.complete
        assert (await connector.fetch("task", [gone]))[gone] is Absence.GONE
        assert (await connector.fetch("task", ["event.ics"]))["event.ics"] is Absence.FAILED
        records, deleted, _ = await listed(connector, changes.cursor)
        assert (records, deleted) == ({}, [])

    run(radicale, tmp_path, test)


def test_a_token_that_is_not_known_any_more(radicale: Radicale, tmp_path: Path) -> None:
    """403 with `valid-sync-token` is told apart from a calendar that may not be read."""

    async def test(connector: Connector) -> None:
        radicale.insert({"summary": "x"})
        lost = {"tokens": {"": "http://radicale.org/ns/sync/" + "0" * 64}}
        with pytest.raises(CursorExpired):
            await listed(connector, lost)

    run(radicale, tmp_path, test)


def test_a_date_and_a_time_stay_what_they_are(radicale: Radicale, tmp_path: Path) -> None:
    """`due` is written as it is given, in the zone that was there; `due.date` moves the day and keeps the time."""

    async def test(connector: Connector) -> None:
        radicale.put("day.ics", task("day", "SUMMARY:x", "DUE;VALUE=DATE:20261201"))
        radicale.put("time.ics", task("time", "SUMMARY:x", "DUE;TZID=Europe/Oslo:20261201T100000"))
        radicale.put("float.ics", task("float", "SUMMARY:x", "DUE:20261201T100000"))
        radicale.put("lasts.ics", task("lasts", "DTSTART:20261201T100000Z", "DURATION:PT2H"))

        async def moved(id: str, patch: dict[str, str]) -> tuple[object, str]:
            record = await shown(connector, id)
            done = await connector.update("task", id, patch, ground(record))
            assert done.kind is OutcomeKind.APPLIED, done.message
            assert done.record is not None
            text = (radicale.text(id) or "").split("\r\n")
            return done.record.natives()["due"], next(line for line in text if line.startswith(("DUE", "DURATION")))

        assert await moved("day.ics", {"due": "2026-12-02"}) == ("2026-12-02", "DUE;VALUE=DATE:20261202")
        assert await moved("day.ics", {"due": "2026-12-02T08:00:00Z"}) == (
            "2026-12-02T08:00:00Z",
            "DUE:20261202T080000Z",
        )
        assert await moved("time.ics", {"due.date": "2026-07-02"}) == (
            "2026-07-02T10:00:00+02:00",
            "DUE;TZID=Europe/Oslo:20260702T100000",
        )
        assert await moved("float.ics", {"due": "2026-12-02T08:00:00Z"}) == (
            "2026-12-02T09:00:00",
            "DUE:20261202T090000",
        )
        assert (await shown(connector, "lasts.ics")).natives()["due"] == "2026-12-01T12:00:00Z"
        assert await moved("lasts.ics", {"due": "2026-12-01T13:00:00Z"}) == (
            "2026-12-01T13:00:00Z",
            "DUE:20261201T130000Z",
        )
        unlike = await connector.update("task", "lasts.ics", {"due": "2026-12-02"}, Expects())
        assert unlike.kind is OutcomeKind.REJECTED
        assert "due.date" in (unlike.message or "")

    run(radicale, tmp_path, test)


def test_a_parent_is_found_under_any_name(radicale: Radicale, tmp_path: Path) -> None:
    """RELATED-TO names a UID, which is not the name of the object; other relations stay."""

    async def test(connector: Connector) -> None:
        radicale.put("p.ics", task("uid-of-p", "SUMMARY:parent"))
        radicale.put("c.ics", task("c", "SUMMARY:child", "RELATED-TO:uid-of-p", "RELATED-TO;RELTYPE=CHILD:q"))
        radicale.put("lost.ics", task("lost", "SUMMARY:child", "RELATED-TO;RELTYPE=PARENT:nobody"))
        assert (await shown(connector, "c.ics")).natives()["parent"] == "p.ics"
        records, _, _ = await listed(connector)
        assert {id: record.natives()["parent"] for id, record in records.items()} == {
            "p.ics": None,
            "c.ics": "p.ics",
            "lost.ics": "nobody.ics",
        }
        for parent, line in (("lost.ics", "RELATED-TO:lost"), (None, None)):
            record = await shown(connector, "c.ics")
            done = await connector.update("task", "c.ics", {"parent": parent}, ground(record))
            assert done.record is not None, done.message
            assert done.record.natives()["parent"] == parent
            lines = [line for line in (radicale.text("c.ics") or "").split("\r\n") if line.startswith("RELATED-TO")]
            assert sorted(lines) == sorted(filter(None, ["RELATED-TO;RELTYPE=CHILD:q", line]))
        refused = await connector.update("task", "c.ics", {"parent": "not-there.ics"}, Expects())
        assert refused.kind is OutcomeKind.REJECTED

    run(radicale, tmp_path, test)


def test_a_home_is_all_its_calendars(radicale: Radicale, tmp_path: Path) -> None:
    """The calendar is a property; a calendar of events alone is left out; one that vanishes ends the cursor."""
    one, two = radicale.make("home-one", "VTODO"), radicale.make("home-two", "VTODO")
    radicale.make("home-events", "VEVENT")

    async def test(connector: Connector) -> None:
        radicale.calendar = one
        first = radicale.insert({"summary": "first"})
        radicale.calendar = two
        second = radicale.insert({"summary": "second"})
        records, _, last = await listed(connector)
        shown = {id: record.natives()["calendar"] for id, record in records.items() if id.startswith("home-")}
        assert shown == {f"home-one/{first}": "home-one", f"home-two/{second}": "home-two"}
        new = {"summary": "third", "calendar": "home-one"}
        (made,) = await connector.create("task", [NewRecord(natives=new, token="third")])
        assert made.record is not None, made.message
        assert made.record.id == "home-one/third.ics"
        (lost,) = await connector.create("task", [NewRecord(natives={"summary": "fourth"}, token="fourth")])
        assert lost.kind is OutcomeKind.REJECTED
        moved = await connector.update("task", made.record.id, {"calendar": "home-two"}, ground(made.record))
        assert moved.kind is OutcomeKind.REJECTED
        radicale.delete(second)
        records, deleted, _ = await listed(connector, last.cursor)
        assert set(records) == {"home-one/third.ics"}
        assert deleted == [f"home-two/{second}"]
        assert radicale("DELETE", f"{two}/").status == 200
        with pytest.raises(CursorExpired):
            await listed(connector, last.cursor)

    run(radicale, tmp_path, test, ("summary", "calendar"), "{home: /ada/}")


def test_a_broken_task_fails_alone(radicale: Radicale, tmp_path: Path) -> None:
    """A number that is none, where it is mapped; the others are listed."""

    async def test(connector: Connector) -> None:
        good = radicale.insert({"summary": "good"})
        radicale.put("bad.ics", task("bad", "SUMMARY:bad", "DUE;TZID=Nowhere/At-all:20261201T100000"))
        pages = [page async for page in connector.read("task", None)]
        assert [record.id for page in pages for record in page.records] == [good]
        ((id, message),) = [(failure.id, failure.message) for page in pages for failure in page.failures]
        assert id == "bad.ics"
        assert "Nowhere/At-all" in message

    run(radicale, tmp_path, test)


@pytest.mark.parametrize("lost", ["before", "after"])
def test_a_create_whose_answer_is_lost_makes_one_task(radicale: Radicale, tmp_path: Path, lost: str) -> None:
    """The connection breaks before or after the PUT; it is sent again, and the server knows the name."""
    proxy = Proxy({"dav": radicale.url})
    seen: list[int] = []

    def once(number: int, phase: str) -> bool:
        if phase != lost or seen:
            return True
        seen.append(number)
        return False

    async def test(connector: Connector) -> None:
        proxy.arm(once)
        (made,) = await connector.create("task", [NewRecord(natives={"summary": "once"}, token="only-key")])
        assert made.kind is (OutcomeKind.ALREADY if lost == "after" else OutcomeKind.APPLIED), made.message
        assert made.record is not None
        assert set((await listed(connector))[0]) == {made.record.id}

    def lost_put(number: int, phase: str) -> bool:
        return not (phase == "after" and number == 2)

    async def update(connector: Connector) -> None:
        id = radicale.insert({"summary": "before"})
        record = await shown(connector, id)
        proxy.arm(lost_put)
        outcome = await connector.update("task", id, {"summary": "ours"}, ground(record))
        assert outcome.kind is OutcomeKind.UNKNOWN, outcome
        assert (radicale.get(id) or {})["summary"] == "ours"

    try:
        direct, radicale.url = radicale.url, proxy.urls["dav"]
        run(radicale, tmp_path, test)
        run(radicale, tmp_path, update)
    finally:
        radicale.url = direct
        proxy.close()


def test_letters_that_some_programs_take_for_line_ends(radicale: Radicale, tmp_path: Path) -> None:
    """They come back as they were written, or the write says what became of them."""
    text = "a\u2028b\u2029c\u200bd\ufeffe\tf\u00a0g 👩‍👩‍👧 \\n \\, ; : \" ' %0A"

    async def test(connector: Connector) -> None:
        (made,) = await connector.create("task", [NewRecord(natives={"summary": text}, token="k")])
        assert made.record is not None, made.message
        assert made.record.natives()["summary"] == text
        assert made.record == await shown(connector, made.record.id)

    run(radicale, tmp_path, test)


def test_calendars_are_discovered(radicale: Radicale, tmp_path: Path) -> None:
    """With what RFC 5545 says of a task, and samples; an address that is no calendar is said to be none."""
    radicale.insert({"summary": "x", "priority": 5})

    async def test(connector: Connector) -> None:
        assert isinstance(connector, Discovers)
        found = {each.name: each for each in await connector.discover(3)}
        mine = found[radicale.calendar.rpartition("/")[2]]
        assert mine.keys == {"path": radicale.calendar}
        assert [(sample["summary"], sample["priority"]) for sample in mine.samples] == [("x", 5)]
        assert mine.properties["percent-complete"].type == "integer"

    run(radicale, tmp_path, test, (), "{home: /ada/}")

    async def wrong(connector: Connector) -> None:
        ((name, ok, said),) = await connector.check()  # type: ignore[attr-defined]
        assert (name, ok) == ("task", False)
        assert "no calendar that takes tasks" in said or "404" in said

    run(radicale, tmp_path, wrong, (), "{path: /ada/nowhere/}")
    run(radicale, tmp_path, wrong, (), f"{{path: {radicale.make('events', 'VEVENT')}/}}")
