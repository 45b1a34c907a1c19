"""The web page: people list, search, add, edit and delete records. Its writes go through the product's own API."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from html import escape
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit
from zoneinfo import ZoneInfo

import msgspec

from . import openapi
from .layout import frame
from .model import Answer, Call, Datatype, Product, Property, Refusal, decode, dig, encode

SIZE = 25
FRESH = timedelta(seconds=10)
LIVE_S = 2
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def handle(product: Product, call: Call) -> Answer:
    """Answer one request for `/`, `/docs` or `/ui/...`."""
    _require_own_page(call)
    if call.path == "/":
        return _list(product, call)
    if call.path == "/docs":
        body = '<div class=bar><h1>API</h1><a class=button href="/openapi.json">openapi.json</a></div>'
        counts = _counts(product)
        return frame(product, title="API", body=body + openapi.as_sections(product), here="docs", counts=counts)
    datatype = next((d for d in product.datatypes if call.parts[1:2] == (d.path,)), None)
    if datatype is None:
        raise Refusal(404, "not_found")
    match call.method, call.parts[2:]:
        case "GET", ("new",):
            return _form(product, datatype, {}, None)
        case "POST", ("new",):
            return _save(product, datatype, None, call)
        case "GET", (number,):
            record = _read(product, datatype, number)
            return _form(product, datatype, _texts(datatype, record), record)
        case "POST", (number,):
            return _save(product, datatype, number, call)
        case "POST", (number, "delete"):
            return _delete(product, datatype, number)
    raise Refusal(404, "not_found")


def _require_own_page(call: Call) -> None:
    """No login here, so nobody else's page may send forms, nor another name lead to this address."""
    if urlsplit(f"//{call.headers.get('Host', '')}").hostname not in [name.strip("[]") for name in LOOPBACK]:
        raise Refusal(403, "loopback_only")
    if call.method == "POST" and call.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Refusal(403, "cross_site")
    origin = call.headers.get("Origin")
    if call.method == "POST" and origin and urlsplit(origin).netloc != call.headers.get("Host"):
        raise Refusal(403, "cross_site")


def _counts(product: Product) -> dict[str, int]:
    return {d.path: product.browse(d, search="", limit=1, offset=0)[1] for d in product.datatypes}


def _list(product: Product, call: Call) -> Answer:
    datatype = next((d for d in product.datatypes if d.path == call.query.get("type")), product.datatypes[0])
    search = call.query.get("q", "").strip()
    number = int(call.query.get("page", "1")) if call.query.get("page", "1").isdecimal() else 1
    live = call.query.get("live") == "1"
    records, total = product.browse(datatype, search=search, limit=SIZE, offset=(max(number, 1) - 1) * SIZE)
    listed = [p for p in datatype.properties if p.listed]
    rows = "".join(_row(product, datatype, listed, record) for record in records)
    head = "".join(f"<th{_cell_class(p)}>{escape(p.title)}</th>" for p in listed)
    table = f"<table class=list><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    words = {"type": datatype.path} | ({"q": search} if search else {})
    toggle = urlencode(words if live else words | {"live": "1"})
    body = f"""<div class=bar><h1>{escape(datatype.plural)}</h1>
<a class="button main" href="/ui/{datatype.path}/new">Add {escape(datatype.name)}</a>
<a class=button href="/?{escape(toggle)}" title="Reload every {LIVE_S} seconds">{"⏸ Live" if live else "▶ Live"}</a>
<form class=search><input type=hidden name=type value="{datatype.path}"><input type=search name=q
 value="{escape(search)}" placeholder="Search" aria-label="Search"><button>Search</button></form></div>
<div class=card>{table if records else "<div class=empty>Nothing here.</div>"}</div>{_pager(words, number, total)}"""
    counts = _counts(product)
    return frame(product, title=datatype.plural, body=body, here=datatype.path, counts=counts, reload_s=LIVE_S * live)


