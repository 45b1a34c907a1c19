"""CustomERP's API: what each call does."""

import base64
import binascii
import sqlite3
from collections.abc import Callable
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ..model import Answer, Call, Datatype, Property, Refusal, decode, encode, is_date, to_decimal, whole_number
from ..past import Record
from .schema import DATATYPES, NAME_LENGTH, UPPER_CASED
from .store import Store, Table

T = TypeVar("T")
CENT = Decimal("0.01")
BATCH = 200
IGNORED_IN_PUT = frozenset({"created_at", "changed_at"})


class CustomERP:
    """The product: one method for each kind of call."""

    title, accent, records_key = "CustomERP", "#b45309", "items"
    datatypes = DATATYPES
    page_words = ("cursor", "limit", "changed_after")

    def __init__(self, path: Path) -> None:
        self.store = Store(path)

    async def start(self) -> None:
        """Nothing works in the background here."""

    async def stop(self) -> None:
        """Close the database."""
        self.store.db.close()

    def empty_page(self) -> bytes:
        """A listing without records."""
        return encode({"items": [], "next": None, "total": 0})

    def browse(self, datatype: Datatype, *, search: str, limit: int, offset: int) -> tuple[list[Record], int]:
        """For the web page: last changed first."""
        return self.store.tables[datatype.path].latest(search=search, limit=limit, offset=offset)

    def handle(self, call: Call) -> Answer:
        """Obey one call; raises Refusal."""
        table = self.store.tables.get(call.parts[0]) if call.parts else None
        if table is None:
            raise Refusal(404, "not_found")
        match call.method, call.parts[1:]:
            case "GET", ():
                return self._list(table, call)
            case "POST", ():
                return _one(self._create(table, decode(call.body)), 201)
            case "POST", ("batch",):
                return self._batch(table, decode(call.body))
            case "GET", (number,):
                return _one(self._find(table, number))
            case "PUT", (number,):
                return self._put(table, self._find(table, number), decode(call.body))
            case "DELETE", (number,):
                return self._delete(table, self._find(table, number), call)
            case _, () | (_,):
                raise Refusal(405, "method_not_allowed")
        raise Refusal(404, "not_found")

    def _find(self, table: Table, number: str) -> Record:
        record = table.get(number)
        if record is None:
            raise Refusal(404, "not_found", id=number)
        return record

    def _list(self, table: Table, call: Call) -> Answer:
        query = call.query
        limit = whole_number(query.get("limit"), 100, low=1, high=1000)
        equal = {p.column: query[p.name] for p in table.datatype.properties if p.exact and p.name in query}
        since = _local_time(query["changed_after"]) if self._tells_changes(table, call) else None
        cursor = _unpacked(query.get("cursor"), [0] if since is None else ["", -1])
        following: Any
        if since is None:
            search = query.get("q", "")
            records, following, total = table.page(after=cursor[0], equal=equal, search=search, limit=limit)
        else:
            after = (cursor[0], cursor[1])
            records, following, total = table.changed(since=since, after=after, equal=equal, limit=limit)
        if call.stale_s:
            records = _as_it_was(table, records, call.stale_s, since, first="cursor" not in query)
        return Answer(200, encode({"items": records, "next": _packed(following), "total": total}))

    @staticmethod
    def _tells_changes(table: Table, call: Call) -> bool:
        return table.datatype.path == "projects" and bool(call.query.get("changed_after"))

    def _create(self, table: Table, body: Any) -> Record:
        values = self._checked(table.datatype, body, ())
        return _refused_by_database(lambda: table.insert(values))

    def _put(self, table: Table, record: Record, body: Any) -> Answer:
        own, number = table.datatype.id, record[table.datatype.id]
        values = self._checked(table.datatype, body, (own, "version", *IGNORED_IN_PUT), but=number)
        if "version" not in body:
            raise Refusal(422, "required", properties=["version"])
        if body.get(own, number) != number:
            raise Refusal(422, "read_only", properties=[own])
        if body["version"] != record["version"] or isinstance(body["version"], bool):
            raise Refusal(409, "version_conflict", version=record["version"])
        changed = _refused_by_database(lambda: table.put(record, values))
        if changed is None:
            raise Refusal(409, "version_conflict")
        return _one(changed)

    def _delete(self, table: Table, record: Record, call: Call) -> Answer:
        wanted = call.query.get("version")
        if wanted is not None and wanted != str(record["version"]):
            raise Refusal(409, "version_conflict", version=record["version"])
        try:
            table.delete(record)
        except sqlite3.IntegrityError:
            raise Refusal(409, "in_use", id=record[table.datatype.id]) from None
        return Answer(204)

    def _batch(self, table: Table, body: Any) -> Answer:
        items = body.get("items") if isinstance(body, dict) else body
        if not isinstance(items, list) or len(items) > BATCH:
            raise Refusal(422, "batch", message=f"an array of at most {BATCH} records is expected")
        self.store.db.execute("BEGIN IMMEDIATE")
        try:
            results = [self._attempt(table, item) for item in items]
        except BaseException:
            self.store.db.execute("ROLLBACK")
            raise
        self.store.db.execute("COMMIT")
        return Answer(207, encode({"results": results}))

    def _attempt(self, table: Table, item: Any) -> dict[str, Any]:
        try:
            return {"status": 201, "item": self._create(table, item)}
        except Refusal as refusal:
            return {"status": refusal.status, **refusal.body}

    def _checked(
        self, datatype: Datatype, body: Any, besides: tuple[str, ...], but: str | None = None
    ) -> dict[str, Any]:
        """Every column's value: those of the body, checked and tidied, and the defaults of the others."""
        if not isinstance(body, dict):
            raise Refusal(422, "object_expected")
        writable = {p.name: p for p in datatype.writable()}
        read_only = {p.name for p in datatype.properties} - writable.keys()
        unknown = [name for name in body if name not in writable and name not in besides]
        if unknown:
            error = "read_only" if read_only.issuperset(unknown) else "unknown_properties"
            raise Refusal(422, error, properties=unknown)
        values = {p.column: _value(p, body.get(p.name)) for p in writable.values()}
        values = {name: writable[name].default if value is None else value for name, value in values.items()}
        if missing := [p.name for p in writable.values() if p.required and values[p.column] is None]:
            raise Refusal(422, "required", properties=missing)
        self._check_others(datatype, values, but)
        return values

    def _check_others(self, datatype: Datatype, values: dict[str, Any], but: str | None) -> None:
        """References must lead somewhere, and a VAT number belongs to one customer."""
        for p in datatype.writable():
            value = values[p.column]
            if p.refers_to and value is not None and self.store.tables[p.refers_to].get(value) is None:
                raise Refusal(422, "reference", property=p.name, value=value)
        if values.get("vat_no"):
            other = self.store.tables["customers"].first("vat_no", values["vat_no"], but=but)
            if other is not None:
                raise Refusal(409, "duplicate", property="vat_no", id=other)


