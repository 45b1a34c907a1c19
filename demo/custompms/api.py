"""CustomPMS's API: what each call does."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from ..model import Answer, Call, Datatype, Property, Refusal, decode, encode, is_date, to_decimal, whole_number
from ..past import Record
from .schema import DATATYPES
from .store import Store, Table, stamp
from .webhooks import Sender

EVENTS = tuple(f"{d.name}.{what}" for d in DATATYPES for what in ("created", "updated", "deleted", "restored"))
ORDERS = {"id": "id", "-id": "id DESC", "updated_at": "updated_at, id", "-updated_at": "updated_at DESC, id DESC"}


class CustomPMS:
    """The product: one method for each kind of call."""

    title, accent, records_key = "CustomPMS", "#4f46e5", "data"
    datatypes = DATATYPES
    page_words = ("page", "per_page", "updated_since")

    def __init__(self, path: Path) -> None:
        self.store = Store(path)
        self._sender = Sender()
        self._hooks = self.store.webhooks()

    async def start(self) -> None:
        """Begin sending webhooks."""
        await self._sender.start()

    async def stop(self) -> None:
        """Stop sending and close the database."""
        await self._sender.stop()
        self.store.db.close()

    def empty_page(self) -> bytes:
        """A listing without records."""
        return encode({"data": [], "meta": {"page": 1, "per_page": 50, "total": 0, "pages": 0}})

    def browse(self, datatype: Datatype, *, search: str, limit: int, offset: int) -> tuple[list[Record], int]:
        """For the web page: last changed first."""
        table = self.store.tables[datatype.path]
        return table.page(search=search, order=ORDERS["-updated_at"], limit=limit, offset=offset)

    def handle(self, call: Call) -> Answer:
        """Obey one call; raises Refusal."""
        if call.parts[:1] == ("webhooks",):
            return self._webhook_call(call)
        table = self.store.tables.get(call.parts[0]) if call.parts else None
        if table is None:
            raise Refusal(404, "not_found", message=f"There is nothing at {call.path}.")
        match call.method, call.parts[1:]:
            case "GET", ():
                return self._list(table, call)
            case "POST", ():
                return self._create(table, call)
            case "GET", (number,):
                return _one(self._find(table, number))
            case "PATCH", (number,):
                return self._patch(table, self._find(table, number), call)
            case "DELETE", (number,):
                return self._delete(table, self._find(table, number), call)
            case "POST", (number, "restore"):
                return self._restore(table, self._find(table, number, deleted=True))
            case _, () | (_,):
                raise Refusal(405, "method_not_allowed")
        raise Refusal(404, "not_found")

    def _find(self, table: Table, number: str, *, deleted: bool = False) -> Record:
        record = table.get(int(number)) if number.isdecimal() and len(number) < 18 else None
        if record is None:
            raise Refusal(404, "not_found", message=f"There is no {table.datatype.name} {number}.")
        if record["deleted_at"] and not deleted:
            raise Refusal(410, "deleted", id=record["id"], deleted_at=record["deleted_at"])
        return record

    def _list(self, table: Table, call: Call) -> Answer:
        query = call.query
        number = whole_number(query.get("page"), 1, low=1, high=10**9)
        size = whole_number(query.get("per_page"), 50, low=1, high=1000)
        since = _since(query.get("updated_since"))
        order = ORDERS.get(query.get("sort") or ("id" if since is None else "updated_at"))
        if order is None:
            raise Refusal(400, "bad_parameter", message=f"sort is one of {', '.join(ORDERS)}")
        deleted = query.get("include") == "deleted"
        records, total = table.page(
            since=since,
            deleted=deleted,
            equal=_equal(table.datatype, call),
            search=query.get("q", ""),
            order=order,
            limit=size,
            offset=(number - 1) * size,
        )
        if call.stale_s:
            records = table.as_it_was(records, call.stale_s, since, first=number == 1 and not deleted)
        meta = {"page": number, "per_page": size, "total": total, "pages": -(-total // size)}
        return Answer(200, encode({"data": records, "meta": meta}))

    def _create(self, table: Table, call: Call) -> Answer:
        key = call.headers.get("Idempotency-Key")
        request = hashlib.sha256(f"{call.path}\n".encode() + call.body).hexdigest() if key else ""
        if key and (known := self.store.known_key(key)):
            return self._replay(table, request, known)
        values = self._checked(table.datatype, decode(call.body))
        for p in table.datatype.writable():
            values.setdefault(p.column, p.default)
            if p.required and values[p.column] in (None, ""):
                raise Refusal(422, "required", fields=[p.name])
        db = self.store.db
        db.execute("BEGIN IMMEDIATE")
        try:
            record = table.insert(values)
            if key:
                self.store.keep_key(key, request, table.datatype.path, record["id"])
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")
        self._fire("created", table, record)
        return _one(record, 201, Location=f"/{table.datatype.path}/{record['id']}")

    def _replay(self, table: Table, request: str, known: tuple[str, str, int]) -> Answer:
        if known[:2] != (request, table.datatype.path):
            raise Refusal(422, "idempotency_key_reused", message="This key was used for another request.")
        record = table.get(known[2])
        assert record is not None  # records are never removed
        return _one(record, 200, **{"Idempotent-Replay": "true"})

    def _patch(self, table: Table, record: Record, call: Call) -> Answer:
        _require_match(record, call)
        values = self._checked(table.datatype, decode(call.body))
        before = _flat(record)
        changed = {column: value for column, value in values.items() if before[column] != value}
        for p in table.datatype.writable():
            if p.required and changed.get(p.column, True) in (None, ""):
                raise Refusal(422, "required", fields=[p.name])
        if not changed:
            return _one(record)
        record = table.change(record, changed)
        self._fire("updated", table, record)
        return _one(record)

    def _delete(self, table: Table, record: Record, call: Call) -> Answer:
        _require_match(record, call)
        record = table.change(record, {"deleted_at": stamp(datetime.now(UTC))})
        self._fire("deleted", table, record)
        return Answer(204)

    def _restore(self, table: Table, record: Record) -> Answer:
        if record["deleted_at"]:
            record = table.change(record, {"deleted_at": None})
            self._fire("restored", table, record)
        return _one(record)

    def _checked(self, datatype: Datatype, body: Any) -> dict[str, Any]:
        """The columns that a body sets, every value checked."""
        if not isinstance(body, dict):
            raise Refusal(400, "object_expected")
        flat = _flattened(body)
        known = {p.name: p for p in datatype.properties}
        if wrong := [name for name in flat if name in known and known[name].read_only]:
            raise Refusal(400, "read_only", fields=wrong)
        if wrong := [name for name in flat if name not in known]:
            raise Refusal(400, "unknown_fields", fields=wrong)
        return {known[name].column: self._value(known[name], value) for name, value in flat.items()}

    def _value(self, p: Property, value: Any) -> Any:
        """A value as its column keeps it; Refusal 422."""
        if value is None:
            return None
        match p.type:
            case "decimal":
                number = to_decimal(value)
                if number is None:
                    raise Refusal(422, "invalid", fields=[p.name], message="a decimal number is expected")
                return format(number, "f")
            case "reference":
                target = self.store.tables[p.refers_to or ""]
                if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 1 << 62:
                    raise Refusal(422, "invalid", fields=[p.name], message="an id is a whole number")
                if not target.alive(value):
                    raise Refusal(422, "reference", fields=[p.name], message=f"there is no {p.refers_to} {value}")
            case "date" if not is_date(value):
                raise Refusal(422, "invalid", fields=[p.name], message="a date like 2026-11-23 is expected")
            case "enum" if value not in p.values:
                raise Refusal(422, "invalid", fields=[p.name], allowed=list(p.values))
            case _ if not isinstance(value, str):
                raise Refusal(422, "invalid", fields=[p.name], message="text is expected")
        return value

    def _webhook_call(self, call: Call) -> Answer:
        match call.method, call.parts[1:]:
            case "GET", ():
                return Answer(200, encode({"data": [{**hook, "secret": "***"} for hook in self._hooks]}))
            case "POST", ():
                hook = self.store.add_webhook(*_webhook(decode(call.body)))
                self._hooks = self.store.webhooks()
                return Answer(201, encode(hook))
            case "DELETE", (number,) if number.isdecimal() and self.store.remove_webhook(int(number)):
                self._hooks = self.store.webhooks()
                return Answer(204)
        raise Refusal(404, "not_found")

    def _fire(self, what: str, table: Table, record: Record) -> None:
        event = f"{table.datatype.name}.{what}"
        for hook in self._hooks:
            if event in hook["events"] or "*" in hook["events"]:
                self._sender.fire(hook, event, table.datatype.name, record["id"])


def _one(record: Record, status: int = 200, **headers: str) -> Answer:
    return Answer(status, encode(record), {"ETag": record["etag"], **headers})


def _require_match(record: Record, call: Call) -> None:
    wanted = call.headers.get("If-Match")
    if wanted and wanted != "*" and record["etag"].strip('"') not in [w.strip(' "') for w in wanted.split(",")]:
        raise Refusal(412, "precondition_failed", etag=record["etag"])


def _flattened(body: dict[str, Any]) -> dict[str, Any]:
    """`{"contact": {"email": x}}` to `{"contact.email": x}`; a contact of null empties both parts."""
    flat = {name: value for name, value in body.items() if name != "contact"}
    if "contact" in body:
        contact = {"name": None, "email": None} if body["contact"] is None else body["contact"]
        if not isinstance(contact, dict):
            raise Refusal(422, "invalid", fields=["contact"], message="an object is expected")
        flat |= {f"contact.{name}": value for name, value in contact.items()}
    return flat


def _flat(record: Record) -> dict[str, Any]:
    """A record by column, decimals as their text."""
    flat = {name: bytes(v).decode() if isinstance(v, msgspec.Raw) else v for name, v in record.items()}
    contact = flat.pop("contact", {})
    return flat | {f"contact_{name}": value for name, value in contact.items()}


def _since(text: str | None) -> str | None:
    if not text:
        return None
    head, tail = text[:19], text[19:].replace(" ", "+")  # an unescaped + arrives as a blank
    try:
        when = datetime.fromisoformat(head + tail)
    except ValueError:
        raise Refusal(400, "bad_parameter", message="updated_since is a time like 2026-11-23T10:00:00Z") from None
    return stamp(when if when.tzinfo else when.replace(tzinfo=UTC))


def _equal(datatype: Datatype, call: Call) -> dict[str, Any]:
    """`?org_number=X` and the like: only records with exactly this value."""
    return {p.column: call.query[p.name] for p in datatype.properties if p.exact and p.name in call.query}


def _webhook(body: Any) -> tuple[str, str, list[str]]:
    if not isinstance(body, dict):
        raise Refusal(400, "object_expected")
    url, secret, events = body.get("url"), body.get("secret", ""), body.get("events") or ["*"]
    if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https") or not isinstance(secret, str):
        raise Refusal(422, "invalid", fields=["url", "secret"])
    if not isinstance(events, list) or any(event not in (*EVENTS, "*") for event in events):
        raise Refusal(422, "invalid", fields=["events"], allowed=[*EVENTS, "*"])
    return url, secret, events
