"""`python -m tests.sim.mutations [--turns N] [--only NAME ...]`: every fault, caught or not, with the seed.

The source as it is goes first, and must not be caught: an oracle that cries at everything catches every fault too.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from .hunt import TURNS, Hunted, hunt
from .table import MUTATIONS, Mutation


def main() -> int:
    """0 where all are caught, and the source as it is is not."""
    options = _options()
    chosen: list[Mutation | None] = [m for m in MUTATIONS if not options.only or m.name in options.only]
    with ThreadPoolExecutor(options.workers) as pool:
        work = [pool.submit(hunt, mutation, options.turns) for mutation in [None, *chosen]]
        hunted = []
        for future in as_completed(work):
            hunted.append(future.result())
            print(_line(hunted[-1]), flush=True)
    return _verdict(hunted)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.sim.mutations", description=__doc__)
    parser.add_argument("--turns", type=int, default=TURNS, help="histories for each fault at most")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", choices=[m.name for m in MUTATIONS])
    return parser.parse_args()


def _line(one: Hunted) -> str:
    name = one.mutation.name if one.mutation else "(no fault)"
    if not one.caught:
        return f"{name:28} not caught " + (f"by {one.by}: {one.said}" if one.by else f"in {one.turn} histories")
    if one.by == "test":
        return f"{name:28} caught by {one.said}"
    return f"{name:28} caught after {one.turn:3} by {one.by}: {one.said}"


def _verdict(hunted: Sequence[Hunted]) -> int:
    faults = [one for one in hunted if one.mutation is not None]
    missed = [one.mutation.name for one in faults if one.mutation and not one.caught]
    false = [one.said for one in hunted if one.mutation is None and one.caught]
    tested = sum(one.caught and one.by == "test" for one in faults)
    print(
        f"{len(faults) - len(missed)} of {len(faults)} faults caught, {tested} of them by tests that they name"
        + (f"; not: {', '.join(missed)}" if missed else "")
    )
    for said in false:
        print(f"the source as it is was caught: {said}")
    return 1 if missed or false else 0


if __name__ == "__main__":
    sys.exit(main())
