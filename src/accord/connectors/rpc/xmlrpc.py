"""XML-RPC by the standard library's marshalling, behind a parser that takes no document type and so no entity.

Numbers keep their digits: a double is read and written as the text that it is, never as a binary float.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from xml.parsers import expat
from xmlrpc.client import DateTime, Fault, Marshaller, Unmarshaller, escape

DEEPEST = 200
"""Levels of elements; a value takes three for each list or object around it."""
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""XML 1.0, section 2.2. An end of line with a carriage return is written as a reference, which parsers keep."""


class Refused(Exception):
    """XML that is none, or that holds what an answer has no need of."""


class _Reader(Unmarshaller):
    dispatch: dict[str, Any] = dict(Unmarshaller.dispatch)
    _value: Any

    def end_decimal(self, data: str) -> None:
        number = Decimal(data.strip())
        if not number.is_finite() or abs(number.adjusted()) > DEEPEST:
            raise Refused("a number that is none")
        self.append(number)
        self._value = 0

    dispatch["double"] = dispatch["float"] = dispatch["bigdecimal"] = end_decimal


class _Writer(Marshaller):
    dispatch: dict[Any, Any] = dict(Marshaller.dispatch)

    def dump_decimal(self, value: Decimal, write: Callable[[str], Any]) -> None:
        write(f"<value><double>{value:f}</double></value>\n")

    def dump_whole(self, value: int, write: Callable[[str], Any]) -> None:
        if not -(2**63) <= value < 2**63:
            raise OverflowError("a whole number of more than 64 bits")
        name = "int" if -(2**31) <= value < 2**31 else "i8"
        write(f"<value><{name}>{value}</{name}></value>\n")

    def dump_text(self, value: str, write: Callable[[str], Any]) -> None:
        if _NO_XML.search(value):
            raise OverflowError("a character that XML cannot carry")
        write(f"<value><string>{escape(value).replace(chr(13), '&#13;')}</string></value>\n")

    dispatch[Decimal] = dump_decimal
    dispatch[int] = dump_whole
    dispatch[str] = dump_text


def encode(method: str, params: list[Any]) -> bytes:
    """A call. Raises OverflowError for what XML-RPC cannot carry."""
    _check_names(params)
    said = _Writer("utf-8", allow_none=True).dumps(tuple(params))
    named = f"<methodCall>\n<methodName>{escape(method)}</methodName>\n{said}</methodCall>\n"
    return f'<?xml version="1.0" encoding="utf-8"?>\n{named}'.encode()


def _check_names(value: Any) -> None:
    for item in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
        _check_names(item)
    if isinstance(value, dict) and any("\r" in name or _NO_XML.search(name) for name in value):
        raise OverflowError("a name with a character that XML cannot carry")


def decode(body: bytes) -> tuple[Any, dict[str, Any] | None]:
    """The result of an answer, or None and its fault as `{code, message}`. Raises Refused."""
    reader = _Reader(use_builtin_types=False)
    try:
        _parse(body, reader)
        found = reader.close()
    except Fault as fault:
        return None, {"code": _plain(fault.faultCode), "message": str(fault.faultString)}
    except (expat.ExpatError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError) as error:
        raise Refused(f"broken XML-RPC ({type(error).__name__})") from None
    except RecursionError:
        raise Refused("XML that is nested too deeply") from None
    except Exception as error:  # ResponseError and others of xmlrpc.client
        if isinstance(error, Refused):
            raise
        raise Refused(f"broken XML-RPC ({type(error).__name__})") from None
    if len(found) != 1:
        raise Refused("an answer without a single result")
    return _plain(found[0]), None


def _parse(body: bytes, reader: _Reader) -> None:
    parser = expat.ParserCreate(None)
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise Refused("XML that is nested too deeply")
        reader.start(name, attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        reader.end(name)

    def refuse(*_: Any) -> int:
        raise Refused("XML with a document type or an entity, which is refused")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = reader.data
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = parser.UnparsedEntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    reader.xml("", None)  # an encoding that is none: text is text already
    parser.Parse(body, True)


def _plain(value: Any) -> Any:
    """Natives: times as ISO 8601, bytes as base64 text."""
    if isinstance(value, DateTime):
        text = str(value)
        return f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == 17 and text[8:9] == "T" else text
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if hasattr(value, "data") and not isinstance(value, str | int | Decimal | None):
        from base64 import b64encode

        return b64encode(value.data).decode()
    return value
