"""Tryton's parties in step with the customers of a database and of a CSV file: both ways, hidden and deleted ones."""

from __future__ import annotations

import csv
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from accord.cli import resolving
from accord.config.load import load
from accord.engine.report import Report
from accord.engine.round import Caller, run_round
from accord.engine.setting import Options, ShiftedClock
from accord.store.opening import open_state
from accord.store.people import Author, deciding
from accord.stored import Held
from tests.end_to_end.proxy import Fault, Proxy
from tests.flows.world import written
from tests.real.tryton.instance import Tryton
from tests.real.tryton.test_suite import system_of

pytestmark = pytest.mark.xdist_group("tryton")
TABLE = "CREATE TABLE customer (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, no TEXT, active BOOLEAN DEFAULT 1)"
COLUMNS = ("id", "name", "no", "active")
IMPATIENT = {"concurrency": 1, "retries": 1, "timeout": "5s", "grace": "1s"}


class Book:
    """Customers in an SQLite file, and the person who keeps them."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "book.db"
        self.sql(TABLE)

    def system(self) -> dict[str, Any]:
        """As the project file names it."""
        return {"connector": "sql", "url": f"sqlite:///{self.file}", "datatypes": {"customer": {"table": "customer"}}}

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """A statement."""
        with closing(sqlite3.connect(self.file)) as db, db:
            return db.execute(statement, values).fetchall()

    def all(self) -> dict[str, dict[str, Any]]:
        """Customers by name."""
        rows = self.sql(f"SELECT {', '.join(COLUMNS)} FROM customer")
        return {row[1]: dict(zip(COLUMNS, row, strict=True)) for row in rows}

    def add(self, name: str, no: str | None = None) -> None:
        """A new customer."""
        self.sql("INSERT INTO customer (name, no) VALUES (?, ?)", name, no)

    def edit(self, name: str, /, **values: Any) -> None:
        """Change some columns."""
        for column, value in values.items():
            self.sql(f"UPDATE customer SET {column} = ? WHERE id = ?", value, self.all()[name]["id"])

    def delete(self, name: str) -> None:
        """Delete for good."""
        self.sql("DELETE FROM customer WHERE name = ?", name)


class CsvBook(Book):
    """The same in a CSV file."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "book.csv"
        self._write([])

    def system(self) -> dict[str, Any]:
        properties = {"active": {"type": "boolean"}, "no": {"type": "string"}, "name": {"type": "string"}}
        customer = {"path": str(self.file), "id": "id", "properties": properties}
        return {"connector": "file", "datatypes": {"customer": customer}}

    def all(self) -> dict[str, dict[str, Any]]:
        with self.file.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return {row["name"]: {**row, "active": row["active"] != "false", "no": row["no"] or None} for row in rows}

    def _write(self, rows: list[Mapping[str, Any]]) -> None:
        with self.file.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows({**row, "active": "true" if row["active"] else "false"} for row in rows)

    def add(self, name: str, no: str | None = None) -> None:
        rows = list(self.all().values())
        last = max((int(row["id"]) for row in rows), default=0)
        self._write([*rows, {"id": last + 1, "name": name, "no": no, "active": True}])

    def edit(self, name: str, /, **values: Any) -> None:
        self._write([{**row, **values} if row["name"] == name else row for row in self.all().values()])

    def delete(self, name: str) -> None:
        self._write([row for row in self.all().values() if row["name"] != name])


