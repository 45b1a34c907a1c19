"""Radicale as its own process, and somebody who works in it with another program than Accord."""

import secrets
from base64 import b64encode
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from icalendar import Calendar

from tests.real.server import SYSTEMS, Answer, free_port, send_raw, serving

STARTS_WITHIN = 30.0
USER, PASSWORD = "ada", "secret-of-ada"
CREDENTIALS = "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()
CONFIG = """\
[server]
hosts = 127.0.0.1:{port}
max_connections = 100
[auth]
type = htpasswd
htpasswd_filename = {folder}/users
htpasswd_encryption = plain
delay = 0
[storage]
filesystem_folder = {folder}/collections
[rights]
type = owner_only
[logging]
level = warning
"""
MAKE = """<?xml version="1.0"?>
<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>
<D:displayname>{title}</D:displayname>
<C:supported-calendar-component-set>{parts}</C:supported-calendar-component-set>
</D:prop></D:set></C:mkcalendar>"""
TASK = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//a person//another program//EN\r
BEGIN:VTODO\r
UID:{uid}\r
DTSTAMP:20260101T120000Z\r
{lines}BEGIN:VALARM\r
ACTION:DISPLAY\r
DESCRIPTION:Reminder\r
TRIGGER;RELATED=END:-PT15M\r
X-MOZ-LASTACK:20260101T120000Z\r
END:VALARM\r
END:VTODO\r
END:VCALENDAR\r
"""


class Radicale:
    """A running Radicale, and a calendar of its own for each test."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self._numbers = count(1)
        self.home = self.calendar = ""

    def __call__(self, method: str, path: str, body: str | None = None, **headers: str) -> Answer:
        """A request; the path is below the calendar, or from the root."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        at = path if path.startswith("/") else f"{self.calendar}/{path}"
        data = None if body is None else body.encode()
        return send_raw(method, self.url + at, data, {"Authorization": CREDENTIALS, **given})

    def empty(self) -> None:
        """Go on in a new calendar."""
        self.home = f"/{USER}"
        self.calendar = self.make(f"c{next(self._numbers)}", "VTODO", "VEVENT")

    def make(self, name: str, *parts: str) -> str:
        """Another calendar; its path."""
        listed = "".join(f'<C:comp name="{part}"/>' for part in parts)
        path = f"{self.home}/{name}"
        answer = self("MKCALENDAR", f"{path}/", MAKE.format(title=name.title(), parts=listed), Content_Type="text/xml")
        assert answer.status == 201, answer.body
        return path

    def forget_tokens(self) -> None:
        """As after a restore: the server does not know any of the sync tokens that it gave."""
        kept = self.folder / "collections" / "collection-root" / self.calendar.strip("/") / ".Radicale.cache/sync-token"
        assert list(kept.iterdir())
        for file in kept.iterdir():
            file.unlink()

    def put(self, name: str, text: str) -> None:
        """An object as somebody's program stores it."""
        answer = self("PUT", quote(name), text, Content_Type="text/calendar; charset=utf-8")
        assert answer.status in (201, 204), answer.body

    def text(self, name: str) -> str | None:
        """An object as it is stored, its lines unfolded."""
        answer = self("GET", quote(name))
        return answer.body.decode().replace("\r\n ", "") if answer.status == 200 else None

    def insert(self, natives: Mapping[str, Any]) -> str:
        """A task by a person's program, whose name is not its UID."""
        uid = secrets.token_hex(8)
        name = f"{secrets.token_hex(4)}-{uid[:4]}.ics"
        self.put(name, TASK.format(uid=uid, lines=_lines(natives)))
        return name

    def edit(self, id: str, natives: Mapping[str, Any]) -> None:
        """Read, changed with the library, written back."""
        calendar = Calendar.from_ical(self("GET", quote(id)).body)
        (task,) = calendar.walk("VTODO")
        for name, value in natives.items():
            task.pop(name, None)
            if value is not None:
                task.add(name, value)
        self.put(id, calendar.to_ical().decode())

    def delete(self, id: str) -> None:
        assert self("DELETE", quote(id)).status in (200, 204)

    def get(self, id: str) -> dict[str, Any] | None:
        """The text properties of a task; a missing one is None."""
        answer = self("GET", quote(id, safe=""))
        if answer.status != 200:
            return None
        (task,) = Calendar.from_ical(answer.body).walk("VTODO")
        names = {str(name).lower() for name in task}
        return {name: str(task[name]) if name in names else None for name in ("summary", "description", "location")}


def _lines(natives: Mapping[str, Any]) -> str:
    calendar = Calendar()
    for name, value in natives.items():
        if value is not None:
            calendar.add(name, value)
    text: str = calendar.to_ical(sorted=False).decode()
    return "".join(f"{line}\r\n" for line in text.split("\r\n")[1:-2])


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Radicale]:
    """One process for all tests of this folder."""
    assert (SYSTEMS / "radicale").is_file(), f"there is no Radicale in {SYSTEMS}: run `make systems`"
    folder, port = tmp_path_factory.mktemp("radicale"), free_port()
    (folder / "config").write_text(CONFIG.format(port=port, folder=folder))
    (folder / "users").write_text(f"{USER}:{PASSWORD}\n")
    radicale = Radicale(f"http://127.0.0.1:{port}", folder)
    with serving(
        [SYSTEMS / "radicale", "--config", folder / "config"],
        folder,
        lambda: radicale("PROPFIND", "/", Depth="0"),
        STARTS_WITHIN,
    ):
        yield radicale


@pytest.fixture
def radicale(server: Radicale) -> Radicale:
    """Radicale with an empty calendar."""
    server.empty()
    return server
