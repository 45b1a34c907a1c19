"""An issue tracker with GraphQL, on Strawberry and SQLite: run by the tests in the environment of the systems.

Its habits are those of the field: a connection and an offset list, payloads with `userErrors`, a version that is
compared, mutations that compare none, errors with and without codes, `Decimal` as a scalar, `Float` beside it.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry
from aiohttp import web
from strawberry.aiohttp.views import GraphQLView
from strawberry.exceptions import StrawberryGraphQLError

COLUMNS = ("title", "note", "code", "estimate", "effort", "state", "owner_id", "ref")
DB = sqlite3.connect(sys.argv[2], isolation_level=None)
DB.row_factory = sqlite3.Row
DB.execute(
    "CREATE TABLE IF NOT EXISTS issue (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT, note TEXT, code TEXT UNIQUE,"
    " estimate TEXT, effort REAL, state TEXT NOT NULL DEFAULT 'OPEN', owner_id TEXT, ref TEXT,"
    " version INTEGER NOT NULL DEFAULT 1, updated TEXT NOT NULL)"
)
DB.execute("CREATE TABLE IF NOT EXISTS once (token TEXT PRIMARY KEY, id INTEGER NOT NULL)")


@strawberry.enum
class State(Enum):
    OPEN = "OPEN"
    DONE = "DONE"


@strawberry.type
class Owner:
    id: strawberry.ID


@strawberry.type
class Issue:
    id: strawberry.ID
    title: str | None = strawberry.field(description="What it is about.")
    note: str | None
    code: str | None
    estimate: Decimal | None
    effort: float | None
    state: State
    owner: Owner | None
    ref: str | None
    version: int
    updated_at: datetime

    @strawberry.field
    def boom(self) -> str | None:
        """Cannot be shown for an issue called so."""
        if self.title == "boom":
            raise RuntimeError("a field broke")
        return self.title


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class Edge:
    node: Issue


@strawberry.type
class Issues:
    nodes: list[Issue]
    edges: list[Edge]
    page_info: PageInfo
    total_count: int


@strawberry.input
class IssueFilter:
    title: str | None = None
    ref: str | None = None
    updated_since: datetime | None = None


@strawberry.input
class IssueInput:
    title: str | None = strawberry.UNSET
    note: str | None = strawberry.UNSET
    code: str | None = strawberry.UNSET
    estimate: Decimal | None = strawberry.UNSET
    effort: float | None = strawberry.UNSET
    state: State | None = strawberry.UNSET
    owner_id: strawberry.ID | None = strawberry.UNSET
    ref: str | None = strawberry.UNSET

    def given(self) -> dict[str, Any]:
        found = {name: getattr(self, name) for name in COLUMNS if getattr(self, name) is not strawberry.UNSET}
        return {name: stored(value) for name, value in found.items()}


def stored(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value.value if isinstance(value, State) else value


@strawberry.type
class UserError:
    field: list[str] | None
    message: str
    code: str | None


@strawberry.type
class IssuePayload:
    issue: Issue | None
    user_errors: list[UserError]
    replayed: bool = False


@strawberry.type
class DeletedPayload:
    deleted_id: strawberry.ID | None
    user_errors: list[UserError]


def shown(row: sqlite3.Row) -> Issue:
    return Issue(
        id=strawberry.ID(str(row["id"])),
        title=row["title"],
        note=row["note"],
        code=row["code"],
        estimate=None if row["estimate"] is None else Decimal(row["estimate"]),
        effort=row["effort"],
        state=State(row["state"]),
        owner=None if row["owner_id"] is None else Owner(id=strawberry.ID(row["owner_id"])),
        ref=row["ref"],
        version=row["version"],
        updated_at=datetime.fromisoformat(row["updated"]),
    )


def found(id: str) -> sqlite3.Row | None:
    if not id.isdecimal():
        return None
    return DB.execute("SELECT * FROM issue WHERE id = ?", (int(id),)).fetchone()


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def chosen(filter: IssueFilter | None) -> list[sqlite3.Row]:
    where, values = ["1"], []
    for column in ("title", "ref"):
        if filter is not None and getattr(filter, column) is not None:
            where.append(f"{column} = ?")
            values.append(getattr(filter, column))
    if filter is not None and filter.updated_since is not None:
        where.append("updated >= ?")
        values.append(filter.updated_since.astimezone(UTC).isoformat(timespec="milliseconds"))
    return DB.execute(f"SELECT * FROM issue WHERE {' AND '.join(where)} ORDER BY id", values).fetchall()


@strawberry.type
class Label:
    key: strawberry.ID
    colour: str
    last_modified: datetime

    @strawberry.field
    def shade(self, by: int) -> str:
        return f"{self.colour} {by}"


LABELS = [
    Label(key=strawberry.ID(name), colour=colour, last_modified=datetime(2026, 1, 1, tzinfo=UTC))
    for name, colour in (("bug", "red"), ("idea", "blue"))
]


@strawberry.type
class Query:
    @strawberry.field
    def labels(self, skip: int = 0, take: int = 50) -> list[Label]:
        return LABELS[skip : skip + take]

    @strawberry.field
    def label(self, key: strawberry.ID) -> Label | None:
        return next((label for label in LABELS if label.key == key), None)

    @strawberry.field
    def issues(self, first: int = 10, after: str | None = None, filter: IssueFilter | None = None) -> Issues:
        rows = chosen(filter)
        start = int(b64decode(after)) if after else 0
        later = [row for row in rows if row["id"] > start]
        page = later[: min(first, 10)]
        nodes = [shown(row) for row in page]
        end = b64encode(str(page[-1]["id"]).encode()).decode() if page else None
        info = PageInfo(has_next_page=len(later) > len(page), end_cursor=end)
        return Issues(nodes=nodes, edges=[Edge(node=node) for node in nodes], page_info=info, total_count=len(rows))

    @strawberry.field
    def issue_list(self, offset: int = 0, limit: int = 10) -> list[Issue]:
        return [shown(row) for row in chosen(None)[offset : offset + min(limit, 10)]]

    @strawberry.field
    def issue(self, id: strawberry.ID) -> Issue | None:
        row = found(id)
        return None if row is None else shown(row)

    @strawberry.field
    def strict_issue(self, id: strawberry.ID) -> Issue:
        """As `issue`, with an error where there is none."""
        row = found(id)
        if row is None:
            raise StrawberryGraphQLError("no such issue", extensions={"code": "NOT_FOUND"})
        return shown(row)


def changed(id: str, values: dict[str, Any], version: int | None) -> IssuePayload:
    row = found(id)
    if row is None:
        return IssuePayload(
            issue=None, user_errors=[UserError(field=["id"], message="no such issue", code="NOT_FOUND")]
        )
    if version is not None and row["version"] != version:
        said = f"the issue has version {row['version']}"
        return IssuePayload(issue=None, user_errors=[UserError(field=["version"], message=said, code="STALE")])
    if (wrong := refused(values)) is not None:
        return IssuePayload(issue=None, user_errors=[wrong])
    names = "".join(f"{name} = ?, " for name in values)
    try:
        DB.execute(
            f"UPDATE issue SET {names}version = version + 1, updated = ? WHERE id = ?",
            [*values.values(), now(), int(id)],
        )
    except sqlite3.IntegrityError:
        return IssuePayload(issue=None, user_errors=[UserError(field=["code"], message="is taken", code="TAKEN")])
    return IssuePayload(issue=shown(found(id)), user_errors=[])


def refused(values: dict[str, Any]) -> UserError | None:
    title = values.get("title")
    too_long = isinstance(title, str) and len(title) > 200
    return UserError(field=["title"], message="is too long (at most 200)", code="TOO_LONG") if too_long else None


@strawberry.type
class Mutation:
    @strawberry.mutation
    def create_issue(self, input: IssueInput, token: str | None = None) -> IssuePayload:
        values = input.given()
        if values.get("title") == "explode":
            raise RuntimeError("something broke")
        if values.get("title") == "forbidden":
            raise StrawberryGraphQLError("not for you", extensions={"code": "FORBIDDEN"})
        if token is not None and (row := DB.execute("SELECT id FROM once WHERE token = ?", (token,)).fetchone()):
            return IssuePayload(issue=shown(found(str(row["id"]))), user_errors=[], replayed=True)
        if (wrong := refused(values)) is not None:
            return IssuePayload(issue=None, user_errors=[wrong])
        names, marks = ", ".join([*values, "updated"]), ", ".join("?" * (len(values) + 1))
        try:
            cursor = DB.execute(f"INSERT INTO issue ({names}) VALUES ({marks})", [*values.values(), now()])
        except sqlite3.IntegrityError:
            return IssuePayload(issue=None, user_errors=[UserError(field=["code"], message="is taken", code="TAKEN")])
        if token is not None:
            DB.execute("INSERT INTO once VALUES (?, ?)", (token, cursor.lastrowid))
        return IssuePayload(issue=shown(found(str(cursor.lastrowid))), user_errors=[])

    @strawberry.mutation
    def update_issue(self, id: strawberry.ID, input: IssueInput, version: int | None = None) -> IssuePayload:
        return changed(id, input.given(), version)

    @strawberry.mutation
    def set_issue(
        self,
        id: strawberry.ID,
        title: str | None = strawberry.UNSET,
        code: str | None = strawberry.UNSET,
        estimate: Decimal | None = strawberry.UNSET,
    ) -> Issue | None:
        """As `update_issue`, with one variable for each value, and null for an issue that there is not."""
        return changed(id, IssueInput(title=title, code=code, estimate=estimate).given(), None).issue

    @strawberry.mutation
    def delete_issue(self, id: strawberry.ID, version: int | None = None) -> DeletedPayload:
        row = found(id)
        if row is None:
            return DeletedPayload(
                deleted_id=None, user_errors=[UserError(field=["id"], message="gone", code="NOT_FOUND")]
            )
        if version is not None and row["version"] != version:
            stale = UserError(field=["version"], message=f"the issue has version {row['version']}", code="STALE")
            return DeletedPayload(deleted_id=None, user_errors=[stale])
        DB.execute("DELETE FROM issue WHERE id = ?", (int(id),))
        return DeletedPayload(deleted_id=id, user_errors=[])

    @strawberry.mutation
    def drop_issue(self, id: strawberry.ID) -> bool:
        """As `delete_issue`, with a plain answer."""
        there = found(id) is not None
        DB.execute("DELETE FROM issue WHERE id = ?", (int(id) if id.isdecimal() else -1,))
        return there


SCHEMA = strawberry.Schema(Query, Mutation)


@web.middleware
async def signed_in(request: web.Request, handler: Any) -> web.StreamResponse:
    """Without a token nobody is answered, and in the way of GraphQL: status 200."""
    if request.headers.get("Authorization") != "Bearer good" and request.path == "/graphql":
        errors = [{"message": "sign in first", "extensions": {"code": "UNAUTHENTICATED"}}]
        return web.json_response({"data": None, "errors": errors})
    return await handler(request)


async def main() -> None:
    app = web.Application(middlewares=[signed_in], client_max_size=64 << 20)
    app.router.add_route("*", "/graphql", GraphQLView(schema=SCHEMA))
    app.router.add_get("/", lambda request: web.json_response({"up": True}))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(sys.argv[1])).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
