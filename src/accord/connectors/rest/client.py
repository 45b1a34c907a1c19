"""One system over HTTP: its session, credentials, limits and retries. Nothing here knows records."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import quote, unquote

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver
from yarl import URL

from accord import __version__
from accord.config.meaning import System
from accord.connectors.limits import Gate, backoff
from accord.connectors.rest.addresses import CheckedResolver
from accord.connectors.rest.answers import Answer, Lost, NotSent, TooLarge, Unfit, decode, dig, message_of, one_line
from accord.connectors.rest.kept import KeptToken
from accord.connectors.rest.oauth import Token, token_in, token_request
from accord.connectors.rest.options import Auth, Errors, RestOptions, secrets_of
from accord.connectors.rest.times import retry_after
from accord.errors import MendFile, ProtocolError, SystemFailure, Unauthorized, Unreachable

T = TypeVar("T")
LONGEST_CONNECT = 10.0
KEEP_ALIVE = 4.0
"""Shorter than the 5 seconds after which Node and uvicorn hang up, so that a write seldom meets a closed connection."""
BOM = b"\xef\xbb\xbf"
MOVED = (301, 307, 308)
NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)
_QUOTED = "%/:?#[]@!$&'()*+,;=~"
JSON_HEADERS = {"Content-Type": "application/json"}
_encode = msgspec.json.Encoder(decimal_format="number").encode


class InternalError(Unreachable):
    """Status 500, again and again: of this request; the system as such does answer."""


class Tries:
    """How often one request may still be tried. Attempts during which others were answered do not count."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._seen = -1
        self.used = 0
        self.renewed = False

    async def wait(self, kind: type[SystemFailure], reason: str, answer: Answer | None = None) -> None:
        """Wait before the next attempt; raises `kind` when there is none left."""
        client = self._client
        limits = client.system.limits
        if answer is not None and answer.wait is not None and answer.wait > client.longest_wait:
            raise kind(client.system.name, f"{reason}; it asks to wait {answer.wait:.0f} s")
        if answer is None or answer.status != 429 or client.gate.successes == self._seen or self._seen < 0:
            self.used += 1
        self._seen = client.gate.successes
        if self.used > limits.retries:
            raise kind(client.system.name, client.redact(reason))
        if answer is None or answer.wait is None:
            await asyncio.sleep(backoff(self.used - 1))


