"""Histories against the Accord that is found first on the path, until one is caught. Answers with one line of JSON.

Two of three turns are histories of our own random projects, which are the strictest. Every third is one of the
demonstration project in `accord.simulate`, on a bad day, or one of a project that is fixed in a few points, so that
what is rare elsewhere is frequent there.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import accord

from ..history import Violation, run_history

DEMO = Path(__file__).parents[3] / "examples" / "demo" / "accord.yaml"
ENV = {
    "CUSTOMPMS_URL": "http://127.0.0.1:1",
    "CUSTOMERP_URL": "http://127.0.0.1:2",
    "CUSTOMPMS_TOKEN": "token-one",
    "CUSTOMERP_TOKEN": "token-two",
}
POINTED: tuple[dict[str, Any], ...] = (
    {"on_delete": "propagate", "where": False, "special_name": None, "calm": False},
    {"on_delete": "propagate", "version_check": "where", "calm": False},
    {"means": "key", "match": False, "limits": {}, "calm": False},
)


def first_caught(turns: int) -> dict[str, Any] | None:
    """The first turn that is caught: its kind, seed and what the oracle said."""
    for turn in range(turns):
        kind, seed = _turn(turn)
        said = _simulated(seed) if kind == "simulate" else _own(seed, kind)
        if said is not None:
            return {"kind": kind, "seed": seed, "turn": turn + 1, "said": said}
    return None


def _turn(turn: int) -> tuple[str, int]:
    third, place = divmod(turn, 3)
    if place < 2:
        return "history", 2 * third + place
    return ("pointed" if third % 2 else "simulate"), third // 2


def _own(seed: int, kind: str) -> str | None:
    try:
        run_history(seed, **(POINTED[seed % len(POINTED)] if kind == "pointed" else {}))
    except Violation as violation:
        return next(line for line in str(violation).splitlines() if line.strip())
    return None


def _simulated(seed: int) -> str | None:
    from accord.config.load import load
    from accord.simulate.learn import offline_shapes
    from accord.simulate.play import play

    project = load(DEMO, env=ENV)
    played = play(project, offline_shapes(project), seed=seed, profile="bad day")
    return f"{played.failed}: {played.broken[0].message}" if played.broken else None


if __name__ == "__main__":
    expected, wanted = sys.argv[1:]
    found = str(Path(accord.__file__).resolve().parents[1])
    if found != expected:
        sys.exit(f"these are the histories of {found}, and not of {expected}")
    print(json.dumps(first_caught(int(wanted))))
