"""The calendars of one datatype, and what is listed in them: everything, or what changed since a sync token."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from accord.config.meaning import Datatype
from accord.connectors.caldav.dav import CALDAV, DAV, Dav, Multistatus, Response, name_in, quoted
from accord.errors import ProtocolError

CHUNK = 50
"""Objects that one request asks for."""
TRUNCATED = 507
_TASKS = '<C:comp-filter name="VCALENDAR"><C:comp-filter name="VTODO">{}</C:comp-filter></C:comp-filter>'
_ABOUT = ("D:resourcetype", "D:sync-token", "D:displayname", "C:supported-calendar-component-set")


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """One collection of calendar objects."""

    name: str
    """Its last step below the `home`; empty where the datatype is this one calendar."""
    url: str
    title: str = ""
    token: str | None = None
    """Where it stands now; None where the server has no sync tokens."""

    def id(self, name: str) -> str:
        """The id of an object in it."""
        return f"{self.name}/{name}" if self.name else name

    def place(self, name: str) -> str:
        """The address of an object in it."""
        return f"{self.url}/{quote(name, safe='')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a calendar says that changed."""

    names: Sequence[str]
    deleted: Sequence[str]
    token: str
    more: bool
    """Whether it cut its answer short: more is to be asked with the new token."""


class Calendars:
    """The calendars of one datatype."""

    def __init__(self, dav: Dav, datatype: Datatype) -> None:
        options = datatype.options
        self._dav = dav
        self._system = dav.client.system.name
        home = options.get("home")
        self.is_home = home is not None
        path = str(home if home is not None else options.get("path") or "").strip("/")
        self._url = dav.client.url("" if path == "." else path).rstrip("/")
        self._sync = bool(options.get("sync", True))

    def only(self) -> Calendar:
        """The one calendar of a datatype with a `path`, unasked."""
        return Calendar(name="", url=self._url)

    def named(self, name: str) -> Calendar:
        """A calendar of a `home`, unasked."""
        return Calendar(name=name, url=f"{self._url}/{quote(name, safe='')}")

    def split(self, id: str) -> tuple[Calendar, str] | None:
        """Where an object with this id would be; None for a text that can be no id here."""
        calendar, slash, name = id.partition("/") if self.is_home else ("", "", id)
        if self.is_home and (not slash or calendar in ("", ".", "..")):
            return None
        if name in ("", ".", "..") or "/" in name:
            return None
        return (self.named(calendar) if self.is_home else self.only()), name

    async def all(self) -> list[Calendar]:
        """Those that take tasks, in the order of their names. Raises SystemFailure."""
        said = await self._dav.propfind(self._url + "/", _ABOUT, 1 if self.is_home else 0)
        found = [self._calendar(each) for each in said.responses if each.status == 200]
        calendars = sorted((each for each in found if each is not None), key=lambda each: each.name)
        if not calendars and not self.is_home:
            raise ProtocolError(self._system, f"{self._url}: no calendar that takes tasks (VTODO)")
        return calendars

    def _calendar(self, said: Response) -> Calendar | None:
        name = name_in(said.href, self._url)
        kind, parts = said.props.get(f"{DAV}resourcetype"), said.props.get(f"{CALDAV}supported-calendar-component-set")
        if name is None or (name == "") == self.is_home or kind is None or kind.find(f"{CALDAV}calendar") is None:
            return None
        named = [] if parts is None else [str(each.get("name", "")).upper() for each in parts]
        if named and "VTODO" not in named:
            return None
        token = (said.text(f"{DAV}sync-token") or "").strip() if self._sync else ""
        calendar = self.named(name) if self.is_home else self.only()
        title = said.text(f"{DAV}displayname") or name
        return Calendar(name=calendar.name, url=calendar.url, title=title, token=token or None)

    async def tasks(self, calendar: Calendar) -> list[str]:
        """The names of all objects with a task. Raises SystemFailure."""
        said = await self._query(calendar, "")
        if said is not None:
            return said
        if calendar.token is None:
            raise ProtocolError(self._system, f"{calendar.url}: the server cuts its listings short")
        names: dict[str, None] = {}
        token = ""
        while True:
            part = await self.changes(calendar, token)
            names |= dict.fromkeys(part.names)
            for gone in part.deleted:
                names.pop(gone, None)
            if not part.more:
                return list(names)
            token = part.token

    async def with_text(self, calendar: Calendar, name: str, text: str) -> list[str] | None:
        """The names of objects whose property holds a text; None where the server did not show all of them."""
        match = f'<C:text-match collation="i;octet">{quoted(text)}</C:text-match>'
        return await self._query(calendar, f'<C:prop-filter name="{name}">{match}</C:prop-filter>')

    async def _query(self, calendar: Calendar, inside: str) -> list[str] | None:
        wanted = f"<D:prop><D:getetag/></D:prop><C:filter>{_TASKS.format(inside)}</C:filter>"
        said = await self._dav.report(calendar.url + "/", "C:calendar-query", wanted, 1)
        names, _, cut = self._named(calendar, said)
        return None if cut else names

    async def changes(self, calendar: Calendar, token: str) -> Changes:
        """What changed since a token (of everything: ""). Raises SystemFailure, CursorExpired."""
        wanted = f"<D:sync-token>{quoted(token)}</D:sync-token><D:sync-level>1</D:sync-level>"
        wanted += "<D:prop><D:getetag/></D:prop>"
        said = await self._dav.report(calendar.url + "/", "D:sync-collection", wanted, 0)
        names, deleted, cut = self._named(calendar, said)
        if said.token is None or (cut and said.token == token):
            raise ProtocolError(self._system, f"{calendar.url}: a list of changes without another sync token")
        return Changes(names=names, deleted=deleted, token=said.token, more=cut)

    def _named(self, calendar: Calendar, said: Multistatus) -> tuple[list[str], list[str], bool]:
        """Names that are there, names that are gone, and whether the answer was cut short."""
        names: list[str] = []
        deleted: list[str] = []
        cut = False
        for each in said.responses:
            name = name_in(each.href, calendar.url)
            if name is None or "/" in name:
                raise ProtocolError(self._system, f"{calendar.url}: lists what is not in it")
            if name == "":
                cut |= each.status == TRUNCATED
            elif each.status in (404, 410):
                deleted.append(name)
            elif not each.href.endswith("/"):
                names.append(name)
        return names, deleted, cut

    async def objects(self, calendar: Calendar, names: Sequence[str]) -> dict[str, Response]:
        """Some objects by name, with ETag and data. Those that the server does not mention are missing."""
        hrefs = "".join(f"<D:href>{quoted(_path(calendar.place(name)))}</D:href>" for name in names)
        wanted = f"<D:prop><D:getetag/><C:calendar-data/></D:prop>{hrefs}"
        said = await self._dav.report(calendar.url + "/", "C:calendar-multiget", wanted, 0)
        found = {name_in(each.href, calendar.url): each for each in said.responses}
        return {name: found[name] for name in names if name in found}


def chunks(names: Iterable[str]) -> list[list[str]]:
    """Names, as many at once as one request asks for."""
    listed = list(names)
    return [listed[start : start + CHUNK] for start in range(0, len(listed), CHUNK)]


def _path(url: str) -> str:
    """The path of an address, as it stands in a request."""
    return "/" + url.split("://", 1)[-1].partition("/")[2]


def tokens_of(cursor: object) -> Mapping[str, str]:
    """The sync tokens in a cursor: name of the calendar → token."""
    tokens = cursor.get("tokens") if isinstance(cursor, dict) else None
    return tokens if isinstance(tokens, dict) else {}