class Client:
    """Sends requests to one origin, and to no other."""

    def __init__(self, system: System, options: RestOptions, resolver: AbstractResolver | None = None) -> None:
        self.system = system
        self._resolver = resolver
        self._names: CheckedResolver | None = None
        self.requests = 0
        self.gate = Gate(system.limits)
        self.longest_wait = max(system.limits.grace, 60.0)
        base = URL(options.base_url)
        self._origin = base.origin()
        self._base = str(base.with_user(None)).rstrip("/")
        self._options = options
        self._auth = _with_userinfo(options.auth, base)
        self._secrets = secrets_of(replace(options, auth=self._auth))
        self._token: str | None = None
        self._ends: float | None = None
        """When the token is renewed, by the clock of the event loop."""
        self._generation = 0
        self._login_lock = asyncio.Lock()
        self._kept: KeptToken | None = None
        if self._auth.keep:
            self._kept = KeptToken(self._auth.keep, self._auth.token, f"systems.{system.name}.auth.keep")
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> None:
        """Make the session; no connection yet. Raises MendFile when the file of `verify` cannot be used."""
        limits = self.system.limits
        timeout = aiohttp.ClientTimeout(
            total=limits.timeout, sock_connect=min(LONGEST_CONNECT, limits.timeout * 0.75) or None
        )
        self._names = CheckedResolver(self.system.name, self._resolver or aiohttp.DefaultResolver())
        connector = aiohttp.TCPConnector(limit=0, ssl=self._tls(), keepalive_timeout=KEEP_ALIVE, resolver=self._names)
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers=self._headers(),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=timeout,
            trust_env=False,
            max_line_size=64 << 10,
            max_field_size=64 << 10,
        )
        # aiohttp sends an idempotent request again by itself; whether a write is repeated is ours to decide
        self._session._retry_connection = False

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None
        if self._names is not None:
            await self._names.close()
            self._names = None

    def _tls(self) -> ssl.SSLContext | bool:
        if not self._base.startswith("https:"):
            return True
        verify = self._options.verify
        try:
            context = ssl.create_default_context(cafile=verify if isinstance(verify, str) else None)
        except (OSError, ssl.SSLError) as error:
            raise MendFile(f"systems.{self.system.name}.verify: {verify}: {error}") from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "application/json", "User-Agent": f"Accord/{__version__}", **self._options.headers}
        auth = self._auth
        if auth.kind == "basic":
            headers["Authorization"] = "Basic " + b64encode(f"{auth.user}:{auth.password}".encode()).decode()
        elif auth.kind == "bearer":
            headers[auth.header or "Authorization"] = (auth.prefix or "Bearer ") + auth.token
        elif auth.kind == "api_key" and auth.header:
            headers[auth.header] = auth.prefix + auth.token
        return headers

    def redact(self, text: str) -> str:
        """A text without our secrets, on one line."""
        for secret in (*self._secrets, *((self._token,) if self._token else ())):
            text = text.replace(secret, "***").replace(quote(secret, safe=""), "***")
        return one_line(text)

    def named(self, method: str, url: str) -> str:
        """A request, for messages."""
        return f"{method} {shown(url)}"

    def url(self, path: str, query: str = "") -> str:
        """The address of a path below `base_url`. Raises ProtocolError for another origin."""
        text = path if path.startswith(("http://", "https://")) else f"{self._base}/{path.lstrip('/')}"
        if not text.isascii() or " " in text:
            text = quote(text, safe=_QUOTED)
        if query:
            text += ("&" if "?" in text else "?") + query
        return self._checked(text) if path.startswith("http") else text

    def resolve(self, link: str, current: str) -> str:
        """The address that a link in an answer points to. Raises ProtocolError for another origin."""
        try:
            target = URL(link, encoded=link.isascii() and " " not in link)
            return self._checked(str(URL(current, encoded=True).join(target)))
        except ValueError:
            raise ProtocolError(self.system.name, f"{shown(current)}: a next link that is no address") from None

    def _checked(self, text: str) -> str:
        url = URL(text, encoded=True)
        if not url.absolute or url.origin() != self._origin or url.user is not None:
            where = f"{url.scheme}://{url.host}" if url.absolute else "elsewhere"
            raise ProtocolError(
                self.system.name,
                f"an address at {one_line(where)} was not contacted",
                hint=f"only {self._origin} is configured (base_url)",
            )
        return text

    async def attempt(
        self, method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request. Raises NotSent or Lost."""
        if self._auth.fetched and (self._token is None or (self._ends is not None and self._now() >= self._ends)):
            await self._renew(self._generation)
        async with self.gate.slots:
            await self.gate.turn()
            return await self._send(method, url, body, self._extra(body, headers))

    async def _send(self, method: str, url: str, body: bytes | None, extra: Mapping[str, str] | None) -> Answer:
        if self._session is None:
            raise RuntimeError("open() comes first")
        self.requests += 1
        generation = self._generation
        sent = asyncio.get_running_loop().time()
        query = self._auth.query
        if query and self._auth.kind == "api_key" and f"{query}=" not in url:
            url += f"{'&' if '?' in url else '?'}{quote(query, safe='')}={quote(self._auth.token, safe='')}"
        try:
            async with self._session.request(
                method,
                URL(url, encoded=True),
                data=body,
                headers=extra,
                allow_redirects=False,
                proxy=self._options.proxy,
            ) as response:
                content = await self._body(response)
        except NOT_SENT as error:
            raise NotSent(f"{method} {shown(url)}: no connection ({_words(error)})") from None
        except aiohttp.InvalidURL:
            raise ProtocolError(self.system.name, f"{shown(url)} is no address") from None
        except TimeoutError:
            raise Lost(f"{method} {shown(url)}: no answer within {self.system.limits.timeout:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Lost(f"{method} {shown(url)}: the answer was lost ({_words(error)})") from None
        if content.startswith(BOM):
            content = content[len(BOM) :]
        return self._noted(Answer(response.status, response.headers, content, _wait(response), generation), sent)

    def _extra(self, body: bytes | None, headers: Mapping[str, str] | None) -> Mapping[str, str] | None:
        if body is not None:
            headers = {**JSON_HEADERS, **headers} if headers else JSON_HEADERS
        if self._token is not None:
            headers = {**(headers or {}), self._auth.header or "Authorization": self._auth.prefix + self._token}
        return headers

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        longest = self._options.max_body
        size = response.content_length
        if size is not None and size <= longest and "Content-Encoding" not in response.headers:
            return await response.read()
        parts: list[bytes] = []
        read = 0
        async for part in response.content.iter_any():
            read += len(part)
            if read > longest:
                response.close()
                raise TooLarge(f"{shown(str(response.url))}: an answer of more than {longest >> 20} MB")
            parts.append(part)
        return b"".join(parts)

    def _noted(self, answer: Answer, sent: float) -> Answer:
        if answer.status in (429, 503):
            if answer.wait is not None:
                self.gate.pause(min(answer.wait, self.longest_wait), sent)
            elif answer.status == 429:
                self.gate.pause(backoff(0), sent)
        else:
            self.gate.succeeded()
        return answer

    async def get(
        self,
        url: str,
        parse: Callable[[Answer], T],
        errors: Errors,
        *,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        """Read, and try again what may pass: lost connections, retry statuses, answers that `parse` finds Unfit.

        `method` is another one that only reads. Raises Unreachable, Unauthorized, ProtocolError.
        """
        tries = Tries(self)
        while True:
            answer = None
            kind: type[SystemFailure] = Unreachable
            try:
                answer = await self.attempt(method, url, body, headers)
                if answer.status == 401:
                    await self.renew(tries, answer.generation, self.named(method, url))
                    continue
                if answer.status not in errors.retry:
                    return parse(answer)
                kind = InternalError if answer.status == 500 else Unreachable
                reason = f"{self.named(method, url)}: {message_of(answer)}"
            except TooLarge as error:
                raise ProtocolError(self.system.name, str(error)) from None
            except (NotSent, Lost) as error:
                reason = str(error)
            except Unfit as error:
                kind, reason = ProtocolError, f"{self.named(method, url)}: {error}"
            await tries.wait(kind, reason, answer)

    async def write(
        self, tries: Tries, method: str, url: str, body: bytes | None, headers: Mapping[str, str] | None, errors: Errors
    ) -> Answer | None:
        """One attempt at a write. None: it certainly had no effect and may be tried again, the wait is over.

        Raises Lost when nobody knows, Unreachable when it never got there, Unauthorized, ProtocolError.
        """
        try:
            answer = await self.attempt(method, url, body, headers)
        except NotSent as error:
            await tries.wait(Unreachable, str(error))
            return None
        status = answer.status
        if status == 401:
            await self.renew(tries, answer.generation, self.named(method, url))
            return None
        if status in errors.retry and 400 <= status < 500 and status != 408:
            await tries.wait(Unreachable, f"{self.named(method, url)}: {message_of(answer)}", answer)
            return None
        if status in MOVED:
            raise ProtocolError(self.system.name, f"{self.named(method, url)}: {redirected(answer)}")
        return answer

    async def renew(self, tries: Tries, generation: int, what: str) -> None:
        """After a 401: new credentials where we can get some, and one more try. Raises Unauthorized the second time."""
        if tries.renewed:
            raise Unauthorized(self.system.name, f"{what}: 401, our credentials are refused")
        tries.renewed = True
        if self._auth.fetched:
            await self._renew(generation)

    async def _renew(self, generation: int) -> None:
        """Another token, unless somebody else has got one since."""
        async with self._login_lock:
            if generation == self._generation:
                if self._kept is None:
                    await self._take_token()
                else:
                    async with self._kept.alone(self.system.name):
                        await self._take_token()

    async def _take_token(self) -> None:
        asked = self._now()
        token = await self._login()
        if token.refresh is not None and self._kept is not None:
            self._secrets = (token.refresh, *self._secrets)
            self._kept.write(token.refresh)
        self._token = token.text
        self._ends = None if token.lasts is None else asked + token.lasts
        self._generation += 1

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    def _login_request(self) -> tuple[str, bytes | None, Mapping[str, str]]:
        """Address, body and headers. The token's address may be at another origin: the file names it."""
        auth = self._auth
        if auth.kind == "session":
            body = None if auth.login_body is None else _encode(auth.login_body)
            return self.url(auth.login_path), body, {**JSON_HEADERS, **auth.login_headers}
        foreign = auth.login_path.startswith(("http://", "https://"))
        return auth.login_path if foreign else self.url(auth.login_path), *token_request(auth, self._refresh_token())

    def _refresh_token(self) -> str | None:
        if self._kept is None:
            return None
        token = self._kept.read()
        if not token:
            name = self.system.name
            raise MendFile(
                f"systems.{name}.auth: nobody has let Accord in yet: `accord authorise {name}`",
                hint="it shows an address and a code, for a person who may use the system",
            )
        self._secrets = self._secrets if token in self._secrets else (token, *self._secrets)
        return token

    async def _login(self) -> Token:
        url, body, headers = self._login_request()
        tries = Tries(self)
        while True:
            answer = None
            try:
                async with self.gate.slots:
                    await self.gate.turn()
                    answer = await self._send(self._auth.login_method, url, body, headers)
                if answer.status < 300:
                    return self._token_in(answer)
                if answer.status not in Errors().retry:
                    raise Unauthorized(self.system.name, f"login at {shown(url)}: {self.redact(message_of(answer))}")
                reason = f"login at {shown(url)}: status {answer.status}"
            except (NotSent, Lost) as error:
                reason = str(error)
            except Unfit as error:
                raise ProtocolError(self.system.name, f"login at {shown(url)}: {error}") from None
            await tries.wait(Unreachable, reason, answer)

    def _token_in(self, answer: Answer) -> Token:
        if self._auth.kind != "session":
            return token_in(answer)
        token = dig(decode(answer.body), self._auth.token_path)
        if not isinstance(token, str | int) or isinstance(token, bool) or token == "":
            raise Unfit(f"no token at {self._auth.token_path}")
        return Token(str(token), None)


def shown(url: str) -> str:
    """The path of an address, for messages: queries may hold secrets."""
    return one_line(URL(url, encoded=True).raw_path)


def redirected(answer: Answer) -> str:
    """What a 3xx says, without its query."""
    target = answer.headers.get("Location", "").partition("?")[0]
    return f"{answer.status}, redirected to {one_line(target) or 'nowhere'}; redirects are not followed"


def _wait(response: aiohttp.ClientResponse) -> float | None:
    return retry_after(response.headers) if "Retry-After" in response.headers else None


def _words(error: Exception) -> str:
    cause: Any = getattr(error, "os_error", None) or error
    text = getattr(cause, "strerror", None) or type(error).__name__
    return one_line(str(text))


def _with_userinfo(auth: Auth, base: URL) -> Auth:
    if auth.kind == "none" and base.user:
        return Auth(kind="basic", user=unquote(base.raw_user or ""), password=base.password or "")
    return auth
