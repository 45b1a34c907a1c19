"""The first schema. It is frozen: what changes later is a migration of its own."""

from alembic import op
from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, Text, UniqueConstraint, text

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "meta",
        Column("key", Text, primary_key=True),
        Column("value", Text, nullable=False),
    )
    op.create_table(
        "place",
        Column("id", Integer, primary_key=True),
        Column("system", Text, nullable=False),
        Column("datatype", Text, nullable=False),
        UniqueConstraint("system", "datatype"),
    )
    op.create_table(
        "lease",
        Column("name", Text, primary_key=True),
        Column("holder", Text, nullable=False),
        Column("host", Text, nullable=False),
        Column("pid", Integer, nullable=False),
        Column("born", Text, nullable=False),
        Column("since", Text, nullable=False),
        Column("beat", Text, nullable=False),
    )
    op.create_table(
        "cursor",
        Column("place", Integer, ForeignKey("place.id"), primary_key=True),
        Column("mark", Text),
        Column("mapping", Text, nullable=False),
        Column("read_at", Text),
        Column("complete_at", Text),
        Column("complete_count", Integer),
    )
    op.create_table(
        "seen",
        Column("row", Integer, primary_key=True),
        Column("place", Integer, nullable=False),
        Column("id", Text, nullable=False),
        Column("print", LargeBinary, nullable=False),
        UniqueConstraint("place", "id"),
    )
    op.create_table(
        "inbox",
        Column("place", Integer, primary_key=True),
        Column("id", Text, primary_key=True),
        Column("native_id", Text, nullable=False),
        Column("content", LargeBinary),
        Column("version", Text),
        Column("modified", Text),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "link",
        Column("id", Integer, primary_key=True),
        Column("flow", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("agreed", Text, nullable=False, server_default="{}"),
        Column("dirty", Integer, nullable=False, server_default="0"),
        Column("pinned", Integer, nullable=False, server_default="0"),
        Column("why", Text),
        Column("since", Text),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "link_dirty", "link", ["flow", "id"], sqlite_where=text("dirty = 1"), postgresql_where=text("dirty = 1")
    )
    op.create_table(
        "member",
        Column("link", Integer, primary_key=True),
        Column("place", Integer, primary_key=True),
        Column("id", Text, primary_key=True),
        Column("native_id", Text, nullable=False),
        Column("base", Text, nullable=False),
        Column("behind", Text, nullable=False, server_default=""),
        Column("version", Text),
        Column("modified", Text),
        Column("clean", Integer, nullable=False, server_default="1"),
        Column("gone", Integer, nullable=False, server_default="0"),
        Column("open", Integer, nullable=False, server_default="1"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "member_closed", "member", ["place", "id"], sqlite_where=text("open = 0"), postgresql_where=text("open = 0")
    )
    op.create_index(
        "member_ref",
        "member",
        ["place", "id"],
        unique=True,
        sqlite_where=text("open = 1"),
        postgresql_where=text("open = 1"),
    )
    op.create_table(
        "match_key",
        Column("flow", Text, primary_key=True),
        Column("rule", Integer, primary_key=True),
        Column("key", LargeBinary, primary_key=True),
        Column("link", Integer, primary_key=True),
        Column("place", Integer, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("match_key_link", "match_key", ["link", "place"])
    op.create_table(
        "wait",
        Column("link", Integer, nullable=False),
        Column("row", Text, nullable=False),
        Column("target", Text, nullable=False),
        Column("on_link", Integer),
        Column("on_place", Integer),
        Column("on_id", Text),
    )
    op.create_index("wait_link", "wait", ["link"])
    op.create_index("wait_on", "wait", ["on_place", "on_id"])
    op.create_table(
        "proposal",
        Column("id", Integer, primary_key=True),
        Column("run", Integer, nullable=False),
        Column("flow", Text, nullable=False),
        Column("link", Integer, nullable=False),
        Column("stage", Integer, nullable=False),
        Column("verdict", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("ops", Text, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("sent_at", Text),
        Column("why", Text),
        sqlite_autoincrement=True,
    )
    op.create_index("proposal_link", "proposal", ["link"], unique=True)
    op.create_index("proposal_stage", "proposal", ["stage", "id"])
    op.create_table(
        "need",
        Column("proposal", Integer, nullable=False),
        Column("row", Text, nullable=False),
        Column("link", Integer, nullable=False),
        Column("system", Text, nullable=False),
        Column("essential", Integer, nullable=False),
    )
    op.create_index("need_proposal", "need", ["proposal"])
    op.create_table(
        "making",
        Column("link", Integer, primary_key=True),
        Column("system", Text, primary_key=True),
        Column("proposal", Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "held",
        Column("id", Integer, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("flow", Text),
        Column("link", Integer),
        Column("row", Text),
        Column("refs", Text, nullable=False),
        Column("values", Text, nullable=False),
        Column("base", Text),
        Column("reason", Text, nullable=False),
        Column("since", Text, nullable=False),
        Column("run", Integer),
        Column("decision", Text),
        Column("decided_by", Text),
        Column("decided_at", Text),
        Column("closed_at", Text),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "held_open",
        "held",
        ["link"],
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    )
    op.create_table(
        "history",
        Column("id", Integer, primary_key=True),
        Column("run", Integer, nullable=False),
        Column("at", Text, nullable=False),
        Column("flow", Text),
        Column("link", Integer),
        Column("system", Text),
        Column("ref", Text),
        Column("op", Text, nullable=False),
        Column("changes", Text, nullable=False),
        Column("outcome", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("caused_by", Text),
        Column("by", Text),
    )
    op.create_index("history_link", "history", ["link"])
    op.create_index("history_ref", "history", ["ref"])
    op.create_index("history_run", "history", ["run"])
    op.create_table(
        "run",
        Column("id", Integer, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("started", Text, nullable=False),
        Column("finished", Text),
        Column("status", Integer),
        Column("by", Text),
        Column("report", Text),
        sqlite_autoincrement=True,
    )
