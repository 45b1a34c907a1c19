"""The frame of the web pages: one style sheet, light and dark, fit for a phone; no scripts, nothing from elsewhere."""

from html import escape

from .model import HTML, Answer, Product

_STYLE = """
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1b1f27;--muted:#667085;--line:#e4e7ec;--fresh:#fff6d6;
--bad:#b42318;--good:#067647;--hover:#f9fafb}
@media(prefers-color-scheme:dark){:root{--bg:#101318;--card:#191d24;--ink:#e6e9ef;--muted:#98a2b3;--line:#2b313b;
--fresh:#3a3414;--bad:#f97066;--good:#47cd89;--hover:#1f242c}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",
"Noto Sans CJK SC",sans-serif}
a{color:inherit}
header{background:var(--accent);color:#fff}
header>div,main{max-width:1240px;margin:0 auto;padding:0 20px}
header>div{display:flex;flex-wrap:wrap;align-items:center;gap:6px 28px}
.brand{display:flex;align-items:center;gap:10px;padding:14px 0;font-weight:650;font-size:18px;text-decoration:none}
.logo{width:28px;height:28px;border-radius:8px;background:#fff;color:var(--accent);display:grid;
place-items:center;font-weight:800;font-size:15px}
nav{display:flex;gap:4px;align-self:stretch;overflow-x:auto}
nav a{padding:16px 12px 13px;text-decoration:none;opacity:.82;border-bottom:3px solid transparent;white-space:nowrap}
nav a:hover,nav a.on{opacity:1}nav a.on{border-color:#fff;font-weight:600}
nav small{opacity:.85;font-variant-numeric:tabular-nums;margin-left:4px}
main{padding-top:22px;padding-bottom:60px}
h1{font-size:22px;margin:0}h2{font-size:17px;margin:28px 0 10px}
.bar{display:flex;flex-wrap:wrap;gap:10px;align-items:center;margin-bottom:16px}.bar form.search{margin-left:auto}
.muted{color:var(--muted)}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;overflow-x:auto}
.narrow{max-width:780px}
details.card{margin:8px 0;padding:10px 16px}summary{cursor:pointer}
table{width:100%;border-collapse:collapse}
th{font-size:12.5px;color:var(--muted);text-align:left;font-weight:600;padding:10px 14px;
border-bottom:1px solid var(--line)}
td{padding:9px 14px;border-bottom:1px solid var(--line);vertical-align:top;
overflow-wrap:break-word;max-width:340px}
tr:last-child td{border-bottom:0}tbody tr:hover{background:var(--hover)}tr.fresh td{background:var(--fresh)}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td.k{white-space:nowrap}td.t{white-space:nowrap;color:var(--muted);font-variant-numeric:tabular-nums}
td a{text-decoration:none;font-weight:600}td a.ref{font-weight:400}td a:hover{text-decoration:underline}
.pill{display:inline-block;white-space:nowrap;padding:1px 10px;border-radius:99px;font-size:12.5px;font-weight:600;
border:1px solid currentColor}
.pill.p0{color:#2e90fa}.pill.p1{color:#dc6803}.pill.p2{color:var(--good)}
button,.button{font:inherit;font-weight:600;border:1px solid var(--line);background:var(--card);color:inherit;
border-radius:8px;padding:7px 14px;cursor:pointer;text-decoration:none;display:inline-block}
.main{background:var(--accent);border-color:var(--accent);color:#fff}.danger{color:var(--bad)}
input,select,textarea{font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:8px;
padding:8px 11px;width:100%;min-width:0}
:is(input,select,textarea,button,a):focus-visible{outline:2px solid var(--accent);outline-offset:1px}
.search{display:flex;gap:8px}.search input{width:250px}
.fields{display:grid;grid-template-columns:1fr 1fr;gap:16px;padding:20px}
.fields label{display:block;font-size:13px;font-weight:600}
.fields label>*{font-weight:400;font-size:15px;margin-top:5px}
.wide{grid-column:1/-1}
.foot{display:flex;gap:10px;padding:16px 20px;border-top:1px solid var(--line);align-items:center}
.foot .muted{margin-left:auto;font-size:13px}
.notice{padding:11px 16px;border-radius:10px;border:1px solid currentColor;margin-bottom:14px;color:var(--bad)}
.notice.good{color:var(--good)}
.pages{display:flex;gap:12px;align-items:center;justify-content:center;margin-top:16px}
.empty{padding:48px;text-align:center;color:var(--muted)}
.verb{display:inline-block;min-width:62px;font-weight:700;font-size:13px}.get{color:#2e90fa}.post{color:var(--good)}
.put,.patch{color:#dc6803}.delete{color:var(--bad)}
@media(max-width:720px){header>div,main{padding-left:14px;padding-right:14px}.fields{grid-template-columns:1fr}
.brand{padding-bottom:2px}nav{width:100%}nav a{padding:8px 10px}
.bar form.search{margin-left:0;width:100%}.search input{width:100%}
.list thead{display:none}.list tr{display:block;padding:10px 14px;border-bottom:1px solid var(--line)}
.list td{display:flex;max-width:none;justify-content:space-between;gap:16px;border:0;padding:2px 0;text-align:right}
.list td::before{content:attr(data-title);color:var(--muted);font-weight:400;text-align:left;white-space:nowrap}
.list td.e{display:none}.list tr.fresh{background:var(--fresh)}}
"""
_SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def frame(
    product: Product,
    *,
    title: str,
    body: str,
    here: str = "",
    counts: dict[str, int] | None = None,
    reload_s: int = 0,
    status: int = 200,
) -> Answer:
    """A whole page; `body` is HTML that is already escaped, `here` the path of the datatype shown."""
    links = "".join(
        f'<a href="/?type={d.path}"{" class=on" if d.path == here else ""}>{escape(d.plural)}'
        f"<small>{(counts or {}).get(d.path, 0):,}</small></a>"
        for d in product.datatypes
    )
    name = escape(product.title)
    docs = f'<a href="/docs"{" class=on" if here == "docs" else ""}>API</a>'
    reload = f'<meta http-equiv="refresh" content="{reload_s}">' if reload_s else ""
    page = f"""<!doctype html><html lang="en"><head><meta charset="utf-8">{reload}
<meta name="viewport" content="width=device-width,initial-scale=1"><title>{escape(title)} · {name}</title>
<style>:root{{--accent:{product.accent}}}{_STYLE}</style></head><body><header><div>
<a class="brand" href="/"><span class="logo">{name.removeprefix("Custom")[:1]}</span>{name}</a>
<nav>{links}{docs}</nav></div></header><main>{body}</main></body></html>"""
    return Answer(status, page.encode("utf-8", "replace"), dict(_SAFE), HTML)
