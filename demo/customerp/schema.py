"""CustomERP's datatypes and its database, which other programs may also reach with SQL.

For those who write SQL to it:

- `customer_no` and `project_no` are generated columns, `C-01001` from `seq` 1001: leave both out of an INSERT, and
  `INSERT ... RETURNING customer_no` tells the number. They cannot be set.
- `created_at`, `changed_at` and `row_version` have defaults. An UPDATE that leaves `row_version` alone moves it by one
  and sets `changed_at` (trigger `*_moved`; RETURNING shows the values before the trigger). One that sets `row_version`
  itself is taken as it is; `changed_at` then still moves.
- References, and deletions of what is referred to, are refused by triggers, whatever `PRAGMA foreign_keys` says.
- Names longer than 60 characters and values outside a list are refused by CHECK, where the API cuts or answers 422.
"""

from ..model import Datatype, Property

NAME_LENGTH = 60
STAMPS = (
    Property(name="external_ref", title="External reference", exact=True, listed=False),
    Property(name="version", title="Version", type="integer", read_only=True, listed=False),
    Property(name="created_at", title="Created", type="datetime", read_only=True, listed=False),
    Property(name="changed_at", title="Changed", type="datetime", read_only=True),
)
CUSTOMERS = Datatype(
    path="customers",
    name="customer",
    title="Customer",
    plural="Customers",
    id="customer_no",
    label="customer_name",
    changed="changed_at",
    proof="version",
    properties=(
        Property(name="customer_no", title="Number", read_only=True, searched=True),
        Property(
            name="customer_name",
            title="Name",
            required=True,
            searched=True,
            exact=True,
            max_length=NAME_LENGTH,
        ),
        Property(name="vat_no", title="VAT number", searched=True, exact=True),
        Property(name="email", title="E-mail", searched=True, exact=True),
        Property(name="contact_name", title="Contact", searched=True),
        Property(name="phone", title="Phone", listed=False),
        Property(name="country", title="Country", max_length=2),
        Property(name="website", title="Website", listed=False),
        Property(name="remarks", title="Remarks", type="text", listed=False),
        *STAMPS,
    ),
)
PROJECTS = Datatype(
    path="projects",
    name="project",
    title="Project",
    plural="Projects",
    id="project_no",
    label="description",
    changed="changed_at",
    proof="version",
    properties=(
        Property(name="project_no", title="Number", read_only=True, searched=True),
        Property(
            name="kind",
            title="Kind",
            type="enum",
            values=("project", "task"),
            labels=("Project", "Task"),
            default="project",
            exact=True,
        ),
        Property(
            name="description",
            title="Description",
            required=True,
            searched=True,
            exact=True,
            max_length=NAME_LENGTH,
        ),
        Property(name="customer_no", title="Customer", type="reference", refers_to="customers", exact=True),
        Property(name="parent_no", title="Part of", type="reference", refers_to="projects", exact=True),
        Property(
            name="status",
            title="Status",
            type="enum",
            values=("A", "H", "C"),
            labels=("Active", "On hold", "Closed"),
            default="A",
            exact=True,
        ),
        Property(name="budget_amount", title="Budget", type="amount"),
        Property(name="currency", title="Currency", max_length=3, default="NOK", listed=False),
        Property(name="start_date", title="Start", type="date", listed=False),
        Property(name="due_date", title="Due", type="date"),
        Property(name="planned_minutes", title="Planned (min)", type="integer"),
        Property(name="spent_minutes", title="Spent (min)", type="integer", listed=False),
        Property(name="text", title="Text", type="text", listed=False),
        Property(name="responsible_email", title="Responsible", searched=True, exact=True, listed=False),
        *STAMPS,
    ),
)
DATATYPES = (CUSTOMERS, PROJECTS)
UPPER_CASED = frozenset({"country", "currency"})

# The whole-second time of Oslo: SQLite knows no zones, but the rule of the European Union is short. Summer time
# runs from 01:00 UTC of the last Sunday of March to 01:00 UTC of the last Sunday of October.
OSLO_NOW = """strftime('%Y-%m-%dT%H:%M:%S', 'now', CASE WHEN datetime('now')
        >= datetime(strftime('%Y', 'now') || '-03-25', 'weekday 0', '+1 hour') AND datetime('now')
        < datetime(strftime('%Y', 'now') || '-10-25', 'weekday 0', '+1 hour') THEN '+2 hours' ELSE '+1 hours' END)"""

