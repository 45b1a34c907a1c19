"""The device authorization grant, RFC 8628: a person lets Accord in at a page of the system, with a code from here."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from accord.config.meaning import System
from accord.connectors.rest.answers import Answer, Lost, NotSent, Unfit, decode, message_of, one_line
from accord.connectors.rest.client import Client
from accord.connectors.rest.kept import KeptToken
from accord.connectors.rest.oauth import FORM_HEADERS, token_in
from accord.connectors.rest.options import Auth, query_text, read_system
from accord.errors import ProtocolError, Unauthorized, Unreachable, UsageError

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
INTERVAL = 5.0
"""Seconds between two questions where the server does not say (RFC 8628, section 3.2)."""
SLOWER = 5.0
"""By so much `slow_down` lengthens every further wait (section 3.5)."""
LONGEST_INTERVAL = 60.0
LONGEST = 3600.0
"""Seconds that are waited at most, whatever a server says."""
Wait = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Code:
    """What a person needs: the page, the code, and for how many seconds they are good."""

    page: str
    text: str
    whole: str | None
    """The page with the code in its address, where the server gives one."""
    lasts: float


async def authorise(system: System, show: Callable[[Code], None], wait: Wait = asyncio.sleep) -> KeptToken:
    """Ask for a code, show it, and wait until a person has let us in; the refresh token is kept then.

    Raises UsageError for a system without this grant, Unauthorized where the person refuses or the code ends,
    Unreachable, ProtocolError, MendFile.
    """
    options = read_system(system)
    if options.auth.kind != "oauth2_device":
        raise UsageError(
            f"{system.name} is not entered by a device code", hint="`auth: {type: oauth2_device, …}` of a system is"
        )
    kept = KeptToken(options.auth.keep, options.auth.token, f"systems.{system.name}.auth.keep")
    kept.require_writable()
    asking = _Asking(system, Client(system, replace(options, auth=Auth())), options.auth)
    asking.client.open()
    try:
        code, device_code, interval = await asking.code()
        show(code)
        refresh = await asking.token(device_code, interval, code.lasts, wait)
    finally:
        await asking.client.close()
    async with kept.alone(system.name):
        kept.write(refresh)
    return kept


@dataclass(frozen=True, slots=True)
class _Asking:
    """Two addresses of an authorisation server, which the project file names."""

    system: System
    client: Client
    auth: Auth

    async def code(self) -> tuple[Code, str, float]:
        """The answer of the device authorization endpoint (section 3.2)."""
        said = {name: query_text(value) for name, value in self.auth.form.items()}
        answer = await self._sent(self.auth.device_path, said)
        body = self._body(answer) if answer.status < 300 else {}
        if answer.status >= 300:
            raise Unauthorized(self.system.name, f"no device code: {self._safe(message_of(answer))}")
        device, text, page = (body.get(key) for key in ("device_code", "user_code", "verification_uri"))
        if not (isinstance(device, str) and isinstance(text, str) and isinstance(page, str) and device and text):
            raise ProtocolError(self.system.name, "the answer holds no device_code, user_code and verification_uri")
        whole = body.get("verification_uri_complete")
        shown = [one_line(one) for one in (page, whole) if isinstance(one, str)]
        if any(urlsplit(one).scheme not in ("https", "http") for one in shown):
            raise ProtocolError(self.system.name, "the page to go to is no web address")
        lasts = min(_seconds(body.get("expires_in"), LONGEST), LONGEST)
        interval = min(_seconds(body.get("interval"), INTERVAL), LONGEST_INTERVAL)
        return Code(shown[0], one_line(text), shown[1] if len(shown) > 1 else None, lasts), device, interval

    async def token(self, device_code: str, interval: float, lasts: float, wait: Wait) -> str:
        """The refresh token, once the person has decided (sections 3.4 and 3.5)."""
        waited = 0.0
        while waited + interval <= lasts:
            await wait(interval)
            waited += interval
            try:
                answer = await self._sent(self.auth.login_path, {"grant_type": GRANT, "device_code": device_code})
            except Unreachable:
                interval = min(interval * 2, LONGEST_INTERVAL)
                continue
            if answer.status < 300:
                return self._refresh_token(answer)
            error = self._body(answer).get("error")
            if error == "slow_down":
                interval += SLOWER
            elif error == "access_denied":
                raise Unauthorized(self.system.name, "the person did not let Accord in")
            elif error == "expired_token":
                break
            elif error != "authorization_pending" and answer.status < 500:
                raise Unauthorized(self.system.name, f"no token: {self._safe(message_of(answer))}")
        raise Unauthorized(self.system.name, "the code has ended before anybody used it", hint="ask for another one")

    def _refresh_token(self, answer: Answer) -> str:
        try:
            token = token_in(answer)
        except Unfit as error:
            raise ProtocolError(self.system.name, f"no token: {error}") from None
        if token.refresh is None:
            raise ProtocolError(
                self.system.name,
                "the system gave no refresh token, so that it would have to be asked for each round",
                hint="many give one for `scope: offline_access`",
            )
        return token.refresh

    async def _sent(self, path: str, said: Mapping[str, str]) -> Answer:
        """One request; raises Unreachable where there is no answer."""
        form = dict(said)
        headers = dict(FORM_HEADERS)
        if self.auth.in_body:
            form |= {"client_id": self.auth.user} | (
                {"client_secret": self.auth.password} if self.auth.password else {}
            )
        else:
            both = f"{quote_plus(self.auth.user)}:{quote_plus(self.auth.password)}"
            headers["Authorization"] = "Basic " + b64encode(both.encode()).decode()
        url = path if path.startswith(("http://", "https://")) else self.client.url(path)
        try:
            return await self.client.attempt("POST", url, urlencode(form).encode(), headers)
        except (NotSent, Lost) as error:
            raise Unreachable(self.system.name, str(error)) from None

    def _body(self, answer: Answer) -> dict[str, Any]:
        try:
            body = decode(answer.body)
        except Unfit:
            body = None
        return body if isinstance(body, dict) else {}

    def _safe(self, text: str) -> str:
        return text.replace(self.auth.password, "***") if self.auth.password else text


def _seconds(said: Any, otherwise: float) -> float:
    try:
        seconds = float(said)
    except (TypeError, ValueError):
        return otherwise
    return seconds if 0 < seconds < float("inf") else otherwise
