"""Debian's MariaDB as its own process with its own data, and somebody with an SQL prompt."""

import getpass
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import sqlalchemy as sql
from sqlalchemy.engine import Engine

from tests.real.server import Answer, free_port, serving

STARTS_WITHIN = 60.0


class People:
    """Somebody with an SQL prompt, without RETURNING of an UPDATE."""

    def __init__(self, engine: Engine, *, bump: bool = False) -> None:
        self.engine = engine
        self.bump = ", row_version = row_version + 1" if bump else ""

    def insert(self, natives: Mapping[str, Any]) -> str:
        names = ", ".join(natives)
        values = ", ".join(f":{name}" for name in natives)
        return str(self._run(f"INSERT INTO task ({names}) VALUES ({values}) RETURNING id", natives))

    def edit(self, id: str, natives: Mapping[str, Any]) -> None:
        changes = ", ".join(f"{name} = :{name}" for name in natives)
        self._run(
            f"UPDATE task SET {changes}, changed_at = CURRENT_TIMESTAMP{self.bump} WHERE CAST(id AS CHAR) = :row_id",
            {**natives, "row_id": id},
        )

    def delete(self, id: str) -> None:
        self._run("DELETE FROM task WHERE CAST(id AS CHAR) = :id", {"id": id})

    def get(self, id: str) -> dict[str, Any] | None:
        with self.engine.connect() as connection:
            found = connection.execute(sql.text("SELECT * FROM task WHERE CAST(id AS CHAR) = :id"), {"id": id})
            row = found.mappings().first()
        return None if row is None else dict(row)

    def _run(self, statement: str, natives: Mapping[str, Any]) -> Any:
        with self.engine.begin() as connection:
            found = connection.execute(sql.text(statement), natives)
            return found.scalar() if found.returns_rows else None


@pytest.fixture(scope="session")
def mariadb_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for all tests of this folder, as servers were set up long ago: not strict."""
    folder, port, user = tmp_path_factory.mktemp("mariadb"), free_port(), getpass.getuser()
    data = folder / "data"
    subprocess.run(
        ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--skip-test-db", f"--user={user}",
         "--auth-root-authentication-method=normal"],
        check=True, capture_output=True,
    )  # fmt: skip
    command = [
        "mariadbd", "--no-defaults", f"--datadir={data}", f"--socket={folder}/sock", f"--port={port}", f"--user={user}",
        "--bind-address=127.0.0.1", "--sql-mode=NO_ENGINE_SUBSTITUTION", "--character-set-server=utf8mb4",
        "--innodb-buffer-pool-size=32M", "--skip-log-bin",
    ]  # fmt: skip
    url = f"mariadb+pymysql://root@127.0.0.1:{port}/accord?charset=utf8mb4"
    with serving(command, folder, lambda: _answers(url), STARTS_WITHIN):
        yield url


def _answers(url: str) -> Answer:
    engine = sql.create_engine(url.replace("/accord", "/"))
    try:
        with engine.begin() as connection:
            connection.execute(sql.text("CREATE DATABASE IF NOT EXISTS accord"))
    except sql.exc.OperationalError as error:
        raise OSError(str(error.orig)) from None
    finally:
        engine.dispose()
    return Answer(200, b"", {})


@pytest.fixture(scope="session")
def mariadb(mariadb_url: str) -> Iterator[Engine]:
    """Somebody else's connections."""
    engine = sql.create_engine(mariadb_url)
    yield engine
    engine.dispose()