class Customers:
    """Tryton, a book, and the flow between them."""

    def __init__(self, folder: Path, tryton: Tryton, book: Book) -> None:
        self.folder, self.tryton, self.book = folder, tryton, book
        self.ahead = 0.0
        both = {"name": "active", "type": "boolean", "book": "active", "tryton": "active"}
        self.flow: dict[str, Any] = {
            "book": "customer",
            "tryton": {"datatype": "party", "where": 'name != "Us AS"'},
            "match": [["code"]],
            "on_delete": {"book": {"archive": {"active": False}}, "tryton": "propagate"},
            "rows": [
                {"book": "name", "tryton": "name", "type": "string"},
                {"book": "no", "tryton": "code", "name": "code", "type": "string"},
                both,
            ],
        }
        self.system = {**system_of(tryton), "limits": IMPATIENT}

    def round(self) -> Report:
        """`accord run`, two seconds after the last."""
        file = self.folder / "accord.yaml"
        systems = {"book": self.book.system(), "tryton": self.system}
        file.write_text(json.dumps({"accord": 1, "systems": systems, "flows": {"customer": self.flow}}), "utf-8")
        self.ahead += 2
        clock = ShiftedClock(datetime.now(UTC) + timedelta(seconds=self.ahead))
        return run_round(load(file), Options(full=True), Caller(clock=clock))

    def settle(self) -> Report:
        """A round, and another one that writes nothing; the first report."""
        report = self.round()
        assert not report.errors, report.errors
        again = self.round()
        assert written(again) == 0, again.writes
        return report

    def held(self) -> list[Held]:
        """What waits for a person."""
        with open_state(str(self.folder / "accord.db")) as state:
            return list(state.held.list())

    def retry(self, item: Held) -> None:
        """`accord held resolve --retry`."""
        project = load(self.folder / "accord.yaml")
        decided = resolving.decision(project, item, resolving.choice({"retry": True}))
        author = Author(by="Kari", at=datetime.now(UTC))
        with open_state(str(self.folder / "accord.db")) as state, deciding(state, author.at):
            resolving.store(state, item, decided, author)

    def parties(self) -> dict[str, dict[str, Any]]:
        """Tryton's, by name; inactive ones too."""
        listed = self.tryton("GET", "party.party?f=name&f=code&f=active").json
        return {one["name"]: {**one, "active": bool(one["active"])} for one in listed if one["name"] != "Us AS"}

    def add(self, name: str, code: str | None = None) -> int:
        """A new party."""
        return self.tryton.made("party.party", {"name": name, **({"code": code} if code else {})})

    def edit(self, name: str, /, **values: Any) -> None:
        """Somebody types in Tryton."""
        assert self.tryton("PUT", f"party.party/{self.parties()[name]['id']}?f=name", values).status == 200

    def clear(self) -> None:
        """No projects and no customers."""
        for work in self.tryton("GET", "project.work").json:
            assert self.tryton("DELETE", f"project.work/{work['id']}").status == 204
        for party in self.parties().values():
            assert self.tryton("DELETE", f"party.party/{party['id']}").status == 204


@pytest.fixture(params=[Book, CsvBook], ids=["sqlite", "csv"])
def each(request: pytest.FixtureRequest, tryton: Tryton, tmp_path: Path) -> Iterator[Customers]:
    """No customers but one on each side, for a database and a file."""
    yield from _customers(tmp_path, tryton, request.param(tmp_path))


@pytest.fixture
def customers(tryton: Tryton, tmp_path: Path) -> Iterator[Customers]:
    """The same with a database."""
    yield from _customers(tmp_path, tryton, Book(tmp_path))


def _customers(folder: Path, tryton: Tryton, book: Book) -> Iterator[Customers]:
    customers = Customers(folder, tryton, book)
    customers.clear()
    customers.book.add("Fjord AS", "B-1")
    customers.add("Vidde AS", "T-1")
    yield customers
    customers.clear()


def test_both_directions(each: Customers) -> None:
    """Matched by number, made where missing, edited on either side; then quiet."""
    each.book.add("Berge", "X-7")
    each.add("Berge", "X-7")
    each.settle()
    assert set(each.book.all()) == set(each.parties()) == {"Fjord AS", "Vidde AS", "Berge"}
    each.book.edit("Vidde AS", name="Vidde ÆØÅ 🚧 AS")
    each.edit("Fjord AS", name="Fjord Nord AS")
    each.settle()
    assert set(each.book.all()) == set(each.parties()) == {"Fjord Nord AS", "Vidde ÆØÅ 🚧 AS", "Berge"}
    assert each.held() == []


def test_a_customer_that_is_deactivated_is_hidden_and_not_deleted(each: Customers) -> None:
    """`active` is a property like others: it goes over in both directions, and back; nothing is deleted."""
    each.settle()
    each.edit("Vidde AS", active=False)
    each.book.edit("Fjord AS", active=False)
    each.settle()
    assert {name: bool(one["active"]) for name, one in each.book.all().items()} == {
        "Vidde AS": False,
        "Fjord AS": False,
    }
    assert {name: one["active"] for name, one in each.parties().items()} == {"Vidde AS": False, "Fjord AS": False}
    each.book.edit("Vidde AS", active=True)
    each.settle()
    assert each.parties()["Vidde AS"]["active"]


def test_a_deletion_archives_in_tryton(each: Customers) -> None:
    """What is deleted in the book is inactive in Tryton from then on, and is not made in the book again."""
    each.settle()
    each.book.delete("Fjord AS")
    each.settle()
    assert not each.parties()["Fjord AS"]["active"]
    each.edit("Fjord AS", active=True)  # somebody needs it once more
    each.settle()
    assert set(each.book.all()) == {"Vidde AS"}
    vidde = each.parties()["Vidde AS"]["id"]
    assert each.tryton("DELETE", f"party.party/{vidde}").status == 204
    each.settle()
    assert each.book.all() == {}


