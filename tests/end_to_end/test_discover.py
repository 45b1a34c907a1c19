"""`discover` on the two demonstration systems: what their APIs show is found by its paths."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy

from accord.config.load import load
from accord.engine.discovering import discover
from tests.end_to_end.world import World


def test_what_an_api_shows(world: World) -> None:
    """Types, options and nested properties, off the records of the listing; as many as asked for."""
    project = world.project()
    found = {each.name: each for each in discover(project.systems["custompms"], 50)}
    assert set(found) == {"customer", "project", "task"}
    for name in ("customer", "project"):
        mapped = {row.paths["custompms"] for row in project.flows[name].rows}
        if found[name].sampled:
            assert mapped <= {each.path for each in found[name].properties}


def test_what_postgresql_tells(postgres_url: str, tmp_path: Path) -> None:
    """Its own types, lengths, options and keys; tables of another schema are left alone."""
    engine = sqlalchemy.create_engine(postgres_url)
    with engine.begin() as at:
        at.exec_driver_sql("CREATE TYPE discover_state AS ENUM ('open', 'paid')")
        at.exec_driver_sql(
            "CREATE TABLE discover_invoice (no integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY, state discover_state, "
            "sum numeric(10, 2) NOT NULL, mail varchar(80), tags jsonb, at timestamptz)"
        )
        at.exec_driver_sql(
            "INSERT INTO discover_invoice (state, sum, mail, tags, at) "
            "SELECT 'open', 12.50, 'a' || n || '@example.org', '[\"x\"]', now() FROM generate_series(1, 25) n"
        )
    engine.dispose()
    file = tmp_path / "accord.yaml"
    file.write_text(
        f"accord: 1\nsystems:\n  db:\n    connector: sql\n    url: {postgres_url}\n"
        "    datatypes: {x: {table: discover_invoice, id: no}}\nflows: {}\n",
        "utf-8",
    )
    project = load(file)
    (found, *_) = discover(project.systems["db"], 50)
    seen = {each.path: each for each in found.properties}
    assert {path: each.type for path, each in seen.items()} == {
        "no": "integer",
        "state": "enum",
        "sum": "decimal(2)",
        "mail": "email",
        "tags[]": "list(string)",
        "at": "datetime",
    }
    assert (seen["state"].values, seen["no"].read_only, seen["sum"].required) == (("open", "paid"), True, True)
    assert seen["mail"].max_length == 80
