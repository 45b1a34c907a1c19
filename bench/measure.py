"""Runs one client as a process of its own and takes its time, its CPU and its memory."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

from bench.world import HOUSE, Servers

LAUNCH = Path(__file__).with_name("launch.py")
SLOWING = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
"""A normal installation has its bytecode."""
RUN_ROUND = """
import json, sys
from pathlib import Path
from accord.config.load import load
from accord.engine.round import run_round
from accord.engine.setting import Options
report = run_round(load(Path("accord.yaml")), Options(full="--full" in sys.argv))
print(json.dumps(report.as_json(), default=str))
sys.exit(report.status)
"""
"""Until there is a command line."""


class Failed(Exception):
    """A client did not do what it should."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one process took."""

    wall: float
    """Seconds from start to end, imports included."""
    cpu: float
    """User and system seconds."""
    peak: float
    """MB resident, at most."""


def accord(folder: Path, servers: Servers, *, full: bool = False) -> Cost:
    """One round of Accord on a folder that holds its state."""
    shutil.copy(Path(__file__).with_name("accord.yaml"), folder)
    if has_command_line():
        command = [sys.executable, "-m", "accord", "run", "--json"]
    else:
        command = [sys.executable, "-c", RUN_ROUND]
    return _run([*command, *(["--full"] if full else [])], folder, servers)


@cache
def has_command_line() -> bool:
    """Whether `accord run` can be called."""
    tried = subprocess.run([sys.executable, "-m", "accord", "run", "--help"], cwd=HOUSE, capture_output=True)
    return tried.returncode == 0


def bare(folder: Path, servers: Servers) -> Cost:
    """One run of the bare client on a folder that holds its keys."""
    return _run([sys.executable, "-m", "bench.bare", servers.pms, servers.erp, "keys.json"], folder, servers)


def _run(command: list[str], folder: Path, servers: Servers) -> Cost:
    environment = {**servers.environment(), "PYTHONPATH": str(HOUSE)}
    for name in SLOWING:
        environment.pop(name, None)
    launcher = [sys.executable, "-S", str(LAUNCH), "cost.txt", *command]
    with (folder / "output.txt").open("wb") as output:
        subprocess.run(launcher, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT, check=True)
    wall, cpu, peak, status = map(float, (folder / "cost.txt").read_text().split())
    if status:
        text = (folder / "output.txt").read_text()[-2000:]
        raise Failed(f"{' '.join(command[:4])} ended with {status:.0f}: {text}")
    return Cost(wall=wall, cpu=cpu, peak=peak)


def middle(costs: list[Cost]) -> Cost:
    """The median of each."""
    return Cost(
        wall=median(cost.wall for cost in costs),
        cpu=median(cost.cpu for cost in costs),
        peak=max(cost.peak for cost in costs),
    )


def report(folder: Path) -> dict[str, object]:
    """What Accord said at the end."""
    found = json.loads((folder / "output.txt").read_text().strip().splitlines()[-1])
    return found if isinstance(found, dict) else {}
