"""What machines do to a round: disks that are full, files that are damaged, clocks that jump, readers that go away.

Real processes and real files. Whatever happens, nothing is written to a system that the state could not note before,
and the next round goes on by itself.
"""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from .conftest import Result, World, make_world

KINDS = ("deleted", "emptied", "header", "cut", "garbled", "older", "foreign", "newer")
EACH = 25
"""Damaged states of each kind: 200 in all."""


def limited(world: World, limit: tuple[int, int], *arguments: str) -> Result:
    """The command line in a process of its own that may have no more of something than that."""
    what, most = limit
    done = subprocess.run(
        [sys.executable, "-m", "accord", *arguments],
        cwd=world.folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=lambda: resource.setrlimit(what, (most, most)),
    )
    assert "Traceback" not in done.stdout + done.stderr
    return Result(done.returncode, done.stdout, done.stderr)


def systems(world: World) -> list[list[object]]:
    """What both systems hold."""
    asked = (("pms", "customer"), ("pms", "visit"), ("erp", "client"), ("erp", "trip"))
    return [world.sql(system, f"SELECT * FROM {table} ORDER BY 1") for system, table in asked]


def busy(world: World, count: int) -> None:
    """Two systems in step, and then many edits on one side."""
    for number in range(count):
        values = (100 + number, f"Customer {number}", f"9{number}", "x" * 200)
        world.sql("pms", "INSERT INTO customer VALUES (?, ?, ?, ?, '2026-01-01 10:00:00')", *values)
    assert world.accord("run").status == 0
    world.sql("pms", "UPDATE customer SET city = 'y' || city, changed = datetime('now')")


@pytest.mark.parametrize("most", [200_000, 400_000, 500_000])
def test_a_full_disk(world: World, most: int) -> None:
    """No file may grow beyond a size: the round ends with 1 where it must, and the next one finishes the work."""
    busy(world, 150)
    before = systems(world)
    result = limited(world, (resource.RLIMIT_FSIZE, most), "run", "--json")
    assert result.status in (0, 1, 3)
    unnoted = systems(world)[2] != before[2] and len(world.accord("history", "--json").lines) == 0
    assert not unnoted
    assert world.accord("run").status == 0
    assert world.accord("run", "--json").json["writes"]["erp"]["update"] == 0
    towns = world.sql("erp", "SELECT count(*) FROM client WHERE town LIKE 'y%'")
    assert towns == [(151,)]
    assert world.accord("state", "check").status == 0


def test_no_more_open_files(world: World) -> None:
    """A process that may open only a few: no traceback, nothing half done, and the next round does it."""
    busy(world, 5)
    limited(world, (resource.RLIMIT_NOFILE, 12), "run")
    assert world.accord("run").status == 0
    assert world.accord("run", "--json").json["writes"]["erp"]["update"] == 0


