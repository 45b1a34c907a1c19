"""How an OpenAPI document says that a listing goes on: where its records lie, its pages, its count, what changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from accord.config.openapi.asking import Found
from accord.config.openapi.calls import Operation, Param, squeezed
from accord.config.openapi.shapes import Shape, Walk, shape_of

PAGES = ("page", "page_number", "page_no", "pageIndex", "page[number]", "_page", "current_page")
SIZES = (
    *("per_page", "page_size", "limit", "size", "page[size]", "page[limit]", "_limit", "max_results", "pagelen"),
    *("count", "top", "$top", "rows", "items_per_page", "results_per_page", "perpage"),
)
OFFSETS = ("offset", "skip", "$skip", "start", "start_at", "page[offset]", "_start", "from_index")
CURSORS = ("cursor", "page_token", "next_token", "next_cursor", "continuation_token", "continuation", "marker", "after")
CURSOR_PATHS = (
    *("next_cursor", "next_page_token", "next_token", "next", "cursor", "continuation_token", "continuation"),
    *("marker", "after", "end_cursor", "next_marker"),
)
TOTALS = ("total", "total_count", "count", "total_results", "total_elements", "total_items", "total_size", "totalhits")
RECORDS = ("data", "items", "results", "records", "value", "values", "content", "entries", "list", "objects", "rows")
SINCE = (
    *("updated_since", "modified_since", "changed_since", "updated_after", "modified_after", "changed_after"),
    *("updated_at_min", "last_modified_after", "last_updated_after", "updated_at[gte]", "updated[gte]", "since"),
)
MODIFIED = (
    *("updated_at", "modified_at", "changed_at", "last_modified", "updated_on", "modified_on", "changed_on"),
    *("last_updated", "last_modified_at", "last_updated_at", "date_modified", "modified", "updated", "changed"),
    *("last_change", "modification_time", "update_time", "mtime", "write_date", "last_edited_time", "lastmodifieddate"),
)
CREATED = (
    "created_at",
    "created_on",
    "date_created",
    "creation_date",
    "create_date",
    "inserted_at",
    "created",
    "create_time",
)
BIGGEST = 1000
USUAL_SIZE = 100


def arrays(shape: Shape, before: str = "", depth: int = 0, walk: Walk | None = None) -> Iterator[tuple[str, Shape]]:
    """Every list of objects in an answer that is not inside another one: path and shape of an entry."""
    walk = walk or Walk()
    for key, node in shape.properties.items():
        inner = walk.shape_of(node)
        if inner.items is not None:
            entry = walk.shape_of(inner.items)
            if entry.is_object or entry.types <= {"object"}:
                yield f"{before}{key}", entry
        elif inner.is_object and depth < 2:
            yield from arrays(inner, f"{before}{key}.", depth + 1, walk)


def records(op: Operation, names: set[str], like: Shape | None, said: str | None, found: Found) -> Shape | None:
    """The shape of a record of a listing, with `list.records` noted; None where that cannot be told.

    `said` is what the project file says of it.
    """
    shape = op.gives.shape
    if said is not None:
        known = dict(arrays(shape)) if shape is not None else {}
        return known.get(said) or like or Shape(frozenset({"object"}), op.node)
    if shape is None:
        found.ask(
            ("list",), f"{op.place} says nothing of its answer", hint="name what it has: `properties: {name: string}`"
        )
        return None
    if shape.items is not None:
        return shape_of(shape.items)
    lists = list(arrays(shape))
    same = [one for one in lists if like is not None and like.of and one[1].of == like.of]
    usual = [one for one in lists if squeezed(one[0].rpartition(".")[2]) in {squeezed(name) for name in RECORDS}]
    named = [one for one in lists if squeezed(one[0].rpartition(".")[2]) in names]
    for choice in (lists, same, named, usual):
        if len(choice) == 1:
            found.key(("list", "records"), choice[0][0], f"{op.place}: its answer")
            return choice[0][1]
    paths = [path for path, _ in lists]
    found.ask(
        ("list", "records"),
        f"{op.place} does not say which list of its answer holds the records"
        if paths
        else f"the answer of {op.place} holds no list",
        allowed=", ".join(paths) or None,
        hint=f"write `list: {{records: {paths[0]}}}`" if paths else "write `list: {path: …}` with the call that lists",
    )
    return None


def total(op: Operation, found: Found) -> None:
    """`list.total`, where the answer counts all records."""
    for path, inner in _scalars(op.gives.shape):
        if squeezed(path.rpartition(".")[2]) in {squeezed(one) for one in TOTALS} and inner.types <= {
            "integer",
            "number",
        }:
            if inner.types:
                found.key(("list", "total"), path, f"{op.place}: its answer")
            return


def paginator(op: Operation, found: Found) -> None:
    """`list.paginator`, from the parameters, the headers and the answer of the listing."""
    size = op.param("query", *SIZES)
    sized: dict[str, Any] = {}
    if size is not None:
        sized = {"size_param": size.name, "size": _size(size)}
    page, offset, cursor = (op.param("query", *names) for names in (PAGES, OFFSETS, CURSORS))
    texts = dict(_scalars(op.gives.shape))
    link = _next_link(texts)
    if "link" in op.gives.headers:
        _note(op, found, {"type": "link_header", **sized}, "the header Link of its answer")
    elif link is not None and cursor is None:
        _note(op, found, {"type": "next_url", "path": link, **sized}, f"{link} of its answer")
    elif cursor is not None and (path := _cursor_path(texts)) is not None:
        said = {"type": "cursor", "cursor_param": cursor.name, "cursor_path": path, **sized}
        _note(op, found, said, f"its parameter {cursor.name}, and {path} of its answer")
    elif page is not None:
        first = {"first": 0} if page.fact("minimum") == 0 or page.fact("default") == 0 else {}
        _note(op, found, {"type": "page_number", "page_param": page.name, **sized, **first}, page.name)
    elif offset is not None:
        limit = {"limit_param": sized["size_param"], "size": sized["size"]} if sized else {}
        _note(op, found, {"type": "offset", "offset_param": offset.name, **limit}, offset.name)
    elif cursor is not None or size is not None:
        _ask_for_pages(op, found, cursor or size, texts)


def _note(op: Operation, found: Found, said: Mapping[str, Any], why: str) -> None:
    found.key(("list", "paginator"), dict(said), f"{op.place}: {why}")


def _ask_for_pages(op: Operation, found: Found, param: Param | None, texts: Mapping[str, Shape]) -> None:
    name = param.name if param is not None else ""
    candidates = [path for path, inner in texts.items() if inner.types == {"string"}]
    found.ask(
        ("list", "paginator"),
        f"{op.place} takes {name!r}, and the document does not say how its listing goes on",
        allowed=", ".join(candidates) or None,
        hint=f"write `list: {{paginator: {{type: cursor, cursor_param: {name}, cursor_path: …}}}}`, "
        "or `{type: single}` where one answer holds everything",
    )


def _size(param: Param) -> int:
    """As many as the system allows in one answer, and no more than are usual."""
    most, usual = param.fact("maximum"), param.fact("default")
    if isinstance(most, int) and not isinstance(most, bool) and most > 0:
        return min(most, BIGGEST)
    return max(USUAL_SIZE, usual) if isinstance(usual, int) and 0 < usual <= BIGGEST else USUAL_SIZE


def _scalars(
    shape: Shape | None, before: str = "", depth: int = 0, walk: Walk | None = None
) -> Iterator[tuple[str, Shape]]:
    """What stands beside the records of a listing."""
    if shape is None:
        return
    walk = walk or Walk()
    for key, node in shape.properties.items():
        inner = walk.shape_of(node)
        if inner.is_object and inner.items is None:
            if depth < 2:
                yield from _scalars(inner, f"{before}{key}.", depth + 1, walk)
        elif inner.items is None:
            yield f"{before}{key}", inner


def _next_link(texts: Mapping[str, Shape]) -> str | None:
    """The path of a text that is the address of the next page."""
    for path, inner in texts.items():
        last = squeezed(path.rpartition(".")[2])
        is_address = inner.fact("format") in ("uri", "url", "uri-reference", "iri")
        if last in ("next", "nextlink", "nexturl", "nextpage", "@odata.nextlink") and is_address:
            return path
        if last in ("nextlink", "nexturl", "@odata.nextlink", "nextpageurl") and inner.types <= {"string"}:
            return path
        if last in ("next", "href") and squeezed(path).startswith(("links.", "link.")) and "next" in squeezed(path):
            return path
    return None


def _cursor_path(texts: Mapping[str, Shape]) -> str | None:
    usual = [squeezed(one) for one in CURSOR_PATHS]
    ranked = sorted(
        (usual.index(squeezed(path.rpartition(".")[2])), path)
        for path, inner in texts.items()
        if squeezed(path.rpartition(".")[2]) in usual and inner.types <= {"string", "integer"}
    )
    return ranked[0][1] if ranked else None


def changed_since(op: Operation, modified: Shape | None, found: Found) -> None:
    """`list.changed_since`, where a parameter says from which time on, and its form is told."""
    param = op.param("query", *SINCE)
    if param is None or modified is None:
        return
    forms = {"date-time": "iso8601"}
    said = forms.get(str(param.fact("format"))) or ("unix" if param.shape.types == {"integer"} else None)
    if said is None:
        found.open(
            "list.changed_since",
            f"{op.place}: {param.name} has no format, so everything is read; write "
            f"`changed_since: {{param: {param.name}, format: …}}`",
        )
        return
    found.key(("list", "changed_since"), {"param": param.name, "format": said}, f"{op.place}: {param.name}")
