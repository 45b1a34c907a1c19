"""OAuth 2.0, RFC 6749: the request for a token by client credentials or a refresh token, and what its answer says."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

from accord.connectors.rest.answers import Answer, Unfit, decode
from accord.connectors.rest.options import Auth, query_text

FORM_HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
LONGEST_MARGIN = 60.0
"""Seconds before its end at which a token is renewed; a tenth of its life if that is less."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, and after how many seconds another one is asked for; None: when it is refused."""

    text: str
    lasts: float | None
    refresh: str | None = None
    """The refresh token to use the next time, where the system gives another one."""


def token_request(auth: Auth, refresh: str | None) -> tuple[bytes, Mapping[str, str]]:
    """Body and headers of the request for a token (RFC 6749, sections 2.3.1, 4.4.2 and 6)."""
    form = {"grant_type": "client_credentials" if refresh is None else "refresh_token"}
    form |= {name: query_text(value) for name, value in auth.form.items()}
    form |= {} if refresh is None else {"refresh_token": refresh}
    if auth.in_body:
        form |= {"client_id": auth.user} | ({"client_secret": auth.password} if auth.password else {})
        return urlencode(form).encode(), FORM_HEADERS
    both = f"{quote_plus(auth.user)}:{quote_plus(auth.password)}"
    basic = "Basic " + b64encode(both.encode()).decode()
    return urlencode(form).encode(), {**FORM_HEADERS, "Authorization": basic}


def token_in(answer: Answer) -> Token:
    """The token of an answer (RFC 6749, section 5.1). Raises Unfit."""
    body = decode(answer.body)
    text = body.get("access_token") if isinstance(body, dict) else None
    if not isinstance(text, str) or not text:
        raise Unfit("no access_token in the answer")
    kind = body.get("token_type", "Bearer")
    if str(kind).lower() != "bearer":
        raise Unfit(f"a token of type {kind}, and only Bearer is known")
    refresh = body.get("refresh_token")
    return Token(text, _lasts(body.get("expires_in")), refresh if isinstance(refresh, str) and refresh else None)


def _lasts(said: Any) -> float | None:
    try:
        seconds = float(said)
    except (TypeError, ValueError):
        return None
    return None if not 0 < seconds < float("inf") else seconds - min(LONGEST_MARGIN, seconds / 10)
