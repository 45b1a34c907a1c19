"""Calls over HTTP. To the parts of `rest` they look like requests: an address names the call and holds its values."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from aiohttp.abc import AbstractResolver

from accord.config.meaning import System
from accord.connectors.rest.answers import Answer, Lost, Unfit, decode
from accord.connectors.rest.bodies import encode, nested
from accord.connectors.rest.client import Client
from accord.connectors.rest.oauth import Token
from accord.connectors.rpc import replies
from accord.connectors.rpc.dialects import DIALECTS, NotWritten, XmlTimes
from accord.connectors.rpc.options import Described, Each, RpcOptions, described
from accord.connectors.rpc.templates import NotFilled, at, fill
from accord.errors import Unauthorized
from accord.model import from_json

VERSION = "Accord-Version"
"""A header of the request that is never sent: it carries the version that a write expects."""
SHORTEST_SESSION = 8
NO_HEADER = "\x00"
"""In place of what a header would hold: no message has it."""
MOST_CALLS = 10_000
"""Of one listing that is called for each of some values."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A call, and the values for its placeholders."""

    call: Described
    values: Mapping[str, Any]
    body: dict[str, Any] | None


class RpcClient(Client):
    """Makes calls at one endpoint, and renews its session."""

    def __init__(self, system: System, options: RpcOptions, resolver: AbstractResolver | None = None) -> None:
        super().__init__(system, options.rest, resolver)
        self._rpc = options
        self._zone = ZoneInfo(system.clock.zone)
        self._dialect = DIALECTS.get(options.dialect) or (XmlTimes() if options.protocol == "xml-rpc" else None)
        self._described = {name: described(datatype) for name, datatype in system.datatypes.items()}
        self._given: Any = None
        """The session of the last login, as it is used in calls."""
        self._number = 0
        self._fields: Mapping[str, Sequence[str]] = {}
        named = {name: str(value) for name, value in options.variables.items() if isinstance(value, str)}
        self._known = (*self._secrets, *_secret(named))
        self._secrets = _longest_first(self._known)

    def reading(self, fields: Mapping[str, Sequence[str]]) -> None:
        """Which paths are asked for, by datatype."""
        self._fields = fields

    def named(self, method: str, url: str) -> str:
        """A call, for messages."""
        call = self._call_of(url)
        return super().named(method, url) if call is None else f"{call.method} ({call.datatype})"

    def _call_of(self, url: str) -> Described | None:
        name, _, kind = dict(parse_qsl(urlsplit(url).query)).get("call", "").rpartition(".")
        return self._described.get(name, {}).get(kind)

    def _headers(self) -> dict[str, str]:
        return {**super()._headers(), "Accept": replies.media_type(self._rpc.protocol), **self._options.headers}

    def _extra(self, body: bytes | None, headers: Mapping[str, str] | None) -> Mapping[str, str] | None:
        if self._rpc.login is not None and self._rpc.login.header is None:
            return headers
        return super()._extra(body, headers)

    async def _send(self, method: str, url: str, body: bytes | None, extra: Mapping[str, str] | None) -> Answer:
        query = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
        if "call" not in query:
            return await super()._send(method, url, body, extra)
        call = self._call_of(url)
        if call is None:
            kind = query["call"].rpartition(".")[2]
            return _answer(422, f"the project file describes no `{kind}` of this datatype")
        headers = dict(extra or {})
        values = self._values(call, query, headers.pop(VERSION, None))
        try:
            asked = self._asked(call, values, body)
        except (NotFilled, NotWritten, OverflowError) as error:
            return _answer(405 if call.kind == "get" else 422, str(error))
        if call.each:
            return await self._for_each(asked, headers)
        return await self._called(asked, headers)

    def _values(self, call: Described, query: Mapping[str, str], version: str | None) -> dict[str, Any]:
        fields = list(
            dict.fromkeys((*self._fields.get(call.datatype, ()), *filter(None, query.get("also", "").split("\n"))))
        )
        values: dict[str, Any] = {**self._rpc.variables, "session": self._given, "version": version}
        if (login := self._rpc.login) is not None:
            values |= {"username": login.username, "password": login.password}
        values |= {"fields": fields, "names": list(dict.fromkeys(_top(path) for path in fields))}
        numbers = ("offset", "limit", "page", "after")
        values |= {name: int(text) if name in numbers else text for name, text in query.items() if name != "call"}
        if "value" in query:
            values["value"] = from_json(query["value"])
        return values

    def _asked(self, call: Described, values: dict[str, Any], body: bytes | None) -> Asked:
        if body is None:
            if self._dialect is not None and "value" in values:
                datatype = self.system.datatypes[call.datatype]
                values["value"] = self._dialect.value(values["value"], values["property"], datatype)
            if self._dialect is not None and "since" in values:
                values["since"] = self._dialect.since(values["since"])
            return Asked(call, values, None)
        record: dict[str, Any] = from_json(body)
        if self._dialect is not None:
            record = self._dialect.write(record, self.system.datatypes[call.datatype], self._zone)
        return Asked(call, {**values, "record": record}, record)

    async def _for_each(self, asked: Asked, headers: Mapping[str, str]) -> Answer:
        """The listing for each combination of values, as one list."""
        found: list[Any] = []
        date: Mapping[str, str] = {}
        count = 0
        async for more in self._combined(asked, headers):
            if isinstance(more, Answer):
                return more
            count += 1
            if count > MOST_CALLS:
                return _answer(422, f"more than {MOST_CALLS} calls for one listing")
            answer = await self._called(replace_values(asked, more), headers)
            if answer.status != 200:
                return answer
            date = date or answer.headers
            records = at(_decoded(answer.body), asked.call.place)
            if not isinstance(records, list):
                raise Unfit("no list of records")
            found.extend(records)
            await self.gate.turn()
        body: Any = found
        return Answer(200, date, encode(nested({asked.call.place: body}) if asked.call.place else body))

    async def _combined(self, asked: Asked, headers: Mapping[str, str]) -> AsyncIterator[dict[str, Any] | Answer]:
        lists: list[Sequence[Any]] = []
        for each in asked.call.each:
            values = await self._values_of(each, asked, headers)
            if isinstance(values, Answer):
                yield values
                return
            lists.append(values)
        names = [each.name for each in asked.call.each]
        for combination in product(*lists):
            yield dict(zip(names, combination, strict=True))

    async def _values_of(self, each: Each, asked: Asked, headers: Mapping[str, str]) -> Sequence[Any] | Answer:
        if each.method is None:
            return each.values
        call = Described(datatype=asked.call.datatype, kind="list", method=each.method, params=each.params)
        answer = await self._called(Asked(call, asked.values, None), headers)
        if answer.status != 200:
            return answer
        items = at(_decoded(answer.body), each.records)
        if not isinstance(items, list):
            raise Unfit(f"{each.method}: no list")
        found = [at(item, each.take) for item in items]
        if any(value is None or isinstance(value, dict | list) for value in found):
            raise Unfit(f"{each.method}: an item without {each.take or 'value'}")
        return found

    async def _called(self, asked: Asked, headers: Mapping[str, str]) -> Answer:
        """One call, and its reply as an answer that the parts of `rest` understand."""
        call = asked.call
        template = call.changed if call.changed is not None and "since" in asked.values else call.params
        try:
            params = fill(template, asked.values)
            if call.spread and asked.body is not None:
                params = {**asked.body, **dict(params)}  # a parameter of the call goes before a property
            self._number += 1
            number = self._number
            body = replies.request(self._rpc.protocol, str(fill(call.method, asked.values)), params, number)
        except (NotFilled, OverflowError) as error:
            return _answer(405 if call.kind == "get" else 422, str(error))
        headers = {**headers, "Content-Type": replies.media_type(self._rpc.protocol)}
        answer = await super()._send("POST", self.url(self._rpc.endpoint), body, headers)
        return replace(self._translated(asked, answer, number), wait=answer.wait, generation=answer.generation)

    def _translated(self, asked: Asked, answer: Answer, number: int) -> Answer:
        status = answer.status
        if status in (401, 403, 429, 503) or 300 <= status < 400:
            return answer
        try:
            reply = replies.reply(self._rpc.protocol, answer.body, number)
        except Unfit as unfit:
            if 200 <= status < 300:
                raise _odd(asked.call, str(unfit)) from None
            if status in replies.ENDPOINT_GONE:
                return _answer(replies.NO_ENDPOINT, f"{status} instead of a reply: is the endpoint right?")
            return Answer(status, {}, answer.body)
        date = {"Date": answer.headers["Date"]} if "Date" in answer.headers else {}
        if reply.failed:
            return self._refused(asked, reply.error, status)
        return replace(self._succeeded(asked.call, reply.result), headers=date)

    def _refused(self, asked: Asked, error: Any, status: int) -> Answer:
        means = replies.meaning(error, self._rpc.rules, status, str(asked.values.get("id", "")))
        if means == "gone" and asked.call.kind in ("list", "find", "create"):
            means = "refused"
        return _answer(replies.STATUS[means], replies.words(error) or "an error without words")

    def _succeeded(self, call: Described, raw: bytes) -> Answer:
        """A result, where it is not one that means that nothing was done or found."""
        if call.kind in ("list", "find") and self._dialect is None:
            return Answer(200, {}, raw)
        try:
            result = decode(raw)
            if self._dialect is not None:
                place = call.place if call.kind in ("list", "find", "get") else None
                result = self._dialect.read(result, self.system.datatypes[call.datatype], place)
            if call.kind in ("list", "find"):
                return Answer(200, {}, encode(result))
        except (Unfit, RecursionError) as error:
            raise _odd(call, str(error) if isinstance(error, Unfit) else "nested too deeply") from None
        if replies.is_one_of(result, call.signs):
            said = f"{call.method} answered {encode(result).decode()[:40]}"
            return (
                _answer(404, said) if call.kind == "get" else _answer(409, f"{said}, which means that it was refused")
            )
        if call.kind == "get":
            return _record(at(result, call.place), call)
        return self._written(call, result)

    def _written(self, call: Described, result: Any) -> Answer:
        if call.kind == "create":
            id = at(result, call.place)
            id = id[0] if isinstance(id, list) and len(id) == 1 else id
            if isinstance(id, dict):
                return Answer(200, {}, encode(id))
            if not isinstance(id, int | str) or isinstance(id, bool) or id == "":
                return _answer(500, f"{call.method} answered without an id")
            return Answer(200, {}, encode(nested({self.system.datatypes[call.datatype].id: id})))
        return (
            Answer(200, {}, encode(result))
            if call.kind == "update" and isinstance(result, dict)
            else Answer(204, {}, b"")
        )

    def _login_request(self) -> tuple[str, bytes | None, Mapping[str, str]]:
        login = self._rpc.login
        if login is None:
            return super()._login_request()
        self._number += 1
        values = {**self._rpc.variables, "username": login.username, "password": login.password}
        body = replies.request(self._rpc.protocol, login.method, fill(login.params, values), self._number)
        return self.url(login.endpoint), body, {"Content-Type": replies.media_type(self._rpc.protocol)}

    def _token_in(self, answer: Answer) -> Token:
        login = self._rpc.login
        if login is None:
            return super()._token_in(answer)
        reply = replies.reply(self._rpc.protocol, answer.body, self._number)
        if reply.failed:
            raise Unauthorized(self.system.name, f"{login.method}: {self.redact(replies.words(reply.error))}")
        self._given = session = at(decode(reply.result), login.session)
        if session in (None, False, "", 0) or session == []:
            raise Unauthorized(self.system.name, f"{login.method}: no session was given; are name and password right?")
        parts = session if isinstance(session, list) else [session]
        self._secrets = _longest_first((*self._known, *(one for one in parts if _is_secret(one))))
        values = {**self._rpc.variables, "username": login.username, "session": session}
        text = str(fill(login.value, values))
        if login.encoding == "base64":
            text = b64encode(text.encode()).decode()
        return Token(login.prefix + text if login.header else NO_HEADER, None)


