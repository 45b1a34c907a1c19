"""`python -m tests.probing.killing FILE SYSTEM N before|after`: a probe that is killed at its N-th write."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from accord.config.load import load
from accord.config.meaning import System
from accord.connectors.registry import connect
from accord.engine.discovering import discover
from accord.probing.run import Probe


class Killing:
    """A connector around another one that counts its writes."""

    def __init__(self, inner: Any, at: int, when: str) -> None:
        self.inner, self.at, self.when, self.count = inner, at, when, 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if name not in ("create", "update", "delete"):
            return found

        async def write(*given: Any) -> Any:
            self.count += 1
            if self.count == self.at and self.when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            ended = await found(*given)
            if self.count == self.at:
                os.kill(os.getpid(), signal.SIGKILL)
            return ended

        return write


def main(file: str, name: str, at: str, when: str) -> None:
    project = load(Path(file))

    def killing(system: System) -> Any:
        return Killing(connect(system), int(at), when)

    found = discover(project.systems[name], 5)
    probe = Probe(project, name, [one for one in found if one.in_file], connecting=killing)
    probe.plan()
    print(probe.run(lambda *_: None).datatypes[0].made)


if __name__ == "__main__":
    main(*sys.argv[1:])
