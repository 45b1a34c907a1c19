"""`accord suggest`: rows and match rules off the records of both sides."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from ruamel.yaml import YAML

from .conftest import World

FLOW = """\
  deal:
    pms: deal
    erp: opportunity
    rows:
      - {pms: note, erp: remark, type: string}
"""
STATES = {"new": "10", "won": "80", "lost": "90"}


@pytest.fixture
def sales(world: World) -> World:
    """Forty deals on each side, thirty of them the same, under other names and in other words."""
    random = Random(7)
    file = world.folder / "accord.yaml"
    text = file.read_text("utf-8").replace(
        "      visit: {table: visit}", "      visit: {table: visit}\n      deal: {table: deal}"
    )
    text = text.replace(
        "      trip: {table: trip}", "      trip: {table: trip}\n      opportunity: {table: opportunity, id: no}"
    )
    file.write_text(text + FLOW, "utf-8")
    world.sql(
        "pms",
        "CREATE TABLE deal (id INTEGER PRIMARY KEY, title TEXT, code TEXT, stage TEXT, hours REAL, is_hot INTEGER, "
        "note TEXT)",
    )
    world.sql(
        "erp",
        "CREATE TABLE opportunity (no INTEGER PRIMARY KEY, subject TEXT, ext_ref TEXT, status TEXT, minutes INTEGER, "
        "row_version INTEGER, remark TEXT, noise INTEGER)",
    )
    for number in range(1, 51):
        title, code = f"Deal {random.randrange(10**6)} of {number}", f"D-{random.randrange(10**6):06}"
        stage, hours = random.choice(sorted(STATES)), random.randrange(1, 40) / 2
        if number <= 40:
            world.sql("pms", "INSERT INTO deal VALUES (?, ?, ?, ?, ?, 1, 'x')", number, title, code, stage, hours)
        if number > 10:
            values = (900 - number, title.upper(), code, STATES[stage], int(hours * 60), random.randrange(5))
            world.sql("erp", "INSERT INTO opportunity VALUES (?, ?, ?, ?, ?, 1, 'x', ?)", *values)
    return world


def rows(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Left path → row, of the one pair."""
    (pair,) = found["pairs"]
    return {each["row"]["pms"]: each["row"] for each in pair["rows"]}


def test_rows_and_match_rules(sales: World) -> None:
    """Other names, capitals, options and units; what agrees by chance, and what is in the file, is left out."""
    found = sales.accord("suggest", "deal", "--json").json
    assert rows(found) == {
        "title": {"pms": "title", "erp": "subject", "type": "string"},
        "code": {"pms": "code", "erp": "ext_ref", "type": "string"},
        "stage": {"pms": "stage", "erp": "status", "type": "enum", "map": STATES},
        "hours": {"pms": "hours", "erp": "minutes", "type": "decimal(1)", "lens": {"erp": {"scale": 60}}},
    }
    (pair,) = found["pairs"]
    assert (pair["records"], pair["paired"]) == ([40, 40], 30)
    assert {each["rule"][0] for each in pair["match"]} == {"title", "code"}
    assert all(0.5 <= each["score"] <= 1 and each["reasons"] and each["examples"] for each in pair["rows"])


def test_what_is_shown_can_be_pasted(sales: World) -> None:
    """Rows as YAML, each with its score and reasons; with them in the file the check is green."""
    out = sales.accord("suggest", "deal").out
    assert "# 0.8" in out
    lines = [line for line in out.splitlines() if line.startswith("      - {")]
    assert len(YAML(typ="safe").load("\n".join(lines))) == 4
    file = sales.folder / "accord.yaml"
    file.write_text(file.read_text("utf-8") + "\n".join(lines) + "\n", "utf-8")
    assert sales.accord("check").status == 0
    assert "No rows to propose" in sales.accord("suggest", "deal").out


def test_without_records_names_are_left(sales: World) -> None:
    """Of what is called alike, with a low score."""
    sales.sql("erp", "DELETE FROM opportunity WHERE no > 800")
    found = sales.accord("suggest", "customer", "--json").json
    (pair,) = found["pairs"]
    assert (pair["paired_by"], pair["paired"]) == (None, 0)
    assert all(each["score"] <= 1 for each in pair["rows"])


