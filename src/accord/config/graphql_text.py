"""Operations of GraphQL as text: parsed, and asked what they declare and select. Nothing here knows a system.

A path of an answer is made of response keys: `issues.edges[].node` is, below `data`, a list of objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from accord.config.kinds import refuse

if TYPE_CHECKING:
    from graphql import DocumentNode, FragmentDefinitionNode, OperationDefinitionNode

DEEPEST = 16
CONTAINERS = ("nodes", "edges", "items", "results", "data", "records")
"""Fields in which lists of records usually are."""


def require_parser() -> None:
    """Refuses the key when the library that reads GraphQL is not installed."""
    try:
        import graphql  # noqa: F401
    except ModuleNotFoundError:
        refuse("GraphQL needs the extra `graphql`", hint="pip install 'accord[graphql]'")


def operation_text(value: str) -> str:
    """The text, when it is one operation of GraphQL with its fragments; else it is refused."""
    require_parser()
    from graphql import GraphQLError, OperationDefinitionNode

    try:
        document = parsed(value)
    except GraphQLError as error:
        line = f"line {error.locations[0].line}: " if error.locations else ""
        refuse(f"not GraphQL: {line}{error.message.splitlines()[0]}", hint="write one whole query or mutation")
    except RecursionError:
        refuse("a query that is nested too deeply")
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    if len(operations) != 1:
        refuse(f"{len(operations)} operations", allowed="one query or mutation, and fragments that it uses")
    return value


def parsed(text: str) -> DocumentNode:
    """The document. Raises GraphQLError."""
    from graphql import parse

    return parse(text, no_location=False, max_tokens=20_000)


class Operation:
    """One operation of a document that `operation_text` has accepted."""

    def __init__(self, text: str) -> None:
        from graphql import FragmentDefinitionNode, OperationDefinitionNode

        self.text = text
        self.document = parsed(text)
        found = self.document.definitions
        self.node: OperationDefinitionNode = next(one for one in found if isinstance(one, OperationDefinitionNode))
        self._fragments: Mapping[str, FragmentDefinitionNode] = {
            one.name.value: one for one in found if isinstance(one, FragmentDefinitionNode)
        }

    @property
    def kind(self) -> str:
        """`query`, `mutation` or `subscription`."""
        return self.node.operation.value

    def variables(self) -> dict[str, str]:
        """Name → type, as it is written."""
        from graphql import print_ast

        return {one.variable.name.value: print_ast(one.type) for one in self.node.variable_definitions or ()}

    def root(self) -> str:
        """The response key of the first field."""
        return next(iter(self.selected("")), "")

    def selected(self, path: str) -> dict[str, Any]:
        """Response key → field, of what is selected at a path; empty where there is no such path."""
        fields = dict(self._fields(self.node.selection_set, 0))
        for step in filter(None, path.split(".")):
            field = fields.get(step.removesuffix("[]"))
            if field is None or field.selection_set is None:
                return {}
            fields = dict(self._fields(field.selection_set, 0))
        return fields

    def has(self, path: str) -> bool:
        """Whether something is selected at a path."""
        head, _, last = path.rpartition(".")
        return last.removesuffix("[]") in self.selected(head)

    def leaves(self, path: str, depth: int = 0) -> Iterator[str]:
        """The paths of all scalars below a path, from there."""
        for key, field in self.selected(path).items():
            if field.selection_set is None:
                yield key
            elif depth < DEEPEST:
                yield from (f"{key}.{leaf}" for leaf in self.leaves(f"{path}.{key}".strip("."), depth + 1))

    def record_path(self, id: str) -> str | None:
        """Where one record is: the shallowest object in which the id is selected."""
        return next((path for path in self._objects() if self.has(f"{path}.{id}")), None)

    def records_path(self, id: str) -> str | None:
        """Where a list of records is, by the usual names of such lists."""
        root = self.root()
        for path in (root, *(f"{root}.{name}" for name in CONTAINERS)):
            if self.has(f"{path}.{id}"):
                return path
            if self.has(f"{path}.node.{id}"):
                return f"{path}[].node"
        return None

    def _objects(self) -> Iterator[str]:
        level = [key for key, field in self.selected("").items() if field.selection_set is not None]
        for _ in range(4):
            yield from level
            level = [
                f"{path}.{key}"
                for path in level
                for key, field in self.selected(path).items()
                if field.selection_set is not None
            ]

    def _fields(self, selection: Any, depth: int) -> Iterator[tuple[str, Any]]:
        from graphql import FieldNode, FragmentSpreadNode, InlineFragmentNode

        if selection is None or depth > DEEPEST:
            return
        for one in selection.selections:
            if isinstance(one, FieldNode):
                yield (one.alias or one.name).value, one
            elif isinstance(one, InlineFragmentNode):
                yield from self._fields(one.selection_set, depth + 1)
            elif isinstance(one, FragmentSpreadNode) and one.name.value in self._fragments:
                yield from self._fields(self._fragments[one.name.value].selection_set, depth + 1)
