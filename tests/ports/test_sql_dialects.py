"""The statements of the SQL connector in the words of databases that no server is here for."""

from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sql
from sqlalchemy.dialects import mssql, mysql, oracle
from sqlalchemy.engine import Dialect

from accord.config.meaning import Datatype
from accord.connectors.sql import SqlConnector
from accord.connectors.sql_table import Reflected, SqlTable
from accord.connectors.sql_types import Column, Kind, Speech
from accord.errors import MendFile
from tests.ports.sql_harness import by_version, system

KINDS: dict[str, Kind] = {
    "id": "integer", "name": "text", "price": "decimal", "done": "boolean", "due": "date", "changed": "datetime",
    "sync_key": "text", "row_version": "integer", "order": "text",
}  # fmt: skip
VALUES = {"name": "x'; --", "price": 1, "done": True, "due": "2026-01-01", "order": None}


def statements(speech: Speech) -> dict[str, sql.Executable]:
    """Everything that the connector sends about a table."""
    columns = {name: Column(name=name, kind=kind) for name, kind in KINDS.items()}
    told = Datatype(
        system="erp", name="task", title="Task", modified="changed", version=by_version(), key_property="sync_key",
        options={"where": "kind = 'task'"},
    )  # fmt: skip
    found = Reflected(name="task", schema="dbo", columns=columns, unique=(("id",), ("sync_key",)))
    table = SqlTable(told, found, tuple(VALUES), speech)
    ground = table.equal({**VALUES, "row_version": 3})
    return {
        "page": table.page(5, table.scope()),
        "first page": table.page(None, [table.since("2026-01-01T00:00:00")]),
        "ids": table.ids(5, table.scope()),
        "by ids": table.by_ids([1, 2]),
        "matching": table.matching(VALUES),
        "own key": table.matching({"sync_key": "k"}).limit(1000),
        "insert": table.insert(VALUES, "k").returning(table.table.c.id),
        "update": table.update(1, VALUES, ground),
        "delete": table.delete(1, ground),
        "newest": table.newest(before="2026-01-01"),
    }


@pytest.mark.parametrize("dialect", [mssql.dialect(), oracle.dialect(), mysql.dialect()], ids=lambda one: one.name)
def test_every_statement_compiles(dialect: Dialect) -> None:
    """Values are bound, names are quoted where they are words of the language, and pages are limited in its own way."""
    speech = Speech(sqlite=False, postgres=False, mysql=dialect.name == "mysql", zone=ZoneInfo("UTC"))
    texts: dict[str, str] = {}
    for name, statement in statements(speech).items():
        if dialect.name == "mysql" and name == "insert":
            continue  # MySQL has no RETURNING; the id is read off the cursor
        compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        texts[name] = str(compiled)
        assert "x'; --" not in texts[name]
    limits = {"mssql": "TOP", "oracle": "FETCH FIRST", "mysql": "LIMIT"}
    assert limits[dialect.name] in texts["page"]
    quote = {"mssql": "[order]", "oracle": '"order"', "mysql": "`order`"}[dialect.name]
    assert quote in texts["update"]
    assert "kind = 'task'" in texts["page"]


@pytest.mark.parametrize(
    ("url", "extra"),
    [("mssql://u:secret@h/d", "mssql"), ("oracle://u:secret@h/d", "oracle")],
)
def test_a_driver_that_is_not_installed_is_named(url: str, extra: str) -> None:
    """With the extra that brings it, and without the password."""
    connector = SqlConnector(system(url))
    with pytest.raises(MendFile) as missing:
        connector._database._connected()
    assert missing.value.hint == f"pip install 'accord[{extra}]'"
    assert "secret" not in str(missing.value)
