"""Long work: a progress bar on a terminal, a log line every few seconds elsewhere. Always on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from accord.cli.output import Output

Progress = Callable[[str, int, int | None], None]
EVERY = 5.0
"""Seconds between two log lines."""


@contextmanager
def progress(out: Output) -> Iterator[Progress]:
    """A function of (what is done, how many, of how many)."""
    if not sys.stderr.isatty():
        yield _Lines(out)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=out.errors, transient=True) as bars:
        yield _Bars(bars, out)


class _Bars:
    def __init__(self, bars: Any, out: Output) -> None:
        self.bars, self.out = bars, out
        self.tasks: dict[str, Any] = {}

    def __call__(self, what: str, done: int, total: int | None) -> None:
        if what not in self.tasks:
            for task in self.tasks.values():
                self.bars.update(task, visible=False)
            self.tasks[what] = self.bars.add_task(self.out.text(what))
        self.bars.update(self.tasks[what], completed=done, total=total, visible=True)


class _Lines:
    def __init__(self, out: Output) -> None:
        self.out = out
        self.said = time.monotonic()

    def __call__(self, what: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if now - self.said >= EVERY:
            self.said = now
            self.out.note(f"{what}: {done:,} of {total:,}" if total is not None else f"{what}: {done:,}")
