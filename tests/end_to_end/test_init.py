"""`accord init --left … --right …`: two addresses become a project that `check` takes, and nothing is written."""

from __future__ import annotations

import csv
import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from accord.cli.main import run_app
from accord.config.load import load
from accord.config.meaning import Project
from accord.engine.checking import check_project
from accord.engine.round import Caller, plan_round
from accord.engine.setting import Options
from accord.simulate.findings import with_laws
from tests.demo.conftest import Server, start

TOKENS = {"CUSTOMPMS_TOKEN": "t", "CUSTOMERP_TOKEN": "t"}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """Both demonstration systems with their data."""
    folder = tmp_path_factory.mktemp("systems")
    running = [start(name, folder, "--seed-data", "demo") for name in ("custompms", "customerp")]
    yield running[0], running[1]
    for server in running:
        server.process.terminate()
        server.process.wait(10)
        assert server.process.stdout is not None
        server.process.stdout.close()


@pytest.fixture(autouse=True)
def tokens() -> Iterator[None]:
    """The credentials of the demonstration, as a person has them in the environment."""
    os.environ |= TOKENS
    yield
    for name in TOKENS:
        os.environ.pop(name, None)


def proposed(folder: Path, *addresses: str) -> Project:
    """The project that `init` writes, which `check` must take with the real systems."""
    left, right = addresses
    assert run_app(["init", "-C", str(folder), "--left", left, "--right", right]) == 0
    project = load(folder / "accord.yaml")
    found = with_laws(project, check_project(project))
    assert [one.message for one in found.findings if one.level == "error"] == []
    assert all(one.ok for one in found.tried)
    assert not list(folder.glob(".accord-init-*"))
    return project


def rows_of(project: Project, flow: str) -> set[tuple[str, ...]]:
    return {tuple(row.paths.values()) for row in project.flows[flow].rows}


def test_two_systems_with_documents(servers: tuple[Server, Server], tmp_path: Path) -> None:
    """All rows of customers that were mapped by hand, references by what the documents say; and nothing is written."""
    before = [len(server.writes()) for server in servers]
    project = proposed(tmp_path, servers[0].url, servers[1].url + "/openapi.json")
    by_hand = load(Path(__file__).parents[2] / "examples/demo/accord.yaml", stand_ins=True)
    assert rows_of(project, "customers") == rows_of(by_hand, "customer")
    assert project.flows["customers"].match
    types = {row.name: str(row.type) for row in project.flows["projects"].rows}
    assert types["customer_id"] == "reference(customers)"
    assert {side.mode for side in project.flows["projects"].sides} == {"never"}, "nothing tells which are the same"
    plan_round(project, Options(), Caller())
    assert [len(server.writes()) for server in servers] == before
    text = (tmp_path / "accord.yaml").read_text("utf-8")
    assert 'token: "${CUSTOMPMS_TOKEN}"' in text
    assert "# without a partner: tasks" in text
    assert "write `map`" in text