def test_a_reference_where_one_table_serves_two_flows(world: World) -> None:
    """The ids of one flow are those in its filter: what names projects does not name tasks of the same numbers."""
    world.sql("pms", "CREATE TABLE project (id INTEGER PRIMARY KEY, name TEXT, parent INTEGER)")
    world.sql("pms", "CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT)")
    world.sql("erp", "CREATE TABLE work (id INTEGER PRIMARY KEY, name TEXT, kind TEXT, upper INTEGER)")
    for number in range(1, 25):
        parent = number - 12 if number > 12 else None
        world.sql("pms", "INSERT INTO project VALUES (?, ?, ?)", number, f"Project {number}", parent)
        upper = parent and parent + 100
        world.sql("erp", "INSERT INTO work VALUES (?, ?, 'project', ?)", number + 100, f"Project {number}", upper)
    for number in range(1, 41):
        world.sql("pms", "INSERT INTO task VALUES (?, ?)", number, f"Task {number}")
        world.sql("erp", "INSERT INTO work VALUES (?, ?, 'task', NULL)", number, f"Task {number}")
    file = world.folder / "accord.yaml"
    tables = "\n      ".join(["visit: {table: visit}", "project: {table: project}", "task: {table: task}"])
    text = file.read_text("utf-8").replace("visit: {table: visit}", tables)
    text = text.replace("trip: {table: trip}", "trip: {table: trip}\n      work: {table: work}")
    for name in ("project", "task"):
        side = f"{{datatype: work, where: kind == '{name}', defaults: {{kind: {name}}}}}"
        text += f"  {name}:\n    pms: {name}\n    erp: {side}\n    rows: []\n"
    file.write_text(text, "utf-8")
    found = rows(world.accord("suggest", "project", "--json").json)
    assert found["parent"] == {"pms": "parent", "erp": "upper", "type": "reference(project)"}


def test_wrong_calls(world: World) -> None:
    """A flow that is not there; no records at all asked for."""
    assert "did you mean 'customer'?" in world.accord("suggest", "custmer").err
    assert world.accord("suggest", "customer", "--sample", "0").status == 2


def test_a_name_and_a_postcode_together(world: World) -> None:
    """No property is unique: people share names, and streets share postcodes; both together name one person."""
    random = Random(20)
    names = [f"{first} {last}" for first in ("Kari", "Ola", "Liv", "Per") for last in ("Dahl", "Berg", "Moe", "Lie")]
    people = sorted({(random.choice(names), f"{random.randrange(100):04}") for _ in range(150)})
    born = {person: f"1990-0{random.randrange(1, 4)}-11" for person in people}
    world.sql("pms", "CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT, zip TEXT, born DATE, noise TEXT)")
    world.sql("erp", "CREATE TABLE member (no INTEGER PRIMARY KEY, full_name TEXT, postcode TEXT, birth DATE)")
    for number, person in enumerate(people):
        if number < 100:
            values = (number, *person, born[person], random.choice("abc"))
            world.sql("pms", "INSERT INTO person VALUES (?, ?, ?, ?, ?)", *values)
        if number >= 20:
            world.sql("erp", "INSERT INTO member VALUES (?, ?, ?, ?)", 900 - number, *person, born[person])
    file = world.folder / "accord.yaml"
    text = file.read_text("utf-8").replace(
        "visit: {table: visit}", "visit: {table: visit}\n      person: {table: person}"
    )
    text = text.replace("trip: {table: trip}", "trip: {table: trip}\n      member: {table: member, id: no}")
    file.write_text(text + "  person: {pms: person, erp: member, link: never, rows: []}\n", "utf-8")
    found = world.accord("suggest", "person", "--json").json
    (pair,) = found["pairs"]
    assert pair["paired_by"] == ["name + zip", "full_name + postcode"]
    assert pair["paired"] == len(people[20:100])
    assert {(row["pms"], row["erp"]) for row in rows(found).values()} == {
        ("name", "full_name"),
        ("zip", "postcode"),
        ("born", "birth"),
    }
    assert ["name", "zip"] in [sorted(match["rule"]) for match in pair["match"]]
    assert all(len(match["rule"]) == 2 for match in pair["match"])


def test_what_is_equal_by_chance_is_no_key(world: World) -> None:
    """Two sides that have nothing to do with each other, and a few cities and letters in common."""
    random = Random(21)
    cities = [f"city {number}" for number in range(12)]
    for system, table in (("pms", "shelf"), ("erp", "rack")):
        world.sql(system, f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, place TEXT, label TEXT)")
        for number in range(60):
            world.sql(
                system,
                f"INSERT INTO {table} VALUES (?, ?, ?)",
                number,
                random.choice(cities),
                f"label {random.randrange(12)}",
            )
    file = world.folder / "accord.yaml"
    text = file.read_text("utf-8").replace(
        "visit: {table: visit}", "visit: {table: visit}\n      shelf: {table: shelf}"
    )
    text = text.replace("trip: {table: trip}", "trip: {table: trip}\n      rack: {table: rack}")
    file.write_text(text + "  shelf: {pms: shelf, erp: rack, link: never, rows: []}\n", "utf-8")
    (pair,) = world.accord("suggest", "shelf", "--json").json["pairs"]
    assert (pair["paired_by"], pair["match"]) == (None, [])
