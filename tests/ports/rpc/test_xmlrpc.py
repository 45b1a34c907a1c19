"""XML-RPC: what is carried exactly, what cannot be, and answers that are hostile."""

import asyncio
from decimal import Decimal
from typing import Any
from xmlrpc.client import Binary, DateTime, dumps, loads

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.config.meaning import Property, SystemClock
from accord.connectors.rpc.connector import RpcConnector
from accord.connectors.rpc.xmlrpc import Refused, decode, encode
from accord.model import OutcomeKind, Record
from accord.ports import NewRecord
from tests.ports.rpc.board import Board, served, system
from tests.ports.rpc.test_suite import BY_POSITION, raising

HEAD = '<?xml version="1.0"?>'
BOMB = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(10))


def answer(value: str) -> bytes:
    return f"{HEAD}<methodResponse><params><param>{value}</param></params></methodResponse>".encode()


@pytest.mark.parametrize(
    "body",
    [
        f"{HEAD}<!DOCTYPE x [{BOMB}]>" + answer("<value>&l9;</value>").decode().removeprefix(HEAD),
        f'{HEAD}<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><methodResponse><params><param><value>&e;</value>'
        "</param></params></methodResponse>",
        f'{HEAD}<!DOCTYPE x [<!ENTITY e "hello">]>' + answer("<value>&e;</value>").decode().removeprefix(HEAD),
        f"{HEAD}<!DOCTYPE methodResponse>" + answer("<value>hello</value>").decode().removeprefix(HEAD),
        f'{HEAD}<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><methodResponse/>',
        f"{HEAD}<methodResponse><params><param><value>&unknown;</value></param></params></methodResponse>",
        answer("<value><array><data>" * 500 + "</data></array></value>" * 500).decode(),
        answer("<value><double>NaN</double></value>").decode(),
        answer("<value><double>1e999999999</double></value>").decode(),
        answer("<value><int>twelve</int></value>").decode(),
        answer("<value><struct><member><name>a</name></member></struct></value>").decode(),
        answer("<value>one</value></param><param><value>two</value>").decode(),
        answer("<value>half").decode(),
        "<html><body>Welcome</body></html>",
        "",
    ],
)
def test_an_answer_that_is_none_is_refused(body: str) -> None:
    """And read without resolving anything: no entity is expanded, no file or address is opened."""
    with pytest.raises(Refused):
        decode(body.encode())


def test_values_are_natives() -> None:
    """Numbers with their digits, times as ISO 8601, bytes as base64."""
    whole = "<value><struct>" + "".join(
        f"<member><name>{name}</name><value>{value}</value></member>"
        for name, value in {
            "digits": "<double>0.10</double>",
            "long": "<i8>9007199254740993</i8>",
            "time": "<dateTime.iso8601>20240131T10:20:30</dateTime.iso8601>",
            "bytes": "<base64>aGVsbG8=</base64>",
            "nothing": "<nil/>",
            "text": "plain",
        }.items()
    )
    found, fault = decode(answer(whole + "</struct></value>"))
    assert fault is None
    assert isinstance(found["digits"], Decimal)
    assert str(found.pop("digits")) == "0.10"
    assert found == {
        "long": 9007199254740993,
        "time": "2024-01-31T10:20:30",
        "bytes": "aGVsbG8=",
        "nothing": None,
        "text": "plain",
    }


def test_a_fault_is_an_error_with_code_and_message() -> None:
    """As that of JSON-RPC."""
    from xmlrpc.client import Fault

    assert decode(dumps(Fault(4, "no"), methodresponse=True).encode()) == (None, {"code": 4, "message": "no"})


CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
TEXT = st.text(CHARACTERS | st.sampled_from("\t\n\r"))
NAMES = st.text(CHARACTERS)
PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXT
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12)


@given(
    st.recursive(PLAIN | NUMBERS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3))
)
def test_what_is_written_is_read_again(value: Any) -> None:
    """Our own reader reads our own calls, digit for digit."""
    params = encode("echo", [value]).decode().partition("<params>")[2].partition("</methodCall>")[0]
    found, _ = decode(f"{HEAD}<methodResponse><params>{params}</methodResponse>".encode())
    assert found == value


@given(st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)))
def test_the_standard_library_reads_what_is_written(value: Any) -> None:
    """Carriage returns included, which a parser would make line feeds."""
    assert loads(encode("echo", [value]))[0] == (value,)


@pytest.mark.parametrize("value", ["\x00", "a\x1bb", {"a\r": 1}, "\ud800", "￿", 2**63])
def test_what_xml_cannot_carry_is_refused_before_it_is_sent(value: Any) -> None:
    """And the create that held it is rejected, without a request."""
    with pytest.raises(OverflowError):
        encode("echo", [{"a": [value]}])


def test_times_are_written_in_the_zone_of_the_system(tmp_path: Any) -> None:
    """As the type that XML-RPC has for them."""
    board = Board(raising)
    properties = {"due": Property(path="due", type="datetime")}

    async def work(url: str) -> tuple[Any, Any]:
        described = system(
            url,
            BY_POSITION,
            version=None,
            protocol="xml-rpc",
            properties=properties,
            clock=SystemClock(zone="Europe/Oslo"),
        )
        connector = RpcConnector(described)
        await connector.open({"task": ["title", "due"]})
        try:
            before = connector.requests
            odd = [NewRecord(natives={"title": "x\x00"}, token="t")]
            assert (await connector.create("task", odd))[0].kind is OutcomeKind.REJECTED
            assert connector.requests == before
            new = [NewRecord(natives={"title": "x", "due": "2024-07-01T10:00:00Z"}, token="t")]
            (made,) = await connector.create("task", new)
            return made.record, board.get_task(1)
        finally:
            await connector.close()

    with served(board, "xml-rpc") as url:
        record, stored = asyncio.run(work(url))
    assert isinstance(record, Record)
    assert (stored["due"], record.natives()["due"]) == (DateTime("20240701T12:00:00"), "2024-07-01T12:00:00")
    assert Binary(b"hello").data == b"hello"
