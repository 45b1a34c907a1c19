"""WebDAV over the HTTP client of `rest`: PROPFIND and REPORT, and what a multistatus says (RFC 4918, section 13)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import ParseError
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from accord.connectors.rest.answers import Answer, Unfit, one_line
from accord.connectors.rest.client import Client, shown
from accord.connectors.rest.options import Errors
from accord.errors import ProtocolError, Unauthorized
from accord.ports import CursorExpired

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

DAV = "{DAV:}"
CALDAV = "{urn:ietf:params:xml:ns:caldav}"
XML_HEADERS = {"Content-Type": "application/xml; charset=utf-8"}
_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'
_SPACES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
ERRORS = Errors()


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What a multistatus says of one resource."""

    href: str
    """As the server wrote it."""
    status: int
    """Of the resource, where it has one of its own; else 200."""
    props: Mapping[str, Element] = field(default_factory=dict)
    """Those that were found, by tag."""

    def text(self, tag: str) -> str | None:
        """The text of a property; None where it was not found."""
        found = self.props.get(tag)
        return None if found is None else (found.text or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Multistatus:
    """A 207, read whole."""

    responses: tuple[Response, ...]
    token: str | None = None
    """The sync token that a `sync-collection` ends with."""


class Dav:
    """Asks questions of one server."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def propfind(self, url: str, props: Iterable[str], depth: int) -> Multistatus:
        """Properties of a collection (and of what is in it, with depth 1). Raises SystemFailure."""
        names = "".join(f"<{prop}/>" for prop in props)
        return await self._ask("PROPFIND", url, f"<D:propfind {_SPACES}><D:prop>{names}</D:prop></D:propfind>", depth)

    async def report(self, url: str, kind: str, inside: str, depth: int) -> Multistatus:
        """A REPORT such as `C:calendar-query`. Raises SystemFailure, and CursorExpired for a token that is none."""
        return await self._ask("REPORT", url, f"<{kind} {_SPACES}>{inside}</{kind}>", depth)

    async def _ask(self, method: str, url: str, body: str, depth: int) -> Multistatus:
        def parse(answer: Answer) -> Multistatus:
            if answer.status == 207:
                return parsed(answer.body)
            if "valid-sync-token" in preconditions(answer):
                raise CursorExpired
            said = f"{method} {shown(url)}: {self.client.redact(words(answer))}"
            if answer.status == 403:
                raise Unauthorized(self.client.system.name, said)
            hint = "is it the address of a calendar?" if answer.status in (404, 405, 409, 415, 501) else None
            raise ProtocolError(self.client.system.name, said, hint=hint)

        headers = {**XML_HEADERS, "Depth": str(depth)}
        return await self.client.get(url, parse, ERRORS, method=method, body=(_HEAD + body).encode(), headers=headers)


def parsed(body: bytes) -> Multistatus:
    """A multistatus. Raises Unfit."""
    root = _root(body)
    if root.tag != f"{DAV}multistatus":
        raise Unfit("an answer that is no multistatus")
    token = root.findtext(f"{DAV}sync-token")
    return Multistatus(
        responses=tuple(_response(each) for each in root.iter(f"{DAV}response")),
        token=token.strip() if token and token.strip() else None,
    )


def _root(body: bytes) -> Element:
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Unfit(f"broken XML ({type(error).__name__})") from None
    return root


def _response(element: Element) -> Response:
    href = element.findtext(f"{DAV}href")
    if not href or not href.strip():
        raise Unfit("a response without a href")
    status = element.findtext(f"{DAV}status")
    props: dict[str, Element] = {}
    for part in element.findall(f"{DAV}propstat"):
        if _code(part.findtext(f"{DAV}status")) == 200:
            props |= {found.tag: found for found in part.findall(f"{DAV}prop/*")}
    return Response(href=href.strip(), status=200 if status is None else _code(status), props=props)


def _code(status: str | None) -> int:
    """`HTTP/1.1 404 Not Found` is 404. Raises Unfit."""
    pieces = (status or "").split()
    if len(pieces) < 2 or not pieces[1].isdecimal():
        raise Unfit("a status that is none")
    return int(pieces[1])


def preconditions(answer: Answer) -> frozenset[str]:
    """The names inside the `DAV:error` of a refusal, without their namespaces."""
    if not answer.body.lstrip().startswith(b"<"):
        return frozenset()
    try:
        root = _root(answer.body)
    except Unfit:
        return frozenset()
    return frozenset(str(each.tag).rpartition("}")[2] for each in root) if root.tag == f"{DAV}error" else frozenset()


def words(answer: Answer) -> str:
    """`403: no-uid-conflict`: the status, and why where the server says it."""
    found = sorted(preconditions(answer))
    return one_line(f"{answer.status}: {', '.join(found)}") if found else f"status {answer.status}"


def name_in(href: str, collection: str) -> str | None:
    """The decoded last step of an address in a collection; "" for the collection itself, None for anything else."""
    own = [unquote(step) for step in urlsplit(collection).path.rstrip("/").split("/")]
    steps = [unquote(step) for step in urlsplit(href).path.rstrip("/").split("/")]
    if steps == own:
        return ""
    return steps[-1] if steps[:-1] == own else None


def quoted(text: str) -> str:
    """Text as it stands in an element."""
    return escape(text)