def test_without_credentials_names_are_compared(
    servers: tuple[Server, Server], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The documents are open; what the records would have shown is missing, and said."""
    for name in TOKENS:
        os.environ.pop(name)
    assert run_app(["init", "-C", str(tmp_path), "--left", servers[0].url, "--right", servers[1].url]) == 0
    assert "CUSTOMPMS_TOKEN is to be filled in" in capsys.readouterr().out
    project = load(tmp_path / "accord.yaml")
    assert {side.mode for flow in project.flows.values() for side in flow.sides} <= {"never", "match-only"}
    assert ("contact.email", "email") in rows_of(project, "customers")
    assert "CUSTOMPMS_TOKEN=change-me" in (tmp_path / ".env").read_text("utf-8")


def test_two_databases(tmp_path: Path) -> None:
    """Tables of other names, foreign keys, a code against a word, and an id that is called otherwise."""
    _shop(tmp_path / "shop.db")
    _books(tmp_path / "books.db")
    project = proposed(tmp_path, f"sqlite:///{tmp_path}/shop.db", f"sqlite:///{tmp_path}/books.db")
    assert rows_of(project, "client") >= {("org", "vat_no"), ("title", "name"), ("mail", "email")}
    orders = {row.name: row for row in project.flows["orders"].rows}
    assert str(orders["client_id"].type) == "reference(client)"
    assert orders["state"].maps["books"] == {"open": "O", "paid": "P"}
    assert project.flows["client"].match[0] in (("org",), ("mail",))
    assert "audit" not in project.systems["shop"].datatypes
    assert "# without a partner: audit" in (tmp_path / "accord.yaml").read_text("utf-8")


def test_a_file_and_an_api(servers: tuple[Server, Server], tmp_path: Path) -> None:
    """A CSV of a mailing tool; its id is the column that stands once."""
    customers: list[dict[str, Any]] = servers[0]("GET", "/customers?per_page=200").body["data"]
    with (tmp_path / "Mailing List.csv").open("w", encoding="utf-8", newline="") as file:
        lines = csv.DictWriter(file, ["group", "member_no", "Company", "E-mail"])
        lines.writeheader()
        for number, one in enumerate(customers):
            lines.writerow(
                {
                    "group": "ab"[number % 2],
                    "member_no": f"M{number:04}",
                    "Company": one["name"],
                    "E-mail": one["contact"]["email"],
                }
            )
    project = proposed(tmp_path, str(tmp_path / "Mailing List.csv"), servers[0].url)
    (flow,) = project.flows.values()
    assert rows_of(project, flow.name) >= {("Company", "name"), ("E-mail", "contact.email")}
    assert project.systems["mailing_list"].datatypes["mailing_list"].id == "member_no"
    assert project.systems["mailing_list"].datatypes["mailing_list"].options["path"].endswith("Mailing List.csv")


@pytest.mark.parametrize(
    ("left", "said"),
    [
        ("nowhere.csv", "no address that is understood"),
        ("sqlite:///nowhere.db", "there is no database nowhere.db"),
        ("http://127.0.0.1:9/", "no connection"),
    ],
)
def test_an_address_that_leads_nowhere(
    left: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A message and no half-written project."""
    _books(tmp_path / "books.db")
    status = run_app(["init", "-C", str(tmp_path / "new"), "--left", left, "--right", f"sqlite:///{tmp_path}/books.db"])
    assert status in (1, 2)
    assert said in capsys.readouterr().err
    assert not (tmp_path / "new" / "accord.yaml").exists()


def test_one_address_alone_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["init", "-C", str(tmp_path), "--left", "sqlite:///a.db"]) == 2
    assert "--left and --right go together" in capsys.readouterr().err


def _shop(file: Path) -> None:
    db = sqlite3.connect(file)
    db.executescript(
        "CREATE TABLE client (id INTEGER PRIMARY KEY, title TEXT NOT NULL, org TEXT, mail TEXT, updated_at TIMESTAMP);"
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, ref TEXT, client_id INTEGER REFERENCES client, state TEXT);"
        "CREATE TABLE audit (id INTEGER PRIMARY KEY, what BLOB);"
    )
    for number in range(40):
        values = (number, f"Firm {number}", f"9{number:08}", f"post@firm{number}.example", "2026-01-01 10:00:00")
        db.execute("INSERT INTO client VALUES (?, ?, ?, ?, ?)", values)
        db.execute(
            "INSERT INTO orders VALUES (?, ?, ?, ?)",
            (number, f"R-{number}", number % 7, "open" if number % 3 else "paid"),
        )
    db.commit()
    db.close()


def _books(file: Path) -> None:
    db = sqlite3.connect(file)
    db.executescript(
        "CREATE TABLE customers (no TEXT PRIMARY KEY, name VARCHAR(60) NOT NULL, vat_no TEXT, email TEXT);"
        "CREATE TABLE orders (no TEXT PRIMARY KEY, reference TEXT, customer TEXT REFERENCES customers, status TEXT);"
    )
    for number in range(10, 50):
        values = (f"C{number}", f"Firm {number}", f"9{number:08}", f"post@firm{number}.example")
        db.execute("INSERT INTO customers VALUES (?, ?, ?, ?)", values)
        db.execute(
            "INSERT INTO orders VALUES (?, ?, ?, ?)",
            (f"O{number}", f"R-{number}", f"C{number % 7 + 10}", "O" if number % 3 else "P"),
        )
    db.commit()
    db.close()


def test_the_answer_for_scripts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _shop(tmp_path / "shop.db")
    _books(tmp_path / "books.db")
    at = [f"sqlite:///{tmp_path}/shop.db", f"sqlite:///{tmp_path}/books.db"]
    assert run_app(["init", "-C", str(tmp_path), "--left", at[0], "--right", at[1], "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["flows"], found["notes"]) == (2, [])
    assert found["rows"] >= 6
