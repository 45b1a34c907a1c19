"""The operations of an OpenAPI document in one form, whichever of its versions it is written in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from accord.config.openapi.documents import Node, Unusable, read_document, version_of
from accord.config.openapi.shapes import Shape, shape_of

METHODS = ("get", "post", "put", "patch", "delete")
IGNORED_HEADERS = frozenset({"accept", "content-type", "authorization"})
"""Header parameters that mean nothing (OpenAPI 3.1, section 4.8.12.2.1)."""
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
_LAST = re.compile(r"/\{([^{}/]+)\}$")


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of an operation."""

    name: str
    where: str
    required: bool
    shape: Shape

    def fact(self, key: str) -> Any:
        """What its schema says of something, as `default`."""
        return self.shape.fact(key)


@dataclass(frozen=True, slots=True)
class Body:
    """What an operation takes or gives, where that is JSON."""

    shape: Shape | None
    media: tuple[str, ...] = ()
    headers: frozenset[str] = frozenset()
    place: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method at one path."""

    path: str
    method: str
    node: Node
    params: tuple[Param, ...]
    takes: Body
    gives: Body
    statuses: frozenset[str]

    @property
    def place(self) -> str:
        """As `GET /customers`."""
        return f"{self.method.upper()} {self.path}"

    def param(self, where: str, *names: str) -> Param | None:
        """A parameter by one of its usual names; capitals, `_`, `-` and `$` do not count."""
        wanted = [squeezed(name) for name in names]
        found = {squeezed(one.name): one for one in reversed(self.params) if one.where == where}
        return next((found[name] for name in wanted if name in found), None)


def squeezed(name: str) -> str:
    """`Per-Page` → `perpage`."""
    return re.sub(r"[\s_$-]", "", name).lower()


class Spec:
    """A document, its paths and their operations."""

    def __init__(self, file: Path) -> None:
        """Raises Unusable."""
        self.file = file
        self.root = read_document(file)
        self.version = version_of(self.root)
        self._known: dict[str, dict[str, Operation]] = {}

    @property
    def title(self) -> str:
        """What the system is called."""
        return self.root.get("info", "title").text

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Every path, as it is written."""
        data = self.root.data.get("paths")
        return tuple(path for path in data if isinstance(path, str) and path.startswith("/")) if data else ()

    def at(self, path: str) -> Mapping[str, Operation]:
        """The operations of a path by method. Raises Unusable."""
        if path not in self._known:
            item = self.root.get("paths", path)
            self._known[path] = {
                method: self._operation(path, method, item, item.get(method))
                for method in METHODS
                if isinstance(item.get(method).data, dict)
            }
        return self._known[path]

    def server(self) -> str:
        """The address that the document gives: absolute, relative, or none."""
        if self.version[0] == 2:
            host, base = self.root.get("host").text, self.root.get("basePath").text
            schemes = [one.text for one in self.root.get("schemes").each()]
            scheme = "https" if "https" in schemes or not schemes else schemes[0]
            return f"{scheme}://{host}{base}".rstrip("/") if host else base.rstrip("/")
        first = next(self.root.get("servers").each(), None)
        if first is None:
            return ""
        variables = first.get("variables")

        def filled(match: re.Match[str]) -> str:
            return variables.get(match[1], "default").text or match[0]

        return _PLACEHOLDER.sub(filled, first.get("url").text).rstrip("/")

    def security(self) -> dict[str, Any] | None:
        """The scheme of the credentials that every call needs, as the document has it; None: none is needed."""
        wanted = [one for one in self.root.get("security").each() if isinstance(one.data, dict)]
        place = ("securityDefinitions",) if self.version[0] == 2 else ("components", "securitySchemes")
        schemes = dict(self.root.get(*place).items())
        if any(not one.data for one in wanted):
            return None
        for one in wanted:
            for name in one.data:
                if name in schemes and isinstance(schemes[name].data, dict):
                    return {"name_of_scheme": name, **schemes[name].data}
        return None

    def _operation(self, path: str, method: str, item: Node, node: Node) -> Operation:
        raw = [*node.get("parameters").each(), *item.get("parameters").each()]
        params: dict[tuple[str, str], Param] = {}
        body: Node | None = None
        for one in raw:
            where, name = one.get("in").text, one.get("name").text
            if where == "body":
                body = body or one.get("schema")
            elif name and not (where == "header" and name.lower() in IGNORED_HEADERS):
                schema = one if self.version[0] == 2 else one.get("schema")
                required = one.data.get("required") is True
                params.setdefault((where, name), Param(name, where, required, shape_of(schema)))
        return Operation(
            path=path,
            method=method,
            node=node,
            params=tuple(params.values()),
            takes=self._taken(node, body),
            gives=self._given(node),
            statuses=frozenset(name for name, _ in node.get("responses").items()),
        )

    def _taken(self, node: Node, body: Node | None) -> Body:
        if self.version[0] == 2:
            media = self._media("consumes", node)
            return Body(shape_of(body), media, place=body.place) if body else Body(None)
        return _content(node.get("requestBody"))

    def _given(self, node: Node) -> Body:
        """What a call answers when all goes well: 200, 201, another 2xx, or `default` alone."""
        answers = dict(node.get("responses").items())
        good = sorted(name for name in answers if name[:1] == "2") or [name for name in answers if name == "default"]
        found = Body(None)
        for name in good:
            answer = answers[name]
            if self.version[0] == 2:
                schema = answer.get("schema")
                one = Body(shape_of(schema) if schema else None, self._media("produces", node), place=answer.place)
            else:
                one = _content(answer)
            headers = frozenset(header.lower() for header, _ in answer.get("headers").items())
            one = Body(one.shape, one.media, headers | found.headers, one.place)
            if one.shape is not None:
                return one
            found = one
        return found

    def _media(self, key: str, node: Node) -> tuple[str, ...]:
        said = node.get(key) or self.root.get(key)
        return tuple(one.text for one in said.each()) or ("application/json",)


def _content(node: Node) -> Body:
    """The schema of the JSON among the media types of a body."""
    content = dict(node.get("content").items())
    named = sorted(content, key=lambda name: (name.split(";")[0] != "application/json", name))
    for name in named:
        plain = name.split(";")[0].strip().lower()
        if plain in ("application/json", "*/*", "application/*") or plain.endswith("+json"):
            schema = content[name].get("schema")
            return Body(shape_of(schema) if schema else None, tuple(content), place=schema.place)
    return Body(None, tuple(content), place=node.place)


def last_placeholder(path: str) -> str | None:
    """`/customers/{no}` → `no`."""
    found = _LAST.search(path.rstrip("/"))
    return found[1] if found else None


def fits(written: str, described: str) -> bool:
    """Whether a path of a project file, `/shops/7/orders`, is one that a document describes, `/shops/{shop}/orders`."""
    mine, theirs = written.strip("/").split("/"), described.strip("/").split("/")
    return len(mine) == len(theirs) and all(
        a == b or (_PLACEHOLDER.fullmatch(b) is not None and not _PLACEHOLDER.search(a))
        for a, b in zip(mine, theirs, strict=True)
    )


def placeholders(path: str) -> list[str]:
    """The names in braces."""
    return _PLACEHOLDER.findall(path)


__all__ = ["Body", "Operation", "Param", "Spec", "Unusable", "fits", "last_placeholder", "placeholders", "squeezed"]