def test_what_is_inactive_in_tryton_cannot_be_edited(customers: Customers) -> None:
    """The refusal is held in Tryton's words, also where the same write would make it active again: Tryton looks at
    what it was. Once somebody has made it active in Tryton, the edit goes through by itself.
    """
    customers.settle()
    customers.book.edit("Fjord AS", active=False)
    customers.settle()
    customers.book.edit("Fjord AS", name="Fjord Nord AS")
    customers.settle()
    (item,) = customers.held()
    assert (item.kind, "not allowed to modify" in item.reason) == ("rejected", True)
    customers.book.edit("Fjord Nord AS", active=True)
    customers.settle()
    assert [item.kind for item in customers.held()] == ["rejected"]
    customers.edit("Fjord AS", active=True)
    customers.settle()
    assert (customers.held(), "Fjord Nord AS" in customers.parties()) == ([], True)
    assert customers.parties()["Fjord Nord AS"]["active"]


def test_a_number_that_tryton_draws_arrives(customers: Customers) -> None:
    """A customer without number gets one in Tryton. What a system completes is no edit, so the book is told of it only
    where the row flows from Tryton alone.
    """
    customers.book.add("Dal")
    customers.settle()
    assert customers.parties()["Dal"]["code"]
    assert customers.book.all()["Dal"]["no"] is None
    customers.flow["rows"][1]["direction"] = "tryton -> book"
    customers.book.add("Egge")
    customers.settle()
    assert customers.book.all()["Egge"]["no"] == customers.parties()["Egge"]["code"]
    assert customers.held() == []


@pytest.fixture
def proxy(tryton: Tryton) -> Iterator[Proxy]:
    """Between Accord and Tryton."""
    between = Proxy({"tryton": tryton.root})
    yield between
    between.close()


def lose_creates(customers: Customers, proxy: Proxy) -> None:
    """The answer to a create of a party is lost."""
    customers.system["base_url"] = customers.tryton.url.replace(customers.tryton.root, proxy.urls["tryton"])
    proxy.arm(fate=lambda request: Fault(kind="cut_after") if request.method == "POST" else None)


def test_a_lost_create_of_a_party_is_found_again(customers: Customers, proxy: Proxy) -> None:
    """By its name and number, once its grace is over; it is never made twice."""
    customers.settle()
    lose_creates(customers, proxy)
    customers.book.add("Berge", "X-7")
    customers.round()
    proxy.arm()
    for _ in range(3):
        customers.round()
    assert customers.held() == []
    assert [name for name in customers.parties() if name == "Berge"] == ["Berge"]
    assert len(customers.parties()) == len(customers.book.all()) == 3
    customers.edit("Berge", name="Berge Nord")
    customers.settle()
    assert "Berge Nord" in customers.book.all()


def test_a_lost_create_that_says_nothing_but_a_name_is_for_a_person(customers: Customers, proxy: Proxy) -> None:
    """Tryton drew its number, and the book knows none: a name alone is the name of many."""
    customers.settle()
    lose_creates(customers, proxy)
    customers.book.add("Berge")
    customers.round()
    proxy.arm()
    for _ in range(3):
        customers.round()
    assert [item.kind for item in customers.held()] == ["in_doubt"]
    assert len(customers.parties()) == len(customers.book.all()) == 3


def test_a_party_that_is_referred_to_is_deleted_all_the_same(customers: Customers) -> None:
    """Tryton says 204 and empties the project's customer, which nobody had asked for: so archive, and do not delete."""
    customers.flow["on_delete"] = "propagate"
    customers.settle()
    fjord = customers.parties()["Fjord AS"]["id"]
    work = customers.tryton.made("project.work", {"name": "Quay", "type": "project", "party": fjord})
    customers.book.delete("Fjord AS")
    customers.settle()
    assert set(customers.parties()) == {"Vidde AS"}
    assert customers.tryton("GET", f"project.work/{work}?f=party").json["party"] is None


def test_creates_at_the_same_time_draw_the_same_number(customers: Customers) -> None:
    """On SQLite. With the preset's one at a time all are made; with eight, Tryton refuses some, and each of those is
    held in its words: trying again makes it, and none is there twice.
    """
    customers.system["limits"] = {**IMPATIENT, "concurrency": 8}
    for number in range(16):
        customers.book.add(f"Customer {number}")
    customers.round()
    refused = customers.held()
    assert all(item.kind == "rejected" and "must be unique" in item.reason for item in refused), refused
    assert len(customers.parties()) == 18 - len(refused)
    assert os.cpu_count() == 1 or refused, "the preset says that this happens"
    customers.system["limits"] = IMPATIENT
    for item in refused:
        customers.retry(item)
    customers.settle()
    assert (customers.held(), len(customers.parties())) == ([], 18)
