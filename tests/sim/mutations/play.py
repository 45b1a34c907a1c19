"""Histories against the Accord that is found first on the path, until one is caught. Answers with one line of JSON.

Every third turn is a history of the demonstration project in `accord.simulate`, on a bad day; the others are those
of our own random projects, which are stricter.
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


def first_caught(turns: int) -> dict[str, Any] | None:
    """The first turn that is caught: its kind, seed and what the oracle said."""
    for turn in range(turns):
        kind, seed = ("simulate", turn // 3) if turn % 3 == 2 else ("history", turn - turn // 3)
        said = _own(seed) if kind == "history" else _simulated(seed)
        if said is not None:
            return {"kind": kind, "seed": seed, "turn": turn + 1, "said": said}
    return None


def _own(seed: int) -> str | None:
    try:
        run_history(seed)
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
