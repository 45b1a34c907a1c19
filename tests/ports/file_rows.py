"""Files of rows in the conformance suite: a person who opens the whole file, changes it and saves it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from accord.connectors.file import FileConnector
from accord.testing import ConnectorSuite, Harness


class RowsSuite(ConnectorSuite):
    """Whatever the file is and wherever it lies: `connector`, `load` and `save` say so."""

    keeps: dict[str, Any] = {}

    def connector(self) -> FileConnector:
        """To the file of tasks."""
        raise NotImplementedError

    def load(self) -> list[dict[str, Any]]:
        """All rows."""
        raise NotImplementedError

    def save(self, rows: list[dict[str, Any]]) -> None:
        """These rows and no others."""
        raise NotImplementedError

    @contextmanager
    def make(self) -> Iterator[Harness]:
        connector = self.connector()
        self.save([])
        yield Harness(
            connector=connector,
            datatype="task",
            text="name",
            unmapped="notes",
            decimal="price",
            insert=self.insert,
            edit=lambda id, natives: self.save(
                [{**row, **natives} if str(row["id"]) == id else row for row in self.load()]
            ),
            delete=lambda id: self.save([row for row in self.load() if str(row["id"]) != id]),
            get=lambda id: next((row for row in self.load() if str(row["id"]) == id), None),
            **self.keeps,
        )

    def insert(self, natives: Any) -> str:
        """A row with the next number."""
        rows = self.load()
        id = max((int(row["id"]) for row in rows), default=0) + 1
        self.save([*rows, {"id": id, **natives}])
        return str(id)
