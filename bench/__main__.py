"""`python -m bench`: first synchronisation, nothing to do, edits, deletes; Accord and the bare client in turn."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import measure, world
from bench.measure import Cost

SHARE = 0.01
OUT = Path(__file__).parent / "out"
MEMORY_MB = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What happens before a run, and how much longer than the bare client Accord may take."""

    name: str
    target: float
    before: Callable[[Path], object] = lambda _folder: None
    first: bool = False
    full: bool = False


SCENARIOS = (
    Scenario(name="first synchronisation", target=1.5, first=True),
    Scenario(name="nothing to do", target=1.3),
    Scenario(name="nothing to do, --full", target=1.3, full=True),
    Scenario(name="1 % edited on each side", target=1.5, before=lambda folder: world.edit(folder, SHARE)),
    Scenario(name="1 % deleted on each side", target=1.5, before=lambda folder: world.delete(folder, SHARE)),
)


class Bench:
    """One size."""

    def __init__(self, folder: Path, customers: int) -> None:
        self.folder = folder
        self.customers = customers
        self.fresh = folder / "fresh"
        self.synced = folder / "synced"

    def prepare(self) -> None:
        """The data before the first synchronisation, and both clients' memory after it."""
        world.make(self.fresh, self.customers)
        world.copy(self.fresh, self.synced)
        with world.serving(self.synced) as servers:
            measure.accord(self.synced, servers)
            measure.bare(self.synced, servers)
        world.age(self.synced)
        with world.serving(self.synced) as servers:
            measure.accord(self.synced, servers)
        self._check(self.synced)

    def run(self, scenario: Scenario, times: int) -> dict[str, object]:
        """Both clients in turn, as often as said."""
        ground = world.copy(self.fresh if scenario.first else self.synced, self.folder / "ground")
        scenario.before(ground)
        accord, bare = list[Cost](), list[Cost]()
        for _ in range(times):
            accord.append(self._once(ground, lambda f, s: measure.accord(f, s, full=scenario.full)))
            bare.append(self._once(ground, measure.bare))
        return {
            "size": self.customers,
            "scenario": scenario.name,
            "target": scenario.target,
            "accord": asdict(measure.middle(accord)),
            "bare": asdict(measure.middle(bare)),
            "ratio": measure.middle(accord).wall / measure.middle(bare).wall,
            "cpu_ratio": measure.middle(accord).cpu / measure.middle(bare).cpu,
            "runs": {"accord": [asdict(cost) for cost in accord], "bare": [asdict(cost) for cost in bare]},
        }

    def _once(self, ground: Path, client: Callable[[Path, world.Servers], Cost]) -> Cost:
        place = world.copy(ground, self.folder / "place")
        with world.serving(place) as servers:
            cost = client(place, servers)
        self._check(place)
        return cost

    def _check(self, place: Path) -> None:
        ours, theirs, differing = world.differences(place)
        if differing:
            raise measure.Failed(f"{ours} customers and {theirs}, of which {differing} differ: not synchronised")


def line(row: dict[str, object]) -> str:
    """One row of the table."""
    accord, bare = row["accord"], row["bare"]
    assert isinstance(accord, dict)
    assert isinstance(bare, dict)
    marks = "" if float(str(row["ratio"])) <= float(str(row["target"])) else " over"
    memory = "" if accord["peak"] <= MEMORY_MB else " over"
    return (
        f"{row['size']:>9,}  {row['scenario']:26} {accord['wall']:8.2f} {bare['wall']:8.2f} {row['ratio']:6.2f} "
        f"{row['target']:5.1f}{marks:5} {accord['cpu']:8.2f} {bare['cpu']:8.2f} {row['cpu_ratio']:6.2f} "
        f"{accord['peak']:8.0f}{memory:5} {bare['peak']:8.0f}"
    )


HEAD = (
    f"{'customers':>9}  {'':26} {'Accord s':>8} {'bare s':>8} {'ratio':>6} {'at most':>10} "
    f"{'CPU s':>8} {'bare':>8} {'ratio':>6} {'peak MB':>13} {'bare':>8}"
)


def main() -> int:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--sizes", default="10000,100000", help="customers a side after synchronisation")
    parser.add_argument("--quick", action="store_true", help="2,000 customers, once")
    parser.add_argument("--times", type=int, help="runs of each (3; 1 from 50,000 customers)")
    parser.add_argument("--only", default="", help="scenarios whose name contains this")
    parser.add_argument("--keep", type=Path, help="folder for the data, left there")
    options = parser.parse_args()
    sizes = [2000] if options.quick else [int(size) for size in options.sizes.split(",")]
    folder = options.keep or Path(tempfile.mkdtemp(prefix="accord-bench-"))
    rows: list[dict[str, object]] = []
    print(HEAD, flush=True)
    try:
        for size in sizes:
            bench = Bench(folder / str(size), size)
            if not bench.synced.exists():
                bench.prepare()
            times = options.times or (1 if options.quick or size >= 50_000 else 3)
            for scenario in SCENARIOS:
                if options.only in scenario.name:
                    rows.append(bench.run(scenario, times))
                    print(line(rows[-1]), flush=True)
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    _keep(rows)
    return 0


def _keep(rows: list[dict[str, object]]) -> None:
    OUT.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    about = {"at": now.isoformat(), "python": platform.python_version(), "cpus": os.cpu_count(), "rows": rows}
    file = OUT / f"{now:%Y%m%d-%H%M%S}.json"
    file.write_text(json.dumps(about, indent=1))
    print(f"kept in {file}")


if __name__ == "__main__":
    sys.exit(main())