def test_a_reader_that_goes_away(world: World) -> None:
    """`accord history --json | head -1`: the work of a round is done all the same, and nothing is complained of."""
    busy(world, 50)
    accord = f"{sys.executable} -m accord"
    command = f"{accord} run --json | head -c 1 > /dev/null; {accord} history --json | head -1"
    done = subprocess.run(
        ["bash", "-c", command], cwd=world.folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert "Traceback" not in done.stderr
    assert done.stdout.startswith("{")
    assert world.accord("run", "--json").json["writes"]["erp"]["update"] == 0


@pytest.mark.parametrize("jump", ["2016-03-27T01:30:00Z", "2036-10-26T01:30:00Z", "2026-03-29T01:30:00Z"])
def test_a_clock_that_jumps(world: World, jump: str) -> None:
    """Ten years back or on, or into an hour that summer time leaves out: edits are found by values, not by times."""
    busy(world, 3)
    assert world.accord("run", "--now", jump).status == 0
    world.edit("erp", "client", 71, "town", "Bergen")
    assert world.accord("run").status == 0
    assert world.sql("pms", "SELECT city FROM customer WHERE id = 1") == [("Bergen",)]
    assert world.accord("run", "--json").json["writes"] == {
        name: {"create": 0, "update": 0, "delete": 0} for name in ("pms", "erp")
    }


def test_two_rounds_at_once(world: World) -> None:
    """Ten processes begin together: they wait their turn or are refused, and each record is there once."""
    command = [sys.executable, "-m", "accord", "run", "--json"]
    running = [
        subprocess.Popen(command, cwd=world.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(6)
    ]
    statuses = [process.wait(timeout=120) for process in running]
    for process in running:
        assert b"Traceback" not in (process.stderr.read() if process.stderr else b"")
    assert set(statuses) <= {0, 1}
    assert world.accord("run").status == 0
    assert world.sql("erp", "SELECT count(*), count(DISTINCT vat) FROM client") == [(2, 2)]
    assert world.sql("erp", "SELECT count(*) FROM trip") == [(2,)]


# damaged states


def _deleted(state: Path, random: Random, folder: Path) -> None:
    state.unlink()


def _emptied(state: Path, random: Random, folder: Path) -> None:
    state.write_bytes(b"")


def _header(state: Path, random: Random, folder: Path) -> None:
    content = bytearray(state.read_bytes())
    content[: random.randint(1, 100)] = bytes(random.randint(1, 100))
    state.write_bytes(content)


def _cut(state: Path, random: Random, folder: Path) -> None:
    content = state.read_bytes()
    state.write_bytes(content[: random.randint(100, len(content) - 1)])


def _garbled(state: Path, random: Random, folder: Path) -> None:
    """The head of some page that is in use, overwritten."""
    content = bytearray(state.read_bytes())
    page = random.randrange(1, len(content) // 4096)
    content[page * 4096 : page * 4096 + 64] = random.randbytes(64)
    state.write_bytes(content)


def _older(state: Path, random: Random, folder: Path) -> None:
    shutil.copy(folder / "older.db", state)


def _foreign(state: Path, random: Random, folder: Path) -> None:
    shutil.copy(folder / "foreign.db", state)


def _newer(state: Path, random: Random, folder: Path) -> None:
    with sqlite3.connect(state) as db:
        db.execute("UPDATE alembic_version SET version_num = ?", (f"{random.randint(9000, 9999)}",))
    db.close()


DAMAGE: dict[str, Callable[[Path, Random, Path], None]] = {
    name.removeprefix("_"): function for name, function in list(globals().items()) if name.removeprefix("_") in KINDS
}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in step with edits that wait, an older copy of its state, and the state of another installation."""
    folder = tmp_path_factory.mktemp("kept")
    world = make_world(folder)
    for number in range(40):
        world.sql(
            "pms",
            "INSERT INTO customer VALUES (?, ?, ?, ?, '2026-01-01')",
            100 + number,
            f"C{number}",
            f"9{number}",
            "x",
        )
    world.accord("run")
    world.accord("state", "backup", str(folder / "older.db"))
    other = make_world(tmp_path_factory.mktemp("other"))
    other.accord("run")
    other.accord("state", "backup", str(folder / "foreign.db"))
    world.edit("pms", "customer", 2, "city", "Moss")
    world.accord("run")
    world.edit("pms", "customer", 1, "name", "Aasheim")
    world.sql("erp", "UPDATE client SET town = 'Asker', changed = datetime('now') WHERE no = 71")
    with sqlite3.connect(folder / "accord.db") as db:
        db.isolation_level = None
        db.execute("VACUUM")  # every page is in use: damage to a free one harms nothing
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_two_hundred_damaged_states(kept: Path, tmp_path: Path, kind: str) -> None:
    """Each is noticed before anything is written to a system: refused, or all held until somebody has looked."""
    for number in range(EACH):
        folder = tmp_path / str(number)
        shutil.copytree(kept, folder)
        world = World(folder)
        before = systems(world)
        DAMAGE[kind](folder / "accord.db", Random(f"{kind} {number}"), folder)
        result = world.accord("run", "--json")
        assert systems(world) == before, (kind, number)
        held = {item["kind"] for item in result.json["held"]}
        assert result.status == 1 or (result.status == 3 and "brake" in held), (kind, number, result)
        shutil.rmtree(folder)


def test_the_kinds_of_damage_are_all_there() -> None:
    """The test above is not empty."""
    assert set(DAMAGE) == set(KINDS)
    assert len(KINDS) * EACH == 200
    assert os.name == "posix"
