"""Rounds in processes of their own, which can be killed.

`python -m tests.end_to_end.rounds` imports everything once; for each line `{folder, environment}` it forks a process
that runs one round there, and answers with the process's number, then with how it ended.
"""

import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any


class Rounds:
    """The parent of the processes, seen from a test."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.end_to_end.rounds"]
        root = Path(__file__).parents[2]
        self._parent = subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.began = threading.Event()
        self.pid = 0

    def begin(self, folder: Path, environment: dict[str, str], ahead: float = 0.0) -> None:
        """Start a round, by a clock that is so many seconds ahead."""
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self.began.clear()
        order = {"folder": str(folder), "environment": environment, "ahead": ahead}
        self._parent.stdin.write(json.dumps(order) + "\n")
        self._parent.stdin.flush()
        self.pid = int(self._parent.stdout.readline())
        self.began.set()

    def kill(self, signal: int) -> None:
        """Send a signal to the round under way."""
        assert self.began.wait(10)
        os.kill(self.pid, signal)

    def end(self) -> int:
        """Wait for the round; its exit status, negative for a signal."""
        assert self._parent.stdout is not None
        return os.waitstatus_to_exitcode(int(self._parent.stdout.readline()))

    def close(self) -> None:
        """End the parent."""
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.close()
        self._parent.wait(10)
        self._parent.stdout.close()


def _round(order: dict[str, Any]) -> int:
    from accord.config.load import load
    from accord.engine.round import Caller, run_round
    from accord.engine.setting import Options, ShiftedClock

    os.environ.update(order["environment"])
    clock = ShiftedClock(datetime.now(UTC) + timedelta(seconds=order["ahead"]))
    return run_round(load(Path(order["folder"]) / "accord.yaml"), Options(), Caller(clock=clock)).status


def main() -> None:
    """Fork for each line."""
    import accord.connectors.rest.connector
    import accord.engine.round  # noqa: F401

    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            status = 70
            try:
                status = _round(json.loads(line))
            finally:
                os._exit(status)
        print(pid, flush=True)
        print(os.waitpid(pid, 0)[1], flush=True)


if __name__ == "__main__":
    main()
