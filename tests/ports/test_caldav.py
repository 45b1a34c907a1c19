"""Calendar objects, multistatus answers and lost answers, as far as no server is needed that does these things."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.config.load import load
from accord.config.meaning import System
from accord.connectors.caldav.dav import name_in, parsed
from accord.connectors.caldav.times import Unreadable
from accord.connectors.caldav.todo import Todo, new
from accord.connectors.registry import connect
from accord.connectors.rest.answers import Unfit
from accord.errors import ProjectFileError

OSLO = ZoneInfo("Europe/Oslo")
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
ETAG = '<D:getetag>"1"</D:getetag>'
BOMB = """<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;">]>
<D:multistatus xmlns:D="DAV:"><D:sync-token>&y;</D:sync-token></D:multistatus>"""
OUTSIDE = """<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<D:multistatus xmlns:D="DAV:"><D:sync-token>&x;</D:sync-token></D:multistatus>"""
readable = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=200)
lines = st.lists(st.one_of(readable, st.sampled_from([",", ";", "\\", "\\n", ":", '"', " lead", "trail "])), max_size=5)


@settings(max_examples=300, deadline=None)
@given(lines, st.lists(readable.filter(bool), max_size=4, unique=True))
def test_any_text_is_read_as_it_was_written(parts: list[str], tags: list[str]) -> None:
    """Commas, semicolons, backslashes, line ends, long lines that are folded between the bytes of a letter."""
    text = "\n".join(parts)
    made = Todo(new("u", {"summary": text, "categories": list(tags), "x-mine": text}, NOW, OSLO), OSLO)
    assert made.native("summary") == made.native("x-mine") == text
    assert made.native("categories") == (tags or None)
    again = Todo(made.changed({"summary": text + "!", "categories": None}, NOW), OSLO)
    assert (again.native("summary"), again.native("categories")) == (text + "!", None)
    assert again.native("x-mine") == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not a whole calendar object"),
        ("BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nUID:1\r\nEND:VTODO\r\n", "not a whole calendar object"),
        ("BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nEND:VALARM\r\nEND:VCALENDAR", "end where they began"),
        ("BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nSUMMARY:x\r\nEND:VTODO\r\nEND:VCALENDAR\r\n", "without a UID"),
        ("BEGIN:VCALENDAR\r\n" + "BEGIN:VTODO\r\nUID:1\r\nEND:VTODO\r\n" * 2 + "END:VCALENDAR\r\n", "2 tasks"),
    ],
)
def test_what_is_no_task_is_not_read(text: str, said: str) -> None:
    """Half an object, and an object with two tasks, are nobody's guess."""
    with pytest.raises(Unreadable, match=said):
        Todo(text, OSLO)


def test_the_exceptions_of_a_series_stay() -> None:
    """The task is the one without RECURRENCE-ID; what was changed of one occurrence is not touched."""
    master, other = (
        "UID:1\r\nSUMMARY:water\r\nRRULE:FREQ=DAILY\r\n",
        "UID:1\r\nRECURRENCE-ID:20261130\r\nSUMMARY:no\r\n",
    )
    inside = "".join(f"BEGIN:VTODO\r\n{part}END:VTODO\r\n" for part in (other, master))
    todo = Todo(f"BEGIN:VCALENDAR\r\n{inside}END:VCALENDAR\r\n", OSLO)
    assert (todo.native("summary"), todo.native("rrule")) == ("water", "FREQ=DAILY")
    after = todo.changed({"summary": "water them"}, NOW).decode()
    assert other in after
    assert "SUMMARY:water them" in after


def test_a_text_that_a_program_keeps_in_another_form_too() -> None:
    """ALTREP would still show the old words; it goes with them."""
    raw = (
        'BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nUID:1\r\nDESCRIPTION;ALTREP="data:text/html,old":old\r\nEND:VTODO\r\n'
        "END:VCALENDAR\r\n"
    )
    assert "DESCRIPTION:new\r\n" in Todo(raw, OSLO).changed({"description": "new"}, NOW).decode()