def _pager(words: dict[str, str], number: int, total: int) -> str:
    pages = max(1, -(-total // SIZE))
    links = [
        f'<a class=button href="/?{escape(urlencode(words | {"page": str(to)}))}">{text}</a>'
        if 1 <= to <= pages
        else ""
        for to, text in ((number - 1, "‹ Back"), (number + 1, "Next ›"))
    ]
    return f"<div class=pages>{links[0]}<span class=muted>Page {number} of {pages:,} · {total:,}</span>{links[1]}</div>"


def _cell_class(p: Property, text: str = "x") -> str:
    """How a column looks: n numbers, t times, k kept on one line; e is an empty cell."""
    kinds = {"decimal": "n", "amount": "n", "integer": "n", "datetime": "t", "date": "k"}
    kind = "k" if p.read_only and p.type != "datetime" else kinds.get(p.type, "")
    names = " ".join(name for name in (kind, "" if text else "e") if name)
    return f' class="{names}"' if names else ""


def _row(product: Product, datatype: Datatype, listed: list[Property], record: Mapping[str, Any]) -> str:
    cells = []
    for p in listed:
        text = _text(dig(record, p.name))
        title = f' data-title="{escape(p.title)}"'
        cells.append(f"<td{_cell_class(p, text)}{title}>{_shown(product, datatype, p, text, record)}</td>")
    return f"<tr{' class=fresh' if _is_fresh(record[datatype.changed]) else ''}>{''.join(cells)}</tr>"


def _shown(product: Product, datatype: Datatype, p: Property, text: str, record: Mapping[str, Any]) -> str:
    """A value in the table, escaped."""
    if not text:
        return ""
    if p.name in (datatype.id, datatype.label):
        return f'<a href="/ui/{datatype.path}/{quote(str(record[datatype.id]))}"><bdi>{escape(text)}</bdi></a>'
    if p.refers_to:
        label = _label(product, p.refers_to, text)
        return f'<a class=ref href="/ui/{p.refers_to}/{quote(text)}"><bdi>{escape(label)}</bdi></a>'
    if p.values:
        place = p.values.index(text) if text in p.values else 0
        return f'<span class="pill p{place}">{escape(p.labels[place])}</span>'
    if p.type == "datetime":
        return escape(text.replace("T", " ")[:19])
    return f"<bdi>{escape(text)}</bdi>"


def _label(product: Product, path: str, number: str) -> str:
    target = next(d for d in product.datatypes if d.path == path)
    try:
        return _text(_read(product, target, number)[target.label])
    except Refusal:
        return f"{number} (deleted)"


def _is_fresh(changed: str) -> bool:
    """Whether a record was changed a moment ago: UTC ends with Z, all else is the time of Oslo."""
    zone = "UTC" if changed.endswith("Z") else "Europe/Oslo"
    when = datetime.fromisoformat(changed.removesuffix("Z")).replace(tzinfo=ZoneInfo(zone))
    return abs(datetime.now(ZoneInfo(zone)) - when) < FRESH


def _text(value: Any) -> str:
    """A value as people read and type it."""
    if isinstance(value, msgspec.Raw):
        return bytes(value).decode()
    return "" if value is None else str(value)


def _texts(datatype: Datatype, record: Mapping[str, Any]) -> dict[str, str]:
    return {p.name: _text(dig(record, p.name)) for p in datatype.properties}


def _read(product: Product, datatype: Datatype, number: str) -> dict[str, Any]:
    record: dict[str, Any] = decode(product.handle(_call("GET", f"/{datatype.path}/{number}")).body)
    return record


def _call(method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Call:
    return Call(method=method, path=path, query={}, headers=headers or {}, body=b"" if body is None else encode(body))


def _form(
    product: Product, datatype: Datatype, texts: Mapping[str, str], record: Mapping[str, Any] | None, error: str = ""
) -> Answer:
    fields = "".join(_field(product, p, texts.get(p.name, p.default or "")) for p in datatype.writable())
    number = "" if record is None else _text(record[datatype.id])
    heading = f"New {datatype.name}" if record is None else _text(record[datatype.label])
    proof = (
        "" if record is None else f'<input type=hidden name=".proof" value="{escape(_text(record[datatype.proof]))}">'
    )
    remove, info = "", ""
    if record is not None:
        action = f"/ui/{datatype.path}/{quote(number)}/delete"
        remove = f'<button class=danger formnovalidate formaction="{action}">Delete</button>'
        changed = str(record[datatype.changed]).replace("T", " ")
        info = f"<span class=muted>{escape(number)} · changed {escape(changed)}</span>"
    notice = f"<div class=notice>{escape(error)}</div>" if error else ""
    body = f"""<div class=narrow><div class=bar><h1><bdi>{escape(heading)}</bdi></h1></div>{notice}
<form class=card method=post action="/ui/{datatype.path}/{quote(number) or "new"}">{proof}
<div class=fields>{fields}</div><div class=foot><button class=main>Save</button>
<a class=button href="/?type={datatype.path}">Cancel</a>{remove}{info}</div></form></div>"""
    status = 422 if error else 200
    return frame(product, title=heading, body=body, here=datatype.path, counts=_counts(product), status=status)


def _field(product: Product, p: Property, text: str) -> str:
    """A labelled input."""
    name, value, must = escape(p.name), escape(text), " required" if p.required else ""
    wide = p.type == "text" or p.required
    if p.type == "text":
        control = f"<textarea name={name} rows=4>\n{value}</textarea>"
    elif p.values:
        pairs = zip(p.values, p.labels, strict=True)
        options = "".join(f"<option value={v}{' selected' if v == text else ''}>{escape(t)}</option>" for v, t in pairs)
        control = f"<select name={name}>{options}</select>"
    elif p.refers_to:
        control = _choice(product, p, text, must)
    else:
        kind = {"date": "date", "integer": "number", "decimal": "text inputmode=decimal"}.get(p.type, "text")
        limit = f" maxlength={p.max_length}" if p.max_length else ""
        control = f'<input type={kind} name={name} value="{value}"{limit}{must} dir=auto>'
    return f"<label{' class=wide' if wide else ''}>{escape(p.title)}{control}</label>"


def _choice(product: Product, p: Property, text: str, must: str) -> str:
    """An input of a reference's id that proposes the records changed last."""
    target = next(d for d in product.datatypes if d.path == p.refers_to)
    records, _ = product.browse(target, search="", limit=200, offset=0)
    options = "".join(
        f'<option value="{escape(_text(r[target.id]))}">{escape(_text(r[target.label]))}</option>' for r in records
    )
    shown = f"<small class=muted>{escape(_label(product, target.path, text))}</small>" if text else ""
    return (
        f'<input name={escape(p.name)} list="list-{p.column}" value="{escape(text)}"{must} placeholder="Number">'
        f'<datalist id="list-{p.column}">{options}</datalist>{shown}'
    )


def _save(product: Product, datatype: Datatype, number: str | None, call: Call) -> Answer:
    """Store what the form holds; on refusal the form again, as it was filled in."""
    typed = dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
    before = None if number is None else _read(product, datatype, number)
    proof = typed.pop(".proof", "")
    try:
        product.handle(_saving_call(datatype, number, before, typed, proof))
    except Refusal as refusal:
        return _form(product, datatype, typed, before, error=_explained(refusal))
    return Answer(303, headers={"Location": f"/?type={datatype.path}"})


def _saving_call(
    datatype: Datatype, number: str | None, before: Mapping[str, Any] | None, typed: Mapping[str, str], proof: str
) -> Call:
    """What was typed as a call of the API. What was left as it was is not sent where the API takes parts."""
    was = {} if before is None else _texts(datatype, before)
    whole = before is None or datatype.proof == "version"
    body: dict[str, Any] = {}
    for p in datatype.writable():
        text = typed.get(p.name, "").replace("\r\n", "\n")
        if whole or text != was[p.name]:
            _put(body, p.name, _typed_value(p, text))
    if before is None:
        return _call("POST", f"/{datatype.path}", body)
    if datatype.proof == "etag":
        return _call("PATCH", f"/{datatype.path}/{number}", body, {"If-Match": proof})
    version = int(proof) if proof.isdecimal() else -1
    return _call("PUT", f"/{datatype.path}/{number}", body | {"version": version})


def _put(body: dict[str, Any], path: str, value: Any) -> None:
    *steps, last = path.split(".")
    for step in steps:
        body = body.setdefault(step, {})
    body[last] = value


def _typed_value(p: Property, text: str) -> Any:
    """What was typed, as JSON; an empty field is null. What cannot be read is sent on, and refused by the API."""
    if not text:
        return None
    try:
        if p.type == "integer" or (p.type == "reference" and text.isdecimal()):
            return int(text)
        if p.type == "decimal":
            number = Decimal(text.replace(",", "."))
            return number if number.is_finite() else text
    except (ValueError, InvalidOperation):
        pass
    return text


def _explained(refusal: Refusal) -> str:
    body = refusal.body
    if refusal.status in (409, 412) and body["error"] in ("version_conflict", "precondition_failed"):
        return "Somebody else has changed this record meanwhile. Open it again, then repeat your change."
    details = "; ".join(f"{key}: {value}" for key, value in body.items() if key != "error")
    return f"Not saved: {str(body['error']).replace('_', ' ')}" + (f" ({details})" if details else "")


def _delete(product: Product, datatype: Datatype, number: str) -> Answer:
    record = _read(product, datatype, number)
    try:
        product.handle(_call("DELETE", f"/{datatype.path}/{number}"))
    except Refusal as refusal:
        return _form(product, datatype, _texts(datatype, record), record, error=_explained(refusal))
    return Answer(303, headers={"Location": f"/?type={datatype.path}"})
