"""A new state is made from `fresh.sql`, which says what all migrations together come to; a test compares the two.

Alembic and SQLAlchemy take 0.7 s to load: a first round does without. `python -m accord.store.fresh` writes the file.
"""

from __future__ import annotations

from importlib.resources import files

from accord.store.database import Database

HEAD = "0002"
"""The newest migration. A state file that says anything else is migrated, or refused when it is newer."""


def make_fresh(db: Database) -> None:
    """Make every table of an empty state, unless another process has just done so."""
    with db.transaction():
        if db.one("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"):
            return
        for statement in statements():
            db.run(statement)
        db.run("INSERT INTO alembic_version (version_num) VALUES (?)", (HEAD,))


def statements() -> list[str]:
    """The statements that make an empty state."""
    text = files("accord.store").joinpath("fresh.sql").read_text(encoding="utf-8")
    return [statement.strip() for statement in text.split(";\n") if statement.strip()]


def written() -> str:
    """What `fresh.sql` must hold: the schema that the migrations make."""
    import sqlite3

    from accord.store.opening import upgrade

    db = Database(lambda: sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False), "fresh")
    upgrade(db)
    made = db.rows("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid")
    return "".join(f"{row[0].strip()};\n" for row in made)


if __name__ == "__main__":
    from pathlib import Path

    Path(__file__).with_name("fresh.sql").write_text(written(), encoding="utf-8")
