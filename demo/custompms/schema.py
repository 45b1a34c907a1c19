"""CustomPMS's datatypes and its database."""

from ..model import Datatype, Property

STATES = {"values": ("open", "active", "done"), "labels": ("Open", "Active", "Done"), "default": "open"}
STAMPS = (
    Property(name="created_at", title="Created", type="datetime", read_only=True, listed=False),
    Property(name="updated_at", title="Updated", type="datetime", read_only=True),
    Property(name="deleted_at", title="Deleted", type="datetime", read_only=True, listed=False),
    Property(name="etag", title="ETag", read_only=True, listed=False),
)
ID = Property(name="id", title="Id", type="integer", read_only=True)

CUSTOMERS = Datatype(
    path="customers",
    name="customer",
    title="Customer",
    plural="Customers",
    id="id",
    label="name",
    changed="updated_at",
    proof="etag",
    properties=(
        ID,
        Property(name="name", title="Name", required=True, searched=True, exact=True),
        Property(name="org_number", title="Organisation number", searched=True, exact=True),
        Property(name="phone", title="Phone", listed=False),
        Property(name="country", title="Country", listed=True),
        Property(name="website", title="Website", listed=False),
        Property(name="notes", title="Notes", type="text", listed=False),
        Property(name="contact.name", title="Contact", searched=True),
        Property(name="contact.email", title="E-mail", searched=True, exact=True),
        *STAMPS,
    ),
)
PROJECTS = Datatype(
    path="projects",
    name="project",
    title="Project",
    plural="Projects",
    id="id",
    label="title",
    changed="updated_at",
    proof="etag",
    properties=(
        ID,
        Property(name="title", title="Title", required=True, searched=True, exact=True),
        Property(name="customer_id", title="Customer", type="reference", refers_to="customers", exact=True),
        Property(name="state", title="State", type="enum", **STATES),
        Property(name="budget", title="Budget", type="decimal"),
        Property(name="starts_on", title="Starts", type="date", listed=False),
        Property(name="due_on", title="Due", type="date"),
        Property(name="description", title="Description", type="text", listed=False),
        Property(name="parent_id", title="Part of", type="reference", refers_to="projects", listed=False),
        *STAMPS,
    ),
)
TASKS = Datatype(
    path="tasks",
    name="task",
    title="Task",
    plural="Tasks",
    id="id",
    label="name",
    changed="updated_at",
    proof="etag",
    properties=(
        ID,
        Property(name="name", title="Name", required=True, searched=True, exact=True),
        Property(name="project_id", title="Project", type="reference", refers_to="projects", required=True, exact=True),
        Property(name="parent_task_id", title="Part of", type="reference", refers_to="tasks", exact=True, listed=False),
        Property(name="state", title="State", type="enum", **STATES),
        Property(name="hours_estimate", title="Estimate (h)", type="decimal"),
        Property(name="hours_spent", title="Spent (h)", type="decimal"),
        Property(name="due_on", title="Due", type="date"),
        Property(name="assignee_email", title="Assignee", searched=True, exact=True),
        Property(name="description", title="Description", type="text", listed=False),
        *STAMPS,
    ),
)
DATATYPES = (CUSTOMERS, PROJECTS, TASKS)

# Decimals are kept as text, digit for digit; times as 2026-11-23T10:00:00.123Z, so that they sort as text.
_COLUMN_TYPES = {"integer": "INTEGER", "reference": "INTEGER"}
_HELPERS = """
CREATE TABLE IF NOT EXISTS idempotency (
    key TEXT PRIMARY KEY, request TEXT NOT NULL, datatype TEXT NOT NULL, id INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS webhooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, url TEXT NOT NULL, secret TEXT NOT NULL, events TEXT NOT NULL,
    created_at TEXT NOT NULL
);
"""


def data_columns(datatype: Datatype) -> tuple[str, ...]:
    """The columns that clients write, in the order of the properties."""
    return tuple(p.column for p in datatype.writable())


def script() -> str:
    """The statements that make an empty database."""
    return "".join(_table(datatype) for datatype in DATATYPES) + _HELPERS


def _table(datatype: Datatype) -> str:
    t = datatype.path
    columns = "".join(f"    {p.column} {_COLUMN_TYPES.get(p.type, 'TEXT')},\n" for p in datatype.writable())
    exact = [p.column for p in datatype.properties if p.exact]
    indexes = "".join(f"CREATE INDEX IF NOT EXISTS {t}_{c} ON {t} ({c}) WHERE {c} IS NOT NULL;\n" for c in exact)
    return f"""
CREATE TABLE IF NOT EXISTS {t} (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
{columns}    created_at TEXT NOT NULL, updated_at TEXT NOT NULL, deleted_at TEXT, revision INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX IF NOT EXISTS {t}_updated ON {t} (updated_at);
CREATE INDEX IF NOT EXISTS {t}_live ON {t} (id) WHERE deleted_at IS NULL;
{indexes}"""
