"""`accord state`: copies that can be trusted, damage that is found, a way out and in that loses nothing."""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path

import pytest

from .conftest import World


def tables(file: Path) -> dict[str, list[object]]:
    """All rows of a state but for the lease and what says that it is a copy."""
    with sqlite3.connect(file) as db:
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {name: db.execute(f"SELECT * FROM {name} ORDER BY 1, 2, 3").fetchall() for name in names
                 if name not in ("lease", "sqlite_sequence", "alembic_version", "meta")}  # fmt: skip
        found["words"] = db.execute("SELECT key, value FROM meta WHERE key <> 'doubtful' ORDER BY key").fetchall()
    db.close()
    return found


def test_a_backup_is_the_state_of_one_moment(world: World) -> None:
    """Whole, only ours to read, without a lease, and never over another file."""
    world.accord("run")
    copy = world.folder / "copy.db"
    made = world.accord("state", "backup", str(copy), "--json").json
    assert made["links"] == 4
    assert tables(copy) == tables(world.folder / "accord.db")
    assert copy.stat().st_mode & 0o077 == 0
    assert world.accord("state", "backup", str(copy)).status == 2
    assert world.accord("state", "backup", str(copy), "--force").status == 0


def test_a_backup_while_somebody_writes(world: World) -> None:
    """The copy holds each transaction whole or not at all."""
    world.accord("run")
    state, stop = world.folder / "accord.db", threading.Event()

    def write() -> None:
        db = sqlite3.connect(state, isolation_level=None, timeout=30)
        for number in range(100_000):
            if stop.is_set():
                break
            db.execute("BEGIN IMMEDIATE")
            db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('one', ?)", (str(number),))
            db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('two', ?)", (str(number),))
            db.execute("COMMIT")
        db.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        results = [world.accord("state", "backup", str(world.folder / f"copy{n}.db")) for n in range(5)]
    finally:
        stop.set()
        writer.join()
    assert [result.status for result in results] == [0] * 5
    for number in range(5):
        words = dict(tables(world.folder / f"copy{number}.db")["words"])  # type: ignore[call-overload]
        assert words.get("one") == words.get("two")


def test_a_restored_backup_writes_nothing_before_somebody_has_looked(world: World) -> None:
    """Also where no mark is left; what was there is kept beside it."""
    world.accord("run")
    copy = world.folder / "copy.db"
    world.accord("state", "backup", str(copy))
    world.edit("pms", "customer", 1, "name", "Aasheim")
    world.accord("run")
    (world.folder / "accord.db.mark").unlink()
    done = world.accord("state", "restore", str(copy), "--json").json
    assert Path(done["kept"]).is_file()
    world.edit("pms", "customer", 2, "city", "Bergen")
    report = world.accord("run", "--json")
    assert report.status == 3
    assert {item["kind"] for item in report.json["held"]} >= {"brake"}
    assert world.sql("erp", "SELECT town FROM client WHERE vat = '222'") == [(None,)]


def test_a_damaged_backup_is_not_restored(world: World) -> None:
    """The state stays as it is."""
    world.accord("run")
    copy = world.folder / "copy.db"
    world.accord("state", "backup", str(copy))
    before = tables(world.folder / "accord.db")
    content = bytearray(copy.read_bytes())
    content[4096 * 3 : 4096 * 5] = b"\xff" * 8192
    copy.write_bytes(content)
    assert world.accord("state", "restore", str(copy)).status == 1
    copy.write_bytes(b"no state at all" * 500)
    assert world.accord("state", "restore", str(copy)).status == 1
    assert world.accord("state", "restore", str(world.folder / "none.db")).status == 2
    assert tables(world.folder / "accord.db") == before


def test_a_damaged_state_can_be_replaced(world: World) -> None:
    """A backup goes in its place, though the state itself cannot be opened."""
    world.accord("run")
    copy = world.folder / "copy.db"
    world.accord("state", "backup", str(copy))
    (world.folder / "accord.db").write_bytes(b"\0" * 100)
    assert world.accord("run").status == 1
    assert world.accord("state", "restore", str(copy)).status == 0
    assert world.accord("run").status in (0, 3)


def test_nothing_is_restored_under_a_round(world: World) -> None:
    """Whoever holds the lease is named."""
    world.accord("run")
    copy = world.folder / "copy.db"
    world.accord("state", "backup", str(copy))
    import os
    import socket

    from accord.store.lease import process_born

    with sqlite3.connect(world.folder / "accord.db") as db:
        us = (socket.gethostname(), os.getpid(), process_born(os.getpid()))
        db.execute("INSERT INTO lease VALUES ('round', 'somebody', ?, ?, ?, '2026-01-01', '2026-01-01')", us)
    db.close()
    refused = world.accord("state", "restore", str(copy))
    assert (refused.status, "a round is at work" in refused.err) == (1, True)


