"""A table of tasks, as a person changes it directly, and the connector on it."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Engine

from accord.config.meaning import Datatype, System, SystemClock, SystemLimits, VersionCheck
from accord.connectors.sql import SqlConnector
from accord.testing import Harness


def system(url: str, *, timeout: float = 5.0, rate: float | None = None, **settings: Any) -> System:
    """A system with the datatype `task` on the table `task`."""
    options = {"table": "task", **settings.pop("options", {})}
    task = Datatype(system="erp", name="task", title="Task", options=options, **settings)
    limits = SystemLimits(timeout=timeout, concurrency=2, rate=rate)
    return System(
        name="erp",
        title="ERP",
        connector="sql",
        datatypes={"task": task},
        options={"url": url},
        limits=limits,
        clock=SystemClock(zone="Europe/Zurich"),
    )


def by_version(path: str = "row_version") -> VersionCheck:
    """A version column."""
    return VersionCheck(kind="path", path=path)


class People:
    """Somebody with an SQL prompt."""

    def __init__(self, engine: Engine, *, bump: bool = False) -> None:
        self.engine = engine
        self.bump = ", row_version = row_version + 1" if bump else ""

    def insert(self, natives: Mapping[str, Any]) -> str:
        names = ", ".join(natives)
        values = ", ".join(f":{name}" for name in natives)
        return str(self._run(f"INSERT INTO task ({names}) VALUES ({values}) RETURNING id", natives))

    def edit(self, id: str, natives: Mapping[str, Any]) -> None:
        changes = ", ".join(f"{name} = :{name}" for name in natives)
        statement = (
            f"UPDATE task SET {changes}, changed_at = CURRENT_TIMESTAMP{self.bump} WHERE CAST(id AS TEXT) = :row_id"
        )
        self._run(statement + " RETURNING id", {**natives, "row_id": id})

    def delete(self, id: str) -> None:
        self._run("DELETE FROM task WHERE CAST(id AS TEXT) = :id RETURNING id", {"id": id})

    def get(self, id: str) -> dict[str, Any] | None:
        with self.engine.connect() as connection:
            row = (
                connection.execute(sql.text("SELECT * FROM task WHERE CAST(id AS TEXT) = :id"), {"id": id})
                .mappings()
                .first()
            )
        return None if row is None else dict(row)

    def _run(self, statement: str, natives: Mapping[str, Any]) -> Any:
        plain = self.engine.dialect.name == "sqlite"
        values = {key: str(value) if plain and isinstance(value, Decimal) else value for key, value in natives.items()}
        with self.engine.begin() as connection:
            return connection.execute(sql.text(statement), values).scalar()


def harness(engine: Engine, described: System, people: People, **more: Any) -> Harness:
    """The harness of the table."""
    make: Callable[..., Harness] = Harness
    return make(
        connector=SqlConnector(described),
        datatype="task",
        text="name",
        unmapped="notes",
        decimal="price",
        unique="number",
        insert=people.insert,
        edit=people.edit,
        delete=people.delete,
        get=people.get,
        **more,
    )
