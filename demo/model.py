"""What both products share: calls, answers, refusals, and the description of a datatype and its properties."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal, Protocol

import msgspec

PropertyType = Literal["string", "text", "integer", "decimal", "amount", "date", "datetime", "enum", "reference"]
_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")
JSON = "application/json"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP request, read completely. Header names are as aiohttp gives them: case does not matter."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    stale_s: float = 0.0  # a listing is to look as it did so many seconds ago

    @property
    def parts(self) -> tuple[str, ...]:
        """The path's segments: `/customers/17` gives `("customers", "17")`."""
        return tuple(part for part in self.path.split("/") if part)


@dataclass(slots=True)
class Answer:
    """One HTTP answer."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON


class Refusal(Exception):
    """The request cannot be obeyed; answered as `{"error": ..., **details}` with this status."""

    def __init__(self, status: int, error: str, /, *, headers: dict[str, str] | None = None, **details: Any) -> None:
        super().__init__(error)
        self.status, self.headers = status, headers or {}
        self.body: dict[str, Any] = {"error": error, **details}

    def answer(self) -> Answer:
        """The refusal as an answer."""
        return Answer(self.status, encode(self.body), dict(self.headers))


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One property of a datatype; `name` is its path in the JSON record (`contact.email`)."""

    name: str
    title: str
    type: PropertyType = "string"
    required: bool = False
    read_only: bool = False
    values: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()  # how people call the values
    default: Any = None
    max_length: int | None = None
    refers_to: str | None = None  # a datatype's path
    searched: bool = False  # found by ?q=
    exact: bool = False  # a query parameter of this name lists the records with exactly this value
    listed: bool = True  # shown in the web page's table

    @property
    def column(self) -> str:
        """The column that keeps it: `contact.email` is `contact_email`."""
        return self.name.replace(".", "_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Datatype:
    """One kind of record: `path` is its collection (`customers`), `id` and `label` are property names."""

    path: str
    name: str
    title: str
    plural: str
    id: str
    label: str
    changed: str
    proof: str  # the property that tells versions apart: etag or version
    properties: tuple[Property, ...]

    def writable(self) -> tuple[Property, ...]:
        """The properties that a client may set."""
        return tuple(p for p in self.properties if not p.read_only)

    def property(self, name: str) -> Property:
        """The property of that name; KeyError without it."""
        return next(p for p in self.properties if p.name == name)


class Product(Protocol):
    """What the HTTP layer needs of a server. `handle` is synchronous: a call takes well under a millisecond."""

    title: str
    accent: str
    datatypes: tuple[Datatype, ...]
    records_key: str
    page_words: tuple[str, str, str]  # query parameters of a listing: first page or cursor, size, changed since

    def handle(self, call: Call) -> Answer:
        """Obey one API call; raises Refusal."""
        ...

    def empty_page(self) -> bytes:
        """A well-formed listing without records."""
        ...

    def browse(self, datatype: Datatype, *, search: str, limit: int, offset: int) -> tuple[list[dict[str, Any]], int]:
        """One page of records for people, last changed first, and how many there are."""
        ...

    async def start(self) -> None:
        """Begin background work."""
        ...

    async def stop(self) -> None:
        """End background work and close the database."""
        ...


def encode(value: Any) -> bytes:
    """JSON; decimals become numbers, digit for digit."""
    return _encoder.encode(value)


def decode(body: bytes) -> Any:
    """JSON to plain values, numbers with a point to Decimal; Refusal 400 when it is none."""
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Refusal(400, "malformed_json", message=str(error)) from None


def dig(record: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path; None where a step is missing."""
    value: Any = record
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def is_date(value: object) -> bool:
    """Whether this is a real day as `2026-11-23`."""
    if not isinstance(value, str) or len(value) != 10:
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def to_decimal(value: object, *, text: bool = False) -> Decimal | None:
    """A JSON number (or, with `text`, also a numeric string) as Decimal of at most 18 digits a side; else None."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str) or (isinstance(value, str) and not text):
        return None
    try:
        number = Decimal(value.strip() if isinstance(value, str) else value)
    except ArithmeticError:
        return None
    if not number.is_finite() or number.adjusted() > 17 or -int(number.as_tuple().exponent) > 18:
        return None
    return number


def whole_number(text: str | None, default: int, *, low: int, high: int) -> int:
    """A query parameter as a number within its bounds; Refusal 400 when it is no number."""
    if not text:
        return default
    if not text.lstrip("-").isdecimal() or len(text) > 15:
        raise Refusal(400, "bad_parameter", message=f"{text[:40]!r} is not a whole number")
    return min(max(int(text), low), high)