@pytest.mark.parametrize(
    ("kind", "statement"),
    [
        ("member", "INSERT INTO member (link, place, id, native_id, base) VALUES (99, 1, 'x', '\"x\"', '{}')"),
        ("link", "UPDATE link SET state = 'closed' WHERE id = 1"),
        ("link", "UPDATE link SET state = 'lost' WHERE id = 1"),
        ("place", "UPDATE member SET place = 77 WHERE link = 1 AND place = 1"),
        ("value", "UPDATE member SET base = '{' WHERE link = 1"),
        ("value", "UPDATE member SET behind = 'nothing' WHERE link = 1"),
        ("history", "UPDATE history SET run = 1000 WHERE id = 1"),
        ("cursor", "UPDATE cursor SET place = 55 WHERE place = 1"),
        ("sequence", "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'link'"),
        ("held", "INSERT INTO held VALUES (9, 'value', '', 99, '', '[]', '{}', '', '', '', 1, NULL, NULL, NULL, NULL)"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_found(world: World, kind: str, statement: str) -> None:
    """Each with its kind, and exit status 1; a sound state has none."""
    world.accord("run")
    assert world.accord("state", "check", "--json").json == {"ok": True, "damages": [], "doubtful": None}
    with sqlite3.connect(world.folder / "accord.db") as db:
        db.execute(statement)
    db.close()
    found = world.accord("state", "check", "--json")
    assert found.status == 1
    assert kind in {damage["kind"] for damage in found.json["damages"]}
    assert all(damage["hint"] for damage in found.json["damages"])


def test_an_export_comes_back_as_it_was(world: World) -> None:
    """Held items, decisions, tombstones, history, what was read: the next round is quiet and knows everything."""
    world.conflict()
    world.accord("links", "unlink", "2")
    world.accord("held", "resolve", "1", "--take", "pms")
    file, state = world.folder / "all.jsonl", world.folder / "accord.db"
    world.accord("state", "export", "-o", str(file))
    before = tables(state)
    for old in world.folder.glob("accord.db*"):
        old.unlink()
    assert world.accord("state", "import", str(file)).status == 0
    assert tables(state) == before
    assert file.stat().st_mode & 0o077 == 0
    report = world.accord("run", "--approve", "updates<=1", "--json").json
    assert (report["writes"]["pms"]["update"], report["writes"]["erp"]["update"]) == (0, 1)
    assert world.accord("run", "--json").json["held"] == []
    assert world.accord("state", "check").status == 0


def test_an_import_over_a_state_is_refused(world: World) -> None:
    """And the state is as it was."""
    world.accord("run")
    file = world.folder / "all.jsonl"
    world.accord("state", "export", "-o", str(file))
    before = tables(world.folder / "accord.db")
    assert world.accord("state", "import", str(file)).status == 2
    assert tables(world.folder / "accord.db") == before


@pytest.mark.parametrize("damage", ["cut", "garbled", "table", "column", "more", "head", "newer"])
def test_a_broken_export_is_not_imported(world: World, damage: str) -> None:
    """The line is named, and nothing is left behind."""
    world.accord("run")
    lines = world.accord("state", "export").out.splitlines()
    row = next(number for number, line in enumerate(lines) if '"table":"link"' in line)
    changed = {
        "cut": lines[:-1],
        "garbled": [*lines[:row], lines[row][:-9], *lines[row + 1 :]],
        "table": [*lines[:row], '{"table":"nothing","row":{}}', *lines[row + 1 :]],
        "column": [*lines[:row], '{"table":"link","row":{"id":1}}', *lines[row + 1 :]],
        "more": [*lines, lines[row]],
        "head": lines[1:],
        "newer": [json.dumps({**json.loads(lines[0]), "schema": "9999"}), *lines[1:]],
    }[damage]
    file = world.folder / "all.jsonl"
    file.write_text("\n".join(changed) + "\n", "utf-8")
    for old in world.folder.glob("accord.db*"):
        old.unlink()
    refused = world.accord("state", "import", str(file))
    assert refused.status == 1
    assert list(world.folder.glob("accord.db*")) == []
    if damage in ("garbled", "table", "column"):
        assert f"line {row + 1}" in refused.err


def test_old_history_goes_and_explanations_stay(world: World) -> None:
    """Of each property the last line is kept, however old; the values before it are gone."""
    for number in range(5):
        world.accord("run", "--now", f"2026-01-0{number + 1}T10:00:00Z")
        world.edit("pms", "customer", 1, "city", f"City {number}")
    count = len(world.accord("history", "--json").lines)
    done = world.accord("state", "prune", "--older-than", "30d", "--now", "2026-06-01T00:00:00Z", "--json").json
    assert done["history"] == 4
    left = world.accord("history", "--json").lines
    assert len(left) == count - 4
    (city,) = world.accord("explain", "erp/client/71", "city", "--json").json["rows"]
    assert city["last_change"]["new"] == "City 3"
    assert world.accord("run", "--json").json["errors"] == []


def test_what_is_open_keeps_its_history(world: World) -> None:
    """Nothing of a link that waits for a person is let go."""
    world.conflict()
    before = len(world.accord("history", "--link", "1", "--json").lines)
    world.accord("state", "prune", "--older-than", "1d", "--now", "2030-01-01T00:00:00Z")
    assert len(world.accord("history", "--link", "1", "--json").lines) == before > 0
    assert world.accord("state", "prune", "--older-than", "soon").status == 2