@pytest.mark.parametrize(
    ("patch", "said"),
    [
        ({"uid": "2"}, "cannot be written"),
        ({"summary": "a\x07b"}, "control characters"),
        ({"summary": True}, "is text"),
        ({"priority": "high"}, "whole number"),
        ({"due": "tomorrow"}, "Invalid isoformat"),
        ({"due": "2026-12-01", "due.date": "2026-12-02"}, "not the same"),
        ({"x bad:name": "v"}, "cannot be written"),
        ({"rrule": "FREQ=DAILY\r\nX-EVIL:1"}, "one line"),
    ],
)
def test_what_a_task_cannot_hold_is_refused(patch: dict[str, object], said: str) -> None:
    """Nothing is bent until it fits, and no value becomes a line of its own."""
    with pytest.raises(ValueError, match=said):
        Todo(new("u", {}, NOW, OSLO), OSLO).changed(patch, NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize("body", [BOMB, OUTSIDE, "<a", "", "<html/>", '<D:x xmlns:D="DAV:"/>'])
def test_xml_that_is_hostile_or_broken_is_no_answer(body: str) -> None:
    """Entities are not expanded and files not read; a page of HTML is no empty listing."""
    with pytest.raises(Unfit):
        parsed(body.encode())


def test_names_are_taken_from_addresses_of_any_form() -> None:
    """Whole addresses and paths, encoded in one way or the other; nothing outside of the collection."""
    base = "https://dav.example/ada/my%20tasks"
    assert name_in("/ada/my%20tasks/a%2fb.ics", base) == "a/b.ics"
    assert name_in("https://dav.example/ada/my tasks/%C3%B8.ics", base) == "ø.ics"
    assert name_in("/ada/my%20tasks/", base) == ""
    assert name_in("/ada/others/x.ics", base) is None


def described(url: str, folder: Path, datatype: str = "{path: tasks/}") -> System:
    file = folder / "accord.yaml"
    file.write_text(f"""\
accord: 1
systems:
  tasks:
    connector: caldav
    base_url: {url}
    limits: {{retries: 1}}
    datatypes: {{task: {datatype}}}
flows: {{}}
""")
    return load(file).systems["tasks"]


class Short:
    """A server that grants two objects an answer, as RFC 6578 (section 3.6) and RFC 4791 (section 7.8) allow it."""

    def __init__(self, count: int) -> None:
        self.names = [f"t{number}.ics" for number in range(count)]

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        asked = await request.text()
        if request.method == "PROPFIND":
            kind = (
                '<D:resourcetype><D:collection/><C:calendar xmlns:C="urn:ietf:params:xml:ns:caldav"/></D:resourcetype>'
            )
            return self._said([f"<D:href>/tasks/</D:href>{_found(kind + '<D:sync-token>now</D:sync-token>')}"])
        if "calendar-multiget" in asked:
            wanted = [name for name in self.names if f"/tasks/{name}<" in asked]
            return self._said([_object(name) for name in wanted])
        start = int(asked.partition("<D:sync-token>")[2].partition("<")[0] or 0) if "sync-collection" in asked else 0
        some = self.names[start : start + 2]
        listed = [f"<D:href>/tasks/{name}</D:href>{_found(ETAG)}" for name in some]
        if start + 2 < len(self.names):
            listed.append("<D:href>/tasks/</D:href><D:status>HTTP/1.1 507 Insufficient Storage</D:status>")
        return self._said(listed, str(start + 2))

    @staticmethod
    def _said(responses: list[str], token: str = "") -> web.Response:
        inside = "".join(f"<D:response>{each}</D:response>" for each in responses)
        text = f'<D:multistatus xmlns:D="DAV:">{inside}<D:sync-token>{token}</D:sync-token></D:multistatus>'
        return web.Response(status=207, text=text, content_type="application/xml")


def _found(props: str) -> str:
    return f"<D:propstat><D:prop>{props}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"


def _object(name: str) -> str:
    text = f"BEGIN:VCALENDAR\nBEGIN:VTODO\nUID:{name}\nSUMMARY:{name}\nEND:VTODO\nEND:VCALENDAR\n"
    data = f'<C:calendar-data xmlns:C="urn:ietf:params:xml:ns:caldav">{text}</C:calendar-data>'
    return f"<D:href>/tasks/{name}</D:href>{_found(ETAG + data)}"


def test_a_listing_that_is_cut_short_goes_on(tmp_path: Path) -> None:
    """The search for tasks and the list of changes both: nothing is left out, and `complete` is true."""

    async def run() -> None:
        server = web.Server(Short(7))
        runner = web.ServerRunner(server)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        connector = connect(described(str(site.name), tmp_path))
        await connector.open({"task": ["summary"]})
        try:
            pages = [page async for page in connector.read("task", None)]
            assert sorted(record.id for page in pages for record in page.records) == [f"t{n}.ics" for n in range(7)]
            assert pages[-1].complete
            assert pages[-1].cursor == {"tokens": {"": "now"}}
            pages = [page async for page in connector.read("task", {"tokens": {"": "4"}})]
            assert [record.id for page in pages for record in page.records] == ["t4.ics", "t5.ics", "t6.ics"]
            assert pages[-1].cursor == {"tokens": {"": "8"}}
        finally:
            await connector.close()
            await runner.cleanup()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("datatype", "said"),
    [
        ("{}", "either `path` or `home`"),
        ("{path: a/, home: .}", "either `path` or `home`"),
        ("{path: a/, version: changed}", "under its ETag"),
        ("{path: a/, key_property: x-key}", "is its UID"),
        ("{path: a/, sync: perhaps}", "sync"),
    ],
)
def test_wrong_keys_are_refused_with_their_line(datatype: str, said: str, tmp_path: Path) -> None:
    """And with what is allowed."""
    with pytest.raises(ProjectFileError, match=said) as refused:
        described("http://127.0.0.1", tmp_path, datatype)
    assert "accord.yaml:7" in str(refused.value)