def replace_values(asked: Asked, more: Mapping[str, Any]) -> Asked:
    """The same call with more values."""
    return Asked(asked.call, {**asked.values, **more}, asked.body)


def _record(found: Any, call: Described) -> Answer:
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if not isinstance(found, dict):
        raise Unfit("no record in the result")
    return Answer(200, {}, encode(found))


def _odd(call: Described, why: str) -> Unfit | Lost:
    """What is read is read again; whether what is written was done, nobody knows."""
    return Unfit(why) if call.kind in ("list", "find", "get") else Lost(f"{call.method} ({call.datatype}): {why}")


def _answer(status: int, message: str) -> Answer:
    return Answer(status, {}, encode({"error": message}))


def _decoded(body: bytes) -> Any:
    try:
        return decode(body)
    except Unfit:
        return None


def _top(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]


def _is_secret(part: Any) -> bool:
    """Whether a part of a session is long enough that nothing else is written so."""
    return isinstance(part, str) and len(part) >= SHORTEST_SESSION


def _secret(named: Mapping[str, str]) -> list[str]:
    from accord.connectors.rest.options import SECRET_NAME, SHORTEST_SECRET

    return [text for name, text in named.items() if SECRET_NAME.search(name) and len(text) > SHORTEST_SECRET]


def _longest_first(secrets: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(set(secrets), key=len, reverse=True))
