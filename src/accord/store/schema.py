"""The tables of the state. Their history is in `migrations/`; this is how they look now.

`seen` and `inbox` are what was read; `link`, `member`, `match_key` and `wait` what is settled; `proposal`, `need` and
`making` the plan of the round at work; `held`, `history` and `run` what people ask about.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

meta = Table("meta", metadata, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))

place = Table(
    "place",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("system", Text, nullable=False),
    Column("datatype", Text, nullable=False),
    UniqueConstraint("system", "datatype"),
)

lease = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("born", Text, nullable=False),
    Column("since", Text, nullable=False),
    Column("beat", Text, nullable=False),
)

cursor = Table(
    "cursor",
    metadata,
    Column("place", ForeignKey("place.id"), primary_key=True),
    Column("mark", Text),
    Column("mapping", Text, nullable=False),
    Column("read_at", Text),
    Column("complete_at", Text),
    Column("complete_count", Integer),
)

seen = Table(
    "seen",
    metadata,
    Column("row", Integer, primary_key=True),
    Column("place", Integer, nullable=False),
    Column("id", Text, nullable=False),
    Column("print", LargeBinary, nullable=False),
    UniqueConstraint("place", "id"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("place", Integer, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("native_id", Text, nullable=False),
    Column("content", LargeBinary),
    Column("version", Text),
    Column("modified", Text),
    Column("born", Integer),
    sqlite_with_rowid=False,
)

link = Table(
    "link",
    metadata,
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
Index("link_dirty", link.c.flow, link.c.id, sqlite_where=text("dirty = 1"), postgresql_where=text("dirty = 1"))

member = Table(
    "member",
    metadata,
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
    Column("created", Text),
    sqlite_with_rowid=False,
)
Index(
    "member_ref",
    member.c.place,
    member.c.id,
    unique=True,
    sqlite_where=text("open = 1"),
    postgresql_where=text("open = 1"),
)
Index(
    "member_closed",
    member.c.place,
    member.c.id,
    sqlite_where=text("open = 0"),
    postgresql_where=text("open = 0"),
)

match_key = Table(
    "match_key",
    metadata,
    Column("flow", Text, primary_key=True),
    Column("rule", Integer, primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("link", Integer, primary_key=True),
    Column("place", Integer, primary_key=True),
    sqlite_with_rowid=False,
)
Index("match_key_link", match_key.c.link, match_key.c.place)

wait = Table(
    "wait",
    metadata,
    Column("link", Integer, nullable=False),
    Column("row", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("on_link", Integer),
    Column("on_place", Integer),
    Column("on_id", Text),
)
Index("wait_link", wait.c.link)
Index("wait_on", wait.c.on_place, wait.c.on_id)

proposal = Table(
    "proposal",
    metadata,
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
Index("proposal_stage", proposal.c.stage, proposal.c.id)
Index("proposal_link", proposal.c.link, unique=True)

need = Table(
    "need",
    metadata,
    Column("proposal", Integer, nullable=False),
    Column("row", Text, nullable=False),
    Column("link", Integer, nullable=False),
    Column("system", Text, nullable=False),
    Column("essential", Integer, nullable=False),
)
Index("need_proposal", need.c.proposal)

making = Table(
    "making",
    metadata,
    Column("link", Integer, primary_key=True),
    Column("system", Text, primary_key=True),
    Column("proposal", Integer, nullable=False),
    sqlite_with_rowid=False,
)

held = Table(
    "held",
    metadata,
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
Index("held_open", held.c.link, sqlite_where=text("closed_at IS NULL"), postgresql_where=text("closed_at IS NULL"))

history = Table(
    "history",
    metadata,
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
Index("history_link", history.c.link)
Index("history_ref", history.c.ref)
Index("history_run", history.c.run)

run = Table(
    "run",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("started", Text, nullable=False),
    Column("finished", Text),
    Column("status", Integer),
    Column("by", Text),
    Column("report", Text),
    sqlite_autoincrement=True,
)