_TAIL = f"""
    external_ref VARCHAR(100),
    row_version INTEGER NOT NULL DEFAULT 1,
    created_at VARCHAR(19) NOT NULL DEFAULT ({OSLO_NOW}),
    changed_at VARCHAR(19) NOT NULL DEFAULT ({OSLO_NOW})
);
"""
TABLES = f"""
CREATE TABLE IF NOT EXISTS customer (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    customer_no VARCHAR(12) GENERATED ALWAYS AS (printf('C-%05d', seq)) STORED UNIQUE,
    customer_name VARCHAR(60) NOT NULL CHECK (length(customer_name) BETWEEN 1 AND 60),
    vat_no VARCHAR(40),
    email VARCHAR(200),
    contact_name VARCHAR(200),
    phone VARCHAR(60),
    country VARCHAR(2) CHECK (length(country) <= 2),
    website VARCHAR(300),
    remarks TEXT,{_TAIL}
CREATE TABLE IF NOT EXISTS project (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    project_no VARCHAR(12) GENERATED ALWAYS AS (printf('P-%05d', seq)) STORED UNIQUE,
    kind VARCHAR(7) NOT NULL DEFAULT 'project' CHECK (kind IN ('project', 'task')),
    description VARCHAR(60) NOT NULL CHECK (length(description) BETWEEN 1 AND 60),
    customer_no VARCHAR(12) REFERENCES customer (customer_no),
    parent_no VARCHAR(12) REFERENCES project (project_no),
    status VARCHAR(1) NOT NULL DEFAULT 'A' CHECK (status IN ('A', 'H', 'C')),
    budget_amount VARCHAR(24),
    currency VARCHAR(3) DEFAULT 'NOK' CHECK (length(currency) <= 3),
    start_date VARCHAR(10),
    due_date VARCHAR(10),
    planned_minutes INTEGER,
    spent_minutes INTEGER,
    text TEXT,
    responsible_email VARCHAR(200),{_TAIL}
CREATE UNIQUE INDEX IF NOT EXISTS customer_vat_no_unique ON customer (vat_no) WHERE vat_no <> '';
INSERT INTO sqlite_sequence (name, seq) SELECT 'customer', 1000
    WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'customer');
INSERT INTO sqlite_sequence (name, seq) SELECT 'project', 20000
    WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'project');
"""

_MOVED = f"""
CREATE INDEX IF NOT EXISTS {{t}}_changed ON {{t}} (changed_at);
CREATE TRIGGER IF NOT EXISTS {{t}}_moved AFTER UPDATE ON {{t}} WHEN NEW.row_version IS OLD.row_version BEGIN
    UPDATE {{t}} SET row_version = OLD.row_version + 1, changed_at = {OSLO_NOW} WHERE seq = NEW.seq;
END;
CREATE TRIGGER IF NOT EXISTS {{t}}_dated AFTER UPDATE ON {{t}}
    WHEN NEW.row_version IS NOT OLD.row_version AND NEW.changed_at IS OLD.changed_at
        AND OLD.changed_at <> {OSLO_NOW} BEGIN
    UPDATE {{t}} SET changed_at = {OSLO_NOW} WHERE seq = NEW.seq;
END;
"""
_REFERENCE = """
CREATE TRIGGER IF NOT EXISTS project_{c}_inserted BEFORE INSERT ON project WHEN NEW.{c} IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM {t} WHERE {k} = NEW.{c}) BEGIN
    SELECT RAISE(ABORT, 'FOREIGN KEY constraint failed: project.{c}');
END;
CREATE TRIGGER IF NOT EXISTS project_{c}_updated BEFORE UPDATE OF {c} ON project WHEN NEW.{c} IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM {t} WHERE {k} = NEW.{c}) BEGIN
    SELECT RAISE(ABORT, 'FOREIGN KEY constraint failed: project.{c}');
END;
CREATE TRIGGER IF NOT EXISTS {t}_in_use BEFORE DELETE ON {t}
    WHEN EXISTS (SELECT 1 FROM project WHERE {c} = OLD.{k} {but}) BEGIN
    SELECT RAISE(ABORT, 'FOREIGN KEY constraint failed: {t} is in use');
END;
"""


def script() -> str:
    """The statements that make an empty database."""
    exact = [(t.name, p.column) for t in DATATYPES for p in t.properties if p.exact]
    indexes = "".join(f"CREATE INDEX IF NOT EXISTS {t}_{c} ON {t} ({c}) WHERE {c} IS NOT NULL;\n" for t, c in exact)
    references = _REFERENCE.format(c="customer_no", t="customer", k="customer_no", but="")
    references += _REFERENCE.format(c="parent_no", t="project", k="project_no", but="AND seq <> OLD.seq")
    return TABLES + indexes + _MOVED.format(t="customer") + _MOVED.format(t="project") + references
