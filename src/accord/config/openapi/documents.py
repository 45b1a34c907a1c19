"""Reads an OpenAPI document and the files beside it, and follows its references; nothing is fetched.

References lead to the same file or to files in its folder (or below), each of bounded size; an address is never opened.
JSON references as in OpenAPI 3.1 (Reference Object) and RFC 6901; the library `referencing` follows them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from referencing._core import Resolved, Resolver

MAX_BYTES = 32 << 20
"""Of a document in JSON. GitHub's, the largest of those we know, has 12 MB."""
MAX_YAML = 4 << 20
MAX_FILES = 100
MAX_HOPS = 30
"""References that lead to nothing but another reference."""


class Unusable(Exception):
    """The document cannot be read, or a reference of it leads nowhere. `hint` says what to do."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the document, with the way to follow references from it."""

    data: Any
    resolver: Resolver[Any]
    place: str
    """Where it stands, as `paths./customers.get`."""
    name: str = ""
    """The last part of the reference that led here: the name of a schema."""
    of: str = ""
    """The whole of that reference; what two places have in common where they mean the same schema."""

    def get(self, *keys: str) -> Node:
        """What stands below, with references followed; a Node of None where there is nothing."""
        node: Node = self
        for key in keys:
            inner = node.data.get(key) if isinstance(node.data, dict) else None
            node = _followed(Node(inner, node.resolver, f"{node.place}.{key}" if node.place else key))
        return node

    def items(self) -> Iterator[tuple[str, Node]]:
        """What stands below each key of a mapping."""
        if isinstance(self.data, dict):
            for key in self.data:
                yield str(key), self.get(key) if isinstance(key, str) else self.inside(key)

    def inside(self, key: Any) -> Node:
        """An entry by a key that is no text: YAML reads the status `200` as a number."""
        return _followed(Node(self.data[key], self.resolver, f"{self.place}.{key}"))

    def each(self) -> Iterator[Node]:
        """What stands in a list."""
        if isinstance(self.data, list):
            for at, inner in enumerate(self.data):
                yield _followed(Node(inner, self.resolver, f"{self.place}[{at}]"))

    def __bool__(self) -> bool:
        return self.data is not None

    @property
    def text(self) -> str:
        """The value if it is text, else nothing."""
        return self.data if isinstance(self.data, str) else ""


def _followed(node: Node) -> Node:
    """The value that a reference means. Raises Unusable."""
    for _ in range(MAX_HOPS):
        ref = node.data.get("$ref") if isinstance(node.data, dict) else None
        if not isinstance(ref, str):
            return node
        found = _looked_up(node, ref)
        node = Node(found.contents, found.resolver, node.place, unquote(ref.rpartition("/")[2]), ref)
    raise Unusable(f"{node.place}: its references lead in a circle and nowhere else")


def _looked_up(node: Node, ref: str) -> Resolved[Any]:
    from referencing.exceptions import Unresolvable

    try:
        return node.resolver.lookup(ref)
    except Unresolvable as error:
        cause = error.__cause__
        while cause is not None and not isinstance(cause, Unusable):
            cause = cause.__cause__
        if cause is not None:
            raise Unusable(f"{node.place}: {cause.message}", cause.hint) from None
        raise Unusable(f"{node.place}: there is nothing at {ref!r}", "mend the document") from None


def read_document(file: Path) -> Node:
    """The root of a document. Raises Unusable."""
    from referencing import Registry, Resource

    folder = file.parent.resolve()
    count = [0]

    def retrieve(uri: str) -> Resource[Any]:
        count[0] += 1
        if count[0] > MAX_FILES:
            raise Unusable(f"its references lead to more than {MAX_FILES} files")
        return Resource.opaque(_content(_beside(uri, folder)))

    root = _content(file)
    if not isinstance(root, dict):
        raise Unusable(f"{file.name} is no OpenAPI document", "it begins with `openapi: 3…`, or with `swagger: 2.0`")
    base = file.resolve().as_uri()
    registry: Registry[Any] = Registry(retrieve=retrieve).with_resource(base, Resource.opaque(root))  # type: ignore[call-arg]
    return Node(root, registry.resolver(base), "")


def _beside(uri: str, folder: Path) -> Path:
    parts = urlsplit(uri)
    if parts.scheme != "file" or parts.netloc:
        where = f"{parts.scheme}://{parts.netloc}" if parts.netloc else uri[:80]
        raise Unusable(f"a reference leads to {where}, which is not asked", "put that file beside the document")
    found = Path(unquote(parts.path)).resolve()
    if not found.is_relative_to(folder):
        raise Unusable("a reference leads out of the document's folder", "put that file beside the document")
    return found


def _content(file: Path) -> Any:
    try:
        size = file.stat().st_size
        longest = MAX_YAML if file.suffix.lower() in (".yaml", ".yml") else MAX_BYTES
        if size > longest:
            raise Unusable(f"{file.name} has {size:,} bytes, and at most {longest:,} are read", "save it as JSON")
        content = file.read_bytes()
    except OSError as error:
        raise Unusable(f"{file.name} cannot be read: {error.strerror or error}") from None
    return parsed(content, file.name)


def parsed(content: bytes, name: str) -> Any:
    """JSON, else YAML, as plain data. Raises Unusable."""
    import msgspec

    text = content.removeprefix(b"\xef\xbb\xbf")
    if text.lstrip()[:1] in (b"{", b"["):
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            pass  # YAML that begins so
    if len(text) > MAX_YAML:
        raise Unusable(f"{name} is no JSON, and as YAML it is too large", "save it as JSON")
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe", pure=True).load(text.decode("utf-8"))
    except (YAMLError, ValueError, RecursionError) as error:
        said = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise Unusable(f"{name} is neither JSON nor YAML: {said}") from None


def version_of(root: Node) -> tuple[int, int]:
    """`(3, 1)`; `(2, 0)` for Swagger. Raises Unusable for anything else."""
    said = str(root.data.get("openapi") or root.data.get("swagger") or "")
    major, _, rest = said.partition(".")
    minor = rest.partition(".")[0]
    found = (int(major), int(minor)) if major.isdecimal() and minor.isdecimal() and len(said) < 20 else (0, 0)
    if found not in ((2, 0), (3, 0), (3, 1), (3, 2)):
        raise Unusable(f"the version {said[:20]!r} of OpenAPI is not known", "2.0, 3.0 and 3.1 are")
    return found
