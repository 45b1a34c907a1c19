"""The tracker as its own process, on Strawberry, and somebody who works in its database."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.real.server import SYSTEMS, Answer, free_port, send, serving

STARTS_WITHIN = 60.0
FIELDS = "id title code note estimate effort state owner { id } ref version updatedAt"
INPUTS = {"owner.id": "ownerId"}
CREATE = "mutation ($input: IssueInput!) { createIssue(input: $input) { issue { id } userErrors { message } } }"
UPDATE = "mutation ($id: ID!, $input: IssueInput!) { updateIssue(id: $id, input: $input) { issue { id } } }"
DELETE = "mutation ($id: ID!) { deleteIssue(id: $id) { deletedId } }"
GET = f"query ($id: ID!) {{ issue(id: $id) {{ {FIELDS} }} }}"


class Tracker:
    """A running tracker. People write without a version: the last one wins."""

    def __init__(self, url: str, file: Path) -> None:
        self.url, self.file = url, file

    def __call__(self, query: str, **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        answer: Answer = send("POST", self.url, body, {"Authorization": "Bearer good"})
        assert "errors" not in answer.json, answer.json
        return answer.json["data"]

    def empty(self) -> None:
        with closing(sqlite3.connect(self.file, timeout=10)) as db, db:
            db.execute("DELETE FROM issue")
            db.execute("DELETE FROM once")

    def insert(self, natives: Mapping[str, Any]) -> str:
        return str(self(CREATE, input=_input(natives))["createIssue"]["issue"]["id"])

    def edit(self, id: str, natives: Mapping[str, Any]) -> None:
        assert self(UPDATE, id=id, input=_input(natives))["updateIssue"]["issue"]

    def delete(self, id: str) -> None:
        assert self(DELETE, id=id)["deleteIssue"]["deletedId"] == id

    def get(self, id: str) -> dict[str, Any] | None:
        found = self(GET, id=id)["issue"]
        return None if found is None else {**found, "owner.id": (found["owner"] or {}).get("id")}


def _input(natives: Mapping[str, Any]) -> dict[str, Any]:
    named = {INPUTS.get(name, name): value for name, value in natives.items()}
    return {name: str(value) if name == "estimate" and value is not None else value for name, value in named.items()}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracker]:
    """One process for all tests of this folder."""
    assert (SYSTEMS / "strawberry").is_file(), f"there is no Strawberry in {SYSTEMS}: run `make systems`"
    folder, port = tmp_path_factory.mktemp("tracker"), free_port()
    file = folder / "tracker.db"
    command = [SYSTEMS / "python", Path(__file__).parent / "tracker.py", str(port), file]
    with serving(command, folder, lambda: send("GET", f"http://127.0.0.1:{port}/"), STARTS_WITHIN):
        yield Tracker(f"http://127.0.0.1:{port}/graphql", file)


@pytest.fixture
def tracker(server: Tracker) -> Tracker:
    """The tracker without issues."""
    server.empty()
    return server