def tidy(p: Property, value: str) -> str | None:
    """Text as CustomERP keeps it: trimmed, names cut, codes in capitals, line ends of one kind, empty is null."""
    text = value.strip()
    if p.type == "text":
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if p.name in UPPER_CASED:
        text = text.upper()
    if p.max_length == NAME_LENGTH:
        text = text[:NAME_LENGTH].rstrip()
    return text or None


def _value(p: Property, value: Any) -> Any:
    """A value as its column keeps it; Refusal 422."""
    if value is None:
        return None
    if p.type == "integer":
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 1 << 53:
            raise Refusal(422, "invalid", property=p.name, message="a whole number is expected")
        return value
    if p.type == "amount" and value != "":
        number = to_decimal(value, text=True)
        if number is None:
            raise Refusal(422, "invalid", property=p.name, message="an amount like 1250.50 is expected")
        return str(number.quantize(CENT, ROUND_HALF_EVEN))
    if not isinstance(value, str):
        raise Refusal(422, "invalid", property=p.name, message="text is expected")
    text = tidy(p, value)
    if text is not None and p.max_length and len(text) > p.max_length:
        raise Refusal(422, "too_long", property=p.name, max_length=p.max_length)
    if text is not None and p.type == "date" and not is_date(text):
        raise Refusal(422, "invalid", property=p.name, message="a date like 2026-11-23 is expected")
    if text is not None and p.type == "enum" and text not in p.values:
        raise Refusal(422, "invalid", property=p.name, allowed=list(p.values))
    return text


def _one(record: Record, status: int = 200) -> Answer:
    return Answer(status, encode(record))


def _refused_by_database(act: Callable[[], T]) -> T:
    """Another program may have written between our check and our write; the database has the last word."""
    try:
        return act()
    except sqlite3.IntegrityError as error:
        raise Refusal(409, "constraint", message=str(error)) from None


def _as_it_was(table: Table, records: list[Record], age: float, since: str | None, *, first: bool) -> list[Record]:
    past = table.past.rewound(records, age)
    if first:
        past += table.past.vanished(age, lambda number: table.get(number) is None)
    return [record for record in past if since is None or record["changed_at"] >= since]


def _local_time(text: str) -> str:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        when = None
    if when is None or when.tzinfo is not None:
        raise Refusal(422, "bad_parameter", message="changed_after is a local time like 2026-11-23T11:00:00")
    return when.strftime("%Y-%m-%dT%H:%M:%S")


def _packed(place: Any) -> str | None:
    if place is None:
        return None
    return base64.urlsafe_b64encode(encode(list(place) if isinstance(place, tuple) else [place])).decode()


def _unpacked(cursor: str | None, start: list[Any]) -> list[Any]:
    if not cursor:
        return start
    try:
        place = msgspec.json.decode(base64.urlsafe_b64decode(cursor))
    except (ValueError, binascii.Error):
        place = None
    if not isinstance(place, list) or [type(step) for step in place] != [type(step) for step in start]:
        raise Refusal(422, "bad_cursor")
    return place
