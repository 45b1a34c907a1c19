"""What a reply says: its result or error, and the HTTP status that the parts of `rest` understand in its place.

A reply of 200 that holds an error, or a result that means a refusal, is no success. What is not listed as certain is
unknown: nobody can tell from it whether a write happened.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accord.connectors.rest.answers import Unfit, decode, envelope, is_unsure, message_in, one_line
from accord.connectors.rest.bodies import encode
from accord.connectors.rest.compare import same
from accord.connectors.rpc import xmlrpc
from accord.connectors.rpc.options import Rule
from accord.connectors.rpc.templates import at

STATUS = {
    "gone": 404,
    "stale": 412,
    "conflict": 409,
    "refused": 422,
    "forbidden": 403,
    "retry": 425,  # of those that are tried again, the one that counts as an attempt and says that nothing was done
    "expired": 401,
    "unknown": 500,
}
NO_ENDPOINT = 501
ENDPOINT_GONE = (404, 405, 409, 410, 412)
"""Statuses that say something of the endpoint, and nothing of a record."""
CERTAIN = frozenset((-32700, -32600, -32601, -32602))
"""JSON-RPC 2.0, section 5.1: no JSON, no request, no such method, wrong parameters. The method was not run."""
LONGEST_TEXT = 4000


@dataclass(frozen=True, slots=True)
class Reply:
    """A result as JSON, or an error."""

    result: bytes = b"null"
    error: Any = None
    failed: bool = False


def request(protocol: str, method: str, params: Any, number: int) -> bytes:
    """The body of a call. Raises OverflowError for a number that XML-RPC cannot carry."""
    if protocol == "xml-rpc":
        return xmlrpc.encode(method, list(params))
    said: dict[str, Any] = {"id": number, "method": method, "params": params}
    return encode({"jsonrpc": "2.0", **said} if protocol == "json-rpc" else said)


def media_type(protocol: str) -> str:
    """Of what is sent and taken."""
    return "text/xml" if protocol == "xml-rpc" else "application/json"


def reply(protocol: str, body: bytes, number: int) -> Reply:
    """What a body says. Raises Unfit for everything that is no reply to this call."""
    if protocol == "xml-rpc":
        try:
            result, fault = xmlrpc.decode(body)
            return Reply(_json(result)) if fault is None else Reply(error=fault, failed=True)
        except xmlrpc.Refused as refused:
            raise Unfit(str(refused)) from None
    top = envelope(body)
    error = decode(top["error"]) if "error" in top else None
    told = decode(top["id"]) if "id" in top else None
    if error is None and "result" not in top:
        raise Unfit("neither a result nor an error")
    if told != number and not (told is None and error is not None):
        raise Unfit("the reply to another call")
    if error is not None:
        return Reply(error=error, failed=True)
    return Reply(bytes(top["result"]))


def _json(result: Any) -> bytes:
    try:
        return encode(result)
    except (ValueError, TypeError, RecursionError, OverflowError):
        raise Unfit("a result that JSON cannot hold") from None


def meaning(error: Any, rules: Sequence[Rule], status: int, id: str = "") -> str:
    """What an error means: by the first rule that fits, else by its code, the HTTP status, its words."""
    for rule in rules:
        if _fits(rule, error, id):
            return rule.means
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, int) and code in CERTAIN:
        return "refused"
    if isinstance(code, int) and -32768 <= code <= -32000:
        return "unknown"
    if status >= 500:
        return "unknown"
    return "unknown" if is_unsure(words(error), b"") else "refused"


def _fits(rule: Rule, error: Any, id: str) -> bool:
    if rule.equals is None and rule.matches is None:
        return True
    value = at(error, rule.at)
    if rule.equals is not None and not any(same(value, one) for one in rule.equals):
        return False
    if rule.matches is None:
        return True
    value = at(error, rule.text or rule.at)
    pattern = rule.matches.replace("{id}", re.escape(id))
    return isinstance(value, str) and re.fullmatch(pattern, value[:LONGEST_TEXT], re.DOTALL) is not None


def words(error: Any) -> str:
    """What an error says to people: its message, and that of its data; never a trace of the other side's code."""
    if not isinstance(error, Mapping):
        return one_line(message_in(error))
    data = error.get("data")
    more = data.get("message") if isinstance(data, Mapping) else data
    said = [message_in(error), more if isinstance(more, str) else ""]
    return one_line(": ".join(dict.fromkeys(part for part in said if part)))


def is_one_of(result: Any, signs: Sequence[Any]) -> bool:
    """Whether a result is one of those that the file names."""
    return any(same(result, sign) for sign in signs)
